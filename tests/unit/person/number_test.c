/* Numbers of every kind, both sides of every limit. All numbers are made up. */
#include "support.h"

#include "person/temporary.h"

static int reading(enum xw_number_kind kind, const char *text, const char *issuer,
                   struct xw_number *ret_number, struct xw_person_fault *ret_fault)
{
    *ret_fault = (struct xw_person_fault){.field = XW_PERSON_FIELDS_N};
    return xw_number_read(kind, text, issuer, today, ret_number, ret_fault);
}

static void good_numbers_come_to_one_form(void **state)
{
    static const struct {
        enum xw_number_kind kind;
        const char *text, *issuer, *is;
    } cases[] = {
        {XW_NUMBER_RESIDENT, "11010519491231002X", NULL, "11010519491231002X"},
        {XW_NUMBER_RESIDENT, "11010519491231002x", "", "11010519491231002X"},
        {XW_NUMBER_RESIDENT, " 110105 19491231 002x\n", NULL, "11010519491231002X"},
        {XW_NUMBER_RESIDENT, "１１０１０５１９４９１２３１００２Ｘ", NULL, "11010519491231002X"},
        {XW_NUMBER_RESIDENT, "440524188001010014", NULL, NULL}, /* 146 years */
        {XW_NUMBER_RESIDENT, "110105491231002", NULL, "11010519491231002X"},
        {XW_NUMBER_RESIDENT, "810000199408230021", NULL, "810000199408230021"},
        {XW_NUMBER_PASSPORT, "e12345678", NULL, "E12345678"},
        {XW_NUMBER_PASSPORT, "EA1234567", "CHN", "EA1234567"},
        {XW_NUMBER_PASSPORT, "A1234", NULL, "A1234"},
        {XW_NUMBER_PASSPORT, "A12345678901234", NULL, "A12345678901234"},
        {XW_NUMBER_HKMO, "H12345678", NULL, "H12345678"},
        {XW_NUMBER_HKMO, "h1234567802", NULL, "H12345678"}, /* the third card, the same person */
        {XW_NUMBER_HKMO, "M00000001", NULL, "M00000001"},
        {XW_NUMBER_TAIWAN, "12345678", NULL, "12345678"},
        {XW_NUMBER_TAIWAN, "1234567890(A)", NULL, "1234567890"},
        {XW_NUMBER_TAIWAN, "1234567890（Ｂ）", NULL, "1234567890"},
        {XW_NUMBER_TAIWAN, "1234567890C", NULL, "1234567890"},
        {XW_NUMBER_FOREIGNER, "USA110080010112", NULL, "USA110080010112"},
        {XW_NUMBER_INSURANCE, "a12345", NULL, "A12345"},
        {XW_NUMBER_INSURANCE, "123456789012345678901234567890", "330000",
         "123456789012345678901234567890"},
        {XW_NUMBER_INPATIENT, "7", "town-01", "7"},
        {XW_NUMBER_CLINIC, "MZ-2026/0001", "TOWN-01", "MZ-2026/0001"},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        struct xw_number n;
        struct xw_person_fault f;
        int r = reading(cases[i].kind, cases[i].text, cases[i].issuer, &n, &f);
        if ((r == 0) != (cases[i].is != NULL))
            fail_msg("%s: %d %s", cases[i].text, r, xw_person_reason_id(f.reason));
        if (r == 0)
            assert_string_equal(n.text, cases[i].is);
    }
}

