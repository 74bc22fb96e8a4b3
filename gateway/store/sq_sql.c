/* Connections, tables and prepared statements. */
#include "store/sq_sql.h"

#include <string.h>

static const char *const texts[SQ_STATEMENTS_N] = {
#define X(name, text) [SQ_##name] = text,
    SQ_STATEMENTS(X)
#undef X
};

enum { APPLICATION_ID = 0x78777374, SCHEMA_VERSION = 2, BUSY_MS = 5000, BIT_INDEX_MAX = 63 };

/* `record` has three ways in: by key and revision, by kind in order of keys (all kinds but the
 * many events), by place in a stream. `long` tells beats and other short events from episodes, so
 * that the search for what touches a range looks back a bounded way for the former. */
static const char schema[] =
    "CREATE TABLE state(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE stream(no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, header BLOB NOT NULL,"
    " held BLOB, released BLOB, wall_us INTEGER);"
    "CREATE TABLE kept(stream INTEGER PRIMARY KEY, ranges BLOB NOT NULL);"
    "CREATE TABLE batch(id INTEGER PRIMARY KEY, dir BLOB NOT NULL, data BLOB NOT NULL);"
    "CREATE TABLE segment(stream INTEGER, first INTEGER, end INTEGER NOT NULL, day INTEGER NOT"
    " NULL, wall_us INTEGER NOT NULL, bytes INTEGER NOT NULL, kept INTEGER NOT NULL, holes BLOB,"
    " PRIMARY KEY(stream, first)) WITHOUT ROWID;"
    "CREATE INDEX segment_age ON segment(wall_us, stream, first) WHERE kept = 0;"
    "CREATE INDEX segment_day ON segment(day);"
    "CREATE TABLE day(day INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, sealed INTEGER NOT NULL,"
    " sha256 BLOB, size INTEGER);"
    "CREATE TABLE gap(stream INTEGER, first INTEGER, end INTEGER NOT NULL, reason INTEGER NOT"
    " NULL, PRIMARY KEY(stream, first)) WITHOUT ROWID;"
    "CREATE TABLE conflict(stream INTEGER, first INTEGER, count INTEGER, crc32c INTEGER, coding"
    " INTEGER NOT NULL, data BLOB NOT NULL, wall_us INTEGER NOT NULL,"
    " PRIMARY KEY(stream, first, count, crc32c));"
    "CREATE TABLE record(id INTEGER PRIMARY KEY, key BLOB NOT NULL, revision INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, top INTEGER NOT NULL, origin TEXT NOT NULL, wall_us INTEGER NOT NULL,"
    " stream INTEGER, first INTEGER, end INTEGER, event_kind INTEGER, priority INTEGER,"
    " body BLOB NOT NULL, long AS (end - first > 4096));"
    "CREATE UNIQUE INDEX record_key ON record(key, revision);"
    "CREATE INDEX record_kind ON record(kind, key) WHERE kind <> 1 AND top = 1;"
    "CREATE INDEX record_span ON record(stream, kind, long, first) WHERE stream IS NOT NULL AND"
    " top = 1;"
    "CREATE TABLE record_conflict(key BLOB, revision INTEGER, crc INTEGER, kind INTEGER NOT NULL,"
    " origin TEXT NOT NULL, wall_us INTEGER NOT NULL, body BLOB NOT NULL,"
    " PRIMARY KEY(key, revision, crc)) WITHOUT ROWID;"
    "CREATE TABLE log_name(no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last INTEGER NOT"
    " NULL, released INTEGER NOT NULL);"
    "CREATE TABLE log(log INTEGER, seq INTEGER, record INTEGER NOT NULL, PRIMARY KEY(log, seq))"
    " WITHOUT ROWID;"
    "CREATE INDEX log_record ON log(record, log);"
    "CREATE TABLE log_mark(log INTEGER, wall_us INTEGER, seq INTEGER NOT NULL,"
    " PRIMARY KEY(log, wall_us)) WITHOUT ROWID;"
    "CREATE TABLE inlog(id BLOB PRIMARY KEY, ranges BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE epoch(owner TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE object(sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, media_type TEXT NOT NULL,"
    " verified INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE aside(id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, first INTEGER NOT NULL,"
    " end INTEGER NOT NULL, wall_us INTEGER NOT NULL, data BLOB);";

int sq_errno(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return -EUCLEAN;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_CONSTRAINT:
        return -EEXIST;
    case SQLITE_AUTH:
        return -ENOKEY;
    default:
        return -EIO;
    }
}

int sq_exec(sqlite3 *db, const char *text)
{
    return sq_errno(sqlite3_exec(db, text, NULL, NULL, NULL));
}

int sq_open_file(const struct sq_vfs *vfs, const char *path, int flags, sqlite3 **ret_db)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, sq_vfs_name(vfs));
    if (rc != SQLITE_OK) {
        sqlite3_close(db);
        return sq_errno(rc);
    }
    (void)sqlite3_extended_result_codes(db, 1);
    (void)sqlite3_busy_timeout(db, BUSY_MS);
    int r = sq_vfs_prepare(db);
    if (r < 0) {
        (void)sqlite3_close(db);
        return r;
    }
    *ret_db = db;
    return 0;
}

