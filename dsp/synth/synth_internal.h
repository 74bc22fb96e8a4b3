/* The parts of one synthetic patient; private to dsp/synth.
 *
 * Everything that is decided (beats, waves that begin, slow noise) is decided on a grid of about
 * 20 ms counted from sample 0, so that the sizes of reads cannot matter; between grid points only
 * per-sample recurrences run. */
#ifndef XW_SYNTH_INTERNAL_H
#define XW_SYNTH_INTERNAL_H

#include "dsp/synth/synth.h"

enum {
    XW_SYNTH_MAX_GRID = 160, /* samples between two decisions: 20 ms at 8 kHz */
    XW_SYNTH_MAX_PENDING = 32,
    XW_SYNTH_MAX_EVENTS = 16,
    XW_SYNTH_FIB_N = 6,
    XW_SYNTH_INDEPENDENT_N = 8, /* I, II, V1..V6 */
};

/* splitmix64: one word of state, good enough for noise, equal everywhere. */
struct xw_synth_rng {
    uint64_t state;
};

static inline uint64_t xw_synth_rng_next(struct xw_synth_rng *rng)
{
    uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Uniform in [0, 1). */
static inline double xw_synth_rng_uniform(struct xw_synth_rng *rng)
{
    return (double)(xw_synth_rng_next(rng) >> 11) * 0x1p-53;
}

/* About normal, mean 0, deviation 1: four 16-bit uniforms out of one word. */
static inline float xw_synth_rng_normal(struct xw_synth_rng *rng)
{
    uint64_t u = xw_synth_rng_next(rng);
    int32_t sum = (int32_t)(u & 0xffff) + (int32_t)(u >> 16 & 0xffff) +
                  (int32_t)(u >> 32 & 0xffff) + (int32_t)(u >> 48);
    return (float)(sum - 131070) * (1.0f / 37837.2f);
}

struct xw_synth_vector {
    float x; /* to the left */
    float y; /* to the feet */
    float z; /* to the back */
};

enum xw_synth_shape {
    XW_SYNTH_SHAPE_P,
    XW_SYNTH_SHAPE_P_ECTOPIC,
    XW_SYNTH_SHAPE_NARROW,     /* QRS and T by the normal path */
    XW_SYNTH_SHAPE_WIDE_RIGHT, /* from the right ventricle: looks like left bundle branch block */
    XW_SYNTH_SHAPE_WIDE_LEFT,  /* from the left ventricle's apex */
};

/* One wave (P, or QRS with its T) to come. */
struct xw_synth_wave {
    double at; /* sample of the P's middle or of the R peak */
    enum xw_synth_shape shape;
    float rr_s; /* the interval that its T adapts to */
    char label; /* of the beat; 0 for a P */
};

/* A value that moves linearly over one grid step. */
struct xw_synth_ramp {
    float value;
    float step;
};

struct xw_synth_oscillator { /* of fibrillation */
    double phase;
    double turn; /* radians a sample */
    double hz;
    float swell;
    struct xw_synth_ramp amplitude; /* mV */
};

struct xw_synth_biquad {
    float b0, a1, a2; /* b1 = 0, b2 = -b0 */
};

struct xw_synth_electrode_state {
    struct xw_synth_ramp slow; /* wander + motion, mV */
    float wander[2];           /* two poles of slow noise */
    float motion[2];
    float breath_share;
    float mains_share;
    float emg[4];                 /* x and y of the last two samples */
    float hum;                    /* mains, mV: more on an electrode that hangs free */
    struct xw_synth_ramp contact; /* 1 on the skin, 0 hanging free */
    struct xw_synth_ramp rail;    /* mV */
    bool off;
    float off_sign;
};

struct xw_synth {
    struct xw_synth_config config;
    double rate_hz;
    float counts_per_mv;
    uint32_t grid_n;
    uint64_t position;

    /* rhythm */
    struct xw_synth_rng beat_rng;
    enum xw_synth_rhythm_kind rhythm;
    float rate_bpm;
    enum xw_synth_ectopy ectopy;
    double last_r;     /* planned or begun */
    double begun_r;    /* the last QRS that has begun */
    double next_p;     /* dissociated atria */
    double earliest_r; /* after a change of rhythm: room for its P */
    float rr_smooth_s;
    unsigned cycle; /* beat within a pattern */
    unsigned until_ectopic;
    struct xw_synth_wave pending[XW_SYNTH_MAX_PENDING];
    unsigned pending_n;
    struct xw_synth_event events[XW_SYNTH_MAX_EVENTS];
    unsigned events_n;

    /* the dipole, rendered ahead into a ring */
    struct xw_synth_vector *ring;
    uint32_t ring_mask;
    enum xw_synth_st st;
    float st_mv;
    float t_scale; /* of this patient */
    double breath_phase;
    double breath_hz;
    struct xw_synth_ramp breath_gain;
    float leads_of[XW_SYNTH_INDEPENDENT_N][3]; /* Dower x this patient's rotation and voltage */

    /* fibrillation */
    struct xw_synth_rng fib_rng;
    struct xw_synth_oscillator fib[XW_SYNTH_FIB_N];
    struct xw_synth_oscillator af, afl;
    float fib_gain; /* 0..1, of ventricles */
    float af_gain;  /* 0..1, of atria */
    float afl_gain; /* the same in flutter */
    double af_drift;
    bool fib_active;
    bool af_active, afl_active;

    /* electrodes */
    struct xw_synth_rng noise_rng;
    struct xw_synth_rng muscle_rng;
    struct xw_synth_noise noise;
    struct xw_synth_electrode_state electrodes[XW_SYNTH_ELECTRODES_N];
    struct xw_synth_biquad emg_filter;
    struct xw_synth_ramp emg_gain;
    float burst;
    float mains_re, mains_im, mains_turn_re, mains_turn_im;
    bool emg_active;
    bool arms_reversed;
};

/* rhythm.c: plan beats far enough ahead of `now`, begin the waves that fall due in this step. */
void xw_synth_rhythm_init(struct xw_synth *s);
void xw_synth_rhythm_step(struct xw_synth *s, uint64_t now);
void xw_synth_rhythm_change(struct xw_synth *s);
double xw_synth_flutter_hz(float rate_bpm);
float xw_synth_rhythm_default_bpm(enum xw_synth_rhythm_kind kind);

/* waves.c: adds a wave to the ring, from now on. */
void xw_synth_wave_render(struct xw_synth *s, const struct xw_synth_wave *wave, uint64_t now);
double xw_synth_wave_onset(const struct xw_synth *s, const struct xw_synth_wave *wave);

/* fibrillation.c */
void xw_synth_fib_init(struct xw_synth *s);
void xw_synth_fib_step(struct xw_synth *s);
void xw_synth_fib_add(struct xw_synth *s, struct xw_synth_vector *dipole);

/* noise.c */
void xw_synth_noise_init(struct xw_synth *s);
void xw_synth_noise_step(struct xw_synth *s);
void xw_synth_noise_set_mains(struct xw_synth *s);
/* Adds one sample of noise to the nine potentials. */
void xw_synth_noise_add(struct xw_synth *s, float *potentials_mv);

/* leads.c */
void xw_synth_leads_init(struct xw_synth *s);
void xw_synth_leads_project(const struct xw_synth *s, const struct xw_synth_vector *dipole,
                            float *ret_potentials_mv);
void xw_synth_leads_quantise(const struct xw_synth *s, const float *potentials_mv,
                             int32_t *ret_row);

#endif
