/* What was held and is not any more: unreadable, or dropped by retention. Its range stays known,
 * as a gap with its reason. */
#include "store/sq.h"

#include "base/log.h"
#include "base/metrics.h"

#include <string.h>

XW_COUNTER(unreadable, "xw_store_unreadable_samples_total", NULL,
           "stored samples that could not be read any more");

enum { GAP_UNREADABLE = 4 }; /* Xw__GapReason */

int sq_unindex(struct sq_store *store, struct sq_stream *stream, struct xw_range range,
               uint32_t reason)
{
    struct xw_ranges pieces;
    xw_ranges_init(&pieces, STORE_RANGES_MAX);
    int r = sq_touch(store, stream);
    if (r == 0)
        r = xw_ranges_clip(&stream->blocks, range.first, range.end, &pieces);
    if (r == 0)
        r = xw_ranges_subtract(&stream->blocks, range.first, range.end);
    if (r == 0)
        r = xw_ranges_subtract(&stream->held, range.first, range.end);
    if (r == 0)
        r = sq_op(store, OP_BLOCKS_SUB, stream->no, range, NULL);
    for (size_t i = 0; r == 0 && i < pieces.n; i++)
        r = sq_gap_add(store, stream->no, pieces.v[i], reason);
    if (r == 0)
        r = sq_write_held(store, stream);
    xw_ranges_done(&pieces);
    return r;
}

struct lost_job {
    struct sq_job job;
    uint32_t no;
    struct xw_range range;
    uint64_t batch;
    bool acted;
    struct xw_uuid id;
    size_t size;
    uint8_t bytes[];
};

static int set_aside(struct sq_store *store, const struct lost_job *self)
{
    sqlite3_stmt *add = sq_get(&store->writer.conn, SQ_ASIDE_ADD);
    (void)sqlite3_bind_int64(add, 1, self->no);
    sq_bind_u64(add, 2, self->range.first);
    sq_bind_u64(add, 3, self->range.end);
    (void)sqlite3_bind_int64(add, 4, sq_wall_us());
    sq_bind_bytes(add, 5, self->bytes, self->size);
    return sq_run(add);
}

/* One segment that the range touches gets a hole there, or goes out of the index when nothing of
 * it is left. Its row in the day file stays. */
static int punch(struct sq_store *store, uint32_t no, struct xw_range segment,
                 struct xw_range range, struct xw_ranges *holes)
{
    struct sq_conn *conn = &store->writer.conn;
    int r =
        xw_ranges_add(holes, XW_MAX(segment.first, range.first), XW_MIN(segment.end, range.end));
    if (r < 0)
        return r;
    if (xw_ranges_covers(holes, segment.first, segment.end)) {
        sqlite3_stmt *del = sq_get(conn, SQ_SEGMENT_DEL);
        (void)sqlite3_bind_int64(del, 1, no);
        sq_bind_u64(del, 2, segment.first);
        return sq_run(del);
    }
    struct xw_buf bytes;
    xw_buf_init(&bytes, 16 << 20);
    r = sq_ranges_encode(holes, &bytes);
    sqlite3_stmt *set = sq_get(conn, SQ_SEGMENT_HOLES);
    (void)sqlite3_bind_int64(set, 1, no);
    sq_bind_u64(set, 2, segment.first);
    sq_bind_bytes(set, 3, bytes.data, bytes.n);
    if (r == 0)
        r = sq_run(set);
    (void)sqlite3_reset(set);
    xw_buf_done(&bytes);
    return r;
}

