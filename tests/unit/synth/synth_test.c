/* What must hold for every patient: lead algebra, determinism, truth, rates, electrodes. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "unit/synth/support.h"

static void assert_near(int32_t a, int32_t b, int32_t tolerance, size_t at)
{
    if (labs((long)a - b) > tolerance)
        fail_msg("sample %zu: %d and %d", at, a, b);
}

static void limb_leads_obey_einthoven_to_the_count(void **state)
{
    (void)state;
    static const struct xw_synth_noise loud = {5, 0.2f, 0.05f, 0.1f, 50, 0.5f};
    const char *name;
    for (unsigned k = 0; (name = xw_synth_scene_name(k)); k++) {
        struct patient *p = patient_new(100 + k, name);
        assert_int_equal(xw_synth_set_noise(p->synth, &loud), 0);
        int32_t *rows = patient_read(p, 20);
        for (size_t i = 0; i < 20 * RATE; i++) {
            const int32_t *r = rows + i * LEADS;
            assert_int_equal(r[XW_SYNTH_I] + r[XW_SYNTH_III], r[XW_SYNTH_II]);
            assert_near(-2 * r[XW_SYNTH_AVR], r[XW_SYNTH_I] + r[XW_SYNTH_II], 1, i);
            assert_near(2 * r[XW_SYNTH_AVL], r[XW_SYNTH_I] - r[XW_SYNTH_III], 1, i);
            assert_near(2 * r[XW_SYNTH_AVF], r[XW_SYNTH_II] + r[XW_SYNTH_III], 1, i);
        }
        free(rows);
        patient_free(p);
    }
}

static void act(struct patient *p, unsigned step)
{
    static const struct xw_synth_noise loud = {5, 0.2f, 0.05f, 0.1f, 60, 0.5f};
    const char *scene = xw_synth_scene_name(step % 16);
    switch (step) {
    case 3:
        assert_int_equal(xw_synth_set_noise(p->synth, &loud), 0);
        break;
    case 5:
        assert_int_equal(xw_synth_set_electrodes_off(p->synth, 1u << XW_SYNTH_C3), 0);
        break;
    case 6:
        xw_synth_set_arms_reversed(p->synth, true);
        break;
    default:
        assert_int_equal(xw_synth_set_scene(p->synth, scene), 0);
    }
}

/* 16 settings, each at an odd sample; between them reads of random sizes. */
static int32_t *play(struct patient *p, uint32_t *cut_seed)
{
    enum { STEPS = 16, STEP_N = 1777 };
    int32_t *rows = malloc(sizeof(*rows) * STEPS * STEP_N * LEADS);
    assert_non_null(rows);
    for (unsigned step = 0; step < STEPS; step++) {
        for (size_t done = 0; done < STEP_N;) {
            size_t n = STEP_N;
            if (cut_seed) {
                *cut_seed = *cut_seed * 1664525u + 1013904223u;
                n = *cut_seed >> 28 ? 1 + (*cut_seed >> 16) % 33 : 1 + (*cut_seed >> 16) % 900;
            }
            n = n < STEP_N - done ? n : STEP_N - done;
            xw_synth_read(p->synth, rows + (step * STEP_N + done) * LEADS, n);
            done += n;
        }
        act(p, step);
    }
    return rows;
}

static void the_sizes_of_reads_change_nothing(void **state)
{
    (void)state;
    const char *given = getenv("XW_SEED");
    uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 0) : 4711;
    print_message("XW_SEED=%u\n", seed);
    struct patient *whole = patient_new(5, "sinus");
    int32_t *expected = play(whole, NULL);
    for (int round = 0; round < 5; round++) {
        struct patient *cut = patient_new(5, "sinus");
        int32_t *rows = play(cut, &seed);
        assert_memory_equal(rows, expected, 16 * 1777 * LEADS * sizeof(*rows));
        assert_int_equal(cut->events_n, whole->events_n);
        for (size_t i = 0; i < cut->events_n; i++) {
            assert_int_equal(cut->events[i].sample, whole->events[i].sample);
            assert_int_equal(cut->events[i].kind, whole->events[i].kind);
            assert_int_equal(cut->events[i].label, whole->events[i].label);
            assert_int_equal(cut->events[i].leads_off, whole->events[i].leads_off);
        }
        free(rows);
        patient_free(cut);
    }
    free(expected);
    patient_free(whole);
}

