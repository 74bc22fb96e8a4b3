/* Where each lead stands. */
#include "report/internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A lead's place: a row, and the part of the span that it shows. */
struct slot {
    int lead; /* index; -1: not recorded */
    enum xw_ecg_lead code;
    unsigned row, column;
};

struct plan {
    unsigned rows_n, columns_n, slots_n;
    struct slot slots[XR_SLOTS_MAX];
    int rhythm; /* in the last row over the whole span; -1: none */
};

static int find(const struct xw_report *r, enum xw_ecg_lead code)
{
    for (unsigned l = 0; l < r->leads_n; l++)
        if (r->leads[l].lead == code)
            return (int)l;
    return -1;
}

static bool is_placed(const struct xw_report *r, unsigned lead)
{
    enum xw_ecg_lead code = r->leads[lead].lead;
    return code >= XW_ECG_LEAD_I && code <= XW_ECG_LEAD_V6 && find(r, code) == (int)lead;
}

static unsigned placed_n(const struct xw_report *r)
{
    unsigned n = 0;
    for (unsigned l = 0; l < r->leads_n; l++)
        n += is_placed(r, l);
    return n;
}

/* With fewer than six of the twelve every lead gets a row of its own. */
static bool is_standard(const struct xw_report *r)
{
    return placed_n(r) >= 6;
}

static int rhythm_lead(const struct xw_report *r)
{
    enum xw_ecg_lead wish = r->rhythm == XW_ECG_LEAD_OTHER ? XW_ECG_LEAD_II : r->rhythm;
    int lead = find(r, wish);
    if (lead >= 0 && (!r->leads[lead].unfit || r->rhythm != XW_ECG_LEAD_OTHER))
        return lead;
    for (unsigned l = 0; l < r->leads_n; l++)
        if (is_placed(r, l) && !r->leads[l].unfit)
            return (int)l;
    return lead >= 0 ? lead : 0;
}

static void plan_twelve(const struct xw_report *r, struct plan *p)
{
    p->rhythm = r->layout == XW_REPORT_3X4R ? rhythm_lead(r) : -1;
    p->columns_n = r->layout == XW_REPORT_3X4R ? 4 : r->layout == XW_REPORT_6X2 ? 2 : 1;
    p->slots_n = 12;
    unsigned rows = 12 / p->columns_n;
    p->rows_n = rows + (p->rhythm >= 0);
    for (unsigned k = 0; k < 12; k++) {
        enum xw_ecg_lead code = (enum xw_ecg_lead)(XW_ECG_LEAD_I + k);
        p->slots[k] = (struct slot){find(r, code), code, k % rows, k / rows};
    }
}

/* The leads that have no place among the twelve, six a page. */
static void plan_others(const struct xw_report *r, unsigned page, struct plan *p)
{
    unsigned seen = 0;
    p->rhythm = -1;
    p->columns_n = 1;
    p->slots_n = 0;
    for (unsigned l = 0; l < r->leads_n; l++) {
        if (is_standard(r) && is_placed(r, l))
            continue;
        if (seen / 6 == page) {
            p->slots[p->slots_n] = (struct slot){(int)l, r->leads[l].lead, p->slots_n, 0};
            p->slots_n++;
        }
        seen++;
    }
    p->rows_n = p->slots_n;
}

unsigned xw_report_trace_pages(const struct xr_draw *d)
{
    const struct xw_report *r = d->r;
    unsigned others = is_standard(r) ? r->leads_n - placed_n(r) : r->leads_n;
    return is_standard(r) + (others + 5) / 6;
}

static void draw_slot(struct xr_draw *d, const struct plan *p, const struct slot *s, unsigned from,
                      unsigned to)
{
    double row_h = XR_PAPER_H / p->rows_n;
    double zero = XR_PAPER_Y + row_h * (s->row + 0.58);
    unsigned n = to - from;
    unsigned first = from + n * s->column / p->columns_n;
    unsigned last = from + n * (s->column + 1) / p->columns_n;
    double x0 = XR_PAPER_X + XR_LEAD_IN;
    double x = x0 + (first - from) / d->r->rate_hz * d->speed;
    double label = zero - fmax(fmin(row_h * 0.40, 12), 3.6);
    double name_x = x + 1;
    if (p->rows_n > 7) { /* low rows: before the trace, where no wave crosses it */
        name_x = XR_PAPER_X + fmin(7 + 0.2 * d->speed, 11);
        label = zero - 1.2;
    }
    if (s->column)
        xw_report_line(d, x, zero - 3, x, zero + 3, 0.35); /* where one lead ends, one begins */
    if (s->lead >= 0) {
        xw_report_trace(d, (unsigned)s->lead, first, last, x, zero, row_h);
        xw_report_lead_name(d, (unsigned)s->lead, name_x, label);
    } else {
        char text[96];
        snprintf(text, sizeof(text), "%s %s", xw_ecg_lead_name(s->code),
                 xw_report_word(d->r, XR_NOT_RECORDED));
        (void)xw_report_text(d, name_x, label, 2.6, 0, XR_LEFT, text);
    }
}

void xw_report_trace_page(struct xr_draw *d, unsigned span, unsigned index)
{
    struct plan p = {0};
    unsigned n = d->r->samples_n;
    unsigned from = (unsigned)((uint64_t)n * span / d->spans_n);
    unsigned to = (unsigned)((uint64_t)n * (span + 1) / d->spans_n);
    if (is_standard(d->r) && index == 0)
        plan_twelve(d->r, &p);
    else
        plan_others(d->r, index - is_standard(d->r), &p);
    xw_report_paper(d);
    xw_report_watermark(d);
    for (unsigned row = 0; row < p.rows_n; row++)
        xw_report_pulse(d, XR_PAPER_Y + XR_PAPER_H / p.rows_n * (row + 0.58));
    for (unsigned k = 0; k < p.slots_n; k++)
        draw_slot(d, &p, &p.slots[k], from, to);
    if (p.rhythm >= 0) {
        struct plan whole = {.rows_n = p.rows_n, .columns_n = 1};
        struct slot s = {p.rhythm, d->r->leads[p.rhythm].lead, p.rows_n - 1, 0};
        draw_slot(d, &whole, &s, from, to);
    }
    if (d->spans_n > 1) {
        char text[96];
        snprintf(text, sizeof(text), "%.2f – %.2f %s", from / d->r->rate_hz, to / d->r->rate_hz,
                 xw_report_word(d->r, XR_SECONDS));
        (void)xw_report_text(d, XR_RIGHT - 1, XR_PAPER_Y + 3.6, 2.8, 0, XR_RIGHTWARDS, text);
    }
}
