/* The county's end: gateways, their sessions, time. */
#include "link/clink_in.h"

#include <stdio.h>
#include <string.h>

#include "base/block.h"
#include "base/log.h"
#include "base/metrics.h"

XW_COUNTER(faults, "xw_link_faults_total", "end=\"county\"", "connections ended for a violation");
XW_COUNTER(sessions, "xw_link_sessions_total", NULL, "sessions begun with gateways");
XW_COUNTER(superseded, "xw_link_superseded_total", NULL, "sessions ended by a newer one");
XW_COUNTER(twins, "xw_link_two_machines_total", NULL,
           "sessions that ended a living one of another machine with the same identity");
XW_GAUGE(linked_gateways, "xw_link_gateways", NULL, "gateways linked now");

enum { STREAMS_MAX = 1 << 20 };

int xw_clink_fail(struct xw_conn *conn, Xw__LinkFault code, const char *text)
{
    xw_conn_fail(conn, code, text);
    return -EPROTO;
}

static void chains_done(struct xw_cgateway *g)
{
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        xw_chains_done(&g->chains[role]);
}

static void destroy(struct xw_life *life)
{
    struct xw_clink *clink = XW_CONTAINER_OF(life, struct xw_clink, life);
    while (clink->gateways) {
        struct xw_cgateway *g = clink->gateways;
        clink->gateways = g->next;
        xw_clink_sweep(g, true);
        xw_side_done(&g->side);
        chains_done(g);
        free(g);
    }
    xw_idmap_done(&clink->streams);
    xw_wire_arena_done(&clink->arena);
    xw_chains_done(&clink->chains);
    free(clink->samples);
    free(clink->recoded);
    free(clink);
}

int xw_clink_new(struct xw_store *store, const struct xw_clock *clock, uint32_t gateways_max,
                 const struct xw_downlink_watch *watch, struct xw_clink **ret_clink)
{
    struct xw_clink *clink = calloc(1, sizeof(*clink));
    if (!clink)
        return -ENOMEM;
    xw_life_init(&clink->life, destroy);
    clink->store = store;
    clink->clock = clock;
    clink->gateways_max = gateways_max;
    clink->store_id = xw_store_id(store);
    if (watch)
        clink->watch = *watch;
    xw_idmap_init(&clink->streams, STREAMS_MAX);
    xw_chains_init(&clink->chains, 1);
    clink->samples = malloc(XW_BLOCK_VALUES_MAX * sizeof(*clink->samples));
    if (!clink->samples || xw_wire_arena_init(&clink->arena) < 0) {
        xw_life_end(&clink->life);
        return -ENOMEM;
    }
    *ret_clink = clink;
    return 0;
}

void xw_clink_free(struct xw_clink *clink)
{
    if (!clink)
        return;
    memset(&clink->watch, 0, sizeof(clink->watch));
    for (struct xw_cgateway *g = clink->gateways; g; g = g->next) {
        if (g->linked)
            xw_gauge_add(&linked_gateways, -1);
        xw_side_end(&g->side);
    }
    xw_life_end(&clink->life);
}

void xw_clink_open(struct xw_clink *clink, struct xw_conn *conn)
{
    conn->session = NULL;
    conn->next = clink->waiting;
    clink->waiting = conn;
}

static void not_waiting(struct xw_clink *clink, struct xw_conn *conn)
{
    for (struct xw_conn **at = &clink->waiting; *at; at = &(*at)->next)
        if (*at == conn) {
            *at = conn->next;
            conn->next = NULL;
            return;
        }
}

static struct xw_cgateway *find(const struct xw_clink *clink, const char *id)
{
    for (struct xw_cgateway *g = clink->gateways; g; g = g->next)
        if (!strcmp(g->id, id))
            return g;
    return NULL;
}

static void on_record(void *user, const struct xw_store_record *record)
{
    struct xw_cgateway *g = user;
    if (g->clink->watch.on_record)
        g->clink->watch.on_record(g->clink->watch.user, record, g->id);
}
static void on_ephemeral(void *user, const char *topic, const void *payload, size_t size)
{
    struct xw_cgateway *g = user;
    if (g->clink->watch.on_ephemeral)
        g->clink->watch.on_ephemeral(g->clink->watch.user, g->id, topic, payload, size);
}

