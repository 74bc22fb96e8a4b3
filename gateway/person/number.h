/* The numbers that say who somebody is: read, checked, brought to one form.
 *
 * Threads: pure functions. Text is UTF-8 as typed or scanned: full-width characters, blanks, dashes
 * and small letters are brought to one form first. Numbers are personal data: they go into no log,
 * URL, metric or file name.
 *
 * Sources: GB 11643-1999 (resident id; check character ISO 7064 MOD 11-2; 15 digits before 1999),
 * the same form for residence permits of 港澳台居民 (81, 82, 83); 国家移民管理局,
 * 新版外国人永久居留 身份证机读信息规则 (2023); permits: H or M and eight digits for life, two more
 * that count renewals and are left out; 台胞证 eight digits. Of the older permanent residence card
 * (three letters, twelve digits) the check digit is not verified: its rule is published nowhere
 * that we found. */
#ifndef XW_PERSON_NUMBER_H
#define XW_PERSON_NUMBER_H

#include "person/birth.h"

enum xw_number_kind {
    XW_NUMBER_NONE,
    XW_NUMBER_RESIDENT,  /* 居民身份证, 港澳台居民居住证 */
    XW_NUMBER_PASSPORT,  /* 护照; issuer: the state's three letters, where known */
    XW_NUMBER_HKMO,      /* 港澳居民来往内地通行证 */
    XW_NUMBER_TAIWAN,    /* 台湾居民来往大陆通行证 */
    XW_NUMBER_FOREIGNER, /* 外国人永久居留身份证 */
    XW_NUMBER_INSURANCE, /* 医保号; issuer: its region, where known */
    XW_NUMBER_INPATIENT, /* 住院号; issuer: the hospital */
    XW_NUMBER_CLINIC,    /* 门诊号; issuer: the hospital */
    XW_NUMBER_NEWBORN,   /* the mother's number and the order of birth */
    XW_NUMBER_TEMPORARY, /* 无名氏: made by a gateway (temporary.h) */
    XW_NUMBER_KINDS_N
};

enum xw_sex { XW_SEX_UNKNOWN = 0, XW_SEX_MALE = 1, XW_SEX_FEMALE = 2, XW_SEX_UNSAID = 9 };

enum {
    XW_NUMBER_TEXT_N_BYTES = 36,
    XW_ISSUER_N_BYTES = 36,
    XW_NUMBER_KEY_N_BYTES = 96,
    XW_NEWBORN_ORDER_MAX = 9,
};

struct xw_number {
    enum xw_number_kind kind;
    enum xw_number_kind mother; /* of a newborn: what kind the number is of; else none */
    uint8_t order;              /* of a newborn: 1..9; else 0 */
    char text[XW_NUMBER_TEXT_N_BYTES];
    char issuer[XW_ISSUER_N_BYTES]; /* "" where it has none */
};

/* What a number itself says about its holder. */
struct xw_number_says {
    enum xw_sex sex; /* XW_SEX_UNKNOWN: nothing */
    bool birth;      /* day holds a date of birth */
    bool century;    /* its century is known; else day.year is 0..99 */
    struct xw_day day;
};

/* A number of a kind that somebody chose. issuer: NULL or "" where there is none; hospitals'
 * numbers need one. Not for newborns. */
XW_MUST_CHECK int xw_number_read(enum xw_number_kind kind, const char *text, const char *issuer,
                                 struct xw_day today, struct xw_number *ret_number,
                                 struct xw_person_fault *ret_fault);
/* mother: a number of any kind but a newborn's; order: 1 for an only child. */
XW_MUST_CHECK int xw_number_newborn(const struct xw_number *mother, unsigned order,
                                    struct xw_number *ret_number,
                                    struct xw_person_fault *ret_fault);
/* Of a number alone, without a word of what it is: a kind that its own check or form proves
 * (resident, foreigner's of 2023, temporary, 港澳 permit), else NONE. */
enum xw_number_kind xw_number_guess(const char *text, struct xw_day today);
void xw_number_says(const struct xw_number *number, struct xw_number_says *ret_says);
/* Two numbers with the same key are the same number: kind, issuer, mother, order and text.
 * Returns ret_key. */
char *xw_number_key(const struct xw_number *number, char ret_key[XW_NUMBER_KEY_N_BYTES]);
bool xw_number_equal(const struct xw_number *a, const struct xw_number *b);
/* "resident", "居民身份证", "resident identity card". */
const char *xw_number_kind_id(enum xw_number_kind kind);
const char *xw_number_kind_words(enum xw_number_kind kind, enum xw_person_language language);
/* NONE for an id that no kind has. */
enum xw_number_kind xw_number_kind_of(const char *id);

/* ISO 7064 MOD 11-2 over 17 digits: '0'..'9' or 'X'. */
char xw_number_check_11_2(const char digits[17]);
/* Male, female, unknown, unsaid from "男" "女" "M" "F" "1" "2" "0" "9" "未知" "未说明" and the
 * like; empty is unknown. */
XW_MUST_CHECK int xw_sex_read(const char *text, enum xw_sex *ret_sex,
                              struct xw_person_fault *ret_fault);

#endif
