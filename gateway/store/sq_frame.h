/* Bytes of our own inside database rows: directories of batch rows and segments, range sets.
 *
 * Each ends with a CRC-32C over all before it, so that a damaged row is found and never believed.
 *   directory: 'B' or 'S', 1, varint n, then n blocks: varint stream number ('B' only), varint
 *     first ('S': minus the end of the block before, so 0 where nothing is missing), varint count,
 *     varint coding, CRC of the samples (4 bytes LE), CRC-32C of the coded bytes (4), varint size.
 *     The coded bytes lie in the row's data in the same order.
 *   directory with units (sq_unit.h): 'S', 2, varint n blocks, then units until those are used up:
 *     varint blocks in the unit (0: one block, as it came), varint size of its bytes, CRC-32C of
 *     them (4), then its blocks: varint first as above, varint count, varint coding, CRC of the
 *     samples (4) and, in a unit that is not 0, varint size that the block's own bytes have.
 *   ranges: 'R', 1, varint n, then n times varint (first minus the previous end), varint length.
 *
 * Threads: pure functions. Errors: -EBADMSG damaged, errors of xw_buf_append and xw_ranges_add. */
#ifndef XW_STORE_SQ_FRAME_H
#define XW_STORE_SQ_FRAME_H

#include "base/buf.h"
#include "base/range.h"

/* A block within a row's data. */
struct sq_entry {
    uint64_t batch; /* row id of its batch; 0 in a segment */
    uint64_t first;
    uint32_t count;
    uint32_t coding;
    uint32_t crc32c;                /* of the samples */
    uint32_t sum;                   /* of the coded bytes; in a unit of the unit's, as is offset */
    uint32_t offset;                /* in the row's data */
    uint32_t size;                  /* of the block's own bytes */
    uint32_t stream;                /* number; 'B' only */
    uint32_t unit_count, unit_size; /* samples and bytes of its unit; 0: it lies there as it came */
    uint64_t unit_first;
};
static inline uint64_t sq_entry_end(const struct sq_entry *entry)
{
    return entry->first + entry->count;
}

/* Directory of a batch row (`in_segment` false) or of a segment that begins at `base`. */
XW_MUST_CHECK int sq_dir_encode(const struct sq_entry *entries, size_t n, bool in_segment,
                                uint64_t base, struct xw_buf *ret_dir);
/* *ret_entries is malloc'd; data_size is that of the row's data, which the sizes must add up to. */
XW_MUST_CHECK int sq_dir_decode(const void *dir, size_t size, bool in_segment, uint64_t base,
                                size_t data_size, struct sq_entry **ret_entries, size_t *ret_n);

XW_MUST_CHECK int sq_ranges_encode(const struct xw_ranges *ranges, struct xw_buf *ret_bytes);
/* Adds to ret_ranges (initialised). An empty input is an empty set. */
XW_MUST_CHECK int sq_ranges_decode(const void *bytes, size_t size, struct xw_ranges *ret_ranges);
/* Replaces ret_ranges; damaged bytes are no ranges. */
void sq_ranges_or_none(const void *bytes, size_t size, struct xw_ranges *ret_ranges);

#endif
