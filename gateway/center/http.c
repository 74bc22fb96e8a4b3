/* HTTP of the browser's vhost: from libwebsockets' callbacks to requests and back. */
#include "center/http.h"

#include "base/log.h"
#include "base/metrics.h"
#include "center/http_object.h"
#include "center/live.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(http_requests, "xw_center_http_requests_total", NULL, "requests of browsers");
XW_COUNTER(http_refused, "xw_center_http_refused_total", NULL,
           "connections refused because there were too many");

enum { BODY_TIMEOUT_S = 10, ANSWER_TIMEOUT_S = 30 };

/* libwebsockets' per-connection memory; one request after another. */
struct connection {
    struct xw_http_request *req;
};

static struct xw_center *center_of(struct lws *wsi)
{
    return lws_get_vhost_user(lws_get_vhost(wsi));
}

static enum xw_http_method read_path(struct lws *wsi, struct xw_http_request *req)
{
    static const struct {
        enum lws_token_indexes token;
        enum xw_http_method method;
    } methods[] = {{WSI_TOKEN_GET_URI, XW_HTTP_GET},
                   {WSI_TOKEN_POST_URI, XW_HTTP_POST},
                   {WSI_TOKEN_HEAD_URI, XW_HTTP_HEAD}};
    for (size_t i = 0; i < XW_ARRAY_N(methods); i++)
        if (xw_http_header(wsi, methods[i].token, req->path, sizeof(req->path)) == 0)
            return methods[i].method;
    return XW_HTTP_OTHER;
}

static void read_args(struct lws *wsi, struct xw_http_request *req)
{
    size_t at = 0;
    for (int i = 0;; i++) {
        char part[512];
        int n = lws_hdr_copy_fragment(wsi, part, sizeof(part), WSI_TOKEN_HTTP_URI_ARGS, i);
        if (n <= 0 || at + (size_t)n + 2 > sizeof(req->args))
            break;
        memcpy(req->args + at, part, (size_t)n);
        at += (size_t)n;
        req->args[at++] = '\n';
    }
    req->args[at] = 0;
}

static void read_head(struct lws *wsi, struct xw_http_request *req)
{
    char text[1024];
    req->method = read_path(wsi, req);
    read_args(wsi, req);
    req->tls = lws_is_ssl(wsi) != 0;
    lws_get_peer_simple(wsi, req->peer, sizeof(req->peer));
    if (xw_http_header(wsi, WSI_TOKEN_HOST, req->host, sizeof(req->host)) < 0)
        req->host[0] = 0;
    int r = xw_http_header(wsi, WSI_TOKEN_ORIGIN, text, sizeof(text));
    req->origin_ok = r == -ENOENT || (r == 0 && xw_http_origin_ok(text, req->host, req->tls));
    if (xw_http_header(wsi, WSI_TOKEN_HTTP_COOKIE, text, sizeof(text)) < 0 ||
        xw_http_cookie(text, req->token) < 0)
        req->token[0] = 0;
    if (xw_http_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, req->etag, sizeof(req->etag)) < 0)
        req->etag[0] = 0;
    if (xw_http_header(wsi, WSI_TOKEN_HTTP_RANGE, req->range, sizeof(req->range)) < 0)
        req->range[0] = 0;
    if (xw_http_header(wsi, WSI_TOKEN_HTTP_IF_RANGE, req->if_range, sizeof(req->if_range)) < 0)
        req->if_range[0] = 0;
    if (xw_http_header(wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, text, sizeof(text)) == 0) {
        req->gzip_ok = strstr(text, "gzip") != NULL;
        req->brotli_ok = strstr(text, "br") != NULL;
    }
    static const char csrf[] = "x-xinwang-csrf:";
    int n = lws_hdr_custom_length(wsi, csrf, sizeof(csrf) - 1);
    if (n <= 0 || n >= (int)sizeof(req->csrf) ||
        lws_hdr_custom_copy(wsi, req->csrf, sizeof(req->csrf), csrf, sizeof(csrf) - 1) < 0)
        req->csrf[0] = 0;
}

/* -ENOENT no length, -EBADMSG, -EOVERFLOW. */
static int read_length(struct lws *wsi, uint64_t *ret_n)
{
    char text[24];
    int64_t n;
    int r = xw_http_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof(text));
    if (r < 0)
        return r;
    if (xw_parse_int(text, &n) < 0 || n < 0)
        return -EBADMSG;
    if (n > XW_JSON_BODY_MAX_BYTES)
        return -EOVERFLOW;
    *ret_n = (uint64_t)n;
    return 0;
}

