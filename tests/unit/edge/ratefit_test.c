/* Capture time and true rate from arrival times, with a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "edge/ratefit.h"

enum { BLOCK = 20 }; /* samples: 40 ms at 500 Hz */

/* A device of true rate `hz` whose blocks take 1 to 21 ms and now and then 200 ms to arrive. */
struct device {
    struct xw_ratefit fit;
    double hz;
    int64_t start_us;
    uint64_t next;
    unsigned seed;
};

static void begin(struct device *d, double nominal_hz, double hz)
{
    *d = (struct device){.hz = hz, .start_us = 1000000000, .seed = 7};
    xw_ratefit_init(&d->fit, nominal_hz);
}

static int64_t taken_us(const struct device *d, uint64_t index)
{
    return d->start_us + (int64_t)llround((double)index / d->hz * 1e6);
}

static void send_until(struct device *d, double seconds)
{
    while ((double)d->next < seconds * d->hz) {
        d->next += BLOCK;
        int64_t jitter_us = 1000 + rand_r(&d->seed) % 20000;
        if (rand_r(&d->seed) % 50 == 0)
            jitter_us += 200000;
        xw_ratefit_add(&d->fit, d->next - 1, BLOCK, taken_us(d, d->next - 1) + jitter_us, 0);
    }
}

static void a_drift_of_100_ppm_is_found(void **state)
{
    (void)state;
    struct device d;
    begin(&d, 500, 500 * (1 + 100e-6));
    send_until(&d, 300);
    double ppm = (xw_ratefit_rate_hz(&d.fit) / 500 - 1) * 1e6;
    assert_true(fabs(ppm - 100) < 10);
    int64_t error = xw_ratefit_time_us(&d.fit, d.next - 1) - taken_us(&d, d.next - 1);
    assert_true(error >= 0 &&
                error < 4000); /* never before it was taken; 1 ms is the least delay */
}

static void the_time_of_a_sample_is_its_capture_not_its_arrival(void **state)
{
    (void)state;
    struct device d;
    begin(&d, 500, 500 * (1 - 50e-6));
    send_until(&d, 60);
    for (uint64_t i = 0; i < d.next; i += 997)
        assert_true(llabs(xw_ratefit_time_us(&d.fit, i) - taken_us(&d, i)) < 5000);
}

static void nominal_is_used_before_there_is_evidence(void **state)
{
    (void)state;
    struct device d;
    begin(&d, 500, 501);
    send_until(&d, 5);
    assert_true(xw_ratefit_rate_hz(&d.fit) == 500.0);
}

static void a_backlog_does_not_bend_the_line(void **state)
{
    (void)state;
    struct device d;
    double hz;
    begin(&d, 500, 500 * (1 + 20e-6));
    /* One minute of samples comes within one second, then it is live. */
    int64_t now = taken_us(&d, 30000);
    for (; d.next < 30000; d.next += BLOCK)
        xw_ratefit_add(&d.fit, d.next + BLOCK - 1, BLOCK, now + (int64_t)d.next * 33, 0);
    send_until(&d, 180);
    assert_true(fabs(xw_ratefit_rate_hz(&d.fit) / 500 - 1) < 40e-6);
    assert_true(llabs(xw_ratefit_time_us(&d.fit, d.next - 1) - taken_us(&d, d.next - 1)) < 5000);
    assert_false(xw_ratefit_wrong(&d.fit, &hz));
}

static void a_stalled_network_does_not_bend_the_line(void **state)
{
    (void)state;
    struct device d;
    double hz;
    begin(&d, 500, 500);
    send_until(&d, 120);
    uint64_t until = d.next + 500 * 15;
    int64_t burst = taken_us(&d, until);
    for (; d.next < until; d.next += BLOCK)
        xw_ratefit_add(&d.fit, d.next + BLOCK - 1, BLOCK, burst, 0);
    send_until(&d, 200);
    assert_true(fabs(xw_ratefit_rate_hz(&d.fit) / 500 - 1) < 20e-6);
    assert_int_equal(d.fit.restarts_n, 0);
    assert_false(xw_ratefit_wrong(&d.fit, &hz));
}

static void after_standing_still_the_line_begins_again(void **state)
{
    (void)state;
    struct device d;
    begin(&d, 500, 500);
    send_until(&d, 60);
    d.start_us += 3600000000; /* it slept an hour, and its index with it */
    send_until(&d, 120);
    assert_int_equal(d.fit.restarts_n, 1);
    assert_true(llabs(xw_ratefit_time_us(&d.fit, d.next - 1) - taken_us(&d, d.next - 1)) < 25000);
}

