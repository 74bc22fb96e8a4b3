/* Frame size and the bulk lanes' rate; see pace.h. */
#include "link/pace.h"

#include "link/wire.h"

enum {
    BULK_START_RATE = 256 * 1024,
    BULK_MIN_RATE = 4 * 1024,
    RTT_ROOM_US = 50000,  /* above base: grow below this, */
    RTT_HIGH_US = 100000, /* shrink above this */
    FRAME_US = 50000,
    BURST_US = 20000,
};
#define BULK_MAX_RATE ((uint64_t)256 * 1024 * 1024)

void xw_pace_init(struct xw_pace *pace, int64_t now_us)
{
    *pace = (struct xw_pace){.bulk_rate = BULK_START_RATE, .since_us = now_us};
}

void xw_pace_measured(struct xw_pace *pace, const struct xw_pace_measure *m)
{
    bool at_least = pace->link_rate && m->delivery_rate > pace->link_rate; /* went through */
    if (m->delivery_rate && (!m->app_limited || at_least))
        pace->link_rate = m->delivery_rate;
    uint32_t queue_us = m->rtt_us > m->base_rtt_us ? m->rtt_us - m->base_rtt_us : 0;
    if (queue_us > RTT_HIGH_US) {
        uint64_t target = pace->bulk_rate * 7 / 10;
        if (pace->link_rate)
            target = XW_MIN(target, pace->link_rate * 9 / 10);
        pace->bulk_rate = XW_MAX(target, (uint64_t)BULK_MIN_RATE);
    } else if (queue_us < RTT_ROOM_US && pace->used) {
        pace->bulk_rate = XW_MIN(pace->bulk_rate * 3 / 2, BULK_MAX_RATE);
    }
    pace->used = false;
}

bool xw_pace_ready(struct xw_pace *pace, int64_t now_us)
{
    int64_t away_us = XW_MIN(now_us - pace->since_us, (int64_t)1000000);
    int64_t burst = (int64_t)(pace->bulk_rate * BURST_US / 1000000) + XW_LINK_FRAME_MAX_N_BYTES;
    pace->since_us = now_us;
    pace->tokens += (int64_t)pace->bulk_rate * away_us / 1000000;
    pace->tokens = XW_MIN(pace->tokens, burst);
    pace->used = true;
    return pace->tokens > 0;
}

void xw_pace_sent(struct xw_pace *pace, size_t n_bytes)
{
    pace->tokens -= (int64_t)n_bytes;
}

size_t xw_pace_frame_n_bytes(const struct xw_pace *pace)
{
    if (!pace->link_rate)
        return XW_LINK_FRAME_MAX_N_BYTES;
    uint64_t frame = pace->link_rate * FRAME_US / 1000000;
    frame = XW_MAX(frame, (uint64_t)XW_LINK_FRAME_MIN_N_BYTES);
    return (size_t)XW_MIN(frame, (uint64_t)XW_LINK_FRAME_MAX_N_BYTES);
}
