/* What xinwang-formats prints. */
#include "tools/formats/print.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

static double rate_of(const struct xw_formats_group *g)
{
    return (double)g->rate_hz.num / (double)g->rate_hz.den;
}

void xw_formats_print_line(const struct xw_formats_recording *r, const char *path, FILE *out)
{
    const struct xw_formats_group *g = xw_formats_rhythm(r);
    fprintf(out, "%s: %s", path, xw_formats_kind_name(r->kind));
    if (g) {
        fprintf(out, ", %u leads (", g->leads_n);
        for (unsigned c = 0; c < g->leads_n; c++)
            fprintf(out, "%s%s", c ? " " : "", g->leads[c].name);
        fprintf(out, "), %g Hz, %g s", rate_of(g), (double)g->samples_n / rate_of(g));
    }
    fprintf(out, ", %u group%s, %zu measurements, %zu statements", r->groups_n,
            r->groups_n == 1 ? "" : "s", r->measures_n, r->statements_n);
    for (unsigned i = 0; i < r->warnings_n; i++)
        fprintf(out, "; %s", r->warnings[i]);
    fputc('\n', out);
}

static json_t *time_json(const struct xw_formats_time *t)
{
    char date[16];
    char clock[16] = "";
    char zone[16] = "";
    if (!t->has_date)
        return json_null();
    snprintf(date, sizeof(date), "%04d-%02d-%02d", t->year % 10000, t->month % 100, t->day % 100);
    unsigned ms = (unsigned)t->ms_of_day;
    if (t->has_time)
        snprintf(clock, sizeof(clock), "T%02u:%02u:%02u.%03u", ms / 3600000 % 24, ms / 60000 % 60,
                 ms / 1000 % 60, ms % 1000);
    unsigned minutes = (unsigned)abs(t->zone_min);
    if (t->has_zone)
        snprintf(zone, sizeof(zone), "%c%02u:%02u", t->zone_min < 0 ? '-' : '+', minutes / 60 % 100,
                 minutes % 60);
    return json_sprintf("%s%s%s", date, clock, zone);
}

static json_t *fraction_json(struct xw_wfdb_fraction f)
{
    return json_pack("[II]", (json_int_t)f.num, (json_int_t)f.den);
}

static json_t *lead_json(const struct xw_formats_group *g, unsigned c)
{
    const struct xw_formats_lead *l = &g->leads[c];
    int64_t missing = 0;
    double low = INFINITY;
    double high = -INFINITY;
    for (int64_t i = 0; i < g->samples_n; i++) {
        double v = xw_formats_value(l, g->rows[(size_t)i * g->leads_n + c]);
        missing += isnan(v);
        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    json_t *one = json_pack("{ss, ss, ss, so, so, sb, sI}", "name", l->name, "code",
                            xw_ecg_lead_name(l->code), "unit", l->unit, "gain_counts_per_unit",
                            fraction_json(l->gain), "baseline_counts", fraction_json(l->baseline),
                            "derived", (int)l->derived, "missing", (json_int_t)missing);
    if (one && low <= high) {
        json_object_set_new(one, "min", json_real(low));
        json_object_set_new(one, "max", json_real(high));
    }
    return one;
}

static json_t *group_json(const struct xw_formats_group *g)
{
    json_t *leads = json_array();
    for (unsigned c = 0; c < g->leads_n; c++)
        json_array_append_new(leads, lead_json(g, c));
    return json_pack("{ss, so, sI, sI, so}", "kind",
                     g->kind == XW_FORMATS_MEDIAN ? "median" : "rhythm", "rate_hz",
                     fraction_json(g->rate_hz), "offset_us", (json_int_t)g->offset_us, "samples",
                     (json_int_t)g->samples_n, "leads", leads);
}

static json_t *measures_json(const struct xw_formats_recording *r)
{
    json_t *measures = json_array();
    for (size_t i = 0; i < r->measures_n; i++) {
        const struct xw_formats_measure *m = &r->measures[i];
        json_t *one = json_pack("{ss, sf, ss}", "name", xw_formats_measure_name(m->code), "value",
                                m->value, "unit", xw_formats_measure_unit(m->code));
        if (m->lead != XW_ECG_LEAD_OTHER)
            json_object_set_new(one, "lead", json_string(xw_ecg_lead_name(m->lead)));
        json_array_append_new(measures, one);
    }
    return measures;
}

static json_t *statements_json(const struct xw_formats_recording *r)
{
    json_t *statements = json_array();
    for (size_t i = 0; i < r->statements_n; i++)
        json_array_append_new(statements, json_pack("{ss, ss}", "code", r->statements[i].code,
                                                    "text", r->statements[i].text));
    return statements;
}

static json_t *patient_json(const struct xw_formats_patient *p)
{
    char sex[2] = {p->sex, 0};
    json_t *one = json_pack("{ss, ss, ss, so, ss}", "id", p->id, "family", p->family, "given",
                            p->given, "born", time_json(&p->born), "sex", sex);
    if (one && p->has_age)
        json_object_set_new(one, "age_years", json_real(p->age_years));
    return one;
}

int xw_formats_print_json(const struct xw_formats_recording *r, bool patient, FILE *out)
{
    json_t *groups = json_array();
    json_t *warnings = json_array();
    for (unsigned i = 0; i < r->groups_n; i++)
        json_array_append_new(groups, group_json(&r->groups[i]));
    for (unsigned i = 0; i < r->warnings_n; i++)
        json_array_append_new(warnings, json_string(r->warnings[i]));
    const struct xw_formats_device *d = &r->device;
    const struct xw_formats_filters *f = &r->filters;
    json_t *root = json_pack("{ss, ss, so, s{ss, ss, ss, ss}, s{sf, sf, sf}, so, so, so, so}",
                             "kind", xw_formats_kind_name(r->kind), "version", r->version, "start",
                             time_json(&r->start), "device", "maker", d->maker, "model", d->model,
                             "software", d->software, "serial", d->serial, "filters", "highpass_hz",
                             f->highpass_hz, "lowpass_hz", f->lowpass_hz, "notch_hz", f->notch_hz,
                             "groups", groups, "measurements", measures_json(r), "statements",
                             statements_json(r), "warnings", warnings);
    if (!root)
        return -ENOMEM;
    if (patient)
        json_object_set_new(root, "patient", patient_json(&r->patient));
    int result = json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
    fputc('\n', out);
    json_decref(root);
    return result < 0 ? -EIO : 0;
}

int xw_formats_print_csv(const struct xw_formats_recording *r, FILE *out)
{
    const struct xw_formats_group *g = xw_formats_rhythm(r);
    if (!g)
        return -ENODATA;
    fprintf(out, "seconds");
    for (unsigned c = 0; c < g->leads_n; c++)
        fprintf(out, ",%s/%s", g->leads[c].name, g->leads[c].unit);
    fputc('\n', out);
    for (int64_t i = 0; i < g->samples_n; i++) {
        fprintf(out, "%.6f", (double)i * (double)g->rate_hz.den / (double)g->rate_hz.num);
        for (unsigned c = 0; c < g->leads_n; c++) {
            double v = xw_formats_value(&g->leads[c], g->rows[(size_t)i * g->leads_n + c]);
            if (isnan(v))
                fputc(',', out);
            else
                fprintf(out, ",%.9g", v);
        }
        fputc('\n', out);
    }
    return ferror(out) ? -EIO : 0;
}
