/* Is it an ECG? Heights and times of the average beat, over many patients. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "unit/synth/support.h"

enum { BEFORE = 150, AFTER = 250, WINDOW = BEFORE + AFTER, SEEDS = 24 };

/* The average beat of `label` around R in mV, PR level (or, without P, the window's start) at 0. */
struct average {
    double mv[WINDOW][LEADS];
    size_t n;
};

static void average_beat(const char *scene, uint64_t seed, const char *label, struct average *ret)
{
    struct patient *p = patient_new(seed, scene);
    uint64_t beats[400];
    const unsigned seconds = 60;
    int32_t *rows = patient_read(p, seconds);
    size_t n = patient_beats(p, 5 * RATE, label, beats, 400);
    memset(ret, 0, sizeof(*ret));
    for (size_t b = 0; b < n; b++) {
        if (beats[b] < BEFORE || beats[b] + AFTER > seconds * RATE)
            continue;
        ret->n++;
        for (size_t i = 0; i < WINDOW; i++) {
            for (size_t c = 0; c < LEADS; c++)
                ret->mv[i][c] += rows[(beats[b] - BEFORE + i) * LEADS + c] / 1000.0;
        }
    }
    assert_true(ret->n >= 3);
    double zero[LEADS];
    const size_t pr = BEFORE - 29; /* 58 ms before R */
    for (size_t c = 0; c < LEADS; c++)
        zero[c] = ret->mv[pr][c] / (double)ret->n;
    for (size_t i = 0; i < WINDOW; i++) {
        for (size_t c = 0; c < LEADS; c++)
            ret->mv[i][c] = ret->mv[i][c] / (double)ret->n - zero[c];
    }
    free(rows);
    patient_free(p);
}

/* Largest (sign 1) or most negative (sign -1) height between two times in ms around R. */
static double extreme(const struct average *a, int lead, int from_ms, int to_ms, int sign)
{
    double most = -1e9;
    for (int i = BEFORE + from_ms / 2; i <= BEFORE + to_ms / 2; i++)
        most = fmax(most, sign * a->mv[i][lead]);
    return sign * most;
}

/* From the first to the last moment at which any lead moves faster than 20 uV in 2 ms. */
static double qrs_ms(const struct average *a, int from_ms, int to_ms)
{
    int first = 0;
    int last = 0;
    for (int i = BEFORE + from_ms / 2; i < BEFORE + to_ms / 2; i++) {
        for (int c = 0; c < LEADS; c++) {
            if (fabs(a->mv[i + 1][c] - a->mv[i][c]) < 0.020)
                continue;
            first = first ? first : i;
            last = i + 1;
        }
    }
    return (last - first) * 2;
}

static void within(const char *what, uint64_t seed, double value, double low, double high)
{
    if (value < low || value > high)
        fail_msg("seed %u: %s is %.3f, not in %.3f..%.3f", (unsigned)seed, what, value, low, high);
}

static void normal_beats_have_normal_sizes(void **state)
{
    (void)state;
    static struct average a;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        average_beat("sinus", seed, "N", &a);
        within("P in II (mV)", seed, extreme(&a, XW_SYNTH_II, -240, -90, 1), 0.08, 0.25);
        within("R in II", seed, extreme(&a, XW_SYNTH_II, -30, 30, 1), 0.6, 1.9);
        within("R in I", seed, extreme(&a, XW_SYNTH_I, -30, 30, 1), 0.25, 1.3);
        within("aVR", seed, extreme(&a, XW_SYNTH_AVR, -30, 30, -1), -1.5, -0.5);
        within("T in II", seed, extreme(&a, XW_SYNTH_II, 150, 400, 1), 0.12, 0.6);
        within("T in aVR", seed, extreme(&a, XW_SYNTH_AVR, 150, 400, -1), -0.5, -0.1);
        within("QRS (ms)", seed, qrs_ms(&a, -70, 90), 74, 112);
        double r[6];
        double s[6];
        for (int k = 0; k < 6; k++) {
            r[k] = extreme(&a, XW_SYNTH_V1 + k, -50, 50, 1);
            s[k] = -extreme(&a, XW_SYNTH_V1 + k, -50, 60, -1);
        }
        within("r/S in V1", seed, r[0] / s[0], 0.05, 0.7);
        within("r/S in V2", seed, r[1] / s[1], 0.05, 0.9);
        within("R/S in V5", seed, r[4] / s[4], 2, 100);
        within("R/S in V6", seed, r[5] / s[5], 2, 1000);
        within("R grows V1 to V4", seed, r[3] / r[0], 2.5, 30);
        within("T in V3", seed, extreme(&a, XW_SYNTH_V3, 150, 400, 1), 0.2, 1.0);
    }
}

static void st_elevation_stands_where_it_belongs(void **state)
{
    (void)state;
    static struct average a;
    const int j60 = BEFORE + (46 + 60) / 2;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        average_beat("stemi-inferior", seed, "N", &a);
        within("III", seed, a.mv[j60][XW_SYNTH_III], 0.2, 0.6);
        within("aVF", seed, a.mv[j60][XW_SYNTH_AVF], 0.15, 0.6);
        within("II", seed, a.mv[j60][XW_SYNTH_II], 0.1, 0.6);
        within("aVL", seed, a.mv[j60][XW_SYNTH_AVL], -0.5, -0.08);
        average_beat("stemi-anterior", seed, "N", &a);
        within("V2", seed, a.mv[j60][XW_SYNTH_V2], 0.2, 0.6);
        within("V3", seed, a.mv[j60][XW_SYNTH_V3], 0.2, 0.65);
        within("V4", seed, a.mv[j60][XW_SYNTH_V4], 0.1, 0.6);
        within("III", seed, a.mv[j60][XW_SYNTH_III], -0.4, -0.01);
        average_beat("sinus", seed, "N", &a);
        for (int c = 0; c < LEADS; c++)
            within("ST without infarction", seed, a.mv[j60][c], -0.06, 0.1);
    }
}

