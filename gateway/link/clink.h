/* The county's end of all sessions, without sockets: who is who, what is wanted, what is durable.
 *
 * A gateway's first hello takes a session epoch from the store and supersedes its older session;
 * the second socket of the same session id joins. Live blocks are given on at once after the CRC
 * check, everything goes to the store, and acknowledgements follow the commit, gathered for 50 ms.
 * When the store refuses (disk full) nothing is acknowledged and no more backfill is let in; the
 * gateway sends it again later, and the live picture goes on.
 * Threads: loop thread only. Ownership: borrows store, clock; connections are the transport's.
 */
#ifndef XW_LINK_CLINK_H
#define XW_LINK_CLINK_H

#include "link/downlink.h"
#include "link/idmap.h"
#include "link/side.h"

struct xw_clink;

XW_MUST_CHECK int xw_clink_new(struct xw_store *store, const struct xw_clock *clock,
                               uint32_t gateways_max, const struct xw_downlink_watch *watch,
                               struct xw_clink **ret_clink);
void xw_clink_free(struct xw_clink *clink);

/* conn->peer_name: name of the verified certificate; "" only where there is no TLS. */
void xw_clink_open(struct xw_clink *clink, struct xw_conn *conn);
XW_MUST_CHECK int xw_clink_receive(struct xw_clink *clink, struct xw_conn *conn, const void *data,
                                   size_t n_bytes);
XW_MUST_CHECK int xw_clink_pull(struct xw_clink *clink, struct xw_conn *conn,
                                struct xw_buf *ret_buf);
void xw_clink_closed(struct xw_clink *clink, struct xw_conn *conn);
void xw_clink_tick(struct xw_clink *clink);
void xw_clink_shutdown(struct xw_clink *clink);
uint64_t xw_clink_measured(struct xw_clink *clink, struct xw_conn *conn,
                           const struct xw_pace_measure *measure);

void xw_clink_committed(struct xw_clink *clink, const char *gateway_id, uint64_t out_seq_last);
/* -ENOTCONN, -EAGAIN. */
XW_MUST_CHECK int xw_clink_ephemeral(struct xw_clink *clink, const char *gateway_id,
                                     const char *topic, const void *payload, size_t size);
XW_MUST_CHECK int xw_clink_ephemeral_on(struct xw_clink *clink, const char *gateway_id,
                                        unsigned lane, const char *topic, const void *payload,
                                        size_t size);
XW_MUST_CHECK int xw_clink_object(struct xw_clink *clink, const char *gateway_id,
                                  const uint8_t sha256[32]);
void xw_clink_gateways(struct xw_clink *clink,
                       void (*each)(void *user, const struct xw_downlink_gateway *), void *user);

#endif
