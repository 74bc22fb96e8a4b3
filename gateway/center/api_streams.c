/* Streams, ranges, anchors, gateways. */
#include "center/api.h"

#include "base/log.h"
#include "center/gateways.h"
#include "center/hub.h"
#include "center/identities.h"

#include <stdio.h>
#include <string.h>

bool xw_api_sees(const struct xw_http_request *req, const char *site)
{
    if (!(req->who.role & XW_ROLE_SITE))
        return true;
    return site && site[0] && strcmp(req->who.site, site) == 0;
}

bool xw_api_own_stream(struct xw_http_request *req, struct xw_uuid *ret_id)
{
    struct xw_hub_view view;
    struct xw_uuid id;
    /* What a user may not see does not exist for him. */
    if (xw_uuid_parse(req->capture[0], &id) < 0 || xw_hub_find(req->center->hub, &id, &view) < 0 ||
        !xw_api_sees(req, view.site)) {
        xw_http_reply_error(req, "not_found", "no such stream");
        return false;
    }
    *ret_id = id;
    return true;
}

static json_t *lights(struct xw_hub_lights l)
{
    static const char *const words[] = {"unknown", "waiting", "proven"};
    return json_pack("{s:s,s:s,s:s}", "captured", words[l.captured], "gateway", words[l.gateway],
                     "county", words[l.county]);
}

/* The head is made once a stream; the rest changes with every block. Text goes through jansson. */
int xw_api_append_stream(struct xw_buf *buf, const struct xw_hub_view *v)
{
    json_t *o = json_object();
    json_object_set_new(o, "site", xw_json_text(v->site));
    json_object_set_new(o, "bed", xw_json_text(v->bed));
    json_object_set_new(o, "alarm", json_string(xw_json_priority((int)v->alarm)));
    json_object_set_new(o, "alarm_code", xw_json_text(v->alarm_code));
    json_object_set_new(o, "lights", lights(xw_hub_lights(v)));
    char *tail = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    if (!tail)
        return -ENOMEM;
    int r = xw_buf_printf(buf,
                          "{%s,\"newest\":%llu,\"newest_wall_us\":%lld,\"live\":%s,"
                          "\"suspended\":%s,\"rate_bpm\":%.1f,%s",
                          v->head_json, (unsigned long long)v->newest, (long long)v->newest_wall_us,
                          v->live ? "true" : "false", v->suspended ? "true" : "false",
                          (double)v->rate_bpm, tail + 1);
    free(tail);
    return r;
}

struct listing {
    const struct xw_http_request *req;
    struct xw_buf buf;
    bool first;
    int failed;
};

static void list_stream(void *user, const struct xw_hub_view *view)
{
    struct listing *l = user;
    if (l->failed < 0 || !xw_api_sees(l->req, view->site))
        return;
    if (!l->first)
        l->failed = xw_buf_append_text(&l->buf, ",");
    l->first = false;
    if (l->failed >= 0)
        l->failed = xw_api_append_stream(&l->buf, view);
}

void xw_api_reply_buf(struct xw_http_request *req, struct xw_buf *buf, int r)
{
    size_t n;
    if (r < 0) {
        xw_http_reply_error(req, "internal", "memory");
    } else {
        uint8_t *data = xw_buf_take(buf, &n);
        xw_http_reply_bytes(req, 200, "application/json", data, n);
    }
    xw_buf_done(buf);
}

void xw_api_streams(struct xw_http_request *req)
{
    struct listing l = {.req = req, .first = true};
    xw_buf_init(&l.buf, 64u << 20);
    l.failed = xw_buf_append_text(&l.buf, "{\"streams\":[");
    xw_hub_each(req->center->hub, list_stream, &l);
    if (l.failed >= 0)
        l.failed = xw_buf_append_text(&l.buf, "]}");
    xw_api_reply_buf(req, &l.buf, l.failed);
}

void xw_api_stream(struct xw_http_request *req)
{
    struct xw_uuid id;
    struct xw_hub_view view;
    struct xw_buf buf;
    if (!xw_api_own_stream(req, &id))
        return;
    xw_buf_init(&buf, 1u << 20);
    int r = xw_hub_find(req->center->hub, &id, &view);
    if (r == 0)
        r = xw_api_append_stream(&buf, &view);
    xw_api_reply_buf(req, &buf, r);
}

struct anchor_read {
    struct xw_http_request *req;
    uint64_t index;
};

static void on_anchors(void *user, const struct xw_store_records *records)
{
    struct anchor_read *a = user;
    json_t *before = NULL, *after = NULL;
    for (size_t i = 0; records->status == 0 && i < records->records_n; i++) {
        Xw__Anchor *anchor =
            xw__anchor__unpack(NULL, records->records[i].body_size, records->records[i].body);
        if (!anchor)
            continue;
        json_t **to = anchor->index <= a->index ? &before : &after;
        json_decref(*to);
        *to = xw_json_anchor(anchor);
        xw__anchor__free_unpacked(anchor, NULL);
    }
    if (records->status < 0) {
        xw_http_reply_errno(a->req, records->status);
    } else {
        json_t *o = json_object();
        json_object_set_new(o, "before", before ? before : json_null());
        json_object_set_new(o, "after", after ? after : json_null());
        xw_http_reply_json(a->req, 200, o);
    }
    xw_http_unref(a->req);
    free(a);
}

void xw_api_anchors(struct xw_http_request *req)
{
    struct xw_uuid id;
    uint64_t index;
    if (!xw_api_own_stream(req, &id))
        return;
    if (xw_http_arg_index(req, "index", &index) < 0) {
        xw_http_reply_error(req, "bad_request", "index");
        return;
    }
    struct anchor_read *a = calloc(1, sizeof(*a));
    int r = a ? 0 : -ENOMEM;
    if (a) {
        *a = (struct anchor_read){xw_http_ref(req), index};
        r = xw_store_anchors(req->center->store, &id, index, on_anchors, a);
    }
    if (r < 0) {
        xw_http_reply_errno(req, r);
        if (a)
            xw_http_unref(req);
        free(a);
    }
}

struct counting {
    const char *gateway_id;
    uint32_t n;
};

static void count_stream(void *user, const struct xw_hub_view *view)
{
    struct counting *c = user;
    c->n += view->live && strcmp(view->header->gateway_id, c->gateway_id) == 0;
}

/* Until when the newest certificate of a gateway holds, and whether it was revoked. */
static struct xw_json_identity identity_of(const struct xw_center *center, const char *id)
{
    const struct xw_identity *identity = xw_identities_find(center->identities, id);
    struct xw_json_identity o = {0};
    struct xw_cert_facts facts;
    if (identity)
        o = (struct xw_json_identity){identity->until_wall_us, identity->revoked_wall_us};
    if (!o.certificate_until_wall_us && center->downlink &&
        xw_downlink_certificate(center->downlink, id, &facts) == 0)
        o.certificate_until_wall_us = facts.until_s * 1000000;
    return o;
}

void xw_api_gateways(struct xw_http_request *req)
{
    const Xw__GatewayStatus *const *gateways;
    const char *const *sites;
    size_t n = xw_gateways_statuses(req->center->gateways, &gateways, &sites);
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++) {
        struct counting count = {gateways[i]->gateway_id, 0};
        if (!xw_api_sees(req, sites[i]))
            continue;
        xw_hub_each(req->center->hub, count_stream, &count);
        struct xw_json_identity identity = identity_of(req->center, gateways[i]->gateway_id);
        json_array_append_new(array, xw_json_gateway(gateways[i], count.n, &identity));
    }
    xw_http_reply_json(req, 200, json_pack("{s:o}", "gateways", array));
}
