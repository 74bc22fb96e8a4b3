/* xinwang-screen --12lead on records of a synthetic patient written for the test. */
#include "tools/screen/twelve.h"
#include "unit/ecg12/patient.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/xw-twelve-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const FILES[] = {"rec.dat", "rec.hea", "out.json"};
    for (size_t k = 0; k < sizeof(FILES) / sizeof(*FILES); k++) {
        char path[256];
        snprintf(path, sizeof(path), "%s/%s", folder, FILES[k]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

/* The patient's ten seconds again and again; rows below `calm_from` and ten seconds behind it are
 * spoilt. */
static void write_record(unsigned channels_n, unsigned rows_n, unsigned calm_from)
{
    struct xw_patient *p = xw_patient_new(&(struct xw_patient_wish){.scene = "sinus", .seed = 3});
    struct xw_wfdb_writer_signal signals[12];
    struct xw_wfdb_writer *writer = NULL;
    struct xw_wfdb_error error = {0};
    char path[256];
    snprintf(path, sizeof(path), "%s/rec", folder);
    for (unsigned c = 0; c < channels_n; c++)
        signals[c] = (struct xw_wfdb_writer_signal){
            xw_ecg_lead_name(p->input.channels[c].lead), "mV", {1000, 1}, 0};
    assert_int_equal(xw_wfdb_writer_open(path, (struct xw_wfdb_fraction){500, 1}, signals,
                                         channels_n, &writer, &error),
                     0);
    for (unsigned i = 0; i < rows_n; i++) {
        int32_t row[12];
        bool calm = i >= calm_from && i < calm_from + 5000;
        for (unsigned c = 0; c < channels_n; c++)
            row[c] =
                (int32_t)p->uv[c][i % 5000] + (calm ? 0 : (int32_t)((i * 2654435761u >> 22) % 800));
        assert_int_equal(xw_wfdb_writer_write(writer, row, 1), 0);
    }
    assert_int_equal(xw_wfdb_writer_finish(writer, &error), 0);
    free(p);
}

static int run_against(const char *previous, double at_s, json_t **ret_json,
                       struct xw_wfdb_error *ret_error)
{
    char record[256], out[256];
    snprintf(record, sizeof(record), "%s/rec", folder);
    snprintf(out, sizeof(out), "%s/out.json", folder);
    (void)unlink(out);
    struct xw_screen_options options = {.record = record,
                                        .json = out,
                                        .twelve = true,
                                        .previous = previous,
                                        .at_s = at_s,
                                        .age_years = 61,
                                        .sex = XW_ECG12_FEMALE};
    int result = xw_screen_run_twelve(&options, ret_error);
    *ret_json = result < 0 ? NULL : json_load_file(out, 0, NULL);
    return result;
}

static int run(double at_s, json_t **ret_json, struct xw_wfdb_error *ret_error)
{
    return run_against(NULL, at_s, ret_json, ret_error);
}

static double number(const json_t *json, const char *group, const char *key)
{
    const json_t *value = json_object_get(json_object_get(json, group), key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void ten_seconds_give_all_that_was_measured(void **state)
{
    (void)state;
    struct xw_wfdb_error error = {0};
    json_t *json;
    write_record(12, 5000, 0);
    assert_int_equal(run(-1, &json, &error), 0);
    assert_string_equal(json_string_value(json_object_get(json, "verdict")), "acceptable");
    assert_string_equal(json_string_value(json_object_get(json, "sex")), "F");
    assert_int_equal(json_array_size(json_object_get(json, "leads")), 12);
    assert_true(json_array_size(json_object_get(json, "beats")) >= 8);
    static const char *const FIGURES[] = {"hr_bpm",
                                          "pr_ms",
                                          "qrs_ms",
                                          "qt_ms",
                                          "qtc_bazett_ms",
                                          "qtc_fridericia_ms",
                                          "qtc_framingham_ms",
                                          "qtc_hodges_ms",
                                          "p_axis_deg",
                                          "qrs_axis_deg",
                                          "t_axis_deg",
                                          "rv5_sv1_mv"};
    for (size_t k = 0; k < sizeof(FIGURES) / sizeof(*FIGURES); k++)
        assert_true(isfinite(number(json, "measurements", FIGURES[k])));
    const json_t *uv = json_object_get(json_object_get(json, "median"), "uv");
    assert_int_equal(json_array_size(json_object_get(uv, "aVR")), XW_ECG12_MEDIAN_N);
    json_decref(json);
}

static void the_calm_ten_seconds_of_a_long_record_are_chosen(void **state)
{
    (void)state;
    struct xw_wfdb_error error = {0};
    json_t *json;
    write_record(12, 20000, 10000);
    assert_int_equal(run(-1, &json, &error), 0);
    double from = json_number_value(json_object_get(json, "from_sample"));
    assert_true(fabs(from - 10000) < 600);
    json_decref(json);
    assert_int_equal(run(4, &json, &error), 0);
    assert_int_equal(json_integer_value(json_object_get(json, "from_sample")), 2000);
    json_decref(json);
}

static void against_itself_nothing_has_changed(void **state)
{
    (void)state;
    struct xw_wfdb_error error = {0};
    char record[256];
    json_t *json;
    write_record(12, 5000, 0);
    snprintf(record, sizeof(record), "%s/rec", folder);
    assert_int_equal(run_against(record, -1, &json, &error), 0);
    const json_t *p = json_object_get(json, "previous"), *x = NULL;
    const char *key = NULL;
    assert_string_equal(json_string_value(json_object_get(p, "record")), "rec");
    assert_true(json_is_null(json_object_get(p, "why_not")));
    assert_false(json_is_true(json_object_get(p, "band_known")));
    unsigned known = 0;
    json_object_foreach((json_t *)(uintptr_t)json_object_get(p, "measurements"), key, x)
    {
        assert_true(json_number_value(json_object_get(x, "by")) == 0);
        assert_true(json_number_value(json_object_get(x, "uncertainty")) > 0);
        assert_true(json_is_false(json_object_get(x, "beyond")));
        known++;
    }
    assert_int_equal(known, XW_ECG12_WHOLE_N);
    assert_int_equal(json_array_size(json_object_get(p, "leads")), 12);
    const json_t *statements = json_object_get(p, "statements");
    assert_int_equal(json_array_size(json_object_get(statements, "new")), 0);
    assert_int_equal(json_array_size(json_object_get(statements, "gone")), 0);
    json_decref(json);
    assert_true(run_against("/nowhere", -1, &json, &error) < 0);
}

static void one_lead_gives_null_for_what_it_cannot_show(void **state)
{
    (void)state;
    struct xw_wfdb_error error = {0};
    json_t *json;
    write_record(1, 5000, 0);
    assert_int_equal(run(-1, &json, &error), 0);
    assert_string_equal(json_string_value(json_object_get(json, "reason")), "few-leads");
    assert_true(
        json_is_null(json_object_get(json_object_get(json, "measurements"), "qrs_axis_deg")));
    assert_true(json_is_null(json_object_get(json_object_get(json, "exchange"), "limb")));
    json_decref(json);
}

static void a_record_that_is_too_short_is_an_error_with_a_sentence(void **state)
{
    (void)state;
    struct xw_wfdb_error error = {0};
    json_t *json;
    write_record(12, 4400, 0);
    assert_int_equal(run(-1, &json, &error), -ENODATA);
    assert_true(strlen(error.text) > 0);
    write_record(12, 6000, 0);
    error.text[0] = 0;
    assert_int_equal(run(3, &json, &error), -ENODATA);
    assert_true(strlen(error.text) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_seconds_give_all_that_was_measured),
        cmocka_unit_test(the_calm_ten_seconds_of_a_long_record_are_chosen),
        cmocka_unit_test(against_itself_nothing_has_changed),
        cmocka_unit_test(one_lead_gives_null_for_what_it_cannot_show),
        cmocka_unit_test(a_record_that_is_too_short_is_an_error_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
