/* Samples by range: blocks as they are (protobuf), or decoded (JSON). */
#include "center/api.h"

#include "base/block.h"
#include "base/log.h"
#include "base/metrics.h"
#include "center/audit.h"
#include "center/hub.h"

#include "live.pb-c.h"

#include <string.h>

enum { SAMPLES_MAX_BYTES = 4 << 20, JSON_MAX_S = 60 };

XW_COUNTER(samples_served, "xw_center_range_bytes_total", NULL, "bytes of samples read by range");

struct reading {
    struct xw_http_request *req;
    struct xw_uuid id;
    struct xw_range range;
    bool json;
    uint32_t channels_n;
};

static void reading_free(struct reading *g)
{
    xw_http_unref(g->req);
    free(g);
}

/* ---- protobuf ---- */

/* Coding 0 for browsers, whatever the archive made of it. Returns the bytes, in *ret_own if they
 * had to be made. */
static int as_delta(const struct reading *g, const struct xw_store_block *block, Xw__Block *wire,
                    uint8_t **ret_own)
{
    wire->data.data = (uint8_t *)(uintptr_t)block->data;
    wire->data.len = block->size;
    *ret_own = NULL;
    if (block->coding == XW_CODING_DELTA)
        return 0;
    if (!xw_block_shape_ok(g->channels_n, block->count))
        return -EBADMSG;
    size_t bound = xw_block_bound(g->channels_n, block->count);
    xw_autofree int32_t *x = malloc((size_t)g->channels_n * block->count * sizeof(*x));
    uint8_t *own = malloc(bound);
    int r = x && own ? xw_block_decode((enum xw_coding)block->coding, block->data, block->size,
                                       g->channels_n, block->count, x)
                     : -ENOMEM;
    if (r == 0)
        r = xw_block_encode(XW_CODING_DELTA, x, g->channels_n, block->count, own, bound);
    if (r < 0) {
        free(own);
        return r;
    }
    wire->data.data = *ret_own = own;
    wire->data.len = (size_t)r;
    return 0;
}

struct answer {
    Xw__SampleRange range;
    Xw__Block *blocks, **block_pointers;
    uint8_t **own;
    Xw__Gap *gaps, **gap_pointers;
    Xw__Range *unknown, **unknown_pointers;
};

static void answer_done(struct answer *a)
{
    for (size_t i = 0; a->own && i < a->range.n_blocks; i++)
        free(a->own[i]);
    free(a->own);
    free(a->blocks);
    free(a->block_pointers);
    free(a->gaps);
    free(a->gap_pointers);
    free(a->unknown);
    free(a->unknown_pointers);
}

static int answer_alloc(struct answer *a, const struct xw_store_samples *s)
{
    size_t unknown_n = s->unknown ? s->unknown->n : 0;
    a->own = calloc(s->blocks_n + 1, sizeof(*a->own));
    a->blocks = calloc(s->blocks_n + 1, sizeof(*a->blocks));
    a->block_pointers = calloc(s->blocks_n + 1, sizeof(Xw__Block *));
    a->gaps = calloc(s->gaps_n + 1, sizeof(*a->gaps));
    a->gap_pointers = calloc(s->gaps_n + 1, sizeof(Xw__Gap *));
    a->unknown = calloc(unknown_n + 1, sizeof(*a->unknown));
    a->unknown_pointers = calloc(unknown_n + 1, sizeof(Xw__Range *));
    return a->own && a->blocks && a->block_pointers && a->gaps && a->gap_pointers && a->unknown &&
                   a->unknown_pointers
               ? 0
               : -ENOMEM;
}

