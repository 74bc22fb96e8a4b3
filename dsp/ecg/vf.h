/* Ventricular fibrillation or flutter in the waveform itself, second by second.
 *
 * Leakage: a near-sinusoidal wave cancels against itself shifted by half its mean period (Kuo &
 * Dillman 1978). Count2: share of a second in which the 13-17 Hz band is above its own mean: high
 * for a wave that never rests, low for spikes (Li et al. 2014). Both are averaged over four seconds
 * and the two largest usable leads; a linear score with hysteresis decides. Wide fast tachycardia
 * looks the same here: the alarm tells the two apart by how well the wave repeats itself.
 * Life: init, second, reset. Units: µV, shares 0..1. */
#ifndef XW_DSP_ECG_VF_H
#define XW_DSP_ECG_VF_H

#include "dsp/ecg/signal.h"

enum { XW_ECG_VF_SECONDS = 4 };

struct xw_ecg_vf_features {
    float leakage, count2, range_uv, period_s;
};

struct xw_ecg_vf {
    struct xw_ecg_vf_features second[XW_ECG_VF_SECONDS]; /* mean of the leads used */
    unsigned seconds_n;
    unsigned positive_n, negative_n; /* seconds in a row */
    bool active, suspected;
    bool now;                               /* the last second alone looks like it */
    float leakage, count2, range_uv, score; /* means over the window */
    int lead[2];                            /* looked at in the last second, -1 = none */
    float evenness, cycle_s; /* autocorrelation at its first peak over two seconds, and its lag */
};

void xw_ecg_vf_reset(struct xw_ecg_vf *v);

/* Features of one lead over the second that ends at frame `end`. */
struct xw_ecg_vf_features xw_ecg_vf_measure(const struct xw_ecg_signal *signal, unsigned lead,
                                            int64_t end);

/* The limit of one feature, given the other: the score is 0 there. */
float xw_ecg_vf_leakage_limit(const struct xw_ecg_vf *v);
float xw_ecg_vf_count2_limit(const struct xw_ecg_vf *v);

/* Called once a second, at frame `end`; usable: leads that may be looked at; range_uv: of each. */
void xw_ecg_vf_second(struct xw_ecg_vf *v, const struct xw_ecg_signal *signal, int64_t end,
                      uint32_t usable, const float *range_uv);

#endif
