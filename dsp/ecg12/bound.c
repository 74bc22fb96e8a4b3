/* Boundaries: candidate times of each lead, and their combination.
 *
 * Of each beat and lead six candidates are found (thresholds of slope; tangent and trapezium for
 * slow waves, thresholds of height for the QRS). With the median of the same candidates over the
 * leads of this beat (where most leads agree), over the beats of this lead (a reader marks beats of
 * one shape alike), and four thresholds of all leads together they are, beside the shape around
 * them (bound_trees.c), what a table of trees asks about. All are taken relative to the second of
 * the medians over leads. */
#include "dsp/ecg12/internal.h"

#include <string.h>

/* Walks from `from` by `step` while |a| stays at or above the threshold or comes back to it within
 * `quiet` samples; returns where it fell below, between samples; not beyond `limit`. */
static float walk(const float *a, int from, int step, int limit, float threshold, int quiet)
{
    int last = from, low = 0;
    if ((limit - from) * step <= 0)
        return (float)from;
    for (int i = from; i != limit && low < quiet; i += step) {
        if (fabsf(a[i]) >= threshold) {
            last = i;
            low = 0;
        } else {
            low++;
        }
    }
    if (last == limit || last + step == limit)
        return (float)last;
    float high = fabsf(a[last]), next = fabsf(a[last + step]);
    float part = high > next ? (high - threshold) / (high - next) : 0;
    return (float)last + (float)step * xw12_clampf(part, 0, 1);
}

/* From outside: the first place from which three samples reach the threshold. */
static float inward(const float *a, int outer, int inner, float threshold)
{
    int step = inner < outer ? -1 : 1, run = 0, i = outer;
    for (; i != inner && run < 3; i += step)
        run = fabsf(a[i]) >= threshold ? run + 1 : 0;
    return (float)(i - step * run);
}

static int inside(int i, int n)
{
    return i < 1 ? 1 : i > n - 2 ? n - 2 : i;
}

/* ---- QRS ---- */

void xw12_qrs_reference(const struct xw12_view *v, struct xw12_beat *b)
{
    int from = inside(b->r - XW12_MS(70), v->n), to = inside(b->r + XW12_MS(70), v->n), top;
    if (b->paced && from < b->pulse + XW12_MS(16))
        from = inside(b->pulse + XW12_MS(16), v->n);
    top = from;
    for (int i = from; i <= to; i++)
        if (v->g[i] > v->g[top])
            top = i;
    /* What a pulse leaves behind is slower than the QRS and lies before it. */
    float threshold = (b->paced ? 0.18f : 0.09f) * v->g[top];
    int first = inside(b->r - XW12_MS(140), v->n), last = inside(b->r + XW12_MS(170), v->n);
    if (b->paced && first < b->pulse + XW12_MS(12))
        first = b->pulse + XW12_MS(12);
    b->global[XW12_QRS_ON] = walk(v->g, top, -1, first < top ? first : top, threshold, XW12_MS(14));
    b->global[XW12_QRS_OFF] =
        walk(v->g, top, 1, last > top ? last : top, 0.09f * v->g[top], XW12_MS(14));
}

