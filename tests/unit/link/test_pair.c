/* Both ends of the link back to back: what must arrive arrives, once, whatever is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "unit/link/rig.h"

static void link_up(struct rig *rig)
{
    rig_connect(rig, 0);
    rig_run(rig, 20000);
    rig_connect(rig, 1);
    rig_run(rig, 50000);
    assert_true(rig->linked);
}

static void live_blocks_arrive_at_once_and_are_released_after_the_commit(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    struct rig_stream *s = rig_add_stream(rig);
    link_up(rig);
    model_hold(rig->archive, true);
    rig_block(rig, s, 20);
    rig_flow(rig);
    assert_int_equal(s->shown.total, 20);
    assert_true(rig->last_live);
    rig_run(rig, 300000);
    assert_int_equal(rig_released(rig->spool, s)->total, 0); /* not durable: not acknowledged */
    model_hold(rig->archive, false);
    rig_run(rig, 300000);
    assert_int_equal(rig_released(rig->spool, s)->total, 20);
    assert_int_equal(s->stored.total, 20);
    rig_check_all(rig);
    rig_free(rig);
}

static void an_outage_heals_and_the_present_comes_first(void **state)
{
    (void)state;
    struct rig *rig = rig_new(2);
    struct rig_stream *s = rig_add_stream(rig);
    for (unsigned i = 0; i < 1000; i++) /* 40 s off line */
        rig_block(rig, s, 20);
    uint64_t present = s->end;
    rig->pipe[0].window = rig->pipe[1].window = 2000;
    link_up(rig);
    rig_block(rig, s, 20);
    rig_flow(rig);
    assert_true(xw_ranges_contains(&s->shown, present));
    rig_run(rig, 20000000);
    rig_check_all(rig);
    assert_int_equal(rig_released(rig->spool, s)->total, s->end);
    rig_free(rig);
}

static void one_socket_carries_everything(void **state)
{
    (void)state;
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++) {
        struct rig *rig = rig_new(3);
        struct rig_stream *s = rig_add_stream(rig);
        for (unsigned i = 0; i < 50; i++)
            rig_block(rig, s, 20);
        rig_connect(rig, role);
        for (unsigned i = 0; i < 50; i++) {
            rig_block(rig, s, 20);
            rig_record(rig, s, i % 10 == 0);
            rig_county_record(rig);
            rig_run(rig, 40000);
        }
        rig_run(rig, 5000000);
        rig_check_all(rig);
        rig_free(rig);
    }
}

static void the_loss_of_either_socket_loses_nothing(void **state)
{
    (void)state;
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++) {
        struct rig *rig = rig_new(4 + role);
        struct rig_stream *s = rig_add_stream(rig);
        link_up(rig);
        uint64_t events = rig->gateway_events;
        for (unsigned i = 0; i < 200; i++) {
            rig_block(rig, s, 20);
            rig_record(rig, s, false);
            if (i == 60)
                rig_cut(rig, role, 1);
            if (i == 120)
                rig_connect(rig, role);
            rig_run(rig, 40000);
        }
        rig_run(rig, 3000000);
        assert_int_equal(rig->gateway_events, events); /* the session went on */
        rig_check_all(rig);
        rig_free(rig);
    }
}

static void a_live_block_does_not_overtake_its_streams_announcement(void **state)
{
    (void)state;
    struct rig *rig = rig_new(18);
    rig_add_stream(rig);
    link_up(rig);
    rig_cut(rig, 0, 0);
    rig->pipe[1].stalled = true;
    struct rig_stream *s = rig_add_stream(rig); /* its announcement waits in the bulk socket */
    rig_run(rig, 20000);
    rig_connect(rig, 0);
    rig_run(rig, 50000);
    rig_block(rig, s, 20);
    rig_run(rig, 500000);
    assert_true(rig->pipe[0].up); /* not closed with STATE */
    rig->pipe[1].stalled = false;
    rig_run(rig, 1000000);
    rig_check_all(rig);
    rig_free(rig);
}

