/* The addresses of the far side of a test link; see linknat.h. */
#include "linknat.h"

#include <string.h>

enum { IP_TCP = 6, IP_UDP = 17, AT_SOURCE = 12, AT_DESTINATION = 16, TCP_SYN = 2, TCP_ACK = 16 };

void linknat_init(struct linknat *nat, uint32_t own, uint32_t public_first)
{
    *nat = (struct linknat){.own = own, .public_first = public_first};
}

int linknat_change(struct linknat *nat, uint32_t own)
{
    if (nat->changes_n >= LINKNAT_CHANGES_MAX)
        return -EOVERFLOW;
    nat->changes_n++;
    nat->own = own;
    memset(nat->made_at, 0, sizeof(nat->made_at));
    return 0;
}

static uint32_t get(const uint8_t *at, size_t n)
{
    uint32_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | at[i];
    return value;
}

static void put(uint8_t *at, size_t n, uint32_t value)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
}

/* RFC 1624, equation 3. */
static void patch_sum(uint8_t *sum, uint32_t before, uint32_t after)
{
    uint32_t x = ~get(sum, 2) & 0xffff;
    x += (~before & 0xffff) + (~(before >> 16) & 0xffff) + (after & 0xffff) + (after >> 16);
    while (x >> 16)
        x = (x & 0xffff) + (x >> 16);
    put(sum, 2, ~x & 0xffff);
}

/* Length of the IP header; 0: not IPv4, or too short for the ports that follow. */
static size_t header_n(const uint8_t *packet, size_t size)
{
    if (size < 20 || packet[0] >> 4 != 4)
        return 0;
    size_t n = (size_t)(packet[0] & 15) * 4;
    size_t needs = packet[9] == IP_TCP ? 20 : packet[9] == IP_UDP ? 8 : 0;
    return n >= 20 && size >= n + needs ? n : 0;
}

static void set_address(uint8_t *packet, size_t header, size_t at, uint32_t address)
{
    uint32_t before = get(packet + at, 4);
    put(packet + at, 4, address);
    patch_sum(packet + 10, before, address);
    if (packet[9] == IP_TCP)
        patch_sum(packet + header + 16, before, address);
    else if (packet[9] == IP_UDP && get(packet + header + 6, 2))
        patch_sum(packet + header + 6, before, address);
}

bool linknat_out(struct linknat *nat, uint8_t *packet, size_t size)
{
    size_t header = header_n(packet, size);
    if (!header || get(packet + AT_SOURCE, 4) != nat->own)
        goto vanish;
    if (packet[9] == IP_TCP) {
        uint8_t *made_at = &nat->made_at[get(packet + header, 2)];
        if ((packet[header + 13] & (TCP_SYN | TCP_ACK)) == TCP_SYN)
            *made_at = (uint8_t)(nat->changes_n + 1);
        if (!*made_at)
            goto vanish;
    }
    set_address(packet, header, AT_SOURCE, nat->public_first + nat->changes_n);
    return true;
vanish:
    nat->stale_n++;
    return false;
}

bool linknat_in(struct linknat *nat, uint8_t *packet, size_t size)
{
    size_t header = header_n(packet, size);
    bool ours = header && get(packet + AT_DESTINATION, 4) == nat->public_first + nat->changes_n &&
                (packet[9] != IP_TCP || nat->made_at[get(packet + header + 2, 2)]);
    if (ours)
        set_address(packet, header, AT_DESTINATION, nat->own);
    else
        nat->stale_n++;
    return ours;
}
