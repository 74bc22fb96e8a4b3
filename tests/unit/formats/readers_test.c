/* Formats that are only read, and what strangers do to files: entity bombs, UTF-16, CRLF, cut
 * Base64, gains that are none, lengths that lie. All files are made here. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "formats/internal.h"
#include "unit/formats/made.h"

enum { TEXT_BYTES = 65536 };

static struct xw_formats_error error;

static struct xw_formats_recording *good(const void *data, size_t n)
{
    struct xw_formats_recording *r = NULL;
    int result = xw_formats_parse(data, n, &r, &error);
    if (result < 0)
        print_message("%s: %s\n", error.where, error.text);
    assert_int_equal(result, 0);
    return r;
}

static int bad(const void *data, size_t n)
{
    struct xw_formats_recording *r = NULL;
    memset(&error, 0, sizeof(error));
    int result = xw_formats_parse(data, n, &r, &error);
    assert_true(result < 0);
    assert_true(error.text[0] != 0);
    return result;
}

/* ---- MUSE ---- */

static size_t muse(char *text, const char *gain, const char *broken, uint32_t crc_off)
{
    static const int16_t ONE[] = {0, 10, -20, 300, 5};
    static const int16_t TWO[] = {1, 15, -10, 500, 7};
    size_t n = (size_t)snprintf(
        text, TEXT_BYTES,
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\r\n<!DOCTYPE RestingECG SYSTEM "
        "\"restecg.dtd\">\r\n<RestingECG><PatientDemographics><PatientID>77</PatientID><PatientAge>"
        "18</PatientAge><AgeUnits>MONTHS</AgeUnits><Gender>FEMALE</Gender></PatientDemographics>"
        "<TestDemographics><AcquisitionDate>03-09-2024</AcquisitionDate><AcquisitionTime>14:05:06"
        "</AcquisitionTime></TestDemographics><RestingECGMeasurements><PRInterval>150</PRInterval>"
        "</RestingECGMeasurements><Diagnosis><DiagnosisStatement><StmtText>Sinus</StmtText>"
        "</DiagnosisStatement><DiagnosisStatement><StmtFlag>ENDSLINE</StmtFlag><StmtText>rhythm"
        "</StmtText></DiagnosisStatement></Diagnosis><Waveform><WaveformType>Rhythm</WaveformType>"
        "<SampleBase>500</SampleBase><SampleExponent>0</SampleExponent>");
    for (int i = 0; i < 2; i++) {
        uint8_t bytes[10];
        for (int k = 0; k < 5; k++) {
            uint16_t v = (uint16_t)(i ? TWO[k] : ONE[k]);
            bytes[2 * k] = (uint8_t)v;
            bytes[2 * k + 1] = (uint8_t)(v >> 8);
        }
        char *base64 = made_base64(bytes, sizeof(bytes));
        n += (size_t)snprintf(text + n, TEXT_BYTES - n,
                              "<LeadData><LeadSampleCountTotal>5</LeadSampleCountTotal>"
                              "<LeadAmplitudeUnitsPerBit>%s</LeadAmplitudeUnitsPerBit>"
                              "<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><LeadID>%s"
                              "</LeadID><LeadDataCRC32>%u</LeadDataCRC32><WaveFormData>\r\n%s%s\r\n"
                              "</WaveFormData></LeadData>",
                              gain, i ? "II" : "I", xw_formats_crc32(bytes, 10) + crc_off, base64,
                              broken);
        free(base64);
    }
    return n + (size_t)snprintf(text + n, TEXT_BYTES - n, "</Waveform></RestingECG>\r\n");
}

