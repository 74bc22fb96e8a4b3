/* Scoring of detected beats and episodes against annotations, after ANSI/AAMI EC57 (beat by beat
 * with a window of 150 ms, runs, episodes by duration and by number).
 *
 * Threads    None shared. Ownership: what x_init/x_load fills, x_done frees.
 * Units      Samples of the annotations' own rate.
 * Errors     Negative errno. */
#ifndef XW_BENCH_EC57_H
#define XW_BENCH_EC57_H

#include "wfdb/wfdb.h"

/* Kinds of beats of EC57; O stands for "no beat". */
enum xw_ec57_kind {
    XW_EC57_N,
    XW_EC57_S,
    XW_EC57_V,
    XW_EC57_F,
    XW_EC57_Q,
    XW_EC57_O,
    XW_EC57_KINDS,
};

struct xw_ec57_options {
    double rate_hz, start_s, window_s; /* 150 ms */
    bool escapes_normal;               /* e and j are N (de Chazal); else S */
};

struct xw_ec57_beat {
    int64_t at;
    enum xw_ec57_kind kind;
    bool late; /* found by look-back, see xw_ec57_mark_late */
};

struct xw_ec57_beats {
    struct xw_ec57_beat *one;
    size_t n;
};

/* count[r][t]: beats of kind r that were called t; [O][t] extra ones, [r][O] missed ones. */
struct xw_ec57_counts {
    uint64_t count[XW_EC57_KINDS][XW_EC57_KINDS];
    /* Runs of so many V in a row or more: in the reference, of these found (as many V in a row of
     * the test within them), in the test, of these right. 2 = couplets, 3 = runs. */
    uint64_t run_ref[2], run_found[2], run_test[2], run_right[2];
    uint64_t late_true, late_false; /* of the found and of the extra beats: late ones */
};

struct xw_ec57_rate {
    uint64_t true_n, missed_n, false_n;
    double se, ppv; /* per cent; NaN where nothing counts */
};

/* Beats from `start` less the window on, without those in ventricular flutter of the reference. */
int xw_ec57_beats_of(const struct xw_wfdb_annotations *annotations,
                     const struct xw_wfdb_annotations *reference,
                     const struct xw_ec57_options *options, struct xw_ec57_beats *ret_beats);
/* at: samples of beats that were found late, n of them in rising order. */
void xw_ec57_mark_late(struct xw_ec57_beats *beats, const int64_t *at, size_t n);
void xw_ec57_beats_done(struct xw_ec57_beats *beats);

/* Pairs in order of time and adds to the counts. Where two tests lie near one reference beat the
 * nearer is its partner. */
void xw_ec57_compare(const struct xw_ec57_beats *reference, const struct xw_ec57_beats *test,
                     const struct xw_ec57_options *options, struct xw_ec57_counts *counts);

void xw_ec57_add(struct xw_ec57_counts *sum, const struct xw_ec57_counts *counts);
struct xw_ec57_rate xw_ec57_qrs(const struct xw_ec57_counts *counts);
/* kind V: F and Q called V are no errors; kind S: all else called S is one (but Q). */
struct xw_ec57_rate xw_ec57_kind(const struct xw_ec57_counts *counts, enum xw_ec57_kind kind);

/* ---- episodes ---- */

struct xw_ec57_span {
    int64_t first, end;
};

struct xw_ec57_spans {
    struct xw_ec57_span *one;
    size_t n;
};

struct xw_ec57_episodes {
    uint64_t ref_n, found_n, test_n, right_n; /* episodes: overlapping counts */
    double ref_s, both_s, test_s, all_s;      /* duration */
};

/* Spans of the rhythms whose aux text is in the comma-separated list, e.g. "(AFIB,(AFL"; "[" in
 * the list takes spans from [ to ] as well. end: length of the record. Touching spans are one. */
int xw_ec57_spans_of(const struct xw_wfdb_annotations *annotations, const char *rhythms,
                     int64_t end, struct xw_ec57_spans *ret_spans);
void xw_ec57_spans_done(struct xw_ec57_spans *spans);
/* Adds to the episodes; from sample `start` to `end`; parts in `left_out` (may be NULL) do not
 * count on either side. */
int xw_ec57_overlap(const struct xw_ec57_spans *reference, const struct xw_ec57_spans *test,
                    const struct xw_ec57_spans *left_out, int64_t start, int64_t end,
                    double rate_hz, struct xw_ec57_episodes *episodes);

#endif
