/* Hand-over ring of byte records from exactly one producer thread to exactly one consumer thread.
 *
 * Neither side locks, waits or allocates after init, so a real-time thread may be either. A record
 * is contiguous in memory and aligned to 8 bytes. When the ring is full the write is refused
 * (-EAGAIN) and counted: the policy (drop, mark a gap, stop reading) is the producer's.
 *
 * Producer: write, or reserve + commit. Consumer: peek + consume. Anybody: the counters.
 * Pair it with xw_wake (loop.h) to tell the consumer. */
#ifndef XW_BASE_RING_H
#define XW_BASE_RING_H

#include "base/base.h"

#include <stdatomic.h>

struct xw_ring {
    uint8_t *data;
    size_t cap; /* a power of two */
    size_t record_max;
    /* Free-running positions, far enough apart not to share a cache line (padding, not alignment,
     * so that the struct may lie in plainly allocated memory). */
    char pad0_[64];
    _Atomic size_t head; /* producer */
    size_t tail_seen;    /* producer's last look at tail */
    size_t reserved_at;  /* producer: where the open reservation's header lies */
    size_t reserved_n;
    _Atomic uint64_t refused_n;
    char pad1_[64];
    _Atomic size_t tail; /* consumer */
    size_t head_seen;    /* consumer's last look at head */
};

/* At least cap_n_bytes of room (rounded up to a power of two, 1 KiB to 1 GiB); a record may take up
 * to half of it less its 8-byte header. -ENOMEM, -EINVAL. */
int xw_ring_init(struct xw_ring *ring, size_t cap_n_bytes) XW_MUST_CHECK;
/* Both sides must have stopped. */
void xw_ring_done(struct xw_ring *ring);

/* Producer. 0, -EAGAIN full (counted), -EMSGSIZE never fits. */
int xw_ring_write(struct xw_ring *ring, const void *data, size_t n_bytes) XW_MUST_CHECK;
/* Room for a record of up to n bytes to be filled in place; invisible until committed. A second
 * reserve before commit replaces the first. */
int xw_ring_reserve(struct xw_ring *ring, size_t n_bytes, void **ret_room) XW_MUST_CHECK;
/* Makes the reserved record visible with its final size, n <= reserved. */
void xw_ring_commit(struct xw_ring *ring, size_t n_bytes);

/* Consumer. 0 and the oldest record (borrowed until consume), or -EAGAIN when empty. */
int xw_ring_peek(struct xw_ring *ring, const void **ret_data, size_t *ret_n_bytes) XW_MUST_CHECK;
/* Done with the record that peek gave. */
void xw_ring_consume(struct xw_ring *ring);

uint64_t xw_ring_refused_n(const struct xw_ring *ring);

#endif
