/* T waves behind, P waves before the beats: where they are, and whether there are any. Works on
 * rows in which the QRS complexes have been replaced by lines. */
#include "dsp/ecg12/internal.h"

#include <string.h>

float xw12_lead_hump(const struct xw12_view *v, unsigned lead, int t, int w)
{
    const float *x = xw12_row(v->slow, v, lead);
    int a = t - w < 0 ? 0 : t - w, z = t + w >= v->n ? v->n - 1 : t + w;
    return x[t] - 0.5f * (x[a] + x[z]);
}

float xw12_hump(const struct xw12_view *v, int t, int w)
{
    float sum = 0;
    unsigned used = 0;
    for (unsigned l = 0; l < v->leads_n; l++)
        if (v->use >> l & 1) {
            float h = xw12_lead_hump(v, l, t, w);
            sum += h * h;
            used++;
        }
    return used ? sqrtf(sum / (float)used) : 0;
}

/* The T wave's top lies within about half a second of the beat, sooner at fast rates. */
static int t_window_end(const struct xw_ecg12 *e, int r, int next_on)
{
    float rr =
        (float)(next_on > 0 && next_on - r < 3 * e->rr_n / 2 ? next_on - r : e->rr_n) / XW12_HZ;
    float bazett = 0.40f * sqrtf(rr) + 0.10f, share = 0.72f * rr;
    int end = r + (int)((bazett < share ? bazett : share) * XW12_HZ);
    return next_on > 0 && end > next_on - XW12_MS(40) ? next_on - XW12_MS(40) : end;
}

/* How long after the QRS the mean of the dominant beats stands out most; -1: too few beats. Beats
 * that end before count as 0: after the longest of them a flutter wave may stand. */
static int common_t(const struct xw_ecg12 *e, const struct xw12_view *v,
                    const struct xw12_beat *beats, int n)
{
    float best = 0;
    int found = -1, dominant = 0;
    for (int i = 0; i < n; i++)
        dominant += beats[i].dominant;
    for (int after = XW12_MS(50); after < XW12_MS(560); after += 2) {
        float values[XW12_LEADS] = {0}, sum = 0;
        int used = 0;
        for (int i = 0; i < n; i++) {
            int off = (int)beats[i].global[XW12_QRS_OFF], t = off + after;
            int next = i + 1 < n ? (int)beats[i + 1].global[XW12_QRS_ON] : 0;
            if (!beats[i].dominant || t > t_window_end(e, beats[i].r, next) ||
                t >= v->n - XW12_MS(40))
                continue;
            used++;
            for (unsigned l = 0; l < v->leads_n; l++)
                if (v->use >> l & 1)
                    values[l] += xw12_lead_hump(v, l, t, XW12_MS(100));
        }
        if (used * 3 < n)
            continue;
        for (unsigned l = 0; l < v->leads_n; l++)
            sum += values[l] * values[l];
        sum = sqrtf(sum) / (float)dominant;
        if (sum > best) {
            best = sum;
            found = after;
        }
    }
    return found;
}

void xw12_ventricles(struct xw_ecg12 *e, struct xw12_view *v, struct xw12_beat *beats, int beats_n)
{
    int after = common_t(e, v, beats, beats_n);
    for (int i = 0; i < beats_n; i++) {
        struct xw12_beat *b = &beats[i];
        int off = (int)b->global[XW12_QRS_OFF],
            next = i + 1 < beats_n ? (int)beats[i + 1].global[XW12_QRS_ON] : 0;
        int from = off + XW12_MS(50), to = t_window_end(e, b->r, next), best = -1;
        float height = 0;
        if (after >= 0 && b->dominant) {
            from = from > off + after - XW12_MS(50) ? from : off + after - XW12_MS(50);
            to = to < off + after + XW12_MS(50) ? to : off + after + XW12_MS(50);
        }
        b->has_t = false;
        b->t_peak = NAN;
        for (int t = from; t <= to && t < v->n - XW12_MS(40); t++) {
            float h = xw12_hump(v, t, XW12_MS(100));
            if (h > height) {
                height = h;
                best = t;
            }
        }
        if (best < 0 || height < 3)
            continue;
        b->has_t = true;
        b->t_peak = (float)best;
    }
}

/* ---- atria ---- */

enum {
    P_HALF = XW12_MS(56), /* of the picture compared */
    P_W = XW12_MS(56),    /* over which a P wave must stand out */
    P_STEP = 4,           /* samples between points of the picture */
    P_POINTS = 2 * P_HALF / P_STEP + 1,
};

