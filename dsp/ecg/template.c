/* Multi-lead QRS shapes: comparison and learning. */
#include "dsp/ecg/template.h"
#include "dsp/ecg/tables.h"

#include <math.h>

static const float SAME = 0.85F;
static const float FORGET = 0.995F; /* per beat */
static const unsigned SLOWEST = 24;

int xw_ecg_template_init(struct xw_ecg_template *b, unsigned leads_n)
{
    memset(b, 0, sizeof(*b));
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

static bool at_hand(const struct xw_ecg_signal *signal, int64_t t)
{
    const int64_t reach = XW_ECG_TEMPLATE_HALF + XW_ECG_TEMPLATE_SHIFT;
    return xw_ecg_signal_has(signal, t - reach, t + reach + 1);
}

/* Sums over one lane chunk keep the order of additions fixed whatever the vector width. */
static float weighted_dot(const float *restrict a, const float *restrict b,
                          const float *restrict weight, unsigned lanes)
{
    float lane[XW_DSP_LANES_MAX] = {0}, sum = 0;
    for (unsigned i = 0; i < XW_ECG_TEMPLATE_FRAMES; i++)
        for (unsigned c = 0; c < lanes; c++)
            lane[c] += a[(size_t)i * lanes + c] * b[(size_t)i * lanes + c];
    for (unsigned c = 0; c < lanes; c++)
        sum += weight[c] * lane[c];
    return sum;
}

/* Energy about each lead's own mean. */
static float weighted_energy(const float *restrict a, const float *restrict weight, unsigned lanes)
{
    float square[XW_DSP_LANES_MAX] = {0}, mean[XW_DSP_LANES_MAX] = {0}, sum = 0;
    for (unsigned i = 0; i < XW_ECG_TEMPLATE_FRAMES; i++)
        for (unsigned c = 0; c < lanes; c++)
            mean[c] += a[(size_t)i * lanes + c] * (1.0F / XW_ECG_TEMPLATE_FRAMES);
    for (unsigned i = 0; i < XW_ECG_TEMPLATE_FRAMES; i++)
        for (unsigned c = 0; c < lanes; c++) {
            float x = a[(size_t)i * lanes + c] - mean[c];
            square[c] += x * x;
        }
    for (unsigned c = 0; c < lanes; c++)
        sum += weight[c] * square[c];
    return sum;
}

static void compare(const struct xw_ecg_template *b, int index, const float *middle,
                    const float *weight, struct xw_ecg_match *best)
{
    const float *shape = b->shape[index].x;
    const float *first = middle - (size_t)XW_ECG_TEMPLATE_HALF * b->lanes;
    float top = -INFINITY;
    int shift = 0;
    for (int s = -XW_ECG_TEMPLATE_SHIFT; s <= XW_ECG_TEMPLATE_SHIFT; s++) {
        float dot =
            weighted_dot(first + (ptrdiff_t)s * (ptrdiff_t)b->lanes, shape, weight, b->lanes);
        if (dot > top) {
            top = dot;
            shift = s;
        }
    }
    float own = weighted_energy(first + (ptrdiff_t)shift * (ptrdiff_t)b->lanes, weight, b->lanes);
    float its = weighted_energy(shape, weight, b->lanes);
    float correlation = own > 0 && its > 0 ? top / sqrtf(own * its) : 0;
    if (best->shape < 0 || correlation > best->correlation) {
        best->shape = index;
        best->shift = shift;
        best->correlation = correlation;
        best->energy = its > 0 ? own / its : 0;
    }
}

struct xw_ecg_match xw_ecg_template_match(const struct xw_ecg_template *b,
                                          const struct xw_ecg_signal *signal, int64_t t,
                                          const float *weight, bool established)
{
    struct xw_ecg_match best = {.shape = -1};
    if (!at_hand(signal, t))
        return best;
    const int64_t reach = XW_ECG_TEMPLATE_HALF + XW_ECG_TEMPLATE_SHIFT;
    const float *middle = xw_ecg_signal_frame(signal, t - reach) + (size_t)reach * b->lanes;
    int dominant = established ? xw_ecg_template_dominant(b) : -1;
    float energy = dominant < 0 ? 0 : weighted_energy(b->shape[dominant].x, weight, b->lanes);
    for (int i = 0; i < XW_ECG_TEMPLATES; i++) {
        const struct xw_ecg_shape *shape = &b->shape[i];
        if (!shape->learned_n)
            continue;
        if (established &&
            (shape->learned_n < 3 ||
             shape->beats_n < xw_ecg_tables.qrs_shape_share * b->shape[dominant].beats_n ||
             weighted_energy(shape->x, weight, b->lanes) < xw_ecg_tables.qrs_shape_energy * energy))
            continue;
        compare(b, i, middle, weight, &best);
    }
    return best;
}

float xw_ecg_template_like(const struct xw_ecg_template *b, int shape,
                           const struct xw_ecg_signal *signal, int64_t t, const float *weight)
{
    struct xw_ecg_match match = {.shape = -1};
    if (!at_hand(signal, t))
        return 0;
    const int64_t reach = XW_ECG_TEMPLATE_HALF + XW_ECG_TEMPLATE_SHIFT;
    const float *middle = xw_ecg_signal_frame(signal, t - reach) + (size_t)reach * b->lanes;
    compare(b, shape, middle, weight, &match);
    return match.correlation;
}

static void blend(struct xw_ecg_template *b, int index, const float *first, float rate)
{
    float mean[XW_DSP_LANES_MAX] = {0};
    for (unsigned i = 0; i < XW_ECG_TEMPLATE_FRAMES; i++)
        for (unsigned c = 0; c < b->lanes; c++)
            mean[c] += first[(size_t)i * b->lanes + c] * (1.0F / XW_ECG_TEMPLATE_FRAMES);
    float *x = b->shape[index].x;
    for (unsigned i = 0; i < XW_ECG_TEMPLATE_FRAMES; i++)
        for (unsigned c = 0; c < b->lanes; c++)
            x[(size_t)i * b->lanes + c] +=
                rate * (first[(size_t)i * b->lanes + c] - mean[c] - x[(size_t)i * b->lanes + c]);
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
    if (!at_hand(signal, t))
        return -1;
    struct xw_ecg_match match = xw_ecg_template_match(b, signal, t, weight, false);
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
    const int64_t reach = XW_ECG_TEMPLATE_HALF + XW_ECG_TEMPLATE_SHIFT;
    const float *window = xw_ecg_signal_frame(signal, t - reach);
    blend(b, index, window + (size_t)(XW_ECG_TEMPLATE_SHIFT + match.shift) * b->lanes, rate);
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
