/* Comparison with a previous recording, on PTB-XL. Few of its patients here have two recordings, so
 * each recording is made into two of the same heart: its first and its second five seconds, each
 * repeated to ten with the joints between the beats. How often an unchanged figure is called
 * changed, what the repeated measurement spreads by, and exchanged electrodes: the second five
 * seconds with other electrode places (axis turned by 12 degrees, chest electrodes 20 % towards a
 * neighbour, heights off by 10 %; each one standard deviation, fixed seed), as they are and with
 * cables exchanged by exact algebra. Limits were chosen on folds 1 to 4 (by patient); what is
 * printed is of the others. The real pairs are counted beside. */
#include "bench/delineation/bench.h"
#include "dsp/ecg12/compare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEN_FOLDS = 4, LIMB = 3, CHEST = 5, IDS_MAX = 30000 };
enum { AS_IS, RA_LA, RA_LL, LA_LL, FIRST_CHEST };
enum { FIGURES = XW_ECG12_WHOLE_N + XW_ECG12_HEIGHT_N };

struct half {
    float uv[XW_ECG12_LEADS_MAX][XW_BENCH_ROWS_MAX];
    struct xw_ecg12_input input;
};

struct bench {
    struct xw_bench_record rec, other;
    struct half half[2];
    struct xw_ecg12 *engine;
    struct xw_ecg12_result result;
    struct xw_ecg12_comparer *comparer;
    int patient[IDS_MAX], fold[IDS_MAX];
    uint64_t random;
    double squares[FIGURES], n[FIGURES], beyond[FIGURES];
    double compared, found[FIRST_CHEST + CHEST], named[FIRST_CHEST + CHEST], judged;
    double chest_false;
    FILE *gains; /* for choosing limits: fold, what was exchanged, gains */
};

static const struct xw_ecg12_band WIDE[2] = {{0.05f, 150}, {0.05f, 150}};

static double uniform(struct bench *b)
{
    b->random = b->random * 6364136223846793005u + 1442695040888963407u;
    return (double)(b->random >> 33) / 2147483648.0;
}

/* Twelve uniform ones: normal enough. */
static double normal(struct bench *b)
{
    double sum = -6;
    for (int k = 0; k < 12; k++)
        sum += uniform(b);
    return sum;
}

static void load_labels(struct bench *b, const char *folder)
{
    char path[1100], line[8192];
    snprintf(path, sizeof(path), "%s/labels.csv", folder);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        char *end;
        long id = strtol(line, &end, 10);
        if (*end != ',' || id <= 0 || id >= IDS_MAX)
            continue;
        b->patient[id] = (int)strtod(end + 1, NULL);
        b->fold[id] = b->patient[id] % 10 + 1;
    }
    if (file)
        fclose(file);
}

/* Rows from..to again and again, each time from where the last one ended. */
static void repeat(const struct xw_bench_record *r, int from, int to, struct half *h)
{
    h->input = r->input;
    for (unsigned c = 0; c < r->input.channels_n; c++) {
        float offset = 0, last = r->uv[c][from];
        for (unsigned i = 0; i < r->input.samples_n; i++) {
            int k = from + (int)i % (to - from);
            if (k == from)
                offset = last - r->uv[c][from];
            last = h->uv[c][i] = r->uv[c][k] + offset;
        }
        h->input.channels[c].uv = h->uv[c];
    }
}

/* Between two beats, at three fifths of the way. */
static int joint(const struct xw_ecg12_result *r, unsigned beat, double rate_hz)
{
    double ms = 0.35 * (double)r->beats[beat].time_ms + 0.65 * (double)r->beats[beat + 1].time_ms;
    return (int)(ms * rate_hz / 1000);
}

static bool split(struct bench *b)
{
    const struct xw_ecg12_result *r = &b->result;
    if (xw_ecg12_read(b->engine, &b->rec.input, &b->result) < 0 ||
        r->verdict == XW_ECG12_UNACCEPTABLE || r->beats_n < 8)
        return false;
    double hz = b->rec.input.rate_hz;
    unsigned middle = r->beats_n / 2 - 1;
    int a = joint(r, 0, hz), m = joint(r, middle, hz), z = joint(r, r->beats_n - 2, hz);
    repeat(&b->rec, a, m, &b->half[0]);
    repeat(&b->rec, m, z, &b->half[1]);
    return true;
}

static float *row(struct half *h, enum xw_ecg_lead lead)
{
    for (unsigned c = 0; c < h->input.channels_n; c++)
        if (h->input.channels[c].lead == lead)
            return h->uv[c];
    return NULL;
}

/* Limb leads of I and II. */
static void limbs_of(struct half *h, unsigned k, float i, float ii)
{
    const float value[6] = {i, ii, ii - i, -0.5f * (i + ii), i - 0.5f * ii, ii - 0.5f * i};
    for (int l = 0; l < 6; l++) {
        float *x = row(h, (enum xw_ecg_lead)(XW_ECG_LEAD_I + l));
        if (x)
            x[k] = value[l];
    }
}

