/* 95 % intervals of F1 by resampling patients: records of one patient are drawn together. Seeded:
 * the same answers give the same interval. */
#ifndef XW_BENCH_INTERPRETATION_INTERVAL_H
#define XW_BENCH_INTERPRETATION_INTERVAL_H

#include <stdbool.h>
#include <stddef.h>

/* One record's answer to one question. */
struct answer {
    int patient; /* any number; answers of one patient lie anywhere */
    bool truth, said;
};

/* answers: n of them, borrowed. 2.5th and 97.5th of 100 of F1 over 1000 draws of as many patients
 * as there are; draws without a case and without a statement count as 0. -ENOMEM; n = 0: -EINVAL.
 */
int interval_f1(const struct answer *answers, size_t n, double *ret_low, double *ret_high);

#endif
