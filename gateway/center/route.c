/* Which handler a request goes to, and whether it may. */
#include "center/api.h"

#include "center/static.h"

#include <stdio.h>
#include <string.h>

enum { OPEN = 0 };

struct route {
    enum xw_http_method method;
    const char *pattern; /* one * stands for one part of the path */
    unsigned roles;      /* OPEN: no session needed */
    void (*handler)(struct xw_http_request *req);
};

static const struct route routes[] = {
    {XW_HTTP_GET, "/healthz", OPEN, xw_api_healthz},
    {XW_HTTP_GET, "/metrics", OPEN, xw_api_metrics},
    {XW_HTTP_POST, "/api/login", OPEN, xw_api_login},
    {XW_HTTP_GET, "/api/me", OPEN, xw_api_me},
    {XW_HTTP_POST, "/api/logout", XW_ROLE_ANY, xw_api_logout},
    {XW_HTTP_GET, "/api/streams", XW_ROLE_ANY, xw_api_streams},
    {XW_HTTP_GET, "/api/streams/*", XW_ROLE_ANY, xw_api_stream},
    {XW_HTTP_GET, "/api/streams/*/ranges", XW_ROLE_ANY, xw_api_ranges},
    {XW_HTTP_GET, "/api/streams/*/samples", XW_ROLE_ANY, xw_api_samples},
    {XW_HTTP_GET, "/api/streams/*/reading", XW_ROLE_ANY, xw_api_reading},
    {XW_HTTP_GET, "/api/streams/*/events", XW_ROLE_ANY, xw_api_events},
    {XW_HTTP_GET, "/api/streams/*/anchors", XW_ROLE_ANY, xw_api_anchors},
    {XW_HTTP_GET, "/api/beds", XW_ROLE_ANY, xw_api_beds},
    {XW_HTTP_GET, "/api/beds/*", XW_ROLE_ANY, xw_api_bed},
    {XW_HTTP_GET, "/api/attachments/*/observations", XW_ROLE_ANY, xw_api_observations},
    {XW_HTTP_GET, "/api/attachments/*/clips", XW_ROLE_ANY, xw_api_clips},
    {XW_HTTP_GET, "/api/objects/*", XW_ROLE_ANY, xw_api_object},
    {XW_HTTP_GET, "/api/gateways", XW_ROLE_ANY, xw_api_gateways},
    {XW_HTTP_POST, "/api/gateways/*/revoke", XW_ROLE_ADMIN, xw_api_gateway_revoke},
    {XW_HTTP_GET, "/api/enrolments", XW_ROLE_ADMIN, xw_api_enrolments},
    {XW_HTTP_POST, "/api/enrolments", XW_ROLE_ADMIN, xw_api_enrolment_create},
    {XW_HTTP_POST, "/api/enrolments/*/withdraw", XW_ROLE_ADMIN, xw_api_enrolment_withdraw},
    {XW_HTTP_GET, "/api/alarms", XW_ROLE_ANY, xw_api_alarms},
    {XW_HTTP_POST, "/api/alarms/*/ack", XW_ROLE_ANY & ~XW_ROLE_ADMIN, xw_api_alarm_ack},
    {XW_HTTP_GET, "/api/studies", XW_ROLE_ANY, xw_api_studies},
    {XW_HTTP_GET, "/api/studies/*", XW_ROLE_ANY, xw_api_study},
    {XW_HTTP_POST, "/api/studies", XW_ROLE_ANY & ~XW_ROLE_ADMIN, xw_api_study_create},
    {XW_HTTP_POST, "/api/studies/*/state", XW_ROLE_ANY & ~XW_ROLE_ADMIN, xw_api_study_state},
    {XW_HTTP_GET, "/api/rules", XW_ROLE_ANY, xw_api_rules},
    {XW_HTTP_GET, "/api/rules/history", XW_ROLE_ANY, xw_api_rules_history},
    {XW_HTTP_POST, "/api/rules/check", XW_ROLE_ADMIN, xw_api_rules_check},
    {XW_HTTP_POST, "/api/rules", XW_ROLE_ADMIN, xw_api_rules_save},
    {XW_HTTP_POST, "/api/rules/back", XW_ROLE_ADMIN, xw_api_rules_back},
    {XW_HTTP_GET, "/api/audit", XW_ROLE_ADMIN, xw_api_audit},
    {XW_HTTP_GET, "/api/demo", OPEN, xw_api_demo},
    {XW_HTTP_POST, "/api/demo/enter", OPEN, xw_api_demo_enter},
    {XW_HTTP_POST, "/api/demo/action", XW_ROLE_ANY, xw_api_demo_action},
};

