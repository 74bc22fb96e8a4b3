/* Mains interference removal by the subtraction procedure, many leads at once.
 *
 * Where the signal runs straight (first differences over one mains period spread by less than a
 * limit), the difference between the signal and its mean over one mains period IS the interference:
 * it is subtracted there, and a phasor model of it (fundamental and two harmonics, frequency
 * tracked) is kept up to date. Where the signal does not run straight (QRS), the model is
 * subtracted. So nothing rings after a QRS and no 40-60 Hz part of a QRS is lost. For rates that
 * are no multiple of the mains the mean's own gain at the mains frequency is divided out, and the
 * value one period ago is interpolated.
 * A lead without interference (not coherent, or below 3 µV) passes through untouched.
 *
 * Life: init, process, reset, delay, done. Delay: half a mains period, the same for 50 and 60 Hz.
 * With mains_hz 0 it listens one second at a time and chooses.
 * Source: Levkov et al. 1984, 2005 (procedure); the phasor model and the gate are our own. */
#ifndef XW_DSP_ECG_MAINS_H
#define XW_DSP_ECG_MAINS_H

#include "dsp/core/frame.h"

#include <stdbool.h>
#include <stdint.h>

enum { XW_ECG_MAINS_HARMONICS = 3, XW_ECG_MAINS_LISTEN_N = 5 };

struct xw_ecg_mains_listener { /* Goertzel filters over one second of one lead */
    double coefficient[XW_ECG_MAINS_LISTEN_N];
    double s1[XW_ECG_MAINS_LISTEN_N], s2[XW_ECG_MAINS_LISTEN_N];
    float last;
    unsigned lead, done_n, votes_50, votes_60;
};

struct xw_ecg_mains {
    unsigned lanes, leads_n, delay_n, ring_n, block_n;
    double rate_hz;
    bool chosen_by_listening, active;
    /* for the frequency in use */
    double nominal_hz, tracked_hz;
    unsigned period_n, half_n, harmonics_n;
    unsigned back_n;      /* whole part of the tracked period */
    float back_weight[4]; /* cubic interpolation between back_n - 1 .. back_n + 2 */
    double turn_re[XW_ECG_MAINS_HARMONICS], turn_im[XW_ECG_MAINS_HARMONICS];
    double now_re[XW_ECG_MAINS_HARMONICS], now_im[XW_ECG_MAINS_HARMONICS];
    float gain[XW_ECG_MAINS_HARMONICS]; /* 1 / (1 - gain of the mean) */
    float rate_lms;
    int64_t in_n;
    unsigned at; /* of the next frame in the rings */
    unsigned block_at;
    float *x, *difference; /* rings of ring_n frames, twice over */
    float re[XW_ECG_MAINS_HARMONICS][XW_DSP_LANES_MAX];
    float im[XW_ECG_MAINS_HARMONICS][XW_DSP_LANES_MAX];
    float limit[XW_DSP_LANES_MAX]; /* of straightness, µV */
    float on[XW_DSP_LANES_MAX];    /* 0 or 1 */
    /* sums over the block in hand, and the block before */
    float sum_re[XW_DSP_LANES_MAX], sum_im[XW_DSP_LANES_MAX], sum_sq[XW_DSP_LANES_MAX];
    float sum_n[XW_DSP_LANES_MAX];
    float last_re[XW_DSP_LANES_MAX], last_im[XW_DSP_LANES_MAX];
    unsigned quiet_blocks[XW_DSP_LANES_MAX];
    struct xw_ecg_mains_listener listener;
};

/* mains_hz: 50, 60, or 0 to listen. -EINVAL, -ENOMEM. */
int xw_ecg_mains_init(struct xw_ecg_mains *m, unsigned leads_n, double rate_hz, unsigned mains_hz)
    __attribute__((warn_unused_result));
void xw_ecg_mains_done(struct xw_ecg_mains *m);
void xw_ecg_mains_reset(struct xw_ecg_mains *m);

/* One frame in, one frame out (delay_n samples old; the first frame stands for those before). */
void xw_ecg_mains_process(struct xw_ecg_mains *m, const float *frame, float *out);

/* The lead's value so many frames ago (1: the newest, at most the delay) was another one. */
void xw_ecg_mains_amend(struct xw_ecg_mains *m, unsigned lead, unsigned ago, float value);
static inline unsigned xw_ecg_mains_delay(const struct xw_ecg_mains *m)
{
    return m->delay_n;
}

#endif
