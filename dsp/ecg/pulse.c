/* Slope sum and its threshold. */
#include "dsp/ecg/pulse.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const double SMOOTH_S = 0.06, SPAN_S = 0.13, REFRACTORY_S = 0.28, PEAK_S = 0.15, LAG_S = 1,
                    DUMB_S = 60;
static const float SHARE = 0.5F, NORMAL = 0.5F, AGAIN_BPM = 150;
enum { LEARNED_N = 8, AGAIN_N = 30 };

int xw_ecg_pulse_init(struct xw_ecg_pulse *p, double rate_hz, double ecg_rate_hz)
{
    if (!(rate_hz >= 20 && rate_hz <= 1000 && ecg_rate_hz > 0))
        return -EINVAL;
    p->rate_hz = rate_hz;
    p->step = ecg_rate_hz / rate_hz;
    p->smooth_n = (unsigned)fmax(1, round(SMOOTH_S * rate_hz));
    p->span_n = (unsigned)fmax(2, round(SPAN_S * rate_hz));
    xw_ecg_pulse_reset(p);
    return 0;
}

static void forget(struct xw_ecg_pulse *p)
{
    p->n = 0;
    p->smooth_sum = p->rise_sum = 0;
    p->last = p->peak = 0;
    p->refractory_n = p->until_peak_n = p->second_n = 0;
    memset(p->raw, 0, sizeof(p->raw));
    memset(p->rise, 0, sizeof(p->rise));
}

void xw_ecg_pulse_reset(struct xw_ecg_pulse *p)
{
    forget(p);
    xw_dsp_median_init(&p->usual, 15);
    xw_dsp_median_init(&p->starting, 5);
    p->pulses_n = 0;
    p->dumb_n = 0;
    p->needed_n = LEARNED_N;
    p->crossed_at = 0;
    p->valid_since = INT64_MAX;
    p->newest_at = INT64_MIN;
}

/* The sum of rises with one more sample. */
static float slope_sum(struct xw_ecg_pulse *p, float x)
{
    unsigned slot = (unsigned)(p->n % XW_ECG_PULSE_SPAN_MAX);
    unsigned leaving = (slot + XW_ECG_PULSE_SPAN_MAX - p->smooth_n) % XW_ECG_PULSE_SPAN_MAX;
    p->smooth_sum += (double)x - (p->n >= p->smooth_n ? (double)p->raw[leaving] : 0);
    p->raw[slot] = x;
    float smooth = (float)(p->smooth_sum / p->smooth_n);
    float rise = p->n > p->smooth_n && smooth > p->last ? smooth - p->last : 0;
    p->last = smooth;
    leaving = (slot + XW_ECG_PULSE_SPAN_MAX - p->span_n) % XW_ECG_PULSE_SPAN_MAX;
    p->rise_sum += (double)rise - (p->n >= p->span_n ? (double)p->rise[leaving] : 0);
    p->rise[slot] = rise;
    p->n++;
    return (float)fmax(p->rise_sum, 0);
}

/* Until eight pulses are known: a share of the middle of the largest sums of seconds. */
static float usual_of(const struct xw_ecg_pulse *p)
{
    return p->pulses_n >= LEARNED_N ? xw_dsp_median_value(&p->usual)
                                    : xw_dsp_median_value(&p->starting);
}

static void each_second(struct xw_ecg_pulse *p)
{
    xw_dsp_median_push(&p->starting, p->peak);
    /* Sizes that changed for good: the usual follows, but not to silence. */
    float usual = usual_of(p), middle = xw_dsp_median_value(&p->starting);
    if (p->pulses_n >= LEARNED_N && middle > 0.12F * usual && middle < SHARE * usual)
        xw_dsp_median_push(&p->usual, middle);
    p->peak = 0;
}

/* What was usual is so no more, and was so for long: learned anew from what there is, with less
 * haste to be believed. */
