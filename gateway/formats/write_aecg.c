/* Writes HL7 aECG: one series, a sequence set for each rhythm group, the measurements. */
#include "formats/aecg.h"
#include "formats/write.h"

#include "base/uuid.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct out {
    struct xw_buf *buf;
    int e;
};

__attribute__((format(printf, 2, 3))) static void put(struct out *o, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (o->e == 0)
        o->e = xw_buf_vprintf(o->buf, format, args);
    va_end(args);
}

/* Text with what XML cannot have taken care of. */
static void put_text(struct out *o, const char *text)
{
    for (const char *at = text; *at; at++) {
        const char *entity = *at == '&'   ? "&amp;"
                             : *at == '<' ? "&lt;"
                             : *at == '>' ? "&gt;"
                             : *at == '"' ? "&quot;"
                                          : NULL;
        if (entity)
            put(o, "%s", entity);
        else
            put(o, "%c", *at);
    }
}

static void put_element(struct out *o, const char *name, const char *text)
{
    if (!*text)
        return;
    put(o, "<%s>", name);
    put_text(o, text);
    put(o, "</%s>", name);
}

static void put_id(struct out *o)
{
    char text[XW_UUID_TEXT_N_BYTES];
    struct xw_uuid id = xw_uuid_v7(NULL);
    xw_uuid_format(&id, text);
    put(o, "<id root=\"%s\"/>\n", text);
}

static void print_time(const struct xw_formats_time *t, int64_t plus_ms, char *dst, size_t size)
{
    char zone[16] = "";
    int64_t ms = t->ms_of_day + plus_ms;
    if (t->has_zone)
        snprintf(zone, sizeof(zone), "%c%02u%02u", t->zone_min < 0 ? '-' : '+',
                 (unsigned)(t->zone_min < 0 ? -t->zone_min : t->zone_min) / 60 % 100,
                 (unsigned)(t->zone_min < 0 ? -t->zone_min : t->zone_min) % 60);
    if (!t->has_date)
        snprintf(dst, size, "00010101000000");
    else if (!t->has_time || ms >= 86400000)
        snprintf(dst, size, "%04d%02d%02d", t->year, t->month, t->day);
    else
        snprintf(dst, size, "%04d%02d%02d%02d%02d%02d.%03d%s", t->year, t->month, t->day,
                 (int)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60),
                 (int)(ms % 1000), zone);
}

static void put_patient(struct out *o, const struct xw_formats_patient *p)
{
    put(o, "<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject>\n"
           "<id extension=\"");
    put_text(o, p->id);
    put(o, "\"/>\n<subjectDemographicPerson>\n<name>");
    put_element(o, "family", p->family);
    put_element(o, "given", p->given);
    put(o, "</name>\n");
    if (p->sex)
        put(o, "<administrativeGenderCode code=\"%s\" codeSystem=\"2.16.840.1.113883.5.1\"/>\n",
            p->sex == 'M'   ? "M"
            : p->sex == 'F' ? "F"
                            : "UN");
    if (p->born.has_date)
        put(o, "<birthTime value=\"%04d%02d%02d\"/>\n", p->born.year, p->born.month, p->born.day);
    put(o, "</subjectDemographicPerson>\n</trialSubject></subject>\n<componentOf><clinicalTrial>"
           "<id extension=\"none\"/></clinicalTrial></componentOf>\n"
           "</subjectAssignment></componentOf></timepointEvent></componentOf>\n");
    if (p->has_age)
        put(o,
            "<controlVariable><relatedObservation><code code=\"21612-7\" "
            "codeSystem=\"2.16.840.1.113883.6.1\"/><value xsi:type=\"PQ\" value=\"%g\" "
            "unit=\"a\"/></relatedObservation></controlVariable>\n",
            p->age_years);
}

static void put_device(struct out *o, const struct xw_formats_device *d)
{
    put(o, "<author><seriesAuthor>\n<manufacturedSeriesDevice>\n<id extension=\"");
    put_text(o, d->serial);
    put(o, "\"/>\n");
    put_element(o, "manufacturerModelName", d->model);
    put_element(o, "softwareName", d->software);
    put(o, "</manufacturedSeriesDevice>\n");
    if (d->maker[0]) {
        put(o, "<manufacturerOrganization>");
        put_element(o, "name", d->maker);
        put(o, "</manufacturerOrganization>\n");
    }
    put(o, "</seriesAuthor></author>\n");
}

