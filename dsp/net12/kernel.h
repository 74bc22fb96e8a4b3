/* The forward pass of one member, shared by xw_net12_judge and by the trainer, so that what is
 * trained is what is run. Pure; all memory is the caller's. Sums run in the order of the source.
 * Arrays are time by channel: x[t * channels + c]. Weights, one after the other:
 *   each convolution  w[width][in][out], bias[out]
 *   hidden layer      w[pooled + globals][hidden], bias[hidden]
 *   outputs           w[hidden][classes], direct[figures][classes], bias[classes]
 * hidden_n = 0: the linear part alone (a logistic regression); there are no convolutions then. */
#ifndef XW_DSP_NET12_KERNEL_H
#define XW_DSP_NET12_KERNEL_H

#include "dsp/net12/net12.h"

enum {
    XW_NET12_CONVS_MAX = 4,
    XW_NET12_CHANNELS_MAX = 64,
    XW_NET12_WIDTH_MAX = 31,
    XW_NET12_STRIDE_MAX = 4,
    XW_NET12_SEGMENTS_MAX = 30,
    XW_NET12_HIDDEN_MAX = 64,
    XW_NET12_REACH = 4, /* figures are held within so many deviations */
};

#define XW_NET12_LEAK 0.1F /* slope of a unit below 0 */

struct xw_net12_conv {
    unsigned in_n, out_n, width, stride; /* channels; samples */
    unsigned from_t, to_t;               /* length before and after */
    unsigned weights_at, out_at;         /* in weights, in work */
};

struct xw_net12_shape {
    unsigned convs_n, segments_n, hidden_n;
    struct xw_net12_conv conv[XW_NET12_CONVS_MAX];
    /* from here on made by xw_net12_shape_complete */
    unsigned pooled_n, hidden_inputs_n;
    unsigned hidden_at, out_at, direct_at, bias_at; /* in weights */
    unsigned weights_n;
    unsigned pooled_at, units_at, work_n; /* in work */
};

/* Fills in what follows from the first three members and each convolution's out_n, width and
 * stride; NULL, or what is wrong. */
const char *xw_net12_shape_complete(struct xw_net12_shape *shape);

/* Where segment s of n ends, of `length` samples. */
static inline unsigned xw_net12_segment_end(unsigned s, unsigned n, unsigned length)
{
    return (s + 1) * length / n;
}

/* z: scaled figures. work: work_n floats; afterwards the units of every layer. */
void xw_net12_forward(const struct xw_net12_shape *shape, const float *weights, const float *beat,
                      const float *z, float *work, float ret_logits[XW_NET12_CLASSES]);

/* z = (x - mean) * scale within ±XW_NET12_REACH; 0 for what is not known. */
void xw_net12_scale(const float *figures, const float *mean, const float *scale, float *ret_z);

#endif
