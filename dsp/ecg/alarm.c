/* Alarm state machines. */
#include "dsp/ecg/alarm.h"
#include "dsp/ecg/tables.h"

#include <math.h>

#define T xw_ecg_tables

void xw_ecg_alarm_reset(struct xw_ecg_alarm *a, int64_t first_sample)
{
    memset(a, 0, sizeof(*a));
    a->trusted_since = first_sample;
    a->silence_beat = -1;
}

static const struct xw_ecg_alarm_beat *ago(const struct xw_ecg_alarm *a, unsigned n)
{
    return &a->beat[(a->beats_n - 1 - n) % XW_ECG_ALARM_BEATS];
}

/* Mean of the last n RR in ms; 0 if there are not that many without a hole. */
static float mean_rr(const struct xw_ecg_alarm *a, unsigned n)
{
    float sum = 0;
    if (a->beats_n <= n || n + 1 > XW_ECG_ALARM_BEATS)
        return 0;
    for (unsigned i = 0; i < n; i++) {
        if (ago(a, i)->rr_ms <= 0)
            return 0;
        sum += ago(a, i)->rr_ms;
    }
    return sum / (float)n;
}

float xw_ecg_alarm_heart_rate(const struct xw_ecg_alarm *a)
{
    float slow = mean_rr(a, 3), rr = mean_rr(a, 8);
    if (slow > 1200 || rr <= 0)
        rr = mean_rr(a, 4);
    if (rr <= 0)
        rr = mean_rr(a, 2);
    return rr > 0 ? 60000 / rr : 0;
}

float xw_ecg_alarm_known_share(const struct xw_ecg_alarm *a, int64_t since)
{
    unsigned known_n = 0, all_n = 0;
    for (unsigned i = 0; i < a->beats_n && i < XW_ECG_ALARM_BEATS && ago(a, i)->at >= since; i++) {
        all_n++;
        known_n += ago(a, i)->known;
    }
    return all_n ? (float)known_n / (float)all_n : 0;
}

static struct xw_ecg_event draft(const struct xw_ecg_emit *emit, enum xw_ecg_code code,
                                 enum xw_ecg_priority priority, int64_t first)
{
    struct xw_ecg_event event = xw_ecg_emit_draft(
        emit, XW_ECG_KIND_ALARM, code, xw_ecg_code_name(code), XW_ECG_ALARM_RULE_VERSION);
    event.priority = priority;
    event.first = first;
    return event;
}

static void set_rhythm(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, int64_t first)
{
    const struct xw_ecg_episode *in_order[] = {&a->vf, &a->asystole, &a->vt, &a->tachy, &a->brady};
    enum xw_ecg_code code = XW_ECG_RHYTHM_NORMAL;
    for (unsigned i = 0; i < sizeof(in_order) / sizeof(in_order[0]); i++)
        if (in_order[i]->open) {
            code = in_order[i]->event.code;
            break;
        }
    if (a->rhythm.open && a->rhythm.event.code == code)
        return;
    if (a->rhythm.open && first < a->rhythm.event.first)
        first = a->rhythm.event.first;
    xw_ecg_episode_close(emit, &a->rhythm, first);
    struct xw_ecg_event event =
        xw_ecg_emit_draft(emit, XW_ECG_KIND_RHYTHM, code, "rhythm", XW_ECG_ALARM_RULE_VERSION);
    event.first = first;
    xw_ecg_episode_open(emit, &a->rhythm, &event);
}

static void open_alarm(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, struct xw_ecg_episode *p,
                       const struct xw_ecg_event *event)
{
    xw_ecg_episode_open(emit, p, event);
    set_rhythm(a, emit, event->first);
}

static void close_alarm(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, struct xw_ecg_episode *p,
                        int64_t end)
{
    if (!p->open)
        return;
    xw_ecg_episode_close(emit, p, end);
    set_rhythm(a, emit, end);
}

static void judge_slow(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, bool held)
{
    unsigned rr_n = (unsigned)T.brady_beats_n - 1;
    float rr = mean_rr(a, rr_n), recent = mean_rr(a, 3);
    if (a->brady.open && recent > 0 && 60000 / recent > T.brady_end_bpm)
        close_alarm(a, emit, &a->brady, ago(a, 3)->at);
    if (a->brady.open || a->asystole.open || held || rr <= 60000 / T.brady_bpm)
        return;
    struct xw_ecg_event event =
        draft(emit, XW_ECG_RHYTHM_BRADY, XW_ECG_PRIORITY_HIGH, ago(a, rr_n)->at);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RATE_BPM, 60000 / rr, T.brady_bpm);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_BEATS_N, T.brady_beats_n, T.brady_beats_n);
    open_alarm(a, emit, &a->brady, &event);
}

