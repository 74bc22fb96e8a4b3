/* Every finding says why: its own rule with a version, what was measured, a confidence, and the
 * beats between its onset and its end. Walks through scenes in which each kind of finding comes. */
#include "unit/dsp/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

enum { RATE_HZ = 500 };

struct scene {
    const char *name;
    double seconds;
    enum xw_ecg_kind kind;
    enum xw_ecg_code code;        /* must have been said */
    const char *rule;             /* by this rule; NULL: by the one that its name is */
    enum xw_ecg_value_id limited; /* and a value with a limit is among its evidence */
};

static const struct scene SCENES[] = {
    {"sinus", 30, XW_ECG_KIND_RHYTHM, XW_ECG_RHYTHM_NORMAL, "no-finding", XW_ECG_VALUE_RATE_BPM},
    {"sinus", 30, XW_ECG_KIND_BEAT, XW_ECG_BEAT_NORMAL, "qrs-fused", XW_ECG_VALUE_DETECTION_LEVEL},
    {"bigeminy", 60, XW_ECG_KIND_RHYTHM, XW_ECG_RHYTHM_BIGEMINY, NULL, XW_ECG_VALUE_BEATS_N},
    {"couplets", 60, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_COUPLET, NULL, XW_ECG_VALUE_BEATS_N},
    {"brady", 60, XW_ECG_KIND_RHYTHM, XW_ECG_RHYTHM_BRADY, NULL, XW_ECG_VALUE_RATE_BPM},
    {"brady", 60, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_BRADY, NULL, XW_ECG_VALUE_RATE_BPM},
    {"vt", 60, XW_ECG_KIND_RHYTHM, XW_ECG_RHYTHM_VT, "", XW_ECG_VALUE_NONE},
    {"vt", 60, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_VT, "", XW_ECG_VALUE_NONE},
    {"vf", 40, XW_ECG_KIND_RHYTHM, XW_ECG_RHYTHM_VF, "ventricular-waveform", XW_ECG_VALUE_WAVE_HZ},
    {"asystole", 30, XW_ECG_KIND_RHYTHM, XW_ECG_RHYTHM_ASYSTOLE, NULL, XW_ECG_VALUE_SILENCE_S},
    {"af", 150, XW_ECG_KIND_RHYTHM, XW_ECG_RHYTHM_AF, "", XW_ECG_VALUE_AF_SCORE},
    {"flutter", 60, XW_ECG_KIND_RHYTHM, XW_ECG_RHYTHM_AFL, "flutter-wave", XW_ECG_VALUE_WAVE_PEAK},
    {"trigeminy", 60, XW_ECG_KIND_RHYTHM, XW_ECG_RHYTHM_TRIGEMINY, NULL, XW_ECG_VALUE_BEATS_N},
    {"run", 60, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_VRUN, NULL, XW_ECG_VALUE_BEATS_N},
    {"pause", 60, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_PAUSE, NULL, XW_ECG_VALUE_RR_MS},
    {"avb2", 60, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_AVB2, "av-block-wenckebach",
     XW_ECG_VALUE_P_BLOCKED},
    {"avb3", 60, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_AVB3, "av-block-dissociation",
     XW_ECG_VALUE_RATE_BPM},
    {"stemi-anterior", 60, XW_ECG_KIND_ALARM, XW_ECG_FINDING_ST_ELEVATION, NULL,
     XW_ECG_VALUE_ST_UV},
};

/* Measurements are values themselves, markers are the device's. */
static bool is_finding(const struct xw_ecg_event *e)
{
    return e->kind != XW_ECG_KIND_MEASURE && e->kind != XW_ECG_KIND_MARKER;
}

