/* QRS detection fused over all usable leads, causal, at 250 Hz.
 *
 * Per lead two kernels (first and second derivative of a Gaussian of QRS width) are a quadrature
 * pair: the root of the sum of their squares is one smooth hump a QRS whatever its shape. Each
 * lead's hump is divided by the lead's own usual QRS level, clipped (one artefact must not shout
 * the others down) and weighted by the lead's own signal-to-noise ratio. A candidate is a local
 * maximum of the fused level q. It is judged twice: at once (provisional) and when 270 ms after it
 * are known (final). Missed beats are looked for again when an RR gets long (late).
 *
 * Delays at 250 Hz, counted from the hump's top: provisional 22 frames, final 82 frames.
 * Life: init, step, flush, reset, done. After init nothing allocates. Our own design; the ideas of
 * median levels and search-back go back to Hamilton & Tompkins 1986. */
#ifndef XW_DSP_ECG_DETECT_H
#define XW_DSP_ECG_DETECT_H

#include "dsp/core/median.h"
#include "dsp/ecg/signal.h"
#include "dsp/ecg/template.h"

enum {
    XW_ECG_DETECT_HALF = 14,   /* frames on each side of the kernels */
    XW_ECG_DETECT_PEAK = 8,    /* a candidate is the largest within so many frames */
    XW_ECG_DETECT_WAIT = 68,   /* frames after a candidate before the final word */
    XW_ECG_DETECT_RING = 1024, /* frames of hump levels kept, a power of two */
    XW_ECG_DETECT_CANDIDATES = 128,
    XW_ECG_DETECT_OUT_MAX = 64,
    XW_ECG_DETECT_LOST_SLOTS = 8,
    XW_ECG_DETECT_AFTER = 26,       /* bins of what usually follows a beat … */
    XW_ECG_DETECT_AFTER_FIRST = 30, /* … from so many frames after it, */
    XW_ECG_DETECT_AFTER_BIN = 5,    /* each so many frames */
};

struct xw_ecg_candidate {
    int64_t t;
    float q, threshold, match;
    float likeness;   /* of the wave to known waves, once accepted */
    bool provisional; /* said to the outside */
    float denied;     /* share of the say with leads that show nothing */
    bool judged, accepted;
    int shape;                     /* of the template bank, once accepted */
    uint64_t token;                /* names the beat towards the chain; 0 = none yet */
    float level[XW_DSP_LANES_MAX]; /* hump of each lead, µV */
};

enum xw_ecg_qrs_word {
    XW_ECG_QRS_PROVISIONAL = 1,
    XW_ECG_QRS_FINAL,
    XW_ECG_QRS_WITHDRAWN,
};

struct xw_ecg_qrs {
    enum xw_ecg_qrs_word word;
    uint64_t token; /* the same for provisional and final of one beat */
    int64_t t;      /* top of the fused hump, analysis frame */
    bool searched;  /* found by search-back */
    float q, threshold;
    float match; /* likeness of the wave to known waves, once final */
    int shape;   /* of the template bank, -1 = none */
    float level[XW_DSP_LANES_MAX];
};

/* What was learned of the beats, as it was at some instant. */
struct xw_ecg_detect_kept {
    struct xw_dsp_median peak[XW_DSP_LANES_MAX], noise[XW_DSP_LANES_MAX];
    float level[XW_DSP_LANES_MAX], weight[XW_DSP_LANES_MAX], trust[XW_DSP_LANES_MAX];
    struct xw_ecg_template shapes, waves;
    struct xw_dsp_median q_peak, q_noise, rr, q_strange;
    float after[XW_ECG_DETECT_AFTER];
    unsigned after_n;
};

