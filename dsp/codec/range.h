/* Range coder: a block is one number in [0, 1), narrowed by each symbol to the part of the range
 * that the symbol's share of 2^bits is. 64 bits wide, 32 bits at a time; a carry runs back into the
 * bytes already written. The number that is stored is the one with the fewest bytes within the last
 * range, its trailing zeros left out.
 *
 * The first byte is never 0xFF: that is left to the caller as a mark of other contents.
 * Threads: plain objects. Source: G. N. N. Martin 1979; the rest is arithmetic. */
#ifndef XW_DSP_CODEC_RANGE_H
#define XW_DSP_CODEC_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { XW_RANGE_MARK = 0xFF, XW_RANGE_BITS_MAX = 24 };
#define XW_RANGE_WHOLE 0xFF00000000000000ULL

struct xw_range_encoder {
    uint64_t low, range;
    uint8_t *start, *p, *end;
    bool full; /* did not fit: the bytes are worthless */
};

struct xw_range_decoder {
    uint64_t ahead; /* the stored number less the low end of the range */
    uint64_t range;
    uint64_t window; /* the eight bytes last loaded */
    uint64_t unit;   /* of the symbol that is being read */
    const uint8_t *data;
    size_t n_bytes, loaded; /* loaded: also zeros behind the end */
    bool bad;
};

static inline void xw_range_encoder_init(struct xw_range_encoder *e, uint8_t *data, size_t n_bytes)
{
    *e = (struct xw_range_encoder){0, XW_RANGE_WHOLE, data, data, data + n_bytes, false};
}

static inline void xw_range_carry(struct xw_range_encoder *e)
{
    for (uint8_t *q = e->p; q > e->start;) {
        q--;
        *q = (uint8_t)(*q + 1U);
        if (*q)
            return;
    }
}

/* A symbol that has the part [start, start + share) of 2^bits; share > 0. */
static inline void xw_range_put(struct xw_range_encoder *e, uint32_t start, uint32_t share,
                                unsigned bits)
{
    uint64_t unit = e->range >> bits, step = unit * start;
    e->low += step;
    if (e->low < step)
        xw_range_carry(e);
    e->range = unit * share;
    if (e->range >> 32)
        return;
    if (e->end - e->p < 4) {
        e->full = true;
        e->p = e->start;
    } else {
        uint32_t top = __builtin_bswap32((uint32_t)(e->low >> 32));
        memcpy(e->p, &top, sizeof(top));
        e->p += 4;
    }
    e->low <<= 32;
    e->range <<= 32;
}

/* The shortest number in [low, low + range): its bytes, 1 to 8, at the top of *ret_number. */
static inline unsigned xw_range_shortest(uint64_t low, uint64_t range, uint64_t *ret_number)
{
    for (unsigned n = 1; n < 8; n++) {
        uint64_t below = UINT64_MAX >> (8 * n);
        uint64_t number = (low + below) & ~below;
        if (number - low < range) {
            *ret_number = number;
            return n;
        }
    }
    *ret_number = low;
    return 8;
}

/* Returns the bytes of the whole, 0 if they do not fit. */
static inline size_t xw_range_end(struct xw_range_encoder *e)
{
    uint64_t number;
    unsigned n = xw_range_shortest(e->low, e->range, &number);
    if (e->full || (size_t)(e->end - e->p) < n)
        return 0;
    if (number < e->low)
        xw_range_carry(e);
    for (unsigned i = 0; i < n; i++)
        *e->p++ = (uint8_t)(number >> (56 - 8 * i));
    while (e->p - e->start > 1 && !e->p[-1])
        e->p--;
    return (size_t)(e->p - e->start);
}

static inline uint32_t xw_range_load(struct xw_range_decoder *d)
{
    uint32_t word = 0;
    if (d->loaded + 4 <= d->n_bytes) {
        memcpy(&word, d->data + d->loaded, sizeof(word));
    } else if (d->loaded < d->n_bytes) {
        memcpy(&word, d->data + d->loaded, d->n_bytes - d->loaded);
    }
    d->loaded += 4;
    return __builtin_bswap32(word);
}

static inline void xw_range_decoder_init(struct xw_range_decoder *d, const uint8_t *data,
                                         size_t n_bytes)
{
    *d = (struct xw_range_decoder){.range = XW_RANGE_WHOLE, .data = data, .n_bytes = n_bytes};
    d->window = (uint64_t)xw_range_load(d) << 32;
    d->window |= xw_range_load(d);
    d->ahead = d->window;
    d->bad = d->ahead >= d->range;
}

/* Where in 2^bits the next symbol lies; then _take the symbol that is there. */
static inline uint32_t xw_range_peek(struct xw_range_decoder *d, unsigned bits)
{
    d->unit = d->range >> bits;
    uint64_t at = d->ahead / d->unit, last = (1ULL << bits) - 1;
    if (at > last) { /* the rest that the encoder never uses */
        d->bad = true;
        d->ahead = 0;
        at = 0;
    }
    return (uint32_t)at;
}

static inline void xw_range_take(struct xw_range_decoder *d, uint32_t start, uint32_t share)
{
    d->ahead -= d->unit * start;
    d->range = d->unit * share;
    if (d->range >> 32)
        return;
    uint32_t word = xw_range_load(d);
    d->ahead = d->ahead << 32 | word;
    d->window = d->window << 32 | word;
    d->range <<= 32;
}

/* True if the bytes are just those that the encoder would have ended with. */
static inline bool xw_range_ended(const struct xw_range_decoder *d)
{
    uint64_t number;
    unsigned n = xw_range_shortest(d->window - d->ahead, d->range, &number);
    return !d->bad && number == d->window && d->n_bytes <= d->loaded - 8 + n &&
           (d->n_bytes == 1 || d->data[d->n_bytes - 1]);
}

#endif
