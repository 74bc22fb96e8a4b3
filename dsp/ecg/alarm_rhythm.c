/* The rhythm that the whole is in, and why it is said: an alarm's own evidence where an alarm names
 * it, the beats that keep a pattern, or the limits that nothing has crossed. */
#include "dsp/ecg/alarm.h"

#include <math.h>

/* Intervals that an absence of findings rests on; the longest and shortest of so many are told. */
enum { ENOUGH_N = 8, NEWEST_N = 24 };

static const struct xw_ecg_alarm_beat *ago(const struct xw_ecg_alarm *a, unsigned n)
{
    return &a->beat[(a->beats_n - 1 - n) % XW_ECG_ALARM_BEATS];
}

static unsigned known_beats(const struct xw_ecg_alarm *a, unsigned most)
{
    return a->beats_n < most ? (unsigned)a->beats_n : most;
}

/* Of the newest n beats. */
struct figures {
    unsigned intervals_n;
    float mean_ms, low_ms, high_ms;
    float confidence; /* the least that a label of theirs has */
};

static struct figures figures_of(const struct xw_ecg_alarm *a, unsigned n)
{
    struct figures f = {.confidence = 1};
    n = known_beats(a, n);
    for (unsigned i = 0; i < n; i++) {
        float rr = ago(a, i)->rr_ms;
        f.confidence = fminf(f.confidence, ago(a, i)->confidence);
        if (rr <= 0)
            continue;
        f.low_ms = f.intervals_n ? fminf(f.low_ms, rr) : rr;
        f.high_ms = fmaxf(f.high_ms, rr);
        f.mean_ms += rr;
        f.intervals_n++;
    }
    if (f.intervals_n)
        f.mean_ms /= (float)f.intervals_n;
    return f;
}

/* Bigeminy, trigeminy: the newest beats that keep to it. */
static void explain_pattern(const struct xw_ecg_alarm *a, const struct xw_ecg_emit *emit,
                            struct xw_ecg_event *event)
{
    float period = event->code == XW_ECG_RHYTHM_BIGEMINY ? 2 : 3;
    struct figures f = figures_of(a, a->pattern_n);
    event->rule = xw_ecg_code_name(event->code);
    event->confidence = f.confidence;
    xw_ecg_emit_evidence(event, XW_ECG_VALUE_BEATS_N, (float)a->pattern_n,
                         period * emit->rules->pattern_repeats_n);
    xw_ecg_emit_evidence(event, XW_ECG_VALUE_RATE_BPM, f.mean_ms > 0 ? 60000 / f.mean_ms : 0, 0);
    xw_ecg_emit_evidence(event, XW_ECG_VALUE_RR_LOW_MS, f.low_ms, 0);
    xw_ecg_emit_evidence(event, XW_ECG_VALUE_RR_HIGH_MS, f.high_ms, 0);
}

/* No finding: how far what was seen stays from the limits. Half as sure as the beats are known
 * until there are enough of them. */
static void explain_absence(struct xw_ecg_alarm *a, const struct xw_ecg_emit *emit,
                            struct xw_ecg_event *event)
{
    struct figures f = figures_of(a, NEWEST_N);
    unsigned n = known_beats(a, NEWEST_N);
    bool enough = f.intervals_n >= ENOUGH_N;
    int64_t since = n ? ago(a, n - 1)->at : event->first;
    a->few = !enough;
    event->rule = "no-finding";
    event->confidence = (enough ? 0.9F : 0.45F) * xw_ecg_alarm_known_share(a, since);
    xw_ecg_emit_evidence(event, XW_ECG_VALUE_BEATS_N, (float)n, ENOUGH_N + 1);
    if (!f.intervals_n)
        return;
    xw_ecg_emit_evidence(event, XW_ECG_VALUE_RATE_BPM, 60000 / f.mean_ms, emit->rules->tachy_bpm);
    xw_ecg_emit_evidence(event, XW_ECG_VALUE_RATE_BPM, 60000 / f.mean_ms, emit->rules->brady_bpm);
    xw_ecg_emit_evidence(event, XW_ECG_VALUE_RR_LOW_MS, f.low_ms, 0);
    xw_ecg_emit_evidence(event, XW_ECG_VALUE_RR_HIGH_MS, f.high_ms, 1000 * emit->rules->pause_s);
}

