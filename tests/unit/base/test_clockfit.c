/* Offset and drift between two clocks, with clocks and a network of its own.
 * XW_SEED: another network (printed). */
#include "base/clockfit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#define S INT64_C(1000000)
#define MS INT64_C(1000)

static uint64_t seed = 1;

static double uniform(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) / 9007199254740992.0;
}

/* Two clocks: ours is true time, the peer's is drift fast, with an offset that can be set. */
struct world {
    struct xw_clockfit fit;
    uint64_t random;
    int64_t now_us;
    double drift, offset_us;
    double forth_us, forth_jitter_us, back_us, back_jitter_us; /* least delay, mean of the rest */
};

static int64_t peer_at(const struct world *w, int64_t us)
{
    return us + (int64_t)llround(w->offset_us + w->drift * (double)us);
}

static void exchange(struct world *w)
{
    double forth = w->forth_us - w->forth_jitter_us * log(1 - uniform(&w->random));
    double back = w->back_us - w->back_jitter_us * log(1 - uniform(&w->random));
    struct xw_clockfit_exchange e = {.sent_us = w->now_us};
    e.receive_us = e.transmit_us = peer_at(w, w->now_us + (int64_t)forth);
    e.arrived_us = w->now_us + (int64_t)(forth + back);
    xw_clockfit_add(&w->fit, &e);
}

static void run(struct world *w, int64_t us)
{
    for (int64_t end = w->now_us + us; w->now_us < end; w->now_us += 2 * S)
        exchange(w);
}

static double error_us(const struct world *w, uint64_t *ret_uncertainty_us)
{
    int64_t wall_us;
    assert_true(xw_clockfit_peer_us(&w->fit, w->now_us, &wall_us, ret_uncertainty_us));
    return (double)(wall_us - peer_at(w, w->now_us));
}

static void begin(struct world *w)
{
    *w = (struct world){.random = seed,
                        .now_us = 3600 * S,
                        .drift = 100e-6,
                        .offset_us = 1.7e15,
                        .forth_us = 15e3,
                        .forth_jitter_us = 2e3,
                        .back_us = 15e3,
                        .back_jitter_us = 2e3};
    xw_clockfit_init(&w->fit);
}

static void nothing_is_known_at_first(void **state)
{
    struct world w;
    int64_t wall_us;
    uint64_t uncertainty_us;
    double drift;
    (void)state;
    begin(&w);
    assert_false(xw_clockfit_peer_us(&w.fit, 0, &wall_us, &uncertainty_us));
    assert_false(xw_clockfit_drift(&w.fit, &drift));
    exchange(&w);
    assert_true(fabs(error_us(&w, &uncertainty_us)) <= (double)uncertainty_us);
}

static void drift_of_100_ppm_is_found_and_the_error_stays_below_a_millisecond(void **state)
{
    struct world w;
    uint64_t uncertainty_us;
    double drift, worst = 0;
    (void)state;
    begin(&w);
    run(&w, 300 * S);
    for (int i = 0; i < 2000; i++) {
        run(&w, 20 * S);
        double e = error_us(&w, &uncertainty_us);
        assert_true(fabs(e) <= (double)uncertainty_us);
        worst = fmax(worst, fabs(e));
    }
    assert_true(xw_clockfit_drift(&w.fit, &drift));
    print_message("# error at most %.0f us, drift %.3f ppm, stated %.1f ms\n", worst, drift * 1e6,
                  (double)uncertainty_us / 1e3);
    assert_true(worst < 1000);
    assert_true(fabs(drift - 100e-6) < 1e-6);
    assert_in_range(uncertainty_us, 14000, 17000); /* half of the quickest round trip */
    assert_int_equal(w.fit.steps_n, 0);
}

static void lopsided_jitter_does_not_lean_on_the_line(void **state)
{
    struct world w;
    uint64_t uncertainty_us;
    (void)state;
    begin(&w);
    w.forth_jitter_us = 80e3;
    w.back_jitter_us = 1e3;
    run(&w, 1800 * S);
    for (int i = 0; i < 500; i++) {
        run(&w, 20 * S);
        assert_true(fabs(error_us(&w, &uncertainty_us)) < 4000);
    }
    assert_int_equal(w.fit.steps_n, 0);
}

