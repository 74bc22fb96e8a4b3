/* One value of a block, coded or decoded: the text is the same, so that both ends learn the same.
 * The functions that take both coders are inlined with one of them NULL.
 *
 * Threads: plain objects. Included by codec.c alone (and by the program that makes tables.c). */
#ifndef XW_DSP_CODEC_VALUE_H
#define XW_DSP_CODEC_VALUE_H

#include "dsp/codec/codec.h"
#include "dsp/codec/lead.h"
#include "dsp/codec/model.h"
#include "dsp/codec/range.h"
#include "dsp/codec/rule.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { SPLIT_BITS = 16 };

struct io { /* one of them is in use */
    struct xw_range_encoder e;
    struct xw_range_decoder d;
};

struct xw_codec {
    size_t channels_n, predicted_n;
    bool chained;
    uint64_t key_first, next;
    uint32_t row; /* since the key block */
    size_t own_at;
    uint32_t surprise, surprises_n; /* of the channels of this row that were seen */
    /* 2^32 / n, rounded up: a sum of n surprises times that is their mean, exactly (2^17 n < 2^32).
     */
    uint64_t part_of[XW_CODEC_CHANNELS_MAX + 1];
    struct xw_model model[XW_MODEL_CONTEXTS], lengths;
    struct xw_lead_window all; /* in the order of coding */
    struct xw_lead leads[];
};

ALWAYS_INLINE uint32_t code_bits(struct io *io, bool decode, uint32_t v, unsigned bits)
{
    if (!decode) {
        xw_range_put(&io->e, v, 1, bits);
        return v;
    }
    v = xw_range_peek(&io->d, bits);
    xw_range_take(&io->d, v, 1);
    return v;
}

/* A number of 1 to 2^32 - 1: its length by a model, then its bits below the first. Rare. */
static __attribute__((noinline)) uint32_t code_number(struct xw_codec *s, struct io *io,
                                                      bool decode, uint32_t v)
{
    unsigned bits = decode ? 0 : xw_lead_log2(v);
    if (decode)
        bits = xw_model_get(&s->lengths, &io->d);
    else
        xw_model_put(&s->lengths, &io->e, bits);
    uint32_t got = 1;
    if (bits > SPLIT_BITS) {
        unsigned upper = bits - SPLIT_BITS;
        got = got << upper | code_bits(io, decode, v >> SPLIT_BITS & ((1U << upper) - 1), upper);
        bits = SPLIT_BITS;
    }
    return bits ? got << bits | code_bits(io, decode, v & ((1U << bits) - 1), bits) : got;
}

struct context {
    unsigned model, low_bits;
    uint32_t scale; /* expected |error|, 1/256 counts */
};

/* Expected size of the error, in quarters of an octave from 1/16 count to 4 counts; above, the
 * error is halved until it lies there and its low bits go plain. Below 1 count the place of the
 * prediction between two counts matters as well, above it whether the last errors were unusual. */
ALWAYS_INLINE struct context context_of(const struct xw_codec *s, const struct xw_lead *lead,
                                        int64_t predicted)
{
    enum { FLOOR = 16, FLOOR_LOG2 = 4, OCTAVES = 6, FINE_OCTAVES = 4 };
    uint32_t around =
        s->surprises_n ? (uint32_t)((uint64_t)s->surprise * s->part_of[s->surprises_n] >> 32) : 256;
    uint64_t others = (uint64_t)lead->long_mean * around >> 8;
    uint64_t sum = (uint64_t)lead->last * 80 + (uint64_t)lead->mean * 100 +
                   (uint64_t)lead->long_mean * 44 + others * 32;
    uint32_t scale = (uint32_t)(sum >> 8);
    scale = scale < FLOOR ? FLOOR : scale;
    unsigned log2 = xw_lead_log2(scale), octave = log2 - FLOOR_LOG2;
    struct context k = {0, 0, scale};
    if (octave >= OCTAVES) {
        k.low_bits = octave - OCTAVES + 1;
        octave = OCTAVES;
    }
    unsigned place = octave * 4 + (scale >> (log2 - 2) & 3), side;
    if (octave < FINE_OCTAVES) {
        side = (unsigned)((predicted + 8) >> 2) & 3;
    } else {
        uint32_t now = (uint32_t)((uint64_t)lead->last * lead->reciprocal >> 16);
        side = (unsigned)(now >= 144) + (unsigned)(now >= 272) + (unsigned)(now >= 512);
    }
    k.model = place * 4 + side;
    return k;
}

enum { MIDDLE = XW_MODEL_SYMBOLS / 2, LAST = XW_MODEL_SYMBOLS - 1 };

ALWAYS_INLINE void put_error(struct xw_codec *s, struct io *io, struct context k, int32_t error)
{
    struct xw_model *model = &s->model[k.model];
    int64_t high = error >> k.low_bits;
    if (high <= -MIDDLE) {
        xw_model_put(model, &io->e, 0);
        code_number(s, io, false, (uint32_t)(1 - MIDDLE - high));
    } else if (high >= LAST - MIDDLE) {
        xw_model_put(model, &io->e, LAST);
        code_number(s, io, false, (uint32_t)(high - (LAST - MIDDLE) + 1));
    } else {
        xw_model_put(model, &io->e, (unsigned)(high + MIDDLE));
    }
    if (k.low_bits)
        code_bits(io, false, (uint32_t)error & ((1U << k.low_bits) - 1), k.low_bits);
}