static void pvcs_are_wide_early_and_followed_by_a_pause(void **state)
{
    (void)state;
    static struct average a;
    average_beat("pvc", 4, "V", &a);
    within("QRS of a PVC", 4, qrs_ms(&a, -110, 115), 120, 200);
    struct patient *p = patient_new(4, "pvc");
    free(patient_read(p, 120));
    size_t seen = 0;
    const struct xw_synth_event *e[4] = {0};
    for (size_t i = 0; i < p->events_n; i++) {
        if (p->events[i].kind != XW_SYNTH_BEAT)
            continue;
        for (int k = 0; k < 3; k++)
            e[k] = e[k + 1];
        e[3] = &p->events[i];
        if (!e[0] || e[2]->label != 'V')
            continue;
        double rr = (double)(e[1]->sample - e[0]->sample);
        double early = (double)(e[2]->sample - e[1]->sample);
        double pause = (double)(e[3]->sample - e[2]->sample);
        within("prematurity", 4, early / rr, 0.5, 0.75);
        within("compensation", 4, (early + pause) / rr, 1.88, 2.12);
        seen++;
    }
    assert_in_range(seen, 12, 30);
    patient_free(p);
}

static void ectopic_patterns_repeat_as_named(void **state)
{
    (void)state;
    static const struct {
        const char *scene;
        const char *pattern; /* must occur often */
        const char *never;
    } cases[] = {{"bigeminy", "NVNVNVNV", "VV"},
                 {"couplets", "NVVN", "VVV"},
                 {"apc", "NNAN", "V"},
                 {"avb3", "EEEE", "N"},
                 {"vt", "VVVVVVVV", "N"}};
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        struct patient *p = patient_new(50 + k, cases[k].scene);
        char labels[400];
        size_t n = 0;
        size_t found = 0;
        free(patient_read(p, 60));
        for (size_t i = 0; i < p->events_n && n + 1 < sizeof(labels); i++) {
            if (p->events[i].kind == XW_SYNTH_BEAT && p->events[i].sample > 3 * RATE)
                labels[n++] = p->events[i].label;
        }
        labels[n] = 0;
        for (const char *c = labels; (c = strstr(c, cases[k].pattern)); c++)
            found++;
        if (found < 5 || strstr(labels, cases[k].never))
            fail_msg("%s: %s", cases[k].scene, labels);
        patient_free(p);
    }
}

static double rr_variation(const char *scene)
{
    struct patient *p = patient_new(8, scene);
    uint64_t beats[800];
    double sum = 0;
    double squares = 0;
    free(patient_read(p, 180));
    size_t n = patient_beats(p, 0, "NV", beats, 800);
    for (size_t i = 1; i < n; i++) {
        double rr = (double)(beats[i] - beats[i - 1]);
        sum += rr;
        squares += rr * rr;
    }
    double mean = sum / (double)(n - 1);
    patient_free(p);
    return sqrt(squares / (double)(n - 1) - mean * mean) / mean;
}

static double span_before_qrs(const struct average *a)
{
    return extreme(a, XW_SYNTH_II, -210, -90, 1) - extreme(a, XW_SYNTH_II, -210, -90, -1);
}

static void fibrillating_atria_beat_irregularly_and_have_no_p(void **state)
{
    (void)state;
    static struct average a;
    within("RR variation of sinus", 8, rr_variation("sinus"), 0.01, 0.06);
    within("RR variation of AF", 8, rr_variation("af"), 0.15, 0.45);
    within("RR variation of VT", 8, rr_variation("vt"), 0, 0.03);
    average_beat("sinus", 8, "N", &a);
    double p_wave = span_before_qrs(&a);
    average_beat("af", 8, "N", &a);
    within("what AF leaves of the P", 8, span_before_qrs(&a) / p_wave, 0, 0.5);
}

static void blocked_conduction_shows_in_pr_and_in_pauses(void **state)
{
    (void)state;
    static struct average a;
    average_beat("avb1", 6, "N", &a);
    double top = extreme(&a, XW_SYNTH_II, -300, -100, 1);
    int at = 0;
    for (int i = BEFORE - 150; i < BEFORE - 50; i++)
        at = a.mv[i][XW_SYNTH_II] == top ? i - BEFORE : at;
    within("P to R in AV block 1 (ms)", 6, -2.0 * at, 270, 300);
    struct patient *p = patient_new(6, "avb2");
    uint64_t beats[300];
    size_t pauses = 0;
    free(patient_read(p, 60));
    size_t n = patient_beats(p, 0, "N", beats, 300);
    for (size_t i = 1; i < n; i++)
        pauses +=
            beats[i] - beats[i - 1] > RATE * 6 / 5; /* the P after the third is not conducted */
    assert_in_range(n, 56, 62);                     /* 80 P a minute, three of four */
    assert_in_range(pauses, 18, 20);
    patient_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_beats_have_normal_sizes),
        cmocka_unit_test(st_elevation_stands_where_it_belongs),
        cmocka_unit_test(pvcs_are_wide_early_and_followed_by_a_pause),
        cmocka_unit_test(ectopic_patterns_repeat_as_named),
        cmocka_unit_test(fibrillating_atria_beat_irregularly_and_have_no_p),
        cmocka_unit_test(blocked_conduction_shows_in_pr_and_in_pauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
