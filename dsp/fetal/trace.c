/* Runs, verdicts, windows. */
#include "dsp/fetal/trace.h"

#include "dsp/core/frame.h"
#include "dsp/fetal/tables.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t samples(double rate_hz, double s)
{
    int64_t n = (int64_t)ceil(s * rate_hz - 1e-9);
    return n > 1 ? n : 1;
}

static void set_lengths(struct xw_fetal_lengths *len, double rate_hz)
{
    const struct xw_fetal_tables *t = &xw_fetal_tables;
    len->hold_n = samples(rate_hz, (double)t->hold_s);
    len->judge_n = samples(rate_hz, (double)t->judge_s);
    len->short_n = samples(rate_hz, (double)t->short_s);
    len->island_n = samples(rate_hz, (double)t->island_s);
    len->ratio_n = samples(rate_hz, (double)t->ratio_s);
    len->median_n = samples(rate_hz, (double)t->median_s);
    len->median_least_n = samples(rate_hz, (double)t->median_least_s);
    len->minute_n = samples(rate_hz, 60);
    len->ten_n = samples(rate_hz, 600);
    len->thirty_n = samples(rate_hz, 1800);
}

int xw_fetal_trace_init(struct xw_fetal_trace *trace, double rate_hz)
{
    memset(trace, 0, sizeof(*trace));
    set_lengths(&trace->len, rate_hz);
    int64_t room = 1;
    while (room < trace->len.thirty_n + trace->len.hold_n + 2)
        room *= 2;
    trace->mask = room - 1;
    trace->bpm = xw_dsp_calloc((size_t)room, sizeof(*trace->bpm));
    trace->mark = xw_dsp_calloc((size_t)room, sizeof(*trace->mark));
    if (!trace->bpm || !trace->mark) {
        xw_fetal_trace_done(trace);
        return -ENOMEM;
    }
    xw_fetal_trace_reset(trace);
    return 0;
}

void xw_fetal_trace_done(struct xw_fetal_trace *trace)
{
    free(trace->bpm);
    free(trace->mark);
    trace->bpm = NULL;
    trace->mark = NULL;
}

void xw_fetal_trace_reset(struct xw_fetal_trace *trace)
{
    struct xw_fetal_trace fresh = {
        .len = trace->len, .mask = trace->mask, .bpm = trace->bpm, .mark = trace->mark};
    fresh.ratio = XW_FETAL_KEPT;
    *trace = fresh;
}

float xw_fetal_trace_bpm(const struct xw_fetal_trace *trace, int64_t at)
{
    return trace->bpm[at & trace->mask];
}

static enum xw_fetal_mark mark_of(const struct xw_fetal_trace *trace, int64_t at)
{
    return (enum xw_fetal_mark)trace->mark[at & trace->mask];
}

static bool in_range(float bpm)
{
    return bpm >= xw_fetal_tables.fhr_low_bpm && bpm <= xw_fetal_tables.fhr_high_bpm;
}

bool xw_fetal_trace_present(const struct xw_fetal_trace *trace, int64_t at)
{
    return in_range(xw_fetal_trace_bpm(trace, at));
}

void xw_fetal_trace_put(struct xw_fetal_trace *trace, float bpm)
{
    trace->bpm[trace->n & trace->mask] = bpm;
    trace->n++;
}

/* Does the sample go on with the run of the one before it? */
static bool joined(const struct xw_fetal_trace *trace, int64_t at)
{
    float a = xw_fetal_trace_bpm(trace, at - 1), b = xw_fetal_trace_bpm(trace, at);
    return in_range(a) && in_range(b) && fabsf(a - b) <= xw_fetal_tables.jump_bpm;
}

/* One past the run that begins at `at`, looking at most `most` samples far. */
static int64_t run_end(const struct xw_fetal_trace *trace, int64_t at, int64_t most)
{
    int64_t end = at + 1, stop = at + most < trace->n ? at + most : trace->n;
    while (end < stop && joined(trace, end))
        end++;
    return end;
}

/* First sample of the next run that is long enough to be one; -1 = none in sight. */
static int64_t next_run(const struct xw_fetal_trace *trace, int64_t at)
{
    while (at < trace->n) {
        if (!xw_fetal_trace_present(trace, at)) {
            at++;
            continue;
        }
        int64_t end = run_end(trace, at, trace->len.short_n);
        if (end - at >= trace->len.short_n)
            return at;
        at = end;
    }
    return -1;
}

static bool is_island(const struct xw_fetal_trace *trace, int64_t at, int64_t end)
{
    int64_t next = next_run(trace, end);
    if (next < 0 || trace->last_kept <= 0)
        return false;
    float before = xw_fetal_trace_bpm(trace, at) - trace->last_kept;
    float after = xw_fetal_trace_bpm(trace, end - 1) - xw_fetal_trace_bpm(trace, next);
    float jump = xw_fetal_tables.jump_bpm;
    return (before > jump && after > jump) || (before < -jump && after < -jump);
}

static void judge_run(struct xw_fetal_trace *trace, int64_t at)
{
    int64_t end = run_end(trace, at, trace->len.island_n), n = end - at;
    trace->run_until = end;
    trace->run_long = n >= trace->len.island_n;
    trace->run_kept = trace->run_long || (n >= trace->len.short_n && !is_island(trace, at, end));
}

