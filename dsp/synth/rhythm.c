/* Which beat comes when. Cycles are planned about 1.5 s ahead and kept as pending waves; a wave
 * that has begun is rendered whole and stays, one that has not is dropped when the rhythm changes:
 * so a change never tears a complex apart, at worst a P stays without its QRS. */
#include <math.h>
#include <string.h>

#include "dsp/synth/synth_internal.h"

#define PLAN_AHEAD_S 1.5
#define FLUTTER_BPM 300
#define F_TO_R_S 0.13 /* from a flutter wave to the QRS that answers it */
#define PR_S 0.155    /* middle of P to R peak: a PR interval of about 160 ms */

static const float default_bpm[XW_SYNTH_RHYTHMS_N] = {
    [XW_SYNTH_SINUS] = 70, [XW_SYNTH_AF] = 115,  [XW_SYNTH_VT] = 180, [XW_SYNTH_AVB1] = 65,
    [XW_SYNTH_AVB2] = 80,  [XW_SYNTH_AVB3] = 36, [XW_SYNTH_AFL] = 75,
};

float xw_synth_rhythm_default_bpm(enum xw_synth_rhythm_kind kind)
{
    return default_bpm[kind];
}

static void push(struct xw_synth *s, double at, enum xw_synth_shape shape, char label)
{
    if (s->pending_n == XW_SYNTH_MAX_PENDING)
        return; /* cannot be: room for 12 was seen to before planning */
    s->pending[s->pending_n++] =
        (struct xw_synth_wave){.at = at, .shape = shape, .rr_s = s->rr_smooth_s, .label = label};
}

/* The RR interval of the sinus node at sample `at`: breathing, a slow wave of 0.1 Hz (Mayer), and
 * a little chance; less of it when the heart is fast. */
static double sinus_rr_s(struct xw_synth *s, double at, double bpm)
{
    double t = at / s->rate_hz;
    double freedom = bpm > 100 ? 0.25 : 1;
    double change = 0.030 * sin(6.283185307179586 * s->breath_hz * t) +
                    0.015 * sin(6.283185307179586 * 0.1 * t + 1) +
                    0.006 * (double)xw_synth_rng_normal(&s->beat_rng);
    return 60 / bpm * (1 + freedom * change);
}

static void follow_rr(struct xw_synth *s, double rr_s)
{
    s->rr_smooth_s += 0.25f * ((float)rr_s - s->rr_smooth_s);
}

/* R at `interval_s` behind the last one, not before there is room for its P. */
static double next_r(struct xw_synth *s, double interval_s)
{
    double r = s->last_r + interval_s * s->rate_hz;
    return r < s->earliest_r ? s->earliest_r : r;
}

static void add_beat(struct xw_synth *s, double r, enum xw_synth_shape shape, char label)
{
    push(s, r, shape, label);
    s->last_r = r;
}

static void add_sinus_beat(struct xw_synth *s, double interval_s, double pr_s)
{
    double r = next_r(s, interval_s);
    push(s, r - pr_s * s->rate_hz, XW_SYNTH_SHAPE_P, 0);
    add_beat(s, r, XW_SYNTH_SHAPE_NARROW, 'N');
}

static void add_pvc(struct xw_synth *s, double interval_s)
{
    add_beat(s, next_r(s, interval_s), XW_SYNTH_SHAPE_WIDE_RIGHT, 'V');
}

static bool ectopic_due(struct xw_synth *s)
{
    if (s->ectopy == XW_SYNTH_BIGEMINY)
        return s->cycle++ % 2 == 1;
    if (s->ectopy == XW_SYNTH_TRIGEMINY)
        return s->cycle++ % 3 == 2;
    if (s->until_ectopic-- > 0)
        return false;
    s->until_ectopic = 4 + (unsigned)(5 * xw_synth_rng_uniform(&s->beat_rng));
    return true;
}

