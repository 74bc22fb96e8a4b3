/* Gradient boosting of symmetric trees with logistic loss: the trainer of dsp/ecg/trees.h.
 * Deterministic: seeds are fixed, sums have a fixed order. One thread. Ownership: set and model are
 * the caller's; boost_train allocates inside and frees. */
#ifndef XW_DSP_TRAIN_BOOST_H
#define XW_DSP_TRAIN_BOOST_H

#include "dsp/ecg/trees.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    XW_BOOST_BINS = 64,
    XW_BOOST_TREES_MAX = 400,
    XW_BOOST_FEATURES_MAX = 64,
    XW_BOOST_GROUPS_MAX = 64
};

struct xw_boost_set {
    size_t n, features_n;
    const float *x;      /* n rows of features_n */
    const float *weight; /* 0: not looked at */
    const bool *yes;
    const uint16_t *group; /* whose it is, below XW_BOOST_GROUPS_MAX */
};

struct xw_boost_options {
    unsigned trees_n;
    float rate, smooth;  /* learning rate; added to the sum of curvatures in a leaf */
    float least;         /* least curvature in a leaf */
    uint64_t features;   /* mask of those that may be asked */
    float groups, asked; /* shares of the groups and of the features that one tree sees */
};

struct xw_boost_model {
    float bias;
    unsigned trees_n;
    struct xw_ecg_tree tree[XW_BOOST_TREES_MAX];
};

/* 0 or -ENOMEM. */
int xw_boost_train(const struct xw_boost_set *set, const struct xw_boost_options *options,
                   struct xw_boost_model *ret_model);

#endif
