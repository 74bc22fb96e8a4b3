/* Headers: what is understood, and what is refused with which words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wfdb/wfdb.h"

static int parse(const char *text, struct xw_wfdb_header *h, struct xw_wfdb_error *error)
{
    memset(error, 0, sizeof(*error));
    return xw_wfdb_header_parse(text, strlen(text), h, error);
}

static void assert_fraction(struct xw_wfdb_fraction f, int64_t num, int64_t den)
{
    assert_int_equal(f.num, num);
    assert_int_equal(f.den, den);
}

static void a_full_header_with_crlf_is_read(void **state)
{
    (void)state;
    struct xw_wfdb_header h;
    struct xw_wfdb_error e;
    const char *text = "# made by hand\r\n"
                       "rec_1 2 360/720(10) 650000 12:34:56.5 01/02/1975\r\n"
                       "a.dat 212 200(1024)/uV 11 1000 995 -22131 0 MLII with a blank \r\n"
                       "# between\r\n"
                       "a.dat 212 4305.1 12 1024 1011 65535 512 V5\r\n"
                       "#last\r\n";
    assert_int_equal(parse(text, &h, &e), 0);
    assert_string_equal(h.record, "rec_1");
    assert_int_equal(h.signals_n, 2);
    assert_fraction(h.frame_rate_hz, 360, 1);
    assert_fraction(h.counter_rate_hz, 720, 1);
    assert_int_equal(h.frames_n, 650000);
    assert_true(h.has_base_time && h.has_base_date);
    assert_int_equal(h.base_time_ms, ((12 * 60 + 34) * 60 + 56) * 1000 + 500);
    assert_int_equal(h.base_year, 1975);
    assert_int_equal(h.base_month, 2);
    assert_int_equal(h.base_day, 1);
    assert_string_equal(h.comments, " made by hand\n between\nlast");
    const struct xw_wfdb_signal *s = h.signals;
    assert_string_equal(s[0].file, "a.dat");
    assert_string_equal(s[0].unit, "uV");
    assert_string_equal(s[0].description, "MLII with a blank");
    assert_int_equal(s[0].baseline, 1024); /* given: not the ADC zero */
    assert_int_equal(s[0].adc_zero, 1000);
    assert_int_equal(s[0].initial_value, 995);
    assert_int_equal(s[0].checksum, 0x10000 - 22131);
    assert_int_equal(s[0].invalid, -2048);
    assert_fraction(s[1].gain, 43051, 10);
    assert_string_equal(s[1].unit, "mV");
    assert_int_equal(s[1].baseline, 1024); /* not given: the ADC zero */
    assert_int_equal(s[1].checksum, 65535);
    assert_int_equal(s[1].block_size_bytes, 512);
    xw_wfdb_header_done(&h);
}

static void missing_fields_get_the_defaults_of_the_format(void **state)
{
    (void)state;
    struct xw_wfdb_header h;
    struct xw_wfdb_error e;
    assert_int_equal(parse("r 1\nr.dat 16", &h, &e), 0);
    assert_fraction(h.frame_rate_hz, 250, 1);
    assert_int_equal(h.frames_n, 0);
    assert_false(h.signals[0].gain_known);
    assert_fraction(h.signals[0].gain, 200, 1);
    assert_false(h.signals[0].checksum_known);
    assert_string_equal(h.signals[0].description, "");
    xw_wfdb_header_done(&h);
    assert_int_equal(parse("r 0 128 0\n", &h, &e), 0);
    assert_int_equal(h.signals_n, 0);
    xw_wfdb_header_done(&h);
}

static void the_format_field_carries_rate_skew_and_offset(void **state)
{
    (void)state;
    struct xw_wfdb_header h;
    struct xw_wfdb_error e;
    assert_int_equal(parse("r 2 100 10\na.mat 16+24 1\nb.dat 24x4:7+100 1\n", &h, &e), 0);
    assert_int_equal(h.signals[0].format, 16);
    assert_int_equal(h.signals[0].offset_bytes, 24);
    assert_int_equal(h.signals[0].samples_per_frame, 1);
    assert_int_equal(h.signals[1].format, 24);
    assert_int_equal(h.signals[1].samples_per_frame, 4);
    assert_int_equal(h.signals[1].skew_frames, 7);
    assert_int_equal(h.signals[1].offset_bytes, 100);
    assert_int_equal(h.signals[1].invalid, -8388608);
    xw_wfdb_header_done(&h);
}

static void decimals_become_exact_fractions(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t num;
        int64_t den;
    } cases[] = {
        {"62.4725", 24989, 400},
        {"3.454e+04", 34540, 1},
        {"1000.0", 1000, 1},
        {"1e-3", 1, 1000},
        {".5", 1, 2},
        {"5.", 5, 1},
        {"21503.9281", 215039281, 10000},
        {"0.1", 1, 10},
        {"1.2E2", 120, 1},
        /* 19 and more digits: what lies behind the 18th is dropped, the size stays */
        {"1000.00000000000000000001", 1000, 1},
        {"00000000000000000000000250", 250, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[128];
        struct xw_wfdb_header h;
        struct xw_wfdb_error e;
        snprintf(text, sizeof(text), "r 1 %s 10\nr.dat 16 %s(-5)/mV\n", cases[i].text,
                 cases[i].text);
        assert_int_equal(parse(text, &h, &e), 0);
        assert_fraction(h.frame_rate_hz, cases[i].num, cases[i].den);
        assert_fraction(h.signals[0].gain, cases[i].num, cases[i].den);
        assert_int_equal(h.signals[0].baseline, -5);
        xw_wfdb_header_done(&h);
    }
}

