/* Questions to sets of sample ranges: all by binary search, none allocates. */
#include "base/range.h"

#include <string.h>

size_t xw_ranges_find(const struct xw_ranges *set, uint64_t index)
{
    /* Mostly asked about the newest samples: look at the end first. */
    if (!set->n || set->v[set->n - 1].end <= index)
        return set->n;
    if (set->n == 1 || set->v[set->n - 2].end <= index)
        return set->n - 1;
    size_t low = 0;
    size_t high = set->n - 2; /* its range already ends behind index */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->v[middle].end > index)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool xw_ranges_equal(const struct xw_ranges *a, const struct xw_ranges *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->v, b->v, a->n * sizeof(a->v[0])) == 0);
}

bool xw_ranges_contains(const struct xw_ranges *set, uint64_t index)
{
    size_t i = xw_ranges_find(set, index);
    return i < set->n && set->v[i].first <= index;
}

bool xw_ranges_covers(const struct xw_ranges *set, uint64_t first, uint64_t end)
{
    return first >= end || xw_ranges_contiguous_end(set, first) >= end;
}

bool xw_ranges_overlaps(const struct xw_ranges *set, uint64_t first, uint64_t end)
{
    if (first >= end)
        return false;
    size_t i = xw_ranges_find(set, first);
    return i < set->n && set->v[i].first < end;
}

uint64_t xw_ranges_count_within(const struct xw_ranges *set, uint64_t first, uint64_t end)
{
    uint64_t n = 0;
    for (size_t i = xw_ranges_find(set, first); i < set->n && set->v[i].first < end; i++)
        n += XW_MIN(set->v[i].end, end) - XW_MAX(set->v[i].first, first);
    return n;
}

uint64_t xw_ranges_contiguous_end(const struct xw_ranges *set, uint64_t first)
{
    size_t i = xw_ranges_find(set, first);
    return i < set->n && set->v[i].first <= first ? set->v[i].end : first;
}

uint64_t xw_ranges_end(const struct xw_ranges *set)
{
    return set->n ? set->v[set->n - 1].end : 0;
}

bool xw_ranges_first_gap(const struct xw_ranges *set, uint64_t first, uint64_t end,
                         struct xw_range *ret_gap)
{
    uint64_t gap_first = xw_ranges_contiguous_end(set, first);
    if (gap_first >= end)
        return false;
    size_t i = xw_ranges_find(set, gap_first);
    uint64_t gap_end = i < set->n ? XW_MIN(set->v[i].first, end) : end;
    *ret_gap = (struct xw_range){gap_first, gap_end};
    return true;
}

bool xw_ranges_last_gap(const struct xw_ranges *set, uint64_t first, uint64_t end,
                        struct xw_range *ret_gap)
{
    if (first >= end)
        return false;
    /* The range that holds the last index, if one does, ends the gap before its beginning. */
    size_t i = xw_ranges_find(set, end - 1);
    uint64_t gap_end = i < set->n && set->v[i].first < end ? set->v[i].first : end;
    if (gap_end <= first)
        return false;
    uint64_t gap_first = i > 0 ? XW_MAX(set->v[i - 1].end, first) : first;
    *ret_gap = (struct xw_range){gap_first, gap_end};
    return true;
}
