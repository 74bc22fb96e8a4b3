/* The waves of one beat as sums of Gaussians of the dipole, rendered ahead into the ring.
 *
 * The vectors follow the heart's activation: septum to the right and front, free wall of the left
 * ventricle to the left and down, base to the back; recovery to the left, down and front. Times are
 * milliseconds from the R peak (a P's from its middle), widths one standard deviation. */
#include <math.h>

#include "dsp/synth/synth_internal.h"

struct kernel {
    float at_ms;
    float width_ms;
    struct xw_synth_vector v;      /* mV */
    enum { FIXED, RECOVERY } time; /* RECOVERY: scales with the square root of RR */
};

static const struct kernel p_wave[] = {
    {-14, 17, {0.055f, 0.105f, -0.050f}, FIXED}, /* right atrium */
    {16, 19, {0.100f, 0.075f, 0.050f}, FIXED},   /* left atrium */
};

static const struct kernel ectopic_p_wave[] = {
    {-10, 15, {0.030f, -0.070f, 0.030f}, FIXED}, /* from low in the atrium: upwards */
    {14, 16, {0.020f, -0.060f, -0.030f}, FIXED},
};

static const struct kernel narrow[] = {
    {-26, 8.0f, {-0.15f, -0.08f, -0.28f}, FIXED}, /* septum */
    {-6, 9.0f, {0.58f, 0.36f, -0.10f}, FIXED},    /* apex */
    {5, 9.5f, {0.70f, 0.48f, 0.26f}, FIXED},      /* free wall */
    {24, 10.5f, {-0.06f, -0.09f, 0.60f}, FIXED},  /* base */
    {41, 9.0f, {-0.05f, -0.05f, 0.12f}, FIXED},
    {205, 58, {0.115f, 0.070f, -0.075f}, RECOVERY}, /* slow rise of T */
    {283, 37, {0.260f, 0.165f, -0.125f}, RECOVERY}, /* its steeper end */
};

static const struct kernel wide_right[] = {
    {-42, 16, {0.20f, 0.15f, -0.10f}, FIXED},      {-8, 21, {0.62f, 0.85f, 0.42f}, FIXED},
    {26, 24, {0.58f, 0.60f, 0.72f}, FIXED},        {64, 17, {0.08f, -0.08f, 0.24f}, FIXED},
    {210, 62, {-0.22f, -0.22f, -0.24f}, RECOVERY}, {290, 48, {-0.27f, -0.30f, -0.28f}, RECOVERY},
};

static const struct kernel wide_left[] = {
    {-45, 15, {0.10f, -0.12f, -0.20f}, FIXED},  {-6, 22, {-0.55f, -0.80f, -0.62f}, FIXED},
    {30, 25, {-0.66f, -0.62f, -0.26f}, FIXED},  {68, 18, {-0.10f, 0.06f, 0.18f}, FIXED},
    {215, 60, {0.20f, 0.24f, 0.16f}, RECOVERY}, {290, 48, {0.26f, 0.30f, 0.18f}, RECOVERY},
};

/* Current of injury: from the J point on, running into the T wave. Per mV in the lead that shows
 * most (III for the inferior wall, V3 for the anterior one). */
static const struct kernel injury[] = {
    {72, 19, {1, 1, 1}, FIXED},
    {118, 32, {1, 1, 1}, RECOVERY},
    {180, 42, {1, 1, 1}, RECOVERY},
    {255, 46, {1, 1, 1}, RECOVERY},
};
static const float injury_height[] = {0.62f, 0.58f, 0.62f, 0.70f};
static const struct xw_synth_vector injury_of[XW_SYNTH_ST_N] = {
    [XW_SYNTH_ST_INFERIOR] = {-0.17f, 0.77f, 0.13f},
    [XW_SYNTH_ST_ANTERIOR] = {0.26f, -0.25f, -0.63f},
};

