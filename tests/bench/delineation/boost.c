/* Boosted symmetric trees for one boundary of dsp/ecg12: every tree asks five questions of all
 * cases alike. Each sees three quarters of the records and a third of the figures; errors count by
 * their square up to `clip` samples, beyond by their size. Deterministic. */
#include "bench/delineation/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 32, LEAVES = 1 << XW12_TREE_DEPTH, SEEN_256 = 180, ASKED_PERCENT = 35 };

#define RATE 0.09f
#define SHRINK 120.0 /* cases that a leaf must outweigh */

struct boost {
    const struct xw_bench_cases *c;
    float limit[XW12_LOOK_NEAR][BINS];
    uint8_t *bin[XW12_LOOK_NEAR]; /* of every case */
    float clip;
    float *value, *slope; /* of every case: what is said; what is missing */
    uint8_t *leaf;
    uint32_t *seen; /* cases of this tree */
    size_t seen_n;
    uint64_t random;
};

static uint32_t next_random(struct boost *b)
{
    b->random = b->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(b->random >> 33);
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void fill_bins(struct boost *b, int f, float *sorted)
{
    size_t n = b->c->n;
    for (size_t i = 0; i < n; i++)
        sorted[i] = b->c->x[i][f];
    qsort(sorted, n, sizeof(*sorted), compare);
    for (size_t k = 0; k + 1 < BINS; k++)
        b->limit[f][k] = sorted[(k + 1) * n / BINS];
    for (size_t i = 0; i < n; i++) {
        int bin = 0;
        while (bin + 1 < BINS && b->c->x[i][f] > b->limit[f][bin])
            bin++;
        b->bin[f][i] = (uint8_t)bin;
    }
}

/* How well each limit of a figure splits all the leaves there are; returns the best. */
static double best_limit(const struct boost *b, int f, int leaves, int *ret_bin)
{
    static struct {
        float sum, count;
    } at[LEAVES][BINS];
    double gain[BINS] = {0}, best = -1;
    memset(at, 0, sizeof(at[0]) * (size_t)leaves);
    for (size_t k = 0; k < b->seen_n; k++) {
        uint32_t i = b->seen[k];
        at[b->leaf[i]][b->bin[f][i]].sum += b->slope[i];
        at[b->leaf[i]][b->bin[f][i]].count++;
    }
    for (int l = 0; l < leaves; l++) {
        double all = 0, all_n = 0, low = 0, low_n = 0;
        for (int k = 0; k < BINS; k++) {
            all += (double)at[l][k].sum;
            all_n += (double)at[l][k].count;
        }
        for (int k = 0; k + 1 < BINS; k++) {
            low += (double)at[l][k].sum;
            low_n += (double)at[l][k].count;
            double high = all - low, high_n = all_n - low_n;
            gain[k] += low * low / (low_n + SHRINK) + high * high / (high_n + SHRINK);
        }
    }
    for (int k = 0; k + 1 < BINS; k++)
        if (gain[k] > best) {
            best = gain[k];
            *ret_bin = k;
        }
    return best;
}

static void choose_cases(struct boost *b)
{
    uint32_t salt = next_random(b);
    b->seen_n = 0;
    for (size_t i = 0; i < b->c->n; i++) {
        uint32_t hash = ((b->c->record[i] * 2654435761u) ^ salt) * 2246822519u;
        if (hash >> 24 < SEEN_256)
            b->seen[b->seen_n++] = (uint32_t)i;
        float error = b->c->y[i] - b->value[i];
        b->slope[i] = error / sqrtf(1 + (error / b->clip) * (error / b->clip));
        b->leaf[i] = 0;
    }
}

static void grow(struct boost *b, struct xw12_bound_tree *tree)
{
    bool asked[XW12_LOOK_NEAR];
    double sum[LEAVES] = {0}, count[LEAVES] = {0};
    choose_cases(b);
    for (int f = 0; f < b->c->figures_n; f++)
        asked[f] = next_random(b) % 100 < ASKED_PERCENT;
    for (int d = 0; d < XW12_TREE_DEPTH; d++) {
        double best = -1;
        int feature = 0, limit = 0;
        for (int f = 0; f < b->c->figures_n; f++) {
            int bin = 0;
            double gain = asked[f] ? best_limit(b, f, 1 << d, &bin) : -1;
            if (gain > best) {
                best = gain;
                feature = f;
                limit = bin;
            }
        }
        tree->feature[d] = (uint8_t)feature;
        tree->limit[d] = b->limit[feature][limit];
        for (size_t i = 0; i < b->c->n; i++)
            b->leaf[i] |= (uint8_t)((b->bin[feature][i] > limit) << d);
    }
    for (size_t k = 0; k < b->seen_n; k++) {
        sum[b->leaf[b->seen[k]]] += (double)b->slope[b->seen[k]];
        count[b->leaf[b->seen[k]]]++;
    }
    for (int l = 0; l < LEAVES; l++)
        tree->leaf[l] = (int16_t)lrint(1000 * (double)RATE * sum[l] / (count[l] + SHRINK));
    for (size_t i = 0; i < b->c->n; i++)
        b->value[i] += 0.001f * (float)tree->leaf[b->leaf[i]];
}

static struct boost *boost_new(const struct xw_bench_cases *cases, float clip)
{
    struct boost *b = calloc(1, sizeof(*b));
    if (!b)
        abort();
    b->c = cases;
    b->clip = clip;
    b->random = 20;
    b->value = calloc(cases->n, sizeof(float));
    b->slope = calloc(cases->n, sizeof(float));
    b->leaf = calloc(cases->n, 1);
    b->seen = calloc(cases->n, sizeof(*b->seen));
    if (!b->value || !b->slope || !b->leaf || !b->seen)
        abort();
    for (int f = 0; f < b->c->figures_n; f++) {
        b->bin[f] = calloc(cases->n, 1);
        if (!b->bin[f])
            abort();
        fill_bins(b, f, b->slope);
    }
    return b;
}

int xw_bench_boost(const struct xw_bench_cases *cases, float clip,
                   struct xw12_bound_round *ret_round)
{
    double mean = 0;
    if (!cases->n || cases->figures_n < 1 || cases->figures_n > XW12_LOOK_NEAR)
        return -ENODATA;
    struct boost *b = boost_new(cases, clip);
    memset(ret_round, 0, sizeof(*ret_round));
    for (size_t i = 0; i < cases->n; i++)
        mean += (double)cases->y[i] / (double)cases->n;
    ret_round->bias = (float)mean;
    for (size_t i = 0; i < cases->n; i++)
        b->value[i] = ret_round->bias;
    for (int t = 0; t < XW12_TREES; t++)
        grow(b, &ret_round->tree[t]);
    for (int f = 0; f < b->c->figures_n; f++)
        free(b->bin[f]);
    free(b->value);
    free(b->slope);
    free(b->leaf);
    free(b->seen);
    free(b);
    return 0;
}
