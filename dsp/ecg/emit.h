/* The way out of the chain: sequences, revisions, the present, and episodes with a beginning and
 * an end. Private to dsp/ecg. Thread rule: that of the chain. */
#ifndef XW_DSP_ECG_EMIT_H
#define XW_DSP_ECG_EMIT_H

#include "dsp/ecg/rules.h"

struct xw_ecg_emit {
    xw_ecg_event_fn on_event;
    void *user;
    uint64_t sequence; /* of the newest event */
    uint64_t events_n;
    int64_t now;                      /* index after the newest sample consumed */
    float hr_bpm;                     /* put into every event */
    double rate_hz;                   /* raw samples per second */
    const struct xw_ecg_rules *rules; /* in force; borrowed; NULL for a chain without rules */
    uint32_t rules_tag;               /* first 32 bits of its hash */
};

/* These rules from now on; borrowed. */
void xw_ecg_emit_rules(struct xw_ecg_emit *e, const struct xw_ecg_rules *rules);

/* A new event with the present and the heart rate filled in; the rest is 0. */
struct xw_ecg_event xw_ecg_emit_draft(const struct xw_ecg_emit *e, enum xw_ecg_kind kind,
                                      enum xw_ecg_code code, const char *rule,
                                      unsigned rule_version);
void xw_ecg_emit_evidence(struct xw_ecg_event *event, enum xw_ecg_value_id id, float measured,
                          float limit);
/* Gives it a new sequence and sends it; returns the sequence. */
uint64_t xw_ecg_emit_new(struct xw_ecg_emit *e, struct xw_ecg_event *event);
/* Sends it as the next word on an earlier one (sequence and revision are the caller's). */
void xw_ecg_emit_again(struct xw_ecg_emit *e, struct xw_ecg_event *event);

/* One open thing of a kind; event is its last word. */
struct xw_ecg_episode {
    bool open;
    struct xw_ecg_event event;
};

void xw_ecg_episode_open(struct xw_ecg_emit *e, struct xw_ecg_episode *p,
                         const struct xw_ecg_event *event);
/* end: one past its last sample; not before its first. Nothing if it is not open. */
void xw_ecg_episode_close(struct xw_ecg_emit *e, struct xw_ecg_episode *p, int64_t end);

#endif
