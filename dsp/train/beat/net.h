/* Trains the nets of dsp/ecg/net.h: several small nets, each on some of the patients, laid side by
 * side so that their mean is one net. Deterministic: fixed seeds, sums in a fixed order. One
 * thread. Ownership: set and net are the caller's; train allocates inside and frees. */
#ifndef XW_DSP_TRAIN_NET_H
#define XW_DSP_TRAIN_NET_H

#include "dsp/ecg/net.h"
#include "dsp/train/beat/boost.h"

struct xw_net_options {
    uint64_t features; /* mask of those that may be asked */
    unsigned rounds;   /* over all cases */
    float step, decay; /* first step of learning, falling to nothing; pull of weights to 0 */
    float groups;      /* share of the groups that one of the small nets sees */
};

/* 0 or -ENOMEM. */
int xw_net_train(const struct xw_boost_set *set, const struct xw_net_options *options,
                 struct xw_ecg_net *ret_net);

#endif
