/* The writer's index of streams, and undoing what a failed transaction has changed in it. */
#include "store/sq.h"

#include <string.h>

/* ---- uuid -> number ---- */

static size_t slot_of(const struct sq_map *map, const struct xw_uuid *id)
{
    size_t at = (size_t)xw_uuid_hash(id) & (map->cap - 1);
    while (map->slots[at].no != 0 && !xw_uuid_equal(&map->slots[at].id, id))
        at = (at + 1) & (map->cap - 1);
    return at;
}

uint32_t sq_map_get(const struct sq_map *map, const struct xw_uuid *id)
{
    return map->cap == 0 ? 0 : map->slots[slot_of(map, id)].no;
}

static int map_grow(struct sq_map *map)
{
    struct sq_map bigger = {.cap = map->cap == 0 ? 64 : map->cap * 2};
    bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < map->cap; i++)
        if (map->slots[i].no != 0)
            bigger.slots[slot_of(&bigger, &map->slots[i].id)] = map->slots[i];
    bigger.n = map->n;
    free(map->slots);
    *map = bigger;
    return 0;
}

int sq_map_put(struct sq_map *map, const struct xw_uuid *id, uint32_t no)
{
    if (map->n + 1 > map->cap / 2) {
        int r = map_grow(map);
        if (r < 0)
            return r;
    }
    struct sq_map_slot *slot = &map->slots[slot_of(map, id)];
    if (slot->no == 0)
        map->n++;
    *slot = (struct sq_map_slot){*id, no};
    return 0;
}

/* Closes the hole, so that no search ends early in it. */
void sq_map_drop(struct sq_map *map, const struct xw_uuid *id)
{
    if (map->cap == 0)
        return;
    size_t hole = slot_of(map, id);
    if (map->slots[hole].no == 0)
        return;
    map->slots[hole].no = 0;
    map->n--;
    for (size_t at = (hole + 1) & (map->cap - 1); map->slots[at].no != 0;
         at = (at + 1) & (map->cap - 1)) {
        struct sq_map_slot moved = map->slots[at];
        map->slots[at].no = 0;
        map->slots[slot_of(map, &moved.id)] = moved;
    }
}

void sq_map_done(struct sq_map *map)
{
    free(map->slots);
    *map = (struct sq_map){0};
}

/* ---- streams ---- */

struct sq_stream *sq_stream_find(struct sq_store *store, const struct xw_uuid *id)
{
    uint32_t no = sq_map_get(&store->writer.map, id);
    return no == 0 ? NULL : store->streams[no - 1];
}

int sq_stream_new(struct sq_store *store, uint32_t no, const struct xw_uuid *id, const void *header,
                  size_t size, const struct store_shape *shape, struct sq_stream **ret_stream)
{
    struct sq_stream *stream = calloc(1, sizeof *stream);
    void *copy = malloc(size + 1);
    if (stream == NULL || copy == NULL) {
        free(stream);
        free(copy);
        return -ENOMEM;
    }
    memcpy(copy, header, size);
    *stream = (struct sq_stream){
        .no = no, .id = *id, .shape = *shape, .header = copy, .header_size = size};
    double span = shape->rate_hz * (SQ_SEGMENT_US / 1e6) + XW_BLOCK_COUNT_MAX + 1;
    stream->span_max = span < 1e15 ? (uint64_t)span : (uint64_t)1e15;
    xw_ranges_init(&stream->blocks, STORE_RANGES_MAX);
    xw_ranges_init(&stream->known, STORE_RANGES_MAX);
    xw_ranges_init(&stream->held, STORE_RANGES_MAX);
    xw_ranges_init(&stream->kept, STORE_RANGES_MAX);
    xw_ranges_init(&stream->released, STORE_RANGES_MAX);
    xw_ranges_init(&stream->undo_blocks, STORE_RANGES_MAX);
    xw_ranges_init(&stream->undo_known, STORE_RANGES_MAX);
    xw_ranges_init(&stream->undo_held, STORE_RANGES_MAX);
    (void)pthread_mutex_lock(&store->dir_lock);
    int r = store_grow(&store->streams, &store->streams_cap, store->streams_n,
                       sizeof(struct sq_stream *), SQ_STREAMS_MAX);
    if (r == 0 && no != store->streams_n + 1)
        r = -EUCLEAN;
    if (r == 0)
        r = sq_map_put(&store->writer.map, id, no);
    if (r == 0)
        store->streams[store->streams_n++] = stream;
    (void)pthread_mutex_unlock(&store->dir_lock);
    if (r < 0) {
        sq_stream_free(stream);
        return r;
    }
    *ret_stream = stream;
    return 0;
}

void sq_stream_free(struct sq_stream *stream)
{
    if (stream == NULL)
        return;
    xw_ranges_done(&stream->blocks);
    xw_ranges_done(&stream->known);
    xw_ranges_done(&stream->held);
    xw_ranges_done(&stream->kept);
    xw_ranges_done(&stream->released);
    xw_ranges_done(&stream->undo_blocks);
    xw_ranges_done(&stream->undo_known);
    xw_ranges_done(&stream->undo_held);
    free(stream->pend);
    free((void *)(uintptr_t)stream->header);
    free(stream);
}

int sq_touch(struct sq_store *store, struct sq_stream *stream)
{
    struct sq_writer *w = &store->writer;
    if (stream->touched)
        return 0;
    int r = store_grow(&w->touched, &w->touched_cap, w->touched_n, sizeof(struct sq_stream *),
                       SIZE_MAX);
    if (r == 0)
        r = xw_ranges_copy(&stream->blocks, &stream->undo_blocks);
    if (r == 0)
        r = xw_ranges_copy(&stream->known, &stream->undo_known);
    if (r == 0)
        r = xw_ranges_copy(&stream->held, &stream->undo_held);
    if (r < 0)
        return r;
    w->touched[w->touched_n++] = stream;
    stream->touched = true;
    return 0;
}

