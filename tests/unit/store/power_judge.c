/* Whether what a child left is what was acknowledged. */
#include "power_in.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct life left;

static void expect_block(struct ts *ts, uint32_t i)
{
    struct ts_samples samples;
    uint64_t first = i / POWER_STREAMS * POWER_COUNT;
    ts_read(ts, i % POWER_STREAMS, first, first + POWER_COUNT, SIZE_MAX, &samples);
    assert_int_equal(samples.status, 0);
    assert_int_equal(samples.unknown.n, 0);
    if (samples.gaps_n > 0)
        assert_int_equal(samples.gaps[0].reason, XW_LOCAL_GAP_EXPIRED);
    bool held = samples.gaps_n == 0;
    ts_samples_done(&samples);
    if (held)
        ts_expect(ts, i % POWER_STREAMS, first, first + POWER_COUNT, 0);
}

static void expect_records(struct ts *ts)
{
    static bool seen[POWER_APPENDS_MAX];
    struct xw_uuid peer = ts_stream(99);
    const struct xw_ranges *received = xw_store_log_received(ts->store, &peer);
    uint64_t last = xw_store_log_last(ts->store, "county");
    for (uint64_t after = 0; after < last;) {
        struct ts_records got = {.status = 1};
        ts_wait_records(ts, xw_store_log_read(ts->store, "county", after, 500, ts_collect, &got),
                        &got);
        assert_true(got.records_n > 0);
        for (size_t i = 0; i < got.records_n; i++) {
            assert_int_equal(got.seqs[i], after + i + 1);
            char digits[7] = "";
            memcpy(digits, (const char *)got.records[i].key + 1, 6);
            unsigned long no = strtoul(digits, NULL, 10);
            assert_true(no < POWER_APPENDS_MAX && !seen[no]);
            seen[no] = true;
        }
        after += got.records_n;
        ts_records_done(&got);
    }
    for (unsigned i = 0; i < POWER_APPENDS_MAX; i++) {
        assert_true(!left.appended[i] || seen[i]);
        assert_int_equal(seen[i], received != NULL && xw_ranges_contains(received, i + 1));
    }
}

struct answer {
    bool over;
    int status;
    size_t size;
    uint8_t data[POWER_OBJECT];
    uint64_t epoch;
};

static void on_bytes(void *user, int status, const void *data, size_t size)
{
    struct answer *answer = user;
    answer->status = status;
    answer->size = size;
    if (status == 0 && size <= POWER_OBJECT)
        memcpy(answer->data, data, size);
    answer->over = true;
}

static void expect_bytes(struct ts *ts, uint32_t k)
{
    uint8_t data[POWER_OBJECT], sha256[32];
    struct answer answer = {.over = false};
    power_object(k, data, sha256);
    assert_int_equal(xw_store_object_read(ts->store, sha256, 0, POWER_OBJECT, on_bytes, &answer),
                     0);
    while (!answer.over)
        ts_spin(ts);
    assert_int_equal(answer.status, 0);
    assert_int_equal(answer.size, POWER_OBJECT);
    assert_memory_equal(answer.data, data, POWER_OBJECT);
}

static void on_written(void *user, int status, const struct xw_store_object *object)
{
    struct answer *answer = user;
    (void)object;
    answer->status = status;
    answer->over = true;
}

/* What was begun can be ended, though it may begin anew once when what lay behind the acknowledged
 * bytes was torn. */
static void end_object(struct ts *ts, uint32_t k)
{
    uint8_t data[POWER_OBJECT], sha256[32];
    struct xw_store_object object;
    power_object(k, data, sha256);
    for (int tries = 0; tries < 20; tries++) {
        struct answer answer = {.over = false};
        assert_int_equal(xw_store_object(ts->store, sha256, &object), 0);
        if (object.verified)
            break;
        uint64_t held = object.held < POWER_OBJECT ? object.held : 0;
        assert_int_equal(xw_store_object_write(ts->store, sha256, POWER_OBJECT, "a/b", held,
                                               data + held, POWER_OBJECT - held, on_written,
                                               &answer),
                         0);
        while (!answer.over)
            ts_spin(ts);
        assert_true(answer.status == 0 || answer.status == -EBADMSG);
    }
    assert_int_equal(xw_store_object(ts->store, sha256, &object), 0);
    assert_true(object.verified);
}

