/* A batch as the writer's job: first everything that could refuse it, then everything that changes
 * something. After the first change only the database can fail, and then the transaction does. */
#include "store/sq.h"

#include "base/metrics.h"

#include <string.h>

XW_COUNTER(refused, "xw_store_append_refused_total", NULL,
           "batches refused because the writer's queue was full");
XW_COUNTER(conflicts, "xw_store_conflicts_total", NULL,
           "blocks and records that differ from what is stored; both are kept");

struct batch_job {
    struct sq_job job;
    struct xw_store_batch *batch;
    struct xw_store_done result;
    xw_store_done_fn done;
    void *user;
};

static struct batch_job *batch_of(struct sq_job *job)
{
    return XW_CONTAINER_OF(job, struct batch_job, job);
}

/* ---- checks ---- */

static const struct store_header *header_of(const struct xw_store_batch *batch,
                                            const struct xw_uuid *id)
{
    for (size_t i = 0; i < batch->headers_n; i++)
        if (xw_uuid_equal(&batch->headers[i].id, id))
            return &batch->headers[i];
    return NULL;
}

static int check_headers(struct sq_store *store, const struct xw_store_batch *batch)
{
    for (size_t i = 0; i < batch->headers_n; i++) {
        const struct store_header *header = &batch->headers[i];
        const struct sq_stream *stream = sq_stream_find(store, &header->id);
        const struct store_header *before = header_of(batch, &header->id);
        struct store_shape shape;
        int r = store_shape_parse(&header->id, header->header, header->size, &shape);
        if (r < 0)
            return r;
        if (stream != NULL && (stream->header_size != header->size ||
                               memcmp(stream->header, header->header, header->size) != 0))
            return -EEXIST;
        if (before != header && (before->size != header->size ||
                                 memcmp(before->header, header->header, header->size) != 0))
            return -EEXIST;
    }
    return 0;
}

/* Shape of the stream that a block or gap names; and that its sets stay within their limit. */
static int shape_of(struct sq_store *store, const struct xw_store_batch *batch,
                    const struct xw_uuid *id, struct store_shape *ret_shape)
{
    const struct sq_stream *stream = sq_stream_find(store, id);
    if (stream != NULL) {
        size_t most = batch->blocks_n + 2 * batch->gaps_n + 2;
        *ret_shape = stream->shape;
        return XW_MAX(stream->known.n, stream->blocks.n) + most < STORE_RANGES_MAX ? 0 : -EOVERFLOW;
    }
    const struct store_header *header = header_of(batch, id);
    if (header == NULL)
        return -ENOENT;
    return store_shape_parse(id, header->header, header->size, ret_shape);
}

