/* QRS detector, second half: levels, thresholds, the final word, search-back. */
#include "dsp/ecg/detect_judge.h"
#include "dsp/ecg/tables.h"

#include <math.h>

#define T xw_ecg_tables

static float clamp(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

static void set_level(struct xw_ecg_detect *d, unsigned c, float level)
{
    d->level[c] = fmaxf(level, T.qrs_level_floor_uv);
    d->inverse[c] = 1 / d->level[c];
}

static void set_weight(struct xw_ecg_detect *d, unsigned c, float noise)
{
    float snr = clamp(d->level[c] / fmaxf(noise, 10), 1, T.qrs_snr_max);
    d->weight[c] = powf((snr - 1) / (T.qrs_snr_max - 1), T.qrs_snr_power) + T.qrs_weight_min;
    d->trust[c] = d->weight[c] * d->inverse[c] * d->inverse[c];
}

/* The first three seconds: the usual level of a lead is the median of its one-second maxima, its
 * noise the level that it stays below for three quarters of the time. */
void xw_ecg_detect_learn(struct xw_ecg_detect *d, int64_t n)
{
    for (unsigned c = 0; c < d->leads_n; c++) {
        struct xw_dsp_median maxima, levels;
        xw_dsp_median_init(&maxima, 16);
        xw_dsp_median_init(&levels, XW_DSP_MEDIAN_MAX);
        int64_t seconds_n = n / XW_ECG_ANALYSIS_HZ > 0 ? n / XW_ECG_ANALYSIS_HZ : 1;
        for (int64_t s = 0; s < seconds_n; s++) {
            float top = 0;
            for (int64_t t = s * n / seconds_n; t < (s + 1) * n / seconds_n; t++) {
                float x = xw_ecg_detect_hump(d, t)[c];
                top = x > top ? x : top;
                if (t % 12 == 0)
                    xw_dsp_median_push(&levels, x);
            }
            xw_dsp_median_push(&maxima, top);
        }
        set_level(d, c, xw_dsp_median_value(&maxima));
        set_weight(d, c, 2 * xw_dsp_median_rank(&levels, 0.7F));
        xw_dsp_median_push(&d->peak[c], d->level[c]);
    }
    d->started = true;
}

static float threshold(const struct xw_ecg_detect *d)
{
    float peak = d->q_peak.used_n ? xw_dsp_median_value(&d->q_peak) : 0.9F;
    float noise = d->q_noise.used_n ? xw_dsp_median_value(&d->q_noise) : 0.1F;
    noise = fminf(noise, 0.5F * peak); /* never deaf: noise may not climb to the beats' level */
    return clamp(noise + T.qrs_k * (peak - noise), T.qrs_k_min_q, T.qrs_k_max_q);
}

/* Level of a candidate against the beat before it, unclipped, over the trusted leads. */
static float ratio_to_last(const struct xw_ecg_detect *d, const struct xw_ecg_candidate *c)
{
    float mine = 0, its = 0;
    for (unsigned i = 0; i < d->leads_n; i++) {
        mine += d->weight[i] * d->inverse[i] * c->level[i];
        its += d->weight[i] * d->inverse[i] * d->last.level[i];
    }
    return its > 0 ? mine / its : 1;
}

/* A lead must show at least 75 µV somewhere (asystole must not be filled with hum). */
static bool loud_enough(const struct xw_ecg_detect *d, const struct xw_ecg_candidate *c)
{
    for (unsigned i = 0; i < d->leads_n; i++)
        if (c->level[i] >= T.qrs_floor_uv && d->weight[i] > 0)
            return true;
    return false;
}

/* What is asked of a candidate. A shape seen before needs less level to be a beat. A strange one
 * must stand above nearly all that was lately refused: little in a quiet recording, where a rare
 * ventricular beat may be small, much in a noisy one. */
static float by_match(const struct xw_ecg_detect *d, const struct xw_ecg_candidate *c, float limit)
{
    float share = clamp((c->match - T.qrs_strange) / (T.qrs_known - T.qrs_strange), 0, 1);
    float refused = d->q_noise.used_n ? xw_dsp_median_rank(&d->q_noise, T.qrs_refused_rank) : 0.3F;
    float known = limit * T.qrs_known_factor;
    float strange = clamp(T.qrs_strange_factor * refused, T.qrs_strange_min_q, T.qrs_strange_max_q);
    return fmaxf(known, strange + share * (known - strange));
}

static float usual_rr(const struct xw_ecg_detect *d)
{
    return d->rr.used_n ? xw_dsp_median_value(&d->rr) : 0.8F * XW_ECG_ANALYSIS_HZ;
}

/* The earlier against the usual rhythm, the more level is asked for; less so where the rhythm is
 * irregular (atrial fibrillation), since there early says little. */
static float by_time(const struct xw_ecg_detect *d, int64_t rr)
{
    float early = 1 - clamp((float)rr / usual_rr(d) / T.qrs_early_rr, 0, 1);
    float spread = xw_dsp_median_rank(&d->rr, 0.75F) - xw_dsp_median_rank(&d->rr, 0.25F);
    float regular = 1 - clamp(spread / usual_rr(d) / T.qrs_early_irregular, 0, 1);
    return 1 + T.qrs_early_factor * early * (0.25F + 0.75F * regular);
}

static bool is_beat(const struct xw_ecg_detect *d, const struct xw_ecg_candidate *c, int64_t last_t,
                    float limit)
{
    int64_t rr = c->t - last_t, guard = xw_ecg_frames(T.qrs_guard_s);
    limit = by_match(d, c, limit);
    if (last_t >= 0)
        limit *= by_time(d, rr);
    if (c->q < limit || !loud_enough(d, c))
        return false;
    if (last_t < 0)
        return true;
    if (rr < xw_ecg_frames(T.qrs_refractory_s))
        return false;
    if (rr < guard && d->last.t == last_t) { /* a T wave: lower than the beat that it follows */
        float share = (float)(guard - rr) / (float)(guard - xw_ecg_frames(T.qrs_refractory_s));
        return ratio_to_last(d, c) >=
               T.qrs_guard_ratio * (T.qrs_guard_late + (1 - T.qrs_guard_late) * share);
    }
    return true;
}

static void say(struct xw_ecg_detect *d, const struct xw_ecg_candidate *c,
                enum xw_ecg_qrs_word word, bool searched)
{
    if (d->out_n == XW_ECG_DETECT_OUT_MAX)
        return; /* cannot be: at most 15 beats in three seconds, and the chain empties it */
    struct xw_ecg_qrs *o = &d->out[d->out_n++];
    o->word = word;
    o->token = c->token;
    o->t = c->t;
    o->searched = searched;
    o->q = c->q;
    o->threshold = c->threshold;
    o->match = c->match;
    o->shape = c->shape;
    memcpy(o->level, c->level, sizeof(o->level));
}

/* Likeness to a shape learned from several beats; neutral while there is none. */
static float match_of(const struct xw_ecg_detect *d, int64_t t)
{
    struct xw_ecg_match m = xw_ecg_template_match(&d->shapes, d->signal, t, d->trust, true);
    return m.shape < 0 ? T.qrs_neutral : m.correlation;
}

void xw_ecg_detect_provisional(struct xw_ecg_detect *d, struct xw_ecg_candidate *c)
{
    c->threshold = threshold(d);
    c->match = match_of(d, c->t);
    int64_t last_t = d->provisional_t > d->last.t ? d->provisional_t : d->last.t;
    if (!is_beat(d, c, last_t, c->threshold))
        return;
    c->provisional = true;
    c->token = ++d->token;
    d->provisional_t = c->t;
    say(d, c, XW_ECG_QRS_PROVISIONAL, false);
}

/* The largest hump of each lead between two beats, their own surroundings left out. */
static void measure_noise(struct xw_ecg_detect *d, int64_t first, int64_t end)
{
    float top[XW_DSP_LANES_MAX] = {0};
    if (first < d->step_n - XW_ECG_DETECT_RING + 2)
        first = d->step_n - XW_ECG_DETECT_RING + 2;
    if (end - first < 15)
        return;
    for (int64_t t = first; t < end; t++) {
        const float *hump = xw_ecg_detect_hump(d, t);
        for (unsigned c = 0; c < d->leads_n; c++)
            top[c] = hump[c] > top[c] ? hump[c] : top[c];
    }
    for (unsigned c = 0; c < d->leads_n; c++)
        xw_dsp_median_push(&d->noise[c], top[c]);
}

static void learn_levels(struct xw_ecg_detect *d, const struct xw_ecg_candidate *c)
{
    float ratio = 0, weights = 0;
    for (unsigned i = 0; i < d->leads_n; i++) {
        ratio += d->weight[i] * c->level[i] * d->inverse[i];
        weights += d->weight[i];
    }
    d->louder_n = weights > 0 && ratio > 2 * weights ? d->louder_n + 1 : 0;
    for (unsigned i = 0; i < d->leads_n; i++) {
        if (d->signal->last_bad[i] >= c->t - 2 * XW_ECG_DETECT_HALF)
            continue;
        if (d->louder_n >= 4)
            xw_dsp_median_fill(&d->peak[i], c->level[i]);
        else
            xw_dsp_median_push(&d->peak[i], c->level[i]);
        set_level(d, i, xw_dsp_median_value(&d->peak[i]));
        if (d->noise[i].used_n)
            set_weight(d, i, xw_dsp_median_value(&d->noise[i]));
    }
}

static void accept(struct xw_ecg_detect *d, struct xw_ecg_candidate *c, bool searched)
{
    if (!c->token)
        c->token = ++d->token;
    c->accepted = true;
    c->shape = -1;
    if (c->q >= T.qrs_learn_q || c->match >= T.qrs_known)
        c->shape = xw_ecg_template_learn(&d->shapes, d->signal, c->t, d->trust);
    say(d, c, XW_ECG_QRS_FINAL, searched);
    if (d->last.t >= 0) {
        float rr = (float)(c->t - d->last.t);
        measure_noise(d, d->last.t + 45, c->t - 45);
        if (rr < 3 * XW_ECG_ANALYSIS_HZ)
            xw_dsp_median_push(&d->rr, rr);
    }
    xw_dsp_median_push(&d->q_peak, c->q);
    if (d->noise_since > 0 && !searched)
        xw_dsp_median_push(&d->q_noise, d->noise_since);
    d->noise_since = 0;
    learn_levels(d, c);
    d->last = *c;
}

static void refuse(struct xw_ecg_detect *d, struct xw_ecg_candidate *c)
{
    if (c->provisional)
        say(d, c, XW_ECG_QRS_WITHDRAWN, false);
    if (d->last.t < 0 || c->t - d->last.t > 45)
        d->noise_since = fmaxf(d->noise_since, c->q);
}

/* A larger candidate within the refractory time after this one will take its place. */
static bool is_shadowed(struct xw_ecg_detect *d, uint64_t index, float limit)
{
    const struct xw_ecg_candidate *c = xw_ecg_detect_candidate(d, index);
    for (uint64_t i = index + 1; i < d->candidates_n; i++) {
        const struct xw_ecg_candidate *other = xw_ecg_detect_candidate(d, i);
        if (other->t - c->t >= xw_ecg_frames(T.qrs_refractory_s))
            return false;
        if (other->q > c->q && other->q >= limit)
            return true;
    }
    return false;
}

/* A candidate that was refused may be a beat after all: known in shape or strong enough, and not
 * the T wave of the beat before. */
static bool is_missed_beat(const struct xw_ecg_detect *d, const struct xw_ecg_candidate *c,
                           int64_t until, float limit)
{
    int64_t rr = c->t - d->last.t;
    if (c->accepted || rr < xw_ecg_frames(0.36F) || c->t > until - xw_ecg_frames(0.24F) ||
        c->q < by_match(d, c, limit) * by_time(d, rr) || !loud_enough(d, c))
        return false;
    return rr >= xw_ecg_frames(T.qrs_guard_s) ||
           ratio_to_last(d, c) >= T.qrs_guard_ratio * T.qrs_guard_late;
}

/* The best of the candidates refused since the last beat, and before frame `until`. */
static void search_back(struct xw_ecg_detect *d, int64_t until)
{
    if (d->last.t < 0 || (float)(until - d->last.t) < T.qrs_searchback_rr * usual_rr(d))
        return;
    float noise = d->q_noise.used_n ? xw_dsp_median_value(&d->q_noise) : 0;
    float limit = fmaxf(T.qrs_searchback_k * threshold(d), T.qrs_searchback_npk * noise);
    struct xw_ecg_candidate *best = NULL;
    uint64_t oldest = d->judged_n > 64 ? d->judged_n - 64 : 0;
    for (uint64_t i = oldest; i < d->judged_n; i++) {
        struct xw_ecg_candidate *c = xw_ecg_detect_candidate(d, i);
        if (is_missed_beat(d, c, until, limit) && (!best || c->q > best->q))
            best = c;
    }
    if (best)
        accept(d, best, true);
}

/* Eight seconds without a beat: whatever the leads show now is taken as their level. */
static void rebuild(struct xw_ecg_detect *d, int64_t now)
{
    int64_t since = d->last.t > d->rebuilt_t ? d->last.t : d->rebuilt_t;
    if (now - since < xw_ecg_frames(T.qrs_lost_s) || d->seconds_n < XW_ECG_DETECT_LOST_SLOTS)
        return;
    d->rebuilt_t = now;
    for (unsigned c = 0; c < d->leads_n; c++) {
        xw_dsp_median_reset(&d->peak[c]);
        for (unsigned i = 0; i < XW_ECG_DETECT_LOST_SLOTS; i++)
            xw_dsp_median_push(&d->peak[c], d->seconds[i][c]);
        set_level(d, c, xw_dsp_median_value(&d->peak[c]));
        set_weight(d, c, 0.3F * d->level[c]);
        xw_dsp_median_reset(&d->noise[c]);
    }
    xw_dsp_median_reset(&d->q_peak);
    xw_dsp_median_reset(&d->q_noise);
    xw_dsp_median_reset(&d->rr);
    d->noise_since = 0;
}

void xw_ecg_detect_judge(struct xw_ecg_detect *d, int64_t now)
{
    while (d->judged_n < d->candidates_n) {
        struct xw_ecg_candidate *c = xw_ecg_detect_candidate(d, d->judged_n);
        if (c->t + XW_ECG_DETECT_WAIT > now)
            break;
        search_back(d, c->t);
        float limit = threshold(d);
        c->threshold = limit;
        c->match = match_of(d, c->t);
        c->judged = true;
        if (is_beat(d, c, d->last.t, limit) && !is_shadowed(d, d->judged_n, limit))
            accept(d, c, false);
        else
            refuse(d, c);
        d->judged_n++;
    }
    search_back(d, now - XW_ECG_DETECT_WAIT);
    rebuild(d, now);
}
