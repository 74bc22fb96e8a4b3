/* How likely two entries are one person, and why: for the list that is shown before somebody new is
 * saved, and for whoever merges. It decides nothing and merges nothing.
 *
 * The weights are a table (alike.c): each reason adds its weight, the sum gives the level. A number
 * that names one person (resident id, permit, temporary number, a hospital's own number, …) and is
 * the same makes it SAME whatever the rest says; the rest is told all the same.
 *
 * Threads: pure functions. Symmetric: a and b may be exchanged. */
#ifndef XW_PERSON_ALIKE_H
#define XW_PERSON_ALIKE_H

#include "person/person.h"

enum xw_alike_reason {
    XW_ALIKE_NUMBER,        /* the same number */
    XW_ALIKE_NUMBER_LOOSE,  /* the same, of issuers of which one is not said */
    XW_ALIKE_NUMBER_NEAR,   /* resident ids with one digit wrong or two neighbours swapped */
    XW_ALIKE_NUMBER_OTHER,  /* against: another number of a kind of which one has one */
    XW_ALIKE_TWIN,          /* against: of one mother, another order of birth */
    XW_ALIKE_NAME,          /* the same name */
    XW_ALIKE_NAME_SOUND,    /* a name that sounds the same */
    XW_ALIKE_NAME_NEAR,     /* one character differs, is missing or too many */
    XW_ALIKE_NAME_OTHER,    /* against */
    XW_ALIKE_BIRTH,         /* the same date */
    XW_ALIKE_BIRTH_SWAPPED, /* day and month exchanged */
    XW_ALIKE_BIRTH_FITS,    /* what was stated of both allows one date */
    XW_ALIKE_BIRTH_OTHER,   /* against */
    XW_ALIKE_SEX,
    XW_ALIKE_SEX_OTHER, /* against */
    XW_ALIKE_PHONE,
    XW_ALIKE_REASONS_N
};

enum xw_alike_level { XW_ALIKE_NO, XW_ALIKE_POSSIBLE, XW_ALIKE_LIKELY, XW_ALIKE_SAME };

struct xw_alike {
    enum xw_alike_level level;
    int score;        /* 0..100 */
    uint32_t reasons; /* bit per xw_alike_reason */
};

/* Spellings of their names (xw_speller_spell), "" where not known. */
struct xw_alike xw_person_alike(const struct xw_person *a, const char *a_spelling,
                                const struct xw_person *b, const char *b_spelling);

/* "number_near", "证件号码只差一位", "numbers differ in one digit". */
const char *xw_alike_reason_id(enum xw_alike_reason reason);
const char *xw_alike_reason_words(enum xw_alike_reason reason, enum xw_person_language language);
int xw_alike_weight(enum xw_alike_reason reason);

#endif
