/* The device port: what its connections say to sessions, and sessions to them. */
#include "edge/port.h"

#include "base/log.h"
#include "base/metrics.h"
#include "edge/attachment.h"
#include "edge/decide.h"
#include "edge/session_data.h"
#include "edge/tcp.h"
#include "edge/technical.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { EXTRA_CONNECTIONS = 32 }; /* that say hello or wait, beside the attached ones */

XW_COUNTER(connections, "xw_edge_connections_total", NULL, "connections to the device port");
XW_COUNTER(refused, "xw_edge_connections_refused_total", NULL, "connections refused: too many");
XW_COUNTER(faults, "xw_edge_device_faults_total", NULL, "connections ended by a fatal fault");
XW_COUNTER(messages_out, "xw_edge_messages_out_total", NULL, "messages sent to devices");

struct xw_devconn {
    struct xw_tcp_conn tcp;
    struct xw_port *port;
    struct xw_session session;
    struct xw_attachment *attachment;
    char peer[64];
    int64_t since_wall_us;
    bool over;                     /* session ended */
    struct xw_stream *room_stream; /* of the block being decoded */
};

struct xw_port {
    struct xw_edge *edge;
    struct xw_tcp_port tcp;
    bool stopped;
};

static struct xw_devconn *conn_of(struct xw_tcp_conn *tcp)
{
    return XW_CONTAINER_OF(tcp, struct xw_devconn, tcp);
}

void xw_devconn_send(struct xw_devconn *conn, const Xw__GatewayMessage *message)
{
    uint8_t fixed[4096], *bytes = fixed;
    size_t n = xw__gateway_message__get_packed_size(message);
    if (conn->tcp.closing)
        return;
    if (n + XW_FRAME_HEADER_MAX_N_BYTES > sizeof(fixed))
        bytes = malloc(n + XW_FRAME_HEADER_MAX_N_BYTES);
    if (!bytes)
        return;
    size_t header = xw_frame_header(n, bytes);
    xw__gateway_message__pack(message, bytes + header);
    xw_tcp_write(&conn->tcp, bytes, header + n);
    xw_counter_add(&messages_out, 1);
    if (bytes != fixed)
        free(bytes);
}

void xw_devconn_warn(struct xw_devconn *conn, Xw__DeviceFault code, const char *text)
{
    Xw__GatewayFault fault = XW__GATEWAY_FAULT__INIT;
    fault.code = code;
    fault.text = (char *)text;
    Xw__GatewayMessage message = XW__GATEWAY_MESSAGE__INIT;
    message.body_case = XW__GATEWAY_MESSAGE__BODY_FAULT;
    message.fault = &fault;
    xw_devconn_send(conn, &message);
}

/* ---- the session's host ---- */

static void host_send(void *user, const Xw__GatewayMessage *message)
{
    xw_devconn_send(user, message);
}

static void attach(struct xw_devconn *conn)
{
    struct xw_device_fault fault;
    xw_session_opening(&conn->session);
    xw_tcp_read(&conn->tcp, false);
    if (xw_fleet_attach(conn->port->edge->fleet, conn, conn->session.hello, &fault) < 0) {
        /* Unread bytes would make the end a reset, and take the words away. */
        xw_tcp_read(&conn->tcp, true);
        xw_session_refuse(&conn->session, &fault);
    }
}

static void decide(struct xw_devconn *conn)
{
    struct xw_edge *edge = conn->port->edge;
    switch (xw_decide_device(edge->decide, conn->session.hello->device_id)) {
    case XW_DECISION_ACCEPTED:
        attach(conn);
        return;
    case XW_DECISION_REFUSED:
        xw_devconn_refuse(conn, XW__DEVICE_FAULT__DEVICE_FAULT_IDENTITY,
                          "this device was refused at the gateway");
        return;
    case XW_DECISION_NONE:
        xw_log_notice("device.waits", XW_LOG_STR("device", conn->session.hello->device_id));
        xw_session_wait(&conn->session, "not accepted yet: see the gateway's status page");
        return;
    }
}

