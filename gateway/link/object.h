/* Objects both ways: bytes named by SHA-256, offered, wanted from an offset, sent in chunks on the
 * bulk lane, acknowledged when durable. Resumable: the receiver's store knows how far it got.
 *
 * Threads: loop thread only. Ownership: borrows life, store, lanes.
 * Limits: XW_OBJECTS_MAX offered by us and not done, as many received; on the way of one object
 * what its receiver says, XW_OBJECT_WINDOW_N_BYTES where we are it (all objects of a socket
 * together: its credit).
 */
#ifndef XW_LINK_OBJECT_H
#define XW_LINK_OBJECT_H

#include "base/clock.h"
#include "link/conn.h"
#include "link/lane.h"
#include "link/life.h"

enum {
    XW_OBJECTS_MAX = 256,
    XW_OBJECT_WINDOW_N_BYTES = 512 * 1024,
    XW_OBJECT_WINDOW_UNSAID_N_BYTES = 128 * 1024,
    XW_OBJECT_WINDOW_MAX_N_BYTES = 1024 * 1024,
    XW_OBJECT_PIECE_N_BYTES = 8192,
    XW_OBJECT_PIECE_LEAST_N_BYTES = 1024
};

struct xw_object_out; /* one that we offer */
struct xw_object_in;  /* one that we take */

struct xw_objects {
    struct xw_life *life;
    struct xw_store *store;
    struct xw_lanes *lanes;
    const struct xw_clock *clock;
    struct xw_object_out *out;
    struct xw_object_in *in;
    size_t out_n, in_n;
    size_t piece_n_bytes; /* of a chunk; less than the usual on a slow link */
    uint64_t session;
    bool active;
    /* Control messages of ours: the owner sends them on the socket that it prefers. */
    void (*send)(void *user, const Xw__LinkMessage *message);
    void (*settled)(void *user, uint64_t conn_id, uint64_t n_bytes);
    void (*on_sent)(void *user, const uint8_t sha256[32], int status); /* may be NULL */
    void *sent_user;
    void (*on_queued)(void *user);
    void *user;
};

void xw_objects_init(struct xw_objects *objects, struct xw_life *life, struct xw_store *store,
                     struct xw_lanes *lanes, const struct xw_clock *clock);
void xw_objects_done(struct xw_objects *objects);
/* Sends an object of our store, now or when a session begins. -EAGAIN: too many wait; -ENOENT:
 * the store does not hold it whole. Offering it again is fine. */
XW_MUST_CHECK int xw_objects_offer(struct xw_objects *objects, const uint8_t sha256[32]);
void xw_objects_begin(struct xw_objects *objects);
void xw_objects_stop(struct xw_objects *objects);
/* A socket died, or what was on its way is in doubt: offers everything again. */
void xw_objects_again(struct xw_objects *objects);

/* 0, -EPROTO with a fault (state, limit). A chunk's bytes are settled when it is durable. */
XW_MUST_CHECK int xw_objects_message(struct xw_objects *objects, const struct xw_conn *conn,
                                     const Xw__LinkMessage *message, size_t n_bytes,
                                     struct xw_wire_fault *ret_fault);
void xw_objects_step(struct xw_objects *objects);

#endif
