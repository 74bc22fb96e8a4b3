/* What kind of beat: simple and sound rules on shape, width and time, relative to the patient's own
 * dominant beat (issue-deep engines replace the rules behind the same call). And where it is: the
 * R wave, or the main deflection, in the lead that shows it best.
 * Private to dsp/ecg. Pure but for the running values in the struct. */
#ifndef XW_DSP_ECG_BEAT_H
#define XW_DSP_ECG_BEAT_H

#include "dsp/ecg/detect.h"
#include "dsp/ecg/event.h"

enum {
    XW_ECG_BEAT_RULE_VERSION = 1,
    XW_ECG_BEAT_REACH = 15, /* frames that a fiducial may lie from its hump's top */
};

struct xw_ecg_beat {
    struct xw_dsp_median width, rr; /* of beats like the dominant one: frames, ms */
    float rr_before;
    unsigned beats_n;
};

struct xw_ecg_beat_label {
    enum xw_ecg_code code;
    float likeness, width_ms, prematurity; /* against the dominant shape, usual RR */
    float confidence;
};

void xw_ecg_beat_init(struct xw_ecg_beat *b);
void xw_ecg_beat_reset(struct xw_ecg_beat *b);

/* Fiducial of the beat whose hump tops at frame t, in frames with a fraction. */
double xw_ecg_beat_fiducial(const struct xw_ecg_detect *d, const struct xw_ecg_qrs *qrs);

/* rr_ms: to the beat before, 0 = none. */
struct xw_ecg_beat_label xw_ecg_beat_classify(struct xw_ecg_beat *b, const struct xw_ecg_detect *d,
                                              const struct xw_ecg_qrs *qrs, float rr_ms);

#endif
