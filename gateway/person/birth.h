/* When somebody was born, as it was stated: a date, a month, a year, or an age on a day. An age is
 * never turned into a date of birth; what dates it allows is computed when it is needed.
 *
 * Threads: pure functions. Days are of the civil calendar (Gregorian, also before it was used),
 * local days of the site. Limits: XW_AGE_MAX_YEARS back from today, not after today.
 * Source: age in completed years, months or days (周岁): n months on day D is born not after D
 * minus n months, a day that the month has not being its last. */
#ifndef XW_PERSON_BIRTH_H
#define XW_PERSON_BIRTH_H

#include "base/clock.h"
#include "person/fault.h"

enum {
    XW_AGE_MAX_YEARS = 130,
    XW_AGE_MAX_MONTHS = 240,
    XW_AGE_MAX_DAYS = 1000,
    XW_BIRTH_TEXT_N_BYTES = 32,
};

struct xw_day {
    int16_t year;
    int8_t month, day; /* 1..12, 1..31 */
};

bool xw_day_is(struct xw_day day);
/* Days since 1970-01-01 and back; year 1 to 9999. */
int32_t xw_day_number(struct xw_day day);
struct xw_day xw_day_from_number(int32_t number);
int xw_day_compare(struct xw_day a, struct xw_day b);
/* The same day `months` earlier; one that the month has not is its last. */
struct xw_day xw_day_months_before(struct xw_day day, int months);
/* The site's own day (the machine's time zone). */
struct xw_day xw_day_local(struct xw_wall_us wall);

enum xw_birth_kind {
    XW_BIRTH_UNKNOWN,
    XW_BIRTH_DAY,
    XW_BIRTH_MONTH,
    XW_BIRTH_YEAR,
    XW_BIRTH_AGE_YEARS,
    XW_BIRTH_AGE_MONTHS,
    XW_BIRTH_AGE_DAYS,
    XW_BIRTH_KINDS_N
};

struct xw_birth {
    enum xw_birth_kind kind;
    struct xw_day day; /* born: month and day 0 where not said; of an age: when it was stated */
    uint16_t age;
};

/* "1990-01-02" (also / . 年月日, or eight digits), "1990-01", "1990", "35岁", "18个月", "5天",
 * "1岁6个月", "35y" "18m" "5d". Blanks do not count. Empty: nothing is known, no fault. */
XW_MUST_CHECK int xw_birth_read(const char *text, struct xw_day today, struct xw_birth *ret_birth,
                                struct xw_person_fault *ret_fault);
/* The same rules for what comes in parts. */
XW_MUST_CHECK int xw_birth_check(const struct xw_birth *birth, struct xw_day today,
                                 struct xw_person_fault *ret_fault);
/* The first and the last day of birth that the statement allows; false: it allows any. */
bool xw_birth_range(const struct xw_birth *birth, struct xw_day *ret_first,
                    struct xw_day *ret_last);
bool xw_birth_allows(const struct xw_birth *birth, struct xw_day day);
/* Completed months on a day; day is not before born. */
int xw_birth_months_at(struct xw_day born, struct xw_day day);
/* "1990-01-02", "1990-01", "1990", "35 y @2026-11-23"; "" for unknown. Returns ret_text. */
char *xw_birth_format(const struct xw_birth *birth, char ret_text[XW_BIRTH_TEXT_N_BYTES]);

#endif