static void host_hello(void *user, const Xw__DeviceHello *hello)
{
    struct xw_devconn *conn = user;
    uint8_t nonce[XW_SESSION_NONCE_BYTES];
    if (!xw_decide_has_key(conn->port->edge->decide, hello->device_id)) {
        decide(conn);
        return;
    }
    randombytes_buf(nonce, sizeof(nonce));
    xw_session_challenge(&conn->session, nonce, xw_edge_now_us());
}

static bool host_proves(void *user, const uint8_t nonce[XW_SESSION_NONCE_BYTES], const void *hmac,
                        size_t size)
{
    struct xw_devconn *conn = user;
    if (!xw_decide_proves(conn->port->edge->decide, conn->session.hello->device_id, nonce, hmac,
                          size))
        return false;
    decide(conn);
    return true;
}

static int32_t *host_room(void *user, unsigned signal, size_t values_n)
{
    struct xw_devconn *conn = user;
    conn->room_stream = xw_attachment_stream(conn->attachment, signal);
    return conn->room_stream ? xw_stream_room(conn->room_stream, values_n) : NULL;
}

static void host_drop(void *user, unsigned signal)
{
    struct xw_devconn *conn = user;
    (void)signal;
    xw_pipeline_drop(conn->room_stream->pipeline);
}

static void host_block(void *user, const struct xw_session_block *block)
{
    struct xw_devconn *conn = user;
    if (xw_stream_scattered(conn->room_stream, block->first, block->count)) {
        xw_pipeline_drop(conn->room_stream->pipeline);
        xw_session_fence(&conn->session, XW__DEVICE_FAULT__DEVICE_FAULT_INDEX, "block.first",
                         "too many holes: fill or declare them first");
        return;
    }
    xw_stream_take_block(conn->room_stream, block);
    xw_fleet_check_pressure(conn->attachment);
}

static void host_gap(void *user, unsigned signal, uint64_t first, uint64_t count)
{
    struct xw_devconn *conn = user;
    struct xw_stream *stream = xw_attachment_stream(conn->attachment, signal);
    if (stream)
        xw_stream_take_gap(stream, first, count);
}

static void host_fact(void *user, const Xw__DeviceMessage *message, uint64_t seq)
{
    struct xw_devconn *conn = user;
    xw_attachment_fact(conn->attachment, message, seq);
}

/* Which faults say that the device itself is wrong. */
static bool fences(Xw__DeviceFault code)
{
    switch (code) {
    case XW__DEVICE_FAULT__DEVICE_FAULT_BUSY:
    case XW__DEVICE_FAULT__DEVICE_FAULT_STORAGE:
    case XW__DEVICE_FAULT__DEVICE_FAULT_SHUTDOWN:
    case XW__DEVICE_FAULT__DEVICE_FAULT_TIMEOUT:
    case XW__DEVICE_FAULT__DEVICE_FAULT_IDENTITY:
        return false;
    default:
        return true;
    }
}

static void tell_fault(struct xw_devconn *conn, const struct xw_device_fault *fault)
{
    struct xw_edge *edge = conn->port->edge;
    const char *device = conn->session.hello ? conn->session.hello->device_id : NULL;
    char text[192];
    xw_counter_add(&faults, 1);
    snprintf(text, sizeof(text), "%.48s%s%.128s", fault->field, fault->field[0] ? ": " : "",
             fault->text);
    if (device && fences(fault->code)) {
        struct xw_attachment *a = conn->attachment;
        xw_technical_raise(edge->technical, XW__TECHNICAL_CODE__TECHNICAL_DEVICE_FENCED, device,
                           text, a && a->streams_n ? &a->streams[0].id : NULL);
        return; /* logged there, once */
    }
    xw_log_warning("device.fault", XW_LOG_STR("device", device ? device : conn->peer),
                   XW_LOG_INT("code", fault->code), XW_LOG_STR("text", text));
}

