/* The encrypting VFS beside SQLite's own: the same statements on both give the same rows, whatever
 * the page size, the journal and the crash; nothing of the rows is in any file; pages that are
 * damaged or in another's place are told. */
#include "support.h"

#include "base/file.h"
#include "store/sq_vfs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX = 64 << 20 };
static const char marker[] = "a patient's name: Zhang San 张三";

struct set {
    char dir[256], key_file[300];
    struct xw_vault *vault;
    struct sq_vfs *vfs;
};

static int set_up(void **state)
{
    const char *tmp = getenv("TMPDIR");
    struct set *set = calloc(1, sizeof *set);
    if (set == NULL)
        return -1;
    *state = set;
    (void)snprintf(set->dir, sizeof set->dir, "%.200s/xw-vfs-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    if (mkdtemp(set->dir) == NULL)
        return -1;
    (void)snprintf(set->key_file, sizeof set->key_file, "%s.key", set->dir);
    if (xw_vault_open(set->dir, set->key_file, XW_VAULT_NEW, &set->vault) < 0 ||
        sq_vfs_new(set->vault, &set->vfs) < 0)
        return -1;
    return 0;
}

static int tear_down(void **state)
{
    struct set *set = *state;
    sq_vfs_free(set->vfs);
    xw_vault_free(set->vault);
    ts_remove(set->dir);
    (void)unlink(set->key_file);
    free(set);
    return 0;
}

/* ---- helpers ---- */

static void path_of(const struct set *set, const char *name, char path[400])
{
    (void)snprintf(path, 400, "%s/%s", set->dir, name);
}

static sqlite3 *open_db(const struct set *set, const char *name, bool sealed)
{
    char path[400];
    sqlite3 *db = NULL;
    path_of(set, name, path);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                     sealed ? sq_vfs_name(set->vfs) : "unix"),
                     SQLITE_OK);
    if (sealed)
        assert_int_equal(sq_vfs_prepare(db), 0);
    return db;
}

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static void must(sqlite3 *db, const char *sql)
{
    int rc = run(db, sql);
    if (rc != SQLITE_OK)
        print_message("%s: %s\n", sql, sqlite3_errmsg(db));
    assert_int_equal(rc, SQLITE_OK);
}

/* Every row as one text; the caller frees it. NULL: an error, in *ret_rc. */
static char *rows_of(sqlite3 *db, int *ret_rc)
{
    sqlite3_stmt *statement = NULL;
    char *text = sqlite3_mprintf("%s", "");
    int rc =
        sqlite3_prepare_v2(db, "SELECT id, hex(body) FROM t ORDER BY id", -1, &statement, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        char *more = sqlite3_mprintf("%z%lld=%s\n", text, sqlite3_column_int64(statement, 0),
                                     sqlite3_column_text(statement, 1));
        text = more;
        rc = SQLITE_OK;
    }
    (void)sqlite3_finalize(statement);
    *ret_rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
    if (rc != SQLITE_DONE) {
        sqlite3_free(text);
        return NULL;
    }
    return text;
}

static uint8_t *bytes_of(const char *path, size_t *ret_n)
{
    uint8_t *data = NULL;
    assert_int_equal(xw_file_read(path, FILE_MAX, &data, ret_n), 0);
    return data;
}

static void put_bytes(const char *path, const void *data, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(xw_file_write_all(fd, data, n), 0);
    (void)close(fd);
}

static void copy_if_there(const char *from, const char *to)
{
    size_t n;
    (void)unlink(to);
    if (access(from, F_OK) < 0)
        return;
    uint8_t *data = bytes_of(from, &n);
    put_bytes(to, data, n);
    free(data);
}

static unsigned files_that_hold(const char *dir, const void *what, size_t what_n)
{
    unsigned found = 0;
    DIR *folder = opendir(dir);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[600];
        struct stat st;
        size_t n;
        (void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
            continue;
        uint8_t *data = bytes_of(path, &n);
        if (strncmp(entry->d_name, "plain", 5) != 0)
            found += memmem(data, n, what, what_n) != NULL;
        free(data);
    }
    (void)closedir(folder);
    return found;
}

/* ---- the same as without it ---- */

