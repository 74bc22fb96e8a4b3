/* The live WebSocket of a browser: subprotocol xw-live-1 at /live.
 *
 * The upgrade is refused (401, 403, 404) unless path, Host, Origin and cookie are right; the socket
 * is closed when its session ends. One message a WRITEABLE callback. A bad message closes the
 * socket with a LiveFault and close code 1002 (malformed), 1003 (text) or 1009 (too long); counted,
 * logged once. Threads: loop thread only. Limits: sockets_max in all, XW_LIVE_PER_SESSION of one
 * session, XW_LIVE_RATE_PER_S messages a second. */
#ifndef XW_CENTER_LIVE_H
#define XW_CENTER_LIVE_H

#include "center/center.h"

enum { XW_LIVE_PER_SESSION = 16, XW_LIVE_RATE_PER_S = 200 };

int xw_live_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                     size_t len);
size_t xw_live_memory_n_bytes(void);
/* For xw_hub_config.want_write: socket_user is what the hub was given. */
void xw_live_want_write(void *user, void *socket_user);
/* Each second: sockets whose session has ended are closed. */
void xw_live_check(struct xw_center *center);

#endif
