/* What was received and is to be kept: gathered into batches, appended to the store, told back when
 * durable. Both ends use it; only what it tells as stored may be acknowledged.
 *
 * One batch is with the store at a time; what comes meanwhile gathers in the next. So the writer's
 * speed sets the batch size, and the credit (settled bytes) the amount of memory.
 * Threads: loop thread only. Ownership: borrows life, store and ops.
 */
#ifndef XW_LINK_INTAKE_H
#define XW_LINK_INTAKE_H

#include "base/clock.h"
#include "link/life.h"
#include "store/store.h"

struct xw_intake_ops {
    void (*stored)(void *user, void *stream, struct xw_range range, bool live);
    void (*lost)(void *user, void *stream, struct xw_range range); /* its batch failed */
    void (*recorded)(void *user, uint64_t seq, const struct xw_store_record *record);
    void (*unrecorded)(void *user, uint64_t seq);
    void (*settled)(void *user, uint64_t conn_id, uint64_t n_bytes);
    void (*done)(void *user, int status); /* after all of the above of one batch */
};

struct xw_intake_entry {
    void *stream; /* NULL: a record */
    struct xw_range range;
    bool live;
    struct xw_store_record *record;
};
enum { XW_INTAKE_CONNS_MAX = 4 };
struct xw_intake_due {
    uint64_t conn_id, n_bytes;
};

struct xw_intake_gathered {
    struct xw_store_batch *batch;
    struct xw_intake_entry *entries;
    size_t entries_n, entries_cap;
    struct xw_intake_due due[XW_INTAKE_CONNS_MAX];
    size_t due_n;
};

struct xw_intake {
    struct xw_life *life;
    struct xw_store *store;
    const struct xw_intake_ops *ops;
    void *user;
    const char *owner; /* of the epoch; NULL = none */
    uint64_t epoch;
    struct xw_intake_gathered next;
    bool appending;
};

void xw_intake_init(struct xw_intake *intake, struct xw_life *life, struct xw_store *store,
                    const struct xw_intake_ops *ops, void *user);
void xw_intake_done(struct xw_intake *intake);

XW_MUST_CHECK int xw_intake_stream(struct xw_intake *intake, const struct xw_uuid *id,
                                   const void *header, size_t header_size);
XW_MUST_CHECK int xw_intake_block(struct xw_intake *intake, void *stream,
                                  const struct xw_store_block *block, bool live);
XW_MUST_CHECK int xw_intake_gap(struct xw_intake *intake, void *stream,
                                const struct xw_store_gap *gap, bool live);
XW_MUST_CHECK int xw_intake_record(struct xw_intake *intake, const struct xw_store_record *record,
                                   const struct xw_uuid *in_log, uint64_t seq);
/* These bytes of this connection are settled when what was gathered so far is. */
void xw_intake_owe(struct xw_intake *intake, uint64_t conn_id, uint64_t n_bytes);
/* Hands over what has gathered, unless a batch is with the store already. */
void xw_intake_submit(struct xw_intake *intake);
bool xw_intake_waiting(const struct xw_intake *intake);

#endif
