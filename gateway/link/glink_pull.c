/* The gateway's end: which message goes next on a socket, and what it says of streams. */
#include "link/glink_in.h"

#include <string.h>

/* One message's worth of ranges: too large for a stack. */
static _Thread_local Xw__Range told_range[2 * XW_LINK_RANGES_TOLD_MAX];
static _Thread_local Xw__Range *told_pointers[2 * XW_LINK_RANGES_TOLD_MAX];

static unsigned streams_offered(const struct xw_glink *glink)
{
    unsigned n = 0;
    for (const struct xw_gstream *s = glink->streams; s; s = s->next)
        n += s->announce == XW_ANNOUNCE_DUE;
    return n;
}

int xw_glink_hello(struct xw_glink *glink, struct xw_conn *conn)
{
    static _Thread_local struct xw_side_log log; /* too large for a stack */
    Xw__LinkHello hello = XW__LINK_HELLO__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    const struct xw_uuid *county_log = &glink->side.in_log;
    hello.version = XW_LINK_VERSION;
    hello.session_id = (ProtobufCBinaryData){16, glink->session_id.b};
    hello.role = (Xw__SocketRole)conn->role;
    hello.gateway_id = (char *)(uintptr_t)glink->config.gateway_id;
    hello.site_name = (char *)(uintptr_t)glink->config.site_name;
    hello.software = (char *)(uintptr_t)glink->config.software;
    hello.boot_id = (ProtobufCBinaryData){16, glink->config.boot_id.b};
    hello.spool_id = (ProtobufCBinaryData){16, glink->spool_id.b};
    hello.records_last = xw_store_log_last(glink->store, "county");
    if (!xw_uuid_is_nil(county_log)) {
        xw_side_log(glink->store, county_log, &log);
        hello.county_log_id = (ProtobufCBinaryData){16, (uint8_t *)(uintptr_t)county_log->b};
        hello.records_upto = log.upto;
        hello.records_ranges = log.ranges;
        hello.n_records_ranges = log.ranges_n;
    }
    hello.streams_n = xw_side_preferred(&glink->side) ? 0 : streams_offered(glink);
    hello.demo = glink->config.demo;
    message.body_case = XW__LINK_MESSAGE__BODY_HELLO;
    message.hello = &hello;
    xw_conn_send(conn, &message);
    return conn->state >= XW_CONN_CLOSING ? -ENOMEM : 0;
}

static int put_open(struct xw_gstream *s, struct xw_buf *ret_buf)
{
    Xw__StreamOpen open = XW__STREAM_OPEN__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    open.header = s->header;
    message.body_case = XW__LINK_MESSAGE__BODY_OPEN;
    message.open = &open;
    return xw_wire_write(&message, ret_buf);
}

/* Known and not blocks. Of too many the oldest go untold: they only cost a second sending. */
static size_t put_gaps(const struct xw_store_stream *in_store, Xw__Range *range,
                       Xw__Range **pointers)
{
    struct xw_ranges gaps, tail;
    xw_ranges_init(&gaps, 65536);
    size_t n = 0;
    if (xw_ranges_copy(in_store->known, &gaps) >= 0 &&
        xw_ranges_subtract_all(&gaps, in_store->blocks) >= 0) {
        size_t skip = gaps.n > XW_LINK_RANGES_TOLD_MAX ? gaps.n - XW_LINK_RANGES_TOLD_MAX : 0;
        tail = gaps;
        if (skip) {
            tail.v += skip;
            tail.n -= skip;
        }
        n = xw_wire_ranges(&tail, range, pointers, XW_LINK_RANGES_TOLD_MAX);
    }
    xw_ranges_done(&gaps);
    return n;
}

static int put_held(struct xw_gstream *s, const struct xw_store_stream *in_store,
                    struct xw_buf *ret_buf)
{
    Xw__StreamHeld held = XW__STREAM_HELD__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    held.header = s->header;
    held.held = told_pointers;
    held.n_held =
        xw_wire_ranges(in_store->known, told_range, told_pointers, XW_LINK_RANGES_TOLD_MAX);
    held.gaps = told_pointers + XW_LINK_RANGES_TOLD_MAX;
    held.n_gaps = put_gaps(in_store, told_range + XW_LINK_RANGES_TOLD_MAX, held.gaps);
    message.body_case = XW__LINK_MESSAGE__BODY_HELD;
    message.held = &held;
    int r = xw_wire_write(&message, ret_buf);
    if (r < 0)
        return r;
    if (s->answered_n >= s->said_n)
        r = xw_ranges_copy(in_store->known, &s->told);
    else /* answers to earlier ones are on their way: only what was in all of them counts */
        r = xw_ranges_intersect(&s->told, in_store->known, &s->told);
    if (r < 0)
        xw_ranges_clear(&s->told);
    s->said_n++;
    return 0;
}

