/* Fits an xw_dsp_net to examples: weighted logistic loss, L2 on all weights but biases, Adam in
 * mini-batches, from a seed. The same examples in the same order and the same seed give the same
 * net (of one build). Used by the programs that make tables and by their cross-validation; the
 * analysis library itself never fits anything.
 * Ownership: examples are borrowed rows. Errors: -EINVAL, -ENOMEM. */
#ifndef XW_DSP_TRAIN_FIT_H
#define XW_DSP_TRAIN_FIT_H

#include "dsp/core/net.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct xw_fit_example {
    float x[XW_DSP_NET_INPUTS];
    float weight;   /* ≥ 0 */
    float target;   /* 0 or 1 */
    unsigned group; /* the record it comes from: left out as a whole */
};

struct xw_fit_recipe {
    const char *id;
    unsigned inputs_n, hidden_n, epochs_n, batch_n;
    unsigned members_n; /* so many nets from other beginnings, their logits' mean; 0: one */
    float rate, l2;
    uint64_t seed;
};

enum { XW_FIT_ALL = -1 };

/* left_out: examples of this group are not looked at, not even for the scaling. */
int xw_fit(const struct xw_fit_recipe *recipe, const struct xw_fit_example *examples, size_t n,
           int left_out, struct xw_dsp_net *ret_net);

/* The table as C source: `const struct xw_dsp_net NAME = {…};`. */
void xw_fit_write(FILE *out, const char *name, const struct xw_dsp_net *net, const char *comment);

#endif
