/* Likeness of two persons. */
#include "person/alike.h"

#include "person/pinyin.h"
#include "person/text.h"

#include <string.h>

enum { SAME_FROM = 100, LIKELY_FROM = 60, POSSIBLE_FROM = 40 };

struct weight {
    const char *id, *zh, *en;
    int points;
};

/* Chosen by cases (tests/unit/person/alike_test.c), not learned: name, date of birth and sex make
 * it likely; a phone is a family's; what is against weighs as much as what it denies. */
static const struct weight weights[XW_ALIKE_REASONS_N] = {
    [XW_ALIKE_NUMBER] = {"number", "证件号码相同", "same number", 100},
    [XW_ALIKE_NUMBER_LOOSE] = {"number_loose", "号码相同，发号机构未填",
                               "same number, issuer not given", 45},
    [XW_ALIKE_NUMBER_NEAR] = {"number_near", "身份证号码只差一位或相邻两位颠倒",
                              "ids differ in one digit or two swapped", 45},
    [XW_ALIKE_NUMBER_OTHER] = {"number_other", "同类证件号码不同",
                               "another number of the same kind", -60},
    [XW_ALIKE_TWIN] = {"twin", "同一母亲的另一新生儿", "another newborn of the same mother", -100},
    [XW_ALIKE_NAME] = {"name", "姓名相同", "same name", 30},
    [XW_ALIKE_NAME_SOUND] = {"name_sound", "姓名同音", "name sounds the same", 20},
    [XW_ALIKE_NAME_NEAR] = {"name_near", "姓名差一个字", "name differs in one character", 10},
    [XW_ALIKE_NAME_OTHER] = {"name_other", "姓名不同", "another name", -35},
    [XW_ALIKE_BIRTH] = {"birth", "出生日期相同", "same date of birth", 25},
    [XW_ALIKE_BIRTH_SWAPPED] = {"birth_swapped", "出生月日颠倒", "day and month of birth swapped",
                                15},
    [XW_ALIKE_BIRTH_FITS] = {"birth_fits", "年龄相符", "ages agree", 8},
    [XW_ALIKE_BIRTH_OTHER] = {"birth_other", "出生日期不同", "another date of birth", -25},
    [XW_ALIKE_SEX] = {"sex", "性别相同", "same sex", 5},
    [XW_ALIKE_SEX_OTHER] = {"sex_other", "性别不同", "another sex", -30},
    [XW_ALIKE_PHONE] = {"phone", "电话相同", "same phone number", 25},
};

const char *xw_alike_reason_id(enum xw_alike_reason reason)
{
    return (unsigned)reason < XW_ALIKE_REASONS_N ? weights[reason].id : "";
}

const char *xw_alike_reason_words(enum xw_alike_reason reason, enum xw_person_language language)
{
    if ((unsigned)reason >= XW_ALIKE_REASONS_N)
        return "";
    return language == XW_PERSON_EN ? weights[reason].en : weights[reason].zh;
}

int xw_alike_weight(enum xw_alike_reason reason)
{
    return (unsigned)reason < XW_ALIKE_REASONS_N ? weights[reason].points : 0;
}

/* ---- numbers ---- */

static uint32_t bit(enum xw_alike_reason reason)
{
    return UINT32_C(1) << reason;
}

/* Of the 17 places that are no check: one differs, or two neighbours are exchanged. */
static bool is_near(const char *a, const char *b)
{
    size_t first = 17, n = 0;
    if (strlen(a) != 18 || strlen(b) != 18)
        return false;
    for (size_t i = 0; i < 17; i++)
        if (a[i] != b[i]) {
            if (first == 17)
                first = i;
            n++;
        }
    return n == 1 || (n == 2 && first < 16 && a[first] == b[first + 1] && a[first + 1] == b[first]);
}

static uint32_t two_numbers(const struct xw_number *a, const struct xw_number *b)
{
    bool text = strcmp(a->text, b->text) == 0, issuer = strcmp(a->issuer, b->issuer) == 0;
    if (a->kind != b->kind || a->mother != b->mother)
        return 0;
    switch (a->kind) {
    case XW_NUMBER_NEWBORN:
        if (!text || !issuer)
            return 0;
        return bit(a->order == b->order ? XW_ALIKE_NUMBER : XW_ALIKE_TWIN);
    case XW_NUMBER_RESIDENT:
        return bit(text                        ? XW_ALIKE_NUMBER
                   : is_near(a->text, b->text) ? XW_ALIKE_NUMBER_NEAR
                                               : XW_ALIKE_NUMBER_OTHER);
    case XW_NUMBER_HKMO:
        return bit(text ? XW_ALIKE_NUMBER : XW_ALIKE_NUMBER_OTHER);
    case XW_NUMBER_PASSPORT:
    case XW_NUMBER_INSURANCE:
        if (!text || (!issuer && a->issuer[0] && b->issuer[0]))
            return 0; /* renewed, or moved elsewhere: says nothing */
        return bit(issuer && a->issuer[0] ? XW_ALIKE_NUMBER : XW_ALIKE_NUMBER_LOOSE);
    default:
        /* Renewed cards, hospitals' numbers, two nameless admissions: another one says nothing. */
        return text && issuer ? bit(XW_ALIKE_NUMBER) : 0;
    }
}

