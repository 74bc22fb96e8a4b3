#include "bench/formats/measured.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

int measured_read(const struct xw_formats_recording *recording, struct xw_ecg12 *engine,
                  struct xw_ecg12_result *ret_result)
{
    const struct xw_formats_group *g = xw_formats_rhythm(recording);
    if (!g || !g->leads_n || g->leads_n > XW_ECG12_LEADS_MAX)
        return -EINVAL;
    double rate_hz = (double)g->rate_hz.num / (double)g->rate_hz.den;
    double most = floor(XW_ECG12_SECONDS_MAX * rate_hz);
    int64_t n = (double)g->samples_n <= most ? g->samples_n : (int64_t)(10 * rate_hz);
    if (!(rate_hz >= XW_ECG12_RATE_MIN_HZ && rate_hz <= XW_ECG12_RATE_MAX_HZ))
        return -EINVAL;
    float *uv = malloc(sizeof(*uv) * (size_t)n * g->leads_n);
    if (!uv)
        return -ENOMEM;
    struct xw_ecg12_input input = {
        .rate_hz = rate_hz, .samples_n = (unsigned)n, .channels_n = g->leads_n, .age_years = NAN};
    for (unsigned c = 0; c < g->leads_n; c++) {
        float *lead_uv = uv + (size_t)c * (size_t)n;
        for (int64_t i = 0; i < n; i++)
            lead_uv[i] =
                (float)(1e3 * xw_formats_value(&g->leads[c], g->rows[i * g->leads_n + (int64_t)c]));
        input.channels[c] = (struct xw_ecg12_channel){
            .lead = g->leads[c].code, .uv = lead_uv, .min_uv = NAN, .max_uv = NAN};
    }
    int result = xw_ecg12_read(engine, &input, ret_result);
    free(uv);
    return result;
}

static double gap(float a, float b)
{
    if (isnan(a) && isnan(b))
        return 0;
    return isnan(a) || isnan(b) ? INFINITY : fabs((double)a - (double)b);
}

static const struct xw_ecg12_lead_row *row_of(const struct xw_ecg12_result *result,
                                              enum xw_ecg_lead lead)
{
    for (unsigned i = 0; i < result->leads_n; i++) {
        if (result->leads[i].lead == lead)
            return &result->leads[i];
    }
    return NULL;
}

/* Only leads that both files have: what is derived in one may be stored in the other. */
static double rows_apart(const struct xw_ecg12_lead_row *x, const struct xw_ecg12_lead_row *y)
{
    static const size_t FIGURES[] = {
        offsetof(struct xw_ecg12_lead_row, p_uv),     offsetof(struct xw_ecg12_lead_row, q_uv),
        offsetof(struct xw_ecg12_lead_row, r_uv),     offsetof(struct xw_ecg12_lead_row, s_uv),
        offsetof(struct xw_ecg12_lead_row, q_ms),     offsetof(struct xw_ecg12_lead_row, r_ms),
        offsetof(struct xw_ecg12_lead_row, s_ms),     offsetof(struct xw_ecg12_lead_row, p_ms),
        offsetof(struct xw_ecg12_lead_row, qrs_ms),   offsetof(struct xw_ecg12_lead_row, st_j_uv),
        offsetof(struct xw_ecg12_lead_row, st_60_uv), offsetof(struct xw_ecg12_lead_row, t_uv),
    };
    double worst = 0;
    for (size_t i = 0; i < sizeof(FIGURES) / sizeof(*FIGURES); i++) {
        const float *a = (const float *)(const void *)((const char *)x + FIGURES[i]);
        const float *b = (const float *)(const void *)((const char *)y + FIGURES[i]);
        worst = fmax(worst, gap(*a, *b));
    }
    return worst;
}

