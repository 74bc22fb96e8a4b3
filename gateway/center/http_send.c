/* Sending an answer: its headers, and its body in pieces. */
#include "center/http.h"

#include "center/http_object.h"
#include "center/static.h"

#include <stdio.h>
#include <string.h>

enum { HEAD_CAP = 4096 };

struct head {
    struct lws *wsi;
    uint8_t *at, *end;
    bool failed;
};

static void put(struct head *h, const char *name, const char *value)
{
    if (!value || !value[0])
        return;
    if (lws_add_http_header_by_name(h->wsi, (const unsigned char *)name,
                                    (const unsigned char *)value, (int)strlen(value), &h->at,
                                    h->end))
        h->failed = true;
}

static void put_policy(struct head *h, const struct xw_http_request *req)
{
    char csp[512];
    bool named = xw_http_host_ok(req->center, req->host);
    snprintf(csp, sizeof(csp),
             "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
             "media-src 'self' blob:; font-src 'self'; worker-src 'self'; manifest-src 'self'; "
             "connect-src 'self'%s%s; "
             "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
             !named     ? ""
             : req->tls ? " wss://"
                        : " ws://",
             named ? req->host : "");
    /* An object is data: opened by itself, it runs nothing and shows nothing of ours. */
    put(h, "content-security-policy:", req->object ? "default-src 'none'; sandbox" : csp);
    put(h, "x-content-type-options:", "nosniff");
    put(h, "x-frame-options:", "DENY");
    put(h, "referrer-policy:", "no-referrer");
    put(h, "cross-origin-opener-policy:", "same-origin");
    put(h, "cross-origin-resource-policy:", "same-origin");
    put(h, "permissions-policy:", "geolocation=(), payment=(), usb=()");
    if (req->tls)
        put(h, "strict-transport-security:", "max-age=31536000");
}

int xw_http_send_head(struct lws *wsi, struct xw_http_request *req)
{
    uint8_t buf[LWS_PRE + HEAD_CAP];
    struct head h = {.wsi = wsi, .at = buf + LWS_PRE, .end = buf + sizeof(buf)};
    const char *encoding = NULL;
    if (lws_add_http_header_status(wsi, req->status, &h.at, h.end))
        return -1;
    put(&h, "content-type:", req->file ? req->file->content_type : req->content_type);
    if (req->file) {
        xw_static_body(req->file, req->gzip_ok, req->brotli_ok, NULL, &encoding);
        if (req->status == 200)
            put(&h, "content-encoding:", encoding);
        put(&h, "vary:", "accept-encoding");
        put(&h, "etag:", req->file->etag);
    }
    if (req->object) {
        put(&h, "accept-ranges:", "bytes");
        put(&h, "etag:", req->etag);
        put(&h, "content-disposition:", "attachment");
    }
    put(&h, "content-range:", req->content_range);
    put(&h, "cache-control:",
        req->file && req->file->forever ? "public, max-age=31536000, immutable"
        : req->file                     ? "no-cache"
                                        : "no-store");
    put(&h, "retry-after:", req->status == 503 ? "1" : NULL); /* s */
    put(&h, "set-cookie:", req->cookie);
    if (req->close_after)
        put(&h, "connection:", "close");
    put_policy(&h, req);
    if (lws_add_http_header_content_length(wsi, req->size, &h.at, h.end) || h.failed)
        return -1;
    return lws_finalize_write_http_header(wsi, buf + LWS_PRE, &h.at, h.end);
}

int xw_http_send_chunk(struct lws *wsi, struct xw_http_request *req)
{
    uint8_t buf[LWS_PRE + XW_HTTP_CHUNK];
    const uint8_t *data = req->data;
    if (req->file)
        xw_static_body(req->file, req->gzip_ok, req->brotli_ok, &data, NULL);
    size_t n = XW_MIN(req->size - req->sent, (size_t)XW_HTTP_CHUNK);
    if (req->object)
        data = xw_http_object_take(req, n, &n);
    else
        data += req->sent;
    if (!data)
        return -1;
    memcpy(buf + LWS_PRE, data, n);
    bool last = req->sent + n == req->size;
    int r = lws_write(wsi, buf + LWS_PRE, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
    if (r < 0)
        return -1;
    req->sent += n;
    return 0;
}
