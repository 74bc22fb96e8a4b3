/* QRS detector, first half: humps of each lead, their fusion, candidates. */
#include "dsp/ecg/detect.h"
#include "dsp/core/quad.h"
#include "dsp/ecg/detect_judge.h"
#include "dsp/ecg/tables.h"

#include <math.h>

enum { STEP_REACH = 21, STEP_MEAN = 8, STEP_JUMP = 6 };

/* Kernels are scaled so that a biphasic QRS of 1 mV peak to peak makes a hump of about 1 mV. */
static void make_kernels(struct xw_ecg_detect *d)
{
    double s1 = (double)xw_ecg_tables.qrs_sigma_odd_s * XW_ECG_ANALYSIS_HZ;
    double s2 = (double)xw_ecg_tables.qrs_sigma_even_s * XW_ECG_ANALYSIS_HZ;
    double odd_sum = 0, even_sum = 0, norm1 = 0, norm2 = 0, mean = 0, value[64];
    for (int k = 1; k <= XW_ECG_DETECT_HALF; k++)
        odd_sum += 2 * k * exp(-k * k / (2 * s1 * s1)) / s1;
    for (int k = -XW_ECG_DETECT_HALF; k <= XW_ECG_DETECT_HALF; k++) {
        double r = k * k / (s2 * s2);
        value[k + XW_ECG_DETECT_HALF] = (1 - r) * exp(-r / 2);
        mean += value[k + XW_ECG_DETECT_HALF] / (2 * XW_ECG_DETECT_HALF + 1);
    }
    for (int k = 0; k <= XW_ECG_DETECT_HALF; k++) { /* no gain at 0 Hz at all */
        d->odd[k] = (float)(k * exp(-k * k / (2 * s1 * s1)) / s1 / odd_sum * 2);
        d->even[k] = (float)(value[k + XW_ECG_DETECT_HALF] - mean);
        norm1 += 2 * (double)d->odd[k] * (double)d->odd[k];
        norm2 += (k ? 2 : 1) * (double)d->even[k] * (double)d->even[k];
        even_sum += fabs((double)d->even[k]);
    }
    float match = even_sum > 0 ? (float)sqrt(norm1 / norm2) : 0; /* equal noise power */
    for (int k = 0; k <= XW_ECG_DETECT_HALF; k++)
        d->even[k] *= match;
}

int xw_ecg_detect_init(struct xw_ecg_detect *d, const struct xw_ecg_signal *signal)
{
    memset(d, 0, sizeof(*d));
    d->signal = signal;
    d->lanes = signal->lanes;
    d->leads_n = signal->leads_n;
    d->hump = xw_dsp_calloc((size_t)XW_ECG_DETECT_RING * d->lanes, sizeof(float));
    d->fused = xw_dsp_calloc(XW_ECG_DETECT_RING, sizeof(float));
    int error = xw_ecg_template_init(&d->shapes, d->leads_n, XW_ECG_TEMPLATE_SLOPE_MAX);
    if (!error)
        error = xw_ecg_template_init(&d->waves, d->leads_n, 0);
    for (unsigned i = 0; i < 2 && !error; i++) {
        error = xw_ecg_template_init(&d->kept[i].shapes, d->leads_n, XW_ECG_TEMPLATE_SLOPE_MAX);
        if (!error)
            error = xw_ecg_template_init(&d->kept[i].waves, d->leads_n, 0);
    }
    if (!d->hump || !d->fused || error) {
        xw_ecg_detect_done(d);
        return -ENOMEM;
    }
    make_kernels(d);
    for (unsigned c = 0; c < d->leads_n; c++) {
        xw_dsp_median_init(&d->peak[c], 8);
        xw_dsp_median_init(&d->noise[c], 8);
    }
    xw_dsp_median_init(&d->q_peak, 8);
    xw_dsp_median_init(&d->q_noise, 12);
    xw_dsp_median_init(&d->q_strange, 12);
    xw_dsp_median_init(&d->rr, 8);
    xw_ecg_detect_reset(d);
    return 0;
}

