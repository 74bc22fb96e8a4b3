/* The bytes of a keyring: a folder's data keys, wrapped.
 *
 *   "XWKEYRNG" | version 1 | wrapping key's id | n | 0 | nonce, 24 B |
 *   n entries encrypted: id | 0 | made, us since 1970, 8 B | key, 32 B | tag, 16 B
 *
 * Numbers are little-endian, 4 bytes but for `made`. XChaCha20-Poly1305, the first 24 bytes are its
 * associated data. Entries are in order of time, ids are different and not 0.
 *
 * Threads: pure. Ownership: the caller wipes what it opened. */
#ifndef XW_VAULT_KEYRING_H
#define XW_VAULT_KEYRING_H

#include "vault/vault.h"

enum {
    XW_KEYRING_HEAD = 48,
    XW_KEYRING_ENTRY = 48,
    XW_KEYRING_TAG = 16,
    XW_KEYRING_MAX = XW_KEYRING_HEAD + XW_VAULT_KEYS_MAX * XW_KEYRING_ENTRY + XW_KEYRING_TAG,
};

struct xw_keyring {
    size_t n;
    struct xw_keyring_key {
        uint32_t id;
        int64_t made_us;
        uint8_t key[XW_VAULT_KEY_BYTES];
    } keys[XW_VAULT_KEYS_MAX];
};

/* Which key wraps it: -EBADMSG not a keyring. */
int xw_keyring_wrapped_by(const uint8_t *data, size_t size, uint32_t *ret_id) XW_MUST_CHECK;
/* -EKEYREJECTED: not this key, or damaged behind its head. */
int xw_keyring_unwrap(const uint8_t *data, size_t size, const uint8_t *key,
                      struct xw_keyring *ret_ring) XW_MUST_CHECK;
/* data: XW_KEYRING_MAX; yields the size. */
size_t xw_keyring_wrap(const struct xw_keyring *ring, uint32_t key_id, const uint8_t *key,
                       uint8_t *data);
/* A new data key behind the others: -EOVERFLOW there are too many. */
int xw_keyring_add(struct xw_keyring *ring, int64_t now_us) XW_MUST_CHECK;

#endif
