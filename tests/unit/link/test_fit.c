/* What fits into a narrow uplink: both sockets share one simulated way, first come first served.
 * Streams leave when they do not fit, stay when only backfill is in the way, and come back soon
 * when there is room, however much of their past is still owed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/link/rig.h"

enum {
    BLOCK_N = 20,
    BLOCK_US = 40000,
    SECOND_N = 1000000 / BLOCK_US,
    STREAM_N_BYTES = 3500,  /* a second of one stream with all that it costs, about */
    WINDOW_N_BYTES = 16000, /* what the kernel takes ahead of the way */
};

struct seen {
    unsigned suspended_most, changes_n, late_n, looks_n;
    double back_s; /* none was suspended any more since then */
};

/* All streams go on for so long. */
static struct seen go_on(struct rig *rig, unsigned seconds)
{
    struct seen seen = {0};
    struct xw_uplink_lane live;
    uint64_t before_n = rig->suspended_n;
    for (unsigned i = 0; i < seconds * SECOND_N; i++) {
        for (size_t k = 0; k < rig->streams_n; k++)
            rig_block(rig, &rig->stream[k], BLOCK_N);
        rig_run(rig, BLOCK_US);
        xw_glink_lane(rig->glink, XW__LANE__LANE_LIVE, &live);
        seen.suspended_most = XW_MAX(seen.suspended_most, (unsigned)rig->suspended_n);
        seen.changes_n += rig->suspended_n != before_n;
        seen.late_n += live.oldest_us > 700000;
        seen.looks_n++;
        before_n = rig->suspended_n;
        if (rig->suspended_n)
            seen.back_s = (double)(i + 1) / SECOND_N;
    }
    return seen;
}

static void way(struct rig *rig, unsigned streams)
{
    rig->way_rate = (long)streams * STREAM_N_BYTES / 100;
    rig->pipe[0].window = rig->pipe[1].window = WINDOW_N_BYTES;
}

static struct rig *linked(uint64_t seed, unsigned streams)
{
    struct rig *rig = rig_new(seed);
    for (unsigned i = 0; i < streams; i++)
        rig_add_stream(rig);
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++) {
        rig_connect(rig, role);
        rig_run(rig, 100000);
    }
    return rig;
}

static void finish(struct rig *rig)
{
    rig->way_rate = 0;
    rig->pipe[0].window = rig->pipe[1].window = 0;
    rig_run(rig, 60000000);
    rig_check_all(rig);
    rig_free(rig);
}

static void streams_come_back_soon_though_their_past_is_owed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct rig *rig = linked(seed, 2);
        way(rig, 1);
        struct seen narrow = go_on(rig, 40);
        assert_int_equal(narrow.suspended_most, 1);
        rig->way_rate = rig->way_rate * (25 + (long)seed) / 10; /* both fit, just */
        struct seen wider = go_on(rig, 40);
        struct xw_glink_figures figures;
        xw_glink_figures(rig->glink, &figures);
        print_message("seed %llu: back after %.1f s, then %llu samples owed, late %u of %u\n",
                      (unsigned long long)seed, wider.back_s,
                      (unsigned long long)figures.backlog_samples, wider.late_n, wider.looks_n);
        assert_true(wider.back_s <= 8);
        assert_true(wider.changes_n <= 1);
        finish(rig);
    }
}

static void backfill_gives_way_before_a_stream_does(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct rig *rig = linked(seed, 2);
        for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
            rig_cut(rig, role, 0);
        for (unsigned i = 0; i < 60 * SECOND_N; i++)
            for (unsigned k = 0; k < 2; k++)
                rig_block_spool_only(rig, &rig->stream[k], BLOCK_N);
        way(rig, 1);
        rig->way_rate = rig->way_rate * (27 + (long)seed) / 10;
        for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
            rig_connect(rig, role);
        struct seen seen = go_on(rig, 60);
        print_message("seed %llu: suspended at most %u, late %u of %u\n", (unsigned long long)seed,
                      seen.suspended_most, seen.late_n, seen.looks_n);
        assert_int_equal(seen.suspended_most, 0);
        assert_true(seen.late_n * 20 <= seen.looks_n);
        finish(rig);
    }
}

static void what_does_not_fit_is_not_tried_again_and_again(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct rig *rig = linked(seed, 3);
        way(rig, 2);
        struct seen seen = go_on(rig, 180);
        print_message("seed %llu: suspended at most %u, %u changes, late %u of %u\n",
                      (unsigned long long)seed, seen.suspended_most, seen.changes_n, seen.late_n,
                      seen.looks_n);
        assert_in_range(seen.suspended_most, 1, 2);
        assert_in_range(rig->suspended_n, 1, 2);
        assert_true(seen.changes_n <= 13);
        assert_true(seen.late_n * 10 <= seen.looks_n);
        finish(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_come_back_soon_though_their_past_is_owed),
        cmocka_unit_test(backfill_gives_way_before_a_stream_does),
        cmocka_unit_test(what_does_not_fit_is_not_tried_again_and_again),
    };
    return cmocka_run_group_tests_name("link_fit", tests, NULL, NULL);
}
