/* The gateway's sockets: connecting, again and again, and joining them to the session core. */
#include "link/uplink_in.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"

XW_COUNTER(connects, "xw_link_connects_total", NULL, "connections tried");
XW_COUNTER(connect_failures, "xw_link_connect_failures_total", NULL, "connections that failed");
XW_COUNTER(refusals, "xw_link_refused_by_county_total", NULL,
           "connections that the county refused for our certificate or name");
XW_COUNTER(distrusted, "xw_link_distrusted_total", NULL,
           "connections to somebody without a certificate of our authority");
XW_GAUGE(linked_gauge, "xw_link_linked", NULL, "1 while the county answers");

enum {
    TICK_MS = 20,
    FIGURES_US = 1000000,
};

static int64_t now_us(void)
{
    return xw_clock_mono(NULL).us;
}

static int core_receive(void *core, struct xw_conn *conn, const void *data, size_t n_bytes)
{
    return xw_glink_receive(core, conn, data, n_bytes);
}
static int core_pull(void *core, struct xw_conn *conn, struct xw_buf *ret_buf)
{
    return xw_glink_pull(core, conn, ret_buf);
}
static const struct xw_socket_end end = {core_receive, core_pull};

static void publish(struct xw_uplink *u)
{
    struct xw_glink_figures f;
    xw_glink_figures(u->glink, &f);
    u->state.rtt_us = f.rtt_us;
    u->state.county_offset_us = f.offset_us;
    u->state.county_uncertainty_us = f.offset_known ? f.uncertainty_us : 0;
    u->state.rate_bytes_per_s = f.rate_bytes_per_s;
    u->state.backlog_samples = f.backlog_samples;
    u->state.backlog_bytes = f.backlog_bytes;
    u->state.backlog_us = f.backlog_us;
    u->state.oldest_unsent_wall_us = f.oldest_unsent_wall_us;
    u->state.suspended_n = f.suspended_n;
    u->state.held = f.held;
    u->state.text = u->text;
    u->figures_due_us = now_us() + FIGURES_US;
    if (u->watch.on_state)
        u->watch.on_state(u->watch.user, &u->state);
}

static void check_linked(struct xw_uplink *u)
{
    bool linked = xw_glink_linked(u->glink);
    if (linked == u->state.linked)
        return;
    u->state.linked = linked;
    u->state.since_wall_us = xw_clock_wall(NULL).us;
    xw_gauge_set(&linked_gauge, linked);
    if (linked) {
        u->text[0] = 0;
        u->state.refused = u->state.distrusted = false;
        xw_log_notice("link.up", XW_LOG_STR("county", u->config.host));
    } else {
        xw_log_warning("link.down", XW_LOG_STR("why", u->text));
    }
    publish(u);
}

static void leg_gone(struct leg *leg, enum xw_dial_end how, const char *why)
{
    struct xw_uplink *u = leg->uplink;
    struct xw_conn *conn = &leg->socket.conn;
    bool was_up = leg->state == LEG_UP;
    if (leg->state == LEG_IDLE)
        return;
    u->anchor->connecting[leg->role] = NULL;
    if (was_up) {
        const char *said = conn->fault_text;
        Xw__LinkFault code = conn->fault;
        bool refused = conn->fault_by_peer && code != XW__LINK_FAULT__LINK_FAULT_SHUTDOWN &&
                       code != XW__LINK_FAULT__LINK_FAULT_TIMEOUT;
        if (refused)
            how = XW_DIAL_REFUSED;
        if (*said)
            snprintf(u->text, sizeof(u->text), "%s: %s: %s",
                     conn->fault_by_peer ? "county" : "here", xw_conn_fault_text(code), said);
        else
            snprintf(u->text, sizeof(u->text), "connection lost");
        if (*said && (refused || !conn->fault_by_peer))
            xw_log_warning("link.closed", XW_LOG_STR("why", u->text));
        if (conn->fault_by_peer && code == XW__LINK_FAULT__LINK_FAULT_IDENTITY) {
            xw_counter_add(&refusals, 1);
            u->state.refused = true;
        }
        if (!refused && (conn->state == XW_CONN_OPEN || xw_glink_linked(u->glink)))
            xw_dial_welcomed(&leg->dial);
        xw_glink_closed(u->glink, conn);
        xw_socket_done(&leg->socket);
    } else {
        if (leg->alert) {
            how = XW_DIAL_REFUSED;
            snprintf(u->text, sizeof(u->text), "the county refuses our certificate: %s",
                     leg->alert);
            xw_log_warning("link.refused", XW_LOG_STR("why", leg->alert));
            xw_counter_add(&refusals, 1);
            u->state.refused = true;
        } else if (leg->distrust) {
            snprintf(u->text, sizeof(u->text),
                     "whoever answers there has no certificate of our authority: %s",
                     leg->distrust);
            xw_log_warning("link.distrusted", XW_LOG_STR("why", leg->distrust));
            xw_counter_add(&distrusted, 1);
            u->state.distrusted = true;
        } else {
            snprintf(u->text, sizeof(u->text), "%s", why);
        }
        xw_counter_add(&connect_failures, 1);
    }
    leg->state = LEG_IDLE;
    xw_dial_ended(&leg->dial, now_us(), how, randombytes_uniform(100));
    check_linked(u);
}

