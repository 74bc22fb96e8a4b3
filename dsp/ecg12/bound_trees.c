/* The combination of candidates: what is looked at, and the trees that answer. */
#include "dsp/ecg12/internal.h"

#include <stddef.h>

/* Samples between the points at which the lead is looked at around the common boundary. */
static const int STEP[XW12_BOUNDS] = {5, 5, 3, 3, 8, 8};
/* Likewise around the answer of the first round, and how far the largest values are looked for. */
static const int NEAR_STEP[XW12_BOUNDS] = {3, 3, 2, 2, 4, 4},
                 NEAR_REACH[XW12_BOUNDS] = {60, 60, 60, 60, 80, 80};

static int held(int i, int n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* Shape around the reference: the lead, its slope, the slopes of all leads; each of its own height.
 * Returns the lead's height there, µV. */
static float shape(const struct xw12_view *v, unsigned lead, enum xw12_bound kind, int centre,
                   float *out)
{
    bool qrs = kind == XW12_QRS_ON || kind == XW12_QRS_OFF;
    const float *x = xw12_row(qrs ? v->fine : v->slow, v, lead);
    const float *d = xw12_row(qrs ? v->dfine : v->dslow, v, lead), *g = qrs ? v->g : v->gs;
    float low = INFINITY, high = -INFINITY, steep = 1e-6f, common = 1e-6f;
    for (int s = 0; s < XW12_POINTS; s++) {
        int i = held(centre + (s - XW12_POINTS / 2) * STEP[kind], v->n);
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
        steep = fabsf(d[i]) > steep ? fabsf(d[i]) : steep;
        common = g[i] > common ? g[i] : common;
    }
    float height = high - low > 1 ? high - low : 1, level = x[held(centre, v->n)];
    for (int s = 0; s < XW12_POINTS; s++) {
        int i = held(centre + (s - XW12_POINTS / 2) * STEP[kind], v->n);
        *out++ = (x[i] - level) / height;
        *out++ = d[i] / steep;
        *out++ = g[i] / common;
    }
    return height;
}

/* Height of the lead's QRS, peak to peak. */
static float qrs_height(const struct xw12_view *v, unsigned lead, const struct xw12_beat *b)
{
    const float *x = xw12_row(v->fine, v, lead);
    int from = held((int)b->global[XW12_QRS_ON], v->n),
        to = held((int)b->global[XW12_QRS_OFF], v->n);
    float low = x[from], high = x[from];
    for (int i = from; i <= to; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    return high - low;
}

float xw12_bound_look(const struct xw_ecg12 *e, const struct xw12_view *v,
                      const struct xw12_beat *beats, int i, int n, unsigned lead,
                      enum xw12_bound kind, float out[XW12_LOOK_NEAR])
{
    const struct xw12_beat *b = &beats[i];
    const float *f = e->features.value[i][lead];
    float reference = f[XW12_OWN + 1];
    int times = XW12_FEATURES - XW12_EXTRAS;
    bool qrs = kind == XW12_QRS_ON || kind == XW12_QRS_OFF;
    float *at = out;
    for (int k = 0; k < times; k++)
        *at++ = f[k] - reference;
    *at++ = f[times];
    *at++ = f[times + 1];
    *at++ = f[times + 2] - reference;
    *at++ = f[times + 3];
    *at++ = f[times + 4];
    *at++ = (float)e->rr_n;
    *at++ = b->global[XW12_QRS_ON] - reference;
    *at++ = b->global[XW12_QRS_OFF] - reference;
    *at++ = b->global[XW12_QRS_OFF] - b->global[XW12_QRS_ON];
    *at++ = !qrs && b->has_p ? b->p_peak - reference : -500;
    *at++ = !qrs && b->has_t ? b->t_peak - reference : 500;
    *at++ = (float)b->r - reference;
    *at++ = (float)(i + 1 < n ? beats[i + 1].r : b->r + e->rr_n) - reference;
    *at++ = (float)e->lead[lead];
    *at++ = b->match;
    *at++ = qrs_height(v, lead, b);
    *at = shape(v, lead, kind, (int)lrintf(reference), at + 1);
    return reference;
}

void xw12_bound_look_near(const struct xw12_view *v, unsigned lead, enum xw12_bound kind,
                          float reference, float answer, float out[XW12_LOOK_NEAR])
{
    bool qrs = kind == XW12_QRS_ON || kind == XW12_QRS_OFF;
    const float *x = xw12_row(qrs ? v->fine : v->slow, v, lead);
    const float *d = xw12_row(qrs ? v->dfine : v->dslow, v, lead), *g = qrs ? v->g : v->gs;
    int centre = (int)lrintf(reference + answer);
    float low = INFINITY, high = -INFINITY, steep = 1e-6f, common = 1e-6f;
    int from = held(centre - NEAR_REACH[kind], v->n), to = held(centre + NEAR_REACH[kind], v->n);
    for (int i = from; i <= to; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
        steep = fabsf(d[i]) > steep ? fabsf(d[i]) : steep;
        common = g[i] > common ? g[i] : common;
    }
    float height = high - low > 1 ? high - low : 1, level = x[held(centre, v->n)];
    out += XW12_LOOK;
    *out++ = answer;
    for (int s = 0; s < XW12_NEAR; s++) {
        int i = held(centre + (s - XW12_NEAR / 2) * NEAR_STEP[kind], v->n);
        *out++ = (x[i] - level) / height;
        *out++ = fabsf(d[i]) / steep;
        *out++ = g[i] / common;
    }
}

float xw12_bound_ask(const struct xw12_bound_round *round, const float *x)
{
    int32_t sum = 0;
    for (int t = 0; t < XW12_TREES; t++) {
        const struct xw12_bound_tree *tree = &round->tree[t];
        unsigned leaf = 0;
        for (unsigned k = 0; k < XW12_TREE_DEPTH; k++)
            leaf |= (unsigned)(x[tree->feature[k]] > tree->limit[k]) << k;
        sum += tree->leaf[leaf];
    }
    return round->bias + 0.001f * (float)sum;
}
