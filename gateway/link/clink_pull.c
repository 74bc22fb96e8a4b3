/* The county's end: answers, acknowledgements, then the lanes. */
#include "link/clink_in.h"

enum { ACK_STREAMS_MAX = 128, ACK_RANGES_MAX = 1024 };

/* (held - known) and, of what the gateway has as blocks, where only gaps are known here. */
static int compute_wanted(struct xw_cgateway *g, struct xw_cstream *s)
{
    struct xw_store_stream in_store;
    struct xw_ranges blocks;
    int r = xw_ranges_copy(&s->held, &s->wanted);
    if (r < 0 || xw_store_stream(g->clink->store, &s->id, &in_store) < 0)
        return r;
    xw_ranges_init(&blocks, s->held.max);
    r = xw_ranges_copy(&s->held, &blocks);
    if (r >= 0)
        r = xw_ranges_subtract_all(&blocks, &s->gaps);
    if (r >= 0)
        r = xw_ranges_subtract_all(&blocks, in_store.blocks);
    if (r >= 0)
        r = xw_ranges_subtract_all(&s->wanted, in_store.known);
    if (r >= 0)
        r = xw_ranges_add_all(&s->wanted, &blocks);
    xw_ranges_done(&blocks);
    return r;
}

static int put_wanted(struct xw_cgateway *g, struct xw_cstream *s, struct xw_buf *ret_buf)
{
    static _Thread_local Xw__Range range[XW_LINK_RANGES_TOLD_MAX];
    static _Thread_local Xw__Range *ranges[XW_LINK_RANGES_TOLD_MAX];
    Xw__StreamWanted body = XW__STREAM_WANTED__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    int r = compute_wanted(g, s);
    if (r < 0) /* too many ranges: everything held, which costs only time */
        r = xw_ranges_copy(&s->held, &s->wanted);
    if (r < 0)
        return r;
    body.stream_id = (ProtobufCBinaryData){16, s->id.b};
    body.wanted = ranges;
    body.n_wanted = xw_wire_ranges(&s->wanted, range, ranges, XW_LINK_RANGES_TOLD_MAX);
    message.body_case = XW__LINK_MESSAGE__BODY_WANTED;
    message.wanted = &body;
    r = xw_wire_write(&message, ret_buf);
    if (r < 0)
        return r;
    s->wanted_due = false;
    xw_ranges_clear(&s->held);
    xw_ranges_clear(&s->gaps);
    return 1;
}

static int put_again(struct xw_cstream *s, struct xw_buf *ret_buf)
{
    static _Thread_local Xw__Range range[XW_LINK_RANGES_TOLD_MAX];
    static _Thread_local Xw__Range *ranges[XW_LINK_RANGES_TOLD_MAX];
    Xw__StreamWanted body = XW__STREAM_WANTED__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    body.stream_id = (ProtobufCBinaryData){16, s->id.b};
    body.wanted = ranges;
    body.n_wanted = xw_wire_ranges(&s->lost, range, ranges, XW_LINK_RANGES_TOLD_MAX);
    body.again = true;
    message.body_case = XW__LINK_MESSAGE__BODY_WANTED;
    message.wanted = &body;
    int r = xw_wire_write(&message, ret_buf);
    if (r < 0)
        return r;
    s->again_due = false;
    xw_ranges_clear(&s->lost);
    return 1;
}

static int pull_wanted(struct xw_cgateway *g, struct xw_buf *ret_buf)
{
    for (struct xw_cstream *s = g->streams; g->wanted_due && s; s = s->next) {
        if (s->session != g->session)
            continue;
        if (s->wanted_due)
            return put_wanted(g, s, ret_buf);
        if (s->again_due)
            return put_again(s, ret_buf);
    }
    g->wanted_due = false;
    return 0;
}

struct acks {
    Xw__StreamAck ack[ACK_STREAMS_MAX];
    Xw__StreamAck *acks[ACK_STREAMS_MAX];
    Xw__Range range[ACK_RANGES_MAX];
    Xw__Range *ranges[ACK_RANGES_MAX];
    size_t acks_n, ranges_n;
};

/* Everything before `upto` is known here, and what became durable beyond it. False: no room. */
static bool put_ack(struct xw_cgateway *g, struct xw_cstream *s, struct acks *a)
{
    struct xw_store_stream in_store;
    struct xw_ranges beyond = s->fresh;
    uint64_t upto = 0;
    if (xw_store_stream(g->clink->store, &s->id, &in_store) >= 0)
        upto = xw_ranges_contiguous_end(in_store.known, 0);
    while (beyond.n && beyond.v[0].end <= upto) {
        beyond.v++;
        beyond.n--;
    }
    if (a->acks_n == ACK_STREAMS_MAX || a->ranges_n == ACK_RANGES_MAX)
        return false;
    beyond.n = XW_MIN(beyond.n, (size_t)(ACK_RANGES_MAX - a->ranges_n));
    Xw__StreamAck *ack = &a->ack[a->acks_n];
    xw__stream_ack__init(ack);
    ack->stream_id = (ProtobufCBinaryData){16, s->id.b};
    ack->upto = upto;
    ack->ranges = &a->ranges[a->ranges_n];
    ack->n_ranges = xw_wire_ranges(&beyond, &a->range[a->ranges_n], ack->ranges, ACK_RANGES_MAX);
    a->ranges_n += ack->n_ranges;
    a->acks[a->acks_n++] = ack;
    /* What found no room stays: its turn comes with the next message. */
    uint64_t said = beyond.n ? beyond.v[beyond.n - 1].end : upto;
    xw_ranges_trim(&s->fresh, XW_MAX(said, upto));
    return true;
}

static int pull_acks(struct xw_cgateway *g, struct xw_buf *ret_buf)
{
    static _Thread_local struct acks a;
    if (!g->ack_due_us || xw_clock_mono(g->clink->clock).us < g->ack_due_us)
        return 0;
    bool more = false;
    a.acks_n = a.ranges_n = 0;
    for (struct xw_cstream *s = g->streams; s; s = s->next)
        if (s->fresh.n && s->session == g->session && !s->wanted_due)
            more = !put_ack(g, s, &a) || s->fresh.n || more;
    if (!more)
        g->ack_due_us = 0;
    if (!a.acks_n)
        return 0;
    Xw__BlockAck body = XW__BLOCK_ACK__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    body.streams = a.acks;
    body.n_streams = a.acks_n;
    message.body_case = XW__LINK_MESSAGE__BODY_BLOCK_ACK;
    message.block_ack = &body;
    int r = xw_wire_write(&message, ret_buf);
    return r < 0 ? r : 1;
}

int xw_clink_pull(struct xw_clink *clink XW_UNUSED, struct xw_conn *conn, struct xw_buf *ret_buf)
{
    struct xw_cgateway *g = conn->session;
    int r = xw_conn_pull(conn, ret_buf);
    if (r || !g || conn->state != XW_CONN_OPEN)
        return r;
    if (xw_side_preferred(&g->side) == conn) {
        r = pull_wanted(g, ret_buf);
        if (!r)
            r = pull_acks(g, ret_buf);
        if (!r)
            r = xw_side_pull_ack(&g->side, ret_buf);
    }
    return r ? r : xw_side_pull(&g->side, conn, ~0U, ret_buf);
}
