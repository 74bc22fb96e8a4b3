/* The folder of the county's authority; see authority.h. */
#include "trust/authority.h"

#include "base/file.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <string.h>

enum { YEAR_S = 31557600, ROOT_YEARS = 30, ISSUER_YEARS = 15, PATH_N = 512, NAME_MAX_N = 48 };
/* Certificates begin in the past. A server's is looked at by gateways whose clocks may be behind; a
 * gateway's by the county alone, but its clock may have been ahead when it signed. */
enum { SERVER_BACK_S = 2 * 86400, GATEWAY_BACK_MAX_S = 86400, GATEWAY_BACK_PART = 20 };

struct xw_authority {
    EVP_PKEY *key;
    X509 *cert;
    struct xw_buf cert_pem, root_pem;
    int64_t until_s;
};

static int path_of(const char *dir, const char *name, const char *kind, char ret_path[PATH_N])
{
    int n = snprintf(ret_path, PATH_N, "%s/%s.%s", dir, name, kind);
    return n > 0 && n < PATH_N ? 0 : -ENAMETOOLONG;
}

static int write_buf(const char *dir, const char *name, const char *kind, const struct xw_buf *pem,
                     mode_t mode)
{
    char path[PATH_N];
    int r = path_of(dir, name, kind, path);
    return r < 0 ? r : xw_file_write_atomic(path, pem->data, pem->n, mode);
}

static int write_pair(const char *dir, const char *name, const EVP_PKEY *key, X509 *cert)
{
    struct xw_buf pem;
    xw_buf_init(&pem, XW_PEM_MAX_N_BYTES);
    int r = xw_key_pem(key, &pem);
    if (r == 0)
        r = write_buf(dir, name, "key", &pem, 0600);
    if (pem.n)
        OPENSSL_cleanse(pem.data, pem.n);
    xw_buf_clear(&pem);
    if (r == 0)
        r = xw_cert_pem(cert, &pem);
    if (r == 0)
        r = write_buf(dir, name, "pem", &pem, 0644);
    xw_buf_done(&pem);
    return r;
}

static int make_issuer(const char *dir, const char *file, const struct xw_cert_spec *spec,
                       X509 *root, EVP_PKEY *root_key)
{
    xw_autokey EVP_PKEY *key = NULL;
    xw_autocert X509 *cert = NULL;
    int r = xw_key_new(&key);
    if (r == 0)
        r = xw_cert_issue(spec, key, root, root_key, &cert);
    return r == 0 ? write_pair(dir, file, key, cert) : r;
}

static int fill(const char *dir, const char *county, int64_t now_s)
{
    char name[XW_CERT_NAME_N];
    xw_autokey EVP_PKEY *key = NULL;
    xw_autocert X509 *root = NULL;
    struct xw_cert_spec spec = {.role = XW_CERT_ROOT,
                                .name = county,
                                .from_s = now_s - SERVER_BACK_S,
                                .until_s = now_s + (int64_t)ROOT_YEARS * YEAR_S};
    int r = xw_key_new(&key);
    if (r == 0)
        r = xw_cert_issue(&spec, key, NULL, key, &root);
    if (r == 0)
        r = write_pair(dir, "ca", key, root);
    spec.until_s = now_s + (int64_t)ISSUER_YEARS * YEAR_S;
    spec.name = name;
    snprintf(name, sizeof(name), "%s gateways", county);
    spec.role = XW_CERT_ISSUER_GATEWAYS;
    if (r == 0)
        r = make_issuer(dir, "gateways", &spec, root, key);
    snprintf(name, sizeof(name), "%s servers", county);
    spec.role = XW_CERT_ISSUER_SERVERS;
    if (r == 0)
        r = make_issuer(dir, "servers", &spec, root, key);
    return r;
}

int xw_authority_init(const char *dir, const char *name, int64_t now_s)
{
    char beside[PATH_N];
    size_t name_n = strlen(name);
    int n = snprintf(beside, sizeof(beside), "%s.new", dir);
    if (name_n < 1 || name_n > NAME_MAX_N || n < 0 || (size_t)n >= sizeof(beside))
        return -EINVAL;
    char path[PATH_N];
    int r = path_of(dir, "ca", "pem", path);
    if (r == 0 && access(path, F_OK) == 0)
        return -EEXIST;
    /* What a killed one left there is written over: nothing of it was ever used. */
    if (r == 0)
        r = xw_file_make_dirs(beside, 0700);
    if (r == 0)
        r = fill(beside, name, now_s);
    if (r == 0 && rename(beside, dir) < 0)
        r = errno == ENOTEMPTY ? -EEXIST : -errno;
    return r == 0 ? xw_file_sync_parent(dir) : r;
}

