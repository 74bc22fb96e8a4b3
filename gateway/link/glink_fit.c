/* The gateway's end: does live fit into the uplink? When little is left beside it, pictures and
 * objects wait; when it is late though the rate would do, backfill waits as well. When it does not
 * fit all the same, whole streams are taken out of it, as many as the measured rate asks for, and
 * the county is told which; their samples go as backfill. When there is room again they come back,
 * those with an alarm first; then pictures and objects are let try.
 *
 * Backfill finds out how wide the link is, and keeps a queue on it while it does. So it stops
 * before streams are tried again, until it is known whether they stay. */
#include "link/glink_in.h"

#include <string.h>

#include "base/log.h"
#include "base/metrics.h"

XW_GAUGE(suspended_streams, "xw_link_suspended_streams", NULL,
         "streams that the uplink cannot carry");
XW_GAUGE(held_gauge, "xw_link_held", NULL, "1 while pictures and objects wait for a wider link");
XW_COUNTER(suspensions, "xw_link_suspensions_total", NULL, "streams taken out of the live lane");
XW_COUNTER(clearings, "xw_link_backfill_waits_total", NULL,
           "times backfill waited so that live gets through");

enum {
    NARROW_US = 500000,      /* live is this late: it does not fit, */
    NARROW_FOR_US = 600000,  /* if it stays so for this long while something flows */
    CALM_US = 200000,        /* live is this late at most: there may be room */
    CALM_FOR_US = 2500000,   /* for so long, before streams come back */
    CALM_AGAIN_US = 1000000, /* between two steps back */
    CALM_MOST_US = 60000000,
    BLIND_FOR_US = 10000000,     /* the same when the rate is not known */
    CLEAR_CALM_US = 1000000,     /* the same while backfill waits; */
    CLEAR_MOST_US = 6000000,     /* it waits so long at most for live to get calm, */
    TRIAL_US = 3000000,          /* and so long after streams came back */
    DRAIN_US = 1500000,          /* backfill just stopped: what is on the way drains */
    SETTLE_US = 3000000,         /* after a suspension: the queues drain; a way came back */
    SILENCE_US = 2000000,        /* a way was silent: what waited goes first; */
    SILENCE_AGAIN_US = 10000000, /* this counts only so often */
    RELAPSE_US = 15000000,       /* suspended again so soon: wait longer next time */
    ALARM_KEEPS_US = 60000000,   /* a stream with an alarm since then is suspended last */
    FIT_PERCENT = 80,            /* of the link's rate, for live */

    HOLD_BELOW = 2048,        /* bytes/s left beside live: less is no use to a picture */
    HOLD_FOR_US = 300000,     /* so little, or live so late, for so long */
    HOLD_WAIT_US = 10000000,  /* calm for so long before they try again; */
    HOLD_SURE_US = 40000000,  /* the same when it was measured that little is left; */
    HOLD_MOST_US = 160000000, /* twice as long each time it did not last, up to this */
    HOLD_RELAPSE_US = 20000000,
};

static bool carried(const struct xw_gstream *s, int64_t now_us)
{
    return !s->suspended && s->live_us && now_us - s->live_us < XW_GLINK_ACTIVE_US;
}

static double cost(const struct xw_gstream *s)
{
    return s->rate_hz * s->wire_per_sample;
}

static int keep_rank(const struct xw_gstream *s, int64_t now_us)
{
    return s->alarm_us && now_us - s->alarm_us < ALARM_KEEPS_US ? 1 : 0;
}

/* The stream to give up next: without an alarm, then the one that costs most. One is always tried.
 */
static struct xw_gstream *weakest(struct xw_glink *glink, int64_t now_us)
{
    struct xw_gstream *worst = NULL;
    unsigned carried_n = 0;
    for (struct xw_gstream *s = glink->streams; s; s = s->next) {
        if (!carried(s, now_us))
            continue;
        carried_n++;
        if (!worst || keep_rank(s, now_us) < keep_rank(worst, now_us) ||
            (keep_rank(s, now_us) == keep_rank(worst, now_us) && cost(s) > cost(worst)))
            worst = s;
    }
    return carried_n > 1 ? worst : NULL;
}

