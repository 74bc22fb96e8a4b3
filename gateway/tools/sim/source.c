/* The common part of all sources, and the two test patterns. */
#include "source_kind.h"

#include <stdio.h>
#include <string.h>

#include "dsp/synth/synth.h"

const char *const xw_sim_leads_12[12] = {"I",  "II", "III", "aVR", "aVL", "aVF",
                                         "V1", "V2", "V3",  "V4",  "V5",  "V6"};

void xw_sim_source_fill_channels(struct xw_sim_source *source, unsigned channels_n,
                                 int64_t gain_per_mv)
{
    source->channels_n = channels_n;
    for (unsigned c = 0; c < channels_n; c++) {
        struct xw_sim_channel *channel = &source->channels[c];
        if (c < XW_ARRAY_N(xw_sim_leads_12))
            snprintf(channel->code, sizeof(channel->code), "%s", xw_sim_leads_12[c]);
        else
            snprintf(channel->code, sizeof(channel->code), "V%u", c - 5);
        snprintf(channel->unit, sizeof(channel->unit), "mV");
        channel->gain_num = (uint64_t)gain_per_mv;
        channel->gain_den = 1;
        channel->has_invalid = true;
        channel->invalid = -32768;
        channel->adc_min = -32767;
        channel->adc_max = 32767;
    }
}

static int read_pattern(struct xw_sim_source *source, int32_t *ret_x, size_t n)
{
    xw_synth_counter_read(source->next, n, source->channels_n, ret_x);
    return (int)n;
}

/* Ten small squares high and five wide, each second. */
static int read_calibration(struct xw_sim_source *source, int32_t *ret_x, size_t n)
{
    const struct xw_synth_pulse pulse = {.rate_num = (uint32_t)source->rate_num,
                                         .rate_den = (uint32_t)source->rate_den,
                                         .height = (int32_t)source->channels[0].gain_num,
                                         .width_ms = 200,
                                         .period_ms = 1000};
    xw_synth_pulse_read(&pulse, source->next, n, source->channels_n, ret_x);
    return (int)n;
}

int xw_sim_source_new(const struct xw_sim_device_spec *spec, xw_sim_truth_fn on_truth,
                      xw_sim_movement_fn on_movement, void *user, struct xw_sim_source **ret_source,
                      char ret_text[XW_SIM_TEXT_BYTES])
{
    struct xw_sim_source *source = calloc(1, sizeof(*source));
    if (!source)
        return -ENOMEM;
    source->on_truth = on_truth;
    source->on_movement = on_movement;
    source->modality = XW__MODALITY__MODALITY_ECG;
    source->user = user;
    source->rate_num = spec->rate_hz;
    source->rate_den = 1;
    int r = 0;
    switch (spec->source.kind) {
    case XW_SIM_SYNTH:
        r = xw_sim_source_synth(source, spec, ret_text);
        break;
    case XW_SIM_CTG:
        r = xw_sim_source_ctg(source, spec, ret_text);
        break;
    case XW_SIM_WFDB:
        r = xw_sim_source_wfdb(source, spec, ret_text);
        break;
    case XW_SIM_PATTERN:
    case XW_SIM_CALIBRATION:
        xw_sim_source_fill_channels(source, spec->source.channels_n,
                                    spec->source.gain_counts_per_mv);
        source->read = spec->source.kind == XW_SIM_PATTERN ? read_pattern : read_calibration;
        break;
    }
    if (r < 0) {
        free(source);
        return r;
    }
    *ret_source = source;
    return 0;
}

void xw_sim_source_free(struct xw_sim_source *source)
{
    if (source && source->done)
        source->done(source);
    free(source);
}

Xw__Modality xw_sim_source_modality(const struct xw_sim_source *source)
{
    return source->modality;
}

unsigned xw_sim_source_channels(const struct xw_sim_source *source)
{
    return source->channels_n;
}

const struct xw_sim_channel *xw_sim_source_channel(const struct xw_sim_source *source, unsigned c)
{
    return &source->channels[c];
}

void xw_sim_source_rate(const struct xw_sim_source *source, uint64_t *ret_num, uint64_t *ret_den)
{
    *ret_num = source->rate_num;
    *ret_den = source->rate_den;
}

int xw_sim_source_read(struct xw_sim_source *source, int32_t *ret_x, size_t n)
{
    int got = source->read(source, ret_x, n);
    if (got > 0)
        source->next += (uint64_t)got;
    return got;
}

int xw_sim_source_act(struct xw_sim_source *source, const char *action)
{
    return source->act ? source->act(source, action) : -EOPNOTSUPP;
}

const char *const *xw_sim_source_off(const struct xw_sim_source *source)
{
    return source->off;
}
