/* Codes for new gateways, and revoking one. */
#include "center/api.h"

#include "center/gatewayadmin.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

struct change {
    struct xw_http_request *req;
    struct xw_gatewayadmin ask;
};

static void done(void *user)
{
    struct change *c = user;
    struct xw_center *center = c->req->center;
    if (c->ask.error)
        xw_http_reply_error(c->req, c->ask.word ? c->ask.word : "internal", c->ask.error);
    else
        xw_http_reply_json(
            c->req, 200,
            xw_gatewayadmin_answer(&c->ask, center->identities, xw_clock_wall(NULL).us));
    xw_http_unref(c->req);
    sodium_memzero(&c->ask, sizeof(c->ask));
    free(c);
}

/* Takes request. */
static void change(struct xw_http_request *req, json_t *request)
{
    struct change *c = calloc(1, sizeof(*c));
    if (!c) {
        json_decref(request);
        xw_http_reply_error(req, "busy", "no memory");
        return;
    }
    c->req = xw_http_ref(req);
    snprintf(c->ask.by, sizeof(c->ask.by), "%s", req->who.user);
    int r = xw_gatewayadmin_read(request, &c->ask);
    json_decref(request);
    if (r < 0)
        done(c);
    else
        xw_center_change(req->center, &c->ask, done, c);
}

void xw_api_enrolments(struct xw_http_request *req)
{
    struct xw_gatewayadmin ask = {.verb = "codes"};
    json_t *o = xw_gatewayadmin_answer(&ask, req->center->identities, xw_clock_wall(NULL).us);
    json_object_set_new(o, "open", json_boolean(req->center->enrol != NULL));
    json_object_set_new(o, "port", json_integer(req->center->enrol_port));
    xw_http_reply_json(req, 200, o);
}

void xw_api_enrolment_create(struct xw_http_request *req)
{
    json_t *o;
    if (!req->center->enrol) {
        xw_http_reply_error(req, "conflict",
                            "this county has no authority: xinwang-admin authority init");
        return;
    }
    if (xw_json_parse(req->body.data, req->body.n, &o) < 0) {
        xw_http_reply_error(req, "bad_request", "a JSON object is needed");
        return;
    }
    json_object_set_new(o, "do", json_string("code"));
    change(req, o);
}

void xw_api_enrolment_withdraw(struct xw_http_request *req)
{
    change(req, json_pack("{s:s, s:s}", "do", "withdraw", "id", req->capture[0]));
}

void xw_api_gateway_revoke(struct xw_http_request *req)
{
    lws_urldecode(req->capture[0], req->capture[0], (int)sizeof(req->capture[0]));
    change(req, json_pack("{s:s, s:s}", "do", "revoke", "gateway", req->capture[0]));
}
