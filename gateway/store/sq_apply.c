/* Blocks and gaps within the writer's transaction.
 *
 * Stored blocks of a stream never overlap: of a block that overlaps held ones with equal samples
 * only the parts that add something are stored (re-coded, the samples are the same); one that
 * differs is kept whole beside them as a conflict, and its parts where nothing was held are stored
 * too, or the range could never become known. */
#include "store/sq_fetch.h"

#include "base/crc32c.h"

#include <string.h>

/* ---- gaps ---- */

struct gap_row {
    struct xw_range range;
    uint32_t reason;
};

static int gap_put(struct sq_store *store, uint32_t no, struct xw_range range, uint32_t reason)
{
    sqlite3_stmt *add = sq_get(&store->writer.conn, SQ_GAP_ADD);
    (void)sqlite3_bind_int64(add, 1, no);
    sq_bind_u64(add, 2, range.first);
    sq_bind_u64(add, 3, range.end);
    (void)sqlite3_bind_int64(add, 4, reason);
    return sq_run(add);
}

static int gap_delete(struct sq_store *store, uint32_t no, uint64_t first)
{
    sqlite3_stmt *del = sq_get(&store->writer.conn, SQ_GAP_DEL);
    (void)sqlite3_bind_int64(del, 1, no);
    sq_bind_u64(del, 2, first);
    return sq_run(del);
}

/* The first gap that touches range: 1, or 0 when there is none. */
static int gap_first(struct sq_store *store, uint32_t no, struct xw_range range,
                     struct gap_row *ret_gap)
{
    sqlite3_stmt *list = sq_get(&store->writer.conn, SQ_GAP_RANGE);
    (void)sqlite3_bind_int64(list, 1, no);
    sq_bind_u64(list, 2, range.first);
    sq_bind_u64(list, 3, range.end);
    int r;
    while ((r = sq_step(list)) == 1) {
        *ret_gap = (struct gap_row){{sq_u64(list, 0), sq_u64(list, 1)},
                                    (uint32_t)sqlite3_column_int64(list, 2)};
        if (ret_gap->range.end > range.first)
            break;
    }
    (void)sqlite3_reset(list);
    return r;
}

/* Blocks replace gaps: takes range out of the gap rows. */
static int gap_cut(struct sq_store *store, uint32_t no, struct xw_range range)
{
    struct gap_row gap;
    int r;
    while ((r = gap_first(store, no, range, &gap)) == 1) {
        r = gap_delete(store, no, gap.range.first);
        if (r == 0 && gap.range.first < range.first)
            r = gap_put(store, no, (struct xw_range){gap.range.first, range.first}, gap.reason);
        if (r == 0 && gap.range.end > range.end)
            r = gap_put(store, no, (struct xw_range){range.end, gap.range.end}, gap.reason);
        if (r < 0)
            return r;
    }
    return r;
}

/* A gap grows the one before it of the same reason: a long outage stays one row. */
int sq_gap_add(struct sq_store *store, uint32_t no, struct xw_range range, uint32_t reason)
{
    struct gap_row before;
    if (range.first > 0) {
        int r = gap_first(store, no, (struct xw_range){range.first - 1, range.first}, &before);
        if (r < 0)
            return r;
        if (r == 1 && before.reason == reason && before.range.end == range.first)
            range.first = before.range.first;
    }
    return gap_put(store, no, range, reason);
}

int sq_apply_gap(struct sq_store *store, struct sq_stream *stream, struct xw_range range,
                 uint32_t reason)
{
    struct xw_ranges pieces;
    xw_ranges_init(&pieces, STORE_RANGES_MAX);
    int r = sq_touch(store, stream);
    if (r == 0)
        r = xw_ranges_complement(&stream->known, range.first, range.end, &pieces);
    for (size_t i = 0; r == 0 && i < pieces.n; i++) {
        r = sq_gap_add(store, stream->no, pieces.v[i], reason);
        if (r == 0)
            r = xw_ranges_add(&stream->known, pieces.v[i].first, pieces.v[i].end);
        if (r == 0)
            r = sq_op(store, OP_KNOWN_ADD, stream->no, pieces.v[i], NULL);
    }
    xw_ranges_done(&pieces);
    return r;
}