static void what_is_wrong_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
        unsigned line;
        const char *words;
    } cases[] = {
        {"", -EBADMSG, 0, "empty"},
        {"# only\n\n", -EBADMSG, 0, "empty"},
        {"r\n", -EBADMSG, 1, "number of signals"},
        {"r two\n", -EBADMSG, 1, "number of signals"},
        {"r/3 2 250 100\n", -ENOTSUP, 1, "multi-segment"},
        {"r 65 250 100\n", -EOVERFLOW, 1, "64"},
        {"r 1 0 100\nr.dat 16\n", -EBADMSG, 1, "frequency"},
        {"r 1 -5 100\nr.dat 16\n", -EBADMSG, 1, "frequency"},
        {"r 1 1e300 100\nr.dat 16\n", -EBADMSG, 1, "frequency"},
        {"r 1 250 -1\nr.dat 16\n", -EBADMSG, 1, "number of samples"},
        {"r 1 250 10 25:00:00\nr.dat 16\n", -EBADMSG, 1, "base time"},
        {"r 1 250 10 1:2:3 1/13/2000\nr.dat 16\n", -EBADMSG, 1, "base date"},
        {"r 2 250 10\nr.dat 16\n", -ENODATA, 0, "1 of 2"},
        {"r 1 250 10\n../r.dat 16\n", -EPERM, 2, "folder"},
        {"r 1 250 10\n/etc/passwd 16\n", -EPERM, 2, "folder"},
        {"r 1 250 10\n.. 16\n", -EPERM, 2, "folder"},
        {"r 1 250 10\nsub/r.dat 16\n", -EPERM, 2, "folder"},
        {"r 1 250 10\n- 16\n", -ENOTSUP, 2, "no file"},
        {"r 1 250 10\nr.dat\n", -EBADMSG, 2, "no format"},
        {"r 1 250 10\nr.dat 516\n", -ENOTSUP, 2, "516"},
        {"r 1 250 10\nr.dat 16x0\n", -EBADMSG, 2, "format field"},
        {"r 1 250 10\nr.dat 16x99999\n", -EBADMSG, 2, "format field"},
        {"r 1 250 10\nr.dat 16+-4\n", -EBADMSG, 2, "format field"},
        {"r 1 250 10\nr.dat 16z\n", -EBADMSG, 2, "format field"},
        {"r 1 250 10\nr.dat 16 abc\n", -EBADMSG, 2, "gain"},
        {"r 1 250 10\nr.dat 16 200(\n", -EBADMSG, 2, "gain"},
        {"r 1 250 10\nr.dat 16 200(1.5)\n", -EBADMSG, 2, "gain"},
        {"r 1 250 10\nr.dat 16 -200\n", -EBADMSG, 2, "gain"},
        {"r 1 250 10\nr.dat 16 200/\n", -EBADMSG, 2, "gain"},
        {"r 1 250 10\nr.dat 16 200 12 lead\n", -EBADMSG, 2, "ADC zero"},
        {"r 1 250 10\nr.dat 16 200 12 0 0 999999\n", -EBADMSG, 2, "checksum"},
        {"r 2 250 10\nr.dat 16\nr.dat 212\n", -EBADMSG, 0, "two formats"},
        {"r 3 250 10\na.dat 16\nb.dat 16\na.dat 16\n", -EBADMSG, 0, "together"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct xw_wfdb_header h = {.signals_n = 77};
        struct xw_wfdb_error e;
        int r = parse(cases[i].text, &h, &e);
        if (r != cases[i].result || e.line != cases[i].line || !strstr(e.text, cases[i].words))
            fail_msg("case %zu: %d, line %u, '%s'", i, r, e.line, e.text);
        assert_int_equal(h.signals_n, 77); /* outputs untouched on failure */
    }
}

static void binary_and_oversized_input_is_refused(void **state)
{
    (void)state;
    struct xw_wfdb_header h;
    struct xw_wfdb_error e;
    assert_int_equal(xw_wfdb_header_parse("r 1\0x", 5, &h, &e), -EBADMSG);
    size_t n = XW_WFDB_MAX_HEADER_BYTES + 1;
    char *big = malloc(n);
    assert_non_null(big);
    memset(big, '#', n);
    assert_int_equal(xw_wfdb_header_parse(big, n, &h, &e), -EOVERFLOW);
    assert_int_equal(xw_wfdb_header_parse(big, XW_WFDB_MAX_LINE_BYTES + 1, &h, &e), -EOVERFLOW);
    for (size_t i = 99; i < n; i += 100)
        big[i] = '\n';
    assert_int_equal(xw_wfdb_header_parse(big, n - 1, &h, &e), -EOVERFLOW); /* comments */
    assert_non_null(strstr(e.text, "comments"));
    free(big);
    assert_int_equal(xw_wfdb_header_parse("", 0, &h, NULL), -EBADMSG);
}

static void errors_carry_no_control_characters(void **state)
{
    (void)state;
    struct xw_wfdb_header h;
    struct xw_wfdb_error e;
    assert_int_equal(parse("r 1 250 10\n..\x1b[2J 16\n", &h, &e), -EPERM);
    for (const char *c = e.text; *c; c++)
        assert_true((unsigned char)*c >= 0x20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_header_with_crlf_is_read),
        cmocka_unit_test(missing_fields_get_the_defaults_of_the_format),
        cmocka_unit_test(the_format_field_carries_rate_skew_and_offset),
        cmocka_unit_test(decimals_become_exact_fractions),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_line),
        cmocka_unit_test(binary_and_oversized_input_is_refused),
        cmocka_unit_test(errors_carry_no_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
