/* One made-up gateway's socket to the county: TCP, TLS with a certificate made for it on the spot,
 * WebSocket. As light as it can be: thousands of them in one process.
 *
 * Threads: one. Errors: negative errno; a wire that failed is closed by its owner.
 */
#ifndef XW_TESTS_CROWD_WIRE_H
#define XW_TESTS_CROWD_WIRE_H

#include "base/base.h"

enum { CROWD_WIRE_MAX_N_BYTES = 16384 };

struct crowd_ca;
struct ssl_st;

struct crowd_wire {
    int fd;
    struct ssl_st *ssl;
    uint8_t *rx;
    size_t rx_n;
};

/* DIR/ca.pem and DIR/authority, as deploy/certs.sh makes them. */
XW_MUST_CHECK int crowd_ca_open(const char *dir, struct crowd_ca **ret_ca);
void crowd_ca_close(struct crowd_ca *ca);

/* Connects to loopback and upgrades; blocks until that is done. */
XW_MUST_CHECK int crowd_wire_open(struct crowd_ca *ca, uint16_t port, const char *id,
                                  struct crowd_wire *ret_wire);
void crowd_wire_close(struct crowd_wire *wire);
/* A whole binary message. */
XW_MUST_CHECK int crowd_wire_send(struct crowd_wire *wire, const void *data, size_t n_bytes);
/* Reads what is there, answers pings, gives on whole messages. */
XW_MUST_CHECK int crowd_wire_receive(struct crowd_wire *wire,
                                     void (*take)(void *user, const uint8_t *data, size_t n_bytes),
                                     void *user);

#endif
