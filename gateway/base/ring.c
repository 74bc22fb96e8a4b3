/* Single-producer single-consumer ring of byte records.
 *
 * A record is an 8-byte header (size, or PAD: skip to the start) and its bytes rounded up to 8.
 * head and tail run freely and are taken modulo the capacity. The producer publishes by a release
 * store of head, the consumer gives room back by a release store of tail; each side keeps its last
 * look at the other's position, so that a shared cache line is touched only when that runs out. */
#include "base/ring.h"

#include <string.h>

enum { HEADER_N_BYTES = 8 };
static const uint32_t PAD = UINT32_MAX;

static size_t round_up_8(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static void put_header(struct xw_ring *ring, size_t at, uint32_t n_bytes)
{
    memcpy(ring->data + (at & (ring->cap - 1)), &n_bytes, sizeof(n_bytes));
}

static uint32_t get_header(const struct xw_ring *ring, size_t at)
{
    uint32_t n_bytes;
    memcpy(&n_bytes, ring->data + (at & (ring->cap - 1)), sizeof(n_bytes));
    return n_bytes;
}

int xw_ring_init(struct xw_ring *ring, size_t cap_n_bytes)
{
    size_t cap = 1024;
    while (cap < cap_n_bytes && cap < (size_t)1 << 30)
        cap *= 2;
    if (cap < cap_n_bytes)
        return -EINVAL;
    memset(ring, 0, sizeof(*ring));
    ring->data = aligned_alloc(64, cap);
    if (!ring->data)
        return -ENOMEM;
    ring->cap = cap;
    /* Half: so that a record always fits into an empty ring, wherever its position stands. */
    ring->record_max = cap / 2 - HEADER_N_BYTES;
    return 0;
}

void xw_ring_done(struct xw_ring *ring)
{
    free(ring->data);
    memset(ring, 0, sizeof(*ring));
}

int xw_ring_reserve(struct xw_ring *ring, size_t n_bytes, void **ret_room)
{
    if (n_bytes > ring->record_max)
        return -EMSGSIZE;
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    size_t need = HEADER_N_BYTES + round_up_8(n_bytes);
    size_t to_end = ring->cap - (head & (ring->cap - 1));
    size_t skip = need > to_end ? to_end : 0;
    if (skip + need > ring->cap - (head - ring->tail_seen)) {
        ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (skip + need > ring->cap - (head - ring->tail_seen)) {
            atomic_fetch_add_explicit(&ring->refused_n, 1, memory_order_relaxed);
            return -EAGAIN;
        }
    }
    if (skip)
        put_header(ring, head, PAD);
    ring->reserved_at = head + skip;
    ring->reserved_n = n_bytes;
    *ret_room = ring->data + ((ring->reserved_at + HEADER_N_BYTES) & (ring->cap - 1));
    return 0;
}

void xw_ring_commit(struct xw_ring *ring, size_t n_bytes)
{
    if (n_bytes > ring->reserved_n)
        n_bytes = ring->reserved_n;
    put_header(ring, ring->reserved_at, (uint32_t)n_bytes);
    atomic_store_explicit(&ring->head, ring->reserved_at + HEADER_N_BYTES + round_up_8(n_bytes),
                          memory_order_release);
}

int xw_ring_write(struct xw_ring *ring, const void *data, size_t n_bytes)
{
    void *room;
    int r = xw_ring_reserve(ring, n_bytes, &room);
    if (r < 0)
        return r;
    if (n_bytes)
        memcpy(room, data, n_bytes);
    xw_ring_commit(ring, n_bytes);
    return 0;
}

int xw_ring_peek(struct xw_ring *ring, const void **ret_data, size_t *ret_n_bytes)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail == ring->head_seen) {
        ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (tail == ring->head_seen)
            return -EAGAIN;
    }
    uint32_t n_bytes = get_header(ring, tail);
    if (n_bytes == PAD) {
        /* A pad is only published together with the record behind it. */
        tail += ring->cap - (tail & (ring->cap - 1));
        atomic_store_explicit(&ring->tail, tail, memory_order_release);
        n_bytes = get_header(ring, tail);
    }
    *ret_data = ring->data + ((tail + HEADER_N_BYTES) & (ring->cap - 1));
    *ret_n_bytes = n_bytes;
    return 0;
}

void xw_ring_consume(struct xw_ring *ring)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    size_t n_bytes = get_header(ring, tail);
    atomic_store_explicit(&ring->tail, tail + HEADER_N_BYTES + round_up_8(n_bytes),
                          memory_order_release);
}

uint64_t xw_ring_refused_n(const struct xw_ring *ring)
{
    return atomic_load_explicit(&ring->refused_n, memory_order_relaxed);
}
