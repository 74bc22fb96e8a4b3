/* Retention, sealing, backup: what only the durable store does. */
#include "days.h"

#include "store/sq_day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

/* ---- retention, sealing ---- */

static void old_continuous_samples_go_with_an_audit_and_kept_ones_stay(void **state)
{
    struct ts *ts = *state;
    struct xw_uuid id = ts_stream(1);
    struct xw_store_stream stream;
    ts->config.retain_us = 2ULL * TS_DAY_US;
    ts_open(ts);
    for (unsigned day = 0; day < 4; day++) {
        ts_put_blocks(ts, 1, day * 10, day * 10 + 10);
        ts_put_blocks(ts, 2, day * 10, day * 10 + 10);
        assert_int_equal(ts_compact(ts), 0);
        if (day == 0)
            assert_int_equal(xw_store_keep(ts->store, &id, (struct xw_range){250, 260}), 0);
        xw_clock_fake_advance(&ts_wall, TS_DAY_US);
    }
    assert_int_equal(ts_compact(ts), 0);
    for (int again = 0; again < 2; again++) {
        ts_expect(ts, 1, 0, 1000, 0); /* in a study */
        assert_int_equal(ts_gap_samples(ts, 2, 4000, XW_LOCAL_GAP_EXPIRED), 2000);
        ts_expect(ts, 2, 2000, 4000, 0);
        assert_int_equal(xw_store_stream(ts->store, &id, &stream), 0);
        assert_int_equal(stream.known->total, 4000);
        ts_reopen(ts);
    }
    assert_int_equal(ts_files_with(ts->dir, "day-20261121"), 1);
    assert_int_equal(ts_files_with(ts->dir, "day-20261122"), 0);
    assert_int_equal(ts_records_n(ts, XW_LOCAL_AUDIT), 3);
}

/* A day's samples, kept for a month; then somebody sets the clock. Returns what expired. */
static uint64_t expired_after(struct ts *ts, int64_t step_us, int64_t then_us, bool restart)
{
    ts->config.retain_us = 30ULL * TS_DAY_US;
    ts_open(ts);
    ts_put_blocks(ts, 1, 0, 10);
    assert_int_equal(ts_compact(ts), 0);
    xw_clock_fake_step_wall(&ts_wall, step_us);
    if (restart)
        ts_reopen(ts);
    assert_int_equal(ts_compact(ts), 0);
    xw_clock_fake_advance(&ts_wall, then_us);
    if (restart)
        ts_reopen(ts);
    assert_int_equal(ts_compact(ts), 0);
    return ts_gap_samples(ts, 1, 1000, XW_LOCAL_GAP_EXPIRED);
}

enum { HOUR = 3600 };
static const int64_t hour_us = HOUR * 1000000LL, year_us = 365LL * 24 * HOUR * 1000000;

static void a_clock_that_jumped_ahead_expires_nothing(void **state)
{
    assert_int_equal(expired_after(*state, year_us, 23 * hour_us, false), 0);
}

static void nor_does_a_restart_make_it_true(void **state)
{
    assert_int_equal(expired_after(*state, year_us, 23 * hour_us, true), 0);
}

static void after_a_day_of_running_with_it_it_is_true(void **state)
{
    assert_int_equal(expired_after(*state, year_us, 24 * hour_us, false), 1000);
}

static void a_jump_of_less_than_two_days_is_believed(void **state)
{
    struct ts *ts = *state;
    assert_int_equal(expired_after(ts, 2 * (int64_t)TS_DAY_US, 28 * (int64_t)TS_DAY_US, false), 0);
    xw_clock_fake_advance(&ts_wall, 2 * (int64_t)TS_DAY_US);
    assert_int_equal(ts_compact(ts), 0);
    assert_int_equal(ts_gap_samples(ts, 1, 1000, XW_LOCAL_GAP_EXPIRED), 1000);
}

static void a_clock_that_was_in_doubt_and_is_set_right_goes_on(void **state)
{
    struct ts *ts = *state;
    assert_int_equal(expired_after(ts, year_us, hour_us, false), 0);
    xw_clock_fake_step_wall(&ts_wall, -year_us);
    assert_int_equal(ts_compact(ts), 0);
    xw_clock_fake_advance(&ts_wall, 29 * (int64_t)TS_DAY_US);
    assert_int_equal(ts_compact(ts), 0);
    assert_int_equal(ts_gap_samples(ts, 1, 1000, XW_LOCAL_GAP_EXPIRED), 0);
    xw_clock_fake_advance(&ts_wall, 2 * (int64_t)TS_DAY_US);
    assert_int_equal(ts_compact(ts), 0);
    assert_int_equal(ts_gap_samples(ts, 1, 1000, XW_LOCAL_GAP_EXPIRED), 1000);
}

