/* One browser socket of the hub: what it watches, its queue, and the next message for it. */
#include "center/hub_internal.h"

#include "base/log.h"
#include "base/varint.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(hub_dropped, "xw_center_dropped_blocks_total", NULL,
           "live blocks not sent to a socket that was too slow");
XW_COUNTER(hub_dropped_messages, "xw_center_dropped_messages_total", NULL,
           "records and statuses not sent to a socket that was too slow");

enum { TAG_LIVE_BLOCKS = (3 << 3) | 2 };

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

static struct hub_message *queue_pop(struct xw_hub_socket *socket)
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
        hub_message_unref(queue_pop(socket));
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

void xw_hub_list(struct xw_hub_socket *socket, bool on)
{
    socket->list = on;
    if (on)
        hub_status_send(socket, true);
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

static struct hub_message *pack_fault(const char *code, const char *text,
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
    hub_socket_queue(socket, pack_fault(code, text, stream));
}

/* ---- the next message ---- */

static int append_shared(struct xw_buf *buf, struct hub_message *message)
{
    int r = xw_buf_append(buf, message->data, message->size);
    hub_message_unref(message);
    return r < 0 ? r : 1;
}

/* Skips what is older than the hold, or gone from the ring; true if anything was. */
static bool skip_old(struct hub_watch *w, struct xw_range *ret_dropped)
{
    const struct xw_hub_stream *s = w->stream;
    const struct xw_hub_ring *ring = &s->ring;
    uint64_t hold = (uint64_t)(s->rate_hz * (double)s->hub->config.hold_us / 1e6);
    uint64_t oldest = s->shown > hold ? s->shown - hold : 0;
    uint64_t seq = XW_MAX(w->next_seq, ring->tail);
    while (seq < ring->head && xw_hub_ring_at(ring, seq)->first < oldest)
        seq++;
    if (seq == w->next_seq)
        return false;
    uint64_t end = seq < ring->head ? xw_hub_ring_at(ring, seq)->first : s->shown;
    uint64_t n = seq - w->next_seq;
    s->hub->stats.dropped_blocks_n += n;
    xw_counter_add(&hub_dropped, n);
    *ret_dropped = (struct xw_range){w->next_first, end};
    w->next_seq = seq;
    w->next_first = end;
    return ret_dropped->first < ret_dropped->end;
}

static int append_dropped(struct xw_buf *buf, struct hub_watch *w, struct xw_range dropped)
{
    Xw__Range range = XW__RANGE__INIT;
    range.first = dropped.first;
    range.count = dropped.end - dropped.first;
    Xw__LiveDropped wire = XW__LIVE_DROPPED__INIT;
    wire.stream_id.len = sizeof(w->stream->id.b);
    wire.stream_id.data = w->stream->id.b;
    wire.range = &range;
    Xw__LiveMessage message = XW__LIVE_MESSAGE__INIT;
    message.body_case = XW__LIVE_MESSAGE__BODY_DROPPED;
    message.dropped = &wire;
    uint8_t *room;
    int r = xw_buf_reserve(buf, xw__live_message__get_packed_size(&message), &room);
    if (r < 0)
        return r;
    xw_buf_added(buf, xw__live_message__pack(&message, room));
    return 1;
}

struct pick {
    struct hub_watch *watch;
    uint64_t end_seq;
};

static int append_picks(struct xw_buf *buf, const struct pick *picks, uint32_t n, size_t size)
{
    uint8_t *room;
    int r = xw_buf_reserve(buf, 1 + XW_VARINT64_MAX_N_BYTES + size, &room);
    if (r < 0)
        return r;
    uint8_t *at = room;
    *at++ = TAG_LIVE_BLOCKS;
    at += xw_varint_put(at, size);
    for (uint32_t i = 0; i < n; i++) {
        struct hub_watch *w = picks[i].watch;
        for (; w->next_seq < picks[i].end_seq; w->next_seq++) {
            const struct xw_hub_entry *e = xw_hub_ring_at(&w->stream->ring, w->next_seq);
            memcpy(at, w->stream->ring.bytes + e->at, e->size);
            at += e->size;
            w->next_first = XW_MAX(w->next_first, e->end);
        }
    }
    xw_buf_added(buf, (size_t)(at - room));
    return 1;
}

/* Tells the first watch that has fallen behind what it will not get. */
static int next_dropped(struct xw_hub_socket *socket, struct xw_buf *buf)
{
    for (uint32_t i = 0; i < socket->watches_end; i++) {
        struct hub_watch *w = &socket->watches[i];
        struct xw_range dropped;
        if (w->stream && !w->opening && w->stream->ring.bytes && skip_old(w, &dropped))
            return append_dropped(buf, w, dropped);
    }
    return 0;
}

/* Blocks of all watched streams in one message, each stream first in its turn. */
static int next_blocks(struct xw_hub_socket *socket, struct xw_buf *buf)
{
    struct pick picks[XW_HUB_WATCH_MAX];
    uint32_t n = 0;
    size_t size = 0;
    int r = next_dropped(socket, buf);
    if (r != 0)
        return r;
    for (uint32_t i = 0; i < socket->watches_end && size < XW_HUB_MESSAGE_MAX_BYTES; i++) {
        struct hub_watch *w = &socket->watches[(socket->turn + i) % socket->watches_end];
        if (!w->stream || w->opening)
            continue;
        uint64_t seq = w->next_seq;
        for (; seq < w->stream->ring.head; seq++) {
            uint32_t entry = xw_hub_ring_at(&w->stream->ring, seq)->size;
            if (size && size + entry > XW_HUB_MESSAGE_MAX_BYTES)
                break;
            size += entry;
        }
        if (seq != w->next_seq)
            picks[n++] = (struct pick){w, seq};
    }
    if (n == 0)
        return 0;
    socket->turn = (socket->turn + 1) % socket->watches_end;
    return append_picks(buf, picks, n, size);
}

static int next_other(struct xw_hub_socket *socket, struct xw_buf *buf)
{
    if (socket->lost) {
        struct hub_message *m = pack_fault("records_dropped", "too slow: ask again", NULL);
        socket->lost = false;
        return m ? append_shared(buf, m) : 0;
    }
    if (socket->queue_n)
        return append_shared(buf, queue_pop(socket));
    if (socket->status)
        return append_shared(buf, XW_STEAL(socket->status));
    return 0;
}

static bool more(const struct xw_hub_socket *socket)
{
    if (socket->queue_n || socket->status || socket->lost)
        return true;
    for (uint32_t i = 0; i < socket->watches_end; i++) {
        const struct hub_watch *w = &socket->watches[i];
        if (w->stream && w->next_seq < w->stream->ring.head)
            return true;
    }
    return false;
}

int xw_hub_next(struct xw_hub_socket *socket, struct xw_buf *ret_message)
{
    socket->wanted = false;
    bool blocks = !socket->blocks_last;
    int r = blocks ? next_blocks(socket, ret_message) : next_other(socket, ret_message);
    if (r == 0) {
        blocks = !blocks;
        r = blocks ? next_blocks(socket, ret_message) : next_other(socket, ret_message);
    }
    if (r <= 0)
        return r;
    socket->blocks_last = blocks;
    if (more(socket))
        hub_socket_wake(socket);
    return r;
}