static void a_block_too_late_for_live_is_healed(void **state)
{
    (void)state;
    struct rig *rig = rig_new(6);
    struct rig_stream *s = rig_add_stream(rig);
    link_up(rig);
    rig->pipe[0].stalled = rig->pipe[1].stalled = true;
    rig->pipe[0].window = 1;
    for (unsigned i = 0; i < 75; i++) { /* 3 s */
        rig_block(rig, s, 20);
        rig_run(rig, 40000);
    }
    rig->pipe[0].stalled = rig->pipe[1].stalled = false;
    rig->pipe[0].window = 0;
    rig_run(rig, 3000000);
    rig_check_all(rig);
    rig_free(rig);
}

static void records_go_both_ways_once_and_alarms_overtake_the_backlog(void **state)
{
    (void)state;
    struct rig *rig = rig_new(7);
    struct rig_stream *s = rig_add_stream(rig);
    for (unsigned i = 0; i < 3000; i++) {
        rig_record(rig, s, i == 1500);
        if (i % 10 == 0)
            rig_county_record(rig);
    }
    rig->pipe[0].window = 4000;
    link_up(rig);
    rig_run(rig, 20000000);
    rig_check_all(rig);
    assert_int_equal(rig->records_told, rig->records_made);
    assert_int_equal(rig->county_records_told, rig->county_records_made);
    rig_free(rig);
}

static void a_county_restored_from_a_backup_gets_the_day_back(void **state)
{
    (void)state;
    struct rig *rig = rig_new(8);
    struct rig_stream *s = rig_add_stream(rig);
    link_up(rig);
    for (unsigned i = 0; i < 100; i++) {
        rig_block(rig, s, 20);
        rig_run(rig, 40000);
    }
    rig_run(rig, 1000000);
    assert_int_equal(rig_released(rig->spool, s)->total, s->end);
    rig_cut(rig, 0, 0);
    rig_cut(rig, 1, 0);
    model_restore(rig->archive, &s->id, 500, 0);
    rig_restart_county(rig);
    rig_connect(rig, 0);
    rig_run(rig, 20000);
    rig_connect(rig, 1);
    rig_run(rig, 30000);
    rig_run(rig, 5000000);
    rig_check_all(rig);
    assert_int_equal(rig_released(rig->spool, s)->total, s->end);
    rig_free(rig);
}

static void a_refusing_store_is_never_acknowledged_and_live_goes_on(void **state)
{
    (void)state;
    struct rig *rig = rig_new(9);
    struct rig_stream *s = rig_add_stream(rig);
    link_up(rig);
    model_fail(rig->archive, -ENOSPC);
    for (unsigned i = 0; i < 100; i++) {
        rig_block(rig, s, 20);
        rig_record(rig, s, i == 50);
        rig_run(rig, 40000);
    }
    assert_int_equal(s->shown.total, s->end);
    assert_int_equal(rig_released(rig->spool, s)->total, 0);
    assert_true(rig->linked);
    model_fail(rig->archive, 0);
    rig_run(rig, 5000000); /* the store takes again, and what it refused is asked for */
    rig_check_all(rig);
    rig_free(rig);
}

static void blocks_that_replace_an_acknowledged_gap_arrive(void **state)
{
    (void)state;
    struct rig *rig = rig_new(10);
    struct rig_stream *s = rig_add_stream(rig);
    link_up(rig);
    rig_block(rig, s, 20);
    struct xw_store_gap gap = {s->id, {20, 40}, XW__GAP_REASON__GAP_DEVICE};
    model_put_gap(rig->spool, &gap);
    xw_glink_gap(rig->glink, &gap);
    rig_run(rig, 1000000);
    assert_true(xw_ranges_covers(rig_known(rig->archive, s), 0, 40));
    rig_cut(rig, 0, 0);
    rig_cut(rig, 1, 0);
    rig_block_spool_only(rig, s, 20); /* while off line: the device had it after all */
    rig_connect(rig, 0);
    rig_run(rig, 2000000);
    rig_check_all(rig);
    rig_free(rig);
}

