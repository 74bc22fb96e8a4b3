/* Pacing pulses: a jump within two milliseconds or so between calm neighbours, seen by the leads
 * together. They are cut out (a line stands instead), since else they pass for the onset of the
 * QRS. At 500 Hz, and behind a recorder's filter, only some can be seen: pulses found are facts,
 * none found says nothing. */
#include "dsp/ecg12/internal.h"

enum { BEFORE = 3, AFTER = 5, CALM_FROM = 3, CALM_TO = 10, APART = 12, WIDE = 8 };

static float calm(const float *g, int from, int to, int n)
{
    float top = 0;
    for (int i = from; i <= to; i++)
        if (i >= 0 && i < n)
            top = g[i] > top ? g[i] : top;
    return top;
}

static void cut(struct xw_ecg12 *e, int at, int end)
{
    int from = at - BEFORE < 0 ? 0 : at - BEFORE, to = end + AFTER >= e->n ? e->n - 1 : end + AFTER;
    for (unsigned l = 0; l < e->leads_n; l++) {
        float *x = e->raw + (size_t)l * XW12_N_MAX, a = x[from], z = x[to];
        for (int i = from + 1; i < to; i++)
            x[i] = a + (z - a) * (float)(i - from) / (float)(to - from);
    }
}

static bool known(const struct xw_ecg12 *e, int at)
{
    for (int k = 0; k < e->pace_n; k++)
        if (at - e->pace[k] <= APART && e->pace[k] - at <= APART)
            return true;
    return false;
}

/* The last jump of a pulse that begins with the one at i. Where pulses are known, a recorder may
 * have drawn one as a plateau of up to 16 ms: a jump back, about as tall, ends it. */
static int last_jump(const float *g, int i, bool wide)
{
    for (int j = i + WIDE; wide && j > i + 2; j--)
        if (g[j] > 0.6f * g[i] && g[j] < 1.6f * g[i])
            return j;
    return i;
}

/* Jumps of at least `least` µV in 2 ms with less than these shares of it before and after. */
static void find(struct xw_ecg12 *e, const float *g, float least, float before, float after,
                 bool wide)
{
    for (int i = APART; i + APART < e->n && e->pace_n < XW_ECG12_PACES_MAX; i++) {
        int last = last_jump(g, i, wide);
        if (g[i] < least || g[i] < calm(g, i - 3, i + (last > i ? 1 : 3), e->n) || known(e, i) ||
            calm(g, i - CALM_TO, i - CALM_FROM, e->n) > before * g[i] ||
            calm(g, last + CALM_FROM + 1, last + CALM_TO, e->n) > after * g[i])
            continue;
        e->height[e->pace_n] = g[i];
        e->before[e->pace_n] = calm(g, i - CALM_TO, i - CALM_FROM, e->n) / g[i];
        e->pace_end[e->pace_n] = last;
        e->pace[e->pace_n++] = i;
    }
}

void xw12_pace(struct xw_ecg12 *e)
{
    float *g = e->work[0];
    unsigned used = 0;
    for (int i = 0; i < e->n; i++)
        g[i] = 0;
    for (unsigned l = 0; l < e->leads_n; l++) {
        if (e->unfit >> l & 1)
            continue;
        const float *x = e->raw + (size_t)l * XW12_N_MAX;
        used++;
        for (int i = 1; i < e->n; i++)
            g[i] += (x[i] - x[i - 1]) * (x[i] - x[i - 1]);
    }
    for (int i = 0; i < e->n && used; i++)
        g[i] = sqrtf(g[i] / (float)used);
    e->pace_n = 0;
    find(e, g, 45, 0.25f, 0.35f, false);
    /* The slopes of a slender QRS lie within it: what precedes them is not as calm. */
    float values[XW_ECG12_PACES_MAX];
    for (int k = 0; k < e->pace_n; k++)
        values[k] = e->before[k];
    if (e->pace_n < 2 || xw12_median_of(values, e->pace_n) > 0.14f) {
        e->pace_n = 0;
        return;
    }
    /* Where there are some, the others need less. */
    for (int k = 0; k < e->pace_n; k++)
        values[k] = e->height[k];
    float least = 0.35f * xw12_median_of(values, e->pace_n);
    find(e, g, least, 0.45f, 0.6f, false);
    find(e, g, 2 * least, 0.1f, 0.2f, true);
    for (int k = 0; k < e->pace_n; k++)
        cut(e, e->pace[k], e->pace_end[k]);
}
