/* What is written is read back: every kind that is written, samples, names, patient, findings. And
 * a file cut off anywhere, or with any byte changed, is an error or a whole recording. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "formats/internal.h"
#include "unit/formats/made.h"
#include "unit/wfdb/scratch.h"

static const enum xw_formats_kind WRITTEN[] = {XW_FORMATS_AECG, XW_FORMATS_SCP, XW_FORMATS_DICOM,
                                               XW_FORMATS_EDF};

static uint8_t *encode(const struct xw_formats_recording *r, enum xw_formats_kind kind, size_t *n)
{
    struct xw_formats_error e = {{0}, {0}};
    uint8_t *data = NULL;
    int result = xw_formats_encode(r, kind, &data, n, &e);
    if (result < 0)
        print_message("%s: %s: %s\n", xw_formats_kind_name(kind), e.where, e.text);
    assert_int_equal(result, 0);
    return data;
}

static struct xw_formats_recording *decode(const uint8_t *data, size_t n)
{
    struct xw_formats_error e = {{0}, {0}};
    struct xw_formats_recording *r = NULL;
    int result = xw_formats_parse(data, n, &r, &e);
    if (result < 0)
        print_message("%s: %s\n", e.where, e.text);
    assert_int_equal(result, 0);
    return r;
}

static void same_patient(const struct xw_formats_recording *a, const struct xw_formats_recording *b)
{
    char whole[2][600];
    const struct xw_formats_patient *p[] = {&a->patient, &b->patient};
    for (int i = 0; i < 2; i++)
        snprintf(whole[i], sizeof(whole[i]), "%s%s%s", p[i]->family, p[i]->given[0] ? " " : "",
                 p[i]->given);
    assert_string_equal(p[0]->id, p[1]->id);
    assert_string_equal(whole[0], whole[1]);
    assert_int_equal(p[0]->sex, p[1]->sex);
    assert_int_equal(p[0]->born.year, p[1]->born.year);
    assert_int_equal(p[0]->born.month, p[1]->born.month);
    assert_int_equal(p[0]->born.day, p[1]->born.day);
    assert_int_equal(a->start.year, b->start.year);
    assert_int_equal(a->start.ms_of_day, b->start.ms_of_day);
}

static void every_kind_gives_back_samples_leads_and_patient(void **state)
{
    (void)state;
    struct xw_formats_recording *r = made_recording(12, 5000, 500);
    for (size_t i = 0; i < sizeof(WRITTEN) / sizeof(WRITTEN[0]); i++) {
        size_t n;
        uint8_t *data = encode(r, WRITTEN[i], &n);
        assert_int_equal(xw_formats_sniff(data, n), WRITTEN[i]);
        struct xw_formats_recording *back = decode(data, n);
        double d = made_difference_uv(r, back);
        print_message("%s: %zu bytes, %.9f uV\n", xw_formats_kind_name(WRITTEN[i]), n, d);
        assert_true(d >= 0 && d <= 1e-6);
        same_patient(r, back);
        assert_string_equal(back->device.model, "M12");
        xw_formats_free(back);
        free(data);
    }
    xw_formats_free(r);
}

static void findings_are_kept_where_the_format_has_a_place_for_them(void **state)
{
    (void)state;
    static const enum xw_formats_measure_code CODES[] = {
        XW_FORMATS_HEART_RATE, XW_FORMATS_PR, XW_FORMATS_QRS, XW_FORMATS_QT, XW_FORMATS_QRS_AXIS};
    struct xw_formats_recording *r = made_recording(12, 500, 500);
    for (size_t i = 0; i < 3; i++) { /* EDF has none */
        size_t n;
        uint8_t *data = encode(r, WRITTEN[i], &n);
        struct xw_formats_recording *back = decode(data, n);
        for (size_t k = 0; k < sizeof(CODES) / sizeof(CODES[0]); k++) {
            double a = 0;
            double b = -1;
            assert_true(xw_formats_find_measure(r, CODES[k], &a));
            assert_true(xw_formats_find_measure(back, CODES[k], &b));
            assert_true(fabs(a - b) < 1e-9);
        }
        xw_formats_free(back);
        free(data);
    }
    xw_formats_free(r);
}

