/* What the statements are worth on the records of PTB-XL in XW_DATA: F1 of classes, "suspected
 * STEMI" on records of injury, "normal" on those that cardiologists called so, and the cost of a
 * reading.
 * --verbose prints every record that differs. Exit 77 without the data.
 * The thresholds are those of the standards but for a few that dsp/interpret/README.md names; these
 * were chosen on folds 1 to 4, and the figures of the classes are of the others, whose patients are
 * others. */
#include "bench/delineation/bench.h"
#include "bench/interpretation/interval.h"
#include "bench/interpretation/labels.h"
#include "dsp/interpret/interpret.h"
#include "reading/rhythm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Folds 1 to 4 were looked at while the rules were written; 5 to 10 were only counted. */
enum { SEEN_FOLDS = 4 };
struct count {
    unsigned tp, fp, fn, tn;
};
struct kind {
    const char *metric;
    const char *codes[4];
    double likelihood;
    const char *names[6];
};

static const struct kind kinds[] = {
    {"ptbxl_af_f1", {"AFIB"}, 0, {"atrial_fibrillation", "af_rapid", "af_slow"}},
    {"ptbxl_lbbb_f1", {"CLBBB"}, 0, {"lbbb"}},
    {"ptbxl_rbbb_f1", {"CRBBB"}, 0, {"rbbb", "bifascicular_ra", "bifascicular_rp"}},
    {"ptbxl_pace_f1", {"PACE"}, 0, {"paced_ventricular", "paced_atrial"}},
    {"ptbxl_avb1_f1", {"1AVB", "LPR"}, 0, {"av_block_1"}},
    {"ptbxl_avb1_diagnosed_f1", {"1AVB"}, 0, {"av_block_1"}},
    {"ptbxl_irbbb_f1", {"IRBBB"}, 0, {"incomplete_rbbb"}},
    {"ptbxl_lafb_f1", {"LAFB"}, 0, {"lafb", "bifascicular_ra"}},
    {"ptbxl_lvh_f1", {"LVH", "VCLVH", "HVOLT"}, 0, {"lvh", "lv_voltage"}},
    {"ptbxl_pvc_f1", {"PVC"}, 0, {"vpc", "vpc_frequent"}},
    {"ptbxl_imi_f1", {"IMI", "ILMI", "IPLMI", "IPMI"}, 0, {"q_inferior", "stemi_inferior"}},
    {"ptbxl_ami_f1", {"AMI", "ASMI", "ALMI"}, 0, {"q_anterior", "stemi_anterior"}},
    {"ptbxl_lngqt_f1", {"LNGQT"}, 0, {"long_qt", "qtc_extreme"}},
    {"ptbxl_wpw_f1", {"WPW"}, 0, {"preexcitation"}},
    {"ptbxl_norm_f1", {"NORM"}, 80, {"normal", "otherwise_normal"}},
};
enum { KINDS_N = sizeof(kinds) / sizeof(*kinds) };
struct counts {
    struct count all, unseen;
};
static struct counts counts[KINDS_N], stemi_counts;
/* Answers on the folds that were not looked at, for the intervals. */
enum { ANSWERS_MAX = 30000 };
static struct answer answers[KINDS_N][ANSWERS_MAX];
static size_t answers_n;

static const struct kind stemi = {"ptbxl_stemi",
                                  {"INJAS", "INJAL", "INJIN", "INJLA"},
                                  0,
                                  {"stemi_anterior", "stemi_inferior", "stemi_lateral",
                                   "stemi_posterior", "stemi_rv", "sgarbossa"}};
/* Of records that cardiologists called normal: how many alarm somebody. */
static unsigned normals, normals_abnormal, normals_critical;

static bool said(const struct xw_interpretation *r, const char *const *names)
{
    for (unsigned i = 0; i < r->n; i++) {
        for (int k = 0; k < 6 && names[k]; k++) {
            if (!strcmp(r->said[i].entry->name, names[k]))
                return true;
        }
    }
    return false;
}

static bool is_true(const struct kind *c, const struct label *l)
{
    bool truth = false;
    for (int k = 0; k < 4 && c->codes[k]; k++)
        truth = truth || label_has(l, c->codes[k], c->likelihood);
    return truth;
}

static void keep(const struct label *l, const struct xw_interpretation *r)
{
    if (l->fold <= SEEN_FOLDS || answers_n == ANSWERS_MAX)
        return;
    for (unsigned k = 0; k < KINDS_N; k++)
        answers[k][answers_n] = (struct answer){
            .patient = l->patient,
            .truth = is_true(&kinds[k], l),
            .said = said(r, kinds[k].names),
        };
    answers_n++;
}

static void note(const struct kind *c, struct counts *to, const struct label *l,
                 const struct xw_interpretation *r, bool verbose)
{
    bool truth = is_true(c, l);
    bool here = said(r, c->names);
    struct count *both[] = {&to->all, &to->unseen};
    for (int i = 0; i < (l->fold > SEEN_FOLDS ? 2 : 1); i++) {
        both[i]->tp += truth && here;
        both[i]->fp += !truth && here;
        both[i]->fn += truth && !here;
        both[i]->tn += !truth && !here;
    }
    if (verbose && truth != here && l->fold <= SEEN_FOLDS)
        fprintf(stderr, "%s %s %d %s\n", c->metric, truth ? "missed" : "false", l->number,
                l->codes);
}

