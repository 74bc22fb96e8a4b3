/* WFDB through the library's own reader: one group, counts as they are. */
#include "formats/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BATCH_ROWS = 4096 };

static int failed(const struct xw_wfdb_error *from, int error, struct xw_formats_error *ret_error)
{
    char where[32] = "";
    if (from->line)
        snprintf(where, sizeof(where), "line %u", from->line);
    return xw_formats_fail(ret_error, -error, where, "%s",
                           from->text[0] ? from->text : strerror(-error));
}

static int name_signal(const struct xw_wfdb_signal *s, struct xw_formats_lead *lead)
{
    struct xw_wfdb_fraction step = {s->gain.den, s->gain.num};
    xw_formats_name_lead(lead, s->description);
    lead->baseline = (struct xw_wfdb_fraction){s->baseline, 1};
    return xw_formats_set_scale(lead, step, s->unit);
}

static int read_rows(struct xw_wfdb_reader *reader, struct xw_formats_group *g,
                     struct xw_formats_error *ret_error)
{
    struct xw_wfdb_error error = {0};
    int64_t at = 0;
    while (at < g->samples_n) {
        int64_t want = g->samples_n - at < BATCH_ROWS ? g->samples_n - at : BATCH_ROWS;
        int64_t got =
            xw_wfdb_reader_read(reader, g->rows + (size_t)at * g->leads_n, (size_t)want, &error);
        if (got < 0)
            return failed(&error, (int)got, ret_error);
        if (got == 0)
            return xw_formats_fail(ret_error, ENODATA, "", "the record ends before its time");
        at += got;
    }
    for (unsigned c = 0; c < g->leads_n; c++) {
        int32_t invalid = xw_wfdb_reader_signal(reader, c)->invalid;
        for (size_t i = 0; i < (size_t)g->samples_n; i++)
            if (g->rows[i * g->leads_n + c] == invalid)
                g->rows[i * g->leads_n + c] = XW_FORMATS_NO_SAMPLE;
    }
    return 0;
}

/* The comments of PhysioNet's databases: "Age: 56", "Sex: Female". */
static void read_comments(const char *comments, struct xw_formats_patient *p)
{
    for (const char *line = comments; line && *line; line = strchr(line, '\n')) {
        line += strspn(line, "\n# ");
        const char *value = memchr(line, ':', strcspn(line, "\n"));
        struct xw_wfdb_fraction age;
        if (!value)
            continue;
        value += 1 + strspn(value + 1, " ");
        if (strncasecmp(line, "Age", 3) == 0 &&
            xw_formats_decimal(value, strcspn(value, " \r\n<"), &age) == 0 && age.num >= 0) {
            p->has_age = true;
            p->age_years = xw_formats_double(age);
        }
        if (strncasecmp(line, "Sex", 3) == 0 || strncasecmp(line, "<sex>", 5) == 0)
            p->sex = *value == 'M' || *value == 'm'   ? 'M'
                     : *value == 'F' || *value == 'f' ? 'F'
                                                      : (char)0;
    }
}

static int read_signals(struct xw_wfdb_reader *reader, struct xw_formats_recording *r,
                        struct xw_formats_error *ret_error)
{
    const struct xw_wfdb_header *h = xw_wfdb_reader_header(reader);
    struct xw_formats_group *g;
    unsigned n = xw_wfdb_reader_channels(reader);
    int e =
        xw_formats_add_group(r, XW_FORMATS_RHYTHM, n, xw_wfdb_reader_length(reader), &g, ret_error);
    if (e < 0)
        return e;
    g->rate_hz = xw_wfdb_reader_rate_hz(reader);
    for (unsigned c = 0; c < n; c++) {
        const struct xw_wfdb_signal *s = xw_wfdb_reader_signal(reader, c);
        if (name_signal(s, &g->leads[c]) < 0)
            return xw_formats_fail(ret_error, EBADMSG, "header", "signal %u: its gain is none", c);
        if (!s->gain_known)
            xw_formats_warn(r, "signal %u is not calibrated: 200 counts a mV are assumed", c + 1);
    }
    if (h->has_base_date)
        (void)xw_formats_set_date(&r->start, h->base_year, h->base_month, h->base_day);
    if (h->has_base_time && h->base_time_ms >= 0 && h->base_time_ms < 86400000) {
        r->start.has_time = true;
        r->start.ms_of_day = h->base_time_ms;
    }
    read_comments(h->comments, &r->patient);
    return read_rows(reader, g, ret_error);
}

int xw_formats_read_wfdb(const char *path, struct xw_formats_recording *r,
                         struct xw_formats_error *ret_error)
{
    struct xw_wfdb_reader *reader = NULL;
    struct xw_wfdb_error error = {0};
    int e = xw_wfdb_reader_open(path, NULL, 0, &reader, &error);
    if (e < 0)
        return failed(&error, e, ret_error);
    e = read_signals(reader, r, ret_error);
    xw_wfdb_reader_close(reader);
    return e;
}
