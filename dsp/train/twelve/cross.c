/* Models made and judged. */
#include "dsp/train/twelve/cross.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double probability_of(double logit)
{
    return 1 / (1 + exp(-logit));
}

void xw_twelve_calibrate(const float *logit, const bool *target, size_t n, float *ret_slope,
                         float *ret_offset)
{
    double yes = 0, a = 1, b = 0;
    for (size_t i = 0; i < n; i++)
        yes += target[i];
    double high = (yes + 1) / (yes + 2), low = 1 / ((double)n - yes + 2);
    for (int round = 0; round < 50; round++) {
        double ga = 0, gb = 0, haa = 1e-6, hab = 0, hbb = 1e-6;
        for (size_t i = 0; i < n; i++) {
            double x = (double)logit[i], p = probability_of(a * x + b), e;
            e = p - (target[i] ? high : low);
            double w = p * (1 - p);
            ga += e * x;
            gb += e;
            haa += w * x * x;
            hab += w * x;
            hbb += w;
        }
        double all = haa * hbb - hab * hab;
        if (!(all > 1e-12))
            break;
        double da = (ga * hbb - gb * hab) / all, db = (gb * haa - ga * hab) / all;
        double size = fmax(fabs(da), fabs(db)), part = size > 1 ? 1 / size : 1;
        a -= part * da;
        b -= part * db;
        if (size < 1e-9)
            break;
    }
    /* A class that cannot be told apart has a slope near or below 0: its share alone is said. */
    *ret_slope = (float)fmax(a, 0);
    *ret_offset = (float)b;
}

struct ranked {
    float probability;
    bool target;
};

static int by_probability(const void *a, const void *b)
{
    float x = ((const struct ranked *)a)->probability, y = ((const struct ranked *)b)->probability;
    return (x < y) - (x > y);
}

float xw_twelve_limit(const float *probability, const bool *target, size_t n)
{
    struct ranked *list = calloc(n + 1, sizeof(*list));
    double yes = 0, found = 0, best = 0;
    float limit = 0.5F;
    for (size_t i = 0; list && i < n; i++) {
        list[i] = (struct ranked){probability[i], target[i]};
        yes += target[i];
    }
    if (list)
        qsort(list, n, sizeof(*list), by_probability);
    for (size_t i = 0; list && i + 1 < n; i++) {
        found += list[i].target;
        double f1 = 2 * found / (yes + (double)i + 1);
        if (list[i].probability > list[i + 1].probability && f1 > best) {
            best = f1;
            limit = 0.5F * (list[i].probability + list[i + 1].probability);
        }
    }
    free(list);
    return limit;
}

/* Adds what a member says of the fold it watched. */
static void look_outside(const struct xw_twelve_cases *cases, const struct xw_net12_model *m,
                         unsigned member, unsigned fold, float *work, float *const logit[],
                         bool *const target[], size_t *n)
{
    float z[XW_NET12_FIGURES], said[XW_NET12_CLASSES];
    for (size_t i = 0; i < cases->n; i++) {
        const struct xw_twelve_case *e = &cases->at[i];
        if (!e->seen || e->fold != fold)
            continue;
        xw_net12_scale(e->view.figures, m->mean, m->scale, z);
        xw_net12_forward(&m->shape, m->weights + (size_t)member * m->shape.weights_n,
                         e->view.beat_mv, z, work, said);
        for (unsigned c = 0; c < XW_NET12_CLASSES; c++)
            if (e->known[c]) {
                logit[c][n[c]] = said[c];
                target[c][n[c]++] = e->target[c];
            }
    }
}

static void set_class(struct xw_net12_model *m, unsigned c, const float *logit, const bool *target,
                      size_t n, float *room)
{
    xw_twelve_calibrate(logit, target, n, &m->slope[c], &m->offset[c]);
    for (size_t i = 0; i < n; i++)
        room[i] = (float)probability_of((double)(m->slope[c] * logit[i] + m->offset[c]));
    m->limit[c] = xw_twelve_limit(room, target, n);
}

