/* The device port on libuv. */
#include "edge/port.h"

#include "base/log.h"
#include "base/metrics.h"
#include "edge/attachment.h"
#include "edge/decide.h"
#include "edge/session_data.h"
#include "edge/technical.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

enum {
    EXTRA_CONNECTIONS = 32, /* that say hello or wait, beside the attached ones */
    READ_BYTES = 64 * 1024,
    OUT_MAX = 256 * 1024,
    BACKLOG = 64,
    LINGER_US = 500000, /* for the peer to read the last words */
};

XW_COUNTER(connections, "xw_edge_connections_total", NULL, "connections to the device port");
XW_COUNTER(refused, "xw_edge_connections_refused_total", NULL, "connections refused: too many");
XW_COUNTER(faults, "xw_edge_device_faults_total", NULL, "connections ended by a fatal fault");
XW_COUNTER(messages_out, "xw_edge_messages_out_total", NULL, "messages sent to devices");

struct xw_devconn {
    struct xw_devconn *next, **at;
    struct xw_port *port;
    uv_tcp_t tcp;
    uv_timer_t linger;
    struct xw_session session;
    struct xw_attachment *attachment;
    char peer[64];
    int64_t since_wall_us;
    bool over;    /* session ended */
    bool closing; /* uv_close was called */
    uint8_t handles_n;
    size_t out_bytes;
    struct xw_stream *room_stream; /* of the block being decoded */
};

struct xw_port {
    struct xw_edge *edge;
    uv_tcp_t listener;
    struct xw_devconn *conns;
    size_t conns_n;
    bool stopped;
    uint32_t handles_n; /* conns and the listener */
    bool freed;
    uint8_t buffer[READ_BYTES];
};

struct write_request {
    uv_write_t request;
    struct xw_devconn *conn;
    size_t size;
    uint8_t data[];
};

static void conn_close(struct xw_devconn *conn);
static void start_reading(struct xw_devconn *conn);

/* ---- writing ---- */

static void on_written(uv_write_t *request, int status)
{
    struct write_request *w = (struct write_request *)request;
    w->conn->out_bytes -= w->size;
    if (status < 0 && !w->conn->closing)
        xw_session_cut(&w->conn->session);
    free(w);
}

static void write_bytes(struct xw_devconn *conn, const uint8_t *data, size_t size)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data, (unsigned)size);
    if (!conn->out_bytes) {
        int n = uv_try_write((uv_stream_t *)&conn->tcp, &buf, 1);
        if (n == (int)size)
            return;
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    struct write_request *w = conn->out_bytes + size <= OUT_MAX ? malloc(sizeof(*w) + size) : NULL;
    if (!w) {
        conn_close(conn); /* it does not read */
        return;
    }
    memcpy(w->data, data, size);
    w->conn = conn;
    w->size = size;
    buf = uv_buf_init((char *)w->data, (unsigned)size);
    conn->out_bytes += size;
    if (uv_write(&w->request, (uv_stream_t *)&conn->tcp, &buf, 1, on_written) < 0) {
        conn->out_bytes -= size;
        free(w);
        conn_close(conn);
    }
}