static void a_wrong_rate_is_told(void **state)
{
    (void)state;
    static const double shares[] = {0.9, 1.1};
    for (size_t i = 0; i < XW_ARRAY_N(shares); i++) {
        struct device d;
        double hz = 0;
        begin(&d, 500, 500 * shares[i]);
        send_until(&d, 25);
        assert_false(xw_ratefit_wrong(&d.fit, &hz));
        send_until(&d, 40);
        assert_true(xw_ratefit_wrong(&d.fit, &hz));
        assert_true(fabs(hz / (500 * shares[i]) - 1) < 0.02);
    }
}

static void a_right_rate_is_left_alone(void **state)
{
    (void)state;
    static const double shares[] = {0.96, 1.0, 1.04};
    for (size_t i = 0; i < XW_ARRAY_N(shares); i++) {
        struct device d;
        double hz;
        begin(&d, 500, 500 * shares[i]);
        for (unsigned s = 1; s < 240; s++) {
            send_until(&d, s);
            assert_false(xw_ratefit_wrong(&d.fit, &hz));
        }
    }
}

static void the_devices_own_clock_tells_the_rate_too(void **state)
{
    (void)state;
    struct xw_ratefit fit;
    double hz = 0;
    xw_ratefit_init(&fit, 500);
    for (uint64_t i = 0; i < 40 * 25; i++) /* a burst: all at once, but 550 a second by its clock */
        xw_ratefit_add(&fit, (i + 1) * 20 - 1, 20, 1000,
                       1 + (uint64_t)((double)i * 20 / 550 * 1e6));
    assert_true(xw_ratefit_wrong(&fit, &hz));
    assert_true(fabs(hz - 550) < 1);
}

/* A fetal monitor: 4 samples a second in blocks of 250 to 1,000 ms, by a network with moods; its
 * own clock told at the time of sending, or not at all. */
static void a_slow_stream_is_timed_well_and_never_taken_for_another_rate(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 12; kind++) {
        const uint32_t block_n = kind % 4 + 1; /* 250, 500, 750, 1,000 ms; above 7: mixed */
        const bool clock = kind / 4 == 1;
        struct device d;
        double hz = 4 * (1 + 150e-6), wrong;
        begin(&d, 4, hz);
        d.seed += kind;
        for (int i = 0; i < 3600; i++) {
            uint32_t n = kind < 8 ? block_n : 1 + (uint32_t)rand_r(&d.seed) % 4;
            d.next += n;
            int64_t taken = taken_us(&d, d.next - 1);
            int64_t sent = taken + rand_r(&d.seed) % 30000;
            int64_t arrived = sent + 1000 + rand_r(&d.seed) % 40000;
            if (rand_r(&d.seed) % 40 == 0)
                arrived += 400000;
            xw_ratefit_add(&d.fit, d.next - 1, n, arrived, clock ? (uint64_t)sent : 0);
            assert_false(xw_ratefit_wrong(&d.fit, &wrong));
            if (i < 10)
                continue;
            int64_t error = xw_ratefit_time_us(&d.fit, d.next - 1) - taken;
            assert_true(error > -50000 && error < 50000);
        }
        assert_int_equal(d.fit.restarts_n, 0);
        double ppm = (xw_ratefit_rate_hz(&d.fit) / 4 - 1) * 1e6;
        assert_true(fabs(ppm - 150) < 60);
    }
}

static void a_slow_stream_of_another_rate_is_found(void **state)
{
    (void)state;
    struct device d;
    double hz = 0;
    begin(&d, 4, 5);
    for (int i = 0; i < 400 && !xw_ratefit_wrong(&d.fit, &hz); i++) {
        d.next += 2;
        int64_t at = taken_us(&d, d.next - 1);
        xw_ratefit_add(&d.fit, d.next - 1, 2, at + rand_r(&d.seed) % 20000, (uint64_t)at);
    }
    assert_true(fabs(hz - 5) < 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_stream_is_timed_well_and_never_taken_for_another_rate),
        cmocka_unit_test(a_slow_stream_of_another_rate_is_found),
        cmocka_unit_test(a_drift_of_100_ppm_is_found),
        cmocka_unit_test(the_time_of_a_sample_is_its_capture_not_its_arrival),
        cmocka_unit_test(nominal_is_used_before_there_is_evidence),
        cmocka_unit_test(a_backlog_does_not_bend_the_line),
        cmocka_unit_test(a_stalled_network_does_not_bend_the_line),
        cmocka_unit_test(after_standing_still_the_line_begins_again),
        cmocka_unit_test(a_wrong_rate_is_told),
        cmocka_unit_test(a_right_rate_is_left_alone),
        cmocka_unit_test(the_devices_own_clock_tells_the_rate_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
