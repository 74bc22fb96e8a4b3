/* The pacing over a simulated narrow uplink: live stays young, the queue short, the link used,
 * whatever its rate and the buffer before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link/wire.h"
#include "unit/link/bottleneck.h"

enum {
    BLOCK_US = 40000,
    TICK_US = 20000,
    BULK_MESSAGE = 8192,
    MARKS_N = 65536,
    HISTOGRAM_N = 8000
};

struct mark {
    int64_t at_us;
    uint64_t end;
};
/* Live of one gateway and bulk without end, as the session core would send them. */
struct source {
    struct neck neck;
    struct xw_pace pace;
    uint64_t live_rate, live_waiting, live_made, bulk_written;
    struct mark made[MARKS_N];
    size_t made_n, delivered_n;
    unsigned age_ms[HISTOGRAM_N], queue_ms[HISTOGRAM_N];
    unsigned ages_n, queues_n;
    bool paced_out; /* until the next tick */
    uint64_t delivered_before;
    int64_t since_us;
};

static struct source *source_new(uint64_t rate, uint64_t live_rate, int64_t delay_us,
                                 int64_t buffer_us, uint64_t seed)
{
    struct source *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    neck_init(&s->neck, rate, delay_us, buffer_us, seed);
    xw_pace_init(&s->pace, s->neck.now_us);
    (void)xw_pace_open(&s->pace, 0, s->neck.now_us);
    (void)xw_pace_open(&s->pace, 1, s->neck.now_us);
    s->live_rate = live_rate;
    return s;
}

static void source_free(struct source *s)
{
    neck_done(&s->neck);
    free(s);
}

static void write_live(struct source *s)
{
    while (s->live_waiting && xw_pace_room(&s->pace, 0) && neck_writable(&s->neck, 0)) {
        size_t n = (size_t)XW_MIN(s->live_waiting, (uint64_t)xw_pace_frame_n_bytes(&s->pace));
        neck_write(&s->neck, 0, n);
        xw_pace_sent(&s->pace, 0, n, false);
        s->live_waiting -= n;
    }
}

static void write_bulk(struct source *s)
{
    if (s->neck.now_us % TICK_US == 0)
        s->paced_out = false;
    while (!s->paced_out && neck_writable(&s->neck, 1) && xw_pace_room(&s->pace, 1)) {
        s->paced_out = !xw_pace_ready(&s->pace, s->neck.now_us);
        if (s->paced_out)
            return;
        neck_write(&s->neck, 1, BULK_MESSAGE);
        xw_pace_sent(&s->pace, 1, BULK_MESSAGE, true);
        s->bulk_written += BULK_MESSAGE;
    }
}

static void note(unsigned *histogram, unsigned *n, int64_t us)
{
    histogram[XW_MIN(us / 1000, (int64_t)HISTOGRAM_N - 1)]++;
    (*n)++;
}

static void step(struct source *s)
{
    neck_step(&s->neck);
    int64_t now = s->neck.now_us;
    if (now % BLOCK_US == 0) {
        s->live_waiting += s->live_rate * BLOCK_US / 1000000;
        s->live_made += s->live_rate * BLOCK_US / 1000000;
        s->made[s->made_n++ % MARKS_N] = (struct mark){now, s->live_made};
    }
    write_live(s);
    write_bulk(s);
    if (now % XW_PACE_MEASURE_US == 0) {
        for (unsigned role = 0; role < 2; role++) {
            struct xw_pace_measure m = neck_measure(&s->neck, role);
            xw_pace_measured(&s->pace, role, now, &m);
            s->neck.socket[role].pacing = xw_pace_kernel_rate(&s->pace, role);
        }
        note(s->queue_ms, &s->queues_n, neck_queue_us(&s->neck));
    }
    while (s->delivered_n < s->made_n &&
           s->made[s->delivered_n % MARKS_N].end <= s->neck.socket[0].delivered)
        note(s->age_ms, &s->ages_n, now - s->made[s->delivered_n++ % MARKS_N].at_us);
}

static void forget(struct source *s)
{
    memset(s->age_ms, 0, sizeof(s->age_ms));
    memset(s->queue_ms, 0, sizeof(s->queue_ms));
    s->ages_n = s->queues_n = 0;
    s->delivered_before = s->neck.socket[0].delivered + s->neck.socket[1].delivered;
    s->since_us = s->neck.now_us;
}