static void another_seed_is_another_patient(void **state)
{
    (void)state;
    struct patient *a = patient_new(1, "sinus");
    struct patient *b = patient_new(2, "sinus");
    int32_t *x = patient_read(a, 5);
    int32_t *y = patient_read(b, 5);
    assert_memory_not_equal(x, y, 5 * RATE * LEADS * sizeof(*x));
    free(x);
    free(y);
    patient_free(a);
    patient_free(b);
}

static void exchanged_arms_follow_the_algebra(void **state)
{
    (void)state;
    struct patient *right = patient_new(9, "sinus");
    struct patient *wrong = patient_new(9, "sinus");
    xw_synth_set_arms_reversed(wrong->synth, true);
    int32_t *a = patient_read(right, 10);
    int32_t *b = patient_read(wrong, 10);
    for (size_t i = 0; i < 10 * RATE; i++) {
        const int32_t *r = a + i * LEADS;
        const int32_t *w = b + i * LEADS;
        assert_near(w[XW_SYNTH_I], -r[XW_SYNTH_I], 1, i);
        assert_near(w[XW_SYNTH_II], r[XW_SYNTH_III], 1, i);
        assert_near(w[XW_SYNTH_III], r[XW_SYNTH_II], 1, i);
        assert_near(w[XW_SYNTH_AVR], r[XW_SYNTH_AVL], 1, i);
        assert_near(w[XW_SYNTH_AVL], r[XW_SYNTH_AVR], 1, i);
        assert_near(w[XW_SYNTH_AVF], r[XW_SYNTH_AVF], 1, i);
        for (int c = XW_SYNTH_V1; c <= XW_SYNTH_V6; c++)
            assert_near(w[c], r[c], 1, i);
    }
    free(a);
    free(b);
    patient_free(right);
    patient_free(wrong);
}

static void the_heart_rate_is_the_one_set(void **state)
{
    (void)state;
    static const float rates[] = {30, 45, 60, 75, 100, 140, 180};
    uint64_t beats[2000];
    for (size_t k = 0; k < sizeof(rates) / sizeof(rates[0]); k++) {
        for (int kind = 0; kind < 3; kind++) {
            struct patient *p = patient_new(40 + k, "sinus");
            static const enum xw_synth_rhythm_kind kinds[] = {XW_SYNTH_SINUS, XW_SYNTH_AF,
                                                              XW_SYNTH_VT};
            double tolerance = kinds[kind] == XW_SYNTH_AF ? 0.08 : 0.02;
            assert_int_equal(xw_synth_set_rhythm(p->synth, kinds[kind], rates[k]), 0);
            free(patient_read(p, 180));
            size_t n = patient_beats(p, 0, "NV", beats, 2000);
            double bpm = (double)(n - 1) * 60 * RATE / (double)(beats[n - 1] - beats[0]);
            if (fabs(bpm / (double)rates[k] - 1) > tolerance)
                fail_msg("kind %d: %g instead of %g", kind, bpm, (double)rates[k]);
            patient_free(p);
        }
    }
}

/* Every R told is a peak of lead II there, and every peak is told. */
static void beats_told_are_the_peaks_in_the_signal(void **state)
{
    (void)state;
    static const char *const names[] = {"sinus", "tachy", "brady", "af", "avb1", "avb2"};
    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
        struct patient *p = patient_new(70 + k, names[k]);
        uint64_t beats[500];
        int32_t *rows = patient_read(p, 60);
        size_t n = patient_beats(p, 0, "NVAE", beats, 500);
        size_t found = 0;
        const int near = RATE * 12 / 1000;
        for (size_t i = 50; i < 60 * RATE - 50; i++) {
            int32_t v = rows[i * LEADS + XW_SYNTH_II];
            bool peak = v > 450;
            for (size_t j = i - 50; peak && j <= i + 50; j++)
                peak = j == i || rows[j * LEADS + XW_SYNTH_II] < v + (j < i);
            if (!peak)
                continue;
            bool told = false;
            for (size_t b = 0; b < n; b++)
                told = told || labs((long)beats[b] - (long)i) <= near;
            if (!told)
                fail_msg("%s: a peak at %zu was not told", names[k], i);
            found++;
        }
        for (; n && beats[n - 1] >= 60 * RATE - 50;)
            n--; /* too near the end to be looked for */
        if (found != n)
            fail_msg("%s: %zu peaks, %zu told", names[k], found, n);
        assert_true(n > 30);
        free(rows);
        patient_free(p);
    }
}