static void muse_gives_counts_exact_gain_and_computed_limb_leads(void **state)
{
    (void)state;
    char *text = malloc(TEXT_BYTES);
    struct xw_formats_recording *r = good(text, muse(text, "4.88", "", 0));
    const struct xw_formats_group *g = xw_formats_rhythm(r);
    double pr;
    assert_int_equal(r->kind, XW_FORMATS_MUSE);
    assert_int_equal(g->leads_n, 6);
    assert_true(g->leads[0].gain.num == 12500 && g->leads[0].gain.den == 61);
    assert_true(g->leads[3].gain.num == 25000 && g->leads[3].derived);
    const int32_t *row = g->rows + (size_t)3 * g->leads_n;
    assert_int_equal(row[2], 200);           /* III */
    assert_int_equal(row[3], -800);          /* aVR, twice */
    assert_int_equal(row[4], 2 * 300 - 500); /* aVL */
    assert_int_equal(row[5], 2 * 500 - 300); /* aVF */
    assert_true(xw_formats_find_measure(r, XW_FORMATS_PR, &pr) && pr == 150);
    assert_string_equal(r->statements[0].text, "Sinus rhythm");
    assert_true(r->patient.has_age && r->patient.age_years == 1.5);
    xw_formats_free(r);
    free(text);
}

static void muse_refuses_cut_base64_wrong_sums_and_impossible_gains(void **state)
{
    (void)state;
    char *text = malloc(TEXT_BYTES);
    assert_int_equal(bad(text, muse(text, "4.88", "Q", 0)), -EBADMSG);
    assert_int_equal(bad(text, muse(text, "4.88", "AAAA", 0)), -EBADMSG);
    assert_int_equal(bad(text, muse(text, "4.88", "", 1)), -EBADMSG);
    assert_int_equal(bad(text, muse(text, "0", "", 0)), -EBADMSG);
    assert_int_equal(bad(text, muse(text, "1e12", "", 0)), -EBADMSG);
    assert_int_equal(bad(text, muse(text, "a lot", "", 0)), -EBADMSG);
    free(text);
}

/* ---- Sierra: an encoder that uses no string of the table, only single bytes ---- */

static size_t xli_chunk(const int16_t *samples, size_t n, uint8_t *out)
{
    uint8_t bytes[256] = {0};
    uint64_t bits = 0;
    unsigned have = 0;
    size_t at = 8;
    int last = 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t v = (uint16_t)samples[i];
        if (i >= 2) {
            /* Sample i + 1 is told by what stands at i. */
            int next = i + 1 < n ? 2 * samples[i] - samples[i - 1] - samples[i + 1] + 64 : 64;
            v = (uint16_t)next;
        }
        bytes[i] = (uint8_t)(v >> 8);
        bytes[n + i] = (uint8_t)v;
    }
    last = 2 * samples[1] - samples[0] - samples[2];
    for (size_t i = 0; i < 2 * n; i++) {
        bits = bits << 10 | bytes[i];
        have += 10;
        for (; have >= 8; have -= 8)
            out[at++] = (uint8_t)(bits >> (have - 8));
    }
    out[at++] = (uint8_t)(bits << (8 - have));
    memset(out, 0, 8);
    out[0] = (uint8_t)(at - 8);
    out[1] = (uint8_t)((at - 8) >> 8);
    out[6] = (uint8_t)last;
    out[7] = (uint8_t)((unsigned)last >> 8);
    return at;
}

static size_t sierra(char *text, size_t cut)
{
    static const int16_t LEADS[3][5] = {{0, 10, 40, 20, -7}, {1, 15, 70, 30, -9}, {0, 0, 0, 0, 0}};
    uint8_t bytes[1024];
    size_t n = 0;
    for (int i = 0; i < 3; i++)
        n += xli_chunk(LEADS[i], 5, bytes + n);
    char *base64 = made_base64(bytes, n - cut);
    size_t out = (size_t)snprintf(
        text, TEXT_BYTES,
        "<?xml version=\"1.0\"?><restingecgdata xmlns=\"http://www3.medical.philips.com\">"
        "<documentinfo><documenttype>SierraECG</documenttype><documentversion>1.03"
        "</documentversion></documentinfo><dataacquisition date=\"2024-03-09\" time=\"14:05:06\">"
        "<signalcharacteristics><samplingrate>500</samplingrate><resolution>5</resolution>"
        "</signalcharacteristics></dataacquisition><waveforms><parsedwaveforms "
        "dataencoding=\"Base64\" compressflag=\"True\" compressmethod=\"XLI\" leadlabels=\"I II "
        "III\" numberofleads=\"3\" durationperchannel=\"10\">%s</parsedwaveforms></waveforms>"
        "</restingecgdata>",
        base64);
    free(base64);
    return out;
}

