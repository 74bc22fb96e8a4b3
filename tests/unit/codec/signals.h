/* Signals of every kind for the codec, in integers alone, so that they are the same everywhere.
 * Thread rule: pure functions. */
#ifndef XW_TEST_CODEC_SIGNALS_H
#define XW_TEST_CODEC_SIGNALS_H

#include <stddef.h>
#include <stdint.h>

enum xw_signal_kind {
    XW_SIGNAL_CONSTANT,
    XW_SIGNAL_LEADS, /* beats with noise; channels 2 to 5 are the derived limb leads of 0 and 1 */
    XW_SIGNAL_LEAD_OFF,  /* the same, with the derived leads going astray in the middle */
    XW_SIGNAL_NOISE_12,  /* 12 bits of noise */
    XW_SIGNAL_NOISE_24,  /* 24 bits of noise on a large offset */
    XW_SIGNAL_NOISE_32,  /* the whole range of int32 */
    XW_SIGNAL_EXTREMES,  /* INT32_MIN and INT32_MAX by turns and at random */
    XW_SIGNAL_SENTINELS, /* beats with stretches of INT16_MIN and of INT32_MIN */
    XW_SIGNAL_STEPS,     /* levels that jump, ramps, and silence */
    XW_SIGNAL_SLOW,      /* a rate in quarter beats, as of a CTG */
    XW_SIGNAL_KINDS,
};

/* Fills x with rows_n x channels_n interleaved counts. */
void xw_signal_fill(enum xw_signal_kind kind, uint64_t seed, int32_t *x, size_t channels_n,
                    size_t rows_n);

uint32_t xw_signal_draw(uint64_t *random);

#endif
