/* The admin socket of the running center: a unix socket (mode 0600) where xinwang-admin asks, one
 * JSON line each way. Who may open the socket may change users; nothing else is reachable there.
 *
 * Threads: loop thread only. Limits: 8 connections, a line of 8 KiB, 10 s a connection. */
#ifndef XW_CENTER_CONTROL_H
#define XW_CENTER_CONTROL_H

#include "center/center.h"

struct xw_control;

/* An old socket nobody listens on is replaced; -EADDRINUSE when somebody does. */
XW_MUST_CHECK int xw_control_new(struct xw_center *center, const char *path,
                                 struct xw_control **ret_control);
/* Closes everything; the loop must still run once. */
void xw_control_free(struct xw_control *control);

#endif
