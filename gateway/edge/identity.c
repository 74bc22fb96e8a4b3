/* The file of who we are. */
#include "edge/identity.h"

#include "base/fault.h"
#include "base/file.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int path_of(const char *dir, const char *name, char ret_path[XW_EDGE_PATH_N])
{
    int n = snprintf(ret_path, XW_EDGE_PATH_N, "%s/%s", dir, name);
    return n > 0 && n < XW_EDGE_PATH_N ? 0 : -ENAMETOOLONG;
}

static void wipe(void *data, size_t n)
{
    if (data)
        OPENSSL_cleanse(data, n);
}

void xw_edge_identity_done(struct xw_edge_identity *identity)
{
    xw_enrol_grant_done(&identity->grant);
    if (identity->key)
        wipe(identity->key, strlen(identity->key));
    free(XW_STEAL(identity->key));
}

/* One of the copies; written only when it is another, so that a full disk does not keep an enrolled
 * gateway from starting. */
static int copy_to(const char *dir, const char *name, const char *text, mode_t mode,
                   char ret_path[XW_EDGE_PATH_N])
{
    xw_autofree uint8_t *before = NULL;
    size_t n = 0, text_n = strlen(text);
    int r = path_of(dir, name, ret_path);
    if (r < 0)
        return r;
    r = xw_file_read(ret_path, XW_EDGE_IDENTITY_MAX_N_BYTES, &before, &n);
    bool same = r == 0 && n == text_n && memcmp(before, text, n) == 0;
    wipe(before, n);
    return same ? 0 : xw_file_write_atomic(ret_path, text, text_n, mode);
}

static int copies(const char *dir, struct xw_edge_identity *identity)
{
    int r = copy_to(dir, "key.pem", identity->key, 0600, identity->key_path);
    if (r == 0)
        r = copy_to(dir, "certificate.pem", identity->grant.certificate, 0644, identity->cert_path);
    return r == 0 ? copy_to(dir, "ca.pem", identity->grant.ca, 0644, identity->ca_path) : r;
}

/* Certificate and key belong together and to this id; the times are not judged. */
static int check(struct xw_edge_identity *identity)
{
    xw_autocert X509 *cert = NULL;
    xw_autokey EVP_PKEY *key = NULL;
    const char *why, *pem = identity->grant.certificate;
    int r = xw_key_read(identity->key, strlen(identity->key), &key);
    if (r == 0)
        r = xw_cert_read(pem, strlen(pem), &cert);
    if (r == 0)
        r = xw_cert_facts(cert, &identity->facts);
    if (r == 0)
        r = xw_enrol_check(pem, identity->grant.ca, identity->grant.gateway, key,
                           identity->facts.from_s, &why);
    return r < 0 ? -EBADMSG : 0;
}

static int parse(const uint8_t *data, size_t n, struct xw_edge_identity *identity)
{
    json_t *o = json_loadb((const char *)data, n, JSON_REJECT_DUPLICATES, NULL);
    const char *address = json_string_value(json_object_get(o, "address"));
    const char *key = json_string_value(json_object_get(o, "key"));
    int r = o && address && key && strlen(address) < sizeof(identity->address)
                ? xw_enrol_grant_read(data, n, &identity->grant)
                : -EBADMSG;
    if (r == 0) {
        snprintf(identity->address, sizeof(identity->address), "%s", address);
        identity->key = strdup(key);
        r = identity->key ? check(identity) : -ENOMEM;
    }
    json_decref(o);
    return r;
}

/* A key that is in use already was left by one who was killed: the next rotation makes its own. */
static void drop_used(const char *dir, const struct xw_edge_identity *identity)
{
    char path[XW_EDGE_PATH_N];
    xw_autofree uint8_t *data = NULL;
    size_t n = 0;
    if (path_of(dir, "pending.key", path) < 0 ||
        xw_file_read(path, XW_PEM_MAX_N_BYTES, &data, &n) < 0)
        return;
    if (n == strlen(identity->key) && memcmp(data, identity->key, n) == 0)
        (void)unlink(path);
    wipe(data, n);
}

