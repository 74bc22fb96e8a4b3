/* Input that is an ECG but not as it says: gains, repeated leads, sentinels, offsets, odd rates,
 * mirrored hearts, pacemakers. Clear verdicts, and marks that keep their order. */
#include "unit/ecg12/marks.h"
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
static struct xw_ecg12_result result, plain;

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

static struct xw_patient *sinus(uint64_t seed)
{
    return xw_patient_new(&(struct xw_patient_wish){.scene = "sinus", .seed = seed});
}

static void read_it(const struct xw_patient *p)
{
    assert_int_equal(xw_ecg12_read(engine, &p->input, &result), 0);
    const char *wrong = xw_marks_fault(&p->input, &result);
    if (wrong)
        fail_msg("%s", wrong);
}

static void scale(struct xw_patient *p, int lead, float by)
{
    for (unsigned l = 0; l < p->input.channels_n; l++)
        for (unsigned i = 0; i < p->input.samples_n; i++)
            if (lead < 0 || (unsigned)lead == l)
                p->uv[l][i] *= by;
}

static void ten_times_the_gain_is_said_and_nothing_measured(void **state)
{
    (void)state;
    struct xw_patient *p = sinus(1);
    scale(p, -1, 10);
    read_it(p);
    assert_int_equal(result.verdict, XW_ECG12_UNACCEPTABLE);
    assert_int_equal(result.reason, XW_ECG12_REASON_GAIN_HIGH);
    assert_true(isnan(result.qrs_ms) && isnan(result.rv5_mv));
    free(p);
}

static void a_tenth_of_the_gain_is_said(void **state)
{
    (void)state;
    struct xw_patient *p = sinus(1);
    read_it(p);
    assert_int_equal(result.verdict, XW_ECG12_ACCEPTABLE);
    scale(p, -1, 0.1f);
    read_it(p);
    assert_true(result.verdict == XW_ECG12_UNACCEPTABLE ||
                (result.verdict == XW_ECG12_LIMITED && result.reason == XW_ECG12_REASON_GAIN_LOW));
    free(p);
}

static void one_lead_a_thousand_times_larger_is_left_out(void **state)
{
    (void)state;
    struct xw_patient *p = sinus(2);
    read_it(p);
    plain = result;
    int at = xw_patient_row(p, XW_ECG_LEAD_V4);
    scale(p, at, 1000);
    read_it(p);
    assert_int_equal(result.unfit, 1u << at);
    assert_true(result.leads[at].flaws & XW_ECG12_FLAW_RANGE);
    assert_true(fabsf(result.qrs_ms - plain.qrs_ms) < 12 && fabsf(result.qt_ms - plain.qt_ms) < 20);
    free(p);
}

static void twelve_times_the_same_lead_is_no_ecg_of_twelve_leads(void **state)
{
    (void)state;
    struct xw_patient *p = sinus(3);
    for (unsigned l = 1; l < 12; l++)
        memcpy(p->uv[l], p->uv[0], sizeof(p->uv[0]));
    read_it(p);
    assert_int_equal(result.verdict, XW_ECG12_UNACCEPTABLE);
    assert_int_equal(result.reason, XW_ECG12_REASON_NO_LEADS);
    for (unsigned l = 0; l < 12; l++)
        assert_true(result.leads[l].flaws & XW_ECG12_FLAW_COPY);
    free(p);
}

static void two_chest_leads_of_the_same_numbers_are_both_left_out(void **state)
{
    (void)state;
    struct xw_patient *p = sinus(3);
    int v2 = xw_patient_row(p, XW_ECG_LEAD_V2), v3 = xw_patient_row(p, XW_ECG_LEAD_V3);
    memcpy(p->uv[v3], p->uv[v2], sizeof(p->uv[0]));
    read_it(p);
    assert_int_equal(result.verdict, XW_ECG12_LIMITED);
    assert_int_equal(result.unfit, 1u << v2 | 1u << v3);
    /* A rhythm strip repeats a lead by its own name: nothing wrong with that. */
    free(p);
    p = sinus(3);
    p->input.channels[12] = p->input.channels[xw_patient_row(p, XW_ECG_LEAD_II)];
    p->input.channels_n = 13;
    read_it(p);
    assert_int_equal(result.unfit, 0);
    free(p);
}

