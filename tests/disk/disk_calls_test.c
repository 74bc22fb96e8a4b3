/* When a cut comes, calls and allocations that fail, and SQLite above the layer. */
#include "help.h"

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
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

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

static void grow_while_full(void)
{
    uint8_t bytes[N] = {0};
    struct statvfs space;
    int fd = open(at("a"), O_RDWR | O_CREAT, 0600);
    must(fd >= 0 && pwrite(fd, bytes, N, 0) == N);
    must(statvfs(at("a"), &space) == 0 && space.f_bavail > 0);
    must(mknod(at("full"), S_IFREG | 0600, 0) == 0);
    must(pwrite(fd, bytes, N, 0) == N);
    must(pwrite(fd, bytes, 1, N) == -1 && errno == ENOSPC);
    must(pwrite(fd, bytes, N, 1) == -1 && errno == ENOSPC);
    must(posix_fallocate(fd, 0, N) == 0 && posix_fallocate(fd, 0, N + 1) == ENOSPC);
    must(open(at("b"), O_RDWR | O_CREAT, 0600) == -1 && errno == ENOSPC);
    must(mkdir(at("d"), 0700) == -1 && errno == ENOSPC);
    must(mkdir(at("."), 0700) == -1 && errno == EEXIST);
    must(rename(at("a"), at("c")) == 0 && fdatasync(fd) == 0);
    must(statvfs(at("c"), &space) == 0 && space.f_bavail == 0);
    must(truncate(at("full"), 1) == 0);
    must(statvfs(at("c"), &space) == 0 && space.f_bavail > 0);
    must(pwrite(fd, bytes, N, 1) == -1 && errno == ENOSPC);
    must(unlink(at("full")) == 0);
    must(pwrite(fd, bytes, N, 1) == N && mkdir(at("d"), 0700) == 0);
    must(statvfs(at("c"), &space) == 0 && space.f_bavail > 0);
    (void)close(fd);
}

static void a_full_disk_is_full_as_long_as_its_file_is_there(void **state)
{
    (void)state;
    char rules[2][400];
    (void)snprintf(rules[0], sizeof(rules[0]), "disk.full:while=%s", at("full"));
    (void)snprintf(rules[1], sizeof(rules[1]), "power:3;disk.full:while=%s", at("full"));
    assert_int_equal(xw_disk_configure(rules[0]), 0);
    grow_while_full();
    assert_int_equal(xw_disk_configure(NULL), 0);
    assert_int_equal(rmdir(at("d")) | unlink(at("c")), 0);
    expect_cut(rules[1], grow_while_full);
}

static void allocations_fail_as_their_rules_say(void **state)
{
    (void)state;
    void *volatile got[4] = {NULL};
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
                                      "disk.full",
                                      "disk.full:when=/a",
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
    const struct CMUnitTest tests[] = {
        CASE(a_kill_from_outside_is_no_cut_and_sigpwr_is_one),
        CASE(the_cut_comes_at_the_nth_change_and_the_same_seed_cuts_the_same),
        CASE(what_can_not_be_followed_ends_the_process),
        CASE(calls_fail_as_their_rules_say),
        CASE(a_full_disk_is_full_as_long_as_its_file_is_there),
        CASE(allocations_fail_as_their_rules_say),
        CASE(rules_that_nobody_understands_are_refused),
        CASE(sqlite_loses_nothing_that_it_committed_and_much_on_a_disk_that_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
