/* The kinds of numbers, and those whose form is all that can be checked. */
#include "person/number_in.h"

#include <stdio.h>
#include <string.h>

struct kind {
    const char *id, *zh, *en;
    xw_number_form_fn form;
    bool issuer_may, issuer_must;
};

static const struct kind kinds[XW_NUMBER_KINDS_N] = {
    [XW_NUMBER_NONE] = {.id = "none", .zh = "无证件", .en = "no number"},
    [XW_NUMBER_RESIDENT] = {.id = "resident",
                            .zh = "居民身份证",
                            .en = "resident identity card",
                            .form = xw_number_form_resident},
    [XW_NUMBER_PASSPORT] = {.id = "passport",
                            .zh = "护照",
                            .en = "passport",
                            .form = xw_number_form_passport,
                            .issuer_may = true},
    [XW_NUMBER_HKMO] = {.id = "hkmo",
                        .zh = "港澳居民来往内地通行证",
                        .en = "Hong Kong and Macao permit",
                        .form = xw_number_form_hkmo},
    [XW_NUMBER_TAIWAN] = {.id = "taiwan",
                          .zh = "台湾居民来往大陆通行证",
                          .en = "Taiwan permit",
                          .form = xw_number_form_taiwan},
    [XW_NUMBER_FOREIGNER] = {.id = "foreigner",
                             .zh = "外国人永久居留身份证",
                             .en = "foreign permanent resident card",
                             .form = xw_number_form_foreigner},
    [XW_NUMBER_INSURANCE] = {.id = "insurance",
                             .zh = "医保号",
                             .en = "medical insurance number",
                             .form = xw_number_form_insurance,
                             .issuer_may = true},
    [XW_NUMBER_INPATIENT] = {.id = "inpatient",
                             .zh = "住院号",
                             .en = "inpatient number",
                             .form = xw_number_form_hospital,
                             .issuer_may = true,
                             .issuer_must = true},
    [XW_NUMBER_CLINIC] = {.id = "clinic",
                          .zh = "门诊号",
                          .en = "outpatient number",
                          .form = xw_number_form_hospital,
                          .issuer_may = true,
                          .issuer_must = true},
    [XW_NUMBER_NEWBORN] = {.id = "newborn", .zh = "新生儿（母亲证件）", .en = "newborn of mother"},
    [XW_NUMBER_TEMPORARY] = {.id = "temporary",
                             .zh = "临时编号（无名氏）",
                             .en = "temporary number",
                             .form = xw_number_form_temporary},
};

const char *xw_number_kind_id(enum xw_number_kind kind)
{
    return (unsigned)kind < XW_NUMBER_KINDS_N ? kinds[kind].id : "";
}

const char *xw_number_kind_words(enum xw_number_kind kind, enum xw_person_language language)
{
    if ((unsigned)kind >= XW_NUMBER_KINDS_N)
        return "";
    return language == XW_PERSON_EN ? kinds[kind].en : kinds[kind].zh;
}

enum xw_number_kind xw_number_kind_of(const char *id)
{
    for (unsigned i = 0; i < XW_NUMBER_KINDS_N; i++)
        if (strcmp(kinds[i].id, id) == 0)
            return (enum xw_number_kind)i;
    return XW_NUMBER_NONE;
}

/* ---- forms without a check of their own ---- */

/* Letters and digits, and the signs given; keeps it. */
static int keep_code(const char *text, size_t n, size_t min, size_t max, const char *signs,
                     struct xw_number *number, struct xw_person_fault *ret_fault)
{
    if (n < min || n > max)
        return xw_number_fault(ret_fault, XW_REASON_LENGTH, -1);
    for (size_t i = 0; i < n; i++)
        if (!xw_person_digit(text[i]) && !xw_person_letter(text[i]) && !strchr(signs, text[i]))
            return xw_number_fault(ret_fault, XW_REASON_CHARACTER, (int)i);
    memcpy(number->text, text, n);
    number->text[n] = 0;
    return 0;
}

int xw_number_form_passport(const char *text, size_t n, struct xw_day today,
                            struct xw_number *number, struct xw_person_fault *ret_fault)
{
    (void)today;
    int r = keep_code(text, n, 5, 15, "", number, ret_fault);
    if (r == 0 && strcspn(text, "0123456789") == n) /* every state's has a digit */
        return xw_number_fault(ret_fault, XW_REASON_FORM, -1);
    return r;
}

