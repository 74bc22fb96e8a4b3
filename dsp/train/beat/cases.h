/* Training cases: every look that the chain takes at a beat of a recording, with the label that the
 * annotators gave it. Made by running the chain itself over the recording.
 * Ownership: cases_done frees. Errors: negative errno, a sentence on stderr. */
#ifndef XW_DSP_TRAIN_CASES_H
#define XW_DSP_TRAIN_CASES_H

#include "dsp/ecg/history.h"

struct xw_case {
    uint16_t record;
    uint8_t stage;    /* 0 final, 1 the next beat is known, 2 last */
    uint8_t variant;  /* 0 both leads, 1 the first, 2 the second, 3 both with noise, 4 spliced,
                         5 both with much noise */
    bool fibrillates; /* the atria, as the chain has it at the last look */
    char label;       /* N S V F Q of AAMI; e = escape (e, j); O = no beat there */
    float x[XW_ECG_FEATURES];
};

struct xw_cases {
    struct xw_case *one;
    size_t n, room;
};

/* Adds the cases of DIR/RECORD from second `start_s` on. */
int xw_cases_add(struct xw_cases *cases, const char *dir, const char *record, unsigned number,
                 unsigned variant, double start_s);
/* Adds one; 0 or -ENOMEM. */
int xw_cases_push(struct xw_cases *cases, const struct xw_case *one);
void xw_cases_done(struct xw_cases *cases);

#endif
