/* One line of JSON a figure, as tests/bench/run.sh wants it. Commit: XW_COMMIT of the caller, else
 * what git says at run time. Thread rule: one thread. */
#ifndef XW_BENCH_DSP_PRINT_H
#define XW_BENCH_DSP_PRINT_H

/* baseline_name may be NULL: then no baseline is printed. */
void xw_bench_print(const char *name, double value, const char *unit, const char *baseline_name,
                    double baseline);

#endif
