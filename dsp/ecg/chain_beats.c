/* From the detector's words to beat events, and on to labels, ST levels and alarms. */
#include "dsp/ecg/chain_private.h"
#include "dsp/ecg/detect_judge.h"
#include "dsp/ecg/tables.h"

#include <math.h>

static const double LATE_S = 0.45, PROVISIONAL_S = 0.15, REVISE_S = 50;
static const float KNOWN = 0.6F, STEP_SHARE = 0.8F, DUE = 0.15F, IN_AF = 0.6F;
/* A ventricular pulse comes so long before the R wave at most, and as long before the next one. */
static const double PACED_BEFORE_S = 0.14;
static const float PACED_ALIKE_S = 0.016F, PACED = 0.9F;
static const float PACED_RR_MS =
    380; /* no pacemaker is faster: tachycardia under its pulses is not its own */
enum { PACED_AMONG = 4, PACED_LIKE = 3 }; /* three alike among four before it and four after */
/* Frames about a fiducial within which a step of the baseline is seen. */
enum { STEP_BEFORE = 25, STEP_AFTER = 50, STEP_MEAN = 10 };

static struct xw_ecg_said *said_of(struct xw_ecg_chain *chain, uint64_t token)
{
    return &chain->said[token % XW_ECG_SAID_BEATS];
}

static struct xw_ecg_event draft_beat(const struct xw_ecg_chain *chain,
                                      const struct xw_ecg_qrs *qrs, int64_t at)
{
    struct xw_ecg_event event =
        xw_ecg_emit_draft(&chain->emit, XW_ECG_KIND_BEAT, XW_ECG_BEAT_UNKNOWN, "qrs-fused", 1);
    event.first = event.end = at;
    for (unsigned c = 0; c < chain->config.channels_n; c++)
        if (qrs->level[c] * chain->detect.inverse[c] >= 0.3F)
            event.lead_mask |= 1U << c;
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_DETECTION_LEVEL, qrs->q, qrs->threshold);
    return event;
}

static void say_provisional(struct xw_ecg_chain *chain, const struct xw_ecg_qrs *qrs, int64_t at)
{
    if ((double)(chain->emit.now - at) > PROVISIONAL_S * chain->rate_hz)
        return; /* start-up look-back: its first word will be the final one */
    struct xw_ecg_event event = draft_beat(chain, qrs, at);
    event.stage = XW_ECG_STAGE_PROVISIONAL;
    event.confidence = 0.5F;
    struct xw_ecg_said *said = said_of(chain, qrs->token);
    said->token = qrs->token;
    said->revision = 0;
    said->at = at;
    said->open = true;
    chain->open_n++;
    said->sequence = xw_ecg_emit_new(&chain->emit, &event);
}

static void say_more(struct xw_ecg_chain *chain, const struct xw_ecg_qrs *qrs,
                     struct xw_ecg_event *event)
{
    struct xw_ecg_said *said = said_of(chain, qrs->token);
    if (said->token == qrs->token && said->open) {
        said->open = false;
        chain->open_n--;
        event->sequence = said->sequence;
        event->revision = ++said->revision;
        xw_ecg_emit_again(&chain->emit, event);
        return;
    }
    xw_ecg_emit_new(&chain->emit, event);
}

static void withdraw(struct xw_ecg_chain *chain, const struct xw_ecg_qrs *qrs)
{
    struct xw_ecg_event event = draft_beat(chain, qrs, said_of(chain, qrs->token)->at);
    event.withdrawn = true;
    event.confidence = 0;
    say_more(chain, qrs, &event);
}

static void put_label(const struct xw_ecg_chain *chain, struct xw_ecg_event *event,
                      const struct xw_ecg_beat_label *label)
{
    event->code = label->code;
    event->rule_version = XW_ECG_BEAT_RULE_VERSION;
    event->confidence = label->confidence;
    xw_ecg_emit_evidence(event, XW_ECG_VALUE_TEMPLATE_MATCH, label->likeness,
                         xw_ecg_tables.beat_alike);
    xw_ecg_emit_evidence(event, XW_ECG_VALUE_WIDTH_MS, label->width_ms,
                         xw_dsp_median_value(&chain->beat.width) * 1000 / XW_ECG_ANALYSIS_HZ);
    xw_ecg_emit_evidence(event, XW_ECG_VALUE_PREMATURITY, label->prematurity, 0);
    if (label->code == XW_ECG_BEAT_PACED)
        xw_ecg_emit_evidence(event, XW_ECG_VALUE_PULSE_MS, label->pulse_ms,
                             (float)(1000 * PACED_BEFORE_S));
}

