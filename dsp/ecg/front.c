/* Counts to analysis signal, one raw frame at a time. */
#include "dsp/ecg/front.h"

#include <math.h>

static const double BASELINE_HZ = 0.05, CUTOFF_HZ = 70, HALF_S = 0.010;
/* No ECG lies beyond this for long; there the numbers that converters give for "no value" are meant
 * so, declared or not. */
static const float REASON_UV = 5e6F, SENTINEL_UV = 2e4F;

static int init_filters(struct xw_ecg_front *f, const struct xw_ecg_config *config)
{
    int error = xw_ecg_mains_init(&f->mains, f->leads_n, f->rate_hz, config->mains_hz);
    if (error)
        return error;
    xw_ecg_blank_init(&f->blank, f->leads_n, f->rate_hz, f->decay, &f->mains);
    unsigned half_n = (unsigned)lround(HALF_S * f->rate_hz);
    half_n = half_n < 2 ? 2 : half_n;
    return xw_dsp_resample_init(&f->resample, f->lanes, config->rate_num, config->rate_den,
                                XW_ECG_ANALYSIS_HZ, fmin(CUTOFF_HZ, 0.45 * f->rate_hz), half_n);
}

int xw_ecg_front_init(struct xw_ecg_front *f, const struct xw_ecg_config *config)
{
    memset(f, 0, sizeof(*f));
    f->leads_n = config->channels_n;
    f->lanes = xw_dsp_lanes(f->leads_n);
    f->rate_hz = (double)config->rate_num / config->rate_den;
    f->decay = (float)exp(-2 * M_PI * BASELINE_HZ / f->rate_hz);
    for (unsigned c = 0; c < f->leads_n; c++) {
        const struct xw_ecg_channel *channel = &config->channels[c];
        f->scale_uv[c] = 1000 / channel->gain_counts_per_mv;
        f->offset_uv[c] = -channel->baseline_counts * f->scale_uv[c];
        f->invalid[c] = channel->has_invalid ? channel->invalid_counts : INT32_MIN;
        f->low[c] = channel->has_limits && channel->min_counts < INT32_MAX ? channel->min_counts + 1
                                                                           : INT32_MIN + 1;
        f->high[c] = channel->has_limits && channel->max_counts > INT32_MIN
                         ? channel->max_counts - 1
                         : INT32_MAX - 1;
    }
    int error = init_filters(f, config);
    if (error) {
        xw_ecg_front_done(f);
        return error;
    }
    f->feel_n = xw_ecg_front_delay(f) * 2 + 2;
    xw_ecg_front_reset(f);
    return 0;
}

void xw_ecg_front_done(struct xw_ecg_front *f)
{
    xw_ecg_mains_done(&f->mains);
    xw_dsp_resample_done(&f->resample);
}

void xw_ecg_front_reset(struct xw_ecg_front *f)
{
    xw_ecg_blank_reset(&f->blank);
    xw_ecg_mains_reset(&f->mains);
    xw_dsp_resample_reset(&f->resample);
    memset(f->last, 0, sizeof(f->last));
    memset(f->level, 0, sizeof(f->level));
    memset(f->bad_left, 0, sizeof(f->bad_left));
    f->any_bad = 0;
    f->in_n = 0;
    for (unsigned c = 0; c < f->leads_n; c++)
        f->fresh[c] = true;
}

static bool is_sentinel(int32_t x, float uv)
{
    return fabsf(uv) > SENTINEL_UV && (x == INT16_MIN || x == 8388607 || x == -8388608);
}

/* Returns the leads whose value cannot be used; rail: those that have one, but beyond the
 * converter's range. */
