/* When the gateway warns of exchanged electrodes, and when it stops. */
#include "edge/electrodes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct xw_ecg12_result reading(const char *limb, const char *chest)
{
    struct xw_ecg12_result r;
    memset(&r, 0, sizeof(r));
    r.verdict = XW_ECG12_ACCEPTABLE;
    r.exchange = (struct xw_ecg12_exchange){.limb = limb,
                                            .limb_kind = limb,
                                            .precordial = chest,
                                            .precordial_kind = chest,
                                            .precordial_score = 2.14f,
                                            .p_axis_deg = 150.4f,
                                            .qrs_axis_deg = -160,
                                            .t_axis_deg = NAN,
                                            .r_v6_i_match = -0.71f};
    return r;
}

static enum xw_electrode_step step(struct xw_electrode_state *s, const char *limb,
                                   const char *chest, char text[XW_ELECTRODES_TEXT_N])
{
    struct xw_ecg12_result r = reading(limb, chest);
    return xw_electrode_step(s, &r, text);
}

static void two_readings_raise_and_two_end(void **state)
{
    struct xw_electrode_state s = {.kind = NULL};
    char text[XW_ELECTRODES_TEXT_N] = "";
    (void)state;
    assert_int_equal(step(&s, NULL, NULL, text), XW_ELECTRODES_KEEP);
    assert_int_equal(step(&s, "RA/LA", NULL, text), XW_ELECTRODES_KEEP);
    assert_int_equal(step(&s, "RA/LA", NULL, text), XW_ELECTRODES_RAISE);
    assert_string_equal(text, "RA/LA: P 150 QRS -160 I/V6 -0.71");
    assert_int_equal(step(&s, "RA/LA", NULL, text), XW_ELECTRODES_KEEP);
    assert_int_equal(step(&s, NULL, NULL, text), XW_ELECTRODES_KEEP);
    assert_int_equal(step(&s, "RA/LA", NULL, text), XW_ELECTRODES_KEEP);
    assert_int_equal(step(&s, NULL, NULL, text), XW_ELECTRODES_KEEP);
    assert_int_equal(step(&s, NULL, NULL, text), XW_ELECTRODES_CLEAR);
    assert_int_equal(step(&s, NULL, NULL, text), XW_ELECTRODES_KEEP);
}

static void one_reading_or_two_unlike_ones_say_nothing(void **state)
{
    struct xw_electrode_state s = {.kind = NULL};
    char text[XW_ELECTRODES_TEXT_N] = "";
    (void)state;
    for (int k = 0; k < 4; k++) {
        assert_int_equal(step(&s, "RA/LA", NULL, text), XW_ELECTRODES_KEEP);
        assert_int_equal(step(&s, k % 2 ? NULL : "RA/LL", NULL, text), XW_ELECTRODES_KEEP);
    }
    /* Without an earlier ECG this one is as often wrong as right. */
    for (int k = 0; k < 4; k++)
        assert_int_equal(step(&s, "LA/LL", NULL, text), XW_ELECTRODES_KEEP);
}

static void what_cannot_be_read_changes_nothing(void **state)
{
    struct xw_electrode_state s = {.kind = NULL};
    struct xw_ecg12_result none = reading(NULL, NULL);
    char text[XW_ELECTRODES_TEXT_N] = "";
    (void)state;
    none.verdict = XW_ECG12_UNACCEPTABLE;
    assert_int_equal(step(&s, NULL, "V1/V2", text), XW_ELECTRODES_KEEP);
    assert_int_equal(xw_electrode_step(&s, &none, text), XW_ELECTRODES_KEEP);
    assert_int_equal(step(&s, NULL, "V1/V2", text), XW_ELECTRODES_RAISE);
    assert_string_equal(text, "V1/V2: row 2.1");
    for (int k = 0; k < 5; k++)
        assert_int_equal(xw_electrode_step(&s, &none, text), XW_ELECTRODES_KEEP);
    /* Another exchange than the one that is open. */
    assert_int_equal(step(&s, "RA/RL", "V1/V2", text), XW_ELECTRODES_KEEP);
    assert_int_equal(step(&s, "RA/RL", "V1/V2", text), XW_ELECTRODES_RAISE);
    assert_int_equal(strncmp(text, "RA/RL:", 6), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_readings_raise_and_two_end),
        cmocka_unit_test(one_reading_or_two_unlike_ones_say_nothing),
        cmocka_unit_test(what_cannot_be_read_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