static void run(struct source *s, int64_t us)
{
    for (int64_t end = s->neck.now_us + us; s->neck.now_us < end;)
        step(s);
}

static unsigned quantile(const unsigned *histogram, unsigned n, unsigned permille)
{
    uint64_t below = 0;
    for (unsigned ms = 0; ms < HISTOGRAM_N; ms++)
        if ((below += histogram[ms]) * 1000 >= (uint64_t)n * permille)
            return ms;
    return HISTOGRAM_N;
}

/* Share of the link that was used, in percent. */
static unsigned used(const struct source *s)
{
    uint64_t bytes =
        s->neck.socket[0].delivered + s->neck.socket[1].delivered - s->delivered_before;
    return (unsigned)(bytes * 100 * 1000000 /
                      (s->neck.rate * (uint64_t)(s->neck.now_us - s->since_us)));
}

static const uint64_t kbits[] = {64, 128, 256, 512, 1000, 2000, 5000, 20000, 100000};
static const int64_t buffers_ms[] = {50, 100, 200, 500, 1000, 4000};

/* What one message of bulk takes on this link: no queue can be shorter. */
static unsigned message_ms(uint64_t rate)
{
    return (unsigned)(2 * NECK_SEGMENT * 1000 / rate);
}

static void live_stays_young_beside_bulk_on_any_link(void **state)
{
    (void)state;
    for (unsigned k = 0; k < XW_ARRAY_N(kbits); k++)
        for (unsigned b = 0; b < XW_ARRAY_N(buffers_ms); b++) {
            uint64_t rate = kbits[k] * 125, seed = k * 100 + b + 1;
            int64_t delay_us = 5000 + (int64_t)(seed * 7919 % 45000);
            struct source *s = source_new(rate, XW_MIN(rate * 2 / 5, (uint64_t)60000), delay_us,
                                          buffers_ms[b] * 1000, seed);
            run(s, 10000000);
            unsigned begin_p99 = quantile(s->age_ms, s->ages_n, 990);
            forget(s);
            run(s, 20000000);
            unsigned p99 = quantile(s->age_ms, s->ages_n, 990);
            unsigned queue = quantile(s->queue_ms, s->queues_n, 950), share = used(s);
            unsigned delay_ms = (unsigned)(delay_us / 1000);
            print_message(
                "%6llu kbit/s, buffer %4lld ms, delay %2u ms: live p99 %4u ms (first 10 s "
                "%4u), queue p95 %3u ms, used %2u %%, seed %llu\n",
                (unsigned long long)kbits[k], (long long)buffers_ms[b], delay_ms, p99, begin_p99,
                queue, share, (unsigned long long)seed);
            unsigned frame = message_ms(rate) * (kbits[k] < 256 ? 2 : 1);
            assert_true(p99 <= 200 + delay_ms + frame);
            assert_true(begin_p99 <= 900 + delay_ms + frame);
            assert_true(queue <= 100 + 2 * frame);
            assert_true(share >= (kbits[k] <= 256 ? 45 : 60));
            source_free(s);
        }
}

static void a_link_that_narrows_and_widens_is_followed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        uint64_t rate = 125000 * seed;
        struct source *s = source_new(rate * 10, rate * 3 / 10, 20000, 1000000, seed);
        run(s, 15000000);
        s->neck.rate = rate;
        run(s, 4000000);
        forget(s);
        run(s, 10000000);
        unsigned narrow_p99 = quantile(s->age_ms, s->ages_n, 990);
        s->neck.rate = rate * 10;
        run(s, 10000000);
        forget(s);
        run(s, 5000000);
        print_message("narrowed to %llu kbit/s: live p99 %u ms; widened again: used %u %%\n",
                      (unsigned long long)rate / 125, narrow_p99, used(s));
        assert_true(narrow_p99 <= 400);
        assert_true(used(s) >= 60);
        source_free(s);
    }
}

