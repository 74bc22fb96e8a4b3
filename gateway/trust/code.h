/* Enrolment codes: 80 random bits that a person can read aloud.
 *
 * Text: Crockford's base 32 in groups of four and a check character (mod 37):
 * XXXX-XXXX-XXXX-XXXX-C. Case, blanks and hyphens do not count; O is 0, I and L are 1. Codes whose
 * check character would be a sign (* ~ $ = U) are not made. Any single wrong character and any two
 * swapped neighbours are found before the county is asked.
 *
 * What is derived from a code (BLAKE2b with a label as key):
 *   id       names it at the county; says nothing about the rest
 *   county   the county proves with it that it knows the code
 *   gateway  shown by the gateway, to a county that proved itself
 * The county keeps id, county and a hash of gateway: who reads its archive cannot enrol.
 *
 * Threads: pure functions. Errors: -EBADMSG not 17 characters of the alphabet, -EILSEQ mistyped.
 * Source: D. Crockford, "Base 32". */
#ifndef XW_TRUST_CODE_H
#define XW_TRUST_CODE_H

#include "base/base.h"

enum {
    XW_CODE_N = 10,
    XW_CODE_TEXT_N = 22, /* with hyphens and NUL */
    XW_CODE_ID_N = 16,
    XW_CODE_KEY_N = 32,
};

struct xw_code {
    uint8_t secret[XW_CODE_N];
};

struct xw_code_keys {
    uint8_t id[XW_CODE_ID_N];
    uint8_t county[XW_CODE_KEY_N], gateway[XW_CODE_KEY_N];
};

/* libsodium must have been initialised. */
void xw_code_new(struct xw_code *ret_code);
void xw_code_format(const struct xw_code *code, char ret_text[XW_CODE_TEXT_N]);
XW_MUST_CHECK int xw_code_parse(const char *text, struct xw_code *ret_code);
void xw_code_derive(const struct xw_code *code, struct xw_code_keys *ret_keys);

/* What the county keeps of the gateway's key. */
void xw_code_hash(const uint8_t gateway[XW_CODE_KEY_N], uint8_t ret_hash[XW_CODE_KEY_N]);
bool xw_code_equal(const uint8_t a[XW_CODE_KEY_N], const uint8_t b[XW_CODE_KEY_N]);

/* The county's proof: HMAC-SHA-256 over both nonces and the SHA-256 of the certificate that its end
 * of the TLS connection showed, so that nobody in between can pass it on. */
void xw_code_prove(const uint8_t county[XW_CODE_KEY_N], const uint8_t gateway_nonce[XW_CODE_KEY_N],
                   const uint8_t county_nonce[XW_CODE_KEY_N],
                   const uint8_t certificate_sha256[XW_CODE_KEY_N],
                   uint8_t ret_proof[XW_CODE_KEY_N]);

#endif
