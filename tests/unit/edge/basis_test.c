/* The beats that a finding rests on. */
#include "edge/basis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct xw_basis basis;

static void beat(int64_t at, enum xw_ecg_stage stage, bool withdrawn)
{
    const struct xw_ecg_event event = {
        .kind = XW_ECG_KIND_BEAT, .stage = stage, .first = at, .end = at, .withdrawn = withdrawn};
    xw_basis_event(&basis, &event);
}

static struct xw_ecg_event finding(uint64_t sequence, int64_t first, int64_t end, int64_t emitted)
{
    return (struct xw_ecg_event){.kind = XW_ECG_KIND_ALARM,
                                 .code = XW_ECG_RHYTHM_COUPLET,
                                 .sequence = sequence,
                                 .first = first,
                                 .end = end,
                                 .emitted_at = emitted};
}

static void a_finding_rests_on_the_beats_from_its_onset_to_its_end(void **state)
{
    (void)state;
    const uint64_t *beats = NULL;
    xw_basis_init(&basis);
    for (int64_t i = 1; i <= 10; i++) {
        beat(100 * i, XW_ECG_STAGE_PROVISIONAL, false);
        beat(100 * i, XW_ECG_STAGE_FINAL, false);
        beat(100 * i, XW_ECG_STAGE_REVISED, false);
    }
    struct xw_ecg_event event = finding(7, 400, 501, 1050);
    assert_int_equal(xw_basis_beats(&basis, &event, &beats), 2);
    assert_int_equal(beats[0], 400);
    assert_int_equal(beats[1], 500);
    event = finding(8, 401, 500, 1050);
    assert_int_equal(xw_basis_beats(&basis, &event, &beats), 0);
}

static void what_goes_on_keeps_the_beats_with_which_it_was_said(void **state)
{
    (void)state;
    const uint64_t *beats = NULL;
    xw_basis_init(&basis);
    for (int64_t i = 1; i <= 5; i++)
        beat(100 * i, XW_ECG_STAGE_FINAL, false);
    struct xw_ecg_event event = finding(3, 200, XW_ECG_OPEN, 520);
    assert_int_equal(xw_basis_beats(&basis, &event, &beats), 4);
    for (int64_t i = 6; i <= 3000; i++)
        beat(100 * i, XW_ECG_STAGE_FINAL, false);
    event.revision = 1;
    event.end = 290000;
    event.emitted_at = 300000;
    assert_int_equal(xw_basis_beats(&basis, &event, &beats), 4);
    assert_int_equal(beats[3], 500);
}

static void beats_found_late_stand_in_order_and_those_taken_back_are_gone(void **state)
{
    (void)state;
    const uint64_t *beats = NULL;
    xw_basis_init(&basis);
    beat(100, XW_ECG_STAGE_FINAL, false);
    beat(300, XW_ECG_STAGE_FINAL, false);
    beat(200, XW_ECG_STAGE_FINAL, false);
    beat(250, XW_ECG_STAGE_FINAL, false);
    beat(250, XW_ECG_STAGE_FINAL, true);
    struct xw_ecg_event event = finding(1, 0, 1000, 1000);
    assert_int_equal(xw_basis_beats(&basis, &event, &beats), 3);
    assert_true(beats[0] == 100 && beats[1] == 200 && beats[2] == 300);
}

static void there_are_at_most_64_and_none_for_noise(void **state)
{
    (void)state;
    const uint64_t *beats = NULL;
    xw_basis_init(&basis);
    for (int64_t i = 0; i < 2000; i++)
        beat(100 * i, XW_ECG_STAGE_FINAL, false);
    struct xw_ecg_event event = finding(1, 150000, XW_ECG_OPEN, 200000);
    assert_int_equal(xw_basis_beats(&basis, &event, &beats), 64);
    assert_int_equal(beats[0], 150000);
    event.sequence = 2;
    event.kind = XW_ECG_KIND_NOISE;
    assert_int_equal(xw_basis_beats(&basis, &event, &beats), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finding_rests_on_the_beats_from_its_onset_to_its_end),
        cmocka_unit_test(what_goes_on_keeps_the_beats_with_which_it_was_said),
        cmocka_unit_test(beats_found_late_stand_in_order_and_those_taken_back_are_gone),
        cmocka_unit_test(there_are_at_most_64_and_none_for_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
