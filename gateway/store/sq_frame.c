/* Directories and range sets as bytes. Decoding trusts nothing: a row may be damaged. */
#include "store/sq_frame.h"

#include "base/block.h"
#include "base/crc32c.h"
#include "base/varint.h"

#include <string.h>

enum { HEAD_N_BYTES = 2, TAIL_N_BYTES = 4, ENTRY_MIN_N_BYTES = 8 };
enum { PLAIN = 1, WITH_UNITS = 2 }; /* versions of a directory */

static void put_u32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static int seal(struct xw_buf *buf)
{
    uint8_t tail[TAIL_N_BYTES];
    put_u32(tail, xw_crc32c(0, buf->data, buf->n));
    return xw_buf_append(buf, tail, sizeof tail);
}

/* What is still to be parsed; a failure sticks. */
struct cursor {
    const uint8_t *at, *end;
    bool bad;
};

/* Returns the version, 1 to most. */
static int unseal(const void *bytes, size_t size, uint8_t tag, uint8_t most,
                  struct cursor *ret_cursor)
{
    const uint8_t *b = bytes;
    if (b == NULL || size < HEAD_N_BYTES + TAIL_N_BYTES || b[0] != tag || b[1] < 1 || b[1] > most)
        return -EBADMSG;
    size_t body = size - TAIL_N_BYTES;
    if (xw_crc32c(0, b, body) != get_u32(b + body))
        return -EBADMSG;
    *ret_cursor = (struct cursor){b + HEAD_N_BYTES, b + body, false};
    return b[1];
}

static uint64_t take(struct cursor *cursor, uint64_t max)
{
    uint64_t v = 0;
    int n = xw_varint_get(cursor->at, (size_t)(cursor->end - cursor->at), &v);
    if (n <= 0 || v > max) {
        cursor->bad = true;
        cursor->at = cursor->end;
        return 0;
    }
    cursor->at += n;
    return v;
}

static uint32_t take_u32(struct cursor *cursor)
{
    if (cursor->end - cursor->at < 4) {
        cursor->bad = true;
        cursor->at = cursor->end;
        return 0;
    }
    uint32_t v = get_u32(cursor->at);
    cursor->at += 4;
    return v;
}

static int put_plain(const struct sq_entry *e, bool in_segment, uint64_t before,
                     struct xw_buf *ret_dir)
{
    uint8_t bytes[64];
    size_t used = in_segment ? 0 : xw_varint_put(bytes, e->stream);
    used += xw_varint_put(bytes + used, in_segment ? e->first - before : e->first);
    used += xw_varint_put(bytes + used, e->count);
    used += xw_varint_put(bytes + used, e->coding);
    put_u32(bytes + used, e->crc32c);
    put_u32(bytes + used + 4, e->sum);
    used += 8;
    used += xw_varint_put(bytes + used, e->size);
    return xw_buf_append(ret_dir, bytes, used);
}

static size_t blocks_in_unit(const struct sq_entry *entries, size_t n)
{
    size_t k = 0;
    while (k < n && entries[0].unit_count != 0 && entries[k].unit_count != 0 &&
           entries[k].offset == entries[0].offset)
        k++;
    return k;
}

static int put_unit(const struct sq_entry *entries, size_t n, size_t k, uint64_t before,
                    struct xw_buf *ret_dir)
{
    uint8_t bytes[64];
    size_t used = xw_varint_put(bytes, k);
    used += xw_varint_put(bytes + used, k > 0 ? entries[0].unit_size : entries[0].size);
    put_u32(bytes + used, entries[0].sum);
    int r = xw_buf_append(ret_dir, bytes, used + 4);
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct sq_entry *e = &entries[i];
        used = xw_varint_put(bytes, e->first - before);
        used += xw_varint_put(bytes + used, e->count);
        used += xw_varint_put(bytes + used, e->coding);
        put_u32(bytes + used, e->crc32c);
        used += 4;
        if (k > 0)
            used += xw_varint_put(bytes + used, e->size);
        r = xw_buf_append(ret_dir, bytes, used);
        before = sq_entry_end(e);
    }
    return r;
}

int sq_dir_encode(const struct sq_entry *entries, size_t n, bool in_segment, uint64_t base,
                  struct xw_buf *ret_dir)
{
    bool units = false;
    for (size_t i = 0; in_segment && i < n && !units; i++)
        units = entries[i].unit_count != 0;
    uint8_t bytes[16] = {in_segment ? 'S' : 'B', units ? WITH_UNITS : PLAIN};
    int r = xw_buf_append(ret_dir, bytes, 2 + xw_varint_put(bytes + 2, n));
    uint64_t before = base;
    for (size_t i = 0; r == 0 && i < n;) {
        size_t k = units ? blocks_in_unit(entries + i, n - i) : 0, step = k > 0 ? k : 1;
        r = units ? put_unit(entries + i, step, k, before, ret_dir)
                  : put_plain(&entries[i], in_segment, before, ret_dir);
        i += step;
        before = sq_entry_end(&entries[i - 1]);
    }
    return r < 0 ? r : seal(ret_dir);
}

/* The place of a block; `before`: what its first index counts from. */
static struct sq_entry take_place(struct cursor *cursor, uint64_t before)
{
    struct sq_entry e = {0};
    e.first = take(cursor, INT64_MAX);
    e.count = (uint32_t)take(cursor, XW_BLOCK_COUNT_MAX);
    e.first += before;
    if (e.count == 0 || e.first > (uint64_t)INT64_MAX - e.count)
        cursor->bad = true;
    e.coding = (uint32_t)take(cursor, UINT32_MAX);
    e.crc32c = take_u32(cursor);
    return e;
}

