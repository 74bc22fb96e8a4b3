/* What the bedside's chain says of ten seconds, and what the statements make of it. */
#include "reading/json.h"
#include "reading/words.h"
#include "unit/ecg12/patient.h"

#include "dsp/ecg/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *scene;
    uint32_t bits, never; /* of enum xw_interpret_rhythm: these; none of those */
    const char *statement;
} CASES[] = {
    {"sinus", 0, ~0U, NULL},
    {"tachy", 0, ~0U, NULL},
    {"brady", 0, ~0U, NULL},
    {"pvc", 0, ~0U, NULL},
    {"bigeminy", 0, ~0U, NULL},
    {"af", 0, ~0U, NULL},
    {"stemi-anterior", 0, ~0U, NULL},
    {"vt", XW_INTERPRET_CHAIN_VT, XW_INTERPRET_CHAIN_SVT, "vt"},
    {"vf", XW_INTERPRET_CHAIN_VF, XW_INTERPRET_CHAIN_SVT, "vf"},
    {"asystole", XW_INTERPRET_CHAIN_ASYSTOLE, XW_INTERPRET_CHAIN_VF, "asystole"},
};

static bool says(const struct xw_interpretation *said, const char *name,
                 enum xw_interpret_grade *ret_grade)
{
    for (unsigned i = 0; i < said->n; i++)
        if (strcmp(said->said[i].entry->name, name) == 0) {
            *ret_grade = said->said[i].entry->grade;
            return true;
        }
    return false;
}

static void each_scene_says_its_rhythm_and_no_other(void **state)
{
    (void)state;
    char error[XW_READING_ERROR_BYTES];
    struct xw_interpret_tables *tables;
    static struct xw_ecg12_result result;
    static struct xw_interpretation said;
    static struct xw_reading_rhythm rhythm;
    struct xw_ecg12 *engine;
    assert_int_equal(xw_reading_words_open(NULL, &tables, error), 0);
    assert_int_equal(xw_ecg12_new(&engine), 0);
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct xw_patient *p =
            xw_patient_new(&(struct xw_patient_wish){.scene = CASES[i].scene, .seed = 3});
        assert_int_equal(xw_ecg12_read(engine, &p->input, &result), 0);
        assert_int_equal(xw_reading_rhythm_find(&p->input, &rhythm), 0);
        if ((rhythm.bits & CASES[i].bits) != CASES[i].bits || rhythm.bits & CASES[i].never)
            fail_msg("%s: bits %x", CASES[i].scene, rhythm.bits);
        struct xw_reading_view view = {.input = &p->input,
                                       .result = &result,
                                       .tables = tables,
                                       .said = &said,
                                       .rhythm = &rhythm};
        xw_reading_words_make(tables, &view, rhythm.bits, &said);
        enum xw_interpret_grade grade = XW_INTERPRET_NORMAL;
        if (CASES[i].statement &&
            (!says(&said, CASES[i].statement, &grade) || grade != XW_INTERPRET_CRITICAL))
            fail_msg("%s: no statement %s, or not critical", CASES[i].scene, CASES[i].statement);
        json_t *list = xw_reading_rhythm_json(&rhythm, 1000);
        assert_int_equal(json_array_size(list), rhythm.n);
        for (unsigned k = 0; k < rhythm.n; k++) {
            json_t *one = json_array_get(list, k);
            assert_true(json_integer_value(json_object_get(one, "from")) >= 1000);
            assert_true(json_integer_value(json_object_get(one, "rule_version")) > 0);
            assert_string_not_equal(json_string_value(json_object_get(one, "rule")), "");
        }
        json_decref(list);
        free(p);
    }
    xw_ecg12_free(engine);
    xw_interpret_free(tables);
}

static void what_is_not_known_is_no_asystole(void **state)
{
    (void)state;
    static struct xw_reading_rhythm rhythm;
    struct xw_patient *p = xw_patient_new(&(struct xw_patient_wish){.scene = "sinus", .seed = 5});
    for (unsigned l = 0; l < p->input.channels_n; l++)
        for (unsigned i = 0; i < p->input.samples_n; i++)
            p->uv[l][i] = i % 7 ? NAN : INFINITY;
    assert_int_equal(xw_reading_rhythm_find(&p->input, &rhythm), 0);
    assert_int_equal(rhythm.bits, 0);
    for (unsigned k = 0; k < rhythm.n; k++)
        assert_int_not_equal(rhythm.finding[k].code, XW_ECG_RHYTHM_ASYSTOLE);
    p->input.rate_hz = 50;
    assert_int_equal(xw_reading_rhythm_find(&p->input, &rhythm), -EINVAL);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_scene_says_its_rhythm_and_no_other),
        cmocka_unit_test(what_is_not_known_is_no_asystole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
