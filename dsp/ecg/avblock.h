/* AV block of the second and third degree, where the P wave is clear.
 *
 * Looked for only where it can be: the heart is slow and even, or an RR interval jumps up without a
 * ventricular beat. Then the last 16 seconds, at 50 Hz, are searched for P waves: each lead is
 * filtered for bumps of about 100 ms, the usual QRS and T (median over the beats) is taken off,
 * what is left is seen along the direction in which the leads move most together, and its peaks
 * must form one even train (PP within a tenth from one to the next) that explains nearly all of
 * them. Without such a train nothing is said: the P wave is not clear.
 *
 *   second degree  each QRS follows a P; some P of the train, after the T wave, have no QRS
 *   third degree   QRS even and slow, more P than QRS, and the PR is of every length
 *
 * A blocked atrial extrasystole is early, so it is none of the train. An episode is said when
 * two looks two seconds apart agree, and ends when none of four looks does.
 * Private to dsp/ecg. Life: init, push, beat, second, close, reset, done. Thread rule: none shared.
 * Nothing allocates after init. Units: frames of 20 ms unless the name says otherwise. */
#ifndef XW_DSP_ECG_AVBLOCK_H
#define XW_DSP_ECG_AVBLOCK_H

#include "dsp/ecg/emit.h"
#include "dsp/ecg/signal.h"

enum {
    XW_ECG_AVB_RULE_VERSION = 1,
    XW_ECG_AVB_HZ = 50,
    XW_ECG_AVB_STEP = XW_ECG_ANALYSIS_HZ / XW_ECG_AVB_HZ,
    XW_ECG_AVB_WINDOW = 16 * XW_ECG_AVB_HZ,
    XW_ECG_AVB_RING = 1024, /* frames, a power of two */
    XW_ECG_AVB_BEATS = 64,  /* more than 16 s hold */
    XW_ECG_AVB_PEAKS = 64,
};

struct xw_ecg_avb_beat {
    int64_t at;    /* raw index */
    int64_t frame; /* of 20 ms */
    enum xw_ecg_code code;
};

/* What one look found. */
struct xw_ecg_avb_look {
    enum xw_ecg_code code; /* XW_ECG_CODE_NONE: nothing, or not clear */
    const char *rule;
    float atrial_bpm, ventricular_bpm, seen, blocked_n, pr_ms, lock;
    int64_t first_frame; /* of the train */
};

struct xw_ecg_avblock {
    unsigned lanes, leads_n;
    float *x;                      /* RING frames */
    uint32_t *bad;                 /* RING masks of leads */
    int64_t n;                     /* frames pushed */
    float *lead[XW_DSP_LANES_MAX]; /* work: WINDOW of each lead */
    float *memory;
    float p[XW_ECG_AVB_WINDOW]; /* work: along the direction of the P waves */
    bool hidden[XW_ECG_AVB_WINDOW];
    struct xw_ecg_avb_beat beat[XW_ECG_AVB_BEATS];
    uint64_t beats_n;
    unsigned second_n, agreed_n, missed_n;
    struct xw_ecg_avb_look look; /* the last that found something */
    struct xw_ecg_episode episode;
    int64_t seen_until; /* raw index of the last look that found it */
    uint64_t looks_n;
};

int xw_ecg_avblock_init(struct xw_ecg_avblock *a, unsigned leads_n)
    __attribute__((warn_unused_result));
void xw_ecg_avblock_done(struct xw_ecg_avblock *a);
void xw_ecg_avblock_reset(struct xw_ecg_avblock *a); /* the episode must be closed before */

/* Analysis frames `first` … of one hop, which is one frame here. */
void xw_ecg_avblock_push(struct xw_ecg_avblock *a, const struct xw_ecg_signal *signal,
                         int64_t first);
/* A final beat at raw index `at` and analysis frame `t`. */
void xw_ecg_avblock_beat(struct xw_ecg_avblock *a, int64_t at, int64_t t, enum xw_ecg_code code);

/* Once a second. usable: leads; barred: nothing may be said now (atrial fibrillation, waveform
 * alarms, blindness). */
void xw_ecg_avblock_second(struct xw_ecg_avblock *a, struct xw_ecg_emit *emit, uint32_t usable,
                           bool barred);
void xw_ecg_avblock_close(struct xw_ecg_avblock *a, struct xw_ecg_emit *emit, int64_t end);

/* One look at the last 16 seconds. (avblock_look.c) */
struct xw_ecg_avb_look xw_ecg_avblock_look(struct xw_ecg_avblock *a,
                                           const struct xw_ecg_rules *rules, uint32_t usable);

#endif
