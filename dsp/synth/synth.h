/* A synthetic patient: a 12-lead ECG in device counts, with the truth of every beat.
 *
 * Purpose    Demonstration without recordings, load tests, and tests that must know the truth.
 * Model      A heart dipole in three dimensions is the sum of Gaussian waves for P, QRS, T (the
 *            closed form of the dynamical model of McSharry et al. 2003, in three dimensions as in
 *            Sameni et al. 2007); wave times scale with the square root of RR, as there. Dower's
 *            matrix (Dower 1980) gives I, II, V1..V6. From these follow nine electrode potentials
 *            (RA, LA, LL, C1..C6); noise, lost electrodes and exchanged cables act on electrodes,
 *            so that every lead shows what it would show at a real bedside. Rhythms are scheduled
 *            beat by beat, atria and ventricles apart.
 * Truth      The callback gets beats, rhythm changes and electrode changes, in order of sample,
 *            during the read that delivers that sample (and never from elsewhere).
 * Same bytes Output depends on configuration, seed, and at which sample each set call was made;
 *            never on the sizes of the reads. (Another C library or processor may round the last
 *            bit of sin and exp otherwise, and so now and then a count by one.)
 * Cost       About 0.1 ms for one second of 12 leads at 500 Hz; no allocation after new.
 * Threads    No global state; one object, one thread at a time.
 * Units      mV, seconds, counts; sample indices count from the first sample read, from 0.
 * Errors     -EINVAL out of range, -ENOMEM.
 */
#ifndef XW_SYNTH_SYNTH_H
#define XW_SYNTH_SYNTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XW_SYNTH_MUST_CHECK __attribute__((warn_unused_result))

enum xw_synth_lead {
    XW_SYNTH_I,
    XW_SYNTH_II,
    XW_SYNTH_III,
    XW_SYNTH_AVR,
    XW_SYNTH_AVL,
    XW_SYNTH_AVF,
    XW_SYNTH_V1,
    XW_SYNTH_V2,
    XW_SYNTH_V3,
    XW_SYNTH_V4,
    XW_SYNTH_V5,
    XW_SYNTH_V6,
    XW_SYNTH_LEADS_N,
};

enum xw_synth_electrode {
    XW_SYNTH_RA,
    XW_SYNTH_LA,
    XW_SYNTH_LL,
    XW_SYNTH_C1,
    XW_SYNTH_C2,
    XW_SYNTH_C3,
    XW_SYNTH_C4,
    XW_SYNTH_C5,
    XW_SYNTH_C6,
    XW_SYNTH_ELECTRODES_N,
};

enum xw_synth_rhythm_kind {
    XW_SYNTH_SINUS,    /* 70/min unless given; with respiratory arrhythmia */
    XW_SYNTH_AF,       /* 115/min: irregular, no P, fibrillatory waves */
    XW_SYNTH_VT,       /* 180/min: wide, regular, dissociated P waves */
    XW_SYNTH_VF,       /* no beats */
    XW_SYNTH_ASYSTOLE, /* no beats */
    XW_SYNTH_AVB1,     /* 65/min, PR 300 ms */
    XW_SYNTH_AVB2,     /* 80/min atria, Wenckebach 4:3 */
    XW_SYNTH_AFL,      /* 75/min: flutter waves at 300/min, every fourth is answered */
    XW_SYNTH_AVB3,     /* 85/min atria, wide escape beats at 36/min (the rate given is theirs) */
    XW_SYNTH_RHYTHMS_N,
};

/* Ectopic beats within sinus rhythm. */
enum xw_synth_ectopy {
    XW_SYNTH_NO_ECTOPY,
    XW_SYNTH_PVC,       /* single, now and then, full compensatory pause */
    XW_SYNTH_BIGEMINY,  /* every second beat a PVC */
    XW_SYNTH_COUPLETS,  /* pairs of PVCs */
    XW_SYNTH_TRIGEMINY, /* every third */
    XW_SYNTH_RUNS,      /* three PVCs in a row, now and then */
    XW_SYNTH_PAUSES,    /* a sinus beat stays out for 2.6 s, now and then */
    XW_SYNTH_APC,       /* single supraventricular ectopics */
    XW_SYNTH_ECTOPIES_N,
};

enum xw_synth_st {
    XW_SYNTH_ST_NONE,
    XW_SYNTH_ST_INFERIOR, /* II, III, aVF up; I, aVL down */
    XW_SYNTH_ST_ANTERIOR, /* V1..V5 up; III, aVF down */
    XW_SYNTH_ST_N,
};

enum xw_synth_event_kind {
    XW_SYNTH_BEAT,       /* label: WFDB mnemonic 'N' 'V' 'A' 'E'; sample: peak of the dipole's R */
    XW_SYNTH_RHYTHM,     /* label 0; rhythm tells which; sample: where it was set */
    XW_SYNTH_ELECTRODES, /* electrodes_off, leads_off, arms_reversed as from this sample */
};

struct xw_synth_event {
    uint64_t sample;
    enum xw_synth_event_kind kind;
    char label;
    enum xw_synth_rhythm_kind rhythm;
    uint32_t electrodes_off; /* bits of enum xw_synth_electrode */
    uint32_t leads_off;      /* bits of enum xw_synth_lead */
    bool arms_reversed;
};

