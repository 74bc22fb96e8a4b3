/* Figures from the median beat: a table of each lead, intervals, axes. */
#include "dsp/ecg12/internal.h"

#include <string.h>

enum { WAVES = 8 };

#define WAVE_UV 20.0f /* a deflection of the QRS is one from here on (CSE) … */
#define WAVE_MS 6     /* … and lasts so long */

struct deflection {
    float top_uv;
    int top, from, to;
};

static int clamp_index(float t, int n)
{
    int i = (int)lrintf(t);
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static float level_before(const float *x, int on)
{
    float sum = 0;
    int used = 0;
    for (int i = on - XW12_MS(20); i <= on - XW12_MS(4); i++)
        if (i >= 0) {
            sum += x[i];
            used++;
        }
    return used ? sum / (float)used : 0;
}

/* Stretches of one sign within the QRS. */
static int split(const float *x, float level, int on, int off, struct deflection *waves)
{
    int n = 0;
    for (int i = on; i <= off;) {
        bool up = x[i] > level;
        struct deflection d = {.from = i, .top = i};
        for (; i <= off && (x[i] > level) == up; i++)
            if (fabsf(x[i] - level) >= fabsf(x[d.top] - level))
                d.top = i;
        d.to = i;
        d.top_uv = x[d.top] - level;
        if (fabsf(d.top_uv) < WAVE_UV || 2 * (d.to - d.from) < WAVE_MS)
            continue;
        if (n && waves[n - 1].top_uv * d.top_uv > 0) {
            if (fabsf(d.top_uv) > fabsf(waves[n - 1].top_uv)) {
                waves[n - 1].top = d.top;
                waves[n - 1].top_uv = d.top_uv;
            }
            waves[n - 1].to = d.to;
        } else if (n < WAVES) {
            waves[n++] = d;
        }
    }
    return n;
}

static void name_waves(const struct deflection *waves, int n, int on, struct xw_ecg12_lead_row *row)
{
    int ups = 0, downs = 0; /* downs behind the first R */
    for (int k = 0; k < n; k++) {
        float uv = waves[k].top_uv, ms = (float)(2 * (waves[k].to - waves[k].from));
        if (uv > 0) {
            if (ups++ == 0) {
                row->r_uv = uv;
                row->r_ms = ms;
            } else if (ups == 2) {
                row->r2_uv = uv;
                row->r2_ms = ms;
            }
            row->r_peak_ms = (float)(2 * (waves[k].top - on));
        } else if (!ups) {
            row->q_uv = uv;
            row->q_ms = ms;
        } else if (downs++ == 0) {
            row->s_uv = uv;
            row->s_ms = ms;
        } else if (downs == 2) {
            row->s2_uv = uv;
            row->s2_ms = ms;
        }
    }
}

/* Turns of at least `least` µV within the QRS. */
static int turns(const float *x, int on, int off, float least)
{
    int count = 0, direction = 0;
    float low = x[on], high = x[on];
    for (int i = on; i <= off; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
        if (direction >= 0 && high - x[i] > least) {
            count += direction > 0;
            direction = -1;
            low = x[i];
        } else if (direction <= 0 && x[i] - low > least) {
            count += direction < 0;
            direction = 1;
            high = x[i];
        }
    }
    return count;
}

static void qrs_row(const float *x, float level, int on, int off, struct xw_ecg12_lead_row *row)
{
    struct deflection waves[WAVES];
    int n = split(x, level, on, off, waves);
    row->r_peak_ms = NAN;
    name_waves(waves, n, on, row);
    float low = 0, high = 0, area = 0;
    for (int i = on; i <= off; i++) {
        float y = x[i] - level;
        low = y < low ? y : low;
        high = y > high ? y : high;
        area += y * 0.002f;
    }
    row->qrs_area_uvs = area;
    row->qrs_pp_uv = high - low;
    float least = 0.06f * row->qrs_pp_uv > 40 ? 0.06f * row->qrs_pp_uv : 40;
    row->notched = turns(x, on, off, least) > n;
}

/* Largest deflection from the line a-z, and the largest of the other sign. Returns the area. */
static float wave_row(const float *x, int from, int to, float a, float z, float *ret_main,
                      float *ret_other, int *ret_top)
{
    float low = 0, high = 0, area = 0;
    int low_at = from, high_at = from;
    for (int i = from; i <= to; i++) {
        float y = x[i] - a - (z - a) * (to > from ? (float)(i - from) / (float)(to - from) : 0);
        area += y * 0.002f;
        if (y < low) {
            low = y;
            low_at = i;
        }
        if (y > high) {
            high = y;
            high_at = i;
        }
    }
    bool up = high >= -low;
    *ret_main = up ? high : low;
    *ret_other = up ? low : high;
    *ret_top = up ? high_at : low_at;
    if (fabsf(*ret_other) < 25 || fabsf(*ret_other) < 0.15f * fabsf(*ret_main))
        *ret_other = 0;
    return area;
}

static float half_width(const float *x, float level, int top, int from, int to)
{
    float half = 0.5f * (x[top] - level);
    int a = top, z = top;
    while (a > from && (x[a] - level) / half > 1)
        a--;
    while (z < to && (x[z] - level) / half > 1)
        z++;
    return (float)(2 * (z - a));
}

struct areas {
    float p, qrs, t;
};

static void clear_row(struct xw_ecg12_lead_row *row)
{
    row->p_uv = row->p2_uv = row->q_uv = row->r_uv = row->s_uv = row->r2_uv = row->s2_uv = NAN;
    row->q_ms = row->r_ms = row->s_ms = row->r2_ms = row->s2_ms = row->p_ms = row->qrs_ms =
        row->r_peak_ms = NAN;
    row->st_j_uv = row->st_60_uv = row->st_80_uv = row->st_slope_uv_s = row->t_uv = row->t2_uv =
        row->t_width_ms = NAN;
    row->qrs_area_uvs = row->qrs_pp_uv = NAN;
}

static void measure_row(const struct xw_ecg12 *e, unsigned l, struct xw_ecg12_lead_row *row,
                        struct areas *areas)
{
    const struct xw12_view *m = &e->med;
    const struct xw12_beat *b = &e->mid;
    const float *x = xw12_row(m->fine, m, l);
    int on = clamp_index(b->global[XW12_QRS_ON], m->n),
        off = clamp_index(b->global[XW12_QRS_OFF], m->n);
    float level = level_before(x, on);
    qrs_row(x, level, on, off, row);
    areas->qrs = row->qrs_area_uvs;
    row->qrs_ms = 2 * (b->lead[l][XW12_QRS_OFF] - b->lead[l][XW12_QRS_ON]);
    row->st_j_uv = x[off] - level;
    row->st_60_uv = x[clamp_index((float)(off + XW12_MS(60)), m->n)] - level;
    row->st_80_uv = x[clamp_index((float)(off + XW12_MS(80)), m->n)] - level;
    row->st_slope_uv_s = (row->st_80_uv - row->st_j_uv) / 0.08f;
    int top;
    if (b->has_t && isfinite(b->lead[l][XW12_T_ON]) && isfinite(b->lead[l][XW12_T_OFF])) {
        int from = clamp_index(b->lead[l][XW12_T_ON], m->n),
            to = clamp_index(b->lead[l][XW12_T_OFF], m->n);
        areas->t = wave_row(x, from, to, level, level, &row->t_uv, &row->t2_uv, &top);
        row->t_width_ms = fabsf(row->t_uv) > WAVE_UV ? half_width(x, level, top, from, to) : NAN;
        row->marks.t_peak = (float)(2 * top);
    }
    if (b->has_p && isfinite(b->lead[l][XW12_P_ON]) && isfinite(b->lead[l][XW12_P_OFF])) {
        int from = clamp_index(b->lead[l][XW12_P_ON], m->n),
            to = clamp_index(b->lead[l][XW12_P_OFF], m->n);
        areas->p = wave_row(x, from, to, x[from], x[to], &row->p_uv, &row->p2_uv, &top);
        row->p_ms = 2 * (b->lead[l][XW12_P_OFF] - b->lead[l][XW12_P_ON]);
        row->marks.p_peak = (float)(2 * top);
    }
}

/* Frontal axis from the areas in I and aVF; NAN where there is hardly any. */
static float axis(float i, float avf, float least)
{
    float y = avf * 1.1547f; /* 2 / sqrt 3: augmented leads are smaller */
    if (!(hypotf(i, y) > least))
        return NAN;
    float degrees = atan2f(y, i) * (float)(180 / M_PI);
    return degrees <= -180 ? 180 : degrees;
}

int xw12_usable(const struct xw_ecg12_result *r, enum xw_ecg_lead lead)
{
    for (unsigned l = 0; l < r->leads_n; l++)
        if (r->leads[l].lead == lead && r->leads[l].usable)
            return (int)l;
    return -1;
}

static void rhythm_figures(const struct xw_ecg12 *e, struct xw_ecg12_result *r)
{
    double sum = 0, square = 0;
    int n = e->beats_n - 1;
    r->rr_min_ms = INFINITY;
    r->rr_max_ms = 0;
    for (int b = 1; b < e->beats_n; b++) {
        float rr = 2 * (float)(e->beat[b].r - e->beat[b - 1].r);
        sum += (double)rr;
        square += (double)rr * (double)rr;
        r->rr_min_ms = rr < r->rr_min_ms ? rr : r->rr_min_ms;
        r->rr_max_ms = rr > r->rr_max_ms ? rr : r->rr_max_ms;
    }
    r->rr_ms = (float)(sum / n);
    r->rr_sd_ms = (float)sqrt(fmax(0, square / n - sum / n * sum / n));
    r->hr_bpm = 60000 / r->rr_ms;
    r->irregular = e->af_score > 0.1f;
    r->p_coherence = e->coherence;
    r->p_present = e->mid.has_p;
}

/* Spread of an interval over the dominant beats: of one measurement, not of their mean. */
static float spread(const struct xw_ecg12 *e, enum xw12_bound from, enum xw12_bound to)
{
    double sum = 0, square = 0;
    int n = 0;
    for (int b = 0; b < e->beats_n; b++) {
        float ms = 2 * (e->beat[b].global[to] - e->beat[b].global[from]);
        if (!e->beat[b].dominant || !isfinite(ms))
            continue;
        sum += (double)ms;
        square += (double)ms * (double)ms;
        n++;
    }
    return n > 2 ? (float)sqrt(fmax(0, square / n - sum / n * sum / n)) : NAN;
}

static void intervals(const struct xw_ecg12 *e, struct xw_ecg12_result *r)
{
    const float *g = e->mid.global;
    r->qrs_ms = 2 * (g[XW12_QRS_OFF] - g[XW12_QRS_ON]);
    r->wide_qrs = r->qrs_ms >= 120;
    r->p_ms = 2 * (g[XW12_P_OFF] - g[XW12_P_ON]);
    r->pr_ms = 2 * (g[XW12_QRS_ON] - g[XW12_P_ON]);
    r->qt_ms = 2 * (g[XW12_T_OFF] - g[XW12_QRS_ON]);
    r->jt_ms = 2 * (g[XW12_T_OFF] - g[XW12_QRS_OFF]);
    r->pr_sd_ms = spread(e, XW12_P_ON, XW12_QRS_ON);
    r->qrs_sd_ms = spread(e, XW12_QRS_ON, XW12_QRS_OFF);
    r->qt_sd_ms = spread(e, XW12_QRS_ON, XW12_T_OFF);
    float rr_s = r->rr_ms / 1000;
    r->qtc_bazett_ms = r->qt_ms / sqrtf(rr_s);
    r->qtc_fridericia_ms = r->qt_ms / cbrtf(rr_s);
    r->qtc_framingham_ms = r->qt_ms + 154 * (1 - rr_s);
    r->qtc_hodges_ms = r->qt_ms + 1.75f * (r->hr_bpm - 60);
}

void xw12_measure(struct xw_ecg12 *e, struct xw_ecg12_result *r)
{
    struct areas areas[XW12_LEADS];
    for (unsigned l = 0; l < XW12_LEADS; l++)
        areas[l] = (struct areas){NAN, NAN, NAN};
    for (unsigned l = 0; l < e->leads_n; l++) {
        if (!r->leads[l].usable || !isfinite(e->mid.global[XW12_QRS_ON]))
            continue;
        struct xw_ecg12_lead_row *row = &r->leads[l];
        row->q_uv = row->r_uv = row->s_uv = row->r2_uv = row->s2_uv = 0;
        row->q_ms = row->r_ms = row->s_ms = row->r2_ms = row->s2_ms = 0;
        measure_row(e, l, row, &areas[l]);
        memcpy(r->median_uv[l], xw12_row(e->med.x, &e->med, l), sizeof(float) * XW_ECG12_MEDIAN_N);
    }
    rhythm_figures(e, r);
    intervals(e, r);
    int i = xw12_usable(r, XW_ECG_LEAD_I), avf = xw12_usable(r, XW_ECG_LEAD_AVF);
    if (i >= 0 && avf >= 0) {
        r->qrs_axis_deg = axis(areas[i].qrs, areas[avf].qrs, 1.5f);
        r->p_axis_deg = axis(areas[i].p, areas[avf].p, 0.4f);
        r->t_axis_deg = axis(areas[i].t, areas[avf].t, 1.5f);
    }
    int v1 = xw12_usable(r, XW_ECG_LEAD_V1), v5 = xw12_usable(r, XW_ECG_LEAD_V5);
    if (v5 >= 0)
        r->rv5_mv = fmaxf(r->leads[v5].r_uv, r->leads[v5].r2_uv) / 1000;
    if (v1 >= 0)
        r->sv1_mv = -fminf(r->leads[v1].q_uv, fminf(r->leads[v1].s_uv, r->leads[v1].s2_uv)) / 1000;
    r->rv5_sv1_mv = r->rv5_mv + r->sv1_mv;
}

void xw12_measure_none(struct xw_ecg12_result *r)
{
    r->hr_bpm = r->rr_ms = r->rr_sd_ms = r->rr_min_ms = r->rr_max_ms = NAN;
    r->p_ms = r->pr_ms = r->qrs_ms = r->qt_ms = r->jt_ms = r->pr_sd_ms = r->qrs_sd_ms =
        r->qt_sd_ms = NAN;
    r->qtc_bazett_ms = r->qtc_fridericia_ms = r->qtc_framingham_ms = r->qtc_hodges_ms = NAN;
    r->p_axis_deg = r->qrs_axis_deg = r->t_axis_deg = r->rv5_mv = r->sv1_mv = r->rv5_sv1_mv = NAN;
    r->p_coherence = NAN;
    for (unsigned l = 0; l < XW12_LEADS; l++)
        clear_row(&r->leads[l]);
}