static const struct {
    const struct kernel *kernels;
    unsigned n;
    float onset_ms;
} shapes[] = {
#define SHAPE(k, onset)                                                                            \
    {                                                                                              \
        k, sizeof(k) / sizeof((k)[0]), onset                                                       \
    }
    [XW_SYNTH_SHAPE_P] = SHAPE(p_wave, -80),
    [XW_SYNTH_SHAPE_P_ECTOPIC] = SHAPE(ectopic_p_wave, -75),
    [XW_SYNTH_SHAPE_NARROW] = SHAPE(narrow, -62),
    [XW_SYNTH_SHAPE_WIDE_RIGHT] = SHAPE(wide_right, -110),
    [XW_SYNTH_SHAPE_WIDE_LEFT] = SHAPE(wide_left, -110),
};

double xw_synth_wave_onset(const struct xw_synth *s, const struct xw_synth_wave *wave)
{
    return wave->at + shapes[wave->shape].onset_ms * 1e-3 * s->rate_hz;
}

/* Adds one Gaussian over ±4.2 widths; the ends, 0.15 ‰ of its height, are taken off so that it
 * begins and ends at zero. The exponential runs as a recurrence: g' = g·r, r' = r·q. */
static void add_gaussian(struct xw_synth *s, double at, double width, struct xw_synth_vector v,
                         uint64_t now)
{
    double first = ceil(at - 4.2 * width);
    double last = floor(at + 4.2 * width);
    if (first < (double)now)
        first = (double)now;
    if (last > (double)now + s->ring_mask)
        last = (double)now + s->ring_mask;
    if (first > last)
        return;
    const double foot = 1.48e-4;
    double d = (first - at) / width;
    double g = exp(-0.5 * d * d);
    double r = exp(-(d + 0.5 / width) / width);
    double q = exp(-1.0 / (width * width));
    uint64_t end = (uint64_t)last;
    for (uint64_t i = (uint64_t)first; i <= end; i++) {
        struct xw_synth_vector *cell = &s->ring[i & s->ring_mask];
        float f = (float)(g - foot);
        f = f > 0 ? f : 0;
        cell->x += f * v.x;
        cell->y += f * v.y;
        cell->z += f * v.z;
        g *= r;
        r *= q;
    }
}

static void add_kernel(struct xw_synth *s, const struct xw_synth_wave *wave, const struct kernel *k,
                       float height, struct xw_synth_vector v, uint64_t now)
{
    double per_ms = s->rate_hz * 1e-3;
    double stretch = 1;
    if (k->time == RECOVERY) {
        stretch = sqrt((double)wave->rr_s);
        stretch = stretch < 0.58 ? 0.58 : stretch > 1.12 ? 1.12 : stretch;
    }
    add_gaussian(s, wave->at + k->at_ms * stretch * per_ms, k->width_ms * stretch * per_ms,
                 (struct xw_synth_vector){v.x * height, v.y * height, v.z * height}, now);
}

void xw_synth_wave_render(struct xw_synth *s, const struct xw_synth_wave *wave, uint64_t now)
{
    /* No two beats are quite alike. */
    float beat = 1 + 0.012f * xw_synth_rng_normal(&s->beat_rng);
    float recovery = 1 + 0.02f * xw_synth_rng_normal(&s->beat_rng);
    for (unsigned i = 0; i < shapes[wave->shape].n; i++) {
        const struct kernel *k = &shapes[wave->shape].kernels[i];
        float height = k->time == RECOVERY ? s->t_scale * recovery : beat;
        add_kernel(s, wave, k, height, k->v, now);
    }
    if (s->st == XW_SYNTH_ST_NONE || wave->shape != XW_SYNTH_SHAPE_NARROW)
        return;
    for (unsigned i = 0; i < sizeof(injury) / sizeof(injury[0]); i++)
        add_kernel(s, wave, &injury[i], injury_height[i] * s->st_mv, injury_of[s->st], now);
}
