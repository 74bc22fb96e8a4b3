/* Judges the rules over the facts of one reading. */
#include "dsp/interpret/internal.h"

#include <math.h>
#include <string.h>

/* What one rule found while its lines were judged. */
struct found {
    uint32_t rows;
    unsigned values_n;
    bool more;
    struct xw_interpret_value values[XW_INTERPRET_VALUES_MAX];
};

struct judge {
    const struct xw_interpret_tables *tables;
    struct facts facts;
    struct xw_interpretation *out;
    bool said[ENTRIES_MAX];
};

static double measured(const struct facts *f, const struct measure *m, enum xw_ecg_lead turn)
{
    if (!m->of_lead)
        return f->whole[m->index];
    enum xw_ecg_lead lead = m->lead == XW_ECG_LEAD_OTHER ? turn : m->lead;
    return f->seen[lead] ? f->lead[lead][m->index] : (double)NAN;
}

double xw_interpret_limit(const struct xw_interpret_tables *tables, const struct facts *facts,
                          int name, enum xw_ecg_lead lead)
{
    static const char SEX[] = {
        [XW_ECG12_SEX_UNKNOWN] = 'U', [XW_ECG12_FEMALE] = 'F', [XW_ECG12_MALE] = 'M'};
    char sex = SEX[facts->input->sex];
    for (unsigned i = 0; i < tables->limits_n; i++) {
        const struct limit *l = &tables->limits[i];
        if (l->name == name && (l->sex == '*' || l->sex == sex) && facts->age >= (float)l->from &&
            facts->age < (float)l->to && (!l->leads || l->leads >> lead & 1))
            return l->value;
    }
    return NAN;
}

static bool holds(double value, enum op op, double limit)
{
    if (isnan(value) || isnan(limit))
        return false;
    switch (op) {
    case OP_LT:
        return value < limit;
    case OP_LE:
        return value <= limit;
    case OP_GT:
        return value > limit;
    case OP_GE:
        return value >= limit;
    case OP_EQ:
        return value == limit;
    case OP_NE:
        return value != limit;
    }
    return false;
}

static void keep(struct found *found, const struct judge *j, const struct test *t,
                 enum xw_ecg_lead lead, double value, double limit)
{
    static const char *const OPS[] = {"<", "<=", ">", ">=", "=", "!="};
    const struct measure_name *name =
        t->left.of_lead ? &OF_LEAD_NAMES[t->left.index] : &WHOLE_NAMES[t->left.index];
    enum xw_ecg_lead of = !t->left.of_lead                    ? XW_ECG_LEAD_OTHER
                          : t->left.lead == XW_ECG_LEAD_OTHER ? lead
                                                              : t->left.lead;
    if (of != XW_ECG_LEAD_OTHER)
        found->rows |= 1U << j->facts.row[of];
    if (found->values_n == XW_INTERPRET_VALUES_MAX) {
        found->more = true;
        return;
    }
    found->values[found->values_n++] = (struct xw_interpret_value){.measure = name->name,
                                                                   .unit = name->unit,
                                                                   .op = OPS[t->op],
                                                                   .lead = of,
                                                                   .value = (float)value,
                                                                   .limit = (float)limit};
}

/* All tests of a line, for one lead. found may be NULL. */
static bool line_holds(const struct judge *j, const struct term *term, enum xw_ecg_lead lead,
                       struct found *found)
{
    for (unsigned i = 0; i < term->tests_n; i++) {
        const struct test *t = &j->tables->tests[term->first + i];
        double value = measured(&j->facts, &t->left, lead);
        double limit = t->number;
        if (t->kind == RIGHT_LIMIT)
            limit = xw_interpret_limit(j->tables, &j->facts, t->limit,
                                       t->left.lead == XW_ECG_LEAD_OTHER ? lead : t->left.lead);
        else if (t->kind == RIGHT_MEASURE)
            limit = t->number * measured(&j->facts, &t->right, lead);
        if (!holds(value, t->op, limit))
            return false;
        if (found)
            keep(found, j, t, lead, value, limit);
    }
    return true;
}

/* Every value of the line's leads is known, so that "it does not hold" is seen and not supposed. */
static bool line_known(const struct judge *j, const struct term *term, enum xw_ecg_lead lead)
{
    for (unsigned i = 0; i < term->tests_n; i++) {
        const struct test *t = &j->tables->tests[term->first + i];
        if (isnan(measured(&j->facts, &t->left, lead)) ||
            (t->kind == RIGHT_MEASURE && isnan(measured(&j->facts, &t->right, lead))))
            return false;
    }
    return true;
}

