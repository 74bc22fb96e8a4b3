/* Walks every rule of the built-in table: facts are made that just satisfy it; then every single
 * comparison is put to both sides of its limit. A threshold that does nothing cannot hide. */
#include "dsp/interpret/internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct xw_interpret_tables *tables;
static struct xw_ecg12_result nothing;
static const struct xw_interpret_input MAN = {
    .result = &nothing, .age_years = 50, .sex = XW_ECG12_MALE};

static double *value_of(struct facts *f, const struct measure *m, enum xw_ecg_lead turn)
{
    if (!m->of_lead)
        return &f->whole[m->index];
    enum xw_ecg_lead lead = m->lead == XW_ECG_LEAD_OTHER ? turn : m->lead;
    f->seen[lead] = true;
    return &f->lead[lead][m->index];
}

static double right_of(struct facts *f, const struct test *t, enum xw_ecg_lead turn)
{
    enum xw_ecg_lead lead = t->left.lead == XW_ECG_LEAD_OTHER ? turn : t->left.lead;
    if (t->kind == RIGHT_LIMIT)
        return xw_interpret_limit(tables, f, t->limit, lead);
    if (t->kind == RIGHT_MEASURE)
        return t->number * *value_of(f, &t->right, turn);
    return t->number;
}

static bool is_true(double value, enum op op, double limit)
{
    return op == OP_LT   ? value < limit
           : op == OP_LE ? value <= limit
           : op == OP_GT ? value > limit
           : op == OP_GE ? value >= limit
           : op == OP_EQ ? value == limit
                         : value != limit;
}

static double step(double limit)
{
    return fmax(1e-3, fabs(limit) * 1e-3);
}

/* Just inside or just outside of what the comparison wants. */
static double beside(enum op op, double limit, bool inside)
{
    double e = step(limit);
    switch (op) {
    case OP_LT:
        return inside ? limit - e : limit;
    case OP_LE:
        return inside ? limit : limit + e;
    case OP_GT:
        return inside ? limit + e : limit;
    case OP_GE:
        return inside ? limit : limit - e;
    case OP_EQ:
        return inside ? limit : limit + 1;
    case OP_NE:
        return inside ? limit + 1 : limit;
    }
    return NAN;
}

/* All comparisons of the rule that speak of the same value. */
static bool agrees(struct facts *f, const struct rule *rule, const double *value)
{
    for (unsigned k = 0; k < rule->terms_n; k++) {
        const struct term *term = &tables->terms[rule->first + k];
        unsigned leads_n = term->q == Q_IS ? 1 : term->leads_n;
        for (unsigned l = 0; l < leads_n && term->q < Q_SAID; l++) {
            enum xw_ecg_lead lead =
                term->q == Q_IS ? XW_ECG_LEAD_OTHER : (enum xw_ecg_lead)term->leads[l];
            for (unsigned i = 0; i < term->tests_n; i++) {
                const struct test *t = &tables->tests[term->first + i];
                bool mine = value_of(f, &t->left, lead) == value ||
                            (t->kind == RIGHT_MEASURE && value_of(f, &t->right, lead) == value);
                bool holds = is_true(*value_of(f, &t->left, lead), t->op, right_of(f, t, lead));
                if (mine && term->q != Q_NONE && !holds)
                    return false;
            }
        }
    }
    return true;
}

/* Moves a value to a place where all comparisons that speak of it hold, if there is one. */
static void settle(struct facts *f, const struct rule *rule, double *value, double limit)
{
    double e = step(limit);
    const double tries[] = {limit + e,
                            limit - e,
                            limit + 10 * e,
                            limit - 10 * e,
                            limit,
                            limit + 1,
                            limit * 1.05,
                            limit * 0.95,
                            limit * 1.3,
                            limit * 0.7,
                            limit * 3,
                            limit - 200,
                            limit + 200,
                            0,
                            -60,
                            60};
    for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
        *value = tries[i];
        if (agrees(f, rule, value))
            return;
    }
}

static void satisfy_term(struct facts *f, const struct rule *rule, const struct term *term)
{
    unsigned leads_n = term->q == Q_IS ? 1 : term->leads_n;
    for (unsigned l = 0; l < leads_n && term->q < Q_SAID; l++) {
        enum xw_ecg_lead lead =
            term->q == Q_IS ? XW_ECG_LEAD_OTHER : (enum xw_ecg_lead)term->leads[l];
        for (unsigned i = 0; i < term->tests_n; i++) {
            const struct test *t = &tables->tests[term->first + i];
            double *value = value_of(f, &t->left, lead);
            double limit = right_of(f, t, lead);
            if (term->q == Q_NONE)
                *value = beside(t->op, limit, false);
            else if (!is_true(*value, t->op, limit))
                settle(f, rule, value, limit);
        }
    }
}

static void satisfy(const struct rule *rule, struct facts *f, bool said[ENTRIES_MAX])
{
    memset(f, 0, sizeof(*f));
    memset(said, 0, ENTRIES_MAX * sizeof(*said));
    f->input = &MAN;
    f->age = 50;
    for (unsigned i = 0; i < WHOLES_N; i++)
        f->whole[i] = NAN;
    f->whole[W_BEATS_N] = 10;
    for (unsigned lead = 0; lead < XW_ECG_LEAD_COUNT; lead++) {
        f->lead[lead][L_S_ABS] = 500;
        f->lead[lead][L_RMAX] = 500;
    }
    for (int pass = 0; pass < 4; pass++) {
        for (unsigned k = 0; k < rule->terms_n; k++) {
            const struct term *term = &tables->terms[rule->first + k];
            satisfy_term(f, rule, term);
            if (term->q == Q_SAID)
                said[term->entry] = true;
        }
    }
}

