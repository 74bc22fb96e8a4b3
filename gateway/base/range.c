/* Changes to sets of sample ranges. The invariant: sorted, no empty range, no two that overlap or
 * touch, n <= max, total = sum of lengths. Results of set operations are built in a fresh vector
 * by appending and swapped in at the end, which is what makes them all-or-nothing. */
#include "base/range.h"

#include <string.h>

enum { FIRST_CAP_N = 8 };

void xw_ranges_init(struct xw_ranges *set, size_t max_n)
{
    *set = (struct xw_ranges){.max = max_n};
}

void xw_ranges_done(struct xw_ranges *set)
{
    free(set->v);
    xw_ranges_init(set, set->max);
}

void xw_ranges_clear(struct xw_ranges *set)
{
    set->n = 0;
    set->total = 0;
}

static int make_room(struct xw_ranges *set, size_t n)
{
    if (n > set->max)
        return -EOVERFLOW;
    if (n <= set->cap)
        return 0;
    size_t cap = XW_MAX(set->cap, (size_t)FIRST_CAP_N);
    while (cap < n)
        cap *= 2;
    cap = XW_MIN(cap, set->max);
    struct xw_range *v = realloc(set->v, cap * sizeof(v[0]));
    if (!v)
        return -ENOMEM;
    set->v = v;
    set->cap = cap;
    return 0;
}

/* Position of the first range that begins behind `index` (first > index); n if none. */
static size_t find_behind(const struct xw_ranges *set, uint64_t index)
{
    size_t low = 0;
    size_t high = set->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->v[middle].first > index)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Replaces v[from..to) by the pieces; the total is the caller's business. */
static int splice(struct xw_ranges *set, size_t from, size_t to, const struct xw_range *pieces,
                  size_t pieces_n)
{
    size_t n = set->n - (to - from) + pieces_n;
    int r = n > set->n ? make_room(set, n) : 0;
    if (r < 0)
        return r;
    memmove(set->v + from + pieces_n, set->v + to, (set->n - to) * sizeof(set->v[0]));
    for (size_t i = 0; i < pieces_n; i++)
        set->v[from + i] = pieces[i];
    set->n = n;
    return 0;
}

/* first >= the beginning of the last range, or an empty set: the everyday case. */
static int append(struct xw_ranges *set, uint64_t first, uint64_t end)
{
    struct xw_range *last = set->n ? &set->v[set->n - 1] : NULL;
    if (last && first <= last->end) {
        if (end > last->end) {
            set->total += end - last->end;
            last->end = end;
        }
        return 0;
    }
    int r = make_room(set, set->n + 1);
    if (r < 0)
        return r;
    set->v[set->n++] = (struct xw_range){first, end};
    set->total += end - first;
    return 0;
}

int xw_ranges_add(struct xw_ranges *set, uint64_t first, uint64_t end)
{
    if (first > end)
        return -EINVAL;
    if (first == end)
        return 0;
    if (!set->n || first >= set->v[set->n - 1].first)
        return append(set, first, end);
    /* All ranges that overlap or touch [first, end) melt into one. */
    size_t from = first ? xw_ranges_find(set, first - 1) : 0;
    size_t to = find_behind(set, end);
    struct xw_range merged = {first, end};
    uint64_t held = 0;
    for (size_t i = from; i < to; i++)
        held += set->v[i].end - set->v[i].first;
    if (from < to) {
        merged.first = XW_MIN(first, set->v[from].first);
        merged.end = XW_MAX(end, set->v[to - 1].end);
    }
    int r = splice(set, from, to, &merged, 1);
    if (r < 0)
        return r;
    set->total += merged.end - merged.first - held;
    return 0;
}

int xw_ranges_subtract(struct xw_ranges *set, uint64_t first, uint64_t end)
{
    if (first > end)
        return -EINVAL;
    if (first == end)
        return 0;
    size_t from = xw_ranges_find(set, first);
    size_t to = find_behind(set, end - 1);
    if (from >= to)
        return 0;
    struct xw_range pieces[2];
    size_t pieces_n = 0;
    uint64_t gone = 0;
    for (size_t i = from; i < to; i++)
        gone += XW_MIN(set->v[i].end, end) - XW_MAX(set->v[i].first, first);
    if (set->v[from].first < first)
        pieces[pieces_n++] = (struct xw_range){set->v[from].first, first};
    if (set->v[to - 1].end > end)
        pieces[pieces_n++] = (struct xw_range){end, set->v[to - 1].end};
    int r = splice(set, from, to, pieces, pieces_n);
    if (r < 0)
        return r;
    set->total -= gone;
    return 0;
}