/* ---- blocks ---- */

static int stage_block(struct sq_store *store, struct sq_stream *stream,
                       const struct xw_store_block *block)
{
    struct sq_writer *w = &store->writer;
    struct sq_entry entry = {.batch = w->batch_next,
                             .first = block->first,
                             .count = block->count,
                             .coding = block->coding,
                             .crc32c = block->crc32c,
                             .sum = xw_crc32c(0, block->data, block->size),
                             .offset = (uint32_t)w->data.n,
                             .size = (uint32_t)block->size,
                             .stream = stream->no};
    struct xw_range range = {block->first, store_block_end(block)};
    int r = sq_touch(store, stream);
    if (r == 0 && xw_ranges_overlaps(&stream->known, range.first, range.end))
        r = gap_cut(store, stream->no, range);
    if (r == 0)
        r = store_grow(&w->staged, &w->staged_cap, w->staged_n, sizeof entry, SIZE_MAX);
    if (r == 0)
        r = xw_buf_append(&w->data, block->data, block->size);
    if (r == 0)
        r = sq_pend_insert(store, stream, &entry);
    if (r == 0)
        r = xw_ranges_add(&stream->blocks, range.first, range.end);
    if (r == 0)
        r = xw_ranges_add(&stream->known, range.first, range.end);
    if (r == 0)
        r = sq_op(store, OP_BLOCKS_ADD, stream->no, range, NULL);
    if (r == 0)
        r = sq_op(store, OP_KNOWN_ADD, stream->no, range, NULL);
    if (r == 0)
        w->staged[w->staged_n++] = entry;
    return r;
}

static int keep_conflict(struct sq_store *store, const struct sq_stream *stream,
                         const struct xw_store_block *block, struct xw_store_done *done)
{
    sqlite3_stmt *add = sq_get(&store->writer.conn, SQ_CONFLICT_ADD);
    (void)sqlite3_bind_int64(add, 1, stream->no);
    sq_bind_u64(add, 2, block->first);
    (void)sqlite3_bind_int64(add, 3, block->count);
    (void)sqlite3_bind_int64(add, 4, block->crc32c);
    (void)sqlite3_bind_int64(add, 5, block->coding);
    sq_bind_bytes(add, 6, block->data, block->size);
    (void)sqlite3_bind_int64(add, 7, sq_wall_us());
    int r = sq_run(add);
    if (r < 0)
        return r;
    /* The same again is not one more. */
    if (sqlite3_changes(store->writer.conn.db) == 0)
        return 0;
    done->conflicts++;
    struct sq_note *note = calloc(1, sizeof *note);
    if (note != NULL) {
        *note = (struct sq_note){.kind = NOTE_CONFLICT,
                                 .stream = stream->id,
                                 .range = {block->first, store_block_end(block)}};
        sq_note_send(store, note);
    }
    return 0;
}

/* The bytes of a held block, which may still lie in the row being filled. */
static int held_samples(struct sq_store *store, struct sq_fetch *fetch, const struct sq_ref *ref,
                        const struct sq_stream *stream, int32_t *y)
{
    struct sq_writer *w = &store->writer;
    const uint8_t *bytes = NULL;
    int r = 0;
    if (ref->entry.batch == w->batch_next) {
        bytes = w->data.data + ref->entry.offset;
    } else {
        r = sq_fetch_bytes(fetch, ref, w->piece);
        bytes = w->piece;
    }
    if (r < 0)
        return r;
    struct xw_store_block held = {.count = ref->entry.count,
                                  .coding = ref->entry.coding,
                                  .crc32c = ref->entry.crc32c,
                                  .data = bytes,
                                  .size = ref->entry.size};
    return store_block_decode(&stream->shape, &held, y);
}

