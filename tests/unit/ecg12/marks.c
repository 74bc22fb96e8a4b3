#include "unit/ecg12/marks.h"

#include <math.h>
#include <stddef.h>

static bool none(const struct xw_ecg12_marks *m)
{
    const float all[] = {m->p_on,    m->p_peak, m->p_off,  m->qrs_on, m->r_peak,
                         m->qrs_off, m->t_on,   m->t_peak, m->t_off};
    for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++)
        if (!isnan(all[k]))
            return false;
    return true;
}

static const char *marks(const struct xw_ecg12_marks *m, double length_ms)
{
    const float all[] = {m->p_on,    m->p_peak, m->p_off,  m->qrs_on, m->r_peak,
                         m->qrs_off, m->t_on,   m->t_peak, m->t_off};
    float last = -1;
    for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++) {
        if (isnan(all[k]))
            continue;
        if (!(all[k] >= 0 && (double)all[k] <= length_ms))
            return "a mark outside the record";
        /* Tops are whole samples, boundaries lie between them; the common R is the detection's. */
        if (all[k] < last - 2.01f)
            return "marks out of order";
        last = k == 4 || all[k] < last ? last : all[k];
    }
    return NULL;
}

static const char *lead(const struct xw_ecg12_lead_row *row)
{
    const float all[] = {row->p_uv,     row->p2_uv,      row->q_uv,          row->r_uv,
                         row->s_uv,     row->r2_uv,      row->s2_uv,         row->q_ms,
                         row->r_ms,     row->s_ms,       row->r2_ms,         row->s2_ms,
                         row->p_ms,     row->qrs_ms,     row->r_peak_ms,     row->st_j_uv,
                         row->st_60_uv, row->st_80_uv,   row->st_slope_uv_s, row->t_uv,
                         row->t2_uv,    row->t_width_ms, row->qrs_area_uvs,  row->qrs_pp_uv};
    for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++)
        if (isinf(all[k]) || (!row->usable && !isnan(all[k])))
            return row->usable ? "an infinite figure of a lead" : "a figure of a lead left out";
    return row->usable || none(&row->marks) ? NULL : "marks of a lead left out";
}

static const char *figures(const struct xw_ecg12_result *r)
{
    const float all[] = {r->hr_bpm,
                         r->rr_ms,
                         r->rr_sd_ms,
                         r->rr_min_ms,
                         r->rr_max_ms,
                         r->p_ms,
                         r->pr_ms,
                         r->qrs_ms,
                         r->qt_ms,
                         r->jt_ms,
                         r->pr_sd_ms,
                         r->qrs_sd_ms,
                         r->qt_sd_ms,
                         r->qtc_bazett_ms,
                         r->qtc_fridericia_ms,
                         r->qtc_framingham_ms,
                         r->qtc_hodges_ms,
                         r->p_axis_deg,
                         r->qrs_axis_deg,
                         r->t_axis_deg,
                         r->rv5_mv,
                         r->sv1_mv,
                         r->rv5_sv1_mv};
    for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++) {
        if (isinf(all[k]))
            return "an infinite figure";
        if (r->verdict == XW_ECG12_UNACCEPTABLE && !isnan(all[k]))
            return "a figure of what is unacceptable";
    }
    if (r->p_ms <= 0 || r->pr_ms <= 0 || r->qrs_ms <= 0 || r->qt_ms <= 0)
        return "an interval that is not positive";
    return NULL;
}

const char *xw_marks_fault(const struct xw_ecg12_input *in, const struct xw_ecg12_result *r)
{
    double length_ms = 1000.0 * in->samples_n / in->rate_hz;
    const char *fault = figures(r);
    if (!(r->score >= 0 && r->score <= 1))
        fault = "a score outside 0..1";
    if (r->beats_n > XW_ECG12_BEATS_MAX || r->leads_n > XW_ECG12_LEADS_MAX ||
        r->pace_n > XW_ECG12_PACES_MAX)
        return "a count above its limit";
    if (r->verdict == XW_ECG12_UNACCEPTABLE && (r->beats_n || r->median_of_n))
        return "beats of what is unacceptable";
    for (unsigned l = 0; l < r->leads_n && !fault; l++) {
        fault = lead(&r->leads[l]);
        if (!fault)
            fault = marks(&r->leads[l].marks, XW_ECG12_MEDIAN_N * 2.0);
    }
    for (unsigned b = 0; b < r->beats_n && !fault; b++) {
        fault = marks(&r->beats[b].global, length_ms);
        for (unsigned l = 0; l < XW_ECG12_LEADS_MAX && !fault; l++)
            fault = l < r->leads_n && r->leads[l].usable ? marks(&r->beats[b].lead[l], length_ms)
                    : none(&r->beats[b].lead[l])         ? NULL
                                                         : "marks of a lead left out";
    }
    return fault;
}
