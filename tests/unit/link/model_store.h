/* A store for the link's tests: everything in memory, nothing happens by itself.
 *
 * It stands in for the store library (same functions, defined here). Completions wait until
 * model_run(), so a test decides what is durable when: a commit can be held back, fail, or be lost
 * with the process. Single thread. */
#ifndef XW_TESTS_MODEL_STORE_H
#define XW_TESTS_MODEL_STORE_H

#include "store/store.h"

struct xw_store *model_new(void);
/* Its incarnation, instead of a random one: for runs that can be repeated. */
void model_set_id(struct xw_store *store, const char *name, uint64_t seed);
/* Pending completions are delivered with -ECANCELED first. */
void model_free(struct xw_store *store);
/* Delivers what waits, and what that causes; returns how many. */
size_t model_run(struct xw_store *store);
/* Batches given in from now on fail with this status (0 = they succeed). */
void model_fail(struct xw_store *store, int status);
/* Commits wait until it is called with false. */
void model_hold(struct xw_store *store, bool hold);
/* The power goes: what was not committed is gone, nobody is called back. */
void model_crash(struct xw_store *store);
/* Restored from a backup: samples and records from these on are gone, the incarnation is new. */
void model_restore(struct xw_store *store, const struct xw_uuid *stream, uint64_t first,
                   uint64_t received_upto);

/* Appends at once, as the gateway's own spool writer does; out_log may be NULL. */
void model_put_stream(struct xw_store *store, const struct xw_uuid *id, const void *header,
                      size_t size);
void model_put_block(struct xw_store *store, const struct xw_store_block *block);
void model_put_gap(struct xw_store *store, const struct xw_store_gap *gap);
uint64_t model_put_record(struct xw_store *store, const struct xw_store_record *record,
                          const char *out_log);
/* The blocks of a range become unreadable. */
void model_break(struct xw_store *store, const struct xw_uuid *stream, struct xw_range range);

struct model_figures {
    uint64_t blocks_new, blocks_known, conflicts, records_new, records_known, batches;
    size_t records_n;
};
struct model_figures model_figures(const struct xw_store *store);
/* The block that begins at first; NULL if there is none. */
const struct xw_store_block *model_block(const struct xw_store *store, const struct xw_uuid *stream,
                                         uint64_t first);
void model_put_object(struct xw_store *store, const uint8_t sha256[32], const char *media_type,
                      const void *data, size_t size);

#endif
