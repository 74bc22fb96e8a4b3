/* Boosting: bins by quantiles, one histogram a feature and level, Newton leaves. */
#include "dsp/train/beat/boost.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct work {
    const struct xw_boost_set *set;
    float edge[XW_BOOST_FEATURES_MAX][XW_BOOST_BINS];
    unsigned edges_n[XW_BOOST_FEATURES_MAX];
    uint8_t *bin; /* features_n columns of n */
    float *score, *slope, *bend;
    uint8_t *leaf;
    size_t *row; /* rows with weight */
    size_t rows_n;
    uint64_t random;
    bool seen[XW_BOOST_GROUPS_MAX]; /* by this tree */
};

static float uniform(struct work *w)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (float)(w->random >> 40) / 16777216.0F;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Edges between quantiles of the feature; a value falls into the bin of the edges below it. */
static void make_bins(struct work *w, size_t feature, float *room)
{
    size_t n = w->rows_n, width = w->set->features_n;
    for (size_t i = 0; i < n; i++)
        room[i] = w->set->x[w->row[i] * width + feature];
    qsort(room, n, sizeof(room[0]), by_value);
    unsigned edges_n = 0;
    for (unsigned k = 1; k < XW_BOOST_BINS; k++) {
        size_t at = n * k / XW_BOOST_BINS;
        float edge = at > 0 ? 0.5F * (room[at - 1] + room[at]) : room[0];
        if ((edges_n == 0 || edge > w->edge[feature][edges_n - 1]) && edge < room[n - 1])
            w->edge[feature][edges_n++] = edge;
    }
    w->edges_n[feature] = edges_n;
    uint8_t *bin = w->bin + feature * n;
    for (size_t i = 0; i < n; i++) {
        float x = w->set->x[w->row[i] * width + feature];
        unsigned low = 0, high = edges_n;
        while (low < high) {
            unsigned middle = (low + high) / 2;
            if (x > w->edge[feature][middle])
                low = middle + 1;
            else
                high = middle;
        }
        bin[i] = (uint8_t)low;
    }
}

/* A tree sees some of the patients and some of the features: what it learns must not hang on one.
 */
static void gradients(struct work *w, const struct xw_boost_options *o)
{
    for (unsigned g = 0; g < XW_BOOST_GROUPS_MAX; g++)
        w->seen[g] = uniform(w) < o->groups;
    for (size_t i = 0; i < w->rows_n; i++) {
        float p = 1 / (1 + expf(-w->score[i]));
        float weight = w->seen[w->set->group[w->row[i]]] ? w->set->weight[w->row[i]] : 0;
        w->slope[i] = weight * ((w->set->yes[w->row[i]] ? 1.0F : 0.0F) - p);
        w->bend[i] = weight * fmaxf(p * (1 - p), 1e-4F);
    }
}

struct cell {
    double slope, bend;
};

static double gain_of(struct cell c, const struct xw_boost_options *o)
{
    return c.bend < (double)o->least ? 0 : c.slope * c.slope / (c.bend + (double)o->smooth);
}

/* The edge of one feature that gains most over all leaves of this level. */
static double best_edge(const struct work *w, const struct xw_boost_options *o, size_t feature,
                        unsigned leaves_n, unsigned *ret_edge)
{
    struct cell cell[XW_ECG_TREE_LEAVES][XW_BOOST_BINS], all[XW_ECG_TREE_LEAVES],
        below[XW_ECG_TREE_LEAVES];
    memset(cell, 0, sizeof(cell));
    const uint8_t *bin = w->bin + feature * w->rows_n;
    for (size_t i = 0; i < w->rows_n; i++) {
        struct cell *c = &cell[w->leaf[i]][bin[i]];
        c->slope += (double)w->slope[i];
        c->bend += (double)w->bend[i];
    }
    memset(all, 0, sizeof(all));
    memset(below, 0, sizeof(below));
    for (unsigned l = 0; l < leaves_n; l++)
        for (unsigned b = 0; b < XW_BOOST_BINS; b++) {
            all[l].slope += cell[l][b].slope;
            all[l].bend += cell[l][b].bend;
        }
    double top = -1;
    for (unsigned e = 0; e < w->edges_n[feature]; e++) {
        double gain = 0;
        for (unsigned l = 0; l < leaves_n; l++) {
            below[l].slope += cell[l][e].slope;
            below[l].bend += cell[l][e].bend;
            struct cell above = {all[l].slope - below[l].slope, all[l].bend - below[l].bend};
            gain += gain_of(below[l], o) + gain_of(above, o);
        }
        if (gain > top) {
            top = gain;
            *ret_edge = e;
        }
    }
    return top;
}

