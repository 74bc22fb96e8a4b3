/* The half of a session that is the same at both ends; see side.h. */
#include "link/side.h"

#include <string.h>

#include "base/fault.h"
#include "base/metrics.h"
#include "link/record.h"

XW_COUNTER(records_in, "xw_link_received_records_total", NULL, "records received, new or not");
XW_COUNTER(ephemeral_in, "xw_link_received_ephemeral_total", NULL, "ephemeral messages received");
XW_COUNTER(credit_waits, "xw_link_credit_waits_total", NULL, "times the peer's credit was used up");

enum { RANGES_MAX = 16384, EPHEMERAL_LATE_US = 2000000, PACKET_N_BYTES = 1200 };

static void send_control(void *user, const Xw__LinkMessage *message)
{
    xw_side_send(user, message);
}
static void objects_settled(void *user, uint64_t conn_id, uint64_t n_bytes)
{
    xw_side_settled(user, conn_id, n_bytes);
}
static void queued(void *user)
{
    xw_side_wake(user);
}

void xw_side_init(struct xw_side *side, struct xw_life *life, struct xw_store *store,
                  const struct xw_clock *clock, const char *out_log,
                  const struct xw_intake_ops *ops, void *ops_user)
{
    *side = (struct xw_side){.life = life, .store = store, .clock = clock};
    xw_lanes_init(&side->lanes);
    xw_logtx_init(&side->tx, life, store, &side->lanes, clock, out_log);
    side->tx.on_queued = queued;
    side->tx.user = side;
    xw_intake_init(&side->intake, life, store, ops, ops_user);
    xw_objects_init(&side->objects, life, store, &side->lanes, clock);
    side->objects.send = send_control;
    side->objects.settled = objects_settled;
    side->objects.on_queued = queued;
    side->objects.user = side;
    xw_ranges_init(&side->records_pending, RANGES_MAX);
}

void xw_side_done(struct xw_side *side)
{
    xw_objects_done(&side->objects);
    xw_intake_done(&side->intake);
    xw_logtx_done(&side->tx);
    xw_lanes_done(&side->lanes);
    xw_ranges_done(&side->records_pending);
}

int xw_side_begin(struct xw_side *side, const struct xw_uuid *our_log, uint64_t upto,
                  Xw__Range *const *ranges, size_t ranges_n)
{
    side->lanes.log_id = *our_log;
    side->active = true;
    int r = xw_logtx_begin(&side->tx, upto, ranges, ranges_n);
    if (r < 0)
        return r;
    xw_objects_begin(&side->objects);
    xw_logtx_step(&side->tx);
    return 0;
}

void xw_side_end(struct xw_side *side)
{
    side->active = false;
    xw_logtx_stop(&side->tx);
    xw_objects_stop(&side->objects);
    xw_lanes_clear(&side->lanes);
    side->record_ack_due = side->record_ack_again = side->records_lost = false;
}

void xw_side_lost(struct xw_side *side, unsigned role)
{
    xw_ledger_lost(&side->tx.ledger, role);
    xw_objects_again(&side->objects);
    side->record_ack_due = true;
    xw_logtx_step(&side->tx);
    xw_side_wake(side);
}

static bool open_conn(const struct xw_conn *conn)
{
    return conn && conn->state == XW_CONN_OPEN;
}

struct xw_conn *xw_side_preferred(const struct xw_side *side)
{
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        if (open_conn(side->conn[role]))
            return side->conn[role];
    return NULL;
}

unsigned xw_side_lanes(const struct xw_side *side, unsigned role)
{
    const unsigned signals = XW_LANE_BIT(XW__LANE__LANE_ALARM) | XW_LANE_BIT(XW__LANE__LANE_LIVE) |
                             XW_LANE_BIT(XW__LANE__LANE_STUDY);
    const unsigned bulk = XW_LANE_BIT(XW__LANE__LANE_BACKFILL) | XW_LANE_BIT(XW__LANE__LANE_VIDEO) |
                          XW_LANE_BIT(XW__LANE__LANE_BULK);
    if (!open_conn(side->conn[!role]))
        return signals | bulk;
    return role == XW__SOCKET_ROLE__SOCKET_SIGNALS ? signals : bulk;
}

void xw_side_wake(struct xw_side *side)
{
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        if (side->conn[role] && side->conn[role]->wake)
            side->conn[role]->wake(side->conn[role]);
}

bool xw_side_pending(const struct xw_side *side)
{
    bool pending = side->record_ack_due;
    for (unsigned i = 0; i < XW_LANES_N; i++)
        pending = pending || side->lanes.lane[i].head;
    return pending;
}

