/* Reading and writing keys, requests and certificates; see cert.h. */
#include "trust/cert.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int xw_key_new(EVP_PKEY **ret_key)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key)
        return -ENOMEM;
    *ret_key = key;
    return 0;
}

static int take(BIO *bio, struct xw_buf *ret_pem)
{
    char *data;
    long n = BIO_get_mem_data(bio, &data);
    return n > 0 ? xw_buf_append(ret_pem, data, (size_t)n) : -ENOMEM;
}

int xw_key_pem(const EVP_PKEY *key, struct xw_buf *ret_pem)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    int r = -ENOMEM;
    if (bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
        r = take(bio, ret_pem);
    BIO_free(bio);
    return r;
}

static bool is_p256(const EVP_PKEY *key)
{
    char group[32];
    size_t n;
    return EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 &&
           (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
}

static BIO *open_text(const void *pem, size_t n_bytes, size_t max_n_bytes)
{
    return n_bytes && n_bytes <= max_n_bytes ? BIO_new_mem_buf(pem, (int)n_bytes) : NULL;
}

/* No pass phrase is ever asked for. */
static int no_phrase(char *buf, int size, int rwflag, void *user)
{
    (void)buf, (void)size, (void)rwflag, (void)user;
    return -1;
}

int xw_key_read(const void *pem, size_t n_bytes, EVP_PKEY **ret_key)
{
    BIO *bio = open_text(pem, n_bytes, XW_PEM_MAX_N_BYTES);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_phrase, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (!key)
        return -EBADMSG;
    if (!is_p256(key)) {
        EVP_PKEY_free(key);
        return -EINVAL;
    }
    *ret_key = key;
    return 0;
}

int xw_key_hash(const EVP_PKEY *key, uint8_t ret_hash[XW_CERT_HASH_N])
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key, &der);
    bool good = n > 0 && EVP_Digest(der, (size_t)n, ret_hash, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return good ? 0 : -ENOMEM;
}

int xw_csr_new(EVP_PKEY *key, const char *name, struct xw_buf *ret_pem)
{
    X509_REQ *req = X509_REQ_new();
    BIO *bio = BIO_new(BIO_s_mem());
    int r = -ENOMEM;
    if (req && bio && X509_REQ_set_version(req, 0) == 1 && X509_REQ_set_pubkey(req, key) == 1 &&
        X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(req), NID_commonName, MBSTRING_UTF8,
                                   (const unsigned char *)name, -1, -1, 0) == 1 &&
        X509_REQ_sign(req, key, EVP_sha256()) > 0 && PEM_write_bio_X509_REQ(bio, req) == 1)
        r = take(bio, ret_pem);
    BIO_free(bio);
    X509_REQ_free(req);
    return r;
}

/* Nothing but blanks is left: two requests in one text would be read differently elsewhere. */
static bool at_end(BIO *bio)
{
    char c;
    while (BIO_read(bio, &c, 1) == 1)
        if (c != '\n' && c != '\r' && c != ' ')
            return false;
    return true;
}

int xw_csr_read(const void *pem, size_t n_bytes, EVP_PKEY **ret_key)
{
    static const char begin[] = "-----BEGIN CERTIFICATE REQUEST-----";
    if (n_bytes < sizeof(begin) || memcmp(pem, begin, sizeof(begin) - 1) != 0)
        return -EBADMSG;
    BIO *bio = open_text(pem, n_bytes, XW_CSR_MAX_N_BYTES);
    X509_REQ *req = bio ? PEM_read_bio_X509_REQ(bio, NULL, no_phrase, NULL) : NULL;
    int r = req && at_end(bio) ? 0 : -EBADMSG;
    EVP_PKEY *key = r == 0 ? X509_REQ_get_pubkey(req) : NULL;
    /* The curve before the signature: only what we use is calculated with. */
    if (r == 0 && (!key || !is_p256(key) || X509_REQ_verify(req, key) != 1))
        r = -EINVAL;
    BIO_free(bio);
    X509_REQ_free(req);
    ERR_clear_error();
    if (r < 0)
        EVP_PKEY_free(key);
    else
        *ret_key = key;
    return r;
}

int xw_cert_pem(X509 *cert, struct xw_buf *ret_pem)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int r = -ENOMEM;
    if (bio && PEM_write_bio_X509(bio, cert) == 1)
        r = take(bio, ret_pem);
    BIO_free(bio);
    return r;
}

int xw_cert_read(const void *pem, size_t n_bytes, X509 **ret_cert)
{
    BIO *bio = open_text(pem, n_bytes, XW_PEM_MAX_N_BYTES);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, no_phrase, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (!cert)
        return -EBADMSG;
    *ret_cert = cert;
    return 0;
}

static int seconds_of(const ASN1_TIME *time, int64_t *ret_s)
{
    struct tm tm;
    if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
        return -EBADMSG;
    *ret_s = (int64_t)timegm(&tm);
    return 0;
}