static void grow(struct work *w, const struct xw_boost_options *o, struct xw_ecg_tree *tree)
{
    memset(w->leaf, 0, w->rows_n);
    uint64_t asked = 0;
    for (size_t f = 0; f < w->set->features_n; f++)
        asked |= uniform(w) < o->asked ? UINT64_C(1) << f : 0;
    for (unsigned level = 0; level < XW_ECG_TREE_DEPTH; level++) {
        double top = -2;
        unsigned edge = 0;
        size_t feature = 0;
        for (size_t f = 0; f < w->set->features_n; f++) {
            unsigned own = 0;
            if (!((o->features & asked) >> f & 1) || !w->edges_n[f])
                continue;
            double gain = best_edge(w, o, f, 1U << level, &own);
            if (gain > top) {
                top = gain;
                edge = own;
                feature = f;
            }
        }
        tree->feature[level] = (uint8_t)feature;
        tree->limit[level] = w->edge[feature][edge];
        const uint8_t *bin = w->bin + feature * w->rows_n;
        for (size_t i = 0; i < w->rows_n; i++)
            w->leaf[i] |= (uint8_t)((bin[i] > edge) << level);
    }
}

static void fill_leaves(struct work *w, const struct xw_boost_options *o, struct xw_ecg_tree *tree)
{
    struct cell cell[XW_ECG_TREE_LEAVES];
    memset(cell, 0, sizeof(cell));
    for (size_t i = 0; i < w->rows_n; i++) {
        cell[w->leaf[i]].slope += (double)w->slope[i];
        cell[w->leaf[i]].bend += (double)w->bend[i];
    }
    for (unsigned l = 0; l < XW_ECG_TREE_LEAVES; l++) {
        double value = 1000 * (double)o->rate * cell[l].slope / (cell[l].bend + (double)o->smooth);
        tree->leaf[l] = (int16_t)lround(fmax(-4000, fmin(4000, value)));
    }
    for (size_t i = 0; i < w->rows_n; i++)
        w->score[i] += 0.001F * (float)tree->leaf[w->leaf[i]];
}

static void free_work(struct work *w)
{
    free(w->bin);
    free(w->score);
    free(w->slope);
    free(w->bend);
    free(w->leaf);
    free(w->row);
    free(w);
}

int xw_boost_train(const struct xw_boost_set *set, const struct xw_boost_options *options,
                   struct xw_boost_model *ret_model)
{
    struct work *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->set = set;
    w->row = malloc((set->n + 1) * sizeof(*w->row));
    double yes = 0, all = 0;
    for (size_t i = 0; i < set->n && w->row; i++)
        if (set->weight[i] > 0) {
            w->row[w->rows_n++] = i;
            all += (double)set->weight[i];
            yes += set->yes[i] ? (double)set->weight[i] : 0;
        }
    size_t n = w->rows_n;
    w->bin = calloc(n * set->features_n + 1, 1);
    w->score = malloc((n + 1) * sizeof(float));
    w->slope = malloc((n + 1) * sizeof(float));
    w->bend = malloc((n + 1) * sizeof(float));
    w->leaf = malloc(n + 1);
    if (!n || !w->row || !w->bin || !w->score || !w->slope || !w->bend || !w->leaf) {
        free_work(w);
        return -ENOMEM;
    }
    for (size_t f = 0; f < set->features_n; f++)
        make_bins(w, f, w->score);
    ret_model->bias = (float)log(fmax(yes, 1) / fmax(all - yes, 1));
    w->random = 0x9E3779B97F4A7C15U;
    ret_model->trees_n = options->trees_n;
    for (size_t i = 0; i < n; i++)
        w->score[i] = ret_model->bias;
    for (unsigned t = 0; t < options->trees_n; t++) {
        gradients(w, options);
        grow(w, options, &ret_model->tree[t]);
        fill_leaves(w, options, &ret_model->tree[t]);
    }
    free_work(w);
    return 0;
}
