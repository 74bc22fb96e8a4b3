/* Streams and objects by their id: an open-addressing table with a hard limit.
 *
 * Threads: one at a time. Ownership: values are the caller's. No value may be NULL.
 */
#ifndef XW_LINK_IDMAP_H
#define XW_LINK_IDMAP_H

#include "base/base.h"
#include "base/uuid.h"

struct xw_idmap_slot {
    struct xw_uuid id;
    void *value; /* NULL = free */
};
struct xw_idmap {
    struct xw_idmap_slot *slots; /* iterate 0..cap, skip free ones */
    size_t cap, n, max;
};

void xw_idmap_init(struct xw_idmap *map, size_t max_n);
void xw_idmap_done(struct xw_idmap *map);
void *xw_idmap_get(const struct xw_idmap *map, const struct xw_uuid *id);
/* The id must not be in it. -EOVERFLOW at the limit, -ENOMEM. */
XW_MUST_CHECK int xw_idmap_put(struct xw_idmap *map, const struct xw_uuid *id, void *value);
void xw_idmap_delete(struct xw_idmap *map, const struct xw_uuid *id);

#endif
