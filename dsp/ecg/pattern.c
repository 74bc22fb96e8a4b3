/* Couplets, runs, R-on-T, supraventricular tachycardia: from labels and times alone. */
#include "dsp/ecg/pattern.h"
#include "dsp/ecg/tables.h"

#include <math.h>
#include <string.h>

#define T xw_ecg_tables

enum { USUAL_RR = 8, SUDDEN_BEATS = 4 };

void xw_ecg_pattern_reset(struct xw_ecg_pattern *p)
{
    memset(p, 0, sizeof(*p));
}

static struct xw_ecg_pattern_beat *at_index(struct xw_ecg_pattern *p, uint64_t i)
{
    return &p->beat[i % XW_ECG_PATTERN_BEATS];
}

static uint64_t oldest(const struct xw_ecg_pattern *p)
{
    return p->beats_n > XW_ECG_PATTERN_BEATS ? p->beats_n - XW_ECG_PATTERN_BEATS : 0;
}

static bool is_ventricular(struct xw_ecg_pattern *p, uint64_t i)
{
    return at_index(p, i)->code == XW_ECG_BEAT_VENTRICULAR;
}

/* The mean rate from beat `first` to beat `last`. */
static float rate_of(struct xw_ecg_pattern *p, const struct xw_ecg_emit *emit, uint64_t first,
                     uint64_t last)
{
    double n = (double)(at_index(p, last)->at - at_index(p, first)->at);
    return n > 0 ? (float)(60 * (double)(last - first) * emit->rate_hz / n) : 0;
}

static struct xw_ecg_event draft(struct xw_ecg_pattern *p, const struct xw_ecg_emit *emit,
                                 enum xw_ecg_code code, enum xw_ecg_priority priority,
                                 uint64_t first, uint64_t last)
{
    struct xw_ecg_event event = xw_ecg_emit_draft(
        emit, XW_ECG_KIND_ALARM, code, xw_ecg_code_name(code), XW_ECG_PATTERN_RULE_VERSION);
    event.priority = priority;
    event.first = at_index(p, first)->at;
    event.end = at_index(p, last)->at + 1;
    for (uint64_t i = first; i <= last; i++)
        event.confidence = fminf(event.confidence, at_index(p, i)->confidence);
    return event;
}

static void keep(struct xw_ecg_pattern *p, const struct xw_ecg_event *event)
{
    p->named[p->named_n++ % XW_ECG_PATTERN_NAMED] = *event;
}

static void say(struct xw_ecg_pattern *p, struct xw_ecg_emit *emit, struct xw_ecg_event *event,
                bool late)
{
    event->late = late;
    if (late)
        event->stage = XW_ECG_STAGE_REVISED;
    xw_ecg_emit_new(emit, event);
    keep(p, event);
}

static void take_back(struct xw_ecg_emit *emit, struct xw_ecg_event *event)
{
    event->withdrawn = true;
    event->stage = XW_ECG_STAGE_REVISED;
    event->revision++;
    event->confidence = 0;
    event->hr_bpm = emit->hr_bpm;
    xw_ecg_emit_again(emit, event);
}

/* ---- ventricular runs ---- */

struct run {
    uint64_t first, last; /* beats */
    bool ended;           /* the beat after it is known, and is none of it */
};

/* The run that beat i, which is ventricular, belongs to. */
static struct run run_around(struct xw_ecg_pattern *p, uint64_t i, bool closing)
{
    struct run run = {.first = i, .last = i};
    while (run.first > oldest(p) && at_index(p, run.first)->rr_ms > 0 &&
           is_ventricular(p, run.first - 1))
        run.first--;
    while (run.last + 1 < p->judged_n && at_index(p, run.last + 1)->rr_ms > 0 &&
           is_ventricular(p, run.last + 1))
        run.last++;
    run.ended = closing || run.last + 1 < p->judged_n;
    return run;
}

static bool is_covered(struct xw_ecg_pattern *p, const struct run *run)
{
    for (uint64_t i = run->first; i <= run->last; i++)
        if (at_index(p, i)->covered)
            return true;
    return false;
}