static struct sq_entry take_plain(struct cursor *cursor, bool in_segment, uint64_t before)
{
    uint32_t stream = in_segment ? 0 : (uint32_t)take(cursor, UINT32_MAX);
    struct sq_entry e = take_place(cursor, in_segment ? before : 0);
    e.stream = stream;
    e.sum = take_u32(cursor);
    e.size = (uint32_t)take(cursor, INT32_MAX);
    return e;
}

/* Fills entries[0..n) at most with a unit's blocks; returns how many. */
static size_t take_unit(struct cursor *cursor, uint64_t before, struct sq_entry *entries, size_t n)
{
    size_t k = (size_t)take(cursor, n);
    uint32_t size = (uint32_t)take(cursor, INT32_MAX), sum = take_u32(cursor), count = 0;
    if (k == 0) {
        entries[0] = take_place(cursor, before);
        entries[0].size = size;
        entries[0].sum = sum;
        return 1;
    }
    for (size_t i = 0; i < k && !cursor->bad; i++) {
        entries[i] = take_place(cursor, before);
        entries[i].size = (uint32_t)take(cursor, (uint64_t)XW_BLOCK_VALUES_MAX * 5);
        entries[i].sum = sum;
        entries[i].unit_size = size;
        entries[i].unit_first = entries[0].first;
        if (i > 0 && entries[i].first != before)
            cursor->bad = true; /* nothing is missing within a unit */
        before = sq_entry_end(&entries[i]);
        count += entries[i].count; /* n times XW_BLOCK_COUNT_MAX is checked at each step */
        if (count > XW_BLOCK_COUNT_MAX)
            cursor->bad = true;
    }
    for (size_t i = 0; i < k; i++)
        entries[i].unit_count = count;
    if (size == 0)
        cursor->bad = true;
    return k;
}

int sq_dir_decode(const void *dir, size_t size, bool in_segment, uint64_t base, size_t data_size,
                  struct sq_entry **ret_entries, size_t *ret_n)
{
    struct cursor cursor;
    int version =
        unseal(dir, size, in_segment ? 'S' : 'B', in_segment ? WITH_UNITS : PLAIN, &cursor);
    if (version < 0)
        return version;
    /* No allocation that the bytes at hand could not fill. */
    size_t n = (size_t)take(&cursor, size / ENTRY_MIN_N_BYTES + 1);
    if (cursor.bad)
        return -EBADMSG;
    struct sq_entry *entries = calloc(n + 1, sizeof *entries);
    if (entries == NULL)
        return -ENOMEM;
    uint64_t before = base, offset = 0;
    for (size_t i = 0; i < n && !cursor.bad;) {
        size_t k = 1;
        if (version == WITH_UNITS)
            k = take_unit(&cursor, before, entries + i, n - i);
        else
            entries[i] = take_plain(&cursor, in_segment, before);
        for (size_t b = i; b < i + k; b++)
            entries[b].offset = (uint32_t)offset;
        offset += entries[i].unit_count != 0 ? entries[i].unit_size : entries[i].size;
        if (offset > data_size)
            cursor.bad = true;
        i += k;
        before = sq_entry_end(&entries[i - 1]);
    }
    bool units = false;
    for (size_t i = 0; i < n && !units; i++)
        units = entries[i].unit_count != 0;
    if (cursor.bad || cursor.at != cursor.end || offset != data_size ||
        (version == WITH_UNITS && !units)) {
        free(entries);
        return -EBADMSG;
    }
    *ret_entries = entries;
    *ret_n = n;
    return 0;
}

int sq_ranges_encode(const struct xw_ranges *ranges, struct xw_buf *ret_bytes)
{
    uint8_t bytes[32] = {'R', 1};
    size_t used = 2 + xw_varint_put(bytes + 2, ranges->n);
    int r = xw_buf_append(ret_bytes, bytes, used);
    uint64_t before = 0;
    for (size_t i = 0; r == 0 && i < ranges->n; i++) {
        used = xw_varint_put(bytes, ranges->v[i].first - before);
        used += xw_varint_put(bytes + used, ranges->v[i].end - ranges->v[i].first);
        r = xw_buf_append(ret_bytes, bytes, used);
        before = ranges->v[i].end;
    }
    return r < 0 ? r : seal(ret_bytes);
}

int sq_ranges_decode(const void *bytes, size_t size, struct xw_ranges *ret_ranges)
{
    if (size == 0)
        return 0;
    struct cursor cursor;
    int r = unseal(bytes, size, 'R', PLAIN, &cursor);
    if (r < 0)
        return r;
    r = 0;
    size_t n = (size_t)take(&cursor, size);
    uint64_t at = 0;
    for (size_t i = 0; i < n && !cursor.bad && r == 0; i++) {
        uint64_t skip = take(&cursor, UINT64_MAX), length = take(&cursor, UINT64_MAX);
        if (skip > UINT64_MAX - at || length > UINT64_MAX - at - skip)
            cursor.bad = true;
        if (cursor.bad)
            break;
        r = xw_ranges_add(ret_ranges, at + skip, at + skip + length);
        at += skip + length;
    }
    if (cursor.bad || cursor.at != cursor.end)
        return -EBADMSG;
    return r;
}

void sq_ranges_or_none(const void *bytes, size_t size, struct xw_ranges *ret_ranges)
{
    xw_ranges_clear(ret_ranges);
    if (sq_ranges_decode(bytes, size, ret_ranges) < 0)
        xw_ranges_clear(ret_ranges);
}
