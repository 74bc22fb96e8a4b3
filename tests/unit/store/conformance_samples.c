/* What store.h promises about streams, blocks, gaps and reading. */
#include "conformance.h"
#include "support.h"

#include "proto/signal.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

static struct xw_store_stream view(struct ts *ts, unsigned n)
{
    struct xw_uuid id = ts_stream(n);
    struct xw_store_stream stream;
    assert_int_equal(xw_store_stream(ts->store, &id, &stream), 0);
    return stream;
}

/* ---- samples ---- */

static void a_stream_is_opened_once_by_its_header(void **state)
{
    struct ts *ts = *state;
    struct xw_uuid id = ts_stream(1);
    struct xw_store_stream stream;
    assert_int_equal(xw_store_stream(ts->store, &id, &stream), -ENOENT);
    assert_int_equal(ts_put_stream(ts, 1).status, 0);
    assert_int_equal(ts_put_stream(ts, 1).status, 0);
    size_t size;
    uint8_t *header = ts_header(1, &size);
    assert_int_equal(view(ts, 1).header_size, size);
    assert_memory_equal(view(ts, 1).header, header, size);
    free(header);
    /* the same id with one channel more */
    struct xw_store_batch *batch = ts_batch(ts);
    Xw__StreamHeader other = XW__STREAM_HEADER__INIT;
    Xw__Fraction rate = {PROTOBUF_C_MESSAGE_INIT(&xw__fraction__descriptor), 500, 1};
    Xw__Channel channel = XW__CHANNEL__INIT;
    Xw__Channel *list[] = {&channel, &channel, &channel, &channel};
    other.rate = &rate;
    other.channels = list;
    other.n_channels = 4;
    uint8_t bytes[256];
    size = xw__stream_header__pack(&other, bytes);
    assert_int_equal(xw_store_batch_stream(batch, &id, bytes, size), 0);
    assert_int_equal(ts_append(ts, batch).status, -EEXIST);
    batch = ts_batch(ts);
    assert_int_equal(xw_store_batch_stream(batch, &id, "\xff\xff", 2), 0);
    assert_int_equal(ts_append(ts, batch).status, -EBADMSG);
}

static void blocks_are_held_known_and_read_back(void **state)
{
    struct ts *ts = *state;
    assert_int_equal(ts_put_stream(ts, 1).status, 0);
    for (unsigned i = 0; i < 20; i++) {
        struct xw_store_done done = ts_put_block(ts, 1, i * 125, 125, 0);
        assert_int_equal(done.status, 0);
        assert_int_equal(done.blocks_new, 1);
    }
    struct xw_store_stream stream = view(ts, 1);
    assert_true(xw_ranges_covers(stream.blocks, 0, 2500) && stream.blocks->n == 1);
    assert_true(xw_ranges_equal(stream.blocks, stream.known));
    ts_expect(ts, 1, 0, 2500, 0);
    ts_expect(ts, 1, 130, 140, 0);
    assert_int_equal(ts_compact(ts), 0);
    ts_expect(ts, 1, 0, 2500, 0);
    ts_reopen(ts);
    ts_expect(ts, 1, 0, 2500, 0);
    assert_true(xw_ranges_covers(view(ts, 1).known, 0, 2500));
}

static void a_stream_is_read_while_it_grows(void **state)
{
    struct ts *ts = *state;
    assert_int_equal(ts_put_stream(ts, 1).status, 0);
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(ts_put_block(ts, 1, i * 100, 100, 0).status, 0);
        if (i % 7 == 3)
            assert_int_equal(ts_compact(ts), 0);
        ts_expect(ts, 1, 0, (i + 1) * 100, 0);
    }
}

