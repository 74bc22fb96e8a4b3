/* The addresses of the far side of a test link, as a carrier gives and takes them: what leaves has
 * the public address of the day, and a connection that was made before a change is nobody's any
 * more: its packets vanish, both ways, and nobody is told.
 *
 * IPv4. A connection is known by its far port from its SYN on; packets that belong to none vanish,
 * what is not TCP is translated as it comes.
 * Threads: pure. Addresses in host byte order.
 */
#ifndef XW_TESTS_LINKNAT_H
#define XW_TESTS_LINKNAT_H

#include "base/base.h"

enum { LINKNAT_CHANGES_MAX = 250 };

struct linknat {
    uint32_t own, public_first;
    uint8_t changes_n;         /* public address: public_first + changes_n */
    uint8_t made_at[1U << 16]; /* by far port: changes_n at its SYN, + 1; 0 = unknown */
    uint64_t stale_n;          /* packets that vanished */
};

void linknat_init(struct linknat *nat, uint32_t own, uint32_t public_first);
/* Another public address, and maybe another own one. -EOVERFLOW: no more addresses. */
XW_MUST_CHECK int linknat_change(struct linknat *nat, uint32_t own);
/* A packet on its way from the far side, or to it: translated in place. False: it vanishes. */
bool linknat_out(struct linknat *nat, uint8_t *packet, size_t size);
bool linknat_in(struct linknat *nat, uint8_t *packet, size_t size);

#endif
