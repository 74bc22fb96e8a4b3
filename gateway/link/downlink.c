/* The county's sockets: listening, certificates, and joining each connection to the session core.
 */
#include "link/downlink.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "link/clink.h"
#include "link/guests.h"
#include "link/socket.h"
#include "link/tls.h"

XW_COUNTER(refused_tls, "xw_link_refused_certificates_total", "reason=\"unverified\"",
           "TLS handshakes of gateways refused for their certificate");
XW_COUNTER(refused_now, "xw_link_refused_identities_total", "when=\"connecting\"",
           "sockets closed because their certificate was revoked, replaced or has expired");
XW_COUNTER(refused_later, "xw_link_refused_identities_total", "when=\"open\"",
           "sockets closed because their certificate was revoked, replaced or has expired");
XW_COUNTER(refused_full, "xw_link_refused_connections_total", "why=\"limit\"",
           "connections beyond the limit");
XW_COUNTER(refused_waiting, "xw_link_refused_connections_total", "why=\"waiting\"",
           "connections beyond the limit");

enum {
    TICK_MS = 10,
    SPARE_CONNECTIONS = 64,
    CONNECTIONS_SPARE = 2 * XW_GUESTS_MAX, /* being closed, when very many come at once */
    LAST_WORD_S = 3,
};

struct link {
    struct link *next;
    struct xw_socket socket;
    struct xw_cert_facts certificate; /* name "": no TLS */
};

struct anchor {
    struct xw_downlink *downlink;
    struct xw_guests guests; /* TCP connections that are no link yet */
};

struct xw_downlink {
    struct xw_loop *loop;
    struct xw_clink *clink;
    struct anchor *anchor;
    struct lws_vhost *vhost;
    struct xw_timer *tick;
    struct link *links;
    size_t links_n, links_max, connections_n;
    const char *(*refuse)(void *user, const struct xw_cert_facts *certificate);
    void *refuse_user;
    bool tls, ending;
    int64_t measure_due_us;
};

static int core_receive(void *core, struct xw_conn *conn, const void *data, size_t n_bytes)
{
    return xw_clink_receive(core, conn, data, n_bytes);
}
static int core_pull(void *core, struct xw_conn *conn, struct xw_buf *ret_buf)
{
    return xw_clink_pull(core, conn, ret_buf);
}
static const struct xw_socket_end end = {core_receive, core_pull};

static struct xw_downlink *downlink_of(struct lws *wsi)
{
    struct lws_vhost *vhost = wsi ? lws_get_vhost(wsi) : NULL;
    struct anchor *anchor = vhost ? lws_get_vhost_user(vhost) : NULL;
    return anchor ? anchor->downlink : NULL;
}

/* Before the upgrade is answered: who is it, and is there room? */
static int admit(struct xw_downlink *d, struct lws *wsi)
{
    struct xw_cert_facts certificate;
    if (d->ending)
        return -1;
    if (d->tls && xw_tls_peer(wsi, &certificate) < 0) {
        xw_counter_add(&refused_tls, 1);
        xw_log_warning("link.no_certificate");
        return -1;
    }
    if (d->links_n >= d->links_max) {
        xw_counter_add(&refused_full, 1);
        xw_log_warning("link.too_many_connections", XW_LOG_UINT("open", d->links_n));
        return -1;
    }
    return 0;
}

/* NULL: it may be used. Expiry by our own clock: a resumed session was verified long ago. */
static const char *refusal(const struct xw_downlink *d, const struct xw_cert_facts *certificate)
{
    int64_t now_s = xw_clock_wall(NULL).us / 1000000;
    if (!d->tls)
        return NULL;
    if (now_s >= certificate->until_s)
        return "this gateway's certificate has expired";
    return d->refuse ? d->refuse(d->refuse_user, certificate) : NULL;
}

/* It is told why, then closed; what comes meanwhile is not read. */
static void refuse(struct link *link, const char *why)
{
    char peer[64];
    xw_tls_address(lws_get_socket_fd(link->socket.wsi), peer, sizeof(peer));
    xw_log_warning("link.refused", XW_LOG_STR("peer", peer),
                   XW_LOG_STR("gateway", link->certificate.name),
                   XW_LOG_STR("certificate", link->certificate.serial), XW_LOG_STR("why", why));
    xw_conn_fail(&link->socket.conn, XW__LINK_FAULT__LINK_FAULT_IDENTITY, why);
    lws_set_timeout(link->socket.wsi, PENDING_TIMEOUT_USER_REASON_BASE, LAST_WORD_S);
}

