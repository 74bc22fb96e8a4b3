/* Separators, segments, escapes, codings of characters. */
#include "support.h"

static struct xw_hl7_message parsed(const char *bytes, size_t n)
{
    struct xw_hl7_message m;
    struct xw_hl7_error error;
    assert_int_equal(xw_hl7_parse(bytes, n, &m, &error), 0);
    return m;
}

static void field_is(const struct xw_hl7_message *m, size_t segment, size_t field, size_t part,
                     const char *expected)
{
    struct xw_hl7_fields f;
    char text[128];
    assert_true(segment < m->segments_n);
    xw_hl7_split(m, &m->segments[segment], &f);
    xw_hl7_text(m, f.f[field], part, text, sizeof(text));
    assert_string_equal(text, expected);
}

static void segments_end_in_cr_lf_or_both(void **state)
{
    static const char *const ends[] = {"\r", "\n", "\r\n", "\r\r\n", "\n\n"};
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(ends); i++) {
        char text[200];
        snprintf(text, sizeof(text), "MSH|^~\\&|A^B|C%sOBX|1|NM|x^y%s", ends[i], ends[i]);
        struct xw_hl7_message m = parsed(text, strlen(text));
        assert_int_equal(m.segments_n, 2);
        field_is(&m, 0, 3, 2, "B");
        field_is(&m, 0, 4, 1, "C");
        field_is(&m, 1, 3, 2, "y");
        xw_hl7_done(&m);
    }
}

static void separators_are_those_of_the_message(void **state)
{
    static const char text[] = "MSH#*!$%#A*B#C\rOBX#1#NM#a*b!c*d#$F$ $S$ $R$ $E$ $T$\r";
    (void)state;
    struct xw_hl7_message m = parsed(text, sizeof(text) - 1);
    struct xw_hl7_fields f;
    char value[64];
    field_is(&m, 0, 3, 2, "B");
    xw_hl7_split(&m, &m.segments[1], &f);
    xw_hl7_text(&m, xw_hl7_repeat(&m, f.f[3], 2), 2, value, sizeof(value));
    assert_string_equal(value, "d");
    assert_int_equal(xw_hl7_component(&m, f.f[3], 9).n, 0);
    xw_hl7_unescape(&m, f.f[4], value, sizeof(value));
    assert_string_equal(value, "# * ! $ %");
    xw_hl7_done(&m);
}

static void escapes_give_their_characters(void **state)
{
    static const char text[] =
        "MSH|^~\\&|A\rZ01|a\\F\\b|\\X4D6D\\Hg|\\H\\bold\\N\\|x\\.br\\y|open\\E"
        "|\\XZZ\\!|\\Xe8a180\\| two  \x01 three \rZ02\r";
    static const char *const expected[] = {"a|b",     "MmHg", "bold", "x y",
                                           "open\\E", "!",    "血",   "two    three"};
    (void)state;
    struct xw_hl7_message m = parsed(text, sizeof(text) - 1);
    for (size_t i = 0; i < XW_ARRAY_N(expected); i++)
        field_is(&m, 1, i + 1, 1, expected[i]);
    field_is(&m, 2, 5, 1, "");
    xw_hl7_done(&m);
}

static void a_text_is_cut_at_a_whole_character(void **state)
{
    static const char text[] = "MSH|^~\\&|心网心网\r";
    char value[8];
    struct xw_hl7_fields f;
    (void)state;
    struct xw_hl7_message m = parsed(text, sizeof(text) - 1);
    xw_hl7_split(&m, &m.segments[0], &f);
    assert_int_equal(xw_hl7_unescape(&m, f.f[3], value, sizeof(value)), 6);
    assert_string_equal(value, "心网");
    xw_hl7_done(&m);
}

