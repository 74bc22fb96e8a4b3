/* Two recordings of one synthetic patient: what is the same is not called different, what differs
 * is, and what was not measured in both is not compared. */
#include "dsp/ecg12/compare.h"
#include "dsp/ecg/display.h"
#include "unit/dsp/allocations.h"
#include "unit/ecg12/patient.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct xw_ecg12_band DIAGNOSTIC = {0.05f, 150}, MONITOR = {0.5f, 40},
                                  UNKNOWN = {NAN, NAN};
static struct xw_ecg12_comparer *comparer;

static int setup(void **state)
{
    (void)state;
    return xw_ecg12_comparer_new(&comparer);
}

static int teardown(void **state)
{
    (void)state;
    xw_ecg12_comparer_free(comparer);
    return 0;
}

static struct xw_patient *patient(const char *scene, unsigned rate_hz)
{
    return xw_patient_new(
        &(struct xw_patient_wish){.scene = scene, .rate_hz = rate_hz, .seed = 3, .emg_mv = 0.005f});
}

static struct xw_ecg12_comparison compare(const struct xw_patient *before,
                                          const struct xw_patient *now,
                                          struct xw_ecg12_band of_before,
                                          struct xw_ecg12_band of_now)
{
    struct xw_ecg12_comparison c;
    const struct xw_ecg12_band bands[2] = {of_before, of_now};
    assert_int_equal(xw_ecg12_compare(comparer, &before->input, &now->input, bands, &c), 0);
    return c;
}

static const struct xw_ecg12_change *height(const struct xw_ecg12_comparison *c,
                                            enum xw_ecg_lead lead, enum xw_ecg12_height figure)
{
    for (unsigned l = 0; l < c->leads_n; l++)
        if (c->leads[l].lead == lead)
            return &c->leads[l].height[figure];
    fail();
    return NULL;
}

/* Figures beyond their uncertainty; every known one has one. */
static unsigned beyond(const struct xw_ecg12_comparison *c)
{
    unsigned n = 0;
    for (int k = 0; k < XW_ECG12_WHOLE_N; k++) {
        const struct xw_ecg12_change *x = &c->whole[k];
        assert_int_equal(isfinite(x->by), isfinite(x->uncertainty));
        assert_true(!isfinite(x->by) || x->uncertainty > 0);
        if (x->beyond)
            print_message("%s %g -> %g, U %g\n", xw_ecg12_whole_name((enum xw_ecg12_whole)k),
                          (double)x->before, (double)x->now, (double)x->uncertainty);
        n += x->beyond;
    }
    for (unsigned l = 0; l < c->leads_n; l++)
        for (int k = 0; k < XW_ECG12_HEIGHT_N; k++) {
            const struct xw_ecg12_change *x = &c->leads[l].height[k];
            if (x->beyond)
                print_message("%s %s %g -> %g, U %g\n", xw_ecg_lead_name(c->leads[l].lead),
                              xw_ecg12_height_name((enum xw_ecg12_height)k), (double)x->before,
                              (double)x->now, (double)x->uncertainty);
            n += x->beyond;
        }
    return n;
}

static void a_recording_does_not_differ_from_itself(void **state)
{
    (void)state;
    struct xw_patient *p = patient("sinus", 500);
    struct xw_ecg12_comparison c = compare(p, p, DIAGNOSTIC, DIAGNOSTIC);
    assert_int_equal(c.why_not, XW_ECG12_COMPARED);
    assert_int_equal(c.leads_n, 12);
    assert_true(c.band_known);
    assert_int_equal(beyond(&c), 0);
    for (int k = 0; k < XW_ECG12_WHOLE_N; k++)
        assert_true(c.whole[k].by == 0);
    assert_true(c.likeness > 0.999f && c.shift_ms == 0);
    assert_null(c.limb_kind);
    assert_null(c.precordial_kind);
    struct xw_ecg12_comparison again = compare(p, p, DIAGNOSTIC, DIAGNOSTIC);
    assert_memory_equal(&again.whole, &c.whole, sizeof(c.whole));
    assert_memory_equal(&again.leads, &c.leads, sizeof(c.leads));
    free(p);
}

static void other_rates_make_no_difference(void **state)
{
    (void)state;
    static const unsigned RATES[] = {250, 1000};
    struct xw_patient *p = patient("sinus", 500);
    for (int k = 0; k < 2; k++) {
        struct xw_patient *q = patient("sinus", RATES[k]);
        struct xw_ecg12_comparison c = compare(p, q, DIAGNOSTIC, DIAGNOSTIC);
        assert_int_equal(beyond(&c), 0);
        assert_true(c.rate_hz == (k ? 500 : 250));
        assert_true(c.band.low_pass_hz == (k ? 150 : 100));
        c = compare(q, p, DIAGNOSTIC, DIAGNOSTIC);
        assert_int_equal(beyond(&c), 0);
        free(q);
    }
    free(p);
}