/* The stream to take back next: with an alarm, then the cheapest. */
static struct xw_gstream *strongest(struct xw_glink *glink, int64_t now_us)
{
    struct xw_gstream *best = NULL;
    for (struct xw_gstream *s = glink->streams; s; s = s->next)
        if (s->suspended &&
            (!best || keep_rank(s, now_us) > keep_rank(best, now_us) ||
             (keep_rank(s, now_us) == keep_rank(best, now_us) && cost(s) < cost(best))))
            best = s;
    return best;
}

static void set_suspended(struct xw_glink *glink, struct xw_gstream *s, bool suspended)
{
    s->suspended = suspended;
    glink->suspended_n += suspended ? 1U : (unsigned)-1;
    glink->suspended_due = true;
    xw_gauge_set(&suspended_streams, glink->suspended_n);
    if (!suspended)
        return;
    xw_counter_add(&suspensions, 1);
    /* What waits of it only delays the others; it is in the spool. */
    xw_lanes_drop(&glink->side.lanes, XW__LANE__LANE_LIVE, &s->ledger);
}

static double demand(const struct xw_glink *glink, int64_t now_us)
{
    double sum = 0;
    for (const struct xw_gstream *s = glink->streams; s; s = s->next)
        if (carried(s, now_us))
            sum += cost(s);
    return sum;
}

static double budget(const struct xw_glink *glink)
{
    return (double)glink->side.pace.link_rate * FIT_PERCENT / 100;
}

/* ---- backfill ---- */

/* Backfill waits until then. */
static void clear_until(struct xw_glink *glink, int64_t now_us, int64_t until_us)
{
    if (!glink->fit.clear)
        glink->fit.clear_us = now_us;
    xw_counter_add(&clearings, !glink->fit.clear);
    glink->fit.clear = true;
    glink->fit.clear_until_us = until_us;
}

static void clear_end(struct xw_glink *glink)
{
    if (!glink->fit.clear)
        return;
    glink->fit.clear = false;
    xw_pace_ease(&glink->side.pace);
}

/* ---- streams ---- */

static void try_later(struct xw_glink *glink, int64_t now_us, bool failed)
{
    glink->fit.wait_us =
        failed ? XW_MIN(glink->fit.wait_us * 2, (int64_t)CALM_MOST_US) : (int64_t)CALM_FOR_US;
    glink->fit.try_us = now_us + glink->fit.wait_us;
}

static void take_out(struct xw_glink *glink, int64_t now_us)
{
    /* Live has been late for a while: what was acknowledged lately is all that the link carries. */
    struct xw_pace *pace = &glink->side.pace;
    if (!pace->acked_rate)
        return; /* not measured for long enough: soon */
    pace->link_rate =
        pace->link_rate ? XW_MIN(pace->link_rate, pace->acked_rate) : pace->acked_rate;
    double needed = demand(glink, now_us), may = budget(glink);
    unsigned before_n = glink->suspended_n;
    if (needed <= may && !glink->fit.clear) { /* it would do, if nothing else were on the way */
        clear_until(glink, now_us, now_us + TRIAL_US);
        glink->fit.settle_us = now_us + DRAIN_US;
        return;
    }
    for (struct xw_gstream *s; (s = weakest(glink, now_us)) != NULL;) {
        if (glink->suspended_n > before_n && (may <= 0 || needed <= may))
            break; /* one at a time as long as the rate is not known */
        needed -= cost(s);
        set_suspended(glink, s, true);
    }
    glink->fit.settle_us = now_us + SETTLE_US;
    if (glink->suspended_n == before_n)
        return;
    clear_end(glink); /* its backfill measures the link */
    try_later(glink, now_us + SETTLE_US,
              glink->fit.resumed_us && now_us - glink->fit.resumed_us < RELAPSE_US);
    xw_log_notice("link.narrow", XW_LOG_UINT("suspended", glink->suspended_n),
                  XW_LOG_UINT("bytes_per_s", pace->link_rate));
}

/* Suspended samples go as backfill, so the paced lanes probe all the time, and the rate that they
 * found is the room there is. */
