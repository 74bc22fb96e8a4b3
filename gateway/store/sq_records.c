/* Records, logs and epochs within the writer's transaction. */
#include "store/sq.h"

#include "base/crc32c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- outgoing logs ---- */

int sq_log_of(struct sq_store *store, const char *name, uint32_t *ret_no)
{
    struct sq_writer *w = &store->writer;
    for (size_t i = 0; i < w->logs_n; i++)
        if (strcmp(w->logs[i]->name, name) == 0) {
            *ret_no = (uint32_t)i + 1;
            return 0;
        }
    int r = store_grow(&w->logs, &w->logs_cap, w->logs_n, sizeof(struct sq_log *), SQ_LOGS_MAX);
    struct sq_log *log = r == 0 ? calloc(1, sizeof *log) : NULL;
    if (log == NULL)
        return r < 0 ? r : -ENOMEM;
    memcpy(log->name, name, strnlen(name, STORE_NAME_MAX));
    log->fresh = true;
    uint32_t no = (uint32_t)w->logs_n + 1;
    w->logs[w->logs_n++] = log;
    sqlite3_stmt *add = sq_get(&w->conn, SQ_LOG_NEW);
    (void)sqlite3_bind_int64(add, 1, no);
    sq_bind_text(add, 2, log->name);
    r = sq_run(add);
    if (r == 0)
        r = sq_op(store, OP_LOG, no, (struct xw_range){0, 0}, log->name);
    if (r == 0)
        *ret_no = no;
    return r;
}

static int log_add(struct sq_store *store, uint32_t no, int64_t record, uint64_t *ret_seq)
{
    struct sq_log *log = store->writer.logs[no - 1];
    if (!log->touched) {
        log->touched = true;
        log->last_undo = log->last;
    }
    sqlite3_stmt *add = sq_get(&store->writer.conn, SQ_LOG_ADD);
    (void)sqlite3_bind_int64(add, 1, no);
    sq_bind_u64(add, 2, log->last + 1);
    (void)sqlite3_bind_int64(add, 3, record);
    int r = sq_run(add);
    if (r == 0)
        *ret_seq = ++log->last;
    return r;
}

/* ---- peers' logs ---- */

static int inlog_of(struct sq_store *store, const struct xw_uuid *id, struct sq_inlog **ret_inlog,
                    uint32_t *ret_no)
{
    struct sq_writer *w = &store->writer;
    for (size_t i = 0; i < w->inlogs_n; i++)
        if (xw_uuid_equal(&w->inlogs[i]->id, id)) {
            *ret_inlog = w->inlogs[i];
            *ret_no = (uint32_t)i + 1;
            return 0;
        }
    int r =
        store_grow(&w->inlogs, &w->inlogs_cap, w->inlogs_n, sizeof(struct sq_inlog *), SQ_LOGS_MAX);
    struct sq_inlog *inlog = r == 0 ? calloc(1, sizeof *inlog) : NULL;
    if (inlog == NULL)
        return r < 0 ? r : -ENOMEM;
    inlog->id = *id;
    inlog->fresh = true;
    xw_ranges_init(&inlog->ranges, STORE_RANGES_MAX);
    xw_ranges_init(&inlog->undo, STORE_RANGES_MAX);
    w->inlogs[w->inlogs_n++] = inlog;
    *ret_no = (uint32_t)w->inlogs_n;
    r = sq_op(store, OP_INLOG, *ret_no, (struct xw_range){0, 0}, &inlog->id);
    if (r == 0)
        *ret_inlog = inlog;
    return r;
}

static int inlog_add(struct sq_store *store, const struct xw_uuid *id, uint64_t seq)
{
    struct sq_inlog *inlog = NULL;
    uint32_t no = 0;
    int r = inlog_of(store, id, &inlog, &no);
    if (r == 0 && !inlog->touched) {
        r = xw_ranges_copy(&inlog->ranges, &inlog->undo);
        inlog->touched = r == 0;
    }
    if (r == 0)
        r = xw_ranges_add(&inlog->ranges, seq, seq + 1);
    if (r == 0)
        r = sq_op(store, OP_INLOG_ADD, no, (struct xw_range){seq, seq + 1}, NULL);
    return r;
}

