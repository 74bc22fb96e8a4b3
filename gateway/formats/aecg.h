/* The two halves of the aECG reader. */
#ifndef XW_FORMATS_AECG_H
#define XW_FORMATS_AECG_H

#include "formats/xml.h"

/* What was applied to the samples of a series. */
void xw_formats_aecg_filters(const xmlNode *series, struct xw_formats_filters *ret);
/* Measurements and statements of the annotations of a series and of what is derived from it. */
void xw_formats_aecg_notes(const xmlNode *series, struct xw_formats_recording *r);

/* The MDC code of a measurement, NULL for one that aECG has no code for. */
const char *xw_formats_aecg_measure_code(enum xw_formats_measure_code code);

#endif
