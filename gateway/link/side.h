/* What both ends of a session have in common: two sockets, six lanes, records both ways, objects,
 * ephemeral messages, credit, clocks. The gateway's end (glink.h) and the county's (clink.h) embed
 * one and add streams and blocks.
 *
 * Threads: loop thread only. Ownership: embedded; borrows store, clock, names and sockets.
 */
#ifndef XW_LINK_SIDE_H
#define XW_LINK_SIDE_H

#include "base/clock.h"
#include "link/conn.h"
#include "link/intake.h"
#include "link/lane.h"
#include "link/logtx.h"
#include "link/object.h"
#include "link/pace.h"

struct xw_side {
    struct xw_life *life;
    struct xw_store *store;
    const struct xw_clock *clock;
    struct xw_conn *conn[XW_LINK_ROLES_N];
    struct xw_pace pace; /* of the way that both sockets share */
    struct xw_lanes lanes;
    struct xw_logtx tx;
    struct xw_intake intake;
    struct xw_objects objects;
    struct xw_clockfit fit; /* of the peer's clock; outlives sessions */

    struct xw_uuid peer_log; /* of the records that we receive, as on the wire */
    struct xw_uuid in_log;   /* the same as our store knows it */
    const char *only_origin; /* records of another origin are refused; NULL = any */
    struct xw_ranges records_pending;
    bool record_ack_due;
    bool records_lost;     /* received, and refused by the store */
    bool record_ack_again; /* the store takes again: let them come again */
    bool active;           /* between the first welcome and the end of the session */

    void (*on_record)(void *user, const struct xw_store_record *record);
    void (*on_ephemeral)(void *user, const char *topic, const void *payload, size_t size);
    void *user;
};

/* out_log: name of the log that we send. */
void xw_side_init(struct xw_side *side, struct xw_life *life, struct xw_store *store,
                  const struct xw_clock *clock, const char *out_log,
                  const struct xw_intake_ops *ops, void *ops_user);
void xw_side_done(struct xw_side *side);

/* The session begins with the peer's word on our log. */
XW_MUST_CHECK int xw_side_begin(struct xw_side *side, const struct xw_uuid *our_log, uint64_t upto,
                                Xw__Range *const *ranges, size_t ranges_n);
/* All sockets are gone: queues and flights are dropped, what they held is in the store. */
void xw_side_end(struct xw_side *side);
/* One socket is gone, the session goes on: what was on it is missing again, acknowledgements that
 * it may have held are said again. */
void xw_side_lost(struct xw_side *side, unsigned role);

/* Signals if it is open, else bulk, else NULL. */
struct xw_conn *xw_side_preferred(const struct xw_side *side);
/* Lanes that this socket carries now. */
unsigned xw_side_lanes(const struct xw_side *side, unsigned role);
void xw_side_wake(struct xw_side *side);
/* Something waits in a lane, or an acknowledgement is due. */
bool xw_side_pending(const struct xw_side *side);
void xw_side_send(struct xw_side *side, const Xw__LinkMessage *message);

/* Kinds that both ends handle alike. 1: done; 0: not one of them; < 0: the connection has failed.
 */
XW_MUST_CHECK int xw_side_message(struct xw_side *side, struct xw_conn *conn,
                                  const Xw__LinkMessage *message, size_t n_bytes);
/* 1: a message of one of these lanes was appended; 0: nothing may go now. */
XW_MUST_CHECK int xw_side_pull(struct xw_side *side, struct xw_conn *conn, unsigned lanes,
                               struct xw_buf *ret_buf);
/* The RecordAck that is due, if any: 1 or 0. */
XW_MUST_CHECK int xw_side_pull_ack(struct xw_side *side, struct xw_buf *ret_buf);
void xw_side_tick(struct xw_side *side);
XW_MUST_CHECK int xw_side_ephemeral(struct xw_side *side, const char *topic, const void *payload,
                                    size_t size);
/* On another lane than VIDEO's: ALARM for probes of the way of alarms, STUDY for small figures,
 * both seldom; they wait for their turn as long as the session lives. */
XW_MUST_CHECK int xw_side_ephemeral_on(struct xw_side *side, unsigned lane, const char *topic,
                                       const void *payload, size_t size);

/* For the intake's callbacks. */
void xw_side_recorded(struct xw_side *side, uint64_t seq, const struct xw_store_record *record);
/* Its batch failed. */
void xw_side_unrecorded(struct xw_side *side, uint64_t seq);
/* A batch succeeded: what failed before may come again. */
void xw_side_storing(struct xw_side *side);
void xw_side_settled(struct xw_side *side, uint64_t conn_id, uint64_t n_bytes);

/* upto and ranges of a received log, for hello, welcome and RecordAck. */
struct xw_side_log {
    uint64_t upto;
    Xw__Range range[XW_LINK_RANGES_TOLD_MAX];
    Xw__Range *ranges[XW_LINK_RANGES_TOLD_MAX];
    size_t ranges_n;
};
void xw_side_log(struct xw_store *store, const struct xw_uuid *in_log, struct xw_side_log *ret_log);

#endif
