/* The built pages, read once into memory: a request looks a name up in a table and never touches
 * the file system, so that no path can lead out of the folder.
 *
 * FILE.gz and FILE.br beside FILE are sent to browsers that take them. Names under assets/ carry a
 * hash of their content and may be kept for ever; everything else is asked for again (ETag).
 *
 * Threads: xw_static_load anywhere (it reads files); the rest on the loop. Ownership: files are
 * counted, so that an answer under way survives a reload. Limits: 2,000 files, 64 MiB in all. */
#ifndef XW_CENTER_STATIC_H
#define XW_CENTER_STATIC_H

#include "base/base.h"

enum { XW_STATIC_FILES_MAX = 2000, XW_STATIC_BYTES_MAX = 64 << 20 };

struct xw_static_body {
    uint8_t *data; /* NULL: not there */
    size_t size;
};
struct xw_static_file {
    uint32_t refs;
    char *name; /* "/index.html" */
    const char *content_type;
    char etag[68]; /* quoted SHA-256 */
    bool forever;
    struct xw_static_body plain, gzip, brotli;
};

struct xw_static;

/* -ENOENT no folder; without index.html it is loaded and says so on every page. */
XW_MUST_CHECK int xw_static_load(const char *dir, struct xw_static **ret_pages);
void xw_static_free(struct xw_static *pages);
/* The file of a path; paths of no file that look like a page of the application give index.html.
 * NULL: not found. Borrowed. */
const struct xw_static_file *xw_static_find(const struct xw_static *pages, const char *path);
size_t xw_static_n(const struct xw_static *pages);

const struct xw_static_file *xw_static_ref(const struct xw_static_file *file);
void xw_static_unref(const struct xw_static_file *file);
/* Best body for what the browser takes; returns its size. ret_data, ret_encoding may be NULL. */
size_t xw_static_body(const struct xw_static_file *file, bool gzip_ok, bool brotli_ok,
                      const uint8_t **ret_data, const char **ret_encoding);

#endif
