/* Passwords and tokens, on libsodium.
 *
 * Threads: xw_secret_hash and xw_secret_check are slow (0.1 s and more) and belong on a worker; the
 * rest anywhere. Passwords are wiped by their owner with sodium_memzero. Source: argon2id (RFC
 * 9106) as in crypto_pwhash; tokens are 32 random bytes, stored only as their SHA-256. */
#ifndef XW_CENTER_SECRET_H
#define XW_CENTER_SECRET_H

#include "base/base.h"

enum {
    XW_TOKEN_N = 32,
    XW_TOKEN_TEXT_N = 65, /* hex and NUL */
    XW_PASSWORD_MIN_N = 8,
    XW_PASSWORD_MAX_N = 256,
};

XW_MUST_CHECK int xw_secret_init(void);
/* ret_text: 128 bytes. -ENOMEM. */
XW_MUST_CHECK int xw_secret_hash(const char *password, size_t n, uint64_t rounds,
                                 size_t memory_bytes, char ret_text[128]);
/* True if it is the right one. An empty hash is never right, but takes as long. */
bool xw_secret_check(const char *hash, const char *password, size_t n);
void xw_secret_token(char ret_text[XW_TOKEN_TEXT_N]);
/* SHA-256 of the token's 32 bytes; -EBADMSG when text is not 64 hex digits. */
XW_MUST_CHECK int xw_secret_token_hash(const char *text, uint8_t ret_hash[32]);
/* In constant time. */
bool xw_secret_equal(const char *a, const char *b);

#endif
