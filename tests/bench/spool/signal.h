/* Blocks of 12 leads at 500 Hz for filling a store: recordings of PTB-XL (XW_DATA), or else the
 * synthetic patient. Thread rule: one thread. */
#ifndef XW_BENCH_SPOOL_SIGNAL_H
#define XW_BENCH_SPOOL_SIGNAL_H

#include <stddef.h>
#include <stdint.h>

enum { SIGNAL_LEADS = 12, SIGNAL_RATE_HZ = 500, SIGNAL_COUNT = 125 };

struct signal_block { /* coding 0 */
    uint8_t *data;
    size_t size;
    uint32_t crc32c;
};

struct signal {
    struct signal_block *blocks;
    size_t n, cap;
    const char *source;
};

/* -ENOMEM and what reading recordings says. */
int signal_make(struct signal *ret_signal);
void signal_done(struct signal *signal);

#endif
