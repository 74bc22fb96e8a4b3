/* The rules around one trace. */
#include "dsp/fetal/fetus.h"

#include "dsp/fetal/tables.h"

#include <math.h>
#include <string.h>

enum { RULES_VERSION = 1 };

static int64_t samples(double rate_hz, float s)
{
    int64_t n = (int64_t)ceil((double)s * rate_hz - 1e-9);
    return n > 1 ? n : 1;
}

int xw_fetus_init(struct xw_fetus *fetus, unsigned which, unsigned channel, double rate_hz)
{
    const struct xw_fetal_tables *t = &xw_fetal_tables;
    memset(fetus, 0, sizeof(*fetus));
    int r = xw_fetal_trace_init(&fetus->trace, rate_hz);
    if (r < 0)
        return r;
    fetus->which = which;
    fetus->lead_mask = 1U << channel;
    fetus->rate_hz = rate_hz;
    fetus->loss_n = samples(rate_hz, t->loss_s);
    fetus->alarm_n = samples(rate_hz, t->alarm_s);
    fetus->maternal_n = samples(rate_hz, t->maternal_s);
    fetus->merge_n = samples(rate_hz, t->spike_merge_s);
    fetus->longest_n = samples(rate_hz, t->spike_longest_s);
    fetus->least_n = samples(rate_hz, t->spike_least_s);
    return 0;
}

void xw_fetus_done(struct xw_fetus *fetus)
{
    xw_fetal_trace_done(&fetus->trace);
}

void xw_fetus_reset(struct xw_fetus *fetus)
{
    struct xw_fetal_trace trace = fetus->trace;
    struct xw_fetus fresh = {.which = fetus->which,
                             .lead_mask = fetus->lead_mask,
                             .rate_hz = fetus->rate_hz,
                             .loss_n = fetus->loss_n,
                             .alarm_n = fetus->alarm_n,
                             .maternal_n = fetus->maternal_n,
                             .merge_n = fetus->merge_n,
                             .longest_n = fetus->longest_n,
                             .least_n = fetus->least_n};
    *fetus = fresh;
    fetus->trace = trace;
    xw_fetal_trace_reset(&fetus->trace);
}

static struct xw_ecg_event draft(const struct xw_fetus *fetus, const struct xw_ecg_emit *emit,
                                 enum xw_ecg_kind kind, enum xw_ecg_code code, const char *rule)
{
    struct xw_ecg_event event = xw_ecg_emit_draft(
        emit, kind, (enum xw_ecg_code)((unsigned)code + fetus->which), rule, RULES_VERSION);
    event.lead_mask = fetus->lead_mask;
    event.hr_bpm = fetus->mean_bpm;
    return event;
}

static void close_episode(struct xw_fetus *fetus, struct xw_ecg_emit *emit,
                          struct xw_ecg_episode *episode, int64_t end)
{
    emit->hr_bpm = fetus->mean_bpm;
    xw_ecg_episode_close(emit, episode, end);
}

/* ---- loss and its alarm ---- */

static float seconds(const struct xw_fetus *fetus, int64_t n)
{
    return (float)((double)n / fetus->rate_hz);
}

static void end_silence(struct xw_fetus *fetus, struct xw_ecg_emit *emit,
                        struct xw_ecg_episode *episode, int64_t end)
{
    if (!episode->open)
        return;
    episode->event.evidence[0].measured = seconds(fetus, end - episode->event.first);
    close_episode(fetus, emit, episode, end);
}

static void begin_silence(struct xw_fetus *fetus, struct xw_ecg_emit *emit, int64_t origin,
                          bool alarm, int64_t silent_n)
{
    const struct xw_fetal_tables *t = &xw_fetal_tables;
    struct xw_ecg_event event =
        draft(fetus, emit, alarm ? XW_ECG_KIND_ALARM : XW_ECG_KIND_QUALITY,
              alarm ? XW_FETAL_SIGNAL_LOSS : XW_FETAL_LOSS, alarm ? "signal-loss" : "loss");
    event.first = origin + fetus->signal_end;
    if (alarm)
        event.priority = XW_ECG_PRIORITY_TECHNICAL;
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_SILENCE_S, seconds(fetus, silent_n),
                         alarm ? t->alarm_s : t->loss_s);
    xw_ecg_episode_open(emit, alarm ? &fetus->alarm : &fetus->loss, &event);
}

