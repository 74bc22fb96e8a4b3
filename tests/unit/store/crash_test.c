/* SIGKILL at every named fault point of the store: a child appends, compacts, expires, seals, backs
 * up and says over a pipe what was acknowledged; the parent opens what is left. Everything that was
 * acknowledged is there exactly once, and the store goes on. */
#include "support.h"

#include "base/file.h"

#include "base/fault.h"
#include "store/sq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { BATCHES = 60, COUNT = 50, OBJECT = 3000, IMPORT_MARK = 1 << 30 };

#define HOUR_US 3600000000LL

/* ---- the child ---- */

struct child {
    struct ts ts;
    int pipe;
    unsigned answered;
    bool copied;
};

struct said {
    struct child *child;
    uint32_t batch;
};

static void on_done(void *user, const struct xw_store_done *done)
{
    struct said *said = user;
    if (done->status == 0 && write(said->child->pipe, &said->batch, 4) != 4)
        _exit(3);
    said->child->answered++;
    free(said);
}

static void ignore_status(void *user, int status)
{
    (void)user;
    (void)status;
}

static void on_backup(void *user, int status)
{
    (void)status;
    ((struct child *)user)->copied = true;
}

static void import_bytes(uint8_t data[OBJECT])
{
    for (unsigned i = 0; i < OBJECT; i++)
        data[i] = (uint8_t)(i * 17 + 1);
}

static void on_object(void *user, int status, const struct xw_store_object *object)
{
    struct child *child = user;
    uint32_t mark = 1U << 31 | (uint32_t)object->held;
    if (status == 0 && write(child->pipe, &mark, 4) != 4)
        _exit(3);
}

static void object_bytes(uint8_t data[OBJECT], uint8_t sha256[32])
{
    for (unsigned i = 0; i < OBJECT; i++)
        data[i] = (uint8_t)(i * 13);
    assert_int_equal(EVP_Digest(data, OBJECT, sha256, NULL, EVP_sha256(), NULL), 1);
}

/* Refused where the part before failed, or while the store says that it is full. */
static void write_object(struct child *child, uint64_t offset, const uint8_t *data, size_t size,
                         const uint8_t sha256[32])
{
    int r = xw_store_object_write(child->ts.store, sha256, OBJECT, "a/b", offset, data + offset,
                                  size, on_object, child);
    assert_true(r == 0 || r == -ESPIPE || r == -ENOSPC);
}

/* An import is said by its own mark: its object is another one. */
static void on_import(void *user, int status, const struct xw_store_object *object)
{
    struct child *child = user;
    uint32_t mark = IMPORT_MARK;
    (void)object;
    if (status == 0 && write(child->pipe, &mark, 4) != 4)
        _exit(3);
}

/* A new file each time, whole when it has its name: the one before may be linked into the objects
 * and must not be written to any more, or a kill in the middle leaves the object as it is then. */
static void import_object(struct child *child, const char *dir)
{
    uint8_t data[OBJECT];
    char path[300], made[300];
    import_bytes(data);
    (void)snprintf(path, sizeof path, "%s/clip.part", dir);
    (void)snprintf(made, sizeof made, "%s/clip.tmp", dir);
    ts_write_file(&child->ts, made, data, OBJECT);
    assert_int_equal(rename(made, path), 0);
    assert_int_equal(xw_store_object_import(child->ts.store, path, "a/b", on_import, child), 0);
}

static void append_one(struct child *child, uint32_t i)
{
    struct xw_store_batch *batch = ts_batch(&child->ts);
    char key[8];
    (void)snprintf(key, sizeof key, "k%04u", i);
    struct xw_store_record record = {
        .key = key, .key_size = 5, .revision = 1, .kind = 5, .body = key, .body_size = 5};
    struct xw_uuid peer = ts_stream(99);
    ts_add_stream(batch, i % 2);
    ts_add_block(batch, i % 2, i / 2 * COUNT, COUNT, 0);
    assert_int_equal(xw_store_batch_record(batch, &record, "county", &peer, i + 1), 0);
    struct said *said = malloc(sizeof *said);
    assert_non_null(said);
    *said = (struct said){child, i};
    assert_int_equal(xw_store_append(child->ts.store, batch, on_done, said), 0);
}

