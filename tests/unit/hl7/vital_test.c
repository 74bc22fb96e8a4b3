/* Codes, units, limits. */
#include "support.h"

#include <math.h>

static enum xw_vital_id id_of(const char *code, const char *text, const char *system)
{
    return xw_vital_lookup(code, text, system).id;
}

static void codes_are_known_in_every_form(void **state)
{
    (void)state;
    assert_int_equal(id_of("147842", "MDC_ECG_HEART_RATE", "MDC"), XW_VITAL_HR);
    assert_int_equal(id_of("147842", "MDC_ECG_CARD_BEAT_RATE", "MDC"), XW_VITAL_HR);
    assert_int_equal(id_of("16770", "", "MDC"), XW_VITAL_HR);      /* without its partition */
    assert_int_equal(id_of("2::19384", "", "MDC"), XW_VITAL_SPO2); /* partition and code */
    assert_int_equal(id_of("MDC_PULS_OXIM_SAT_O2", "", "MDC"), XW_VITAL_SPO2);
    assert_int_equal(id_of("", "MDC_RESP_RATE", "MDC"), XW_VITAL_RESP);
    assert_int_equal(id_of("8480-6", "Systolic", "LN"), XW_VITAL_NIBP_SYS);
    assert_int_equal(id_of("2708-6", "", "LOINC"), XW_VITAL_SPO2);
    assert_int_equal(id_of("8310-5", "", ""), XW_VITAL_TEMP);
    assert_int_equal(id_of("2001", "SpO2", "99VENDOR"), XW_VITAL_SPO2);
    assert_int_equal(id_of("2001", "心率", "99VENDOR"), XW_VITAL_HR);
    assert_int_equal(xw_vital_lookup("188428", "MDC_TEMP_EAR", "MDC").mdc, 188428);
    assert_string_equal(xw_vital_lookup("188428", "", "MDC").source, "ear");
    assert_true(xw_vital_lookup("150388", "", "MDC").continuous);
    assert_false(xw_vital_lookup("150364", "", "MDC").continuous);
}

/* Seen in the field: the name is right and the number is not. */
static void a_known_name_beside_an_unknown_number_counts(void **state)
{
    (void)state;
    assert_int_equal(id_of("150457", "MDC_PULS_OXIM_PULS_RATE", "MDC"), XW_VITAL_PULSE_SPO2);
    assert_int_equal(id_of("150017", "MDC_PRESS_BLD_NONINV_SYS", "MDC"), XW_VITAL_NIBP_SYS);
}

static void what_is_unknown_or_contradicts_itself_is_nothing(void **state)
{
    (void)state;
    assert_int_equal(id_of("147842", "MDC_RESP_RATE", "MDC"), XW_VITAL_NONE);
    assert_int_equal(id_of("150456", "", "99VENDOR"), XW_VITAL_NONE); /* their own numbers */
    assert_int_equal(id_of("999999", "MDC_SOMETHING", "MDC"), XW_VITAL_NONE);
    assert_int_equal(id_of("160208", "MDC_CONC_GLU_CONTROL", "MDC"),
                     XW_VITAL_NONE); /* a test fluid */
    assert_int_equal(id_of("", "", ""), XW_VITAL_NONE);
    assert_int_equal(id_of("99999999999999999999", "", "MDC"), XW_VITAL_NONE);
    assert_int_equal(id_of("12345-6", "", "LN"), XW_VITAL_NONE);
}

