/* AV block on a lead drawn by hand: its kinds are told apart, and without P waves there is none. */
#include "dsp/ecg/avblock.h"
#include "dsp/ecg/rules.h"
#include "dsp/ecg/tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#define T xw_ecg_tables

enum { RATE_HZ = 500 };

static float bump(double t_s, double width_s)
{
    return (float)exp(-t_s * t_s / (2 * width_s * width_s));
}

/* One lead of 40 s drawn by hand: P every 750 ms, PR 180 ms, each `cycle`th P without a QRS (0:
 * none). Returns what is found in it. */
static enum xw_ecg_code drawn(unsigned cycle, float p_uv, const char **ret_rule)
{
    static struct xw_ecg_avblock a;
    struct xw_ecg_signal signal;
    struct xw_ecg_rules rules;
    enum { SECONDS = 40, N = SECONDS * XW_ECG_ANALYSIS_HZ };
    static float x[N];
    xw_ecg_rules_default(&rules);
    assert_int_equal(xw_ecg_signal_init(&signal, 1), 0);
    assert_int_equal(xw_ecg_avblock_init(&a, 1), 0);
    memset(x, 0, sizeof(x));
    for (unsigned k = 0; k < SECONDS / 0.75 - 1; k++) {
        double p_s = 0.5 + 0.75 * k, r_s = p_s + 0.18;
        bool blocked = cycle && k % cycle == cycle - 1;
        for (int i = 0; i < N; i++) {
            double t = (double)i / XW_ECG_ANALYSIS_HZ;
            x[i] += p_uv * bump(t - p_s, 0.022);
            if (!blocked)
                x[i] += 1000 * bump(t - r_s, 0.012) + 200 * bump(t - r_s - 0.28, 0.04);
        }
        if (!blocked)
            xw_ecg_avblock_beat(&a, lround(r_s * RATE_HZ), lround(r_s * XW_ECG_ANALYSIS_HZ),
                                XW_ECG_BEAT_NORMAL);
    }
    for (int i = 0; i < N; i++) {
        float frame[XW_DSP_LANES_MAX] = {x[i] + (float)(i * 37 % 11 - 5)};
        xw_ecg_signal_push(&signal, frame, 0);
        if (i % XW_ECG_AVB_STEP == XW_ECG_AVB_STEP - 1)
            xw_ecg_avblock_push(&a, &signal, i + 1 - XW_ECG_AVB_STEP);
    }
    struct xw_ecg_avb_look look = xw_ecg_avblock_look(&a, &rules, 1);
    *ret_rule = look.rule;
    xw_ecg_avblock_done(&a);
    xw_ecg_signal_done(&signal);
    return look.code;
}

static void blocks_are_told_apart_and_need_p_waves_that_are_there(void **state)
{
    (void)state;
    const char *rule;
    assert_int_equal(drawn(2, 120, &rule), XW_ECG_RHYTHM_AVB2);
    assert_string_equal(rule, "av-block-2-to-1");
    assert_int_equal(drawn(4, 120, &rule), XW_ECG_RHYTHM_AVB2);
    assert_string_equal(rule, "av-block-constant-pr");
    assert_int_equal(drawn(0, 120, &rule), XW_ECG_CODE_NONE);
    assert_int_equal(drawn(2, 0, &rule), XW_ECG_CODE_NONE);
    assert_int_equal(drawn(4, T.avb_p_uv / 2, &rule), XW_ECG_CODE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_told_apart_and_need_p_waves_that_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