static void host_over(void *user, const struct xw_device_fault *fault)
{
    struct xw_devconn *conn = user;
    if (conn->over)
        return;
    conn->over = true;
    if (fault)
        tell_fault(conn, fault);
    struct xw_attachment *a = XW_STEAL(conn->attachment);
    if (a)
        xw_fleet_detach(a, conn->session.bye);
    xw_tcp_linger(&conn->tcp); /* what the peer still sends is read and dropped */
}

static const struct xw_session_host host_template = {
    .send = host_send,
    .hello = host_hello,
    .proves = host_proves,
    .room = host_room,
    .drop = host_drop,
    .block = host_block,
    .gap = host_gap,
    .fact = host_fact,
    .over = host_over,
};

/* ---- the life of a connection ---- */

static void on_received(struct xw_tcp_conn *tcp, const void *data, size_t n)
{
    struct xw_devconn *conn = conn_of(tcp);
    if (n > 0 && !conn->over)
        xw_session_feed(&conn->session, data, n, xw_edge_now_us());
}

static void conn_close(struct xw_tcp_conn *tcp)
{
    xw_tcp_close(tcp);
    xw_session_cut(&conn_of(tcp)->session);
}

static void on_closed(struct xw_tcp_conn *tcp)
{
    struct xw_devconn *conn = conn_of(tcp);
    xw_session_done(&conn->session);
    xw_tcp_unlink(tcp);
    free(conn);
}

static void on_connected(struct xw_tcp_port *tcp)
{
    struct xw_port *port = XW_CONTAINER_OF(tcp, struct xw_port, tcp);
    const struct xw_edge_config *config = port->edge->config;
    struct xw_devconn *conn = calloc(1, sizeof(*conn));
    char address[XW_TCP_ADDRESS_N] = "?";
    unsigned port_n = 0;
    if (!conn)
        return;
    conn->port = port;
    conn->since_wall_us = xw_edge_wall_us();
    struct xw_session_host host = host_template;
    host.user = conn;
    xw_session_init(&conn->session, &host, config->hello_timeout_us, config->idle_timeout_us,
                    xw_edge_now_us());
    xw_counter_add(&connections, 1);
    if (xw_tcp_accept(tcp, &conn->tcp) < 0) {
        conn_close(&conn->tcp);
        return;
    }
    xw_tcp_peer(&conn->tcp, address, &port_n);
    snprintf(conn->peer, sizeof(conn->peer), "%s %u", address, port_n);
    xw_tcp_read(&conn->tcp, true);
    if (tcp->conns_n > (size_t)config->devices_max + EXTRA_CONNECTIONS) {
        xw_counter_add(&refused, 1);
        xw_devconn_refuse(conn, XW__DEVICE_FAULT__DEVICE_FAULT_BUSY, "too many connections");
    }
}

static void on_gone(struct xw_tcp_port *tcp)
{
    free(XW_CONTAINER_OF(tcp, struct xw_port, tcp));
}

static const struct xw_tcp_calls calls = {
    .connected = on_connected,
    .received = on_received,
    .close = conn_close,
    .closed = on_closed,
    .gone = on_gone,
};

/* ---- the port ---- */

void xw_port_stop(struct xw_port *port)
{
    if (port->stopped)
        return;
    port->stopped = true;
    xw_tcp_unlisten(&port->tcp);
    for (struct xw_tcp_conn *conn = port->tcp.conns, *next; conn; conn = next) {
        next = conn->next;
        xw_devconn_refuse(conn_of(conn), XW__DEVICE_FAULT__DEVICE_FAULT_SHUTDOWN,
                          "the gateway stops: keep what is not acknowledged");
    }
}

