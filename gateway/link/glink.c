/* The gateway's end: its life, its streams, sessions beginning and ending. */
#include "link/glink_in.h"

#include <string.h>

#include <sodium.h>

#include "base/log.h"
#include "base/metrics.h"

XW_COUNTER(faults, "xw_link_faults_total", "end=\"gateway\"", "connections ended for a violation");
XW_COUNTER(live_blocks, "xw_link_live_blocks_total", NULL, "blocks given to the live lane");
XW_COUNTER(live_left, "xw_link_live_left_total", NULL, "live blocks left to healing at once");
XW_COUNTER(aged_out, "xw_link_unacknowledged_total", NULL,
           "samples or records sent, not acknowledged in time, sent again");

enum { STREAM_RANGES_MAX = 65536, URGENT_MAX = 256, UNANSWERED_US = 3000000 };

static void stored(void *user XW_UNUSED, void *stream XW_UNUSED, struct xw_range range XW_UNUSED,
                   bool live XW_UNUSED)
{
}
static void lost(void *user XW_UNUSED, void *stream XW_UNUSED, struct xw_range range XW_UNUSED)
{
}
static void recorded(void *user, uint64_t seq, const struct xw_store_record *record)
{
    xw_side_recorded(&((struct xw_glink *)user)->side, seq, record);
}
static void unrecorded(void *user, uint64_t seq)
{
    xw_side_unrecorded(&((struct xw_glink *)user)->side, seq);
}
static void settled(void *user, uint64_t conn_id, uint64_t n_bytes)
{
    xw_side_settled(&((struct xw_glink *)user)->side, conn_id, n_bytes);
}
static void appended(void *user, int status)
{
    struct xw_glink *glink = user;
    if (status < 0)
        xw_log_warning("link.county_records_refused", XW_LOG_ERR(status));
    else
        xw_side_storing(&glink->side);
    xw_intake_submit(&glink->side.intake);
    xw_side_wake(&glink->side);
}
static const struct xw_intake_ops intake_ops = {stored,     lost,    recorded,
                                                unrecorded, settled, appended};

static void on_alarm(void *user, const struct xw_store_record *record)
{
    struct xw_glink *glink = user;
    struct xw_gstream *s = xw_glink_find(glink, &record->stream);
    if (!s)
        return;
    uint64_t around = (uint64_t)(10 * s->rate_hz), first = record->span.first;
    s->alarm_us = xw_clock_mono(glink->clock).us;
    xw_glink_urgent(glink, &s->id,
                    (struct xw_range){first > around ? first - around : 0, first + around});
}
static void on_record(void *user, const struct xw_store_record *record)
{
    struct xw_glink *glink = user;
    if (glink->watch.on_record)
        glink->watch.on_record(glink->watch.user, record);
}
static void on_ephemeral(void *user, const char *topic, const void *payload, size_t size)
{
    struct xw_glink *glink = user;
    if (glink->watch.on_ephemeral)
        glink->watch.on_ephemeral(glink->watch.user, topic, payload, size);
}

static bool coded_stream(void *user, const struct xw_uuid *id, struct xw_coder_stream *ret_stream)
{
    enum { CHAIN_S = 10 };
    const struct xw_gstream *s = xw_glink_find(user, id);
    if (!s)
        return false;
    *ret_stream = (struct xw_coder_stream){s->header->n_channels, (uint64_t)(CHAIN_S * s->rate_hz)};
    return true;
}
/* What live costs is judged by what it came to in its coding. */
static void went(void *user, const struct xw_uuid *id, uint32_t count, size_t n_bytes)
{
    struct xw_gstream *s = xw_glink_find(user, id);
    if (s)
        s->wire_per_sample +=
            ((double)(n_bytes + XW_GLINK_BLOCK_COST_N_BYTES) / count - s->wire_per_sample) / 16;
}

static void stream_free(struct xw_gstream *s)
{
    if (s->header)
        xw__stream_header__free_unpacked(s->header, NULL);
    xw_ledger_done(&s->ledger);
    xw_ranges_done(&s->told);
    xw_ranges_done(&s->urgent);
    free(s);
}

static void destroy(struct xw_life *life)
{
    struct xw_glink *glink = XW_CONTAINER_OF(life, struct xw_glink, life);
    while (glink->streams) {
        struct xw_gstream *s = glink->streams;
        glink->streams = s->next;
        stream_free(s);
    }
    xw_idmap_done(&glink->by_id);
    xw_side_done(&glink->side);
    xw_coder_done(&glink->coder);
    xw_wire_arena_done(&glink->arena);
    free(glink);
}

