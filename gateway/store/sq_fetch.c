/* Reading blocks. What is damaged is told apart from what merely failed: only the former may ever
 * be given up. SQLite says "malformed" of a read that failed (EIO) as well, so damage is what is
 * damaged at a second look, through a connection of its own where that is a day file's, and lies
 * there still: a read of many days has no snapshot of them all, and one may be re-coded meanwhile.
 */
#include "store/sq_fetch.h"

#include "base/crc32c.h"
#include "store/sq_day.h"
#include "store/sq_unit.h"

#include <string.h>

void sq_fetch_init(struct sq_fetch *fetch, struct sq_store *store, struct sq_conn *conn,
                   const struct sq_stream *stream)
{
    *fetch = (struct sq_fetch){.store = store,
                               .conn = conn,
                               .no = stream->no,
                               .channels_n = stream->shape.channels_n,
                               .id = stream->id};
}

static void close_day(struct sq_fetch_day *slot)
{
    (void)sqlite3_blob_close(slot->blob);
    (void)sqlite3_close(slot->db);
    *slot = (struct sq_fetch_day){0};
}

void sq_fetch_done(struct sq_fetch *fetch)
{
    for (size_t i = 0; i < XW_ARRAY_N(fetch->days); i++)
        close_day(&fetch->days[i]);
    (void)sqlite3_blob_close(fetch->blob);
    free(fetch->refs);
    free(fetch->lost);
    *fetch = (struct sq_fetch){0};
}

static int day_of(struct sq_fetch *fetch, uint32_t day, struct sq_fetch_day **ret_slot)
{
    for (size_t i = 0; i < XW_ARRAY_N(fetch->days); i++)
        if (fetch->days[i].db != NULL && fetch->days[i].day == day) {
            *ret_slot = &fetch->days[i];
            return 0;
        }
    struct sq_fetch_day *slot = &fetch->days[fetch->day_next++ % XW_ARRAY_N(fetch->days)];
    close_day(slot);
    int r = sq_day_open(fetch->store, day, &slot->db, &slot->unlocked);
    /* A segment's directory and its bytes out of one snapshot: they may be packed meanwhile. */
    if (r == 0)
        r = sq_exec(slot->db, "BEGIN");
    if (r < 0) {
        close_day(slot);
        return r;
    }
    slot->day = day;
    *ret_slot = slot;
    return 0;
}

static int add_ref(struct sq_fetch *fetch, const struct sq_entry *entry, uint32_t day, int64_t row,
                   uint64_t segment)
{
    int r =
        store_grow(&fetch->refs, &fetch->refs_cap, fetch->refs_n, sizeof *fetch->refs, SIZE_MAX);
    if (r == 0)
        fetch->refs[fetch->refs_n++] = (struct sq_ref){*entry, row, segment, day};
    return r;
}

int sq_fetch_pend(struct sq_fetch *fetch, const struct sq_stream *stream, struct xw_range range,
                  uint64_t rows_end)
{
    int r = 0;
    for (size_t i = sq_pend_find(stream, range.first);
         r == 0 && i < stream->pend_n && stream->pend[i].first < range.end; i++)
        if (stream->pend[i].batch < rows_end)
            r = add_ref(fetch, &stream->pend[i], 0, 0, 0);
    return r;
}

static int add_lost(struct sq_fetch *fetch, uint64_t first, uint64_t end)
{
    int r =
        store_grow(&fetch->lost, &fetch->lost_cap, fetch->lost_n, sizeof *fetch->lost, SIZE_MAX);
    if (r == 0)
        fetch->lost[fetch->lost_n++] = (struct xw_range){first, end};
    return r;
}

/* A segment that cannot be read: all of its range but the holes it never had. */
static int lose_segment(struct sq_fetch *fetch, uint64_t first, uint64_t end,
                        const struct xw_ranges *holes)
{
    struct xw_ranges lost;
    xw_ranges_init(&lost, STORE_RANGES_MAX);
    int r = xw_ranges_complement(holes, first, end, &lost);
    for (size_t i = 0; r == 0 && i < lost.n; i++)
        r = add_lost(fetch, lost.v[i].first, lost.v[i].end);
    xw_ranges_done(&lost);
    return r;
}

static int segment_dir(struct sq_fetch *fetch, uint32_t day, uint64_t first, int64_t *ret_row,
                       struct sq_entry **ret_entries, size_t *ret_n)
{
    struct sq_fetch_day *slot = NULL;
    int r = -EUCLEAN;
    for (int looks = 0; r == -EUCLEAN && looks < 2; looks++) {
        if (slot != NULL)
            close_day(slot);
        r = day_of(fetch, day, &slot);
        if (r == 0)
            r = sq_day_dir(slot->db, &fetch->id, first, ret_row, ret_entries, ret_n);
        if (slot != NULL && slot->unlocked && r < 0)
            return -EIO; /* never given up for good on such evidence */
    }
    return r;
}

