/* The scorer: pairing, what counts as an error, runs, episodes. */
#include "bench/ec57/ec57.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct xw_ec57_options OPTIONS = {.rate_hz = 360, .window_s = 0.15};

static struct xw_ec57_counts compare(const struct xw_wfdb_annotation *ref, size_t ref_n,
                                     const struct xw_wfdb_annotation *test, size_t test_n,
                                     struct xw_ec57_options options)
{
    struct xw_wfdb_annotations r = {.at = (struct xw_wfdb_annotation *)ref, .n = ref_n};
    struct xw_wfdb_annotations t = {.at = (struct xw_wfdb_annotation *)test, .n = test_n};
    struct xw_ec57_beats a, b;
    struct xw_ec57_counts counts;
    memset(&counts, 0, sizeof(counts));
    assert_int_equal(xw_ec57_beats_of(&r, &r, &options, &a), 0);
    assert_int_equal(xw_ec57_beats_of(&t, &r, &options, &b), 0);
    xw_ec57_compare(&a, &b, &options, &counts);
    xw_ec57_beats_done(&a);
    xw_ec57_beats_done(&b);
    return counts;
}

#define MARK(when, what)                                                                           \
    {                                                                                              \
        .sample = (when), .code = (what)                                                           \
    }
#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static void beats_within_150_ms_are_pairs_and_others_errors(void **state)
{
    (void)state;
    const struct xw_wfdb_annotation ref[] = {MARK(1000, XW_WFDB_NORMAL), MARK(1400, XW_WFDB_NORMAL),
                                             MARK(1800, XW_WFDB_PVC)};
    const struct xw_wfdb_annotation test[] = {
        MARK(1054, XW_WFDB_NORMAL), MARK(1455, XW_WFDB_NORMAL), MARK(1800, XW_WFDB_NORMAL)};
    struct xw_ec57_counts c = compare(ref, 3, test, 3, OPTIONS);
    struct xw_ec57_rate q = xw_ec57_qrs(&c), v = xw_ec57_kind(&c, XW_EC57_V);
    assert_int_equal(q.true_n, 2);
    assert_int_equal(q.missed_n, 1);
    assert_int_equal(q.false_n, 1);
    assert_int_equal(v.missed_n, 1);
    assert_int_equal(v.false_n, 0);
    assert_true(isnan(v.ppv));
}

static void the_nearer_of_two_is_the_partner(void **state)
{
    (void)state;
    const struct xw_wfdb_annotation ref[] = {MARK(1000, XW_WFDB_NORMAL), MARK(1040, XW_WFDB_PVC)};
    const struct xw_wfdb_annotation test[] = {MARK(1038, XW_WFDB_PVC)};
    struct xw_ec57_counts c = compare(ref, 2, test, 1, OPTIONS);
    assert_int_equal(c.count[XW_EC57_V][XW_EC57_V], 1);
    assert_int_equal(c.count[XW_EC57_N][XW_EC57_O], 1);
}

static void flutter_of_the_reference_is_left_out(void **state)
{
    (void)state;
    const struct xw_wfdb_annotation ref[] = {MARK(1000, XW_WFDB_NORMAL), MARK(1200, XW_WFDB_VFON),
                                             MARK(3000, XW_WFDB_VFOFF), MARK(3400, XW_WFDB_NORMAL)};
    const struct xw_wfdb_annotation test[] = {MARK(1000, XW_WFDB_NORMAL), MARK(1500, XW_WFDB_PVC),
                                              MARK(2000, XW_WFDB_PVC), MARK(3400, XW_WFDB_NORMAL)};
    struct xw_ec57_counts c = compare(ref, N_OF(ref), test, N_OF(test), OPTIONS);
    struct xw_ec57_rate q = xw_ec57_qrs(&c);
    assert_int_equal(q.true_n, 2);
    assert_int_equal(q.false_n, 0);
}

