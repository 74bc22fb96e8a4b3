/* The county's end: what a gateway says. */
#include "link/clink_in.h"

static int dispatch(struct xw_clink *clink, struct xw_conn *conn, const Xw__LinkMessage *message,
                    size_t n_bytes)
{
    if (message->body_case == XW__LINK_MESSAGE__BODY_HELLO)
        return xw_clink_hello(clink, conn, message->hello);
    struct xw_cgateway *g = conn->session;
    if (message->body_case == XW__LINK_MESSAGE__BODY_CLOSE) {
        conn->fault_by_peer = true;
        xw_conn_end(conn, message->close->code, message->close->text);
        return -EPROTO;
    }
    if (!g)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_STATE, "before the hello");
    if (message->body_case == XW__LINK_MESSAGE__BODY_HELD)
        return xw_clink_held(g, conn, message->held, n_bytes);
    if (conn->state != XW_CONN_OPEN)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_STATE, "before the welcome");
    if (xw_wire_counted(message) && xw_conn_take(conn, n_bytes) < 0)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_CREDIT, "more than the credit given");
    switch (message->body_case) {
    case XW__LINK_MESSAGE__BODY_BLOCKS:
        return xw_clink_blocks(g, conn, message->blocks, n_bytes);
    case XW__LINK_MESSAGE__BODY_OPEN:
        xw_conn_settle(conn, n_bytes);
        return xw_clink_stream_open(g, conn, message->open);
    case XW__LINK_MESSAGE__BODY_SUSPENDED:
        return xw_clink_suspended(g, conn, message->suspended);
    default: {
        int r = xw_side_message(&g->side, conn, message, n_bytes);
        return r < 0 ? r : 0;
    }
    }
}

int xw_clink_receive(struct xw_clink *clink, struct xw_conn *conn, const void *data, size_t n_bytes)
{
    Xw__LinkMessage *message;
    struct xw_wire_fault fault;
    if (conn->state >= XW_CONN_CLOSING)
        return -EPROTO;
    conn->heard_us = xw_clock_mono(clink->clock).us;
    if (conn->session)
        ((struct xw_cgateway *)conn->session)->received_n_bytes += n_bytes;
    if (xw_wire_read(&clink->arena, XW_FROM_GATEWAY, data, n_bytes, &message, &fault) < 0)
        return xw_clink_fail(conn, fault.code, fault.text);
    return dispatch(clink, conn, message, n_bytes);
}