static void sentinel_values_are_not_measured(void **state)
{
    (void)state;
    static const float SENTINEL[] = {-32768, 32767, 1e30f, -INFINITY, NAN, -8388608};
    for (size_t k = 0; k < sizeof(SENTINEL) / sizeof(*SENTINEL); k++) {
        struct xw_patient *p = sinus(4);
        int at = xw_patient_row(p, XW_ECG_LEAD_V5);
        for (unsigned i = 1000; i < 1200; i++)
            p->uv[at][i] = SENTINEL[k];
        read_it(p);
        assert_int_equal(result.unfit, 1u << at);
        assert_true(isnan(result.rv5_mv) && isfinite(result.qrs_ms));
        for (unsigned i = 0; i < p->input.samples_n; i++)
            for (unsigned l = 0; l < 12; l++)
                p->uv[l][i] = SENTINEL[k];
        read_it(p);
        assert_int_equal(result.verdict, XW_ECG12_UNACCEPTABLE);
        free(p);
    }
}

static void an_electrode_offset_changes_nothing_and_five_volts_are_refused(void **state)
{
    (void)state;
    struct xw_patient *p = sinus(5);
    read_it(p);
    plain = result;
    for (unsigned i = 0; i < p->input.samples_n; i++)
        for (unsigned l = 0; l < 12; l++)
            p->uv[l][i] += 300000;
    read_it(p);
    assert_int_equal(result.verdict, XW_ECG12_ACCEPTABLE);
    assert_true(fabsf(result.qrs_ms - plain.qrs_ms) < 4 && fabsf(result.qt_ms - plain.qt_ms) < 6);
    for (unsigned i = 0; i < p->input.samples_n; i++)
        for (unsigned l = 0; l < 12; l++)
            p->uv[l][i] += 4700000;
    read_it(p);
    assert_int_equal(result.verdict, XW_ECG12_UNACCEPTABLE);
    assert_int_equal(result.reason, XW_ECG12_REASON_NO_LEADS);
    free(p);
}

static void odd_rates_give_the_same_intervals(void **state)
{
    (void)state;
    static const unsigned RATES[] = {100, 125, 128, 180, 240, 257, 333, 360, 512, 997, 1000};
    struct xw_patient *p = sinus(6);
    read_it(p);
    plain = result;
    free(p);
    for (size_t k = 0; k < sizeof(RATES) / sizeof(*RATES); k++)
        for (int half = 0; half < 2; half++) {
            p = xw_patient_new(&(struct xw_patient_wish){
                .scene = "sinus", .seed = 6, .rate_hz = RATES[k], .seconds = half ? 9.05 : 10});
            read_it(p);
            if (result.verdict != XW_ECG12_ACCEPTABLE || fabsf(result.hr_bpm - plain.hr_bpm) > 6 ||
                fabsf(result.qrs_ms - plain.qrs_ms) > 24 || fabsf(result.qt_ms - plain.qt_ms) > 40)
                fail_msg("%u Hz: verdict %d hr %.1f (%.1f) QRS %.1f (%.1f) QT %.1f (%.1f)",
                         RATES[k], result.verdict, (double)result.hr_bpm, (double)plain.hr_bpm,
                         (double)result.qrs_ms, (double)plain.qrs_ms, (double)result.qt_ms,
                         (double)plain.qt_ms);
            free(p);
        }
}

