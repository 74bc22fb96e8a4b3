/* Heart rate variability and burden: what five minutes of beats amount to.
 *
 * Windows lie on a fixed grid of the stream's index (0, 5 min, 10 min, …), so that a chain that
 * began later says the same windows. Each is said once, XW_ECG_HRV_DELAY_S after its end, when its
 * beats have had their last look and a fibrillation in it is known. A short gap does not end a
 * window: what was not seen does not count. A window of which nothing was seen is not said.
 *   burden  seconds seen, share of them in atrial fibrillation, beats, ventricular and
 *           supraventricular beats, share of the window that is clean NN
 *   hrv     only if that share is enough: mean NN, SDNN, RMSSD, pNN50, LF, HF
 * NN: between two normal beats with nothing unseen between them, within bounds, not in atrial
 * fibrillation, and close to the median of the five intervals on each side. Nothing is
 * interpolated: LF and HF are sums of a Lomb periodogram (least squares of a sine at each multiple
 * of 1/300 Hz) in ms², after the straight line through NN is taken off. Sources: Task Force 1996
 * (bands, measures); Clifford and Tarassenko 2005 (why Lomb). Private to dsp/ecg. Thread rule: that
 * of the chain. Nothing allocates. Times are raw indices. */
#ifndef XW_DSP_ECG_HRV_H
#define XW_DSP_ECG_HRV_H

#include "dsp/ecg/emit.h"

enum {
    XW_ECG_HRV_RULE_VERSION = 1,
    XW_ECG_HRV_WINDOW_S = 300,
    XW_ECG_HRV_DELAY_S = 60,
    XW_ECG_HRV_BEATS = 2048,  /* 340 a minute over window and delay; older ones give way */
    XW_ECG_HRV_SECONDS = 1024 /* more than window, delay and the onset of a fibrillation */
};

struct xw_ecg_hrv_beat {
    int64_t at;
    float rr_ms; /* 0 = unknown */
    enum xw_ecg_code code;
};

struct xw_ecg_hrv {
    uint32_t rate_num, rate_den;
    struct xw_ecg_hrv_beat beat[XW_ECG_HRV_BEATS];
    uint64_t beats_n;
    uint64_t lost_n; /* beats of a window that had to give way */
    uint8_t second[XW_ECG_HRV_SECONDS];
    int64_t second_at; /* newest one that the ring holds */
    int64_t window;    /* the next one to be said, counted from index 0 */
    bool atria;        /* fibrillating now */
    /* of the window at work: end of each NN in s, its length in ms, rotating sine and cosine */
    double t[XW_ECG_HRV_BEATS], nn[XW_ECG_HRV_BEATS], c[XW_ECG_HRV_BEATS], s[XW_ECG_HRV_BEATS];
    double c1[XW_ECG_HRV_BEATS], s1[XW_ECG_HRV_BEATS];
};

/* rate in samples per second; begins at the window that holds first_sample. */
void xw_ecg_hrv_reset(struct xw_ecg_hrv *h, uint32_t rate_num, uint32_t rate_den,
                      int64_t first_sample);
/* A gap of any length follows: what was before it stays. */
void xw_ecg_hrv_gap(struct xw_ecg_hrv *h);

/* A final beat, in order; then a later word on it. */
void xw_ecg_hrv_beat(struct xw_ecg_hrv *h, int64_t at, float rr_ms, enum xw_ecg_code code);
void xw_ecg_hrv_revise(struct xw_ecg_hrv *h, int64_t at, enum xw_ecg_code code);
/* The atria have been fibrillating, or not any more, since then. */
void xw_ecg_hrv_atria(struct xw_ecg_hrv *h, bool fibrillating, int64_t since);
/* After every second, centre: an index in its middle; says what is due. */
void xw_ecg_hrv_second(struct xw_ecg_hrv *h, struct xw_ecg_emit *emit, int64_t centre, bool seen);
/* The end of the record: says the windows that have ended, without their delay. */
void xw_ecg_hrv_flush(struct xw_ecg_hrv *h, struct xw_ecg_emit *emit);

/* Power in ms² of nn at k/300 Hz, first ≤ k ≤ last. Uses the object's arrays; the first n of t and
 * nn are the series, nn without its mean and trend. */
double xw_ecg_hrv_lomb(struct xw_ecg_hrv *h, unsigned n, unsigned first, unsigned last);

#endif
