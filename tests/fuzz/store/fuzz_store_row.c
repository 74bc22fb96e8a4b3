/* Directories and range sets in rows of the store. A damaged row is mostly caught by its CRC, so
 * this fuzzes what is behind it too: the CRC is put right before decoding when bit 2 is set.
 * Input: bit 0 ranges instead of a directory, bit 1 of a segment, bit 2 CRC put right; then bytes.
 */
#include "base/crc32c.h"
#include "store/sq_frame.h"

#include <stdlib.h>
#include <string.h>

enum { RANGES = 1, SEGMENT = 2, WITH_CRC = 4, DATA_MAX = 4096, BASE = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void directory(const uint8_t *bytes, size_t n, bool segment)
{
    /* The sizes must add up to that of the row's data: what they add up to is tried out. */
    for (size_t data_size = 0; data_size <= DATA_MAX; data_size += data_size < 64 ? 1 : 61) {
        struct sq_entry *entries;
        size_t entries_n, total = 0;
        if (sq_dir_decode(bytes, n, segment, BASE, data_size, &entries, &entries_n) < 0)
            continue;
        for (size_t i = 0; i < entries_n; i++) {
            const struct sq_entry *e = &entries[i];
            /* An empty block before a unit lies at the same place and is none of it. */
            bool within =
                i > 0 && e->unit_count != 0 && e[-1].unit_count != 0 && e[-1].offset == e->offset;
            if (sq_entry_end(e) < e->first || (!within && e->offset != total) ||
                (within && e->first != sq_entry_end(e - 1)))
                abort();
            if (e->unit_count != 0 && (e->first < e->unit_first || e->unit_size == 0 ||
                                       sq_entry_end(e) > e->unit_first + e->unit_count))
                abort();
            total += within ? 0 : e->unit_count != 0 ? e->unit_size : e->size;
        }
        if (total != data_size)
            abort();
        struct xw_buf again;
        xw_buf_init(&again, 2 * n + 64);
        if (sq_dir_encode(entries, entries_n, segment, BASE, &again) < 0 || again.n != n ||
            memcmp(again.data, bytes, n) != 0)
            abort();
        xw_buf_done(&again);
        free(entries);
        return;
    }
}

static void ranges(const uint8_t *bytes, size_t n)
{
    struct xw_ranges set, second;
    struct xw_buf again;
    xw_ranges_init(&set, 65536);
    xw_ranges_init(&second, 65536);
    xw_buf_init(&again, 2 * n + 64);
    if (sq_ranges_decode(bytes, n, &set) >= 0) {
        if (sq_ranges_encode(&set, &again) < 0 ||
            sq_ranges_decode(again.data, again.n, &second) < 0 || set.n != second.n ||
            set.total != second.total)
            abort();
    }
    sq_ranges_or_none(bytes, n, &second);
    xw_buf_done(&again);
    xw_ranges_done(&set);
    xw_ranges_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t n = size - 1;
    uint8_t *exact = malloc(n + 4);
    memcpy(exact, data + 1, n);
    if (data[0] & WITH_CRC) {
        uint32_t crc = xw_crc32c(0, exact, n);
        for (unsigned i = 0; i < 4; i++)
            exact[n + i] = (uint8_t)(crc >> 8 * i);
        n += 4;
    }
    uint8_t *tight = realloc(exact, n ? n : 1);
    if (data[0] & RANGES)
        ranges(tight, n);
    else
        directory(tight, n, data[0] & SEGMENT);
    free(tight);
    return 0;
}
