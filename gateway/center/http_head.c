/* Reading what a browser says of itself: Host, Origin, cookie, arguments. */
#include "center/http.h"

#include <stdio.h>
#include <string.h>

int xw_http_header(struct lws *wsi, enum lws_token_indexes token, char *ret_text, size_t cap)
{
    int n = lws_hdr_total_length(wsi, token);
    ret_text[0] = 0;
    if (n <= 0)
        return -ENOENT;
    if ((size_t)n >= cap || lws_hdr_copy(wsi, ret_text, (int)cap, token) < 0) {
        ret_text[0] = 0;
        return -EOVERFLOW;
    }
    return 0;
}

/* Against DNS rebinding: a page of another name must not reach us through the browser. */
bool xw_http_host_ok(const struct xw_center *center, const char *host)
{
    const char *colon = strrchr(host, ':');
    size_t n = strlen(host);
    if (colon && strchr(colon, ']') == NULL)
        n = (size_t)(colon - host);
    for (size_t i = 0; i < center->config.browser_hosts.n; i++) {
        const char *name = center->config.browser_hosts.items[i];
        if (strlen(name) == n && strncasecmp(name, host, n) == 0)
            return true;
    }
    return false;
}

bool xw_http_origin_ok(const char *origin, const char *host, bool tls)
{
    const char *scheme = tls ? "https://" : "http://";
    size_t n = strlen(scheme);
    return host[0] && strncmp(origin, scheme, n) == 0 && strcasecmp(origin + n, host) == 0;
}

int xw_http_cookie(const char *header, char ret_token[XW_TOKEN_TEXT_N])
{
    static const char name[] = "xw_session=";
    const char *at = header;
    while (*at) {
        at += strspn(at, " ;");
        size_t n = strcspn(at, ";");
        if (n >= sizeof(name) - 1 && memcmp(at, name, sizeof(name) - 1) == 0) {
            size_t value_n = n - (sizeof(name) - 1);
            if (value_n != XW_TOKEN_TEXT_N - 1)
                return -EBADMSG;
            memcpy(ret_token, at + sizeof(name) - 1, value_n);
            ret_token[value_n] = 0;
            return 0;
        }
        at += n;
    }
    return -ENOENT;
}

const char *xw_http_arg(const struct xw_http_request *req, const char *name, char *buf, size_t cap)
{
    size_t name_n = strlen(name);
    for (const char *at = req->args; *at;) {
        size_t n = strcspn(at, "\n");
        if (n > name_n && at[name_n] == '=' && memcmp(at, name, name_n) == 0) {
            size_t value_n = n - name_n - 1;
            if (value_n >= cap)
                value_n = cap - 1;
            memcpy(buf, at + name_n + 1, value_n);
            buf[value_n] = 0;
            return buf;
        }
        at += n;
        at += *at == '\n';
    }
    return NULL;
}

int xw_http_arg_index(const struct xw_http_request *req, const char *name, uint64_t *ret_value)
{
    char text[32];
    if (!xw_http_arg(req, name, text, sizeof(text)))
        return -ENOENT;
    uint64_t value = 0;
    size_t n = strlen(text);
    if (n == 0 || n > 16)
        return -EBADMSG;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -EBADMSG;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    if (value >= (UINT64_C(1) << 53))
        return -EBADMSG;
    *ret_value = value;
    return 0;
}

struct xw_session *xw_http_session(struct xw_http_request *req)
{
    return xw_sessions_peek(req->center->sessions, req->session_hash);
}