static void run_child(const char *dir, const char *fault, int pipe_fd)
{
    struct child child = {.pipe = pipe_fd};
    char error[128], copy[300];
    uint8_t data[OBJECT], sha256[32];
    static struct xw_clock clock;
    ts_init(&child.ts, TS_SQLITE);
    (void)rmdir(child.ts.dir);
    child.ts.config.dir = dir;
    child.ts.config.retain_us = 30ULL * HOUR_US;
    object_bytes(data, sha256);
    xw_clock_fake_init(&clock, 0, 1795300000000000LL);
    sq_set_clock(&clock);
    if (strncmp(fault, "store.repack", 12) == 0)
        sq_set_pressure(0); /* segments as they came: there is something to re-code */
    if (xw_fault_configure(fault, error, sizeof error) < 0)
        _exit(4);
    if (ts_try_open(&child.ts) < 0)
        _exit(5);
    for (uint32_t i = 0; i < BATCHES; i++) {
        append_one(&child, i);
        if (i % 3 == 2)
            while (child.answered <= i)
                ts_spin(&child.ts);
        if (i == 15) /* one pass at least before the end, however slow the disk */
            (void)ts_compact(&child.ts);
        else if (i % 10 == 5)
            assert_int_equal(xw_store_compact(child.ts.store, ignore_status, NULL), 0);
        if (i == 20)
            write_object(&child, 0, data, 1000, sha256);
        if (i == 40)
            write_object(&child, 1000, data, 2000, sha256);
        if (i % 20 == 10)
            import_object(&child, dir);
        if (i == 30) {
            (void)snprintf(copy, sizeof copy, "%s-copy", dir);
            assert_int_equal(xw_store_backup(child.ts.store, copy, on_backup, &child), 0);
        }
        if (i >= 45)
            xw_clock_fake_advance(&clock, HOUR_US * 24 / 10);
    }
    while (child.answered < BATCHES || !child.copied)
        ts_spin(&child.ts);
    /* What was compacted first is too old by now; what is compacted now is sealed a day later. */
    (void)ts_compact(&child.ts);
    xw_clock_fake_advance(&clock, HOUR_US * 24);
    (void)ts_compact(&child.ts);
    _exit(0);
}

/* ---- the parent ---- */

struct object_answer {
    bool over;
    int status;
    uint8_t sha256[32];
};

static void on_import_again(void *user, int status, const struct xw_store_object *object)
{
    struct object_answer *answer = user;
    answer->status = status;
    if (status == 0)
        memcpy(answer->sha256, object->sha256, 32);
    answer->over = true;
}

struct left {
    bool acknowledged[BATCHES];
    uint32_t object;
    bool imported;
};

static void read_marks(int fd, struct left *left)
{
    uint32_t mark;
    while (read(fd, &mark, 4) == 4) {
        if (mark == IMPORT_MARK)
            left->imported = true;
        else if (mark >> 31)
            left->object = XW_MAX(left->object, mark & 0x7fffffffU);
        else
            left->acknowledged[mark] = true;
    }
}

/* Held, or dropped by retention with a gap that says so; never unknown, never twice. */
static void expect_block(struct ts *ts, uint32_t i)
{
    struct ts_samples samples;
    uint64_t first = i / 2 * COUNT;
    ts_read(ts, i % 2, first, first + COUNT, SIZE_MAX, &samples);
    assert_int_equal(samples.status, 0);
    assert_int_equal(samples.unknown.n, 0);
    if (samples.gaps_n > 0)
        assert_int_equal(samples.gaps[0].reason, XW_LOCAL_GAP_EXPIRED);
    bool held = samples.gaps_n == 0;
    ts_samples_done(&samples);
    if (held)
        ts_expect(ts, i % 2, first, first + COUNT, 0);
}

static void expect_records(struct ts *ts, const struct left *left)
{
    struct xw_uuid peer = ts_stream(99);
    const struct xw_ranges *received = xw_store_log_received(ts->store, &peer);
    uint64_t last = xw_store_log_last(ts->store, "county");
    struct ts_records got = {.status = 1};
    ts_wait_records(ts, xw_store_log_read(ts->store, "county", 0, 1000, ts_collect, &got), &got);
    assert_int_equal(got.records_n, last);
    bool seen[BATCHES] = {false};
    for (size_t i = 0; i < got.records_n; i++) {
        assert_int_equal(got.seqs[i], i + 1);
        char digits[5] = "";
        memcpy(digits, (const char *)got.records[i].key + 1, 4);
        unsigned long no = strtoul(digits, NULL, 10);
        assert_true(no < BATCHES && !seen[no]);
        seen[no] = true;
    }
    for (unsigned i = 0; i < BATCHES; i++) {
        assert_true(!left->acknowledged[i] || seen[i]);
        assert_int_equal(seen[i], xw_ranges_contains(received, i + 1));
    }
    ts_records_done(&got);
}

