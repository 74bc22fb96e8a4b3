/* Block codings. The delta coder is in the path of every sample of every stream, several times:
 * both directions handle a whole varint in one 64-bit word without branching on its length, since
 * lengths of 1 and 2 alternate unpredictably in an ECG. Near the end of the buffer, where a word
 * does not fit any more, a byte-wise form takes over. */
#include "base/block.h"

#include "base/crc32c.h"
#include "base/varint.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "samples are kept little-endian");

enum { WORD_N_BYTES = 8 };
static const uint64_t CONTINUES = 0x8080808080ULL;

bool xw_block_shape_ok(size_t channels_n, size_t count_n)
{
    return channels_n >= 1 && channels_n <= XW_BLOCK_CHANNELS_MAX && count_n >= 1 &&
           count_n <= XW_BLOCK_COUNT_MAX && channels_n * count_n <= XW_BLOCK_VALUES_MAX;
}

size_t xw_block_bound(size_t channels_n, size_t count_n)
{
    return channels_n * count_n * XW_VARINT32_MAX_N_BYTES;
}

/* Puts z as a varint at p with a single 8-byte store; returns its length. */
static inline unsigned put_word(uint8_t *p, uint32_t z)
{
    uint64_t w = (z & 0x7FU) | (uint64_t)(z & 0x3F80U) << 1 | (uint64_t)(z & 0x1FC000U) << 2 |
                 (uint64_t)(z & 0xFE00000U) << 3 | (uint64_t)(z & 0xF0000000U) << 4;
    unsigned top_bit = 31U - (unsigned)__builtin_clz(z | 1U);
    unsigned length = (top_bit * 9 + 73) / 64; /* = top_bit / 7 + 1 for 0..31, without a division */
    w |= CONTINUES & ((1ULL << (8 * (length - 1))) - 1);
    memcpy(p, &w, sizeof(w));
    return length;
}

static int encode_delta(const int32_t *x, size_t channels_n, size_t count_n, uint8_t *ret_data,
                        size_t cap_n_bytes)
{
    uint8_t *p = ret_data;
    uint8_t *end = ret_data + cap_n_bytes;
    for (size_t c = 0; c < channels_n; c++) {
        const int32_t *sample = x + c;
        uint32_t previous = 0;
        for (size_t i = 0; i < count_n; i++, sample += channels_n) {
            uint32_t value = (uint32_t)*sample;
            uint32_t z = xw_zigzag32(value - previous);
            previous = value;
            if (XW_LIKELY((size_t)(end - p) >= WORD_N_BYTES)) {
                p += put_word(p, z);
                continue;
            }
            uint8_t bytes[XW_VARINT64_MAX_N_BYTES];
            size_t n = xw_varint_put(bytes, z);
            if (n > (size_t)(end - p))
                return -ENOSPC;
            memcpy(p, bytes, n);
            p += n;
        }
    }
    return (int)(p - ret_data);
}

/* Takes one varint out of the 8 bytes at p. A flaw (over 32 bits, or not the shortest form) is
 * gathered in *bad rather than branched on. Returns its length, 1 to 5. */
static inline unsigned get_word(const uint8_t *p, uint32_t *ret_z, uint64_t *bad)
{
    uint64_t w;
    memcpy(&w, p, sizeof(w));
    uint64_t stops = ~w & CONTINUES;
    /* No stop within five bytes: pretend one at the fifth; its top bits then count as a flaw. */
    unsigned stop_bit = (unsigned)__builtin_ctzll(stops | 1ULL << 39);
    w &= (2ULL << stop_bit) - 1;
    uint64_t last = w >> (stop_bit - 7);
    *bad |= (w >> 36) | (uint64_t)((stop_bit > 7) & (last == 0));
    *ret_z = (uint32_t)((w & 0x7F) | (w >> 1 & 0x3F80) | (w >> 2 & 0x1FC000) |
                        (w >> 3 & 0xFE00000) | (w >> 4 & 0xF0000000));
    return stop_bit / 8 + 1;
}

