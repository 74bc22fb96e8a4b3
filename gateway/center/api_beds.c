/* Beds: the attachments of one patient's place, with their streams. */
#include "center/api.h"

#include "center/attachments.h"
#include "center/clips.h"
#include "center/hub.h"

#include <stdio.h>
#include <string.h>

enum { DAY_US_S = 86400, BEDS_MAX_BYTES = 64 << 20 };

struct row {
    const struct xw_attachment *attachment;
    const char *site;
    struct xw_uuid bed;
    uint32_t clips_n, streams_at, streams_n;
    bool live;
};

struct stream_row {
    struct xw_uuid attachment;
    struct xw_hub_view view;
};

struct gather {
    struct row *rows;
    size_t rows_n;
    struct stream_row *streams;
    size_t streams_n, streams_cap;
    int64_t now_us;
    bool failed;
};

const struct xw_attachment *xw_api_own_attachment(struct xw_http_request *req)
{
    struct xw_uuid id;
    const struct xw_attachment *a = NULL;
    if (xw_uuid_parse(req->capture[0], &id) == 0)
        a = xw_attachments_find(req->center->attachments, &id);
    if (!a || !xw_api_sees(req, xw_center_site(req->center, a->gateway_id))) {
        xw_http_reply_error(req, "not_found", "no such attachment");
        return NULL;
    }
    return a;
}

static void add_stream(void *user, const struct xw_hub_view *view)
{
    struct gather *g = user;
    struct xw_uuid id;
    if (xw_uuid_from_bytes(view->header->attachment_id.data, view->header->attachment_id.len, &id) <
        0)
        return;
    if (g->streams_n == g->streams_cap) {
        size_t cap = g->streams_cap ? g->streams_cap * 2 : 64;
        struct stream_row *v = realloc(g->streams, cap * sizeof(*v));
        if (!v) {
            g->failed = true;
            return;
        }
        g->streams = v;
        g->streams_cap = cap;
    }
    g->streams[g->streams_n++] = (struct stream_row){id, *view};
}

static int by_attachment(const void *a, const void *b)
{
    const struct stream_row *x = a, *y = b;
    int r = xw_uuid_compare(&x->attachment, &y->attachment);
    return r ? r : xw_uuid_compare(&x->view.id, &y->view.id);
}

/* Gateways by name, their named beds by name, then what has none. */
static int by_bed(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int r = strcmp(x->attachment->gateway_id, y->attachment->gateway_id);
    if (r == 0)
        r = !x->attachment->bed[0] - !y->attachment->bed[0];
    if (r == 0)
        r = strcmp(x->attachment->bed, y->attachment->bed);
    if (r == 0)
        r = strcmp(x->attachment->device, y->attachment->device);
    return r ? r : xw_uuid_compare(&x->attachment->id, &y->attachment->id);
}