int sq_logs_flush(struct sq_store *store)
{
    struct sq_writer *w = &store->writer;
    int r = 0;
    for (size_t i = 0; r == 0 && i < w->logs_n; i++) {
        if (!w->logs[i]->touched)
            continue;
        sqlite3_stmt *set = sq_get(&w->conn, SQ_LOG_LAST);
        (void)sqlite3_bind_int64(set, 1, (int64_t)i + 1);
        sq_bind_u64(set, 2, w->logs[i]->last);
        r = sq_run(set);
        if (r == 0)
            r = sq_op(store, OP_LOG_LAST, (uint32_t)i + 1, (struct xw_range){w->logs[i]->last, 0},
                      w->logs[i]->name);
    }
    for (size_t i = 0; r == 0 && i < w->inlogs_n; i++) {
        if (!w->inlogs[i]->touched)
            continue;
        struct xw_buf bytes;
        xw_buf_init(&bytes, 16 << 20);
        r = sq_ranges_encode(&w->inlogs[i]->ranges, &bytes);
        sqlite3_stmt *set = sq_get(&w->conn, SQ_INLOG_SET);
        sq_bind_id(set, 1, &w->inlogs[i]->id);
        sq_bind_bytes(set, 2, bytes.data, bytes.n);
        if (r == 0)
            r = sq_run(set);
        (void)sqlite3_reset(set);
        xw_buf_done(&bytes);
    }
    return r;
}

/* ---- records ---- */

/* Whether the row (columns kind, origin, wall_us, body from 1) is this very record. */
static bool same_record(sqlite3_stmt *row, const struct xw_store_record *record)
{
    size_t size;
    const void *body = sq_bytes(row, 4, &size);
    const char *origin = (const char *)sqlite3_column_text(row, 2);
    return (uint32_t)sqlite3_column_int64(row, 1) == record->kind &&
           sqlite3_column_int64(row, 3) == record->wall_us && origin != NULL &&
           strcmp(origin, record->origin) == 0 && size == record->body_size &&
           (size == 0 || memcmp(body, record->body, size) == 0);
}

static int keep_conflict(struct sq_store *store, const struct xw_store_record *record,
                         struct xw_store_done *done)
{
    uint32_t crc = xw_crc32c(0, record->body, record->body_size);
    crc = xw_crc32c(crc, &record->kind, sizeof record->kind);
    crc = xw_crc32c(crc, &record->wall_us, sizeof record->wall_us);
    crc = xw_crc32c(crc, record->origin, strlen(record->origin));
    sqlite3_stmt *add = sq_get(&store->writer.conn, SQ_RECORD_CONFLICT);
    sq_bind_bytes(add, 1, record->key, record->key_size);
    sq_bind_u64(add, 2, record->revision);
    (void)sqlite3_bind_int64(add, 3, crc);
    (void)sqlite3_bind_int64(add, 4, record->kind);
    sq_bind_text(add, 5, record->origin);
    (void)sqlite3_bind_int64(add, 6, record->wall_us);
    sq_bind_bytes(add, 7, record->body, record->body_size);
    int r = sq_run(add);
    if (r == 0 && sqlite3_changes(store->writer.conn.db) > 0)
        done->conflicts++;
    return r;
}

static int insert_record(struct sq_store *store, const struct xw_store_record *record, bool top,
                         int64_t *ret_id)
{
    sqlite3_stmt *add = sq_get(&store->writer.conn, SQ_RECORD_ADD);
    sq_bind_bytes(add, 1, record->key, record->key_size);
    sq_bind_u64(add, 2, record->revision);
    (void)sqlite3_bind_int64(add, 3, record->kind);
    (void)sqlite3_bind_int(add, 4, top);
    sq_bind_text(add, 5, record->origin);
    (void)sqlite3_bind_int64(add, 6, record->wall_us);
    if (record->has_span) {
        sq_bind_id(add, 7, &record->stream);
        sq_bind_u64(add, 8, record->span.first);
        sq_bind_u64(add, 9, record->span.end);
        (void)sqlite3_bind_int64(add, 10, record->event_kind);
        (void)sqlite3_bind_int64(add, 11, record->priority);
    }
    sq_bind_bytes(add, 12, record->body, record->body_size);
    int r = sq_run(add);
    if (r == 0)
        *ret_id = sqlite3_last_insert_rowid(store->writer.conn.db);
    return r;
}

/* Inserts a revision that is not there yet; the highest one carries `top`. */
static int add_revision(struct sq_store *store, const struct xw_store_record *record,
                        int64_t top_id, uint64_t top_revision, int64_t *ret_id)
{
    bool top = top_id == 0 || record->revision > top_revision;
    int r = 0;
    if (top && top_id != 0) {
        sqlite3_stmt *untop = sq_get(&store->writer.conn, SQ_RECORD_UNTOP);
        (void)sqlite3_bind_int64(untop, 1, top_id);
        r = sq_run(untop);
    }
    return r < 0 ? r : insert_record(store, record, top, ret_id);
}

