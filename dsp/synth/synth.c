/* One synthetic patient: its life, its settings, and the reading of samples. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/synth/synth_internal.h"

void xw_synth_config_init(struct xw_synth_config *config)
{
    *config = (struct xw_synth_config){.rate_num = 500,
                                       .rate_den = 1,
                                       .seed = 1,
                                       .gain_num = 1000,
                                       .gain_den = 1,
                                       .count_min = -32767,
                                       .count_max = 32767};
}

static int take_config(struct xw_synth *s, const struct xw_synth_config *config)
{
    s->config = *config;
    if (!config->rate_num || !config->rate_den || !config->gain_num || !config->gain_den ||
        config->channels_n > XW_SYNTH_MAX_CHANNELS || config->count_min >= config->count_max)
        return -EINVAL;
    s->rate_hz = (double)config->rate_num / config->rate_den;
    s->counts_per_mv = (float)config->gain_num / (float)config->gain_den;
    if (s->rate_hz < 100 || s->rate_hz > 8000 || s->counts_per_mv > 1e6f)
        return -EINVAL;
    if (config->channels_n == 0) {
        s->config.channels_n = XW_SYNTH_LEADS_N;
        for (unsigned i = 0; i < XW_SYNTH_LEADS_N; i++)
            s->config.channels[i] = (uint8_t)i;
    }
    for (unsigned i = 0; i < s->config.channels_n; i++) {
        if (s->config.channels[i] >= XW_SYNTH_LEADS_N)
            return -EINVAL;
    }
    s->grid_n = (uint32_t)lround(s->rate_hz * 0.02); /* 2 to 160 */
    return 0;
}

int xw_synth_new(const struct xw_synth_config *config, struct xw_synth **ret_synth)
{
    struct xw_synth *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    int e = take_config(s, config);
    if (e == 0) {
        uint32_t ring_n = 1; /* the longest wave, a wide beat with its T, takes 0.7 s */
        while (ring_n < s->rate_hz)
            ring_n *= 2;
        s->ring_mask = ring_n - 1;
        s->ring = calloc(ring_n, sizeof(*s->ring));
        e = s->ring ? 0 : -ENOMEM;
    }
    if (e < 0) {
        xw_synth_free(s);
        return e;
    }
    xw_synth_leads_init(s);
    xw_synth_noise_init(s);
    xw_synth_fib_init(s);
    xw_synth_rhythm_init(s);
    *ret_synth = s;
    return 0;
}

void xw_synth_free(struct xw_synth *synth)
{
    if (!synth)
        return;
    free(synth->ring);
    free(synth);
}

/* Events happen at the next sample; they are told when it is read. */
static void tell_later(struct xw_synth *s, enum xw_synth_event_kind kind)
{
    uint32_t off = 0;
    for (unsigned i = 0; i < XW_SYNTH_ELECTRODES_N; i++)
        off |= s->electrodes[i].off ? 1u << i : 0;
    struct xw_synth_event event = {.sample = s->position,
                                   .kind = kind,
                                   .rhythm = s->rhythm,
                                   .electrodes_off = off,
                                   .leads_off = xw_synth_leads_off(s),
                                   .arms_reversed = s->arms_reversed};
    for (unsigned i = 0; i < s->events_n; i++) { /* set twice at one sample: the last one holds */
        if (s->events[i].kind == kind && s->events[i].sample == event.sample) {
            s->events[i] = event;
            return;
        }
    }
    if (s->events_n < XW_SYNTH_MAX_EVENTS)
        s->events[s->events_n++] = event;
}

int xw_synth_set_rhythm(struct xw_synth *synth, enum xw_synth_rhythm_kind kind, float rate_bpm)
{
    if ((unsigned)kind >= XW_SYNTH_RHYTHMS_N || !(rate_bpm == 0 || rate_bpm >= 20) ||
        rate_bpm > 300)
        return -EINVAL;
    synth->rhythm = kind;
    synth->rate_bpm = rate_bpm > 0 ? rate_bpm : xw_synth_rhythm_default_bpm(kind);
    xw_synth_rhythm_change(synth);
    tell_later(synth, XW_SYNTH_RHYTHM);
    return 0;
}

int xw_synth_set_rate(struct xw_synth *synth, float rate_bpm)
{
    if (!(rate_bpm >= 20 && rate_bpm <= 300))
        return -EINVAL;
    synth->rate_bpm = rate_bpm;
    return 0;
}

