/* A token bucket per name: full with tries_max, filled again within the window. */
#include "center/ratelimit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

struct entry {
    char kind;
    char name[XW_LIMITER_NAME_N];
    double left;
    int64_t at_us;
};

struct xw_limiter {
    const struct xw_clock *clock;
    double max;
    struct entry entries[XW_LIMITER_ENTRIES];
};

int xw_limiter_new(const struct xw_clock *clock, uint32_t tries_max,
                   struct xw_limiter **ret_limiter)
{
    struct xw_limiter *limiter = calloc(1, sizeof(*limiter));
    if (!limiter)
        return -ENOMEM;
    limiter->clock = clock;
    limiter->max = tries_max;
    *ret_limiter = limiter;
    return 0;
}

void xw_limiter_free(struct xw_limiter *limiter)
{
    free(limiter);
}

static void refill(const struct xw_limiter *limiter, struct entry *e, int64_t now_us)
{
    int64_t passed_us = XW_MAX(now_us - e->at_us, INT64_C(0));
    e->left += limiter->max * (double)passed_us / XW_LIMITER_WINDOW_US;
    e->left = XW_MIN(e->left, limiter->max);
    e->at_us = now_us;
}

/* Of an IPv6 address its owner has a whole /64: tries from there are counted together. */
static void network_of(const char *address, char ret_name[XW_LIMITER_NAME_N])
{
    struct in6_addr six;
    char text[INET6_ADDRSTRLEN];
    if (inet_pton(AF_INET6, address, &six) != 1 || IN6_IS_ADDR_V4MAPPED(&six)) {
        snprintf(ret_name, XW_LIMITER_NAME_N, "%s", address);
        return;
    }
    memset(&six.s6_addr[8], 0, 8);
    (void)inet_ntop(AF_INET6, &six, text, sizeof(text));
    snprintf(ret_name, XW_LIMITER_NAME_N, "%s/64", text);
}

static struct entry *find(struct xw_limiter *limiter, char kind, const char *name, int64_t now_us)
{
    struct entry *oldest = &limiter->entries[0];
    char network[XW_LIMITER_NAME_N];
    if (kind == 'a') {
        network_of(name, network);
        name = network;
    }
    size_t n = strnlen(name, sizeof(oldest->name) - 1);
    for (size_t i = 0; i < XW_LIMITER_ENTRIES; i++) {
        struct entry *e = &limiter->entries[i];
        if (e->kind == kind && strncmp(e->name, name, n) == 0 && e->name[n] == 0) {
            refill(limiter, e, now_us);
            return e;
        }
        if (oldest->kind && (!e->kind || e->at_us < oldest->at_us))
            oldest = e;
    }
    *oldest = (struct entry){.kind = kind, .left = limiter->max, .at_us = now_us};
    memcpy(oldest->name, name, n);
    return oldest;
}

bool xw_limiter_try(struct xw_limiter *limiter, char kind, const char *name)
{
    struct entry *e = find(limiter, kind, name, xw_clock_mono(limiter->clock).us);
    if (e->left < 1)
        return false;
    e->left -= 1;
    return true;
}

void xw_limiter_forgive(struct xw_limiter *limiter, char kind, const char *name)
{
    struct entry *e = find(limiter, kind, name, xw_clock_mono(limiter->clock).us);
    e->left = XW_MIN(e->left + 1, limiter->max);
}
