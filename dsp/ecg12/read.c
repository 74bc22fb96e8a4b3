/* Reading: the order of the steps, and the result in the caller's terms. */
#include "dsp/ecg12/internal.h"
#include "dsp/core/sha256.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int xw_ecg12_new(struct xw_ecg12 **ret_engine)
{
    struct xw_ecg12 *e = calloc(1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    e->trees = xw12_bound_tables;
    e->reversal = &xw12_reversal_table;
    *ret_engine = e;
    return 0;
}

void xw_ecg12_free(struct xw_ecg12 *e)
{
    free(e);
}

void xw_ecg12_version(char ret_text[XW_ECG12_VERSION_BYTES])
{
    char text[3][XW_DSP_SHA256_TEXT_BYTES];
    xw_dsp_sha256_text(xw12_bound_tables, sizeof(struct xw12_bound_trees) * XW12_BOUNDS, text[0]);
    xw_dsp_sha256_text(&xw12_reversal_table, sizeof(xw12_reversal_table), text[1]);
    xw_dsp_sha256_text(xw12_reversal_limit, sizeof(xw12_reversal_limit), text[2]);
    xw_dsp_sha256_text(text, sizeof(text), ret_text);
}

static int check(const struct xw_ecg12_input *in)
{
    if (!in->channels_n || in->channels_n > XW_ECG12_LEADS_MAX ||
        !(in->rate_hz >= XW_ECG12_RATE_MIN_HZ && in->rate_hz <= XW_ECG12_RATE_MAX_HZ))
        return -EINVAL;
    double seconds = in->samples_n / in->rate_hz;
    if (!(seconds >= XW_ECG12_SECONDS_MIN && seconds <= XW_ECG12_SECONDS_MAX))
        return -EINVAL;
    for (unsigned c = 0; c < in->channels_n; c++)
        if (!in->channels[c].uv || (unsigned)in->channels[c].lead >= XW_ECG_LEAD_COUNT)
            return -EINVAL;
    return 0;
}

/* The dominant beats' own facts, for the median beat. */
static void set_middle(struct xw_ecg12 *e)
{
    float p[XW12_BEATS], pulse[XW12_BEATS];
    int p_n = 0, pulse_n = 0;
    for (int b = 0; b < e->beats_n; b++) {
        const struct xw12_beat *beat = &e->beat[b];
        if (beat->dominant && beat->has_p)
            p[p_n++] = beat->p_peak - (float)beat->r;
        if (beat->dominant && beat->paced)
            pulse[pulse_n++] = (float)(beat->pulse - beat->r);
    }
    memset(&e->mid, 0, sizeof(e->mid));
    e->mid.r = XW_ECG12_MEDIAN_R;
    e->mid.dominant = true;
    e->mid.match = 1;
    e->mid.has_p = 2 * p_n > (int)e->median_of_n;
    e->mid.p_peak = e->mid.has_p ? XW_ECG12_MEDIAN_R + xw12_median_of(p, p_n) : NAN;
    e->mid.paced = 2 * pulse_n > (int)e->median_of_n;
    e->mid.pulse = e->mid.paced ? XW_ECG12_MEDIAN_R + (int)xw12_median_of(pulse, pulse_n) : -1;
}

/* Beats, clean rows, boundaries of every beat. */
static void analyse(struct xw_ecg12 *e)
{
    e->beats_n = 0;
    e->median_of_n = 0;
    e->rec.use = (((uint32_t)1 << e->leads_n) - 1) & ~e->unfit;
    if (!e->rec.use)
        return;
    xw12_detrend(e);
    xw12_view_fill(&e->rec, e->work[0]);
    xw12_detect(e);
    if (!e->beats_n)
        return;
    xw12_mains(e);
    xw12_detrend(e);
    xw12_view_fill(&e->rec, e->work[0]);
    xw12_mark_paced(e);
    for (int b = 0; b < e->beats_n; b++)
        xw12_qrs_reference(&e->rec, &e->beat[b]);
    xw12_level(e);
    xw12_view_fill(&e->rec, e->work[0]);
    xw12_group(e);
    xw12_delineate(e, &e->rec, e->beat, e->beats_n);
    for (int b = 0; b < e->beats_n; b++)
        e->median_of_n += e->beat[b].dominant;
}

static struct xw_ecg12_marks to_marks(const float *at, float p_peak, float t_peak)
{
    const float ms = 1000.0f / XW12_HZ;
    return (struct xw_ecg12_marks){.p_on = ms * at[XW12_P_ON],
                                   .p_peak = ms * p_peak,
                                   .p_off = ms * at[XW12_P_OFF],
                                   .qrs_on = ms * at[XW12_QRS_ON],
                                   .r_peak = NAN,
                                   .qrs_off = ms * at[XW12_QRS_OFF],
                                   .t_on = ms * at[XW12_T_ON],
                                   .t_peak = ms * t_peak,
                                   .t_off = ms * at[XW12_T_OFF]};
}

static const struct xw_ecg12_marks NO_MARKS = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};

