/* A batch under construction: everything given in is copied into its own chunks, so that the
 * caller's buffers are free again at once and the writer thread needs nobody. */
#include "store/internal.h"

#include <string.h>

enum { CHUNK_BYTES = 32768 };

int xw_store_batch_new(struct xw_store *store, struct xw_store_batch **ret_batch)
{
    (void)store;
    struct xw_store_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL)
        return -ENOMEM;
    *ret_batch = batch;
    return 0;
}

void xw_store_batch_free(struct xw_store_batch *batch)
{
    if (batch == NULL)
        return;
    for (struct store_chunk *chunk = batch->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(batch->headers);
    free(batch->blocks);
    free(batch->gaps);
    free(batch->records);
    free(batch);
}

size_t xw_store_batch_bytes(const struct xw_store_batch *batch)
{
    return batch->bytes;
}

static int copy_in(struct xw_store_batch *batch, const void *data, size_t size,
                   const void **ret_copy)
{
    size_t room = (size + 15U) & ~(size_t)15U;
    struct store_chunk *chunk = batch->chunks;
    if (chunk == NULL || chunk->cap - chunk->n < room) {
        size_t cap = XW_MAX(room, (size_t)CHUNK_BYTES);
        struct store_chunk *fresh = malloc(sizeof *fresh + cap);
        if (fresh == NULL)
            return -ENOMEM;
        *fresh = (struct store_chunk){.next = chunk, .cap = cap};
        batch->chunks = chunk = fresh;
    }
    void *at = (char *)chunk->bytes + chunk->n;
    if (size > 0)
        memcpy(at, data, size);
    chunk->n += room;
    *ret_copy = at;
    return 0;
}

static int copy_text(struct xw_store_batch *batch, const char *text, const char **ret_text)
{
    if (text == NULL) {
        *ret_text = NULL;
        return 0;
    }
    size_t n = strnlen(text, STORE_NAME_MAX + 1);
    if (n > STORE_NAME_MAX)
        return -EINVAL;
    const void *copy;
    int r = copy_in(batch, text, n + 1, &copy);
    if (r == 0)
        *ret_text = copy;
    return r;
}

static int take_bytes(struct xw_store_batch *batch, size_t size)
{
    if (batch->bytes + size > STORE_BATCH_MAX)
        return -EOVERFLOW;
    batch->bytes += size;
    return 0;
}

int xw_store_batch_stream(struct xw_store_batch *batch, const struct xw_uuid *stream,
                          const void *header, size_t header_size)
{
    if (header_size > STORE_HEADER_MAX)
        return -EINVAL;
    struct store_header entry = {.id = *stream, .size = header_size};
    int r =
        store_grow(&batch->headers, &batch->headers_cap, batch->headers_n, sizeof entry, SIZE_MAX);
    if (r == 0)
        r = take_bytes(batch, header_size + 64);
    if (r == 0)
        r = copy_in(batch, header, header_size, &entry.header);
    if (r == 0)
        batch->headers[batch->headers_n++] = entry;
    return r;
}

int xw_store_batch_block(struct xw_store_batch *batch, const struct xw_store_block *block)
{
    if (block->count < 1 || block->count > XW_BLOCK_COUNT_MAX ||
        block->first > STORE_INDEX_MAX - block->count || block->size == 0 ||
        block->size > (size_t)XW_BLOCK_VALUES_MAX * 5)
        return -EINVAL;
    struct xw_store_block entry = *block;
    int r = store_grow(&batch->blocks, &batch->blocks_cap, batch->blocks_n, sizeof entry, SIZE_MAX);
    if (r == 0)
        r = take_bytes(batch, block->size + 48);
    if (r == 0)
        r = copy_in(batch, block->data, block->size, &entry.data);
    if (r == 0)
        batch->blocks[batch->blocks_n++] = entry;
    return r;
}

int xw_store_batch_gap(struct xw_store_batch *batch, const struct xw_store_gap *gap)
{
    if (gap->range.first >= gap->range.end || gap->range.end > STORE_INDEX_MAX)
        return -EINVAL;
    int r = store_grow(&batch->gaps, &batch->gaps_cap, batch->gaps_n, sizeof *gap, SIZE_MAX);
    if (r == 0)
        r = take_bytes(batch, 48);
    if (r == 0)
        batch->gaps[batch->gaps_n++] = *gap;
    return r;
}

static int check_record(const struct xw_store_record *record, const struct xw_uuid *in_log,
                        uint64_t in_seq)
{
    if (record->key_size < 1 || record->key_size > STORE_KEY_MAX ||
        record->body_size > STORE_BODY_MAX || record->revision > STORE_INDEX_MAX)
        return -EINVAL;
    if (record->has_span &&
        (record->span.first >= STORE_INDEX_MAX || record->span.end <= record->span.first ||
         (record->span.end > STORE_INDEX_MAX && record->span.end != UINT64_MAX)))
        return -EINVAL;
    if (in_log != NULL && (in_seq == 0 || in_seq >= STORE_INDEX_MAX))
        return -EINVAL;
    return 0;
}

int xw_store_batch_record(struct xw_store_batch *batch, const struct xw_store_record *record,
                          const char *out_log, const struct xw_uuid *in_log, uint64_t in_seq)
{
    int r = check_record(record, in_log, in_seq);
    if (r < 0)
        return r;
    struct store_entry entry = {.record = *record, .in_seq = in_seq};
    const void *log_id = NULL;
    r = store_grow(&batch->records, &batch->records_cap, batch->records_n, sizeof entry, SIZE_MAX);
    if (r == 0)
        r = take_bytes(batch, record->key_size + record->body_size + 128);
    if (r == 0)
        r = copy_in(batch, record->key, record->key_size, &entry.record.key);
    if (r == 0)
        r = copy_in(batch, record->body, record->body_size, &entry.record.body);
    if (r == 0)
        r = copy_text(batch, record->origin == NULL ? "" : record->origin, &entry.record.origin);
    if (r == 0)
        r = copy_text(batch, out_log, &entry.out_log);
    if (r == 0 && in_log != NULL)
        r = copy_in(batch, in_log, sizeof *in_log, &log_id);
    if (r < 0)
        return r;
    entry.in_log = log_id;
    batch->records[batch->records_n++] = entry;
    return 0;
}

void xw_store_batch_epoch(struct xw_store_batch *batch, const char *owner, uint64_t epoch)
{
    batch->epoch_bad = copy_text(batch, owner, &batch->owner) < 0;
    batch->epoch = epoch;
}
