/* Who waits at a port; see guests.h. */
#include "link/guests.h"

#include <sodium.h>
#include <string.h>

#include "link/tls.h"

void xw_guests_init(struct xw_guests *g, size_t max)
{
    memset(g, 0, sizeof(*g));
    g->max = XW_MIN(XW_MAX(max, (size_t)1), (size_t)XW_GUESTS_MAX);
    randombytes_buf(g->key, sizeof(g->key));
}

void xw_guests_expect_text(struct xw_guests *g, const char *address)
{
    uint8_t hash[crypto_shorthash_BYTES];
    _Static_assert(sizeof(g->key) == crypto_shorthash_KEYBYTES, "SipHash");
    crypto_shorthash(hash, (const uint8_t *)address, strlen(address), g->key);
    g->next = (hash[0] | (uint32_t)hash[1] << 8) % XW_GUESTS_BUCKETS;
}

void xw_guests_expect(struct xw_guests *g, int fd)
{
    char address[64];
    xw_tls_address(fd, address, sizeof(address));
    xw_guests_expect_text(g, address);
}

static const void *take_out(struct xw_guests *g, size_t i)
{
    const void *socket = g->v[i].socket;
    g->waiting[g->v[i].bucket]--;
    g->n--;
    memmove(&g->v[i], &g->v[i + 1], (g->n - i) * sizeof(g->v[0]));
    return socket;
}

const void *xw_guests_came(struct xw_guests *g, const void *socket)
{
    g->v[g->n++] = (struct xw_guest){socket, g->next};
    g->waiting[g->next]++;
    if (g->n <= g->max)
        return NULL;
    size_t worst = 0;
    for (size_t i = 1; i < g->n; i++)
        if (g->waiting[g->v[i].bucket] > g->waiting[g->v[worst].bucket])
            worst = i;
    return take_out(g, worst);
}

void xw_guests_went(struct xw_guests *g, const void *socket)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->v[i].socket == socket) {
            (void)take_out(g, i);
            return;
        }
}