/* RA/LA exchanged and a chest row that shrinks to the left. */
static void a_heart_on_the_right_is_suspected(void **state)
{
    (void)state;
    struct xw_patient *p = xw_patient_new(
        &(struct xw_patient_wish){.scene = "sinus", .seed = 7, .arms_reversed = true});
    static const float SHARE[6] = {1, 0.8f, 0.6f, 0.4f, 0.25f, 0.15f};
    int v1 = xw_patient_row(p, XW_ECG_LEAD_V1);
    for (int k = 1; k < 6; k++)
        for (unsigned i = 0; i < p->input.samples_n; i++)
            p->uv[v1 + k][i] = SHARE[k] * p->uv[v1][i] + (float)((i * 7 + (unsigned)k) % 5);
    read_it(p);
    if (!result.exchange.limb)
        fail_msg("axes %.0f %.0f %.0f", (double)result.p_axis_deg, (double)result.qrs_axis_deg,
                 (double)result.t_axis_deg);
    assert_string_equal(result.exchange.limb_kind, "dextrocardia");
    free(p);
}

static void pacing_pulses_are_no_part_of_the_qrs(void **state)
{
    (void)state;
    struct xw_patient *p = xw_patient_new(&(struct xw_patient_wish){.scene = "avb3", .seed = 8});
    read_it(p);
    plain = result;
    for (unsigned k = 0; k < p->truth_n; k++) {
        int at = (int)(p->truth_ms[k] / 2) - 40;
        for (unsigned l = 0; l < 12 && at >= 0; l++)
            p->uv[l][at] += l % 2 ? 2500 : -2500;
    }
    read_it(p);
    assert_true(result.pace_n >= 2);
    if (isfinite(result.qrs_ms) && isfinite(plain.qrs_ms))
        assert_true(fabsf(result.qrs_ms - plain.qrs_ms) < 40);
    free(p);
}

/* A recorder may draw a pulse as a plateau of 12 ms: it is cut out like the others. */
static void a_wide_pulse_among_slender_ones_is_found(void **state)
{
    (void)state;
    struct xw_patient *p = xw_patient_new(&(struct xw_patient_wish){.scene = "avb3", .seed = 8});
    unsigned given = 0;
    for (unsigned k = 0; k < p->truth_n; k++) {
        int at = (int)(p->truth_ms[k] / 2) - 40, width = k == 3 ? 6 : 1;
        given += at >= 12;
        for (unsigned l = 0; l < 12 && at >= 12; l++)
            for (int i = 0; i < width; i++)
                p->uv[l][at + i] += l % 2 ? 2500 : -2500;
    }
    read_it(p);
    assert_true(given > 4);
    assert_int_equal(result.pace_n, given);
    for (unsigned b = 0; b < result.beats_n; b++)
        assert_true(result.beats[b].paced);
    free(p);
}

static void marks_keep_their_order_in_every_rhythm(void **state)
{
    (void)state;
    for (unsigned k = 0; xw_synth_scene_name(k); k++)
        for (uint64_t seed = 1; seed <= 2; seed++) {
            struct xw_patient *p = xw_patient_new(&(struct xw_patient_wish){
                .scene = xw_synth_scene_name(k), .seed = seed, .emg_mv = seed == 2 ? 0.05f : 0});
            read_it(p);
            free(p);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_times_the_gain_is_said_and_nothing_measured),
        cmocka_unit_test(a_tenth_of_the_gain_is_said),
        cmocka_unit_test(one_lead_a_thousand_times_larger_is_left_out),
        cmocka_unit_test(twelve_times_the_same_lead_is_no_ecg_of_twelve_leads),
        cmocka_unit_test(two_chest_leads_of_the_same_numbers_are_both_left_out),
        cmocka_unit_test(sentinel_values_are_not_measured),
        cmocka_unit_test(an_electrode_offset_changes_nothing_and_five_volts_are_refused),
        cmocka_unit_test(odd_rates_give_the_same_intervals),
        cmocka_unit_test(a_heart_on_the_right_is_suspected),
        cmocka_unit_test(pacing_pulses_are_no_part_of_the_qrs),
        cmocka_unit_test(a_wide_pulse_among_slender_ones_is_found),
        cmocka_unit_test(marks_keep_their_order_in_every_rhythm),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