static int check_samples(struct sq_store *store, const struct xw_store_batch *batch)
{
    struct store_shape shape;
    for (size_t i = 0; i < batch->blocks_n; i++) {
        int r = shape_of(store, batch, &batch->blocks[i].stream, &shape);
        if (r == 0)
            r = store_block_decode(&shape, &batch->blocks[i], store->writer.x);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < batch->gaps_n; i++) {
        int r = shape_of(store, batch, &batch->gaps[i].stream, &shape);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check(struct sq_store *store, const struct xw_store_batch *batch)
{
    if (batch->owner != NULL) {
        const struct sq_epoch *epoch = sq_epoch_find(store, batch->owner);
        if (epoch != NULL && batch->epoch < epoch->epoch)
            return -ESTALE;
    }
    int r = check_headers(store, batch);
    if (r == 0)
        r = check_samples(store, batch);
    if (r == 0 && store->writer.room_bytes < batch->bytes) {
        sq_tell_space(store, XW_SPACE_FULL, store->writer.room_bytes);
        r = -ENOSPC;
    }
    return r;
}

/* ---- changes ---- */

static int apply_header(struct sq_store *store, const struct store_header *header)
{
    if (sq_stream_find(store, &header->id) != NULL)
        return 0;
    struct store_shape shape;
    struct sq_stream *stream = NULL;
    int r = store_shape_parse(&header->id, header->header, header->size, &shape);
    if (r == 0)
        r = sq_stream_new(store, (uint32_t)store->streams_n + 1, &header->id, header->header,
                          header->size, &shape, &stream);
    if (r < 0 || stream == NULL)
        return r;
    sqlite3_stmt *add = sq_get(&store->writer.conn, SQ_STREAM_ADD);
    (void)sqlite3_bind_int64(add, 1, stream->no);
    sq_bind_id(add, 2, &stream->id);
    sq_bind_bytes(add, 3, stream->header, stream->header_size);
    (void)sqlite3_bind_int64(add, 4, sq_wall_us());
    r = sq_run(add);
    return r < 0 ? r : sq_op(store, OP_STREAM, stream->no, (struct xw_range){0, 0}, stream);
}

static int apply(struct sq_store *store, const struct xw_store_batch *batch,
                 struct xw_store_done *done)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < batch->headers_n; i++)
        r = apply_header(store, &batch->headers[i]);
    for (size_t i = 0; r == 0 && i < batch->blocks_n; i++)
        r = sq_apply_block(store, sq_stream_find(store, &batch->blocks[i].stream),
                           &batch->blocks[i], done);
    for (size_t i = 0; r == 0 && i < batch->gaps_n; i++)
        r = sq_apply_gap(store, sq_stream_find(store, &batch->gaps[i].stream), batch->gaps[i].range,
                         batch->gaps[i].reason);
    for (size_t i = 0; r == 0 && i < batch->records_n; i++)
        r = sq_apply_record(store, &batch->records[i], done);
    return r;
}

static int batch_stage(struct sq_store *store, struct sq_job *job)
{
    struct batch_job *self = batch_of(job);
    int r = check(store, self->batch);
    if (r < 0)
        return r;
    r = apply(store, self->batch, &self->result);
    if (r < 0)
        return sq_fail(store, r);
    store->writer.room_bytes -= self->batch->bytes;
    return 0;
}

/* ---- on the loop ---- */

static void batch_done(struct sq_store *store, struct sq_job *job)
{
    struct batch_job *self = batch_of(job);
    store->queue_bytes -= job->bytes;
    if (job->status < 0)
        self->result = (struct xw_store_done){0};
    self->result.status = job->status;
    atomic_fetch_add(&store->blocks_n, self->result.blocks_new);
    atomic_fetch_add(&store->records_n, self->result.records_new);
    atomic_fetch_add(&store->conflicts_n, self->result.conflicts);
    xw_counter_add(&conflicts, self->result.conflicts);
    if (self->done != NULL)
        self->done(self->user, &self->result);
    xw_store_batch_free(self->batch);
    free(self);
}

int sq_append(struct xw_store *base, struct xw_store_batch *batch, xw_store_done_fn done,
              void *user)
{
    struct sq_store *store = sq_of(base);
    size_t bytes = batch->bytes + sizeof *batch;
    struct batch_job *job = NULL;
    int r = 0;
    /* An empty queue takes any batch: the limit must not shut out a large one for ever. */
    if (store->closing)
        r = -ECANCELED;
    else if (store->queue_bytes > 0 && store->queue_bytes + bytes > base->config.queue_bytes)
        r = -EAGAIN;
    else if ((job = calloc(1, sizeof *job)) == NULL)
        r = -ENOMEM;
    if (r == 0) {
        *job = (struct batch_job){.job = {.stage = batch_stage, .done = batch_done, .bytes = bytes},
                                  .batch = batch,
                                  .done = done,
                                  .user = user};
        r = sq_post(store, &job->job);
    }
    if (r == -EAGAIN)
        xw_counter_add(&refused, 1);
    if (r < 0) {
        free(job);
        xw_store_batch_free(batch);
        return r;
    }
    store->queue_bytes += bytes;
    return 0;
}
