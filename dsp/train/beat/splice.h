/* Recordings of rhythms that were never recorded: beats cut out of a real record (P, QRS and T of
 * its plain beats) and put together again at other times, so that the trainer sees atrial ectopy,
 * atrial runs, slow sinus rhythm with early beats, sinus arrhythmia and tachycardia, dropped beats
 * and atrial fibrillation on many different QRS shapes and noises, and ventricular beats, runs no
 * faster than the sinus node, and conduction that comes and goes. Early atrial beats get another
 * P wave. Deterministic by seed. Ownership: splice_done frees. Errors: negative errno. */
#ifndef XW_DSP_TRAIN_SPLICE_H
#define XW_DSP_TRAIN_SPLICE_H

#include "wfdb/wfdb.h"

struct xw_splice {
    int32_t *rows; /* interleaved */
    int64_t rows_n;
    unsigned channels_n;
    struct xw_wfdb_annotation *beats; /* N, A (atrial premature), V, B (bundle branch block) */
    size_t beats_n;
};

/* -ENODATA: the record has too few plain beats. */
int xw_splice_make(const int32_t *rows, int64_t rows_n, unsigned channels_n, double rate_hz,
                   const struct xw_wfdb_annotations *reference, double seconds, uint64_t seed,
                   struct xw_splice *ret_splice);
void xw_splice_done(struct xw_splice *splice);

#endif
