/* The small parts: lanes and their shares, ledger, ranges on the wire, id table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "link/conn.h"
#include "link/guests.h"
#include "link/idmap.h"
#include "link/lane.h"
#include "link/record.h"
#include "link/tls.h"
#include "proto/study.pb-c.h"

static struct xw_store_block block_at(uint64_t first, size_t size)
{
    static const uint8_t data[20000];
    struct xw_store_block block = {.first = first, .count = 10, .data = data, .size = size};
    block.stream.b[0] = 1;
    return block;
}

static void lanes_go_in_strict_order_and_none_starves(void **state)
{
    (void)state;
    struct xw_lanes lanes;
    struct xw_buf buf;
    size_t sent[XW_LANES_N] = {0};
    xw_lanes_init(&lanes);
    xw_buf_init(&buf, 100000);
    uint64_t at = 0;
    for (unsigned i = 0; i < 3000; i++) {
        for (unsigned lane = 0; lane < XW_LANES_N; lane++)
            while (lanes.lane[lane].n < 3) {
                struct xw_store_block b = block_at(at += 10, 1000);
                assert_int_equal(xw_lanes_block(&lanes, lane, 0, NULL, &b), 0);
            }
        /* Alarm and live have something only now and then. */
        unsigned mask = ~0U;
        if (i % 4)
            mask &= ~(XW_LANE_BIT(XW__LANE__LANE_ALARM) | XW_LANE_BIT(XW__LANE__LANE_LIVE));
        int lane = xw_lanes_next(&lanes, mask);
        assert_true(lane >= 0);
        xw_buf_clear(&buf);
        assert_int_equal(xw_lanes_take(&lanes, (unsigned)lane, 0, 1100, &buf), 0);
        sent[lane] += buf.n;
    }
    for (unsigned lane = 2; lane < XW_LANES_N; lane++)
        assert_true(sent[lane] > 0);
    assert_true(sent[XW__LANE__LANE_STUDY] > 5 * sent[XW__LANE__LANE_BULK]);
    xw_lanes_done(&lanes);
    xw_buf_done(&buf);
}

static void a_message_coalesces_up_to_the_frame_and_never_cuts_a_block(void **state)
{
    (void)state;
    struct xw_lanes lanes;
    struct xw_ledger ledger;
    struct xw_buf buf;
    xw_lanes_init(&lanes);
    xw_ledger_init(&ledger, 100);
    xw_buf_init(&buf, 100000);
    for (uint64_t i = 0; i < 10; i++) {
        struct xw_store_block b = block_at(i * 10, i == 9 ? 17000 : 100);
        assert_int_equal(xw_lanes_block(&lanes, 1, 0, &ledger, &b), 0);
    }
    assert_int_equal(xw_lanes_take(&lanes, 1, 0, 512, &buf), 0);
    assert_true(buf.n <= 512);
    assert_int_equal(ledger.flight[0][0].total, 30);
    assert_int_equal(ledger.queued.total, 70);
    xw_buf_clear(&buf);
    assert_int_equal(xw_lanes_take(&lanes, 1, 1, 16384, &buf), 0);
    assert_int_equal(ledger.flight[1][0].total, 60);
    xw_buf_clear(&buf);
    assert_int_equal(xw_lanes_take(&lanes, 1, 1, 256, &buf), 0); /* larger than the frame: alone */
    assert_true(buf.n > 17000);
    assert_int_equal(lanes.lane[1].bytes, 0);
    xw_ledger_done(&ledger);
    xw_lanes_done(&lanes);
    xw_buf_done(&buf);
}

static void a_full_lane_refuses(void **state)
{
    (void)state;
    struct xw_lanes lanes;
    struct xw_store_block b = block_at(0, 20000);
    int r = 0;
    xw_lanes_init(&lanes);
    for (unsigned i = 0; i < 1000 && r >= 0; i++)
        r = xw_lanes_block(&lanes, XW__LANE__LANE_BACKFILL, 0, NULL, &b);
    assert_int_equal(r, -EAGAIN);
    assert_true(lanes.lane[XW__LANE__LANE_BACKFILL].bytes <= 1024 * 1024);
    assert_int_equal(lanes.lane[XW__LANE__LANE_BACKFILL].refused_n, 1);
    xw_lanes_done(&lanes);
}

static void what_waited_too_long_is_missing_again(void **state)
{
    (void)state;
    struct xw_lanes lanes;
    struct xw_ledger ledger;
    struct xw_range gap;
    struct xw_store_block a = block_at(0, 10), b = block_at(10, 10);
    xw_lanes_init(&lanes);
    xw_ledger_init(&ledger, 100);
    assert_int_equal(xw_lanes_block(&lanes, 1, 0, &ledger, &a), 0);
    assert_int_equal(xw_lanes_block(&lanes, 1, 1500000, &ledger, &b), 0);
    assert_false(xw_ledger_oldest(&ledger, 0, 20, &gap));
    assert_int_equal(xw_lanes_expire(&lanes, 1, 2100000, 2000000), 1);
    assert_true(xw_ledger_oldest(&ledger, 0, 20, &gap));
    assert_true(gap.first == 0 && gap.end == 10);
    xw_ledger_done(&ledger);
    xw_lanes_done(&lanes);
}