static void put_event(struct ts *ts, const char *key, uint64_t first, uint32_t event_kind,
                      const char *log)
{
    struct xw_store_batch *batch = ts_batch(ts);
    struct xw_store_record record = {.key = key,
                                     .key_size = strlen(key),
                                     .revision = 1,
                                     .kind = 1,
                                     .body = key,
                                     .body_size = strlen(key),
                                     .has_span = true,
                                     .stream = ts_stream(1),
                                     .span = {first, first + 1},
                                     .event_kind = event_kind};
    assert_int_equal(xw_store_batch_record(batch, &record, log, NULL, 0), 0);
    assert_int_equal(ts_append(ts, batch).records_new, 1);
}

static size_t events(struct ts *ts)
{
    struct xw_uuid id = ts_stream(1);
    struct ts_records got = {.status = 1};
    ts_wait_records(
        ts, xw_store_events(ts->store, &id, (struct xw_range){0, 100000}, 0, 100, ts_collect, &got),
        &got);
    size_t n = got.records_n;
    ts_records_done(&got);
    return n;
}

static void old_beats_go_with_their_samples_but_never_before_their_peer_has_them(void **state)
{
    struct ts *ts = *state;
    ts->config.retain_us = TS_DAY_US;
    ts_open(ts);
    ts_put_blocks(ts, 1, 0, 10);
    put_event(ts, "beat a", 100, 1, "county");
    put_event(ts, "beat b", 200, 1, "county");
    put_event(ts, "beat c", 300, 1, NULL);
    put_event(ts, "alarm", 300, 3, "county");
    put_event(ts, "beat d", 5000, 1, "county"); /* of samples that are not there yet */
    assert_int_equal(ts_compact(ts), 0);
    xw_store_log_release(ts->store, "county", 1);
    xw_clock_fake_advance(&ts_wall, 3 * TS_DAY_US);
    assert_int_equal(ts_compact(ts), 0);
    assert_int_equal(ts_gap_samples(ts, 1, 1000, XW_LOCAL_GAP_EXPIRED), 1000);
    assert_int_equal(events(ts), 3); /* b was not acknowledged */
}

static void put_observations(struct ts *ts, unsigned first, unsigned n)
{
    struct xw_store_batch *batch = ts_batch(ts);
    for (unsigned i = first; i < first + n; i++) {
        struct xw_store_record record = {.key = &i,
                                         .key_size = sizeof(i),
                                         .revision = 1,
                                         .kind = 13,
                                         .body = "97",
                                         .body_size = 2,
                                         .origin = "town-a"};
        assert_int_equal(xw_store_batch_record(batch, &record, "county", NULL, 0), 0);
    }
    assert_int_equal(ts_append(ts, batch).records_new, n);
}

/* released: of the first 5,000. Returns how many of 5,010 are left after two days. */
static size_t observations_left(struct ts *ts, bool spool)
{
    ts->config.retain_us = TS_DAY_US;
    ts->config.release_needed = spool;
    ts_open(ts);
    put_observations(ts, 0, 5000);
    assert_int_equal(ts_compact(ts), 0);
    put_observations(ts, 5000, 10);
    xw_store_log_release(ts->store, "county", 5000);
    xw_clock_fake_advance(&ts_wall, 2 * TS_DAY_US);
    put_observations(ts, 5010, 10);
    assert_int_equal(ts_compact(ts), 0);
    return ts_records_n(ts, 13);
}

static void observations_leave_a_spool_some_time_after_the_peer_has_them(void **state)
{
    assert_int_equal(observations_left(*state, true), 20);
}

static void observations_stay_in_an_archive(void **state)
{
    assert_int_equal(observations_left(*state, false), 5020);
}