static void an_equal_block_changes_nothing(void **state)
{
    struct ts *ts = *state;
    assert_int_equal(ts_put_stream(ts, 1).status, 0);
    assert_int_equal(ts_put_block(ts, 1, 0, 100, 0).blocks_new, 1);
    for (int compacted = 0; compacted < 2; compacted++) {
        struct xw_store_done done = ts_put_block(ts, 1, 0, 100, 0);
        assert_int_equal(done.status, 0);
        assert_int_equal(done.blocks_new, 0);
        assert_int_equal(done.blocks_known, 1);
        assert_int_equal(done.conflicts, 0);
        ts_expect(ts, 1, 0, 100, 0);
        assert_int_equal(ts_compact(ts), 0);
    }
    /* twice in one batch */
    struct xw_store_batch *batch = ts_batch(ts);
    ts_add_block(batch, 1, 500, 50, 0);
    ts_add_block(batch, 1, 500, 50, 0);
    struct xw_store_done done = ts_append(ts, batch);
    assert_int_equal(done.blocks_new, 1);
    assert_int_equal(done.blocks_known, 1);
}

static void an_overlap_of_equal_samples_adds_only_what_is_new(void **state)
{
    struct ts *ts = *state;
    assert_int_equal(ts_put_stream(ts, 2).status, 0);
    assert_int_equal(ts_put_block(ts, 2, 100, 100, 0).blocks_new, 1);
    for (int compacted = 0; compacted < 2; compacted++) {
        struct xw_store_done done = ts_put_block(ts, 2, 120, 30, 0);
        assert_int_equal(done.blocks_known, 1);
        assert_int_equal(ts_compact(ts), 0);
    }
    struct xw_store_done done = ts_put_block(ts, 2, 50, 200, 0);
    assert_int_equal(done.blocks_new, 1);
    assert_int_equal(done.conflicts, 0);
    ts_expect(ts, 2, 50, 250, 0);
    struct ts_samples samples;
    ts_read(ts, 2, 0, 300, SIZE_MAX, &samples);
    assert_int_equal(samples.blocks_n, 3);
    ts_samples_done(&samples);
}

static void an_overlap_that_differs_is_a_conflict_and_both_are_kept(void **state)
{
    struct ts *ts = *state;
    assert_int_equal(ts_put_stream(ts, 1).status, 0);
    assert_int_equal(ts_put_block(ts, 1, 0, 100, 0).status, 0);
    struct xw_store_done done = ts_put_block(ts, 1, 50, 100, 1);
    assert_int_equal(done.status, 0);
    assert_int_equal(done.conflicts, 1);
    assert_int_equal(ts->conflicts, 1);
    ts_expect(ts, 1, 0, 100, 0);
    ts_expect(ts, 1, 100, 150, 1); /* or the range could never become known */
    done = ts_put_block(ts, 1, 50, 100, 1);
    assert_int_equal(done.conflicts, 0);
    assert_int_equal(ts->conflicts, 1);
    struct xw_store_stats stats;
    xw_store_stats(ts->store, &stats);
    assert_int_equal(stats.conflicts, 1);
}

static void bad_blocks_refuse_their_batch_and_only_it(void **state)
{
    struct ts *ts = *state;
    assert_int_equal(ts_put_stream(ts, 1).status, 0);
    uint8_t data[] = {0, 2, 4};
    struct xw_store_block block = {.stream = ts_stream(1), .count = 3, .data = data, .size = 3};
    block.crc32c = 12345;
    struct xw_store_batch *batch = ts_batch(ts);
    ts_add_block(batch, 1, 100, 10, 0);
    assert_int_equal(xw_store_batch_block(batch, &block), 0);
    struct xw_store_done done = ts_append(ts, batch);
    assert_int_equal(done.status, -EBADMSG);
    assert_int_equal(done.blocks_new, 0);
    assert_int_equal(view(ts, 1).known->n, 0);
    batch = ts_batch(ts);
    block.stream = ts_stream(9);
    assert_int_equal(xw_store_batch_block(batch, &block), 0);
    assert_int_equal(ts_append(ts, batch).status, -ENOENT);
    batch = ts_batch(ts);
    block.count = 0;
    assert_int_equal(xw_store_batch_block(batch, &block), -EINVAL);
    block.count = 3;
    block.first = UINT64_MAX - 1;
    assert_int_equal(xw_store_batch_block(batch, &block), -EINVAL);
    xw_store_batch_free(batch);
    assert_int_equal(ts_put_block(ts, 1, 100, 10, 0).status, 0);
}