/* A later look came to another label: the next word on the same beat. */
static void say_revised(struct xw_ecg_chain *chain, struct xw_ecg_past *past,
                        const struct xw_ecg_beat_label *label)
{
    if (past->fixed || past->event.code == label->code)
        return;
    struct xw_ecg_event *event = &past->event;
    event->stage = XW_ECG_STAGE_REVISED;
    event->revision++;
    event->evidence_n = 1; /* the detection level stays */
    put_label(chain, event, label);
    event->hr_bpm = chain->emit.hr_bpm;
    xw_ecg_hrv_revise(&chain->hrv, past->at, label->code);
    xw_ecg_emit_again(&chain->emit, event);
    xw_ecg_pattern_relabel(&chain->pattern, &chain->emit, past->at, label->code, label->confidence);
}

/* In fibrillation every other beat is early: that alone says little, and more is asked for before
 * one is called supraventricular. What the early look says may be taken back, and changes no label
 * and no name. */
static void heed_atria(const struct xw_ecg_chain *chain, const struct xw_ecg_past *past,
                       struct xw_ecg_beat_label *label)
{
    if (label->code != XW_ECG_BEAT_SUPRAVENTRICULAR || !chain->af.sure ||
        past->at < chain->af.since_at || label->score > xw_ecg_tables.af_sveb_margin)
        return;
    label->code = XW_ECG_BEAT_NORMAL;
    label->confidence = IN_AF;
}

/* Is there a pulse before the newest beat, as before others near it? They are told of it too. */
static void note_pulse(struct xw_ecg_chain *chain, struct xw_ecg_past *past)
{
    struct xw_ecg_history *h = &chain->beat.history;
    int64_t at = past->at - chain->origin;
    int64_t pulse = xw_ecg_blank_pulse(&chain->front.blank,
                                       at - (int64_t)(PACED_BEFORE_S * chain->rate_hz), at);
    past->pulse_s = pulse < 0 ? NAN : (float)((double)(at - pulse) / chain->rate_hz);
    past->pulse_like_n = 0;
    for (uint64_t ago = 1; pulse >= 0 && ago <= PACED_AMONG && ago < h->beats_n; ago++) {
        struct xw_ecg_past *other = xw_ecg_history_at(h, h->beats_n - 1 - ago);
        if (!(fabsf(other->pulse_s - past->pulse_s) <= PACED_ALIKE_S))
            continue;
        other->pulse_like_n++;
        past->pulse_like_n++;
    }
}

/* What follows a pulse as its neighbours do is the pacemaker's, whatever it looks like. */
static void heed_pacer(const struct xw_ecg_past *past, struct xw_ecg_beat_label *label)
{
    if (past->pulse_like_n < PACED_LIKE || (past->rr_ms > 0 && past->rr_ms < PACED_RR_MS))
        return;
    label->code = XW_ECG_BEAT_PACED;
    label->confidence = PACED;
    label->pulse_ms = 1000 * past->pulse_s;
}

void xw_ecg_chain_revise(struct xw_ecg_chain *chain, bool all)
{
    struct xw_ecg_beat_label label;
    struct xw_ecg_past *past;
    int64_t before = chain->emit.now - (int64_t)(REVISE_S * chain->rate_hz);
    while ((past = xw_ecg_beat_last_look(&chain->beat, chain->detect.trust, before, all, &label))) {
        heed_atria(chain, past, &label);
        heed_pacer(past, &label);
        say_revised(chain, past, &label);
    }
}

void xw_ecg_chain_atria(struct xw_ecg_chain *chain)
{
    xw_ecg_hrv_atria(&chain->hrv, chain->af.active, chain->af.since_at);
    xw_ecg_alarm_af(&chain->alarm, &chain->emit, &chain->af);
    xw_ecg_pattern_atria(&chain->pattern, &chain->emit, chain->af.sure, chain->af.since_at);
}