static int learn_members(const struct xw_twelve_recipe *recipe, const struct xw_twelve_cases *cases,
                         int left_out, struct xw_net12_model *m)
{
    size_t room_n = cases->n + 1, n[XW_NET12_CLASSES] = {0};
    float *logits = calloc(room_n * (XW_NET12_CLASSES + 1), sizeof(*logits));
    bool *targets = calloc(room_n * XW_NET12_CLASSES, sizeof(*targets));
    float *work = calloc(m->shape.work_n + 1, sizeof(*work));
    float *logit[XW_NET12_CLASSES];
    bool *target[XW_NET12_CLASSES];
    int result = logits && targets && work ? 0 : -ENOMEM;
    for (unsigned c = 0; c < XW_NET12_CLASSES && !result; c++) {
        logit[c] = logits + c * room_n;
        target[c] = targets + c * room_n;
    }
    for (unsigned fold = 0; fold < XW_TWELVE_FOLDS && !result; fold++) {
        if ((int)fold == left_out)
            continue;
        unsigned member = m->members_n++;
        result = xw_twelve_learn(recipe, cases, left_out, fold, m->mean, m->scale,
                                 recipe->seed + 100 * (uint64_t)(left_out + 1) + fold,
                                 m->weights + (size_t)member * m->shape.weights_n);
        if (!result)
            look_outside(cases, m, member, fold, work, logit, target, n);
    }
    for (unsigned c = 0; c < XW_NET12_CLASSES && !result; c++)
        set_class(m, c, logit[c], target[c], n[c], logits + XW_NET12_CLASSES * room_n);
    free(work);
    free(targets);
    free(logits);
    return result;
}

int xw_twelve_make(const struct xw_twelve_recipe *recipe, const struct xw_twelve_cases *cases,
                   int left_out, struct xw_net12_model *ret_model)
{
    struct xw_net12_model m = {.shape = recipe->shape};
    memcpy(m.id, recipe->id, strnlen(recipe->id, sizeof(m.id) - 1));
    m.weights = calloc((size_t)XW_TWELVE_FOLDS * m.shape.weights_n, sizeof(*m.weights));
    if (!m.weights)
        return -ENOMEM;
    xw_twelve_measure(cases, left_out, m.mean, m.scale);
    int result = learn_members(recipe, cases, left_out, &m);
    if (result < 0)
        free(m.weights);
    else
        *ret_model = m;
    return result;
}

int xw_twelve_pack(const struct xw_net12_model *model, uint8_t **ret_bytes, size_t *ret_n)
{
    size_t n = xw_net12_model_bytes(model);
    uint8_t *bytes = malloc(n);
    if (!bytes)
        return -ENOMEM;
    xw_net12_model_write(model, bytes);
    *ret_bytes = bytes;
    *ret_n = n;
    return 0;
}

/* Judged by the bytes that would be shipped. */
static int judge_fold(const struct xw_net12_model *m, const struct xw_twelve_cases *cases,
                      unsigned fold, struct xw_twelve_verdict *verdicts)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    struct xw_net12 *net = NULL;
    struct xw_net12_error error;
    int result = xw_twelve_pack(m, &bytes, &n);
    if (!result)
        result = xw_net12_open(bytes, n, &net, &error);
    for (size_t i = 0; !result && i < cases->n; i++) {
        if (cases->at[i].fold != fold)
            continue;
        struct xw_net12_output out = {0};
        if (cases->at[i].seen)
            xw_net12_judge(net, &cases->at[i].view, &out);
        for (unsigned c = 0; c < XW_NET12_CLASSES; c++) {
            verdicts[i].said[c] = out.yes[c];
            verdicts[i].logit[c] = cases->at[i].seen ? out.logit[c] : NAN;
            verdicts[i].probability[c] = cases->at[i].seen ? out.probability[c] : NAN;
        }
    }
    xw_net12_free(net);
    free(bytes);
    return result;
}

int xw_twelve_cross(const struct xw_twelve_recipe *recipe, const struct xw_twelve_cases *cases,
                    struct xw_twelve_verdict *verdicts)
{
    int result = 0;
    for (unsigned fold = 0; fold < XW_TWELVE_FOLDS && !result; fold++) {
        struct xw_net12_model m;
        result = xw_twelve_make(recipe, cases, (int)fold, &m);
        if (result < 0)
            break;
        result = judge_fold(&m, cases, fold, verdicts);
        free(m.weights);
        fprintf(stderr, "%s: fold %u of %d judged\n", recipe->id, fold + 1, XW_TWELVE_FOLDS);
    }
    return result;
}
