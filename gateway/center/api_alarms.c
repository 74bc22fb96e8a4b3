/* Alarms: the list, and acknowledging one. */
#include "center/api.h"

#include "center/alarms.h"
#include "center/gateways.h"
#include "center/hub.h"
#include "center/technical.h"

#include <string.h>

enum { ALARMS_LIST_MAX = 500 };

static bool sees_stream(void *user, const struct xw_uuid *stream)
{
    const struct xw_http_request *req = user;
    struct xw_hub_view view;
    if (!(req->who.role & XW_ROLE_SITE))
        return true;
    return xw_hub_find(req->center->hub, stream, &view) == 0 && xw_api_sees(req, view.site);
}

static bool sees_subject(void *user, const char *subject, const char *origin)
{
    const struct xw_http_request *req = user;
    if (!(req->who.role & XW_ROLE_SITE))
        return true;
    const struct xw_gateway *g = xw_gateways_find(req->center->gateways, subject);
    if (!g)
        g = xw_gateways_find(req->center->gateways, origin);
    return g && xw_api_sees(req, g->site);
}

void xw_api_alarms(struct xw_http_request *req)
{
    uint64_t limit = 100;
    int r = xw_http_arg_index(req, "limit", &limit);
    if (r < 0 && r != -ENOENT) {
        xw_http_reply_error(req, "bad_request", "limit");
        return;
    }
    limit = XW_MIN(limit, (uint64_t)ALARMS_LIST_MAX);
    json_t *o = json_object();
    json_object_set_new(o, "alarms",
                        xw_alarms_json(req->center->alarms, (size_t)limit, sees_stream, req));
    json_object_set_new(
        o, "technical",
        xw_technicals_json(req->center->technicals, (size_t)limit, sees_subject, req));
    xw_http_reply_json(req, 200, o);
}

static void on_acked(void *user, int status, const char *by, int64_t wall_us)
{
    struct xw_http_request *req = user;
    if (status < 0) {
        xw_http_reply_errno(req, status);
    } else {
        json_t *o = json_object();
        json_object_set_new(o, "acked_by", xw_json_text(by));
        json_object_set_new(o, "acked_wall_us", json_integer(wall_us));
        xw_http_reply_json(req, 200, o);
    }
    xw_http_unref(req);
}

void xw_api_alarm_ack(struct xw_http_request *req)
{
    uint8_t key[XW_EVENT_KEY_N];
    size_t n;
    const struct xw_alarm *alarm = NULL;
    if (xw_json_unhex(req->capture[0], key, sizeof(key), &n) == 0)
        alarm = xw_alarms_find(req->center->alarms, key, n);
    if (!alarm || !sees_stream(req, &alarm->stream)) {
        xw_http_reply_error(req, "not_found", "no such alarm");
        return;
    }
    int r = xw_alarms_ack(req->center->alarms, key, n, req->who.user, on_acked, xw_http_ref(req));
    if (r < 0) {
        xw_http_reply_errno(req, r);
        xw_http_unref(req);
    }
}
