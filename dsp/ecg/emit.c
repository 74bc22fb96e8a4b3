/* Event numbering and episodes. */
#include "dsp/ecg/emit.h"

#include <stdlib.h>
#include <string.h>

struct xw_ecg_event xw_ecg_emit_draft(const struct xw_ecg_emit *e, enum xw_ecg_kind kind,
                                      enum xw_ecg_code code, const char *rule,
                                      unsigned rule_version)
{
    struct xw_ecg_event event;
    memset(&event, 0, sizeof(event)); /* padding too: the bytes of two runs are compared */
    event.kind = kind;
    event.stage = XW_ECG_STAGE_FINAL;
    event.code = code;
    event.rule = rule;
    event.rule_version = rule_version;
    event.first = event.end = e->now;
    event.hr_bpm = e->hr_bpm;
    event.confidence = 1;
    /* Beats and measurements do not depend on the rule list. */
    if (e->rules && kind != XW_ECG_KIND_BEAT && kind != XW_ECG_KIND_MEASURE) {
        event.has_rules = true;
        event.rules_version = e->rules->version;
        event.rules_tag = e->rules_tag;
    }
    return event;
}

void xw_ecg_emit_rules(struct xw_ecg_emit *e, const struct xw_ecg_rules *rules)
{
    char hash[XW_ECG_RULES_HASH_BYTES];
    xw_ecg_rules_hash(rules, hash);
    hash[8] = 0;
    e->rules = rules;
    e->rules_tag = (uint32_t)strtoul(hash, NULL, 16);
}

void xw_ecg_emit_evidence(struct xw_ecg_event *event, enum xw_ecg_value_id id, float measured,
                          float limit)
{
    if (event->evidence_n == XW_ECG_EVIDENCE_MAX)
        return;
    struct xw_ecg_evidence *line = &event->evidence[event->evidence_n++];
    line->id = id;
    line->measured = measured;
    line->limit = limit;
}

void xw_ecg_emit_again(struct xw_ecg_emit *e, struct xw_ecg_event *event)
{
    event->emitted_at = e->now;
    e->events_n++;
    e->on_event(e->user, event);
}

uint64_t xw_ecg_emit_new(struct xw_ecg_emit *e, struct xw_ecg_event *event)
{
    event->sequence = ++e->sequence;
    event->revision = 0;
    xw_ecg_emit_again(e, event);
    return event->sequence;
}

void xw_ecg_episode_open(struct xw_ecg_emit *e, struct xw_ecg_episode *p,
                         const struct xw_ecg_event *event)
{
    p->event = *event;
    p->event.end = XW_ECG_OPEN;
    p->open = true;
    xw_ecg_emit_new(e, &p->event);
}

void xw_ecg_episode_close(struct xw_ecg_emit *e, struct xw_ecg_episode *p, int64_t end)
{
    if (!p->open)
        return;
    p->open = false;
    p->event.end = end > p->event.first ? end : p->event.first;
    p->event.hr_bpm = e->hr_bpm;
    p->event.revision++;
    xw_ecg_emit_again(e, &p->event);
}
