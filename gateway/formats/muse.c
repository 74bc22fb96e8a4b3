/* GE MUSE XML: eight leads of 16-bit counts in Base64, and what the cart measured and said. */
#include "formats/xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct muse_lead {
    const xmlNode *node;
    uint8_t *bytes;
    int64_t samples_n;
};

/* "MM-DD-YYYY", as MUSE has dates. */
static void read_date(const xmlNode *node, struct xw_formats_time *t)
{
    char text[32];
    int64_t month = 0;
    int64_t day = 0;
    int64_t year = 0;
    xw_formats_xml_text(node, text, sizeof(text));
    if (strlen(text) == 10 && xw_formats_whole(text, 2, 1, 12, &month) == 0 &&
        xw_formats_whole(text + 3, 2, 1, 31, &day) == 0 &&
        xw_formats_whole(text + 6, 4, 1800, 9999, &year) == 0)
        (void)xw_formats_set_date(t, year, month, day);
}

static void read_clock(const xmlNode *node, struct xw_formats_time *t)
{
    char text[32];
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    xw_formats_xml_text(node, text, sizeof(text));
    if (strlen(text) >= 8 && xw_formats_whole(text, 2, 0, 23, &hour) == 0 &&
        xw_formats_whole(text + 3, 2, 0, 59, &minute) == 0 &&
        xw_formats_whole(text + 6, 2, 0, 60, &second) == 0)
        (void)xw_formats_set_clock(t, hour, minute, second, 0);
}

static void read_patient(const xmlNode *root, struct xw_formats_recording *r)
{
    struct xw_formats_patient *p = &r->patient;
    const xmlNode *d = xw_formats_xml_child(root, "PatientDemographics");
    char text[32];
    xw_formats_xml_text(xw_formats_xml_child(d, "PatientID"), p->id, sizeof(p->id));
    xw_formats_xml_text(xw_formats_xml_child(d, "PatientLastName"), p->family, sizeof(p->family));
    xw_formats_xml_text(xw_formats_xml_child(d, "PatientFirstName"), p->given, sizeof(p->given));
    xw_formats_xml_text(xw_formats_xml_child(d, "Gender"), text, sizeof(text));
    p->sex = strcasecmp(text, "MALE") == 0 ? 'M' : strcasecmp(text, "FEMALE") == 0 ? 'F' : (char)0;
    read_date(xw_formats_xml_child(d, "DateofBirth"), &p->born);
    xw_formats_xml_text(xw_formats_xml_child(d, "AgeUnits"), text, sizeof(text));
    double per_year = strcasecmp(text, "MONTHS") == 0  ? 12
                      : strcasecmp(text, "WEEKS") == 0 ? 52.1775
                      : strcasecmp(text, "DAYS") == 0  ? 365.2425
                      : strcasecmp(text, "HOURS") == 0 ? 8765.82
                                                       : 1;
    p->has_age = xw_formats_xml_double(xw_formats_xml_child(d, "PatientAge"), &p->age_years);
    p->age_years /= per_year;
}

static void read_test(const xmlNode *root, struct xw_formats_recording *r)
{
    const xmlNode *t = xw_formats_xml_child(root, "TestDemographics");
    read_date(xw_formats_xml_child(t, "AcquisitionDate"), &r->start);
    read_clock(xw_formats_xml_child(t, "AcquisitionTime"), &r->start);
    xw_formats_xml_text(xw_formats_xml_child(t, "AcquisitionDevice"), r->device.model,
                        sizeof(r->device.model));
    xw_formats_xml_text(xw_formats_xml_child(t, "AcquisitionSoftwareVersion"), r->device.software,
                        sizeof(r->device.software));
    xw_formats_xml_text(xw_formats_xml_child(t, "CartNumber"), r->device.serial,
                        sizeof(r->device.serial));
    snprintf(r->device.maker, sizeof(r->device.maker), "GE");
    xw_formats_xml_text(xw_formats_xml_path(root, "MuseInfo/MuseVersion"), r->version,
                        sizeof(r->version));
}

static void read_measures(const xmlNode *root, struct xw_formats_recording *r)
{
    static const struct {
        const char *name;
        enum xw_formats_measure_code code;
    } NAMES[] = {
        {"VentricularRate", XW_FORMATS_HEART_RATE},
        {"AtrialRate", XW_FORMATS_ATRIAL_RATE},
        {"PRInterval", XW_FORMATS_PR},
        {"QRSDuration", XW_FORMATS_QRS},
        {"QTInterval", XW_FORMATS_QT},
        {"QTCorrected", XW_FORMATS_QTC},
        {"QTcFrederica", XW_FORMATS_QTC_FRIDERICIA}, /* spelt so in the files */
        {"PAxis", XW_FORMATS_P_AXIS},
        {"RAxis", XW_FORMATS_QRS_AXIS},
        {"TAxis", XW_FORMATS_T_AXIS},
    };
    const xmlNode *m = xw_formats_xml_child(root, "RestingECGMeasurements");
    if (!m)
        m = xw_formats_xml_child(root, "OriginalRestingECGMeasurements");
    double value;
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
        if (xw_formats_xml_double(xw_formats_xml_child(m, NAMES[i].name), &value))
            xw_formats_add_measure(r, NAMES[i].code, XW_ECG_LEAD_OTHER, value);
    if (xw_formats_xml_double(xw_formats_xml_path(root, "QRSTimesTypes/GlobalRR"), &value))
        xw_formats_add_measure(r, XW_FORMATS_RR, XW_ECG_LEAD_OTHER, value);
}

