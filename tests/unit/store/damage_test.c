/* Damaged files and full disks: what only the durable store must stand. */
#include "days.h"

#include "base/fault.h"
#include "base/loop.h"

#include "store/sq_day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <uv.h>

static void overwrite(const struct ts *ts, const char *name, off_t at, size_t n)
{
    char path[512], junk[4096];
    ts_path(ts, name, path);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    memset(junk, 0x5a, sizeof junk);
    for (; n > 0; n -= XW_MIN(n, sizeof junk), at += (off_t)sizeof junk)
        assert_true(pwrite(fd, junk, XW_MIN(n, sizeof junk), at) > 0);
    (void)close(fd);
}

/* SQL by hand, as a damaged disk would not do it, but exactly where it hurts. */
static void run_sql(const struct ts *ts, const char *name, const char *text)
{
    struct ts_db db;
    ts_db_open(ts->dir, name, &db);
    assert_int_equal(sqlite3_exec(db.db, text, NULL, NULL, NULL), SQLITE_OK);
    ts_db_close(&db);
}

/* ---- damage ---- */

/* Of the damaged unit the blocks before the damage stay, and the other units and rows. */
static void a_damaged_block_becomes_a_gap_and_its_neighbours_stay(void **state)
{
    struct ts *ts = *state;
    struct xw_uuid id = ts_stream(1);
    struct xw_store_stream stream;
    enum { UNIT = 50, IN_SEGMENT = 2 * UNIT, ALL = IN_SEGMENT + 10 }; /* 10 s are 50 blocks */
    ts_open(ts);
    ts_put_blocks(ts, 1, 0, IN_SEGMENT);
    assert_int_equal(ts_compact(ts), 0);
    ts_put_blocks(ts, 1, IN_SEGMENT, ALL);
    ts_close(ts);
    /* a unit in the day file, one batch row's data */
    run_sql(ts, "day-20261121.db",
            "UPDATE segment SET data = CAST(substr(data, 1, 1000) || x'5a5a5a5a' ||"
            " substr(data, 1005) AS BLOB)");
    run_sql(ts, "meta.db",
            "UPDATE batch SET data = CAST(x'5a5a' || substr(data, 3) AS BLOB) WHERE id ="
            " (SELECT max(id) FROM batch)");
    ts_open(ts);
    uint64_t lost = ts_gap_samples(ts, 1, ALL * TS_COUNT, 4);
    assert_true(lost > 2 * TS_COUNT && lost < UNIT * TS_COUNT && lost % TS_COUNT == 0);
    while (ts->unreadable < lost / TS_COUNT)
        ts_spin(ts);
    ts_expect(ts, 1, 0, TS_COUNT, 0);
    ts_expect(ts, 1, UNIT * TS_COUNT, (ALL - 1) * TS_COUNT, 0);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(xw_store_stream(ts->store, &id, &stream), 0);
        assert_int_equal(stream.blocks->total, ALL * TS_COUNT - lost);
        assert_int_equal(stream.known->total, ALL * TS_COUNT);
        assert_int_equal(ts_gap_samples(ts, 1, ALL * TS_COUNT, 4), lost);
        assert_int_equal(ts_compact(ts), 0);
        ts_reopen(ts);
    }
    assert_int_equal(ts->unreadable, lost / TS_COUNT);
    /* and the peer may bring them again */
    ts_put_blocks(ts, 1, 0, ALL);
    ts_expect(ts, 1, 0, ALL * TS_COUNT, 0);
    assert_int_equal(ts_compact(ts), 0);
    ts_reopen(ts);
    ts_expect(ts, 1, 0, ALL * TS_COUNT, 0);
}

static void on_done(void *user, const struct xw_store_done *done)
{
    int *status = user;
    *status = done->status;
}

/* Staged blocks are in the directory before their row is in the database: whoever reads meanwhile
 * must not take them for lost. */
