/* From a report to the bytes of its PDF. */
#include "report/internal.h"

#include "base/buf.h"

#include <cairo-pdf.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PT_PER_MM (72 / 25.4)

void xw_report_init(struct xw_report *r)
{
    memset(r, 0, sizeof(*r));
    r->speed_mm_s = 25;
    r->gain_mm_mv = 10;
    r->high_pass_hz = 0.05;
    r->low_pass_hz = 150;
    for (int m = 0; m < XW_REPORT_MEASURES_N; m++)
        r->measures[m] = NAN;
}

static bool is_one_of(double x, const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fabs(x - values[i]) < 1e-9)
            return true;
    return false;
}

static bool is_valid(const struct xw_report *r)
{
    static const double SPEEDS[] = {0, 12.5, 25, 50};
    static const double GAINS[] = {0, 2.5, 5, 10, 20};
    bool counts = r->leads_n >= 1 && r->leads_n <= XW_REPORT_LEADS_MAX &&
                  r->fields_n <= XW_REPORT_FIELDS_MAX && r->signatures_n <= 4 &&
                  r->rows_n <= XW_ECG12_LEADS_MAX && (r->rows || !r->rows_n) &&
                  r->statements_n <= XW_REPORT_STATEMENTS_MAX && r->notes_n <= XW_REPORT_NOTES_MAX;
    bool kinds = r->language <= XW_REPORT_BOTH && r->layout <= XW_REPORT_12X1 &&
                 r->verdict <= XW_ECG12_ACCEPTABLE && r->reason <= XW_ECG12_REASON_FEW_LEADS;
    bool scale = is_one_of(r->speed_mm_s, SPEEDS, XW_ARRAY_N(SPEEDS)) &&
                 is_one_of(r->gain_mm_mv, GAINS, XW_ARRAY_N(GAINS));
    if (!counts || !kinds || !scale || !(r->rate_hz >= 100 && r->rate_hz <= 1000) ||
        !r->samples_n || r->samples_n > XW_REPORT_SECONDS_MAX * r->rate_hz)
        return false;
    for (unsigned l = 0; l < r->leads_n; l++)
        if (!r->leads[l].uv || r->leads[l].lead >= XW_ECG_LEAD_COUNT)
            return false;
    for (unsigned i = 0; i < r->statements_n; i++)
        if (r->statements[i].grade > XW_REPORT_CRITICAL)
            return false;
    return true;
}

struct sink {
    struct xw_buf buf;
    int error;
};

static cairo_status_t take(void *closure, const unsigned char *data, unsigned n)
{
    struct sink *sink = closure;
    if (sink->error >= 0)
        sink->error = xw_buf_append(&sink->buf, data, n);
    return sink->error < 0 ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

/* No patient in the metadata, and no clock. */
static void set_metadata(cairo_surface_t *surface, const struct xw_report *r)
{
    time_t at = r->date_s > 0 && r->date_s < 253402300800 ? (time_t)r->date_s : 946684800;
    struct tm tm;
    char date[64];
    gmtime_r(&at, &tm);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, date);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, "ECG");
}

static void begin_page(struct xr_draw *d)
{
    d->page++;
    cairo_save(d->cr);
    cairo_scale(d->cr, PT_PER_MM, PT_PER_MM);
    cairo_set_source_rgb(d->cr, 0, 0, 0);
}

static void end_page(struct xr_draw *d, bool with_trace)
{
    xw_report_footer(d, with_trace);
    cairo_restore(d->cr);
    cairo_show_page(d->cr);
}

static void draw_pages(struct xr_draw *d)
{
    unsigned each = xw_report_trace_pages(d);
    for (unsigned span = 0; span < d->spans_n; span++)
        for (unsigned k = 0; k < each; k++) {
            begin_page(d);
            xw_report_trace_page(d, span, k);
            xw_report_header(d, span == 0 && k == 0);
            end_page(d, true);
        }
    for (unsigned k = 1; k <= d->item_pages_n; k++) {
        begin_page(d);
        xw_report_continuation(d, k);
        xw_report_header(d, false);
        end_page(d, false);
    }
    if (d->r->table && d->r->rows_n) {
        begin_page(d);
        xw_report_table(d);
        xw_report_header(d, false);
        end_page(d, false);
    }
}

/* How many pages there are; counts nothing of what it only measures. */
static int plan(struct xr_draw *d)
{
    const struct xw_report *r = d->r;
    struct xw_report_output before = *d->out;
    double length_s = r->samples_n / r->rate_hz;
    double fits_s = (XR_PAPER_W - XR_LEAD_IN) / d->speed;
    d->spans_n = (unsigned)ceil(length_s / fits_s - 1e-9);
    int result = xw_report_plan_items(d);
    before.missing_n = d->out->missing_n;
    memcpy(before.missing, d->out->missing, sizeof(before.missing));
    *d->out = before;
    unsigned pages =
        d->spans_n * xw_report_trace_pages(d) + d->item_pages_n + (r->table && r->rows_n ? 1 : 0);
    d->out->pages_n = pages;
    return result < 0 ? result : pages > XW_REPORT_PAGES_MAX ? -EOVERFLOW : 0;
}

static int draw(struct xr_draw *d, struct sink *sink)
{
    cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(
        take, sink, XR_PAGE_W * PT_PER_MM, XR_PAGE_H * PT_PER_MM);
    set_metadata(surface, d->r);
    d->cr = cairo_create(surface);
    pango_cairo_update_context(d->cr, xw_report_fonts_context(d->fonts));
    d->layout = pango_layout_new(xw_report_fonts_context(d->fonts));
    int result = plan(d);
    if (result >= 0)
        draw_pages(d);
    xw_report_free_items(d);
    g_object_unref(d->layout);
    cairo_surface_finish(surface);
    bool failed = cairo_status(d->cr) != CAIRO_STATUS_SUCCESS ||
                  cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS;
    cairo_destroy(d->cr);
    cairo_surface_destroy(surface);
    if (result < 0)
        return result;
    return sink->error < 0 ? sink->error : failed ? -EIO : 0;
}

int xw_report_render(struct xw_report_fonts *fonts, const struct xw_report *report,
                     struct xw_report_output *ret_output)
{
    if (!is_valid(report))
        return -EINVAL;
    struct xw_report_output out = {0};
    struct sink sink = {.error = 0};
    struct xr_draw *d = calloc(1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    xw_buf_init(&sink.buf, XW_REPORT_BYTES_MAX);
    d->fonts = fonts;
    d->r = report;
    d->out = &out;
    d->speed = report->speed_mm_s > 0 ? report->speed_mm_s : 25;
    d->gain = report->gain_mm_mv > 0 ? report->gain_mm_mv : 10;
    int result = xw_report_filter(d);
    if (result >= 0)
        result = draw(d, &sink);
    free(d->trace);
    free(d);
    if (result >= 0) {
        out.pdf = xw_buf_take(&sink.buf, &out.pdf_n);
        *ret_output = out;
    }
    xw_buf_done(&sink.buf);
    return result;
}

void xw_report_output_done(struct xw_report_output *output)
{
    free(output->pdf);
    memset(output, 0, sizeof(*output));
}
