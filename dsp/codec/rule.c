/* Search for derived channels: eight probes settle nearly every candidate, the rest is counted. */
#include "dsp/codec/rule.h"

#include <stdlib.h>

/* Halves of A and of B. The last two are copies; with them B does not count. */
static const int8_t forms[XW_RULE_FORMS][2] = {
    {2, -2}, {-2, 2}, {2, 2},  {-2, -2}, {1, 1},  {-1, -1}, {2, -1},
    {-1, 2}, {1, -2}, {-2, 1}, {1, -1},  {-1, 1}, {2, 0},   {-2, 0},
};
enum { COPIES = 12, ROWS_LEAST = 8, PROBES = 8, SPREAD_MAX = 20 };

void xw_rule_form(unsigned form, struct xw_lead_rule *rule)
{
    rule->a_halves = forms[form][0];
    rule->b_halves = forms[form][1];
}

unsigned xw_rule_form_of(const struct xw_lead_rule *rule)
{
    unsigned form = 0;
    while (form + 1 < XW_RULE_FORMS &&
           (forms[form][0] != rule->a_halves || forms[form][1] != rule->b_halves))
        form++;
    return form;
}

/* Twice the channel less what the rule says: its error in halves of a count. */
static int64_t error_halves(const struct xw_lead_rule *rule, const int32_t *row, size_t c)
{
    return 2 * (int64_t)row[c] - xw_rule_twice(rule, row);
}

static bool probes_agree(const struct xw_lead_rule *rule, const int32_t *x, size_t channels_n,
                         size_t count_n, size_t c)
{
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (size_t i = 0; i < PROBES; i++) {
        int64_t e = error_halves(rule, x + i * (count_n - 1) / (PROBES - 1) * channels_n, c);
        low = e < low ? e : low;
        high = e > high ? e : high;
        if (high - low > SPREAD_MAX)
            return false;
    }
    return true;
}

static int64_t mean_error(const struct xw_lead_rule *rule, const int32_t *x, size_t channels_n,
                          size_t count_n, size_t c)
{
    int64_t sum = 0, n = (int64_t)count_n;
    for (size_t i = 0; i < count_n; i++)
        sum += error_halves(rule, x + i * channels_n, c);
    return sum >= 0 ? (sum + n / 2) / n : -((n / 2 - sum) / n);
}

static int64_t cost(const struct xw_lead_rule *rule, const int32_t *x, size_t channels_n,
                    size_t count_n, size_t c)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count_n; i++)
        sum += llabs(error_halves(rule, x + i * channels_n, c));
    return sum;
}

static int64_t cost_of_differences(const int32_t *x, size_t channels_n, size_t count_n, size_t c)
{
    int64_t sum = 0;
    for (size_t i = 1; i < count_n; i++)
        sum += llabs((int64_t)x[i * channels_n + c] - x[(i - 1) * channels_n + c]);
    return sum;
}

/* Takes over the candidate if it is cheaper than *best_cost. */
static void try_rule(struct xw_lead_rule candidate, const int32_t *x, size_t channels_n,
                     size_t count_n, size_t c, struct xw_lead_rule *best, int64_t *best_cost)
{
    if (!probes_agree(&candidate, x, channels_n, count_n, c))
        return;
    int64_t offset = mean_error(&candidate, x, channels_n, count_n, c);
    if (offset > XW_RULE_OFFSET_MAX || offset < -XW_RULE_OFFSET_MAX)
        return;
    candidate.offset = (int32_t)offset;
    int64_t its_cost = cost(&candidate, x, channels_n, count_n, c);
    if (its_cost >= *best_cost)
        return;
    *best_cost = its_cost;
    *best = candidate;
}

struct xw_lead_rule xw_rule_find(const int32_t *x, size_t channels_n, size_t count_n, size_t c)
{
    struct xw_lead_rule best = {.on = false};
    if (count_n < ROWS_LEAST || c >= XW_RULE_CHANNELS)
        return best;
    /* In halves against whole counts: a rule must be twice as good as the plain differences. */
    int64_t best_cost = cost_of_differences(x, channels_n, count_n, c);
    for (size_t a = 0; a < c; a++)
        for (unsigned form = 0; form < XW_RULE_FORMS; form++) {
            struct xw_lead_rule rule = {.on = true, .a = (uint8_t)a, .b = (uint8_t)a};
            xw_rule_form(form, &rule);
            if (form >= COPIES)
                try_rule(rule, x, channels_n, count_n, c, &best, &best_cost);
            for (size_t b = a + 1; form < COPIES && b < c; b++) {
                rule.b = (uint8_t)b;
                try_rule(rule, x, channels_n, count_n, c, &best, &best_cost);
            }
        }
    return best;
}

bool xw_rule_holds(const struct xw_lead_rule *rule, const int32_t *x, size_t channels_n,
                   size_t count_n, size_t c)
{
    return cost(rule, x, channels_n, count_n, c) / 2 <=
           cost_of_differences(x, channels_n, count_n, c) + (int64_t)count_n;
}
