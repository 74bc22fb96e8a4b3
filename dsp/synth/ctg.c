/* The synthetic labour, sample by sample. */
#include "dsp/synth/ctg.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/synth/synth_internal.h"

#define TWO_PI 6.283185307179586
enum { WAVES_N = 3, NO_RATE = 0, NO_VALUE = -1 };
enum { FLAG_UC_ZERO = 1 << 14, FLAG_MOVEMENT = 1 << 15 };

enum decel { DECEL_NONE, DECEL_EARLY, DECEL_LATE, DECEL_VARIABLE, DECEL_PROLONGED };
enum mixup { MIXUP_NONE, MIXUP_LOSS, MIXUP_POOR, MIXUP_MATERNAL, MIXUP_DOUBLE, MIXUP_HALF };

struct scene {
    const char *name;
    float shift_bpm, variability; /* 1 = usual */
    bool sinusoidal;
    enum decel decel;
    enum mixup mixup;
};

static const struct scene SCENES[] = {
    {"normal", 0, 1, false, DECEL_NONE, MIXUP_NONE},
    {"silent", 0, 0.2F, false, DECEL_NONE, MIXUP_NONE},
    {"tachy", 35, 0.7F, false, DECEL_NONE, MIXUP_NONE},
    {"brady", -40, 0.7F, false, DECEL_NONE, MIXUP_NONE},
    {"sinusoidal", 0, 0, true, DECEL_NONE, MIXUP_NONE},
    {"early", 0, 1, false, DECEL_EARLY, MIXUP_NONE},
    {"late", 0, 0.6F, false, DECEL_LATE, MIXUP_NONE},
    {"variable", 0, 1, false, DECEL_VARIABLE, MIXUP_NONE},
    {"prolonged", 0, 1, false, DECEL_PROLONGED, MIXUP_NONE},
    {"decel", 0, 0.6F, false, DECEL_LATE, MIXUP_NONE},
    {"loss", 0, 1, false, DECEL_NONE, MIXUP_LOSS},
    {"poor", 0, 1, false, DECEL_NONE, MIXUP_POOR},
    {"maternal", 0, 1, false, DECEL_NONE, MIXUP_MATERNAL},
    {"doubling", -40, 0.7F, false, DECEL_NONE, MIXUP_DOUBLE},
    {"halving", 0, 1, false, DECEL_NONE, MIXUP_HALF},
};
enum { SCENES_N = sizeof(SCENES) / sizeof(SCENES[0]) };

/* A bump of the rate: rises over `rise`, holds, falls; times in s. */
struct bump {
    double at, rise, hold, fall, height;
    const char *told; /* NULL once it has begun */
};

struct fetus {
    struct xw_synth_rng rng;
    double baseline, wander, phase[WAVES_N], fine;
    double next_movement;
    struct bump accel, decel;
    bool out;         /* the probe finds nothing now */
    double until;     /* … until then */
    int spike_left_n; /* samples of nonsense */
    double spike_bpm;
};

struct xw_synth_ctg {
    struct xw_synth_ctg_config config;
    double rate_hz;
    uint64_t at;
    const struct scene *scene;
    struct xw_synth_rng rng;
    double shift; /* of the scene, approached slowly */
    double mother, mother_wander;
    double contraction_at, contraction_s, contraction_height; /* its top */
    bool contraction_told, zero_due;
    bool movement;
    struct fetus fetuses[XW_SYNTH_FETUSES_MAX];
};

static void say(struct xw_synth_ctg *c, int fetus, const char *code)
{
    if (c->config.on_event)
        c->config.on_event(c->config.user, c->at, fetus, code);
}

static double between(struct xw_synth_rng *rng, double low, double high)
{
    return low + (high - low) * xw_synth_rng_uniform(rng);
}

static void init_fetus(struct fetus *f, unsigned which, uint64_t seed)
{
    f->rng.state = seed * UINT64_C(0x9e3779b97f4a7c15) + 977 * (which + 1);
    f->baseline = between(&f->rng, 125, 150);
    for (unsigned w = 0; w < WAVES_N; w++)
        f->phase[w] = between(&f->rng, 0, TWO_PI);
    f->next_movement = between(&f->rng, 20, 120);
    f->accel.at = f->decel.at = -1e9;
}

