/* The gateway's end: backfill from the spool, release. */
#include "link/glink_in.h"

#include "base/log.h"
#include "base/metrics.h"

XW_COUNTER(backfill_blocks, "xw_link_backfill_blocks_total", NULL, "blocks read for healing");
XW_COUNTER(unreadable, "xw_link_backfill_unreadable_samples_total", NULL,
           "samples that the spool could not give");

enum {
    PIECE_S = 30, /* a read covers at most this many seconds of a stream */
    NEAR_S = 10,  /* gaps whose ages differ by less take turns */
};

struct heal_op {
    struct xw_glink *glink;
    struct xw_gstream *stream;
    struct xw_range piece;
    uint64_t session;
};

struct pick {
    struct xw_gstream *stream;
    struct xw_range gap;
    bool urgent;
    uint64_t age_steps; /* distance of the gap's end from the stream's newest sample, in NEAR_S */
};

static bool better(const struct pick *a, const struct pick *b)
{
    if (!b->stream)
        return true;
    if (a->urgent != b->urgent)
        return a->urgent;
    if (a->age_steps != b->age_steps)
        return a->age_steps < b->age_steps;
    return a->stream->turn < b->stream->turn;
}

/* The newest gap of a stream that is missing, those around alarms and urgent studies first. */
static bool newest_gap(const struct xw_gstream *s, const struct xw_ranges *known,
                       struct xw_range *ret_gap, bool *ret_urgent)
{
    struct xw_ranges first;
    *ret_urgent = false;
    if (s->urgent.n) {
        xw_ranges_init(&first, 65536);
        *ret_urgent = xw_ranges_intersect(known, &s->urgent, &first) >= 0 &&
                      xw_ledger_newest(&s->ledger, &first, ret_gap);
        xw_ranges_done(&first);
    }
    return *ret_urgent || xw_ledger_newest(&s->ledger, known, ret_gap);
}

static struct pick pick_gap(struct xw_glink *glink)
{
    struct pick best = {0};
    int64_t now_us = xw_clock_mono(glink->clock).us;
    for (struct xw_gstream *s = glink->streams; s; s = s->next) {
        struct xw_store_stream in_store;
        struct pick p = {.stream = s};
        if (!s->ready || s->reading || xw_store_stream(glink->store, &s->id, &in_store) < 0 ||
            !newest_gap(s, in_store.known, &p.gap, &p.urgent))
            continue;
        uint64_t end = XW_MAX(xw_ranges_end(in_store.known), s->live_end);
        double behind_s = (double)(end - p.gap.end) / s->rate_hz;
        if (s->live_us)
            behind_s += (double)(now_us - s->live_us) / 1e6;
        else
            behind_s += 86400; /* closed before this process began: after all that goes on */
        p.age_steps = (uint64_t)(behind_s / NEAR_S);
        if (better(&p, &best))
            best = p;
    }
    return best;
}

/* Returns false when the lane took no more. */
static bool queue_samples(struct xw_glink *glink, struct xw_gstream *s,
                          const struct xw_store_samples *samples)
{
    int64_t now_us = xw_clock_mono(glink->clock).us;
    for (size_t i = 0; i < samples->blocks_n; i++) {
        const struct xw_store_block *b = &samples->blocks[i];
        if (xw_ranges_covers(&s->ledger.accounted, b->first, b->first + b->count))
            continue;
        if (xw_lanes_block(&glink->side.lanes, XW__LANE__LANE_BACKFILL, now_us, &s->ledger, b) < 0)
            return false;
        xw_counter_add(&backfill_blocks, 1);
    }
    for (size_t i = 0; i < samples->gaps_n; i++) {
        const struct xw_store_gap *g = &samples->gaps[i];
        if (xw_ranges_covers(&s->ledger.accounted, g->range.first, g->range.end))
            continue;
        if (xw_lanes_gap(&glink->side.lanes, XW__LANE__LANE_BACKFILL, now_us, &s->ledger, g) < 0)
            return false;
    }
    return true;
}

/* What was asked for and did not come is not there any more, or cannot be read: asking again in
 * this session would turn in a circle. */
static void skip_rest(struct xw_gstream *s, uint64_t first, uint64_t end)
{
    struct xw_range hole;
    while (xw_ledger_oldest(&s->ledger, first, end, &hole)) {
        xw_counter_add(&unreadable, hole.end - hole.first);
        xw_ledger_skip(&s->ledger, hole);
        first = hole.end;
    }
}

static void on_samples(void *user, const struct xw_store_samples *samples)
{
    struct heal_op *op = user;
    struct xw_glink *glink = op->glink;
    if (!glink->life.dead && glink->session == op->session && glink->side.active) {
        struct xw_gstream *s = op->stream;
        s->reading = false;
        glink->reads_n--;
        xw_ledger_dropped(&s->ledger, op->piece); /* it was marked while the read was out */
        if (samples->status >= 0) {
            if (queue_samples(glink, s, samples))
                skip_rest(s, op->piece.first, XW_MIN(samples->next, op->piece.end));
        } else if (samples->status != -EAGAIN) {
            xw_log_warning("link.backfill_read", XW_LOG_ID("stream", &s->id),
                           XW_LOG_ERR(samples->status));
            skip_rest(s, op->piece.first, op->piece.end);
        }
        xw_glink_heal(glink);
        xw_side_wake(&glink->side);
    }
    xw_life_unref(&glink->life);
    free(op);
}