static int int_pragma(sqlite3 *db, const char *text, int64_t *ret_value)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, text, -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(statement);
        if (rc == SQLITE_ROW)
            *ret_value = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    return sq_errno(rc);
}

/* The tables are those of version 1; but a program that knows nothing of units would take a segment
 * with some for damaged, and must not open the store. */
static const char to_version_2[] = "PRAGMA user_version = 2";

/* The tables are made in one transaction: a crash leaves none of them or all. */
static int make_tables(sqlite3 *db)
{
    int64_t application_id = 0, version = 0;
    int r = int_pragma(db, "PRAGMA application_id", &application_id);
    if (r == 0)
        r = int_pragma(db, "PRAGMA user_version", &version);
    if (r < 0)
        return r;
    if (application_id == APPLICATION_ID)
        return version == SCHEMA_VERSION ? 0 : version == 1 ? sq_exec(db, to_version_2) : -EPROTO;
    if (application_id != 0 || version != 0)
        return -EUCLEAN;
    r = sq_exec(db, "BEGIN IMMEDIATE");
    if (r == 0)
        r = sq_exec(db, schema);
    if (r == 0)
        r = sq_exec(db, "PRAGMA application_id = 2021094260; PRAGMA user_version = 2; COMMIT");
    if (r < 0)
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}
_Static_assert(APPLICATION_ID == 2021094260, "as in the pragma above");

/* secure_delete off: deleting the blob of a batch row must not write its pages again.
 * wal_autocheckpoint 0: checkpoints are made by upkeep, never inside a commit that someone waits
 * for (sq_keeper.c). */
static const char writer_settings[] =
    "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
    "PRAGMA secure_delete = OFF; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -32768;"
    "PRAGMA journal_size_limit = 67108864; PRAGMA foreign_keys = OFF";
static const char reader_settings[] = "PRAGMA query_only = ON; PRAGMA cache_size = -8192;"
                                      "PRAGMA wal_autocheckpoint = 0";

int sq_conn_open(struct sq_conn *conn, const struct sq_vfs *vfs, const char *path, bool writer)
{
    *conn = (struct sq_conn){0};
    int flags = SQLITE_OPEN_READWRITE | (writer ? SQLITE_OPEN_CREATE : 0);
    int r = sq_open_file(vfs, path, flags, &conn->db);
    if (r == 0)
        r = sq_exec(conn->db, writer ? writer_settings : reader_settings);
    if (r == 0 && writer)
        r = make_tables(conn->db);
    /* SQLite takes its shared memory read-only when it could not be opened once (EMFILE), and then
     * no transaction ever begins: that must show here, not at every append. Nothing is written. */
    if (r == 0 && writer)
        r = sq_exec(conn->db, "BEGIN IMMEDIATE; ROLLBACK");
    /* The log and its shared memory stay on disk when the store is closed: on a full disk it could
     * not make them again, and would not open. */
    int persist = 1;
    if (r == 0 && writer)
        (void)sqlite3_file_control(conn->db, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
    if (r < 0)
        sq_conn_close(conn);
    return r;
}

void sq_conn_close(struct sq_conn *conn)
{
    for (size_t i = 0; i < SQ_STATEMENTS_N; i++)
        (void)sqlite3_finalize(conn->statements[i]);
    (void)sqlite3_close(conn->db);
    *conn = (struct sq_conn){0};
}

sqlite3_stmt *sq_get(struct sq_conn *conn, enum sq_statement which)
{
    sqlite3_stmt **statement = &conn->statements[which];
    if (*statement == NULL &&
        sqlite3_prepare_v3(conn->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, statement,
                           NULL) != SQLITE_OK)
        return NULL;
    (void)sqlite3_reset(*statement);
    (void)sqlite3_clear_bindings(*statement);
    return *statement;
}

int sq_step(sqlite3_stmt *statement)
{
    if (statement == NULL)
        return -EIO;
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return 1;
    (void)sqlite3_reset(statement);
    return sq_errno(rc);
}

int sq_run(sqlite3_stmt *statement)
{
    int r = sq_step(statement);
    if (r == 1) {
        (void)sqlite3_reset(statement);
        r = 0;
    }
    return r;
}

void sq_bind_u64(sqlite3_stmt *statement, int at, uint64_t value)
{
    (void)sqlite3_bind_int64(statement, at, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

void sq_bind_bytes(sqlite3_stmt *statement, int at, const void *data, size_t size)
{
    /* A NULL pointer would bind NULL, not an empty blob. */
    (void)sqlite3_bind_blob64(statement, at, data == NULL ? "" : data, size, SQLITE_STATIC);
}

void sq_bind_id(sqlite3_stmt *statement, int at, const struct xw_uuid *id)
{
    (void)sqlite3_bind_blob(statement, at, id->b, XW_UUID_N_BYTES, SQLITE_STATIC);
}

void sq_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    (void)sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

uint64_t sq_u64(sqlite3_stmt *statement, int column)
{
    int64_t value = sqlite3_column_int64(statement, column);
    if (value < 0)
        return 0;
    return value == INT64_MAX ? UINT64_MAX : (uint64_t)value;
}

const void *sq_bytes(sqlite3_stmt *statement, int column, size_t *ret_size)
{
    const void *data = sqlite3_column_blob(statement, column);
    *ret_size = (size_t)sqlite3_column_bytes(statement, column);
    return data;
}