/* Whether the samples that both blocks have are the same. A held block that cannot be read says
 * nothing about the new one. */
static int compare(struct sq_store *store, struct sq_fetch *fetch, const struct sq_stream *stream,
                   const struct xw_store_block *block, bool *ret_differs)
{
    struct sq_writer *w = &store->writer;
    size_t width = stream->shape.channels_n;
    for (size_t i = 0; i < fetch->refs_n; i++) {
        const struct sq_entry *held = &fetch->refs[i].entry;
        uint64_t first = XW_MAX(held->first, block->first);
        uint64_t end = XW_MIN(sq_entry_end(held), store_block_end(block));
        if (first >= end)
            continue;
        int r = held_samples(store, fetch, &fetch->refs[i], stream, w->y);
        if (r == -EBADMSG || r == -ESTALE)
            continue;
        if (r < 0)
            return r;
        if (memcmp(w->x + (first - block->first) * width, w->y + (first - held->first) * width,
                   (size_t)(end - first) * width * sizeof *w->x) != 0) {
            *ret_differs = true;
            return 0;
        }
    }
    return 0;
}

/* The parts of a decoded block (w->x) where nothing is held. */
static int stage_pieces(struct sq_store *store, struct sq_stream *stream,
                        const struct xw_store_block *block, struct xw_store_done *done)
{
    struct xw_ranges pieces;
    xw_ranges_init(&pieces, STORE_RANGES_MAX);
    int r = xw_ranges_complement(&stream->blocks, block->first, store_block_end(block), &pieces);
    for (size_t i = 0; r == 0 && i < pieces.n; i++) {
        struct xw_store_block piece;
        r = store_block_cut(&stream->shape, block, store->writer.x, pieces.v[i],
                            store->writer.piece, &piece);
        if (r == 0)
            r = stage_block(store, stream, &piece);
    }
    if (r == 0 && pieces.n > 0)
        done->blocks_new++;
    xw_ranges_done(&pieces);
    return r;
}

static int apply_overlap(struct sq_store *store, struct sq_fetch *fetch, struct sq_stream *stream,
                         const struct xw_store_block *block, struct xw_store_done *done)
{
    struct xw_range range = {block->first, store_block_end(block)};
    int r = sq_fetch_pend(fetch, stream, range, UINT64_MAX);
    if (r == 0)
        r = sq_fetch_find(fetch, stream->span_max, range, SIZE_MAX);
    if (r < 0)
        return r;
    if (fetch->refs_n == 1 && fetch->refs[0].entry.first == block->first &&
        fetch->refs[0].entry.count == block->count &&
        fetch->refs[0].entry.crc32c == block->crc32c) {
        done->blocks_known++;
        return 0;
    }
    bool differs = false;
    uint32_t conflicts = done->conflicts, news = done->blocks_new;
    r = store_block_decode(&stream->shape, block, store->writer.x);
    if (r == 0)
        r = compare(store, fetch, stream, block, &differs);
    if (r == 0 && differs)
        r = keep_conflict(store, stream, block, done);
    if (r == 0)
        r = stage_pieces(store, stream, block, done);
    if (r == 0 && done->conflicts == conflicts && done->blocks_new == news)
        done->blocks_known++;
    return r;
}

int sq_apply_block(struct sq_store *store, struct sq_stream *stream,
                   const struct xw_store_block *block, struct xw_store_done *done)
{
    if (!xw_ranges_overlaps(&stream->blocks, block->first, store_block_end(block))) {
        int r = stage_block(store, stream, block);
        if (r == 0)
            done->blocks_new++;
        return r;
    }
    struct sq_fetch fetch;
    sq_fetch_init(&fetch, store, &store->writer.conn, stream);
    int r = apply_overlap(store, &fetch, stream, block, done);
    sq_fetch_done(&fetch);
    return r;
}
