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
struct xw_devconn;

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
void xw_port_attached(struct xw_devconn *conn, struct xw_attachment *attachment);
void xw_devconn_accept(struct xw_devconn *conn, const Xw__GatewayAccepted *accepted,
                       const uint64_t *newest);
void xw_devconn_send(struct xw_devconn *conn, const Xw__GatewayMessage *message);
void xw_devconn_refuse(struct xw_devconn *conn, Xw__DeviceFault code, const char *text);
/* A fault that does not end the connection. */
void xw_devconn_warn(struct xw_devconn *conn, Xw__DeviceFault code, const char *text);
void xw_devconn_pause(struct xw_devconn *conn);
void xw_devconn_resume(struct xw_devconn *conn);
bool xw_devconn_paused(const struct xw_devconn *conn);
int64_t xw_devconn_heard_us(const struct xw_devconn *conn);
const char *xw_devconn_peer(const struct xw_devconn *conn);

#endif
