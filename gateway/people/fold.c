/* The state of all people: the fold of their changes by number. */
#include "people/people_in.h"

#include <string.h>

/* ---- entries ---- */

static size_t slot_of(const struct xw_people *people, const struct xw_uuid *id)
{
    size_t mask = people->slots_n - 1, at = xw_uuid_hash(id) & mask;
    while (people->slots[at] != NO_ENTRY &&
           !xw_uuid_equal(&people->entries[people->slots[at]].id, id))
        at = (at + 1) & mask;
    return at;
}

int32_t xw_people_find(const struct xw_people *people, const struct xw_uuid *id)
{
    return people->slots_n ? people->slots[slot_of(people, id)] : NO_ENTRY;
}

/* Merges never make a circle (judge), so this ends. */
int32_t xw_people_head(const struct xw_people *people, int32_t at)
{
    while (people->entries[at].into != NO_ENTRY)
        at = people->entries[at].into;
    return at;
}

static int grow_slots(struct xw_people *people)
{
    size_t n = people->slots_n ? people->slots_n * 2 : 256;
    int32_t *slots = malloc(n * sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    free(people->slots);
    people->slots = slots;
    people->slots_n = n;
    for (size_t i = 0; i < n; i++)
        slots[i] = NO_ENTRY;
    for (size_t i = 0; i < people->entries_n; i++)
        slots[slot_of(people, &people->entries[i].id)] = (int32_t)i;
    return 0;
}

static int add_entry(struct xw_people *people, const struct xw_uuid *id, int32_t *ret_at)
{
    if (people->entries_n >= XW_PEOPLE_MAX)
        return -ENOSPC;
    if (2 * (people->entries_n + 1) > people->slots_n && grow_slots(people) < 0)
        return -ENOMEM;
    if (people->entries_n == people->entries_cap) {
        size_t cap = people->entries_cap ? people->entries_cap * 2 : 128;
        struct entry *v = reallocarray(people->entries, cap, sizeof(*v));
        if (!v)
            return -ENOMEM;
        people->entries = v;
        people->entries_cap = cap;
    }
    *ret_at = (int32_t)people->entries_n++;
    people->entries[*ret_at] = (struct entry){.id = *id, .into = NO_ENTRY};
    people->slots[slot_of(people, id)] = *ret_at;
    return 0;
}

void xw_people_entry_done(struct entry *entry)
{
    for (size_t i = 0; i < entry->changes_n; i++)
        xw_people_change_free(entry->changes[i]);
    free(entry->changes);
    free(entry->person);
    free(entry->codes);
    free(entry->spelling);
}

static int room_for_change(struct entry *entry)
{
    if (entry->changes_n < entry->changes_cap)
        return 0;
    size_t cap = entry->changes_cap ? entry->changes_cap * 2 : 1;
    struct change **v = reallocarray(entry->changes, cap, sizeof(struct change *));
    if (!v)
        return -ENOMEM;
    entry->changes = v;
    entry->changes_cap = cap;
    return 0;
}

/* The last one that was added, and nothing was after it: its slot leaves no gap. */
static void drop_entry(struct xw_people *people)
{
    struct entry *e = &people->entries[people->entries_n - 1];
    people->slots[slot_of(people, &e->id)] = NO_ENTRY;
    xw_people_entry_done(e);
    people->entries_n--;
}

/* ---- details, as searching wants them ---- */

/* A line without its signs. */
static size_t add_line(char *codes, const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        if (!strchr(XW_PEOPLE_SIGNS, *text))
            codes[n++] = *text;
    codes[n++] = '\n';
    return n;
}

static char *codes_of(const struct xw_person *p)
{
    char codes[XW_PHONE_N_BYTES + XW_PERSON_NUMBERS_MAX * XW_NUMBER_TEXT_N_BYTES + 1];
    size_t n = add_line(codes, p->phone);
    for (size_t i = 0; i < p->numbers_n; i++)
        n += add_line(codes + n, p->numbers[i].text);
    codes[n] = 0;
    return strdup(codes);
}

uint32_t xw_people_first_letters(const char *spelling)
{
    uint32_t letters = 0;
    bool begins = true;
    for (; *spelling && *spelling != ' '; spelling++) {
        if (begins && *spelling >= 'a' && *spelling <= 'z')
            letters |= UINT32_C(1) << (*spelling - 'a');
        begins = *spelling == '/';
    }
    return letters;
}

static int set_details(struct xw_people *people, struct entry *entry, const struct change *change)
{
    char spelling[XW_SPELLING_N_BYTES];
    struct xw_person *person;
    int r = xw_people_details(change, &person);
    if (r < 0)
        return r;
    (void)xw_speller_spell(people->config.speller, person->name, spelling);
    char *codes = codes_of(person), *spelled = strdup(spelling);
    if (!codes || !spelled) {
        free(codes);
        free(spelled);
        free(person);
        return -ENOMEM;
    }
    free(entry->person);
    free(entry->codes);
    free(entry->spelling);
    entry->person = person;
    entry->codes = codes;
    entry->spelling = spelled;
    entry->letters = xw_people_first_letters(spelled);
    entry->details = change;
    return 0;
}

/* ---- what may be said ---- */

static int judge_merge(const struct xw_people *people, int32_t at, const struct xw_uuid *into_id)
{
    const struct entry *e = &people->entries[at];
    int32_t into = xw_people_find(people, into_id);
    if (into == NO_ENTRY)
        return -ENOENT;
    if (e->withdrawn || e->into != NO_ENTRY)
        return -ESTALE;
    into = xw_people_head(people, into);
    if (into == at)
        return -ELOOP;
    return people->entries[into].withdrawn ? -ESTALE : 0;
}

int xw_people_judge(const struct xw_people *people, const struct op *op)
{
    int32_t at = xw_people_find(people, &op->id);
    const struct entry *e = at == NO_ENTRY ? NULL : &people->entries[at];
    if (people->changes_n >= XW_PEOPLE_CHANGES_MAX)
        return -ENOSPC;
    if (op->verb == XW_PEOPLE_REGISTER) {
        if (e)
            return op->person && xw_person_equal(op->person, e->person) ? -EALREADY : -EEXIST;
        return people->entries_n >= XW_PEOPLE_MAX ? -ENOSPC : 0;
    }
    if (!e)
        return -ENOENT;
    switch (op->verb) {
    case XW_PEOPLE_CORRECT:
        if (e->withdrawn || e->into != NO_ENTRY)
            return -ESTALE;
        return op->any_base || xw_uuid_equal(&op->base, &e->details->id) ? 0 : -ESTALE;
    case XW_PEOPLE_MERGE:
        return judge_merge(people, at, &op->into);
    case XW_PEOPLE_SPLIT:
        return e->into == NO_ENTRY ? -ESTALE : 0;
    case XW_PEOPLE_WITHDRAW:
        if (e->withdrawn || e->into != NO_ENTRY)
            return -ESTALE;
        return e->merged_n ? -EBUSY : 0;
    case XW_PEOPLE_RESTORE:
        return e->withdrawn ? 0 : -ESTALE;
    default:
        return -EINVAL;
    }
}

/* The change of the sort `before` this one, NULL: none. */
static const struct change *before(const struct entry *e, const struct change *change,
                                   enum xw_people_verb a, enum xw_people_verb b)
{
    const struct change *last = NULL;
    for (size_t i = 0; i < e->changes_n && e->changes[i] != change; i++)
        if (!e->changes[i]->at_odds && (e->changes[i]->verb == a || e->changes[i]->verb == b))
            last = e->changes[i];
    return last;
}

int xw_people_resolve(const struct xw_people *people, struct op *op)
{
    int32_t at = xw_people_find(people, &op->id);
    const struct entry *e = at == NO_ENTRY ? NULL : &people->entries[at];
    const struct change *c = NULL;
    for (size_t i = 0; e && i < e->changes_n; i++)
        if (!e->changes[i]->at_odds && xw_uuid_equal(&e->changes[i]->id, &op->undoes))
            c = e->changes[i];
    if (!c)
        return -ENOENT;
    if (c == e->presence) {
        op->verb = c->verb == XW_PEOPLE_WITHDRAW ? XW_PEOPLE_RESTORE : XW_PEOPLE_WITHDRAW;
        return 0;
    }
    if (c == e->details) { /* a correction: a registration is of the sort before */
        const struct change *old = before(e, c, XW_PEOPLE_REGISTER, XW_PEOPLE_CORRECT);
        op->verb = XW_PEOPLE_CORRECT;
        op->any_base = true;
        free(op->person);
        op->person = NULL;
        return old ? xw_people_details(old, &op->person) : -ESTALE;
    }
    if (c != e->link)
        return -ESTALE;
    op->verb = XW_PEOPLE_SPLIT;
    if (c->verb == XW_PEOPLE_SPLIT) {
        const struct change *merge = before(e, c, XW_PEOPLE_MERGE, XW_PEOPLE_MERGE);
        if (!merge)
            return -ESTALE;
        op->verb = XW_PEOPLE_MERGE;
        op->into = merge->into;
    }
    return 0;
}

/* ---- the fold ---- */

static void link_to(struct xw_people *people, struct entry *e, int32_t into)
{
    if (e->into != NO_ENTRY)
        people->entries[e->into].merged_n--;
    e->into = into;
    if (into != NO_ENTRY)
        people->entries[into].merged_n++;
}

static void take(struct xw_people *people, struct entry *e, struct change *change)
{
    int32_t into = NO_ENTRY;
    e->newest = change->number;
    switch (change->verb) {
    case XW_PEOPLE_REGISTER:
    case XW_PEOPLE_WITHDRAW:
    case XW_PEOPLE_RESTORE:
        e->presence = change;
        e->withdrawn = change->verb == XW_PEOPLE_WITHDRAW;
        break;
    case XW_PEOPLE_MERGE:
        into = xw_people_head(people, xw_people_find(people, &change->into));
        /* fall through */
    case XW_PEOPLE_SPLIT:
        e->link = change;
        link_to(people, e, into);
        break;
    default:
        break;
    }
}

int xw_people_fold(struct xw_people *people, struct change *change)
{
    struct op op = {.verb = change->verb,
                    .id = change->person,
                    .into = change->into,
                    .any_base = true /* it was judged when it was said */};
    bool details = change->verb == XW_PEOPLE_REGISTER || change->verb == XW_PEOPLE_CORRECT;
    int32_t at = xw_people_find(people, &change->person);
    int r = xw_people_judge(people, &op);
    bool fresh = r == 0 && change->verb == XW_PEOPLE_REGISTER;
    if (r == -ENOSPC || (r < 0 && at == NO_ENTRY))
        return r;
    if (fresh) {
        int added = add_entry(people, &change->person, &at);
        if (added < 0)
            return added;
    }
    struct entry *e = &people->entries[at];
    int room = room_for_change(e);
    if (room == 0 && r == 0 && details)
        r = set_details(people, e, change);
    if (fresh && (room < 0 || r < 0)) {
        drop_entry(people);
        return room < 0 ? room : r;
    }
    if (room < 0)
        return room;
    e->changes[e->changes_n++] = change;
    people->changes_n++;
    people->last_number = XW_MAX(people->last_number, change->number);
    change->at_odds = r < 0;
    if (r == 0)
        take(people, e, change);
    return 0;
}
