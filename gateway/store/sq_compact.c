/* Compaction: batch rows to segments of one stream in a day file, re-coded in units (sq_unit.h).
 * When blocks come faster than that goes they are written as they came; the rest of the work is
 * then done when the day is over (sq_repack.c).
 *
 * The day file is committed and synced first, by (stream, first), then one transaction of meta.db
 * enters the segments and passes the rows by. A crash between leaves rows that are compacted once
 * more into the same places; nothing is lost, nothing is there twice. */
#include "store/sq_compact.h"

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/sq_unit.h"

#include <string.h>

XW_COUNTER(pressed_segments, "xw_store_pressed_segments_total", NULL,
           "segments that were not re-coded because too much waited");

static atomic_uint_fast64_t pressure = SQ_PACK_PRESSURE;

void sq_set_pressure(uint64_t bytes)
{
    atomic_store(&pressure, bytes);
}

static void pass_done(struct sq_pass *pass)
{
    for (size_t i = 0; i < pass->rows_n; i++)
        free(pass->rows[i].data);
    for (size_t i = 0; i < pass->made_n; i++)
        xw_buf_done(&pass->made[i].holes);
    free(pass->rows);
    free(pass->made);
    free(pass->rejoined);
    (void)sqlite3_close(pass->db);
}

/* Which rows go now. False: not yet worth it. */
static bool choose(struct sq_pass *pass, bool all)
{
    struct sq_store *store = pass->store;
    int64_t now_us = xw_clock_mono(NULL).us;
    uint64_t bytes = 0;
    (void)pthread_mutex_lock(&store->dir_lock);
    bool due = store->rows_n > 0 && (all || store->rows_bytes >= SQ_PASS_BYTES ||
                                     now_us - store->rows[0].mono_us >= SQ_PASS_US);
    pass->pressed = store->rows_bytes > atomic_load(&pressure);
    for (size_t i = 0; due && i < store->rows_n && bytes < SQ_PASS_MAX; i++) {
        bytes += store->rows[i].bytes;
        pass->upto = store->rows[i].id;
    }
    (void)pthread_mutex_unlock(&store->dir_lock);
    return due;
}

static int read_row(struct sq_pass *pass, struct sq_conn *conn, uint64_t id)
{
    sqlite3_stmt *get = sq_get(conn, SQ_BATCH_GET);
    sq_bind_u64(get, 1, id);
    int r = sq_step(get);
    if (r == 0)
        r = -EBADMSG;
    if (r == 1) {
        struct sq_row_data row = {.id = id};
        const void *data = sq_bytes(get, 0, &row.size);
        r = store_grow(&pass->rows, &pass->rows_cap, pass->rows_n, sizeof row, SIZE_MAX);
        row.data = r == 0 ? malloc(row.size + 1) : NULL;
        if (r == 0 && row.data == NULL)
            r = -ENOMEM;
        if (r == 0) {
            memcpy(row.data, data, row.size);
            pass->rows[pass->rows_n++] = row;
        }
    }
    (void)sqlite3_reset(get);
    return r;
}

static int read_rows(struct sq_pass *pass)
{
    struct sq_conn *conn = NULL;
    int r = sq_conn_take(pass->store, &conn);
    if (r < 0)
        return r;
    size_t rows_n;
    (void)pthread_mutex_lock(&pass->store->dir_lock);
    for (rows_n = 0; rows_n < pass->store->rows_n; rows_n++)
        if (pass->store->rows[rows_n].id > pass->upto)
            break;
    uint64_t *ids = calloc(rows_n + 1, sizeof *ids);
    for (size_t i = 0; ids != NULL && i < rows_n; i++)
        ids[i] = pass->store->rows[i].id;
    (void)pthread_mutex_unlock(&pass->store->dir_lock);
    r = ids == NULL ? -ENOMEM : 0;
    for (size_t i = 0; r == 0 && i < rows_n; i++) {
        r = read_row(pass, conn, ids[i]);
        if (r == -EUCLEAN) /* or a read that failed: damage is so at a second look too */
            r = read_row(pass, conn, ids[i]);
        /* A row that cannot be read: its blocks fail their check below and are put aside. */
        if (r == -EUCLEAN || r == -EBADMSG)
            r = 0;
    }
    free(ids);
    sq_conn_give(pass->store, conn);
    return r;
}