void xw_side_send(struct xw_side *side, const Xw__LinkMessage *message)
{
    struct xw_conn *conn = xw_side_preferred(side);
    if (conn)
        xw_conn_send(conn, message);
}

static int malformed(struct xw_conn *conn, const char *text)
{
    xw_conn_fail(conn, XW__LINK_FAULT__LINK_FAULT_MALFORMED, text);
    return -EPROTO;
}

static int take_record(struct xw_side *side, struct xw_conn *conn, const struct xw_ranges *received,
                       const Xw__LoggedRecord *logged)
{
    struct xw_store_record record;
    if ((received && xw_ranges_contains(received, logged->seq)) ||
        xw_ranges_contains(&side->records_pending, logged->seq)) {
        side->record_ack_due = true; /* sent again: its acknowledgement was lost */
        return 0;
    }
    if (side->only_origin && strcmp(logged->record->origin, side->only_origin) != 0) {
        xw_conn_fail(conn, XW__LINK_FAULT__LINK_FAULT_IDENTITY, "record: origin");
        return -EPROTO;
    }
    if (xw_record_read(logged->record, &record) < 0)
        return malformed(conn, "record: body");
    int r = xw_ranges_add(&side->records_pending, logged->seq, logged->seq + 1);
    if (r >= 0) {
        r = xw_intake_record(&side->intake, &record, &side->in_log, logged->seq);
        if (r < 0)
            xw_side_unrecorded(side, logged->seq);
    }
    if (r < 0)
        return malformed(conn, "record: refused by the store");
    return 0;
}