static void escapes_are_s_or_n_as_asked(void **state)
{
    (void)state;
    const struct xw_wfdb_annotation ref[] = {MARK(1000, XW_WFDB_NESC), MARK(1400, XW_WFDB_FUSION)};
    const struct xw_wfdb_annotation test[] = {MARK(1000, XW_WFDB_SVPB), MARK(1400, XW_WFDB_PVC)};
    struct xw_ec57_options de_chazal = OPTIONS;
    de_chazal.escapes_normal = true;
    struct xw_ec57_counts s = compare(ref, 2, test, 2, OPTIONS);
    struct xw_ec57_counts n = compare(ref, 2, test, 2, de_chazal);
    assert_int_equal(xw_ec57_kind(&s, XW_EC57_S).true_n, 1);
    assert_int_equal(xw_ec57_kind(&n, XW_EC57_S).false_n, 1);
    assert_int_equal(xw_ec57_kind(&s, XW_EC57_V).false_n, 0); /* F called V is no error */
}

static void runs_count_when_as_many_in_a_row_were_found(void **state)
{
    (void)state;
    const struct xw_wfdb_annotation ref[] = {MARK(1000, XW_WFDB_PVC), MARK(1200, XW_WFDB_PVC),
                                             MARK(1400, XW_WFDB_PVC), MARK(1800, XW_WFDB_NORMAL)};
    const struct xw_wfdb_annotation test[] = {MARK(1000, XW_WFDB_PVC), MARK(1200, XW_WFDB_PVC),
                                              MARK(1400, XW_WFDB_NORMAL),
                                              MARK(1800, XW_WFDB_NORMAL)};
    struct xw_ec57_counts c = compare(ref, 4, test, 4, OPTIONS);
    assert_int_equal(c.run_ref[0], 1);
    assert_int_equal(c.run_found[0], 1); /* two in a row */
    assert_int_equal(c.run_ref[1], 1);
    assert_int_equal(c.run_found[1], 0); /* not three */
    assert_int_equal(c.run_test[1], 0);
}

static void episodes_are_measured_by_duration_and_by_number(void **state)
{
    (void)state;
    struct xw_ec57_span a[] = {{0, 3600}, {7200, 10800}}, b[] = {{1800, 5400}},
                        out[] = {{9000, 10800}};
    struct xw_ec57_spans ref = {a, 2}, test = {b, 1}, left_out = {out, 1};
    struct xw_ec57_episodes e;
    memset(&e, 0, sizeof(e));
    assert_int_equal(xw_ec57_overlap(&ref, &test, &left_out, 0, 14400, 360, &e), 0);
    assert_true(fabs(e.ref_s - 15) < 1e-9);
    assert_true(fabs(e.test_s - 10) < 1e-9);
    assert_true(fabs(e.both_s - 5) < 1e-9);
    assert_true(fabs(e.all_s - 35) < 1e-9);
    assert_int_equal(e.ref_n, 2);
    assert_int_equal(e.found_n, 1);
    assert_int_equal(e.right_n, 1);
}

static void rhythm_marks_become_spans(void **state)
{
    (void)state;
    struct xw_wfdb_annotation marks[] = {
        {.sample = 10, .code = XW_WFDB_RHYTHM, .aux = "(N", .aux_n = 2},
        {.sample = 100, .code = XW_WFDB_RHYTHM, .aux = "(AFIB", .aux_n = 5},
        {.sample = 300, .code = XW_WFDB_RHYTHM, .aux = "(N", .aux_n = 2},
        {.sample = 400, .code = XW_WFDB_RHYTHM, .aux = "(AFIB", .aux_n = 5}};
    struct xw_wfdb_annotations all = {.at = marks, .n = 4};
    struct xw_ec57_spans spans;
    assert_int_equal(xw_ec57_spans_of(&all, "(AFL,(AFIB", 1000, &spans), 0);
    assert_int_equal(spans.n, 2);
    assert_int_equal(spans.one[0].end, 300);
    assert_int_equal(spans.one[1].end, 1000);
    xw_ec57_spans_done(&spans);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beats_within_150_ms_are_pairs_and_others_errors),
        cmocka_unit_test(the_nearer_of_two_is_the_partner),
        cmocka_unit_test(flutter_of_the_reference_is_left_out),
        cmocka_unit_test(escapes_are_s_or_n_as_asked),
        cmocka_unit_test(runs_count_when_as_many_in_a_row_were_found),
        cmocka_unit_test(episodes_are_measured_by_duration_and_by_number),
        cmocka_unit_test(rhythm_marks_become_spans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
