/* Text as people and scanners type it, brought to one form. UTF-8 throughout.
 *
 * Threads: pure functions. Errors: -EILSEQ not UTF-8, -EOVERFLOW no room for it. */
#ifndef XW_PERSON_TEXT_H
#define XW_PERSON_TEXT_H

#include "base/base.h"

/* One code point at p (n bytes, n > 0): its length, or 0 when it is not UTF-8. */
size_t xw_person_char(const char *p, size_t n, uint32_t *ret_char);
/* Appends a code point at p: its length, 1..4. */
size_t xw_person_put(uint32_t c, char p[4]);
/* Full-width letters, digits and signs as ASCII, dashes as '-', A to Z for a to z, without blanks.
 * Returns the number of bytes in ret_text (NUL-terminated within cap). */
XW_MUST_CHECK int xw_person_plain(const char *text, char *ret_text, size_t cap);
/* ASCII only. */
static inline bool xw_person_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool xw_person_letter(char c)
{
    return c >= 'A' && c <= 'Z';
}

#endif