/* Signal is a run of five seconds: what flickers up shorter ends no silence. */
static void watch_loss(struct xw_fetus *fetus, struct xw_ecg_emit *emit, int64_t origin)
{
    const struct xw_fetal_trace *trace = &fetus->trace;
    int64_t at = trace->n - 1;
    bool here = xw_fetal_trace_present(trace, at);
    if (here && !fetus->in_run)
        fetus->run_first = at;
    fetus->in_run = here;
    if (here && at + 1 - fetus->run_first >= trace->len.short_n) {
        end_silence(fetus, emit, &fetus->loss, origin + fetus->run_first);
        end_silence(fetus, emit, &fetus->alarm, origin + fetus->run_first);
        fetus->signal_end = at + 1;
        fetus->seen = true;
        return;
    }
    int64_t silent_n = (here ? fetus->run_first : at + 1) - fetus->signal_end;
    if (!fetus->loss.open && silent_n >= fetus->loss_n)
        begin_silence(fetus, emit, origin, false, silent_n);
    /* Monitors announce probes that nobody uses: the second and third fetus must have been seen. */
    if (!fetus->alarm.open && silent_n >= fetus->alarm_n && (fetus->seen || fetus->which == 0))
        begin_silence(fetus, emit, origin, true, silent_n);
}

/* ---- maternal coincidence ---- */

static bool mhr_present(float mhr)
{
    return mhr >= xw_fetal_tables.mhr_low_bpm && mhr <= xw_fetal_tables.mhr_high_bpm;
}

static int64_t is_both(const struct xw_fetus *fetus, const float *mhr, int64_t at)
{
    return xw_fetal_trace_present(&fetus->trace, at) && mhr_present(mhr[at & fetus->trace.mask]);
}

static int64_t is_near(const struct xw_fetus *fetus, const float *mhr, int64_t at)
{
    float apart = fabsf(xw_fetal_trace_bpm(&fetus->trace, at) - mhr[at & fetus->trace.mask]);
    return is_both(fetus, mhr, at) && apart <= xw_fetal_tables.maternal_bpm;
}

static void begin_maternal(struct xw_fetus *fetus, struct xw_ecg_emit *emit, int64_t origin,
                           const float *mhr)
{
    int64_t end = fetus->trace.n, at = end - fetus->maternal_n;
    double sum_fhr = 0, sum_mhr = 0;
    for (int64_t i = at; i < end; i++) {
        if (!is_both(fetus, mhr, i))
            continue;
        sum_fhr += (double)xw_fetal_trace_bpm(&fetus->trace, i);
        sum_mhr += (double)mhr[i & fetus->trace.mask];
    }
    double both = (double)fetus->both_n;
    struct xw_ecg_event event =
        draft(fetus, emit, XW_ECG_KIND_QUALITY, XW_FETAL_MATERNAL, "maternal-coincidence");
    event.first = origin + at;
    event.confidence = (float)((double)fetus->near_n / both);
    xw_ecg_emit_evidence(&event, XW_FETAL_VALUE_SHARE, event.confidence,
                         xw_fetal_tables.maternal_share);
    xw_ecg_emit_evidence(&event, XW_FETAL_VALUE_FHR_BPM, (float)(sum_fhr / both), 0);
    xw_ecg_emit_evidence(&event, XW_FETAL_VALUE_MHR_BPM, (float)(sum_mhr / both), 0);
    xw_ecg_episode_open(emit, &fetus->maternal, &event);
}

