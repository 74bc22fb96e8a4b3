/* The same random operations on the SQLite store and on the model; whatever can be seen of them
 * must be the same: results, ranges, samples, gaps, records, logs. XW_SEED repeats a run, XW_ROUNDS
 * makes it longer. */
#include "support.h"

#include "base/file.h"
#include "proto/signal.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STREAMS_N = 4, SPACE = 3000, OPS_PER_ROUND = 60, OBJECTS_N = 4, OBJECT_MAX = 4096 };

struct pair {
    struct ts a, b; /* model, SQLite */
    uint64_t random;
};

static uint32_t below(struct pair *pair, uint32_t n)
{
    return ts_random(&pair->random) % n;
}

static void expect_same_done(const struct xw_store_done *a, const struct xw_store_done *b)
{
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->blocks_new, b->blocks_new);
    assert_int_equal(a->blocks_known, b->blocks_known);
    assert_int_equal(a->conflicts, b->conflicts);
    assert_int_equal(a->records_new, b->records_new);
    assert_int_equal(a->records_known, b->records_known);
    assert_int_equal(a->out_seq_last, b->out_seq_last);
}

/* A few values only, so that keys, revisions and bytes meet again and again. */
static void add_record(struct pair *pair, struct xw_store_batch *a, struct xw_store_batch *b)
{
    char key[8], body[8];
    const char *logs[] = {NULL, "county", "gw/a"};
    struct xw_uuid peer = ts_stream(50 + below(pair, 2));
    uint32_t no = below(pair, 30);
    (void)snprintf(key, sizeof key, "k%02u", no);
    (void)snprintf(body, sizeof body, "b%u", below(pair, 3) / 2);
    struct xw_store_record record = {.key = key,
                                     .key_size = 3,
                                     .revision = 1 + below(pair, 4),
                                     .kind = no % 3 == 0   ? 1
                                             : no % 3 == 1 ? 3
                                                           : 5,
                                     .body = body,
                                     .body_size = 2,
                                     .origin = "o"};
    if (record.kind != 5) {
        record.has_span = true;
        record.stream = ts_stream(below(pair, STREAMS_N));
        record.span.first = below(pair, 20000);
        record.span.end = below(pair, 5) == 0
                              ? UINT64_MAX
                              : record.span.first + 1 + (below(pair, 2) ? below(pair, 9000) : 0);
        record.event_kind = 1 + below(pair, 4);
    }
    const char *log = logs[below(pair, 3)];
    bool in = below(pair, 2) != 0;
    uint64_t seq = 1 + below(pair, 200);
    assert_int_equal(xw_store_batch_record(a, &record, log, in ? &peer : NULL, seq), 0);
    assert_int_equal(xw_store_batch_record(b, &record, log, in ? &peer : NULL, seq), 0);
}

static void random_append(struct pair *pair)
{
    struct xw_store_batch *a = ts_batch(&pair->a), *b = ts_batch(&pair->b);
    uint32_t n = 1 + below(pair, 6);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t what = below(pair, 20), stream = below(pair, STREAMS_N);
        uint64_t first = below(pair, SPACE);
        uint32_t count = 1 + below(pair, below(pair, 4) == 0 ? 400 : 40);
        if (what < 2 || i == 0) {
            ts_add_stream(a, stream);
            ts_add_stream(b, stream);
        }
        if (what < 10) {
            uint32_t variant = below(pair, 12) == 0;
            ts_add_block(a, stream, first, count, variant);
            ts_add_block(b, stream, first, count, variant);
        } else if (what < 13) {
            uint32_t reason = 1 + below(pair, 5);
            ts_add_gap(a, stream, first, first + count, reason);
            ts_add_gap(b, stream, first, first + count, reason);
        } else {
            add_record(pair, a, b);
        }
    }
    struct xw_store_done done_a = ts_append(&pair->a, a), done_b = ts_append(&pair->b, b);
    expect_same_done(&done_a, &done_b);
}

static void expect_same_view(struct pair *pair, unsigned n)
{
    struct xw_uuid id = ts_stream(n);
    struct xw_store_stream a, b;
    int r = xw_store_stream(pair->a.store, &id, &a);
    assert_int_equal(xw_store_stream(pair->b.store, &id, &b), r);
    if (r < 0)
        return;
    assert_true(xw_ranges_equal(a.blocks, b.blocks));
    assert_true(xw_ranges_equal(a.known, b.known));
    assert_true(xw_ranges_equal(a.released, b.released));
}

/* Gaps as (index -> reason) do not depend on how they are cut. */
static void gap_map(const struct ts_samples *samples, uint64_t first, uint8_t *map)
{
    for (size_t i = 0; i < samples->gaps_n; i++)
        for (uint64_t k = samples->gaps[i].range.first; k < samples->gaps[i].range.end; k++) {
            assert_int_equal(map[k - first], 0);
            map[k - first] = (uint8_t)samples->gaps[i].reason;
        }
}

