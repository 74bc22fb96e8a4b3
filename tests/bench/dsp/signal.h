/* A plain artificial ECG for benches: 12 leads of smooth bumps with noise, cheap and seeded. It
 * needs no other library, so that the bench measures the chain alone. */
#ifndef XW_BENCH_DSP_SIGNAL_H
#define XW_BENCH_DSP_SIGNAL_H

#include <stddef.h>
#include <stdint.h>

/* n frames of channels_n counts (1 µV each) at rate_hz; a beat every 0.8 s. */
void xw_bench_ecg(int32_t *x, size_t n, unsigned channels_n, unsigned rate_hz, uint64_t seed);

#endif
