/* Enrolment: the first byte says which message, the rest are its bytes. What a reader takes is
 * written and read again to the same; a request that is taken holds an EC P-256 key. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "trust/enrol.h"

static void hello(const uint8_t *data, size_t n)
{
    struct xw_enrol_hello a, b;
    if (xw_enrol_hello_read(data, n, &a) < 0)
        return;
    char *text = xw_enrol_hello_text(&a);
    assert(text && xw_enrol_hello_read(text, strlen(text), &b) == 0 && !memcmp(&a, &b, sizeof(a)));
    free(text);
}

static void request(const uint8_t *data, size_t n)
{
    struct xw_enrol_request a, b;
    if (xw_enrol_request_read(data, n, &a) < 0)
        return;
    char *text = xw_enrol_request_text(&a);
    assert(text && xw_enrol_request_read(text, strlen(text), &b) == 0 && a.csr_n == b.csr_n &&
           !memcmp(a.csr, b.csr, a.csr_n) && !memcmp(a.key, b.key, sizeof(a.key)));
    free(text);
}

static void csr(const uint8_t *data, size_t n)
{
    EVP_PKEY *key = NULL;
    if (xw_csr_read(data, n, &key) == 0)
        assert(key && EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) == 256);
    EVP_PKEY_free(key);
}

static void answer(const uint8_t *data, size_t n)
{
    struct xw_enrol_grant grant;
    struct xw_enrol_proof proof;
    char word[32], text[160];
    const char *why;
    (void)!xw_enrol_proof_read(data, n, &proof);
    xw_enrol_error_read(data, n, word, text);
    assert(strlen(word) < sizeof(word) && strlen(text) < sizeof(text));
    if (xw_enrol_grant_read(data, n, &grant) < 0)
        return;
    EVP_PKEY *key = NULL;
    if (xw_key_new(&key) == 0)
        assert(xw_enrol_check(grant.certificate, grant.ca, grant.gateway, key, 0, &why) < 0);
    EVP_PKEY_free(key);
    xw_enrol_grant_done(&grant);
}

static void head(const uint8_t *data, size_t n)
{
    unsigned status = 0;
    size_t head_n = 0, body_n = 0;
    if (xw_enrol_head_read(data, n, &status, &head_n, &body_n) == 1)
        assert(status >= 100 && status < 1000 && head_n <= n && body_n <= XW_ENROL_ANSWER_MAX);
}

static void certificate(const uint8_t *data, size_t n)
{
    X509 *cert = NULL;
    struct xw_cert_facts facts;
    char host[254];
    if (xw_cert_read(data, n, &cert) == 0) {
        (void)!xw_cert_facts(cert, &facts);
        (void)!xw_cert_host(cert, host, sizeof(host));
    }
    X509_free(cert);
}

static void code(const uint8_t *data, size_t n)
{
    struct xw_code a, b;
    char text[XW_CODE_TEXT_N], *typed = strndup((const char *)data, n);
    if (typed && xw_code_parse(typed, &a) == 0) {
        xw_code_format(&a, text);
        assert(xw_code_parse(text, &b) == 0 && !memcmp(&a, &b, sizeof(a)));
    }
    free(typed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const uint8_t *, size_t) = {hello, request,     csr, answer,
                                                               head,  certificate, code};
    if (size < 1)
        return 0;
    uint8_t *exact = malloc(size > 1 ? size - 1 : 1); /* a read too far is seen */
    if (!exact)
        return 0;
    memcpy(exact, data + 1, size - 1);
    readers[data[0] % XW_ARRAY_N(readers)](exact, size - 1);
    free(exact);
    return 0;
}
