/* Comparison of two recordings: alike in band, rate and leads; differences and what they are worth.
 */
#include "dsp/ecg12/compare.h"
#include "dsp/ecg/display.h"
#include "dsp/ecg12/compare_in.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EXPANDED 1.96f  /* 95 % */
#define OF_RATE 0.4f    /* of the rate a recording holds at most */
#define NEARLY 1.05f    /* corners this near are one */
#define GAIN_OFF 0.029f /* of a height: the recorder's gain */
#define LEFT_UV 8.0f    /* of baseline and mains, in the median beat */
#define RESOLUTION_MS 2.0f
#define ALIKE 2.0f   /* beats of one breath are not independent: so many count as one */
#define BREATHS 3.0f /* … and the rate goes with the breaths of ten seconds */

/* What the method adds, ms and degrees: see README, "Comparison". */
static const float METHOD[XW_ECG12_WHOLE_N] = {[XW_ECG12_WHOLE_P] = XW12_REPEAT_P_MS,
                                               [XW_ECG12_WHOLE_PR] = XW12_REPEAT_PR_MS,
                                               [XW_ECG12_WHOLE_QRS] = XW12_REPEAT_QRS_MS,
                                               [XW_ECG12_WHOLE_QT] = XW12_REPEAT_QT_MS,
                                               [XW_ECG12_WHOLE_P_AXIS] = XW12_REPEAT_P_AXIS_DEG,
                                               [XW_ECG12_WHOLE_QRS_AXIS] = XW12_REPEAT_AXIS_DEG,
                                               [XW_ECG12_WHOLE_T_AXIS] = XW12_REPEAT_T_AXIS_DEG};

struct xw_ecg12_comparer {
    struct xw_ecg12 *engine;
    struct xw12_side side[2];
    float uv[XW12_LEADS * XW12_N_MAX * 2]; /* up to 1000 Hz */
};

int xw_ecg12_comparer_new(struct xw_ecg12_comparer **ret_comparer)
{
    struct xw_ecg12_comparer *c = calloc(1, sizeof(*c));
    int r = c ? xw_ecg12_new(&c->engine) : -ENOMEM;
    if (r < 0) {
        free(c);
        return r;
    }
    *ret_comparer = c;
    return 0;
}

void xw_ecg12_comparer_free(struct xw_ecg12_comparer *c)
{
    if (!c)
        return;
    xw_ecg12_free(c->engine);
    free(c);
}

/* ---- the same band, rate, leads ---- */

static float upper_edge(const struct xw_ecg12_input *in, const struct xw_ecg12_band *b)
{
    float of_rate = OF_RATE * (float)in->rate_hz;
    return b->low_pass_hz > 0 && b->low_pass_hz < of_rate ? b->low_pass_hz : of_rate;
}

static float lower_edge(const struct xw_ecg12_band *b)
{
    return b->high_pass_hz > 0 ? b->high_pass_hz : 0;
}

/* Into c->uv what `in` would be in this band, the channels whose bits are in `use`. */
static int narrow(struct xw_ecg12_comparer *c, const struct xw_ecg12_input *in,
                  const struct xw_ecg12_band *own, const struct xw_ecg12_band *common, uint32_t use,
                  struct xw_ecg12_input *ret)
{
    bool high = common->high_pass_hz > lower_edge(own) * NEARLY;
    bool low = common->low_pass_hz * NEARLY < upper_edge(in, own);
    struct xw_ecg_display_design design;
    int r = xw_ecg_display_make(in->rate_hz, high ? (double)common->high_pass_hz : 0,
                                low ? (double)common->low_pass_hz : 0, 0, &design);
    if (r < 0)
        return r;
    *ret = *in;
    ret->channels_n = 0;
    for (unsigned k = 0; k < in->channels_n; k++) {
        if (!(use >> k & 1))
            continue;
        struct xw_ecg12_channel *to = &ret->channels[ret->channels_n];
        *to = in->channels[k];
        if (high || low) {
            struct xw_ecg_display filter;
            float *out = c->uv + (size_t)ret->channels_n * XW12_N_MAX * 2;
            xw_ecg_display_init(&filter, &design);
            for (unsigned i = 0; i < in->samples_n; i++) {
                float x = in->channels[k].uv[i];
                if (!isfinite(x))
                    xw_ecg_display_reset(&filter);
                out[i] = isfinite(x) ? (float)xw_ecg_display_process(&filter, (double)x) : NAN;
            }
            to->uv = out;
            to->min_uv = to->max_uv = NAN; /* rails are no longer where they were */
        }
        ret->channels_n++;
    }
    return 0;
}

