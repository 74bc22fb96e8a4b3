/* Names of rhythms: both sides of each threshold with beats made to measure, and the scenes of
 * synthetic patients through the whole chain. */
#include "dsp/ecg/alarm.h"
#include "dsp/ecg/pattern.h"
#include "dsp/ecg/tables.h"
#include "unit/dsp/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define T xw_ecg_tables

enum { RATE_HZ = 500 };

/* Beats made to measure, through the two modules that name them. */
struct strip {
    struct xw_recorder recorder;
    struct xw_ecg_rules rules;
    struct xw_ecg_emit emit;
    struct xw_ecg_pattern pattern;
    struct xw_ecg_alarm alarm;
    struct xw_ecg_vf vf;
    int64_t at;
    bool begun;
};

static void strip_init(struct strip *s)
{
    memset(s, 0, sizeof(*s));
    xw_recorder_init(&s->recorder);
    s->emit.on_event = xw_recorder_on_event;
    s->emit.user = &s->recorder;
    s->emit.rate_hz = RATE_HZ;
    xw_ecg_rules_default(&s->rules);
    xw_ecg_emit_rules(&s->emit, &s->rules);
    xw_ecg_alarm_init(&s->alarm);
    xw_ecg_alarm_reset(&s->alarm, 0);
}

static int64_t beat(struct strip *s, char label, float rr_ms)
{
    enum xw_ecg_code code = label == 'V'   ? XW_ECG_BEAT_VENTRICULAR
                            : label == 'S' ? XW_ECG_BEAT_SUPRAVENTRICULAR
                                           : XW_ECG_BEAT_NORMAL;
    s->at += lround((double)rr_ms * RATE_HZ / 1000);
    s->emit.now = s->at + RATE_HZ / 4;
    struct xw_ecg_alarm_beat a = {.at = s->at,
                                  .rr_ms = s->begun ? rr_ms : 0,
                                  .code = code,
                                  .known = true,
                                  .match = 1,
                                  .likeness = label == 'V' ? 0 : 1,
                                  .width_ms = label == 'V' ? 140 : 90,
                                  .confidence = 0.8F};
    struct xw_ecg_pattern_beat b = {
        .at = s->at, .rr_ms = a.rr_ms, .width_ms = a.width_ms, .confidence = 0.8F, .code = code};
    s->begun = true;
    xw_ecg_alarm_beat(&s->alarm, &s->emit, &s->vf, &a);
    b.covered = s->alarm.vt.open;
    xw_ecg_pattern_beat(&s->pattern, &s->emit, &b);
    if (s->alarm.vt.open)
        xw_ecg_pattern_cover(&s->pattern, s->alarm.vt.event.first, s->at);
    return s->at;
}

static void beats(struct strip *s, const char *labels, float rr_ms)
{
    for (; *labels; labels++)
        beat(s, *labels, rr_ms);
}

static size_t named(const struct strip *s, enum xw_ecg_code code)
{
    return xw_recorder_count(&s->recorder, XW_ECG_KIND_ALARM, code, 0, INT64_MAX);
}

static const struct xw_ecg_event *word(const struct strip *s, enum xw_ecg_code code)
{
    const struct xw_ecg_event *e = xw_recorder_find(&s->recorder, XW_ECG_KIND_ALARM, code, 0);
    assert_non_null(e);
    return e;
}

static float measured(const struct xw_ecg_event *e, enum xw_ecg_value_id id, float *ret_limit)
{
    for (unsigned i = 0; i < e->evidence_n; i++)
        if (e->evidence[i].id == id) {
            *ret_limit = e->evidence[i].limit;
            return e->evidence[i].measured;
        }
    fail_msg("no evidence %s", xw_ecg_value_name(id));
    return 0;
}