static void odd_gains_and_baselines_come_back_within_half_a_count(void **state)
{
    (void)state;
    static const struct xw_wfdb_fraction STEPS[] = {{488, 100}, {1, 1}, {1, 3}, {2441, 1000}};
    for (size_t s = 0; s < sizeof(STEPS) / sizeof(STEPS[0]); s++) {
        struct xw_formats_recording *r = made_recording(8, 1000, 250);
        struct xw_formats_group *g = &r->groups[0];
        for (unsigned c = 0; c < g->leads_n; c++) {
            assert_int_equal(xw_formats_set_scale(&g->leads[c], STEPS[s], "uV"), 0);
            g->leads[c].baseline = (struct xw_wfdb_fraction){c, 2};
        }
        for (size_t i = 0; i < sizeof(WRITTEN) / sizeof(WRITTEN[0]); i++) {
            size_t n;
            uint8_t *data = encode(r, WRITTEN[i], &n);
            struct xw_formats_recording *back = decode(data, n);
            double counts =
                made_difference_uv(r, back) * (double)STEPS[s].den / (double)STEPS[s].num;
            assert_true(counts >= 0 && counts <= 0.5 + 1e-6);
            xw_formats_free(back);
            free(data);
        }
        xw_formats_free(r);
    }
}

static void long_leads_go_into_scp_by_huffman(void **state)
{
    (void)state;
    size_t n;
    struct xw_formats_recording *r = made_recording(3, 60000, 500);
    uint8_t *data = encode(r, XW_FORMATS_SCP, &n);
    struct xw_formats_recording *back = decode(data, n);
    assert_true(made_difference_uv(r, back) == 0);
    assert_true(n < 3 * 60000 * 2);
    xw_formats_free(back);
    free(data);
    xw_formats_free(r);
}

static void a_wfdb_record_comes_back_with_time_and_age(void **state)
{
    struct xw_formats_error e = {{0}, {0}};
    struct xw_formats_recording *r = made_recording(12, 3000, 360);
    struct xw_formats_recording *back = NULL;
    r->patient.has_age = true;
    r->patient.age_years = 63;
    const char *path = scratch_path(state, "rec_1");
    assert_int_equal(xw_formats_write(r, XW_FORMATS_WFDB, path, &e), 0);
    assert_int_equal(xw_formats_open(path, 0, &back, &e), 0);
    assert_int_equal(back->kind, XW_FORMATS_WFDB);
    assert_true(made_difference_uv(r, back) == 0);
    assert_int_equal(back->start.ms_of_day, r->start.ms_of_day);
    assert_int_equal(back->start.day, 9);
    assert_true(back->patient.has_age && back->patient.age_years == 63);
    assert_int_equal(back->patient.sex, 'F');
    xw_formats_free(back);
    xw_formats_free(r);
}

static void what_a_format_cannot_say_is_refused_with_a_sentence(void **state)
{
    (void)state;
    struct xw_formats_error e = {{0}, {0}};
    uint8_t *data = NULL;
    size_t n;
    struct xw_formats_recording *r = made_recording(12, 1000, 500);
    r->groups[0].rate_hz = (struct xw_wfdb_fraction){360, 1}; /* 2777.78 us */
    assert_int_equal(xw_formats_encode(r, XW_FORMATS_SCP, &data, &n, &e), -ERANGE);
    assert_true(e.text[0] != 0);
    r->groups[0].rate_hz = (struct xw_wfdb_fraction){500, 1};
    r->groups[0].rows[5] = XW_FORMATS_NO_SAMPLE;
    assert_int_equal(xw_formats_encode(r, XW_FORMATS_EDF, &data, &n, &e), -ERANGE);
    assert_int_equal(xw_formats_encode(r, XW_FORMATS_MUSE, &data, &n, &e), -ENOTSUP);
    xw_formats_free(r);
}

