/* The model's samples. A block is taken apart sample by sample: each is new, held alike, or held
 * otherwise. */
#include "store/memory.h"

#include <string.h>

struct mem_stream *mem_stream_find(const struct mem_store *store, const struct xw_uuid *id)
{
    for (size_t i = 0; i < store->streams_n; i++)
        if (xw_uuid_equal(&store->streams[i]->id, id))
            return store->streams[i];
    return NULL;
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

static int check_header(const struct mem_store *store, const struct xw_store_batch *batch,
                        const struct store_header *header)
{
    const struct mem_stream *stream = mem_stream_find(store, &header->id);
    const struct store_header *first = header_of(batch, &header->id);
    struct store_shape shape;
    int r = store_shape_parse(&header->id, header->header, header->size, &shape);
    if (r < 0)
        return r;
    if (stream != NULL && (stream->header_size != header->size ||
                           memcmp(stream->header, header->header, header->size) != 0))
        return -EEXIST;
    if (first->size != header->size || memcmp(first->header, header->header, header->size) != 0)
        return -EEXIST;
    return 0;
}

static int shape_of(const struct mem_store *store, const struct xw_store_batch *batch,
                    const struct xw_uuid *id, struct store_shape *ret_shape)
{
    const struct mem_stream *stream = mem_stream_find(store, id);
    const struct store_header *header = header_of(batch, id);
    if (stream != NULL)
        *ret_shape = stream->shape;
    else if (header != NULL)
        return store_shape_parse(id, header->header, header->size, ret_shape);
    else
        return -ENOENT;
    return 0;
}

int mem_check_samples(struct mem_store *store, const struct xw_store_batch *batch)
{
    struct store_shape shape;
    int r = 0;
    for (size_t i = 0; r == 0 && i < batch->headers_n; i++)
        r = check_header(store, batch, &batch->headers[i]);
    for (size_t i = 0; r == 0 && i < batch->blocks_n; i++) {
        r = shape_of(store, batch, &batch->blocks[i].stream, &shape);
        if (r == 0)
            r = store_block_decode(&shape, &batch->blocks[i], store->x);
    }
    for (size_t i = 0; r == 0 && i < batch->gaps_n; i++)
        r = shape_of(store, batch, &batch->gaps[i].stream, &shape);
    return r;
}

/* ---- changes ---- */

static void open_stream(struct mem_store *store, const struct store_header *header)
{
    if (mem_stream_find(store, &header->id) != NULL)
        return;
    struct mem_stream *stream = mem_zeroed(1, sizeof *stream);
    stream->id = header->id;
    stream->header = mem_copy(header->header, header->size);
    stream->header_size = header->size;
    mem_must(store_shape_parse(&header->id, header->header, header->size, &stream->shape));
    xw_ranges_init(&stream->held, STORE_RANGES_MAX);
    xw_ranges_init(&stream->known, STORE_RANGES_MAX);
    xw_ranges_init(&stream->released, STORE_RANGES_MAX);
    MEM_PUSH_POINTER(store->streams, store->streams_n, store->streams_cap);
    store->streams[store->streams_n++] = stream;
}

static const struct mem_block *holder(const struct mem_stream *stream, uint64_t index)
{
    for (size_t i = stream->blocks_n; i-- > 0;) {
        const struct xw_store_block *block = &stream->blocks[i].block;
        if (index >= block->first && index < store_block_end(block))
            return &stream->blocks[i];
    }
    return NULL;
}

/* Gaps give way to blocks. */
static void cut_gaps(struct mem_stream *stream, struct xw_range range)
{
    for (size_t i = 0; i < stream->gaps_n; i++) {
        struct xw_store_gap gap = stream->gaps[i];
        if (gap.range.end <= range.first || gap.range.first >= range.end)
            continue;
        stream->gaps[i--] = stream->gaps[--stream->gaps_n];
        struct xw_store_gap left = gap, right = gap;
        left.range.end = range.first;
        right.range.first = range.end;
        MEM_PUSH(stream->gaps, stream->gaps_n + 1, stream->gaps_cap);
        if (left.range.first < left.range.end)
            stream->gaps[stream->gaps_n++] = left;
        if (right.range.first < right.range.end)
            stream->gaps[stream->gaps_n++] = right;
    }
}

static void insert(struct mem_stream *stream, const struct xw_store_block *block)
{
    struct mem_block entry = {*block};
    entry.block.data = mem_copy(block->data, block->size);
    MEM_PUSH(stream->blocks, stream->blocks_n, stream->blocks_cap);
    size_t at = stream->blocks_n++;
    for (; at > 0 && stream->blocks[at - 1].block.first > block->first; at--)
        stream->blocks[at] = stream->blocks[at - 1];
    stream->blocks[at] = entry;
    cut_gaps(stream, (struct xw_range){block->first, store_block_end(block)});
    mem_must(xw_ranges_add(&stream->held, block->first, store_block_end(block)));
    mem_must(xw_ranges_add(&stream->known, block->first, store_block_end(block)));
}

static bool sample_differs(struct mem_store *store, const struct mem_stream *stream,
                           const struct xw_store_block *block, uint64_t index,
                           const struct mem_block *held)
{
    size_t width = stream->shape.channels_n;
    mem_must(store_block_decode(&stream->shape, &held->block, store->y));
    return memcmp(store->x + (index - block->first) * width,
                  store->y + (index - held->block.first) * width, width * sizeof *store->x) != 0;
}

static void keep_conflict(struct mem_store *store, struct mem_stream *stream,
                          const struct xw_store_block *block, struct xw_store_done *done)
{
    for (size_t i = 0; i < stream->conflicts_n; i++) {
        const struct xw_store_block *old = &stream->conflicts[i].block;
        if (old->first == block->first && old->count == block->count &&
            old->crc32c == block->crc32c)
            return;
    }
    MEM_PUSH(stream->conflicts, stream->conflicts_n, stream->conflicts_cap);
    struct mem_block entry = {*block};
    entry.block.data = mem_copy(block->data, block->size);
    stream->conflicts[stream->conflicts_n++] = entry;
    done->conflicts++;
    const struct xw_store_watch *watch = &store->base.watch;
    if (watch->on_conflict != NULL)
        watch->on_conflict(watch->user, &stream->id,
                           (struct xw_range){block->first, store_block_end(block)});
}

/* Runs of samples that nobody holds, as blocks of their own; the whole block if all are new. */
static bool insert_new(struct mem_store *store, struct mem_stream *stream,
                       const struct xw_store_block *block)
{
    uint64_t end = store_block_end(block);
    bool any = false;
    for (uint64_t i = block->first; i < end;) {
        uint64_t from = i;
        while (i < end && holder(stream, i) == NULL)
            i++;
        if (from == block->first && i == end) {
            insert(stream, block);
            return true;
        }
        if (i > from) {
            struct xw_store_block piece;
            mem_must(store_block_decode(&stream->shape, block, store->x));
            mem_must(store_block_cut(&stream->shape, block, store->x, (struct xw_range){from, i},
                                     store->piece, &piece));
            insert(stream, &piece);
            any = true;
        }
        while (i < end && holder(stream, i) != NULL)
            i++;
    }
    return any;
}

static void apply_block(struct mem_store *store, const struct xw_store_block *block,
                        struct xw_store_done *done)
{
    struct mem_stream *stream = mem_stream_find(store, &block->stream);
    bool differs = false;
    uint32_t conflicts = done->conflicts;
    mem_must(store_block_decode(&stream->shape, block, store->x));
    for (uint64_t i = block->first; i < store_block_end(block) && !differs; i++) {
        const struct mem_block *held = holder(stream, i);
        differs = held != NULL && sample_differs(store, stream, block, i, held);
    }
    if (differs)
        keep_conflict(store, stream, block, done);
    if (insert_new(store, stream, block))
        done->blocks_new++;
    else if (done->conflicts == conflicts)
        done->blocks_known++;
}

static void apply_gap(struct mem_store *store, const struct xw_store_gap *gap)
{
    struct mem_stream *stream = mem_stream_find(store, &gap->stream);
    struct xw_ranges pieces;
    xw_ranges_init(&pieces, STORE_RANGES_MAX);
    mem_must(xw_ranges_complement(&stream->known, gap->range.first, gap->range.end, &pieces));
    for (size_t i = 0; i < pieces.n; i++) {
        MEM_PUSH(stream->gaps, stream->gaps_n, stream->gaps_cap);
        stream->gaps[stream->gaps_n++] =
            (struct xw_store_gap){gap->stream, pieces.v[i], gap->reason};
    }
    xw_ranges_done(&pieces);
    mem_must(xw_ranges_add(&stream->known, gap->range.first, gap->range.end));
}

void mem_apply_samples(struct mem_store *store, const struct xw_store_batch *batch,
                       struct xw_store_done *done)
{
    for (size_t i = 0; i < batch->headers_n; i++)
        open_stream(store, &batch->headers[i]);
    for (size_t i = 0; i < batch->blocks_n; i++)
        apply_block(store, &batch->blocks[i], done);
    for (size_t i = 0; i < batch->gaps_n; i++)
        apply_gap(store, &batch->gaps[i]);
}

static void free_blocks(struct mem_block *blocks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)blocks[i].block.data);
    free(blocks);
}

void mem_samples_free(struct mem_store *store)
{
    for (size_t i = 0; i < store->streams_n; i++) {
        struct mem_stream *stream = store->streams[i];
        free_blocks(stream->blocks, stream->blocks_n);
        free_blocks(stream->conflicts, stream->conflicts_n);
        free(stream->gaps);
        free(stream->header);
        xw_ranges_done(&stream->held);
        xw_ranges_done(&stream->known);
        xw_ranges_done(&stream->released);
        free(stream);
    }
    free(store->streams);
}
