/* Live sockets of browsers. */
#include "center/live.h"

#include "base/log.h"
#include "base/metrics.h"
#include "center/alarmpath.h"
#include "center/attachments.h"
#include "center/audit.h"
#include "center/demo.h"
#include "center/http.h"
#include "center/hub.h"
#include "center/live_parse.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

XW_COUNTER(live_refused, "xw_center_live_refused_total", NULL, "live sockets refused");
XW_COUNTER(live_faults, "xw_center_live_faults_total", NULL,
           "live sockets closed because the browser broke a rule");
XW_COUNTER(live_out, "xw_center_live_bytes_total", NULL, "bytes sent to live sockets");

/* What the kernel may hold unsent: little, so that the socket's own age limit is what counts. */
enum { NOTSENT_LOWAT_BYTES = 16384, MESSAGE_MAX_BYTES = 4 << 20 };

/* libwebsockets' memory of one socket. */
struct live_socket {
    struct xw_center *center;
    struct lws *wsi;
    struct live_socket *next, **at;
    struct xw_hub_socket *hub;
    uint8_t session_hash[32];
    char user[XW_USER_NAME_N];
    uint8_t in[XW_BROWSER_MESSAGE_MAX_BYTES];
    size_t in_n;
    int64_t second_us;
    uint32_t in_second_n;
    bool closing;
    bool reader; /* of the county: alarms are for him */
};

/* All live sockets of the process: one loop, one list. */
static struct live_socket *sockets;

size_t xw_live_memory_n_bytes(void)
{
    return sizeof(struct live_socket);
}

static struct xw_center *center_of(struct lws *wsi)
{
    return lws_get_vhost_user(lws_get_vhost(wsi));
}

void xw_live_want_write(void *user, void *socket_user)
{
    (void)user;
    lws_callback_on_writable(((struct live_socket *)socket_user)->wsi);
}

static int refuse(struct lws *wsi, unsigned status, const char *why)
{
    xw_counter_add(&live_refused, 1);
    xw_log_notice("live.refused", XW_LOG_STR("why", why));
    return lws_return_http_status(wsi, status, NULL) < 0 ? -1 : 1;
}

static struct xw_session *session_of(struct lws *wsi)
{
    char cookie[1024], token[XW_TOKEN_TEXT_N];
    if (xw_http_header(wsi, WSI_TOKEN_HTTP_COOKIE, cookie, sizeof(cookie)) < 0 ||
        xw_http_cookie(cookie, token) < 0)
        return NULL;
    return xw_sessions_find(center_of(wsi)->sessions, token);
}

/* Before the upgrade: >0 = refused with a status. */
static int on_upgrade(struct lws *wsi)
{
    struct xw_center *center = center_of(wsi);
    char path[64], host[256], origin[512];
    if (xw_http_header(wsi, WSI_TOKEN_GET_URI, path, sizeof(path)) < 0 ||
        strcmp(path, "/live") != 0)
        return refuse(wsi, 404, "path");
    if (xw_http_header(wsi, WSI_TOKEN_HOST, host, sizeof(host)) < 0 ||
        !xw_http_host_ok(center, host))
        return refuse(wsi, 403, "host");
    if (xw_http_header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin)) < 0 ||
        !xw_http_origin_ok(origin, host, lws_is_ssl(wsi) != 0))
        return refuse(wsi, 403, "origin");
    const struct xw_session *session = session_of(wsi);
    if (!session)
        return refuse(wsi, 401, "session");
    if (center->sockets_n >= (uint32_t)center->config.sockets_max ||
        session->sockets_n >= XW_LIVE_PER_SESSION)
        return refuse(wsi, 503, "too many");
    return 0;
}