/* Intervals next to ventricular beats, and what is seen in fibrillation, tell nothing of the atria.
 */
static void watch_atria(struct xw_ecg_chain *chain, const struct xw_ecg_alarm_beat *beat)
{
    bool usable = beat->code != XW_ECG_BEAT_VENTRICULAR && !chain->vf.active &&
                  chain->last_code != XW_ECG_BEAT_VENTRICULAR;
    chain->last_code = beat->code;
    if (xw_ecg_af_beat(&chain->af, beat->at, beat->rr_ms, usable))
        xw_ecg_chain_atria(chain);
}

/* All leads stand elsewhere after it than before, and there is little more to it: a step of the
 * baseline. */
static bool is_step(const struct xw_ecg_chain *chain, int64_t t)
{
    const struct xw_ecg_signal *signal = &chain->signal;
    uint32_t usable = chain->quality.usable;
    if (!usable || !xw_ecg_signal_has(signal, t - STEP_BEFORE, t + STEP_AFTER))
        return false;
    for (unsigned c = 0; c < chain->config.channels_n; c++) {
        const float *x = xw_ecg_signal_frame(signal, t - STEP_BEFORE) + c;
        float before = 0, after = 0, low = INFINITY, high = -INFINITY;
        for (int i = 0; i < STEP_BEFORE + STEP_AFTER; i++, x += signal->lanes) {
            low = fminf(low, *x);
            high = fmaxf(high, *x);
            before += i < STEP_MEAN ? *x / STEP_MEAN : 0;
            after += i >= STEP_BEFORE + STEP_AFTER - STEP_MEAN ? *x / STEP_MEAN : 0;
        }
        if (usable >> c & 1 && fabsf(after - before) < STEP_SHARE * (high - low))
            return false;
    }
    return true;
}

/* Names what the beats do together. A beat under an alarm of its own is named by that. */
static void name_patterns(struct xw_ecg_chain *chain, const struct xw_ecg_alarm_beat *beat,
                          float confidence, int64_t t)
{
    const struct xw_ecg_alarm *alarm = &chain->alarm;
    struct xw_ecg_pattern_beat one = {
        .at = beat->at,
        .rr_ms = beat->rr_ms,
        .width_ms = beat->width_ms,
        .confidence = confidence,
        .code = beat->code,
        .strange = beat->likeness < xw_ecg_tables.qrs_strange,
        .covered = alarm->vt.open || alarm->vf.open || alarm->asystole.open || chain->vf.active ||
                   chain->vf.suspected || alarm->blind || is_step(chain, t) ||
                   chain->quality.rough || !(chain->quality.usable & chain->quality.settled)};
    if (chain->quality.rough)
        xw_ecg_pattern_cover(&chain->pattern, chain->emit.now - (int64_t)chain->rate_hz, 0);
    xw_ecg_pattern_beat(&chain->pattern, &chain->emit, &one);
    if (alarm->vt.open)
        xw_ecg_pattern_cover(&chain->pattern, alarm->vt.event.first, beat->at);
    if (alarm->vf.open)
        xw_ecg_pattern_cover(&chain->pattern, alarm->vf.event.first, beat->at);
    xw_ecg_avblock_beat(&chain->avblock, beat->at, t, beat->code);
}