int xw_synth_ctg_new(const struct xw_synth_ctg_config *config, struct xw_synth_ctg **ret_ctg)
{
    double rate_hz = config->rate_den ? (double)config->rate_num / config->rate_den : 0;
    if (!(rate_hz >= 0.5 && rate_hz <= 8) || !config->fetuses_n ||
        config->fetuses_n > XW_SYNTH_FETUSES_MAX)
        return -EINVAL;
    struct xw_synth_ctg *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->config = *config;
    c->rate_hz = rate_hz;
    c->scene = &SCENES[0];
    c->rng.state = config->seed;
    c->mother = between(&c->rng, 72, 92);
    c->contraction_at = between(&c->rng, 60, 150);
    c->contraction_s = 40;
    c->contraction_height = 55;
    c->zero_due = true;
    for (unsigned i = 0; i < config->fetuses_n; i++)
        init_fetus(&c->fetuses[i], i, config->seed);
    *ret_ctg = c;
    return 0;
}

void xw_synth_ctg_free(struct xw_synth_ctg *ctg)
{
    free(ctg);
}

unsigned xw_synth_ctg_channels(const struct xw_synth_ctg *ctg)
{
    return ctg->config.fetuses_n + 3;
}

const char *xw_synth_ctg_code(const struct xw_synth_ctg *ctg, unsigned channel)
{
    static const char *const FHR[] = {"FHR1", "FHR2", "FHR3"};
    static const char *const REST[] = {"MHR", "UC", "FLAGS"};
    unsigned n = ctg->config.fetuses_n;
    return channel < n ? FHR[channel] : channel < n + 3 ? REST[channel - n] : NULL;
}

const char *xw_synth_ctg_scene_name(unsigned index)
{
    return index < SCENES_N ? SCENES[index].name : NULL;
}

/* ---- bumps ---- */

static double raised_cosine(double share)
{
    return 0.5 - 0.5 * cos(TWO_PI / 2 * share);
}

static double bump_bpm(const struct bump *b, double t)
{
    double s = t - b->at;
    if (s <= 0 || s >= b->rise + b->hold + b->fall)
        return 0;
    if (s < b->rise)
        return b->height * raised_cosine(s / b->rise);
    s -= b->rise + b->hold;
    return s < 0 ? b->height : b->height * raised_cosine(1 - s / b->fall);
}

static void plan_decel(struct xw_synth_ctg *c, struct fetus *f, enum decel kind, double top)
{
    static const char *const NAMES[] = {NULL, "early", "late", "variable", "prolonged"};
    struct xw_synth_rng *rng = &f->rng;
    struct bump b = {.told = NAMES[kind]};
    switch (kind) {
    case DECEL_NONE:
        return;
    case DECEL_EARLY: /* mirrors the contraction */
        b = (struct bump){top - 40, 40, 0, 40, between(rng, 12, 22), b.told};
        break;
    case DECEL_LATE: /* begins behind its top, comes back slowly */
        b = (struct bump){top - 5, 38, 5, 45, between(rng, 20, 35), b.told};
        break;
    case DECEL_VARIABLE:
        b = (struct bump){top + between(rng, -30, 20), between(rng, 5, 12),  between(rng, 15, 40),
                          between(rng, 6, 15),         between(rng, 40, 65), b.told};
        break;
    case DECEL_PROLONGED:
        b = (struct bump){top, 25, 180, 60, between(rng, 40, 55), b.told};
        break;
    }
    b.at = fmax(b.at, (double)c->at / c->rate_hz);
    f->decel = b;
}

static void tell_bump(struct xw_synth_ctg *c, int fetus, struct bump *b, double t)
{
    if (b->told && t >= b->at) {
        say(c, fetus, b->told);
        b->told = NULL;
    }
}

/* ---- one sample ---- */

