/* Enrolment of gateways: a port of its own (HTTPS, no client certificate), and rotation over the
 * link. Protocol: PROTOCOL.md, section 3.13.
 *
 * A gateway shows the name of its code, the county proves that it knows the code, the gateway shows
 * its own key from the code with a request; the county signs, makes code, certificate and audit
 * entry durable in one batch, and only then answers. Killed before the commit nothing happened;
 * killed after it, the same key with the same code gets the same certificate again.
 *
 * Threads: loop thread only. Limits: XW_ENROL_CONNECTIONS_MAX connections, 8 KiB a request, 5 s for
 * it to come, 16 KiB an answer's head and certificate; wrong codes `enrol.tries` a minute an
 * address (IPv6: a /64) and ten times that in all (429). A right code is never made to wait: its 80
 * bits are not guessed, and who guesses must not shut out who was given one. */
#ifndef XW_CENTER_ENROL_H
#define XW_CENTER_ENROL_H

#include "center/center.h"
#include "center/identities.h"

enum { XW_ENROL_CONNECTIONS_MAX = 128 };

struct xw_enrol;

/* Opens authority and port. -ENOENT: there is no authority in the configured folder. */
XW_MUST_CHECK int xw_enrol_new(struct xw_center *center, struct xw_enrol **ret_enrol,
                               uint16_t *ret_port);
/* Nothing more is taken; what is being committed will be. */
void xw_enrol_close(struct xw_enrol *enrol);
/* After the store was closed and the sockets are gone. */
void xw_enrol_free(struct xw_enrol *enrol);
/* Each second: codes that ended long ago are forgotten. */
void xw_enrol_second(struct xw_enrol *enrol);
/* Each second: generations that this store, restored from a backup, did not know of. */
void xw_enrol_learn(struct xw_center *center);
/* An ephemeral message "renew" of a linked gateway. enrol NULL: it is told that nobody signs here.
 */
void xw_enrol_renew(struct xw_center *center, const char *gateway_id, const void *payload,
                    size_t size);

/* ---- between enrol.c and enrol_http.c ---- */

struct xw_enrol_post {
    struct lws *wsi; /* NULL: the gateway has gone */
    struct xw_enrol *enrol;
    uint32_t refs;
    char peer[64];
    bool hello, replied;
    uint8_t certificate_hash[XW_CERT_HASH_N]; /* of ours, on this connection */
    struct xw_buf body;
    uint64_t expected_n;
    int64_t began_us;
    unsigned status;
    char *answer; /* JSON, malloc */
    size_t answer_n, sent;
    bool head_sent;
};
void xw_enrol_post_unref(struct xw_enrol_post *post);
/* The request is whole: answers now or after the commit. */
void xw_enrol_take(struct xw_enrol_post *post);
/* Takes answer (JSON text). */
void xw_enrol_reply(struct xw_enrol_post *post, unsigned status, char *answer);
XW_MUST_CHECK int xw_enrol_listen(struct xw_center *center, struct xw_enrol *enrol,
                                  struct lws_vhost **ret_vhost, uint16_t *ret_port);
void xw_enrol_unlisten(struct lws_vhost *vhost);

#endif
