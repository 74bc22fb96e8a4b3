/* The county's end: streams, their blocks and gaps, and what the store says of them. */
#include "link/clink_in.h"

#include <string.h>

#include "base/block.h"
#include "base/log.h"
#include "base/metrics.h"

XW_COUNTER(blocks_in, "xw_link_received_blocks_total", NULL, "blocks received, new or not");
XW_COUNTER(blocks_again, "xw_link_received_again_total", NULL, "blocks received that were here");
XW_COUNTER(blocks_chained, "xw_link_received_coded_blocks_total", NULL,
           "blocks received in coding 4");
XW_COUNTER(crc_wrong, "xw_link_crc_wrong_total", NULL,
           "blocks whose samples did not fit their CRC");
XW_COUNTER(batches_failed, "xw_link_batches_failed_total", NULL, "batches that the store refused");

enum { RANGES_MAX = 65536 };

static struct xw_cstream *stream_new(struct xw_cgateway *g, const struct xw_uuid *id,
                                     const Xw__StreamHeader *header)
{
    struct xw_cstream *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->gateway = g;
    s->id = *id;
    s->channels_n = header->n_channels;
    s->header_size = xw__stream_header__get_packed_size(header);
    s->header = malloc(s->header_size);
    xw_ranges_init(&s->pending, RANGES_MAX);
    xw_ranges_init(&s->fresh, RANGES_MAX);
    xw_ranges_init(&s->held, RANGES_MAX);
    xw_ranges_init(&s->gaps, RANGES_MAX);
    xw_ranges_init(&s->wanted, RANGES_MAX);
    xw_ranges_init(&s->lost, RANGES_MAX);
    xw_ranges_init(&s->shown, RANGES_MAX);
    if (s->header)
        xw__stream_header__pack(header, s->header);
    if (!s->header || xw_idmap_put(&g->clink->streams, id, s) < 0) {
        free(s->header);
        free(s);
        return NULL;
    }
    s->next = g->streams;
    g->streams = s;
    g->streams_n++;
    return s;
}

static void stream_free(struct xw_cstream *s)
{
    xw_idmap_delete(&s->gateway->clink->streams, &s->id);
    xw_ranges_done(&s->pending);
    xw_ranges_done(&s->fresh);
    xw_ranges_done(&s->held);
    xw_ranges_done(&s->gaps);
    xw_ranges_done(&s->wanted);
    xw_ranges_done(&s->lost);
    xw_ranges_done(&s->shown);
    free(s->header);
    free(s);
}

void xw_clink_sweep(struct xw_cgateway *g, bool all)
{
    for (struct xw_cstream **at = &g->streams; *at;) {
        struct xw_cstream *s = *at;
        if (!all && (s->session == g->session || s->pending.n || s->shown.n)) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        g->streams_n--;
        stream_free(s);
    }
}

static bool same_header(const struct xw_cstream *s, const void *header, size_t size)
{
    return s->header_size == size && !memcmp(s->header, header, size);
}

/* Finds or makes the stream of an announced header; the same id with another header is refused. */
static int announced(struct xw_cgateway *g, struct xw_conn *conn, const Xw__StreamHeader *header,
                     struct xw_cstream **ret_stream)
{
    struct xw_store_stream in_store;
    struct xw_uuid id = xw_wire_uuid(&header->stream_id);
    if (strcmp(header->gateway_id, g->id) != 0)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_IDENTITY,
                             "header: gateway_id is of another gateway");
    struct xw_cstream *s = xw_idmap_get(&g->clink->streams, &id);
    if (s && s->gateway != g)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_IDENTITY,
                             "header: the stream is of another gateway");
    if (!s && g->streams_n >= XW_LINK_STREAMS_MAX)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_LIMIT, "too many streams");
    bool made = !s;
    if (!s && !(s = stream_new(g, &id, header)))
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_LIMIT, "no memory for the stream");
    bool same = s->header_size == xw__stream_header__get_packed_size(header);
    if (same && !made) {
        uint8_t *packed = malloc(s->header_size);
        same = packed && same_header(s, packed, xw__stream_header__pack(header, packed));
        free(packed);
    }
    if (same && xw_store_stream(g->clink->store, &id, &in_store) >= 0)
        same = same_header(s, in_store.header, in_store.header_size);
    if (!same)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_HEADER,
                             "header: differs from the stream's first one");
    if (s->session != g->session)
        xw_ranges_clear(&s->lost); /* of an older session, whose truth is told anew */
    s->session = g->session;
    if (g->clink->watch.on_stream)
        g->clink->watch.on_stream(g->clink->watch.user, &s->id, s->header, s->header_size, g->id);
    *ret_stream = s;
    return 0;
}

