/* How fast a link is, and what may be put on it: one for the two sockets of a session, which share
 * the way to the peer.
 *
 * Each socket is measured some times a second (TCP_INFO): round trip, bytes acknowledged, bytes
 * that the kernel holds. A round trip above its base is a queue on the way. Lanes 3 to 5
 * (backfill, pictures, objects) are paced: their rate grows while there is no queue, and falls to
 * what is left beside live when one builds up; what was acknowledged while a queue stood is the
 * rate of the link. Live lanes are not paced, but the kernel and the network are not given more of
 * them than a quarter of a second: what does not fit waits in our lanes, where it can be taken out
 * again.
 * No acknowledgement for longer than TCP itself would wait is no measurement: a socket that is so
 * silent counts for nothing, and when all are, what was known before is kept as it was until
 * something comes again.
 * Threads: pure, loop thread. Units: bytes per second, µs, monotonic time.
 */
#ifndef XW_LINK_PACE_H
#define XW_LINK_PACE_H

#include "base/base.h"

enum {
    XW_PACE_LEGS_N = 2,
    XW_PACE_MEASURE_US = 50000,
    XW_PACE_WINDOW_N = 12, /* measurements that a rate is taken over, */
    XW_PACE_LEAST_N = 6,   /* so many at least */
    XW_PACE_MARKS_N = 128, /* 6 s of them */
};

/* Counters count from the opening of the socket. */
struct xw_pace_measure {
    uint32_t rtt_us, base_rtt_us;
    uint64_t acked_n_bytes;
    uint64_t outstanding_n_bytes; /* given to the kernel and not acknowledged; of them */
    uint64_t unsent_n_bytes;      /* not on their way yet */
    uint32_t segments_n, resent_n;
};

struct xw_pace_mark {
    int64_t at_us;
    uint64_t n_bytes;
};

struct xw_pace_leg {
    bool open;
    struct xw_pace_measure last;
    uint64_t outstanding_n_bytes;                 /* as measured, and what was handed over since */
    struct xw_pace_mark written[XW_PACE_MARKS_N]; /* how much the kernel had taken by then */
    size_t written_n;
    int64_t stalled_us; /* the oldest byte not acknowledged was written so long ago */
    int64_t acked_us;   /* something was acknowledged, or it opened */
    bool silent;        /* nothing is, for so long that it may be dead */
};

struct xw_pace {
    struct xw_pace_leg leg[XW_PACE_LEGS_N];
    struct xw_pace_mark acked[XW_PACE_WINDOW_N]; /* of both sockets together */
    size_t acked_n;
    uint64_t acked_total, live_total; /* live: given to sockets, but for paced lanes */
    struct xw_pace_mark live[XW_PACE_WINDOW_N];
    int64_t flowed_us;  /* something was acknowledged */
    bool silent;        /* every socket that waits for an acknowledgement is silent, and one does */
    int64_t resumed_us; /* that ended; 0 = never */

    uint64_t link_rate;  /* seen while a queue stood, or more; 0 = never yet */
    uint64_t acked_rate; /* of the last window; 0 = nothing was measured for long enough */
    uint64_t seen_rate;  /* most that was acknowledged in one window */
    uint64_t bulk_rate;  /* what the paced lanes may send together */
    bool startup;        /* no queue was seen yet */
    bool limited;        /* a paced lane had to wait since the last look */
    int64_t hold_until_us, grow_due_us, queue_seen_us;
    uint32_t queue_us; /* on the way, as last measured */
    uint32_t rtt_us, base_rtt_us;
    uint32_t lost_segments_n, lost_resent_n; /* of the window being watched for losses */
    int64_t tokens, tokens_us;
};

void xw_pace_init(struct xw_pace *pace, int64_t now_us);
/* The socket of this role opened: what was known of the way holds if the other one is open and
 * something is acknowledged on it. If not, it is as dead as the last one of this role was (another
 * address, say), and what was measured while they died is no rate of the link. True: it was
 * forgotten. */
bool xw_pace_open(struct xw_pace *pace, unsigned role, int64_t now_us);
void xw_pace_close(struct xw_pace *pace, unsigned role);
void xw_pace_measured(struct xw_pace *pace, unsigned role, int64_t now_us,
                      const struct xw_pace_measure *measure);
/* May a paced lane send now? */
bool xw_pace_ready(struct xw_pace *pace, int64_t now_us);
/* A message went to the socket; paced: of a paced lane. */
void xw_pace_sent(struct xw_pace *pace, unsigned role, size_t n_bytes, bool paced);
/* May this socket be given more of anything but alarms? Asked when something waits for it. */
bool xw_pace_room(struct xw_pace *pace, unsigned role);
/* 50 ms of the link's rate within the frame limits. */
size_t xw_pace_frame_n_bytes(const struct xw_pace *pace);
/* On a slow link small messages cost more for their headers than for what is in them: so long may
 * what is live wait for more, unless it fills a packet. 0 on others. */
int64_t xw_pace_gather_us(const struct xw_pace *pace);
/* What live leaves of the link, as far as it is known. */
uint64_t xw_pace_left(const struct xw_pace *pace);
/* The paced lanes waited for live: they begin again with half of what it leaves, at most. */
void xw_pace_ease(struct xw_pace *pace);
/* What the kernel is to let out of this socket in a second; UINT64_MAX = no limit. Only a socket
 * that carries paced lanes alone has one. */
uint64_t xw_pace_kernel_rate(const struct xw_pace *pace, unsigned role);
/* How long the oldest byte that was given to this socket waits for its acknowledgement, beyond the
 * base round trip. */
int64_t xw_pace_stalled_us(const struct xw_pace *pace, unsigned role);
/* Something waits for its acknowledgement, and for so long nothing was acknowledged on this socket.
 */
int64_t xw_pace_unanswered_us(const struct xw_pace *pace, unsigned role, int64_t now_us);
/* Nothing was acknowledged on this socket for longer than TCP itself would wait: how it stands is
 * not known. */
bool xw_pace_silent(const struct xw_pace *pace, unsigned role);
/* Something was acknowledged lately: what is slow is not dead. */
bool xw_pace_flows(const struct xw_pace *pace, int64_t now_us);

#endif
