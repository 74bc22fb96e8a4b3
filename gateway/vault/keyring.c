/* Wrapping and unwrapping. */
#include "vault/keyring.h"

#include <sodium.h>
#include <string.h>

enum { VERSION = 1, CLEAR = 24 };
static const char magic[] = "XWKEYRNG";

static void put_u32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The number of entries, or -EBADMSG. */
static int check_head(const uint8_t *data, size_t size)
{
    if (size < XW_KEYRING_HEAD || memcmp(data, magic, 8) != 0 || get_u32(data + 8) != VERSION ||
        get_u32(data + 12) == 0 || get_u32(data + 20) != 0)
        return -EBADMSG;
    uint32_t n = get_u32(data + 16);
    if (n == 0 || n > XW_VAULT_KEYS_MAX ||
        size != XW_KEYRING_HEAD + (size_t)n * XW_KEYRING_ENTRY + XW_KEYRING_TAG)
        return -EBADMSG;
    return (int)n;
}

int xw_keyring_wrapped_by(const uint8_t *data, size_t size, uint32_t *ret_id)
{
    int n = check_head(data, size);
    if (n < 0)
        return n;
    *ret_id = get_u32(data + 12);
    return 0;
}

static bool has(const struct xw_keyring *ring, uint32_t id)
{
    for (size_t i = 0; i < ring->n; i++)
        if (ring->keys[i].id == id)
            return true;
    return false;
}

static int take_entry(struct xw_keyring *ring, const uint8_t *p)
{
    struct xw_keyring_key *key = &ring->keys[ring->n];
    key->id = get_u32(p);
    if (key->id == 0 || get_u32(p + 4) != 0 || has(ring, key->id))
        return -EBADMSG;
    key->made_us = (int64_t)((uint64_t)get_u32(p + 12) << 32 | get_u32(p + 8));
    memcpy(key->key, p + 16, sizeof key->key);
    ring->n++;
    return 0;
}

int xw_keyring_unwrap(const uint8_t *data, size_t size, const uint8_t *key,
                      struct xw_keyring *ret_ring)
{
    uint8_t plain[XW_VAULT_KEYS_MAX * XW_KEYRING_ENTRY];
    struct xw_keyring ring = {0};
    int n = check_head(data, size);
    if (n < 0)
        return n;
    int r = crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, data + XW_KEYRING_HEAD,
                                                       size - XW_KEYRING_HEAD, data, CLEAR,
                                                       data + CLEAR, key) == 0
                ? 0
                : -EKEYREJECTED;
    for (int i = 0; r == 0 && i < n; i++)
        r = take_entry(&ring, plain + (size_t)i * XW_KEYRING_ENTRY);
    if (r == 0)
        *ret_ring = ring;
    sodium_memzero(&ring, sizeof ring);
    sodium_memzero(plain, sizeof plain);
    return r;
}

size_t xw_keyring_wrap(const struct xw_keyring *ring, uint32_t key_id, const uint8_t *key,
                       uint8_t *data)
{
    uint8_t plain[XW_VAULT_KEYS_MAX * XW_KEYRING_ENTRY] = {0};
    unsigned long long size = 0;
    memcpy(data, magic, 8);
    put_u32(data + 8, VERSION);
    put_u32(data + 12, key_id);
    put_u32(data + 16, (uint32_t)ring->n);
    put_u32(data + 20, 0);
    randombytes_buf(data + CLEAR, XW_VAULT_NONCE_BYTES);
    for (size_t i = 0; i < ring->n; i++) {
        uint8_t *p = plain + i * XW_KEYRING_ENTRY;
        uint64_t made = (uint64_t)ring->keys[i].made_us;
        put_u32(p, ring->keys[i].id);
        put_u32(p + 8, (uint32_t)made);
        put_u32(p + 12, (uint32_t)(made >> 32));
        memcpy(p + 16, ring->keys[i].key, XW_VAULT_KEY_BYTES);
    }
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(data + XW_KEYRING_HEAD, &size, plain,
                                                     ring->n * XW_KEYRING_ENTRY, data, CLEAR, NULL,
                                                     data + CLEAR, key);
    sodium_memzero(plain, sizeof plain);
    return XW_KEYRING_HEAD + (size_t)size;
}

int xw_keyring_add(struct xw_keyring *ring, int64_t now_us)
{
    if (ring->n == XW_VAULT_KEYS_MAX)
        return -EOVERFLOW;
    struct xw_keyring_key *key = &ring->keys[ring->n];
    do
        key->id = randombytes_random();
    while (key->id == 0 || has(ring, key->id));
    key->made_us = now_us;
    randombytes_buf(key->key, sizeof key->key);
    ring->n++;
    return 0;
}
