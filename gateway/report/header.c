/* Title, fields, statements; the last lines of a page. */
#include "report/internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FIELDS_Y 18.5
#define FIELD_H 4.4
#define BLOCK_X 122.0
#define ITEM_SIZE 3.0

static double block_width(void)
{
    return XR_RIGHT - BLOCK_X;
}

static int add_item(struct xr_draw *d, const char *text)
{
    if (d->items_n == XR_ITEMS_MAX)
        return -EOVERFLOW;
    d->items[d->items_n].text = strdup(text);
    return d->items[d->items_n++].text ? 0 : -ENOMEM;
}

static int add_statement(struct xr_draw *d, const struct xw_report_statement *s)
{
    char text[XR_LINE_BYTES];
    char line[XR_LINE_BYTES + 128];
    const char *grade = xw_report_grade_word(d->r, s->grade);
    bool said = s->grade == XW_REPORT_ABNORMAL || s->grade == XW_REPORT_CRITICAL;
    xw_report_join(d->r, s->zh, s->en, text, sizeof(text));
    snprintf(line, sizeof(line), "%s%s%s%s%s%.48s%s", text, said ? "  [" : "", said ? grade : "",
             said ? "]" : "", s->code ? "  (" : "", s->code ? s->code : "", s->code ? ")" : "");
    return add_item(d, line);
}

static int make_items(struct xr_draw *d)
{
    const struct xw_report *r = d->r;
    char text[XR_LINE_BYTES];
    int result = add_item(d, xw_report_word(r, r->is_signed ? XR_BY_PERSON : XR_BY_MACHINE));
    for (unsigned i = 0; i < r->statements_n && result >= 0; i++)
        result = add_statement(d, &r->statements[i]);
    if (!r->statements_n && !r->is_signed && result >= 0)
        result = add_item(d, xw_report_word(r, XR_NO_STATEMENTS));
    for (unsigned i = 0; i < r->notes_n && result >= 0; i++)
        result = add_item(d, xw_report_join(r, r->notes[i].zh, r->notes[i].en, text, sizeof(text)));
    if (r->has_verdict && result >= 0) {
        const char *reason = xw_report_reason_word(r);
        snprintf(text, sizeof(text), "%s: %s%s%s", xw_report_word(r, XR_QUALITY),
                 xw_report_verdict_word(r), *reason ? ", " : "", reason);
        result = add_item(d, text);
    }
    return result;
}

int xw_report_plan_items(struct xr_draw *d)
{
    unsigned lines = (d->r->fields_n + 3) / 4;
    d->block_y = FIELDS_Y + FIELD_H * lines - (lines ? 1.5 : 4);
    d->block_h = XR_PAPER_Y - 1 - d->block_y;
    int result = make_items(d);
    if (result < 0)
        return result;
    double left = d->block_h - 4; /* a line for "continued" */
    unsigned page = 0;
    for (unsigned i = 0; i < d->items_n; i++) {
        struct xr_item *item = &d->items[i];
        double width = page ? XR_PAPER_W : block_width();
        item->height = xw_report_paragraph(d, 0, 0, ITEM_SIZE, width, item->text, false);
        if (item->height > left) {
            page++;
            left = XR_PAPER_H;
            item->height = xw_report_paragraph(d, 0, 0, ITEM_SIZE, XR_PAPER_W, item->text, false);
        }
        item->page = page;
        left -= item->height + 0.4;
    }
    d->item_pages_n = page;
    return 0;
}

void xw_report_free_items(struct xr_draw *d)
{
    for (unsigned i = 0; i < d->items_n; i++)
        free(d->items[i].text);
}

static void draw_items(struct xr_draw *d, unsigned page, double x, double y, double width)
{
    for (unsigned i = 0; i < d->items_n; i++) {
        if (d->items[i].page != page)
            continue;
        (void)xw_report_paragraph(d, x, y, ITEM_SIZE, width, d->items[i].text, true);
        y += d->items[i].height + 0.4;
    }
    if (page < d->item_pages_n)
        (void)xw_report_text(d, x + width, y + 3, 2.6, 0, XR_RIGHTWARDS,
                             xw_report_word(d->r, XR_CONTINUED));
}

