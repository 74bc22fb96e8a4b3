/* Questions to the demo supervisor: connect, one JSON line out, one in, close; with a time-out.
 *
 * Threads: loop thread only. Limits: 32 at once (-EAGAIN), an answer of 64 KiB. */
#ifndef XW_CENTER_DEMO_ASK_H
#define XW_CENTER_DEMO_ASK_H

#include "center/demo.h"

struct xw_demo_asks;

/* path "" = no supervisor: every question is -ENOENT. */
XW_MUST_CHECK int xw_demo_asks_new(struct xw_loop *loop, const char *path, int64_t timeout_us,
                                   struct xw_demo_asks **ret_asks);
/* Ends those under way (-ECANCELED). */
void xw_demo_asks_free(struct xw_demo_asks *asks);
XW_MUST_CHECK int xw_demo_asks_begin(struct xw_demo_asks *asks, const char *action,
                                     const char *target, xw_demo_fn done, void *user);

#endif
