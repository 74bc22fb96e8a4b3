/* A model of a narrow uplink for tests of the pacing: two TCP senders share one queue of a given
 * rate and length; acknowledgements come back after the delay, some of them late. Coarse (1 ms),
 * seeded, no clock but the one it is stepped with.
 *
 * Each sender: congestion window with slow start and halving on loss, smoothed round trip, a short
 * buffer of what the kernel took and did not send. Single thread. Units: bytes, µs, bytes/s. */
#ifndef XW_TESTS_BOTTLENECK_H
#define XW_TESTS_BOTTLENECK_H

#include "base/base.h"
#include "link/pace.h"

enum { NECK_SOCKETS_N = 2, NECK_SEGMENT = 1448 };

struct neck_packet {
    struct neck_packet *next;
    unsigned socket;
    size_t n_bytes;
    int64_t sent_us, due_us;
};
struct neck_list {
    struct neck_packet *head, **tail;
};
struct neck_socket {
    uint64_t written, unsent, flying, acked; /* written = acked + flying + unsent */
    uint64_t delivered;
    double cwnd, ssthresh, budget;
    int64_t halved_us;
    uint32_t rtt_us, base_rtt_us, segments_n, resent_n;
    uint64_t pacing; /* UINT64_MAX: none */
};
struct neck {
    uint64_t rate;
    int64_t delay_us, buffer_us, now_us;
    uint64_t random, queue_n_bytes;
    double credit;
    struct neck_list queue, flying, acks;
    struct neck_socket socket[NECK_SOCKETS_N];
    uint64_t dropped_n;
};

void neck_init(struct neck *neck, uint64_t rate, int64_t delay_us, int64_t buffer_us,
               uint64_t seed);
void neck_done(struct neck *neck);
uint64_t neck_random(struct neck *neck, uint64_t below);
/* The kernel takes more of this socket. */
bool neck_writable(const struct neck *neck, unsigned socket);
void neck_write(struct neck *neck, unsigned socket, size_t n_bytes);
/* A millisecond passes. */
void neck_step(struct neck *neck);
struct xw_pace_measure neck_measure(const struct neck *neck, unsigned socket);
int64_t neck_queue_us(const struct neck *neck);

#endif
