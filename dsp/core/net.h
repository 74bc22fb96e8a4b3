/* A small network: inputs scaled to mean 0 and deviation 1, one layer of tanh (none: a logistic
 * rule), one output, a logit: the natural logarithm of the odds. Tables are static and const; they
 * are made by dsp/train and named by their hash.
 * Pure. Inputs must be finite; each is held within ±XW_DSP_NET_REACH deviations, so that nothing
 * strange can speak louder than the strangest that was learned from. */
#ifndef XW_DSP_CORE_NET_H
#define XW_DSP_CORE_NET_H

enum { XW_DSP_NET_INPUTS = 64, XW_DSP_NET_HIDDEN = 24, XW_DSP_NET_REACH = 4 };

struct xw_dsp_net {
    const char *id; /* "af-rr 1" */
    unsigned inputs_n, hidden_n;
    float mean[XW_DSP_NET_INPUTS], scale[XW_DSP_NET_INPUTS]; /* z = (x - mean) * scale */
    float in[XW_DSP_NET_HIDDEN][XW_DSP_NET_INPUTS], in_bias[XW_DSP_NET_HIDDEN];
    float out[XW_DSP_NET_HIDDEN];    /* of the hidden layer */
    float direct[XW_DSP_NET_INPUTS]; /* of the inputs, past the hidden layer */
    float bias;
};

/* x: inputs_n values. */
float xw_dsp_net_logit(const struct xw_dsp_net *net, const float *x);
/* 0..1 of a logit. */
float xw_dsp_net_probability(float logit);

#endif