static void sierra_undoes_xli_and_the_residuals_of_limb_leads(void **state)
{
    (void)state;
    char *text = malloc(TEXT_BYTES);
    struct xw_formats_recording *r = good(text, sierra(text, 0));
    const struct xw_formats_group *g = xw_formats_rhythm(r);
    static const int32_t EXPECTED[5][3] = {
        {0, 1, 1}, {10, 15, 5}, {40, 70, 30}, {20, 30, 10}, {-7, -9, -2}};
    assert_int_equal(g->samples_n, 5);
    for (size_t i = 0; i < 5; i++)
        assert_memory_equal(g->rows + i * g->leads_n, EXPECTED[i], sizeof(EXPECTED[i]));
    assert_int_equal(r->start.ms_of_day, ((14 * 60 + 5) * 60 + 6) * 1000);
    xw_formats_free(r);
    assert_int_equal(bad(text, sierra(text, 3)), -ENODATA);
    free(text);
}

/* ---- MFER ---- */

static size_t mfer(uint8_t *p)
{
    static const uint8_t BYTES[] = {
        0x40, 4,  'M',  'F',  'R', ' ',             /* preamble */
        0x01, 1,  1,                                /* little endian */
        0x85, 7,  0xe8, 7,    3,   9,   14,   5, 6, /* time */
        0x0b, 4,  1,    0xfd, 2,   0,               /* 2 x 10^-3 s */
        0x0c, 4,  0,    0xfa, 5,   0,               /* 5 x 10^-6 V */
        0x04, 1,  2,    0x05, 1,   2,   0x06, 1, 2, /* blocks of 2, 2 channels, 2 sequences */
        0x12, 2,  0,    0x80,                       /* -32768 is no value */
        0x3f, 0,  4,    0x09, 2,   1,   0,          /* channel 0: lead I */
        0x3f, 1,  4,    0x09, 2,   2,   0,          /* channel 1: lead II */
        0x1e, 16, 1,    0,    2,   0,   11,   0, 12, 0, 3, 0, 0, 0x80, 13, 0, 0xff, 0xff, 0x80, 0};
    memcpy(p, BYTES, sizeof(BYTES));
    return sizeof(BYTES);
}

static void mfer_unrolls_sequences_and_blocks(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t n = mfer(bytes);
    struct xw_formats_recording *r = good(bytes, n);
    const struct xw_formats_group *g = xw_formats_rhythm(r);
    assert_int_equal(g->samples_n, 4);
    assert_true(g->rate_hz.num == 500 && g->rate_hz.den == 1);
    assert_true(g->leads[0].gain.num == 200 && g->leads[0].gain.den == 1);
    int two = xw_formats_find_lead(g, XW_ECG_LEAD_II);
    static const int32_t ONE[] = {1, 2, 3, XW_FORMATS_NO_SAMPLE};
    static const int32_t TWO[] = {11, 12, 13, -1};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(g->rows[i * g->leads_n], ONE[i]);
        assert_int_equal(g->rows[i * g->leads_n + (size_t)two], TWO[i]);
    }
    assert_int_equal(r->start.month, 3);
    xw_formats_free(r);
    for (size_t cut = 0; cut + 2 < n; cut++)
        (void)bad(bytes, cut);
}

/* ---- XML of strangers ---- */

static const char AECG[] =
    "<AnnotatedECG xmlns=\"urn:hl7-org:v3\" "
    "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">"
    "<component><series><code code=\"RHYTHM\"/><effectiveTime><low value=\"20240309140506\"/>"
    "</effectiveTime><component><sequenceSet><component><sequence><code code=\"TIME_ABSOLUTE\"/>"
    "<value xsi:type=\"GLIST_TS\"><head value=\"20240309140506.000\"/><increment value=\"0.002\" "
    "unit=\"s\"/></value></sequence></component><component><sequence><code "
    "code=\"MDC_ECG_LEAD_V2\"/><value xsi:type=\"SLIST_PQ\"><origin value=\"%s\" unit=\"uV\"/>"
    "<scale value=\"%s\" unit=\"uV\"/><digits>%s</digits></value></sequence></component>"
    "</sequenceSet></component></series></component></AnnotatedECG>";

