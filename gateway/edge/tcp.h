/* A TCP port on the loop: its connections, and what they still have to write.
 *
 * A connection writes without blocking: straight to the kernel while nothing waits, behind what
 * waits otherwise; with more than 256 KiB waiting its peer does not read, and it is to be closed.
 * An orderly end lingers: for 500 ms what the peer still sends is read (and dropped by the owner),
 * so that a reset does not take the last words away from it.
 *
 * Threads: loop thread only. Ownership: port and connections are embedded in what belongs to the
 * owner; a connection may be freed after closed() and xw_tcp_unlink, a port after gone(). Errors:
 * a connection that cannot go on is told to the owner by close(). */
#ifndef XW_EDGE_TCP_H
#define XW_EDGE_TCP_H

#include "base/base.h"

#include <uv.h>

enum { XW_TCP_READ_BYTES = 64 * 1024, XW_TCP_OUT_MAX = 256 * 1024, XW_TCP_ADDRESS_N = 48 };

struct xw_tcp_port;
struct xw_tcp_conn;

struct xw_tcp_calls {
    /* A connection waits: xw_tcp_accept. */
    void (*connected)(struct xw_tcp_port *port);
    /* The bytes are there during the call only. n may be 0. */
    void (*received)(struct xw_tcp_conn *conn, const void *data, size_t n);
    /* The peer is gone, does not read, or its last words have gone out: xw_tcp_close. */
    void (*close)(struct xw_tcp_conn *conn);
    /* After xw_tcp_close: nothing is called any more. */
    void (*closed)(struct xw_tcp_conn *conn);
    /* After xw_tcp_port_done, when the listener is closed and no connection is left. */
    void (*gone)(struct xw_tcp_port *port);
};

struct xw_tcp_conn {
    struct xw_tcp_conn *next, **at;
    struct xw_tcp_port *port;
    uv_tcp_t tcp;
    uv_timer_t linger;
    size_t out_bytes; /* not with the kernel yet */
    uint8_t handles_n;
    bool reading, closing;
};

struct xw_tcp_port {
    uv_loop_t *loop;
    const struct xw_tcp_calls *calls;
    uv_tcp_t listener;
    bool listening, listener_open; /* open: its handle is not closed yet */
    bool done;
    struct xw_tcp_conn *conns; /* the newest first */
    size_t conns_n;
    uint8_t buffer[XW_TCP_READ_BYTES];
};

void xw_tcp_port_init(struct xw_tcp_port *port, uv_loop_t *loop, const struct xw_tcp_calls *calls);
/* address: IPv4 or IPv6; port_n 0: any. -EINVAL no such address, or libuv's error: the port is to
 * be ended as any other. */
XW_MUST_CHECK int xw_tcp_listen(struct xw_tcp_port *port, const char *address, int port_n,
                                uint16_t *ret_port_n);
/* No more connections; those there are stay. */
void xw_tcp_unlisten(struct xw_tcp_port *port);
/* The owner closes the connections; gone() comes when the last is unlinked, perhaps at once. */
void xw_tcp_port_done(struct xw_tcp_port *port);

/* In connected(), with a zeroed conn: it belongs to the port from now on, and does not read yet.
 * Negative: it was not accepted, xw_tcp_close it. */
XW_MUST_CHECK int xw_tcp_accept(struct xw_tcp_port *port, struct xw_tcp_conn *conn);
/* The peer's address as text and its port; untouched when the peer is gone already. */
void xw_tcp_peer(const struct xw_tcp_conn *conn, char ret_address[XW_TCP_ADDRESS_N],
                 unsigned *ret_port_n);
void xw_tcp_read(struct xw_tcp_conn *conn, bool on);
/* Copies what cannot go at once. */
void xw_tcp_write(struct xw_tcp_conn *conn, const void *data, size_t n);
/* close() is called 500 ms from now. */
void xw_tcp_linger(struct xw_tcp_conn *conn);
void xw_tcp_close(struct xw_tcp_conn *conn);
/* Of one that is closed, right before it is freed. The port's owner may be gone afterwards. */
void xw_tcp_unlink(struct xw_tcp_conn *conn);

#endif
