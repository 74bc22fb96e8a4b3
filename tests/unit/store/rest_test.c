/* A store at rest: nothing of what it holds can be read in its folder; keys that are missing or
 * wrong change nothing; new keys, at any moment of their making. */
#include "days.h"

#include "base/block.h"
#include "base/fault.h"
#include "base/file.h"
#include "store/sq_keys.h"
#include "vault/keyfile.h"
#include "vault/sealed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { FILE_MAX = 64 << 20, OBJECT = 200000, STREAM = 1, SAMPLES = 30 * TS_COUNT };

/* ---- what must not be found ---- */

static const char *const texts[] = {"record-body-张三-420102197001011234",
                                    "record-key-4201",
                                    "object-text-李四",
                                    "clip-text-王五",
                                    "note-text-赵六",
                                    "CREATE TABLE",
                                    "county-log-name"};
enum { BODY, KEY, OBJECT_TEXT, CLIP_TEXT, NOTE_TEXT, SCHEMA, LOG_NAME };

static struct {
    const void *what[16];
    size_t size[16], n;
    unsigned found, files;
} hunt;

static int look_into(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)at;
    uint8_t *data = NULL;
    size_t n = 0;
    if (type != FTW_F || st->st_size == 0)
        return 0;
    assert_int_equal(xw_file_read(path, FILE_MAX, &data, &n), 0);
    hunt.files++;
    for (size_t i = 0; i < hunt.n; i++)
        if (memmem(data, n, hunt.what[i], hunt.size[i]) != NULL) {
            print_message("%s holds what no. %zu is\n", path, i);
            hunt.found++;
        }
    free(data);
    return 0;
}

static void expect_nothing_in_clear(const char *dir)
{
    static uint8_t coded[TS_COUNT * 3 * 5];
    static int32_t x[TS_COUNT * 3];
    unsigned width = ts_channels(STREAM);
    hunt.n = hunt.found = hunt.files = 0;
    for (size_t i = 0; i < XW_ARRAY_N(texts); i++) {
        hunt.what[hunt.n] = texts[i];
        hunt.size[hunt.n++] = strlen(texts[i]);
    }
    /* a block's coded bytes, as they are in batches, segments and logs */
    for (uint32_t i = 0; i < TS_COUNT; i++)
        for (unsigned c = 0; c < width; c++)
            x[i * width + c] = ts_sample(STREAM, i, c, 0);
    int size = xw_block_encode(XW_CODING_DELTA, x, width, TS_COUNT, coded, sizeof coded);
    assert_true(size > 64);
    hunt.what[hunt.n] = coded + 16;
    hunt.size[hunt.n++] = 24;
    assert_int_equal(nftw(dir, look_into, 16, FTW_PHYS), 0);
    assert_true(hunt.files > 0);
    assert_int_equal(hunt.found, 0);
}

/* ---- a store with everything in it ---- */

static void on_object(void *user, int status, const struct xw_store_object *object)
{
    (void)object;
    assert_int_equal(status, 0);
    *(bool *)user = true;
}

static uint8_t *content_of(const char *text, uint8_t ret_sha256[32])
{
    uint8_t *data = malloc(OBJECT);
    assert_non_null(data);
    for (size_t i = 0; i < OBJECT; i++)
        data[i] = (uint8_t)text[i % strlen(text)];
    assert_int_equal(EVP_Digest(data, OBJECT, ret_sha256, NULL, EVP_sha256(), NULL), 1);
    return data;
}

static void put_record(struct ts *ts)
{
    struct xw_store_batch *batch = ts_batch(ts);
    struct xw_store_record record = {.key = texts[KEY],
                                     .key_size = strlen(texts[KEY]),
                                     .revision = 1,
                                     .kind = 5,
                                     .origin = "gw",
                                     .wall_us = 1,
                                     .body = texts[BODY],
                                     .body_size = strlen(texts[BODY])};
    assert_int_equal(xw_store_batch_record(batch, &record, texts[LOG_NAME], NULL, 0), 0);
    assert_int_equal(ts_append(ts, batch).status, 0);
}

static void put_object(struct ts *ts, size_t some)
{
    uint8_t sha256[32];
    bool over = false;
    uint8_t *data = content_of(texts[OBJECT_TEXT], sha256);
    assert_int_equal(
        xw_store_object_write(ts->store, sha256, OBJECT, "a/b", 0, data, some, on_object, &over),
        0);
    while (!over)
        ts_spin(ts);
    free(data);
}

