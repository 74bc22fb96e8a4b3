/* The device port: TCP on libuv, one session a connection.
 *
 * A connection reads while its attachment can take more (back-pressure), writes without blocking
 * and is closed when 256 KiB wait to be written. Limits: 64 attached devices (configured), 32 more
 * connections that wait or say hello.
 *
 * Threads: loop thread only. Ownership: a conn belongs to the port; an attachment borrows it until
 * xw_fleet_detach. */
#ifndef XW_EDGE_PORT_H
#define XW_EDGE_PORT_H

#include "edge/edge.h"
#include "edge/session.h"

struct xw_attachment;
struct xw_conn;

XW_MUST_CHECK int xw_port_new(struct xw_edge *edge, struct xw_port **ret_port,
                              uint16_t *ret_port_n);
/* No more connections; those there are told SHUTDOWN and closed. */
void xw_port_stop(struct xw_port *port);
void xw_port_free(struct xw_port *port);
void xw_port_tick(struct xw_port *port);
/* Somebody decided about a device: look at those that wait. */
void xw_port_decided(struct xw_port *port, const char *device_id, bool accepted);

struct xw_port_waiting {
    const char *device_id, *model, *peer;
    int64_t since_wall_us;
};
void xw_port_each_waiting(struct xw_port *port,
                          void (*each)(void *user, const struct xw_port_waiting *), void *user);

/* ---- a connection, for its attachment ---- */
/* It belongs to an attachment now. */
void xw_port_attached(struct xw_conn *conn, struct xw_attachment *attachment);
void xw_conn_accept(struct xw_conn *conn, const Xw__GatewayAccepted *accepted,
                    const uint64_t *newest);
void xw_conn_send(struct xw_conn *conn, const Xw__GatewayMessage *message);
void xw_conn_refuse(struct xw_conn *conn, Xw__DeviceFault code, const char *text);
/* A fault that does not end the connection. */
void xw_conn_warn(struct xw_conn *conn, Xw__DeviceFault code, const char *text);
void xw_conn_pause(struct xw_conn *conn);
void xw_conn_resume(struct xw_conn *conn);
bool xw_conn_paused(const struct xw_conn *conn);
int64_t xw_conn_heard_us(const struct xw_conn *conn);
const char *xw_conn_peer(const struct xw_conn *conn);

#endif
