/* Encryption of pages. */
#include "vault/page.h"

#include <sodium.h>
#include <string.h>

enum { AT_ID = 0, AT_NOT_ID = 4, AT_NONCE = 8, AT_TAG = 32 };

static void put_u32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void xw_page_nonces_init(struct xw_page_nonces *nonces)
{
    randombytes_buf(nonces->prefix, sizeof nonces->prefix);
    nonces->next = 0;
}

void xw_page_seal(const struct xw_vault *vault, struct xw_page_nonces *nonces,
                  const struct xw_page_about *about, uint8_t *page, size_t size, size_t clear_n)
{
    uint8_t *reserve = page + size - XW_PAGE_RESERVE, *from = page + clear_n;
    uint32_t id = xw_vault_present(vault);
    uint64_t count = nonces->next++;
    put_u32(reserve + AT_ID, id);
    put_u32(reserve + AT_NOT_ID, ~id);
    memcpy(reserve + AT_NONCE, nonces->prefix, sizeof nonces->prefix);
    put_u32(reserve + AT_NONCE + 16, (uint32_t)count);
    put_u32(reserve + AT_NONCE + 20, (uint32_t)(count >> 32));
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
        from, reserve + AT_TAG, NULL, from, (unsigned long long)(reserve - from), about->bytes,
        about->n, NULL, reserve + AT_NONCE, xw_vault_page_key(vault, id));
}

uint32_t xw_page_key_of(const uint8_t reserve[XW_PAGE_RESERVE])
{
    uint32_t id = get_u32(reserve + AT_ID);
    return id == ~get_u32(reserve + AT_NOT_ID) ? id : 0;
}

int xw_page_open(const struct xw_vault *vault, const struct xw_page_about *about, uint8_t *page,
                 size_t size, size_t clear_n)
{
    uint8_t *reserve = page + size - XW_PAGE_RESERVE, *from = page + clear_n;
    uint32_t id = xw_page_key_of(reserve);
    if (id == 0)
        return sodium_is_zero(page, size) ? 1 : -EBADMSG;
    const uint8_t *key = xw_vault_page_key(vault, id);
    if (key == NULL)
        return -ENOKEY;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
            from, NULL, from, (unsigned long long)(reserve - from), reserve + AT_TAG, about->bytes,
            about->n, reserve + AT_NONCE, key) != 0)
        return -EBADMSG;
    memset(reserve, 0, XW_PAGE_RESERVE);
    return 0;
}
