/* Exchanged electrodes, on PTB-XL: every recording as it is and with its cables exchanged by exact
 * algebra (for RA/RL with the potential of the right leg taken as that of the left).
 * Cross-validated by patient: five tables, each judging the patients that it was not made from; the
 * limits are set on the same scores, so that the false ones are what the limits were chosen for and
 * the sensitivities are what was found. */
#include "bench/delineation/bench.h"
#include "dsp/ecg12/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SWAPS = 5, FOLDS = 5, RECORDS_MAX = 4000, EPOCHS = 80, BATCH = 32, CHEST = 5 };
enum { NONE, RA_LA, RA_LL, LA_LL, RA_RL };

struct example {
    int patient;
    bool known[SWAPS]; /* inputs could be taken */
    float inputs[SWAPS][XW12_REVERSAL_INPUTS];
    float flat[SWAPS]; /* score of RA/RL */
    float logits[SWAPS][XW12_REVERSAL_CLASSES];
    float chest[CHEST + 1]; /* scores: V1/V2 … V5/V6 exchanged; last: as recorded */
};

static float *row(struct xw_bench_record *r, enum xw_ecg_lead lead)
{
    for (unsigned c = 0; c < r->input.channels_n; c++)
        if (r->input.channels[c].lead == lead)
            return r->uv[c];
    return NULL;
}

/* New limb leads from those recorded; false if I or II is missing. */
static bool exchange(struct xw_bench_record *r, int swap)
{
    float *i = row(r, XW_ECG_LEAD_I), *ii = row(r, XW_ECG_LEAD_II);
    if (!i || !ii)
        return false;
    for (unsigned k = 0; k < r->input.samples_n && swap; k++) {
        float a = i[k], b = ii[k], c = b - a;
        i[k] = swap == RA_LA ? -a : swap == LA_LL ? b : -c;
        ii[k] = swap == RA_LA ? c : swap == RA_LL ? -b : swap == LA_LL ? a : 0;
        for (int v = 0; v < 6 && swap == RA_RL; v++) {
            float *chest = row(r, (enum xw_ecg_lead)(XW_ECG_LEAD_V1 + v));
            if (chest)
                chest[k] -= b / 3;
        }
        float *iii = row(r, XW_ECG_LEAD_III), *avr = row(r, XW_ECG_LEAD_AVR),
              *avl = row(r, XW_ECG_LEAD_AVL), *avf = row(r, XW_ECG_LEAD_AVF);
        if (iii)
            iii[k] = ii[k] - i[k];
        if (avr)
            avr[k] = -0.5f * (i[k] + ii[k]);
        if (avl)
            avl[k] = i[k] - 0.5f * ii[k];
        if (avf)
            avf[k] = ii[k] - 0.5f * i[k];
    }
    return true;
}

static void exchange_chest(struct xw_bench_record *r, int pair)
{
    for (unsigned c = 0; c < r->input.channels_n; c++) {
        enum xw_ecg_lead *lead = &r->input.channels[c].lead;
        if ((int)*lead == XW_ECG_LEAD_V1 + pair)
            *lead = (enum xw_ecg_lead)(XW_ECG_LEAD_V2 + pair);
        else if ((int)*lead == XW_ECG_LEAD_V2 + pair)
            *lead = (enum xw_ecg_lead)(XW_ECG_LEAD_V1 + pair);
    }
}

/* ---- training ---- */

struct trainer {
    struct xw12_reversal_net net, gradient;
    float first[sizeof(struct xw12_reversal_net) / sizeof(float)];
    float second[sizeof(struct xw12_reversal_net) / sizeof(float)];
    uint64_t random;
};

static uint64_t next_random(struct trainer *t)
{
    t->random = t->random * 6364136223846793005u + 1442695040888963407u;
    return t->random >> 33;
}

static void learn_one(struct trainer *t, const float *x, int truth)
{
    float logits[XW12_REVERSAL_CLASSES], total = 0, top = -1e9f, h[XW12_REVERSAL_HIDDEN],
                                         d[XW12_REVERSAL_HIDDEN];
    xw12_reversal_run(&t->net, x, logits);
    for (int c = 0; c < XW12_REVERSAL_CLASSES; c++)
        top = logits[c] > top ? logits[c] : top;
    for (int c = 0; c < XW12_REVERSAL_CLASSES; c++)
        total += logits[c] = expf(logits[c] - top);
    for (int j = 0; j < XW12_REVERSAL_HIDDEN; j++) {
        h[j] = t->net.hidden_bias[j];
        for (int k = 0; k < XW12_REVERSAL_INPUTS; k++)
            h[j] += t->net.hidden[j][k] * x[k];
        d[j] = 1 + fabsf(h[j]);
    }
    for (int c = 0; c < XW12_REVERSAL_CLASSES; c++) {
        float slope = logits[c] / total - (c == truth);
        t->gradient.bias[c] += slope;
        for (int j = 0; j < XW12_REVERSAL_HIDDEN; j++) {
            t->gradient.out[c][j] += slope * h[j] / d[j];
            float back = slope * t->net.out[c][j] / (d[j] * d[j]);
            t->gradient.hidden_bias[j] += back;
            for (int k = 0; k < XW12_REVERSAL_INPUTS; k++)
                t->gradient.hidden[j][k] += back * x[k];
        }
    }
}