static void missing_samples_survive_in_dicom(void **state)
{
    (void)state;
    size_t n;
    struct xw_formats_recording *r = made_recording(12, 1000, 500);
    r->groups[0].rows[5] = XW_FORMATS_NO_SAMPLE;
    uint8_t *data = encode(r, XW_FORMATS_DICOM, &n);
    struct xw_formats_recording *back = decode(data, n);
    assert_int_equal(back->groups[0].rows[5], XW_FORMATS_NO_SAMPLE);
    assert_true(made_difference_uv(r, back) == 0);
    xw_formats_free(back);
    free(data);
    xw_formats_free(r);
}

/* A copy of exact size, so that one byte too many is seen by the address sanitizer. */
static int parse_copy(const uint8_t *data, size_t n, struct xw_formats_recording **ret)
{
    struct xw_formats_error e = {{0}, {0}};
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    if (n)
        memcpy(copy, data, n);
    int result = xw_formats_parse(copy, n, ret, &e);
    assert_true(result >= 0 || e.text[0] != 0);
    free(copy);
    return result;
}

static void a_file_cut_off_anywhere_is_never_taken_for_a_whole_one(void **state)
{
    (void)state;
    struct xw_formats_recording *r = made_recording(12, 250, 500);
    for (size_t i = 0; i < sizeof(WRITTEN) / sizeof(WRITTEN[0]); i++) {
        size_t n;
        uint8_t *data = encode(r, WRITTEN[i], &n);
        for (size_t cut = 0; cut + 2 < n; cut += 1 + n / 211) {
            struct xw_formats_recording *back = NULL;
            int result = parse_copy(data, cut, &back);
            if (result >= 0)
                print_message("%s: taken with %zu of %zu bytes\n", xw_formats_kind_name(WRITTEN[i]),
                              cut, n);
            assert_true(result < 0);
        }
        free(data);
    }
    xw_formats_free(r);
}

static void a_changed_byte_costs_nothing_but_the_file(void **state)
{
    (void)state;
    unsigned seed = 20240309;
    unsigned taken = 0;
    struct xw_formats_recording *r = made_recording(12, 250, 500);
    print_message("seed %u\n", seed);
    srandom(seed);
    for (size_t i = 0; i < sizeof(WRITTEN) / sizeof(WRITTEN[0]); i++) {
        size_t n;
        uint8_t *data = encode(r, WRITTEN[i], &n);
        for (int k = 0; k < 150; k++) {
            struct xw_formats_recording *back = NULL;
            size_t at = (size_t)random() % (k % 2 ? n : n < 2000 ? n : 2000);
            uint8_t old = data[at];
            data[at] = (uint8_t)random();
            bool same = data[at] == old;
            int result = parse_copy(data, n, &back);
            /* SCP-ECG has checksums over all of it. */
            assert_true(WRITTEN[i] != XW_FORMATS_SCP || same || result < 0);
            taken += result >= 0;
            if (result >= 0)
                xw_formats_free(back);
            data[at] = old;
        }
        free(data);
    }
    print_message("%u changed files could still be read\n", taken);
    xw_formats_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_gives_back_samples_leads_and_patient),
        cmocka_unit_test(findings_are_kept_where_the_format_has_a_place_for_them),
        cmocka_unit_test(odd_gains_and_baselines_come_back_within_half_a_count),
        cmocka_unit_test(long_leads_go_into_scp_by_huffman),
        cmocka_unit_test_setup_teardown(a_wfdb_record_comes_back_with_time_and_age, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test(what_a_format_cannot_say_is_refused_with_a_sentence),
        cmocka_unit_test(missing_samples_survive_in_dicom),
        cmocka_unit_test(a_file_cut_off_anywhere_is_never_taken_for_a_whole_one),
        cmocka_unit_test(a_changed_byte_costs_nothing_but_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