/* The header goes into every batch until the store has it: an earlier one may fail. */
static int ensure_header(struct xw_cgateway *g, struct xw_cstream *s)
{
    struct xw_store_stream in_store;
    if (s->header_in == g->batch + 1 || xw_store_stream(g->clink->store, &s->id, &in_store) >= 0)
        return 0;
    int r = xw_intake_stream(&g->side.intake, &s->id, s->header, s->header_size);
    if (r >= 0)
        s->header_in = g->batch + 1;
    return r;
}

static int storage(struct xw_conn *conn)
{
    return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_STORAGE, "the store refuses");
}

int xw_clink_held(struct xw_cgateway *g, struct xw_conn *conn, const Xw__StreamHeld *held,
                  size_t n_bytes)
{
    struct xw_cstream *s;
    g->held_n_bytes += n_bytes;
    if (g->held_n_bytes > XW_CLINK_HELD_MAX_N_BYTES)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_LIMIT,
                             "held: too much in one session");
    int r = announced(g, conn, held->header, &s);
    if (r < 0)
        return r;
    /* announced() gives s, or what xw_clink_fail returns, which is negative always. */
    xw_ranges_clear(&s->held); /* NOLINT(clang-analyzer-core.CallAndMessage) */
    xw_ranges_clear(&s->gaps);
    if (xw_wire_ranges_get(held->held, held->n_held, &s->held) < 0 ||
        xw_wire_ranges_get(held->gaps, held->n_gaps, &s->gaps) < 0)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_LIMIT, "held: too many ranges");
    if (s->held.n && g->clink->watch.on_held)
        g->clink->watch.on_held(g->clink->watch.user, &s->id, xw_ranges_end(&s->held));
    s->wanted_due = g->wanted_due = true;
    return ensure_header(g, s) < 0 ? storage(conn) : 0;
}

int xw_clink_stream_open(struct xw_cgateway *g, struct xw_conn *conn, const Xw__StreamOpen *open)
{
    struct xw_cstream *s;
    int r = announced(g, conn, open->header, &s);
    if (r < 0)
        return r;
    /* Answered with nothing: blocks may come on both sockets. (For s see above.) */
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    s->wanted_due = g->wanted_due = true;
    return ensure_header(g, s) < 0 ? storage(conn) : 0;
}

/* The stream of a block or gap, if this session announced it. */
static struct xw_cstream *of_session(struct xw_cgateway *g, const ProtobufCBinaryData *id_bytes)
{
    struct xw_uuid id = xw_wire_uuid(id_bytes);
    struct xw_cstream *s = xw_idmap_get(&g->clink->streams, &id);
    return s && s->gateway == g && s->session == g->session ? s : NULL;
}

static bool is_new(struct xw_cgateway *g, const struct xw_cstream *s, struct xw_range range,
                   bool blocks)
{
    struct xw_store_stream in_store;
    if (xw_ranges_covers(blocks ? &s->shown : &s->pending, range.first, range.end))
        return false;
    if (xw_store_stream(g->clink->store, &s->id, &in_store) < 0)
        return true;
    return !xw_ranges_covers(blocks ? in_store.blocks : in_store.known, range.first, range.end);
}

/* The chains that blocks of this socket and kind belong to. */
static struct xw_chains *chains_of(struct xw_cgateway *g, const struct xw_conn *conn, bool live)
{
    if (!live)
        return &g->clink->chains;
    if (g->chains_conn_id[conn->role] != conn->id)
        xw_chains_done(&g->chains[conn->role]);
    g->chains_conn_id[conn->role] = conn->id;
    return &g->chains[conn->role];
}

/* Out of coding 4 into the samples, and from there into coding 0, in which all goes on. */
static int take_chained(struct xw_cgateway *g, struct xw_conn *conn, const struct xw_cstream *s,
                        const Xw__Block *wire, bool live, size_t *ret_size)
{
    struct xw_clink *clink = g->clink;
    const size_t bound = xw_block_bound(1, XW_CHAINED_VALUES_MAX);
    if (!clink->recoded && !(clink->recoded = malloc(bound)))
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_LIMIT, "block: no memory");
    int r = xw_chains_decode(chains_of(g, conn, live), &s->id, s->channels_n, wire->first,
                             wire->key_first, wire->data.data, wire->data.len, wire->count,
                             clink->samples);
    if (r == -EPROTO)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_STATE, "block: not next of its key");
    if (r == -ENOMEM)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_LIMIT, "block: no memory");
    if (r >= 0)
        r = xw_block_encode(XW_CODING_DELTA, clink->samples, s->channels_n, wire->count,
                            clink->recoded, bound);
    if (r < 0)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_MALFORMED, "block: data");
    xw_counter_add(&blocks_chained, 1);
    *ret_size = (size_t)r;
    return 0;
}