static void faults_say_which_field_and_why(void **state)
{
    static const struct {
        enum xw_number_kind kind;
        const char *text, *issuer;
        enum xw_person_field field;
        enum xw_person_reason reason;
        int at;
    } cases[] = {
        {XW_NUMBER_RESIDENT, "", NULL, XW_PERSON_NUMBER, XW_REASON_EMPTY, -1},
        {XW_NUMBER_RESIDENT, "110105194912310021", NULL, XW_PERSON_NUMBER, XW_REASON_CHECK, 17},
        {XW_NUMBER_RESIDENT, "11010519491231002", NULL, XW_PERSON_NUMBER, XW_REASON_LENGTH, -1},
        {XW_NUMBER_RESIDENT, "11010519491231002XX", NULL, XW_PERSON_NUMBER, XW_REASON_LENGTH, -1},
        {XW_NUMBER_RESIDENT, "1101051949123100AX", NULL, XW_PERSON_NUMBER, XW_REASON_CHARACTER, 16},
        {XW_NUMBER_RESIDENT, "11010519491231002Y", NULL, XW_PERSON_NUMBER, XW_REASON_CHARACTER, 17},
        {XW_NUMBER_RESIDENT, "16010519491231002X", NULL, XW_PERSON_NUMBER, XW_REASON_PROVINCE, 0},
        {XW_NUMBER_RESIDENT, "84010519491231002X", NULL, XW_PERSON_NUMBER, XW_REASON_PROVINCE, 0},
        {XW_NUMBER_RESIDENT, "11010519490229002X", NULL, XW_PERSON_NUMBER, XW_REASON_NO_SUCH_DAY,
         6},
        {XW_NUMBER_RESIDENT, "11010520261124002X", NULL, XW_PERSON_NUMBER, XW_REASON_FUTURE, 6},
        {XW_NUMBER_RESIDENT, "11010518001231002X", NULL, XW_PERSON_NUMBER, XW_REASON_TOO_OLD, 6},
        {XW_NUMBER_RESIDENT, "91010519491231002X", NULL, XW_PERSON_NUMBER, XW_REASON_KIND, 0},
        {XW_NUMBER_RESIDENT, "110105491331002", NULL, XW_PERSON_NUMBER, XW_REASON_NO_SUCH_DAY, 6},
        {XW_NUMBER_RESIDENT, "11010549A231002", NULL, XW_PERSON_NUMBER, XW_REASON_CHARACTER, 8},
        {XW_NUMBER_RESIDENT, "11010519491231002X", "X", XW_PERSON_ISSUER, XW_REASON_KIND, -1},
        {XW_NUMBER_PASSPORT, "E123", NULL, XW_PERSON_NUMBER, XW_REASON_LENGTH, -1},
        {XW_NUMBER_PASSPORT, "E123456789012345", NULL, XW_PERSON_NUMBER, XW_REASON_LENGTH, -1},
        {XW_NUMBER_PASSPORT, "ABCDEFGH", NULL, XW_PERSON_NUMBER, XW_REASON_FORM, -1},
        {XW_NUMBER_PASSPORT, "E1234<678", NULL, XW_PERSON_NUMBER, XW_REASON_CHARACTER, 5},
        {XW_NUMBER_HKMO, "A12345678", NULL, XW_PERSON_NUMBER, XW_REASON_CHARACTER, 0},
        {XW_NUMBER_HKMO, "H1234567", NULL, XW_PERSON_NUMBER, XW_REASON_LENGTH, -1},
        {XW_NUMBER_HKMO, "H1234567A", NULL, XW_PERSON_NUMBER, XW_REASON_CHARACTER, 8},
        {XW_NUMBER_TAIWAN, "1234567", NULL, XW_PERSON_NUMBER, XW_REASON_LENGTH, -1},
        {XW_NUMBER_TAIWAN, "123456789", NULL, XW_PERSON_NUMBER, XW_REASON_LENGTH, -1},
        {XW_NUMBER_TAIWAN, "A2345678", NULL, XW_PERSON_NUMBER, XW_REASON_CHARACTER, 0},
        {XW_NUMBER_FOREIGNER, "USA110080130112", NULL, XW_PERSON_NUMBER, XW_REASON_NO_SUCH_DAY, 7},
        {XW_NUMBER_FOREIGNER, "US1110080010112", NULL, XW_PERSON_NUMBER, XW_REASON_CHARACTER, 2},
        {XW_NUMBER_FOREIGNER, "11010519491231002X", NULL, XW_PERSON_NUMBER, XW_REASON_KIND, 0},
        {XW_NUMBER_FOREIGNER, "999840198001010012", NULL, XW_PERSON_NUMBER, XW_REASON_PROVINCE, 1},
        {XW_NUMBER_INSURANCE, "12345", NULL, XW_PERSON_NUMBER, XW_REASON_LENGTH, -1},
        {XW_NUMBER_INSURANCE, "1234567890123456789012345678901", NULL, XW_PERSON_NUMBER,
         XW_REASON_LENGTH, -1},
        {XW_NUMBER_INPATIENT, "7", "", XW_PERSON_ISSUER, XW_REASON_EMPTY, -1},
        {XW_NUMBER_INPATIENT, "7", "town 1;", XW_PERSON_ISSUER, XW_REASON_CHARACTER, 5},
        {XW_NUMBER_INPATIENT, "7", "123456789012345678901234567890123", XW_PERSON_ISSUER,
         XW_REASON_LONG, -1},
        {XW_NUMBER_CLINIC, "<script>", "A", XW_PERSON_NUMBER, XW_REASON_CHARACTER, 0},
        {XW_NUMBER_CLINIC, "123456789012345678901234567890123", "A", XW_PERSON_NUMBER,
         XW_REASON_LENGTH, -1},
        {XW_NUMBER_CLINIC, "\xc0\xaf", "A", XW_PERSON_NUMBER, XW_REASON_ENCODING, -1},
        {XW_NUMBER_NEWBORN, "1", NULL, XW_PERSON_NUMBER, XW_REASON_KIND, -1},
        {XW_NUMBER_NONE, "1", NULL, XW_PERSON_NUMBER, XW_REASON_KIND, -1},
        {XW_NUMBER_KINDS_N, "1", NULL, XW_PERSON_NUMBER, XW_REASON_KIND, -1},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        struct xw_number n = {.order = 77};
        struct xw_person_fault f;
        int r = reading(cases[i].kind, cases[i].text, cases[i].issuer, &n, &f);
        if (r != -EINVAL || f.field != cases[i].field || f.reason != cases[i].reason ||
            f.at != cases[i].at)
            fail_msg("%s: %d %s %s %d", cases[i].text, r, xw_person_field_id(f.field),
                     xw_person_reason_id(f.reason), f.at);
        assert_int_equal(n.order, 77);
    }
}

