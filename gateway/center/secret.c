/* Passwords and tokens. */
#include "center/secret.h"

#include <sodium.h>
#include <string.h>

int xw_secret_init(void)
{
    return sodium_init() < 0 ? -EIO : 0;
}

int xw_secret_hash(const char *password, size_t n, uint64_t rounds, size_t memory_bytes,
                   char ret_text[128])
{
    _Static_assert(crypto_pwhash_STRBYTES <= 128, "room for the hash");
    char text[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str(text, password, n, rounds, memory_bytes) != 0)
        return -ENOMEM;
    memcpy(ret_text, text, sizeof(text));
    return 0;
}

bool xw_secret_check(const char *hash, const char *password, size_t n)
{
    if (hash[0] == '$')
        return crypto_pwhash_str_verify(hash, password, n) == 0;
    /* No such user: the same work, so that time does not tell. */
    char text[crypto_pwhash_STRBYTES];
    (void)!crypto_pwhash_str(text, password, n, 3, (size_t)64 << 20);
    return false;
}

void xw_secret_token(char ret_text[XW_TOKEN_TEXT_N])
{
    uint8_t bytes[XW_TOKEN_N];
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2hex(ret_text, XW_TOKEN_TEXT_N, bytes, sizeof(bytes));
    sodium_memzero(bytes, sizeof(bytes));
}

int xw_secret_token_hash(const char *text, uint8_t ret_hash[32])
{
    uint8_t bytes[XW_TOKEN_N];
    size_t n;
    const char *end;
    if (strlen(text) != 2 * XW_TOKEN_N ||
        sodium_hex2bin(bytes, sizeof(bytes), text, 2 * XW_TOKEN_N, NULL, &n, &end) != 0 ||
        n != XW_TOKEN_N || *end)
        return -EBADMSG;
    crypto_hash_sha256(ret_hash, bytes, sizeof(bytes));
    return 0;
}

bool xw_secret_equal(const char *a, const char *b)
{
    size_t n = strlen(a);
    return n == strlen(b) && sodium_memcmp(a, b, n) == 0;
}
