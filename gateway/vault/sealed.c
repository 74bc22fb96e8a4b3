/* Encrypted files. */
#include "vault/sealed.h"

#include "base/file.h"

#include <sodium.h>
#include <string.h>

enum { AT_ID = 8, AT_NONCE = 16, AT_TAG = 48, NOTE_HEAD = 40, TAG = 16, BLOCK = 64, PIECE = 65536 };
static const char file_magic[] = "XWFILE1\n", note_magic[] = "XWNOTE1\n";

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void start_head(const struct xw_vault *vault, const char *magic, uint8_t *head)
{
    uint32_t id = xw_vault_present(vault);
    memcpy(head, magic, 8);
    for (unsigned i = 0; i < 8; i++)
        head[AT_ID + i] = i < 4 ? (uint8_t)(id >> (8 * i)) : 0;
    randombytes_buf(head + AT_NONCE, XW_VAULT_NONCE_BYTES);
}

/* ---- large files ---- */

void xw_sealed_make(const struct xw_vault *vault, uint8_t ret_head[XW_SEALED_HEAD],
                    struct xw_sealed *ret_sealed)
{
    start_head(vault, file_magic, ret_head);
    memset(ret_head + AT_NONCE + XW_VAULT_NONCE_BYTES, 0, 8);
    uint32_t id = xw_vault_present(vault);
    uint8_t nothing[1] = {0};
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
        nothing, ret_head + AT_TAG, NULL, nothing, 0, ret_head, AT_TAG, NULL, ret_head + AT_NONCE,
        xw_vault_page_key(vault, id));
    *ret_sealed = (struct xw_sealed){.key = xw_vault_file_key(vault, id), .key_id = id};
    memcpy(ret_sealed->nonce, ret_head + AT_NONCE, sizeof ret_sealed->nonce);
}

/* Whether the head is whole once it names this key. */
static bool is_of(const struct xw_vault *vault, const uint8_t head[XW_SEALED_HEAD], uint32_t id)
{
    uint8_t about[AT_TAG], nothing[1] = {0};
    memcpy(about, head, sizeof about);
    for (unsigned i = 0; i < 4; i++)
        about[AT_ID + i] = (uint8_t)(id >> (8 * i));
    return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
               nothing, NULL, nothing, 0, head + AT_TAG, about, sizeof about, head + AT_NONCE,
               xw_vault_page_key(vault, id)) == 0;
}

int xw_sealed_parse(const struct xw_vault *vault, const uint8_t head[XW_SEALED_HEAD],
                    struct xw_sealed *ret_sealed)
{
    if (memcmp(head, file_magic, 8) != 0)
        return -EBADMSG;
    uint32_t id = get_u32(head + AT_ID);
    bool known = xw_vault_page_key(vault, id) != NULL, whole = known && is_of(vault, head, id);
    /* A flipped bit in the name of the key is neither another key nor the end of the file: the tag
     * says whose it is. */
    for (size_t i = xw_vault_keys_n(vault); !whole && i-- > 0;) {
        int64_t made_us;
        id = xw_vault_key_id(vault, i, &made_us);
        whole = is_of(vault, head, id);
    }
    if (!whole)
        return known ? -EBADMSG : -ENOKEY;
    *ret_sealed = (struct xw_sealed){.key = xw_vault_file_key(vault, id), .key_id = id};
    memcpy(ret_sealed->nonce, head + AT_NONCE, sizeof ret_sealed->nonce);
    return 0;
}

void xw_sealed_xor(const struct xw_sealed *sealed, uint64_t offset, void *data, size_t n)
{
    uint8_t *p = data, block[BLOCK];
    size_t within = (size_t)(offset % BLOCK);
    if (within > 0 && n > 0) { /* the rest of a block that begins before */
        size_t some = XW_MIN(n, BLOCK - within);
        memset(block, 0, sizeof block);
        memcpy(block + within, p, some);
        (void)crypto_stream_xchacha20_xor_ic(block, block, BLOCK, sealed->nonce, offset / BLOCK,
                                             sealed->key);
        memcpy(p, block + within, some);
        sodium_memzero(block, sizeof block);
        p += some;
        n -= some;
        offset += some;
    }
    if (n > 0)
        (void)crypto_stream_xchacha20_xor_ic(p, p, n, sealed->nonce, offset / BLOCK, sealed->key);
}

