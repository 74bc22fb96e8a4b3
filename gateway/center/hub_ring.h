/* The last seconds of one stream, ready for the wire: bytes in one ring, entries in another.
 *
 * An entry is the content of a LiveBlocks message: field tag, length, Block (or Gap). Pushing
 * evicts the oldest entries until there is room; who still waits for them sees it by the sequence
 * numbers. No allocation after init. Threads: loop only. */
#ifndef XW_CENTER_HUB_RING_H
#define XW_CENTER_HUB_RING_H

#include "base/base.h"

struct xw_hub_entry {
    uint32_t at, size;
    uint64_t first, end; /* samples */
};

struct xw_hub_ring {
    uint8_t *bytes;
    uint32_t bytes_cap, write_at;
    struct xw_hub_entry *entries;
    uint32_t entries_cap; /* a power of two */
    uint64_t head, tail;  /* entry sequences: tail <= seq < head are held */
};

XW_MUST_CHECK int xw_hub_ring_init(struct xw_hub_ring *ring, uint32_t bytes_cap,
                                   uint32_t entries_cap);
void xw_hub_ring_done(struct xw_hub_ring *ring);
/* Room for one entry of `size` bytes; NULL when it is larger than the whole ring. */
uint8_t *xw_hub_ring_push(struct xw_hub_ring *ring, uint32_t size, uint64_t first, uint64_t end);
static inline const struct xw_hub_entry *xw_hub_ring_at(const struct xw_hub_ring *ring,
                                                        uint64_t seq)
{
    return &ring->entries[seq & (ring->entries_cap - 1)];
}

#endif