static void put_filter(struct out *o, const char *code, const char *frequency, double hz)
{
    if (hz <= 0)
        return;
    put(o,
        "<controlVariable><controlVariable><code code=\"MDC_ECG_CTL_VBL_ATTR_FILTER_%s\" "
        "codeSystem=\"2.16.840.1.113883.6.24\"/><component><controlVariable><code "
        "code=\"MDC_ECG_CTL_VBL_ATTR_FILTER_%s\" codeSystem=\"2.16.840.1.113883.6.24\"/><value "
        "xsi:type=\"PQ\" value=\"%g\" unit=\"Hz\"/></controlVariable></component>"
        "</controlVariable></controlVariable>\n",
        code, frequency, hz);
}

static int put_lead(struct out *o, const struct xw_formats_group *g, unsigned c,
                    struct xw_formats_error *ret_error)
{
    const struct xw_formats_lead *l = &g->leads[c];
    struct xw_wfdb_fraction thousand = {1000, 1};
    struct xw_wfdb_fraction scale;
    struct xw_wfdb_fraction origin;
    char scale_text[48];
    char origin_text[48];
    int64_t n = g->samples_n;
    bool ecg = strcmp(l->unit, "mV") == 0;
    if (xw_formats_divide(ecg ? thousand : (struct xw_wfdb_fraction){1, 1}, l->gain, &scale) < 0 ||
        xw_formats_multiply(scale, l->baseline, &origin) < 0)
        return xw_formats_fail(ret_error, ERANGE, l->name, "its gain cannot be written");
    origin.num = -origin.num;
    xw_formats_print_fraction(scale, scale_text, sizeof(scale_text));
    xw_formats_print_fraction(origin, origin_text, sizeof(origin_text));
    while (n && g->rows[(size_t)(n - 1) * g->leads_n + c] == XW_FORMATS_NO_SAMPLE)
        n--;
    put(o, "<component><sequence><code code=\"MDC_ECG_LEAD_");
    for (const char *at = l->name; *at; at++)
        put(o, "%c",
            *at >= 'a' && *at <= 'z' && l->code ? *at - 'a' + 'A'
            : *at == ' '                        ? '_'
                                                : *at);
    put(o,
        "\" codeSystem=\"2.16.840.1.113883.6.24\"/>\n<value xsi:type=\"SLIST_PQ\"><origin "
        "value=\"%s\" unit=\"%s\"/><scale value=\"%s\" unit=\"%s\"/>\n<digits>",
        origin_text, ecg ? "uV" : l->unit, scale_text, ecg ? "uV" : l->unit);
    for (int64_t i = 0; i < n; i++) {
        int32_t v = g->rows[(size_t)i * g->leads_n + c];
        if (v == XW_FORMATS_NO_SAMPLE)
            return xw_formats_fail(ret_error, ERANGE, l->name,
                                   "samples are missing within it, which aECG cannot say");
        put(o, "%s%d", i ? (i % 32 ? " " : "\n") : "", v);
    }
    put(o, "</digits></value></sequence></component>\n");
    return 0;
}

static int put_set(struct out *o, const struct xw_formats_recording *r,
                   const struct xw_formats_group *g, struct xw_formats_error *ret_error)
{
    char step[48];
    char head[48];
    struct xw_wfdb_fraction one = {1, 1};
    struct xw_wfdb_fraction step_s;
    bool relative = !r->start.has_date || !r->start.has_time;
    if (xw_formats_divide(one, g->rate_hz, &step_s) < 0)
        return xw_formats_fail(ret_error, ERANGE, "", "the rate cannot be written");
    xw_formats_print_fraction(step_s, step, sizeof(step));
    if (relative)
        snprintf(head, sizeof(head), "%.6f", (double)g->offset_us / 1e6);
    else
        print_time(&r->start, g->offset_us / 1000, head, sizeof(head));
    put(o,
        "<component><sequenceSet>\n<component><sequence><code code=\"%s\" "
        "codeSystem=\"2.16.840.1.113883.5.4\"/>\n<value xsi:type=\"%s\"><head value=\"%s\"%s/>"
        "<increment value=\"%s\" unit=\"s\"/></value></sequence></component>\n",
        relative ? "TIME_RELATIVE" : "TIME_ABSOLUTE", relative ? "GLIST_PQ" : "GLIST_TS", head,
        relative ? " unit=\"s\"" : "", step);
    for (unsigned c = 0; c < g->leads_n; c++) {
        int e = put_lead(o, g, c, ret_error);
        if (e < 0)
            return e;
    }
    put(o, "</sequenceSet></component>\n");
    return 0;
}

