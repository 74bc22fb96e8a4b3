/* Opening: everything that is kept in memory, out of meta.db.
 *
 * Neither segments nor samples are looked at one by one: what of a stream lies in segments is one
 * range set in its row (changed in the transaction that changes the segments), what waits in batch
 * rows is in their directories. So the time depends on streams and on what waits, not on days. */
#include "store/sq.h"

#include "base/clock.h"
#include "base/log.h"

#include <string.h>

static int load_stream(struct sq_store *store, sqlite3_stmt *row)
{
    size_t id_size, header_size, held_size, released_size;
    const void *id_bytes = sq_bytes(row, 1, &id_size);
    const void *header = sq_bytes(row, 2, &header_size);
    const void *held = sq_bytes(row, 3, &held_size);
    const void *released = sq_bytes(row, 4, &released_size);
    struct xw_uuid id;
    struct store_shape shape;
    struct sq_stream *stream = NULL;
    int r = xw_uuid_from_bytes(id_bytes, id_size, &id);
    if (r == 0)
        r = store_shape_parse(&id, header, header_size, &shape);
    if (r == 0)
        r = sq_stream_new(store, (uint32_t)sqlite3_column_int64(row, 0), &id, header, header_size,
                          &shape, &stream);
    if (r == 0)
        r = sq_ranges_decode(held, held_size, &stream->held);
    if (r == 0)
        r = xw_ranges_copy(&stream->held, &stream->blocks);
    if (r == 0)
        r = xw_ranges_copy(&stream->held, &stream->known);
    if (r == 0 && sq_ranges_decode(released, released_size, &stream->released) < 0)
        xw_ranges_clear(&stream->released); /* costs a repeated offer, nothing else */
    return r == -EBADMSG ? -EUCLEAN : r;
}

static int load_streams(struct sq_store *store)
{
    struct sq_conn *conn = &store->writer.conn;
    sqlite3_stmt *rows = sq_get(conn, SQ_STREAM_ALL);
    int r;
    while ((r = sq_step(rows)) == 1)
        if ((r = load_stream(store, rows)) < 0)
            break;
    (void)sqlite3_reset(rows);
    if (r < 0)
        return r;
    rows = sq_get(conn, SQ_KEPT_ALL);
    while ((r = sq_step(rows)) == 1) {
        uint64_t no = sq_u64(rows, 0);
        size_t size;
        const void *ranges = sq_bytes(rows, 1, &size);
        if (no < 1 || no > store->streams_n ||
            sq_ranges_decode(ranges, size, &store->streams[no - 1]->kept) < 0) {
            (void)sqlite3_reset(rows);
            return -EUCLEAN;
        }
    }
    return r;
}

static int load_spans(struct sq_store *store)
{
    sqlite3_stmt *rows = sq_get(&store->writer.conn, SQ_GAP_ALL);
    int r;
    while ((r = sq_step(rows)) == 1) {
        uint64_t no = sq_u64(rows, 0), first = sq_u64(rows, 1), end = sq_u64(rows, 2);
        if (no < 1 || no > store->streams_n)
            continue;
        r = xw_ranges_add(&store->streams[no - 1]->known, first, end);
        if (r < 0) {
            (void)sqlite3_reset(rows);
            return r;
        }
    }
    return r;
}

/* Its bytes go to the table `aside`, where compaction does not come. */
static int row_aside(struct sq_store *store, uint64_t id)
{
    struct xw_uuid nil = {{0}};
    xw_log_error("store.row_damaged", XW_LOG_UINT("row", id));
    sq_note_unreadable(store, &nil, (struct xw_range){0, 0}, "directory of a batch row");
    sqlite3_stmt *move = sq_get(&store->writer.conn, SQ_ASIDE_ROW);
    sq_bind_u64(move, 1, id);
    (void)sqlite3_bind_int64(move, 2, sq_wall_us());
    return sq_run(move);
}

