/* VF features and their hysteresis. */
#include "dsp/ecg/vf.h"
#include "dsp/ecg/tables.h"

#include <math.h>

#define T xw_ecg_tables

void xw_ecg_vf_reset(struct xw_ecg_vf *v)
{
    memset(v, 0, sizeof(*v));
    v->lead[0] = v->lead[1] = -1;
}

float xw_ecg_vf_leakage_limit(const struct xw_ecg_vf *v)
{
    return (T.vf_bias + T.vf_count2 * v->count2) / T.vf_leakage;
}

float xw_ecg_vf_count2_limit(const struct xw_ecg_vf *v)
{
    return (T.vf_leakage * v->leakage - T.vf_bias) / T.vf_count2;
}

/* Two seconds of one lead without its slow part (first-order 1 Hz), the first only to settle. */
static void fetch(const struct xw_ecg_signal *signal, unsigned lead, int64_t end, float *wave)
{
    const float decay = 0.9752F; /* exp(-2 pi 1 Hz / 250 Hz) */
    int64_t first = end - 2 * XW_ECG_ANALYSIS_HZ;
    float last = 0, level = 0;
    for (int i = 0; i < 2 * XW_ECG_ANALYSIS_HZ; i++) {
        int64_t t = first + i > 0 ? first + i : 0;
        float x = xw_ecg_signal_frame(signal, t)[lead];
        level = i ? decay * (level + x - last) : 0;
        last = x;
        wave[i] = level;
    }
}

static float leakage_of(const float *x, float *ret_period)
{
    float size = 0, slope = 0, sum = 0, parts = 0;
    for (int i = 0; i < XW_ECG_ANALYSIS_HZ; i++) {
        size += fabsf(x[i]);
        slope += fabsf(x[i] - x[i - 1]);
    }
    float period = slope > 0 ? 2 * (float)M_PI * size / slope : XW_ECG_ANALYSIS_HZ;
    int half = (int)(period / 2 + 0.5F);
    half = half < 6 ? 6 : half > XW_ECG_ANALYSIS_HZ / 2 ? XW_ECG_ANALYSIS_HZ / 2 : half;
    for (int i = 0; i < XW_ECG_ANALYSIS_HZ; i++) {
        sum += fabsf(x[i] + x[i - half]);
        parts += fabsf(x[i]) + fabsf(x[i - half]);
    }
    *ret_period = period / XW_ECG_ANALYSIS_HZ;
    return parts > 0 ? sum / parts : 1;
}

static float count2_of(const float *x)
{
    float y1 = 0, y2 = 0, size[XW_ECG_ANALYSIS_HZ] = {0}, sum = 0;
    for (int i = -XW_ECG_ANALYSIS_HZ / 4; i < XW_ECG_ANALYSIS_HZ; i++) {
        float y = (14 * y1 - 7 * y2 + (x[i] - x[i - 2]) / 2) / 8;
        y2 = y1;
        y1 = y;
        if (i >= 0) {
            size[i] = fabsf(y);
            sum += size[i];
        }
    }
    int above_n = 0;
    for (int i = 0; i < XW_ECG_ANALYSIS_HZ; i++)
        above_n += size[i] * XW_ECG_ANALYSIS_HZ > sum;
    return (float)above_n / XW_ECG_ANALYSIS_HZ;
}

