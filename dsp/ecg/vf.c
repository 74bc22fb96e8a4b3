/* VF features and their hysteresis. */
#include "dsp/ecg/vf.h"
#include "dsp/ecg/tables.h"
#include "dsp/train/tables.h"

#include <math.h>
#include <string.h>

#define T xw_ecg_tables

enum { SECOND = XW_ECG_ANALYSIS_HZ };

int xw_ecg_vf_init(struct xw_ecg_vf *v)
{
    v->table = &xw_vf_table;
    xw_ecg_vf_reset(v);
    return xw_ecg_wave_init(&v->wave);
}

void xw_ecg_vf_done(struct xw_ecg_vf *v)
{
    xw_ecg_wave_done(&v->wave);
}

void xw_ecg_vf_reset(struct xw_ecg_vf *v)
{
    memset(v->second, 0, sizeof(v->second));
    memset(v->features, 0, sizeof(v->features));
    v->seconds_n = v->left_s = 0;
    v->weight = v->since_s = 0;
    v->sum = -T.vf_limit;
    v->active = v->suspected = v->now = false;
    v->leakage = v->count2 = v->range_uv = v->evenness = v->cycle_s = 0;
    v->lead[0] = v->lead[1] = -1;
}

/* How much of the second is left when it is shifted by half its period and added. size, slope: of
 * the second. */
static float leakage_of(const xw_quad *x, unsigned lane, float size, float slope,
                        float *ret_period_s)
{
    float sum = 0, parts = 0;
    float period = slope > 0 ? 2 * (float)M_PI * size / slope : SECOND;
    int half = (int)(period / 2 + 0.5F);
    half = half < 6 ? 6 : half > SECOND / 2 ? SECOND / 2 : half;
    for (int i = 0; i < SECOND; i++) {
        float now = x[i][lane], then = x[i - half][lane];
        sum += fabsf(now + then);
        parts += fabsf(now) + fabsf(then);
    }
    *ret_period_s = period / SECOND;
    return parts > 0 ? sum / parts : 1;
}

/* Share of the second in which the band around 14 Hz is larger than its mean. */
static xw_quad count2_of(const xw_quad *x)
{
    xw_quad y1 = {0}, y2 = {0}, size[SECOND] = {{0}}, sum = {0}, above_n = {0};
    for (int i = -SECOND / 4; i < SECOND; i++) {
        xw_quad y =
            (xw_quad_all(14) * y1 - xw_quad_all(7) * y2 + (x[i] - x[i - 2]) * xw_quad_all(0.5F)) *
            xw_quad_all(0.125F);
        y2 = y1;
        y1 = y;
        if (i >= 0) {
            size[i] = xw_quad_abs(y);
            sum += size[i];
        }
    }
    for (int i = 0; i < SECOND; i++)
        above_n +=
            xw_quad_select(size[i] * xw_quad_all(SECOND) > sum, xw_quad_all(1), (xw_quad){0});
    return above_n / xw_quad_all(SECOND);
}

