/* Moving a file of the watched folder into one of its folders, durably.
 * Threads: any; blocks on the disk. Errors: negative errno. */
#ifndef XW_EDGE_IMPORT_MOVE_H
#define XW_EDGE_IMPORT_MOVE_H

#include "edge/import_make.h"

enum { XW_IMPORT_PATH_N = 1024 };
#define XW_IMPORT_REASON ".reason"

/* ROOT/SUB/NAME; sub and name may be "". */
XW_MUST_CHECK int xw_import_path(const char *root, const char *sub, const char *name,
                                 char ret_path[XW_IMPORT_PATH_N]);
/* ROOT/NAME to ROOT/SUB/NAME, under another name where that one is taken. reason (NULL: none) is
 * beside it before it is there. */
XW_MUST_CHECK int xw_import_move(const char *root, const char *name, const char *sub,
                                 const char *reason);

/* A file of ours in a folder to which others can write: a pipe in its place would hold us for ever.
 * -EINVAL: no regular file. free() *ret_data. */
XW_MUST_CHECK int xw_import_read(const char *path, size_t max, uint8_t **ret_data, size_t *ret_n);
/* For who brings it to an archive: ROOT/NAME into the outbox under a name made of its hash,
 * durably. Again and again under the same name, so that a kill between this and the move costs
 * nothing. */
XW_MUST_CHECK int xw_import_hand_on(const char *root, const char *name, const char *outbox,
                                    const uint8_t hash[XW_IMPORT_HASH_N], size_t max);

#endif
