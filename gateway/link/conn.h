/* One socket of a session, as the session cores see it: state, control queue, credit, clock,
 * silence.
 *
 * The transport (socket.c, or a test's pipe) owns it, sets `wake`, gives in what it receives and
 * pulls out what is to be sent when it may write. No file descriptor and no clock of its own: the
 * core hands in its clock.
 * Threads: loop thread only. Limits: 256 KiB of control messages; beyond that the peer does not
 * read, and the connection is ended.
 */
#ifndef XW_LINK_CONN_H
#define XW_LINK_CONN_H

#include "base/base.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/clockfit.h"
#include "link/wire.h"

enum {
    XW_CONN_CREDIT_N_BYTES = 1024 * 1024, /* content in the receiver's hands, not durable yet */
    XW_CONN_CONTROL_MAX_N_BYTES = 256 * 1024,
    XW_CONN_HELLO_US = 5000000,  /* hello or welcome within */
    XW_CONN_CLOCK_US = 2000000,  /* a clock exchange each */
    XW_CONN_SILENT_US = 4500000, /* the peer's clock exchanges stopped: the link is dead */
    XW_CONN_STALL_US = 1500000,  /* ticks this far apart: it was this process that stood still */
};

enum xw_conn_state { XW_CONN_NEW, XW_CONN_GREETED, XW_CONN_OPEN, XW_CONN_CLOSING, XW_CONN_ENDED };

struct xw_conn_note; /* a packed control message */

struct xw_conn {
    void (*wake)(struct xw_conn *conn); /* something to pull, or the end */
    void *transport;
    char peer_name[XW_LINK_ID_MAX_N_BYTES + 1]; /* of the verified certificate; "" = no TLS */

    enum xw_conn_state state;
    unsigned role;
    void *session;
    struct xw_conn *next; /* in a list of the core */
    uint64_t id;          /* never used twice */
    struct xw_conn_note *head, **tail;
    size_t control_n_bytes;
    uint64_t sent_n_bytes, credit_n_bytes;                  /* what we may send */
    uint64_t got_n_bytes, settled_n_bytes, allowed_n_bytes; /* what the peer may send */
    int64_t opened_us, heard_us, clock_due_us, ticked_us;   /* monotonic */
    int64_t clock_origin_us, clock_sent_us, clock_sent_boot_us;
    uint32_t rtt_us;
    Xw__LinkFault fault; /* what ended it, told by us or by the peer */
    char fault_text[96];
    bool fault_by_peer, violated; /* violated: we ended it, the peer broke a rule */
};

void xw_conn_init(struct xw_conn *conn, const struct xw_clock *clock);
void xw_conn_done(struct xw_conn *conn);

/* Queues a control message; a full queue ends the connection. */
void xw_conn_send(struct xw_conn *conn, const Xw__LinkMessage *message);
/* LinkClose, then the end. Only the first reason counts. */
void xw_conn_fail(struct xw_conn *conn, Xw__LinkFault code, const char *text);
/* The end without a word: the peer said LinkClose, or is gone. */
void xw_conn_end(struct xw_conn *conn, Xw__LinkFault code, const char *text);
/* 1: a control message was appended; 0: none waits; -ESHUTDOWN: close the socket now. */
XW_MUST_CHECK int xw_conn_pull(struct xw_conn *conn, struct xw_buf *ret_buf);

/* Counts a received message against the credit given; -EPROTO when the peer overdrew it. */
XW_MUST_CHECK int xw_conn_take(struct xw_conn *conn, size_t n_bytes);
/* Counted bytes are dealt with: more credit, told when it is worth a message. */
void xw_conn_settle(struct xw_conn *conn, uint64_t n_bytes);

struct xw_conn_time {
    uint32_t rtt_us;
    int64_t offset_us; /* peer's wall clock - ours */
    struct xw_clockfit_exchange exchange;
};
/* Answers a request; 1 with ret_time when it was the answer to ours, else 0. */
XW_MUST_CHECK int xw_conn_clock(struct xw_conn *conn, const struct xw_clock *clock,
                                const Xw__Clock *message, struct xw_conn_time *ret_time);
/* Clock requests, time-outs. */
void xw_conn_tick(struct xw_conn *conn, const struct xw_clock *clock);

const char *xw_conn_fault_text(Xw__LinkFault fault);

#endif
