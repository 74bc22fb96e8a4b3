/* What the disk does to files at rest: the last page of the spool torn at every byte, and sectors
 * that can not be read. The store opens, or says why not; every acknowledged block is there with
 * its samples, or its loss is told as damage; never a wrong sample, never a crash.
 *
 *   XW_SWEEP=all build/release/tests/store_torn_test     each byte, each sector (minutes) */
#include "support.h"

#include "base/file.h"
#include "disk/disk.h"
#include "store/sq.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 24, COUNT = 50, FILE_MAX = 16 << 20, LOG_FRAME = 24 + 4096, GAP_UNREADABLE = 4 };

static const char *const names[] = {"meta.db", "meta.db-wal", "day-20261121.db", "keyring"};
enum { META, LOG, DAY, KEYS, FILES };

/* A store as it lies on the disk. */
struct image {
    uint8_t *data[FILES];
    size_t n[FILES];
    uint32_t blocks_n; /* acknowledged */
};

static char dir[256];
static struct xw_clock fake;
static bool all;
static uint64_t seed;

static void path_of(int file, char path[400])
{
    (void)snprintf(path, 400, "%s/%s", dir, names[file]);
}

static void open_config(struct ts *ts)
{
    ts_init(ts, TS_SQLITE);
    (void)rmdir(ts->dir);
    (void)snprintf(ts->dir, sizeof ts->dir, "%s", dir);
    xw_clock_fake_init(&fake, 0, 1795300000000000LL);
    sq_set_clock(&fake);
}

/* In a child that does not close what it opened: `compacted` blocks in the day file, the rest in
 * the log, whose last transaction nobody was told of. */