enum xw_fetal_mark xw_fetal_trace_judge(struct xw_fetal_trace *trace)
{
    int64_t at = trace->judged++;
    enum xw_fetal_mark mark = XW_FETAL_ABSENT;
    if (xw_fetal_trace_present(trace, at)) {
        if (at == trace->run_until && trace->run_long && joined(trace, at))
            trace->run_until++; /* long enough already: kept to its end */
        else if (at >= trace->run_until)
            judge_run(trace, at);
        mark = trace->run_kept ? XW_FETAL_KEPT : XW_FETAL_DROPPED;
        if (trace->run_kept)
            trace->last_kept = xw_fetal_trace_bpm(trace, at);
    } else if (xw_fetal_trace_bpm(trace, at) > 0) {
        mark = XW_FETAL_DROPPED;
    }
    trace->mark[at & trace->mask] = (uint8_t)mark;
    return mark;
}

/* ---- ratio to the median ---- */

static unsigned bin_of(float bpm)
{
    float bin = (bpm - xw_fetal_tables.fhr_low_bpm) * (float)XW_FETAL_BINS_PER_BPM;
    return bin <= 0 ? 0 : bin >= XW_FETAL_BINS - 1 ? XW_FETAL_BINS - 1 : (unsigned)bin;
}

float xw_fetal_trace_median(const struct xw_fetal_trace *trace)
{
    if (trace->in_bins_n < trace->len.median_least_n)
        return 0;
    int64_t sum = 0;
    unsigned bin = 0;
    for (; bin < XW_FETAL_BINS - 1; bin++) {
        sum += trace->bins[bin];
        if (2 * sum >= trace->in_bins_n)
            break;
    }
    return xw_fetal_tables.fhr_low_bpm + ((float)bin + 0.5F) / (float)XW_FETAL_BINS_PER_BPM;
}

static enum xw_fetal_mark ratio_of(float bpm, float median)
{
    const struct xw_fetal_tables *t = &xw_fetal_tables;
    float ratio = median > 0 ? bpm / median : 1;
    if (ratio >= t->double_low && ratio <= t->double_high)
        return XW_FETAL_TWICE;
    return ratio >= t->half_low && ratio <= t->half_high ? XW_FETAL_HALF : XW_FETAL_KEPT;
}

/* The mark of a kept sample by its ratio: a run of it must last, and begin with a jump or behind a
 * gap. A rate that goes there step by step is a deep deceleration, and nothing must hide it. */
static enum xw_fetal_mark masked(struct xw_fetal_trace *trace, int64_t at)
{
    float median = xw_fetal_trace_median(trace);
    enum xw_fetal_mark kind = ratio_of(xw_fetal_trace_bpm(trace, at), median);
    if (kind == XW_FETAL_KEPT || kind == trace->ratio)
        return kind;
    if (at > 0 && joined(trace, at))
        return XW_FETAL_KEPT;
    int64_t stop = at + trace->len.ratio_n;
    for (int64_t i = at + 1; i < stop; i++)
        if (i >= trace->judged || mark_of(trace, i) != XW_FETAL_KEPT ||
            ratio_of(xw_fetal_trace_bpm(trace, i), median) != kind)
            return XW_FETAL_KEPT;
    return kind;
}

static void leave_windows(struct xw_fetal_trace *trace, int64_t at)
{
    const struct xw_fetal_lengths *len = &trace->len;
    if (at >= len->minute_n)
        trace->kept_1_n -= mark_of(trace, at - len->minute_n) == XW_FETAL_KEPT;
    if (at >= len->ten_n)
        trace->kept_10_n -= mark_of(trace, at - len->ten_n) == XW_FETAL_KEPT;
    if (at >= len->thirty_n)
        trace->kept_30_n -= mark_of(trace, at - len->thirty_n) == XW_FETAL_KEPT;
    if (at >= len->median_n && mark_of(trace, at - len->median_n) == XW_FETAL_KEPT) {
        trace->bins[bin_of(xw_fetal_trace_bpm(trace, at - len->median_n))]--;
        trace->in_bins_n--;
    }
}

enum xw_fetal_mark xw_fetal_trace_release(struct xw_fetal_trace *trace)
{
    int64_t at = trace->released++;
    enum xw_fetal_mark mark = mark_of(trace, at);
    if (mark == XW_FETAL_KEPT) {
        mark = masked(trace, at);
        trace->mark[at & trace->mask] = (uint8_t)mark;
    }
    trace->ratio = mark == XW_FETAL_TWICE || mark == XW_FETAL_HALF ? mark : XW_FETAL_KEPT;
    leave_windows(trace, at);
    if (mark != XW_FETAL_KEPT)
        return mark;
    trace->kept_1_n++;
    trace->kept_10_n++;
    trace->kept_30_n++;
    trace->bins[bin_of(xw_fetal_trace_bpm(trace, at))]++;
    trace->in_bins_n++;
    return mark;
}

/* ---- windows ---- */

float xw_fetal_trace_loss(const struct xw_fetal_trace *trace, int64_t kept_n, int64_t window_n)
{
    int64_t n = trace->released < window_n ? trace->released : window_n;
    return n ? (float)(n - kept_n) / (float)n : 0;
}

/* Summed anew each time: a running sum would depend on what was long ago. */
float xw_fetal_trace_mean(const struct xw_fetal_trace *trace)
{
    int64_t n = trace->released < trace->len.minute_n ? trace->released : trace->len.minute_n;
    double sum = 0;
    if (!trace->kept_1_n || (float)trace->kept_1_n < xw_fetal_tables.enough_share * (float)n)
        return 0;
    for (int64_t at = trace->released - n; at < trace->released; at++)
        if (mark_of(trace, at) == XW_FETAL_KEPT)
            sum += (double)xw_fetal_trace_bpm(trace, at);
    return (float)(sum / (double)trace->kept_1_n);
}
