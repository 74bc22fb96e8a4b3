/* Per-lead quality and the episodes made of it. */
#include "dsp/ecg/quality.h"
#include "dsp/ecg/tables.h"

#include <math.h>

#define T xw_ecg_tables

/* QRS band: impulse response of a two-pole band pass at 11 Hz, 16 Hz wide: delay 5 frames (20 ms)
 * at its centre. Noise band: linear-phase high pass at 40 Hz, nine taps: delay 4 frames (16 ms). */
void xw_ecg_quality_kernels(float kernels[XW_ECG_BANDS][XW_ECG_KERNEL_TAPS],
                            float delay_n[XW_ECG_BANDS])
{
    double centre = 2 * M_PI * 11 / XW_ECG_ANALYSIS_HZ, radius = exp(-M_PI * 16 / 250);
    double a1 = 2 * radius * cos(centre), a2 = -radius * radius, y1 = 0, y2 = 0, sum = 0;
    memset(kernels, 0, sizeof(float) * XW_ECG_BANDS * XW_ECG_KERNEL_TAPS);
    for (int i = 0; i < XW_ECG_KERNEL_TAPS; i++) {
        double x = i == 0 ? 1 : i == 2 ? -1 : 0;
        double y = x + a1 * y1 + a2 * y2;
        y2 = y1;
        y1 = y;
        kernels[XW_ECG_BAND_QRS][i] = (float)(y * (1 - radius));
        sum += (double)kernels[XW_ECG_BAND_QRS][i];
    }
    for (int i = 0; i < XW_ECG_KERNEL_TAPS; i++) /* the cut tail must not leave gain at 0 Hz */
        kernels[XW_ECG_BAND_QRS][i] -= (float)(sum / XW_ECG_KERNEL_TAPS);
    double low[9], low_sum = 0;
    for (int i = 0; i < 9; i++) {
        double t = i - 4, x = 2 * M_PI * 40 / XW_ECG_ANALYSIS_HZ * t;
        low[i] = (t == 0 ? 1 : sin(x) / x) * (0.54 + 0.46 * cos(M_PI * t / 4.5));
        low_sum += low[i];
    }
    for (int i = 0; i < 9; i++)
        kernels[XW_ECG_BAND_NOISE][i] = (float)((i == 4 ? 1 : 0) - low[i] / low_sum);
    delay_n[XW_ECG_BAND_QRS] = 5;
    delay_n[XW_ECG_BAND_NOISE] = 4;
}

static void start_second(struct xw_ecg_quality *q)
{
    q->frames_n = 0;
    for (unsigned c = 0; c < XW_DSP_LANES_MAX; c++) {
        q->low[c] = INFINITY;
        q->high[c] = -INFINITY;
        q->qrs_sq[c] = q->noise_sq[c] = 0;
        q->bad_n[c] = 0;
    }
}

void xw_ecg_quality_init(struct xw_ecg_quality *q, unsigned leads_n, unsigned lanes)
{
    memset(q, 0, sizeof(*q));
    q->leads_n = leads_n;
    q->lanes = lanes;
    xw_ecg_quality_reset(q);
}

void xw_ecg_quality_reset(struct xw_ecg_quality *q)
{
    unsigned leads_n = q->leads_n, lanes = q->lanes;
    memset(q, 0, sizeof(*q));
    q->leads_n = leads_n;
    q->lanes = lanes;
    q->usable = q->settled = (1U << leads_n) - 1;
    for (unsigned c = 0; c < leads_n; c++)
        q->sqi[c] = 1;
    start_second(q);
}

/* Whether these frames alone show noise on more than half of the leads. */
static bool is_rough(const struct xw_ecg_quality *q, const float *noise_before, unsigned hop_n)
{
    unsigned n = 0;
    for (unsigned c = 0; c < q->leads_n; c++)
        n += sqrtf((q->noise_sq[c] - noise_before[c]) / (float)hop_n) > T.noise_rough_uv;
    return 2 * n > q->leads_n;
}

static void add_band(struct xw_ecg_quality *q, struct xw_dsp_bank *bank, unsigned band,
                     unsigned hop_n, float *sum)
{
    xw_dsp_bank_select(bank, band);
    for (unsigned c = 0; c < q->leads_n; c++) {
        const float *y = xw_dsp_bank_lead(bank, c);
        for (unsigned i = 0; i < hop_n; i++)
            sum[c] += y[i] * y[i];
    }
}

