/* Synthetic patients through the whole chain: every scene finds its beats, each injected danger is
 * raised once and in time, nothing is raised without one. */
#include "unit/dsp/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

enum { RATE_HZ = 500 };

struct bed {
    struct xw_recorder recorder;
    struct xw_synth *patient;
    struct xw_ecg_chain *chain;
};

static void bed_init(struct bed *bed, uint64_t seed)
{
    struct xw_ecg_config config;
    xw_recorder_init(&bed->recorder);
    xw_scenario_config(&config, RATE_HZ, &bed->recorder);
    bed->patient = xw_scenario_patient(RATE_HZ, seed, &bed->recorder);
    assert_int_equal(xw_ecg_chain_new(&config, &bed->chain), 0);
}

static void bed_done(struct bed *bed)
{
    xw_ecg_chain_free(bed->chain);
    xw_synth_free(bed->patient);
    xw_recorder_done(&bed->recorder);
}

static void scene(struct bed *bed, const char *name, double seconds)
{
    assert_int_equal(xw_synth_set_scene(bed->patient, name), 0);
    xw_scenario_play(bed->patient, bed->chain, RATE_HZ, seconds);
}

static int64_t now(const struct bed *bed)
{
    return (int64_t)xw_synth_position(bed->patient);
}

static size_t alarms(const struct bed *bed, enum xw_ecg_code code)
{
    return xw_recorder_count(&bed->recorder, XW_ECG_KIND_ALARM, code, 0, INT64_MAX);
}

static double delay_s(const struct bed *bed, enum xw_ecg_code code, int64_t onset)
{
    for (size_t i = 0; i < bed->recorder.n; i++) {
        const struct xw_ecg_event *e = &bed->recorder.events[i];
        if (e->kind == XW_ECG_KIND_ALARM && e->code == code && e->emitted_at >= onset)
            return (double)(e->emitted_at - onset) / RATE_HZ;
    }
    return 1e9;
}

static void every_scene_with_beats_finds_them(void **state)
{
    (void)state;
    static const char *const SCENES[] = {"sinus", "tachy",    "brady",          "pvc",
                                         "apc",   "couplets", "bigeminy",       "af",
                                         "avb1",  "avb2",     "stemi-inferior", "stemi-anterior",
                                         "vt"};
    uint64_t seed = 7;
    for (size_t i = 0; i < sizeof(SCENES) / sizeof(SCENES[0]); i++) {
        struct bed bed;
        size_t missed, extra;
        bed_init(&bed, seed + i);
        scene(&bed, SCENES[i], 60);
        xw_ecg_chain_flush(bed.chain);
        xw_recorder_score(&bed.recorder, RATE_HZ, RATE_HZ / 4, now(&bed) - RATE_HZ / 4, &missed,
                          &extra);
        printf("%s: %zu beats, missed %zu, extra %zu\n", SCENES[i], bed.recorder.truth_n, missed,
               extra);
        assert_int_equal(missed, 0);
        assert_int_equal(extra, 0);
        bed_done(&bed);
    }
}

/* The first beat of a couplet is early, strange and lower than the beat before it, as a T wave is;
 * it is known by the second one. */
static void couplets_of_many_patients_are_found_whole(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 120; seed++) {
        struct bed bed;
        size_t missed, extra;
        bed_init(&bed, seed);
        scene(&bed, "couplets", 60);
        xw_ecg_chain_flush(bed.chain);
        xw_recorder_score(&bed.recorder, RATE_HZ, RATE_HZ / 4, now(&bed) - RATE_HZ / 4, &missed,
                          &extra);
        if (missed || extra)
            printf("seed %llu: missed %zu, extra %zu\n", (unsigned long long)seed, missed, extra);
        assert_int_equal(missed, 0);
        assert_int_equal(extra, 0);
        bed_done(&bed);
    }
}

static void ten_seconds_from_cold_give_all_beats(void **state)
{
    (void)state;
    struct bed bed;
    size_t missed, extra;
    bed_init(&bed, 3);
    scene(&bed, "sinus", 10);
    xw_ecg_chain_flush(bed.chain);
    xw_recorder_score(&bed.recorder, RATE_HZ, RATE_HZ / 4, now(&bed) - RATE_HZ / 4, &missed,
                      &extra);
    assert_int_equal(missed, 0);
    assert_int_equal(extra, 0);
    bed_done(&bed);
}

