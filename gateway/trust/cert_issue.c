/* Making certificates; see cert.h. */
#include "trust/cert.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *constraints, *usage, *extended;
} roles[] = {
    [XW_CERT_ROOT] = {"critical,CA:TRUE", "critical,keyCertSign,cRLSign", NULL},
    [XW_CERT_ISSUER_GATEWAYS] = {"critical,CA:TRUE,pathlen:0", "critical,keyCertSign,cRLSign",
                                 "clientAuth"},
    [XW_CERT_ISSUER_SERVERS] = {"critical,CA:TRUE,pathlen:0", "critical,keyCertSign,cRLSign",
                                "serverAuth"},
    [XW_CERT_GATEWAY] = {"critical,CA:FALSE", "critical,digitalSignature", "clientAuth"},
    [XW_CERT_SERVER] = {"critical,CA:FALSE", "critical,digitalSignature", "serverAuth"},
};

static bool add(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer ? issuer : cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool good = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

static bool add_host(GENERAL_NAMES *names, const char *host)
{
    uint8_t address[16];
    int n = inet_pton(AF_INET, host, address) == 1    ? 4
            : inet_pton(AF_INET6, host, address) == 1 ? 16
                                                      : 0;
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
    size_t host_n = strlen(host);
    if (!n && (host_n < 1 || host_n > 253 || strspn(host, allowed) != host_n))
        return false;
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *text = n ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    bool good = name && text &&
                ASN1_STRING_set(text, n ? (const void *)address : host, n ? n : (int)host_n) == 1;
    if (good)
        GENERAL_NAME_set0_value(name, n ? GEN_IPADD : GEN_DNS, text);
    else
        ASN1_STRING_free(text);
    if (good && sk_GENERAL_NAME_push(names, name))
        return true;
    GENERAL_NAME_free(name);
    return false;
}

static bool add_hosts(X509 *cert, const struct xw_cert_spec *spec)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    bool good = names != NULL;
    for (size_t i = 0; good && i < spec->hosts_n; i++)
        good = add_host(names, spec->hosts[i]);
    good = good && X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1;
    GENERAL_NAMES_free(names);
    return good;
}

static bool name_subject(X509 *cert, const struct xw_cert_spec *spec)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    char generation[16];
    size_t n = strlen(spec->name);
    if (n < 1 || n >= XW_CERT_NAME_N ||
        X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                   (const unsigned char *)spec->name, (int)n, -1, 0) != 1)
        return false;
    if (spec->role != XW_CERT_GATEWAY)
        return true;
    snprintf(generation, sizeof(generation), "%u", spec->generation);
    return X509_NAME_add_entry_by_NID(subject, NID_serialNumber, MBSTRING_ASC,
                                      (const unsigned char *)generation, -1, -1, 0) == 1;
}

/* 126 random bits; the first byte is neither zero nor negative. */
static bool number(X509 *cert)
{
    uint8_t bytes[16];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return false;
    bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40);
    BIGNUM *big = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool good = big && BN_to_ASN1_INTEGER(big, X509_get_serialNumber(cert));
    BN_free(big);
    return good;
}

static bool fill(X509 *cert, const struct xw_cert_spec *spec, EVP_PKEY *key, X509 *issuer)
{
    if (X509_set_version(cert, 2) != 1 || !number(cert) ||
        !ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)spec->from_s) ||
        !ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)spec->until_s) ||
        X509_set_pubkey(cert, key) != 1 || !name_subject(cert, spec) ||
        X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert)) != 1)
        return false;
    if (!add(cert, issuer, NID_basic_constraints, roles[spec->role].constraints) ||
        !add(cert, issuer, NID_key_usage, roles[spec->role].usage) ||
        !add(cert, issuer, NID_subject_key_identifier, "hash") ||
        !add(cert, issuer, NID_authority_key_identifier, issuer ? "keyid:always" : "keyid"))
        return false;
    if (roles[spec->role].extended &&
        !add(cert, issuer, NID_ext_key_usage, roles[spec->role].extended))
        return false;
    return spec->role != XW_CERT_SERVER || add_hosts(cert, spec);
}

int xw_cert_issue(const struct xw_cert_spec *spec, EVP_PKEY *key, X509 *issuer,
                  EVP_PKEY *issuer_key, X509 **ret_cert)
{
    X509 *cert = X509_new();
    if (!cert)
        return -ENOMEM;
    bool good = fill(cert, spec, key, issuer) && X509_sign(cert, issuer_key, EVP_sha256()) > 0;
    ERR_clear_error();
    if (!good) {
        X509_free(cert);
        return -EINVAL;
    }
    *ret_cert = cert;
    return 0;
}
