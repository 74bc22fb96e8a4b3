/* A reading against a previous recording of the same patient (dsp/ecg12/compare), as JSON: what
 * differs and by how much, what each figure's uncertainty is, which statements came and went.
 *
 * Threads: none of its own. Memory: the caller owns the object returned. Errors: NULL when memory
 * is short. */
#ifndef XW_READING_COMPARE_H
#define XW_READING_COMPARE_H

#include "base/base.h"
#include "dsp/ecg12/compare.h"
#include "dsp/interpret/interpret.h"

#include <jansson.h>

/* before, now: what was said of each as it was recorded (the comparison narrows a band, the
 * statements do not). */
json_t *xw_reading_compare_json(const struct xw_ecg12_comparison *comparison,
                                const struct xw_interpretation *before,
                                const struct xw_interpretation *now);

/* One line for print: what is beyond its uncertainty, the gravest first; "" for nothing. Longer
 * ones end in "…". */
enum { XW_READING_COMPARE_LINE_BYTES = 400 };
void xw_reading_compare_line(const struct xw_ecg12_comparison *comparison, bool chinese,
                             char ret_text[XW_READING_COMPARE_LINE_BYTES]);

#endif
