/* One member learned. */
#include "dsp/train/twelve/learn.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct learner {
    const struct xw_twelve_recipe *recipe;
    const struct xw_twelve_cases *cases;
    unsigned n; /* weights */
    float *w, *best, *gradient, *first, *second, *turned, *work, *back;
    float *z; /* of every case, scaled */
    float beat[XW_NET12_BEAT_N * XW_NET12_LEADS], varied_z[XW_NET12_FIGURES];
    double steps_n, least;
    uint64_t random;
};

static uint64_t next_random(uint64_t *state)
{
    uint64_t x = (*state += 0x9E3779B97F4A7C15U);
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31);
}

double xw_twelve_uniform(uint64_t *state)
{
    return (double)(next_random(state) >> 11) / 9007199254740992.0;
}

/* Between -a and a. */
static float spread(struct learner *l, double a)
{
    return (float)(a * (2 * xw_twelve_uniform(&l->random) - 1));
}

void xw_twelve_recipe_net(struct xw_twelve_recipe *r)
{
    *r = (struct xw_twelve_recipe){.id = "twelve 1",
                                   .epochs_n = 40,
                                   .batch_n = 16,
                                   .rate = 0.003F,
                                   .decay = 0.1F,
                                   .decay_direct = 1.0F,
                                   .vary = true,
                                   .seed = 12};
    r->shape.convs_n = 3;
    r->shape.conv[0] = (struct xw_net12_conv){.out_n = 12, .width = 7, .stride = 2};
    r->shape.conv[1] = (struct xw_net12_conv){.out_n = 16, .width = 5, .stride = 2};
    r->shape.conv[2] = (struct xw_net12_conv){.out_n = 16, .width = 5, .stride = 1};
    r->shape.segments_n = 6;
    r->shape.hidden_n = 12;
    if (xw_net12_shape_complete(&r->shape))
        abort();
}

void xw_twelve_recipe_plain(struct xw_twelve_recipe *r)
{
    *r = (struct xw_twelve_recipe){.id = "plain 1",
                                   .epochs_n = 40,
                                   .batch_n = 16,
                                   .rate = 0.003F,
                                   .decay_direct = 1.0F,
                                   .seed = 12};
    if (xw_net12_shape_complete(&r->shape))
        abort();
}

void xw_twelve_measure(const struct xw_twelve_cases *cases, int left_out, float *mean, float *scale)
{
    for (unsigned f = 0; f < XW_NET12_FIGURES; f++) {
        double sum = 0, squares = 0, n = 0;
        for (size_t i = 0; i < cases->n; i++) {
            double x = (double)cases->at[i].view.figures[f];
            if (!cases->at[i].seen || (int)cases->at[i].fold == left_out || !isfinite(x))
                continue;
            sum += x;
            squares += x * x;
            n++;
        }
        double middle = n > 0 ? sum / n : 0, variance = n > 0 ? squares / n - middle * middle : 0;
        mean[f] = (float)middle;
        scale[f] = variance > 1e-9 ? (float)(1 / sqrt(variance)) : 0;
    }
}

static void begin_layer(struct learner *l, unsigned at, unsigned inputs_n, unsigned outputs_n,
                        double gain)
{
    for (unsigned i = 0; i < inputs_n * outputs_n; i++)
        l->w[at + i] = spread(l, gain * sqrt(6.0 / inputs_n));
}

static void begin(struct learner *l)
{
    const struct xw_net12_shape *s = &l->recipe->shape;
    for (unsigned k = 0; k < s->convs_n; k++)
        begin_layer(l, s->conv[k].weights_at, s->conv[k].in_n * s->conv[k].width, s->conv[k].out_n,
                    1);
    if (s->hidden_n) {
        begin_layer(l, s->hidden_at, s->hidden_inputs_n, s->hidden_n, 0.7);
        begin_layer(l, s->out_at, s->hidden_n, XW_NET12_CLASSES, 0.3);
    }
}

/* The whole heart's and each lead's size, a lead that is not there, a shift in time, a level that
 * drifts, noise; figures that were not measured or not quite so. */
static void vary(struct learner *l, const struct xw_twelve_case *e, const float *z)
{
    float size = 1 + spread(l, 0.15), gain[XW_NET12_LEADS], level[XW_NET12_LEADS];
    float tilt[XW_NET12_LEADS];
    int shift = (int)(next_random(&l->random) % 3) - 1;
    for (unsigned c = 0; c < XW_NET12_LEADS; c++) {
        gain[c] = xw_twelve_uniform(&l->random) < 0.05 ? 0 : size * (1 + spread(l, 0.1));
        level[c] = spread(l, 0.03);
        tilt[c] = spread(l, 0.03);
    }
    for (int t = 0; t < XW_NET12_BEAT_N; t++) {
        int from = t + shift < 0                  ? 0
                   : t + shift >= XW_NET12_BEAT_N ? XW_NET12_BEAT_N - 1
                                                  : t + shift;
        for (unsigned c = 0; c < XW_NET12_LEADS; c++)
            l->beat[(unsigned)t * XW_NET12_LEADS + c] =
                gain[c] * e->view.beat_mv[(unsigned)from * XW_NET12_LEADS + c] + level[c] +
                tilt[c] * ((float)t / XW_NET12_BEAT_N - 0.5F) + spread(l, 0.01);
    }
    for (unsigned f = 0; f < XW_NET12_FIGURES; f++)
        l->varied_z[f] = xw_twelve_uniform(&l->random) < 0.05 ? 0 : z[f] + spread(l, 0.2);
}

