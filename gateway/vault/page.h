/* Pages of a database and of its logs, each encrypted by itself: XChaCha20-Poly1305 (IETF).
 *
 *   clear bytes, left as they are | encrypted | key id | ~key id | nonce, 24 B | tag, 16 B
 *
 * The last 48 bytes (XW_PAGE_RESERVE) are the database's reserve, zero in memory. The key's id is
 * there twice: an id that is damaged must not pass for a key that is missing. Nonces are 16 random
 * bytes and a count: never the same for two writes. What a page is (file, number) goes into the
 * associated data, so that a page in another one's place is damage. An older version of the same
 * page in its own place is not told from the present one.
 *
 * Threads: a xw_page_nonces belongs to one thread at a time, the rest is pure. */
#ifndef XW_VAULT_PAGE_H
#define XW_VAULT_PAGE_H

#include "vault/vault.h"

enum { XW_PAGE_RESERVE = 48, XW_PAGE_ABOUT_MAX = 64 };

struct xw_page_nonces {
    uint8_t prefix[16];
    uint64_t next;
};
void xw_page_nonces_init(struct xw_page_nonces *nonces);

/* What a page is said to be: bytes that have to be equal when it is opened. */
struct xw_page_about {
    uint8_t bytes[XW_PAGE_ABOUT_MAX];
    size_t n;
};

/* In place; with the vault's present key. The clear bytes must be part of `about`. */
void xw_page_seal(const struct xw_vault *vault, struct xw_page_nonces *nonces,
                  const struct xw_page_about *about, uint8_t *page, size_t size, size_t clear_n);
/* In place; the reserve is zero then. 0; 1 a page of zeros, never written; -EBADMSG damaged, or not
 * this page; -ENOKEY of a key that the vault has not. What failed holds nothing of use. */
int xw_page_open(const struct xw_vault *vault, const struct xw_page_about *about, uint8_t *page,
                 size_t size, size_t clear_n) XW_MUST_CHECK;
/* The key that a reserve names, 0 when it names none. */
uint32_t xw_page_key_of(const uint8_t reserve[XW_PAGE_RESERVE]);

#endif