static int add(struct xw_clink *clink, const char *id, struct xw_cgateway **ret_gateway)
{
    if (clink->gateways_n >= clink->gateways_max)
        return -EOVERFLOW;
    struct xw_cgateway *g = calloc(1, sizeof(*g));
    if (!g)
        return -ENOMEM;
    g->clink = clink;
    snprintf(g->id, sizeof(g->id), "%s", id);
    snprintf(g->out_log, sizeof(g->out_log), "gw/%s", id);
    xw_side_init(&g->side, &clink->life, clink->store, clink->clock, g->out_log,
                 &xw_clink_intake_ops, g);
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        xw_chains_init(&g->chains[role], XW_CHAINS_LIVE_MAX);
    g->side.on_record = on_record;
    g->side.on_ephemeral = on_ephemeral;
    g->side.user = g;
    g->side.only_origin = g->id;
    g->next = clink->gateways;
    clink->gateways = g;
    clink->gateways_n++;
    *ret_gateway = g;
    return 0;
}

void xw_clink_gateway_figures(const struct xw_cgateway *g, struct xw_downlink_gateway *ret_figures)
{
    int64_t boot_us = xw_clock_boot(g->clink->clock).us, peer_us = 0;
    double drift = 0;
    uint64_t uncertainty_us = 0;
    const struct xw_conn *conn = xw_side_preferred(&g->side);
    uint64_t backlog = 0;
    for (const struct xw_cstream *s = g->streams; s; s = s->next)
        if (s->session == g->session)
            backlog += s->wanted.total;
    if (xw_clockfit_peer_us(&g->side.fit, boot_us, &peer_us, &uncertainty_us))
        peer_us -= xw_clock_wall(g->clink->clock).us;
    bool drift_known = xw_clockfit_drift(&g->side.fit, &drift);
    *ret_figures = (struct xw_downlink_gateway){
        .gateway_id = g->id,
        .site_name = g->site_name,
        .software = g->software,
        .linked = g->linked,
        .demo = g->demo,
        .since_wall_us = g->since_wall_us,
        .rtt_us = conn ? conn->rtt_us : 0,
        .clock_offset_us = peer_us,
        .clock_uncertainty_us = uncertainty_us,
        .clock_drift_ppb = (int32_t)(drift * 1e9),
        .clock_drift_known = drift_known,
        .backlog_samples = backlog,
        .received_bytes = g->received_n_bytes,
    };
}

static void set_linked(struct xw_cgateway *g, bool linked)
{
    struct xw_downlink_gateway figures;
    if (g->linked == linked)
        return;
    g->linked = linked;
    g->since_wall_us = xw_clock_wall(g->clink->clock).us;
    xw_gauge_add(&linked_gateways, linked ? 1 : -1);
    xw_clink_gateway_figures(g, &figures);
    if (g->clink->watch.on_gateway)
        g->clink->watch.on_gateway(g->clink->watch.user, &figures);
}

static void end_session(struct xw_cgateway *g)
{
    xw_side_end(&g->side);
    chains_done(g);
    g->state = XW_CGATEWAY_IDLE;
    g->withheld_n_bytes = 0;
    set_linked(g, false);
}

/* The session's sockets, but not the session, belong to somebody else from here. */
static void supersede(struct xw_cgateway *g, unsigned role)
{
    struct xw_conn *old = g->side.conn[role];
    if (!old)
        return;
    old->session = NULL;
    g->side.conn[role] = NULL;
    xw_pace_close(&g->side.pace, role);
    xw_counter_add(&superseded, 1);
    xw_conn_fail(old, XW__LINK_FAULT__LINK_FAULT_SUPERSEDED, "a newer connection of this gateway");
}