static size_t aecg(char *text, const char *origin, const char *scale, const char *digits)
{
    return (size_t)snprintf(text, TEXT_BYTES, AECG, origin, scale, digits);
}

static void aecg_in_utf_16_and_with_an_origin_is_read(void **state)
{
    (void)state;
    char *text = malloc(TEXT_BYTES);
    uint8_t *wide = malloc(2 * TEXT_BYTES);
    size_t n = aecg(text, "5", "2.5", "1 2\r\n-3\r\n");
    wide[0] = 0xff;
    wide[1] = 0xfe;
    for (size_t i = 0; i < n; i++) {
        wide[2 + 2 * i] = (uint8_t)text[i];
        wide[3 + 2 * i] = 0;
    }
    struct xw_formats_recording *r = good(wide, 2 + 2 * n);
    const struct xw_formats_group *g = xw_formats_rhythm(r);
    assert_int_equal(g->samples_n, 3);
    assert_int_equal(g->leads[0].code, XW_ECG_LEAD_V2);
    assert_int_equal(g->rows[2], -3);
    assert_true(g->leads[0].baseline.num == -2 && g->leads[0].baseline.den == 1);
    assert_true(xw_formats_value(&g->leads[0], 2) * 1000 == 10);
    xw_formats_free(r);
    free(wide);
    free(text);
}

static void aecg_without_whole_numbers_or_scale_is_refused(void **state)
{
    (void)state;
    char *text = malloc(TEXT_BYTES);
    assert_int_equal(bad(text, aecg(text, "0", "2.5", "1 2 x")), -EBADMSG);
    assert_int_equal(bad(text, aecg(text, "0", "2.5", "1.5 2")), -EBADMSG);
    assert_int_equal(bad(text, aecg(text, "0", "2.5", "99999999999")), -EBADMSG);
    assert_int_equal(bad(text, aecg(text, "0", "0", "1 2")), -EBADMSG);
    assert_int_equal(bad(text, aecg(text, "0", "", "1 2")), -EBADMSG);
    assert_int_equal(bad(text, aecg(text, "0", "2.5", "")), -ENODATA);
    free(text);
}

static void an_entity_bomb_is_refused_before_it_grows(void **state)
{
    (void)state;
    static const char BOMB[] =
        "<?xml version=\"1.0\"?><!DOCTYPE AnnotatedECG [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b "
        "\"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]><AnnotatedECG>&c;"
        "</AnnotatedECG>";
    static const char FETCH[] = "<?xml version=\"1.0\"?><!DOCTYPE AnnotatedECG [<!ENTITY a SYSTEM "
                                "\"file:///etc/passwd\">]><AnnotatedECG>&a;</AnnotatedECG>";
    assert_int_equal(bad(BOMB, sizeof(BOMB) - 1), -EBADMSG);
    assert_non_null(strstr(error.text, "entities"));
    assert_int_equal(bad(FETCH, sizeof(FETCH) - 1), -EBADMSG);
    char *deep = malloc(TEXT_BYTES);
    size_t n = (size_t)snprintf(deep, TEXT_BYTES, "<AnnotatedECG>");
    while (n + 8 < TEXT_BYTES)
        n += (size_t)snprintf(deep + n, TEXT_BYTES - n, "<a>");
    (void)bad(deep, n);
    free(deep);
}

/* ---- EDF ---- */

static size_t edf(char *h, const char *high, const char *records, const char *header_n)
{
    memset(h, ' ', 512 + 8);
    memcpy(h, "0", 1);
    memcpy(h + 168, "09.03.2414.05.06", 16);
    memcpy(h + 184, header_n, strlen(header_n));
    memcpy(h + 236, records, strlen(records));
    memcpy(h + 244, "0.01", 4);
    memcpy(h + 252, "1", 1);
    memcpy(h + 256, "ECG V5", 6);
    memcpy(h + 256 + 96, "mV", 2);
    memcpy(h + 256 + 104, "-10", 3);
    memcpy(h + 256 + 112, high, strlen(high));
    memcpy(h + 256 + 120, "-2048", 5);
    memcpy(h + 256 + 128, "2047", 4);
    memcpy(h + 256 + 216, "2", 1);
    for (int i = 0; i < 4; i++) {
        h[512 + 2 * i] = (char)(i + 1);
        h[513 + 2 * i] = 0;
    }
    return 520;
}

