/* The one place where the gateway writes into its spool, and learns that it is kept.
 *
 * What was added since the last flush goes as one batch, so a block and the events made during it
 * are kept together or not at all. One batch is out; the next one gathers meanwhile (group commit),
 * and fails with it: what is kept is always everything up to some moment, so that a count or a
 * later block on disk never hides that something before it is missing. The owner of a block or gap
 * hears of it when its batch is synced: acknowledgements to devices rest on this and on nothing
 * else.
 *
 * When the spool cannot take a batch (full, or an error), its blocks are told as lost to their
 * owners and its records wait here (up to 8,192; then beats are let go first) for the next try;
 * until they are kept, blocks are refused.
 *
 * Threads: loop thread only. Ownership: bytes are copied. Errors: none to the caller. */
#ifndef XW_EDGE_COMMIT_H
#define XW_EDGE_COMMIT_H

#include <protobuf-c/protobuf-c.h>

#include "edge/edge.h"

struct xw_commit;

/* Embedded in whoever adds blocks; must not go away while waiting_n > 0. */
struct xw_commit_owner {
    /* A batch with something of this owner is done. status < 0: it was not kept. */
    void (*done)(struct xw_commit_owner *owner, int status, uint64_t mark);
    uint32_t waiting_n; /* batches not done */
    uint64_t mark;      /* set by the owner at will; the value at flush comes back in done */
};

XW_MUST_CHECK int xw_commit_new(struct xw_edge *edge, struct xw_commit **ret_commit);
void xw_commit_free(struct xw_commit *commit);

void xw_commit_stream(struct xw_commit *commit, const struct xw_uuid *stream, const void *header,
                      size_t header_size, struct xw_commit_owner *owner);
void xw_commit_block(struct xw_commit *commit, const struct xw_store_block *block,
                     struct xw_commit_owner *owner);
void xw_commit_gap(struct xw_commit *commit, const struct xw_store_gap *gap,
                   struct xw_commit_owner *owner);
/* origin and wall time are filled in here. local: not passed on to the county. */
void xw_commit_record(struct xw_commit *commit, struct xw_store_record *record, bool local);
/* The same with a message as body. */
void xw_commit_message(struct xw_commit *commit, struct xw_store_record *record,
                       const ProtobufCMessage *body, bool local);
/* What is added now and an owner noted behind it, before control goes back to the loop, come into
 * one batch. False: not now, or nothing is taken at all (xw_commit_full). */
bool xw_commit_takes(const struct xw_commit *commit);
/* A record that is not tried again; only while xw_commit_takes: when its batch fails it is let go,
 * and the owner that was noted after it hears of the failure. body NULL: the record's own. */
XW_MUST_CHECK int xw_commit_once(struct xw_commit *commit, struct xw_store_record *record,
                                 const ProtobufCMessage *body, bool local);
/* owner hears of the batch that holds what was added up to now. */
void xw_commit_notify(struct xw_commit *commit, struct xw_commit_owner *owner);
/* Sends off what has gathered, now; it goes by itself at the end of a round of the loop when due.
 */
void xw_commit_flush(struct xw_commit *commit);
/* Bytes gathered or out: above the limit nothing more should be taken out of the pipelines. */
bool xw_commit_congested(const struct xw_commit *commit);
bool xw_commit_idle(const struct xw_commit *commit);

/* Records that the spool refused are not in it yet: what is read from it now misses them. */
bool xw_commit_behind(const struct xw_commit *commit);
/* The store says how much room there is. */
void xw_commit_space(struct xw_commit *commit, enum xw_store_space space);
/* No room: blocks are refused until there is. */
bool xw_commit_full(const struct xw_commit *commit);
struct xw_commit_stats {
    uint64_t batches, failed, blocks, records, records_dropped;
    size_t records_waiting;
};
void xw_commit_stats(const struct xw_commit *commit, struct xw_commit_stats *ret_stats);

#endif