static void without_bulk_live_is_not_held_back(void **state)
{
    (void)state;
    struct source *s = source_new(125000, 100000, 20000, 1000000, 1);
    s->pace.bulk_rate = 0;
    for (unsigned i = 0; i < 20000; i++) {
        neck_step(&s->neck);
        s->pace.tokens = -1;
        step(s);
    }
    assert_true(quantile(s->age_ms, s->ages_n, 990) < 200);
    source_free(s);
}

static void the_rate_and_the_frame_follow_what_the_link_carries(void **state)
{
    (void)state;
    struct source *s = source_new(125000, 20000, 20000, 500000, 3);
    assert_int_equal(xw_pace_frame_n_bytes(&s->pace), XW_LINK_FRAME_MAX_N_BYTES);
    run(s, 10000000);
    assert_in_range(s->pace.link_rate, 100000, 135000);
    assert_in_range(xw_pace_frame_n_bytes(&s->pace), 5000, 6800); /* 50 ms of it */
    assert_int_equal(xw_pace_kernel_rate(&s->pace, 0), UINT64_MAX);
    assert_true(xw_pace_kernel_rate(&s->pace, 1) < 160000);
    xw_pace_close(&s->pace, 0); /* what is live has no socket of its own any more */
    assert_int_equal(xw_pace_kernel_rate(&s->pace, 1), UINT64_MAX);
    source_free(s);
}

static void what_is_not_acknowledged_is_known_by_its_time(void **state)
{
    (void)state;
    struct xw_pace pace;
    struct xw_pace_measure m = {.rtt_us = 60000, .base_rtt_us = 50000, .acked_n_bytes = 1000};
    int64_t now = 1000000;
    xw_pace_init(&pace, now);
    (void)xw_pace_open(&pace, 0, now);
    xw_pace_measured(&pace, 0, now, &m);
    for (now += 50000; now < 60000000; now += 50000) /* idle is not unanswered */
        xw_pace_measured(&pace, 0, now, &m);
    assert_int_equal(xw_pace_unanswered_us(&pace, 0, now), 0);
    m.outstanding_n_bytes = 500;
    int64_t since = now;
    for (; now < since + 4000000; now += 50000)
        xw_pace_measured(&pace, 0, now, &m);
    assert_in_range(xw_pace_unanswered_us(&pace, 0, now), 3800000, 4000000);
    m.acked_n_bytes += 100; /* slow, not dead */
    m.outstanding_n_bytes -= 100;
    xw_pace_measured(&pace, 0, now, &m);
    assert_int_equal(xw_pace_unanswered_us(&pace, 0, now), 0);
}

/* Two sockets on a link that a queue stands on, until now. */
static struct xw_pace busy_until(int64_t now_us)
{
    struct xw_pace pace;
    xw_pace_init(&pace, 0);
    (void)xw_pace_open(&pace, 0, 0);
    (void)xw_pace_open(&pace, 1, 0);
    for (int64_t at = XW_PACE_MEASURE_US; at <= now_us; at += XW_PACE_MEASURE_US) {
        struct xw_pace_measure m = {.rtt_us = 900000,
                                    .base_rtt_us = 30000,
                                    .acked_n_bytes = (uint64_t)at * 8000 / 1000000,
                                    .outstanding_n_bytes = 8000};
        xw_pace_measured(&pace, 0, at, &m);
        xw_pace_measured(&pace, 1, at, &m);
    }
    assert_true(pace.link_rate > 0 && !pace.startup);
    return pace;
}

static void a_socket_that_comes_alone_keeps_what_is_known_of_the_way(void **state)
{
    (void)state;
    struct xw_pace pace = busy_until(2000000);
    uint64_t rate = pace.link_rate;
    xw_pace_close(&pace, 1);
    assert_false(xw_pace_open(&pace, 1, 2100000));
    assert_int_equal(pace.link_rate, rate);
}

static void a_socket_that_comes_when_nothing_flows_begins_anew_beside_a_dead_one(void **state)
{
    (void)state;
    struct xw_pace pace = busy_until(2000000);
    uint64_t outstanding = pace.leg[1].outstanding_n_bytes;
    xw_pace_close(&pace, 0);
    assert_true(xw_pace_open(&pace, 0, 5000000));
    assert_int_equal(pace.link_rate, 0);
    assert_true(pace.startup && pace.leg[0].open && pace.leg[1].open);
    assert_int_equal(pace.leg[1].outstanding_n_bytes, outstanding);
}