/* A block that was found damaged is a hole of the index, though the file still lists it. */
static int add_segment(struct sq_fetch *fetch, uint32_t day, uint64_t first, struct xw_range range,
                       const struct xw_ranges *holes)
{
    xw_autofree struct sq_entry *entries = NULL;
    size_t n = 0;
    int64_t row = 0;
    int r = segment_dir(fetch, day, first, &row, &entries, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (sq_entry_end(&entries[i]) > range.first && entries[i].first < range.end &&
            !xw_ranges_overlaps(holes, entries[i].first, sq_entry_end(&entries[i])))
            r = add_ref(fetch, &entries[i], day, row, first);
    return r;
}

static int compare_refs(const void *a, const void *b)
{
    uint64_t x = ((const struct sq_ref *)a)->entry.first;
    uint64_t y = ((const struct sq_ref *)b)->entry.first;
    return x < y ? -1 : x > y;
}

/* Sorts; drops a block that another one covers already (two copies of a segment after a crash). */
static void tidy(struct sq_fetch *fetch)
{
    if (fetch->refs_n > 1)
        qsort(fetch->refs, fetch->refs_n, sizeof *fetch->refs, compare_refs);
    size_t n = 0;
    for (size_t i = 0; i < fetch->refs_n; i++)
        if (n == 0 || sq_entry_end(&fetch->refs[i].entry) > sq_entry_end(&fetch->refs[n - 1].entry))
            fetch->refs[n++] = fetch->refs[i];
    fetch->refs_n = n;
}

static size_t bytes_below(const struct sq_fetch *fetch, uint64_t index)
{
    size_t bytes = 0;
    for (size_t i = 0; i < fetch->refs_n; i++)
        if (fetch->refs[i].entry.first < index)
            bytes += fetch->refs[i].entry.size;
    return bytes;
}

int sq_fetch_find(struct sq_fetch *fetch, uint64_t span_max, struct xw_range range,
                  size_t max_bytes)
{
    sqlite3_stmt *list = sq_get(fetch->conn, SQ_SEGMENT_RANGE);
    (void)sqlite3_bind_int64(list, 1, fetch->no);
    (void)sqlite3_bind_int64(list, 2,
                             range.first > span_max ? (int64_t)(range.first - span_max) - 1 : -1);
    sq_bind_u64(list, 3, range.end);
    fetch->complete_to = range.end;
    struct xw_ranges holes;
    xw_ranges_init(&holes, STORE_RANGES_MAX);
    int r;
    while ((r = sq_step(list)) == 1) {
        uint64_t first = sq_u64(list, 0), end = sq_u64(list, 1);
        size_t holes_size;
        const void *holes_bytes = sq_bytes(list, 3, &holes_size);
        sq_ranges_or_none(holes_bytes, holes_size, &holes);
        if (end <= range.first)
            continue;
        if (first > range.first && bytes_below(fetch, first) > max_bytes) {
            fetch->complete_to = first;
            break;
        }
        r = add_segment(fetch, (uint32_t)sqlite3_column_int64(list, 2), first, range, &holes);
        if (r == -ENOENT)
            fetch->vanished = true;
        if (r == -ENOENT || r == -EBADMSG || r == -EUCLEAN)
            r = lose_segment(fetch, first, end, &holes);
        if (r < 0)
            break;
    }
    (void)sqlite3_reset(list);
    xw_ranges_done(&holes);
    tidy(fetch);
    return r < 0 ? r : 0;
}

int sq_fetch_segment(struct sq_fetch *fetch, uint64_t first)
{
    sqlite3_stmt *get = sq_get(fetch->conn, SQ_SEGMENT_GET);
    (void)sqlite3_bind_int64(get, 1, fetch->no);
    sq_bind_u64(get, 2, first);
    struct xw_ranges holes;
    xw_ranges_init(&holes, STORE_RANGES_MAX);
    int r = sq_step(get);
    if (r == 1) {
        struct xw_range range = {first, sq_u64(get, 0)};
        size_t size;
        const void *bytes = sq_bytes(get, 3, &size);
        sq_ranges_or_none(bytes, size, &holes);
        r = add_segment(fetch, (uint32_t)sqlite3_column_int64(get, 1), first, range, &holes);
        if (r == -ENOENT || r == -EBADMSG || r == -EUCLEAN)
            r = lose_segment(fetch, first, range.end, &holes);
    }
    (void)sqlite3_reset(get);
    xw_ranges_done(&holes);
    return r;
}

/* Points *blob at the row, reusing the handle where there is one. */
static int blob_at(sqlite3 *db, const char *table, sqlite3_blob **blob, int64_t *at, int64_t row)
{
    if (*blob != NULL && *at == row)
        return 0;
    int rc;
    if (*blob != NULL)
        rc = sqlite3_blob_reopen(*blob, row);
    else
        rc = sqlite3_blob_open(db, "main", table, "data", row, 0, blob);
    if (rc != SQLITE_OK) {
        (void)sqlite3_blob_close(*blob);
        *blob = NULL;
        /* "No such row" is a plain SQLITE_ERROR here. */
        return (rc & 0xff) == SQLITE_ERROR ? -EBADMSG : sq_errno(rc);
    }
    *at = row;
    return 0;
}

static int bytes_once(struct sq_fetch *fetch, const struct sq_ref *ref, uint8_t *data)
{
    const struct sq_entry *e = &ref->entry;
    uint32_t size = e->unit_count != 0 ? e->unit_size : e->size;
    sqlite3_blob *blob = NULL;
    bool unlocked = false;
    int r;
    if (e->batch != 0) {
        int64_t at = (int64_t)fetch->blob_row;
        r = blob_at(fetch->conn->db, "batch", &fetch->blob, &at, (int64_t)e->batch);
        fetch->blob_row = (uint64_t)at;
        blob = fetch->blob;
    } else {
        struct sq_fetch_day *slot;
        r = day_of(fetch, ref->day, &slot);
        if (r == 0)
            r = blob_at(slot->db, "segment", &slot->blob, &slot->blob_row, ref->row);
        blob = r == 0 ? slot->blob : NULL;
        unlocked = r == 0 && slot->unlocked;
    }
    if (r == 0 && (int64_t)e->offset + size > sqlite3_blob_bytes(blob))
        r = -EBADMSG;
    if (r == 0)
        r = sq_errno(sqlite3_blob_read(blob, data, (int)size, (int)e->offset));
    if (r == -EUCLEAN)
        r = -EBADMSG;
    if (r == 0 && xw_crc32c(0, data, size) != e->sum)
        r = -EBADMSG;
    return unlocked && r < 0 ? -EIO : r;
}

static void forget_handles(struct sq_fetch *fetch, uint32_t day)
{
    (void)sqlite3_blob_close(fetch->blob);
    fetch->blob = NULL;
    for (size_t i = 0; i < XW_ARRAY_N(fetch->days); i++)
        if (fetch->days[i].db != NULL && fetch->days[i].day == day)
            close_day(&fetch->days[i]);
}

/* The block as its day's file has it now. -ENOENT: it has not. */
static int look_again(struct sq_fetch *fetch, const struct sq_ref *ref, struct sq_ref *ret_now)
{
    xw_autofree struct sq_entry *entries = NULL;
    size_t n = 0;
    int64_t row = 0;
    int r = segment_dir(fetch, ref->day, ref->segment, &row, &entries, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (entries[i].first == ref->entry.first && entries[i].count == ref->entry.count &&
            entries[i].crc32c == ref->entry.crc32c) {
            *ret_now = (struct sq_ref){entries[i], row, ref->segment, ref->day};
            return 0;
        }
    return r == 0 ? -ENOENT : r;
}

static bool same_place(const struct sq_ref *a, const struct sq_ref *b)
{
    return a->row == b->row && a->entry.offset == b->entry.offset &&
           a->entry.size == b->entry.size && a->entry.sum == b->entry.sum &&
           a->entry.unit_size == b->entry.unit_size;
}

int sq_fetch_stored(struct sq_fetch *fetch, const struct sq_ref *ref, uint8_t *data)
{
    size_t size = ref->entry.unit_count != 0 ? ref->entry.unit_size : ref->entry.size;
    struct sq_ref now = {0};
    memset(data, 0, size);
    int r = bytes_once(fetch, ref, data);
    if (r != -EBADMSG)
        return r == -ENOENT ? -ESTALE : r;
    forget_handles(fetch, ref->day);
    if (ref->entry.batch == 0) {
        r = look_again(fetch, ref, &now);
        if (r == -ENOENT || (r == 0 && !same_place(ref, &now)))
            return -ESTALE;
        if (r < 0 && r != -EBADMSG && r != -EUCLEAN)
            return r;
    }
    r = bytes_once(fetch, ref, data);
    return r == -ENOENT ? -ESTALE : r;
}

static int bytes_of(struct sq_fetch *fetch, const struct sq_ref *ref, uint8_t *data)
{
    if (ref->entry.unit_count == 0)
        return sq_fetch_stored(fetch, ref, data);
    struct sq_want want = {.entry = &ref->entry, .to = data};
    xw_autofree uint8_t *unit = malloc(ref->entry.unit_size);
    if (unit == NULL)
        return -ENOMEM;
    int r = sq_fetch_stored(fetch, ref, unit);
    if (r == 0 || r == -EBADMSG)
        r = sq_unit_open(fetch->channels_n, unit, &want, 1);
    return r == 0 && want.bad ? -EBADMSG : r;
}

int sq_fetch_bytes(struct sq_fetch *fetch, const struct sq_ref *ref, uint8_t *data)
{
    struct sq_ref now = {0};
    int r = bytes_of(fetch, ref, data);
    for (int looks = 0; r == -ESTALE && looks < 2; looks++) {
        int found = look_again(fetch, ref, &now);
        if (found < 0)
            return found == -ENOENT ? -ESTALE : found == -EUCLEAN ? -EBADMSG : found;
        if (now.entry.size != ref->entry.size)
            return -EBADMSG;
        r = bytes_of(fetch, &now, data);
    }
    return r;
}
