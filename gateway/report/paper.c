/* The paper: squares of 1 and 5 mm, calibration pulse, hatching, the mark of what is unsigned. */
#include "report/internal.h"

#include <math.h>

void xw_report_line(struct xr_draw *d, double x1, double y1, double x2, double y2, double width)
{
    cairo_set_line_width(d->cr, width);
    cairo_move_to(d->cr, x1, y1);
    cairo_line_to(d->cr, x2, y2);
    cairo_stroke(d->cr);
}

static void squares(struct xr_draw *d, int step, double width)
{
    for (int x = 0; x <= (int)XR_PAPER_W; x += step) {
        cairo_move_to(d->cr, XR_PAPER_X + x, XR_PAPER_Y);
        cairo_line_to(d->cr, XR_PAPER_X + x, XR_PAPER_Y + XR_PAPER_H);
    }
    for (int y = 0; y <= (int)XR_PAPER_H; y += step) {
        cairo_move_to(d->cr, XR_PAPER_X, XR_PAPER_Y + y);
        cairo_line_to(d->cr, XR_PAPER_X + XR_PAPER_W, XR_PAPER_Y + y);
    }
    cairo_set_line_width(d->cr, width);
    cairo_stroke(d->cr);
}

/* The red of ECG paper, light enough to stay grey under a black trace in a copy. */
void xw_report_paper(struct xr_draw *d)
{
    cairo_set_source_rgb(d->cr, 0.97, 0.83, 0.83);
    squares(d, 1, 0.08);
    cairo_set_source_rgb(d->cr, 0.91, 0.62, 0.62);
    squares(d, 5, 0.16);
    cairo_set_source_rgb(d->cr, 0, 0, 0);
}

void xw_report_watermark(struct xr_draw *d)
{
    if (d->r->is_signed)
        return;
    const char *text = xw_report_word(d->r, XR_WATERMARK);
    cairo_save(d->cr);
    cairo_set_source_rgb(d->cr, 0.89, 0.89, 0.89);
    cairo_translate(d->cr, XR_PAGE_W / 2, XR_PAPER_Y + XR_PAPER_H / 2);
    cairo_rotate(d->cr, -0.38);
    double width = xw_report_text_width(d, 30, text);
    (void)xw_report_text(d, 0, 10, width > 230 ? 30 * 230 / width : 30, 0, XR_CENTRE, text);
    cairo_restore(d->cr);
}

void xw_report_hatch(struct xr_draw *d, double x, double y, double w, double h)
{
    if (w <= 0)
        return;
    cairo_save(d->cr);
    cairo_rectangle(d->cr, x, y, w, h);
    cairo_clip(d->cr);
    cairo_set_source_rgb(d->cr, 0.45, 0.45, 0.45);
    cairo_set_line_width(d->cr, 0.15);
    int first = (int)floor((x - h) / 2); /* the same pattern everywhere */
    int last = (int)ceil((x + w) / 2);
    for (int k = first; k < last; k++) {
        double at = 2.0 * k;
        cairo_move_to(d->cr, at, y + h);
        cairo_line_to(d->cr, at + h, y);
    }
    cairo_stroke(d->cr);
    cairo_restore(d->cr);
}

/* 1 mV of 0.2 s. */
void xw_report_pulse(struct xr_draw *d, double y_zero)
{
    double x = XR_PAPER_X + 2;
    double width = 0.2 * d->speed;
    cairo_set_line_width(d->cr, 0.25);
    cairo_move_to(d->cr, x, y_zero);
    cairo_line_to(d->cr, x + 2, y_zero);
    cairo_line_to(d->cr, x + 2, y_zero - d->gain);
    cairo_line_to(d->cr, x + 2 + width, y_zero - d->gain);
    cairo_line_to(d->cr, x + 2 + width, y_zero);
    cairo_line_to(d->cr, x + 4 + width, y_zero);
    cairo_stroke(d->cr);
}