static void a_silence_is_no_rate(void **state)
{
    (void)state;
    int64_t now = 2000000;
    struct xw_pace pace = busy_until(now);
    struct xw_pace_measure m = pace.leg[0].last;
    uint64_t rate = pace.link_rate;
    for (int64_t end = now + 4000000; now < end;) {
        now += XW_PACE_MEASURE_US;
        xw_pace_measured(&pace, 0, now, &m);
        xw_pace_measured(&pace, 1, now, &m);
        assert_true(pace.link_rate >= rate * 7 / 8);
    }
    assert_true(pace.silent && xw_pace_silent(&pace, 0) && !pace.acked_rate);
    rate = pace.link_rate;
    for (int64_t end = now + 1000000; now < end;) { /* round trips are those of the silence */
        now += XW_PACE_MEASURE_US;
        m.rtt_us = 2000000;
        m.acked_n_bytes += 1000;
        m.outstanding_n_bytes = 600;
        xw_pace_measured(&pace, 0, now, &m);
        xw_pace_measured(&pace, 1, now, &m);
        assert_true(pace.link_rate >= rate);
    }
    assert_false(pace.silent);
    assert_true(pace.resumed_us > 0 && pace.acked_rate > 0);
}

static void a_dead_socket_beside_a_new_one_makes_it_no_narrower(void **state)
{
    (void)state;
    struct xw_pace pace = busy_until(2000000);
    struct xw_pace_measure dead = pace.leg[1].last;
    struct xw_pace_measure m = {.rtt_us = 60000, .base_rtt_us = 50000};
    dead.segments_n = 20;
    int64_t now = 5000000;
    xw_pace_close(&pace, 0);
    assert_true(xw_pace_open(&pace, 0, now));
    for (int64_t end = now + 3000000; now < end;) {
        now += XW_PACE_MEASURE_US;
        dead.resent_n++; /* it asks, and nobody is there */
        dead.segments_n++;
        m.acked_n_bytes += 1000;
        m.segments_n += 2;
        m.outstanding_n_bytes = 500;
        xw_pace_measured(&pace, 0, now, &m);
        xw_pace_measured(&pace, 1, now, &dead);
    }
    assert_true(xw_pace_silent(&pace, 1) && !xw_pace_silent(&pace, 0) && !pace.silent);
    assert_int_equal(pace.link_rate, 0); /* nothing says that there is a limit */
    assert_true(pace.startup);
}

static void on_a_slow_link_live_gathers_for_a_packet(void **state)
{
    (void)state;
    static const struct {
        uint64_t kbit;
        int64_t low_us, high_us;
    } cases[] = {{64, 120000, 200000}, {256, 38000, 60000}, {5000, 0, 0}};
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        uint64_t rate = cases[i].kbit * 125;
        struct source *s = source_new(rate, rate * 4 / 10, 20000, 500000, 9 + i);
        assert_int_equal(xw_pace_gather_us(&s->pace), 0); /* nothing is known yet */
        run(s, 10000000);
        assert_in_range(xw_pace_gather_us(&s->pace), cases[i].low_us, cases[i].high_us);
        assert_in_range(xw_pace_left(&s->pace), rate * 2 / 10, rate * 8 / 10);
        source_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_stays_young_beside_bulk_on_any_link),
        cmocka_unit_test(a_link_that_narrows_and_widens_is_followed),
        cmocka_unit_test(without_bulk_live_is_not_held_back),
        cmocka_unit_test(the_rate_and_the_frame_follow_what_the_link_carries),
        cmocka_unit_test(a_socket_that_comes_alone_keeps_what_is_known_of_the_way),
        cmocka_unit_test(a_socket_that_comes_when_nothing_flows_begins_anew_beside_a_dead_one),
        cmocka_unit_test(a_silence_is_no_rate),
        cmocka_unit_test(a_dead_socket_beside_a_new_one_makes_it_no_narrower),
        cmocka_unit_test(on_a_slow_link_live_gathers_for_a_packet),
        cmocka_unit_test(what_is_not_acknowledged_is_known_by_its_time),
    };
    return cmocka_run_group_tests_name("link_pace", tests, NULL, NULL);
}