size_t sq_pend_find(const struct sq_stream *stream, uint64_t index)
{
    size_t low = 0, high = stream->pend_n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sq_entry_end(&stream->pend[middle]) > index)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

int sq_pend_insert(struct sq_store *store, struct sq_stream *stream, const struct sq_entry *entry)
{
    (void)pthread_mutex_lock(&store->dir_lock);
    int r = store_grow(&stream->pend, &stream->pend_cap, stream->pend_n, sizeof *entry, SIZE_MAX);
    if (r == 0) {
        size_t at = stream->pend_n;
        if (at > 0 && sq_entry_end(&stream->pend[at - 1]) > entry->first)
            at = sq_pend_find(stream, entry->first);
        memmove(&stream->pend[at + 1], &stream->pend[at],
                (stream->pend_n - at) * sizeof *stream->pend);
        stream->pend[at] = *entry;
        stream->pend_n++;
    }
    (void)pthread_mutex_unlock(&store->dir_lock);
    return r;
}

/* ---- what the loop is told after the commit ---- */

int sq_op(struct sq_store *store, enum sq_op_kind kind, uint32_t no, struct xw_range range,
          const void *thing)
{
    struct sq_note *note = store->writer.note;
    struct sq_op *last = note->ops_n > 0 ? &note->ops[note->ops_n - 1] : NULL;
    /* Blocks and known ranges of one stream come in turn: look two back. */
    for (int back = 0; last != NULL && back < 2 && last >= note->ops && last->kind != OP_BLOCKS_SUB;
         back++, last--)
        if (last->kind == kind && last->no == no && thing == NULL &&
            last->range.end == range.first &&
            (kind == OP_BLOCKS_ADD || kind == OP_KNOWN_ADD || kind == OP_INLOG_ADD)) {
            last->range.end = range.end;
            return 0;
        }
    int r = store_grow(&note->ops, &note->ops_cap, note->ops_n, sizeof *note->ops, SIZE_MAX);
    if (r == 0)
        note->ops[note->ops_n++] = (struct sq_op){kind, no, range, thing};
    return r;
}

/* ---- undo ---- */

static void swap_ranges(struct xw_ranges *a, struct xw_ranges *b)
{
    struct xw_ranges swap = *a;
    *a = *b;
    *b = swap;
}

static void undo_stream(struct sq_store *store, struct sq_stream *stream)
{
    swap_ranges(&stream->blocks, &stream->undo_blocks);
    swap_ranges(&stream->known, &stream->undo_known);
    swap_ranges(&stream->held, &stream->undo_held);
    size_t n = 0;
    (void)pthread_mutex_lock(&store->dir_lock);
    for (size_t i = 0; i < stream->pend_n; i++)
        if (stream->pend[i].batch != store->writer.batch_next)
            stream->pend[n++] = stream->pend[i];
    stream->pend_n = n;
    (void)pthread_mutex_unlock(&store->dir_lock);
}

static void undo_new_streams(struct sq_store *store)
{
    (void)pthread_mutex_lock(&store->dir_lock);
    while (store->streams_n > store->writer.streams_committed_n) {
        struct sq_stream *stream = store->streams[--store->streams_n];
        sq_map_drop(&store->writer.map, &stream->id);
        sq_stream_free(stream);
    }
    (void)pthread_mutex_unlock(&store->dir_lock);
}

static void undo_logs(struct sq_writer *w)
{
    for (size_t i = w->logs_n; i-- > 0;) {
        if (w->logs[i]->touched)
            w->logs[i]->last = w->logs[i]->last_undo;
        if (w->logs[i]->fresh) {
            free(w->logs[i]);
            w->logs_n = i;
        }
    }
    for (size_t i = w->inlogs_n; i-- > 0;) {
        struct sq_inlog *inlog = w->inlogs[i];
        if (inlog->touched)
            swap_ranges(&inlog->ranges, &inlog->undo);
        if (inlog->fresh) {
            xw_ranges_done(&inlog->ranges);
            xw_ranges_done(&inlog->undo);
            free(inlog);
            w->inlogs_n = i;
        }
    }
    for (size_t i = 0; i < w->epochs_n; i++)
        if (w->epochs[i].touched)
            w->epochs[i].epoch = w->epochs[i].undo;
}

void sq_undo(struct sq_store *store)
{
    struct sq_writer *w = &store->writer;
    for (size_t i = 0; i < w->touched_n; i++)
        undo_stream(store, w->touched[i]);
    undo_logs(w);
    sq_settle(store);
    undo_new_streams(store);
}

void sq_settle(struct sq_store *store)
{
    struct sq_writer *w = &store->writer;
    for (size_t i = 0; i < w->touched_n; i++)
        w->touched[i]->touched = false;
    w->touched_n = 0;
    for (size_t i = 0; i < w->logs_n; i++)
        w->logs[i]->touched = w->logs[i]->fresh = false;
    for (size_t i = 0; i < w->inlogs_n; i++)
        w->inlogs[i]->touched = w->inlogs[i]->fresh = false;
    for (size_t i = 0; i < w->epochs_n; i++)
        w->epochs[i].touched = false;
    w->staged_n = 0;
    xw_buf_clear(&w->data);
    xw_buf_clear(&w->dir);
}