void xw_ecg_quality_hop(struct xw_ecg_quality *q, const struct xw_ecg_signal *signal,
                        struct xw_dsp_bank *bank, int64_t first, unsigned hop_n)
{
    const float *x = xw_ecg_signal_frame(signal, first);
    for (unsigned i = 0; i < hop_n; i++, x += q->lanes) {
        for (unsigned c = 0; c < q->lanes; c++) {
            q->low[c] = x[c] < q->low[c] ? x[c] : q->low[c];
            q->high[c] = x[c] > q->high[c] ? x[c] : q->high[c];
        }
        uint32_t rest = signal->bad[xw_ecg_signal_at(first + i)];
        for (; rest; rest &= rest - 1)
            q->bad_n[__builtin_ctz(rest)]++;
    }
    add_band(q, bank, XW_ECG_BAND_QRS, hop_n, q->qrs_sq);
    float before[XW_DSP_LANES_MAX];
    memcpy(before, q->noise_sq, sizeof(before));
    add_band(q, bank, XW_ECG_BAND_NOISE, hop_n, q->noise_sq);
    q->rough = is_rough(q, before, hop_n);
    q->frames_n += hop_n;
}

static float soft(float x, float good, float poor)
{
    float share = (poor - x) / (poor - good);
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

/* Soft terms are averaged: multiplied they condemn what only looks unusual. */
static float quality_of(const struct xw_ecg_quality *q, const struct xw_ecg_detect *d, unsigned c)
{
    float qrs = sqrtf(q->qrs_sq[c] / (float)q->frames_n);
    float noise = q->noise_uv[c], level = d->level[c];
    float snr = d->noise[c].used_n ? level / fmaxf(xw_dsp_median_value(&d->noise[c]), 10) : 4;
    return (soft(noise, 0.05F * level, 0.4F * level) + soft(noise, 0.5F * qrs, 3 * qrs + 1) +
            soft(q->range_uv[c], 3000, 10000) + soft(-snr, -3, -1)) /
           4;
}

static bool others_move(const struct xw_ecg_quality *q, unsigned me)
{
    for (unsigned c = 0; c < q->leads_n; c++)
        if (c != me && q->bad_n[c] == 0 && q->range_uv[c] > T.quality_moving_uv)
            return true;
    return false;
}

enum { SETTLE_S = 6, FRESH_S = 3 };
static const float HUM = 3; /* what a free wire picks up, over what is still no movement */

/* Nearly all leads lost their electrodes, and since then (it takes a moment to see it) nothing
 * moved on this one: it was lost with them, though it shows no rail. One on which beats were seen
 * while the others were off is believed when it falls silent. */
static bool is_lost_with_others(const struct xw_ecg_quality *q, unsigned c)
{
    return q->mostly_off && q->moved_s[c] <= q->mostly_off_s + 2;
}

static void judge_majority(struct xw_ecg_quality *q)
{
    unsigned off_n = 0;
    for (unsigned c = 0; c < q->leads_n; c++) {
        off_n += 2 * q->bad_n[c] >= q->frames_n || (q->off >> c & 1);
        if (q->range_uv[c] > HUM * T.quality_moving_uv)
            q->moved_s[c] = q->seconds_n;
    }
    bool mostly = q->leads_n > 2 && 3 * off_n >= 2 * q->leads_n;
    if (mostly && !q->mostly_off)
        q->mostly_off_s = q->seconds_n;
    q->mostly_off = mostly;
}

static void judge_lead(struct xw_ecg_quality *q, const struct xw_ecg_detect *d, unsigned c)
{
    uint32_t bit = 1U << c;
    bool flat = (q->range_uv[c] < T.quality_flat_uv && others_move(q, c)) ||
                (q->range_uv[c] < HUM * T.quality_moving_uv && is_lost_with_others(q, c));
    q->flat_s[c] = flat ? q->flat_s[c] + 1 : 0;
    bool off = 2 * q->bad_n[c] >= q->frames_n || q->flat_s[c] >= 2;
    q->off = off ? q->off | bit : q->off & ~bit;
    q->settling_s[c] = off ? SETTLE_S : q->settling_s[c] - (q->settling_s[c] > 0);
    q->settled = q->settling_s[c] ? q->settled & ~bit : q->settled | bit;
    q->sqi[c] = off ? 0 : quality_of(q, d, c);
    /* The level may itself have been learned from noise: it excuses no more than a QRS would. */
    float level = fminf(d->level[c], T.quality_level_uv);
    float limit = fmaxf(T.quality_noise_uv, T.quality_noise_share * level);
    bool noisy = q->noise_uv[c] > limit || q->range_uv[c] > T.quality_range_uv;
    bool plain = q->noise_uv[c] > 1.4F * limit;
    q->noise_limit_uv[c] = limit;
    q->noisy_s[c] = noisy ? q->noisy_s[c] + 1 : 0;
    q->calm_s[c] = noisy ? 0 : q->calm_s[c] + 1;
    if (q->noisy_s[c] >= 2 || plain)
        q->noisy |= bit;
    if (q->calm_s[c] >= 3 || off)
        q->noisy &= ~bit;
}

/* Of the leads of an artefact the worst. */
static struct xw_ecg_evidence worst_noise(const struct xw_ecg_quality *q)
{
    struct xw_ecg_evidence worst = {.id = XW_ECG_VALUE_NOISE_UV};
    for (unsigned c = 0; c < q->leads_n; c++)
        if (q->noisy >> c & 1 &&
            q->noise_uv[c] * worst.limit >= worst.measured * q->noise_limit_uv[c]) {
            worst.measured = q->noise_uv[c];
            worst.limit = q->noise_limit_uv[c];
        }
    return worst;
}

/* An episode whose leads change ends, and one with the new leads begins. */
static void follow(struct xw_ecg_emit *emit, struct xw_ecg_episode *p, uint32_t mask,
                   enum xw_ecg_kind kind, enum xw_ecg_code code, const char *rule, int64_t first,
                   const struct xw_ecg_evidence *why)
{
    enum xw_ecg_priority priority =
        kind == XW_ECG_KIND_QUALITY ? emit->rules->cannot_see_priority : XW_ECG_PRIORITY_TECHNICAL;
    if ((p->open ? p->event.lead_mask : 0) == mask)
        return;
    xw_ecg_episode_close(emit, p, first);
    if (!mask)
        return;
    struct xw_ecg_event event = xw_ecg_emit_draft(emit, kind, code, rule, 1);
    event.first = first;
    event.priority = priority;
    event.lead_mask = mask;
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_LEADS_N, (float)__builtin_popcount(mask), 0);
    if (why)
        xw_ecg_emit_evidence(&event, why->id, why->measured, why->limit);
    xw_ecg_episode_open(emit, p, &event);
}

