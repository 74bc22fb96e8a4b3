/* What store.h promises about records, logs, epochs, objects and the queue. */
#include "conformance.h"
#include "support.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <unistd.h>
#include <string.h>

/* ---- records ---- */

static struct xw_store_record record_of(const char *key, uint64_t revision, uint32_t record_kind,
                                        const char *body)
{
    return (struct xw_store_record){.key = key,
                                    .key_size = strlen(key),
                                    .revision = revision,
                                    .kind = record_kind,
                                    .body = body,
                                    .body_size = strlen(body),
                                    .origin = "here",
                                    .wall_us = 1000};
}

static struct xw_store_done put_record(struct ts *ts, const struct xw_store_record *record,
                                       const char *out_log)
{
    struct xw_store_batch *batch = ts_batch(ts);
    assert_int_equal(xw_store_batch_record(batch, record, out_log, NULL, 0), 0);
    return ts_append(ts, batch);
}

static void expect_body(struct ts *ts, const char *key, const char *body)
{
    struct ts_records got = {.status = 1};
    ts_wait_records(ts, xw_store_record(ts->store, key, strlen(key), ts_collect, &got), &got);
    if (body == NULL) {
        assert_int_equal(got.status, -ENOENT);
    } else {
        assert_int_equal(got.records_n, 1);
        assert_int_equal(got.records[0].body_size, strlen(body));
        assert_memory_equal(got.records[0].body, body, strlen(body));
        assert_string_equal(got.records[0].origin, "here");
    }
    ts_records_done(&got);
}

static void the_highest_revision_of_a_key_is_its_state(void **state)
{
    struct ts *ts = *state;
    struct xw_store_record r1 = record_of("k", 1, 5, "one"), r2 = record_of("k", 2, 5, "two"),
                           r3 = record_of("k", 3, 5, "three");
    expect_body(ts, "k", NULL);
    assert_int_equal(put_record(ts, &r2, NULL).records_new, 1);
    expect_body(ts, "k", "two");
    assert_int_equal(put_record(ts, &r1, NULL).records_new, 1);
    expect_body(ts, "k", "two");
    assert_int_equal(put_record(ts, &r3, NULL).records_new, 1);
    expect_body(ts, "k", "three");
    assert_int_equal(put_record(ts, &r1, NULL).records_known, 1);
    ts_reopen(ts);
    expect_body(ts, "k", "three");
}

static void equal_revisions_of_other_bytes_are_a_conflict(void **state)
{
    struct ts *ts = *state;
    struct xw_store_record r = record_of("k", 1, 5, "one"), other = record_of("k", 1, 5, "two");
    assert_int_equal(put_record(ts, &r, "county").records_new, 1);
    struct xw_store_done done = put_record(ts, &other, "county");
    assert_int_equal(done.status, 0);
    assert_int_equal(done.conflicts, 1);
    assert_int_equal(done.out_seq_last, 0);
    assert_int_equal(put_record(ts, &other, "county").conflicts, 0);
    expect_body(ts, "k", "one");
}

static void a_log_gives_every_revision_a_sequence(void **state)
{
    struct ts *ts = *state;
    char key[16];
    for (unsigned i = 1; i <= 10; i++) {
        (void)snprintf(key, sizeof key, "k%u", i % 3);
        struct xw_store_record r = record_of(key, i, 5, "x");
        assert_int_equal(put_record(ts, &r, "county").out_seq_last, i);
    }
    struct xw_store_record again = record_of("k1", 10, 5, "x");
    assert_int_equal(put_record(ts, &again, "county").out_seq_last, 0);
    assert_int_equal(put_record(ts, &again, "gw/a").out_seq_last, 1); /* another log, once */
    assert_int_equal(put_record(ts, &again, "gw/a").out_seq_last, 0);
    ts_reopen(ts);
    assert_int_equal(xw_store_log_last(ts->store, "county"), 10);
    assert_int_equal(xw_store_log_last(ts->store, "gw/a"), 1);
    assert_int_equal(xw_store_log_last(ts->store, "none"), 0);
    struct ts_records got = {.status = 1};
    ts_wait_records(ts, xw_store_log_read(ts->store, "county", 3, 4, ts_collect, &got), &got);
    assert_int_equal(got.records_n, 4);
    assert_true(got.more);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(got.seqs[i], 4 + i);
        assert_int_equal(got.records[i].revision, 4 + i);
    }
    ts_records_done(&got);
}

