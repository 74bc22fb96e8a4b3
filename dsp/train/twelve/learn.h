/* Learns one member of the network: logistic loss over the classes whose truth is known, Adam in
 * mini-batches, decoupled decay of weights, examples varied as recordings vary, from a seed. The
 * epoch that did best on the cases of `watched_fold` is kept. The same cases in the same order,
 * recipe and build give the same weights. Errors: -EINVAL, -ENOMEM. */
#ifndef XW_TRAIN_TWELVE_LEARN_H
#define XW_TRAIN_TWELVE_LEARN_H

#include "dsp/net12/model.h"
#include "dsp/train/twelve/cases.h"

struct xw_twelve_recipe {
    const char *id;
    struct xw_net12_shape shape; /* complete */
    unsigned epochs_n, batch_n;
    float rate, decay, decay_direct; /* decay a step: rate times this */
    bool vary;
    uint64_t seed;
};

/* The network that is shipped, and the plain logistic regression that it is compared with. */
void xw_twelve_recipe_net(struct xw_twelve_recipe *ret_recipe);
void xw_twelve_recipe_plain(struct xw_twelve_recipe *ret_recipe);

/* Mean and deviation of what is known, over the seen cases outside of the fold (-1: all). */
void xw_twelve_measure(const struct xw_twelve_cases *cases, int left_out, float *ret_mean,
                       float *ret_scale);

/* Learns from seen cases that are neither of left_out (-1: none) nor of watched_fold.
 * mean, scale: as measured. ret_weights: recipe->shape.weights_n, rounded to binary16. */
int xw_twelve_learn(const struct xw_twelve_recipe *recipe, const struct xw_twelve_cases *cases,
                    int left_out, unsigned watched_fold, const float *mean, const float *scale,
                    uint64_t seed, float *ret_weights);

/* Gradient of the loss of one example, added to `gradient`; the loss. work, back: shape->work_n
 * each; turned: the shape's weights by xw_twelve_turn. */
double xw_twelve_gradient(const struct xw_net12_shape *shape, const float *weights,
                          const float *turned, const float *beat, const float *z,
                          const struct xw_twelve_case *truth, float *work, float *back,
                          float *gradient);
/* Convolutions with inputs and outputs exchanged, in the same places. */
void xw_twelve_turn(const struct xw_net12_shape *shape, const float *weights, float *ret_turned);

/* splitmix64; 0..1 */
double xw_twelve_uniform(uint64_t *state);

#endif
