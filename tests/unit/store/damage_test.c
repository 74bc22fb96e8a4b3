/* Damaged files, full disks, retention, sealing, backup: what only the durable store must stand. */
#include "support.h"

#include "base/fault.h"

#include "base/clock.h"
#include "store/sq_day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define DAY_US (24LL * 3600 * 1000000)
enum { COUNT = 100 };
static struct xw_clock wall;

static int setup(void **state)
{
    struct ts *ts = calloc(1, sizeof *ts);
    assert_non_null(ts);
    xw_clock_fake_init(&wall, 0, 1795300000000000LL); /* 2026-11-21 22:26 UTC */
    sq_set_clock(&wall);
    ts_init(ts, TS_SQLITE);
    *state = ts;
    return 0;
}

static int teardown(void **state)
{
    ts_done(*state);
    free(*state);
    sq_set_clock(NULL);
    return 0;
}

static void put_blocks(struct ts *ts, unsigned n, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        struct xw_store_batch *batch = ts_batch(ts);
        ts_add_stream(batch, n);
        ts_add_block(batch, n, (uint64_t)i * COUNT, COUNT, 0);
        assert_int_equal(ts_append(ts, batch).status, 0);
    }
}

static uint64_t gap_samples(struct ts *ts, unsigned n, uint64_t end, uint32_t reason)
{
    struct ts_samples samples;
    uint64_t sum = 0;
    ts_read(ts, n, 0, end, SIZE_MAX, &samples);
    assert_int_equal(samples.status, 0);
    for (size_t i = 0; i < samples.gaps_n; i++) {
        assert_int_equal(samples.gaps[i].reason, reason);
        sum += samples.gaps[i].range.end - samples.gaps[i].range.first;
    }
    ts_samples_done(&samples);
    return sum;
}

static unsigned files_with(const char *dir, const char *part)
{
    unsigned n = 0;
    DIR *folder = opendir(dir);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        n += strstr(entry->d_name, part) != NULL;
    (void)closedir(folder);
    return n;
}

static void path_of(const struct ts *ts, const char *name, char path[512])
{
    (void)snprintf(path, 512, "%s/%s", ts->dir, name);
}

static void overwrite(const struct ts *ts, const char *name, off_t at, size_t n)
{
    char path[512], junk[4096];
    path_of(ts, name, path);
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
    char path[512];
    sqlite3 *db = NULL;
    path_of(ts, name, path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
}

/* ---- damage ---- */

static void a_damaged_block_becomes_a_gap_and_its_neighbours_stay(void **state)
{
    struct ts *ts = *state;
    struct xw_uuid id = ts_stream(1);
    struct xw_store_stream stream;
    ts_open(ts);
    put_blocks(ts, 1, 0, 10);
    assert_int_equal(ts_compact(ts), 0);
    put_blocks(ts, 1, 10, 20);
    ts_close(ts);
    /* one block in the day file, one batch row's data */
    run_sql(ts, "day-20261121.db",
            "UPDATE segment SET data = CAST(substr(data, 1, 1000) || x'5a5a5a5a' ||"
            " substr(data, 1005) AS BLOB)");
    run_sql(ts, "meta.db",
            "UPDATE batch SET data = CAST(x'5a5a' || substr(data, 3) AS BLOB) WHERE id ="
            " (SELECT max(id) FROM batch)");
    ts_open(ts);
    assert_int_equal(gap_samples(ts, 1, 20 * COUNT, 4), 2 * COUNT);
    while (ts->unreadable < 2)
        ts_spin(ts);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(xw_store_stream(ts->store, &id, &stream), 0);
        assert_int_equal(stream.blocks->total, 18 * COUNT);
        assert_int_equal(stream.known->total, 20 * COUNT);
        assert_int_equal(gap_samples(ts, 1, 20 * COUNT, 4), 2 * COUNT);
        assert_int_equal(ts_compact(ts), 0);
        ts_reopen(ts);
    }
    assert_int_equal(ts->unreadable, 2);
    /* and the peer may bring them again */
    put_blocks(ts, 1, 0, 20);
    ts_expect(ts, 1, 0, 20 * COUNT, 0);
    assert_int_equal(ts_compact(ts), 0);
    ts_reopen(ts);
    ts_expect(ts, 1, 0, 20 * COUNT, 0);
}

