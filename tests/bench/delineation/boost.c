/* Boosted symmetric trees for one boundary of dsp/ecg12: every tree asks five questions of all
 * cases alike. Each sees three quarters of the records and a third of the figures; errors count by
 * their square up to CLIP samples, beyond by their size. Deterministic. */
#include "bench/delineation/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 32, LEAVES = 1 << XW12_TREE_DEPTH, SEEN_256 = 180, ASKED_PERCENT = 35 };

#define RATE 0.07f
#define CLIP 15.0f
#define SHRINK 60.0 /* cases that a leaf must outweigh */

struct boost {
    const struct xw_bench_cases *c;
    float limit[XW12_LOOK][BINS];
    uint8_t *bin[XW12_LOOK]; /* of every case */
    float *value, *slope;    /* of every case: what is said; what is missing */
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
    static double sum[LEAVES][BINS], count[LEAVES][BINS];
    double gain[BINS] = {0}, best = -1;
    memset(sum, 0, sizeof(sum));
    memset(count, 0, sizeof(count));
    for (size_t k = 0; k < b->seen_n; k++) {
        uint32_t i = b->seen[k];
        sum[b->leaf[i]][b->bin[f][i]] += (double)b->slope[i];
        count[b->leaf[i]][b->bin[f][i]]++;
    }
    for (int l = 0; l < leaves; l++) {
        double all = 0, all_n = 0, low = 0, low_n = 0;
        for (int k = 0; k < BINS; k++) {
            all += sum[l][k];
            all_n += count[l][k];
        }
        for (int k = 0; k + 1 < BINS; k++) {
            low += sum[l][k];
            low_n += count[l][k];
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
        b->slope[i] = error / sqrtf(1 + (error / CLIP) * (error / CLIP));
        b->leaf[i] = 0;
    }
}

static void grow(struct boost *b, struct xw12_bound_tree *tree)
{
    bool asked[XW12_LOOK];
    double sum[LEAVES] = {0}, count[LEAVES] = {0};
    choose_cases(b);
    for (int f = 0; f < XW12_LOOK; f++)
        asked[f] = next_random(b) % 100 < ASKED_PERCENT;
    for (int d = 0; d < XW12_TREE_DEPTH; d++) {
        double best = -1;
        int feature = 0, limit = 0;
        for (int f = 0; f < XW12_LOOK; f++) {
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

static struct boost *boost_new(const struct xw_bench_cases *cases)
{
    struct boost *b = calloc(1, sizeof(*b));
    if (!b)
        abort();
    b->c = cases;
    b->random = 20;
    b->value = calloc(cases->n, sizeof(float));
    b->slope = calloc(cases->n, sizeof(float));
    b->leaf = calloc(cases->n, 1);
    b->seen = calloc(cases->n, sizeof(*b->seen));
    if (!b->value || !b->slope || !b->leaf || !b->seen)
        abort();
    for (int f = 0; f < XW12_LOOK; f++) {
        b->bin[f] = calloc(cases->n, 1);
        if (!b->bin[f])
            abort();
        fill_bins(b, f, b->slope);
    }
    return b;
}

int xw_bench_boost(const struct xw_bench_cases *cases, struct xw12_bound_trees *ret_trees)
{
    double mean = 0;
    if (!cases->n)
        return -ENODATA;
    struct boost *b = boost_new(cases);
    memset(ret_trees, 0, sizeof(*ret_trees));
    for (size_t i = 0; i < cases->n; i++)
        mean += (double)cases->y[i] / (double)cases->n;
    ret_trees->bias = (float)mean;
    for (size_t i = 0; i < cases->n; i++)
        b->value[i] = ret_trees->bias;
    for (int t = 0; t < XW12_TREES; t++)
        grow(b, &ret_trees->tree[t]);
    for (int f = 0; f < XW12_LOOK; f++)
        free(b->bin[f]);
    free(b->value);
    free(b->slope);
    free(b->leaf);
    free(b->seen);
    free(b);
    return 0;
}