static double contraction(struct xw_synth_ctg *c, double t)
{
    double sigma = c->contraction_s / 2, away = (t - c->contraction_at) / sigma;
    if (away > 4) { /* the next one */
        c->contraction_at += between(&c->rng, 150, 210);
        c->contraction_s = between(&c->rng, 32, 48);
        c->contraction_height = between(&c->rng, 40, 70);
        c->contraction_told = false;
        away = (t - c->contraction_at) / sigma;
    }
    if (!c->contraction_told && away > -4) {
        c->contraction_told = true;
        say(c, -1, "contraction");
        for (unsigned i = 0; i < c->config.fetuses_n; i++)
            if (c->scene->decel != DECEL_PROLONGED)
                plan_decel(c, &c->fetuses[i], c->scene->decel, c->contraction_at);
    }
    return c->contraction_height * exp(-0.5 * away * away);
}

static double variability(struct fetus *f, double dt, float share)
{
    static const double CPM[WAVES_N] = {2.3, 3.7, 5.9}, BPM[WAVES_N] = {3.2, 2.4, 1.4};
    double sum = 0;
    for (unsigned w = 0; w < WAVES_N; w++) {
        f->phase[w] += TWO_PI * CPM[w] / 60 * dt + 0.12 * sqrt(dt) * xw_synth_rng_normal(&f->rng);
        sum += BPM[w] * sin(f->phase[w]);
    }
    f->fine = 0.6 * f->fine + 0.35 * xw_synth_rng_normal(&f->rng);
    return (double)share * (sum + f->fine);
}

static void move(struct xw_synth_ctg *c, int fetus, double t)
{
    struct fetus *f = &c->fetuses[fetus];
    if (t < f->next_movement)
        return;
    f->next_movement = t + between(&f->rng, 60, 240);
    if (c->scene->variability < 0.9F)
        return; /* a compromised fetus is still */
    c->movement = true;
    say(c, fetus, "movement");
    f->accel = (struct bump){t + 1,
                             between(&f->rng, 6, 12),
                             between(&f->rng, 8, 16),
                             between(&f->rng, 8, 14),
                             between(&f->rng, 15, 25),
                             "acceleration"};
}

static double true_bpm(struct xw_synth_ctg *c, unsigned which, double t, double dt)
{
    struct fetus *f = &c->fetuses[which];
    f->wander += -f->wander * dt / 300 + 0.15 * sqrt(dt) * xw_synth_rng_normal(&f->rng);
    double bpm = f->baseline + c->shift + f->wander + variability(f, dt, c->scene->variability);
    if (c->scene->sinusoidal)
        bpm += 6 * sin(TWO_PI * t * 4 / 60);
    move(c, (int)which, t);
    tell_bump(c, (int)which, &f->accel, t);
    tell_bump(c, (int)which, &f->decel, t);
    return bpm + bump_bpm(&f->accel, t) - bump_bpm(&f->decel, t);
}

/* The probe loses the heart now and then; a poor one often, and shows nonsense. */
static bool probe_finds(struct xw_synth_ctg *c, unsigned which, double t, double dt)
{
    struct fetus *f = &c->fetuses[which];
    enum mixup mixup = which == 0 ? c->scene->mixup : MIXUP_NONE;
    double a_second = mixup == MIXUP_POOR ? 0.05 : 0.004;
    double u = xw_synth_rng_uniform(&f->rng), length = between(&f->rng, 1, 9);
    bool out = mixup == MIXUP_LOSS || t < f->until;
    if (!out && u < a_second * dt) {
        f->until = t + length * (mixup == MIXUP_POOR ? 2 : 1);
        out = true;
    } else if (!out && mixup == MIXUP_POOR && u < 3 * a_second * dt) {
        f->spike_left_n = (int)ceil(length / 4 * c->rate_hz);
        f->spike_bpm = between(&f->rng, 60, 210);
    }
    if (out != f->out)
        say(c, (int)which, out ? "loss" : "signal");
    f->out = out;
    return !out;
}