static void begin_post(struct lws *wsi, struct xw_http_request *req)
{
    int r = read_length(wsi, &req->body_expected_n);
    if (r == 0) {
        lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, BODY_TIMEOUT_S);
        if (req->body_expected_n == 0)
            xw_route(req);
        return;
    }
    /* The body is not read: nothing after it could be understood. */
    req->close_after = true;
    if (r == -EOVERFLOW)
        xw_http_reply_error(req, "too_large", "64 KiB at most");
    else
        xw_http_reply_error(req, "bad_request", "Content-Length is required");
}

static int on_request(struct lws *wsi, struct connection *c)
{
    struct xw_http_request *req = calloc(1, sizeof(*req));
    if (!req)
        return -1;
    xw_counter_add(&http_requests, 1);
    xw_http_unref(c->req);
    c->req = req;
    req->refs = 1;
    req->center = center_of(wsi);
    req->wsi = wsi;
    req->began_us = xw_clock_mono(NULL).us;
    xw_buf_init(&req->body, XW_JSON_BODY_MAX_BYTES);
    read_head(wsi, req);
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_TIMEOUT_S);
    if (req->method == XW_HTTP_POST)
        begin_post(wsi, req);
    else
        xw_route(req);
    return 0;
}

static int on_body(struct lws *wsi, struct connection *c, const void *data, size_t size)
{
    struct xw_http_request *req = c->req;
    if (!req)
        return -1;
    if (req->replied)
        return 0;
    bool slow = xw_clock_mono(NULL).us - req->began_us > BODY_TIMEOUT_S * INT64_C(1000000);
    if (slow || xw_buf_append(&req->body, data, size) < 0)
        return -1;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, BODY_TIMEOUT_S);
    return 0;
}

static int on_body_end(struct lws *wsi, struct connection *c)
{
    struct xw_http_request *req = c->req;
    if (!req)
        return -1;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_TIMEOUT_S);
    if (!req->replied && req->body.n == req->body_expected_n && req->body_expected_n > 0)
        xw_route(req);
    return 0;
}

static int finish(struct lws *wsi, struct connection *c)
{
    bool close_after = c->req->close_after;
    c->req->wsi = NULL;
    xw_http_unref(c->req);
    c->req = NULL;
    return close_after || lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int on_writeable(struct lws *wsi, struct connection *c)
{
    struct xw_http_request *req = c->req;
    if (!req || !req->replied)
        return 0;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_TIMEOUT_S);
    bool body = req->size > 0 && req->method != XW_HTTP_HEAD;
    if (!req->head_sent) {
        req->head_sent = true;
        if (xw_http_send_head(wsi, req) != 0)
            return -1;
    } else if (body && req->object && !xw_http_object_ready(req)) {
        return 0; /* woken when it has been read */
    } else if (body && xw_http_send_chunk(wsi, req) < 0) {
        return -1;
    }
    if (body && req->sent < req->size) {
        if (req->object && !xw_http_object_ready(req))
            return 0;
        lws_callback_on_writable(wsi);
        return 0;
    }
    return finish(wsi, c);
}

static void on_closed(struct connection *c)
{
    if (!c || !c->req)
        return;
    c->req->wsi = NULL;
    xw_http_unref(c->req);
    c->req = NULL;
}

int xw_http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                     size_t len)
{
    struct connection *c = user;
    struct xw_center *center;
    switch (reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        center = center_of(wsi);
        if (center->connections_n < (uint32_t)center->config.requests_max)
            return 0;
        xw_counter_add(&http_refused, 1);
        xw_log_warning("http.too_many");
        return 1;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        center_of(wsi)->connections_n++;
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        center = center_of(wsi);
        if (center && center->connections_n)
            center->connections_n--;
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return xw_live_callback(wsi, reason, NULL, in, len); /* not bound to its protocol yet */
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1; /* a WebSocket without our subprotocol */
    case LWS_CALLBACK_HTTP:
        return on_request(wsi, c);
    case LWS_CALLBACK_HTTP_BODY:
        return on_body(wsi, c, in, len);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return on_body_end(wsi, c);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_writeable(wsi, c);
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        on_closed(c);
        return 0;
    default:
        return 0;
    }
}
