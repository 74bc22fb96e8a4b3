/* Nets: logistic loss, Adam over small batches, decoupled decay. */
#include "dsp/train/beat/net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    UNITS = 12, /* of one small net */
    NETS = XW_ECG_NET_UNITS / UNITS,
    BATCH = 64,
    INPUTS = XW_ECG_NET_INPUTS,
    /* parameters of one small net: weights, biases, what goes out, its bias */
    BIAS = INPUTS * UNITS,
    OUT = BIAS + UNITS,
    OUT_BIAS = OUT + UNITS,
    PARAMETERS = OUT_BIAS + 1
};

struct work {
    const struct xw_boost_set *set;
    size_t *row; /* of this small net, in random order */
    size_t rows_n;
    float usual; /* mean weight of a case */
    uint64_t random;
    float p[PARAMETERS], slope[PARAMETERS], mean[PARAMETERS], square[PARAMETERS];
    unsigned steps_n;
};

static uint64_t draw(struct work *w)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random >> 11;
}

static float uniform(struct work *w)
{
    return (float)(draw(w) % 1000003) / 1000003.0F;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Every feature about its median, in quarters of the way from its second to its ninety-eighth
 * hundredth: about one deviation if it were a bell. */
static int find_scales(const struct xw_boost_set *set, uint64_t features, struct xw_ecg_net *m)
{
    float *room = malloc((set->n + 1) * sizeof(*room));
    if (!room)
        return -ENOMEM;
    for (size_t f = 0; f < set->features_n; f++) {
        size_t n = 0;
        for (size_t i = 0; i < set->n; i++)
            if (set->weight[i] > 0)
                room[n++] = set->x[i * set->features_n + f];
        qsort(room, n, sizeof(room[0]), by_value);
        if (!n || !(features >> f & 1))
            continue;
        float low = room[n / 50], high = room[n - 1 - n / 50];
        m->middle[f] = room[n / 2];
        m->scale[f] = high > low ? 4 / (high - low) : 0;
    }
    free(room);
    return 0;
}

static void shuffle(struct work *w)
{
    for (size_t i = w->rows_n; i > 1; i--) {
        size_t j = (size_t)(draw(w) % i), kept = w->row[i - 1];
        w->row[i - 1] = w->row[j];
        w->row[j] = kept;
    }
}

static void choose_rows(struct work *w, float groups)
{
    bool seen[XW_BOOST_GROUPS_MAX];
    double sum = 0;
    for (unsigned g = 0; g < XW_BOOST_GROUPS_MAX; g++)
        seen[g] = uniform(w) < groups;
    w->rows_n = 0;
    for (size_t i = 0; i < w->set->n; i++)
        if (w->set->weight[i] > 0 && seen[w->set->group[i]]) {
            w->row[w->rows_n++] = i;
            sum += (double)w->set->weight[i];
        }
    w->usual = (float)(sum / (double)(w->rows_n ? w->rows_n : 1));
}

/* One case's share in the slope of the loss. */
static void learn_case(struct work *w, const struct xw_ecg_net *m, size_t row)
{
    const float *x = w->set->x + row * w->set->features_n;
    float in[INPUTS] = {0}, unit[UNITS], back[UNITS], sum = w->p[OUT_BIAS];
    unsigned inputs_n = (unsigned)w->set->features_n;
    memcpy(unit, w->p + BIAS, sizeof(unit));
    for (unsigned i = 0; i < inputs_n; i++) {
        in[i] = xw_ecg_net_input(m, x, i);
        for (unsigned k = 0; k < UNITS; k++)
            unit[k] += in[i] * w->p[i * UNITS + k];
    }
    for (unsigned k = 0; k < UNITS; k++)
        sum += w->p[OUT + k] * unit[k] / (1 + fabsf(unit[k]));
    float wrong = 1 / (1 + expf(-sum)) - (w->set->yes[row] ? 1.0F : 0.0F);
    wrong *= w->set->weight[row] / w->usual;
    w->slope[OUT_BIAS] += wrong;
    for (unsigned k = 0; k < UNITS; k++) {
        float room = 1 + fabsf(unit[k]);
        back[k] = wrong * w->p[OUT + k] / (room * room);
        w->slope[OUT + k] += wrong * unit[k] / room;
        w->slope[BIAS + k] += back[k];
    }
    for (unsigned i = 0; i < inputs_n; i++)
        for (unsigned k = 0; k < UNITS; k++)
            w->slope[i * UNITS + k] += in[i] * back[k];
}

static void move(struct work *w, float step, float decay)
{
    float first = 1 - powf(0.9F, (float)++w->steps_n);
    float second = 1 - powf(0.999F, (float)w->steps_n);
    for (unsigned j = 0; j < PARAMETERS; j++) {
        float slope = w->slope[j] / BATCH;
        w->mean[j] += 0.1F * (slope - w->mean[j]);
        w->square[j] += 0.001F * (slope * slope - w->square[j]);
        float pull = j < BIAS || (j >= OUT && j < OUT_BIAS) ? decay * w->p[j] : 0;
        w->p[j] -= step * (w->mean[j] / first / (sqrtf(w->square[j] / second) + 1e-6F) + pull);
        w->slope[j] = 0;
    }
}

static void train_small(struct work *w, const struct xw_net_options *o, const struct xw_ecg_net *m)
{
    size_t all = (size_t)o->rounds * w->rows_n, done = 0;
    memset(w->p, 0, sizeof(w->p));
    memset(w->slope, 0, sizeof(w->slope));
    memset(w->mean, 0, sizeof(w->mean));
    memset(w->square, 0, sizeof(w->square));
    w->steps_n = 0;
    for (unsigned j = 0; j < OUT; j++)
        w->p[j] = (uniform(w) - 0.5F) * 0.3F;
    for (unsigned k = 0; k < UNITS; k++)
        w->p[OUT + k] = k % 2 ? 1 : -1;
    for (unsigned round = 0; round < o->rounds; round++) {
        shuffle(w);
        for (size_t i = 0; i + BATCH <= w->rows_n; i += BATCH, done += BATCH) {
            for (size_t k = 0; k < BATCH; k++)
                learn_case(w, m, w->row[i + k]);
            move(w, o->step * (1 - (float)done / (float)all), o->decay);
        }
    }
}

/* Side by side: the mean of all. */
static void lay(const struct work *w, unsigned number, struct xw_ecg_net *m)
{
    for (unsigned k = 0; k < UNITS; k++) {
        unsigned at = number * UNITS + k;
        for (unsigned i = 0; i < w->set->features_n; i++)
            m->weight[i][at] = w->p[i * UNITS + k];
        m->bias[at] = w->p[BIAS + k];
        m->out[at] = w->p[OUT + k] / NETS;
    }
    m->out_bias += w->p[OUT_BIAS] / NETS;
}

int xw_net_train(const struct xw_boost_set *set, const struct xw_net_options *options,
                 struct xw_ecg_net *ret_net)
{
    struct xw_ecg_net *m = ret_net;
    struct work *w = calloc(1, sizeof(*w));
    memset(m, 0, sizeof(*m));
    m->inputs_n = (uint32_t)set->features_n;
    int result = w ? find_scales(set, options->features, m) : -ENOMEM;
    if (w) {
        w->set = set;
        w->random = 0x9E3779B97F4A7C15U;
        w->row = malloc((set->n + 1) * sizeof(*w->row));
        result = w->row ? result : -ENOMEM;
    }
    for (unsigned number = 0; number < NETS && result == 0; number++) {
        choose_rows(w, options->groups);
        train_small(w, options, m);
        lay(w, number, m);
    }
    if (w)
        free(w->row);
    free(w);
    return result;
}
