/* Files of real devices, where XW_DATA has them: the same ECG as SCP, DICOM and aECG, and what the
 * others hold. Skipped (77) without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "unit/formats/made.h"

static const char *data_folder;

static struct xw_formats_recording *open_sample(const char *name)
{
    char path[1024];
    struct xw_formats_recording *r = NULL;
    struct xw_formats_error e = {{0}, {0}};
    snprintf(path, sizeof(path), "%s/formats/%s", data_folder, name);
    int result = xw_formats_open(path, 0, &r, &e);
    if (result < 0)
        print_message("%s: %s: %s\n", name, e.where, e.text);
    assert_int_equal(result, 0);
    for (unsigned i = 0; i < r->warnings_n; i++)
        print_message("%s: %s\n", name, r->warnings[i]);
    return r;
}

static void one_ecg_in_three_formats_has_the_same_samples(void **state)
{
    (void)state;
    struct xw_formats_recording *scp = open_sample("triple/Example.scp");
    struct xw_formats_recording *dicom = open_sample("triple/Example.dcm");
    struct xw_formats_recording *aecg = open_sample("triple/Example.xml");
    double a = made_difference_uv(scp, dicom);
    double b = made_difference_uv(scp, aecg);
    print_message("SCP to DICOM %g uV, SCP to aECG %g uV\n", a, b);
    assert_true(a >= 0 && a <= 0.1);
    assert_true(b >= 0 && b <= 0.1);
    static const struct {
        enum xw_formats_measure_code code;
        double value;
    } SAID[] = {{XW_FORMATS_PR, 148},   {XW_FORMATS_QRS, 120},   {XW_FORMATS_QT, 420},
                {XW_FORMATS_QTC, 443},  {XW_FORMATS_P_AXIS, 44}, {XW_FORMATS_QRS_AXIS, -61},
                {XW_FORMATS_T_AXIS, 86}};
    struct xw_formats_recording *all[] = {scp, dicom, aecg};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < sizeof(SAID) / sizeof(SAID[0]); k++) {
            double v = -1;
            assert_true(xw_formats_find_measure(all[i], SAID[k].code, &v));
            assert_true(v == SAID[k].value);
        }
        xw_formats_free(all[i]);
    }
}

static void every_sample_is_what_its_device_recorded(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum xw_formats_kind kind;
        unsigned leads_n;
        int64_t samples_n, rate_hz;
    } FILES[] = {
        {"aecg/hl7aecg-Example2.xml", XW_FORMATS_AECG, 12, 10000, 1000},
        {"aecg/minimum_aecg.xml", XW_FORMATS_AECG, 1, 13, 500},
        {"dicom/waveform_ecg.dcm", XW_FORMATS_DICOM, 12, 10000, 1000},
        {"edf/0000050.ECG.edf", XW_FORMATS_EDF, 12, 37855, 800},
        {"muse/example1.xml", XW_FORMATS_MUSE, 12, 5000, 500},
        {"muse/example2.xml", XW_FORMATS_MUSE, 12, 5000, 500},
        {"philips-sierra/ad4d3d80-d165_1-04_orig.xml", XW_FORMATS_SIERRA, 12, 5500, 500},
        {"philips-sierra/3191723_ZZDEMOPTONLY_1-04_orig.xml", XW_FORMATS_SIERRA, 12, 5500, 500},
        {"scp/0000050.ECG.scp", XW_FORMATS_SCP, 12, 32767, 800},
        {"scp/demo.scp", XW_FORMATS_SCP, 12, 10000, 1000},
        {"scp/62.SCP", XW_FORMATS_SCP, 3, 4500, 150},
    };
    for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++) {
        struct xw_formats_recording *r = open_sample(FILES[i].name);
        const struct xw_formats_group *g = xw_formats_rhythm(r);
        assert_non_null(g);
        print_message("%s: %u leads, %lld samples, %lld/%lld Hz\n", FILES[i].name, g->leads_n,
                      (long long)g->samples_n, (long long)g->rate_hz.num,
                      (long long)g->rate_hz.den);
        assert_int_equal(r->kind, FILES[i].kind);
        assert_int_equal(g->leads_n, FILES[i].leads_n);
        assert_int_equal(g->samples_n, FILES[i].samples_n);
        assert_true(g->rate_hz.num == FILES[i].rate_hz * g->rate_hz.den);
        xw_formats_free(r);
    }
}

/* Limb leads that a device stored must agree with each other: what is decoded wrongly does not. */
static void limb_leads_keep_einthovens_law(void **state)
{
    (void)state;
    static const char *const FILES[] = {"philips-sierra/ad4d3d80-d165_1-04_orig.xml",
                                        "philips-sierra/3191723_ZZDEMOPTONLY_1-04_orig.xml",
                                        "dicom/waveform_ecg.dcm", "triple/Example.scp"};
    for (size_t f = 0; f < sizeof(FILES) / sizeof(FILES[0]); f++) {
        struct xw_formats_recording *r = open_sample(FILES[f]);
        const struct xw_formats_group *g = xw_formats_rhythm(r);
        int at[4];
        static const enum xw_ecg_lead LEADS[] = {XW_ECG_LEAD_I, XW_ECG_LEAD_II, XW_ECG_LEAD_III,
                                                 XW_ECG_LEAD_AVF};
        int32_t worst = 0;
        for (size_t i = 0; i < 4; i++)
            assert_true((at[i] = xw_formats_find_lead(g, LEADS[i])) >= 0);
        /* In the eleventh second of a Sierra file there is a mark of 1 mV on every lead. */
        for (int64_t i = 0; i < g->samples_n && i * g->rate_hz.den < 10 * g->rate_hz.num; i++) {
            const int32_t *row = g->rows + (size_t)i * g->leads_n;
            int32_t a = abs(row[at[1]] - row[at[0]] - row[at[2]]);
            int32_t b = abs((row[at[1]] + row[at[2]]) / 2 - row[at[3]]);
            worst = a > worst ? a : worst;
            worst = b > worst ? b : worst;
        }
        print_message("%s: %d counts\n", FILES[f], worst);
        assert_true(worst <= 4);
        xw_formats_free(r);
    }
}

static void a_document_without_an_ecg_is_refused(void **state)
{
    (void)state;
    static const char *const FILES[] = {"aecg/empty.xml", "dicom/examples_ybr_color.dcm",
                                        "fhir-r4/Observation-ekg.json", "aecg/hl7.zip"};
    for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++) {
        char path[1024];
        struct xw_formats_recording *r = NULL;
        struct xw_formats_error e = {{0}, {0}};
        snprintf(path, sizeof(path), "%s/formats/%s", data_folder, FILES[i]);
        assert_true(xw_formats_open(path, 0, &r, &e) < 0);
        print_message("%s: %s\n", FILES[i], e.text);
        assert_true(e.text[0] != 0);
    }
}

int main(void)
{
    data_folder = getenv("XW_DATA");
    char path[1024];
    snprintf(path, sizeof(path), "%s/formats/triple/Example.scp", data_folder ? data_folder : "");
    FILE *there = data_folder ? fopen(path, "rb") : NULL;
    if (!there) {
        printf("skipped: XW_DATA names no folder with formats\n");
        return 77;
    }
    fclose(there);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_ecg_in_three_formats_has_the_same_samples),
        cmocka_unit_test(every_sample_is_what_its_device_recorded),
        cmocka_unit_test(limb_leads_keep_einthovens_law),
        cmocka_unit_test(a_document_without_an_ecg_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