static uint32_t convert(struct xw_ecg_front *f, const int32_t *x, float *uv, uint32_t *ret_rail)
{
    uint32_t bad = f->lead_off, rail = 0;
    for (unsigned c = 0; c < f->leads_n; c++) {
        float value = (float)((double)x[c] * f->scale_uv[c] + f->offset_uv[c]);
        bool none =
            x[c] == f->invalid[c] || !(fabsf(value) < REASON_UV) || is_sentinel(x[c], value);
        bool over = x[c] < f->low[c] || x[c] > f->high[c];
        bad |= (uint32_t)(none || over) << c;
        rail |= (uint32_t)(over && !none) << c;
        uv[c] = value;
    }
    *ret_rail = rail & ~f->lead_off;
    return bad;
}

/* Rare path: bad values are replaced, their leads marked. */
static void mend(struct xw_ecg_front *f, uint32_t bad, float *uv)
{
    f->any_bad |= bad;
    for (uint32_t rest = f->any_bad; rest; rest &= rest - 1) {
        unsigned c = (unsigned)__builtin_ctz(rest);
        if (bad >> c & 1) {
            f->bad_left[c] = f->feel_n;
            f->bad_values_n++;
            f->fresh[c] = true;
            uv[c] = f->last[c];
            continue;
        }
        if (f->fresh[c])
            f->last[c] = uv[c];
        f->fresh[c] = false;
        if (--f->bad_left[c] == 0)
            f->any_bad &= ~(1U << c);
    }
}

static unsigned finish(struct xw_ecg_front *f, const float *uv, struct xw_ecg_signal *signal)
{
    float flat[XW_DSP_LANES_MAX], clean[XW_DSP_LANES_MAX];
    float made[XW_ECG_FRONT_OUT_MAX * XW_DSP_LANES_MAX];
    for (unsigned c = 0; c < f->lanes; c += XW_DSP_LANE_QUANTUM) {
        xw_quad now = xw_quad_load(uv + c), step = now - xw_quad_load(f->last + c);
        xw_quad level = xw_quad_all(f->decay) * (xw_quad_load(f->level + c) + step);
        xw_quad_store(f->level + c, level);
        xw_quad_store(f->last + c, now);
        xw_quad_store(flat + c, level);
    }
    xw_ecg_blank_keep(&f->blank, uv, flat);
    xw_ecg_mains_process(&f->mains, flat, clean);
    unsigned made_n = xw_dsp_resample_push(&f->resample, clean, made);
    for (unsigned i = 0; i < made_n; i++)
        xw_ecg_signal_push(signal, made + (size_t)i * f->lanes, f->any_bad);
    f->in_n++;
    return made_n;
}

unsigned xw_ecg_front_push(struct xw_ecg_front *f, const int32_t *x, struct xw_ecg_signal *signal)
{
    float uv[XW_DSP_LANES_MAX] = {0};
    uint32_t rail, bad = convert(f, x, uv, &rail);
    bad &= ~xw_ecg_blank_push(&f->blank, &f->mains, uv, bad, rail, f->last, f->level);
    if (f->in_n == 0)
        for (unsigned c = 0; c < f->leads_n; c++)
            if (!(bad >> c & 1)) {
                f->last[c] = uv[c];
                f->fresh[c] = false;
            }
    if (bad | f->any_bad)
        mend(f, bad, uv);
    return finish(f, uv, signal);
}

unsigned xw_ecg_front_hold(struct xw_ecg_front *f, struct xw_ecg_signal *signal)
{
    float uv[XW_DSP_LANES_MAX];
    memcpy(uv, f->last, sizeof(uv));
    return finish(f, uv, signal);
}

double xw_ecg_front_raw_time(const struct xw_ecg_front *f, double t)
{
    return xw_dsp_resample_input_time(&f->resample, t) - xw_ecg_mains_delay(&f->mains);
}

int64_t xw_ecg_front_consumed(const struct xw_ecg_front *f, int64_t t)
{
    return xw_dsp_resample_consumed(&f->resample, t);
}

unsigned xw_ecg_front_delay(const struct xw_ecg_front *f)
{
    return xw_ecg_mains_delay(&f->mains) + xw_dsp_resample_delay(&f->resample);
}
