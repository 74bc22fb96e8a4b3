/* Persons as a whole, and what readers and scanners type. All people are made up. */
#include "support.h"

#include "person/scan.h"

#define ID_F "11010519491231002X"
#define ID_F_BAD "110105194912310021"

static bool has(const struct xw_person_faults *f, enum xw_person_field field,
                enum xw_person_reason reason)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->v[i].field == field && f->v[i].reason == reason)
            return true;
    return false;
}

static struct xw_person_form with_id(const char *name, const char *sex, const char *birth)
{
    struct xw_person_form form = {.name = name, .sex = sex, .birth = birth, .numbers_n = 1};
    form.numbers[0].kind = XW_NUMBER_RESIDENT;
    form.numbers[0].text = ID_F;
    return form;
}

static void a_number_fills_what_was_left_empty(void **state)
{
    struct xw_person_form form = with_id("李四", NULL, "");
    struct xw_person p;
    struct xw_person_faults f;
    (void)state;
    assert_int_equal(xw_person_read(&form, today, &p, &f), 0);
    assert_int_equal(p.sex, XW_SEX_FEMALE);
    assert_int_equal(p.birth.kind, XW_BIRTH_DAY);
    assert_int_equal(xw_day_compare(p.birth.day, day(1949, 12, 31)), 0);
}

static void what_was_typed_is_held_against_the_number(void **state)
{
    static const struct {
        const char *sex, *birth;
        bool sex_differs, birth_differs;
    } cases[] = {
        {"女", "1949-12-31", false, false}, {"男", "1949-12-31", true, false},
        {"女", "1949-12-30", false, true},  {"女", "1949-12", false, false},
        {"女", "1949-11", false, true},     {"女", "1950", false, true},
        {"女", "76岁", false, false},       {"女", "77岁", false, true},
        {"女", "75岁", false, true},        {"男", "1980", true, true},
        {"未说明", "", false, false},       {"未知", "", false, false},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        struct xw_person_form form = with_id("李四", cases[i].sex, cases[i].birth);
        struct xw_person p;
        struct xw_person_faults f = {.n = 0};
        int r = xw_person_read(&form, today, &p, &f);
        assert_int_equal(r, cases[i].sex_differs || cases[i].birth_differs ? -EINVAL : 0);
        assert_int_equal(has(&f, XW_PERSON_SEX, XW_REASON_SEX_DIFFERS), cases[i].sex_differs);
        assert_int_equal(has(&f, XW_PERSON_BIRTH, XW_REASON_BIRTH_DIFFERS), cases[i].birth_differs);
    }
}

static void an_age_stays_an_age_and_the_number_knows_better(void **state)
{
    struct xw_person_form form = with_id("李四", "", "76岁");
    struct xw_person p;
    struct xw_person_faults f;
    (void)state;
    assert_int_equal(xw_person_read(&form, today, &p, &f), 0);
    assert_int_equal(p.birth.kind, XW_BIRTH_AGE_YEARS);
    assert_int_equal(xw_person_birth(&p).kind, XW_BIRTH_DAY);
    form.numbers_n = 0;
    assert_int_equal(xw_person_read(&form, today, &p, &f), 0);
    assert_int_equal(xw_person_birth(&p).kind, XW_BIRTH_AGE_YEARS);
}