static void received_sequences_are_durable_with_their_record(void **state)
{
    struct ts *ts = *state;
    struct xw_uuid peer = ts_stream(77);
    const uint64_t seqs[] = {1, 2, 3, 7, 8};
    assert_int_equal(xw_store_log_received(ts->store, &peer)->n, 0);
    for (unsigned i = 0; i < 5; i++) {
        struct xw_store_record r = record_of("same", 1, 5, "x"); /* known after the first */
        struct xw_store_batch *batch = ts_batch(ts);
        assert_int_equal(xw_store_batch_record(batch, &r, NULL, &peer, seqs[i]), 0);
        assert_int_equal(ts_append(ts, batch).status, 0);
    }
    for (int again = 0; again < 2; again++) {
        const struct xw_ranges *received = xw_store_log_received(ts->store, &peer);
        assert_int_equal(received->n, 2);
        assert_int_equal(xw_ranges_contiguous_end(received, 1), 4);
        assert_true(xw_ranges_covers(received, 7, 9));
        ts_reopen(ts);
    }
}

static void records_are_listed_by_kind_prefix_and_key(void **state)
{
    struct ts *ts = *state;
    const char *keys[] = {"a/1", "a/2", "a/3", "b/1", "b/2"};
    for (unsigned i = 0; i < 5; i++) {
        struct xw_store_record r = record_of(keys[i], 1, i == 4 ? 6 : 5, keys[i]);
        assert_int_equal(put_record(ts, &r, NULL).status, 0);
    }
    struct ts_records got = {.status = 1};
    ts_wait_records(ts, xw_store_records(ts->store, 5, NULL, 0, false, 3, ts_collect, &got), &got);
    assert_int_equal(got.records_n, 3);
    assert_true(got.more);
    assert_memory_equal(got.records[0].key, "a/1", 3);
    ts_records_done(&got);
    got = (struct ts_records){.status = 1};
    ts_wait_records(ts, xw_store_records(ts->store, 5, "a/3", 3, false, 3, ts_collect, &got), &got);
    assert_int_equal(got.records_n, 1);
    assert_false(got.more);
    ts_records_done(&got);
    got = (struct ts_records){.status = 1};
    ts_wait_records(ts, xw_store_records(ts->store, 5, NULL, 0, true, 2, ts_collect, &got), &got);
    assert_memory_equal(got.records[0].key, "b/1", 3);
    assert_memory_equal(got.records[1].key, "a/3", 3);
    ts_records_done(&got);
    got = (struct ts_records){.status = 1};
    ts_wait_records(ts, xw_store_records(ts->store, 5, "a/3", 3, true, 9, ts_collect, &got), &got);
    assert_int_equal(got.records_n, 2);
    assert_memory_equal(got.records[0].key, "a/2", 3);
    ts_records_done(&got);
    got = (struct ts_records){.status = 1};
    ts_wait_records(ts, xw_store_records_prefix(ts->store, 5, "a/", 2, 9, ts_collect, &got), &got);
    assert_int_equal(got.records_n, 3);
    ts_records_done(&got);
}

static void put_event(struct ts *ts, const char *key, uint64_t first, uint64_t end,
                      uint32_t event_kind)
{
    struct xw_store_record r = record_of(key, 1, 1, key);
    r.has_span = true;
    r.stream = ts_stream(1);
    r.span = (struct xw_range){first, end};
    r.event_kind = event_kind;
    assert_int_equal(put_record(ts, &r, NULL).records_new, 1);
}

