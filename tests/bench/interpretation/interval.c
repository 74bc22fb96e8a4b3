#include "bench/interpretation/interval.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

enum { DRAWS = 1000, SEED = 12 };

/* What all records of one patient add to the counts. */
struct patient {
    int number;
    unsigned tp, wrong;
};

static int by_number(const void *a, const void *b)
{
    const struct patient *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* One entry a patient, in order of numbers. Returns how many. */
static size_t gather(const struct answer *answers, size_t n, struct patient *patients)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        patients[i] = (struct patient){
            .number = answers[i].patient,
            .tp = answers[i].truth && answers[i].said,
            .wrong = answers[i].truth != answers[i].said,
        };
    qsort(patients, n, sizeof(*patients), by_number);
    for (size_t i = 1; i < n; i++) {
        if (patients[i].number == patients[kept].number) {
            patients[kept].tp += patients[i].tp;
            patients[kept].wrong += patients[i].wrong;
        } else {
            patients[++kept] = patients[i];
        }
    }
    return kept + 1;
}

/* xorshift64*, its upper bits; the remainder's bias is below 2^-20 for 4096 patients. */
static size_t draw(uint64_t *state, size_t n)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (size_t)((*state * 2685821657736338717ULL) >> 32) % n;
}

int interval_f1(const struct answer *answers, size_t n, double *ret_low, double *ret_high)
{
    if (n == 0)
        return -EINVAL;
    struct patient *patients = calloc(n, sizeof(*patients));
    if (!patients)
        return -ENOMEM;
    size_t patients_n = gather(answers, n, patients);
    double values[DRAWS];
    uint64_t state = SEED;
    for (int k = 0; k < DRAWS; k++) {
        unsigned tp = 0, wrong = 0;
        for (size_t i = 0; i < patients_n; i++) {
            const struct patient *p = &patients[draw(&state, patients_n)];
            tp += p->tp;
            wrong += p->wrong;
        }
        values[k] = tp + wrong ? 2.0 * tp / (2.0 * tp + wrong) : 0;
    }
    free(patients);
    qsort(values, DRAWS, sizeof(*values), by_value);
    *ret_low = values[DRAWS / 40];
    *ret_high = values[DRAWS - 1 - DRAWS / 40];
    return 0;
}
