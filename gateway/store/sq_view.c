/* The loop's view of the store, and the way from the writer to it.
 *
 * The writer hands over what a commit has changed together with the jobs that it answers: ranges
 * are brought up to date first, then the callbacks run. */
#include "store/sq.h"

#include "base/log.h"

#include <string.h>

/* What the peer has may be dropped to make room: without room it is told at once. */
enum { LAZY_MS = 2000, LAZY_LOW_MS = 100 };

static void flush_lazily(void *arg)
{
    struct sq_store *store = arg;
    store->view.lazy_armed = false;
    sq_view_flush_released(store);
    if (atomic_load(&store->space) != XW_SPACE_OK) {
        atomic_store(&store->keeper_hurry, true);
        sq_keeper_wake(store);
    }
}

static int view_stream_add(struct sq_view *view, const struct sq_stream *stream)
{
    struct sq_view_stream *copy = calloc(1, sizeof *copy);
    if (copy == NULL)
        return -ENOMEM;
    copy->id = stream->id;
    copy->stream = stream;
    xw_ranges_init(&copy->blocks, STORE_RANGES_MAX);
    xw_ranges_init(&copy->known, STORE_RANGES_MAX);
    xw_ranges_init(&copy->released, STORE_RANGES_MAX);
    int r = store_grow(&view->streams, &view->streams_cap, view->streams_n,
                       sizeof(struct sq_view_stream *), SQ_STREAMS_MAX);
    if (r == 0)
        r = sq_map_put(&view->map, &stream->id, stream->no);
    if (r < 0) {
        free(copy);
        return r;
    }
    view->streams[view->streams_n++] = copy;
    return 0;
}

static int view_log_add(struct sq_view *view, const char *name, uint64_t last)
{
    int r = store_grow(&view->logs, &view->logs_cap, view->logs_n, sizeof *view->logs, SQ_LOGS_MAX);
    if (r == 0)
        view->logs[view->logs_n++] = (struct sq_view_log){name, last};
    return r;
}

static int view_inlog_add(struct sq_view *view, const struct xw_uuid *id)
{
    struct sq_view_inlog *inlog = calloc(1, sizeof *inlog);
    int r = inlog == NULL ? -ENOMEM
                          : store_grow(&view->inlogs, &view->inlogs_cap, view->inlogs_n,
                                       sizeof(struct sq_view_inlog *), SQ_LOGS_MAX);
    if (r < 0) {
        free(inlog);
        return r;
    }
    inlog->id = *id;
    xw_ranges_init(&inlog->ranges, STORE_RANGES_MAX);
    view->inlogs[view->inlogs_n++] = inlog;
    return 0;
}

/* At open, before the writer runs. */
int sq_view_init(struct sq_store *store)
{
    struct sq_view *view = &store->view;
    struct sq_writer *w = &store->writer;
    xw_ranges_init(&view->nothing, 1);
    int r = xw_timer_new(store->base.loop, flush_lazily, store, &view->lazy);
    for (size_t i = 0; r == 0 && i < store->streams_n; i++) {
        const struct sq_stream *stream = store->streams[i];
        r = view_stream_add(view, stream);
        if (r == 0)
            r = xw_ranges_copy(&stream->blocks, &view->streams[i]->blocks);
        if (r == 0)
            r = xw_ranges_copy(&stream->known, &view->streams[i]->known);
        if (r == 0)
            r = xw_ranges_copy(&stream->released, &view->streams[i]->released);
    }
    for (size_t i = 0; r == 0 && i < w->logs_n; i++)
        r = view_log_add(view, w->logs[i]->name, w->logs[i]->last);
    for (size_t i = 0; r == 0 && i < w->inlogs_n; i++) {
        r = view_inlog_add(view, &w->inlogs[i]->id);
        if (r == 0)
            r = xw_ranges_copy(&w->inlogs[i]->ranges, &view->inlogs[i]->ranges);
    }
    return r;
}

void sq_view_done(struct sq_store *store)
{
    struct sq_view *view = &store->view;
    for (size_t i = 0; i < view->streams_n; i++) {
        xw_ranges_done(&view->streams[i]->blocks);
        xw_ranges_done(&view->streams[i]->known);
        xw_ranges_done(&view->streams[i]->released);
        free(view->streams[i]);
    }
    for (size_t i = 0; i < view->inlogs_n; i++) {
        xw_ranges_done(&view->inlogs[i]->ranges);
        free(view->inlogs[i]);
    }
    free(view->streams);
    free(view->inlogs);
    free(view->logs);
    sq_map_done(&view->map);
    xw_timer_free(view->lazy);
    xw_ranges_done(&view->nothing);
}

/* ---- changes by the writer ---- */

static int apply_op(struct sq_store *store, const struct sq_op *op)
{
    struct sq_view *view = &store->view;
    switch (op->kind) {
    case OP_BLOCKS_ADD:
        return xw_ranges_add(&view->streams[op->no - 1]->blocks, op->range.first, op->range.end);
    case OP_BLOCKS_SUB:
        return xw_ranges_subtract(&view->streams[op->no - 1]->blocks, op->range.first,
                                  op->range.end);
    case OP_KNOWN_ADD:
        return xw_ranges_add(&view->streams[op->no - 1]->known, op->range.first, op->range.end);
    case OP_STREAM:
        return view_stream_add(view, op->thing);
    case OP_LOG:
        return view_log_add(view, op->thing, 0);
    case OP_LOG_LAST:
        view->logs[op->no - 1].last = op->range.first;
        return 0;
    case OP_INLOG:
        return view_inlog_add(view, op->thing);
    case OP_INLOG_ADD:
        return xw_ranges_add(&view->inlogs[op->no - 1]->ranges, op->range.first, op->range.end);
    }
    return 0;
}

