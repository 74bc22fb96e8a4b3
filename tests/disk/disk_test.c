/* The fault file layer itself: what a cut may take and what not. Each case runs in a child under
 * the layer, ends by a cut, and the parent looks at what is left. */
#include "disk/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { SEEDS = 120, N = 4096, SECTORS = N / 512 };

static char dir[256];

static int setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;
    (void)snprintf(dir, sizeof(dir), "%s/xw-disk-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[300];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    return system(command); /* NOLINT(cert-env33-c): our own folder */
}

static const char *at(const char *name)
{
    static char paths[4][320];
    static unsigned i;
    char *path = paths[i++ % 4];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

static void must(bool held)
{
    if (!held)
        _exit(9);
}

static void put(const char *name, uint8_t value, bool sync)
{
    uint8_t bytes[N];
    memset(bytes, value, sizeof(bytes));
    int fd = open(at(name), O_WRONLY | O_CREAT, 0600);
    must(fd >= 0 && pwrite(fd, bytes, N, 0) == N && (!sync || fdatasync(fd) == 0));
    must(close(fd) == 0);
}

static void sync_folder(const char *name)
{
    int fd = open(name, O_RDONLY | O_DIRECTORY);
    must(fd >= 0 && fsync(fd) == 0 && close(fd) == 0);
}

/* Runs body in a child under the rules and cuts its power when it returns; the child's status. */
static int cut_after(const char *rules, void (*body)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        int silence = open("/dev/null", O_WRONLY);
        (void)dup2(silence, 2);
        must(xw_disk_configure(rules) == 0);
        body();
        xw_disk_cut();
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void expect_cut(const char *rules, void (*body)(void))
{
    int status = cut_after(rules, body);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        fail_msg("%s: status %x", rules, (unsigned)status);
}

static void with_seed(unsigned seed, const char *more, void (*body)(void))
{
    char rules[128];
    (void)snprintf(rules, sizeof(rules), "power:%u%s", seed, more);
    expect_cut(rules, body);
}

/* -1: no such file. */
static ssize_t get(const char *name, uint8_t *bytes, size_t n)
{
    int fd = open(at(name), O_RDONLY);
    if (fd < 0)
        return -1;
    ssize_t got = read(fd, bytes, n);
    (void)close(fd);
    return got;
}

static bool all(const uint8_t *bytes, size_t n, uint8_t value)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

/* How many whole sectors have this value; every sector has one value throughout. */
static unsigned sectors_of(const uint8_t *bytes, uint8_t value)
{
    unsigned n = 0;
    for (unsigned s = 0; s < SECTORS; s++) {
        assert_true(all(bytes + s * 512, 512, bytes[s * 512]));
        n += bytes[s * 512] == value;
    }
    return n;
}

/* ---- bytes ---- */

static void write_over(void)
{
    put("a", 2, false);
}

static void write_over_and_sync(void)
{
    put("a", 2, true);
}

static void what_was_not_synced_is_old_new_or_torn_at_sectors(void **state)
{
    (void)state;
    unsigned old = 0, new = 0, torn = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        put("a", 1, false);
        with_seed(seed, "", write_over);
        assert_int_equal(get("a", bytes, N), N);
        unsigned n = sectors_of(bytes, 2);
        assert_int_equal(n + sectors_of(bytes, 1), SECTORS);
        old += n == 0;
        new += n == SECTORS;
        torn += n > 0 && n < SECTORS;
    }
    assert_true(old > SEEDS / 10 && new > SEEDS / 10 && torn > SEEDS / 10);
}

static void what_was_synced_stays(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        put("a", 1, false);
        with_seed(seed, "", write_over_and_sync);
        assert_int_equal(get("a", bytes, N), N);
        assert_true(all(bytes, N, 2));
    }
}

static void a_lying_disk_loses_what_was_synced(void **state)
{
    (void)state;
    unsigned lost = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        put("a", 1, false);
        with_seed(seed, ":lie=data", write_over_and_sync);
        assert_int_equal(get("a", bytes, N), N);
        lost += !all(bytes, N, 2);
    }
    assert_true(lost > SEEDS / 4);
}

