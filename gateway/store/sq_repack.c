/* Re-coding of a day that is over: segments whose blocks lie there as they came, because too much
 * waited when they were written, or because an older version wrote them.
 *
 * A step packs a few segments, each in its own row, in one transaction of the day's file, and then
 * notes in the index how many bytes they have now. A crash before the first leaves the old bytes,
 * one between the two a count of bytes that is too high, which the next step does not see: it costs
 * nothing but a little room in the reckoning. A reader has one snapshot of the file for directory
 * and data, so it sees both as they were or both as they are. */
#include "store/sq_day.h"

#include "base/crc32c.h"
#include "base/fault.h"
#include "base/log.h"
#include "store/sq_unit.h"

#include <string.h>

enum { STEP_N = 32, STEP_ROWS = 512, VACUUM_PAGES = 1024 };

struct repacked {
    struct xw_uuid stream;
    uint64_t first, bytes_before, bytes;
};

struct repack {
    struct sq_store *store;
    sqlite3 *db;
    int64_t row; /* the last one that was looked at */
    uint64_t looked_bytes;
    struct repacked done[STEP_N];
    size_t done_n;
};

/* Blocks whose bytes fail their check go as they are, so that a reader finds them damaged. */
static int pack_sound(struct sq_store *store, const struct store_shape *shape,
                      struct sq_entry *entries, size_t n, const uint8_t *raw,
                      struct xw_buf *ret_data)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < n;) {
        size_t k = 0;
        while (i + k < n &&
               xw_crc32c(0, raw + entries[i + k].offset, entries[i + k].size) == entries[i + k].sum)
            k++;
        if (k > 0) {
            r = sq_pack(store->packer, shape, entries + i, k, raw, ret_data);
        } else {
            uint32_t offset = (uint32_t)ret_data->n;
            r = xw_buf_append(ret_data, raw + entries[i].offset, entries[i].size);
            entries[i].offset = offset;
        }
        i += XW_MAX(k, (size_t)1);
    }
    return r;
}

/* New directory and data into the buffers: 1, or 0 when the segment stays as it is. */
static int pack_segment(struct sq_store *store, const struct sq_segment *segment,
                        struct xw_buf *ret_dir, struct xw_buf *ret_data)
{
    struct store_shape shape;
    xw_autofree struct sq_entry *entries = NULL;
    size_t n = 0;
    if (store_shape_parse(&segment->stream, segment->header, segment->header_size, &shape) < 0)
        return 0;
    int r = sq_dir_decode(segment->dir, segment->dir_size, true, segment->first, segment->data_size,
                          &entries, &n);
    if (r == 0)
        r = pack_sound(store, &shape, entries, n, segment->data, ret_data);
    if (r == 0)
        r = sq_dir_encode(entries, n, true, segment->first, ret_dir);
    if (r == -EBADMSG)
        return 0; /* a damaged directory: readers tell */
    if (r < 0)
        return r;
    return ret_dir->n + ret_data->n < segment->dir_size + segment->data_size;
}

static int each(void *user, const struct sq_segment *segment)
{
    struct repack *self = user;
    struct xw_buf dir, data;
    xw_buf_init(&dir, 64 << 20);
    xw_buf_init(&data, 64 << 20);
    int r = pack_segment(self->store, segment, &dir, &data);
    if (r == 1)
        r = sq_day_update(self->db, segment->row, &dir, &data);
    else if (r == 0)
        r = -EALREADY;
    if (r == 0)
        self->done[self->done_n++] =
            (struct repacked){.stream = segment->stream,
                              .first = segment->first,
                              .bytes_before = segment->dir_size + segment->data_size,
                              .bytes = dir.n + data.n};
    self->row = segment->row;
    self->looked_bytes += segment->dir_size + segment->data_size;
    xw_buf_done(&dir);
    xw_buf_done(&data);
    return r == -EALREADY ? 0 : r;
}

/* ---- the index ---- */

struct index_job {
    struct sq_job job;
    uint32_t day;
    const struct repack *repack;
};