static void send_welcome(struct xw_cgateway *g, struct xw_conn *conn)
{
    static _Thread_local struct xw_side_log log;
    Xw__LinkWelcome welcome = XW__LINK_WELCOME__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    xw_side_log(g->clink->store, &g->side.in_log, &log);
    welcome.version = XW_LINK_VERSION;
    welcome.store_id = (ProtobufCBinaryData){16, g->clink->store_id.b};
    welcome.session_epoch = g->epoch;
    welcome.spool_id = (ProtobufCBinaryData){16, g->spool_id.b};
    welcome.records_upto = log.upto;
    welcome.records_ranges = log.ranges;
    welcome.n_records_ranges = log.ranges_n;
    welcome.county_log_id = (ProtobufCBinaryData){16, g->clink->store_id.b};
    welcome.county_records_last = xw_store_log_last(g->clink->store, g->out_log);
    welcome.county_wall_us = xw_clock_wall(g->clink->clock).us;
    welcome.credit_bytes = conn->allowed_n_bytes = XW_CONN_CREDIT_N_BYTES;
    welcome.block_codings = UINT64_C(1) << XW_CODING_CHAINED;
    message.body_case = XW__LINK_MESSAGE__BODY_WELCOME;
    message.welcome = &welcome;
    conn->state = XW_CONN_OPEN;
    xw_conn_send(conn, &message);
    set_linked(g, true);
}

struct epoch_op {
    struct xw_cgateway *g;
    struct xw_life *life;
    uint64_t session;
};

static void on_epoch(void *user, int status, uint64_t epoch)
{
    struct epoch_op *op = user;
    struct xw_cgateway *g = op->g;
    if (!op->life->dead) {
        g->epochs_taken_n--;
        if (status >=
            0) { /* also for a session that ended meanwhile: older appends are refused now */
            g->epoch = epoch;
            g->side.intake.owner = g->id;
            g->side.intake.epoch = epoch;
        }
    }
    if (!op->life->dead && g->session == op->session && g->state == XW_CGATEWAY_TAKING_EPOCH) {
        g->state = XW_CGATEWAY_OPEN;
        for (unsigned role = 0; role < XW_LINK_ROLES_N; role++) {
            struct xw_conn *conn = g->side.conn[role];
            if (conn && status < 0)
                xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_STORAGE, "no session epoch");
            else if (conn)
                send_welcome(g, conn);
        }
        if (status < 0)
            xw_log_error("link.epoch", XW_LOG_STR("gateway", g->id), XW_LOG_ERR(status));
    }
    xw_life_unref(op->life);
    free(op);
}

static int take_epoch(struct xw_cgateway *g)
{
    struct epoch_op *op = malloc(sizeof(*op));
    if (!op)
        return -ENOMEM;
    *op = (struct epoch_op){g, &g->clink->life, g->session};
    int r = xw_store_epoch_next(g->clink->store, g->id, on_epoch, op);
    if (r < 0) {
        free(op);
        return r;
    }
    g->epochs_taken_n++;
    xw_life_ref(&g->clink->life);
    return 0;
}

/* The gateway's log as our store knows it: nobody can write into another gateway's by its id. */
static struct xw_uuid log_key(const char *gateway_id, const struct xw_uuid *spool_id)
{
    const struct xw_part parts[] = {
        {"xw-log-1", 8}, {gateway_id, strlen(gateway_id) + 1}, {spool_id->b, sizeof(spool_id->b)}};
    return xw_uuid_v8(parts, XW_ARRAY_N(parts));
}

/* A machine that starts anew is silent for longer than this, before. */
static bool heard_lately(const struct xw_cgateway *g)
{
    int64_t now_us = xw_clock_mono(g->clink->clock).us;
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        if (g->side.conn[role] && now_us - g->side.conn[role]->heard_us < XW_CLINK_TWIN_US)
            return true;
    return false;
}

