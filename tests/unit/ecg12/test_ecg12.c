/* Measures of synthetic patients whose intervals are known from the model (dsp/synth/waves.c). */
#include "unit/ecg12/patient.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct xw_ecg12 *engine;
static struct xw_ecg12_result result, other;

static int setup(void **state)
{
    (void)state;
    return xw_ecg12_new(&engine);
}

static int teardown(void **state)
{
    (void)state;
    xw_ecg12_free(engine);
    return 0;
}

static struct xw_patient *read_scene(struct xw_patient_wish wish,
                                     struct xw_ecg12_result *ret_result)
{
    struct xw_patient *p = xw_patient_new(&wish);
    assert_int_equal(xw_ecg12_read(engine, &p->input, ret_result), 0);
    return p;
}

static void assert_between(const char *what, double value, double low, double high)
{
    if (!(value >= low && value <= high))
        fail_msg("%s is %g, not within %g..%g", what, value, low, high);
}

static const struct xw_ecg12_lead_row *row_of(const struct xw_ecg12_result *r,
                                              enum xw_ecg_lead lead)
{
    for (unsigned l = 0; l < r->leads_n; l++)
        if (r->leads[l].lead == lead)
            return &r->leads[l];
    fail_msg("no lead %s", xw_ecg_lead_name(lead));
    return NULL;
}

/* The model's QRS reaches from 46 ms before R to about 62 after; T ends two widths behind its
 * second hump. */
static void intervals_of_normal_patients_are_those_of_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct xw_patient *p =
            read_scene((struct xw_patient_wish){.scene = "sinus", .seed = seed}, &result);
        double rr_s = (double)result.rr_ms / 1000;
        assert_int_equal(result.verdict, XW_ECG12_ACCEPTABLE);
        assert_true(result.p_present);
        assert_between("beats", result.beats_n, p->truth_n, p->truth_n);
        assert_between("QRS", result.qrs_ms, 86, 124);
        assert_between("PR", result.pr_ms, 120, 200);
        double t_end = sqrt(rr_s) * (283 + 2.2 * 37) + 46;
        assert_between("QT", result.qt_ms, t_end - 35, t_end + 35);
        assert_between("Bazett", result.qtc_bazett_ms - result.qt_ms / sqrtf((float)rr_s), -0.1,
                       0.1);
        assert_between("QRS axis", result.qrs_axis_deg, -30, 90);
        assert_false(result.exchange.limb);
        assert_false(result.exchange.precordial);
        free(p);
    }
}

static void every_beat_is_found_where_it_is(void **state)
{
    (void)state;
    static const char *const SCENE[] = {"sinus", "tachy", "brady", "apc", "pvc", "bigeminy"};
    for (size_t k = 0; k < sizeof(SCENE) / sizeof(*SCENE); k++) {
        struct xw_patient *p =
            read_scene((struct xw_patient_wish){.scene = SCENE[k], .seed = 3}, &result);
        unsigned missed = 0, extra = 0;
        for (unsigned t = 0; t < p->truth_n; t++) {
            bool found = false;
            for (unsigned b = 0; b < result.beats_n; b++)
                found |= fabs((double)result.beats[b].time_ms - p->truth_ms[t]) < 60;
            missed += !found && p->truth_ms[t] > 100 && p->truth_ms[t] < 9900;
        }
        for (unsigned b = 0; b < result.beats_n; b++) {
            bool found = result.beats[b].time_ms < 100 || result.beats[b].time_ms > 9900;
            for (unsigned t = 0; t < p->truth_n; t++)
                found |= fabs((double)result.beats[b].time_ms - p->truth_ms[t]) < 60;
            extra += !found;
        }
        if (missed || extra)
            fail_msg("%s: %u missed, %u extra", SCENE[k], missed, extra);
        free(p);
    }
}

static void marks_follow_each_other(void **state)
{
    (void)state;
    struct xw_patient *p =
        read_scene((struct xw_patient_wish){.scene = "sinus", .seed = 5}, &result);
    for (unsigned b = 1; b + 1 < result.beats_n; b++)
        for (unsigned l = 0; l < result.leads_n; l++) {
            const struct xw_ecg12_marks *m = &result.beats[b].lead[l];
            assert_true(m->p_on < m->p_off && m->p_off <= m->qrs_on + 12);
            assert_true(m->qrs_on < m->qrs_off && m->qrs_off < m->t_off && m->t_on < m->t_peak);
        }
    free(p);
}