static void watch_maternal(struct xw_fetus *fetus, struct xw_ecg_emit *emit, int64_t origin,
                           const float *mhr)
{
    const struct xw_fetal_tables *t = &xw_fetal_tables;
    int64_t at = fetus->trace.n - 1, gone = at - fetus->maternal_n;
    fetus->both_n += is_both(fetus, mhr, at);
    fetus->near_n += is_near(fetus, mhr, at);
    if (gone >= 0) {
        fetus->both_n -= is_both(fetus, mhr, gone);
        fetus->near_n -= is_near(fetus, mhr, gone);
    }
    bool meet = at + 1 >= fetus->maternal_n &&
                (float)fetus->both_n >= t->maternal_both * (float)fetus->maternal_n &&
                (float)fetus->near_n >= t->maternal_share * (float)fetus->both_n;
    if (meet) {
        fetus->maternal_last = at;
        if (!fetus->maternal.open)
            begin_maternal(fetus, emit, origin, mhr);
    } else if (fetus->maternal.open && at - fetus->maternal_last >= fetus->maternal_n) {
        close_episode(fetus, emit, &fetus->maternal, origin + fetus->maternal_last + 1);
    }
}

void xw_fetus_sample(struct xw_fetus *fetus, struct xw_ecg_emit *emit, int64_t origin, float bpm,
                     const float *mhr)
{
    xw_fetal_trace_put(&fetus->trace, bpm);
    watch_loss(fetus, emit, origin);
    if (mhr)
        watch_maternal(fetus, emit, origin, mhr);
}

/* ---- what the cleaning left out ---- */

static void end_spike(struct xw_fetus *fetus, struct xw_ecg_emit *emit, int64_t origin)
{
    if (fetus->spiky && fetus->spike_n >= fetus->least_n) {
        struct xw_ecg_event event =
            draft(fetus, emit, XW_ECG_KIND_NOISE, XW_FETAL_SPIKE, "spike-run");
        event.first = origin + fetus->spike_first;
        event.end = origin + fetus->spike_last + 1;
        xw_ecg_emit_evidence(&event, XW_FETAL_VALUE_SAMPLES_N, (float)fetus->spike_n, 0);
        xw_ecg_emit_evidence(&event, XW_FETAL_VALUE_LOW_BPM, fetus->spike_low, 0);
        xw_ecg_emit_evidence(&event, XW_FETAL_VALUE_HIGH_BPM, fetus->spike_high, 0);
        xw_ecg_emit_new(emit, &event);
    }
    fetus->spiky = false;
}

static void watch_spikes(struct xw_fetus *fetus, struct xw_ecg_emit *emit, int64_t origin,
                         int64_t at, enum xw_fetal_mark mark)
{
    if (fetus->spiky &&
        (at - fetus->spike_last > fetus->merge_n || at - fetus->spike_first >= fetus->longest_n))
        end_spike(fetus, emit, origin);
    if (mark != XW_FETAL_DROPPED)
        return;
    float bpm = xw_fetal_trace_bpm(&fetus->trace, at);
    if (!fetus->spiky) {
        fetus->spiky = true;
        fetus->spike_first = at;
        fetus->spike_n = 0;
        fetus->spike_low = fetus->spike_high = bpm;
    }
    fetus->spike_last = at;
    fetus->spike_n++;
    fetus->spike_low = fminf(fetus->spike_low, bpm);
    fetus->spike_high = fmaxf(fetus->spike_high, bpm);
}