/* The newest revision of the key: 1 and its row, or 0. */
static int newest(struct sq_store *store, const struct xw_store_record *record, int64_t *ret_id,
                  uint64_t *ret_revision)
{
    sqlite3_stmt *get = sq_get(&store->writer.conn, SQ_RECORD_MAX);
    sq_bind_bytes(get, 1, record->key, record->key_size);
    int r = sq_step(get);
    if (r == 1) {
        *ret_id = sqlite3_column_int64(get, 0);
        *ret_revision = sq_u64(get, 1);
        (void)sqlite3_reset(get);
    }
    return r;
}

/* 1: this very revision is there; 2: the revision is, with other bytes; 0: it is not. */
static int find_revision(struct sq_store *store, const struct xw_store_record *record,
                         int64_t *ret_id)
{
    sqlite3_stmt *get = sq_get(&store->writer.conn, SQ_RECORD_REVISION);
    sq_bind_bytes(get, 1, record->key, record->key_size);
    sq_bind_u64(get, 2, record->revision);
    int r = sq_step(get);
    if (r == 1) {
        r = same_record(get, record) ? 1 : 2;
        *ret_id = sqlite3_column_int64(get, 0);
        (void)sqlite3_reset(get);
    }
    return r;
}

/* One record may go into several logs, one append each; into each of them once. */
static int log_once(struct sq_store *store, const char *name, int64_t record, bool fresh,
                    struct xw_store_done *done)
{
    uint32_t no = 0;
    uint64_t seq = 0;
    int r = sq_log_of(store, name, &no);
    if (r == 0 && !fresh) {
        sqlite3_stmt *has = sq_get(&store->writer.conn, SQ_LOG_HAS);
        (void)sqlite3_bind_int64(has, 1, record);
        (void)sqlite3_bind_int64(has, 2, no);
        r = sq_step(has);
        (void)sqlite3_reset(has);
    }
    if (r != 0)
        return r < 0 ? r : 0;
    r = log_add(store, no, record, &seq);
    if (r == 0)
        done->out_seq_last = XW_MAX(done->out_seq_last, seq);
    return r;
}

int sq_apply_record(struct sq_store *store, const struct store_entry *entry,
                    struct xw_store_done *done)
{
    const struct xw_store_record *record = &entry->record;
    int64_t top_id = 0, id = 0;
    uint64_t top_revision = 0;
    int there = 0;
    int r = newest(store, record, &top_id, &top_revision);
    if (r == 1 && record->revision <= top_revision)
        there = r = find_revision(store, record, &id);
    if (r >= 0 && there == 0)
        r = add_revision(store, record, top_id, top_revision, &id);
    if (r >= 0 && there == 2)
        r = keep_conflict(store, record, done);
    if (r >= 0 && there == 1)
        done->records_known++;
    if (r >= 0 && there == 0)
        done->records_new++;
    if (r >= 0 && there != 2 && entry->out_log != NULL)
        r = log_once(store, entry->out_log, id, there == 0, done);
    if (r >= 0 && entry->in_log != NULL)
        r = inlog_add(store, entry->in_log, entry->in_seq);
    return r < 0 ? r : 0;
}

int sq_audit(struct sq_store *store, const struct sq_stream *stream, struct xw_range range,
             uint64_t bytes, const char *reason)
{
    char id[XW_UUID_TEXT_N_BYTES], body[256], key[7 + XW_UUID_N_BYTES] = "audit/";
    struct xw_uuid key_id = xw_uuid_v7(NULL);
    memcpy(key + 6, key_id.b, XW_UUID_N_BYTES);
    int n = snprintf(body, sizeof body,
                     "{\"action\":\"drop\",\"stream\":\"%s\",\"first\":%" PRIu64 ",\"end\":%" PRIu64
                     ",\"bytes\":%" PRIu64 ",\"reason\":\"%s\"}",
                     xw_uuid_format(&stream->id, id), range.first, range.end, bytes, reason);
    struct xw_store_record record = {.key = key,
                                     .key_size = 6 + XW_UUID_N_BYTES,
                                     .revision = 1,
                                     .kind = XW_LOCAL_AUDIT,
                                     .body = body,
                                     .body_size = (size_t)n,
                                     .origin = "store",
                                     .wall_us = sq_wall_us()};
    int64_t row;
    return insert_record(store, &record, true, &row);
}
