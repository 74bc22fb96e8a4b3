/* Examples made of others: even rhythms with many early beats, which are not fibrillation, and
 * fibrillation conducted in steps of a flutter's cycle or in two ways, which is. The
 * recordings have few patients of each, so that a table would learn those patients instead. */
#include "bench/rhythm/af_made.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 300, SKIP = 100, MADE_MAX = 2 * BLOCK, BLOCKS_LONG = 16, BLOCKS_SHORT = 4 };

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

static double between(uint64_t *state, double low, double high)
{
    return low + (high - low) * (double)(next_random(state) >> 11) / 9007199254740992.0;
}

struct made {
    double rr_s[MADE_MAX];
    size_t n;
};

static void put(struct made *m, double rr_s)
{
    if (m->n < MADE_MAX)
        m->rr_s[m->n++] = rr_s;
}

/* Early beats that set the sinus back, now and then two in a row. */
static void make_early(const double *rr_s, size_t n, uint64_t *random, struct made *to)
{
    double share = between(random, 0.05, 0.33), low = between(random, 0.5, 0.8);
    double high = fmin(low + between(random, 0.02, 0.12), 0.92);
    double pause = between(random, 0.95, 1.3), twice = between(random, 0, 0.15);
    for (size_t i = 0; i < n; i++) {
        if (between(random, 0, 1) >= share) {
            put(to, rr_s[i]);
            continue;
        }
        do
            put(to, rr_s[i] * between(random, low, high));
        while (between(random, 0, 1) < twice);
        put(to, rr_s[i] * pause * between(random, 0.97, 1.03));
        i++;
    }
}

/* Conduction in steps: each interval a whole number of cycles. */
static void make_steps(const double *rr_s, size_t n, uint64_t *random, struct made *to)
{
    double cycle = between(random, 0.16, 0.24), jitter = between(random, 0.003, 0.015);
    for (size_t i = 0; i < n; i++)
        put(to, cycle * fmax(2, round(rr_s[i] / cycle)) + between(random, -2, 2) * jitter);
}

/* Two ways through the node: short or long, each with its own spread, in an order that tells
 * nothing or a little. */
static void make_two(const double *rr_s, size_t n, uint64_t *random, struct made *to)
{
    double mean = 0, ratio = between(random, 1.35, 2), share = between(random, 0.25, 0.65);
    double turn = between(random, 0.6, 1.5), spread = between(random, 0.04, 0.1);
    for (size_t i = 0; i < n; i++)
        mean += rr_s[i] / (double)n;
    double low = mean / (1 + share * (ratio - 1));
    bool is_long = false;
    for (size_t i = 0; i < n; i++) {
        is_long = between(random, 0, 1) < (is_long ? share / turn : share * turn);
        double bell = between(random, -1, 1) + between(random, -1, 1) + between(random, -1, 1);
        put(to, low * (is_long ? ratio : 1) * (1 + spread * bell));
    }
}

enum { EARLY, STEPS, TWO, KINDS };

/* A stretch of one rhythm with all its intervals usable; false: none found at this place. */
static bool find(const struct xw_rhythm_af_record *r, const char *name, size_t first, double *rr_s)
{
    size_t hint = 0;
    if (first + BLOCK >= r->beats_n)
        return false;
    for (size_t i = 0; i < BLOCK; i++) {
        size_t k = first + 1 + i;
        if (!r->scored && !r->usable[k])
            return false;
        if (strcmp(xw_rhythm_name_at(&r->truth, r->beat[k], &hint), name) != 0)
            return false;
        rr_s[i] = (double)(r->beat[k] - r->beat[k - 1]) / r->rate_hz;
    }
    return true;
}

static size_t learn_from(const struct made *m, struct xw_ecg_af *af, unsigned group, float target,
                         struct xw_fit_example *to)
{
    size_t n = 0;
    double t = 0;
    uint64_t seen = 0;
    xw_ecg_af_reset(af);
    for (size_t i = 0; i < m->n + XW_ECG_AF_FAR; i++) {
        if (i < m->n) {
            t += m->rr_s[i];
            xw_ecg_af_beat(af, (int64_t)(t * 1000), (float)(1000 * m->rr_s[i]), true);
        } else {
            xw_ecg_af_finish(af);
        }
        if (af->judged == seen)
            continue;
        seen = af->judged;
        if (seen <= SKIP || (seen - 1) % XW_ECG_AF_STRIDE)
            continue;
        memcpy(to[n].x, af->features, sizeof(af->features));
        to[n].target = target;
        to[n++].group = group;
    }
    return n;
}

/* Set while looking at the cross-validation: with more of what is not fibrillation, its conduction
 * in steps is not believed any more. */
static const float WEIGHT[KINDS] = {
    [EARLY] = 0.2F,
    [STEPS] = 3.5F,
    [TWO] = 3.5F,
};

static size_t make_kind(const struct xw_rhythm_af_record *r, unsigned group, unsigned kind,
                        struct xw_ecg_af *af, uint64_t *random, struct xw_fit_example *to)
{
    static void (*const MAKE[KINDS])(const double *, size_t, uint64_t *,
                                     struct made *) = {make_early, make_steps, make_two};
    bool fibrillates = kind >= STEPS;
    size_t n = 0, blocks_n = r->scored ? BLOCKS_LONG : BLOCKS_SHORT;
    double rr_s[BLOCK];
    if (r->beats_n < BLOCK + 2)
        return 0;
    for (size_t b = 0; b < blocks_n; b++) {
        size_t first = (size_t)between(random, 0, (double)(r->beats_n - BLOCK - 1));
        struct made made = {.n = 0};
        if (!find(r, fibrillates ? "AFIB" : "N", first, rr_s))
            continue;
        MAKE[kind](rr_s, BLOCK, random, &made);
        n += learn_from(&made, af, group, fibrillates, to + n);
    }
    for (size_t k = 0; k < n; k++)
        to[k].weight = (float)(50 / sqrt((double)n)) * WEIGHT[kind];
    return n;
}

size_t xw_rhythm_af_made_room(const struct xw_rhythm_af *all)
{
    return (size_t)all->n * KINDS * BLOCKS_LONG * (MADE_MAX / XW_ECG_AF_STRIDE);
}

int xw_rhythm_af_make(struct xw_rhythm_af *all, unsigned index, uint64_t seed)
{
    struct xw_ecg_af *af = calloc(1, sizeof(*af));
    if (!af)
        return -ENOMEM;
    xw_ecg_af_init(af, NULL, 1000);
    uint64_t random = seed + 977 * index;
    for (unsigned kind = 0; kind < KINDS; kind++)
        all->examples_n += make_kind(&all->record[index], index, kind, af, &random,
                                     all->example + all->examples_n);
    free(af);
    return 0;
}