/* What stands out around t, lead after lead. */
static void picture(const struct xw12_view *v, int t, float *out)
{
    int at = 0;
    for (unsigned l = 0; l < v->leads_n; l++) {
        if (!(v->use >> l & 1))
            continue;
        const float *x = xw12_row(v->slow, v, l);
        float mean = 0;
        int first = at;
        for (int k = 0; k < P_POINTS; k++) {
            int i = t - P_HALF + k * P_STEP;
            out[at] = x[i < 0 ? 0 : i >= v->n ? v->n - 1 : i];
            mean += out[at++];
        }
        /* Level and tilt out: both belong to the T wave and the baseline. */
        float tilt = 0, power = 0;
        mean /= (float)P_POINTS;
        for (int k = 0; k < P_POINTS; k++) {
            float u = (float)k - 0.5f * (float)(P_POINTS - 1);
            tilt += u * out[first + k];
            power += u * u;
        }
        for (int k = 0; k < P_POINTS; k++)
            out[first + k] -= mean + tilt / power * ((float)k - 0.5f * (float)(P_POINTS - 1));
    }
}

static float dot(const float *a, const float *b, int n)
{
    float sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

struct atria {
    int points_n;
    float model[XW12_LEADS * P_POINTS];
    float seen[XW12_BEATS][XW12_LEADS * P_POINTS];
    float power[XW12_BEATS];
    int before[XW12_BEATS]; /* from P to QRS onset of the model */
};

/* Window in which the P wave of beat i can have its top. */
static void p_window(const struct xw12_beat *beats, int i, int *ret_from, int *ret_to)
{
    int on = (int)beats[i].global[XW12_QRS_ON];
    *ret_to = on - XW12_MS(36);
    *ret_from = on - XW12_MS(360);
    if (i) {
        int quiet = beats[i - 1].has_t ? (int)beats[i - 1].t_peak + XW12_MS(70)
                                       : (int)beats[i - 1].global[XW12_QRS_OFF] + XW12_MS(80);
        *ret_from = quiet > *ret_from ? quiet : *ret_from;
    }
    *ret_from = *ret_from < P_HALF ? P_HALF : *ret_from;
}

/* The foot of the T wave before beat i is still within reach of what is compared around t. */
static bool on_t_foot(const struct xw12_beat *beats, int i, int t)
{
    return i && beats[i - 1].has_t && t < (int)beats[i - 1].t_peak + XW12_MS(150);
}

/* The time before the QRS at which most stands out, on the mean over the dominant beats. */
static int common_interval(const struct xw12_view *v, const struct xw12_beat *beats, int n)
{
    enum { FIRST = XW12_MS(36), LAST = XW12_MS(360), NEAR = XW12_MS(160) };
    static const float FAR_LESS = 0.25f, FOOT_LESS = 0.4f;
    float best = 0;
    int found = -1;
    for (int back = FIRST; back <= LAST; back += 2) {
        float values[XW12_LEADS] = {0}, sum = 0;
        int used = 0, feet = 0;
        for (int i = 0; i < n; i++) {
            int from, to, t = (int)beats[i].global[XW12_QRS_ON] - back;
            p_window(beats, i, &from, &to);
            if (!beats[i].dominant || t < from || t > to)
                continue;
            used++;
            feet += on_t_foot(beats, i, t);
            for (unsigned l = 0; l < v->leads_n; l++)
                if (v->use >> l & 1)
                    values[l] += xw12_lead_hump(v, l, t, P_W);
        }
        if (used < 2 || used * 3 < n)
            continue;
        for (unsigned l = 0; l < v->leads_n; l++)
            sum += values[l] * values[l];
        sum = sqrtf(sum) / (float)used;
        /* Long intervals must show more, and the foot of a T wave, which bends as a P wave does,
         * much more. */
        float far = (float)(back - NEAR) / (float)(LAST - NEAR);
        sum *= far > 0 ? 1 - FAR_LESS * far : 1;
        sum *= 2 * feet > used ? FOOT_LESS : 1;
        if (sum > best) {
            best = sum;
            found = back;
        }
    }
    return found;
}

static int find_p(const struct xw12_view *v, const float *model, int points, int from, int to,
                  float *ret_like, float *ret_gain)
{
    float seen[XW12_LEADS * P_POINTS], power = dot(model, model, points) + 1e-3f, best = -2;
    int found = from;
    for (int t = from; t <= to; t += 2) {
        picture(v, t, seen);
        float both = dot(seen, model, points), own = dot(seen, seen, points) + 1e-3f;
        float like = both / sqrtf(own * power);
        if (like > best) {
            best = like;
            found = t;
            *ret_gain = both / power;
        }
    }
    *ret_like = best;
    return found;
}

/* Mean likeness of the pictures to each other: 0 for chance (fibrillation), near 1 for one P wave.
 */
static float coherence(struct atria *a, int n)
{
    double sum_sq = 0, own = 1e-3;
    memset(a->model, 0, sizeof(a->model));
    for (int i = 0; i < n; i++) {
        float scale = 1.0f / sqrtf(dot(a->seen[i], a->seen[i], a->points_n) + 1e-3f);
        for (int k = 0; k < a->points_n; k++)
            a->model[k] += scale * a->seen[i][k];
        own += 1;
    }
    sum_sq = (double)dot(a->model, a->model, a->points_n);
    return n < 2 ? 0 : (float)((sum_sq - own) / ((double)n * (n - 1)));
}

/* Median change from one RR interval to the next, as a share of RR; of dominant beats where there
 * are enough. */
static float rr_variation(const struct xw_ecg12 *e)
{
    float values[XW12_BEATS];
    for (int strict = 1; strict >= 0; strict--) {
        int used = 0;
        for (int i = 2; i < e->beats_n; i++)
            if (!strict ||
                (e->beat[i].dominant && e->beat[i - 1].dominant && e->beat[i - 2].dominant))
                values[used++] =
                    fabsf((float)(e->beat[i].r - 2 * e->beat[i - 1].r + e->beat[i - 2].r)) /
                    (float)e->rr_n;
        if (used >= 5 || (!strict && used >= 2))
            return xw12_median_of(values, used);
    }
    return 0;
}

/* Flutter: the same wave stands between the beats as well, a cycle of 160 to 330 ms earlier. */
static bool is_flutter(const struct xw_ecg12 *e, const struct xw12_view *v, const struct atria *a,
                       int back)
{
    int room = 0, again = 0;
    for (int i = 1; i < e->beats_n; i++) {
        const struct xw12_beat *b = &e->beat[i], *last = &e->beat[i - 1];
        int p = (int)b->global[XW12_QRS_ON] - back;
        int from = (last->has_t ? (int)last->t_peak + XW12_MS(60)
                                : (int)last->global[XW12_QRS_OFF] + XW12_MS(80));
        if (!b->dominant || p - XW12_MS(240) < from)
            continue;
        room++;
        from = from > p - XW12_MS(330) ? from : p - XW12_MS(330);
        float like, gain = 0;
        (void)find_p(v, a->model, a->points_n, from, p - XW12_MS(160), &like, &gain);
        again += like > 0.6f && gain > 0.5f;
    }
    return room >= 3 && again * 10 >= room * 6;
}

void xw12_atria(struct xw_ecg12 *e, struct xw12_view *v)
{
    struct atria a = {0};
    int back = common_interval(v, e->beat, e->beats_n), n = 0;
    for (unsigned l = 0; l < v->leads_n; l++)
        a.points_n += (v->use >> l & 1) ? P_POINTS : 0;
    e->p_present = false;
    e->coherence = 0;
    for (int i = 0; i < e->beats_n; i++) {
        e->beat[i].has_p = false;
        e->beat[i].p_peak = NAN;
    }
    if (back < 0)
        return;
    for (int i = 0; i < e->beats_n; i++) {
        int t = (int)e->beat[i].global[XW12_QRS_ON] - back;
        if (e->beat[i].dominant && t >= P_HALF)
            picture(v, t, a.seen[n++]);
    }
    e->coherence = coherence(&a, n);
    e->af_score = rr_variation(e);
    memset(a.model, 0, sizeof(a.model));
    for (int i = 0; i < n; i++)
        for (int k = 0; k < a.points_n; k++)
            a.model[k] += a.seen[i][k] / (float)n;
    e->flutter = is_flutter(e, v, &a, back);
    e->p_present = !e->flutter && e->coherence > 0.35f + (e->af_score > 0.1f ? 0.2f : 0);
    if (!e->p_present)
        return;
    for (int i = 0; i < e->beats_n; i++) {
        struct xw12_beat *b = &e->beat[i];
        int from, to, centre = (int)b->global[XW12_QRS_ON] - back;
        p_window(e->beat, i, &from, &to);
        if (b->dominant) {
            from = from > centre - XW12_MS(40) ? from : centre - XW12_MS(40);
            to = to < centre + XW12_MS(40) ? to : centre + XW12_MS(40);
        }
        if (from > to)
            continue;
        float like, gain = 0;
        int t = find_p(v, a.model, a.points_n, from, to, &like, &gain);
        b->has_p = like > (b->dominant ? 0.35f : 0.6f) && gain > 0.35f && gain < 2.5f;
        b->p_peak = b->has_p ? (float)t : NAN;
    }
}
