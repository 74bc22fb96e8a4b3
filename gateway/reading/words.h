/* The machine's statements of a reading (dsp/interpret): tables from a folder or built in, and as
 * JSON.
 *
 * Threads: none of its own; tables are read only once opened and may be shared. Errors: negative
 * errno with a sentence. Memory: what is returned is the caller's. */
#ifndef XW_READING_WORDS_H
#define XW_READING_WORDS_H

#include "base/base.h"
#include "dsp/interpret/interpret.h"
#include "reading/json.h"

#include <jansson.h>

enum { XW_READING_ERROR_BYTES = 256 };

/* folder holds statements.tsv, limits.tsv, rules.txt, relations.tsv; NULL: those built in. */
XW_MUST_CHECK int xw_reading_words_open(const char *folder, struct xw_interpret_tables **ret_tables,
                                        char ret_error[XW_READING_ERROR_BYTES]);

/* Age and sex are those of the view's input. rhythm: enum xw_interpret_rhythm. */
void xw_reading_words_make(const struct xw_interpret_tables *tables,
                           const struct xw_reading_view *view, uint32_t rhythm,
                           struct xw_interpretation *ret);

/* Statements with rules, leads, beats (their places in "beats") and values against limits; null
 * when the view has none. NULL without memory. */
json_t *xw_reading_words_json(const struct xw_reading_view *view);

/* "II", or what the header calls a row that is no standard lead. */
const char *xw_reading_row_name(const struct xw_reading_view *view, unsigned row);

#endif
