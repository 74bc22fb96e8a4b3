/* Writes WFDB: DIR/RECORD.dat in format 16 and DIR/RECORD.hea. */
#include "formats/write.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_ROWS = 2048, INVALID = -32768 };

struct column {
    int64_t shift;
};

static int describe(const struct xw_formats_group *g, unsigned c, struct xw_wfdb_writer_signal *s,
                    struct column *k, struct xw_formats_error *ret_error)
{
    const struct xw_formats_lead *l = &g->leads[c];
    int32_t min;
    int32_t max;
    bool missing;
    xw_formats_count_range(g, c, &min, &max, &missing);
    if ((int64_t)max - min > 65534)
        return xw_formats_fail(ret_error, ERANGE, l->name, "its values do not fit 16 bits");
    k->shift = min <= INVALID || max > INT16_MAX ? ((int64_t)min + max) / 2 : 0;
    s->description = l->name;
    s->unit = l->unit;
    s->gain = l->gain;
    /* A gain that is no decimal is written as the nearest of 15 digits. */
    int64_t den = l->gain.den;
    while (den % 2 == 0)
        den /= 2;
    while (den % 5 == 0)
        den /= 5;
    if (den != 1) {
        char text[32];
        snprintf(text, sizeof(text), "%.12g", xw_formats_double(l->gain));
        if (xw_formats_decimal(text, strlen(text), &s->gain) < 0)
            return xw_formats_fail(ret_error, ERANGE, l->name, "its gain cannot be written");
    }
    double baseline = round(xw_formats_double(l->baseline) - (double)k->shift);
    if (l->gain.num <= 0 || fabs(baseline) > INT32_MAX)
        return xw_formats_fail(ret_error, ERANGE, l->name,
                               "its gain or baseline cannot be written");
    s->baseline = (int32_t)baseline;
    return 0;
}

static int write_rows(struct xw_wfdb_writer *writer, const struct xw_formats_group *g,
                      const struct column *columns)
{
    int32_t *rows = malloc(sizeof(*rows) * BATCH_ROWS * XW_FORMATS_MAX_LEADS);
    int e = rows ? 0 : -ENOMEM;
    for (int64_t at = 0; at < g->samples_n && e == 0; at += BATCH_ROWS) {
        size_t n = (size_t)(g->samples_n - at < BATCH_ROWS ? g->samples_n - at : BATCH_ROWS);
        for (size_t i = 0; i < n * g->leads_n; i++) {
            int32_t v = g->rows[(size_t)at * g->leads_n + i];
            rows[i] =
                v == XW_FORMATS_NO_SAMPLE ? INVALID : (int32_t)(v - columns[i % g->leads_n].shift);
        }
        e = xw_wfdb_writer_write(writer, rows, n);
    }
    free(rows);
    return e;
}

static void describe_record(const struct xw_formats_recording *r, struct xw_wfdb_writer *writer)
{
    struct xw_wfdb_record_info info = {0};
    const struct xw_formats_patient *p = &r->patient;
    char comments[4 * XW_FORMATS_TEXT_BYTES];
    int n = 0;
    info.has_time = r->start.has_time;
    info.time_ms = r->start.ms_of_day;
    info.has_date = r->start.has_date && r->start.has_time;
    info.year = r->start.year;
    info.month = (uint8_t)r->start.month;
    info.day = (uint8_t)r->start.day;
    comments[0] = 0;
    if (p->has_age)
        n += snprintf(comments, sizeof(comments), "Age: %.0f\n", p->age_years);
    if (p->sex == 'M' || p->sex == 'F')
        n += snprintf(comments + n, sizeof(comments) - (size_t)n, "Sex: %s\n",
                      p->sex == 'M' ? "Male" : "Female");
    if (p->id[0])
        snprintf(comments + n, sizeof(comments) - (size_t)n, "ID: %s\n", p->id);
    info.comments = comments;
    xw_wfdb_writer_describe(writer, &info);
}

int xw_formats_write_wfdb(const struct xw_formats_recording *r, const char *path,
                          struct xw_formats_error *ret_error)
{
    const struct xw_formats_group *g = xw_formats_one_rhythm(r, ret_error);
    struct xw_wfdb_writer_signal signals[XW_FORMATS_MAX_LEADS];
    struct column columns[XW_FORMATS_MAX_LEADS];
    struct xw_wfdb_writer *writer = NULL;
    struct xw_wfdb_error error = {0};
    struct xw_wfdb_fraction rate;
    char text[32];
    int e = g ? 0 : -ENOTSUP;
    for (unsigned c = 0; e == 0 && c < g->leads_n; c++)
        e = describe(g, c, &signals[c], &columns[c], ret_error);
    if (e < 0)
        return e;
    rate = g->rate_hz;
    snprintf(text, sizeof(text), "%.12g", xw_formats_double(rate));
    if (xw_formats_decimal(text, strlen(text), &rate) < 0)
        return xw_formats_fail(ret_error, ERANGE, "", "the rate cannot be written");
    e = xw_wfdb_writer_open(path, rate, signals, g->leads_n, &writer, &error);
    if (e == 0) {
        describe_record(r, writer);
        e = write_rows(writer, g, columns);
        if (e < 0)
            xw_wfdb_writer_abandon(writer);
        else
            e = xw_wfdb_writer_finish(writer, &error);
    }
    return e < 0
               ? xw_formats_fail(ret_error, -e, "", "%s", error.text[0] ? error.text : strerror(-e))
               : 0;
}
