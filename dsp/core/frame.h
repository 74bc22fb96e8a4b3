/* The layout shared by all multi-lead stages: frames of `lanes` floats, one lane a lead, one frame
 * a sample. lanes is the number of leads rounded up to XW_DSP_LANE_QUANTUM, so that the inner loops
 * run over lanes in whole vectors and even recursive filters vectorise. Lanes without a lead hold
 * 0. Thread rule: pure functions. Units: values are µV wherever nothing else is said. */
#ifndef XW_DSP_CORE_FRAME_H
#define XW_DSP_CORE_FRAME_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { XW_DSP_LANE_QUANTUM = 4, XW_DSP_LANES_MAX = 20, XW_DSP_ALIGN_BYTES = 64 };

static inline unsigned xw_dsp_lanes(unsigned leads_n)
{
    return (leads_n + XW_DSP_LANE_QUANTUM - 1) / XW_DSP_LANE_QUANTUM * XW_DSP_LANE_QUANTUM;
}

/* Zeroed, aligned; NULL if there is no memory. free() it. For init only. */
static inline void *xw_dsp_calloc(size_t n, size_t bytes)
{
    size_t total = (n * bytes + XW_DSP_ALIGN_BYTES - 1) / XW_DSP_ALIGN_BYTES * XW_DSP_ALIGN_BYTES;
    void *p = aligned_alloc(XW_DSP_ALIGN_BYTES, total ? total : XW_DSP_ALIGN_BYTES);
    if (p)
        memset(p, 0, total);
    return p;
}

#endif