static void check_twins(struct xw_cgateway *g, const Xw__LinkHello *hello)
{
    struct xw_uuid boot_id = xw_wire_uuid(&hello->boot_id);
    if (g->state != XW_CGATEWAY_OPEN || xw_uuid_equal(&boot_id, &g->boot_id) || !heard_lately(g))
        return;
    xw_counter_add(&twins, 1);
    xw_log_warning("link.two_machines", XW_LOG_STR("gateway", g->id));
    if (g->clink->watch.on_twins)
        g->clink->watch.on_twins(g->clink->watch.user, g->id);
}

static int begin_session(struct xw_cgateway *g, const Xw__LinkHello *hello)
{
    check_twins(g, hello);
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        supersede(g, role);
    if (g->state != XW_CGATEWAY_IDLE)
        xw_side_end(&g->side); /* still linked, as the watchers see it */
    g->session++;
    g->state = XW_CGATEWAY_TAKING_EPOCH;
    g->session_id = xw_wire_uuid(&hello->session_id);
    g->spool_id = xw_wire_uuid(&hello->spool_id);
    g->held_n_bytes = 0;
    struct xw_uuid boot_id = xw_wire_uuid(&hello->boot_id);
    if (!xw_uuid_equal(&boot_id, &g->boot_id))
        xw_clockfit_init(&g->side.fit); /* another clock, or the same one anew */
    g->boot_id = boot_id;
    g->side.peer_log = g->spool_id;
    g->side.in_log = log_key(g->id, &g->spool_id);
    g->demo = hello->demo;
    snprintf(g->site_name, sizeof(g->site_name), "%s", hello->site_name);
    snprintf(g->software, sizeof(g->software), "%s", hello->software);
    xw_clink_sweep(g, false);
    xw_counter_add(&sessions, 1);
    struct xw_uuid county_log = xw_wire_uuid(&hello->county_log_id);
    bool same_log = xw_uuid_equal(&county_log, &g->clink->store_id);
    /* A claim beyond our log is of a log that was restored since: then it has nothing of this one.
     */
    if (same_log && hello->records_upto <= xw_store_log_last(g->clink->store, g->out_log) &&
        xw_side_begin(&g->side, &g->clink->store_id, hello->records_upto, hello->records_ranges,
                      hello->n_records_ranges) >= 0)
        return take_epoch(g);
    int r = xw_side_begin(&g->side, &g->clink->store_id, 0, NULL, 0);
    return r < 0 ? r : take_epoch(g);
}

int xw_clink_hello(struct xw_clink *clink, struct xw_conn *conn, const Xw__LinkHello *hello)
{
    struct xw_uuid session_id = xw_wire_uuid(&hello->session_id);
    if (conn->state != XW_CONN_NEW)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_STATE, "hello: twice");
    if (*conn->peer_name && strcmp(conn->peer_name, hello->gateway_id) != 0)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_IDENTITY,
                             "hello: the certificate is of another gateway");
    struct xw_cgateway *g = find(clink, hello->gateway_id);
    int r = g ? 0 : add(clink, hello->gateway_id, &g);
    if (r < 0)
        return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_LIMIT, "too many gateways");
    bool joins = g->state != XW_CGATEWAY_IDLE && xw_uuid_equal(&g->session_id, &session_id);
    if (!joins) {
        r = begin_session(g, hello);
        if (r < 0) {
            end_session(g);
            return xw_clink_fail(conn, XW__LINK_FAULT__LINK_FAULT_STORAGE, "no session epoch");
        }
    } else if (g->side.conn[hello->role]) {
        supersede(g, hello->role); /* half open: the gateway knows better that it is dead */
        xw_side_lost(&g->side, hello->role);
    }
    not_waiting(clink, conn);
    conn->state = XW_CONN_GREETED;
    conn->role = hello->role;
    conn->session = g;
    g->side.conn[conn->role] = conn;
    (void)xw_pace_open(&g->side.pace, conn->role, xw_clock_mono(clink->clock).us);
    if (g->state == XW_CGATEWAY_OPEN)
        send_welcome(g, conn);
    return 0;
}

