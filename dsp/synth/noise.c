/* What the nine electrodes add: sensor noise, breathing and wander, muscle, mains, motion, and an
 * electrode that comes off and drifts to a rail. Slow parts are worked on the grid and run as
 * straight lines between its points; they have next to nothing above 5 Hz. */
#include <math.h>
#include <string.h>

#include "dsp/synth/synth_internal.h"

#define TWO_PI 6.283185307179586
#define RAIL_MV 60.0f    /* where a free input drifts to: beyond every ADC's range */
#define FREE_HUM_MV 0.8f /* mains picked up by a free cable */

/* Muscle noise: a wide band-pass around 70 Hz, or lower where the rate leaves no room. */
static struct xw_synth_biquad emg_band(double rate_hz)
{
    double hz = rate_hz >= 280 ? 70 : rate_hz / 4;
    double w = TWO_PI * hz / rate_hz;
    double alpha = sin(w) / (2 * 0.6);
    return (struct xw_synth_biquad){.b0 = (float)(alpha / (1 + alpha)),
                                    .a1 = (float)(-2 * cos(w) / (1 + alpha)),
                                    .a2 = (float)((1 - alpha) / (1 + alpha))};
}

void xw_synth_noise_set_mains(struct xw_synth *s)
{
    double w = TWO_PI * (double)s->noise.mains_hz / s->rate_hz;
    s->mains_turn_re = (float)cos(w);
    s->mains_turn_im = (float)sin(w);
}

void xw_synth_noise_init(struct xw_synth *s)
{
    s->noise_rng.state = s->config.seed ^ UINT64_C(0x6e6f697365);
    s->muscle_rng.state = s->config.seed ^ UINT64_C(0x6d7573636c65);
    s->noise = (struct xw_synth_noise){.sensor_uv = 3, .wander_mv = 0.03f, .mains_hz = 50};
    s->emg_filter = emg_band(s->rate_hz);
    s->mains_re = 1;
    s->breath_hz = 0.22 + 0.06 * xw_synth_rng_uniform(&s->noise_rng);
    s->breath_gain.value = 1;
    for (int i = 0; i < XW_SYNTH_ELECTRODES_N; i++) {
        struct xw_synth_electrode_state *e = &s->electrodes[i];
        e->breath_share = (float)(xw_synth_rng_uniform(&s->noise_rng) * 1.6 - 0.8);
        e->mains_share = (float)(0.25 + 0.75 * xw_synth_rng_uniform(&s->noise_rng));
        e->off_sign = xw_synth_rng_uniform(&s->noise_rng) < 0.5 ? -1.0f : 1.0f;
        e->contact.value = 1;
    }
    xw_synth_noise_set_mains(s);
}

static void aim(struct xw_synth_ramp *ramp, float target, uint32_t steps)
{
    ramp->step = (target - ramp->value) / (float)steps;
}

/* Bursts: rises at random about every 6 s, dies away within 1.5 s. */
static float burst_next(struct xw_synth *s, float dt)
{
    s->burst -= s->burst * dt / 0.8f;
    if (xw_synth_rng_uniform(&s->noise_rng) < (double)dt / 6)
        s->burst = 1;
    return s->burst;
}

