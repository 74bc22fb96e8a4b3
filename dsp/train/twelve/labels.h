/* The two CSV files of PTB-XL. Text is borrowed from the line; a field is NUL-terminated in place.
 */
#ifndef XW_TRAIN_TWELVE_LABELS_H
#define XW_TRAIN_TWELVE_LABELS_H

#include "dsp/train/twelve/cases.h"

enum { XW_TWELVE_CODES_MAX = 128, XW_TWELVE_FIELDS_MAX = 24 };

/* Superclass of each diagnostic code. */
struct xw_twelve_codes {
    unsigned n;
    struct {
        char code[12];
        enum xw_net12_class superclass;
    } at[XW_TWELVE_CODES_MAX];
};

/* Splits a line in place; fields in quotes may hold commas. Number of fields. */
unsigned xw_twelve_split(char *line, char *ret_field[XW_TWELVE_FIELDS_MAX]);
int xw_twelve_codes_load(const char *path, struct xw_twelve_codes *ret_codes);
/* A line of labels.csv: number, patient, fold, known, target. false: no recording. */
bool xw_twelve_label(const struct xw_twelve_codes *codes, char *line,
                     struct xw_twelve_case *ret_case);

#endif
