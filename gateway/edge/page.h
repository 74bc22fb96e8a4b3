/* Files of the status page, inside the binary.
 * Threads: constants. */
#ifndef XW_EDGE_PAGE_H
#define XW_EDGE_PAGE_H

#include <stddef.h>

extern const char xw_page_html[], xw_page_html_end[];
extern const char xw_page_css[], xw_page_css_end[];
extern const char xw_page_js[], xw_page_js_end[];

#endif
