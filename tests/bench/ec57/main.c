/* xw-ec57: scores annotation files of a detector against reference annotations. See --help. */
#include "bench/ec57/delays.h"
#include "bench/ec57/ec57.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "usage: xw-ec57 REFDIR TESTDIR SUFFIX [options]\n"
    "Compares TESTDIR/RECORD.SUFFIX with REFDIR/RECORD.atr, beat by beat, after EC57.\n\n"
    "  --start SECONDS      from here on (default 0)\n"
    "  --records A,B,…      these only (default: all in REFDIR)\n"
    "  --ref SUFFIX         suffix of the reference (default atr)\n"
    "  --without-paced      leaves out 102, 104, 107 and 217 of MIT-BIH\n"
    "  --ej-n               e and j count as N (de Chazal), not as S\n"
    "  --inside             only between the first and the last beat of the reference\n"
    "  --per-record         a line for each record\n"
    "  --episodes LIST      scores rhythm episodes instead, e.g. \"(AFIB\" or \"[,(VFL,(VT\"\n"
    "  --left-out LIST      rhythms of the reference that do not count for --episodes\n"
    "  --json               one line of JSON instead of words\n";

struct options {
    const char *ref_dir, *test_dir, *suffix, *records, *ref, *episodes, *left_out;
    struct xw_ec57_options score;
    bool without_paced, per_record, json, inside;
};

struct sums {
    unsigned records_n;
    struct xw_ec57_counts counts;
    struct xw_ec57_episodes episodes;
    struct xw_delays delays;
};

enum {
    OPT_START = 256,
    OPT_RECORDS,
    OPT_REF,
    OPT_PACED,
    OPT_EJN,
    OPT_EACH,
    OPT_EPISODES,
    OPT_OUT,
    OPT_JSON,
    OPT_INSIDE
};

static const struct option LONG[] = {
    {"start", required_argument, NULL, OPT_START},
    {"records", required_argument, NULL, OPT_RECORDS},
    {"ref", required_argument, NULL, OPT_REF},
    {"without-paced", no_argument, NULL, OPT_PACED},
    {"ej-n", no_argument, NULL, OPT_EJN},
    {"per-record", no_argument, NULL, OPT_EACH},
    {"episodes", required_argument, NULL, OPT_EPISODES},
    {"left-out", required_argument, NULL, OPT_OUT},
    {"json", no_argument, NULL, OPT_JSON},
    {"inside", no_argument, NULL, OPT_INSIDE},
    {NULL, 0, NULL, 0},
};

static bool listed(const char *list, const char *name)
{
    size_t name_n = strlen(name);
    for (; list && *list; list += strcspn(list, ","), list += *list == ',')
        if (strcspn(list, ",") == name_n && strncmp(list, name, name_n) == 0)
            return true;
    return false;
}

static void print_beats(const char *name, const struct xw_ec57_counts *c)
{
    struct xw_ec57_rate q = xw_ec57_qrs(c), v = xw_ec57_kind(c, XW_EC57_V),
                        s = xw_ec57_kind(c, XW_EC57_S);
    printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 " V %.2f/%.2f S %.2f/%.2f\n", name, q.true_n,
           q.missed_n, q.false_n, v.se, v.ppv, s.se, s.ppv);
}

/* Strips whose first and last beats are not annotated: what lies outside does not count. */
static void cut(const struct xw_ec57_beats *ref, const struct xw_ec57_options *o,
                struct xw_ec57_beats *test)
{
    int64_t window = (int64_t)(o->window_s * o->rate_hz + 0.5);
    size_t n = 0;
    for (size_t i = 0; i < test->n && ref->n; i++)
        if (test->one[i].at >= ref->one[0].at - window &&
            test->one[i].at <= ref->one[ref->n - 1].at + window)
            test->one[n++] = test->one[i];
    test->n = n;
}

static int score_beats(const struct xw_wfdb_annotations *ref,
                       const struct xw_wfdb_annotations *test, const char *name,
                       const struct options *o, struct sums *sums)
{
    struct xw_ec57_beats a = {0}, b = {0};
    struct xw_ec57_counts counts = {0};
    int result = xw_ec57_beats_of(ref, ref, &o->score, &a);
    if (result == 0)
        result = xw_ec57_beats_of(test, ref, &o->score, &b);
    if (result == 0)
        xw_ec57_mark_late(&b, sums->delays.late_at, sums->delays.late_n);
    if (result == 0 && o->inside)
        cut(&a, &o->score, &b);
    if (result == 0) {
        xw_ec57_compare(&a, &b, &o->score, &counts);
        xw_ec57_add(&sums->counts, &counts);
        if (o->per_record && !o->json)
            print_beats(name, &counts);
    }
    xw_ec57_beats_done(&a);
    xw_ec57_beats_done(&b);
    return result;
}

