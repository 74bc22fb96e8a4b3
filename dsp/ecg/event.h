/* What the analysis chains say: beats, rhythms, alarms, signal quality, values. The ECG chain and
 * the fetal chain (dsp/fetal) speak through the same event.
 *
 * An event has a sequence (unique and rising within one analysis run) and a revision. The first
 * word on a thing has revision 0; each later word on the SAME thing keeps the sequence and raises
 * the revision by one, and replaces the former as a whole. `emitted_at` - `first` is the true delay
 * in samples consumed.
 *
 *   beat     PROVISIONAL (revision 0) at most 150 ms after R, then FINAL at most 450 ms after R;
 *            a beat found by start-up look-back or search-back begins at FINAL with `late` set;
 *            a provisional beat that was none is taken back: FINAL with `withdrawn` set.
 *   episode  (RHYTHM, ALARM, NOISE, LEAD_OFF, QUALITY) revision 0 with end = XW_ECG_OPEN at its
 *            onset, one more revision with its end when it is over. One episode, one sequence.
 *            VT has one more at 30 s, still open, with its duration in the evidence. Couplets,
 *            runs, R-on-T and pauses are said once they are over; a later look at their beats may
 *            take them back (`withdrawn`). The beats of an episode are those from first up to end.
 *   MEASURE, MARKER, SUMMARY  one event, never revised.
 *
 * Ownership: an event is borrowed for the time of the callback; it holds no pointers of its own but
 * to static strings. Units: in the names. */
#ifndef XW_DSP_ECG_EVENT_H
#define XW_DSP_ECG_EVENT_H

#include <stdbool.h>
#include <stdint.h>

enum { XW_ECG_CHANNELS_MAX = 18, XW_ECG_EVIDENCE_MAX = 10, XW_FETAL_MAX = 3 };

/* `end` of an episode that still goes on. */
#define XW_ECG_OPEN INT64_MAX

enum xw_ecg_kind {
    XW_ECG_KIND_BEAT = 1, /* first = end = fiducial sample (R, or the main deflection) */
    XW_ECG_KIND_RHYTHM,   /* an episode of a named rhythm; the next one begins where it ends */
    XW_ECG_KIND_ALARM,    /* an episode that somebody must hear of, with its priority */
    XW_ECG_KIND_QUALITY,  /* cannot see: no lead is fit for analysis; an alarm that was denied */
    XW_ECG_KIND_LEAD_OFF, /* lead_mask: leads without an electrode (flag, rail, invalid, dead flat)
                           */
    XW_ECG_KIND_NOISE,    /* lead_mask: leads too noisy to be used */
    XW_ECG_KIND_MEASURE,  /* a value at a time: heart rate, ST levels */
    XW_ECG_KIND_MARKER,   /* the device marked an instant: movement, zero set */
    XW_ECG_KIND_SUMMARY,  /* values of a stretch [first, end): five minutes of beats */
};

enum xw_ecg_stage {
    XW_ECG_STAGE_PROVISIONAL = 1,
    XW_ECG_STAGE_FINAL,
    XW_ECG_STAGE_REVISED, /* label or rhythm changed later, at most 60 s after the beat */
};

/* Words of IEC 60601-1-8. */
enum xw_ecg_priority {
    XW_ECG_PRIORITY_NONE = 0,
    XW_ECG_PRIORITY_TECHNICAL,
    XW_ECG_PRIORITY_LOW,
    XW_ECG_PRIORITY_MEDIUM,
    XW_ECG_PRIORITY_HIGH,
};

