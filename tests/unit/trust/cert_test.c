/* Requests and certificates: what is signed, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "trust/cert.h"

enum { DAY_S = 86400 };
#define NOW_S INT64_C(1800000000)

static EVP_PKEY *ca_key;
static X509 *ca;

static X509 *issue(enum xw_cert_role role, const char *name, EVP_PKEY *key, X509 *issuer,
                   EVP_PKEY *issuer_key)
{
    static const char *const hosts[] = {"county.test", "127.0.0.1", "::1"};
    X509 *cert = NULL;
    const struct xw_cert_spec spec = {.role = role,
                                      .name = name,
                                      .generation = 7,
                                      .hosts = hosts,
                                      .hosts_n = XW_ARRAY_N(hosts),
                                      .from_s = NOW_S,
                                      .until_s = NOW_S + DAY_S};
    assert_int_equal(xw_cert_issue(&spec, key, issuer, issuer_key, &cert), 0);
    return cert;
}

static int make_ca(void **state)
{
    (void)state;
    if (xw_key_new(&ca_key) < 0)
        return -1;
    ca = issue(XW_CERT_ROOT, "ca", ca_key, NULL, ca_key);
    return 0;
}

static int drop_ca(void **state)
{
    (void)state;
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    return 0;
}

static int verify(X509 *leaf, X509 *between, bool server, int64_t now_s, const char **ret_why)
{
    struct xw_buf chain, roots;
    xw_buf_init(&chain, XW_PEM_MAX_N_BYTES);
    xw_buf_init(&roots, XW_PEM_MAX_N_BYTES);
    assert_int_equal(xw_cert_pem(leaf, &chain), 0);
    if (between)
        assert_int_equal(xw_cert_pem(between, &chain), 0);
    assert_int_equal(xw_cert_pem(ca, &roots), 0);
    int r = xw_cert_verify(chain.data, chain.n, roots.data, roots.n, server, now_s, ret_why);
    xw_buf_done(&chain);
    xw_buf_done(&roots);
    return r;
}

static void a_request_gives_its_key_back(void **state)
{
    (void)state;
    xw_autokey EVP_PKEY *key = NULL, *read = NULL;
    struct xw_buf pem;
    xw_buf_init(&pem, XW_CSR_MAX_N_BYTES);
    assert_int_equal(xw_key_new(&key), 0);
    assert_int_equal(xw_csr_new(key, "town-a", &pem), 0);
    assert_int_equal(xw_csr_read(pem.data, pem.n, &read), 0);
    assert_int_equal(EVP_PKEY_eq(key, read), 1);
    xw_buf_done(&pem);
}

static void a_request_that_was_touched_is_refused(void **state)
{
    (void)state;
    xw_autokey EVP_PKEY *key = NULL;
    EVP_PKEY *read = NULL;
    struct xw_buf pem;
    xw_buf_init(&pem, XW_CSR_MAX_N_BYTES);
    assert_int_equal(xw_key_new(&key), 0);
    assert_int_equal(xw_csr_new(key, "town-a", &pem), 0);
    size_t whole_n = pem.n;
    for (size_t n = 0; n < whole_n - 1; n += 13)
        assert_true(xw_csr_read(pem.data, n, &read) < 0);
    assert_int_equal(xw_buf_append_text(&pem, "x"), 0); /* something behind it */
    assert_int_equal(xw_csr_read(pem.data, pem.n, &read), -EBADMSG);
    pem.n = whole_n;
    /* One base64 digit of the signature. */
    uint8_t *digit = pem.data + whole_n - 60;
    *digit = *digit == 'A' ? 'B' : 'A';
    assert_true(xw_csr_read(pem.data, whole_n, &read) < 0);
    xw_buf_done(&pem);
}