static void take_back(struct xw_glink *glink, int64_t now_us)
{
    const struct xw_pace *pace = &glink->side.pace;
    double needed = demand(glink, now_us), may = budget(glink);
    bool blind = !pace->link_rate;
    unsigned before_n = glink->suspended_n;
    for (struct xw_gstream *s; (s = strongest(glink, now_us)) != NULL;) {
        needed += cost(s);
        if (blind ? glink->suspended_n < before_n : needed > may)
            break;
        set_suspended(glink, s, false);
    }
    if (glink->suspended_n == before_n)
        return;
    glink->fit.resumed_us = now_us;
    clear_until(glink, now_us, now_us + TRIAL_US);
    if (blind)
        glink->fit.calm_us = now_us;
    xw_log_notice("link.wider", XW_LOG_UINT("suspended", glink->suspended_n),
                  XW_LOG_UINT("bytes_per_s", pace->link_rate));
}

/* Are streams to be tried again? Live is calm by itself, or backfill has to stop for it first. */
static void fit_suspended(struct xw_glink *glink, int64_t now_us)
{
    const struct xw_gstream *next = strongest(glink, now_us);
    bool blind = !glink->side.pace.link_rate, clear = glink->fit.clear;
    int64_t wait_us = blind ? BLIND_FOR_US : XW_MAX(glink->fit.wait_us, (int64_t)CALM_FOR_US);
    int64_t calm_us = now_us - glink->fit.calm_us;
    if (clear)
        calm_us = XW_MIN(calm_us, now_us - glink->fit.clear_us);
    if (!next || now_us - glink->fit.resumed_us < CALM_AGAIN_US)
        return;
    if (calm_us >= (clear ? CLEAR_CALM_US : wait_us))
        take_back(glink, now_us);
    else if (!clear && !blind && now_us >= glink->fit.try_us &&
             demand(glink, now_us) + cost(next) <= budget(glink))
        clear_until(glink, now_us, now_us + CLEAR_MOST_US);
}

static void fit_backfill(struct xw_glink *glink, int64_t now_us)
{
    if (!glink->fit.clear || now_us < glink->fit.clear_until_us)
        return;
    if (glink->suspended_n)
        try_later(glink, now_us, glink->fit.resumed_us < glink->fit.clear_us);
    clear_end(glink);
}

/* ---- pictures and objects ---- */

static void hold(struct xw_glink *glink, int64_t now_us)
{
    const struct xw_pace *pace = &glink->side.pace;
    bool relapse = glink->fit.freed_us && now_us - glink->fit.freed_us < HOLD_RELAPSE_US;
    bool sure = pace->link_rate && xw_pace_left(pace) < HOLD_BELOW;
    int64_t wait_us = sure ? HOLD_SURE_US : HOLD_WAIT_US;
    glink->fit.held_wait_us =
        relapse ? XW_MIN(glink->fit.held_wait_us * 2, (int64_t)HOLD_MOST_US) : wait_us;
    glink->fit.held_sure = sure;
    glink->fit.held = true;
    glink->fit.held_us = now_us;
    xw_gauge_set(&held_gauge, 1);
    xw_log_notice("link.held", XW_LOG_UINT("bytes_per_s", pace->link_rate));
}

/* They begin slowly; what the link carries is measured again while they grow. */
static void let_go(struct xw_glink *glink, int64_t now_us)
{
    glink->fit.held = false;
    glink->fit.freed_us = glink->fit.tight_us = now_us;
    glink->side.pace.bulk_rate = XW_MIN(glink->side.pace.bulk_rate, (uint64_t)HOLD_BELOW);
    xw_gauge_set(&held_gauge, 0);
    xw_log_notice("link.freed", XW_LOG_UINT("bytes_per_s", glink->side.pace.link_rate));
}

