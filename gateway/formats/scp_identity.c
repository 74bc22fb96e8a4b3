/* SCP-ECG section 1: patient, device, time, filters. Sections 7, 8, 10: findings. */
#include "formats/scp.h"

#include <stdio.h>
#include <string.h>

static void date_of(const uint8_t *p, size_t n, struct xw_formats_time *t)
{
    if (n >= 4)
        (void)xw_formats_set_date(t, xw_formats_le16(p), p[2], p[3]);
}

static void age_of(const uint8_t *p, size_t n, struct xw_formats_patient *patient)
{
    static const double PER_YEAR[] = {0, 1, 12, 52.1775, 365.2425, 8765.82};
    if (n < 3 || p[2] < 1 || p[2] > 5)
        return;
    patient->has_age = true;
    patient->age_years = xw_formats_le16(p) / PER_YEAR[p[2]];
}

/* Tag 14: fixed fields, then texts that end with a NUL each: software of the analysis, serial
 * number, software of the device, of its SCP part, the maker. */
static void machine_of(const uint8_t *p, size_t n, struct xw_formats_device *d)
{
    char *texts[] = {NULL, d->serial, d->software, NULL, d->maker};
    if (n < 36)
        return;
    xw_formats_text(d->model, sizeof(d->model), p + 8, 6);
    size_t at = 36;
    for (size_t i = 0; i < 5 && at < n; i++) {
        const uint8_t *end = memchr(p + at, 0, n - at);
        size_t text_n = end ? (size_t)(end - (p + at)) : n - at;
        if (texts[i])
            xw_formats_text(texts[i], XW_FORMATS_NAME_BYTES, p + at, text_n);
        at += text_n + 1;
    }
}

static void tag(unsigned number, const uint8_t *p, size_t n, struct xw_formats_recording *r)
{
    struct xw_formats_patient *patient = &r->patient;
    switch (number) {
    case 0:
        xw_formats_text(patient->family, sizeof(patient->family), p, n);
        break;
    case 1:
        xw_formats_text(patient->given, sizeof(patient->given), p, n);
        break;
    case 2:
        xw_formats_text(patient->id, sizeof(patient->id), p, n);
        break;
    case 4:
        age_of(p, n, patient);
        break;
    case 5:
        date_of(p, n, &patient->born);
        break;
    case 8:
        patient->sex = n == 0      ? (char)0
                       : p[0] == 1 ? 'M'
                       : p[0] == 2 ? 'F'
                       : p[0] == 9 ? 'O'
                                   : (char)0;
        break;
    case 14:
        machine_of(p, n, &r->device);
        break;
    case 25:
        date_of(p, n, &r->start);
        break;
    case 26:
        if (n >= 3)
            (void)xw_formats_set_clock(&r->start, p[0], p[1], p[2], 0);
        break;
    case 27:
        r->filters.highpass_hz = n >= 2 ? xw_formats_le16(p) / 100.0 : 0;
        break;
    case 28:
        r->filters.lowpass_hz = n >= 2 ? xw_formats_le16(p) : 0;
        break;
    case 29:
        r->filters.notch_hz = n == 0 ? 0 : (p[0] & 1) ? 60 : (p[0] & 2) ? 50 : 0;
        break;
    case 34:
        if (n >= 2 && xw_formats_les16(p) >= -780 && xw_formats_les16(p) <= 840) {
            r->start.has_zone = true;
            r->start.zone_min = (int16_t)xw_formats_les16(p);
        }
        break;
    default:
        break;
    }
}

void xw_formats_scp_identity(const struct xw_formats_scp *f, struct xw_formats_recording *r)
{
    const struct xw_formats_scp_section *s = &f->sections[1];
    size_t at = 0;
    while (at + 3 <= s->n && s->data[at] != 255) {
        size_t n = xw_formats_le16(s->data + at + 1);
        if (n > s->n - at - 3) {
            xw_formats_warn(r, "section 1: a field is longer than the section");
            return;
        }
        tag(s->data[at], s->data + at + 3, n, r);
        at += 3 + n;
    }
}

static bool value_of(const uint8_t *p, int32_t *ret)
{
    *ret = xw_formats_les16(p);
    return *ret < XW_FORMATS_SCP_NONE;
}

static void add_interval(struct xw_formats_recording *r, enum xw_formats_measure_code code,
                         const uint8_t *from, const uint8_t *to)
{
    int32_t a;
    int32_t b;
    if (value_of(from, &a) && value_of(to, &b) && b > a && a > 0)
        xw_formats_add_measure(r, code, XW_ECG_LEAD_OTHER, b - a);
}

