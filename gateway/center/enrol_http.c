/* The port of enrolment: two POSTs over TLS 1.3, small and soon. */
#include "center/enrol.h"

#include "base/log.h"
#include "base/metrics.h"
#include "center/http.h"
#include "link/guests.h"
#include "link/tls.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(refused_connections, "xw_center_enrol_connections_refused_total", NULL,
           "connections for enrolment refused because there were too many");
XW_COUNTER(requests, "xw_center_enrol_requests_total", NULL, "requests for enrolment");

enum { BODY_S = 5, ANSWER_S = 15, CHUNK = 4096 };

/* What libwebsockets may still look at when the port is gone. */
struct anchor {
    struct xw_enrol *enrol;
    struct xw_center *center;
    uint32_t connections_n;
    struct xw_guests guests;
};

/* libwebsockets' per-connection memory. */
struct connection {
    struct xw_enrol_post *post;
};

static struct anchor *anchor_of(struct lws *wsi)
{
    struct lws_vhost *vhost = wsi ? lws_get_vhost(wsi) : NULL;
    return vhost ? lws_get_vhost_user(vhost) : NULL;
}

void xw_enrol_post_unref(struct xw_enrol_post *post)
{
    if (!post || --post->refs > 0)
        return;
    if (post->body.n)
        OPENSSL_cleanse(post->body.data, post->body.n); /* it shows a code */
    xw_buf_done(&post->body);
    free(post->answer);
    free(post);
}

void xw_enrol_reply(struct xw_enrol_post *post, unsigned status, char *answer)
{
    if (post->replied || !post->wsi) {
        free(answer);
        return;
    }
    post->replied = true;
    post->status = answer ? status : 500;
    post->answer = answer;
    post->answer_n = answer ? strlen(answer) : 0;
    lws_callback_on_writable(post->wsi);
}

static bool read_head(struct lws *wsi, struct xw_enrol_post *post)
{
    char path[64], text[24];
    int64_t n;
    if (xw_http_header(wsi, WSI_TOKEN_POST_URI, path, sizeof(path)) < 0)
        return false;
    post->hello = strcmp(path, XW_ENROL_HELLO_PATH) == 0;
    if (!post->hello && strcmp(path, XW_ENROL_REQUEST_PATH) != 0)
        return false;
    if (xw_http_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof(text)) < 0 ||
        xw_parse_int(text, &n) < 0 || n < 1 || n > XW_ENROL_BODY_MAX)
        return false;
    post->expected_n = (uint64_t)n;
    return true;
}

static int on_request(struct lws *wsi, struct connection *c, struct xw_enrol *enrol)
{
    X509 *ours = lws_is_ssl(wsi) ? SSL_get_certificate(lws_get_ssl(wsi)) : NULL;
    struct xw_enrol_post *post = calloc(1, sizeof(*post));
    xw_counter_add(&requests, 1);
    if (c->post)
        c->post->wsi = NULL; /* what is being made durable for it has nobody to answer */
    xw_enrol_post_unref(c->post);
    c->post = post;
    if (!post)
        return -1;
    post->refs = 1;
    post->wsi = wsi;
    post->enrol = enrol;
    post->began_us = xw_clock_mono(NULL).us;
    xw_buf_init(&post->body, XW_ENROL_BODY_MAX);
    xw_tls_address(lws_get_socket_fd(wsi), post->peer, sizeof(post->peer));
    if (!read_head(wsi, post) || !ours || xw_cert_hash(ours, post->certificate_hash) < 0)
        return -1; /* nothing that a gateway would send */
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, BODY_S);
    return 0;
}

static int on_body(struct connection *c, const void *data, size_t size)
{
    struct xw_enrol_post *post = c->post;
    if (!post || post->replied)
        return -1;
    bool slow = xw_clock_mono(NULL).us - post->began_us > BODY_S * INT64_C(1000000);
    return slow || xw_buf_append(&post->body, data, size) < 0 ? -1 : 0;
}

static int on_body_end(struct lws *wsi, struct connection *c)
{
    if (!c->post || c->post->body.n != c->post->expected_n)
        return -1;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_S);
    xw_enrol_take(c->post);
    return 0;
}

static int send_head(struct lws *wsi, struct xw_enrol_post *post)
{
    uint8_t head[LWS_PRE + 512], *p = head + LWS_PRE, *end = head + sizeof(head) - 1;
    post->head_sent = true;
    if (lws_add_http_common_headers(wsi, post->status, "application/json", post->answer_n, &p,
                                    end) ||
        lws_add_http_header_by_name(
            wsi, (const uint8_t *)"cache-control:", (const uint8_t *)"no-store", 8, &p, end) ||
        lws_finalize_write_http_header(wsi, head + LWS_PRE, &p, end))
        return -1;
    lws_callback_on_writable(wsi);
    return 0;
}

