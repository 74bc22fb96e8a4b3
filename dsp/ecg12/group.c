/* Which beats are alike, and their median. */
#include "dsp/ecg12/internal.h"

#include <stdlib.h>

enum { REACH = XW12_MS(100), SHIFT = XW12_MS(24), LIKE_PERCENT = 88 };

/* Likeness of the QRS of beats a and b, b moved by `shift`, over all usable leads. */
static float likeness(const struct xw_ecg12 *e, int a, int b, int shift)
{
    const struct xw12_view *v = &e->rec;
    double ab = 0, aa = 1e-3, bb = 1e-3;
    int ra = e->beat[a].r, rb = e->beat[b].r + shift;
    for (unsigned l = 0; l < v->leads_n; l++) {
        if (!(v->use >> l & 1))
            continue;
        const float *x = xw12_row(v->fine, v, l);
        for (int i = -REACH; i <= REACH; i += 3) {
            int p = ra + i, q = rb + i;
            if (p < 0 || q < 0 || p >= v->n || q >= v->n)
                continue;
            ab += (double)x[p] * x[q];
            aa += (double)x[p] * x[p];
            bb += (double)x[q] * x[q];
        }
    }
    return (float)(ab / sqrt(aa * bb));
}

static float best_likeness(const struct xw_ecg12 *e, int a, int b, int step, int *ret_shift)
{
    float best = -2;
    for (int shift = -SHIFT; shift <= SHIFT; shift += step) {
        float value = likeness(e, a, b, shift);
        if (value > best) {
            best = value;
            *ret_shift = shift;
        }
    }
    return best;
}

/* Mean interval before the beats that are alike to `centre`, in samples; 0: none has one. */
static float rr_before(const struct xw_ecg12 *e, int centre)
{
    float sum = 0;
    int n = 0, shift;
    for (int b = 1; b < e->beats_n; b++) {
        if (best_likeness(e, centre, b, 3, &shift) <= 0.01f * LIKE_PERCENT)
            continue;
        sum += (float)(e->beat[b].r - e->beat[b - 1].r);
        n++;
    }
    return n ? sum / (float)n : 0;
}

/* Beats alike and unlike `centre` follow each other by turns. */
static bool takes_turns(const struct xw_ecg12 *e, int centre)
{
    bool last = false;
    int turns = 0, shift;
    for (int b = 0; b < e->beats_n; b++) {
        bool alike = best_likeness(e, centre, b, 3, &shift) > 0.01f * LIKE_PERCENT;
        turns += b && alike != last;
        last = alike;
    }
    return turns * 10 >= (e->beats_n - 1) * 8;
}

/* In bigeminy the patient's own beats are those that do not come early. */
static int not_the_early_ones(const struct xw_ecg12 *e, const float *score, int best, int step)
{
    static const float NEARLY = 0.6f, LATER = 1.15f;
    int other = -1, shift;
    for (int a = 0; a < e->beats_n; a += step)
        if (score[a] >= NEARLY * score[best] && (other < 0 || score[a] > score[other]) &&
            best_likeness(e, best, a, 3, &shift) <= 0.01f * LIKE_PERCENT)
            other = a;
    bool bigeminy = other >= 0 && takes_turns(e, best);
    return bigeminy && rr_before(e, other) > LATER * rr_before(e, best) ? other : best;
}

/* The beat that most others resemble. */
static int find_centre(const struct xw_ecg12 *e)
{
    float score[XW12_BEATS] = {0};
    /* Of very many beats every other is asked: the rhythm is fast and the answer the same. */
    int step = e->beats_n > 24 ? 2 : 1, best = 0, shift;
    for (int a = 0; a < e->beats_n; a += step)
        for (int b = a + step; b < e->beats_n; b += step) {
            float value = best_likeness(e, a, b, 3, &shift);
            float points = value > 0.01f * LIKE_PERCENT ? 1 + value : 0.1f * value;
            score[a] += points;
            score[b] += points;
        }
    for (int a = 0; a < e->beats_n; a += step)
        if (score[a] > score[best])
            best = a;
    return not_the_early_ones(e, score, best, step);
}

/* A small strange hump that leaves the rhythm around it undisturbed is an artefact or a T wave. */
static bool is_intruder(const struct xw_ecg12 *e, int b)
{
    const struct xw12_beat *beat = &e->beat[b];
    if (b < 2 || b + 2 >= e->beats_n || beat->match > 0.75f)
        return false;
    int around = e->beat[b + 1].r - e->beat[b - 1].r, before = e->beat[b - 1].r - e->beat[b - 2].r;
    float usual = 0.5f * (e->beat[b - 1].level + e->beat[b + 1].level);
    return abs(around - before) * 8 < before && beat->level < 0.8f * usual &&
           e->beat[b - 1].dominant && e->beat[b + 1].dominant;
}

static void drop_intruders(struct xw_ecg12 *e)
{
    for (int b = 0; b < e->beats_n; b++) {
        if (!is_intruder(e, b))
            continue;
        for (int k = b + 1; k < e->beats_n; k++)
            e->beat[k - 1] = e->beat[k];
        e->beats_n--;
    }
}

/* The last pulse before the QRS. */
void xw12_mark_paced(struct xw_ecg12 *e)
{
    for (int b = 0; b < e->beats_n; b++) {
        e->beat[b].pulse = -1;
        for (int k = 0; k < e->pace_n; k++) {
            int gap = e->beat[b].r - e->pace_end[k];
            if (gap > XW12_MS(10) && gap < XW12_MS(200) && e->pace_end[k] > e->beat[b].pulse)
                e->beat[b].pulse = e->pace_end[k];
        }
        e->beat[b].paced = e->beat[b].pulse >= 0;
    }
}

void xw12_group(struct xw_ecg12 *e)
{
    if (!e->beats_n)
        return;
    int centre = find_centre(e);
    for (int b = 0; b < e->beats_n; b++) {
        struct xw12_beat *beat = &e->beat[b];
        beat->match = best_likeness(e, centre, b, 1, &beat->shift);
        beat->dominant = beat->match > 0.01f * LIKE_PERCENT;
    }
    for (int b = 0; b < e->beats_n; b++) {
        e->beat[b].r += e->beat[b].shift;
        e->beat[b].shift = 0;
    }
    drop_intruders(e);
    xw12_mark_paced(e);
}

void xw12_median(struct xw_ecg12 *e)
{
    struct xw12_view *m = &e->med;
    *m = (struct xw12_view){.n = XW_ECG12_MEDIAN_N,
                            .leads_n = e->leads_n,
                            .stride = XW_ECG12_MEDIAN_N,
                            .use = e->rec.use,
                            .x = e->med_rows[0],
                            .fine = e->med_rows[1],
                            .slow = e->med_rows[2],
                            .dfine = e->med_rows[3],
                            .dslow = e->med_rows[4],
                            .g = e->med_sum[0],
                            .gs = e->med_sum[1],
                            .vm = e->med_sum[2]};
    float values[XW12_BEATS];
    for (unsigned l = 0; l < e->leads_n; l++) {
        const float *x = xw12_row(e->rec.x, &e->rec, l);
        float *out = xw12_row(m->x, m, l);
        for (int i = 0; i < m->n; i++) {
            int used = 0;
            for (int b = 0; b < e->beats_n; b++) {
                int at = e->beat[b].r - XW_ECG12_MEDIAN_R + i;
                if (e->beat[b].dominant && at >= 0 && at < e->n)
                    values[used++] = x[at];
            }
            out[i] = used ? xw12_median_of(values, used) : 0;
        }
    }
}
