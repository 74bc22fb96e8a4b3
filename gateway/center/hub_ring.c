/* Byte ring of live blocks. */
#include "center/hub_ring.h"

int xw_hub_ring_init(struct xw_hub_ring *ring, uint32_t bytes_cap, uint32_t entries_cap)
{
    if (bytes_cap == 0 || entries_cap == 0 || (entries_cap & (entries_cap - 1)) != 0)
        return -EINVAL;
    uint8_t *bytes = malloc(bytes_cap);
    struct xw_hub_entry *entries = calloc(entries_cap, sizeof(*entries));
    if (!bytes || !entries) {
        free(bytes);
        free(entries);
        return -ENOMEM;
    }
    *ring = (struct xw_hub_ring){
        .bytes = bytes, .bytes_cap = bytes_cap, .entries = entries, .entries_cap = entries_cap};
    return 0;
}

void xw_hub_ring_done(struct xw_hub_ring *ring)
{
    free(ring->bytes);
    free(ring->entries);
    *ring = (struct xw_hub_ring){0};
}

static bool overlaps(const struct xw_hub_entry *entry, uint32_t at, uint32_t size)
{
    return entry->at < at + size && at < entry->at + entry->size;
}

uint8_t *xw_hub_ring_push(struct xw_hub_ring *ring, uint32_t size, uint64_t first, uint64_t end)
{
    if (size > ring->bytes_cap)
        return NULL;
    uint32_t at = ring->write_at;
    if (size > ring->bytes_cap - at) {
        /* An entry is never split: what lies between here and the end is the oldest part. */
        while (ring->tail != ring->head && xw_hub_ring_at(ring, ring->tail)->at >= at)
            ring->tail++;
        at = 0;
    }
    while (ring->tail != ring->head && overlaps(xw_hub_ring_at(ring, ring->tail), at, size))
        ring->tail++;
    if (ring->head - ring->tail == ring->entries_cap)
        ring->tail++;
    ring->entries[ring->head & (ring->entries_cap - 1)] =
        (struct xw_hub_entry){.at = at, .size = size, .first = first, .end = end};
    ring->head++;
    ring->write_at = at + size;
    return ring->bytes + at;
}
