/* One WebSocket under one connection; see socket.h. */
#include "link/socket.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/fault.h"
#include "base/metrics.h"

XW_COUNTER(bytes_out, "xw_link_sent_bytes_total", NULL, "bytes of messages handed to sockets");
XW_COUNTER(bytes_in, "xw_link_received_bytes_total", NULL, "bytes of messages received");

enum {
    NOTSENT_LOWAT_N_BYTES = 16 * 1024,
    USER_TIMEOUT_MS = 5000,
    LAST_WORD_S = 3,    /* for LinkClose to go out */
    STATE_SYN_SENT = 2, /* the kernel's numbers; glibc's names do not go with linux/tcp.h */
    STATE_CLOSED = 7,
};

/* A dead link is found by the clock's messages (conn.h) at both ends, so libwebsockets is to have
 * no opinion of it (hangup 0: none). It would set a timer anew with all that comes, in one sorted
 * list of all sockets: with 4,000 of them that was half of what they cost. */
const lws_retry_bo_t xw_socket_idle = {.secs_since_valid_ping = 0, .secs_since_valid_hangup = 0};

static void wake(struct xw_conn *conn)
{
    struct xw_socket *socket = conn->transport;
    if (!socket->wsi || socket->write_asked)
        return;
    socket->write_asked = true;
    lws_callback_on_writable(socket->wsi);
}

static void set_option(int fd, int level, int option, int value)
{
    /* Best effort: without it the link works, only less promptly. */
    (void)!setsockopt(fd, level, option, &value, sizeof(value));
}

/* Losses on a radio link say nothing of its room. Where the system has no BBR its own choice stays;
 * with cubic 1 % of packets lost halves what 20 streams need (measured: tests/bench/run.sh uplink).
 */
static void choose_congestion(int fd)
{
    static const char name[] = "bbr";
    (void)!setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, sizeof(name) - 1);
}

void xw_socket_open(struct xw_socket *socket, struct lws *wsi, const struct xw_socket_end *end,
                    void *core)
{
    int fd = lws_get_socket_fd(wsi);
    xw_conn_init(&socket->conn, NULL);
    socket->conn.wake = wake;
    socket->conn.transport = socket;
    socket->wsi = wsi;
    socket->end = end;
    socket->core = core;
    socket->write_asked = false;
    socket->busy = true;
    socket->paced_rate = UINT64_MAX;
    xw_buf_init(&socket->rx, XW_LINK_HELLO_MAX_N_BYTES);
    xw_buf_init(&socket->tx, LWS_PRE + XW_LINK_HELLO_MAX_N_BYTES);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOTSENT_LOWAT_N_BYTES);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
    choose_congestion(fd);
}

void xw_socket_done(struct xw_socket *socket)
{
    xw_conn_done(&socket->conn);
    xw_buf_done(&socket->rx);
    xw_buf_done(&socket->tx);
    socket->wsi = NULL;
}

static void refused(struct xw_socket *socket)
{
    if (socket->conn.state == XW_CONN_CLOSING)
        lws_set_timeout(socket->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LAST_WORD_S);
}

static int whole_message(struct xw_socket *socket, const void *data, size_t n_bytes)
{
    int r = xw_fault_point("link.recv");
    if (r < 0)
        return -1;
    xw_counter_add(&bytes_in, n_bytes);
    if (socket->end->receive(socket->core, &socket->conn, data, n_bytes) < 0)
        refused(socket);
    return 0;
}

