/* One child of a life: everything that a store is asked to do, by a seed. */
#include "power_in.h"

#include "base/file.h"
#include "disk/disk.h"
#include "store/sq.h"
#include "vault/sealed.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { PART = 1000 };
#define BASE_US 1795300000000000LL
#define STEP_US 1800000000LL /* of the wall clock between two appends: a day in 48 */
#define RETAIN_US (30 * 3600000000ULL)

static struct xw_clock fake;

void power_object(uint32_t k, uint8_t data[POWER_OBJECT], uint8_t sha256[32])
{
    for (unsigned i = 0; i < POWER_OBJECT; i++)
        data[i] = (uint8_t)(i * 13 + k * 7 + (i * k >> 8));
    assert_int_equal(EVP_Digest(data, POWER_OBJECT, sha256, NULL, EVP_sha256(), NULL), 1);
}

static void begin(struct ts *ts, const char *dir, uint32_t append)
{
    ts_init(ts, TS_SQLITE);
    (void)rmdir(ts->dir);
    (void)snprintf(ts->dir, sizeof ts->dir, "%s", dir);
    ts->config.retain_us = RETAIN_US;
    xw_clock_fake_init(&fake, 0, BASE_US + append * STEP_US);
    sq_set_clock(&fake);
}

int power_open(struct ts *ts, const char *dir, uint32_t append)
{
    begin(ts, dir, append);
    return ts_try_open(ts);
}

void power_later(void)
{
    xw_clock_fake_advance(&fake, STEP_US);
}

struct child {
    struct ts ts;
    const char *dir;
    int pipe;
    struct life life; /* as it was when the child began, and what it knows since */
    uint64_t random;
    struct work work;
    uint32_t answered, waiting; /* appends; questions of any kind that are open */
    uint32_t object, import;
};

static void tell(const struct child *child, enum told kind, uint32_t a, uint64_t b)
{
    struct mark mark = {.kind = kind, .a = a, .b = b, .id = xw_store_id(child->ts.store)};
    if (write(child->pipe, &mark, sizeof mark) != sizeof mark)
        _exit(3);
}

struct asked {
    struct child *child;
    uint32_t no;
};

static struct asked *ask(struct child *child, uint32_t no)
{
    struct asked *asked = malloc(sizeof *asked);
    assert_non_null(asked);
    *asked = (struct asked){child, no};
    child->waiting++;
    return asked;
}

static void answered(struct asked *asked)
{
    asked->child->waiting--;
    free(asked);
}

/* Whether the store took a question. */
static bool taken(struct asked *asked, int r)
{
    if (r == 0)
        return true;
    assert_true(asked->child->work.may_fail);
    answered(asked);
    return false;
}

static bool well(const struct child *child, int status)
{
    if (status < 0)
        (void)fprintf(stderr, "the child is told %s\n", strerrorname_np(-status));
    assert_true(status == 0 || child->work.may_fail);
    return status == 0;
}

static void on_append(void *user, const struct xw_store_done *done)
{
    struct asked *asked = user;
    if (well(asked->child, done->status))
        tell(asked->child, TOLD_APPEND, asked->no, 0);
    asked->child->answered++;
    answered(asked);
}

static void append(struct child *child, uint32_t i)
{
    struct xw_store_batch *batch = ts_batch(&child->ts);
    struct xw_uuid peer = ts_stream(99);
    char key[12];
    (void)snprintf(key, sizeof key, "k%06u", i);
    struct xw_store_record record = {
        .key = key, .key_size = 7, .revision = 1, .kind = 5, .body = key, .body_size = 7};
    ts_add_stream(batch, i % POWER_STREAMS);
    ts_add_block(batch, i % POWER_STREAMS, i / POWER_STREAMS * POWER_COUNT, POWER_COUNT, 0);
    assert_int_equal(xw_store_batch_record(batch, &record, "county", &peer, i + 1), 0);
    struct asked *asked = ask(child, i);
    if (!taken(asked, xw_store_append(child->ts.store, batch, on_append, asked)))
        child->answered++;
}

