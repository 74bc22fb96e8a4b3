/* A bank of QRS shapes of this patient, over all leads together.
 *
 * A shape is 41 frames (±80 ms at 250 Hz) of every lead, or of its slope, each lead's mean taken
 * out. A wandering baseline or a moved electrode has little slope, a QRS has much, so that by slope
 * noise neither hides a known beat nor looks like one. Shapes are compared over all leads at once,
 * each lead weighted by its trust and its usual level, at the best of seven shifts.
 * Life: init, match, learn, reset, done. */
#ifndef XW_DSP_ECG_TEMPLATE_H
#define XW_DSP_ECG_TEMPLATE_H

#include "dsp/ecg/signal.h"

enum {
    XW_ECG_TEMPLATE_HALF = 20,
    XW_ECG_TEMPLATE_FRAMES = 2 * XW_ECG_TEMPLATE_HALF + 1,
    XW_ECG_TEMPLATE_SHIFT = 3,
    XW_ECG_TEMPLATE_SLOPE_MAX = 3, /* frames on each side */
    XW_ECG_TEMPLATES = 8,
};

struct xw_ecg_shape {
    float *x;                       /* TEMPLATE_FRAMES frames */
    float energy[XW_DSP_LANES_MAX]; /* of each lead */
    float beats_n;                  /* decays: beats of about the last two minutes */
    unsigned learned_n;
    int64_t last_t;
};

struct xw_ecg_template {
    unsigned lanes, leads_n;
    int slope; /* frames on each side; 0 = the wave itself */
    float *memory;
    struct xw_ecg_shape shape[XW_ECG_TEMPLATES];
};

struct xw_ecg_match {
    int shape;         /* best shape, -1 = the bank is empty or the beat not at hand */
    int shift;         /* frames that the beat lies later than the shape */
    float correlation; /* -1..1 */
    float energy;      /* of the beat over that of the shape */
};

/* slope: 0 … SLOPE_MAX. */
int xw_ecg_template_init(struct xw_ecg_template *b, unsigned leads_n, int slope)
    __attribute__((warn_unused_result));
void xw_ecg_template_done(struct xw_ecg_template *b);
void xw_ecg_template_reset(struct xw_ecg_template *b);
/* Both were made for as many leads. */
void xw_ecg_template_copy(struct xw_ecg_template *to, const struct xw_ecg_template *from);

/* The most similar shape. weight: one per lane, ≥ 0. established: only among shapes with three
 * beats or more, not rare and not weak against the dominant one (a T wave learned by mistake). */
struct xw_ecg_match xw_ecg_template_match(const struct xw_ecg_template *b,
                                          const struct xw_ecg_signal *signal, int64_t t,
                                          const float *weight, bool established);

/* Takes a beat in: into the shape that it matches (correlation ≥ 0.85), else as a new shape in the
 * place of the least used one. Returns the index of its shape, -1 if the beat is not at hand. */
int xw_ecg_template_learn(struct xw_ecg_template *b, const struct xw_ecg_signal *signal, int64_t t,
                          const float *weight);

/* How much the wave at frame t is like the one at another frame; shape < 0: one is not at hand. */
struct xw_ecg_match xw_ecg_template_alike(const struct xw_ecg_template *b,
                                          const struct xw_ecg_signal *signal, int64_t t,
                                          int64_t other, const float *weight);

/* The shape with the most beats; -1 when there is none. */
int xw_ecg_template_dominant(const struct xw_ecg_template *b);

#endif