/* What was removed has not come back: nobody would look for it. */
static void expect_no_file(const struct ts *ts, const uint8_t sha256[32])
{
    char path[512], name[65];
    for (size_t i = 0; i < 32; i++)
        (void)snprintf(name + 2 * i, 3, "%02x", sha256[i]);
    (void)snprintf(path, sizeof path, "%s/objects/%.2s/%s", ts->dir, name, name);
    assert_int_equal(access(path, F_OK), -1);
}

static void expect_objects(struct ts *ts)
{
    uint8_t data[POWER_OBJECT], sha256[32];
    struct xw_store_object object;
    for (uint32_t k = 0; k < POWER_OBJECTS_MAX; k++) {
        power_object(k, data, sha256);
        if (left.held[k] > 0) {
            assert_int_equal(xw_store_object(ts->store, sha256, &object), 0);
            assert_true(object.held >= left.held[k] || (left.ending[k] && object.held == 0));
            assert_true(left.held[k] < POWER_OBJECT || object.verified);
            end_object(ts, k);
            expect_bytes(ts, k);
        }
        power_object(1000 + k, data, sha256);
        int r = xw_store_object(ts->store, sha256, &object);
        if (left.imported[k] && !left.removing[k])
            assert_int_equal(r, 0);
        if (left.removed[k]) {
            assert_int_equal(r, -ENOENT);
            expect_no_file(ts, sha256);
        }
        if (r == 0 && object.verified)
            expect_bytes(ts, 1000 + k);
    }
}

static void expect_state(const char *dir)
{
    char path[400];
    uint8_t *data = NULL;
    size_t size = 0;
    (void)snprintf(path, sizeof path, "%s/state", dir);
    int r = xw_file_read(path, 1000, &data, &size);
    assert_true(r == 0 || (r == -ENOENT && left.state == 0));
    if (r == 0) {
        assert_int_equal(size, 501);
        assert_true(strtoull((const char *)data, NULL, 10) >= left.state);
    }
    free(data);
}

/* A copy that was told to be done is one; one that was cut short has no meta.db or is whole. */
static void expect_copies(const char *dir)
{
    for (uint32_t i = 0; i < left.copies + 8; i++) {
        char copy[400], meta[420];
        struct ts ts;
        (void)snprintf(copy, sizeof copy, "%s-copy%u", dir, i);
        (void)snprintf(meta, sizeof meta, "%s/meta.db", copy);
        if (access(meta, F_OK) == 0) {
            assert_int_equal(power_open(&ts, copy, left.appends_n), 0);
            assert_int_equal(ts.unreadable, 0);
            ts_close(&ts);
            xw_loop_free(ts.loop);
        }
        ts_remove(copy);
    }
}

int power_run_judge(char **argv)
{
    struct ts ts;
    (void)alarm(120);
    FILE *in = fdopen((int)strtoul(argv[1], NULL, 10), "r");
    assert_true(in != NULL && fread(&left, sizeof left, 1, in) == 1);
    assert_int_equal(power_open(&ts, argv[0], left.appends_n), 0);
    struct xw_uuid id = xw_store_id(ts.store);
    assert_true(!left.has_id || xw_uuid_equal(&id, &left.id));
    assert_true(ts_epoch(&ts, "gw") > left.epoch);
    for (int again = 0; again < 2; again++) {
        for (uint32_t i = 0; i < POWER_APPENDS_MAX; i++)
            if (left.appended[i])
                expect_block(&ts, i);
        expect_objects(&ts);
        assert_int_equal(ts_compact(&ts), 0); /* it goes on, and nothing moves */
    }
    expect_records(&ts);
    expect_state(argv[0]);
    assert_int_equal(ts.unreadable, 0);
    assert_int_equal(ts.conflicts, 0);
    assert_int_equal(ts_put_stream(&ts, 7).status, 0);
    ts_close(&ts);
    xw_loop_free(ts.loop);
    expect_copies(argv[0]);
    return 0;
}
