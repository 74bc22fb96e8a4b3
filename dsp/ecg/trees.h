/* Scorers made of many small symmetric trees: every tree asks the same few questions of every case
 * and adds the value of the leaf that the answers lead to. Made by dsp/train; constant.
 * Pure functions. */
#ifndef XW_DSP_ECG_TREES_H
#define XW_DSP_ECG_TREES_H

#include <stdint.h>

enum { XW_ECG_TREE_DEPTH = 4, XW_ECG_TREE_LEAVES = 1 << XW_ECG_TREE_DEPTH };

struct xw_ecg_tree {
    uint8_t feature[XW_ECG_TREE_DEPTH];
    float limit[XW_ECG_TREE_DEPTH];   /* answer: feature > limit */
    int16_t leaf[XW_ECG_TREE_LEAVES]; /* by answers, the first one in bit 0; in 1/1000 log odds */
};

struct xw_ecg_trees {
    const char *id; /* name and version of the model; static */
    float bias;     /* log odds */
    float limit;    /* above it the answer is yes */
    uint32_t trees_n;
    const struct xw_ecg_tree *tree;
};

/* Log odds. */
static inline float xw_ecg_trees_score(const struct xw_ecg_trees *m, const float *x)
{
    int32_t sum = 0;
    for (uint32_t i = 0; i < m->trees_n; i++) {
        const struct xw_ecg_tree *t = &m->tree[i];
        unsigned leaf = 0;
        for (unsigned k = 0; k < XW_ECG_TREE_DEPTH; k++)
            leaf |= (unsigned)(x[t->feature[k]] > t->limit[k]) << k;
        sum += t->leaf[leaf];
    }
    return m->bias + 0.001F * (float)sum;
}

/* V: ventricular or not. S: supraventricular or not. First by what is known when a beat becomes
 * final, then (later) with what came after it. */
extern const struct xw_ecg_trees xw_ecg_trees_v_final, xw_ecg_trees_s_final;
extern const struct xw_ecg_trees xw_ecg_trees_v_later, xw_ecg_trees_s_later;

#endif