static bool given(const struct xw_ecg12_input *in, enum xw_ecg_lead lead)
{
    for (unsigned k = 0; k < in->channels_n; k++)
        if (in->channels[k].lead == lead)
            return true;
    return false;
}

/* Channels whose lead the other has too, the first of each name, without those of `unfit` leads. */
static uint32_t in_both(const struct xw_ecg12_input *one, const struct xw_ecg12_input *other,
                        uint64_t unfit)
{
    uint32_t use = 0;
    uint64_t seen = unfit;
    for (unsigned k = 0; k < one->channels_n; k++) {
        enum xw_ecg_lead lead = one->channels[k].lead;
        if (lead == XW_ECG_LEAD_OTHER || seen >> lead & 1 || !given(other, lead))
            continue;
        seen |= (uint64_t)1 << lead;
        use |= (uint32_t)1 << k;
    }
    return use;
}

static uint64_t unfit_leads(const struct xw_ecg12_result *r)
{
    uint64_t mask = 0;
    for (unsigned l = 0; l < r->leads_n; l++)
        if (r->unfit >> l & 1)
            mask |= (uint64_t)1 << r->leads[l].lead;
    return mask;
}

static enum xw_ecg12_incomparable why_not(const struct xw_ecg12_comparer *c)
{
    return c->side[0].result.verdict == XW_ECG12_UNACCEPTABLE   ? XW_ECG12_BEFORE_UNREAD
           : c->side[1].result.verdict == XW_ECG12_UNACCEPTABLE ? XW_ECG12_NOW_UNREAD
                                                                : XW_ECG12_COMPARED;
}

/* Both sides of the leads that both have; those unfit in either are left out and all is read again.
 */
static int read_both(struct xw_ecg12_comparer *c, const struct xw_ecg12_input *const in[2],
                     const struct xw_ecg12_band bands[2], struct xw_ecg12_comparison *out)
{
    uint64_t unfit = 0;
    for (int round = 0; round < 3; round++) {
        for (int s = 0; s < 2; s++) {
            uint32_t use = in_both(in[s], in[1 - s], unfit);
            struct xw_ecg12_input fair;
            if (!use) {
                out->why_not = round && why_not(c) ? why_not(c) : XW_ECG12_NO_LEAD_IN_BOTH;
                return 0;
            }
            int r = narrow(c, in[s], &bands[s], &out->band, use, &fair);
            if (r >= 0)
                r = xw_ecg12_read(c->engine, &fair, &c->side[s].result);
            if (r < 0)
                return r;
            xw12_side_take(c->engine, &c->side[s]);
        }
        out->why_not = why_not(c);
        uint64_t more = unfit_leads(&c->side[0].result) | unfit_leads(&c->side[1].result);
        if (out->why_not || !(more & ~unfit))
            return 0;
        unfit |= more;
    }
    return 0;
}

/* ---- differences ---- */

static struct xw_ecg12_change change(float before, float now, float u1, float u2, bool turn)
{
    struct xw_ecg12_change x = {before, now, now - before, EXPANDED * hypotf(u1, u2), false};
    if (turn && isfinite(x.by))
        x.by -= 360 * roundf(x.by / 360);
    if (!isfinite(x.by) || !isfinite(x.uncertainty))
        return (struct xw_ecg12_change){NAN, NAN, NAN, NAN, false};
    x.beyond = fabsf(x.by) > x.uncertainty;
    return x;
}

