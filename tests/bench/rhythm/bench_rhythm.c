/* Figures of rhythm and alarms on the recordings of XW_DATA; JSON lines on stdout.
 * af_afdb_*: RR alone, each record judged by a table made without it; flutter not looked at.
 * vf_vfdb_*: shockable by duration, each record judged by a table made without it (vf.h has the
 * definition). cinc2015_score: each record with limits chosen on others (cinc.h);
 * cinc2015_compiled_in: with those of the table, set while looking at these records.
 * usage: bench_rhythm   Exit 77 without recordings. */
#include "bench/dsp/print.h"
#include "bench/rhythm/af.h"
#include "bench/rhythm/cinc.h"
#include "bench/rhythm/vf.h"

#include <stdlib.h>
#include <string.h>

static void sum_up(struct xw_rhythm_durations *to, const struct xw_rhythm_durations *d)
{
    to->both += d->both;
    to->missed += d->missed;
    to->extra += d->extra;
    to->neither += d->neither;
}

static int bench_af(const char *data)
{
    struct xw_rhythm_af *af = calloc(1, sizeof(*af));
    struct xw_rhythm_af_score *score = calloc(1, sizeof(*score));
    struct xw_dsp_net table, early;
    const struct xw_rhythm_af_tables tables = {.table = &table, .early = &early};
    int result = af && score ? xw_rhythm_af_load(data, true, af) : -1;
    if (result >= 0)
        result = xw_rhythm_af_examples(af);
    for (unsigned i = 0; result >= 0 && i < af->n; i++) {
        if (!af->record[i].scored)
            continue;
        result = xw_fit(&xw_rhythm_af_recipe, af->example, af->examples_n, (int)i, &table);
        if (result >= 0)
            result = xw_fit(&xw_rhythm_af_early_recipe, af->early, af->early_n, (int)i, &early);
        if (result >= 0)
            xw_rhythm_af_run(&af->record[i], &tables, score);
    }
    if (result >= 0) {
        xw_bench_print("af_afdb_se", xw_rhythm_se(&score->without_flutter), "%", "published", 97.4);
        xw_bench_print("af_afdb_sp", xw_rhythm_sp(&score->without_flutter), "%", "published", 98.4);
    }
    if (af)
        xw_rhythm_af_done(af);
    free(score);
    free(af);
    return result;
}

static int bench_vf(const char *data)
{
    struct xw_rhythm_vf *vf = calloc(1, sizeof(*vf));
    struct xw_rhythm_durations all = {0};
    int result = vf ? xw_rhythm_vf_load(data, vf) : -1;
    if (result >= 0)
        result = xw_rhythm_vf_examples(vf);
    for (unsigned i = 0; result >= 0 && i < vf->n; i++) {
        struct xw_rhythm_vf_score score = {0};
        struct xw_dsp_net table;
        if (!vf->record[i].scored)
            continue;
        result = xw_fit(&xw_rhythm_vf_recipe, vf->example, vf->examples_n, (int)i, &table);
        if (result >= 0)
            result = xw_rhythm_vf_run(&vf->record[i], &table, &score);
        sum_up(&all, &score.all);
    }
    if (result >= 0) {
        xw_bench_print("vf_vfdb_se", xw_rhythm_se(&all), "%", "published, curated", 96.2);
        xw_bench_print("vf_vfdb_sp", xw_rhythm_sp(&all), "%", "published, curated", 96.2);
    }
    if (vf)
        xw_rhythm_vf_done(vf);
    free(vf);
    return result;
}

int main(void)
{
    const char *data = getenv("XW_DATA");
    struct xw_rhythm_cinc cinc;
    if (!data) {
        fprintf(stderr, "bench_rhythm: XW_DATA is not set\n");
        return 77;
    }
    int failed = bench_af(data) < 0;
    failed |= bench_vf(data) < 0;
    unsigned settings_n = 0;
    if (xw_rhythm_cinc_cross(data, false, &cinc, &settings_n) < 0)
        failed = 1;
    else
        xw_bench_print("cinc2015_score", xw_rhythm_cinc_points(&cinc.all), "points",
                       "winner in real time, hidden test", 81.39);
    if (xw_rhythm_cinc_run(data, true, false, &cinc) < 0)
        failed = 1;
    else
        xw_bench_print("cinc2015_compiled_in", xw_rhythm_cinc_points(&cinc.all), "points",
                       "winner in real time, hidden test", 81.39);
    if (failed)
        fprintf(stderr, "bench_rhythm: recordings are missing\n");
    return failed;
}