static void keys_of_other_kinds_are_refused(void **state)
{
    (void)state;
    EVP_PKEY *keys[] = {EVP_RSA_gen(2048), EVP_EC_gen("P-384"),
                        EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
    for (size_t i = 0; i < XW_ARRAY_N(keys); i++) {
        EVP_PKEY *read = NULL;
        X509_REQ *req = X509_REQ_new();
        BIO *bio = BIO_new(BIO_s_mem());
        char *data;
        assert_non_null(keys[i]);
        X509_REQ_set_pubkey(req, keys[i]);
        assert_true(X509_REQ_sign(req, keys[i], i == 2 ? NULL : EVP_sha256()) > 0);
        PEM_write_bio_X509_REQ(bio, req);
        long n = BIO_get_mem_data(bio, &data);
        assert_int_equal(xw_csr_read(data, (size_t)n, &read), -EINVAL);
        BIO_free(bio);
        X509_REQ_free(req);
        EVP_PKEY_free(keys[i]);
    }
}

static void a_certificate_says_who_which_and_how_long(void **state)
{
    (void)state;
    xw_autokey EVP_PKEY *key = NULL;
    struct xw_cert_facts facts;
    assert_int_equal(xw_key_new(&key), 0);
    xw_autocert X509 *cert = issue(XW_CERT_GATEWAY, "town-a", key, ca, ca_key);
    xw_autocert X509 *other = issue(XW_CERT_GATEWAY, "town-a", key, ca, ca_key);
    assert_int_equal(xw_cert_facts(cert, &facts), 0);
    assert_string_equal(facts.name, "town-a");
    assert_int_equal(facts.generation, 7);
    assert_int_equal(facts.from_s, NOW_S);
    assert_int_equal(facts.until_s, NOW_S + DAY_S);
    char serial[XW_CERT_SERIAL_N];
    memcpy(serial, facts.serial, sizeof(serial));
    assert_int_equal(xw_cert_facts(other, &facts), 0);
    assert_string_not_equal(serial, facts.serial);
}

static void roles_do_not_stand_in_for_each_other(void **state)
{
    (void)state;
    const char *why;
    xw_autokey EVP_PKEY *key = NULL, *g_key = NULL, *s_key = NULL;
    assert_int_equal(xw_key_new(&key), 0);
    assert_int_equal(xw_key_new(&g_key), 0);
    assert_int_equal(xw_key_new(&s_key), 0);
    xw_autocert X509 *gateways = issue(XW_CERT_ISSUER_GATEWAYS, "g", g_key, ca, ca_key);
    xw_autocert X509 *servers = issue(XW_CERT_ISSUER_SERVERS, "s", s_key, ca, ca_key);
    xw_autocert X509 *gateway = issue(XW_CERT_GATEWAY, "town-a", key, gateways, g_key);
    xw_autocert X509 *server = issue(XW_CERT_SERVER, "county", key, servers, s_key);
    assert_int_equal(verify(gateway, gateways, false, NOW_S + 1, &why), 0);
    assert_int_equal(verify(server, servers, true, NOW_S + 1, &why), 0);
    assert_int_equal(verify(gateway, gateways, true, NOW_S + 1, &why), -EKEYREJECTED);
    assert_int_equal(verify(server, servers, false, NOW_S + 1, &why), -EKEYREJECTED);
    /* Nor can the key that signs gateways make a server, or another authority. */
    xw_autocert X509 *false_server = issue(XW_CERT_SERVER, "county", key, gateways, g_key);
    assert_int_equal(verify(false_server, gateways, true, NOW_S + 1, &why), -EKEYREJECTED);
    xw_autocert X509 *signed_by_leaf = issue(XW_CERT_GATEWAY, "town-b", g_key, gateway, key);
    assert_int_equal(verify(signed_by_leaf, gateway, false, NOW_S + 1, &why), -EKEYREJECTED);
}

static void times_are_kept(void **state)
{
    (void)state;
    const char *why;
    xw_autokey EVP_PKEY *key = NULL;
    assert_int_equal(xw_key_new(&key), 0);
    xw_autocert X509 *cert = issue(XW_CERT_GATEWAY, "town-a", key, ca, ca_key);
    assert_int_equal(verify(cert, NULL, false, NOW_S, &why), 0);
    assert_int_equal(verify(cert, NULL, false, NOW_S - 1, &why), -EKEYREJECTED);
    assert_int_equal(verify(cert, NULL, false, NOW_S + DAY_S + 1, &why), -EKEYREJECTED);
    assert_non_null(strstr(why, "expired"));
}

static void names_that_cannot_be_are_refused(void **state)
{
    (void)state;
    xw_autokey EVP_PKEY *key = NULL;
    static const char *const wrong[] = {"a b", "", "x\ny", "county.test\";"};
    X509 *cert = NULL;
    assert_int_equal(xw_key_new(&key), 0);
    for (size_t i = 0; i < XW_ARRAY_N(wrong); i++) {
        const struct xw_cert_spec spec = {.role = XW_CERT_SERVER,
                                          .name = "county",
                                          .hosts = &wrong[i],
                                          .hosts_n = 1,
                                          .from_s = NOW_S,
                                          .until_s = NOW_S + 1};
        assert_int_equal(xw_cert_issue(&spec, key, ca, ca_key, &cert), -EINVAL);
    }
}

static void the_host_is_the_first_dns_name(void **state)
{
    (void)state;
    char host[254];
    xw_autokey EVP_PKEY *key = NULL;
    assert_int_equal(xw_key_new(&key), 0);
    xw_autocert X509 *cert = issue(XW_CERT_SERVER, "county", key, ca, ca_key);
    assert_int_equal(xw_cert_host(cert, host, sizeof(host)), 0);
    assert_string_equal(host, "county.test");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_gives_its_key_back),
        cmocka_unit_test(a_request_that_was_touched_is_refused),
        cmocka_unit_test(keys_of_other_kinds_are_refused),
        cmocka_unit_test(a_certificate_says_who_which_and_how_long),
        cmocka_unit_test(roles_do_not_stand_in_for_each_other),
        cmocka_unit_test(times_are_kept),
        cmocka_unit_test(names_that_cannot_be_are_refused),
        cmocka_unit_test(the_host_is_the_first_dns_name),
    };
    return cmocka_run_group_tests(tests, make_ca, drop_ca);
}
