/* Pulse waves (PLETH, arterial pressure) as witnesses of the ECG of the same patient: of the same
 * device, or of one at the same bed. What a wave brings goes into the pipelines of those ECGs, in
 * their own index, by the capture times of both (ratefit). It may deny a false alarm there, never
 * raise one (dsp/ecg/alarm_veto.c): whatever is late, missing or dropped here means an alarm more.
 *
 * A backlog is no witness: only what was taken within the last two seconds. Neither is what a
 * restarted gateway warms its chains with. Threads: loop thread only. Ownership: embedded, no
 * memory of its own. Limits: XW_ECG_PULSES_MAX waves an ECG; one that was silent for 10 s gives way
 * to another. Dropped values are counted. */
#ifndef XW_EDGE_WITNESS_H
#define XW_EDGE_WITNESS_H

#include "base/uuid.h"
#include "dsp/ecg/pulse.h"

struct xw_stream;

/* The waves that an ECG is told of. */
struct xw_witnesses {
    struct xw_witness {
        bool used;
        struct xw_uuid stream;
        unsigned channel;
        uint64_t next; /* index of the wave that is due */
        int64_t told_us;
    } wave[XW_ECG_PULSES_MAX];
};

/* A block of any stream arrived: x is interleaved, as the device sent it. */
void xw_witness_block(struct xw_stream *source, const int32_t *x, uint64_t first, uint32_t count);

#endif
