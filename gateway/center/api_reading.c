/* Ten seconds of a stream measured as a 12-lead ECG: read from the archive, decoded here, measured
 * on a worker. No more than READINGS_MAX at once: each holds an engine of 3 MB, and a reader's
 * pictures go before them. */
#include "center/api.h"

#include "base/block.h"
#include "center/audit.h"
#include "center/hub.h"
#include "reading/reading.h"

#include <math.h>
#include <string.h>

enum { READINGS_MAX = 4, SAMPLES_MAX_BYTES = 4 << 20 };

struct reading {
    struct xw_http_request *req;
    const struct xw_reading_shared *shared;
    struct xw_uuid id;
    Xw__StreamHeader *header; /* a copy: the hub may let go of its own meanwhile */
    struct xw_range range;
    uint64_t at;     /* seen up to here */
    int32_t *counts; /* n x channels, interleaved */
    uint8_t *have;
    char *text;
    size_t text_bytes;
    int status;
};

static unsigned running; /* loop thread only */

static void reading_free(struct reading *g)
{
    if (g->req) {
        xw_http_unref(g->req);
        running--;
    }
    if (g->header)
        xw__stream_header__free_unpacked(g->header, NULL);
    free(g->counts);
    free(g->have);
    free(g->text);
    free(g);
}

static size_t rows(const struct reading *g)
{
    return (size_t)(g->range.end - g->range.first);
}

/* On a worker. */
static void measure(void *arg)
{
    struct reading *g = arg;
    struct xw_reading_ask ask = {.header = g->header,
                                 .first = g->range.first,
                                 .n = rows(g),
                                 .counts = g->counts,
                                 .have = g->have,
                                 .age_years = NAN};
    g->status = xw_reading_make(g->shared, &ask, &g->text, &g->text_bytes);
}

static void on_measured(void *arg, int status)
{
    struct reading *g = arg;
    if (status < 0) {
        xw_http_reply_error(g->req, "busy", "the server is ending");
    } else if (g->status == -EINVAL) {
        xw_http_reply_error(g->req, "bad_request", "not an ECG that can be measured");
    } else if (g->status < 0) {
        xw_http_reply_error(g->req, "internal", "reading");
    } else {
        xw_http_reply_bytes(g->req, 200, "application/json", (uint8_t *)g->text, g->text_bytes);
        g->text = NULL;
    }
    reading_free(g);
}

static int add_block(struct reading *g, const struct xw_store_block *b)
{
    size_t channels_n = g->header->n_channels;
    if (!xw_block_shape_ok(channels_n, b->count))
        return -EBADMSG;
    uint64_t from = XW_MAX(b->first, g->range.first);
    uint64_t to = XW_MIN(b->first + b->count, g->range.end);
    if (from >= to)
        return 0;
    xw_autofree int32_t *x = malloc(channels_n * b->count * sizeof(*x));
    if (!x)
        return -ENOMEM;
    int r = xw_block_decode((enum xw_coding)b->coding, b->data, b->size, channels_n, b->count, x);
    if (r < 0)
        return r;
    size_t at = (size_t)(from - g->range.first), n = (size_t)(to - from);
    memcpy(g->counts + at * channels_n, x + (size_t)(from - b->first) * channels_n,
           n * channels_n * sizeof(*x));
    memset(g->have + at, 1, n);
    return 0;
}

/* The store may stop before the end: what comes next is asked for until all of it was seen. */
static void on_samples(void *user, const struct xw_store_samples *samples)
{
    struct reading *g = user;
    int r = samples->status;
    for (size_t i = 0; r >= 0 && i < samples->blocks_n; i++)
        r = add_block(g, &samples->blocks[i]);
    if (r >= 0 && !g->req->wsi)
        r = -EAGAIN; /* nobody waits any more */
    if (r >= 0 && samples->next <= g->at)
        r = -EIO;
    if (r >= 0 && samples->next < g->range.end) {
        g->at = samples->next;
        r = xw_store_read(g->req->center->store, &g->id, (struct xw_range){g->at, g->range.end},
                          SAMPLES_MAX_BYTES, on_samples, g);
    } else if (r >= 0) {
        r = xw_pool_submit(g->req->center->pool, measure, on_measured, g);
    }
    if (r >= 0)
        return;
    xw_http_reply_errno(g->req, r);
    reading_free(g);
}