static void say_final(struct xw_ecg_chain *chain, const struct xw_ecg_qrs *qrs, double fiducial,
                      int64_t at)
{
    /* An interval in which nothing could be seen is no RR interval. */
    bool has_rr = chain->last_beat >= 0 && chain->last_beat >= chain->alarm.trusted_since;
    float rr_ms = has_rr ? (float)((double)(at - chain->last_beat) * 1000 / chain->rate_hz) : 0;
    struct xw_ecg_past *past = NULL;
    xw_ecg_chain_revise(chain, false);
    struct xw_ecg_beat_label label =
        xw_ecg_beat_classify(&chain->beat, &chain->detect, qrs, at, rr_ms, &past);
    note_pulse(chain, past);
    heed_atria(chain, past, &label);
    heed_pacer(past, &label);
    /* In fibrillation no beat can be believed, but for one of a known shape when the last second
     * did not look like it any more: the waveform's own end comes some seconds later. */
    if (chain->vf.active && (chain->vf.now || qrs->match < KNOWN)) {
        label.code = XW_ECG_BEAT_UNKNOWN;
        label.confidence = 0.2F;
        past->fixed = true;
    }
    struct xw_ecg_event event = draft_beat(chain, qrs, at);
    event.rr_ms = rr_ms;
    event.late = (double)(chain->emit.now - at) > LATE_S * chain->rate_hz;
    put_label(chain, &event, &label);
    chain->last_beat = at;
    chain->beats_n++;
    chain->late_n += event.late;
    struct xw_ecg_alarm_beat beat = {.at = at,
                                     .rr_ms = rr_ms,
                                     .code = label.code,
                                     .known = qrs->match >= KNOWN,
                                     .match = qrs->match,
                                     .likeness = label.likeness,
                                     .width_ms = label.width_ms,
                                     .confidence = label.confidence};
    say_more(chain, qrs, &event);
    xw_ecg_hrv_beat(&chain->hrv, at, rr_ms, label.code);
    past->event = event;
    struct xw_ecg_beat_label again;
    struct xw_ecg_past *before = xw_ecg_beat_second_look(&chain->beat, chain->detect.trust, &again);
    if (before) {
        heed_atria(chain, before, &again);
        heed_pacer(before, &again);
        say_revised(chain, before, &again);
    }
    bool narrow = label.code == XW_ECG_BEAT_NORMAL || label.code == XW_ECG_BEAT_SUPRAVENTRICULAR;
    if (narrow)
        xw_ecg_st_beat(&chain->st, &chain->signal, (int64_t)(fiducial + 0.5),
                       label.width_ms * XW_ECG_ANALYSIS_HZ / 1000, chain->last_normal ? rr_ms : 0,
                       chain->quality.usable);
    chain->last_normal = narrow;
    xw_ecg_alarm_beat(&chain->alarm, &chain->emit, &chain->vf, &beat);
    watch_atria(chain, &beat);
    name_patterns(chain, &beat, label.confidence, (int64_t)(fiducial + 0.5));
}

/* Seen by half only: at the very start or end of the signal an edge cannot be told from a QRS,
 * unless that half is what this patient's QRS look like, or a beat is due just then. */
static bool is_cut_off(const struct xw_ecg_chain *chain, const struct xw_ecg_qrs *qrs, int64_t at)
{
    if (qrs->t >= XW_ECG_DETECT_HALF &&
        !(chain->ending && qrs->t >= chain->end_frame - XW_ECG_DETECT_HALF))
        return false;
    float usual = xw_ecg_detect_usual_rr(&chain->detect) / XW_ECG_ANALYSIS_HZ;
    float rr = (float)((double)(at - chain->last_beat) / chain->rate_hz);
    bool due = chain->last_beat >= 0 && fabsf(rr - usual) < DUE * usual;
    return qrs->match < xw_ecg_tables.qrs_known && !due;
}

void xw_ecg_chain_beats(struct xw_ecg_chain *chain)
{
    for (unsigned i = 0; i < chain->detect.out_n; i++) {
        const struct xw_ecg_qrs *qrs = &chain->detect.out[i];
        if (qrs->word == XW_ECG_QRS_WITHDRAWN) {
            if (said_of(chain, qrs->token)->open && said_of(chain, qrs->token)->token == qrs->token)
                withdraw(chain, qrs);
            continue;
        }
        double fiducial = xw_ecg_beat_fiducial(&chain->detect, qrs);
        int64_t at = xw_ecg_chain_raw(chain, fiducial);
        if (at < chain->origin)
            at = chain->origin;
        if (at >= chain->next || is_cut_off(chain, qrs, at)) {
            if (said_of(chain, qrs->token)->open && said_of(chain, qrs->token)->token == qrs->token)
                withdraw(chain, qrs);
            continue;
        }
        if (qrs->word == XW_ECG_QRS_PROVISIONAL)
            say_provisional(chain, qrs, at);
        else if (at > chain->last_beat)
            say_final(chain, qrs, fiducial, at);
    }
    chain->detect.out_n = 0;
}
