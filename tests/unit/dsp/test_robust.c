/* Bad input: rails, sentinels, steps, hum, long noise, absurd gains and counts. The chain must not
 * produce a value that is not finite, must not stay deaf, must not cry wolf, must say that it
 * cannot see. */
#include "unit/dsp/mixed.h"
#include "unit/dsp/scenario.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE_HZ = 500, CHANNELS = XW_SYNTH_LEADS_N };

typedef int32_t (*spoil_fn)(int32_t good, size_t i, unsigned channel, uint64_t *random);

static uint32_t draw(uint64_t *random)
{
    *random = *random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*random >> 32);
}

static int32_t all_sentinels(int32_t good, size_t i, unsigned channel, uint64_t *random)
{
    (void)good, (void)i, (void)channel, (void)random;
    return -32768;
}

static int32_t all_rails(int32_t good, size_t i, unsigned channel, uint64_t *random)
{
    (void)good, (void)channel, (void)random;
    return i / 700 % 2 ? 32767 : -32767;
}

static int32_t loud_noise(int32_t good, size_t i, unsigned channel, uint64_t *random)
{
    (void)good, (void)i, (void)channel;
    return (int32_t)(draw(random) % 6000) - 3000;
}

static int32_t steps(int32_t good, size_t i, unsigned channel, uint64_t *random)
{
    (void)channel, (void)random;
    return good + (i / 1100 % 2 ? 5000 : 0);
}

static int32_t hum(int32_t good, size_t i, unsigned channel, uint64_t *random)
{
    (void)channel, (void)random;
    return good + (int32_t)lrint(500 * sin(2 * M_PI * 50 * (double)i / RATE_HZ));
}

static int32_t wild_counts(int32_t good, size_t i, unsigned channel, uint64_t *random)
{
    (void)good, (void)i, (void)channel;
    return (int32_t)draw(random);
}

struct outcome {
    size_t missed_after, high_alarms, blind_n;
};

/* 40 s good, 30 s spoilt, 40 s good; beats are scored from 10 s after the spoilt part. */
static struct outcome run(spoil_fn spoil)
{
    struct xw_recorder recorder;
    struct xw_ecg_config config;
    struct xw_ecg_chain *chain = NULL;
    int32_t rows[50 * CHANNELS];
    uint64_t random = 7;
    struct outcome o = {0};
    size_t extra;
    xw_recorder_init(&recorder);
    xw_scenario_config(&config, RATE_HZ, &recorder);
    struct xw_synth *patient = xw_scenario_patient(RATE_HZ, 17, &recorder);
    assert_int_equal(xw_ecg_chain_new(&config, &chain), 0);
    for (size_t at = 0; at < 110U * RATE_HZ; at += 50) {
        xw_synth_read(patient, rows, 50);
        for (size_t k = 0; k < 50 && at >= 40U * RATE_HZ && at < 70U * RATE_HZ; k++)
            for (unsigned c = 0; c < CHANNELS; c++)
                rows[k * CHANNELS + c] = spoil(rows[k * CHANNELS + c], at + k, c, &random);
        xw_ecg_chain_process(chain, rows, 50);
    }
    xw_ecg_chain_flush(chain);
    xw_recorder_score(&recorder, RATE_HZ, 80L * RATE_HZ, 109L * RATE_HZ, &o.missed_after, &extra);
    o.missed_after += extra;
    for (size_t i = 0; i < recorder.n; i++) {
        const struct xw_ecg_event *e = &recorder.events[i];
        bool first_word = e->revision == 0;
        assert_true(isfinite(e->hr_bpm) && isfinite(e->rr_ms) && isfinite(e->confidence));
        if (e->kind == XW_ECG_KIND_ALARM && e->priority == XW_ECG_PRIORITY_HIGH && first_word) {
            printf("  alarm %s at %.2f s\n", xw_ecg_code_name(e->code),
                   (double)e->emitted_at / RATE_HZ);
            o.high_alarms++;
        }
        o.blind_n += e->kind == XW_ECG_KIND_QUALITY && first_word;
    }
    xw_ecg_chain_free(chain);
    xw_synth_free(patient);
    xw_recorder_done(&recorder);
    return o;
}

static void sentinels_are_not_seen_as_asystole(void **state)
{
    (void)state;
    struct outcome o = run(all_sentinels);
    assert_int_equal(o.high_alarms, 0);
    assert_int_equal(o.missed_after, 0);
    assert_int_equal(o.blind_n, 1);
}

static void rails_are_not_seen_as_asystole(void **state)
{
    (void)state;
    struct outcome o = run(all_rails);
    assert_int_equal(o.high_alarms, 0);
    assert_int_equal(o.missed_after, 0);
    assert_int_equal(o.blind_n, 1);
}

static void thirty_seconds_of_noise_raise_nothing_and_are_said(void **state)
{
    (void)state;
    struct outcome o = run(loud_noise);
    assert_int_equal(o.high_alarms, 0);
    assert_int_equal(o.missed_after, 0);
    assert_true(o.blind_n >= 1);
}

static void baseline_steps_leave_the_rhythm_alone(void **state)
{
    (void)state;
    struct outcome o = run(steps);
    assert_int_equal(o.high_alarms, 0);
    assert_int_equal(o.missed_after, 0);
}

