/* Synthetic patients through the whole chain: every scene finds its beats, each injected danger is
 * raised once and in time, nothing is raised without one. */
#include "unit/dsp/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scene_with_beats_finds_them),
        cmocka_unit_test(ten_seconds_from_cold_give_all_beats),
        cmocka_unit_test(beats_are_provisional_and_final_in_time),
        cmocka_unit_test(healthy_hours_raise_no_alarm),
        cmocka_unit_test(asystole_is_raised_once_within_5_s),
        cmocka_unit_test(fibrillation_is_raised_once_within_6_s),
        cmocka_unit_test(ventricular_tachycardia_is_raised),
        cmocka_unit_test(slow_and_fast_rhythms_are_raised_within_8_s),
        cmocka_unit_test(st_elevation_is_noted_with_its_leads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