static bool over_leads(const struct judge *j, const struct term *term, struct found *found)
{
    bool hold[RULE_LEADS_MAX];
    unsigned held = 0, run = 0, longest = 0, end = 0;
    for (unsigned i = 0; i < term->leads_n; i++) {
        enum xw_ecg_lead lead = (enum xw_ecg_lead)term->leads[i];
        hold[i] = line_holds(j, term, lead, NULL);
        if (term->q == Q_NONE && (hold[i] || !line_known(j, term, lead)))
            return false;
        held += hold[i];
        run = hold[i] ? run + 1 : 0;
        if (run > longest) {
            longest = run;
            end = i + 1;
        }
    }
    if ((term->q == Q_ANY && !held) || (term->q == Q_ALL && held < term->leads_n) ||
        (term->q == Q_ATLEAST && held < term->n) || (term->q == Q_ADJACENT && longest < term->n))
        return false;
    for (unsigned i = 0; i < term->leads_n && term->q != Q_NONE; i++) {
        bool counts = hold[i] && (term->q != Q_ADJACENT || (i < end && i + longest >= end));
        if (counts)
            (void)line_holds(j, term, (enum xw_ecg_lead)term->leads[i], found);
    }
    return true;
}

static bool term_holds(const struct judge *j, const struct term *term, struct found *found)
{
    switch (term->q) {
    case Q_IS:
        return line_holds(j, term, XW_ECG_LEAD_OTHER, found);
    case Q_SAID:
        return j->said[term->entry];
    case Q_UNSAID:
        return !j->said[term->entry];
    default:
        return over_leads(j, term, found);
    }
}

bool xw_interpret_holds(const struct xw_interpret_tables *tables, const struct facts *facts,
                        const bool *said, const struct rule *rule)
{
    struct judge j = {.tables = tables, .facts = *facts};
    struct found found = {0};
    memcpy(j.said, said, sizeof(j.said));
    for (unsigned k = 0; k < rule->terms_n; k++) {
        if (!term_holds(&j, &tables->terms[rule->first + k], &found))
            return false;
    }
    return true;
}

static struct xw_interpret_statement *find_said(struct xw_interpretation *out,
                                                const struct xw_interpret_entry *entry)
{
    for (unsigned i = 0; i < out->n; i++) {
        if (out->said[i].entry == entry)
            return &out->said[i];
    }
    return NULL;
}

/* The statement's place, a new one if it was not said; NULL when there is no room. */
static struct xw_interpret_statement *place(struct judge *j, unsigned entry)
{
    struct xw_interpret_statement *s = find_said(j->out, &j->tables->entries[entry]);
    if (s)
        return s;
    if (j->out->n == XW_INTERPRET_SAID_MAX) {
        j->out->dropped_n++;
        return NULL;
    }
    s = &j->out->said[j->out->n++];
    memset(s, 0, sizeof(*s));
    s->entry = &j->tables->entries[entry];
    return s;
}

static void add_values(struct xw_interpret_statement *s, const struct xw_interpret_value *values,
                       unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (s->values_n == XW_INTERPRET_VALUES_MAX)
            s->more = true;
        else
            s->values[s->values_n++] = values[i];
    }
}

static void add_rule(struct xw_interpret_statement *s, const char *id, unsigned version)
{
    if (s->rules_n == XW_INTERPRET_RULES_MAX)
        return;
    s->rules[s->rules_n] = id;
    s->versions[s->rules_n++] = version;
}

/* The beats that a rule rests on: those whose count it asked for, else those of the median. */
static uint64_t beats_of(const struct judge *j, const struct rule *rule)
{
    for (unsigned k = 0; k < rule->terms_n; k++) {
        const struct term *term = &j->tables->terms[rule->first + k];
        for (unsigned i = 0; term->q < Q_SAID && i < term->tests_n; i++) {
            const struct test *t = &j->tables->tests[term->first + i];
            /* "none" (= 0) rests on no such beat */
            if (t->left.of_lead || t->op == OP_EQ)
                continue;
            if (t->left.index == W_VPC_N)
                return j->facts.premature_wide;
            if (t->left.index == W_APC_N)
                return j->facts.premature_narrow;
            if (t->left.index == W_PACED_SHARE)
                return j->facts.paced;
        }
    }
    return j->facts.dominant;
}

static void judge_rule(struct judge *j, const struct rule *rule)
{
    struct found found = {0};
    for (unsigned k = 0; k < rule->terms_n; k++) {
        if (!term_holds(j, &j->tables->terms[rule->first + k], &found))
            return;
    }
    j->said[rule->entry] = true;
    struct xw_interpret_statement *s = place(j, rule->entry);
    if (!s)
        return;
    add_rule(s, rule->id, rule->version);
    s->leads |= found.rows;
    s->beats |= beats_of(j, rule);
    s->more = s->more || found.more;
    add_values(s, found.values, found.values_n);
    if (!strcmp(s->entry->name, "lbbb") || !strcmp(s->entry->name, "paced_ventricular"))
        j->facts.whole[W_LBBB_OR_PACED] = 1;
}

