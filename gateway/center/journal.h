/* Facts of the county itself, appended durably: studies, acknowledgements, users, sessions, audit.
 *
 * Threads: loop thread only. Ownership: records given in are copied. Limits: XW_JOURNAL_PENDING_MAX
 * appends under way. Errors of the append and of its completion are those of the store: -EAGAIN
 * busy, -ENOSPC full. After a commit every record that is not local goes to on_committed. */
#ifndef XW_CENTER_JOURNAL_H
#define XW_CENTER_JOURNAL_H

#include "base/base.h"
#include "store/store.h"

enum { XW_JOURNAL_PENDING_MAX = 1024, XW_JOURNAL_RECORDS_MAX = 8 };

struct xw_journal;

struct xw_journal_config {
    struct xw_store *store;
    void *user;
    /* out_seq_last of the log "gw/ID": the downlink is to send. */
    void (*on_passed_on)(void *user, const char *gateway_id, uint64_t out_seq_last);
    void (*on_committed)(void *user, const struct xw_store_record *record);
};

XW_MUST_CHECK int xw_journal_new(const struct xw_journal_config *config,
                                 struct xw_journal **ret_journal);
/* From now on every append is -ECANCELED: the store is being closed. */
void xw_journal_stop(struct xw_journal *journal);
/* The store must have been closed: nothing is under way. */
void xw_journal_free(struct xw_journal *journal);

typedef void (*xw_journal_fn)(void *user, int status);
/* All of the records or none. gateway_id: whose log passes on those that are not local; NULL = no
 * log. done may be NULL. -EINVAL for impossible sizes. */
XW_MUST_CHECK int xw_journal_append(struct xw_journal *journal,
                                    const struct xw_store_record *records, size_t records_n,
                                    const char *gateway_id, xw_journal_fn done, void *user);
uint32_t xw_journal_pending_n(const struct xw_journal *journal);

#endif
