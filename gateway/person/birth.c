/* Civil days, and birth as it was stated. */
#include "person/birth.h"

#include "person/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int days_in_month(int year, int month)
{
    static const int8_t n[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : n[month - 1];
}

bool xw_day_is(struct xw_day day)
{
    return day.year >= 1 && day.year <= 9999 && day.month >= 1 && day.month <= 12 && day.day >= 1 &&
           day.day <= days_in_month(day.year, day.month);
}

/* Years begin in March, so that the odd day is their last; eras are 400 years of 146,097 days. */
int32_t xw_day_number(struct xw_day day)
{
    int32_t y = day.month <= 2 ? day.year - 1 : day.year;
    int32_t m = (day.month + 9) % 12;
    int32_t era = y / 400, of_era = y % 400;
    int32_t of_year = (153 * m + 2) / 5 + day.day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct xw_day xw_day_from_number(int32_t number)
{
    int32_t n = number + 719468, era = n / 146097, of_era = n % 146097;
    int32_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int32_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int32_t m = (5 * of_year + 2) / 153;
    int32_t month = m < 10 ? m + 3 : m - 9;
    return (struct xw_day){.year = (int16_t)(era * 400 + y + (month <= 2)),
                           .month = (int8_t)month,
                           .day = (int8_t)(of_year - (153 * m + 2) / 5 + 1)};
}

int xw_day_compare(struct xw_day a, struct xw_day b)
{
    int32_t x = (a.year * 16 + a.month) * 32 + a.day, y = (b.year * 16 + b.month) * 32 + b.day;
    return (x > y) - (x < y);
}

struct xw_day xw_day_months_before(struct xw_day day, int months)
{
    int at = day.year * 12 + day.month - 1 - months;
    struct xw_day r = {.year = (int16_t)(at / 12), .month = (int8_t)(at % 12 + 1), .day = day.day};
    int last = days_in_month(r.year, r.month);
    if (r.day > last)
        r.day = (int8_t)last;
    return r;
}

struct xw_day xw_day_local(struct xw_wall_us wall)
{
    time_t s = (time_t)(wall.us / 1000000);
    struct tm tm;
    if (!localtime_r(&s, &tm))
        return (struct xw_day){.year = 1970, .month = 1, .day = 1};
    return (struct xw_day){.year = (int16_t)(tm.tm_year + 1900),
                           .month = (int8_t)(tm.tm_mon + 1),
                           .day = (int8_t)tm.tm_mday};
}

int xw_birth_months_at(struct xw_day born, struct xw_day day)
{
    int months = (day.year - born.year) * 12 + day.month - born.month;
    if (months > 0 && xw_day_compare(born, xw_day_months_before(day, months)) > 0)
        months--;
    return months;
}

bool xw_birth_range(const struct xw_birth *birth, struct xw_day *ret_first, struct xw_day *ret_last)
{
    struct xw_day d = birth->day;
    int unit = birth->kind == XW_BIRTH_AGE_YEARS ? 12 : 1;
    switch (birth->kind) {
    case XW_BIRTH_DAY:
        *ret_first = *ret_last = d;
        return true;
    case XW_BIRTH_MONTH:
        *ret_first = *ret_last = (struct xw_day){.year = d.year, .month = d.month, .day = 1};
        ret_last->day = (int8_t)days_in_month(d.year, d.month);
        return true;
    case XW_BIRTH_YEAR:
        *ret_first = (struct xw_day){.year = d.year, .month = 1, .day = 1};
        *ret_last = (struct xw_day){.year = d.year, .month = 12, .day = 31};
        return true;
    case XW_BIRTH_AGE_YEARS:
    case XW_BIRTH_AGE_MONTHS:
        *ret_last = xw_day_months_before(d, birth->age * unit);
        *ret_first =
            xw_day_from_number(xw_day_number(xw_day_months_before(d, (birth->age + 1) * unit)) + 1);
        return true;
    case XW_BIRTH_AGE_DAYS:
        *ret_first = *ret_last = xw_day_from_number(xw_day_number(d) - birth->age);
        return true;
    default:
        return false;
    }
}

bool xw_birth_allows(const struct xw_birth *birth, struct xw_day day)
{
    struct xw_day first, last;
    return !xw_birth_range(birth, &first, &last) ||
           (xw_day_compare(first, day) <= 0 && xw_day_compare(day, last) <= 0);
}

static int fault(struct xw_person_fault *ret_fault, enum xw_person_reason reason)
{
    return xw_person_fault_set(ret_fault, XW_PERSON_BIRTH, reason, -1);
}

int xw_birth_check(const struct xw_birth *birth, struct xw_day today,
                   struct xw_person_fault *ret_fault)
{
    static const int age_max[XW_BIRTH_KINDS_N] = {[XW_BIRTH_AGE_YEARS] = XW_AGE_MAX_YEARS,
                                                  [XW_BIRTH_AGE_MONTHS] = XW_AGE_MAX_MONTHS,
                                                  [XW_BIRTH_AGE_DAYS] = XW_AGE_MAX_DAYS};
    struct xw_day first, last, day = birth->day;
    if (birth->kind == XW_BIRTH_UNKNOWN)
        return 0;
    if ((unsigned)birth->kind >= XW_BIRTH_KINDS_N)
        return fault(ret_fault, XW_REASON_FORM);
    if (birth->kind == XW_BIRTH_YEAR)
        day.month = 1;
    if (birth->kind == XW_BIRTH_YEAR || birth->kind == XW_BIRTH_MONTH)
        day.day = 1;
    if (!xw_day_is(day))
        return fault(ret_fault, XW_REASON_NO_SUCH_DAY);
    if (age_max[birth->kind] && birth->age > age_max[birth->kind])
        return fault(ret_fault, XW_REASON_TOO_OLD);
    /* What was stated on a day after today is as wrong as a birth after today. */
    if (xw_day_compare(day, today) > 0)
        return fault(ret_fault, XW_REASON_FUTURE);
    if (!age_max[birth->kind] && day.year < today.year - XW_AGE_MAX_YEARS - 1)
        return fault(ret_fault, XW_REASON_TOO_OLD);
    if (day.year <= XW_AGE_MAX_YEARS + 1)
        return fault(ret_fault, XW_REASON_TOO_OLD);
    (void)xw_birth_range(birth, &first, &last);
    if (xw_birth_months_at(last, today) >= (XW_AGE_MAX_YEARS + 1) * 12)
        return fault(ret_fault, XW_REASON_TOO_OLD);
    return 0;
}

/* ---- reading ---- */

struct part {
    uint32_t value;
    int digits;
    char unit; /* what follows: y m d of a date or an age, - a separator, 0 the end, ? else */
    bool age;  /* 岁 个月 天 y m d */
};

static size_t take(const char *text, const char *word)
{
    size_t n = strlen(word);
    return strncmp(text, word, n) == 0 ? n : 0;
}

/* What follows a number: its meaning; returns its length. */
static size_t take_unit(const char *text, struct part *part)
{
    static const struct {
        const char *word;
        char unit;
        bool age;
    } units[] = {{"周岁", 'y', true}, {"岁", 'y', true},  {"年", 'y', false}, {"个月", 'm', true},
                 {"月龄", 'm', true}, {"月", 'm', false}, {"天", 'd', true},  {"日", 'd', false},
                 {"Y", 'y', true},    {"M", 'm', true},   {"D", 'd', true},   {"-", '-', false},
                 {"/", '-', false},   {".", '-', false}};
    part->unit = *text ? '?' : 0;
    part->age = false;
    for (size_t i = 0; i < XW_ARRAY_N(units); i++) {
        size_t n = take(text, units[i].word);
        if (n) {
            part->unit = units[i].unit;
            part->age = units[i].age;
            return n;
        }
    }
    return 0;
}

/* Up to three numbers with what follows each. Returns how many, 0: something else is there. */
static int take_parts(const char *text, struct part parts[3])
{
    int n = 0;
    memset(parts, 0, 3 * sizeof(*parts));
    for (; *text && n < 3; n++) {
        struct part *p = &parts[n];
        for (; *text >= '0' && *text <= '9' && p->digits < 9; p->digits++)
            p->value = p->value * 10 + (uint32_t)(*text++ - '0');
        if (!p->digits)
            return 0;
        text += take_unit(text, p);
    }
    return *text ? 0 : n;
}

static bool read_age(const struct part *p, int n, struct xw_day today, struct xw_birth *ret)
{
    *ret = (struct xw_birth){.day = today};
    if (p[0].digits > 4)
        return false;
    if (n == 2 && p[0].age && p[0].unit == 'y' && p[1].unit == 'm' && p[1].digits <= 2 &&
        p[1].value < 12) {
        ret->kind = XW_BIRTH_AGE_MONTHS;
        ret->age = (uint16_t)(p[0].value * 12 + p[1].value);
        return p[0].value <= 20;
    }
    if (n != 1 || !p[0].age)
        return false;
    ret->kind = p[0].unit == 'y'   ? XW_BIRTH_AGE_YEARS
                : p[0].unit == 'm' ? XW_BIRTH_AGE_MONTHS
                                   : XW_BIRTH_AGE_DAYS;
    ret->age = (uint16_t)p[0].value;
    return true;
}

static bool read_date(const struct part *p, int n, struct xw_birth *ret)
{
    *ret = (struct xw_birth){.kind = XW_BIRTH_DAY};
    if (n == 1 && p[0].digits == 8 && p[0].unit == 0) {
        ret->day = (struct xw_day){.year = (int16_t)(p[0].value / 10000),
                                   .month = (int8_t)(p[0].value / 100 % 100),
                                   .day = (int8_t)(p[0].value % 100)};
        return true;
    }
    bool words = p[0].unit == 'y' && !p[0].age;
    if (p[0].digits != 4 || !(words || p[0].unit == (n > 1 ? '-' : 0)))
        return false;
    for (int i = 1; i < n; i++) {
        bool last = i == n - 1;
        char want = words ? (i == 1 ? 'm' : 'd') : last ? '\0' : '-';
        if (p[i].digits > 2 || (p[i].unit != want && !(last && p[i].unit == 0)) || p[i].age)
            return false;
    }
    ret->kind = n == 3 ? XW_BIRTH_DAY : n == 2 ? XW_BIRTH_MONTH : XW_BIRTH_YEAR;
    ret->day = (struct xw_day){.year = (int16_t)p[0].value,
                               .month = (int8_t)(n > 1 ? p[1].value : 0),
                               .day = (int8_t)(n > 2 ? p[2].value : 0)};
    return true;
}

int xw_birth_read(const char *text, struct xw_day today, struct xw_birth *ret_birth,
                  struct xw_person_fault *ret_fault)
{
    char plain[64];
    struct part parts[3];
    struct xw_birth birth = {.kind = XW_BIRTH_UNKNOWN};
    int r = xw_person_plain(text, plain, sizeof(plain));
    if (r < 0)
        return fault(ret_fault, r == -EOVERFLOW ? XW_REASON_LONG : XW_REASON_ENCODING);
    int n = take_parts(plain, parts);
    if (r > 0 && (!n || (!read_age(parts, n, today, &birth) && !read_date(parts, n, &birth))))
        return fault(ret_fault, XW_REASON_FORM);
    r = xw_birth_check(&birth, today, ret_fault);
    if (r < 0)
        return r;
    *ret_birth = birth;
    return 0;
}

char *xw_birth_format(const struct xw_birth *birth, char ret_text[XW_BIRTH_TEXT_N_BYTES])
{
    struct xw_day d = birth->day;
    char unit = birth->kind == XW_BIRTH_AGE_YEARS    ? 'y'
                : birth->kind == XW_BIRTH_AGE_MONTHS ? 'm'
                                                     : 'd';
    ret_text[0] = 0;
    if (birth->kind == XW_BIRTH_DAY)
        (void)snprintf(ret_text, XW_BIRTH_TEXT_N_BYTES, "%04d-%02d-%02d", d.year, d.month, d.day);
    else if (birth->kind == XW_BIRTH_MONTH)
        (void)snprintf(ret_text, XW_BIRTH_TEXT_N_BYTES, "%04d-%02d", d.year, d.month);
    else if (birth->kind == XW_BIRTH_YEAR)
        (void)snprintf(ret_text, XW_BIRTH_TEXT_N_BYTES, "%04d", d.year);
    else if (birth->kind != XW_BIRTH_UNKNOWN)
        (void)snprintf(ret_text, XW_BIRTH_TEXT_N_BYTES, "%u %c @%04d-%02d-%02d", birth->age, unit,
                       d.year, d.month, d.day);
    return ret_text;
}