static void every_fault_of_a_form_is_told_at_once(void **state)
{
    struct xw_person_form form = {
        .name = "<x>", .sex = "?", .birth = "1990-02-30", .phone = "1", .numbers_n = 2};
    struct xw_person p = {.numbers_n = 4};
    struct xw_person_faults f;
    (void)state;
    form.numbers[0].kind = XW_NUMBER_RESIDENT;
    form.numbers[0].text = ID_F_BAD;
    form.numbers[1].kind = XW_NUMBER_NEWBORN;
    form.numbers[1].mother = XW_NUMBER_RESIDENT;
    form.numbers[1].text = ID_F_BAD;
    form.numbers[1].order = 1;
    assert_int_equal(xw_person_read(&form, today, &p, &f), -EINVAL);
    assert_int_equal(p.numbers_n, 4);
    assert_int_equal(f.n, 6);
    assert_true(has(&f, XW_PERSON_NAME, XW_REASON_CHARACTER));
    assert_true(has(&f, XW_PERSON_SEX, XW_REASON_FORM));
    assert_true(has(&f, XW_PERSON_BIRTH, XW_REASON_NO_SUCH_DAY));
    assert_true(has(&f, XW_PERSON_PHONE, XW_REASON_FORM));
    assert_true(has(&f, XW_PERSON_NUMBER, XW_REASON_CHECK));
    assert_true(has(&f, XW_PERSON_MOTHER, XW_REASON_CHECK));
    assert_false(xw_person_faulty(&f, XW_PERSON_ISSUER));
}

static void somebody_has_a_name_or_a_number(void **state)
{
    struct xw_person_form form = {.sex = "男", .birth = "40岁"};
    struct xw_person p;
    struct xw_person_faults f;
    (void)state;
    assert_int_equal(xw_person_read(&form, today, &p, &f), -EINVAL);
    assert_int_equal(f.n, 1);
    assert_true(has(&f, XW_PERSON_NAME, XW_REASON_NAMELESS));
    form.name = "王五";
    assert_int_equal(xw_person_read(&form, today, &p, &f), 0);
    form = with_id(NULL, NULL, NULL);
    assert_int_equal(xw_person_read(&form, today, &p, &f), 0);
}

static void a_number_is_given_once(void **state)
{
    struct xw_person_form form = {.name = "王五", .numbers_n = 2};
    struct xw_person p;
    struct xw_person_faults f;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        form.numbers[i].kind = XW_NUMBER_CLINIC;
        form.numbers[i].text = i ? "2" : "1";
        form.numbers[i].issuer = "A";
    }
    assert_int_equal(xw_person_read(&form, today, &p, &f), 0);
    form.numbers[1].text = "1";
    assert_int_equal(xw_person_read(&form, today, &p, &f), -EINVAL);
    assert_true(has(&f, XW_PERSON_NUMBER, XW_REASON_TWICE));
    form.numbers[1].issuer = "B";
    assert_int_equal(xw_person_read(&form, today, &p, &f), 0);
    form.numbers[0].kind = form.numbers[1].kind = XW_NUMBER_TAIWAN;
    form.numbers[0].issuer = form.numbers[1].issuer = NULL;
    form.numbers[0].text = "12345678";
    form.numbers[1].text = "87654321";
    assert_int_equal(xw_person_read(&form, today, &p, &f), -EINVAL);
    assert_true(has(&f, XW_PERSON_NUMBER, XW_REASON_TWICE));
    form.numbers_n = 1;
    assert_int_equal(xw_person_read(&form, today, &p, &f), 0);
    form.numbers_n = 7;
    assert_int_equal(xw_person_read(&form, today, &p, &f), -EINVAL);
    assert_true(has(&f, XW_PERSON_NUMBER, XW_REASON_LONG));
}

static void an_old_card_of_a_foreigner_fits_any_century(void **state)
{
    struct xw_person_form form = {.name = "John Smith", .birth = "1980-01-01", .numbers_n = 1};
    struct xw_person p;
    struct xw_person_faults f;
    (void)state;
    form.numbers[0].kind = XW_NUMBER_FOREIGNER;
    form.numbers[0].text = "USA110080010112";
    assert_int_equal(xw_person_read(&form, today, &p, &f), 0);
    form.birth = "1980-01-02";
    assert_int_equal(xw_person_read(&form, today, &p, &f), -EINVAL);
    form.birth = "";
    assert_int_equal(xw_person_read(&form, today, &p, &f), 0);
    assert_int_equal(p.birth.kind, XW_BIRTH_UNKNOWN);
}

/* ---- scans ---- */

static int scan(const char *text, struct xw_scan *ret, struct xw_person_fault *f)
{
    return xw_scan_read(text, strlen(text), today, ret, f);
}

