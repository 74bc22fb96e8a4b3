/* Integer signals: a generator of Knuth's, beats of three triangles. */
#include "unit/codec/signals.h"

enum { BEAT = 400 };

uint32_t xw_signal_draw(uint64_t *random)
{
    *random = *random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*random >> 32);
}

static int32_t triangle(int32_t at, int32_t middle, int32_t half_width, int32_t height)
{
    int32_t off = at > middle ? at - middle : middle - at;
    return off < half_width ? height * (half_width - off) / half_width : 0;
}

static int32_t beat(size_t row, size_t channel)
{
    int32_t at = (int32_t)(row % BEAT), sign = channel % 3 == 2 ? -1 : 1;
    int32_t size = 600 + 90 * (int32_t)(channel % 7);
    int32_t wander = triangle((int32_t)(row % 4000), 2000, 2000, 150);
    return sign * (triangle(at, 80, 22, size / 6) + triangle(at, 150, 10, size) -
                   triangle(at, 165, 9, size / 4) + triangle(at, 300, 55, size / 4)) +
           wander;
}

static int32_t noise(uint64_t *random, int32_t size)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < 4; i++)
        sum += xw_signal_draw(random) % (uint32_t)(2 * size + 1);
    return (int32_t)(sum / 4 - size);
}

static int32_t halves_rounded(int32_t halves)
{
    return halves >= 0 ? (halves + 1) / 2 : -((1 - halves) / 2);
}

static int32_t lead(const int32_t *row, size_t i, size_t channel, uint64_t *random)
{
    int32_t one = channel ? row[0] : 0, two = channel > 1 ? row[1] : 0;
    switch (channel) {
    case 2:
        return two - one;
    case 3:
        return halves_rounded(-one - two);
    case 4:
        return halves_rounded(2 * one - two);
    case 5:
        return halves_rounded(2 * two - one);
    default:
        return beat(i, channel) + noise(random, 6);
    }
}

static int32_t sentinel(size_t i, size_t channel, int32_t good)
{
    size_t at = (i + 37 * channel) % 1500;
    return at < 200 ? INT16_MIN : at > 700 && at < 705 ? INT32_MIN : good;
}

static int32_t step(size_t i, size_t channel)
{
    size_t part = i / 150 % 4;
    int32_t level = (int32_t)((i / 150 + channel) * 2654435761U % 40000U) - 20000;
    return part == 0 ? 0 : part == 1 ? level : part == 2 ? level + (int32_t)(i % 150) * 9 : -5;
}

static int32_t value(enum xw_signal_kind kind, const int32_t *row, size_t i, size_t channel,
                     uint64_t *random)
{
    switch (kind) {
    case XW_SIGNAL_LEADS:
        return lead(row, i, channel, random);
    case XW_SIGNAL_LEAD_OFF: {
        int32_t good = lead(row, i, channel, random);
        return i / 300 % 2 && channel == 3 ? good + noise(random, 4000) : good;
    }
    case XW_SIGNAL_NOISE_12:
        return noise(random, 2047);
    case XW_SIGNAL_NOISE_24:
        return noise(random, (1 << 23) - 1) + 1000000000;
    case XW_SIGNAL_NOISE_32:
        return (int32_t)xw_signal_draw(random);
    case XW_SIGNAL_EXTREMES:
        return (i / 9 % 2 ? i : xw_signal_draw(random)) % 2 ? INT32_MAX : INT32_MIN;
    case XW_SIGNAL_SENTINELS:
        return sentinel(i, channel, beat(i, channel) + noise(random, 4));
    case XW_SIGNAL_STEPS:
        return step(i, channel);
    case XW_SIGNAL_SLOW:
        return i % 90 < 8 ? -1 : 560 + triangle((int32_t)(i % 300), 60, 50, 80) + noise(random, 3);
    default:
        return (int32_t)channel * 1000 - 3;
    }
}

void xw_signal_fill(enum xw_signal_kind kind, uint64_t seed, int32_t *x, size_t channels_n,
                    size_t rows_n)
{
    uint64_t random = seed * 2 + 1;
    for (size_t i = 0; i < rows_n; i++)
        for (size_t c = 0; c < channels_n; c++)
            x[i * channels_n + c] = value(kind, x + i * channels_n, i, c, &random);
}
