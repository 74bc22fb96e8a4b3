/* The block of measurements, left of the statements. */
#include "report/internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_BYTES = 96 };

void xw_report_take_result(struct xw_report *r, const struct xw_ecg12_result *result)
{
    const float all[XW_REPORT_MEASURES_N] = {
        [XW_REPORT_HR] = result->hr_bpm,
        [XW_REPORT_P] = result->p_ms,
        [XW_REPORT_PR] = result->pr_ms,
        [XW_REPORT_QRS] = result->qrs_ms,
        [XW_REPORT_QT] = result->qt_ms,
        [XW_REPORT_QTC_BAZETT] = result->qtc_bazett_ms,
        [XW_REPORT_QTC_FRIDERICIA] = result->qtc_fridericia_ms,
        [XW_REPORT_P_AXIS] = result->p_axis_deg,
        [XW_REPORT_QRS_AXIS] = result->qrs_axis_deg,
        [XW_REPORT_T_AXIS] = result->t_axis_deg,
        [XW_REPORT_RV5] = result->rv5_mv,
        [XW_REPORT_SV1] = result->sv1_mv,
        [XW_REPORT_RV5_SV1] = result->rv5_sv1_mv,
    };
    memcpy(r->measures, all, sizeof(all));
    r->has_verdict = true;
    r->verdict = result->verdict;
    r->reason = result->reason;
    r->rows = result->leads;
    r->rows_n = result->leads_n;
}

static void value(const struct xw_report *r, enum xw_report_measure m, char ret[VALUE_BYTES])
{
    bool mv = m >= XW_REPORT_RV5;
    float v = r->measures[m];
    if (!isfinite(v) || fabsf(v) > 99999)
        snprintf(ret, VALUE_BYTES, "–");
    else
        snprintf(ret, VALUE_BYTES, "%.*f%s", mv ? 2 : 0, (double)v + 0.0,
                 r->corrected >> m & 1 ? "#" : "");
    if (strcmp(ret, "-0") == 0)
        snprintf(ret, VALUE_BYTES, "0");
}

struct row {
    const char *zh, *en, *both, *unit;
    enum xw_report_measure of[3];
    unsigned n;
};

static const struct row ROWS[] = {
    {"心率", "Heart rate", "心率 HR", "/min", {XW_REPORT_HR}, 1},
    {"P 时限", "P duration", "P 时限 P dur.", "ms", {XW_REPORT_P}, 1},
    {"PR 间期", "PR interval", "PR 间期 PR", "ms", {XW_REPORT_PR}, 1},
    {"QRS 时限", "QRS duration", "QRS 时限 QRS", "ms", {XW_REPORT_QRS}, 1},
    {"QT/QTc", "QT/QTc", "QT/QTc", "ms (Bazett)", {XW_REPORT_QT, XW_REPORT_QTC_BAZETT}, 2},
    {"QTc", "QTc", "QTc", "ms (Fridericia)", {XW_REPORT_QTC_FRIDERICIA}, 1},
    {"P/QRS/T 电轴",
     "P/QRS/T axis",
     "电轴 P/QRS/T axis",
     "°",
     {XW_REPORT_P_AXIS, XW_REPORT_QRS_AXIS, XW_REPORT_T_AXIS},
     3},
    {"RV5", "RV5", "RV5", "mV", {XW_REPORT_RV5}, 1},
    {"SV1", "SV1", "SV1", "mV", {XW_REPORT_SV1}, 1},
    {"RV5+SV1", "RV5+SV1", "RV5+SV1", "mV", {XW_REPORT_RV5_SV1}, 1},
};

void xw_report_measures(struct xr_draw *d)
{
    const struct xw_report *r = d->r;
    for (unsigned k = 0; k < XW_ARRAY_N(ROWS); k++) {
        const struct row *row = &ROWS[k];
        double x = XR_PAPER_X + (k < 5 ? 0 : 52);
        double y = d->block_y + 3.2 + 4.0 * (k % 5);
        char text[3 * VALUE_BYTES + 32] = "";
        size_t n = 0;
        for (unsigned i = 0; i < row->n; i++) {
            char one[VALUE_BYTES];
            value(r, row->of[i], one);
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? "/" : "", one);
        }
        snprintf(text + n, sizeof(text) - n, " %s", row->unit);
        (void)xw_report_text(d, x, y, 2.9, 25, XR_LEFT,
                             xw_report_pick(r, row->zh, row->en, row->both));
        (void)xw_report_text(d, x + (k < 5 ? 22 : 27), y, 2.9, 30, XR_LEFT, text);
    }
}