static void what_is_not_committed_yet_is_not_taken_for_damaged(void **state)
{
    struct ts *ts = *state;
    char error[128];
    assert_int_equal(xw_fault_configure("store.commit.before:delay=100", error, sizeof error), 0);
    ts_open(ts);
    ts_put_blocks(ts, 1, 0, 1);
    unsigned reads = 0;
    for (unsigned i = 1; i < 4; i++) {
        int status = 1;
        struct xw_store_batch *batch = ts_batch(ts);
        ts_add_block(batch, 1, (uint64_t)i * TS_COUNT, TS_COUNT, 0);
        assert_int_equal(xw_store_append(ts->store, batch, on_done, &status), 0);
        while (status == 1) { /* ts_read lets the loop run, and on_done */
            struct ts_samples samples;
            ts_read(ts, 1, 0, 4 * TS_COUNT, SIZE_MAX, &samples);
            assert_int_equal(samples.status, 0);
            assert_int_equal(samples.gaps_n, 0);
            ts_samples_done(&samples);
            reads++;
        }
        assert_int_equal(status, 0);
    }
    print_message("%u reads\n", reads);
    ts_expect(ts, 1, 0, 4 * TS_COUNT, 0);
    ts_close(ts);
    assert_int_equal(xw_fault_configure(NULL, error, sizeof error), 0);
    ts_open(ts);
    assert_int_equal(ts->unreadable, 0);
    ts_expect(ts, 1, 0, 4 * TS_COUNT, 0);
}

static void on_compacted(void *user, int status)
{
    int *ret = user;
    *ret = status;
}

/* A block of a row that is being compacted is given up (a read failed), in the time between the
 * day's commit and the index: it is a gap then, and not in the segment as well; nor twice when it
 * came again meanwhile. */
static void lost_while_compacted(struct ts *ts, bool comes_again)
{
    enum { ALL = 6, LOST = 2 };
    const struct xw_range lost = {LOST * TS_COUNT, (LOST + 1) * TS_COUNT};
    char error[128];
    int status = 1;
    assert_int_equal(
        xw_fault_configure("store.segment.after_day:delay=1000:times=1", error, sizeof error), 0);
    ts_open(ts);
    ts_put_blocks(ts, 1, 0, ALL);
    struct sq_store *store = sq_of(ts->store);
    uint64_t batch = store->streams[0]->pend[LOST].batch;
    assert_int_equal(xw_store_compact(ts->store, on_compacted, &status), 0);
    while (xw_fault_acted_n("store.segment.after_day") == 0)
        (void)uv_run(xw_loop_uv(ts->loop), UV_RUN_NOWAIT);
    sq_mark_unreadable(store, 1, lost, batch, NULL, 0);
    if (comes_again)
        ts_put_blocks(ts, 1, LOST, LOST + 1);
    while (status == 1)
        ts_spin(ts);
    assert_int_equal(status, 0);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(ts->unreadable, 1);
        assert_int_equal(ts_gap_samples(ts, 1, ALL * TS_COUNT, 4), comes_again ? 0 : TS_COUNT);
        ts_expect(ts, 1, 0, lost.first, 0);
        ts_expect(ts, 1, lost.end, ALL * TS_COUNT, 0);
        if (comes_again)
            ts_expect(ts, 1, lost.first, lost.end, 0);
        assert_int_equal(ts_compact(ts), 0);
        ts_reopen(ts);
    }
    ts_put_blocks(ts, 1, LOST, LOST + 1); /* its peer has it still */
    assert_int_equal(ts_compact(ts), 0);
    ts_reopen(ts);
    ts_expect(ts, 1, 0, ALL * TS_COUNT, 0);
    assert_int_equal(xw_fault_configure(NULL, error, sizeof error), 0);
    assert_int_equal(ts->conflicts, 0);
}

static void what_is_lost_while_it_is_compacted_is_a_gap(void **state)
{
    lost_while_compacted(*state, false);
}

static void what_comes_again_while_it_is_compacted_is_there_once(void **state)
{
    lost_while_compacted(*state, true);
}