double measured_apart(const struct xw_ecg12_result *a, const struct xw_ecg12_result *b)
{
    double worst = a->verdict == b->verdict && a->beats_n == b->beats_n ? 0 : INFINITY;
    const float pairs[][2] = {
        {a->hr_bpm, b->hr_bpm},
        {a->pr_ms, b->pr_ms},
        {a->p_ms, b->p_ms},
        {a->qrs_ms, b->qrs_ms},
        {a->qt_ms, b->qt_ms},
        {a->qtc_bazett_ms, b->qtc_bazett_ms},
        {a->qtc_fridericia_ms, b->qtc_fridericia_ms},
        {a->p_axis_deg, b->p_axis_deg},
        {a->qrs_axis_deg, b->qrs_axis_deg},
        {a->t_axis_deg, b->t_axis_deg},
        {a->rv5_mv * 1e3F, b->rv5_mv * 1e3F},
        {a->sv1_mv * 1e3F, b->sv1_mv * 1e3F},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
        worst = fmax(worst, gap(pairs[i][0], pairs[i][1]));
    for (unsigned i = 0; i < a->leads_n; i++) {
        const struct xw_ecg12_lead_row *other = row_of(b, a->leads[i].lead);
        if (other)
            worst = fmax(worst, rows_apart(&a->leads[i], other));
    }
    return worst;
}

/* NAN: we have no such figure. */
static double ours(const struct xw_ecg12_result *r, const struct xw_formats_measure *m)
{
    const struct xw_ecg12_lead_row *row = row_of(r, m->lead);
    bool whole = m->lead == XW_ECG_LEAD_OTHER;
    switch (m->code) {
    case XW_FORMATS_HEART_RATE:
        return r->hr_bpm;
    case XW_FORMATS_RR:
        return r->rr_ms;
    case XW_FORMATS_P_DURATION:
        return whole ? r->p_ms : row ? row->p_ms : NAN;
    case XW_FORMATS_PR:
        return whole ? r->pr_ms : NAN;
    case XW_FORMATS_QRS:
        return whole ? r->qrs_ms : row ? row->qrs_ms : NAN;
    case XW_FORMATS_QT:
        return whole ? r->qt_ms : NAN;
    case XW_FORMATS_QTC_BAZETT:
        return r->qtc_bazett_ms;
    case XW_FORMATS_QTC_FRIDERICIA:
        return r->qtc_fridericia_ms;
    case XW_FORMATS_QTC_FRAMINGHAM:
        return r->qtc_framingham_ms;
    case XW_FORMATS_QTC_HODGES:
        return r->qtc_hodges_ms;
    case XW_FORMATS_P_AXIS:
        return r->p_axis_deg;
    case XW_FORMATS_QRS_AXIS:
        return r->qrs_axis_deg;
    case XW_FORMATS_T_AXIS:
        return r->t_axis_deg;
    case XW_FORMATS_P_AMPLITUDE:
        return row ? row->p_uv : NAN;
    case XW_FORMATS_Q_AMPLITUDE:
        return row ? row->q_uv : NAN;
    case XW_FORMATS_R_AMPLITUDE:
        return row ? row->r_uv : NAN;
    case XW_FORMATS_S_AMPLITUDE:
        return row ? row->s_uv : NAN;
    case XW_FORMATS_T_AMPLITUDE:
        return row ? row->t_uv : NAN;
    case XW_FORMATS_J_AMPLITUDE:
        return row ? row->st_j_uv : NAN;
    default:
        return NAN;
    }
}

unsigned measured_beside(const char *name, const struct xw_formats_recording *recording,
                         const struct xw_ecg12_result *result)
{
    unsigned n = 0;
    for (size_t i = 0; i < recording->measures_n; i++) {
        const struct xw_formats_measure *m = &recording->measures[i];
        double own = ours(result, m);
        if (isnan(own))
            continue;
        n++;
        fprintf(stderr, "%s: %s%s%s: file %g, measured %.1f, apart %+.1f %s\n", name,
                xw_formats_measure_name(m->code), m->lead == XW_ECG_LEAD_OTHER ? "" : " ",
                m->lead == XW_ECG_LEAD_OTHER ? "" : xw_ecg_lead_name(m->lead), m->value, own,
                own - m->value, xw_formats_measure_unit(m->code));
    }
    return n;
}
