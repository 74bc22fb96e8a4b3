/* The county's authority as files: made once, and certificates signed by hand. */
#include "admin.h"

#include "base/file.h"
#include "trust/authority.h"
#include "trust/enrol.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { HOSTS_MAX = 16, PATH_N = 512 };
#define DAY_S INT64_C(86400)
#define SERVER_LIFE_S (825 * DAY_S)
#define GATEWAY_LIFE_S (365 * DAY_S)

static int say(int r, const char *what)
{
    if (r < 0)
        fprintf(stderr, "xinwang-admin: %s: %s\n", what,
                r == -EEXIST    ? "there is an authority already"
                : r == -EBADMSG ? "a file there is broken or does not fit the others"
                                : strerror(-r));
    return r < 0 ? 1 : 0;
}

static int write_file(const char *dir, const char *name, const char *kind, const struct xw_buf *pem,
                      mode_t mode)
{
    char path[PATH_N];
    int n = snprintf(path, sizeof(path), "%s/%s.%s", dir, name, kind);
    if (n < 0 || (size_t)n >= sizeof(path))
        return -ENAMETOOLONG;
    return xw_file_write_atomic(path, pem->data, pem->n, mode);
}

/* The certificate last: who has it has the key. */
static int write_issued(const char *dir, const char *name, const EVP_PKEY *key,
                        const struct xw_buf *chain, const struct xw_buf *root)
{
    struct xw_buf pem;
    xw_buf_init(&pem, XW_PEM_MAX_N_BYTES);
    int r = xw_file_make_dirs(dir, 0700);
    if (r == 0)
        r = xw_key_pem(key, &pem);
    if (r == 0)
        r = write_file(dir, name, "key", &pem, 0600);
    if (r == 0)
        r = write_file(dir, "ca", "pem", root, 0644);
    if (r == 0)
        r = write_file(dir, name, "pem", chain, 0644);
    if (pem.n)
        OPENSSL_cleanse(pem.data, pem.n);
    xw_buf_done(&pem);
    return r;
}

/* Splits "a,b" in place behind the name itself. */
static size_t split(char *text, const char *name, const char **ret_hosts)
{
    size_t n = 0;
    ret_hosts[n++] = name;
    for (char *at = text; at && *at && n < HOSTS_MAX;) {
        char *comma = strchr(at, ',');
        if (comma)
            *comma++ = 0;
        if (*at)
            ret_hosts[n++] = at;
        at = comma;
    }
    return n;
}

static int issue(const struct xw_admin_options *o, const char *dir, const char *name, bool server)
{
    struct xw_authority *authority = NULL;
    xw_autokey EVP_PKEY *key = NULL;
    struct xw_buf chain;
    struct xw_cert_facts facts;
    const char *hosts[HOSTS_MAX];
    xw_autofree char *more = strdup(o->hosts ? o->hosts : "");
    char out[PATH_N];
    int64_t now_s = (int64_t)time(NULL), life_s = o->life_us / 1000000;
    xw_buf_init(&chain, XW_PEM_MAX_N_BYTES);
    int n = o->out ? snprintf(out, sizeof(out), "%s", o->out)
                   : snprintf(out, sizeof(out), "%s/issued", dir);
    int r = n < 0 || (size_t)n >= sizeof(out) ? -ENAMETOOLONG : 0;
    if (r == 0 && !xw_enrol_id_ok(name))
        r = -EINVAL;
    if (r == 0)
        r = xw_authority_open(dir, server ? XW_AUTHORITY_SERVERS : XW_AUTHORITY_GATEWAYS,
                              &authority);
    if (r == 0)
        r = xw_key_new(&key);
    if (r == 0 && server)
        r = xw_authority_server(authority, key, name, hosts, split(more, name, hosts), now_s,
                                life_s ? life_s : SERVER_LIFE_S, &chain);
    else if (r == 0)
        r = xw_authority_gateway(authority, key, name, 1, now_s, life_s ? life_s : GATEWAY_LIFE_S,
                                 &chain, &facts);
    if (r == 0)
        r = write_issued(out, name, key, &chain, xw_authority_root(authority));
    xw_authority_free(authority);
    xw_buf_done(&chain);
    return say(r, name);
}

static int show_one(const char *dir, const char *file, const char *what)
{
    char path[PATH_N], until[32];
    xw_autofree uint8_t *data = NULL;
    xw_autocert X509 *cert = NULL;
    struct xw_cert_facts facts;
    uint8_t hash[XW_CERT_HASH_N];
    size_t n;
    struct tm tm;
    snprintf(path, sizeof(path), "%s/%s.pem", dir, file);
    int r = xw_file_read(path, XW_PEM_MAX_N_BYTES, &data, &n);
    if (r == 0)
        r = xw_cert_read(data, n, &cert);
    if (r == 0)
        r = xw_cert_facts(cert, &facts);
    if (r == 0)
        r = xw_cert_hash(cert, hash);
    if (r != 0)
        return say(r, path);
    time_t s = (time_t)facts.until_s;
    snprintf(path, sizeof(path), "%s/%s.key", dir, file);
    if (!gmtime_r(&s, &tm) || !strftime(until, sizeof(until), "%Y-%m-%d", &tm))
        until[0] = 0;
    printf("%-9s %s  until %s  key %s  sha256 ", what, facts.name, until,
           access(path, F_OK) == 0 ? "here" : "not here");
    for (size_t i = 0; i < sizeof(hash); i++)
        printf("%02x", hash[i]);
    putchar('\n');
    return 0;
}

int xw_admin_authority(const struct xw_admin_options *o, int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[0], "init") == 0) {
        int r =
            xw_authority_init(argv[1], o->name ? o->name : "Xinwang county", (int64_t)time(NULL));
        return say(r, argv[1]);
    }
    if (argc == 2 && strcmp(argv[0], "show") == 0) {
        int r = show_one(argv[1], "ca", "root");
        if (r == 0)
            r = show_one(argv[1], "gateways", "gateways");
        return r == 0 ? show_one(argv[1], "servers", "servers") : r;
    }
    if (argc == 3 && (strcmp(argv[0], "server") == 0 || strcmp(argv[0], "gateway") == 0))
        return issue(o, argv[1], argv[2], strcmp(argv[0], "server") == 0);
    return -EINVAL;
}