static void scans_of_every_form_are_read(void **state)
{
    static const struct {
        const char *text;
        enum xw_scan_kind kind;
        const char *name, *number;
    } cases[] = {
        {ID_F "\r\n", XW_SCAN_NUMBER, "", ID_F},
        {"\x02" ID_F "\x03", XW_SCAN_NUMBER, "", ID_F},
        {"李四,女,汉,19491231,北京市朝阳区," ID_F, XW_SCAN_CARD, "李四", ID_F},
        {"李四，女，汉，1949年12月31日，北京市，朝阳区\n", XW_SCAN_KINDS_N, NULL, NULL},
        {"李四|女|汉|19491231|北京市|" ID_F "|公安局|20200101-长期", XW_SCAN_CARD, "李四", ID_F},
        {"李四\r\n女\r\n汉\r\n19491231\r\n北京市\r\n" ID_F "\r\n", XW_SCAN_CARD, "李四", ID_F},
        {"姓名：李四\n性别：女\n民族：汉\n出生：1949年12月31日\n住址：北京市, "
         "1号\n公民身份号码：" ID_F,
         XW_SCAN_CARD, "李四", ID_F},
        {"号码:" ID_F ";姓名:李四", XW_SCAN_CARD, "李四", ID_F},
        /* GB 18030: 李四,女,汉,19491231,x, */
        {"\xc0\xee\xcb\xc4,\xc5\xae,\xba\xba,19491231,x," ID_F, XW_SCAN_CARD, "李四", ID_F},
        {"]C1ZY-000123", XW_SCAN_CODE, NULL, "ZY-000123"},
        {"ZY000123\n", XW_SCAN_CODE, NULL, "ZY000123"},
        {"12345678", XW_SCAN_CODE, NULL, "12345678"},
        {"H12345678", XW_SCAN_NUMBER, "", "H12345678"},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        struct xw_scan s;
        struct xw_person_fault f;
        int r = scan(cases[i].text, &s, &f);
        if ((r == 0) != (cases[i].kind != XW_SCAN_KINDS_N))
            fail_msg("case %zu: %d %s %s", i, r, xw_person_field_id(f.field),
                     xw_person_reason_id(f.reason));
        if (r < 0)
            continue;
        assert_int_equal(s.kind, cases[i].kind);
        if (cases[i].name) {
            assert_string_equal(s.person.name, cases[i].name);
            assert_int_equal(s.person.numbers_n, 1);
            assert_string_equal(s.person.numbers[0].text, cases[i].number);
        } else {
            assert_string_equal(s.code, cases[i].number);
        }
    }
}

static void scans_that_are_wrong_are_refused(void **state)
{
    static const struct {
        const char *text;
        enum xw_person_field field;
        enum xw_person_reason reason;
    } cases[] = {
        {"", XW_PERSON_SCAN, XW_REASON_EMPTY},
        {"\r\n", XW_PERSON_SCAN, XW_REASON_EMPTY},
        {ID_F_BAD, XW_PERSON_NUMBER, XW_REASON_CHECK}, /* no code, an id misread */
        {"李四,男,汉,19491231,x," ID_F, XW_PERSON_SEX, XW_REASON_SEX_DIFFERS},
        {"李四,女,汉,19491230,x," ID_F, XW_PERSON_BIRTH, XW_REASON_BIRTH_DIFFERS},
        {"李四,女,汉,19491231,x," ID_F_BAD, XW_PERSON_NUMBER, XW_REASON_CHECK},
        {"李\x01四,女,汉,19491231,x," ID_F, XW_PERSON_NAME, XW_REASON_CHARACTER},
        {"姓名:李四", XW_PERSON_SCAN, XW_REASON_FORM},
        {"姓名:李四\n姓名:王五\n号码:" ID_F, XW_PERSON_SCAN, XW_REASON_TWICE},
        {"a,b", XW_PERSON_SCAN, XW_REASON_FORM},
        {",,,,,,,,,,,,,,,,,,,,,", XW_PERSON_SCAN, XW_REASON_FORM},
        {"<script>", XW_PERSON_SCAN, XW_REASON_CHARACTER},
        {"李四", XW_PERSON_SCAN, XW_REASON_CHARACTER},
        {"\xff\xff", XW_PERSON_SCAN, XW_REASON_ENCODING},
        {"12345678901234567890123456789012345678901234567890123456789012345", XW_PERSON_SCAN,
         XW_REASON_LONG},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        struct xw_scan s;
        struct xw_person_fault f = {.at = 0};
        int r = scan(cases[i].text, &s, &f);
        if (r != -EINVAL || f.field != cases[i].field || f.reason != cases[i].reason)
            fail_msg("case %zu: %d %s %s", i, r, xw_person_field_id(f.field),
                     xw_person_reason_id(f.reason));
    }
}

