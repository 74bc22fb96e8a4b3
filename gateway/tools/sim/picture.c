/* Drawing a simulated sector scan. */
#include "picture.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { DEPTHS = 512, ANGLES = 256, OUTSIDE = 0xffff, SCALE_TICKS = 10, UNIT = 16384 };
#define HALF_ANGLE 0.65
#define HEART_HZ 1.2

size_t xw_picture_bytes(uint32_t width, uint32_t height)
{
    return (size_t)width * height * 3 / 2;
}

static uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/* Rayleigh speckle, smoothed a little across the beam: grains are wider than deep. */
static void make_texture(struct xw_picture *p)
{
    uint64_t state = p->seed;
    for (size_t d = 0; d < DEPTHS; d++) {
        double left = 0.5;
        for (size_t a = 0; a < ANGLES; a++) {
            double u = ((double)(random_next(&state) >> 11) + 1) / 9007199254740993.0;
            left = 0.55 * left + 0.45 * sqrt(-2 * log(u));
            p->texture[d * ANGLES + a] = (uint8_t)XW_MIN(left * 90, 255.0);
        }
    }
}

static void map_sector(struct xw_picture *p)
{
    double apex_x = p->width / 2.0, apex_y = 24, reach = p->height - 40.0;
    for (uint32_t y = 0; y < p->height; y++)
        for (uint32_t x = 0; x < p->width; x++) {
            double dx = x - apex_x, dy = y - apex_y;
            double r = sqrt(dx * dx + dy * dy) / reach, angle = atan2(dx, dy);
            size_t at = (size_t)y * p->width + x;
            bool inside = r > 0.08 && r < 1 && fabs(angle) < HALF_ANGLE;
            p->depth[at] = inside ? (uint16_t)(r * (DEPTHS - 1)) : (uint16_t)OUTSIDE;
            p->angle[at] =
                inside ? (uint16_t)((angle / HALF_ANGLE + 1) / 2 * (ANGLES - 1)) : (uint16_t)0;
        }
}

/* How far each cell of the texture is from the centre of a chamber. */
static void map_chamber(struct xw_picture *p)
{
    for (size_t d = 0; d < DEPTHS; d++)
        for (size_t a = 0; a < ANGLES; a++) {
            double r = (double)d / DEPTHS, angle = ((double)a / ANGLES * 2 - 1) * HALF_ANGLE;
            double x = r * sin(angle) * 1.25, y = r * cos(angle) - 0.55;
            p->chamber[d * ANGLES + a] = (uint16_t)(sqrt(x * x + y * y) * UNIT);
        }
}

int xw_picture_init(struct xw_picture *p, uint32_t width, uint32_t height, uint64_t seed)
{
    if (width < XW_PICTURE_SIZE_MIN || width > XW_PICTURE_SIZE_MAX || height < 240 ||
        height > XW_PICTURE_SIZE_MAX || width % 16 || height % 16)
        return -EINVAL;
    size_t n = (size_t)width * height;
    *p = (struct xw_picture){.width = width, .height = height, .seed = seed};
    p->depth = malloc(n * sizeof(*p->depth));
    p->angle = malloc(n * sizeof(*p->angle));
    p->texture = malloc((size_t)DEPTHS * ANGLES);
    p->chamber = malloc(sizeof(*p->chamber) * DEPTHS * ANGLES);
    if (!p->depth || !p->angle || !p->texture || !p->chamber) {
        xw_picture_done(p);
        return -ENOMEM;
    }
    make_texture(p);
    map_sector(p);
    map_chamber(p);
    return 0;
}

void xw_picture_done(struct xw_picture *p)
{
    free(XW_STEAL(p->depth));
    free(XW_STEAL(p->angle));
    free(XW_STEAL(p->texture));
    free(XW_STEAL(p->chamber));
}

/* Brightness now, in 1/128: a bright ring (the chamber's wall) around a dark inside, which beats;
 * the rest grey, weaker with depth. */
static void make_gain(const struct xw_picture *p, int64_t t_us, uint8_t *gain)
{
    double phase = fmod((double)t_us / 1e6 * HEART_HZ, 1.0);
    double radius = 0.20 + 0.045 * cos(2 * M_PI * phase) + 0.01 * cos(4 * M_PI * phase);
    uint16_t inner = (uint16_t)((radius - 0.02) * UNIT), outer = (uint16_t)((radius + 0.03) * UNIT);
    for (size_t d = 0; d < DEPTHS; d++) {
        uint8_t tissue = (uint8_t)(102 - 57 * d / DEPTHS);
        for (size_t a = 0; a < ANGLES; a++) {
            uint16_t from = p->chamber[d * ANGLES + a];
            gain[d * ANGLES + a] = from < inner ? 15 : from < outer ? 217 : tissue;
        }
    }
}

