/* The next message of a browser socket: what was queued, and blocks of all watched streams in
 * turns. */
#include "center/hub_internal.h"

#include "base/varint.h"

#include <string.h>

XW_COUNTER(hub_dropped, "xw_center_dropped_blocks_total", NULL,
           "live blocks not sent to a socket that was too slow");

enum { TAG_LIVE_BLOCKS = (3 << 3) | 2 };

static int append_shared(struct xw_buf *buf, struct hub_message *message)
{
    int r = xw_buf_append(buf, message->data, message->size);
    hub_message_unref(message);
    return r < 0 ? r : 1;
}

/* Skips what is older than the hold, or gone from the ring; true if anything was. A gap may begin
 * long ago and end now: what counts is the end. */
static bool skip_old(struct hub_watch *w, struct xw_range *ret_dropped)
{
    const struct xw_hub_stream *s = w->stream;
    const struct xw_hub_ring *ring = &s->ring;
    uint64_t hold = (uint64_t)(s->rate_hz * (double)s->hub->config.hold_us / 1e6);
    uint64_t oldest = s->shown > hold ? s->shown - hold : 0;
    uint64_t seq = XW_MAX(w->next_seq, ring->tail);
    while (seq < ring->head && xw_hub_ring_at(ring, seq)->end <= oldest)
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
        struct hub_message *m = hub_message_fault("records_dropped", "too slow: ask again", NULL);
        socket->lost = false;
        return m ? append_shared(buf, m) : 0;
    }
    if (socket->queue_n) {
        struct hub_message *m = hub_socket_pop(socket);
        if (m->probe && socket->hub->config.probe_written)
            socket->hub->config.probe_written(socket->hub->config.user, m->probe);
        return append_shared(buf, m);
    }
    if (socket->status)
        return append_shared(buf, XW_STEAL(socket->status));
    return 0;
}

static bool more(const struct xw_hub_socket *socket)
{
    if (socket->queue_n || socket->status || socket->lost || hub_picture_more(socket))
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
    if (r == 0)
        r = hub_picture_next(socket, ret_message);
    else if (r > 0)
        socket->blocks_last = blocks;
    if (r <= 0)
        return r;
    if (more(socket))
        hub_socket_wake(socket);
    return r;
}