static bool matches(const char *pattern, const char *path, char *ret_capture, size_t cap)
{
    while (*pattern && *path) {
        if (*pattern == '*') {
            size_t n = strcspn(path, "/");
            if (n == 0 || n >= cap)
                return false;
            memcpy(ret_capture, path, n);
            ret_capture[n] = 0;
            path += n;
            pattern++;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return !*pattern && !*path;
}

/* Who asks: the session of the cookie, and the user as he is now. */
static bool identify(struct xw_http_request *req)
{
    struct xw_session *session = xw_sessions_find(req->center->sessions, req->token);
    if (!session)
        return false;
    const struct xw_user *user = xw_users_find(req->center->users, session->user);
    if (!user || user->disabled) {
        xw_sessions_end(req->center->sessions, session);
        return false;
    }
    req->who = *user;
    memcpy(req->session_hash, session->hash, sizeof(req->session_hash));
    return true;
}

static bool allowed(struct xw_http_request *req, const struct route *route)
{
    bool changes = route->method == XW_HTTP_POST;
    if (changes && !req->origin_ok) {
        xw_http_reply_error(req, "forbidden", "the request comes from another page");
        return false;
    }
    bool known = identify(req);
    if (route->roles == OPEN)
        return true;
    if (!known) {
        xw_http_reply_error(req, "unauthorized", "sign in first");
        return false;
    }
    const struct xw_session *session = xw_http_session(req);
    if (changes && (!session || !xw_secret_equal(session->csrf, req->csrf))) {
        xw_http_reply_error(req, "forbidden", "X-Xinwang-CSRF is missing or wrong");
        return false;
    }
    if (!(route->roles & req->who.role)) {
        xw_http_reply_error(req, "forbidden", "not for this role");
        return false;
    }
    return true;
}

static bool find_route(struct xw_http_request *req, bool *ret_path_known)
{
    for (size_t i = 0; i < XW_ARRAY_N(routes); i++) {
        char capture[sizeof(req->capture[0])] = "";
        if (!matches(routes[i].pattern, req->path, capture, sizeof(capture)))
            continue;
        *ret_path_known = true;
        bool head = req->method == XW_HTTP_HEAD && routes[i].method == XW_HTTP_GET;
        if (routes[i].method != req->method && !head)
            continue;
        snprintf(req->capture[0], sizeof(req->capture[0]), "%s", capture);
        if (allowed(req, &routes[i]))
            routes[i].handler(req);
        return true;
    }
    return false;
}

void xw_route(struct xw_http_request *req)
{
    bool known = false;
    if (!xw_http_host_ok(req->center, req->host)) {
        xw_http_reply_error(req, "forbidden", "this server does not go by that name");
        return;
    }
    if (!req->center->serving) {
        req->close_after = true;
        xw_http_reply_error(req, "busy", "the server is ending");
        return;
    }
    if (req->method == XW_HTTP_OTHER) {
        req->close_after = true;
        xw_http_reply_error(req, "bad_request", "GET, HEAD or POST");
        return;
    }
    if (find_route(req, &known))
        return;
    if (known) {
        xw_http_reply_error(req, "bad_request", "not with this method");
        return;
    }
    const struct xw_static_file *file = NULL;
    if (req->method != XW_HTTP_POST && strncmp(req->path, "/api/", 5) != 0 && req->center->pages)
        file = xw_static_find(req->center->pages,
                              strcmp(req->path, "/") == 0 ? "/index.html" : req->path);
    if (file)
        xw_http_reply_file(req, file);
    else
        xw_http_reply_error(req, "not_found", "");
}
