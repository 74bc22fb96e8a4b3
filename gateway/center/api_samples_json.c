/* Samples as JSON: for people and scripts, 60 s at most. */
#include "center/api.h"

#include "base/block.h"

#include <string.h>

enum { TEXT_MAX_BYTES = 32 << 20 };

struct writing {
    struct xw_http_request *req;
    struct xw_range range; /* what the answer covers */
    uint32_t channels_n;
    int32_t *values; /* n x channels, interleaved */
    uint8_t *have;
    struct xw_buf text;
    int status;
};

static void writing_free(struct writing *w)
{
    xw_http_unref(w->req);
    xw_buf_done(&w->text);
    free(w->values);
    free(w->have);
    free(w);
}

static int write_channel(struct writing *w, uint32_t channel)
{
    size_t n = (size_t)(w->range.end - w->range.first);
    int r = xw_buf_append_text(&w->text, channel ? ",[" : "[");
    for (size_t i = 0; r >= 0 && i < n; i++) {
        if (w->have[i])
            r = xw_buf_printf(&w->text, i ? ",%d" : "%d", w->values[i * w->channels_n + channel]);
        else
            r = xw_buf_append_text(&w->text, i ? ",null" : "null");
    }
    return r < 0 ? r : xw_buf_append_text(&w->text, "]");
}

/* On a worker. */
static void write_text(void *arg)
{
    struct writing *w = arg;
    int r = xw_buf_printf(&w->text, "{\"first\":%llu,\"next\":%llu,\"channels\":[",
                          (unsigned long long)w->range.first, (unsigned long long)w->range.end);
    for (uint32_t c = 0; r >= 0 && c < w->channels_n; c++)
        r = write_channel(w, c);
    if (r >= 0)
        r = xw_buf_append_text(&w->text, "]}");
    w->status = r < 0 ? r : 0;
}

static void on_written(void *arg, int status)
{
    struct writing *w = arg;
    if (status < 0 || w->status < 0) {
        xw_http_reply_error(w->req, "internal", "samples");
    } else {
        size_t n;
        uint8_t *data = xw_buf_take(&w->text, &n);
        xw_http_reply_bytes(w->req, 200, "application/json", data, n);
    }
    writing_free(w);
}

static int add_block(struct writing *w, const struct xw_store_block *b)
{
    size_t channels_n = w->channels_n;
    if (!xw_block_shape_ok(channels_n, b->count))
        return -EBADMSG;
    xw_autofree int32_t *x = malloc(channels_n * b->count * sizeof(*x));
    if (!x)
        return -ENOMEM;
    int r = xw_block_decode((enum xw_coding)b->coding, b->data, b->size, channels_n, b->count, x);
    if (r < 0)
        return r;
    uint64_t from = XW_MAX(b->first, w->range.first);
    uint64_t to = XW_MIN(b->first + b->count, w->range.end);
    if (from >= to)
        return 0;
    size_t at = (size_t)(from - w->range.first), n = (size_t)(to - from);
    memcpy(w->values + at * channels_n, x + (size_t)(from - b->first) * channels_n,
           n * channels_n * sizeof(*x));
    memset(w->have + at, 1, n);
    return 0;
}

void xw_api_samples_json(struct xw_http_request *req, struct xw_range range, uint32_t channels_n,
                         const struct xw_store_samples *samples)
{
    struct writing *w = calloc(1, sizeof(*w));
    if (!w) {
        xw_http_reply_error(req, "internal", "memory");
        return;
    }
    w->req = xw_http_ref(req);
    w->channels_n = channels_n;
    w->range.first = range.first;
    w->range.end = XW_MAX(range.first, XW_MIN(samples->next, range.end));
    size_t n = (size_t)(w->range.end - w->range.first);
    xw_buf_init(&w->text, TEXT_MAX_BYTES);
    w->values = calloc(n * channels_n + 1, sizeof(*w->values));
    w->have = calloc(n + 1, 1);
    int r = w->values && w->have ? 0 : -ENOMEM;
    for (size_t i = 0; r >= 0 && i < samples->blocks_n; i++)
        r = add_block(w, &samples->blocks[i]);
    if (r >= 0)
        r = xw_pool_submit(req->center->pool, write_text, on_written, w);
    if (r < 0) {
        xw_http_reply_error(req, r == -EAGAIN ? "busy" : "internal", "samples");
        writing_free(w);
    }
}
