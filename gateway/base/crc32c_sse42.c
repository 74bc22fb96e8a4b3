/* CRC-32C by the crc32 instruction of SSE4.2; its own file because it has its own compiler flag.
 * On other machines the functions exist but say no and fall back. */
#include "base/crc32c.h"

#include <string.h>

#ifdef __SSE4_2__
#include <nmmintrin.h>

bool xw_crc32c_has_sse42(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2");
}

uint32_t xw_crc32c_sse42(uint32_t crc, const void *data, size_t n_bytes)
{
    const uint8_t *p = data;
    uint64_t r = ~crc;
    for (; n_bytes >= 8; n_bytes -= 8, p += 8) {
        uint64_t w;
        memcpy(&w, p, sizeof(w));
        r = _mm_crc32_u64(r, w);
    }
    uint32_t r32 = (uint32_t)r;
    for (; n_bytes; n_bytes--)
        r32 = _mm_crc32_u8(r32, *p++);
    return ~r32;
}

#else

bool xw_crc32c_has_sse42(void)
{
    return false;
}

uint32_t xw_crc32c_sse42(uint32_t crc, const void *data, size_t n_bytes)
{
    return xw_crc32c_table(crc, data, n_bytes);
}

#endif
