/* Rhythm alarms: asystole, pause, extreme bradycardia and tachycardia, ventricular runs and
 * tachycardia, fibrillation; and the rhythm that the whole is in.
 *
 * No rule needs a believable RR interval to see a silence, and flatness never vetoes asystole: only
 * leads off, noise in every lead, or invalid values do (then "cannot see" is said instead). One
 * episode raises one alarm: fibrillation takes the place of what was open, and holds others back
 * while it is suspected. Private to dsp/ecg. Times are raw sample indices. */
#ifndef XW_DSP_ECG_ALARM_H
#define XW_DSP_ECG_ALARM_H

#include "dsp/ecg/emit.h"
#include "dsp/ecg/vf.h"

enum { XW_ECG_ALARM_RULE_VERSION = 2, XW_ECG_ALARM_BEATS = 32 };

struct xw_ecg_alarm_beat {
    int64_t at;
    float rr_ms; /* 0 = unknown */
    enum xw_ecg_code code;
    bool known; /* looks like a QRS seen before */
};

struct xw_ecg_alarm {
    struct xw_ecg_alarm_beat beat[XW_ECG_ALARM_BEATS];
    uint64_t beats_n;
    int64_t trusted_since; /* silence counts from here at the earliest */
    int64_t silence_beat;  /* first beat after a silence, -1 = none yet */
    unsigned others_n;     /* non-ventricular beats in a row */
    bool blind;            /* nothing can be seen: nothing new is raised */
    unsigned irregular_s;  /* seconds in a row without even waves */
    bool by_waveform;      /* vf or vt is open because of the waveform, not of labels */
    struct xw_ecg_episode asystole, brady, tachy, vt, vf, rhythm;
};

void xw_ecg_alarm_reset(struct xw_ecg_alarm *a, int64_t first_sample);

/* A final beat, in order. */
void xw_ecg_alarm_beat(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, const struct xw_ecg_vf *vf,
                       const struct xw_ecg_alarm_beat *beat);
/* After every hop; pending: a provisional beat waits for its final word. */
void xw_ecg_alarm_tick(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, const struct xw_ecg_vf *vf,
                       bool cannot_see, bool pending);
/* The window of the VF features began at raw index window_first. After every second. */
void xw_ecg_alarm_vf(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, const struct xw_ecg_vf *vf,
                     int64_t window_first);
/* Share of the beats since raw index `since` that look like known QRS; 0 when there are none. */
float xw_ecg_alarm_known_share(const struct xw_ecg_alarm *a, int64_t since);
void xw_ecg_alarm_close(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, int64_t end);

/* 60 s over the mean of the last eight RR (four when slow); 0 = unknown. */
float xw_ecg_alarm_heart_rate(const struct xw_ecg_alarm *a);

#endif