static int on_writeable(struct lws *wsi, struct connection *c)
{
    struct xw_enrol_post *post = c->post;
    uint8_t chunk[LWS_PRE + CHUNK];
    if (!post || !post->replied)
        return 0;
    if (!post->head_sent)
        return send_head(wsi, post);
    size_t n = XW_MIN(post->answer_n - post->sent, (size_t)CHUNK);
    bool last = post->sent + n == post->answer_n;
    if (n)
        memcpy(chunk + LWS_PRE, post->answer + post->sent, n);
    if (lws_write(wsi, chunk + LWS_PRE, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)n)
        return -1;
    post->sent += n;
    if (!last) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    bool good = post->status == 200;
    post->wsi = NULL;
    xw_enrol_post_unref(c->post);
    c->post = NULL;
    return !good || lws_http_transaction_completed(wsi) ? -1 : 0;
}

static void on_closed(struct connection *c)
{
    if (!c || !c->post)
        return;
    c->post->wsi = NULL;
    xw_enrol_post_unref(c->post);
    c->post = NULL;
}

static int handle(struct anchor *anchor, struct lws *wsi, enum lws_callback_reasons reason,
                  struct connection *c, void *in, size_t len)
{
    uint64_t begin = xw_loop_watch_begin();
    int r = 0;
    if (reason == LWS_CALLBACK_HTTP)
        r = on_request(wsi, c, anchor->enrol);
    else if (reason == LWS_CALLBACK_HTTP_BODY)
        r = on_body(c, in, len);
    else if (reason == LWS_CALLBACK_HTTP_BODY_COMPLETION)
        r = on_body_end(wsi, c);
    else
        r = on_writeable(wsi, c);
    xw_loop_watch_end(anchor->center->loop, "lws.enrol", begin);
    return r;
}

static void welcome_guest(struct anchor *anchor, struct lws *wsi)
{
    struct lws *out = (struct lws *)(uintptr_t)xw_guests_came(&anchor->guests, wsi);
    anchor->connections_n++;
    if (!out)
        return;
    xw_counter_add(&refused_connections, 1);
    lws_set_timeout(out, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct anchor *anchor;
    switch (reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        /* Both ends are ours: there is no reason for an older version. */
        return SSL_CTX_set_min_proto_version(user, TLS1_3_VERSION) == 1 ? 0 : 1;
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        anchor = anchor_of(wsi);
        if (anchor && anchor->enrol && anchor->connections_n < 2 * XW_ENROL_CONNECTIONS_MAX) {
            xw_guests_expect(&anchor->guests, (int)(intptr_t)in);
            return 0;
        }
        xw_counter_add(&refused_connections, 1);
        return 1;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        anchor = anchor_of(wsi);
        if (anchor)
            welcome_guest(anchor, wsi);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        anchor = anchor_of(wsi);
        if (anchor && anchor->connections_n)
            anchor->connections_n--;
        if (anchor)
            xw_guests_went(&anchor->guests, wsi);
        return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1;
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_HTTP_WRITEABLE:
        anchor = anchor_of(wsi);
        return anchor && anchor->enrol ? handle(anchor, wsi, reason, user, in, len) : -1;
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        on_closed(user);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = callback, .per_session_data_size = sizeof(struct connection)},
    {0},
};

int xw_enrol_listen(struct xw_center *center, struct xw_enrol *enrol, struct lws_vhost **ret_vhost,
                    uint16_t *ret_port)
{
    const struct xw_center_config *c = &center->config;
    struct anchor *anchor = calloc(1, sizeof(*anchor));
    if (!anchor)
        return -ENOMEM;
    *anchor = (struct anchor){.enrol = enrol, .center = center};
    xw_guests_init(&anchor->guests, XW_ENROL_CONNECTIONS_MAX);
    xw_net_keep(center->net, anchor);
    const struct xw_net_listen listen = {
        .name = "enrol",
        .address = c->enrol_address,
        .port = (uint16_t)c->enrol_port,
        .tls = {.cert_path = c->gateway_cert, .key_path = c->gateway_key},
        .protocols = protocols,
        .user = anchor,
    };
    return xw_net_listen(center->net, &listen, ret_vhost, ret_port);
}

void xw_enrol_unlisten(struct lws_vhost *vhost)
{
    struct anchor *anchor = lws_get_vhost_user(vhost);
    anchor->enrol = NULL;
    lws_vhost_destroy(vhost);
}