static void beats_are_provisional_and_final_in_time(void **state)
{
    (void)state;
    struct bed bed;
    bed_init(&bed, 5);
    scene(&bed, "sinus", 60);
    size_t provisional_n = 0;
    for (size_t i = 0; i < bed.recorder.n; i++) {
        const struct xw_ecg_event *e = &bed.recorder.events[i];
        double ms = 1000.0 * (double)(e->emitted_at - e->first) / RATE_HZ;
        if (e->kind != XW_ECG_KIND_BEAT || e->late)
            continue;
        assert_true(ms <= (e->stage == XW_ECG_STAGE_PROVISIONAL ? 150 : 450));
        provisional_n += e->stage == XW_ECG_STAGE_PROVISIONAL;
    }
    assert_true(provisional_n > 50);
    bed_done(&bed);
}

static void healthy_hours_raise_no_alarm(void **state)
{
    (void)state;
    struct bed bed;
    bed_init(&bed, 11);
    scene(&bed, "sinus", 900);
    xw_ecg_chain_flush(bed.chain);
    assert_int_equal(alarms(&bed, XW_ECG_CODE_NONE), 0);
    assert_int_equal(
        xw_recorder_count(&bed.recorder, XW_ECG_KIND_QUALITY, XW_ECG_CODE_NONE, 0, INT64_MAX), 0);
    bed_done(&bed);
}

/* Sinus, then 25 s of danger, then sinus again: one alarm, in time, and its end. */
static void one_danger(const char *name, enum xw_ecg_code code, double limit_s)
{
    uint64_t seed = 21;
    for (uint64_t i = 0; i < 8; i++) {
        struct bed bed;
        bed_init(&bed, seed + i);
        scene(&bed, "sinus", 30 + 0.37 * (double)i);
        int64_t onset = now(&bed);
        scene(&bed, name, 25);
        int64_t end = now(&bed);
        scene(&bed, "sinus", 40);
        xw_ecg_chain_flush(bed.chain);
        double delay = delay_s(&bed, code, onset);
        size_t high_n = 0;
        for (size_t k = 0; k < bed.recorder.n; k++) {
            const struct xw_ecg_event *e = &bed.recorder.events[k];
            bool high = e->kind == XW_ECG_KIND_ALARM && e->priority == XW_ECG_PRIORITY_HIGH;
            high_n += high && e->revision == 0;
            if (high)
                printf("  %s first %.2f end %.2f said %.2f\n", xw_ecg_code_name(e->code),
                       (double)(e->first - onset) / RATE_HZ,
                       e->end == XW_ECG_OPEN ? -1 : (double)(e->end - onset) / RATE_HZ,
                       (double)(e->emitted_at - onset) / RATE_HZ);
        }
        printf("%s seed %llu: said after %.2f s\n", name, (unsigned long long)seed + i, delay);
        assert_int_equal(alarms(&bed, code), 1);
        assert_int_equal(high_n, 1);
        assert_true(delay <= limit_s);
        const struct xw_ecg_event *last = NULL;
        for (size_t k = 0; k < bed.recorder.n; k++)
            if (bed.recorder.events[k].kind == XW_ECG_KIND_ALARM &&
                bed.recorder.events[k].code == code)
                last = &bed.recorder.events[k];
        assert_non_null(last);
        if (!last)
            return;
        assert_true(last->end != XW_ECG_OPEN && last->end < end + 8 * RATE_HZ);
        bed_done(&bed);
    }
}

static void asystole_is_raised_once_within_5_s(void **state)
{
    (void)state;
    one_danger("asystole", XW_ECG_RHYTHM_ASYSTOLE, 6.5); /* 5 s after the last beat */
}

static void fibrillation_is_raised_once_within_6_s(void **state)
{
    (void)state;
    one_danger("vf", XW_ECG_RHYTHM_VF, 6.5);
}

static void ventricular_tachycardia_is_raised(void **state)
{
    (void)state;
    one_danger("vt", XW_ECG_RHYTHM_VT, 8);
}

