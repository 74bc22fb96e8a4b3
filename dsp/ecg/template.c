/* Multi-lead QRS shapes: comparison and learning. */
#include "dsp/ecg/template.h"
#include "dsp/core/quad.h"
#include "dsp/ecg/tables.h"

#include <math.h>

static const float SAME = 0.85F;
static const float FORGET = 0.995F; /* per beat */
static const unsigned SLOWEST = 24;

enum {
    REACH = XW_ECG_TEMPLATE_HALF + XW_ECG_TEMPLATE_SHIFT,
    WINDOW = 2 * REACH + 1,
    SHIFTS = 2 * XW_ECG_TEMPLATE_SHIFT + 1,
};

/* What is around one instant, and its energy at each shift once that is known. */
struct sight {
    float x[WINDOW * XW_DSP_LANES_MAX];
    float energy[SHIFTS];
    bool known[SHIFTS];
};

int xw_ecg_template_init(struct xw_ecg_template *b, unsigned leads_n, int slope)
{
    memset(b, 0, sizeof(*b));
    if (slope < 0 || slope > XW_ECG_TEMPLATE_SLOPE_MAX)
        return -EINVAL;
    b->slope = slope;
    b->leads_n = leads_n;
    b->lanes = xw_dsp_lanes(leads_n);
    size_t floats = (size_t)XW_ECG_TEMPLATE_FRAMES * b->lanes;
    b->memory = xw_dsp_calloc(XW_ECG_TEMPLATES * floats, sizeof(float));
    if (!b->memory)
        return -ENOMEM;
    for (unsigned i = 0; i < XW_ECG_TEMPLATES; i++)
        b->shape[i].x = b->memory + i * floats;
    return 0;
}

void xw_ecg_template_done(struct xw_ecg_template *b)
{
    free(b->memory);
    b->memory = NULL;
}

void xw_ecg_template_reset(struct xw_ecg_template *b)
{
    for (unsigned i = 0; i < XW_ECG_TEMPLATES; i++) {
        b->shape[i].beats_n = 0;
        b->shape[i].learned_n = 0;
    }
}

void xw_ecg_template_copy(struct xw_ecg_template *to, const struct xw_ecg_template *from)
{
    size_t floats = (size_t)XW_ECG_TEMPLATES * XW_ECG_TEMPLATE_FRAMES * from->lanes;
    memcpy(to->memory, from->memory, floats * sizeof(float));
    for (unsigned i = 0; i < XW_ECG_TEMPLATES; i++) {
        float *x = to->shape[i].x;
        to->shape[i] = from->shape[i];
        to->shape[i].x = x;
    }
}

static bool look(const struct xw_ecg_template *b, const struct xw_ecg_signal *signal, int64_t t,
                 struct sight *sight)
{
    if (!xw_ecg_signal_has(signal, t - REACH - b->slope, t + REACH + b->slope + 1))
        return false;
    const float *x = xw_ecg_signal_frame(signal, t - REACH - b->slope);
    const size_t floats = (size_t)WINDOW * signal->lanes;
    const size_t step = 2 * (size_t)b->slope * signal->lanes;
    if (b->slope == 0)
        memcpy(sight->x, x, floats * sizeof(float));
    for (size_t i = 0; i < floats && b->slope > 0; i++)
        sight->x[i] = x[i + step] - x[i];
    memset(sight->known, 0, sizeof(sight->known));
    return true;
}

/* Sums over one lane keep the order of additions fixed. */
static float weighted_dot(const float *restrict a, const float *restrict b,
                          const float *restrict weight, unsigned lanes)
{
    float lane[XW_DSP_LANES_MAX], sum = 0;
    for (unsigned c = 0; c < lanes; c += XW_DSP_LANE_QUANTUM) {
        xw_quad dot = {0};
        for (size_t i = c; i < (size_t)XW_ECG_TEMPLATE_FRAMES * lanes; i += lanes)
            dot += xw_quad_load(a + i) * xw_quad_load(b + i);
        xw_quad_store(lane + c, dot);
    }
    for (unsigned c = 0; c < lanes; c++)
        sum += weight[c] * lane[c];
    return sum;
}

/* Energy of each lead about its own mean. */
static void measure_energy(const float *restrict a, unsigned lanes, float *restrict ret_energy)
{
    const xw_quad share = xw_quad_all(1.0F / XW_ECG_TEMPLATE_FRAMES);
    for (unsigned c = 0; c < lanes; c += XW_DSP_LANE_QUANTUM) {
        xw_quad mean = {0}, square = {0};
        for (size_t i = c; i < (size_t)XW_ECG_TEMPLATE_FRAMES * lanes; i += lanes)
            mean += xw_quad_load(a + i) * share;
        for (size_t i = c; i < (size_t)XW_ECG_TEMPLATE_FRAMES * lanes; i += lanes) {
            xw_quad x = xw_quad_load(a + i) - mean;
            square += x * x;
        }
        xw_quad_store(ret_energy + c, square);
    }
}

static float weighted(const float *energy, const float *weight, unsigned lanes)
{
    float sum = 0;
    for (unsigned c = 0; c < lanes; c++)
        sum += weight[c] * energy[c];
    return sum;
}

static float energy_at(struct sight *sight, int shift, const float *weight, unsigned lanes)
{
    unsigned at = (unsigned)(shift + XW_ECG_TEMPLATE_SHIFT);
    if (!sight->known[at]) {
        float energy[XW_DSP_LANES_MAX];
        measure_energy(sight->x + (size_t)at * lanes, lanes, energy);
        sight->energy[at] = weighted(energy, weight, lanes);
        sight->known[at] = true;
    }
    return sight->energy[at];
}