int xw_glink_new(struct xw_store *store, const struct xw_clock *clock,
                 const struct xw_glink_config *config, const struct xw_glink_watch *watch,
                 struct xw_glink **ret_glink)
{
    struct xw_glink *glink = calloc(1, sizeof(*glink));
    if (!glink)
        return -ENOMEM;
    xw_life_init(&glink->life, destroy);
    glink->store = store;
    glink->clock = clock;
    glink->config = *config;
    if (watch)
        glink->watch = *watch;
    xw_idmap_init(&glink->by_id, XW_LINK_STREAMS_MAX);
    int r = xw_wire_arena_init(&glink->arena);
    if (r < 0) {
        free(glink);
        return r;
    }
    xw_side_init(&glink->side, &glink->life, store, clock, "county", &intake_ops, glink);
    xw_coder_init(&glink->coder);
    glink->coder.of = coded_stream;
    glink->coder.went = went;
    glink->coder.user = glink;
    glink->side.lanes.coder = &glink->coder;
    glink->side.on_record = on_record;
    glink->side.on_ephemeral = on_ephemeral;
    glink->side.user = glink;
    glink->side.tx.on_alarm = on_alarm;
    glink->side.tx.alarm_user = glink;
    glink->side.objects.on_sent = glink->watch.on_object;
    glink->side.objects.sent_user = glink->watch.user;
    *ret_glink = glink;
    return 0;
}

void xw_glink_free(struct xw_glink *glink)
{
    if (!glink)
        return;
    memset(&glink->watch, 0, sizeof(glink->watch));
    glink->side.objects.on_sent = NULL;
    xw_side_end(&glink->side);
    xw_life_end(&glink->life);
}

struct xw_gstream *xw_glink_find(const struct xw_glink *glink, const struct xw_uuid *id)
{
    return xw_idmap_get(&glink->by_id, id);
}

int xw_glink_add(struct xw_glink *glink, const struct xw_uuid *id, const void *header,
                 size_t header_size, struct xw_gstream **ret_stream)
{
    const char *why;
    struct xw_gstream *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->id = *id;
    xw_ledger_init(&s->ledger, STREAM_RANGES_MAX);
    xw_ranges_init(&s->told, STREAM_RANGES_MAX);
    xw_ranges_init(&s->urgent, URGENT_MAX);
    s->header = xw__stream_header__unpack(NULL, header_size, header);
    int r = s->header && xw_wire_header_ok(s->header, &why) ? 0 : -EBADMSG;
    if (r >= 0 && memcmp(s->header->stream_id.data, id->b, sizeof(id->b)) != 0)
        r = -EINVAL;
    if (r >= 0)
        r = xw_idmap_put(&glink->by_id, id, s);
    if (r < 0) {
        stream_free(s);
        return r;
    }
    s->rate_hz = (double)s->header->rate->num / (double)s->header->rate->den;
    s->bytes_per_sample = s->wire_per_sample = 1.5 * (double)s->header->n_channels;
    s->next = glink->streams;
    glink->streams = s;
    *ret_stream = s;
    return 0;
}

int xw_glink_stream(struct xw_glink *glink, const struct xw_uuid *id, const void *header,
                    size_t header_size)
{
    struct xw_gstream *s = xw_glink_find(glink, id);
    if (!s) {
        int r = xw_glink_add(glink, id, header, header_size, &s);
        if (r < 0)
            return r;
        s->announce = glink->greeted ? XW_ANNOUNCE_DUE : XW_ANNOUNCE_NONE;
        glink->announce_n += glink->greeted;
    }
    s->live_us = xw_clock_mono(glink->clock).us;
    xw_side_wake(&glink->side);
    return 0;
}

static void adopt(void *user, const struct xw_store_stream *stored_stream)
{
    struct xw_glink *glink = user;
    struct xw_gstream *s = xw_glink_find(glink, &stored_stream->id);
    if (!s && xw_glink_add(glink, &stored_stream->id, stored_stream->header,
                           stored_stream->header_size, &s) < 0)
        xw_log_warning("link.stream_not_offered", XW_LOG_ID("stream", &stored_stream->id));
}

void xw_glink_announce_all(struct xw_glink *glink)
{
    glink->announce_n = 0;
    for (struct xw_gstream *s = glink->streams; s; s = s->next) {
        s->announce = XW_ANNOUNCE_DUE;
        s->ready = false;
        glink->announce_n++;
    }
    glink->suspended_due = glink->suspended_n > 0;
}

static void begin_session(struct xw_glink *glink)
{
    randombytes_buf(glink->session_id.b, sizeof(glink->session_id.b));
    glink->spool_id = xw_store_id(glink->store);
    glink->session++;
    glink->greeted = true;
    glink->way_lost = false;
    glink->reads_n = 0;
    xw_glink_fit_begin(glink);
    xw_store_streams(glink->store, adopt, glink);
    for (struct xw_gstream *s = glink->streams; s; s = s->next) {
        xw_ledger_clear(&s->ledger);
        xw_ranges_clear(&s->told);
        s->said_n = s->answered_n = 0;
        s->reading = s->suspended = false;
    }
    xw_glink_announce_all(glink);
    glink->suspended_due = false;
    glink->age_due_us = xw_clock_mono(glink->clock).us + XW_GLINK_AGE_US;
}