static void step_electrode(struct xw_synth *s, struct xw_synth_electrode_state *e, float dt,
                           float burst, float breath)
{
    float wander_pole = dt * 1.6f; /* about 0.25 Hz */
    float motion_pole = dt * 18;   /* about 3 Hz */
    float white = xw_synth_rng_normal(&s->noise_rng);
    float move = xw_synth_rng_normal(&s->noise_rng);
    motion_pole = motion_pole > 0.9f ? 0.9f : motion_pole;
    /* Scaled to unit deviation of what two equal poles leave of white noise. */
    e->wander[0] += wander_pole * (white / sqrtf(wander_pole * 0.25f) - e->wander[0]);
    e->wander[1] += wander_pole * (e->wander[0] - e->wander[1]);
    e->motion[0] += motion_pole * (move / sqrtf(motion_pole * 0.25f) - e->motion[0]);
    e->motion[1] += motion_pole * (e->motion[0] - e->motion[1]);
    float slow = s->noise.wander_mv * (0.8f * breath * e->breath_share + 0.5f * e->wander[1]) +
                 s->noise.motion_mv * burst * 0.6f * e->motion[1];
    aim(&e->slow, slow, s->grid_n);
    float contact = e->off ? 0 : 1;
    float rail = e->off ? e->off_sign * RAIL_MV : 0;
    float pace = e->off ? dt / 0.35f : dt / 0.12f; /* the amplifier settles faster than it drifts */
    pace = pace > 1 ? 1 : pace;
    float closer =
        e->contact.value + (contact - e->contact.value) * (dt / 0.05f > 1 ? 1 : dt / 0.05f);
    aim(&e->contact, fabsf(closer - contact) < 1e-3f ? contact : closer, s->grid_n);
    closer = e->rail.value + (rail - e->rail.value) * pace;
    aim(&e->rail, fabsf(closer - rail) < 1e-3f ? rail : closer, s->grid_n);
    e->hum = s->noise.mains_mv * e->mains_share + (1 - e->contact.value) * FREE_HUM_MV;
}

void xw_synth_noise_step(struct xw_synth *s)
{
    float dt = (float)((double)s->grid_n / s->rate_hz);
    s->breath_phase = fmod(s->breath_phase + TWO_PI * s->breath_hz * (double)dt, TWO_PI);
    float breath = (float)sin(s->breath_phase);
    float burst = burst_next(s, dt);
    aim(&s->breath_gain, 1 + 0.035f * breath, s->grid_n);
    aim(&s->emg_gain, s->noise.emg_mv * (0.35f + 0.65f * burst), s->grid_n);
    s->emg_active = s->noise.emg_mv > 0 || s->emg_gain.value > 0;
    for (int i = 0; i < XW_SYNTH_ELECTRODES_N; i++)
        step_electrode(s, &s->electrodes[i], dt, burst, breath);
    /* The mains phasor stays on the unit circle. */
    float norm = 1 / sqrtf(s->mains_re * s->mains_re + s->mains_im * s->mains_im);
    s->mains_re *= norm;
    s->mains_im *= norm;
}

static float muscle(const struct xw_synth_biquad *f, float *m, float x)
{
    float y = f->b0 * (x - m[1]) - f->a1 * m[2] - f->a2 * m[3];
    m[1] = m[0];
    m[0] = x;
    m[3] = m[2];
    m[2] = y;
    return y;
}

void xw_synth_noise_add(struct xw_synth *s, float *potentials_mv)
{
    float re = s->mains_re * s->mains_turn_re - s->mains_im * s->mains_turn_im;
    float im = s->mains_re * s->mains_turn_im + s->mains_im * s->mains_turn_re;
    s->mains_re = re;
    s->mains_im = im;
    float mains = im + 0.08f * (3 * im - 4 * im * im * im); /* with its third harmonic */
    float sensor = s->noise.sensor_uv * 1e-3f;
    s->emg_gain.value += s->emg_gain.step;
    for (int i = 0; i < XW_SYNTH_ELECTRODES_N; i++) {
        struct xw_synth_electrode_state *e = &s->electrodes[i];
        e->slow.value += e->slow.step;
        e->contact.value += e->contact.step;
        e->rail.value += e->rail.step;
        float white = xw_synth_rng_normal(&s->noise_rng);
        float v = potentials_mv[i] * e->contact.value + e->slow.value + e->rail.value +
                  e->hum * mains + sensor * white;
        if (s->emg_active)
            v += s->emg_gain.value * 2.1f *
                 muscle(&s->emg_filter, e->emg, xw_synth_rng_normal(&s->muscle_rng));
        potentials_mv[i] = v;
    }
}