void xw_ecg_detect_done(struct xw_ecg_detect *d)
{
    free(d->hump);
    free(d->fused);
    xw_ecg_template_done(&d->shapes);
    xw_ecg_template_done(&d->waves);
    for (unsigned i = 0; i < 2; i++) {
        xw_ecg_template_done(&d->kept[i].shapes);
        xw_ecg_template_done(&d->kept[i].waves);
    }
    d->hump = NULL;
    d->fused = NULL;
}

void xw_ecg_detect_resume(struct xw_ecg_detect *d)
{
    d->hump_n = d->step_n = 0;
    memset(d->hump, 0, (size_t)XW_ECG_DETECT_RING * d->lanes * sizeof(float));
    memset(d->fused, 0, XW_ECG_DETECT_RING * sizeof(float));
    memset(d->second_max, 0, sizeof(d->second_max));
    d->seconds_n = 0;
    d->noise_since = d->strange_since = 0;
    d->candidates_n = d->judged_n = 0;
    memset(&d->last, 0, sizeof(d->last));
    d->last.t = -1;
    d->provisional_t = INT64_MIN / 2;
    d->rebuilt_t = 0;
    d->louder_n = 0;
    d->denials = 0;
    d->denials_t = 0;
    d->out_n = 0;
    d->silent = 0;
    d->clear_s = d->blind_s = 0;
    d->loud = 0;
    for (unsigned c = 0; c < XW_DSP_LANES_MAX; c++)
        d->alive_t[c] = -1;
}

void xw_ecg_detect_reset(struct xw_ecg_detect *d)
{
    xw_ecg_detect_resume(d);
    d->started = false;
    for (unsigned c = 0; c < d->leads_n; c++) {
        xw_dsp_median_reset(&d->peak[c]);
        xw_dsp_median_reset(&d->noise[c]);
    }
    xw_ecg_template_reset(&d->shapes);
    xw_ecg_template_reset(&d->waves);
    xw_dsp_median_reset(&d->q_peak);
    xw_dsp_median_reset(&d->q_noise);
    xw_dsp_median_reset(&d->q_strange);
    xw_dsp_median_reset(&d->rr);
    memset(d->after, 0, sizeof(d->after));
    d->after_n = 0;
    d->kept_n = 0;
}

static void make_hump(const struct xw_ecg_detect *d, const float *restrict centre,
                      float *restrict hump)
{
    unsigned lanes = d->lanes;
    for (unsigned c = 0; c < lanes; c += XW_DSP_LANE_QUANTUM) {
        const float *before = centre + c, *after = centre + c;
        xw_quad odd = {0}, even = xw_quad_all(d->even[0]) * xw_quad_load(centre + c);
        for (unsigned k = 1; k <= XW_ECG_DETECT_HALF; k++) {
            after += lanes;
            before -= lanes;
            xw_quad x = xw_quad_load(after), y = xw_quad_load(before);
            odd += xw_quad_all(d->odd[k]) * (x - y);
            even += xw_quad_all(d->even[k]) * (x + y);
        }
        xw_quad_store(hump + c, xw_quad_sqrt(odd * odd + even * even));
    }
}

/* Leads that were bad anywhere near this frame have no hump: an edge of bad signal is no QRS. */
static void mute(const struct xw_ecg_detect *d, int64_t t, float *hump)
{
    for (unsigned c = 0; c < d->leads_n; c++)
        if (d->signal->last_bad[c] >= t - 2 * XW_ECG_DETECT_HALF)
            hump[c] = 0;
}

static void keep_second(struct xw_ecg_detect *d, int64_t t, const float *hump)
{
    for (unsigned c = 0; c < d->leads_n; c++)
        d->second_max[c] = hump[c] > d->second_max[c] ? hump[c] : d->second_max[c];
    if ((t + 1) % XW_ECG_ANALYSIS_HZ)
        return;
    memcpy(d->seconds[d->seconds_n % XW_ECG_DETECT_LOST_SLOTS], d->second_max,
           sizeof(d->second_max));
    d->seconds_n++;
    memset(d->second_max, 0, sizeof(d->second_max));
}

