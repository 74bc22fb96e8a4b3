/* A refusal that the other end can read.
 *
 * A server that refuses a TLS handshake says why in an alert and closes. What the client had sent
 * meanwhile (the rest of its handshake, its first request) then lies unread, so that the kernel
 * resets the connection, and a reset overtakes an alert that the client has not read yet: it would
 * never know why. So the connection's sending half is closed at once, but the socket itself stays
 * for a while and takes what still comes.
 *
 * Threads: loop thread only. Ownership: a copy of the descriptor; the caller closes its own.
 * Limits: XW_LINGER_MAX sockets for XW_LINGER_MS each; when there are more the oldest goes.
 */
#ifndef XW_LINK_LINGER_H
#define XW_LINK_LINGER_H

#include "base/loop.h"

enum { XW_LINGER_MAX = 32, XW_LINGER_MS = 2000 };

struct xw_linger;

/* -ENOMEM or libuv's -errno. */
XW_MUST_CHECK int xw_linger_new(struct xw_loop *loop, struct xw_linger **ret_linger);
/* NULL is fine. */
void xw_linger_free(struct xw_linger *linger);
/* The last word on fd, a connected TCP socket, has been written. Without a descriptor to spare it
 * is closed as it would have been. */
void xw_linger_take(struct xw_linger *linger, int fd);

#endif
