/* What uplink.c and uplink_tls.c share (internal).
 * Threads: loop thread only. */
#ifndef XW_LINK_UPLINK_IN_H
#define XW_LINK_UPLINK_IN_H

#include "link/dial.h"
#include "link/glink.h"
#include "link/socket.h"
#include "link/tls.h"
#include "link/uplink.h"

enum leg_state { LEG_IDLE, LEG_CONNECTING, LEG_UP };

struct leg {
    struct xw_uplink *uplink;
    unsigned role;
    enum leg_state state;
    struct xw_socket socket;
    struct xw_dial dial;
    bool renew;           /* its certificate is the old one */
    const char *alert;    /* what the county's TLS said, static text */
    const char *distrust; /* why its certificate will not do, static text */
};

/* What libwebsockets may still look at or write to when the uplink is gone. */
struct anchor {
    struct xw_uplink *uplink;
    struct lws *connecting[XW_LINK_ROLES_N];
    struct xw_tls_watch watch;
};

struct xw_uplink {
    struct xw_loop *loop;
    struct xw_net *net;
    struct xw_uplink_config config;
    struct xw_uplink_watch watch;
    struct xw_glink *glink;
    struct anchor *anchor;
    struct lws_vhost *vhost;
    SSL_CTX *tls; /* of the vhost */
    struct leg leg[XW_LINK_ROLES_N];
    struct xw_timer *tick, *gather;
    struct xw_uplink_state state;
    char text[160];
    int64_t figures_due_us, measure_due_us;
    bool gathering, ending;
};

/* uplink_tls.c: the vhost's TLS context is there; alerts of the county belong to the leg that
 * connects. */
void xw_uplink_take_tls(struct lws *wsi, SSL_CTX *ctx);
XW_MUST_CHECK int xw_uplink_read_tls(struct xw_uplink *u);
/* The leg that is to be made anew now, with the new certificate; NULL: none. */
struct leg *xw_uplink_leg_to_renew(struct xw_uplink *u);

#endif