static void compare(const struct xw_ecg_template *b, const struct xw_ecg_shape *shape, int index,
                    struct sight *sight, const float *weight, struct xw_ecg_match *best)
{
    float top = -INFINITY;
    int shift = 0;
    for (int s = 0; s < SHIFTS; s++) {
        float dot = weighted_dot(sight->x + (size_t)s * b->lanes, shape->x, weight, b->lanes);
        if (dot > top) {
            top = dot;
            shift = s - XW_ECG_TEMPLATE_SHIFT;
        }
    }
    float own = energy_at(sight, shift, weight, b->lanes);
    float its = weighted(shape->energy, weight, b->lanes);
    float correlation = own > 0 && its > 0 ? top / sqrtf(own * its) : 0;
    if (best->shape < 0 || correlation > best->correlation) {
        best->shape = index;
        best->shift = shift;
        best->correlation = correlation;
        best->energy = its > 0 ? own / its : 0;
    }
}

static struct xw_ecg_match best_match(const struct xw_ecg_template *b, struct sight *sight,
                                      const float *weight, bool established)
{
    struct xw_ecg_match best = {.shape = -1};
    int dominant = established ? xw_ecg_template_dominant(b) : -1;
    float energy = dominant < 0 ? 0 : weighted(b->shape[dominant].energy, weight, b->lanes);
    for (int i = 0; i < XW_ECG_TEMPLATES; i++) {
        const struct xw_ecg_shape *shape = &b->shape[i];
        if (!shape->learned_n)
            continue;
        if (established &&
            (shape->learned_n < 3 ||
             shape->beats_n < xw_ecg_tables.qrs_shape_share * b->shape[dominant].beats_n ||
             weighted(shape->energy, weight, b->lanes) < xw_ecg_tables.qrs_shape_energy * energy))
            continue;
        compare(b, shape, i, sight, weight, &best);
    }
    return best;
}

struct xw_ecg_match xw_ecg_template_match(const struct xw_ecg_template *b,
                                          const struct xw_ecg_signal *signal, int64_t t,
                                          const float *weight, bool established)
{
    struct sight sight;
    if (!look(b, signal, t, &sight))
        return (struct xw_ecg_match){.shape = -1};
    return best_match(b, &sight, weight, established);
}

static void blend(const struct xw_ecg_template *b, struct xw_ecg_shape *shape, const float *first,
                  float rate)
{
    const xw_quad share = xw_quad_all(1.0F / XW_ECG_TEMPLATE_FRAMES);
    for (unsigned c = 0; c < b->lanes; c += XW_DSP_LANE_QUANTUM) {
        xw_quad mean = {0};
        for (size_t i = c; i < (size_t)XW_ECG_TEMPLATE_FRAMES * b->lanes; i += b->lanes)
            mean += xw_quad_load(first + i) * share;
        for (size_t i = c; i < (size_t)XW_ECG_TEMPLATE_FRAMES * b->lanes; i += b->lanes) {
            xw_quad x = xw_quad_load(shape->x + i);
            x += xw_quad_all(rate) * (xw_quad_load(first + i) - mean - x);
            xw_quad_store(shape->x + i, x);
        }
    }
    measure_energy(shape->x, b->lanes, shape->energy);
}

struct xw_ecg_match xw_ecg_template_alike(const struct xw_ecg_template *b,
                                          const struct xw_ecg_signal *signal, int64_t t,
                                          int64_t other, const float *weight)
{
    struct xw_ecg_match match = {.shape = -1};
    float memory[XW_ECG_TEMPLATE_FRAMES * XW_DSP_LANES_MAX] = {0};
    struct xw_ecg_shape shape = {.x = memory};
    struct sight sight;
    if (!look(b, signal, other, &sight))
        return match;
    blend(b, &shape, sight.x + (size_t)XW_ECG_TEMPLATE_SHIFT * b->lanes, 1);
    if (look(b, signal, t, &sight))
        compare(b, &shape, 0, &sight, weight, &match);
    return match;
}

static int least_used(const struct xw_ecg_template *b)
{
    int least = 0;
    for (int i = 1; i < XW_ECG_TEMPLATES; i++)
        if (b->shape[i].beats_n < b->shape[least].beats_n ||
            (b->shape[i].beats_n <= b->shape[least].beats_n &&
             b->shape[i].last_t < b->shape[least].last_t))
            least = i;
    return least;
}

int xw_ecg_template_learn(struct xw_ecg_template *b, const struct xw_ecg_signal *signal, int64_t t,
                          const float *weight)
{
    struct sight sight;
    if (!look(b, signal, t, &sight))
        return -1;
    struct xw_ecg_match match = best_match(b, &sight, weight, false);
    int index = match.shape;
    float rate = 1;
    for (unsigned i = 0; i < XW_ECG_TEMPLATES; i++)
        b->shape[i].beats_n *= FORGET;
    if (index < 0 || match.correlation < SAME) {
        index = least_used(b);
        b->shape[index].beats_n = 0;
        b->shape[index].learned_n = 0;
        match.shift = 0;
    }
    struct xw_ecg_shape *shape = &b->shape[index];
    shape->learned_n++;
    shape->beats_n += 1;
    shape->last_t = t;
    rate = 1.0F / (float)(shape->learned_n < SLOWEST ? shape->learned_n : SLOWEST);
    blend(b, shape, sight.x + (size_t)(XW_ECG_TEMPLATE_SHIFT + match.shift) * b->lanes, rate);
    return index;
}

int xw_ecg_template_dominant(const struct xw_ecg_template *b)
{
    int best = -1;
    for (int i = 0; i < XW_ECG_TEMPLATES; i++)
        if (b->shape[i].learned_n && (best < 0 || b->shape[i].beats_n > b->shape[best].beats_n))
            best = i;
    return best;
}
