/* The gateway's end: what the county says. */
#include "link/glink_in.h"

#include "base/block.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"

XW_COUNTER(wanted_again, "xw_link_wanted_again_samples_total", NULL,
           "samples acknowledged once and wanted again: the county was restored");

XW_COUNTER(false_acks, "xw_link_false_acknowledgements_total", NULL,
           "acknowledgements of samples that do not exist: not believed");

XW_COUNTER(renewals, "xw_link_spools_renewed_total", NULL,
           "times the county knew more records of this spool than there are: it was set back");

enum { SPOOL_LOST_S = 86400 }; /* so far ahead a county may be that knew us before */

static int fail(struct xw_conn *conn, Xw__LinkFault code, const char *text)
{
    xw_conn_fail(conn, code, text);
    return -EPROTO;
}

/* What the county knows of our log is more than there is: this spool is an earlier copy of one that
 * went on, restored from an image or cloned. The numbers that it gives out next were given out
 * before, and the county would take what it has for what it is to get. So it becomes another spool,
 * whose records are all new to the county; those that it has it knows by their keys. At most once
 * an hour: a county that lies does not make us write for ever. */
static void on_renewed(void *user XW_UNUSED, int status)
{
    if (status < 0)
        xw_log_error("link.spool_renewed", XW_LOG_ERR(status));
    else
        xw_log_notice("link.spool_renewed");
}

static void went_back(struct xw_glink *glink)
{
    int64_t now_us = xw_clock_mono(glink->clock).us;
    if (glink->renewed_us && now_us - glink->renewed_us < XW_GLINK_RENEW_US)
        return;
    xw_log_warning("link.spool_went_back");
    if (xw_store_renew(glink->store, on_renewed, NULL) < 0)
        return;
    glink->renewed_us = now_us;
    xw_counter_add(&renewals, 1);
}

/* Of the way that was lost the other socket may be as dead though TCP still hopes for it. */
static void way_back(struct xw_glink *glink, const struct xw_conn *conn)
{
    enum { SILENT_US = 1000000 };
    struct xw_conn *other = glink->side.conn[!conn->role];
    int64_t now_us = xw_clock_mono(glink->clock).us;
    glink->way_lost = false;
    xw_glink_fit_settle(glink);
    if (other && other->state == XW_CONN_OPEN && now_us - other->heard_us > SILENT_US &&
        xw_pace_silent(&glink->side.pace, other->role))
        xw_conn_end(other, XW__LINK_FAULT__LINK_FAULT_TIMEOUT, "the way is another one");
}

/* The second socket joins. A stream announced on the other one may wait for an answer that never
 * comes: it was announced on a dead socket, or the county, which finds out later than we, answered
 * on one: on the socket of this role that this one takes the place of. */
static void joined(struct xw_glink *glink, struct xw_conn *conn)
{
    if (glink->way_lost)
        way_back(glink, conn);
    for (struct xw_gstream *s = glink->streams; s; s = s->next)
        if (s->announce == XW_ANNOUNCED && !s->ready && xw_side_preferred(&glink->side) == conn &&
            s->announced_on != conn->id) {
            s->announce = XW_ANNOUNCE_DUE;
            glink->announce_n++;
        }
}

