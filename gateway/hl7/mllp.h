/* MLLP: messages cut out of a byte stream, 0x0B message 0x1C 0x0D.
 *
 * Bytes may come in any cut. Between two frames CR and LF are passed over, anything else is a
 * fault; so is a 0x0B inside a frame, or a 0x1C without its 0x0D.
 * Threads: one at a time. Ownership: embedded; the message belongs to the framer until the next
 * feed. Times: monotonic µs of the caller. Source: HL7 v2, MLLP block format. */
#ifndef XW_HL7_MLLP_H
#define XW_HL7_MLLP_H

#include "base/base.h"
#include "base/buf.h"

enum { XW_MLLP_START = 0x0b, XW_MLLP_END = 0x1c, XW_MLLP_CR = 0x0d };
enum { XW_MLLP_MESSAGE_MAX = 1 << 20 };

enum xw_mllp_state { XW_MLLP_OUTSIDE, XW_MLLP_INSIDE, XW_MLLP_ENDING };

struct xw_mllp {
    struct xw_buf message;
    enum xw_mllp_state state;
    bool whole;       /* `message` is complete; the next feed begins anew */
    int64_t begun_us; /* when the first byte of the open frame came */
};

void xw_mllp_init(struct xw_mllp *mllp);
void xw_mllp_done(struct xw_mllp *mllp);
/* Takes bytes up to the end of the next message. 1: `message` is whole; 0: all is taken, more is
 * needed; -EBADMSG framing; -EOVERFLOW message above the limit; -ENOMEM. After an error nothing
 * more may be fed. */
XW_MUST_CHECK int xw_mllp_feed(struct xw_mllp *mllp, const void *data, size_t size, int64_t now_us,
                               size_t *ret_used);
/* A frame was begun longer than limit_us ago and has not ended. */
bool xw_mllp_late(const struct xw_mllp *mllp, int64_t now_us, int64_t limit_us);

#endif
