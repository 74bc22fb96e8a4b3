/* Ten seconds of each stream, measured in turn on one worker. */
#include "edge/electrodes.h"

#include "base/metrics.h"
#include "edge/attachment.h"
#include "edge/stream.h"
#include "edge/technical.h"

#include <math.h>
#include <string.h>

XW_COUNTER(readings, "xw_edge_electrodes_readings_total", NULL,
           "ten seconds looked at for exchanged electrodes");

static const double EVERY_S = 5;
#define CODE XW__TECHNICAL_CODE__TECHNICAL_ELECTRODES

/* The newest samples of a stream: a ring of `ten` rows. */
struct xw_electrode_watch {
    struct xw_electrode_state state;
    uint64_t next;     /* index behind the newest */
    size_t ten, n, at; /* rows, held, where the next one goes */
    size_t fresh_n;    /* since the last reading */
    int32_t rows[];    /* ten x channels */
};

struct xw_electrodes {
    struct xw_edge *edge;
    struct xw_pool *pool;
    struct xw_ecg12 *engine;
    struct xw_stream *stream; /* of the reading under way; NULL: gone meanwhile */
    bool busy;
    int status;
    struct xw_ecg12_input input;
    struct xw_ecg12_result result;
    float uv[XW_ECG12_LEADS_MAX][XW_ECG12_RATE_MAX_HZ * 10];
};

int xw_electrodes_new(struct xw_edge *edge, struct xw_electrodes **ret_electrodes)
{
    struct xw_electrodes *e = calloc(1, sizeof(*e));
    int r = e ? xw_ecg12_new(&e->engine) : -ENOMEM;
    if (r >= 0)
        r = xw_pool_new(edge->loop, "electrodes", 1, 1, &e->pool);
    if (r < 0) {
        if (e)
            xw_ecg12_free(e->engine);
        free(e);
        return r;
    }
    e->edge = edge;
    *ret_electrodes = e;
    return 0;
}

void xw_electrodes_free(struct xw_electrodes *e)
{
    if (!e)
        return;
    xw_pool_free(e->pool);
    xw_ecg12_free(e->engine);
    free(e);
}

/* ---- what is said ---- */

static void end_alarm(struct xw_stream *stream)
{
    xw_technical_clear(stream->edge->technical, CODE, stream->attachment->device_id);
}

static void judge(struct xw_stream *stream, const struct xw_ecg12_result *result)
{
    char text[XW_ELECTRODES_TEXT_N];
    struct xw_electrode_state *state = &stream->electrodes->state;
    bool open = state->raised;
    switch (xw_electrode_step(state, result, text)) {
    case XW_ELECTRODES_RAISE:
        if (open)
            end_alarm(stream); /* of another kind */
        xw_technical_raise(stream->edge->technical, CODE, stream->attachment->device_id, text,
                           &stream->id);
        break;
    case XW_ELECTRODES_CLEAR:
        end_alarm(stream);
        break;
    case XW_ELECTRODES_KEEP:
        break;
    }
}

/* On the worker. */
static void work(void *arg)
{
    struct xw_electrodes *e = arg;
    e->status = xw_ecg12_read(e->engine, &e->input, &e->result);
}

static void done(void *arg, int status)
{
    struct xw_electrodes *e = arg;
    e->busy = false;
    if (status < 0 || e->status < 0 || !e->stream || e->edge->stopping)
        return;
    xw_counter_add(&readings, 1);
    judge(e->stream, &e->result);
}

/* ---- samples ---- */

static double uv_per_count(const Xw__Channel *ch)
{
    double unit = strcmp(ch->unit, "mV") == 0 ? 1000 : strcmp(ch->unit, "uV") == 0 ? 1 : 0;
    return ch->gain && ch->gain->num ? unit * (double)ch->gain->den / (double)ch->gain->num : 0;
}