static int on_welcome(struct xw_glink *glink, struct xw_conn *conn, const Xw__LinkWelcome *welcome)
{
    struct xw_uuid spool = xw_wire_uuid(&welcome->spool_id);
    if (conn->state != XW_CONN_GREETED)
        return fail(conn, XW__LINK_FAULT__LINK_FAULT_STATE, "welcome: twice");
    if (!xw_uuid_equal(&spool, &glink->spool_id))
        return fail(conn, XW__LINK_FAULT__LINK_FAULT_STATE, "welcome: spool_id");
    conn->state = XW_CONN_OPEN;
    xw_coder_socket(&glink->coder, conn->role, welcome->block_codings >> XW_CODING_CHAINED & 1);
    conn->credit_n_bytes = XW_MAX(conn->credit_n_bytes, welcome->credit_bytes);
    xw_conn_settle(conn, 0); /* our credit for the county */
    if (glink->side.active) {
        joined(glink, conn);
        return 0;
    }
    /* Also what the hello could not say, not knowing this county's log: sent before it sends much.
     */
    glink->side.record_ack_due = true;
    glink->side.peer_log = glink->side.in_log = xw_wire_uuid(&welcome->county_log_id);
    if (xw_side_begin(&glink->side, &glink->spool_id, welcome->records_upto,
                      welcome->records_ranges, welcome->n_records_ranges) < 0) {
        went_back(glink);
        return fail(conn, XW__LINK_FAULT__LINK_FAULT_STATE, "welcome: records that never were");
    }
    return 0;
}

/* It came and could not be stored: sent again. Says nothing about what was told. */
static int on_wanted_again(struct xw_gstream *s, const Xw__StreamWanted *wanted)
{
    for (size_t i = 0; i < wanted->n_wanted; i++)
        xw_ledger_again(&s->ledger,
                        (struct xw_range){wanted->wanted[i]->first,
                                          wanted->wanted[i]->first + wanted->wanted[i]->count});
    return 0;
}

/* has = what we told - what is wanted. What was told is in every StreamHeld not yet answered, so an
 * answer to any of them is good for it. */
static int on_wanted(struct xw_glink *glink, struct xw_conn *conn, const Xw__StreamWanted *wanted)
{
    struct xw_uuid id = xw_wire_uuid(&wanted->stream_id);
    struct xw_gstream *s = xw_glink_find(glink, &id);
    if (s && wanted->again && s->announce != XW_ANNOUNCE_NONE)
        return on_wanted_again(s, wanted);
    if (!s || s->announce == XW_ANNOUNCE_NONE || (!s->said_n && wanted->n_wanted))
        return fail(conn, XW__LINK_FAULT__LINK_FAULT_STATE, "wanted: a stream not offered");
    struct xw_store_stream in_store;
    bool stored = xw_store_stream(glink->store, &id, &in_store) >= 0;
    for (size_t i = 0; i < wanted->n_wanted; i++) {
        struct xw_range r = {wanted->wanted[i]->first,
                             wanted->wanted[i]->first + wanted->wanted[i]->count};
        if (xw_ranges_subtract(&s->told, r.first, r.end) < 0)
            return fail(conn, XW__LINK_FAULT__LINK_FAULT_LIMIT, "wanted: too many ranges");
        if (xw_ranges_overlaps(&s->ledger.has, r.first, r.end))
            xw_ledger_wanted(&s->ledger, r);
        if (stored && in_store.released && xw_ranges_overlaps(in_store.released, r.first, r.end)) {
            xw_counter_add(&wanted_again,
                           xw_ranges_count_within(in_store.released, r.first, r.end));
            xw_store_unrelease(glink->store, &id, r);
        }
    }
    for (size_t i = 0; i < s->told.n; i++)
        xw_ledger_acked(&s->ledger, s->told.v[i]);
    s->answered_n++;
    s->ready = true;
    s->release_due = true;
    if (s->answered_n >= s->said_n)
        xw_ranges_clear(&s->told);
    return 0;
}

/* A county may hold samples of ours that we do not (the spool was lost), but none of the future. */
static void check_claim(struct xw_glink *glink, const struct xw_gstream *s, uint64_t end)
{
    struct xw_store_stream in_store;
    uint64_t newest = XW_MAX(s->live_end, xw_ranges_end(&s->ledger.accounted));
    if (end <= newest)
        return;
    if (xw_store_stream(glink->store, &s->id, &in_store) >= 0)
        newest = XW_MAX(newest, xw_ranges_end(in_store.known));
    if (end <= newest + (uint64_t)(s->rate_hz * SPOOL_LOST_S))
        return;
    xw_counter_add(&false_acks, 1);
    if (glink->false_ack_session != glink->session)
        xw_log_warning("link.false_ack", XW_LOG_ID("stream", &s->id), XW_LOG_UINT("claimed", end),
                       XW_LOG_UINT("newest", newest));
    glink->false_ack_session = glink->session;
}

