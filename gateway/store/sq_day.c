/* Day files. A segment's data is one long chain of pages; on average a third of one stays empty. */
#include "store/sq_day.h"

#include "base/clock.h"
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const char settings[] =
    "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA "
    "synchronous = FULL;"
    "PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = OFF; PRAGMA cache_size = -4096;"
    "PRAGMA journal_size_limit = 16777216";
static const char tables[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS stream(id BLOB PRIMARY KEY, header BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS segment(id INTEGER PRIMARY KEY, stream BLOB NOT NULL, first INTEGER"
    " NOT NULL, end INTEGER NOT NULL, wall_us INTEGER NOT NULL, dir BLOB NOT NULL, data BLOB NOT"
    " NULL, UNIQUE(stream, first));"
    "PRAGMA application_id = 2021094244; COMMIT";

char *sq_day_path(const struct sq_store *store, uint32_t day)
{
    char *path = NULL;
    if (asprintf(&path, "%s/day-%08" PRIu32 ".db", store->dir, day) < 0)
        return NULL;
    return path;
}

/* Reads the schema, so that a file which is no database, or has not our tables, shows here. */
static int open_checked(const struct sq_store *store, const char *name, int flags, sqlite3 **ret_db)
{
    sqlite3 *db = NULL;
    int r = sq_open_file(store->vfs, name, flags, &db);
    if (r == 0) {
        int rc = sqlite3_exec(db,
                              "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;"
                              "PRAGMA cache_size = -2048; SELECT 1 FROM segment LIMIT 1",
                              NULL, NULL, NULL);
        r = (rc & 0xff) == SQLITE_ERROR ? -EUCLEAN : sq_errno(rc);
    }
    if (r < 0) {
        (void)sqlite3_close(db);
        return r;
    }
    *ret_db = db;
    return 0;
}

/* "file:PATH?immutable=1"; NULL without memory. */
static char *unlocked_name(const char *path)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-_.";
    struct xw_buf name;
    xw_buf_init(&name, 65536);
    int r = xw_buf_append_text(&name, "file:");
    for (const char *c = path; r == 0 && *c != '\0'; c++)
        r = strchr(plain, *c) != NULL ? xw_buf_append(&name, c, 1)
                                      : xw_buf_printf(&name, "%%%02x", (unsigned)(uint8_t)*c);
    if (r == 0)
        r = xw_buf_append(&name, "?immutable=1", sizeof "?immutable=1");
    if (r < 0)
        xw_buf_done(&name);
    size_t n;
    return (char *)xw_buf_take(&name, &n);
}

static bool log_is_empty(const char *path)
{
    xw_autofree char *wal = NULL;
    struct stat st;
    if (asprintf(&wal, "%s-wal", path) < 0) {
        wal = NULL;
        return false;
    }
    return stat(wal, &st) < 0 ? errno == ENOENT : st.st_size == 0;
}

int sq_day_open(const struct sq_store *store, uint32_t day, sqlite3 **ret_db, bool *ret_unlocked)
{
    xw_autofree char *path = sq_day_path(store, day);
    if (path == NULL)
        return -ENOMEM;
    if (access(path, F_OK) < 0)
        return errno == ENOENT ? -ENOENT : -errno;
    *ret_unlocked = false;
    int r = open_checked(store, path, SQLITE_OPEN_READWRITE, ret_db);
    if ((r != -EIO && r != -ENOSPC) || !log_is_empty(path))
        return r;
    xw_autofree char *name = unlocked_name(path);
    if (name == NULL)
        return -ENOMEM;
    *ret_unlocked = true;
    return open_checked(store, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, ret_db);
}

int sq_day_open_write(const struct sq_store *store, uint32_t day, sqlite3 **ret_db)
{
    xw_autofree char *path = sq_day_path(store, day);
    if (path == NULL)
        return -ENOMEM;
    bool fresh = access(path, F_OK) < 0;
    sqlite3 *db = NULL;
    int r = sq_open_file(store->vfs, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db);
    if (r == 0)
        r = sq_exec(db, settings);
    if (r == 0)
        r = sq_exec(db, tables);
    /* The file's name must be as durable as what is soon acknowledged from it. */
    if (r == 0 && fresh)
        r = xw_file_sync_parent(path);
    if (r < 0) {
        (void)sqlite3_close(db);
        return r;
    }
    *ret_db = db;
    return 0;
}

static int compare_days(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* 0: not the name of a day file. */
static uint32_t day_of_name(const char *name)
{
    uint32_t day = 0;
    if (strlen(name) != 15 || memcmp(name, "day-", 4) != 0 || strcmp(name + 12, ".db") != 0)
        return 0;
    for (int i = 4; i < 12; i++) {
        if (name[i] < '0' || name[i] > '9')
            return 0;
        day = day * 10 + (uint32_t)(name[i] - '0');
    }
    return day;
}

int sq_day_list(const struct sq_store *store, uint32_t **ret_days, size_t *ret_n)
{
    DIR *folder = opendir(store->dir);
    if (folder == NULL)
        return -errno;
    uint32_t *days = NULL;
    size_t n = 0, cap = 0;
    int r = 0;
    for (const struct dirent *entry; r == 0 && (entry = readdir(folder)) != NULL;) {
        uint32_t day = day_of_name(entry->d_name);
        if (day == 0)
            continue;
        r = store_grow(&days, &cap, n, sizeof *days, 1 << 20);
        if (r == 0)
            days[n++] = day;
    }
    (void)closedir(folder);
    if (r < 0) {
        free(days);
        return r;
    }
    if (n > 1)
        qsort(days, n, sizeof *days, compare_days);
    *ret_days = days;
    *ret_n = n;
    return 0;
}

/* One statement prepared, run and thrown away: segments come a few a second. */
static int prepare(sqlite3 *db, const char *text, sqlite3_stmt **ret_statement)
{
    return sq_errno(sqlite3_prepare_v2(db, text, -1, ret_statement, NULL));
}

int sq_day_put(sqlite3 *db, const struct sq_segment *segment)
{
    sqlite3_stmt *statement = NULL;
    int r = prepare(db, "INSERT OR IGNORE INTO stream(id, header) VALUES(?1, ?2)", &statement);
    if (r == 0) {
        sq_bind_id(statement, 1, &segment->stream);
        sq_bind_bytes(statement, 2, segment->header, segment->header_size);
        r = sq_run(statement);
    }
    (void)sqlite3_finalize(statement);
    statement = NULL;
    if (r == 0)
        r = prepare(db,
                    "INSERT OR REPLACE INTO segment(stream, first, end, wall_us, dir, data)"
                    " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                    &statement);
    if (r == 0) {
        sq_bind_id(statement, 1, &segment->stream);
        sq_bind_u64(statement, 2, segment->first);
        sq_bind_u64(statement, 3, segment->end);
        (void)sqlite3_bind_int64(statement, 4, segment->wall_us);
        sq_bind_bytes(statement, 5, segment->dir, segment->dir_size);
        sq_bind_bytes(statement, 6, segment->data, segment->data_size);
        r = sq_run(statement);
    }
    (void)sqlite3_finalize(statement);
    return r;
}

int sq_day_update(sqlite3 *db, int64_t row, const struct xw_buf *dir, const struct xw_buf *data)
{
    sqlite3_stmt *statement = NULL;
    int r = prepare(db, "UPDATE segment SET dir = ?2, data = ?3 WHERE id = ?1", &statement);
    if (r == 0) {
        (void)sqlite3_bind_int64(statement, 1, row);
        sq_bind_bytes(statement, 2, dir->data, dir->n);
        sq_bind_bytes(statement, 3, data->data, data->n);
        r = sq_run(statement);
    }
    (void)sqlite3_finalize(statement);
    return r;
}

int sq_day_last_row(sqlite3 *db, int64_t *ret_row)
{
    sqlite3_stmt *statement = NULL;
    int r = prepare(db, "SELECT coalesce(max(id), 0) FROM segment", &statement);
    if (r == 0 && (r = sq_step(statement)) == 1)
        *ret_row = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return XW_MIN(r, 0);
}

int sq_day_plain(sqlite3 *db, int64_t after, int64_t upto,
                 int (*each)(void *, const struct sq_segment *), void *user)
{
    sqlite3_stmt *statement = NULL;
    /* "S", 1: a directory without units (sq_frame.h). */
    int r = prepare(db,
                    "SELECT segment.id, segment.stream, first, end, header, dir, data FROM segment"
                    " JOIN stream ON stream.id = segment.stream WHERE segment.id > ?1 AND"
                    " segment.id <= ?2 AND substr(dir, 1, 2) = x'5301' ORDER BY segment.id LIMIT 1",
                    &statement);
    if (r == 0) {
        (void)sqlite3_bind_int64(statement, 1, after);
        (void)sqlite3_bind_int64(statement, 2, upto);
        r = sq_step(statement);
    }
    if (r == 1) {
        struct sq_segment segment = {.row = sqlite3_column_int64(statement, 0)};
        size_t size;
        const void *id = sq_bytes(statement, 1, &size);
        if (xw_uuid_from_bytes(id, size, &segment.stream) < 0)
            segment.stream = (struct xw_uuid){{0}}; /* no stream: it stays as it is */
        segment.first = sq_u64(statement, 2);
        segment.end = sq_u64(statement, 3);
        segment.header = sq_bytes(statement, 4, &segment.header_size);
        segment.dir = sq_bytes(statement, 5, &segment.dir_size);
        segment.data = sq_bytes(statement, 6, &segment.data_size);
        int given = each(user, &segment);
        r = given < 0 ? given : 1;
    }
    (void)sqlite3_finalize(statement);
    return r;
}

int sq_day_delete(sqlite3 *db, const struct xw_uuid *stream, uint64_t first)
{
    sqlite3_stmt *statement = NULL;
    int r = prepare(db, "DELETE FROM segment WHERE stream = ?1 AND first = ?2", &statement);
    if (r == 0) {
        sq_bind_id(statement, 1, stream);
        sq_bind_u64(statement, 2, first);
        r = sq_run(statement);
    }
    (void)sqlite3_finalize(statement);
    return r;
}

int sq_day_dir(sqlite3 *db, const struct xw_uuid *stream, uint64_t first, int64_t *ret_row,
               struct sq_entry **ret_entries, size_t *ret_n)
{
    sqlite3_stmt *statement = NULL;
    int r =
        prepare(db, "SELECT id, dir, length(data) FROM segment WHERE stream = ?1 AND first = ?2",
                &statement);
    if (r == 0) {
        sq_bind_id(statement, 1, stream);
        sq_bind_u64(statement, 2, first);
        r = sq_step(statement);
        if (r == 0)
            r = -ENOENT;
    }
    if (r == 1) {
        size_t size;
        const void *dir = sq_bytes(statement, 1, &size);
        r = sq_dir_decode(dir, size, true, first, (size_t)sqlite3_column_int64(statement, 2),
                          ret_entries, ret_n);
        if (r == 0)
            *ret_row = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    return r;
}

int sq_day_each(sqlite3 *db, int (*each)(void *user, const struct sq_segment *), void *user)
{
    sqlite3_stmt *statement = NULL;
    int r = prepare(db,
                    "SELECT segment.stream, first, end, wall_us, header, dir, length(data) FROM"
                    " segment JOIN stream ON stream.id = segment.stream",
                    &statement);
    while (r == 0 && (r = sq_step(statement)) == 1) {
        struct sq_segment segment = {0};
        size_t size;
        const void *id = sq_bytes(statement, 0, &size);
        r = 0;
        if (xw_uuid_from_bytes(id, size, &segment.stream) < 0)
            continue;
        segment.first = sq_u64(statement, 1);
        segment.end = sq_u64(statement, 2);
        segment.wall_us = sqlite3_column_int64(statement, 3);
        segment.header = sq_bytes(statement, 4, &segment.header_size);
        segment.dir = sq_bytes(statement, 5, &segment.dir_size);
        segment.data_size = (size_t)sqlite3_column_int64(statement, 6);
        r = each(user, &segment);
    }
    (void)sqlite3_finalize(statement);
    return r;
}

int sq_file_sha256(const char *path, uint8_t ret_sha256[32])
{
    xw_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    xw_autofree uint8_t *buffer = malloc(1 << 20);
    int r = context != NULL && buffer != NULL ? 0 : -ENOMEM;
    if (r == 0 && EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
        r = -ENOMEM;
    while (r == 0) {
        ssize_t n = read(fd, buffer, 1 << 20);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            r = -errno;
        else if (n == 0)
            break;
        else if (EVP_DigestUpdate(context, buffer, (size_t)n) != 1)
            r = -EIO;
    }
    if (r == 0 && EVP_DigestFinal_ex(context, ret_sha256, NULL) != 1)
        r = -EIO;
    EVP_MD_CTX_free(context);
    return r;
}

/* ---- time of day files ---- */

static _Atomic(const struct xw_clock *) wall_clock;

void sq_set_clock(const struct xw_clock *clock)
{
    atomic_store(&wall_clock, clock);
}

int64_t sq_wall_us(void)
{
    return xw_clock_wall(atomic_load(&wall_clock)).us;
}

int64_t sq_boot_us(void)
{
    return xw_clock_boot(atomic_load(&wall_clock)).us;
}

uint32_t sq_day_of(int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) == NULL)
        return 19700101;
    return (uint32_t)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
}

int64_t sq_day_end_us(uint32_t day)
{
    struct tm tm = {.tm_year = (int)(day / 10000) - 1900,
                    .tm_mon = (int)(day / 100 % 100) - 1,
                    .tm_mday = (int)(day % 100) + 1};
    return (int64_t)timegm(&tm) * 1000000;
}
