/* Inside the tools for keys: the files of a folder and what they are.
 *
 * Threads: one; calls block. */
#ifndef XW_STORE_SQ_KEYS_H
#define XW_STORE_SQ_KEYS_H

#include "store/keys.h"
#include "store/sq.h"

enum sq_file_kind { SQ_FILE_OTHER, SQ_FILE_DB, SQ_FILE_WAL, SQ_FILE_STREAM, SQ_FILE_NOTE };

/* Every regular file, three folders deep; a negative result of `each` ends it. */
XW_MUST_CHECK int sq_each_file(const char *dir, int (*each)(void *user, const char *path),
                               void *user);
/* *ret_page_size: of a database or log. */
enum sq_file_kind sq_file_kind(int fd, uint32_t *ret_page_size);
XW_MUST_CHECK int sq_keys_count(const char *dir, const struct xw_vault *vault,
                                struct xw_store_keys *ret_keys);
/* The folder, with nobody else in it. Unlock in any case. */
XW_MUST_CHECK int sq_keys_lock(const char *dir, struct sq_store *ret_store);
void sq_keys_unlock(struct sq_store *store);

#endif
