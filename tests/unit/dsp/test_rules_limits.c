/* Every limit of the rule list from both sides: just within it nothing is raised, just beyond it
 * the alarm comes, with the priority, limit and list that were set. Beats go straight into the
 * alarm machine, so that an interval is exactly what is written here (1000 samples a second). */
#include "dsp/ecg/st.h"
#include "unit/dsp/rules_bench.h"
#include "unit/dsp/scenario.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void asystole_after_the_silence_that_is_set(void **state)
{
    (void)state;
    struct xw_rules_bench *b = xw_rules_bench_new();
    static const float LIMITS[] = {3, 6.5F, 10};
    for (size_t i = 0; i < 3; i++) {
        b->rules.asystole_s = LIMITS[i];
        xw_rules_begin(b);
        xw_rules_normal(b, 5, 800);
        int64_t last = b->emit.now;
        b->emit.now = last + (int64_t)(1000 * LIMITS[i]) + 440; /* margin 0.45 s */
        xw_ecg_alarm_tick(&b->alarm, &b->emit, &b->vf, false, false);
        assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_ASYSTOLE));
        b->emit.now += 20;
        xw_ecg_alarm_tick(&b->alarm, &b->emit, &b->vf, false, false);
        xw_rules_assert_raised(b, XW_ECG_RHYTHM_ASYSTOLE, XW_ECG_PRIORITY_HIGH, LIMITS[i]);
    }
    test_free(b);
}

static void bradycardia_below_its_rate_after_its_beats_until_its_end(void **state)
{
    (void)state;
    struct xw_rules_bench *b = xw_rules_bench_new();
    b->rules.brady_bpm = 50; /* 1200 ms */
    b->rules.brady_end_bpm = 60;
    b->rules.brady_beats_n = 8;
    b->rules.brady_priority = XW_ECG_PRIORITY_MEDIUM;
    xw_rules_begin(b);
    xw_rules_normal(b, 20, 1199);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_BRADY));
    xw_rules_begin(b);
    xw_rules_normal(b, 7, 1201);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_BRADY));
    xw_rules_normal(b, 1, 1201);
    xw_rules_assert_raised(b, XW_ECG_RHYTHM_BRADY, XW_ECG_PRIORITY_MEDIUM, 50);
    xw_rules_normal(b, 6, 1001); /* 59.9: not over */
    assert_true(xw_rules_alarm(b, XW_ECG_RHYTHM_BRADY)->end == XW_ECG_OPEN);
    xw_rules_normal(b, 6, 999);
    assert_true(xw_rules_alarm(b, XW_ECG_RHYTHM_BRADY)->end != XW_ECG_OPEN);
    test_free(b);
}

static void tachycardia_above_its_rate_after_its_beats_until_its_end(void **state)
{
    (void)state;
    struct xw_rules_bench *b = xw_rules_bench_new();
    b->rules.tachy_bpm = 120; /* 500 ms */
    b->rules.tachy_end_bpm = 100;
    b->rules.tachy_beats_n = 10;
    b->rules.tachy_priority = XW_ECG_PRIORITY_LOW;
    xw_rules_begin(b);
    xw_rules_normal(b, 30, 501);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_TACHY));
    xw_rules_begin(b);
    xw_rules_normal(b, 9, 499);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_TACHY));
    xw_rules_normal(b, 1, 499);
    xw_rules_assert_raised(b, XW_ECG_RHYTHM_TACHY, XW_ECG_PRIORITY_LOW, 120);
    xw_rules_normal(b, 12, 599); /* 100.2: not over */
    assert_true(xw_rules_alarm(b, XW_ECG_RHYTHM_TACHY)->end == XW_ECG_OPEN);
    xw_rules_normal(b, 12, 601);
    assert_true(xw_rules_alarm(b, XW_ECG_RHYTHM_TACHY)->end != XW_ECG_OPEN);
    b->rules.tachy_beats_n = 31; /* the most that is allowed is still seen */
    xw_rules_begin(b);
    xw_rules_normal(b, 30, 499);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_TACHY));
    xw_rules_normal(b, 1, 499);
    assert_non_null(xw_rules_alarm(b, XW_ECG_RHYTHM_TACHY));
    test_free(b);
}