static int answer_fill(const struct reading *g, struct answer *a, const struct xw_store_samples *s)
{
    xw__sample_range__init(&a->range);
    int r = answer_alloc(a, s);
    for (size_t i = 0; r == 0 && i < s->blocks_n; i++) {
        Xw__Block *wire = &a->blocks[i];
        xw__block__init(wire);
        wire->stream_id.len = sizeof(g->id.b);
        wire->stream_id.data = (uint8_t *)(uintptr_t)g->id.b;
        wire->first = s->blocks[i].first;
        wire->count = s->blocks[i].count;
        wire->crc32c = s->blocks[i].crc32c;
        r = as_delta(g, &s->blocks[i], wire, &a->own[i]);
        a->block_pointers[a->range.n_blocks++] = wire;
    }
    for (size_t i = 0; r == 0 && i < s->gaps_n; i++) {
        xw__gap__init(&a->gaps[i]);
        a->gaps[i].stream_id.len = sizeof(g->id.b);
        a->gaps[i].stream_id.data = (uint8_t *)(uintptr_t)g->id.b;
        a->gaps[i].first = s->gaps[i].range.first;
        a->gaps[i].count = s->gaps[i].range.end - s->gaps[i].range.first;
        a->gaps[i].reason = (Xw__GapReason)s->gaps[i].reason;
        a->gap_pointers[a->range.n_gaps++] = &a->gaps[i];
    }
    for (size_t i = 0; r == 0 && s->unknown && i < s->unknown->n; i++) {
        xw__range__init(&a->unknown[i]);
        a->unknown[i].first = s->unknown->v[i].first;
        a->unknown[i].count = s->unknown->v[i].end - s->unknown->v[i].first;
        a->unknown_pointers[a->range.n_unknown++] = &a->unknown[i];
    }
    a->range.blocks = a->block_pointers;
    a->range.gaps = a->gap_pointers;
    a->range.unknown = a->unknown_pointers;
    a->range.next = s->next;
    return r;
}

static void reply_protobuf(struct reading *g, const struct xw_store_samples *s)
{
    struct answer a = {0};
    int r = answer_fill(g, &a, s);
    size_t size = r == 0 ? xw__sample_range__get_packed_size(&a.range) : 0;
    uint8_t *data = r == 0 ? malloc(size + 1) : NULL;
    if (data) {
        xw__sample_range__pack(&a.range, data);
        xw_counter_add(&samples_served, size);
        xw_http_reply_bytes(g->req, 200, "application/x-protobuf", data, size);
    } else {
        xw_log_warning("samples.failed", XW_LOG_ID("stream", &g->id), XW_LOG_ERR(r));
        xw_http_reply_error(g->req, "internal", "samples");
    }
    answer_done(&a);
}

static void on_samples(void *user, const struct xw_store_samples *samples)
{
    struct reading *g = user;
    if (samples->status < 0)
        xw_http_reply_errno(g->req, samples->status);
    else if (!g->req->wsi)
        xw_http_reply_error(g->req, "busy", "gone");
    else if (g->json)
        xw_api_samples_json(g->req, g->range, g->channels_n, samples);
    else
        reply_protobuf(g, samples);
    reading_free(g);
}

static bool read_range(struct xw_http_request *req, struct reading *g)
{
    struct xw_hub_view view;
    char format[16];
    uint64_t first, count;
    if (xw_http_arg_index(req, "first", &first) < 0 ||
        xw_http_arg_index(req, "count", &count) < 0 || count == 0 ||
        xw_hub_find(req->center->hub, &g->id, &view) < 0) {
        xw_http_reply_error(req, "bad_request", "first, count");
        return false;
    }
    const char *word = xw_http_arg(req, "format", format, sizeof(format));
    g->json = word && strcmp(word, "json") == 0;
    double rate_hz = (double)view.header->rate->num / (double)view.header->rate->den;
    if (g->json && (double)count > rate_hz * JSON_MAX_S) {
        xw_http_reply_error(req, "bad_request", "count: 60 s at most as JSON");
        return false;
    }
    g->range = (struct xw_range){first, first + count};
    g->channels_n = (uint32_t)view.header->n_channels;
    return true;
}

void xw_api_samples(struct xw_http_request *req)
{
    struct reading *g = calloc(1, sizeof(*g));
    if (!g) {
        xw_http_reply_error(req, "internal", "memory");
        return;
    }
    if (!xw_api_own_stream(req, &g->id) || !read_range(req, g)) {
        free(g);
        return;
    }
    struct xw_session *session = xw_http_session(req);
    if (g->json)
        xw_audit_stream(req->center, req->who.user, "export", &g->id);
    else if (session && xw_session_note_read(session, &g->id, xw_clock_wall(NULL).us))
        xw_audit_stream(req->center, req->who.user, "view", &g->id);
    g->req = xw_http_ref(req);
    int r = xw_store_read(req->center->store, &g->id, g->range, SAMPLES_MAX_BYTES, on_samples, g);
    if (r == -ENOENT) {
        /* Announced, nothing durable yet: all of it is still coming. */
        struct xw_ranges all;
        xw_ranges_init(&all, 1);
        r = xw_ranges_add(&all, g->range.first, g->range.end);
        struct xw_store_samples none = {.unknown = &all, .next = g->range.end};
        if (r == 0)
            on_samples(g, &none);
        xw_ranges_done(&all);
        if (r == 0)
            return;
    }
    if (r < 0) {
        xw_http_reply_errno(req, r);
        reading_free(g);
    }
}