/* dir -1: onset. Thresholds of slope from the outermost steep place outwards, then of height. */
static void qrs_candidates(const struct xw12_view *v, unsigned lead, const struct xw12_beat *b,
                           int dir, float *f)
{
    static const float PART[XW12_LEVELS] = {0.05f, 0.1f, 0.18f, 0.3f};
    const float *d = xw12_row(v->dfine, v, lead), *x = xw12_row(v->fine, v, lead);
    int on = inside((int)b->global[XW12_QRS_ON], v->n),
        off = inside((int)b->global[XW12_QRS_OFF], v->n);
    float steep = 0, high = 0, level = x[on];
    for (int i = on; i <= off; i++) {
        steep = fabsf(d[i]) > steep ? fabsf(d[i]) : steep;
        high = fabsf(x[i] - level) > high ? fabsf(x[i] - level) : high;
    }
    int edge = dir < 0 ? on : off, back = dir < 0 ? off : on;
    int outer = inside(edge + dir * XW12_MS(24), v->n),
        limit = inside(edge + dir * XW12_MS(50), v->n);
    if (dir < 0 && b->paced) {
        int pulse = inside(b->pulse + XW12_MS(12), v->n);
        pulse = pulse > on ? on : pulse;
        outer = outer < pulse ? pulse : outer;
        limit = limit < pulse ? pulse : limit;
    }
    int start = outer;
    while ((back - start) * dir < 0 && fabsf(d[start]) < 0.33f * steep)
        start -= dir;
    for (int k = 0; k < XW12_LEVELS; k++)
        f[k] = walk(d, start, dir,
                    dir < 0 ? (limit < start ? limit : start) : (limit > start ? limit : start),
                    PART[k] * steep, XW12_MS(8));
    /* Height against the level just outside. */
    float outside = x[outer];
    for (int k = 0; k < 2; k++) {
        int i = outer;
        float need = (k ? 0.12f : 0.05f) * high;
        while ((back - i) * dir < 0 && fabsf(x[i] - outside) < need)
            i -= dir;
        f[XW12_LEVELS + k] = (float)i;
    }
    for (int k = 0; k < 2; k++)
        f[6 + k] = inward(d, limit, back, (k ? 0.2f : 0.1f) * steep);
}

static void qrs_global(const struct xw12_view *v, const struct xw12_beat *b, int dir, float *f)
{
    static const float PART[XW12_LEVELS] = {0.04f, 0.08f, 0.15f, 0.3f};
    int on = inside((int)b->global[XW12_QRS_ON], v->n),
        off = inside((int)b->global[XW12_QRS_OFF], v->n);
    float steep = 0;
    for (int i = on; i <= off; i++)
        steep = v->g[i] > steep ? v->g[i] : steep;
    int start = dir < 0 ? on : off, back = dir < 0 ? off : on;
    while ((back - start) * dir < 0 && v->g[start] < 0.4f * steep)
        start -= dir;
    int limit = inside((dir < 0 ? on : off) + dir * XW12_MS(50), v->n);
    for (int k = 0; k < XW12_LEVELS; k++)
        f[k] = walk(v->g, start, dir, limit, PART[k] * steep, XW12_MS(10));
}

/* ---- P and T ---- */

/* The wave's own top in this lead: where it stands out most, near the common top. */
static int own_top(const struct xw12_view *v, unsigned lead, int top, int reach, int w,
                   float *ret_height)
{
    int best = inside(top, v->n);
    float height = 0;
    for (int t = inside(top - reach, v->n); t <= inside(top + reach, v->n); t++) {
        float h = fabsf(xw12_lead_hump(v, lead, t, w));
        if (h > height) {
            height = h;
            best = t;
        }
    }
    *ret_height = height;
    return best;
}

/* From the top outwards to `limit`: steepest place of the flank, thresholds of slope beyond it, the
 * tangent's foot, and the corner that makes the largest trapezium. */
static bool wave_candidates(const struct xw12_view *v, unsigned lead, int top, int common,
                            int limit, int dir, float *f)
{
    static const float PART[XW12_LEVELS] = {0.15f, 0.3f, 0.45f, 0.65f};
    const float *d = xw12_row(v->dslow, v, lead), *x = xw12_row(v->slow, v, lead);
    limit = inside(limit, v->n);
    if ((limit - top) * dir < 6)
        return false;
    int steep = top + dir;
    for (int i = top + dir; i != limit; i += dir)
        if (fabsf(d[i]) > fabsf(d[steep]) && (x[i] - x[top]) * d[i] * (float)dir > 0)
            steep = i;
    float slope = fabsf(d[steep]);
    if (slope < 1e-4f)
        return false;
    for (int k = 0; k < XW12_LEVELS; k++)
        f[k] = walk(d, steep, dir, limit, PART[k] * slope, XW12_MS(12));
    float foot = x[limit];
    f[4] = (float)steep + (foot - x[steep]) / (d[steep] * 2);
    if ((f[4] - (float)steep) * (float)dir < 0)
        f[4] = (float)steep;
    float best = -1;
    f[5] = (float)steep;
    for (int i = steep; i != limit; i += dir) {
        float area =
            fabsf(x[steep] - x[i]) * (float)(2 * (limit - steep) * dir - (i - steep) * dir);
        if ((x[steep] - x[i]) * (x[top] - x[steep]) >= 0 && area > best) {
            best = area;
            f[5] = (float)i;
        }
    }
    /* A second phase beyond the top's flank counts from outside. */
    float any = 0;
    for (int i = common - dir * XW12_MS(60); i != limit && (limit - i) * dir > 0; i += dir)
        any = fabsf(d[inside(i, v->n)]) > any ? fabsf(d[inside(i, v->n)]) : any;
    for (int k = 0; k < 2; k++)
        f[6 + k] = inward(d, limit, top, (k ? 0.45f : 0.25f) * any);
    for (int k = 0; k < XW12_OWN; k++)
        f[k] = dir < 0 ? xw12_clampf(f[k], (float)limit, (float)top)
                       : xw12_clampf(f[k], (float)top, (float)limit);
    return true;
}

