/* Varint-delimited framing of a byte stream. */
#include "base/frame.h"

#include "base/varint.h"

#include <string.h>

void xw_framer_init(struct xw_framer *framer, size_t max_n_bytes)
{
    size_t max = max_n_bytes ? max_n_bytes : XW_FRAME_MAX_N_BYTES;
    *framer = (struct xw_framer){.max = max};
    xw_buf_init(&framer->buf, max + XW_FRAME_HEADER_MAX_N_BYTES + XW_FRAME_PUSH_MAX_N_BYTES);
}

void xw_framer_done(struct xw_framer *framer)
{
    xw_buf_done(&framer->buf);
}

int xw_framer_push(struct xw_framer *framer, const void *data, size_t n_bytes)
{
    if (framer->error)
        return framer->error;
    xw_buf_drop(&framer->buf, framer->at);
    framer->offset += framer->at;
    framer->at = 0;
    int r = xw_buf_append(&framer->buf, data, n_bytes);
    return r == -EOVERFLOW ? -EMSGSIZE : r;
}

int xw_framer_next(struct xw_framer *framer, const uint8_t **ret_data, size_t *ret_n_bytes)
{
    if (framer->error)
        return framer->error;
    const uint8_t *p = framer->buf.data + framer->at;
    size_t there = framer->buf.n - framer->at;
    if (!there)
        return 0;
    uint64_t length;
    int header = xw_varint_get(p, there, &length);
    if (header == -EAGAIN && there < XW_FRAME_HEADER_MAX_N_BYTES)
        return 0;
    if (header < 0 || length > framer->max) {
        framer->error = -EBADMSG;
        return -EBADMSG;
    }
    if (length > there - (size_t)header)
        return 0;
    *ret_data = p + header;
    *ret_n_bytes = (size_t)length;
    framer->at += (size_t)header + (size_t)length;
    return 1;
}

uint64_t xw_framer_offset(const struct xw_framer *framer)
{
    return framer->offset + framer->at;
}

size_t xw_frame_header(size_t n_bytes, uint8_t ret_header[XW_FRAME_HEADER_MAX_N_BYTES])
{
    return xw_varint_put(ret_header, (uint32_t)n_bytes);
}

int xw_frame_append(struct xw_buf *buf, const void *data, size_t n_bytes)
{
    uint8_t header[XW_FRAME_HEADER_MAX_N_BYTES];
    if (n_bytes > UINT32_MAX)
        return -EOVERFLOW;
    size_t header_n = xw_frame_header(n_bytes, header);
    uint8_t *room;
    int r = xw_buf_reserve(buf, header_n + n_bytes, &room);
    if (r < 0)
        return r;
    memcpy(room, header, header_n);
    if (n_bytes)
        memcpy(room + header_n, data, n_bytes);
    xw_buf_added(buf, header_n + n_bytes);
    return 0;
}
