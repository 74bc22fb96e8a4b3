/* usage: xw-train-vf [--write FILE]   (XW_DATA: folder with vfdb/ and mitdb/)
 * Cross-validates the table of shockable rhythms by record, prints each record and the sum; then
 * what a table of all says of DS1 of MITDB. --write: the table of all as C source. */
#include "bench/rhythm/vf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void print(const char *name, const struct xw_rhythm_vf_score *s)
{
    printf("%-6s Se %6.2f Sp %6.2f  VF alone Se %6.2f  shockable %5.0f s missed %4.0f extra %4.0f "
           "of %5.0f s, alarms %u, false %u\n",
           name, xw_rhythm_se(&s->all), xw_rhythm_sp(&s->all), xw_rhythm_se(&s->without_vt),
           s->all.both + s->all.missed, s->all.missed, s->all.extra, s->all.extra + s->all.neither,
           s->alarms_n, s->false_n);
}

static void sum_up(struct xw_rhythm_vf_score *to, const struct xw_rhythm_vf_score *s)
{
    struct xw_rhythm_durations *d[] = {&to->all, &to->without_vt};
    const struct xw_rhythm_durations *e[] = {&s->all, &s->without_vt};
    for (unsigned k = 0; k < 2; k++) {
        d[k]->both += e[k]->both;
        d[k]->missed += e[k]->missed;
        d[k]->extra += e[k]->extra;
        d[k]->neither += e[k]->neither;
    }
    for (unsigned k = 0; k < s->delays_n && to->delays_n < 512; k++)
        to->delay_s[to->delays_n++] = s->delay_s[k];
    to->missed_n += s->missed_n;
    to->alarms_n += s->alarms_n;
    to->false_n += s->false_n;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* scored: VFDB, each record without itself; else: the rest with the table of all. */
static int report(struct xw_rhythm_vf *vf, bool scored, const struct xw_dsp_net *whole)
{
    struct xw_rhythm_vf_score *total = calloc(1, sizeof(*total)), *s = malloc(sizeof(*s));
    int result = total && s ? 0 : -ENOMEM;
    for (unsigned i = 0; i < vf->n && result >= 0; i++) {
        struct xw_dsp_net table;
        if (vf->record[i].scored != scored)
            continue;
        if (scored)
            result = xw_fit(&xw_rhythm_vf_recipe, vf->example, vf->examples_n, (int)i, &table);
        memset(s, 0, sizeof(*s));
        if (result >= 0)
            result = xw_rhythm_vf_run(&vf->record[i], scored ? &table : whole, s);
        if (scored || s->alarms_n)
            print(vf->record[i].name, s);
        sum_up(total, s);
    }
    if (result >= 0) {
        print(scored ? "VFDB" : "DS1", total);
        qsort(total->delay_s, total->delays_n, sizeof(double), by_size);
        unsigned n = total->delays_n;
        if (scored)
            printf("episodes of 10 s or more: %u alarmed, %u not; after median %.1f s, 90 %% %.1f "
                   "s, largest %.1f s\n",
                   n, total->missed_n, n ? total->delay_s[n / 2] : 0,
                   n ? total->delay_s[n * 9 / 10] : 0, n ? total->delay_s[n - 1] : 0);
    }
    free(s);
    free(total);
    return result;
}

int main(int argc, char **argv)
{
    const char *data = getenv("XW_DATA");
    const char *to = argc == 3 && strcmp(argv[1], "--write") == 0 ? argv[2] : NULL;
    struct xw_rhythm_vf *vf = calloc(1, sizeof(*vf));
    struct xw_dsp_net table;
    if (!data || !vf || (argc > 1 && !to)) {
        fprintf(stderr, "usage: xw-train-vf [--write FILE], with XW_DATA\n");
        free(vf);
        return 2;
    }
    int result = xw_rhythm_vf_load(data, vf);
    if (result >= 0)
        result = xw_rhythm_vf_examples(vf);
    if (result >= 0)
        result = xw_fit(&xw_rhythm_vf_recipe, vf->example, vf->examples_n, XW_FIT_ALL, &table);
    if (result >= 0 && !to)
        result = report(vf, true, NULL);
    if (result >= 0 && !to)
        result = report(vf, false, &table);
    FILE *out = result >= 0 && to ? fopen(to, "w") : NULL;
    if (out) {
        xw_fit_write(out, "xw_vf_table", &table,
                     "Made by xw-train-vf --write; see dsp/train/README.rhythm.md.");
        result = fclose(out) == 0 ? result : -EIO;
    }
    xw_rhythm_vf_done(vf);
    free(vf);
    if (result < 0)
        fprintf(stderr, "xw-train-vf: %s\n", strerror(-result));
    return result < 0;
}
