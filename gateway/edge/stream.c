/* Blocks of one stream on their way: device, uplink, pipeline, spool. */
#include "edge/stream.h"

#include "base/block.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"
#include "edge/attachment.h"
#include "edge/electrodes.h"
#include "edge/rules.h"
#include "edge/stream_events.h"

#include <math.h>
#include <string.h>

XW_COUNTER(blocks_in, "xw_edge_blocks_total", NULL, "blocks taken from devices");
XW_COUNTER(samples_in, "xw_edge_samples_total", NULL,
           "samples (all channels of one instant) taken");
XW_COUNTER(blocks_late, "xw_edge_blocks_late_total", NULL,
           "blocks of these that were too old for the live lane");

XW_COUNTER(blocks_again, "xw_edge_blocks_left_total", NULL,
           "blocks behind one that the spool refused: left to the device, which sends them again");

/* A block inside the pipeline, coded for spool and wire. */
struct xw_flight {
    struct xw_flight *next;
    struct xw_store_block block;
    bool warm; /* from the spool: not to be stored again */
    uint8_t data[];
};

int xw_stream_init(struct xw_stream *stream, struct xw_attachment *attachment, unsigned signal,
                   const struct xw_uuid *id, uint8_t *header, size_t header_size)
{
    memset(stream, 0, sizeof(*stream));
    stream->header = header;
    stream->header_size = header_size;
    stream->flight_last = &stream->flight_first;
    stream->message = xw__stream_header__unpack(NULL, header_size, header);
    if (!stream->message)
        return -ENOMEM;
    stream->edge = attachment->edge;
    stream->attachment = attachment;
    stream->signal = signal;
    stream->id = *id;
    stream->rate_hz = (double)stream->message->rate->num / (double)stream->message->rate->den;
    stream->by_device = stream->message->index_source == XW__INDEX_SOURCE__INDEX_BY_DEVICE;
    xw_ratefit_init(&stream->fit, stream->rate_hz);
    return 0;
}

void xw_stream_done(struct xw_stream *stream)
{
    xw_electrodes_forget(stream);
    xw_pipeline_free(stream->pipeline);
    stream->pipeline = NULL;
    for (struct xw_flight *f; (f = stream->flight_first);) {
        stream->flight_first = f->next;
        free(f);
    }
    if (stream->adopting)
        xw_adopt_done(&stream->adopt);
    if (stream->message)
        xw__stream_header__free_unpacked(stream->message, NULL);
    free(XW_STEAL(stream->header));
}

static void on_output(void *user)
{
    xw_wake_up(user);
}

int xw_stream_begin(struct xw_stream *stream)
{
    const struct xw_pipeline_config config = {
        .header = stream->message,
        .header_bytes = stream->header,
        .header_size = stream->header_size,
        .mains_hz = (uint32_t)stream->edge->config->mains_hz,
        .rules = xw_edge_rules(stream->edge->rules),
        .on_output = on_output,
        .user = xw_fleet_wake(stream->edge->fleet),
    };
    stream->run = xw_uuid_v7(NULL);
    return xw_pipeline_new(&config, &stream->pipeline);
}

static void fly(struct xw_stream *stream, struct xw_flight *flight)
{
    flight->next = NULL;
    *stream->flight_last = flight;
    stream->flight_last = &flight->next;
    xw_pipeline_push(stream->pipeline, flight->block.first, flight->block.count);
}

/* Slow streams come in many small blocks, and half an hour of them: they go in by the run. */
void xw_stream_warm(struct xw_stream *stream, const struct xw_store_block *blocks, size_t blocks_n)
{
    size_t channels_n = stream->message->n_channels, count = 0;
    for (size_t i = 0; i < blocks_n; i++)
        count += blocks[i].count;
    int32_t *x =
        xw_block_shape_ok(channels_n, count) ? xw_stream_room(stream, channels_n * count) : NULL;
    struct xw_flight *flight = x ? calloc(1, sizeof(*flight)) : NULL;
    bool ok = flight != NULL;
    for (size_t i = 0; ok && i < blocks_n; x += channels_n * blocks[i++].count)
        ok = xw_block_decode((enum xw_coding)blocks[i].coding, blocks[i].data, blocks[i].size,
                             channels_n, blocks[i].count, x) >= 0;
    if (!ok) {
        free(flight);
        xw_pipeline_drop(stream->pipeline);
        return;
    }
    flight->block.first = blocks[0].first;
    flight->block.count = (uint32_t)count;
    flight->warm = true;
    fly(stream, flight);
}

uint64_t xw_stream_warmup_n(const struct xw_stream *stream)
{
    int64_t us = stream->edge->config->warmup_us;
    /* The fetal chain's windows look back half an hour; that is little at its rate. */
    if (stream->message->modality == XW__MODALITY__MODALITY_CTG)
        us = XW_MAX(us, XW_FETAL_WARMUP_S * INT64_C(1000000));
    return (uint64_t)((double)us * 1e-6 * stream->rate_hz);
}