static void rhythms_without_beats_tell_none(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct patient *p = patient_new(3, "sinus");
        free(patient_read(p, 10.07));
        uint64_t from = xw_synth_position(p->synth) + RATE / 10; /* a QRS begun is finished */
        assert_int_equal(xw_synth_set_scene(p->synth, k ? "vf" : "asystole"), 0);
        free(patient_read(p, 2));
        int32_t *rows = patient_read(p, 20);
        assert_int_equal(patient_beats(p, from, "NVAE", NULL, 0), 0);
        int32_t low = 0;
        int32_t high = 0;
        for (size_t i = 0; i < 20 * RATE; i++) {
            int32_t v = rows[i * LEADS + XW_SYNTH_II];
            low = v < low ? v : low;
            high = v > high ? v : high;
        }
        if (k)
            assert_in_range(high - low, 600, 4000); /* coarse fibrillation */
        else
            assert_in_range(high - low, 1, 150); /* flat but for breathing and noise */
        from = xw_synth_position(p->synth);
        assert_int_equal(xw_synth_set_scene(p->synth, "sinus"), 0);
        free(rows);
        free(patient_read(p, 10));
        assert_in_range(patient_beats(p, from, "N", NULL, 0), 10, 13); /* it comes back */
        patient_free(p);
    }
}

/* From every scene to every other: what fades out of the one knows nothing of the other's rate. */
static void no_scene_after_another_leaves_the_range_of_a_heart(void **state)
{
    (void)state;
    const char *from, *to;
    for (unsigned a = 0; (from = xw_synth_scene_name(a)); a++)
        for (unsigned b = 0; (to = xw_synth_scene_name(b)); b++) {
            struct patient *p = patient_new(7, from);
            free(patient_read(p, 3));
            assert_int_equal(xw_synth_set_scene(p->synth, to), 0);
            int32_t *rows = patient_read(p, 3);
            for (size_t i = 0; i < 3 * RATE * LEADS; i++)
                if (rows[i] < -6000 || rows[i] > 6000)
                    fail_msg("%s after %s: %d counts", to, from, rows[i]);
            free(rows);
            patient_free(p);
        }
}

static void no_change_of_rhythm_tears_the_trace(void **state)
{
    (void)state;
    struct patient *p = patient_new(12, "sinus");
    patient_quiet(p);
    int32_t before[LEADS] = {0};
    int32_t most = 0;
    for (unsigned k = 0; k < 400; k++) {
        assert_int_equal(xw_synth_set_scene(p->synth, xw_synth_scene_name((k * 7) % 16)), 0);
        int32_t *rows = patient_read(p, 0.7 + 0.006 * k);
        size_t n = (size_t)((0.7 + 0.006 * k) * RATE);
        for (size_t i = 0; i < n; i++) {
            for (int c = 0; c < LEADS; c++) {
                int32_t step = abs(rows[i * LEADS + (size_t)c] - before[c]);
                most = step > most && (k || i) ? step : most;
                before[c] = rows[i * LEADS + (size_t)c];
            }
        }
        free(rows);
    }
    print_message("largest step: %d uV in 2 ms\n", most);
    assert_in_range(most, 50, 330); /* the slope of a tall QRS, and nothing above it */
    patient_free(p);
}

static void a_lost_arm_electrode_spoils_its_leads_only(void **state)
{
    (void)state;
    struct patient *p = patient_new(21, "sinus");
    struct patient *whole = patient_new(21, "sinus");
    free(patient_read(p, 5));
    free(patient_read(whole, 5));
    assert_int_equal(xw_synth_set_electrodes_off(p->synth, 1u << XW_SYNTH_RA), 0);
    int32_t *rows = patient_read(p, 10);
    int32_t *good = patient_read(whole, 10);
    uint32_t expected = 0xfffu & ~(1u << XW_SYNTH_III);
    assert_int_equal(xw_synth_leads_off(p->synth), expected);
    assert_int_equal(abs(rows[(10 * RATE - 1) * LEADS + XW_SYNTH_I]), 32767);
    assert_int_equal(abs(rows[(10 * RATE - 1) * LEADS + XW_SYNTH_II]), 32767);
    for (size_t i = 0; i < 10 * RATE; i++) /* III is LL - LA: nothing happened to it */
        assert_near(rows[i * LEADS + XW_SYNTH_III], good[i * LEADS + XW_SYNTH_III], 1, i);
    const struct xw_synth_event *told = NULL;
    for (size_t i = 0; i < p->events_n; i++)
        told = p->events[i].kind == XW_SYNTH_ELECTRODES ? &p->events[i] : told;
    assert_non_null(told);
    assert_int_equal(told->sample, 5 * RATE);
    assert_int_equal(told->leads_off, expected);
    assert_int_equal(xw_synth_set_electrodes_off(p->synth, 0), 0);
    assert_int_equal(xw_synth_leads_off(p->synth), 0);
    free(patient_read(p, 3));
    int32_t *back = patient_read(p, 1);
    for (size_t i = 0; i < RATE; i++)
        assert_true(abs(back[i * LEADS + XW_SYNTH_I]) < 2500);
    free(rows);
    free(good);
    free(back);
    patient_free(p);
    patient_free(whole);
}

