/* Pulses in a pressure or plethysmogram wave, and whether they make a train that can be believed:
 * the witness against an ECG alarm that is made of noise.
 *
 * The sum of the rises over 130 ms (after the slope sum of Zong et al. 2003) is large in the
 * upstroke and small elsewhere. A pulse is where it passes a share of the usual; usual is the
 * median of the last pulses, and it is held for long: a wave that stopped does not become noise
 * that counts. A wave in which nothing passed for a minute though it was there (a pulse that shrank
 * for good, another finger) is learned anew; it is `seen` again only after thirty pulses of the new
 * size. Delay: the upstroke, about 0.2 s behind R and some 60 ms of our own. Life: init,
 * push…, reset; nothing to free. Thread rule: none shared. Units: the wave's own, any linear scale;
 * times are indices of the ECG stream that it bears witness to. */
#ifndef XW_DSP_ECG_PULSE_H
#define XW_DSP_ECG_PULSE_H

#include "dsp/core/median.h"

#include <stdbool.h>
#include <stdint.h>

enum { XW_ECG_PULSE_RING = 64, XW_ECG_PULSE_SPAN_MAX = 192, XW_ECG_PULSES_MAX = 4 };

struct xw_ecg_pulse {
    double rate_hz, step; /* of the wave; ECG samples a wave sample */
    unsigned smooth_n, span_n;
    float raw[XW_ECG_PULSE_SPAN_MAX], rise[XW_ECG_PULSE_SPAN_MAX];
    uint64_t n;
    double smooth_sum, rise_sum;
    float last, peak; /* smoothed value; largest sum in the second in hand */
    struct xw_dsp_median usual, starting;
    unsigned refractory_n, until_peak_n, second_n;
    unsigned dumb_n, needed_n; /* samples without a pulse; pulses before it may be a witness */
    int64_t crossed_at, valid_since, newest_at;
    struct {
        int64_t at;
        float size; /* over the usual */
    } pulse[XW_ECG_PULSE_RING];
    uint64_t pulses_n;
};

/* rate_hz: of the wave, 20 to 1,000, else -EINVAL; ecg_rate_hz: of the index given to push. */
int xw_ecg_pulse_init(struct xw_ecg_pulse *p, double rate_hz, double ecg_rate_hz)
    __attribute__((warn_unused_result));
void xw_ecg_pulse_reset(struct xw_ecg_pulse *p);
/* at: index of the ECG sample at the same time; valid false: no value there. */
void xw_ecg_pulse_push(struct xw_ecg_pulse *p, float x, int64_t at, bool valid);

/* The pulses of normal size in (first, end]. */
struct xw_ecg_pulse_train {
    unsigned pulses_n;
    float rate_bpm;  /* of the mean interval; 0 under two */
    float uneven;    /* mean difference of neighbouring intervals over their mean; 1 under three */
    float longest_s; /* without one, with the time before the first and behind the last */
    float size;      /* the smallest over the usual */
    bool seen; /* the wave was there from first to end (live it may lag by a second), pulses before
                */
};
struct xw_ecg_pulse_train xw_ecg_pulse_train(const struct xw_ecg_pulse *p, int64_t first,
                                             int64_t end, double ecg_rate_hz);

#endif