static void one_step(uint64_t *seed, sqlite3 *a, sqlite3 *b, bool *in_transaction)
{
    unsigned id = ts_random(seed) % 200, size = ts_random(seed) % 9000;
    char sql[300];
    switch (ts_random(seed) % 8) {
    case 0:
        (void)snprintf(sql, sizeof sql, "DELETE FROM t WHERE id BETWEEN %u AND %u", id, id + 9);
        break;
    case 1:
        (void)snprintf(sql, sizeof sql, "%s",
                       *in_transaction ? (size % 3 == 0 ? "ROLLBACK" : "COMMIT") : "BEGIN");
        *in_transaction = !*in_transaction;
        break;
    case 2: /* several rows; the last one fails: a statement journal */
        (void)snprintf(sql, sizeof sql,
                       "UPDATE t SET body = CASE WHEN id > %u THEN NULL ELSE zeroblob(%u) END", id,
                       size);
        break;
    case 3:
        (void)snprintf(sql, sizeof sql, "PRAGMA wal_checkpoint(%s)",
                       size % 2 == 0 ? "PASSIVE" : "TRUNCATE");
        break;
    default:
        (void)snprintf(sql, sizeof sql,
                       "INSERT OR REPLACE INTO t(id, body) VALUES(%u, CAST('%s %u' || "
                       "hex(zeroblob(%u)) AS BLOB))",
                       id, marker, size, size / 2);
    }
    assert_int_equal(run(a, sql), run(b, sql));
}

static void expect_same(sqlite3 *a, sqlite3 *b)
{
    int rc;
    char *x = rows_of(a, &rc);
    assert_int_equal(rc, SQLITE_OK);
    char *y = rows_of(b, &rc);
    assert_int_equal(rc, SQLITE_OK);
    assert_string_equal(x, y);
    sqlite3_free(x);
    sqlite3_free(y);
}

/* What a crash would leave now: copies of the files as they are, opened elsewhere. */
static void expect_same_after_a_crash(const struct set *set)
{
    static const char *const parts[] = {"", "-wal", "-journal"};
    for (size_t i = 0; i < XW_ARRAY_N(parts); i++)
        for (int sealed = 0; sealed < 2; sealed++) {
            char from[400], to[400], name[40], crashed[40];
            (void)snprintf(name, sizeof name, "%s.db%s", sealed ? "sealed" : "plain", parts[i]);
            (void)snprintf(crashed, sizeof crashed, "%s2.db%s", sealed ? "sealed" : "plain",
                           parts[i]);
            path_of(set, name, from);
            path_of(set, crashed, to);
            copy_if_there(from, to);
        }
    sqlite3 *a = open_db(set, "plain2.db", false), *b = open_db(set, "sealed2.db", true);
    expect_same(a, b);
    (void)sqlite3_close(a);
    (void)sqlite3_close(b);
}

static void the_same_statements_give_the_same_rows(void **state)
{
    const struct set *set = *state;
    static const char *const journals[] = {"WAL", "DELETE", "TRUNCATE", "PERSIST", "WAL"};
    static const unsigned sizes[] = {1024, 4096, 32768, 4096, 65536};
    uint64_t seed = ts_seed();
    for (size_t i = 0; i < XW_ARRAY_N(journals); i++) {
        char sql[400];
        bool in_transaction = false;
        sqlite3 *a = open_db(set, "plain.db", false), *b = open_db(set, "sealed.db", true);
        (void)snprintf(sql, sizeof sql,
                       "PRAGMA page_size = %u; PRAGMA journal_mode = %s; PRAGMA cache_size = 8;"
                       "PRAGMA cache_spill = 8; CREATE TABLE t(id INTEGER PRIMARY KEY, body BLOB "
                       "NOT NULL); CREATE INDEX i ON t(substr(body, 1, 50))",
                       sizes[i], journals[i]);
        must(a, sql);
        must(b, sql);
        for (int step = 0; step < 300; step++) {
            one_step(&seed, a, b, &in_transaction);
            if (step % 60 == 59)
                expect_same_after_a_crash(set);
        }
        if (in_transaction)
            assert_int_equal(run(a, "COMMIT"), run(b, "COMMIT"));
        expect_same(a, b);
        must(b, "PRAGMA integrity_check");
        assert_int_equal(files_that_hold(set->dir, marker, sizeof marker - 1), 0);
        assert_int_equal(files_that_hold(set->dir, "CREATE TABLE", 12), 0);
        (void)sqlite3_close(a);
        (void)sqlite3_close(b);
        expect_same_after_a_crash(set);
        ts_remove(set->dir);
        assert_int_equal(mkdir(set->dir, 0700), 0);
    }
}

static const char many_rows[] =
    "BEGIN; CREATE TABLE t(id INTEGER PRIMARY KEY, body BLOB); WITH RECURSIVE n(i) AS (SELECT 1 "
    "UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO t SELECT i, zeroblob(3000) FROM n; "
    "COMMIT";

static void copy_all(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *copy = sqlite3_backup_init(to, "main", from, "main");
    int rc;
    assert_non_null(copy);
    while ((rc = sqlite3_backup_step(copy, 16)) == SQLITE_OK)
        ;
    if (rc != SQLITE_DONE)
        print_message("%d: %s\n", rc, sqlite3_errmsg(to));
    assert_int_equal(rc, SQLITE_DONE);
    assert_int_equal(sqlite3_backup_finish(copy), SQLITE_OK);
}