bool xw_stream_scattered(const struct xw_stream *stream, uint64_t first, uint32_t count)
{
    struct xw_store_stream stored;
    if (!stream->by_device || xw_store_stream(stream->edge->store, &stream->id, &stored) < 0 ||
        stored.known->n < XW_STREAM_RANGES_MAX)
        return false;
    return !(first && xw_ranges_contains(stored.known, first - 1)) &&
           !xw_ranges_contains(stored.known, first + count);
}

int32_t *xw_stream_room(struct xw_stream *stream, size_t values_n)
{
    return xw_pipeline_room(stream->pipeline, values_n);
}

/* Coding 0 goes on as it came; other codings are coded anew. The samples are the same. */
static struct xw_flight *coded(struct xw_stream *stream, const struct xw_session_block *b,
                               uint64_t first)
{
    size_t bound = b->coding == XW_CODING_DELTA ? b->size : xw_block_bound(b->channels_n, b->count);
    struct xw_flight *flight = malloc(sizeof(*flight) + bound);
    if (!flight)
        return NULL;
    int n = (int)b->size;
    if (b->coding == XW_CODING_DELTA)
        memcpy(flight->data, b->data, b->size);
    else
        n = xw_block_encode(XW_CODING_DELTA, b->x, b->channels_n, b->count, flight->data, bound);
    if (n < 0) {
        free(flight);
        return NULL;
    }
    flight->warm = false;
    flight->block = (struct xw_store_block){.stream = stream->id,
                                            .first = first,
                                            .count = b->count,
                                            .coding = XW_CODING_DELTA,
                                            .crc32c = b->crc32c,
                                            .data = flight->data,
                                            .size = (size_t)n};
    return flight;
}

/* Where the device's index lies in a stream whose index is given here. After a pause the time that
 * passed becomes a gap, so that the index stays the clock of the stream. */
static void set_offset(struct xw_stream *stream, uint64_t device_first, uint32_t count)
{
    uint64_t first = stream->newest;
    if (stream->newest && stream->fit.any) {
        double passed_us =
            (double)(xw_edge_boot_us() - xw_ratefit_time_us(&stream->fit, stream->newest));
        double missing = passed_us * 1e-6 * xw_ratefit_rate_hz(&stream->fit) - count;
        if (missing >= 1 && missing < (double)XW_SESSION_INDEX_MAX)
            first += (uint64_t)missing;
    }
    stream->offset = first - device_first;
    stream->offset_set = true;
    stream->connection_first = first;
    if (first > stream->newest)
        xw_stream_gap(stream, stream->newest, first, XW__GAP_REASON__GAP_NOT_CAPTURED);
}

void xw_stream_gap(struct xw_stream *stream, uint64_t first, uint64_t end, Xw__GapReason reason)
{
    const struct xw_store_gap gap = {
        .stream = stream->id, .range = {first, end}, .reason = (uint32_t)reason};
    xw_commit_gap(stream->edge->commit, &gap, &stream->attachment->owner);
    if (stream->edge->uplink)
        xw_uplink_gap(stream->edge->uplink, &gap);
    stream->newest = XW_MAX(stream->newest, end);
}

void xw_stream_take_gap(struct xw_stream *stream, uint64_t first, uint64_t count)
{
    if (!stream->by_device) {
        if (!stream->offset_set)
            set_offset(stream, first, 0);
        first += stream->offset;
    }
    if (stream->refused && stream->stale_n == UINT32_MAX)
        return; /* comes again, too */
    xw_stream_gap(stream, first, first + count, XW__GAP_REASON__GAP_DEVICE);
}

/* Old blocks (a backlog after an outage) are not for the live lane: healing brings them. */
static void send_live(struct xw_stream *stream, const struct xw_store_block *block)
{
    if (!stream->edge->uplink)
        return;
    int64_t taken_us = xw_ratefit_time_us(&stream->fit, block->first + block->count - 1);
    if (xw_edge_boot_us() - taken_us <= stream->edge->config->live_late_us) {
        xw_uplink_block(stream->edge->uplink, block);
        return;
    }
    stream->late_blocks_n++;
    xw_counter_add(&blocks_late, 1);
}

void xw_stream_take_block(struct xw_stream *stream, const struct xw_session_block *b)
{
    uint64_t first = b->first;
    if (!stream->by_device) {
        if (!stream->offset_set)
            set_offset(stream, b->first, b->count);
        first += stream->offset;
        if (first > stream->newest) /* nobody can send it again */
            xw_stream_gap(stream, stream->newest, first, XW__GAP_REASON__GAP_DEVICE);
    }
    int r = xw_fault_point("device.block.before_store");
    struct xw_flight *flight = r < 0 ? NULL : coded(stream, b, first);
    if (!flight) {
        xw_pipeline_drop(stream->pipeline); /* not acknowledged: the device keeps it */
        return;
    }
    if (first + b->count > stream->newest)
        xw_ratefit_add(&stream->fit, first + b->count - 1, b->count, xw_edge_boot_us(),
                       b->device_clock_us);
    stream->newest = XW_MAX(stream->newest, first + b->count);
    stream->newest_wall_us = xw_edge_wall_us();
    stream->device_clock_us = b->device_clock_us;
    stream->blocks_n++;
    stream->samples_n += b->count;
    xw_counter_add(&blocks_in, 1);
    xw_counter_add(&samples_in, b->count);
    send_live(stream, &flight->block);
    xw_witness_block(stream, b->x, first, b->count);
    xw_electrodes_block(stream, b->x, first, b->count);
    fly(stream, flight);
}