/* Another day's electrodes. */
static void place_again(struct bench *b, struct half *h)
{
    float turn = (float)(normal(b) * 12 * M_PI / 180), size = (float)(1 + 0.1 * normal(b));
    float chest[6], *v[6], *i = row(h, XW_ECG_LEAD_I), *ii = row(h, XW_ECG_LEAD_II);
    float towards[6], scale[6];
    for (int k = 0; k < 6; k++) {
        v[k] = row(h, (enum xw_ecg_lead)(XW_ECG_LEAD_V1 + k));
        towards[k] = (float)(0.2 * normal(b));
        scale[k] = (float)(1 + 0.1 * normal(b));
    }
    for (unsigned n = 0; n < h->input.samples_n; n++) {
        for (int k = 0; k < 6; k++)
            chest[k] = v[k] ? v[k][n] : 0;
        for (int k = 0; k < 6; k++) {
            int to = towards[k] > 0 ? (k < 5 ? k + 1 : k) : (k > 0 ? k - 1 : k);
            float w = fminf(fabsf(towards[k]), 0.5f);
            if (v[k])
                v[k][n] = scale[k] * ((1 - w) * chest[k] + w * chest[to]);
        }
        if (!i || !ii)
            continue;
        float x = i[n], y = (ii[n] - 0.5f * i[n]) * 1.1547f;
        float x2 = size * (cosf(turn) * x - sinf(turn) * y),
              y2 = size * (sinf(turn) * x + cosf(turn) * y);
        limbs_of(h, n, x2, y2 / 1.1547f + 0.5f * x2);
    }
}

static void exchange(struct half *h, int kind)
{
    float *i = row(h, XW_ECG_LEAD_I), *ii = row(h, XW_ECG_LEAD_II);
    for (unsigned n = 0; n < h->input.samples_n && i && ii && kind && kind < FIRST_CHEST; n++) {
        float a = i[n], b = ii[n], c = b - a;
        limbs_of(h, n,
                 kind == RA_LA   ? -a
                 : kind == RA_LL ? -c
                                 : b,
                 kind == RA_LA   ? c
                 : kind == RA_LL ? -b
                                 : a);
    }
    if (kind < FIRST_CHEST)
        return;
    float *x = row(h, (enum xw_ecg_lead)(XW_ECG_LEAD_V1 + kind - FIRST_CHEST)),
          *y = row(h, (enum xw_ecg_lead)(XW_ECG_LEAD_V2 + kind - FIRST_CHEST));
    for (unsigned n = 0; x && y && n < h->input.samples_n; n++) {
        float was = x[n];
        x[n] = y[n];
        y[n] = was;
    }
}

static void count(struct bench *b, int figure, const struct xw_ecg12_change *x)
{
    if (!isfinite(x->by))
        return;
    b->n[figure] += 1;
    b->squares[figure] += (double)x->by * (double)x->by;
    b->beyond[figure] += x->beyond;
}

static void unchanged(struct bench *b)
{
    struct xw_ecg12_comparison c;
    if (xw_ecg12_compare(b->comparer, &b->half[0].input, &b->half[1].input, WIDE, &c) < 0 ||
        c.why_not)
        return;
    for (int k = 0; k < XW_ECG12_WHOLE_N; k++)
        count(b, k, &c.whole[k]);
    for (unsigned l = 0; l < c.leads_n; l++)
        for (int k = 0; k < XW_ECG12_HEIGHT_N; k++)
            count(b, XW_ECG12_WHOLE_N + k, &c.leads[l].height[k]);
}

static void exchanges(struct bench *b, const struct half *placed, bool seen)
{
    static const char *const KIND[FIRST_CHEST + CHEST] = {
        "", "RA/LA", "RA/LL", "LA/LL", "V1/V2", "V2/V3", "V3/V4", "V4/V5", "V5/V6"};
    bool judged = false;
    for (int kind = 0; kind < FIRST_CHEST + CHEST; kind++) {
        struct half *h = &b->half[1];
        struct xw_ecg12_comparison c;
        *h = *placed;
        for (unsigned k = 0; k < h->input.channels_n; k++)
            h->input.channels[k].uv = h->uv[k];
        exchange(h, kind);
        if (xw_ecg12_compare(b->comparer, &b->half[0].input, &h->input, WIDE, &c) < 0 || c.why_not)
            continue;
        if (b->gains)
            fprintf(b->gains, "%d %d %d %.3f %s %.3f %s\n", b->rec.number, seen, kind,
                    (double)c.limb_gain, c.limb_kind ? c.limb_kind : "-", (double)c.precordial_gain,
                    c.precordial_kind ? c.precordial_kind : "-");
        if (seen)
            continue;
        judged = judged || kind == AS_IS;
        bool limb = kind < FIRST_CHEST;
        const char *said = limb ? c.limb_kind : c.precordial_kind;
        b->found[kind] += said != NULL;
        b->named[kind] += said && strcmp(said, KIND[kind]) == 0;
        b->chest_false += kind == AS_IS && c.precordial_kind;
    }
    b->judged += judged;
}

