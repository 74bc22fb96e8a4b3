/* The beats of the last minute with what the later judgement needs, and their features.
 *
 * Every feature is a ratio, a correlation or a logarithm of a ratio, against this patient's own
 * beats: nothing depends on the amplifier or the lead. The same code makes the features at the
 * bedside and for training (dsp/train). A beat is looked at three times: when it is final
 * (what comes after it is not known), when the next beat is, and once more up to 50 s later, when
 * the kinds of beats around it are known. Private to dsp/ecg. Life: init, push, features, pop,
 * reset, done. Thread rule: none shared. Nothing allocates after init. */
#ifndef XW_DSP_ECG_HISTORY_H
#define XW_DSP_ECG_HISTORY_H

#include "dsp/ecg/cluster.h"
#include "dsp/ecg/event.h"

enum {
    XW_ECG_HISTORY_BEATS = 256, /* a power of two */
    XW_ECG_HISTORY_LONG = 64,   /* every fourth RR of about five minutes */
};

enum xw_ecg_feature {
    /* time: RR before the beat against … */
    XW_ECG_FEATURE_RR,        /* the usual RR around it */
    XW_ECG_FEATURE_RR_BEFORE, /* (the RR before that, against the usual) */
    XW_ECG_FEATURE_RR_STEP,   /* the RR before that */
    XW_ECG_FEATURE_RR_NEAR,   /* the mean of the eight before */
    XW_ECG_FEATURE_RR_LONG,   /* the upper tenth of the last minutes */
    XW_ECG_FEATURE_RR_MIDDLE, /* the median of the last minutes */
    XW_ECG_FEATURE_USUAL,     /* the usual RR itself, ln s */
    XW_ECG_FEATURE_SPREAD,    /* quartile distance of RR over the usual */
    XW_ECG_FEATURE_JUMPS,     /* median step between RR over the usual */
    XW_ECG_FEATURE_CLEAN,     /* share of RR between beats of the dominant kind */
    XW_ECG_FEATURE_RR_TWO,    /* RR against the one two before: bigeminy */
    XW_ECG_FEATURE_RR_FOUR,   /* against the median of the two before and the two after the next */
    XW_ECG_FEATURE_RR_RANK,   /* share of the RR around that are shorter */
    XW_ECG_FEATURE_EARLY,     /* how much earlier than usual, in spreads */
    /* since RR last jumped (between beats of the dominant kind): by how much, ln beats ago */
    XW_ECG_FEATURE_JUMP,
    XW_ECG_FEATURE_JUMP_AGO,
    /* shape against the dominant kind */
    XW_ECG_FEATURE_MATCH,
    XW_ECG_FEATURE_DIFFERENCE,
    XW_ECG_FEATURE_ENERGY,
    XW_ECG_FEATURE_WORST,
    XW_ECG_FEATURE_BEST,
    XW_ECG_FEATURE_P_MATCH,
    XW_ECG_FEATURE_P_DIFFERENCE,
    XW_ECG_FEATURE_P_ENERGY,
    XW_ECG_FEATURE_P_SHARE,  /* energy of its P part over the dominant kind's QRS */
    XW_ECG_FEATURE_P_USUAL,  /* the same of the dominant kind */
    XW_ECG_FEATURE_P_STEADY, /* usual match of the P parts of the beats around it, not early ones */
    XW_ECG_FEATURE_P_ODD,    /* its own match against that */
    XW_ECG_FEATURE_P_RUN,    /* that of the beats from the last jump of RR to the next, likewise */
    XW_ECG_FEATURE_T_MATCH,
    XW_ECG_FEATURE_T_DIFFERENCE,
    XW_ECG_FEATURE_WIDTH,      /* over the usual width */
    XW_ECG_FEATURE_WIDTH_S,    /* itself */
    XW_ECG_FEATURE_SPEED,      /* of its movement: its mean frequency against the dominant kind's */
    XW_ECG_FEATURE_SPEED_HZ,   /* itself */
    XW_ECG_FEATURE_BREADTH,    /* share of the QRS part away from the level before it, difference */
    XW_ECG_FEATURE_ROUGH,      /* energy of its bends beside the QRS over the dominant kind's QRS */
    XW_ECG_FEATURE_DRIFT,      /* its last level against its first, as a share of the QRS */
    XW_ECG_FEATURE_LAST_MATCH, /* with the beat before */
    XW_ECG_FEATURE_LAST_ENERGY, /* against the beat before */
    /* its kind */
    XW_ECG_FEATURE_KIND_MATCH,
    XW_ECG_FEATURE_KIND_SHARE,
    XW_ECG_FEATURE_KIND_BEATS,
    XW_ECG_FEATURE_KIND_RR,
    XW_ECG_FEATURE_KIND_WIDTH,
    XW_ECG_FEATURE_KIND_LIKE, /* match of the kind with the dominant one */
    XW_ECG_FEATURE_KIND_P,    /* usual match of its beats' P parts, likewise */
    XW_ECG_FEATURE_LEVEL,     /* of detection */
    XW_ECG_FEATURE_KNOWN,     /* match at detection */
    /* what comes after: only for the later looks */
    XW_ECG_FEATURE_POST,
    XW_ECG_FEATURE_POST_STEP,
    XW_ECG_FEATURE_SUM, /* RR before and after over twice the usual */
    XW_ECG_FEATURE_NEXT_MATCH,
    XW_ECG_FEATURE_KIND_POST,
    XW_ECG_FEATURE_END, /* the next jump of RR: by how much, ln beats ahead */
    XW_ECG_FEATURE_END_AHEAD,
    XW_ECG_FEATURES,
};

