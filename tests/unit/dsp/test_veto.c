/* The pulse wave as a witness in the chain: it denies false alarms and says why, once; it raises
 * nothing; a wave that is flat, lost, late or full of sentinels denies no asystole. */
#include "dsp/ecg/pulse.h"
#include "unit/dsp/scenario.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

enum { RATE_HZ = 500, WAVE_HZ = 125, STEP = RATE_HZ / WAVE_HZ, CUT = 50 };

enum wave { PULSES, FLAT, LOST, INVALID, LATE };

struct ward {
    struct xw_recorder recorder;
    struct xw_ecg_chain *chain;
    struct xw_synth *patient;
    struct xw_ecg_pulse pulse;
    int64_t at, told; /* samples given; index of the next value of the wave */
    double period_s;
};

static void ward_init(struct ward *w, bool with_wave, uint64_t seed)
{
    struct xw_ecg_config config;
    const struct xw_ecg_pulse *list[] = {&w->pulse};
    memset(w, 0, sizeof(*w));
    xw_recorder_init(&w->recorder);
    xw_scenario_config(&config, RATE_HZ, &w->recorder);
    assert_int_equal(xw_ecg_chain_new(&config, &w->chain), 0);
    w->patient = xw_scenario_patient(RATE_HZ, xw_test_seed(seed), &w->recorder);
    assert_int_equal(xw_ecg_pulse_init(&w->pulse, WAVE_HZ, RATE_HZ), 0);
    if (with_wave)
        xw_ecg_chain_set_pulses(w->chain, list, 1);
    w->period_s = 0.8;
}

static void ward_done(struct ward *w)
{
    xw_synth_free(w->patient);
    xw_ecg_chain_free(w->chain);
    xw_recorder_done(&w->recorder);
}

static void push(struct ward *w, enum wave wave)
{
    double phase = fmod((double)w->told / RATE_HZ, w->period_s);
    double x = phase < 0.12 ? phase / 0.12 : exp(-(phase - 0.12) / 0.25);
    xw_ecg_pulse_push(&w->pulse, (float)(80 + (wave == FLAT ? 0 : 40 * x)), w->told,
                      wave != INVALID);
}

static void play(struct ward *w, enum wave wave, double seconds)
{
    int64_t end = w->at + (int64_t)(seconds * RATE_HZ);
    for (; w->at < end; w->at += CUT) {
        int64_t upto = w->at + CUT - (wave == LATE ? 2 * RATE_HZ : 0);
        for (; w->told < upto; w->told += STEP)
            if (wave != LOST)
                push(w, wave);
        xw_scenario_play(w->patient, w->chain, RATE_HZ, (double)CUT / RATE_HZ);
    }
}

static size_t alarms(const struct ward *w, enum xw_ecg_code code)
{
    return xw_recorder_count(&w->recorder, XW_ECG_KIND_ALARM, code, 0, INT64_MAX);
}

static size_t denials(const struct ward *w)
{
    return xw_recorder_count(&w->recorder, XW_ECG_KIND_QUALITY, XW_ECG_QUALITY_DENIED, 0,
                             INT64_MAX);
}

static void silence_with_pulses_is_no_asystole_and_it_is_said_why(void **state)
{
    (void)state;
    struct ward w;
    ward_init(&w, true, 3);
    play(&w, PULSES, 20);
    int64_t since = w.at;
    assert_int_equal(xw_synth_set_scene(w.patient, "asystole"), 0);
    play(&w, PULSES, 20);
    assert_int_equal(alarms(&w, XW_ECG_RHYTHM_ASYSTOLE), 0);
    assert_int_equal(denials(&w), 1);
    const struct xw_ecg_event *event =
        xw_recorder_find(&w.recorder, XW_ECG_KIND_QUALITY, XW_ECG_QUALITY_DENIED, 0);
    assert_string_equal(event->rule, "pulse-denies-asystole");
    assert_int_equal(event->priority, XW_ECG_PRIORITY_NONE);
    assert_true(event->first >= since - RATE_HZ && event->end > event->first &&
                event->end <= event->emitted_at);
    assert_true(event->evidence_n == 6 && event->evidence[0].id == XW_ECG_VALUE_PULSES_N &&
                event->evidence[0].measured >= 3);
    assert_true(fabsf(event->evidence[1].measured - 75) < 2);
    ward_done(&w);
}

