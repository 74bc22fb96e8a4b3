/* CRC-32C: the table-driven reference (eight tables, one 64-bit word a step) and the choice of
 * kernel. The tables are computed before main from the polynomial, so nothing can be mistyped. */
#include "base/crc32c.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are loaded as little-endian");

enum { SLICES = 8 };
static const uint32_t POLYNOMIAL = 0x82F63B78U;

static uint32_t tables[SLICES][256];
static bool use_sse42;

__attribute__((constructor(101))) static void crc32c_setup(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t r = i;
        for (int bit = 0; bit < 8; bit++)
            r = (r >> 1) ^ (POLYNOMIAL & (0U - (r & 1U)));
        tables[0][i] = r;
    }
    for (size_t s = 1; s < SLICES; s++)
        for (size_t i = 0; i < 256; i++)
            tables[s][i] = (tables[s - 1][i] >> 8) ^ tables[0][tables[s - 1][i] & 0xFF];
    use_sse42 = xw_crc32c_has_sse42();
}

uint32_t xw_crc32c_table(uint32_t crc, const void *data, size_t n_bytes)
{
    const uint8_t *p = data;
    uint32_t r = ~crc;
    for (; n_bytes >= 8; n_bytes -= 8, p += 8) {
        uint64_t w;
        memcpy(&w, p, sizeof(w));
        w ^= r;
        r = 0;
        for (size_t s = 0; s < SLICES; s++)
            r ^= tables[SLICES - 1 - s][(w >> (8 * s)) & 0xFF];
    }
    for (; n_bytes; n_bytes--)
        r = (r >> 8) ^ tables[0][(r ^ *p++) & 0xFF];
    return ~r;
}

uint32_t xw_crc32c(uint32_t crc, const void *data, size_t n_bytes)
{
    return use_sse42 ? xw_crc32c_sse42(crc, data, n_bytes) : xw_crc32c_table(crc, data, n_bytes);
}