static void plan_sinus(struct xw_synth *s, double pr_s)
{
    double rr = sinus_rr_s(s, s->last_r, (double)s->rate_bpm);
    follow_rr(s, rr);
    if (s->ectopy == XW_SYNTH_NO_ECTOPY || !ectopic_due(s)) {
        add_sinus_beat(s, rr, pr_s);
        return;
    }
    double early = 0.60 * rr > 0.36 ? 0.60 * rr : 0.36;
    switch (s->ectopy) {
    case XW_SYNTH_APC: { /* resets the sinus node: the pause is not compensatory */
        double r = next_r(s, 0.68 * rr > 0.4 ? 0.68 * rr : 0.4);
        push(s, r - 0.13 * s->rate_hz, XW_SYNTH_SHAPE_P_ECTOPIC, 0);
        add_beat(s, r, XW_SYNTH_SHAPE_NARROW, 'A');
        add_sinus_beat(s, 1.12 * rr, pr_s);
        return;
    }
    case XW_SYNTH_COUPLETS:
        add_pvc(s, early);
        add_pvc(s, early * 0.86);
        add_sinus_beat(s, 1.35 * rr, pr_s);
        return;
    case XW_SYNTH_RUNS:
        add_pvc(s, early);
        for (int i = 0; i < 2; i++)
            add_pvc(s, 0.48);
        add_sinus_beat(s, 1.35 * rr, pr_s);
        return;
    case XW_SYNTH_PAUSES:
        add_sinus_beat(s, 2.6, pr_s);
        return;
    default: /* the sinus beat that falls into the PVC is not conducted: 2 RR from N to N */
        add_pvc(s, early);
        add_sinus_beat(s, 2 * rr - early, pr_s);
        s->cycle = 1; /* bigeminy, trigeminy: that was its first sinus beat */
        return;
    }
}

/* RR of atrial fibrillation: skewed, without memory, bounded below by the AV node. */
static void plan_af(struct xw_synth *s)
{
    double mean = 60 / (double)s->rate_bpm;
    double shortest = 0.58 * mean > 0.27 ? 0.58 * mean : 0.27;
    double u = -log(1 - xw_synth_rng_uniform(&s->beat_rng)) -
               log(1 - xw_synth_rng_uniform(&s->beat_rng)); /* gamma of order 2, mean 2 */
    double rr = shortest + (mean - shortest) * (u > 7 ? 7 : u) / 2;
    follow_rr(s, rr);
    add_beat(s, next_r(s, rr), XW_SYNTH_SHAPE_NARROW, 'N');
}

/* Atria that go their own way, up to the last beat planned. */
static void plan_free_atria(struct xw_synth *s, double bpm)
{
    double pp = 60 / bpm * s->rate_hz;
    double earliest = s->earliest_r - 0.1 * s->rate_hz;
    if (s->next_p < earliest)
        s->next_p = earliest;
    while (s->next_p < s->last_r) {
        push(s, s->next_p, XW_SYNTH_SHAPE_P, 0);
        s->next_p += pp;
    }
}

static void plan_vt(struct xw_synth *s)
{
    double rr = 60 / (double)s->rate_bpm;
    rr *= 1 + 0.008 * (double)xw_synth_rng_normal(&s->beat_rng);
    s->rr_smooth_s = (float)rr;
    add_beat(s, next_r(s, rr), XW_SYNTH_SHAPE_WIDE_LEFT, 'V');
    plan_free_atria(s, 78);
}

/* Wenckebach 4:3: PR grows, the fourth P is not conducted. */
static void plan_wenckebach(struct xw_synth *s)
{
    static const double pr_s[] = {0.17, 0.265, 0.315};
    double pp = 60 / (double)s->rate_bpm;
    follow_rr(s, pp);
    double earliest = s->earliest_r - pr_s[0] * s->rate_hz;
    if (s->next_p < earliest) {
        s->next_p = earliest;
        s->cycle = 0;
    }
    push(s, s->next_p, XW_SYNTH_SHAPE_P, 0);
    if (s->cycle % 4 < 3)
        add_beat(s, s->next_p + pr_s[s->cycle % 4] * s->rate_hz, XW_SYNTH_SHAPE_NARROW, 'N');
    else
        s->last_r = s->next_p; /* keeps the plan going; no beat */
    s->next_p += pp * s->rate_hz;
    s->cycle++;
}

static void plan_complete_block(struct xw_synth *s)
{
    double rr = 60 / (double)s->rate_bpm;
    rr *= 1 + 0.01 * (double)xw_synth_rng_normal(&s->beat_rng);
    follow_rr(s, rr);
    add_beat(s, next_r(s, rr), XW_SYNTH_SHAPE_WIDE_RIGHT, 'E');
    plan_free_atria(s, 85);
}

/* How fast the atria flutter if the ventricles beat so often: near 300, a whole number of waves a
 * beat on average. */