static void two_ventricular_beats_are_a_couplet_one_is_not_three_are_a_run(void **state)
{
    (void)state;
    static const struct {
        const char *labels;
        size_t couplets, runs;
    } CASES[] = {{"V", 0, 0}, {"VV", 1, 0}, {"VVV", 0, 1}, {"VNV", 0, 0}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct strip s;
        strip_init(&s);
        beats(&s, "NNNNNN", 800);
        int64_t before = s.at;
        beats(&s, CASES[i].labels, 500);
        int64_t last = s.at;
        beats(&s, "NNN", 800);
        assert_int_equal(named(&s, XW_ECG_RHYTHM_COUPLET), CASES[i].couplets);
        assert_int_equal(named(&s, XW_ECG_RHYTHM_VRUN), CASES[i].runs);
        if (CASES[i].couplets + CASES[i].runs) {
            const struct xw_ecg_event *e =
                word(&s, CASES[i].couplets ? XW_ECG_RHYTHM_COUPLET : XW_ECG_RHYTHM_VRUN);
            float limit, n = measured(e, XW_ECG_VALUE_BEATS_N, &limit);
            assert_int_equal(e->first, before + RATE_HZ / 2);
            assert_int_equal(e->end, last + 1);
            assert_int_equal((int)n, (int)strlen(CASES[i].labels));
            assert_int_equal((int)limit, CASES[i].couplets ? 2 : (int)T.run_beats_n);
            assert_int_equal((int)lroundf(measured(e, XW_ECG_VALUE_RATE_BPM, &limit)), 120);
            assert_true(e->confidence > 0 && e->confidence < 1);
            assert_true(e->priority == XW_ECG_PRIORITY_LOW || e->code == XW_ECG_RHYTHM_VRUN);
        }
        xw_recorder_done(&s.recorder);
    }
}

static void a_run_slower_than_its_limit_is_an_escape_rhythm(void **state)
{
    (void)state;
    for (int above = 0; above < 2; above++) {
        struct strip s;
        strip_init(&s);
        beats(&s, "NNNNNN", 1500);
        beats(&s, "VVVV", 60000 / (T.run_bpm + (above ? 2 : -2)));
        beats(&s, "NNN", 1500);
        assert_int_equal(named(&s, XW_ECG_RHYTHM_VRUN), above);
        xw_recorder_done(&s.recorder);
    }
}

static void a_fast_run_of_five_is_tachycardia_and_no_run_beside_it(void **state)
{
    (void)state;
    for (int above = 0; above < 2; above++) {
        struct strip s;
        strip_init(&s);
        beats(&s, "NNNNNN", 800);
        beats(&s, "VVVVVV", 60000 / (T.vt_bpm + (above ? 5 : -5)));
        beats(&s, "NNNNNNN", 800);
        assert_int_equal(named(&s, XW_ECG_RHYTHM_VT), above);
        assert_int_equal(named(&s, XW_ECG_RHYTHM_VRUN), !above);
        xw_recorder_done(&s.recorder);
    }
}

static void tachycardia_is_sustained_from_its_limit_on(void **state)
{
    (void)state;
    for (int above = 0; above < 2; above++) {
        struct strip s;
        strip_init(&s);
        beats(&s, "NNNNNN", 800);
        float seconds = T.vt_sustained_s + (above ? 1 : -1);
        for (int i = 0; i < (int)(seconds / 0.4F) + 1; i++) {
            beat(&s, 'V', 400);
            xw_ecg_alarm_tick(&s.alarm, &s.emit, &s.vf, false, false);
        }
        size_t words = 0;
        float limit, duration = 0;
        beats(&s, "NNNNN", 800);
        for (size_t i = 0; i < s.recorder.n; i++) {
            const struct xw_ecg_event *e = &s.recorder.events[i];
            if (e->kind != XW_ECG_KIND_ALARM || e->code != XW_ECG_RHYTHM_VT)
                continue;
            words++;
            if (e->revision)
                duration = measured(e, XW_ECG_VALUE_DURATION_S, &limit);
        }
        assert_int_equal(named(&s, XW_ECG_RHYTHM_VT), 1);
        assert_int_equal(words, above ? 3 : 2); /* onset, sustained, end */
        assert_true((duration >= T.vt_sustained_s) == (bool)above);
        xw_recorder_done(&s.recorder);
    }
}