static void expect_same_read(struct pair *pair, unsigned n, uint64_t first, uint64_t end,
                             size_t max_bytes)
{
    static uint8_t map_a[SPACE * 2], map_b[SPACE * 2];
    struct xw_uuid id = ts_stream(n);
    struct xw_store_stream stream;
    struct ts_samples a, b;
    if (xw_store_stream(pair->a.store, &id, &stream) < 0)
        return;
    ts_read(&pair->a, n, first, end, max_bytes, &a);
    ts_read(&pair->b, n, first, end, max_bytes, &b);
    assert_int_equal(a.status, b.status);
    if (b.blocks_n < a.blocks_n) { /* the store on disk may end earlier: between two units */
        assert_true(max_bytes != SIZE_MAX);
        assert_true(b.blocks_n > 0);
        assert_int_equal(b.next, a.blocks[b.blocks_n].first);
        ts_samples_done(&a);
        ts_read(&pair->a, n, first, b.next, SIZE_MAX, &a);
        assert_int_equal(a.status, b.status);
    }
    assert_int_equal(a.blocks_n, b.blocks_n);
    assert_int_equal(a.next, b.next);
    assert_true(xw_ranges_equal(&a.unknown, &b.unknown));
    for (size_t i = 0; i < a.blocks_n; i++) {
        assert_int_equal(a.blocks[i].first, b.blocks[i].first);
        assert_int_equal(a.blocks[i].count, b.blocks[i].count);
        assert_int_equal(a.blocks[i].crc32c, b.blocks[i].crc32c);
        assert_int_equal(a.blocks[i].size, b.blocks[i].size);
        assert_memory_equal(a.blocks[i].data, b.blocks[i].data, a.blocks[i].size);
    }
    memset(map_a, 0, sizeof map_a);
    memset(map_b, 0, sizeof map_b);
    gap_map(&a, first, map_a);
    gap_map(&b, first, map_b);
    assert_memory_equal(map_a, map_b, sizeof map_a);
    ts_samples_done(&a);
    ts_samples_done(&b);
}

static void expect_same_records(struct ts_records *a, struct ts_records *b)
{
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->records_n, b->records_n);
    assert_int_equal(a->more, b->more);
    for (size_t i = 0; i < a->records_n; i++) {
        const struct xw_store_record *x = &a->records[i], *y = &b->records[i];
        assert_int_equal(x->key_size, y->key_size);
        assert_memory_equal(x->key, y->key, x->key_size);
        assert_int_equal(x->revision, y->revision);
        assert_int_equal(x->kind, y->kind);
        assert_int_equal(x->body_size, y->body_size);
        assert_memory_equal(x->body, y->body, x->body_size);
        assert_int_equal(x->has_span, y->has_span);
        assert_int_equal(x->span.first, y->span.first);
        assert_int_equal(x->span.end, y->span.end);
        assert_int_equal(a->seqs[i], b->seqs[i]);
    }
    ts_records_done(a);
    ts_records_done(b);
}

static int ask(struct ts *ts, uint32_t what, uint32_t x, uint32_t y, struct ts_records *ret)
{
    struct xw_uuid id = ts_stream(x % STREAMS_N);
    char key[8];
    (void)snprintf(key, sizeof key, "k%02u", y % 30);
    switch (what) {
    case 0:
        return xw_store_record(ts->store, key, 3, ts_collect, ret);
    case 1:
        return xw_store_records(ts->store, x % 3 * 2 + 1, y % 2 ? key : NULL, 3, x % 2 != 0,
                                1 + y % 12, ts_collect, ret);
    case 2:
        return xw_store_records_prefix(ts->store, x % 3 * 2 + 1, key, 2, 1 + y % 12, ts_collect,
                                       ret);
    case 3:
        return xw_store_events(ts->store, &id, (struct xw_range){y % 20000, y % 20000 + x % 3000},
                               x % 3 == 0 ? 0 : x % 31, 1 + y % 40, ts_collect, ret);
    case 4:
        return xw_store_anchors(ts->store, &id, y % 25000, ts_collect, ret);
    default:
        return xw_store_log_read(ts->store, x % 2 ? "county" : "gw/a", y % 40, 1 + x % 20,
                                 ts_collect, ret);
    }
}

static void random_question(struct pair *pair)
{
    uint32_t what = below(pair, 6), x = below(pair, 1 << 20), y = below(pair, 1 << 20);
    struct ts_records a = {.status = 1}, b = {.status = 1};
    ts_wait_records(&pair->a, ask(&pair->a, what, x, y, &a), &a);
    ts_wait_records(&pair->b, ask(&pair->b, what, x, y, &b), &b);
    expect_same_records(&a, &b);
}

/* ---- objects ---- */

struct object_result {
    bool over;
    int status;
};

static void on_object(void *user, int status, const struct xw_store_object *object)
{
    (void)object;
    *(struct object_result *)user = (struct object_result){true, status};
}

static void on_removed(void *user, int status)
{
    *(struct object_result *)user = (struct object_result){true, status};
}