static void judge_fast(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, bool held)
{
    unsigned rr_n = (unsigned)T.tachy_beats_n - 1;
    float rr = mean_rr(a, rr_n), recent = mean_rr(a, 8);
    if (a->tachy.open && (recent <= 0 || 60000 / recent < T.tachy_end_bpm))
        close_alarm(a, emit, &a->tachy, ago(a, 0)->at);
    if (a->tachy.open || a->vt.open || held || rr <= 0 || rr >= 60000 / T.tachy_bpm)
        return;
    /* Noise makes many beats too, but not of one kind. */
    if (xw_ecg_alarm_known_share(a, ago(a, rr_n)->at) < T.tachy_known_share)
        return;
    struct xw_ecg_event event =
        draft(emit, XW_ECG_RHYTHM_TACHY, XW_ECG_PRIORITY_HIGH, ago(a, rr_n)->at);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RATE_BPM, 60000 / rr, T.tachy_bpm);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_BEATS_N, T.tachy_beats_n, T.tachy_beats_n);
    open_alarm(a, emit, &a->tachy, &event);
}

static unsigned run_of_ventricular(const struct xw_ecg_alarm *a, unsigned from)
{
    unsigned n = 0;
    while (from + n < a->beats_n && from + n < XW_ECG_ALARM_BEATS &&
           ago(a, from + n)->code == XW_ECG_BEAT_VENTRICULAR)
        n++;
    return n;
}

/* A short run is said when it is over: three or four ventricular beats. */
static void judge_short_run(const struct xw_ecg_alarm *a, struct xw_ecg_emit *emit)
{
    unsigned n = run_of_ventricular(a, 1);
    if (ago(a, 0)->code == XW_ECG_BEAT_VENTRICULAR || n < 3 || n >= (unsigned)T.vt_beats_n ||
        a->vt.open)
        return;
    struct xw_ecg_event event =
        draft(emit, XW_ECG_RHYTHM_VRUN, XW_ECG_PRIORITY_MEDIUM, ago(a, n)->at);
    event.end = ago(a, 1)->at + 1;
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_BEATS_N, (float)n, 3);
    xw_ecg_emit_new(emit, &event);
}

static void judge_ventricular(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, bool held)
{
    unsigned n = run_of_ventricular(a, 0), need_n = (unsigned)T.vt_beats_n;
    a->others_n = n ? 0 : a->others_n + 1;
    if (a->vt.open && !a->by_waveform && !held && a->others_n >= 3)
        close_alarm(a, emit, &a->vt, ago(a, 2)->at);
    judge_short_run(a, emit);
    if (a->vt.open || held || n < need_n)
        return;
    double seconds = (double)(ago(a, 0)->at - ago(a, need_n - 1)->at) / emit->rate_hz;
    float rate = seconds > 0 ? (float)(60 * (need_n - 1) / seconds) : 0;
    if (rate <= T.vt_bpm)
        return;
    struct xw_ecg_event event =
        draft(emit, XW_ECG_RHYTHM_VT, XW_ECG_PRIORITY_HIGH, ago(a, n - 1)->at);
    event.confidence = 0.7F;
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RATE_BPM, rate, T.vt_bpm);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_BEATS_N, (float)n, T.vt_beats_n);
    open_alarm(a, emit, &a->vt, &event);
}

static void judge_pause(const struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, bool held)
{
    const struct xw_ecg_alarm_beat *beat = ago(a, 0);
    if (held || a->asystole.open || a->brady.open || beat->rr_ms <= 1000 * T.pause_s ||
        beat->rr_ms >= 1000 * T.asystole_s)
        return;
    struct xw_ecg_event event =
        draft(emit, XW_ECG_RHYTHM_PAUSE, XW_ECG_PRIORITY_LOW, ago(a, 1)->at);
    event.end = beat->at;
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RR_MS, beat->rr_ms, 1000 * T.pause_s);
    xw_ecg_emit_new(emit, &event);
}

/* One artefact must not end an asystole and begin the next: two beats within three seconds do. */
static void judge_return(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit)
{
    if (!a->asystole.open)
        return;
    int64_t at = ago(a, 0)->at;
    if (a->silence_beat >= 0 && (double)(at - a->silence_beat) < 3 * emit->rate_hz)
        close_alarm(a, emit, &a->asystole, a->silence_beat);
    a->silence_beat = at;
}

void xw_ecg_alarm_beat(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, const struct xw_ecg_vf *vf,
                       const struct xw_ecg_alarm_beat *beat)
{
    struct xw_ecg_alarm_beat *kept = &a->beat[a->beats_n++ % XW_ECG_ALARM_BEATS];
    *kept = *beat;
    if (a->asystole.open || a->vf.open) /* that interval is no RR interval */
        kept->rr_ms = 0;
    bool held = vf->active || vf->suspected || a->blind;
    emit->hr_bpm = a->vf.open ? 0 : xw_ecg_alarm_heart_rate(a);
    if (!a->rhythm.open)
        set_rhythm(a, emit, beat->at);
    judge_return(a, emit);
    judge_pause(a, emit, held);
    judge_slow(a, emit, held);
    judge_ventricular(a, emit, held);
    judge_fast(a, emit, held);
}

