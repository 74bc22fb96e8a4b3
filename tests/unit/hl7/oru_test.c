/* Readings: values and non-values, devices, what is left out. */
#include "support.h"

#include <math.h>

static void only(const struct hl7_read *t, enum xw_hl7_absent absent, double number)
{
    assert_int_equal(t->r, 0);
    assert_int_equal(t->oru.readings_n, 1);
    assert_int_equal(t->oru.readings[0].absent, absent);
    assert_true(fabs(t->oru.readings[0].number - number) < 1e-9);
}

static void sentinels_are_never_values(void **state)
{
    static const char *const words[] = {
        "-32768", "32767", "65535", "8388607", "-1",        "-100", "9999",       "",
        "---",    "--",    "***",   "-?-",     "NaN",       "N/A",  "ABSENT",     "OFF",
        "\"\"",   "无",    "INV",   "-1.0",    "8388607.0", "...",  "4294967295", "Not available"};
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(words); i++) {
        struct hl7_read t;
        hl7_read_one(&t, "150456^MDC_PULS_OXIM_SAT_O2^MDC", words[i], "262688^MDC_DIM_PERCENT^MDC");
        only(&t, XW_HL7_SENTINEL, 0);
        assert_string_equal(t.oru.readings[0].value, words[i]);
        hl7_read_done(&t);
    }
}

static void impossible_numbers_wrong_units_and_words_say_why(void **state)
{
    static const struct {
        const char *code, *value, *unit;
        enum xw_hl7_absent absent;
    } cases[] = {
        {"150456^^MDC", "101", "%", XW_HL7_IMPOSSIBLE},
        {"150456^^MDC", "0", "%", XW_HL7_IMPOSSIBLE},
        {"150344^MDC_TEMP^MDC", "384.5", "268192^^MDC", XW_HL7_IMPOSSIBLE},
        {"150344^MDC_TEMP^MDC", "98.6", "268192^^MDC", XW_HL7_IMPOSSIBLE},
        {"188736^^MDC", "0", "kg", XW_HL7_IMPOSSIBLE},
        {"150344^MDC_TEMP^MDC", "36.6", "", XW_HL7_UNIT},
        {"150456^^MDC", "97", "mm[Hg]", XW_HL7_UNIT},
        {"160184^^MDC", "Hi", "mmol/L", XW_HL7_NOT_NUMBER},
        {"150456^^MDC", "9 7", "%", XW_HL7_NOT_NUMBER},
        {"150456^^MDC", "97%", "%", XW_HL7_NOT_NUMBER},
        {"150456^^MDC", "0x61", "%", XW_HL7_NOT_NUMBER},
        {"150456^^MDC", "97,5", "%", XW_HL7_NOT_NUMBER},
        {"150456^^MDC", "1e2", "%", XW_HL7_NOT_NUMBER},
        {"150456^^MDC", "1111111111111111111111", "%", XW_HL7_NOT_NUMBER},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        struct hl7_read t;
        hl7_read_one(&t, cases[i].code, cases[i].value, cases[i].unit);
        only(&t, cases[i].absent, 0);
        hl7_read_done(&t);
    }
}

static void numbers_are_read_as_they_stand(void **state)
{
    static const struct {
        const char *text;
        double number;
    } cases[] = {{"97", 97},  {" 97 ", 97}, {"97.50", 97.5}, {"+97", 97},
                 {"097", 97}, {"97.", 97},  {"97~98", 97}};
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        struct hl7_read t;
        hl7_read_one(&t, "150456^^MDC", cases[i].text, "%");
        only(&t, XW_HL7_PRESENT, cases[i].number);
        hl7_read_done(&t);
    }
}