static void step(struct learner *l, unsigned batch_n, double rate)
{
    const struct xw_net12_shape *s = &l->recipe->shape;
    l->steps_n++;
    float fix_first = (float)(1 - pow(0.9, l->steps_n)),
          fix_second = (float)(1 - pow(0.999, l->steps_n));
    for (unsigned i = 0; i < l->n; i++) {
        float g = l->gradient[i] / (float)batch_n;
        float decay = i >= s->bias_at     ? 0
                      : i >= s->direct_at ? l->recipe->decay_direct
                                          : l->recipe->decay;
        l->first[i] = 0.9F * l->first[i] + 0.1F * g;
        l->second[i] = 0.999F * l->second[i] + 0.001F * g * g;
        l->w[i] -=
            (float)rate * (l->first[i] / fix_first / (sqrtf(l->second[i] / fix_second) + 1e-8F) +
                           decay * l->w[i]);
        l->gradient[i] = 0;
    }
}

static void learn_case(struct learner *l, size_t i)
{
    const struct xw_twelve_case *e = &l->cases->at[i];
    const float *z = l->z + i * XW_NET12_FIGURES;
    if (l->recipe->vary)
        vary(l, e, z);
    bool varied = l->recipe->vary;
    (void)xw_twelve_gradient(&l->recipe->shape, l->w, l->turned, varied ? l->beat : e->view.beat_mv,
                             varied ? l->varied_z : z, e, l->work, l->back, l->gradient);
}

/* Mean loss of the watched fold; the best weights are kept. */
static void watch(struct learner *l, unsigned fold)
{
    double loss = 0, n = 0;
    for (size_t i = 0; i < l->cases->n; i++) {
        const struct xw_twelve_case *e = &l->cases->at[i];
        if (!e->seen || e->fold != fold)
            continue;
        float logits[XW_NET12_CLASSES];
        xw_net12_forward(&l->recipe->shape, l->w, e->view.beat_mv, l->z + i * XW_NET12_FIGURES,
                         l->work, logits);
        for (unsigned c = 0; c < XW_NET12_CLASSES; c++) {
            if (!e->known[c])
                continue;
            double x = (double)(e->target[c] ? -logits[c] : logits[c]);
            loss += x > 30 ? x : log1p(exp(x));
            n++;
        }
    }
    loss = n > 0 ? loss / n : 0;
    if (l->least < 0 || loss < l->least) {
        l->least = loss;
        memcpy(l->best, l->w, sizeof(*l->w) * l->n);
    }
}

static void run(struct learner *l, size_t *order, size_t n, unsigned watched_fold)
{
    const struct xw_twelve_recipe *r = l->recipe;
    for (unsigned epoch = 0; epoch < r->epochs_n; epoch++) {
        double rate = (double)r->rate * (0.5 + 0.5 * cos(M_PI * epoch / r->epochs_n));
        for (size_t k = n; k > 1; k--) {
            size_t other = (size_t)(next_random(&l->random) % k), keep = order[k - 1];
            order[k - 1] = order[other];
            order[other] = keep;
        }
        for (size_t k = 0, held = 0; k < n; k++) {
            if (!held)
                xw_twelve_turn(&r->shape, l->w, l->turned);
            learn_case(l, order[k]);
            if (++held == r->batch_n || k + 1 == n) {
                step(l, (unsigned)held, rate);
                held = 0;
            }
        }
        watch(l, watched_fold);
    }
}

/* One block for all arrays. */
static float *make_room(struct learner *l)
{
    const struct xw_net12_shape *s = &l->recipe->shape;
    float **const list[] = {&l->w, &l->best, &l->gradient, &l->first, &l->second, &l->turned};
    l->n = s->weights_n;
    float *room =
        calloc(6 * (size_t)l->n + 2 * ((size_t)s->work_n + 1) + l->cases->n * XW_NET12_FIGURES,
               sizeof(*room));
    for (unsigned k = 0; k < 6 && room; k++)
        *list[k] = room + (size_t)k * l->n;
    if (room) {
        l->work = room + (size_t)6 * l->n;
        l->back = l->work + s->work_n + 1;
        l->z = l->back + s->work_n + 1;
    }
    return room;
}

int xw_twelve_learn(const struct xw_twelve_recipe *recipe, const struct xw_twelve_cases *cases,
                    int left_out, unsigned watched_fold, const float *mean, const float *scale,
                    uint64_t seed, float *ret_weights)
{
    struct learner *l = calloc(1, sizeof(*l));
    size_t *order = calloc(cases->n + 1, sizeof(*order)), n = 0;
    float *room = NULL;
    int result = l && order && recipe->batch_n && recipe->epochs_n ? 0 : -EINVAL;
    if (!result) {
        *l = (struct learner){.recipe = recipe, .cases = cases, .least = -1, .random = seed};
        room = make_room(l);
        result = room ? 0 : -ENOMEM;
    }
    for (size_t i = 0; !result && i < cases->n; i++) {
        const struct xw_twelve_case *e = &cases->at[i];
        if (e->seen)
            xw_net12_scale(e->view.figures, mean, scale, l->z + i * XW_NET12_FIGURES);
        if (e->seen && (int)e->fold != left_out && e->fold != watched_fold)
            order[n++] = i;
    }
    if (!result && !n)
        result = -EINVAL;
    if (!result) {
        begin(l);
        run(l, order, n, watched_fold);
        for (unsigned i = 0; i < l->n; i++)
            ret_weights[i] = xw_net12_float(xw_net12_half(l->best[i]));
    }
    free(room);
    free(order);
    free(l);
    return result;
}