static void a_peer_that_is_set_is_believed_at_the_first_exchange(void **state)
{
    static const double steps[] = {3.6e9, -3.6e9, 250e3, -250e3, 60e3};
    struct world w;
    uint64_t uncertainty_us;
    (void)state;
    begin(&w);
    run(&w, 1800 * S);
    for (size_t i = 0; i < XW_ARRAY_N(steps); i++) {
        w.offset_us += steps[i];
        run(&w, 2 * S);
        assert_int_equal(w.fit.steps_n, i + 1);
        for (int k = 0; k < 300; k++) { /* and the drift stands */
            run(&w, 2 * S);
            assert_true(fabs(error_us(&w, &uncertainty_us)) < 6000);
        }
    }
}

static void a_step_below_the_round_trip_is_found_by_its_contradictions(void **state)
{
    struct world w;
    uint64_t uncertainty_us;
    (void)state;
    begin(&w);
    run(&w, 1800 * S);
    w.offset_us += 12e3;
    run(&w, 1900 * S);
    assert_true(fabs(error_us(&w, &uncertainty_us)) < 2000);
}

static void a_slewed_peer_is_followed(void **state)
{
    struct world w;
    uint64_t uncertainty_us;
    (void)state;
    begin(&w);
    run(&w, 1800 * S);
    for (int i = 0; i < 200; i++) { /* 300 ppm for 2000 s, as adjtime does it */
        w.offset_us += 300e-6 * 10e6;
        run(&w, 10 * S);
        assert_true(fabs(error_us(&w, &uncertainty_us)) < 25000);
    }
    run(&w, 2000 * S);
    assert_true(fabs(error_us(&w, &uncertainty_us)) < 2000);
}

static void without_a_link_the_drift_carries_it_and_the_doubt_grows(void **state)
{
    struct world w;
    uint64_t before_us, after_us;
    (void)state;
    begin(&w);
    run(&w, 2400 * S);
    (void)error_us(&w, &before_us);
    w.now_us += 6 * 3600 * S;
    double e = error_us(&w, &after_us);
    print_message("# after 6 h alone %.1f ms off, stated %.0f ms\n", e / 1e3,
                  (double)after_us / 1e3);
    assert_true(fabs(e) < 20000);
    assert_true(fabs(e) <= (double)after_us && after_us > before_us);
    run(&w, 2 * S); /* no step, only a correction */
    assert_int_equal(w.fit.steps_n, 0);
}

static void absurd_exchanges_change_nothing(void **state)
{
    struct world w;
    uint64_t uncertainty_us;
    (void)state;
    begin(&w);
    run(&w, 600 * S);
    struct xw_clockfit before = w.fit;
    const struct xw_clockfit_exchange bad[] = {
        {w.now_us, w.now_us - 1, 5, 5},     {w.now_us, w.now_us + 10, INT64_MIN, INT64_MAX},
        {w.now_us, w.now_us + 10, 100, 50}, {w.now_us, w.now_us + 10, 0, 5 * S},
        {INT64_MIN, INT64_MAX, 0, 0},
    };
    for (size_t i = 0; i < XW_ARRAY_N(bad); i++)
        xw_clockfit_add(&w.fit, &bad[i]);
    assert_memory_equal(&before, &w.fit, sizeof(before));
    assert_true(fabs(error_us(&w, &uncertainty_us)) < 3000);
}

int main(void)
{
    const char *text = getenv("XW_SEED");
    seed = text ? strtoull(text, NULL, 10) : seed;
    printf("seed %llu\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_at_first),
        cmocka_unit_test(drift_of_100_ppm_is_found_and_the_error_stays_below_a_millisecond),
        cmocka_unit_test(lopsided_jitter_does_not_lean_on_the_line),
        cmocka_unit_test(a_peer_that_is_set_is_believed_at_the_first_exchange),
        cmocka_unit_test(a_step_below_the_round_trip_is_found_by_its_contradictions),
        cmocka_unit_test(a_slewed_peer_is_followed),
        cmocka_unit_test(without_a_link_the_drift_carries_it_and_the_doubt_grows),
        cmocka_unit_test(absurd_exchanges_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