void sq_view_apply(struct sq_store *store, const struct sq_note *note)
{
    for (size_t i = 0; i < note->ops_n; i++) {
        int r = apply_op(store, &note->ops[i]);
        /* Only memory can fail here. The store itself is right; this process is not any more. */
        if (r < 0) {
            xw_log_error("store.view_lost", XW_LOG_ERR(r));
            abort();
        }
    }
}

/* ---- asked by the loop ---- */

static void fill(const struct sq_view_stream *stream, struct xw_store_stream *ret_stream)
{
    *ret_stream = (struct xw_store_stream){.id = stream->id,
                                           .header = stream->stream->header,
                                           .header_size = stream->stream->header_size,
                                           .blocks = &stream->blocks,
                                           .known = &stream->known,
                                           .released = &stream->released};
}

int sq_view_stream_get(struct xw_store *base, const struct xw_uuid *id,
                       struct xw_store_stream *ret_stream)
{
    struct sq_view *view = &sq_of(base)->view;
    uint32_t no = sq_map_get(&view->map, id);
    if (no == 0)
        return -ENOENT;
    fill(view->streams[no - 1], ret_stream);
    return 0;
}

void sq_view_streams(struct xw_store *base, void (*each)(void *, const struct xw_store_stream *),
                     void *user)
{
    struct sq_view *view = &sq_of(base)->view;
    for (size_t i = 0; i < view->streams_n; i++) {
        struct xw_store_stream stream;
        fill(view->streams[i], &stream);
        each(user, &stream);
    }
}

uint64_t sq_view_log_last(struct xw_store *base, const char *name)
{
    struct sq_view *view = &sq_of(base)->view;
    for (size_t i = 0; i < view->logs_n; i++)
        if (strcmp(view->logs[i].name, name) == 0)
            return view->logs[i].last;
    return 0;
}

const struct xw_ranges *sq_view_log_received(struct xw_store *base, const struct xw_uuid *id)
{
    struct sq_view *view = &sq_of(base)->view;
    for (size_t i = 0; i < view->inlogs_n; i++)
        if (xw_uuid_equal(&view->inlogs[i]->id, id))
            return &view->inlogs[i]->ranges;
    return &view->nothing;
}

/* ---- released marks: in memory at once, on disk lazily ---- */

struct released_job {
    struct sq_job job;
    uint32_t no;
    struct xw_ranges ranges;
};

static int released_stage(struct sq_store *store, struct sq_job *job)
{
    struct released_job *self = XW_CONTAINER_OF(job, struct released_job, job);
    struct xw_buf bytes;
    xw_buf_init(&bytes, 16 << 20);
    int r = sq_ranges_encode(&self->ranges, &bytes);
    sqlite3_stmt *set = sq_get(&store->writer.conn, SQ_STREAM_RELEASED);
    (void)sqlite3_bind_int64(set, 1, self->no);
    sq_bind_bytes(set, 2, bytes.data, bytes.n);
    if (r == 0)
        r = sq_run(set);
    (void)sqlite3_reset(set);
    xw_buf_done(&bytes);
    /* The mark counts though its commit may fail: the next store does have the samples. */
    struct xw_ranges swap = store->streams[self->no - 1]->released;
    store->streams[self->no - 1]->released = self->ranges;
    self->ranges = swap;
    return r < 0 ? sq_fail(store, r) : 0;
}

static void released_done(struct sq_store *store, struct sq_job *job)
{
    (void)store;
    struct released_job *self = XW_CONTAINER_OF(job, struct released_job, job);
    xw_ranges_done(&self->ranges);
    free(self);
}

static int flush_one(struct sq_store *store, uint32_t no)
{
    struct sq_view_stream *stream = store->view.streams[no - 1];
    struct released_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return -ENOMEM;
    *job = (struct released_job){.job = {.stage = released_stage, .done = released_done}, .no = no};
    xw_ranges_init(&job->ranges, STORE_RANGES_MAX);
    int r = xw_ranges_copy(&stream->released, &job->ranges);
    if (r == 0)
        r = sq_post(store, &job->job);
    if (r < 0) {
        released_done(store, &job->job);
        return r;
    }
    stream->released_dirty = false;
    return 0;
}

void sq_view_flush_released(struct sq_store *store)
{
    for (size_t i = 0; i < store->view.streams_n; i++)
        if (store->view.streams[i]->released_dirty)
            (void)flush_one(store, (uint32_t)i + 1);
}

void sq_view_release(struct xw_store *base, const struct xw_uuid *id, struct xw_range range,
                     bool set)
{
    struct sq_store *store = sq_of(base);
    uint32_t no = sq_map_get(&store->view.map, id);
    if (no == 0 || range.first >= range.end)
        return;
    struct sq_view_stream *stream = store->view.streams[no - 1];
    int r = set ? xw_ranges_add(&stream->released, range.first, range.end)
                : xw_ranges_subtract(&stream->released, range.first, range.end);
    if (r < 0)
        return; /* a mark lost costs a repeated offer */
    stream->released_dirty = true;
    if (!store->view.lazy_armed && !store->closing) {
        store->view.lazy_armed = true;
        bool low = atomic_load(&store->space) != XW_SPACE_OK;
        xw_timer_start(store->view.lazy, low ? LAZY_LOW_MS : LAZY_MS, 0);
    }
}
