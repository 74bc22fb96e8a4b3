/* Philips Sierra XML 1.03 and 1.04 (PageWriter, TraceMaster): patient, time, measurements,
 * statements. The waveforms are in sierra_wave.c. */
#include "formats/sierra.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Names are unique enough in these files: the first element of this name below a node. */
static const xmlNode *find(const xmlNode *root, const char *name)
{
    for (const xmlNode *at = root ? xw_formats_xml_walk(root, root) : NULL; at;
         at = xw_formats_xml_walk(root, at))
        if (xw_formats_xml_is(at, name))
            return at;
    return NULL;
}

/* "---" and blanks are how these files leave a text out. */
static void text_of(const xmlNode *node, char *dst, size_t dst_size)
{
    xw_formats_xml_text(node, dst, dst_size);
    if (dst[strspn(dst, "-")] == 0)
        dst[0] = 0;
}

static void date_and_time(const xmlNode *node, struct xw_formats_time *t)
{
    char text[64];
    char clock[32];
    xw_formats_xml_attribute_text(node, "date", text, 24);
    xw_formats_xml_attribute_text(node, "time", clock, sizeof(clock));
    size_t n = strlen(text);
    snprintf(text + n, sizeof(text) - n, "T%s", clock);
    (void)xw_formats_parse_time(text, strlen(text), t);
}

static void read_patient(const xmlNode *root, struct xw_formats_patient *p)
{
    char text[64];
    const xmlNode *d = find(xw_formats_xml_child(root, "patient"), "generalpatientdata");
    const xmlNode *name = xw_formats_xml_child(d, "name");
    const xmlNode *age = xw_formats_xml_child(d, "age");
    text_of(xw_formats_xml_child(d, "patientid"), p->id, sizeof(p->id));
    text_of(xw_formats_xml_child(name, "lastname"), p->family, sizeof(p->family));
    text_of(xw_formats_xml_child(name, "firstname"), p->given, sizeof(p->given));
    xw_formats_xml_text(xw_formats_xml_child(d, "sex"), text, sizeof(text));
    p->sex = strcasecmp(text, "Male") == 0 ? 'M' : strcasecmp(text, "Female") == 0 ? 'F' : (char)0;
    xw_formats_xml_text(xw_formats_xml_child(age, "dateofbirth"), text, sizeof(text));
    (void)xw_formats_parse_time(text, strlen(text), &p->born);
    p->has_age = xw_formats_xml_double(xw_formats_xml_child(age, "years"), &p->age_years);
}

static void read_device(const xmlNode *acquisition, struct xw_formats_device *d)
{
    const xmlNode *machine = xw_formats_xml_child(acquisition, "machine");
    snprintf(d->maker, sizeof(d->maker), "Philips");
    xw_formats_xml_text(machine, d->model, sizeof(d->model));
    xw_formats_xml_attribute_text(machine, "machineid", d->serial, sizeof(d->serial));
    xw_formats_xml_attribute_text(machine, "detaildescription", d->software, sizeof(d->software));
}

static void read_measures(const xmlNode *root, struct xw_formats_recording *r)
{
    static const struct {
        const char *name;
        enum xw_formats_measure_code code;
    } GLOBAL[] =
        {
            {"heartrate", XW_FORMATS_HEART_RATE},
            {"atrialrate", XW_FORMATS_ATRIAL_RATE},
            {"rrint", XW_FORMATS_RR},
            {"print", XW_FORMATS_PR},
            {"qrsdur", XW_FORMATS_QRS},
            {"qtint", XW_FORMATS_QT},
            {"qtcb", XW_FORMATS_QTC_BAZETT},
            {"qtcf", XW_FORMATS_QTC_FRIDERICIA},
            {"pfrontaxis", XW_FORMATS_P_AXIS},
            {"qrsfrontaxis", XW_FORMATS_QRS_AXIS},
            {"tfrontaxis", XW_FORMATS_T_AXIS},
        },
      LEAD[] = {
          {"pamp", XW_FORMATS_P_AMPLITUDE}, {"qamp", XW_FORMATS_Q_AMPLITUDE},
          {"ramp", XW_FORMATS_R_AMPLITUDE}, {"samp", XW_FORMATS_S_AMPLITUDE},
          {"tamp", XW_FORMATS_T_AMPLITUDE}, {"ston", XW_FORMATS_J_AMPLITUDE},
      };
    double value;
    const xmlNode *g = find(find(root, "interpretation"), "globalmeasurements");
    for (size_t i = 0; i < sizeof(GLOBAL) / sizeof(GLOBAL[0]); i++)
        if (xw_formats_xml_double(xw_formats_xml_child(g, GLOBAL[i].name), &value))
            xw_formats_add_measure(r, GLOBAL[i].code, XW_ECG_LEAD_OTHER, value);
    const xmlNode *all =
        find(xw_formats_xml_child(root, "internalmeasurements"), "leadmeasurements");
    for (const xmlNode *l = xw_formats_xml_child(all, "leadmeasurement"); l;
         l = xw_formats_xml_next(l, "leadmeasurement")) {
        char name[16];
        xw_formats_xml_attribute_text(l, "leadname", name, sizeof(name));
        enum xw_ecg_lead lead = xw_ecg_lead_from_name(name);
        for (size_t i = 0; lead != XW_ECG_LEAD_OTHER && i < sizeof(LEAD) / sizeof(LEAD[0]); i++)
            if (xw_formats_xml_double(xw_formats_xml_child(l, LEAD[i].name), &value))
                xw_formats_add_measure(r, LEAD[i].code, lead, value);
    }
}

