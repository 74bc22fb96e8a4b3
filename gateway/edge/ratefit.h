/* When were the samples taken, and how fast really? From arrival times alone.
 *
 * A block arrives some time after its last sample was taken, never before. So the arrivals lie
 * above a line time(index), and the line that touches them from below is the device's clock: the
 * edge of their lower convex hull over the mean index (the line under all points with the least sum
 * of distances; Moon, Skelly, Towsley 1999). The nominal rate is used until 20 s of evidence are
 * there, never after. The least arrival of each 2 s is kept, for up to 10 minutes.
 *
 * An arrival far below the line shows that all before it were late (a backlog being sent): the
 * fit begins again there. Arrivals that stay far above it for 30 s show that the device stood
 * still.
 *
 * Threads: one at a time. Units: µs of CLOCK_BOOTTIME, indices of the stream. No allocation. */
#ifndef XW_EDGE_RATEFIT_H
#define XW_EDGE_RATEFIT_H

#include "base/base.h"

enum { XW_RATEFIT_POINTS_MAX = 300 };

struct xw_ratefit_point {
    double samples; /* index - base */
    double us;      /* arrival - base */
};

struct xw_ratefit {
    double nominal_hz;
    uint64_t base_index;
    int64_t base_us;
    bool any;
    struct xw_ratefit_point points[XW_RATEFIT_POINTS_MAX]; /* by rising index */
    size_t points_n;
    int64_t bucket_us; /* begin of the 2 s whose least arrival is the last point */
    int64_t above_since_us;
    /* the line: us = at_us + samples * us_per_sample */
    double at_us, us_per_sample;
    double span_s;
    /* steady delivery: samples of each of the last 30 whole seconds */
    uint32_t second_n[30];
    uint32_t seconds_n;
    int64_t second_us;
    uint32_t in_second_n, block_max;
    /* the device's own clock */
    uint64_t clock_first_us, clock_last_us, clock_first_index, clock_last_index;
    uint32_t restarts_n;
};

void xw_ratefit_init(struct xw_ratefit *fit, double nominal_hz);
/* A point of the line known from before (the last anchor of this stream). */
void xw_ratefit_seed(struct xw_ratefit *fit, uint64_t index, int64_t us);
/* The block whose last sample is `index` and that has `count` samples arrived at `us`.
 * device_clock_us: 0 = not told. */
void xw_ratefit_add(struct xw_ratefit *fit, uint64_t index, uint32_t count, int64_t us,
                    uint64_t device_clock_us);
/* Estimated time at which a sample was taken. */
int64_t xw_ratefit_time_us(const struct xw_ratefit *fit, uint64_t index);
double xw_ratefit_rate_hz(const struct xw_ratefit *fit);
/* True when what arrives is steadily more than 5 % off the nominal rate; ret_hz: what it is. */
bool xw_ratefit_wrong(const struct xw_ratefit *fit, double *ret_hz);
/* The device began to send after a pause: what comes now may be a burst. */
void xw_ratefit_pause(struct xw_ratefit *fit);

#endif
