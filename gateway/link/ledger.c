/* The ledger: plain range sets, and their union kept beside them so that "what next" is one walk.
 */
#include "link/ledger.h"

static void init_set(struct xw_ranges *set, size_t max_n)
{
    xw_ranges_init(set, max_n);
}

void xw_ledger_init(struct xw_ledger *ledger, size_t ranges_max)
{
    *ledger = (struct xw_ledger){0};
    init_set(&ledger->has, ranges_max);
    init_set(&ledger->queued, ranges_max);
    init_set(&ledger->skip, ranges_max);
    init_set(&ledger->accounted, 2 * ranges_max);
    for (unsigned r = 0; r < XW_LEDGER_ROLES_N; r++)
        for (unsigned g = 0; g < XW_LEDGER_GENERATIONS_N; g++)
            init_set(&ledger->flight[r][g], ranges_max);
}

void xw_ledger_done(struct xw_ledger *ledger)
{
    xw_ranges_done(&ledger->has);
    xw_ranges_done(&ledger->queued);
    xw_ranges_done(&ledger->skip);
    xw_ranges_done(&ledger->accounted);
    for (unsigned r = 0; r < XW_LEDGER_ROLES_N; r++)
        for (unsigned g = 0; g < XW_LEDGER_GENERATIONS_N; g++)
            xw_ranges_done(&ledger->flight[r][g]);
}

void xw_ledger_clear(struct xw_ledger *ledger)
{
    xw_ranges_clear(&ledger->has);
    xw_ranges_clear(&ledger->queued);
    xw_ranges_clear(&ledger->skip);
    xw_ranges_clear(&ledger->accounted);
    for (unsigned r = 0; r < XW_LEDGER_ROLES_N; r++)
        for (unsigned g = 0; g < XW_LEDGER_GENERATIONS_N; g++)
            xw_ranges_clear(&ledger->flight[r][g]);
    ledger->broken = false;
}

static void add(struct xw_ledger *ledger, struct xw_ranges *set, struct xw_range range)
{
    if (xw_ranges_add(set, range.first, range.end) < 0)
        ledger->broken = true;
}

static void subtract(struct xw_ledger *ledger, struct xw_ranges *set, struct xw_range range)
{
    if (set->n && xw_ranges_overlaps(set, range.first, range.end) &&
        xw_ranges_subtract(set, range.first, range.end) < 0)
        ledger->broken = true;
}

static void add_all(struct xw_ledger *ledger, const struct xw_ranges *from)
{
    if (from->n && xw_ranges_add_all(&ledger->accounted, from) < 0)
        ledger->broken = true;
}

static void rebuild(struct xw_ledger *ledger)
{
    xw_ranges_clear(&ledger->accounted);
    add_all(ledger, &ledger->has);
    add_all(ledger, &ledger->queued);
    add_all(ledger, &ledger->skip);
    for (unsigned r = 0; r < XW_LEDGER_ROLES_N; r++)
        for (unsigned g = 0; g < XW_LEDGER_GENERATIONS_N; g++)
            add_all(ledger, &ledger->flight[r][g]);
}

void xw_ledger_queued(struct xw_ledger *ledger, struct xw_range range)
{
    add(ledger, &ledger->queued, range);
    add(ledger, &ledger->accounted, range);
}

void xw_ledger_dropped(struct xw_ledger *ledger, struct xw_range range)
{
    subtract(ledger, &ledger->queued, range);
    rebuild(ledger);
}

void xw_ledger_sent(struct xw_ledger *ledger, unsigned role, struct xw_range range)
{
    subtract(ledger, &ledger->queued, range);
    add(ledger, &ledger->flight[role][0], range);
    add(ledger, &ledger->accounted, range);
}

void xw_ledger_acked(struct xw_ledger *ledger, struct xw_range range)
{
    for (unsigned r = 0; r < XW_LEDGER_ROLES_N; r++)
        for (unsigned g = 0; g < XW_LEDGER_GENERATIONS_N; g++)
            subtract(ledger, &ledger->flight[r][g], range);
    add(ledger, &ledger->has, range);
    add(ledger, &ledger->accounted, range);
}

void xw_ledger_skip(struct xw_ledger *ledger, struct xw_range range)
{
    add(ledger, &ledger->skip, range);
    add(ledger, &ledger->accounted, range);
}

void xw_ledger_wanted(struct xw_ledger *ledger, struct xw_range range)
{
    subtract(ledger, &ledger->has, range);
    subtract(ledger, &ledger->skip, range);
    rebuild(ledger);
}

void xw_ledger_again(struct xw_ledger *ledger, struct xw_range range)
{
    for (unsigned r = 0; r < XW_LEDGER_ROLES_N; r++)
        for (unsigned g = 0; g < XW_LEDGER_GENERATIONS_N; g++)
            subtract(ledger, &ledger->flight[r][g], range);
    xw_ledger_wanted(ledger, range);
}

void xw_ledger_lost(struct xw_ledger *ledger, unsigned role)
{
    for (unsigned g = 0; g < XW_LEDGER_GENERATIONS_N; g++)
        xw_ranges_clear(&ledger->flight[role][g]);
    rebuild(ledger);
}

uint64_t xw_ledger_age(struct xw_ledger *ledger)
{
    uint64_t given_up = 0;
    for (unsigned r = 0; r < XW_LEDGER_ROLES_N; r++) {
        struct xw_ranges *young = &ledger->flight[r][0], *old = &ledger->flight[r][1];
        struct xw_ranges swap = *old;
        given_up += old->total;
        *old = *young;
        *young = swap;
        xw_ranges_clear(young);
    }
    if (given_up)
        rebuild(ledger);
    return given_up;
}

bool xw_ledger_newest(const struct xw_ledger *ledger, const struct xw_ranges *source,
                      struct xw_range *ret_range)
{
    for (size_t i = source->n; i-- > 0;)
        if (xw_ranges_last_gap(&ledger->accounted, source->v[i].first, source->v[i].end, ret_range))
            return true;
    return false;
}

bool xw_ledger_oldest(const struct xw_ledger *ledger, uint64_t first, uint64_t end,
                      struct xw_range *ret_range)
{
    return first < end && xw_ranges_first_gap(&ledger->accounted, first, end, ret_range);
}

uint64_t xw_ledger_behind(const struct xw_ledger *ledger, const struct xw_ranges *source)
{
    uint64_t behind = 0;
    for (size_t i = 0; i < source->n; i++)
        behind += source->v[i].end - source->v[i].first -
                  xw_ranges_count_within(&ledger->has, source->v[i].first, source->v[i].end);
    return behind;
}
