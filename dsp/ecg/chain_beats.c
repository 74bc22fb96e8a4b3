/* From the detector's words to beat events, and on to labels, ST levels and alarms. */
#include "dsp/ecg/chain_private.h"
#include "dsp/ecg/tables.h"

#include <math.h>

static const double LATE_S = 0.45, PROVISIONAL_S = 0.15;
static const float KNOWN = 0.6F;

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

static void say_final(struct xw_ecg_chain *chain, const struct xw_ecg_qrs *qrs, double fiducial,
                      int64_t at)
{
    /* An interval in which nothing could be seen is no RR interval. */
    bool has_rr = chain->last_beat >= 0 && chain->last_beat >= chain->alarm.trusted_since;
    float rr_ms = has_rr ? (float)((double)(at - chain->last_beat) * 1000 / chain->rate_hz) : 0;
    struct xw_ecg_beat_label label = xw_ecg_beat_classify(&chain->beat, &chain->detect, qrs, rr_ms);
    /* In fibrillation no beat can be believed, but for one of a known shape when the last second
     * did not look like it any more: the waveform's own end comes some seconds later. */
    if (chain->vf.active && (chain->vf.now || qrs->match < KNOWN)) {
        label.code = XW_ECG_BEAT_UNKNOWN;
        label.confidence = 0.2F;
    }
    struct xw_ecg_event event = draft_beat(chain, qrs, at);
    event.code = label.code;
    event.rule_version = XW_ECG_BEAT_RULE_VERSION;
    event.rr_ms = rr_ms;
    event.confidence = label.confidence;
    event.late = (double)(chain->emit.now - at) > LATE_S * chain->rate_hz;
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_TEMPLATE_MATCH, label.likeness,
                         xw_ecg_tables.beat_alike);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_WIDTH_MS, label.width_ms,
                         xw_dsp_median_value(&chain->beat.width) * 1000 / XW_ECG_ANALYSIS_HZ);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_PREMATURITY, label.prematurity,
                         xw_ecg_tables.beat_early_v);
    chain->last_beat = at;
    chain->beats_n++;
    chain->late_n += event.late;
    struct xw_ecg_alarm_beat beat = {
        .at = at, .rr_ms = rr_ms, .code = label.code, .known = qrs->match >= KNOWN};
    say_more(chain, qrs, &event);
    if (label.code == XW_ECG_BEAT_NORMAL)
        xw_ecg_st_beat(&chain->st, &chain->signal, (int64_t)(fiducial + 0.5),
                       label.width_ms * XW_ECG_ANALYSIS_HZ / 1000, chain->last_normal ? rr_ms : 0,
                       chain->quality.usable);
    chain->last_normal = label.code == XW_ECG_BEAT_NORMAL;
    xw_ecg_alarm_beat(&chain->alarm, &chain->emit, &chain->vf, &beat);
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
        if (at >= chain->next) { /* in the padding after the end */
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
