/* Atrial fibrillation from annotated beats: examples, training, cross-validation by record.
 * The features are those of dsp/ecg/af.c itself, taken while it runs. */
#ifndef XW_RHYTHM_AF_H
#define XW_RHYTHM_AF_H

#include "bench/rhythm/records.h"
#include "dsp/ecg/af.h"
#include "dsp/train/fit.h"

enum { XW_RHYTHM_AF_RECORDS_MAX = 80 };

/* One record: its beats and the rhythm that is true. */
struct xw_rhythm_af_record {
    char name[XW_RHYTHM_NAME_BYTES];
    double rate_hz;
    int64_t *beat;
    unsigned char *usable; /* the interval that ends here lies between beats not ventricular */
    size_t beats_n;
    int64_t end;
    struct xw_rhythm_segments truth;
    bool scored; /* AFDB; the others serve the training and are reported apart */
};

struct xw_rhythm_af {
    struct xw_rhythm_af_record record[XW_RHYTHM_AF_RECORDS_MAX];
    unsigned n;
    struct xw_fit_example *example, *early; /* of the long look, of the early one */
    size_t examples_n, early_n;
};

/* AFDB (all), MITDB (DS1 alone, or also DS2 to report on). */
int xw_rhythm_af_load(const char *data, bool with_ds2, struct xw_rhythm_af *ret_af);
void xw_rhythm_af_done(struct xw_rhythm_af *af);
/* Fills example: every fourth beat of AFDB and of DS1. */
int xw_rhythm_af_examples(struct xw_rhythm_af *af);
extern const struct xw_fit_recipe xw_rhythm_af_recipe, xw_rhythm_af_early_recipe;

struct xw_rhythm_af_score {
    struct xw_rhythm_durations without_flutter; /* seconds; flutter is not looked at */
    struct xw_rhythm_durations with_flutter;    /* flutter counts as another rhythm */
    double delay_s[4096]; /* onset to the moment it was said, for episodes of a minute or more */
    unsigned delays_n, missed_n; /* such episodes that were never said */
    unsigned back_n;             /* said by the early look and taken back */
    unsigned back_true_n;        /* of these where it was so */
};
/* What says it; NULL and 0: as compiled in. */
struct xw_rhythm_af_tables {
    struct xw_dsp_net *table, *early;
    float early_price, early_caution;
};
/* Adds what the tables say of the record. */
void xw_rhythm_af_run(const struct xw_rhythm_af_record *record,
                      const struct xw_rhythm_af_tables *tables, struct xw_rhythm_af_score *score);

#endif
