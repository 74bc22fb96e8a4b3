/* The uplink's certificate: what the county says of it, and a new one in use. */
#include "link/uplink_in.h"

#include <openssl/err.h>

#include "base/metrics.h"

XW_COUNTER(
    excused, "xw_link_certificates_excused_total", NULL,
    "certificates of the county's chain whose times did not fit a clock of ours that is wrong");

static struct leg *leg_over(struct anchor *anchor, const SSL *ssl)
{
    for (unsigned role = 0; anchor->uplink && role < XW_LINK_ROLES_N; role++) {
        struct lws *wsi = anchor->connecting[role];
        if (wsi && lws_is_ssl(wsi) && lws_get_ssl(wsi) == ssl)
            return &anchor->uplink->leg[role];
    }
    return NULL;
}

/* The county's TLS said something: it belongs to the leg that is connecting over it. */
static void on_alert(void *user, SSL *ssl, const char *text)
{
    struct leg *leg = leg_over(user, ssl);
    if (leg)
        leg->alert = text;
}

/* ---- the county's certificate and our clock ---- */

static const SSL *ssl_of(X509_STORE_CTX *verifying)
{
    return X509_STORE_CTX_get_ex_data(verifying, SSL_get_ex_data_X509_STORE_CTX_idx());
}

static bool excuse(X509_STORE_CTX *verifying)
{
    struct xw_cert_facts own, peer;
    const SSL *ssl = ssl_of(verifying);
    const X509 *cert = X509_STORE_CTX_get_current_cert(verifying);
    const X509 *mine = ssl ? SSL_get_certificate(ssl) : NULL;
    int error = X509_STORE_CTX_get_error(verifying);
    return (error == X509_V_ERR_CERT_NOT_YET_VALID || error == X509_V_ERR_CERT_HAS_EXPIRED) &&
           cert && mine && xw_cert_facts(cert, &peer) == 0 && xw_cert_facts(mine, &own) == 0 &&
           xw_tls_clock_excuses(&own, &peer, xw_clock_wall(NULL).us / 1000000);
}

/* For the time of one verification. */
static X509_STORE_CTX_verify_cb usual; /* of libwebsockets */
static struct anchor *judging;

static int judge(int good, X509_STORE_CTX *verifying)
{
    if (!good && excuse(verifying)) {
        xw_counter_add(&excused, 1);
        X509_STORE_CTX_set_error(verifying, X509_V_OK);
        good = 1;
    }
    struct leg *leg = good ? NULL : leg_over(judging, ssl_of(verifying));
    if (leg)
        leg->distrust = X509_verify_cert_error_string(X509_STORE_CTX_get_error(verifying));
    return usual ? usual(good, verifying) : good;
}

/* libwebsockets asks the protocols of its first vhost about certificates, whichever that is: so it
 * is done before it. */
static int verify(X509_STORE_CTX *verifying, void *user)
{
    judging = user;
    usual = X509_STORE_CTX_get_verify_cb(verifying);
    X509_STORE_CTX_set_verify_cb(verifying, judge);
    return X509_verify_cert(verifying);
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
    SSL_CTX_set_cert_verify_callback(ctx, verify, anchor);
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