static void r_on_t_begins_before_the_t_wave_ends(void **state)
{
    (void)state;
    float usual = 1000, t_end = 1000 * T.ront_qt_s, half = 70;
    const struct {
        float rr_ms;
        size_t n;
    } cases[] = {{t_end + half - 6, 1}, {t_end + half + 6, 0}};
    for (size_t i = 0; i < 2; i++) {
        struct strip s;
        strip_init(&s);
        beats(&s, "NNNNNN", usual);
        int64_t before = s.at, at = beat(&s, 'V', cases[i].rr_ms);
        beats(&s, "NNN", usual);
        assert_int_equal(named(&s, XW_ECG_RHYTHM_R_ON_T), cases[i].n);
        if (cases[i].n) {
            const struct xw_ecg_event *e = word(&s, XW_ECG_RHYTHM_R_ON_T);
            assert_true(e->first == before && e->end == at + 1);
        }
        xw_recorder_done(&s.recorder);
    }
    /* A fast heart: the share of the usual RR is what holds. */
    for (int above = 0; above < 2; above++) {
        struct strip s;
        strip_init(&s);
        beats(&s, "NNNNNN", 500);
        beat(&s, 'V', 500 * (T.ront_rr + (above ? 0.02F : -0.02F)));
        beats(&s, "NNN", 500);
        assert_int_equal(named(&s, XW_ECG_RHYTHM_R_ON_T), !above);
        xw_recorder_done(&s.recorder);
    }
}

static void supraventricular_beats_make_tachycardia_by_number_and_rate(void **state)
{
    (void)state;
    struct strip s;
    for (unsigned n = (unsigned)T.svt_beats_n - 1; n <= (unsigned)T.svt_beats_n; n++)
        for (int above = 0; above < 2; above++) {
            strip_init(&s);
            beats(&s, "NNNNNN", 1000);
            for (unsigned i = 0; i < n; i++)
                beat(&s, 'S', 60000 / (T.svt_bpm + (above ? 5 : -5)));
            int64_t last = s.at;
            beats(&s, "NNN", 1000);
            bool expected = above && n == (unsigned)T.svt_beats_n;
            assert_int_equal(named(&s, XW_ECG_RHYTHM_SVT), expected);
            if (expected)
                assert_int_equal(s.recorder.events[s.recorder.n - 1].end == last + 1 ||
                                     xw_recorder_find(&s.recorder, XW_ECG_KIND_ALARM,
                                                      XW_ECG_RHYTHM_SVT, 0) != NULL,
                                 true);
            xw_recorder_done(&s.recorder);
        }
}

static void tachycardia_goes_on_though_its_beats_are_usual_by_now(void **state)
{
    (void)state;
    struct strip s;
    strip_init(&s);
    beats(&s, "NNNNNN", 1000);
    beats(&s, "SSSS", 400);
    beats(&s, "NNNNNNNNNNNNNNNNNNNN", 400);
    int64_t last = s.at;
    beats(&s, "NNN", 1000);
    assert_int_equal(named(&s, XW_ECG_RHYTHM_SVT), 1);
    bool ended = false;
    for (size_t i = 0; i < s.recorder.n; i++)
        ended |=
            s.recorder.events[i].code == XW_ECG_RHYTHM_SVT && s.recorder.events[i].end == last + 1;
    assert_true(ended);
    xw_recorder_done(&s.recorder);
}

/* The same three beats: after a heart that came to their pace beat by beat, and all at once. */
static void tachycardia_begins_suddenly(void **state)
{
    (void)state;
    for (int sudden = 0; sudden < 2; sudden++) {
        struct strip s;
        strip_init(&s);
        beats(&s, "NNNNNN", sudden ? 600 : 800);
        for (int rr = 780; !sudden && rr > 420; rr -= 20)
            beat(&s, 'N', (float)rr);
        beats(&s, "SSSSNN", 420);
        assert_int_equal(named(&s, XW_ECG_RHYTHM_SVT), sudden);
        xw_recorder_done(&s.recorder);
    }
}

