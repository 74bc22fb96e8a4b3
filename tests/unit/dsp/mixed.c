/* A mixed signal: another scene, noise, electrodes, flag, hole or gap every five seconds. */
#include "unit/dsp/mixed.h"

#include <math.h>
#include <string.h>

enum { CHANNELS = XW_SYNTH_LEADS_N, BLOCK = 50 };

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void on_event(void *user, const struct xw_ecg_event *e)
{
    struct xw_mixed *m = user;
    m->events_n++;
    bool good = isfinite(e->hr_bpm) && isfinite(e->rr_ms) && isfinite(e->confidence) &&
                e->first >= 0 && e->end >= e->first && e->evidence_n <= XW_ECG_EVIDENCE_MAX &&
                e->rule;
    for (unsigned i = 0; good && i < e->evidence_n; i++)
        good = isfinite(e->evidence[i].measured) && isfinite(e->evidence[i].limit);
    for (unsigned c = 0; good && c < XW_ECG_CHANNELS_MAX; c++)
        good = isfinite(e->lead_value[c]);
    m->events_bad_n += !good;
}

int xw_mixed_init(struct xw_mixed *m, unsigned rate_hz, uint64_t seed)
{
    struct xw_synth_config patient;
    struct xw_ecg_config config = {.rate_num = rate_hz, .rate_den = 1, .channels_n = CHANNELS};
    memset(m, 0, sizeof(*m));
    m->rate_hz = rate_hz;
    m->random = seed;
    xw_synth_config_init(&patient);
    patient.rate_num = rate_hz;
    patient.rate_den = 1;
    patient.seed = seed;
    config.on_event = on_event;
    config.user = m;
    for (unsigned c = 0; c < CHANNELS; c++) {
        config.channels[c] = (struct xw_ecg_channel){
            .lead = xw_ecg_lead_from_name(xw_synth_lead_name((enum xw_synth_lead)c)),
            .gain_counts_per_mv = 1000,
            .has_invalid = true,
            .invalid_counts = -32768,
            .has_limits = true,
            .min_counts = -32767,
            .max_counts = 32767};
    }
    int result = xw_synth_new(&patient, &m->patient);
    return result < 0 ? result : xw_ecg_chain_new(&config, &m->chain);
}

void xw_mixed_done(struct xw_mixed *m)
{
    xw_ecg_chain_free(m->chain);
    xw_synth_free(m->patient);
}

static void change(struct xw_mixed *m)
{
    uint64_t r = next_random(&m->random);
    unsigned scenes_n = 0;
    while (xw_synth_scene_name(scenes_n))
        scenes_n++;
    if (!scenes_n)
        return;
    struct xw_synth_noise noise;
    xw_synth_get_noise(m->patient, &noise);
    noise.mains_mv = r & 1 ? 0.5F : 0.0F;
    noise.emg_mv = r & 2 ? 0.1F : 0.0F;
    noise.motion_mv = r & 4 ? 1.0F : 0.0F;
    int failed = xw_synth_set_noise(m->patient, &noise);
    failed |= xw_synth_set_scene(m->patient, xw_synth_scene_name((unsigned)(r >> 8) % scenes_n));
    failed |= xw_synth_set_electrodes_off(m->patient,
                                          (r >> 16 & 7) == 0 ? (uint32_t)(r >> 20) & 0x1ff : 0);
    m->events_bad_n += failed != 0;
    xw_ecg_chain_set_lead_off(m->chain, (r >> 32 & 7) == 0 ? (uint32_t)(r >> 36) & 0xfff : 0);
    if ((r >> 48 & 15) == 0) {
        m->index += (int64_t)(r >> 52 & 15) * m->rate_hz;
        xw_ecg_chain_gap(m->chain, m->index);
    } else if ((r >> 48 & 15) == 1) {
        xw_ecg_chain_flush(m->chain);
        xw_ecg_chain_reset(m->chain, m->index);
    }
}

/* Rails, sentinels and steps, written over the patient's samples. */
static void spoil(struct xw_mixed *m, int32_t *rows)
{
    uint64_t r = next_random(&m->random);
    if ((r & 63) > 3)
        return;
    for (unsigned i = 0; i < BLOCK; i++)
        for (unsigned c = 0; c < CHANNELS; c++)
            if (r >> 8 & 1U << c)
                rows[i * CHANNELS + c] = (r & 63) == 0   ? -32768
                                         : (r & 63) == 1 ? 32767
                                         : (r & 63) == 2 ? rows[i * CHANNELS + c] + 5000
                                                         : (int32_t)next_random(&m->random);
}

void xw_mixed_play(struct xw_mixed *m, unsigned seconds)
{
    int32_t rows[BLOCK * CHANNELS];
    for (uint64_t at = 0; at < (uint64_t)seconds * m->rate_hz; at += BLOCK) {
        if (at / m->rate_hz % 5 == 0 && at % m->rate_hz < BLOCK)
            change(m);
        xw_synth_read(m->patient, rows, BLOCK);
        spoil(m, rows);
        xw_ecg_chain_process(m->chain, rows, BLOCK);
        m->index += BLOCK;
    }
}