static void put_clip(struct ts *ts)
{
    uint8_t sha256[32];
    char dir[512], path[600];
    bool over = false;
    uint8_t *data = content_of(texts[CLIP_TEXT], sha256);
    ts_path(ts, "clips", dir);
    assert_int_equal(xw_file_make_dirs(dir, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/1.part", dir);
    ts_write_file(ts, path, data, OBJECT);
    assert_int_equal(xw_store_object_import(ts->store, path, "video/mp4", on_object, &over), 0);
    while (!over)
        ts_spin(ts);
    (void)snprintf(path, sizeof path, "%s/2.part", dir); /* one in progress */
    ts_write_file(ts, path, data, OBJECT / 2);
    (void)snprintf(path, sizeof path, "%s/2.clip", dir);
    assert_int_equal(xw_sealed_note_write(xw_store_vault(ts->store), path, texts[NOTE_TEXT],
                                          strlen(texts[NOTE_TEXT]), 0600),
                     0);
    free(data);
}

/* Blocks 0..9 in a sealed day, 10..19 in today's, 20..29 in the log. */
static void fill(struct ts *ts)
{
    ts_put_blocks(ts, STREAM, 0, 10);
    assert_int_equal(ts_compact(ts), 0);
    xw_clock_fake_advance(&ts_wall, TS_DAY_US);
    assert_int_equal(ts_compact(ts), 0);
    ts_put_blocks(ts, STREAM, 10, 20);
    assert_int_equal(ts_compact(ts), 0);
    put_record(ts);
    put_object(ts, OBJECT / 2);
    put_clip(ts);
    ts_put_blocks(ts, STREAM, 20, 30);
}

static void expect_bytes(void *user, int status, const void *data, size_t size)
{
    const char *text = texts[CLIP_TEXT];
    assert_int_equal(status, 0);
    assert_int_equal(size, 1000);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(((const uint8_t *)data)[i], (uint8_t)text[(7000 + i) % strlen(text)]);
    *(bool *)user = true;
}

static void expect_all(struct ts *ts)
{
    uint8_t sha256[32];
    struct xw_store_object object;
    bool over = false;
    ts_expect(ts, STREAM, 0, SAMPLES, 0);
    assert_int_equal(ts_records_n(ts, 5), 1);
    free(content_of(texts[OBJECT_TEXT], sha256));
    assert_int_equal(xw_store_object(ts->store, sha256, &object), 0);
    assert_int_equal(object.held, OBJECT / 2);
    free(content_of(texts[CLIP_TEXT], sha256));
    assert_int_equal(xw_store_object(ts->store, sha256, &object), 0);
    assert_true(object.verified);
    assert_int_equal(xw_store_object_read(ts->store, sha256, 7000, 1000, expect_bytes, &over), 0);
    while (!over)
        ts_spin(ts);
}

/* ---- in clear ---- */

static void nothing_that_a_store_holds_is_in_its_files(void **state)
{
    struct ts *ts = *state;
    char copy[512];
    pid_t pid = fork();
    if (pid == 0) { /* killed: everything is as it was at that moment, its logs too */
        ts_open(ts);
        fill(ts);
        (void)raise(SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    xw_clock_fake_advance(&ts_wall, TS_DAY_US); /* as the child's */
    assert_true(ts_files_with(ts->dir, "meta.db-wal") == 1);
    expect_nothing_in_clear(ts->dir);
    ts_open(ts);
    expect_all(ts);
    assert_int_equal(ts_compact(ts), 0);
    ts_path(ts, "copy", copy);
    assert_int_equal(ts_backup(ts, copy), 0);
    expect_nothing_in_clear(ts->dir); /* the copy, too */
    ts_close(ts);
    expect_nothing_in_clear(ts->dir);
}

/* ---- keys that do not fit ---- */

static struct {
    EVP_MD_CTX *context;
} sum;

static int add_file(const char *path, const struct stat *st, int type, struct FTW *at)
{
    uint8_t *data = NULL;
    size_t n = 0;
    (void)st;
    if (type != FTW_F || strncmp(path + at->base, "lock", 4) == 0)
        return 0;
    assert_int_equal(xw_file_read(path, FILE_MAX, &data, &n), 0);
    assert_int_equal(EVP_DigestUpdate(sum.context, path, strlen(path)), 1);
    assert_int_equal(EVP_DigestUpdate(sum.context, data, n), 1);
    free(data);
    return 0;
}

static void sum_of(const char *dir, uint8_t ret_sha256[32])
{
    sum.context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestInit_ex(sum.context, EVP_sha256(), NULL), 1);
    assert_int_equal(nftw(dir, add_file, 16, FTW_PHYS), 0);
    assert_int_equal(EVP_DigestFinal_ex(sum.context, ret_sha256, NULL), 1);
    EVP_MD_CTX_free(sum.context);
}

static int open_with(struct ts *ts, const char *key_file)
{
    struct xw_store_config config = ts->config;
    config.key_file = key_file;
    return xw_store_open_sqlite(ts->loop, &config, NULL, &ts->store);
}

static void a_key_that_is_missing_or_wrong_opens_nothing_and_changes_nothing(void **state)
{
    struct ts *ts = *state;
    uint8_t before[32], after[32];
    char other[600];
    struct xw_keyfile file = {0};
    ts_open(ts);
    ts_put_blocks(ts, STREAM, 0, 3);
    ts_close(ts);
    (void)snprintf(other, sizeof other, "%s-other.key", ts->dir);
    sum_of(ts->dir, before);
    assert_int_equal(open_with(ts, other), -ENOKEY);
    assert_int_equal(access(other, F_OK), -1); /* no new one is made */
    xw_keyfile_add(&file);
    assert_int_equal(xw_keyfile_write(other, &file), 0);
    assert_int_equal(open_with(ts, other), -ENOKEY);
    file.keys[0].id = 0x2a;
    assert_int_equal(xw_keyfile_write(other, &file), 0);
    assert_int_equal(open_with(ts, other), -EKEYREJECTED);
    assert_int_equal(open_with(ts, NULL), -EINVAL);
    sum_of(ts->dir, after);
    assert_memory_equal(before, after, sizeof before);
    assert_int_equal(unlink(other), 0);
    ts->store = NULL;
    ts_open(ts);
    ts_expect(ts, STREAM, 0, 3 * TS_COUNT, 0);
}

static void a_store_without_its_keyring_is_refused_and_not_taken_for_damaged(void **state)
{
    struct ts *ts = *state;
    static const char *const names[] = {"keyring", "keyring.copy"};
    char path[512], away[600];
    ts_open(ts);
    ts_put_blocks(ts, STREAM, 0, 3);
    ts_close(ts);
    for (size_t i = 0; i < 2; i++) {
        ts_path(ts, names[i], path);
        (void)snprintf(away, sizeof away, "%s-%s", ts->dir, names[i]);
        assert_int_equal(rename(path, away), 0);
    }
    assert_int_equal(ts_try_open(ts), -EKEYREJECTED);
    assert_int_equal(ts_files_with(ts->dir, ".bad-"), 0);
    for (size_t i = 0; i < 2; i++) {
        ts_path(ts, names[i], path);
        (void)snprintf(away, sizeof away, "%s-%s", ts->dir, names[i]);
        assert_int_equal(rename(away, path), 0);
    }
    ts_open(ts);
    ts_expect(ts, STREAM, 0, 3 * TS_COUNT, 0);
}

static void a_store_that_is_not_encrypted_is_refused(void **state)
{
    struct ts *ts = *state;
    char path[512];
    sqlite3 *db = NULL;
    ts_path(ts, "meta.db", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(a)", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    assert_int_equal(ts_try_open(ts), -EPROTO);
    assert_non_null(xw_vault_explain(-EPROTO));
    assert_int_equal(ts_files_with(ts->dir, ".bad-") + ts_files_with(ts->dir, "keyring"), 0);
}

static void a_copy_needs_the_key_file(void **state)
{
    struct ts *ts = *state;
    char copy[512], none[600];
    struct ts other = {.kind = TS_SQLITE, .loop = ts->loop, .config = ts->config};
    ts_open(ts);
    fill(ts);
    (void)snprintf(copy, sizeof copy, "%s-copy", ts->dir);
    assert_int_equal(ts_backup(ts, copy), 0);
    other.config.dir = copy;
    (void)snprintf(none, sizeof none, "%s-none.key", ts->dir);
    assert_int_equal(open_with(&other, none), -ENOKEY);
    other.store = NULL;
    ts_open(&other);
    ts_expect(&other, STREAM, 0, SAMPLES, 0);
    ts_close(&other);
    ts_remove(copy);
    (void)unlink(other.key_file);
}

/* ---- new keys ---- */

static void new_keys_are_refused_while_the_store_is_open(void **state)
{
    struct ts *ts = *state;
    struct xw_store_rewrite done;
    struct xw_store_keys keys;
    ts_open(ts);
    assert_int_equal(xw_store_keys_rotate(ts->dir, ts->key_file, false), -EBUSY);
    assert_int_equal(xw_store_keys_rewrite(ts->dir, ts->key_file, NULL, NULL, &done), -EBUSY);
    assert_int_equal(xw_store_keys_show(ts->dir, ts->key_file, &keys), 0);
    assert_int_equal(keys.n, 1);
    assert_true(keys.keys[0].pages > 0);
}

/* It would take the keyring of before and files of after. */
static void a_copy_waits_while_keys_change(void **state)
{
    struct ts *ts = *state;
    struct sq_store *store = calloc(1, sizeof *store);
    char path[512];
    assert_non_null(store);
    ts_open(ts);
    ts_close(ts);
    assert_int_equal(sq_keys_lock(ts->dir, store), 0);
    ts_path(ts, "lock.backup", path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), -1);
    sq_keys_unlock(store);
    assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
    assert_int_equal(xw_store_keys_rotate(ts->dir, ts->key_file, false), -EBUSY);
    (void)close(fd);
    assert_int_equal(xw_store_keys_rotate(ts->dir, ts->key_file, false), 0);
    free(store);
    ts_open(ts);
}

static void after_a_rotation_old_and_new_are_read_and_rewriting_leaves_one_key(void **state)
{
    struct ts *ts = *state;
    struct xw_store_keys keys;
    struct xw_store_rewrite done;
    char copy[512];
    ts_open(ts);
    fill(ts);
    ts_close(ts);
    assert_int_equal(xw_store_keys_rotate(ts->dir, ts->key_file, false), 0);
    ts_open(ts);
    expect_all(ts);
    ts_put_blocks(ts, STREAM, 30, 40);
    ts_close(ts);
    assert_int_equal(xw_store_keys_show(ts->dir, ts->key_file, &keys), 0);
    assert_int_equal(keys.n, 2);
    assert_true(keys.keys[0].pages > 0 && keys.keys[0].files == 5 && keys.keys[1].pages > 0);
    assert_true(keys.keys[1].present && !keys.keys[0].present && keys.unknown == 0);
    assert_int_equal(xw_store_keys_rewrite(ts->dir, ts->key_file, NULL, NULL, &done), 0);
    assert_int_equal(done.keys_dropped, 1);
    uint32_t present = keys.keys[1].id;
    assert_int_equal(xw_store_keys_show(ts->dir, ts->key_file, &keys), 0);
    assert_true(keys.n == 1 && keys.keys[0].id == present && keys.unknown == 0);
    ts_open(ts);
    expect_all(ts);
    ts_expect(ts, STREAM, 0, 40 * TS_COUNT, 0);
    assert_int_equal(ts_compact(ts), 0); /* seals the day again: a copy checks what was hashed */
    ts_path(ts, "copy", copy);
    assert_int_equal(ts_backup(ts, copy), 0);
    assert_int_equal(ts->unreadable, 0);
}

static void a_rewriting_cut_at_any_file_loses_nothing_and_can_be_done_again(void **state)
{
    struct ts *ts = *state;
    static const char *const points[] = {"store.rekey.file", "store.rekey.named"};
    ts_open(ts);
    fill(ts);
    ts_close(ts);
    for (size_t p = 0; p < 2; p++) {
        assert_int_equal(xw_store_keys_rotate(ts->dir, ts->key_file, false), 0);
        bool whole = false;
        for (unsigned at = 1; !whole; at++) {
            pid_t pid = fork();
            if (pid == 0) {
                struct xw_store_rewrite done;
                char rule[80], error[200];
                (void)snprintf(rule, sizeof rule, "%s:after=%u", points[p], p == 0 ? 1U : 0U);
                if (xw_fault_configure(rule, error, sizeof error) < 0)
                    _exit(9);
                _exit(xw_store_keys_rewrite(ts->dir, ts->key_file, NULL, NULL, &done) < 0 ? 8 : 0);
            }
            int status = 0;
            assert_int_equal(waitpid(pid, &status, 0), pid);
            whole = WIFEXITED(status);
            assert_true(whole ? WEXITSTATUS(status) == 0 : WIFSIGNALED(status));
            ts_open(ts);
            expect_all(ts);
            assert_int_equal(ts->unreadable, 0);
            ts_close(ts);
            assert_true(at < 50);
        }
    }
}

int main(void)
{
#define DAYS(name) cmocka_unit_test_setup_teardown(name, ts_days_setup, ts_days_teardown)
    const struct CMUnitTest tests[] = {
        DAYS(nothing_that_a_store_holds_is_in_its_files),
        DAYS(a_key_that_is_missing_or_wrong_opens_nothing_and_changes_nothing),
        DAYS(a_store_without_its_keyring_is_refused_and_not_taken_for_damaged),
        DAYS(a_store_that_is_not_encrypted_is_refused),
        DAYS(a_copy_needs_the_key_file),
        DAYS(new_keys_are_refused_while_the_store_is_open),
        DAYS(a_copy_waits_while_keys_change),
        DAYS(after_a_rotation_old_and_new_are_read_and_rewriting_leaves_one_key),
        DAYS(a_rewriting_cut_at_any_file_loses_nothing_and_can_be_done_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
