/* Message framing of the device's TCP stream: varint length, then that many bytes.
 *
 * The parser takes bytes in any cut and yields whole messages. A length that is not in canonical
 * form or above the limit is -EBADMSG, at once (not after the bytes came), and for good: the
 * stream cannot be trusted any more. A message of length 0 is legal.
 *
 * Threads: one at a time. Ownership: embedded; messages are borrowed until the next push.
 * Limits: a message of max_n_bytes (XW_FRAME_MAX_N_BYTES for devices); one push of 64 KiB. */
#ifndef XW_BASE_FRAME_H
#define XW_BASE_FRAME_H

#include "base/base.h"
#include "base/buf.h"

enum {
    XW_FRAME_MAX_N_BYTES = 256 * 1024,
    XW_FRAME_PUSH_MAX_N_BYTES = 64 * 1024,
    XW_FRAME_HEADER_MAX_N_BYTES = 5,
};

struct xw_framer {
    struct xw_buf buf;
    size_t at;       /* parsed so far within buf */
    size_t max;      /* largest message */
    uint64_t offset; /* of buf's first byte in the whole stream */
    int error;       /* sticky */
};

/* max_n_bytes 0 means XW_FRAME_MAX_N_BYTES. */
void xw_framer_init(struct xw_framer *framer, size_t max_n_bytes);
void xw_framer_done(struct xw_framer *framer);

/* Takes n <= 64 KiB bytes. The caller then calls next() until it returns 0, before the next push.
 * -EMSGSIZE: pushed too much without taking messages out; -ENOMEM; -EBADMSG once broken. */
int xw_framer_push(struct xw_framer *framer, const void *data, size_t n_bytes) XW_MUST_CHECK;
/* 1: ret_data, ret_n_bytes hold the next message; 0: more bytes are needed; -EBADMSG. */
int xw_framer_next(struct xw_framer *framer, const uint8_t **ret_data,
                   size_t *ret_n_bytes) XW_MUST_CHECK;
/* Position in the stream of the byte that next() looks at next: where an offence was found. */
uint64_t xw_framer_offset(const struct xw_framer *framer);

/* The header of a message of n bytes: returns its 1 to 5 bytes' number. n <= UINT32_MAX. */
size_t xw_frame_header(size_t n_bytes, uint8_t ret_header[XW_FRAME_HEADER_MAX_N_BYTES]);
/* Appends header and message. Errors of xw_buf_append; all or nothing. */
int xw_frame_append(struct xw_buf *buf, const void *data, size_t n_bytes) XW_MUST_CHECK;

#endif
