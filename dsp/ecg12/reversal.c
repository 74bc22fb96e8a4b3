/* Exchanged electrodes.
 *
 * Arms and left leg: how the limb leads go with the chest leads (which such an exchange leaves
 * alone) and with each other, in P, QRS and T, judged by a small table fitted to recordings and
 * their exact permutations. Right arm and right leg: lead II is flat, since both its electrodes lie
 * on the legs. Chest: neighbours exchanged make the row V1..V6 less smooth. */
#include "dsp/ecg12/internal.h"

#include <string.h>

#define FLAT_II 0.10f /* of the larger of I and III, peak to peak of the QRS */

struct window {
    int from, to;
};

static float product(const float *a, const float *b, struct window w)
{
    float sum = 0;
    for (int i = w.from; i <= w.to; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Likeness of the three limb leads to V6 and V1, their net areas and their shares of power. */
static int window_inputs(const float *const limb[3], const float *const chest[2], struct window w,
                         float *out)
{
    int n = 0;
    float power[3], area[3], powers = 1e-3f, areas = 1e-3f;
    for (int k = 0; k < 3; k++) {
        power[k] = product(limb[k], limb[k], w);
        area[k] = 0;
        for (int i = w.from; i <= w.to; i++)
            area[k] += limb[k][i];
        powers += power[k];
        areas += fabsf(area[k]);
    }
    for (int c = 0; c < 2; c++) {
        float own = product(chest[c], chest[c], w);
        for (int k = 0; k < 3; k++)
            out[n++] = product(limb[k], chest[c], w) / sqrtf(power[k] * own + 1);
    }
    for (int k = 0; k < 3; k++)
        out[n++] = area[k] / areas;
    for (int k = 0; k < 3; k++)
        out[n++] = power[k] / powers;
    return n;
}

static struct window window_of(const struct xw_ecg12 *e, enum xw12_bound from, enum xw12_bound to)
{
    float a = e->mid.global[from], z = e->mid.global[to];
    int n = e->med.n - 1;
    if (!isfinite(a) || !isfinite(z) || z <= a)
        return (struct window){0, -1};
    return (struct window){a < 0 ? 0 : (int)a, z > (float)n ? n : (int)z};
}

bool xw12_reversal_inputs(struct xw_ecg12 *e, const struct xw_ecg12_result *r,
                          float inputs[XW12_REVERSAL_INPUTS])
{
    static const enum xw_ecg_lead NEEDED[5] = {XW_ECG_LEAD_I, XW_ECG_LEAD_II, XW_ECG_LEAD_III,
                                               XW_ECG_LEAD_V6, XW_ECG_LEAD_V1};
    const float *rows[5];
    for (int k = 0; k < 5; k++) {
        int at = xw12_usable(r, NEEDED[k]);
        if (at < 0)
            return false;
        rows[k] = xw12_row(e->med.fine, &e->med, (unsigned)at);
    }
    memset(inputs, 0, sizeof(*inputs) * XW12_REVERSAL_INPUTS);
    int n = window_inputs(rows, rows + 3, window_of(e, XW12_QRS_ON, XW12_QRS_OFF), inputs);
    n += window_inputs(rows, rows + 3, window_of(e, XW12_T_ON, XW12_T_OFF), inputs + n);
    if (!e->mid.has_p)
        return true;
    struct window p = window_of(e, XW12_P_ON, XW12_P_OFF);
    /* Level of the P wave: the line between its ends; done on copies in the engine's scratch. */
    float *copy[5];
    for (int k = 0; k < 5; k++) {
        copy[k] = e->stack + (ptrdiff_t)k * XW_ECG12_MEDIAN_N;
        for (int i = p.from; i <= p.to; i++)
            copy[k][i] = rows[k][i] - rows[k][p.from] -
                         (rows[k][p.to] - rows[k][p.from]) * (float)(i - p.from) /
                             (float)(p.to - p.from + 1);
    }
    const float *levelled[5] = {copy[0], copy[1], copy[2], copy[3], copy[4]};
    (void)window_inputs(levelled, levelled + 3, p, inputs + n);
    return true;
}

void xw12_reversal_run(const struct xw12_reversal_net *net, const float *inputs,
                       float logits[XW12_REVERSAL_CLASSES])
{
    float hidden[XW12_REVERSAL_HIDDEN];
    for (int j = 0; j < XW12_REVERSAL_HIDDEN; j++) {
        float h = net->hidden_bias[j];
        for (int k = 0; k < XW12_REVERSAL_INPUTS; k++)
            h += net->hidden[j][k] * inputs[k];
        hidden[j] = h / (1 + fabsf(h));
    }
    for (int c = 0; c < XW12_REVERSAL_CLASSES; c++) {
        logits[c] = net->bias[c];
        for (int j = 0; j < XW12_REVERSAL_HIDDEN; j++)
            logits[c] += net->out[c][j] * hidden[j];
    }
}

/* ---- chest ---- */

static float roughness(const float *const row[6], const int *order, struct window w)
{
    float sum = 0;
    for (int i = w.from; i <= w.to; i += 2)
        for (int k = 0; k + 1 < 6; k++) {
            float step = row[order[k + 1]][i] - row[order[k]][i];
            sum += step * step;
        }
    return sum;
}

static void chest(const struct xw_ecg12 *e, struct xw_ecg12_result *r)
{
    static const char *const PAIR[5] = {"V1/V2", "V2/V3", "V3/V4", "V4/V5", "V5/V6"};
    const float *row[6];
    for (int k = 0; k < 6; k++) {
        int at = xw12_usable(r, (enum xw_ecg_lead)(XW_ECG_LEAD_V1 + k));
        if (at < 0)
            return;
        row[k] = xw12_row(e->med.fine, &e->med, (unsigned)at);
    }
    struct window w = window_of(e, XW12_QRS_ON, XW12_T_OFF);
    int order[6] = {0, 1, 2, 3, 4, 5};
    float given = roughness(row, order, w) + 1, best = given;
    for (int k = 0; k < 5; k++) {
        order[k] = k + 1;
        order[k + 1] = k;
        float other = roughness(row, order, w) + 1;
        if (other < best) {
            best = other;
            r->exchange.precordial_kind = PAIR[k];
        }
        order[k] = k;
        order[k + 1] = k + 1;
    }
    r->exchange.precordial_score = given / best;
    r->exchange.precordial = r->exchange.precordial_score > XW12_CHEST_LIMIT;
    if (!r->exchange.precordial)
        r->exchange.precordial_kind = NULL;
}

static float pp_of(const struct xw_ecg12_result *r, enum xw_ecg_lead lead)
{
    int at = xw12_usable(r, lead);
    return at < 0 ? NAN : r->leads[at].qrs_pp_uv;
}

static void limb(struct xw_ecg12 *e, struct xw_ecg12_result *r)
{
    static const char *const KIND[4] = {"RA/LA", "RA/RL", "RA/LL", "LA/LL"};
    struct xw_ecg12_exchange *x = &r->exchange;
    for (int k = 0; k < 4; k++)
        x->limb_score[k] = NAN;
    float i = pp_of(r, XW_ECG_LEAD_I), iii = pp_of(r, XW_ECG_LEAD_III), largest = fmaxf(i, iii);
    /* Lead II may be left out as flat: then its height is what the record shows. */
    x->ii_pp_uv = e->ii_pp_uv;
    if (isfinite(x->ii_pp_uv) && isfinite(largest) && largest > 200)
        x->limb_score[1] = 4 * (FLAT_II - x->ii_pp_uv / largest) / FLAT_II;
    float inputs[XW12_REVERSAL_INPUTS], logits[XW12_REVERSAL_CLASSES];
    if (xw12_reversal_inputs(e, r, inputs)) {
        xw12_reversal_run(e->reversal, inputs, logits);
        x->r_v6_i_match = inputs[0];
        x->limb_score[0] = logits[1] - logits[0] - xw12_reversal_limit[0];
        x->limb_score[2] = logits[2] - logits[0] - xw12_reversal_limit[1];
        x->limb_score[3] = logits[3] - logits[0] - xw12_reversal_limit[2];
    }
    int best = x->limb_score[1] > 0 ? 1 : -1;
    for (int k = 0; k < 4 && best != 1; k++)
        if (x->limb_score[k] > 0 && (best < 0 || x->limb_score[k] > x->limb_score[best]))
            best = k;
    x->limb = best >= 0;
    x->limb_kind = best >= 0 ? KIND[best] : NULL;
    int v1 = xw12_usable(r, XW_ECG_LEAD_V1), v6 = xw12_usable(r, XW_ECG_LEAD_V6);
    /* On the right everything in I points down, and the chest row goes away from the heart. */
    bool right = best < 0 && fabsf(x->p_axis_deg) > 90 && fabsf(x->qrs_axis_deg) > 90 &&
                 fabsf(x->t_axis_deg) > 90;
    if ((best == 0 || right) && v1 >= 0 && v6 >= 0 && r->leads[v6].qrs_area_uvs < 0 &&
        r->leads[v6].qrs_pp_uv < 0.6f * r->leads[v1].qrs_pp_uv) {
        x->limb = true;
        x->limb_kind = "dextrocardia";
    }
}

void xw12_reversal(struct xw_ecg12 *e, struct xw_ecg12_result *r)
{
    r->exchange.p_axis_deg = r->p_axis_deg;
    r->exchange.qrs_axis_deg = r->qrs_axis_deg;
    r->exchange.t_axis_deg = r->t_axis_deg;
    r->exchange.r_v6_i_match = NAN;
    r->exchange.precordial_score = NAN;
    limb(e, r);
    chest(e, r);
}
