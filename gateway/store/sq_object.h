/* Inside the objects: shared with the backup.
 *
 * Threads: the map on the loop only. */
#ifndef XW_STORE_SQ_OBJECT_H
#define XW_STORE_SQ_OBJECT_H

#include "store/sq.h"

struct object {
    struct object *next;
    struct xw_store_object state;
    uint64_t expected; /* where the next write must begin: held and what is under way */
    bool has_row;
};

struct sq_objects {
    struct object *buckets[65536];
};

struct object *sq_object_find(const struct sq_objects *objects, const uint8_t sha256[32]);
/* NULL without memory. */
struct object *sq_object_add(struct sq_objects *objects, const uint8_t sha256[32], uint64_t size,
                             const char *media_type);
void sq_object_drop(struct sq_objects *objects, struct object *object);
/* Of the content of an encrypted file. -EBADMSG: it is none. */
XW_MUST_CHECK int sq_object_sha256(const struct sq_store *store, const char *path,
                                   uint8_t ret_sha256[32], uint64_t *ret_size);
/* Bytes of content; UINT64_MAX: no file, or none with a head. */
uint64_t sq_object_content(const char *path);
XW_MUST_CHECK int sq_file_sync(const char *path);
/* malloc'd; NULL without memory. */
char *sq_object_path(const struct sq_store *store, const uint8_t sha256[32], const char *suffix);

#endif