typedef void (*xw_synth_event_fn)(void *user, const struct xw_synth_event *event);

enum { XW_SYNTH_MAX_CHANNELS = 32 };

struct xw_synth_config {
    uint32_t rate_num; /* samples per second, exact: 100 ≤ rate ≤ 8000 */
    uint32_t rate_den;
    uint64_t seed;     /* also makes the patient: axis, voltage, T waves differ a little */
    uint32_t gain_num; /* counts per mV, exact */
    uint32_t gain_den;
    int32_t baseline;  /* count of 0 mV */
    int32_t count_min; /* rails: what lies outside is held here */
    int32_t count_max;
    unsigned channels_n; /* 0: the twelve leads in the order of enum xw_synth_lead */
    uint8_t channels[XW_SYNTH_MAX_CHANNELS]; /* enum xw_synth_lead */
    xw_synth_event_fn on_event;              /* may be NULL */
    void *user;
};

struct xw_synth_noise {
    float sensor_uv; /* white, RMS, every electrode; default 3 */
    float wander_mv; /* baseline wander with breathing, about peak; default 0.03 */
    float emg_mv;    /* muscle noise, RMS in bursts */
    float mains_mv;  /* peak */
    float mains_hz;  /* 50 or 60, or off by a little; 0 is taken as 50 */
    float motion_mv; /* electrode motion, about peak, in bursts */
};

struct xw_synth;

/* 500 Hz, 1000 counts per mV, ±32767, seed 1, twelve leads, no callback. */
void xw_synth_config_init(struct xw_synth_config *config);
XW_SYNTH_MUST_CHECK int xw_synth_new(const struct xw_synth_config *config,
                                     struct xw_synth **ret_synth);
void xw_synth_free(struct xw_synth *synth);

/* All set calls act from the next sample read on; waves that have begun are finished. */

/* rate_bpm 0: the default of the kind; else 20..300. */
XW_SYNTH_MUST_CHECK int xw_synth_set_rhythm(struct xw_synth *synth, enum xw_synth_rhythm_kind kind,
                                            float rate_bpm);
/* The rhythm goes on, faster or slower from its next beat; 20..300. */
XW_SYNTH_MUST_CHECK int xw_synth_set_rate(struct xw_synth *synth, float rate_bpm);
XW_SYNTH_MUST_CHECK int xw_synth_set_ectopy(struct xw_synth *synth, enum xw_synth_ectopy ectopy);
/* elevation_mv in the lead that shows most, 0..1; 0.35 is a plain infarction. */
XW_SYNTH_MUST_CHECK int xw_synth_set_st(struct xw_synth *synth, enum xw_synth_st st,
                                        float elevation_mv);
/* Bits of enum xw_synth_electrode that have lost contact. */
XW_SYNTH_MUST_CHECK int xw_synth_set_electrodes_off(struct xw_synth *synth, uint32_t electrodes);
/* RA and LA cables exchanged. */
void xw_synth_set_arms_reversed(struct xw_synth *synth, bool reversed);
XW_SYNTH_MUST_CHECK int xw_synth_set_noise(struct xw_synth *synth,
                                           const struct xw_synth_noise *noise);
void xw_synth_get_noise(const struct xw_synth *synth, struct xw_synth_noise *ret_noise);

/* One of: sinus tachy brady pvc bigeminy couplets apc af vt vf asystole avb1 avb2 avb3
 * stemi-inferior stemi-anterior flutter trigeminy run pause. Sets rhythm, ectopy and ST together;
 * -ENOENT for another word. */
XW_SYNTH_MUST_CHECK int xw_synth_set_scene(struct xw_synth *synth, const char *name);
/* The names above by index, NULL behind the last. */
const char *xw_synth_scene_name(unsigned index);

/* Leads (bits of enum xw_synth_lead) that an electrode now off takes part in. */
uint32_t xw_synth_leads_off(const struct xw_synth *synth);
unsigned xw_synth_channels(const struct xw_synth *synth);
uint64_t xw_synth_position(const struct xw_synth *synth); /* index of the next sample */

/* ret_rows: rows_n x channels interleaved counts. */
void xw_synth_read(struct xw_synth *synth, int32_t *ret_rows, size_t rows_n);

const char *xw_synth_lead_name(enum xw_synth_lead lead); /* "aVR" */

/* ---- signals known at every sample, for rulers and oracles; stateless ---- */

struct xw_synth_pulse {
    uint32_t rate_num;
    uint32_t rate_den;
    int32_t baseline;   /* count between pulses */
    int32_t height;     /* counts of the pulse: gain x 1 mV */
    uint32_t width_ms;  /* 200 */
    uint32_t period_ms; /* 1000 */
};

/* Calibration pulses, the first at sample 0; all channels alike. */
void xw_synth_pulse_read(const struct xw_synth_pulse *pulse, uint64_t first, size_t rows_n,
                         unsigned channels_n, int32_t *ret_rows);

/* The count of sample `index` of `channel` of the oracle's pattern: a saw of period 65,521 shifted
 * by channel, within ±32,760, so it meets no format's "invalid"; neighbours in time differ by 1. */
int32_t xw_synth_counter_at(uint64_t index, unsigned channel);
void xw_synth_counter_read(uint64_t first, size_t rows_n, unsigned channels_n, int32_t *ret_rows);

#endif
