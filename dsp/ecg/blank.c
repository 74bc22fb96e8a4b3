/* Pulses of the last few samples; see blank.h. */
#include "dsp/ecg/blank.h"

#include <math.h>

enum { MASK = XW_ECG_BLANK_RING - 1, CALM_MAX = 16 };
_Static_assert(XW_ECG_BLANK_REACH_MAX + 1 + CALM_MAX < XW_ECG_BLANK_RING, "what is looked at");
static const double REACH_S = 0.008, CALM_S = 0.008, RATE_MIN_HZ = 240;
static const float STEEP_UV = 60;  /* a sample from the next; what is calmer ends no pulse */
static const float LEAST_UV = 300; /* off the line between its sides */
static const float BACK = 0.2F;    /* its sides differ by no more of it, */
static const float BACK_UV = 100;  /* nor, while it may last longer, by more; */
static const float CALM = 0.15F;   /* nor did the line move before it, as hum does */

void xw_ecg_blank_init(struct xw_ecg_blank *b, unsigned leads_n, double rate_hz, float decay,
                       const struct xw_ecg_mains *mains)
{
    unsigned most = xw_ecg_mains_delay(mains);
    most = most < XW_ECG_BLANK_REACH_MAX ? most : XW_ECG_BLANK_REACH_MAX;
    b->leads_n = leads_n;
    b->lanes = xw_dsp_lanes(leads_n);
    b->decay = decay;
    b->reach_n = rate_hz >= RATE_MIN_HZ ? (unsigned)lround(REACH_S * rate_hz) : 0;
    b->reach_n = b->reach_n < most ? b->reach_n : most;
    b->calm_n = (unsigned)ceil(CALM_S * rate_hz);
    b->calm_n = b->calm_n < CALM_MAX ? b->calm_n : CALM_MAX;
    xw_ecg_blank_reset(b);
}

void xw_ecg_blank_reset(struct xw_ecg_blank *b)
{
    b->at = b->steep_left = 0;
    b->n = 0;
    b->pulses_n = 0;
    memset(b->steep, 0, sizeof(b->steep));
    b->bad = b->spared = 0;
    memset(b->good_n, 0, sizeof(b->good_n));
    memset(b->rail_n, 0, sizeof(b->rail_n));
}

static float past(const struct xw_ecg_blank *b, unsigned ago, unsigned c)
{
    return b->uv[(b->at - ago) & MASK][c];
}

/* How far the last n samples lie off the line between their sides, where all lie on one side. */
static float size_of(const struct xw_ecg_blank *b, unsigned c, unsigned n, float now, float side)
{
    float low = INFINITY, high = -INFINITY, slope = (now - side) / (float)(n + 1);
    for (unsigned i = 1; i <= n; i++) {
        float off = past(b, i, c) - now + slope * (float)i;
        low = xw_min(low, off);
        high = xw_max(high, off);
    }
    return low > 0 ? high : high < 0 ? -low : 0;
}

/* Did the line hardly move until the sample `ago`? */
static bool was_calm(const struct xw_ecg_blank *b, unsigned c, unsigned ago, float size)
{
    for (unsigned i = 0; i < b->calm_n; i++)
        if (fabsf(past(b, ago + i, c) - past(b, ago + i + 1, c)) > CALM * size)
            return false;
    return true;
}

/* Samples of a pulse that is over with `now`, 0: none is. */
static unsigned pulse_before(const struct xw_ecg_blank *b, unsigned c, float now)
{
    for (unsigned n = 1; n <= b->reach_n && n + 1 + b->calm_n <= b->good_n[c]; n++) {
        float side = past(b, n + 1, c), apart = fabsf(now - side);
        if (n < b->reach_n && apart > BACK_UV)
            continue;
        float size = size_of(b, c, n, now, side);
        if (size >= LEAST_UV && apart <= BACK * size && was_calm(b, c, n + 1, size))
            return n;
    }
    return 0;
}

/* The last n samples of a lead become the line from `side`, which is before them, by `slope`. */
static void amend(struct xw_ecg_blank *b, struct xw_ecg_mains *mains, unsigned c, unsigned n,
                  float slope, float *last, float *level)
{
    float side = past(b, n + 1, c), before = side;
    float now = b->level[(b->at - n - 1) & MASK][c];
    for (unsigned ago = n; ago > 0; ago--) {
        float uv = side + slope * (float)(n + 1 - ago);
        unsigned at = (b->at - ago) & MASK;
        now = b->decay * (now + (uv - before));
        before = uv;
        b->uv[at][c] = uv;
        b->level[at][c] = now;
        xw_ecg_mains_amend(mains, c, ago, now);
    }
    last[c] = before;
    level[c] = now;
}