/* They wait in the lane together, as they do on a busy machine: one message must not turn them
 * around, or those who watch never see the gap. */
static void a_gap_is_told_before_the_blocks_behind_it(void **state)
{
    (void)state;
    struct rig *rig = rig_new(14);
    struct rig_stream *s = rig_add_stream(rig);
    link_up(rig);
    rig_run(rig, 1000000);
    for (unsigned i = 0; i < 3; i++) {
        rig_block(rig, s, 20);
        struct xw_store_gap gap = {s->id, {s->end, s->end + 30}, XW__GAP_REASON__GAP_DEVICE};
        model_put_gap(rig->spool, &gap);
        xw_glink_gap(rig->glink, &gap);
        s->end += 30;
        rig_block(rig, s, 20);
    }
    rig_run(rig, 1000000);
    assert_int_equal(s->gaps_n, 3);
    assert_int_equal(s->gaps_behind, 0);
    assert_true(xw_ranges_covers(rig_known(rig->archive, s), 0, s->end));
    rig_free(rig);
}

static void an_unreadable_block_does_not_stop_the_rest(void **state)
{
    (void)state;
    struct rig *rig = rig_new(11);
    struct rig_stream *s = rig_add_stream(rig);
    for (unsigned i = 0; i < 100; i++)
        rig_block(rig, s, 20);
    model_break(rig->spool, &s->id, (struct xw_range){400, 420});
    link_up(rig);
    rig_run(rig, 3000000);
    assert_int_equal(rig_known(rig->archive, s)->total, s->end - 20);
    assert_int_equal(rig_released(rig->spool, s)->total, s->end - 20);
    rig_free(rig);
}

static void ephemeral_messages_go_both_ways(void **state)
{
    (void)state;
    struct rig *rig = rig_new(12);
    link_up(rig);
    assert_true(xw_glink_ephemeral(rig->glink, "probe", "x", 1) >= 0);
    rig_flow(rig);
    assert_string_equal(rig->last_topic, "probe");
    assert_true(xw_clink_ephemeral(rig->clink, "town-a", "presence/a", NULL, 0) >= 0);
    rig_flow(rig);
    assert_string_equal(rig->last_topic, "presence/a");
    assert_int_equal(rig->ephemeral_n, 2);
    assert_int_equal(xw_clink_ephemeral(rig->clink, "town-b", "x", NULL, 0), -ENOTCONN);
    rig_free(rig);
}

static void an_object_is_resumed_where_it_was_cut(void **state)
{
    (void)state;
    enum { SIZE = 700001 };
    struct rig *rig = rig_new(13);
    uint8_t *data = malloc(SIZE), sha256[32];
    assert_non_null(data);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)rig_random(rig, 256);
    crypto_hash_sha256(sha256, data, SIZE);
    model_put_object(rig->spool, sha256, "application/dicom", data, SIZE);
    assert_int_equal(xw_glink_object(rig->glink, sha256), 0);
    struct xw_store_object object;
    rig->pipe[0].window = 3000;
    for (unsigned cuts = 0; cuts < 3; cuts++) {
        rig_connect(rig, 0);
        rig_run(rig, 200000);
        rig_cut(rig, 0, 2);
    }
    model_run(rig->archive);
    assert_int_equal(xw_store_object(rig->archive, sha256, &object), 0);
    assert_true(object.held > 0 && !object.verified);
    uint64_t held = object.held;
    link_up(rig);
    rig_run(rig, 20000000);
    assert_int_equal(xw_store_object(rig->archive, sha256, &object), 0);
    assert_true(object.verified);
    assert_true(held > 0);
    assert_int_equal(rig->object_calls, 1);
    assert_int_equal(rig->object_status, 0);
    /* Offered again: the county has it, one message and it is known. */
    assert_int_equal(xw_glink_object(rig->glink, sha256), 0);
    rig_run(rig, 1000000);
    assert_int_equal(rig->object_calls, 2);
    free(data);
    rig_free(rig);
}

