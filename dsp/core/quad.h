/* Four lanes at once: what the compiler makes one vector register of, on every machine. Additions
 * and products are those of four floats, lane by lane, so results are those of plain loops.
 * Thread rule: pure functions. */
#ifndef XW_DSP_CORE_QUAD_H
#define XW_DSP_CORE_QUAD_H

#include "dsp/core/frame.h"

#include <math.h>
#include <stdint.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

typedef float xw_quad __attribute__((vector_size(16)));
typedef int32_t xw_quad_mask __attribute__((vector_size(16)));

_Static_assert(XW_DSP_LANE_QUANTUM * sizeof(float) == sizeof(xw_quad), "a quad is a lane quantum");

static inline xw_quad xw_quad_load(const float *x)
{
    xw_quad q;
    memcpy(&q, x, sizeof(q));
    return q;
}

static inline void xw_quad_store(float *x, xw_quad q)
{
    memcpy(x, &q, sizeof(q));
}

/* One frame of `lanes` floats. */
static inline void xw_quad_copy_frame(float *to, const float *from, unsigned lanes)
{
    for (unsigned c = 0; c < lanes; c += XW_DSP_LANE_QUANTUM)
        xw_quad_store(to + c, xw_quad_load(from + c));
}

static inline xw_quad xw_quad_all(float x)
{
    return (xw_quad){x, x, x, x};
}

/* Where the mask is set a, else b. */
static inline xw_quad xw_quad_select(xw_quad_mask mask, xw_quad a, xw_quad b)
{
    xw_quad_mask x, y;
    memcpy(&x, &a, sizeof(x));
    memcpy(&y, &b, sizeof(y));
    x = (x & mask) | (y & ~mask);
    memcpy(&a, &x, sizeof(a));
    return a;
}

/* a < b ? a : b, lane by lane, which is what one instruction of x86 does, also with NaN. */
static inline xw_quad xw_quad_min(xw_quad a, xw_quad b)
{
#ifdef __SSE__
    return (xw_quad)_mm_min_ps((__m128)a, (__m128)b);
#else
    return xw_quad_select(a < b, a, b);
#endif
}

static inline xw_quad xw_quad_max(xw_quad a, xw_quad b)
{
#ifdef __SSE__
    return (xw_quad)_mm_max_ps((__m128)a, (__m128)b);
#else
    return xw_quad_select(a > b, a, b);
#endif
}

/* The mask's lanes as four bits. */
static inline unsigned xw_quad_bits(xw_quad_mask mask)
{
#ifdef __SSE__
    return (unsigned)_mm_movemask_ps((__m128)mask);
#else
    return (mask[0] & 1U) | (mask[1] & 2U) | (mask[2] & 4U) | (mask[3] & 8U);
#endif
}

/* Square roots, lane by lane: the same bits on every machine. */
static inline xw_quad xw_quad_sqrt(xw_quad a)
{
#ifdef __SSE__
    return (xw_quad)_mm_sqrt_ps((__m128)a);
#else
    return (xw_quad){sqrtf(a[0]), sqrtf(a[1]), sqrtf(a[2]), sqrtf(a[3])};
#endif
}

/* Sizes, lane by lane. */
static inline xw_quad xw_quad_abs(xw_quad a)
{
    xw_quad_mask x;
    memcpy(&x, &a, sizeof(x));
    x &= (xw_quad_mask){INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
    memcpy(&a, &x, sizeof(a));
    return a;
}

/* Plain selects of two floats: libm's fminf and fmaxf are calls that look after NaN. */
static inline float xw_min(float a, float b)
{
    return a < b ? a : b;
}

static inline float xw_max(float a, float b)
{
    return a > b ? a : b;
}

#endif