static void expect_object(struct ts *ts, const struct left *left)
{
    uint8_t data[OBJECT], sha256[32];
    struct xw_store_object object;
    object_bytes(data, sha256);
    int r = xw_store_object(ts->store, sha256, &object);
    if (left->object == 0)
        return;
    assert_int_equal(r, 0);
    assert_true(object.held >= left->object);
    assert_true(left->object < OBJECT || object.verified);
}

/* Imported and told: it is there. Not told: its owner still has the file, and imports it again. */
static void expect_import(struct ts *ts, const char *dir, const struct left *left)
{
    uint8_t data[OBJECT], sha256[32];
    struct xw_store_object object = {.verified = false};
    struct object_answer answer = {.over = false};
    char path[300];
    import_bytes(data);
    assert_int_equal(EVP_Digest(data, OBJECT, sha256, NULL, EVP_sha256(), NULL), 1);
    int r = xw_store_object(ts->store, sha256, &object);
    if (left->imported)
        assert_true(r == 0 && object.verified);
    (void)snprintf(path, sizeof path, "%s/clip.part", dir);
    if (access(path, F_OK) < 0)
        return;
    assert_int_equal(xw_store_object_import(ts->store, path, "a/b", on_import_again, &answer), 0);
    while (!answer.over)
        ts_spin(ts);
    assert_int_equal(answer.status, 0);
    assert_memory_equal(answer.sha256, sha256, 32);
}

static void expect_all(const char *dir, const struct left *left)
{
    struct ts ts;
    ts_init(&ts, TS_SQLITE);
    (void)rmdir(ts.dir);
    (void)snprintf(ts.dir, sizeof ts.dir, "%s", dir);
    ts_open(&ts);
    for (int again = 0; again < 2; again++) {
        for (uint32_t i = 0; i < BATCHES; i++)
            if (left->acknowledged[i])
                expect_block(&ts, i);
        expect_records(&ts, left);
        expect_object(&ts, left);
        expect_import(&ts, dir, left);
        assert_int_equal(ts_compact(&ts), 0); /* it goes on, and nothing moves */
    }
    assert_int_equal(ts.unreadable, 0);
    assert_int_equal(ts.conflicts, 0);
    assert_int_equal(ts_put_stream(&ts, 7).status, 0);
    ts_done(&ts);
}

/* A backup that was cut short has no meta.db; a whole one opens as another incarnation. */
static void expect_copy(const char *dir)
{
    char copy[300], meta[320];
    (void)snprintf(copy, sizeof copy, "%s-copy", dir);
    (void)snprintf(meta, sizeof meta, "%s/meta.db", copy);
    if (access(meta, F_OK) == 0) {
        struct left nothing = {.object = 0};
        expect_all(copy, &nothing);
    }
    ts_remove(copy);
}

static bool one_round(const char *fault)
{
    const char *tmp = getenv("TMPDIR");
    char dir[256];
    int ends[2];
    (void)snprintf(dir, sizeof dir, "%s/xw-crash-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        run_child(dir, fault, ends[1]);
    }
    (void)close(ends[1]);
    struct left left = {.object = 0};
    read_marks(ends[0], &left);
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    assert_true(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    sq_set_clock(NULL);
    expect_all(dir, &left);
    expect_copy(dir);
    ts_remove(dir);
    return killed;
}

static void everything_acknowledged_survives_a_kill(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned passes; /* how often a run comes by, at least */
    } faults[] = {{"store.open", 1},
                  {"store.commit.before", 15},
                  {"store.commit.after", 15},
                  {"store.segment.after_day", 2},
                  {"store.segment.after_meta", 2},
                  {"store.retain", 1},
                  {"store.repack", 1},
                  {"store.seal", 1},
                  {"store.object.sync", 2},
                  {"store.object.import", 3},
                  {"store.backup.meta", 1}};
    uint64_t seed = ts_seed();
    for (size_t f = 0; f < XW_ARRAY_N(faults); f++)
        for (unsigned round = 0; round < 3; round++) {
            char text[96];
            unsigned after = ts_random(&seed) % faults[f].passes;
            (void)snprintf(text, sizeof text, "%s:after=%u", faults[f].name, after);
            bool killed = one_round(text);
            print_message("%s: %s\n", text, killed ? "killed" : "ran through");
            assert_true(killed);
        }
}

static void nothing_is_lost_when_calls_fail_on_the_way(void **state)
{
    (void)state;
    assert_false(one_round("store.commit.before:prob=0.2:error=ENOSPC:seed=3"));
    assert_false(one_round("store.segment.after_day:error=EIO:times=2"));
    assert_false(one_round("store.segment.after_meta:error=EIO:times=2"));
    assert_false(one_round("store.repack:error=EIO:times=2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_acknowledged_survives_a_kill),
        cmocka_unit_test(nothing_is_lost_when_calls_fail_on_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
