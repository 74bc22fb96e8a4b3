/* Figures of verdicts: areas under the curve, F1, calibration, each with a 95 % interval from
 * resampling patients (seeded). Cases that the network could not see count as not said. */
#ifndef XW_TRAIN_TWELVE_SCORE_H
#define XW_TRAIN_TWELVE_SCORE_H

#include "dsp/train/twelve/cross.h"

struct xw_twelve_figure {
    double value, low, high; /* 95 % */
};

enum { XW_TWELVE_DRAWS = 1000, XW_TWELVE_BINS = 5 };

/* How often each case is drawn, XW_TWELVE_DRAWS times; first row all 1. free(). */
uint8_t *xw_twelve_draws(const struct xw_twelve_cases *cases, uint64_t seed);

/* Over cases that were seen and whose truth is known. */
struct xw_twelve_figure xw_twelve_auc(const struct xw_twelve_cases *cases, const uint8_t *draws,
                                      const struct xw_twelve_verdict *v, unsigned class);
/* Mean over the superclasses. */
struct xw_twelve_figure xw_twelve_macro_auc(const struct xw_twelve_cases *cases,
                                            const uint8_t *draws,
                                            const struct xw_twelve_verdict *v);
/* v = NULL: of the rules. */
struct xw_twelve_figure xw_twelve_f1(const struct xw_twelve_cases *cases, const uint8_t *draws,
                                     const struct xw_twelve_verdict *v, unsigned class);
/* F1 of v less that of the other (NULL: the rules), drawn together. */
struct xw_twelve_figure xw_twelve_f1_gain(const struct xw_twelve_cases *cases, const uint8_t *draws,
                                          const struct xw_twelve_verdict *v,
                                          const struct xw_twelve_verdict *other, unsigned class);

struct xw_twelve_reliability {
    unsigned n[XW_TWELVE_BINS];
    double said[XW_TWELVE_BINS], found[XW_TWELVE_BINS]; /* mean probability; share that is true */
    double brier, error; /* mean square; expected calibration error */
};
/* Bins of equal width. */
void xw_twelve_reliability(const struct xw_twelve_cases *cases, const struct xw_twelve_verdict *v,
                           unsigned class, struct xw_twelve_reliability *ret_table);

#endif
