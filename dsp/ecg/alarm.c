/* Alarm state machines. */
#include "dsp/ecg/alarm.h"
#include "dsp/ecg/tables.h"

#include <math.h>

#define T xw_ecg_tables

static const double LEARNING_S = 6.5, ORDINARY_REST_RR = 2.5;
enum { UNPROVEN_BEATS = 5, LONG_RR_MS = 2000, ORDINARY_N = 6 };

void xw_ecg_alarm_init(struct xw_ecg_alarm *a)
{
    a->limits = (struct xw_ecg_alarm_limits){.vt_strange = T.vt_strange,
                                             .vt_alike = T.vt_alike,
                                             .vt_strange_rr = T.vt_strange_rr,
                                             .vt_uneven = T.vt_uneven,
                                             .veto_uneven = T.veto_uneven};
}

void xw_ecg_alarm_reset(struct xw_ecg_alarm *a, int64_t first_sample)
{
    struct xw_ecg_alarm old = *a;
    memset(a, 0, sizeof(*a));
    memcpy(a->pulse, old.pulse, sizeof(a->pulse));
    a->pulses_n = old.pulses_n;
    a->limits = old.limits;
    a->vetoed_n = old.vetoed_n;
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

/* 0.5 if none of the beats since `first` looks like a QRS seen before, 0.95 if all do. */
static float confidence_of(const struct xw_ecg_alarm *a, int64_t first)
{
    return 0.5F + 0.45F * xw_ecg_alarm_known_share(a, first);
}

static void open_alarm(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, struct xw_ecg_episode *p,
                       const struct xw_ecg_event *event)
{
    xw_ecg_episode_open(emit, p, event);
    xw_ecg_alarm_name_rhythm(a, emit, event->first);
}

/* How long it lasts, or has lasted so far, against what makes it sustained. */
static void put_duration(const struct xw_ecg_emit *emit, struct xw_ecg_episode *p, int64_t end)
{
    struct xw_ecg_event *event = &p->event;
    if (event->evidence_n && event->evidence[event->evidence_n - 1].id == XW_ECG_VALUE_DURATION_S)
        event->evidence_n--;
    int64_t n = end > event->first ? end - event->first : 0;
    xw_ecg_emit_evidence(event, XW_ECG_VALUE_DURATION_S, (float)((double)n / emit->rate_hz),
                         emit->rules->vt_sustained_s);
}

/* Tachycardia that has lasted long enough to be called sustained: its next word says so. */
static void judge_sustained(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit)
{
    struct xw_ecg_event *event = &a->vt.event;
    if (!a->vt.open || a->sustained_of == event->sequence ||
        (double)(emit->now - event->first) < (double)emit->rules->vt_sustained_s * emit->rate_hz)
        return;
    a->sustained_of = event->sequence;
    put_duration(emit, &a->vt, emit->now);
    event->hr_bpm = emit->hr_bpm;
    event->revision++;
    xw_ecg_emit_again(emit, event);
}

static void close_alarm(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, struct xw_ecg_episode *p,
                        int64_t end)
{
    if (!p->open)
        return;
    if (p == &a->vt)
        put_duration(emit, p, end);
    xw_ecg_episode_close(emit, p, end);
    xw_ecg_alarm_name_rhythm(a, emit, end);
}

/* A pattern's end: the last beat that kept it. */
static void judge_pattern(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit)
{
    int64_t since = ago(a, 0)->at;
    unsigned n = 0;
    enum xw_ecg_code pattern =
        xw_ecg_alarm_pattern(a, (unsigned)emit->rules->pattern_repeats_n, &since, &n);
    if (pattern == a->pattern)
        return;
    a->pattern = pattern;
    a->pattern_since = since;
    a->pattern_n = n;
    xw_ecg_alarm_name_rhythm(a, emit, since);
}

static void judge_slow(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, bool held)
{
    unsigned rr_n = (unsigned)emit->rules->brady_beats_n - 1;
    float rr = mean_rr(a, rr_n), recent = mean_rr(a, 3);
    if (a->brady.open && recent > 0 && 60000 / recent > emit->rules->brady_end_bpm)
        close_alarm(a, emit, &a->brady, ago(a, 3)->at);
    if (a->brady.open || a->asystole.open || held || rr <= 60000 / emit->rules->brady_bpm ||
        xw_ecg_alarm_deny(a, emit, XW_ECG_RHYTHM_BRADY, ago(a, rr_n)->at, 60000 / rr))
        return;
    struct xw_ecg_event event =
        draft(emit, XW_ECG_RHYTHM_BRADY, emit->rules->brady_priority, ago(a, rr_n)->at);
    event.confidence = confidence_of(a, event.first);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RATE_BPM, 60000 / rr, emit->rules->brady_bpm);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_BEATS_N, emit->rules->brady_beats_n,
                         emit->rules->brady_beats_n);
    open_alarm(a, emit, &a->brady, &event);
}

