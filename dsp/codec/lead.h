/* What is known of one channel: a predictor of its next difference and the size of its errors.
 *
 * The predictor is a normalised least-mean-squares filter of 32 taps: the channel's own last 16
 * differences, and the last 16 differences of all predicted channels in the order of coding, which
 * holds those of the same instant. Differences enter as 16-bit numbers scaled by a power of two to
 * the usual size of the channel, so that 12-bit and 24-bit converters learn alike; weights are 16
 * bits of 32. Bounds: |tap| <= 2047, |weight| <= 2^15, so that a sum of 32 products stays in 32
 * bits.
 *
 * Threads: plain objects. Source: NLMS as in any textbook (Haykin, Adaptive Filter Theory). */
#ifndef XW_DSP_CODEC_LEAD_H
#define XW_DSP_CODEC_LEAD_H

#include "dsp/codec/lanes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    XW_LEAD_TAPS = 32,
    XW_LEAD_OWN = 16,
    XW_LEAD_ALL = 16,
    XW_LEAD_HISTORY = 240, /* differences kept before the window is moved back */
    XW_LEAD_TAP_MAX = 2047,
};

/* A channel that follows from two others: (a_halves * A + b_halves * B + offset) / 2. */
struct xw_lead_rule {
    bool on;
    uint8_t a, b;
    int8_t a_halves, b_halves;
    int32_t offset;
};

struct xw_lead {
    int32_t fine[XW_LEAD_TAPS];   /* weights, 2^28 is 1 */
    int16_t weight[XW_LEAD_TAPS]; /* their upper halves, 2^12 is 1 */
    int16_t own[XW_LEAD_OWN + XW_LEAD_HISTORY];
    int32_t previous;
    int32_t shift;       /* a tap is the difference / 2^shift, -4 to 16 */
    uint32_t step;       /* usual |difference|, 1/256 counts */
    uint32_t power;      /* usual mean square of a tap, 1/16 */
    uint32_t last, mean; /* |error| over about 2 and 8 samples, 1/256 counts */
    uint32_t long_mean;  /* … and 64 */
    uint32_t reciprocal; /* 2^24 / long_mean, now and then */
    struct xw_lead_rule rule;
};

/* The last 16 differences of all predicted channels. The newest stands apart: the sum over the
 * others need not wait for it, and no wide load meets the narrow store of it. */
struct xw_lead_window {
    int16_t older[XW_LEAD_ALL]; /* the last of them is 0 */
    int16_t newest;
};

static inline void xw_lead_window_push(struct xw_lead_window *w, int16_t tap)
{
#if XW_CODEC_SSE2
    enum { PLACE = (XW_LEAD_ALL - 2) % 8 };
    __m128i low = xw_lanes_load(w->older), high = xw_lanes_load(w->older + 8);
    low = _mm_or_si128(_mm_srli_si128(low, 2), _mm_slli_si128(high, 14));
    high = _mm_insert_epi16(_mm_srli_si128(high, 2), w->newest, PLACE);
    xw_lanes_store(w->older, low);
    xw_lanes_store(w->older + 8, high);
#else
    memmove(w->older, w->older + 1, (XW_LEAD_ALL - 2) * sizeof(w->older[0]));
    w->older[XW_LEAD_ALL - 2] = w->newest;
#endif
    w->newest = tap;
}

extern const int16_t xw_lead_weights[XW_LEAD_TAPS];

enum { XW_LEAD_STEP_BITS = 5, XW_LEAD_STEP_USUAL = 11 };

/* step_log2: of the usual |difference| in 1/256 counts, 0 to 31; XW_LEAD_STEP_USUAL if not known.
 */
void xw_lead_init(struct xw_lead *lead, unsigned step_log2);

/* Makes the scale of the taps fit again; `at`: where the next own difference will be put. */
void xw_lead_rescale(struct xw_lead *lead, size_t at, bool early);

static inline int64_t xw_lead_clip(int64_t v, int64_t limit)
{
    return v > limit ? limit : v < -limit ? -limit : v;
}

static inline unsigned xw_lead_log2(uint32_t v)
{
    return 31U - (unsigned)__builtin_clz(v | 1U);
}

/* What the taps predict of the next difference, in 1/16 counts. The last of taps is 0 here and
 * below, and goes by itself (`newest`). */
static inline int64_t xw_lead_predict(const struct xw_lead *lead, const int16_t *taps,
                                      int16_t newest)
{
    int32_t sum = (int32_t)lead->weight[XW_LEAD_TAPS - 1] * newest;
    for (unsigned i = 0; i < XW_LEAD_TAPS; i++)
        sum += (int32_t)lead->weight[i] * taps[i];
    int64_t wide = sum;
    wide = lead->shift >= 0 ? wide * ((int64_t)1 << lead->shift) : wide >> -lead->shift;
    return wide >> 8;
}