static int read_pem(const char *dir, const char *name, const char *kind, struct xw_buf *ret_pem)
{
    char path[PATH_N];
    xw_autofree uint8_t *data = NULL;
    size_t n;
    int r = path_of(dir, name, kind, path);
    if (r == 0)
        r = xw_file_read(path, XW_PEM_MAX_N_BYTES, &data, &n);
    if (r == 0)
        r = xw_buf_append(ret_pem, data, n);
    if (data)
        OPENSSL_cleanse(data, n);
    return r;
}

static int load(struct xw_authority *a, const char *dir, const char *name, bool server)
{
    struct xw_buf key_pem;
    struct xw_cert_facts facts;
    xw_autocert X509 *root = NULL;
    uint32_t role = server ? XKU_SSL_SERVER : XKU_SSL_CLIENT;
    xw_buf_init(&key_pem, XW_PEM_MAX_N_BYTES);
    int r = read_pem(dir, name, "pem", &a->cert_pem);
    if (r == 0)
        r = read_pem(dir, "ca", "pem", &a->root_pem);
    if (r == 0)
        r = read_pem(dir, name, "key", &key_pem);
    if (r == 0)
        r = xw_key_read(key_pem.data, key_pem.n, &a->key);
    if (r == 0)
        r = xw_cert_read(a->cert_pem.data, a->cert_pem.n, &a->cert);
    if (r == 0)
        r = xw_cert_facts(a->cert, &facts);
    if (r == 0)
        r = xw_cert_read(a->root_pem.data, a->root_pem.n, &root);
    if (r == 0 && (X509_check_private_key(a->cert, a->key) != 1 ||
                   X509_verify(a->cert, X509_get0_pubkey(root)) != 1 ||
                   X509_get_extended_key_usage(a->cert) != role || !X509_check_ca(a->cert)))
        r = -EBADMSG;
    ERR_clear_error();
    if (r == 0)
        a->until_s = facts.until_s;
    if (key_pem.n)
        OPENSSL_cleanse(key_pem.data, key_pem.n);
    xw_buf_done(&key_pem);
    return r;
}

int xw_authority_open(const char *dir, enum xw_authority_role role,
                      struct xw_authority **ret_authority)
{
    struct xw_authority *a = calloc(1, sizeof(*a));
    bool server = role == XW_AUTHORITY_SERVERS;
    if (!a)
        return -ENOMEM;
    xw_buf_init(&a->cert_pem, XW_PEM_MAX_N_BYTES);
    xw_buf_init(&a->root_pem, XW_PEM_MAX_N_BYTES);
    int r = load(a, dir, server ? "servers" : "gateways", server);
    if (r < 0) {
        xw_authority_free(a);
        return r;
    }
    *ret_authority = a;
    return 0;
}

void xw_authority_free(struct xw_authority *authority)
{
    if (!authority)
        return;
    EVP_PKEY_free(authority->key);
    X509_free(authority->cert);
    xw_buf_done(&authority->cert_pem);
    xw_buf_done(&authority->root_pem);
    free(authority);
}

const struct xw_buf *xw_authority_root(const struct xw_authority *authority)
{
    return &authority->root_pem;
}

static int issue(struct xw_authority *a, struct xw_cert_spec *spec, EVP_PKEY *key, int64_t life_s,
                 struct xw_buf *ret_chain, struct xw_cert_facts *ret_facts)
{
    xw_autocert X509 *cert = NULL;
    if (life_s <= 0)
        return -EINVAL;
    spec->until_s = XW_MIN(spec->until_s, a->until_s);
    int r = xw_cert_issue(spec, key, a->cert, a->key, &cert);
    if (r == 0)
        r = xw_cert_facts(cert, ret_facts);
    if (r == 0)
        r = xw_cert_pem(cert, ret_chain);
    return r == 0 ? xw_buf_append(ret_chain, a->cert_pem.data, a->cert_pem.n) : r;
}

int xw_authority_gateway(struct xw_authority *authority, EVP_PKEY *key, const char *id,
                         uint32_t generation, int64_t now_s, int64_t life_s,
                         struct xw_buf *ret_chain, struct xw_cert_facts *ret_facts)
{
    int64_t back_s = XW_MIN(life_s / GATEWAY_BACK_PART, (int64_t)GATEWAY_BACK_MAX_S);
    struct xw_cert_spec spec = {.role = XW_CERT_GATEWAY,
                                .name = id,
                                .generation = generation,
                                .from_s = now_s - back_s,
                                .until_s = now_s + life_s};
    return issue(authority, &spec, key, life_s, ret_chain, ret_facts);
}

int xw_authority_server(struct xw_authority *authority, EVP_PKEY *key, const char *name,
                        const char *const *hosts, size_t hosts_n, int64_t now_s, int64_t life_s,
                        struct xw_buf *ret_chain)
{
    struct xw_cert_facts facts;
    struct xw_cert_spec spec = {.role = XW_CERT_SERVER,
                                .name = name,
                                .hosts = hosts,
                                .hosts_n = hosts_n,
                                .from_s = now_s - SERVER_BACK_S,
                                .until_s = now_s + life_s};
    return issue(authority, &spec, key, life_s, ret_chain, &facts);
}