static void expect_events(struct ts *ts, uint64_t first, uint64_t end, uint32_t kinds,
                          const char *keys)
{
    struct xw_uuid id = ts_stream(1);
    struct ts_records got = {.status = 1};
    char text[64] = "";
    ts_wait_records(
        ts,
        xw_store_events(ts->store, &id, (struct xw_range){first, end}, kinds, 50, ts_collect, &got),
        &got);
    for (size_t i = 0; i < got.records_n; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%.1s",
                       (const char *)got.records[i].key);
    assert_string_equal(text, keys);
    ts_records_done(&got);
}

static void events_are_found_by_what_their_span_touches(void **state)
{
    struct ts *ts = *state;
    put_event(ts, "a", 100, 101, 1);
    put_event(ts, "b", 200, 201, 1);
    put_event(ts, "c", 50, UINT64_MAX, 2); /* open */
    put_event(ts, "d", 150, 190, 3);
    put_event(ts, "e", 0, 100000, 2);
    expect_events(ts, 0, 1000, 0, "ecadb");
    expect_events(ts, 100, 101, 0, "eca");
    expect_events(ts, 101, 150, 0, "ec");
    expect_events(ts, 0, 1000, 1U << 1, "ab");
    expect_events(ts, 99999, 100000, 0, "ec");
    expect_events(ts, 100000, 200000, 0, "c");
    expect_events(ts, 189, 190, 1U << 3, "d");
    expect_events(ts, 190, 191, 1U << 3, "");
    /* the episode closes: the newer revision is what counts */
    struct xw_store_record closed = record_of("c", 2, 1, "c");
    closed.has_span = true;
    closed.stream = ts_stream(1);
    closed.span = (struct xw_range){50, 60};
    closed.event_kind = 2;
    assert_int_equal(put_record(ts, &closed, NULL).records_new, 1);
    expect_events(ts, 100000, 200000, 0, "");
    expect_events(ts, 55, 56, 0, "ec");
}

static void anchors_around_an_index_are_found(void **state)
{
    struct ts *ts = *state;
    struct xw_uuid id = ts_stream(1);
    for (unsigned i = 0; i < 5; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "a%u", i);
        struct xw_store_record r = record_of(key, 1, 3, key);
        r.has_span = true;
        r.stream = id;
        r.span = (struct xw_range){i * 5000, i * 5000 + 1};
        assert_int_equal(put_record(ts, &r, NULL).records_new, 1);
    }
    const struct {
        uint64_t index;
        const char *keys;
    } cases[] = {{0, "01"}, {4999, "01"}, {5000, "12"}, {20000, "4"}, {99999, "4"}};
    for (size_t k = 0; k < 5; k++) {
        struct ts_records got = {.status = 1};
        ts_wait_records(ts, xw_store_anchors(ts->store, &id, cases[k].index, ts_collect, &got),
                        &got);
        assert_int_equal(got.records_n, strlen(cases[k].keys));
        for (size_t i = 0; i < got.records_n; i++)
            assert_int_equal(((const char *)got.records[i].key)[1], cases[k].keys[i]);
        ts_records_done(&got);
    }
}

static void local_records_can_be_forgotten_others_not(void **state)
{
    struct ts *ts = *state;
    struct xw_store_record r = record_of("session", 1, XW_LOCAL_SESSION, "x");
    assert_int_equal(put_record(ts, &r, NULL).status, 0);
    assert_int_equal(xw_store_forget(ts->store, 5, "k", 1), -EINVAL);
    assert_int_equal(xw_store_forget(ts->store, XW_LOCAL_SESSION, "session", 7), 0);
    assert_int_equal(ts_put_stream(ts, 1).status, 0);
    expect_body(ts, "session", NULL);
}

