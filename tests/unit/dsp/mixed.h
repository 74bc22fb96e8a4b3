/* A long mixed signal through a chain: for the tests and benches of allocations and robustness.
 * Nothing is allocated by xw_mixed_play. */
#ifndef XW_TEST_DSP_MIXED_H
#define XW_TEST_DSP_MIXED_H

#include "dsp/ecg/chain.h"
#include "dsp/synth/synth.h"

struct xw_mixed {
    struct xw_synth *patient;
    struct xw_ecg_chain *chain;
    unsigned rate_hz;
    uint64_t random;
    uint64_t events_n, events_bad_n; /* bad: a value that is not finite or an index out of order */
    int64_t index;
};

int xw_mixed_init(struct xw_mixed *m, unsigned rate_hz, uint64_t seed);
void xw_mixed_done(struct xw_mixed *m);
void xw_mixed_play(struct xw_mixed *m, unsigned seconds);

#endif
