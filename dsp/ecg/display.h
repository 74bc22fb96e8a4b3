/* The filters of the displayed and printed trace, defined once for C and for the browser.
 *
 * Everything here is plain double arithmetic, one sample at a time, in the order written, so that
 * the TypeScript version gives the same numbers (golden vectors hold both within 1 µV). x is the
 * raw sample in µV; stages run in this order: mains, high pass, low pass. All are causal.
 *
 * high pass (baseline), first order, corner f:  a = exp(-2 pi f / fs)
 *     first sample:  y = 0, then  y[n] = a * (y[n-1] + x[n] - x[n-1])
 *
 * low pass, Butterworth of order 4 as two biquads in series, corner f (f < 0.45 fs, else none):
 *     k = tan(pi f / fs), q1 = 1 / (2 cos(pi/8)), q2 = 1 / (2 cos(3 pi/8)); for q in q1, q2:
 *     n = 1 / (1 + k/q + k k),  b0 = k k n, b1 = 2 b0, b2 = b0, a1 = 2 (k k - 1) n,
 *     a2 = (1 - k/q + k k) n
 *     y = b0 x + z1;  z1 = b1 x - a1 y + z2;  z2 = b2 x - a2 y
 *     first sample x: z1 = (1 - b0) x, z2 = (b2 - a2) x   (as if x had always been there)
 *
 * mains, subtraction procedure for 50 or 60 Hz (as dsp/ecg/mains.h, without listening, tracking or
 * harmonics), period p = round(fs / f), half h = p / 2 (whole), delay h samples:
 *     On input n (counted from 0; x before the first sample is the first sample), centre c = n - h:
 *     mean  = (x[c-h] + ... + x[c+h]) / p, the two end samples counted half if p is even
 *     d[i]  = x[i] - (b0 x[i-m+1] + b1 x[i-m] + b2 x[i-m-1] + b3 x[i-m-2]): less the value one
 * period P = fs / f ago, m = floor(P), r = P - m, b0 = -r (r-1) (r-2) / 6, b1 = (r+1) (r-1) (r-2) /
 * 2, b2 = -(r+1) r (r-2) / 2, b3 = (r+1) r (r-1) / 6 straight if max d - min d over i = c-h .. c+h
 * is below 100 µV found = x[c] - mean;   gain = 1 / (1 - g), g the mean's own gain at f: g = (1 + 2
 * cos(w) + ... + 2 cos(h w)) / p, last term once if p is even, w = 2 pi f/fs model = re cos(w n) -
 * im sin(w n) straight: s = 2 / (0.04 fs) * (found - model);  re += s cos(w n);  im -= s sin(w n);
 *               out = x[c] - gain * found
 *     else:     out = x[c] - gain * model
 *     cos and sin by rotation, from (1, 0):  (c, s) -> (c C - s S, c S + s C) once a sample after
 *     use, C = cos w, S = sin w, then both times 1.5 - 0.5 (c c + s s).
 *     Not offered where fs < 4 f. One lead is one filter: there is no state between leads.
 *
 * Where the device has no value the filters are not advanced and nothing is drawn; the next value
 * is a first sample again (reset).
 *
 * Life: init, process, reset, delay; nothing to free. Thread rule: none shared. */
#ifndef XW_DSP_ECG_DISPLAY_H
#define XW_DSP_ECG_DISPLAY_H

#include <stdbool.h>

enum { XW_ECG_DISPLAY_PERIOD_MAX = 20, XW_ECG_DISPLAY_SECTIONS = 2, XW_ECG_DISPLAY_RING = 64 };

struct xw_ecg_display_biquad {
    double b0, b1, b2, a1, a2;
};

/* Coefficients for one rate; a corner or a mains frequency of 0 means: without. */
struct xw_ecg_display_design {
    double rate_hz, high_pass_hz, low_pass_hz, mains_hz;
    double decay; /* a of the high pass */
    unsigned sections_n;
    struct xw_ecg_display_biquad section[XW_ECG_DISPLAY_SECTIONS];
    unsigned period_n, half_n; /* 0 without mains removal */
    unsigned back_n;           /* m */
    double back_weight[4];     /* b0..b3 */
    double turn_re, turn_im, gain, step;
};

struct xw_ecg_display {
    struct xw_ecg_display_design design;
    bool started;
    double last, level;
    double z1[XW_ECG_DISPLAY_SECTIONS], z2[XW_ECG_DISPLAY_SECTIONS];
    unsigned at;
    double x[XW_ECG_DISPLAY_RING]; /* a power of two, > 2 periods */
    double re, im, cosine, sine;
};

/* -EINVAL for a rate outside 100..1000, negative corners, or mains other than 0, 50, 60. A low pass
 * at or above 0.45 of the rate and mains above a quarter of it are left out, which is no error. */
int xw_ecg_display_make(double rate_hz, double high_pass_hz, double low_pass_hz, double mains_hz,
                        struct xw_ecg_display_design *ret_design)
    __attribute__((warn_unused_result));

void xw_ecg_display_init(struct xw_ecg_display *d, const struct xw_ecg_display_design *design);
void xw_ecg_display_reset(struct xw_ecg_display *d); /* after a gap */
double xw_ecg_display_process(struct xw_ecg_display *d, double x_uv);

/* Samples by which the mains stage delays the trace. */
static inline unsigned xw_ecg_display_delay(const struct xw_ecg_display *d)
{
    return d->design.half_n;
}

#endif
