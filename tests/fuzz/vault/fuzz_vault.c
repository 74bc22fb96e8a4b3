/* The first byte says which reader: a keyring as it is, the inside of a keyring under a right tag,
 * a key file, a page. What is taken is written and read again to the same. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "vault/keyfile.h"
#include "vault/keyring.h"
#include "vault/page.h"

static const uint8_t key[XW_VAULT_KEY_BYTES] = {42};

static void again(const struct xw_keyring *ring)
{
    uint8_t data[XW_KEYRING_MAX];
    struct xw_keyring other = {0};
    size_t n = xw_keyring_wrap(ring, 7, key, data);
    assert(xw_keyring_unwrap(data, n, key, &other) == 0);
    assert(ring->n == other.n);
    for (size_t i = 0; i < ring->n; i++)
        assert(ring->keys[i].id == other.keys[i].id &&
               ring->keys[i].made_us == other.keys[i].made_us &&
               memcmp(ring->keys[i].key, other.keys[i].key, XW_VAULT_KEY_BYTES) == 0);
}

static void keyring(const uint8_t *data, size_t n)
{
    struct xw_keyring ring = {0};
    uint32_t id;
    int r = xw_keyring_wrapped_by(data, n, &id);
    if (xw_keyring_unwrap(data, n, key, &ring) == 0) {
        assert(r == 0 && id != 0);
        again(&ring);
    }
}

/* Only who has the key can make these; what they say is checked all the same. */
static void inside(const uint8_t *data, size_t n)
{
    uint8_t whole[XW_KEYRING_MAX] = "XWKEYRNG";
    struct xw_keyring ring = {0};
    size_t entries = n / XW_KEYRING_ENTRY;
    unsigned long long size = 0;
    if (entries > XW_VAULT_KEYS_MAX)
        return;
    whole[8] = 1;
    whole[12] = 7;
    whole[16] = (uint8_t)entries;
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(whole + XW_KEYRING_HEAD, &size, data,
                                                     entries * XW_KEYRING_ENTRY, whole, 24, NULL,
                                                     whole + 24, key);
    if (xw_keyring_unwrap(whole, XW_KEYRING_HEAD + (size_t)size, key, &ring) == 0)
        again(&ring);
}

static void keyfile(const uint8_t *data, size_t n)
{
    struct xw_keyfile file = {0};
    unsigned line = 0;
    if (xw_keyfile_parse((const char *)data, n, &file, &line) < 0)
        return;
    assert(file.n > 0 && file.n <= XW_KEYFILE_KEYS_MAX);
    for (size_t i = 0; i < file.n; i++)
        assert(file.keys[i].id != 0 && xw_keyfile_find(&file, file.keys[i].id) == file.keys[i].key);
}

static void page(const uint8_t *data, size_t n)
{
    if (n >= XW_PAGE_RESERVE)
        (void)xw_page_key_of(data + n - XW_PAGE_RESERVE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const uint8_t *, size_t) = {keyring, inside, keyfile, page};
    if (size < 1 || sodium_init() < 0)
        return 0;
    uint8_t *exact = malloc(size > 1 ? size - 1 : 1); /* a read too far is seen */
    if (!exact)
        return 0;
    memcpy(exact, data + 1, size - 1);
    readers[data[0] % XW_ARRAY_N(readers)](exact, size - 1);
    free(exact);
    return 0;
}
