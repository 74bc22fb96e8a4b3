/* One browser socket of the hub: what it watches, and its queue. */
#include "center/hub_internal.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(hub_dropped_messages, "xw_center_dropped_messages_total", NULL,
           "records and statuses not sent to a socket that was too slow");

int xw_hub_socket_new(struct xw_hub *hub, const char *site, void *user,
                      struct xw_hub_socket **ret_socket)
{
    struct xw_hub_socket *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->hub = hub;
    s->user = user;
    s->scoped = site != NULL;
    snprintf(s->site, sizeof(s->site), "%s", site ? site : "");
    s->at = &hub->sockets;
    s->next = hub->sockets;
    if (s->next)
        s->next->at = &s->next;
    hub->sockets = s;
    hub->stats.sockets_n++;
    Xw__LiveHello hello = XW__LIVE_HELLO__INIT;
    hello.version = 1;
    hello.county_wall_us = xw_clock_wall(hub->config.clock).us;
    hello.demo = hub->config.demo;
    Xw__LiveMessage message = XW__LIVE_MESSAGE__INIT;
    message.body_case = XW__LIVE_MESSAGE__BODY_HELLO;
    message.hello = &hello;
    hub_socket_queue(s, hub_message_pack(&message));
    *ret_socket = s;
    return 0;
}

void xw_hub_quiet(struct xw_hub_socket *socket)
{
    for (uint32_t i = 0; i < XW_HUB_WATCH_MAX; i++)
        if (socket->watches[i].stream)
            hub_watch_drop(&socket->watches[i]);
    for (uint32_t i = 0; i < socket->queue_n; i++)
        hub_message_unref(socket->queue[(socket->queue_at + i) % XW_HUB_QUEUE_MAX]);
    hub_message_unref(socket->status);
    socket->status = NULL;
    socket->queue_n = 0;
    socket->queue_bytes = 0;
    socket->list = socket->lost = false;
    xw_hub_screen(socket, false);
    socket->attachments_n = 0;
    hub_picture_quiet(socket);
}

void xw_hub_socket_free(struct xw_hub_socket *socket)
{
    if (!socket)
        return;
    xw_hub_quiet(socket);
    *socket->at = socket->next;
    if (socket->next)
        socket->next->at = socket->at;
    socket->hub->stats.sockets_n--;
    free(socket);
}

bool hub_socket_sees(const struct xw_hub_socket *socket, const char *site)
{
    return !socket->scoped || (site && site[0] && strcmp(socket->site, site) == 0);
}

void hub_socket_wake(struct xw_hub_socket *socket)
{
    if (socket->wanted)
        return;
    socket->wanted = true;
    socket->hub->config.want_write(socket->hub->config.user, socket->user);
}

struct hub_message *hub_socket_pop(struct xw_hub_socket *socket)
{
    struct hub_message *m = socket->queue[socket->queue_at];
    socket->queue_at = (socket->queue_at + 1) % XW_HUB_QUEUE_MAX;
    socket->queue_n--;
    socket->queue_bytes -= m->size;
    for (uint32_t i = 0; i < socket->watches_end; i++)
        if (socket->watches[i].opening == m)
            socket->watches[i].opening = NULL;
    return m;
}

void hub_socket_queue(struct xw_hub_socket *socket, struct hub_message *message)
{
    if (!message) {
        socket->lost = true;
        return;
    }
    while (socket->queue_n == XW_HUB_QUEUE_MAX ||
           (socket->queue_n && socket->queue_bytes + message->size > XW_HUB_QUEUE_MAX_BYTES)) {
        hub_message_unref(hub_socket_pop(socket));
        socket->lost = true;
        socket->hub->stats.dropped_messages_n++;
        xw_counter_add(&hub_dropped_messages, 1);
    }
    socket->queue[(socket->queue_at + socket->queue_n) % XW_HUB_QUEUE_MAX] = message;
    socket->queue_n++;
    socket->queue_bytes += message->size;
    hub_socket_wake(socket);
}

void hub_socket_status(struct xw_hub_socket *socket, struct hub_message *message)
{
    if (!message)
        return;
    hub_message_unref(socket->status);
    socket->status = message;
    hub_socket_wake(socket);
}

void hub_watch_drop(struct hub_watch *watch)
{
    *watch->at_of_stream = watch->next_of_stream;
    if (watch->next_of_stream)
        watch->next_of_stream->at_of_stream = watch->at_of_stream;
    watch->stream->hub->stats.watches_n--;
    xw_ranges_done(&watch->healed);
    *watch = (struct hub_watch){0};
}

static struct hub_watch *find_watch(struct xw_hub_socket *socket, const struct xw_uuid *id)
{
    for (uint32_t i = 0; i < socket->watches_end; i++)
        if (socket->watches[i].stream && xw_uuid_equal(&socket->watches[i].stream->id, id))
            return &socket->watches[i];
    return NULL;
}

/* The first entry to send: history asked for, and whatever is not durable yet, since that can be
 * fetched by range only later. */
static uint64_t first_entry(const struct xw_hub_stream *s, uint32_t history_ms)
{
    uint64_t back = (uint64_t)(s->rate_hz * XW_MIN(history_ms, 2000U) / 1000.0);
    uint64_t from = s->shown - XW_MIN(back, s->shown);
    const struct xw_ranges *known =
        s->hub->config.known ? s->hub->config.known(s->hub->config.user, &s->id) : NULL;
    if (known)
        from = XW_MIN(from, xw_ranges_end(known));
    uint64_t seq = s->ring.head;
    while (seq > s->ring.tail && xw_hub_ring_at(&s->ring, seq - 1)->end > from)
        seq--;
    return seq;
}

