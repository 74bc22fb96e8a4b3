/* A model made from all folds but one (or from all): members, scaling, calibration, limits; and
 * cross-validation by patient. Each member leaves out one more fold, which stops it early and on
 * which it is calibrated, so that nothing of the judged fold is looked at. Errors: -EINVAL,
 * -ENOMEM. */
#ifndef XW_TRAIN_TWELVE_CROSS_H
#define XW_TRAIN_TWELVE_CROSS_H

#include "dsp/train/twelve/learn.h"

/* What a model made without the case's fold says of it. */
struct xw_twelve_verdict {
    bool said[XW_NET12_CLASSES];
    float logit[XW_NET12_CLASSES], probability[XW_NET12_CLASSES]; /* NAN: not seen */
};

/* left_out: a fold, or -1. ret_model->weights is given memory; free() it. */
int xw_twelve_make(const struct xw_twelve_recipe *recipe, const struct xw_twelve_cases *cases,
                   int left_out, struct xw_net12_model *ret_model);
/* The bytes of a model; free() them. */
int xw_twelve_pack(const struct xw_net12_model *model, uint8_t **ret_bytes, size_t *ret_n);
/* ret_verdicts: of every case. Progress goes to stderr. */
int xw_twelve_cross(const struct xw_twelve_recipe *recipe, const struct xw_twelve_cases *cases,
                    struct xw_twelve_verdict *ret_verdicts);

/* Platt's slope and offset of logits, by Newton's method on smoothed targets. */
void xw_twelve_calibrate(const float *logit, const bool *target, size_t n, float *ret_slope,
                         float *ret_offset);
/* The probability from which on F1 is largest; 0.5 without positives. */
float xw_twelve_limit(const float *probability, const bool *target, size_t n);

#endif
