/* Recordings of PTB-XL with their labels, as the network sees them. For the trainer and its figures
 * only. Folds are those of the data set itself: no patient lies in two of them (checked).
 * Errors: negative errno, with a word on stderr. */
#ifndef XW_TRAIN_TWELVE_CASES_H
#define XW_TRAIN_TWELVE_CASES_H

#include "dsp/net12/net12.h"

enum { XW_TWELVE_FOLDS = 8, XW_TWELVE_CASES_MAX = 30000 };

struct xw_twelve_case {
    int number, patient;
    float age_years; /* for the rules alone; NAN = not known */
    enum xw_ecg12_sex sex;
    unsigned fold; /* 0 to 7 */
    bool seen;     /* the network may speak of it; else `view` is empty */
    bool known[XW_NET12_CLASSES], target[XW_NET12_CLASSES];
    bool rules[XW_NET12_CLASSES]; /* what the rules say, where there is a rule */
    struct xw_net12_view view;
};

struct xw_twelve_cases {
    size_t n;
    struct xw_twelve_case *at;
};

/* folder: with labels.csv, scp_statements.csv and the recordings. */
int xw_twelve_cases_load(const char *folder, struct xw_twelve_cases *ret_cases);
void xw_twelve_cases_done(struct xw_twelve_cases *cases);

#endif