static int on_records(struct xw_side *side, struct xw_conn *conn, const Xw__Records *records)
{
    struct xw_uuid log = xw_wire_uuid(&records->log_id);
    if (!xw_uuid_equal(&log, &side->peer_log)) {
        xw_conn_fail(conn, XW__LINK_FAULT__LINK_FAULT_STATE, "records: log_id");
        return -EPROTO;
    }
    xw_counter_add(&records_in, records->n_records);
    const struct xw_ranges *received = xw_store_log_received(side->store, &side->in_log);
    for (size_t i = 0; i < records->n_records; i++) {
        int r = take_record(side, conn, received, records->records[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int on_record_ack(struct xw_side *side, struct xw_conn *conn, const Xw__RecordAck *ack)
{
    struct xw_uuid log = xw_wire_uuid(&ack->log_id);
    if (!xw_uuid_equal(&log, &side->lanes.log_id) ||
        xw_logtx_acked(&side->tx, ack->upto, ack->ranges, ack->n_ranges) < 0) {
        xw_conn_fail(conn, XW__LINK_FAULT__LINK_FAULT_STATE, "record_ack: not sent to you");
        return -EPROTO;
    }
    for (unsigned role = 0; ack->again && role < XW_LINK_ROLES_N; role++)
        xw_ledger_lost(&side->tx.ledger, role);
    xw_logtx_step(&side->tx);
    return 0;
}

static int on_object(struct xw_side *side, struct xw_conn *conn, const Xw__LinkMessage *message,
                     size_t n_bytes)
{
    struct xw_wire_fault fault;
    if (xw_objects_message(&side->objects, conn, message, n_bytes, &fault) >= 0)
        return 0;
    xw_conn_fail(conn, fault.code, fault.text);
    return -EPROTO;
}

static int content(struct xw_side *side, struct xw_conn *conn, const Xw__LinkMessage *message,
                   size_t n_bytes)
{
    switch (message->body_case) {
    case XW__LINK_MESSAGE__BODY_RECORDS: {
        int r = on_records(side, conn, message->records);
        if (r >= 0 && xw_intake_waiting(&side->intake))
            xw_intake_owe(&side->intake, conn->id, n_bytes);
        else
            xw_conn_settle(conn, n_bytes);
        return r;
    }
    case XW__LINK_MESSAGE__BODY_OBJECT_CHUNK:
        return on_object(side, conn, message, n_bytes);
    case XW__LINK_MESSAGE__BODY_OBJECT_OFFER:
        xw_conn_settle(conn, n_bytes);
        return on_object(side, conn, message, n_bytes);
    default:
        xw_conn_settle(conn, n_bytes);
        xw_counter_add(&ephemeral_in, 1);
        if (side->on_ephemeral)
            side->on_ephemeral(side->user, message->ephemeral->topic,
                               message->ephemeral->payload.data, message->ephemeral->payload.len);
        return 0;
    }
}

int xw_side_message(struct xw_side *side, struct xw_conn *conn, const Xw__LinkMessage *message,
                    size_t n_bytes)
{
    struct xw_conn_time time;
    int r = 0;
    switch (message->body_case) {
    case XW__LINK_MESSAGE__BODY_RECORDS:
    case XW__LINK_MESSAGE__BODY_OBJECT_OFFER:
    case XW__LINK_MESSAGE__BODY_OBJECT_CHUNK:
    case XW__LINK_MESSAGE__BODY_EPHEMERAL:
        r = content(side, conn, message, n_bytes);
        break;
    case XW__LINK_MESSAGE__BODY_OBJECT_WANT:
    case XW__LINK_MESSAGE__BODY_OBJECT_ACK:
        r = on_object(side, conn, message, n_bytes);
        break;
    case XW__LINK_MESSAGE__BODY_RECORD_ACK:
        r = on_record_ack(side, conn, message->record_ack);
        break;
    case XW__LINK_MESSAGE__BODY_CREDIT:
        conn->credit_n_bytes = XW_MAX(conn->credit_n_bytes, message->credit->limit_bytes);
        xw_side_wake(side);
        break;
    case XW__LINK_MESSAGE__BODY_CLOCK:
        if (xw_conn_clock(conn, side->clock, message->clock, &time) > 0)
            xw_clockfit_add(&side->fit, &time.exchange);
        break;
    case XW__LINK_MESSAGE__BODY_CLOSE:
        conn->fault_by_peer = true;
        xw_conn_end(conn, message->close->code, message->close->text);
        r = -EPROTO;
        break;
    case XW__LINK_MESSAGE__BODY__NOT_SET:
        break; /* a kind of a later version */
    default:
        return 0;
    }
    return r < 0 ? r : 1;
}

/* Those of live and study that wait for more on a slow link. */
static unsigned gathering(const struct xw_side *side)
{
    int64_t gather_us = xw_pace_gather_us(&side->pace), now_us = xw_clock_mono(side->clock).us;
    unsigned mask = 0;
    for (unsigned i = XW__LANE__LANE_LIVE; gather_us && i <= XW__LANE__LANE_STUDY; i++)
        if (side->lanes.lane[i].bytes < PACKET_N_BYTES &&
            xw_lanes_age_us(&side->lanes, i, now_us) < gather_us)
            mask |= XW_LANE_BIT(i);
    return mask;
}

int xw_side_pull(struct xw_side *side, struct xw_conn *conn, unsigned lanes, struct xw_buf *ret_buf)
{
    const unsigned paced = XW_LANE_BIT(XW__LANE__LANE_BACKFILL) |
                           XW_LANE_BIT(XW__LANE__LANE_VIDEO) | XW_LANE_BIT(XW__LANE__LANE_BULK);
    struct xw_pace *pace = &side->pace;
    unsigned mask = xw_side_lanes(side, conn->role) & lanes & ~gathering(side);
    int lane = xw_lanes_next(&side->lanes, mask);
    if (lane > XW__LANE__LANE_ALARM && !xw_pace_room(pace, conn->role)) {
        mask &= XW_LANE_BIT(XW__LANE__LANE_ALARM);
        lane = xw_lanes_next(&side->lanes, mask);
    }
    if (lane >= 0 && (XW_LANE_BIT(lane) & paced) &&
        !xw_pace_ready(pace, xw_clock_mono(side->clock).us))
        lane = xw_lanes_next(&side->lanes, mask & ~paced);
    if (lane < 0)
        return 0;
    uint64_t room = conn->credit_n_bytes - XW_MIN(conn->credit_n_bytes, conn->sent_n_bytes);
    if (room < xw_lanes_head_n_bytes(&side->lanes, (unsigned)lane) + XW_LINK_FRAME_MIN_N_BYTES) {
        xw_counter_add(&credit_waits, 1);
        return 0;
    }
    size_t frame = xw_pace_frame_n_bytes(pace), before = ret_buf->n;
    if (lane <= XW__LANE__LANE_STUDY) /* it goes as one packet anyway */
        frame = XW_MAX(frame, (size_t)PACKET_N_BYTES);
    frame = (size_t)XW_MIN((uint64_t)frame, room);
    int r = xw_lanes_take(&side->lanes, (unsigned)lane, conn->role, frame, ret_buf);
    if (r < 0)
        return r;
    conn->sent_n_bytes += ret_buf->n - before;
    xw_pace_sent(pace, conn->role, ret_buf->n - before, XW_LANE_BIT(lane) & paced);
    return 1;
}

int xw_side_pull_ack(struct xw_side *side, struct xw_buf *ret_buf)
{
    static _Thread_local struct xw_side_log log; /* too large for a stack */
    if (!side->record_ack_due)
        return 0;
    Xw__RecordAck body = XW__RECORD_ACK__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    xw_side_log(side->store, &side->in_log, &log);
    body.log_id = (ProtobufCBinaryData){sizeof(side->peer_log.b), side->peer_log.b};
    body.upto = log.upto;
    body.ranges = log.ranges;
    body.n_ranges = log.ranges_n;
    body.again = side->record_ack_again;
    message.body_case = XW__LINK_MESSAGE__BODY_RECORD_ACK;
    message.record_ack = &body;
    int r = xw_wire_write(&message, ret_buf);
    if (r < 0)
        return r;
    side->record_ack_due = side->record_ack_again = false;
    return 1;
}

void xw_side_tick(struct xw_side *side)
{
    int64_t now_us = xw_clock_mono(side->clock).us;
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        if (side->conn[role])
            xw_conn_tick(side->conn[role], side->clock);
    if (!side->active)
        return;
    xw_lanes_expire(&side->lanes, XW__LANE__LANE_VIDEO, now_us, EPHEMERAL_LATE_US);
    xw_logtx_step(&side->tx);
    size_t piece = XW_MIN(xw_pace_frame_n_bytes(&side->pace), (size_t)XW_OBJECT_PIECE_N_BYTES);
    side->objects.piece_n_bytes = XW_MAX(piece, (size_t)XW_OBJECT_PIECE_LEAST_N_BYTES);
    xw_objects_step(&side->objects);
}

int xw_side_ephemeral_on(struct xw_side *side, unsigned lane, const char *topic,
                         const void *payload, size_t size)
{
    Xw__Ephemeral body = XW__EPHEMERAL__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    char text[XW_LINK_TOPIC_MAX_N_BYTES + 1];
    size_t topic_n = strlen(topic);
    if (!topic_n || topic_n >= sizeof(text) || size > XW_LINK_EPHEMERAL_MAX_N_BYTES ||
        lane >= XW_LANES_N)
        return -EINVAL;
    if (!side->active)
        return -ENOTCONN;
    memcpy(text, topic, topic_n + 1);
    body.topic = text;
    body.payload = (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)payload};
    message.body_case = XW__LINK_MESSAGE__BODY_EPHEMERAL;
    message.ephemeral = &body;
    int r = xw_lanes_raw(&side->lanes, lane, xw_clock_mono(side->clock).us, &message);
    if (r >= 0)
        xw_side_wake(side);
    return r;
}

int xw_side_ephemeral(struct xw_side *side, const char *topic, const void *payload, size_t size)
{
    return xw_side_ephemeral_on(side, XW__LANE__LANE_VIDEO, topic, payload, size);
}

static void not_pending(struct xw_side *side, uint64_t seq)
{
    /* Cannot fail for want of room: one range splits into at most one more, far from the limit. */
    if (xw_ranges_subtract(&side->records_pending, seq, seq + 1) < 0)
        xw_ranges_clear(&side->records_pending);
}

void xw_side_recorded(struct xw_side *side, uint64_t seq, const struct xw_store_record *record)
{
    not_pending(side, seq);
    side->record_ack_due = true;
    if (side->on_record)
        side->on_record(side->user, record);
}

void xw_side_unrecorded(struct xw_side *side, uint64_t seq)
{
    not_pending(side, seq);
    side->records_lost = true;
}

void xw_side_storing(struct xw_side *side)
{
    if (side->records_lost)
        side->record_ack_due = side->record_ack_again = true;
    side->records_lost = false;
}

void xw_side_settled(struct xw_side *side, uint64_t conn_id, uint64_t n_bytes)
{
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        if (side->conn[role] && side->conn[role]->id == conn_id)
            xw_conn_settle(side->conn[role], n_bytes);
}

void xw_side_log(struct xw_store *store, const struct xw_uuid *in_log, struct xw_side_log *ret_log)
{
    const struct xw_ranges *set = xw_store_log_received(store, in_log);
    ret_log->upto = 0;
    ret_log->ranges_n = 0;
    if (!set || !set->n)
        return;
    struct xw_ranges rest = *set; /* borrowed view: only read */
    if (rest.v[0].first <= 1) {
        ret_log->upto = rest.v[0].end - 1;
        rest.v++;
        rest.n--;
    }
    /* Merging would claim records that never came: of too many ranges the newest go untold. */
    rest.n = XW_MIN(rest.n, (size_t)XW_LINK_RANGES_TOLD_MAX);
    ret_log->ranges_n =
        xw_wire_ranges(&rest, ret_log->range, ret_log->ranges, XW_LINK_RANGES_TOLD_MAX);
}
