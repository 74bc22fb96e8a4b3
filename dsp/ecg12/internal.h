/* What the files of dsp/ecg12 share. Everything is at 500 Hz: index i is 2 ms · i. No function here
 * allocates; scratch lies in the engine. */
#ifndef XW_DSP_ECG12_INTERNAL_H
#define XW_DSP_ECG12_INTERNAL_H

#include "dsp/ecg12/ecg12.h"

#include <math.h>
#include <stddef.h>

#define XW12_HZ 500
#define XW12_LIMIT_UV 1e6f            /* beyond it values are cut off: 1 V is no electrode's */
#define XW12_MS(ms) ((int)((ms) / 2)) /* samples */

enum {
    XW12_LEADS = XW_ECG12_LEADS_MAX,
    XW12_BEATS = XW_ECG12_BEATS_MAX,
    XW12_N_MAX = 5200,
    XW12_PAD = 64,
    XW12_LEVELS = 4, /* thresholds of a boundary */
    XW12_OWN = 8,    /* candidate times of one lead */
    XW12_EXTRAS = 5,
    XW12_FEATURES = 3 * XW12_OWN + XW12_LEVELS + XW12_EXTRAS, /* of a boundary, see bound.c */
    XW12_POINTS = 21, /* at which a lead is looked at around a boundary */
    XW12_LOOK = XW12_FEATURES + 12 + 3 * XW12_POINTS,
    XW12_NEAR = 25, /* … and around what the first round said */
    XW12_LOOK_NEAR = XW12_LOOK + 1 + 3 * XW12_NEAR,
    XW12_TREE_DEPTH = 5,
    XW12_TREES = 150, /* of a boundary, in each of the two rounds */
    XW12_ROUNDS = 2,
    XW12_TAPS_MAX = 64,
    XW12_PHASES = 256,
};

/* The six boundaries of a beat, in the order of the table. */
enum xw12_bound {
    XW12_P_ON,
    XW12_P_OFF,
    XW12_QRS_ON,
    XW12_QRS_OFF,
    XW12_T_ON,
    XW12_T_OFF,
    XW12_BOUNDS,
};

/* A signal ready for finding boundaries in: the record, or the median beat. Rows of `stride`. */
struct xw12_view {
    int n;
    unsigned leads_n, stride;
    uint32_t use;         /* leads that take part in what is found over leads */
    float *x;             /* µV, PR level 0 */
    float *fine, *slow;   /* smoothed over about 6 ms and 30 ms */
    float *dfine, *dslow; /* their slopes, µV per ms */
    float *g;             /* root mean square over leads of dfine */
    float *gs;            /* … of dslow */
    float *vm;            /* … of slow */
};

static inline float *xw12_row(float *rows, const struct xw12_view *v, unsigned lead)
{
    return rows + (size_t)lead * v->stride;
}

/* Boundaries of one beat: found over all leads (reference) and in each lead; sample, NAN = none. */
struct xw12_beat {
    int r;       /* fused */
    float level; /* of the detection */
    float match;
    int shift; /* to the median beat */
    bool dominant, has_p, has_t, paced;
    int pulse; /* the pacing pulse before the QRS, or -1 */
    float global[XW12_BOUNDS];
    float p_peak, t_peak;
    float lead[XW12_LEADS][XW12_BOUNDS];
};

struct xw12_features {
    float value[XW12_BEATS][XW12_LEADS][XW12_FEATURES];
};