static void write_two_sync_one(void)
{
    put("a", 2, false);
    put("b", 2, true);
}

static void a_sync_covers_its_own_file_only(void **state)
{
    (void)state;
    unsigned kept = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        put("a", 1, false);
        put("b", 1, false);
        with_seed(seed, "", write_two_sync_one);
        assert_true(get("b", bytes, N) == N && all(bytes, N, 2));
        assert_int_equal(get("a", bytes, N), N);
        kept += all(bytes, N, 2);
    }
    assert_true(kept > 0 && kept < SEEDS);
}

static void range_sync(void)
{
    uint8_t bytes[N];
    memset(bytes, 2, sizeof(bytes));
    int fd = open(at("a"), O_WRONLY);
    must(fd >= 0 && write(fd, bytes, N) == N);
    must(sync_file_range(fd, 0, N, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0);
}

static void synchronous(void)
{
    uint8_t bytes[N];
    memset(bytes, 2, sizeof(bytes));
    int fd = open(at("a"), O_WRONLY | O_DSYNC);
    must(fd >= 0 && pwrite(fd, bytes, N / 2, 0) == N / 2);
    fd = open(at("a"), O_WRONLY);
    must(fd >= 0 && pwrite(fd, bytes, N / 2, N / 2) == N / 2);
}

static void sync_file_range_promises_nothing_and_o_dsync_its_own_write(void **state)
{
    (void)state;
    unsigned lost = 0, lost_behind = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        put("a", 1, false);
        with_seed(seed, "", range_sync);
        assert_int_equal(get("a", bytes, N), N);
        lost += !all(bytes, N, 2);
        put("a", 1, false);
        with_seed(seed, "", synchronous);
        assert_int_equal(get("a", bytes, N), N);
        assert_true(all(bytes, N / 2, 2));
        lost_behind += !all(bytes + N / 2, N / 2, 2);
    }
    assert_true(lost > SEEDS / 4 && lost_behind > SEEDS / 4);
}

static void shorten_and_append(void)
{
    uint8_t bytes[N];
    memset(bytes, 3, sizeof(bytes));
    int fd = open(at("a"), O_WRONLY);
    must(fd >= 0 && ftruncate(fd, 700) == 0 && pwrite(fd, bytes, 300, 700) == 300);
}

/* 700 of the old, then what came there at some time: old, zero or new bytes, never a length that
 * the file did not have, nor bytes of nowhere. */
static void lengths_are_old_new_or_between(void **state)
{
    (void)state;
    unsigned old = 0, cut = 0, new = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        put("a", 1, false);
        with_seed(seed, "", shorten_and_append);
        ssize_t n = get("a", bytes, N);
        assert_true(n >= 700 && n <= N);
        assert_true(all(bytes, 512, 1));
        old += n == N;
        cut += n == 700;
        new += n == 1000 && all(bytes + 700, 300, 3);
    }
    assert_true(old > 0 && cut > 0 && new > 0);
}

/* ---- names ---- */

static void make_file(void)
{
    put("new", 5, true);
}

static void make_file_and_sync_folder(void)
{
    put("new", 5, true);
    sync_folder(dir);
}

static void make_name_only(void)
{
    put("new", 5, false);
    sync_folder(dir);
}

static void a_synced_file_without_its_name_is_gone(void **state)
{
    (void)state;
    unsigned gone = 0, empty = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        with_seed(seed, "", make_file);
        ssize_t n = get("new", bytes, N);
        assert_true(n == -1 || (n == N && all(bytes, N, 5)));
        gone += n == -1;
        (void)unlink(at("new"));
        with_seed(seed, "", make_file_and_sync_folder);
        assert_true(get("new", bytes, N) == N && all(bytes, N, 5));
        (void)unlink(at("new"));
        with_seed(seed, "", make_name_only);
        n = get("new", bytes, N);
        assert_true(n >= 0);
        empty += n == 0;
        (void)unlink(at("new"));
    }
    assert_true(gone > SEEDS / 4 && gone < SEEDS && empty > SEEDS / 10);
}