ALWAYS_INLINE int32_t get_error(struct xw_codec *s, struct io *io, struct context k)
{
    unsigned symbol = xw_model_get(&s->model[k.model], &io->d);
    int64_t error = (int64_t)symbol - MIDDLE;
    if (symbol == 0)
        error = 1 - MIDDLE - (int64_t)code_number(s, io, true, 0);
    else if (symbol == LAST)
        error = LAST - MIDDLE - 1 + (int64_t)code_number(s, io, true, 0);
    if (k.low_bits)
        error = error * ((int64_t)1 << k.low_bits) + code_bits(io, true, 0, k.low_bits);
    if (error > INT32_MAX || error < INT32_MIN) {
        io->d.bad = true;
        error = 0;
    }
    return (int32_t)error;
}

ALWAYS_INLINE void put_taps(struct xw_codec *s, struct xw_lead *lead, int16_t tap)
{
    lead->own[s->own_at] = tap;
    xw_lead_window_push(&s->all, s->predicted_n > 1 ? tap : 0);
}

/* The new difference into both windows, and into the usual step. */
ALWAYS_INLINE void remember(struct xw_codec *s, struct xw_lead *lead, int64_t difference)
{
    enum { STEP_MOST = 1 << 22, EARLY = 64 };
    int64_t tap =
        lead->shift >= 0 ? difference >> lead->shift : difference * ((int64_t)1 << -lead->shift);
    put_taps(s, lead, (int16_t)xw_lead_clip(tap, XW_LEAD_TAP_MAX));
    int64_t size = difference < 0 ? -difference : difference;
    size = size > STEP_MOST ? STEP_MOST : size;
    lead->step = xw_lead_toward(lead->step, (uint32_t)size << 8, 6);
    bool early = s->row < EARLY;
    if (early ? s->row == EARLY / 4 || s->row == EARLY / 2 : s->row % EARLY == 0)
        xw_lead_rescale(lead, s->own_at + 1, early);
}

/* The first value of a predicted channel, from nothing. */
static __attribute__((noinline)) int32_t pass_first(struct xw_codec *s, struct io *io, bool decode,
                                                    struct xw_lead *lead, int32_t value)
{
    uint32_t v = (uint32_t)value, folded = (v << 1) ^ (0U - (v >> 31));
    uint32_t half = code_number(s, io, decode, (folded >> 1) + 1) - 1;
    if (half > INT32_MAX)
        io->d.bad = true;
    folded = half << 1 | code_bits(io, decode, folded & 1, 1);
    value = (int32_t)((folded >> 1) ^ (0U - (folded & 1)));
    lead->previous = value;
    put_taps(s, lead, 0);
    return value;
}

/* Codes or decodes one value; row: the values of the channels before it at this instant. */
ALWAYS_INLINE int32_t pass(struct xw_codec *s, struct io *io, bool decode, struct xw_lead *lead,
                           const int32_t *row, int32_t value)
{
    int16_t taps[XW_LEAD_TAPS], newest = 0;
    int64_t predicted = 0; /* 1/16 counts */
    if (!lead->rule.on && s->row == 0)
        return pass_first(s, io, decode, lead, value);
    if (!lead->rule.on) {
        memcpy(taps, lead->own + s->own_at - XW_LEAD_OWN, XW_LEAD_OWN * sizeof(taps[0]));
        memcpy(taps + XW_LEAD_OWN, s->all.older, XW_LEAD_ALL * sizeof(taps[0]));
        newest = s->all.newest;
        predicted = (int64_t)lead->previous * 16 + xw_lead_predict(lead, taps, newest);
    } else {
        memset(taps, 0, sizeof(taps));
        predicted = xw_rule_twice(&lead->rule, row) * 8;
    }
    int64_t whole = (predicted + 8) >> 4;
    whole = whole > INT32_MAX ? INT32_MAX : whole < INT32_MIN ? INT32_MIN : whole;
    struct context k = context_of(s, lead, predicted);
    int32_t error;
    if (!decode) {
        error = (int32_t)((uint32_t)value - (uint32_t)whole);
        put_error(s, io, k, error);
    } else {
        error = get_error(s, io, k);
        value = (int32_t)((uint32_t)whole + (uint32_t)error);
    }
    int64_t difference = (int64_t)value - lead->previous;
    lead->previous = value;
    s->surprise += xw_lead_note(lead, error, s->row);
    s->surprises_n++;
    if (lead->rule.on)
        return value;
    xw_lead_learn(lead, taps, newest, (int64_t)value * 16 - predicted, k.scale);
    remember(s, lead, difference);
    return value;
}

/* After the last channel of a row. */
ALWAYS_INLINE void next_row(struct xw_codec *s)
{
    s->row++;
    s->surprise = s->surprises_n = 0;
    if (++s->own_at < XW_LEAD_OWN + XW_LEAD_HISTORY)
        return;
    for (size_t c = 0; c < s->channels_n; c++)
        memmove(s->leads[c].own, s->leads[c].own + XW_LEAD_HISTORY, XW_LEAD_OWN * sizeof(int16_t));
    s->own_at = XW_LEAD_OWN;
}

#endif