static void half_a_millivolt_of_hum_is_no_reason_to_be_blind(void **state)
{
    (void)state;
    struct outcome o = run(hum);
    assert_int_equal(o.high_alarms, 0);
    assert_int_equal(o.missed_after, 0);
    assert_int_equal(o.blind_n, 0);
}

static void wild_counts_do_no_lasting_harm(void **state)
{
    (void)state;
    struct outcome o = run(wild_counts);
    assert_int_equal(o.high_alarms, 0);
    assert_int_equal(o.missed_after, 0);
}

static void mixed_signal_keeps_every_event_sound(void **state)
{
    (void)state;
    static const unsigned RATES[] = {100, 128, 250, 360, 500, 1000};
    for (size_t i = 0; i < sizeof(RATES) / sizeof(RATES[0]); i++) {
        struct xw_mixed mixed;
        assert_int_equal(xw_mixed_init(&mixed, RATES[i], 100 + i), 0);
        xw_mixed_play(&mixed, 300);
        xw_ecg_chain_flush(mixed.chain);
        printf("%u Hz: %llu events, unsound %llu\n", RATES[i], (unsigned long long)mixed.events_n,
               (unsigned long long)mixed.events_bad_n);
        assert_int_equal(mixed.events_bad_n, 0);
        xw_mixed_done(&mixed);
    }
}

static void one_lead_to_eighteen_leads_at_any_rate(void **state)
{
    (void)state;
    static const unsigned RATES[] = {100, 125, 128, 200, 250, 256, 257, 300, 360, 500, 999, 1000};
    for (size_t r = 0; r < sizeof(RATES) / sizeof(RATES[0]); r++)
        for (unsigned channels_n = 1; channels_n <= XW_ECG_CHANNELS_MAX;
             channels_n += 1 + (unsigned)r % 5) {
            struct xw_recorder recorder;
            struct xw_ecg_config config;
            struct xw_ecg_chain *chain = NULL;
            int32_t frame[CHANNELS], wide[XW_ECG_CHANNELS_MAX];
            size_t missed, extra;
            xw_recorder_init(&recorder);
            xw_scenario_config(&config, RATES[r], &recorder);
            for (unsigned c = 0; c < channels_n; c++)
                config.channels[c] = config.channels[c % CHANNELS];
            config.channels_n = channels_n;
            struct xw_synth *patient = xw_scenario_patient(RATES[r], 5 + r, &recorder);
            assert_int_equal(xw_ecg_chain_new(&config, &chain), 0);
            for (size_t i = 0; i < 20U * RATES[r]; i++) {
                xw_synth_read(patient, frame, 1);
                for (unsigned c = 0; c < channels_n; c++)
                    wide[c] = frame[c % CHANNELS];
                xw_ecg_chain_process(chain, wide, 1);
            }
            xw_ecg_chain_flush(chain);
            xw_recorder_score(&recorder, RATES[r], RATES[r] / 4, 20L * RATES[r] - RATES[r] / 4,
                              &missed, &extra);
            if (missed || extra)
                printf("%u Hz, %u leads: missed %zu, extra %zu\n", RATES[r], channels_n, missed,
                       extra);
            assert_int_equal(missed + extra, 0);
            xw_ecg_chain_free(chain);
            xw_synth_free(patient);
            xw_recorder_done(&recorder);
        }
}

static void wrong_configurations_are_refused(void **state)
{
    (void)state;
    struct xw_recorder recorder;
    struct xw_ecg_config good, bad;
    struct xw_ecg_chain *chain = NULL;
    xw_recorder_init(&recorder);
    xw_scenario_config(&good, RATE_HZ, &recorder);
    bad = good;
    bad.rate_num = 99;
    assert_int_equal(xw_ecg_chain_new(&bad, &chain), -EINVAL);
    bad = good;
    bad.rate_den = 0;
    assert_int_equal(xw_ecg_chain_new(&bad, &chain), -EINVAL);
    bad = good;
    bad.channels_n = 19;
    assert_int_equal(xw_ecg_chain_new(&bad, &chain), -EINVAL);
    bad = good;
    bad.channels[3].gain_counts_per_mv = 0;
    assert_int_equal(xw_ecg_chain_new(&bad, &chain), -EINVAL);
    bad = good;
    bad.channels[3].baseline_counts = (double)NAN;
    assert_int_equal(xw_ecg_chain_new(&bad, &chain), -EINVAL);
    bad = good;
    bad.on_event = NULL;
    assert_int_equal(xw_ecg_chain_new(&bad, &chain), -EINVAL);
    bad = good;
    bad.mains_hz = 55;
    assert_int_equal(xw_ecg_chain_new(&bad, &chain), -EINVAL);
    assert_null(chain);
    xw_recorder_done(&recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentinels_are_not_seen_as_asystole),
        cmocka_unit_test(rails_are_not_seen_as_asystole),
        cmocka_unit_test(thirty_seconds_of_noise_raise_nothing_and_are_said),
        cmocka_unit_test(baseline_steps_leave_the_rhythm_alone),
        cmocka_unit_test(half_a_millivolt_of_hum_is_no_reason_to_be_blind),
        cmocka_unit_test(wild_counts_do_no_lasting_harm),
        cmocka_unit_test(mixed_signal_keeps_every_event_sound),
        cmocka_unit_test(one_lead_to_eighteen_leads_at_any_rate),
        cmocka_unit_test(wrong_configurations_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