static void days_that_are_over_are_sealed_with_their_hash(void **state)
{
    struct ts *ts = *state;
    char path[512];
    uint8_t sha256[32];
    ts_open(ts);
    ts_put_blocks(ts, 1, 0, 10);
    assert_int_equal(ts_compact(ts), 0);
    xw_clock_fake_advance(&ts_wall, TS_DAY_US);
    assert_int_equal(ts_compact(ts), 0);
    assert_int_equal(ts_files_with(ts->dir, "day-20261121.db-"), 0); /* no log beside it */
    ts_expect(ts, 1, 0, 1000, 0);
    ts_close(ts);
    ts_path(ts, "day-20261121.db", path);
    struct ts_db db;
    sqlite3_stmt *get = NULL;
    ts_db_open(ts->dir, "meta.db", &db);
    assert_int_equal(
        sqlite3_prepare_v2(db.db, "SELECT sha256 FROM day WHERE sealed = 1", -1, &get, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(get), SQLITE_ROW);
    assert_int_equal(sq_file_sha256(path, sha256), 0);
    assert_memory_equal(sqlite3_column_blob(get, 0), sha256, 32);
    (void)sqlite3_finalize(get);
    ts_db_close(&db);
    ts_open(ts);
    ts_expect(ts, 1, 0, 1000, 0);
    /* the clock is set back: the day opens once more */
    xw_clock_fake_step_wall(&ts_wall, -TS_DAY_US);
    ts_put_blocks(ts, 1, 10, 20);
    assert_int_equal(ts_compact(ts), 0);
    xw_clock_fake_step_wall(&ts_wall, TS_DAY_US);
    assert_int_equal(ts_compact(ts), 0);
    ts_reopen(ts);
    ts_expect(ts, 1, 0, 2000, 0);
}

/* ---- backup ---- */

struct backup_answer {
    bool over;
    int status;
};

static void on_backup(void *user, int status)
{
    struct backup_answer *answer = user;
    answer->status = status;
    answer->over = true;
}

static void a_backup_is_whole_while_appends_go_on(void **state)
{
    struct ts *ts = *state;
    struct backup_answer answer = {.over = false};
    char copy[512];
    ts_path(ts, "copy", copy);
    ts_open(ts);
    ts_put_blocks(ts, 1, 0, 10);
    assert_int_equal(ts_compact(ts), 0);
    xw_clock_fake_advance(&ts_wall, TS_DAY_US);
    ts_put_blocks(ts, 1, 10, 20);
    assert_int_equal(ts_compact(ts), 0);
    ts_put_blocks(ts, 1, 20, 30);
    struct xw_uuid id = xw_store_id(ts->store);
    assert_int_equal(xw_store_backup(ts->store, copy, on_backup, &answer), 0);
    unsigned i = 30;
    for (; !answer.over; i++)
        ts_put_blocks(ts, 1, i, i + 1);
    assert_int_equal(answer.status, 0);
    assert_int_equal(ts_backup(ts, copy), -EEXIST);
    ts_expect(ts, 1, 0, (uint64_t)i * TS_COUNT, 0);

    struct ts restored;
    ts_init(&restored, TS_SQLITE);
    ts_remove(restored.dir);
    (void)snprintf(restored.dir, sizeof restored.dir, "%.255s", copy);
    ts_open(&restored);
    struct xw_uuid new_id = xw_store_id(restored.store);
    assert_false(xw_uuid_equal(&id, &new_id));
    ts_expect(&restored, 1, 0, 30 * TS_COUNT, 0);
    ts_reopen(&restored);
    struct xw_uuid same_id = xw_store_id(restored.store);
    assert_true(xw_uuid_equal(&same_id, &new_id));
    /* what came since comes again from the peers */
    ts_put_blocks(&restored, 1, 20, i);
    ts_expect(&restored, 1, 0, (uint64_t)i * TS_COUNT, 0);
    ts_done(&restored);
}

static void a_tool_copies_a_store_that_is_open(void **state)
{
    struct ts *ts = *state;
    struct ts other = {.kind = TS_SQLITE, .loop = ts->loop, .config = ts->config};
    char copy[512];
    ts_path(ts, "copy", copy);
    ts_open(ts);
    assert_int_equal(ts_try_open(&other), -EBUSY);
    ts_put_blocks(ts, 1, 0, 10);
    assert_int_equal(ts_compact(ts), 0);
    xw_clock_fake_advance(&ts_wall, TS_DAY_US);
    assert_int_equal(ts_compact(ts), 0); /* sealed */
    ts_put_blocks(ts, 1, 10, 20);
    assert_int_equal(xw_store_backup_dir("/nonexistent", ts->key_file, copy), -ENOENT);
    assert_int_equal(xw_store_backup_dir(ts->dir, ts->key_file, copy), 0);
    ts_put_blocks(ts, 1, 20, 30);
    ts_expect(ts, 1, 0, 30 * TS_COUNT, 0);
    struct xw_uuid id = xw_store_id(ts->store);
    other.config.dir = copy;
    ts_open(&other);
    struct xw_uuid new_id = xw_store_id(other.store);
    assert_false(xw_uuid_equal(&id, &new_id));
    ts_expect(&other, 1, 0, 20 * TS_COUNT, 0);
    ts_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, ts_days_setup, ts_days_teardown)
        T(old_continuous_samples_go_with_an_audit_and_kept_ones_stay),
        T(old_beats_go_with_their_samples_but_never_before_their_peer_has_them),
        T(a_clock_that_jumped_ahead_expires_nothing),
        T(nor_does_a_restart_make_it_true),
        T(after_a_day_of_running_with_it_it_is_true),
        T(a_jump_of_less_than_two_days_is_believed),
        T(a_clock_that_was_in_doubt_and_is_set_right_goes_on),
        T(observations_leave_a_spool_some_time_after_the_peer_has_them),
        T(observations_stay_in_an_archive),
        T(days_that_are_over_are_sealed_with_their_hash),
        T(a_backup_is_whole_while_appends_go_on),
        T(a_tool_copies_a_store_that_is_open),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
