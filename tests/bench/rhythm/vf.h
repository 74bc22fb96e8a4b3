/* Shockable rhythms on VFDB through the whole chain: examples, training, cross-validation by
 * record. Definition: shockable is what is annotated as VF, VFIB, VFL or VT (its rate is not
 * annotated); NOISE is not looked at; all else, asystole too, is not shockable. By duration. */
#ifndef XW_BENCH_RHYTHM_VF_H
#define XW_BENCH_RHYTHM_VF_H

#include "bench/rhythm/records.h"
#include "dsp/ecg/vf.h"
#include "dsp/train/fit.h"

enum { XW_RHYTHM_VF_RECORDS_MAX = 40 };

struct xw_rhythm_vf_record {
    char path[XW_RHYTHM_PATH_BYTES];
    char name[XW_RHYTHM_NAME_BYTES];
    double rate_hz;
    int64_t end;
    struct xw_rhythm_segments truth;
    bool scored; /* VFDB; DS1 of MITDB serves the training */
};

struct xw_rhythm_vf {
    struct xw_rhythm_vf_record record[XW_RHYTHM_VF_RECORDS_MAX];
    unsigned n;
    struct xw_fit_example *example;
    size_t examples_n;
};

int xw_rhythm_vf_load(const char *data, struct xw_rhythm_vf *ret_vf);
void xw_rhythm_vf_done(struct xw_rhythm_vf *vf);
int xw_rhythm_vf_examples(struct xw_rhythm_vf *vf);
extern const struct xw_fit_recipe xw_rhythm_vf_recipe;

struct xw_rhythm_vf_score {
    struct xw_rhythm_durations all;        /* seconds */
    struct xw_rhythm_durations without_vt; /* VT is not looked at */
    double delay_s[512]; /* onset of an episode of 10 s or more to the first shockable alarm */
    unsigned delays_n, missed_n;
    unsigned alarms_n, false_n; /* alarms VF or VT; of these without anything shockable in them */
};
/* table: NULL for the one compiled in. */
int xw_rhythm_vf_run(const struct xw_rhythm_vf_record *record, const struct xw_dsp_net *table,
                     struct xw_rhythm_vf_score *score);

#endif