/* Features of one or two leads over the second that ends at frame `end`. */
static void measure(const struct xw_ecg_signal *signal, const unsigned *lead, unsigned leads_n,
                    int64_t end, struct xw_ecg_vf_features *ret)
{
    const unsigned both[2] = {lead[0], lead[leads_n - 1]};
    xw_quad settled[2 * SECOND], size = {0}, slope = {0};
    xw_ecg_wave_fetch(signal, both, end, 2 * SECOND, settled);
    const xw_quad *x = settled + SECOND;
    xw_quad low = x[0], high = x[0], count2 = count2_of(x);
    for (int i = 0; i < SECOND; i++) {
        size += xw_quad_abs(x[i]);
        slope += xw_quad_abs(x[i] - x[i - 1]);
        low = xw_quad_min(x[i], low);
        high = xw_quad_max(x[i], high);
    }
    for (unsigned k = 0; k < leads_n; k++) {
        ret[k].leakage = leakage_of(x, k, size[k], slope[k], &ret[k].period_s);
        ret[k].count2 = count2[k];
        ret[k].range_uv = high[k] - low[k];
    }
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
    xw_quad full[2 * SECOND];
    xw_ecg_wave_fetch(signal, (const unsigned[]){lead, lead}, end, 2 * SECOND, full);
    for (int i = 0; i < N; i++)
        wave[i] = full[2 * i][0];
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

/* Does one second alone look like it? Only to name beats soon after the end. */
static bool looks_now(const struct xw_ecg_vf_features *last)
{
    return last->range_uv >= T.vf_range_uv &&
           T.vf_bias + T.vf_count2 * last->count2 - T.vf_leakage * last->leakage > 0;
}

static void average(struct xw_ecg_vf *v)
{
    unsigned n = v->seconds_n < XW_ECG_VF_SECONDS ? v->seconds_n : XW_ECG_VF_SECONDS;
    v->leakage = v->count2 = 0;
    v->range_uv = INFINITY;
    for (unsigned i = 0; i < n; i++) {
        v->leakage += v->second[i].leakage / (float)n;
        v->count2 += v->second[i].count2 / (float)n;
        v->range_uv = fminf(v->range_uv, v->second[i].range_uv);
    }
    v->now = looks_now(&v->second[(v->seconds_n - 1) % XW_ECG_VF_SECONDS]);
}

/* The figures behind those of the wave. */
static void put_beats(float *features, float leakage, float count2,
                      const struct xw_ecg_vf_beats *beats)
{
    float *more = features + XW_ECG_WAVE_FIGURES;
    more[0] = leakage;
    more[1] = count2;
    more[2] = (float)beats->beats_n;
    more[3] = beats->match;
    more[4] = beats->uneven;
    more[5] = beats->match * (float)beats->beats_n;
    /* A train of beats of one kind, even, and no faster than a heart may be. */
    float order = beats->match * beats->match * (1 - fminf(2 * beats->uneven, 1));
    more[6] = beats->rate_bpm > 0 ? order * fmaxf(0, fminf((160 - beats->rate_bpm) / 40, 1)) : 0;
}

static void gather(struct xw_ecg_vf *v, const struct xw_ecg_signal *signal, int64_t end,
                   const struct xw_ecg_vf_beats *beats)
{
    float figures[2][XW_ECG_WAVE_FIGURES];
    unsigned lead[2], leads_n = 0;
    memset(v->features, 0, sizeof(v->features));
    for (int k = 0; k < 2; k++)
        if (v->lead[k] >= 0)
            lead[leads_n++] = (unsigned)v->lead[k];
    if (leads_n)
        xw_ecg_wave_measure(&v->wave, signal, lead, leads_n, end, figures);
    for (unsigned k = 0; k < leads_n; k++)
        for (unsigned i = 0; i < XW_ECG_WAVE_FIGURES; i++)
            v->features[i] += figures[k][i] / (float)leads_n;
    put_beats(v->features, v->leakage, v->count2, beats);
}

/* A plain wave slower than any rhythm that a shock would be for: broad beats without a rest. */
static bool is_slow_wave(const struct xw_ecg_vf *v)
{
    return v->features[XW_ECG_WAVE_LN_PEAK_HZ] < logf(T.vf_slow_hz) &&
           v->features[XW_ECG_WAVE_PEAK_SHARE] > T.vf_slow_share;
}

/* What the table says. Before it has begun the waves alone are asked too, as if no beat were known:
 * small even humps of fibrillation are taken for beats of a shape, and must not hide it. */
static float weigh(const struct xw_ecg_vf *v)
{
    const struct xw_ecg_vf_beats none = {.beats_n = 0};
    float logit = xw_dsp_net_logit(v->table, v->features), alone[XW_ECG_VF_FEATURES];
    if (v->active || v->range_uv >= T.vf_alone_uv)
        return logit;
    memcpy(alone, v->features, sizeof(alone));
    put_beats(alone, v->leakage, v->count2, &none);
    return fmaxf(logit, xw_dsp_net_logit(v->table, alone) - T.vf_alone);
}

/* A heart that beats fast leaves no rest between its waves either: beats that are the patient's
 * own, one like the other, speak for themselves. */
static void judge(struct xw_ecg_vf *v, const struct xw_ecg_vf_beats *beats)
{
    const float most = 3; /* no second may say more */
    bool seen =
        v->lead[0] >= 0 && v->seconds_n >= XW_ECG_VF_SECONDS && v->range_uv >= T.vf_range_uv;
    v->weight = seen ? weigh(v) - T.vf_caution : -most;
    v->weight = fminf(fmaxf(v->weight, -most),
                      is_slow_wave(v) || (beats->ordinary && !v->active) ? -1 : most);
    v->sum += v->active ? -v->weight : v->weight;
    v->left_s++;
    if (v->sum <= -T.vf_limit) {
        v->sum = -T.vf_limit;
        v->left_s = 0;
    } else if (v->sum >= (v->active ? T.vf_limit : T.vf_open)) {
        v->sum = -T.vf_limit;
        v->active = !v->active;
        /* A window's middle is what it tells of. */
        v->since_s = (float)v->left_s - 1 + 0.5F * XW_ECG_VF_SECONDS;
        v->left_s = 0;
    }
    v->suspected = v->active || v->weight > 0;
}

void xw_ecg_vf_second(struct xw_ecg_vf *v, const struct xw_ecg_signal *signal, int64_t end,
                      uint32_t usable, const float *range_uv, const struct xw_ecg_vf_beats *beats)
{
    int *lead = v->lead;
    choose_leads(usable, range_uv, lead);
    struct xw_ecg_vf_features mean = {.leakage = 1}, of[2];
    unsigned chosen[2], leads_n = 0;
    for (int k = 0; k < 2; k++)
        if (lead[k] >= 0)
            chosen[leads_n++] = (unsigned)lead[k];
    if (leads_n) {
        measure(signal, chosen, leads_n, end, of);
        mean = of[0];
    }
    if (leads_n == 2) {
        mean.leakage = 0.5F * (mean.leakage + of[1].leakage);
        mean.count2 = 0.5F * (mean.count2 + of[1].count2);
        mean.period_s = 0.5F * (mean.period_s + of[1].period_s);
    }
    v->second[v->seconds_n++ % XW_ECG_VF_SECONDS] = mean;
    average(v);
    gather(v, signal, end, beats);
    judge(v, beats);
    if (v->suspected && lead[0] >= 0)
        measure_evenness(v, signal, (unsigned)lead[0], end);
}
