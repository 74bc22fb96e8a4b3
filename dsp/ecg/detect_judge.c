/* QRS detector, second half: levels, thresholds, the final word, search-back. */
#include "dsp/ecg/detect_judge.h"
#include "dsp/core/quad.h"
#include "dsp/ecg/tables.h"

#include <math.h>

#define T xw_ecg_tables

static float clamp(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

static void set_level(struct xw_ecg_detect *d, unsigned c, float level)
{
    d->level[c] = xw_max(level, T.qrs_level_floor_uv);
    d->inverse[c] = 1 / d->level[c];
}

static void set_weight(struct xw_ecg_detect *d, unsigned c, float noise)
{
    float snr = clamp(d->level[c] / xw_max(noise, 10), 1, T.qrs_snr_max);
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
    noise = xw_min(noise, 0.5F * peak); /* never deaf: noise may not climb to the beats' level */
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

/* Share of the say that lies with leads in which nothing beyond their usual noise, and little of
 * their usual QRS, is seen at the candidate: what only the others show may be an electrode's. None
 * while this was lately said often (what comes again and again may be a beat that such a lead does
 * not see), behind a strange beat (a tachycardia may have begun), or once a beat is overdue. */
static float denied(struct xw_ecg_detect *d, const struct xw_ecg_candidate *c)
{
    float against = 0, all = 0;
    d->denials = xw_max(0, d->denials - (float)(c->t - d->denials_t) /
                                            (float)xw_ecg_frames(T.qrs_denied_forget_s));
    d->denials_t = c->t;
    float rr = (float)(c->t - d->last.t) / xw_ecg_detect_usual_rr(d);
    if (d->denials > T.qrs_denied_most || rr > T.qrs_denied_rr || d->last.t < 0 ||
        d->last.match < T.qrs_known)
        return 0;
    for (unsigned i = 0; i < d->leads_n; i++) {
        if (c->level[i] <= 0 || d->silent >> i & 1)
            continue;
        float noise = d->noise[i].used_n ? xw_dsp_median_value(&d->noise[i]) : 0;
        float most = xw_min(T.qrs_denied_q * d->level[i], T.qrs_denied_noise * noise);
        bool saw_last = d->last.level[i] >= T.qrs_denied_sees * d->level[i];
        against += saw_last && c->level[i] < most ? d->weight[i] : 0;
        all += d->weight[i];
    }
    return all > 0 ? against / all : 0;
}

/* What is asked of a candidate. A shape seen before needs less level to be a beat. A strange one
 * must stand above nearly all that was lately refused: little in a quiet recording, where a rare
 * ventricular beat may be small, much in a noisy one. */
static float by_match(const struct xw_ecg_detect *d, const struct xw_ecg_candidate *c, float limit)
{
    float share = clamp((c->match - T.qrs_strange) / (T.qrs_known - T.qrs_strange), 0, 1);
    float refused =
        d->q_strange.used_n ? xw_dsp_median_rank(&d->q_strange, T.qrs_refused_rank) : 0.3F;
    float sure = clamp((c->match - T.qrs_known) / (T.qrs_sure - T.qrs_known), 0, 1);
    float known = limit * (T.qrs_known_factor + sure * (T.qrs_sure_factor - T.qrs_known_factor));
    float strange = clamp(T.qrs_strange_factor * refused, T.qrs_strange_min_q, T.qrs_strange_max_q);
    float alone = 1 + T.qrs_denied_factor * c->denied * (1 - sure);
    return alone * xw_max(known, strange + share * (known - strange));
}

float xw_ecg_detect_usual_rr(const struct xw_ecg_detect *d)
{
    return d->rr.used_n ? xw_dsp_median_value(&d->rr) : 0.8F * XW_ECG_ANALYSIS_HZ;
}

/* The earlier against the usual rhythm, the more level is asked for; less so where the rhythm is
 * irregular (atrial fibrillation), since there early says little. */
static float by_time(const struct xw_ecg_detect *d, int64_t rr)
{
    float early = 1 - clamp((float)rr / xw_ecg_detect_usual_rr(d) / T.qrs_early_rr, 0, 1);
    float spread = xw_dsp_median_rank(&d->rr, 0.75F) - xw_dsp_median_rank(&d->rr, 0.25F);
    float regular = 1 - clamp(spread / xw_ecg_detect_usual_rr(d) / T.qrs_early_irregular, 0, 1);
    return 1 + T.qrs_early_factor * early * (0.25F + 0.75F * regular);
}

/* The largest level that usually comes so long after a beat (its T wave), 40 ms more or less. */
static float usual_after(const struct xw_ecg_detect *d, int64_t lag)
{
    int64_t bin = (lag - XW_ECG_DETECT_AFTER_FIRST) / XW_ECG_DETECT_AFTER_BIN;
    float top = 0;
    for (int64_t i = bin - 2; i <= bin + 2; i++)
        if (i >= 0 && i < XW_ECG_DETECT_AFTER)
            top = xw_max(top, d->after[i]);
    return top;
}

/* 0 … 1: how far a candidate stands above what usually follows a beat at that time. 0 while that is
 * not known. */
static float novelty(const struct xw_ecg_detect *d, const struct xw_ecg_candidate *c,
                     int64_t last_t)
{
    if (d->after_n < 8 || d->last.t < 0 || last_t != d->last.t || d->last.match < T.qrs_known)
        return 0;
    float usual = usual_after(d, c->t - last_t) + T.qrs_after_margin;
    return clamp((c->q / usual - T.qrs_after_low) / (T.qrs_after_high - T.qrs_after_low), 0, 1);
}

/* What follows beats of a known shape, bin by bin: a running upper quartile. */
static void learn_after(struct xw_ecg_detect *d, int64_t until)
{
    if (d->last.t < 0 || d->last.match < T.qrs_known)
        return;
    float rate = d->after_n < 12 ? 0.12F : 0.03F;
    for (unsigned i = 0; i < XW_ECG_DETECT_AFTER; i++) {
        int64_t first =
            d->last.t + XW_ECG_DETECT_AFTER_FIRST + (int64_t)i * XW_ECG_DETECT_AFTER_BIN;
        int64_t end = first + XW_ECG_DETECT_AFTER_BIN;
        if (end > until - 30 || end <= d->step_n - XW_ECG_DETECT_RING + 2)
            continue;
        float top = 0;
        for (int64_t t = first; t < end; t++)
            top = xw_max(top, d->fused[t & (XW_ECG_DETECT_RING - 1)]);
        d->after[i] += top > d->after[i] ? xw_min(rate, top - d->after[i])
                                         : -xw_min(rate / 3, d->after[i] - top);
    }
    d->after_n++;
}

static bool is_beat(const struct xw_ecg_detect *d, const struct xw_ecg_candidate *c, int64_t last_t,
                    float limit)
{
    int64_t rr = c->t - last_t, guard = xw_ecg_frames(T.qrs_guard_s);
    if (d->mostly_silent && (c->match < T.qrs_silent_match || c->q < T.qrs_silent_level))
        return false; /* the leads that are left must show what they are known for */
    limit = by_match(d, c, limit);
    float fresh = last_t >= 0 ? novelty(d, c, last_t) : 0;
    if (last_t >= 0)
        limit *= 1 + (by_time(d, rr) - 1) * (1 - T.qrs_after_time * fresh);
    if (c->q < limit || !loud_enough(d, c))
        return false;
    if (last_t < 0)
        return true;
    if (rr < xw_ecg_frames(T.qrs_refractory_s))
        return false;
    if (c->match < T.qrs_known && d->last.t == last_t && d->last.match >= T.qrs_known &&
        (float)rr < T.qrs_too_early_rr * xw_ecg_detect_usual_rr(d))
        return false;
    if (rr < guard && d->last.t == last_t) { /* a T wave: lower than the beat that it follows */
        float share = (float)(guard - rr) / (float)(guard - xw_ecg_frames(T.qrs_refractory_s));
        return ratio_to_last(d, c) >= T.qrs_guard_ratio *
                                          (T.qrs_guard_late + (1 - T.qrs_guard_late) * share) *
                                          (1 - T.qrs_after_guard * fresh);
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
    o->match = word == XW_ECG_QRS_FINAL ? c->likeness : c->match;
    o->shape = c->shape;
    memcpy(o->level, c->level, sizeof(o->level));
}

/* Likeness to a shape learned from several beats; neutral while there is none. */
static float match_of(const struct xw_ecg_detect *d, const struct xw_ecg_template *bank, int64_t t)
{
    float trust[XW_DSP_LANES_MAX];
    memcpy(trust, d->trust, sizeof(trust));
    for (uint32_t rest = d->silent; rest; rest &= rest - 1)
        trust[__builtin_ctz(rest)] = 0;
    struct xw_ecg_match m = xw_ecg_template_match(bank, d->signal, t, trust, true);
    return m.shape < 0 ? T.qrs_neutral : m.correlation;
}

void xw_ecg_detect_provisional(struct xw_ecg_detect *d, struct xw_ecg_candidate *c)
{
    c->threshold = threshold(d);
    c->match = match_of(d, &d->shapes, c->t);
    c->denied = denied(d, c);
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
        if (!(d->loud >> c & 1))
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
        if (d->signal->last_bad[i] >= c->t - 2 * XW_ECG_DETECT_HALF || d->loud >> i & 1)
            continue;
        if (d->silent >> i & 1 && c->t - d->alive_t[i] < xw_ecg_frames(T.qrs_lost_s))
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
    c->likeness = match_of(d, &d->waves, c->t);
    if (c->q >= T.qrs_learn_q || c->match >= T.qrs_known) {
        c->shape = xw_ecg_template_learn(&d->shapes, d->signal, c->t, d->trust);
        (void)xw_ecg_template_learn(&d->waves, d->signal, c->t, d->trust);
    }
    say(d, c, XW_ECG_QRS_FINAL, searched);
    if (d->last.t >= 0) {
        float rr = (float)(c->t - d->last.t);
        learn_after(d, c->t);
        measure_noise(d, d->last.t + 45, c->t - 45);
        if (rr < 3 * XW_ECG_ANALYSIS_HZ)
            xw_dsp_median_push(&d->rr, rr);
    }
    xw_dsp_median_push(&d->q_peak, c->q);
    if (d->noise_since > 0 && !searched)
        xw_dsp_median_push(&d->q_noise, d->noise_since);
    if (!searched)
        xw_dsp_median_push(&d->q_strange, xw_max(d->strange_since, T.qrs_strange_rest));
    d->noise_since = d->strange_since = 0;
    learn_levels(d, c);
    d->last = *c;
}

/* part_of_next: what comes just before a beat (its P wave, a pacing pulse) is no noise. */
static void refuse(struct xw_ecg_detect *d, struct xw_ecg_candidate *c, bool part_of_next)
{
    if (c->provisional)
        say(d, c, XW_ECG_QRS_WITHDRAWN, false);
    bool explained = d->after_n >= 8 && d->last.t >= 0 && d->last.match >= T.qrs_known &&
                     c->q < T.qrs_after_explains * (usual_after(d, c->t - d->last.t) + 0.03F);
    if (part_of_next || (d->last.t >= 0 && c->t - d->last.t <= 45))
        return;
    d->noise_since = xw_max(d->noise_since, c->q);
    if (!explained)
        d->strange_since = xw_max(d->strange_since, c->q);
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
    float fresh = novelty(d, c, d->last.t);
    float early = 1 + T.qrs_back_early * (by_time(d, rr) - 1) * (1 - T.qrs_after_time_back * fresh);
    if (d->mostly_silent && (c->match < T.qrs_silent_match || c->q < T.qrs_silent_level))
        return false;
    if (c->accepted || rr < xw_ecg_frames(T.qrs_back_first_s) ||
        c->t > until - xw_ecg_frames(0.24F) || c->q < by_match(d, c, limit) * early ||
        !loud_enough(d, c))
        return false;
    return rr >= xw_ecg_frames(T.qrs_guard_s) ||
           ratio_to_last(d, c) >=
               T.qrs_guard_ratio * T.qrs_guard_late * (1 - T.qrs_after_guard * fresh);
}

/* The best of the candidates refused since the last beat, and before frame `until`. */
static void search_back(struct xw_ecg_detect *d, int64_t until)
{
    if (d->last.t < 0 ||
        (float)(until - d->last.t) < T.qrs_searchback_rr * xw_ecg_detect_usual_rr(d))
        return;
    float noise = d->q_noise.used_n ? xw_dsp_median_value(&d->q_noise) : 0;
    float limit = xw_max(T.qrs_searchback_k * threshold(d), T.qrs_searchback_npk * noise);
    struct xw_ecg_candidate *best = NULL;
    uint64_t oldest = d->judged_n > 64 ? d->judged_n - 64 : 0;
    for (uint64_t i = oldest; i < d->judged_n; i++) {
        struct xw_ecg_candidate *c = xw_ecg_detect_candidate(d, i);
        if (d->silent && !c->accepted && c->t > d->last.t) { /* without the leads now silent */
            c->q = xw_ecg_detect_fuse(d, c->level);
            c->match = match_of(d, &d->shapes, c->t);
        }
        if (is_missed_beat(d, c, until, limit) && (!best || c->q > best->q))
            best = c;
    }
    if (best)
        accept(d, best, true);
}

/* Two strange waves of one kind after a beat are a couplet: the first, refused because it came
 * early and alone, is a beat when the second is one. A T wave is like neither. */
static void find_twin(struct xw_ecg_detect *d, const struct xw_ecg_candidate *second)
{
    if (d->last.t < 0 || second->match >= T.qrs_known || d->silent)
        return;
    struct xw_ecg_candidate *best = NULL;
    uint64_t oldest = d->judged_n > 64 ? d->judged_n - 64 : 0;
    int64_t apart = xw_ecg_frames(T.qrs_twin_s);
    for (uint64_t i = oldest; i < d->judged_n; i++) {
        struct xw_ecg_candidate *c = xw_ecg_detect_candidate(d, i);
        if (!c->accepted && c->t >= d->last.t + apart && c->t + apart <= second->t &&
            c->q >= T.qrs_twin_q * second->q && (!best || c->q > best->q))
            best = c;
    }
    if (!best || !loud_enough(d, best) || best->q < by_match(d, best, threshold(d)))
        return;
    struct xw_ecg_match like =
        xw_ecg_template_alike(&d->waves, d->signal, best->t, second->t, d->trust);
    if (like.shape >= 0 && like.correlation >= T.qrs_twin_like)
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
    for (uint32_t rest = d->silent; rest; rest &= rest - 1)
        d->alive_t[__builtin_ctz(rest)] = -1; /* what they showed may have been noise */
    xw_dsp_median_reset(&d->q_peak);
    xw_dsp_median_reset(&d->q_noise);
    xw_dsp_median_reset(&d->q_strange);
    xw_dsp_median_reset(&d->rr);
    d->noise_since = d->strange_since = 0;
}

/* Refused for what other leads do not show, and for nothing else: it says nothing about noise. */
static bool only_denied(struct xw_ecg_detect *d, const struct xw_ecg_candidate *c, float limit)
{
    struct xw_ecg_candidate without = *c;
    without.denied = 0;
    if (c->denied <= 0 || !is_beat(d, &without, d->last.t, limit))
        return false;
    d->denials++;
    return true;
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
        c->match = match_of(d, &d->shapes, c->t);
        c->denied = denied(d, c);
        c->judged = true;
        bool shadowed = is_shadowed(d, d->judged_n, limit);
        if (!shadowed && is_beat(d, c, d->last.t, limit)) {
            find_twin(d, c);
            accept(d, c, false);
        } else {
            refuse(d, c, shadowed || only_denied(d, c, limit));
        }
        d->judged_n++;
    }
    search_back(d, now - XW_ECG_DETECT_WAIT);
    rebuild(d, now);
}