void xw_port_free(struct xw_port *port)
{
    if (!port)
        return;
    for (struct xw_tcp_conn *conn = port->tcp.conns, *next; conn; conn = next) {
        next = conn->next;
        conn_close(conn);
    }
    xw_tcp_port_done(&port->tcp);
}

void xw_port_tick(struct xw_port *port)
{
    int64_t now = xw_edge_now_us();
    for (struct xw_tcp_conn *conn = port->tcp.conns, *next; conn; conn = next) {
        next = conn->next;
        xw_session_tick(&conn_of(conn)->session, now);
    }
}

void xw_port_decided(struct xw_port *port, const char *device_id, bool accepted)
{
    for (struct xw_tcp_conn *tcp = port->tcp.conns, *next; tcp; tcp = next) {
        struct xw_devconn *conn = conn_of(tcp);
        next = tcp->next;
        const Xw__DeviceHello *hello = conn->session.hello;
        if (!hello || strcmp(hello->device_id, device_id) != 0)
            continue;
        if (accepted && conn->session.state == XW_SESSION_WAITING)
            attach(conn);
        else if (!accepted)
            xw_devconn_refuse(conn, XW__DEVICE_FAULT__DEVICE_FAULT_IDENTITY,
                              "this device was refused at the gateway");
    }
}

void xw_port_each_waiting(struct xw_port *port,
                          void (*each)(void *user, const struct xw_port_waiting *), void *user)
{
    for (struct xw_tcp_conn *tcp = port->tcp.conns; tcp; tcp = tcp->next) {
        const struct xw_devconn *conn = conn_of(tcp);
        if (conn->session.state != XW_SESSION_WAITING)
            continue;
        const struct xw_port_waiting waiting = {conn->session.hello->device_id,
                                                conn->session.hello->model, conn->peer,
                                                conn->since_wall_us};
        each(user, &waiting);
    }
}

/* ---- for the attachment ---- */

void xw_port_attached(struct xw_devconn *conn, struct xw_attachment *attachment)
{
    conn->attachment = attachment;
}

void xw_devconn_accept(struct xw_devconn *conn, const Xw__GatewayAccepted *accepted,
                       const uint64_t *newest)
{
    xw_tcp_read(&conn->tcp, true);
    xw_session_accept(&conn->session, accepted, newest, xw_edge_now_us());
}

void xw_devconn_refuse(struct xw_devconn *conn, Xw__DeviceFault code, const char *text)
{
    struct xw_device_fault fault;
    xw_device_fault_set(&fault, code, "", "%s", text);
    xw_tcp_read(&conn->tcp, true);
    xw_session_refuse(&conn->session, &fault);
}

void xw_devconn_pause(struct xw_devconn *conn)
{
    xw_session_pause(&conn->session);
    xw_tcp_read(&conn->tcp, false);
}

void xw_devconn_resume(struct xw_devconn *conn)
{
    xw_session_resume(&conn->session, xw_edge_now_us());
    if (!conn->session.paused)
        xw_tcp_read(&conn->tcp, true);
}

bool xw_devconn_paused(const struct xw_devconn *conn)
{
    return conn->session.paused;
}

int64_t xw_devconn_heard_us(const struct xw_devconn *conn)
{
    return conn->session.last_heard_us;
}

const char *xw_devconn_peer(const struct xw_devconn *conn)
{
    return conn->peer;
}

int xw_port_new(struct xw_edge *edge, struct xw_port **ret_port, uint16_t *ret_port_n)
{
    struct xw_port *port = calloc(1, sizeof(*port));
    if (!port)
        return -ENOMEM;
    port->edge = edge;
    xw_tcp_port_init(&port->tcp, xw_loop_uv(edge->loop), &calls);
    int r = xw_tcp_listen(&port->tcp, edge->config->device_address, (int)edge->config->device_port,
                          ret_port_n);
    if (r < 0) {
        xw_port_free(port);
        return r;
    }
    *ret_port = port;
    return 0;
}
