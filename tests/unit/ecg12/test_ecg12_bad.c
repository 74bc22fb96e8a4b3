/* Input that is not twelve good leads: a clear verdict or error, and no figure about what was not
 * seen. */
#include "unit/dsp/allocations.h"
#include "unit/ecg12/patient.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct xw_ecg12 *engine;
static struct xw_ecg12_result result;

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
}

static void assert_nothing_is_said(void)
{
    assert_int_equal(result.verdict, XW_ECG12_UNACCEPTABLE);
    assert_int_equal(result.beats_n, 0);
    assert_int_equal(result.median_of_n, 0);
    const float all[] = {result.hr_bpm,
                         result.pr_ms,
                         result.qrs_ms,
                         result.qt_ms,
                         result.p_ms,
                         result.qtc_bazett_ms,
                         result.qtc_fridericia_ms,
                         result.qrs_axis_deg,
                         result.p_axis_deg,
                         result.t_axis_deg,
                         result.rv5_mv,
                         result.sv1_mv,
                         result.rr_ms,
                         result.qtc_hodges_ms,
                         result.qtc_framingham_ms,
                         result.rv5_sv1_mv,
                         result.p_coherence};
    for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++)
        assert_true(isnan(all[k]));
    assert_false(result.p_present || result.irregular || result.exchange.limb ||
                 result.exchange.precordial);
    for (unsigned l = 0; l < result.leads_n; l++)
        assert_true(!result.leads[l].usable && isnan(result.leads[l].r_uv) &&
                    isnan(result.leads[l].st_j_uv));
}

static float noise(uint64_t *random)
{
    float sum = 0;
    for (int k = 0; k < 4; k++) {
        *random = *random * 6364136223846793005u + 1442695040888963407u;
        sum += (float)(*random >> 40) / 16777216.0f - 0.5f;
    }
    return sum;
}

static void inputs_outside_the_limits_are_refused(void **state)
{
    (void)state;
    struct xw_patient *p = sinus(1);
    struct xw_ecg12_input good = p->input, in;
    const double SECONDS[] = {0, 8.9, 9, 10.25};
    for (int k = 0; k < 4; k++) {
        in = good;
        in.samples_n = (unsigned)(SECONDS[k] * 500);
        if (in.samples_n <= 5000)
            assert_int_equal(xw_ecg12_read(engine, &in, &result), SECONDS[k] < 9 ? -EINVAL : 0);
    }
    in = good;
    in.samples_n = 5200;
    assert_int_equal(xw_ecg12_read(engine, &in, &result), -EINVAL);
    const double RATES[] = {0, -1, 99, 1001, NAN, INFINITY};
    for (int k = 0; k < 6; k++) {
        in = good;
        in.rate_hz = RATES[k];
        assert_int_equal(xw_ecg12_read(engine, &in, &result), -EINVAL);
    }
    in = good;
    in.channels_n = 0;
    assert_int_equal(xw_ecg12_read(engine, &in, &result), -EINVAL);
    in.channels_n = XW_ECG12_LEADS_MAX + 1;
    assert_int_equal(xw_ecg12_read(engine, &in, &result), -EINVAL);
    in = good;
    in.channels[3].uv = NULL;
    assert_int_equal(xw_ecg12_read(engine, &in, &result), -EINVAL);
    free(p);
}

static void flat_leads_say_nothing(void **state)
{
    (void)state;
    struct xw_patient *p = sinus(1);
    memset(p->uv, 0, sizeof(p->uv));
    read_it(p);
    assert_int_equal(result.reason, XW_ECG12_REASON_NO_SIGNAL);
    assert_nothing_is_said();
    free(p);
}

static void missing_values_say_nothing(void **state)
{
    (void)state;
    struct xw_patient *p = sinus(1);
    for (unsigned l = 0; l < XW_ECG12_LEADS_MAX; l++)
        for (unsigned i = 0; i < XW_PATIENT_ROWS_MAX; i++)
            p->uv[l][i] = NAN;
    read_it(p);
    assert_nothing_is_said();
    free(p);
}

