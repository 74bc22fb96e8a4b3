/* What is wrong with what somebody typed about a person: a value that a page can show beside the
 * field, never a text that repeats what was typed.
 *
 * Threads: pure functions; the words are static. Errors: functions of this library that read what
 * people typed return 0 or -EINVAL with ret_fault set (and only then). */
#ifndef XW_PERSON_FAULT_H
#define XW_PERSON_FAULT_H

#include "base/base.h"

enum xw_person_field {
    XW_PERSON_NUMBER,
    XW_PERSON_MOTHER, /* the number of a newborn's mother */
    XW_PERSON_ISSUER, /* who gave a number that is only unique there */
    XW_PERSON_NAME,
    XW_PERSON_SEX,
    XW_PERSON_BIRTH,
    XW_PERSON_PHONE,
    XW_PERSON_SCAN,
    XW_PERSON_FIELDS_N
};

enum xw_person_reason {
    XW_REASON_EMPTY,
    XW_REASON_LONG,
    XW_REASON_LENGTH,
    XW_REASON_CHARACTER,
    XW_REASON_ENCODING,
    XW_REASON_FORM,
    XW_REASON_KIND,
    XW_REASON_CHECK,
    XW_REASON_PROVINCE,
    XW_REASON_NO_SUCH_DAY,
    XW_REASON_FUTURE,
    XW_REASON_TOO_OLD,
    XW_REASON_ORDER,
    XW_REASON_SEX_DIFFERS,
    XW_REASON_BIRTH_DIFFERS,
    XW_REASON_NAMELESS,
    XW_REASON_TWICE,
    XW_REASONS_N
};

enum xw_person_language { XW_PERSON_ZH, XW_PERSON_EN };

struct xw_person_fault {
    enum xw_person_field field;
    enum xw_person_reason reason;
    int at; /* the character that it is about, from 0; -1: the whole field */
};

/* Stable lower-case ids for pages and records: "number", "check_digit"; "" for what is none. */
const char *xw_person_field_id(enum xw_person_field field);
const char *xw_person_reason_id(enum xw_person_reason reason);
/* A few words for people: "证件号码", "校验位不符". */
const char *xw_person_field_words(enum xw_person_field field, enum xw_person_language language);
const char *xw_person_reason_words(enum xw_person_reason reason, enum xw_person_language language);

/* Sets the fault and returns -EINVAL. */
int xw_person_fault_set(struct xw_person_fault *fault, enum xw_person_field field,
                        enum xw_person_reason reason, int at);

#endif