/* What the check character is for: no one digit may be wrong, no two neighbours swapped. */
static void one_wrong_digit_of_a_resident_id_is_found(void **state)
{
    static const char *const ids[] = {"11010519491231002X", "810000199408230021"};
    (void)state;
    for (size_t k = 0; k < XW_ARRAY_N(ids); k++)
        for (size_t i = 0; i < 18; i++) {
            struct xw_number n;
            struct xw_person_fault f;
            char text[19];
            for (int digit = 0; digit < 10; digit++) {
                char c = (char)('0' + digit);
                memcpy(text, ids[k], 19);
                text[i] = c;
                assert_int_equal(reading(XW_NUMBER_RESIDENT, text, NULL, &n, &f),
                                 c == ids[k][i] ? 0 : -EINVAL);
            }
            memcpy(text, ids[k], 19);
            if (i < 17 && text[i] != text[i + 1]) {
                text[i] = ids[k][i + 1];
                text[i + 1] = ids[k][i];
                assert_int_equal(reading(XW_NUMBER_RESIDENT, text, NULL, &n, &f), -EINVAL);
            }
        }
}

static void a_number_says_birth_and_sex(void **state)
{
    struct xw_number n;
    struct xw_person_fault f;
    struct xw_number_says s;
    char made[19] = "93184019800101001";
    (void)state;
    assert_int_equal(reading(XW_NUMBER_RESIDENT, "11010519491231002X", NULL, &n, &f), 0);
    xw_number_says(&n, &s);
    assert_int_equal(s.sex, XW_SEX_FEMALE);
    assert_true(s.birth && s.century);
    assert_int_equal(xw_day_compare(s.day, day(1949, 12, 31)), 0);
    made[17] = xw_number_check_11_2(made);
    assert_int_equal(reading(XW_NUMBER_FOREIGNER, made, NULL, &n, &f), 0);
    xw_number_says(&n, &s);
    assert_int_equal(s.sex, XW_SEX_MALE);
    assert_int_equal(xw_day_compare(s.day, day(1980, 1, 1)), 0);
    assert_int_equal(reading(XW_NUMBER_FOREIGNER, "USA110080010112", NULL, &n, &f), 0);
    xw_number_says(&n, &s);
    assert_int_equal(s.sex, XW_SEX_UNKNOWN);
    assert_true(s.birth && !s.century);
    assert_int_equal(s.day.year, 80);
    assert_int_equal(reading(XW_NUMBER_PASSPORT, "E12345678", NULL, &n, &f), 0);
    xw_number_says(&n, &s);
    assert_false(s.birth);
}