struct xw_ecg_detect {
    unsigned lanes, leads_n;
    const struct xw_ecg_signal *signal;
    float odd[XW_ECG_DETECT_HALF + 1], even[XW_ECG_DETECT_HALF + 1];
    float *hump; /* DETECT_RING frames */
    float *fused;
    int64_t hump_n; /* humps known for frames < hump_n */
    int64_t step_n; /* frames judged < step_n */
    bool started;
    /* levels of each lead */
    struct xw_dsp_median peak[XW_DSP_LANES_MAX], noise[XW_DSP_LANES_MAX];
    float level[XW_DSP_LANES_MAX], inverse[XW_DSP_LANES_MAX], weight[XW_DSP_LANES_MAX];
    float second_max[XW_DSP_LANES_MAX]; /* of the second in hand */
    float seconds[XW_ECG_DETECT_LOST_SLOTS][XW_DSP_LANES_MAX];
    unsigned seconds_n;
    struct xw_ecg_template shapes; /* by slope: what is a beat */
    struct xw_ecg_template
        waves; /* by the wave itself: how strange a beat is, for those after us */
    float trust[XW_DSP_LANES_MAX]; /* weight of a lead in comparing shapes */
    /* A lead that shows nothing while others go on beating has no say: its electrode is off.
     * alive_t: newest frame in which it showed something, -1 = never yet. */
    int64_t alive_t[XW_DSP_LANES_MAX];
    uint32_t silent;
    uint32_t loud; /* leads so noisy that no beat can be seen on them: no say, nothing learned */
    bool mostly_silent; /* those that had most of the say */
    /* fused levels */
    struct xw_dsp_median q_peak, q_noise, rr;
    struct xw_dsp_median q_strange;   /* refused ones that no T wave explains */
    float noise_since, strange_since; /* largest candidates refused since the last beat */
    float
        after[XW_ECG_DETECT_AFTER]; /* largest level usual so long after a beat of a known shape */
    unsigned after_n;
    struct xw_ecg_candidate candidate[XW_ECG_DETECT_CANDIDATES];
    uint64_t candidates_n, judged_n;
    struct xw_ecg_candidate last; /* last accepted beat; t < 0 before the first */
    int64_t provisional_t;        /* last provisional beat */
    int64_t rebuilt_t;
    unsigned louder_n; /* beats in a row far above the levels */
    float denials;     /* candidates lately refused for what other leads do not show */
    int64_t denials_t;
    /* Of the time before the signal went bad: the newer of the two may know the first of the noise
     * already, the older is some seconds old. */
    struct xw_ecg_detect_kept kept[2];
    unsigned kept_n, clear_s, blind_s; /* seconds in a row of clear sight, and of none */
    uint64_t token;
    struct xw_ecg_qrs out[XW_ECG_DETECT_OUT_MAX];
    unsigned out_n; /* emptied by the chain after every step */
};

int xw_ecg_detect_init(struct xw_ecg_detect *d, const struct xw_ecg_signal *signal)
    __attribute__((warn_unused_result));
void xw_ecg_detect_done(struct xw_ecg_detect *d);
void xw_ecg_detect_reset(struct xw_ecg_detect *d); /* levels forgotten; tokens go on */

/* A new signal from frame 0 of the same patient: levels and shapes are kept, nothing is pending. */
void xw_ecg_detect_resume(struct xw_ecg_detect *d);

/* Once a second. clear: every lead was good; blind: none was. While it sees clearly, what it knows
 * is kept aside now and then; when it sees again after it was blind, what it learned meanwhile is
 * noise and what it knew before comes back. */
void xw_ecg_detect_second(struct xw_ecg_detect *d, bool clear, bool blind);

/* These leads are so noisy that no beat can be seen on them: until the next word they have no say
 * and nothing is learned of them. */
void xw_ecg_detect_set_loud(struct xw_ecg_detect *d, uint32_t loud);

/* Has one of these leads moved like a QRS in three of the last four seconds, beat or not? */
bool xw_ecg_detect_swings(const struct xw_ecg_detect *d, uint32_t leads);

/* 0..1: how much of the say these leads have among all that show anything now. */
float xw_ecg_detect_share(const struct xw_ecg_detect *d, uint32_t leads, uint32_t off);

/* The signal was interrupted while it was blind: as if it saw again. */
void xw_ecg_detect_recall(struct xw_ecg_detect *d);

/* Judges all that the signal now allows; results are in out[0..out_n). */
void xw_ecg_detect_step(struct xw_ecg_detect *d);

/* End of the signal at frame `end`: judges what is left as if silence followed. */
void xw_ecg_detect_flush(struct xw_ecg_detect *d, int64_t end);

#endif
