/* Objects of the store as answers. */
#include "center/http_object.h"

#include "base/log.h"
#include "base/metrics.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(object_bytes, "xw_center_object_bytes_total", NULL, "bytes of objects sent to browsers");
XW_COUNTER(object_failed, "xw_center_object_failures_total", NULL,
           "answers with an object ended because the store could not read it");

enum { AGAIN_MS = 50 };

struct xw_http_object {
    uint8_t sha256[32];
    uint64_t at, end; /* still to be read */
    uint8_t *data;
    size_t n, used;
    bool reading, failed;
    struct xw_timer *again;
};

/* Digits only, below 2^63. */
static bool number(const char **at, uint64_t *ret_value)
{
    const char *p = *at;
    uint64_t value = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (value > (UINT64_C(1) << 59))
            return false;
        value = value * 10 + (uint64_t)(*p - '0');
    }
    if (p == *at)
        return false;
    *at = p;
    *ret_value = value;
    return true;
}

int xw_http_range(const char *text, uint64_t size, uint64_t *ret_first, uint64_t *ret_count)
{
    uint64_t first = 0, last = 0;
    const char *at = text;
    if (strncmp(text, "bytes=", 6) != 0)
        return 0;
    at += 6;
    if (*at == '-') {
        at++;
        if (!number(&at, &last) || *at)
            return 0;
        if (last == 0 || size == 0)
            return -ERANGE;
        *ret_count = XW_MIN(last, size);
        *ret_first = size - *ret_count;
        return 1;
    }
    if (!number(&at, &first) || *at++ != '-')
        return 0;
    if (!*at)
        last = UINT64_MAX;
    else if (!number(&at, &last) || *at || last < first)
        return 0;
    if (first >= size)
        return -ERANGE;
    *ret_first = first;
    *ret_count = XW_MIN(last, size - 1) - first + 1;
    return 1;
}

void xw_http_object_free(struct xw_http_object *object)
{
    if (!object)
        return;
    xw_timer_free(object->again);
    free(object->data);
    free(object);
}

static void wake(struct xw_http_request *req)
{
    if (req->wsi)
        lws_callback_on_writable(req->wsi);
}

static void fail(struct xw_http_request *req, int error)
{
    req->object->failed = true;
    xw_counter_add(&object_failed, 1);
    xw_log_warning("http.object", XW_LOG_ERR(error));
    wake(req);
}

static void on_read(void *user, int status, const void *data, size_t size)
{
    struct xw_http_request *req = user;
    struct xw_http_object *o = req->object;
    o->reading = false;
    uint8_t *copy = status >= 0 && size ? malloc(size) : NULL;
    if (!copy || size > o->end - o->at) {
        free(copy);
        fail(req, status < 0 ? status : -EIO);
    } else {
        memcpy(copy, data, size);
        free(o->data);
        o->data = copy;
        o->n = size;
        o->used = 0;
        o->at += size;
        wake(req);
    }
    xw_http_unref(req);
}

static void read_on(struct xw_http_request *req);

static void on_again(void *arg)
{
    struct xw_http_request *req = arg;
    req->object->reading = false;
    if (req->wsi)
        read_on(req);
}

static void read_on(struct xw_http_request *req)
{
    struct xw_http_object *o = req->object;
    if (o->reading || o->failed || !req->center->store)
        return;
    size_t n = (size_t)XW_MIN(o->end - o->at, (uint64_t)XW_HTTP_OBJECT_READ);
    int r =
        xw_store_object_read(req->center->store, o->sha256, o->at, n, on_read, xw_http_ref(req));
    if (r < 0)
        xw_http_unref(req);
    if (r == -EAGAIN) {
        int t = o->again ? 0 : xw_timer_new(req->center->loop, on_again, req, &o->again);
        if (t == 0)
            xw_timer_start(o->again, AGAIN_MS, 0);
        r = t;
    }
    o->reading = r == 0;
    if (r < 0)
        fail(req, r);
}

bool xw_http_object_ready(struct xw_http_request *req)
{
    const struct xw_http_object *o = req->object;
    if (o->used < o->n || o->failed)
        return true;
    read_on(req);
    return o->failed;
}

const uint8_t *xw_http_object_take(struct xw_http_request *req, size_t max, size_t *ret_n)
{
    struct xw_http_object *o = req->object;
    if (o->failed || o->used == o->n)
        return NULL;
    const uint8_t *at = o->data + o->used;
    *ret_n = XW_MIN(max, o->n - o->used);
    o->used += *ret_n;
    xw_counter_add(&object_bytes, *ret_n);
    return at;
}

void xw_http_reply_object(struct xw_http_request *req, const uint8_t sha256[32], uint64_t size,
                          const char *content_type)
{
    uint64_t first = 0, count = size;
    char etag[72] = "\"";
    for (size_t i = 0; i < 32; i++)
        snprintf(etag + 1 + 2 * i, 4, "%02x\"", sha256[i]);
    bool part = req->range[0] && (!req->if_range[0] || strcmp(req->if_range, etag) == 0);
    int r = part ? xw_http_range(req->range, size, &first, &count) : 0;
    if (r == -ERANGE) {
        snprintf(req->content_range, sizeof(req->content_range), "bytes */%llu",
                 (unsigned long long)size);
        xw_http_reply_error(req, "range", "nothing of this range is there");
        return;
    }
    struct xw_http_object *o = calloc(1, sizeof(*o));
    if (!o) {
        xw_http_reply_error(req, "internal", "memory");
        return;
    }
    memcpy(o->sha256, sha256, 32);
    o->at = first;
    o->end = first + count;
    if (r == 1)
        snprintf(req->content_range, sizeof(req->content_range), "bytes %llu-%llu/%llu",
                 (unsigned long long)first, (unsigned long long)(first + count - 1),
                 (unsigned long long)size);
    snprintf(req->etag, sizeof(req->etag), "%s", etag);
    xw_http_object_free(req->object);
    req->object = o;
    xw_http_reply_bytes(req, r == 1 ? 206 : 200, content_type, NULL, (size_t)count);
}
