/* The uplink's certificate: what the county says of it, and a new one in use. */
#include "link/uplink_in.h"

#include <openssl/err.h>

/* The county's TLS said something: it belongs to the leg that is connecting over it. */
static void on_alert(void *user, SSL *ssl, const char *text)
{
    struct anchor *anchor = user;
    for (unsigned role = 0; anchor->uplink && role < XW_LINK_ROLES_N; role++) {
        struct lws *wsi = anchor->connecting[role];
        if (wsi && lws_is_ssl(wsi) && lws_get_ssl(wsi) == ssl)
            anchor->uplink->leg[role].alert = text;
    }
}

void xw_uplink_take_tls(struct lws *wsi, SSL_CTX *ctx)
{
    struct lws_vhost *vhost = wsi ? lws_get_vhost(wsi) : NULL;
    struct anchor *anchor = vhost ? lws_get_vhost_user(vhost) : NULL;
    if (!anchor || !anchor->uplink)
        return;
    anchor->watch = (struct xw_tls_watch){on_alert, anchor};
    anchor->uplink->tls = ctx;
    xw_tls_watch_client(ctx, &anchor->watch);
}

/* Bulk first; signals when bulk is there to carry on. */
struct leg *xw_uplink_leg_to_renew(struct xw_uplink *u)
{
    struct leg *bulk = &u->leg[XW__SOCKET_ROLE__SOCKET_BULK];
    struct leg *signals = &u->leg[XW__SOCKET_ROLE__SOCKET_SIGNALS];
    struct leg *leg = bulk->renew ? bulk : signals->renew ? signals : NULL;
    if (!leg || leg->state != LEG_UP || u->ending)
        return NULL;
    if (leg == signals && (bulk->state != LEG_UP || bulk->socket.conn.state != XW_CONN_OPEN))
        return NULL;
    return leg;
}

/* Into the context that is there: libwebsockets gives a new vhost of the same file names the old
 * one. */
int xw_uplink_read_tls(struct xw_uplink *u)
{
    const struct xw_net_tls *tls = &u->config.tls;
    if (!u->tls || !tls->cert_path)
        return -EINVAL;
    X509_STORE *roots = X509_STORE_new();
    bool good = roots && X509_STORE_load_file(roots, tls->ca_path) == 1 &&
                SSL_CTX_use_certificate_chain_file(u->tls, tls->cert_path) == 1 &&
                SSL_CTX_use_PrivateKey_file(u->tls, tls->key_path, SSL_FILETYPE_PEM) == 1;
    ERR_clear_error();
    if (!good) {
        X509_STORE_free(roots);
        return -EBADMSG;
    }
    SSL_CTX_set_cert_store(u->tls, roots);
    return 0;
}

int xw_uplink_renewed(struct xw_uplink *u)
{
    int r = xw_uplink_read_tls(u);
    if (r < 0)
        return r;
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        u->leg[role].renew = u->leg[role].state != LEG_IDLE;
    return 0;
}
