/* The forward pass; sums in a fixed order. */
#include "dsp/core/net.h"

#include <math.h>

float xw_dsp_net_probability(float logit)
{
    return 1 / (1 + expf(-logit));
}

float xw_dsp_net_logit(const struct xw_dsp_net *net, const float *x)
{
    float z[XW_DSP_NET_INPUTS], logit = net->bias;
    for (unsigned i = 0; i < net->inputs_n; i++) {
        z[i] = (x[i] - net->mean[i]) * net->scale[i];
        z[i] = fminf(fmaxf(z[i], -XW_DSP_NET_REACH), XW_DSP_NET_REACH);
        logit += net->direct[i] * z[i];
    }
    for (unsigned h = 0; h < net->hidden_n; h++) {
        float sum = net->in_bias[h];
        for (unsigned i = 0; i < net->inputs_n; i++)
            sum += net->in[h][i] * z[i];
        logit += net->out[h] * tanhf(sum);
    }
    return logit;
}