static void adam(struct trainer *t, int n, float rate, int count)
{
    float *w = (float *)&t->net, *g = (float *)&t->gradient;
    float c1 = 1 - powf(0.9f, (float)count), c2 = 1 - powf(0.999f, (float)count);
    for (size_t i = 0; i < sizeof(t->net) / sizeof(float); i++) {
        float value = g[i] / (float)n;
        t->first[i] = 0.9f * t->first[i] + 0.1f * value;
        t->second[i] = 0.999f * t->second[i] + 0.001f * value * value;
        w[i] -= rate * (t->first[i] / c1 / (sqrtf(t->second[i] / c2) + 1e-7f) + 0.03f * w[i]);
        g[i] = 0;
    }
}

/* fold -1: all. */
static void train(const struct example *at, size_t n, int fold, struct xw12_reversal_net *ret_net)
{
    struct trainer *t = calloc(1, sizeof(*t));
    unsigned *order = calloc(n * 4 + 1, sizeof(*order));
    if (!t || !order)
        abort();
    t->random = 11;
    for (int j = 0; j < XW12_REVERSAL_HIDDEN; j++) {
        for (int k = 0; k < XW12_REVERSAL_INPUTS; k++)
            t->net.hidden[j][k] = 0.5f * ((float)next_random(t) / 1073741824.0f - 1);
        for (int c = 0; c < XW12_REVERSAL_CLASSES; c++)
            t->net.out[c][j] = 0.5f * ((float)next_random(t) / 1073741824.0f - 1);
    }
    unsigned used = 0;
    for (unsigned i = 0; i < n; i++)
        for (unsigned c = 0; c < 4; c++)
            if (at[i].known[c] && (fold < 0 || at[i].patient % FOLDS != fold))
                order[used++] = 4 * i + c;
    int count = 0;
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        float rate = 0.005f * (1 + cosf((float)M_PI * (float)epoch / EPOCHS));
        for (unsigned i = used - 1; i > 0 && used; i--) {
            unsigned j = (unsigned)(next_random(t) % (i + 1)), swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
        for (unsigned i = 0, batch = 0; i < used; i++) {
            learn_one(t, at[order[i] / 4].inputs[order[i] % 4], (int)(order[i] % 4));
            if (++batch == BATCH || i + 1 == used) {
                adam(t, (int)batch, rate, ++count);
                batch = 0;
            }
        }
    }
    *ret_net = t->net;
    free(order);
    free(t);
}

/* ---- examples ---- */

/* Patients by record number, from labels.csv: ecg_id,patient_id,… */
static int patient_of(const char *folder, int number)
{
    static int ids[30000];
    static bool loaded;
    if (!loaded) {
        char path[1100], line[4096];
        snprintf(path, sizeof(path), "%s/labels.csv", folder);
        FILE *file = fopen(path, "r");
        while (file && fgets(line, sizeof(line), file)) {
            char *end;
            long id = strtol(line, &end, 10);
            if (*end == ',' && id > 0 && id < 30000)
                ids[id] = (int)strtod(end + 1, NULL);
        }
        if (file)
            fclose(file);
        loaded = true;
    }
    return number > 0 && number < 30000 && ids[number] ? ids[number] : number;
}