/* Limb and chest leads in a unit of voltage at a rate that can be measured. */
static bool suits(const struct xw_stream *stream)
{
    static const enum xw_ecg_lead NEEDED[] = {XW_ECG_LEAD_I, XW_ECG_LEAD_II, XW_ECG_LEAD_V1,
                                              XW_ECG_LEAD_V6};
    const Xw__StreamHeader *h = stream->message;
    unsigned found = 0;
    if (h->modality != XW__MODALITY__MODALITY_ECG || h->n_channels > XW_ECG12_LEADS_MAX ||
        !(stream->rate_hz >= XW_ECG12_RATE_MIN_HZ && stream->rate_hz <= XW_ECG12_RATE_MAX_HZ))
        return false;
    for (size_t c = 0; c < h->n_channels; c++) {
        if (uv_per_count(h->channels[c]) <= 0)
            return false;
        for (size_t k = 0; k < XW_ARRAY_N(NEEDED); k++)
            if (xw_ecg_lead_from_name(h->channels[c]->code) == NEEDED[k])
                found |= 1u << k;
    }
    return found == (1u << XW_ARRAY_N(NEEDED)) - 1;
}

static struct xw_electrode_watch *watch_of(struct xw_stream *stream)
{
    if (stream->electrodes || stream->electrodes_unsuited)
        return stream->electrodes;
    size_t ten = (size_t)(10 * stream->rate_hz);
    struct xw_electrode_watch *w =
        suits(stream) ? calloc(1, sizeof(*w) + ten * stream->message->n_channels * sizeof(int32_t))
                      : NULL;
    if (w)
        w->ten = ten;
    else
        stream->electrodes_unsuited = true;
    return stream->electrodes = w;
}

static void fill_channel(struct xw_electrodes *e, const struct xw_stream *stream, size_t c)
{
    const struct xw_electrode_watch *w = stream->electrodes;
    const Xw__Channel *ch = stream->message->channels[c];
    size_t channels_n = stream->message->n_channels;
    double scale = uv_per_count(ch);
    bool rails = ch->adc_min < ch->adc_max;
    for (size_t i = 0; i < w->ten; i++) {
        int32_t count = w->rows[(w->at + i) % w->ten * channels_n + c];
        bool known = !(ch->has_invalid && count == ch->invalid);
        e->uv[c][i] = known ? (float)(((double)count - ch->baseline) * scale) : NAN;
    }
    e->input.channels[c] = (struct xw_ecg12_channel){
        .lead = xw_ecg_lead_from_name(ch->code),
        .uv = e->uv[c],
        .min_uv = rails ? (float)(((double)ch->adc_min - ch->baseline) * scale) : NAN,
        .max_uv = rails ? (float)(((double)ch->adc_max - ch->baseline) * scale) : NAN};
}

static void ask(struct xw_electrodes *e, struct xw_stream *stream)
{
    struct xw_electrode_watch *w = stream->electrodes;
    e->input = (struct xw_ecg12_input){.rate_hz = stream->rate_hz,
                                       .samples_n = (unsigned)w->ten,
                                       .channels_n = (unsigned)stream->message->n_channels,
                                       .age_years = NAN};
    for (size_t c = 0; c < stream->message->n_channels; c++)
        fill_channel(e, stream, c);
    e->stream = stream;
    e->busy = xw_pool_submit(e->pool, work, done, e) >= 0;
    if (e->busy)
        w->fresh_n = 0;
}

void xw_electrodes_block(struct xw_stream *stream, const int32_t *x, uint64_t first, uint32_t count)
{
    struct xw_electrodes *e = stream->edge->electrodes;
    struct xw_electrode_watch *w = e ? watch_of(stream) : NULL;
    if (!w)
        return;
    size_t channels_n = stream->message->n_channels;
    int64_t taken_us = xw_ratefit_time_us(&stream->fit, first + count - 1);
    if (first != w->next || xw_edge_boot_us() - taken_us > stream->edge->config->live_late_us)
        w->n = w->fresh_n = 0;
    w->next = first + count;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(w->rows + w->at * channels_n, x + i * channels_n, channels_n * sizeof(*x));
        w->at = (w->at + 1) % w->ten;
    }
    w->n = XW_MIN(w->n + count, w->ten);
    w->fresh_n += count;
    if (w->n == w->ten && (double)w->fresh_n >= EVERY_S * stream->rate_hz && !e->busy)
        ask(e, stream);
}

void xw_electrodes_forget(struct xw_stream *stream)
{
    if (!stream->electrodes) /* also of a stream that was never begun */
        return;
    struct xw_electrodes *e = stream->edge->electrodes;
    if (e->stream == stream)
        e->stream = NULL;
    if (stream->electrodes->state.raised && !stream->edge->stopping)
        end_alarm(stream);
    free(XW_STEAL(stream->electrodes));
}