/* Largest deflection between two marks, ms. */
static float top_between(const float *x, int n, float from, float to, float otherwise)
{
    if (!isfinite(from) || !isfinite(to))
        return NAN;
    int top = -1;
    for (int i = from < 0 ? 0 : (int)from; i <= (int)to && i < n; i++)
        if (top < 0 || fabsf(x[i]) > fabsf(x[top]))
            top = i;
    return top < 0 ? otherwise : 2 * (float)top;
}

static struct xw_ecg12_marks lead_marks(const struct xw12_view *v, unsigned l,
                                        const struct xw12_beat *b)
{
    const float *x = xw12_row(v->fine, v, l), *at = b->lead[l];
    struct xw_ecg12_marks m = to_marks(at, b->p_peak, b->t_peak);
    m.r_peak = top_between(x, v->n, at[XW12_QRS_ON], at[XW12_QRS_OFF], 2 * (float)b->r);
    m.t_peak = top_between(x, v->n, at[XW12_T_ON], at[XW12_T_OFF], NAN);
    m.p_peak = top_between(x, v->n, at[XW12_P_ON], at[XW12_P_OFF], NAN);
    return m;
}

static void fill_beats(struct xw_ecg12 *e, struct xw_ecg12_result *r)
{
    r->beats_n = (unsigned)e->beats_n;
    for (int b = 0; b < e->beats_n; b++) {
        struct xw12_beat *from = &e->beat[b];
        xw12_order(&e->rec, from);
        struct xw_ecg12_beat *to = &r->beats[b];
        to->time_ms = (float)from->r * 2;
        to->match = from->match;
        to->dominant = from->dominant;
        to->paced = from->paced;
        to->global = to_marks(from->global, from->p_peak, from->t_peak);
        to->global.r_peak = to->time_ms;
        if (to->global.r_peak < to->global.qrs_on)
            to->global.r_peak = to->global.qrs_on;
        if (to->global.r_peak > to->global.qrs_off)
            to->global.r_peak = to->global.qrs_off;
        for (unsigned l = 0; l < XW12_LEADS; l++)
            to->lead[l] =
                l < e->leads_n && r->leads[l].usable ? lead_marks(&e->rec, l, from) : NO_MARKS;
    }
    r->pace_n = (unsigned)e->pace_n;
    for (int k = 0; k < e->pace_n; k++)
        r->pace_ms[k] = (float)e->pace[k] * 2;
}

static void fill_rows(const struct xw_ecg12 *e, struct xw_ecg12_result *r)
{
    r->leads_n = e->leads_n;
    for (unsigned l = 0; l < e->leads_n; l++) {
        struct xw_ecg12_lead_row *row = &r->leads[l];
        row->lead = e->lead[l];
        row->derived = e->derived[l];
        row->flaws = e->flaws[l];
        row->noise_uv = e->beats_n ? e->noise_uv[l] : NAN;
        row->usable = r->verdict != XW_ECG12_UNACCEPTABLE && !(e->unfit >> l & 1);
        row->marks = NO_MARKS;
    }
}

/* Height of lead II as recorded, whether or not it is fit: flat is what an exchange of cables makes
 * it. */
