/* Signing in and out. */
#include "center/api.h"

#include "base/log.h"
#include "base/metrics.h"
#include "center/audit.h"
#include "center/demo.h"
#include "center/ratelimit.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

XW_COUNTER(logins_ok, "xw_center_logins_total", "outcome=\"ok\"", "sign-ins");
XW_COUNTER(logins_denied, "xw_center_logins_total", "outcome=\"denied\"", "sign-ins");
XW_COUNTER(logins_limited, "xw_center_logins_total", "outcome=\"limited\"", "sign-ins");

static json_t *me(const struct xw_http_request *req, const struct xw_user *user, const char *csrf)
{
    json_t *o = json_object();
    json_object_set_new(o, "user", xw_json_text(user->user));
    json_object_set_new(o, "name", xw_json_text(user->name));
    json_object_set_new(o, "role", json_string(xw_role_word(user->role)));
    json_object_set_new(o, "site", user->site[0] ? xw_json_text(user->site) : json_null());
    json_object_set_new(o, "csrf", json_string(csrf));
    json_object_set_new(o, "demo", json_boolean(req->center->config.demo));
    return o;
}

void xw_api_me(struct xw_http_request *req)
{
    const struct xw_session *session = req->who.user[0] ? xw_http_session(req) : NULL;
    if (session)
        xw_http_reply_json(req, 200, me(req, &req->who, session->csrf));
    else
        xw_http_reply_json(req, 200,
                           json_pack("{s:n, s:b}", "user", "demo", (int)req->center->config.demo));
}

static void set_cookie(struct xw_http_request *req, const char *token, int64_t max_age_s)
{
    snprintf(req->cookie, sizeof(req->cookie),
             "xw_session=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s", token,
             (long long)max_age_s, req->tls ? "; Secure" : "");
}

/* What a sign-in appends, until it is durable. */
struct entering {
    struct xw_http_request *req;
    json_t *answer;
    char token[XW_TOKEN_TEXT_N];
};

static void on_entered(void *user, int status)
{
    struct entering *e = user;
    /* A full disk must not keep a doctor from the screen: the session then lives in memory alone,
     * and the lost audit entry was counted and logged by the journal. */
    if (status < 0)
        xw_log_error("login.not_kept", XW_LOG_ERR(status));
    xw_counter_add(&logins_ok, 1);
    set_cookie(e->req, e->token, e->req->center->config.session_max_us / 1000000);
    xw_http_reply_json(e->req, 200, e->answer);
    xw_http_unref(e->req);
    sodium_memzero(e, sizeof(*e));
    free(e);
}

void xw_api_enter(struct xw_http_request *req, const struct xw_user *user)
{
    struct xw_center *center = req->center;
    struct xw_session *session;
    struct xw_audit_entry audit;
    struct xw_store_record records[2];
    uint8_t key[34];
    struct xw_buf body;
    struct entering *e = calloc(1, sizeof(*e));
    if (!e || xw_sessions_begin(center->sessions, user->user, e->token, &session) < 0) {
        free(e);
        xw_http_reply_error(req, "internal", "session");
        return;
    }
    e->req = xw_http_ref(req);
    e->answer = me(req, user, session->csrf);
    xw_buf_init(&body, 1024);
    int r = xw_session_pack(session, key, &body, &records[0]);
    xw_audit_fill(&audit, user->user, "login", user->user, "ok", &records[1]);
    if (r == 0)
        r = xw_journal_append(center->journal, records, 2, NULL, on_entered, e);
    if (r < 0)
        on_entered(e, r);
    xw_buf_done(&body);
}

/* One password on a worker. */
struct trying {
    struct xw_http_request *req;
    char user[XW_USER_NAME_N];
    char hash[XW_USER_HASH_N];
    char password[XW_PASSWORD_MAX_N + 1];
    size_t password_n;
    bool right;
};

static void check_work(void *arg)
{
    struct trying *t = arg;
    t->right = xw_secret_check(t->hash, t->password, t->password_n);
}

static void check_done(void *arg, int status)
{
    struct trying *t = arg;
    struct xw_http_request *req = t->req;
    struct xw_center *center = req->center;
    const struct xw_user *user = xw_users_find(center->users, t->user);
    if (status < 0) {
        xw_http_reply_error(req, "busy", "the server is ending");
    } else if (!t->right || !user || user->disabled) {
        xw_counter_add(&logins_denied, 1);
        /* An unknown name may be a password typed into the wrong field: it is not kept. */
        xw_audit(center, user ? user->user : "?", "login", user ? user->user : "?", "denied");
        xw_http_reply_error(req, "unauthorized", "name or password is wrong");
    } else {
        xw_limiter_forgive(center->limiter, 'u', t->user);
        xw_limiter_forgive(center->limiter, 'a', req->peer);
        xw_api_enter(req, user);
    }
    xw_http_unref(req);
    sodium_memzero(t, sizeof(*t));
    free(t);
}

static void try_password(struct xw_http_request *req, const char *name, const char *password)
{
    struct xw_center *center = req->center;
    const struct xw_user *user = xw_users_find(center->users, name);
    struct trying *t = calloc(1, sizeof(*t));
    if (!t) {
        xw_http_reply_error(req, "internal", "memory");
        return;
    }
    t->req = xw_http_ref(req);
    t->password_n = strlen(password);
    memcpy(t->password, password, t->password_n);
    snprintf(t->user, sizeof(t->user), "%s", name);
    if (user && !user->disabled)
        memcpy(t->hash, user->hash, sizeof(t->hash));
    int r = xw_pool_submit(center->pool, check_work, check_done, t);
    if (r < 0) {
        xw_limiter_forgive(center->limiter, 'u', name);
        xw_limiter_forgive(center->limiter, 'a', req->peer);
        xw_http_reply_error(req, "busy", "too many are signing in; try again");
        xw_http_unref(req);
        sodium_memzero(t, sizeof(*t));
        free(t);
    }
}

void xw_api_login(struct xw_http_request *req)
{
    struct xw_limiter *limiter = req->center->limiter;
    json_t *o;
    if (xw_json_parse(req->body.data, req->body.n, &o) < 0) {
        xw_http_reply_error(req, "bad_request", "a JSON object is needed");
        return;
    }
    const char *name = xw_json_get_text(o, "user", XW_USER_NAME_N - 1);
    const char *password = xw_json_get_text(o, "password", XW_PASSWORD_MAX_N);
    if (!name || !password || !xw_user_name_ok(name)) {
        xw_http_reply_error(req, "bad_request", "user, password");
    } else if (!xw_limiter_try(limiter, 'a', req->peer)) {
        xw_counter_add(&logins_limited, 1);
        xw_http_reply_error(req, "too_many", "wait a minute");
    } else if (!xw_limiter_try(limiter, 'u', name)) {
        xw_limiter_forgive(limiter, 'a', req->peer);
        xw_counter_add(&logins_limited, 1);
        xw_http_reply_error(req, "too_many", "wait a minute");
    } else {
        try_password(req, name, password);
    }
    sodium_memzero(req->body.data, req->body.n);
    json_decref(o);
}

void xw_api_logout(struct xw_http_request *req)
{
    struct xw_session *session = xw_http_session(req);
    if (session)
        xw_sessions_end(req->center->sessions, session);
    xw_audit(req->center, req->who.user, "logout", req->who.user, "ok");
    set_cookie(req, "", 0);
    xw_http_reply_json(req, 200, json_object());
}