float xw_ecg_detect_fuse(const struct xw_ecg_detect *d, const float *hump)
{
    float sum = 0, weights = 0;
    for (unsigned c = 0; c < d->leads_n; c++) {
        float part = hump[c] * d->inverse[c];
        float weight = hump[c] > 0 ? d->weight[c] : 0; /* muted or dead flat: no say */
        weight = (d->silent | d->loud) >> c & 1 ? 0 : weight;
        sum += weight * (part < xw_ecg_tables.qrs_clip_q ? part : xw_ecg_tables.qrs_clip_q);
        weights += weight;
    }
    return weights > 0 ? sum / weights : 0;
}

/* Which leads have been silent for longer than a beat can be waited for, while others were not. */
static void find_silent(struct xw_ecg_detect *d, int64_t t, const float *hump)
{
    float longest = fmaxf(xw_ecg_tables.qrs_silent_rr * xw_ecg_detect_usual_rr(d),
                          xw_ecg_tables.qrs_silent_longest * xw_dsp_median_rank(&d->rr, 1));
    float wait = fmaxf(longest, xw_ecg_tables.qrs_silent_s * XW_ECG_ANALYSIS_HZ);
    uint32_t silent = 0;
    float all = 0, mute = 0;
    for (unsigned c = 0; c < d->leads_n; c++) {
        if (hump[c] * d->inverse[c] >= xw_ecg_tables.qrs_silent_q)
            d->alive_t[c] = t;
        silent |= (uint32_t)((float)(t - d->alive_t[c]) > wait) << c;
    }
    d->silent = silent == (1U << d->leads_n) - 1 ? 0 : silent;
    for (unsigned c = 0; c < d->leads_n && d->silent; c++) {
        if (d->alive_t[c] < 0) /* never showed a beat: what it is silent of is not known */
            continue;
        all += d->weight[c];
        mute += d->silent >> c & 1 ? d->weight[c] : 0;
    }
    d->mostly_silent = d->silent && mute >= 0.3F * all;
}

static bool is_top(const struct xw_ecg_detect *d, int64_t t)
{
    const int64_t mask = XW_ECG_DETECT_RING - 1;
    float q = d->fused[t & mask];
    if (q <= 0.02F)
        return false;
    for (int64_t k = 1; k <= XW_ECG_DETECT_PEAK; k++)
        if (d->fused[(t + k) & mask] > q || (t >= k && d->fused[(t - k) & mask] >= q))
            return false;
    return true;
}

/* Leads whose level after this frame is another than before, by about all that they moved: an
 * electrode was touched. A QRS comes back. */
static uint32_t find_steps(const struct xw_ecg_detect *d, int64_t t, const float *level)
{
    uint32_t steps = 0;
    if (!xw_ecg_signal_has(d->signal, t - STEP_REACH, t + STEP_REACH + 1))
        return 0;
    const float *first = xw_ecg_signal_frame(d->signal, t - STEP_REACH);
    for (unsigned c = 0; c < d->leads_n; c++) {
        if (level[c] * d->inverse[c] < xw_ecg_tables.qrs_step_q)
            continue;
        float before = 0, after = 0, low = first[c], high = first[c], jump = 0;
        for (unsigned i = 0; i <= 2 * STEP_REACH; i++) {
            float x = first[(size_t)i * d->lanes + c];
            before += i < STEP_MEAN ? x / STEP_MEAN : 0;
            after += i > 2 * STEP_REACH - STEP_MEAN ? x / STEP_MEAN : 0;
            low = xw_min(low, x);
            high = xw_max(high, x);
            if (i >= STEP_JUMP)
                jump = xw_max(jump, fabsf(x - first[(size_t)(i - STEP_JUMP) * d->lanes + c]));
        }
        float least = xw_ecg_tables.qrs_step_share * (high - low);
        if (fabsf(after - before) > least && jump > xw_ecg_tables.qrs_step_sharp * (high - low))
            steps |= 1U << c;
    }
    return steps;
}

