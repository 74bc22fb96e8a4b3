/* The peer's wall clock against our own clock that nobody sets (CLOCK_BOOTTIME): offset, drift, and
 * how far both can be wrong.
 *
 * Each exchange bounds the truth: a request was received after it left, an answer left before it
 * came. So what was received lies above the line of the peer's clock by the delay of the way there,
 * and what was sent back below it by the delay of the way back. The line runs midway between the
 * lower hull of the first and the upper hull of the second, each from its own quickest messages,
 * over half an hour: jitter, however lopsided, only ever makes messages late, and those are not on
 * the hulls (Moon, Skelly, Towsley 1999; Zhang, Liu, Xia 2002). What stays is half the difference
 * between the quickest ways there and back: it is within the uncertainty, which is stated.
 *
 * An exchange that contradicts the line shows that the peer's clock was set: the line begins again
 * there, its drift stands (a crystal is not set). Our own wall clock has no part in it, and a
 * machine that slept has slept with its boot time running.
 *
 * Threads: one at a time. Units: µs; drift: peer's seconds more per second of ours. No allocation.
 */
#ifndef XW_BASE_CLOCKFIT_H
#define XW_BASE_CLOCKFIT_H

#include "base/base.h"

enum { XW_CLOCKFIT_BUCKETS_N = 90 };

struct xw_clockfit_exchange {
    int64_t sent_us, arrived_us;     /* our boot time: request left, answer came */
    int64_t receive_us, transmit_us; /* peer's wall time: request came, answer left */
};

struct xw_clockfit_point {
    double at_us, peer_us; /* beyond the base: boot time, and peer - boot */
};

struct xw_clockfit {
    int64_t base_boot_us, base_peer_us; /* base_peer: peer - boot at the base */
    struct xw_clockfit_point forth[XW_CLOCKFIT_BUCKETS_N], back[XW_CLOCKFIT_BUCKETS_N];
    size_t n;          /* buckets, oldest first; the last one grows */
    int64_t bucket_us; /* boot time at which it began */
    int64_t last_us;   /* boot time of the newest exchange */
    /* the line: peer - boot = base_peer + at_us + drift * (boot - base_boot), ± half_us */
    double at_us, drift, half_us;
    bool drift_known;
    double drift_doubt; /* most that the drift can be wrong */
    uint32_t steps_n;   /* times that the peer's clock was seen to be set */
};

void xw_clockfit_init(struct xw_clockfit *fit);
/* Answers in any order; impossible ones are passed over. */
void xw_clockfit_add(struct xw_clockfit *fit, const struct xw_clockfit_exchange *exchange);
/* The peer's wall clock at a moment of our boot time. False: nothing is known. */
bool xw_clockfit_peer_us(const struct xw_clockfit *fit, int64_t boot_us, int64_t *ret_wall_us,
                         uint64_t *ret_uncertainty_us);
/* False until two minutes have shown it. */
bool xw_clockfit_drift(const struct xw_clockfit *fit, double *ret_drift);

#endif
