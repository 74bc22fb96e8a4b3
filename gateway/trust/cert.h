/* Keys, requests and certificates: what this project uses of X.509, over OpenSSL.
 *
 * Keys are EC P-256 only. A county has a root and two issuing certificates below it: one may sign
 * gateways (clients), the other servers; OpenSSL checks these roles along the chain, so that
 * neither key can stand in for the other. A gateway's certificate has its id as common name and its
 * generation as the subject's serialNumber: each enrolment of an id raises the generation, each
 * rotation keeps it, and the county refuses generations below the one it knows.
 *
 * Threads: pure functions over their arguments. Ownership: objects returned belong to the caller
 * (EVP_PKEY_free …; the XW_CLEANUP helpers below). Times are seconds of Unix time. Errors:
 * -EBADMSG malformed, -EINVAL not what is needed here, -ENOMEM, -EOVERFLOW too long. */
#ifndef XW_TRUST_CERT_H
#define XW_TRUST_CERT_H

#include "base/base.h"
#include "base/buf.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

enum {
    XW_PEM_MAX_N_BYTES = 16384,
    XW_CSR_MAX_N_BYTES = 4096,
    XW_CERT_NAME_N = 65, /* X.520: a common name has 64 characters at most */
    XW_CERT_SERIAL_N = 41,
    XW_CERT_HASH_N = 32,
};

static inline void xw_cleanup_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}
static inline void xw_cleanup_cert(X509 **cert)
{
    X509_free(*cert);
}
#define xw_autokey XW_CLEANUP(xw_cleanup_key)
#define xw_autocert XW_CLEANUP(xw_cleanup_cert)

XW_MUST_CHECK int xw_key_new(EVP_PKEY **ret_key);
/* Appends the private key as PEM (PKCS #8, not encrypted). */
XW_MUST_CHECK int xw_key_pem(const EVP_PKEY *key, struct xw_buf *ret_pem);
XW_MUST_CHECK int xw_key_read(const void *pem, size_t n_bytes, EVP_PKEY **ret_key);
/* SHA-256 of the public key (SubjectPublicKeyInfo). */
XW_MUST_CHECK int xw_key_hash(const EVP_PKEY *key, uint8_t ret_hash[XW_CERT_HASH_N]);

/* A request for a certificate for this key; the name in it is a courtesy, the county decides. */
XW_MUST_CHECK int xw_csr_new(EVP_PKEY *key, const char *name, struct xw_buf *ret_pem);
/* The key of a request: one PEM block and nothing else, EC P-256, signed by itself. */
XW_MUST_CHECK int xw_csr_read(const void *pem, size_t n_bytes, EVP_PKEY **ret_key);

XW_MUST_CHECK int xw_cert_pem(X509 *cert, struct xw_buf *ret_pem);
/* The first certificate of a PEM text. */
XW_MUST_CHECK int xw_cert_read(const void *pem, size_t n_bytes, X509 **ret_cert);

struct xw_cert_facts {
    char name[XW_CERT_NAME_N];     /* common name */
    char serial[XW_CERT_SERIAL_N]; /* hex */
    uint32_t generation;           /* 0 = it says none */
    int64_t from_s, until_s;
};
XW_MUST_CHECK int xw_cert_facts(const X509 *cert, struct xw_cert_facts *ret_facts);
XW_MUST_CHECK int xw_cert_hash(const X509 *cert, uint8_t ret_hash[XW_CERT_HASH_N]);
/* The first DNS name, or else the common name: what clients are to ask for. */
XW_MUST_CHECK int xw_cert_host(const X509 *cert, char *ret_host, size_t size);

enum xw_cert_role {
    XW_CERT_ROOT,
    XW_CERT_ISSUER_GATEWAYS,
    XW_CERT_ISSUER_SERVERS,
    XW_CERT_GATEWAY,
    XW_CERT_SERVER,
};
struct xw_cert_spec {
    enum xw_cert_role role;
    const char *name;         /* common name */
    uint32_t generation;      /* of a gateway */
    const char *const *hosts; /* of a server: DNS names and addresses */
    size_t hosts_n;
    int64_t from_s, until_s;
};
/* issuer NULL: signed by issuer_key itself (the root). -EINVAL: a name that cannot be. */
XW_MUST_CHECK int xw_cert_issue(const struct xw_cert_spec *spec, EVP_PKEY *key, X509 *issuer,
                                EVP_PKEY *issuer_key, X509 **ret_cert);

/* Does the chain (PEM, leaf first) lead to one of the roots (PEM) now (now_s), for a gateway or a
 * server? 0; -EKEYREJECTED with OpenSSL's words in ret_why (static text). */
XW_MUST_CHECK int xw_cert_verify(const void *chain, size_t chain_n_bytes, const void *roots,
                                 size_t roots_n_bytes, bool server, int64_t now_s,
                                 const char **ret_why);

#endif
