/* Codings of a block's samples, and the CRC over them.
 *
 * x: count_n x channels_n interleaved int32 counts (sample-major), everywhere.
 *
 * coding 0, delta: channel by channel; for each sample the difference to the previous sample of the
 *   channel (the first: to 0), modulo 2^32, zig-zag, varint of 1 to 5 bytes in canonical form.
 *   Decodable alone.
 * coding 1, 2, 3: raw int16, int32, int24, little-endian, interleaved; what simple devices send.
 * coding 4: the lossless codec (dsp/codec), in chains from key blocks; it has state, so it is not
 *   for the functions here (-EOPNOTSUPP). On the link only.
 *
 * The CRC is CRC-32C over the decoded samples as little-endian int32, interleaved, so that it does
 * not depend on the coding.
 *
 * Threads: pure functions, no allocation. Errors: -EBADMSG malformed bytes, -EOPNOTSUPP unknown
 * coding, -EINVAL impossible shape, -ENOSPC no room, -ERANGE a sample does not fit the raw width.
 */
#ifndef XW_BASE_BLOCK_H
#define XW_BASE_BLOCK_H

#include "base/base.h"

enum xw_coding {
    XW_CODING_DELTA = 0,
    XW_CODING_INT16 = 1,
    XW_CODING_INT32 = 2,
    XW_CODING_INT24 = 3,
    XW_CODING_CHAINED = 4,
};

/* Shape limits: what a peer may claim. */
enum {
    XW_BLOCK_CHANNELS_MAX = 64,
    XW_BLOCK_COUNT_MAX = 65536,
    XW_BLOCK_VALUES_MAX = 262144, /* channels_n x count_n */
};

/* True for 1..XW_BLOCK_CHANNELS_MAX channels, 1..XW_BLOCK_COUNT_MAX samples, values within limit.
 */
bool xw_block_shape_ok(size_t channels_n, size_t count_n);

/* Most bytes that any coding of this shape takes (5 a value). */
size_t xw_block_bound(size_t channels_n, size_t count_n);

/* Returns the bytes written into ret_data[0..cap_n_bytes); xw_block_bound() of room is enough. */
int xw_block_encode(enum xw_coding coding, const int32_t *x, size_t channels_n, size_t count_n,
                    uint8_t *ret_data, size_t cap_n_bytes) XW_MUST_CHECK;

/* Fills ret_x[0..channels_n * count_n); exactly n_bytes must be used up. On failure the contents of
 * ret_x are unspecified. */
int xw_block_decode(enum xw_coding coding, const uint8_t *data, size_t n_bytes, size_t channels_n,
                    size_t count_n, int32_t *ret_x) XW_MUST_CHECK;

uint32_t xw_block_crc(const int32_t *x, size_t channels_n, size_t count_n);

#endif
