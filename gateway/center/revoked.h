/* What no backup may bring back: which certificates of gateways are no good any more, in a file
 * beside the store's folder ("FOLDER.revoked"), so that a store put back from an older backup does
 * not let a stolen gateway in again.
 *
 * Lines are only ever added: "1 KIND GENERATION WALL_US GATEWAY CRC", KIND R (revoked: up to and
 * with this generation) or N (a newer one was enrolled after it), CRC-32C of all before it in hex.
 * Each line begins with a newline of its own, so one that a power cut tore spoils no other; what
 * cannot be read is counted and passed by.
 *
 * Threads: any; adding blocks (fdatasync). Limits: XW_REVOKED_MAX_N_BYTES. Errors: errno. */
#ifndef XW_CENTER_REVOKED_H
#define XW_CENTER_REVOKED_H

#include "center/identities.h"

enum { XW_REVOKED_MAX_N_BYTES = 16 << 20 };

enum xw_revoked_kind { XW_REVOKED_REVOKED = 'R', XW_REVOKED_NEWER = 'N' };

/* Durable when it returns 0. Fault point: center.revoked. */
XW_MUST_CHECK int xw_revoked_add(const char *store_dir, enum xw_revoked_kind kind,
                                 const char *gateway, uint32_t generation, int64_t wall_us);
/* Puts into the table what the store has forgotten. changed (may be NULL) is called for each
 * gateway that is revoked by it. Returns how many it changed; no file: 0. */
XW_MUST_CHECK int xw_revoked_merge(const char *store_dir, struct xw_identities *identities,
                                   void (*changed)(void *user, const char *gateway), void *user);

#endif
