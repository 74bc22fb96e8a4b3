/* What the cross-validation found: printed, and decided on. */
#ifndef XW_TRAIN_TWELVE_REPORT_H
#define XW_TRAIN_TWELVE_REPORT_H

#include "dsp/train/twelve/score.h"

#include <stdio.h>

struct xw_twelve_report {
    struct xw_twelve_cases cases;
    struct xw_twelve_verdict *net, *plain;
    uint8_t *draws;
};

int xw_twelve_report_new(const char *folder, struct xw_twelve_report *ret_report);
void xw_twelve_report_done(struct xw_twelve_report *report);

/* The decision: classes (bits) whose F1 is above that of the rules, and whose gain over the rules
 * has its 95 % interval above 0. A class without a rule to compare with is not offered. */
uint32_t xw_twelve_report_offered(const struct xw_twelve_report *report);

void xw_twelve_report_table(const struct xw_twelve_report *report, FILE *out);
void xw_twelve_report_lines(const struct xw_twelve_report *report, FILE *out); /* JSON */

/* dsp/net12/model_table.c */
int xw_twelve_write_source(const uint8_t *bytes, size_t n, const char *path);

#endif
