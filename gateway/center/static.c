/* The built pages in memory. */
#include "center/static.h"

#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 8, NAME_MAX_N = 512 };

struct xw_static {
    struct xw_static_file *v[XW_STATIC_FILES_MAX];
    size_t n, bytes;
};

static const struct {
    const char *suffix, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".jpg", "image/jpeg"},
    {".webp", "image/webp"},
    {".woff2", "font/woff2"},
    {".wasm", "application/wasm"},
    {".txt", "text/plain; charset=utf-8"},
    {".map", "application/json"},
};

static bool ends_with(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

static const char *type_of(const char *name)
{
    for (size_t i = 0; i < XW_ARRAY_N(types); i++)
        if (ends_with(name, types[i].suffix))
            return types[i].type;
    return "application/octet-stream";
}

const struct xw_static_file *xw_static_ref(const struct xw_static_file *file)
{
    ((struct xw_static_file *)(uintptr_t)file)->refs++;
    return file;
}

void xw_static_unref(const struct xw_static_file *file)
{
    struct xw_static_file *f = (struct xw_static_file *)(uintptr_t)file;
    if (!f || --f->refs > 0)
        return;
    free(f->name);
    free(f->plain.data);
    free(f->gzip.data);
    free(f->brotli.data);
    free(f);
}

static struct xw_static_file *find_exact(const struct xw_static *pages, const char *name, size_t n)
{
    for (size_t i = 0; i < pages->n; i++)
        if (strlen(pages->v[i]->name) == n && memcmp(pages->v[i]->name, name, n) == 0)
            return pages->v[i];
    return NULL;
}

static int read_body(struct xw_static *pages, const char *path, struct xw_static_body *ret_body)
{
    struct xw_static_body body = {0};
    int r = xw_file_read(path, XW_STATIC_BYTES_MAX - pages->bytes, &body.data, &body.size);
    if (r < 0)
        return r;
    pages->bytes += body.size;
    *ret_body = body;
    return 0;
}

static void set_etag(struct xw_static_file *file)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof(hash) + 1];
    crypto_hash_sha256(hash, file->plain.data, file->plain.size);
    sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    snprintf(file->etag, sizeof(file->etag), "\"%.32s\"", hex);
}

static int add(struct xw_static *pages, const char *path, const char *name)
{
    if (pages->n == XW_STATIC_FILES_MAX)
        return -EOVERFLOW;
    struct xw_static_file *file = calloc(1, sizeof(*file));
    if (!file)
        return -ENOMEM;
    file->refs = 1;
    file->name = strdup(name);
    int r = file->name ? read_body(pages, path, &file->plain) : -ENOMEM;
    if (r < 0) {
        xw_static_unref(file);
        return r;
    }
    file->content_type = type_of(name);
    file->forever = strncmp(name, "/assets/", 8) == 0;
    set_etag(file);
    pages->v[pages->n++] = file;
    return 0;
}

static int walk(struct xw_static *pages, const char *dir, const char *prefix, int depth)
{
    DIR *d = opendir(dir);
    if (!d)
        return -errno;
    int r = 0;
    for (struct dirent *e; r == 0 && (e = readdir(d)) != NULL;) {
        char path[4096 + NAME_MAX_N], name[NAME_MAX_N];
        struct stat st;
        if (e->d_name[0] == '.')
            continue;
        if (snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= (int)sizeof(path) ||
            snprintf(name, sizeof(name), "%s/%s", prefix, e->d_name) >= (int)sizeof(name))
            r = -ENAMETOOLONG;
        else if (lstat(path, &st) < 0)
            r = -errno;
        else if (S_ISDIR(st.st_mode))
            r = depth < DEPTH_MAX ? walk(pages, path, name, depth + 1) : -ELOOP;
        else if (S_ISREG(st.st_mode))
            r = add(pages, path, name);
        /* Links are left out: they could lead outside. */
    }
    closedir(d);
    return r;
}

/* NAME.gz and NAME.br become bodies of NAME. */
static void join_packed(struct xw_static *pages)
{
    for (size_t i = pages->n; i > 0; i--) {
        struct xw_static_file *packed = pages->v[i - 1];
        size_t n = strlen(packed->name);
        bool gzip = ends_with(packed->name, ".gz"), brotli = ends_with(packed->name, ".br");
        struct xw_static_file *plain =
            gzip || brotli ? find_exact(pages, packed->name, n - 3) : NULL;
        if (!plain)
            continue;
        struct xw_static_body *to = gzip ? &plain->gzip : &plain->brotli;
        *to = packed->plain;
        packed->plain = (struct xw_static_body){0};
        xw_static_unref(packed);
        pages->v[i - 1] = pages->v[--pages->n];
    }
}

int xw_static_load(const char *dir, struct xw_static **ret_pages)
{
    struct xw_static *pages = calloc(1, sizeof(*pages));
    if (!pages)
        return -ENOMEM;
    int r = walk(pages, dir, "", 0);
    if (r < 0) {
        xw_static_free(pages);
        return r;
    }
    join_packed(pages);
    *ret_pages = pages;
    return 0;
}

void xw_static_free(struct xw_static *pages)
{
    if (!pages)
        return;
    for (size_t i = 0; i < pages->n; i++)
        xw_static_unref(pages->v[i]);
    free(pages);
}

size_t xw_static_n(const struct xw_static *pages)
{
    return pages->n;
}

const struct xw_static_file *xw_static_find(const struct xw_static *pages, const char *path)
{
    const struct xw_static_file *file = find_exact(pages, path, strlen(path));
    if (file)
        return file;
    /* A page of the application has no dot in its last part; a missing file is really missing. */
    const char *last = strrchr(path, '/');
    if (!last || strchr(last, '.') || strncmp(path, "/assets/", 8) == 0)
        return NULL;
    return find_exact(pages, "/index.html", strlen("/index.html"));
}

size_t xw_static_body(const struct xw_static_file *file, bool gzip_ok, bool brotli_ok,
                      const uint8_t **ret_data, const char **ret_encoding)
{
    const struct xw_static_body *body = &file->plain;
    const char *encoding = NULL;
    if (brotli_ok && file->brotli.data) {
        body = &file->brotli;
        encoding = "br";
    } else if (gzip_ok && file->gzip.data) {
        body = &file->gzip;
        encoding = "gzip";
    }
    if (ret_data)
        *ret_data = body->data;
    if (ret_encoding)
        *ret_encoding = encoding;
    return body->size;
}
