/* Rhythm alarms: asystole, pause, extreme bradycardia and tachycardia, ventricular runs and
 * tachycardia, fibrillation; and the rhythm that the whole is in.
 *
 * No rule needs a believable RR interval to see a silence, and flatness never vetoes asystole: only
 * leads off, noise in every lead, or invalid values do (then "cannot see" is said instead). One
 * episode raises one alarm: fibrillation takes the place of what was open, and holds others back
 * while it is suspected. Private to dsp/ecg. Times are raw sample indices. */
#ifndef XW_DSP_ECG_ALARM_H
#define XW_DSP_ECG_ALARM_H

#include "dsp/ecg/af.h"
#include "dsp/ecg/emit.h"
#include "dsp/ecg/flutter.h"
#include "dsp/ecg/pulse.h"
#include "dsp/ecg/vf.h"

enum {
    XW_ECG_ALARM_RULE_VERSION = 3,
    XW_ECG_RHYTHM_RULE_VERSION = 1, /* of no-finding, bigeminy, trigeminy */
    XW_ECG_VETO_RULE_VERSION = 1,
    XW_ECG_ALARM_BEATS = 32,
    XW_ECG_ALARM_DENIED_N = 5
};

struct xw_ecg_alarm_beat {
    int64_t at;
    float rr_ms; /* 0 = unknown */
    enum xw_ecg_code code;
    bool known;               /* looks like a QRS seen before */
    float match;              /* how much, 0..1 */
    float likeness, width_ms; /* to the dominant shape; of the QRS */
    float confidence;         /* of its label */
};

/* Those of the table that were set while looking at recordings of alarms; in the object, so that
 * another choice can be scored beside them. */
struct xw_ecg_alarm_limits {
    float vt_strange, vt_alike, vt_strange_rr, vt_uneven, veto_uneven;
};

struct xw_ecg_alarm {
    struct xw_ecg_alarm_limits limits; /* kept by reset */
    struct xw_ecg_alarm_beat beat[XW_ECG_ALARM_BEATS];
    uint64_t beats_n;
    int64_t trusted_since; /* silence counts from here at the earliest */
    unsigned unproven_n;   /* it was blind: so many beats more until its eyes are believed */
    int64_t silence_beat;  /* first beat after a silence, -1 = none yet */
    unsigned others_n;     /* non-ventricular beats in a row */
    bool blind;            /* nothing can be seen: nothing new is raised */
    bool upset;            /* noise has just begun on most leads: nothing new of the beats */
    bool swinging;         /* lately disturbed, and a good lead moves as QRS do: no silence yet */
    int64_t swung_until;   /* last sample at which it was so */
    int64_t doubted_until; /* up to here so it was: those beats make no run */
    int64_t hidden_until;  /* up to here noise had most of the say: no silence is proven */
    unsigned waveform_s;   /* seconds in a row of fibrillation after its waveform */
    unsigned irregular_s;  /* seconds in a row without even waves */
    bool by_waveform;      /* vf or vt is open because of the waveform, not of labels */
    struct xw_ecg_episode asystole, brady, tachy, vt, vf, rhythm;
    enum xw_ecg_code pattern; /* bigeminy or trigeminy, 0 = none */
    int64_t pattern_since;
    unsigned pattern_n;         /* beats that kept to it when it was named */
    bool few;                   /* "no finding" was said of fewer beats than it takes */
    bool fibrillating;          /* the atria, after the RR intervals */
    bool taken_back;            /* what was said of that was wrong */
    struct xw_ecg_event atrial; /* what is said of that */
    bool fluttering;            /* the atria, after their wave */
    struct xw_ecg_event flutter;
    /* Of the same patient; borrowed, fed by the caller before the ECG of the same time. */
    const struct xw_ecg_pulse *pulse[XW_ECG_PULSES_MAX];
    unsigned pulses_n;
    uint64_t sustained_of; /* sequence of the tachycardia that was called sustained */
    uint64_t vetoed_n;     /* alarms that a pulse wave denied */
    int64_t denied_until[XW_ECG_ALARM_DENIED_N]; /* what was denied up to then is said already */
};

void xw_ecg_alarm_init(struct xw_ecg_alarm *a); /* limits of the table */
void xw_ecg_alarm_reset(struct xw_ecg_alarm *a, int64_t first_sample);