static double shown_bpm(struct xw_synth_ctg *c, unsigned which, double bpm, double mother)
{
    struct fetus *f = &c->fetuses[which];
    enum mixup mixup = which == 0 ? c->scene->mixup : MIXUP_NONE;
    if (f->spike_left_n > 0) {
        f->spike_left_n--;
        return f->spike_bpm;
    }
    if (mixup == MIXUP_MATERNAL)
        return mother + 0.5 * xw_synth_rng_normal(&f->rng);
    return mixup == MIXUP_DOUBLE ? 2 * bpm : mixup == MIXUP_HALF ? bpm / 2 : bpm;
}

static int32_t rate_count(double bpm)
{
    double count = nearbyint(bpm * XW_SYNTH_CTG_RATE_GAIN);
    /* A monitor shows 50 to 240 and nothing beyond. */
    return count < 50 * XW_SYNTH_CTG_RATE_GAIN || count > 240 * XW_SYNTH_CTG_RATE_GAIN
               ? NO_RATE
               : (int32_t)count;
}

static void make_sample(struct xw_synth_ctg *c, int32_t *x)
{
    double dt = 1 / c->rate_hz, t = (double)c->at / c->rate_hz;
    unsigned n = c->config.fetuses_n;
    int32_t flags = 0;
    c->shift += ((double)c->scene->shift_bpm - c->shift) * fmin(dt / 20, 1);
    c->movement = false;
    double uc = contraction(c, t);
    c->mother_wander += -c->mother_wander * dt / 60 + 0.4 * sqrt(dt) * xw_synth_rng_normal(&c->rng);
    double mother = c->mother + c->mother_wander + 0.15 * uc;
    for (unsigned i = 0; i < n; i++) {
        double bpm = true_bpm(c, i, t, dt);
        bool found = probe_finds(c, i, t, dt);
        bool doubtful = c->fetuses[i].spike_left_n > 0 || (i == 0 && c->scene->mixup != MIXUP_NONE);
        x[i] = found ? rate_count(shown_bpm(c, i, bpm, mother)) : NO_RATE;
        flags |= (x[i] == NO_RATE ? 1 : doubtful ? 2 : 3) << (3 * i);
    }
    x[n] = rate_count(mother);
    flags |= 3 << 9 | 2 << 11; /* good, by SpO2 */
    double tone = 10 + uc + 0.6 * xw_synth_rng_normal(&c->rng);
    x[n + 1] = (int32_t)nearbyint(fmin(fmax(tone, 0), 127) * XW_SYNTH_CTG_UC_GAIN);
    if (c->zero_due)
        flags |= FLAG_UC_ZERO;
    if (c->movement)
        flags |= FLAG_MOVEMENT;
    c->zero_due = false;
    x[n + 2] = flags;
}

void xw_synth_ctg_read(struct xw_synth_ctg *ctg, int32_t *ret_x, size_t n)
{
    unsigned channels_n = xw_synth_ctg_channels(ctg);
    for (size_t i = 0; i < n; i++) {
        make_sample(ctg, ret_x + i * channels_n);
        ctg->at++;
    }
}

int xw_synth_ctg_set_scene(struct xw_synth_ctg *ctg, const char *name)
{
    for (unsigned i = 0; i < SCENES_N; i++) {
        if (strcmp(SCENES[i].name, name) != 0)
            continue;
        double t = (double)ctg->at / ctg->rate_hz;
        ctg->scene = &SCENES[i];
        say(ctg, -1, SCENES[i].name);
        if (!strcmp(name, "maternal") || !strcmp(name, "doubling") || !strcmp(name, "halving"))
            ctg->fetuses[0].until = t;
        if (SCENES[i].decel == DECEL_PROLONGED)
            for (unsigned f = 0; f < ctg->config.fetuses_n; f++)
                plan_decel(ctg, &ctg->fetuses[f], DECEL_PROLONGED, t);
        if (!strcmp(name, "decel")) { /* its top in half a minute */
            ctg->contraction_s = 30;
            ctg->contraction_height = 60;
            ctg->contraction_at = t + 30;
            ctg->contraction_told = false;
        }
        return 0;
    }
    return -ENOENT;
}
