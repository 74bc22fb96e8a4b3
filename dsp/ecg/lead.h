/* Lead codes of an ECG channel: the eighteen standard leads, and `other` for any place not in the
 * list (a Holter's MLII counts as II, its modified chest leads as the chest leads).
 * Thread rule: pure functions. Source: IEEE 11073-10101 MDC_ECG_LEAD_* (names, not numbers). */
#ifndef XW_DSP_ECG_LEAD_H
#define XW_DSP_ECG_LEAD_H

enum xw_ecg_lead {
    XW_ECG_LEAD_OTHER = 0,
    XW_ECG_LEAD_I,
    XW_ECG_LEAD_II,
    XW_ECG_LEAD_III,
    XW_ECG_LEAD_AVR,
    XW_ECG_LEAD_AVL,
    XW_ECG_LEAD_AVF,
    XW_ECG_LEAD_V1,
    XW_ECG_LEAD_V2,
    XW_ECG_LEAD_V3,
    XW_ECG_LEAD_V4,
    XW_ECG_LEAD_V5,
    XW_ECG_LEAD_V6,
    XW_ECG_LEAD_V3R,
    XW_ECG_LEAD_V4R,
    XW_ECG_LEAD_V5R,
    XW_ECG_LEAD_V7,
    XW_ECG_LEAD_V8,
    XW_ECG_LEAD_V9,
    XW_ECG_LEAD_COUNT
};

/* "I", "aVR", "V1", "other". Never NULL. */
const char *xw_ecg_lead_name(enum xw_ecg_lead lead);

/* The lead that a name means, whatever its case; "MLII", "ML2", "MCL1", "AVR", "lead II",
 * "MDC_ECG_LEAD_II" are understood. XW_ECG_LEAD_OTHER for anything else and for NULL. */
enum xw_ecg_lead xw_ecg_lead_from_name(const char *name);

#endif
