/* The figures of each lead, of the median beat: mV and ms. */
#include "report/internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct column {
    const char *name;
    size_t at; /* of a float in struct xw_ecg12_lead_row */
    bool mv;   /* else ms */
};

#define COLUMN(name, field, mv)                                                                    \
    {                                                                                              \
        name, offsetof(struct xw_ecg12_lead_row, field), mv                                        \
    }
static const struct column COLUMNS[] = {
    COLUMN("P mV", p_uv, true),       COLUMN("Q mV", q_uv, true),
    COLUMN("R mV", r_uv, true),       COLUMN("S mV", s_uv, true),
    COLUMN("R′ mV", r2_uv, true),     COLUMN("S′ mV", s2_uv, true),
    COLUMN("ST J mV", st_j_uv, true), COLUMN("ST J+60", st_60_uv, true),
    COLUMN("T mV", t_uv, true),       COLUMN("P ms", p_ms, false),
    COLUMN("Q ms", q_ms, false),      COLUMN("R ms", r_ms, false),
    COLUMN("S ms", s_ms, false),      COLUMN("QRS ms", qrs_ms, false),
};

static void cell(const struct xw_ecg12_lead_row *row, const struct column *c, char ret[32])
{
    float v;
    memcpy(&v, (const char *)row + c->at, sizeof(v));
    if (!row->usable || !isfinite(v) || fabsf(v) > 1e6f)
        snprintf(ret, 32, "–");
    else if (c->mv)
        snprintf(ret, 32, "%.3f", (double)v / 1000 + 0.0);
    else
        snprintf(ret, 32, "%.0f", (double)v);
}

void xw_report_table(struct xr_draw *d)
{
    const struct xw_report *r = d->r;
    double y = XR_PAPER_Y - 4;
    size_t columns_n = XW_ARRAY_N(COLUMNS);
    double step = (XR_PAPER_W - 35) / (double)columns_n;
    double x0 = XR_PAPER_X + 35;
    xw_report_watermark(d);
    cairo_set_source_rgb(d->cr, 0, 0, 0);
    (void)xw_report_text(d, XR_PAPER_X, y, 4.0, 0, XR_LEFT, xw_report_word(r, XR_TABLE));
    y += 8;
    for (unsigned c = 0; c < XW_ARRAY_N(COLUMNS); c++)
        (void)xw_report_text(d, x0 + step * (c + 1) - 1, y, 2.9, 0, XR_RIGHTWARDS, COLUMNS[c].name);
    xw_report_line(d, XR_PAPER_X, y + 1.4, XR_RIGHT, y + 1.4, 0.25);
    for (unsigned l = 0; l < r->rows_n; l++) {
        const struct xw_ecg12_lead_row *row = &r->rows[l];
        char name[96];
        y += 6;
        snprintf(name, sizeof(name), "%.32s%s%s%s",
                 r->row_names && r->row_names[l] ? r->row_names[l] : xw_ecg_lead_name(row->lead),
                 row->derived ? "*" : "", row->usable ? "" : " ",
                 row->usable ? "" : xw_report_word(r, XR_UNFIT));
        (void)xw_report_text(d, XR_PAPER_X + 1, y, 3.1, 40, XR_LEFT, name);
        for (unsigned c = 0; c < XW_ARRAY_N(COLUMNS); c++) {
            char text[32];
            cell(row, &COLUMNS[c], text);
            (void)xw_report_text(d, x0 + step * (c + 1) - 1, y, 3.1, 0, XR_RIGHTWARDS, text);
        }
        xw_report_line(d, XR_PAPER_X, y + 1.6, XR_RIGHT, y + 1.6, 0.08);
    }
}
