/* Whatever comes in, at low and high rates, with few and many leads: no alarm is made of it, what
 * cannot be seen is said, and after ten seconds of good signal everything works as before: every
 * beat is found, and a heart that stops is an alarm within five seconds. */
#include "unit/dsp/ward.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

static const struct {
    const char *what;
    xw_spoil_fn spoil;
    const struct xw_ward_format *format;
    bool blind; /* it must say so; else it must go on seeing */
} CASES[] = {
    {"sentinels of 16 bits", xw_spoil_minus_32768, &XW_FORMAT_DECLARED, true},
    {"sentinels of 24 bits", xw_spoil_plus_8388607, &XW_FORMAT_WIDE, true},
    {"sentinels of 16 bits, not declared", xw_spoil_minus_32768, &XW_FORMAT_PLAIN, true},
    {"sentinels of 24 bits, not declared", xw_spoil_plus_8388607, &XW_FORMAT_PLAIN, true},
    {"single invalid values", xw_spoil_now_and_then_invalid, &XW_FORMAT_DECLARED, false},
    {"a rail", xw_spoil_high_rail, &XW_FORMAT_DECLARED, true},
    {"rail to rail", xw_spoil_rail_to_rail, &XW_FORMAT_DECLARED, true},
    {"0.5 mV of 50 Hz", xw_spoil_hum_50, &XW_FORMAT_DECLARED, false},
    {"0.5 mV of 60 Hz", xw_spoil_hum_60, &XW_FORMAT_DECLARED, false},
    {"steps of the baseline", xw_spoil_steps, &XW_FORMAT_DECLARED, false},
    {"noise", xw_spoil_noise, &XW_FORMAT_DECLARED, true},
    {"wild counts", xw_spoil_wild, &XW_FORMAT_PLAIN, true},
};
static const struct {
    unsigned rate_hz, leads_n;
} SHAPES[] = {{100, 1}, {125, 2}, {250, 3}, {360, 2}, {500, 12}, {1000, 18}};

static void half_a_minute_of_anything_is_no_alarm_and_leaves_no_trace(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
        for (size_t k = 0; k < sizeof(SHAPES) / sizeof(SHAPES[0]); k++) {
            struct xw_ward w;
            /* Half the rate is the mains': it is no hum there but a standing wave. */
            if (SHAPES[k].rate_hz <= 125 &&
                (CASES[i].spoil == xw_spoil_hum_50 || CASES[i].spoil == xw_spoil_hum_60))
                continue;
            xw_ward_init(&w, SHAPES[k].rate_hz, SHAPES[k].leads_n, CASES[i].format);
            xw_ward_live(&w, 25, NULL, false);
            int64_t since = w.at - w.rate_hz;
            xw_ward_live(&w, 30, CASES[i].spoil, false);
            xw_ward_assert_silent(&w, CASES[i].what);
            bool blind = xw_ward_said(&w, XW_ECG_KIND_QUALITY, since) > 0;
            if (CASES[i].blind && !blind)
                fail_msg("%s, %u Hz, %u leads: it does not say that it cannot see", CASES[i].what,
                         w.rate_hz, w.leads_n);
            xw_ward_live(&w, 10, NULL, false);
            xw_ward_assert_as_before(&w, CASES[i].what);
            xw_ward_done(&w);
        }
}

/* ---- electrodes ---- */

static void electrodes_one_by_one_and_all(void **state)
{
    (void)state;
    struct xw_ward w;
    xw_ward_init(&w, 500, 12, &XW_FORMAT_DECLARED);
    /* Which rail an electrode goes to is the seed's: here most leads reach one when all are off.
     * Where they lie on the same one the limb leads read nothing, as in a heart that stopped. */
    xw_synth_free(w.patient);
    w.patient = xw_scenario_patient(500, 23, &w.recorder);
    xw_ward_live(&w, 20, NULL, false);
    for (unsigned e = 0; e <= XW_SYNTH_ELECTRODES_N; e++) {
        uint32_t all = (1U << XW_SYNTH_ELECTRODES_N) - 1;
        int64_t since = w.at;
        assert_int_equal(
            xw_synth_set_electrodes_off(w.patient, e < XW_SYNTH_ELECTRODES_N ? 1U << e : all), 0);
        xw_ward_live(&w, 15, NULL, false);
        size_t off = xw_ward_said(&w, XW_ECG_KIND_LEAD_OFF, since);
        if (off + xw_ward_said(&w, XW_ECG_KIND_NOISE, since) == 0)
            fail_msg("electrode %u: nothing is said", e);
        if (e == XW_SYNTH_ELECTRODES_N)
            assert_true(xw_ward_said(&w, XW_ECG_KIND_QUALITY, since) > 0);
        assert_int_equal(xw_synth_set_electrodes_off(w.patient, 0), 0);
        xw_ward_live(&w, 10, NULL, false);
        int64_t first = w.at;
        xw_ward_live(&w, 10, NULL, false);
        xw_ward_assert_silent(&w, "an electrode off");
        xw_ward_assert_every_beat(&w, first, w.at - w.rate_hz, "an electrode off");
    }
    xw_ward_assert_as_before(&w, "all electrodes");
    xw_ward_done(&w);
}