static void filtered(struct xw_patient *p, struct xw_ecg12_band band)
{
    struct xw_ecg_display_design design;
    assert_int_equal(xw_ecg_display_make(p->input.rate_hz, (double)band.high_pass_hz,
                                         (double)band.low_pass_hz, 0, &design),
                     0);
    for (unsigned c = 0; c < p->input.channels_n; c++) {
        struct xw_ecg_display filter;
        xw_ecg_display_init(&filter, &design);
        for (unsigned i = 0; i < p->input.samples_n; i++)
            p->uv[c][i] = (float)xw_ecg_display_process(&filter, (double)p->uv[c][i]);
    }
}

static void the_narrower_filter_is_applied_to_the_other(void **state)
{
    (void)state;
    struct xw_patient *wide = patient("sinus", 500), *narrow = patient("sinus", 500);
    filtered(narrow, MONITOR);
    struct xw_ecg12_comparison c = compare(wide, narrow, DIAGNOSTIC, MONITOR);
    assert_true(c.band.high_pass_hz == 0.5f && c.band.low_pass_hz == 40);
    assert_int_equal(beyond(&c), 0);
    c = compare(narrow, wide, MONITOR, DIAGNOSTIC);
    assert_int_equal(beyond(&c), 0);
    /* As if nobody knew: the filter alone makes differences. */
    c = compare(wide, narrow, DIAGNOSTIC, DIAGNOSTIC);
    assert_true(fabsf(height(&c, XW_ECG_LEAD_V4, XW_ECG12_HEIGHT_R)->by) > 20);
    c = compare(wide, narrow, UNKNOWN, MONITOR);
    assert_false(c.band_known);
    assert_int_equal(beyond(&c), 0);
    free(wide);
    free(narrow);
}

static void new_elevation_is_beyond_the_uncertainty(void **state)
{
    (void)state;
    struct xw_patient *p = patient("sinus", 500), *q = patient("stemi-inferior", 500);
    struct xw_ecg12_comparison c = compare(p, q, DIAGNOSTIC, DIAGNOSTIC);
    const struct xw_ecg12_change *x = height(&c, XW_ECG_LEAD_III, XW_ECG12_HEIGHT_ST_60);
    assert_true(x->beyond && x->by > 80);
    assert_true(height(&c, XW_ECG_LEAD_AVL, XW_ECG12_HEIGHT_ST_60)->by < 0);
    assert_true(c.whole[XW_ECG12_WHOLE_HR].beyond && c.whole[XW_ECG12_WHOLE_HR].by > 5);
    assert_null(c.limb_kind);
    free(p);
    free(q);
}

static void what_was_not_measured_in_both_is_not_compared(void **state)
{
    (void)state;
    struct xw_patient *p = patient("sinus", 500), *q = patient("sinus", 500),
                      *vf = patient("vf", 500);
    int v3 = xw_patient_row(q, XW_ECG_LEAD_V3);
    for (unsigned i = 0; i < q->input.samples_n; i++)
        q->uv[v3][i] = 0;
    struct xw_ecg12_comparison c = compare(p, q, DIAGNOSTIC, DIAGNOSTIC);
    assert_int_equal(c.leads_n, 11);
    for (unsigned l = 0; l < c.leads_n; l++)
        assert_int_not_equal(c.leads[l].lead, XW_ECG_LEAD_V3);
    static const enum xw_ecg_lead LIMBS[] = {XW_ECG_LEAD_I, XW_ECG_LEAD_II},
                                  CHEST[] = {XW_ECG_LEAD_V1, XW_ECG_LEAD_V2};
    xw_patient_keep(q, CHEST, 2);
    struct xw_patient *limbs = patient("sinus", 500);
    xw_patient_keep(limbs, LIMBS, 2);
    c = compare(limbs, q, DIAGNOSTIC, DIAGNOSTIC);
    assert_int_equal(c.why_not, XW_ECG12_NO_LEAD_IN_BOTH);
    assert_true(isnan(c.whole[XW_ECG12_WHOLE_QT].by));
    c = compare(p, vf, DIAGNOSTIC, DIAGNOSTIC);
    assert_int_equal(c.why_not, XW_ECG12_NOW_UNREAD);
    c = compare(vf, p, DIAGNOSTIC, DIAGNOSTIC);
    assert_int_equal(c.why_not, XW_ECG12_BEFORE_UNREAD);
    struct xw_patient *af = patient("af", 500);
    c = compare(p, af, DIAGNOSTIC, DIAGNOSTIC);
    assert_int_equal(c.why_not, XW_ECG12_COMPARED);
    assert_true(isnan(c.whole[XW_ECG12_WHOLE_PR].by) && !c.whole[XW_ECG12_WHOLE_PR].beyond);
    free(af);
    free(limbs);
    free(p);
    free(q);
    free(vf);
}

