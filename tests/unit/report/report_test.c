/* The printed page: what it says back, hostile texts and signals, fonts. Its geometry is measured
 * in tests/scenario/print.test.mjs. */
#include "unit/report/made.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Pango's matching thread leaves a pattern of 256 bytes of fontconfig's behind, once a process.
 * What is ours is still judged. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

static struct xw_report_fonts *fonts;
static struct made made;

static int set_up(void **state)
{
    char text[XW_REPORT_ERROR_BYTES];
    (void)state;
    return xw_report_fonts_new(NULL, 0, &fonts, text);
}

static int tear_down(void **state)
{
    (void)state;
    xw_report_fonts_free(fonts);
    return 0;
}

static struct xw_report_output render(void)
{
    struct xw_report_output out = {0};
    assert_int_equal(xw_report_render(fonts, &made.report, &out), 0);
    assert_true(out.pdf_n > 1000);
    assert_memory_equal(out.pdf, "%PDF-", 5);
    return out;
}

static void same_report_gives_same_bytes(void **state)
{
    (void)state;
    made_report(&made, 12);
    struct xw_report_output a = render();
    struct xw_report_output b = render();
    assert_int_equal(a.pdf_n, b.pdf_n);
    assert_memory_equal(a.pdf, b.pdf, a.pdf_n);
    assert_int_equal(a.pages_n, 1);
    assert_int_equal(a.missing_n + a.shortened_n + a.cut, 0);
    assert_true(a.pdf_n < 300 * 1024);
    xw_report_output_done(&a);
    xw_report_output_done(&b);
}

static void layouts_speeds_and_languages_have_their_pages(void **state)
{
    static const double SPEEDS[] = {12.5, 25, 50};
    static const double GAINS[] = {2.5, 5, 10, 20};
    (void)state;
    made_report(&made, 18);
    for (int layout = 0; layout < 3; layout++)
        for (int s = 0; s < 3; s++)
            for (int language = 0; language < 3; language++) {
                made.report.layout = (enum xw_report_layout)layout;
                made.report.language = (enum xw_report_language)language;
                made.report.speed_mm_s = SPEEDS[s];
                made.report.gain_mm_mv = GAINS[layout + language > 3 ? 3 : layout + language];
                struct xw_report_output out = render();
                assert_int_equal(out.pages_n, s == 2 ? 4 : 2);
                xw_report_output_done(&out);
            }
}

static void few_leads_get_a_row_each(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 5; n += 2) {
        made_report(&made, n);
        struct xw_report_output out = render();
        assert_int_equal(out.pages_n, 1);
        xw_report_output_done(&out);
    }
}

static void what_is_too_high_is_cut_and_said(void **state)
{
    (void)state;
    made_report(&made, 12);
    for (int i = 3000; i < 3010; i++)
        made.uv[8][i] = 50000; /* V3, which stands there from 5 to 7.5 s */
    struct xw_report_output out = render();
    assert_int_equal(out.cut, 1u << 8);
    xw_report_output_done(&out);
}

static void values_that_are_none_cost_nothing(void **state)
{
    (void)state;
    made_report(&made, 12);
    for (int i = 0; i < MADE_N; i++) {
        made.uv[0][i] = NAN;
        made.uv[1][i] = i % 2 ? NAN : 100;
        made.uv[2][i] = i % 3 ? INFINITY : -INFINITY;
        made.uv[3][i] = i % 5 ? 0 : 3e38f;
    }
    made.report.leads[0].unfit = true;
    made.report.leads[0].flaws = 127;
    made.report.measures[XW_REPORT_HR] = INFINITY;
    struct xw_report_output out = render();
    xw_report_output_done(&out);
}

static void set_name(const char *name)
{
    made_report(&made, 12);
    made.report.fields_n = 1;
    made.report.fields[0] = (struct xw_report_field){"姓名", "Name", name};
}

static void hostile_texts_are_printed_as_far_as_they_can_be(void **state)
{
    static char longest[30001];
    (void)state;
    for (int i = 0; i < 10000; i++)
        memcpy(longest + 3 * i, "王", 3);
    set_name(longest);
    struct xw_report_output out = render();
    assert_true(out.shortened_n > 0);
    xw_report_output_done(&out);
    static const char *const FINE[] = {
        "阿依古丽·买买提", "喆㛃䶮", "محمد", "a\x01\x1b[31m\tb\n", "x\342\200\256evil\342\200\254",
        "<b>&amp;</b>",    "%s%n"};
    for (size_t i = 0; i < XW_ARRAY_N(FINE); i++) {
        set_name(FINE[i]);
        out = render();
        assert_int_equal(out.missing_n, 0);
        assert_int_equal(out.shortened_n, 0);
        xw_report_output_done(&out);
    }
}