static void judge_fast(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, bool held)
{
    unsigned rr_n = (unsigned)emit->rules->tachy_beats_n - 1;
    float rr = mean_rr(a, rr_n), recent = mean_rr(a, 8);
    if (a->tachy.open && (recent <= 0 || 60000 / recent < emit->rules->tachy_end_bpm))
        close_alarm(a, emit, &a->tachy, ago(a, 0)->at);
    if (a->tachy.open || a->vt.open || held || rr <= 0 || rr >= 60000 / emit->rules->tachy_bpm)
        return;
    /* Noise makes many beats too, but not of one kind. */
    if (xw_ecg_alarm_known_share(a, ago(a, rr_n)->at) < T.tachy_known_share ||
        xw_ecg_alarm_deny(a, emit, XW_ECG_RHYTHM_TACHY, ago(a, rr_n)->at, 60000 / rr))
        return;
    struct xw_ecg_event event =
        draft(emit, XW_ECG_RHYTHM_TACHY, emit->rules->tachy_priority, ago(a, rr_n)->at);
    event.confidence = confidence_of(a, event.first);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RATE_BPM, 60000 / rr, emit->rules->tachy_bpm);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_BEATS_N, emit->rules->tachy_beats_n,
                         emit->rules->tachy_beats_n);
    open_alarm(a, emit, &a->tachy, &event);
}

static void judge_strangers(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, bool held)
{
    float rr;
    unsigned n = xw_ecg_alarm_strange_run(a, emit->rules->vt_bpm, &rr);
    if (a->vt.open || held || n < (unsigned)emit->rules->vt_strange_n ||
        rr >= 60000 / emit->rules->vt_bpm ||
        rr > a->limits.vt_strange_rr * xw_ecg_alarm_rr_before(a, n) ||
        ago(a, (unsigned)emit->rules->vt_strange_n - 1)->at < a->doubted_until ||
        xw_ecg_alarm_deny(a, emit, XW_ECG_RHYTHM_VT, ago(a, n - 1)->at, 60000 / rr))
        return;
    struct xw_ecg_event event =
        draft(emit, XW_ECG_RHYTHM_VT, emit->rules->vt_priority, ago(a, n - 1)->at);
    event.rule = "strange-run";
    event.confidence = 0.6F;
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RATE_BPM, 60000 / rr, emit->rules->vt_bpm);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_BEATS_N, (float)n, emit->rules->vt_strange_n);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_TEMPLATE_MATCH, ago(a, 0)->likeness,
                         a->limits.vt_strange);
    open_alarm(a, emit, &a->vt, &event);
}

static void judge_ventricular(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, bool held)
{
    unsigned n = xw_ecg_alarm_ventricular_run(a, 0), need_n = (unsigned)emit->rules->vt_beats_n;
    const struct xw_ecg_alarm_beat *last = ago(a, 0);
    bool strange_and_fast = last->likeness <= a->limits.vt_strange && last->rr_ms > 0 &&
                            last->rr_ms < 60000 / emit->rules->vt_bpm;
    a->others_n = n || strange_and_fast ? 0 : a->others_n + 1;
    if (a->vt.open && !a->by_waveform && !held && a->others_n >= 3)
        close_alarm(a, emit, &a->vt, ago(a, 2)->at);
    if (a->vt.open || held || n < need_n || ago(a, need_n - 1)->at < a->doubted_until)
        return;
    double seconds = (double)(ago(a, 0)->at - ago(a, need_n - 1)->at) / emit->rate_hz;
    float rate = seconds > 0 ? (float)(60 * (need_n - 1) / seconds) : 0;
    /* What noise makes of a QRS is ventricular too, but comes anyhow. */
    if (rate <= emit->rules->vt_bpm ||
        xw_ecg_alarm_unevenness(a, need_n - 1) > a->limits.vt_uneven ||
        xw_ecg_alarm_deny(a, emit, XW_ECG_RHYTHM_VT, ago(a, n - 1)->at, rate))
        return;
    struct xw_ecg_event event =
        draft(emit, XW_ECG_RHYTHM_VT, emit->rules->vt_priority, ago(a, n - 1)->at);
    event.confidence = 0.7F;
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RATE_BPM, rate, emit->rules->vt_bpm);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_BEATS_N, (float)n, emit->rules->vt_beats_n);
    open_alarm(a, emit, &a->vt, &event);
}

