/* One fetal heart rate, cleaned with hindsight.
 *
 * The raw rate is kept for half an hour and a minute. A sample is `judged` 52 s after it came: by
 * then the run that it belongs to (neighbours present and at most 25/min apart) shows its length,
 * and what follows it can be seen. It is `released` 60 s after it came: then it counts in the
 * windows. A run is left out when it is shorter than 5 s, or shorter than 30 s and its two ends lie
 * off the sample kept before and the run that follows by more than 25/min, both to the same side.
 * Samples outside 50 to 220/min are left out. A released run of 5 s or more at twice or half the
 * median of the last ten minutes that begins with a jump or behind a gap is masked, never
 * "corrected".
 *
 * Threads: that of the chain. Ownership: embedded in a chain; rings from xw_fetal_trace_init.
 * Units: positions are samples since the trace's beginning. No allocation after init. */
#ifndef XW_DSP_FETAL_TRACE_H
#define XW_DSP_FETAL_TRACE_H

#include "dsp/ecg/chain.h" /* XW_DSP_MUST_CHECK */

enum xw_fetal_mark {
    XW_FETAL_ABSENT,  /* no value came */
    XW_FETAL_KEPT,    /* signal */
    XW_FETAL_DROPPED, /* a value came, and it is none */
    XW_FETAL_TWICE,   /* masked: twice the rate before */
    XW_FETAL_HALF,    /* masked: half the rate before */
};

enum { XW_FETAL_BINS = 344, XW_FETAL_BINS_PER_BPM = 2 }; /* of the median: 50 to 222 */

/* Lengths in samples of this stream's rate. */
struct xw_fetal_lengths {
    int64_t hold_n, judge_n, short_n, island_n, ratio_n, median_n, median_least_n;
    int64_t minute_n, ten_n, thirty_n;
};

struct xw_fetal_trace {
    struct xw_fetal_lengths len;
    int64_t mask; /* of the rings: a power of two less 1 */
    float *bpm;   /* ring: as it came, 0 = no value */
    uint8_t *mark;
    int64_t n, judged, released; /* positions: one past the newest of each state */
    /* judging */
    int64_t run_until;
    bool run_kept, run_long;
    float last_kept;
    /* ratio */
    enum xw_fetal_mark ratio; /* TWICE or HALF inside a masked run, else KEPT */
    uint16_t bins[XW_FETAL_BINS];
    int64_t in_bins_n;
    /* windows */
    int64_t kept_1_n, kept_10_n, kept_30_n;
};

/* rate_hz 0.5 to 8. -ENOMEM. */
int xw_fetal_trace_init(struct xw_fetal_trace *trace, double rate_hz) XW_DSP_MUST_CHECK;
void xw_fetal_trace_done(struct xw_fetal_trace *trace);
void xw_fetal_trace_reset(struct xw_fetal_trace *trace);

/* The next raw value; 0 = none. */
void xw_fetal_trace_put(struct xw_fetal_trace *trace, float bpm);
/* Judges or releases the next sample; the caller sees to when. They return its mark. */
enum xw_fetal_mark xw_fetal_trace_judge(struct xw_fetal_trace *trace);
enum xw_fetal_mark xw_fetal_trace_release(struct xw_fetal_trace *trace);

bool xw_fetal_trace_present(const struct xw_fetal_trace *trace, int64_t at);
float xw_fetal_trace_bpm(const struct xw_fetal_trace *trace, int64_t at);
/* Median of what was released and kept in the last ten minutes; 0 = too little. */
float xw_fetal_trace_median(const struct xw_fetal_trace *trace);
/* Share of the last window_n released samples that are not kept, 0 to 1. kept_n: of that window. */
float xw_fetal_trace_loss(const struct xw_fetal_trace *trace, int64_t kept_n, int64_t window_n);
/* Mean of what was kept in the last minute released; 0 when that is less than half of it. */
float xw_fetal_trace_mean(const struct xw_fetal_trace *trace);

#endif