static void height_of_ii(struct xw_ecg12 *e)
{
    e->ii_pp_uv = NAN;
    for (unsigned l = 0; l < e->leads_n; l++) {
        if (e->lead[l] != XW_ECG_LEAD_II || (e->flaws[l] & XW_ECG12_FLAW_GAPS))
            continue;
        const float *x = xw12_row(e->med.fine, &e->med, l);
        float low = INFINITY, high = -INFINITY;
        for (int i = (int)e->mid.global[XW12_QRS_ON]; i <= (int)e->mid.global[XW12_QRS_OFF]; i++)
            if (i >= 0 && i < e->med.n) {
                low = x[i] < low ? x[i] : low;
                high = x[i] > high ? x[i] : high;
            }
        e->ii_pp_uv = high >= low ? high - low : NAN;
    }
}

enum { FAR = XW12_MS(40) };

/* A mark of the median beat far from the median of the same mark over the beats it was made of
 * gives way to that: where atria flutter or fibrillate, what their waves leave in the mean may look
 * like the end of T. lead -1: the common mark. */
static void agree(const struct xw_ecg12 *e, int lead, enum xw12_bound kind, float *mark)
{
    float at[XW12_BEATS];
    int n = 0;
    for (int b = 0; b < e->beats_n; b++) {
        const struct xw12_beat *beat = &e->beat[b];
        float t = lead < 0 ? beat->global[kind] : beat->lead[lead][kind];
        if (beat->dominant && isfinite(t))
            at[n++] = t - (float)(beat->r + beat->shift - XW_ECG12_MEDIAN_R);
    }
    float usual = xw12_median_of(at, n);
    if (n >= 3 && fabsf(*mark - usual) > (float)FAR)
        *mark = usual;
}

static void agree_on_t(struct xw_ecg12 *e)
{
    for (enum xw12_bound kind = XW12_T_ON; kind <= XW12_T_OFF; kind++) {
        agree(e, -1, kind, &e->mid.global[kind]);
        for (unsigned l = 0; l < e->leads_n; l++)
            agree(e, (int)l, kind, &e->mid.lead[l][kind]);
    }
}

static void conclude(struct xw_ecg12 *e, struct xw_ecg12_result *r)
{
    xw12_verdict(e, r);
    fill_rows(e, r);
    xw12_measure_none(r);
    r->exchange = (struct xw_ecg12_exchange){.limb_score = {NAN, NAN, NAN, NAN},
                                             .precordial_score = NAN,
                                             .p_axis_deg = NAN,
                                             .qrs_axis_deg = NAN,
                                             .t_axis_deg = NAN,
                                             .r_v6_i_match = NAN,
                                             .ii_pp_uv = NAN};
    r->median = NO_MARKS;
    if (r->verdict == XW_ECG12_UNACCEPTABLE)
        return;
    set_middle(e);
    xw12_median(e);
    xw12_view_fill(&e->med, e->work[0]);
    xw12_delineate(e, &e->med, &e->mid, 1);
    agree_on_t(e);
    height_of_ii(e);
    xw12_order(&e->med, &e->mid);
    e->mid.has_p = e->mid.has_p && isfinite(e->mid.p_peak);
    fill_beats(e, r);
    r->median_of_n = e->median_of_n;
    r->median = to_marks(e->mid.global, e->mid.p_peak, e->mid.t_peak);
    r->median.r_peak = 2.0f * XW_ECG12_MEDIAN_R;
    for (unsigned l = 0; l < e->leads_n; l++)
        if (r->leads[l].usable)
            r->leads[l].marks = lead_marks(&e->med, l, &e->mid);
    xw12_measure(e, r);
    xw12_reversal(e, r);
}

int xw_ecg12_read(struct xw_ecg12 *e, const struct xw_ecg12_input *input,
                  struct xw_ecg12_result *ret_result)
{
    int result = check(input);
    if (result < 0)
        return result;
    memset(ret_result, 0, sizeof(*ret_result));
    xw12_prepare(e, input);
    xw12_judge_flaws(e);
    ret_result->score = xw12_window_score(e);
    xw12_pace(e);
    analyse(e);
    /* Noise is known once the beats are; without the noisy leads all is found again, once. */
    if (e->beats_n && xw12_judge_noise(e))
        analyse(e);
    conclude(e, ret_result);
    return 0;
}

int xw_ecg12_score(struct xw_ecg12 *e, const struct xw_ecg12_input *input, float *ret_score)
{
    int result = check(input);
    if (result < 0)
        return result;
    xw12_prepare(e, input);
    xw12_judge_flaws(e);
    *ret_score = xw12_window_score(e);
    return 0;
}