static void a_cards_own_record_is_read(void **state)
{
    static const struct {
        size_t at;
        uint16_t text[20];
    } parts[] = {{0, {0x674e, 0x56db}}, /* 李四 */
                 {15, {'2'}},
                 {16, {'0', '1'}},
                 {18, {'1', '9', '4', '9', '1', '2', '3', '1'}},
                 {26, {0x5317, 0x4eac}},
                 {61,
                  {'1', '1', '0', '1', '0', '5', '1', '9', '4', '9', '1', '2', '3', '1', '0', '0',
                   '2', 'X'}}};
    uint8_t card[256];
    struct xw_scan s;
    struct xw_person_fault f;
    (void)state;
    for (size_t i = 0; i < 256; i += 2) {
        card[i] = ' ';
        card[i + 1] = 0;
    }
    for (size_t i = 0; i < XW_ARRAY_N(parts); i++)
        for (size_t k = 0; parts[i].text[k]; k++) {
            card[2 * (parts[i].at + k)] = (uint8_t)parts[i].text[k];
            card[2 * (parts[i].at + k) + 1] = (uint8_t)(parts[i].text[k] >> 8);
        }
    assert_int_equal(xw_scan_read(card, 256, today, &s, &f), 0);
    assert_int_equal(s.kind, XW_SCAN_CARD);
    assert_string_equal(s.person.name, "李四");
    assert_int_equal(s.person.sex, XW_SEX_FEMALE);
    assert_string_equal(s.person.numbers[0].text, ID_F);
    card[0] = 0x00;
    card[1] = 0xd8; /* half a surrogate */
    assert_int_equal(xw_scan_read(card, 256, today, &s, &f), -EINVAL);
    assert_int_equal(f.reason, XW_REASON_ENCODING);
    assert_int_equal(xw_scan_read(card, 255, today, &s, &f), -EINVAL);
}

static void a_scan_has_a_limit(void **state)
{
    char text[XW_SCAN_MAX + 2];
    struct xw_scan s;
    struct xw_person_fault f;
    (void)state;
    memset(text, ' ', sizeof(text));
    memcpy(text, ID_F, 18);
    assert_int_equal(xw_scan_read(text, XW_SCAN_MAX, today, &s, &f), 0);
    assert_int_equal(xw_scan_read(text, XW_SCAN_MAX + 1, today, &s, &f), -EINVAL);
    assert_int_equal(f.reason, XW_REASON_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_fills_what_was_left_empty),
        cmocka_unit_test(what_was_typed_is_held_against_the_number),
        cmocka_unit_test(an_age_stays_an_age_and_the_number_knows_better),
        cmocka_unit_test(every_fault_of_a_form_is_told_at_once),
        cmocka_unit_test(somebody_has_a_name_or_a_number),
        cmocka_unit_test(a_number_is_given_once),
        cmocka_unit_test(an_old_card_of_a_foreigner_fits_any_century),
        cmocka_unit_test(scans_of_every_form_are_read),
        cmocka_unit_test(scans_that_are_wrong_are_refused),
        cmocka_unit_test(a_cards_own_record_is_read),
        cmocka_unit_test(a_scan_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