void xw_devconn_send(struct xw_devconn *conn, const Xw__GatewayMessage *message)
{
    uint8_t fixed[4096], *bytes = fixed;
    size_t n = xw__gateway_message__get_packed_size(message);
    if (conn->closing)
        return;
    if (n + XW_FRAME_HEADER_MAX_N_BYTES > sizeof(fixed))
        bytes = malloc(n + XW_FRAME_HEADER_MAX_N_BYTES);
    if (!bytes)
        return;
    size_t header = xw_frame_header(n, bytes);
    xw__gateway_message__pack(message, bytes + header);
    write_bytes(conn, bytes, header + n);
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
    uv_read_stop((uv_stream_t *)&conn->tcp);
    if (xw_fleet_attach(conn->port->edge->fleet, conn, conn->session.hello, &fault) < 0) {
        start_reading(conn); /* unread bytes would make the end a reset, and take the words away */
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

static void on_linger(uv_timer_t *timer)
{
    conn_close(timer->data);
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
    /* The last words go out, then the end; what the peer still sends is read and dropped, so that a
     * reset does not take the words away from it. */
    if (!conn->closing)
        uv_timer_start(&conn->linger, on_linger, LINGER_US / 1000, 0);
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

/* ---- reading and the life of a connection ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct xw_devconn *conn = handle->data;
    (void)suggested;
    *ret_buf = uv_buf_init((char *)conn->port->buffer, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct xw_devconn *conn = stream->data;
    if (n > 0 && !conn->over)
        xw_session_feed(&conn->session, buf->base, (size_t)n, xw_edge_now_us());
    if (n < 0)
        conn_close(conn);
}

static void start_reading(struct xw_devconn *conn)
{
    if (!conn->closing)
        uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
}

static void handle_gone(struct xw_port *port)
{
    if (--port->handles_n == 0 && port->freed)
        free(port);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct xw_devconn *conn = handle->data;
    if (--conn->handles_n)
        return;
    struct xw_port *port = conn->port;
    xw_session_done(&conn->session);
    *conn->at = conn->next;
    if (conn->next)
        conn->next->at = conn->at;
    port->conns_n--;
    free(conn);
    handle_gone(port);
}

static void conn_close(struct xw_devconn *conn)
{
    if (conn->closing)
        return;
    conn->closing = true;
    xw_session_cut(&conn->session);
    uv_close((uv_handle_t *)&conn->linger, on_handle_closed);
    uv_close((uv_handle_t *)&conn->tcp, on_handle_closed);
}

static void name_peer(struct xw_devconn *conn)
{
    struct sockaddr_storage address;
    int n = sizeof(address);
    char text[48] = "?";
    unsigned port = 0;
    if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&address, &n) >= 0) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
        if (address.ss_family == AF_INET6) {
            uv_ip6_name(v6, text, sizeof(text));
            port = ntohs(v6->sin6_port);
        } else {
            uv_ip4_name(v4, text, sizeof(text));
            port = ntohs(v4->sin_port);
        }
    }
    snprintf(conn->peer, sizeof(conn->peer), "%s %u", text, port);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct xw_port *port = listener->data;
    struct xw_edge *edge = port->edge;
    struct xw_devconn *conn = status < 0 ? NULL : calloc(1, sizeof(*conn));
    if (!conn)
        return;
    conn->port = port;
    conn->since_wall_us = xw_edge_wall_us();
    uv_tcp_init(xw_loop_uv(edge->loop), &conn->tcp);
    uv_timer_init(xw_loop_uv(edge->loop), &conn->linger);
    conn->tcp.data = conn->linger.data = conn;
    conn->handles_n = 2;
    conn->next = port->conns;
    conn->at = &port->conns;
    if (conn->next)
        conn->next->at = &conn->next;
    port->conns = conn;
    port->conns_n++;
    port->handles_n++;
    struct xw_session_host host = host_template;
    host.user = conn;
    xw_session_init(&conn->session, &host, edge->config->hello_timeout_us,
                    edge->config->idle_timeout_us, xw_edge_now_us());
    xw_counter_add(&connections, 1);
    if (uv_accept(listener, (uv_stream_t *)&conn->tcp) < 0) {
        conn_close(conn);
        return;
    }
    uv_tcp_nodelay(&conn->tcp, 1);
    name_peer(conn);
    start_reading(conn);
    if (port->conns_n > (size_t)edge->config->devices_max + EXTRA_CONNECTIONS) {
        xw_counter_add(&refused, 1);
        xw_devconn_refuse(conn, XW__DEVICE_FAULT__DEVICE_FAULT_BUSY, "too many connections");
    }
}

static void on_listener_closed(uv_handle_t *handle)
{
    handle_gone(handle->data);
}

void xw_port_stop(struct xw_port *port)
{
    if (port->stopped)
        return;
    port->stopped = true;
    uv_close((uv_handle_t *)&port->listener, on_listener_closed);
    for (struct xw_devconn *conn = port->conns, *next; conn; conn = next) {
        next = conn->next;
        xw_devconn_refuse(conn, XW__DEVICE_FAULT__DEVICE_FAULT_SHUTDOWN,
                          "the gateway stops: keep what is not acknowledged");
    }
}

void xw_port_free(struct xw_port *port)
{
    if (!port)
        return;
    port->freed = true;
    for (struct xw_devconn *conn = port->conns, *next; conn; conn = next) {
        next = conn->next;
        conn_close(conn);
    }
    if (!port->stopped) {
        port->stopped = true;
        uv_close((uv_handle_t *)&port->listener, on_listener_closed);
    } else if (!port->handles_n) {
        free(port);
    }
}

void xw_port_tick(struct xw_port *port)
{
    int64_t now = xw_edge_now_us();
    for (struct xw_devconn *conn = port->conns, *next; conn; conn = next) {
        next = conn->next;
        xw_session_tick(&conn->session, now);
    }
}

void xw_port_decided(struct xw_port *port, const char *device_id, bool accepted)
{
    for (struct xw_devconn *conn = port->conns, *next; conn; conn = next) {
        next = conn->next;
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
    for (struct xw_devconn *conn = port->conns; conn; conn = conn->next) {
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
    start_reading(conn);
    xw_session_accept(&conn->session, accepted, newest, xw_edge_now_us());
}

void xw_devconn_refuse(struct xw_devconn *conn, Xw__DeviceFault code, const char *text)
{
    struct xw_device_fault fault;
    xw_device_fault_set(&fault, code, "", "%s", text);
    start_reading(conn);
    xw_session_refuse(&conn->session, &fault);
}

void xw_devconn_pause(struct xw_devconn *conn)
{
    xw_session_pause(&conn->session);
    uv_read_stop((uv_stream_t *)&conn->tcp);
}

void xw_devconn_resume(struct xw_devconn *conn)
{
    xw_session_resume(&conn->session, xw_edge_now_us());
    if (!conn->session.paused)
        start_reading(conn);
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
    const struct xw_edge_config *config = edge->config;
    struct sockaddr_storage address = {0};
    int n = sizeof(address);
    int port_n = (int)config->device_port;
    struct xw_port *port = calloc(1, sizeof(*port));
    if (!port)
        return -ENOMEM;
    port->edge = edge;
    int r = uv_ip4_addr(config->device_address, port_n, (struct sockaddr_in *)&address);
    if (r < 0)
        r = uv_ip6_addr(config->device_address, port_n, (struct sockaddr_in6 *)&address);
    if (r < 0) {
        free(port);
        return -EINVAL;
    }
    uv_tcp_init(xw_loop_uv(edge->loop), &port->listener);
    port->listener.data = port;
    port->handles_n = 1;
    r = uv_tcp_bind(&port->listener, (const struct sockaddr *)&address, 0);
    if (r >= 0)
        r = uv_listen((uv_stream_t *)&port->listener, BACKLOG, on_connection);
    if (r >= 0)
        r = uv_tcp_getsockname(&port->listener, (struct sockaddr *)&address, &n);
    if (r < 0) {
        xw_port_free(port);
        return r;
    }
    *ret_port_n = ntohs(((struct sockaddr_in *)&address)->sin_port); /* same place in both */
    *ret_port = port;
    return 0;
}