_Static_assert(XW_ECG_FEATURES <= 64, "the trainer keeps a mask of them");

struct xw_ecg_past {
    struct xw_ecg_event event; /* the last word on it */
    int64_t at;                /* raw index */
    float rr_ms, width_ms, q, known;
    int cluster, shift;
    uint32_t generation;
    bool pictured, fixed;  /* has a picture; its label is not for this module (fibrillation) */
    float like, p_like;    /* match with the dominant kind when last looked at: QRS, P part */
    float pulse_s;         /* from a pace pulse to it; NAN: none */
    unsigned pulse_like_n; /* beats near it with the same */
};

struct xw_ecg_history {
    struct xw_ecg_clusters clusters;
    float *pictures; /* HISTORY_BEATS of them */
    struct xw_ecg_past beat[XW_ECG_HISTORY_BEATS];
    uint64_t beats_n, settled_n; /* pushed; no longer to be looked at */
    float long_rr[XW_ECG_HISTORY_LONG];
    uint64_t long_n;
    float usual_width_ms;
};

int xw_ecg_history_init(struct xw_ecg_history *h, unsigned leads_n)
    __attribute__((warn_unused_result));
void xw_ecg_history_done(struct xw_ecg_history *h);
/* All of it / only the beats, not the kinds (a short gap). */
void xw_ecg_history_reset(struct xw_ecg_history *h);
void xw_ecg_history_resume(struct xw_ecg_history *h);

static inline struct xw_ecg_past *xw_ecg_history_at(struct xw_ecg_history *h, uint64_t index)
{
    return &h->beat[index & (XW_ECG_HISTORY_BEATS - 1)];
}

/* A beat at analysis frame t, already drafted; weight: trust of each lead. Its place in the ring
 * must be free (settled). */
struct xw_ecg_past *xw_ecg_history_push(struct xw_ecg_history *h,
                                        const struct xw_ecg_signal *signal, int64_t t,
                                        const struct xw_ecg_past *beat, const float *weight);

/* The features of beat `index` by what is known now. Those of time after it are 0 and
 * `ret_complete` false while the next beat is not there. */
void xw_ecg_history_features(struct xw_ecg_history *h, uint64_t index, const float *weight,
                             float ret_x[XW_ECG_FEATURES], bool *ret_complete);

#endif
