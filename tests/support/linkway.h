/* One direction of a link that is not good: a rate with a queue that fills, a delay that varies,
 * losses alone and in bursts, a hole that swallows everything. For the link laboratory.
 *
 * A packet waits for the wire, takes its time on it, and flies for the delay. What happens to the
 * n-th packet (lost? how late?) follows from the seed and n alone, so a run with the same seed
 * treats its packets alike, whatever their times are.
 * Threads: pure. Units: bit/s, µs (any monotonic clock), parts per million. Ownership: packets
 * are the way's until they are taken.
 */
#ifndef XW_TESTS_LINKWAY_H
#define XW_TESTS_LINKWAY_H

#include "base/base.h"

enum { LINKWAY_PACKETS_MAX = 65536, LINKWAY_QUEUE_MIN_N_BYTES = 3000 };

struct linkway_plan {
    int64_t rate;      /* bit/s; 0: any */
    int64_t buffer_us; /* what may wait for the wire, in time at the rate; two packets always may */
    int64_t delay_us, jitter_us; /* jitter: evenly between -jitter and +jitter, never below 0 */
    bool reorder;                /* packets may overtake; else a late one holds up those behind */
    int64_t loss_ppm;            /* of single packets */
    int64_t burst_ppm;           /* a packet begins a burst, in which all are lost; */
    int64_t burst_n;             /* so many on average */
    bool hole;                   /* everything is swallowed, what flies too */
};

struct linkway_packet {
    struct linkway_packet *next;
    int64_t at_us; /* came; then: is delivered */
    uint64_t n;
    bool lost;
    size_t size;
    uint8_t data[];
};
struct linkway_list {
    struct linkway_packet *head, **tail;
};

struct linkway_stats {
    uint64_t came_n, passed_n, passed_bytes;
    uint64_t full_n, lost_n, burst_n, hole_n; /* dropped: queue full, single, in a burst, hole */
    uint64_t overtaken_n;                     /* delivered after one that came later */
};

struct linkway {
    struct linkway_plan plan;
    uint64_t seed;
    struct linkway_list waiting, flying;
    size_t waiting_bytes, packets_n, peak_bytes;
    int64_t free_us, last_us; /* the wire is free from then on; the last delivery is due */
    uint64_t last_n;          /* highest number delivered */
    bool bursting;
    struct linkway_stats stats;
};

/* The seed also tells the two directions of a link apart. */
void linkway_init(struct linkway *way, uint64_t seed);
void linkway_done(struct linkway *way);
/* A packet came; copied. */
void linkway_put(struct linkway *way, int64_t now_us, const void *data, size_t size);
/* The next packet whose time has come (the caller frees it), or NULL. */
struct linkway_packet *linkway_take(struct linkway *way, int64_t now_us);
/* When to look again; INT64_MAX: nothing is on its way. */
int64_t linkway_due_us(const struct linkway *way);
/* How long what waits needs at the rate; and the most of it since the last call. */
int64_t linkway_queue_us(const struct linkway *way);
int64_t linkway_peak_us(struct linkway *way);

#endif