/* Only what was sent or held before can have been stored: the rest of a claim is not believed. */
static int acked(struct xw_glink *glink, struct xw_gstream *s, uint64_t first, uint64_t end)
{
    struct xw_ranges believed;
    check_claim(glink, s, end);
    xw_ranges_init(&believed, 65536);
    int r = xw_ranges_clip(&s->ledger.accounted, first, end, &believed);
    for (size_t i = 0; r >= 0 && i < believed.n; i++)
        xw_ledger_acked(&s->ledger, believed.v[i]);
    xw_ranges_done(&believed);
    return r;
}

static int on_block_ack(struct xw_glink *glink, struct xw_conn *conn, const Xw__BlockAck *ack)
{
    for (size_t i = 0; i < ack->n_streams; i++) {
        const Xw__StreamAck *a = ack->streams[i];
        struct xw_uuid id = xw_wire_uuid(&a->stream_id);
        struct xw_gstream *s = xw_glink_find(glink, &id);
        if (!s || s->announce == XW_ANNOUNCE_NONE)
            return fail(conn, XW__LINK_FAULT__LINK_FAULT_STATE, "block_ack: a stream not offered");
        int r = a->upto ? acked(glink, s, 0, a->upto) : 0;
        for (size_t k = 0; r >= 0 && k < a->n_ranges; k++)
            r = acked(glink, s, a->ranges[k]->first, a->ranges[k]->first + a->ranges[k]->count);
        if (r < 0)
            return fail(conn, XW__LINK_FAULT__LINK_FAULT_LIMIT, "block_ack: too many ranges");
        s->release_due = true;
    }
    return 0;
}

static int dispatch(struct xw_glink *glink, struct xw_conn *conn, const Xw__LinkMessage *message,
                    size_t n_bytes)
{
    if (conn->state != XW_CONN_OPEN && message->body_case != XW__LINK_MESSAGE__BODY_WELCOME &&
        message->body_case != XW__LINK_MESSAGE__BODY_CLOSE)
        return fail(conn, XW__LINK_FAULT__LINK_FAULT_STATE, "before the welcome");
    if (xw_wire_counted(message) && xw_conn_take(conn, n_bytes) < 0)
        return fail(conn, XW__LINK_FAULT__LINK_FAULT_CREDIT, "more than the credit given");
    switch (message->body_case) {
    case XW__LINK_MESSAGE__BODY_WELCOME:
        return on_welcome(glink, conn, message->welcome);
    case XW__LINK_MESSAGE__BODY_WANTED:
        return on_wanted(glink, conn, message->wanted);
    case XW__LINK_MESSAGE__BODY_BLOCK_ACK:
        return on_block_ack(glink, conn, message->block_ack);
    default: {
        int r = xw_side_message(&glink->side, conn, message, n_bytes);
        return r < 0 ? r : 0;
    }
    }
}

int xw_glink_receive(struct xw_glink *glink, struct xw_conn *conn, const void *data, size_t n_bytes)
{
    Xw__LinkMessage *message;
    struct xw_wire_fault fault;
    if (conn->state >= XW_CONN_CLOSING)
        return -EPROTO;
    conn->heard_us = xw_clock_mono(glink->clock).us;
    int r = xw_wire_read(&glink->arena, XW_FROM_COUNTY, data, n_bytes, &message, &fault);
    if (r < 0)
        return fail(conn, fault.code, fault.text);
    r = dispatch(glink, conn, message, n_bytes);
    if (r < 0)
        return r;
    xw_intake_submit(&glink->side.intake);
    if (message->body_case == XW__LINK_MESSAGE__BODY_WANTED)
        xw_glink_heal(glink);
    if (xw_glink_pending(glink))
        xw_side_wake(&glink->side);
    return 0;
}
