/* Polyphase resampler of many lanes at once, any rate in, one fixed rate out.
 *
 * A windowed-sinc low pass (Hann) is tabulated at 1/256 of an input sample; output k lies exactly
 * at input time k * rate_in / rate_out (integer arithmetic, no drift ever), its phase is rounded to
 * the table, which is an error of at most 1/512 of an input sample. Life: init, process, reset,
 * delay, done. Only init allocates (-ENOMEM, -EINVAL). Linear phase: an output is known once
 * `delay` more input samples have come. */
#ifndef XW_DSP_CORE_RESAMPLE_H
#define XW_DSP_CORE_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

enum { XW_DSP_RESAMPLE_PHASES = 256, XW_DSP_RESAMPLE_HALF_MAX = 24 };

struct xw_dsp_resample {
    unsigned lanes, half_n, taps_n;
    uint64_t step_num, step_den; /* input samples per output sample */
    int64_t out_k;               /* next output */
    int64_t in_n;                /* inputs seen */
    float *kernel;               /* PHASES + 1 rows of taps_n */
    float *ring;                 /* history, ring_n frames twice over */
    unsigned ring_n, at;         /* at: where the next input goes */
    /* Of the next output: inputs that must have been consumed, and its row. */
    int64_t consumed_n;
    const float *row;
};

/* rates in Hz as fractions; cutoff_hz: -6 dB point; half_n: input samples on each side. */
int xw_dsp_resample_init(struct xw_dsp_resample *r, unsigned lanes, uint32_t in_num,
                         uint32_t in_den, uint32_t out_hz, double cutoff_hz, unsigned half_n)
    __attribute__((warn_unused_result));
void xw_dsp_resample_done(struct xw_dsp_resample *r);
void xw_dsp_resample_reset(struct xw_dsp_resample *r);

/* Takes one frame in; returns the number of frames (0..2 or more when the rate goes up) that
 * became known and wrote them to out (room for out_max frames, at least 1 + rate_out / rate_in). */
unsigned xw_dsp_resample_push(struct xw_dsp_resample *r, const float *frame, float *out);

/* Input samples that must follow an output's instant before it is known. */
static inline unsigned xw_dsp_resample_delay(const struct xw_dsp_resample *r)
{
    return r->half_n;
}

/* Input instant (samples since reset) of output k, in units of 1 / step_den. */
static inline double xw_dsp_resample_input_time(const struct xw_dsp_resample *r, double k)
{
    return k * (double)r->step_num / (double)r->step_den;
}

/* The number of inputs that must have been consumed for output k to be known. */
static inline int64_t xw_dsp_resample_consumed(const struct xw_dsp_resample *r, int64_t k)
{
    return (int64_t)((uint64_t)k * r->step_num / r->step_den) + (int64_t)r->half_n + 1;
}

#endif