enum xw_ecg_code {
    XW_ECG_CODE_NONE = 0,
    /* BEAT */
    XW_ECG_BEAT_NORMAL,
    XW_ECG_BEAT_SUPRAVENTRICULAR,
    XW_ECG_BEAT_VENTRICULAR,
    XW_ECG_BEAT_FUSION,
    XW_ECG_BEAT_PACED,
    XW_ECG_BEAT_UNKNOWN,
    /* RHYTHM and ALARM */
    XW_ECG_RHYTHM_NORMAL,   /* no other rhythm found */
    XW_ECG_RHYTHM_ASYSTOLE, /* no QRS for 4 s and the signal can be trusted */
    XW_ECG_RHYTHM_PAUSE,    /* RR above the limit, below asystole */
    XW_ECG_RHYTHM_BRADY,    /* extreme bradycardia */
    XW_ECG_RHYTHM_TACHY,    /* extreme tachycardia */
    XW_ECG_RHYTHM_VT,       /* ventricular run of 5 or more above 100/min */
    XW_ECG_RHYTHM_VRUN,     /* three or more ventricular beats */
    XW_ECG_RHYTHM_COUPLET,
    XW_ECG_RHYTHM_BIGEMINY,
    XW_ECG_RHYTHM_TRIGEMINY,
    XW_ECG_RHYTHM_VF, /* ventricular fibrillation or flutter */
    XW_ECG_RHYTHM_AF,
    XW_ECG_RHYTHM_AFL, /* possible: see flutter.h */
    XW_ECG_RHYTHM_SVT,
    XW_ECG_RHYTHM_AVB2,
    XW_ECG_RHYTHM_AVB3,
    XW_ECG_RHYTHM_PACED,
    XW_ECG_FINDING_ST_ELEVATION,
    XW_ECG_FINDING_ST_DEPRESSION,
    /* QUALITY, LEAD_OFF, NOISE */
    XW_ECG_QUALITY_CANNOT_SEE,
    XW_ECG_QUALITY_LEAD_OFF,
    XW_ECG_QUALITY_NOISE,
    /* MEASURE */
    XW_ECG_MEASURE_HEART_RATE, /* hr_bpm */
    XW_ECG_MEASURE_ST,         /* lead_value: ST level of each lead of lead_mask, µV against PR */
    XW_ECG_MEASURE_SQI,        /* lead_value: 0..1 for each lead of lead_mask */
    /* Fetal heart rates: + 0, 1, 2 for FHR1, FHR2, FHR3 */
    XW_FETAL_LOSS,                                           /* QUALITY: no signal */
    XW_FETAL_SPIKE = XW_FETAL_LOSS + XW_FETAL_MAX,           /* NOISE: samples that were left out */
    XW_FETAL_SIGNAL = XW_FETAL_SPIKE + XW_FETAL_MAX,         /* MEASURE: loss and mean rate */
    XW_FETAL_SIGNAL_LOSS = XW_FETAL_SIGNAL + XW_FETAL_MAX,   /* ALARM: no signal for long */
    XW_FETAL_MATERNAL = XW_FETAL_SIGNAL_LOSS + XW_FETAL_MAX, /* QUALITY: maybe the mother's */
    XW_FETAL_DOUBLED = XW_FETAL_MATERNAL + XW_FETAL_MAX,     /* QUALITY: twice the rate before */
    XW_FETAL_HALVED = XW_FETAL_DOUBLED + XW_FETAL_MAX,       /* QUALITY: half the rate before */
    XW_FETAL_MOVEMENT = XW_FETAL_HALVED + XW_FETAL_MAX,      /* MARKER: seen by the monitor */
    XW_FETAL_UC_ZERO,                                        /* MARKER: zero of UC set */
    XW_ECG_RHYTHM_R_ON_T, /* ALARM: a ventricular beat on the T wave of the one before */
    /* SUMMARY */
    XW_ECG_SUMMARY_HRV,    /* mean NN, SDNN, RMSSD, pNN50, LF, HF */
    XW_ECG_SUMMARY_BURDEN, /* seconds seen, share in AF, beats by kind, share of clean NN */
    XW_ECG_QUALITY_DENIED, /* QUALITY: a pulse wave denied the alarm that the rule names */
    XW_ECG_CODE_COUNT
};

