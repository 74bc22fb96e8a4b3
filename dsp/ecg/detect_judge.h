/* The judging half of the QRS detector; see detect.h. Private to dsp/ecg. */
#ifndef XW_DSP_ECG_DETECT_JUDGE_H
#define XW_DSP_ECG_DETECT_JUDGE_H

#include "dsp/ecg/detect.h"

/* First levels and weights from the humps of frames 0 .. n-1. */
void xw_ecg_detect_learn(struct xw_ecg_detect *d, int64_t n);

/* A new candidate: said at once if it is a beat by what is known. */
void xw_ecg_detect_provisional(struct xw_ecg_detect *d, struct xw_ecg_candidate *c);

/* The final word on all candidates old enough at frame `now`, and search-back. */
void xw_ecg_detect_judge(struct xw_ecg_detect *d, int64_t now);

/* Level of all leads together from their humps, 1 = the usual QRS. */
float xw_ecg_detect_fuse(const struct xw_ecg_detect *d, const float *hump);

/* The usual RR in frames. */
float xw_ecg_detect_usual_rr(const struct xw_ecg_detect *d);

static inline const float *xw_ecg_detect_hump(const struct xw_ecg_detect *d, int64_t t)
{
    return d->hump + (size_t)(t & (XW_ECG_DETECT_RING - 1)) * d->lanes;
}

static inline struct xw_ecg_candidate *xw_ecg_detect_candidate(struct xw_ecg_detect *d, uint64_t i)
{
    return &d->candidate[i % XW_ECG_DETECT_CANDIDATES];
}

static inline int64_t xw_ecg_frames(float seconds)
{
    return (int64_t)(seconds * XW_ECG_ANALYSIS_HZ + 0.5F);
}

#endif
