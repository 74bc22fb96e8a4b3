/* Examples of rhythms made from recorded ones (af_made.c). They belong to the record that they were
 * made of, and are left out with it. */
#ifndef XW_RHYTHM_AF_MADE_H
#define XW_RHYTHM_AF_MADE_H

#include "bench/rhythm/af.h"

/* How many examples they are at most, of all records. */
size_t xw_rhythm_af_made_room(const struct xw_rhythm_af *all);
/* Adds those of one record. Errors: -ENOMEM. */
int xw_rhythm_af_make(struct xw_rhythm_af *all, unsigned index, uint64_t seed);

#endif