static int on_open(struct lws *wsi, struct live_socket *s)
{
    struct xw_center *center = center_of(wsi);
    struct xw_session *session = session_of(wsi);
    const struct xw_user *user = session ? xw_users_find(center->users, session->user) : NULL;
    memset(s, 0, sizeof(*s));
    if (!user || user->disabled)
        return -1;
    int lowat = NOTSENT_LOWAT_BYTES, on = 1;
    int fd = lws_get_socket_fd(wsi);
    (void)!setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof(lowat));
    (void)!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    s->center = center;
    s->wsi = wsi;
    memcpy(s->session_hash, session->hash, sizeof(s->session_hash));
    memcpy(s->user, user->user, sizeof(s->user));
    bool scoped = (user->role & XW_ROLE_SITE) != 0;
    s->reader = (user->role & XW_ROLE_READER) != 0;
    int r = xw_hub_socket_new(center->hub, scoped ? user->site : NULL, s, &s->hub);
    if (r < 0) {
        s->center = NULL;
        return -1;
    }
    session->sockets_n++;
    center->sockets_n++;
    s->at = &sockets;
    s->next = sockets;
    if (s->next)
        s->next->at = &s->next;
    sockets = s;
    return 0;
}

static void on_close(struct live_socket *s)
{
    if (!s || !s->center)
        return;
    struct xw_session *session = xw_sessions_peek(s->center->sessions, s->session_hash);
    if (session && session->sockets_n)
        session->sockets_n--;
    s->center->sockets_n--;
    xw_hub_socket_free(s->hub);
    *s->at = s->next;
    if (s->next)
        s->next->at = s->at;
    s->center = NULL;
}

/* The next message, if there is one: 1 sent, 0 nothing, negative: hang up. */
static int send_next(struct live_socket *s)
{
    /* One loop thread: one scratch buffer for all sockets. */
    static struct xw_buf out;
    if (!out.max)
        xw_buf_init(&out, LWS_PRE + MESSAGE_MAX_BYTES);
    uint8_t *room;
    xw_buf_clear(&out);
    if (xw_buf_reserve(&out, LWS_PRE, &room) < 0)
        return -1;
    xw_buf_added(&out, LWS_PRE);
    int r = xw_hub_next(s->hub, &out);
    if (r <= 0)
        return r;
    size_t n = out.n - LWS_PRE;
    if (lws_write(s->wsi, out.data + LWS_PRE, n, LWS_WRITE_BINARY) < (int)n)
        return -1;
    xw_counter_add(&live_out, n);
    return 1;
}

/* Says why, if the pipe has room, and closes with the code. From RECEIVE the caller returns this
 * -1. */
static int close_socket(struct live_socket *s, enum lws_close_status code, const char *fault,
                        const char *text)
{
    if (s->closing)
        return -1;
    s->closing = true;
    if (strcmp(fault, "unauthorized") != 0) {
        xw_counter_add(&live_faults, 1);
        xw_log_warning("live.fault", XW_LOG_STR("user", s->user), XW_LOG_STR("fault", fault),
                       XW_LOG_STR("text", text));
    }
    xw_hub_quiet(s->hub);
    xw_hub_fault(s->hub, fault, text, NULL);
    if (!lws_send_pipe_choked(s->wsi) && send_next(s) < 0)
        return -1;
    lws_close_reason(s->wsi, code, (unsigned char *)(uintptr_t)text, strlen(text));
    return -1;
}

/* From so much history on a watch is a reader opening a patient. */
enum { XW_LIVE_VIEW_MS = 2000 };

static void watch(struct live_socket *s, const struct xw_browser_message *m)
{
    int r = xw_hub_watch(s->hub, &m->stream, m->history_ms);
    if (r < 0) {
        xw_hub_fault(s->hub,
                     r == -ENOENT      ? "not_found"
                     : r == -EOVERFLOW ? "too_many"
                                       : "internal",
                     "cannot be watched", &m->stream);
        return;
    }
    if (m->history_ms < XW_LIVE_VIEW_MS)
        return; /* a strip in a list: nobody has opened this patient */
    xw_audit_stream(s->center, s->user, "view", &m->stream);
    const struct xw_user *user = xw_users_find(s->center->users, s->user);
    if (user)
        xw_demo_watched(s->center->demo, user->role);
}

static void watch_attachments(struct live_socket *s, const struct xw_browser_message *m)
{
    if (xw_hub_attachments(s->hub, m->attachments, m->attachments_n) < 0)
        xw_hub_fault(s->hub, "too_many", "64 attachments at most", NULL);
}

