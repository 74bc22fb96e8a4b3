/* Two recordings of one patient, compared fairly: what differs, by how much, and whether that is
 * more than the measurement itself could make.
 *
 * Purpose    "Is this new?" A figure of one recording minus the same figure of another says that
 *            only if both were taken alike. So each recording is brought to the narrower of both
 *            bands (the one that is wider gets the filter of dsp/ecg/display.h that the other has
 *            already), both to 500 Hz, both to the leads that both have and that are fit in both,
 *            and both are measured again; the median beats are laid over each other.
 * Input      As xw_ecg12_read, each. A band that is not known is taken as wider than the other and
 *            said (`band_known`).
 * Output     For each figure before, now, by = now - before, and the expanded uncertainty of `by`
 *            (95 %). `beyond`: |by| is larger. What was not measured in both is NAN in all.
 *
 * Uncertainty (JCGM 100:2008 "GUM", 5.1.2 and 6.2.1): U = 1.96 sqrt(u1 u1 + u2 u2), and for each
 * recording u u = 2 (pi/2) s s / n + b b. s: spread of the figure over the n beats of the median
 * beat (pi/2: a median varies by so much more than a mean; 2: neighbours lie in the same breath);
 * of the heart rate: over three breaths. b: what the method itself adds, which more beats do not
 * lessen.
 *
 * b of times and axes: round values for how far two measurements of one heart lie apart, chosen and
 * checked by their coverage (README, "Comparison"), not fitted; of QTc:
 * of QT and RR by their derivatives; of heights: how much the median beat changes when the marks
 * that they hang on (end of the QRS for ST, ends of the P wave for P, the level before the QRS for
 * all) move by their SD, a gain within 5 % (IEC 60601-2-25; any value as likely: 5 % / sqrt 3), and
 * 8 uV of baseline and mains.
 *
 * It is the uncertainty of the measurement. That electrodes do not sit where they sat, or that the
 * patient lies otherwise, comes on top.
 *
 * Exchanged electrodes. Of the QRS complexes laid over each other: how much nearer the two come
 * when two electrodes of one of them are thought exchanged (limbs: RA/LA, RA/LL, LA/LL; chest:
 * neighbours). Which of the two recordings has them exchanged is not told.
 *
 * Threads    A comparer belongs to one thread at a time. Memory: about 4 MB in
 * xw_ecg12_comparer_new, nothing after it. Errors: -EINVAL as xw_ecg12_read. The same input gives
 * the same bytes. */
#ifndef XW_DSP_ECG12_COMPARE_H
#define XW_DSP_ECG12_COMPARE_H

#include "dsp/ecg12/ecg12.h"

/* What a recording holds, Hz. 0 of high_pass_hz: down to 0; NAN: not known. */
struct xw_ecg12_band {
    float high_pass_hz, low_pass_hz;
};

enum xw_ecg12_whole {
    XW_ECG12_WHOLE_HR, /* /min */
    XW_ECG12_WHOLE_P,  /* ms from here */
    XW_ECG12_WHOLE_PR,
    XW_ECG12_WHOLE_QRS,
    XW_ECG12_WHOLE_QT,
    XW_ECG12_WHOLE_QTC_BAZETT,
    XW_ECG12_WHOLE_QTC_FRIDERICIA,
    XW_ECG12_WHOLE_P_AXIS, /* degrees; by: the short way round */
    XW_ECG12_WHOLE_QRS_AXIS,
    XW_ECG12_WHOLE_T_AXIS,
    XW_ECG12_WHOLE_N
};

enum xw_ecg12_height { /* µV */
                       XW_ECG12_HEIGHT_P,
                       XW_ECG12_HEIGHT_Q,
                       XW_ECG12_HEIGHT_R,
                       XW_ECG12_HEIGHT_S,
                       XW_ECG12_HEIGHT_ST_J,
                       XW_ECG12_HEIGHT_ST_60,
                       XW_ECG12_HEIGHT_T,
                       XW_ECG12_HEIGHT_N
};

struct xw_ecg12_change {
    float before, now, by, uncertainty; /* NAN: not measured in both */
    bool beyond;                        /* |by| > uncertainty */
};

struct xw_ecg12_lead_change {
    enum xw_ecg_lead lead;
    float likeness; /* of the QRS complexes laid over each other, -1..1 */
    struct xw_ecg12_change height[XW_ECG12_HEIGHT_N];
};

enum xw_ecg12_incomparable {
    XW_ECG12_COMPARED = 0,
    XW_ECG12_BEFORE_UNREAD, /* nothing can be measured in the earlier one */
    XW_ECG12_NOW_UNREAD,
    XW_ECG12_NO_LEAD_IN_BOTH,
};

struct xw_ecg12_comparison {
    enum xw_ecg12_incomparable why_not; /* not 0: nothing below is known */
    struct xw_ecg12_band band;          /* of both, as compared */
    bool band_known;
    double rate_hz; /* the lower of both */
    unsigned beats_n[2];
    struct xw_ecg12_change whole[XW_ECG12_WHOLE_N];
    unsigned leads_n; /* fit in both */
    struct xw_ecg12_lead_change leads[XW_ECG12_LEADS_MAX];
    float likeness; /* of all leads' QRS complexes together */
    float shift_ms; /* the earlier median beat lies so much later than the present one */
    const char *limb_kind, *precordial_kind; /* suspected, "LA/LL", "V2/V3" …; NULL */
    float limb_gain, precordial_gain; /* how much nearer the best exchange brings them, 1 = none */
};

struct xw_ecg12_comparer;

XW_ECG12_MUST_CHECK int xw_ecg12_comparer_new(struct xw_ecg12_comparer **ret_comparer);
void xw_ecg12_comparer_free(struct xw_ecg12_comparer *comparer);

/* bands: [0] of `before`, [1] of `now`. ret_comparison is filled whenever 0 is returned. */
XW_ECG12_MUST_CHECK int xw_ecg12_compare(struct xw_ecg12_comparer *comparer,
                                         const struct xw_ecg12_input *before,
                                         const struct xw_ecg12_input *now,
                                         const struct xw_ecg12_band bands[2],
                                         struct xw_ecg12_comparison *ret_comparison);

const char *xw_ecg12_whole_name(enum xw_ecg12_whole figure);          /* "qtc_bazett_ms" … */
const char *xw_ecg12_height_name(enum xw_ecg12_height figure);        /* "st_60_uv" … */
const char *xw_ecg12_incomparable_name(enum xw_ecg12_incomparable w); /* "before-unread" … */

#endif