static void wave_global(const struct xw12_view *v, int top, int limit, int dir, float *f)
{
    static const float PART[XW12_LEVELS] = {0.2f, 0.35f, 0.5f, 0.7f};
    limit = inside(limit, v->n);
    int steep = top;
    for (int i = top; (limit - i) * dir > 0; i += dir)
        if (v->gs[i] > v->gs[steep])
            steep = i;
    for (int k = 0; k < XW12_LEVELS; k++)
        f[k] = walk(v->gs, steep, dir, limit, PART[k] * v->gs[steep], XW12_MS(12));
}

/* ---- all together ---- */

/* How far outwards a boundary may lie. */
static int wave_limit(const struct xw_ecg12 *e, const struct xw12_view *v,
                      const struct xw12_beat *beats, int i, int n, enum xw12_bound kind)
{
    const struct xw12_beat *b = &beats[i];
    int limit;
    switch (kind) {
    case XW12_P_ON:
        limit = (int)b->p_peak - XW12_MS(100);
        if (i && beats[i - 1].has_t && limit < (int)beats[i - 1].t_peak + XW12_MS(40))
            limit = (int)beats[i - 1].t_peak + XW12_MS(40);
        return inside(limit, v->n);
    case XW12_P_OFF:
        limit = (int)b->p_peak + XW12_MS(110);
        if (isfinite(b->global[XW12_QRS_ON]) && limit > (int)b->global[XW12_QRS_ON] &&
            b->r > (int)b->p_peak)
            limit = (int)b->global[XW12_QRS_ON];
        return inside(limit, v->n);
    case XW12_T_ON:
        limit = (int)b->t_peak - XW12_MS(220);
        return inside(limit < (int)b->global[XW12_QRS_OFF] + 2 ? (int)b->global[XW12_QRS_OFF] + 2
                                                               : limit,
                      v->n);
    default: {
        int next = i + 1 < n ? (int)beats[i + 1].global[XW12_QRS_ON] - XW12_MS(10) : v->n - 2;
        if (i + 1 >= n && v == &e->med)
            next = b->r + e->rr_n - XW12_MS(60);
        const struct xw12_beat *owner = i + 1 < n ? &beats[i + 1] : v == &e->med ? b : NULL;
        if (owner && owner->has_p)
            next = (int)owner->p_peak - XW12_MS(30) + (owner == b ? e->rr_n : 0);
        limit = (int)b->t_peak + XW12_MS(240);
        return inside(limit < next ? limit : next, v->n);
    }
    }
}

static bool wanted(const struct xw12_beat *b, enum xw12_bound kind)
{
    return kind == XW12_P_ON || kind == XW12_P_OFF   ? b->has_p
           : kind == XW12_T_ON || kind == XW12_T_OFF ? b->has_t
                                                     : true;
}

enum {
    LEADS_AT = XW12_OWN,
    BEATS_AT = 2 * XW12_OWN,
    GLOBAL_AT = 3 * XW12_OWN,
    EXTRA_AT = GLOBAL_AT + XW12_LEVELS
};

