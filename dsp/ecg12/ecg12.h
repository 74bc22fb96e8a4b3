/* Measures ten seconds of an ECG of 1 to 18 leads as a reader would: acceptability, fiducials of
 * every beat in every lead, the median beat, global intervals, axes, a table of each lead,
 * exchanged electrodes.
 *
 * Purpose    The figures that statements rest on. Statements themselves are made elsewhere, from
 *            `struct xw_ecg12_result` alone: what is not known there is NAN (or -1), never a guess.
 * Input      9 to 10.25 s at 100 to 1000 samples per second, µV; NAN = no value. Longer recordings:
 * the caller chooses ten seconds (xw_ecg12_score compares candidates). Everything is computed at
 *            500 Hz; times are given in ms from the first sample.
 * Leads      III, aVR, aVL, aVF that are missing follow from two limb leads (`derived`). A lead
 *            stated twice or XW_ECG_LEAD_OTHER is measured but takes no part in axes or sums.
 *
 * Method. QRS: slope energy fused over leads. Boundaries: for each wave several candidate times
 * (slope and amplitude thresholds of the lead, of all leads together, of the same beat's other
 * leads and the same lead's other beats; ideas of Martinez 2004, Vazquez-Seisdedos 2011), combined
 * by trees that also see the shape around them, fitted to annotated records (bound_tables.c). Marks
 * lie within the record and in order. Global fiducials: rank over leads of the median beat.
 *
 * Threads. An engine belongs to one thread at a time; engines share nothing.
 *
 * Memory. One arena in xw_ecg12_new (about 3 MB); nothing allocates after it. A result is plain
 * data.
 *
 * Errors. -EINVAL (limits above), -ENOMEM from new. A bad signal is not an error but a verdict.
 */
#ifndef XW_DSP_ECG12_ECG12_H
#define XW_DSP_ECG12_ECG12_H

#include "dsp/ecg/lead.h"

#include <stdbool.h>
#include <stdint.h>

#define XW_ECG12_MUST_CHECK __attribute__((warn_unused_result))

enum {
    XW_ECG12_LEADS_MAX = 18,
    XW_ECG12_BEATS_MAX = 64,
    XW_ECG12_PACES_MAX = 64,
    XW_ECG12_MEDIAN_HZ = 500, /* of the median beat */
    XW_ECG12_MEDIAN_N = 700,  /* samples of the median beat */
    XW_ECG12_MEDIAN_R = 225,  /* where its alignment point lies */
    XW_ECG12_RATE_MIN_HZ = 100,
    XW_ECG12_RATE_MAX_HZ = 1000,
};

#define XW_ECG12_SECONDS_MIN 9.0
#define XW_ECG12_SECONDS_MAX 10.25

enum xw_ecg12_sex { XW_ECG12_SEX_UNKNOWN = 0, XW_ECG12_FEMALE, XW_ECG12_MALE };

struct xw_ecg12_channel {
    enum xw_ecg_lead lead;
    const float *uv;      /* samples_n values; borrowed during the call */
    float min_uv, max_uv; /* the converter's rails; NAN = not known */
};

struct xw_ecg12_input {
    double rate_hz;
    unsigned samples_n;
    unsigned channels_n;
    struct xw_ecg12_channel channels[XW_ECG12_LEADS_MAX];
    /* For those who judge the result; no measure depends on them. */
    float age_years; /* NAN = not known */
    enum xw_ecg12_sex sex;
};

/* What is wrong with a lead; bits. */
enum xw_ecg12_flaw {
    XW_ECG12_FLAW_FLAT = 1,      /* no signal for a second or more */
    XW_ECG12_FLAW_SATURATED = 2, /* at its rails */
    XW_ECG12_FLAW_GAPS = 4,      /* values are missing */
    XW_ECG12_FLAW_NOISE = 8,     /* muscle, mains, motion */
    XW_ECG12_FLAW_WANDER = 16,   /* the baseline leaves the paper */
    XW_ECG12_FLAW_STEP = 32,     /* jumps */
    XW_ECG12_FLAW_RANGE = 64,    /* larger than a heart makes: wrong gain? */
    XW_ECG12_FLAW_COPY = 128,    /* the numbers of another lead */
};

enum xw_ecg12_verdict {
    XW_ECG12_UNACCEPTABLE = 0, /* nothing is measured, no beats are given */
    XW_ECG12_LIMITED,          /* some leads are left out, or few leads were given */
    XW_ECG12_ACCEPTABLE,
};

/* The first that applies is the reason of the verdict. */
enum xw_ecg12_reason {
    XW_ECG12_REASON_NONE = 0,
    XW_ECG12_REASON_NO_SIGNAL,  /* every lead is flat or missing */
    XW_ECG12_REASON_NO_LEADS,   /* every lead is unfit */
    XW_ECG12_REASON_NO_BEATS,   /* no QRS complexes can be told */
    XW_ECG12_REASON_UNLIKE,     /* beats do not resemble each other: noise or fibrillation */
    XW_ECG12_REASON_MANY_LEADS, /* more than half of the leads are unfit */
    XW_ECG12_REASON_SOME_LEADS, /* `unfit` are left out */
    XW_ECG12_REASON_FEW_LEADS,  /* fewer than twelve were given */
    XW_ECG12_REASON_GAIN_HIGH,  /* larger than a heart makes: wrong gain; nothing is measured */
    XW_ECG12_REASON_GAIN_LOW,   /* smaller than a heart makes: heights are doubtful */
};