/* gain * taps into the weights. */
static inline void xw_lead_move(struct xw_lead *lead, const int16_t *taps, int16_t gain)
{
#if XW_CODEC_SSE2
    __m128i g = _mm_set1_epi16(gain);
    for (size_t i = 0; i < XW_LEAD_TAPS; i += 8) {
        __m128i x = xw_lanes_load(taps + i);
        __m128i low = _mm_mullo_epi16(x, g), high = _mm_mulhi_epi16(x, g);
        __m128i a = _mm_add_epi32(xw_lanes_load(lead->fine + i), _mm_unpacklo_epi16(low, high));
        __m128i b = _mm_add_epi32(xw_lanes_load(lead->fine + i + 4), _mm_unpackhi_epi16(low, high));
        xw_lanes_store(lead->fine + i, a);
        xw_lanes_store(lead->fine + i + 4, b);
        xw_lanes_store(lead->weight + i,
                       _mm_packs_epi32(_mm_srai_epi32(a, 16), _mm_srai_epi32(b, 16)));
    }
#else
    for (unsigned i = 0; i < XW_LEAD_TAPS; i++) {
        lead->fine[i] = (int32_t)((uint32_t)lead->fine[i] + (uint32_t)((int32_t)gain * taps[i]));
        lead->weight[i] = (int16_t)(lead->fine[i] >> 16);
    }
#endif
}

/* Takes a share of the error (1/16 counts, limited to 3/4 of `scale`, 1/256 counts) into the
 * weights. */
static inline void xw_lead_learn(struct xw_lead *lead, const int16_t *taps, int16_t newest,
                                 int64_t error, uint32_t scale)
{
    enum { RATE = 48000, GAIN_MAX = 32767, LAST = XW_LEAD_TAPS - 1 };
    int32_t square = (int32_t)newest * newest;
    for (unsigned i = 0; i < XW_LEAD_TAPS; i++)
        square += (int32_t)taps[i] * taps[i];
    int32_t power = square / XW_LEAD_TAPS;
    lead->power += (uint32_t)((power * 16 - (int32_t)lead->power) >> 4);
    int32_t usual = (int32_t)(lead->power >> 6);
    power = (power > usual ? power : usual) + 16;
    error = xw_lead_clip(error, (int64_t)scale * 12 >> 8);
    error = lead->shift >= 0 ? error >> lead->shift : error * ((int64_t)1 << -lead->shift);
    int16_t gain = (int16_t)xw_lead_clip(error * RATE / power, GAIN_MAX);
    xw_lead_move(lead, taps, gain);
    lead->fine[LAST] = (int32_t)((uint32_t)lead->fine[LAST] + (uint32_t)((int32_t)gain * newest));
    lead->weight[LAST] = (int16_t)(lead->fine[LAST] >> 16);
}

/* Moves x towards v by 1/2^shift of the way. */
static inline uint32_t xw_lead_toward(uint32_t x, uint32_t v, unsigned shift)
{
    return (uint32_t)((int32_t)x + (((int32_t)v - (int32_t)x) >> shift));
}

/* The error's size into the running means; in the first samples each means over what there is.
 * Returns the error against the usual one, 256 = 1, at most 2048. */
static inline uint32_t xw_lead_note(struct xw_lead *lead, int32_t error, uint32_t nth)
{
    enum { MOST = 1 << 22, LEAST = 4, SURPRISE_MAX = 2048, REFRESH = 16 };
    uint32_t size = error < 0 ? 0U - (uint32_t)error : (uint32_t)error;
    size = (size > MOST ? MOST : size) << 8;
    uint64_t limit =
        (uint64_t)lead->long_mean * 16 + (64 << 8); /* one spike is not the new usual */
    if (size > limit)
        size = (uint32_t)limit;
    uint32_t surprise = (uint32_t)((uint64_t)size * lead->reciprocal >> 16);
    unsigned so_far = 1 + xw_lead_log2(nth);
    lead->last = xw_lead_toward(lead->last, size, 1);
    lead->mean = xw_lead_toward(lead->mean, size, so_far < 3 ? so_far : 3);
    lead->long_mean = xw_lead_toward(lead->long_mean, size, so_far < 6 ? so_far : 6);
    if (lead->mean < LEAST)
        lead->mean = LEAST;
    if (lead->long_mean < LEAST)
        lead->long_mean = LEAST;
    if (nth % REFRESH == 0)
        lead->reciprocal = (1U << 24) / lead->long_mean;
    return surprise < SURPRISE_MAX ? surprise : SURPRISE_MAX;
}

#endif