static void judge_pause(const struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, bool held)
{
    const struct xw_ecg_alarm_beat *beat = ago(a, 0);
    if (held || a->asystole.open || a->brady.open || !emit->rules->pause_priority ||
        beat->rr_ms <= 1000 * emit->rules->pause_s || beat->rr_ms >= 1000 * emit->rules->asystole_s)
        return;
    struct xw_ecg_event event =
        draft(emit, XW_ECG_RHYTHM_PAUSE, emit->rules->pause_priority, ago(a, 1)->at);
    event.end = beat->at;
    event.confidence = confidence_of(a, event.first);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RR_MS, beat->rr_ms, 1000 * emit->rules->pause_s);
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
    /* As long as it sees badly, beats may be missing in a long interval; so if after three seconds
     * (a heart that pauses is still then) leads moved as if they beat. */
    int64_t before = a->beats_n > 1 ? ago(a, 1)->at : INT64_MAX / 2;
    bool unseen = a->unproven_n || a->hidden_until > before ||
                  a->swung_until > before + (int64_t)(3 * emit->rate_hz);
    if (unseen && kept->rr_ms > LONG_RR_MS)
        kept->rr_ms = 0;
    bool held = vf->active || vf->suspected || a->blind || a->upset;
    a->unproven_n -= a->unproven_n > 0 && !a->blind;
    emit->hr_bpm = a->vf.open ? 0 : xw_ecg_alarm_heart_rate(a);
    if (!a->rhythm.open)
        xw_ecg_alarm_name_rhythm(a, emit, beat->at);
    xw_ecg_alarm_look_again(a, emit);
    judge_pattern(a, emit);
    judge_return(a, emit);
    judge_pause(a, emit, held);
    judge_slow(a, emit, held);
    /* A run of ventricular beats need not wait until the waveform is sure of itself. */
    judge_ventricular(a, emit, vf->active || a->blind || a->upset);
    judge_strangers(a, emit, held);
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
    judge_sustained(a, emit);
    if (cannot_see) {
        a->trusted_since = emit->now;
        a->unproven_n = UNPROVEN_BEATS;
        return;
    }
    int64_t since = a->hidden_until > a->trusted_since ? a->hidden_until : a->trusted_since;
    if (a->beats_n && ago(a, 0)->at > since)
        since = ago(a, 0)->at;
    double silence_s = (double)(emit->now - since) / emit->rate_hz;
    if (silence_s > 3)
        emit->hr_bpm = 0;
    /* Levels learned from the noise that blinded it are given up after eight seconds; then the next
     * beats must have had the time to be seen. */
    double learning_s = a->unproven_n || a->swinging ? LEARNING_S : 0;
    if (a->asystole.open || a->vf.open || vf->suspected || pending ||
        silence_s < (double)(emit->rules->asystole_s + T.asystole_margin_s) + learning_s ||
        xw_ecg_alarm_deny(a, emit, XW_ECG_RHYTHM_ASYSTOLE, since, 0))
        return;
    close_all(a, emit, since);
    struct xw_ecg_event event =
        draft(emit, XW_ECG_RHYTHM_ASYSTOLE, emit->rules->asystole_priority, since);
    event.confidence = a->unproven_n ? 0.7F : 0.9F;
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_SILENCE_S, (float)silence_s, emit->rules->asystole_s);
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
    enum xw_ecg_code code = regular ? XW_ECG_RHYTHM_VT : XW_ECG_RHYTHM_VF;
    if (xw_ecg_alarm_deny(a, emit, code, first, regular ? bpm : 0))
        return;
    struct xw_ecg_event event =
        draft(emit, code, regular ? emit->rules->vt_priority : emit->rules->vf_priority, first);
    event.rule = "ventricular-waveform";
    event.confidence = 0.8F;
    if (!regular)
        event.hr_bpm = emit->hr_bpm = 0;
    for (int i = 0; i < 2; i++)
        if (vf->lead[i] >= 0)
            event.lead_mask |= 1U << vf->lead[i];
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_VF_SCORE, vf->weight, 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_VF_LEAKAGE, vf->leakage, 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_VF_COUNT2, vf->count2, 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_WAVE_HZ, expf(vf->features[XW_ECG_WAVE_LN_PEAK_HZ]),
                         T.vf_slow_hz);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_WAVE_SHARE, vf->features[XW_ECG_WAVE_PEAK_SHARE], 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_AMPLITUDE_UV, vf->range_uv, T.vf_range_uv);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_SILENCE_S, seconds_without_known(a, emit, first), 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_BEATS_N, (float)beats_since(a, first), 0);
    if (regular)
        xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RATE_BPM, bpm, T.vf_even_bpm);
    close_all(a, emit, first);
    open_alarm(a, emit, regular ? &a->vt : &a->vf, &event);
    a->by_waveform = true;
}

