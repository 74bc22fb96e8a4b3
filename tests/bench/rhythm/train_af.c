/* usage: xw-train-af [--search | --write FILE EARLY_FILE]   (XW_DATA: folder with afdb/ and mitdb/)
 * Cross-validates the AF tables by record (each record of AFDB is judged by tables that were made
 * without it), prints each record and the sum; then what tables made of all say of MITDB, where
 * DS2 was never learned from. --search: the same for each pair of the early look's settings.
 * --write: makes the tables of all and writes their C source. */
#include "bench/rhythm/af.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void print(const char *name, const struct xw_rhythm_af_score *s)
{
    printf("%-8s Se %6.2f Sp %6.2f  with flutter %6.2f/%6.2f  AF %6.0f s missed %5.0f extra %5.0f "
           "(flutter %4.0f) of %6.0f s\n",
           name, xw_rhythm_se(&s->without_flutter), xw_rhythm_sp(&s->without_flutter),
           xw_rhythm_se(&s->with_flutter), xw_rhythm_sp(&s->with_flutter),
           s->without_flutter.both + s->without_flutter.missed, s->without_flutter.missed,
           s->without_flutter.extra, s->with_flutter.extra - s->without_flutter.extra,
           s->without_flutter.extra + s->without_flutter.neither);
}