static const uint8_t *bytes_of(const struct sq_pass *pass, const struct sq_entry *entry)
{
    size_t low = 0, high = pass->rows_n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pass->rows[middle].id < entry->batch)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == pass->rows_n || pass->rows[low].id != entry->batch ||
        (size_t)entry->offset + entry->size > pass->rows[low].size)
        return NULL;
    return pass->rows[low].data + entry->offset;
}

static int packer_of(struct sq_store *store)
{
    return store->packer != NULL ? 0 : sq_packer_new(&store->packer);
}

/* The blocks' bytes one after the other, in units where that makes them smaller; the entries say
 * where. */
static int make_data(struct sq_pass *pass, const struct sq_stream *stream, struct sq_entry *entries,
                     size_t n, struct xw_buf *ret_data)
{
    struct xw_buf raw;
    xw_buf_init(&raw, 64 << 20);
    int r = packer_of(pass->store);
    for (size_t i = 0; r == 0 && i < n; i++) {
        size_t offset = raw.n;
        r = xw_buf_append(&raw, bytes_of(pass, &entries[i]), entries[i].size);
        entries[i].offset = (uint32_t)offset;
    }
    if (r == 0 && pass->pressed)
        r = xw_buf_append(ret_data, raw.data, raw.n);
    else if (r == 0)
        r = sq_pack(pass->store->packer, &stream->shape, entries, n, raw.data, ret_data);
    xw_counter_add(&pressed_segments, pass->pressed);
    xw_buf_done(&raw);
    return r;
}

/* What the segment leaves out, encoded; empty: nothing. */
static int make_holes(const struct sq_entry *entries, size_t n, struct xw_buf *ret_holes)
{
    struct xw_ranges present, holes;
    xw_ranges_init(&present, STORE_RANGES_MAX);
    xw_ranges_init(&holes, STORE_RANGES_MAX);
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = xw_ranges_add(&present, entries[i].first, sq_entry_end(&entries[i]));
    if (r == 0)
        r = xw_ranges_complement(&present, entries[0].first, sq_entry_end(&entries[n - 1]), &holes);
    if (r == 0 && holes.n > 0)
        r = sq_ranges_encode(&holes, ret_holes);
    xw_ranges_done(&present);
    xw_ranges_done(&holes);
    return r;
}

/* One segment out of entries[0..n), all sound. */
static int make_segment(struct sq_pass *pass, const struct sq_stream *stream,
                        struct sq_entry *entries, size_t n)
{
    struct xw_buf dir, data;
    struct sq_made made = {
        .no = stream->no, .first = entries[0].first, .end = sq_entry_end(&entries[n - 1])};
    xw_buf_init(&dir, 64 << 20);
    xw_buf_init(&data, 64 << 20);
    xw_buf_init(&made.holes, 16 << 20);
    int r = make_data(pass, stream, entries, n, &data);
    if (r == 0)
        r = sq_dir_encode(entries, n, true, made.first, &dir);
    if (r == 0)
        r = make_holes(entries, n, &made.holes);
    made.bytes = data.n + dir.n;
    struct sq_segment segment = {.stream = stream->id,
                                 .first = made.first,
                                 .end = made.end,
                                 .wall_us = pass->wall_us,
                                 .header = stream->header,
                                 .header_size = stream->header_size,
                                 .dir = dir.data,
                                 .dir_size = dir.n,
                                 .data = data.data,
                                 .data_size = data.n};
    if (r == 0)
        r = sq_day_put(pass->db, &segment);
    if (r == 0)
        r = store_grow(&pass->made, &pass->made_cap, pass->made_n, sizeof made, SIZE_MAX);
    if (r == 0)
        pass->made[pass->made_n++] = made;
    else
        xw_buf_done(&made.holes);
    xw_buf_done(&dir);
    xw_buf_done(&data);
    return r;
}

