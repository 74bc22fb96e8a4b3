/* xinwang-screen --12lead --pdf: what --page says, put into a report.
 * Errors: negative errno with a sentence in ret_error. */
#ifndef XW_SCREEN_TWELVE_PAGE_H
#define XW_SCREEN_TWELVE_PAGE_H

#include "report/report.h"
#include "wfdb/wfdb.h"

#include <stdio.h>

struct xw_screen_page {
    struct xw_report *report; /* borrowed; its texts point into `text` */
    char text[4096];
};

/* list may be NULL. */
int xw_screen_page_parse(struct xw_screen_page *page, const char *list,
                         struct xw_wfdb_error *ret_error);

#endif