static void take(const char *path, const char *folder, struct xw_bench_record *rec,
                 struct xw_ecg12 *engine, struct xw_ecg12_result *r, struct example *e)
{
    for (int swap = 0; swap < SWAPS; swap++) {
        if (xw_bench_load(path, rec) < 0 || !exchange(rec, swap) ||
            xw_ecg12_read(engine, &rec->input, r) < 0 || r->verdict == XW_ECG12_UNACCEPTABLE)
            continue;
        e->known[swap] = xw12_reversal_inputs(engine, r, e->inputs[swap]);
        e->flat[swap] = r->exchange.limb_score[1];
        if (!swap)
            e->chest[CHEST] =
                isfinite(r->exchange.precordial_score) ? r->exchange.precordial_score : 0;
    }
    for (int pair = 0; pair < CHEST; pair++)
        if (xw_bench_load(path, rec) == 0) {
            exchange_chest(rec, pair);
            if (xw_ecg12_read(engine, &rec->input, r) == 0)
                e->chest[pair] =
                    isfinite(r->exchange.precordial_score) ? r->exchange.precordial_score : 0;
        }
    e->patient = patient_of(folder, rec->number);
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* The limit above which only `allowed` recordings as they are lie. */
static float limit_of(const struct example *at, size_t n, int kind, size_t allowed)
{
    float *scores = calloc(n + 1, sizeof(*scores));
    size_t used = 0;
    for (size_t i = 0; i < n && scores; i++)
        if (at[i].known[NONE])
            scores[used++] = at[i].logits[NONE][kind] - at[i].logits[NONE][0];
    if (!scores)
        abort();
    qsort(scores, used, sizeof(*scores), compare);
    float limit =
        used > allowed + 1 ? 0.5f * (scores[allowed] + scores[allowed - (allowed > 0)]) : 0;
    free(scores);
    return limit;
}

static bool flagged(const struct example *e, int swap, const float limit[3], int *ret_kind)
{
    float best = 0;
    *ret_kind = NONE;
    for (int k = 1; k <= 3 && e->known[swap]; k++) {
        float score = e->logits[swap][k] - e->logits[swap][0] - limit[k - 1];
        if (score > best) {
            best = score;
            *ret_kind = k;
        }
    }
    if (e->flat[swap] > 0)
        *ret_kind = RA_RL;
    return *ret_kind != NONE;
}

/* Neighbours of the chest row, at the limit in use and, for choosing it, where 0.5 % are false. */
static void report_chest(const struct example *at, size_t n)
{
    float *as_is = calloc(n + 1, sizeof(*as_is));
    if (!as_is)
        abort();
    for (size_t i = 0; i < n; i++)
        as_is[i] = at[i].chest[CHEST];
    qsort(as_is, n, sizeof(*as_is), compare);
    double limits[2] = {(double)XW12_CHEST_LIMIT, n ? (double)as_is[n / 200] : 0};
    for (int k = 0; k < 2; k++) {
        double found = 0, wrong = 0;
        for (size_t i = 0; i < n; i++) {
            wrong += (double)at[i].chest[CHEST] > limits[k];
            for (int pair = 0; pair < CHEST; pair++)
                found += ((double)at[i].chest[pair] > limits[k]) / (double)CHEST;
        }
        xw_bench_print(k ? "reversal_chest_se_at_half_percent" : "reversal_chest_se",
                       100 * found / (double)n, "%");
        xw_bench_print(k ? "reversal_chest_limit_at_half_percent" : "reversal_chest_fp",
                       k ? limits[k] : 100 * wrong / (double)n, k ? "" : "%");
    }
    free(as_is);
}

static void report(const struct example *at, size_t n, const float limit[3])
{
    static const char *const NAME[SWAPS] = {"fp", "ra_la_se", "ra_ll_se", "la_ll_se", "ra_rl_se"};
    double required = 0;
    for (int swap = 0; swap < SWAPS; swap++) {
        double found = 0, right = 0;
        for (size_t i = 0; i < n; i++) {
            int kind;
            bool any = flagged(&at[i], swap, limit, &kind);
            found += any;
            right += kind == swap;
        }
        char name[64];
        snprintf(name, sizeof(name), "reversal_%s", NAME[swap]);
        xw_bench_print(name, 100 * found / (double)n, "%");
        if (swap) {
            snprintf(name, sizeof(name), "reversal_%s_named", NAME[swap]);
            xw_bench_print(name, 100 * right / (double)n, "%");
        }
        if (swap && swap != LA_LL)
            required += found / (double)n / 3;
    }
    xw_bench_print("reversal_se", 100 * required, "%");
    report_chest(at, n);
    xw_bench_print("reversal_records", (double)n, "records");
}

static void write_row(FILE *file, const float *values, int n)
{
    fprintf(file, "{");
    for (int k = 0; k < n; k++)
        fprintf(file, "%s%.4ff", k ? ", " : "", (double)values[k]);
    fprintf(file, "}");
}

static int write_table(const struct xw12_reversal_net *net, const float limit[3], const char *out)
{
    FILE *file = fopen(out, "w");
    if (!file)
        return -errno;
    fprintf(file, "/* Exchanged limb electrodes: weights, and limits of the scores.\n * Made by "
                  "bench_delineation --fit-reversal; see "
                  "README. */\n#include \"dsp/ecg12/internal.h\"\n\n/* clang-format off */\n"
                  "const float xw12_reversal_limit[3] = ");
    write_row(file, limit, 3);
    fprintf(file, ";\nconst struct xw12_reversal_net xw12_reversal_table = {\n    ");
    write_row(file, net->hidden_bias, XW12_REVERSAL_HIDDEN);
    fprintf(file, ",\n    {");
    for (int j = 0; j < XW12_REVERSAL_HIDDEN; j++) {
        write_row(file, net->hidden[j], XW12_REVERSAL_INPUTS);
        fprintf(file, j + 1 < XW12_REVERSAL_HIDDEN ? ",\n     " : "},\n    ");
    }
    write_row(file, net->bias, XW12_REVERSAL_CLASSES);
    fprintf(file, ",\n    {");
    for (int c = 0; c < XW12_REVERSAL_CLASSES; c++) {
        write_row(file, net->out[c], XW12_REVERSAL_HIDDEN);
        fprintf(file, c + 1 < XW12_REVERSAL_CLASSES ? ",\n     " : "}};\n/* clang-format on */\n");
    }
    return fclose(file) ? -EIO : 0;
}

static void judge(struct example *at, size_t n, int fold, const struct xw12_reversal_net *net)
{
    for (size_t i = 0; i < n; i++)
        for (int swap = 0; swap < SWAPS && at[i].patient % FOLDS == fold; swap++)
            if (at[i].known[swap])
                xw12_reversal_run(net, at[i].inputs[swap], at[i].logits[swap]);
}

int xw_bench_reversal(const char *data, const char *out)
{
    char folder[1024];
    snprintf(folder, sizeof(folder), "%s/ptbxl", data);
    char **paths;
    size_t n;
    int result = xw_bench_list(folder, &paths, &n);
    if (result < 0)
        return result;
    struct xw_bench_record *rec = calloc(1, sizeof(*rec));
    struct xw_ecg12_result *r = calloc(1, sizeof(*r));
    struct example *at = calloc(n + 1, sizeof(*at));
    struct xw_ecg12 *engine = NULL;
    result = rec && r && at ? xw_ecg12_new(&engine) : -ENOMEM;
    size_t used = 0;
    for (size_t i = 0; i < n && result >= 0; i++)
        take(paths[i], folder, rec, engine, r, &at[used++]);
    if (result >= 0) {
        struct xw12_reversal_net net;
        for (int fold = 0; fold < FOLDS; fold++) {
            train(at, used, fold, &net);
            judge(at, used, fold, &net);
        }
        float limit[3] = {limit_of(at, used, 1, used * 5 / 1000),
                          limit_of(at, used, 2, used * 5 / 1000),
                          limit_of(at, used, 3, used * 5 / 1000)};
        report(at, used, limit);
        if (out) {
            train(at, used, -1, &net);
            result = write_table(&net, limit, out);
        }
    }
    xw_ecg12_free(engine);
    free(at);
    free(r);
    free(rec);
    xw_bench_list_free(paths, n);
    return result;
}

int xw_bench_cost(const char *data)
{
    char path[1100];
    char **paths;
    size_t n;
    snprintf(path, sizeof(path), "%s/ptbxl", data);
    int result = xw_bench_list(path, &paths, &n);
    if (result < 0)
        return result;
    struct xw_bench_record *rec = calloc(1, sizeof(*rec));
    struct xw_ecg12_result *r = calloc(1, sizeof(*r));
    struct xw_ecg12 *engine = NULL;
    result = rec && r ? xw_ecg12_new(&engine) : -ENOMEM;
    double total = 0, longest = 0;
    size_t used = 0;
    for (size_t i = 0; i < n && i < 200 && result >= 0; i++) {
        if (xw_bench_load(paths[i], rec) < 0)
            continue;
        struct timespec a, z;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
        int done = xw_ecg12_read(engine, &rec->input, r);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &z);
        double ms = (double)(z.tv_sec - a.tv_sec) * 1e3 + (double)(z.tv_nsec - a.tv_nsec) * 1e-6;
        total += done < 0 ? 0 : ms;
        longest = ms > longest ? ms : longest;
        used += done >= 0;
    }
    if (used) {
        xw_bench_print("interpret_ms", total / (double)used, "ms");
        xw_bench_print("interpret_max_ms", longest, "ms");
    }
    xw_ecg12_free(engine);
    free(r);
    free(rec);
    xw_bench_list_free(paths, n);
    return result;
}
