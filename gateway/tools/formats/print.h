/* A recording for people (one line), for programs (JSON) and for spreadsheets (CSV). Patients are
 * left out unless asked for. Returns 0, or a negative errno. */
#ifndef XW_TOOLS_FORMATS_PRINT_H
#define XW_TOOLS_FORMATS_PRINT_H

#include "formats/formats.h"

#include <stdio.h>

void xw_formats_print_line(const struct xw_formats_recording *r, const char *path, FILE *out);
int xw_formats_print_json(const struct xw_formats_recording *r, bool patient, FILE *out);
int xw_formats_print_csv(const struct xw_formats_recording *r, FILE *out);

#endif
