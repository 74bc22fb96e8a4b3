/* The limits of the names (couplets, R on T, supraventricular tachycardia, sustained tachycardia,
 * AV block) from both sides, as test_rules_limits.c does for the alarms. */
#include "dsp/ecg/avblock.h"
#include "unit/dsp/rules_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>

static void runs_and_couplets_are_faster_than_their_rate(void **state)
{
    (void)state;
    struct xw_rules_bench *b = xw_rules_bench_new();
    b->rules.run_bpm = 60; /* 1000 ms */
    b->rules.couplet_priority = XW_ECG_PRIORITY_HIGH;
    for (unsigned n = 2; n <= 3; n++)
        for (int faster = 0; faster < 2; faster++) {
            enum xw_ecg_code code = n == 2 ? XW_ECG_RHYTHM_COUPLET : XW_ECG_RHYTHM_VRUN;
            xw_rules_begin(b);
            xw_rules_normal(b, 10, 1100);
            xw_rules_ventricular(b, n, faster ? 999 : 1000);
            xw_rules_normal(b, 2, 1100);
            if (faster)
                xw_rules_assert_raised(b, code,
                                       n == 2 ? XW_ECG_PRIORITY_HIGH : XW_ECG_PRIORITY_MEDIUM, 60);
            else
                assert_null(xw_rules_alarm(b, code));
        }
    b->rules.couplet_priority = XW_ECG_PRIORITY_NONE;
    xw_rules_begin(b);
    xw_rules_normal(b, 10, 1100);
    xw_rules_ventricular(b, 2, 999);
    xw_rules_normal(b, 2, 1100);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_COUPLET));
    test_free(b);
}

static bool is_r_on_t(struct xw_rules_bench *b, float rr_ms)
{
    xw_rules_begin(b);
    xw_rules_normal(b, 12, 1000);
    xw_rules_ventricular(b, 1, rr_ms);
    xw_rules_normal(b, 2, 1000);
    return xw_rules_alarm(b, XW_ECG_RHYTHM_R_ON_T) != NULL;
}

static void r_on_t_before_its_share_and_before_the_end_of_t_or_not_at_all(void **state)
{
    (void)state;
    struct xw_rules_bench *b = xw_rules_bench_new();
    b->rules.ront_priority = XW_ECG_PRIORITY_MEDIUM;
    b->rules.ront_rr = 0.4F; /* 400 ms */
    b->rules.ront_qt_s = 0.5F;
    assert_false(is_r_on_t(b, 401));
    assert_true(is_r_on_t(b, 399));
    xw_rules_assert_raised(b, XW_ECG_RHYTHM_R_ON_T, XW_ECG_PRIORITY_MEDIUM, 0.4F);
    b->rules.ront_rr = 0.9F;
    b->rules.ront_qt_s = 0.3F; /* half the QRS lies before R: 350 ms */
    assert_false(is_r_on_t(b, 351));
    assert_true(is_r_on_t(b, 349));
    b->rules.ront_priority = XW_ECG_PRIORITY_NONE;
    assert_false(is_r_on_t(b, 349));
    test_free(b);
}

static bool is_svt(struct xw_rules_bench *b, unsigned n, float rr_ms)
{
    xw_rules_begin(b);
    xw_rules_normal(b, 10, 800);
    xw_rules_beats(b, n, rr_ms, XW_ECG_BEAT_SUPRAVENTRICULAR, 0.95F);
    xw_rules_normal(b, 2, 800);
    return xw_rules_alarm(b, XW_ECG_RHYTHM_SVT) != NULL;
}

static void supraventricular_tachycardia_above_its_rate_after_its_beats_or_not_at_all(void **state)
{
    (void)state;
    struct xw_rules_bench *b = xw_rules_bench_new();
    b->rules.svt_priority = XW_ECG_PRIORITY_LOW;
    b->rules.svt_bpm = 120; /* 500 ms */
    b->rules.svt_beats_n = 5;
    assert_false(is_svt(b, 4, 450));
    assert_true(is_svt(b, 5, 450));
    xw_rules_assert_raised(b, XW_ECG_RHYTHM_SVT, XW_ECG_PRIORITY_LOW, 120);
    xw_rules_assert_raised(b, XW_ECG_RHYTHM_SVT, XW_ECG_PRIORITY_LOW, 5);
    assert_false(is_svt(b, 9, 500));
    assert_true(is_svt(b, 9, 499));
    b->rules.svt_priority = XW_ECG_PRIORITY_NONE;
    assert_false(is_svt(b, 9, 450));
    test_free(b);
}

static void tachycardia_is_sustained_after_its_seconds(void **state)
{
    (void)state;
    struct xw_rules_bench *b = xw_rules_bench_new();
    b->rules.vt_sustained_s = 12;
    xw_rules_begin(b);
    xw_rules_normal(b, 10, 800);
    xw_rules_ventricular(b, 26, 400);
    int64_t since = xw_rules_alarm(b, XW_ECG_RHYTHM_VT)->first;
    for (int over = 0; over < 2; over++) {
        b->emit.now = since + 12000 - !over;
        xw_ecg_alarm_tick(&b->alarm, &b->emit, &b->vf, false, false);
        assert_int_equal(xw_rules_alarm(b, XW_ECG_RHYTHM_VT)->revision, over);
    }
    xw_rules_assert_raised(b, XW_ECG_RHYTHM_VT, XW_ECG_PRIORITY_HIGH, 12);
    test_free(b);
}