static void on_part(void *user, int status, const struct xw_store_object *object)
{
    struct asked *asked = user;
    if (status == 0)
        tell(asked->child, TOLD_OBJECT, asked->no, object->verified ? POWER_OBJECT : object->held);
    else if (status == -EBADMSG)
        tell(asked->child, TOLD_OBJECT, asked->no, 0);
    else if (!well(asked->child, status))
        tell(asked->child, TOLD_ENDING, asked->no, 0);
    answered(asked);
}

/* As the link does: on from what is held; begun anew when all is there and the hash was not it. */
static void write_part(struct child *child)
{
    uint8_t data[POWER_OBJECT], sha256[32];
    struct xw_store_object object = {.held = 0};
    power_object(child->object, data, sha256);
    if (xw_store_object(child->ts.store, sha256, &object) == 0 && object.verified) {
        tell(child, TOLD_OBJECT, child->object, POWER_OBJECT);
        child->object = XW_MIN(child->object + 1, (uint32_t)POWER_OBJECTS_MAX - 1);
        return;
    }
    uint64_t held = object.held < POWER_OBJECT ? object.held : 0;
    size_t n = XW_MIN((size_t)PART, (size_t)(POWER_OBJECT - held));
    struct asked *asked = ask(child, child->object);
    if (held + n == POWER_OBJECT)
        tell(child, TOLD_ENDING, child->object, 1);
    (void)taken(asked, xw_store_object_write(child->ts.store, sha256, POWER_OBJECT, "a/b", held,
                                             data + held, n, on_part, asked));
}

static void clip_path(const struct child *child, uint32_t k, char path[400])
{
    (void)snprintf(path, 400, "%s/clips/%u.part", child->dir, k);
}

static void on_import(void *user, int status, const struct xw_store_object *object)
{
    struct asked *asked = user;
    char path[400];
    (void)object;
    if (well(asked->child, status)) {
        asked->child->life.imported[asked->no] = true;
        tell(asked->child, TOLD_IMPORT, asked->no, 0);
        clip_path(asked->child, asked->no, path);
        (void)unlink(path); /* as a recording's owner does once its record is committed */
    }
    answered(asked);
}

static void import(struct child *child)
{
    uint8_t data[POWER_OBJECT], sha256[32];
    char path[400];
    if (child->import == POWER_OBJECTS_MAX)
        return;
    clip_path(child, child->import, path);
    power_object(1000 + child->import, data, sha256);
    struct xw_sealed sealed;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    int r = fd < 0 ? -errno : xw_sealed_begin(xw_store_vault(child->ts.store), fd, &sealed);
    if (r == 0)
        r = xw_sealed_pwrite(&sealed, fd, 0, data, POWER_OBJECT);
    (void)close(fd);
    if (!well(child, r))
        return;
    struct asked *asked = ask(child, child->import++);
    (void)taken(asked, xw_store_object_import(child->ts.store, path, "a/b", on_import, asked));
}

static void on_removed(void *user, int status)
{
    struct asked *asked = user;
    if (well(asked->child, status))
        tell(asked->child, TOLD_REMOVE, asked->no, 1);
    answered(asked);
}

static void remove_one(struct child *child)
{
    uint8_t data[POWER_OBJECT], sha256[32];
    uint32_t k = (uint32_t)(ts_random(&child->random) % POWER_OBJECTS_MAX);
    while (k < POWER_OBJECTS_MAX && (!child->life.imported[k] || child->life.removing[k]))
        k++;
    if (k == POWER_OBJECTS_MAX)
        return;
    child->life.removing[k] = true;
    tell(child, TOLD_REMOVE, k, 0);
    power_object(1000 + k, data, sha256);
    struct asked *asked = ask(child, k);
    (void)taken(asked, xw_store_object_remove(child->ts.store, sha256, on_removed, asked));
}

static void on_epoch(void *user, int status, uint64_t epoch)
{
    struct asked *asked = user;
    if (well(asked->child, status))
        tell(asked->child, TOLD_EPOCH, 0, epoch);
    answered(asked);
}

static void on_copy(void *user, int status)
{
    struct asked *asked = user;
    if (well(asked->child, status))
        tell(asked->child, TOLD_COPY, asked->no, 0);
    answered(asked);
}

static void ignore_status(void *user, int status)
{
    (void)user;
    (void)status;
}

