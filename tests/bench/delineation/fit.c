/* Collects what dsp/ecg12 looks at for every annotated boundary of LUDB, has trees fitted to it
 * (boost.c), and writes bound_tables.c. Deterministic. */
#include "bench/delineation/bench.h"
#include "dsp/ecg12/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_MAX = 40000 };

struct fit {
    struct xw_bench_cases of[XW12_BOUNDS];
    uint32_t number;
    struct xw_bench_wave waves[XW12_LEADS][XW_BENCH_WAVES_MAX];
    int waves_n[XW12_LEADS];
};

static const char BOUND_KIND[XW12_BOUNDS] = {'p', 'p', 'N', 'N', 't', 't'};

static void take(void *user, const struct xw_ecg12 *e, enum xw12_bound kind)
{
    struct fit *fit = user;
    bool onset = kind == XW12_P_ON || kind == XW12_QRS_ON || kind == XW12_T_ON;
    bool p = BOUND_KIND[kind] == 'p', t = BOUND_KIND[kind] == 't';
    for (unsigned l = 0; l < e->given_n; l++)
        for (int b = 0; b < e->beats_n; b++) {
            const struct xw12_beat *beat = &e->beat[b];
            if ((p && !beat->has_p) || (t && !beat->has_t))
                continue;
            const float *f = e->features.value[b][l];
            float reference = f[XW12_OWN + 1], best = 75; /* 150 ms */
            for (int w = 0; w < fit->waves_n[l]; w++) {
                const struct xw_bench_wave *wave = &fit->waves[l][w];
                int truth = onset ? wave->on : wave->off;
                if (wave->kind == BOUND_KIND[kind] && truth >= 0 &&
                    fabsf((float)truth - reference) < fabsf(best))
                    best = (float)truth - reference;
            }
            struct xw_bench_cases *c = &fit->of[kind];
            if (fabsf(best) >= 75 || c->n >= CASES_MAX)
                continue;
            (void)xw12_bound_look(e, &e->rec, e->beat, b, e->beats_n, l, kind, c->x[c->n]);
            c->record[c->n] = fit->number;
            c->y[c->n++] = best;
        }
}

static double rms(const struct xw12_bound_trees *trees, const struct xw_bench_cases *c)
{
    double sum = 0;
    for (size_t i = 0; i < c->n; i++)
        sum += pow((double)(xw12_bound_ask(trees, c->x[i]) - c->y[i]), 2);
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
        fprintf(file, "    [XW12_%s] = {", NAME[kind]);
        write_float(file, trees[kind].bias, "");
        fprintf(file, ", {\n");
        for (int t = 0; t < XW12_TREES; t++)
            write_tree(file, &trees[kind].tree[t]);
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

int xw_bench_learn(const char *data, int without, struct xw12_bound_trees *trees)
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
    struct fit *fit = calloc(1, sizeof(*fit));
    struct xw_ecg12 *engine = NULL;
    result = rec && r && fit ? xw_ecg12_new(&engine) : -ENOMEM;
    for (int k = 0; k < XW12_BOUNDS && result >= 0; k++) {
        fit->of[k].x = calloc(CASES_MAX, sizeof(*fit->of[k].x));
        fit->of[k].y = calloc(CASES_MAX, sizeof(float));
        fit->of[k].record = calloc(CASES_MAX, sizeof(uint32_t));
        if (!fit->of[k].x || !fit->of[k].y || !fit->of[k].record)
            result = -ENOMEM;
    }
    for (size_t i = 0; i < n && result >= 0; i++) {
        if (xw_bench_load(paths[i], rec) < 0 || xw_bench_fold(rec->number) == without)
            continue;
        for (unsigned l = 0; l < rec->input.channels_n; l++)
            fit->waves_n[l] = xw_bench_waves(
                paths[i], xw_ecg_lead_name(rec->input.channels[l].lead), fit->waves[l]);
        fit->number = (uint32_t)rec->number;
        engine->on_features = take;
        engine->user = fit;
        if (xw_ecg12_read(engine, &rec->input, r) < 0)
            fprintf(stderr, "record %d: not read\n", rec->number);
    }
    for (int k = 0; k < XW12_BOUNDS && result >= 0; k++) {
        result = xw_bench_boost(&fit->of[k], &trees[k]);
        fprintf(stderr, "boundary %d: %zu cases, rms %.1f ms\n", k, fit->of[k].n,
                2 * rms(&trees[k], &fit->of[k]));
    }
    for (int k = 0; k < XW12_BOUNDS && fit; k++) {
        free(fit->of[k].x);
        free(fit->of[k].y);
        free(fit->of[k].record);
    }
    xw_ecg12_free(engine);
    free(fit);
    free(r);
    free(rec);
    xw_bench_list_free(paths, n);
    return result;
}

int xw_bench_fit(const char *data, const char *out)
{
    static struct xw12_bound_trees trees[XW12_BOUNDS];
    int result = xw_bench_learn(data, -1, trees);
    return result < 0 ? result : write_tables(trees, out);
}
