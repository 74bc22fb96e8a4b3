/* What kind of beat, and where it is. The kind: scorers (ventricular or not, supraventricular or
 * not; each the blend of trees.h and net.h) on features that are all relative to the patient's own
 * beats (history.h), said at once, said again when the next beat is known, and once more within a
 * minute, when it is known what kinds of beats there are. The place: the R wave, or the main
 * deflection, in the lead that shows it best. Private to dsp/ecg. Nothing allocates after init. */
#ifndef XW_DSP_ECG_BEAT_H
#define XW_DSP_ECG_BEAT_H

#include "dsp/ecg/detect.h"
#include "dsp/ecg/history.h"

enum {
    XW_ECG_BEAT_RULE_VERSION = 4,
    XW_ECG_BEAT_REACH = 15, /* frames that a fiducial may lie from its hump's top */
};

/* Every look at a beat with its features, for training; stage 0 final, 1 next beat known, 2 last.
 */
typedef void (*xw_ecg_beat_look_fn)(void *user, int64_t at, unsigned stage,
                                    const float x[XW_ECG_FEATURES]);

struct xw_ecg_beat {
    struct xw_ecg_history history;
    xw_ecg_beat_look_fn on_look; /* NULL but in the trainer */
    void *user;
    struct xw_dsp_median width; /* of beats like the dominant one: frames */
};

struct xw_ecg_beat_label {
    enum xw_ecg_code code;
    float likeness, width_ms, prematurity; /* against the dominant shape, usual RR */
    float pulse_ms;                        /* paced: from the pulse to it; else 0 */
    float score;                           /* of the scorer that decided, log odds */
    float confidence;
};

int xw_ecg_beat_init(struct xw_ecg_beat *b, unsigned leads_n) __attribute__((warn_unused_result));
void xw_ecg_beat_done(struct xw_ecg_beat *b);
void xw_ecg_beat_reset(struct xw_ecg_beat *b);
/* After a short gap: the beats are gone, the kinds stay. */
void xw_ecg_beat_resume(struct xw_ecg_beat *b);

/* Fiducial of the beat whose hump tops at frame t, in frames with a fraction. */
double xw_ecg_beat_fiducial(const struct xw_ecg_detect *d, const struct xw_ecg_qrs *qrs);

/* A final beat joins the history (which must have room: see xw_ecg_beat_owed). rr_ms: to the beat
 * before, 0 = none. ret_past stays valid until it is settled; its event is for the caller. */
struct xw_ecg_beat_label xw_ecg_beat_classify(struct xw_ecg_beat *b, const struct xw_ecg_detect *d,
                                              const struct xw_ecg_qrs *qrs, int64_t at, float rr_ms,
                                              struct xw_ecg_past **ret_past);

/* The second look at the beat before the newest; NULL if there is none. */
struct xw_ecg_past *xw_ecg_beat_second_look(struct xw_ecg_beat *b, const float *weight,
                                            struct xw_ecg_beat_label *ret_label);
/* The last look: at the oldest beat not settled, if it lies before raw index `before`, or the
 * history is full, or `all`. NULL when there is none; else it is settled. */
struct xw_ecg_past *xw_ecg_beat_last_look(struct xw_ecg_beat *b, const float *weight,
                                          int64_t before, bool all,
                                          struct xw_ecg_beat_label *ret_label);

#endif