/* The rate before is close to that of the run: the rule for strange shapes stays out of it. */
static void ventricular_tachycardia_above_its_rate_after_its_beats(void **state)
{
    (void)state;
    struct xw_rules_bench *b = xw_rules_bench_new();
    b->rules.vt_bpm = 120;
    b->rules.vt_beats_n = 7;
    b->rules.vt_priority = XW_ECG_PRIORITY_MEDIUM;
    xw_rules_begin(b);
    xw_rules_normal(b, 10, 510);
    xw_rules_ventricular(b, 20, 501);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_VT));
    xw_rules_begin(b);
    xw_rules_normal(b, 10, 510);
    xw_rules_ventricular(b, 6, 499);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_VT));
    xw_rules_ventricular(b, 1, 499);
    xw_rules_assert_raised(b, XW_ECG_RHYTHM_VT, XW_ECG_PRIORITY_MEDIUM, 120);
    test_free(b);
}

static void a_run_of_strange_shapes_after_its_beats(void **state)
{
    (void)state;
    struct xw_rules_bench *b = xw_rules_bench_new();
    b->rules.vt_bpm = 140; /* 428.6 ms */
    b->rules.vt_strange_n = 6;
    b->rules.tachy_bpm = 240;
    xw_rules_begin(b);
    xw_rules_normal(b, 10, 800);
    xw_rules_beats(b, 20, 430, XW_ECG_BEAT_UNKNOWN, 0.3F);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_VT));
    xw_rules_begin(b);
    xw_rules_normal(b, 10, 800);
    xw_rules_beats(b, 5, 427, XW_ECG_BEAT_UNKNOWN, 0.3F);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_VT));
    xw_rules_beats(b, 1, 427, XW_ECG_BEAT_UNKNOWN, 0.3F);
    xw_rules_assert_raised(b, XW_ECG_RHYTHM_VT, XW_ECG_PRIORITY_HIGH, 6);
    assert_string_equal(xw_rules_alarm(b, XW_ECG_RHYTHM_VT)->rule, "strange-run");
    test_free(b);
}

static void a_short_run_from_its_beats_on_or_not_at_all(void **state)
{
    (void)state;
    struct xw_rules_bench *b = xw_rules_bench_new();
    b->rules.vt_beats_n = 6;
    b->rules.run_beats_n = 4;
    b->rules.run_priority = XW_ECG_PRIORITY_LOW;
    for (unsigned n = 3; n <= 4; n++) {
        xw_rules_begin(b);
        xw_rules_normal(b, 10, 520);
        xw_rules_ventricular(b, n, 500);
        xw_rules_normal(b, 2, 520);
        if (n < 4)
            assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_VRUN));
        else
            xw_rules_assert_raised(b, XW_ECG_RHYTHM_VRUN, XW_ECG_PRIORITY_LOW, 4);
    }
    b->rules.run_priority = XW_ECG_PRIORITY_NONE;
    xw_rules_begin(b);
    xw_rules_normal(b, 10, 520);
    xw_rules_ventricular(b, 5, 500);
    xw_rules_normal(b, 2, 520);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_VRUN));
    test_free(b);
}

