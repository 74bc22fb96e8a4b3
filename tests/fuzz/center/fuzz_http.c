/* What a browser's headers and arguments say. Input: which reader, then the text. */
#include "center/http.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_cookie(const char *text)
{
    char token[XW_TOKEN_TEXT_N];
    if (xw_http_cookie(text, token) == 0 &&
        (!memchr(token, 0, sizeof(token)) || !strstr(text, token)))
        abort();
}

static void read_origin(const char *text)
{
    const char *second = strchr(text, '\n');
    char host[256];
    if (!second || (size_t)(second - text) >= sizeof(host))
        return;
    memcpy(host, text, (size_t)(second - text));
    host[second - text] = 0;
    if (xw_http_origin_ok(second + 1, host, false) && !strstr(second + 1, "http://"))
        abort();
}

static void read_args(const char *text)
{
    static struct xw_http_request req;
    char small[8];
    uint64_t value = 0;
    size_t n = strlen(text);
    if (n >= sizeof(req.args))
        return;
    memcpy(req.args, text, n + 1);
    const char *found = xw_http_arg(&req, "first", small, sizeof(small));
    if (found && strlen(found) >= sizeof(small))
        abort();
    if (xw_http_arg_index(&req, "first", &value) == 0 && value >= UINT64_C(1) << 53)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *text = malloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    if (data[0] % 3 == 0)
        read_cookie(text);
    else if (data[0] % 3 == 1)
        read_origin(text);
    else
        read_args(text);
    free(text);
    return 0;
}
