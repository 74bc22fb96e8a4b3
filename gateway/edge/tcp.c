/* A TCP port and its connections on libuv. */
#include "edge/tcp.h"

#include <string.h>

enum { BACKLOG = 64, LINGER_MS = 500 };

struct write_request {
    uv_write_t request;
    struct xw_tcp_conn *conn;
    size_t n;
    uint8_t data[];
};

/* ---- the port ---- */

static void check_gone(struct xw_tcp_port *port)
{
    if (port->done && !port->listener_open && !port->conns_n)
        port->calls->gone(port);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct xw_tcp_port *port = handle->data;
    port->listener_open = false;
    check_gone(port);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct xw_tcp_port *port = listener->data;
    if (status >= 0)
        port->calls->connected(port);
}

void xw_tcp_port_init(struct xw_tcp_port *port, uv_loop_t *loop, const struct xw_tcp_calls *calls)
{
    port->loop = loop;
    port->calls = calls;
    port->listening = port->listener_open = port->done = false;
    port->conns = NULL;
    port->conns_n = 0;
}

int xw_tcp_listen(struct xw_tcp_port *port, const char *address, int port_n, uint16_t *ret_port_n)
{
    struct sockaddr_storage at = {0};
    int n = sizeof(at);
    int r = uv_ip4_addr(address, port_n, (struct sockaddr_in *)&at);
    if (r < 0)
        r = uv_ip6_addr(address, port_n, (struct sockaddr_in6 *)&at);
    if (r < 0)
        return -EINVAL;
    uv_tcp_init(port->loop, &port->listener);
    port->listener.data = port;
    port->listening = port->listener_open = true;
    r = uv_tcp_bind(&port->listener, (const struct sockaddr *)&at, 0);
    if (r >= 0)
        r = uv_listen((uv_stream_t *)&port->listener, BACKLOG, on_connection);
    if (r >= 0)
        r = uv_tcp_getsockname(&port->listener, (struct sockaddr *)&at, &n);
    if (r < 0)
        return r;
    *ret_port_n = ntohs(((struct sockaddr_in *)&at)->sin_port); /* same place in both */
    return 0;
}

void xw_tcp_unlisten(struct xw_tcp_port *port)
{
    if (!port->listening)
        return;
    port->listening = false;
    uv_close((uv_handle_t *)&port->listener, on_listener_closed);
}

void xw_tcp_port_done(struct xw_tcp_port *port)
{
    port->done = true;
    xw_tcp_unlisten(port);
    check_gone(port);
}

/* ---- writing ---- */

static void on_written(uv_write_t *request, int status)
{
    struct write_request *w = (struct write_request *)request;
    w->conn->out_bytes -= w->n;
    if (status < 0 && !w->conn->closing)
        w->conn->port->calls->close(w->conn);
    free(w);
}

static int queue(struct xw_tcp_conn *conn, const uint8_t *data, size_t n)
{
    if (conn->out_bytes + n > XW_TCP_OUT_MAX)
        return -ENOBUFS;
    struct write_request *w = malloc(sizeof(*w) + n);
    if (!w)
        return -ENOMEM;
    memcpy(w->data, data, n);
    w->conn = conn;
    w->n = n;
    uv_buf_t buf = uv_buf_init((char *)w->data, (unsigned)n);
    int r = uv_write(&w->request, (uv_stream_t *)&conn->tcp, &buf, 1, on_written);
    if (r < 0)
        free(w);
    else
        conn->out_bytes += n;
    return r;
}

void xw_tcp_write(struct xw_tcp_conn *conn, const void *data, size_t n)
{
    size_t sent_n = 0;
    if (conn->closing || !n)
        return;
    if (!conn->out_bytes) {
        uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data, (unsigned)n);
        int r = uv_try_write((uv_stream_t *)&conn->tcp, &buf, 1);
        sent_n = r > 0 ? (size_t)r : 0; /* an error comes again below */
    }
    if (sent_n < n && queue(conn, (const uint8_t *)data + sent_n, n - sent_n) < 0)
        conn->port->calls->close(conn);
}

/* ---- reading and the life of a connection ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct xw_tcp_conn *conn = handle->data;
    (void)suggested;
    *ret_buf = uv_buf_init((char *)conn->port->buffer, XW_TCP_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct xw_tcp_conn *conn = stream->data;
    if (n < 0)
        conn->port->calls->close(conn);
    else
        conn->port->calls->received(conn, buf->base, (size_t)n);
}

void xw_tcp_read(struct xw_tcp_conn *conn, bool on)
{
    if (conn->closing || conn->reading == on)
        return;
    if (on)
        uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
    else
        uv_read_stop((uv_stream_t *)&conn->tcp);
    conn->reading = on;
}

int xw_tcp_accept(struct xw_tcp_port *port, struct xw_tcp_conn *conn)
{
    conn->port = port;
    uv_tcp_init(port->loop, &conn->tcp);
    uv_timer_init(port->loop, &conn->linger);
    conn->tcp.data = conn->linger.data = conn;
    conn->handles_n = 2;
    conn->next = port->conns;
    conn->at = &port->conns;
    if (conn->next)
        conn->next->at = &conn->next;
    port->conns = conn;
    port->conns_n++;
    int r = uv_accept((uv_stream_t *)&port->listener, (uv_stream_t *)&conn->tcp);
    if (r >= 0)
        uv_tcp_nodelay(&conn->tcp, 1);
    return r;
}

void xw_tcp_peer(const struct xw_tcp_conn *conn, char ret_address[XW_TCP_ADDRESS_N],
                 unsigned *ret_port_n)
{
    struct sockaddr_storage address;
    int n = sizeof(address);
    if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&address, &n) < 0)
        return;
    if (address.ss_family == AF_INET6)
        uv_ip6_name((const struct sockaddr_in6 *)&address, ret_address, XW_TCP_ADDRESS_N);
    else
        uv_ip4_name((const struct sockaddr_in *)&address, ret_address, XW_TCP_ADDRESS_N);
    *ret_port_n = ntohs(((const struct sockaddr_in *)&address)->sin_port); /* same place in both */
}

static void on_linger(uv_timer_t *timer)
{
    struct xw_tcp_conn *conn = timer->data;
    conn->port->calls->close(conn);
}

void xw_tcp_linger(struct xw_tcp_conn *conn)
{
    if (!conn->closing)
        uv_timer_start(&conn->linger, on_linger, LINGER_MS, 0);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct xw_tcp_conn *conn = handle->data;
    if (--conn->handles_n == 0)
        conn->port->calls->closed(conn);
}

void xw_tcp_close(struct xw_tcp_conn *conn)
{
    if (conn->closing)
        return;
    conn->closing = true;
    uv_close((uv_handle_t *)&conn->linger, on_handle_closed);
    uv_close((uv_handle_t *)&conn->tcp, on_handle_closed);
}

void xw_tcp_unlink(struct xw_tcp_conn *conn)
{
    struct xw_tcp_port *port = conn->port;
    *conn->at = conn->next;
    if (conn->next)
        conn->next->at = conn->at;
    port->conns_n--;
    check_gone(port);
}
