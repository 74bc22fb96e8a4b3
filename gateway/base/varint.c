/* Canonical base-128 varints of up to 64 bits. */
#include "base/varint.h"

size_t xw_varint_put(uint8_t *ret_data, uint64_t v)
{
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        ret_data[n++] = (uint8_t)(v | 0x80);
    ret_data[n++] = (uint8_t)v;
    return n;
}

int xw_varint_get(const uint8_t *data, size_t n_bytes, uint64_t *ret_v)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < XW_VARINT64_MAX_N_BYTES; i++) {
        if (i == n_bytes)
            return -EAGAIN;
        uint8_t b = data[i];
        if (i == XW_VARINT64_MAX_N_BYTES - 1 && b > 1)
            return -EBADMSG; /* more than 64 bits */
        v |= (uint64_t)(b & 0x7F) << (7 * i);
        if (b < 0x80) {
            if (b == 0 && i > 0)
                return -EBADMSG; /* a shorter form exists */
            *ret_v = v;
            return (int)i + 1;
        }
    }
    return -EBADMSG;
}
