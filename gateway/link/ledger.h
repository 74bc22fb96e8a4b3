/* What became of each index that is to reach the peer: samples of a stream, sequences of a log.
 *
 *   missing  to be sent: in the source, and none of the following
 *   queued   read or made, waiting in a lane
 *   flight   handed to the kernel on a socket, not acknowledged
 *   has      durable at the peer
 *   skip     cannot be read any more; given up for this session
 *
 * Nothing is ever forgotten: what leaves a lane unsent, or was on a socket that died, or was not
 * acknowledged for two generations (about a minute), is missing again.
 * Threads: one at a time. Errors: a set at its limit makes the ledger `broken`; the owner then ends
 * the session and begins anew with what the peer says.
 */
#ifndef XW_LINK_LEDGER_H
#define XW_LINK_LEDGER_H

#include "base/base.h"
#include "base/range.h"

enum { XW_LEDGER_ROLES_N = 2, XW_LEDGER_GENERATIONS_N = 2 };

struct xw_ledger {
    struct xw_ranges has, queued, skip;
    struct xw_ranges flight[XW_LEDGER_ROLES_N][XW_LEDGER_GENERATIONS_N]; /* 0 is the younger */
    struct xw_ranges accounted;                                          /* union of all of them */
    bool broken;
};

void xw_ledger_init(struct xw_ledger *ledger, size_t ranges_max);
void xw_ledger_done(struct xw_ledger *ledger);
/* A new session: nothing is known of the peer. */
void xw_ledger_clear(struct xw_ledger *ledger);

void xw_ledger_queued(struct xw_ledger *ledger, struct xw_range range);
/* It left its queue unsent (too late, queue full). */
void xw_ledger_dropped(struct xw_ledger *ledger, struct xw_range range);
void xw_ledger_sent(struct xw_ledger *ledger, unsigned role, struct xw_range range);
void xw_ledger_acked(struct xw_ledger *ledger, struct xw_range range);
void xw_ledger_skip(struct xw_ledger *ledger, struct xw_range range);
/* The peer does not have it after all; what is queued or in flight stays so. */
void xw_ledger_wanted(struct xw_ledger *ledger, struct xw_range range);
/* It was sent and is lost, or was never there: missing again, but for what is queued. */
void xw_ledger_again(struct xw_ledger *ledger, struct xw_range range);
/* The socket of this role died. */
void xw_ledger_lost(struct xw_ledger *ledger, unsigned role);
/* One generation passed: what was in flight for the whole of it is missing again. Returns how many.
 */
uint64_t xw_ledger_age(struct xw_ledger *ledger);

/* Newest range of `source` that is missing; false when there is none. */
bool xw_ledger_newest(const struct xw_ledger *ledger, const struct xw_ranges *source,
                      struct xw_range *ret_range);
/* Oldest missing one within [first, end), all of which is in the source. */
bool xw_ledger_oldest(const struct xw_ledger *ledger, uint64_t first, uint64_t end,
                      struct xw_range *ret_range);
/* Indices of source that the peer does not have yet. */
uint64_t xw_ledger_behind(const struct xw_ledger *ledger, const struct xw_ranges *source);

#endif
