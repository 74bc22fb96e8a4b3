/* Request bodies, cookies and admin requests: nothing but an object gets in, and what is read from
 * it keeps its limits. */
#include "center/http.h"
#include "center/json.h"
#include "center/useradmin.h"

#include <stdlib.h>
#include <string.h>

static void check_body(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"user", "password", "stream", "state", "do", "role"};
    json_t *o = NULL;
    if (xw_json_parse(data, size, &o) < 0)
        return;
    if (!json_is_object(o))
        abort();
    for (size_t i = 0; i < XW_ARRAY_N(keys); i++) {
        const char *text = xw_json_get_text(o, keys[i], 32);
        if (text && (strlen(text) == 0 || strlen(text) > 32))
            abort();
    }
    uint64_t index;
    if (xw_json_get_index(o, "first", &index) == 0 && index >= UINT64_C(1) << 53)
        abort();
    struct xw_useradmin ask = {.hash_rounds = 1};
    if (xw_useradmin_read(o, &ask) == 0 && ask.error)
        abort();
    json_decref(o);
}

static void check_texts(const char *text)
{
    static struct xw_http_request req;
    char token[XW_TOKEN_TEXT_N];
    uint8_t bytes[64];
    uint64_t index;
    size_t n;
    if (xw_http_cookie(text, token) == 0 && strlen(token) != XW_TOKEN_TEXT_N - 1)
        abort();
    if (xw_json_unhex(text, bytes, sizeof(bytes), &n) == 0 && (n == 0 || n > sizeof(bytes)))
        abort();
    memset(req.args, 0, sizeof(req.args));
    memcpy(req.args, text, XW_MIN(strlen(text), sizeof(req.args) - 1));
    if (xw_http_arg_index(&req, "first", &index) == 0 && index >= UINT64_C(1) << 53)
        abort();
    (void)xw_http_origin_ok(text, "localhost:1", false);
    json_t *value = xw_json_text(text);
    if (!value)
        abort();
    json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    copy[size] = 0;
    check_texts(copy);
    free(copy);
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        return 0;
    if (size)
        memcpy(exact, data, size);
    check_body(exact, size);
    free(exact);
    return 0;
}