static int pwrite_all(int fd, uint64_t offset, const uint8_t *data, size_t n)
{
    while (n > 0) {
        ssize_t done = pwrite(fd, data, n, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? -errno : -EIO;
        data += done;
        n -= (size_t)done;
        offset += (uint64_t)done;
    }
    return 0;
}

static ssize_t pread_all(int fd, uint64_t offset, uint8_t *data, size_t n)
{
    size_t used = 0;
    while (used < n) {
        ssize_t done = pread(fd, data + used, n - used, (off_t)(offset + used));
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        if (done == 0)
            break;
        used += (size_t)done;
    }
    return (ssize_t)used;
}

int xw_sealed_begin(const struct xw_vault *vault, int fd, struct xw_sealed *ret_sealed)
{
    uint8_t head[XW_SEALED_HEAD];
    struct xw_sealed sealed;
    xw_sealed_make(vault, head, &sealed);
    int r = pwrite_all(fd, 0, head, sizeof head);
    if (r == 0)
        *ret_sealed = sealed;
    return r;
}

int xw_sealed_open(const struct xw_vault *vault, int fd, struct xw_sealed *ret_sealed)
{
    uint8_t head[XW_SEALED_HEAD];
    ssize_t n = pread_all(fd, 0, head, sizeof head);
    if (n < 0)
        return (int)n;
    return n < XW_SEALED_HEAD ? -EBADMSG : xw_sealed_parse(vault, head, ret_sealed);
}

int xw_sealed_pwrite(const struct xw_sealed *sealed, int fd, uint64_t offset, const void *data,
                     size_t n)
{
    const uint8_t *p = data;
    xw_autofree uint8_t *piece = malloc(XW_MIN(n, (size_t)PIECE) + 1);
    int r = piece == NULL ? -ENOMEM : 0;
    while (r == 0 && n > 0) {
        size_t some = XW_MIN(n, (size_t)PIECE);
        memcpy(piece, p, some);
        xw_sealed_xor(sealed, offset, piece, some);
        r = pwrite_all(fd, offset + XW_SEALED_HEAD, piece, some);
        p += some;
        n -= some;
        offset += some;
    }
    return r;
}

ssize_t xw_sealed_pread(const struct xw_sealed *sealed, int fd, uint64_t offset, void *data,
                        size_t n)
{
    ssize_t done = pread_all(fd, offset + XW_SEALED_HEAD, data, n);
    if (done > 0)
        xw_sealed_xor(sealed, offset, data, (size_t)done);
    return done;
}

int xw_sealed_cut(int fd, uint64_t content_n)
{
    return ftruncate(fd, (off_t)(content_n + XW_SEALED_HEAD)) < 0 ? -errno : 0;
}

/* ---- small files ---- */

int xw_sealed_note_write(const struct xw_vault *vault, const char *path, const void *data, size_t n,
                         mode_t mode)
{
    xw_autofree uint8_t *bytes = malloc(NOTE_HEAD + n + TAG);
    if (bytes == NULL)
        return -ENOMEM;
    start_head(vault, note_magic, bytes);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        bytes + NOTE_HEAD, NULL, data, n, bytes, NOTE_HEAD, NULL, bytes + AT_NONCE,
        xw_vault_page_key(vault, xw_vault_present(vault)));
    return xw_file_write_atomic(path, bytes, NOTE_HEAD + n + TAG, mode);
}

int xw_sealed_note_read(const struct xw_vault *vault, const char *path, size_t max_n,
                        uint8_t **ret_data, size_t *ret_n)
{
    xw_autofree uint8_t *bytes = NULL, *data = NULL;
    size_t n = 0;
    int r = xw_file_read(path, max_n + NOTE_HEAD + TAG, &bytes, &n);
    if (r < 0)
        return r;
    if (n < NOTE_HEAD + TAG || memcmp(bytes, note_magic, 8) != 0)
        return -EBADMSG;
    const uint8_t *key = xw_vault_page_key(vault, get_u32(bytes + AT_ID));
    data = malloc(n - NOTE_HEAD - TAG + 1);
    if (key == NULL || data == NULL)
        return key == NULL ? -ENOKEY : -ENOMEM;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(data, NULL, NULL, bytes + NOTE_HEAD,
                                                   n - NOTE_HEAD, bytes, NOTE_HEAD,
                                                   bytes + AT_NONCE, key) != 0)
        return -EBADMSG;
    *ret_data = XW_STEAL(data);
    *ret_n = n - NOTE_HEAD - TAG;
    return 0;
}