static void a_broken_day_file_is_put_aside(void **state)
{
    struct ts *ts = *state;
    struct xw_uuid id = ts_stream(1);
    struct xw_store_stream stream;
    ts_open(ts);
    ts_put_blocks(ts, 1, 0, 10);
    ts_put_blocks(ts, 2, 0, 3);
    assert_int_equal(ts_compact(ts), 0);
    xw_clock_fake_advance(&ts_wall, TS_DAY_US);
    ts_put_blocks(ts, 1, 10, 20);
    assert_int_equal(ts_compact(ts), 0);
    ts_close(ts);
    overwrite(ts, "day-20261121.db", 0, 8192);
    ts_open(ts);
    while (ts->unreadable < 2)
        ts_spin(ts);
    assert_int_equal(ts_files_with(ts->dir, "day-20261121.db.bad-"), 1);
    assert_int_equal(xw_store_stream(ts->store, &id, &stream), 0);
    assert_int_equal(stream.blocks->total, 10 * TS_COUNT);
    assert_int_equal(stream.known->total, 20 * TS_COUNT);
    assert_int_equal(ts_gap_samples(ts, 1, 20 * TS_COUNT, 4), 10 * TS_COUNT);
    ts_expect(ts, 1, 10 * TS_COUNT, 20 * TS_COUNT, 0);
    ts_put_blocks(ts, 1, 0, 10);
    ts_expect(ts, 1, 0, 20 * TS_COUNT, 0);
}

static void a_missing_day_file_is_a_gap(void **state)
{
    struct ts *ts = *state;
    char path[512];
    ts_open(ts);
    ts_put_blocks(ts, 1, 0, 10);
    assert_int_equal(ts_compact(ts), 0);
    ts_put_blocks(ts, 1, 10, 12);
    ts_close(ts);
    ts_path(ts, "day-20261121.db", path);
    assert_int_equal(unlink(path), 0);
    ts_open(ts);
    assert_int_equal(ts_gap_samples(ts, 1, 12 * TS_COUNT, 4), 10 * TS_COUNT);
    ts_expect(ts, 1, 10 * TS_COUNT, 12 * TS_COUNT, 0);
}

static void a_broken_meta_is_put_aside_and_day_files_are_entered_again(void **state)
{
    struct ts *ts = *state;
    ts_open(ts);
    struct xw_uuid before = xw_store_id(ts->store);
    ts_put_blocks(ts, 1, 0, 10);
    ts_put_blocks(ts, 2, 5, 8);
    assert_int_equal(ts_compact(ts), 0);
    ts_reopen(ts);
    struct xw_uuid again = xw_store_id(ts->store);
    assert_true(xw_uuid_equal(&before, &again));
    ts_close(ts);
    overwrite(ts, "meta.db", 0, 40960);
    ts_open(ts);
    ts_spin(ts);
    assert_int_equal(ts->unreadable, 1);
    assert_true(ts_files_with(ts->dir, "meta.db.bad-") > 0);
    struct xw_uuid after = xw_store_id(ts->store);
    assert_false(xw_uuid_equal(&before, &after));
    ts_expect(ts, 1, 0, 10 * TS_COUNT, 0);
    ts_expect(ts, 2, 5 * TS_COUNT, 8 * TS_COUNT, 0);
    ts_put_blocks(ts, 1, 0, 15);
    ts_reopen(ts);
    ts_expect(ts, 1, 0, 15 * TS_COUNT, 0);
}

