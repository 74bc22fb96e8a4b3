/* Records of the county's own: a JSON object under a key, for users, sessions, sites of gateways.
 *
 * Threads: pure. */
#ifndef XW_CENTER_LOCAL_H
#define XW_CENTER_LOCAL_H

#include "base/base.h"
#include "base/buf.h"
#include "store/store.h"

#include <jansson.h>

/* What tells the record from others. The key is borrowed for its life. */
struct xw_local {
    const void *key;
    size_t key_size;
    uint32_t kind; /* XW_LOCAL_… */
    uint64_t revision;
    int64_t wall_us;
};

/* Takes the object (NULL: -ENOMEM); ret_body is appended to and holds the record's body. */
XW_MUST_CHECK int xw_local_pack(json_t *object, const struct xw_local *local,
                                struct xw_buf *ret_body, struct xw_store_record *ret_record);

#endif