static void noise_says_nothing(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 12; n += 11)
        for (uint64_t seed = 1; seed <= 10; seed++) {
            struct xw_patient *p = sinus(1);
            uint64_t random = seed;
            for (unsigned l = 0; l < 12; l++)
                for (unsigned i = 0; i < p->input.samples_n; i++)
                    p->uv[l][i] = 300 * noise(&random);
            p->input.channels_n = n;
            read_it(p);
            assert_nothing_is_said();
            free(p);
        }
}

static void fibrillation_of_the_ventricles_is_not_measured(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct xw_patient *p =
            xw_patient_new(&(struct xw_patient_wish){.scene = "vf", .seed = seed});
        read_it(p);
        assert_nothing_is_said();
        free(p);
    }
    struct xw_patient *p =
        xw_patient_new(&(struct xw_patient_wish){.scene = "asystole", .seed = 1});
    read_it(p);
    assert_nothing_is_said();
    free(p);
}

static void a_spoilt_lead_is_left_out_and_the_others_are_read(void **state)
{
    (void)state;
    static const unsigned FLAW[] = {XW_ECG12_FLAW_FLAT,  XW_ECG12_FLAW_SATURATED,
                                    XW_ECG12_FLAW_GAPS,  XW_ECG12_FLAW_NOISE,
                                    XW_ECG12_FLAW_RANGE, XW_ECG12_FLAW_STEP};
    for (size_t k = 0; k < sizeof(FLAW) / sizeof(*FLAW); k++) {
        struct xw_patient *p = sinus(2);
        int at = xw_patient_row(p, XW_ECG_LEAD_V3);
        uint64_t random = 5;
        for (unsigned i = 0; i < p->input.samples_n; i++) {
            float *x = &p->uv[at][i];
            if (FLAW[k] == XW_ECG12_FLAW_FLAT)
                *x = i > 2000 ? 0 : *x;
            else if (FLAW[k] == XW_ECG12_FLAW_SATURATED)
                *x = i % 1500 < 200 ? 5000 : *x;
            else if (FLAW[k] == XW_ECG12_FLAW_GAPS)
                *x = i % 1000 < 150 ? NAN : *x;
            else if (FLAW[k] == XW_ECG12_FLAW_NOISE)
                *x += 700 * noise(&random);
            else if (FLAW[k] == XW_ECG12_FLAW_RANGE)
                *x *= 30;
            else
                *x += i > 2500 ? 3000 : 0;
        }
        read_it(p);
        assert_int_equal(result.verdict, XW_ECG12_LIMITED);
        assert_int_equal(result.reason, XW_ECG12_REASON_SOME_LEADS);
        assert_int_equal(result.unfit, 1u << at);
        assert_true(result.leads[at].flaws & FLAW[k]);
        assert_true(isnan(result.leads[at].r_uv) && isnan(result.beats[2].lead[at].qrs_on));
        assert_true(isfinite(result.qrs_ms) && isfinite(result.qt_ms) &&
                    isfinite(result.qrs_axis_deg));
        free(p);
    }
}

static void few_leads_give_no_axes_they_cannot_give(void **state)
{
    (void)state;
    static const enum xw_ecg_lead SIX[] = {XW_ECG_LEAD_I,   XW_ECG_LEAD_II,  XW_ECG_LEAD_III,
                                           XW_ECG_LEAD_AVR, XW_ECG_LEAD_AVL, XW_ECG_LEAD_AVF};
    static const enum xw_ecg_lead THREE[] = {XW_ECG_LEAD_II, XW_ECG_LEAD_V1, XW_ECG_LEAD_V5};
    struct xw_patient *p = sinus(3);
    xw_patient_keep(p, SIX, 6);
    read_it(p);
    assert_int_equal(result.reason, XW_ECG12_REASON_FEW_LEADS);
    assert_true(isfinite(result.qrs_axis_deg) && isnan(result.rv5_mv) && isnan(result.rv5_sv1_mv));
    free(p);
    p = sinus(3);
    xw_patient_keep(p, THREE, 3);
    read_it(p);
    assert_true(isnan(result.qrs_axis_deg) && isfinite(result.rv5_mv) && isfinite(result.sv1_mv));
    assert_false(result.exchange.limb || result.exchange.precordial);
    free(p);
    p = sinus(3);
    xw_patient_keep(p, THREE, 1);
    read_it(p);
    assert_int_equal(result.verdict, XW_ECG12_LIMITED);
    assert_int_equal(result.leads_n, 1);
    assert_true(isfinite(result.hr_bpm) && isfinite(result.qrs_ms) && isnan(result.rv5_mv));
    free(p);
}

