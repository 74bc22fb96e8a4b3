/* What the files of gateway/report share. User space of every page is mm from its top left corner,
 * y downwards. */
#ifndef XW_REPORT_INTERNAL_H
#define XW_REPORT_INTERNAL_H

#include "report/report.h"

#include <pango/pangocairo.h>

#define XR_PAGE_W 297.0
#define XR_PAGE_H 210.0
#define XR_PAPER_X 11.0 /* the paper: 275 x 130 mm, whole squares of 5 mm */
#define XR_PAPER_Y 57.0
#define XR_PAPER_W 275.0
#define XR_PAPER_H 130.0
#define XR_LEAD_IN 18.0 /* room of the calibration pulse */
#define XR_RIGHT (XR_PAPER_X + XR_PAPER_W)

enum {
    XR_ROWS_MAX = 12,
    XR_SLOTS_MAX = 16,
    XR_ITEMS_MAX = XW_REPORT_STATEMENTS_MAX + XW_REPORT_NOTES_MAX + 4,
    XR_LINE_BYTES = 4096
};

/* A text of the block of statements. */
struct xr_item {
    char *text; /* owned */
    double height;
    unsigned page; /* 0: the first; 1..: a continuation */
};

struct xr_draw {
    cairo_t *cr;
    struct xw_report_fonts *fonts;
    PangoLayout *layout;
    const struct xw_report *r;
    struct xw_report_output *out;
    double speed, gain;
    float *trace; /* leads_n x samples_n, filtered, µV */
    float middle[XW_REPORT_LEADS_MAX];
    double span_s; /* of one page */
    unsigned spans_n, page;
    unsigned items_n, item_pages_n;
    struct xr_item items[XR_ITEMS_MAX];
    double block_y; /* where measurements and statements begin on page 1 */
    double block_h;
};

/* ---- fonts.c ---- */
PangoContext *xw_report_fonts_context(struct xw_report_fonts *fonts);
const char *xw_report_fonts_families(const struct xw_report_fonts *fonts);
bool xw_report_fonts_have(const struct xw_report_fonts *fonts, uint32_t character);

/* ---- text.c ---- */
enum xr_align { XR_LEFT, XR_CENTRE, XR_RIGHTWARDS };
/* One line; y is its baseline, size_mm its em. width_mm 0: as wide as it is, else cut with "…".
 * Returns the width. */
double xw_report_text(struct xr_draw *d, double x, double y, double size_mm, double width_mm,
                      enum xr_align align, const char *text);
/* Wrapped; y is the top. draw false: only measured. Returns the height. */
double xw_report_paragraph(struct xr_draw *d, double x, double y, double size_mm, double width_mm,
                           const char *text, bool draw);
double xw_report_text_width(struct xr_draw *d, double size_mm, const char *text);

/* ---- words.c ---- */
enum xr_word {
    XR_TITLE,
    XR_TITLE_UNSIGNED,
    XR_WATERMARK,
    XR_BY_MACHINE,
    XR_BY_PERSON,
    XR_NO_STATEMENTS,
    XR_QUALITY,
    XR_CAPTURED,
    XR_CAPTURED_UNKNOWN,
    XR_BAND,
    XR_NO_BAND,
    XR_MAINS,
    XR_NO_MAINS,
    XR_CHECK_LINE,
    XR_DISCLAIMER,
    XR_VERSION,
    XR_PAGE,
    XR_CONTINUED,
    XR_TABLE,
    XR_MISSING,
    XR_NO_SIGNAL,
    XR_NOT_RECORDED,
    XR_UNFIT,
    XR_CUT,
    XR_DERIVED,
    XR_CORRECTED,
    XR_SIGN_HERE,
    XR_SECONDS,
    XR_WORDS_N
};
const char *xw_report_word(const struct xw_report *r, enum xr_word word);
const char *xw_report_pick(const struct xw_report *r, const char *zh, const char *en,
                           const char *both);
const char *xw_report_flaw_word(const struct xw_report *r, unsigned bit);
const char *xw_report_verdict_word(const struct xw_report *r);
const char *xw_report_reason_word(const struct xw_report *r);
const char *xw_report_grade_word(const struct xw_report *r, enum xw_report_grade grade);
/* "zh en", one of them, or both if they are the same. Returns ret_text. */
char *xw_report_join(const struct xw_report *r, const char *zh, const char *en, char *ret_text,
                     size_t n_bytes);

/* ---- measures.c ---- */
void xw_report_measures(struct xr_draw *d); /* at block_y, left */

/* ---- paper.c ---- */
void xw_report_line(struct xr_draw *d, double x1, double y1, double x2, double y2, double width);
void xw_report_paper(struct xr_draw *d);
void xw_report_watermark(struct xr_draw *d);
void xw_report_hatch(struct xr_draw *d, double x, double y, double w, double h);
void xw_report_pulse(struct xr_draw *d, double y_zero);

/* ---- header.c ---- */
int xw_report_plan_items(struct xr_draw *d);
void xw_report_free_items(struct xr_draw *d);
void xw_report_header(struct xr_draw *d, bool with_block);
void xw_report_footer(struct xr_draw *d, bool with_trace);
void xw_report_continuation(struct xr_draw *d, unsigned item_page);

/* ---- trace.c ---- */
int xw_report_filter(struct xr_draw *d);
/* One lead from sample `from` (to before `to`), from x on; row of height h around y_zero. */
void xw_report_trace(struct xr_draw *d, unsigned lead, unsigned from, unsigned to, double x,
                     double y_zero, double row_h);
void xw_report_lead_name(struct xr_draw *d, unsigned lead, double x, double y);

/* ---- layout.c ---- */
unsigned xw_report_trace_pages(const struct xr_draw *d); /* of one span */
void xw_report_trace_page(struct xr_draw *d, unsigned span, unsigned index);

/* ---- table.c ---- */
void xw_report_table(struct xr_draw *d);

#endif