static void say_quality(const struct xw_ecg_quality *q, struct xw_ecg_emit *emit)
{
    struct xw_ecg_event event =
        xw_ecg_emit_draft(emit, XW_ECG_KIND_MEASURE, XW_ECG_MEASURE_SQI, "sqi", 1);
    event.lead_mask = (1U << q->leads_n) - 1;
    memcpy(event.lead_value, q->sqi, q->leads_n * sizeof(float));
    xw_ecg_emit_new(emit, &event);
}

void xw_ecg_quality_second(struct xw_ecg_quality *q, const struct xw_ecg_detect *detect,
                           struct xw_ecg_emit *emit, int64_t raw_first)
{
    for (unsigned c = 0; c < q->leads_n; c++) {
        q->range_uv[c] = q->high[c] - q->low[c];
        q->noise_uv[c] = sqrtf(q->noise_sq[c] / (float)q->frames_n);
    }
    judge_majority(q);
    for (unsigned c = 0; c < q->leads_n; c++)
        judge_lead(q, detect, c);
    uint32_t all = (1U << q->leads_n) - 1;
    q->usable = all & ~q->off & ~q->noisy;
    q->cannot_see = q->usable == 0;
    unsigned fresh_n = 0;
    for (unsigned c = 0; c < q->leads_n; c++)
        fresh_n += q->noisy_s[c] >= 1 && q->noisy_s[c] <= FRESH_S;
    q->upset = 2 * fresh_n > q->leads_n;
    follow(emit, &q->lead_off, q->off, XW_ECG_KIND_LEAD_OFF, XW_ECG_QUALITY_LEAD_OFF, "lead-off",
           raw_first, NULL);
    struct xw_ecg_evidence why = worst_noise(q);
    follow(emit, &q->noise, q->noisy, XW_ECG_KIND_NOISE, XW_ECG_QUALITY_NOISE, "noise", raw_first,
           &why);
    follow(emit, &q->blind, q->cannot_see ? all : 0, XW_ECG_KIND_QUALITY, XW_ECG_QUALITY_CANNOT_SEE,
           "cannot-see", raw_first, NULL);
    if (q->seconds_n++ % 10 == 9)
        say_quality(q, emit);
    start_second(q);
}

uint32_t xw_ecg_quality_loud(const struct xw_ecg_quality *q)
{
    uint32_t loud = 0;
    for (unsigned c = 0; c < q->leads_n; c++)
        loud |= (uint32_t)(q->noisy >> c & 1 && q->noise_uv[c] > T.noise_loud_uv) << c;
    return q->cannot_see ? 0 : loud;
}

void xw_ecg_quality_close(struct xw_ecg_quality *q, struct xw_ecg_emit *emit, int64_t end)
{
    xw_ecg_episode_close(emit, &q->lead_off, end);
    xw_ecg_episode_close(emit, &q->noise, end);
    xw_ecg_episode_close(emit, &q->blind, end);
}
