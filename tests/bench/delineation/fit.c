/* Collects what dsp/ecg12 looks at for every annotated boundary of LUDB, has trees fitted to it
 * (boost.c), and writes bound_tables.c. Deterministic. */
#include "bench/delineation/bench.h"
#include "dsp/ecg12/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_MAX = 60000, PACES = 3 };

/* Each record is also read as if its heart were slower or faster. */
static const double PACE[PACES] = {1, 0.9, 1.1};

struct fit {
    struct xw_bench_cases of[XW12_BOUNDS];
    uint32_t number;
    struct xw_bench_wave waves[XW12_LEADS][XW_BENCH_WAVES_MAX];
    int waves_n[XW12_LEADS];
    const struct xw12_bound_trees *first; /* NULL in the first round */
};

static const char BOUND_KIND[XW12_BOUNDS] = {'p', 'p', 'N', 'N', 't', 't'};
/* Samples from where on errors count by their size: the end of T is uncertain in many records. */
static const float CLIP[XW12_BOUNDS] = {15, 15, 15, 15, 15, 40};

static int truth_of(const struct xw_bench_wave *wave, enum xw12_bound kind)
{
    bool onset = kind == XW12_P_ON || kind == XW12_QRS_ON || kind == XW12_T_ON;
    return wave->kind != BOUND_KIND[kind] ? -1 : onset ? wave->on : wave->off;
}

static bool has_wave(const struct xw12_beat *beat, enum xw12_bound kind)
{
    return BOUND_KIND[kind] == 'p' ? beat->has_p : BOUND_KIND[kind] == 't' ? beat->has_t : true;
}

/* The nearest annotation within 150 ms, if no other beat is nearer to it; else NAN. */
static float missing(const struct fit *fit, const struct xw_ecg12 *e, enum xw12_bound kind,
                     unsigned lead, int b)
{
    float reference = e->features.value[b][lead][XW12_OWN + 1], best = 75;
    for (int w = 0; w < fit->waves_n[lead]; w++) {
        int truth = truth_of(&fit->waves[lead][w], kind);
        if (truth >= 0 && fabsf((float)truth - reference) < fabsf(best))
            best = (float)truth - reference;
    }
    for (int o = 0; o < e->beats_n; o++) {
        float other = e->features.value[o][lead][XW12_OWN + 1];
        if (o != b && has_wave(&e->beat[o], kind) && fabsf(reference + best - other) < fabsf(best))
            return NAN;
    }
    return fabsf(best) < 75 ? best : NAN;
}

static void take(void *user, const struct xw_ecg12 *e, enum xw12_bound kind)
{
    struct fit *fit = user;
    struct xw_bench_cases *c = &fit->of[kind];
    for (unsigned l = 0; l < e->given_n; l++)
        for (int b = 0; b < e->beats_n; b++) {
            float y = has_wave(&e->beat[b], kind) ? missing(fit, e, kind, l, b) : NAN;
            if (!isfinite(y) || c->n >= CASES_MAX)
                continue;
            float *x = c->x[c->n], said = 0;
            float reference = xw12_bound_look(e, &e->rec, e->beat, b, e->beats_n, l, kind, x);
            if (fit->first) {
                said = xw12_bound_ask(&fit->first[kind].round[0], x);
                xw12_bound_look_near(&e->rec, l, kind, reference, said, x);
            }
            c->record[c->n] = fit->number;
            c->y[c->n++] = y - said;
        }
}

static double rms(const struct xw12_bound_round *round, const struct xw_bench_cases *c)
{
    double sum = 0;
    for (size_t i = 0; i < c->n; i++)
        sum += pow((double)(xw12_bound_ask(round, c->x[i]) - c->y[i]), 2);
    return sqrt(sum / ((double)c->n + 1e-9));
}

static void write_float(FILE *file, float value, const char *before)
{
    char text[32];
    snprintf(text, sizeof(text), "%.9g", (double)value);
    fprintf(file, "%s%s%s", before, text, strpbrk(text, ".e") ? "F" : ".0F");
}