static void report(const struct bench *b)
{
    static const char *const KIND[FIRST_CHEST] = {"fp", "ra_la_se", "ra_ll_se", "la_ll_se"};
    char name[80];
    for (int k = 0; k < FIGURES; k++) {
        const char *figure =
            k < XW_ECG12_WHOLE_N
                ? xw_ecg12_whole_name((enum xw_ecg12_whole)k)
                : xw_ecg12_height_name((enum xw_ecg12_height)(k - XW_ECG12_WHOLE_N));
        snprintf(name, sizeof(name), "compare_unchanged_beyond_%s", figure);
        xw_bench_print(name, 100 * b->beyond[k] / b->n[k], "%");
        snprintf(name, sizeof(name), "compare_unchanged_sd_%s", figure);
        xw_bench_print(name, sqrt(b->squares[k] / b->n[k]), "");
    }
    for (int k = 0; k < FIRST_CHEST; k++) {
        snprintf(name, sizeof(name), "reversal_previous_%s", KIND[k]);
        xw_bench_print(name, 100 * b->found[k] / b->judged, "%");
    }
    double chest = 0;
    for (int k = 0; k < CHEST; k++)
        chest += b->named[FIRST_CHEST + k] / CHEST;
    xw_bench_print("reversal_previous_chest_se", 100 * chest / b->judged, "%");
    xw_bench_print("reversal_previous_chest_fp", 100 * b->chest_false / b->judged, "%");
    xw_bench_print("reversal_previous_records", b->judged, "records");
}

/* Recordings of one patient, taken on different days: how many were called exchanged. */
static void real_pairs(struct bench *b, char *const *paths, size_t n)
{
    unsigned pairs = 0, limb = 0, chest = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) {
            int one = (int)strtol(strrchr(paths[i], '/') + 1, NULL, 10),
                two = (int)strtol(strrchr(paths[j], '/') + 1, NULL, 10);
            struct xw_ecg12_comparison c;
            if (one >= IDS_MAX || two >= IDS_MAX || !b->patient[one] ||
                b->patient[one] != b->patient[two] || xw_bench_load(paths[i], &b->rec) < 0 ||
                xw_bench_load(paths[j], &b->other) < 0 ||
                xw_ecg12_compare(b->comparer, &b->rec.input, &b->other.input, WIDE, &c) < 0 ||
                c.why_not)
                continue;
            pairs++;
            limb += c.limb_kind != NULL;
            chest += c.precordial_kind != NULL;
            if (b->gains)
                fprintf(b->gains, "pair %d %d likeness %.3f gains %.3f %.3f\n", one, two,
                        (double)c.likeness, (double)c.limb_gain, (double)c.precordial_gain);
        }
    xw_bench_print("reversal_previous_pairs", pairs, "pairs");
    xw_bench_print("reversal_previous_pairs_limb_called", limb, "pairs");
    xw_bench_print("reversal_previous_pairs_chest_called", chest, "pairs");
}

int xw_bench_compare(const char *data, bool verbose)
{
    char folder[1024];
    snprintf(folder, sizeof(folder), "%s/ptbxl", data);
    char **paths;
    size_t n;
    int result = xw_bench_list(folder, &paths, &n);
    if (result < 0)
        return result;
    struct bench *b = calloc(1, sizeof(*b));
    struct half *placed = calloc(1, sizeof(*placed));
    result = b && placed ? xw_ecg12_new(&b->engine) : -ENOMEM;
    if (result >= 0)
        result = xw_ecg12_comparer_new(&b->comparer);
    if (result >= 0) {
        b->gains = verbose ? stderr : NULL;
        load_labels(b, folder);
    }
    for (size_t i = 0; i < n && result >= 0; i++) {
        b->random = i + 1;
        if (xw_bench_load(paths[i], &b->rec) < 0 || !split(b))
            continue;
        bool seen = b->rec.number < IDS_MAX && b->fold[b->rec.number] <= SEEN_FOLDS;
        if (!seen)
            unchanged(b);
        place_again(b, &b->half[1]);
        *placed = b->half[1];
        exchanges(b, placed, seen);
    }
    if (result >= 0) {
        report(b);
        real_pairs(b, paths, n);
    }
    if (b) {
        xw_ecg12_comparer_free(b->comparer);
        xw_ecg12_free(b->engine);
    }
    free(placed);
    free(b);
    xw_bench_list_free(paths, n);
    return result;
}
