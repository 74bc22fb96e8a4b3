/* Files that grow, are cut off and read at any place: 64 bytes of head, then the content through
 * XChaCha20, byte for byte at offset + 64. Encryption only: whoever needs to know that the content
 * is right has a hash of it. A file is told from any other by its head, and says which key it is
 * of; it can be linked, renamed and copied as it is.
 *
 *   "XWFILE1\n" | key id | 0 | nonce, 24 B | 0, 8 B | tag over these, 16 B
 *
 * Small files are encrypted and authenticated as a whole:
 *
 *   "XWNOTE1\n" | key id | 0 | nonce, 24 B | encrypted | tag, 16 B
 *
 * Threads: any; what takes a descriptor blocks. Ownership: a xw_sealed refers to its vault.
 * Errors: -EBADMSG not such a file, or damaged; -ENOKEY of a key that the vault has not, or its
 * head is damaged in more than one place. Where only the key's id is damaged, its key is found. */
#ifndef XW_VAULT_SEALED_H
#define XW_VAULT_SEALED_H

#include "vault/vault.h"

#include <sys/types.h>

enum { XW_SEALED_HEAD = 64 };

struct xw_sealed {
    const uint8_t *key;
    uint32_t key_id;
    uint8_t nonce[XW_VAULT_NONCE_BYTES];
};

/* A new head, with the present key. */
void xw_sealed_make(const struct xw_vault *vault, uint8_t ret_head[XW_SEALED_HEAD],
                    struct xw_sealed *ret_sealed);
int xw_sealed_parse(const struct xw_vault *vault, const uint8_t head[XW_SEALED_HEAD],
                    struct xw_sealed *ret_sealed) XW_MUST_CHECK;
/* Encrypts or decrypts in place what lies at offset of the content. */
void xw_sealed_xor(const struct xw_sealed *sealed, uint64_t offset, void *data, size_t n);

/* The head written into an empty file, or read from one that has it. */
int xw_sealed_begin(const struct xw_vault *vault, int fd,
                    struct xw_sealed *ret_sealed) XW_MUST_CHECK;
int xw_sealed_open(const struct xw_vault *vault, int fd,
                   struct xw_sealed *ret_sealed) XW_MUST_CHECK;
/* Content at an offset; reading yields how much there was. */
int xw_sealed_pwrite(const struct xw_sealed *sealed, int fd, uint64_t offset, const void *data,
                     size_t n) XW_MUST_CHECK;
ssize_t xw_sealed_pread(const struct xw_sealed *sealed, int fd, uint64_t offset, void *data,
                        size_t n) XW_MUST_CHECK;
int xw_sealed_cut(int fd, uint64_t content_n) XW_MUST_CHECK;
/* Bytes of content in a file of this size. */
static inline uint64_t xw_sealed_content(uint64_t file_n)
{
    return file_n > XW_SEALED_HEAD ? file_n - XW_SEALED_HEAD : 0;
}

/* Small files: written whole or not at all, durable (xw_file_write_atomic). The caller frees. */
int xw_sealed_note_write(const struct xw_vault *vault, const char *path, const void *data, size_t n,
                         mode_t mode) XW_MUST_CHECK;
int xw_sealed_note_read(const struct xw_vault *vault, const char *path, size_t max_n,
                        uint8_t **ret_data, size_t *ret_n) XW_MUST_CHECK;

#endif