static int take_block(struct xw_cgateway *g, struct xw_conn *conn, const Xw__Block *wire, bool live,
                      size_t *chained_values_n)
{
    struct xw_cstream *s = of_session(g, &wire->stream_id);
    if (!s)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_STATE, "block: stream not announced");
    if (!xw_block_shape_ok(s->channels_n, wire->count))
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_MALFORMED, "block: data");
    struct xw_store_block block = {s->id,        wire->first,     wire->count,   XW_CODING_DELTA,
                                   wire->crc32c, wire->data.data, wire->data.len};
    if (wire->coding == XW_CODING_CHAINED) {
        /* A few bytes can stand for many values: what a message may ask for has its own limit. */
        *chained_values_n += s->channels_n * wire->count;
        if (*chained_values_n > XW_CHAINED_VALUES_MAX)
            return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_TOO_LARGE, "blocks: values");
        int r = take_chained(g, conn, s, wire, live, &block.size);
        if (r < 0)
            return r;
        block.data = g->clink->recoded;
    } else if (xw_block_decode((enum xw_coding)wire->coding, wire->data.data, wire->data.len,
                               s->channels_n, wire->count, g->clink->samples) < 0) {
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_MALFORMED, "block: data");
    }
    if (xw_block_crc(g->clink->samples, s->channels_n, wire->count) != wire->crc32c) {
        xw_counter_add(&crc_wrong, 1);
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_CRC, "block: CRC");
    }
    struct xw_range range = {block.first, block.first + block.count};
    xw_counter_add(&blocks_in, 1);
    bool fresh = is_new(g, s, range, true);
    if (!fresh)
        xw_counter_add(&blocks_again, 1);
    if (ensure_header(g, s) < 0 || xw_intake_block(&g->side.intake, s, &block, live) < 0 ||
        xw_ranges_add(&s->pending, range.first, range.end) < 0)
        return storage(conn);
    if (fresh && xw_ranges_add(&s->shown, range.first, range.end) < 0)
        xw_ranges_clear(&s->shown); /* shown twice at worst */
    if (fresh && g->clink->watch.on_block)
        g->clink->watch.on_block(g->clink->watch.user, &block, live);
    return 0;
}

static int take_gap(struct xw_cgateway *g, struct xw_conn *conn, const Xw__Gap *wire, bool live)
{
    struct xw_cstream *s = of_session(g, &wire->stream_id);
    if (!s)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_STATE, "gap: stream not announced");
    const struct xw_store_gap gap = {
        s->id, {wire->first, wire->first + wire->count}, (uint32_t)wire->reason};
    bool fresh = is_new(g, s, gap.range, false);
    if (ensure_header(g, s) < 0 || xw_intake_gap(&g->side.intake, s, &gap, live) < 0 ||
        xw_ranges_add(&s->pending, gap.range.first, gap.range.end) < 0)
        return storage(conn);
    if (fresh && g->clink->watch.on_gap)
        g->clink->watch.on_gap(g->clink->watch.user, &gap);
    return 0;
}

int xw_clink_blocks(struct xw_cgateway *g, struct xw_conn *conn, const Xw__Blocks *blocks,
                    size_t n_bytes)
{
    bool live = blocks->lane <= XW__LANE__LANE_LIVE;
    size_t chained_values_n = 0;
    int r = 0;
    xw_chains_clear(&g->clink->chains);
    for (size_t i = 0; r >= 0 && i < blocks->n_blocks; i++)
        r = take_block(g, conn, blocks->blocks[i], live, &chained_values_n);
    for (size_t i = 0; r >= 0 && i < blocks->n_gaps; i++)
        r = take_gap(g, conn, blocks->gaps[i], live);
    xw_intake_owe(&g->side.intake, conn->id, n_bytes);
    return r;
}

int xw_clink_suspended(struct xw_cgateway *g, struct xw_conn *conn, const Xw__Suspended *suspended)
{
    struct xw_uuid *ids = calloc(suspended->n_stream_ids + 1, sizeof(*ids));
    if (!ids)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_LIMIT, "suspended: no memory");
    for (size_t i = 0; i < suspended->n_stream_ids; i++) {
        if (!of_session(g, &suspended->stream_ids[i])) {
            free(ids);
            return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_STATE,
                                 "suspended: stream not announced");
        }
        ids[i] = xw_wire_uuid(&suspended->stream_ids[i]);
    }
    if (g->clink->watch.on_suspended)
        g->clink->watch.on_suspended(g->clink->watch.user, ids, suspended->n_stream_ids, g->id);
    free(ids);
    return 0;
}

