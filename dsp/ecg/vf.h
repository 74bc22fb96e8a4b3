/* Ventricular fibrillation, flutter and fast ventricular tachycardia in the waveform itself, second
 * by second.
 *
 * Figures of the last four seconds of the two largest usable leads (wave.h), leakage and count2 of
 * each second, and how many beats of a known shape there were, go into a small trained table; its
 * weights for and against are summed between two limits, and the state changes when the sum has
 * gone from one to the other: the onset is where it left the first.
 * Before it has begun the waves are also judged as if there were no beats (`vf_alone`).
 * Leakage: a near-sinusoidal wave cancels against itself shifted by half its mean period (Kuo &
 * Dillman 1978). Count2: share of a second in which the 13-17 Hz band is above its own mean: high
 * for a wave that never rests, low for spikes (Li et al. 2014).
 * The alarm tells tachycardia from fibrillation by how well the wave repeats itself.
 * Life: init, second, reset, done. Units: µV, shares 0..1. */
#ifndef XW_DSP_ECG_VF_H
#define XW_DSP_ECG_VF_H

#include "dsp/core/net.h"
#include "dsp/ecg/wave.h"

enum {
    XW_ECG_VF_SECONDS = XW_ECG_WAVE_S,
    XW_ECG_VF_FEATURES = XW_ECG_WAVE_FIGURES + 7,
    XW_ECG_VF_RULE_VERSION = 3,
};

/* What the detector saw in the last five seconds. */
struct xw_ecg_vf_beats {
    unsigned beats_n;
    float match;    /* mean likeness to shapes known before; 0 without beats */
    float rate_bpm; /* of the mean RR, 0 under three beats */
    float uneven;   /* mean difference of neighbouring RR over their mean; 0 under three beats */
    bool ordinary;  /* all are the patient's own: of the usual shape, not wide, even, no gap */
};

struct xw_ecg_vf_features {
    float leakage, count2, range_uv, period_s;
};

struct xw_ecg_vf {
    struct xw_ecg_vf_features second[XW_ECG_VF_SECONDS]; /* mean of the leads used */
    unsigned seconds_n;
    struct xw_ecg_wave wave;
    const struct xw_dsp_net *table;
    float features[XW_ECG_VF_FEATURES];
    float weight, sum; /* of the last second; of all, between the limits */
    unsigned left_s;   /* seconds since the sum left the limit of the present state */
    bool active, suspected;
    float since_s;                   /* at a change of state: how long it has been so */
    bool now;                        /* the last second alone looks like it */
    float leakage, count2, range_uv; /* means over the window, smallest range */
    int lead[2];                     /* looked at in the last second, -1 = none */
    float evenness, cycle_s; /* autocorrelation at its first peak over two seconds, and its lag */
};

int xw_ecg_vf_init(struct xw_ecg_vf *v) __attribute__((warn_unused_result));
void xw_ecg_vf_done(struct xw_ecg_vf *v);
void xw_ecg_vf_reset(struct xw_ecg_vf *v);

/* Called once a second, at frame `end`; usable: leads that may be looked at; range_uv: of each. */
void xw_ecg_vf_second(struct xw_ecg_vf *v, const struct xw_ecg_signal *signal, int64_t end,
                      uint32_t usable, const float *range_uv, const struct xw_ecg_vf_beats *beats);

#endif