static void leg_up(struct leg *leg, struct lws *wsi)
{
    leg->uplink->anchor->connecting[leg->role] = NULL;
    leg->state = LEG_UP;
    xw_socket_open(&leg->socket, wsi, &end, leg->uplink->glink);
    xw_glink_open(leg->uplink->glink, &leg->socket.conn, leg->role);
}

static struct leg *leg_of(struct lws *wsi)
{
    struct lws_vhost *vhost = wsi ? lws_get_vhost(wsi) : NULL;
    struct anchor *anchor = vhost ? lws_get_vhost_user(vhost) : NULL;
    struct leg *leg = lws_get_opaque_user_data(wsi);
    return anchor && anchor->uplink ? leg : NULL;
}

/* A handshake may end without CONNECTION_ERROR: a county that does not like our certificate just
 * closes. Then this is all that we hear of it. */
static void destroyed(struct lws *wsi)
{
    struct lws_vhost *vhost = lws_get_vhost(wsi);
    struct anchor *anchor = vhost ? lws_get_vhost_user(vhost) : NULL;
    for (unsigned role = 0; anchor && role < XW_LINK_ROLES_N; role++)
        if (anchor->connecting[role] == wsi) {
            anchor->connecting[role] = NULL;
            if (anchor->uplink && anchor->uplink->leg[role].state == LEG_CONNECTING)
                leg_gone(&anchor->uplink->leg[role], XW_DIAL_FAILED, "closed during the handshake");
        }
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct leg *leg;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_CLIENT_CLOSED:
        leg = leg_of(wsi);
        break;
    case LWS_CALLBACK_WSI_DESTROY:
        destroyed(wsi);
        return 0;
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_CLIENT_VERIFY_CERTS:
        xw_uplink_take_tls(wsi, user);
        return 0;
    default:
        return 0;
    }
    if (!leg)
        return reason == LWS_CALLBACK_CLIENT_CLOSED ? 0 : -1;
    uint64_t begin = xw_loop_watch_begin();
    struct xw_loop *loop = leg->uplink->loop;
    uint32_t rtt_us;
    int r = 0;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        leg_up(leg, wsi);
        break;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        leg_gone(leg, xw_socket_answered(wsi, &rtt_us) ? XW_DIAL_FAILED : XW_DIAL_NO_WAY,
                 in ? (const char *)in : "no connection");
        break;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        if (leg->state == LEG_UP && leg->socket.wsi == wsi)
            r = xw_socket_received(&leg->socket, in, len);
        check_linked(leg->uplink);
        break;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        if (leg->state == LEG_UP && leg->socket.wsi == wsi)
            r = xw_socket_writable(&leg->socket);
        break;
    default:
        if (leg->state == LEG_UP && leg->socket.wsi == wsi)
            leg_gone(leg, XW_DIAL_FAILED, "closed");
        break;
    }
    xw_loop_watch_end(loop, "lws.uplink", begin);
    return r;
}

static const struct lws_protocols protocols[] = {
    {.name = "xw-link-1", .callback = callback, .rx_buffer_size = 65536},
    {0},
};