static void end_session(struct xw_glink *glink)
{
    xw_side_end(&glink->side);
    glink->greeted = glink->heal_more = false;
    glink->announce_n = 0;
    for (struct xw_gstream *s = glink->streams; s; s = s->next) {
        xw_ledger_clear(&s->ledger);
        s->announce = XW_ANNOUNCE_NONE;
        s->ready = false;
    }
}

void xw_glink_open(struct xw_glink *glink, struct xw_conn *conn, unsigned role)
{
    conn->role = role;
    conn->session = glink;
    glink->side.conn[role] = conn;
    xw_coder_socket(&glink->coder, role, false); /* the welcome tells what the county reads */
    bool anew = xw_pace_open(&glink->side.pace, role, xw_clock_mono(glink->clock).us);
    bool first = !glink->greeted;
    if (first)
        begin_session(glink);
    else if (anew && glink->way_lost)
        xw_glink_fit_anew(glink);
    if (xw_glink_hello(glink, conn) < 0)
        xw_conn_end(conn, XW__LINK_FAULT__LINK_FAULT_UNSPECIFIED, "no memory for the hello");
    else
        conn->state = XW_CONN_GREETED;
}

void xw_glink_closed(struct xw_glink *glink, struct xw_conn *conn)
{
    unsigned role = conn->role;
    conn->state = XW_CONN_ENDED;
    xw_counter_add(&faults, conn->violated);
    if (glink->side.conn[role] != conn)
        return;
    glink->side.conn[role] = NULL;
    xw_coder_socket(&glink->coder, role, false);
    xw_pace_close(&glink->side.pace, role);
    if (!glink->side.conn[!role]) {
        end_session(glink);
        return;
    }
    for (struct xw_gstream *s = glink->streams; s; s = s->next)
        xw_ledger_lost(&s->ledger, role);
    xw_glink_announce_all(glink);
    glink->way_lost = true;
    if (glink->side.active)
        xw_side_lost(&glink->side, role);
}

void xw_glink_shutdown(struct xw_glink *glink)
{
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        if (glink->side.conn[role])
            xw_conn_fail(glink->side.conn[role], XW__LINK_FAULT__LINK_FAULT_SHUTDOWN,
                         "gateway stops");
}

uint64_t xw_glink_measured(struct xw_glink *glink, unsigned role,
                           const struct xw_pace_measure *measure)
{
    int64_t now_us = xw_clock_mono(glink->clock).us;
    struct xw_conn *conn = glink->side.conn[role];
    xw_pace_measured(&glink->side.pace, role, now_us, measure);
    /* Nothing gets through and nothing comes: another way may be open long before TCP tries again
     * (a new address, another cell). */
    if (conn && now_us - conn->heard_us > UNANSWERED_US &&
        xw_pace_unanswered_us(&glink->side.pace, role, now_us) > UNANSWERED_US)
        xw_conn_end(conn, XW__LINK_FAULT__LINK_FAULT_TIMEOUT, "nothing is acknowledged");
    return xw_pace_kernel_rate(&glink->side.pace, role);
}

/* A block may replace a gap that the county has acknowledged: then it is wanted after all. */
static void renew(struct xw_gstream *s, struct xw_range range)
{
    if (xw_ranges_overlaps(&s->ledger.has, range.first, range.end))
        xw_ledger_wanted(&s->ledger, range);
}

bool xw_glink_block(struct xw_glink *glink, const struct xw_store_block *block)
{
    struct xw_gstream *s = xw_glink_find(glink, &block->stream);
    int64_t now_us = xw_clock_mono(glink->clock).us;
    if (!s)
        return false;
    s->live_us = now_us;
    s->live_wall_us = xw_clock_wall(glink->clock).us;
    s->live_end = XW_MAX(s->live_end, block->first + block->count);
    s->bytes_per_sample += ((double)block->size / block->count - s->bytes_per_sample) / 16;
    if (!glink->side.active || s->suspended)
        return false;
    renew(s, (struct xw_range){block->first, block->first + block->count});
    if (xw_lanes_block(&glink->side.lanes, XW__LANE__LANE_LIVE, now_us, &s->ledger, block) < 0) {
        xw_counter_add(&live_left, 1);
        return false;
    }
    xw_counter_add(&live_blocks, 1);
    return true;
}