void xw_ranges_trim(struct xw_ranges *set, uint64_t first)
{
    size_t keep_from = xw_ranges_find(set, first);
    for (size_t i = 0; i < keep_from; i++)
        set->total -= set->v[i].end - set->v[i].first;
    set->n -= keep_from;
    if (!set->n)
        return;
    memmove(set->v, set->v + keep_from, set->n * sizeof(set->v[0]));
    if (set->v[0].first < first) {
        set->total -= first - set->v[0].first;
        set->v[0].first = first;
    }
}

/* Ends a set operation: on success the built vector becomes `set`'s, else it is dropped. */
static int settle(struct xw_ranges *set, struct xw_ranges *built, int r)
{
    if (r < 0) {
        free(built->v);
        return r;
    }
    free(set->v);
    *set = *built;
    return 0;
}

int xw_ranges_add_all(struct xw_ranges *set, const struct xw_ranges *other)
{
    if (!other->n || set == other)
        return 0;
    struct xw_ranges built = {.max = set->max};
    size_t i = 0;
    size_t j = 0;
    int r = 0;
    while (r == 0 && (i < set->n || j < other->n)) {
        bool ours = j == other->n || (i < set->n && set->v[i].first <= other->v[j].first);
        const struct xw_range *next = ours ? &set->v[i++] : &other->v[j++];
        r = append(&built, next->first, next->end);
    }
    return settle(set, &built, r);
}

int xw_ranges_subtract_all(struct xw_ranges *set, const struct xw_ranges *other)
{
    if (set == other) {
        xw_ranges_clear(set);
        return 0;
    }
    struct xw_ranges built = {.max = set->max};
    int r = 0;
    size_t j = set->n ? xw_ranges_find(other, set->v[0].first) : 0;
    for (size_t i = 0; r == 0 && i < set->n; i++) {
        uint64_t at = set->v[i].first;
        uint64_t end = set->v[i].end;
        while (j < other->n && other->v[j].end <= at)
            j++;
        for (size_t k = j; r == 0 && k < other->n && other->v[k].first < end; k++) {
            if (other->v[k].first > at)
                r = append(&built, at, other->v[k].first);
            at = XW_MIN(other->v[k].end, end);
            j = k;
        }
        if (r == 0 && at < end)
            r = append(&built, at, end);
    }
    return settle(set, &built, r);
}

int xw_ranges_copy(const struct xw_ranges *set, struct xw_ranges *ret_set)
{
    if (set == ret_set)
        return 0;
    int r = make_room(ret_set, set->n);
    if (r < 0)
        return r;
    if (set->n)
        memcpy(ret_set->v, set->v, set->n * sizeof(set->v[0]));
    ret_set->n = set->n;
    ret_set->total = set->total;
    return 0;
}

int xw_ranges_intersect(const struct xw_ranges *a, const struct xw_ranges *b,
                        struct xw_ranges *ret_set)
{
    struct xw_ranges built = {.max = ret_set->max};
    int r = 0;
    size_t i = b->n ? xw_ranges_find(a, b->v[0].first) : a->n;
    size_t j = i < a->n ? xw_ranges_find(b, a->v[i].first) : b->n;
    while (r == 0 && i < a->n && j < b->n) {
        uint64_t first = XW_MAX(a->v[i].first, b->v[j].first);
        uint64_t end = XW_MIN(a->v[i].end, b->v[j].end);
        if (first < end)
            r = append(&built, first, end);
        if (a->v[i].end < b->v[j].end)
            i++;
        else
            j++;
    }
    return settle(ret_set, &built, r);
}

int xw_ranges_clip(const struct xw_ranges *set, uint64_t first, uint64_t end,
                   struct xw_ranges *ret_set)
{
    if (first > end)
        return -EINVAL;
    struct xw_ranges built = {.max = ret_set->max};
    int r = 0;
    for (size_t i = xw_ranges_find(set, first); r == 0 && i < set->n; i++) {
        if (set->v[i].first >= end || first == end)
            break;
        r = append(&built, XW_MAX(set->v[i].first, first), XW_MIN(set->v[i].end, end));
    }
    return settle(ret_set, &built, r);
}

int xw_ranges_complement(const struct xw_ranges *set, uint64_t first, uint64_t end,
                         struct xw_ranges *ret_set)
{
    if (first > end)
        return -EINVAL;
    struct xw_ranges built = {.max = ret_set->max};
    uint64_t at = first;
    int r = 0;
    for (size_t i = xw_ranges_find(set, first); r == 0 && i < set->n; i++) {
        if (set->v[i].first >= end)
            break;
        if (set->v[i].first > at)
            r = append(&built, at, set->v[i].first);
        at = XW_MIN(set->v[i].end, end);
    }
    if (r == 0 && at < end)
        r = append(&built, at, end);
    return settle(ret_set, &built, r);
}