static void fibrillation_takes_tachycardia_back(void **state)
{
    (void)state;
    struct strip s;
    strip_init(&s);
    beats(&s, "NNNNNN", 1000);
    beats(&s, "SSSS", 400);
    beats(&s, "NNN", 1000);
    assert_int_equal(named(&s, XW_ECG_RHYTHM_SVT), 1);
    xw_ecg_pattern_atria(&s.pattern, &s.emit, true, 0);
    assert_int_equal(named(&s, XW_ECG_RHYTHM_SVT), 0);
    beats(&s, "SSSSNN", 400);
    assert_int_equal(named(&s, XW_ECG_RHYTHM_SVT), 0);
    xw_recorder_done(&s.recorder);
}

static void a_pause_is_longer_than_its_limit_and_shorter_than_asystole(void **state)
{
    (void)state;
    const struct {
        float rr_s;
        size_t n;
    } cases[] = {{T.pause_s - 0.02F, 0},
                 {T.pause_s + 0.02F, 1},
                 {T.asystole_s - 0.02F, 1},
                 {T.asystole_s + 0.02F, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct strip s;
        strip_init(&s);
        beats(&s, "NNNNNN", 800);
        beat(&s, 'N', 1000 * cases[i].rr_s);
        beats(&s, "NNN", 800);
        assert_int_equal(named(&s, XW_ECG_RHYTHM_PAUSE), cases[i].n);
        xw_recorder_done(&s.recorder);
    }
}

static void a_later_label_takes_names_back_and_finds_others(void **state)
{
    (void)state;
    struct strip s;
    strip_init(&s);
    beats(&s, "NNNNNN", 800);
    int64_t first = beat(&s, 'V', 500);
    beat(&s, 'V', 500);
    int64_t third = beat(&s, 'N', 500);
    beats(&s, "NNN", 800);
    assert_int_equal(named(&s, XW_ECG_RHYTHM_COUPLET), 1);
    uint64_t sequence = word(&s, XW_ECG_RHYTHM_COUPLET)->sequence;
    xw_ecg_pattern_relabel(&s.pattern, &s.emit, third, XW_ECG_BEAT_VENTRICULAR, 0.9F);
    assert_int_equal(named(&s, XW_ECG_RHYTHM_COUPLET), 0);
    assert_int_equal(named(&s, XW_ECG_RHYTHM_VRUN), 1);
    assert_true(word(&s, XW_ECG_RHYTHM_VRUN)->late);
    bool back = false;
    for (size_t i = 0; i < s.recorder.n; i++)
        back |= s.recorder.events[i].sequence == sequence && s.recorder.events[i].withdrawn &&
                s.recorder.events[i].revision == 1;
    assert_true(back);
    /* The same label again says nothing; the first beat's loss leaves a couplet. */
    size_t n = s.recorder.n;
    xw_ecg_pattern_relabel(&s.pattern, &s.emit, third, XW_ECG_BEAT_VENTRICULAR, 0.9F);
    assert_int_equal(s.recorder.n, n);
    xw_ecg_pattern_relabel(&s.pattern, &s.emit, first, XW_ECG_BEAT_NORMAL, 0.9F);
    assert_int_equal(named(&s, XW_ECG_RHYTHM_VRUN), 0);
    assert_int_equal(named(&s, XW_ECG_RHYTHM_COUPLET), 1);
    xw_recorder_done(&s.recorder);
}

static void a_couplet_at_the_very_end_is_named_and_a_hole_parts_runs(void **state)
{
    (void)state;
    struct strip s;
    strip_init(&s);
    beats(&s, "NNNNNNVV", 600);
    xw_ecg_pattern_close(&s.pattern, &s.emit, s.at + RATE_HZ);
    assert_int_equal(named(&s, XW_ECG_RHYTHM_COUPLET), 1);
    xw_recorder_done(&s.recorder);
    strip_init(&s);
    beats(&s, "NNNNNNV", 600);
    s.begun = false; /* nothing was seen before the next: no RR */
    beats(&s, "VNN", 600);
    assert_int_equal(named(&s, XW_ECG_RHYTHM_COUPLET), 0);
    xw_recorder_done(&s.recorder);
}

/* ---- scenes through the whole chain ---- */

struct scene_result {
    size_t named[XW_ECG_CODE_COUNT];
    double said_s[XW_ECG_CODE_COUNT]; /* after the scene's begin; the first */
    const char *rule[XW_ECG_CODE_COUNT];
};

static void run_scene(const char *name, unsigned rate_hz, uint64_t seed, double seconds,
                      struct scene_result *ret)
{
    struct xw_recorder r;
    struct xw_ecg_config config;
    struct xw_ecg_chain *chain = NULL;
    memset(ret, 0, sizeof(*ret));
    xw_recorder_init(&r);
    xw_scenario_config(&config, rate_hz, &r);
    struct xw_synth *patient = xw_scenario_patient(rate_hz, seed, &r);
    assert_int_equal(xw_ecg_chain_new(&config, &chain), 0);
    assert_int_equal(xw_synth_set_scene(patient, "sinus"), 0);
    xw_scenario_play(patient, chain, rate_hz, 20);
    assert_int_equal(xw_synth_set_scene(patient, name), 0);
    xw_scenario_play(patient, chain, rate_hz, seconds);
    xw_ecg_chain_flush(chain);
    for (int code = 1; code < XW_ECG_CODE_COUNT; code++)
        ret->named[code] =
            xw_recorder_count(&r, XW_ECG_KIND_ALARM, (enum xw_ecg_code)code, 0, INT64_MAX);
    for (size_t i = r.n; i-- > 0;)
        if (r.events[i].kind == XW_ECG_KIND_ALARM && r.events[i].revision == 0) {
            ret->said_s[r.events[i].code] = (double)r.events[i].emitted_at / rate_hz - 20;
            ret->rule[r.events[i].code] = r.events[i].rule;
        }
    xw_ecg_chain_free(chain);
    xw_synth_free(patient);
    xw_recorder_done(&r);
}

static void blocked_p_waves_are_found(void **state)
{
    (void)state;
    static const unsigned RATES[] = {250, 360, 500};
    uint64_t seed = xw_test_seed(1);
    for (unsigned i = 0; i < 6; i++) {
        struct scene_result second, third;
        run_scene("avb2", RATES[i % 3], seed + i, 60, &second);
        assert_int_equal(second.named[XW_ECG_RHYTHM_AVB2], 1);
        assert_int_equal(second.named[XW_ECG_RHYTHM_AVB3], 0);
        assert_string_equal(second.rule[XW_ECG_RHYTHM_AVB2], "av-block-wenckebach");
        run_scene("avb3", RATES[i % 3], seed + i, 60, &third);
        assert_true(third.named[XW_ECG_RHYTHM_AVB3] >= 1);
        assert_int_equal(third.named[XW_ECG_RHYTHM_AVB2], 0);
        printf("second degree said after %.0f s, third after %.0f s\n",
               second.said_s[XW_ECG_RHYTHM_AVB2], third.said_s[XW_ECG_RHYTHM_AVB3]);
        assert_true(second.said_s[XW_ECG_RHYTHM_AVB2] <= 30);
        assert_true(third.said_s[XW_ECG_RHYTHM_AVB3] <= 30);
    }
}

static void no_block_is_found_where_each_p_is_conducted_or_none_is_there(void **state)
{
    (void)state;
    static const char *const SCENES[] = {"sinus", "brady", "apc",      "pvc",      "bigeminy",
                                         "af",    "avb1",  "couplets", "asystole", "vt"};
    uint64_t seed = xw_test_seed(40);
    for (size_t i = 0; i < sizeof(SCENES) / sizeof(SCENES[0]); i++) {
        struct scene_result r;
        run_scene(SCENES[i], RATE_HZ, seed + i, 60, &r);
        assert_int_equal(r.named[XW_ECG_RHYTHM_AVB2], 0);
        assert_int_equal(r.named[XW_ECG_RHYTHM_AVB3], 0);
    }
}

static void scenes_get_their_names_and_no_others(void **state)
{
    (void)state;
    struct scene_result r;
    run_scene("couplets", RATE_HZ, 1, 60, &r);
    assert_true(r.named[XW_ECG_RHYTHM_COUPLET] >= 4);
    assert_int_equal(r.named[XW_ECG_RHYTHM_VRUN] + r.named[XW_ECG_RHYTHM_SVT], 0);
    static const char *const QUIET[] = {"sinus", "pvc", "bigeminy", "apc", "avb1"};
    for (size_t i = 0; i < sizeof(QUIET) / sizeof(QUIET[0]); i++) {
        run_scene(QUIET[i], RATE_HZ, 60 + i, 60, &r);
        for (int code = 1; code < XW_ECG_CODE_COUNT; code++) {
            if (r.named[code])
                printf("%s: %s %zu\n", QUIET[i], xw_ecg_code_name((enum xw_ecg_code)code),
                       r.named[code]);
            assert_int_equal(r.named[code], 0);
        }
    }
}

static void an_artefact_is_named_with_its_leads_and_how_much_it_is(void **state)
{
    (void)state;
    for (int above = 0; above < 2; above++) {
        struct xw_recorder r;
        struct xw_ecg_config config;
        struct xw_ecg_chain *chain = NULL;
        struct xw_synth_noise noise;
        xw_recorder_init(&r);
        xw_scenario_config(&config, RATE_HZ, &r);
        struct xw_synth *patient = xw_scenario_patient(RATE_HZ, 5, &r);
        assert_int_equal(xw_ecg_chain_new(&config, &chain), 0);
        xw_scenario_play(patient, chain, RATE_HZ, 20);
        xw_synth_get_noise(patient, &noise);
        noise.emg_mv = above ? 1.0F : 0.02F;
        assert_int_equal(xw_synth_set_noise(patient, &noise), 0);
        xw_scenario_play(patient, chain, RATE_HZ, 60);
        noise.emg_mv = 0;
        assert_int_equal(xw_synth_set_noise(patient, &noise), 0);
        xw_scenario_play(patient, chain, RATE_HZ, 20);
        xw_ecg_chain_flush(chain);
        const struct xw_ecg_event *e =
            xw_recorder_find(&r, XW_ECG_KIND_NOISE, XW_ECG_QUALITY_NOISE, 0);
        assert_int_equal(e != NULL, above);
        if (e) {
            float limit = 0, uv = measured(e, XW_ECG_VALUE_NOISE_UV, &limit);
            assert_true(uv > limit && limit > 0 && e->lead_mask);
            assert_true(e->priority == XW_ECG_PRIORITY_TECHNICAL);
        }
        for (size_t i = 0; i < r.n; i++) /* nor does it cry wolf */
            assert_false(r.events[i].kind == XW_ECG_KIND_ALARM && r.events[i].revision == 0 &&
                         r.events[i].priority == XW_ECG_PRIORITY_HIGH);
        xw_ecg_chain_free(chain);
        xw_synth_free(patient);
        xw_recorder_done(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_ventricular_beats_are_a_couplet_one_is_not_three_are_a_run),
        cmocka_unit_test(a_run_slower_than_its_limit_is_an_escape_rhythm),
        cmocka_unit_test(a_fast_run_of_five_is_tachycardia_and_no_run_beside_it),
        cmocka_unit_test(tachycardia_is_sustained_from_its_limit_on),
        cmocka_unit_test(r_on_t_begins_before_the_t_wave_ends),
        cmocka_unit_test(supraventricular_beats_make_tachycardia_by_number_and_rate),
        cmocka_unit_test(tachycardia_goes_on_though_its_beats_are_usual_by_now),
        cmocka_unit_test(tachycardia_begins_suddenly),
        cmocka_unit_test(fibrillation_takes_tachycardia_back),
        cmocka_unit_test(a_pause_is_longer_than_its_limit_and_shorter_than_asystole),
        cmocka_unit_test(a_later_label_takes_names_back_and_finds_others),
        cmocka_unit_test(a_couplet_at_the_very_end_is_named_and_a_hole_parts_runs),
        cmocka_unit_test(blocked_p_waves_are_found),
        cmocka_unit_test(no_block_is_found_where_each_p_is_conducted_or_none_is_there),
        cmocka_unit_test(an_artefact_is_named_with_its_leads_and_how_much_it_is),
        cmocka_unit_test(scenes_get_their_names_and_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
