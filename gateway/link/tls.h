/* TLS as both ends of the link use it: settings, whose certificate a peer showed, and why a
 * handshake failed.
 *
 * Threads: loop thread only. TLS 1.2 at least, forward secrecy and AEAD suites only, no
 * renegotiation, no compression.
 */
#ifndef XW_LINK_TLS_H
#define XW_LINK_TLS_H

#include <libwebsockets.h>
#include <openssl/ssl.h>

#include "base/base.h"
#include "link/linger.h"
#include "trust/cert.h"

extern const char xw_tls_ciphers[]; /* of TLS 1.2; those of 1.3 are all good */
enum {
    XW_TLS_OPTIONS = (int)(SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 |
                           SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION),
};

/* For a vhost that gateways connect to: each refused certificate is counted by its reason and
 * logged with the peer's address, and the peer gets time to read why. linger is borrowed for the
 * life of ctx. */
void xw_tls_watch_server(SSL_CTX *ctx, struct xw_linger *linger);
/* For a vhost that connects: an alert of the other end ("certificate expired") is told. */
struct xw_tls_watch {
    void (*on_alert)(void *user, SSL *ssl, const char *text); /* static text */
    void *user;
};
/* watch is borrowed for the life of ctx. */
void xw_tls_watch_client(SSL_CTX *ctx, const struct xw_tls_watch *watch);

/* What the verified certificate of the peer says, also of a resumed session, for which no
 * verification ran; -ENOENT without one. */
XW_MUST_CHECK int xw_tls_peer(struct lws *wsi, struct xw_cert_facts *ret_facts);

/* Address of the other end of a socket, "?" when it has none. */
void xw_tls_address(int fd, char *ret_text, size_t size);

/* Verification says that a peer's certificate is not valid yet, or not any more. Is it our own
 * clock that is wrong? A gateway without a battery wakes up in 1970, and one that was set wrong in
 * 2035. True when the peer's certificate was good for part of the time in which our own is, and
 * either ours is not good now by our clock, so that the clock is in doubt, or the peer's is not
 * good yet: what an authority signed for later was signed by it all the same. */
bool xw_tls_clock_excuses(const struct xw_cert_facts *own, const struct xw_cert_facts *peer,
                          int64_t now_s);

#endif
