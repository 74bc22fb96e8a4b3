/* Beat labels and fiducials. */
#include "dsp/ecg/beat.h"
#include "dsp/ecg/net.h"
#include "dsp/ecg/tables.h"

#include <math.h>

#define T xw_ecg_tables

enum { REACH = XW_ECG_BEAT_REACH, EDGE = 5, WIDTH_REACH = 30, WIDTH_GAP = 4 };

int xw_ecg_beat_init(struct xw_ecg_beat *b, unsigned leads_n)
{
    memset(b, 0, sizeof(*b));
    xw_dsp_median_init(&b->width, 15);
    return xw_ecg_history_init(&b->history, leads_n);
}

void xw_ecg_beat_done(struct xw_ecg_beat *b)
{
    xw_ecg_history_done(&b->history);
}

void xw_ecg_beat_reset(struct xw_ecg_beat *b)
{
    xw_dsp_median_reset(&b->width);
    xw_ecg_history_reset(&b->history);
}

void xw_ecg_beat_resume(struct xw_ecg_beat *b)
{
    xw_ecg_history_resume(&b->history);
}

static unsigned clearest_lead(const struct xw_ecg_detect *d, const struct xw_ecg_qrs *qrs)
{
    float best = -1, top = 0;
    unsigned lead = 0;
    for (unsigned c = 0; c < d->leads_n; c++)
        top = fmaxf(top, d->loud >> c & 1 ? 0 : d->weight[c]);
    for (unsigned c = 0; c < d->leads_n; c++)
        if (d->weight[c] >= 0.3F * top && qrs->level[c] > best && !(d->loud >> c & 1)) {
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

static struct xw_ecg_beat_label decide(const float *x, bool later)
{
    struct xw_ecg_beat_label l = {.code = XW_ECG_BEAT_NORMAL};
    const struct xw_ecg_trees *v = later ? &xw_ecg_trees_v_later : &xw_ecg_trees_v_final;
    const struct xw_ecg_trees *s = later ? &xw_ecg_trees_s_later : &xw_ecg_trees_s_final;
    const struct xw_ecg_net *v_net = later ? &xw_ecg_net_v_later : &xw_ecg_net_v_final;
    const struct xw_ecg_net *s_net = later ? &xw_ecg_net_s_later : &xw_ecg_net_s_final;
    float v_score = xw_ecg_blend(v, v_net, x) - v->limit;
    float s_score = xw_ecg_blend(s, s_net, x) - s->limit;
    l.score = fmaxf(v_score, s_score);
    if (v_score > 0) {
        l.code = XW_ECG_BEAT_VENTRICULAR;
        l.score = v_score;
    } else if (s_score > 0) {
        l.code = XW_ECG_BEAT_SUPRAVENTRICULAR;
    }
    l.confidence = 1 / (1 + expf(-fabsf(l.score)));
    l.likeness = x[XW_ECG_FEATURE_MATCH];
    l.prematurity = x[XW_ECG_FEATURE_RR];
    l.width_ms = 1000 * x[XW_ECG_FEATURE_WIDTH_S];
    return l;
}

static struct xw_ecg_beat_label look(struct xw_ecg_beat *b, uint64_t index, const float *weight,
                                     unsigned stage)
{
    float x[XW_ECG_FEATURES];
    bool complete = false;
    xw_ecg_history_features(&b->history, index, weight, x, &complete);
    if (b->on_look)
        b->on_look(b->user, xw_ecg_history_at(&b->history, index)->at, complete ? stage : 0, x);
    return decide(x, complete);
}

struct xw_ecg_beat_label xw_ecg_beat_classify(struct xw_ecg_beat *b, const struct xw_ecg_detect *d,
                                              const struct xw_ecg_qrs *qrs, int64_t at, float rr_ms,
                                              struct xw_ecg_past **ret_past)
{
    float width = width_of(d, qrs->t);
    struct xw_ecg_past past = {.at = at,
                               .rr_ms = rr_ms,
                               .width_ms = width * 1000 / XW_ECG_ANALYSIS_HZ,
                               .q = qrs->q,
                               .known = qrs->match};
    *ret_past = xw_ecg_history_push(&b->history, d->signal, qrs->t, &past, d->trust);
    struct xw_ecg_beat_label l = look(b, b->history.beats_n - 1, d->trust, 0);
    if (l.likeness >= T.beat_alike && width > 0)
        xw_dsp_median_push(&b->width, width);
    return l;
}

struct xw_ecg_past *xw_ecg_beat_second_look(struct xw_ecg_beat *b, const float *weight,
                                            struct xw_ecg_beat_label *ret_label)
{
    struct xw_ecg_history *h = &b->history;
    if (h->beats_n < 2 || h->beats_n - 2 < h->settled_n)
        return NULL;
    struct xw_ecg_past *past = xw_ecg_history_at(h, h->beats_n - 2);
    *ret_label = look(b, h->beats_n - 2, weight, 1);
    return past;
}

struct xw_ecg_past *xw_ecg_beat_last_look(struct xw_ecg_beat *b, const float *weight,
                                          int64_t before, bool all,
                                          struct xw_ecg_beat_label *ret_label)
{
    struct xw_ecg_history *h = &b->history;
    if (h->settled_n == h->beats_n)
        return NULL;
    struct xw_ecg_past *past = xw_ecg_history_at(h, h->settled_n);
    if (!all && past->at >= before && h->beats_n - h->settled_n < XW_ECG_HISTORY_BEATS - 1)
        return NULL;
    *ret_label = look(b, h->settled_n++, weight, 2);
    return past;
}