/* The first segment at or behind *from that touches range: 1, or 0. */
static int next_segment(struct sq_store *store, const struct sq_stream *stream,
                        struct xw_range range, uint64_t *from, struct xw_range *ret_segment,
                        struct xw_ranges *ret_holes)
{
    sqlite3_stmt *list = sq_get(&store->writer.conn, SQ_SEGMENT_RANGE);
    (void)sqlite3_bind_int64(list, 1, stream->no);
    (void)sqlite3_bind_int64(list, 2, (int64_t)*from - 1);
    sq_bind_u64(list, 3, range.end);
    int r;
    while ((r = sq_step(list)) == 1) {
        *ret_segment = (struct xw_range){sq_u64(list, 0), sq_u64(list, 1)};
        if (ret_segment->end <= range.first)
            continue;
        size_t size;
        const void *holes = sq_bytes(list, 3, &size);
        sq_ranges_or_none(holes, size, ret_holes);
        *from = ret_segment->first + 1;
        break;
    }
    (void)sqlite3_reset(list);
    return r;
}

static int punch_all(struct sq_store *store, const struct sq_stream *stream, struct xw_range range)
{
    uint64_t from = range.first > stream->span_max ? range.first - stream->span_max : 0;
    struct xw_range segment;
    struct xw_ranges holes;
    xw_ranges_init(&holes, STORE_RANGES_MAX);
    int r;
    while ((r = next_segment(store, stream, range, &from, &segment, &holes)) == 1)
        if ((r = punch(store, stream->no, segment, range, &holes)) < 0)
            break;
    xw_ranges_done(&holes);
    return r;
}

static int lost_stage(struct sq_store *store, struct sq_job *job)
{
    struct lost_job *self = XW_CONTAINER_OF(job, struct lost_job, job);
    struct sq_stream *stream = store->streams[self->no - 1];
    self->id = stream->id;
    /* Told before, or dropped meanwhile by retention. */
    if (!xw_ranges_overlaps(&stream->blocks, self->range.first, self->range.end))
        return 0;
    /* Two reads found it; it was lost and came again between their notices. */
    for (size_t i = sq_pend_find(stream, self->range.first);
         i < stream->pend_n && stream->pend[i].first < self->range.end; i++)
        if (stream->pend[i].batch != self->batch)
            return 0;
    int r = self->size > 0 ? set_aside(store, self) : 0;
    if (r == 0)
        r = punch_all(store, stream, self->range);
    if (r == 0)
        r = sq_unindex(store, stream, self->range, GAP_UNREADABLE);
    self->acted = r == 0;
    return r < 0 ? sq_fail(store, r) : 0;
}

static void lost_publish(struct sq_store *store, struct sq_job *job)
{
    const struct lost_job *self = XW_CONTAINER_OF(job, struct lost_job, job);
    struct sq_stream *stream = store->streams[self->no - 1];
    size_t n = 0;
    for (size_t i = 0; self->acted && i < stream->pend_n; i++)
        if (sq_entry_end(&stream->pend[i]) <= self->range.first ||
            stream->pend[i].first >= self->range.end)
            stream->pend[n++] = stream->pend[i];
    if (self->acted)
        stream->pend_n = n;
}

static void lost_done(struct sq_store *store, struct sq_job *job)
{
    struct lost_job *self = XW_CONTAINER_OF(job, struct lost_job, job);
    if (job->status == 0 && self->acted) {
        xw_counter_add(&unreadable, self->range.end - self->range.first);
        xw_log_error("store.unreadable", XW_LOG_ID("stream", &self->id),
                     XW_LOG_UINT("first", self->range.first), XW_LOG_UINT("end", self->range.end));
        if (store->base.watch.on_unreadable != NULL)
            store->base.watch.on_unreadable(store->base.watch.user, &self->id, self->range,
                                            "stored samples are damaged");
    }
    free(self);
}

void sq_mark_unreadable(struct sq_store *store, uint32_t no, struct xw_range range, uint64_t batch,
                        const void *bytes, size_t size)
{
    struct lost_job *job = calloc(1, sizeof *job + size);
    if (job == NULL)
        return;
    *job = (struct lost_job){
        .job = {.stage = lost_stage, .publish = lost_publish, .done = lost_done, .alone = true},
        .no = no,
        .range = range,
        .batch = batch,
        .size = size};
    if (size > 0)
        memcpy(job->bytes, bytes, size);
    if (sq_post(store, &job->job) < 0)
        free(job);
}
