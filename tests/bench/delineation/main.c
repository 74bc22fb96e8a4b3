/* bench_delineation: how well dsp/ecg12 marks waves (LUDB), finds exchanged electrodes (PTB-XL),
 * and what it costs.
 *
 *   bench_delineation [--verbose]          figures as JSON lines; XW_DATA names the folder with
 * ludb/ and ptbxl/ bench_delineation --fit FILE           writes bound_tables.c from all records of
 * LUDB bench_delineation --fit-reversal FILE  writes reversal_tables.c from PTB-XL
 *   bench_delineation --cross              learns from four fifths of the records and scores the
 * fifth, five times
 *   bench_delineation --compare            against a previous recording (PTB-XL)
 */
#include "bench/delineation/bench.h"
#include "dsp/ecg12/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *data = getenv("XW_DATA"), *out = NULL, *reversal = NULL;
    bool verbose = false, cross = false, compare = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0)
            verbose = true;
        else if (strcmp(argv[i], "--cross") == 0)
            cross = true;
        else if (strcmp(argv[i], "--compare") == 0)
            compare = true;
        else if (strcmp(argv[i], "--fit") == 0 && i + 1 < argc)
            out = argv[++i];
        else if (strcmp(argv[i], "--fit-reversal") == 0 && i + 1 < argc)
            reversal = argv[++i];
        else
            return 2;
    }
    if (!data) {
        fprintf(stderr, "bench_delineation: XW_DATA is not set; nothing to score\n");
        return 0;
    }
    if (out)
        return xw_bench_fit(data, out) < 0;
    if (reversal)
        return xw_bench_reversal(data, reversal) < 0;
    if (compare)
        return xw_bench_compare(data, verbose) < 0;
    if (cross) {
        static struct xw12_bound_trees learned[XW_BENCH_FOLDS][XW12_BOUNDS];
        const struct xw12_bound_trees *trees[XW_BENCH_FOLDS];
        for (int fold = 0; fold < XW_BENCH_FOLDS; fold++) {
            trees[fold] = learned[fold];
            if (xw_bench_learn(data, fold, learned[fold]) < 0)
                return 1;
        }
        return xw_bench_ludb(data, trees, "_cross", verbose) < 0;
    }
    int result = xw_bench_ludb(data, NULL, "", verbose);
    if (result >= 0)
        result = xw_bench_reversal(data, NULL);
    if (result >= 0)
        result = xw_bench_cost(data);
    if (result >= 0)
        result = xw_bench_compare(data, verbose);
    if (result < 0)
        fprintf(stderr, "bench_delineation: %s\n", strerror(-result));
    return result < 0;
}
