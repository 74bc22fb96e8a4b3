/* Beat labels and fiducials. */
#include "dsp/ecg/beat.h"
#include "dsp/ecg/tables.h"

#include <math.h>

#define T xw_ecg_tables

enum { REACH = XW_ECG_BEAT_REACH, EDGE = 5, WIDTH_REACH = 30, WIDTH_GAP = 4 };

void xw_ecg_beat_init(struct xw_ecg_beat *b)
{
    memset(b, 0, sizeof(*b));
    xw_dsp_median_init(&b->width, 15);
    xw_dsp_median_init(&b->rr, 15);
}

void xw_ecg_beat_reset(struct xw_ecg_beat *b)
{
    xw_dsp_median_reset(&b->width);
    xw_dsp_median_reset(&b->rr);
    b->rr_before = 0;
    b->beats_n = 0;
}

static unsigned clearest_lead(const struct xw_ecg_detect *d, const struct xw_ecg_qrs *qrs)
{
    float best = -1, top = 0;
    unsigned lead = 0;
    for (unsigned c = 0; c < d->leads_n; c++)
        top = fmaxf(top, d->weight[c]);
    for (unsigned c = 0; c < d->leads_n; c++)
        if (d->weight[c] >= 0.3F * top && qrs->level[c] > best) {
            best = qrs->level[c];
            lead = c;
        }
    return lead;
}

double xw_ecg_beat_fiducial(const struct xw_ecg_detect *d, const struct xw_ecg_qrs *qrs)
{
    if (!xw_ecg_signal_has(d->signal, qrs->t - REACH - EDGE, qrs->t + REACH + 1))
        return (double)qrs->t;
    unsigned lead = clearest_lead(d, qrs), lanes = d->lanes;
    const float *x = xw_ecg_signal_frame(d->signal, qrs->t - REACH - EDGE) + lead;
    float level = 0;
    for (unsigned i = 0; i < EDGE; i++)
        level += x[(size_t)i * lanes] / EDGE;
    unsigned best = EDGE + REACH;
    float top = -1;
    for (unsigned i = EDGE + 1; i < EDGE + 2 * REACH; i++) { /* near the middle counts for more */
        float off = ((float)i - (EDGE + REACH)) / (REACH + 1);
        float size = fabsf(x[(size_t)i * lanes] - level) * (1 - off * off);
        if (size > top) {
            top = size;
            best = i;
        }
    }
    float before = fabsf(x[(size_t)(best - 1) * lanes] - level);
    float at = fabsf(x[(size_t)best * lanes] - level);
    float after = fabsf(x[(size_t)(best + 1) * lanes] - level);
    float bend = before - 2 * at + after, shift = 0;
    if (bend < 0)
        shift = fminf(fmaxf(0.5F * (before - after) / bend, -0.5F), 0.5F);
    return (double)(qrs->t - REACH - EDGE + (int64_t)best) + (double)shift;
}

/* Frames over which the leads together move by more than a quarter of their fastest. */
static float width_of(const struct xw_ecg_detect *d, int64_t t)
{
    float speed[2 * WIDTH_REACH + 1], top = 0, weight[XW_DSP_LANES_MAX];
    if (!xw_ecg_signal_has(d->signal, t - WIDTH_REACH - 1, t + WIDTH_REACH + 2))
        return 0;
    for (unsigned c = 0; c < d->lanes; c++)
        weight[c] = c < d->leads_n ? sqrtf(d->trust[c]) : 0;
    const float *x = xw_ecg_signal_frame(d->signal, t - WIDTH_REACH - 1);
    for (unsigned i = 0; i < 2 * WIDTH_REACH + 1; i++, x += d->lanes) {
        speed[i] = 0;
        for (unsigned c = 0; c < d->lanes; c++)
            speed[i] += weight[c] * fabsf(x[2 * d->lanes + c] - x[c]);
        if (i > WIDTH_REACH - 12 && i < WIDTH_REACH + 12)
            top = fmaxf(top, speed[i]);
    }
    unsigned first = WIDTH_REACH, last = WIDTH_REACH;
    for (unsigned i = WIDTH_REACH, quiet = 0; i > 0 && quiet < WIDTH_GAP; i--) {
        quiet = speed[i] > 0.25F * top ? 0 : quiet + 1;
        first = quiet ? first : i;
    }
    for (unsigned i = WIDTH_REACH, quiet = 0; i < 2 * WIDTH_REACH + 1 && quiet < WIDTH_GAP; i++) {
        quiet = speed[i] > 0.25F * top ? 0 : quiet + 1;
        last = quiet ? last : i;
    }
    return (float)(last - first + 1);
}

static float likeness_to_dominant(const struct xw_ecg_detect *d, const struct xw_ecg_qrs *qrs)
{
    int dominant = xw_ecg_template_dominant(&d->shapes);
    if (dominant < 0 || d->shapes.shape[dominant].learned_n < 4)
        return 1;
    return xw_ecg_template_like(&d->shapes, dominant, d->signal, qrs->t, d->trust);
}

static enum xw_ecg_code decide(const struct xw_ecg_beat *b, const struct xw_ecg_beat_label *l)
{
    float usual = xw_dsp_median_value(&b->width) * 1000 / XW_ECG_ANALYSIS_HZ;
    bool early = l->prematurity > 0 && l->prematurity < T.beat_early_v;
    bool wide = l->width_ms > T.beat_wide_factor * usual && l->width_ms > usual + T.beat_wide_ms;
    float spread = xw_dsp_median_rank(&b->rr, 0.75F) - xw_dsp_median_rank(&b->rr, 0.25F);
    bool regular = spread < T.beat_irregular * xw_dsp_median_value(&b->rr);
    if (b->beats_n < 4)
        return XW_ECG_BEAT_NORMAL;
    if (l->likeness < T.beat_strange && (wide || early))
        return XW_ECG_BEAT_VENTRICULAR;
    if (l->likeness < T.beat_alike && wide && early)
        return XW_ECG_BEAT_VENTRICULAR;
    if (l->likeness >= T.beat_alike && regular && l->prematurity > 0 &&
        l->prematurity < T.beat_early_s)
        return XW_ECG_BEAT_SUPRAVENTRICULAR;
    return XW_ECG_BEAT_NORMAL;
}

struct xw_ecg_beat_label xw_ecg_beat_classify(struct xw_ecg_beat *b, const struct xw_ecg_detect *d,
                                              const struct xw_ecg_qrs *qrs, float rr_ms)
{
    struct xw_ecg_beat_label l = {.code = XW_ECG_BEAT_NORMAL};
    float usual = xw_dsp_median_value(&b->rr);
    l.likeness = likeness_to_dominant(d, qrs);
    l.width_ms = width_of(d, qrs->t) * 1000 / XW_ECG_ANALYSIS_HZ;
    l.prematurity = rr_ms > 0 && usual > 0 ? rr_ms / usual : 0;
    l.code = decide(b, &l);
    float margin = fabsf(l.likeness - T.beat_strange);
    l.confidence = fminf(1, 0.6F + margin);
    if (l.likeness >= T.beat_alike && l.width_ms > 0)
        xw_dsp_median_push(&b->width, l.width_ms * XW_ECG_ANALYSIS_HZ / 1000);
    if (rr_ms > 0 && rr_ms < 3000)
        xw_dsp_median_push(&b->rr, rr_ms);
    b->rr_before = rr_ms;
    b->beats_n++;
    return l;
}
