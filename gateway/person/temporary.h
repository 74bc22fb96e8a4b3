/* Numbers for people of whom nobody knows who they are (无名氏): W, the day on which the number was
 * made, 40 random bits, a check character: "W261123-7KQ4-M2X9-3". Readable over the phone, unique
 * over all gateways without asking any (a county that makes 1,000 a day has two equal ones once in
 * 6,000 years), and any single wrong character is found.
 *
 * Alphabet: Crockford's base 32; O is read as 0, I and L as 1. Check character: the hybrid system
 * of ISO 7064 with M = 32.
 *
 * Threads: pure functions; xw_temporary_new draws from libsodium, which must have been initialised.
 */
#ifndef XW_PERSON_TEMPORARY_H
#define XW_PERSON_TEMPORARY_H

#include "person/number.h"

enum { XW_TEMPORARY_TEXT_N_BYTES = 20, XW_TEMPORARY_RANDOM_BITS = 40 };

void xw_temporary_new(struct xw_day today, struct xw_number *ret_number);
/* The same with given bits (the lowest 40). */
void xw_temporary_make(struct xw_day today, uint64_t bits, struct xw_number *ret_number);
/* With hyphens, as it is read and printed; number->text has none. Returns ret_text. */
char *xw_temporary_format(const struct xw_number *number, char ret_text[XW_TEMPORARY_TEXT_N_BYTES]);

#endif
