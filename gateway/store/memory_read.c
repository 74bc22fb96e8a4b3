/* What the model answers about samples. */
#include "store/memory.h"

static void fill(const struct mem_stream *stream, struct xw_store_stream *ret_stream)
{
    *ret_stream = (struct xw_store_stream){.id = stream->id,
                                           .header = stream->header,
                                           .header_size = stream->header_size,
                                           .blocks = &stream->held,
                                           .known = &stream->known,
                                           .released = &stream->released};
}

int mem_stream_get(struct xw_store *base, const struct xw_uuid *id,
                   struct xw_store_stream *ret_stream)
{
    const struct mem_stream *stream = mem_stream_find(mem_of(base), id);
    if (stream == NULL)
        return -ENOENT;
    fill(stream, ret_stream);
    return 0;
}

void mem_streams(struct xw_store *base, void (*each)(void *, const struct xw_store_stream *),
                 void *user)
{
    const struct mem_store *store = mem_of(base);
    for (size_t i = 0; i < store->streams_n; i++) {
        struct xw_store_stream stream;
        fill(store->streams[i], &stream);
        each(user, &stream);
    }
}

void mem_release(struct xw_store *base, const struct xw_uuid *id, struct xw_range range, bool set)
{
    struct mem_stream *stream = mem_stream_find(mem_of(base), id);
    if (stream == NULL || range.first >= range.end)
        return;
    mem_must(set ? xw_ranges_add(&stream->released, range.first, range.end)
                 : xw_ranges_subtract(&stream->released, range.first, range.end));
}

struct read_request {
    struct mem_request request;
    struct mem_stream *stream;
    struct xw_range range;
    size_t max_bytes;
    xw_store_samples_fn done;
    void *user;
};

static int compare_gaps(const void *a, const void *b)
{
    uint64_t x = ((const struct xw_store_gap *)a)->range.first;
    uint64_t y = ((const struct xw_store_gap *)b)->range.first;
    return x < y ? -1 : x > y;
}

static size_t read_gaps(const struct read_request *self, uint64_t end, struct xw_store_gap *gaps)
{
    size_t n = 0;
    for (size_t i = 0; i < self->stream->gaps_n; i++) {
        struct xw_store_gap gap = self->stream->gaps[i];
        gap.range.first = XW_MAX(gap.range.first, self->range.first);
        gap.range.end = XW_MIN(gap.range.end, end);
        if (gap.range.first < gap.range.end)
            gaps[n++] = gap;
    }
    if (n > 1)
        qsort(gaps, n, sizeof *gaps, compare_gaps);
    return n;
}

static void read_run(struct mem_store *store, struct mem_request *request)
{
    (void)store;
    struct read_request *self = XW_CONTAINER_OF(request, struct read_request, request);
    struct mem_stream *stream = self->stream;
    struct xw_ranges unknown;
    xw_ranges_init(&unknown, STORE_RANGES_MAX);
    struct xw_store_block *blocks = mem_zeroed(stream->blocks_n + 1, sizeof *blocks);
    struct xw_store_gap *gaps = mem_zeroed(stream->gaps_n + 1, sizeof *gaps);
    struct xw_store_samples samples = {.next = self->range.end};
    size_t bytes = 0;
    for (size_t i = 0; i < stream->blocks_n; i++) {
        const struct xw_store_block *block = &stream->blocks[i].block;
        if (store_block_end(block) <= self->range.first || block->first >= self->range.end)
            continue;
        if (samples.blocks_n > 0 && bytes + block->size > self->max_bytes) {
            samples.next = block->first;
            break;
        }
        bytes += block->size;
        blocks[samples.blocks_n++] = *block;
    }
    samples.blocks = blocks;
    samples.gaps = gaps;
    samples.gaps_n = read_gaps(self, samples.next, gaps);
    mem_must(xw_ranges_complement(&stream->known, self->range.first, samples.next, &unknown));
    samples.unknown = &unknown;
    self->done(self->user, &samples);
    xw_ranges_done(&unknown);
    free(blocks);
    free(gaps);
    free(self);
}

int mem_read(struct xw_store *base, const struct xw_uuid *id, struct xw_range range,
             size_t max_bytes, xw_store_samples_fn done, void *user)
{
    struct mem_store *store = mem_of(base);
    struct mem_stream *stream = mem_stream_find(store, id);
    if (stream == NULL)
        return -ENOENT;
    if (store->closing)
        return -ECANCELED;
    range.end = XW_MIN(range.end, STORE_INDEX_MAX);
    range.first = XW_MIN(range.first, range.end);
    struct read_request self = {.request.run = read_run,
                                .stream = stream,
                                .range = range,
                                .max_bytes = max_bytes,
                                .done = done,
                                .user = user};
    mem_later(store, &((struct read_request *)mem_copy(&self, sizeof self))->request);
    return 0;
}