static void slow_and_fast_rhythms_are_raised_within_8_s(void **state)
{
    (void)state;
    struct bed bed;
    bed_init(&bed, 31);
    scene(&bed, "sinus", 30);
    int64_t onset = now(&bed);
    assert_int_equal(xw_synth_set_rhythm(bed.patient, XW_SYNTH_SINUS, 160), 0);
    xw_scenario_play(bed.patient, bed.chain, RATE_HZ, 30);
    assert_true(delay_s(&bed, XW_ECG_RHYTHM_TACHY, onset) <= 8);
    assert_int_equal(alarms(&bed, XW_ECG_RHYTHM_TACHY), 1);
    assert_int_equal(xw_synth_set_rhythm(bed.patient, XW_SYNTH_SINUS, 70), 0);
    xw_scenario_play(bed.patient, bed.chain, RATE_HZ, 30);
    onset = now(&bed);
    assert_int_equal(xw_synth_set_rhythm(bed.patient, XW_SYNTH_SINUS, 34), 0);
    xw_scenario_play(bed.patient, bed.chain, RATE_HZ, 40);
    assert_true(delay_s(&bed, XW_ECG_RHYTHM_BRADY, onset) <= 8 + 1.8);
    assert_int_equal(alarms(&bed, XW_ECG_RHYTHM_BRADY), 1);
    assert_int_equal(alarms(&bed, XW_ECG_RHYTHM_ASYSTOLE), 0);
    bed_done(&bed);
}

enum { PATIENTS = 12 };

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Where it begins: behind the last beat of all (the one cut off where silence is set counts), or
 * with the first beat after the change. */
static double begin_s(const struct bed *bed, int64_t change, bool silent)
{
    size_t i = bed->recorder.truth_n - 1;
    while (!silent && i > 0 && bed->recorder.truth[i - 1] >= change)
        i--;
    int64_t at = bed->recorder.truth[i];
    for (i = 0; silent && i < bed->recorder.n; i++) {
        const struct xw_ecg_event *e = &bed->recorder.events[i];
        if (e->kind == XW_ECG_KIND_BEAT && !e->withdrawn && e->first > at &&
            e->first < change + RATE_HZ)
            at = e->first;
    }
    return (double)at / RATE_HZ;
}

/* Seconds from there to the alarm, over patients; the largest is returned. */
static double worst_delay(const char *what, enum xw_ecg_code code, float rate_bpm)
{
    double delay[PATIENTS];
    for (unsigned k = 0; k < PATIENTS; k++) {
        struct bed bed;
        bed_init(&bed, 400 + k);
        scene(&bed, "sinus", 20 + 0.37 * k);
        int64_t onset = now(&bed);
        if (rate_bpm > 0)
            assert_int_equal(xw_synth_set_rhythm(bed.patient, XW_SYNTH_SINUS, rate_bpm), 0);
        else
            assert_int_equal(xw_synth_set_scene(bed.patient, "asystole"), 0);
        xw_scenario_play(bed.patient, bed.chain, RATE_HZ, 16);
        delay[k] = delay_s(&bed, code, onset) + (double)onset / RATE_HZ -
                   begin_s(&bed, onset, rate_bpm <= 0);
        bed_done(&bed);
    }
    qsort(delay, PATIENTS, sizeof(delay[0]), by_size);
    printf("%s %.0f/min: median %.2f s, 90 %% %.2f s, largest %.2f s\n", what, (double)rate_bpm,
           delay[PATIENTS / 2], delay[PATIENTS * 9 / 10], delay[PATIENTS - 1]);
    return delay[PATIENTS - 1];
}

static void dangers_of_many_patients_are_raised_in_time(void **state)
{
    (void)state;
    double asystole = worst_delay("asystole", XW_ECG_RHYTHM_ASYSTOLE, 0);
    double slow = worst_delay("slow", XW_ECG_RHYTHM_BRADY, 36);
    double fast = worst_delay("fast", XW_ECG_RHYTHM_TACHY, 150);
    assert_true(asystole <= 5.0);
    assert_true(slow <= 8.0);
    assert_true(fast <= 8.0);
}