static void sum_up(struct xw_rhythm_durations *to, const struct xw_rhythm_durations *d)
{
    to->both += d->both;
    to->missed += d->missed;
    to->extra += d->extra;
    to->neither += d->neither;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void add_score(struct xw_rhythm_af_score *to, const struct xw_rhythm_af_score *s)
{
    sum_up(&to->without_flutter, &s->without_flutter);
    sum_up(&to->with_flutter, &s->with_flutter);
    for (unsigned k = 0; k < s->delays_n && to->delays_n < 4096; k++)
        to->delay_s[to->delays_n++] = s->delay_s[k];
    to->missed_n += s->missed_n;
    to->back_n += s->back_n;
    to->back_true_n += s->back_true_n;
}

struct nets {
    struct xw_dsp_net table[XW_RHYTHM_AF_RECORDS_MAX], early[XW_RHYTHM_AF_RECORDS_MAX];
};

/* Tables for each record, made without it. */
static int fit_all(const struct xw_rhythm_af *af, struct nets *nets)
{
    int result = 0;
    for (unsigned i = 0; i < af->n && result >= 0; i++) {
        if (!af->record[i].scored)
            continue;
        result = xw_fit(&xw_rhythm_af_recipe, af->example, af->examples_n, (int)i, &nets->table[i]);
        if (result >= 0)
            result =
                xw_fit(&xw_rhythm_af_early_recipe, af->early, af->early_n, (int)i, &nets->early[i]);
    }
    return result;
}

static void print_delays(struct xw_rhythm_af_score *total)
{
    unsigned n = total->delays_n, late_n = 0;
    qsort(total->delay_s, n, sizeof(double), by_size);
    for (unsigned k = 0; k < n; k++)
        late_n += total->delay_s[k] > 45;
    double other_h = (total->without_flutter.extra + total->without_flutter.neither) / 3600;
    printf(
        "episodes of a minute or more: %u found, %u not; said after median %.1f s, 90 %% %.1f s, "
        "largest %.1f s, %u after more than 45 s; taken back %u (%u where it was so), %.2f an "
        "hour of other rhythms\n",
        n, total->missed_n, n ? total->delay_s[n / 2] : 0, n ? total->delay_s[n * 9 / 10] : 0,
        n ? total->delay_s[n - 1] : 0, late_n, total->back_n, total->back_true_n,
        other_h > 0 ? (total->back_n - total->back_true_n) / other_h : 0);
}

/* price 0: as compiled in. */
static int run_all(const struct xw_rhythm_af *af, struct nets *nets, float price, float caution,
                   bool each)
{
    struct xw_rhythm_af_score *total = calloc(1, sizeof(*total)), *s = malloc(sizeof(*s));
    for (unsigned i = 0; total && s && i < af->n; i++) {
        if (!af->record[i].scored)
            continue;
        struct xw_rhythm_af_tables t = {&nets->table[i], &nets->early[i], price, caution};
        memset(s, 0, sizeof(*s));
        xw_rhythm_af_run(&af->record[i], &t, s);
        if (each)
            print(af->record[i].name, s);
        add_score(total, s);
    }
    if (total && s) {
        print("AFDB", total);
        print_delays(total);
    }
    int result = total && s ? 0 : -ENOMEM;
    free(s);
    free(total);
    return result;
}

static int report(struct xw_rhythm_af *af, bool search)
{
    static const float PRICES[] = {4, 6, 9, 13}, CAUTIONS[] = {-1, -0.5F, 0, 1};
    struct nets *nets = calloc(1, sizeof(*nets));
    int result = nets ? fit_all(af, nets) : -ENOMEM;
    if (!search && result >= 0)
        result = run_all(af, nets, 0, 0, true);
    for (unsigned p = 0; search && p < sizeof(PRICES) / sizeof(PRICES[0]); p++)
        for (unsigned c = 0; c < sizeof(CAUTIONS) / sizeof(CAUTIONS[0]) && result >= 0; c++) {
            printf("price %g caution %g: ", (double)PRICES[p], (double)CAUTIONS[c]);
            result = run_all(af, nets, PRICES[p], CAUTIONS[c], false);
        }
    free(nets);
    return result;
}

static void others(struct xw_rhythm_af *af, const struct xw_rhythm_af_tables *tables)
{
    struct xw_rhythm_af_score *total = calloc(1, sizeof(*total)), *s = malloc(sizeof(*s));
    for (unsigned i = 0; total && s && i < af->n; i++) {
        if (af->record[i].scored)
            continue;
        memset(s, 0, sizeof(*s));
        xw_rhythm_af_run(&af->record[i], tables, s);
        if (s->without_flutter.extra + s->without_flutter.missed > 0)
            print(af->record[i].name, s);
        add_score(total, s);
    }
    if (total) {
        print("MITDB", total);
        print_delays(total);
    }
    free(s);
    free(total);
}

static int write_table(const char *path, const char *name, const struct xw_dsp_net *table)
{
    FILE *out = fopen(path, "w");
    if (!out)
        return -errno;
    xw_fit_write(out, name, table, "Made by xw-train-af --write; see dsp/train/README.rhythm.md.");
    return fclose(out) == 0 ? 0 : -EIO;
}

int main(int argc, char **argv)
{
    const char *data = getenv("XW_DATA");
    bool writes = argc == 4 && strcmp(argv[1], "--write") == 0;
    bool search = argc == 2 && strcmp(argv[1], "--search") == 0;
    struct xw_rhythm_af *af = calloc(1, sizeof(*af));
    struct xw_dsp_net table, early;
    if (!data || !af || (argc > 1 && !writes && !search)) {
        fprintf(stderr, "usage: xw-train-af [--search | --write FILE EARLY_FILE], with XW_DATA\n");
        free(af);
        return 2;
    }
    int result = xw_rhythm_af_load(data, true, af);
    if (!result)
        result = xw_rhythm_af_examples(af);
    if (!result && !writes)
        result = report(af, search);
    if (!result && !search)
        result = xw_fit(&xw_rhythm_af_recipe, af->example, af->examples_n, XW_FIT_ALL, &table);
    if (!result && !search)
        result = xw_fit(&xw_rhythm_af_early_recipe, af->early, af->early_n, XW_FIT_ALL, &early);
    if (!result && !writes && !search)
        others(af, &(struct xw_rhythm_af_tables){.table = &table, .early = &early});
    if (!result && writes)
        result = write_table(argv[2], "xw_af_table", &table);
    if (!result && writes)
        result = write_table(argv[3], "xw_af_early_table", &early);
    xw_rhythm_af_done(af);
    free(af);
    if (result < 0)
        fprintf(stderr, "xw-train-af: %s\n", strerror(-result));
    return result < 0;
}