static void a_newborn_has_its_mothers_number_and_an_order(void **state)
{
    struct xw_number mother, child, twin, man;
    struct xw_person_fault f;
    struct xw_number_says s;
    char key[XW_NUMBER_KEY_N_BYTES], made[19] = "11010519491231001";
    (void)state;
    assert_int_equal(reading(XW_NUMBER_RESIDENT, "11010519491231002X", NULL, &mother, &f), 0);
    assert_int_equal(xw_number_newborn(&mother, 1, &child, &f), 0);
    assert_int_equal(xw_number_newborn(&mother, 9, &twin, &f), 0);
    assert_false(xw_number_equal(&child, &twin));
    assert_false(xw_number_equal(&child, &mother));
    assert_string_equal(xw_number_key(&child, key), "newborn:resident::11010519491231002X/1");
    xw_number_says(&child, &s);
    assert_false(s.birth); /* it is the mother's */
    assert_int_equal(xw_number_newborn(&mother, 0, &child, &f), -EINVAL);
    assert_int_equal(f.reason, XW_REASON_ORDER);
    assert_int_equal(xw_number_newborn(&mother, 10, &child, &f), -EINVAL);
    assert_int_equal(xw_number_newborn(&child, 1, &twin, &f), -EINVAL);
    assert_int_equal(f.reason, XW_REASON_KIND);
    made[17] = xw_number_check_11_2(made);
    assert_int_equal(reading(XW_NUMBER_RESIDENT, made, NULL, &man, &f), 0);
    assert_int_equal(xw_number_newborn(&man, 1, &child, &f), -EINVAL);
    assert_int_equal(f.reason, XW_REASON_SEX_DIFFERS);
}