static void one_electrode_off_spoils_what_it_carries(void **state)
{
    (void)state;
    struct xw_patient *p = sinus(4);
    static const enum xw_ecg_lead LIMBS[] = {XW_ECG_LEAD_I, XW_ECG_LEAD_II, XW_ECG_LEAD_AVR,
                                             XW_ECG_LEAD_AVL, XW_ECG_LEAD_AVF};
    for (size_t k = 0; k < 5; k++)
        memset(p->uv[xw_patient_row(p, LIMBS[k])], 0, sizeof(p->uv[0]));
    read_it(p);
    assert_int_equal(result.verdict, XW_ECG12_LIMITED);
    assert_true(isnan(result.qrs_axis_deg) && isnan(result.exchange.limb_score[0]));
    free(p);
}

static void scores_rank_windows_by_what_can_be_seen(void **state)
{
    (void)state;
    struct xw_patient *p = sinus(5);
    float clean, noisy, flat;
    assert_int_equal(xw_ecg12_score(engine, &p->input, &clean), 0);
    uint64_t random = 3;
    for (unsigned l = 0; l < 12; l++)
        for (unsigned i = 0; i < p->input.samples_n; i++)
            p->uv[l][i] += 100 * noise(&random);
    assert_int_equal(xw_ecg12_score(engine, &p->input, &noisy), 0);
    memset(p->uv, 0, sizeof(p->uv));
    assert_int_equal(xw_ecg12_score(engine, &p->input, &flat), 0);
    assert_true(clean > noisy && noisy > flat && flat >= 0 && clean <= 1);
    free(p);
}

static void random_input_never_gives_a_value_out_of_order(void **state)
{
    (void)state;
    uint64_t random = 77;
    for (int round = 0; round < 24; round++) {
        static const char *const SCENE[] = {"sinus", "tachy", "pvc", "vt", "af", "couplets"};
        struct xw_patient *p =
            xw_patient_new(&(struct xw_patient_wish){.scene = SCENE[round % 6],
                                                     .seed = (uint64_t)round + 1,
                                                     .rate_hz = round % 2 ? 250 : 1000,
                                                     .seconds = 9.5});
        for (unsigned l = 0; l < 12; l++)
            for (unsigned i = 0; i < p->input.samples_n; i++) {
                float n = noise(&random);
                if (n > 1.3f)
                    p->uv[l][i] = n > 1.5f ? NAN : 40000 * n;
            }
        read_it(p);
        for (unsigned b = 0; b < result.beats_n; b++)
            for (unsigned l = 0; l < result.leads_n; l++) {
                const struct xw_ecg12_marks *m = &result.beats[b].lead[l];
                if (isfinite(m->qrs_on))
                    assert_true(m->qrs_on <= m->qrs_off && m->qrs_on > -200 && m->qrs_off < 10500);
            }
        free(p);
    }
}

static void reading_allocates_nothing(void **state)
{
    (void)state;
    struct xw_patient *p = sinus(6);
    if (!xw_allocations_can_count()) {
        free(p);
        skip();
    }
    xw_allocations_begin();
    int done = xw_ecg12_read(engine, &p->input, &result);
    uint64_t count = xw_allocations_end();
    assert_int_equal(done, 0);
    assert_int_equal(count, 0);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_outside_the_limits_are_refused),
        cmocka_unit_test(flat_leads_say_nothing),
        cmocka_unit_test(missing_values_say_nothing),
        cmocka_unit_test(noise_says_nothing),
        cmocka_unit_test(fibrillation_of_the_ventricles_is_not_measured),
        cmocka_unit_test(a_spoilt_lead_is_left_out_and_the_others_are_read),
        cmocka_unit_test(few_leads_give_no_axes_they_cannot_give),
        cmocka_unit_test(one_electrode_off_spoils_what_it_carries),
        cmocka_unit_test(scores_rank_windows_by_what_can_be_seen),
        cmocka_unit_test(random_input_never_gives_a_value_out_of_order),
        cmocka_unit_test(reading_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
