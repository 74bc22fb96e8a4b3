/* How the input is cut into calls must not be visible: seeded property test over synthetic
 * patients with changing scenes, electrodes, sentinels, gaps and lead-off flags. */
#include "unit/dsp/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS = 90, CHANNELS = XW_SYNTH_LEADS_N };

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void make_signal(int32_t *x, unsigned rate_hz, uint64_t seed)
{
    static const char *const SCENES[] = {"sinus", "pvc", "vf", "asystole", "af", "vt", "tachy"};
    struct xw_synth *patient = xw_scenario_patient(rate_hz, seed, NULL);
    uint64_t random = seed;
    for (unsigned s = 0; s < SECONDS; s += 10) {
        uint64_t r = next_random(&random);
        struct xw_synth_noise noise;
        xw_synth_get_noise(patient, &noise);
        noise.mains_mv = (float)(r >> 8 & 3) * 0.1F;
        noise.motion_mv = (float)(r >> 10 & 3) * 0.3F;
        assert_int_equal(xw_synth_set_noise(patient, &noise), 0);
        assert_int_equal(xw_synth_set_scene(patient, SCENES[r % 7]), 0);
        assert_int_equal(
            xw_synth_set_electrodes_off(patient, r >> 20 & 0x121 & (uint32_t)(r >> 30)), 0);
        xw_synth_read(patient, x + (size_t)s * rate_hz * CHANNELS, (size_t)10 * rate_hz);
    }
    for (unsigned i = 0; i < 40; i++) { /* holes of sentinels in one lead or all */
        uint64_t r = next_random(&random);
        size_t at = r % ((size_t)SECONDS * rate_hz - 400), n = r >> 32 & 255;
        for (size_t k = at; k < at + n; k++)
            for (unsigned c = 0; c < CHANNELS; c++)
                if ((r >> 60) == 0 || c == (r >> 50) % CHANNELS)
                    x[k * CHANNELS + c] = -32768;
    }
    xw_synth_free(patient);
}

/* Feeds the signal in cuts of 1..largest; at fixed samples a gap, a flag and a reset happen. */
static void run(const int32_t *x, unsigned rate_hz, uint64_t seed, unsigned largest,
                struct xw_recorder *recorder)
{
    struct xw_ecg_config config;
    struct xw_ecg_chain *chain = NULL;
    const size_t marks[] = {(size_t)21 * rate_hz + 7, (size_t)34 * rate_hz + 3,
                            (size_t)47 * rate_hz + 11, (size_t)70 * rate_hz + 1,
                            (size_t)SECONDS * rate_hz};
    xw_recorder_init(recorder);
    xw_scenario_config(&config, rate_hz, recorder);
    assert_int_equal(xw_ecg_chain_new(&config, &chain), 0);
    uint64_t random = seed;
    size_t at = 0;
    for (unsigned m = 0; m < 5; m++) {
        while (at < marks[m]) {
            size_t n = 1 + next_random(&random) % largest;
            n = n < marks[m] - at ? n : marks[m] - at;
            xw_ecg_chain_process(chain, x + at * CHANNELS, n);
            at += n;
        }
        if (m == 0)
            xw_ecg_chain_gap(chain, (int64_t)at + 3 * rate_hz);
        else if (m == 1)
            xw_ecg_chain_set_lead_off(chain, 0x3);
        else if (m == 2)
            xw_ecg_chain_set_lead_off(chain, 0);
        else if (m == 3)
            xw_ecg_chain_gap(chain, (int64_t)at + 30 * rate_hz);
    }
    xw_ecg_chain_flush(chain);
    xw_ecg_chain_free(chain);
}

static void any_cut_gives_the_same_event_bytes(void **state)
{
    (void)state;
    static const unsigned RATES[] = {500, 250, 360, 128, 1000, 257};
    static const unsigned LARGEST[] = {5000, 1, 37};
    uint64_t seed = xw_test_seed(2024);
    for (size_t i = 0; i < sizeof(RATES) / sizeof(RATES[0]); i++) {
        int32_t *x = calloc((size_t)SECONDS * RATES[i] * CHANNELS, sizeof(*x));
        struct xw_recorder whole, cut;
        assert_non_null(x);
        make_signal(x, RATES[i], seed + i);
        run(x, RATES[i], seed, SECONDS * RATES[i], &whole);
        assert_true(whole.n > 50);
        for (size_t k = 0; k < sizeof(LARGEST) / sizeof(LARGEST[0]); k++) {
            run(x, RATES[i], seed + 77 * k, LARGEST[k], &cut);
            assert_int_equal(cut.n, whole.n);
            assert_memory_equal(cut.events, whole.events, whole.n * sizeof(*whole.events));
            xw_recorder_done(&cut);
        }
        printf("%u Hz: %zu events\n", RATES[i], whole.n);
        xw_recorder_done(&whole);
        free(x);
    }
}

static void emissions_never_go_back_in_time(void **state)
{
    (void)state;
    int32_t *x = calloc((size_t)SECONDS * 500 * CHANNELS, sizeof(*x));
    struct xw_recorder all;
    assert_non_null(x);
    make_signal(x, 500, xw_test_seed(99));
    run(x, 500, 1, 200, &all);
    for (size_t i = 1; i < all.n; i++)
        assert_true(all.events[i].emitted_at >= all.events[i - 1].emitted_at);
    int64_t last = -1; /* final beats come in order and never twice */
    for (size_t i = 0; i < all.n; i++) {
        const struct xw_ecg_event *e = &all.events[i];
        if (e->kind != XW_ECG_KIND_BEAT || e->stage != XW_ECG_STAGE_FINAL || e->withdrawn)
            continue;
        assert_true(e->first > last);
        last = e->first;
    }
    xw_recorder_done(&all);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_cut_gives_the_same_event_bytes),
        cmocka_unit_test(emissions_never_go_back_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