/* Killed while the day files are entered into a new meta.db: the next start enters them. */
static void a_kill_while_day_files_are_entered_again_loses_none(void **state)
{
    struct ts *ts = *state;
    char path[512], error[128];
    ts_open(ts);
    ts_put_blocks(ts, 1, 0, 10);
    assert_int_equal(ts_compact(ts), 0);
    ts_close(ts);
    static const char *const names[] = {"meta.db", "meta.db-wal", "meta.db-shm"};
    for (size_t i = 0; i < XW_ARRAY_N(names); i++) {
        ts_path(ts, names[i], path);
        (void)unlink(path);
    }
    pid_t pid = fork();
    if (pid == 0) {
        if (xw_fault_configure("store.reindex", error, sizeof error) == 0)
            (void)ts_try_open(ts);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ts_open(ts);
    ts_expect(ts, 1, 0, 10 * TS_COUNT, 0);
}

static void a_torn_log_loses_nothing_that_was_acknowledged_before(void **state)
{
    struct ts *ts = *state;
    ts_open(ts);
    ts_put_blocks(ts, 1, 0, 10);
    ts_close(ts);
    /* a log of junk, as after a power cut in the middle of a write */
    char path[512];
    ts_path(ts, "meta.db-wal", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    overwrite(ts, "meta.db-wal", 0, 20000);
    ts_open(ts);
    ts_expect(ts, 1, 0, 10 * TS_COUNT, 0);
}

/* ---- room ---- */

static int try_block(struct ts *ts, unsigned i)
{
    struct xw_store_batch *batch = ts_batch(ts);
    ts_add_stream(batch, 1);
    ts_add_block(batch, 1, (uint64_t)i * 4000, 4000, 0);
    return ts_append(ts, batch).status;
}

static void low_is_told_before_anything_is_refused(void **state)
{
    struct ts *ts = *state;
    ts->config.limit_bytes = 4 << 20;
    ts->config.low_bytes = 1 << 20;
    ts_open(ts);
    unsigned stored = 0;
    int r = 0;
    while (r == 0 && stored < 10000) {
        r = try_block(ts, stored);
        stored += r == 0;
        assert_true(r == 0 || ts->low > 0);
    }
    assert_int_equal(r, -ENOSPC);
    assert_int_equal(ts->last_space, XW_SPACE_FULL);
    assert_true(stored > 50);
    ts_expect(ts, 1, 0, (uint64_t)stored * 4000, 0);
    ts_reopen(ts);
    ts_expect(ts, 1, 0, (uint64_t)stored * 4000, 0);
}

/* With a time anchor for each block, as in a spool. */
static int try_anchored(struct ts *ts, unsigned i)
{
    struct xw_store_batch *batch = ts_batch(ts);
    char key[16];
    (void)snprintf(key, sizeof key, "a%06u", i);
    struct xw_store_record record = {.key = key,
                                     .key_size = 7,
                                     .revision = 1,
                                     .kind = 3,
                                     .has_span = true,
                                     .stream = ts_stream(1),
                                     .span = {(uint64_t)i * 4000, (uint64_t)i * 4000 + 1},
                                     .body = key,
                                     .body_size = 7};
    ts_add_stream(batch, 1);
    ts_add_block(batch, 1, (uint64_t)i * 4000, 4000, 0);
    assert_int_equal(xw_store_batch_record(batch, &record, "county", NULL, 0), 0);
    return ts_append(ts, batch).status;
}

static void a_spool_that_is_low_makes_room_before_it_is_full(void **state)
{
    struct ts *ts = *state;
    struct xw_uuid id = ts_stream(1);
    ts->config.limit_bytes = 8 << 20;
    ts->config.low_bytes = 2 << 20;
    ts->config.release_needed = true;
    ts->config.retain_us = 30ULL * TS_DAY_US;
    ts_open(ts);
    unsigned i = 0;
    /* Five times what it may hold, all of it released soon after it came. */
    for (; i < 1500; i++) {
        assert_int_equal(try_anchored(ts, i), 0);
        if (i % 5)
            continue;
        xw_store_release(ts->store, &id, (struct xw_range){0, (uint64_t)(i + 1) * 4000});
        xw_store_log_release(ts->store, "county", xw_store_log_last(ts->store, "county"));
        assert_int_equal(ts_compact(ts), 0);
    }
    assert_true(ts->low > 0);
    for (unsigned tries = 0; tries < 50 && ts->last_space != XW_SPACE_OK; tries++) {
        assert_int_equal(ts_compact(ts), 0);
        assert_int_equal(try_anchored(ts, i++), 0);
    }
    assert_int_equal(ts->last_space, XW_SPACE_OK);
    assert_int_equal(ts->full, 0);
    struct xw_store_stream stream;
    assert_int_equal(xw_store_stream(ts->store, &id, &stream), 0);
    assert_false(xw_ranges_contains(stream.blocks, 0));
    /* The anchors went with their samples, but for those of what is still there. */
    size_t left = ts_records_n(ts, 3);
    assert_true(left >= 1 && left < i / 2);
}

static void a_full_spool_drops_what_was_released_and_only_that(void **state)
{
    struct ts *ts = *state;
    struct xw_uuid id = ts_stream(1);
    struct xw_store_stream stream;
    ts->config.limit_bytes = 4 << 20;
    ts->config.low_bytes = 1 << 20;
    ts->config.release_needed = true;
    ts->config.retain_us = 30ULL * TS_DAY_US;
    ts_open(ts);
    unsigned i = 0;
    for (; i < 200; i++)
        assert_int_equal(try_block(ts, i), 0);
    assert_int_equal(ts_compact(ts), 0);
    while (try_block(ts, i) == 0)
        i++;
    /* nothing may go yet */
    assert_int_equal(ts_compact(ts), 0);
    ts_expect(ts, 1, 0, (uint64_t)i * 4000, 0);
    xw_store_release(ts->store, &id, (struct xw_range){0, 150 * 4000});
    ts_reopen(ts);
    /* A new write-ahead log has made some room: it is used up first. */
    for (unsigned tries = 0; tries < 1000; tries++) {
        assert_int_equal(xw_store_stream(ts->store, &id, &stream), 0);
        if (!xw_ranges_contains(stream.blocks, 0))
            break;
        if (try_block(ts, i) == 0)
            i++;
        else
            assert_int_equal(ts_compact(ts), 0);
    }
    for (unsigned tries = 0; tries < 100 && try_block(ts, i) < 0; tries++)
        assert_int_equal(ts_compact(ts), 0);
    i++;
    assert_int_equal(try_block(ts, i++), 0);
    assert_int_equal(xw_store_stream(ts->store, &id, &stream), 0);
    assert_true(xw_ranges_covers(stream.known, 0, (uint64_t)i * 4000));
    assert_false(xw_ranges_contains(stream.blocks, 0));
    assert_true(xw_ranges_covers(stream.blocks, 150 * 4000, (uint64_t)i * 4000));
    assert_true(ts_records_n(ts, XW_LOCAL_AUDIT) > 0);
}

static void a_full_disk_corrupts_nothing_and_it_goes_on_with_room(void **state)
{
    struct ts *ts = *state;
    if (mount("tmpfs", ts->dir, "tmpfs", 0, "size=6m") < 0) {
        print_message("no tmpfs here: skipped\n");
        skip();
    }
    char path[512];
    ts_path(ts, "ballast", path);
    ts_open(ts);
    unsigned stored = 0, refused = 0;
    for (; refused < 5 && stored < 5000;) {
        int r = try_block(ts, stored);
        assert_true(r == 0 || r == -ENOSPC);
        stored += r == 0;
        refused += r < 0;
        if (stored % 50 == 49)
            (void)ts_compact(ts); /* may fail for want of room */
    }
    assert_int_equal(refused, 5);
    ts_expect(ts, 1, 0, (uint64_t)stored * 4000, 0);
    ts_reopen(ts);
    ts_expect(ts, 1, 0, (uint64_t)stored * 4000, 0);
    assert_int_equal(mount("tmpfs", ts->dir, "tmpfs", MS_REMOUNT, "size=64m"), 0);
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(try_block(ts, stored + i), 0);
    assert_int_equal(ts_compact(ts), 0);
    ts_expect(ts, 1, 0, (uint64_t)(stored + 200) * 4000, 0);
    ts_close(ts);
    assert_int_equal(umount(ts->dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, ts_days_setup, ts_days_teardown)
        T(a_damaged_block_becomes_a_gap_and_its_neighbours_stay),
        T(what_is_not_committed_yet_is_not_taken_for_damaged),
        T(what_is_lost_while_it_is_compacted_is_a_gap),
        T(what_comes_again_while_it_is_compacted_is_there_once),
        T(a_broken_day_file_is_put_aside),
        T(a_missing_day_file_is_a_gap),
        T(a_broken_meta_is_put_aside_and_day_files_are_entered_again),
        T(a_kill_while_day_files_are_entered_again_loses_none),
        T(a_torn_log_loses_nothing_that_was_acknowledged_before),
        T(low_is_told_before_anything_is_refused),
        T(a_spool_that_is_low_makes_room_before_it_is_full),
        T(a_full_spool_drops_what_was_released_and_only_that),
        T(a_full_disk_corrupts_nothing_and_it_goes_on_with_room),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