static void collect(struct xw_ecg12 *e, const struct xw12_view *v, const struct xw12_beat *beats,
                    int i, int n, enum xw12_bound kind)
{
    const struct xw12_beat *b = &beats[i];
    int dir = kind == XW12_P_ON || kind == XW12_QRS_ON || kind == XW12_T_ON ? -1 : 1;
    bool qrs = kind == XW12_QRS_ON || kind == XW12_QRS_OFF,
         p = kind == XW12_P_ON || kind == XW12_P_OFF;
    /* What a usual heart of this rate does; only a hint. */
    float expected = kind == XW12_T_OFF  ? 0.40f * XW12_HZ * sqrtf((float)e->rr_n / XW12_HZ)
                     : kind == XW12_T_ON ? 0.20f * XW12_HZ * sqrtf((float)e->rr_n / XW12_HZ)
                     : p                 ? -0.1f * XW12_HZ
                                         : 0;
    int top = p ? (int)b->p_peak : (int)b->t_peak,
        limit = qrs ? 0 : wave_limit(e, v, beats, i, n, kind);
    float common[XW12_LEVELS], median[XW12_OWN], heights[XW12_LEADS], tops[XW12_LEADS], largest = 0;
    bool good[XW12_LEADS] = {false};
    if (qrs)
        qrs_global(v, b, dir, common);
    else
        wave_global(v, inside(top, v->n), limit, dir, common);
    for (unsigned l = 0; l < v->leads_n; l++) {
        float *f = e->features.value[i][l];
        heights[l] = 1;
        tops[l] = 0;
        if (qrs) {
            qrs_candidates(v, l, b, dir, f);
            good[l] = true;
        } else {
            int own = own_top(v, l, top, XW12_MS(p ? 20 : 50), XW12_MS(p ? 50 : 100), &heights[l]);
            tops[l] = (float)(own - top);
            good[l] = wave_candidates(v, l, own, top, limit, dir, f);
        }
        if (v->use >> l & 1)
            largest = heights[l] > largest ? heights[l] : largest;
    }
    for (unsigned l = 0; l < v->leads_n; l++)
        good[l] = good[l] && (qrs || heights[l] > 0.12f * largest);
    for (int k = 0; k < XW12_OWN; k++) {
        float values[XW12_LEADS];
        int used = 0;
        for (unsigned l = 0; l < v->leads_n; l++)
            if (good[l] && (v->use >> l & 1))
                values[used++] = e->features.value[i][l][k];
        median[k] = used ? xw12_median_of(values, used) : common[k % XW12_LEVELS];
    }
    for (unsigned l = 0; l < v->leads_n; l++) {
        float *f = e->features.value[i][l];
        for (int k = 0; k < XW12_OWN; k++) {
            f[LEADS_AT + k] = median[k];
            if (!good[l])
                f[k] = median[k];
        }
        memcpy(f + GLOBAL_AT, common, sizeof(common));
        float low = f[0], high = f[0];
        for (int k = 1; k < XW12_OWN; k++) {
            low = f[k] < low ? f[k] : low;
            high = f[k] > high ? f[k] : high;
        }
        f[EXTRA_AT] = largest > 0 ? 2 * sqrtf(heights[l] / largest) - 1 : 0;
        f[EXTRA_AT + 1] = tops[l];
        f[EXTRA_AT + 2] = (float)b->r + expected;
        f[EXTRA_AT + 3] = high - low;
        f[EXTRA_AT + 4] = b->paced ? 1 : 0;
    }
}

/* The median of a lead's candidates over beats of one shape, at the place of this beat. */
static void over_beats(struct xw_ecg12 *e, const struct xw12_view *v, const struct xw12_beat *beats,
                       int n, enum xw12_bound kind)
{
    bool p = kind == XW12_P_ON || kind == XW12_P_OFF;
    for (unsigned l = 0; l < v->leads_n; l++)
        for (int k = 0; k < XW12_OWN; k++) {
            float values[XW12_BEATS];
            int used = 0;
            for (int i = 0; i < n; i++)
                if (beats[i].dominant && wanted(&beats[i], kind))
                    values[used++] =
                        e->features.value[i][l][k] - (p ? beats[i].p_peak : (float)beats[i].r);
            float median = used ? xw12_median_of(values, used) : 0;
            for (int i = 0; i < n; i++) {
                float *f = e->features.value[i][l];
                f[BEATS_AT + k] = beats[i].dominant && used
                                      ? median + (p ? beats[i].p_peak : (float)beats[i].r)
                                      : f[k];
            }
        }
}

