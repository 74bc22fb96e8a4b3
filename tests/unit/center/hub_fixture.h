/* A hub with a fake clock and fake sockets: what a browser would have received, decoded. */
#ifndef XW_TESTS_CENTER_HUB_FIXTURE_H
#define XW_TESTS_CENTER_HUB_FIXTURE_H

#include "center/hub.h"

enum { FIXTURE_RATE_HZ = 500, FIXTURE_BLOCK = 20, FIXTURE_CHANNELS = 2 };

struct fixture {
    struct xw_clock clock;
    struct xw_hub *hub;
    struct xw_ranges known;
    uint32_t wakes_n, keys_n;
    bool wanted; /* pictures, as last told */
};

void fixture_init(struct fixture *f);
void fixture_done(struct fixture *f);
struct xw_uuid fixture_id(uint8_t n);
/* Opens stream n of gateway "gw" at this site. */
void fixture_stream(struct fixture *f, uint8_t n, const char *site);
/* One block of FIXTURE_BLOCK samples at first; time goes on by as much. */
void fixture_block(struct fixture *f, uint8_t n, uint64_t first, bool live);
/* The next message of a socket: NULL when there is none. Free with xw__live_message__free_unpacked.
 */
Xw__LiveMessage *fixture_next(struct xw_hub_socket *socket);
/* Reads until there is nothing; returns how many messages of this kind came. */
size_t fixture_drain(struct xw_hub_socket *socket, Xw__LiveMessage__BodyCase kind);

#endif