static void a_broken_day_file_is_put_aside(void **state)
{
    struct ts *ts = *state;
    struct xw_uuid id = ts_stream(1);
    struct xw_store_stream stream;
    ts_open(ts);
    put_blocks(ts, 1, 0, 10);
    put_blocks(ts, 2, 0, 3);
    assert_int_equal(ts_compact(ts), 0);
    xw_clock_fake_advance(&wall, DAY_US);
    put_blocks(ts, 1, 10, 20);
    assert_int_equal(ts_compact(ts), 0);
    ts_close(ts);
    overwrite(ts, "day-20261121.db", 0, 8192);
    ts_open(ts);
    while (ts->unreadable < 2)
        ts_spin(ts);
    assert_int_equal(files_with(ts->dir, "day-20261121.db.bad-"), 1);
    assert_int_equal(xw_store_stream(ts->store, &id, &stream), 0);
    assert_int_equal(stream.blocks->total, 10 * COUNT);
    assert_int_equal(stream.known->total, 20 * COUNT);
    assert_int_equal(gap_samples(ts, 1, 20 * COUNT, 4), 10 * COUNT);
    ts_expect(ts, 1, 10 * COUNT, 20 * COUNT, 0);
    put_blocks(ts, 1, 0, 10);
    ts_expect(ts, 1, 0, 20 * COUNT, 0);
}

static void a_missing_day_file_is_a_gap(void **state)
{
    struct ts *ts = *state;
    char path[512];
    ts_open(ts);
    put_blocks(ts, 1, 0, 10);
    assert_int_equal(ts_compact(ts), 0);
    put_blocks(ts, 1, 10, 12);
    ts_close(ts);
    path_of(ts, "day-20261121.db", path);
    assert_int_equal(unlink(path), 0);
    ts_open(ts);
    assert_int_equal(gap_samples(ts, 1, 12 * COUNT, 4), 10 * COUNT);
    ts_expect(ts, 1, 10 * COUNT, 12 * COUNT, 0);
}

static void a_broken_meta_is_put_aside_and_day_files_are_entered_again(void **state)
{
    struct ts *ts = *state;
    ts_open(ts);
    struct xw_uuid before = xw_store_id(ts->store);
    put_blocks(ts, 1, 0, 10);
    put_blocks(ts, 2, 5, 8);
    assert_int_equal(ts_compact(ts), 0);
    ts_reopen(ts);
    struct xw_uuid again = xw_store_id(ts->store);
    assert_true(xw_uuid_equal(&before, &again));
    ts_close(ts);
    overwrite(ts, "meta.db", 0, 40960);
    ts_open(ts);
    ts_spin(ts);
    assert_int_equal(ts->unreadable, 1);
    assert_true(files_with(ts->dir, "meta.db.bad-") > 0);
    struct xw_uuid after = xw_store_id(ts->store);
    assert_false(xw_uuid_equal(&before, &after));
    ts_expect(ts, 1, 0, 10 * COUNT, 0);
    ts_expect(ts, 2, 5 * COUNT, 8 * COUNT, 0);
    put_blocks(ts, 1, 0, 15);
    ts_reopen(ts);
    ts_expect(ts, 1, 0, 15 * COUNT, 0);
}

