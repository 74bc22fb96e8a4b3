/* What only several leads together show: leads that cannot be what they are called, a gain that no
 * heart explains; and marks brought into order before anyone sees them. */
#include "dsp/ecg12/internal.h"

#include <string.h>

/* ---- leads that repeat each other ---- */

static bool chest(enum xw_ecg_lead lead)
{
    return lead >= XW_ECG_LEAD_V1;
}

static bool same_values(const struct xw_ecg12 *e, int a, int b)
{
    return memcmp(e->raw + (size_t)a * XW12_N_MAX, e->raw + (size_t)b * XW12_N_MAX,
                  sizeof(float) * (size_t)e->n) == 0;
}

static int given(const struct xw_ecg12 *e, enum xw_ecg_lead lead)
{
    for (unsigned l = 0; l < e->given_n; l++)
        if (e->lead[l] == lead && !(e->flaws[l] & XW_ECG12_FLAW_FLAT))
            return (int)l;
    return -1;
}

/* Two places on a chest never give the same numbers; which of the two is true is not known. Limb
 * leads may be equal by Einthoven when one of them is flat (exchanged legs), but I = II = III that
 * is not flat is no body's. */
void xw12_judge_copies(struct xw_ecg12 *e)
{
    for (unsigned a = 0; a < e->given_n; a++)
        for (unsigned b = a + 1; b < e->given_n; b++) {
            bool named = e->lead[a] != XW_ECG_LEAD_OTHER && e->lead[b] != XW_ECG_LEAD_OTHER;
            if (!named || (!chest(e->lead[a]) && !chest(e->lead[b])) ||
                ((e->flaws[a] | e->flaws[b]) & XW_ECG12_FLAW_FLAT))
                continue;
            if (same_values(e, (int)a, (int)b)) {
                e->flaws[a] |= XW_ECG12_FLAW_COPY;
                e->flaws[b] |= XW_ECG12_FLAW_COPY;
            }
        }
    int i = given(e, XW_ECG_LEAD_I), ii = given(e, XW_ECG_LEAD_II), iii = given(e, XW_ECG_LEAD_III);
    if (i < 0 || ii < 0 || iii < 0 || !same_values(e, i, ii) || !same_values(e, ii, iii))
        return;
    for (unsigned l = 0; l < e->given_n; l++)
        if (e->lead[l] >= XW_ECG_LEAD_I && e->lead[l] <= XW_ECG_LEAD_AVF)
            e->flaws[l] |= XW_ECG12_FLAW_COPY;
}

/* ---- gain ---- */

#define HIGH_UV 6000.0f /* of half of the leads: no heart */
#define HIGH_FEW_UV                                                                                \
    10000.0f          /* one or two leads: a chest lead over a thick heart may reach 6 mV          \
                       */
#define LOW_UV 150.0f /* half of at least six leads: below what effusions leave */

/* Median over beats of the QRS, peak to peak. */
static float usual_height(const struct xw_ecg12 *e, unsigned lead)
{
    float heights[XW12_BEATS];
    int used = 0;
    const float *x = xw12_row(e->rec.x, &e->rec, lead);
    for (int b = 0; b < e->beats_n; b++) {
        float low = INFINITY, high = -INFINITY;
        int from = (int)e->beat[b].global[XW12_QRS_ON], to = (int)e->beat[b].global[XW12_QRS_OFF];
        for (int i = from < 0 ? 0 : from; i <= to && i < e->n; i++) {
            low = x[i] < low ? x[i] : low;
            high = x[i] > high ? x[i] : high;
        }
        if (high >= low)
            heights[used++] = high - low;
    }
    return xw12_median_of(heights, used);
}

enum xw12_gain xw12_judge_gain(const struct xw_ecg12 *e)
{
    const uint32_t unseen = XW_ECG12_FLAW_FLAT | XW_ECG12_FLAW_GAPS | XW_ECG12_FLAW_NOISE;
    float heights[XW12_LEADS];
    int used = 0;
    for (unsigned l = 0; l < e->given_n; l++)
        if (!(e->flaws[l] & unseen))
            heights[used++] = usual_height(e, l);
    float usual = xw12_median_of(heights, used);
    if (usual > (used < 3 ? HIGH_FEW_UV : HIGH_UV))
        return XW12_GAIN_HIGH;
    return used >= 6 && usual < LOW_UV ? XW12_GAIN_LOW : XW12_GAIN_USUAL;
}

/* ---- marks ---- */

static bool inside(float at, int n)
{
    return at >= 0 && at <= (float)(n - 1);
}

/* A wave is known from its onset to its end or not at all; a wave that has left the record at the
 * side of a boundary keeps what lies within. Neighbours do not overlap: the QRS, which is surest,
 * stays. */
static void order(float at[XW12_BOUNDS], int n)
{
    for (int k = 0; k < XW12_BOUNDS; k++)
        if (!inside(at[k], n))
            at[k] = NAN;
    if (at[XW12_QRS_ON] >= at[XW12_QRS_OFF])
        at[XW12_QRS_ON] = at[XW12_QRS_OFF] = NAN;
    float from = isfinite(at[XW12_QRS_ON]) ? at[XW12_QRS_ON] : at[XW12_QRS_OFF];
    float to = isfinite(at[XW12_QRS_OFF]) ? at[XW12_QRS_OFF] : at[XW12_QRS_ON];
    if (isnan(from) || at[XW12_P_ON] >= from)
        at[XW12_P_ON] = at[XW12_P_OFF] = NAN;
    if (isnan(from) || at[XW12_T_OFF] <= to)
        at[XW12_T_ON] = at[XW12_T_OFF] = NAN;
    at[XW12_P_OFF] = at[XW12_P_OFF] > from ? from : at[XW12_P_OFF];
    at[XW12_T_ON] = at[XW12_T_ON] < to ? to : at[XW12_T_ON];
    for (int k = XW12_P_ON; k <= XW12_T_ON; k += XW12_T_ON - XW12_P_ON)
        if (at[k] >= at[k + 1])
            at[k] = at[k + 1] = NAN;
}

/* A top lies within its wave. */
static float within(float peak, float on, float off, int n)
{
    if (!inside(peak, n) || (isnan(on) && isnan(off)))
        return NAN;
    peak = peak < on ? on : peak;
    return peak > off ? off : peak;
}

void xw12_order(const struct xw12_view *v, struct xw12_beat *b)
{
    order(b->global, v->n);
    for (unsigned l = 0; l < v->leads_n; l++)
        order(b->lead[l], v->n);
    b->p_peak = within(b->p_peak, b->global[XW12_P_ON], b->global[XW12_P_OFF], v->n);
    b->t_peak = within(b->t_peak, b->global[XW12_T_ON], b->global[XW12_T_OFF], v->n);
}
