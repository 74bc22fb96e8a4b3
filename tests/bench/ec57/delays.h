/* Delays of detection, as xinwang-screen --delays writes them: a line a beat with the sample of the
 * beat, of its provisional, final and last word (-1: none), and 1 if it was found late.
 * Ownership: done frees. Errors: negative errno. */
#ifndef XW_BENCH_EC57_DELAYS_H
#define XW_BENCH_EC57_DELAYS_H

#include <stddef.h>
#include <stdint.h>

enum { XW_DELAY_PROVISIONAL, XW_DELAY_FINAL, XW_DELAY_REVISED, XW_DELAY_LATE, XW_DELAYS };

struct xw_delays {
    double *ms[XW_DELAYS]; /* late: of the final words that were late; final: of the others */
    size_t n[XW_DELAYS], room[XW_DELAYS];
    int64_t *late_at; /* samples of the late beats of the file loaded last */
    size_t late_n, late_room;
};

struct xw_delay_summary {
    double median_ms, p99_ms, max_ms;
};

/* Adds those of a file; late_at holds its late beats in rising order. -ENOENT: there is none. */
int xw_delays_load(struct xw_delays *delays, const char *path, double rate_hz);
struct xw_delay_summary xw_delays_summary(struct xw_delays *delays, unsigned which); /* sorts */
void xw_delays_done(struct xw_delays *delays);

#endif