static double f1(const struct count *c)
{
    unsigned n = 2 * c->tp + c->fp + c->fn;
    return n ? 2.0 * c->tp / n : 0;
}

static void count_normal(const struct label *l, const struct xw_interpretation *r, bool verbose)
{
    if (!label_has(l, "NORM", 80))
        return;
    normals++;
    normals_abnormal += r->grade >= XW_INTERPRET_ABNORMAL;
    normals_critical += r->grade == XW_INTERPRET_CRITICAL;
    for (unsigned i = 0; verbose && l->fold <= SEEN_FOLDS && i < r->n &&
                         r->said[i].entry->grade >= XW_INTERPRET_ABNORMAL;
         i++)
        fprintf(stderr, "normal %d: %s by %s\n", l->number, r->said[i].entry->name,
                r->said[i].rules[0]);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void print_all(double spent_s, unsigned n)
{
    for (unsigned k = 0; k < KINDS_N; k++) {
        const struct count *c = &counts[k].all, *u = &counts[k].unseen;
        xw_bench_print(kinds[k].metric, f1(u), "1");
        double low = NAN, high = NAN;
        interval_f1(answers[k], answers_n, &low, &high);
        fprintf(
            stderr,
            "%s: unseen folds %.3f (95 %% by patient %.3f-%.3f; %u right, %u false, %u missed), "
            "all %.3f (%u, %u, %u)\n",
            kinds[k].metric, f1(u), low, high, u->tp, u->fp, u->fn, f1(c), c->tp, c->fp, c->fn);
    }
    const struct count *c = &stemi_counts.all;
    fprintf(stderr, "%s: %u right, %u false, %u missed\n", stemi.metric, c->tp, c->fp, c->fn);
    xw_bench_print("ptbxl_stemi_se", c->tp / fmax(1, c->tp + c->fn), "1");
    xw_bench_print("ptbxl_stemi_sp", c->tn / fmax(1, c->tn + c->fp), "1");
    xw_bench_print("ptbxl_normal_called_abnormal", normals_abnormal / fmax(1, normals), "1");
    xw_bench_print("ptbxl_normal_called_critical", normals_critical / fmax(1, normals), "1");
    xw_bench_print("interpret_ms", 1e3 * spent_s / fmax(1, n), "ms");
}

static int run(const char *folder, const struct label *labels, size_t labels_n,
               const struct xw_interpret_tables *tables, bool verbose)
{
    char **paths = NULL;
    size_t n = 0;
    struct xw_ecg12 *engine = NULL;
    static struct xw_bench_record record;
    static struct xw_ecg12_result result;
    static struct xw_interpretation said_of;
    int error = xw_bench_list(folder, &paths, &n);
    if (error < 0 || (error = xw_ecg12_new(&engine)) < 0)
        return error;
    double spent_s = 0;
    unsigned read_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (xw_bench_load(paths[i], &record) < 0)
            continue;
        const struct label *l = labels_find(labels, labels_n, record.number);
        if (!l)
            continue;
        record.input.age_years = l->age_years;
        record.input.sex = l->sex;
        double begin = seconds();
        if (xw_ecg12_read(engine, &record.input, &result) < 0)
            continue;
        struct xw_reading_rhythm rhythm = {.bits = 0};
        if (!getenv("XW_WITHOUT_RHYTHM") && xw_reading_rhythm_find(&record.input, &rhythm) < 0)
            continue;
        struct xw_interpret_input input = {&result, l->age_years, l->sex, rhythm.bits};
        xw_interpret_make(tables, &input, &said_of);
        spent_s += seconds() - begin;
        read_n++;
        for (unsigned k = 0; k < KINDS_N; k++)
            note(&kinds[k], &counts[k], l, &said_of, verbose);
        keep(l, &said_of);
        note(&stemi, &stemi_counts, l, &said_of, verbose);
        count_normal(l, &said_of, verbose);
    }
    print_all(spent_s, read_n);
    xw_ecg12_free(engine);
    xw_bench_list_free(paths, n);
    return 0;
}

int main(int argc, char **argv)
{
    const char *data = getenv("XW_DATA");
    char path[1024];
    struct label *labels = NULL;
    size_t labels_n = 0;
    snprintf(path, sizeof(path), "%s/ptbxl/labels.csv", data ? data : "");
    if (!data || labels_load(path, &labels, &labels_n) < 0) {
        fprintf(stderr, "interpretation: XW_DATA names no folder with ptbxl\n");
        return 77;
    }
    struct xw_interpret_texts texts;
    struct xw_interpret_tables *tables = NULL;
    struct xw_interpret_error error = {0};
    xw_interpret_builtin(&texts);
    int result = xw_interpret_parse(&texts, &tables, &error);
    if (result < 0) {
        fprintf(stderr, "%s, line %u: %s\n", error.table, error.line, error.text);
    } else {
        snprintf(path, sizeof(path), "%s/ptbxl", data);
        result = run(path, labels, labels_n, tables, argc > 1 && !strcmp(argv[1], "--verbose"));
    }
    xw_interpret_free(tables);
    free(labels);
    return result < 0;
}