static void draw_fields(struct xr_draw *d)
{
    const struct xw_report *r = d->r;
    for (unsigned i = 0; i < r->fields_n; i++) {
        char label[256];
        char text[264];
        double x = XR_PAPER_X + (i % 4) * (XR_PAPER_W / 4);
        unsigned row = i / 4;
        double y = FIELDS_Y + FIELD_H * row;
        xw_report_join(r, r->fields[i].zh, r->fields[i].en, label, sizeof(label));
        snprintf(text, sizeof(text), "%s: ", label);
        double w = xw_report_text(d, x, y, 3.0, 40, XR_LEFT, text) + 1;
        (void)xw_report_text(d, x + w, y, 3.0, XR_PAPER_W / 4 - w - 2, XR_LEFT, r->fields[i].value);
    }
}

void xw_report_header(struct xr_draw *d, bool with_block)
{
    const struct xw_report *r = d->r;
    char title[XR_LINE_BYTES];
    cairo_set_source_rgb(d->cr, 0, 0, 0);
    snprintf(title, sizeof(title), "%.3000s%s%s", r->institution ? r->institution : "",
             r->institution ? "  " : "",
             xw_report_word(r, r->is_signed ? XR_TITLE : XR_TITLE_UNSIGNED));
    double natural = xw_report_text_width(d, 5.6, title);
    if (natural > XR_PAPER_W)
        (void)xw_report_text(d, XR_PAPER_X, 12, 5.6, XR_PAPER_W, XR_LEFT, title);
    else
        (void)xw_report_text(d, XR_PAGE_W / 2, 12, 5.6, 0, XR_CENTRE, title);
    draw_fields(d);
    if (!with_block)
        return;
    xw_report_line(d, XR_PAPER_X, d->block_y - 0.6, XR_RIGHT, d->block_y - 0.6, 0.15);
    xw_report_measures(d);
    draw_items(d, 0, BLOCK_X, d->block_y, block_width());
}

void xw_report_continuation(struct xr_draw *d, unsigned item_page)
{
    xw_report_watermark(d);
    cairo_set_source_rgb(d->cr, 0, 0, 0);
    draw_items(d, item_page, XR_PAPER_X, d->block_y + 4, XR_PAPER_W);
}

/* Speed, gain, filters; what was cut. */
static void trace_words(struct xr_draw *d, char *text, size_t size)
{
    const struct xw_report *r = d->r;
    char mains[96];
    char band[128];
    bool filtered = r->high_pass_hz > 0 || r->low_pass_hz > 0;
    bool low = r->low_pass_hz > 0 && r->low_pass_hz < 0.45 * r->rate_hz;
    if (!filtered)
        snprintf(band, sizeof(band), "%s", xw_report_word(r, XR_NO_BAND));
    else
        snprintf(band, sizeof(band), "%s %g–%g Hz", xw_report_word(r, XR_BAND), r->high_pass_hz,
                 low ? r->low_pass_hz : r->rate_hz / 2);
    if (r->mains_hz > 0 && r->rate_hz >= 4 * r->mains_hz)
        snprintf(mains, sizeof(mains), "%s %g Hz", xw_report_word(r, XR_MAINS), r->mains_hz);
    else
        snprintf(mains, sizeof(mains), "%s", xw_report_word(r, XR_NO_MAINS));
    snprintf(text, size, "%g mm/s   %g mm/mV   %s   %s", d->speed, d->gain, band, mains);
}