struct xw_ecg12 {
    int n;
    unsigned leads_n, given_n;
    enum xw_ecg_lead lead[XW12_LEADS];
    bool derived[XW12_LEADS];
    uint32_t flaws[XW12_LEADS];
    float noise_uv[XW12_LEADS];
    uint32_t unfit;
    float ii_pp_uv;
    struct xw12_view rec, med;
    int beats_n;
    struct xw12_beat beat[XW12_BEATS];
    struct xw12_beat mid; /* of the median beat */
    int rr_n;             /* median RR, samples */
    float coherence, af_score;
    bool p_present;
    unsigned median_of_n;
    int pace_n, pace[XW_ECG12_PACES_MAX], pace_end[XW_ECG12_PACES_MAX]; /* first and last jump */
    float height[XW_ECG12_PACES_MAX],
        before[XW_ECG12_PACES_MAX]; /* of the pulses, µV in 2 ms; unrest before */
    bool flutter;
    /* memory */
    float kernel[(XW12_PHASES + 1) * XW12_TAPS_MAX];
    float raw[XW12_LEADS * XW12_N_MAX];
    float rec_rows[5][XW12_LEADS * XW12_N_MAX];
    float rec_sum[3][XW12_N_MAX];
    float med_rows[5][XW12_LEADS * XW_ECG12_MEDIAN_N];
    float med_sum[3][XW_ECG12_MEDIAN_N];
    float work[4][XW12_N_MAX];
    float stack[XW12_N_MAX * 2];
    struct xw12_features features;
    /* For the program that fits the tables: called with the features of a boundary. */
    const struct xw12_bound_trees *trees; /* of the six boundaries */
    const struct xw12_reversal_net *reversal;
    void (*on_features)(void *user, const struct xw_ecg12 *e, enum xw12_bound kind);
    void *user;
};

/* ---- prep.c ---- */
/* Input to e->raw at 500 Hz with derived leads; sets leads, flaws of gaps, flatness, rails. */
void xw12_prepare(struct xw_ecg12 *e, const struct xw_ecg12_input *input);
/* raw to rec.x: slow baseline out, before beats are known. */
void xw12_detrend(struct xw_ecg12 *e);
/* Mains out of raw, where they stand out between the beats. */
void xw12_mains(struct xw_ecg12 *e);
/* raw to rec.x: PR levels of the beats to 0. */
void xw12_level(struct xw_ecg12 *e);
/* fine, slow, slopes and sums of a view from its x. */
void xw12_view_fill(struct xw12_view *v, float *work);
/* slow, dslow and their sums again, with the QRS complexes replaced by lines. */
void xw12_view_blank(struct xw12_view *v, const struct xw12_beat *beats, int beats_n,
                     float *work[2]);

/* ---- pace.c ---- */
void xw12_pace(struct xw_ecg12 *e); /* pulses out of raw */

/* ---- judge.c ---- */
void xw12_judge_raw(struct xw_ecg12 *e, const struct xw_ecg12_input *input);
bool xw12_judge_noise(struct xw_ecg12 *e); /* after the beats; true: other leads are unfit now */
void xw12_judge_flaws(struct xw_ecg12 *e); /* unfit from flaws */
float xw12_window_score(const struct xw_ecg12 *e);
void xw12_verdict(struct xw_ecg12 *e, struct xw_ecg12_result *result);

/* ---- whole.c: what only several leads together show ---- */
enum xw12_gain { XW12_GAIN_USUAL = 0, XW12_GAIN_HIGH, XW12_GAIN_LOW };
void xw12_judge_copies(struct xw_ecg12 *e);
enum xw12_gain xw12_judge_gain(const struct xw_ecg12 *e); /* after the beats */
/* Boundaries of a beat within the view and one after the other; what cannot be so is not known. */
void xw12_order(const struct xw12_view *v, struct xw12_beat *b);

/* ---- qrs.c ---- */
void xw12_detect(struct xw_ecg12 *e);

/* ---- group.c: which beats are alike; the median beat ---- */
void xw12_group(struct xw_ecg12 *e); /* also drops what is no beat */
void xw12_median(struct xw_ecg12 *e);
void xw12_mark_paced(struct xw_ecg12 *e);

/* ---- bound.c, wave.c ---- */
/* Boundaries of QRS, T, P of beats_n beats of a view. The neighbours of a beat limit it. */
void xw12_delineate(struct xw_ecg12 *e, struct xw12_view *v, struct xw12_beat *beats, int beats_n);
void xw12_qrs_reference(const struct xw12_view *v, struct xw12_beat *b);
void xw12_ventricles(struct xw_ecg12 *e, struct xw12_view *v, struct xw12_beat *beats,
                     int beats_n);                        /* t_peak */
