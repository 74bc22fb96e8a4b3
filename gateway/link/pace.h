/* How large a message may be, and how fast bulk may go, on one socket.
 *
 * The transport measures (TCP_INFO: smoothed and least round trip, delivery rate); bulk lanes
 * (backfill, video, bulk) are paced so that the round trip stays below base + 100 ms: their rate
 * grows while there is room and falls when the queue on the way builds up. Live lanes are not
 * paced. Threads: pure, loop thread. Units: bytes per second, µs.
 */
#ifndef XW_LINK_PACE_H
#define XW_LINK_PACE_H

#include "base/base.h"

enum { XW_PACE_MEASURE_US = 100000 };

struct xw_pace {
    uint64_t link_rate; /* delivery rate of the link as last seen under load; 0 = not known */
    uint64_t bulk_rate; /* what bulk lanes may send */
    int64_t tokens;     /* bytes; may go below 0 by one message */
    int64_t since_us;
    bool used; /* bulk wanted to send since the last measurement */
};

struct xw_pace_measure {
    uint32_t rtt_us, base_rtt_us;
    uint64_t delivery_rate;
    bool app_limited; /* the rate was ours to choose: it says nothing about the link */
};

void xw_pace_init(struct xw_pace *pace, int64_t now_us);
void xw_pace_measured(struct xw_pace *pace, const struct xw_pace_measure *measure);
/* May a bulk lane send now? */
bool xw_pace_ready(struct xw_pace *pace, int64_t now_us);
void xw_pace_sent(struct xw_pace *pace, size_t n_bytes);
/* 50 ms of the link's rate within the frame limits. */
size_t xw_pace_frame_n_bytes(const struct xw_pace *pace);

#endif
