/* Convolutions, pooling, dense layers. The inner loops run over outputs, each of which has its own
 * sum: they vectorise without a change of order. */
#include "dsp/net12/kernel.h"

#include <math.h>

static const char *complete_conv(struct xw_net12_conv *conv, unsigned in_n, unsigned from_t)
{
    if (conv->out_n < 1 || conv->out_n > XW_NET12_CHANNELS_MAX)
        return "channels of a convolution: 1 to 64";
    if (conv->width < 1 || conv->width > XW_NET12_WIDTH_MAX || conv->width % 2 == 0)
        return "width of a convolution: 1 to 31, odd";
    if (conv->stride < 1 || conv->stride > XW_NET12_STRIDE_MAX)
        return "stride of a convolution: 1 to 4";
    conv->in_n = in_n;
    conv->from_t = from_t;
    conv->to_t = (from_t + conv->stride - 1) / conv->stride;
    return NULL;
}

const char *xw_net12_shape_complete(struct xw_net12_shape *s)
{
    if (s->convs_n > XW_NET12_CONVS_MAX)
        return "convolutions: 0 to 4";
    if (s->hidden_n > XW_NET12_HIDDEN_MAX)
        return "hidden units: 0 to 64";
    if ((s->convs_n == 0) != (s->hidden_n == 0))
        return "hidden units and convolutions: both or none";
    unsigned in_n = XW_NET12_LEADS, t = XW_NET12_BEAT_N, weights_n = 0, work_n = 0;
    for (unsigned k = 0; k < s->convs_n; k++) {
        struct xw_net12_conv *conv = &s->conv[k];
        const char *wrong = complete_conv(conv, in_n, t);
        if (wrong)
            return wrong;
        conv->weights_at = weights_n;
        conv->out_at = work_n;
        weights_n += (conv->width * in_n + 1) * conv->out_n;
        work_n += conv->to_t * conv->out_n;
        in_n = conv->out_n;
        t = conv->to_t;
    }
    if (s->hidden_n &&
        (s->segments_n < 1 || s->segments_n > XW_NET12_SEGMENTS_MAX || s->segments_n > t))
        return "segments: 1 to 30, at most the samples left";
    if (!s->hidden_n && s->segments_n)
        return "segments without hidden units";
    s->pooled_n = s->segments_n * in_n;
    s->hidden_inputs_n = s->hidden_n ? s->pooled_n + XW_NET12_GLOBALS : 0;
    s->hidden_at = weights_n;
    s->out_at = s->hidden_at + (s->hidden_n ? (s->hidden_inputs_n + 1) * s->hidden_n : 0);
    s->direct_at = s->out_at + s->hidden_n * XW_NET12_CLASSES;
    s->bias_at = s->direct_at + XW_NET12_FIGURES * XW_NET12_CLASSES;
    s->weights_n = s->bias_at + XW_NET12_CLASSES;
    s->pooled_at = work_n;
    s->units_at = s->pooled_at + s->pooled_n;
    s->work_n = s->units_at + s->hidden_n;
    return NULL;
}

static inline void add_scaled(float *sum, float x, const float *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        sum[i] += x * w[i];
}

static inline float leaky(float x)
{
    return x > 0 ? x : XW_NET12_LEAK * x;
}

/* Zeroes beyond both ends. */
static void convolve(const struct xw_net12_conv *c, const float *w, const float *x, float *y)
{
    const float *bias = w + (size_t)c->width * c->in_n * c->out_n;
    int half = (int)c->width / 2;
    for (unsigned t = 0; t < c->to_t; t++, y += c->out_n) {
        for (unsigned o = 0; o < c->out_n; o++)
            y[o] = bias[o];
        int from = (int)(t * c->stride) - half;
        for (int k = 0; k < (int)c->width; k++) {
            if (from + k < 0 || from + k >= (int)c->from_t)
                continue;
            const float *row = x + (size_t)(from + k) * c->in_n;
            const float *taps = w + (size_t)k * c->in_n * c->out_n;
            for (unsigned i = 0; i < c->in_n; i++)
                add_scaled(y, row[i], taps + (size_t)i * c->out_n, c->out_n);
        }
        for (unsigned o = 0; o < c->out_n; o++)
            y[o] = leaky(y[o]);
    }
}

static void pool(const float *x, unsigned length, unsigned channels_n, unsigned segments_n,
                 float *y)
{
    for (unsigned s = 0, t = 0; s < segments_n; s++, y += channels_n) {
        unsigned begin = t, end = xw_net12_segment_end(s, segments_n, length);
        for (unsigned c = 0; c < channels_n; c++)
            y[c] = 0;
        for (; t < end; t++)
            add_scaled(y, 1, x + (size_t)t * channels_n, channels_n);
        for (unsigned c = 0; c < channels_n; c++)
            y[c] *= 1 / (float)(end - begin);
    }
}

void xw_net12_forward(const struct xw_net12_shape *s, const float *weights, const float *beat,
                      const float *z, float *work, float ret_logits[XW_NET12_CLASSES])
{
    const float *x = beat;
    for (unsigned k = 0; k < s->convs_n; k++) {
        float *y = work + s->conv[k].out_at;
        convolve(&s->conv[k], weights + s->conv[k].weights_at, x, y);
        x = y;
    }
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++)
        ret_logits[c] = weights[s->bias_at + c];
    for (unsigned f = 0; f < XW_NET12_FIGURES; f++)
        add_scaled(ret_logits, z[f], weights + s->direct_at + (size_t)f * XW_NET12_CLASSES,
                   XW_NET12_CLASSES);
    if (!s->hidden_n)
        return;
    const struct xw_net12_conv *last = &s->conv[s->convs_n - 1];
    pool(x, last->to_t, last->out_n, s->segments_n, work + s->pooled_at);
    const float *w = weights + s->hidden_at;
    float *units = work + s->units_at;
    for (unsigned h = 0; h < s->hidden_n; h++)
        units[h] = w[(size_t)s->hidden_inputs_n * s->hidden_n + h];
    for (unsigned i = 0; i < s->hidden_inputs_n; i++)
        add_scaled(units, i < s->pooled_n ? work[s->pooled_at + i] : z[i - s->pooled_n],
                   w + (size_t)i * s->hidden_n, s->hidden_n);
    for (unsigned h = 0; h < s->hidden_n; h++) {
        units[h] = leaky(units[h]);
        add_scaled(ret_logits, units[h], weights + s->out_at + (size_t)h * XW_NET12_CLASSES,
                   XW_NET12_CLASSES);
    }
}

void xw_net12_scale(const float *figures, const float *mean, const float *scale, float *ret_z)
{
    for (unsigned f = 0; f < XW_NET12_FIGURES; f++) {
        float z = (figures[f] - mean[f]) * scale[f];
        z = z > XW_NET12_REACH ? XW_NET12_REACH : z < -XW_NET12_REACH ? -XW_NET12_REACH : z;
        ret_z[f] = isfinite(z) ? z : 0;
    }
}