/* What was measured before they were let go says nothing of now. */
static void fit_pictures(struct xw_glink *glink, int64_t now_us, bool late)
{
    const struct xw_pace *pace = &glink->side.pace;
    bool measured = pace->link_rate && pace->queue_seen_us > glink->fit.freed_us;
    /* Too little was left, and backfill found far more since. */
    bool wider = glink->fit.held_sure && xw_pace_left(pace) >= (uint64_t)4 * HOLD_BELOW;
    int64_t wait_us =
        glink->fit.held_wait_us * (wider ? HOLD_WAIT_US : HOLD_SURE_US) / HOLD_SURE_US;
    bool tight = glink->suspended_n || late || (measured && xw_pace_left(pace) < HOLD_BELOW);
    if (glink->fit.held) {
        if (glink->suspended_n || late)
            glink->fit.held_us = now_us;
        else if (now_us - glink->fit.held_us > wait_us)
            let_go(glink, now_us);
    } else if (!tight) {
        glink->fit.tight_us = now_us;
    } else if (now_us - glink->fit.tight_us > HOLD_FOR_US) {
        hold(glink, now_us);
    }
}

void xw_glink_fit_begin(struct xw_glink *glink)
{
    int64_t now_us = xw_clock_mono(glink->clock).us;
    memset(&glink->fit, 0, sizeof(glink->fit));
    glink->fit.narrow_us = glink->fit.calm_us = glink->fit.tight_us = now_us;
    glink->fit.wait_us = CALM_FOR_US;
    glink->suspended_n = 0;
    xw_gauge_set(&suspended_streams, 0);
    xw_gauge_set(&held_gauge, 0);
}

void xw_glink_fit_settle(struct xw_glink *glink)
{
    glink->fit.way_us = xw_clock_mono(glink->clock).us + SETTLE_US;
}

void xw_glink_fit_anew(struct xw_glink *glink)
{
    bool told = glink->suspended_n > 0;
    for (struct xw_gstream *s = glink->streams; s; s = s->next)
        s->suspended = false;
    xw_glink_fit_begin(glink);
    xw_glink_fit_settle(glink);
    glink->suspended_due = glink->suspended_due || told;
}

/* Nothing came for a while, and then it did: what waited meanwhile goes first. */
static void check_silence(struct xw_glink *glink, int64_t now_us)
{
    int64_t resumed_us = glink->side.pace.resumed_us;
    bool lately = glink->fit.silence_us && resumed_us - glink->fit.silence_us < SILENCE_AGAIN_US;
    if (!resumed_us || lately)
        return;
    glink->fit.silence_us = resumed_us;
    glink->fit.way_us = XW_MAX(glink->fit.way_us, now_us + SILENCE_US);
}

/* How late the present is: what waits in the lane, and what waits beyond it. */
static int64_t lateness_us(const struct xw_glink *glink, int64_t now_us)
{
    const struct xw_conn *conn = xw_side_preferred(&glink->side);
    int64_t late_us = xw_lanes_age_us(&glink->side.lanes, XW__LANE__LANE_LIVE, now_us);
    return late_us + (conn ? xw_pace_stalled_us(&glink->side.pace, conn->role) : 0);
}

/* Something comes back, and not only on the other socket while that of live may be dead. */
static bool live_flows(const struct xw_glink *glink, int64_t now_us)
{
    const struct xw_conn *conn = xw_side_preferred(&glink->side);
    return xw_pace_flows(&glink->side.pace, now_us) &&
           !(conn && xw_pace_silent(&glink->side.pace, conn->role));
}

void xw_glink_fit(struct xw_glink *glink)
{
    int64_t now_us = xw_clock_mono(glink->clock).us;
    int64_t late_us = lateness_us(glink, now_us);
    /* On a slow link a packet takes its time: to be filled, behind another, on the way. */
    int64_t packet_us = xw_pace_gather_us(&glink->side.pace);
    check_silence(glink, now_us);
    bool late = late_us >= NARROW_US + 2 * packet_us && live_flows(glink, now_us) &&
                now_us >= glink->fit.way_us;
    fit_pictures(glink, now_us, late);
    if (!late || now_us < glink->fit.settle_us)
        glink->fit.narrow_us = now_us;
    else if (now_us - glink->fit.narrow_us > NARROW_FOR_US)
        take_out(glink, now_us);
    if (late_us > CALM_US + 3 * packet_us || !glink->suspended_n)
        glink->fit.calm_us = now_us;
    fit_suspended(glink, now_us);
    fit_backfill(glink, now_us);
}
