/* The rate of a link and of its paced lanes; see pace.h. */
#include "link/pace.h"

#include "link/wire.h"

enum {
    START_RATE = 16 * 1024,
    MIN_RATE = 256,
    KERNEL_LEAST_RATE = 512, /* slower, a packet that has gone would hold up the next for seconds */
    QUEUE_LOW_US = 50000,    /* below: grow (a late acknowledgement alone makes 40 ms), */
    QUEUE_HIGH_US = 80000,   /* above: shrink */
    QUEUE_SURE_US = 200000,  /* above: what is acknowledged is all that the link carries */
    STALL_US = 400000,       /* live waits so long: everything else stops */
    STEP_US = 100000,        /* between two growths, at least */
    SETTLE_US = 300000,      /* after a cut, beside a round trip, before the next one */
    CALM_US = 3000000,       /* no queue for so long: the link may have become wider */
    FLOWS_US = 250000,
    SILENT_US = 600000,       /* without any acknowledgement: not slow, but silent; */
    SILENT_MOST_US = 1500000, /* two round trips if that is longer, up to this */
    CATCH_UP_US = 1000000,    /* after a silence TCP needs so long to deliver what it had */
    PACKET_N_BYTES = 1500,
    PACKET_US = 10000, /* longer than this on the way: its time counts */
    FRAME_US = 50000,
    BURST_US = 50000,
    LIVE_QUEUE_US = 250000,       /* of live in the kernel and on the way */
    BULK_QUEUE_US = 1000000,      /* the same of paced lanes, on their own socket */
    QUEUE_MIN_N_BYTES = 3 * 1024, /* two packets */
    GATHER_MAX_US = 200000,
    GATHER_LEAST_US = 25000, /* a link that sends a packet in less time needs no gathering */
    LOSS_WATCH_N = 50,       /* segments over which losses are counted */
};
#define MAX_RATE ((uint64_t)256 * 1024 * 1024)

void xw_pace_init(struct xw_pace *pace, int64_t now_us)
{
    *pace = (struct xw_pace){
        .bulk_rate = START_RATE, .startup = true, .tokens_us = now_us, .queue_seen_us = now_us};
}

bool xw_pace_open(struct xw_pace *pace, unsigned role, int64_t now_us)
{
    struct xw_pace_leg other = pace->leg[!role];
    bool anew = !other.open || !xw_pace_flows(pace, now_us);
    if (anew) {
        xw_pace_init(pace, now_us);
        pace->leg[!role] = other;
    }
    pace->leg[role] = (struct xw_pace_leg){.open = true, .acked_us = now_us};
    return anew;
}

void xw_pace_close(struct xw_pace *pace, unsigned role)
{
    pace->leg[role] = (struct xw_pace_leg){0};
}

/* Bytes per second between the oldest and the newest of the last n marks. */
static uint64_t rate_of(const struct xw_pace_mark *marks, size_t n)
{
    size_t have = XW_MIN(n, (size_t)XW_PACE_WINDOW_N);
    if (have < 2)
        return 0;
    const struct xw_pace_mark *newest = &marks[(n - 1) % XW_PACE_WINDOW_N];
    const struct xw_pace_mark *oldest = &marks[(n - have) % XW_PACE_WINDOW_N];
    int64_t us = newest->at_us - oldest->at_us;
    return us > 0 ? (newest->n_bytes - oldest->n_bytes) * 1000000 / (uint64_t)us : 0;
}

/* The oldest byte that is not acknowledged was written between two marks: counted from the later
 * one, so that it is never said to be older than it is. */
static int64_t stalled(struct xw_pace_leg *leg, int64_t now_us)
{
    size_t have = XW_MIN(leg->written_n, (size_t)XW_PACE_MARKS_N);
    for (size_t i = leg->written_n - have; i < leg->written_n; i++) {
        const struct xw_pace_mark *mark = &leg->written[i % XW_PACE_MARKS_N];
        if (mark->n_bytes > leg->last.acked_n_bytes)
            return now_us - mark->at_us;
    }
    return 0;
}

static void note(struct xw_pace *pace, unsigned role, int64_t now_us,
                 const struct xw_pace_measure *m)
{
    struct xw_pace_leg *leg = &pace->leg[role];
    uint64_t fresh = m->acked_n_bytes - XW_MIN(leg->last.acked_n_bytes, m->acked_n_bytes);
    if (fresh)
        pace->flowed_us = leg->acked_us = now_us;
    pace->acked_total += fresh;
    leg->last = *m;
    leg->outstanding_n_bytes = m->outstanding_n_bytes;
    leg->written[leg->written_n++ % XW_PACE_MARKS_N] =
        (struct xw_pace_mark){now_us, m->acked_n_bytes + m->outstanding_n_bytes};
    leg->stalled_us = stalled(leg, now_us);
}