void xw12_atria(struct xw_ecg12 *e, struct xw12_view *v); /* record only: has_p, p_peak */
/* How far a sample stands out over its neighbours `w` samples away, root mean square over leads. */
float xw12_hump(const struct xw12_view *v, int t, int w);
float xw12_lead_hump(const struct xw12_view *v, unsigned lead, int t, int w);
void xw12_bound(struct xw_ecg12 *e, const struct xw12_view *v, struct xw12_beat *beats, int beats_n,
                enum xw12_bound kind);

/* ---- bound_trees.c, bound_tables.c ---- */
/* A boundary from its candidates and what surrounds them: many small symmetric trees, each asking
 * the same few questions of every case and adding the value of the leaf that the answers lead to.
 * The second round sees the shape around the first one's answer and adds what that left over. */
struct xw12_bound_tree {
    float limit[XW12_TREE_DEPTH];       /* answer: feature > limit */
    int16_t leaf[1 << XW12_TREE_DEPTH]; /* by answers, the first in bit 0; 1/1000 sample */
    uint8_t feature[XW12_TREE_DEPTH], unused[3];
};
struct xw12_bound_round {
    float bias; /* samples */
    struct xw12_bound_tree tree[XW12_TREES];
};
struct xw12_bound_trees {
    struct xw12_bound_round round[XW12_ROUNDS];
};
extern const struct xw12_bound_trees xw12_bound_tables[XW12_BOUNDS];
/* What is asked of one lead of a beat. Returns the reference that the answer is added to. */
float xw12_bound_look(const struct xw_ecg12 *e, const struct xw12_view *v,
                      const struct xw12_beat *beats, int i, int n, unsigned lead,
                      enum xw12_bound kind, float out[XW12_LOOK_NEAR]);
/* What the second round sees besides, when the first said reference + answer: fills the rest. */
void xw12_bound_look_near(const struct xw12_view *v, unsigned lead, enum xw12_bound kind,
                          float reference, float answer, float out[XW12_LOOK_NEAR]);
float xw12_bound_ask(const struct xw12_bound_round *round, const float *look);

/* ---- measure.c ---- */
void xw12_measure(struct xw_ecg12 *e, struct xw_ecg12_result *r);
void xw12_measure_none(struct xw_ecg12_result *r); /* all figures NAN */
/* Row of this lead in the table of leads; -1: not there, or unfit. */
int xw12_usable(const struct xw_ecg12_result *r, enum xw_ecg_lead lead);

/* ---- reversal.c, reversal_tables.c ---- */
enum {
    XW12_REVERSAL_INPUTS = 36,
    XW12_REVERSAL_HIDDEN = 10,
    XW12_REVERSAL_CLASSES = 4
}; /* none, RA/LA, RA/LL, LA/LL */
struct xw12_reversal_net {
    float hidden_bias[XW12_REVERSAL_HIDDEN], hidden[XW12_REVERSAL_HIDDEN][XW12_REVERSAL_INPUTS];
    float bias[XW12_REVERSAL_CLASSES], out[XW12_REVERSAL_CLASSES][XW12_REVERSAL_HIDDEN];
};
extern const struct xw12_reversal_net xw12_reversal_table;
extern const float xw12_reversal_limit[3];
#define XW12_CHEST_LIMIT 1.6f /* so much smoother must the chest row be in another order */
/* False: a lead that it needs is not there. */
bool xw12_reversal_inputs(struct xw_ecg12 *e, const struct xw_ecg12_result *r,
                          float inputs[XW12_REVERSAL_INPUTS]);
void xw12_reversal_run(const struct xw12_reversal_net *net, const float *inputs,
                       float logits[XW12_REVERSAL_CLASSES]);
void xw12_reversal(struct xw_ecg12 *e, struct xw_ecg12_result *r);

/* ---- small ---- */
float xw12_median_of(float *values, int n); /* reorders; NAN when n = 0 */
static inline float xw12_clampf(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

#endif
