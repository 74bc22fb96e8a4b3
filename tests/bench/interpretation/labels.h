/* Who and what a record of PTB-XL is, from its labels.csv. */
#ifndef XW_BENCH_INTERPRETATION_LABELS_H
#define XW_BENCH_INTERPRETATION_LABELS_H

#include "dsp/ecg12/ecg12.h"

#include <stdbool.h>
#include <stddef.h>

struct label {
    int number;
    int patient;
    float age_years; /* NAN: not known; the database writes 300 for older than 89 */
    enum xw_ecg12_sex sex;
    int fold;        /* 1..10, by patient */
    char codes[400]; /* "{'NORM': 100.0, 'SR': 0.0}" */
};

/* At most 30,000 lines. Returns 0 or a negative errno. */
int labels_load(const char *path, struct label **ret_labels, size_t *ret_n);
const struct label *labels_find(const struct label *labels, size_t n, int number);
/* The code is there with at least this likelihood (rhythms have 0). */
bool label_has(const struct label *label, const char *code, double likelihood);

#endif
