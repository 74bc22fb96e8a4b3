/* HL7 aECG: series, their leads, patient and time. Annotations are in aecg_notes.c. */
#include "formats/aecg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* How the time sequence of a set counts: every `step_s` from `head` on. */
struct clock {
    bool found;
    struct xw_wfdb_fraction rate_hz;
    struct xw_formats_time head;
    struct xw_wfdb_fraction head_s; /* of a relative sequence */
};

static bool code_of(const xmlNode *element, char *ret_code, size_t size)
{
    xw_formats_xml_attribute_text(xw_formats_xml_child(element, "code"), "code", ret_code, size);
    return ret_code[0] != 0;
}

static int64_t day_number(const struct xw_formats_time *t)
{
    int64_t y = t->month <= 2 ? t->year - 1 : t->year;
    int64_t m = t->month <= 2 ? t->month + 12 : t->month;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m - 457) / 5 + t->day;
}

static int64_t offset_us(const struct xw_formats_time *start, const struct clock *clock)
{
    if (!start->has_time || !clock->head.has_time)
        return (int64_t)(1e6 * xw_formats_double(clock->head_s));
    int64_t days = day_number(&clock->head) - day_number(start);
    int64_t us = (days * 86400000 + clock->head.ms_of_day - start->ms_of_day) * 1000;
    return us >= 0 && days < 400 ? us : 0;
}

static int read_clock(const xmlNode *value, struct clock *ret, struct xw_formats_error *ret_error)
{
    static const struct {
        const char *unit;
        int64_t per_s;
    } UNITS[] = {{"s", 1}, {"ms", 1000}, {"us", 1000000}};
    char line[32];
    char unit[16];
    char head[64];
    struct xw_wfdb_fraction step = {0, 1};
    const xmlNode *increment = xw_formats_xml_child(value, "increment");
    xw_formats_xml_attribute_text(increment, "unit", unit, sizeof(unit));
    size_t i = 0;
    while (i < 3 && strcmp(unit, UNITS[i].unit) != 0)
        i++;
    if (i == 3 || !xw_formats_xml_attribute_decimal(increment, "value", &step) || step.num <= 0 ||
        xw_formats_divide((struct xw_wfdb_fraction){UNITS[i].per_s, 1}, step, &ret->rate_hz) < 0)
        return xw_formats_fail(ret_error, EBADMSG, xw_formats_xml_line(value, line, sizeof(line)),
                               "the time between samples is missing or no time");
    const xmlNode *first = xw_formats_xml_child(value, "head");
    xw_formats_xml_attribute_text(first, "value", head, sizeof(head));
    if (!xw_formats_parse_time(head, strlen(head), &ret->head) &&
        (!xw_formats_xml_attribute_decimal(first, "value", &ret->head_s) || ret->head_s.num < 0 ||
         xw_formats_multiply(ret->head_s, (struct xw_wfdb_fraction){1, UNITS[i].per_s},
                             &ret->head_s) < 0 ||
         ret->head_s.num / ret->head_s.den > 86400 * 400))
        ret->head_s = (struct xw_wfdb_fraction){0, 1};
    ret->found = true;
    return 0;
}

struct digits {
    const xmlNode *sequence;
    xmlChar *text;
    int64_t n;
};

/* Whole numbers apart by blanks; returns how many, or a negative errno. NULL only counts. */
static int64_t parse_digits(const char *text, int32_t *out, size_t stride)
{
    int64_t n = 0;
    for (const char *at = text;; n++) {
        at += strspn(at, " \t\r\n");
        if (!*at)
            return n;
        if (n == XW_FORMATS_MAX_SAMPLES)
            return -EOVERFLOW;
        bool negative = *at == '-';
        at += *at == '-' || *at == '+';
        int64_t value = 0;
        const char *first = at;
        for (; *at >= '0' && *at <= '9' && value <= INT32_MAX; at++)
            value = 10 * value + (*at - '0');
        if (at == first || value > INT32_MAX || (*at && !strchr(" \t\r\n.", *at)))
            return -EBADMSG;
        if (*at == '.' &&
            (at[1 + strspn(at + 1, "0")] != 0 && !strchr(" \t\r\n", at[1 + strspn(at + 1, "0")])))
            return -EBADMSG; /* "12.0" is a count, "12.5" is none */
        if (*at == '.')
            at += 1 + strspn(at + 1, "0");
        if (out)
            out[(size_t)n * stride] = (int32_t)(negative ? -value : value);
    }
}