static bool ends_line(const xmlNode *statement)
{
    for (const xmlNode *f = xw_formats_xml_child(statement, "StmtFlag"); f;
         f = xw_formats_xml_next(f, "StmtFlag")) {
        char flag[32];
        xw_formats_xml_text(f, flag, sizeof(flag));
        if (strcasecmp(flag, "ENDSLINE") == 0)
            return true;
    }
    return false;
}

static void read_statements(const xmlNode *root, struct xw_formats_recording *r)
{
    const xmlNode *d = xw_formats_xml_child(root, "Diagnosis");
    char line[XW_FORMATS_TEXT_BYTES] = "";
    if (!d)
        d = xw_formats_xml_child(root, "OriginalDiagnosis");
    for (const xmlNode *s = xw_formats_xml_child(d, "DiagnosisStatement"); s;
         s = xw_formats_xml_next(s, "DiagnosisStatement")) {
        char text[XW_FORMATS_TEXT_BYTES];
        xw_formats_xml_text(xw_formats_xml_child(s, "StmtText"), text, sizeof(text));
        size_t n = strlen(line);
        if (n && n + 1 < sizeof(line))
            line[n++] = ' ';
        xw_formats_text(line + n, sizeof(line) - n, text, strlen(text));
        if (ends_line(s) || !xw_formats_xml_next(s, "DiagnosisStatement")) {
            xw_formats_add_statement(r, "", line);
            line[0] = 0;
        }
    }
}

static int read_bytes(struct muse_lead *lead, struct xw_formats_error *ret_error)
{
    char line[32];
    double stated;
    size_t n;
    __attribute__((cleanup(xw_formats_xml_cleanup_text))) xmlChar *text = NULL;
    const xmlNode *wave = xw_formats_xml_child(lead->node, "WaveFormData");
    text = wave ? xmlNodeGetContent(wave) : NULL;
    (void)xw_formats_xml_line(wave ? wave : lead->node, line, sizeof(line));
    if (!text ||
        xw_formats_base64((const char *)text, strlen((const char *)text), &lead->bytes, &n) < 0)
        return xw_formats_fail(ret_error, EBADMSG, line, "the lead's samples are no whole Base64");
    int64_t samples_n = (int64_t)(n / 2);
    if (xw_formats_xml_double(xw_formats_xml_child(lead->node, "LeadSampleSize"), &stated) &&
        stated != 2)
        return xw_formats_fail(ret_error, ENOTSUP, line, "samples of other than 2 bytes");
    if (xw_formats_xml_double(xw_formats_xml_child(lead->node, "LeadSampleCountTotal"), &stated) &&
        stated != (double)samples_n)
        return xw_formats_fail(ret_error, ENODATA, line, "%.0f samples are stated, %lld are there",
                               stated, (long long)samples_n);
    if (n % 2)
        return xw_formats_fail(ret_error, ENODATA, line, "half a sample at the end");
    if (xw_formats_xml_double(xw_formats_xml_child(lead->node, "LeadDataCRC32"), &stated) &&
        stated != 0 && stated != (double)xw_formats_crc32(lead->bytes, n))
        return xw_formats_fail(ret_error, EBADMSG, line, "the lead's checksum is wrong");
    lead->samples_n = samples_n;
    return 0;
}

static int fill_lead(const struct muse_lead *from, struct xw_formats_group *g, unsigned c,
                     struct xw_formats_error *ret_error)
{
    char line[32];
    char unit[32];
    char name[32];
    struct xw_wfdb_fraction scale;
    xw_formats_xml_text(xw_formats_xml_child(from->node, "LeadID"), name, sizeof(name));
    xw_formats_name_lead(&g->leads[c], name);
    xw_formats_xml_text(xw_formats_xml_child(from->node, "LeadAmplitudeUnits"), unit, sizeof(unit));
    if (!xw_formats_xml_decimal(xw_formats_xml_child(from->node, "LeadAmplitudeUnitsPerBit"),
                                &scale) ||
        xw_formats_set_scale(&g->leads[c], scale, unit) < 0 || strcmp(g->leads[c].unit, "mV") != 0)
        return xw_formats_fail(
            ret_error, EBADMSG, xw_formats_xml_line(from->node, line, sizeof(line)),
            "lead %s: its amplitude per bit is missing or none", g->leads[c].name);
    for (int64_t i = 0; i < from->samples_n; i++)
        g->rows[(size_t)i * g->leads_n + c] = xw_formats_les16(from->bytes + 2 * i);
    return 0;
}