static void take_out(struct judge *j, unsigned entry)
{
    struct xw_interpret_statement *s = find_said(j->out, &j->tables->entries[entry]);
    j->said[entry] = false;
    if (!s)
        return;
    memmove(s, s + 1, sizeof(*s) * (size_t)(&j->out->said[j->out->n] - (s + 1)));
    j->out->n--;
    j->out->dropped_n++;
}

static void join(struct judge *j, const struct relation *r)
{
    struct xw_interpret_statement *a = find_said(j->out, &j->tables->entries[r->a]);
    struct xw_interpret_statement *b = find_said(j->out, &j->tables->entries[r->b]);
    if (!a || !b)
        return;
    struct xw_interpret_statement copy_a = *a, copy_b = *b;
    take_out(j, r->a);
    take_out(j, r->b);
    struct xw_interpret_statement *c = place(j, r->c);
    if (!c)
        return;
    j->said[r->c] = true;
    const struct xw_interpret_statement *from[] = {&copy_a, &copy_b};
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned k = 0; k < from[i]->rules_n; k++)
            add_rule(c, from[i]->rules[k], from[i]->versions[k]);
        c->leads |= from[i]->leads;
        c->beats |= from[i]->beats;
        c->more = c->more || from[i]->more;
        add_values(c, from[i]->values, from[i]->values_n);
    }
}

static void relate(struct judge *j)
{
    for (unsigned i = 0; i < j->tables->relations_n; i++) {
        const struct relation *r = &j->tables->relations[i];
        if (!j->said[r->a] || !j->said[r->b])
            continue;
        if (r->kind == RELATION_JOINS)
            join(j, r);
        else
            take_out(j, r->b);
    }
}

static void count_grades(struct judge *j)
{
    double grave = 0, notes = 0;
    for (unsigned i = 0; i < j->out->n; i++) {
        enum xw_interpret_grade grade = j->out->said[i].entry->grade;
        grave += grade >= XW_INTERPRET_ABNORMAL;
        notes += grade == XW_INTERPRET_BORDERLINE;
    }
    j->facts.whole[W_GRAVE_N] = grave;
    j->facts.whole[W_NOTES_N] = notes;
}

/* Gravest first; what is equally grave stays in the order of the rules. */
static void order(struct xw_interpretation *out)
{
    for (unsigned i = 1; i < out->n; i++) {
        for (unsigned k = i; k && out->said[k].entry->grade > out->said[k - 1].entry->grade; k--) {
            struct xw_interpret_statement swap = out->said[k];
            out->said[k] = out->said[k - 1];
            out->said[k - 1] = swap;
        }
    }
    out->grade = out->n ? out->said[0].entry->grade : XW_INTERPRET_NORMAL;
}

/* Nothing but what the bedside's analysis has: it needs no beat to be measured. */
static bool is_of_the_chain(const struct xw_interpret_tables *t, const struct rule *rule)
{
    for (unsigned k = 0; k < rule->terms_n; k++) {
        const struct term *term = &t->terms[rule->first + k];
        if (term->q != Q_IS)
            return false;
        for (unsigned i = 0; i < term->tests_n; i++) {
            const struct measure *m = &t->tests[term->first + i].left;
            if (m->of_lead || m->index < W_CHAIN_AF || m->index > W_CHAIN_ASYSTOLE)
                return false;
        }
    }
    return true;
}

/* Of what cannot be read nothing else is said but that, and why is in the reading's verdict; a
 * heart that fibrillates or stands still shows no beat to read. */
static bool unreadable(struct judge *j)
{
    int entry = xw_interpret_entry_of(j->tables, "uninterpretable");
    if (j->facts.whole[W_READABLE] > 0 || entry < 0)
        return !(j->facts.whole[W_READABLE] > 0);
    struct xw_interpret_statement *s = place(j, (unsigned)entry);
    add_rule(s, "verdict", 1);
    return true;
}

void xw_interpret_make(const struct xw_interpret_tables *tables,
                       const struct xw_interpret_input *input, struct xw_interpretation *ret)
{
    struct judge j = {.tables = tables, .out = ret};
    memset(ret, 0, sizeof(*ret));
    xw_interpret_facts(input, &j.facts);
    ret->age_assumed = !isfinite(input->age_years);
    if (unreadable(&j)) {
        for (unsigned i = 0; i < tables->rules_n; i++)
            if (is_of_the_chain(tables, &tables->rules[i]))
                judge_rule(&j, &tables->rules[i]);
    } else {
        for (unsigned i = 0; i < tables->rules_n; i++) {
            if (!tables->rules[i].overall)
                judge_rule(&j, &tables->rules[i]);
        }
        relate(&j);
        count_grades(&j);
        for (unsigned i = 0; i < tables->rules_n; i++) {
            if (tables->rules[i].overall)
                judge_rule(&j, &tables->rules[i]);
        }
    }
    order(ret);
}
