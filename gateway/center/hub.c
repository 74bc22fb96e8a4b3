/* The hub itself: what comes in from gateways and goes out to those who watch. */
#include "center/hub_internal.h"

#include "base/fault.h"
#include "base/log.h"

#include <string.h>

XW_COUNTER(hub_blocks, "xw_center_live_blocks_total", NULL, "live blocks taken into the hub");
XW_COUNTER(hub_fanned, "xw_center_fanout_blocks_total", NULL,
           "live blocks offered to browser sockets (one per block and socket)");
XW_COUNTER(hub_unshown, "xw_center_unshown_blocks_total", NULL,
           "live blocks that could not be shown; told as healed once durable");

enum { RING_BYTES_MIN = 16384, RING_BYTES_MAX = 1 << 20, RING_ENTRIES = 256, UNSHOWN_MAX = 64 };

int xw_hub_new(const struct xw_hub_config *config, struct xw_hub **ret_hub)
{
    if (config->streams_max == 0 || !config->want_write)
        return -EINVAL;
    struct xw_hub *hub = calloc(1, sizeof(*hub));
    if (!hub)
        return -ENOMEM;
    hub->config = *config;
    hub->buckets_n = 64;
    while (hub->buckets_n < config->streams_max * 2)
        hub->buckets_n *= 2;
    hub->buckets = calloc(hub->buckets_n, sizeof(struct xw_hub_stream *));
    hub->pictures = calloc(XW_HUB_PICTURES_MAX, sizeof(*hub->pictures));
    if (!hub->buckets || !hub->pictures) {
        free(hub->buckets);
        free(hub->pictures);
        free(hub);
        return -ENOMEM;
    }
    hub->streams_end = &hub->streams;
    hub->tick = HUB_STATUS_REPEAT_TICKS;
    *ret_hub = hub;
    return 0;
}

void xw_hub_free(struct xw_hub *hub)
{
    if (!hub)
        return;
    while (hub->streams)
        hub_stream_free(hub->streams);
    hub_picture_done(hub);
    free(hub->buckets);
    free(hub);
}

/* Room for what a slow socket may hold and one second more, at 2.5 bytes a value. */
static int ring_open(struct xw_hub_stream *s)
{
    if (s->ring.bytes)
        return 0;
    double seconds = (double)s->hub->config.hold_us / 1e6 + 1;
    double want = s->rate_hz * s->channels_n * seconds * 2.5;
    uint32_t bytes_n = want < RING_BYTES_MIN   ? RING_BYTES_MIN
                       : want > RING_BYTES_MAX ? RING_BYTES_MAX
                                               : (uint32_t)want;
    int r = xw_hub_ring_init(&s->ring, bytes_n, RING_ENTRIES);
    if (r == 0)
        s->hub->stats.ring_bytes += bytes_n;
    return r;
}

/* To be told as healed once it is durable, though it came live. */
static void owe(struct xw_hub_stream *s, uint64_t first, uint64_t end)
{
    if (s->unshown.max == 0)
        xw_ranges_init(&s->unshown, UNSHOWN_MAX);
    if (xw_ranges_add(&s->unshown, first, end) < 0) {
        /* Too scattered: one range around all of it says the same, only less exactly. */
        uint64_t low = s->unshown.n ? XW_MIN(first, s->unshown.v[0].first) : first;
        uint64_t high = XW_MAX(end, xw_ranges_end(&s->unshown));
        xw_ranges_clear(&s->unshown);
        if (xw_ranges_add(&s->unshown, low, high) < 0)
            xw_log_debug("hub.unshown_lost", XW_LOG_ID("stream", &s->id));
    }
}

static void note_unshown(struct xw_hub_stream *s, uint64_t first, uint64_t end)
{
    xw_counter_add(&hub_unshown, 1);
    owe(s, first, end);
}

static void fan_out(struct xw_hub_stream *s)
{
    for (struct hub_watch *w = s->watches; w; w = w->next_of_stream) {
        hub_socket_wake(w->socket);
        s->hub->stats.fanned_n++;
        xw_counter_add(&hub_fanned, 1);
    }
}

