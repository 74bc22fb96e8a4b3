/* Adam over mini-batches of weighted examples. */
#include "dsp/train/fit.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* All that is learned, in one piece, so that one loop serves every weight. */
enum {
    IN_N = XW_DSP_NET_HIDDEN * XW_DSP_NET_INPUTS,
    WEIGHTS_N = IN_N + 2 * XW_DSP_NET_HIDDEN + XW_DSP_NET_INPUTS + 1,
    AT_IN_BIAS = IN_N,
    AT_OUT = AT_IN_BIAS + XW_DSP_NET_HIDDEN,
    AT_DIRECT = AT_OUT + XW_DSP_NET_HIDDEN,
    AT_BIAS = AT_DIRECT + XW_DSP_NET_INPUTS,
};

struct fit {
    const struct xw_fit_recipe *recipe;
    float mean[XW_DSP_NET_INPUTS], scale[XW_DSP_NET_INPUTS];
    double w[WEIGHTS_N], gradient[WEIGHTS_N], first[WEIGHTS_N], second[WEIGHTS_N];
    double steps_n;
};

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state)
{
    return (double)(next_random(state) >> 11) / 9007199254740992.0;
}

static void measure_scale(struct fit *f, const struct xw_fit_example *e, size_t n, int left_out)
{
    for (unsigned i = 0; i < f->recipe->inputs_n; i++) {
        double sum = 0, squares = 0, weight = 0;
        for (size_t k = 0; k < n; k++) {
            if ((int)e[k].group == left_out)
                continue;
            weight += (double)e[k].weight;
            sum += (double)e[k].weight * (double)e[k].x[i];
            squares += (double)e[k].weight * (double)e[k].x[i] * (double)e[k].x[i];
        }
        double mean = weight > 0 ? sum / weight : 0;
        double variance = weight > 0 ? squares / weight - mean * mean : 0;
        f->mean[i] = (float)mean;
        f->scale[i] = variance > 1e-12 ? (float)(1 / sqrt(variance)) : 0;
    }
}

static void begin(struct fit *f, uint64_t *random)
{
    double reach = sqrt(3.0 / f->recipe->inputs_n);
    for (unsigned h = 0; h < f->recipe->hidden_n; h++) {
        for (unsigned i = 0; i < f->recipe->inputs_n; i++)
            f->w[h * XW_DSP_NET_INPUTS + i] = reach * (2 * uniform(random) - 1);
        f->w[AT_OUT + h] = 0.5 * (2 * uniform(random) - 1);
    }
}

/* Adds one example's share to the gradient. */
static void learn(struct fit *f, const struct xw_fit_example *e)
{
    unsigned inputs_n = f->recipe->inputs_n, hidden_n = f->recipe->hidden_n;
    double z[XW_DSP_NET_INPUTS], a[XW_DSP_NET_HIDDEN], logit = f->w[AT_BIAS];
    for (unsigned i = 0; i < inputs_n; i++) {
        z[i] = (double)((e->x[i] - f->mean[i]) * f->scale[i]);
        z[i] = fmin(fmax(z[i], -XW_DSP_NET_REACH), XW_DSP_NET_REACH);
        logit += f->w[AT_DIRECT + i] * z[i];
    }
    for (unsigned h = 0; h < hidden_n; h++) {
        double sum = f->w[AT_IN_BIAS + h];
        for (unsigned i = 0; i < inputs_n; i++)
            sum += f->w[h * XW_DSP_NET_INPUTS + i] * z[i];
        a[h] = tanh(sum);
        logit += f->w[AT_OUT + h] * a[h];
    }
    double error = (double)e->weight * (1 / (1 + exp(-logit)) - (double)e->target);
    f->gradient[AT_BIAS] += error;
    for (unsigned i = 0; i < inputs_n; i++)
        f->gradient[AT_DIRECT + i] += error * z[i];
    for (unsigned h = 0; h < hidden_n; h++) {
        double back = error * f->w[AT_OUT + h] * (1 - a[h] * a[h]);
        f->gradient[AT_OUT + h] += error * a[h];
        f->gradient[AT_IN_BIAS + h] += back;
        for (unsigned i = 0; i < inputs_n; i++)
            f->gradient[h * XW_DSP_NET_INPUTS + i] += back * z[i];
    }
}

static void step(struct fit *f, double weight, double rate)
{
    const double keep_first = 0.9, keep_second = 0.999;
    f->steps_n++;
    double fix_first = 1 - pow(keep_first, f->steps_n),
           fix_second = 1 - pow(keep_second, f->steps_n);
    for (unsigned i = 0; i < WEIGHTS_N; i++) {
        bool bias = i == AT_BIAS || (i >= AT_IN_BIAS && i < AT_OUT);
        double g = f->gradient[i] / weight + (bias ? 0 : (double)f->recipe->l2 * f->w[i]);
        f->first[i] = keep_first * f->first[i] + (1 - keep_first) * g;
        f->second[i] = keep_second * f->second[i] + (1 - keep_second) * g * g;
        f->w[i] -= rate * (f->first[i] / fix_first) / (sqrt(f->second[i] / fix_second) + 1e-8);
        f->gradient[i] = 0;
    }
}

