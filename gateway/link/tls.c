/* TLS settings, certificates of peers, reasons; see tls.h. */
#include "link/tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/metrics.h"

#define REFUSED(var, reason)                                                                       \
    XW_COUNTER(var, "xw_link_refused_certificates_total", "reason=\"" reason "\"",                 \
               "TLS handshakes of gateways refused for their certificate")
REFUSED(refused_none, "none");
REFUSED(refused_expired, "expired");
REFUSED(refused_early, "not_yet_valid");
REFUSED(refused_self, "self_signed");
REFUSED(refused_authority, "authority");
REFUSED(refused_purpose, "purpose");
REFUSED(refused_other, "other");
XW_COUNTER(refused_protocol, "xw_link_refused_handshakes_total", NULL,
           "TLS handshakes refused for anything but a certificate (version, ciphers, garbage)");

const char xw_tls_ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK";

/* Position of what the info callback needs, in the memory of a context. */
static int watch_index(void)
{
    static int index = -1;
    if (index < 0)
        index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return index;
}

static struct xw_counter *counter_of(long verdict)
{
    switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return &refused_expired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return &refused_early;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return &refused_self;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return &refused_authority;
    case X509_V_ERR_INVALID_PURPOSE:
        return &refused_purpose;
    default:
        return &refused_other;
    }
}

static bool without_certificate(int alert)
{
    return alert == SSL3_AD_NO_CERTIFICATE || alert == SSL_AD_CERTIFICATE_REQUIRED ||
           ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;
}

void xw_tls_address(int fd, char *ret_text, size_t size)
{
    struct sockaddr_storage a = {.ss_family = AF_UNSPEC};
    socklen_t n = sizeof(a);
    char text[INET6_ADDRSTRLEN] = "?";
    if (getpeername(fd, (struct sockaddr *)&a, &n) == 0) {
        const struct in6_addr *six = &((const struct sockaddr_in6 *)&a)->sin6_addr;
        const void *address = &((const struct sockaddr_in *)&a)->sin_addr;
        int family = a.ss_family;
        if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(six)) {
            family = AF_INET;
            address = &six->s6_addr[12];
        } else if (family == AF_INET6) {
            address = six;
        }
        (void)inet_ntop(family, address, text, sizeof(text));
    }
    snprintf(ret_text, size, "%s", text);
}

static void tell_refusal(const SSL *ssl, int value)
{
    int alert = value & 0xff;
    long verdict = SSL_get_verify_result(ssl);
    const char *why = SSL_alert_desc_string_long(value);
    char peer[64] = "?";
    if (SSL_get_fd(ssl) >= 0)
        xw_tls_address(SSL_get_fd(ssl), peer, sizeof(peer));
    if (without_certificate(alert)) {
        xw_counter_add(&refused_none, 1);
        why = "no certificate";
    } else if (verdict != X509_V_OK) {
        xw_counter_add(counter_of(verdict), 1);
        why = X509_verify_cert_error_string(verdict);
    } else {
        /* A line of its own: who knocks and goes must not silence those above. */
        xw_counter_add(&refused_protocol, 1);
        xw_log_warning("link.handshake", XW_LOG_STR("peer", peer), XW_LOG_STR("why", why));
        return;
    }
    xw_log_warning("link.refused", XW_LOG_STR("peer", peer), XW_LOG_STR("why", why));
}

/* An alert that we send as a server says that we refuse; the verdict says what was wrong. It has
 * been written when this is called. */
static void on_server_info(const SSL *ssl, int where, int value)
{
    struct xw_linger *linger = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), watch_index());
    if (where != SSL_CB_WRITE_ALERT || (value & 0xff) == SSL_AD_CLOSE_NOTIFY ||
        SSL_is_init_finished(ssl))
        return;
    tell_refusal(ssl, value);
    if (linger && SSL_get_fd(ssl) >= 0)
        xw_linger_take(linger, SSL_get_fd(ssl));
}

void xw_tls_watch_server(SSL_CTX *ctx, struct xw_linger *linger)
{
    if (SSL_CTX_set_ex_data(ctx, watch_index(), linger) == 1)
        SSL_CTX_set_info_callback(ctx, on_server_info);
}

static void on_client_info(const SSL *ssl, int where, int value)
{
    const struct xw_tls_watch *watch = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), watch_index());
    if (where == SSL_CB_READ_ALERT && (value & 0xff) != SSL_AD_CLOSE_NOTIFY && watch)
        watch->on_alert(watch->user, (SSL *)(uintptr_t)ssl, SSL_alert_desc_string_long(value));
}

void xw_tls_watch_client(SSL_CTX *ctx, const struct xw_tls_watch *watch)
{
    if (SSL_CTX_set_ex_data(ctx, watch_index(), (void *)(uintptr_t)watch) == 1)
        SSL_CTX_set_info_callback(ctx, on_client_info);
}

int xw_tls_peer(struct lws *wsi, struct xw_cert_facts *ret_facts)
{
    SSL *ssl = lws_is_ssl(wsi) ? lws_get_ssl(wsi) : NULL;
    xw_autocert X509 *cert = ssl ? SSL_get1_peer_certificate(ssl) : NULL;
    if (!cert || SSL_get_verify_result(ssl) != X509_V_OK || xw_cert_facts(cert, ret_facts) < 0)
        return -ENOENT;
    return 0;
}

bool xw_tls_clock_excuses(const struct xw_cert_facts *own, const struct xw_cert_facts *peer,
                          int64_t now_s)
{
    bool together = peer->from_s < own->until_s && own->from_s < peer->until_s;
    bool doubt = now_s < own->from_s || now_s >= own->until_s;
    return together && (doubt || now_s < peer->from_s);
}