bool xw_glink_gap(struct xw_glink *glink, const struct xw_store_gap *gap)
{
    struct xw_gstream *s = xw_glink_find(glink, &gap->stream);
    if (!s || !glink->side.active || s->suspended)
        return false;
    return xw_lanes_gap(&glink->side.lanes, XW__LANE__LANE_LIVE, xw_clock_mono(glink->clock).us,
                        &s->ledger, gap) >= 0;
}

void xw_glink_committed(struct xw_glink *glink, uint64_t out_seq_last)
{
    xw_logtx_committed(&glink->side.tx, out_seq_last);
}

int xw_glink_ephemeral(struct xw_glink *glink, const char *topic, const void *payload, size_t size)
{
    return xw_side_ephemeral(&glink->side, topic, payload, size);
}

int xw_glink_ephemeral_on(struct xw_glink *glink, unsigned lane, const char *topic,
                          const void *payload, size_t size)
{
    return xw_side_ephemeral_on(&glink->side, lane, topic, payload, size);
}

const struct xw_clockfit *xw_glink_clock(const struct xw_glink *glink)
{
    return &glink->side.fit;
}

int xw_glink_object(struct xw_glink *glink, const uint8_t sha256[32])
{
    return xw_objects_offer(&glink->side.objects, sha256);
}

void xw_glink_urgent(struct xw_glink *glink, const struct xw_uuid *stream, struct xw_range range)
{
    struct xw_gstream *s = xw_glink_find(glink, stream);
    if (!s)
        return;
    if (xw_ranges_add(&s->urgent, range.first, range.end) < 0) {
        xw_ranges_clear(&s->urgent); /* hundreds of alarms: the newest is what counts */
        (void)!xw_ranges_add(&s->urgent, range.first, range.end);
    }
}

bool xw_glink_linked(const struct xw_glink *glink)
{
    return glink->side.active;
}

void xw_glink_wake(struct xw_glink *glink)
{
    xw_side_wake(&glink->side);
}

static void age(struct xw_glink *glink, int64_t now_us)
{
    if (now_us < glink->age_due_us)
        return;
    glink->age_due_us = now_us + XW_GLINK_AGE_US;
    uint64_t given_up = xw_ledger_age(&glink->side.tx.ledger);
    for (struct xw_gstream *s = glink->streams; s; s = s->next)
        given_up += xw_ledger_age(&s->ledger);
    xw_counter_add(&aged_out, given_up);
}

/* A set at its limit: the peers begin anew with what each really holds. */
static void check_ledgers(struct xw_glink *glink)
{
    bool broken = glink->side.tx.ledger.broken;
    for (const struct xw_gstream *s = glink->streams; s && !broken; s = s->next)
        broken = s->ledger.broken;
    for (unsigned role = 0; broken && role < XW_LINK_ROLES_N; role++)
        if (glink->side.conn[role])
            xw_conn_fail(glink->side.conn[role], XW__LINK_FAULT__LINK_FAULT_LIMIT,
                         "too many ranges");
}

void xw_glink_tick(struct xw_glink *glink)
{
    int64_t now_us = xw_clock_mono(glink->clock).us;
    xw_side_tick(&glink->side);
    if (!glink->side.active)
        return;
    xw_lanes_expire(&glink->side.lanes, XW__LANE__LANE_LIVE, now_us,
                    (int64_t)glink->config.live_late_us);
    xw_glink_fit(glink);
    age(glink, now_us);
    check_ledgers(glink);
    if (now_us >= glink->heal_due_us) {
        glink->heal_due_us = now_us + 100000;
        xw_glink_release(glink);
    }
    xw_glink_heal(glink);
    if (xw_glink_pending(glink))
        xw_side_wake(&glink->side);
}

bool xw_glink_pending(const struct xw_glink *glink)
{
    return glink->announce_n || glink->suspended_due || xw_side_pending(&glink->side);
}

void xw_glink_lane(const struct xw_glink *glink, unsigned lane, struct xw_uplink_lane *ret_lane)
{
    *ret_lane = (struct xw_uplink_lane){0};
    if (lane >= XW_LANES_N)
        return;
    const struct xw_side *side = &glink->side;
    const struct xw_lane *l = &side->lanes.lane[lane];
    ret_lane->room_bytes = l->bytes_max - XW_MIN(l->bytes, l->bytes_max);
    ret_lane->dropped_n = l->refused_n + l->late_n;
    ret_lane->sent_bytes = l->sent_n_bytes;
    if (!side->active)
        return;
    ret_lane->waiting_bytes = l->bytes;
    ret_lane->oldest_us = xw_lanes_age_us(&side->lanes, lane, xw_clock_mono(glink->clock).us);
    ret_lane->rate_bytes_per_s = side->pace.bulk_rate;
    ret_lane->suspended_n = glink->suspended_n;
    ret_lane->held = glink->fit.held;
}