static void grow(struct xw_hub_stream *s, uint64_t end)
{
    if (end <= s->newest)
        return;
    s->newest = end;
    s->grown = true;
    s->suspended = false;
    s->grew_mono_us = xw_clock_mono(s->hub->config.clock).us;
    s->changed_tick = s->hub->tick;
}

void xw_hub_block(struct xw_hub *hub, const struct xw_store_block *block, bool live)
{
    struct xw_hub_stream *s = hub_stream_find(hub, &block->stream);
    uint64_t end;
    if (!s || __builtin_add_overflow(block->first, (uint64_t)block->count, &end))
        return;
    grow(s, end);
    if (!live)
        return;
    if (end <= s->shown) { /* behind what was shown: those who watch have passed it */
        note_unshown(s, block->first, end);
        return;
    }
    s->shown = end;
    hub->stats.blocks_n++;
    xw_counter_add(&hub_blocks, 1);
    if (xw_fault_point("center.fanout") < 0 || ring_open(s) < 0 ||
        hub_message_push_block(s, block) < 0) {
        note_unshown(s, block->first, end);
        return;
    }
    fan_out(s);
}

void xw_hub_gap(struct xw_hub *hub, const struct xw_store_gap *gap)
{
    struct xw_hub_stream *s = hub_stream_find(hub, &gap->stream);
    if (!s || gap->range.first >= gap->range.end)
        return;
    if (gap->range.end <= s->shown) { /* in the past */
        owe(s, gap->range.first, gap->range.end);
        return;
    }
    s->shown = gap->range.end;
    if (ring_open(s) < 0 || hub_message_push_gap(s, gap) < 0) {
        note_unshown(s, gap->range.first, gap->range.end);
        return;
    }
    fan_out(s);
}

static void add_healed(struct hub_watch *w, struct xw_range range)
{
    if (xw_ranges_add(&w->healed, range.first, range.end) == 0)
        return;
    uint64_t low = w->healed.n ? XW_MIN(range.first, w->healed.v[0].first) : range.first;
    uint64_t high = XW_MAX(range.end, xw_ranges_end(&w->healed));
    xw_ranges_clear(&w->healed);
    if (xw_ranges_add(&w->healed, low, high) < 0)
        xw_log_debug("hub.healed_lost");
}

void xw_hub_stored(struct xw_hub *hub, const struct xw_uuid *stream, struct xw_range range,
                   bool live)
{
    struct xw_hub_stream *s = hub_stream_find(hub, stream);
    if (!s || range.first >= range.end)
        return;
    s->changed_tick = hub->tick;
    bool unshown = s->unshown.n && xw_ranges_overlaps(&s->unshown, range.first, range.end);
    if (unshown && xw_ranges_subtract(&s->unshown, range.first, range.end) < 0)
        xw_ranges_clear(&s->unshown);
    if (live && !unshown)
        return; /* it was just shown */
    for (struct hub_watch *w = s->watches; w; w = w->next_of_stream) {
        add_healed(w, range);
        hub->healed_pending = true;
    }
}

void xw_hub_suspended(struct xw_hub *hub, const char *gateway_id, const struct xw_uuid *streams,
                      size_t streams_n)
{
    for (struct xw_hub_stream *s = hub->streams; s; s = s->next) {
        if (strcmp(s->header->gateway_id, gateway_id) != 0)
            continue;
        bool in = false;
        for (size_t i = 0; i < streams_n && !in; i++)
            in = xw_uuid_equal(&streams[i], &s->id);
        if (in != s->suspended)
            s->changed_tick = hub->tick;
        s->suspended = in;
    }
}

static void send_record(struct xw_hub *hub, const struct xw_hub_stream *stream, const char *site,
                        bool to_list, const struct xw_store_record *record)
{
    if (!hub_wanted(hub, stream, to_list))
        return;
    struct hub_message *message = hub_message_record(record);
    if (message)
        hub_broadcast(hub, stream, site, to_list, message);
}