static void a_lost_chest_electrode_spoils_one_lead(void **state)
{
    (void)state;
    struct patient *p = patient_new(22, "sinus");
    assert_int_equal(xw_synth_set_electrodes_off(p->synth, 1u << XW_SYNTH_C2), 0);
    assert_int_equal(xw_synth_leads_off(p->synth), 1u << XW_SYNTH_V2);
    free(patient_read(p, 5));
    int32_t *rows = patient_read(p, 1);
    for (size_t i = 0; i < RATE; i++) {
        for (int c = 0; c < LEADS; c++)
            assert_true((abs(rows[i * LEADS + (size_t)c]) == 32767) == (c == XW_SYNTH_V2));
    }
    free(rows);
    patient_free(p);
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    struct xw_synth_config c;
    struct xw_synth *s = NULL;
    xw_synth_config_init(&c);
    c.rate_num = 50;
    assert_int_equal(xw_synth_new(&c, &s), -EINVAL);
    xw_synth_config_init(&c);
    c.rate_den = 0;
    assert_int_equal(xw_synth_new(&c, &s), -EINVAL);
    xw_synth_config_init(&c);
    c.channels_n = 1;
    c.channels[0] = 12;
    assert_int_equal(xw_synth_new(&c, &s), -EINVAL);
    assert_null(s);
    xw_synth_config_init(&c);
    c.rate_num = 1000;
    c.rate_den = 3;
    c.gain_num = 43051;
    c.gain_den = 10;
    c.baseline = 2048;
    c.channels_n = 2;
    c.channels[0] = XW_SYNTH_V5;
    c.channels[1] = XW_SYNTH_II;
    assert_int_equal(xw_synth_new(&c, &s), 0);
    assert_int_equal(xw_synth_channels(s), 2);
    int32_t rows[2 * 1000];
    xw_synth_read(s, rows, 1000);
    assert_int_equal(xw_synth_set_rhythm(s, XW_SYNTH_SINUS, 19), -EINVAL);
    assert_int_equal(xw_synth_set_rhythm(s, XW_SYNTH_SINUS, NAN), -EINVAL);
    assert_int_equal(xw_synth_set_rhythm(s, XW_SYNTH_RHYTHMS_N, 0), -EINVAL);
    assert_int_equal(xw_synth_set_st(s, XW_SYNTH_ST_INFERIOR, 2), -EINVAL);
    assert_int_equal(xw_synth_set_electrodes_off(s, 1u << 9), -EINVAL);
    assert_int_equal(xw_synth_set_scene(s, "unknown"), -ENOENT);
    const struct xw_synth_noise bad = {.emg_mv = -1};
    assert_int_equal(xw_synth_set_noise(s, &bad), -EINVAL);
    xw_synth_free(s);
    xw_synth_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limb_leads_obey_einthoven_to_the_count),
        cmocka_unit_test(the_sizes_of_reads_change_nothing),
        cmocka_unit_test(another_seed_is_another_patient),
        cmocka_unit_test(exchanged_arms_follow_the_algebra),
        cmocka_unit_test(the_heart_rate_is_the_one_set),
        cmocka_unit_test(beats_told_are_the_peaks_in_the_signal),
        cmocka_unit_test(rhythms_without_beats_tell_none),
        cmocka_unit_test(no_scene_after_another_leaves_the_range_of_a_heart),
        cmocka_unit_test(no_change_of_rhythm_tears_the_trace),
        cmocka_unit_test(a_lost_arm_electrode_spoils_its_leads_only),
        cmocka_unit_test(a_lost_chest_electrode_spoils_one_lead),
        cmocka_unit_test(wrong_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
