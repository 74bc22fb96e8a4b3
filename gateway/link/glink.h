/* The gateway's end of a session, without sockets: what to say, what to send next, what to heal.
 *
 * It lives as long as the uplink; sessions come and go in it. The transport opens connections (the
 * first begins a session, the second joins it), gives in received messages and pulls out what to
 * send. When the last connection is gone the session is over; the spool holds what was not
 * acknowledged, and the county's next StreamWanted says what of it is wanted.
 *
 * What must reach the county is known(spool) - has - flight - queued of each stream (ledger.h), so
 * a block that was dropped from a queue, lost in a socket or never sent is found again by itself.
 * Threads: loop thread only. Ownership: borrows store, clock, texts. Units: µs, bytes, samples.
 */
#ifndef XW_LINK_GLINK_H
#define XW_LINK_GLINK_H

#include "link/idmap.h"
#include "link/side.h"
#include "link/uplink.h"

struct xw_glink_config {
    const char *gateway_id, *site_name, *software;
    bool demo;
    struct xw_uuid boot_id;
    uint64_t live_late_us;
};

struct xw_glink_watch {
    void *user;
    void (*on_record)(void *user, const struct xw_store_record *record);
    void (*on_ephemeral)(void *user, const char *topic, const void *payload, size_t size);
    void (*on_object)(void *user, const uint8_t sha256[32], int status);
};

struct xw_glink;

XW_MUST_CHECK int xw_glink_new(struct xw_store *store, const struct xw_clock *clock,
                               const struct xw_glink_config *config,
                               const struct xw_glink_watch *watch, struct xw_glink **ret_glink);
void xw_glink_free(struct xw_glink *glink);

/* The socket of this role is up: LinkHello is queued. The role must be free. */
void xw_glink_open(struct xw_glink *glink, struct xw_conn *conn, unsigned role);
/* A whole message. On failure the connection is ending (LinkClose may wait to be pulled). */
XW_MUST_CHECK int xw_glink_receive(struct xw_glink *glink, struct xw_conn *conn, const void *data,
                                   size_t n_bytes);
/* 1: a message was appended, pull again; 0: nothing now; -ESHUTDOWN: close the socket. */
XW_MUST_CHECK int xw_glink_pull(struct xw_glink *glink, struct xw_conn *conn,
                                struct xw_buf *ret_buf);
/* The socket is gone; the connection is the transport's again. */
void xw_glink_closed(struct xw_glink *glink, struct xw_conn *conn);
/* Every 10 to 50 ms. */
void xw_glink_tick(struct xw_glink *glink);
/* LinkClose with SHUTDOWN on both sockets. */
void xw_glink_shutdown(struct xw_glink *glink);
/* What the transport measured on a socket. Returns how fast the kernel is to let out what it has of
 * it (UINT64_MAX: as it likes). */
uint64_t xw_glink_measured(struct xw_glink *glink, unsigned role,
                           const struct xw_pace_measure *measure);

XW_MUST_CHECK int xw_glink_stream(struct xw_glink *glink, const struct xw_uuid *id,
                                  const void *header, size_t header_size);
/* True when it was taken into the live lane. */
bool xw_glink_block(struct xw_glink *glink, const struct xw_store_block *block);
bool xw_glink_gap(struct xw_glink *glink, const struct xw_store_gap *gap);
void xw_glink_committed(struct xw_glink *glink, uint64_t out_seq_last);
XW_MUST_CHECK int xw_glink_ephemeral(struct xw_glink *glink, const char *topic, const void *payload,
                                     size_t size);
XW_MUST_CHECK int xw_glink_ephemeral_on(struct xw_glink *glink, unsigned lane, const char *topic,
                                        const void *payload, size_t size);
XW_MUST_CHECK int xw_glink_object(struct xw_glink *glink, const uint8_t sha256[32]);
/* Samples to be healed before all others: of a study that is urgent or claimed, around an alarm. */
void xw_glink_urgent(struct xw_glink *glink, const struct xw_uuid *stream, struct xw_range range);

bool xw_glink_linked(const struct xw_glink *glink); /* welcomed */
/* The county's clock. Borrowed. */
const struct xw_clockfit *xw_glink_clock(const struct xw_glink *glink);
void xw_glink_wake(struct xw_glink *glink);

struct xw_glink_figures {
    uint32_t rtt_us;
    bool offset_known;
    int64_t offset_us;
    uint64_t uncertainty_us, rate_bytes_per_s;
    uint64_t backlog_samples, backlog_bytes; /* bytes: estimated */
    int64_t backlog_us;                      /* of the stream that lacks most */
    int64_t oldest_unsent_wall_us;           /* 0 = nothing is unsent */
    uint32_t suspended_n;
    bool held;
};
/* Walks all streams: once a second is enough. */
void xw_glink_figures(struct xw_glink *glink, struct xw_glink_figures *ret_figures);
void xw_glink_lane(const struct xw_glink *glink, unsigned lane, struct xw_uplink_lane *ret_lane);

#endif
