/* Adaptive models: how probable each of 32 symbols is, by context. The cumulative shares of 2^15
 * move a little (1/256) towards the symbol that came; each keeps at least XW_MODEL_LEAST. All steps
 * run over 16-bit lanes without a branch, for the vectoriser. Threads: plain objects. The models at
 * a key block are in tables.c. */
#ifndef XW_DSP_CODEC_MODEL_H
#define XW_DSP_CODEC_MODEL_H

#include "dsp/codec/lanes.h"
#include "dsp/codec/range.h"

enum {
    XW_MODEL_SYMBOLS = 32,
    XW_MODEL_BITS = 15,
    XW_MODEL_LEAST = 8,
    XW_MODEL_SHIFT = 8,
    XW_MODEL_CONTEXTS = 112, /* 28 scales x 4, see context_of() in codec.c */
};

struct xw_model {
    int16_t start[XW_MODEL_SYMBOLS]; /* start[0] = 0; the share of i ends where i + 1 starts */
};

extern const struct xw_model xw_model_first[XW_MODEL_CONTEXTS];
extern const int16_t xw_model_rank[XW_MODEL_SYMBOLS]; /* 0, 1, 2 … */

static inline uint32_t xw_model_start(const struct xw_model *m, unsigned symbol)
{
    return (uint32_t)m->start[symbol];
}

static inline uint32_t xw_model_end(const struct xw_model *m, unsigned symbol)
{
    return symbol + 1 < XW_MODEL_SYMBOLS ? (uint32_t)m->start[symbol + 1] : 1U << XW_MODEL_BITS;
}

/* A start keeps its distance of at least one to the next: both move by the same part of the way to
 * aims that are XW_MODEL_LEAST apart, rounded down. */
static inline void xw_model_learn(struct xw_model *m, unsigned symbol)
{
    const int16_t above = (1 << XW_MODEL_BITS) - XW_MODEL_LEAST * XW_MODEL_SYMBOLS;
    for (unsigned i = 0; i < XW_MODEL_SYMBOLS; i++) {
        int16_t aim = (int16_t)(xw_model_rank[i] * XW_MODEL_LEAST +
                                (xw_model_rank[i] <= (int16_t)symbol ? 0 : above));
        int16_t way = (int16_t)(aim - m->start[i]);
        m->start[i] = (int16_t)(m->start[i] + (way >> XW_MODEL_SHIFT));
    }
}

static inline void xw_model_put(struct xw_model *m, struct xw_range_encoder *e, unsigned symbol)
{
    uint32_t start = xw_model_start(m, symbol);
    xw_range_put(e, start, xw_model_end(m, symbol) - start, XW_MODEL_BITS);
    xw_model_learn(m, symbol);
}

/* The last symbol that starts at or below `at`; the first starts at 0. */
static inline unsigned xw_model_find(const struct xw_model *m, int16_t at)
{
#if XW_CODEC_SSE2
    __m128i wanted = _mm_set1_epi16(at), above[XW_MODEL_SYMBOLS / 8];
    for (size_t i = 0; i < XW_MODEL_SYMBOLS / 8; i++)
        above[i] = _mm_cmpgt_epi16(xw_lanes_load(m->start + 8 * i), wanted);
    uint32_t lower = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(above[0], above[1]));
    uint32_t upper = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(above[2], above[3]));
    uint64_t starts_above = 1ULL << XW_MODEL_SYMBOLS | (uint64_t)upper << 16 | lower;
    return (unsigned)__builtin_ctzll(starts_above) - 1U;
#else
    unsigned upto_n = 0;
    for (unsigned i = 0; i < XW_MODEL_SYMBOLS; i++)
        upto_n += m->start[i] <= at;
    return upto_n - 1;
#endif
}

static inline unsigned xw_model_get(struct xw_model *m, struct xw_range_decoder *d)
{
    unsigned symbol = xw_model_find(m, (int16_t)xw_range_peek(d, XW_MODEL_BITS));
    uint32_t start = xw_model_start(m, symbol);
    xw_range_take(d, start, xw_model_end(m, symbol) - start);
    xw_model_learn(m, symbol);
    return symbol;
}

#endif