static int score_episodes(const struct xw_wfdb_annotations *ref,
                          const struct xw_wfdb_annotations *test, int64_t end, const char *name,
                          const struct options *o, struct sums *sums)
{
    struct xw_ec57_spans a = {0}, b = {0}, out = {0};
    struct xw_ec57_episodes one = {0};
    int64_t start = (int64_t)(o->score.start_s * o->score.rate_hz);
    int result = xw_ec57_spans_of(ref, o->episodes, end, &a);
    if (result == 0)
        result = xw_ec57_spans_of(test, o->episodes, end, &b);
    if (result == 0)
        result = xw_ec57_spans_of(ref, o->left_out ? o->left_out : "", end, &out);
    if (result == 0)
        result = xw_ec57_overlap(&a, &b, &out, start, end, o->score.rate_hz, &one);
    if (result == 0) {
        struct xw_ec57_episodes *s = &sums->episodes;
        s->ref_n += one.ref_n;
        s->found_n += one.found_n;
        s->test_n += one.test_n;
        s->right_n += one.right_n;
        s->ref_s += one.ref_s;
        s->both_s += one.both_s;
        s->test_s += one.test_s;
        s->all_s += one.all_s;
        if (o->per_record && !o->json)
            printf("%s: %.1f s, found %.1f s, said %.1f s\n", name, one.ref_s, one.both_s,
                   one.test_s);
    }
    xw_ec57_spans_done(&a);
    xw_ec57_spans_done(&b);
    xw_ec57_spans_done(&out);
    return result;
}

static int score_record(const char *name, struct options *o, struct sums *sums)
{
    char path[4096];
    struct xw_wfdb_annotations ref = {0}, test = {0};
    struct xw_wfdb_header header;
    struct xw_wfdb_error error = {0};
    snprintf(path, sizeof(path), "%s/%s", o->ref_dir, name);
    int result = xw_wfdb_header_load(path, &header, &error);
    if (result < 0)
        goto out;
    o->score.rate_hz = (double)header.frame_rate_hz.num / (double)header.frame_rate_hz.den;
    int64_t end = header.frames_n;
    xw_wfdb_header_done(&header);
    snprintf(path, sizeof(path), "%s/%s.%s", o->ref_dir, name, o->ref);
    result = xw_wfdb_annotations_load(path, &ref, &error);
    if (result < 0)
        goto out;
    snprintf(path, sizeof(path), "%s/%s.%s", o->test_dir, name, o->suffix);
    result = xw_wfdb_annotations_load(path, &test, &error);
    if (result < 0 && result != -ENOENT) /* no file: nothing was found */
        goto out;
    if (end <= 0 && ref.n)
        end = ref.at[ref.n - 1].sample;
    snprintf(path, sizeof(path), "%s/%s.delays", o->test_dir, name);
    result = xw_delays_load(&sums->delays, path, o->score.rate_hz);
    if (result == 0 || result == -ENOENT)
        result = o->episodes ? score_episodes(&ref, &test, end, name, o, sums)
                             : score_beats(&ref, &test, name, o, sums);
    sums->records_n++;
out:
    xw_wfdb_annotations_done(&ref);
    xw_wfdb_annotations_done(&test);
    if (result < 0)
        fprintf(stderr, "xw-ec57: %s: %s\n", path, error.text[0] ? error.text : strerror(-result));
    return result;
}

/* JSON knows no NaN. */
static void print_number(const char *name, double value)
{
    if (value == value)
        printf(", \"%s\": %.3f", name, value);
    else
        printf(", \"%s\": null", name);
}

static void print_rate(const char *name, struct xw_ec57_rate r)
{
    printf(", \"%s\": {\"found\": %" PRIu64 ", \"missed\": %" PRIu64 ", \"false\": %" PRIu64, name,
           r.true_n, r.missed_n, r.false_n);
    print_number("se", r.se);
    print_number("ppv", r.ppv);
    printf("}");
}