static void a_false_object_is_given_up(void **state)
{
    (void)state;
    struct rig *rig = rig_new(14);
    uint8_t sha256[32] = {1, 2, 3}, data[5000] = {0};
    model_put_object(rig->archive, sha256, "image/png", data, sizeof(data));
    link_up(rig);
    assert_int_equal(xw_clink_object(rig->clink, "town-a", sha256), 0);
    rig_run(rig, 3000000);
    struct xw_store_object object;
    assert_int_equal(xw_store_object(rig->spool, sha256, &object), 0);
    assert_false(object.verified);
    rig_free(rig);
}

static void a_narrow_uplink_suspends_streams_and_says_so(void **state)
{
    (void)state;
    struct rig *rig = rig_new(15);
    for (unsigned i = 0; i < 4; i++)
        rig_add_stream(rig);
    rig_record(rig, &rig->stream[2], true);
    link_up(rig);
    rig->pipe[0].window = 2000;
    rig->pipe[0].rate = 50; /* 5 kB/s; the four need 17 */
    for (unsigned i = 0; i < 100; i++) {
        for (unsigned k = 0; k < 4; k++)
            rig_block(rig, &rig->stream[k], 20);
        rig_run(rig, 40000);
    }
    assert_true(rig->suspended_n > 0);
    struct xw_uplink_lane pictures;
    xw_glink_lane(rig->glink, XW__LANE__LANE_VIDEO, &pictures);
    assert_true(pictures.held); /* they gave way first */
    rig->pipe[0].rate = 0;
    rig->pipe[0].window = 0;
    for (unsigned i = 0; i < 1500; i++) {
        for (unsigned k = 0; k < 4; k++)
            rig_block(rig, &rig->stream[k], 20);
        rig_run(rig, 40000);
    }
    assert_int_equal(rig->suspended_n, 0);
    xw_glink_lane(rig->glink, XW__LANE__LANE_VIDEO, &pictures);
    assert_false(pictures.held);
    rig_run(rig, 2000000);
    rig_check_all(rig);
    rig_free(rig);
}

static void a_silent_link_is_found_dead_within_five_seconds(void **state)
{
    (void)state;
    struct rig *rig = rig_new(16);
    rig_add_stream(rig);
    link_up(rig);
    rig->pipe[0].stalled = rig->pipe[1].stalled = true;
    rig_run(rig, 5000000);
    assert_int_equal(rig->pipe[0].gateway.state, XW_CONN_ENDED);
    assert_int_equal(rig->pipe[0].county.state, XW_CONN_ENDED);
    rig_free(rig);
}

/* The whole machine stands still for a minute: what came meanwhile is read before anybody is
 * judged. */
static void a_machine_that_stood_still_does_not_blame_its_peer(void **state)
{
    (void)state;
    struct rig *rig = rig_new(18);
    rig_add_stream(rig);
    link_up(rig);
    xw_clock_fake_advance(&rig->clock, 60000000);
    rig_run(rig, 3000000);
    assert_int_equal(rig->pipe[0].gateway.state, XW_CONN_OPEN);
    assert_int_equal(rig->pipe[0].county.state, XW_CONN_OPEN);
    rig->pipe[0].stalled = rig->pipe[1].stalled = true; /* and a dead link is still found dead */
    rig_run(rig, 5000000);
    assert_int_equal(rig->pipe[0].gateway.state, XW_CONN_ENDED);
    assert_int_equal(rig->pipe[0].county.state, XW_CONN_ENDED);
    rig_free(rig);
}

static void clocks_are_compared(void **state)
{
    (void)state;
    struct rig *rig = rig_new(17);
    struct xw_glink_figures f;
    link_up(rig);
    rig_run(rig, 5000000);
    xw_glink_figures(rig->glink, &f);
    assert_true(f.offset_known);
    assert_true(llabs((long long)f.offset_us) <= (long long)f.uncertainty_us); /* one clock */
    rig_free(rig);
}