static void close_all(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, int64_t end)
{
    close_alarm(a, emit, &a->asystole, end);
    close_alarm(a, emit, &a->tachy, end);
    close_alarm(a, emit, &a->vt, end);
    close_alarm(a, emit, &a->brady, end);
}

void xw_ecg_alarm_tick(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, const struct xw_ecg_vf *vf,
                       bool cannot_see, bool pending)
{
    a->blind = cannot_see;
    if (cannot_see) {
        a->trusted_since = emit->now;
        return;
    }
    int64_t since = a->trusted_since;
    if (a->beats_n && ago(a, 0)->at > since)
        since = ago(a, 0)->at;
    double silence_s = (double)(emit->now - since) / emit->rate_hz;
    if (silence_s > 3)
        emit->hr_bpm = 0;
    if (a->asystole.open || a->vf.open || vf->suspected || pending ||
        silence_s < (double)(T.asystole_s + T.asystole_margin_s))
        return;
    close_all(a, emit, since);
    struct xw_ecg_event event = draft(emit, XW_ECG_RHYTHM_ASYSTOLE, XW_ECG_PRIORITY_HIGH, since);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_SILENCE_S, (float)silence_s, T.asystole_s);
    a->silence_beat = -1;
    open_alarm(a, emit, &a->asystole, &event);
}

static unsigned beats_since(const struct xw_ecg_alarm *a, int64_t since)
{
    unsigned n = 0;
    while (n < a->beats_n && n < XW_ECG_ALARM_BEATS && ago(a, n)->at >= since)
        n++;
    return n;
}

/* Since the last beat of a known shape, at most since the window's begin. */
static float seconds_without_known(const struct xw_ecg_alarm *a, const struct xw_ecg_emit *emit,
                                   int64_t since)
{
    for (unsigned i = 0; i < a->beats_n && i < XW_ECG_ALARM_BEATS && ago(a, i)->at > since; i++)
        if (ago(a, i)->known) {
            since = ago(a, i)->at;
            break;
        }
    return (float)((double)(emit->now - since) / emit->rate_hz);
}

/* A wave that repeats itself, and not too fast, is tachycardia; the rest fibrillation or flutter.
 */
static void open_waveform(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit,
                          const struct xw_ecg_vf *vf, int64_t first)
{
    float bpm = vf->cycle_s > 0 ? 60 / vf->cycle_s : 0;
    bool regular = vf->evenness >= T.vf_even && bpm > 0 && bpm <= T.vf_even_bpm;
    a->irregular_s = regular || !vf->now ? 0 : a->irregular_s + 1;
    if (a->vt.open && a->irregular_s < 3) { /* one wave missed does not make it fibrillation */
        a->by_waveform = true;              /* from now on the waveform ends it, not the labels */
        return;
    }
    struct xw_ecg_event event =
        draft(emit, regular ? XW_ECG_RHYTHM_VT : XW_ECG_RHYTHM_VF, XW_ECG_PRIORITY_HIGH, first);
    event.rule = "ventricular-waveform";
    event.confidence = 0.8F;
    if (!regular)
        event.hr_bpm = emit->hr_bpm = 0;
    for (int i = 0; i < 2; i++)
        if (vf->lead[i] >= 0)
            event.lead_mask |= 1U << vf->lead[i];
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_VF_LEAKAGE, vf->leakage, xw_ecg_vf_leakage_limit(vf));
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_VF_COUNT2, vf->count2, xw_ecg_vf_count2_limit(vf));
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_AMPLITUDE_UV, vf->range_uv, T.vf_range_uv);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_SILENCE_S, seconds_without_known(a, emit, first), 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_BEATS_N, (float)beats_since(a, first), 0);
    if (regular)
        xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RATE_BPM, bpm, T.vf_even_bpm);
    close_all(a, emit, first);
    open_alarm(a, emit, regular ? &a->vt : &a->vf, &event);
    a->by_waveform = true;
}

void xw_ecg_alarm_vf(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, const struct xw_ecg_vf *vf,
                     int64_t window_first)
{
    int64_t first = window_first > a->trusted_since ? window_first : a->trusted_since;
    if (vf->active && !a->vf.open)
        open_waveform(a, emit, vf, first);
    if (vf->active || !a->by_waveform)
        return;
    int64_t end = emit->now - (int64_t)((double)T.vf_leave_s * emit->rate_hz);
    a->trusted_since = end > a->trusted_since ? end : a->trusted_since;
    a->by_waveform = false;
    close_alarm(a, emit, &a->vf, end);
    close_alarm(a, emit, &a->vt, end);
}

void xw_ecg_alarm_close(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, int64_t end)
{
    struct xw_ecg_episode *all[] = {&a->asystole, &a->brady, &a->tachy, &a->vt, &a->vf, &a->rhythm};
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        xw_ecg_episode_close(emit, all[i], end);
}