static bool read_gap(struct xw_glink *glink, struct pick *pick)
{
    struct xw_gstream *s = pick->stream;
    uint64_t most = (uint64_t)(PIECE_S * s->rate_hz) + 1;
    struct heal_op *op = malloc(sizeof(*op));
    if (!op)
        return false;
    uint64_t end = XW_MIN(pick->gap.end, pick->gap.first + most);
    *op = (struct heal_op){glink, s, {pick->gap.first, end}, glink->session};
    s->turn = ++glink->turns;
    if (xw_store_read(glink->store, &s->id, op->piece, XW_GLINK_READ_N_BYTES, on_samples, op) < 0) {
        free(op);
        return false; /* too many reads wait: the next tick tries again */
    }
    xw_life_ref(&glink->life);
    s->reading = true;
    glink->reads_n++;
    xw_ledger_queued(&s->ledger, op->piece);
    return true;
}

void xw_glink_heal(struct xw_glink *glink)
{
    glink->heal_more = false;
    while (glink->side.active) {
        if (glink->reads_n >= XW_GLINK_READS_MAX ||
            glink->side.lanes.lane[XW__LANE__LANE_BACKFILL].bytes >=
                XW_GLINK_BACKFILL_QUEUED_N_BYTES) {
            glink->heal_more = true;
            return;
        }
        struct pick pick = pick_gap(glink);
        if (!pick.stream || !read_gap(glink, &pick))
            return;
    }
}

void xw_glink_release(struct xw_glink *glink)
{
    for (struct xw_gstream *s = glink->streams; s; s = s->next) {
        struct xw_store_stream in_store;
        struct xw_ranges due;
        if (!s->release_due || xw_store_stream(glink->store, &s->id, &in_store) < 0)
            continue;
        /* Acknowledged before the spool's own commit: looked at again after it. */
        s->release_due = xw_ranges_end(&s->ledger.has) > xw_ranges_end(in_store.known);
        xw_ranges_init(&due, 65536);
        if (xw_ranges_intersect(in_store.known, &s->ledger.has, &due) >= 0 &&
            xw_ranges_subtract_all(&due, in_store.released) >= 0)
            for (size_t i = 0; i < due.n; i++)
                xw_store_release(glink->store, &s->id, due.v[i]);
        xw_ranges_done(&due);
    }
}

void xw_glink_figures(struct xw_glink *glink, struct xw_glink_figures *ret_figures)
{
    struct xw_glink_figures f = {.suspended_n = glink->suspended_n,
                                 .held = glink->side.active && glink->fit.held};
    int64_t county_us;
    struct xw_conn *conn = xw_side_preferred(&glink->side);
    if (conn)
        f.rtt_us = conn->rtt_us;
    if (xw_clockfit_peer_us(&glink->side.fit, xw_clock_boot(glink->clock).us, &county_us,
                            &f.uncertainty_us)) {
        f.offset_known = true;
        f.offset_us = county_us - xw_clock_wall(glink->clock).us;
    }
    f.rate_bytes_per_s =
        glink->side.pace.link_rate ? glink->side.pace.link_rate : glink->side.pace.seen_rate;
    for (struct xw_gstream *s = glink->streams; s; s = s->next) {
        struct xw_store_stream in_store;
        struct xw_range oldest;
        if (xw_store_stream(glink->store, &s->id, &in_store) < 0)
            continue;
        bool linked = glink->side.active && s->ready;
        const struct xw_ranges *has = linked ? &s->ledger.has : in_store.released;
        uint64_t behind = 0;
        for (size_t i = 0; i < in_store.known->n; i++) {
            const struct xw_range *r = &in_store.known->v[i];
            behind += r->end - r->first - xw_ranges_count_within(has, r->first, r->end);
        }
        f.backlog_samples += behind;
        f.backlog_us = XW_MAX(f.backlog_us, (int64_t)((double)behind / s->rate_hz * 1e6));
        f.backlog_bytes += (uint64_t)((double)behind * s->bytes_per_sample);
        if (!behind || !s->live_wall_us)
            continue;
        for (size_t i = 0; i < in_store.known->n; i++) {
            const struct xw_range *r = &in_store.known->v[i];
            if (!xw_ranges_first_gap(has, r->first, r->end, &oldest))
                continue;
            int64_t wall_us =
                s->live_wall_us -
                (int64_t)(((double)s->live_end - (double)oldest.first) / s->rate_hz * 1e6);
            if (!f.oldest_unsent_wall_us || wall_us < f.oldest_unsent_wall_us)
                f.oldest_unsent_wall_us = wall_us;
            break;
        }
    }
    *ret_figures = f;
}