static uint64_t floor_rate(const struct xw_pace *pace)
{
    return XW_MAX((uint64_t)MIN_RATE, pace->link_rate * 3 / 100);
}

/* On a slow link a few packets are a queue by themselves. */
static uint32_t packets_us(const struct xw_pace *pace)
{
    uint64_t rate = XW_MAX(pace->link_rate, (uint64_t)MIN_RATE);
    uint64_t us = pace->link_rate ? PACKET_N_BYTES * (uint64_t)1000000 / rate : 0;
    return us > PACKET_US ? (uint32_t)(us - PACKET_US) : 0;
}

/* Something comes again. What was acknowledged meanwhile is no rate, and the round trips are those
 * of the silence. What was never known is found out from the beginning. */
static void resume(struct xw_pace *pace, int64_t now_us)
{
    pace->acked_n = 0;
    pace->queue_us = 0;
    pace->resumed_us = now_us;
    pace->hold_until_us = now_us + SETTLE_US;
    if (pace->link_rate)
        return;
    pace->bulk_rate = XW_MAX(pace->bulk_rate, (uint64_t)START_RATE);
    pace->startup = true;
}

/* What is acknowledged is the rate of the link only while something is, and for long enough. */
static uint64_t measured_rate(const struct xw_pace *pace)
{
    return pace->acked_n < XW_PACE_LEAST_N ? 0 : rate_of(pace->acked, pace->acked_n);
}

/* TCP would have asked again by then. On a slow link a packet takes its time. */
static int64_t silent_after_us(const struct xw_pace *pace, const struct xw_pace_leg *leg)
{
    int64_t us = XW_MAX((int64_t)SILENT_US, 2 * (int64_t)leg->last.rtt_us);
    return XW_MIN(us, (int64_t)SILENT_MOST_US) + 2 * (int64_t)packets_us(pace);
}

/* True while nothing can be said of the way. */
static bool listen(struct xw_pace *pace, int64_t now_us)
{
    bool waits = false, heard = false, were = pace->silent;
    for (unsigned role = 0; role < XW_PACE_LEGS_N; role++) {
        struct xw_pace_leg *leg = &pace->leg[role];
        leg->silent =
            leg->open && xw_pace_unanswered_us(pace, role, now_us) > silent_after_us(pace, leg);
        waits = waits || leg->silent;
        heard = heard || (leg->open && !leg->silent && now_us - leg->acked_us < FLOWS_US);
    }
    pace->silent = waits && !heard;
    if (were && !pace->silent)
        resume(pace, now_us);
    return pace->silent;
}

/* The round trip and its base over both sockets: they share the way. What a socket measured when it
 * was busy last says nothing of now. The kernel smooths round trips, so they stay high for a while
 * after a queue is gone; but no queue is longer than what is on its way. False: nothing comes back,
 * so nothing is known but what was. */
static bool look(struct xw_pace *pace, int64_t now_us, uint64_t acked_rate)
{
    uint32_t rtt_us = 0, base_us = UINT32_MAX;
    uint64_t flying = 0;
    for (unsigned role = 0; role < XW_PACE_LEGS_N; role++) {
        const struct xw_pace_measure *m = &pace->leg[role].last;
        if (!pace->leg[role].open || pace->leg[role].silent || !m->rtt_us)
            continue;
        flying += m->outstanding_n_bytes - XW_MIN(m->outstanding_n_bytes, m->unsent_n_bytes);
        base_us = XW_MIN(base_us, m->base_rtt_us);
        if (now_us - pace->leg[role].acked_us < FLOWS_US)
            rtt_us = XW_MAX(rtt_us, m->rtt_us);
    }
    if (!rtt_us && flying)
        return false;
    pace->rtt_us = rtt_us;
    pace->base_rtt_us = base_us == UINT32_MAX ? 0 : base_us;
    uint64_t way_us = acked_rate ? flying * 1000000 / acked_rate : UINT32_MAX;
    way_us = XW_MIN(way_us, (uint64_t)rtt_us);
    pace->queue_us = way_us > pace->base_rtt_us ? (uint32_t)(way_us - pace->base_rtt_us) : 0;
    return true;
}

/* More than a twentieth of the segments had to be sent again: the buffer on the way is shorter than
 * the queue that we look for. */
static bool losing(struct xw_pace *pace)
{
    uint32_t segments_n = 0, resent_n = 0;
    for (unsigned role = 0; role < XW_PACE_LEGS_N; role++) {
        if (pace->leg[role].silent)
            continue; /* it asks again and again whether somebody is there */
        segments_n += pace->leg[role].last.segments_n;
        resent_n += pace->leg[role].last.resent_n;
    }
    if (segments_n < pace->lost_segments_n || resent_n < pace->lost_resent_n) {
        pace->lost_segments_n = segments_n; /* a socket was opened anew */
        pace->lost_resent_n = resent_n;
        return false;
    }
    if (segments_n - pace->lost_segments_n < LOSS_WATCH_N)
        return false;
    bool lost = (resent_n - pace->lost_resent_n) * 20 > segments_n - pace->lost_segments_n;
    pace->lost_segments_n = segments_n;
    pace->lost_resent_n = resent_n;
    return lost;
}