/* What is larger than the cache is written in any order, the first page last. */
static void a_large_copy_and_a_file_made_by_one_large_transaction_are_whole(void **state)
{
    const struct set *set = *state;
    static const char *const journals[] = {"OFF", "DELETE", "WAL"};
    sqlite3 *from = open_db(set, "from.db", true);
    must(from, "PRAGMA page_size = 32768; PRAGMA auto_vacuum = INCREMENTAL;"
               "PRAGMA journal_mode = WAL; PRAGMA cache_size = 8");
    must(from, many_rows);
    for (size_t i = 0; i < XW_ARRAY_N(journals); i++) {
        char sql[200], name[20];
        (void)snprintf(name, sizeof name, "to%zu.db", i);
        (void)snprintf(sql, sizeof sql, "PRAGMA cache_size = 8; PRAGMA journal_mode = %s",
                       journals[i]);
        sqlite3 *to = open_db(set, name, true);
        must(to, sql);
        if (i == 2)
            must(to, many_rows);
        else
            copy_all(from, to);
        (void)sqlite3_close(to);
        to = open_db(set, name, true);
        expect_same(from, to);
        (void)sqlite3_close(to);
    }
    (void)sqlite3_close(from);
}

/* ---- pages that are not what they should be ---- */

static void make_rows(const struct set *set, const char *journal)
{
    char sql[300];
    sqlite3 *db = open_db(set, "a.db", true);
    (void)snprintf(sql, sizeof sql,
                   "PRAGMA page_size = 4096; PRAGMA journal_mode = %s; CREATE TABLE t(id INTEGER "
                   "PRIMARY KEY, body BLOB); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + "
                   "1 FROM n WHERE i < 300) INSERT INTO t SELECT i, zeroblob(200) FROM n",
                   journal);
    must(db, sql);
    (void)sqlite3_close(db);
}

static int read_all(const struct set *set)
{
    int rc;
    sqlite3 *db = open_db(set, "a.db", true);
    sqlite3_free(rows_of(db, &rc));
    (void)sqlite3_close(db);
    return rc;
}

static void a_page_in_the_place_of_another_is_told(void **state)
{
    const struct set *set = *state;
    char path[400];
    size_t n;
    make_rows(set, "DELETE");
    assert_int_equal(read_all(set), SQLITE_OK);
    path_of(set, "a.db", path);
    uint8_t *data = bytes_of(path, &n);
    memcpy(data + 6 * 4096, data + 4 * 4096, 4096); /* page 5 over page 7 */
    put_bytes(path, data, n);
    assert_int_equal(read_all(set), SQLITE_CORRUPT);
    free(data);
}

static void a_page_of_another_file_in_the_same_place_is_told(void **state)
{
    const struct set *set = *state;
    char path[400], other[400];
    size_t n, other_n;
    make_rows(set, "DELETE");
    path_of(set, "a.db", path);
    path_of(set, "b.db", other);
    assert_int_equal(rename(path, other), 0);
    make_rows(set, "DELETE");
    uint8_t *data = bytes_of(path, &n), *from = bytes_of(other, &other_n);
    assert_int_equal(n, other_n);
    memcpy(data + 4 * 4096, from + 4 * 4096, 4096);
    put_bytes(path, data, n);
    assert_int_equal(read_all(set), SQLITE_CORRUPT);
    free(data);
    free(from);
}

/* What the cipher can not know: the page was right once, in this place of this file. */
static void an_older_version_of_a_page_is_not_told_from_the_present_one(void **state)
{
    const struct set *set = *state;
    char path[400];
    size_t n, now_n;
    int rc;
    make_rows(set, "DELETE");
    path_of(set, "a.db", path);
    uint8_t *before = bytes_of(path, &n);
    sqlite3 *db = open_db(set, "a.db", true);
    must(db, "UPDATE t SET body = x'01' || zeroblob(199) WHERE id = 1");
    (void)sqlite3_close(db);
    uint8_t *now = bytes_of(path, &now_n);
    assert_int_equal(n, now_n);
    for (size_t page = 1; page < n / 4096; page++) /* all but the first, with its change counter */
        if (memcmp(now + page * 4096, before + page * 4096, 4096) != 0)
            memcpy(now + page * 4096, before + page * 4096, 4096);
    put_bytes(path, now, n);
    db = open_db(set, "a.db", true);
    char *rows = rows_of(db, &rc);
    assert_int_equal(rc, SQLITE_OK);
    assert_memory_equal(rows, "1=00", 4);
    sqlite3_free(rows);
    (void)sqlite3_close(db);
    free(before);
    free(now);
}

