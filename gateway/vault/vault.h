/* The keys of one data folder (a spool, an archive).
 *
 * A data key encrypts pages and files (page.h, sealed.h). Data keys lie in the folder's keyring,
 * wrapped by a key-encrypting key that is in a key file elsewhere: who has the folder alone, or a
 * copy of it, can read nothing; who has an old key file can open no keyring that was wrapped anew.
 * Each page and file names its data key, so several may be in use; the last one is for what is
 * written from now on.
 *
 * DIR/keyring and DIR/keyring.copy are the same bytes (keyring.h): one of them may be damaged.
 * A key file is text (keyfile.h), mode 0600, made at the first start.
 *
 * Threads: an open vault never changes; any thread may use it. Ownership: it must live as long as
 * whatever was made from it. Keys are in locked memory that is left out of core dumps and wiped.
 * Errors: -ENOKEY there is no key file, or it has not the key, or a data key is missing;
 * -EKEYREJECTED the key file has a key of this name that does not open the keyring; -EACCES others
 * than its owner can read the key file; -EBADMSG a key file or keyring that is none; -ENOENT no
 * keyring; xw_vault_explain says it in a sentence. */
#ifndef XW_VAULT_VAULT_H
#define XW_VAULT_VAULT_H

#include "base/base.h"

enum { XW_VAULT_KEY_BYTES = 32, XW_VAULT_KEYS_MAX = 64, XW_VAULT_NONCE_BYTES = 24 };

struct xw_vault;

enum xw_vault_as {
    XW_VAULT_READER, /* writes nothing: the folder is somebody else's */
    XW_VAULT_OWNER,  /* a copy of the keyring that is missing or damaged is made again */
    XW_VAULT_NEW,    /* the folder holds nothing yet: keyring and key file are made when missing */
};
int xw_vault_open(const char *dir, const char *key_file, enum xw_vault_as as,
                  struct xw_vault **ret_vault) XW_MUST_CHECK;
void xw_vault_free(struct xw_vault *vault);

/* The key-encrypting key that the keyring is wrapped with. */
uint32_t xw_vault_wrapped_by(const struct xw_vault *vault);
/* Data keys, oldest first; the last one is the present one. */
size_t xw_vault_keys_n(const struct xw_vault *vault);
uint32_t xw_vault_key_id(const struct xw_vault *vault, size_t at, int64_t *ret_made_us);
uint32_t xw_vault_present(const struct xw_vault *vault);
/* 32 bytes each, NULL when the vault has no such key: of pages and small files; of large files. */
const uint8_t *xw_vault_page_key(const struct xw_vault *vault, uint32_t id);
const uint8_t *xw_vault_file_key(const struct xw_vault *vault, uint32_t id);

/* The keyring as it is, into another folder (a backup). Durable when it returns 0. */
int xw_vault_copy(const char *dir, const char *to) XW_MUST_CHECK;

/* Nobody may have the folder open. A new key-encrypting key and a new data key:
 *   1 the key file gets the new key beside the old ones
 *   2 the keyring is wrapped by the new one, with a new data key; then its copy
 *   3 with `forget`, the old ones go out of the key file
 * Each step is a file replaced whole; after a crash between them the key file opens what is there,
 * and the same call begins anew. Without `forget` copies made before stay readable with this key
 * file. Fault points: vault.rotate.key, vault.rotate.ring, vault.rotate.copy. */
int xw_vault_rotate(const char *dir, const char *key_file, bool forget) XW_MUST_CHECK;
/* Takes data keys out of the keyring that `in_use` says no to; never the present one. */
int xw_vault_prune(const char *dir, const char *key_file, bool (*in_use)(void *user, uint32_t id),
                   void *user, size_t *ret_dropped_n) XW_MUST_CHECK;

/* Of two paths as they are written: the key file is named and does not lie in the folder. */
bool xw_vault_is_outside(const char *key_file, const char *dir);

/* What an error of this header means, for people; NULL: not one of them. */
const char *xw_vault_explain(int error);

#endif