static double bump(double t, double centre, double width)
{
    double u = (t - centre) / width;
    return exp(-0.5 * u * u);
}

/* T's top 250 ms after R; after long intervals a flutter wave of `wave_uv` has its own at 460 ms.
 * Every second interval is long, or two of three. */
static struct xw_patient *flutter(bool two_of_three, double wave_uv)
{
    struct xw_patient *p = xw_patient_new(&(struct xw_patient_wish){.scene = "sinus", .seed = 9});
    for (unsigned l = 0; l < p->input.channels_n; l++) {
        double height = l == 3 ? -0.8 : 0.6 + 0.08 * l; /* aVR points down */
        for (unsigned i = 0; i < p->input.samples_n; i++) {
            double t = i / p->input.rate_hz, r = 0.4, uv = 0;
            for (int b = 0; r < 10; b++) {
                bool long_one = two_of_three ? b % 3 != 0 : b % 2 != 0;
                uv += 1000 * bump(t, r, 0.012) - 200 * bump(t, r + 0.03, 0.01) +
                      150 * bump(t, r + 0.25, 0.035);
                if (long_one)
                    uv += wave_uv * bump(t, r + 0.46, 0.035);
                r += long_one ? 0.86 : 0.46;
            }
            p->uv[l][i] = (float)(height * uv);
        }
    }
    return p;
}

/* T must end before `latest_ms` after R in all beats but the first and the last. */
static void t_ends_before(float latest_ms)
{
    unsigned seen = 0;
    for (unsigned b = 1; b + 1 < result.beats_n; b++) {
        float after_ms = result.beats[b].global.t_off - result.beats[b].time_ms;
        if (!isfinite(after_ms))
            continue;
        seen++;
        if (!(after_ms > 260 && after_ms < latest_ms))
            fail_msg("T ends %g ms after R", (double)after_ms);
    }
    assert_true(seen >= 11);
}

static void a_flutter_wave_after_long_intervals_is_no_t_wave(void **state)
{
    (void)state;
    struct xw_patient *p = flutter(false, 260);
    assert_int_equal(xw_ecg12_read(engine, &p->input, &result), 0);
    t_ends_before(450);
    free(p);
}

static void the_median_beat_ends_where_its_beats_do(void **state)
{
    (void)state;
    struct xw_patient *p = flutter(true, 150);
    assert_int_equal(xw_ecg12_read(engine, &p->input, &result), 0);
    t_ends_before(350);
    float after_ms = result.median.t_off - result.median.r_peak;
    assert_true(after_ms > 260 && after_ms < 380);
    free(p);
}

static void a_long_pr_is_measured_as_long(void **state)
{
    (void)state;
    struct xw_patient *p =
        read_scene((struct xw_patient_wish){.scene = "sinus", .seed = 2}, &other);
    free(p);
    p = read_scene((struct xw_patient_wish){.scene = "avb1", .seed = 2}, &result);
    assert_true(result.p_present);
    assert_between("PR", result.pr_ms, 260, 330);
    assert_between("gain of PR", result.pr_ms - other.pr_ms, 90, 180);
    free(p);
}

static void wide_escape_beats_are_wide_and_pr_is_not_stated_without_p(void **state)
{
    (void)state;
    struct xw_patient *p =
        read_scene((struct xw_patient_wish){.scene = "avb3", .seed = 2}, &result);
    assert_between("QRS", result.qrs_ms, 120, 220);
    assert_true(result.wide_qrs);
    free(p);
    p = read_scene((struct xw_patient_wish){.scene = "af", .seed = 2}, &result);
    assert_true(result.irregular);
    assert_false(result.p_present);
    assert_true(isnan(result.pr_ms) && isnan(result.p_ms) && isnan(result.p_axis_deg));
    assert_true(isfinite(result.qt_ms));
    free(p);
}

