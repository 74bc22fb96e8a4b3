/* Threads that lend a hand: a reader's units are opened by it and by whoever has nothing to do.
 *
 * Threads: sq_crew_run from any thread, several at once. It returns when all is done. */
#ifndef XW_STORE_SQ_CREW_H
#define XW_STORE_SQ_CREW_H

#include "base/base.h"

struct sq_crew;

XW_MUST_CHECK int sq_crew_new(size_t hands_n, struct sq_crew **ret_crew);
/* Nobody runs anything any more. */
void sq_crew_free(struct sq_crew *crew);
/* Calls work(user, i) once for each i below n, in any order. */
void sq_crew_run(struct sq_crew *crew, size_t n, void (*work)(void *user, size_t i), void *user);

#endif
