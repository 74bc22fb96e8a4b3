/* Between the files of the gateway's end: glink.c (session), glink_receive.c, glink_pull.c,
 * glink_heal.c (backfill, release), glink_fit.c (suspension). */
#ifndef XW_LINK_GLINK_IN_H
#define XW_LINK_GLINK_IN_H

#include "link/glink.h"

enum {
    XW_GLINK_BACKFILL_QUEUED_N_BYTES = 192 * 1024, /* read ahead of the socket */
    XW_GLINK_READ_N_BYTES = 64 * 1024,
    XW_GLINK_READS_MAX = 2,
    XW_GLINK_BLOCK_COST_N_BYTES = 64, /* ids, CRC, its share of frames and packets */
    XW_GLINK_AGE_US = 30000000,       /* a generation of flight */
    XW_GLINK_ACTIVE_US = 5000000,     /* a stream with a block since then is announced first */
};
#define XW_GLINK_RENEW_US INT64_C(3600000000)

enum xw_announce { XW_ANNOUNCE_NONE, XW_ANNOUNCE_DUE, XW_ANNOUNCED };

struct xw_gstream {
    struct xw_gstream *next;
    struct xw_uuid id;
    Xw__StreamHeader *header;
    double rate_hz;
    struct xw_ledger ledger;
    struct xw_ranges told; /* in every StreamHeld of this session that is not answered yet */
    struct xw_ranges urgent;
    enum xw_announce announce;
    uint64_t announced_on; /* id of the connection */
    unsigned said_n, answered_n;
    bool ready; /* answered: the county knows the stream on both sockets */
    bool release_due, reading, suspended;
    uint64_t live_end;             /* one after the newest live sample */
    int64_t live_us, live_wall_us; /* when it came; 0 = never in this process */
    int64_t alarm_us;              /* newest alarm-priority event */
    uint64_t turn;                 /* read last at */
    double bytes_per_sample;
    double wire_per_sample; /* the same with all that a live block costs on the wire */
};

struct xw_glink {
    struct xw_life life;
    struct xw_store *store;
    const struct xw_clock *clock;
    struct xw_glink_config config;
    struct xw_glink_watch watch;
    struct xw_side side;
    struct xw_coder coder;
    struct xw_wire_arena arena;
    struct xw_idmap by_id;
    struct xw_gstream *streams;
    struct xw_uuid session_id, spool_id;
    uint64_t session;             /* counts sessions of this process */
    uint64_t false_ack_session;   /* the last one that acknowledged what does not exist */
    bool greeted;                 /* the session's first hello is out */
    bool way_lost;                /* one of its sockets died and has not come back */
    unsigned reads_n, announce_n; /* announce_n: streams with XW_ANNOUNCE_DUE */
    bool heal_more;               /* healing stopped for want of room, not of gaps */
    uint64_t turns;
    int64_t age_due_us, heal_due_us;
    int64_t renewed_us; /* the spool took another id then; 0 = never */
    bool suspended_due; /* the county is to be told */
    unsigned suspended_n;
    struct {
        int64_t narrow_us, calm_us, settle_us, wait_us, try_us, resumed_us;
        bool clear; /* backfill waits */
        int64_t clear_us, clear_until_us;
        bool held, held_sure; /* pictures and objects; too little left for them was measured */
        int64_t tight_us, held_us, held_wait_us, freed_us;
        int64_t way_us;     /* the way came back: not judged before */
        int64_t silence_us; /* the end of the last silence that counted as that */
    } fit;                  /* glink_fit.c */
};

struct xw_gstream *xw_glink_find(const struct xw_glink *glink, const struct xw_uuid *id);
XW_MUST_CHECK int xw_glink_add(struct xw_glink *glink, const struct xw_uuid *id, const void *header,
                               size_t header_size, struct xw_gstream **ret_stream);
/* Everything is announced again: a session begins, or a socket of it died. */
void xw_glink_announce_all(struct xw_glink *glink);
XW_MUST_CHECK int xw_glink_hello(struct xw_glink *glink, struct xw_conn *conn);

void xw_glink_heal(struct xw_glink *glink);
/* Something waits to be sent. */
bool xw_glink_pending(const struct xw_glink *glink);
/* A session begins: everything is tried. */
void xw_glink_fit_begin(struct xw_glink *glink);
/* The way is another one: what was decided on the last one is void. */
void xw_glink_fit_anew(struct xw_glink *glink);
/* A lost socket is back: that live is late says nothing of it yet. */
void xw_glink_fit_settle(struct xw_glink *glink);
void xw_glink_fit(struct xw_glink *glink);
void xw_glink_release(struct xw_glink *glink);

#endif
