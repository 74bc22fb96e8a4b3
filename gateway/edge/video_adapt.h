/* How much picture the uplink has room for (PROTOCOL, 5.1).
 *
 * Pictures wait longer than 150 ms: nothing goes before the next key frame that finds the lane
 * nearly empty, and the encoder's aim falls to 0.7 of what it was (not below the floor), once more
 * for each second that this lasts. After 10 s without that the aim rises by a tenth. A link that
 * was not loaded yet does not know its rate: the aim begins at 1 Mbit/s and grows by a half each
 * second until the first drop, so that the first picture is there soon. At the floor
 * for 3 s without a frame sent, or when streams of samples are suspended: pictures yield, and are
 * tried again after 5 s of room.
 *
 * Only the county sees what queues on the way (a modem, a relay): a picture that came there half a
 * second later than they come at best counts as one that waits, for 0.7 s after it was told.
 *
 * Threads: pure. Time is the caller's, monotonic µs. */
#ifndef XW_EDGE_VIDEO_ADAPT_H
#define XW_EDGE_VIDEO_ADAPT_H

#include "base/base.h"

struct xw_adapt {
    uint32_t floor_kbit, ceiling_kbit;
    uint32_t kbit; /* the encoder's present aim */
    bool starting; /* no drop yet */
    bool dropping; /* until a key frame */
    bool yielded;
    int64_t cut_us, raised_us; /* when the aim fell, rose */
    int64_t dropping_since_us; /* of this row of drops */
    int64_t yielded_us, key_asked_us, blocked_us;
    int64_t delay_least_us, late_until_us;
    uint64_t lost_seen; /* lane's count of lost messages at the last look */
};

/* What the lane is like now. */
struct xw_adapt_lane {
    int64_t waiting_us;
    uint64_t lost_n;
    bool suspended;
};

void xw_adapt_init(struct xw_adapt *adapt, uint32_t floor_kbit, uint32_t ceiling_kbit,
                   uint64_t lost_n);
/* A frame is ready: true, send it; false, drop it. fits: the lane has room for all of it. */
bool xw_adapt_frame(struct xw_adapt *adapt, int64_t now_us, const struct xw_adapt_lane *lane,
                    bool key, bool fits);
/* Each 100 ms or so, with or without frames: yields, comes back, raises. */
void xw_adapt_tick(struct xw_adapt *adapt, int64_t now_us, const struct xw_adapt_lane *lane);
/* What the county says of the newest picture's delay; <= 0: not known. */
void xw_adapt_delay(struct xw_adapt *adapt, int64_t now_us, int64_t delay_us);
/* Pictures go on, well below what they want, for want of room. */
bool xw_adapt_lowered(const struct xw_adapt *adapt);
/* A new encoder begins: its first frame is a key frame. */
void xw_adapt_restart(struct xw_adapt *adapt);
/* Should a key frame be asked for now? True at most once in 300 ms. asked: somebody else wants one.
 */
bool xw_adapt_wants_key(struct xw_adapt *adapt, int64_t now_us, const struct xw_adapt_lane *lane,
                        bool asked);

#endif