int xw_edge_identity_load(const char *dir, struct xw_edge_identity *ret_identity)
{
    char path[XW_EDGE_PATH_N];
    struct xw_edge_identity identity = {.key = NULL};
    xw_autofree uint8_t *data = NULL;
    size_t n = 0;
    int r = path_of(dir, "identity.json", path);
    if (r == 0)
        r = xw_file_read(path, XW_EDGE_IDENTITY_MAX_N_BYTES, &data, &n);
    if (r == 0)
        r = parse(data, n, &identity);
    wipe(data, n);
    if (r == 0)
        r = copies(dir, &identity);
    if (r == 0)
        drop_used(dir, &identity);
    if (r < 0) {
        xw_edge_identity_done(&identity);
        return r;
    }
    *ret_identity = identity;
    return 0;
}

static char *text_of(const struct xw_edge_identity *identity)
{
    char *grant = xw_enrol_grant_text(&identity->grant);
    json_t *o = grant ? json_loads(grant, 0, NULL) : NULL;
    json_object_set_new(o, "address", json_string(identity->address));
    json_object_set_new(o, "key", json_string(identity->key));
    char *text = o ? json_dumps(o, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
    json_decref(o);
    free(grant);
    return text;
}

int xw_edge_identity_save(const char *dir, struct xw_edge_identity *identity)
{
    char path[XW_EDGE_PATH_N];
    int r = check(identity);
    char *text = r == 0 ? text_of(identity) : NULL;
    if (r == 0 && !text)
        r = -ENOMEM;
    if (r == 0)
        r = path_of(dir, "identity.json", path);
    if (r == 0)
        r = xw_fault_point("identity.save");
    if (r == 0)
        r = xw_file_write_atomic(path, text, strlen(text), 0600);
    if (text)
        wipe(text, strlen(text));
    free(text);
    if (r == 0)
        r = xw_fault_point("identity.saved");
    if (r == 0)
        r = copies(dir, identity);
    if (r == 0)
        r = path_of(dir, "pending.key", path);
    if (r == 0 && unlink(path) < 0 && errno != ENOENT)
        r = -errno;
    return r;
}

int xw_edge_pending_key(const char *dir, EVP_PKEY **ret_key)
{
    char path[XW_EDGE_PATH_N];
    xw_autofree uint8_t *data = NULL;
    xw_autokey EVP_PKEY *key = NULL;
    struct xw_buf pem;
    size_t n = 0;
    int r = path_of(dir, "pending.key", path);
    if (r == 0)
        r = xw_file_read(path, XW_PEM_MAX_N_BYTES, &data, &n);
    if (r == 0)
        r = xw_key_read(data, n, &key);
    wipe(data, n);
    if (r == 0) {
        *ret_key = XW_STEAL(key);
        return 0;
    }
    xw_buf_init(&pem, XW_PEM_MAX_N_BYTES);
    r = xw_file_make_dirs(dir, 0700);
    if (r == 0)
        r = xw_key_new(&key);
    if (r == 0)
        r = xw_key_pem(key, &pem);
    if (r == 0)
        r = xw_file_write_atomic(path, pem.data, pem.n, 0600);
    wipe(pem.data, pem.n);
    xw_buf_done(&pem);
    if (r == 0)
        *ret_key = XW_STEAL(key);
    return r;
}

int xw_edge_identity_aside(const char *dir)
{
    char path[XW_EDGE_PATH_N], aside[XW_EDGE_PATH_N];
    int r = path_of(dir, "identity.json", path);
    if (r == 0)
        r = path_of(dir, "identity.json.broken", aside);
    if (r == 0 && rename(path, aside) < 0)
        r = -errno;
    return r == 0 ? xw_file_sync_parent(path) : r;
}