static void replace(void)
{
    put("tmp", 2, true);
    must(rename(at("tmp"), at("a")) == 0);
}

static void replace_without_sync(void)
{
    put("tmp", 2, false);
    must(rename(at("tmp"), at("a")) == 0);
}

static void a_rename_is_one_change_and_may_bring_a_file_without_its_bytes(void **state)
{
    (void)state;
    unsigned old = 0, new = 0, broken = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        put("a", 1, false);
        with_seed(seed, "", replace);
        assert_int_equal(get("a", bytes, N), N);
        assert_true(all(bytes, N, 1) || all(bytes, N, 2));
        old += bytes[0] == 1;
        new += bytes[0] == 2;
        if (bytes[0] == 2)
            assert_int_equal(get("tmp", bytes, N), -1);
        (void)unlink(at("tmp"));
        put("a", 1, false);
        with_seed(seed, "", replace_without_sync);
        ssize_t n = get("a", bytes, N);
        broken += n < N || !(all(bytes, N, 1) || all(bytes, N, 2));
        (void)unlink(at("tmp"));
    }
    assert_true(old > SEEDS / 10 && new > SEEDS / 10 && broken > SEEDS / 10);
}

static void remove_file(void)
{
    must(unlink(at("a")) == 0);
}

static void make_folder(void)
{
    must(mkdir(at("f"), 0700) == 0);
    put("f/x", 4, true);
    sync_folder(at("f"));
}

static void removals_come_back_and_new_folders_go(void **state)
{
    (void)state;
    unsigned back = 0, gone = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        put("a", 1, false);
        with_seed(seed, "", remove_file);
        ssize_t n = get("a", bytes, N);
        assert_true(n == -1 || (n == N && all(bytes, N, 1)));
        back += n == N;
        with_seed(seed, "", make_folder);
        n = get("f/x", bytes, N);
        assert_true(n == -1 || (n == N && all(bytes, N, 4)));
        gone += access(at("f"), F_OK) < 0;
        (void)unlink(at("f/x"));
        (void)rmdir(at("f"));
    }
    assert_true(back > SEEDS / 4 && back < SEEDS && gone > SEEDS / 4 && gone < SEEDS);
}

static void link_file(void)
{
    must(link(at("a"), at("l")) == 0);
}

static void a_link_is_a_name_like_any_other(void **state)
{
    (void)state;
    unsigned there = 0;
    put("a", 1, false);
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        with_seed(seed, "", link_file);
        ssize_t n = get("l", bytes, N);
        assert_true(n == -1 || (n == N && all(bytes, N, 1)));
        there += n == N;
        (void)unlink(at("l"));
    }
    assert_true(there > SEEDS / 4 && there < SEEDS);
}

/* ---- when ---- */

static void forever(void)
{
    put("a", 2, false);
    must(write(1, "", 0) == 0);
    must(kill(getppid(), SIGUSR1) == 0);
    for (;;)
        pause();
}

static void write_many(void)
{
    for (unsigned i = 0; i < 50; i++)
        put("a", (uint8_t)(i + 2), false);
    _exit(0);
}

static void ignore(int signal)
{
    (void)signal;
}

/* What is left after `signal`, sent when the bytes were written and not synced. */
static unsigned left_after(unsigned seed, int signal)
{
    uint8_t bytes[N];
    char rules[64];
    sigset_t set, kept;
    struct sigaction action = {.sa_handler = ignore};
    (void)sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &set, &kept);
    put("a", 1, false);
    (void)snprintf(rules, sizeof(rules), "power:%u", seed);
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(open("/dev/null", O_WRONLY), 2);
        must(xw_disk_configure(rules) == 0);
        forever();
    }
    int got, status;
    assert_int_equal(sigwait(&set, &got), 0);
    (void)kill(pid, signal);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)sigprocmask(SIG_SETMASK, &kept, NULL);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(get("a", bytes, N), N);
    return sectors_of(bytes, 2);
}

