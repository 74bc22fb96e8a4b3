/* ST levels at all rates of a sinus rhythm: at fast ones P and T of the neighbouring beats lie
 * where the level before the QRS and J + 60 ms are at rest. Twelve leads, eight patients. */
#include "unit/dsp/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

enum { RATE_HZ = 250, PATIENTS_N = 8 };

/* Findings of ST elevation of one patient at this rate. */
static size_t findings(float rate_bpm, float elevation_mv, uint64_t seed)
{
    struct xw_recorder r;
    struct xw_ecg_config config;
    struct xw_ecg_chain *chain = NULL;
    xw_recorder_init(&r);
    xw_scenario_config(&config, RATE_HZ, &r);
    assert_int_equal(xw_ecg_chain_new(&config, &chain), 0);
    struct xw_synth *patient = xw_scenario_patient(RATE_HZ, seed, &r);
    assert_int_equal(xw_synth_set_rate(patient, rate_bpm), 0);
    if (elevation_mv > 0)
        assert_int_equal(xw_synth_set_st(patient, XW_SYNTH_ST_INFERIOR, elevation_mv), 0);
    xw_scenario_play(patient, chain, RATE_HZ, 60);
    xw_ecg_chain_flush(chain);
    xw_ecg_chain_free(chain);
    xw_synth_free(patient);
    size_t n = xw_recorder_count(&r, XW_ECG_KIND_ALARM, XW_ECG_FINDING_ST_ELEVATION, 0, INT64_MAX);
    xw_recorder_done(&r);
    return n;
}

static unsigned patients_with(float rate_bpm, float elevation_mv)
{
    unsigned n = 0;
    for (uint64_t seed = 1; seed <= PATIENTS_N; seed++)
        n += findings(rate_bpm, elevation_mv, seed) > 0;
    printf("%.0f/min, elevation %.2f mV: said of %u of %d patients\n", (double)rate_bpm,
           (double)elevation_mv, n, PATIENTS_N);
    return n;
}

static void a_sinus_rhythm_has_no_elevation_at_any_rate(void **state)
{
    (void)state;
    unsigned n = 0;
    for (int bpm = 60; bpm <= 190; bpm += 10)
        n += patients_with((float)bpm, 0);
    assert_int_equal(n, 0);
}

static void an_elevation_is_found_at_rest_and_at_fast_rates(void **state)
{
    static const float RATES_BPM[] = {60, 100, 130};
    (void)state;
    unsigned missed = 0;
    for (unsigned i = 0; i < sizeof(RATES_BPM) / sizeof(RATES_BPM[0]); i++)
        missed += PATIENTS_N - patients_with(RATES_BPM[i], 0.2F);
    assert_int_equal(missed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sinus_rhythm_has_no_elevation_at_any_rate),
        cmocka_unit_test(an_elevation_is_found_at_rest_and_at_fast_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