static void edf_scales_exactly_and_refuses_what_is_none(void **state)
{
    (void)state;
    char h[520];
    struct xw_formats_recording *r = good(h, edf(h, "10", "2", "512"));
    const struct xw_formats_group *g = xw_formats_rhythm(r);
    assert_int_equal(g->samples_n, 4);
    assert_true(g->rate_hz.num == 200);
    /* 4095 counts over 20 mV, and 0 mV between two counts. */
    assert_true(g->leads[0].gain.num == 819 && g->leads[0].gain.den == 4);
    assert_true(g->leads[0].baseline.num == -1 && g->leads[0].baseline.den == 2);
    assert_int_equal(g->rows[3], 4);
    xw_formats_free(r);
    assert_int_equal(bad(h, edf(h, "-10", "2", "512")), -EBADMSG);
    assert_int_equal(bad(h, edf(h, "ten", "2", "512")), -EBADMSG);
    assert_int_equal(bad(h, edf(h, "10", "3", "512")), -ENODATA);
    assert_int_equal(bad(h, edf(h, "10", "2", "768")), -EBADMSG);
    r = good(h, edf(h, "10", "-1", "512"));
    assert_int_equal(r->warnings_n, 1);
    xw_formats_free(r);
}

static void what_is_none_of_these_is_told_so(void **state)
{
    (void)state;
    static const char NONE[] =
        "%PDF-1.4 and so on, long enough to be looked at by all of them ....";
    assert_int_equal(bad(NONE, sizeof(NONE) - 1), -ENOTSUP);
    assert_int_equal(bad("", 0), -ENOTSUP);
    static const char OTHER[] = "<?xml version=\"1.0\"?><html/>";
    assert_int_equal(bad(OTHER, sizeof(OTHER) - 1), -ENOTSUP);
}

static void decimals_are_exact_or_refused(void **state)
{
    (void)state;
    struct xw_wfdb_fraction f;
    char text[48];
    assert_int_equal(xw_formats_decimal(" -2.500e+01 ", 12, &f), 0);
    assert_true(f.num == -25 && f.den == 1);
    assert_int_equal(xw_formats_decimal("0.0010000", 9, &f), 0);
    assert_true(f.num == 1 && f.den == 1000);
    xw_formats_print_fraction((struct xw_wfdb_fraction){-61, 12500}, text, sizeof(text));
    assert_string_equal(text, "-0.00488");
    assert_int_equal(xw_formats_decimal("1.", 2, &f), 0);
    assert_int_equal(xw_formats_decimal("1x", 2, &f), -EBADMSG);
    assert_int_equal(xw_formats_decimal("", 0, &f), -EBADMSG);
    assert_int_equal(xw_formats_decimal("1e99", 4, &f), -ERANGE);
    assert_int_equal(xw_formats_decimal("0.33333333333333333333333", 25, &f), 0);
    assert_true(f.num == 333333333333333333);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(muse_gives_counts_exact_gain_and_computed_limb_leads),
        cmocka_unit_test(muse_refuses_cut_base64_wrong_sums_and_impossible_gains),
        cmocka_unit_test(sierra_undoes_xli_and_the_residuals_of_limb_leads),
        cmocka_unit_test(mfer_unrolls_sequences_and_blocks),
        cmocka_unit_test(aecg_in_utf_16_and_with_an_origin_is_read),
        cmocka_unit_test(aecg_without_whole_numbers_or_scale_is_refused),
        cmocka_unit_test(an_entity_bomb_is_refused_before_it_grows),
        cmocka_unit_test(edf_scales_exactly_and_refuses_what_is_none),
        cmocka_unit_test(what_is_none_of_these_is_told_so),
        cmocka_unit_test(decimals_are_exact_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