static void learn_anew(struct xw_ecg_pulse *p)
{
    xw_dsp_median_init(&p->usual, 15);
    p->pulses_n = 0;
    p->dumb_n = 0;
    p->needed_n = AGAIN_N;
}

void xw_ecg_pulse_push(struct xw_ecg_pulse *p, float x, int64_t at, bool valid)
{
    if (!valid || !isfinite(x)) {
        if (p->n)
            forget(p);
        p->valid_since = INT64_MAX;
        return;
    }
    if (p->valid_since == INT64_MAX)
        p->valid_since = at;
    p->newest_at = at;
    float sum = slope_sum(p, x), usual = usual_of(p);
    p->peak = fmaxf(p->peak, sum);
    if (++p->second_n >= (unsigned)p->rate_hz) {
        p->second_n = 0;
        each_second(p);
    }
    if (++p->dumb_n > (unsigned)(DUMB_S * p->rate_hz) && p->pulses_n >= LEARNED_N)
        learn_anew(p);
    if (p->refractory_n)
        p->refractory_n--;
    if (p->until_peak_n) {
        unsigned slot = (unsigned)((p->pulses_n - 1) % XW_ECG_PULSE_RING);
        p->pulse[slot].size = fmaxf(p->pulse[slot].size, usual > 0 ? sum / usual : 0);
        if (--p->until_peak_n == 0)
            xw_dsp_median_push(&p->usual, fminf(p->pulse[slot].size, 3) * usual);
        return;
    }
    if (usual <= 0 || sum < SHARE * usual || p->refractory_n || !p->starting.used_n)
        return;
    unsigned slot = (unsigned)(p->pulses_n++ % XW_ECG_PULSE_RING);
    p->dumb_n = 0;
    p->pulse[slot].at = at;
    p->pulse[slot].size = sum / usual;
    p->refractory_n = (unsigned)(REFRACTORY_S * p->rate_hz);
    p->until_peak_n = (unsigned)fmax(1, PEAK_S * p->rate_hz);
}

struct xw_ecg_pulse_train xw_ecg_pulse_train(const struct xw_ecg_pulse *p, int64_t first,
                                             int64_t end, double ecg_rate_hz)
{
    struct xw_ecg_pulse_train t = {.uneven = 1, .size = INFINITY};
    uint64_t kept = p->pulses_n < XW_ECG_PULSE_RING ? p->pulses_n : XW_ECG_PULSE_RING;
    double before = 0, sum = 0, difference = 0;
    int64_t last = first;
    for (uint64_t i = p->pulses_n - kept; i < p->pulses_n; i++) {
        int64_t at = p->pulse[i % XW_ECG_PULSE_RING].at;
        float size = p->pulse[i % XW_ECG_PULSE_RING].size;
        if (at <= first || at > end || size < NORMAL)
            continue;
        double interval = (double)(at - last) / ecg_rate_hz;
        t.longest_s = fmaxf(t.longest_s, (float)interval);
        if (t.pulses_n) {
            sum += interval;
            difference += before > 0 ? fabs(interval - before) : 0;
            before = interval;
        }
        t.size = fminf(t.size, size);
        t.pulses_n++;
        last = at;
    }
    t.longest_s = fmaxf(t.longest_s, (float)((double)(end - last) / ecg_rate_hz));
    if (t.pulses_n >= 2 && sum > 0)
        t.rate_bpm = (float)(60 * (t.pulses_n - 1) / sum);
    if (t.pulses_n >= 3 && sum > 0)
        t.uneven = (float)(difference / sum * (t.pulses_n - 1) / (t.pulses_n - 2));
    t.seen = p->valid_since <= first && p->pulses_n >= p->needed_n &&
             (double)(end - p->newest_at) <= LAG_S * ecg_rate_hz;
    /* Noise that was learned passes as soon as it may: no pulse that is learned anew is so fast. */
    if (p->needed_n > LEARNED_N && t.rate_bpm > AGAIN_BPM)
        t.seen = false;
    return t;
}
