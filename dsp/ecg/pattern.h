/* Names for what ventricular and supraventricular beats do together: couplet, ventricular run,
 * R-on-T, supraventricular tachycardia.
 *
 * A beat is judged when the one after it is known (its label has then had its second look), so a
 * name comes about one beat after the last beat that it needs. A later look may change labels: then
 * names that no longer hold are taken back (the next revision with `withdrawn`), and runs that are
 * found only then are said with `late`. What lies under an alarm of the ventricles or a silence is
 * named there, not here; slow ventricular beats in a row are an escape rhythm, not a run. The beats
 * of an episode are those from `first` up to `end`. Private to dsp/ecg. Life: reset, beat, relabel,
 * atria, close. Thread rule: that of the chain. Times are raw sample indices. */
#ifndef XW_DSP_ECG_PATTERN_H
#define XW_DSP_ECG_PATTERN_H

#include "dsp/ecg/emit.h"

enum {
    XW_ECG_PATTERN_RULE_VERSION = 1,
    XW_ECG_PATTERN_BEATS = 256, /* more than can be waiting for their last look */
    XW_ECG_PATTERN_NAMED = 64,  /* names that can be taken back; the oldest gives way */
};

struct xw_ecg_pattern_beat {
    int64_t at;
    float rr_ms; /* 0 = unknown */
    float width_ms, confidence;
    enum xw_ecg_code code;
    bool covered; /* an alarm of its own is open, or nothing can be trusted */
    bool strange; /* like no beat known: maybe none */
};

struct xw_ecg_pattern {
    struct xw_ecg_pattern_beat beat[XW_ECG_PATTERN_BEATS];
    uint64_t beats_n, judged_n;
    uint64_t start; /* first beat since reset or a hole */
    int64_t covered_until;
    bool fibrillating;
    struct xw_ecg_episode svt;
    uint64_t svt_first;                              /* its first beat */
    struct xw_ecg_event named[XW_ECG_PATTERN_NAMED]; /* last words */
    uint64_t named_n;
};

void xw_ecg_pattern_reset(struct xw_ecg_pattern *p);
/* A final beat, in order; the one before has had its second look. */
void xw_ecg_pattern_beat(struct xw_ecg_pattern *p, struct xw_ecg_emit *emit,
                         const struct xw_ecg_pattern_beat *beat);
/* The beats of [since, until), also those still to come, are no part of a name: an alarm of its own
 * goes on, or they cannot be trusted. Those from `until` on that have come already neither. */
void xw_ecg_pattern_cover(struct xw_ecg_pattern *p, int64_t since, int64_t until);
/* A later look changed the label of the beat at raw index `at`. */
void xw_ecg_pattern_relabel(struct xw_ecg_pattern *p, struct xw_ecg_emit *emit, int64_t at,
                            enum xw_ecg_code code, float confidence);
/* The atria fibrillate since `since`, or no longer: what was called SVT within is taken back. */
void xw_ecg_pattern_atria(struct xw_ecg_pattern *p, struct xw_ecg_emit *emit, bool fibrillating,
                          int64_t since);
/* No more beats: names what the last ones make, and ends what is open. */
void xw_ecg_pattern_close(struct xw_ecg_pattern *p, struct xw_ecg_emit *emit, int64_t end);

#endif
