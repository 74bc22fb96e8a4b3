/* The head of an HTTP/1.1 answer: status and Content-Length; see enrol.h. */
#include "trust/enrol.h"

#include <string.h>
#include <strings.h>

/* Position behind the empty line; 0: not there yet. */
static size_t end_of_head(const char *data, size_t n)
{
    for (size_t i = 3; i < n; i++)
        if (memcmp(data + i - 3, "\r\n\r\n", 4) == 0)
            return i + 1;
    return 0;
}

static int status_of(const char *line, size_t n, unsigned *ret_status)
{
    if (n < 12 || memcmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ')
        return -EBADMSG;
    unsigned status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (line[i] < '0' || line[i] > '9')
            return -EBADMSG;
        status = status * 10 + (unsigned)(line[i] - '0');
    }
    if (status < 100 || (n > 12 && line[12] != ' '))
        return -EBADMSG;
    *ret_status = status;
    return 0;
}

static int length_of(const char *value, size_t n, size_t *ret_length)
{
    size_t length = 0, digits = 0;
    while (n && *value == ' ')
        value++, n--;
    while (n && value[n - 1] == ' ')
        n--;
    for (; digits < n; digits++) {
        if (value[digits] < '0' || value[digits] > '9')
            return -EBADMSG;
        length = length * 10 + (size_t)(value[digits] - '0');
        if (length > XW_ENROL_ANSWER_MAX)
            return -EOVERFLOW;
    }
    if (!digits)
        return -EBADMSG;
    *ret_length = length;
    return 0;
}

int xw_enrol_head_read(const void *data, size_t n_bytes, unsigned *ret_status, size_t *ret_head_n,
                       size_t *ret_body_n)
{
    static const char name[] = "content-length:", chunked[] = "transfer-encoding:";
    const char *text = data;
    size_t head_n = end_of_head(text, XW_MIN(n_bytes, (size_t)XW_ENROL_HEAD_MAX)), length = 0;
    unsigned status = 0;
    bool has_length = false;
    int r = 0;
    if (!head_n)
        return n_bytes >= XW_ENROL_HEAD_MAX ? -EOVERFLOW : 0;
    for (size_t at = 0; r == 0 && at + 2 < head_n;) {
        const char *line = text + at, *end = memchr(line, '\r', head_n - at);
        if (!end || end[1] != '\n' || memchr(line, 0, (size_t)(end - line)))
            return -EBADMSG;
        size_t n = (size_t)(end - line);
        if (!at) {
            r = status_of(line, n, &status);
        } else if (n >= sizeof(name) - 1 && !strncasecmp(line, name, sizeof(name) - 1)) {
            r = has_length ? -EBADMSG
                           : length_of(line + sizeof(name) - 1, n - (sizeof(name) - 1), &length);
            has_length = true;
        } else if (n >= sizeof(chunked) - 1 && !strncasecmp(line, chunked, sizeof(chunked) - 1)) {
            r = -EBADMSG; /* our county says how long its answers are */
        }
        at += n + 2;
    }
    if (r == 0 && (!has_length || !status))
        r = -EBADMSG;
    if (r < 0)
        return r;
    *ret_status = status;
    *ret_head_n = head_n;
    *ret_body_n = length;
    return 1;
}
