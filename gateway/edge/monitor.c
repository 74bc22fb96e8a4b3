/* The port of the patient monitors. */
#include "edge/monitor_in.h"

#include "base/metrics.h"
#include "edge/monitor_device.h"

#include <stdio.h>

enum {
    CONNECTIONS_MAX = 64,
    SILENT_US = 60000000, /* when all places are taken, a connection that is silent gives way */
};

XW_COUNTER(connections_n, "xw_monitor_connections_total", NULL, "connections to the port");
XW_COUNTER(refused_n, "xw_monitor_connections_refused_total", NULL, "connections: too many");
XW_COUNTER(silent_n, "xw_monitor_faults_total", "what=\"silent\"", "connections ended");

void monitor_pump_parked(struct xw_monitor *monitor)
{
    struct xw_tcp_conn *tcp = monitor->parked_n ? monitor->tcp.conns : NULL;
    for (struct xw_tcp_conn *next; tcp; tcp = next) {
        next = tcp->next;
        if (monitor_conn_of(tcp)->parked)
            monitor_conn_pump(monitor_conn_of(tcp));
    }
}

static void on_ready(void *user)
{
    struct xw_monitor *monitor = user;
    for (struct xw_tcp_conn *tcp = monitor->tcp.conns, *next; tcp; tcp = next) {
        next = tcp->next;
        monitor_conn_pump(monitor_conn_of(tcp));
    }
}

/* All places are taken: the one that was silent longest gives way, if it is silent. */
static bool make_room(struct xw_monitor *monitor)
{
    struct monitor_conn *oldest = NULL;
    size_t open_n = 0;
    for (struct xw_tcp_conn *tcp = monitor->tcp.conns; tcp; tcp = tcp->next) {
        struct monitor_conn *conn = monitor_conn_of(tcp);
        if (tcp->closing)
            continue;
        open_n++;
        if (!conn->waiting_n && (!oldest || conn->heard_us < oldest->heard_us))
            oldest = conn;
    }
    if (open_n <= CONNECTIONS_MAX)
        return true;
    if (!oldest || xw_edge_now_us() - oldest->heard_us < SILENT_US)
        return false;
    xw_counter_add(&silent_n, 1);
    xw_tcp_close(&oldest->tcp);
    return true;
}

static void on_connected(struct xw_tcp_port *tcp)
{
    struct xw_monitor *monitor = XW_CONTAINER_OF(tcp, struct xw_monitor, tcp);
    struct monitor_conn *conn = calloc(1, sizeof(*conn));
    unsigned port_n;
    if (!conn)
        return;
    monitor_conn_init(conn, monitor);
    xw_counter_add(&connections_n, 1);
    if (xw_tcp_accept(tcp, &conn->tcp) < 0) {
        xw_tcp_close(&conn->tcp);
        return;
    }
    if (!make_room(monitor)) {
        xw_counter_add(&refused_n, 1);
        xw_tcp_close(&conn->tcp);
        return;
    }
    snprintf(conn->peer, sizeof(conn->peer), "unknown");
    xw_tcp_peer(&conn->tcp, conn->peer, &port_n);
    monitor_conn_pump(conn);
}

static void on_gone(struct xw_tcp_port *tcp)
{
    free(XW_CONTAINER_OF(tcp, struct xw_monitor, tcp));
}

static const struct xw_tcp_calls calls = {
    .connected = on_connected,
    .received = monitor_conn_received,
    .close = xw_tcp_close,
    .closed = monitor_conn_closed,
    .gone = on_gone,
};

int xw_monitor_new(struct xw_edge *edge, struct xw_monitor **ret_monitor)
{
    struct xw_monitor *monitor = calloc(1, sizeof(*monitor));
    if (!monitor)
        return -ENOMEM;
    monitor->edge = edge;
    xw_tcp_port_init(&monitor->tcp, xw_loop_uv(edge->loop), &calls);
    int r = xw_monitor_devices_new(edge, on_ready, monitor, &monitor->devices);
    if (r < 0) {
        free(monitor);
        return r;
    }
    *ret_monitor = monitor;
    return 0;
}

int xw_monitor_listen(struct xw_monitor *monitor, uint16_t *ret_port_n)
{
    const struct xw_edge_config *config = monitor->edge->config;
    if (!config->monitor_port)
        return 0;
    int r = xw_tcp_listen(&monitor->tcp, config->monitor_address, (int)config->monitor_port,
                          &monitor->port_n);
    if (r >= 0)
        *ret_port_n = monitor->port_n;
    return r;
}

static void close_all(struct xw_monitor *monitor)
{
    xw_tcp_unlisten(&monitor->tcp);
    for (struct xw_tcp_conn *tcp = monitor->tcp.conns; tcp; tcp = tcp->next)
        xw_tcp_close(tcp);
}

void xw_monitor_stop(struct xw_monitor *monitor)
{
    if (monitor->stopped)
        return;
    monitor->stopped = true;
    close_all(monitor);
    xw_monitor_devices_stop(monitor->devices);
}

void xw_monitor_free(struct xw_monitor *monitor)
{
    if (!monitor)
        return;
    close_all(monitor);
    for (struct xw_tcp_conn *tcp = monitor->tcp.conns, *next; tcp; tcp = next) {
        next = tcp->next;
        monitor_conn_forget(monitor_conn_of(tcp));
        if (!tcp->handles_n)
            monitor_conn_free(monitor_conn_of(tcp));
    }
    xw_monitor_devices_free(monitor->devices);
    xw_tcp_port_done(&monitor->tcp);
}

void xw_monitor_tick(struct xw_monitor *monitor)
{
    int64_t now = xw_edge_now_us();
    for (struct xw_tcp_conn *tcp = monitor->tcp.conns, *next; tcp; tcp = next) {
        struct monitor_conn *conn = monitor_conn_of(tcp);
        next = tcp->next;
        if (!tcp->closing)
            monitor_conn_tick(conn, now);
        else if (!tcp->handles_n && !conn->waiting_n)
            monitor_conn_free(conn);
    }
    xw_monitor_devices_tick(monitor->devices);
}

void xw_monitor_remember(struct xw_monitor *monitor, const Xw__Attachment *attachment,
                         uint64_t revision)
{
    xw_monitor_devices_remember(monitor->devices, attachment, revision);
}

uint16_t xw_monitor_port(const struct xw_monitor *monitor)
{
    return monitor->port_n;
}

size_t xw_monitor_connections_n(const struct xw_monitor *monitor)
{
    return monitor->tcp.conns_n;
}

void xw_monitor_each(struct xw_monitor *monitor,
                     void (*each)(void *user, const struct xw_monitor_info *), void *user)
{
    xw_monitor_devices_each(monitor->devices, each, user);
}
