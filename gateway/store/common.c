/* Shape of a stream out of its header, checking and cutting of blocks, growing of arrays. */
#include "store/internal.h"

#include "base/crc32c.h"
#include "proto/signal.pb-c.h"

#include <string.h>

static int shape_of(const struct xw_uuid *id, const Xw__StreamHeader *header,
                    struct store_shape *ret_shape)
{
    if (header->n_channels < 1 || header->n_channels > XW_BLOCK_CHANNELS_MAX)
        return -EBADMSG;
    if (header->rate == NULL || header->rate->num == 0 || header->rate->den == 0)
        return -EBADMSG;
    /* A header made before the id was known has none; one of another stream is a mix-up. */
    if (header->stream_id.len != 0 && (header->stream_id.len != XW_UUID_N_BYTES ||
                                       memcmp(header->stream_id.data, id->b, XW_UUID_N_BYTES) != 0))
        return -EBADMSG;
    ret_shape->channels_n = (uint32_t)header->n_channels;
    ret_shape->rate_hz = (double)header->rate->num / (double)header->rate->den;
    return 0;
}

int store_shape_parse(const struct xw_uuid *id, const void *header, size_t size,
                      struct store_shape *ret_shape)
{
    Xw__StreamHeader *message = xw__stream_header__unpack(NULL, size, header);
    if (message == NULL)
        return -EBADMSG;
    int r = shape_of(id, message, ret_shape);
    xw__stream_header__free_unpacked(message, NULL);
    return r;
}

int store_block_decode(const struct store_shape *shape, const struct xw_store_block *block,
                       int32_t *x)
{
    if (block->coding > XW_CODING_INT24 || !xw_block_shape_ok(shape->channels_n, block->count))
        return -EBADMSG;
    int r = xw_block_decode((enum xw_coding)block->coding, block->data, block->size,
                            shape->channels_n, block->count, x);
    if (r < 0)
        return -EBADMSG;
    if (xw_block_crc(x, shape->channels_n, block->count) != block->crc32c)
        return -EBADMSG;
    return 0;
}

int store_block_cut(const struct store_shape *shape, const struct xw_store_block *block,
                    const int32_t *x, struct xw_range piece, uint8_t *data,
                    struct xw_store_block *ret_piece)
{
    const int32_t *from = x + (piece.first - block->first) * shape->channels_n;
    size_t count = (size_t)(piece.end - piece.first);
    int r = xw_block_encode(XW_CODING_DELTA, from, shape->channels_n, count, data,
                            xw_block_bound(shape->channels_n, count));
    if (r < 0)
        return r;
    *ret_piece = (struct xw_store_block){
        .stream = block->stream,
        .first = piece.first,
        .count = (uint32_t)count,
        .coding = XW_CODING_DELTA,
        .crc32c = xw_block_crc(from, shape->channels_n, count),
        .data = data,
        .size = (size_t)r,
    };
    return 0;
}

int store_grow(void *v_pointer, size_t *cap, size_t n, size_t size, size_t max)
{
    if (n < *cap)
        return 0;
    if (n >= max)
        return -EOVERFLOW;
    size_t want = XW_MIN(*cap == 0 ? (size_t)8 : *cap * 2, max);
    void *old;
    memcpy(&old, v_pointer, sizeof old);
    void *grown = realloc(old, want * size);
    if (grown == NULL)
        return -ENOMEM;
    memcpy(v_pointer, &grown, sizeof grown);
    *cap = want;
    /* cppcheck-suppress memleak ; it is in *v_pointer, by memcpy */
    return 0;
}