static void write_state(struct child *child)
{
    char path[400], text[600];
    uint64_t n = ++child->life.state;
    int size = snprintf(text, sizeof text, "%0500llu\n", (unsigned long long)n);
    (void)snprintf(path, sizeof path, "%s/state", child->dir);
    if (well(child, xw_file_write_atomic(path, text, (size_t)size, 0600)))
        tell(child, TOLD_STATE, 0, n);
}

static void copy(struct child *child)
{
    char dir[400];
    do /* one that was cut short stays as it is */
        (void)snprintf(dir, sizeof dir, "%s-copy%u", child->dir, child->life.copies++);
    while (access(dir, F_OK) == 0);
    struct asked *asked = ask(child, child->life.copies - 1);
    if (taken(asked, xw_store_backup(child->ts.store, dir, on_copy, asked)))
        while (child->waiting > 0)
            ts_spin(&child->ts);
}

/* One thing beside the appends, or none. */
static void something_else(struct child *child)
{
    struct asked *asked;
    switch (ts_random(&child->random) % 14) {
    case 0:
        (void)well(child, xw_store_compact(child->ts.store, ignore_status, NULL));
        break;
    case 1:
        (void)well(child, ts_compact(&child->ts));
        break;
    case 2:
    case 3:
    case 4:
        if (child->waiting == 0)
            write_part(child);
        break;
    case 5:
        import(child);
        break;
    case 6:
        write_state(child);
        break;
    case 7:
        asked = ask(child, 0);
        (void)taken(asked, xw_store_epoch_next(child->ts.store, "gw", on_epoch, asked));
        break;
    case 8:
        copy(child);
        break;
    case 9:
        remove_one(child);
        break;
    default:
        break;
    }
}

static void work(struct child *child, uint32_t begin)
{
    uint32_t end = XW_MIN(begin + child->work.appends_n, (uint32_t)POWER_APPENDS_MAX);
    for (uint32_t i = begin; i < end; i++) {
        append(child, i);
        if (i % 3 == 2)
            while (child->answered + begin <= i)
                ts_spin(&child->ts);
        something_else(child);
        power_later();
    }
    for (uint32_t i = 0; i < child->work.parts_n; i++) {
        while (child->waiting > 0)
            ts_spin(&child->ts);
        write_part(child);
    }
    while (child->waiting > 0)
        ts_spin(&child->ts);
}

int power_run_child(char **argv)
{
    static struct child child;
    char clips[400];
    child.dir = argv[0];
    child.random = strtoull(argv[2], NULL, 10);
    child.pipe = (int)strtoul(argv[3], NULL, 10);
    FILE *in = fdopen((int)strtoul(argv[4], NULL, 10), "r");
    assert_true(in != NULL && fread(&child.life, sizeof child.life, 1, in) == 1 &&
                fread(&child.work, sizeof child.work, 1, in) == 1);
    uint32_t from = child.life.appends_n;
    while (child.import < POWER_OBJECTS_MAX && child.life.imported[child.import])
        child.import++;
    (void)alarm(120);     /* an answer that never comes */
    if (child.random % 2) /* segments are written as the blocks came, and re-coded a day later */
        sq_set_pressure(0);
    /* libcrypto does not survive an allocation that fails while it sets itself up, at its first
     * use, and libuv aborts when a new loop finds no room for its first descriptors; a daemon has
     * done both before it opens anything. */
    uint8_t first[POWER_OBJECT], sha256[32];
    power_object(0, first, sha256);
    begin(&child.ts, child.dir, child.life.appends_n);
    if (xw_disk_configure(argv[1]) < 0)
        return 4;
    if (!well(&child, ts_try_open(&child.ts)))
        return 0;
    tell(&child, TOLD_ID, 0, 0);
    (void)snprintf(clips, sizeof clips, "%s/clips", child.dir);
    if (well(&child, xw_file_make_dirs(clips, 0750)))
        work(&child, from);
    tell(&child, TOLD_ACTED, 0, xw_disk_counts().acted_n);
    if (child.work.end == END_LEFT)
        _exit(0);
    if (child.work.end == END_CLOSED || ts_random(&child.random) % 2)
        ts_close(&child.ts); /* a sync or two stand behind the last */
    if (child.work.end == END_CUT)
        xw_disk_cut();
    return 0;
}
