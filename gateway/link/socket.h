/* One WebSocket that carries one connection of a session: whole messages in, messages out when the
 * kernel wants them, TCP measured.
 *
 * Threads: loop thread only. Ownership: embedded in what the ends keep for each socket.
 * The kernel's queue is kept short (TCP_NOTSENT_LOWAT), so that what is live overtakes what is not
 * in our lanes, where it can, and not behind them, where it cannot.
 */
#ifndef XW_LINK_SOCKET_H
#define XW_LINK_SOCKET_H

#include <libwebsockets.h>

#include "link/conn.h"
#include "link/pace.h"

struct xw_socket_end {
    int (*receive)(void *core, struct xw_conn *conn, const void *data, size_t n_bytes);
    int (*pull)(void *core, struct xw_conn *conn, struct xw_buf *ret_buf);
};

struct xw_socket {
    struct xw_conn conn;
    struct lws *wsi; /* NULL = closed */
    const struct xw_socket_end *end;
    void *core;
    struct xw_buf rx, tx;
    bool write_asked;
    bool busy;           /* written to since it was last found empty: worth measuring */
    uint64_t paced_rate; /* as the kernel was told */
};

/* The WebSocket is established. */
void xw_socket_open(struct xw_socket *socket, struct lws *wsi, const struct xw_socket_end *end,
                    void *core);
void xw_socket_done(struct xw_socket *socket);
/* For the callbacks: their result is libwebsockets' (0, or -1 to close). */
int xw_socket_received(struct xw_socket *socket, const void *in, size_t len);
int xw_socket_writable(struct xw_socket *socket);
/* 0 and ret_measure; -errno. */
XW_MUST_CHECK int xw_socket_measure(const struct xw_socket *socket,
                                    struct xw_pace_measure *ret_measure);

/* The peer's TCP has answered; how long that took. */
bool xw_socket_answered(struct lws *wsi, uint32_t *ret_rtt_us);

/* The address that this end has is no longer the machine's: what is sent goes nowhere, and TCP
 * would find out in minutes. */
bool xw_socket_homeless(const struct xw_socket *s);

/* Lets out so many bytes a second at most; UINT64_MAX: no limit. */
void xw_socket_pace(struct xw_socket *socket, uint64_t rate);

extern const lws_retry_bo_t xw_socket_idle;

#endif
