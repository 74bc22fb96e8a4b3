/* What a browser may say on its live socket, checked before anything is done with it.
 *
 * Threads: pure functions. Errors: -EBADMSG not a BrowserMessage, or an id that is not 16 bytes;
 * -EOVERFLOW too long. Unknown fields and unknown messages are tolerated (XW_BROWSER_NOTHING). */
#ifndef XW_CENTER_LIVE_PARSE_H
#define XW_CENTER_LIVE_PARSE_H

#include "base/base.h"
#include "base/uuid.h"

enum { XW_BROWSER_MESSAGE_MAX_BYTES = 4096, XW_BROWSER_ATTACHMENTS_MAX = 64 };

enum xw_browser_kind {
    XW_BROWSER_NOTHING,
    XW_BROWSER_WATCH,
    XW_BROWSER_UNWATCH,
    XW_BROWSER_LIST,
    XW_BROWSER_PING,
    XW_BROWSER_ATTACHMENTS,
    XW_BROWSER_VIDEO,
    XW_BROWSER_SCREEN,
    XW_BROWSER_SEEN,
};

struct xw_browser_message {
    enum xw_browser_kind kind;
    struct xw_uuid stream; /* of VIDEO: the attachment */
    struct xw_uuid attachments[XW_BROWSER_ATTACHMENTS_MAX];
    uint32_t attachments_n; /* more than XW_BROWSER_ATTACHMENTS_MAX: none were taken */
    uint32_t history_ms;
    bool on, need_key;
    int64_t client_us;
    uint64_t probe;
    uint32_t held_us;
};

XW_MUST_CHECK int xw_browser_message_parse(const void *data, size_t size,
                                           struct xw_browser_message *ret_message);

#endif
