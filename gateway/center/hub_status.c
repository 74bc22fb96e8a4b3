/* What goes to many sockets: the list's statuses each second, records, healed ranges. */
#include "center/hub_internal.h"

#include <string.h>

bool hub_wanted(const struct xw_hub *hub, const struct xw_hub_stream *stream, bool to_list)
{
    if (stream && stream->watches)
        return true;
    for (const struct xw_hub_socket *s = hub->sockets; to_list && s; s = s->next)
        if (s->list)
            return true;
    return false;
}

static bool watches(const struct xw_hub_socket *socket, const struct xw_hub_stream *stream)
{
    for (uint32_t i = 0; stream && i < socket->watches_end; i++)
        if (socket->watches[i].stream == stream)
            return true;
    return false;
}

void hub_broadcast(struct xw_hub *hub, const struct xw_hub_stream *stream, const char *site,
                   bool to_list, struct hub_message *message)
{
    for (struct xw_hub_socket *s = hub->sockets; s; s = s->next) {
        bool listed = to_list && s->list && hub_socket_sees(s, site);
        if (listed || watches(s, stream))
            hub_socket_queue(s, hub_message_ref(message));
    }
    hub_message_unref(message);
}

/* Samples of the last 24 h that lie before the newest durable one and are not here: coming. */
uint64_t hub_missing(const struct xw_hub_stream *s)
{
    const struct xw_ranges *known =
        s->hub->config.known ? s->hub->config.known(s->hub->config.user, &s->id) : NULL;
    if (!known || known->n == 0)
        return 0;
    uint64_t end = xw_ranges_end(known), day = (uint64_t)(s->rate_hz * 86400);
    uint64_t from = XW_MAX(known->v[0].first, end > day ? end - day : 0);
    return (end - from) - xw_ranges_count_within(known, from, end);
}

static void fill_status(const struct xw_hub_stream *s, Xw__StreamStatus *out)
{
    struct xw_hub_view view;
    xw__stream_status__init(out);
    if (xw_hub_find(s->hub, &s->id, &view) < 0)
        return;
    out->stream_id.len = sizeof(s->id.b);
    out->stream_id.data = (uint8_t *)(uintptr_t)s->id.b;
    out->newest = view.newest;
    out->newest_wall_us = view.newest_wall_us;
    out->rate_bpm = view.rate_bpm;
    out->alarm = (Xw__Priority)view.alarm;
    out->alarm_code = (char *)(uintptr_t)view.alarm_code;
    out->live = view.live;
    out->suspended = view.suspended;
    out->leads_off = s->leads_off;
    out->missing = hub_missing(s);
    struct xw_hub_lights lights = xw_hub_lights(&view);
    out->captured = lights.captured;
    out->gateway_stored = lights.gateway;
    out->county_stored = lights.county;
    out->gateway_id = s->header->gateway_id;
}

/* Not of interest to the list any more; still found by its id. */
static bool long_silent(const struct xw_hub_stream *s, int64_t now_us)
{
    return now_us - s->grew_mono_us > INT64_C(86400) * 1000000;
}

static bool changed(const struct xw_hub_stream *s, int64_t now_us)
{
    /* Repeated a few times, since a newer status replaces one that a slow socket did not take. */
    int64_t quiet_us = now_us - s->grew_mono_us;
    return s->changed_tick + HUB_STATUS_REPEAT_TICKS >= s->hub->tick ||
           (s->grown && quiet_us <= (HUB_STATUS_REPEAT_TICKS + 2) * INT64_C(1000000));
}