static bool is_run(const struct xw_ecg_event *e)
{
    return e->code == XW_ECG_RHYTHM_COUPLET || e->code == XW_ECG_RHYTHM_VRUN;
}

static bool is_named(struct xw_ecg_pattern *p, const struct run *run)
{
    for (unsigned i = 0; i < XW_ECG_PATTERN_NAMED && i < p->named_n; i++) {
        const struct xw_ecg_event *e = &p->named[i];
        if (is_run(e) && !e->withdrawn && e->first == at_index(p, run->first)->at &&
            e->end == at_index(p, run->last)->at + 1)
            return true;
    }
    return false;
}

static void name_run(struct xw_ecg_pattern *p, struct xw_ecg_emit *emit, const struct run *run,
                     bool late)
{
    const struct xw_ecg_rules *rules = emit->rules;
    uint64_t n = run->last - run->first + 1;
    bool couplet = n == 2;
    enum xw_ecg_priority priority = couplet ? rules->couplet_priority : rules->run_priority;
    float rate = rate_of(p, emit, run->first, run->last);
    if (!priority || rate <= rules->run_bpm || !run->ended || n < 2 ||
        (!couplet && n < (uint64_t)rules->run_beats_n) || is_covered(p, run) || is_named(p, run))
        return;
    struct xw_ecg_event event = draft(p, emit, couplet ? XW_ECG_RHYTHM_COUPLET : XW_ECG_RHYTHM_VRUN,
                                      priority, run->first, run->last);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_BEATS_N, (float)n, couplet ? 2 : rules->run_beats_n);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RATE_BPM, rate, rules->run_bpm);
    say(p, emit, &event, late);
}

/* ---- R on T ---- */

static void sort(float *x, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        float v = x[i];
        unsigned k = i;
        for (; k > 0 && x[k - 1] > v; k--)
            x[k] = x[k - 1];
        x[k] = v;
    }
}

/* Median of the last RR between beats that are not ventricular, before beat i; 0 = too few. */
static float usual_rr(struct xw_ecg_pattern *p, uint64_t i)
{
    float rr[USUAL_RR];
    unsigned n = 0;
    uint64_t low = p->start > oldest(p) ? p->start : oldest(p);
    while (n < USUAL_RR && i > low + 1) {
        i--;
        if (at_index(p, i)->rr_ms > 0 && !is_ventricular(p, i) && !is_ventricular(p, i - 1))
            rr[n++] = at_index(p, i)->rr_ms;
    }
    if (n < 3)
        return 0;
    sort(rr, n);
    return rr[n / 2];
}

/* Early against the usual RR, and its QRS begins before the T wave of the beat before has ended:
 * that end is taken from the rate (Bazett). */
static void judge_r_on_t(struct xw_ecg_pattern *p, struct xw_ecg_emit *emit, uint64_t i)
{
    const struct xw_ecg_rules *rules = emit->rules;
    const struct xw_ecg_pattern_beat *beat = at_index(p, i);
    if (!rules->ront_priority || i <= p->start || i <= oldest(p) || beat->covered ||
        beat->rr_ms <= 0 || !is_ventricular(p, i) || is_ventricular(p, i - 1))
        return;
    float usual = usual_rr(p, i);
    float t_end = 1000 * rules->ront_qt_s * sqrtf(usual / 1000),
          begin = beat->rr_ms - beat->width_ms / 2;
    if (usual <= 0 || beat->rr_ms >= rules->ront_rr * usual || begin >= t_end)
        return;
    struct xw_ecg_event event =
        draft(p, emit, XW_ECG_RHYTHM_R_ON_T, rules->ront_priority, i - 1, i);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RR_MS, begin, t_end);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_PREMATURITY, beat->rr_ms / usual, rules->ront_rr);
    say(p, emit, &event, false);
}

/* ---- supraventricular tachycardia ---- */