static void a_pause_beyond_its_interval_or_not_at_all(void **state)
{
    (void)state;
    struct xw_rules_bench *b = xw_rules_bench_new();
    b->rules.pause_s = 3;
    b->rules.pause_priority = XW_ECG_PRIORITY_HIGH;
    xw_rules_begin(b);
    xw_rules_normal(b, 5, 800);
    xw_rules_normal(b, 1, 3000);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_PAUSE));
    xw_rules_normal(b, 5, 800);
    xw_rules_normal(b, 1, 3001);
    xw_rules_assert_raised(b, XW_ECG_RHYTHM_PAUSE, XW_ECG_PRIORITY_HIGH, 3000);
    b->rules.pause_priority = XW_ECG_PRIORITY_NONE;
    xw_rules_begin(b);
    xw_rules_normal(b, 5, 800);
    xw_rules_normal(b, 1, 3001);
    assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_PAUSE));
    test_free(b);
}

static void bigeminy_and_trigeminy_after_their_repetitions(void **state)
{
    (void)state;
    struct xw_rules_bench *b = xw_rules_bench_new();
    for (unsigned period = 2; period <= 3; period++)
        for (unsigned repeats = 3; repeats <= 8; repeats++) {
            enum xw_ecg_code code = period == 2 ? XW_ECG_RHYTHM_BIGEMINY : XW_ECG_RHYTHM_TRIGEMINY;
            b->rules.pattern_repeats_n = (float)repeats;
            xw_rules_begin(b);
            xw_rules_normal(b, period + 2, 800); /* more in a row than the pattern has */
            unsigned n = 0; /* beats that keep to the pattern, period - 1 normal ones before it */
            for (n = period - 1; n + 1 < repeats * period; n++)
                if (n % period == period - 1)
                    xw_rules_ventricular(b, 1, 800);
                else
                    xw_rules_normal(b, 1, 800);
            assert_null(xw_rules_find(b, XW_ECG_KIND_RHYTHM, code));
            xw_rules_ventricular(b, 1, 800);
            assert_non_null(xw_rules_find(b, XW_ECG_KIND_RHYTHM, code));
        }
    test_free(b);
}

static void fibrillation_after_the_seconds_that_are_set(void **state)
{
    (void)state;
    struct xw_rules_bench *b = xw_rules_bench_new();
    for (unsigned confirm_s = 0; confirm_s <= 3; confirm_s++) {
        b->rules.vf_confirm_s = (float)confirm_s;
        xw_rules_begin(b);
        xw_rules_normal(b, 5, 800);
        b->vf.active = b->vf.now = true;
        b->vf.lead[0] = b->vf.lead[1] = -1;
        for (unsigned s = 0; s <= confirm_s; s++) {
            assert_null(xw_rules_alarm(b, XW_ECG_RHYTHM_VF));
            b->emit.now += 1000;
            xw_ecg_alarm_vf(&b->alarm, &b->emit, &b->vf);
        }
        xw_rules_assert_raised(b, XW_ECG_RHYTHM_VF, XW_ECG_PRIORITY_HIGH, 150);
    }
    test_free(b);
}

/* Neighbours at a level for ten seconds; V2 and V3 have a limit of their own. */
static bool st_is_said(struct xw_rules_bench *b, enum xw_ecg_lead first, enum xw_ecg_lead second,
                       float uv, unsigned beats_n)
{
    struct xw_ecg_config config = {.channels_n = 2};
    struct xw_ecg_st *st = test_calloc(1, sizeof(*st));
    config.channels[0].lead = first;
    config.channels[1].lead = second;
    xw_rules_begin(b);
    xw_ecg_st_init(st, &config);
    for (unsigned i = 0; i < beats_n; i++)
        for (unsigned c = 0; c < 2; c++)
            xw_dsp_median_push(&st->level[c], uv);
    for (unsigned s = 0; s < XW_ECG_ST_EVERY_S; s++)
        xw_ecg_st_second(st, &b->emit, 3);
    test_free(st);
    return xw_rules_alarm(b, XW_ECG_FINDING_ST_ELEVATION) != NULL;
}

