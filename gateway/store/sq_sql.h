/* Every SQL text of the store, once, and a connection with its prepared statements.
 *
 * Threads: a connection belongs to one thread at a time. */
#ifndef XW_STORE_SQ_SQL_H
#define XW_STORE_SQ_SQL_H

#include <sqlite3.h>

#include "base/base.h"
#include "base/uuid.h"
#include "store/sq_vfs.h"

#define SQ_STATEMENTS(X)                                                                           \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(BEGIN_READ, "BEGIN")                                                                         \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(STATE_GET, "SELECT value FROM state WHERE name = ?1")                                        \
    X(STATE_SET, "INSERT OR REPLACE INTO state(name, value) VALUES(?1, ?2)")                       \
    X(PAGES, "PRAGMA page_count")                                                                  \
    X(PAGES_FREE, "PRAGMA freelist_count")                                                         \
    /* streams */                                                                                  \
    X(STREAM_ADD, "INSERT INTO stream(no, id, header, wall_us) VALUES(?1, ?2, ?3, ?4)")            \
    X(STREAM_ALL, "SELECT no, id, header, held, released FROM stream ORDER BY no")                 \
    X(STREAM_HELD, "UPDATE stream SET held = ?2 WHERE no = ?1")                                    \
    X(STREAM_RELEASED, "UPDATE stream SET released = ?2 WHERE no = ?1")                            \
    X(KEPT_ALL, "SELECT stream, ranges FROM kept")                                                 \
    X(KEPT_SET, "INSERT OR REPLACE INTO kept(stream, ranges) VALUES(?1, ?2)")                      \
    /* samples not yet in a segment */                                                             \
    X(BATCH_ADD, "INSERT INTO batch(id, dir, data) VALUES(?1, ?2, ?3)")                            \
    X(BATCH_ALL, "SELECT id, dir, length(data) FROM batch WHERE id > ?1 ORDER BY id")              \
    X(BATCH_GET, "SELECT data FROM batch WHERE id = ?1")                                           \
    X(BATCH_OLD, "SELECT id, length(data) FROM batch WHERE id <= ?1 ORDER BY id LIMIT 64")         \
    X(BATCH_DEL, "DELETE FROM batch WHERE id = ?1")                                                \
    /* segment index */                                                                            \
    X(SEGMENT_ADD, "INSERT OR REPLACE INTO segment(stream, first, end, day, wall_us, bytes, kept," \
                   " holes) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                               \
    X(SEGMENT_RANGE, "SELECT first, end, day, holes, bytes FROM segment WHERE stream = ?1"         \
                     " AND first > ?2 AND first < ?3 ORDER BY first")                              \
    X(SEGMENT_OLD, "SELECT stream, first, end, day, bytes, holes, wall_us FROM segment"            \
                   " WHERE kept = 0 AND (wall_us, stream, first) > (?1, ?2, ?3) AND wall_us < ?4"  \
                   " ORDER BY wall_us, stream, first LIMIT ?5")                                    \
    X(SEGMENT_GET, "SELECT end, day, bytes, holes FROM segment WHERE stream = ?1 AND first = ?2")  \
    X(SEGMENT_OF_DAY, "SELECT stream, first, end, bytes, holes FROM segment WHERE day = ?1"        \
                      " ORDER BY stream, first")                                                   \
    X(SEGMENT_OF_DAY_N, "SELECT count(*), sum(kept = 0) FROM segment WHERE day = ?1")              \
    X(SEGMENT_HOLES, "UPDATE segment SET holes = ?3 WHERE stream = ?1 AND first = ?2")             \
    X(SEGMENT_BYTES, "UPDATE segment SET bytes = ?3 WHERE stream = ?1 AND first = ?2 AND"          \
                     " bytes > ?3")                                                                \
    X(SEGMENT_DEL, "DELETE FROM segment WHERE stream = ?1 AND first = ?2")                         \
    X(SEGMENT_KEEP, "UPDATE segment SET kept = 1 WHERE stream = ?1 AND first > ?2 AND first < ?3"  \
                    " AND end > ?4")                                                               \
    X(DAY_ALL, "SELECT day, bytes, sealed, sha256, size FROM day ORDER BY day")                    \
    X(DAY_OPEN, "INSERT INTO day(day, bytes, sealed) VALUES(?1, ?2, 0) ON CONFLICT(day) DO"        \
                " UPDATE SET bytes = bytes + ?2, sealed = 0, sha256 = NULL")                       \
    X(DAY_LESS, "UPDATE day SET bytes = max(0, bytes - ?2) WHERE day = ?1")                        \
    X(DAY_SEAL, "UPDATE day SET sealed = 1, sha256 = ?2, size = ?3 WHERE day = ?1")                \
    X(DAY_DEL, "DELETE FROM day WHERE day = ?1")                                                   \
    /* gaps, conflicts */                                                                          \
    X(GAP_ALL, "SELECT stream, first, end FROM gap ORDER BY stream, first")                        \
    X(GAP_ADD, "INSERT OR REPLACE INTO gap(stream, first, end, reason) VALUES(?1, ?2, ?3, ?4)")    \
    X(GAP_DEL, "DELETE FROM gap WHERE stream = ?1 AND first = ?2")                                 \
    X(GAP_RANGE, "SELECT first, end, reason FROM gap WHERE stream = ?1 AND first < ?3 AND"         \
                 " first >= coalesce((SELECT max(first) FROM gap WHERE stream = ?1 AND"            \
                 " first <= ?2), ?2) ORDER BY first")                                              \
    X(CONFLICT_ADD, "INSERT OR IGNORE INTO conflict(stream, first, count, crc32c, coding, data,"   \
                    " wall_us) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                \
    /* records */                                                                                  \
    X(RECORD_TOP, "SELECT id, revision, kind, origin, wall_us, body, stream, first, end,"          \
                  " event_kind, priority FROM record WHERE key = ?1 AND top = 1")                  \
    X(RECORD_REVISION, "SELECT id, kind, origin, wall_us, body, stream, first, end, event_kind,"   \
                       " priority FROM record WHERE key = ?1 AND revision = ?2")                   \
    X(RECORD_MAX, "SELECT id, revision FROM record WHERE key = ?1 ORDER BY revision DESC LIMIT 1") \
    X(RECORD_ADD, "INSERT INTO record(key, revision, kind, top, origin, wall_us, stream, first,"   \
                  " end, event_kind, priority, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"   \
                  " ?10, ?11, ?12)")                                                               \
    X(RECORD_UNTOP, "UPDATE record SET top = 0 WHERE id = ?1")                                     \
    X(RECORD_CONFLICT, "INSERT OR IGNORE INTO record_conflict(key, revision, crc, kind, origin,"   \
                       " wall_us, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")                       \
    X(RECORD_FORGET, "DELETE FROM record WHERE kind = ?1 AND key = ?2")                            \
    /* Beats of samples that go; never one that a peer has still to get. */                        \
    X(RECORD_BEATS, "DELETE FROM record WHERE kind = 1 AND top = 1 AND stream = ?1 AND"            \
                    " first >= ?2 AND first < ?3 AND event_kind = 1 AND long = 0 AND NOT EXISTS"   \
                    " (SELECT 1 FROM log JOIN log_name ON log_name.no = log.log WHERE log.record"  \
                    " = record.id AND log.seq > log_name.released)")                               \
    /* Time anchors of samples that a spool lets go, but for the stream's last one: the same. */   \
    X(RECORD_ANCHORS, "DELETE FROM record WHERE kind = 3 AND top = 1 AND stream = ?1 AND"          \
                      " first >= ?2 AND first < ?3 AND long = 0 AND EXISTS (SELECT 1 FROM record"  \
                      " AS later WHERE later.stream = ?1 AND later.kind = 3 AND later.long = 0"    \
                      " AND later.first > record.first) AND NOT EXISTS (SELECT 1 FROM log JOIN"    \
                      " log_name ON log_name.no = log.log WHERE log.record = record.id AND"        \
                      " log.seq > log_name.released)")                                             \
    /* questions */                                                                                \
    X(ASK_KEY, SQ_RECORD_COLUMNS " WHERE key = ?1 AND top = 1")                                    \
    X(ASK_KIND, SQ_RECORD_COLUMNS " WHERE kind = ?1 AND kind <> 1 AND top = 1 AND key > ?2"        \
                                  " ORDER BY key LIMIT ?3")                                        \
    X(ASK_KIND_DOWN, SQ_RECORD_COLUMNS " WHERE kind = ?1 AND kind <> 1 AND top = 1 AND key < ?2"   \
                                       " ORDER BY key DESC LIMIT ?3")                              \
    X(ASK_KIND_LAST, SQ_RECORD_COLUMNS " WHERE kind = ?1 AND kind <> 1 AND top = 1"                \
                                       " ORDER BY key DESC LIMIT ?3")                              \
    X(ASK_EVENT_KEY, SQ_RECORD_COLUMNS " WHERE key > ?2 AND kind = ?1 AND top = 1"                 \
                                       " ORDER BY key LIMIT ?3")                                   \
    X(ASK_EVENT_KEY_DOWN, SQ_RECORD_COLUMNS " WHERE key < ?2 AND kind = ?1 AND top = 1"            \
                                            " ORDER BY key DESC LIMIT ?3")                         \
    X(ASK_EVENT_KEY_LAST, SQ_RECORD_COLUMNS " WHERE kind = ?1 AND top = 1"                         \
                                            " ORDER BY key DESC LIMIT ?3")                         \
    X(ASK_PREFIX, SQ_RECORD_COLUMNS " WHERE kind = ?1 AND kind <> 1 AND top = 1 AND key >= ?2"     \
                                    " AND key <= ?4 ORDER BY key LIMIT ?3")                        \
    X(ASK_EVENT_PREFIX, SQ_RECORD_COLUMNS " WHERE key >= ?2 AND key <= ?4 AND kind = ?1 AND"       \
                                          " top = 1 ORDER BY key LIMIT ?3")                        \
    X(LOG_BY_NAME, "SELECT no FROM log_name WHERE name = ?1")                                      \
    X(LOG_AFTER, "SELECT 1 FROM log WHERE log = ?1 AND seq > ?2 LIMIT 1")                          \
    X(ASK_EVENTS, SQ_RECORD_COLUMNS " WHERE stream = ?1 AND kind = 1 AND top = 1 AND long = 0"     \
                                    " AND first > ?2 AND first < ?3 AND end > ?4"                  \
                                    " AND (?5 >> event_kind) & 1 ORDER BY first, key LIMIT ?6")    \
    X(ASK_EVENTS_LONG, SQ_RECORD_COLUMNS " WHERE stream = ?1 AND kind = 1 AND top = 1 AND"         \
                                         " long = 1 AND first < ?2 AND end > ?3"                   \
                                         " AND (?4 >> event_kind) & 1 ORDER BY first, key"         \
                                         " LIMIT ?5")                                              \
    X(ASK_ANCHOR, SQ_RECORD_COLUMNS " WHERE stream = ?1 AND kind = 3 AND top = 1 AND first <= ?2"  \
                                    " ORDER BY first DESC, key DESC LIMIT 1")                      \
    X(ASK_ANCHOR_NEXT, SQ_RECORD_COLUMNS " WHERE stream = ?1 AND kind = 3 AND top = 1 AND"         \
                                         " first > ?2 ORDER BY first, key LIMIT 1")                \
    X(ASK_LOG, "SELECT key, revision, kind, body, origin, wall_us, stream, first, end,"            \
               " event_kind, priority, seq FROM log JOIN record ON record.id = log.record"         \
               " WHERE log = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq")                          \
    /* logs */                                                                                     \
    X(LOG_ALL, "SELECT no, name, last, released FROM log_name")                                    \
    X(LOG_NEW, "INSERT INTO log_name(no, name, last, released) VALUES(?1, ?2, 0, 0)")              \
    X(LOG_LAST, "UPDATE log_name SET last = ?2 WHERE no = ?1")                                     \
    X(LOG_RELEASED, "UPDATE log_name SET released = max(released, ?2) WHERE no = ?1")              \
    X(LOG_ADD, "INSERT INTO log(log, seq, record) VALUES(?1, ?2, ?3)")                             \
    X(LOG_HAS, "SELECT seq FROM log WHERE record = ?1 AND log = ?2")                               \
    X(LOG_MARK, "INSERT OR IGNORE INTO log_mark(log, wall_us, seq) VALUES(?1, ?2, ?3)")            \
    X(LOG_MARK_OLD, "SELECT max(seq) FROM log_mark WHERE log = ?1 AND wall_us < ?2")               \
    X(LOG_MARK_DEL, "DELETE FROM log_mark WHERE log = ?1 AND seq < ?2")                            \
    X(LOG_OBSERVATIONS, "DELETE FROM record WHERE +kind = 13 AND id IN (SELECT record FROM log"    \
                        " WHERE log = ?1 AND seq <= ?2 AND seq <= ?3 + (SELECT"                    \
                        " coalesce(min(seq), 0) FROM log WHERE log = ?1))")                        \
    X(LOG_THIN, "DELETE FROM log WHERE log = ?1 AND seq <= ?2 AND seq <= ?3 + (SELECT"             \
                " coalesce(min(seq), 0) FROM log WHERE log = ?1)")                                 \
    X(INLOG_ALL, "SELECT id, ranges FROM inlog")                                                   \
    X(INLOG_SET, "INSERT OR REPLACE INTO inlog(id, ranges) VALUES(?1, ?2)")                        \
    X(EPOCH_ALL, "SELECT owner, epoch FROM epoch")                                                 \
    X(EPOCH_SET, "INSERT OR REPLACE INTO epoch(owner, epoch) VALUES(?1, ?2)")                      \
    X(OBJECT_ALL, "SELECT sha256, size, media_type, verified FROM object")                         \
    X(OBJECT_SET, "INSERT OR REPLACE INTO object(sha256, size, media_type, verified)"              \
                  " VALUES(?1, ?2, ?3, ?4)")                                                       \
    X(OBJECT_DEL, "DELETE FROM object WHERE sha256 = ?1")                                          \
    X(ASIDE_ROW, "INSERT INTO aside(stream, first, end, wall_us, data) SELECT 0, id, id, ?2, data" \
                 " FROM batch WHERE id = ?1")                                                      \
    X(ASIDE_ADD, "INSERT INTO aside(stream, first, end, wall_us, data) VALUES(?1, ?2, ?3, ?4, "    \
                 "?5)")

#define SQ_RECORD_COLUMNS                                                                          \
    "SELECT key, revision, kind, body, origin, wall_us, stream, first, end, event_kind, priority," \
    " 0 FROM record"

enum sq_statement {
#define X(name, text) SQ_##name,
    SQ_STATEMENTS(X)
#undef X
        SQ_STATEMENTS_N
};

struct sq_conn {
    sqlite3 *db;
    sqlite3_stmt *statements[SQ_STATEMENTS_N];
};

/* Negative errno for an SQLite result: -ENOSPC, -EUCLEAN (a damaged file), -EIO, -ENOMEM, -EBUSY.
 */
int sq_errno(int rc);

/* Opens meta.db; `writer` makes it and its tables when missing. */
XW_MUST_CHECK int sq_conn_open(struct sq_conn *conn, const struct sq_vfs *vfs, const char *path,
                               bool writer);
void sq_conn_close(struct sq_conn *conn);
/* The statement, reset, without bindings. Prepared at first use; NULL when that failed. */
sqlite3_stmt *sq_get(struct sq_conn *conn, enum sq_statement which);
/* Steps once: 1 a row, 0 done, or negative errno; resets unless there is a row. */
XW_MUST_CHECK int sq_step(sqlite3_stmt *statement);
/* For statements that yield nothing. NULL is -ENOMEM. */
XW_MUST_CHECK int sq_run(sqlite3_stmt *statement);
XW_MUST_CHECK int sq_exec(sqlite3 *db, const char *text);
/* Opens any database file with our settings; flags of sqlite3_open_v2. */
XW_MUST_CHECK int sq_open_file(const struct sq_vfs *vfs, const char *path, int flags,
                               sqlite3 **ret_db);

/* Bindings that keep borrowed bytes (valid until the next reset). */
void sq_bind_u64(sqlite3_stmt *statement, int at, uint64_t value);
void sq_bind_bytes(sqlite3_stmt *statement, int at, const void *data, size_t size);
void sq_bind_id(sqlite3_stmt *statement, int at, const struct xw_uuid *id);
void sq_bind_text(sqlite3_stmt *statement, int at, const char *text);
uint64_t sq_u64(sqlite3_stmt *statement, int column);
const void *sq_bytes(sqlite3_stmt *statement, int column, size_t *ret_size);

#endif