static void add_value(struct xw_formats_recording *r, enum xw_formats_measure_code code,
                      const uint8_t *p, bool may_be_0)
{
    int32_t v;
    if (value_of(p, &v) && (v > 0 || may_be_0))
        xw_formats_add_measure(r, code, XW_ECG_LEAD_OTHER, v);
}

/* The first of the beats of section 7 is the reference beat of the dominant kind. */
static void global_measures(const struct xw_formats_scp_section *s, struct xw_formats_recording *r)
{
    if (s->n < 6)
        return;
    const uint8_t *p = s->data;
    size_t beats_n = p[0];
    size_t spikes_n = p[1];
    add_value(r, XW_FORMATS_RR, p + 2, false);
    add_value(r, XW_FORMATS_PP, p + 4, false);
    if (beats_n && s->n >= 6 + 16) {
        const uint8_t *b = p + 6;
        add_interval(r, XW_FORMATS_P_DURATION, b, b + 2);
        add_interval(r, XW_FORMATS_PR, b, b + 4);
        add_interval(r, XW_FORMATS_QRS, b + 4, b + 6);
        add_interval(r, XW_FORMATS_QT, b + 4, b + 8);
        add_value(r, XW_FORMATS_P_AXIS, b + 10, true);
        add_value(r, XW_FORMATS_QRS_AXIS, b + 12, true);
        add_value(r, XW_FORMATS_T_AXIS, b + 14, true);
    }
    /* Spikes: time and amplitude, then type, source, triggered beat and pulse width of each. */
    size_t at = 6 + 16 * beats_n + 10 * spikes_n;
    if (at + 2 > s->n)
        return;
    at += 2 + (size_t)xw_formats_le16(p + at);
    if (at + 7 > s->n)
        return;
    add_value(r, XW_FORMATS_HEART_RATE, p + at, false);
    add_value(r, XW_FORMATS_ATRIAL_RATE, p + at + 2, false);
    add_value(r,
              p[at + 6] == 1   ? XW_FORMATS_QTC_BAZETT
              : p[at + 6] == 2 ? XW_FORMATS_QTC_HODGES
                               : XW_FORMATS_QTC,
              p + at + 4, false);
}

static void statements(const struct xw_formats_scp_section *s, struct xw_formats_recording *r)
{
    if (s->n < 9)
        return;
    size_t at = 9;
    for (unsigned i = 0; i < s->data[8] && at + 3 <= s->n; i++) {
        size_t n = xw_formats_le16(s->data + at + 1);
        char text[XW_FORMATS_TEXT_BYTES];
        if (n > s->n - at - 3) {
            xw_formats_warn(r, "section 8: a statement is longer than the section");
            return;
        }
        xw_formats_text(text, sizeof(text), s->data + at + 3, n);
        xw_formats_add_statement(r, "", text);
        at += 3 + n;
    }
}

static void lead_measures(const struct xw_formats_scp_section *s, struct xw_formats_recording *r)
{
    static const struct {
        uint8_t index;
        enum xw_formats_measure_code code;
    } VALUES[] = {{9, XW_FORMATS_Q_AMPLITUDE},  {10, XW_FORMATS_R_AMPLITUDE},
                  {11, XW_FORMATS_S_AMPLITUDE}, {14, XW_FORMATS_J_AMPLITUDE},
                  {15, XW_FORMATS_P_AMPLITUDE}, {17, XW_FORMATS_T_AMPLITUDE}};
    if (s->n < 4)
        return;
    unsigned leads_n = xw_formats_le16(s->data);
    size_t at = 4;
    for (unsigned c = 0; c < leads_n && at + 4 <= s->n; c++) {
        struct xw_formats_lead lead = {0};
        size_t n = xw_formats_le16(s->data + at + 2);
        bool known = xw_formats_name_lead_number(&lead, xw_formats_le16(s->data + at));
        if (n > s->n - at - 4)
            return;
        for (size_t i = 0; known && i < sizeof(VALUES) / sizeof(VALUES[0]); i++) {
            int32_t v;
            if (lead.code != XW_ECG_LEAD_OTHER && (size_t)VALUES[i].index * 2 + 2 <= n &&
                value_of(s->data + at + 4 + (size_t)VALUES[i].index * 2, &v))
                xw_formats_add_measure(r, VALUES[i].code, lead.code, v);
        }
        at += 4 + n;
    }
}

void xw_formats_scp_findings(const struct xw_formats_scp *f, struct xw_formats_recording *r)
{
    global_measures(&f->sections[7], r);
    statements(&f->sections[8], r);
    lead_measures(&f->sections[10], r);
}