/* A text of the subject that is there once and holds no NUL. */
static int subject_text(const X509 *cert, int nid, char *ret_text, size_t size)
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(subject, nid, -1);
    if (at < 0)
        return -ENOENT;
    if (X509_NAME_get_index_by_NID(subject, nid, at) >= 0)
        return -EBADMSG;
    unsigned char *utf8 = NULL;
    int n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    int r = n > 0 && (size_t)n < size && !memchr(utf8, 0, (size_t)n) ? 0 : -EBADMSG;
    if (r == 0) {
        memcpy(ret_text, utf8, (size_t)n);
        ret_text[n] = 0;
    }
    OPENSSL_free(utf8);
    return r;
}

static int generation_of(const X509 *cert, uint32_t *ret_generation)
{
    char text[16];
    int r = subject_text(cert, NID_serialNumber, text, sizeof(text));
    if (r == -ENOENT) {
        *ret_generation = 0;
        return 0;
    }
    uint32_t value = 0;
    for (size_t i = 0; r == 0 && text[i]; i++) {
        if (text[i] < '0' || text[i] > '9' || i >= 9)
            r = -EBADMSG;
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    if (r == 0)
        *ret_generation = value;
    return r;
}

int xw_cert_facts(const X509 *cert, struct xw_cert_facts *ret_facts)
{
    struct xw_cert_facts facts = {.generation = 0};
    int r = subject_text(cert, NID_commonName, facts.name, sizeof(facts.name));
    if (r == 0)
        r = generation_of(cert, &facts.generation);
    if (r == 0)
        r = seconds_of(X509_get0_notBefore(cert), &facts.from_s);
    if (r == 0)
        r = seconds_of(X509_get0_notAfter(cert), &facts.until_s);
    if (r < 0)
        return r == -ENOENT ? -EBADMSG : r;
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    char *hex = number ? BN_bn2hex(number) : NULL;
    r = hex && strlen(hex) < sizeof(facts.serial) ? 0 : -EBADMSG;
    if (r == 0) {
        snprintf(facts.serial, sizeof(facts.serial), "%s", hex);
        *ret_facts = facts;
    }
    OPENSSL_free(hex);
    BN_free(number);
    return r;
}

int xw_cert_hash(const X509 *cert, uint8_t ret_hash[XW_CERT_HASH_N])
{
    return X509_digest(cert, EVP_sha256(), ret_hash, NULL) == 1 ? 0 : -ENOMEM;
}

int xw_cert_host(const X509 *cert, char *ret_host, size_t size)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    int r = -ENOENT;
    for (int i = 0; r == -ENOENT && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS)
            continue;
        int n = ASN1_STRING_length(name->d.dNSName);
        const unsigned char *text = ASN1_STRING_get0_data(name->d.dNSName);
        if (n > 0 && (size_t)n < size && !memchr(text, 0, (size_t)n) && text[0] != '*') {
            memcpy(ret_host, text, (size_t)n);
            ret_host[n] = 0;
            r = 0;
        }
    }
    GENERAL_NAMES_free(names);
    return r == 0 ? 0 : subject_text(cert, NID_commonName, ret_host, size);
}

static STACK_OF(X509) * read_all(const void *pem, size_t n_bytes)
{
    BIO *bio = open_text(pem, n_bytes, XW_PEM_MAX_N_BYTES);
    STACK_OF(X509) *all = sk_X509_new_null();
    X509 *cert;
    while (bio && all && sk_X509_num(all) < 8 &&
           (cert = PEM_read_bio_X509(bio, NULL, no_phrase, NULL)) != NULL)
        if (!sk_X509_push(all, cert))
            X509_free(cert);
    BIO_free(bio);
    ERR_clear_error();
    return all;
}

int xw_cert_verify(const void *chain, size_t chain_n_bytes, const void *roots, size_t roots_n_bytes,
                   bool server, int64_t now_s, const char **ret_why)
{
    STACK_OF(X509) *certs = read_all(chain, chain_n_bytes);
    STACK_OF(X509) *anchors = read_all(roots, roots_n_bytes);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int r = -ENOMEM;
    *ret_why = "no memory";
    if (certs && anchors && store && ctx) {
        r = -EKEYREJECTED;
        *ret_why = "no certificate";
        for (int i = 0; i < sk_X509_num(anchors); i++)
            X509_STORE_add_cert(store, sk_X509_value(anchors, i));
        if (sk_X509_num(certs) && sk_X509_num(anchors) &&
            X509_STORE_CTX_init(ctx, store, sk_X509_value(certs, 0), certs) == 1) {
            X509_STORE_CTX_set_purpose(ctx,
                                       server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT);
            X509_STORE_CTX_set_time(ctx, 0, (time_t)now_s);
            bool good = X509_verify_cert(ctx) == 1;
            *ret_why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
            r = good ? 0 : -EKEYREJECTED;
        }
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    sk_X509_pop_free(certs, X509_free);
    sk_X509_pop_free(anchors, X509_free);
    ERR_clear_error();
    return r;
}