/* A rail that was reached out of a calm line, and not for longer than a pulse. */
static bool may_be_pulse(const struct xw_ecg_blank *b, unsigned c, float now)
{
    if (b->rail_n[c])
        return b->rail_n[c] < b->reach_n;
    for (unsigned n = 1; n <= b->reach_n && n + b->calm_n <= b->good_n[c]; n++) {
        float jump = fabsf(now - past(b, n, c));
        if (jump >= LEAST_UV && was_calm(b, c, n, jump))
            return true;
    }
    return false;
}

/* Leads that were steep now or within the reach of a pulse. */
static uint32_t find_steep(struct xw_ecg_blank *b, const float *uv)
{
    const float *before = b->uv[(b->at - 1) & MASK];
    uint32_t steep = 0;
    for (unsigned c = 0; c < b->lanes; c += XW_DSP_LANE_QUANTUM)
        steep |=
            (uint32_t)xw_quad_bits(xw_quad_abs(xw_quad_load(uv + c) - xw_quad_load(before + c)) >
                                   xw_quad_all(STEEP_UV))
            << c;
    b->steep[b->at & MASK] = steep;
    b->steep_left = steep ? b->reach_n + 1 : b->steep_left;
    if (!b->steep_left)
        return 0;
    b->steep_left--;
    for (unsigned ago = 1; ago <= b->reach_n; ago++)
        steep |= b->steep[(b->at - ago) & MASK];
    return steep;
}

/* Other leads show the same one, some a sample earlier or later. */
static void note_pulse(struct xw_ecg_blank *b, int64_t at)
{
    int64_t *last = &b->pulse_at[(b->pulses_n - 1) % XW_ECG_BLANK_PULSES];
    if (b->pulses_n && at - *last <= (int64_t)b->reach_n) {
        *last = at < *last ? at : *last;
        return;
    }
    b->pulse_at[b->pulses_n++ % XW_ECG_BLANK_PULSES] = at;
}

int64_t xw_ecg_blank_pulse(const struct xw_ecg_blank *b, int64_t first, int64_t end)
{
    for (uint64_t ago = 1; ago <= b->pulses_n && ago <= XW_ECG_BLANK_PULSES; ago++) {
        int64_t at = b->pulse_at[(b->pulses_n - ago) % XW_ECG_BLANK_PULSES];
        if (at < end)
            return at >= first ? at : -1;
    }
    return -1;
}

uint32_t xw_ecg_blank_push(struct xw_ecg_blank *b, struct xw_ecg_mains *mains, const float *uv,
                           uint32_t bad, uint32_t rail, float *last, float *level)
{
    uint32_t spared = 0;
    b->bad = bad;
    for (uint32_t rest = find_steep(b, uv) | bad | b->spared; rest; rest &= rest - 1) {
        unsigned c = (unsigned)__builtin_ctz(rest);
        if (c >= b->leads_n)
            break;
        if (rail >> c & 1 && may_be_pulse(b, c, uv[c])) {
            spared |= 1U << c;
            b->rail_n[c]++;
            continue;
        }
        if (bad >> c & 1) {
            if (b->rail_n[c]) /* it stayed there: as if it had been bad at once */
                amend(b, mains, c, b->rail_n[c], 0, last, level);
            b->rail_n[c] = 0;
            continue;
        }
        b->rail_n[c] = 0;
        unsigned n = pulse_before(b, c, uv[c]);
        if (n) {
            amend(b, mains, c, n, (uv[c] - past(b, n + 1, c)) / (float)(n + 1), last, level);
            note_pulse(b, b->n - n);
        }
    }
    b->bad &= ~spared;
    b->spared = spared;
    return spared;
}

void xw_ecg_blank_keep(struct xw_ecg_blank *b, const float *uv, const float *level)
{
    unsigned at = b->at & MASK;
    xw_quad_copy_frame(b->uv[at], uv, b->lanes);
    xw_quad_copy_frame(b->level[at], level, b->lanes);
    b->at++;
    b->n++;
    for (unsigned c = 0; c < b->leads_n; c++)
        b->good_n[c] = b->bad >> c & 1 ? 0 : b->good_n[c] + (b->good_n[c] < XW_ECG_BLANK_RING);
}