/* What the reader has to know of this sheet: cut leads, computed leads, missing characters. */
static void remarks(struct xr_draw *d, char *text, size_t size)
{
    const struct xw_report *r = d->r;
    bool derived = false;
    size_t n = 0;
    text[0] = 0;
    for (unsigned l = 0; l < r->leads_n && n < size; l++) {
        derived |= r->leads[l].derived;
        if (d->out->cut >> l & 1)
            n += (size_t)snprintf(text + n, size - n, "%.32s ",
                                  r->leads[l].name ? r->leads[l].name
                                                   : xw_ecg_lead_name(r->leads[l].lead));
    }
    if (n && n < size)
        n += (size_t)snprintf(text + n, size - n, "%s   ", xw_report_word(r, XR_CUT));
    if (derived && n < size)
        n += (size_t)snprintf(text + n, size - n, "%s   ", xw_report_word(r, XR_DERIVED));
    if (r->corrected && n < size)
        n += (size_t)snprintf(text + n, size - n, "%s   ", xw_report_word(r, XR_CORRECTED));
    if (d->out->missing_n && n < size) {
        n += (size_t)snprintf(text + n, size - n, "%s:", xw_report_word(r, XR_MISSING));
        for (unsigned i = 0; i < d->out->missing_n && i < 6 && n < size; i++)
            n += (size_t)snprintf(text + n, size - n, " U+%04X", d->out->missing[i]);
        if (d->out->missing_n > 6 && n < size)
            snprintf(text + n, size - n, " …");
    }
}

static void check_line(struct xr_draw *d, double y)
{
    double x = XR_PAPER_X;
    cairo_set_line_width(d->cr, 0.2);
    cairo_move_to(d->cr, x, y);
    cairo_line_to(d->cr, x + 100, y);
    cairo_stroke(d->cr);
    for (int k = 0; k <= 10; k++)
        xw_report_line(d, x + 10 * k, y, x + 10 * k, y - (k % 5 ? 1 : 2), 0.2);
    (void)xw_report_text(d, x + 102, y + 0.6, 2.6, 0, XR_LEFT, xw_report_word(d->r, XR_CHECK_LINE));
}

static void signatures(struct xr_draw *d, double y)
{
    static const struct xw_report_field BLANK = {"医师签名", "Physician", ""};
    const struct xw_report *r = d->r;
    unsigned n = r->signatures_n ? r->signatures_n : 1;
    for (unsigned i = 0; i < n; i++) {
        const struct xw_report_field *f = r->signatures_n ? &r->signatures[i] : &BLANK;
        char label[256];
        double x = XR_RIGHT - 62.0 * (n - i);
        xw_report_join(r, f->zh, f->en, label, sizeof(label));
        double w = xw_report_text(d, x, y, 3.0, 34, XR_LEFT, label) + 2;
        if (f->value && *f->value)
            (void)xw_report_text(d, x + w, y, 3.0, 60 - w, XR_LEFT, f->value);
        else
            xw_report_line(d, x + w, y + 0.6, x + 62, y + 0.6, 0.15);
    }
}

void xw_report_footer(struct xr_draw *d, bool with_trace)
{
    const struct xw_report *r = d->r;
    char text[XR_LINE_BYTES];
    double y = XR_PAPER_Y + XR_PAPER_H;
    cairo_set_source_rgb(d->cr, 0, 0, 0);
    if (with_trace) {
        trace_words(d, text, sizeof(text));
        (void)xw_report_text(d, XR_PAPER_X, y + 4.2, 3.0, 0, XR_LEFT, text);
        check_line(d, y + 9.0);
    }
    snprintf(text, sizeof(text), "%s%s%.64s",
             r->captured ? xw_report_word(r, XR_CAPTURED) : xw_report_word(r, XR_CAPTURED_UNKNOWN),
             r->captured ? " " : "", r->captured ? r->captured : "");
    (void)xw_report_text(d, XR_RIGHT, y + 4.2, 3.0, 0, XR_RIGHTWARDS, text);
    signatures(d, y + 9.4);
    remarks(d, text, sizeof(text));
    if (text[0])
        (void)xw_report_text(d, XR_PAPER_X, y + 13.2, 2.6, XR_PAPER_W, XR_LEFT, text);
    (void)xw_report_text(d, XR_PAPER_X, y + 17.0, 2.8, 0, XR_LEFT,
                         xw_report_word(r, XR_DISCLAIMER));
    snprintf(text, sizeof(text), "%s%s%.80s   %s %u/%u",
             r->version ? xw_report_word(r, XR_VERSION) : "", r->version ? " " : "",
             r->version ? r->version : "", xw_report_word(r, XR_PAGE), d->page, d->out->pages_n);
    (void)xw_report_text(d, XR_RIGHT, y + 17.0, 2.8, 0, XR_RIGHTWARDS, text);
}