/* One batch row's directory. */
static int load_row(struct sq_store *store, uint64_t id, const void *dir, size_t dir_size,
                    size_t data_size)
{
    xw_autofree struct sq_entry *entries = NULL;
    size_t n = 0;
    int r = sq_dir_decode(dir, dir_size, false, 0, data_size, &entries, &n);
    if (r == -EBADMSG)
        return row_aside(store, id);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct sq_entry *e = &entries[i];
        if (e->stream < 1 || e->stream > store->streams_n)
            continue;
        struct sq_stream *stream = store->streams[e->stream - 1];
        e->batch = id;
        if (xw_ranges_overlaps(&stream->blocks, e->first, sq_entry_end(e)))
            continue;
        r = sq_pend_insert(store, stream, e);
        if (r == 0)
            r = xw_ranges_add(&stream->blocks, e->first, sq_entry_end(e));
        if (r == 0)
            r = xw_ranges_add(&stream->known, e->first, sq_entry_end(e));
    }
    if (r == 0)
        r = store_grow(&store->rows, &store->rows_cap, store->rows_n, sizeof *store->rows,
                       SIZE_MAX);
    if (r == 0) {
        store->rows[store->rows_n++] = (struct sq_row){id, data_size, xw_clock_mono(NULL).us};
        store->rows_bytes += data_size;
    }
    return r;
}

static int load_rows(struct sq_store *store)
{
    struct sq_writer *w = &store->writer;
    sqlite3_stmt *rows = sq_get(&w->conn, SQ_BATCH_ALL);
    sq_bind_u64(rows, 1, w->compacted_upto);
    w->batch_next = w->compacted_upto + 1;
    int r;
    while ((r = sq_step(rows)) == 1) {
        uint64_t id = sq_u64(rows, 0);
        size_t dir_size;
        const void *dir = sq_bytes(rows, 1, &dir_size);
        r = load_row(store, id, dir, dir_size, (size_t)sqlite3_column_int64(rows, 2));
        if (r < 0)
            break;
        w->batch_next = id + 1;
    }
    (void)sqlite3_reset(rows);
    return r < 0 ? r : 0;
}

static int load_logs(struct sq_store *store)
{
    struct sq_writer *w = &store->writer;
    sqlite3_stmt *rows = sq_get(&w->conn, SQ_LOG_ALL);
    int r;
    while ((r = sq_step(rows)) == 1) {
        const char *name = (const char *)sqlite3_column_text(rows, 1);
        struct sq_log *log = calloc(1, sizeof *log);
        r = log == NULL ? -ENOMEM
                        : store_grow(&w->logs, &w->logs_cap, w->logs_n, sizeof(struct sq_log *),
                                     SQ_LOGS_MAX);
        if (r < 0 || name == NULL || sq_u64(rows, 0) != w->logs_n + 1) {
            free(log);
            (void)sqlite3_reset(rows);
            return r < 0 ? r : -EUCLEAN;
        }
        memcpy(log->name, name, strnlen(name, STORE_NAME_MAX));
        log->last = sq_u64(rows, 2);
        log->released = sq_u64(rows, 3);
        w->logs[w->logs_n++] = log;
    }
    return r;
}

static int load_inlogs(struct sq_store *store)
{
    struct sq_writer *w = &store->writer;
    sqlite3_stmt *rows = sq_get(&w->conn, SQ_INLOG_ALL);
    int r;
    while ((r = sq_step(rows)) == 1) {
        size_t id_size, size;
        const void *id = sq_bytes(rows, 0, &id_size);
        const void *ranges = sq_bytes(rows, 1, &size);
        struct sq_inlog *inlog = calloc(1, sizeof *inlog);
        r = inlog == NULL ? -ENOMEM
                          : store_grow(&w->inlogs, &w->inlogs_cap, w->inlogs_n,
                                       sizeof(struct sq_inlog *), SQ_LOGS_MAX);
        if (r < 0) {
            free(inlog);
            (void)sqlite3_reset(rows);
            return r;
        }
        xw_ranges_init(&inlog->ranges, STORE_RANGES_MAX);
        xw_ranges_init(&inlog->undo, STORE_RANGES_MAX);
        w->inlogs[w->inlogs_n++] = inlog;
        /* Unknown sequences are asked for again: records are keyed, so that costs traffic only. */
        if (xw_uuid_from_bytes(id, id_size, &inlog->id) < 0 ||
            sq_ranges_decode(ranges, size, &inlog->ranges) < 0)
            xw_ranges_clear(&inlog->ranges);
    }
    return r;
}