/* Names of measured values and limits in the evidence. */
enum xw_ecg_value_id {
    XW_ECG_VALUE_NONE = 0,
    XW_ECG_VALUE_SILENCE_S,
    XW_ECG_VALUE_RATE_BPM,
    XW_ECG_VALUE_BEATS_N,
    XW_ECG_VALUE_RR_MS,
    XW_ECG_VALUE_VF_LEAKAGE,
    XW_ECG_VALUE_VF_COUNT2,
    XW_ECG_VALUE_VF_SCORE,
    XW_ECG_VALUE_AMPLITUDE_UV,
    XW_ECG_VALUE_TEMPLATE_MATCH,
    XW_ECG_VALUE_WIDTH_MS,
    XW_ECG_VALUE_PREMATURITY,
    XW_ECG_VALUE_PULSE_MS, /* from a pace pulse to the beat */
    XW_ECG_VALUE_DETECTION_LEVEL,
    XW_ECG_VALUE_SQI,
    XW_ECG_VALUE_ST_UV,
    XW_ECG_VALUE_LEADS_N,
    XW_ECG_VALUE_RR_SPREAD, /* quartile distance of normal RR intervals over their median */
    XW_FETAL_VALUE_LOSS_1MIN,
    XW_FETAL_VALUE_LOSS_10MIN,
    XW_FETAL_VALUE_LOSS_30MIN,
    XW_FETAL_VALUE_WINDOW_S,  /* of the longest of them, as far as the stream goes back */
    XW_FETAL_VALUE_SAMPLES_N, /* left out */
    XW_FETAL_VALUE_LOW_BPM,
    XW_FETAL_VALUE_HIGH_BPM,
    XW_FETAL_VALUE_SHARE, /* of the samples where the two rates meet */
    XW_FETAL_VALUE_FHR_BPM,
    XW_FETAL_VALUE_MHR_BPM,
    XW_FETAL_VALUE_RATIO,
    XW_FETAL_VALUE_MEDIAN_BPM,
    XW_ECG_VALUE_RR_ALIKE,      /* share of pairs of RR that are alike */
    XW_ECG_VALUE_RR_DIFFERENCE, /* mean difference of neighbouring RR, share of RR */
    XW_ECG_VALUE_RR_PATTERN,    /* how much an RR foretells the next; 0 = nothing */
    XW_ECG_VALUE_AF_SCORE,      /* sum of weights for fibrillation */
    XW_ECG_VALUE_NOISE_UV,      /* rms above 40 Hz */
    XW_ECG_VALUE_DURATION_S,
    XW_ECG_VALUE_ATRIAL_BPM,
    XW_ECG_VALUE_P_SEEN,    /* share of the expected P waves that were found */
    XW_ECG_VALUE_P_BLOCKED, /* P waves without a QRS */
    XW_ECG_VALUE_PR_MS,     /* the longest; limit: from here on a P counts as not conducted */
    XW_ECG_VALUE_PR_LOCK,   /* how much QRS keep to one phase of the P waves, 0..1 */
    XW_ECG_VALUE_NN_MEAN_MS,
    XW_ECG_VALUE_SDNN_MS,
    XW_ECG_VALUE_RMSSD_MS,
    XW_ECG_VALUE_PNN50,  /* % of neighbouring NN that differ by more than 50 ms */
    XW_ECG_VALUE_LF_MS2, /* power from 0.04 to 0.15 Hz */
    XW_ECG_VALUE_HF_MS2, /* power from 0.15 to 0.4 Hz */
    XW_ECG_VALUE_SEEN_S,
    XW_ECG_VALUE_AF_BURDEN, /* % of the time seen */
    XW_ECG_VALUE_V_BEATS_N,
    XW_ECG_VALUE_S_BEATS_N,
    XW_ECG_VALUE_NN_CLEAN, /* % of the window */
    XW_ECG_VALUE_PULSES_N,
    XW_ECG_VALUE_PULSE_BPM,
    XW_ECG_VALUE_PULSE_UNEVEN, /* mean difference of neighbouring intervals, share of their mean */
    XW_ECG_VALUE_PULSE_GAP_S,  /* the longest time without one */
    XW_ECG_VALUE_PULSE_SIZE,   /* of the smallest, over the usual */
    XW_ECG_VALUE_WAVE,         /* which of the waves given, from 0 */
    XW_ECG_VALUE_WAVE_HZ,      /* of the largest wave in the spectrum */
    XW_ECG_VALUE_WAVE_SHARE,   /* of the power within 0.75 Hz of it */
    XW_ECG_VALUE_RR_LOW_MS,    /* the shortest and the longest of the newest 24 */
    XW_ECG_VALUE_RR_HIGH_MS,
    XW_ECG_VALUE_WAVE_PEAK, /* height of the atrial wave over that of any other frequency */
    XW_ECG_VALUE_WAVE_LOCK, /* how much QRS keep to one phase of it, 0..1 */
    XW_ECG_VALUE_COUNT
};