static int link_open(struct xw_downlink *d, struct lws *wsi)
{
    struct link *link = calloc(1, sizeof(*link));
    if (!link)
        return -1;
    xw_socket_open(&link->socket, wsi, &end, d->clink);
    struct xw_conn *conn = &link->socket.conn;
    if (d->tls && xw_tls_peer(wsi, &link->certificate) < 0) {
        xw_socket_done(&link->socket);
        free(link);
        return -1;
    }
    snprintf(conn->peer_name, sizeof(conn->peer_name), "%s", link->certificate.name);
    xw_guests_went(&d->anchor->guests, wsi);
    lws_set_opaque_user_data(wsi, link);
    link->next = d->links;
    d->links = link;
    d->links_n++;
    xw_clink_open(d->clink, conn);
    const char *why = refusal(d, &link->certificate);
    if (why) {
        xw_counter_add(&refused_now, 1);
        refuse(link, why);
    }
    return 0;
}

static void link_gone(struct xw_downlink *d, struct link *link)
{
    const struct xw_conn *conn = &link->socket.conn;
    if (*conn->fault_text)
        xw_log_warning("link.closed",
                       XW_LOG_STR("gateway", *conn->peer_name ? conn->peer_name : "?"),
                       XW_LOG_STR("by", conn->fault_by_peer ? "gateway" : "county"),
                       XW_LOG_STR("fault", xw_conn_fault_text(conn->fault)),
                       XW_LOG_STR("text", conn->fault_text));
    for (struct link **at = &d->links; *at; at = &(*at)->next)
        if (*at == link) {
            *at = link->next;
            break;
        }
    d->links_n--;
    lws_set_opaque_user_data(link->socket.wsi, NULL);
    xw_clink_closed(d->clink, &link->socket.conn);
    xw_socket_done(&link->socket);
    free(link);
}

static int callback_link(struct lws *wsi, enum lws_callback_reasons reason, void *user XW_UNUSED,
                         void *in, size_t len)
{
    struct xw_downlink *d;
    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLOSED:
        d = downlink_of(wsi);
        break;
    default:
        return 0;
    }
    if (!d)
        return reason == LWS_CALLBACK_CLOSED ? 0 : -1;
    uint64_t begin = xw_loop_watch_begin();
    struct link *link = lws_get_opaque_user_data(wsi);
    int r = 0;
    if (reason == LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION)
        r = admit(d, wsi);
    else if (reason == LWS_CALLBACK_ESTABLISHED)
        r = link_open(d, wsi);
    else if (link && reason == LWS_CALLBACK_RECEIVE)
        r = xw_socket_received(&link->socket, in, len);
    else if (link && reason == LWS_CALLBACK_SERVER_WRITEABLE)
        r = xw_socket_writable(&link->socket);
    else if (link && reason == LWS_CALLBACK_CLOSED)
        link_gone(d, link);
    xw_loop_watch_end(d->loop, "lws.downlink", begin);
    return r;
}

