/* ST levels. */
#include "dsp/ecg/st.h"
#include "dsp/ecg/tables.h"

#include <math.h>

#define T xw_ecg_tables

/* Frames from the middle of the QRS: PR level -100..-72 ms, J + 60 ms. */
static const int64_t NEVER = INT64_MIN / 2;
enum { PR_FIRST = -25, PR_END = -17, J60_MEAN = 3, LAST_MAX_S = 3 };
static const float STEADY_UV = 100;
/* In a fast heart the P wave lies where the PR level is taken, and T climbs at J + 60 ms already.
 */
static const float FAST_RR_MS = 580;
enum { ONSET_MEAN = 3, J20_EARLIER = 10 };

void xw_ecg_st_init(struct xw_ecg_st *s, const struct xw_ecg_config *config)
{
    memset(s, 0, sizeof(*s));
    s->leads_n = config->channels_n;
    for (unsigned c = 0; c < s->leads_n; c++) {
        s->lead[c] = config->channels[c].lead;
        xw_dsp_median_init(&s->level[c], XW_ECG_ST_BEATS);
        s->lost_at[c] = s->pr_at[c] = NEVER;
    }
    xw_dsp_median_init(&s->rr, XW_ECG_ST_RR);
}

/* What was measured on a lead before it was found to be of no use may already be wrong. */
static void forget(struct xw_ecg_st *s, unsigned c, int64_t at)
{
    xw_dsp_median_reset(&s->level[c]);
    s->lost_at[c] = s->pr_at[c] = at;
}

/* By what was before this beat and the last one: what the baseline alone does between the two
 * places that are compared is small. */
static bool is_steady(struct xw_ecg_st *s, unsigned c, int64_t t, float before, int64_t apart)
{
    float moved = fabsf(before - s->pr_uv[c]) * (float)apart / (float)(t - s->pr_at[c]);
    bool known = t - s->pr_at[c] < LAST_MAX_S * XW_ECG_ANALYSIS_HZ;
    s->pr_uv[c] = before;
    s->pr_at[c] = t;
    return known && moved < STEADY_UV;
}

void xw_ecg_st_reset(struct xw_ecg_st *s)
{
    for (unsigned c = 0; c < s->leads_n; c++)
        forget(s, c, NEVER);
    xw_dsp_median_reset(&s->rr);
    s->seconds_n = 0;
    s->irregular = false;
    s->elevation.open = false;
}

static float mean_of(const float *x, unsigned lanes, int64_t n)
{
    float sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[(size_t)i * lanes] / (float)n;
    return sum;
}

/* What a lead's segment lies above the level before. after: the three frames from J + 60 ms on.
 * Where the heart is fast it is nothing unless the segment is there at J + 20 ms already, and then
 * the less of the two; above the level right before the QRS as well. */
static float level_of(const float *onset, const float *after, unsigned lanes, float before,
                      bool fast)
{
    float late = mean_of(after, lanes, J60_MEAN) - before;
    if (!fast)
        return late;
    float early = mean_of(after - (size_t)J20_EARLIER * lanes, lanes, J60_MEAN) - before;
    float junction = mean_of(onset, lanes, ONSET_MEAN) - before;
    float level = late * early <= 0 ? 0 : fabsf(early) < fabsf(late) ? early : late;
    float moved = level - junction;
    return level * moved <= 0 ? 0 : fabsf(moved) < fabsf(level) ? moved : level;
}

static float rr_spread(const struct xw_ecg_st *s)
{
    float middle = xw_dsp_median_value(&s->rr);
    if (s->rr.used_n < XW_ECG_ST_RR / 2 || middle <= 0)
        return 0;
    return (xw_dsp_median_rank(&s->rr, 0.75F) - xw_dsp_median_rank(&s->rr, 0.25F)) / middle;
}

void xw_ecg_st_beat(struct xw_ecg_st *s, const struct xw_ecg_signal *signal, int64_t t, float width,
                    float rr_ms, uint32_t usable)
{
    if (rr_ms > 0 && rr_ms < 3000)
        xw_dsp_median_push(&s->rr, rr_ms);
    int64_t half = (int64_t)(0.5F * fminf(fmaxf(width, 16), 32) + 2.5F), j60 = t + half + 15;
    bool fast = s->rr.used_n && xw_dsp_median_value(&s->rr) < FAST_RR_MS;
    if (!xw_ecg_signal_has(signal, t + PR_FIRST, j60 + J60_MEAN))
        return;
    const float *x = xw_ecg_signal_frame(signal, t + PR_FIRST);
    for (unsigned c = 0; c < s->leads_n; c++) {
        if (!(usable >> c & 1) || signal->last_bad[c] >= t + PR_FIRST) {
            forget(s, c, t);
            continue;
        }
        float before = mean_of(x + c, signal->lanes, PR_END - PR_FIRST);
        const float *after = x + (size_t)(j60 - t - PR_FIRST) * signal->lanes + c;
        const float *onset = x + (size_t)(-half - ONSET_MEAN - PR_FIRST) * signal->lanes + c;
        bool settled = t - s->lost_at[c] >= XW_ECG_ST_SETTLE_S * XW_ECG_ANALYSIS_HZ;
        if (is_steady(s, c, t, before, j60 - t - PR_FIRST) && settled)
            xw_dsp_median_push(&s->level[c], level_of(onset, after, signal->lanes, before, fast));
    }
}

