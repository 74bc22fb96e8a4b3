/* A person as a whole. */
#include "person/person.h"

#include <string.h>

static void note(struct xw_person_faults *faults, const struct xw_person_fault *fault)
{
    if (faults->n < XW_PERSON_FAULTS_MAX)
        faults->v[faults->n++] = *fault;
}

static void say(struct xw_person_faults *faults, enum xw_person_field field,
                enum xw_person_reason reason)
{
    struct xw_person_fault fault = {.field = field, .reason = reason, .at = -1};
    note(faults, &fault);
}

bool xw_person_faulty(const struct xw_person_faults *faults, enum xw_person_field field)
{
    for (size_t i = 0; i < faults->n; i++)
        if (faults->v[i].field == field)
            return true;
    return false;
}

/* ---- the whole ---- */

/* A date of a number whose century is not known fits when the rest of it does. */
static bool fits(const struct xw_birth *birth, const struct xw_number_says *says)
{
    struct xw_day day = says->day;
    if (says->century)
        return xw_birth_allows(birth, day);
    for (int century = 1900; century <= 2000; century += 100) {
        day.year = (int16_t)(says->day.year + century);
        if (xw_day_is(day) && xw_birth_allows(birth, day))
            return true;
    }
    return false;
}

static bool one_of_a_kind(enum xw_number_kind kind)
{
    return kind == XW_NUMBER_RESIDENT || kind == XW_NUMBER_FOREIGNER || kind == XW_NUMBER_HKMO ||
           kind == XW_NUMBER_TAIWAN || kind == XW_NUMBER_NEWBORN;
}

static void check_number(const struct xw_person *p, size_t at, struct xw_person_faults *faults)
{
    const struct xw_number *number = &p->numbers[at];
    struct xw_number_says says;
    xw_number_says(number, &says);
    if (says.sex != XW_SEX_UNKNOWN && (p->sex == XW_SEX_MALE || p->sex == XW_SEX_FEMALE) &&
        says.sex != p->sex)
        say(faults, XW_PERSON_SEX, XW_REASON_SEX_DIFFERS);
    if (says.birth && !fits(&p->birth, &says))
        say(faults, XW_PERSON_BIRTH, XW_REASON_BIRTH_DIFFERS);
    for (size_t i = 0; i < at; i++)
        if (xw_number_equal(&p->numbers[i], number) ||
            (one_of_a_kind(number->kind) && p->numbers[i].kind == number->kind))
            say(faults, XW_PERSON_NUMBER, XW_REASON_TWICE);
}

int xw_person_check(const struct xw_person *person, struct xw_day today,
                    struct xw_person_faults *ret_faults)
{
    struct xw_person_faults faults = {.n = 0};
    struct xw_person_fault fault;
    if (xw_birth_check(&person->birth, today, &fault) < 0)
        note(&faults, &fault);
    else
        for (size_t i = 0; i < person->numbers_n && i < XW_PERSON_NUMBERS_MAX; i++)
            check_number(person, i, &faults);
    if (!person->name[0] && person->numbers_n == 0)
        say(&faults, XW_PERSON_NAME, XW_REASON_NAMELESS);
    if (person->numbers_n > XW_PERSON_NUMBERS_MAX)
        say(&faults, XW_PERSON_NUMBER, XW_REASON_LONG);
    if (!faults.n)
        return 0;
    *ret_faults = faults;
    return -EINVAL;
}

struct xw_birth xw_person_birth(const struct xw_person *person)
{
    for (size_t i = 0; i < person->numbers_n; i++) {
        struct xw_number_says says;
        xw_number_says(&person->numbers[i], &says);
        if (says.birth && says.century)
            return (struct xw_birth){.kind = XW_BIRTH_DAY, .day = says.day};
    }
    return person->birth;
}

bool xw_person_equal(const struct xw_person *a, const struct xw_person *b)
{
    bool same = strcmp(a->name, b->name) == 0 && a->sex == b->sex &&
                a->birth.kind == b->birth.kind && a->birth.age == b->birth.age &&
                xw_day_compare(a->birth.day, b->birth.day) == 0 &&
                strcmp(a->phone, b->phone) == 0 && a->numbers_n == b->numbers_n;
    for (size_t i = 0; same && i < a->numbers_n; i++)
        same = xw_number_equal(&a->numbers[i], &b->numbers[i]);
    return same;
}

/* ---- a form ---- */

static void read_number(const struct xw_person_form *form, size_t at, struct xw_day today,
                        struct xw_person *person, struct xw_person_faults *faults)
{
    enum xw_number_kind kind = form->numbers[at].kind;
    const char *text = form->numbers[at].text ? form->numbers[at].text : "";
    bool newborn = kind == XW_NUMBER_NEWBORN;
    struct xw_number number, child;
    struct xw_person_fault fault;
    if (kind == XW_NUMBER_NONE && !text[0])
        return;
    int r = xw_number_read(newborn ? form->numbers[at].mother : kind, text,
                           form->numbers[at].issuer, today, &number, &fault);
    if (r < 0 && newborn && fault.field == XW_PERSON_NUMBER)
        fault.field = XW_PERSON_MOTHER;
    if (r == 0 && newborn) {
        r = xw_number_newborn(&number, form->numbers[at].order, &child, &fault);
        number = r == 0 ? child : number;
    }
    if (r == 0)
        person->numbers[person->numbers_n++] = number;
    else
        note(faults, &fault);
}

/* What was left empty and a number says. An age that was stated stays beside the date. */
static void fill(struct xw_person *person)
{
    for (size_t i = 0; i < person->numbers_n; i++) {
        struct xw_number_says says;
        xw_number_says(&person->numbers[i], &says);
        if (person->sex == XW_SEX_UNKNOWN)
            person->sex = says.sex;
        if (person->birth.kind == XW_BIRTH_UNKNOWN && says.birth && says.century)
            person->birth = (struct xw_birth){.kind = XW_BIRTH_DAY, .day = says.day};
    }
}

static const char *text_of(const char *text)
{
    return text ? text : "";
}

int xw_person_read(const struct xw_person_form *form, struct xw_day today,
                   struct xw_person *ret_person, struct xw_person_faults *ret_faults)
{
    struct xw_person person = {.numbers_n = 0};
    struct xw_person_faults faults = {.n = 0}, whole = {.n = 0};
    struct xw_person_fault fault;
    if (xw_name_read(text_of(form->name), person.name, NULL, &fault) < 0)
        note(&faults, &fault);
    if (xw_sex_read(text_of(form->sex), &person.sex, &fault) < 0)
        note(&faults, &fault);
    if (xw_birth_read(text_of(form->birth), today, &person.birth, &fault) < 0)
        note(&faults, &fault);
    if (xw_phone_read(text_of(form->phone), person.phone, &fault) < 0)
        note(&faults, &fault);
    for (size_t i = 0; i < form->numbers_n && i < XW_PERSON_NUMBERS_MAX; i++)
        read_number(form, i, today, &person, &faults);
    if (form->numbers_n > XW_PERSON_NUMBERS_MAX)
        say(&faults, XW_PERSON_NUMBER, XW_REASON_LONG);
    fill(&person);
    if (xw_person_check(&person, today, &whole) < 0)
        for (size_t i = 0; i < whole.n; i++)
            /* A field that could not be read is not said to be missing as well. */
            if (!faults.n || whole.v[i].reason != XW_REASON_NAMELESS)
                note(&faults, &whole.v[i]);
    if (faults.n) {
        *ret_faults = faults;
        return -EINVAL;
    }
    *ret_person = person;
    return 0;
}