/* As its alarm is explained. */
static void explain_alarm(const struct xw_ecg_event *alarm, struct xw_ecg_event *event)
{
    event->rule = alarm->rule;
    event->rule_version = alarm->rule_version;
    event->confidence = alarm->confidence;
    event->lead_mask = alarm->lead_mask;
    event->evidence_n = alarm->evidence_n;
    memcpy(event->evidence, alarm->evidence, sizeof(event->evidence));
}

void xw_ecg_alarm_name_rhythm(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, int64_t first)
{
    const struct xw_ecg_episode *first_of[] = {&a->vf, &a->asystole, &a->vt};
    const struct xw_ecg_episode *rates[] = {&a->tachy, &a->brady};
    const struct xw_ecg_event *alarm = NULL;
    for (unsigned i = 0; i < 2 && !a->fibrillating && !a->fluttering; i++)
        if (rates[i]->open)
            alarm = &rates[i]->event;
    for (unsigned i = 3; i-- > 0;)
        if (first_of[i]->open)
            alarm = &first_of[i]->event;
    /* That the RR are irregular does not tell fibrillation from flutter; an even wave does. */
    enum xw_ecg_code code = alarm             ? alarm->code
                            : a->fluttering   ? XW_ECG_RHYTHM_AFL
                            : a->fibrillating ? XW_ECG_RHYTHM_AF
                            : a->pattern      ? a->pattern
                                              : XW_ECG_RHYTHM_NORMAL;
    if (a->rhythm.open && a->rhythm.event.code == code)
        return;
    if (a->rhythm.open && first < a->rhythm.event.first)
        first = a->rhythm.event.first;
    a->rhythm.event.withdrawn |= a->taken_back && a->rhythm.event.code == XW_ECG_RHYTHM_AF;
    xw_ecg_alarm_sum_up(a, emit);
    xw_ecg_episode_close(emit, &a->rhythm, first);
    struct xw_ecg_event event =
        xw_ecg_emit_draft(emit, XW_ECG_KIND_RHYTHM, code, "rhythm", XW_ECG_RHYTHM_RULE_VERSION);
    event.first = first;
    if (alarm)
        explain_alarm(alarm, &event);
    else if (code == XW_ECG_RHYTHM_AF)
        event = a->atrial;
    else if (code == XW_ECG_RHYTHM_AFL)
        event = a->flutter;
    else if (a->pattern)
        explain_pattern(a, emit, &event);
    else
        explain_absence(a, emit, &event);
    event.first = first;
    xw_ecg_episode_open(emit, &a->rhythm, &event);
}

void xw_ecg_alarm_sum_up(struct xw_ecg_alarm *a, const struct xw_ecg_emit *emit)
{
    struct xw_ecg_event *event = &a->rhythm.event;
    if (!a->rhythm.open || event->code != XW_ECG_RHYTHM_NORMAL || !a->few)
        return;
    event->evidence_n = 0;
    explain_absence(a, emit, event);
}

void xw_ecg_alarm_look_again(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit)
{
    struct xw_ecg_event *event = &a->rhythm.event;
    if (!a->rhythm.open || event->code != XW_ECG_RHYTHM_NORMAL || !a->few)
        return;
    xw_ecg_alarm_sum_up(a, emit);
    if (a->few)
        return;
    event->hr_bpm = emit->hr_bpm;
    event->revision++;
    xw_ecg_emit_again(emit, event);
}

void xw_ecg_alarm_begin_rhythm(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, int64_t first)
{
    if (!a->rhythm.open)
        xw_ecg_alarm_name_rhythm(a, emit, first);
}

void xw_ecg_alarm_note(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit,
                       const struct xw_ecg_alarm_beat *beat)
{
    a->beat[a->beats_n++ % XW_ECG_ALARM_BEATS] = *beat;
    xw_ecg_alarm_look_again(a, emit);
}