static void nothing_in_a_ledger_is_forgotten(void **state)
{
    (void)state;
    struct xw_ledger l;
    struct xw_ranges known;
    struct xw_range r;
    xw_ledger_init(&l, 100);
    xw_ranges_init(&known, 100);
    assert_true(xw_ranges_add(&known, 0, 100) >= 0);
    xw_ledger_queued(&l, (struct xw_range){0, 50});
    xw_ledger_sent(&l, 0, (struct xw_range){0, 20});
    xw_ledger_sent(&l, 1, (struct xw_range){20, 40});
    xw_ledger_acked(&l, (struct xw_range){10, 30});
    assert_true(xw_ledger_newest(&l, &known, &r) && r.first == 50 && r.end == 100);
    assert_int_equal(xw_ledger_behind(&l, &known), 80);
    xw_ledger_lost(&l, 1);
    assert_true(xw_ledger_oldest(&l, 0, 100, &r) && r.first == 30 && r.end == 40);
    assert_int_equal(xw_ledger_age(&l), 0);
    assert_int_equal(xw_ledger_age(&l), 10); /* 0..9, twice as long in flight */
    assert_true(xw_ledger_oldest(&l, 0, 100, &r) && r.first == 0 && r.end == 10);
    xw_ledger_wanted(&l, (struct xw_range){10, 20});
    assert_true(xw_ledger_oldest(&l, 0, 100, &r) && r.end == 20);
    assert_false(l.broken);
    xw_ranges_done(&known);
    xw_ledger_done(&l);
}

static void too_many_ranges_become_a_superset(void **state)
{
    (void)state;
    struct xw_ranges set;
    Xw__Range range[4], *pointers[4];
    xw_ranges_init(&set, 100);
    for (uint64_t i = 0; i < 10; i++)
        assert_true(xw_ranges_add(&set, i * 10, i * 10 + 5) >= 0);
    assert_int_equal(xw_wire_ranges(&set, range, pointers, 4), 4);
    assert_int_equal(range[0].first, 0);
    assert_int_equal(range[0].first + range[0].count, 65);
    assert_int_equal(range[3].first, 90);
    xw_ranges_done(&set);
}

static void the_id_table_finds_what_is_in_it(void **state)
{
    (void)state;
    struct xw_idmap map;
    static struct xw_uuid ids[500];
    xw_idmap_init(&map, 500);
    for (unsigned i = 0; i < 500; i++) {
        const struct xw_part part = {&i, sizeof(i)};
        ids[i] = xw_uuid_v8(&part, 1);
        assert_int_equal(xw_idmap_put(&map, &ids[i], &ids[i]), 0);
    }
    assert_int_equal(xw_idmap_put(&map, &(struct xw_uuid){{9}}, ids), -EOVERFLOW);
    for (unsigned i = 0; i < 500; i += 2)
        xw_idmap_delete(&map, &ids[i]);
    for (unsigned i = 0; i < 500; i++)
        assert_ptr_equal(xw_idmap_get(&map, &ids[i]), i % 2 ? &ids[i] : NULL);
    assert_int_equal(map.n, 250);
    xw_idmap_done(&map);
}

static void records_take_the_lane_of_their_urgency(void **state)
{
    (void)state;
    struct xw_store_record beat = {.kind = XW__RECORD_KIND__RECORD_EVENT,
                                   .event_kind = XW__EVENT_KIND__EVENT_BEAT};
    struct xw_store_record alarm = {.kind = XW__RECORD_KIND__RECORD_EVENT,
                                    .event_kind = XW__EVENT_KIND__EVENT_RHYTHM,
                                    .priority = XW__PRIORITY__PRIORITY_HIGH};
    struct xw_store_record study = {.kind = XW__RECORD_KIND__RECORD_STUDY};
    assert_int_equal(xw_record_lane(&beat, false), XW__LANE__LANE_LIVE);
    assert_int_equal(xw_record_lane(&beat, true), XW__LANE__LANE_BACKFILL);
    assert_int_equal(xw_record_lane(&alarm, true), XW__LANE__LANE_ALARM);
    assert_int_equal(xw_record_lane(&study, true), XW__LANE__LANE_STUDY);
}