static struct row *find_row(struct gather *g, const struct xw_uuid *id)
{
    size_t low = 0, high = g->rows_n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int r = xw_uuid_compare(&g->rows[middle].attachment->id, id);
        if (r == 0)
            return &g->rows[middle];
        if (r < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Attached, or heard of within a day. */
static bool of_interest(const struct gather *g, const struct row *row)
{
    if (!strcmp(row->attachment->kind, "file")) /* nobody lies there */
        return false;
    int64_t day_ago_us = g->now_us - DAY_US_S * INT64_C(1000000);
    bool recent = (row->attachment->told && row->attachment->attached) || row->live;
    for (uint32_t i = 0; i < row->attachment->newest_n && !recent; i++)
        recent = row->attachment->newest[i].wall_us > day_ago_us;
    for (uint32_t i = 0; i < row->streams_n && !recent; i++)
        recent = g->streams[row->streams_at + i].view.newest_wall_us > day_ago_us;
    return recent;
}

static int gather(struct xw_http_request *req, struct gather *g)
{
    struct xw_center *center = req->center;
    g->now_us = xw_clock_wall(NULL).us;
    g->rows = calloc(xw_attachments_n(center->attachments) + 1, sizeof(*g->rows));
    if (!g->rows)
        return -ENOMEM;
    xw_hub_each(center->hub, add_stream, g);
    if (g->failed)
        return -ENOMEM;
    if (g->streams_n)
        qsort(g->streams, g->streams_n, sizeof(*g->streams), by_attachment);
    for (size_t i = 0; i < xw_attachments_n(center->attachments); i++) {
        const struct xw_attachment *a = xw_attachments_at(center->attachments, i);
        const char *site = xw_center_site(center, a->gateway_id);
        if (xw_api_sees(req, site))
            g->rows[g->rows_n++] = (struct row){.attachment = a, .site = site, .bed = xw_bed_id(a)};
    }
    for (size_t i = 0; i < g->streams_n; i++) {
        struct row *row = find_row(g, &g->streams[i].attachment);
        if (!row)
            continue;
        if (row->streams_n++ == 0)
            row->streams_at = (uint32_t)i;
        row->live |= g->streams[i].view.live;
    }
    for (size_t i = 0; i < xw_clips_n(center->clips); i++) {
        struct row *row = find_row(g, &xw_clips_at(center->clips, i)->attachment);
        if (row)
            row->clips_n++;
    }
    if (g->rows_n)
        qsort(g->rows, g->rows_n, sizeof(*g->rows), by_bed);
    return 0;
}

static void gather_done(struct gather *g)
{
    free(g->rows);
    free(g->streams);
}

/* Text members go through jansson; `more` follows without its brace. */
static int append_object(struct xw_buf *buf, json_t *o, const char *more)
{
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    if (!text)
        return -ENOMEM;
    text[strlen(text) - 1] = 0;
    int r = xw_buf_printf(buf, "%s,%s", text, more);
    free(text);
    return r;
}

static int append_attachment(const struct xw_center *center, const struct gather *g,
                             const struct row *row, struct xw_buf *buf)
{
    const struct xw_attachment *a = row->attachment;
    const Xw__StreamHeader *header =
        row->streams_n ? g->streams[row->streams_at].view.header : NULL;
    const char *device = a->told || !header ? a->device : header->device_id;
    const char *model = a->told || !header ? a->model : header->device_model;
    int64_t since_us = a->since_gateway_us
                           ? xw_attachments_county_us(center->attachments, a->gateway_id,
                                                      a->since_gateway_us, false, 0)
                           : 0;
    json_t *o = json_object();
    json_object_set_new(o, "id", xw_json_uuid(&a->id));
    json_object_set_new(o, "device", xw_json_text(device));
    json_object_set_new(o, "model", xw_json_text(model));
    json_object_set_new(o, "kind", xw_json_text(a->kind));
    json_object_set_new(o, "attached", json_boolean(a->told ? a->attached : row->live));
    json_object_set_new(o, "since_wall_us", json_integer(since_us));
    json_object_set_new(o, "clips_n", json_integer(row->clips_n));
    int r = append_object(buf, o, "\"streams\":[");
    for (uint32_t i = 0; r >= 0 && i < row->streams_n; i++) {
        if (i)
            r = xw_buf_append_text(buf, ",");
        if (r >= 0)
            r = xw_api_append_stream(buf, &g->streams[row->streams_at + i].view);
    }
    return r < 0 ? r : xw_buf_append_text(buf, "]}");
}

/* The bed that begins at `first`; returns the row after its last, or a negative errno. */
static ssize_t append_bed(const struct xw_center *center, const struct gather *g, size_t first,
                          bool all, struct xw_buf *buf, bool *any)
{
    const struct row *head = &g->rows[first];
    size_t end = first, shown = 0;
    bool demo = false;
    for (; end < g->rows_n && xw_uuid_equal(&g->rows[end].bed, &head->bed); end++) {
        demo |= g->rows[end].attachment->demo;
        for (uint32_t i = 0; i < g->rows[end].streams_n; i++)
            demo |= g->streams[g->rows[end].streams_at + i].view.header->demo;
    }
    int r = 0;
    for (size_t i = first; r >= 0 && i < end; i++) {
        if (!all && !of_interest(g, &g->rows[i]))
            continue;
        if (shown++ == 0) {
            json_t *o = json_object();
            json_object_set_new(o, "id", xw_json_uuid(&head->bed));
            json_object_set_new(o, "gateway", xw_json_text(head->attachment->gateway_id));
            json_object_set_new(o, "site", xw_json_text(head->site));
            json_object_set_new(o, "bed", xw_json_text(head->attachment->bed));
            json_object_set_new(o, "demo", json_boolean(demo));
            r = *any ? xw_buf_append_text(buf, ",") : 0;
            *any = true;
            if (r >= 0)
                r = append_object(buf, o, "\"attachments\":[");
            else
                json_decref(o);
        } else {
            r = xw_buf_append_text(buf, ",");
        }
        if (r >= 0)
            r = append_attachment(center, g, &g->rows[i], buf);
    }
    if (r >= 0 && shown)
        r = xw_buf_append_text(buf, "]}");
    return r < 0 ? r : (ssize_t)end;
}

void xw_api_beds(struct xw_http_request *req)
{
    struct gather g = {0};
    struct xw_buf buf;
    bool any = false;
    xw_buf_init(&buf, BEDS_MAX_BYTES);
    int r = gather(req, &g);
    if (r >= 0)
        r = xw_buf_append_text(&buf, "{\"beds\":[");
    for (size_t i = 0; r >= 0 && i < g.rows_n;) {
        ssize_t end = append_bed(req->center, &g, i, false, &buf, &any);
        if (end < 0)
            r = (int)end;
        else
            i = (size_t)end;
    }
    if (r >= 0)
        r = xw_buf_append_text(&buf, "]}");
    xw_api_reply_buf(req, &buf, r);
    gather_done(&g);
}

void xw_api_bed(struct xw_http_request *req)
{
    struct gather g = {0};
    struct xw_buf buf;
    struct xw_uuid id;
    bool any = false;
    if (xw_uuid_parse(req->capture[0], &id) < 0) {
        xw_http_reply_error(req, "not_found", "no such bed");
        return;
    }
    xw_buf_init(&buf, BEDS_MAX_BYTES);
    int r = gather(req, &g);
    for (size_t i = 0; r >= 0 && i < g.rows_n && !any; i++)
        if (xw_uuid_equal(&g.rows[i].bed, &id)) {
            ssize_t end = append_bed(req->center, &g, i, true, &buf, &any);
            r = end < 0 ? (int)end : 0;
        }
    if (r >= 0 && !any) {
        xw_http_reply_error(req, "not_found", "no such bed");
        xw_buf_done(&buf);
    } else {
        xw_api_reply_buf(req, &buf, r);
    }
    gather_done(&g);
}