static void st_elevation_from_its_level_on_or_not_at_all(void **state)
{
    (void)state;
    struct xw_rules_bench *b = xw_rules_bench_new();
    b->rules.st_elevation_uv = 150;
    b->rules.st_elevation_v23_uv = 300;
    b->rules.st_beats_n = 5;
    b->rules.st_priority = XW_ECG_PRIORITY_MEDIUM;
    assert_false(st_is_said(b, XW_ECG_LEAD_II, XW_ECG_LEAD_AVF, 149, 9));
    assert_true(st_is_said(b, XW_ECG_LEAD_II, XW_ECG_LEAD_AVF, 150, 9));
    xw_rules_assert_raised(b, XW_ECG_FINDING_ST_ELEVATION, XW_ECG_PRIORITY_MEDIUM, 150);
    assert_false(st_is_said(b, XW_ECG_LEAD_V2, XW_ECG_LEAD_V3, 299, 9));
    assert_true(st_is_said(b, XW_ECG_LEAD_V2, XW_ECG_LEAD_V3, 300, 9));
    assert_false(st_is_said(b, XW_ECG_LEAD_II, XW_ECG_LEAD_AVF, 400, 4));
    assert_true(st_is_said(b, XW_ECG_LEAD_II, XW_ECG_LEAD_AVF, 400, 5));
    b->rules.st_priority = XW_ECG_PRIORITY_NONE;
    assert_false(st_is_said(b, XW_ECG_LEAD_II, XW_ECG_LEAD_AVF, 400, 9));
    test_free(b);
}

/* RR without any order; the beat at which fibrillation is named, 0 = never. */
static unsigned af_named_at(float certainty)
{
    struct xw_ecg_af *af = test_calloc(1, sizeof(*af));
    uint64_t random = 88172645463325252U;
    int64_t at = 0;
    unsigned named = 0;
    xw_ecg_af_init(af, NULL, 1000);
    af->limit = certainty;
    for (unsigned i = 1; i < 400 && !named; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        float rr_ms = 450 + (float)(random % 600);
        at += (int64_t)rr_ms;
        if (xw_ecg_af_beat(af, at, rr_ms, true) && af->active)
            named = i;
    }
    test_free(af);
    return named;
}

static void atrial_fibrillation_is_named_later_for_more_certainty(void **state)
{
    (void)state;
    unsigned soon = af_named_at(1), usual = af_named_at(3), late = af_named_at(10);
    assert_true(soon > 0 && soon <= usual && usual < late);
}

/* ---- through the chain ---- */

static void play(struct xw_ecg_chain *chain, struct xw_synth *patient, double seconds)
{
    xw_scenario_play(patient, chain, 500, seconds);
}

static void the_chain_takes_rules_refuses_wrong_ones_and_says_which_are_in_force(void **state)
{
    (void)state;
    struct xw_recorder r;
    struct xw_ecg_config config;
    struct xw_ecg_rules rules;
    struct xw_ecg_chain *chain = NULL;
    struct xw_ecg_run run;
    char hash[XW_ECG_RULES_HASH_BYTES];
    xw_recorder_init(&r);
    xw_scenario_config(&config, 500, &r);
    xw_ecg_rules_default(&rules);
    rules.brady_bpm = 61;
    config.rules = &rules;
    assert_int_equal(xw_ecg_chain_new(&config, &chain), -EINVAL);
    rules.brady_bpm = 40;
    rules.version = 9;
    xw_ecg_rules_hash(&rules, hash);
    assert_int_equal(xw_ecg_chain_new(&config, &chain), 0);
    rules.tachy_bpm = 100; /* a copy was taken; and the end is above it now */
    assert_int_equal(xw_ecg_chain_set_rules(chain, &rules), -EINVAL);
    xw_ecg_chain_run(chain, &run);
    assert_true(run.has_rules);
    assert_int_equal(run.rules_version, 9);
    assert_string_equal(run.rules_hash, hash);

    struct xw_synth *patient = xw_scenario_patient(500, xw_test_seed(3), &r);
    assert_int_equal(xw_synth_set_rhythm(patient, XW_SYNTH_SINUS, 115), 0);
    play(chain, patient, 40);
    assert_int_equal(xw_recorder_count(&r, XW_ECG_KIND_ALARM, 0, 0, INT64_MAX), 0);
    rules.version = 10;
    rules.tachy_end_bpm = 90;
    rules.tachy_priority = XW_ECG_PRIORITY_MEDIUM;
    assert_int_equal(xw_ecg_chain_set_rules(chain, &rules), 0);
    play(chain, patient, 20);
    const struct xw_ecg_event *event =
        xw_recorder_find(&r, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_TACHY, 0);
    assert_non_null(event);
    assert_int_equal(event->priority, XW_ECG_PRIORITY_MEDIUM);
    assert_int_equal(event->rules_version, 10);
    event = xw_recorder_find(&r, XW_ECG_KIND_RHYTHM, XW_ECG_RHYTHM_NORMAL, 0);
    assert_int_equal(event->rules_version, 9);
    xw_ecg_chain_run(chain, &run);
    assert_int_equal(run.rules_version, 10);
    xw_synth_free(patient);
    xw_ecg_chain_free(chain);
    xw_recorder_done(&r);
}