/* Killed while the day files are entered into a new meta.db: the next start enters them. */
static void a_kill_while_day_files_are_entered_again_loses_none(void **state)
{
    struct ts *ts = *state;
    char path[512], error[128];
    ts_open(ts);
    put_blocks(ts, 1, 0, 10);
    assert_int_equal(ts_compact(ts), 0);
    ts_close(ts);
    static const char *const names[] = {"meta.db", "meta.db-wal", "meta.db-shm"};
    for (size_t i = 0; i < XW_ARRAY_N(names); i++) {
        path_of(ts, names[i], path);
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
    ts_expect(ts, 1, 0, 10 * COUNT, 0);
}

static void a_torn_log_loses_nothing_that_was_acknowledged_before(void **state)
{
    struct ts *ts = *state;
    ts_open(ts);
    put_blocks(ts, 1, 0, 10);
    ts_close(ts);
    /* a log of junk, as after a power cut in the middle of a write */
    char path[512];
    path_of(ts, "meta.db-wal", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    overwrite(ts, "meta.db-wal", 0, 20000);
    ts_open(ts);
    ts_expect(ts, 1, 0, 10 * COUNT, 0);
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

static size_t records_of_kind(struct ts *ts, uint32_t kind)
{
    struct ts_records got = {.status = 1};
    ts_wait_records(ts, xw_store_records(ts->store, kind, NULL, 0, false, 1000, ts_collect, &got),
                    &got);
    size_t n = got.records_n;
    ts_records_done(&got);
    return n;
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
    ts->config.retain_us = 30ULL * DAY_US;
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
    size_t left = records_of_kind(ts, 3);
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
    ts->config.retain_us = 30ULL * DAY_US;
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
    struct ts_records got = {.status = 1};
    ts_wait_records(
        ts, xw_store_records(ts->store, XW_LOCAL_AUDIT, NULL, 0, false, 100, ts_collect, &got),
        &got);
    assert_true(got.records_n > 0);
    ts_records_done(&got);
}

static void a_full_disk_corrupts_nothing_and_it_goes_on_with_room(void **state)
{
    struct ts *ts = *state;
    if (mount("tmpfs", ts->dir, "tmpfs", 0, "size=6m") < 0) {
        print_message("no tmpfs here: skipped\n");
        skip();
    }
    char path[512];
    path_of(ts, "ballast", path);
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

/* ---- retention, sealing ---- */

static void old_continuous_samples_go_with_an_audit_and_kept_ones_stay(void **state)
{
    struct ts *ts = *state;
    struct xw_uuid id = ts_stream(1);
    struct xw_store_stream stream;
    ts->config.retain_us = 2ULL * DAY_US;
    ts_open(ts);
    for (unsigned day = 0; day < 4; day++) {
        put_blocks(ts, 1, day * 10, day * 10 + 10);
        put_blocks(ts, 2, day * 10, day * 10 + 10);
        assert_int_equal(ts_compact(ts), 0);
        if (day == 0)
            assert_int_equal(xw_store_keep(ts->store, &id, (struct xw_range){250, 260}), 0);
        xw_clock_fake_advance(&wall, DAY_US);
    }
    assert_int_equal(ts_compact(ts), 0);
    for (int again = 0; again < 2; again++) {
        ts_expect(ts, 1, 0, 1000, 0); /* in a study */
        assert_int_equal(gap_samples(ts, 2, 4000, XW_LOCAL_GAP_EXPIRED), 2000);
        ts_expect(ts, 2, 2000, 4000, 0);
        assert_int_equal(xw_store_stream(ts->store, &id, &stream), 0);
        assert_int_equal(stream.known->total, 4000);
        ts_reopen(ts);
    }
    assert_int_equal(files_with(ts->dir, "day-20261121"), 1);
    assert_int_equal(files_with(ts->dir, "day-20261122"), 0);
    struct ts_records got = {.status = 1};
    ts_wait_records(
        ts, xw_store_records(ts->store, XW_LOCAL_AUDIT, NULL, 0, false, 100, ts_collect, &got),
        &got);
    assert_int_equal(got.records_n, 3);
    ts_records_done(&got);
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
    ts->config.retain_us = DAY_US;
    ts_open(ts);
    put_blocks(ts, 1, 0, 10);
    put_event(ts, "beat a", 100, 1, "county");
    put_event(ts, "beat b", 200, 1, "county");
    put_event(ts, "beat c", 300, 1, NULL);
    put_event(ts, "alarm", 300, 3, "county");
    put_event(ts, "beat d", 5000, 1, "county"); /* of samples that are not there yet */
    assert_int_equal(ts_compact(ts), 0);
    xw_store_log_release(ts->store, "county", 1);
    xw_clock_fake_advance(&wall, 3 * DAY_US);
    assert_int_equal(ts_compact(ts), 0);
    assert_int_equal(gap_samples(ts, 1, 1000, XW_LOCAL_GAP_EXPIRED), 1000);
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

static size_t observations(struct ts *ts)
{
    struct ts_records got = {.status = 1};
    ts_wait_records(ts, xw_store_records(ts->store, 13, NULL, 0, false, 100000, ts_collect, &got),
                    &got);
    size_t n = got.records_n;
    ts_records_done(&got);
    return n;
}

/* released: of the first 5,000. Returns how many of 5,010 are left after two days. */
static size_t observations_left(struct ts *ts, bool spool)
{
    ts->config.retain_us = DAY_US;
    ts->config.release_needed = spool;
    ts_open(ts);
    put_observations(ts, 0, 5000);
    assert_int_equal(ts_compact(ts), 0);
    put_observations(ts, 5000, 10);
    xw_store_log_release(ts->store, "county", 5000);
    xw_clock_fake_advance(&wall, 2 * DAY_US);
    put_observations(ts, 5010, 10);
    assert_int_equal(ts_compact(ts), 0);
    return observations(ts);
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
    put_blocks(ts, 1, 0, 10);
    assert_int_equal(ts_compact(ts), 0);
    xw_clock_fake_advance(&wall, DAY_US);
    assert_int_equal(ts_compact(ts), 0);
    assert_int_equal(files_with(ts->dir, "day-20261121.db-"), 0); /* no log beside it */
    ts_expect(ts, 1, 0, 1000, 0);
    ts_close(ts);
    path_of(ts, "day-20261121.db", path);
    sqlite3 *db = NULL;
    sqlite3_stmt *get = NULL;
    char meta[512];
    path_of(ts, "meta.db", meta);
    assert_int_equal(sqlite3_open(meta, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT sha256 FROM day WHERE sealed = 1", -1, &get, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(get), SQLITE_ROW);
    assert_int_equal(sq_file_sha256(path, sha256), 0);
    assert_memory_equal(sqlite3_column_blob(get, 0), sha256, 32);
    (void)sqlite3_finalize(get);
    (void)sqlite3_close(db);
    ts_open(ts);
    ts_expect(ts, 1, 0, 1000, 0);
    /* the clock is set back: the day opens once more */
    xw_clock_fake_step_wall(&wall, -DAY_US);
    put_blocks(ts, 1, 10, 20);
    assert_int_equal(ts_compact(ts), 0);
    xw_clock_fake_step_wall(&wall, DAY_US);
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
    path_of(ts, "copy", copy);
    ts_open(ts);
    put_blocks(ts, 1, 0, 10);
    assert_int_equal(ts_compact(ts), 0);
    xw_clock_fake_advance(&wall, DAY_US);
    put_blocks(ts, 1, 10, 20);
    assert_int_equal(ts_compact(ts), 0);
    put_blocks(ts, 1, 20, 30);
    struct xw_uuid id = xw_store_id(ts->store);
    assert_int_equal(xw_store_backup(ts->store, copy, on_backup, &answer), 0);
    unsigned i = 30;
    for (; !answer.over; i++)
        put_blocks(ts, 1, i, i + 1);
    assert_int_equal(answer.status, 0);
    assert_int_equal(ts_backup(ts, copy), -EEXIST);
    ts_expect(ts, 1, 0, (uint64_t)i * COUNT, 0);

    struct ts restored;
    ts_init(&restored, TS_SQLITE);
    ts_remove(restored.dir);
    (void)snprintf(restored.dir, sizeof restored.dir, "%.255s", copy);
    ts_open(&restored);
    struct xw_uuid new_id = xw_store_id(restored.store);
    assert_false(xw_uuid_equal(&id, &new_id));
    ts_expect(&restored, 1, 0, 30 * COUNT, 0);
    ts_reopen(&restored);
    struct xw_uuid same_id = xw_store_id(restored.store);
    assert_true(xw_uuid_equal(&same_id, &new_id));
    /* what came since comes again from the peers */
    put_blocks(&restored, 1, 20, i);
    ts_expect(&restored, 1, 0, (uint64_t)i * COUNT, 0);
    ts_done(&restored);
}

static void a_tool_copies_a_store_that_is_open(void **state)
{
    struct ts *ts = *state;
    struct ts other = {.kind = TS_SQLITE, .loop = ts->loop, .config = ts->config};
    char copy[512];
    path_of(ts, "copy", copy);
    ts_open(ts);
    assert_int_equal(ts_try_open(&other), -EBUSY);
    put_blocks(ts, 1, 0, 10);
    assert_int_equal(ts_compact(ts), 0);
    xw_clock_fake_advance(&wall, DAY_US);
    assert_int_equal(ts_compact(ts), 0); /* sealed */
    put_blocks(ts, 1, 10, 20);
    assert_int_equal(xw_store_backup_dir("/nonexistent", copy), -ENOENT);
    assert_int_equal(xw_store_backup_dir(ts->dir, copy), 0);
    put_blocks(ts, 1, 20, 30);
    ts_expect(ts, 1, 0, 30 * COUNT, 0);
    struct xw_uuid id = xw_store_id(ts->store);
    other.config.dir = copy;
    ts_open(&other);
    struct xw_uuid new_id = xw_store_id(other.store);
    assert_false(xw_uuid_equal(&id, &new_id));
    ts_expect(&other, 1, 0, 20 * COUNT, 0);
    ts_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(a_damaged_block_becomes_a_gap_and_its_neighbours_stay),
        T(a_broken_day_file_is_put_aside),
        T(a_missing_day_file_is_a_gap),
        T(a_broken_meta_is_put_aside_and_day_files_are_entered_again),
        T(a_kill_while_day_files_are_entered_again_loses_none),
        T(a_torn_log_loses_nothing_that_was_acknowledged_before),
        T(low_is_told_before_anything_is_refused),
        T(a_spool_that_is_low_makes_room_before_it_is_full),
        T(a_full_spool_drops_what_was_released_and_only_that),
        T(a_full_disk_corrupts_nothing_and_it_goes_on_with_room),
        T(old_continuous_samples_go_with_an_audit_and_kept_ones_stay),
        T(old_beats_go_with_their_samples_but_never_before_their_peer_has_them),
        T(observations_leave_a_spool_some_time_after_the_peer_has_them),
        T(observations_stay_in_an_archive),
        T(days_that_are_over_are_sealed_with_their_hash),
        T(a_backup_is_whole_while_appends_go_on),
        T(a_tool_copies_a_store_that_is_open),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