static void make(uint32_t compacted, bool closed)
{
    pid_t pid = fork();
    int status;
    if (pid == 0) {
        struct ts ts;
        open_config(&ts);
        ts_open(&ts);
        (void)ts_put_stream(&ts, 0);
        for (uint32_t i = 0; i <= BLOCKS; i++) {
            (void)ts_put_block(&ts, 0, i * COUNT, COUNT, 0);
            if (i + 1 == compacted)
                (void)ts_compact(&ts);
        }
        if (closed)
            ts_close(&ts);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void take_image(struct image *image, uint32_t compacted, bool closed)
{
    *image = (struct image){.blocks_n = BLOCKS};
    ts_remove(dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    make(compacted, closed);
    for (int i = 0; i < FILES; i++) {
        char path[400];
        path_of(i, path);
        if (access(path, F_OK) == 0)
            assert_int_equal(xw_file_read(path, FILE_MAX, &image->data[i], &image->n[i]), 0);
    }
}

static void free_image(struct image *image)
{
    for (int i = 0; i < FILES; i++)
        free(image->data[i]);
}

static void put_file(int file, const void *data, size_t n)
{
    char path[400];
    path_of(file, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(xw_file_write_all(fd, data, n), 0);
    (void)close(fd);
}

static void put_back(const struct image *image)
{
    ts_remove(dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    for (int i = 0; i < FILES; i++)
        if (image->data[i] != NULL)
            put_file(i, image->data[i], image->n[i]);
}

struct found {
    unsigned there, damaged, unknown;
    bool opened, told;
};

/* Reads every block; samples that are given out are compared in any case. */
static struct found look(const struct image *image)
{
    struct found found = {.there = 0};
    struct ts ts;
    open_config(&ts);
    found.opened = ts_try_open(&ts) == 0;
    for (uint32_t i = 0; found.opened && i < image->blocks_n; i++) {
        struct ts_samples samples;
        struct xw_uuid id = ts_stream(0);
        struct xw_store_stream stream;
        if (xw_store_stream(ts.store, &id, &stream) < 0) {
            found.unknown++;
            continue;
        }
        ts_read(&ts, 0, i * COUNT, (i + 1) * COUNT, SIZE_MAX, &samples);
        bool whole = samples.status == 0 && samples.gaps_n == 0 && samples.unknown.n == 0;
        if (samples.gaps_n > 0)
            assert_int_equal(samples.gaps[0].reason, GAP_UNREADABLE);
        found.unknown += samples.status == 0 && samples.unknown.n > 0;
        found.damaged += samples.status < 0 || samples.gaps_n > 0;
        ts_samples_done(&samples);
        if (whole)
            ts_expect(&ts, 0, i * COUNT, (i + 1) * COUNT, 0);
        found.there += whole;
    }
    for (int i = 0; i < 50 && found.opened && ts.unreadable == 0 && found.there < image->blocks_n;
         i++)
        ts_spin(&ts);
    found.told = ts.unreadable > 0;
    if (ts.store != NULL)
        ts_close(&ts);
    xw_loop_free(ts.loop);
    return found;
}

enum tear { CUT, ZEROS, RUBBISH, TEARS_N };

static void tear_file(const struct image *image, int file, size_t at, enum tear tear)
{
    uint8_t *torn = malloc(image->n[file]);
    assert_non_null(torn);
    memcpy(torn, image->data[file], image->n[file]);
    for (size_t i = at; i < image->n[file]; i++)
        torn[i] = tear == ZEROS ? 0 : (uint8_t)ts_random(&seed);
    put_file(file, torn, tear == CUT ? at : image->n[file]);
    free(torn);
}

static size_t step_of(size_t bytes, size_t points)
{
    return all ? 1 : XW_MAX((size_t)1, bytes / points) + ts_random(&seed) % 3;
}

/* The last frame is of a commit that nobody was told of: a torn one never was. */
static void a_log_torn_at_any_byte_of_its_last_frame_keeps_all_that_was_told(void **state)
{
    (void)state;
    struct image image;
    unsigned n = 0;
    take_image(&image, 0, false);
    assert_true(image.n[LOG] > 2 * LOG_FRAME);
    for (size_t at = image.n[LOG] - LOG_FRAME; at < image.n[LOG]; at += step_of(LOG_FRAME, 60)) {
        put_back(&image);
        tear_file(&image, LOG, at, (enum tear)(n++ % TEARS_N));
        struct found found = look(&image);
        assert_true(found.opened);
        assert_int_equal(found.there, BLOCKS);
        assert_false(found.told);
    }
    print_message("%u tears\n", n);
    free_image(&image);
}

/* A page of a file that was whole and synced: bytes are gone for good, which must be told. */
static void tear_last_page(int file, size_t page, bool closed)
{
    struct image image;
    unsigned n = 0, whole = 0, told = 0;
    take_image(&image, BLOCKS / 2, closed);
    assert_true(image.n[file] >= page);
    for (size_t at = image.n[file] - page; at < image.n[file]; at += step_of(page, 60)) {
        put_back(&image);
        tear_file(&image, file, at, (enum tear)(n++ % TEARS_N));
        struct found found = look(&image);
        assert_true(found.opened);
        assert_int_equal(found.there + found.damaged + found.unknown, BLOCKS);
        assert_true(found.there == BLOCKS || found.told);
        whole += found.there == BLOCKS;
        told += found.told;
    }
    print_message("%s: %u tears, %u cost nothing, %u told as damage\n", names[file], n, whole,
                  told);
    free_image(&image);
}

static void a_day_file_torn_at_any_byte_of_its_last_page_tells_what_is_lost(void **state)
{
    (void)state;
    tear_last_page(DAY, 32768, false);
}

static void a_meta_db_torn_at_any_byte_of_its_last_page_tells_what_is_lost(void **state)
{
    (void)state;
    tear_last_page(META, 4096, true); /* nothing of it in the log */
}

/* With its day files it can be made again; what it held beside them is lost, and told. */
static void a_meta_db_that_is_gone_is_told(void **state)
{
    (void)state;
    struct image image;
    take_image(&image, BLOCKS / 2, true);
    put_back(&image);
    put_file(META, "", 0);
    struct found found = look(&image);
    assert_true(found.opened && found.told);
    assert_int_equal(found.there, BLOCKS / 2);
    free_image(&image);
}

/* Sectors that can not be read, for as long as it runs; then they can be read again. */
static void sectors_that_can_not_be_read_are_told(void **state)
{
    (void)state;
    struct image image;
    unsigned n = 0, refused = 0, told = 0;
    take_image(&image, BLOCKS / 2, false);
    for (int file = 0; file < FILES; file++) {
        size_t sectors = image.n[file] / 512;
        for (size_t s = 0; s < sectors; s += step_of(sectors, 25), n++) {
            char rule[128];
            put_back(&image);
            (void)snprintf(rule, sizeof rule, "disk.read:error=EIO:name=%s/%s:sector=%zu",
                           strrchr(dir, '/') + 1, names[file], s);
            assert_int_equal(xw_disk_configure(rule), 0);
            struct found found = look(&image);
            assert_int_equal(xw_disk_configure(NULL), 0);
            refused += !found.opened;
            told += found.told;
            if (found.opened)
                assert_true(found.there == BLOCKS || found.told || found.damaged > 0);
            if (!found.opened) /* refused is not given up: it is all there once it can be read */
                assert_int_equal(look(&image).there, BLOCKS);
        }
    }
    print_message("%u sectors: %u times not opened, %u told as damage\n", n, refused, told);
    free_image(&image);
}

/* All bytes of an object came, and its process died before it took their hash. */
static void a_part_with_all_its_bytes_asks_for_its_end_again(void **state)
{
    (void)state;
    uint8_t bytes[100] = {1}, sha256[32] = {0};
    struct xw_store_object object = {.held = 0};
    char path[400];
    struct ts ts;
    ts_remove(dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    open_config(&ts);
    ts_open(&ts);
    struct ts_db db;
    ts_db_open(dir, "meta.db", &db);
    assert_int_equal(sqlite3_exec(db.db, "INSERT INTO object VALUES(zeroblob(32), 100, 'a/b', 0)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    ts_db_close(&db);
    ts_close(&ts);
    (void)snprintf(path, sizeof path, "%s/objects/00", dir);
    assert_int_equal(xw_file_make_dirs(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/objects/00/%064d.part", dir, 0);
    ts_open(&ts);
    ts_write_file(&ts, path, bytes, sizeof bytes);
    ts_reopen(&ts);
    assert_int_equal(xw_store_object(ts.store, sha256, &object), 0);
    assert_int_equal(object.held, 99);
    assert_false(object.verified);
    ts_close(&ts);
    xw_loop_free(ts.loop);
}

/* What a killed process wrote and did not sync is read as committed, and peers are told that it is
 * known; so it is synced before the store opens. */
static void the_log_of_a_killed_process_is_synced_before_it_counts(void **state)
{
    (void)state;
    struct image image;
    struct ts ts;
    take_image(&image, 0, false);
    put_back(&image);
    assert_int_equal(xw_disk_configure("disk.sync:error=EIO:name=meta.db-wal"), 0);
    open_config(&ts);
    assert_int_equal(ts_try_open(&ts), -EIO);
    xw_loop_free(ts.loop);
    assert_int_equal(xw_disk_configure(NULL), 0);
    assert_int_equal(look(&image).there, BLOCKS);
    free_image(&image);
}

/* EIO comes out of SQLite as "malformed": nothing may be put aside for one read that failed. */
static void one_failed_read_is_not_damage(void **state)
{
    (void)state;
    struct image image;
    take_image(&image, BLOCKS / 2, false);
    for (unsigned n = 0; n < 60; n += all ? 1 : 3) {
        char rule[96];
        put_back(&image);
        (void)snprintf(rule, sizeof rule, "disk.read:error=EIO:times=1:after=%u:name=%s/", n,
                       strrchr(dir, '/') + 1);
        assert_int_equal(xw_disk_configure(rule), 0);
        struct found found = look(&image);
        assert_int_equal(xw_disk_configure(NULL), 0);
        assert_false(found.told);
        assert_int_equal(look(&image).there, BLOCKS);
    }
    free_image(&image);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR"), *which = getenv("XW_SWEEP");
    (void)snprintf(dir, sizeof dir, "%s/xw-torn-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    if (mkdtemp(dir) == NULL)
        return 1;
    all = which != NULL && strcmp(which, "all") == 0;
    seed = ts_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_torn_at_any_byte_of_its_last_frame_keeps_all_that_was_told),
        cmocka_unit_test(a_day_file_torn_at_any_byte_of_its_last_page_tells_what_is_lost),
        cmocka_unit_test(a_meta_db_torn_at_any_byte_of_its_last_page_tells_what_is_lost),
        cmocka_unit_test(a_meta_db_that_is_gone_is_told),
        cmocka_unit_test(sectors_that_can_not_be_read_are_told),
        cmocka_unit_test(a_part_with_all_its_bytes_asks_for_its_end_again),
        cmocka_unit_test(the_log_of_a_killed_process_is_synced_before_it_counts),
        cmocka_unit_test(one_failed_read_is_not_damage),
    };
    int r = cmocka_run_group_tests(tests, NULL, NULL);
    ts_remove(dir);
    return r;
}
