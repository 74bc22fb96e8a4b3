/* Bench of dsp/ecg12 on LUDB and PTB-XL; see main.c. */
#ifndef XW_BENCH_DELINEATION_H
#define XW_BENCH_DELINEATION_H

#include "dsp/ecg12/internal.h"

#include <math.h>
#include <stddef.h>

enum { XW_BENCH_ROWS_MAX = 10250 };

/* A recording in µV; its first ten seconds. */
struct xw_bench_record {
    char path[1024];
    int number; /* of the file name */
    float uv[XW_ECG12_LEADS_MAX][XW_BENCH_ROWS_MAX];
    struct xw_ecg12_input input;
};

/* Paths (without extension) of all headers of a folder, sorted by number; free each and the list.
 */
int xw_bench_list(const char *folder, char ***ret_paths, size_t *ret_n);
void xw_bench_list_free(char **paths, size_t n);
int xw_bench_load(const char *path, struct xw_bench_record *ret_record);
void xw_bench_print(const char *name, double value, const char *unit);

/* data: folder with ludb/ and ptbxl/. Each returns 0, or a negative errno with a word on stderr. */
/* trees: NULL, or those of each fold (learned from the records of the other folds). */
enum { XW_BENCH_FOLDS = 5 };
int xw_bench_fold(int number);
int xw_bench_ludb(const char *data, const struct xw12_bound_trees *const trees[XW_BENCH_FOLDS],
                  const char *suffix, bool verbose);
int xw_bench_fit(const char *data, const char *out);
/* without: the fold that is left out, or -1. trees: of the six boundaries. */
int xw_bench_learn(const char *data, int without, struct xw12_bound_trees *trees);

/* ---- boost.c: trees for one boundary ---- */
struct xw_bench_cases {
    size_t n;
    int figures_n; /* of a case, at most XW12_LOOK_NEAR */
    float (*x)[XW12_LOOK_NEAR];
    float *y;         /* truth - what was said so far, samples */
    uint32_t *record; /* number */
};
/* clip: samples, from where on errors count by their size. Deterministic. */
int xw_bench_boost(const struct xw_bench_cases *cases, float clip,
                   struct xw12_bound_round *ret_round);

/* out: NULL, or where to write reversal_tables.c. */
int xw_bench_reversal(const char *data, const char *out);
int xw_bench_cost(const char *data);
/* Comparison with a previous recording. verbose: the gains of every case on stderr. */
int xw_bench_compare(const char *data, bool verbose);

/* The annotated boundaries of one lead of LUDB: sample, or -1, by wave. */
struct xw_bench_wave {
    char kind; /* p N t */
    int on, peak, off;
};
enum { XW_BENCH_WAVES_MAX = 160 };
int xw_bench_waves(const char *path, const char *lead, struct xw_bench_wave *ret_waves);

/* ---- intervals.c: P, PR, QRS and QT of the median beat against the annotated ones ---- */
enum { XW_BENCH_INTERVALS = 4 };
struct xw_bench_lead_waves {
    struct xw_bench_wave wave[XW_BENCH_WAVES_MAX];
    int n;
    double step_ms; /* of a sample */
};
struct xw_bench_intervals {
    struct {
        double n, sum, sum_sq; /* records; ms */
    } of[XW_BENCH_INTERVALS];
};
void xw_bench_intervals_add(const struct xw_ecg12_result *r,
                            const struct xw_bench_lead_waves *leads, unsigned leads_n,
                            struct xw_bench_intervals *to);
void xw_bench_intervals_print(const struct xw_bench_intervals *i, const char *suffix);

#endif