/* One line of evidence: what was measured, and the limit that it was held against. */
struct xw_ecg_evidence {
    enum xw_ecg_value_id id;
    float measured;
    float limit; /* NaN-free; 0 where there is no limit */
};

struct xw_ecg_event {
    enum xw_ecg_kind kind;
    enum xw_ecg_stage stage;
    enum xw_ecg_code code;
    enum xw_ecg_priority priority;
    uint64_t sequence;
    uint32_t revision;
    uint32_t rule_version;
    uint32_t rules_version; /* of the rule list that decided it, 0 = the defaults; */
    uint32_t rules_tag;     /* and the first 32 bits of its hash; both only if has_rules */
    bool has_rules;
    const char *rule;   /* static id of the rule or model, e.g. "asystole"; never NULL */
    int64_t first;      /* raw sample index in the input stream */
    int64_t end;        /* one past the last sample; a beat: first; XW_ECG_OPEN while it goes on */
    int64_t emitted_at; /* samples consumed (as an index) when this was said */
    bool late;          /* found by start-up look-back or search-back */
    bool withdrawn;     /* was said before, is not so */
    float hr_bpm;       /* current heart rate, 0 = unknown */
    float rr_ms;        /* beat: interval to the beat before, 0 = none */
    float confidence;   /* 0..1 */
    uint32_t lead_mask; /* bit c = channel c of the stream */
    uint32_t evidence_n;
    struct xw_ecg_evidence evidence[XW_ECG_EVIDENCE_MAX];
    float lead_value[XW_ECG_CHANNELS_MAX]; /* meaning by code; 0 where lead_mask has no bit */
};

/* Called from within process, gap, reset and flush, on the caller's thread, in rising emitted_at.
 */
typedef void (*xw_ecg_event_fn)(void *user, const struct xw_ecg_event *event);

/* Words for logs, JSON and tests; never NULL. */
const char *xw_ecg_kind_name(enum xw_ecg_kind kind);             /* "beat" */
const char *xw_ecg_stage_name(enum xw_ecg_stage stage);          /* "provisional" */
const char *xw_ecg_priority_name(enum xw_ecg_priority priority); /* "high" */
const char *xw_ecg_code_name(enum xw_ecg_code code);             /* "ventricular", "asystole" */
const char *xw_ecg_value_name(enum xw_ecg_value_id id);          /* "rate" */
const char *xw_ecg_value_unit(enum xw_ecg_value_id id);          /* UCUM: "/min", "ms", "uV", "1" */

/* The WFDB annotation letter of a beat code ('N', 'S', 'V', 'F', '/', 'Q'); 0 for other codes. */
char xw_ecg_code_letter(enum xw_ecg_code code);

/* The WFDB rhythm string of a code: "(N", "(VFIB", "(VT" …; NULL where WFDB knows none. */
const char *xw_ecg_code_rhythm(enum xw_ecg_code code);

#endif