static void a_flipped_bit_is_told_wherever_it_is(void **state)
{
    const struct set *set = *state;
    char path[400];
    size_t n;
    make_rows(set, "DELETE");
    path_of(set, "a.db", path);
    uint8_t *data = bytes_of(path, &n);
    for (size_t at = 0; at < 2 * 4096; at++) { /* page 1 with its head, and a page of the tree */
        int bit = 1 << (at % 8);
        data[at] = (uint8_t)(data[at] ^ bit);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, data + at, 1, (off_t)at), 1);
        int rc = read_all(set);
        assert_true(rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB);
        data[at] = (uint8_t)(data[at] ^ bit);
        assert_int_equal(pwrite(fd, data + at, 1, (off_t)at), 1);
        (void)close(fd);
    }
    assert_int_equal(read_all(set), SQLITE_OK);
    free(data);
}

static void a_key_that_is_missing_is_not_damage(void **state)
{
    struct set *set = *state;
    char keyring[400];
    size_t n;
    make_rows(set, "DELETE");
    path_of(set, "keyring", keyring);
    uint8_t *old = bytes_of(keyring, &n);
    assert_int_equal(xw_vault_rotate(set->dir, set->key_file, false), 0);
    sq_vfs_free(set->vfs);
    xw_vault_free(set->vault);
    assert_int_equal(xw_vault_open(set->dir, set->key_file, XW_VAULT_OWNER, &set->vault), 0);
    assert_int_equal(sq_vfs_new(set->vault, &set->vfs), 0);
    sqlite3 *db = open_db(set, "a.db", true);
    must(db, "UPDATE t SET body = x'02'"); /* with the new key */
    (void)sqlite3_close(db);
    assert_int_equal(read_all(set), SQLITE_OK);
    put_bytes(keyring, old, n); /* an older keyring comes back */
    path_of(set, "keyring.copy", keyring);
    put_bytes(keyring, old, n);
    free(old);
    sq_vfs_free(set->vfs);
    xw_vault_free(set->vault);
    assert_int_equal(xw_vault_open(set->dir, set->key_file, XW_VAULT_OWNER, &set->vault), 0);
    assert_int_equal(sq_vfs_new(set->vault, &set->vfs), 0);
    char path[400];
    path_of(set, "a.db", path);
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, sq_vfs_name(set->vfs));
    if (rc == SQLITE_OK)
        rc = run(db, "SELECT sum(length(body)) FROM t");
    assert_int_equal(rc, SQLITE_AUTH);
    (void)sqlite3_close(db);
}

static void a_file_that_is_not_ours_is_refused(void **state)
{
    const struct set *set = *state;
    char path[400];
    sqlite3 *db = open_db(set, "plain.db", false);
    must(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, body BLOB)");
    (void)sqlite3_close(db);
    path_of(set, "plain.db", path);
    assert_int_equal(sq_vfs_is_plain(path), 1);
    db = open_db(set, "plain.db", true);
    assert_int_equal(run(db, "SELECT * FROM t"), SQLITE_NOTADB);
    assert_int_not_equal(run(db, "INSERT INTO t VALUES(1, 2)"), SQLITE_OK);
    (void)sqlite3_close(db);
    assert_int_equal(sq_vfs_is_plain(path), 1); /* and left as it was */
    make_rows(set, "DELETE");
    path_of(set, "a.db", path);
    assert_int_equal(sq_vfs_is_plain(path), 0);
    db = open_db(set, "a.db", false); /* nor does SQLite alone make anything of ours */
    assert_int_equal(run(db, "SELECT * FROM t"), SQLITE_NOTADB);
    (void)sqlite3_close(db);
}

static void a_database_without_our_reserve_is_not_written(void **state)
{
    const struct set *set = *state;
    char path[400];
    sqlite3 *db = NULL;
    path_of(set, "bare.db", path);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                     sq_vfs_name(set->vfs)),
                     SQLITE_OK);
    assert_int_not_equal(run(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, body BLOB)"), SQLITE_OK);
    (void)sqlite3_close(db);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_same_statements_give_the_same_rows),
        CASE(a_large_copy_and_a_file_made_by_one_large_transaction_are_whole),
        CASE(a_page_in_the_place_of_another_is_told),
        CASE(a_page_of_another_file_in_the_same_place_is_told),
        CASE(an_older_version_of_a_page_is_not_told_from_the_present_one),
        CASE(a_flipped_bit_is_told_wherever_it_is),
        CASE(a_key_that_is_missing_is_not_damage),
        CASE(a_file_that_is_not_ours_is_refused),
        CASE(a_database_without_our_reserve_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
