/* Events of a stream by range, with county time from the anchor nearest to the range. */
#include "center/api.h"

#include "center/hub.h"

#include <math.h>
#include <string.h>

enum { EVENTS_MAX = 2000 };

struct reading {
    struct xw_http_request *req;
    struct xw_uuid id;
    struct xw_range range;
    uint32_t kinds;
    /* The anchor. */
    bool anchored;
    uint64_t index;
    int64_t wall_us;
    double rate_hz;
};

static void reading_fail(struct reading *g, int error)
{
    xw_http_reply_errno(g->req, error);
    xw_http_unref(g->req);
    free(g);
}

static int64_t wall_of(const struct reading *g, uint64_t index)
{
    if (!g->anchored)
        return xw_hub_wall_us(g->req->center->hub, &g->id, index);
    double samples = index >= g->index ? (double)(index - g->index) : -(double)(g->index - index);
    return g->wall_us + (int64_t)llround(samples / g->rate_hz * 1e6);
}

static void on_events(void *user, const struct xw_store_records *records)
{
    struct reading *g = user;
    if (records->status < 0) {
        reading_fail(g, records->status);
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < records->records_n; i++) {
        const struct xw_store_record *record = &records->records[i];
        Xw__Event *event = xw__event__unpack(NULL, record->body_size, record->body);
        if (!event)
            continue;
        json_array_append_new(array, xw_json_event(event, record->key, record->key_size,
                                                   record->revision, wall_of(g, event->first)));
        xw__event__free_unpacked(event, NULL);
    }
    json_t *o = json_object();
    json_object_set_new(o, "events", array);
    json_object_set_new(o, "more", json_boolean(records->more));
    xw_http_reply_json(g->req, 200, o);
    xw_http_unref(g->req);
    free(g);
}

static void take_anchor(struct reading *g, const struct xw_store_record *record)
{
    Xw__Anchor *a = xw__anchor__unpack(NULL, record->body_size, record->body);
    if (!a)
        return;
    /* Without a known offset the hub's newest anchor, corrected by the link, does better. */
    if (a->county_offset_known && a->rate_hz > 0.01 && a->rate_hz < 1e6) {
        g->anchored = true;
        g->index = a->index;
        g->wall_us = a->gateway_wall_us + a->county_offset_us;
        g->rate_hz = a->rate_hz;
    }
    xw__anchor__free_unpacked(a, NULL);
}

static void on_anchors(void *user, const struct xw_store_records *records)
{
    struct reading *g = user;
    if (records->status == 0 && records->records_n > 0)
        take_anchor(g, &records->records[0]);
    int r = xw_store_events(g->req->center->store, &g->id, g->range, g->kinds, EVENTS_MAX,
                            on_events, g);
    if (r < 0)
        reading_fail(g, r);
}

/* A comma list of words; false when one is unknown. */
static bool read_kinds(const char *text, uint32_t *ret_kinds)
{
    uint32_t kinds = 0;
    while (*text) {
        size_t n = strcspn(text, ",");
        int kind = xw_json_event_kind_parse(text, n);
        if (kind < 0 || kind > 31)
            return false;
        kinds |= UINT32_C(1) << kind;
        text += n;
        text += *text == ',';
    }
    *ret_kinds = kinds;
    return kinds != 0;
}

void xw_api_events(struct xw_http_request *req)
{
    struct reading g = {.kinds = UINT32_MAX};
    char kinds[160];
    uint64_t first, count;
    if (!xw_api_own_stream(req, &g.id))
        return;
    if (xw_http_arg_index(req, "first", &first) < 0 ||
        xw_http_arg_index(req, "count", &count) < 0) {
        xw_http_reply_error(req, "bad_request", "first, count");
        return;
    }
    const char *words = xw_http_arg(req, "kinds", kinds, sizeof(kinds));
    if (words && words[0] && !read_kinds(words, &g.kinds)) {
        xw_http_reply_error(req, "bad_request", "kinds");
        return;
    }
    struct reading *own = malloc(sizeof(*own));
    if (!own) {
        xw_http_reply_error(req, "internal", "memory");
        return;
    }
    g.range = (struct xw_range){first, first + count};
    g.req = xw_http_ref(req);
    *own = g;
    int r = xw_store_anchors(req->center->store, &own->id, first, on_anchors, own);
    if (r == -ENOENT) {
        xw_http_reply_json(req, 200, json_pack("{s:[], s:b}", "events", "more", 0));
        xw_http_unref(req);
        free(own);
    } else if (r < 0) {
        reading_fail(own, r);
    }
}