struct xw_ecg_vf_features xw_ecg_vf_measure(const struct xw_ecg_signal *signal, unsigned lead,
                                            int64_t end)
{
    float wave[2 * XW_ECG_ANALYSIS_HZ];
    struct xw_ecg_vf_features f;
    fetch(signal, lead, end, wave);
    const float *x = wave + XW_ECG_ANALYSIS_HZ;
    f.leakage = leakage_of(x, &f.period_s);
    f.count2 = count2_of(x);
    float low = x[0], high = x[0];
    for (int i = 1; i < XW_ECG_ANALYSIS_HZ; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    f.range_uv = high - low;
    return f;
}

static void choose_leads(uint32_t usable, const float *range_uv, int *lead)
{
    lead[0] = lead[1] = -1;
    for (uint32_t rest = usable; rest; rest &= rest - 1) {
        int c = __builtin_ctz(rest);
        if (lead[0] < 0 || range_uv[c] > range_uv[lead[0]]) {
            lead[1] = lead[0];
            lead[0] = c;
        } else if (lead[1] < 0 || range_uv[c] > range_uv[lead[1]]) {
            lead[1] = c;
        }
    }
}

/* How well the wave repeats itself: tachycardia does, at its own rate; fibrillation does not. */
static void measure_evenness(struct xw_ecg_vf *v, const struct xw_ecg_signal *signal, unsigned lead,
                             int64_t end)
{
    enum { N = XW_ECG_ANALYSIS_HZ, LAG_FIRST = 14, LAG_END = 80 }; /* every other frame */
    float wave[N], last = 0, before_last = 0, lag_last = 0;
    float full[2 * XW_ECG_ANALYSIS_HZ];
    fetch(signal, lead, end, full);
    for (int i = 0; i < N; i++)
        wave[i] = full[2 * i];
    bool fell = false;
    v->evenness = v->cycle_s = 0;
    for (int lag = 1; lag < LAG_END; lag++) {
        float dot = 0, a = 0, b = 0;
        for (int i = lag; i < N; i++) {
            dot += wave[i] * wave[i - lag];
            a += wave[i] * wave[i];
            b += wave[i - lag] * wave[i - lag];
        }
        float r = a > 0 && b > 0 ? dot / sqrtf(a * b) : 0;
        fell |= r < 0;
        if (fell && lag > LAG_FIRST && last > 0.3F && last >= before_last && last >= r) {
            v->evenness = last;
            v->cycle_s = 2 * lag_last / XW_ECG_ANALYSIS_HZ;
            return;
        }
        before_last = last;
        last = r;
        lag_last = (float)lag;
    }
}

static float score_of(float leakage, float count2)
{
    return T.vf_bias + T.vf_count2 * count2 - T.vf_leakage * leakage;
}

static void judge(struct xw_ecg_vf *v)
{
    unsigned n = v->seconds_n < XW_ECG_VF_SECONDS ? v->seconds_n : XW_ECG_VF_SECONDS;
    v->leakage = v->count2 = 0;
    v->range_uv = INFINITY;
    for (unsigned i = 0; i < n; i++) {
        v->leakage += v->second[i].leakage / (float)n;
        v->count2 += v->second[i].count2 / (float)n;
        v->range_uv = fminf(v->range_uv, v->second[i].range_uv);
    }
    v->score = score_of(v->leakage, v->count2);
    const struct xw_ecg_vf_features *last = &v->second[(v->seconds_n - 1) % XW_ECG_VF_SECONDS];
    v->now = last->range_uv >= T.vf_range_uv && score_of(last->leakage, last->count2) > 0;
    bool loud = v->range_uv >= T.vf_range_uv;
    bool positive = loud && v->score > 0;
    v->positive_n = positive ? v->positive_n + 1 : 0;
    v->negative_n = positive || (loud && v->score > -T.vf_hysteresis) ? 0 : v->negative_n + 1;
    v->suspected = v->positive_n > 0 || v->active;
    if (!v->active && n == XW_ECG_VF_SECONDS && v->positive_n >= (unsigned)T.vf_enter_s)
        v->active = true;
    else if (v->active && v->negative_n >= (unsigned)T.vf_leave_s)
        v->active = false;
}

void xw_ecg_vf_second(struct xw_ecg_vf *v, const struct xw_ecg_signal *signal, int64_t end,
                      uint32_t usable, const float *range_uv)
{
    int *lead = v->lead;
    choose_leads(usable, range_uv, lead);
    struct xw_ecg_vf_features mean = {.leakage = 1};
    if (lead[0] >= 0)
        mean = xw_ecg_vf_measure(signal, (unsigned)lead[0], end);
    if (lead[1] >= 0) {
        struct xw_ecg_vf_features other = xw_ecg_vf_measure(signal, (unsigned)lead[1], end);
        mean.leakage = 0.5F * (mean.leakage + other.leakage);
        mean.count2 = 0.5F * (mean.count2 + other.count2);
        mean.period_s = 0.5F * (mean.period_s + other.period_s);
    }
    v->second[v->seconds_n++ % XW_ECG_VF_SECONDS] = mean;
    judge(v);
    if (v->suspected && lead[0] >= 0)
        measure_evenness(v, signal, (unsigned)lead[0], end);
}
