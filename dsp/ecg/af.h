/* Atrial fibrillation from the times of the beats alone, as a stream of bounded memory and delay.
 *
 * For every beat the RR intervals around it (windows of 25 and 61, half before, half after, and one
 * of 151, mostly before) give figures of irregularity: how much neighbours differ, how many pairs
 * are alike, whether any of the four before foretells an interval (bigeminy and trigeminy do,
 * fibrillation does not), sample entropy, autocorrelation, turning points, how evenly what is
 * neither early nor behind an early beat goes on, words of differences. A small trained table turns
 * them into a weight for or against fibrillation. The weights are summed; the sum is held within
 * limits, and a change is said when it has gone from one limit to the other, with its onset where
 * it left the first: that is the most probable course of two states with a price on each change
 * (Viterbi). A change is dated back by 60 s at most, the time in which a word may be revised.
 *
 * That look needs 30 beats ahead. A second, early look (af_early.c) has a table of its own for the
 * last 12 and 24 intervals and the 48 before them, and looks at nothing ahead: when its sum has
 * gone from one limit to the other fibrillation is said at once. The long look then confirms it, or
 * it is taken back within a minute (`taken_back`) and the early look rests for some minutes. What
 * is early only is `active` but not `sure`.
 *
 * Intervals next to ventricular beats are left out. What is left in of slips and of single ectopic
 * beats is for the figures to bear.
 * Life: init, beat…, finish, reset. Thread rule: none shared. Units: samples of the caller's clock.
 * Source of the ideas: Lake & Moorman 2011 (entropy of short windows), Petrenas 2015 (bigeminy),
 * the rest is ours. */
#ifndef XW_DSP_ECG_AF_H
#define XW_DSP_ECG_AF_H

#include "dsp/core/net.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    XW_ECG_AF_NEAR = 12,  /* RR on each side of a beat: the small window */
    XW_ECG_AF_FAR = 30,   /* and the large one: also the look-ahead, in beats */
    XW_ECG_AF_DEEP = 120, /* RR before a beat, with FAR after it: the large view */
    XW_ECG_AF_STRIDE = 4, /* figures are taken at every fourth beat, and hold until the next */
    XW_ECG_AF_RING = 256,
    XW_ECG_AF_PER_WINDOW = 19,
    XW_ECG_AF_FEATURES = 3 * XW_ECG_AF_PER_WINDOW + 2,
    XW_ECG_AF_EARLY_NEAR = 12, /* RR behind a beat, for the early look: the small window, */
    XW_ECG_AF_EARLY_FAR = 24,  /* the large one, */
    XW_ECG_AF_EARLY_PAST = 48, /* and what was before that */
    XW_ECG_AF_RULE_VERSION = 3,
};

/* The early look. */
struct xw_ecg_af_early {
    const struct xw_dsp_net *table;
    float price, caution; /* what a weight is divided by; what is taken off it before */
    float weight, sum;    /* of the last figures; of all, between the limits of the long look */
    bool active;          /* said, and not yet confirmed */
    int64_t left_at;      /* the onset if it is said now */
    int64_t said_at, rest_until;
    uint64_t said_n; /* intervals known when it was said */
    float features[XW_ECG_AF_FEATURES];
};

struct xw_ecg_af {
    const struct xw_dsp_net *table;
    double rate_hz;
    float limit, price; /* of the sum; what a beat's weight is divided by */
    struct {
        int64_t at;   /* the beat that ends the interval */
        float log_rr; /* natural logarithm of seconds */
        bool joined;  /* to the interval before: none was left out between */
    } rr[XW_ECG_AF_RING];
    uint64_t n;                /* intervals ever */
    uint64_t judged;           /* the next interval to be judged */
    bool begun, broken;        /* the last interval was left out */
    float weight, sum, burden; /* of the last figures; of all; share of the past that was so */
    struct xw_ecg_af_early early;
    bool active;      /* fibrillation is said */
    bool sure;        /* and the long look has it so */
    bool taken_back;  /* at a change to not active: there was none */
    int64_t now;      /* the last beat that came */
    int64_t left_at;  /* where the sum was last at the limit of the present state */
    int64_t since_at; /* onset of the present state */
    int64_t sure_at;  /* and of what the long look has it to be */
    float features[XW_ECG_AF_FEATURES]; /* as last taken */
};

/* table: NULL for the one that is compiled in; rate_hz: of the caller's clock. The early look's
 * table is the one compiled in until the caller puts another. */
void xw_ecg_af_init(struct xw_ecg_af *af, const struct xw_dsp_net *table, double rate_hz);
void xw_ecg_af_reset(struct xw_ecg_af *af);

/* A beat at `at`, rr_ms after the one before; usable: the interval is one between two beats that
 * are not ventricular, and nothing was unseen between them. True: `active` or `sure` changed; it
 * has been as it is now since `since_at`. */
bool xw_ecg_af_beat(struct xw_ecg_af *af, int64_t at, float rr_ms, bool usable);
/* No more beats will come: judges one interval that waited for those after it. True: the state
 * changed. Call until xw_ecg_af_waiting says 0. */
bool xw_ecg_af_finish(struct xw_ecg_af *af);
unsigned xw_ecg_af_waiting(const struct xw_ecg_af *af);

/* Figures of the interval `centre` (counted from the first). */
void xw_ecg_af_measure(const struct xw_ecg_af *af, uint64_t centre, float *ret_features);

/* Figures of the newest intervals, for the early look. */
void xw_ecg_af_measure_early(const struct xw_ecg_af *af, float *ret_features);
/* Long and short in turn, as in bigeminy, among the intervals [first, end). */
bool xw_ecg_af_alternates(const struct xw_ecg_af *af, uint64_t first, uint64_t end);
/* Private to af.c, after each interval: the early look says fibrillation; it is over, and the long
 * look has it so or has it not. (af_early.c) */
enum xw_ecg_af_word { XW_ECG_AF_NOTHING, XW_ECG_AF_SAY, XW_ECG_AF_CONFIRM, XW_ECG_AF_TAKE_BACK };
void xw_ecg_af_early_reset(struct xw_ecg_af *af);
/* ending: no more beats will come. */
enum xw_ecg_af_word xw_ecg_af_early_step(struct xw_ecg_af *af, bool ending);

/* What the evidence tells, of the window that decided: share of pairs alike, mean difference of
 * neighbours (both as shares of RR), how much an interval foretells the next (0: nothing); the way
 * the sum of weights went, and the intervals of that window. */
struct xw_ecg_af_evidence {
    float alike_share, difference, pattern, score;
    float rr_ms, rr_low_ms, rr_high_ms; /* of the newest 24: their mean, the ends */
    unsigned intervals_n;
};
struct xw_ecg_af_evidence xw_ecg_af_evidence(const struct xw_ecg_af *af);

#endif
