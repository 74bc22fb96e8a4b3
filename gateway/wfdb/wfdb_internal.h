/* Shared by the files of this library only: error text, a bounded text cursor, exact decimals and
 * the sample formats. */
#ifndef XW_WFDB_INTERNAL_H
#define XW_WFDB_INTERNAL_H

#include <sys/types.h>

#include "wfdb/wfdb.h"

/* Fills ret_error (may be NULL) and returns -error, so that callers write `return fail(…)`. */
__attribute__((format(printf, 4, 5))) int
xw_wfdb_fail(struct xw_wfdb_error *ret_error, unsigned line, int error, const char *format, ...);

/* A stretch of text that is being read; never beyond `end`. */
struct xw_wfdb_cursor {
    const char *at;
    const char *end;
};

bool xw_wfdb_cursor_eat(struct xw_wfdb_cursor *cursor, char c);
/* The next run without blanks; false when only blanks are left. */
bool xw_wfdb_cursor_token(struct xw_wfdb_cursor *cursor, struct xw_wfdb_cursor *ret_token);
/* What is left, without blanks on both sides. */
struct xw_wfdb_cursor xw_wfdb_cursor_rest(struct xw_wfdb_cursor *cursor);
size_t xw_wfdb_cursor_left(const struct xw_wfdb_cursor *cursor);

/* Whole number in min..max; -EBADMSG without digits, -ERANGE outside. Moves on only on success. */
int xw_wfdb_parse_int(struct xw_wfdb_cursor *cursor, int64_t min, int64_t max, int64_t *ret_value);
/* Decimal such as "4305.1" or "3.454e+04" as an exact fraction. Digits after the 18th significant
 * one are dropped; -ERANGE if numerator or denominator would exceed 10^18. */
int xw_wfdb_parse_decimal(struct xw_wfdb_cursor *cursor, struct xw_wfdb_fraction *ret_value);
/* The shortest exact decimal of value, or -EINVAL if there is none within 18 digits. */
int xw_wfdb_print_decimal(struct xw_wfdb_fraction value, char *ret_text, size_t text_size);

/* How samples of one format lie in a file: unit_samples samples in unit_bytes bytes. */
struct xw_wfdb_format {
    int code;
    uint8_t unit_samples;
    uint8_t unit_bytes;
    int32_t invalid;
    int32_t min;
    int32_t max;
};

/* NULL for a format that is not read. */
const struct xw_wfdb_format *xw_wfdb_format_find(int code);
/* Bytes that hold the first samples_n samples. */
uint64_t xw_wfdb_format_bytes(const struct xw_wfdb_format *format, uint64_t samples_n);
/* raw starts at a unit; takes samples first, first + stride, … (n of them) to out[0], out[out_step]
 * and so on. The caller has checked that raw is long enough (up to a whole last unit). */
void xw_wfdb_format_decode(const struct xw_wfdb_format *format, const uint8_t *raw, size_t first,
                           size_t stride, size_t n, int32_t *out, size_t out_step);

/* Reads a whole regular file of at most max_bytes; a NUL is added. free() it. */
int xw_wfdb_load_file(const char *path, const char *shown_name, size_t max_bytes,
                      uint8_t **ret_data, size_t *ret_data_n, struct xw_wfdb_error *ret_error);
/* Opens a regular file for reading (never blocks on a FIFO). Returns the descriptor. */
int xw_wfdb_open_file(const char *path, const char *shown_name, uint64_t *ret_size_bytes,
                      struct xw_wfdb_error *ret_error);
/* The part of a path after the last '/', for messages. */
const char *xw_wfdb_base_name(const char *path);

#endif