static void the_message_itself_may_say_that_a_value_is_not_to_be_used(void **state)
{
    static const struct {
        const char *flags, *status;
        enum xw_hl7_absent absent;
        bool demo;
    } cases[] = {{"", "R", XW_HL7_PRESENT, false},     {"", "F", XW_HL7_PRESENT, false},
                 {"", "", XW_HL7_PRESENT, false},      {"", "X", XW_HL7_STATUS, false},
                 {"", "N", XW_HL7_STATUS, false},      {"", "D", XW_HL7_STATUS, false},
                 {"", "W", XW_HL7_STATUS, false},      {"INV", "R", XW_HL7_STATUS, false},
                 {"H~INV", "R", XW_HL7_STATUS, false}, {"QUES", "R", XW_HL7_PRESENT, false},
                 {"DEMO", "R", XW_HL7_PRESENT, true},  {"CAL", "F", XW_HL7_STATUS, false},
                 {"HH", "F", XW_HL7_PRESENT, false}};
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        struct hl7_read t;
        char text[512];
        snprintf(text, sizeof(text), HL7_MSH "OBX|1|NM|150456^^MDC|1.1.1.1|97|%%||%s|||%s\r",
                 cases[i].flags, cases[i].status);
        hl7_read(&t, text);
        only(&t, cases[i].absent, cases[i].absent == XW_HL7_PRESENT ? 97 : 0);
        assert_int_equal(t.oru.readings[0].demo, cases[i].demo);
        hl7_read_done(&t);
    }
}

static void structured_numbers_are_read_without_their_comparator(void **state)
{
    struct hl7_read t;
    (void)state;
    hl7_read(&t, HL7_MSH
             "OBX|1|SN|150456^^MDC|1|^97|%|||||R\rOBX|2|SN|160184^^MDC|2|>^33|mmol/L|||||R\r");
    assert_int_equal(t.oru.readings_n, 2);
    assert_true(t.oru.readings[0].number == 97);
    assert_int_equal(t.oru.readings[1].absent, XW_HL7_NOT_NUMBER);
    hl7_read_done(&t);
}

static void a_cuff_reading_that_cannot_be_is_none_at_all(void **state)
{
    static const char obx[] =
        HL7_MSH "OBX|1|NM|150021^^MDC|1.1.9.1|%d|mm[Hg]|||||R|||20261122115000\r"
                "OBX|2|NM|150022^^MDC|1.1.9.2|%d|mm[Hg]|||||R|||20261122115000\r"
                "OBX|3|NM|150023^^MDC|1.1.9.3|%d|mm[Hg]|||||R|||20261122115000\r"
                "OBX|4|NM|149546^^MDC|1.1.9.4|72|bpm|||||R|||20261122115000\r";
    static const struct {
        int sys, dia, mean;
        enum xw_hl7_absent absent;
    } cases[] = {{120, 80, 93, XW_HL7_PRESENT},
                 {80, 80, 80, XW_HL7_IMPOSSIBLE},
                 {60, 90, 70, XW_HL7_IMPOSSIBLE},
                 {120, 80, 125, XW_HL7_IMPOSSIBLE}};
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        struct hl7_read t;
        char text[1024];
        snprintf(text, sizeof(text), obx, cases[i].sys, cases[i].dia, cases[i].mean);
        hl7_read(&t, text);
        assert_int_equal(t.oru.readings_n, 4);
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(t.oru.readings[k].absent, cases[i].absent);
        assert_int_equal(t.oru.readings[3].absent, XW_HL7_PRESENT); /* the pulse is no pressure */
        hl7_read_done(&t);
    }
}

static void none_on_a_second_channel_does_not_hide_the_first(void **state)
{
    struct hl7_read t;
    (void)state;
    hl7_read(&t, HL7_MSH
             "OBX|1|NM|150456^^MDC|1.3.1|97|%|||||F\rOBX|2|NM|150456^^MDC|1.6.1|8388607|%|||||X\r");
    only(&t, XW_HL7_PRESENT, 97);
    hl7_read_done(&t);
    hl7_read(
        &t, HL7_MSH
        "OBX|1|NM|150456^^MDC|1.3.1|---|%|||||F\rOBX|2|NM|150456^^MDC|1.6.1|8388607|%|||||X\r");
    assert_int_equal(t.oru.readings_n, 2); /* none on both is said */
    hl7_read_done(&t);
}