static void no_longer_pending(struct xw_cstream *s, struct xw_range range)
{
    if (xw_ranges_subtract(&s->pending, range.first, range.end) < 0)
        xw_ranges_clear(&s->pending);
}

static void stored(void *user, void *stream, struct xw_range range, bool live)
{
    struct xw_cgateway *g = user;
    struct xw_cstream *s = stream;
    no_longer_pending(s, range);
    if (xw_ranges_subtract(&s->shown, range.first, range.end) < 0)
        xw_ranges_clear(&s->shown);
    if (s->wanted.n && xw_ranges_subtract(&s->wanted, range.first, range.end) < 0)
        xw_ranges_clear(&s->wanted);
    /* Not told at all is safe: the gateway sends it again and it is told then. */
    if (s->session == g->session && xw_ranges_add(&s->fresh, range.first, range.end) < 0)
        xw_log_warning("link.too_many_ranges", XW_LOG_ID("stream", &s->id));
    if (g->clink->watch.on_stored)
        g->clink->watch.on_stored(g->clink->watch.user, &s->id, range, live);
}
static void lost(void *user, void *stream, struct xw_range range)
{
    struct xw_cgateway *g = user;
    struct xw_cstream *s = stream;
    no_longer_pending(s, range);
    /* If there are too many, the gateway finds out by itself, only later. */
    if (s->session == g->session && xw_ranges_add(&s->lost, range.first, range.end) < 0)
        xw_ranges_clear(&s->lost);
}
static void recorded(void *user, uint64_t seq, const struct xw_store_record *record)
{
    xw_side_recorded(&((struct xw_cgateway *)user)->side, seq, record);
}
static void unrecorded(void *user, uint64_t seq)
{
    xw_side_unrecorded(&((struct xw_cgateway *)user)->side, seq);
}

static void settled(void *user, uint64_t conn_id, uint64_t n_bytes)
{
    struct xw_cgateway *g = user;
    const struct xw_conn *bulk = g->side.conn[XW__SOCKET_ROLE__SOCKET_BULK];
    if (g->storage_fails && bulk && bulk->id == conn_id &&
        g->side.conn[XW__SOCKET_ROLE__SOCKET_SIGNALS]) {
        /* The store refuses: no more backfill, which would only have to come again. */
        g->withheld_n_bytes = n_bytes + (g->withheld_conn_id == conn_id ? g->withheld_n_bytes : 0);
        g->withheld_conn_id = conn_id;
        return;
    }
    xw_side_settled(&g->side, conn_id, n_bytes);
}

/* The store takes again: what it refused may come again now, not before. */
void xw_clink_ask_again(struct xw_cgateway *g)
{
    g->storage_fails = false;
    xw_side_storing(&g->side);
    for (struct xw_cstream *s = g->streams; s; s = s->next)
        if (s->lost.n && s->session == g->session)
            s->again_due = g->wanted_due = true;
}

static void appended(void *user, int status)
{
    struct xw_cgateway *g = user;
    if (status >= 0) {
        if (g->storage_fails)
            xw_clink_ask_again(g);
        if (g->withheld_n_bytes)
            xw_side_settled(&g->side, g->withheld_conn_id, g->withheld_n_bytes);
        g->withheld_n_bytes = 0;
        if (!g->ack_due_us)
            g->ack_due_us = xw_clock_mono(g->clink->clock).us + XW_CLINK_ACK_US;
        return;
    }
    xw_counter_add(&batches_failed, 1);
    if (!g->storage_fails)
        xw_log_error("link.store", XW_LOG_STR("gateway", g->id), XW_LOG_ERR(status));
    g->storage_fails = true;
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++) {
        struct xw_conn *conn = g->side.conn[role];
        if (conn && status == -ESTALE)
            (void)xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_SUPERSEDED, "an older session");
        else if (conn && (status == -EEXIST || status == -EBADMSG))
            (void)xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_HEADER, "refused by the store");
    }
}

const struct xw_intake_ops xw_clink_intake_ops = {stored,     lost,    recorded,
                                                  unrecorded, settled, appended};

void xw_clink_submit(struct xw_cgateway *g)
{
    if (g->epochs_taken_n || g->side.intake.appending)
        return;
    g->batch++;
    g->submitted_us = xw_clock_mono(g->clink->clock).us;
    xw_intake_submit(&g->side.intake);
}
