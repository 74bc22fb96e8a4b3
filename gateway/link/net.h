/* The one libwebsockets context of a process, on the process's libuv loop.
 *
 * Threads: loop thread only. Everything that speaks WebSocket or HTTP (uplink, downlink, status
 * page, the county's browser side) adds vhosts or connects through it. TLS: see tls.h; ALPN pinned
 * to http/1.1 (platform facts: over HTTP/2 large frames never arrive).
 */
#ifndef XW_LINK_NET_H
#define XW_LINK_NET_H

#include <libwebsockets.h>

#include "base/base.h"
#include "base/loop.h"

struct xw_net;

XW_MUST_CHECK int xw_net_new(struct xw_loop *loop, struct xw_net **ret_net);
/* Closes all sockets and waits (on the loop, then NOWAIT rounds) until libwebsockets let go. */
void xw_net_free(struct xw_net *net);
struct lws_context *xw_net_context(struct xw_net *net);

struct xw_net_tls {
    const char *cert_path; /* all NULL: no TLS, allowed on loopback addresses only */
    const char *key_path;
    const char *ca_path; /* set: peers must show a certificate that it signed */
};
struct xw_net_listen {
    const char *name;    /* of the vhost, in logs and metrics */
    const char *address; /* 127.0.0.1, ::1, 0.0.0.0 … */
    uint16_t port;       /* 0 = any free one, see ret_port */
    struct xw_net_tls tls;
    const struct lws_protocols *protocols; /* ended by an empty one; protocols[0] sees HTTP */
    void *user;                            /* lws_get_vhost_user() */
    const struct lws_retry_bo *idle;       /* validity pings */
};
/* -EADDRINUSE, -EINVAL (no TLS on an address that is not loopback), -ENOENT (certificate files). */
XW_MUST_CHECK int xw_net_listen(struct xw_net *net, const struct xw_net_listen *listen,
                                struct lws_vhost **ret_vhost, uint16_t *ret_port);
/* A vhost to connect from: TLS with our certificate (if cert_path is set) and the given CA. */
struct xw_net_client {
    const char *name;
    struct xw_net_tls tls;
    const struct lws_protocols *protocols;
    void *user;
    const struct lws_retry_bo *idle;
};
/* -ENOENT (certificate files), -EINVAL. */
XW_MUST_CHECK int xw_net_client(struct xw_net *net, const struct xw_net_client *client,
                                struct lws_vhost **ret_vhost);

/* Whatever a vhost's callbacks may still look at: freed with free() after the last callback. */
void xw_net_keep(struct xw_net *net, void *memory);

/* For protocols[0] of a vhost whose peers must show certificates: to be called first by its
 * callback, with the callback's own wsi, user and len. True when the reason was dealt with;
 * *ret_result is then to be returned. Without it libwebsockets lets any certificate in, and it does
 * not run on TLS 1.3 resumption: ask xw_tls_peer() at LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION as
 * well. */
bool xw_net_verify(struct lws *wsi, enum lws_callback_reasons reason, void *user, size_t len,
                   int *ret_result);

#endif
