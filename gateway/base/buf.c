/* The growable byte buffer with a hard limit. */
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_CAP_N_BYTES = 256 };

void xw_buf_init(struct xw_buf *buf, size_t max_n_bytes)
{
    *buf = (struct xw_buf){.max = max_n_bytes};
}

void xw_buf_done(struct xw_buf *buf)
{
    free(buf->data);
    xw_buf_init(buf, buf->max);
}

void xw_buf_clear(struct xw_buf *buf)
{
    buf->n = 0;
}

int xw_buf_reserve(struct xw_buf *buf, size_t n_bytes, uint8_t **ret_room)
{
    if (n_bytes > buf->max - buf->n)
        return -EOVERFLOW;
    size_t need = buf->n + n_bytes;
    if (need > buf->cap || !buf->data) {
        size_t cap = XW_MAX(buf->cap, (size_t)FIRST_CAP_N_BYTES);
        while (cap < need && cap <= buf->max / 2)
            cap *= 2;
        if (cap < need)
            cap = buf->max;
        uint8_t *data = realloc(buf->data, cap);
        if (!data)
            return -ENOMEM;
        buf->data = data;
        buf->cap = cap;
    }
    *ret_room = buf->data + buf->n;
    return 0;
}

void xw_buf_added(struct xw_buf *buf, size_t n_bytes)
{
    buf->n += n_bytes;
}

int xw_buf_append(struct xw_buf *buf, const void *data, size_t n_bytes)
{
    if (n_bytes == 0)
        return 0;
    uint8_t *room;
    int r = xw_buf_reserve(buf, n_bytes, &room);
    if (r < 0)
        return r;
    memcpy(room, data, n_bytes);
    buf->n += n_bytes;
    return 0;
}

int xw_buf_append_text(struct xw_buf *buf, const char *text)
{
    return xw_buf_append(buf, text, strlen(text));
}

int xw_buf_vprintf(struct xw_buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (n < 0)
        return -EINVAL;
    /* One byte more for the NUL that vsnprintf wants; it is not counted. */
    uint8_t *room;
    if ((size_t)n > buf->max - buf->n)
        return -EOVERFLOW;
    xw_autofree char *copy = NULL;
    if ((size_t)n == buf->max - buf->n) {
        copy = malloc((size_t)n + 1);
        if (!copy)
            return -ENOMEM;
        vsnprintf(copy, (size_t)n + 1, format, args);
        return xw_buf_append(buf, copy, (size_t)n);
    }
    int r = xw_buf_reserve(buf, (size_t)n + 1, &room);
    if (r < 0)
        return r;
    vsnprintf((char *)room, (size_t)n + 1, format, args);
    buf->n += (size_t)n;
    return 0;
}

int xw_buf_printf(struct xw_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int r = xw_buf_vprintf(buf, format, args);
    va_end(args);
    return r;
}

void xw_buf_drop(struct xw_buf *buf, size_t n_bytes)
{
    if (n_bytes == 0)
        return;
    buf->n -= n_bytes;
    memmove(buf->data, buf->data + n_bytes, buf->n);
}

uint8_t *xw_buf_take(struct xw_buf *buf, size_t *ret_n_bytes)
{
    uint8_t *data = buf->data;
    *ret_n_bytes = buf->n;
    xw_buf_init(buf, buf->max);
    return data;
}
