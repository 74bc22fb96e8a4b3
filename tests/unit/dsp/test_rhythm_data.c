/* Holds the figures that were reached on recordings (XW_DATA; skipped without): ICU alarms with and
 * without their pulse waves, shockable rhythms and fibrillation with the tables as compiled in. The
 * tables were made of VFDB and AFDB: those two tests hold the code to its tables, they are no test
 * figures; those come from bench_rhythm, which makes a table anew for each record. */
#include "bench/rhythm/af.h"
#include "bench/rhythm/cinc.h"
#include "bench/rhythm/names.h"
#include "bench/rhythm/vf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static const char *data;

static void alarms_of_intensive_care_are_judged_as_reached(void **state)
{
    struct xw_rhythm_cinc c;
    (void)state;
    assert_true(xw_rhythm_cinc_run(data, true, true, &c) >= 0);
    for (int k = 0; k < XW_RHYTHM_CINC_KINDS; k++)
        printf("%s: tp %u fp %u fn %u tn %u\n", xw_rhythm_cinc_name((enum xw_rhythm_cinc_kind)k),
               c.kind[k].tp, c.kind[k].fp, c.kind[k].fn, c.kind[k].tn);
    printf("all: %.2f\n", xw_rhythm_cinc_points(&c.all));
    /* Nothing that kills at once is missed. */
    assert_int_equal(c.kind[XW_RHYTHM_CINC_ASYSTOLE].fn, 0);
    assert_int_equal(c.kind[XW_RHYTHM_CINC_VF].fn, 0);
    assert_int_equal(c.kind[XW_RHYTHM_CINC_BRADY].fn, 0);
    assert_int_equal(c.kind[XW_RHYTHM_CINC_TACHY].fn, 0);
    assert_true(xw_rhythm_cinc_points(&c.all) >= 85);
}

static void shockable_rhythms_are_found_as_the_table_has_it(void **state)
{
    (void)state;
    struct xw_rhythm_vf *vf = calloc(1, sizeof(*vf));
    struct xw_rhythm_vf_score score = {0};
    assert_non_null(vf);
    assert_true(xw_rhythm_vf_load(data, vf) >= 0);
    for (unsigned i = 0; i < vf->n; i++)
        if (vf->record[i].scored)
            assert_true(xw_rhythm_vf_run(&vf->record[i], NULL, &score) >= 0);
    printf("VFDB, table made of it: Se %.2f Sp %.2f\n", xw_rhythm_se(&score.all),
           xw_rhythm_sp(&score.all));
    unsigned soon_n = 0;
    for (unsigned k = 0; k < score.delays_n; k++)
        soon_n += score.delay_s[k] <= 6;
    printf("alarmed within 6 s: %u of %u episodes, %u never\n", soon_n, score.delays_n,
           score.missed_n);
    assert_true(xw_rhythm_se(&score.all) >= 94.5 && xw_rhythm_sp(&score.all) >= 96.5);
    assert_true(soon_n >= 25);
    assert_int_equal(score.missed_n, 0);
    xw_rhythm_vf_done(vf);
    free(vf);
}

static void fibrillation_is_found_as_the_table_has_it(void **state)
{
    (void)state;
    struct xw_rhythm_af *af = calloc(1, sizeof(*af));
    struct xw_rhythm_af_score *score = calloc(1, sizeof(*score));
    assert_true(af && score);
    assert_true(xw_rhythm_af_load(data, false, af) >= 0);
    for (unsigned i = 0; i < af->n; i++)
        if (af->record[i].scored && i % 3 == 0)
            xw_rhythm_af_run(&af->record[i], NULL, score);
    printf("AFDB, every third record, table made of it: Se %.2f Sp %.2f\n",
           xw_rhythm_se(&score->without_flutter), xw_rhythm_sp(&score->without_flutter));
    assert_true(xw_rhythm_se(&score->without_flutter) >= 98);
    assert_true(xw_rhythm_sp(&score->without_flutter) >= 98);
    xw_rhythm_af_done(af);
    free(score);
    free(af);
}

/* Six records of DS1: couplets and runs with and without fibrillation, blocked beats, pauses. The
 * limits stand a little off what was reached. */
static void names_are_right_on_records_with_couplets_runs_and_none(void **state)
{
    (void)state;
    static const char *const RECORDS[] = {"101", "106", "119", "201", "209", "223"};
    struct xw_rhythm_names n = {.hours = 0};
    for (size_t i = 0; i < sizeof(RECORDS) / sizeof(RECORDS[0]); i++)
        assert_int_equal(xw_rhythm_names_run(data, RECORDS[i], &n), 0);
    for (int i = 0; i < XW_RHYTHM_NAMES_N; i++)
        printf("%s: reference %u found %u right %u wrong %u\n",
               xw_rhythm_names_name((enum xw_rhythm_name)i), n.name[i].reference, n.name[i].found,
               n.name[i].right, n.name[i].wrong);
    assert_true(n.name[XW_RHYTHM_NAME_COUPLET].found * 20 >=
                n.name[XW_RHYTHM_NAME_COUPLET].reference * 17);
    assert_true(n.name[XW_RHYTHM_NAME_RUN].found * 20 >= n.name[XW_RHYTHM_NAME_RUN].reference * 19);
    assert_true(n.name[XW_RHYTHM_NAME_SVT].found * 20 >= n.name[XW_RHYTHM_NAME_SVT].reference * 19);
    assert_true(n.name[XW_RHYTHM_NAME_COUPLET].wrong <= 4);
    assert_int_equal(n.name[XW_RHYTHM_NAME_RUN].wrong, 0);
    assert_true(n.name[XW_RHYTHM_NAME_SVT].wrong <= 1);
    assert_int_equal(n.name[XW_RHYTHM_NAME_AVB].wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alarms_of_intensive_care_are_judged_as_reached),
        cmocka_unit_test(shockable_rhythms_are_found_as_the_table_has_it),
        cmocka_unit_test(fibrillation_is_found_as_the_table_has_it),
        cmocka_unit_test(names_are_right_on_records_with_couplets_runs_and_none),
    };
    data = getenv("XW_DATA");
    if (!data) {
        printf("skipped: XW_DATA is not set\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
