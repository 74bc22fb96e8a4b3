/* Recordings of a folder, read whole, one after the other. Thread rule: one thread. */
#ifndef XW_BENCH_CODEC_RECORDINGS_H
#define XW_BENCH_CODEC_RECORDINGS_H

#include <stddef.h>
#include <stdint.h>

struct xw_recording {
    size_t channels_n, rate_hz, rows_n;
    size_t nth; /* in the order of names, from 0 */
    int32_t *x; /* rows_n x channels_n, interleaved; the caller's to free when it was handed over */
};

/* Calls take for every record of $XW_DATA/FOLDER; it may keep `x` (and then frees it) by setting it
 * to NULL. Returns the number of records, 0 if there are none (told on stderr), or a negative
 * errno; a negative answer of take ends it. */
int xw_recordings_read(const char *folder, int (*take)(struct xw_recording *recording, void *user),
                       void *user);

#endif