static void clock_exchanges_survive_a_step_of_the_wall_clock(void **state)
{
    (void)state;
    struct xw_clock ours, theirs;
    struct xw_conn conn;
    struct xw_conn_time time;
    xw_clock_fake_init(&ours, 1000, 5000000);
    xw_clock_fake_init(&theirs, 9, 5003000);
    xw_conn_init(&conn, &ours);
    conn.state = XW_CONN_OPEN;
    xw_conn_tick(&conn, &ours);
    Xw__Clock answer = XW__CLOCK__INIT;
    answer.origin_us = conn.clock_origin_us;
    xw_clock_fake_advance(&ours, 10000);
    xw_clock_fake_advance(&theirs, 10000);
    answer.receive_us = answer.transmit_us = xw_clock_wall(&theirs).us;
    xw_clock_fake_advance(&ours, 10000);
    xw_clock_fake_step_wall(&ours, -1000000);
    assert_int_equal(xw_conn_clock(&conn, &ours, &answer, &time), 1);
    assert_int_equal(time.rtt_us, 20000);
    assert_int_equal(time.offset_us, 3000);
    assert_int_equal(xw_conn_clock(&conn, &ours, &answer, &time), 0); /* only once */
    answer.receive_us = INT64_MIN;
    answer.transmit_us = INT64_MAX;
    answer.origin_us = conn.clock_origin_us = INT64_MAX;
    assert_int_equal(xw_conn_clock(&conn, &ours, &answer, &time), 0); /* absurd, and harmless */
    xw_conn_done(&conn);
}

static void a_crowd_at_the_port_makes_room_for_the_others(void **state)
{
    (void)state;
    static struct xw_guests g;
    static char crowd[2000], honest[3];
    size_t crowd_n = 0, put_out_n = 0;
    xw_guests_init(&g, 100);
    memset(g.key, 1,
           sizeof(g.key)); /* with a random one two of the addresses are one, one time in 500 */
    for (size_t i = 0; i < XW_ARRAY_N(crowd); i++) {
        if (i == 50 || i == 500 || i == 1500) { /* gateways come in between, and need a while */
            size_t who = i == 50 ? 0 : i == 500 ? 1 : 2;
            xw_guests_expect_text(&g, who ? "192.0.2.1" : "2001:db8::1");
            const void *out = xw_guests_came(&g, &honest[who]);
            assert_true(!out || ((const char *)out >= crowd && (const char *)out < crowd + i));
            put_out_n += out != NULL;
        }
        xw_guests_expect_text(&g, "198.51.100.7");
        const void *out = xw_guests_came(&g, &crowd[i]);
        crowd_n++;
        if (!out)
            continue;
        assert_ptr_equal(out, &crowd[put_out_n]); /* the one that waits longest */
        put_out_n++;
    }
    assert_int_equal(g.n, 100);
    assert_int_equal(put_out_n, crowd_n + 3 - 100);
    xw_guests_went(&g, &honest[1]);
    xw_guests_went(&g, &honest[1]); /* again: nothing */
    assert_int_equal(g.n, 99);
    xw_guests_expect_text(&g, "203.0.113.3");
    assert_null(xw_guests_came(&g, &honest[1]));
}

/* Nothing but the times was wrong; is it our clock? */
static void a_clock_that_is_wrong_is_no_reason_to_distrust_the_county(void **state)
{
    enum { DAY = 86400, NOW = 1800000000 };
    (void)state;
    struct xw_cert_facts own = {.from_s = NOW - 10 * DAY, .until_s = NOW + 355 * DAY};
    struct xw_cert_facts server = {.from_s = NOW - 100 * DAY, .until_s = NOW + 630 * DAY};
    struct xw_cert_facts renewed = {.from_s = NOW - DAY, .until_s = NOW + 730 * DAY};
    struct xw_cert_facts ended = {.from_s = NOW - 700 * DAY, .until_s = NOW - DAY};
    struct xw_cert_facts old = {.from_s = NOW - 900 * DAY, .until_s = NOW - 170 * DAY};
    assert_true(xw_tls_clock_excuses(&own, &server, 0));  /* 1970 */
    assert_true(xw_tls_clock_excuses(&own, &renewed, 0)); /* though we never saw it */
    assert_true(xw_tls_clock_excuses(&own, &server, NOW + INT64_C(3000) * DAY));
    assert_true(xw_tls_clock_excuses(&own, &renewed, NOW - 5 * DAY)); /* some days behind */
    assert_false(xw_tls_clock_excuses(&own, &ended, NOW)); /* our clock is good: it has expired */
    assert_false(xw_tls_clock_excuses(&own, &old, 0));     /* never good together with ours */
    assert_false(xw_tls_clock_excuses(&own, &old, NOW + INT64_C(3000) * DAY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_go_in_strict_order_and_none_starves),
        cmocka_unit_test(a_message_coalesces_up_to_the_frame_and_never_cuts_a_block),
        cmocka_unit_test(a_full_lane_refuses),
        cmocka_unit_test(what_waited_too_long_is_missing_again),
        cmocka_unit_test(nothing_in_a_ledger_is_forgotten),
        cmocka_unit_test(too_many_ranges_become_a_superset),
        cmocka_unit_test(the_id_table_finds_what_is_in_it),
        cmocka_unit_test(records_take_the_lane_of_their_urgency),
        cmocka_unit_test(clock_exchanges_survive_a_step_of_the_wall_clock),
        cmocka_unit_test(a_crowd_at_the_port_makes_room_for_the_others),
        cmocka_unit_test(a_clock_that_is_wrong_is_no_reason_to_distrust_the_county),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
