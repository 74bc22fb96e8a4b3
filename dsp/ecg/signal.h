/* The analysis signal: the last eight seconds of all leads at 250 Hz in µV, with a mask of leads
 * that cannot be trusted for each frame. Index 0 is the first frame after start, reset or gap.
 * Any window of up to XW_ECG_SIGNAL_WINDOW frames lies in one piece.
 * Life: init, push, reset, done. Thread rule: none shared. */
#ifndef XW_DSP_ECG_SIGNAL_H
#define XW_DSP_ECG_SIGNAL_H

#include "dsp/core/quad.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    XW_ECG_ANALYSIS_HZ = 250,
    XW_ECG_SIGNAL_FRAMES = 2048, /* a power of two */
    XW_ECG_SIGNAL_WINDOW = 128,
};

struct xw_ecg_signal {
    unsigned lanes, leads_n;
    int64_t n; /* frames pushed: the newest is n - 1 */
    float *x;
    uint32_t *bad;
    int64_t last_bad[XW_DSP_LANES_MAX]; /* newest frame in which this lead was bad, or far back */
};

static inline void xw_ecg_signal_reset(struct xw_ecg_signal *s)
{
    s->n = 0;
    for (unsigned c = 0; c < XW_DSP_LANES_MAX; c++)
        s->last_bad[c] = INT64_MIN / 2;
}

static inline int xw_ecg_signal_init(struct xw_ecg_signal *s, unsigned leads_n)
{
    s->leads_n = leads_n;
    s->lanes = xw_dsp_lanes(leads_n);
    s->x = xw_dsp_calloc((size_t)(XW_ECG_SIGNAL_FRAMES + XW_ECG_SIGNAL_WINDOW) * s->lanes,
                         sizeof(float));
    s->bad = xw_dsp_calloc(XW_ECG_SIGNAL_FRAMES, sizeof(uint32_t));
    xw_ecg_signal_reset(s);
    return s->x && s->bad ? 0 : -ENOMEM;
}

static inline void xw_ecg_signal_done(struct xw_ecg_signal *s)
{
    free(s->x);
    free(s->bad);
    s->x = NULL;
    s->bad = NULL;
}

static inline size_t xw_ecg_signal_at(int64_t t)
{
    return (size_t)(t & (XW_ECG_SIGNAL_FRAMES - 1));
}

/* Frames t, t + 1 … in one piece, up to XW_ECG_SIGNAL_WINDOW of them. t < 0 gives old zeros. */
static inline const float *xw_ecg_signal_frame(const struct xw_ecg_signal *s, int64_t t)
{
    return s->x + xw_ecg_signal_at(t) * s->lanes;
}

static inline bool xw_ecg_signal_has(const struct xw_ecg_signal *s, int64_t first, int64_t end)
{
    return first >= 0 && end <= s->n && s->n - first <= XW_ECG_SIGNAL_FRAMES;
}

static inline void xw_ecg_signal_push(struct xw_ecg_signal *s, const float *frame, uint32_t bad)
{
    size_t at = xw_ecg_signal_at(s->n);
    xw_quad_copy_frame(s->x + at * s->lanes, frame, s->lanes);
    if (at < XW_ECG_SIGNAL_WINDOW)
        xw_quad_copy_frame(s->x + (at + XW_ECG_SIGNAL_FRAMES) * s->lanes, frame, s->lanes);
    s->bad[at] = bad;
    for (uint32_t rest = bad; rest; rest &= rest - 1)
        s->last_bad[__builtin_ctz(rest)] = s->n;
    s->n++;
}

#endif