static struct hub_message *pack_stream(const struct xw_hub_stream *s, uint64_t live_first)
{
    enum { RANGES_MAX = 256 };
    Xw__Range ranges[RANGES_MAX], *pointers[RANGES_MAX];
    Xw__LiveStream live = XW__LIVE_STREAM__INIT;
    const struct xw_ranges *known =
        s->hub->config.known ? s->hub->config.known(s->hub->config.user, &s->id) : NULL;
    uint64_t hour = (uint64_t)(s->rate_hz * 3600), end = s->newest;
    uint64_t from = end > hour ? end - hour : 0;
    size_t at = known ? xw_ranges_find(known, from) : 0;
    if (known && known->n - at > RANGES_MAX)
        at = known->n - RANGES_MAX;
    for (; known && at < known->n; at++) {
        uint64_t first = XW_MAX(known->v[at].first, from);
        Xw__Range *r = &ranges[live.n_known];
        xw__range__init(r);
        r->first = first;
        r->count = known->v[at].end - first;
        pointers[live.n_known++] = r;
    }
    live.known = pointers;
    live.header = s->header;
    live.live_first = live_first;
    if (s->anchor.known)
        live.anchor = xw__anchor__unpack(NULL, s->anchor.body_size, s->anchor.body);
    Xw__LiveMessage message = XW__LIVE_MESSAGE__INIT;
    message.body_case = XW__LIVE_MESSAGE__BODY_STREAM;
    message.stream = &live;
    struct hub_message *packed = hub_message_pack(&message);
    if (live.anchor)
        xw__anchor__free_unpacked(live.anchor, NULL);
    return packed;
}

int xw_hub_watch(struct xw_hub_socket *socket, const struct xw_uuid *stream, uint32_t history_ms)
{
    struct xw_hub_stream *s = hub_stream_find(socket->hub, stream);
    if (!s || !hub_socket_sees(socket, s->site))
        return -ENOENT;
    struct hub_watch *w = find_watch(socket, stream);
    if (w)
        hub_watch_drop(w);
    uint32_t i = 0;
    while (i < XW_HUB_WATCH_MAX && socket->watches[i].stream)
        i++;
    if (i == XW_HUB_WATCH_MAX)
        return -EOVERFLOW;
    uint64_t seq = first_entry(s, history_ms);
    uint64_t first = seq < s->ring.head ? xw_hub_ring_at(&s->ring, seq)->first : s->newest;
    struct hub_message *opening = pack_stream(s, first);
    if (!opening)
        return -ENOMEM;
    w = &socket->watches[i];
    *w = (struct hub_watch){.stream = s,
                            .socket = socket,
                            .next_of_stream = s->watches,
                            .at_of_stream = &s->watches,
                            .next_seq = seq,
                            .next_first = first,
                            .opening = opening};
    xw_ranges_init(&w->healed, XW_HUB_HEALED_MAX);
    if (s->watches)
        s->watches->at_of_stream = &w->next_of_stream;
    s->watches = w;
    socket->watches_end = XW_MAX(socket->watches_end, i + 1);
    socket->hub->stats.watches_n++;
    hub_socket_queue(socket, opening);
    return 0;
}

void xw_hub_unwatch(struct xw_hub_socket *socket, const struct xw_uuid *stream)
{
    struct hub_watch *w = find_watch(socket, stream);
    if (w)
        hub_watch_drop(w);
}

bool xw_hub_watches(const struct xw_hub_socket *socket)
{
    for (uint32_t i = 0; i < socket->watches_end; i++)
        if (socket->watches[i].stream)
            return true;
    for (uint32_t i = 0; i < XW_HUB_PICTURE_WATCH_MAX; i++)
        if (socket->pictures[i].used)
            return true;
    return socket->attachments_n > 0;
}

void xw_hub_list(struct xw_hub_socket *socket, bool on)
{
    socket->list = on;
    if (!on)
        return;
    hub_status_send(socket, true);
    hub_picture_states(socket);
}

void xw_hub_pong(struct xw_hub_socket *socket, int64_t client_us)
{
    Xw__BrowserPong pong = XW__BROWSER_PONG__INIT;
    pong.client_us = client_us;
    pong.county_wall_us = xw_clock_wall(socket->hub->config.clock).us;
    Xw__LiveMessage message = XW__LIVE_MESSAGE__INIT;
    message.body_case = XW__LIVE_MESSAGE__BODY_PONG;
    message.pong = &pong;
    hub_socket_queue(socket, hub_message_pack(&message));
}

struct hub_message *hub_message_fault(const char *code, const char *text,
                                      const struct xw_uuid *stream)
{
    Xw__LiveFault fault = XW__LIVE_FAULT__INIT;
    fault.code = (char *)(uintptr_t)code;
    fault.text = (char *)(uintptr_t)text;
    if (stream) {
        fault.stream_id.len = sizeof(stream->b);
        fault.stream_id.data = (uint8_t *)(uintptr_t)stream->b;
    }
    Xw__LiveMessage message = XW__LIVE_MESSAGE__INIT;
    message.body_case = XW__LIVE_MESSAGE__BODY_FAULT;
    message.fault = &fault;
    return hub_message_pack(&message);
}

void xw_hub_fault(struct xw_hub_socket *socket, const char *code, const char *text,
                  const struct xw_uuid *stream)
{
    hub_socket_queue(socket, hub_message_fault(code, text, stream));
}