static void note_candidate(struct xw_ecg_detect *d, int64_t t)
{
    struct xw_ecg_candidate *c = xw_ecg_detect_candidate(d, d->candidates_n++);
    memset(c, 0, sizeof(*c));
    c->t = t;
    c->q = d->fused[t & (XW_ECG_DETECT_RING - 1)];
    int64_t first = t >= XW_ECG_DETECT_PEAK ? t - XW_ECG_DETECT_PEAK : 0;
    for (int64_t k = first; k <= t + XW_ECG_DETECT_PEAK; k++) {
        const float *hump = xw_ecg_detect_hump(d, k);
        for (unsigned i = 0; i < d->leads_n; i++)
            c->level[i] = hump[i] > c->level[i] ? hump[i] : c->level[i];
    }
    uint32_t steps = find_steps(d, t, c->level);
    if (steps) {
        float rest[XW_DSP_LANES_MAX];
        for (unsigned i = 0; i < d->leads_n; i++)
            rest[i] = steps >> i & 1 ? 0 : c->level[i];
        float without = xw_ecg_detect_fuse(d, rest);
        c->q = xw_min(c->q, without > 0 ? without : xw_ecg_tables.qrs_step_alone * c->q);
    }
    xw_ecg_detect_provisional(d, c);
}

static void step_to(struct xw_ecg_detect *d, int64_t t)
{
    const float *hump = xw_ecg_detect_hump(d, t);
    find_silent(d, t, hump);
    d->fused[t & (XW_ECG_DETECT_RING - 1)] = xw_ecg_detect_fuse(d, hump);
    int64_t top = t - XW_ECG_DETECT_PEAK;
    if (top >= 0 && is_top(d, top))
        note_candidate(d, top);
    xw_ecg_detect_judge(d, t);
}

void xw_ecg_detect_step(struct xw_ecg_detect *d)
{
    for (; d->hump_n + XW_ECG_DETECT_HALF < d->signal->n; d->hump_n++) {
        float *hump = d->hump + (size_t)(d->hump_n & (XW_ECG_DETECT_RING - 1)) * d->lanes;
        float padded[(2 * XW_ECG_DETECT_HALF + 1) * XW_DSP_LANES_MAX];
        const float *centre = xw_ecg_signal_frame(d->signal, d->hump_n - XW_ECG_DETECT_HALF) +
                              (size_t)XW_ECG_DETECT_HALF * d->lanes;
        if (d->hump_n < XW_ECG_DETECT_HALF) { /* before the start the first frame stands */
            for (int64_t k = 0; k <= 2 * XW_ECG_DETECT_HALF; k++) {
                int64_t t = d->hump_n - XW_ECG_DETECT_HALF + k;
                memcpy(padded + k * d->lanes, xw_ecg_signal_frame(d->signal, t > 0 ? t : 0),
                       d->lanes * sizeof(float));
            }
            centre = padded + (size_t)XW_ECG_DETECT_HALF * d->lanes;
        }
        make_hump(d, centre, hump);
        mute(d, d->hump_n, hump);
        keep_second(d, d->hump_n, hump);
    }
    if (!d->started && d->hump_n >= xw_ecg_frames(xw_ecg_tables.qrs_startup_s))
        xw_ecg_detect_learn(d, d->hump_n);
    if (d->started)
        while (d->step_n < d->hump_n)
            step_to(d, d->step_n++);
}

void xw_ecg_detect_flush(struct xw_ecg_detect *d, int64_t end)
{
    if (!d->started)
        xw_ecg_detect_learn(d, end < d->hump_n ? end : d->hump_n);
    xw_ecg_detect_step(d);
}
