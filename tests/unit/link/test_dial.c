/* When the gateway tries to connect: a link that came back is found at once, a county that refuses
 * is left in peace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link/dial.h"

enum { STEP_US = 20000, MINUTE_US = 60000000 };

/* TCP of the kernel: asks at once, then after 1 s, 2 s more, 4 s more. */
static bool asks(int64_t since_us)
{
    return since_us == 0 || since_us == 1000000 || since_us == 3000000;
}

/* A minute in which nothing answers: the longest time without a packet that could have been. */
static int64_t longest_silence(unsigned percent)
{
    struct xw_dial dial = {0};
    int64_t asked_us = 0, longest_us = 0, begun_us = -1;
    for (int64_t now = 0; now < MINUTE_US; now += STEP_US) {
        if (begun_us < 0 && xw_dial_due(&dial, now)) {
            xw_dial_begin(&dial, now);
            begun_us = now;
        }
        if (begun_us >= 0 && asks(now - begun_us)) {
            longest_us = XW_MAX(longest_us, now - asked_us);
            asked_us = now;
        }
        if (begun_us >= 0 && xw_dial_over(&dial, now, false, 0)) {
            xw_dial_ended(&dial, now, XW_DIAL_SILENT, percent);
            begun_us = -1;
        }
    }
    return longest_us;
}

static void test_in_a_hole_a_packet_asks_at_least_each_second(void **state)
{
    (void)state;
    for (unsigned percent = 0; percent < 100; percent += 9)
        assert_in_range(longest_silence(percent), 700000, 1040000);
}

static void test_a_long_way_is_waited_for_now_and_then(void **state)
{
    (void)state;
    struct xw_dial dial = {0};
    unsigned waited_n = 0;
    for (unsigned i = 0; i < 8; i++) {
        xw_dial_begin(&dial, 0);
        waited_n += !xw_dial_over(&dial, 1500000, false, 0);
        xw_dial_ended(&dial, 0, XW_DIAL_SILENT, 0);
    }
    assert_int_equal(waited_n, 2);
}

static void test_an_answer_gives_the_handshake_its_round_trips(void **state)
{
    (void)state;
    struct xw_dial dial = {0};
    xw_dial_begin(&dial, 0);
    assert_false(xw_dial_over(&dial, 2400000, true, 30000));
    assert_true(xw_dial_over(&dial, 2800000, true, 30000));
    assert_false(xw_dial_over(&dial, 6000000, true, 600000));
}

static void test_failures_wait_longer_and_longer_until_a_welcome(void **state)
{
    (void)state;
    struct xw_dial dial = {0};
    int64_t before_us = 0;
    for (unsigned i = 0; i < 10; i++) {
        xw_dial_ended(&dial, 0, XW_DIAL_FAILED, 50);
        assert_true(dial.retry_us >= before_us);
        before_us = dial.retry_us;
    }
    assert_in_range(before_us, 1000000, 1500000);
    xw_dial_welcomed(&dial);
    xw_dial_ended(&dial, 0, XW_DIAL_FAILED, 50);
    assert_in_range(dial.retry_us, 100000, 200000);
}

static void test_without_a_way_the_next_try_is_within_a_second(void **state)
{
    (void)state;
    struct xw_dial dial = {0};
    for (unsigned i = 0; i < 100; i++) {
        xw_dial_ended(&dial, 0, XW_DIAL_NO_WAY, i);
        assert_true(dial.retry_us <= 1000000);
    }
    assert_true(dial.retry_us >= 600000);
}

static void test_a_refusal_is_not_asked_about_soon(void **state)
{
    (void)state;
    struct xw_dial dial = {0};
    xw_dial_ended(&dial, 0, XW_DIAL_REFUSED, 0);
    assert_false(xw_dial_due(&dial, 2900000));
    assert_true(xw_dial_due(&dial, 3000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_a_hole_a_packet_asks_at_least_each_second),
        cmocka_unit_test(test_a_long_way_is_waited_for_now_and_then),
        cmocka_unit_test(test_an_answer_gives_the_handshake_its_round_trips),
        cmocka_unit_test(test_failures_wait_longer_and_longer_until_a_welcome),
        cmocka_unit_test(test_without_a_way_the_next_try_is_within_a_second),
        cmocka_unit_test(test_a_refusal_is_not_asked_about_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