static void write_tree(FILE *file, const struct xw12_bound_tree *t)
{
    fprintf(file, "        {{");
    for (int k = 0; k < XW12_TREE_DEPTH; k++)
        write_float(file, t->limit[k], k ? ", " : "");
    fprintf(file, "}, {");
    for (int k = 0; k < 1 << XW12_TREE_DEPTH; k++)
        fprintf(file, "%s%d", k ? "," : "", t->leaf[k]);
    fprintf(file, "}, {");
    for (int k = 0; k < XW12_TREE_DEPTH; k++)
        fprintf(file, "%s%d", k ? ", " : "", t->feature[k]);
    fprintf(file, "}, {0}},\n");
}

static int write_tables(const struct xw12_bound_trees *trees, const char *out)
{
    static const char *const NAME[XW12_BOUNDS] = {"P_ON",    "P_OFF", "QRS_ON",
                                                  "QRS_OFF", "T_ON",  "T_OFF"};
    FILE *file = fopen(out, "w");
    if (!file)
        return -errno;
    fprintf(file, "/* Trees of the boundaries. Made by bench_delineation --fit; see README. */\n"
                  "#include \"dsp/ecg12/internal.h\"\n\n/* clang-format off */\n"
                  "const struct xw12_bound_trees xw12_bound_tables[XW12_BOUNDS] = {\n");
    for (int kind = 0; kind < XW12_BOUNDS; kind++) {
        fprintf(file, "    [XW12_%s] = {{\n", NAME[kind]);
        for (int round = 0; round < XW12_ROUNDS; round++) {
            write_float(file, trees[kind].round[round].bias, "      {");
            fprintf(file, ", {\n");
            for (int t = 0; t < XW12_TREES; t++)
                write_tree(file, &trees[kind].round[round].tree[t]);
            fprintf(file, "      }},\n");
        }
        fprintf(file, "    }},\n");
    }
    fprintf(file, "};\n/* clang-format on */\n");
    return fclose(file) ? -EIO : 0;
}

/* Neighbours in number are not always of one fold. */
int xw_bench_fold(int number)
{
    return (int)(((uint32_t)number * 2654435761u >> 16) % XW_BENCH_FOLDS);
}

static int fit_new(struct fit **ret_fit)
{
    struct fit *fit = calloc(1, sizeof(*fit));
    if (!fit)
        return -ENOMEM;
    *ret_fit = fit;
    for (int k = 0; k < XW12_BOUNDS; k++) {
        fit->of[k].x = calloc(CASES_MAX, sizeof(*fit->of[k].x));
        fit->of[k].y = calloc(CASES_MAX, sizeof(float));
        fit->of[k].record = calloc(CASES_MAX, sizeof(uint32_t));
        if (!fit->of[k].x || !fit->of[k].y || !fit->of[k].record)
            return -ENOMEM;
    }
    return 0;
}

static void fit_free(struct fit *fit)
{
    for (int k = 0; k < XW12_BOUNDS && fit; k++) {
        free(fit->of[k].x);
        free(fit->of[k].y);
        free(fit->of[k].record);
    }
    free(fit);
}

static int waves_at(const char *path, const char *lead, double pace, struct xw_bench_wave *waves)
{
    int n = xw_bench_waves(path, lead, waves);
    for (int w = 0; w < n; w++) {
        waves[w].on = waves[w].on < 0 ? -1 : (int)lrint(waves[w].on / pace);
        waves[w].off = waves[w].off < 0 ? -1 : (int)lrint(waves[w].off / pace);
    }
    return n;
}

/* Cases of all records but those of fold `without`; first: NULL, or tables of the first round by
 * fold, each learned without that fold. */
