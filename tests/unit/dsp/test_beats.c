/* Labels of beats without recordings: synthetic patients, all twelve leads. */
#include "dsp/ecg/cluster.h"
#include "unit/dsp/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RATE_HZ = 500, SECONDS = 120 };

struct labels {
    size_t normal, early, wide, late_words, beats;
};

/* The last word on every beat; late_words: revised more than 60 s after the beat. */
static struct labels listen(const char *scene, uint64_t seed)
{
    struct xw_recorder r;
    struct xw_ecg_config config;
    struct xw_ecg_chain *chain = NULL;
    struct labels n = {0};
    xw_recorder_init(&r);
    xw_scenario_config(&config, RATE_HZ, &r);
    struct xw_synth *patient = xw_scenario_patient(RATE_HZ, seed, &r);
    assert_int_equal(xw_ecg_chain_new(&config, &chain), 0);
    assert_int_equal(xw_synth_set_scene(patient, scene), 0);
    xw_scenario_play(patient, chain, RATE_HZ, SECONDS);
    xw_ecg_chain_flush(chain);
    n.normal = xw_recorder_count(&r, XW_ECG_KIND_BEAT, XW_ECG_BEAT_NORMAL, 0, INT64_MAX);
    n.early = xw_recorder_count(&r, XW_ECG_KIND_BEAT, XW_ECG_BEAT_SUPRAVENTRICULAR, 0, INT64_MAX);
    n.wide = xw_recorder_count(&r, XW_ECG_KIND_BEAT, XW_ECG_BEAT_VENTRICULAR, 0, INT64_MAX);
    n.beats = xw_recorder_count(&r, XW_ECG_KIND_BEAT, XW_ECG_CODE_NONE, 0, INT64_MAX);
    for (size_t i = 0; i < r.n; i++)
        n.late_words += r.events[i].kind == XW_ECG_KIND_BEAT &&
                        r.events[i].stage == XW_ECG_STAGE_REVISED &&
                        r.events[i].emitted_at - r.events[i].first > 60 * (int64_t)RATE_HZ;
    printf("%s: %zu beats, N %zu, S %zu, V %zu\n", scene, n.beats, n.normal, n.early, n.wide);
    xw_ecg_chain_free(chain);
    xw_synth_free(patient);
    xw_recorder_done(&r);
    return n;
}

static void plain_rhythms_are_normal(void **state)
{
    (void)state;
    uint64_t seed = xw_test_seed(11);
    const char *const scenes[] = {"sinus", "tachy", "brady"};
    for (size_t i = 0; i < 3; i++) {
        struct labels n = listen(scenes[i], seed);
        assert_true(n.normal + 1 >= n.beats);
        assert_int_equal(n.late_words, 0);
    }
}

static void ventricular_beats_are_named(void **state)
{
    (void)state;
    uint64_t seed = xw_test_seed(11);
    struct labels single = listen("pvc", seed);
    assert_in_range(100 * single.wide / single.beats, 8, 25);
    struct labels second = listen("bigeminy", seed);
    assert_in_range(100 * second.wide / second.beats, 45, 52);
    assert_int_equal(second.late_words, 0);
}

static void early_atrial_beats_are_named(void **state)
{
    (void)state;
    struct labels n = listen("apc", xw_test_seed(11));
    assert_in_range(100 * n.early / n.beats, 6, 25);
    assert_true(n.wide <= 2);
}

/* One lead: a P wave of `p_uv` before a QRS. */
static void draw(float *picture, unsigned lanes, float p_uv)
{
    memset(picture, 0, xw_ecg_picture_floats(lanes) * sizeof(float));
    for (int i = -3; i <= 3; i++) {
        picture[(size_t)(XW_ECG_PICTURE_MIDDLE - 20 + i) * lanes] = p_uv * (float)(4 - abs(i)) / 4;
        picture[(size_t)(XW_ECG_PICTURE_MIDDLE + i) * lanes] = 1000 * (float)(4 - abs(i)) / 4;
    }
}

static void a_kind_keeps_the_p_wave_of_beats_that_are_not_early(void **state)
{
    (void)state;
    struct xw_ecg_clusters k;
    float weight[XW_DSP_LANES_MAX] = {1};
    int shift = 0, kind = -1;
    assert_int_equal(xw_ecg_clusters_init(&k, 1), 0);
    float *picture = calloc(xw_ecg_picture_floats(k.lanes), sizeof(float));
    assert_non_null(picture);
    draw(picture, k.lanes, 100);
    for (unsigned i = 0; i < 20; i++)
        kind = xw_ecg_clusters_join(&k, picture, weight, true, &shift);
    draw(picture, k.lanes, -100);
    for (unsigned i = 0; i < 60; i++)
        assert_int_equal(xw_ecg_clusters_join(&k, picture, weight, false, &shift), kind);
    size_t top = (size_t)(XW_ECG_PICTURE_MIDDLE - 20) * k.lanes;
    assert_float_equal(k.cluster[kind].x[top], 100, 0.5);
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(xw_ecg_clusters_join(&k, picture, weight, true, &shift), kind);
    assert_float_equal(k.cluster[kind].x[top], -100, 5);
    free(picture);
    xw_ecg_clusters_done(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_rhythms_are_normal),
        cmocka_unit_test(ventricular_beats_are_named),
        cmocka_unit_test(early_atrial_beats_are_named),
        cmocka_unit_test(a_kind_keeps_the_p_wave_of_beats_that_are_not_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
