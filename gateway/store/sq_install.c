/* Segments into the index, their rows out of it: one transaction of the writer. */
#include "store/sq_compact.h"

struct install_job {
    struct sq_job job;
    const struct sq_pass *pass;
};

int sq_write_held(struct sq_store *store, const struct sq_stream *stream)
{
    struct xw_buf bytes;
    xw_buf_init(&bytes, 16 << 20);
    int r = sq_ranges_encode(&stream->held, &bytes);
    sqlite3_stmt *set = sq_get(&store->writer.conn, SQ_STREAM_HELD);
    (void)sqlite3_bind_int64(set, 1, stream->no);
    sq_bind_bytes(set, 2, bytes.data, bytes.n);
    if (r == 0)
        r = sq_run(set);
    (void)sqlite3_reset(set);
    xw_buf_done(&bytes);
    return r;
}

/* What became of the segment's blocks since the pass read them, added to its holes: a read may have
 * found one damaged and given it up, and then it may have come again. Such a place is told as a
 * gap, or its new block waits for the next pass; counted as held here, too, it would be there
 * twice. */
static int add_gone(const struct sq_stream *stream, const struct sq_made *made, uint64_t upto,
                    struct xw_ranges *holes)
{
    struct xw_ranges gone;
    xw_ranges_init(&gone, STORE_RANGES_MAX);
    int r = xw_ranges_add(&gone, made->first, made->end);
    if (r == 0)
        r = xw_ranges_subtract_all(&gone, &stream->blocks);
    if (r == 0)
        r = xw_ranges_add_all(holes, &gone);
    for (size_t i = sq_pend_find(stream, made->first);
         r == 0 && i < stream->pend_n && stream->pend[i].first < made->end; i++)
        if (stream->pend[i].batch > upto)
            r = xw_ranges_add(holes, XW_MAX(stream->pend[i].first, made->first),
                              XW_MIN(sq_entry_end(&stream->pend[i]), made->end));
    xw_ranges_done(&gone);
    return r;
}

static int add_row(struct sq_store *store, const struct sq_pass *pass, const struct sq_made *made,
                   const struct xw_ranges *holes)
{
    struct sq_stream *stream = store->streams[made->no - 1];
    bool kept = xw_ranges_overlaps(&stream->kept, made->first, made->end);
    struct xw_buf bytes;
    xw_buf_init(&bytes, 16 << 20);
    int r = holes->n > 0 ? sq_ranges_encode(holes, &bytes) : 0;
    sqlite3_stmt *add = sq_get(&store->writer.conn, SQ_SEGMENT_ADD);
    (void)sqlite3_bind_int64(add, 1, made->no);
    sq_bind_u64(add, 2, made->first);
    sq_bind_u64(add, 3, made->end);
    (void)sqlite3_bind_int64(add, 4, pass->day);
    (void)sqlite3_bind_int64(add, 5, pass->wall_us);
    sq_bind_u64(add, 6, made->bytes);
    (void)sqlite3_bind_int(add, 7, kept);
    if (holes->n > 0)
        sq_bind_bytes(add, 8, bytes.data, bytes.n);
    if (r == 0)
        r = sq_run(add);
    (void)sqlite3_reset(add);
    xw_buf_done(&bytes);
    return r;
}

/* held grows by the segment's extent less its holes. 1, or 0: nothing is left of it, and it stays
 * out of the index; its bytes go with its day. */
static int install_one(struct sq_store *store, const struct sq_pass *pass,
                       const struct sq_made *made)
{
    struct sq_stream *stream = store->streams[made->no - 1];
    struct xw_ranges holes, present;
    xw_ranges_init(&holes, STORE_RANGES_MAX);
    xw_ranges_init(&present, STORE_RANGES_MAX);
    int r = sq_ranges_decode(made->holes.data, made->holes.n, &holes);
    if (r == 0)
        r = add_gone(stream, made, pass->upto, &holes);
    if (r == 0)
        r = xw_ranges_complement(&holes, made->first, made->end, &present);
    if (r == 0 && present.n > 0)
        r = add_row(store, pass, made, &holes);
    if (r == 0)
        r = sq_touch(store, stream);
    if (r == 0)
        r = xw_ranges_add_all(&stream->held, &present);
    bool left = present.n > 0;
    xw_ranges_done(&holes);
    xw_ranges_done(&present);
    return r < 0 ? r : left;
}