/* Announces one stream that is due; 1, 0 or an error. */
static int announce(struct xw_glink *glink, struct xw_conn *conn, bool active_only,
                    struct xw_buf *ret_buf)
{
    int64_t now_us = xw_clock_mono(glink->clock).us;
    struct xw_store_stream in_store;
    for (struct xw_gstream *s = glink->streams; glink->announce_n && s; s = s->next) {
        bool active = s->live_us && now_us - s->live_us < XW_GLINK_ACTIVE_US;
        if (s->announce != XW_ANNOUNCE_DUE || (active_only && !active))
            continue;
        int r = xw_store_stream(glink->store, &s->id, &in_store) < 0
                    ? put_open(s, ret_buf)
                    : put_held(s, &in_store, ret_buf);
        if (r < 0)
            return r;
        s->announce = XW_ANNOUNCED;
        glink->announce_n--;
        s->announced_on = conn->id;
        return 1;
    }
    return 0;
}

static int put_suspended(struct xw_glink *glink, struct xw_buf *ret_buf)
{
    Xw__Suspended body = XW__SUSPENDED__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    ProtobufCBinaryData *ids = calloc(glink->by_id.n + 1, sizeof(*ids));
    if (!ids)
        return -ENOMEM;
    body.stream_ids = ids;
    for (struct xw_gstream *s = glink->streams; s; s = s->next)
        if (s->suspended)
            ids[body.n_stream_ids++] = (ProtobufCBinaryData){16, s->id.b};
    message.body_case = XW__LINK_MESSAGE__BODY_SUSPENDED;
    message.suspended = &body;
    int r = xw_wire_write(&message, ret_buf);
    free(ids);
    return r < 0 ? r : 1;
}

/* A live block may overtake its stream's announcement only on another socket: there it waits until
 * the county has answered. */
static bool live_may_go(const struct xw_glink *glink, const struct xw_conn *conn)
{
    const struct xw_item *head = glink->side.lanes.lane[XW__LANE__LANE_LIVE].head;
    if (!head || !head->ledger || (head->kind != XW_ITEM_BLOCK && head->kind != XW_ITEM_GAP))
        return true;
    const struct xw_gstream *s = xw_glink_find(glink, &head->stream);
    return s && (s->ready || (s->announce == XW_ANNOUNCED && s->announced_on == conn->id));
}

static int pull_open(struct xw_glink *glink, struct xw_conn *conn, struct xw_buf *ret_buf)
{
    const unsigned early = XW_LANE_BIT(XW__LANE__LANE_ALARM) | XW_LANE_BIT(XW__LANE__LANE_LIVE);
    bool preferred = xw_side_preferred(&glink->side) == conn;
    int r = preferred ? announce(glink, conn, true, ret_buf) : 0;
    if (!r && preferred)
        r = xw_side_pull_ack(&glink->side, ret_buf);
    if (!r && preferred && glink->suspended_due) {
        r = put_suspended(glink, ret_buf);
        glink->suspended_due = r < 0;
    }
    unsigned lanes = live_may_go(glink, conn) ? ~0U : ~XW_LANE_BIT(XW__LANE__LANE_LIVE);
    if (glink->fit.held)
        lanes &= ~(XW_LANE_BIT(XW__LANE__LANE_VIDEO) | XW_LANE_BIT(XW__LANE__LANE_BULK));
    if (glink->fit.clear)
        lanes &= ~XW_LANE_BIT(XW__LANE__LANE_BACKFILL);
    if (!r)
        r = xw_side_pull(&glink->side, conn, lanes & early, ret_buf);
    if (!r && preferred)
        r = announce(glink, conn, false, ret_buf);
    if (!r)
        r = xw_side_pull(&glink->side, conn, lanes, ret_buf);
    return r;
}

int xw_glink_pull(struct xw_glink *glink, struct xw_conn *conn, struct xw_buf *ret_buf)
{
    int r = xw_conn_pull(conn, ret_buf);
    if (r)
        return r;
    if (conn->state == XW_CONN_OPEN)
        r = pull_open(glink, conn, ret_buf);
    else if (conn->state == XW_CONN_GREETED && !xw_side_preferred(&glink->side) &&
             (conn->role == XW__SOCKET_ROLE__SOCKET_SIGNALS ||
              !glink->side.conn[XW__SOCKET_ROLE__SOCKET_SIGNALS]))
        r = announce(glink, conn, false, ret_buf); /* a round trip saved: before the welcome */
    if (r > 0 && glink->heal_more &&
        glink->side.lanes.lane[XW__LANE__LANE_BACKFILL].bytes <
            XW_GLINK_BACKFILL_QUEUED_N_BYTES / 2)
        xw_glink_heal(glink);
    return r;
}
