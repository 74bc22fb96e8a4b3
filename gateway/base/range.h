/* Sets of half-open sample ranges [first, end): what is held, acknowledged, wanted, missing.
 *
 * The set is a sorted vector of disjoint ranges that do not touch (touching ones are merged), so
 * that equal sets are equal vectors. Lookup O(log n), adding at the end O(1) amortised, a change in
 * the middle O(n) of one memmove. Indices are uint64; end <= UINT64_MAX, so the index UINT64_MAX
 * itself cannot be in a set.
 *
 * Limit: `max` ranges, given at init. A call that would go beyond it returns -EOVERFLOW and leaves
 * the set as it was: the owner decides (drop the oldest, close the stream), never this module.
 *
 * Threads: one at a time. Ownership: embedded; xw_ranges_done frees. Empty input ranges
 * (first == end) change nothing; first > end is -EINVAL. */
#ifndef XW_BASE_RANGE_H
#define XW_BASE_RANGE_H

#include "base/base.h"

struct xw_range {
    uint64_t first;
    uint64_t end;
};

struct xw_ranges {
    struct xw_range *v; /* v[0..n): read it directly to iterate */
    size_t n;
    size_t cap;
    size_t max;
    uint64_t total; /* number of indices in the set */
};

/* for (size_t i = 0; i < set.n; i++) works too; this one names the range. */
#define XW_RANGES_FOREACH(range_, set_)                                                            \
    for (const struct xw_range *range_ = (set_)->v,                                                \
                               *range_##_end_ = (set_)->n ? range_ + (set_)->n : range_;           \
         range_ != range_##_end_; range_++)

void xw_ranges_init(struct xw_ranges *set, size_t max_n);
void xw_ranges_done(struct xw_ranges *set);
void xw_ranges_clear(struct xw_ranges *set);

/* Set changes: 0, -EINVAL, -EOVERFLOW, -ENOMEM; the set is untouched on failure. */
int xw_ranges_add(struct xw_ranges *set, uint64_t first, uint64_t end) XW_MUST_CHECK;
int xw_ranges_subtract(struct xw_ranges *set, uint64_t first, uint64_t end) XW_MUST_CHECK;
/* All of `other`; also all or nothing. `other` may be the set itself. */
int xw_ranges_add_all(struct xw_ranges *set, const struct xw_ranges *other) XW_MUST_CHECK;
int xw_ranges_subtract_all(struct xw_ranges *set, const struct xw_ranges *other) XW_MUST_CHECK;
/* Makes ret_set (initialised, own limit kept) equal to `set`. */
int xw_ranges_copy(const struct xw_ranges *set, struct xw_ranges *ret_set) XW_MUST_CHECK;
/* Forgets everything below `first`; never fails, never splits. */
void xw_ranges_trim(struct xw_ranges *set, uint64_t first);

/* ret_set (initialised) is replaced; it may be one of the inputs. Same errors as above. */
int xw_ranges_intersect(const struct xw_ranges *a, const struct xw_ranges *b,
                        struct xw_ranges *ret_set) XW_MUST_CHECK;
int xw_ranges_clip(const struct xw_ranges *set, uint64_t first, uint64_t end,
                   struct xw_ranges *ret_set) XW_MUST_CHECK;
/* What of [first, end) is not in the set: the holes. */
int xw_ranges_complement(const struct xw_ranges *set, uint64_t first, uint64_t end,
                         struct xw_ranges *ret_set) XW_MUST_CHECK;

bool xw_ranges_equal(const struct xw_ranges *a, const struct xw_ranges *b);
bool xw_ranges_contains(const struct xw_ranges *set, uint64_t index);
/* Every index of [first, end) is in the set (true for an empty range). */
bool xw_ranges_covers(const struct xw_ranges *set, uint64_t first, uint64_t end);
/* At least one index of [first, end) is in the set. */
bool xw_ranges_overlaps(const struct xw_ranges *set, uint64_t first, uint64_t end);
/* How many indices of [first, end) are in the set. */
uint64_t xw_ranges_count_within(const struct xw_ranges *set, uint64_t first, uint64_t end);
/* The first index >= `first` that is not in the set: "contiguous up to", exclusive. */
uint64_t xw_ranges_contiguous_end(const struct xw_ranges *set, uint64_t first);
/* Position in v of the first range with end > index; n if none. Start of an iteration by index. */
size_t xw_ranges_find(const struct xw_ranges *set, uint64_t index);
/* One past the largest index; 0 for an empty set. */
uint64_t xw_ranges_end(const struct xw_ranges *set);

/* The oldest / newest hole within [first, end): true and ret_gap, or false when all is covered. */
bool xw_ranges_first_gap(const struct xw_ranges *set, uint64_t first, uint64_t end,
                         struct xw_range *ret_gap);
bool xw_ranges_last_gap(const struct xw_ranges *set, uint64_t first, uint64_t end,
                        struct xw_range *ret_gap);

#endif
