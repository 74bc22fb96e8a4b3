/* The keys of a store's folder, for an administrator's tool: which there are, what still uses them,
 * new ones.
 *
 * Threads: calls block; not on a loop. Errors: as vault/vault.h, and -EBUSY: the store is open, or
 * somebody copies it. */
#ifndef XW_STORE_KEYS_H
#define XW_STORE_KEYS_H

#include "base/base.h"
#include "vault/vault.h"

struct xw_store_key {
    uint32_t id;
    int64_t made_us; /* wall clock */
    bool present;    /* what is written from now on is written with it */
    uint64_t pages, files;
};
struct xw_store_keys {
    uint32_t wrapped_by;
    struct xw_store_key keys[XW_VAULT_KEYS_MAX];
    size_t n;
    uint64_t unknown; /* pages and files of keys that the keyring has not */
};
/* Looks at the end of every page and the head of every file: a running daemon may go on meanwhile,
 * the counts are then of no one instant. */
XW_MUST_CHECK int xw_store_keys_show(const char *dir, const char *key_file,
                                     struct xw_store_keys *ret_keys);

/* A new key-encrypting key and a new data key (xw_vault_rotate). */
XW_MUST_CHECK int xw_store_keys_rotate(const char *dir, const char *key_file, bool forget);

/* Everything that is of another key than the present one is written again with it, a file at a time
 * beside the old one, which it replaces; data keys that nothing uses any more go out of the
 * keyring. A crash leaves every file old or new. Days that were sealed are sealed again by the next
 * start. Needs room for the largest file. What was put aside (.bad-) stays as it is, and keeps its
 * key. progress: after each file that was written. Fault points: store.rekey.file,
 * store.rekey.named. */
struct xw_store_rewrite {
    uint64_t files, bytes; /* written again */
    size_t keys_dropped;
};
XW_MUST_CHECK int xw_store_keys_rewrite(const char *dir, const char *key_file,
                                        void (*progress)(void *user,
                                                         const struct xw_store_rewrite *so_far),
                                        void *user, struct xw_store_rewrite *ret_done);

#endif