static int scale_lead(const xmlNode *value, struct xw_formats_lead *lead)
{
    char unit[16];
    char origin_unit[16];
    struct xw_wfdb_fraction scale;
    struct xw_wfdb_fraction origin = {0, 1};
    const xmlNode *s = xw_formats_xml_child(value, "scale");
    const xmlNode *o = xw_formats_xml_child(value, "origin");
    xw_formats_xml_attribute_text(s, "unit", unit, sizeof(unit));
    xw_formats_xml_attribute_text(o, "unit", origin_unit, sizeof(origin_unit));
    if (!xw_formats_xml_attribute_decimal(s, "value", &scale) ||
        xw_formats_set_scale(lead, scale, unit) < 0)
        return -EBADMSG;
    if (!o || !xw_formats_xml_attribute_decimal(o, "value", &origin) || origin.num == 0)
        return 0;
    /* value = origin + scale x digit, so the digit of 0 is -origin / scale. */
    struct xw_formats_lead other = {0};
    struct xw_wfdb_fraction units;
    if (xw_formats_set_scale(&other, origin, origin_unit[0] ? origin_unit : unit) < 0 ||
        strcmp(other.unit, lead->unit) != 0 ||
        xw_formats_divide(lead->gain, other.gain, &units) < 0)
        return -EBADMSG;
    lead->baseline = (struct xw_wfdb_fraction){-units.num, units.den};
    return 0;
}

static int fill_group(const struct digits *leads, unsigned leads_n, struct xw_formats_group *g,
                      struct xw_formats_recording *r, struct xw_formats_error *ret_error)
{
    for (unsigned c = 0; c < leads_n; c++) {
        char line[32];
        char code[64];
        const xmlNode *value = xw_formats_xml_child(leads[c].sequence, "value");
        (void)code_of(leads[c].sequence, code, sizeof(code));
        xw_formats_name_lead(&g->leads[c],
                             strncmp(code, "MDC_ECG_LEAD_", 13) == 0 ? code + 13 : code);
        if (scale_lead(value, &g->leads[c]) < 0)
            return xw_formats_fail(
                ret_error, EBADMSG, xw_formats_xml_line(value, line, sizeof(line)),
                "lead %s: its scale is missing or no amplitude", g->leads[c].name);
        if (parse_digits((const char *)leads[c].text, g->rows + c, leads_n) < 0)
            return xw_formats_fail(ret_error, EBADMSG,
                                   xw_formats_xml_line(value, line, sizeof(line)),
                                   "lead %s: its digits are no whole numbers", g->leads[c].name);
        if (leads[c].n < g->samples_n)
            xw_formats_warn(r, "lead %s ends %lld samples before the others", g->leads[c].name,
                            (long long)(g->samples_n - leads[c].n));
    }
    return 0;
}

static void free_digits(struct digits *leads, unsigned n)
{
    for (unsigned c = 0; c < n; c++)
        xmlFree(leads[c].text);
}

/* The sequences of one set: the clock, and the leads with their digits. */
static int collect(const xmlNode *set, struct clock *clock, struct digits *leads, unsigned *leads_n,
                   struct xw_formats_error *ret_error)
{
    char line[32];
    for (const xmlNode *c = xw_formats_xml_child(set, "component"); c;
         c = xw_formats_xml_next(c, "component")) {
        char code[64];
        const xmlNode *sequence = xw_formats_xml_child(c, "sequence");
        const xmlNode *value = xw_formats_xml_child(sequence, "value");
        if (!sequence || !code_of(sequence, code, sizeof(code)) || !value)
            continue;
        if (strcmp(code, "TIME_ABSOLUTE") == 0 || strcmp(code, "TIME_RELATIVE") == 0) {
            int e = read_clock(value, clock, ret_error);
            if (e < 0)
                return e;
            continue;
        }
        const xmlNode *digits = xw_formats_xml_child(value, "digits");
        if (!digits || strncmp(code, "MDC_ECG_LEAD_", 13) != 0)
            continue;
        if (*leads_n == XW_FORMATS_MAX_LEADS)
            return xw_formats_fail(ret_error, EOVERFLOW,
                                   xw_formats_xml_line(value, line, sizeof(line)),
                                   "more than %d leads", XW_FORMATS_MAX_LEADS);
        struct digits *lead = &leads[(*leads_n)++];
        lead->sequence = sequence;
        lead->text = xmlNodeGetContent(digits);
        lead->n = lead->text ? parse_digits((const char *)lead->text, NULL, 0) : -ENOMEM;
        if (lead->n < 0)
            return xw_formats_fail(ret_error, (int)-lead->n,
                                   xw_formats_xml_line(digits, line, sizeof(line)),
                                   "%.40s: its digits are no whole numbers", code);
    }
    return 0;
}

