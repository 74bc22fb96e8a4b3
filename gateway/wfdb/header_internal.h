/* The seam between the two halves of the header parser. */
#ifndef XW_WFDB_HEADER_INTERNAL_H
#define XW_WFDB_HEADER_INTERNAL_H

#include "wfdb/wfdb_internal.h"

int xw_wfdb_signal_parse(struct xw_wfdb_cursor line_text, struct xw_wfdb_signal *ret_signal,
                         unsigned line, struct xw_wfdb_error *ret_error);

#endif