/* u of a figure of which `spread` is the SD over beats; a spread that is not known adds nothing
 * that the method's own would not hold. */
static float of_beats(float spread, unsigned n, float method)
{
    float beats = isfinite(spread) && n ? ALIKE * (float)M_PI_2 * spread * spread / (float)n : 0;
    return sqrtf(beats + method * method);
}

static float rr_u(const struct xw_ecg12_result *r)
{
    return sqrtf(r->rr_sd_ms * r->rr_sd_ms / BREATHS + RESOLUTION_MS * RESOLUTION_MS);
}

static float whole_value(const struct xw_ecg12_result *r, enum xw_ecg12_whole figure)
{
    const float value[XW_ECG12_WHOLE_N] = {r->hr_bpm,
                                           r->p_ms,
                                           r->pr_ms,
                                           r->qrs_ms,
                                           r->qt_ms,
                                           r->qtc_bazett_ms,
                                           r->qtc_fridericia_ms,
                                           r->p_axis_deg,
                                           r->qrs_axis_deg,
                                           r->t_axis_deg};
    return value[figure];
}

static float whole_u(const struct xw12_side *s, enum xw_ecg12_whole figure)
{
    const struct xw_ecg12_result *r = &s->result;
    unsigned n = r->median_of_n;
    float b = METHOD[figure], rr_s = r->rr_ms / 1000;
    float of_rr = rr_u(r) / r->rr_ms; /* relative */
    switch (figure) {
    case XW_ECG12_WHOLE_HR:
        return r->hr_bpm * of_rr;
    case XW_ECG12_WHOLE_P:
        return of_beats(s->p_sd_ms, n, b);
    case XW_ECG12_WHOLE_PR:
        return of_beats(r->pr_sd_ms, n, b);
    case XW_ECG12_WHOLE_QRS:
        return of_beats(r->qrs_sd_ms, n, b);
    case XW_ECG12_WHOLE_QT:
        return of_beats(r->qt_sd_ms, n, b);
    case XW_ECG12_WHOLE_QTC_BAZETT:
        return hypotf(whole_u(s, XW_ECG12_WHOLE_QT) / sqrtf(rr_s), r->qtc_bazett_ms * of_rr / 2);
    case XW_ECG12_WHOLE_QTC_FRIDERICIA:
        return hypotf(whole_u(s, XW_ECG12_WHOLE_QT) / cbrtf(rr_s),
                      r->qtc_fridericia_ms * of_rr / 3);
    case XW_ECG12_WHOLE_P_AXIS:
        return of_beats(s->axis_sd_deg[0], n, b);
    case XW_ECG12_WHOLE_QRS_AXIS:
        return of_beats(s->axis_sd_deg[1], n, b);
    default:
        return of_beats(s->axis_sd_deg[2], n, b);
    }
}

static float height_value(const struct xw_ecg12_lead_row *row, enum xw_ecg12_height figure)
{
    const float value[XW_ECG12_HEIGHT_N] = {row->p_uv,    row->q_uv,     row->r_uv, row->s_uv,
                                            row->st_j_uv, row->st_60_uv, row->t_uv};
    return value[figure];
}

static float height_u(const struct xw12_side *s, unsigned l, enum xw_ecg12_height figure)
{
    float b = hypotf(hypotf(s->place_uv[l][figure], LEFT_UV),
                     GAIN_OFF * height_value(&s->result.leads[l], figure));
    return of_beats(s->height_sd_uv[l][figure], s->result.median_of_n, b);
}

