/* Intervals of F1 by patient, as bench_interpretation prints them. */
#include "bench/interpretation/interval.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                                \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

enum { N = 400 };

/* Every tenth is a case; of the cases, every fifth is missed. */
static void fill(struct answer *a, int records_each)
{
    for (int i = 0; i < N; i++) {
        bool truth = i % 10 == 0;
        a[i] = (struct answer){.patient = i, .truth = truth, .said = truth && i % 50 != 0};
    }
    /* Records of one patient: the same answers again, far from each other. */
    for (int i = N; i < N * records_each; i++)
        a[i] = a[i % N];
}

int main(void)
{
    static struct answer a[4 * N];
    double low = -1, high = -1, again_low, again_high;
    CHECK(interval_f1(a, 0, &low, &high) == -EINVAL && low == -1 && high == -1);
    fill(a, 1);
    CHECK(interval_f1(a, N, &low, &high) == 0);
    /* 32 of 40 found, none false: F1 64/72 = 0.889, drawn cases vary it by about 0.04. */
    CHECK(low > 0.77 && low < 0.85 && high > 0.93 && high < 0.98);
    CHECK(interval_f1(a, N, &again_low, &again_high) == 0);
    CHECK(again_low == low && again_high == high);
    /* Four equal records of every patient are no more knowledge than one. */
    fill(a, 4);
    CHECK(interval_f1(a, 4 * (size_t)N, &again_low, &again_high) == 0);
    CHECK(again_low == low && again_high == high);
    for (int i = 0; i < N; i++)
        a[i] = (struct answer){.patient = i, .truth = i % 2 == 0, .said = i % 2 == 0};
    CHECK(interval_f1(a, N, &low, &high) == 0 && low == 1 && high == 1);
    for (int i = 0; i < N; i++)
        a[i].said = !a[i].truth;
    CHECK(interval_f1(a, N, &low, &high) == 0 && low == 0 && high == 0);
    for (int i = 0; i < N; i++)
        a[i] = (struct answer){.patient = i};
    CHECK(interval_f1(a, N, &low, &high) == 0 && low == 0 && high == 0);
    return 0;
}