static void assert_explained(const char *scene, const struct xw_ecg_event *e)
{
    if (!e->rule || !*e->rule || !e->rule_version || strcmp(e->rule, "rhythm") == 0)
        fail_msg("%s: %s has no rule of its own", scene, xw_ecg_code_name(e->code));
    if (!e->evidence_n)
        fail_msg("%s: %s by %s has no evidence", scene, xw_ecg_code_name(e->code), e->rule);
    if (!(e->confidence >= 0 && e->confidence <= 1) || (e->confidence <= 0 && !e->withdrawn))
        fail_msg("%s: %s by %s: confidence %g", scene, xw_ecg_code_name(e->code), e->rule,
                 (double)e->confidence);
    for (uint32_t i = 0; i < e->evidence_n; i++) {
        assert_true(e->evidence[i].id > XW_ECG_VALUE_NONE);
        assert_true(isfinite(e->evidence[i].measured) && isfinite(e->evidence[i].limit));
    }
}

static bool has_limit(const struct xw_ecg_event *e, enum xw_ecg_value_id id)
{
    for (uint32_t i = 0; i < e->evidence_n; i++)
        if (e->evidence[i].id == id && (e->evidence[i].limit > 0 || e->evidence[i].limit < 0))
            return true;
    return false;
}

/* The last word on the last thing of that code. */
static const struct xw_ecg_event *last_of(const struct xw_recorder *r, const struct scene *s)
{
    const struct xw_ecg_event *found = NULL;
    for (size_t i = 0; i < r->n; i++)
        if (r->events[i].kind == s->kind && r->events[i].code == s->code && !r->events[i].withdrawn)
            found = &r->events[i];
    return found;
}

static void play(const char *name, double seconds, struct xw_recorder *r)
{
    struct xw_ecg_config config;
    struct xw_ecg_chain *chain = NULL;
    xw_recorder_init(r);
    xw_scenario_config(&config, RATE_HZ, r);
    assert_int_equal(xw_ecg_chain_new(&config, &chain), 0);
    struct xw_synth *patient = xw_scenario_patient(RATE_HZ, 7, r);
    xw_scenario_play(patient, chain, RATE_HZ, 20);
    assert_int_equal(xw_synth_set_scene(patient, name), 0);
    xw_scenario_play(patient, chain, RATE_HZ, seconds);
    xw_ecg_chain_flush(chain);
    xw_ecg_chain_free(chain);
    xw_synth_free(patient);
}

static void every_finding_of_every_scene_says_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(SCENES) / sizeof(SCENES[0]); i++) {
        const struct scene *s = &SCENES[i];
        struct xw_recorder r;
        play(s->name, s->seconds, &r);
        for (size_t k = 0; k < r.n; k++)
            if (is_finding(&r.events[k]))
                assert_explained(s->name, &r.events[k]);
        const struct xw_ecg_event *e = last_of(&r, s);
        if (!e)
            fail_msg("%s: %s was not said", s->name, xw_ecg_code_name(s->code));
        const char *rule = s->rule ? s->rule : xw_ecg_code_name(s->code);
        if (*rule)
            assert_string_equal(e->rule, rule);
        if (s->limited && !has_limit(e, s->limited))
            fail_msg("%s: %s has no %s with a limit", s->name, xw_ecg_code_name(s->code),
                     xw_ecg_value_name(s->limited));
        xw_recorder_done(&r);
    }
}

static void no_finding_is_said_again_once_there_are_beats_enough(void **state)
{
    (void)state;
    struct xw_recorder r;
    play("sinus", 20, &r);
    const struct xw_ecg_event *first =
        xw_recorder_find(&r, XW_ECG_KIND_RHYTHM, XW_ECG_RHYTHM_NORMAL, 0);
    assert_non_null(first);
    assert_int_equal(first->revision, 0);
    assert_true(first->confidence < 0.5F);
    const struct xw_ecg_event *again = NULL;
    for (const struct xw_ecg_event *e = first + 1; e < r.events + r.n && !again; e++)
        again = e->sequence == first->sequence ? e : NULL;
    assert_non_null(again);
    if (!again)
        return;
    assert_int_equal(again->revision, 1);
    assert_int_equal(again->end, XW_ECG_OPEN);
    assert_true(again->confidence > 0.8F);
    assert_true(has_limit(again, XW_ECG_VALUE_RATE_BPM));
    assert_true(again->emitted_at < 12 * RATE_HZ);
    xw_recorder_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_finding_of_every_scene_says_why),
        cmocka_unit_test(no_finding_is_said_again_once_there_are_beats_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