void xw_stream_attached(struct xw_stream *stream)
{
    stream->offset_set = false;
    stream->connection_first = stream->newest;
    stream->anchor_due_us = 0;
    xw_ratefit_pause(&stream->fit);
    /* It is told now what is kept and sends all else: what is still inside is of before. */
    if (stream->refused)
        stream->stale_n = xw_stream_in_flight(stream);
}

void xw_stream_refused(struct xw_stream *stream)
{
    stream->refused = stream->by_device;
    stream->stale_n = UINT32_MAX;
}

/* Behind a refused one, and of a connection that knew nothing of it. */
static bool comes_again(struct xw_stream *stream)
{
    if (!stream->refused)
        return false;
    if (!stream->stale_n) {
        stream->refused = false;
        return false;
    }
    if (stream->stale_n != UINT32_MAX)
        stream->stale_n--;
    return true;
}

void xw_stream_end(struct xw_stream *stream)
{
    if (stream->pipeline && !stream->ended)
        xw_pipeline_end(stream->pipeline);
    else
        stream->ended = true;
}

/* One block out of the pipeline, its events said before it in this same batch. */
static void block_out(struct xw_stream *stream, const struct xw_pipeline_out *out)
{
    struct xw_flight *flight = stream->flight_first;
    if (!flight || flight->block.first != out->first || flight->block.count != out->count) {
        xw_log_error("edge.pipeline.order", XW_LOG_ID("stream", &stream->id),
                     XW_LOG_UINT("first", out->first));
        return;
    }
    stream->flight_first = flight->next;
    if (!stream->flight_first)
        stream->flight_last = &stream->flight_first;
    bool again = comes_again(stream); /* counts all that were inside */
    if (!flight->warm && !again)
        xw_commit_block(stream->edge->commit, &flight->block, &stream->attachment->owner);
    xw_counter_add(&blocks_again, !flight->warm && again);
    xw_stream_advance(stream, flight->block.first + flight->block.count);
    free(flight);
}

void xw_stream_drain(struct xw_stream *stream)
{
    const struct xw_pipeline_out *out;
    while (stream->pipeline && !xw_commit_congested(stream->edge->commit) &&
           xw_pipeline_take(stream->pipeline, &out) == 0) {
        if (out->what == XW_PIPELINE_RUN)
            xw_stream_run(stream, &out->u.run);
        else
            for (uint32_t i = 0; i < out->events_n; i++)
                xw_stream_event(stream, &out->u.events[i]);
        if (out->what == XW_PIPELINE_BLOCK)
            block_out(stream, out);
        if (out->what == XW_PIPELINE_END)
            stream->ended = true;
        xw_pipeline_consume(stream->pipeline);
    }
}

uint64_t xw_stream_first_in_flight(const struct xw_stream *stream)
{
    return stream->flight_first ? stream->flight_first->block.first : stream->newest;
}

uint32_t xw_stream_in_flight(const struct xw_stream *stream)
{
    return stream->pipeline ? xw_pipeline_in_flight(stream->pipeline) : 0;
}

void xw_stream_held(const struct xw_stream *stream, uint64_t *ret_upto, Xw__Range *ret_ranges,
                    size_t max, size_t *ret_n)
{
    struct xw_store_stream stored;
    *ret_upto = 0;
    *ret_n = 0;
    if (xw_store_stream(stream->edge->store, &stream->id, &stored) < 0)
        return;
    if (!stream->by_device && !stream->offset_set)
        return;
    uint64_t base = stream->by_device ? 0 : stream->connection_first;
    uint64_t shift = stream->by_device ? 0 : stream->offset;
    uint64_t upto = xw_ranges_contiguous_end(stored.known, base);
    *ret_upto = upto - shift;
    for (size_t i = xw_ranges_find(stored.known, upto); i < stored.known->n && *ret_n < max; i++) {
        const struct xw_range *r = &stored.known->v[i];
        Xw__Range *range = &ret_ranges[(*ret_n)++];
        xw__range__init(range);
        range->first = r->first - shift;
        range->count = r->end - r->first;
    }
}

void xw_stream_fill_lost(struct xw_stream *stream)
{
    struct xw_store_stream stored;
    struct xw_range hole;
    if (stream->by_device || stream->flight_first ||
        xw_store_stream(stream->edge->store, &stream->id, &stored) < 0)
        return;
    /* One at a time is enough: the next round finds the next one. */
    if (xw_ranges_first_gap(stored.known, 0, stream->newest, &hole))
        xw_stream_gap(stream, hole.first, hole.end, XW__GAP_REASON__GAP_SPOOL_LIMIT);
}