static void put_notes(struct out *o, const struct xw_formats_recording *r)
{
    bool any = r->statements_n != 0;
    for (size_t i = 0; i < r->measures_n; i++)
        any = any || (xw_formats_aecg_measure_code(r->measures[i].code) &&
                      r->measures[i].lead == XW_ECG_LEAD_OTHER);
    if (!any)
        return;
    put(o, "<subjectOf><annotationSet>\n");
    for (size_t i = 0; i < r->measures_n; i++) {
        const struct xw_formats_measure *m = &r->measures[i];
        const char *code = xw_formats_aecg_measure_code(m->code);
        if (!code || m->lead != XW_ECG_LEAD_OTHER)
            continue;
        put(o,
            "<component><annotation><code code=\"%s\" codeSystem=\"2.16.840.1.113883.6.24\"/>"
            "<value xsi:type=\"PQ\" value=\"%g\" unit=\"%s\"/></annotation></component>\n",
            code, m->value, xw_formats_measure_unit(m->code));
    }
    for (size_t i = 0; i < r->statements_n; i++) {
        put(o, "<component><annotation><code code=\"MDC_ECG_INTERPRETATION_STATEMENT\" "
               "codeSystem=\"2.16.840.1.113883.6.24\"/><value xsi:type=\"ST\">");
        put_text(o, r->statements[i].text);
        put(o, "</value></annotation></component>\n");
    }
    put(o, "</annotationSet></subjectOf>\n");
}

static void put_span(struct out *o, const struct xw_formats_recording *r)
{
    char low[48];
    print_time(&r->start, 0, low, sizeof(low));
    put(o, "<effectiveTime><low value=\"%s\"/></effectiveTime>\n", low);
}

int xw_formats_write_aecg(const struct xw_formats_recording *r, struct xw_buf *out,
                          struct xw_formats_error *ret_error)
{
    struct out o = {out, 0};
    int e = xw_formats_rhythm(r)
                ? 0
                : xw_formats_fail(ret_error, ENODATA, "", "there is no ECG to be written");
    if (e < 0)
        return e;
    put(&o, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AnnotatedECG xmlns=\"urn:hl7-org:v3\" "
            "xmlns:voc=\"urn:hl7-org:v3/voc\" xmlns:xsi=\"http://www.w3.org/2001/"
            "XMLSchema-instance\" type=\"Observation\">\n");
    put_id(&o);
    put(&o, "<code code=\"93000\" codeSystem=\"2.16.840.1.113883.6.12\"/>\n");
    put_span(&o, r);
    put_patient(&o, &r->patient);
    put(&o, "<component><series>\n");
    put_id(&o);
    put(&o, "<code code=\"RHYTHM\" codeSystem=\"2.16.840.1.113883.5.4\"/>\n");
    put_span(&o, r);
    put_device(&o, &r->device);
    put_filter(&o, "LOW_PASS", "CUTOFF_FREQ", r->filters.lowpass_hz);
    put_filter(&o, "HIGH_PASS", "CUTOFF_FREQ", r->filters.highpass_hz);
    put_filter(&o, "NOTCH", "NOTCH_FREQ", r->filters.notch_hz);
    for (unsigned i = 0; i < r->groups_n && e == 0; i++)
        if (r->groups[i].kind == XW_FORMATS_RHYTHM)
            e = put_set(&o, r, &r->groups[i], ret_error);
    put_notes(&o, r);
    put(&o, "</series></component>\n</AnnotatedECG>\n");
    if (e == 0 && o.e < 0)
        e = xw_formats_fail(ret_error, -o.e, "", "the file would be larger than is written");
    return e;
}