static void event_record(struct xw_hub *hub, const struct xw_store_record *record)
{
    Xw__Event *event = xw__event__unpack(NULL, record->body_size, record->body);
    struct xw_uuid id;
    if (!event)
        return;
    struct xw_hub_stream *s = NULL;
    if (xw_uuid_from_bytes(event->stream_id.data, event->stream_id.len, &id) == 0)
        s = hub_stream_find(hub, &id);
    if (s) {
        hub_stream_event(s, event);
        send_record(hub, s, s->site, event->kind == XW__EVENT_KIND__EVENT_ALARM, record);
    }
    xw__event__free_unpacked(event, NULL);
}

/* Anchors and acknowledgements carry the stream's id in the first 16 bytes of what names them. */
static struct xw_hub_stream *stream_of(struct xw_hub *hub, const uint8_t *key, size_t size)
{
    struct xw_uuid id;
    if (size < sizeof(id.b))
        return NULL;
    memcpy(id.b, key, sizeof(id.b));
    return hub_stream_find(hub, &id);
}

void xw_hub_record(struct xw_hub *hub, const struct xw_store_record *record, const char *site)
{
    struct xw_hub_stream *s;
    switch (record->kind) {
    case XW__RECORD_KIND__RECORD_EVENT:
        event_record(hub, record);
        return;
    case XW__RECORD_KIND__RECORD_ANCHOR:
        s = stream_of(hub, record->key, record->key_size);
        if (s) {
            hub_stream_anchor(s, record->body, record->body_size);
            send_record(hub, s, s->site, false, record);
        }
        return;
    case XW__RECORD_KIND__RECORD_ALARM_ACK:
        if (record->key_size > 1)
            s = stream_of(hub, (const uint8_t *)record->key + 1, record->key_size - 1);
        else
            s = NULL;
        send_record(hub, s, s ? s->site : NULL, true, record);
        return;
    case XW__RECORD_KIND__RECORD_STUDY:
    case XW__RECORD_KIND__RECORD_TECHNICAL:
        send_record(hub, NULL, site, true, record);
        return;
    default:
        return; /* patients and the like never go to who only watches */
    }
}

int xw_hub_beat(struct xw_hub *hub, const char *gateway_id, const void *event, size_t size)
{
    Xw__Event *e = xw__event__unpack(NULL, size, event);
    struct xw_uuid id;
    int r = -EBADMSG;
    if (!e)
        return r;
    if (xw_uuid_from_bytes(e->stream_id.data, e->stream_id.len, &id) == 0 && e->run_id.len == 16) {
        struct xw_hub_stream *s = hub_stream_find(hub, &id);
        r = !s ? -ENOENT : strcmp(s->header->gateway_id, gateway_id) != 0 ? -EPERM : 0;
        if (r == 0) {
            uint8_t key[40];
            memcpy(key, id.b, 16);
            memcpy(key + 16, e->run_id.data, 16);
            for (unsigned i = 0; i < 8; i++)
                key[32 + i] = (uint8_t)(e->seq >> (56 - 8 * i));
            struct xw_store_record record = {.key = key,
                                             .key_size = sizeof(key),
                                             .kind = XW__RECORD_KIND__RECORD_EVENT,
                                             .body = event,
                                             .body_size = size,
                                             .origin = gateway_id};
            hub_stream_event(s, e);
            send_record(hub, s, s->site, false, &record);
        }
    }
    xw__event__free_unpacked(e, NULL);
    return r;
}

void xw_hub_stats(const struct xw_hub *hub, struct xw_hub_stats *ret_stats)
{
    *ret_stats = hub->stats;
    int64_t now_us = xw_clock_mono(hub->config.clock).us;
    for (const struct xw_hub_stream *s = hub->streams; s; s = s->next)
        ret_stats->live_n += hub_stream_live(s, now_us);
}
