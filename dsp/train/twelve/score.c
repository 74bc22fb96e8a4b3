/* Areas, F1 and their intervals. */
#include "dsp/train/twelve/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

uint8_t *xw_twelve_draws(const struct xw_twelve_cases *cases, uint64_t seed)
{
    size_t n = cases->n, *first = calloc(n + 1, sizeof(*first)), patients_n = 0;
    uint8_t *draws = calloc((size_t)(XW_TWELVE_DRAWS + 1) * (n + 1), 1);
    if (!draws || !first) {
        free(first);
        free(draws);
        return NULL;
    }
    size_t *patient = first; /* the first case of each patient */
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < i && cases->at[k].patient != cases->at[i].patient)
            k++;
        if (k == i)
            patient[patients_n++] = i;
    }
    memset(draws, 1, n);
    for (unsigned d = 1; d <= XW_TWELVE_DRAWS; d++)
        for (size_t p = 0; p < patients_n; p++) {
            size_t one = patient[(size_t)(xw_twelve_uniform(&seed) * (double)patients_n)];
            for (size_t i = one; i < n; i++)
                if (cases->at[i].patient == cases->at[one].patient)
                    draws[(size_t)d * n + i]++;
        }
    free(first);
    return draws;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* values[0] is the figure itself, the rest are draws. */
static struct xw_twelve_figure figure_of(double *values)
{
    struct xw_twelve_figure f = {.value = values[0]};
    qsort(values + 1, XW_TWELVE_DRAWS, sizeof(*values), by_value);
    f.low = values[1 + XW_TWELVE_DRAWS * 25 / 1000];
    f.high = values[XW_TWELVE_DRAWS - XW_TWELVE_DRAWS * 25 / 1000];
    return f;
}

struct ranked {
    float logit;
    size_t at;
};

static int by_logit(const void *a, const void *b)
{
    float x = ((const struct ranked *)a)->logit, y = ((const struct ranked *)b)->logit;
    return (x > y) - (x < y);
}

/* Of pairs of a case with and one without: the share in order, ties by half. */
static double area(const struct xw_twelve_cases *cases, const struct ranked *list, size_t n,
                   const uint8_t *draw, unsigned class)
{
    double below = 0, yes_all = 0, pairs = 0;
    for (size_t i = 0; i < n;) {
        double yes = 0, no = 0;
        size_t k = i;
        for (; k < n && list[k].logit <= list[i].logit; k++) {
            bool target = cases->at[list[k].at].target[class];
            yes += target ? draw[list[k].at] : 0;
            no += target ? 0 : draw[list[k].at];
        }
        pairs += yes * (below + 0.5 * no);
        below += no;
        yes_all += yes;
        i = k;
    }
    return yes_all > 0 && below > 0 ? pairs / (yes_all * below) : 0.5;
}

/* Adds the class's areas to `values`. */
static void add_areas(const struct xw_twelve_cases *cases, const uint8_t *draws,
                      const struct xw_twelve_verdict *v, unsigned class, double part,
                      double *values)
{
    struct ranked *list = calloc(cases->n + 1, sizeof(*list));
    size_t n = 0;
    for (size_t i = 0; list && i < cases->n; i++)
        if (cases->at[i].seen && cases->at[i].known[class])
            list[n++] = (struct ranked){v[i].logit[class], i};
    if (list)
        qsort(list, n, sizeof(*list), by_logit);
    for (unsigned d = 0; list && d <= XW_TWELVE_DRAWS; d++)
        values[d] += part * area(cases, list, n, draws + (size_t)d * cases->n, class);
    free(list);
}

struct xw_twelve_figure xw_twelve_auc(const struct xw_twelve_cases *cases, const uint8_t *draws,
                                      const struct xw_twelve_verdict *v, unsigned class)
{
    double values[XW_TWELVE_DRAWS + 1] = {0};
    add_areas(cases, draws, v, class, 1, values);
    return figure_of(values);
}

struct xw_twelve_figure xw_twelve_macro_auc(const struct xw_twelve_cases *cases,
                                            const uint8_t *draws, const struct xw_twelve_verdict *v)
{
    double values[XW_TWELVE_DRAWS + 1] = {0};
    for (unsigned c = XW_NET12_NORM; c <= XW_NET12_HYP; c++)
        add_areas(cases, draws, v, c, 0.2, values);
    return figure_of(values);
}

static double f1_of(const struct xw_twelve_cases *cases, const uint8_t *draw,
                    const struct xw_twelve_verdict *v, unsigned class)
{
    double both = 0, either = 0;
    for (size_t i = 0; i < cases->n; i++) {
        const struct xw_twelve_case *e = &cases->at[i];
        if (!e->known[class])
            continue;
        bool said = v ? v[i].said[class] : e->rules[class];
        both += said && e->target[class] ? draw[i] : 0;
        either += (said + e->target[class]) * draw[i];
    }
    return either > 0 ? 2 * both / either : 0;
}

struct xw_twelve_figure xw_twelve_f1(const struct xw_twelve_cases *cases, const uint8_t *draws,
                                     const struct xw_twelve_verdict *v, unsigned class)
{
    double values[XW_TWELVE_DRAWS + 1];
    for (unsigned d = 0; d <= XW_TWELVE_DRAWS; d++)
        values[d] = f1_of(cases, draws + (size_t)d * cases->n, v, class);
    return figure_of(values);
}

struct xw_twelve_figure xw_twelve_f1_gain(const struct xw_twelve_cases *cases, const uint8_t *draws,
                                          const struct xw_twelve_verdict *v,
                                          const struct xw_twelve_verdict *other, unsigned class)
{
    double values[XW_TWELVE_DRAWS + 1];
    for (unsigned d = 0; d <= XW_TWELVE_DRAWS; d++)
        values[d] = f1_of(cases, draws + (size_t)d * cases->n, v, class) -
                    f1_of(cases, draws + (size_t)d * cases->n, other, class);
    return figure_of(values);
}

void xw_twelve_reliability(const struct xw_twelve_cases *cases, const struct xw_twelve_verdict *v,
                           unsigned class, struct xw_twelve_reliability *t)
{
    double n = 0;
    memset(t, 0, sizeof(*t));
    for (size_t i = 0; i < cases->n; i++) {
        if (!cases->at[i].seen || !cases->at[i].known[class])
            continue;
        double p = (double)v[i].probability[class], truth = cases->at[i].target[class];
        unsigned bin = p >= 1 ? XW_TWELVE_BINS - 1 : (unsigned)(p * XW_TWELVE_BINS);
        t->n[bin]++;
        t->said[bin] += p;
        t->found[bin] += truth;
        t->brier += (p - truth) * (p - truth);
        n++;
    }
    for (unsigned b = 0; b < XW_TWELVE_BINS && n > 0; b++) {
        t->error += fabs(t->said[b] - t->found[b]) / n;
        t->said[b] /= t->n[b] ? t->n[b] : 1;
        t->found[b] /= t->n[b] ? t->n[b] : 1;
    }
    t->brier /= n > 0 ? n : 1;
}