/* The range asked for, or the last ten seconds that are on the disk. */
static bool choose_range(struct xw_http_request *req, struct reading *g, size_t ten)
{
    struct xw_store_stream stream;
    char text[32];
    uint64_t end = 0;
    if (xw_store_stream(req->center->store, &g->id, &stream) == 0)
        end = xw_ranges_end(stream.known);
    g->range.first = end > ten ? end - ten : 0;
    uint64_t count = ten;
    if ((xw_http_arg(req, "from", text, sizeof(text)) &&
         xw_http_arg_index(req, "from", &g->range.first) < 0) ||
        (xw_http_arg(req, "count", text, sizeof(text)) &&
         xw_http_arg_index(req, "count", &count) < 0)) {
        xw_http_reply_error(req, "bad_request", "from, count");
        return false;
    }
    if ((double)count > XW_ECG12_SECONDS_MAX / 10 * (double)ten) {
        xw_http_reply_error(req, "bad_request", "count: 10.25 s at most");
        return false;
    }
    g->range.end = XW_MIN(g->range.first + count, end);
    if (g->range.end < g->range.first ||
        (double)rows(g) < XW_ECG12_SECONDS_MIN / 10 * (double)ten) {
        xw_http_reply_error(req, "not_found", "fewer than nine seconds are stored from there");
        return false;
    }
    return true;
}

static int copy_header(struct reading *g, const Xw__StreamHeader *header)
{
    size_t size = xw__stream_header__get_packed_size(header);
    xw_autofree uint8_t *packed = malloc(size + 1);
    if (!packed)
        return -ENOMEM;
    xw__stream_header__pack(header, packed);
    g->header = xw__stream_header__unpack(NULL, size, packed);
    return g->header ? 0 : -ENOMEM;
}

/* Answers and returns false where nothing can be read. */
static bool prepare(struct xw_http_request *req, struct reading *g)
{
    struct xw_hub_view view;
    size_t ten = 0;
    if (!xw_api_own_stream(req, &g->id))
        return false;
    if (xw_hub_find(req->center->hub, &g->id, &view) < 0 ||
        xw_reading_samples(view.header, &ten) < 0) {
        xw_http_reply_error(req, "bad_request", "not an ECG of 1 to 18 leads, 100 to 1000 Hz");
        return false;
    }
    if (!choose_range(req, g, ten))
        return false;
    if (running >= READINGS_MAX) {
        xw_http_reply_error(req, "busy", "reading");
        return false;
    }
    g->counts = calloc(rows(g) * view.header->n_channels + 1, sizeof(*g->counts));
    g->have = calloc(rows(g) + 1, 1);
    if (!g->counts || !g->have || copy_header(g, view.header) < 0) {
        xw_http_reply_error(req, "internal", "memory");
        return false;
    }
    return true;
}

void xw_api_reading(struct xw_http_request *req)
{
    struct reading *g = calloc(1, sizeof(*g));
    if (!g) {
        xw_http_reply_error(req, "internal", "memory");
        return;
    }
    if (!prepare(req, g)) {
        reading_free(g);
        return;
    }
    struct xw_session *session = xw_http_session(req);
    if (session && xw_session_note_read(session, &g->id, xw_clock_wall(NULL).us))
        xw_audit_stream(req->center, req->who.user, "view", &g->id);
    g->req = xw_http_ref(req);
    g->shared = req->center->readings;
    g->at = g->range.first;
    running++;
    int r = xw_store_read(req->center->store, &g->id, g->range, SAMPLES_MAX_BYTES, on_samples, g);
    if (r < 0) {
        xw_http_reply_errno(req, r);
        reading_free(g);
    }
}
