/* Scorers of another kind than trees.h: one layer of soft steps over all features. Trees ask where
 * a limit is crossed, a net adds up tendencies; the two err differently, and the blend of both log
 * odds is what labels a beat. Made by dsp/train; constant. Pure functions. */
#ifndef XW_DSP_ECG_NET_H
#define XW_DSP_ECG_NET_H

#include "dsp/core/quad.h"
#include "dsp/ecg/trees.h"

#include <math.h>

enum { XW_ECG_NET_UNITS = 48, XW_ECG_NET_INPUTS = 64 };

struct xw_ecg_net {
    uint32_t inputs_n; /* features; those that it may not ask have scale 0 */
    float out_bias;    /* log odds */
    float share;       /* of the net in the blend with the trees */
    float middle[XW_ECG_NET_INPUTS], scale[XW_ECG_NET_INPUTS];
    float bias[XW_ECG_NET_UNITS], out[XW_ECG_NET_UNITS];
    float weight[XW_ECG_NET_INPUTS][XW_ECG_NET_UNITS];
};

/* A feature as the net takes it. */
static inline float xw_ecg_net_input(const struct xw_ecg_net *m, const float *x, uint32_t i)
{
    return xw_min(xw_max((x[i] - m->middle[i]) * m->scale[i], -3), 3);
}

/* Log odds. */
static inline float xw_ecg_net_score(const struct xw_ecg_net *m, const float *x)
{
    enum { FOUR = XW_DSP_LANE_QUANTUM, QUADS = XW_ECG_NET_UNITS / FOUR };
    xw_quad unit[QUADS];
    float sum = m->out_bias;
    for (unsigned k = 0; k < QUADS; k++)
        unit[k] = xw_quad_load(m->bias + (size_t)FOUR * k);
    for (uint32_t i = 0; i < m->inputs_n; i++) {
        xw_quad own = xw_quad_all(xw_ecg_net_input(m, x, i));
        for (unsigned k = 0; k < QUADS; k++)
            unit[k] += own * xw_quad_load(m->weight[i] + (size_t)FOUR * k);
    }
    for (unsigned k = 0; k < QUADS; k++) {
        xw_quad said = xw_quad_load(m->out + (size_t)FOUR * k) * unit[k] /
                       (xw_quad_all(1) + xw_quad_abs(unit[k]));
        for (unsigned i = 0; i < FOUR; i++)
            sum += said[i];
    }
    return sum;
}

/* Log odds by both. */
static inline float xw_ecg_blend(const struct xw_ecg_trees *trees, const struct xw_ecg_net *net,
                                 const float *x)
{
    return (1 - net->share) * xw_ecg_trees_score(trees, x) + net->share * xw_ecg_net_score(net, x);
}

/* As the trees of the same names. */
extern const struct xw_ecg_net xw_ecg_net_v_final, xw_ecg_net_s_final;
extern const struct xw_ecg_net xw_ecg_net_v_later, xw_ecg_net_s_later;

#endif