static int read_set(const xmlNode *set, enum xw_formats_group_kind kind,
                    struct xw_formats_recording *r, struct xw_formats_error *ret_error)
{
    char line[32];
    struct digits leads[XW_FORMATS_MAX_LEADS];
    unsigned leads_n = 0;
    struct clock clock = {.head_s = {0, 1}};
    struct xw_formats_group *g = NULL;
    int64_t longest = 0;
    int e = collect(set, &clock, leads, &leads_n, ret_error);
    for (unsigned c = 0; c < leads_n && e == 0; c++)
        longest = leads[c].n > longest ? leads[c].n : longest;
    if (e == 0 && leads_n && !clock.found)
        e = xw_formats_fail(ret_error, EBADMSG, xw_formats_xml_line(set, line, sizeof(line)),
                            "a set of leads without its time sequence");
    if (e == 0 && leads_n && longest) {
        e = xw_formats_add_group(r, kind, leads_n, longest, &g, ret_error);
        if (e == 0) {
            g->rate_hz = clock.rate_hz;
            g->offset_us = kind == XW_FORMATS_RHYTHM ? offset_us(&r->start, &clock) : 0;
            e = fill_group(leads, leads_n, g, r, ret_error);
        }
        if (e == 0)
            e = xw_formats_derive_limb_leads(r, g, ret_error);
    }
    free_digits(leads, leads_n);
    return e;
}

static int read_series(const xmlNode *series, struct xw_formats_recording *r,
                       struct xw_formats_error *ret_error)
{
    char code[64];
    (void)code_of(series, code, sizeof(code));
    enum xw_formats_group_kind kind =
        strcmp(code, "REPRESENTATIVE_BEAT") == 0 ? XW_FORMATS_MEDIAN : XW_FORMATS_RHYTHM;
    for (const xmlNode *c = xw_formats_xml_child(series, "component"); c;
         c = xw_formats_xml_next(c, "component")) {
        for (const xmlNode *set = xw_formats_xml_child(c, "sequenceSet"); set;
             set = xw_formats_xml_next(set, "sequenceSet")) {
            int e = read_set(set, kind, r, ret_error);
            if (e < 0)
                return e;
        }
    }
    for (const xmlNode *d = xw_formats_xml_child(series, "derivation"); d;
         d = xw_formats_xml_next(d, "derivation")) {
        const xmlNode *derived = xw_formats_xml_child(d, "derivedSeries");
        int e = derived ? read_series(derived, r, ret_error) : 0;
        if (e < 0)
            return e;
    }
    return 0;
}

static void read_start(const xmlNode *time, struct xw_formats_recording *r)
{
    static const char *const PLACES[] = {"low", "center"};
    for (size_t i = 0; i < 2 && time && !r->start.has_date; i++) {
        char text[64];
        xw_formats_xml_attribute_text(xw_formats_xml_child(time, PLACES[i]), "value", text,
                                      sizeof(text));
        (void)xw_formats_parse_time(text, strlen(text), &r->start);
    }
    if (time && !r->start.has_date) {
        char text[64];
        xw_formats_xml_attribute_text(time, "value", text, sizeof(text));
        (void)xw_formats_parse_time(text, strlen(text), &r->start);
    }
}

