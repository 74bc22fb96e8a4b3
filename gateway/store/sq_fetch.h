/* Blocks out of batch rows and segments: first their places, then their bytes, checked.
 *
 * Threads: one fetch belongs to one thread with its connection; the connection is in a read
 * snapshot (or in the writer's transaction) for the fetch's life. */
#ifndef XW_STORE_SQ_FETCH_H
#define XW_STORE_SQ_FETCH_H

#include "store/sq.h"

/* Where a block lies: entry.batch != 0 a batch row; else row `row` of the file of `day`, the
 * segment that begins at `segment`. */
struct sq_ref {
    struct sq_entry entry;
    int64_t row;
    uint64_t segment;
    uint32_t day;
};

struct sq_fetch {
    struct sq_store *store;
    struct sq_conn *conn;
    uint32_t no, channels_n;
    struct xw_uuid id;
    struct sq_ref *refs; /* disjoint; by first after sq_fetch_find */
    size_t refs_n, refs_cap;
    struct xw_range *lost; /* parts of the range whose segment cannot be read */
    size_t lost_n, lost_cap;
    bool vanished; /* a segment of the index is not in its file: the snapshot may be old */
    uint64_t complete_to;
    struct sq_fetch_day {
        uint32_t day;
        bool unlocked;
        sqlite3 *db;
        sqlite3_blob *blob;
        int64_t blob_row;
    } days[4];
    size_t day_next;
    sqlite3_blob *blob; /* of batch rows */
    uint64_t blob_row;
};

/* Takes of the stream what never changes. */
void sq_fetch_init(struct sq_fetch *fetch, struct sq_store *store, struct sq_conn *conn,
                   const struct sq_stream *stream);
void sq_fetch_done(struct sq_fetch *fetch);
/* Adds what of the stream's directory touches range and lies in a row below `rows_end`. A reader
 * gives the writer's next row: what is staged for that is in the directory already, and in no row
 * that it could see. Under dir_lock, or on the writer. */
XW_MUST_CHECK int sq_fetch_pend(struct sq_fetch *fetch, const struct sq_stream *stream,
                                struct xw_range range, uint64_t rows_end);
/* Adds the segments' blocks that touch range and sorts; stops early once blocks of max_bytes lie
 * below the next segment: complete_to tells how far it looked. */
XW_MUST_CHECK int sq_fetch_find(struct sq_fetch *fetch, uint64_t span_max, struct xw_range range,
                                size_t max_bytes);
/* Adds all blocks of one segment. */
XW_MUST_CHECK int sq_fetch_segment(struct sq_fetch *fetch, uint64_t first);
/* What lies there, checked: of a unit entry.unit_size bytes, else entry.size. -EBADMSG: damaged;
 * data then holds what could be read. -ESTALE: it lies elsewhere now (a day was re-coded, or is
 * gone), which is no damage: look for it anew. */
XW_MUST_CHECK int sq_fetch_stored(struct sq_fetch *fetch, const struct sq_ref *ref, uint8_t *data);
/* The block's own bytes, entry.size of them, wherever they lie now. -EBADMSG: damaged; -ESTALE: the
 * block is not in its day any more. */
XW_MUST_CHECK int sq_fetch_bytes(struct sq_fetch *fetch, const struct sq_ref *ref, uint8_t *data);

#endif