static int index_stage(struct sq_store *store, struct sq_job *job)
{
    const struct index_job *self = XW_CONTAINER_OF(job, struct index_job, job);
    struct sq_conn *conn = &store->writer.conn;
    uint64_t less = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < self->repack->done_n; i++) {
        const struct repacked *one = &self->repack->done[i];
        sqlite3_stmt *set = sq_get(conn, SQ_SEGMENT_BYTES);
        (void)sqlite3_bind_int64(set, 1, sq_map_get(&store->writer.map, &one->stream));
        sq_bind_u64(set, 2, one->first);
        sq_bind_u64(set, 3, one->bytes);
        r = sq_run(set);
        if (r == 0 && sqlite3_changes(conn->db) > 0)
            less += one->bytes_before - one->bytes;
    }
    sqlite3_stmt *day = sq_get(conn, SQ_DAY_LESS);
    (void)sqlite3_bind_int64(day, 1, self->day);
    sq_bind_u64(day, 2, less);
    if (r == 0)
        r = sq_run(day);
    return r < 0 ? sq_fail(store, r) : 0;
}

/* ---- the file ---- */

/* Up to STEP_N segments among the next STEP_ROWS rows in one transaction: 1 when there are more
 * rows.
 */
static int pack_some(struct repack *self, size_t bytes)
{
    int64_t upto = self->row + STEP_ROWS, last = 0;
    int r = sq_exec(self->db, "BEGIN IMMEDIATE");
    if (r < 0)
        return r;
    self->done_n = 0;
    r = sq_day_last_row(self->db, &last);
    while (r >= 0 && self->done_n < STEP_N && self->looked_bytes < bytes)
        if ((r = sq_day_plain(self->db, self->row, upto, each, self)) == 0) {
            self->row = upto;
            break;
        }
    int end = sq_exec(self->db, r < 0 ? "ROLLBACK" : "COMMIT");
    return r < 0 ? r : end < 0 ? end : self->row < last;
}

/* Gives back what is free in the file, a piece at a time: 1 more. */
static int shrink(sqlite3 *db)
{
    char text[64];
    sqlite3_stmt *count = NULL;
    int64_t free_n = 0;
    int r = sq_errno(sqlite3_prepare_v2(db, "PRAGMA freelist_count", -1, &count, NULL));
    if (r == 0 && (r = sq_step(count)) == 1)
        free_n = sqlite3_column_int64(count, 0);
    (void)sqlite3_finalize(count);
    if (r < 0 || free_n == 0)
        return XW_MIN(r, 0);
    (void)sqlite3_snprintf(sizeof text, text, "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
    r = sq_exec(db, text);
    return r < 0 ? r : free_n > VACUUM_PAGES;
}

static int step(struct sq_store *store, struct repack *self, uint32_t day, size_t bytes)
{
    int r = 0;
    if (!store->repack.walked) {
        r = pack_some(self, bytes);
        if (r >= 0 && self->done_n > 0) {
            struct index_job job = {.job = {.stage = index_stage}, .day = day, .repack = self};
            int noted = xw_fault_point("store.repack");
            if (noted == 0)
                noted = sq_call(store, &job.job);
            r = noted < 0 ? noted : r;
        }
        if (r >= 0) /* what was rolled back is done again */
            store->repack.after_row = self->row;
        store->repack.walked = r == 0;
        r = r == 0 ? 1 : r;
    } else {
        r = shrink(self->db);
    }
    /* The file's log stays small; a reader may make this wait for the next step. */
    (void)sqlite3_wal_checkpoint_v2(self->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return r;
}

/* A file that cannot be read or changed is sealed as it is: readers tell what is wrong with it. */
static int give_up(uint32_t day, int r)
{
    if (r == -ENOSPC || r == -ENOMEM || r == -EBUSY || r == -ECANCELED)
        return r; /* another time */
    xw_log_warning("store.repack_failed", XW_LOG_UINT("day", day), XW_LOG_ERR(r));
    return 0;
}

int sq_repack_step(struct sq_store *store, uint32_t day, size_t bytes)
{
    if (store->repack.day != day)
        store->repack = (struct sq_repack){.day = day};
    if (store->repack.over)
        return 0;
    struct repack *self = calloc(1, sizeof *self);
    if (self == NULL)
        return -ENOMEM;
    *self = (struct repack){.store = store, .row = store->repack.after_row};
    int r = store->packer != NULL ? 0 : sq_packer_new(&store->packer);
    if (r == 0)
        r = sq_day_open_write(store, day, &self->db);
    if (r == 0)
        r = step(store, self, day, bytes);
    (void)sqlite3_close(self->db);
    free(self);
    if (r < 0)
        r = give_up(day, r);
    store->repack.over = r == 0;
    return r;
}