int xw_synth_set_ectopy(struct xw_synth *synth, enum xw_synth_ectopy ectopy)
{
    if ((unsigned)ectopy >= XW_SYNTH_ECTOPIES_N)
        return -EINVAL;
    synth->ectopy = ectopy;
    xw_synth_rhythm_change(synth);
    return 0;
}

int xw_synth_set_st(struct xw_synth *synth, enum xw_synth_st st, float elevation_mv)
{
    if ((unsigned)st >= XW_SYNTH_ST_N || !(elevation_mv >= 0 && elevation_mv <= 1))
        return -EINVAL;
    synth->st = st;
    synth->st_mv = elevation_mv;
    return 0;
}

int xw_synth_set_electrodes_off(struct xw_synth *synth, uint32_t electrodes)
{
    if (electrodes >> XW_SYNTH_ELECTRODES_N)
        return -EINVAL;
    for (unsigned i = 0; i < XW_SYNTH_ELECTRODES_N; i++)
        synth->electrodes[i].off = electrodes >> i & 1;
    tell_later(synth, XW_SYNTH_ELECTRODES);
    return 0;
}

void xw_synth_set_arms_reversed(struct xw_synth *synth, bool reversed)
{
    synth->arms_reversed = reversed;
    tell_later(synth, XW_SYNTH_ELECTRODES);
}

int xw_synth_set_noise(struct xw_synth *synth, const struct xw_synth_noise *noise)
{
    const float mv[] = {noise->sensor_uv / 1000, noise->wander_mv, noise->emg_mv, noise->mains_mv,
                        noise->motion_mv};
    for (unsigned i = 0; i < sizeof(mv) / sizeof(mv[0]); i++) {
        if (!(mv[i] >= 0 && mv[i] <= 20))
            return -EINVAL;
    }
    float hz = noise->mains_hz == 0 ? 50 : noise->mains_hz;
    if (!(hz >= 40 && hz <= 70))
        return -EINVAL;
    synth->noise = *noise;
    synth->noise.mains_hz = hz;
    xw_synth_noise_set_mains(synth);
    return 0;
}

void xw_synth_get_noise(const struct xw_synth *synth, struct xw_synth_noise *ret_noise)
{
    *ret_noise = synth->noise;
}

unsigned xw_synth_channels(const struct xw_synth *synth)
{
    return synth->config.channels_n;
}

uint64_t xw_synth_position(const struct xw_synth *synth)
{
    return synth->position;
}

/* Tells all events of samples before `end`, earliest first. */
static void tell_events(struct xw_synth *s, uint64_t end)
{
    for (;;) {
        unsigned first = s->events_n;
        for (unsigned i = 0; i < s->events_n; i++) {
            if (s->events[i].sample < end &&
                (first == s->events_n || s->events[i].sample < s->events[first].sample))
                first = i;
        }
        if (first == s->events_n)
            return;
        struct xw_synth_event event = s->events[first];
        s->events_n--;
        memmove(s->events + first, s->events + first + 1,
                (s->events_n - first) * sizeof(s->events[0]));
        if (s->config.on_event)
            s->config.on_event(s->config.user, &event);
    }
}

static void read_sample(struct xw_synth *s, int32_t *ret_row)
{
    float potentials_mv[XW_SYNTH_ELECTRODES_N];
    struct xw_synth_vector *cell = &s->ring[s->position & s->ring_mask];
    struct xw_synth_vector dipole = *cell;
    *cell = (struct xw_synth_vector){0};
    s->breath_gain.value += s->breath_gain.step;
    dipole.x *= s->breath_gain.value;
    dipole.y *= s->breath_gain.value;
    dipole.z *= s->breath_gain.value;
    xw_synth_fib_add(s, &dipole);
    xw_synth_leads_project(s, &dipole, potentials_mv);
    xw_synth_noise_add(s, potentials_mv);
    xw_synth_leads_quantise(s, potentials_mv, ret_row);
    s->position++;
}

void xw_synth_read(struct xw_synth *synth, int32_t *ret_rows, size_t rows_n)
{
    const uint32_t grid_n = synth->grid_n ? synth->grid_n : 1;
    while (rows_n) {
        uint32_t into = (uint32_t)(synth->position % grid_n);
        if (into == 0) {
            xw_synth_noise_step(synth);
            xw_synth_fib_step(synth);
            xw_synth_rhythm_step(synth, synth->position);
        }
        size_t n = grid_n - into;
        n = n < rows_n ? n : rows_n;
        for (size_t i = 0; i < n; i++, ret_rows += synth->config.channels_n)
            read_sample(synth, ret_rows);
        rows_n -= n;
        tell_events(synth, synth->position);
    }
}
