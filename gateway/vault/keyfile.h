/* The key file: key-encrypting keys as text, the present one first.
 *
 *   # comment
 *   xinwang-key 1 ID KEY          ID: 8 hexadecimal digits, not 0; KEY: 64
 *
 * Threads: any; calls block. Ownership: the caller wipes what it parsed (xw_keyfile_wipe).
 * Errors: as vault.h. */
#ifndef XW_VAULT_KEYFILE_H
#define XW_VAULT_KEYFILE_H

#include "vault/vault.h"

enum { XW_KEYFILE_KEYS_MAX = 32, XW_KEYFILE_MAX = 8192 };

struct xw_keyfile {
    size_t n;
    struct xw_keyfile_key {
        uint32_t id;
        uint8_t key[XW_VAULT_KEY_BYTES];
    } keys[XW_KEYFILE_KEYS_MAX];
};

/* -EBADMSG with the number of the line in *ret_line. */
int xw_keyfile_parse(const char *text, size_t size, struct xw_keyfile *ret_file,
                     unsigned *ret_line) XW_MUST_CHECK;
int xw_keyfile_read(const char *path, struct xw_keyfile *ret_file) XW_MUST_CHECK;
/* Whole or not at all, mode 0600, durable. Missing folders above it are made. */
int xw_keyfile_write(const char *path, const struct xw_keyfile *file) XW_MUST_CHECK;
/* A new key in front; the oldest goes when there are too many. */
void xw_keyfile_add(struct xw_keyfile *file);
const uint8_t *xw_keyfile_find(const struct xw_keyfile *file, uint32_t id);
void xw_keyfile_wipe(struct xw_keyfile *file);

#endif
