/* Fibrillation of ventricles and atria, and flutter: an oscillator a direction of space, whose
 * frequency and height wander by chance from one grid point to the next. */
#include <math.h>

#include "dsp/synth/synth_internal.h"

#define TWO_PI 6.283185307179586

/* Ventricular fibrillation: two waves a direction of space that beat against each other. */
static const struct {
    double hz;
    float mv;
} ventricles[XW_SYNTH_FIB_N] = {{5.2, 0.26f}, {4.6, 0.32f}, {5.7, 0.24f},
                                {3.4, 0.17f}, {6.6, 0.19f}, {4.1, 0.16f}};

/* Atrial waves are strongest to the front and right, where V1 looks from. */
static const struct xw_synth_vector atria = {-0.016f, 0.040f, -0.062f};

/* Flutter waves: a saw, downward where the feet look from, small in front. */
static const struct xw_synth_vector flutter = {-0.012f, -0.110f, -0.035f};

void xw_synth_fib_init(struct xw_synth *s)
{
    s->fib_rng.state = s->config.seed ^ UINT64_C(0x666962);
    for (int i = 0; i < XW_SYNTH_FIB_N; i++) {
        s->fib[i] =
            (struct xw_synth_oscillator){.phase = TWO_PI * xw_synth_rng_uniform(&s->fib_rng),
                                         .hz = ventricles[i].hz,
                                         .swell = 1};
    }
    s->af.hz = 6.1 + 0.9 * xw_synth_rng_uniform(&s->fib_rng);
}

/* A random walk that is pulled back to `home`. */
static double wander(struct xw_synth_rng *rng, double value, double home, double pull, double step)
{
    return value + pull * (home - value) + step * (double)xw_synth_rng_normal(rng);
}

static void approach(float *gain, bool on, float rate)
{
    *gain += ((on ? 1.0f : 0.0f) - *gain) * rate;
    if (!on && *gain < 1e-4f)
        *gain = 0;
}

static void step_ventricles(struct xw_synth *s)
{
    for (int i = 0; i < XW_SYNTH_FIB_N; i++) {
        struct xw_synth_oscillator *o = &s->fib[i];
        o->hz = wander(&s->fib_rng, o->hz, ventricles[i].hz, 0.05, 0.16);
        double swell = wander(&s->fib_rng, (double)o->swell, 1, 0.04, 0.09);
        o->swell = swell < 0.15 ? 0.15f : (float)swell;
        o->turn = TWO_PI * o->hz / s->rate_hz;
        o->amplitude.step =
            (s->fib_gain * ventricles[i].mv * o->swell - o->amplitude.value) / (float)s->grid_n;
    }
}

static void step_atria(struct xw_synth *s)
{
    double dt = (double)s->grid_n / s->rate_hz;
    struct xw_synth_oscillator *o = &s->af;
    s->af_drift = fmod(
        s->af_drift + TWO_PI * 0.31 * dt + 0.05 * (double)xw_synth_rng_normal(&s->fib_rng), TWO_PI);
    o->turn = TWO_PI * (o->hz + 0.5 * sin(s->af_drift)) / s->rate_hz;
    double height = (double)s->af_gain * (1 + 0.3 * cos(2 * s->af_drift));
    o->amplitude.step = ((float)height - o->amplitude.value) / (float)s->grid_n;
}

/* Its phase hangs on the sample alone, so that the beats can keep to it. */
static void step_flutter(struct xw_synth *s)
{
    struct xw_synth_oscillator *o = &s->afl;
    if (s->rhythm == XW_SYNTH_AFL) /* while it fades the rate is that of what came after it */
        o->hz = xw_synth_flutter_hz(s->rate_bpm);
    o->turn = TWO_PI * o->hz / s->rate_hz;
    o->phase = TWO_PI * fmod((double)s->position * o->hz / s->rate_hz, 1);
    o->amplitude.step = (s->afl_gain - o->amplitude.value) / (float)s->grid_n;
}

void xw_synth_fib_step(struct xw_synth *s)
{
    double dt = (double)s->grid_n / s->rate_hz;
    approach(&s->fib_gain, s->rhythm == XW_SYNTH_VF, (float)(dt / 0.25));
    approach(&s->af_gain, s->rhythm == XW_SYNTH_AF, (float)(dt / 0.4));
    approach(&s->afl_gain, s->rhythm == XW_SYNTH_AFL, (float)(dt / 0.4));
    s->afl_active = s->afl_gain > 0 || s->afl.amplitude.value > 0;
    s->fib_active = s->fib_gain > 0 || s->fib[0].amplitude.value > 0;
    s->af_active = s->af_gain > 0 || s->af.amplitude.value > 0;
    if (s->fib_active)
        step_ventricles(s);
    if (s->af_active)
        step_atria(s);
    if (s->afl_active)
        step_flutter(s);
}

static double turn(struct xw_synth_oscillator *o)
{
    o->phase += o->turn;
    if (o->phase > TWO_PI)
        o->phase -= TWO_PI;
    o->amplitude.value += o->amplitude.step;
    return o->phase;
}

void xw_synth_fib_add(struct xw_synth *s, struct xw_synth_vector *dipole)
{
    if (s->fib_active) {
        float v[3] = {0};
        for (int i = 0; i < XW_SYNTH_FIB_N; i++) { /* they lean: no sines */
            double phase = turn(&s->fib[i]);
            v[i % 3] +=
                s->fib[i].amplitude.value * (float)(sin(phase) + 0.3 * sin(2 * phase + 0.7 * i));
        }
        dipole->x += v[0];
        dipole->y += v[1];
        dipole->z += v[2];
    }
    if (s->afl_active) {
        double phase = turn(&s->afl);
        float wave = s->afl.amplitude.value * (float)(sin(phase) + 0.4 * sin(2 * phase));
        dipole->x += flutter.x * wave;
        dipole->y += flutter.y * wave;
        dipole->z += flutter.z * wave;
    }
    if (s->af_active) { /* steep one way, slow the other */
        double phase = turn(&s->af);
        float wave = s->af.amplitude.value * (float)(sin(phase) + 0.35 * sin(2 * phase));
        dipole->x += atria.x * wave;
        dipole->y += atria.y * wave;
        dipole->z += atria.z * wave;
    }
}