static int decode_delta(const uint8_t *data, size_t n_bytes, size_t channels_n, size_t count_n,
                        int32_t *ret_x)
{
    const uint8_t *p = data;
    const uint8_t *end = data + n_bytes;
    uint64_t bad = 0;
    for (size_t c = 0; c < channels_n; c++) {
        int32_t *sample = ret_x + c;
        uint32_t value = 0;
        for (size_t i = 0; i < count_n; i++, sample += channels_n) {
            uint32_t z;
            if (XW_LIKELY((size_t)(end - p) >= WORD_N_BYTES)) {
                p += get_word(p, &z, &bad);
            } else {
                uint8_t tail[WORD_N_BYTES] = {0};
                if (p == end)
                    return -EBADMSG;
                memcpy(tail, p, (size_t)(end - p));
                unsigned n = get_word(tail, &z, &bad);
                if (n > (size_t)(end - p))
                    return -EBADMSG;
                p += n;
            }
            value += xw_unzigzag32(z);
            *sample = (int32_t)value;
        }
    }
    return bad || p != end ? -EBADMSG : 0;
}

static int encode_raw(const int32_t *x, size_t values_n, size_t width, uint8_t *ret_data)
{
    int32_t low = width == 4 ? INT32_MIN : -(1 << (8 * (int)width - 1));
    int32_t high = width == 4 ? INT32_MAX : (1 << (8 * (int)width - 1)) - 1;
    for (size_t i = 0; i < values_n; i++) {
        if (x[i] < low || x[i] > high)
            return -ERANGE;
        uint32_t v = (uint32_t)x[i];
        memcpy(ret_data + i * width, &v, width);
    }
    return (int)(values_n * width);
}

static void decode_raw(const uint8_t *data, size_t values_n, size_t width, int32_t *ret_x)
{
    unsigned shift = 32 - 8 * (unsigned)width;
    for (size_t i = 0; i < values_n; i++) {
        uint32_t v = 0;
        memcpy(&v, data + i * width, width);
        ret_x[i] = (int32_t)(v << shift) >> shift; /* the shift down brings the sign */
    }
}

/* Bytes a sample; 0 for the delta coding, negative for none of ours. */
static int raw_width(enum xw_coding coding)
{
    switch (coding) {
    case XW_CODING_DELTA:
        return 0;
    case XW_CODING_INT16:
        return 2;
    case XW_CODING_INT32:
        return 4;
    case XW_CODING_INT24:
        return 3;
    default:
        return -EOPNOTSUPP;
    }
}

int xw_block_encode(enum xw_coding coding, const int32_t *x, size_t channels_n, size_t count_n,
                    uint8_t *ret_data, size_t cap_n_bytes)
{
    int width = raw_width(coding);
    if (width < 0)
        return width;
    if (!xw_block_shape_ok(channels_n, count_n))
        return -EINVAL;
    if (width == 0)
        return encode_delta(x, channels_n, count_n, ret_data, cap_n_bytes);
    if (channels_n * count_n * (size_t)width > cap_n_bytes)
        return -ENOSPC;
    return encode_raw(x, channels_n * count_n, (size_t)width, ret_data);
}

int xw_block_decode(enum xw_coding coding, const uint8_t *data, size_t n_bytes, size_t channels_n,
                    size_t count_n, int32_t *ret_x)
{
    int width = raw_width(coding);
    if (width < 0)
        return width;
    if (!xw_block_shape_ok(channels_n, count_n))
        return -EINVAL;
    if (!data || !n_bytes)
        return -EBADMSG; /* even one sample has a byte */
    if (width == 0)
        return decode_delta(data, n_bytes, channels_n, count_n, ret_x);
    if (n_bytes != channels_n * count_n * (size_t)width)
        return -EBADMSG;
    decode_raw(data, channels_n * count_n, (size_t)width, ret_x);
    return 0;
}

uint32_t xw_block_crc(const int32_t *x, size_t channels_n, size_t count_n)
{
    return xw_crc32c(0, x, channels_n * count_n * sizeof(x[0]));
}
