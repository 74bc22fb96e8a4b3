/* Back through the layers of dsp/net12/kernel.c. */
#include "dsp/train/twelve/learn.h"

#include <math.h>
#include <string.h>

static inline void add_scaled(float *sum, float x, const float *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        sum[i] += x * w[i];
}

static inline float slope_of(float unit)
{
    return unit > 0 ? 1 : XW_NET12_LEAK;
}

void xw_twelve_turn(const struct xw_net12_shape *s, const float *weights, float *turned)
{
    for (unsigned l = 0; l < s->convs_n; l++) {
        const struct xw_net12_conv *c = &s->conv[l];
        for (unsigned k = 0; k < c->width; k++)
            for (unsigned i = 0; i < c->in_n; i++)
                for (unsigned o = 0; o < c->out_n; o++)
                    turned[c->weights_at + (k * c->out_n + o) * c->in_n + i] =
                        weights[c->weights_at + (k * c->in_n + i) * c->out_n + o];
    }
}

/* dy: slopes behind the layer, before its units bent. dx: NULL for the first. */
static void back_conv(const struct xw_net12_conv *c, const float *turned, const float *x,
                      const float *dy, float *dx, float *gradient)
{
    int half = (int)c->width / 2;
    float *bias = gradient + (size_t)c->width * c->in_n * c->out_n;
    for (unsigned t = 0; t < c->to_t; t++, dy += c->out_n) {
        add_scaled(bias, 1, dy, c->out_n);
        int from = (int)(t * c->stride) - half;
        for (int k = 0; k < (int)c->width; k++) {
            if (from + k < 0 || from + k >= (int)c->from_t)
                continue;
            size_t row = (size_t)(from + k) * c->in_n, taps = (size_t)k * c->in_n * c->out_n;
            for (unsigned i = 0; i < c->in_n; i++)
                add_scaled(gradient + taps + (size_t)i * c->out_n, x[row + i], dy, c->out_n);
            for (unsigned o = 0; dx && o < c->out_n; o++)
                add_scaled(dx + row, dy[o], turned + taps + (size_t)o * c->in_n, c->in_n);
        }
    }
}

static void bend(const float *units, float *slopes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        slopes[i] *= slope_of(units[i]);
}

static void back_trunk(const struct xw_net12_shape *s, const float *turned, const float *beat,
                       const float *work, float *back, float *gradient)
{
    const struct xw_net12_conv *last = &s->conv[s->convs_n - 1];
    for (unsigned g = 0, t = 0; g < s->segments_n; g++) {
        unsigned begin = t, end = xw_net12_segment_end(g, s->segments_n, last->to_t);
        for (; t < end; t++)
            add_scaled(back + last->out_at + (size_t)t * last->out_n, 1 / (float)(end - begin),
                       back + s->pooled_at + (size_t)g * last->out_n, last->out_n);
    }
    for (unsigned k = s->convs_n; k-- > 0;) {
        const struct xw_net12_conv *c = &s->conv[k];
        bend(work + c->out_at, back + c->out_at, (size_t)c->to_t * c->out_n);
        back_conv(c, turned + c->weights_at, k ? work + s->conv[k - 1].out_at : beat,
                  back + c->out_at, k ? back + s->conv[k - 1].out_at : NULL,
                  gradient + c->weights_at);
    }
}

static void back_hidden(const struct xw_net12_shape *s, const float *weights, const float *beat,
                        const float *turned, const float *z, const float *error, const float *work,
                        float *back, float *gradient)
{
    float *units = back + s->units_at;
    for (unsigned h = 0; h < s->hidden_n; h++) {
        const float *out = weights + s->out_at + (size_t)h * XW_NET12_CLASSES;
        for (unsigned c = 0; c < XW_NET12_CLASSES; c++)
            units[h] += out[c] * error[c];
        add_scaled(gradient + s->out_at + (size_t)h * XW_NET12_CLASSES, work[s->units_at + h],
                   error, XW_NET12_CLASSES);
    }
    bend(work + s->units_at, units, s->hidden_n);
    for (unsigned i = 0; i < s->hidden_inputs_n; i++) {
        size_t at = s->hidden_at + (size_t)i * s->hidden_n;
        bool pooled = i < s->pooled_n;
        add_scaled(gradient + at, pooled ? work[s->pooled_at + i] : z[i - s->pooled_n], units,
                   s->hidden_n);
        for (unsigned h = 0; pooled && h < s->hidden_n; h++)
            back[s->pooled_at + i] += weights[at + h] * units[h];
    }
    add_scaled(gradient + s->hidden_at + (size_t)s->hidden_inputs_n * s->hidden_n, 1, units,
               s->hidden_n);
    back_trunk(s, turned, beat, work, back, gradient);
}

double xw_twelve_gradient(const struct xw_net12_shape *s, const float *weights, const float *turned,
                          const float *beat, const float *z, const struct xw_twelve_case *truth,
                          float *work, float *back, float *gradient)
{
    float logits[XW_NET12_CLASSES], error[XW_NET12_CLASSES];
    double loss = 0;
    xw_net12_forward(s, weights, beat, z, work, logits);
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++) {
        double p = 1 / (1 + exp(-(double)logits[c]));
        error[c] = truth->known[c] ? (float)(p - truth->target[c]) : 0;
        if (truth->known[c])
            loss -= log(fmax(truth->target[c] ? p : 1 - p, 1e-12));
    }
    add_scaled(gradient + s->bias_at, 1, error, XW_NET12_CLASSES);
    for (unsigned f = 0; f < XW_NET12_FIGURES; f++)
        add_scaled(gradient + s->direct_at + (size_t)f * XW_NET12_CLASSES, z[f], error,
                   XW_NET12_CLASSES);
    if (s->hidden_n) {
        memset(back, 0, sizeof(*back) * s->work_n);
        back_hidden(s, weights, beat, turned, z, error, work, back, gradient);
    }
    return loss;
}
