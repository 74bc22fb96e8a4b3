/* The gateway's end of the link: two WebSockets to the county, joined by a session id.
 *
 * It says hello, offers what the spool holds, sends live blocks first, heals what the county wants,
 * passes records both ways, and releases in the spool what the county acknowledged.
 * Threads: loop thread only. It borrows loop, net, store and config strings for its life.
 * The spool's outgoing record log is named "county".
 */
#ifndef XW_LINK_UPLINK_H
#define XW_LINK_UPLINK_H

#include "base/base.h"
#include "base/clockfit.h"
#include "base/loop.h"
#include "base/uuid.h"
#include "link/net.h"
#include "store/store.h"

struct xw_uplink;

struct xw_uplink_config {
    const char *host, *address; /* name in the certificate; address to connect to (NULL = host) */
    uint16_t port;
    struct xw_net_tls tls;
    const char *gateway_id, *site_name, *software;
    bool demo;
    uint64_t
        live_late_us; /* a live block not handed to the kernel after this goes to backfill: 2 s */
};

struct xw_uplink_state {
    bool linked;
    int64_t since_wall_us;
    uint32_t rtt_us;
    int64_t county_offset_us;       /* county wall - our wall */
    uint64_t county_uncertainty_us; /* 0 = offset not known yet */
    uint64_t rate_bytes_per_s;      /* estimated delivery rate */
    uint64_t backlog_samples, backlog_bytes;
    int64_t backlog_us; /* of the stream that lacks most */
    int64_t oldest_unsent_wall_us;
    unsigned suspended_n; /* streams that are not sent live: the link is too narrow */
    bool held;            /* pictures and objects wait, for the same reason */
    bool refused;         /* the county does not take our certificate: only a person can help */
    bool distrusted;      /* whoever answers there has no certificate of our authority */
    const char *text;     /* why not linked */
};

struct xw_uplink_watch {
    void *user;
    void (*on_state)(void *user, const struct xw_uplink_state *state);
    /* From the county, committed in the spool and acknowledged. */
    void (*on_record)(void *user, const struct xw_store_record *record);
    void (*on_ephemeral)(void *user, const char *topic, const void *payload, size_t size);
    /* An object of ours: 0, the county holds it verified; negative: given up in this session. */
    void (*on_object)(void *user, const uint8_t sha256[32], int status);
};

XW_MUST_CHECK int xw_uplink_new(struct xw_loop *loop, struct xw_net *net, struct xw_store *store,
                                const struct xw_uplink_config *config,
                                const struct xw_uplink_watch *watch, struct xw_uplink **ret_uplink);
void xw_uplink_free(struct xw_uplink *uplink);
/* An orderly end begins: LinkClose with SHUTDOWN on both sockets, no new ones. Free it some 100 ms
 * later; without it the county only sees the sockets close. */
void xw_uplink_goodbye(struct xw_uplink *uplink);

/* The certificate and key files hold new ones: they are read, and both sockets are made anew with
 * them, one after the other, so that the session goes on. -EBADMSG: they do not fit, the old ones
 * stay in use. */
XW_MUST_CHECK int xw_uplink_renewed(struct xw_uplink *uplink);
/* Enrolled anew, perhaps at another county: certificate, key, authority are read from their files
 * again; host, address and site name from where the configuration pointed. Ends what is open and
 * connects at once. -EBADMSG as above. */
XW_MUST_CHECK int xw_uplink_rehome(struct xw_uplink *uplink, uint16_t port);

/* A stream is open (header is committed or on its way to the spool). */
XW_MUST_CHECK int xw_uplink_stream(struct xw_uplink *uplink, const struct xw_uuid *stream,
                                   const void *header, size_t header_size);
/* A block as it was cut; copied. Never blocks: without a link, or late, it is left to healing. */
void xw_uplink_block(struct xw_uplink *uplink, const struct xw_store_block *block);
void xw_uplink_gap(struct xw_uplink *uplink, const struct xw_store_gap *gap);
/* The spool committed: blocks, gaps or records up to out_seq_last may go now. */
void xw_uplink_committed(struct xw_uplink *uplink, uint64_t out_seq_last);
/* Droppable; topic <= 64 bytes, payload <= 16 KiB. */
void xw_uplink_ephemeral(struct xw_uplink *uplink, const char *topic, const void *payload,
                         size_t size);
/* The same on another lane (proto/link.proto): ALARM for probes of the way of alarms, STUDY for
 * small figures now and then. -ENOTCONN, -EAGAIN. */
XW_MUST_CHECK int xw_uplink_ephemeral_on(struct xw_uplink *uplink, unsigned lane, const char *topic,
                                         const void *payload, size_t size);
/* Sends an object that the spool holds whole; again after a restart, until it is known to be there:
 * offering what the county has costs one message. -EAGAIN too many wait, -ENOENT not held whole. */
XW_MUST_CHECK int xw_uplink_object(struct xw_uplink *uplink, const uint8_t sha256[32]);
/* Samples to be healed before all others: of an urgent or claimed study. (Those around an alarm are
 * known from its record.) */
void xw_uplink_urgent(struct xw_uplink *uplink, const struct xw_uuid *stream,
                      struct xw_range range);
void xw_uplink_get_state(const struct xw_uplink *uplink, struct xw_uplink_state *ret_state);

/* The county's wall clock against our boot time, as the link has measured it; also while there is
 * no link, with more doubt. Borrowed. */
const struct xw_clockfit *xw_uplink_clock(const struct xw_uplink *uplink);

/* How one lane (0 to 5, proto/link.proto) stands. Cheap: for a source that adapts, some times a
 * second. While there is no link nothing waits and the rate is 0. */
struct xw_uplink_lane {
    size_t waiting_bytes;      /* in our queue; what the kernel holds is not counted */
    size_t room_bytes;         /* what it takes before it refuses */
    int64_t oldest_us;         /* age of the oldest that waits; 0: nothing does */
    uint64_t dropped_n;        /* things refused for want of room or too old, since the start */
    uint64_t sent_bytes;       /* since the start */
    uint64_t rate_bytes_per_s; /* what the paced lanes (backfill, video, bulk) may send together */
    unsigned suspended_n;      /* streams that are not sent live because live does not fit */
    bool held;                 /* pictures and objects are not sent at all: too narrow */
};
void xw_uplink_lane(const struct xw_uplink *uplink, unsigned lane, struct xw_uplink_lane *ret_lane);

#endif