void xw_clink_closed(struct xw_clink *clink, struct xw_conn *conn)
{
    struct xw_cgateway *g = conn->session;
    conn->state = XW_CONN_ENDED;
    xw_counter_add(&faults, conn->violated);
    not_waiting(clink, conn);
    if (!g || g->side.conn[conn->role] != conn)
        return;
    g->side.conn[conn->role] = NULL;
    xw_pace_close(&g->side.pace, conn->role);
    if (g->side.conn[!conn->role])
        xw_side_lost(&g->side, conn->role);
    else
        end_session(g);
}

void xw_clink_tick(struct xw_clink *clink)
{
    int64_t now_us = xw_clock_mono(clink->clock).us;
    for (struct xw_conn *conn = clink->waiting; conn; conn = conn->next)
        xw_conn_tick(conn, clink->clock);
    for (struct xw_cgateway *g = clink->gateways; g; g = g->next) {
        if (xw_intake_waiting(&g->side.intake) && now_us - g->submitted_us >= XW_CLINK_SUBMIT_US)
            xw_clink_submit(g);
        if (g->state == XW_CGATEWAY_IDLE)
            continue;
        if (g->storage_fails && !xw_intake_waiting(&g->side.intake) &&
            now_us - g->submitted_us >= XW_CLINK_PROBE_US)
            xw_clink_ask_again(g);
        xw_side_tick(&g->side);
        if ((g->ack_due_us && now_us >= g->ack_due_us) || g->wanted_due || g->side.record_ack_due)
            xw_side_wake(&g->side);
    }
}

void xw_clink_shutdown(struct xw_clink *clink)
{
    for (struct xw_conn *conn = clink->waiting; conn; conn = conn->next)
        xw_conn_fail(conn, XW__LINK_FAULT__LINK_FAULT_SHUTDOWN, "county stops");
    for (struct xw_cgateway *g = clink->gateways; g; g = g->next)
        for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
            if (g->side.conn[role])
                xw_conn_fail(g->side.conn[role], XW__LINK_FAULT__LINK_FAULT_SHUTDOWN,
                             "county stops");
}

uint64_t xw_clink_measured(struct xw_clink *clink, struct xw_conn *conn,
                           const struct xw_pace_measure *measure)
{
    struct xw_cgateway *g = conn->session;
    if (!g || g->side.conn[conn->role] != conn)
        return UINT64_MAX;
    xw_pace_measured(&g->side.pace, conn->role, xw_clock_mono(clink->clock).us, measure);
    return xw_pace_kernel_rate(&g->side.pace, conn->role);
}

void xw_clink_committed(struct xw_clink *clink, const char *gateway_id, uint64_t out_seq_last)
{
    struct xw_cgateway *g = find(clink, gateway_id);
    if (g)
        xw_logtx_committed(&g->side.tx, out_seq_last);
}

int xw_clink_ephemeral(struct xw_clink *clink, const char *gateway_id, const char *topic,
                       const void *payload, size_t size)
{
    struct xw_cgateway *g = find(clink, gateway_id);
    return g ? xw_side_ephemeral(&g->side, topic, payload, size) : -ENOTCONN;
}

int xw_clink_ephemeral_on(struct xw_clink *clink, const char *gateway_id, unsigned lane,
                          const char *topic, const void *payload, size_t size)
{
    struct xw_cgateway *g = find(clink, gateway_id);
    return g ? xw_side_ephemeral_on(&g->side, lane, topic, payload, size) : -ENOTCONN;
}

int xw_clink_object(struct xw_clink *clink, const char *gateway_id, const uint8_t sha256[32])
{
    struct xw_cgateway *g = find(clink, gateway_id);
    int r = g || !xw_wire_id_ok(gateway_id) ? 0 : add(clink, gateway_id, &g);
    if (r < 0)
        return r;
    return g ? xw_objects_offer(&g->side.objects, sha256) : -EINVAL;
}

void xw_clink_gateways(struct xw_clink *clink,
                       void (*each)(void *user, const struct xw_downlink_gateway *), void *user)
{
    for (struct xw_cgateway *g = clink->gateways; g; g = g->next) {
        struct xw_downlink_gateway figures;
        xw_clink_gateway_figures(g, &figures);
        each(user, &figures);
    }
}
