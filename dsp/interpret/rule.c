/* The table of rules. */
#include "dsp/interpret/internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static int measure_of(const char *name, struct measure *ret)
{
    const char *dot = strchr(name, '.');
    *ret = (struct measure){0};
    if (dot) {
        char lead[8] = "";
        if ((size_t)(dot - name) >= sizeof(lead))
            return -EINVAL;
        memcpy(lead, name, (size_t)(dot - name));
        ret->lead = xw_interpret_lead(lead);
        if (ret->lead == XW_ECG_LEAD_OTHER)
            return -EINVAL;
        name = dot + 1;
    }
    for (unsigned i = 0; i < OF_LEADS_N; i++) {
        if (!strcmp(OF_LEAD_NAMES[i].name, name)) {
            ret->of_lead = true;
            ret->index = (uint8_t)i;
            return 0;
        }
    }
    for (unsigned i = 0; !dot && i < WHOLES_N; i++) {
        if (!strcmp(WHOLE_NAMES[i].name, name)) {
            ret->index = (uint8_t)i;
            return 0;
        }
    }
    return -EINVAL;
}

static int op_of(const char *word, enum op *ret)
{
    static const char *const OPS[] = {"<", "<=", ">", ">=", "=", "!="};
    for (unsigned i = 0; i < 6; i++) {
        if (!strcmp(OPS[i], word)) {
            *ret = (enum op)i;
            return 0;
        }
    }
    return -EINVAL;
}

/* A measure of "the lead in turn" outside of a list of leads has no lead. */
static bool homeless(const struct measure *m, bool in_list)
{
    return m->of_lead && m->lead == XW_ECG_LEAD_OTHER && !in_list;
}

static int right_side(struct reader *r, char *word, char **rest, struct test *test)
{
    if (*word == '@') {
        test->kind = RIGHT_LIMIT;
        test->limit = xw_interpret_limit_name(r->tables, word + 1);
        return test->limit < 0 ? xw_interpret_refuse(r, "no limit '%.40s'", word) : 0;
    }
    test->kind = RIGHT_NUMBER;
    bool number = xw_interpret_number(word, &test->number);
    char *next = *rest + strspn(*rest, " \t");
    if (number && (*next != '*' || (next[1] != ' ' && next[1] != '\t')))
        return 0;
    if (number) {
        *rest = next + 1;
        word = xw_interpret_word(rest);
    } else {
        test->number = 1;
    }
    test->kind = RIGHT_MEASURE;
    if (!word || measure_of(word, &test->right) < 0)
        return xw_interpret_refuse(r, "no measure '%.40s'", word ? word : "");
    return 0;
}

/* TEST [& TEST …] to the end of the line. */
static int tests(struct reader *r, struct term *term, char *rest, bool in_list)
{
    struct xw_interpret_tables *t = r->tables;
    term->first = t->tests_n;
    for (;;) {
        struct test test = {0};
        char *left = xw_interpret_word(&rest);
        char *op = left ? xw_interpret_word(&rest) : NULL;
        char *right = op ? xw_interpret_word(&rest) : NULL;
        if (!right)
            return xw_interpret_refuse(r, "a test is: MEASURE OP VALUE");
        if (measure_of(left, &test.left) < 0)
            return xw_interpret_refuse(r, "no measure '%.40s'", left);
        if (op_of(op, &test.op) < 0)
            return xw_interpret_refuse(r, "'%.10s' does not compare", op);
        int result = right_side(r, right, &rest, &test);
        if (result < 0)
            return result;
        if (homeless(&test.left, in_list) || homeless(&test.right, in_list))
            return xw_interpret_refuse(r, "which lead? (V1.r_uv)");
        if (t->tests_n == TESTS_MAX || term->tests_n == 8)
            return xw_interpret_refuse(r, "too many tests");
        t->tests[t->tests_n++] = test;
        term->tests_n++;
        char *more = xw_interpret_word(&rest);
        if (!more)
            return 0;
        if (strcmp(more, "&") != 0)
            return xw_interpret_refuse(r, "'%.20s' where & or the end was expected", more);
    }
}

/* LEADS : TESTS */
static int lead_list(struct reader *r, struct term *term, char *rest)
{
    for (char *word = NULL; (word = xw_interpret_word(&rest));) {
        if (!strcmp(word, ":"))
            break;
        enum xw_ecg_lead lead = xw_interpret_lead(word);
        if (lead == XW_ECG_LEAD_OTHER || memchr(term->leads, (int)lead, term->leads_n))
            return xw_interpret_refuse(r, "'%.20s' is no lead, or stands twice", word);
        if (term->leads_n == RULE_LEADS_MAX)
            return xw_interpret_refuse(r, "too many leads");
        term->leads[term->leads_n++] = (uint8_t)lead;
    }
    if (!term->leads_n || term->n > term->leads_n)
        return xw_interpret_refuse(r, "fewer leads than are wanted");
    return tests(r, term, rest, true);
}

