/* The early look: fibrillation said from the newest intervals alone, until the long look knows. */
#include "dsp/ecg/af.h"
#include "dsp/ecg/tables.h"

#include <math.h>

static const float CLAMP = 5; /* a logit */
/* What it says is confirmed or taken back within a minute. */
static const double DECIDE_S = 55;

static void rest(struct xw_ecg_af *af)
{
    struct xw_ecg_af_early *e = &af->early;
    e->active = false;
    e->sum = -af->limit;
    e->weight = 0;
    e->left_at = af->now;
}

void xw_ecg_af_early_reset(struct xw_ecg_af *af)
{
    rest(af);
    af->early.said_at = 0;
    af->early.rest_until = INT64_MIN;
    af->early.said_n = 0;
}

/* The onset lies in the middle of the small window that began to tell. */
static int64_t onset_of(const struct xw_ecg_af *af)
{
    uint64_t i = af->n > XW_ECG_AF_EARLY_NEAR / 2 ? af->n - XW_ECG_AF_EARLY_NEAR / 2 : 0;
    int64_t at = af->rr[i % XW_ECG_AF_RING].at;
    return at > af->early.rest_until ? at : af->now;
}

static void weigh(struct xw_ecg_af *af)
{
    struct xw_ecg_af_early *e = &af->early;
    xw_ecg_af_measure_early(af, e->features);
    float logit = xw_dsp_net_logit(e->table, e->features) - e->caution;
    logit += xw_ecg_tables.af_habit * (2 * af->burden - 1);
    bool turns = xw_ecg_af_alternates(af, af->n - XW_ECG_AF_EARLY_NEAR, af->n);
    logit = fminf(fmaxf(logit, -CLAMP), turns ? -1 : CLAMP);
    e->weight = logit / e->price;
}

/* It has been said: what does the long look have? Once that has seen past it, both must deny it
 * while there is time, and both together decide when there is none. */
static enum xw_ecg_af_word decide(struct xw_ecg_af *af, bool ending)
{
    struct xw_ecg_af_early *e = &af->early;
    bool due = (double)(af->now - e->said_at) > DECIDE_S * af->rate_hz;
    bool denied = af->judged >= e->said_n && af->sum <= -af->limit && e->weight < 0;
    if (!denied && !due && !(ending && af->judged == af->n))
        return XW_ECG_AF_NOTHING;
    bool so = !denied && af->weight * af->price + e->weight * e->price > 0;
    rest(af);
    if (so)
        return XW_ECG_AF_CONFIRM;
    e->rest_until = af->now + (int64_t)((double)xw_ecg_tables.af_early_rest_s * af->rate_hz);
    return XW_ECG_AF_TAKE_BACK;
}

enum xw_ecg_af_word xw_ecg_af_early_step(struct xw_ecg_af *af, bool ending)
{
    struct xw_ecg_af_early *e = &af->early;
    bool measures = !ending && af->n % XW_ECG_AF_STRIDE == 0 && af->n >= XW_ECG_AF_EARLY_NEAR;
    if (measures)
        weigh(af);
    if (e->active)
        return decide(af, ending);
    if (ending || af->sure || af->n < XW_ECG_AF_EARLY_NEAR || af->now < e->rest_until) {
        e->left_at = af->now;
        return XW_ECG_AF_NOTHING;
    }
    e->sum += e->weight;
    if (e->sum <= -af->limit) {
        e->sum = -af->limit;
        e->left_at = onset_of(af);
    }
    if (e->sum < af->limit)
        return XW_ECG_AF_NOTHING;
    e->active = true;
    e->said_at = af->now;
    e->said_n = af->n;
    return XW_ECG_AF_SAY;
}