static void a_gap_is_known_and_gives_way_to_blocks(void **state)
{
    struct ts *ts = *state;
    struct ts_samples samples;
    assert_int_equal(ts_put_stream(ts, 1).status, 0);
    assert_int_equal(ts_put_block(ts, 1, 0, 100, 0).status, 0);
    assert_int_equal(ts_put_gap(ts, 1, 50, 400, XW__GAP_REASON__GAP_DEVICE).status, 0);
    assert_int_equal(ts_put_gap(ts, 1, 400, 500, XW__GAP_REASON__GAP_DEVICE).status, 0);
    assert_true(xw_ranges_covers(view(ts, 1).known, 0, 500));
    assert_false(xw_ranges_contains(view(ts, 1).blocks, 100));
    assert_int_equal(ts_put_block(ts, 1, 200, 100, 0).blocks_new, 1);
    for (int again = 0; again < 2; again++) {
        ts_read(ts, 1, 20, 600, SIZE_MAX, &samples);
        uint64_t gap_samples = 0;
        for (size_t i = 0; i < samples.gaps_n; i++) {
            assert_int_equal(samples.gaps[i].reason, XW__GAP_REASON__GAP_DEVICE);
            gap_samples += samples.gaps[i].range.end - samples.gaps[i].range.first;
            assert_true(samples.gaps[i].range.end <= 200 || samples.gaps[i].range.first >= 300);
        }
        assert_int_equal(gap_samples, 300);
        assert_int_equal(samples.blocks_n, 2);
        assert_true(samples.unknown.n == 1 && samples.unknown.v[0].first == 500);
        ts_samples_done(&samples);
        assert_int_equal(ts_compact(ts), 0);
        ts_reopen(ts);
    }
    assert_true(xw_ranges_covers(view(ts, 1).known, 0, 500));
}

static void a_read_stops_at_max_bytes_and_says_where_to_go_on(void **state)
{
    struct ts *ts = *state;
    struct ts_samples samples;
    assert_int_equal(ts_put_stream(ts, 1).status, 0);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(ts_put_block(ts, 1, i * 40, 40, 0).status, 0);
    ts_read(ts, 1, 0, 2000, 1, &samples);
    assert_int_equal(samples.blocks_n, 1);
    assert_int_equal(samples.next, 40);
    ts_samples_done(&samples);
    ts_expect(ts, 1, 10, 1990, 0);
    ts_read(ts, 1, 5000, 6000, 1, &samples);
    assert_int_equal(samples.blocks_n, 0);
    assert_int_equal(samples.next, 6000);
    assert_int_equal(samples.unknown.total, 1000);
    ts_samples_done(&samples);
}

static void released_marks_are_seen_at_once_and_last(void **state)
{
    struct ts *ts = *state;
    struct xw_uuid id = ts_stream(1);
    assert_int_equal(ts_put_stream(ts, 1).status, 0);
    assert_int_equal(ts_put_block(ts, 1, 0, 1000, 0).status, 0);
    xw_store_release(ts->store, &id, (struct xw_range){0, 600});
    xw_store_unrelease(ts->store, &id, (struct xw_range){100, 200});
    assert_int_equal(view(ts, 1).released->total, 500);
    ts_reopen(ts);
    assert_int_equal(view(ts, 1).released->total, 500);
}

const struct CMUnitTest conformance_samples[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, conformance_setup, conformance_teardown)
    T(a_stream_is_opened_once_by_its_header),
    T(blocks_are_held_known_and_read_back),
    T(a_stream_is_read_while_it_grows),
    T(an_equal_block_changes_nothing),
    T(an_overlap_of_equal_samples_adds_only_what_is_new),
    T(an_overlap_that_differs_is_a_conflict_and_both_are_kept),
    T(bad_blocks_refuse_their_batch_and_only_it),
    T(a_gap_is_known_and_gives_way_to_blocks),
    T(a_read_stops_at_max_bytes_and_says_where_to_go_on),
    T(released_marks_are_seen_at_once_and_last),
#undef T
};
const size_t conformance_samples_n = XW_ARRAY_N(conformance_samples);