int xw_socket_received(struct xw_socket *socket, const void *in, size_t len)
{
    /* Parts of a long message are signs of life. */
    socket->conn.heard_us = xw_clock_mono(NULL).us;
    bool last = lws_is_final_fragment(socket->wsi) && !lws_remaining_packet_payload(socket->wsi);
    if (socket->conn.state >= XW_CONN_CLOSING)
        return 0; /* our last word is on its way; what comes now is not read any more */
    if (!lws_frame_is_binary(socket->wsi)) {
        xw_conn_fail(&socket->conn, XW__LINK_FAULT__LINK_FAULT_MALFORMED, "not a binary message");
        refused(socket);
        return 0;
    }
    if (last && !socket->rx.n)
        return whole_message(socket, in, len);
    if (xw_buf_append(&socket->rx, in, len) < 0) {
        xw_conn_fail(&socket->conn, XW__LINK_FAULT__LINK_FAULT_TOO_LARGE, "message");
        refused(socket);
        return 0;
    }
    if (!last)
        return 0;
    int r = whole_message(socket, socket->rx.data, socket->rx.n);
    xw_buf_clear(&socket->rx);
    return r;
}

int xw_socket_writable(struct xw_socket *socket)
{
    static const uint8_t room[LWS_PRE];
    socket->write_asked = false;
    xw_buf_clear(&socket->tx);
    int r = xw_buf_append(&socket->tx, room, sizeof(room));
    if (r >= 0)
        r = socket->end->pull(socket->core, &socket->conn, &socket->tx);
    if (r < 0) {
        lws_close_reason(socket->wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
        return -1;
    }
    if (!r)
        return 0;
    if (xw_fault_point("link.send") < 0)
        return -1;
    size_t n = socket->tx.n - LWS_PRE;
    if (lws_write(socket->wsi, socket->tx.data + LWS_PRE, n, LWS_WRITE_BINARY) < (int)n)
        return -1;
    xw_counter_add(&bytes_out, n);
    socket->busy = true;
    wake(&socket->conn);
    return 0;
}

int xw_socket_measure(const struct xw_socket *socket, struct xw_pace_measure *ret_measure)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    if (!socket->wsi)
        return -ENOTCONN;
    int fd = lws_get_socket_fd(socket->wsi), outstanding = 0;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
        ioctl(fd, SIOCOUTQ, &outstanding) < 0)
        return -errno;
    outstanding = XW_MAX(outstanding, 0);
    *ret_measure = (struct xw_pace_measure){
        .rtt_us = info.tcpi_rtt,
        .base_rtt_us = info.tcpi_min_rtt,
        .acked_n_bytes = info.tcpi_bytes_acked,
        .outstanding_n_bytes = (uint64_t)outstanding,
        .unsent_n_bytes = info.tcpi_notsent_bytes,
        .segments_n = info.tcpi_segs_out,
        .resent_n = info.tcpi_total_retrans,
    };
    return 0;
}

bool xw_socket_homeless(const struct xw_socket *s)
{
    struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(own);
    if (!s->wsi || getsockname(lws_get_socket_fd(s->wsi), (struct sockaddr *)&own, &size) < 0)
        return false;
    if (own.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&own)->sin6_port = 0;
    else
        ((struct sockaddr_in *)&own)->sin_port = 0;
    xw_autoclose int fd = socket(own.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && bind(fd, (const struct sockaddr *)&own, size) < 0 && errno == EADDRNOTAVAIL;
}

bool xw_socket_answered(struct lws *wsi, uint32_t *ret_rtt_us)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    int fd = lws_get_socket_fd(wsi);
    if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
        info.tcpi_state == STATE_SYN_SENT || info.tcpi_state == STATE_CLOSED)
        return false;
    *ret_rtt_us = info.tcpi_rtt;
    return true;
}

void xw_socket_pace(struct xw_socket *socket, uint64_t rate)
{
    uint64_t step = socket->paced_rate / 32;
    bool same = rate == socket->paced_rate ||
                (socket->paced_rate != UINT64_MAX && rate != UINT64_MAX &&
                 rate + step > socket->paced_rate && rate < socket->paced_rate + step);
    if (same || !socket->wsi)
        return;
    if (setsockopt(lws_get_socket_fd(socket->wsi), SOL_SOCKET, SO_MAX_PACING_RATE, &rate,
                   sizeof(rate)) == 0)
        socket->paced_rate = rate;
}