/* Times in ms from the first sample of the input; NAN where there is none. */
struct xw_ecg12_marks {
    float p_on, p_peak, p_off;
    float qrs_on, r_peak, qrs_off; /* r_peak: largest deflection of the QRS */
    float t_on, t_peak, t_off;
};

struct xw_ecg12_beat {
    float time_ms; /* centre of the QRS */
    float match;   /* likeness to the median beat, -1..1 */
    bool paced;    /* a pacing pulse before its QRS */
    bool dominant; /* takes part in the median beat */
    struct xw_ecg12_marks global;
    struct xw_ecg12_marks lead[XW_ECG12_LEADS_MAX];
};

/* Of the median beat against its PR level; µV, ms. Durations count from the lead's own marks. */
struct xw_ecg12_lead_row {
    enum xw_ecg_lead lead;
    bool derived;
    uint32_t flaws; /* enum xw_ecg12_flaw */
    float noise_uv; /* RMS between the waves of single beats */
    bool usable;
    float p_uv, p2_uv;                    /* largest; of the other sign (biphasic), else 0 */
    float q_uv, r_uv, s_uv, r2_uv, s2_uv; /* 0: no such wave; q, s below 0 */
    float q_ms, r_ms, s_ms, r2_ms, s2_ms; /* widths at the PR level */
    float p_ms, qrs_ms;
    float r_peak_ms; /* from QRS onset (global) to the last R's peak: intrinsicoid deflection */
    float st_j_uv, st_60_uv, st_80_uv, st_slope_uv_s;
    float t_uv, t2_uv; /* as for P */
    float t_width_ms;  /* at half of its height */
    float qrs_area_uvs, qrs_pp_uv;
    bool notched;                /* the QRS has more turns than Q, R, S explain */
    struct xw_ecg12_marks marks; /* in the median beat: ms from its first sample */
};

struct xw_ecg12_exchange {
    bool limb, precordial;       /* suspected */
    const char *limb_kind;       /* "RA/LA", "RA/RL", "RA/LL", "LA/LL", "dextrocardia"; NULL */
    const char *precordial_kind; /* "V1/V2" …; NULL */
    float limb_score[4];         /* evidence for RA/LA, RA/RL, RA/LL, LA/LL; above 0 = suspected */
    float precordial_score; /* how much better the order explains itself when changed, 1 = no better
                             */
    /* what the scores rest on */
    float p_axis_deg, qrs_axis_deg, t_axis_deg, r_v6_i_match, ii_pp_uv;
};

struct xw_ecg12_result {
    enum xw_ecg12_verdict verdict;
    enum xw_ecg12_reason reason;
    uint32_t unfit; /* bits of rows left out */
    float score;    /* 0..1: for choosing among windows */

    unsigned leads_n; /* channels of the input in their order, then derived leads */
    struct xw_ecg12_lead_row leads[XW_ECG12_LEADS_MAX];
    unsigned beats_n;
    struct xw_ecg12_beat beats[XW_ECG12_BEATS_MAX];

    unsigned pace_n; /* pacing pulses found; at these rates 0 does not mean that there are none */
    float pace_ms[XW_ECG12_PACES_MAX];

    unsigned median_of_n; /* beats that the median was made of; 0: there is none */
    float median_uv[XW_ECG12_LEADS_MAX][XW_ECG12_MEDIAN_N];
    struct xw_ecg12_marks median; /* global, ms from the median's first sample */

    float hr_bpm, rr_ms, rr_sd_ms, rr_min_ms, rr_max_ms;
    bool irregular;    /* RR varies as in atrial fibrillation */
    float p_coherence; /* how alike what precedes the beats is, 0 = chance, 1 = the same */
    bool p_present;    /* P waves before the dominant beats */
    float p_ms, pr_ms, qrs_ms, qt_ms, jt_ms;
    float pr_sd_ms, qrs_sd_ms, qt_sd_ms; /* over beats: of a single measurement */
    float qtc_bazett_ms, qtc_fridericia_ms, qtc_framingham_ms, qtc_hodges_ms;
    bool wide_qrs;                              /* ≥ 120 ms: QTc says less */
    float p_axis_deg, qrs_axis_deg, t_axis_deg; /* -180 < a ≤ 180 */
    float rv5_mv, sv1_mv, rv5_sv1_mv;           /* sv1 as a positive number */
    struct xw_ecg12_exchange exchange;
};

struct xw_ecg12;

XW_ECG12_MUST_CHECK int xw_ecg12_new(struct xw_ecg12 **ret_engine);
void xw_ecg12_free(struct xw_ecg12 *engine);

/* ret_result is filled whenever 0 is returned, whatever the verdict. */
XW_ECG12_MUST_CHECK int xw_ecg12_read(struct xw_ecg12 *engine, const struct xw_ecg12_input *input,
                                      struct xw_ecg12_result *ret_result);

/* How fit a window is, 0 (nothing to see) to 1; much cheaper than reading it. */
XW_ECG12_MUST_CHECK int xw_ecg12_score(struct xw_ecg12 *engine, const struct xw_ecg12_input *input,
                                       float *ret_score);

/* SHA-256 over the tables, hexadecimal. */
enum { XW_ECG12_VERSION_BYTES = 65 };
void xw_ecg12_version(char ret_text[XW_ECG12_VERSION_BYTES]);

const char *xw_ecg12_verdict_name(enum xw_ecg12_verdict verdict);
const char *xw_ecg12_reason_name(enum xw_ecg12_reason reason);
const char *xw_ecg12_flaw_name(enum xw_ecg12_flaw flaw); /* of one bit */

#endif
