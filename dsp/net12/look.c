/* What the network sees of a result. */
#include "dsp/net12/net12.h"

#include <errno.h>
#include <math.h>

static const enum xw_ecg_lead TWELVE[12] = {
    XW_ECG_LEAD_I,   XW_ECG_LEAD_II,  XW_ECG_LEAD_V1,  XW_ECG_LEAD_V2,
    XW_ECG_LEAD_V3,  XW_ECG_LEAD_V4,  XW_ECG_LEAD_V5,  XW_ECG_LEAD_V6,
    XW_ECG_LEAD_III, XW_ECG_LEAD_AVR, XW_ECG_LEAD_AVL, XW_ECG_LEAD_AVF,
}; /* the eight of the beat first */

/* The usable rows of the twelve leads; false if one is missing. */
static bool find_leads(const struct xw_ecg12_result *r, unsigned ret_row[12])
{
    for (unsigned k = 0; k < 12; k++) {
        unsigned l = 0;
        while (l < r->leads_n && !(r->leads[l].lead == TWELVE[k] && r->leads[l].usable))
            l++;
        if (l == r->leads_n)
            return false;
        ret_row[k] = l;
    }
    return true;
}

/* Means of five samples, 400 ms before R to 800 ms after; µV beyond ±8 mV are no heart's. */
static void take_beat(const struct xw_ecg12_result *r, const unsigned row[12], float *beat)
{
    enum { STEP = XW_ECG12_MEDIAN_HZ / 100, BEGIN = XW_ECG12_MEDIAN_R - 40 * STEP };
    _Static_assert(BEGIN >= STEP / 2, "the beat begins within the median");
    _Static_assert(BEGIN + STEP * (XW_NET12_BEAT_N - 1) + STEP / 2 < XW_ECG12_MEDIAN_N,
                   "the beat ends within the median");
    for (int t = 0; t < XW_NET12_BEAT_N; t++)
        for (unsigned l = 0; l < XW_NET12_LEADS; l++) {
            const float *x = r->median_uv[row[l]] + BEGIN + STEP * t;
            float sum = 0;
            for (int k = -STEP / 2; k <= STEP / 2; k++)
                sum += x[k];
            sum *= 0.001F / STEP;
            sum = sum > 8 ? 8 : sum < -8 ? -8 : sum;
            beat[(unsigned)t * XW_NET12_LEADS + l] = isfinite(sum) ? sum : 0;
        }
}

/* An angle without a jump at 180 degrees. */
static void put_axis(float axis_deg, float *ret_two)
{
    ret_two[0] = cosf(axis_deg * (float)M_PI / 180);
    ret_two[1] = sinf(axis_deg * (float)M_PI / 180);
}

static void take_beats(const struct xw_ecg12_result *r, float *g)
{
    float squares = 0, paced = 0, dominant = 0, match = 0;
    for (unsigned b = 0; b < r->beats_n; b++) {
        paced += r->beats[b].paced;
        dominant += r->beats[b].dominant;
        match += r->beats[b].match;
        if (b >= 2) {
            float change =
                r->beats[b].time_ms - 2 * r->beats[b - 1].time_ms + r->beats[b - 2].time_ms;
            squares += change * change;
        }
    }
    float n = (float)r->beats_n;
    g[0] = r->pace_n > 0;
    g[1] = paced / n;
    g[2] = dominant / n;
    g[3] = match / n;
    g[4] = n;
    g[5] = r->beats_n > 2 ? sqrtf(squares / (n - 2)) / r->rr_ms : NAN;
}

static void take_globals(const struct xw_ecg12_result *r, float *g)
{
    g[0] = r->hr_bpm;
    g[1] = r->rr_sd_ms / r->rr_ms;
    g[2] = (r->rr_max_ms - r->rr_min_ms) / r->rr_ms;
    g[3] = r->irregular;
    g[4] = r->p_coherence;
    g[5] = r->p_present;
    g[6] = r->p_ms;
    g[7] = r->pr_ms;
    g[8] = r->qrs_ms;
    g[9] = r->qt_ms;
    g[10] = r->qtc_fridericia_ms;
    g[11] = r->pr_sd_ms;
    put_axis(r->p_axis_deg, g + 12);
    put_axis(r->qrs_axis_deg, g + 14);
    put_axis(r->t_axis_deg, g + 16);
    g[18] = r->rv5_sv1_mv;
    g[19] = cosf((r->qrs_axis_deg - r->t_axis_deg) * (float)M_PI / 180);
    take_beats(r, g + 20);
}

static float larger(float a, float b)
{
    return a > b ? a : b;
}

static void take_lead(const struct xw_ecg12_lead_row *row, float *f)
{
    f[0] = row->q_uv;
    f[1] = larger(row->r_uv, row->r2_uv);
    f[2] = -larger(-row->s_uv, -row->s2_uv);
    f[3] = row->r_peak_ms;
    f[4] = row->st_j_uv;
    f[5] = row->st_80_uv;
    f[6] = row->t_uv;
    f[7] = row->t2_uv;
    f[8] = row->q_ms;
}

int xw_net12_look(const struct xw_ecg12_result *r, struct xw_net12_view *ret_view)
{
    unsigned row[12];
    if (r->verdict == XW_ECG12_UNACCEPTABLE || !r->median_of_n || !r->beats_n ||
        !find_leads(r, row))
        return -ENODATA;
    take_beat(r, row, ret_view->beat_mv);
    take_globals(r, ret_view->figures);
    for (unsigned k = 0; k < 12; k++)
        take_lead(&r->leads[row[k]],
                  ret_view->figures + XW_NET12_GLOBALS + (size_t)k * XW_NET12_LEAD_FIGURES);
    for (unsigned f = 0; f < XW_NET12_FIGURES; f++)
        if (!isfinite(ret_view->figures[f]))
            ret_view->figures[f] = NAN;
    return 0;
}