/* Cuts a stream's blocks into segments, leaving out what is damaged. */
static int make_segments(struct sq_pass *pass, const struct sq_stream *stream,
                         struct sq_entry *entries, size_t n)
{
    double span = stream->shape.rate_hz * (SQ_SEGMENT_US / 1e6);
    uint64_t longest = span < 1e15 ? (uint64_t)span : (uint64_t)1e15;
    size_t sound = 0, from = 0, bytes = 0;
    int r = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *data = bytes_of(pass, &entries[i]);
        if (data != NULL && xw_crc32c(0, data, entries[i].size) == entries[i].sum)
            entries[sound++] = entries[i];
        else
            sq_mark_unreadable(pass->store, stream->no,
                               (struct xw_range){entries[i].first, sq_entry_end(&entries[i])},
                               entries[i].batch, data, data == NULL ? 0 : entries[i].size);
    }
    for (size_t i = 0; r == 0 && i < sound; i++) {
        bool full = i > from && (sq_entry_end(&entries[i]) - entries[from].first > longest ||
                                 bytes + entries[i].size > SQ_SEGMENT_MAX);
        if (full) {
            r = make_segment(pass, stream, entries + from, i - from);
            from = i;
            bytes = 0;
        }
        bytes += entries[i].size;
    }
    if (r == 0 && sound > from)
        r = make_segment(pass, stream, entries + from, sound - from);
    return r;
}

/* The stream's entries of this pass's rows, copied under the lock. */
static int take_entries(struct sq_pass *pass, size_t at, const struct sq_stream **ret_stream,
                        struct sq_entry **ret_entries, size_t *ret_n)
{
    struct sq_store *store = pass->store;
    struct sq_entry *entries = NULL;
    size_t n = 0;
    int r = 0;
    (void)pthread_mutex_lock(&store->dir_lock);
    const struct sq_stream *stream = at < store->streams_n ? store->streams[at] : NULL;
    if (stream != NULL && stream->pend_n > 0) {
        entries = calloc(stream->pend_n, sizeof *entries);
        if (entries == NULL)
            r = -ENOMEM;
        for (size_t i = 0; r == 0 && i < stream->pend_n; i++)
            if (stream->pend[i].batch <= pass->upto)
                entries[n++] = stream->pend[i];
    }
    (void)pthread_mutex_unlock(&store->dir_lock);
    *ret_stream = stream;
    *ret_entries = entries;
    *ret_n = n;
    return r;
}

static int write_day(struct sq_pass *pass)
{
    sq_seal_touched(pass->store, pass->day);
    int r = sq_day_open_write(pass->store, pass->day, &pass->db);
    if (r == 0)
        r = sq_exec(pass->db, "BEGIN IMMEDIATE");
    for (size_t at = 0; r == 0; at++) {
        const struct sq_stream *stream;
        xw_autofree struct sq_entry *entries = NULL;
        size_t n;
        r = take_entries(pass, at, &stream, &entries, &n);
        if (stream == NULL)
            break;
        if (r == 0 && n > 0)
            r = sq_rejoin(pass, stream, &entries, &n);
        if (r == 0 && n > 0)
            r = make_segments(pass, stream, entries, n);
    }
    if (r == 0)
        r = sq_exec(pass->db, "COMMIT");
    else if (pass->db != NULL)
        (void)sqlite3_exec(pass->db, "ROLLBACK", NULL, NULL, NULL);
    if (r == 0)
        r = xw_fault_point("store.segment.after_day");
    return r;
}

static int run(struct sq_pass *pass)
{
    pass->wall_us = sq_wall_us();
    pass->day = sq_day_of(pass->wall_us);
    int r = read_rows(pass);
    if (r == 0)
        r = write_day(pass);
    if (r < 0)
        return r;
    r = sq_install(pass);
    if (r == 0)
        r = xw_fault_point("store.segment.after_meta");
    /* The day's log is empty after every pass; readers may make this wait for the next one. */
    (void)sqlite3_wal_checkpoint_v2(pass->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return r;
}

int sq_compact_pass(struct sq_store *store, bool all)
{
    struct sq_pass pass = {.store = store};
    if (!choose(&pass, all))
        return 0;
    int r = run(&pass);
    pass_done(&pass);
    return r < 0 ? r : 1;
}