static void exchange(struct xw_patient *p, const enum xw_ecg_lead *from, const float *sign,
                     unsigned n)
{
    static float was[XW_ECG12_LEADS_MAX][XW_PATIENT_ROWS_MAX];
    memcpy(was, p->uv, sizeof(was));
    for (unsigned k = 0; k < n; k++) {
        enum xw_ecg_lead lead = (enum xw_ecg_lead)(n == 2 ? XW_ECG_LEAD_V3 + k : XW_ECG_LEAD_I + k);
        int to = xw_patient_row(p, lead), of = xw_patient_row(p, from[k]);
        for (unsigned i = 0; i < p->input.samples_n; i++)
            p->uv[to][i] = sign[k] * was[of][i];
    }
}

static void exchanged_electrodes_are_seen_against_the_previous_recording(void **state)
{
    (void)state;
    static const enum xw_ecg_lead LA_LL[6] = {XW_ECG_LEAD_II,  XW_ECG_LEAD_I,   XW_ECG_LEAD_III,
                                              XW_ECG_LEAD_AVR, XW_ECG_LEAD_AVF, XW_ECG_LEAD_AVL},
                                  V4_V3[2] = {XW_ECG_LEAD_V4, XW_ECG_LEAD_V3};
    static const float SIGN[6] = {1, 1, -1, 1, 1, 1};
    struct xw_patient *p = patient("sinus", 500), *q = patient("sinus", 500),
                      *r = patient("sinus", 500);
    exchange(q, LA_LL, SIGN, 6);
    exchange(r, V4_V3, SIGN, 2);
    struct xw_ecg12_comparison c = compare(p, q, DIAGNOSTIC, DIAGNOSTIC);
    print_message("LA/LL: nearer by %.2f\n", (double)c.limb_gain);
    assert_non_null(c.limb_kind);
    assert_string_equal(c.limb_kind, "LA/LL");
    assert_null(c.precordial_kind);
    c = compare(p, r, DIAGNOSTIC, DIAGNOSTIC);
    print_message("V3/V4: nearer by %.2f\n", (double)c.precordial_gain);
    assert_null(c.limb_kind);
    assert_non_null(c.precordial_kind);
    assert_string_equal(c.precordial_kind, "V3/V4");
    free(p);
    free(q);
    free(r);
}

static void nothing_is_allocated_and_nonsense_is_refused(void **state)
{
    (void)state;
    struct xw_patient *p = patient("sinus", 500);
    const struct xw_ecg12_band bands[2] = {DIAGNOSTIC, MONITOR};
    static struct xw_ecg12_comparison c;
    xw_allocations_begin();
    int r = xw_ecg12_compare(comparer, &p->input, &p->input, bands, &c);
    uint64_t allocated = xw_allocations_end();
    assert_int_equal(r, 0);
    assert_true(!xw_allocations_can_count() || allocated == 0);
    struct xw_ecg12_input bad = p->input;
    bad.channels_n = 0;
    assert_int_equal(xw_ecg12_compare(comparer, &p->input, &bad, bands, &c), -EINVAL);
    bad = p->input;
    bad.rate_hz = 20;
    assert_int_equal(xw_ecg12_compare(comparer, &bad, &p->input, bands, &c), -EINVAL);
    bad = p->input;
    bad.samples_n = 100000;
    assert_int_equal(xw_ecg12_compare(comparer, &bad, &p->input, bands, &c), -EINVAL);
    bad = p->input;
    bad.channels[3].uv = NULL;
    assert_int_equal(xw_ecg12_compare(comparer, &bad, &p->input, bands, &c), -EINVAL);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recording_does_not_differ_from_itself),
        cmocka_unit_test(other_rates_make_no_difference),
        cmocka_unit_test(the_narrower_filter_is_applied_to_the_other),
        cmocka_unit_test(new_elevation_is_beyond_the_uncertainty),
        cmocka_unit_test(what_was_not_measured_in_both_is_not_compared),
        cmocka_unit_test(exchanged_electrodes_are_seen_against_the_previous_recording),
        cmocka_unit_test(nothing_is_allocated_and_nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
