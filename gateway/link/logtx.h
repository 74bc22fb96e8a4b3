/* Sends one of our record logs to the peer, each record until it is acknowledged.
 *
 * Order: what was committed since the session began goes as it comes; of the backlog the alarms
 * first (a scan from the newest), then the rest from the oldest. The peer's welcome and RecordAcks
 * say what it has, also when that went backwards.
 * Threads: loop thread only. Ownership: borrows store, lanes, life and the log's name.
 * Limits: as much in the lanes as LOGTX_QUEUED_MAX records; one read at a time.
 */
#ifndef XW_LINK_LOGTX_H
#define XW_LINK_LOGTX_H

#include "base/clock.h"
#include "link/lane.h"
#include "link/life.h"

struct xw_logtx {
    struct xw_life *life;
    struct xw_store *store;
    struct xw_lanes *lanes;
    const struct xw_clock *clock;
    const char *name;
    struct xw_ledger ledger; /* of sequences */
    uint64_t last;           /* committed */
    uint64_t base;           /* `last` when the session began: up to here it is backlog */
    uint64_t scan;           /* alarms of the backlog above this were looked for; 0 = all */
    uint64_t session;        /* reads of an older session are ignored */
    bool active, reading, turn;
    /* An alarm-priority event was queued: its samples are wanted first. May be NULL. */
    void (*on_alarm)(void *user, const struct xw_store_record *record);
    void *alarm_user;
    void (*on_queued)(void *user);
    void *user;
};

void xw_logtx_init(struct xw_logtx *tx, struct xw_life *life, struct xw_store *store,
                   struct xw_lanes *lanes, const struct xw_clock *clock, const char *name);
void xw_logtx_done(struct xw_logtx *tx);
/* A session begins: the peer has all up to `upto` and the ranges. */
XW_MUST_CHECK int xw_logtx_begin(struct xw_logtx *tx, uint64_t upto, Xw__Range *const *ranges,
                                 size_t ranges_n);
void xw_logtx_stop(struct xw_logtx *tx);
void xw_logtx_committed(struct xw_logtx *tx, uint64_t last);
XW_MUST_CHECK int xw_logtx_acked(struct xw_logtx *tx, uint64_t upto, Xw__Range *const *ranges,
                                 size_t ranges_n);
/* Reads on when there is something to send and room for it. */
void xw_logtx_step(struct xw_logtx *tx);

#endif