static void run(struct fit *f, const struct xw_fit_example *e, size_t *order, size_t n,
                uint64_t *random)
{
    double total = 0;
    for (size_t k = 0; k < n; k++)
        total += (double)e[order[k]].weight;
    double batch_weight = total / (double)n * f->recipe->batch_n;
    for (unsigned epoch = 0; epoch < f->recipe->epochs_n; epoch++) {
        for (size_t k = n; k > 1; k--) {
            size_t other = (size_t)(next_random(random) % k), keep = order[k - 1];
            order[k - 1] = order[other];
            order[other] = keep;
        }
        double rate =
            (double)f->recipe->rate * (0.5 + 0.5 * cos(M_PI * epoch / (double)f->recipe->epochs_n));
        for (size_t k = 0; k < n; k++) {
            learn(f, &e[order[k]]);
            if ((k + 1) % f->recipe->batch_n == 0 || k + 1 == n)
                step(f, batch_weight, rate);
        }
    }
}

/* Adds one member: a mean of logits of nets with the same inputs is one wider net. */
static void hand_over(const struct fit *f, unsigned members_n, struct xw_dsp_net *net)
{
    double share = 1.0 / members_n;
    net->id = f->recipe->id;
    net->inputs_n = f->recipe->inputs_n;
    for (unsigned i = 0; i < net->inputs_n; i++) {
        net->mean[i] = f->mean[i];
        net->scale[i] = f->scale[i];
        net->direct[i] += (float)(share * f->w[AT_DIRECT + i]);
    }
    for (unsigned h = 0; h < f->recipe->hidden_n; h++) {
        unsigned to = net->hidden_n++;
        for (unsigned i = 0; i < net->inputs_n; i++)
            net->in[to][i] = (float)f->w[h * XW_DSP_NET_INPUTS + i];
        net->in_bias[to] = (float)f->w[AT_IN_BIAS + h];
        net->out[to] = (float)(share * f->w[AT_OUT + h]);
    }
    net->bias += (float)(share * f->w[AT_BIAS]);
}

static void restart(struct fit *f)
{
    memset(f->w, 0, sizeof(f->w));
    memset(f->gradient, 0, sizeof(f->gradient));
    memset(f->first, 0, sizeof(f->first));
    memset(f->second, 0, sizeof(f->second));
    f->steps_n = 0;
}

int xw_fit(const struct xw_fit_recipe *recipe, const struct xw_fit_example *examples, size_t n,
           int left_out, struct xw_dsp_net *ret_net)
{
    unsigned members_n = recipe->members_n ? recipe->members_n : 1;
    if (recipe->inputs_n > XW_DSP_NET_INPUTS || members_n > XW_DSP_NET_HIDDEN ||
        members_n * recipe->hidden_n > XW_DSP_NET_HIDDEN || !recipe->batch_n || !recipe->inputs_n)
        return -EINVAL;
    struct fit *f = calloc(1, sizeof(*f));
    size_t *order = malloc((n + 1) * sizeof(*order)), used_n = 0;
    int result = f && order ? 0 : -ENOMEM;
    if (!result) {
        uint64_t random = recipe->seed;
        f->recipe = recipe;
        for (size_t k = 0; k < n; k++)
            if ((int)examples[k].group != left_out && examples[k].weight > 0)
                order[used_n++] = k;
        result = used_n ? 0 : -EINVAL;
        if (!result) {
            measure_scale(f, examples, n, left_out);
            memset(ret_net, 0, sizeof(*ret_net));
        }
        for (unsigned m = 0; m < members_n && !result; m++) {
            restart(f);
            begin(f, &random);
            run(f, examples, order, used_n, &random);
            hand_over(f, members_n, ret_net);
        }
    }
    free(order);
    free(f);
    return result;
}

static void write_list(FILE *out, const float *x, unsigned n)
{
    fputc('{', out);
    for (unsigned i = 0; i < n; i++)
        fprintf(out, "%s%#.9gF", i ? ", " : "", (double)x[i]);
    fputc('}', out);
}

static void write_row(FILE *out, const char *name, const float *x, unsigned n)
{
    fprintf(out, "    .%s = ", name);
    write_list(out, x, n);
    fputs(",\n", out);
}

void xw_fit_write(FILE *out, const char *name, const struct xw_dsp_net *net, const char *comment)
{
    fprintf(out,
            "/* %s */\n#include \"dsp/train/tables.h\"\n\n/* clang-format off */\n\nconst struct "
            "xw_dsp_net %s = {\n",
            comment, name);
    fprintf(out, "    .id = \"%s\",\n    .inputs_n = %u,\n    .hidden_n = %u,\n", net->id,
            net->inputs_n, net->hidden_n);
    write_row(out, "mean", net->mean, net->inputs_n);
    write_row(out, "scale", net->scale, net->inputs_n);
    if (net->hidden_n) {
        fputs("    .in = {\n", out);
        for (unsigned h = 0; h < net->hidden_n; h++) {
            fputs("        ", out);
            write_list(out, net->in[h], net->inputs_n);
            fputs(",\n", out);
        }
        fputs("    },\n", out);
        write_row(out, "in_bias", net->in_bias, net->hidden_n);
        write_row(out, "out", net->out, net->hidden_n);
    }
    write_row(out, "direct", net->direct, net->inputs_n);
    fprintf(out, "    .bias = %#.9gF,\n};\n", (double)net->bias);
}