static void print_json(struct sums *s, const struct options *o)
{
    static const char *const NAME[XW_DELAYS] = {"provisional", "final", "revised", "late"};
    const struct xw_ec57_counts *c = &s->counts;
    printf("{\"records\": %u", s->records_n);
    if (o->episodes) {
        const struct xw_ec57_episodes *e = &s->episodes;
        print_number("se", 100 * e->both_s / e->ref_s);
        print_number("ppv", 100 * e->both_s / e->test_s);
        print_number("sp",
                     100 * (e->all_s - e->ref_s - e->test_s + e->both_s) / (e->all_s - e->ref_s));
        print_number("hours", e->all_s / 3600);
        printf(", \"episodes\": %" PRIu64 ", \"found\": %" PRIu64 ", \"said\": %" PRIu64
               ", \"right\": %" PRIu64 "}\n",
               e->ref_n, e->found_n, e->test_n, e->right_n);
        return;
    }
    print_rate("qrs", xw_ec57_qrs(c));
    printf(", \"qrs_late\": {\"found\": %" PRIu64 ", \"false\": %" PRIu64 "}", c->late_true,
           c->late_false);
    print_rate("veb", xw_ec57_kind(c, XW_EC57_V));
    print_rate("sveb", xw_ec57_kind(c, XW_EC57_S));
    for (unsigned k = 0; k < 2; k++)
        printf(", \"%s\": {\"all\": %" PRIu64 ", \"found\": %" PRIu64 ", \"said\": %" PRIu64
               ", \"right\": %" PRIu64 "}",
               k ? "runs3" : "runs2", c->run_ref[k], c->run_found[k], c->run_test[k],
               c->run_right[k]);
    for (unsigned i = 0; i < XW_DELAYS; i++) {
        struct xw_delay_summary d = xw_delays_summary(&s->delays, i);
        printf(", \"%s\": {\"beats\": %zu, \"median_ms\": %.0f, \"p99_ms\": %.0f, \"max_ms\": "
               "%.0f}",
               NAME[i], s->delays.n[i], d.median_ms, d.p99_ms, d.max_ms);
    }
    printf("}\n");
}

static void print_words(const struct sums *s, const struct options *o)
{
    if (o->episodes) {
        const struct xw_ec57_episodes *e = &s->episodes;
        printf("records %u hours %.2f Se %.2f +P %.2f Sp %.2f episodes %" PRIu64 " found %" PRIu64
               " said %" PRIu64 " right %" PRIu64 "\n",
               s->records_n, e->all_s / 3600, 100 * e->both_s / e->ref_s,
               100 * e->both_s / e->test_s,
               100 * (e->all_s - e->ref_s - e->test_s + e->both_s) / (e->all_s - e->ref_s),
               e->ref_n, e->found_n, e->test_n, e->right_n);
        return;
    }
    struct xw_ec57_rate q = xw_ec57_qrs(&s->counts), v = xw_ec57_kind(&s->counts, XW_EC57_V),
                        u = xw_ec57_kind(&s->counts, XW_EC57_S);
    printf("records %u beats %" PRIu64 " FN %" PRIu64 " FP %" PRIu64
           " QRS %.3f/%.3f VEB %.2f/%.2f (%" PRIu64 ") SVEB %.2f/%.2f (%" PRIu64 ")\n",
           s->records_n, q.true_n + q.missed_n, q.missed_n, q.false_n, q.se, q.ppv, v.se, v.ppv,
           v.true_n + v.missed_n, u.se, u.ppv, u.true_n + u.missed_n);
}

static int parse(int argc, char **argv, struct options *o)
{
    int option;
    *o = (struct options){.ref = "atr", .score = {.window_s = 0.15}};
    while ((option = getopt_long(argc, argv, "", LONG, NULL)) != -1) {
        switch (option) {
        case OPT_START:
            o->score.start_s = strtod(optarg, NULL);
            break;
        case OPT_RECORDS:
            o->records = optarg;
            break;
        case OPT_REF:
            o->ref = optarg;
            break;
        case OPT_PACED:
            o->without_paced = true;
            break;
        case OPT_EJN:
            o->score.escapes_normal = true;
            break;
        case OPT_EACH:
            o->per_record = true;
            break;
        case OPT_EPISODES:
            o->episodes = optarg;
            break;
        case OPT_OUT:
            o->left_out = optarg;
            break;
        case OPT_INSIDE:
            o->inside = true;
            break;
        case OPT_JSON:
            o->json = true;
            break;
        default:
            return -EINVAL;
        }
    }
    if (argc - optind != 3)
        return -EINVAL;
    o->ref_dir = argv[optind];
    o->test_dir = argv[optind + 1];
    o->suffix = argv[optind + 2];
    return 0;
}

int main(int argc, char **argv)
{
    struct options o;
    struct dirent **list = NULL;
    static struct sums sums;
    if (parse(argc, argv, &o) < 0) {
        fputs(HELP, stderr);
        return 2;
    }
    int n = scandir(o.ref_dir, &list, NULL, alphasort), failed = n < 0;
    for (int i = 0; i < n; i++) {
        char *name = list[i]->d_name, *dot = strrchr(name, '.');
        if (dot && strcmp(dot + 1, o.ref) == 0) {
            *dot = 0;
            bool wanted = (!o.records || listed(o.records, name)) &&
                          (!o.without_paced || !listed("102,104,107,217", name));
            failed |= wanted && score_record(name, &o, &sums) < 0;
        }
        free(list[i]);
    }
    free(list);
    if (!failed && o.json)
        print_json(&sums, &o);
    else if (!failed)
        print_words(&sums, &o);
    xw_delays_done(&sums.delays);
    return failed || !sums.records_n;
}
