/* One lead: filtered, simplified, hatched where nothing is known, cut where it is too high. */
#include "report/internal.h"

#include "dsp/ecg/display.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOLERANCE_MM 0.02
#define ABOVE_MM 5.0  /* … and the first one the paper */
#define CLEAR_MM 30.0 /* a trace may leave its row by this much, above and below its zero */

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a;
    float y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The median of what is finite; scratch holds n values. */
static float median(const float *x, unsigned n, float *scratch)
{
    unsigned m = 0;
    for (unsigned i = 0; i < n; i++)
        if (isfinite(x[i]))
            scratch[m++] = x[i];
    qsort(scratch, m, sizeof(*scratch), compare);
    return m ? scratch[m / 2] : 0;
}

/* x[0..n): values of one stretch without gaps. */
static void filter_stretch(const struct xw_ecg_display_design *design, const float *x, unsigned n,
                           double centre, float *y)
{
    struct xw_ecg_display f;
    xw_ecg_display_init(&f, design);
    unsigned delay = xw_ecg_display_delay(&f);
    double sunk = design->high_pass_hz > 0 ? (x[0] - centre) * design->decay : 0;
    for (unsigned i = 0; i < n + delay; i++) {
        double v = xw_ecg_display_process(&f, x[i < n ? i : n - 1]);
        if (i >= delay) {
            y[i - delay] = (float)(v + sunk);
            sunk *= design->decay;
        }
    }
}

int xw_report_filter(struct xr_draw *d)
{
    const struct xw_report *r = d->r;
    size_t n = r->samples_n;
    struct xw_ecg_display_design design;
    int result =
        xw_ecg_display_make(r->rate_hz, r->high_pass_hz, r->low_pass_hz, r->mains_hz, &design);
    if (result < 0)
        return result;
    xw_autofree float *scratch = malloc(n * sizeof(*scratch));
    d->trace = calloc(n * r->leads_n, sizeof(*d->trace));
    if (!scratch || !d->trace)
        return -ENOMEM;
    for (unsigned l = 0; l < r->leads_n; l++) {
        const float *x = r->leads[l].uv;
        float *y = d->trace + l * n;
        double centre = median(x, r->samples_n, scratch);
        for (unsigned i = 0; i < n;) {
            unsigned from = i;
            while (i < n && isfinite(x[i]) && fabsf(x[i]) < 1e7f)
                i++;
            if (i > from)
                filter_stretch(&design, x + from, i - from, centre, y + from);
            else
                y[i++] = NAN;
        }
        d->middle[l] = median(y, r->samples_n, scratch);
    }
    return 0;
}

struct pen {
    struct xr_draw *d;
    const float *y; /* of the lead */
    double x0, zero, mm_per_sample, mm_per_uv;
    float middle;
};

static double y_at(const struct pen *p, unsigned i)
{
    return p->zero - (double)(p->y[i] - p->middle) * p->mm_per_uv;
}

/* From the last point kept, as far as one straight line stays within the tolerance of every sample
 * that it passes; then that line's last sample is the next point. */
static void stretch(const struct pen *p, unsigned from, unsigned to, unsigned origin)
{
    cairo_t *cr = p->d->cr;
    unsigned kept = from;
    cairo_move_to(cr, p->x0 + (from - origin) * p->mm_per_sample, y_at(p, from));
    double low = -INFINITY;
    double high = INFINITY;
    for (unsigned i = from + 1; i < to; i++) {
        double slope = (y_at(p, i) - y_at(p, kept)) / (i - kept);
        if (slope < low || slope > high) { /* the line to i misses one on the way */
            kept = i - 1;
            cairo_line_to(cr, p->x0 + (kept - origin) * p->mm_per_sample, y_at(p, kept));
            low = -INFINITY;
            high = INFINITY;
        }
        double far = i - kept;
        low = fmax(low, (y_at(p, i) - TOLERANCE_MM - y_at(p, kept)) / far);
        high = fmin(high, (y_at(p, i) + TOLERANCE_MM - y_at(p, kept)) / far);
    }
    if (to > from)
        cairo_line_to(cr, p->x0 + (to - 1 - origin) * p->mm_per_sample, y_at(p, to - 1));
}

void xw_report_trace(struct xr_draw *d, unsigned lead, unsigned from, unsigned to, double x,
                     double y_zero, double row_h)
{
    const struct xw_report *r = d->r;
    struct pen p = {.d = d,
                    .y = d->trace + (size_t)lead * r->samples_n,
                    .x0 = x,
                    .zero = y_zero,
                    .mm_per_sample = d->speed / r->rate_hz,
                    .mm_per_uv = d->gain / 1000,
                    .middle = d->middle[lead]};
    double top = fmax(XR_PAPER_Y - ABOVE_MM, y_zero - CLEAR_MM);
    double bottom = fmin(XR_PAPER_Y + XR_PAPER_H, y_zero + CLEAR_MM);
    cairo_save(d->cr);
    cairo_rectangle(d->cr, XR_PAPER_X, top, XR_PAPER_W, bottom - top);
    cairo_clip(d->cr);
    for (unsigned i = from; i < to;) {
        unsigned start = i;
        bool known = isfinite(p.y[i]);
        for (; i < to && isfinite(p.y[i]) == known; i++)
            if (known && (y_at(&p, i) < top || y_at(&p, i) > bottom))
                d->out->cut |= 1u << lead;
        if (known) {
            cairo_set_line_width(d->cr, 0.25);
            cairo_set_line_join(d->cr, CAIRO_LINE_JOIN_ROUND);
            cairo_set_line_cap(d->cr, CAIRO_LINE_CAP_ROUND);
            stretch(&p, start, i, from);
            cairo_stroke(d->cr);
        } else {
            xw_report_hatch(d, x + (start - from) * p.mm_per_sample, y_zero - row_h * 0.3,
                            (i - start) * p.mm_per_sample, row_h * 0.6);
        }
    }
    cairo_restore(d->cr);
}

/* Name, "*" if computed, what is wrong with it. */
void xw_report_lead_name(struct xr_draw *d, unsigned lead, double x, double y)
{
    const struct xw_report_lead *l = &d->r->leads[lead];
    const float *trace = d->trace + (size_t)lead * d->r->samples_n;
    char text[256];
    bool any = false;
    for (unsigned i = 0; i < d->r->samples_n && !any; i++)
        any = isfinite(trace[i]);
    snprintf(text, sizeof(text), "%.64s%s", l->name ? l->name : xw_ecg_lead_name(l->lead),
             l->derived ? "*" : "");
    double width = xw_report_text(d, x, y, 3.4, 40, XR_LEFT, text);
    text[0] = 0;
    if (!any) {
        snprintf(text, sizeof(text), "%s", xw_report_word(d->r, XR_NO_SIGNAL));
    } else if (l->unfit) {
        size_t n = (size_t)snprintf(text, sizeof(text), "%s", xw_report_word(d->r, XR_UNFIT));
        for (unsigned bit = 0; bit < 7 && n < sizeof(text); bit++)
            if (l->flaws >> bit & 1)
                n += (size_t)snprintf(text + n, sizeof(text) - n, " %s",
                                      xw_report_flaw_word(d->r, bit));
    }
    if (text[0])
        (void)xw_report_text(d, x + width + 1.5, y, 2.6, 0, XR_LEFT, text);
}
