/* One HTTP request of a browser, from its headers to the last byte of its answer.
 *
 * A request outlives its socket when a store read is under way: handlers keep a reference, and
 * answer whenever they like; an answer to a socket that has gone is thrown away. Exactly one answer
 * a request. Bytes go out one lws_write a WRITEABLE callback.
 *
 * Threads: loop thread only. Ownership: replies take the data given to them (json, bytes).
 * Limits: body XW_JSON_BODY_MAX_BYTES, path and arguments XW_HTTP_TEXT_N, 10 s for a body to come,
 * 30 s for an answer to be made. */
#ifndef XW_CENTER_HTTP_H
#define XW_CENTER_HTTP_H

#include "base/base.h"
#include "base/buf.h"
#include "base/uuid.h"
#include "center/center.h"
#include "center/json.h"
#include "center/sessions.h"
#include "center/users.h"

#include <libwebsockets.h>

enum { XW_HTTP_TEXT_N = 1024, XW_HTTP_CAPTURES = 1, XW_HTTP_CHUNK = 32768 };
enum xw_http_method { XW_HTTP_GET, XW_HTTP_HEAD, XW_HTTP_POST, XW_HTTP_OTHER };

struct xw_static_file;
struct xw_http_object;

struct xw_http_request {
    struct xw_center *center;
    uint32_t refs;
    struct lws *wsi; /* NULL: the browser has gone */
    enum xw_http_method method;
    char path[XW_HTTP_TEXT_N], args[XW_HTTP_TEXT_N];
    char host[256], peer[64], csrf[XW_TOKEN_TEXT_N], token[XW_TOKEN_TEXT_N];
    char etag[72]; /* If-None-Match; of an object: its own */
    char range[80], if_range[80];
    bool gzip_ok, brotli_ok, origin_ok, tls;
    char capture[XW_HTTP_CAPTURES][160];
    struct xw_buf body;
    uint64_t body_expected_n;
    int64_t began_us;
    /* Who asks, when a session was needed and found. */
    struct xw_user who;
    uint8_t session_hash[32];
    /* The answer. */
    bool replied, head_sent, close_after;
    unsigned status;
    const char *content_type;
    char cookie[192];
    uint8_t *data;
    const struct xw_static_file *file; /* held by its own count */
    struct xw_http_object *object;     /* the body comes out of the store (http_object.h) */
    char content_range[80];
    size_t size, sent;
};

struct xw_http_request *xw_http_ref(struct xw_http_request *req);
void xw_http_unref(struct xw_http_request *req);

/* Takes object. */
void xw_http_reply_json(struct xw_http_request *req, unsigned status, json_t *object);
/* Takes data (malloc). */
void xw_http_reply_bytes(struct xw_http_request *req, unsigned status, const char *content_type,
                         uint8_t *data, size_t size);
/* code: a word of the table in API.md, which also gives the status. */
void xw_http_reply_error(struct xw_http_request *req, const char *code, const char *text);
/* From a negative errno of the store. */
void xw_http_reply_errno(struct xw_http_request *req, int error);
/* A file, or 304 when the browser has it. */
void xw_http_reply_file(struct xw_http_request *req, const struct xw_static_file *file);

/* Value of an argument: NULL when missing. -EBADMSG when it is no whole number below 2^53. */
const char *xw_http_arg(const struct xw_http_request *req, const char *name, char *buf, size_t cap);
XW_MUST_CHECK int xw_http_arg_index(const struct xw_http_request *req, const char *name,
                                    uint64_t *ret_value);
/* The session of the request; NULL when it has ended meanwhile. */
struct xw_session *xw_http_session(struct xw_http_request *req);

/* http_send.c: one lws_write each; 0 or not: hang up. */
int xw_http_send_head(struct lws *wsi, struct xw_http_request *req);
int xw_http_send_chunk(struct lws *wsi, struct xw_http_request *req);

/* For protocols[0] of the browser's vhost. */
int xw_http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                     size_t len);

/* Shared with the live socket (http_head.c). */
bool xw_http_host_ok(const struct xw_center *center, const char *host);
/* The Origin names this very server: "http(s)://" + Host. Missing is false. */
bool xw_http_origin_ok(const char *origin, const char *host, bool tls);
/* The cookie xw_session of a Cookie header. */
XW_MUST_CHECK int xw_http_cookie(const char *header, char ret_token[XW_TOKEN_TEXT_N]);
XW_MUST_CHECK int xw_http_header(struct lws *wsi, enum lws_token_indexes token, char *ret_text,
                                 size_t cap);

/* route.c: finds the handler, checks session, role and CSRF, calls it. */
void xw_route(struct xw_http_request *req);

#endif