static void end_svt(struct xw_ecg_pattern *p, struct xw_ecg_emit *emit, int64_t end)
{
    if (!p->svt.open)
        return;
    xw_ecg_episode_close(emit, &p->svt, end);
    keep(p, &p->svt.event);
}

static bool goes_on(struct xw_ecg_pattern *p, const struct xw_ecg_emit *emit, uint64_t i)
{
    const struct xw_ecg_pattern_beat *beat = at_index(p, i);
    float rate = rate_of(p, emit, p->svt_first > oldest(p) ? p->svt_first : oldest(p), i - 1);
    return !beat->covered && beat->code != XW_ECG_BEAT_VENTRICULAR && beat->rr_ms > 0 &&
           beat->rr_ms < 60000 / emit->rules->svt_bpm && beat->rr_ms * rate < 60000 * T.svt_slack;
}

/* It begins at once: an RR before or at its first beats that is much shorter than the one before
 * it. A heart that becomes faster beat by beat does not. */
static bool began_suddenly(struct xw_ecg_pattern *p, uint64_t first, uint64_t i)
{
    uint64_t low = p->start > oldest(p) ? p->start : oldest(p);
    uint64_t k = first > low + SUDDEN_BEATS ? first - SUDDEN_BEATS : low;
    for (; k < i; k++) {
        float before = at_index(p, k)->rr_ms, rr = at_index(p, k + 1)->rr_ms;
        if (before <= 0 || (rr > 0 && rr < T.svt_sudden * before))
            return true; /* or that is not known */
    }
    return false;
}

static void judge_svt(struct xw_ecg_pattern *p, struct xw_ecg_emit *emit, uint64_t i)
{
    const struct xw_ecg_rules *rules = emit->rules;
    uint64_t n = 0, low = p->start > oldest(p) ? p->start : oldest(p);
    if (p->svt.open) {
        if (!rules->svt_priority || !goes_on(p, emit, i))
            end_svt(p, emit, at_index(p, i - 1)->at + 1);
        return;
    }
    while (i - n > low && at_index(p, i - n)->code == XW_ECG_BEAT_SUPRAVENTRICULAR &&
           at_index(p, i - n)->rr_ms > 0 && !at_index(p, i - n)->covered &&
           !at_index(p, i - n)->strange)
        n++;
    if (!rules->svt_priority || p->fibrillating || n < 2 || n < (uint64_t)rules->svt_beats_n)
        return;
    uint64_t first = i - n + 1;
    float rate = rate_of(p, emit, first, i);
    if (rate <= rules->svt_bpm || !began_suddenly(p, first, i))
        return;
    struct xw_ecg_event event = draft(p, emit, XW_ECG_RHYTHM_SVT, rules->svt_priority, first, i);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_BEATS_N, (float)n, rules->svt_beats_n);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RATE_BPM, rate, rules->svt_bpm);
    p->svt_first = first;
    xw_ecg_episode_open(emit, &p->svt, &event);
}

void xw_ecg_pattern_atria(struct xw_ecg_pattern *p, struct xw_ecg_emit *emit, bool fibrillating,
                          int64_t since)
{
    p->fibrillating = fibrillating;
    if (!fibrillating)
        return;
    end_svt(p, emit, emit->now);
    for (unsigned i = 0; i < XW_ECG_PATTERN_NAMED && i < p->named_n; i++) {
        struct xw_ecg_event *e = &p->named[i];
        if (e->code == XW_ECG_RHYTHM_SVT && !e->withdrawn && e->first >= since)
            take_back(emit, e);
    }
}

/* ---- beats and their later labels ---- */

static void judge(struct xw_ecg_pattern *p, struct xw_ecg_emit *emit, bool closing)
{
    uint64_t i = p->judged_n++;
    if (at_index(p, i)->rr_ms <= 0)
        p->start = i;
    bool before = i > p->start && is_ventricular(p, i - 1);
    if (before && !is_ventricular(p, i)) {
        struct run run = run_around(p, i - 1, false);
        name_run(p, emit, &run, false);
    }
    if (closing && is_ventricular(p, i)) {
        struct run run = run_around(p, i, true);
        name_run(p, emit, &run, false);
    }
    judge_r_on_t(p, emit, i);
    judge_svt(p, emit, i);
}

