/* Inside compaction: what a pass has made, for the job that enters it into the index.
 *
 * Threads: made by the keeper, read by the writer while the keeper waits for it. */
#ifndef XW_STORE_SQ_COMPACT_H
#define XW_STORE_SQ_COMPACT_H

#include "store/sq_day.h"

/* A segment written to the day file. */
struct sq_made {
    uint32_t no;
    uint64_t first, end, bytes;
    struct xw_buf holes; /* encoded ranges; empty: none */
};

/* One pass: rows up to `upto` become segments of the file of `day`. */
struct sq_pass {
    struct sq_store *store;
    uint64_t upto; /* last row of this pass */
    struct sq_row_data {
        uint64_t id;
        uint8_t *data;
        size_t size;
    } * rows;
    size_t rows_n, rows_cap;
    bool pressed; /* too much waits: nothing is re-coded now */
    uint32_t day;
    int64_t wall_us;
    sqlite3 *db;
    struct sq_made *made;
    size_t made_n, made_cap;
    /* Segments whose blocks were written again with those that came for their beginning. */
    struct sq_rejoined {
        uint32_t no, day;
        uint64_t first, bytes;
    } * rejoined;
    size_t rejoined_n, rejoined_cap;
};

/* entries[0..n) of the stream, by first: adds the blocks of segments that begin where one of them
 * does (sq_rejoin.c), and sorts again. */
XW_MUST_CHECK int sq_rejoin(struct sq_pass *pass, const struct sq_stream *stream,
                            struct sq_entry **entries, size_t *n);

/* Waits for the writer's commit. */
XW_MUST_CHECK int sq_install(const struct sq_pass *pass);

#endif
