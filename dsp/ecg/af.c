/* The course of two states, fibrillating or not. */
#include "dsp/ecg/af.h"
#include "dsp/ecg/tables.h"
#include "dsp/train/tables.h"

#include <math.h>
#include <string.h>

static const float ALIKE = 0.05F, CLAMP = 5; /* a difference of logarithms; a logit */

void xw_ecg_af_init(struct xw_ecg_af *af, const struct xw_dsp_net *table, double rate_hz)
{
    af->table = table ? table : &xw_af_table;
    af->rate_hz = rate_hz;
    af->limit = xw_ecg_tables.af_limit;
    af->price = xw_ecg_tables.af_price;
    af->early.table = &xw_af_early_table;
    af->early.price = xw_ecg_tables.af_early_price;
    af->early.caution = xw_ecg_tables.af_early_caution;
    xw_ecg_af_reset(af);
}

void xw_ecg_af_reset(struct xw_ecg_af *af)
{
    af->n = af->judged = 0;
    af->begun = false;
    af->broken = true;
    af->left_at = af->since_at = af->sure_at = af->now = 0;
    af->weight = af->sum = 0;
    af->burden = 0.5F;
    af->active = af->sure = af->taken_back = false;
    memset(af->features, 0, sizeof(af->features));
    xw_ecg_af_early_reset(af);
}

struct xw_ecg_af_evidence xw_ecg_af_evidence(const struct xw_ecg_af *af)
{
    const float *figures = (af->sure ? af->features : af->early.features) + XW_ECG_AF_PER_WINDOW;
    struct xw_ecg_af_evidence why = {
        .alike_share = expf(figures[11]),
        .difference = expf(figures[0]) - 0.005F,
        .pattern = figures[12],
        .score = 2 * af->limit,
        .intervals_n = af->sure ? 2 * XW_ECG_AF_FAR + 1 : XW_ECG_AF_EARLY_FAR,
    };
    uint64_t newest_n = af->n < XW_ECG_AF_EARLY_FAR ? af->n : XW_ECG_AF_EARLY_FAR;
    for (uint64_t i = af->n - newest_n; i < af->n; i++) {
        float rr_ms = 1000 * expf(af->rr[i % XW_ECG_AF_RING].log_rr);
        why.rr_ms += rr_ms / (float)newest_n;
        why.rr_high_ms = fmaxf(why.rr_high_ms, rr_ms);
        why.rr_low_ms = why.rr_low_ms > 0 ? fminf(why.rr_low_ms, rr_ms) : rr_ms;
    }
    return why;
}

bool xw_ecg_af_alternates(const struct xw_ecg_af *af, uint64_t first, uint64_t end)
{
    unsigned all_n = 0, turned_n = 0;
    for (uint64_t i = first + 2; i < end; i++, all_n++) {
        float x = af->rr[i % XW_ECG_AF_RING].log_rr;
        turned_n += fabsf(x - af->rr[(i - 2) % XW_ECG_AF_RING].log_rr) < ALIKE &&
                    fabsf(x - af->rr[(i - 1) % XW_ECG_AF_RING].log_rr) > 2 * ALIKE;
    }
    return (float)turned_n > 0.6F * (float)all_n;
}

/* The same around an interval. */
static bool alternates(const struct xw_ecg_af *af, uint64_t centre)
{
    uint64_t first = centre > XW_ECG_AF_NEAR ? centre - XW_ECG_AF_NEAR : 0;
    uint64_t end = centre + XW_ECG_AF_NEAR < af->n ? centre + XW_ECG_AF_NEAR : af->n;
    return xw_ecg_af_alternates(af, first, end);
}

/* Not further back than a word may still be revised. */
static int64_t dated(const struct xw_ecg_af *af, int64_t at)
{
    int64_t earliest = af->now - (int64_t)((double)xw_ecg_tables.af_revise_s * af->rate_hz);
    return at > earliest ? at : earliest;
}

/* The long look: true when it changed its mind. */
static bool judge_next(struct xw_ecg_af *af)
{
    uint64_t centre = af->judged++;
    int64_t at = af->rr[centre % XW_ECG_AF_RING].at;
    if (centre % XW_ECG_AF_STRIDE == 0) {
        xw_ecg_af_measure(af, centre, af->features);
        float logit = xw_dsp_net_logit(af->table, af->features) - xw_ecg_tables.af_caution;
        /* What the last hour was speaks too. */
        logit += xw_ecg_tables.af_habit * (2 * af->burden - 1);
        logit = fminf(fmaxf(logit, -CLAMP), alternates(af, centre) ? -1 : CLAMP);
        af->weight = logit / af->price;
    }
    float toward = af->sure ? -af->weight : af->weight; /* the other state */
    af->sum += toward;
    af->burden += xw_ecg_tables.af_habit_rate * ((af->sure ? 1.0F : 0.0F) - af->burden);
    if (af->sum <= -af->limit) {
        af->sum = -af->limit;
        af->left_at = at;
        return false;
    }
    if (af->sum < af->limit)
        return false;
    af->sum = -af->limit;
    af->sure = !af->sure;
    af->sure_at = dated(af, af->left_at);
    af->left_at = at;
    return true;
}

/* The long look changed its mind. What it confirms was said already, and keeps its onset. */
static void heed_long(struct xw_ecg_af *af)
{
    if (af->active != af->sure)
        af->since_at = af->sure_at;
    af->active = af->sure;
    xw_ecg_af_early_reset(af);
}

static bool heed_early(struct xw_ecg_af *af, bool ending)
{
    int64_t onset = af->early.left_at;
    switch (xw_ecg_af_early_step(af, ending)) {
    case XW_ECG_AF_SAY:
        af->active = true;
        af->since_at = dated(af, onset);
        return true;
    case XW_ECG_AF_TAKE_BACK:
        af->active = false;
        af->taken_back = true;
        return true;
    case XW_ECG_AF_CONFIRM:
        af->sure = true;
        af->sure_at = af->since_at;
        af->sum = -af->limit;
        af->left_at = af->now;
        return true;
    case XW_ECG_AF_NOTHING:
        break;
    }
    return false;
}

static bool look(struct xw_ecg_af *af, bool ending)
{
    af->taken_back = false;
    bool waits = af->n - af->judged > (ending ? 0 : XW_ECG_AF_FAR);
    if (!waits || !judge_next(af))
        return heed_early(af, ending);
    heed_long(af);
    return true;
}

bool xw_ecg_af_beat(struct xw_ecg_af *af, int64_t at, float rr_ms, bool usable)
{
    if (!af->begun)
        af->left_at = af->since_at = af->early.left_at = at;
    af->begun = true;
    af->now = at;
    if (!usable || rr_ms < 200 || rr_ms > 4000) {
        af->broken = true;
        return false;
    }
    unsigned slot = (unsigned)(af->n++ % XW_ECG_AF_RING);
    af->rr[slot].at = at;
    af->rr[slot].log_rr = logf(rr_ms / 1000);
    af->rr[slot].joined = !af->broken;
    af->broken = false;
    return look(af, false);
}

unsigned xw_ecg_af_waiting(const struct xw_ecg_af *af)
{
    return (unsigned)(af->n - af->judged);
}

bool xw_ecg_af_finish(struct xw_ecg_af *af)
{
    return look(af, true);
}