static void blindness_has_the_priority_that_is_set(void **state)
{
    (void)state;
    static const enum xw_ecg_priority WANTED[] = {XW_ECG_PRIORITY_TECHNICAL,
                                                  XW_ECG_PRIORITY_MEDIUM};
    int32_t rows[500 * XW_SYNTH_LEADS_N];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        rows[i] = -32768;
    for (size_t i = 0; i < 2; i++) {
        struct xw_recorder r;
        struct xw_ecg_config config;
        struct xw_ecg_rules rules;
        struct xw_ecg_chain *chain = NULL;
        xw_recorder_init(&r);
        xw_scenario_config(&config, 500, &r);
        xw_ecg_rules_default(&rules);
        rules.cannot_see_priority = WANTED[i];
        config.rules = &rules;
        assert_int_equal(xw_ecg_chain_new(&config, &chain), 0);
        for (int s = 0; s < 5; s++)
            xw_ecg_chain_process(chain, rows, 500);
        const struct xw_ecg_event *event =
            xw_recorder_find(&r, XW_ECG_KIND_QUALITY, XW_ECG_QUALITY_CANNOT_SEE, 0);
        assert_non_null(event);
        assert_int_equal(event->priority, WANTED[i]);
        event = xw_recorder_find(&r, XW_ECG_KIND_LEAD_OFF, XW_ECG_QUALITY_LEAD_OFF, 0);
        assert_int_equal(event->priority, XW_ECG_PRIORITY_TECHNICAL);
        xw_ecg_chain_free(chain);
        xw_recorder_done(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asystole_after_the_silence_that_is_set),
        cmocka_unit_test(bradycardia_below_its_rate_after_its_beats_until_its_end),
        cmocka_unit_test(tachycardia_above_its_rate_after_its_beats_until_its_end),
        cmocka_unit_test(ventricular_tachycardia_above_its_rate_after_its_beats),
        cmocka_unit_test(a_run_of_strange_shapes_after_its_beats),
        cmocka_unit_test(a_short_run_from_its_beats_on_or_not_at_all),
        cmocka_unit_test(a_pause_beyond_its_interval_or_not_at_all),
        cmocka_unit_test(bigeminy_and_trigeminy_after_their_repetitions),
        cmocka_unit_test(fibrillation_after_the_seconds_that_are_set),
        cmocka_unit_test(st_elevation_from_its_level_on_or_not_at_all),
        cmocka_unit_test(atrial_fibrillation_is_named_later_for_more_certainty),
        cmocka_unit_test(the_chain_takes_rules_refuses_wrong_ones_and_says_which_are_in_force),
        cmocka_unit_test(blindness_has_the_priority_that_is_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