/* Every lead of the line goes to one side of the comparison's limit. */
static void put(struct facts *f, const struct term *term, const struct test *t, bool inside)
{
    unsigned leads_n = term->q == Q_IS ? 1 : term->leads_n;
    for (unsigned l = 0; l < leads_n; l++) {
        enum xw_ecg_lead lead =
            term->q == Q_IS ? XW_ECG_LEAD_OTHER : (enum xw_ecg_lead)term->leads[l];
        *value_of(f, &t->left, lead) = beside(t->op, right_of(f, t, lead), inside);
    }
}

static bool all_agree(struct facts *f, const struct rule *rule, const struct term *term,
                      const struct test *t)
{
    unsigned leads_n = term->q == Q_IS ? 1 : term->leads_n;
    for (unsigned l = 0; l < leads_n; l++) {
        enum xw_ecg_lead lead =
            term->q == Q_IS ? XW_ECG_LEAD_OTHER : (enum xw_ecg_lead)term->leads[l];
        if (!agrees(f, rule, value_of(f, &t->left, lead)))
            return false;
    }
    return true;
}

static void every_comparison_has_two_sides(void **state)
{
    (void)state;
    unsigned flipped = 0, inside_n = 0;
    for (unsigned r = 0; r < tables->rules_n; r++) {
        const struct rule *rule = &tables->rules[r];
        struct facts f;
        bool said[ENTRIES_MAX];
        satisfy(rule, &f, said);
        if (!xw_interpret_holds(tables, &f, said, rule))
            fail_msg("rule %s: no facts were found that satisfy it", rule->id);
        for (unsigned k = 0; k < rule->terms_n; k++) {
            const struct term *term = &tables->terms[rule->first + k];
            for (unsigned i = 0; i < term->tests_n && term->q < Q_SAID && term->q != Q_NONE; i++) {
                const struct test *t = &tables->tests[term->first + i];
                struct facts other = f;
                put(&other, term, t, false);
                if (xw_interpret_holds(tables, &other, said, rule))
                    fail_msg("rule %s, line %u: test %u does nothing", rule->id, k + 1, i + 1);
                flipped++;
                other = f;
                put(&other, term, t, true);
                if (!all_agree(&other, rule, term, t))
                    continue; /* another comparison of the same value forbids this place */
                if (!xw_interpret_holds(tables, &other, said, rule))
                    fail_msg("rule %s, line %u: test %u fails at its limit", rule->id, k + 1,
                             i + 1);
                inside_n++;
            }
        }
    }
    print_message("%u rules, %u comparisons outside, %u at their limit\n", tables->rules_n, flipped,
                  inside_n);
    assert_true(flipped >= 200);
    assert_true(inside_n * 10 >= flipped * 9);
}

static void what_is_not_seen_satisfies_nothing(void **state)
{
    (void)state;
    for (unsigned r = 0; r < tables->rules_n; r++) {
        const struct rule *rule = &tables->rules[r];
        for (unsigned k = 0; k < rule->terms_n; k++) {
            const struct term *term = &tables->terms[rule->first + k];
            struct facts f;
            bool said[ENTRIES_MAX];
            satisfy(rule, &f, said);
            for (unsigned l = 0; l < term->leads_n; l++)
                f.seen[term->leads[l]] = false;
            if (term->leads_n && xw_interpret_holds(tables, &f, said, rule))
                fail_msg("rule %s speaks of leads that were not seen", rule->id);
            satisfy(rule, &f, said);
            for (unsigned i = 0; i < term->tests_n && term->q == Q_IS; i++) {
                const struct test *t = &tables->tests[term->first + i];
                *value_of(&f, &t->left, XW_ECG_LEAD_OTHER) = NAN;
                if (xw_interpret_holds(tables, &f, said, rule))
                    fail_msg("rule %s holds without knowing test %u", rule->id, i + 1);
            }
        }
    }
}

static void what_a_rule_wants_said_is_wanted(void **state)
{
    (void)state;
    for (unsigned r = 0; r < tables->rules_n; r++) {
        const struct rule *rule = &tables->rules[r];
        for (unsigned k = 0; k < rule->terms_n; k++) {
            const struct term *term = &tables->terms[rule->first + k];
            struct facts f;
            bool said[ENTRIES_MAX];
            satisfy(rule, &f, said);
            if (term->q < Q_SAID)
                continue;
            said[term->entry] = term->q == Q_UNSAID;
            assert_false(xw_interpret_holds(tables, &f, said, rule));
        }
    }
}

static int set_up(void **state)
{
    (void)state;
    struct xw_interpret_texts texts;
    xw_interpret_builtin(&texts);
    return xw_interpret_parse(&texts, &tables, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    xw_interpret_free(tables);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_comparison_has_two_sides),
        cmocka_unit_test(what_is_not_seen_satisfies_nothing),
        cmocka_unit_test(what_a_rule_wants_said_is_wanted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
