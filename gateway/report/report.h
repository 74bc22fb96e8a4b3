/* The printed page of an ECG: vector PDF, A4 landscape, ECG paper to scale.
 *
 * Purpose    What a machine measured, with its trace, as a sheet that a physician signs by hand or
 *            that a signed report is printed on.
 * Pages      For every span of time that fits: the twelve leads in the chosen layout, then leads
 *            beyond these, six a page. Statements that do not fit on page 1, and (by choice) the
 *            table of leads, follow on pages of their own. At most XW_REPORT_PAGES_MAX.
 * Trace      Filtered as dsp/ecg/display.h says; the delay of mains removal is taken back. A first
 *            sample off the lead's median would sink over seconds in the high pass: that known
 *            decay is added back. Each lead is placed by its median. Lines are simplified to within
 *            0.02 mm. NAN is hatched, never bridged. What is higher than its place is cut and said.
 * Texts      UTF-8. Control and bidirectional marks are dropped; a character that no font has is
 *            printed as its number and returned; what is too long ends in "…" and is counted.
 * Same bytes The same report and the same fonts give the same bytes (no date but the report's).
 * Threads    One thread at a time for each struct xw_report_fonts and everything rendered with it.
 * Ownership  A report borrows all it points to. Output: xw_report_output_done.
 * Units      µV, mm, seconds; NAN = not known.
 * Errors     Negative errno: -EINVAL a value out of range, -ENOENT no font, -EOVERFLOW more pages
 * or bytes than the limits, -ENOMEM, -EIO cairo failed. Odd texts and signals are no errors. Source
 * Kligfield 2007 (AHA/ACC/HRS part I: layout, calibration, filters said). */
#ifndef XW_REPORT_REPORT_H
#define XW_REPORT_REPORT_H

#include "base/base.h"
#include "dsp/ecg12/ecg12.h"

enum {
    XW_REPORT_LEADS_MAX = 24,
    XW_REPORT_PAGES_MAX = 32,
    XW_REPORT_FIELDS_MAX = 16,
    XW_REPORT_STATEMENTS_MAX = 64,
    XW_REPORT_NOTES_MAX = 8,
    XW_REPORT_MISSING_MAX = 32,
    XW_REPORT_TEXT_MAX = 512, /* characters of one text */
    XW_REPORT_BYTES_MAX = 16 * 1024 * 1024,
};

#define XW_REPORT_SECONDS_MAX 60.0

/* ---- fonts ---- */

struct xw_report_fonts;

/* Looks for the report's fonts below the folders (NULL: where Debian has them). -ENOENT: none of
 * them has Chinese; then ret_text says what to install. */
enum { XW_REPORT_ERROR_BYTES = 256 };
XW_MUST_CHECK int xw_report_fonts_new(const char *const *folders, size_t folders_n,
                                      struct xw_report_fonts **ret_fonts,
                                      char ret_text[XW_REPORT_ERROR_BYTES]);
void xw_report_fonts_free(struct xw_report_fonts *fonts);

/* ---- what is printed ---- */

enum xw_report_language { XW_REPORT_ZH, XW_REPORT_EN, XW_REPORT_BOTH };
enum xw_report_layout { XW_REPORT_3X4R, XW_REPORT_6X2, XW_REPORT_12X1 };
enum xw_report_grade {
    XW_REPORT_UNGRADED,
    XW_REPORT_NORMAL,
    XW_REPORT_BORDERLINE,
    XW_REPORT_ABNORMAL,
    XW_REPORT_CRITICAL
};

struct xw_report_lead {
    enum xw_ecg_lead lead;
    const char *name; /* NULL: the lead's own */
    const float *uv;  /* samples_n; NAN = no value */
    bool derived;
    bool unfit;
    uint32_t flaws; /* enum xw_ecg12_flaw */
};

struct xw_report_field {
    const char *zh, *en; /* label */
    const char *value;
};

struct xw_report_statement {
    const char *zh, *en; /* either may be NULL: the other is printed */
    const char *code;    /* may be NULL */
    enum xw_report_grade grade;
};

struct xw_report_note {
    const char *zh, *en;
};

enum xw_report_measure {
    XW_REPORT_HR,
    XW_REPORT_P,
    XW_REPORT_PR,
    XW_REPORT_QRS,
    XW_REPORT_QT,
    XW_REPORT_QTC_BAZETT,
    XW_REPORT_QTC_FRIDERICIA,
    XW_REPORT_P_AXIS,
    XW_REPORT_QRS_AXIS,
    XW_REPORT_T_AXIS,
    XW_REPORT_RV5,
    XW_REPORT_SV1,
    XW_REPORT_RV5_SV1,
    XW_REPORT_MEASURES_N
};

struct xw_report {
    enum xw_report_language language;
    enum xw_report_layout layout;
    double speed_mm_s;                          /* 12.5, 25, 50; 0 means 25 */
    double gain_mm_mv;                          /* 2.5, 5, 10, 20; 0 means 10 */
    enum xw_ecg_lead rhythm;                    /* of 3x4; OTHER: II, or the first fit lead */
    double high_pass_hz, low_pass_hz, mains_hz; /* 0: without */
    bool is_signed;                             /* else "未审核" lies across each page */
    bool table;                                 /* a page with the figures of each lead */

    double rate_hz; /* 100..1000 */
    unsigned samples_n, leads_n;
    struct xw_report_lead leads[XW_REPORT_LEADS_MAX];

    const char *institution; /* NULL: none */
    const char *captured;    /* time of capture as it is to be printed; NULL: not known */
    int64_t date_s;          /* of the document, UTC since 1970; 0: a fixed one */
    unsigned fields_n;
    struct xw_report_field fields[XW_REPORT_FIELDS_MAX];
    unsigned signatures_n; /* in the last line; empty values leave room for a pen */
    struct xw_report_field signatures[4];

    float measures[XW_REPORT_MEASURES_N]; /* ms, /min, degrees, mV */
    uint32_t corrected;                   /* bits of enum xw_report_measure: by a person */
    bool has_verdict;
    enum xw_ecg12_verdict verdict;
    enum xw_ecg12_reason reason;
    unsigned rows_n; /* of the table */
    const struct xw_ecg12_lead_row *rows;
    const char *const *row_names; /* NULL, or rows_n */
    unsigned statements_n;
    struct xw_report_statement statements[XW_REPORT_STATEMENTS_MAX];
    unsigned notes_n; /* of technical matters: exchanged electrodes … */
    struct xw_report_note notes[XW_REPORT_NOTES_MAX];
    const char *version; /* of the analysis; NULL: none */
};

/* 25 mm/s, 10 mm/mV, 0.05 to 150 Hz, no mains removal, no measurement known. */
void xw_report_init(struct xw_report *report);
/* Measurements, verdict and rows of a result, which is borrowed. */
void xw_report_take_result(struct xw_report *report, const struct xw_ecg12_result *result);

/* ---- the document ---- */

struct xw_report_output {
    uint8_t *pdf;
    size_t pdf_n;
    unsigned pages_n;
    unsigned missing_n; /* characters without a glyph, each once; at most MISSING_MAX are named */
    uint32_t missing[XW_REPORT_MISSING_MAX]; /* 0xFFFD: bytes that are not UTF-8 */
    unsigned shortened_n;                    /* texts that end in "…" */
    uint32_t cut;                            /* bits of leads higher than their place */
};

XW_MUST_CHECK int xw_report_render(struct xw_report_fonts *fonts, const struct xw_report *report,
                                   struct xw_report_output *ret_output);
void xw_report_output_done(struct xw_report_output *output);

#endif