static void an_older_session_epoch_is_refused(void **state)
{
    struct ts *ts = *state;
    assert_int_equal(ts_epoch(ts, "gw-a"), 1);
    assert_int_equal(ts_epoch(ts, "gw-a"), 2);
    assert_int_equal(ts_epoch(ts, "gw-b"), 1);
    ts_reopen(ts);
    struct xw_store_batch *batch = ts_batch(ts);
    ts_add_stream(batch, 1);
    xw_store_batch_epoch(batch, "gw-a", 1);
    assert_int_equal(ts_append(ts, batch).status, -ESTALE);
    batch = ts_batch(ts);
    ts_add_stream(batch, 1);
    xw_store_batch_epoch(batch, "gw-a", 2);
    assert_int_equal(ts_append(ts, batch).status, 0);
    assert_int_equal(ts_epoch(ts, "gw-a"), 3);
}

/* ---- objects ---- */

struct object_answer {
    bool over;
    int status;
    struct xw_store_object object;
};

static void on_object(void *user, int status, const struct xw_store_object *object)
{
    struct object_answer *answer = user;
    answer->status = status;
    answer->object = *object;
    answer->over = true;
}

static void on_import(void *user, int status, const struct xw_store_object *object)
{
    struct object_answer *answer = user;
    answer->status = status;
    if (object != NULL)
        answer->object = *object;
    answer->over = true;
}

static void on_bytes(void *user, int status, const void *data, size_t size)
{
    bool *over = user;
    assert_int_equal(status, 0);
    assert_int_equal(size, 4000);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(((const uint8_t *)data)[i], (uint8_t)((i + 500) * 7));
    *over = true;
}

static struct object_answer write_object(struct ts *ts, const uint8_t sha256[32], uint64_t size,
                                         uint64_t offset, const uint8_t *data, size_t n)
{
    struct object_answer answer = {.over = false};
    assert_int_equal(xw_store_object_write(ts->store, sha256, size, "application/test", offset,
                                           data, n, on_object, &answer),
                     0);
    while (!answer.over)
        ts_spin(ts);
    return answer;
}

static void an_object_is_resumed_and_verified(void **state)
{
    struct ts *ts = *state;
    uint8_t data[10000], sha256[32];
    struct xw_store_object object;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    assert_int_equal(EVP_Digest(data, sizeof data, sha256, NULL, EVP_sha256(), NULL), 1);
    assert_int_equal(xw_store_object(ts->store, sha256, &object), -ENOENT);
    assert_int_equal(write_object(ts, sha256, sizeof data, 0, data, 3000).status, 0);
    ts_reopen(ts);
    assert_int_equal(xw_store_object(ts->store, sha256, &object), 0);
    assert_int_equal(object.held, 3000);
    assert_false(object.verified);
    assert_int_equal(
        xw_store_object_write(ts->store, sha256, sizeof data, NULL, 2000, data, 1, on_object, NULL),
        -ESPIPE);
    struct object_answer answer = write_object(ts, sha256, sizeof data, 3000, data + 3000, 7000);
    assert_int_equal(answer.status, 0);
    assert_true(answer.object.verified);
    ts_reopen(ts);
    assert_int_equal(xw_store_object(ts->store, sha256, &object), 0);
    assert_true(object.verified && object.held == sizeof data);
    assert_string_equal(object.media_type, "application/test");
    bool over = false;
    assert_int_equal(xw_store_object_read(ts->store, sha256, 500, 4000, on_bytes, &over), 0);
    while (!over)
        ts_spin(ts);
    /* another hash: found at the end, and it begins again */
    sha256[0] ^= 1;
    answer = write_object(ts, sha256, sizeof data, 0, data, sizeof data);
    assert_int_equal(answer.status, -EBADMSG);
    assert_int_equal(answer.object.held, 0);
}

static void on_status(void *user, int status)
{
    *(int *)user = status;
}

static struct object_answer import_file(struct ts *ts, const char *path)
{
    struct object_answer answer = {.over = false};
    assert_int_equal(xw_store_object_import(ts->store, path, "video/test", on_import, &answer), 0);
    while (!answer.over)
        ts_spin(ts);
    return answer;
}

