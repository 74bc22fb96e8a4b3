/* What the county holds of a stream: known ranges, and the gaps with their reasons. */
#include "center/api.h"

#include "center/hub.h"

#include <string.h>

enum { GAPS_MAX = 256 };

/* Reasons lie in the store's files: one small read for each hole in the samples, one after another.
 */
struct reading {
    struct xw_http_request *req;
    struct xw_uuid id;
    struct xw_ranges holes; /* known, and no samples */
    size_t at;
    json_t *gaps;
};

static void read_next(struct reading *g);

static void finish(struct reading *g, int status)
{
    struct xw_store_stream stream;
    struct xw_hub_view view;
    if (status == 0)
        status = xw_store_stream(g->req->center->store, &g->id, &stream);
    if (status < 0) {
        json_decref(g->gaps);
        xw_http_reply_errno(g->req, status);
    } else {
        uint64_t newest = xw_ranges_end(stream.known);
        if (xw_hub_find(g->req->center->hub, &g->id, &view) == 0)
            newest = XW_MAX(newest, view.newest);
        json_t *o = json_object();
        json_object_set_new(o, "known", xw_json_ranges(stream.known));
        json_object_set_new(o, "gaps", g->gaps);
        json_object_set_new(o, "newest", json_integer((json_int_t)newest));
        xw_http_reply_json(g->req, 200, o);
    }
    xw_ranges_done(&g->holes);
    xw_http_unref(g->req);
    free(g);
}

static void on_gaps(void *user, const struct xw_store_samples *samples)
{
    struct reading *g = user;
    for (size_t i = 0; samples->status == 0 && i < samples->gaps_n; i++) {
        const struct xw_store_gap *gap = &samples->gaps[i];
        const char *reason = xw_json_gap_reason((int)gap->reason);
        json_array_append_new(g->gaps,
                              json_pack("{s:I, s:I, s:s}", "first", (json_int_t)gap->range.first,
                                        "count", (json_int_t)(gap->range.end - gap->range.first),
                                        "reason", reason ? reason : "other"));
    }
    g->at++;
    if (samples->status < 0)
        finish(g, samples->status);
    else
        read_next(g);
}

static void read_next(struct reading *g)
{
    if (g->at >= g->holes.n || !g->req->wsi) {
        finish(g, 0);
        return;
    }
    int r = xw_store_read(g->req->center->store, &g->id, g->holes.v[g->at], 1, on_gaps, g);
    if (r < 0)
        finish(g, r);
}

static int find_holes(struct reading *g)
{
    struct xw_store_stream stream;
    int r = xw_store_stream(g->req->center->store, &g->id, &stream);
    if (r < 0)
        return r;
    xw_ranges_init(&g->holes, stream.known->n + stream.blocks->n + 1);
    r = xw_ranges_copy(stream.known, &g->holes);
    if (r == 0)
        r = xw_ranges_subtract_all(&g->holes, stream.blocks);
    if (r == 0 && g->holes.n > GAPS_MAX)
        g->at = g->holes.n - GAPS_MAX;
    return r;
}

void xw_api_ranges(struct xw_http_request *req)
{
    struct xw_uuid id;
    if (!xw_api_own_stream(req, &id))
        return;
    struct reading *g = calloc(1, sizeof(*g));
    if (!g) {
        xw_http_reply_error(req, "internal", "memory");
        return;
    }
    g->id = id;
    g->req = xw_http_ref(req);
    g->gaps = json_array();
    int r = find_holes(g);
    if (r == 0) {
        read_next(g);
        return;
    }
    if (r == -ENOENT) /* announced, and nothing durable yet */
        xw_http_reply_json(req, 200, json_pack("{s:[], s:[], s:i}", "known", "gaps", "newest", 0));
    else
        xw_http_reply_errno(req, r);
    json_decref(g->gaps);
    xw_ranges_done(&g->holes);
    xw_http_unref(req);
    free(g);
}
