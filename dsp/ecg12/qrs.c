/* Finds the beats of the record: slopes of all leads, each against its own usual QRS, fused; humps
 * are taken in order of height, so that what lies beside a larger one must be more than its T or P
 * wave. */
#include "dsp/ecg12/internal.h"

#include <string.h>

enum { HUMPS_MAX = 256, SECONDS_MAX = 12 };

struct hump {
    int t;
    float level;
    bool taken;
};

/* What the lead's QRS complexes usually reach, and how far they stand above the rest of it. */
static void lead_level(const float *slope, int n, float *scratch, float *ret_level,
                       float *ret_weight)
{
    float top[SECONDS_MAX];
    int windows = 0;
    for (int from = 0; from + XW12_HZ <= n && windows < SECONDS_MAX; from += XW12_HZ) {
        float best = 0;
        /* One and a half seconds each, so that a slow rhythm has a beat in most. */
        for (int i = from; i < from + XW12_HZ * 3 / 2 && i < n; i++)
            best = fabsf(slope[i]) > best ? fabsf(slope[i]) : best;
        top[windows++] = best;
    }
    int used = 0;
    for (int i = 0; i < n; i += 16)
        scratch[used++] = fabsf(slope[i]);
    float usual = xw12_median_of(scratch, used);
    *ret_level = xw12_median_of(top, windows);
    float ratio = *ret_level / (usual + 1e-3f);
    *ret_weight = *ret_level < 0.3f ? 0 : xw12_clampf((ratio - 5) / 10, 0.02f, 1);
}

static void fuse(struct xw_ecg12 *e, float *fused)
{
    float total = 1e-6f;
    memset(fused, 0, sizeof(float) * (size_t)e->n);
    for (unsigned l = 0; l < e->leads_n; l++) {
        if (!(e->rec.use >> l & 1))
            continue;
        const float *slope = xw12_row(e->rec.dslow, &e->rec, l);
        float level, weight;
        lead_level(slope, e->n, e->work[3], &level, &weight);
        if (weight <= 0)
            continue;
        total += weight;
        for (int i = 0; i < e->n; i++) {
            float u = fabsf(slope[i]) / level;
            u = u > 1.6f ? 1.6f : u;
            fused[i] += weight * u * u;
        }
    }
    float *sum = e->work[3];
    const int half = XW12_MS(40);
    double run = 0;
    for (int i = -half; i < e->n; i++) {
        run += i + half < e->n ? fused[i + half] : 0;
        run -= i - half - 1 >= 0 ? fused[i - half - 1] : 0;
        if (i >= 0)
            sum[i] = sqrtf((float)(run > 0 ? run : 0) / (total * (float)(2 * half + 1)));
    }
    memcpy(fused, sum, sizeof(float) * (size_t)e->n);
}

static int find_humps(const float *fused, int n, struct hump *humps)
{
    int found = 0, reach = XW12_MS(80);
    for (int i = 0; i < n && found < HUMPS_MAX; i++) {
        bool top = fused[i] > 0;
        for (int j = i - reach; j <= i + reach && top; j++)
            if (j >= 0 && j < n && (fused[j] > fused[i] || (j < i && fused[j] == fused[i])))
                top = false;
        if (top)
            humps[found++] = (struct hump){.t = i, .level = fused[i]};
    }
    return found;
}

/* Beside a larger beat a hump must be more than its T wave (behind) or its P wave (before). */
static bool beside(const struct hump *h, const struct hump *humps, int n)
{
    for (int i = 0; i < n; i++) {
        if (!humps[i].taken)
            continue;
        int gap = h->t - humps[i].t;
        float share = h->level / humps[i].level;
        if (gap > -XW12_MS(220) && gap < XW12_MS(220))
            return true;
        if (gap > 0 && gap < XW12_MS(420) && share < 0.6f)
            return true;
        if (gap < 0 && gap > -XW12_MS(320) && share < 0.5f)
            return true;
    }
    return false;
}

static void take(struct hump *humps, int n, float threshold)
{
    for (;;) {
        int best = -1;
        for (int i = 0; i < n; i++)
            if (!humps[i].taken && humps[i].level >= threshold &&
                (best < 0 || humps[i].level > humps[best].level) && !beside(&humps[i], humps, n))
                best = i;
        if (best < 0)
            return;
        humps[best].taken = true;
    }
}

static float taken_level(const struct hump *humps, int n, float *scratch)
{
    int used = 0;
    for (int i = 0; i < n; i++)
        if (humps[i].taken)
            scratch[used++] = humps[i].level;
    return used ? xw12_median_of(scratch, used) : 0;
}

void xw12_detect(struct xw_ecg12 *e)
{
    struct hump humps[HUMPS_MAX];
    float *fused = e->work[2], scratch[HUMPS_MAX];
    fuse(e, fused);
    int n = find_humps(fused, e->n, humps);
    float top = 0;
    for (int i = 0; i < n; i++)
        top = humps[i].level > top ? humps[i].level : top;
    take(humps, n, 0.6f * top);
    float level = taken_level(humps, n, scratch);
    take(humps, n, 0.38f * level);
    e->beats_n = 0;
    for (int i = 0; i < n && e->beats_n < XW12_BEATS; i++)
        if (humps[i].taken) {
            memset(&e->beat[e->beats_n], 0, sizeof(e->beat[0]));
            e->beat[e->beats_n].r = humps[i].t;
            e->beat[e->beats_n++].level = humps[i].level;
        }
    float rr[XW12_BEATS];
    for (int b = 1; b < e->beats_n; b++)
        rr[b - 1] = (float)(e->beat[b].r - e->beat[b - 1].r);
    e->rr_n = e->beats_n > 1 ? (int)xw12_median_of(rr, e->beats_n - 1) : XW12_HZ;
}