int xw_number_form_hkmo(const char *text, size_t n, struct xw_day today, struct xw_number *number,
                        struct xw_person_fault *ret_fault)
{
    (void)today;
    if (n != 9 && n != 11)
        return xw_number_fault(ret_fault, XW_REASON_LENGTH, -1);
    if (text[0] != 'H' && text[0] != 'M')
        return xw_number_fault(ret_fault, XW_REASON_CHARACTER, 0);
    size_t digits = xw_number_digits(text + 1, n - 1);
    if (digits < n - 1)
        return xw_number_fault(ret_fault, XW_REASON_CHARACTER, (int)digits + 1);
    memcpy(number->text, text, 9);
    number->text[9] = 0;
    return 0;
}

int xw_number_form_taiwan(const char *text, size_t n, struct xw_day today, struct xw_number *number,
                          struct xw_person_fault *ret_fault)
{
    (void)today;
    size_t digits = xw_number_digits(text, n);
    /* The booklets before 2015: ten digits and a letter in brackets. */
    bool booklet =
        n == 13 && digits == 10 && text[10] == '(' && xw_person_letter(text[11]) && text[12] == ')';
    bool letter = n == 11 && digits == 10 && xw_person_letter(text[10]);
    if (!booklet && !letter && digits < n)
        return xw_number_fault(ret_fault, XW_REASON_CHARACTER, (int)digits);
    if (!booklet && !letter && n != 8 && n != 10)
        return xw_number_fault(ret_fault, XW_REASON_LENGTH, -1);
    n = n == 8 ? 8 : 10;
    memcpy(number->text, text, n);
    number->text[n] = 0;
    return 0;
}

int xw_number_form_insurance(const char *text, size_t n, struct xw_day today,
                             struct xw_number *number, struct xw_person_fault *ret_fault)
{
    (void)today;
    return keep_code(text, n, 6, 30, "", number, ret_fault);
}

int xw_number_form_hospital(const char *text, size_t n, struct xw_day today,
                            struct xw_number *number, struct xw_person_fault *ret_fault)
{
    (void)today;
    return keep_code(text, n, 1, 32, "-_./", number, ret_fault);
}

/* ---- reading ---- */

static int read_issuer(const struct kind *kind, const char *issuer, struct xw_number *number,
                       struct xw_person_fault *ret_fault)
{
    int n = xw_person_plain(issuer ? issuer : "", number->issuer, sizeof(number->issuer));
    enum xw_person_reason reason = XW_REASON_CHARACTER;
    int at = -1;
    if (n == -EOVERFLOW || n > 32)
        reason = XW_REASON_LONG;
    else if (n < 0)
        reason = XW_REASON_ENCODING;
    else if (n == 0 && kind->issuer_must)
        reason = XW_REASON_EMPTY;
    else if (n > 0 && !kind->issuer_may)
        reason = XW_REASON_KIND;
    else {
        for (at = 0;
             at < n && (xw_person_digit(number->issuer[at]) ||
                        xw_person_letter(number->issuer[at]) || strchr("-_.", number->issuer[at]));)
            at++;
        if (at == n)
            return 0;
    }
    return xw_person_fault_set(ret_fault, XW_PERSON_ISSUER, reason, at);
}

int xw_number_read(enum xw_number_kind kind, const char *text, const char *issuer,
                   struct xw_day today, struct xw_number *ret_number,
                   struct xw_person_fault *ret_fault)
{
    struct xw_number number = {.kind = kind};
    char plain[64];
    if ((unsigned)kind >= XW_NUMBER_KINDS_N || !kinds[kind].form)
        return xw_number_fault(ret_fault, XW_REASON_KIND, -1);
    int n = xw_person_plain(text, plain, sizeof(plain));
    if (n == 0)
        return xw_number_fault(ret_fault, XW_REASON_EMPTY, -1);
    if (n < 0)
        return xw_number_fault(ret_fault, n == -EOVERFLOW ? XW_REASON_LONG : XW_REASON_ENCODING,
                               -1);
    int r = kinds[kind].form(plain, (size_t)n, today, &number, ret_fault);
    if (r == 0)
        r = read_issuer(&kinds[kind], issuer, &number, ret_fault);
    if (r == 0)
        *ret_number = number;
    return r;
}

