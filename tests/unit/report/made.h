/* A report of a made ECG: twelve leads of 10 s at 500 Hz, one beat a second. */
#ifndef XW_TEST_REPORT_MADE_H
#define XW_TEST_REPORT_MADE_H

#include "report/report.h"

enum { MADE_RATE_HZ = 500, MADE_N = 5000, MADE_LEADS = 18 };

struct made {
    struct xw_report report;
    float uv[MADE_LEADS][MADE_N];
};

/* leads_n: the first of I … V9. */
void made_report(struct made *made, unsigned leads_n);

#endif
