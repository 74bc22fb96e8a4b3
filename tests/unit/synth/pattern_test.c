/* The signals whose every count is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dsp/synth/synth.h"

static void pulses_last_200_ms_of_every_second_for_ever(void **state)
{
    (void)state;
    static const uint32_t rates[][2] = {{500, 1}, {360, 1}, {250, 1}, {1000, 1}, {24989, 400}};
    for (size_t k = 0; k < sizeof(rates) / sizeof(rates[0]); k++) {
        struct xw_synth_pulse p = {rates[k][0], rates[k][1], 7, 1000, 200, 1000};
        static int32_t rows[2 * 10000];
        xw_synth_pulse_read(&p, 0, 10000, 2, rows);
        size_t high = 0;
        for (size_t i = 0; i < 10000; i++) {
            double t = (double)i * rates[k][1] / rates[k][0];
            double phase = t - (double)(int64_t)t;
            assert_true(rows[2 * i] == 7 || rows[2 * i] == 1007);
            assert_int_equal(rows[2 * i], rows[2 * i + 1]);
            if (phase > 1e-9 && phase < 1 - 1e-9 && (phase < 0.2 - 1e-9 || phase > 0.2 + 1e-9))
                assert_int_equal(rows[2 * i] == 1007, phase < 0.2);
            high += rows[2 * i] == 1007;
        }
        assert_in_range(high, 1980, 2100);
        int32_t later[2];
        uint64_t far = UINT64_C(1000000) * rates[k][0]; /* weeks on: den x 10^6 s, whole seconds */
        xw_synth_pulse_read(&p, far, 1, 2, later);
        assert_int_equal(later[0], 1007); /* still begins on the second */
        xw_synth_pulse_read(&p, far - 1, 1, 2, later);
        assert_int_equal(later[0], 7);
    }
}

static void the_counter_names_its_index(void **state)
{
    (void)state;
    int32_t rows[3 * 100];
    xw_synth_counter_read(65500, 100, 3, rows);
    for (size_t i = 0; i < 100; i++) {
        for (unsigned c = 0; c < 3; c++) {
            assert_int_equal(rows[i * 3 + c], xw_synth_counter_at(65500 + i, c));
            assert_true(rows[i * 3 + c] >= -32760 && rows[i * 3 + c] <= 32760);
        }
    }
    assert_int_equal(xw_synth_counter_at(0, 0), -32760);
    assert_int_equal(xw_synth_counter_at(65520, 0), 32760);
    assert_int_equal(xw_synth_counter_at(65521, 0), -32760);
    assert_int_not_equal(xw_synth_counter_at(5, 0), xw_synth_counter_at(5, 1));
    assert_int_equal(xw_synth_counter_at(UINT64_MAX, 11),
                     xw_synth_counter_at(UINT64_MAX % 65521, 11));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pulses_last_200_ms_of_every_second_for_ever),
        cmocka_unit_test(the_counter_names_its_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