static float limit_of(const struct xw_ecg_rules *rules, enum xw_ecg_lead lead)
{
    return lead == XW_ECG_LEAD_V2 || lead == XW_ECG_LEAD_V3 ? rules->st_elevation_v23_uv
                                                            : rules->st_elevation_uv;
}

/* Neighbours on the chest wall and in the frontal plane (Cabrera: aVL, I, -aVR, II, aVF, III). */
static bool are_neighbours(enum xw_ecg_lead a, enum xw_ecg_lead b)
{
    static const enum xw_ecg_lead PAIRS[][2] = {
        {XW_ECG_LEAD_AVL, XW_ECG_LEAD_I},  {XW_ECG_LEAD_I, XW_ECG_LEAD_II},
        {XW_ECG_LEAD_II, XW_ECG_LEAD_AVF}, {XW_ECG_LEAD_AVF, XW_ECG_LEAD_III},
        {XW_ECG_LEAD_II, XW_ECG_LEAD_III}, {XW_ECG_LEAD_V1, XW_ECG_LEAD_V2},
        {XW_ECG_LEAD_V2, XW_ECG_LEAD_V3},  {XW_ECG_LEAD_V3, XW_ECG_LEAD_V4},
        {XW_ECG_LEAD_V4, XW_ECG_LEAD_V5},  {XW_ECG_LEAD_V5, XW_ECG_LEAD_V6},
    };
    for (size_t i = 0; i < sizeof(PAIRS) / sizeof(PAIRS[0]); i++)
        if ((a == PAIRS[i][0] && b == PAIRS[i][1]) || (b == PAIRS[i][0] && a == PAIRS[i][1]))
            return true;
    return false;
}

static uint32_t elevated(const struct xw_ecg_st *s, const struct xw_ecg_rules *rules,
                         uint32_t usable, float share)
{
    uint32_t high = 0, paired = 0;
    for (unsigned c = 0; c < s->leads_n; c++)
        if (usable >> c & 1 && s->lead[c] != XW_ECG_LEAD_AVR &&
            (float)s->level[c].used_n >= rules->st_beats_n &&
            xw_dsp_median_value(&s->level[c]) >= share * limit_of(rules, s->lead[c]))
            high |= 1U << c;
    for (unsigned a = 0; a < s->leads_n; a++)
        for (unsigned b = 0; b < a; b++)
            if (high >> a & 1 && high >> b & 1 && are_neighbours(s->lead[a], s->lead[b]))
                paired |= 1U << a | 1U << b;
    return paired;
}

static void put_levels(const struct xw_ecg_st *s, struct xw_ecg_event *event, uint32_t usable)
{
    for (unsigned c = 0; c < s->leads_n; c++)
        if (usable >> c & 1 && s->level[c].used_n >= 3) {
            event->lead_mask |= 1U << c;
            event->lead_value[c] = xw_dsp_median_value(&s->level[c]);
        }
}

static void find_elevation(struct xw_ecg_st *s, struct xw_ecg_emit *emit, uint32_t usable)
{
    const struct xw_ecg_rules *rules = emit->rules;
    uint32_t leads = elevated(s, rules, usable, s->elevation.open ? T.st_end_share : 1);
    if (!leads || !rules->st_priority) {
        xw_ecg_episode_close(emit, &s->elevation, emit->now);
        return;
    }
    if (s->elevation.open)
        return;
    struct xw_ecg_event event =
        xw_ecg_emit_draft(emit, XW_ECG_KIND_ALARM, XW_ECG_FINDING_ST_ELEVATION, "st-elevation", 2);
    event.priority = rules->st_priority;
    event.confidence = 0.6F;
    put_levels(s, &event, leads);
    float top = 0;
    for (unsigned c = 0; c < s->leads_n; c++)
        top = fmaxf(top, event.lead_value[c]);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_ST_UV, top, rules->st_elevation_uv);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_LEADS_N, (float)__builtin_popcount(leads), 2);
    xw_ecg_episode_open(emit, &s->elevation, &event);
}

void xw_ecg_st_second(struct xw_ecg_st *s, struct xw_ecg_emit *emit, uint32_t usable)
{
    if (++s->seconds_n % XW_ECG_ST_EVERY_S)
        return;
    struct xw_ecg_event event =
        xw_ecg_emit_draft(emit, XW_ECG_KIND_MEASURE, XW_ECG_MEASURE_ST, "st-level", 2);
    float spread = rr_spread(s);
    /* What was found irregular is regular again well below the limit. */
    s->irregular = spread > T.st_rr_spread * (s->irregular ? T.st_end_share : 1);
    if (s->irregular) {
        xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RR_SPREAD, spread, T.st_rr_spread);
        xw_ecg_emit_new(emit, &event);
        xw_ecg_episode_close(emit, &s->elevation, emit->now);
        return;
    }
    put_levels(s, &event, usable);
    if (event.lead_mask)
        xw_ecg_emit_new(emit, &event);
    find_elevation(s, emit, usable);
}

void xw_ecg_st_close(struct xw_ecg_st *s, struct xw_ecg_emit *emit, int64_t end)
{
    xw_ecg_episode_close(emit, &s->elevation, end);
}