static void welcome_guest(struct xw_downlink *d, struct lws *wsi)
{
    struct lws *out = (struct lws *)(uintptr_t)xw_guests_came(&d->anchor->guests, wsi);
    d->connections_n++;
    if (!out)
        return;
    xw_counter_add(&refused_waiting, 1);
    lws_set_timeout(out, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

/* protocols[0]: certificates, and everything that is not a link. */
static int callback_first(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                          size_t len)
{
    struct xw_downlink *d;
    int r;
    if (xw_net_verify(wsi, reason, user, len, &r))
        return r;
    switch (reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        d = downlink_of(wsi);
        if (d && d->connections_n < d->links_n + CONNECTIONS_SPARE) {
            xw_guests_expect(&d->anchor->guests, (int)(intptr_t)in);
            return 0;
        }
        xw_counter_add(&refused_full, 1);
        xw_log_warning("link.too_many_handshakes");
        return 1;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        d = downlink_of(wsi);
        if (d)
            welcome_guest(d, wsi);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        d = downlink_of(wsi);
        if (d && d->connections_n)
            d->connections_n--;
        if (d)
            xw_guests_went(&d->anchor->guests, wsi);
        return 0;
    case LWS_CALLBACK_HTTP:
        return lws_return_http_status(wsi, HTTP_STATUS_NOT_FOUND, NULL) ? -1 : 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = callback_first, .rx_buffer_size = 4096},
    {.name = "xw-link-1", .callback = callback_link, .rx_buffer_size = 65536},
    {0},
};

static void on_tick(void *arg)
{
    struct xw_downlink *d = arg;
    int64_t now_us = xw_clock_mono(NULL).us;
    struct xw_pace_measure m;
    bool measure = now_us >= d->measure_due_us;
    if (measure)
        d->measure_due_us = now_us + XW_PACE_MEASURE_US;
    xw_clink_tick(d->clink);
    for (struct link *link = d->links, *next; link; link = next) {
        next = link->next;
        if (link->socket.conn.state == XW_CONN_ENDED) {
            /* Dead as we see it: writable may never come on such a socket. */
            struct lws *wsi = link->socket.wsi;
            link_gone(d, link);
            lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
        } else if (measure && link->socket.busy && xw_socket_measure(&link->socket, &m) >= 0) {
            link->socket.busy = m.outstanding_n_bytes > 0;
            xw_socket_pace(&link->socket, xw_clink_measured(d->clink, &link->socket.conn, &m));
        }
    }
}

static int start(struct xw_downlink *d, struct xw_net *net, struct xw_store *store,
                 const struct xw_downlink_config *config, const struct xw_downlink_watch *watch,
                 uint16_t *ret_port)
{
    const struct xw_net_listen listen = {
        .name = "downlink",
        .address = config->address,
        .port = config->port,
        .tls = config->tls,
        .protocols = protocols,
        .user = d->anchor,
        .idle = &xw_socket_idle,
    };
    if (config->tls.cert_path && !config->tls.ca_path)
        return -EINVAL; /* TLS without asking for certificates would let anybody in */
    int r = xw_clink_new(store, NULL, config->gateways_max, watch, &d->clink);
    if (r >= 0)
        r = xw_timer_new(d->loop, on_tick, d, &d->tick);
    if (r >= 0)
        r = xw_net_listen(net, &listen, &d->vhost, ret_port);
    return r;
}

int xw_downlink_new(struct xw_loop *loop, struct xw_net *net, struct xw_store *store,
                    const struct xw_downlink_config *config, const struct xw_downlink_watch *watch,
                    struct xw_downlink **ret_downlink, uint16_t *ret_port)
{
    struct xw_downlink *d = calloc(1, sizeof(*d));
    struct anchor *anchor = calloc(1, sizeof(*anchor));
    uint16_t port = 0;
    if (!d || !anchor) {
        free(d);
        free(anchor);
        return -ENOMEM;
    }
    anchor->downlink = d;
    xw_guests_init(&anchor->guests, XW_GUESTS_MAX);
    xw_net_keep(net, anchor);
    d->anchor = anchor;
    d->loop = loop;
    d->tls = config->tls.cert_path != NULL;
    d->links_max = 2 * (size_t)config->gateways_max + SPARE_CONNECTIONS;
    d->refuse = config->refuse;
    d->refuse_user = config->refuse_user;
    int r = start(d, net, store, config, watch, &port);
    if (r < 0) {
        xw_downlink_free(d);
        return r;
    }
    xw_timer_start(d->tick, TICK_MS, TICK_MS);
    *ret_downlink = d;
    if (ret_port)
        *ret_port = port;
    return 0;
}

void xw_downlink_free(struct xw_downlink *d)
{
    if (!d)
        return;
    d->anchor->downlink = NULL;
    if (d->tick)
        xw_timer_free(d->tick);
    while (d->links) {
        struct lws *wsi = d->links->socket.wsi;
        link_gone(d, d->links);
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    }
    xw_clink_free(d->clink);
    free(d);
}

void xw_downlink_goodbye(struct xw_downlink *d)
{
    d->ending = true;
    xw_clink_shutdown(d->clink);
}

void xw_downlink_committed(struct xw_downlink *d, const char *gateway_id, uint64_t out_seq_last)
{
    xw_clink_committed(d->clink, gateway_id, out_seq_last);
}

void xw_downlink_ephemeral(struct xw_downlink *d, const char *gateway_id, const char *topic,
                           const void *payload, size_t size)
{
    (void)!xw_clink_ephemeral(d->clink, gateway_id, topic, payload, size);
}

int xw_downlink_alarm_ephemeral(struct xw_downlink *d, const char *gateway_id, const char *topic,
                                const void *payload, size_t size)
{
    return xw_clink_ephemeral_on(d->clink, gateway_id, XW__LANE__LANE_ALARM, topic, payload, size);
}

int xw_downlink_object(struct xw_downlink *d, const char *gateway_id, const uint8_t sha256[32])
{
    return xw_clink_object(d->clink, gateway_id, sha256);
}

void xw_downlink_check(struct xw_downlink *d)
{
    for (struct link *link = d->links; link; link = link->next) {
        const char *why =
            link->socket.conn.state < XW_CONN_CLOSING ? refusal(d, &link->certificate) : NULL;
        if (!why)
            continue;
        xw_counter_add(&refused_later, 1);
        refuse(link, why);
    }
}

int xw_downlink_certificate(const struct xw_downlink *d, const char *gateway_id,
                            struct xw_cert_facts *ret_facts)
{
    const struct link *best = NULL;
    for (const struct link *link = d->links; link; link = link->next)
        if (link->socket.conn.state == XW_CONN_OPEN &&
            strcmp(link->certificate.name, gateway_id) == 0 &&
            (!best || link->certificate.until_s > best->certificate.until_s))
            best = link;
    if (!best)
        return -ENOENT;
    *ret_facts = best->certificate;
    return 0;
}

void xw_downlink_gateways(struct xw_downlink *d,
                          void (*each)(void *user, const struct xw_downlink_gateway *), void *user)
{
    xw_clink_gateways(d->clink, each, user);
}