/* One of a few objects is written on, imported from a file, or removed: what came of it. */
static int object_op(struct ts *ts, unsigned op, unsigned no, uint32_t piece)
{
    uint8_t data[OBJECT_MAX], sha256[32];
    char path[300];
    size_t size = 100 + (size_t)no * 700;
    struct xw_store_object object = {.held = 0};
    struct object_result result = {.over = false};
    int r;
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 11 + no);
    assert_int_equal(EVP_Digest(data, size, sha256, NULL, EVP_sha256(), NULL), 1);
    if (xw_store_object(ts->store, sha256, &object) < 0)
        object.held = 0;
    if (op == 0) {
        size_t n = XW_MIN((size_t)piece, size - (size_t)object.held);
        r = xw_store_object_write(ts->store, sha256, size, "a/b", object.held, data + object.held,
                                  n, on_object, &result);
    } else if (op == 1) {
        (void)snprintf(path, sizeof path, "%s-file", ts->dir);
        ts_write_file(ts, path, data, size);
        r = xw_store_object_import(ts->store, path, "a/b", on_object, &result);
    } else {
        r = xw_store_object_remove(ts->store, sha256, on_removed, &result);
    }
    while (r == 0 && !result.over)
        ts_spin(ts);
    if (op == 1)
        assert_int_equal(unlink(path), 0);
    return r < 0 ? r : result.status;
}

static void random_object(struct pair *pair)
{
    unsigned op = below(pair, 3), no = below(pair, OBJECTS_N);
    uint32_t piece = 1 + below(pair, 900);
    assert_int_equal(object_op(&pair->a, op, no, piece), object_op(&pair->b, op, no, piece));
}

static void expect_same_objects(struct pair *pair)
{
    for (unsigned no = 0; no < OBJECTS_N; no++) {
        uint8_t data[OBJECT_MAX], sha256[32];
        struct xw_store_object a = {.held = 0}, b = {.held = 0};
        size_t size = 100 + (size_t)no * 700;
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)(i * 11 + no);
        assert_int_equal(EVP_Digest(data, size, sha256, NULL, EVP_sha256(), NULL), 1);
        assert_int_equal(xw_store_object(pair->a.store, sha256, &a),
                         xw_store_object(pair->b.store, sha256, &b));
        assert_int_equal(a.held, b.held);
        assert_int_equal(a.verified, b.verified);
    }
}

static void random_op(struct pair *pair)
{
    uint32_t what = below(pair, 100), stream = below(pair, STREAMS_N);
    uint64_t first = below(pair, SPACE), end = first + below(pair, SPACE);
    struct xw_uuid id = ts_stream(stream);
    if (what < 55) {
        random_append(pair);
    } else if (what < 75) {
        expect_same_read(pair, stream, first, end, below(pair, 2) ? SIZE_MAX : below(pair, 3000));
    } else if (what < 85) {
        random_question(pair);
    } else if (what < 90) {
        random_object(pair);
    } else if (what < 93) {
        xw_store_release(pair->a.store, &id, (struct xw_range){first, end});
        xw_store_release(pair->b.store, &id, (struct xw_range){first, end});
    } else if (what < 95) {
        xw_store_unrelease(pair->a.store, &id, (struct xw_range){first, end});
        xw_store_unrelease(pair->b.store, &id, (struct xw_range){first, end});
    } else if (what < 98) {
        assert_int_equal(ts_compact(&pair->b), 0);
    } else {
        ts_reopen(&pair->b);
    }
}

static void expect_same_logs(struct pair *pair)
{
    for (unsigned i = 50; i < 52; i++) {
        struct xw_uuid peer = ts_stream(i);
        assert_true(xw_ranges_equal(xw_store_log_received(pair->a.store, &peer),
                                    xw_store_log_received(pair->b.store, &peer)));
    }
    assert_int_equal(xw_store_log_last(pair->a.store, "county"),
                     xw_store_log_last(pair->b.store, "county"));
}

static void random_operations_give_the_same_on_both(void **state)
{
    (void)state;
    const char *text = getenv("XW_ROUNDS");
    unsigned rounds = text == NULL ? 12 : (unsigned)strtoul(text, NULL, 10);
    uint64_t seed = ts_seed();
    for (unsigned round = 0; round < rounds; round++) {
        struct pair pair = {.random = seed + round * 7919};
        ts_init(&pair.a, TS_MEMORY);
        ts_init(&pair.b, TS_SQLITE);
        ts_open(&pair.a);
        ts_open(&pair.b);
        for (unsigned i = 0; i < OPS_PER_ROUND; i++)
            random_op(&pair);
        for (unsigned n = 0; n < STREAMS_N; n++) {
            expect_same_view(&pair, n);
            expect_same_read(&pair, n, 0, SPACE * 2 - 1, SIZE_MAX);
        }
        expect_same_logs(&pair);
        expect_same_objects(&pair);
        ts_reopen(&pair.b);
        for (unsigned n = 0; n < STREAMS_N; n++) {
            expect_same_view(&pair, n);
            expect_same_read(&pair, n, 0, SPACE * 2 - 1, SIZE_MAX);
        }
        expect_same_logs(&pair);
        expect_same_objects(&pair);
        ts_done(&pair.a);
        ts_done(&pair.b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_give_the_same_on_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
