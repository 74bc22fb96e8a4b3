/* How much the figures of a recording vary from beat to beat, and how much a mark that lies a
 * little elsewhere would change them. */
#include "dsp/ecg12/compare_in.h"

#include <string.h>

struct sum {
    double n, x, xx;
};

static void add(struct sum *s, float x)
{
    if (!isfinite(x))
        return;
    s->n += 1;
    s->x += (double)x;
    s->xx += (double)x * (double)x;
}

static float sd_of(const struct sum *s)
{
    if (s->n < 3)
        return NAN;
    double mean = s->x / s->n;
    return (float)sqrt(fmax(0, (s->xx / s->n - mean * mean) * s->n / (s->n - 1)));
}

/* Marks of the median beat, samples from its first; -1: not known. */
struct marks {
    int on, off, p_on, p_off, t_on, t_off;
};

static int index_of(float at)
{
    return isfinite(at) ? (int)lrintf(at) : -1;
}

static struct marks marks_of(const float *at)
{
    return (struct marks){.on = index_of(at[XW12_QRS_ON]),
                          .off = index_of(at[XW12_QRS_OFF]),
                          .p_on = index_of(at[XW12_P_ON]),
                          .p_off = index_of(at[XW12_P_OFF]),
                          .t_on = index_of(at[XW12_T_ON]),
                          .t_off = index_of(at[XW12_T_OFF])};
}

/* A beat of a row: x[k] is sample k of the median beat's time; NAN beyond the record. */
struct piece {
    const float *x;
    int from, n;
};

static float at(const struct piece *p, int k)
{
    int i = p->from + k;
    return k >= 0 && i >= 0 && i < p->n ? p->x[i] : NAN;
}

static float level(const struct piece *p, int on)
{
    float sum = 0;
    int used = 0;
    for (int k = on - XW12_MS(20); k <= on - XW12_MS(4); k++, used++)
        sum += at(p, k);
    return used ? sum / (float)used : NAN;
}

static float extreme(const struct piece *p, int from, int to, float sign)
{
    float best = -INFINITY;
    for (int k = from; k <= to; k++)
        if (!(sign * at(p, k) <= best))
            best = sign * at(p, k);
    return sign * best;
}

static float area(const struct piece *p, int from, int to, float base)
{
    float sum = 0;
    if (from < 0 || to < from)
        return NAN;
    for (int k = from; k <= to; k++)
        sum += at(p, k) - base;
    return sum;
}

/* Heights of one beat at the median beat's marks. */
static void heights(const struct piece *p, const struct marks *m, const struct xw_ecg12_lead_row *r,
                    float out[XW_ECG12_HEIGHT_N])
{
    float base = level(p, m->on);
    int t = index_of(r->marks.t_peak / 2), top = index_of(r->marks.p_peak / 2);
    out[XW_ECG12_HEIGHT_R] = extreme(p, m->on, m->off, 1) - base;
    out[XW_ECG12_HEIGHT_Q] = out[XW_ECG12_HEIGHT_S] = extreme(p, m->on, m->off, -1) - base;
    out[XW_ECG12_HEIGHT_ST_J] = at(p, m->off) - base;
    out[XW_ECG12_HEIGHT_ST_60] = at(p, m->off + XW12_MS(60)) - base;
    out[XW_ECG12_HEIGHT_T] = at(p, t) - base;
    out[XW_ECG12_HEIGHT_P] = at(p, top) - base;
}

static void lead_spread(const struct xw_ecg12 *e, struct xw12_side *s, unsigned l)
{
    struct marks m = marks_of(e->mid.global);
    struct sum sum[XW_ECG12_HEIGHT_N];
    memset(sum, 0, sizeof(sum));
    for (int b = 0; b < e->beats_n; b++) {
        if (!e->beat[b].dominant)
            continue;
        struct piece p = {xw12_row(e->rec.fine, &e->rec, l), e->beat[b].r - XW_ECG12_MEDIAN_R,
                          e->rec.n};
        float value[XW_ECG12_HEIGHT_N];
        heights(&p, &m, &s->result.leads[l], value);
        for (int k = 0; k < XW_ECG12_HEIGHT_N; k++)
            add(&sum[k], value[k]);
    }
    for (int k = 0; k < XW_ECG12_HEIGHT_N; k++)
        s->height_sd_uv[l][k] = sd_of(&sum[k]);
}

