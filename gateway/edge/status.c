/* The status page: a few GETs and two POSTs on loopback. */
#include "edge/status.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/metrics.h"
#include "edge/decide.h"
#include "edge/enrol.h"
#include "edge/page.h"
#include "edge/status_json.h"
#include "edge/video.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <libwebsockets.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { ENROL_BODY_MAX = 1024 };
enum { TOKEN_BYTES = 24, BODY_MAX = 4 * 1024 * 1024, CHUNK = 16 * 1024, PATH_MAX_BYTES = 256 };

struct xw_status {
    struct xw_edge *edge;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[2];
    char token[2 * TOKEN_BYTES + 1]; /* of the page, random */
};

/* What one request is answered with. */
struct answer {
    struct xw_buf body;
    size_t sent;
    bool begun, taking; /* taking: the body is a request that is still coming */
};

static int begin_answer(struct lws *wsi, struct answer *a, unsigned status, const char *type)
{
    uint8_t header[LWS_PRE + 1024], *p = header + LWS_PRE, *end = header + sizeof(header) - 1;
    static const char csp[] = "default-src 'none'; script-src 'self'; style-src 'self'; "
                              "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";
    if (lws_add_http_common_headers(wsi, status, type, a->body.n, &p, end) ||
        lws_add_http_header_by_name(wsi, (const uint8_t *)"content-security-policy:",
                                    (const uint8_t *)csp, sizeof(csp) - 1, &p, end) ||
        lws_add_http_header_by_name(wsi, (const uint8_t *)"x-content-type-options:",
                                    (const uint8_t *)"nosniff", 7, &p, end) ||
        lws_add_http_header_by_name(
            wsi, (const uint8_t *)"cache-control:", (const uint8_t *)"no-store", 8, &p, end) ||
        lws_finalize_write_http_header(wsi, header + LWS_PRE, &p, end))
        return 1;
    a->begun = true;
    a->sent = 0;
    lws_callback_on_writable(wsi);
    return 0;
}

static int answer_text(struct lws *wsi, struct answer *a, unsigned status, const char *type,
                       const char *text)
{
    xw_buf_clear(&a->body);
    if (xw_buf_append_text(&a->body, text) < 0)
        return 1;
    return begin_answer(wsi, a, status, type);
}

static int answer_error(struct lws *wsi, struct answer *a, unsigned status, const char *code)
{
    char text[96];
    snprintf(text, sizeof(text), "{\"error\":\"%s\"}\n", code);
    return answer_text(wsi, a, status, "application/json", text);
}

static int answer_page(struct xw_status *status, struct lws *wsi, struct answer *a)
{
    static const char mark[] = "@TOKEN@";
    const char *at = strstr(xw_page_html, mark);
    xw_buf_clear(&a->body);
    if (!at || xw_buf_append(&a->body, xw_page_html, (size_t)(at - xw_page_html)) < 0 ||
        xw_buf_append_text(&a->body, status->token) < 0 ||
        xw_buf_append_text(&a->body, at + sizeof(mark) - 1) < 0)
        return 1;
    return begin_answer(wsi, a, 200, "text/html; charset=utf-8");
}

static bool header(struct lws *wsi, const char *name, char *ret, size_t size)
{
    int n = lws_hdr_custom_length(wsi, name, (int)strlen(name));
    return n > 0 && (size_t)n < size &&
           lws_hdr_custom_copy(wsi, ret, (int)size, name, (int)strlen(name)) >= 0;
}

static bool same_secret(const char *a, const char *b)
{
    size_t n = strlen(a);
    return n && n == strlen(b) && sodium_memcmp(a, b, n) == 0;
}