/* Why the atria are said to fibrillate; the early look has evidence and a name of its own. */
static void draft_atrial(struct xw_ecg_alarm *a, const struct xw_ecg_emit *emit,
                         const struct xw_ecg_af *af)
{
    struct xw_ecg_af_evidence why = xw_ecg_af_evidence(af);
    a->atrial = xw_ecg_emit_draft(emit, XW_ECG_KIND_RHYTHM, XW_ECG_RHYTHM_AF,
                                  af->sure ? "af-rr" : "af-rr-early", XW_ECG_AF_RULE_VERSION);
    a->atrial.confidence = af->sure ? 0.9F : 0.7F;
    xw_ecg_emit_evidence(&a->atrial, XW_ECG_VALUE_AF_SCORE, why.score, why.score);
    xw_ecg_emit_evidence(&a->atrial, XW_ECG_VALUE_RR_ALIKE, why.alike_share, 0);
    xw_ecg_emit_evidence(&a->atrial, XW_ECG_VALUE_RR_DIFFERENCE, why.difference, 0);
    xw_ecg_emit_evidence(&a->atrial, XW_ECG_VALUE_RR_PATTERN, why.pattern, 0);
    xw_ecg_emit_evidence(&a->atrial, XW_ECG_VALUE_BEATS_N, (float)why.intervals_n, 0);
    xw_ecg_emit_evidence(&a->atrial, XW_ECG_VALUE_RR_MS, why.rr_ms, 0);
    xw_ecg_emit_evidence(&a->atrial, XW_ECG_VALUE_RR_LOW_MS, why.rr_low_ms, 0);
    xw_ecg_emit_evidence(&a->atrial, XW_ECG_VALUE_RR_HIGH_MS, why.rr_high_ms, 0);
}

/* What was said early is confirmed: the same episode, by the rule that is sure. */
static void confirm_atrial(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit)
{
    struct xw_ecg_event *said = &a->rhythm.event;
    if (!a->rhythm.open || said->code != XW_ECG_RHYTHM_AF)
        return;
    struct xw_ecg_event event = a->atrial;
    event.first = said->first;
    event.end = said->end;
    event.sequence = said->sequence;
    event.revision = said->revision + 1;
    *said = event;
    xw_ecg_emit_again(emit, said);
}

void xw_ecg_alarm_af(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, const struct xw_ecg_af *af)
{
    bool changed = af->active != a->fibrillating;
    a->fibrillating = af->active;
    if (af->active)
        draft_atrial(a, emit, af);
    if (!changed && af->active)
        confirm_atrial(a, emit);
    if (!changed)
        return;
    a->taken_back = af->taken_back;
    xw_ecg_alarm_name_rhythm(a, emit, af->since_at);
    a->taken_back = false;
}

/* Surer the more the wave stands out: 0.5 at the limit, 0.8 at twice that. */
static void draft_flutter(struct xw_ecg_alarm *a, const struct xw_ecg_emit *emit,
                          const struct xw_ecg_flutter_look *look)
{
    const struct xw_ecg_flutter_limits limit = xw_ecg_flutter_limits(look, emit->rules);
    a->flutter = xw_ecg_emit_draft(emit, XW_ECG_KIND_RHYTHM, XW_ECG_RHYTHM_AFL, "flutter-wave",
                                   XW_ECG_FLUTTER_RULE_VERSION);
    a->flutter.confidence = fminf(0.5F + 0.3F * (look->peak_ratio / limit.peak - 1), 0.8F);
    a->flutter.lead_mask = 1U << look->lead;
    xw_ecg_emit_evidence(&a->flutter, XW_ECG_VALUE_ATRIAL_BPM, look->atrial_bpm,
                         XW_ECG_FLUTTER_LOW_BPM);
    xw_ecg_emit_evidence(&a->flutter, XW_ECG_VALUE_RATE_BPM, look->ventricular_bpm, 0);
    xw_ecg_emit_evidence(&a->flutter, XW_ECG_VALUE_WAVE_PEAK, look->peak_ratio, limit.peak);
    xw_ecg_emit_evidence(&a->flutter, XW_ECG_VALUE_WAVE_SHARE, look->share, limit.share);
    xw_ecg_emit_evidence(&a->flutter, XW_ECG_VALUE_WAVE_LOCK, look->lock, limit.lock);
    xw_ecg_emit_evidence(&a->flutter, XW_ECG_VALUE_AMPLITUDE_UV, look->height_uv, limit.height_uv);
    xw_ecg_emit_evidence(&a->flutter, XW_ECG_VALUE_BEATS_N, (float)look->beats_n, 0);
}

void xw_ecg_alarm_flutter(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit,
                          const struct xw_ecg_flutter *f)
{
    a->fluttering = f->active;
    if (f->active)
        draft_flutter(a, emit, &f->look);
    xw_ecg_alarm_name_rhythm(a, emit, f->active ? f->since_at : f->until_at);
}
