/* Acceptance of the mains removal: 1 mV QRS and 0.5 mV of mains at 50 ± 0.5 and 60 ± 0.5 Hz, at
 * rates that are and are not a multiple of it. */
#include "dsp/ecg/mains.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>

enum { SECONDS = 8 };

/* Two Gaussian humps of 1 mV with content up to about 100 Hz, once a second. */
static double qrs_uv(double t)
{
    double beat = t - floor(t), a = (beat - 0.5) / 0.005, b = (beat - 0.52) / 0.006;
    return 1000 * exp(-0.5 * a * a) - 350 * exp(-0.5 * b * b);
}

struct outcome {
    double residual; /* largest |out - clean| after the given time, outside the QRS */
    double in_qrs;   /* the same inside QRS complexes */
    double ringing;  /* p-p in 60..360 ms after each QRS */
};

static struct outcome run(double rate, unsigned nominal, double hz, double mains_uv, double from_s,
                          double step_at_s)
{
    struct xw_ecg_mains m;
    struct outcome o = {0};
    assert_int_equal(xw_ecg_mains_init(&m, 1, rate, nominal), 0);
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < (size_t)(SECONDS * rate); i++) {
        double t = (double)i / rate, out_t = ((double)i - xw_ecg_mains_delay(&m)) / rate;
        double amplitude = t >= step_at_s ? 2 * mains_uv : mains_uv;
        float in[XW_DSP_LANES_MAX] = {(float)(qrs_uv(t) + amplitude * sin(2 * M_PI * hz * t))};
        float out[XW_DSP_LANES_MAX] = {0};
        xw_ecg_mains_process(&m, in, out);
        double error = fabs((double)out[0] - qrs_uv(out_t)), beat = out_t - floor(out_t);
        bool inside = beat > 0.47 && beat < 0.56;
        if (out_t >= from_s && inside)
            o.in_qrs = fmax(o.in_qrs, error);
        if (out_t >= from_s && !inside)
            o.residual = fmax(o.residual, error);
        if (beat > 0.58 && beat < 0.88 && out_t > 1) {
            low = fmin(low, (double)out[0]);
            high = fmax(high, (double)out[0]);
        }
        if (beat >= 0.9 && high >= low) {
            o.ringing = fmax(o.ringing, high - low);
            low = INFINITY;
            high = -INFINITY;
        }
    }
    xw_ecg_mains_done(&m);
    return o;
}

static const double RATES[] = {1000, 500, 360, 250, 257, 200};

static void residual_is_below_10_uv_after_300_ms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(RATES) / sizeof(RATES[0]); i++)
        for (unsigned nominal = 50; nominal <= 60; nominal += 10) {
            struct outcome o = run(RATES[i], nominal, nominal, 500, 0.3, 1e9);
            printf("%4.0f Hz, mains %u: residual %.2f, in QRS %.2f uV\n", RATES[i], nominal,
                   o.residual, o.in_qrs);
            assert_true(o.residual < 10);
            assert_true(o.in_qrs < 25);
        }
}

static void mains_half_a_hertz_off_is_followed_within_1_s(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(RATES) / sizeof(RATES[0]); i++)
        for (int quarters = -2; quarters <= 2; quarters++) {
            double off = quarters * 0.25;
            struct outcome o = run(RATES[i], 50, 50 + off, 500, 2, 1e9);
            printf("%4.0f Hz, 50%+.2f: residual %.2f, in QRS %.2f uV\n", RATES[i], off, o.residual,
                   o.in_qrs);
            assert_true(o.residual < 10);
            assert_true(o.in_qrs < 25);
        }
}

static void a_clean_qrs_does_not_ring(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(RATES) / sizeof(RATES[0]); i++) {
        struct outcome o = run(RATES[i], 50, 50, 0, 0, 1e9);
        assert_true(o.ringing < 5);
        assert_true(o.in_qrs < 5);
    }
}

static void a_step_of_its_amplitude_settles_within_1_s(void **state)
{
    (void)state;
    struct outcome o = run(500, 50, 50.2, 250, 5, 4);
    assert_true(o.residual < 10);
    assert_true(o.in_qrs < 25);
}

static void listening_finds_60_hz(void **state)
{
    (void)state;
    struct outcome o = run(360, 0, 60, 300, 5, 1e9);
    assert_true(o.residual < 10);
}

static void wrong_parameters_are_refused(void **state)
{
    (void)state;
    struct xw_ecg_mains m;
    assert_true(xw_ecg_mains_init(&m, 0, 500, 50) < 0);
    assert_true(xw_ecg_mains_init(&m, 1, 500, 55) < 0);
    assert_true(xw_ecg_mains_init(&m, 1, (double)NAN, 50) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(residual_is_below_10_uv_after_300_ms),
        cmocka_unit_test(mains_half_a_hertz_off_is_followed_within_1_s),
        cmocka_unit_test(a_clean_qrs_does_not_ring),
        cmocka_unit_test(a_step_of_its_amplitude_settles_within_1_s),
        cmocka_unit_test(listening_finds_60_hz),
        cmocka_unit_test(wrong_parameters_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