static int load_epochs(struct sq_store *store)
{
    struct sq_writer *w = &store->writer;
    sqlite3_stmt *rows = sq_get(&w->conn, SQ_EPOCH_ALL);
    int r;
    while ((r = sq_step(rows)) == 1) {
        const char *owner = (const char *)sqlite3_column_text(rows, 0);
        r = store_grow(&w->epochs, &w->epochs_cap, w->epochs_n, sizeof *w->epochs, SQ_LOGS_MAX);
        if (r < 0 || owner == NULL) {
            (void)sqlite3_reset(rows);
            return r < 0 ? r : -EUCLEAN;
        }
        struct sq_epoch *epoch = &w->epochs[w->epochs_n++];
        *epoch = (struct sq_epoch){.epoch = sq_u64(rows, 1)};
        memcpy(epoch->owner, owner, strnlen(owner, STORE_NAME_MAX));
    }
    return r;
}

static int state_get(struct sq_store *store, const char *name, int64_t *ret_value,
                     struct xw_uuid *ret_id)
{
    sqlite3_stmt *get = sq_get(&store->writer.conn, SQ_STATE_GET);
    sq_bind_text(get, 1, name);
    int r = sq_step(get);
    if (r == 1 && ret_value != NULL)
        *ret_value = sqlite3_column_int64(get, 0);
    if (r == 1 && ret_id != NULL) {
        size_t size;
        const void *bytes = sq_bytes(get, 0, &size);
        if (xw_uuid_from_bytes(bytes, size, ret_id) < 0)
            r = -EUCLEAN;
    }
    (void)sqlite3_reset(get);
    return r;
}

/* A new store, one restored from a backup and a copy are incarnations that no peer knows. */
static int load_identity(struct sq_store *store)
{
    int64_t copied = 0, upto = 0;
    int r = state_get(store, "copied", &copied, NULL);
    if (r >= 0)
        r = state_get(store, "compacted_upto", &upto, NULL);
    store->writer.compacted_upto = (uint64_t)upto;
    if (r >= 0)
        r = state_get(store, "id", NULL, &store->base.id);
    if (r < 0 || (r == 1 && copied == 0 && !store->base.config.renew))
        return r < 0 ? r : 0;
    store->base.id = xw_uuid_v7(NULL);
    r = sq_run(sq_get(&store->writer.conn, SQ_BEGIN));
    sqlite3_stmt *set = sq_get(&store->writer.conn, SQ_STATE_SET);
    sq_bind_text(set, 1, "id");
    sq_bind_id(set, 2, &store->base.id);
    if (r == 0)
        r = sq_run(set);
    set = sq_get(&store->writer.conn, SQ_STATE_SET);
    sq_bind_text(set, 1, "copied");
    (void)sqlite3_bind_int(set, 2, 0);
    if (r == 0)
        r = sq_run(set);
    if (r == 0)
        r = sq_run(sq_get(&store->writer.conn, SQ_COMMIT));
    if (r < 0)
        (void)sqlite3_exec(store->writer.conn.db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

int sq_load(struct sq_store *store)
{
    int r = load_identity(store);
    if (r == 0)
        r = load_streams(store);
    if (r == 0)
        r = load_spans(store);
    if (r == 0)
        r = load_rows(store);
    if (r == 0)
        r = load_logs(store);
    if (r == 0)
        r = load_inlogs(store);
    if (r == 0)
        r = load_epochs(store);
    store->writer.streams_committed_n = store->streams_n;
    store->writer.trim_pending = true;
    return r;
}

void sq_unload(struct sq_store *store)
{
    struct sq_writer *w = &store->writer;
    for (size_t i = 0; i < store->streams_n; i++)
        sq_stream_free(store->streams[i]);
    store->streams_n = store->rows_n = 0;
    store->rows_bytes = 0;
    sq_map_done(&w->map);
    for (size_t i = 0; i < w->logs_n; i++)
        free(w->logs[i]);
    for (size_t i = 0; i < w->inlogs_n; i++) {
        xw_ranges_done(&w->inlogs[i]->ranges);
        xw_ranges_done(&w->inlogs[i]->undo);
        free(w->inlogs[i]);
    }
    w->logs_n = w->inlogs_n = w->epochs_n = 0;
}