double xw_synth_flutter_hz(float rate_bpm)
{
    if (!(rate_bpm > 0))
        return FLUTTER_BPM / 60.0;
    double waves = round(FLUTTER_BPM / (double)rate_bpm);
    waves = waves < 1 ? 1 : waves;
    double bpm = waves * (double)rate_bpm;
    return (bpm < 240 ? 240 : bpm > 340 ? 340 : bpm) / 60;
}

/* Every n-th wave is answered, n even; an odd mean is made of its even neighbours by turns. */
static void plan_flutter(struct xw_synth *s)
{
    double wave = s->rate_hz / xw_synth_flutter_hz(s->rate_bpm);
    long n = lround(60 * s->rate_hz / (double)s->rate_bpm / wave);
    if (n > 2 && n % 2)
        n += s->cycle++ % 2 ? 1 : -1;
    double r = next_r(s, (double)n * wave / s->rate_hz);
    double behind = F_TO_R_S * s->rate_hz;
    r = round((r - behind) / wave) * wave + behind; /* the waves go on from beat to beat */
    follow_rr(s, (r - s->last_r) / s->rate_hz);
    add_beat(s, r, XW_SYNTH_SHAPE_NARROW, 'N');
}

static void plan_cycle(struct xw_synth *s)
{
    switch (s->rhythm) {
    case XW_SYNTH_SINUS:
        plan_sinus(s, PR_S);
        break;
    case XW_SYNTH_AVB1:
        plan_sinus(s, 0.295);
        break;
    case XW_SYNTH_AF:
        plan_af(s);
        break;
    case XW_SYNTH_VT:
        plan_vt(s);
        break;
    case XW_SYNTH_AFL:
        plan_flutter(s);
        break;
    case XW_SYNTH_AVB2:
        plan_wenckebach(s);
        break;
    default:
        plan_complete_block(s);
        break;
    }
}

static bool has_beats(const struct xw_synth *s)
{
    return s->rhythm != XW_SYNTH_VF && s->rhythm != XW_SYNTH_ASYSTOLE;
}

static void announce(struct xw_synth *s, const struct xw_synth_wave *wave)
{
    if (!wave->label || s->events_n == XW_SYNTH_MAX_EVENTS)
        return;
    s->events[s->events_n++] = (struct xw_synth_event){.sample = (uint64_t)llround(wave->at),
                                                       .kind = XW_SYNTH_BEAT,
                                                       .label = wave->label,
                                                       .rhythm = s->rhythm};
}

void xw_synth_rhythm_step(struct xw_synth *s, uint64_t now)
{
    double ahead = (double)now + PLAN_AHEAD_S * s->rate_hz;
    while (has_beats(s) && s->last_r < ahead && s->pending_n + 12 <= XW_SYNTH_MAX_PENDING)
        plan_cycle(s);
    double due = (double)(now + s->grid_n);
    unsigned kept = 0;
    for (unsigned i = 0; i < s->pending_n; i++) {
        const struct xw_synth_wave wave = s->pending[i];
        if (xw_synth_wave_onset(s, &wave) >= due) {
            s->pending[kept++] = wave;
            continue;
        }
        xw_synth_wave_render(s, &wave, now);
        if (wave.label)
            s->begun_r = wave.at;
        announce(s, &wave);
    }
    s->pending_n = kept;
}

void xw_synth_rhythm_change(struct xw_synth *s)
{
    double now = (double)s->position;
    s->pending_n = 0;
    s->last_r = s->begun_r;
    s->earliest_r = now + (PR_S + 0.30) * s->rate_hz;
    s->next_p = now;
    s->cycle = 0;
    s->until_ectopic = 2;
    if (s->rhythm == XW_SYNTH_VT) { /* starts with an early beat, no P to wait for */
        s->earliest_r = now + 0.25 * s->rate_hz;
        double early = s->begun_r + 0.40 * s->rate_hz;
        s->earliest_r = early > s->earliest_r ? early : s->earliest_r;
    }
}

void xw_synth_rhythm_init(struct xw_synth *s)
{
    s->beat_rng.state = s->config.seed ^ UINT64_C(0x6265617473);
    s->rhythm = XW_SYNTH_SINUS;
    s->rate_bpm = default_bpm[XW_SYNTH_SINUS];
    s->rr_smooth_s = 60 / s->rate_bpm;
    s->begun_r = -s->rate_hz;
    xw_synth_rhythm_change(s);
}