int xw_number_newborn(const struct xw_number *mother, unsigned order, struct xw_number *ret_number,
                      struct xw_person_fault *ret_fault)
{
    if (mother->kind == XW_NUMBER_NONE || mother->kind == XW_NUMBER_NEWBORN)
        return xw_person_fault_set(ret_fault, XW_PERSON_MOTHER, XW_REASON_KIND, -1);
    if (order < 1 || order > XW_NEWBORN_ORDER_MAX)
        return xw_person_fault_set(ret_fault, XW_PERSON_MOTHER, XW_REASON_ORDER, -1);
    struct xw_number_says says;
    xw_number_says(mother, &says);
    if (says.sex == XW_SEX_MALE)
        return xw_person_fault_set(ret_fault, XW_PERSON_MOTHER, XW_REASON_SEX_DIFFERS, -1);
    *ret_number = *mother;
    ret_number->kind = XW_NUMBER_NEWBORN;
    ret_number->mother = mother->kind;
    ret_number->order = (uint8_t)order;
    return 0;
}

enum xw_number_kind xw_number_guess(const char *text, struct xw_day today)
{
    static const enum xw_number_kind proved[] = {XW_NUMBER_RESIDENT, XW_NUMBER_FOREIGNER,
                                                 XW_NUMBER_TEMPORARY, XW_NUMBER_HKMO};
    struct xw_number number;
    struct xw_person_fault fault;
    for (size_t i = 0; i < XW_ARRAY_N(proved); i++)
        if (xw_number_read(proved[i], text, NULL, today, &number, &fault) == 0)
            return proved[i];
    return XW_NUMBER_NONE;
}

char *xw_number_key(const struct xw_number *number, char ret_key[XW_NUMBER_KEY_N_BYTES])
{
    if (number->kind == XW_NUMBER_NEWBORN)
        (void)snprintf(ret_key, XW_NUMBER_KEY_N_BYTES, "newborn:%s:%s:%s/%u",
                       xw_number_kind_id(number->mother), number->issuer, number->text,
                       number->order);
    else
        (void)snprintf(ret_key, XW_NUMBER_KEY_N_BYTES, "%s:%s:%s", xw_number_kind_id(number->kind),
                       number->issuer, number->text);
    return ret_key;
}

bool xw_number_equal(const struct xw_number *a, const struct xw_number *b)
{
    return a->kind == b->kind && a->mother == b->mother && a->order == b->order &&
           strcmp(a->text, b->text) == 0 && strcmp(a->issuer, b->issuer) == 0;
}

/* ---- sex: GB/T 2261.1 ---- */

int xw_sex_read(const char *text, enum xw_sex *ret_sex, struct xw_person_fault *ret_fault)
{
    static const struct {
        const char *word;
        enum xw_sex sex;
    } words[] = {{"", XW_SEX_UNKNOWN},        {"0", XW_SEX_UNKNOWN},     {"未知", XW_SEX_UNKNOWN},
                 {"不详", XW_SEX_UNKNOWN},    {"U", XW_SEX_UNKNOWN},     {"1", XW_SEX_MALE},
                 {"男", XW_SEX_MALE},         {"男性", XW_SEX_MALE},     {"M", XW_SEX_MALE},
                 {"MALE", XW_SEX_MALE},       {"2", XW_SEX_FEMALE},      {"女", XW_SEX_FEMALE},
                 {"女性", XW_SEX_FEMALE},     {"F", XW_SEX_FEMALE},      {"FEMALE", XW_SEX_FEMALE},
                 {"9", XW_SEX_UNSAID},        {"未说明", XW_SEX_UNSAID}, {"其他", XW_SEX_UNSAID},
                 {"UNKNOWN", XW_SEX_UNKNOWN}, {"O", XW_SEX_UNSAID}};
    char plain[32];
    int n = xw_person_plain(text, plain, sizeof(plain));
    for (size_t i = 0; n >= 0 && i < XW_ARRAY_N(words); i++)
        if (strcmp(plain, words[i].word) == 0) {
            *ret_sex = words[i].sex;
            return 0;
        }
    return xw_person_fault_set(ret_fault, XW_PERSON_SEX,
                               n == -EILSEQ ? XW_REASON_ENCODING : XW_REASON_FORM, -1);
}
