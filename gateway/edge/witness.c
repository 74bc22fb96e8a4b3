/* From a block of a pulse wave to the ECGs of its patient. */
#include "edge/witness.h"

#include "base/metrics.h"
#include "edge/attachment.h"
#include "gst/message.h"

#include <math.h>
#include <string.h>
#include <strings.h>

XW_COUNTER(values_told, "xw_edge_pulse_values_total", NULL, "values of pulse waves given to ECGs");
XW_COUNTER(values_dropped, "xw_edge_pulse_dropped_total", NULL,
           "of these: not taken, the analysis is behind");

static const int64_t FRESH_US = 2000000, SILENT_US = 10000000;
enum { VALUES_MAX = 4096 };

struct told {
    struct xw_stream *source;
    const int32_t *x;
    uint64_t first;
    uint32_t count;
};

static bool is_wave(const Xw__StreamHeader *header, size_t channel)
{
    static const char *const CODES[] = {"PLETH", "ABP", "ART"};
    const char *code = header->channels[channel]->code;
    if (header->modality == XW__MODALITY__MODALITY_PLETH)
        return true;
    for (size_t i = 0; i < XW_ARRAY_N(CODES); i++)
        if (header->modality == XW__MODALITY__MODALITY_PRESSURE && !strcasecmp(code, CODES[i]))
            return true;
    return false;
}

/* Declared, a rail, or one of the numbers that converters give when there is nothing. */
static float value_of(const Xw__Channel *channel, int32_t x)
{
    bool rail =
        channel->adc_min < channel->adc_max && (x <= channel->adc_min || x >= channel->adc_max);
    bool none = (channel->has_invalid && x == channel->invalid) || x == INT16_MIN || x == 8388607 ||
                x == -8388608 || x == INT32_MIN || x == INT32_MAX;
    return rail || none ? NAN : (float)x;
}

/* The place of this wave among those of the ECG; -1: there is none. *ret_anew: it is new there. */
static int place_of(struct xw_witnesses *w, const struct xw_uuid *stream, unsigned channel,
                    int64_t now_us, bool *ret_anew)
{
    int free_one = -1;
    for (int i = 0; i < XW_ECG_PULSES_MAX; i++) {
        struct xw_witness *one = &w->wave[i];
        *ret_anew = false;
        if (one->used && one->channel == channel && !memcmp(one->stream.b, stream->b, 16))
            return i;
        if (free_one < 0 && (!one->used || now_us - one->told_us > SILENT_US))
            free_one = i;
    }
    if (free_one >= 0)
        w->wave[free_one] =
            (struct xw_witness){.used = true, .stream = *stream, .channel = channel};
    *ret_anew = true;
    return free_one;
}

/* The ECG's index at the time at which the wave's sample was taken. */
static double index_at(const struct xw_stream *ecg, const struct xw_stream *source, uint64_t index)
{
    uint64_t near = ecg->newest ? ecg->newest - 1 : 0;
    int64_t us = xw_ratefit_time_us(&source->fit, index) - xw_ratefit_time_us(&ecg->fit, near);
    return (double)near + (double)us * 1e-6 * xw_ratefit_rate_hz(&ecg->fit);
}

static void tell(struct xw_stream *ecg, const struct told *told, unsigned channel)
{
    float x[VALUES_MAX + 1];
    size_t n = 0, channels_n = told->source->message->n_channels;
    bool anew;
    int64_t now_us = xw_edge_boot_us();
    int place = place_of(&ecg->witnesses, &told->source->id, channel, now_us, &anew);
    if (place < 0)
        return;
    struct xw_witness *one = &ecg->witnesses.wave[place];
    if (!anew && one->next != told->first)
        x[n++] = NAN; /* something is missing before it */
    size_t before_n = n;
    for (uint32_t i = 0; i < told->count; i++)
        x[n++] =
            value_of(told->source->message->channels[channel], told->x[i * channels_n + channel]);
    double step = xw_ratefit_rate_hz(&ecg->fit) / xw_ratefit_rate_hz(&told->source->fit);
    const struct xw_gst_pulse pulse = {.wave = (guint)place,
                                       .anew = anew,
                                       .rate_hz = told->source->rate_hz,
                                       .at = index_at(ecg, told->source, told->first) -
                                             step * (double)before_n,
                                       .step = step,
                                       .x = x,
                                       .n = n};
    bool taken = xw_pipeline_pulse(ecg->pipeline, &pulse);
    xw_counter_add(taken ? &values_told : &values_dropped, told->count);
    if (!taken)
        return; /* `next` stays: what comes then begins with a hole */
    one->told_us = now_us;
    one->next = told->first + told->count;
}

static bool is_same_patient(const struct xw_attachment *a, const struct xw_attachment *b)
{
    if (a == b)
        return true;
    const char *bed = xw_edge_config_bed(a->edge->config, a->device_id);
    return bed[0] && a->demo == b->demo &&
           !strcmp(bed, xw_edge_config_bed(b->edge->config, b->device_id));
}

static void tell_attachment(void *user, struct xw_attachment *attachment)
{
    const struct told *told = user;
    const Xw__StreamHeader *header = told->source->message;
    if (attachment->state != XW_ATTACHMENT_READY ||
        !is_same_patient(told->source->attachment, attachment))
        return;
    for (size_t i = 0; i < attachment->streams_n; i++) {
        struct xw_stream *ecg = &attachment->streams[i];
        bool is_ecg = ecg->message->modality == XW__MODALITY__MODALITY_ECG ||
                      ecg->message->modality == XW__MODALITY__MODALITY_HOLTER;
        if (!is_ecg || !ecg->pipeline || ecg->ended || !ecg->fit.any)
            continue;
        for (unsigned c = 0; c < header->n_channels; c++)
            if (is_wave(header, c))
                tell(ecg, told, c);
    }
}

void xw_witness_block(struct xw_stream *source, const int32_t *x, uint64_t first, uint32_t count)
{
    Xw__Modality modality = source->message->modality;
    if ((modality != XW__MODALITY__MODALITY_PLETH && modality != XW__MODALITY__MODALITY_PRESSURE) ||
        !x || !count || count > VALUES_MAX)
        return;
    int64_t age_us = xw_edge_boot_us() - xw_ratefit_time_us(&source->fit, first + count - 1);
    if (age_us > FRESH_US)
        return;
    struct told told = {.source = source, .x = x, .first = first, .count = count};
    xw_fleet_each(source->edge->fleet, tell_attachment, &told);
}