static void shrink(struct xw_pace *pace, int64_t now_us, uint64_t acked_rate, uint64_t live_rate)
{
    uint64_t left = acked_rate * 3 / 4;
    left -= XW_MIN(left, live_rate);
    bool sure = !pace->link_rate || pace->queue_us > QUEUE_SURE_US + packets_us(pace);
    pace->link_rate = sure ? acked_rate : XW_MAX(acked_rate, pace->link_rate * 7 / 8);
    pace->bulk_rate = XW_MAX(XW_MIN(left, pace->bulk_rate * 4 / 5), floor_rate(pace));
    pace->startup = false;
    pace->hold_until_us = now_us + (int64_t)pace->rtt_us + SETTLE_US;
}

static void grow(struct xw_pace *pace, int64_t now_us, uint64_t acked_rate, uint64_t live_rate)
{
    uint64_t bulk_acked = acked_rate - XW_MIN(acked_rate, live_rate);
    bool below = (pace->bulk_rate + live_rate) * 10 < pace->link_rate * 8;
    bool calm = now_us - pace->queue_seen_us > CALM_US;
    uint64_t percent = pace->startup || calm ? 50 : below ? 15 : 3;
    uint64_t ahead = pace->startup || calm ? 4 : 2; /* of what went in the last window */
    uint64_t most = XW_MAX(bulk_acked * ahead, (uint64_t)START_RATE);
    uint64_t step = XW_MAX(pace->bulk_rate * percent, pace->link_rate * (below ? 6 : 1)) / 100;
    uint64_t next = pace->bulk_rate + step + 1;
    pace->bulk_rate = XW_MIN(XW_MAX(pace->bulk_rate, XW_MIN(next, most)), MAX_RATE);
    pace->grow_due_us = now_us + XW_MAX((int64_t)pace->rtt_us, (int64_t)STEP_US);
}

static void decide(struct xw_pace *pace, int64_t now_us)
{
    if (listen(pace, now_us)) {
        pace->bulk_rate = floor_rate(pace);
        pace->acked_rate = 0;
        pace->queue_seen_us = now_us;
        return;
    }
    uint64_t acked_rate = measured_rate(pace);
    uint64_t live_rate = rate_of(pace->live, pace->acked_n);
    bool seen = look(pace, now_us, acked_rate) && acked_rate;
    bool lost = losing(pace);
    pace->acked_rate = acked_rate;
    pace->seen_rate = XW_MAX(pace->seen_rate, acked_rate);
    if (pace->link_rate)
        pace->link_rate = XW_MAX(pace->link_rate, acked_rate);
    uint32_t low_us = QUEUE_LOW_US + packets_us(pace) / 2;
    uint32_t high_us = QUEUE_HIGH_US + packets_us(pace);
    if (pace->queue_us > low_us)
        pace->queue_seen_us = now_us;
    const struct xw_pace_leg *live = &pace->leg[XW__SOCKET_ROLE__SOCKET_SIGNALS];
    if (!live->silent && live->stalled_us > (int64_t)pace->base_rtt_us + STALL_US) {
        pace->bulk_rate = floor_rate(pace);
        pace->startup = pace->startup && now_us - pace->resumed_us < CATCH_UP_US;
        pace->queue_seen_us = now_us;
    }
    if ((pace->queue_us > high_us || lost) && seen && now_us >= pace->hold_until_us)
        shrink(pace, now_us, acked_rate, live_rate);
    else if (pace->queue_us < low_us && pace->limited && now_us >= pace->grow_due_us &&
             now_us >= pace->hold_until_us)
        grow(pace, now_us, acked_rate, live_rate);
}

void xw_pace_measured(struct xw_pace *pace, unsigned role, int64_t now_us,
                      const struct xw_pace_measure *measure)
{
    size_t newest = (pace->acked_n + XW_PACE_WINDOW_N - 1) % XW_PACE_WINDOW_N;
    note(pace, role, now_us, measure);
    /* The second socket of one look belongs to the same instant. */
    bool again = pace->acked_n && now_us - pace->acked[newest].at_us < XW_PACE_MEASURE_US / 4;
    size_t at = again ? newest : pace->acked_n++ % XW_PACE_WINDOW_N;
    pace->acked[at] = (struct xw_pace_mark){now_us, pace->acked_total};
    pace->live[at] = (struct xw_pace_mark){now_us, pace->live_total};
    if (role == XW__SOCKET_ROLE__SOCKET_BULK || !pace->leg[XW__SOCKET_ROLE__SOCKET_BULK].open) {
        decide(pace, now_us);
        pace->limited = false;
    }
}

