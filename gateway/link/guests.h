/* Connections that came and have not said yet who they are: TCP is there, TLS or the upgrade is
 * not.
 *
 * Anybody who reaches the port may open as many as he likes. A limit that refuses the next one
 * would let him shut out every gateway of the county with a few hundred idle sockets; so it is one
 * of those that wait that goes: of the address that has most of them waiting the one that waits
 * longest. Who comes from elsewhere, or is quick, is not disturbed.
 *
 * Threads: loop thread only. Ownership: embedded, no memory of its own; sockets are only named.
 * Limits: XW_GUESTS_MAX. Addresses are counted by a keyed hash: a rare collision counts two as one.
 */
#ifndef XW_LINK_GUESTS_H
#define XW_LINK_GUESTS_H

#include "base/base.h"

enum { XW_GUESTS_MAX = 512, XW_GUESTS_BUCKETS = 1024 };

struct xw_guest {
    const void *socket;
    uint32_t bucket;
};

struct xw_guests {
    struct xw_guest v[XW_GUESTS_MAX + 1]; /* in the order in which they came */
    size_t n, max;
    uint16_t waiting[XW_GUESTS_BUCKETS]; /* how many of each address */
    uint8_t key[16];
    uint32_t next; /* bucket of the address that comes next */
};

/* max: 1 to XW_GUESTS_MAX. libsodium must have been initialised. */
void xw_guests_init(struct xw_guests *guests, size_t max);
/* Of the socket that is accepted next: its descriptor, or an address as text for tests. */
void xw_guests_expect(struct xw_guests *guests, int fd);
void xw_guests_expect_text(struct xw_guests *guests, const char *address);
/* It is there. NULL, or the socket that is to be closed to make room (and is forgotten). */
const void *xw_guests_came(struct xw_guests *guests, const void *socket);
/* It is known now, or gone. */
void xw_guests_went(struct xw_guests *guests, const void *socket);

#endif