/* The device tells it, whatever the samples are. */
static void leads_said_to_be_off_one_by_one_and_all(void **state)
{
    (void)state;
    struct xw_ward w;
    xw_ward_init(&w, 250, 12, &XW_FORMAT_DECLARED);
    xw_ward_live(&w, 20, NULL, false);
    for (unsigned c = 0; c <= 12; c++) {
        int64_t since = w.at;
        xw_ecg_chain_set_lead_off(w.chain, c < 12 ? 1U << c : 0xfff);
        xw_ward_live(&w, 8, c < 12 ? NULL : xw_spoil_dead, false);
        assert_true(xw_ward_said(&w, XW_ECG_KIND_LEAD_OFF, since) > 0);
        if (c < 12)
            xw_ward_assert_every_beat(&w, since + 2 * w.rate_hz, w.at - w.rate_hz,
                                      "a lead said to be off");
        else
            assert_true(xw_ward_said(&w, XW_ECG_KIND_QUALITY, since) > 0);
        xw_ecg_chain_set_lead_off(w.chain, 0);
        xw_ward_live(&w, 10, NULL, false);
    }
    xw_ward_assert_as_before(&w, "leads said to be off");
    xw_ward_done(&w);
}

/* Compressions shake the cables as the heart stops, and one lead stays good: the noise holds the
 * alarm back for a while, but not for ever. */
static void a_heart_that_stops_as_the_noise_begins_is_heard_of(void **state)
{
    (void)state;
    for (unsigned spared = 0; spared < 3; spared++) {
        struct xw_ward w;
        xw_ward_init(&w, 250, 3, &XW_FORMAT_DECLARED);
        w.spared = 1U << spared;
        xw_ward_live(&w, 30, NULL, false);
        assert_int_equal(xw_synth_set_scene(w.patient, "asystole"), 0);
        int64_t since = w.at;
        xw_ward_live(&w, 40, xw_spoil_noise, false);
        const struct xw_ecg_event *e = xw_recorder_find(
            &w.recorder, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_ASYSTOLE, since - 2 * w.rate_hz);
        assert_non_null(e); /* one lead is good, and it must be said */
        print_message("good lead %u: after %.1f s\n", spared,
                      (double)(e->emitted_at - since) / w.rate_hz);
        assert_true(e->emitted_at - since <= 15 * (int64_t)w.rate_hz);
        xw_ward_done(&w);
    }
}

/* ---- gaps ---- */

static void gaps_anywhere(void **state)
{
    (void)state;
    static const unsigned RATES[] = {100, 250, 500, 1000};
    for (size_t k = 0; k < sizeof(RATES) / sizeof(RATES[0]); k++) {
        struct xw_ward w;
        xw_ward_init(&w, RATES[k], k % 2 ? 3 : 2, &XW_FORMAT_DECLARED);
        w.random += xw_test_seed(31);
        xw_ward_live(&w, 20, NULL, false);
        for (unsigned i = 0; i < 25; i++) {
            double gap_s =
                xw_ward_draw(&w) % 4 ? xw_ward_draw(&w) % 1000 / 1000.0 : xw_ward_draw(&w) % 30;
            double good_s = xw_ward_draw(&w) % 3 ? xw_ward_draw(&w) % 4000 / 1000.0 : 25;
            xw_ward_live(&w, gap_s, NULL, true);
            xw_ecg_chain_gap(w.chain, w.at);
            int64_t since = w.at;
            xw_ward_live(&w, good_s, NULL, false);
            xw_ward_assert_silent(&w, "gaps");
            if (good_s > 12)
                xw_ward_assert_every_beat(&w, since + 10 * w.rate_hz, w.at - w.rate_hz, "gaps");
        }
        xw_ward_live(&w, 10, NULL, false);
        xw_ward_assert_as_before(&w, "gaps");
        xw_ward_done(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_a_minute_of_anything_is_no_alarm_and_leaves_no_trace),
        cmocka_unit_test(electrodes_one_by_one_and_all),
        cmocka_unit_test(leads_said_to_be_off_one_by_one_and_all),
        cmocka_unit_test(a_heart_that_stops_as_the_noise_begins_is_heard_of),
        cmocka_unit_test(gaps_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