static void leg_connect(struct leg *leg)
{
    struct xw_uplink *u = leg->uplink;
    struct lws_client_connect_info info = {
        .context = xw_net_context(u->net),
        .vhost = u->vhost,
        .address = u->config.address ? u->config.address : u->config.host,
        .port = u->config.port,
        .host = u->config.host,
        .origin = u->config.host,
        .path = "/link",
        .protocol = protocols[0].name,
        .local_protocol_name = protocols[0].name,
        .ssl_connection = u->config.tls.ca_path ? LCCSCF_USE_SSL : 0,
        .alpn = "http/1.1",
        .retry_and_idle_policy = &xw_socket_idle,
        .opaque_user_data = leg,
        .pwsi = &u->anchor->connecting[leg->role],
    };
    leg->state = LEG_CONNECTING;
    leg->renew = false;
    leg->alert = leg->distrust = NULL;
    xw_dial_begin(&leg->dial, now_us());
    xw_counter_add(&connects, 1);
    if (xw_fault_point("link.connect") < 0) {
        leg_gone(leg, XW_DIAL_FAILED, "fault point");
        return;
    }
    /* It may call back, and even fail, before it returns. */
    if (!lws_client_connect_via_info(&info) && leg->state == LEG_CONNECTING)
        leg_gone(leg, XW_DIAL_FAILED, "no connection");
}

static void kill_wsi(struct lws *wsi)
{
    if (wsi)
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

/* An attempt that waits too long for the next thing to happen is given up. */
static void check_attempt(struct leg *leg, int64_t now)
{
    struct lws *wsi = leg->uplink->anchor->connecting[leg->role];
    uint32_t rtt_us = 0;
    bool answered = wsi && xw_socket_answered(wsi, &rtt_us);
    if (!xw_dial_over(&leg->dial, now, answered, rtt_us))
        return;
    if (wsi)
        lws_set_opaque_user_data(wsi, NULL);
    leg_gone(leg, answered ? XW_DIAL_FAILED : XW_DIAL_SILENT, "no answer");
    kill_wsi(wsi);
}

static void leg_tick(struct leg *leg, int64_t now)
{
    struct xw_uplink *u = leg->uplink;
    /* Bulk follows when signals was welcomed: one at a time begins a session. */
    bool may =
        !u->ending && (leg->role == XW__SOCKET_ROLE__SOCKET_SIGNALS || xw_glink_linked(u->glink));
    if (leg->state == LEG_IDLE && may && xw_dial_due(&leg->dial, now)) {
        leg_connect(leg);
    } else if (leg->state == LEG_CONNECTING) {
        check_attempt(leg, now);
    } else if (leg->state == LEG_UP && leg->socket.conn.state == XW_CONN_ENDED) {
        /* Dead as we see it: writable may never come on such a socket. */
        struct lws *wsi = leg->socket.wsi;
        lws_set_opaque_user_data(wsi, NULL);
        leg_gone(leg, XW_DIAL_FAILED, "closed");
        kill_wsi(wsi);
    }
}

static void leg_renew(struct xw_uplink *u)
{
    struct leg *leg = xw_uplink_leg_to_renew(u);
    if (!leg)
        return;
    struct lws *wsi = leg->socket.wsi;
    lws_set_opaque_user_data(wsi, NULL);
    leg_gone(leg, XW_DIAL_FAILED, "a new certificate");
    kill_wsi(wsi);
    leg->dial.retry_us = now_us();
}

int xw_uplink_rehome(struct xw_uplink *u, uint16_t port)
{
    int r = xw_uplink_read_tls(u);
    if (r < 0)
        return r;
    u->config.port = port;
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++) {
        struct leg *leg = &u->leg[role];
        struct lws *wsi = leg->state == LEG_UP           ? leg->socket.wsi
                          : leg->state == LEG_CONNECTING ? u->anchor->connecting[role]
                                                         : NULL;
        if (wsi)
            lws_set_opaque_user_data(wsi, NULL);
        leg->alert = leg->distrust = NULL;
        leg_gone(leg, XW_DIAL_FAILED, "enrolled anew");
        kill_wsi(wsi);
        leg->dial.retry_us = now_us();
    }
    u->state.refused = u->state.distrusted = false;
    return 0;
}

