/* Times of monitors, and how far their clocks are off. */
#include "support.h"

#include <time.h>

#define SECOND INT64_C(1000000)

static struct xw_hl7_time time_of(const char *text)
{
    struct xw_hl7_time t;
    assert_int_equal(xw_hl7_time_parse(text, strlen(text), &t), 0);
    return t;
}

static void times_of_every_length_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t utc_s;
        int64_t us;
        int64_t precision_s;
        bool zone;
    } cases[] = {
        {"20261122120000+0800", 1795320000, 0, 1, true},
        {"20261122120000.123+0800", 1795320000, 123000, 1, true},
        {"20261122120000.1-0330", 1795361400, 100000, 1, true},
        {"20261122040000", 1795320000, 0, 1, false},
        {"20261122040000123", 1795320000, 123000, 1, false}, /* milliseconds glued on */
        {"202611220400", 1795320000, 0, 60, false},
        {"2026112204+0000", 1795320000, 0, 3600, true},
        {"20261122", 1795305600, 0, 86400, false},
        {"20261122240000", 1795392000, 0, 1, false},
        {"20240229000000Z", -1, 0, 0, false},
        {"20240229235960", 1709251200, 0, 1, false},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        struct xw_hl7_time t;
        int r = xw_hl7_time_parse(cases[i].text, strlen(cases[i].text), &t);
        if (cases[i].utc_s < 0) {
            assert_int_equal(r, -EBADMSG);
            continue;
        }
        assert_int_equal(r, 0);
        assert_int_equal(xw_hl7_time_utc_us(&t), cases[i].utc_s * SECOND + cases[i].us);
        assert_int_equal(t.precision_us, cases[i].precision_s * SECOND);
        assert_int_equal(t.has_zone, cases[i].zone);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "2026112",
                                      "20261322",
                                      "20261131",
                                      "20230229",
                                      "20261122246000",
                                      "00000000",
                                      "20261122120061",
                                      "20261122120000.",
                                      "2026112212+9",
                                      "20261122120000+2500",
                                      "20261122120000+08x",
                                      "99991231",
                                      "12:00:00",
                                      "20261122120000 +0800"};
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(bad); i++) {
        struct xw_hl7_time t;
        assert_int_equal(xw_hl7_time_parse(bad[i], strlen(bad[i]), &t), -EBADMSG);
    }
}

static void a_zone_that_one_time_tells_is_taken_for_both(void **state)
{
    struct xw_hl7_time a = time_of("20261122120000+0800"), b = time_of("20261122115900");
    struct xw_hl7_time c = time_of("20261122040000+0000");
    (void)state;
    assert_int_equal(xw_hl7_time_diff_us(&a, &b), 60 * SECOND);
    assert_int_equal(xw_hl7_time_diff_us(&b, &a), -60 * SECOND);
    assert_int_equal(xw_hl7_time_diff_us(&a, &c), 0);
}

/* ---- the clock ---- */

static int64_t hear(struct xw_hl7_clock *clock, int64_t arrival_s, int64_t sent_s)
{
    const struct xw_hl7_time sent = {.us = sent_s * SECOND, .precision_us = SECOND};
    return xw_hl7_clock_add(clock, arrival_s * SECOND, &sent) / SECOND;
}

static void a_wrong_clock_makes_nothing_late(void **state)
{
    struct xw_hl7_clock clock = {0};
    (void)state;
    for (int64_t t = 1000; t < 3000; t++)
        assert_int_equal(hear(&clock, t, t - 4321), 0);
    assert_int_equal(xw_hl7_clock_behind_us(&clock), 4321 * SECOND);
}

static void what_waited_for_a_link_was_true_when_it_was_sent(void **state)
{
    struct xw_hl7_clock clock = {0};
    (void)state;
    for (int64_t t = 1000; t < 1100; t++)
        hear(&clock, t, t + 50);
    /* A minute without a link; then the backlog comes at once, and is still sent second by second.
     */
    for (int64_t t = 1100; t < 1160; t++)
        assert_int_equal(hear(&clock, 1160, t + 50), 1160 - t > 2 ? 1160 - t : 0);
    assert_int_equal(hear(&clock, 1161, 1211), 0);
}

static void a_clock_that_was_set_back_is_believed_after_ten_seconds(void **state)
{
    struct xw_hl7_clock clock = {0};
    (void)state;
    for (int64_t t = 1000; t < 1100; t++)
        hear(&clock, t, t);
    for (int64_t t = 1100; t < 1110; t++)
        assert_int_equal(hear(&clock, t, t - 3600), 3600);
    for (int64_t t = 1110; t < 1200; t++)
        assert_int_equal(hear(&clock, t, t - 3600), 0);
}

static void a_clock_that_was_set_forward_is_believed_at_once(void **state)
{
    struct xw_hl7_clock clock = {0};
    (void)state;
    hear(&clock, 1000, 1000);
    assert_int_equal(hear(&clock, 1001, 4601), 0);
    assert_int_equal(hear(&clock, 1002, 4602), 0);
}

static void a_clock_that_runs_slow_does_not_grow_late(void **state)
{
    struct xw_hl7_clock clock = {0};
    (void)state;
    for (int64_t t = 0; t < 86400; t++) /* 100 ppm */
        assert_int_equal(hear(&clock, 1000 + t, 1000 + t - t / 10000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_of_every_length_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(a_zone_that_one_time_tells_is_taken_for_both),
        cmocka_unit_test(a_wrong_clock_makes_nothing_late),
        cmocka_unit_test(what_waited_for_a_link_was_true_when_it_was_sent),
        cmocka_unit_test(a_clock_that_was_set_back_is_believed_after_ten_seconds),
        cmocka_unit_test(a_clock_that_was_set_forward_is_believed_at_once),
        cmocka_unit_test(a_clock_that_runs_slow_does_not_grow_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