static void a_file_is_imported_read_and_removed(void **state)
{
    struct ts *ts = *state;
    uint8_t data[5000], sha256[32];
    char path[300];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    assert_int_equal(EVP_Digest(data, sizeof data, sha256, NULL, EVP_sha256(), NULL), 1);
    (void)snprintf(path, sizeof path, "%s-import", ts->dir);
    ts_write_file(ts, path, data, sizeof data);
    for (int again = 0; again < 2; again++) { /* once more changes nothing */
        struct object_answer answer = import_file(ts, path);
        assert_int_equal(answer.status, 0);
        assert_memory_equal(answer.object.sha256, sha256, 32);
        assert_true(answer.object.verified && answer.object.held == sizeof data);
        assert_string_equal(answer.object.media_type, "video/test");
        ts_reopen(ts);
    }
    assert_int_equal(access(path, F_OK), 0); /* its owner's name stays */
    struct xw_store_object object;
    assert_int_equal(xw_store_object(ts->store, sha256, &object), 0);
    assert_true(object.verified && object.size == sizeof data);
    bool over = false;
    assert_int_equal(xw_store_object_read(ts->store, sha256, 500, 4000, on_bytes, &over), 0);
    while (!over)
        ts_spin(ts);
    for (int again = 0; again < 2; again++) {
        int status = 1;
        assert_int_equal(xw_store_object_remove(ts->store, sha256, on_status, &status), 0);
        while (status > 0)
            ts_spin(ts);
        assert_int_equal(status, 0);
        assert_int_equal(xw_store_object(ts->store, sha256, &object), -ENOENT);
        ts_reopen(ts);
    }
    assert_int_equal(import_file(ts, path).status, 0); /* and it may come back */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(import_file(ts, path).status, -ENOENT);
    ts_write_file(ts, path, data, 0);
    assert_int_equal(import_file(ts, path).status, -EINVAL);
    assert_int_equal(unlink(path), 0);
}

static void a_partial_object_is_completed_by_an_import(void **state)
{
    struct ts *ts = *state;
    uint8_t data[3000], sha256[32];
    char path[300];
    memset(data, 5, sizeof data);
    assert_int_equal(EVP_Digest(data, sizeof data, sha256, NULL, EVP_sha256(), NULL), 1);
    assert_int_equal(write_object(ts, sha256, sizeof data, 0, data, 1000).status, 0);
    (void)snprintf(path, sizeof path, "%s-import", ts->dir);
    ts_write_file(ts, path, data, sizeof data);
    struct object_answer answer = import_file(ts, path);
    assert_true(answer.status == 0 && answer.object.verified);
    assert_int_equal(answer.object.held, sizeof data);
    assert_int_equal(unlink(path), 0);
}

static void a_full_queue_says_again(void **state)
{
    struct ts *ts = *state;
    ts_close(ts);
    ts->config.queue_bytes = 4000;
    ts_open(ts);
    assert_int_equal(ts_put_stream(ts, 1).status, 0);
    int r = 0;
    for (unsigned i = 0; i < 100 && r == 0; i++) {
        struct xw_store_batch *batch = ts_batch(ts);
        ts_add_block(batch, 1, i * 1000, 1000, 0);
        r = xw_store_append(ts->store, batch, NULL, NULL);
    }
    assert_int_equal(r, -EAGAIN);
}

const struct CMUnitTest conformance_records[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, conformance_setup, conformance_teardown)
    T(the_highest_revision_of_a_key_is_its_state),
    T(equal_revisions_of_other_bytes_are_a_conflict),
    T(a_log_gives_every_revision_a_sequence),
    T(received_sequences_are_durable_with_their_record),
    T(records_are_listed_by_kind_prefix_and_key),
    T(events_are_found_by_what_their_span_touches),
    T(anchors_around_an_index_are_found),
    T(local_records_can_be_forgotten_others_not),
    T(an_older_session_epoch_is_refused),
    T(an_object_is_resumed_and_verified),
    T(a_file_is_imported_read_and_removed),
    T(a_partial_object_is_completed_by_an_import),
    T(a_full_queue_says_again),
#undef T
};
const size_t conformance_records_n = XW_ARRAY_N(conformance_records);