static void measure(struct xw_uplink *u, int64_t now)
{
    struct xw_pace_measure m;
    if (now < u->measure_due_us)
        return;
    u->measure_due_us = now + XW_PACE_MEASURE_US;
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++) {
        struct leg *leg = &u->leg[role];
        if (leg->state != LEG_UP)
            continue;
        if (xw_socket_measure(&leg->socket, &m) >= 0)
            xw_socket_pace(&leg->socket, xw_glink_measured(u->glink, role, &m));
        if (xw_socket_homeless(&leg->socket))
            xw_conn_end(&leg->socket.conn, XW__LINK_FAULT__LINK_FAULT_TIMEOUT,
                        "our address is gone");
    }
}

static void on_tick(void *arg)
{
    struct xw_uplink *u = arg;
    int64_t now = now_us();
    measure(u, now);
    xw_glink_tick(u->glink);
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        leg_tick(&u->leg[role], now);
    leg_renew(u);
    check_linked(u);
    if (now >= u->figures_due_us)
        publish(u);
}

static void on_gather(void *arg)
{
    struct xw_uplink *u = arg;
    u->gathering = false;
    xw_glink_wake(u->glink);
}

static int start(struct xw_uplink *u, struct xw_store *store)
{
    const struct xw_uplink_config *c = &u->config;
    struct xw_glink_config core = {.gateway_id = c->gateway_id,
                                   .site_name = c->site_name ? c->site_name : "",
                                   .software = c->software ? c->software : "",
                                   .demo = c->demo,
                                   .live_late_us = c->live_late_us ? c->live_late_us : 2000000};
    struct xw_glink_watch watch = {u->watch.user, u->watch.on_record, u->watch.on_ephemeral,
                                   u->watch.on_object};
    struct xw_net_client client = {.name = "uplink",
                                   .tls = c->tls,
                                   .protocols = protocols,
                                   .user = u->anchor,
                                   .idle = &xw_socket_idle};
    if (!c->host || !c->gateway_id || !xw_wire_id_ok(c->gateway_id) ||
        !xw_wire_utf8_ok(core.site_name, XW_LINK_TEXT_MAX_N_BYTES) ||
        !xw_wire_utf8_ok(core.software, XW_LINK_TEXT_MAX_N_BYTES))
        return -EINVAL;
    int r = xw_boot_id(core.boot_id.b);
    if (r >= 0)
        r = xw_glink_new(store, NULL, &core, &watch, &u->glink);
    if (r >= 0)
        r = xw_net_client(u->net, &client, &u->vhost);
    if (r >= 0)
        r = xw_timer_new(u->loop, on_tick, u, &u->tick);
    if (r >= 0)
        r = xw_timer_new(u->loop, on_gather, u, &u->gather);
    return r;
}

int xw_uplink_new(struct xw_loop *loop, struct xw_net *net, struct xw_store *store,
                  const struct xw_uplink_config *config, const struct xw_uplink_watch *watch,
                  struct xw_uplink **ret_uplink)
{
    struct xw_uplink *u = calloc(1, sizeof(*u));
    struct anchor *anchor = calloc(1, sizeof(*anchor));
    if (!u || !anchor) {
        free(u);
        free(anchor);
        return -ENOMEM;
    }
    anchor->uplink = u;
    xw_net_keep(net, anchor);
    u->anchor = anchor;
    u->loop = loop;
    u->net = net;
    u->config = *config;
    if (watch)
        u->watch = *watch;
    u->state.since_wall_us = xw_clock_wall(NULL).us;
    snprintf(u->text, sizeof(u->text), "connecting");
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        u->leg[role] = (struct leg){.uplink = u, .role = role};
    int r = start(u, store);
    if (r < 0) {
        xw_uplink_free(u);
        return r;
    }
    xw_timer_start(u->tick, 0, TICK_MS);
    *ret_uplink = u;
    return 0;
}

void xw_uplink_free(struct xw_uplink *u)
{
    if (!u)
        return;
    u->anchor->uplink = NULL;
    if (u->tick)
        xw_timer_free(u->tick);
    if (u->gather)
        xw_timer_free(u->gather);
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++) {
        struct leg *leg = &u->leg[role];
        kill_wsi(leg->state == LEG_UP ? leg->socket.wsi : u->anchor->connecting[role]);
        if (leg->state == LEG_UP) {
            xw_glink_closed(u->glink, &leg->socket.conn);
            xw_socket_done(&leg->socket);
        }
    }
    xw_glink_free(u->glink);
    free(u);
}

void xw_uplink_goodbye(struct xw_uplink *u)
{
    u->ending = true;
    xw_glink_shutdown(u->glink);
}
