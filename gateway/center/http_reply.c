/* Answers: what is to be sent, and the headers of all of them. */
#include "center/http.h"

#include "base/log.h"
#include "base/metrics.h"
#include "center/http_object.h"
#include "center/static.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(http_errors, "xw_center_http_errors_total", NULL,
           "requests answered with status >= 400");
XW_COUNTER(http_internal, "xw_center_http_internal_errors_total", NULL, "of them internal ones");

struct xw_http_request *xw_http_ref(struct xw_http_request *req)
{
    req->refs++;
    return req;
}

void xw_http_unref(struct xw_http_request *req)
{
    if (!req || --req->refs > 0)
        return;
    xw_buf_done(&req->body);
    free(req->data);
    xw_http_object_free(req->object);
    xw_static_unref(req->file);
    free(req);
}

static bool begin(struct xw_http_request *req, unsigned status, const char *content_type)
{
    if (req->replied)
        return false;
    req->replied = true;
    req->status = status;
    req->content_type = content_type;
    if (status >= 400)
        xw_counter_add(&http_errors, 1);
    return req->wsi != NULL;
}

void xw_http_reply_bytes(struct xw_http_request *req, unsigned status, const char *content_type,
                         uint8_t *data, size_t size)
{
    if (!begin(req, status, content_type)) {
        free(data);
        return;
    }
    req->data = data;
    req->size = size;
    lws_callback_on_writable(req->wsi);
}

void xw_http_reply_json(struct xw_http_request *req, unsigned status, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (!text) {
        xw_http_reply_error(req, "internal", "memory");
        return;
    }
    xw_http_reply_bytes(req, status, "application/json", (uint8_t *)text, strlen(text));
}

static const struct {
    const char *code;
    unsigned status;
} errors[] = {
    {"unauthorized", 401}, {"forbidden", 403}, {"not_found", 404}, {"bad_request", 400},
    {"conflict", 409},     {"too_large", 413}, {"range", 416},     {"too_many", 429},
    {"busy", 503},         {"storage", 507},   {"internal", 500},
};

void xw_http_reply_error(struct xw_http_request *req, const char *code, const char *text)
{
    unsigned status = 500;
    char with_id[64];
    for (size_t i = 0; i < XW_ARRAY_N(errors); i++)
        if (strcmp(errors[i].code, code) == 0)
            status = errors[i].status;
    if (status == 500) {
        struct xw_uuid id = xw_uuid_v7(NULL);
        char id_text[XW_UUID_TEXT_N_BYTES];
        xw_counter_add(&http_internal, 1);
        xw_log_error("http.internal", XW_LOG_STR("why", text), XW_LOG_STR("path", req->path),
                     XW_LOG_ID("id", &id));
        snprintf(with_id, sizeof(with_id), "%s", xw_uuid_format(&id, id_text));
        text = with_id;
    }
    json_t *body = json_pack("{s:s, s:s}", "error", code, "text", text);
    char *dump = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    xw_http_reply_bytes(req, status, "application/json", (uint8_t *)dump, dump ? strlen(dump) : 0);
}

void xw_http_reply_errno(struct xw_http_request *req, int error)
{
    switch (error) {
    case -EAGAIN:
        xw_http_reply_error(req, "busy", "a queue is full; try again");
        break;
    case -ENOSPC:
        xw_http_reply_error(req, "storage", "the county's disk is full: nothing was changed");
        break;
    case -ENOENT:
        xw_http_reply_error(req, "not_found", "");
        break;
    default:
        xw_log_warning("http.store", XW_LOG_ERR(error));
        xw_http_reply_error(req, "internal", "store");
    }
}

void xw_http_reply_file(struct xw_http_request *req, const struct xw_static_file *file)
{
    bool same = req->etag[0] && strcmp(req->etag, file->etag) == 0;
    if (!begin(req, same ? 304 : 200, file->content_type))
        return;
    req->file = xw_static_ref(file);
    req->size = same ? 0 : xw_static_body(file, req->gzip_ok, req->brotli_ok, NULL, NULL);
    lws_callback_on_writable(req->wsi);
}
