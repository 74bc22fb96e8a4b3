/* Inside the vault: reading and writing both copies of a keyring.
 *
 * Threads: any; calls block. */
#ifndef XW_VAULT_VAULT_IN_H
#define XW_VAULT_VAULT_IN_H

#include "vault/keyfile.h"
#include "vault/keyring.h"

/* Opened with a key of the file: -ENOENT there is none. *ret_whole: both copies are as they should
 * be. *ret_unread: the keyring could not be read this time (EIO), which is not damage: its copy may
 * be older, and must not take its place. ret_data (XW_KEYRING_MAX) and its size: the bytes that
 * were good. */
int vault_ring_read(const char *dir, const struct xw_keyfile *file, struct xw_keyring *ret_ring,
                    uint8_t *ret_data, size_t *ret_size, bool *ret_whole,
                    bool *ret_unread) XW_MUST_CHECK;
/* keyring, then keyring.copy. points: at the fault points of a rotation. */
int vault_ring_write(const char *dir, const uint8_t *data, size_t size, bool points) XW_MUST_CHECK;

#endif
