/* DICOM: names of measurements, and the way from the check to DCMTK. */
#include "formats/dicom.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* Codes of SCP-ECG as DICOM's annotations quote them; meanings as devices write them, the longer
 * before the shorter that begins alike. */
static const struct {
    enum xw_formats_measure_code code;
    const char *scp, *meaning;
} MEASURES[] = {
    {XW_FORMATS_RR, "5.10.2.1-3", "RR Interval"},
    {XW_FORMATS_PP, "5.10.2.1-5", "PP Interval"},
    {XW_FORMATS_P_DURATION, "5.13.5-5", "P Duration"},
    {XW_FORMATS_PR, "5.13.5-7", "PR Interval"},
    {XW_FORMATS_QRS, "5.13.5-9", "QRS Duration"},
    {XW_FORMATS_QTC_BAZETT, NULL, "QTcB"},
    {XW_FORMATS_QTC_FRIDERICIA, NULL, "QTcF"},
    {XW_FORMATS_QTC, "5.10.2.5-5", "QTc Interval"},
    {XW_FORMATS_QT, "5.13.5-11", "QT Interval"},
    {XW_FORMATS_P_AXIS, "5.10.3-11", "P Axis"},
    {XW_FORMATS_QRS_AXIS, "5.10.3-13", "QRS Axis"},
    {XW_FORMATS_T_AXIS, "5.10.3-15", "T Axis"},
    {XW_FORMATS_HEART_RATE, "5.10.2.5-1", "Ventricular Heart Rate"},
    {XW_FORMATS_HEART_RATE, NULL, "Heart Rate"},
    {XW_FORMATS_ATRIAL_RATE, "5.10.2.5-3", "Atrial Heart Rate"},
};

bool xw_formats_dicom_measure(const char *meaning, enum xw_formats_measure_code *ret_code)
{
    for (size_t i = 0; i < sizeof(MEASURES) / sizeof(MEASURES[0]); i++) {
        if (strncasecmp(meaning, MEASURES[i].meaning, strlen(MEASURES[i].meaning)) == 0) {
            *ret_code = MEASURES[i].code;
            return true;
        }
    }
    return false;
}

bool xw_formats_dicom_measure_code(enum xw_formats_measure_code code, const char **ret_code,
                                   const char **ret_meaning)
{
    for (size_t i = 0; i < sizeof(MEASURES) / sizeof(MEASURES[0]); i++) {
        if (MEASURES[i].code == code && MEASURES[i].scp) {
            *ret_code = MEASURES[i].scp;
            *ret_meaning = MEASURES[i].meaning;
            return true;
        }
    }
    return false;
}

int xw_formats_read_dicom(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                          struct xw_formats_error *ret_error)
{
    int e = xw_formats_dicom_check(data, n, ret_error);
    if (e == 0)
        e = xw_formats_dicom_read(data, n, r, ret_error);
    for (unsigned i = 0; e == 0 && i < r->groups_n; i++)
        if (r->groups[i].kind == XW_FORMATS_RHYTHM)
            e = xw_formats_derive_limb_leads(r, &r->groups[i], ret_error);
    return e;
}
