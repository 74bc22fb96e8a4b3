/* One direction of the laboratory's link: what it does to packets follows from its seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linkway.h"

enum { PACKET_N_BYTES = 1250, RUN_N = 20000 };

struct seen {
    uint64_t n[RUN_N];
    int64_t at_us[RUN_N];
    size_t seen_n;
};

static void take_all(struct linkway *way, int64_t now_us, struct seen *seen)
{
    for (struct linkway_packet *p; (p = linkway_take(way, now_us)) != NULL; free(p)) {
        seen->n[seen->seen_n] = p->n;
        seen->at_us[seen->seen_n++] = now_us;
    }
}

/* A packet each step_us; then all that is due, until nothing is on its way. */
static struct seen *run(const struct linkway_plan *plan, uint64_t seed, size_t n, int64_t step_us,
                        struct linkway_stats *ret_stats)
{
    struct linkway way;
    static const uint8_t data[PACKET_N_BYTES];
    struct seen *seen = calloc(1, sizeof(*seen));
    assert_non_null(seen);
    linkway_init(&way, seed);
    way.plan = *plan;
    for (size_t i = 0; i < n; i++) {
        int64_t now_us = (int64_t)i * step_us;
        for (int64_t due; (due = linkway_due_us(&way)) < now_us;)
            take_all(&way, due, seen);
        linkway_put(&way, now_us, data, sizeof(data));
    }
    for (int64_t due; (due = linkway_due_us(&way)) != INT64_MAX;)
        take_all(&way, due, seen);
    *ret_stats = way.stats;
    linkway_done(&way);
    return seen;
}

static void test_a_good_link_only_delays(void **state)
{
    (void)state;
    struct linkway_stats stats;
    struct seen *seen = run(&(struct linkway_plan){.delay_us = 30000}, 1, 100, 1000, &stats);
    assert_int_equal(seen->seen_n, 100);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(seen->n[i], i + 1);
        assert_int_equal(seen->at_us[i], (int64_t)i * 1000 + 30000);
    }
    free(seen);
}

static void test_the_same_seed_loses_the_same_packets_whatever_their_times(void **state)
{
    (void)state;
    struct linkway_stats stats;
    const struct linkway_plan plan = {.loss_ppm = 20000, .burst_ppm = 2000, .burst_n = 5};
    struct seen *a = run(&plan, 7, RUN_N, 100, &stats);
    struct seen *b = run(&plan, 7, RUN_N, 1700, &stats);
    struct seen *c = run(&plan, 8, RUN_N, 100, &stats);
    assert_int_equal(a->seen_n, b->seen_n);
    assert_memory_equal(a->n, b->n, sizeof(a->n));
    assert_memory_not_equal(a->n, c->n, sizeof(a->n));
    free(a);
    free(b);
    free(c);
}

static void test_losses_are_as_many_as_asked_for(void **state)
{
    (void)state;
    struct linkway_stats stats;
    struct linkway_plan plan = {.loss_ppm = 10000};
    struct seen *seen = run(&plan, 3, RUN_N, 100, &stats);
    assert_in_range(stats.lost_n, RUN_N / 100 * 8 / 10, RUN_N / 100 * 12 / 10);
    assert_int_equal(seen->seen_n + stats.lost_n, RUN_N);
    free(seen);
    plan = (struct linkway_plan){.burst_ppm = 1000, .burst_n = 10};
    seen = run(&plan, 3, RUN_N, 100, &stats);
    assert_in_range(stats.burst_n, RUN_N / 200, RUN_N / 50); /* 20 bursts of 10 */
    size_t bursts_n = 0;
    for (size_t i = 1; i < seen->seen_n; i++)
        bursts_n += seen->n[i] != seen->n[i - 1] + 1;
    assert_in_range(stats.burst_n, 4 * bursts_n, 20 * bursts_n);
    free(seen);
}

static void test_jitter_keeps_the_order_unless_told_otherwise(void **state)
{
    (void)state;
    struct linkway_stats stats;
    struct linkway_plan plan = {.delay_us = 30000, .jitter_us = 10000};
    struct seen *seen = run(&plan, 5, 2000, 1000, &stats);
    assert_int_equal(stats.overtaken_n, 0);
    for (size_t i = 0; i < seen->seen_n; i++) {
        assert_int_equal(seen->n[i], i + 1);
        assert_in_range(seen->at_us[i] - (int64_t)i * 1000, 20000, 40000);
    }
    free(seen);
    plan.reorder = true;
    seen = run(&plan, 5, 2000, 1000, &stats);
    assert_in_range(stats.overtaken_n, 200, 1999);
    assert_int_equal(seen->seen_n, 2000);
    free(seen);
}

static void test_the_rate_holds_and_a_full_queue_drops(void **state)
{
    (void)state;
    struct linkway_stats stats;
    /* 1250 B at 1 Mbit/s: 10 ms each; twice as many come; 100 ms of buffer hold ten. */
    const struct linkway_plan plan = {.rate = 1000000, .buffer_us = 100000};
    struct seen *seen = run(&plan, 1, 1000, 5000, &stats);
    assert_in_range(seen->seen_n, 500, 515);
    assert_int_equal(stats.full_n + stats.passed_n, 1000);
    for (size_t i = 1; i < seen->seen_n; i++)
        assert_true(seen->at_us[i] - seen->at_us[i - 1] >= 10000);
    free(seen);
}

static void test_a_hole_swallows_what_comes_and_what_flies(void **state)
{
    (void)state;
    struct linkway way;
    struct seen *seen = calloc(1, sizeof(*seen));
    assert_non_null(seen);
    linkway_init(&way, 1);
    way.plan.delay_us = 1000;
    linkway_put(&way, 0, "a", 1);
    way.plan.hole = true;
    linkway_put(&way, 500, "b", 1);
    take_all(&way, 5000, seen);
    assert_int_equal(seen->seen_n, 0);
    assert_int_equal(way.stats.hole_n, 2);
    way.plan.hole = false;
    linkway_put(&way, 6000, "c", 1);
    linkway_put(&way, 6000, "d", 1);
    take_all(&way, 7000, seen);
    assert_int_equal(seen->seen_n, 2);
    linkway_put(&way, 8000, "e", 1); /* freed with the way */
    linkway_done(&way);
    free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_link_only_delays),
        cmocka_unit_test(test_the_same_seed_loses_the_same_packets_whatever_their_times),
        cmocka_unit_test(test_losses_are_as_many_as_asked_for),
        cmocka_unit_test(test_jitter_keeps_the_order_unless_told_otherwise),
        cmocka_unit_test(test_the_rate_holds_and_a_full_queue_drops),
        cmocka_unit_test(test_a_hole_swallows_what_comes_and_what_flies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
