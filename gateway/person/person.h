/* A person as he is known here: what was typed or scanned, checked field by field and against one
 * another.
 *
 * Threads: pure functions. Errors: faults are collected, not stopped at the first. */
#ifndef XW_PERSON_PERSON_H
#define XW_PERSON_PERSON_H

#include "person/name.h"
#include "person/number.h"
#include "person/phone.h"

enum { XW_PERSON_NUMBERS_MAX = 6, XW_PERSON_FAULTS_MAX = 16 };

struct xw_person {
    char name[XW_NAME_N_BYTES]; /* "" not known */
    enum xw_sex sex;
    struct xw_birth birth;
    char phone[XW_PHONE_N_BYTES];
    struct xw_number numbers[XW_PERSON_NUMBERS_MAX]; /* the first is the one to show */
    size_t numbers_n;
};

/* What a form holds: texts as typed. NULL is as good as "". */
struct xw_person_form {
    const char *name, *sex, *birth, *phone;
    struct {
        enum xw_number_kind kind; /* of a newborn: NEWBORN, with the mother's kind and number */
        enum xw_number_kind mother;
        unsigned order;
        const char *text, *issuer;
    } numbers[XW_PERSON_NUMBERS_MAX];
    size_t numbers_n; /* those with an empty text and of kind NONE do not count */
};

struct xw_person_faults {
    struct xw_person_fault v[XW_PERSON_FAULTS_MAX];
    size_t n; /* 0: none; what has no room is left out */
};

/* Reads every field, takes what was left empty (sex, birth) from a number that says it, and checks
 * the whole. 0 or -EINVAL with one fault or more; ret_person is untouched then. */
XW_MUST_CHECK int xw_person_read(const struct xw_person_form *form, struct xw_day today,
                                 struct xw_person *ret_person, struct xw_person_faults *ret_faults);
/* Of parts that were read one by one: a name or a number is there, no kind of number twice with
 * different values (hospitals' numbers may be), and sex and birth are not at odds with a number's.
 */
XW_MUST_CHECK int xw_person_check(const struct xw_person *person, struct xw_day today,
                                  struct xw_person_faults *ret_faults);
/* The birth that is known best: a number's date, else what was stated. */
struct xw_birth xw_person_birth(const struct xw_person *person);
/* Whether a fault was about this field. */
bool xw_person_faulty(const struct xw_person_faults *faults, enum xw_person_field field);
bool xw_person_equal(const struct xw_person *a, const struct xw_person *b);

#endif
