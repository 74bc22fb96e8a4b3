/* What comes again for the beginning of a segment. (stream, first) names a segment, and one whose
 * first block was found damaged keeps its name: a new segment of the block that came again would
 * take the place of the old one with everything else in it. So the old one's sound blocks are
 * written again together with what came, and its row leaves the index in the same transaction. */
#include "store/sq_compact.h"

#include "base/crc32c.h"
#include "base/log.h"
#include "store/sq_fetch.h"

#include <string.h>

/* Above any batch row: the copies' numbers, in order. */
#define COPIES_FROM (UINT64_C(1) << 63)

struct old {
    struct xw_range range;
    uint32_t day;
    uint64_t bytes;
};

static bool begins(const struct sq_entry *entries, size_t n, uint64_t first)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entries[middle].first < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && entries[low].first == first;
}

/* Segments of the index that begin where one of the entries does. */
static int find(struct sq_conn *conn, const struct sq_stream *stream,
                const struct sq_entry *entries, size_t n, struct old **ret_old, size_t *ret_n)
{
    size_t cap = 0;
    sqlite3_stmt *list = sq_get(conn, SQ_SEGMENT_RANGE);
    (void)sqlite3_bind_int64(list, 1, stream->no);
    (void)sqlite3_bind_int64(list, 2, (int64_t)entries[0].first - 1);
    sq_bind_u64(list, 3, entries[n - 1].first + 1);
    int r;
    while ((r = sq_step(list)) == 1) {
        struct old one = {.range = {sq_u64(list, 0), sq_u64(list, 1)},
                          .day = (uint32_t)sqlite3_column_int64(list, 2),
                          .bytes = sq_u64(list, 4)};
        if (!begins(entries, n, one.range.first))
            continue;
        r = store_grow(ret_old, &cap, *ret_n, sizeof one, SIZE_MAX);
        if (r < 0)
            break;
        (*ret_old)[(*ret_n)++] = one;
    }
    (void)sqlite3_reset(list);
    return r;
}

/* One block of the old segment behind the others in `bytes`; what is damaged is told. */
static int copy_block(const struct sq_pass *pass, struct sq_fetch *fetch, const struct sq_ref *ref,
                      uint64_t batch, struct xw_buf *bytes, struct sq_entry *ret_entry)
{
    uint8_t *room;
    int r = xw_buf_reserve(bytes, ref->entry.size, &room);
    if (r == 0)
        r = sq_fetch_bytes(fetch, ref, room);
    if (r == -EBADMSG || r == -ESTALE) {
        struct xw_range range = {ref->entry.first, sq_entry_end(&ref->entry)};
        sq_mark_unreadable(pass->store, fetch->no, range, 0, NULL, 0);
        return 0;
    }
    if (r < 0)
        return r;
    *ret_entry = ref->entry;
    ret_entry->batch = batch;
    ret_entry->offset = (uint32_t)bytes->n;
    ret_entry->sum = xw_crc32c(0, room, ref->entry.size);
    ret_entry->unit_count = ret_entry->unit_size = 0;
    ret_entry->unit_first = 0;
    bytes->n += ref->entry.size;
    return 1;
}

/* All of the old segment as a row of its own among those of this pass. */
static int copy_old(struct sq_pass *pass, struct sq_conn *conn, const struct sq_stream *stream,
                    const struct old *old, struct sq_entry **entries, size_t *n, size_t *cap)
{
    struct sq_fetch fetch;
    struct xw_buf bytes;
    struct sq_row_data row = {.id = COPIES_FROM + pass->rejoined_n};
    sq_fetch_init(&fetch, pass->store, conn, stream);
    xw_buf_init(&bytes, 64 << 20);
    int r = sq_fetch_segment(&fetch, old->range.first);
    for (size_t i = 0; r == 0 && i < fetch.refs_n; i++) {
        struct sq_entry entry;
        if (sq_entry_end(&fetch.refs[i].entry) > old->range.end)
            continue; /* of a pass that was cut short: it is among the entries */
        r = copy_block(pass, &fetch, &fetch.refs[i], row.id, &bytes, &entry);
        if (r == 1)
            r = store_grow(entries, cap, *n, sizeof **entries, SIZE_MAX);
        else
            continue;
        if (r == 0)
            (*entries)[(*n)++] = entry;
    }
    for (size_t i = 0; r == 0 && i < fetch.lost_n; i++)
        sq_mark_unreadable(pass->store, stream->no, fetch.lost[i], 0, NULL, 0);
    sq_fetch_done(&fetch);
    if (r == 0)
        r = store_grow(&pass->rows, &pass->rows_cap, pass->rows_n, sizeof row, SIZE_MAX);
    if (r == 0) {
        row.data = xw_buf_take(&bytes, &row.size);
        pass->rows[pass->rows_n++] = row;
    }
    xw_buf_done(&bytes);
    return r;
}

static int compare_entries(const void *a, const void *b)
{
    uint64_t x = ((const struct sq_entry *)a)->first, y = ((const struct sq_entry *)b)->first;
    return x < y ? -1 : x > y;
}

static int copy_all(struct sq_pass *pass, struct sq_conn *conn, const struct sq_stream *stream,
                    struct sq_entry **entries, size_t *n)
{
    xw_autofree struct old *old = NULL;
    size_t old_n = 0, cap = *n;
    int r = find(conn, stream, *entries, *n, &old, &old_n);
    for (size_t i = 0; r == 0 && i < old_n; i++) {
        r = store_grow(&pass->rejoined, &pass->rejoined_cap, pass->rejoined_n,
                       sizeof *pass->rejoined, SIZE_MAX);
        if (r == 0)
            r = copy_old(pass, conn, stream, &old[i], entries, n, &cap);
        if (r == 0)
            pass->rejoined[pass->rejoined_n++] =
                (struct sq_rejoined){stream->no, old[i].day, old[i].range.first, old[i].bytes};
    }
    if (r == 0 && old_n > 0) {
        qsort(*entries, *n, sizeof **entries, compare_entries);
        xw_log_notice("store.rejoined", XW_LOG_ID("stream", &stream->id),
                      XW_LOG_UINT("segments", old_n));
    }
    return r;
}

int sq_rejoin(struct sq_pass *pass, const struct sq_stream *stream, struct sq_entry **entries,
              size_t *n)
{
    struct sq_conn *conn = NULL;
    int r = sq_conn_take(pass->store, &conn);
    if (r < 0)
        return r;
    r = copy_all(pass, conn, stream, entries, n);
    sq_conn_give(pass->store, conn);
    return r;
}