static uint32_t numbers(const struct xw_person *a, const struct xw_person *b)
{
    uint32_t reasons = 0;
    for (size_t i = 0; i < a->numbers_n; i++)
        for (size_t k = 0; k < b->numbers_n; k++)
            reasons |= two_numbers(&a->numbers[i], &b->numbers[k]);
    return reasons;
}

/* ---- names ---- */

static size_t points(const char *text, uint32_t c[XW_NAME_MAX_CHARS])
{
    size_t n = strlen(text), out = 0;
    for (size_t i = 0, k; i < n && out < XW_NAME_MAX_CHARS; i += k) {
        k = xw_person_char(text + i, n - i, &c[out]);
        if (!k)
            break;
        out++;
    }
    return out;
}

/* One character replaced, left out or put in. Of two characters one is too much. */
static bool name_near(const char *a, const char *b)
{
    uint32_t x[XW_NAME_MAX_CHARS], y[XW_NAME_MAX_CHARS];
    size_t n = points(a, x), m = points(b, y), head = 0, tail = 0;
    size_t shorter = XW_MIN(n, m), longer = XW_MAX(n, m);
    if (longer < 3 || longer - shorter > 1)
        return false;
    while (head < shorter && x[head] == y[head])
        head++;
    while (tail < shorter - head && x[n - 1 - tail] == y[m - 1 - tail])
        tail++;
    return head + tail + 1 >= longer;
}

static uint32_t names(const char *a, const char *a_spelling, const char *b, const char *b_spelling)
{
    if (!*a || !*b)
        return 0;
    if (strcmp(a, b) == 0)
        return bit(XW_ALIKE_NAME);
    if (xw_spelling_alike(a_spelling, b_spelling))
        return bit(XW_ALIKE_NAME_SOUND);
    return bit(name_near(a, b) ? XW_ALIKE_NAME_NEAR : XW_ALIKE_NAME_OTHER);
}

/* ---- birth and sex ---- */

static uint32_t births(const struct xw_birth *a, const struct xw_birth *b)
{
    struct xw_day a_first, a_last, b_first, b_last;
    if (!xw_birth_range(a, &a_first, &a_last) || !xw_birth_range(b, &b_first, &b_last))
        return 0;
    if (a->kind == XW_BIRTH_DAY && b->kind == XW_BIRTH_DAY) {
        struct xw_day x = a->day, y = b->day;
        if (xw_day_compare(x, y) == 0)
            return bit(XW_ALIKE_BIRTH);
        bool swapped = x.year == y.year && x.month == y.day && x.day == y.month;
        return bit(swapped ? XW_ALIKE_BIRTH_SWAPPED : XW_ALIKE_BIRTH_OTHER);
    }
    /* Ages are stated roughly (虚岁, "about 60"): up to a year beside the range is not against it.
     */
    if (xw_day_compare(a_first, b_last) <= 0 && xw_day_compare(b_first, a_last) <= 0)
        return bit(XW_ALIKE_BIRTH_FITS);
    int32_t apart = XW_MAX(xw_day_number(a_first) - xw_day_number(b_last),
                           xw_day_number(b_first) - xw_day_number(a_last));
    return apart > 366 ? bit(XW_ALIKE_BIRTH_OTHER) : 0;
}

static uint32_t sexes(enum xw_sex a, enum xw_sex b)
{
    bool known =
        (a == XW_SEX_MALE || a == XW_SEX_FEMALE) && (b == XW_SEX_MALE || b == XW_SEX_FEMALE);
    return known ? bit(a == b ? XW_ALIKE_SEX : XW_ALIKE_SEX_OTHER) : 0;
}

/* ---- the whole ---- */

struct xw_alike xw_person_alike(const struct xw_person *a, const char *a_spelling,
                                const struct xw_person *b, const char *b_spelling)
{
    struct xw_birth a_birth = xw_person_birth(a), b_birth = xw_person_birth(b);
    struct xw_alike alike = {.reasons = numbers(a, b) |
                                        names(a->name, a_spelling, b->name, b_spelling) |
                                        births(&a_birth, &b_birth) | sexes(a->sex, b->sex)};
    int sum = 0;
    if (a->phone[0] && strcmp(a->phone, b->phone) == 0)
        alike.reasons |= bit(XW_ALIKE_PHONE);
    /* The wrong digit may be one of the date or the sex: it is not counted a second time. */
    if (alike.reasons & bit(XW_ALIKE_NUMBER_NEAR))
        alike.reasons &= ~(bit(XW_ALIKE_BIRTH_OTHER) | bit(XW_ALIKE_SEX_OTHER));
    for (unsigned i = 0; i < XW_ALIKE_REASONS_N; i++)
        if (alike.reasons >> i & 1)
            sum += weights[i].points;
    if (alike.reasons & bit(XW_ALIKE_NUMBER))
        sum = SAME_FROM;
    alike.score = XW_MAX(0, XW_MIN(sum, SAME_FROM));
    /* Only a number makes two the same. */
    alike.level = alike.reasons & bit(XW_ALIKE_NUMBER) ? XW_ALIKE_SAME
                  : sum >= LIKELY_FROM                 ? XW_ALIKE_LIKELY
                  : sum >= POSSIBLE_FROM               ? XW_ALIKE_POSSIBLE
                                                       : XW_ALIKE_NO;
    if (alike.level != XW_ALIKE_SAME && alike.score >= SAME_FROM)
        alike.score = SAME_FROM - 1;
    return alike;
}
