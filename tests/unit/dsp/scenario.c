/* Synthetic patients for the chain tests. */
#include "unit/dsp/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void xw_recorder_init(struct xw_recorder *r)
{
    memset(r, 0, sizeof(*r));
    r->events = calloc(XW_RECORDER_MAX, sizeof(*r->events));
    r->truth = calloc(XW_TRUTH_MAX, sizeof(*r->truth));
    if (!r->events || !r->truth)
        abort();
}

void xw_recorder_done(struct xw_recorder *r)
{
    free(r->events);
    free(r->truth);
}

void xw_recorder_on_event(void *user, const struct xw_ecg_event *event)
{
    struct xw_recorder *r = user;
    if (r->n == XW_RECORDER_MAX)
        abort();
    r->events[r->n++] = *event;
}

void xw_recorder_on_truth(void *user, const struct xw_synth_event *event)
{
    struct xw_recorder *r = user;
    if (event->kind == XW_SYNTH_BEAT && r->truth_n < XW_TRUTH_MAX)
        r->truth[r->truth_n++] = (int64_t)event->sample;
}

void xw_scenario_config(struct xw_ecg_config *config, unsigned rate_hz, struct xw_recorder *r)
{
    memset(config, 0, sizeof(*config));
    config->rate_num = rate_hz;
    config->rate_den = 1;
    config->channels_n = XW_SYNTH_LEADS_N;
    config->on_event = xw_recorder_on_event;
    config->user = r;
    for (unsigned c = 0; c < XW_SYNTH_LEADS_N; c++) {
        config->channels[c].lead = xw_ecg_lead_from_name(xw_synth_lead_name((enum xw_synth_lead)c));
        config->channels[c].gain_counts_per_mv = 1000;
        config->channels[c].has_invalid = true;
        config->channels[c].invalid_counts = -32768;
        config->channels[c].has_limits = true;
        config->channels[c].min_counts = -32767;
        config->channels[c].max_counts = 32767;
    }
}

struct xw_synth *xw_scenario_patient(unsigned rate_hz, uint64_t seed, struct xw_recorder *r)
{
    struct xw_synth_config config;
    struct xw_synth *patient = NULL;
    xw_synth_config_init(&config);
    config.rate_num = rate_hz;
    config.rate_den = 1;
    config.seed = seed;
    config.on_event = r ? xw_recorder_on_truth : NULL;
    config.user = r;
    if (xw_synth_new(&config, &patient) < 0)
        abort();
    return patient;
}

void xw_scenario_play(struct xw_synth *patient, struct xw_ecg_chain *chain, unsigned rate_hz,
                      double seconds)
{
    int32_t rows[64 * XW_SYNTH_LEADS_N];
    size_t left_n = (size_t)(seconds * rate_hz + 0.5);
    while (left_n) {
        size_t n = left_n < 64 ? left_n : 64;
        xw_synth_read(patient, rows, n);
        xw_ecg_chain_process(chain, rows, n);
        left_n -= n;
    }
}

/* Whether a later word on the same thing exists. */
static bool is_last_word(const struct xw_recorder *r, size_t index)
{
    for (size_t i = index + 1; i < r->n; i++)
        if (r->events[i].sequence == r->events[index].sequence)
            return false;
    return true;
}

size_t xw_recorder_count(const struct xw_recorder *r, enum xw_ecg_kind kind, enum xw_ecg_code code,
                         int64_t first, int64_t end)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct xw_ecg_event *e = &r->events[i];
        if (e->kind == kind && (!code || e->code == code) && e->first >= first && e->first < end &&
            !e->withdrawn && is_last_word(r, i))
            n++;
    }
    return n;
}

const struct xw_ecg_event *xw_recorder_find(const struct xw_recorder *r, enum xw_ecg_kind kind,
                                            enum xw_ecg_code code, int64_t first)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->events[i].kind == kind && r->events[i].code == code && r->events[i].first >= first)
            return &r->events[i];
    return NULL;
}

static bool has_beat_near(const struct xw_recorder *r, int64_t at, int64_t reach)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->events[i].kind == XW_ECG_KIND_BEAT && r->events[i].stage == XW_ECG_STAGE_FINAL &&
            !r->events[i].withdrawn && llabs(r->events[i].first - at) <= reach)
            return true;
    return false;
}

void xw_recorder_score(const struct xw_recorder *r, unsigned rate_hz, int64_t first, int64_t end,
                       size_t *ret_missed, size_t *ret_extra)
{
    int64_t reach = rate_hz / 10;
    size_t missed = 0, extra = 0;
    for (size_t i = 0; i < r->truth_n; i++)
        if (r->truth[i] >= first && r->truth[i] < end && !has_beat_near(r, r->truth[i], reach))
            missed++;
    for (size_t i = 0; i < r->n; i++) {
        const struct xw_ecg_event *e = &r->events[i];
        if (e->kind != XW_ECG_KIND_BEAT || e->stage != XW_ECG_STAGE_FINAL || e->withdrawn ||
            e->first < first || e->first >= end)
            continue;
        bool near = false;
        for (size_t k = 0; k < r->truth_n && !near; k++)
            near = llabs(r->truth[k] - e->first) <= reach;
        extra += !near;
    }
    *ret_missed = missed;
    *ret_extra = extra;
}

uint64_t xw_test_seed(uint64_t otherwise)
{
    const char *given = getenv("XW_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : otherwise;
    printf("seed %llu (XW_SEED)\n", (unsigned long long)seed);
    return seed;
}
