/* Rotation of an enrolled gateway's certificate, over the link: after two thirds of its life (and
 * up to a twentieth more, at random, so that a county's gateways do not come at once) a new key is
 * made, the county signs it, both are written, then both sockets are made anew.
 *
 * The old certificate is good until it expires: whatever fails is tried again each minute (a
 * thirtieth of a short life). Time is the county's, as the link measures it.
 * Threads: loop thread; disk and keys on a worker. */
#ifndef XW_EDGE_RENEW_H
#define XW_EDGE_RENEW_H

#include "edge/edge.h"
#include "edge/identity.h"

struct xw_renew;

/* Borrows identity, and replaces its certificate and key. */
XW_MUST_CHECK int xw_renew_new(struct xw_edge *edge, struct xw_edge_identity *identity,
                               struct xw_renew **ret_renew);
void xw_renew_free(struct xw_renew *renew);
/* A worker is at it: keys and files are not to be touched. NULL is fine. */
bool xw_renew_busy(const struct xw_renew *renew);
/* The identity has become another by enrolment. NULL is fine. */
void xw_renew_replaced(struct xw_renew *renew);
/* Each second. NULL is fine. */
void xw_renew_tick(struct xw_renew *renew);
/* An ephemeral message of the county; true if it was for us. NULL is fine. */
bool xw_renew_ephemeral(struct xw_renew *renew, const char *topic, const void *payload,
                        size_t size);

#endif
