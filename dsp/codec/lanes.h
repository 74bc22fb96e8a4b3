/* What plain C cannot say to the vectoriser, in lanes of 16 bits. Beside each use stands the plain
 * C that gives the same; XW_CODEC_PLAIN leaves it at that, and the tests compare the bytes of both.
 * Lanes of 256 bits were tried and are slower: the work is a chain of short steps.
 * Threads: pure functions. */
#ifndef XW_DSP_CODEC_LANES_H
#define XW_DSP_CODEC_LANES_H

#if defined(__SSE2__) && !defined(XW_CODEC_PLAIN)
#define XW_CODEC_SSE2 1
#include <emmintrin.h>

static inline __m128i xw_lanes_load(const void *p)
{
    return _mm_loadu_si128(p);
}

static inline void xw_lanes_store(void *p, __m128i x)
{
    _mm_storeu_si128(p, x);
}
#else
#define XW_CODEC_SSE2 0
#endif

#endif
