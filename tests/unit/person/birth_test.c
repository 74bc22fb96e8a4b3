/* Days, and births as they were stated. */
#include "support.h"

#include "person/birth.h"

static void days_are_counted_both_ways(void **state)
{
    (void)state;
    assert_int_equal(xw_day_number(day(1970, 1, 1)), 0);
    assert_int_equal(xw_day_number(day(2000, 3, 1)), 11017);
    assert_int_equal(xw_day_number(day(1900, 1, 1)), -25567);
    for (int32_t n = -60000; n < 60000; n++) {
        struct xw_day d = xw_day_from_number(n);
        assert_true(xw_day_is(d));
        assert_int_equal(xw_day_number(d), n);
        assert_int_equal(xw_day_compare(d, xw_day_from_number(n + 1)), -1);
    }
}

static void days_that_do_not_exist_are_known(void **state)
{
    (void)state;
    assert_true(xw_day_is(day(2024, 2, 29)));
    assert_true(xw_day_is(day(2000, 2, 29)));
    assert_false(xw_day_is(day(1900, 2, 29)));
    assert_false(xw_day_is(day(2023, 2, 29)));
    assert_false(xw_day_is(day(2023, 4, 31)));
    assert_false(xw_day_is(day(2023, 0, 1)));
    assert_false(xw_day_is(day(2023, 13, 1)));
    assert_false(xw_day_is(day(2023, 1, 0)));
    assert_false(xw_day_is(day(0, 1, 1)));
}

static void statements_of_every_form_are_read(void **state)
{
    static const struct {
        const char *text, *is;
    } cases[] = {
        {"1990-01-02", "1990-01-02"},
        {"1990/1/2", "1990-01-02"},
        {"1990.01.2", "1990-01-02"},
        {"1990年1月2日", "1990-01-02"},
        {"1990年1月2", "1990-01-02"},
        {"１９９００１０２", "1990-01-02"},
        {"19900102", "1990-01-02"},
        {"1990-01", "1990-01"},
        {"1990年1月", "1990-01"},
        {"1990年", "1990"},
        {"1990", "1990"},
        {"35岁", "35 y @2026-11-23"},
        {" 35 周岁 ", "35 y @2026-11-23"},
        {"35y", "35 y @2026-11-23"},
        {"18个月", "18 m @2026-11-23"},
        {"3m", "3 m @2026-11-23"},
        {"5天", "5 d @2026-11-23"},
        {"0天", "0 d @2026-11-23"},
        {"1岁6个月", "18 m @2026-11-23"},
        {"1岁6月", "18 m @2026-11-23"},
        {"", ""},
        {"  ", ""},
        {"2026-11-23", "2026-11-23"}, /* born today */
        {"2026", "2026"},
        {"130岁", "130 y @2026-11-23"},
        {"240个月", "240 m @2026-11-23"},
        {"1000天", "1000 d @2026-11-23"},
        {"1895-11-24", "1895-11-24"}, /* 130 years and 364 days */
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        struct xw_birth b;
        struct xw_person_fault f;
        char text[XW_BIRTH_TEXT_N_BYTES];
        assert_int_equal(xw_birth_read(cases[i].text, today, &b, &f), 0);
        assert_string_equal(xw_birth_format(&b, text), cases[i].is);
    }
}