static void units_become_those_that_are_kept(void **state)
{
    static const struct {
        enum xw_vital_id id;
        double told;
        const char *code, *text;
        double kept;
    } cases[] = {
        {XW_VITAL_TEMP, 98.6, "266560", "MDC_DIM_FAHR", 37},
        {XW_VITAL_TEMP, 212, "[degF]", "", 100},
        {XW_VITAL_TEMP, 36.5, "268192", "MDC_DIM_DEGC", 36.5},
        {XW_VITAL_TEMP, 36.5, "Cel", "Cel", 36.5},
        {XW_VITAL_TEMP, 36.5, "", "℃", 36.5},
        {XW_VITAL_TEMP, 98.6, "268160", "MDC_DIM_FAHR", 37}, /* seen: a wrong number */
        {XW_VITAL_NIBP_SYS, 16, "265987", "MDC_DIM_KILO_PASCAL", 120.00992},
        {XW_VITAL_NIBP_SYS, 120, "mm[Hg]", "mm[Hg]", 120},
        {XW_VITAL_NIBP_SYS, 120, "3872", "", 120}, /* without its partition */
        {XW_VITAL_GLUCOSE, 90, "mg/dL", "", 90 / 18.0182},
        {XW_VITAL_GLUCOSE, 5.5, "266866", "", 5.5},
        {XW_VITAL_HR, 72, "{beat}/min", "", 72},
        {XW_VITAL_HR, 72, "", "bpm", 72},
        {XW_VITAL_HR, 72, "", "", 72},
        {XW_VITAL_SPO2, 97, "", "", 97},
        {XW_VITAL_PERFUSION, 3.9, "262656", "MDC_DIM_DIMLESS", 3.9},
        {XW_VITAL_WEIGHT, 150, "[lb_av]", "", 68.0388555},
        {XW_VITAL_HEIGHT, 1.7, "m", "", 170},
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        double kept = NAN;
        assert_int_equal(xw_unit_convert(xw_vital(cases[i].id), cases[i].told, cases[i].code,
                                         cases[i].text, &kept),
                         0);
        assert_true(fabs(kept - cases[i].kept) < 1e-6);
    }
}

static void a_unit_that_the_quantity_cannot_have_is_refused(void **state)
{
    static const struct {
        enum xw_vital_id id;
        const char *code, *text;
    } cases[] = {
        {XW_VITAL_TEMP, "", ""}, /* 37 or 98.6: a guess would look true */
        {XW_VITAL_GLUCOSE, "", ""},
        {XW_VITAL_NIBP_SYS, "", ""},
        {XW_VITAL_HR, "mm[Hg]", ""},
        {XW_VITAL_SPO2, "266016", "MDC_DIM_MMHG"},
        {XW_VITAL_TEMP, "268192", "MDC_DIM_FAHR"}, /* code and name differ */
        {XW_VITAL_GLUCOSE, "%", ""},
        {XW_VITAL_HR, "furlong", ""},
        {XW_VITAL_SPO2, "1", ""}, /* a fraction of one? */
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        double kept;
        assert_int_equal(
            xw_unit_convert(xw_vital(cases[i].id), 1, cases[i].code, cases[i].text, &kept),
            -EINVAL);
    }
}

static void limits_hold_at_their_ends(void **state)
{
    (void)state;
    for (int i = XW_VITAL_NONE + 1; i < XW_VITALS_N; i++) {
        const struct xw_vital *v = xw_vital((enum xw_vital_id)i);
        assert_int_equal(v->id, i);
        assert_true(v->min < v->max && v->ucum[0] && v->name[0] && v->mdc);
        assert_true(xw_vital_possible(v, v->min) && xw_vital_possible(v, v->max));
        assert_false(xw_vital_possible(v, v->max + 0.01) || xw_vital_possible(v, v->min - 0.01));
        assert_false(xw_vital_possible(v, NAN) || xw_vital_possible(v, INFINITY));
    }
    assert_true(xw_vital_pressures_possible(120, 80, 93));
    assert_true(xw_vital_pressures_possible(120, NAN, NAN));
    assert_false(xw_vital_pressures_possible(80, 80, NAN));
    assert_false(xw_vital_pressures_possible(40, 60, 50));
    assert_false(xw_vital_pressures_possible(120, 80, 130));
    assert_false(xw_vital_pressures_possible(120, 80, 70));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_known_in_every_form),
        cmocka_unit_test(a_known_name_beside_an_unknown_number_counts),
        cmocka_unit_test(what_is_unknown_or_contradicts_itself_is_nothing),
        cmocka_unit_test(units_become_those_that_are_kept),
        cmocka_unit_test(a_unit_that_the_quantity_cannot_have_is_refused),
        cmocka_unit_test(limits_hold_at_their_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