/* What moves when a mark moves by `by` samples, half of it. */
static float moved(const struct piece *p, int mark, int by)
{
    float half = 0.5f * fabsf(at(p, mark + by) - at(p, mark - by));
    return isfinite(half) ? half : 0;
}

/* The median beat's own slopes turn an uncertain place into an uncertain height. */
static void lead_places(const struct xw_ecg12 *e, struct xw12_side *s, unsigned l)
{
    struct marks m = marks_of(e->mid.global);
    struct piece p = {xw12_row(e->med.fine, &e->med, l), 0, e->med.n};
    const int on = (int)(XW12_REPEAT_ON_MS / 2), off = (int)(XW12_REPEAT_OFF_MS / 2);
    float base = 0.5f * fabsf(level(&p, m.on + on) - level(&p, m.on - on));
    base = isfinite(base) ? base : 0;
    for (int k = 0; k < XW_ECG12_HEIGHT_N; k++)
        s->place_uv[l][k] = base;
    s->place_uv[l][XW_ECG12_HEIGHT_ST_J] = hypotf(base, moved(&p, m.off, off));
    s->place_uv[l][XW_ECG12_HEIGHT_ST_60] = hypotf(base, moved(&p, m.off + XW12_MS(60), off));
    /* The line under a P wave hangs on both of its ends. */
    struct marks own = marks_of(e->mid.lead[l]);
    const int end = (int)(XW12_REPEAT_MARK_P_MS / 2);
    s->place_uv[l][XW_ECG12_HEIGHT_P] =
        own.p_on < 0 || own.p_off < 0
            ? 0
            : 0.5f * hypotf(moved(&p, own.p_on, end), moved(&p, own.p_off, end));
}

/* Axes of the single beats about the median beat's. */
static void axes(const struct xw_ecg12 *e, struct xw12_side *s)
{
    const struct xw_ecg12_result *r = &s->result;
    int row[2] = {xw12_usable(r, XW_ECG_LEAD_I), xw12_usable(r, XW_ECG_LEAD_AVF)};
    const float whole[3] = {r->p_axis_deg, r->qrs_axis_deg, r->t_axis_deg};
    struct sum sum[3];
    memset(sum, 0, sizeof(sum));
    for (int b = 0; b < e->beats_n && row[0] >= 0 && row[1] >= 0; b++) {
        float part[3][2];
        if (!e->beat[b].dominant)
            continue;
        for (int k = 0; k < 2; k++) {
            struct marks m = marks_of(e->mid.lead[row[k]]), all = marks_of(e->mid.global);
            struct piece p = {xw12_row(e->rec.fine, &e->rec, (unsigned)row[k]),
                              e->beat[b].r - XW_ECG12_MEDIAN_R, e->rec.n};
            float base = level(&p, all.on);
            part[0][k] = m.p_on < 0
                             ? NAN
                             : area(&p, m.p_on, m.p_off, 0.5f * (at(&p, m.p_on) + at(&p, m.p_off)));
            part[1][k] = area(&p, all.on, all.off, base);
            part[2][k] = area(&p, m.t_on, m.t_off, base);
        }
        for (int k = 0; k < 3; k++) {
            float degrees =
                atan2f(part[k][1] * 1.1547f, part[k][0]) * (float)(180 / M_PI) - whole[k];
            add(&sum[k], degrees - 360 * roundf(degrees / 360));
        }
    }
    for (int k = 0; k < 3; k++)
        s->axis_sd_deg[k] = sd_of(&sum[k]);
}

void xw12_side_take(const struct xw_ecg12 *e, struct xw12_side *s)
{
    struct sum p = {0, 0, 0};
    for (unsigned l = 0; l < XW12_LEADS; l++)
        for (int k = 0; k < XW_ECG12_HEIGHT_N; k++)
            s->height_sd_uv[l][k] = s->place_uv[l][k] = NAN;
    s->p_sd_ms = s->axis_sd_deg[0] = s->axis_sd_deg[1] = s->axis_sd_deg[2] = NAN;
    if (s->result.verdict == XW_ECG12_UNACCEPTABLE)
        return;
    for (int b = 0; b < e->beats_n; b++)
        if (e->beat[b].dominant)
            add(&p, 2 * (e->beat[b].global[XW12_P_OFF] - e->beat[b].global[XW12_P_ON]));
    s->p_sd_ms = sd_of(&p);
    axes(e, s);
    for (unsigned l = 0; l < s->result.leads_n; l++)
        if (s->result.leads[l].usable) {
            lead_spread(e, s, l);
            lead_places(e, s, l);
        }
}