/* A final beat, in order. */
void xw_ecg_alarm_beat(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, const struct xw_ecg_vf *vf,
                       const struct xw_ecg_alarm_beat *beat);
/* After every hop; pending: a provisional beat waits for its final word. */
void xw_ecg_alarm_tick(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, const struct xw_ecg_vf *vf,
                       bool cannot_see, bool pending);
/* After every second. */
void xw_ecg_alarm_vf(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, const struct xw_ecg_vf *vf);
/* What the waveform analysis wants to know of the last five seconds. */
struct xw_ecg_vf_beats xw_ecg_alarm_recent(const struct xw_ecg_alarm *a,
                                           const struct xw_ecg_emit *emit);
/* Ventricular beats at every second or third place for `repeats_n` times or more: the code and, as
 * long as it goes on, its onset and how many beats keep to it; 0 = no such pattern, both untouched.
 * (alarm_pattern.c) */
enum xw_ecg_code xw_ecg_alarm_pattern(const struct xw_ecg_alarm *a, unsigned repeats_n,
                                      int64_t *ret_since, unsigned *ret_n);
/* Ventricular beats in a row, `from` beats ago and before. (this and the next three: alarm_runs.c)
 */
unsigned xw_ecg_alarm_ventricular_run(const struct xw_ecg_alarm *a, unsigned from);
/* The newest beats in a row that are ventricular by their kind though not each has the label: fast,
 * strange to the dominant shape, and alike among themselves (noise is not); their mean RR in ms. */
unsigned xw_ecg_alarm_strange_run(const struct xw_ecg_alarm *a, float vt_bpm, float *ret_mean_rr);
/* Mean RR in ms of the four beats before the newest n; 0 = unknown. */
float xw_ecg_alarm_rr_before(const struct xw_ecg_alarm *a, unsigned n);
/* Mean difference of neighbours over the mean, of the newest n intervals. */
float xw_ecg_alarm_unevenness(const struct xw_ecg_alarm *a, unsigned n);
/* Names the rhythm from `first` on if it is another now, with its evidence: that of the alarm which
 * names it, the beats that keep a pattern, or the limits that nothing crossed (rule `no-finding`,
 * said again once eight intervals are known). (this and the next five: alarm_rhythm.c) */
void xw_ecg_alarm_name_rhythm(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, int64_t first);
/* After a beat: says "no finding" again, if that was said of too few beats and is not any more. */
void xw_ecg_alarm_look_again(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit);
/* The same into its last word, before its end is said. */
void xw_ecg_alarm_sum_up(struct xw_ecg_alarm *a, const struct xw_ecg_emit *emit);
/* A beat that no alarm is judged by; for callers that have beats alone. */
void xw_ecg_alarm_note(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit,
                       const struct xw_ecg_alarm_beat *beat);
/* Names the rhythm from here on; for callers that have beats alone. */
void xw_ecg_alarm_begin_rhythm(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, int64_t first);
/* The RR analysis changed its mind: names the rhythm from its onset on. */
void xw_ecg_alarm_af(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, const struct xw_ecg_af *af);
/* The same of what was seen of the atria. */
void xw_ecg_alarm_flutter(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit,
                          const struct xw_ecg_flutter *f);
/* Share of the beats since raw index `since` that look like known QRS; 0 when there are none. */
float xw_ecg_alarm_known_share(const struct xw_ecg_alarm *a, int64_t since);
void xw_ecg_alarm_close(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, int64_t end);

/* Does a pulse wave deny this alarm, which would begin at `first` with this rate (0: none)? If so
 * it is said, with the pulses that denied it, unless it was so within the last 10 s.
 * Asystole: pulses go on. Bradycardia: there are more pulses than beats. Tachycardia: an even train
 * that is slower. Ventricular: an even train of full pulses at another rate, or as before.
 * (alarm_veto.c) */
bool xw_ecg_alarm_deny(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, enum xw_ecg_code code,
                       int64_t first, float rate_bpm);

/* 60 s over the mean of the last eight RR (four when slow); 0 = unknown. */
float xw_ecg_alarm_heart_rate(const struct xw_ecg_alarm *a);

#endif
