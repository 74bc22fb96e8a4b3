/* Flutter, as something possible: found where it is drawn, and nowhere else. */
#include "dsp/ecg/flutter.h"
#include "unit/dsp/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

static const unsigned RATES_HZ[] = {250, 360, 500};

struct bed {
    struct xw_recorder recorder;
    struct xw_ecg_chain *chain;
    struct xw_synth *patient;
    unsigned rate_hz;
};

static void bed_init(struct bed *b, unsigned rate_hz, uint64_t seed)
{
    struct xw_ecg_config config;
    b->rate_hz = rate_hz;
    b->chain = NULL;
    xw_recorder_init(&b->recorder);
    xw_scenario_config(&config, rate_hz, &b->recorder);
    assert_int_equal(xw_ecg_chain_new(&config, &b->chain), 0);
    b->patient = xw_scenario_patient(rate_hz, seed, &b->recorder);
}

static void play(struct bed *b, double seconds)
{
    xw_scenario_play(b->patient, b->chain, b->rate_hz, seconds);
}

static void bed_done(struct bed *b)
{
    xw_ecg_chain_free(b->chain);
    xw_synth_free(b->patient);
    xw_recorder_done(&b->recorder);
}

static size_t said(const struct bed *b)
{
    return xw_recorder_count(&b->recorder, XW_ECG_KIND_RHYTHM, XW_ECG_RHYTHM_AFL, 0, INT64_MAX);
}

static float measured(const struct xw_ecg_event *e, enum xw_ecg_value_id id)
{
    for (uint32_t i = 0; i < e->evidence_n; i++)
        if (e->evidence[i].id == id)
            return e->evidence[i].measured;
    fail_msg("no %s", xw_ecg_value_name(id));
    return 0;
}

/* The last word on the first of them. */
static const struct xw_ecg_event *last_word(const struct bed *b)
{
    const struct xw_recorder *r = &b->recorder;
    const struct xw_ecg_event *e = xw_recorder_find(r, XW_ECG_KIND_RHYTHM, XW_ECG_RHYTHM_AFL, 0);
    assert_non_null(e);
    for (size_t i = 0; i < r->n; i++)
        if (r->events[i].sequence == e->sequence)
            e = &r->events[i];
    return e;
}

/* Not every patient's wave stands out from his T waves: how many are found is counted, and what is
 * said must be right. */
static void flutter_is_said_with_its_onset_its_end_and_why(void **state)
{
    (void)state;
    enum { PATIENTS = 24, FOUND_LEAST = 18 };
    static const float BPM[] = {75, 100, 60, 0}; /* 4:1, 2:1 and 4:1 by turns, 4:1 and 6:1, 4:1 */
    uint64_t seed = xw_test_seed(31);
    unsigned found_n = 0;
    for (unsigned i = 0; i < PATIENTS; i++) {
        struct bed b;
        bed_init(&b, RATES_HZ[i % 3], seed + i);
        play(&b, 30);
        assert_int_equal(xw_synth_set_rhythm(b.patient, XW_SYNTH_AFL, BPM[i % 4]), 0);
        play(&b, 60);
        assert_int_equal(xw_synth_set_rhythm(b.patient, XW_SYNTH_SINUS, 70), 0);
        play(&b, 40);
        xw_ecg_chain_flush(b.chain);
        size_t said_n = said(&b);
        for (size_t k = 0; k < b.recorder.n; k++) {
            const struct xw_ecg_event *e = &b.recorder.events[k];
            if (e->kind != XW_ECG_KIND_RHYTHM || e->code != XW_ECG_RHYTHM_AFL)
                continue;
            assert_string_equal(e->rule, "flutter-wave");
            assert_true(e->confidence >= 0.4F && e->confidence <= 0.8F);
            assert_true(fabsf(measured(e, XW_ECG_VALUE_ATRIAL_BPM) - 300) < 4);
            assert_true(measured(e, XW_ECG_VALUE_WAVE_PEAK) >= 2.5F);
            assert_true(measured(e, XW_ECG_VALUE_WAVE_SHARE) >= 0.5F);
            double first_s = (double)e->first / b.rate_hz, end_s = (double)e->end / b.rate_hz;
            if (first_s < 27 || (e->end != XW_ECG_OPEN && end_s > 102))
                fail_msg("seed %u, %g/min: %.1f to %.1f s", (unsigned)(seed + i),
                         (double)BPM[i % 4], first_s, end_s);
        }
        if (said_n) {
            const struct xw_ecg_event *e = last_word(&b);
            found_n += said_n == 1 && e->first < 40 * (int64_t)b.rate_hz &&
                       e->end > 85 * (int64_t)b.rate_hz;
        }
        bed_done(&b);
    }
    print_message("flutter found from onset to end in %u of %d patients\n", found_n, PATIENTS);
    assert_true(found_n >= FOUND_LEAST);
}

static void other_rhythms_are_no_flutter(void **state)
{
    (void)state;
    static const char *const SCENES[] = {"sinus", "tachy", "pvc",  "bigeminy",  "apc",
                                         "af",    "avb1",  "avb2", "avb3",      "stemi-anterior",
                                         "vt",    "vf",    "run",  "trigeminy", "pause"};
    uint64_t seed = xw_test_seed(51);
    for (unsigned i = 0; i < sizeof(SCENES) / sizeof(SCENES[0]); i++) {
        struct bed b;
        bed_init(&b, RATES_HZ[i % 3], seed + i);
        assert_int_equal(xw_synth_set_scene(b.patient, SCENES[i]), 0);
        play(&b, 120);
        xw_ecg_chain_flush(b.chain);
        if (said(&b))
            fail_msg("%s (seed %u) was called flutter", SCENES[i], (unsigned)(seed + i));
        bed_done(&b);
    }
}