static void st_elevation_is_noted_with_its_leads(void **state)
{
    (void)state;
    struct bed bed;
    bed_init(&bed, 41);
    scene(&bed, "sinus", 30);
    assert_int_equal(alarms(&bed, XW_ECG_FINDING_ST_ELEVATION), 0);
    scene(&bed, "stemi-inferior", 40);
    const struct xw_ecg_event *found =
        xw_recorder_find(&bed.recorder, XW_ECG_KIND_ALARM, XW_ECG_FINDING_ST_ELEVATION, 0);
    assert_non_null(found);
    assert_true(found->lead_mask & 1U << XW_SYNTH_II);
    assert_true(found->lead_mask & 1U << XW_SYNTH_AVF);
    assert_int_equal(found->priority, XW_ECG_PRIORITY_LOW);
    bed_done(&bed);
}

/* The last ST measurement. */
static const struct xw_ecg_event *last_st(const struct bed *bed)
{
    for (size_t i = bed->recorder.n; i-- > 0;)
        if (bed->recorder.events[i].code == XW_ECG_MEASURE_ST)
            return &bed->recorder.events[i];
    return NULL;
}

static void in_atrial_fibrillation_no_st_level_is_measured(void **state)
{
    (void)state;
    for (uint64_t seed = 51; seed < 55; seed++) {
        struct bed bed;
        bed_init(&bed, seed);
        scene(&bed, "sinus", 30);
        const struct xw_ecg_event *st = last_st(&bed);
        assert_true(st && st->lead_mask);
        scene(&bed, "af", 120);
        st = last_st(&bed);
        assert_true(st && !st->lead_mask && st->evidence_n == 1);
        assert_int_equal(st->evidence[0].id, XW_ECG_VALUE_RR_SPREAD);
        assert_true(st->evidence[0].measured > 0.7F * st->evidence[0].limit);
        assert_int_equal(alarms(&bed, XW_ECG_FINDING_ST_ELEVATION), 0);
        scene(&bed, "sinus", 40);
        st = last_st(&bed);
        assert_true(st && st->lead_mask);
        bed_done(&bed);
    }
}

static const struct xw_ecg_evidence *evidence_of(const struct xw_ecg_event *e,
                                                 enum xw_ecg_value_id id)
{
    for (uint32_t i = 0; i < e->evidence_n; i++)
        if (e->evidence[i].id == id)
            return &e->evidence[i];
    return NULL;
}

static void fibrillation_says_what_it_rests_on_and_beats_are_named_soon_after_it(void **state)
{
    (void)state;
    for (uint64_t seed = 61; seed < 65; seed++) {
        struct bed bed;
        bed_init(&bed, seed);
        scene(&bed, "sinus", 40);
        scene(&bed, "vf", 20);
        const struct xw_ecg_event *vf =
            xw_recorder_find(&bed.recorder, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_VF, 0);
        assert_non_null(vf);
        if (!vf)
            return;
        const struct xw_ecg_evidence *score = evidence_of(vf, XW_ECG_VALUE_VF_SCORE);
        assert_true(score && score->measured > score->limit);
        assert_non_null(evidence_of(vf, XW_ECG_VALUE_VF_LEAKAGE));
        assert_non_null(evidence_of(vf, XW_ECG_VALUE_BEATS_N));
        assert_int_equal(__builtin_popcount(vf->lead_mask), 2);
        assert_true(vf->hr_bpm <= 0);
        int64_t over = now(&bed);
        scene(&bed, "sinus", 30);
        size_t unknown_n = 0;
        double named_s = 0;
        for (size_t i = 0; i < bed.recorder.n; i++) {
            const struct xw_ecg_event *e = &bed.recorder.events[i];
            if (e->kind == XW_ECG_KIND_BEAT && e->stage == XW_ECG_STAGE_FINAL && !e->withdrawn &&
                e->first >= over && e->code == XW_ECG_BEAT_UNKNOWN) {
                unknown_n++;
                named_s = (double)(e->first - over) / RATE_HZ;
            }
        }
        printf("seed %llu: %zu beats unnamed, the last %.1f s after\n", (unsigned long long)seed,
               unknown_n, named_s);
        assert_true(named_s < 4);
        bed_done(&bed);
    }
}

