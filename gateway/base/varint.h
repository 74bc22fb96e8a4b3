/* Base-128 varints and zig-zag, as in protobuf, but only in their shortest (canonical) form.
 *
 * Threads: pure functions. Source: the protobuf encoding specification. */
#ifndef XW_BASE_VARINT_H
#define XW_BASE_VARINT_H

#include "base/base.h"

enum { XW_VARINT32_MAX_N_BYTES = 5, XW_VARINT64_MAX_N_BYTES = 10 };

static inline uint32_t xw_zigzag32(uint32_t v)
{
    return (v << 1) ^ (0U - (v >> 31));
}
static inline uint32_t xw_unzigzag32(uint32_t z)
{
    return (z >> 1) ^ (0U - (z & 1U));
}

/* Writes v in 1 to 10 bytes; returns their number. */
size_t xw_varint_put(uint8_t *ret_data, uint64_t v);
/* Reads one from at most n bytes: returns bytes used, -EAGAIN when more are needed, -EBADMSG when
 * it is longer than it need be or exceeds 64 bits. */
int xw_varint_get(const uint8_t *data, size_t n_bytes, uint64_t *ret_v) XW_MUST_CHECK;

#endif
