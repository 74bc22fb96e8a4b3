/* A byte buffer that grows up to a hard limit, and a bounded pool of shared fixed-size buffers.
 *
 * struct xw_buf: embedded, one owner, one thread at a time.
 * struct xw_bufpool: all memory taken at init; get/ref/unref from any thread (a short lock in
 * get and in the last unref). For fan-out: one filled buffer, many holders. */
#ifndef XW_BASE_BUF_H
#define XW_BASE_BUF_H

#include "base/base.h"

#include <stdarg.h>
#include <stdatomic.h>

struct xw_buf {
    uint8_t *data; /* n bytes are valid; NULL while nothing was ever appended */
    size_t n;
    size_t cap;
    size_t max; /* hard limit of n */
};

/* No allocation yet. */
void xw_buf_init(struct xw_buf *buf, size_t max_n_bytes);
void xw_buf_done(struct xw_buf *buf);
/* Keeps the memory, forgets the bytes. */
void xw_buf_clear(struct xw_buf *buf);
/* Room for n more bytes behind the last, returned in ret_room; then xw_buf_added(buf, used).
 * -EOVERFLOW at the limit, -ENOMEM. */
int xw_buf_reserve(struct xw_buf *buf, size_t n_bytes, uint8_t **ret_room) XW_MUST_CHECK;
void xw_buf_added(struct xw_buf *buf, size_t n_bytes);
/* All or nothing: -EOVERFLOW, -ENOMEM. */
int xw_buf_append(struct xw_buf *buf, const void *data, size_t n_bytes) XW_MUST_CHECK;
int xw_buf_append_text(struct xw_buf *buf, const char *text) XW_MUST_CHECK;
int xw_buf_printf(struct xw_buf *buf, const char *format, ...) XW_MUST_CHECK XW_PRINTF(2, 3);
int xw_buf_vprintf(struct xw_buf *buf, const char *format, va_list args) XW_MUST_CHECK
    XW_PRINTF(2, 0);
/* Drops the first n bytes (n <= buf->n), moving the rest to the front. */
void xw_buf_drop(struct xw_buf *buf, size_t n_bytes);
/* Hands the bytes over to the caller, who frees them with free(); the buffer is empty again. */
uint8_t *xw_buf_take(struct xw_buf *buf, size_t *ret_n_bytes);

struct xw_bufpool;

struct xw_pbuf {
    struct xw_bufpool *pool;
    struct xw_pbuf *next_free;
    _Atomic uint32_t refs;
    size_t n;   /* bytes in use; set by who fills it */
    size_t cap; /* bytes there are */
    uint8_t *data;
};

/* count buffers of cap bytes each (data aligned to 64), allocated at once. -ENOMEM, -EINVAL. */
int xw_bufpool_new(size_t count_n, size_t cap_n_bytes, struct xw_bufpool **ret_pool) XW_MUST_CHECK;
/* All buffers must be back. free(NULL) is fine. */
void xw_bufpool_free(struct xw_bufpool *pool);
/* A buffer with one reference and n = 0; -EAGAIN (counted) when all are out. */
int xw_bufpool_get(struct xw_bufpool *pool, struct xw_pbuf **ret_pbuf) XW_MUST_CHECK;
struct xw_pbuf *xw_pbuf_ref(struct xw_pbuf *pbuf);
/* The last one gives it back to its pool. NULL is fine. */
void xw_pbuf_unref(struct xw_pbuf *pbuf);
size_t xw_bufpool_free_n(struct xw_bufpool *pool);
uint64_t xw_bufpool_refused_n(struct xw_bufpool *pool);

#endif