static struct hub_message *pack_status(const struct xw_hub *hub, const struct xw_hub_socket *socket,
                                       bool all)
{
    const Xw__GatewayStatus *const *gateways = NULL;
    const char *const *sites = NULL;
    size_t gateways_n = 0;
    if (hub->config.gateways)
        gateways_n = hub->config.gateways(hub->config.user, &gateways, &sites);
    xw_autofree Xw__StreamStatus *statuses = calloc(hub->stats.streams_n + 1, sizeof(*statuses));
    xw_autofree Xw__StreamStatus **streams =
        calloc(hub->stats.streams_n + 1, sizeof(Xw__StreamStatus *));
    xw_autofree Xw__GatewayStatus **links = calloc(gateways_n + 1, sizeof(Xw__GatewayStatus *));
    if (!statuses || !streams || !links)
        return NULL;
    int64_t now_us = xw_clock_mono(hub->config.clock).us;
    Xw__LiveStatus status = XW__LIVE_STATUS__INIT;
    for (const struct xw_hub_stream *s = hub->streams; s; s = s->next) {
        if (!hub_socket_sees(socket, s->site) || !(all || changed(s, now_us)) ||
            long_silent(s, now_us))
            continue;
        fill_status(s, &statuses[status.n_streams]);
        streams[status.n_streams] = &statuses[status.n_streams];
        status.n_streams++;
    }
    for (size_t i = 0; i < gateways_n; i++)
        if (hub_socket_sees(socket, sites[i]))
            links[status.n_gateways++] = (Xw__GatewayStatus *)(uintptr_t)gateways[i];
    status.streams = streams;
    status.gateways = links;
    status.alarm_screens = hub->stats.screens_n;
    status.county_wall_us = xw_clock_wall(hub->config.clock).us;
    Xw__LiveMessage message = XW__LIVE_MESSAGE__INIT;
    message.body_case = XW__LIVE_MESSAGE__BODY_STATUS;
    message.status = &status;
    return hub_message_pack(&message);
}

void hub_status_send(struct xw_hub_socket *socket, bool all)
{
    hub_socket_status(socket, pack_status(socket->hub, socket, all));
}

/* Streams that went quiet give their ring back. */
static void free_rings(struct xw_hub *hub, int64_t now_us)
{
    for (struct xw_hub_stream *s = hub->streams; s; s = s->next) {
        if (!s->ring.bytes || s->watches || now_us - s->grew_mono_us < HUB_RING_IDLE_US)
            continue;
        hub->stats.ring_bytes -= s->ring.bytes_cap;
        xw_hub_ring_done(&s->ring);
    }
}

void xw_hub_tick(struct xw_hub *hub)
{
    struct hub_message *shared = NULL;
    bool all = ++hub->tick % HUB_STATUS_FULL_TICKS == 0;
    for (struct xw_hub_socket *s = hub->sockets; s; s = s->next) {
        if (!s->list)
            continue;
        if (s->scoped) {
            hub_status_send(s, all);
            continue;
        }
        if (!shared)
            shared = pack_status(hub, s, all);
        if (shared)
            hub_socket_status(s, hub_message_ref(shared));
    }
    hub_message_unref(shared);
    free_rings(hub, xw_clock_mono(hub->config.clock).us);
}

static struct hub_message *pack_healed(const struct hub_watch *w)
{
    Xw__Range ranges[XW_HUB_HEALED_MAX], *pointers[XW_HUB_HEALED_MAX];
    Xw__LiveHealed healed = XW__LIVE_HEALED__INIT;
    healed.stream_id.len = sizeof(w->stream->id.b);
    healed.stream_id.data = w->stream->id.b;
    healed.ranges = pointers;
    for (; healed.n_ranges < w->healed.n; healed.n_ranges++) {
        size_t i = healed.n_ranges;
        xw__range__init(&ranges[i]);
        ranges[i].first = w->healed.v[i].first;
        ranges[i].count = w->healed.v[i].end - w->healed.v[i].first;
        pointers[i] = &ranges[i];
    }
    Xw__LiveMessage message = XW__LIVE_MESSAGE__INIT;
    message.body_case = XW__LIVE_MESSAGE__BODY_HEALED;
    message.healed = &healed;
    return hub_message_pack(&message);
}

void xw_hub_flush(struct xw_hub *hub)
{
    if (!hub->healed_pending)
        return;
    hub->healed_pending = false;
    for (struct xw_hub_socket *s = hub->sockets; s; s = s->next) {
        for (uint32_t i = 0; i < s->watches_end; i++) {
            struct hub_watch *w = &s->watches[i];
            if (!w->stream || w->healed.n == 0)
                continue;
            hub_socket_queue(s, pack_healed(w));
            xw_ranges_clear(&w->healed);
        }
    }
}