static void what_is_no_message_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text, *where;
    } bad[] = {{"", "MSH"},
               {"PID|1\r", "MSH"},
               {"MSH", "MSH-1"},
               {"MSHA^~\\&", "MSH-1"},
               {"MSH|^^\\&|", "MSH-2"},
               {"MSH|^~|&|", "MSH-2"},
               {"MSH|a~\\&|", "MSH-2"},
               {"MSH|^~\\&|\rX\r", "segment"}};
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(bad); i++) {
        struct xw_hl7_message m;
        struct xw_hl7_error error = {"", ""};
        int r = xw_hl7_parse(bad[i].text, strlen(bad[i].text), &m, &error);
        if (!strcmp(bad[i].text, "MSH|^~|&|")) { /* MSH-2 of two: the others are the usual ones */
            assert_int_equal(r, 0);
            xw_hl7_done(&m);
            continue;
        }
        assert_int_equal(r, -EBADMSG);
        assert_string_equal(error.where, bad[i].where);
    }
}

static void characters_are_read_as_MSH_18_says(void **state)
{
    /* 心率 in GB 18030 is D0 C4 C2 CA; 亅 (81 7C) has a separator as its second byte. */
    static const struct {
        const char *charset, *bytes, *expected, *read_as;
    } cases[] = {
        {"UNICODE UTF-8", "心率", "心率", "UTF-8"},
        {"", "心率", "心率", "UTF-8"},
        {"GB 18030-2000", "\xd0\xc4\xc2\xca", "心率", "GB 18030"},
        {"GBK", "\x81\x7c\xd0\xc4", "亅心", "GB 18030"},
        {"", "\xd0\xc4\xc2\xca", "心率", "GB 18030"},
        {"8859/1",
         "\xb0"
         "C",
         "°C", "ISO-8859-1"},
        {"ASCII", "plain", "plain", "UTF-8"},
        {"SOMETHING", "plain", "plain", "UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        char text[256];
        snprintf(text, sizeof(text), "MSH|^~\\&|%s|B||||||||||||||%s\rOBX|1|%s|x\r", cases[i].bytes,
                 cases[i].charset, cases[i].bytes);
        struct xw_hl7_message m = parsed(text, strlen(text));
        field_is(&m, 0, 3, 1, cases[i].expected);
        field_is(&m, 1, 2, 1, cases[i].expected);
        field_is(&m, 1, 3, 1, "x");
        assert_string_equal(m.charset, cases[i].read_as);
        xw_hl7_done(&m);
    }
}

static void bytes_that_are_no_characters_do_not_hide_the_rest(void **state)
{
    static const char text[] = "MSH|^~\\&|A|||||||||||||||GB18030\rOBX|1|\xff\xff|kept\r";
    (void)state;
    struct xw_hl7_message m = parsed(text, sizeof(text) - 1);
    field_is(&m, 1, 3, 1, "kept");
    xw_hl7_done(&m);
}

static void more_segments_than_the_limit_are_refused(void **state)
{
    struct xw_hl7_message m;
    struct xw_hl7_error error;
    size_t n = 16384, at = 10;
    char *text = malloc(at + 4 * n);
    (void)state;
    memcpy(text, "MSH|^~\\&|\r", 10);
    for (size_t i = 0; i < n; i++, at += 4)
        memcpy(text + at, "ZZZ\r", 4);
    assert_int_equal(xw_hl7_parse(text, at - 4, &m, &error), 0);
    xw_hl7_done(&m);
    assert_int_equal(xw_hl7_parse(text, at, &m, &error), -EBADMSG);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_end_in_cr_lf_or_both),
        cmocka_unit_test(separators_are_those_of_the_message),
        cmocka_unit_test(escapes_give_their_characters),
        cmocka_unit_test(a_text_is_cut_at_a_whole_character),
        cmocka_unit_test(what_is_no_message_is_refused_with_its_place),
        cmocka_unit_test(characters_are_read_as_MSH_18_says),
        cmocka_unit_test(bytes_that_are_no_characters_do_not_hide_the_rest),
        cmocka_unit_test(more_segments_than_the_limit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