bool xw_pace_ready(struct xw_pace *pace, int64_t now_us)
{
    int64_t away_us = XW_MIN(now_us - pace->tokens_us, (int64_t)1000000);
    int64_t burst = (int64_t)(pace->bulk_rate * BURST_US / 1000000) + XW_LINK_FRAME_MIN_N_BYTES;
    pace->tokens_us = now_us;
    pace->tokens += (int64_t)pace->bulk_rate * away_us / 1000000;
    pace->tokens = XW_MIN(pace->tokens, burst);
    if (pace->tokens <= 0)
        pace->limited = true;
    return pace->tokens > 0;
}

void xw_pace_sent(struct xw_pace *pace, unsigned role, size_t n_bytes, bool paced)
{
    pace->leg[role].outstanding_n_bytes += n_bytes;
    if (paced)
        pace->tokens -= (int64_t)n_bytes;
    else
        pace->live_total += n_bytes;
}

/* What the kernel has of paced lanes goes on at their rate when they are to stop, and keeps them
 * from growing while it fills the socket: so it is given a second of it. */
bool xw_pace_room(struct xw_pace *pace, unsigned role)
{
    bool paced = xw_pace_kernel_rate(pace, role) != UINT64_MAX;
    uint64_t rate = paced ? pace->bulk_rate : pace->link_rate;
    uint64_t for_us = pace->base_rtt_us + (uint64_t)(paced ? BULK_QUEUE_US : LIVE_QUEUE_US);
    if (!pace->link_rate)
        return true;
    bool room = pace->leg[role].outstanding_n_bytes <
                XW_MAX(rate * for_us / 1000000, (uint64_t)QUEUE_MIN_N_BYTES);
    pace->limited = pace->limited || (paced && !room);
    return room;
}

size_t xw_pace_frame_n_bytes(const struct xw_pace *pace)
{
    if (!pace->link_rate)
        return XW_LINK_FRAME_MAX_N_BYTES;
    uint64_t frame = pace->link_rate * FRAME_US / 1000000;
    frame = XW_MAX(frame, (uint64_t)XW_LINK_FRAME_MIN_N_BYTES);
    return (size_t)XW_MIN(frame, (uint64_t)XW_LINK_FRAME_MAX_N_BYTES);
}

int64_t xw_pace_gather_us(const struct xw_pace *pace)
{
    if (!pace->link_rate)
        return 0;
    int64_t us = (int64_t)(PACKET_N_BYTES * (uint64_t)1000000 / pace->link_rate);
    return us < GATHER_LEAST_US ? 0 : XW_MIN(us, (int64_t)GATHER_MAX_US);
}

uint64_t xw_pace_left(const struct xw_pace *pace)
{
    uint64_t most = pace->link_rate * 9 / 10, live_rate = rate_of(pace->live, pace->acked_n);
    return most - XW_MIN(most, live_rate);
}

void xw_pace_ease(struct xw_pace *pace)
{
    uint64_t most = XW_MAX(xw_pace_left(pace) / 2, floor_rate(pace));
    if (pace->link_rate)
        pace->bulk_rate = XW_MIN(pace->bulk_rate, most);
    pace->tokens = XW_MIN(pace->tokens, (int64_t)0);
}

uint64_t xw_pace_kernel_rate(const struct xw_pace *pace, unsigned role)
{
    if (role != XW__SOCKET_ROLE__SOCKET_BULK || !pace->leg[XW__SOCKET_ROLE__SOCKET_SIGNALS].open)
        return UINT64_MAX;
    /* A little more than the tokens let through: they decide, the kernel only spreads. */
    return pace->bulk_rate + pace->bulk_rate / 8 + KERNEL_LEAST_RATE;
}

int64_t xw_pace_stalled_us(const struct xw_pace *pace, unsigned role)
{
    return XW_MAX(pace->leg[role].stalled_us - (int64_t)pace->base_rtt_us, (int64_t)0);
}

int64_t xw_pace_unanswered_us(const struct xw_pace *pace, unsigned role, int64_t now_us)
{
    const struct xw_pace_leg *leg = &pace->leg[role];
    return leg->stalled_us ? XW_MIN(leg->stalled_us, now_us - leg->acked_us) : 0;
}

bool xw_pace_silent(const struct xw_pace *pace, unsigned role)
{
    return pace->leg[role].silent;
}

bool xw_pace_flows(const struct xw_pace *pace, int64_t now_us)
{
    return now_us - pace->flowed_us < FLOWS_US;
}