static void draw_scale(const struct xw_picture *p, uint8_t *pixels)
{
    for (uint32_t i = 0; i <= SCALE_TICKS; i++) {
        uint32_t y = 24 + (p->height - 40) * i / SCALE_TICKS, n = i % 5 ? 8 : 16;
        if (y < p->height)
            memset(pixels + (size_t)y * p->width + p->width - n - 8, 200, n);
    }
}

void xw_picture_draw(const struct xw_picture *p, int64_t t_us, uint8_t *pixels)
{
    uint8_t gain[DEPTHS * ANGLES];
    size_t n = (size_t)p->width * p->height;
    /* Tissue drifts and is squeezed by the beat. */
    size_t shift = (size_t)(8 + 6 * sin(2 * M_PI * HEART_HZ * (double)t_us / 1e6));
    make_gain(p, t_us, gain);
    for (size_t i = 0; i < n; i++) {
        if (p->depth[i] == OUTSIDE) {
            pixels[i] = 16;
            continue;
        }
        size_t d = p->depth[i], a = p->angle[i];
        size_t texel = (d + shift) % DEPTHS * ANGLES + a;
        unsigned v = 16U + (unsigned)p->texture[texel] * gain[d * ANGLES + a] / 128U;
        pixels[i] = (uint8_t)XW_MIN(v, 235U);
    }
    memset(pixels + n, 128, n / 2);
    draw_scale(p, pixels);
}

/* ---- marks ---- */

static void cell(uint8_t *pixels, uint32_t width, uint32_t row, uint32_t column, bool white)
{
    for (uint32_t y = 0; y < XW_PICTURE_CELL; y++)
        memset(pixels + (size_t)(row * XW_PICTURE_CELL + y) * width + column * XW_PICTURE_CELL,
               white ? 235 : 16, XW_PICTURE_CELL);
}

static void strip(uint8_t *pixels, uint32_t width, uint32_t row, uint32_t number)
{
    cell(pixels, width, row, 0, true);
    cell(pixels, width, row, 1, false);
    for (uint32_t i = 0; i < 32; i++)
        cell(pixels, width, row, 2 + i, number >> (31 - i) & 1);
    cell(pixels, width, row, 34, __builtin_parity(number));
    cell(pixels, width, row, 35, true);
}

/* Digits and colon, 3 x 5 dots, row by row from the top, 3 bits each. */
static const uint16_t glyphs[11] = {
    075557, 022222, 071747, 071717, 055711, 074717, 074757, 071111, 075757, 075717, 002020,
};

static void glyph(uint8_t *pixels, uint32_t width, uint32_t x, uint32_t y, unsigned which)
{
    enum { DOT = 3 };
    for (uint32_t i = 0; i < 15; i++)
        if (glyphs[which] >> (14 - i) & 1)
            for (uint32_t k = 0; k < DOT; k++)
                memset(pixels + (size_t)(y + i / 3 * DOT + k) * width + x + i % 3 * DOT, 220, DOT);
}

void xw_picture_mark(uint8_t *pixels, uint32_t width, uint32_t height, uint32_t count,
                     int64_t wall_us)
{
    time_t s = (time_t)(wall_us / 1000000);
    struct tm tm;
    strip(pixels, width, 0, count);
    strip(pixels, width, 1, (uint32_t)(wall_us / 1000));
    gmtime_r(&s, &tm);
    unsigned ms = (unsigned)(wall_us / 1000 % 1000);
    const unsigned text[] = {(unsigned)tm.tm_hour / 10,
                             (unsigned)tm.tm_hour % 10,
                             10,
                             (unsigned)tm.tm_min / 10,
                             (unsigned)tm.tm_min % 10,
                             10,
                             (unsigned)tm.tm_sec / 10,
                             (unsigned)tm.tm_sec % 10,
                             10,
                             ms / 100,
                             ms / 10 % 10,
                             ms % 10};
    for (size_t i = 0; i < XW_ARRAY_N(text); i++)
        glyph(pixels, width, 8 + 12 * (uint32_t)i, height - 24, text[i]);
}

static bool is_white(const uint8_t *luma, uint32_t stride, uint32_t row, uint32_t column)
{
    unsigned sum = 0;
    for (uint32_t y = 2; y < 6; y++)
        for (uint32_t x = 2; x < 6; x++)
            sum +=
                luma[(size_t)(row * XW_PICTURE_CELL + y) * stride + column * XW_PICTURE_CELL + x];
    return sum / 16 > 125;
}

int xw_picture_read(const uint8_t *luma, uint32_t stride, uint32_t row, uint32_t *ret_number)
{
    uint32_t number = 0;
    if (!is_white(luma, stride, row, 0) || is_white(luma, stride, row, 1) ||
        !is_white(luma, stride, row, 35))
        return -EBADMSG;
    for (uint32_t i = 0; i < 32; i++)
        number = number << 1 | is_white(luma, stride, row, 2 + i);
    if (is_white(luma, stride, row, 34) != (bool)__builtin_parity(number))
        return -EBADMSG;
    *ret_number = number;
    return 0;
}