static void st_is_raised_where_the_injury_is(void **state)
{
    (void)state;
    struct xw_patient *p =
        read_scene((struct xw_patient_wish){.scene = "stemi-inferior", .seed = 4}, &result);
    assert_between("ST III", row_of(&result, XW_ECG_LEAD_III)->st_60_uv, 150, 600);
    assert_between("ST I", row_of(&result, XW_ECG_LEAD_I)->st_60_uv, -600, 0);
    free(p);
    p = read_scene((struct xw_patient_wish){.scene = "sinus", .seed = 4}, &result);
    assert_between("ST III", row_of(&result, XW_ECG_LEAD_III)->st_j_uv, -60, 60);
    free(p);
}

static void the_rate_of_samples_changes_little(void **state)
{
    (void)state;
    static const unsigned RATE[] = {100, 250, 360, 1000};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct xw_patient *p =
            read_scene((struct xw_patient_wish){.scene = "sinus", .seed = seed}, &other);
        free(p);
        for (size_t k = 0; k < 4; k++) {
            p = read_scene(
                (struct xw_patient_wish){.scene = "sinus", .seed = seed, .rate_hz = RATE[k]},
                &result);
            double slack = RATE[k] < 250 ? 2.5 : 1;
            assert_between("QRS", result.qrs_ms - other.qrs_ms, -8 * slack, 8 * slack);
            assert_between("PR", result.pr_ms - other.pr_ms, -10 * slack, 10 * slack);
            assert_between("QT", result.qt_ms - other.qt_ms, -14 * slack, 14 * slack);
            free(p);
        }
    }
}

static void noise_mains_and_wander_change_intervals_little(void **state)
{
    (void)state;
    struct xw_patient *p =
        read_scene((struct xw_patient_wish){.scene = "sinus", .seed = 6}, &other);
    free(p);
    static const struct xw_patient_wish WISH[] = {{.scene = "sinus", .seed = 6, .emg_mv = 0.012f},
                                                  {.scene = "sinus", .seed = 6, .mains_mv = 0.2f},
                                                  {.scene = "sinus", .seed = 6, .wander_mv = 0.4f}};
    for (size_t k = 0; k < 3; k++) {
        p = read_scene(WISH[k], &result);
        assert_int_equal(result.verdict, XW_ECG12_ACCEPTABLE);
        assert_between("QRS", result.qrs_ms - other.qrs_ms, -14, 14);
        assert_between("PR", result.pr_ms - other.pr_ms, -16, 16);
        assert_between("QT", result.qt_ms - other.qt_ms, -20, 20);
        free(p);
    }
}

static void amplitudes_are_those_of_the_average_beat(void **state)
{
    (void)state;
    struct xw_patient *p =
        read_scene((struct xw_patient_wish){.scene = "sinus", .seed = 7}, &result);
    const struct xw_ecg12_lead_row *v5 = row_of(&result, XW_ECG_LEAD_V5),
                                   *v1 = row_of(&result, XW_ECG_LEAD_V1);
    int at = xw_patient_row(p, XW_ECG_LEAD_V5);
    double sum = 0;
    unsigned n = 0;
    for (unsigned b = 1; b + 1 < result.beats_n; b++, n++) {
        int r = (int)result.beats[b].lead[at].r_peak / 2,
            on = (int)result.beats[b].global.qrs_on / 2;
        sum += (double)(p->uv[at][r] - p->uv[at][on - 6]);
    }
    assert_between("R in V5", v5->r_uv - sum / n, -60, 60);
    assert_between("RV5", result.rv5_mv * 1000 - v5->r_uv, -0.1, 0.1);
    assert_between("SV1", result.sv1_mv * 1000 + v1->s_uv, -0.1, 0.1);
    assert_between("sum", result.rv5_sv1_mv - result.rv5_mv - result.sv1_mv, -1e-4, 1e-4);
    free(p);
}

static void exchanged_arms_are_suspected_and_the_others_are_not(void **state)
{
    (void)state;
    unsigned found = 0, named = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct xw_patient *p = read_scene(
            (struct xw_patient_wish){.scene = "sinus", .seed = seed, .arms_reversed = true},
            &result);
        found += result.exchange.limb;
        named += result.exchange.limb_kind && strcmp(result.exchange.limb_kind, "RA/LA") == 0;
        free(p);
    }
    assert_between("found", found, 8, 8);
    assert_between("named", named, 7, 8);
}