static void watch_ratio(struct xw_fetus *fetus, struct xw_ecg_emit *emit, int64_t origin,
                        int64_t at, enum xw_fetal_mark mark)
{
    bool twice = mark == XW_FETAL_TWICE, masked = twice || mark == XW_FETAL_HALF;
    enum xw_ecg_code code = twice ? XW_FETAL_DOUBLED : XW_FETAL_HALVED;
    code = (enum xw_ecg_code)((unsigned)code + fetus->which);
    if (fetus->ratio.open && (!masked || fetus->ratio.event.code != code))
        close_episode(fetus, emit, &fetus->ratio, origin + at);
    if (!masked || fetus->ratio.open)
        return;
    float median = xw_fetal_trace_median(&fetus->trace);
    struct xw_ecg_event event =
        draft(fetus, emit, XW_ECG_KIND_QUALITY, twice ? XW_FETAL_DOUBLED : XW_FETAL_HALVED,
              "ratio-to-median");
    event.first = origin + at;
    xw_ecg_emit_evidence(&event, XW_FETAL_VALUE_RATIO,
                         xw_fetal_trace_bpm(&fetus->trace, at) / fmaxf(median, 1),
                         twice ? xw_fetal_tables.double_low : xw_fetal_tables.half_high);
    xw_ecg_emit_evidence(&event, XW_FETAL_VALUE_MEDIAN_BPM, median, 0);
    xw_ecg_episode_open(emit, &fetus->ratio, &event);
}

static void say_minute(struct xw_fetus *fetus, struct xw_ecg_emit *emit, int64_t index)
{
    const struct xw_fetal_trace *t = &fetus->trace;
    fetus->mean_bpm = xw_fetal_trace_mean(t);
    struct xw_ecg_event event =
        draft(fetus, emit, XW_ECG_KIND_MEASURE, XW_FETAL_SIGNAL, "signal-minute");
    event.first = event.end = index;
    int64_t window_n = t->released < t->len.thirty_n ? t->released : t->len.thirty_n;
    xw_ecg_emit_evidence(&event, XW_FETAL_VALUE_LOSS_1MIN,
                         100 * xw_fetal_trace_loss(t, t->kept_1_n, t->len.minute_n), 0);
    xw_ecg_emit_evidence(&event, XW_FETAL_VALUE_LOSS_10MIN,
                         100 * xw_fetal_trace_loss(t, t->kept_10_n, t->len.ten_n), 0);
    xw_ecg_emit_evidence(&event, XW_FETAL_VALUE_LOSS_30MIN,
                         100 * xw_fetal_trace_loss(t, t->kept_30_n, t->len.thirty_n), 0);
    xw_ecg_emit_evidence(&event, XW_FETAL_VALUE_WINDOW_S, seconds(fetus, window_n), 0);
    xw_ecg_emit_new(emit, &event);
}

int64_t xw_fetal_minute(const struct xw_fetal_minutes *minutes, int64_t index)
{
    /* index / (rate * 60), without the product that could be too large */
    uint64_t a_minute = minutes->rate_num * 60, i = (uint64_t)index;
    return (int64_t)(i / a_minute * minutes->rate_den +
                     i % a_minute * minutes->rate_den / a_minute);
}

void xw_fetus_advance(struct xw_fetus *fetus, struct xw_ecg_emit *emit, int64_t origin,
                      const struct xw_fetal_minutes *minutes, bool all)
{
    struct xw_fetal_trace *trace = &fetus->trace;
    while (trace->judged < trace->n - (all ? 0 : trace->len.judge_n)) {
        int64_t at = trace->judged;
        enum xw_fetal_mark mark = xw_fetal_trace_judge(trace);
        watch_spikes(fetus, emit, origin, at, mark);
    }
    while (trace->released < trace->n - (all ? 0 : trace->len.hold_n)) {
        int64_t at = trace->released;
        enum xw_fetal_mark mark = xw_fetal_trace_release(trace);
        watch_ratio(fetus, emit, origin, at, mark);
        int64_t index = origin + at;
        if (xw_fetal_minute(minutes, index + 1) != xw_fetal_minute(minutes, index))
            say_minute(fetus, emit, index + 1);
    }
}

void xw_fetus_end(struct xw_fetus *fetus, struct xw_ecg_emit *emit, int64_t origin)
{
    int64_t end = origin + fetus->trace.n;
    end_spike(fetus, emit, origin);
    close_episode(fetus, emit, &fetus->ratio, end);
    close_episode(fetus, emit, &fetus->maternal, end);
    end_silence(fetus, emit, &fetus->loss, end);
    end_silence(fetus, emit, &fetus->alarm, end);
}