/* A page of another site may make this browser ask here; it then names itself as Host. */
static bool host_ok(struct lws *wsi)
{
    char host[128];
    if (lws_hdr_copy(wsi, host, sizeof(host), WSI_TOKEN_HOST) <= 0)
        return false;
    if (host[0] == '[') {
        char *end = strchr(host, ']');
        return end && (end[1] == 0 || end[1] == ':') && !strncmp(host, "[::1]", 5);
    }
    host[strcspn(host, ":")] = 0;
    /* An address, not a name that only begins like one (127.0.0.1.example.org). */
    struct in_addr v4;
    return !strcmp(host, "localhost") ||
           (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

static bool may_change(struct xw_status *status, struct lws *wsi)
{
    char token[256];
    return header(wsi, "x-xinwang-token:", token, sizeof(token)) &&
           (same_secret(token, status->token) ||
            same_secret(token, status->edge->config->status_token));
}

/* /video/ID/start, /video/ID/stop */
static int run_video(struct xw_status *status, struct lws *wsi, struct answer *a, char *path)
{
    char *id = path + strlen("/video/"), *verb = strrchr(id, '/');
    if (!may_change(status, wsi))
        return answer_error(wsi, a, 403, "forbidden");
    if (!verb)
        return answer_error(wsi, a, 404, "not_found");
    *verb++ = 0;
    bool start = !strcmp(verb, "start");
    if (!start && strcmp(verb, "stop") != 0)
        return answer_error(wsi, a, 400, "bad_request");
    int r = xw_video_run(status->edge->video, id, start);
    if (r < 0)
        return answer_error(wsi, a, r == -ENOENT ? 404 : 409,
                            r == -ENOENT ? "not_found" : "conflict");
    return answer_text(wsi, a, 200, "application/json", "{}\n");
}

static int decide(struct xw_status *status, struct lws *wsi, struct answer *a, char *path)
{
    char *device = path + strlen("/devices/"), *verb = strrchr(device, '/');
    if (!may_change(status, wsi))
        return answer_error(wsi, a, 403, "forbidden");
    if (!verb)
        return answer_error(wsi, a, 404, "not_found");
    *verb++ = 0;
    lws_urldecode(device, device, (int)strlen(device) + 1);
    bool accept = !strcmp(verb, "accept");
    size_t n = strlen(device);
    if ((!accept && strcmp(verb, "refuse") != 0) || n < 1 || n > 64 ||
        strspn(device, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-") != n)
        return answer_error(wsi, a, 400, "bad_request");
    xw_decide_set(status->edge->decide, device, accept, "site");
    return answer_text(wsi, a, 200, "application/json", "{}\n");
}

/* POST /enrol {"county","code"}: the body follows. */
static int begin_enrol(struct xw_status *status, struct lws *wsi, struct answer *a)
{
    if (!may_change(status, wsi))
        return answer_error(wsi, a, 403, "forbidden");
    if (!xw_status_may_enrol(status->edge))
        return answer_error(wsi, a, 409, "conflict");
    xw_buf_clear(&a->body);
    a->taking = true;
    return 0;
}

static int take_body(struct answer *a, const void *data, size_t size)
{
    if (!a->taking || a->body.n + size > ENROL_BODY_MAX)
        return 1;
    return xw_buf_append(&a->body, data, size) < 0;
}

static int enrol(struct xw_status *status, struct lws *wsi, struct answer *a)
{
    json_t *o = json_loadb((const char *)a->body.data, a->body.n, JSON_REJECT_DUPLICATES, NULL);
    const char *county = json_string_value(json_object_get(o, "county"));
    const char *code = json_string_value(json_object_get(o, "code"));
    int r = xw_status_may_enrol(status->edge) ? -EINVAL : -EBUSY;
    a->taking = false;
    if (a->body.n)
        sodium_memzero(a->body.data, a->body.n);
    if (county && code && r == -EINVAL)
        r = xw_edge_enrol_ask(status->edge->enrol, county, code);
    json_decref(o);
    if (r < 0)
        return answer_error(wsi, a, r == -EBUSY ? 409 : 400,
                            r == -EBUSY    ? "conflict"
                            : r == -EINVAL ? "county"
                                           : "code");
    return answer_text(wsi, a, 200, "application/json", "{}\n");
}

static int get(struct xw_status *status, struct lws *wsi, struct answer *a, const char *path)
{
    if (!strcmp(path, "/"))
        return answer_page(status, wsi, a);
    if (!strcmp(path, "/status.css"))
        return answer_text(wsi, a, 200, "text/css; charset=utf-8", xw_page_css);
    if (!strcmp(path, "/status.js"))
        return answer_text(wsi, a, 200, "text/javascript; charset=utf-8", xw_page_js);
    xw_buf_clear(&a->body);
    if (!strcmp(path, "/status.json"))
        return xw_status_json(status->edge, &a->body) < 0 ||
               begin_answer(wsi, a, 200, "application/json");
    if (!strcmp(path, "/healthz")) {
        bool good = true;
        return xw_status_health(status->edge, &a->body, &good) < 0 ||
               begin_answer(wsi, a, good ? 200 : 503, "application/json");
    }
    if (!strcmp(path, "/metrics"))
        return xw_metrics_render(&a->body) < 0 ||
               begin_answer(wsi, a, 200, "text/plain; version=0.0.4; charset=utf-8");
    return answer_error(wsi, a, 404, "not_found");
}

static int on_request(struct xw_status *status, struct lws *wsi, struct answer *a)
{
    char path[PATH_MAX_BYTES];
    if (!host_ok(wsi))
        return answer_error(wsi, a, 403, "host");
    if (lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_POST_URI) > 0) {
        if (!strcmp(path, "/enrol"))
            return begin_enrol(status, wsi, a);
        if (status->edge->enrolling)
            return answer_error(wsi, a, 404, "not_found");
        if (!strncmp(path, "/video/", 7))
            return run_video(status, wsi, a, path);
        if (strncmp(path, "/devices/", 9) != 0)
            return answer_error(wsi, a, 404, "not_found");
        return decide(status, wsi, a, path);
    }
    if (lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI) > 0)
        return get(status, wsi, a, path);
    return answer_error(wsi, a, 405, "method");
}

static int on_writeable(struct lws *wsi, struct answer *a)
{
    uint8_t chunk[LWS_PRE + CHUNK];
    if (!a->begun)
        return 0;
    size_t n = XW_MIN(a->body.n - a->sent, (size_t)CHUNK);
    bool last = a->sent + n == a->body.n;
    memcpy(chunk + LWS_PRE, a->body.data + a->sent, n);
    if (lws_write(wsi, chunk + LWS_PRE, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)n)
        return 1;
    a->sent += n;
    if (!last) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    a->begun = false;
    return lws_http_transaction_completed(wsi) ? 1 : 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t size)
{
    struct answer *a = user;
    struct lws_vhost *vhost = lws_get_vhost(wsi);
    struct xw_status *status = vhost ? lws_vhost_user(vhost) : NULL;
    int r;
    switch (reason) {
    case LWS_CALLBACK_HTTP_BIND_PROTOCOL:
        xw_buf_init(&a->body, BODY_MAX);
        return 0;
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        xw_buf_done(&a->body);
        return 0;
    case LWS_CALLBACK_HTTP: {
        if (!status)
            return 1;
        uint64_t t = xw_loop_watch_begin();
        r = on_request(status, wsi, a);
        xw_loop_watch_end(status->edge->loop, "edge.status", t);
        return r;
    }
    case LWS_CALLBACK_HTTP_BODY:
        return status ? take_body(a, in, size) : 1;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return !status || !a->taking ? 0 : enrol(status, wsi, a);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_writeable(wsi, a);
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, size);
    }
}

int xw_status_new(struct xw_edge *edge, struct xw_status **ret_status, uint16_t *ret_port)
{
    struct xw_status *status = calloc(1, sizeof(*status));
    uint8_t random[TOKEN_BYTES];
    if (!status)
        return -ENOMEM;
    status->edge = edge;
    randombytes_buf(random, sizeof(random));
    sodium_bin2hex(status->token, sizeof(status->token), random, sizeof(random));
    status->protocols[0] = (struct lws_protocols){
        .name = "http", .callback = callback, .per_session_data_size = sizeof(struct answer)};
    const struct xw_net_listen listen = {.name = "status",
                                         .address = edge->config->status_address,
                                         .port = (uint16_t)edge->config->status_port,
                                         .protocols = status->protocols,
                                         .user = status};
    int r = xw_net_listen(edge->net, &listen, &status->vhost, ret_port);
    if (r < 0) {
        free(status);
        return r;
    }
    *ret_status = status;
    return 0;
}

void xw_status_free(struct xw_status *status)
{
    if (!status)
        return;
    lws_vhost_destroy(status->vhost);
    xw_net_keep(status->edge->net, status); /* its sockets end later */
}
