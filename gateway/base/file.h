/* Files that are whole or not there: bounded reading, atomic writing, free space.
 *
 * Threads: any; calls block (never on the loop for large files). Paths must not hold patient data.
 * Source of the write order: write, fsync, rename, fsync of the folder; a crash at any point leaves
 * either the old or the new content. */
#ifndef XW_BASE_FILE_H
#define XW_BASE_FILE_H

#include "base/base.h"
#include "base/buf.h"

#include <sys/types.h>

/* The whole file; a NUL byte follows the data (not counted). The caller frees with free().
 * -EOVERFLOW when it is larger than max_n_bytes. */
int xw_file_read(const char *path, size_t max_n_bytes, uint8_t **ret_data,
                 size_t *ret_n_bytes) XW_MUST_CHECK;
/* Replaces path with the bytes, durable when it returns 0. Fault points: file.write, file.rename.
 */
int xw_file_write_atomic(const char *path, const void *data, size_t n_bytes,
                         mode_t mode) XW_MUST_CHECK;
/* fsync of the folder that holds path, so that a create, rename or unlink in it is durable. */
int xw_file_sync_parent(const char *path) XW_MUST_CHECK;
/* mkdir -p, each new folder durable in the one above; existing folders are fine, an existing file
 * in the way is -ENOTDIR. */
int xw_file_make_dirs(const char *path, mode_t mode) XW_MUST_CHECK;
/* All n bytes or an error; EINTR and short writes handled. */
int xw_file_write_all(int fd, const void *data, size_t n_bytes) XW_MUST_CHECK;

struct xw_file_space {
    uint64_t free_n_bytes; /* for us: without root's reserve */
    uint64_t total_n_bytes;
};
int xw_file_space(const char *path, struct xw_file_space *ret_space) XW_MUST_CHECK;

#endif