static void a_character_without_a_glyph_is_returned(void **state)
{
    (void)state;
    set_name("王\xee\x80\x80\xf3\xb0\x80\x80\xff"); /* two private ones, a byte that is no UTF-8 */
    struct xw_report_output out = render();
    assert_int_equal(out.missing_n, 3);
    assert_int_equal(out.missing[0], 0xE000);
    assert_int_equal(out.missing[1], 0xF0000);
    assert_int_equal(out.missing[2], 0xFFFD);
    xw_report_output_done(&out);
}

static void statements_that_do_not_fit_go_on_overleaf(void **state)
{
    (void)state;
    made_report(&made, 12);
    made.report.statements_n = XW_REPORT_STATEMENTS_MAX;
    for (unsigned i = 0; i < XW_REPORT_STATEMENTS_MAX; i++)
        made.report.statements[i] = (struct xw_report_statement){
            .zh = "窦性心动过缓", .en = "Sinus bradycardia", .code = "23", .grade = i % 5};
    struct xw_report_output out = render();
    assert_true(out.pages_n >= 3);
    xw_report_output_done(&out);
    made.report.statements_n = 4;
    out = render();
    assert_int_equal(out.pages_n, 1);
    xw_report_output_done(&out);
}

static void a_result_fills_measures_and_table(void **state)
{
    static struct xw_ecg12_result result;
    (void)state;
    made_report(&made, 12);
    result.leads_n = 12;
    result.hr_bpm = 60;
    result.rv5_mv = 1.5f;
    for (unsigned l = 0; l < 12; l++)
        result.leads[l].lead = (enum xw_ecg_lead)(XW_ECG_LEAD_I + l);
    xw_report_take_result(&made.report, &result);
    made.report.table = true;
    made.report.is_signed = true;
    struct xw_report_output out = render();
    assert_int_equal(out.pages_n, 2);
    assert_true(made.report.measures[XW_REPORT_RV5] > 1.4f);
    xw_report_output_done(&out);
}

static void values_out_of_range_are_refused(void **state)
{
    struct xw_report_output out = {0};
    (void)state;
    made_report(&made, 12);
    made.report.speed_mm_s = 26;
    assert_int_equal(xw_report_render(fonts, &made.report, &out), -EINVAL);
    made_report(&made, 12);
    made.report.gain_mm_mv = NAN;
    assert_int_equal(xw_report_render(fonts, &made.report, &out), -EINVAL);
    made_report(&made, 12);
    made.report.rate_hz = 99;
    assert_int_equal(xw_report_render(fonts, &made.report, &out), -EINVAL);
    made_report(&made, 12);
    made.report.leads_n = 0;
    assert_int_equal(xw_report_render(fonts, &made.report, &out), -EINVAL);
    assert_null(out.pdf);
}

static void without_any_font_it_says_what_to_install(void **state)
{
    static const char *const NOWHERE[] = {"/nonexistent-fonts"};
    struct xw_report_fonts *none = NULL;
    char text[XW_REPORT_ERROR_BYTES];
    (void)state;
    assert_int_equal(xw_report_fonts_new(NOWHERE, 1, &none, text), -ENOENT);
    assert_null(none);
    assert_non_null(strstr(text, "fonts-wqy-microhei"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_report_gives_same_bytes),
        cmocka_unit_test(layouts_speeds_and_languages_have_their_pages),
        cmocka_unit_test(few_leads_get_a_row_each),
        cmocka_unit_test(what_is_too_high_is_cut_and_said),
        cmocka_unit_test(values_that_are_none_cost_nothing),
        cmocka_unit_test(hostile_texts_are_printed_as_far_as_they_can_be),
        cmocka_unit_test(a_character_without_a_glyph_is_returned),
        cmocka_unit_test(statements_that_do_not_fit_go_on_overleaf),
        cmocka_unit_test(a_result_fills_measures_and_table),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(without_any_font_it_says_what_to_install),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