static void temporary_numbers_are_read_back_and_check_themselves(void **state)
{
    static const char any[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    unsigned swaps = 0, found = 0;
    (void)state;
    for (uint64_t bits = 1; bits < UINT64_C(1) << 40; bits = bits * 3 + 7) {
        struct xw_number n, back;
        struct xw_person_fault f;
        char text[XW_TEMPORARY_TEXT_N_BYTES];
        xw_temporary_make(today, bits, &n);
        xw_temporary_format(&n, text);
        assert_int_equal(strlen(text), 19);
        assert_memory_equal(text, "W261123-", 8);
        assert_int_equal(reading(XW_NUMBER_TEMPORARY, text, NULL, &back, &f), 0);
        assert_true(xw_number_equal(&n, &back));
        assert_int_equal(xw_number_guess(text, today), XW_NUMBER_TEMPORARY);
        for (size_t i = 0; i < 16; i++) {
            for (const char *c = any; *c; c++) {
                memcpy(text, n.text, 17);
                text[i] = *c;
                assert_int_equal(reading(XW_NUMBER_TEMPORARY, text, NULL, &back, &f),
                                 *c == n.text[i] ? 0 : -EINVAL);
            }
            memcpy(text, n.text, 17);
            if (i < 15 && text[i] != text[i + 1]) {
                text[i] = n.text[i + 1];
                text[i + 1] = n.text[i];
                swaps++;
                found += reading(XW_NUMBER_TEMPORARY, text, NULL, &back, &f) < 0;
            }
        }
    }
    assert_true(swaps > 100);
    assert_true(found * 100 >= swaps * 95);
}

static void temporary_numbers_forgive_look_alikes(void **state)
{
    struct xw_number n, back;
    struct xw_person_fault f;
    char text[XW_TEMPORARY_TEXT_N_BYTES];
    (void)state;
    xw_temporary_make(day(2010, 1, 1), 32, &n); /* zeros, ones */
    xw_temporary_format(&n, text);
    for (char *c = text; *c; c++)
        *c = (char)(*c == '0' ? 'o' : *c == '1' ? 'l' : *c);
    assert_int_equal(reading(XW_NUMBER_TEMPORARY, text, NULL, &back, &f), 0);
    assert_true(xw_number_equal(&n, &back));
    assert_int_equal(reading(XW_NUMBER_TEMPORARY, "W261123", NULL, &back, &f), -EINVAL);
    assert_int_equal(f.reason, XW_REASON_LENGTH);
    assert_int_equal(reading(XW_NUMBER_TEMPORARY, "W261123-0000-0000-00", NULL, &back, &f),
                     -EINVAL);
    assert_int_equal(f.reason, XW_REASON_LENGTH);
    assert_int_equal(reading(XW_NUMBER_TEMPORARY, "A261123-0000-0000-0", NULL, &back, &f), -EINVAL);
    assert_int_equal(f.reason, XW_REASON_FORM);
    xw_temporary_new(today, &n);
    xw_temporary_new(today, &back);
    assert_false(xw_number_equal(&n, &back));
}

static void what_a_bare_number_is_is_only_said_when_it_proves_itself(void **state)
{
    (void)state;
    assert_int_equal(xw_number_guess("11010519491231002x", today), XW_NUMBER_RESIDENT);
    assert_int_equal(xw_number_guess("110105491231002", today), XW_NUMBER_RESIDENT);
    assert_int_equal(xw_number_guess("H12345678", today), XW_NUMBER_HKMO);
    assert_int_equal(xw_number_guess("USA110080010112", today), XW_NUMBER_FOREIGNER);
    assert_int_equal(xw_number_guess("12345678", today), XW_NUMBER_NONE);
    assert_int_equal(xw_number_guess("110105194912310021", today), XW_NUMBER_NONE);
    assert_int_equal(xw_number_guess("", today), XW_NUMBER_NONE);
}

static void sexes_are_read(void **state)
{
    enum xw_sex sex;
    struct xw_person_fault f;
    (void)state;
    assert_int_equal(xw_sex_read("男", &sex, &f), 0);
    assert_int_equal(sex, XW_SEX_MALE);
    assert_int_equal(xw_sex_read(" f ", &sex, &f), 0);
    assert_int_equal(sex, XW_SEX_FEMALE);
    assert_int_equal(xw_sex_read("", &sex, &f), 0);
    assert_int_equal(sex, XW_SEX_UNKNOWN);
    assert_int_equal(xw_sex_read("9", &sex, &f), 0);
    assert_int_equal(sex, XW_SEX_UNSAID);
    assert_int_equal(xw_sex_read("3", &sex, &f), -EINVAL);
    assert_int_equal(f.field, XW_PERSON_SEX);
}

static void every_id_has_words_in_both_languages(void **state)
{
    (void)state;
    for (unsigned i = 0; i < XW_PERSON_FIELDS_N; i++) {
        assert_true(*xw_person_field_id((enum xw_person_field)i));
        assert_true(*xw_person_field_words((enum xw_person_field)i, XW_PERSON_ZH));
        assert_true(*xw_person_field_words((enum xw_person_field)i, XW_PERSON_EN));
    }
    for (unsigned i = 0; i < XW_REASONS_N; i++) {
        assert_true(*xw_person_reason_id((enum xw_person_reason)i));
        assert_true(*xw_person_reason_words((enum xw_person_reason)i, XW_PERSON_ZH));
        assert_true(*xw_person_reason_words((enum xw_person_reason)i, XW_PERSON_EN));
    }
    for (unsigned i = 0; i < XW_NUMBER_KINDS_N; i++) {
        enum xw_number_kind kind = (enum xw_number_kind)i;
        assert_int_equal(xw_number_kind_of(xw_number_kind_id(kind)), kind);
        assert_true(*xw_number_kind_words(kind, XW_PERSON_ZH));
        assert_true(*xw_number_kind_words(kind, XW_PERSON_EN));
    }
    assert_string_equal(xw_person_reason_id(XW_REASONS_N), "");
    assert_string_equal(xw_person_field_id(XW_PERSON_FIELDS_N), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_numbers_come_to_one_form),
        cmocka_unit_test(faults_say_which_field_and_why),
        cmocka_unit_test(one_wrong_digit_of_a_resident_id_is_found),
        cmocka_unit_test(a_number_says_birth_and_sex),
        cmocka_unit_test(a_newborn_has_its_mothers_number_and_an_order),
        cmocka_unit_test(temporary_numbers_are_read_back_and_check_themselves),
        cmocka_unit_test(temporary_numbers_forgive_look_alikes),
        cmocka_unit_test(what_a_bare_number_is_is_only_said_when_it_proves_itself),
        cmocka_unit_test(sexes_are_read),
        cmocka_unit_test(every_id_has_words_in_both_languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