static void a_wave_that_is_flat_lost_or_invalid_denies_no_asystole(void **state)
{
    (void)state;
    static const enum wave WAVES[] = {FLAT, LOST, INVALID, LATE};
    for (size_t i = 0; i < sizeof(WAVES) / sizeof(WAVES[0]); i++) {
        struct ward w;
        ward_init(&w, true, 5);
        play(&w, PULSES, 20);
        assert_int_equal(xw_synth_set_scene(w.patient, "asystole"), 0);
        play(&w, WAVES[i], 10);
        const struct xw_ecg_event *event =
            xw_recorder_find(&w.recorder, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_ASYSTOLE, 0);
        assert_non_null(event);
        assert_true(event->emitted_at - event->first <= 5 * RATE_HZ);
        ward_done(&w);
    }
}

static void an_asystole_is_raised_when_the_pulses_end(void **state)
{
    (void)state;
    struct ward w;
    ward_init(&w, true, 6);
    play(&w, PULSES, 20);
    assert_int_equal(xw_synth_set_scene(w.patient, "asystole"), 0);
    play(&w, PULSES, 8);
    assert_int_equal(alarms(&w, XW_ECG_RHYTHM_ASYSTOLE), 0);
    play(&w, FLAT, 5);
    assert_int_equal(alarms(&w, XW_ECG_RHYTHM_ASYSTOLE), 1);
    ward_done(&w);
}

static void full_even_pulses_deny_a_waveform_of_fibrillation_others_do_not(void **state)
{
    (void)state;
    static const enum wave WAVES[] = {PULSES, FLAT, LOST};
    for (size_t i = 0; i < sizeof(WAVES) / sizeof(WAVES[0]); i++) {
        struct ward w;
        ward_init(&w, true, 7);
        play(&w, PULSES, 20);
        assert_int_equal(xw_synth_set_scene(w.patient, "vf"), 0);
        play(&w, WAVES[i], 15);
        size_t raised = alarms(&w, XW_ECG_RHYTHM_VF) + alarms(&w, XW_ECG_RHYTHM_VT);
        assert_int_equal(raised > 0, WAVES[i] != PULSES);
        if (WAVES[i] == PULSES)
            assert_true(denials(&w) >= 1);
        ward_done(&w);
    }
}

/* Whatever the wave says, an ECG without findings stays so. */
static void a_wave_raises_nothing(void **state)
{
    (void)state;
    static const enum wave WAVES[] = {PULSES, FLAT, LOST, INVALID, LATE};
    for (size_t i = 0; i < sizeof(WAVES) / sizeof(WAVES[0]); i++) {
        struct ward w;
        ward_init(&w, true, 8);
        w.period_s = 0.4;
        play(&w, PULSES, 10);
        w.period_s = 2.5;
        play(&w, WAVES[i], 20);
        assert_int_equal(alarms(&w, 0), 0);
        assert_int_equal(denials(&w), 0);
        ward_done(&w);
    }
}

static void without_a_wave_nothing_is_denied(void **state)
{
    (void)state;
    struct ward w;
    ward_init(&w, false, 3);
    play(&w, PULSES, 20);
    assert_int_equal(xw_synth_set_scene(w.patient, "asystole"), 0);
    play(&w, PULSES, 8);
    assert_int_equal(alarms(&w, XW_ECG_RHYTHM_ASYSTOLE), 1);
    assert_int_equal(denials(&w), 0);
    ward_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_with_pulses_is_no_asystole_and_it_is_said_why),
        cmocka_unit_test(a_wave_that_is_flat_lost_or_invalid_denies_no_asystole),
        cmocka_unit_test(an_asystole_is_raised_when_the_pulses_end),
        cmocka_unit_test(full_even_pulses_deny_a_waveform_of_fibrillation_others_do_not),
        cmocka_unit_test(a_wave_raises_nothing),
        cmocka_unit_test(without_a_wave_nothing_is_denied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
