#include "unit/ecg12/patient.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hearing {
    struct xw_patient *patient;
    uint64_t from, to;
    double rate_hz;
};

static void hear(void *user, const struct xw_synth_event *event)
{
    struct hearing *h = user;
    struct xw_patient *p = h->patient;
    if (event->kind != XW_SYNTH_BEAT || event->sample < h->from || event->sample >= h->to ||
        p->truth_n >= 64)
        return;
    p->label[p->truth_n] = event->label;
    p->truth_ms[p->truth_n++] = (double)(event->sample - h->from) * 1000 / h->rate_hz;
}

struct xw_patient *xw_patient_new(const struct xw_patient_wish *wish)
{
    struct xw_patient *p = calloc(1, sizeof(*p));
    unsigned rate = wish->rate_hz ? wish->rate_hz : 500, skip = 20 * rate;
    unsigned rows = (unsigned)((wish->seconds > 0 ? wish->seconds : 10) * rate);
    int32_t *counts = malloc(sizeof(*counts) * rate * XW_SYNTH_LEADS_N);
    struct hearing hearing = {p, skip, skip + rows, rate};
    struct xw_synth_config config;
    struct xw_synth *synth = NULL;
    xw_synth_config_init(&config);
    config.rate_num = rate;
    config.seed = wish->seed ? wish->seed : 1;
    config.on_event = hear;
    config.user = &hearing;
    if (!p || !counts || rows > XW_PATIENT_ROWS_MAX || xw_synth_new(&config, &synth) < 0 ||
        xw_synth_set_scene(synth, wish->scene) < 0)
        abort();
    struct xw_synth_noise noise;
    xw_synth_get_noise(synth, &noise);
    noise.emg_mv = wish->emg_mv;
    noise.wander_mv = wish->wander_mv > 0 ? wish->wander_mv : noise.wander_mv;
    noise.mains_mv = wish->mains_mv;
    if (xw_synth_set_noise(synth, &noise) < 0)
        abort();
    xw_synth_set_arms_reversed(synth, wish->arms_reversed);
    for (unsigned at = 0; at < skip + rows;) {
        unsigned n = at < skip ? skip - at : skip + rows - at;
        n = n > rate ? rate : n;
        xw_synth_read(synth, counts, n);
        for (unsigned i = 0; i < n && at >= skip; i++)
            for (unsigned l = 0; l < XW_SYNTH_LEADS_N; l++)
                p->uv[l][at - skip + i] = (float)counts[i * XW_SYNTH_LEADS_N + l];
        at += n;
    }
    p->input = (struct xw_ecg12_input){
        .rate_hz = rate, .samples_n = rows, .channels_n = XW_SYNTH_LEADS_N, .age_years = NAN};
    for (unsigned l = 0; l < XW_SYNTH_LEADS_N; l++)
        p->input.channels[l] = (struct xw_ecg12_channel){
            .lead = xw_ecg_lead_from_name(xw_synth_lead_name((enum xw_synth_lead)l)),
            .uv = p->uv[l],
            .min_uv = NAN,
            .max_uv = NAN};
    xw_synth_free(synth);
    free(counts);
    return p;
}

int xw_patient_row(const struct xw_patient *p, enum xw_ecg_lead lead)
{
    for (unsigned c = 0; c < p->input.channels_n; c++)
        if (p->input.channels[c].lead == lead)
            return (int)c;
    return -1;
}

void xw_patient_keep(struct xw_patient *p, const enum xw_ecg_lead *leads, unsigned n)
{
    struct xw_ecg12_channel kept[XW_ECG12_LEADS_MAX] = {{0}};
    for (unsigned k = 0; k < n; k++)
        kept[k] = p->input.channels[xw_patient_row(p, leads[k])];
    memcpy(p->input.channels, kept, sizeof(kept[0]) * n);
    p->input.channels_n = n;
}