/* Exercise, fever, a child: 70 to 190/min within a minute, its own narrow beats all the way. Named
 * is how fast it is, and nothing that it is not. */
static void a_heart_that_becomes_faster_is_named_fast_only(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct bed bed;
        bed_init(&bed, xw_test_seed(0) + seed);
        assert_int_equal(xw_synth_set_rhythm(bed.patient, XW_SYNTH_SINUS, 70), 0);
        xw_scenario_play(bed.patient, bed.chain, RATE_HZ, 30);
        for (int s = 1; s <= 60; s++) {
            assert_int_equal(xw_synth_set_rate(bed.patient, 70 + 2 * (float)s), 0);
            xw_scenario_play(bed.patient, bed.chain, RATE_HZ, 1);
        }
        xw_scenario_play(bed.patient, bed.chain, RATE_HZ, 60);
        assert_int_equal(alarms(&bed, XW_ECG_RHYTHM_VF), 0);
        assert_int_equal(alarms(&bed, XW_ECG_RHYTHM_VT), 0);
        assert_int_equal(alarms(&bed, XW_ECG_RHYTHM_SVT), 0);
        assert_int_equal(alarms(&bed, XW_ECG_RHYTHM_ASYSTOLE), 0);
        assert_int_equal(alarms(&bed, XW_ECG_RHYTHM_TACHY), 1);
        assert_int_equal(alarms(&bed, XW_ECG_FINDING_ST_ELEVATION), 0);
        bed_done(&bed);
    }
}

/* What P and T waves do to the levels of a fast heart is no infarction; an infarction is one at any
 * rate. */
static void st_elevation_is_that_of_the_segment_at_any_rate(void **state)
{
    static const float BPM[] = {60, 100, 130, 160};
    (void)state;
    for (unsigned i = 0; i < sizeof(BPM) / sizeof(BPM[0]); i++) {
        unsigned found_n = 0, false_n = 0;
        for (uint64_t seed = 1; seed <= 6; seed++) {
            for (int ill = 0; ill < 2; ill++) {
                struct bed bed;
                bed_init(&bed, xw_test_seed(0) + seed);
                assert_int_equal(xw_synth_set_rhythm(bed.patient, XW_SYNTH_SINUS, 70), 0);
                assert_int_equal(xw_synth_set_rate(bed.patient, BPM[i]), 0);
                xw_scenario_play(bed.patient, bed.chain, RATE_HZ, 20);
                if (ill)
                    assert_int_equal(xw_synth_set_st(bed.patient, XW_SYNTH_ST_INFERIOR, 0.3F), 0);
                xw_scenario_play(bed.patient, bed.chain, RATE_HZ, 90);
                *(ill ? &found_n : &false_n) += alarms(&bed, XW_ECG_FINDING_ST_ELEVATION) > 0;
                bed_done(&bed);
            }
        }
        printf("%.0f/min: %u of 6 infarctions found, %u false\n", (double)BPM[i], found_n, false_n);
        assert_int_equal(false_n, 0);
        assert_int_equal(found_n, 6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scene_with_beats_finds_them),
        cmocka_unit_test(couplets_of_many_patients_are_found_whole),
        cmocka_unit_test(ten_seconds_from_cold_give_all_beats),
        cmocka_unit_test(beats_are_provisional_and_final_in_time),
        cmocka_unit_test(healthy_hours_raise_no_alarm),
        cmocka_unit_test(asystole_is_raised_once_within_5_s),
        cmocka_unit_test(fibrillation_is_raised_once_within_6_s),
        cmocka_unit_test(ventricular_tachycardia_is_raised),
        cmocka_unit_test(slow_and_fast_rhythms_are_raised_within_8_s),
        cmocka_unit_test(dangers_of_many_patients_are_raised_in_time),
        cmocka_unit_test(a_heart_that_becomes_faster_is_named_fast_only),
        cmocka_unit_test(st_elevation_is_that_of_the_segment_at_any_rate),
        cmocka_unit_test(st_elevation_is_noted_with_its_leads),
        cmocka_unit_test(in_atrial_fibrillation_no_st_level_is_measured),
        cmocka_unit_test(fibrillation_says_what_it_rests_on_and_beats_are_named_soon_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