void xw_ecg_pattern_beat(struct xw_ecg_pattern *p, struct xw_ecg_emit *emit,
                         const struct xw_ecg_pattern_beat *beat)
{
    struct xw_ecg_pattern_beat *kept = at_index(p, p->beats_n++);
    *kept = *beat;
    kept->covered |= beat->at < p->covered_until;
    while (p->judged_n + 1 < p->beats_n)
        judge(p, emit, false);
}

void xw_ecg_pattern_cover(struct xw_ecg_pattern *p, int64_t since, int64_t until)
{
    p->covered_until = until > p->covered_until ? until : p->covered_until;
    for (uint64_t i = p->beats_n; i > oldest(p) && at_index(p, i - 1)->at >= since; i--)
        at_index(p, i - 1)->covered = true;
}

static unsigned supraventricular_in(struct xw_ecg_pattern *p, const struct xw_ecg_event *e)
{
    unsigned n = 0;
    for (uint64_t i = oldest(p); i < p->beats_n; i++)
        n += at_index(p, i)->at >= e->first && at_index(p, i)->at < e->end &&
             at_index(p, i)->code == XW_ECG_BEAT_SUPRAVENTRICULAR;
    return n;
}

/* Does what was said of beats around beat i still hold? */
static bool holds(struct xw_ecg_pattern *p, const struct xw_ecg_event *e, uint64_t i)
{
    if (e->code == XW_ECG_RHYTHM_SVT) /* by the limit with which it was said */
        return (float)supraventricular_in(p, e) >= e->evidence[0].limit;
    if (e->code == XW_ECG_RHYTHM_R_ON_T) /* of its two beats the second is the ventricular one */
        return (at_index(p, i)->at + 1 == e->end) == is_ventricular(p, i);
    for (uint64_t k = i > oldest(p) ? i - 1 : i; k <= i + 1 && k < p->judged_n; k++) {
        if (!is_ventricular(p, k))
            continue;
        struct run run = run_around(p, k, false);
        if (e->first == at_index(p, run.first)->at && e->end == at_index(p, run.last)->at + 1)
            return true;
    }
    return false;
}

void xw_ecg_pattern_relabel(struct xw_ecg_pattern *p, struct xw_ecg_emit *emit, int64_t at,
                            enum xw_ecg_code code, float confidence)
{
    uint64_t i = p->beats_n;
    while (i > oldest(p) && at_index(p, i - 1)->at > at)
        i--;
    if (i == oldest(p) || at_index(p, --i)->at != at)
        return;
    at_index(p, i)->code = code;
    at_index(p, i)->confidence = confidence;
    if (i >= p->judged_n) /* not judged yet: it will be, as it is now */
        return;
    int64_t low = i > oldest(p) ? at_index(p, i - 1)->at : at;
    int64_t high = i + 1 < p->beats_n ? at_index(p, i + 1)->at : at;
    for (unsigned k = 0; k < XW_ECG_PATTERN_NAMED && k < p->named_n; k++) {
        struct xw_ecg_event *e = &p->named[k];
        bool touched = is_run(e) ? e->first <= high && e->end > low : e->first <= at && e->end > at;
        if (!e->withdrawn && touched && !holds(p, e, i))
            take_back(emit, e);
    }
    for (uint64_t k = i > oldest(p) ? i - 1 : i; k <= i + 1 && k < p->judged_n; k++)
        if (is_ventricular(p, k)) {
            struct run run = run_around(p, k, false);
            name_run(p, emit, &run, true);
        }
}

void xw_ecg_pattern_close(struct xw_ecg_pattern *p, struct xw_ecg_emit *emit, int64_t end)
{
    while (p->judged_n < p->beats_n)
        judge(p, emit, true);
    end_svt(p, emit, end);
}