/* Somebody who looks at live pictures has opened the patient. */
static void watch_video(struct live_socket *s, const struct xw_browser_message *m)
{
    struct xw_center *center = s->center;
    if (!m->on) {
        xw_hub_picture_unwatch(s->hub, &m->stream);
        return;
    }
    const struct xw_attachment *a = xw_attachments_find(center->attachments, &m->stream);
    int r = -ENOENT;
    if (a && a->told && strcmp(a->kind, "video") == 0)
        r = xw_hub_picture_watch(s->hub, &m->stream, xw_center_site(center, a->gateway_id),
                                 m->need_key);
    if (r < 0)
        xw_hub_fault(s->hub, r == -ENOENT ? "not_found" : "too_many", "cannot be watched",
                     &m->stream);
    else if (r > 0)
        xw_audit_stream(center, s->user, "view", &m->stream);
}

static int take_message(struct live_socket *s)
{
    struct xw_browser_message m;
    if (xw_browser_message_parse(s->in, s->in_n, &m) < 0) {
        return close_socket(s, LWS_CLOSE_STATUS_PROTOCOL_ERR, "malformed", "not a BrowserMessage");
    }
    switch (m.kind) {
    case XW_BROWSER_WATCH:
        watch(s, &m);
        break;
    case XW_BROWSER_UNWATCH:
        xw_hub_unwatch(s->hub, &m.stream);
        break;
    case XW_BROWSER_LIST:
        xw_hub_list(s->hub, m.on);
        break;
    case XW_BROWSER_PING:
        xw_hub_pong(s->hub, m.client_us);
        break;
    case XW_BROWSER_ATTACHMENTS:
        watch_attachments(s, &m);
        break;
    case XW_BROWSER_VIDEO:
        watch_video(s, &m);
        break;
    case XW_BROWSER_SCREEN:
        xw_hub_screen(s->hub, m.on && s->reader);
        break;
    case XW_BROWSER_SEEN:
        if (s->reader)
            xw_alarmpath_seen(s->center->alarmpath, m.probe, m.held_us);
        break;
    case XW_BROWSER_NOTHING:
        break;
    }
    return 0;
}

static bool too_fast(struct live_socket *s)
{
    int64_t now_us = xw_clock_mono(NULL).us;
    if (now_us - s->second_us >= 1000000) {
        s->second_us = now_us;
        s->in_second_n = 0;
    }
    return ++s->in_second_n > XW_LIVE_RATE_PER_S;
}

static int on_receive(struct lws *wsi, struct live_socket *s, const void *data, size_t size)
{
    if (s->closing || !s->center->serving)
        return 0;
    if (!lws_frame_is_binary(wsi)) {
        return close_socket(s, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, "malformed",
                            "binary messages only");
    }
    if (size > sizeof(s->in) - s->in_n) {
        return close_socket(s, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "too_large", "4 KiB at most");
    }
    if (size)
        memcpy(s->in + s->in_n, data, size);
    s->in_n += size;
    if (lws_remaining_packet_payload(wsi) || !lws_is_final_fragment(wsi))
        return 0;
    if (too_fast(s))
        return close_socket(s, LWS_CLOSE_STATUS_POLICY_VIOLATION, "too_many", "too many messages");
    int r = take_message(s);
    s->in_n = 0;
    return r;
}

void xw_live_check(struct xw_center *center)
{
    for (struct live_socket *s = sockets; s; s = s->next) {
        if (s->center != center || s->closing)
            continue;
        struct xw_session *session = xw_sessions_peek(center->sessions, s->session_hash);
        if (session && xw_hub_watches(s->hub))
            xw_session_touch(center->sessions, session);
        if (!session && close_socket(s, LWS_CLOSE_STATUS_POLICY_VIOLATION, "unauthorized",
                                     "the session has ended") < 0)
            lws_set_timeout(s->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    }
}

int xw_live_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                     size_t len)
{
    struct live_socket *s = user;
    switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return strcmp(in, "websocket") == 0 ? on_upgrade(wsi) : -1;
    case LWS_CALLBACK_ESTABLISHED:
        return on_open(wsi, s);
    case LWS_CALLBACK_RECEIVE:
        return on_receive(wsi, s, in, len);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return s && s->center && send_next(s) < 0 ? -1 : 0;
    case LWS_CALLBACK_CLOSED:
        on_close(s);
        return 0;
    default:
        return 0;
    }
}