static void a_flat_lead_ii_suggests_right_arm_and_right_leg(void **state)
{
    (void)state;
    struct xw_patient *p = xw_patient_new(&(struct xw_patient_wish){.scene = "sinus", .seed = 2});
    int i = xw_patient_row(p, XW_ECG_LEAD_I), ii = xw_patient_row(p, XW_ECG_LEAD_II);
    for (unsigned k = 0; k < p->input.samples_n; k++) {
        p->uv[i][k] -= p->uv[ii][k];
        p->uv[ii][k] = 0;
    }
    static const enum xw_ecg_lead KEEP[] = {XW_ECG_LEAD_I,  XW_ECG_LEAD_II, XW_ECG_LEAD_V1,
                                            XW_ECG_LEAD_V2, XW_ECG_LEAD_V3, XW_ECG_LEAD_V4,
                                            XW_ECG_LEAD_V5, XW_ECG_LEAD_V6};
    xw_patient_keep(p, KEEP, 8);
    assert_int_equal(xw_ecg12_read(engine, &p->input, &result), 0);
    assert_true(result.exchange.limb);
    assert_string_equal(result.exchange.limb_kind, "RA/RL");
    free(p);
}

static void leads_that_follow_from_others_are_derived_exactly(void **state)
{
    (void)state;
    struct xw_patient *p =
        read_scene((struct xw_patient_wish){.scene = "sinus", .seed = 9}, &other);
    static const enum xw_ecg_lead KEEP[] = {XW_ECG_LEAD_I,  XW_ECG_LEAD_II, XW_ECG_LEAD_V1,
                                            XW_ECG_LEAD_V2, XW_ECG_LEAD_V3, XW_ECG_LEAD_V4,
                                            XW_ECG_LEAD_V5, XW_ECG_LEAD_V6};
    xw_patient_keep(p, KEEP, 8);
    assert_int_equal(xw_ecg12_read(engine, &p->input, &result), 0);
    assert_int_equal(result.verdict, XW_ECG12_ACCEPTABLE);
    assert_int_equal(result.leads_n, 12);
    assert_true(row_of(&result, XW_ECG_LEAD_AVF)->derived);
    assert_between("R aVF",
                   row_of(&result, XW_ECG_LEAD_AVF)->r_uv - row_of(&other, XW_ECG_LEAD_AVF)->r_uv,
                   -6, 6);
    assert_between("axis", result.qrs_axis_deg - other.qrs_axis_deg, -1, 1);
    assert_between("QT", result.qt_ms - other.qt_ms, -6, 6);
    free(p);
}

static void the_same_input_gives_the_same_bytes(void **state)
{
    (void)state;
    struct xw_patient *p = read_scene((struct xw_patient_wish){.scene = "pvc", .seed = 9}, &other);
    struct xw_patient *q =
        read_scene((struct xw_patient_wish){.scene = "af", .seed = 1, .rate_hz = 360}, &result);
    assert_int_equal(xw_ecg12_read(engine, &p->input, &result), 0);
    assert_memory_equal(&result, &other, sizeof(result));
    free(p);
    free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_of_normal_patients_are_those_of_the_model),
        cmocka_unit_test(every_beat_is_found_where_it_is),
        cmocka_unit_test(marks_follow_each_other),
        cmocka_unit_test(a_flutter_wave_after_long_intervals_is_no_t_wave),
        cmocka_unit_test(the_median_beat_ends_where_its_beats_do),
        cmocka_unit_test(a_long_pr_is_measured_as_long),
        cmocka_unit_test(wide_escape_beats_are_wide_and_pr_is_not_stated_without_p),
        cmocka_unit_test(st_is_raised_where_the_injury_is),
        cmocka_unit_test(the_rate_of_samples_changes_little),
        cmocka_unit_test(noise_mains_and_wander_change_intervals_little),
        cmocka_unit_test(amplitudes_are_those_of_the_average_beat),
        cmocka_unit_test(exchanged_arms_are_suspected_and_the_others_are_not),
        cmocka_unit_test(a_flat_lead_ii_suggests_right_arm_and_right_leg),
        cmocka_unit_test(leads_that_follow_from_others_are_derived_exactly),
        cmocka_unit_test(the_same_input_gives_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
