/* The framer. */
#include "hl7/mllp.h"

#include <string.h>

void xw_mllp_init(struct xw_mllp *mllp)
{
    *mllp = (struct xw_mllp){.state = XW_MLLP_OUTSIDE};
    xw_buf_init(&mllp->message, XW_MLLP_MESSAGE_MAX);
}

void xw_mllp_done(struct xw_mllp *mllp)
{
    xw_buf_done(&mllp->message);
}

/* What comes before the next byte with a meaning goes in as one piece. */
static size_t plain_run(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, XW_MLLP_END, size);
    size_t n = end ? (size_t)(end - data) : size;
    const uint8_t *start = memchr(data, XW_MLLP_START, n);
    return start ? (size_t)(start - data) : n;
}

static int outside(struct xw_mllp *mllp, uint8_t byte, int64_t now_us)
{
    if (byte == '\r' || byte == '\n')
        return 0;
    if (byte != XW_MLLP_START)
        return -EBADMSG;
    mllp->state = XW_MLLP_INSIDE;
    mllp->begun_us = now_us;
    return 0;
}

int xw_mllp_feed(struct xw_mllp *mllp, const void *data, size_t size, int64_t now_us,
                 size_t *ret_used)
{
    const uint8_t *bytes = data;
    size_t i = 0;
    int r = 0;
    if (mllp->whole) {
        xw_buf_clear(&mllp->message);
        mllp->whole = false;
    }
    while (i < size && r == 0) {
        if (mllp->state == XW_MLLP_OUTSIDE) {
            r = outside(mllp, bytes[i++], now_us);
        } else if (mllp->state == XW_MLLP_INSIDE) {
            size_t n = plain_run(bytes + i, size - i);
            if (n > 0)
                r = xw_buf_append(&mllp->message, bytes + i, n);
            i += n;
            if (r == 0 && i < size) {
                r = bytes[i] == XW_MLLP_END ? 0 : -EBADMSG;
                mllp->state = XW_MLLP_ENDING;
                i++;
            }
        } else if (bytes[i] == XW_MLLP_CR) {
            i++;
            mllp->state = XW_MLLP_OUTSIDE;
            mllp->whole = true;
            r = 1;
        } else {
            r = -EBADMSG;
        }
    }
    if (r >= 0)
        *ret_used = i;
    return r;
}

bool xw_mllp_late(const struct xw_mllp *mllp, int64_t now_us, int64_t limit_us)
{
    return mllp->state != XW_MLLP_OUTSIDE && now_us - mllp->begun_us > limit_us;
}
