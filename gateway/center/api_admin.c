/* What operators look at: audit, health, metrics. */
#include "center/api.h"

#include "base/log.h"
#include "base/metrics.h"
#include "center/audit.h"
#include "center/gateways.h"
#include "center/hub.h"

#include <string.h>

enum { AUDIT_LIMIT_MAX = 500, METRICS_MAX_BYTES = 4 << 20 };

XW_GAUGE(streams_gauge, "xw_center_streams", NULL, "streams known");
XW_GAUGE(live_gauge, "xw_center_live_streams", NULL, "streams that grew within 1.5 s");
XW_GAUGE(sockets_gauge, "xw_center_live_sockets", NULL, "live WebSockets");
XW_GAUGE(sessions_gauge, "xw_center_sessions", NULL, "sessions");
XW_GAUGE(linked_gauge, "xw_center_linked_gateways", NULL, "gateways linked");
XW_GAUGE(ring_gauge, "xw_center_ring_bytes", NULL, "memory of the live rings");
XW_GAUGE(store_gauge, "xw_center_store_bytes", NULL, "size of the archive");
XW_GAUGE(free_gauge, "xw_center_store_free_bytes", NULL, "room left for it");

static json_t *entry_json(const struct xw_store_record *record)
{
    json_t *o;
    if (record->key_size != XW_AUDIT_KEY_N ||
        xw_json_parse(record->body, record->body_size, &o) < 0)
        return NULL;
    json_object_set_new(o, "id", xw_json_id((const uint8_t *)record->key + 1, 16));
    json_object_set_new(o, "wall_us", json_integer(record->wall_us));
    return o;
}

static void on_entries(void *user, const struct xw_store_records *records)
{
    struct xw_http_request *req = user;
    if (records->status < 0) {
        xw_http_reply_errno(req, records->status);
    } else {
        json_t *array = json_array();
        for (size_t i = 0; i < records->records_n; i++) {
            json_t *entry = entry_json(&records->records[i]);
            if (entry)
                json_array_append_new(array, entry);
        }
        xw_http_reply_json(req, 200,
                           json_pack("{s:o, s:b}", "entries", array, "more", (int)records->more));
    }
    xw_http_unref(req);
}

void xw_api_audit(struct xw_http_request *req)
{
    char text[64];
    uint8_t after[XW_AUDIT_KEY_N] = {'A'};
    struct xw_uuid id;
    uint64_t limit = 100;
    const char *before = xw_http_arg(req, "before", text, sizeof(text));
    int r = xw_http_arg_index(req, "limit", &limit);
    if ((r < 0 && r != -ENOENT) || (before && xw_uuid_parse(before, &id) < 0)) {
        xw_http_reply_error(req, "bad_request", "before, limit");
        return;
    }
    if (before)
        memcpy(after + 1, id.b, sizeof(id.b));
    limit = XW_MIN(XW_MAX(limit, (uint64_t)1), (uint64_t)AUDIT_LIMIT_MAX);
    r = xw_store_records(req->center->store, XW_LOCAL_AUDIT, before ? after : NULL,
                         before ? sizeof(after) : 0, true, (size_t)limit, on_entries,
                         xw_http_ref(req));
    if (r < 0) {
        xw_http_reply_errno(req, r);
        xw_http_unref(req);
    }
}

static size_t linked_n(const struct xw_center *center)
{
    size_t n = 0;
    for (size_t i = 0; i < xw_gateways_n(center->gateways); i++)
        n += xw_gateways_at(center->gateways, i)->linked;
    return n;
}

void xw_api_healthz(struct xw_http_request *req)
{
    const struct xw_center *center = req->center;
    const char *store = center->space == XW_SPACE_OK    ? "ok"
                        : center->space == XW_SPACE_LOW ? "low"
                                                        : "full";
    const char *pages = center->pages ? "ok" : "not built";
    bool ok = center->space != XW_SPACE_FULL && center->serving && center->pages;
    json_t *checks = json_pack("{s:s, s:s, s:s, s:s}", "store", store, "link",
                               center->downlink ? "ok" : "closed", "pages", pages, "loop", "ok");
    xw_http_reply_json(req, ok ? 200 : 503,
                       json_pack("{s:s, s:o}", "status", ok ? "ok" : "degraded", "checks", checks));
}

static void set_gauges(const struct xw_center *center)
{
    struct xw_hub_stats hub;
    struct xw_store_stats store;
    xw_hub_stats(center->hub, &hub);
    xw_store_stats(center->store, &store);
    xw_gauge_set(&streams_gauge, hub.streams_n);
    xw_gauge_set(&live_gauge, hub.live_n);
    xw_gauge_set(&sockets_gauge, hub.sockets_n);
    xw_gauge_set(&ring_gauge, (int64_t)hub.ring_bytes);
    xw_gauge_set(&sessions_gauge, (int64_t)xw_sessions_n(center->sessions));
    xw_gauge_set(&linked_gauge, (int64_t)linked_n(center));
    xw_gauge_set(&store_gauge, (int64_t)store.bytes);
    xw_gauge_set(&free_gauge, (int64_t)store.free_bytes);
}

void xw_api_metrics(struct xw_http_request *req)
{
    struct xw_buf text;
    size_t n;
    if (!xw_center_is_loopback(req->peer)) {
        xw_http_reply_error(req, "not_found", "");
        return;
    }
    set_gauges(req->center);
    xw_buf_init(&text, METRICS_MAX_BYTES);
    int r = xw_metrics_render(&text);
    if (r < 0) {
        xw_http_reply_error(req, "internal", "metrics");
    } else {
        uint8_t *data = xw_buf_take(&text, &n);
        xw_http_reply_bytes(req, 200, "text/plain; version=0.0.4", data, n);
    }
    xw_buf_done(&text);
}