static void what_is_no_reading_is_counted(void **state)
{
    struct hl7_read t;
    (void)state;
    hl7_read(&t, HL7_MSH "PID|1||1||A^B\rPV1||I|ICU^3^7\rZZZ|1\rOBR|1||||||20261122115958\r"
                         "OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X\r"
                         "OBX||NM|777777^MDC_OTHER^MDC|1.1.1.1|5|x|||||R\r"
                         "OBX|3|NA|131330^MDC_ECG_ELEC_POTL_II^MDC|1.1.1.2|1^2^3||||||R\r"
                         "OBX|4|NM|150456|1.1.1.3|97|%|||||R\r");
    only(&t, XW_HL7_PRESENT, 97);
    assert_int_equal(t.oru.unknown_n, 1);
    assert_int_equal(t.oru.other_n, 2);
    assert_string_equal(t.oru.place, "ICU 3 7");
    assert_true(t.oru.has_set_time);
    hl7_read_done(&t);
}

static void a_monitor_is_known_by_what_is_its_own(void **state)
{
    static const struct {
        const char *msh3, *obx18, *id;
        bool unique, own;
    } cases[] = {
        {"VSP^080019FFFE134535^EUI-64", "", "080019FFFE134535", true, false},
        {"CENTRAL^080019FFFE134535^EUI-64", "X^^0123456789ABCDEF^EUI-64", "0123456789ABCDEF", true,
         true},
        {"", "0123456789ABCDEF^EUI-64", "0123456789ABCDEF", true, true},
        {"northern", "", "northern-F", false, false},
        {" Sending App^^", "", "Sending-App-F", false, false},
        {"监护仪/7", "", "7-F", false, false},
        {"A^1.2.840.99.7^ISO", "", "1.2.840.99.7", true, false},
        {"A^mon-d01^DNS", "", "mon-d01", true, false},
        {"../../etc^x|", "", "..-..-etc-F", false, false},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        struct hl7_read t;
        char text[512], msh3[64];
        snprintf(msh3, sizeof(msh3), "%.*s", (int)strcspn(cases[i].msh3, "|"), cases[i].msh3);
        snprintf(text, sizeof(text),
                 "MSH|^~\\&|%s|F|||20261122120000||ORU^R01|c|P|2.6\r"
                 "OBX|1||69965^^MDC|1.0.0.0|||||||X|||||||%s\r",
                 msh3, cases[i].obx18);
        hl7_read(&t, text);
        assert_int_equal(t.r, 0);
        assert_string_equal(t.oru.device_id, cases[i].id);
        assert_int_equal(t.oru.device_unique, cases[i].unique);
        assert_int_equal(t.oru.device_own, cases[i].own);
        hl7_read_done(&t);
    }
}

static void two_patients_or_two_messages_in_one_are_refused(void **state)
{
    struct hl7_read t;
    (void)state;
    hl7_read(&t, HL7_MSH "PID|1\rOBX|1|NM|150456^^MDC|1|97|%\rPID|2\r");
    assert_int_equal(t.r, -EBADMSG);
    assert_string_equal(t.error.where, "PID");
    hl7_read_done(&t);
    hl7_read(&t, HL7_MSH HL7_MSH);
    assert_int_equal(t.r, -EBADMSG);
    hl7_read_done(&t);
}

static void a_missing_control_id_is_refused(void **state)
{
    struct hl7_read t;
    (void)state;
    hl7_read(&t, "MSH|^~\\&|A|B|||20261122120000||ORU^R01||P|2.6\r");
    assert_int_equal(t.r, -EBADMSG);
    assert_string_equal(t.error.where, "MSH-10");
    hl7_read_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentinels_are_never_values),
        cmocka_unit_test(impossible_numbers_wrong_units_and_words_say_why),
        cmocka_unit_test(numbers_are_read_as_they_stand),
        cmocka_unit_test(the_message_itself_may_say_that_a_value_is_not_to_be_used),
        cmocka_unit_test(structured_numbers_are_read_without_their_comparator),
        cmocka_unit_test(a_cuff_reading_that_cannot_be_is_none_at_all),
        cmocka_unit_test(none_on_a_second_channel_does_not_hide_the_first),
        cmocka_unit_test(what_is_no_reading_is_counted),
        cmocka_unit_test(a_monitor_is_known_by_what_is_its_own),
        cmocka_unit_test(two_patients_or_two_messages_in_one_are_refused),
        cmocka_unit_test(a_missing_control_id_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