static void read_statements(const xmlNode *root, struct xw_formats_recording *r)
{
    const xmlNode *all = xw_formats_xml_child(root, "interpretations");
    const xmlNode *i = xw_formats_xml_child(all, "interpretation");
    char code[XW_FORMATS_NAME_BYTES];
    char left[XW_FORMATS_TEXT_BYTES / 2];
    char right[XW_FORMATS_TEXT_BYTES / 2];
    for (const xmlNode *s = xw_formats_xml_child(i, "statement"); s;
         s = xw_formats_xml_next(s, "statement")) {
        char text[XW_FORMATS_TEXT_BYTES + 4];
        xw_formats_xml_text(xw_formats_xml_child(s, "statementcode"), code, sizeof(code));
        xw_formats_xml_text(xw_formats_xml_child(s, "leftstatement"), left, sizeof(left));
        xw_formats_xml_text(xw_formats_xml_child(s, "rightstatement"), right, sizeof(right));
        snprintf(text, sizeof(text), "%s%s%s", left, left[0] && right[0] ? ": " : "", right);
        xw_formats_add_statement(r, code, text);
    }
    const xmlNode *severity = xw_formats_xml_child(i, "severity");
    xw_formats_xml_attribute_text(severity, "code", code, sizeof(code));
    xw_formats_xml_text(severity, left, sizeof(left));
    xw_formats_add_statement(r, code, left);
}

static int check_version(const xmlNode *root, struct xw_formats_recording *r,
                         struct xw_formats_error *ret_error)
{
    char type[32];
    const xmlNode *info = xw_formats_xml_child(root, "documentinfo");
    xw_formats_xml_text(xw_formats_xml_child(info, "documenttype"), type, sizeof(type));
    xw_formats_xml_text(xw_formats_xml_child(info, "documentversion"), r->version,
                        sizeof(r->version));
    if (strcmp(type, "SierraECG") != 0 && strcmp(type, "PhilipsECG") != 0)
        return xw_formats_fail(ret_error, ENOTSUP, "documentinfo", "not a Sierra ECG document");
    if (strcmp(r->version, "1.03") != 0 && strncmp(r->version, "1.04", 4) != 0)
        return xw_formats_fail(ret_error, ENOTSUP, "documentinfo",
                               "Sierra ECG of a version that is not read (1.03 and 1.04 are)");
    return 0;
}

int xw_formats_read_sierra(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                           struct xw_formats_error *ret_error)
{
    __attribute__((cleanup(xw_formats_xml_cleanup_doc))) xmlDocPtr doc = NULL;
    int e = xw_formats_xml_parse(data, n, &doc, ret_error);
    if (e < 0)
        return e;
    const xmlNode *root = xmlDocGetRootElement(doc);
    if (!xw_formats_xml_is(root, "restingecgdata"))
        return xw_formats_fail(ret_error, ENOTSUP, "", "the XML is no restingecgdata");
    e = check_version(root, r, ret_error);
    if (e < 0)
        return e;
    const xmlNode *acquisition = xw_formats_xml_child(root, "dataacquisition");
    date_and_time(acquisition, &r->start);
    read_device(acquisition, &r->device);
    read_patient(root, &r->patient);
    read_measures(root, r);
    read_statements(root, r);
    e = xw_formats_sierra_waves(xw_formats_xml_child(acquisition, "signalcharacteristics"),
                                find(root, "parsedwaveforms"), r, ret_error);
    if (e == 0)
        xw_formats_sierra_beats(find(root, "repbeats"), r);
    return e;
}