static void no_sinus_rate_makes_flutter_of_its_t_waves(void **state)
{
    (void)state;
    uint64_t seed = xw_test_seed(71);
    for (unsigned bpm = 40; bpm <= 180; bpm += 4) {
        struct bed b;
        bed_init(&b, 250, seed + bpm);
        assert_int_equal(xw_synth_set_rhythm(b.patient, XW_SYNTH_SINUS, (float)bpm), 0);
        play(&b, 60);
        xw_ecg_chain_flush(b.chain);
        if (said(&b))
            fail_msg("sinus %u/min (seed %u) was called flutter", bpm, (unsigned)(seed + bpm));
        bed_done(&b);
    }
}

static void mains_muscle_and_motion_are_no_flutter(void **state)
{
    (void)state;
    static const struct xw_synth_noise NOISES[] = {
        {.sensor_uv = 3, .mains_mv = 0.5F, .mains_hz = 50},
        {.sensor_uv = 3, .mains_mv = 1, .mains_hz = 50.4F},
        {.sensor_uv = 3, .emg_mv = 0.1F},
        {.sensor_uv = 3, .emg_mv = 0.3F, .wander_mv = 0.5F},
        {.sensor_uv = 3, .motion_mv = 0.8F},
        {.sensor_uv = 30, .wander_mv = 1},
    };
    uint64_t seed = xw_test_seed(91);
    for (unsigned i = 0; i < sizeof(NOISES) / sizeof(NOISES[0]); i++) {
        struct bed b;
        bed_init(&b, 500, seed + i);
        assert_int_equal(xw_synth_set_noise(b.patient, &NOISES[i]), 0);
        play(&b, 120);
        xw_ecg_chain_flush(b.chain);
        if (said(&b))
            fail_msg("noise %u was called flutter", i);
        bed_done(&b);
    }
}

/* A tremor of 5 Hz that moves all leads while the heart beats on as it will. */
static void a_tremor_keeps_no_time_with_the_heart(void **state)
{
    (void)state;
    uint64_t seed = xw_test_seed(101);
    for (unsigned i = 0; i < 12; i++) {
        struct bed b;
        double phase = 0, hz = 4.2 + 0.11 * i;
        bed_init(&b, 250, seed + i);
        assert_int_equal(xw_synth_set_rhythm(b.patient, XW_SYNTH_SINUS, (float)(62 + 3 * i)), 0);
        for (unsigned n = 0; n < 90 * 250; n++) {
            int32_t row[XW_SYNTH_LEADS_N];
            xw_synth_read(b.patient, row, 1);
            phase += 6.283185307179586 * (hz + 0.1 * sin(0.7 * n / 250)) / 250;
            for (unsigned c = 0; c < XW_SYNTH_LEADS_N; c++)
                row[c] += (int32_t)lround(120 * sin(phase));
            xw_ecg_chain_process(b.chain, row, 1);
        }
        xw_ecg_chain_flush(b.chain);
        if (said(&b))
            fail_msg("a tremor of %.2f Hz was called flutter", hz);
        bed_done(&b);
    }
}

/* Each limit from both sides. */
static void it_holds_by_its_limits(void **state)
{
    (void)state;
    struct xw_ecg_rules rules;
    xw_ecg_rules_default(&rules);
    const struct xw_ecg_flutter_look good = {.atrial_bpm = 300,
                                             .ventricular_bpm = 75,
                                             .conduction = 4,
                                             .peak_ratio = 3,
                                             .lock = 0.95F,
                                             .height_uv = 80,
                                             .share = 0.8F,
                                             .uneven = 0.02F,
                                             .lead = 1};
    struct xw_ecg_flutter_look x = good;
    assert_true(xw_ecg_flutter_holds(&x, &rules, false));
    rules.flutter_peak = 3.1F;
    assert_false(xw_ecg_flutter_holds(&x, &rules, false));
    assert_true(xw_ecg_flutter_holds(&x, &rules, true));
    rules.flutter_peak = 3;
    x.lead = -1;
    assert_false(xw_ecg_flutter_holds(&x, &rules, true));
    x = good;
    x.lock = x.share = 0.6F; /* enough if uneven */
    assert_false(xw_ecg_flutter_holds(&x, &rules, false));
    x.uneven = 0.2F;
    assert_true(xw_ecg_flutter_holds(&x, &rules, false));
    x = good;
    x.height_uv = 24;
    assert_false(xw_ecg_flutter_holds(&x, &rules, false));
    x = good;
    for (int waves = 2; waves <= 3; waves++) { /* a P and a T wave make as many */
        x.conduction = (float)waves;
        assert_false(xw_ecg_flutter_holds(&x, &rules, false));
        assert_true(xw_ecg_flutter_holds(&x, &rules, true));
    }
    x.conduction = 2;
    x.uneven = 0.5F;
    assert_true(xw_ecg_flutter_holds(&x, &rules, false));
    x.conduction = 1;
    assert_false(xw_ecg_flutter_holds(&x, &rules, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flutter_is_said_with_its_onset_its_end_and_why),
        cmocka_unit_test(other_rhythms_are_no_flutter),
        cmocka_unit_test(no_sinus_rate_makes_flutter_of_its_t_waves),
        cmocka_unit_test(mains_muscle_and_motion_are_no_flutter),
        cmocka_unit_test(a_tremor_keeps_no_time_with_the_heart),
        cmocka_unit_test(it_holds_by_its_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