/* What is in the new segments now; its bytes go with its day. */
static int leave(struct sq_store *store, const struct sq_rejoined *old)
{
    sqlite3_stmt *del = sq_get(&store->writer.conn, SQ_SEGMENT_DEL);
    (void)sqlite3_bind_int64(del, 1, old->no);
    sq_bind_u64(del, 2, old->first);
    int r = sq_run(del);
    sqlite3_stmt *day = sq_get(&store->writer.conn, SQ_DAY_LESS);
    (void)sqlite3_bind_int64(day, 1, old->day);
    sq_bind_u64(day, 2, old->bytes);
    return r < 0 ? r : sq_run(day);
}

static int install(struct sq_store *store, const struct sq_pass *pass)
{
    uint64_t bytes = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < pass->rejoined_n; i++)
        r = leave(store, &pass->rejoined[i]);
    for (size_t i = 0; r == 0 && i < pass->made_n; i++) {
        r = install_one(store, pass, &pass->made[i]);
        bytes += r == 1 ? pass->made[i].bytes : 0;
        r = XW_MIN(r, 0);
        bool last = i + 1 == pass->made_n || pass->made[i + 1].no != pass->made[i].no;
        if (r == 0 && last)
            r = sq_write_held(store, store->streams[pass->made[i].no - 1]);
    }
    sqlite3_stmt *day = sq_get(&store->writer.conn, SQ_DAY_OPEN);
    (void)sqlite3_bind_int64(day, 1, pass->day);
    sq_bind_u64(day, 2, bytes);
    if (r == 0 && pass->made_n > 0)
        r = sq_run(day);
    sqlite3_stmt *set = sq_get(&store->writer.conn, SQ_STATE_SET);
    sq_bind_text(set, 1, "compacted_upto");
    sq_bind_u64(set, 2, pass->upto);
    return r < 0 ? r : sq_run(set);
}

static int install_stage(struct sq_store *store, struct sq_job *job)
{
    int r = install(store, XW_CONTAINER_OF(job, struct install_job, job)->pass);
    return r < 0 ? sq_fail(store, r) : 0;
}

/* Committed: directories forget the rows. Under dir_lock. */
static void install_publish(struct sq_store *store, struct sq_job *job)
{
    const struct sq_pass *pass = XW_CONTAINER_OF(job, struct install_job, job)->pass;
    for (size_t s = 0; s < store->streams_n; s++) {
        struct sq_stream *stream = store->streams[s];
        size_t n = 0;
        for (size_t i = 0; i < stream->pend_n; i++)
            if (stream->pend[i].batch > pass->upto)
                stream->pend[n++] = stream->pend[i];
        stream->pend_n = n;
        if (n == 0) {
            free(stream->pend);
            stream->pend = NULL;
            stream->pend_cap = 0;
        }
    }
    size_t n = 0;
    store->rows_bytes = 0;
    for (size_t i = 0; i < store->rows_n; i++)
        if (store->rows[i].id > pass->upto) {
            store->rows_bytes += store->rows[i].bytes;
            store->rows[n++] = store->rows[i];
        }
    store->rows_n = n;
    store->writer.compacted_upto = pass->upto;
    store->writer.trim_pending = true;
}

int sq_install(const struct sq_pass *pass)
{
    struct install_job job = {
        .job = {.stage = install_stage, .publish = install_publish, .alone = true}, .pass = pass};
    return sq_call(pass->store, &job.job);
}