/* P waves drawn by hand on one lead, pp_s apart; PR is pr_s; each `cycle`th has no QRS (0: all
 * QRS come by themselves, each rr_s). Searched for blocks for 40 s. */
static void draw_block(struct xw_rules_bench *b, unsigned cycle, double pp_s, double pr_s,
                       double rr_s)
{
    enum { SECONDS = 40, HZ = XW_ECG_ANALYSIS_HZ, N = SECONDS * HZ };
    struct xw_ecg_avblock *a = test_calloc(1, sizeof(*a));
    struct xw_ecg_signal signal;
    double beat_s[128] = {0}, p_s[128] = {0};
    unsigned beats_n = 0, p_n = 0, told = 0;
    for (; 0.5 + p_n * pp_s < SECONDS - 1; p_n++) {
        p_s[p_n] = 0.5 + p_n * pp_s;
        if (cycle && p_n % cycle != cycle - 1)
            beat_s[beats_n++] = p_s[p_n] + pr_s;
    }
    for (; !cycle && 0.7 + beats_n * rr_s < SECONDS - 1; beats_n++)
        beat_s[beats_n] = 0.7 + beats_n * rr_s;
    xw_rules_begin(b);
    assert_int_equal(xw_ecg_signal_init(&signal, 1), 0);
    assert_int_equal(xw_ecg_avblock_init(a, 1), 0);
    for (int i = 0; i < N; i++) {
        double t = (double)i / HZ, uv = i * 37 % 11 - 5;
        for (unsigned k = 0; k < p_n; k++)
            uv += 120 * exp(-(t - p_s[k]) * (t - p_s[k]) / (2 * 0.022 * 0.022));
        for (unsigned k = 0; k < beats_n; k++) {
            double r = t - beat_s[k], late = r - 0.28;
            uv += 1000 * exp(-r * r / (2 * 0.012 * 0.012)) +
                  200 * exp(-late * late / (2 * 0.04 * 0.04));
        }
        float frame[XW_DSP_LANES_MAX] = {(float)uv};
        xw_ecg_signal_push(&signal, frame, 0);
        if (i % XW_ECG_AVB_STEP == XW_ECG_AVB_STEP - 1)
            xw_ecg_avblock_push(a, &signal, i + 1 - XW_ECG_AVB_STEP);
        for (; told < beats_n && beat_s[told] + 0.3 < t; told++)
            xw_ecg_avblock_beat(a, lround(beat_s[told] * 1000), lround(beat_s[told] * HZ),
                                XW_ECG_BEAT_NORMAL);
        b->emit.now = lround(1000 * t);
        if (i % HZ == HZ - 1)
            xw_ecg_avblock_second(a, &b->emit, 1, false);
    }
    xw_ecg_avblock_done(a);
    xw_ecg_signal_done(&signal);
    test_free(a);
}

static void av_block_within_its_limits_or_not_at_all(void **state)
{
    (void)state;
    struct xw_rules_bench *b = xw_rules_bench_new();
    b->rules.avb2_priority = XW_ECG_PRIORITY_HIGH;
    b->rules.avb2_blocked_n = 4;
    draw_block(b, 4, 0.75, 0.18, 0); /* in 16 s four or five of 21 are blocked */
    xw_rules_assert_raised(b, XW_ECG_RHYTHM_AVB2, XW_ECG_PRIORITY_HIGH, 4);
    b->rules.avb2_blocked_n = 7;
    draw_block(b, 4, 0.75, 0.18, 0);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_AVB2));
    b->rules.avb2_blocked_n = 2;
    b->rules.avb_pr_max_s = 0.3F;
    draw_block(b, 3, 1, 0.34, 0); /* none is conducted */
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_AVB2));
    b->rules.avb_pr_max_s = 0.4F;
    draw_block(b, 3, 1, 0.34, 0);
    xw_rules_assert_raised(b, XW_ECG_RHYTHM_AVB2, XW_ECG_PRIORITY_HIGH, 400);
    b->rules.avb2_priority = XW_ECG_PRIORITY_NONE;
    draw_block(b, 3, 1, 0.34, 0);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_AVB2));

    b->rules.avb3_bpm = 35; /* 1714 ms */
    draw_block(b, 0, 0.75, 0, 1.62);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_AVB3));
    b->rules.avb3_bpm = 40;
    draw_block(b, 0, 0.75, 0, 1.62);
    xw_rules_assert_raised(b, XW_ECG_RHYTHM_AVB3, XW_ECG_PRIORITY_MEDIUM, 40);
    b->rules.avb3_priority = XW_ECG_PRIORITY_NONE;
    draw_block(b, 0, 0.75, 0, 1.62);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_AVB3));
    test_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_and_couplets_are_faster_than_their_rate),
        cmocka_unit_test(r_on_t_before_its_share_and_before_the_end_of_t_or_not_at_all),
        cmocka_unit_test(supraventricular_tachycardia_above_its_rate_after_its_beats_or_not_at_all),
        cmocka_unit_test(tachycardia_is_sustained_after_its_seconds),
        cmocka_unit_test(av_block_within_its_limits_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
