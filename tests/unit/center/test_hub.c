/* The hub: what reaches a browser, what is dropped, and that it is told. */
#include "hub_fixture.h"

#include "base/block.h"

#include <stdarg.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#define KIND(name) XW__LIVE_MESSAGE__BODY_##name

static struct xw_hub_socket *open_socket(struct fixture *f, const char *site)
{
    struct xw_hub_socket *socket;
    assert_int_equal(xw_hub_socket_new(f->hub, site, f, &socket), 0);
    return socket;
}

static void watch(struct xw_hub_socket *socket, uint8_t n, uint32_t history_ms)
{
    struct xw_uuid id = fixture_id(n);
    assert_int_equal(xw_hub_watch(socket, &id, history_ms), 0);
}

static void the_first_message_is_hello(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    Xw__LiveMessage *m = fixture_next(socket);
    assert_int_equal(m->body_case, KIND(HELLO));
    assert_int_equal(m->hello->version, 1);
    assert_int_equal(m->hello->county_wall_us, 1800000000000000);
    xw__live_message__free_unpacked(m, NULL);
    assert_null(fixture_next(socket));
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

static void blocks_arrive_whole_in_order_and_once(void **state)
{
    struct fixture f;
    uint64_t next = 0;
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    watch(socket, 1, 0);
    fixture_drain(socket, KIND(HELLO));
    for (unsigned i = 0; i < 200; i++) {
        fixture_block(&f, 1, i * FIXTURE_BLOCK, true);
        if (i % 3)
            continue;
        for (Xw__LiveMessage *m; (m = fixture_next(socket)) != NULL;) {
            assert_int_equal(m->body_case, KIND(BLOCKS));
            for (size_t b = 0; b < m->blocks->n_blocks; b++) {
                const Xw__Block *block = m->blocks->blocks[b];
                int32_t x[FIXTURE_BLOCK * FIXTURE_CHANNELS];
                assert_int_equal(block->first, next);
                next += block->count;
                assert_int_equal(xw_block_decode(XW_CODING_DELTA, block->data.data, block->data.len,
                                                 FIXTURE_CHANNELS, block->count, x),
                                 0);
                assert_int_equal(x[0], block->first * FIXTURE_CHANNELS);
                assert_int_equal(block->crc32c, xw_block_crc(x, FIXTURE_CHANNELS, block->count));
            }
            xw__live_message__free_unpacked(m, NULL);
        }
    }
    assert_int_equal(next, 199 * FIXTURE_BLOCK);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

/* A socket that is not read for 5 s gets the newest 2 s, and the exact range that it missed. */
static void a_slow_socket_drops_the_oldest_and_is_told_the_range(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    watch(socket, 1, 0);
    fixture_drain(socket, KIND(HELLO));
    for (unsigned i = 0; i < 125; i++)
        fixture_block(&f, 1, i * FIXTURE_BLOCK, true);
    Xw__LiveMessage *m = fixture_next(socket);
    assert_int_equal(m->body_case, KIND(DROPPED));
    assert_int_equal(m->dropped->range->first, 0);
    assert_int_equal(m->dropped->range->count, 2500 - 1000);
    xw__live_message__free_unpacked(m, NULL);
    m = fixture_next(socket);
    assert_int_equal(m->body_case, KIND(BLOCKS));
    assert_int_equal(m->blocks->blocks[0]->first, 1500);
    xw__live_message__free_unpacked(m, NULL);
    fixture_drain(socket, KIND(BLOCKS));
    struct xw_hub_stats stats;
    xw_hub_stats(f.hub, &stats);
    assert_int_equal(stats.dropped_blocks_n, 75);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

static void two_sockets_have_tails_of_their_own(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    struct xw_hub_socket *fast = open_socket(&f, NULL), *slow = open_socket(&f, NULL);
    watch(fast, 1, 0);
    watch(slow, 1, 0);
    fixture_drain(fast, KIND(HELLO));
    fixture_drain(slow, KIND(HELLO));
    size_t dropped = 0;
    for (unsigned i = 0; i < 200; i++) {
        fixture_block(&f, 1, i * FIXTURE_BLOCK, true);
        dropped += fixture_drain(fast, KIND(DROPPED));
    }
    assert_int_equal(dropped, 0);
    assert_int_equal(fixture_drain(slow, KIND(DROPPED)), 1);
    xw_hub_socket_free(fast);
    xw_hub_socket_free(slow);
    fixture_done(&f);
}

static void history_comes_first_and_the_stream_is_described_before_it(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    for (unsigned i = 0; i < 100; i++)
        fixture_block(&f, 1, i * FIXTURE_BLOCK, true);
    assert_int_equal(xw_ranges_add(&f.known, 0, 2000), 0);
    fixture_drain(socket, KIND(HELLO));
    watch(socket, 1, 400);
    Xw__LiveMessage *m = fixture_next(socket);
    assert_int_equal(m->body_case, KIND(STREAM));
    assert_int_equal(m->stream->live_first, 1800);
    assert_int_equal(m->stream->n_known, 1);
    assert_int_equal(m->stream->header->n_channels, FIXTURE_CHANNELS);
    xw__live_message__free_unpacked(m, NULL);
    m = fixture_next(socket);
    assert_int_equal(m->body_case, KIND(BLOCKS));
    assert_int_equal(m->blocks->n_blocks, 10);
    xw__live_message__free_unpacked(m, NULL);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

/* What is not durable yet cannot be fetched by range: it comes with the live blocks. */
static void blocks_not_durable_yet_come_without_being_asked_for(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    for (unsigned i = 0; i < 50; i++)
        fixture_block(&f, 1, i * FIXTURE_BLOCK, true);
    assert_int_equal(xw_ranges_add(&f.known, 0, 900), 0);
    fixture_drain(socket, KIND(HELLO));
    watch(socket, 1, 0);
    Xw__LiveMessage *m = fixture_next(socket);
    assert_int_equal(m->stream->live_first, 900);
    xw__live_message__free_unpacked(m, NULL);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

static void backfill_is_told_as_healed_and_live_is_not(void **state)
{
    struct fixture f;
    struct xw_uuid id = fixture_id(1);
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    watch(socket, 1, 0);
    fixture_block(&f, 1, 1000, true);
    fixture_drain(socket, KIND(HELLO));
    fixture_block(&f, 1, 0, false);
    fixture_block(&f, 1, 20, false);
    assert_null(fixture_next(socket));
    xw_hub_stored(f.hub, &id, (struct xw_range){1000, 1020}, true);
    xw_hub_flush(f.hub);
    assert_null(fixture_next(socket));
    xw_hub_stored(f.hub, &id, (struct xw_range){0, 20}, false);
    xw_hub_stored(f.hub, &id, (struct xw_range){20, 40}, false);
    xw_hub_flush(f.hub);
    Xw__LiveMessage *m = fixture_next(socket);
    assert_int_equal(m->body_case, KIND(HEALED));
    assert_int_equal(m->healed->n_ranges, 1);
    assert_int_equal(m->healed->ranges[0]->first, 0);
    assert_int_equal(m->healed->ranges[0]->count, 40);
    xw__live_message__free_unpacked(m, NULL);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

static void a_gap_goes_out_in_its_place(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    watch(socket, 1, 0);
    fixture_drain(socket, KIND(HELLO));
    fixture_block(&f, 1, 0, true);
    struct xw_store_gap gap = {.stream = fixture_id(1), .range = {20, 100}, .reason = 2};
    xw_hub_gap(f.hub, &gap);
    fixture_block(&f, 1, 100, true);
    Xw__LiveMessage *m = fixture_next(socket);
    assert_int_equal(m->body_case, KIND(BLOCKS));
    assert_int_equal(m->blocks->n_blocks, 2);
    assert_int_equal(m->blocks->n_gaps, 1);
    assert_int_equal(m->blocks->gaps[0]->first, 20);
    assert_int_equal(m->blocks->gaps[0]->count, 80);
    xw__live_message__free_unpacked(m, NULL);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

/* As after a pause of the device: the gap is longer than what a socket holds, and not old. */
static void a_long_gap_that_has_just_ended_is_told_as_a_gap(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    watch(socket, 1, 0);
    fixture_block(&f, 1, 0, true);
    fixture_drain(socket, KIND(HELLO));
    struct xw_store_gap gap = {.stream = fixture_id(1), .range = {20, 5000}, .reason = 2};
    xw_hub_gap(f.hub, &gap);
    fixture_block(&f, 1, 5000, true);
    Xw__LiveMessage *m = fixture_next(socket);
    assert_int_equal(m->body_case, KIND(BLOCKS));
    assert_int_equal(m->blocks->n_gaps, 1);
    assert_int_equal(m->blocks->gaps[0]->count, 4980);
    assert_int_equal(m->blocks->n_blocks, 1);
    xw__live_message__free_unpacked(m, NULL);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

/* Two ways, or a gateway that puts a gap and what follows it into one message: those who watch have
 * passed the place, so they are told to look there again when it is durable. */
static void what_comes_live_behind_its_place_is_told_as_healed(void **state)
{
    struct fixture f;
    struct xw_uuid id = fixture_id(1);
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    watch(socket, 1, 0);
    fixture_block(&f, 1, 0, true);
    fixture_block(&f, 1, 100, true);
    struct xw_store_gap gap = {.stream = id, .range = {20, 60}, .reason = 2};
    xw_hub_gap(f.hub, &gap);
    fixture_block(&f, 1, 60, true);
    fixture_drain(socket, KIND(HELLO));
    xw_hub_stored(f.hub, &id, (struct xw_range){0, 20}, true);
    xw_hub_flush(f.hub);
    assert_null(fixture_next(socket));
    xw_hub_stored(f.hub, &id, (struct xw_range){100, 120}, true);
    xw_hub_stored(f.hub, &id, (struct xw_range){20, 80}, true);
    xw_hub_flush(f.hub);
    Xw__LiveMessage *m = fixture_next(socket);
    assert_non_null(m);
    assert_int_equal(m->body_case, KIND(HEALED));
    assert_int_equal(m->healed->n_ranges, 1);
    assert_int_equal(m->healed->ranges[0]->first, 20);
    assert_int_equal(m->healed->ranges[0]->count, 60);
    xw__live_message__free_unpacked(m, NULL);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

static void a_site_sees_only_its_own(void **state)
{
    struct fixture f;
    struct xw_uuid other = fixture_id(2);
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    fixture_stream(&f, 2, "b");
    struct xw_hub_socket *socket = open_socket(&f, "a");
    assert_int_equal(xw_hub_watch(socket, &other, 0), -ENOENT);
    xw_hub_list(socket, true);
    fixture_block(&f, 1, 0, true);
    fixture_block(&f, 2, 0, true);
    for (Xw__LiveMessage *m; (m = fixture_next(socket)) != NULL;) {
        if (m->body_case == KIND(STATUS)) {
            assert_int_equal(m->status->n_streams, 1);
            assert_int_equal(m->status->streams[0]->stream_id.data[0], 1);
        }
        xw__live_message__free_unpacked(m, NULL);
    }
    struct xw_store_record record = {.key = "k",
                                     .key_size = 1,
                                     .kind = XW__RECORD_KIND__RECORD_STUDY,
                                     .body = "",
                                     .origin = "gw"};
    xw_hub_record(f.hub, &record, "b");
    xw_hub_record(f.hub, &record, NULL);
    assert_null(fixture_next(socket));
    xw_hub_record(f.hub, &record, "a");
    assert_int_equal(fixture_drain(socket, KIND(RECORD)), 1);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

static void a_status_says_live_for_a_second_and_a_half(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    fixture_block(&f, 1, 0, true);
    for (unsigned i = 0; i < 3; i++) {
        xw_hub_list(socket, true);
        Xw__LiveMessage *m;
        while ((m = fixture_next(socket)) != NULL && m->body_case != KIND(STATUS))
            xw__live_message__free_unpacked(m, NULL);
        assert_non_null(m);
        if (!m)
            return;
        assert_int_equal(m->status->streams[0]->live, i < 2);
        assert_int_equal(m->status->streams[0]->newest, FIXTURE_BLOCK);
        xw__live_message__free_unpacked(m, NULL);
        xw_clock_fake_advance(&f.clock, i == 0 ? 1500000 : 1);
    }
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

/* 600 records for a socket that takes nothing: the oldest go, and the browser is told to ask again.
 */
static void a_full_queue_gives_up_the_oldest_and_says_so(void **state)
{
    struct fixture f;
    size_t n = 0;
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    xw_hub_list(socket, true);
    for (unsigned i = 0; i < 600; i++) {
        struct xw_store_record record = {.key = &i,
                                         .key_size = sizeof(i),
                                         .kind = XW__RECORD_KIND__RECORD_STUDY,
                                         .body = "",
                                         .origin = "gw"};
        xw_hub_record(f.hub, &record, "a");
    }
    Xw__LiveMessage *m = fixture_next(socket);
    assert_int_equal(m->body_case, KIND(FAULT));
    assert_string_equal(m->fault->code, "records_dropped");
    xw__live_message__free_unpacked(m, NULL);
    n = fixture_drain(socket, KIND(RECORD));
    assert_int_equal(n, XW_HUB_QUEUE_MAX);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

static void capture_time_follows_the_anchor(void **state)
{
    struct fixture f;
    struct xw_uuid id = fixture_id(1);
    uint8_t body[256];
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    assert_int_equal(xw_hub_wall_us(f.hub, &id, 500), 0);
    Xw__Anchor anchor = XW__ANCHOR__INIT;
    anchor.stream_id.len = sizeof(id.b);
    anchor.stream_id.data = id.b;
    anchor.index = 1000;
    anchor.gateway_wall_us = 5000000;
    anchor.county_offset_us = 250;
    anchor.county_offset_known = true;
    anchor.rate_hz = 500;
    struct xw_store_record record = {.key = id.b,
                                     .key_size = sizeof(id.b),
                                     .kind = XW__RECORD_KIND__RECORD_ANCHOR,
                                     .body = body,
                                     .body_size = xw__anchor__pack(&anchor, body),
                                     .origin = "gw"};
    xw_hub_record(f.hub, &record, NULL);
    assert_int_equal(xw_hub_wall_us(f.hub, &id, 1500), 6000250);
    assert_int_equal(xw_hub_wall_us(f.hub, &id, 500), 4000250);
    fixture_done(&f);
}

static void a_beat_of_another_gateway_is_refused(void **state)
{
    struct fixture f;
    struct xw_uuid id = fixture_id(1), run = fixture_id(9);
    uint8_t body[256];
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    Xw__Event beat = XW__EVENT__INIT;
    beat.stream_id.len = beat.run_id.len = 16;
    beat.stream_id.data = id.b;
    beat.run_id.data = run.b;
    beat.kind = XW__EVENT_KIND__EVENT_BEAT;
    beat.rate_bpm = 72;
    size_t size = xw__event__pack(&beat, body);
    assert_int_equal(xw_hub_beat(f.hub, "other", body, size), -EPERM);
    assert_int_equal(xw_hub_beat(f.hub, "gw", body, size - 1), -EBADMSG);
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    watch(socket, 1, 0);
    assert_int_equal(xw_hub_beat(f.hub, "gw", body, size), 0);
    assert_int_equal(fixture_drain(socket, KIND(RECORD)), 1);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

static void streams_are_bounded_and_the_watched_one_stays(void **state)
{
    struct fixture f;
    struct xw_uuid watched = fixture_id(1);
    struct xw_hub_view view;
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    watch(socket, 1, 0);
    for (uint8_t n = 2; n < 60; n++) {
        xw_clock_fake_advance(&f.clock, 1000);
        fixture_stream(&f, n, "a");
    }
    struct xw_hub_stats stats;
    xw_hub_stats(f.hub, &stats);
    assert_int_equal(stats.streams_n, 8);
    assert_int_equal(xw_hub_find(f.hub, &watched, &view), 0);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

static void blocks_of_several_streams_share_a_message(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    for (uint8_t n = 1; n <= 4; n++) {
        fixture_stream(&f, n, "a");
        watch(socket, n, 0);
    }
    fixture_drain(socket, KIND(HELLO));
    for (uint8_t n = 1; n <= 4; n++)
        fixture_block(&f, n, 0, true);
    Xw__LiveMessage *m = fixture_next(socket);
    assert_int_equal(m->body_case, KIND(BLOCKS));
    assert_int_equal(m->blocks->n_blocks, 4);
    xw__live_message__free_unpacked(m, NULL);
    assert_null(fixture_next(socket));
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

/* Ten minutes of blocks with random reads against a plain count: nothing twice, nothing untold. */
static void every_sample_is_sent_once_or_told_as_dropped(void **state)
{
    struct fixture f;
    uint64_t next = 0, seed = 20261122;
    const char *given = getenv("XW_SEED");
    (void)state;
    if (given)
        seed = strtoull(given, NULL, 10);
    print_message("XW_SEED=%llu\n", (unsigned long long)seed);
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    watch(socket, 1, 0);
    fixture_drain(socket, KIND(HELLO));
    for (unsigned i = 0; i < 15000; i++) {
        fixture_block(&f, 1, i * FIXTURE_BLOCK, true);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bool asleep = (i / 200) % 3 == 0; /* 8 s asleep, 16 s awake */
        unsigned reads = asleep && (seed >> 33) % 20 ? 0 : (unsigned)((seed >> 40) % 4);
        for (Xw__LiveMessage *m; reads-- > 0 && (m = fixture_next(socket)) != NULL;) {
            if (m->body_case == KIND(DROPPED)) {
                assert_int_equal(m->dropped->range->first, next);
                next += m->dropped->range->count;
            } else {
                for (size_t b = 0; b < m->blocks->n_blocks; b++) {
                    assert_int_equal(m->blocks->blocks[b]->first, next);
                    next += m->blocks->blocks[b]->count;
                }
            }
            xw__live_message__free_unpacked(m, NULL);
        }
    }
    for (Xw__LiveMessage *m; (m = fixture_next(socket)) != NULL;) {
        if (m->body_case == KIND(DROPPED))
            next += m->dropped->range->count;
        else
            for (size_t b = 0; b < m->blocks->n_blocks; b++)
                next += m->blocks->blocks[b]->count;
        xw__live_message__free_unpacked(m, NULL);
    }
    assert_int_equal(next, 15000 * FIXTURE_BLOCK);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_message_is_hello),
        cmocka_unit_test(blocks_arrive_whole_in_order_and_once),
        cmocka_unit_test(a_slow_socket_drops_the_oldest_and_is_told_the_range),
        cmocka_unit_test(two_sockets_have_tails_of_their_own),
        cmocka_unit_test(history_comes_first_and_the_stream_is_described_before_it),
        cmocka_unit_test(blocks_not_durable_yet_come_without_being_asked_for),
        cmocka_unit_test(backfill_is_told_as_healed_and_live_is_not),
        cmocka_unit_test(a_gap_goes_out_in_its_place),
        cmocka_unit_test(a_long_gap_that_has_just_ended_is_told_as_a_gap),
        cmocka_unit_test(what_comes_live_behind_its_place_is_told_as_healed),
        cmocka_unit_test(a_site_sees_only_its_own),
        cmocka_unit_test(a_status_says_live_for_a_second_and_a_half),
        cmocka_unit_test(a_full_queue_gives_up_the_oldest_and_says_so),
        cmocka_unit_test(capture_time_follows_the_anchor),
        cmocka_unit_test(a_beat_of_another_gateway_is_refused),
        cmocka_unit_test(streams_are_bounded_and_the_watched_one_stays),
        cmocka_unit_test(blocks_of_several_streams_share_a_message),
        cmocka_unit_test(every_sample_is_sent_once_or_told_as_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