static void a_kill_from_outside_is_no_cut_and_sigpwr_is_one(void **state)
{
    (void)state;
    unsigned lost = 0;
    for (unsigned seed = 0; seed < 20; seed++) {
        assert_int_equal(left_after(seed, SIGKILL), SECTORS);
        lost += left_after(seed, SIGPWR) < SECTORS;
    }
    assert_true(lost > 0);
}

static void the_cut_comes_at_the_nth_change_and_the_same_seed_cuts_the_same(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 20; seed++) {
        uint8_t once[N], again[N];
        put("a", 1, false);
        with_seed(seed, ":after=7", write_many);
        assert_int_equal(get("a", once, N), N);
        put("a", 1, false);
        with_seed(seed, ":after=7", write_many);
        assert_int_equal(get("a", again, N), N);
        assert_memory_equal(once, again, N);
        for (unsigned s = 0; s < SECTORS; s++)
            assert_true(once[s * 512] <= 8);
    }
    assert_int_equal(cut_after("power:1:after=51", write_many), 0); /* ran through: exit 0 */
}

static void map_it(void)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    int fd = open(at("a"), O_RDWR);
    must(fd >= 0);
    (void)mmap(NULL, N, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    _exit(0);
}

static void what_can_not_be_followed_ends_the_process(void **state)
{
    (void)state;
    put("a", 1, false);
    int status = cut_after("power:1", map_it);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* ---- failing calls ---- */

static void calls_fail_as_their_rules_say(void **state)
{
    (void)state;
    uint8_t bytes[N] = {0};
    assert_int_equal(xw_disk_configure("disk.write:error=ENOSPC:after=1:times=1:name=/a;"
                                       "disk.read:error=EIO:sector=3:name=/a;disk.sync:error=EIO;"
                                       "disk.rename:error=EACCES;disk.mkdir:error=EROFS"),
                     0);
    int fd = open(at("a"), O_RDWR | O_CREAT, 0600), other = open(at("b"), O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0 && other >= 0);
    assert_int_equal(pwrite(fd, bytes, N, 0), N);
    assert_int_equal(pwrite(other, bytes, N, 0), N);
    assert_int_equal(pwrite(fd, bytes, N, 0), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(pwrite(fd, bytes, N, 0), N);
    assert_int_equal(pread(fd, bytes, 512, 2 * 512), 512);
    assert_int_equal(pread(fd, bytes, 1024, 2 * 512), -1);
    assert_int_equal(errno, EIO);
    assert_int_equal(pread(other, bytes, 1024, 2 * 512), 1024);
    assert_int_equal(fdatasync(fd), -1);
    assert_int_equal(rename(at("a"), at("c")), -1);
    assert_int_equal(errno, EACCES);
    assert_int_equal(mkdir(at("d"), 0700), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(xw_disk_counts().acted_n, 5);
    assert_int_equal(xw_disk_configure("disk.write:short;disk.read:short"), 0);
    assert_int_equal(pwrite(fd, bytes, N, 0), N / 2);
    assert_int_equal(pread(fd, bytes, 100, 0), 50);
    assert_int_equal(xw_disk_configure(NULL), 0);
    assert_int_equal(pwrite(fd, bytes, N, 0), N);
    (void)close(fd);
    (void)close(other);
}

static void allocations_fail_as_their_rules_say(void **state)
{
    (void)state;
    void *volatile got[4];
    if (xw_disk_configure("alloc:after=2:times=1") == 0)
        for (int i = 0; i < 4; i++)
            got[i] = malloc(16);
    uint64_t counted = xw_disk_counts().allocs_n;
    assert_int_equal(xw_disk_configure(NULL), 0);
    for (int i = 0; counted && i < 4; i++)
        assert_true((got[i] == NULL) == (i == 2));
    for (int i = 0; i < 4; i++)
        free(got[i]);
    if (!counted) /* a sanitizer's allocator */
        skip();
}

static void rules_that_nobody_understands_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"power",
                                      "power:x",
                                      "power:1:lie=some",
                                      "disk.write",
                                      "disk.fly:error=EIO",
                                      "disk.sync:error=EWHAT",
                                      "alloc:after=-1",
                                      "disk.read:error=EIO:sector="};
    int kept = dup(2);
    (void)dup2(open("/dev/null", O_WRONLY), 2);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (xw_disk_configure(bad[i]) != -EINVAL)
            fail_msg("'%s' was taken", bad[i]);
    (void)dup2(kept, 2);
    assert_int_equal(xw_disk_configure("store.commit.before:after=3;link.send"), 0);
    assert_int_equal(xw_disk_configure(NULL), 0);
    assert_int_equal(xw_disk_counts().changes_n, 0);
}

/* ---- SQLite above it ---- */

enum { ROWS = 30 };
static const char *journal = "WAL";

static void sql(sqlite3 *db, const char *text)
{
    must(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK);
}

static void insert_rows(void)
{
    sqlite3 *db;
    char text[200];
    must(sqlite3_open(at("t.db"), &db) == SQLITE_OK);
    (void)snprintf(text, sizeof(text),
                   "PRAGMA journal_mode = %s; PRAGMA synchronous = EXTRA; CREATE TABLE t(i, b)",
                   journal);
    sql(db, text);
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(text, sizeof(text), "INSERT INTO t VALUES(%d, zeroblob(3000))", i);
        sql(db, text);
        uint8_t told = (uint8_t)(i + 1);
        FILE *out = fopen(at("told"), "w"); /* not followed: the other side of a wire */
        must(out && fwrite(&told, 1, 1, out) == 1 && fclose(out) == 0);
        if (i % 10 == 9)
            sql(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    }
}

/* 0 whole with all that was told; 1 something lost; 2 no database any more. */
static int what_is_left(void)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    uint8_t told = 0;
    int left = 2;
    (void)get("told", &told, 1);
    if (sqlite3_open_v2(at("t.db"), &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db,
                           "SELECT count(*) FROM t, pragma_integrity_check c WHERE "
                           "c.integrity_check = 'ok'",
                           -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        left = sqlite3_column_int(statement, 0) >= told ? 0 : 1;
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return told == 0 ? 0 : left;
}

static unsigned losses(const char *mode, const char *more)
{
    static const char *const names[] = {"t.db", "t.db-wal", "t.db-shm", "t.db-journal", "told"};
    unsigned lost = 0;
    journal = mode;
    for (unsigned seed = 0; seed < 60; seed++) {
        char rules[96];
        (void)snprintf(rules, sizeof(rules), ":after=%u%s", 1 + seed * 7 % 180, more);
        with_seed(seed, rules, insert_rows);
        lost += what_is_left() != 0;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            (void)unlink(at(names[i]));
    }
    return lost;
}

static void sqlite_loses_nothing_that_it_committed_and_much_on_a_disk_that_lies(void **state)
{
    (void)state;
    assert_int_equal(losses("WAL", ""), 0);
    assert_int_equal(losses("DELETE", ""), 0);
    assert_true(losses("WAL", ":lie=data") > 10);
    assert_true(losses("DELETE", ":lie=all") > 10);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(what_was_not_synced_is_old_new_or_torn_at_sectors),
        CASE(what_was_synced_stays),
        CASE(a_lying_disk_loses_what_was_synced),
        CASE(a_sync_covers_its_own_file_only),
        CASE(sync_file_range_promises_nothing_and_o_dsync_its_own_write),
        CASE(lengths_are_old_new_or_between),
        CASE(a_synced_file_without_its_name_is_gone),
        CASE(a_rename_is_one_change_and_may_bring_a_file_without_its_bytes),
        CASE(removals_come_back_and_new_folders_go),
        CASE(a_link_is_a_name_like_any_other),
        CASE(a_kill_from_outside_is_no_cut_and_sigpwr_is_one),
        CASE(the_cut_comes_at_the_nth_change_and_the_same_seed_cuts_the_same),
        CASE(what_can_not_be_followed_ends_the_process),
        CASE(calls_fail_as_their_rules_say),
        CASE(allocations_fail_as_their_rules_say),
        CASE(rules_that_nobody_understands_are_refused),
        CASE(sqlite_loses_nothing_that_it_committed_and_much_on_a_disk_that_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