static int collect(const char *data, int without, struct xw12_bound_trees (*first)[XW12_BOUNDS],
                   struct fit *fit)
{
    char folder[1024];
    snprintf(folder, sizeof(folder), "%s/ludb", data);
    char **paths;
    size_t n;
    int result = xw_bench_list(folder, &paths, &n);
    if (result < 0)
        return result;
    struct xw_bench_record *rec = calloc(1, sizeof(*rec));
    struct xw_ecg12_result *r = calloc(1, sizeof(*r));
    struct xw_ecg12 *engine = NULL;
    result = rec && r ? xw_ecg12_new(&engine) : -ENOMEM;
    for (int k = 0; k < XW12_BOUNDS; k++) {
        fit->of[k].n = 0;
        fit->of[k].figures_n = first ? XW12_LOOK_NEAR : XW12_LOOK;
    }
    for (size_t i = 0; i < n && result >= 0; i++) {
        if (xw_bench_load(paths[i], rec) < 0 || xw_bench_fold(rec->number) == without)
            continue;
        fit->number = (uint32_t)rec->number;
        fit->first = first ? first[xw_bench_fold(rec->number)] : NULL;
        engine->on_features = take;
        engine->user = fit;
        double rate_hz = rec->input.rate_hz;
        unsigned samples_n = rec->input.samples_n;
        for (int k = 0; k < PACES && result >= 0; k++) {
            rec->input.rate_hz = rate_hz * PACE[k];
            unsigned most = (unsigned)(10 * rec->input.rate_hz);
            rec->input.samples_n = samples_n < most ? samples_n : most;
            for (unsigned l = 0; l < rec->input.channels_n; l++)
                fit->waves_n[l] = waves_at(paths[i], xw_ecg_lead_name(rec->input.channels[l].lead),
                                           PACE[k], fit->waves[l]);
            if (xw_ecg12_read(engine, &rec->input, r) < 0)
                fprintf(stderr, "record %d: not read\n", rec->number);
        }
    }
    xw_ecg12_free(engine);
    free(r);
    free(rec);
    xw_bench_list_free(paths, n);
    return result;
}

/* Of the cases those whose record is not of the fold, as a list that shares nothing. */
static int boost_without(const struct xw_bench_cases *all, int fold, float clip,
                         struct xw12_bound_round *ret_round)
{
    struct xw_bench_cases some = {.figures_n = all->figures_n,
                                  .x = calloc(all->n + 1, sizeof(*some.x)),
                                  .y = calloc(all->n + 1, sizeof(float)),
                                  .record = calloc(all->n + 1, sizeof(uint32_t))};
    int result = some.x && some.y && some.record ? 0 : -ENOMEM;
    for (size_t i = 0; i < all->n && result >= 0; i++) {
        if (xw_bench_fold((int)all->record[i]) == fold)
            continue;
        memcpy(some.x[some.n], all->x[i], sizeof(*some.x));
        some.y[some.n] = all->y[i];
        some.record[some.n++] = all->record[i];
    }
    if (result >= 0)
        result = xw_bench_boost(&some, clip, ret_round);
    free(some.x);
    free(some.y);
    free(some.record);
    return result;
}

/* The second round learns from what a first round says of records that it did not see. */
int xw_bench_learn(const char *data, int without, struct xw12_bound_trees *trees)
{
    static struct xw12_bound_trees first[XW_BENCH_FOLDS][XW12_BOUNDS];
    struct fit *fit = NULL;
    int result = fit_new(&fit);
    if (result >= 0)
        result = collect(data, without, NULL, fit);
    for (int k = 0; k < XW12_BOUNDS && result >= 0; k++) {
        result = xw_bench_boost(&fit->of[k], CLIP[k], &trees[k].round[0]);
        for (int fold = 0; fold < XW_BENCH_FOLDS && result >= 0; fold++)
            if (fold != without)
                result = boost_without(&fit->of[k], fold, CLIP[k], &first[fold][k].round[0]);
    }
    if (result >= 0)
        result = collect(data, without, first, fit);
    for (int k = 0; k < XW12_BOUNDS && result >= 0; k++) {
        result = xw_bench_boost(&fit->of[k], CLIP[k], &trees[k].round[1]);
        fprintf(stderr, "boundary %d: %zu cases, rms %.1f ms\n", k, fit->of[k].n,
                2 * rms(&trees[k].round[1], &fit->of[k]));
    }
    fit_free(fit);
    return result;
}

int xw_bench_fit(const char *data, const char *out)
{
    static struct xw12_bound_trees trees[XW12_BOUNDS];
    int result = xw_bench_learn(data, -1, trees);
    return result < 0 ? result : write_tables(trees, out);
}
