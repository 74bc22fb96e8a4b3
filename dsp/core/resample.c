/* Polyphase resampling over lanes: one coefficient row per phase, multiplied into whole frames. */
#include "dsp/core/resample.h"
#include "dsp/core/quad.h"

#include <errno.h>
#include <math.h>

/* Row p: the filter for an output that lies p/PHASES after input sample `half_n - 1` of the row's
 * 2*half_n inputs. Every row is scaled to unit gain at 0 Hz, so that a steady level stays one. */
static void tabulate(struct xw_dsp_resample *r, double cutoff)
{
    for (unsigned p = 0; p <= XW_DSP_RESAMPLE_PHASES; p++) {
        float *row = r->kernel + (size_t)p * r->taps_n;
        double value[2 * XW_DSP_RESAMPLE_HALF_MAX], sum = 0;
        for (unsigned j = 0; j < r->taps_n; j++) {
            double t = (double)j - (double)(r->half_n - 1) - (double)p / XW_DSP_RESAMPLE_PHASES;
            double window = fabs(t) < r->half_n ? 0.5 + 0.5 * cos(M_PI * t / r->half_n) : 0;
            double x = 2 * M_PI * cutoff * t;
            value[j] = window * (fabs(x) < 1e-9 ? 1 : sin(x) / x);
            sum += value[j];
        }
        for (unsigned j = 0; j < r->taps_n; j++)
            row[j] = (float)(value[j] / sum);
    }
}

static void look_ahead(struct xw_dsp_resample *r)
{
    uint64_t position = (uint64_t)r->out_k * r->step_num;
    uint64_t phase =
        (position % r->step_den * XW_DSP_RESAMPLE_PHASES + r->step_den / 2) / r->step_den;
    r->consumed_n = xw_dsp_resample_consumed(r, r->out_k);
    r->row = r->kernel + (size_t)phase * r->taps_n;
}

int xw_dsp_resample_init(struct xw_dsp_resample *r, unsigned lanes, uint32_t in_num,
                         uint32_t in_den, uint32_t out_hz, double cutoff_hz, unsigned half_n)
{
    if (!lanes || lanes > XW_DSP_LANES_MAX || !in_num || !in_den || !out_hz || half_n < 1 ||
        half_n > XW_DSP_RESAMPLE_HALF_MAX || !(cutoff_hz > 0))
        return -EINVAL;
    memset(r, 0, sizeof(*r));
    r->lanes = lanes;
    r->half_n = half_n;
    r->taps_n = 2 * half_n;
    r->step_num = in_num;
    r->step_den = (uint64_t)in_den * out_hz;
    r->ring_n = r->taps_n;
    r->kernel = xw_dsp_calloc((size_t)(XW_DSP_RESAMPLE_PHASES + 1) * r->taps_n, sizeof(float));
    r->ring = xw_dsp_calloc(2 * (size_t)r->ring_n * lanes, sizeof(float));
    if (!r->kernel || !r->ring) {
        xw_dsp_resample_done(r);
        return -ENOMEM;
    }
    tabulate(r, cutoff_hz * in_den / in_num);
    look_ahead(r);
    return 0;
}

void xw_dsp_resample_done(struct xw_dsp_resample *r)
{
    free(r->kernel);
    free(r->ring);
    memset(r, 0, sizeof(*r));
}

void xw_dsp_resample_reset(struct xw_dsp_resample *r)
{
    r->out_k = 0;
    r->in_n = 0;
    r->at = 0;
    look_ahead(r);
    memset(r->ring, 0, 2 * (size_t)r->ring_n * r->lanes * sizeof(float));
}

/* The first frame fills the whole history: a recording that starts off zero starts without a step.
 */
static void remember(struct xw_dsp_resample *r, const float *frame)
{
    unsigned from = r->at, to = from + 1;
    if (r->in_n == 0) {
        from = 0;
        to = r->ring_n;
    }
    for (unsigned i = from; i < to; i++) {
        xw_quad_copy_frame(r->ring + (size_t)i * r->lanes, frame, r->lanes);
        xw_quad_copy_frame(r->ring + (size_t)(i + r->ring_n) * r->lanes, frame, r->lanes);
    }
    r->at = r->at + 1 < r->ring_n ? r->at + 1 : 0;
    r->in_n++;
}

static void weigh(const struct xw_dsp_resample *r, const float *restrict row,
                  const float *restrict frames, float *restrict out)
{
    for (unsigned c = 0; c < r->lanes; c += XW_DSP_LANE_QUANTUM) {
        xw_quad sum = {0};
        for (unsigned j = 0; j < r->taps_n; j++)
            sum += xw_quad_all(row[j]) * xw_quad_load(frames + (size_t)j * r->lanes + c);
        xw_quad_store(out + c, sum);
    }
}

unsigned xw_dsp_resample_push(struct xw_dsp_resample *r, const float *frame, float *out)
{
    unsigned made_n = 0;
    remember(r, frame);
    while (r->consumed_n <= r->in_n) {
        const float *frames = r->ring + (size_t)r->at * r->lanes;
        weigh(r, r->row, frames, out + (size_t)made_n * r->lanes);
        made_n++;
        r->out_k++;
        look_ahead(r);
    }
    return made_n;
}
