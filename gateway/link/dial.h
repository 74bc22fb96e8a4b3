/* When to try to connect again, and when to give up an attempt: what makes a link that came back
 * found at once, and a county that says no left in peace.
 *
 * While nothing answers, every attempt costs one small packet, so they are made often: TCP itself
 * would ask again only after 1 s, then 2 s, then 4 s. Some attempts are more patient, for ways that
 * are longer than that.
 * Threads: pure. Units: µs, monotonic.
 */
#ifndef XW_LINK_DIAL_H
#define XW_LINK_DIAL_H

#include "base/base.h"

enum xw_dial_end {
    XW_DIAL_SILENT, /* nothing answered */
    XW_DIAL_NO_WAY, /* the network said at once: no route, nobody listens */
    XW_DIAL_FAILED, /* something did, and it came to nothing; or an open connection was lost */
    XW_DIAL_REFUSED /* the county said why, and it will not change soon */
};

struct xw_dial {
    int64_t begun_us, retry_us;
    unsigned silent_n, failed_n;
};

/* An attempt may begin now. */
bool xw_dial_due(const struct xw_dial *dial, int64_t now_us);
void xw_dial_begin(struct xw_dial *dial, int64_t now_us);
/* The attempt has taken too long. answered: the county's TCP did; rtt_us: how long that took. */
bool xw_dial_over(const struct xw_dial *dial, int64_t now_us, bool answered, uint32_t rtt_us);
/* The attempt ended, or the connection that it made. percent: 0 to 99 at random, so that a thousand
 * gateways do not come at the same instant. */
void xw_dial_ended(struct xw_dial *dial, int64_t now_us, enum xw_dial_end how, unsigned percent);
/* The session's welcome came: the next failure is the first one. */
void xw_dial_welcomed(struct xw_dial *dial);

#endif