/* Random cuts, half-open sockets, restarts of both, held commits: at the end all is there once. */
static void everything_arrives_once_whatever_is_cut(void **state)
{
    (void)state;
    const char *text = getenv("XW_TEST_SEED");
    uint64_t first = text ? strtoull(text, NULL, 10) : 1, rounds = text ? 1 : 40;
    for (uint64_t seed = first; seed < first + rounds; seed++) {
        fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
        struct rig *rig = rig_new(seed);
        rig->old_county = seed % 5 == 0;
        for (unsigned i = 0; i < 3; i++)
            rig_add_stream(rig);
        for (unsigned i = 0; i < 400; i++) {
            for (size_t k = 0; k < rig->streams_n; k++) {
                uint32_t count = 1 + (uint32_t)rig_random(rig, 40);
                switch (rig_random(rig, 12)) {
                case 0:
                    rig_block_spool_only(rig, &rig->stream[k], count);
                    break;
                case 1:
                    rig_record(rig, &rig->stream[k], rig_random(rig, 4) == 0);
                    break;
                default:
                    rig_block(rig, &rig->stream[k], count);
                }
            }
            unsigned role = (unsigned)rig_random(rig, 2);
            switch (rig_random(rig, 30)) {
            case 0:
                rig_cut(rig, role, rig_random(rig, 4));
                break;
            case 1:
                rig_cut_half(rig, role);
                break;
            case 2:
                model_hold(rig->archive, rig_random(rig, 2));
                break;
            case 3:
                rig->pipe[role].window = rig_random(rig, 2) ? 0 : 1 + rig_random(rig, 5000);
                break;
            case 4:
                rig->pipe[role].stalled = rig_random(rig, 2);
                break;
            case 5:
                if (rig_random(rig, 3) == 0)
                    rig_restart_county(rig);
                break;
            case 6:
                if (rig_random(rig, 3) == 0)
                    rig_restart_gateway(rig);
                break;
            case 7:
                rig_county_record(rig);
                break;
            case 8:
                model_fail(rig->archive, rig_random(rig, 2) ? -ENOSPC : 0);
                break;
            default:
                if (rig_random(rig, 3) == 0)
                    rig_connect(rig, role);
            }
            rig_run(rig, 40000);
        }
        model_hold(rig->archive, false);
        model_fail(rig->archive, 0);
        for (unsigned role = 0; role < XW_LINK_ROLES_N; role++) {
            rig->pipe[role].stalled = false;
            rig->pipe[role].window = 0;
        }
        for (unsigned i = 0; i < 100 && !rig_all_there(rig); i++) {
            rig_connect(rig, i & 1);
            rig_run(rig, 300000);
        }
        rig_check_all(rig);
        rig_free(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_blocks_arrive_at_once_and_are_released_after_the_commit),
        cmocka_unit_test(an_outage_heals_and_the_present_comes_first),
        cmocka_unit_test(one_socket_carries_everything),
        cmocka_unit_test(the_loss_of_either_socket_loses_nothing),
        cmocka_unit_test(a_live_block_does_not_overtake_its_streams_announcement),
        cmocka_unit_test(a_block_too_late_for_live_is_healed),
        cmocka_unit_test(records_go_both_ways_once_and_alarms_overtake_the_backlog),
        cmocka_unit_test(a_county_restored_from_a_backup_gets_the_day_back),
        cmocka_unit_test(a_refusing_store_is_never_acknowledged_and_live_goes_on),
        cmocka_unit_test(blocks_that_replace_an_acknowledged_gap_arrive),
        cmocka_unit_test(a_gap_is_told_before_the_blocks_behind_it),
        cmocka_unit_test(an_unreadable_block_does_not_stop_the_rest),
        cmocka_unit_test(ephemeral_messages_go_both_ways),
        cmocka_unit_test(an_object_is_resumed_where_it_was_cut),
        cmocka_unit_test(a_false_object_is_given_up),
        cmocka_unit_test(a_narrow_uplink_suspends_streams_and_says_so),
        cmocka_unit_test(a_silent_link_is_found_dead_within_five_seconds),
        cmocka_unit_test(a_machine_that_stood_still_does_not_blame_its_peer),
        cmocka_unit_test(clocks_are_compared),
        cmocka_unit_test(everything_arrives_once_whatever_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