static void faults_say_what_is_wrong(void **state)
{
    static const struct {
        const char *text;
        enum xw_person_reason reason;
    } cases[] = {
        {"2026-11-24", XW_REASON_FUTURE},
        {"2026-12", XW_REASON_FUTURE},
        {"2027", XW_REASON_FUTURE},
        {"2023-02-29", XW_REASON_NO_SUCH_DAY},
        {"1990-13-01", XW_REASON_NO_SUCH_DAY},
        {"19900100", XW_REASON_NO_SUCH_DAY},
        {"00000101", XW_REASON_NO_SUCH_DAY},
        {"1895-11-23", XW_REASON_TOO_OLD}, /* 131 years */
        {"0001-01-01", XW_REASON_TOO_OLD},
        {"131岁", XW_REASON_TOO_OLD},
        {"241个月", XW_REASON_TOO_OLD},
        {"1001天", XW_REASON_TOO_OLD},
        {"35", XW_REASON_FORM}, /* years? months? */
        {"199001", XW_REASON_FORM},
        {"1990-01-02-", XW_REASON_FORM},
        {"1990-01年02", XW_REASON_FORM},
        {"90-01-02", XW_REASON_FORM},
        {"1990-1-002", XW_REASON_FORM},
        {"岁", XW_REASON_FORM},
        {"-5岁", XW_REASON_FORM},
        {"1岁12个月", XW_REASON_FORM},
        {"1个月5天", XW_REASON_FORM},
        {"99999岁", XW_REASON_FORM},
        {"9999999999", XW_REASON_FORM},
        {"1990-01-02 12:00", XW_REASON_FORM},
        {"\xff", XW_REASON_ENCODING},
        {"1990----------------------------------------------------------------", XW_REASON_LONG},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        struct xw_birth b;
        struct xw_person_fault f = {.at = 7};
        if (xw_birth_read(cases[i].text, today, &b, &f) != -EINVAL || f.reason != cases[i].reason)
            fail_msg("%s: %s", cases[i].text, xw_person_reason_id(f.reason));
        assert_int_equal(f.field, XW_PERSON_BIRTH);
    }
}

/* Every day of birth has one age on a day, and that age allows it: of years and of months. */
static void an_age_allows_just_the_days_that_have_it(void **state)
{
    static const int days[][3] = {{2026, 11, 23}, {2024, 2, 29}, {2023, 2, 28},
                                  {2024, 3, 1},   {2026, 3, 31}, {2026, 1, 1}};
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(days); i++) {
        struct xw_day at = day(days[i][0], days[i][1], days[i][2]);
        for (int unit = 1; unit <= 12; unit += 11) {
            enum xw_birth_kind kind = unit == 1 ? XW_BIRTH_AGE_MONTHS : XW_BIRTH_AGE_YEARS;
            int before = 0;
            for (int32_t back = 0; back < 6000; back++) {
                struct xw_day born = xw_day_from_number(xw_day_number(at) - back);
                int age = xw_birth_months_at(born, at) / unit;
                assert_true(age == before || age == before + 1);
                before = age;
                for (int a = age > 0 ? age - 1 : 0; a <= age + 1; a++) {
                    struct xw_birth b = {.kind = kind, .day = at, .age = (uint16_t)a};
                    assert_int_equal(xw_birth_allows(&b, born), a == age);
                }
            }
        }
    }
}

static void vague_statements_allow_their_days(void **state)
{
    struct xw_birth month = {.kind = XW_BIRTH_MONTH, .day = day(2024, 2, 0)};
    struct xw_birth year = {.kind = XW_BIRTH_YEAR, .day = day(2024, 0, 0)};
    struct xw_birth days = {.kind = XW_BIRTH_AGE_DAYS, .day = today, .age = 3};
    struct xw_birth unknown = {.kind = XW_BIRTH_UNKNOWN};
    (void)state;
    assert_true(xw_birth_allows(&month, day(2024, 2, 29)));
    assert_false(xw_birth_allows(&month, day(2024, 3, 1)));
    assert_true(xw_birth_allows(&year, day(2024, 12, 31)));
    assert_false(xw_birth_allows(&year, day(2023, 12, 31)));
    assert_true(xw_birth_allows(&days, day(2026, 11, 20)));
    assert_false(xw_birth_allows(&days, day(2026, 11, 21)));
    assert_true(xw_birth_allows(&unknown, day(1900, 1, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_counted_both_ways),
        cmocka_unit_test(days_that_do_not_exist_are_known),
        cmocka_unit_test(statements_of_every_form_are_read),
        cmocka_unit_test(faults_say_what_is_wrong),
        cmocka_unit_test(an_age_allows_just_the_days_that_have_it),
        cmocka_unit_test(vague_statements_allow_their_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
