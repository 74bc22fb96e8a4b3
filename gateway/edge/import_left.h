/* Broken files for which the quarantine has no room: remembered by size, inode and time, so that
 * they are not read again and keep no place from files that can be taken.
 *
 * Threads: one at a time. Ownership: init/done; nothing is allocated in between. Limits: as many as
 * given at init. Errors: -ENOMEM of init. */
#ifndef XW_EDGE_IMPORT_LEFT_H
#define XW_EDGE_IMPORT_LEFT_H

#include "base/base.h"

struct xw_import_left_file {
    uint64_t size, inode;
    int64_t mtime_ns;
    bool seen; /* since the last sweep */
};

struct xw_import_left {
    struct xw_import_left_file *files;
    size_t n, max;
};

XW_MUST_CHECK int xw_import_left_init(struct xw_import_left *left, size_t max);
void xw_import_left_done(struct xw_import_left *left);
/* false: there is no room. */
bool xw_import_left_add(struct xw_import_left *left, uint64_t size, uint64_t inode,
                        int64_t mtime_ns);
/* Marks it as seen. */
bool xw_import_left_has(struct xw_import_left *left, uint64_t size, uint64_t inode,
                        int64_t mtime_ns);
/* Forgets those that were not seen since the last sweep. */
void xw_import_left_sweep(struct xw_import_left *left);

#endif
