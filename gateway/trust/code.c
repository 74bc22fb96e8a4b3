/* Enrolment codes; see code.h. */
#include "trust/code.h"

#include <sodium.h>
#include <string.h>

enum { DIGITS_N = 16, CHECK_MODULUS = 37, GROUP_N = 4 };

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";

/* Five bits at a time, the most significant first. */
static unsigned digit(const struct xw_code *code, size_t i)
{
    unsigned value = 0;
    for (size_t bit = 5 * i; bit < 5 * i + 5; bit++)
        value = value << 1 | ((code->secret[bit / 8] >> (7 - bit % 8)) & 1U);
    return value;
}

static unsigned check(const struct xw_code *code)
{
    unsigned rest = 0;
    for (size_t i = 0; i < DIGITS_N; i++)
        rest = (rest * 32 + digit(code, i)) % CHECK_MODULUS;
    return rest;
}

void xw_code_new(struct xw_code *ret_code)
{
    do
        randombytes_buf(ret_code->secret, sizeof(ret_code->secret));
    while (check(ret_code) >= 32);
}

void xw_code_format(const struct xw_code *code, char ret_text[XW_CODE_TEXT_N])
{
    char *at = ret_text;
    for (size_t i = 0; i < DIGITS_N; i++) {
        *at++ = alphabet[digit(code, i)];
        if (i % GROUP_N == GROUP_N - 1)
            *at++ = '-';
    }
    *at++ = alphabet[check(code)];
    *at = 0;
}

/* -1: no character of a code. */
static int value_of(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'O')
        c = '0';
    if (c == 'I' || c == 'L')
        c = '1';
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

int xw_code_parse(const char *text, struct xw_code *ret_code)
{
    struct xw_code code = {{0}};
    int values[DIGITS_N + 1];
    size_t n = 0;
    for (; *text; text++) {
        if (*text == '-' || *text == ' ')
            continue;
        int value = value_of(*text);
        if (n > DIGITS_N || value < 0 || (n < DIGITS_N && value >= 32))
            return -EBADMSG;
        values[n++] = value;
    }
    if (n != DIGITS_N + 1)
        return -EBADMSG;
    for (size_t bit = 0; bit < 5 * DIGITS_N; bit++)
        if ((values[bit / 5] >> (4 - bit % 5)) & 1)
            code.secret[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
    if ((int)check(&code) != values[DIGITS_N])
        return -EILSEQ;
    *ret_code = code;
    return 0;
}

static void derive(const struct xw_code *code, const char *label, uint8_t *ret_key, size_t n)
{
    crypto_generichash(ret_key, n, code->secret, sizeof(code->secret), (const uint8_t *)label,
                       strlen(label));
}

void xw_code_derive(const struct xw_code *code, struct xw_code_keys *ret_keys)
{
    derive(code, "xinwang enrolment 1: id", ret_keys->id, sizeof(ret_keys->id));
    derive(code, "xinwang enrolment 1: county", ret_keys->county, sizeof(ret_keys->county));
    derive(code, "xinwang enrolment 1: gateway", ret_keys->gateway, sizeof(ret_keys->gateway));
}

void xw_code_hash(const uint8_t gateway[XW_CODE_KEY_N], uint8_t ret_hash[XW_CODE_KEY_N])
{
    crypto_generichash(ret_hash, XW_CODE_KEY_N, gateway, XW_CODE_KEY_N, NULL, 0);
}

bool xw_code_equal(const uint8_t a[XW_CODE_KEY_N], const uint8_t b[XW_CODE_KEY_N])
{
    return sodium_memcmp(a, b, XW_CODE_KEY_N) == 0;
}

void xw_code_prove(const uint8_t county[XW_CODE_KEY_N], const uint8_t gateway_nonce[XW_CODE_KEY_N],
                   const uint8_t county_nonce[XW_CODE_KEY_N],
                   const uint8_t certificate_sha256[XW_CODE_KEY_N],
                   uint8_t ret_proof[XW_CODE_KEY_N])
{
    static const char label[] = "xinwang enrolment 1: proof";
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, county, XW_CODE_KEY_N);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)label, sizeof(label));
    crypto_auth_hmacsha256_update(&state, gateway_nonce, XW_CODE_KEY_N);
    crypto_auth_hmacsha256_update(&state, county_nonce, XW_CODE_KEY_N);
    crypto_auth_hmacsha256_update(&state, certificate_sha256, XW_CODE_KEY_N);
    crypto_auth_hmacsha256_final(&state, ret_proof);
    sodium_memzero(&state, sizeof(state));
}