/* Over leads: not the very first onset, which may be noise, but of ten or more what lies between
 * the third and the fourth, of six or more the third; likewise the ends. Of T the quarter. So two
 * noisy leads move nothing. */
static float rank_over_leads(const struct xw12_view *v, const struct xw12_beat *b,
                             enum xw12_bound kind)
{
    float values[XW12_LEADS];
    int used = 0;
    for (unsigned l = 0; l < v->leads_n; l++)
        if (v->use >> l & 1)
            values[used++] = b->lead[l][kind];
    if (!used)
        return NAN;
    (void)xw12_median_of(values, used);
    bool onset = kind == XW12_P_ON || kind == XW12_QRS_ON || kind == XW12_T_ON;
    bool t = kind == XW12_T_ON || kind == XW12_T_OFF;
    int rank = t ? used / 4 : used >= 6 ? 2 : used >= 3 ? 1 : 0;
    int next = used >= 10 && !t && kind != XW12_P_OFF ? rank + 1 : rank;
    return onset ? 0.5f * (values[rank] + values[next])
                 : 0.5f * (values[used - 1 - rank] + values[used - 1 - next]);
}

static float answer(const struct xw_ecg12 *e, const struct xw12_view *v,
                    const struct xw12_beat *beats, int i, int n, unsigned lead,
                    enum xw12_bound kind)
{
    float look[XW12_LOOK_NEAR];
    float reference = xw12_bound_look(e, v, beats, i, n, lead, kind, look);
    float first = xw12_bound_ask(&e->trees[kind].round[0], look);
    xw12_bound_look_near(v, lead, kind, reference, first, look);
    return reference + first + xw12_bound_ask(&e->trees[kind].round[1], look);
}

void xw12_bound(struct xw_ecg12 *e, const struct xw12_view *v, struct xw12_beat *beats, int beats_n,
                enum xw12_bound kind)
{
    for (int i = 0; i < beats_n; i++)
        if (wanted(&beats[i], kind))
            collect(e, v, beats, i, beats_n, kind);
    over_beats(e, v, beats, beats_n, kind);
    if (e->on_features && v == &e->rec)
        e->on_features(e->user, e, kind);
    for (int i = 0; i < beats_n; i++) {
        struct xw12_beat *b = &beats[i];
        for (unsigned l = 0; l < v->leads_n; l++) {
            b->lead[l][kind] = wanted(b, kind) ? answer(e, v, beats, i, beats_n, l, kind) : NAN;
        }
        if (kind != XW12_QRS_ON && kind != XW12_QRS_OFF)
            b->global[kind] = wanted(b, kind) ? rank_over_leads(v, b, kind) : NAN;
    }
}

void xw12_delineate(struct xw_ecg12 *e, struct xw12_view *v, struct xw12_beat *beats, int beats_n)
{
    float *work[2] = {e->work[0], e->work[1]};
    for (int i = 0; i < beats_n; i++)
        xw12_qrs_reference(v, &beats[i]);
    xw12_bound(e, v, beats, beats_n, XW12_QRS_ON);
    xw12_bound(e, v, beats, beats_n, XW12_QRS_OFF);
    xw12_view_blank(v, beats, beats_n, work);
    xw12_ventricles(e, v, beats, beats_n);
    if (v == &e->rec)
        xw12_atria(e, v);
    for (enum xw12_bound kind = XW12_P_ON; kind < XW12_BOUNDS; kind++)
        if (kind != XW12_QRS_ON && kind != XW12_QRS_OFF)
            xw12_bound(e, v, beats, beats_n, kind);
    for (int i = 0; i < beats_n; i++) {
        beats[i].global[XW12_QRS_ON] = rank_over_leads(v, &beats[i], XW12_QRS_ON);
        beats[i].global[XW12_QRS_OFF] = rank_over_leads(v, &beats[i], XW12_QRS_OFF);
    }
}