static bool rate_of(const xmlNode *waveform, struct xw_wfdb_fraction *ret)
{
    int64_t exponent;
    char text[16];
    struct xw_wfdb_fraction ten = {10, 1};
    if (!xw_formats_xml_decimal(xw_formats_xml_child(waveform, "SampleBase"), ret) || ret->num <= 0)
        return false;
    xw_formats_xml_text(xw_formats_xml_child(waveform, "SampleExponent"), text, sizeof(text));
    if (!text[0])
        return true;
    if (xw_formats_whole(text, strlen(text), -6, 6, &exponent) < 0)
        return false;
    for (; exponent > 0; exponent--)
        if (xw_formats_multiply(*ret, ten, ret) < 0)
            return false;
    for (; exponent < 0; exponent++)
        if (xw_formats_divide(*ret, ten, ret) < 0)
            return false;
    return true;
}

static int read_leads(const xmlNode *waveform, struct muse_lead *leads, unsigned leads_n,
                      struct xw_formats_recording *r, struct xw_formats_error *ret_error)
{
    char line[32];
    char type[16];
    struct xw_wfdb_fraction rate;
    struct xw_formats_group *g;
    int64_t longest = 0;
    for (unsigned c = 0; c < leads_n; c++)
        longest = leads[c].samples_n > longest ? leads[c].samples_n : longest;
    xw_formats_xml_text(xw_formats_xml_child(waveform, "WaveformType"), type, sizeof(type));
    if (!rate_of(waveform, &rate))
        return xw_formats_fail(ret_error, EBADMSG,
                               xw_formats_xml_line(waveform, line, sizeof(line)),
                               "the samples a second are missing or no rate");
    int e = xw_formats_add_group(
        r, strcasecmp(type, "Median") == 0 ? XW_FORMATS_MEDIAN : XW_FORMATS_RHYTHM, leads_n,
        longest, &g, ret_error);
    if (e < 0)
        return e;
    g->rate_hz = rate;
    for (unsigned c = 0; c < leads_n && e == 0; c++) {
        e = fill_lead(&leads[c], g, c, ret_error);
        if (leads[c].samples_n < longest)
            xw_formats_warn(r, "lead %s is shorter than the others", g->leads[c].name);
    }
    return e < 0 ? e : xw_formats_derive_limb_leads(r, g, ret_error);
}

static int read_waveform(const xmlNode *waveform, struct xw_formats_recording *r,
                         struct xw_formats_error *ret_error)
{
    char line[32];
    struct muse_lead leads[XW_FORMATS_MAX_LEADS] = {0};
    unsigned leads_n = 0;
    int e = 0;
    for (const xmlNode *l = xw_formats_xml_child(waveform, "LeadData"); l && e == 0;
         l = xw_formats_xml_next(l, "LeadData")) {
        if (leads_n == XW_FORMATS_MAX_LEADS) {
            e = xw_formats_fail(ret_error, EOVERFLOW, xw_formats_xml_line(l, line, sizeof(line)),
                                "more than %d leads", XW_FORMATS_MAX_LEADS);
        } else {
            leads[leads_n].node = l;
            e = read_bytes(&leads[leads_n++], ret_error);
        }
    }
    if (e == 0 && leads_n)
        e = read_leads(waveform, leads, leads_n, r, ret_error);
    for (unsigned c = 0; c < leads_n; c++)
        free(leads[c].bytes);
    return e;
}

static void read_filters(const xmlNode *waveform, struct xw_formats_filters *f)
{
    double value;
    /* The high pass is in hundredths of a Hz, the others in Hz. */
    if (xw_formats_xml_double(xw_formats_xml_child(waveform, "HighPassFilter"), &value))
        f->highpass_hz = value / 100;
    if (xw_formats_xml_double(xw_formats_xml_child(waveform, "LowPassFilter"), &value))
        f->lowpass_hz = value;
    if (xw_formats_xml_double(xw_formats_xml_child(waveform, "ACFilter"), &value))
        f->notch_hz = value;
}

int xw_formats_read_muse(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                         struct xw_formats_error *ret_error)
{
    __attribute__((cleanup(xw_formats_xml_cleanup_doc))) xmlDocPtr doc = NULL;
    int e = xw_formats_xml_parse(data, n, &doc, ret_error);
    if (e < 0)
        return e;
    const xmlNode *root = xmlDocGetRootElement(doc);
    if (!xw_formats_xml_is(root, "RestingECG"))
        return xw_formats_fail(ret_error, ENOTSUP, "", "the XML is no RestingECG");
    read_patient(root, r);
    read_test(root, r);
    read_measures(root, r);
    read_statements(root, r);
    for (const xmlNode *w = xw_formats_xml_child(root, "Waveform"); w && e == 0;
         w = xw_formats_xml_next(w, "Waveform")) {
        e = read_waveform(w, r, ret_error);
        read_filters(w, &r->filters);
    }
    if (e == 0 && !xw_formats_rhythm(r))
        e = xw_formats_fail(ret_error, ENODATA, "", "the file holds no rhythm of any lead");
    return e;
}
