/* What an aECG says beside its samples: filters, measurements, statements. */
#include "formats/aecg.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *mdc;
    enum xw_formats_measure_code code;
} CODES[] = {
    {"MDC_ECG_HEART_RATE", XW_FORMATS_HEART_RATE},
    {"MDC_ECG_TIME_PD_RR", XW_FORMATS_RR},
    {"MDC_ECG_TIME_PD_PP", XW_FORMATS_PP},
    {"MDC_ECG_TIME_PD_P", XW_FORMATS_P_DURATION},
    {"MDC_ECG_TIME_PD_PR", XW_FORMATS_PR},
    {"MDC_ECG_TIME_PD_PQ", XW_FORMATS_PR},
    {"MDC_ECG_TIME_PD_QRS", XW_FORMATS_QRS},
    {"MDC_ECG_TIME_PD_QT", XW_FORMATS_QT},
    {"MDC_ECG_TIME_PD_QTc", XW_FORMATS_QTC},
    {"MDC_ECG_TIME_PD_QTCB", XW_FORMATS_QTC_BAZETT},
    {"MDC_ECG_TIME_PD_QTCF", XW_FORMATS_QTC_FRIDERICIA},
    {"MDC_ECG_ANGLE_P_FRONT", XW_FORMATS_P_AXIS},
    {"MDC_ECG_ANGLE_QRS_FRONT", XW_FORMATS_QRS_AXIS},
    {"MDC_ECG_ANGLE_T_FRONT", XW_FORMATS_T_AXIS},
};

const char *xw_formats_aecg_measure_code(enum xw_formats_measure_code code)
{
    for (size_t i = 0; i < sizeof(CODES) / sizeof(CODES[0]); i++)
        if (CODES[i].code == code)
            return CODES[i].mdc;
    return NULL;
}

void xw_formats_aecg_filters(const xmlNode *series, struct xw_formats_filters *ret)
{
    for (const xmlNode *c = xw_formats_xml_child(series, "controlVariable"); c;
         c = xw_formats_xml_next(c, "controlVariable")) {
        const xmlNode *filter = xw_formats_xml_child(c, "controlVariable");
        char what[64];
        xw_formats_xml_attribute_text(xw_formats_xml_child(filter, "code"), "code", what,
                                      sizeof(what));
        double *place = strstr(what, "FILTER_LOW_PASS")    ? &ret->lowpass_hz
                        : strstr(what, "FILTER_HIGH_PASS") ? &ret->highpass_hz
                        : strstr(what, "FILTER_NOTCH")     ? &ret->notch_hz
                                                           : NULL;
        for (const xmlNode *p = xw_formats_xml_child(filter, "component"); p && place;
             p = xw_formats_xml_next(p, "component")) {
            const xmlNode *v = xw_formats_xml_path(p, "controlVariable/value");
            struct xw_wfdb_fraction hz;
            char unit[8];
            xw_formats_xml_attribute_text(v, "unit", unit, sizeof(unit));
            if (strcasecmp(unit, "Hz") == 0 && xw_formats_xml_attribute_decimal(v, "value", &hz))
                *place = xw_formats_double(hz);
        }
    }
}

/* In the unit of the code. False: a unit that is none of it. */
static bool measured(const xmlNode *value, enum xw_formats_measure_code code, double *ret)
{
    struct xw_wfdb_fraction number;
    char unit[16];
    if (!xw_formats_xml_attribute_decimal(value, "value", &number))
        return false;
    xw_formats_xml_attribute_text(value, "unit", unit, sizeof(unit));
    *ret = xw_formats_double(number);
    if (strcmp(xw_formats_measure_unit(code), "ms") != 0)
        return true;
    if (strcmp(unit, "s") == 0)
        *ret *= 1000;
    return strcmp(unit, "s") == 0 || strcmp(unit, "ms") == 0;
}

/* An annotation that is about certain leads or beats only is none of the whole recording. */
static bool of_a_lead(const xmlNode *annotation, enum xw_ecg_lead *ret_lead)
{
    *ret_lead = XW_ECG_LEAD_OTHER;
    const xmlNode *roi = xw_formats_xml_path(annotation, "support/supportingROI");
    for (const xmlNode *c = xw_formats_xml_child(roi, "component"); c;
         c = xw_formats_xml_next(c, "component")) {
        char code[64];
        xw_formats_xml_attribute_text(xw_formats_xml_path(c, "boundary/code"), "code", code,
                                      sizeof(code));
        if (strncmp(code, "MDC_ECG_LEAD_", 13) == 0)
            *ret_lead = xw_ecg_lead_from_name(code);
    }
    return *ret_lead != XW_ECG_LEAD_OTHER;
}

static void note(const xmlNode *annotation, struct xw_formats_recording *r)
{
    char code[64];
    const xmlNode *value = xw_formats_xml_child(annotation, "value");
    enum xw_ecg_lead lead;
    double number;
    xw_formats_xml_attribute_text(xw_formats_xml_child(annotation, "code"), "code", code,
                                  sizeof(code));
    for (size_t i = 0; i < sizeof(CODES) / sizeof(CODES[0]); i++) {
        if (strcasecmp(code, CODES[i].mdc) != 0)
            continue;
        if (!of_a_lead(annotation, &lead) && measured(value, CODES[i].code, &number))
            xw_formats_add_measure(r, CODES[i].code, XW_ECG_LEAD_OTHER, number);
        return;
    }
    if (strncmp(code, "MDC_ECG_INTERPRETATION", 22) == 0 || strcmp(code, "MDC_ECG_RHY") == 0) {
        char text[XW_FORMATS_TEXT_BYTES];
        char what[XW_FORMATS_NAME_BYTES];
        xw_formats_xml_attribute_text(value, "code", what, sizeof(what));
        xw_formats_xml_attribute_text(value, "displayName", text, sizeof(text));
        if (!text[0])
            xw_formats_xml_text(value, text, sizeof(text));
        xw_formats_add_statement(r, what, text);
    }
}

void xw_formats_aecg_notes(const xmlNode *series, struct xw_formats_recording *r)
{
    for (const xmlNode *at = xw_formats_xml_walk(series, series); at;
         at = xw_formats_xml_walk(series, at))
        if (xw_formats_xml_is(at, "annotation"))
            note(at, r);
}