static void read_patient(const xmlNode *root, struct xw_formats_recording *r)
{
    struct xw_formats_patient *p = &r->patient;
    const xmlNode *subject = xw_formats_xml_path(
        root, "componentOf/timepointEvent/componentOf/subjectAssignment/subject/trialSubject");
    const xmlNode *person = xw_formats_xml_child(subject, "subjectDemographicPerson");
    const xmlNode *name = xw_formats_xml_child(person, "name");
    const xmlNode *family = xw_formats_xml_child(name, "family");
    char text[64];
    xw_formats_xml_attribute_text(xw_formats_xml_child(subject, "id"), "extension", p->id,
                                  sizeof(p->id));
    xw_formats_xml_text(family ? family : name, p->family, sizeof(p->family));
    if (family)
        xw_formats_xml_text(xw_formats_xml_child(name, "given"), p->given, sizeof(p->given));
    xw_formats_xml_attribute_text(xw_formats_xml_child(person, "administrativeGenderCode"), "code",
                                  text, sizeof(text));
    p->sex = text[0] == 'M' || text[0] == 'F' ? text[0] : strcmp(text, "UN") == 0 ? 'O' : (char)0;
    xw_formats_xml_attribute_text(xw_formats_xml_child(person, "birthTime"), "value", text,
                                  sizeof(text));
    (void)xw_formats_parse_time(text, strlen(text), &p->born);
    for (const xmlNode *c = xw_formats_xml_child(root, "controlVariable"); c;
         c = xw_formats_xml_next(c, "controlVariable")) {
        const xmlNode *o = xw_formats_xml_child(c, "relatedObservation");
        const xmlNode *v = xw_formats_xml_child(o, "value");
        struct xw_wfdb_fraction age;
        xw_formats_xml_attribute_text(xw_formats_xml_child(o, "code"), "code", text, sizeof(text));
        if (strcmp(text, "21612-7") != 0 || !xw_formats_xml_attribute_decimal(v, "value", &age))
            continue;
        xw_formats_xml_attribute_text(v, "unit", text, sizeof(text));
        p->has_age = strcmp(text, "a") == 0 && age.num >= 0;
        p->age_years = p->has_age ? xw_formats_double(age) : 0;
    }
}

static void read_device(const xmlNode *series, struct xw_formats_device *d)
{
    const xmlNode *author = xw_formats_xml_path(series, "author/seriesAuthor");
    const xmlNode *device = xw_formats_xml_child(author, "manufacturedSeriesDevice");
    xw_formats_xml_text(xw_formats_xml_path(author, "manufacturerOrganization/name"), d->maker,
                        sizeof(d->maker));
    xw_formats_xml_text(xw_formats_xml_child(device, "manufacturerModelName"), d->model,
                        sizeof(d->model));
    xw_formats_xml_text(xw_formats_xml_child(device, "softwareName"), d->software,
                        sizeof(d->software));
    xw_formats_xml_attribute_text(xw_formats_xml_child(device, "id"), "extension", d->serial,
                                  sizeof(d->serial));
}

int xw_formats_read_aecg(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                         struct xw_formats_error *ret_error)
{
    __attribute__((cleanup(xw_formats_xml_cleanup_doc))) xmlDocPtr doc = NULL;
    int e = xw_formats_xml_parse(data, n, &doc, ret_error);
    if (e < 0)
        return e;
    const xmlNode *root = xmlDocGetRootElement(doc);
    if (!xw_formats_xml_is(root, "AnnotatedECG"))
        return xw_formats_fail(ret_error, ENOTSUP, "", "the XML is no AnnotatedECG");
    read_patient(root, r);
    for (const xmlNode *c = xw_formats_xml_child(root, "component"); c && e == 0;
         c = xw_formats_xml_next(c, "component")) {
        const xmlNode *series = xw_formats_xml_child(c, "series");
        if (!series)
            continue;
        if (r->groups_n == 0) {
            read_start(xw_formats_xml_child(series, "effectiveTime"), r);
            read_device(series, &r->device);
            xw_formats_aecg_filters(series, &r->filters);
        }
        e = read_series(series, r, ret_error);
        xw_formats_aecg_notes(series, r);
    }
    if (e == 0)
        read_start(xw_formats_xml_child(root, "effectiveTime"), r);
    if (e == 0 && !xw_formats_rhythm(r))
        e = xw_formats_fail(ret_error, ENODATA, "", "the aECG holds no rhythm of any lead");
    return e;
}
