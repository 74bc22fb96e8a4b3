/* EDF and EDF+: who, when and with what; when each record begins. */
#include "formats/edf.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* "08-MAY-1953" */
static bool read_date(const char *text, struct xw_formats_time *t)
{
    static const char MONTHS[] = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
    int64_t day;
    int64_t year;
    if (strlen(text) != 11 || text[2] != '-' || text[6] != '-' ||
        xw_formats_whole(text, 2, 1, 31, &day) < 0 ||
        xw_formats_whole(text + 7, 4, 1800, 9999, &year) < 0)
        return false;
    for (int m = 0; m < 12; m++)
        if (strncasecmp(text + 3, MONTHS + (size_t)3 * (size_t)m, 3) == 0)
            return xw_formats_set_date(t, year, m + 1, day);
    return false;
}

/* The next of the fields apart by blanks; "X" is how a field is left out; '_' stands for a blank.
 */
static bool subfield(const char **at, char *dst, size_t dst_size)
{
    *at += strspn(*at, " ");
    size_t n = strcspn(*at, " ");
    xw_formats_text(dst, dst_size, *at, n);
    *at += n;
    if (strcmp(dst, "X") == 0)
        dst[0] = 0;
    for (char *c = dst; *c; c++)
        if (*c == '_')
            *c = ' ';
    return n != 0;
}

static void plus_patient(const char *text, struct xw_formats_patient *p)
{
    char sex[8] = "";
    char born[32] = "";
    const char *at = text;
    (void)subfield(&at, p->id, sizeof(p->id));
    (void)subfield(&at, sex, sizeof(sex));
    (void)subfield(&at, born, sizeof(born));
    (void)subfield(&at, p->family, sizeof(p->family));
    p->sex = sex[0] == 'M' || sex[0] == 'F' ? sex[0] : (char)0;
    (void)read_date(born, &p->born);
}

static void plus_recorder(const char *text, struct xw_formats_recording *r)
{
    char date[32] = "";
    char code[XW_FORMATS_NAME_BYTES];
    const char *at = text + 9; /* "Startdate" */
    (void)subfield(&at, date, sizeof(date));
    (void)read_date(date, &r->start);
    (void)subfield(&at, code, sizeof(code)); /* of the investigation */
    (void)subfield(&at, code, sizeof(code)); /* of who made it */
    (void)subfield(&at, r->device.model, sizeof(r->device.model));
}

void xw_formats_edf_identity(struct xw_formats_edf *f, struct xw_formats_recording *r)
{
    char text[81];
    const char *h = (const char *)f->data;
    int64_t v[3];
    xw_formats_text(text, sizeof(text), h + 192, 44);
    f->plus = strncmp(text, "EDF+", 4) == 0 || strncmp(text, "BDF+", 4) == 0;
    f->plus_d = f->plus && text[4] == 'D';
    snprintf(r->version, sizeof(r->version), "%s%s", f->sample_bytes == 3 ? "BDF" : "EDF",
             f->plus_d ? "+D"
             : f->plus ? "+C"
                       : "");
    /* dd.mm.yy, with the years 1985 to 2084 by the rule of EDF+. */
    if (xw_formats_whole(h + 168, 2, 1, 31, &v[0]) == 0 &&
        xw_formats_whole(h + 171, 2, 1, 12, &v[1]) == 0 &&
        xw_formats_whole(h + 174, 2, 0, 99, &v[2]) == 0)
        (void)xw_formats_set_date(&r->start, v[2] + (v[2] >= 85 ? 1900 : 2000), v[1], v[0]);
    if (xw_formats_whole(h + 176, 2, 0, 23, &v[0]) == 0 &&
        xw_formats_whole(h + 179, 2, 0, 59, &v[1]) == 0 &&
        xw_formats_whole(h + 182, 2, 0, 59, &v[2]) == 0)
        (void)xw_formats_set_clock(&r->start, v[0], v[1], v[2], 0);
    xw_formats_text(text, sizeof(text), h + 8, 80);
    if (f->plus)
        plus_patient(text, &r->patient);
    else
        snprintf(r->patient.id, sizeof(r->patient.id), "%s", text);
    xw_formats_text(text, sizeof(text), h + 88, 80);
    if (strncmp(text, "Startdate", 9) == 0)
        plus_recorder(text, r);
    else
        snprintf(r->device.model, sizeof(r->device.model), "%.63s", text);
}

bool xw_formats_edf_record_time(const struct xw_formats_edf *f, int64_t record, int64_t *ret_us)
{
    unsigned s = 0;
    while (s < f->signals_n && !f->notes[s])
        s++;
    if (s == f->signals_n)
        return false;
    const char *p =
        (const char *)f->data + f->header_bytes + (size_t)record * f->record_bytes + f->offset[s];
    size_t n = (size_t)f->samples[s] * f->sample_bytes;
    const char *end = memchr(p, 0x14, n);
    struct xw_wfdb_fraction seconds;
    if (!end || (*p != '+' && *p != '-') || xw_formats_decimal(p, (size_t)(end - p), &seconds) < 0)
        return false;
    double us = 1e6 * xw_formats_double(seconds);
    if (us < -1e15 || us > 1e15)
        return false;
    *ret_us = (int64_t)us;
    return true;
}