static void differences(const struct xw_ecg12_comparer *c, struct xw_ecg12_comparison *out)
{
    const struct xw12_side *a = &c->side[0], *z = &c->side[1];
    for (enum xw_ecg12_whole k = 0; k < XW_ECG12_WHOLE_N; k++)
        out->whole[k] = change(whole_value(&a->result, k), whole_value(&z->result, k),
                               whole_u(a, k), whole_u(z, k), k >= XW_ECG12_WHOLE_P_AXIS);
    for (unsigned l = 0; l < z->result.leads_n; l++) {
        const struct xw_ecg12_lead_row *now = &z->result.leads[l];
        int m =
            now->usable && now->lead != XW_ECG_LEAD_OTHER ? xw12_usable(&a->result, now->lead) : -1;
        if (m < 0)
            continue;
        struct xw_ecg12_lead_change *to = &out->leads[out->leads_n++];
        to->lead = now->lead;
        to->likeness = NAN;
        for (enum xw_ecg12_height k = 0; k < XW_ECG12_HEIGHT_N; k++)
            to->height[k] = change(height_value(&a->result.leads[m], k), height_value(now, k),
                                   height_u(a, (unsigned)m, k), height_u(z, l, k), false);
    }
}

/* What could not even be filtered; xw_ecg12_read says the rest. */
static bool sound(const struct xw_ecg12_input *in)
{
    if (!in->channels_n || in->channels_n > XW_ECG12_LEADS_MAX || in->samples_n > 2 * XW12_N_MAX)
        return false;
    for (unsigned k = 0; k < in->channels_n; k++)
        if (!in->channels[k].uv || (unsigned)in->channels[k].lead >= XW_ECG_LEAD_COUNT)
            return false;
    return true;
}

int xw_ecg12_compare(struct xw_ecg12_comparer *c, const struct xw_ecg12_input *before,
                     const struct xw_ecg12_input *now, const struct xw_ecg12_band bands[2],
                     struct xw_ecg12_comparison *ret_comparison)
{
    const struct xw_ecg12_input *const in[2] = {before, now};
    if (!sound(before) || !sound(now))
        return -EINVAL;
    struct xw_ecg12_comparison out = {.likeness = NAN,
                                      .shift_ms = NAN,
                                      .limb_gain = NAN,
                                      .precordial_gain = NAN,
                                      .rate_hz = fmin(before->rate_hz, now->rate_hz)};
    out.band =
        (struct xw_ecg12_band){fmaxf(lower_edge(&bands[0]), lower_edge(&bands[1])),
                               fminf(upper_edge(before, &bands[0]), upper_edge(now, &bands[1]))};
    out.band_known = isfinite(bands[0].high_pass_hz) && isfinite(bands[1].high_pass_hz) &&
                     isfinite(bands[0].low_pass_hz) && isfinite(bands[1].low_pass_hz);
    for (int k = 0; k < XW_ECG12_WHOLE_N; k++)
        out.whole[k] = (struct xw_ecg12_change){NAN, NAN, NAN, NAN, false};
    int r = read_both(c, in, bands, &out);
    if (r < 0)
        return r;
    if (out.why_not == XW_ECG12_COMPARED) {
        out.beats_n[0] = c->side[0].result.median_of_n;
        out.beats_n[1] = c->side[1].result.median_of_n;
        differences(c, &out);
        xw12_lay_over(&c->side[0].result, &c->side[1].result, &out);
    }
    *ret_comparison = out;
    return 0;
}

const char *xw_ecg12_whole_name(enum xw_ecg12_whole figure)
{
    static const char *const NAME[XW_ECG12_WHOLE_N] = {"hr_bpm",
                                                       "p_ms",
                                                       "pr_ms",
                                                       "qrs_ms",
                                                       "qt_ms",
                                                       "qtc_bazett_ms",
                                                       "qtc_fridericia_ms",
                                                       "p_axis_deg",
                                                       "qrs_axis_deg",
                                                       "t_axis_deg"};
    return NAME[figure];
}

const char *xw_ecg12_height_name(enum xw_ecg12_height figure)
{
    static const char *const NAME[XW_ECG12_HEIGHT_N] = {"p_uv",    "q_uv",     "r_uv", "s_uv",
                                                        "st_j_uv", "st_60_uv", "t_uv"};
    return NAME[figure];
}

const char *xw_ecg12_incomparable_name(enum xw_ecg12_incomparable why)
{
    static const char *const NAME[] = {"", "before-unread", "now-unread", "no-lead-in-both"};
    return NAME[why];
}
