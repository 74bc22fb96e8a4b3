/* The demo's pages: steps, roles, the console. Outside demo mode there is nothing here. */
#include "center/api.h"

#include "base/log.h"
#include "center/audit.h"
#include "center/demo.h"

#include <string.h>

static void reply_demo(struct xw_http_request *req, const json_t *state)
{
    static const char *const lists[] = {"gateways", "patients", "actions"};
    json_t *o = json_object();
    json_object_set_new(o, "demo", json_true());
    json_object_set_new(o, "steps", xw_demo_steps(req->center->demo));
    json_object_set_new(o, "roles", xw_demo_roles());
    for (size_t i = 0; i < XW_ARRAY_N(lists); i++) {
        json_t *list = state ? json_object_get(state, lists[i]) : NULL;
        json_object_set_new(o, lists[i], json_is_array(list) ? json_deep_copy(list) : json_array());
    }
    json_object_set_new(o, "console", json_boolean(state != NULL));
    xw_http_reply_json(req, 200, o);
}

static void on_state(void *user, int status, const json_t *answer)
{
    struct xw_http_request *req = user;
    if (status < 0)
        xw_log_warning("demo.state", XW_LOG_ERR(status));
    if (status != -ECANCELED)
        reply_demo(req, answer);
    xw_http_unref(req);
}

void xw_api_demo(struct xw_http_request *req)
{
    if (!req->center->demo) {
        xw_http_reply_json(req, 200,
                           json_pack("{s:b, s:[], s:[], s:[], s:[], s:[]}", "demo", 0, "steps",
                                     "roles", "gateways", "patients", "actions"));
        return;
    }
    int r = xw_demo_ask(req->center->demo, "state", "", on_state, xw_http_ref(req));
    if (r < 0) {
        reply_demo(req, NULL);
        xw_http_unref(req);
    }
}

void xw_api_demo_enter(struct xw_http_request *req)
{
    json_t *o;
    struct xw_user user;
    enum xw_role role;
    if (!req->center->demo) {
        xw_http_reply_error(req, "not_found", "not in demo mode");
        return;
    }
    if (xw_json_parse(req->body.data, req->body.n, &o) < 0) {
        xw_http_reply_error(req, "bad_request", "a JSON object is needed");
        return;
    }
    const char *word = xw_json_get_text(o, "role", 32);
    int r = word ? xw_role_parse(word, &role) : -EINVAL;
    if (r == 0)
        r = xw_demo_user(req->center->demo, role, &user);
    json_decref(o);
    if (r == 0)
        xw_api_enter(req, &user);
    else if (r == -EINVAL)
        xw_http_reply_error(req, "bad_request", "role");
    else
        xw_http_reply_errno(req, r);
}

static void on_action(void *user, int status, const json_t *answer)
{
    struct xw_http_request *req = user;
    const char *error = answer ? xw_json_get_text(answer, "error", 200) : NULL;
    if (status == -ECANCELED)
        error = NULL;
    else if (status < 0)
        xw_http_reply_error(req, "busy", "the demo supervisor does not answer");
    else if (error)
        xw_http_reply_error(req, "conflict", error);
    else
        xw_http_reply_json(req, 200, json_object());
    xw_http_unref(req);
}

static bool known_action(const char *action)
{
    static const char *const actions[] = {
        "cut",          "heal",          "slow",
        "power_off",    "power_on", /* a gateway */
        "lead_off",     "lead_on",       "vf",
        "chest_pain",   "arms_reversed", "normal",        /* an ECG */
        "ctg_loss",     "ctg_decel",     "ctg_normal",    /* a fetal monitor */
        "spo2_off",     "desat",         "vitals_normal", /* a patient monitor */
        "video_start",  "video_stop",    "video_unplug",
        "video_normal", /* a picture source */
    };
    for (size_t i = 0; i < XW_ARRAY_N(actions); i++)
        if (strcmp(actions[i], action) == 0)
            return true;
    return false;
}

void xw_api_demo_action(struct xw_http_request *req)
{
    json_t *o;
    if (!req->center->demo) {
        xw_http_reply_error(req, "not_found", "not in demo mode");
        return;
    }
    if (xw_json_parse(req->body.data, req->body.n, &o) < 0) {
        xw_http_reply_error(req, "bad_request", "a JSON object is needed");
        return;
    }
    const char *action = xw_json_get_text(o, "action", 32);
    const char *target = xw_json_get_text(o, "target", 128);
    if (!action || !target || !known_action(action)) {
        xw_http_reply_error(req, "bad_request", "action, target");
    } else {
        xw_audit(req->center, req->who.user, "demo", action, "asked");
        int r = xw_demo_ask(req->center->demo, action, target, on_action, xw_http_ref(req));
        if (r < 0) {
            xw_http_reply_error(req, r == -ENOENT ? "not_found" : "busy", "no demo supervisor");
            xw_http_unref(req);
        }
    }
    json_decref(o);
}