static int one_term(struct reader *r, const char *word, char *rest)
{
    static const char *const WORDS[] = {"is",      "any",      "all",  "none",
                                        "atleast", "adjacent", "said", "unsaid"};
    struct xw_interpret_tables *t = r->tables;
    struct term *term = &t->terms[t->terms_n];
    unsigned q = 0;
    while (q < 8 && strcmp(WORDS[q], word) != 0)
        q++;
    if (q == 8)
        return xw_interpret_refuse(r, "'%.20s' is no word of rules", word);
    if (t->terms_n == TERMS_MAX)
        return xw_interpret_refuse(r, "more than %d lines", TERMS_MAX);
    *term = (struct term){.q = (enum quantifier)q};
    t->terms_n++;
    t->rules[t->rules_n - 1].terms_n++;
    if (q == Q_IS)
        return tests(r, term, rest, false);
    char *next = q >= Q_ATLEAST ? xw_interpret_word(&rest) : NULL;
    if (q >= Q_SAID) {
        int entry = next ? xw_interpret_entry_of(t, next) : -1;
        term->entry = (unsigned)entry;
        if (entry < 0 || xw_interpret_word(&rest))
            return xw_interpret_refuse(r, "one statement is wanted");
        return 0;
    }
    double n = 0;
    if (q >= Q_ATLEAST &&
        (!next || !xw_interpret_number(next, &n) || n < 1 || n > RULE_LEADS_MAX || n != floor(n)))
        return xw_interpret_refuse(r, "how many leads?");
    term->n = (unsigned)n;
    return lead_list(r, term, rest);
}

static int one_rule(struct reader *r, char *rest)
{
    struct xw_interpret_tables *t = r->tables;
    char *id = xw_interpret_word(&rest), *version = xw_interpret_word(&rest);
    char *says = xw_interpret_word(&rest), *name = xw_interpret_word(&rest);
    double n = 0;
    if (!name || xw_interpret_word(&rest) || strcmp(says, "says") != 0)
        return xw_interpret_refuse(r, "rule ID VERSION says STATEMENT");
    if (strlen(id) > 40 || strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_.") != strlen(id))
        return xw_interpret_refuse(r, "id: a-z 0-9 _ .");
    for (unsigned i = 0; i < t->rules_n; i++) {
        if (!strcmp(t->rules[i].id, id))
            return xw_interpret_refuse(r, "rule '%s' stands twice", id);
    }
    if (!xw_interpret_number(version, &n) || n < 1 || n > 1e6 || n != floor(n))
        return xw_interpret_refuse(r, "version: a whole number from 1");
    int entry = xw_interpret_entry_of(t, name);
    if (entry < 0)
        return xw_interpret_refuse(r, "no statement '%.40s'", name);
    if (t->rules_n == RULES_MAX)
        return xw_interpret_refuse(r, "more than %d rules", RULES_MAX);
    t->rules[t->rules_n++] = (struct rule){.id = id,
                                           .version = (unsigned)n,
                                           .entry = (unsigned)entry,
                                           .line = r->line,
                                           .first = t->terms_n,
                                           .overall = !strcmp(t->entries[entry].group, "overall")};
    return 0;
}

/* A rule without a line would always hold; one that wants a later rule's statement never would. */
static int whole_rule(struct reader *r)
{
    struct xw_interpret_tables *t = r->tables;
    if (!t->rules_n)
        return 0;
    const struct rule *rule = &t->rules[t->rules_n - 1];
    if (!rule->terms_n) {
        r->line = rule->line;
        return xw_interpret_refuse(r, "rule '%s' has no line", rule->id);
    }
    for (unsigned k = 0; k < rule->terms_n; k++) {
        const struct term *term = &t->terms[rule->first + k];
        bool known = term->q < Q_SAID;
        for (unsigned i = 0; !known && i + 1 < t->rules_n; i++)
            known = t->rules[i].entry == term->entry;
        if (!known) {
            r->line = rule->line;
            return xw_interpret_refuse(r, "rule '%s' asks for '%.40s', which no rule above says",
                                       rule->id, t->entries[term->entry].name);
        }
    }
    return 0;
}

int xw_interpret_parse_rules(struct reader *r)
{
    int result = xw_interpret_version_line(r);
    char *line = NULL;
    while (result >= 0 && (line = xw_interpret_line(r))) {
        char *word = xw_interpret_word(&line);
        if (!strcmp(word, "rule")) {
            unsigned here = r->line;
            result = whole_rule(r);
            if (result >= 0) {
                r->line = here;
                result = one_rule(r, line);
            }
        } else if (!r->tables->rules_n) {
            return xw_interpret_refuse(r, "a line before the first rule");
        } else {
            result = one_term(r, word, line);
        }
    }
    return result < 0 ? result : whole_rule(r);
}