/* Of the patient's usual shape and narrow: a sinus beat, however fast. */
static bool is_ordinary(const struct xw_ecg_alarm_beat *b)
{
    return (b->code == XW_ECG_BEAT_NORMAL || b->code == XW_ECG_BEAT_SUPRAVENTRICULAR) &&
           b->likeness >= T.vf_ordinary_like && b->width_ms > 0 &&
           b->width_ms <= T.vf_ordinary_width_ms;
}

struct xw_ecg_vf_beats xw_ecg_alarm_recent(const struct xw_ecg_alarm *a,
                                           const struct xw_ecg_emit *emit)
{
    struct xw_ecg_vf_beats recent = {.ordinary = true};
    int64_t since = emit->now - (int64_t)(5 * emit->rate_hz);
    float difference = 0, sum = 0, rr = 0, intervals_n = 0;
    for (unsigned i = 0; i < a->beats_n && i < XW_ECG_ALARM_BEATS && ago(a, i)->at >= since; i++) {
        recent.beats_n++;
        recent.match += ago(a, i)->match;
        recent.ordinary &= is_ordinary(ago(a, i));
        float before = rr;
        rr = i + 1 < a->beats_n && i + 1 < XW_ECG_ALARM_BEATS
                 ? (float)(ago(a, i)->at - ago(a, i + 1)->at)
                 : 0;
        difference += before > 0 && rr > 0 ? fabsf(rr - before) : 0;
        sum += rr;
        intervals_n += rr > 0;
    }
    if (recent.beats_n)
        recent.match /= (float)recent.beats_n;
    if (recent.beats_n >= 3 && sum > 0) {
        recent.uneven = fminf(difference / sum, 1);
        recent.rate_bpm = 60 * intervals_n * (float)emit->rate_hz / sum;
    }
    /* Even, and nothing missing between the last beat and now. */
    double rest_s = recent.beats_n ? (double)(emit->now - ago(a, 0)->at) / emit->rate_hz : 0;
    recent.ordinary &= recent.beats_n >= ORDINARY_N && recent.uneven < T.vf_ordinary_uneven &&
                       rest_s * (double)recent.rate_bpm < 60 * ORDINARY_REST_RR;
    return recent;
}

void xw_ecg_alarm_vf(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, const struct xw_ecg_vf *vf)
{
    int64_t since = emit->now - (int64_t)((double)vf->since_s * emit->rate_hz);
    int64_t first = since > a->trusted_since ? since : a->trusted_since;
    a->waveform_s = vf->active ? a->waveform_s + 1 : 0;
    if (vf->active && !a->vf.open && (float)a->waveform_s > emit->rules->vf_confirm_s)
        open_waveform(a, emit, vf, first);
    if (vf->active || !a->by_waveform)
        return;
    a->trusted_since = first;
    a->by_waveform = false;
    close_alarm(a, emit, &a->vf, first);
    close_alarm(a, emit, &a->vt, first);
}

void xw_ecg_alarm_close(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, int64_t end)
{
    struct xw_ecg_episode *all[] = {&a->asystole, &a->brady, &a->tachy, &a->vt, &a->vf, &a->rhythm};
    if (a->vt.open)
        put_duration(emit, &a->vt, end);
    xw_ecg_alarm_sum_up(a, emit);
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        xw_ecg_episode_close(emit, all[i], end);
}
