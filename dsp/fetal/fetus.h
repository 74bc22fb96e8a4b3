/* What is said of one fetal heart rate: loss, spikes, maternal coincidence, doubling and halving,
 * and once a minute how much signal there is. Private to dsp/fetal.
 *
 * Loss, alarm and coincidence rest on the raw rate and come at once; the rest on the cleaned one,
 * and trails by 60 s. Threads: that of the chain. Positions: see trace.h. */
#ifndef XW_DSP_FETAL_FETUS_H
#define XW_DSP_FETAL_FETUS_H

#include "dsp/ecg/emit.h"
#include "dsp/fetal/trace.h"

struct xw_fetus {
    unsigned which; /* 0 = FHR1 */
    uint32_t lead_mask;
    double rate_hz;
    struct xw_fetal_trace trace;
    int64_t loss_n, alarm_n, maternal_n, merge_n, longest_n, least_n;
    /* loss */
    int64_t signal_end; /* one past the last sample of a run that was one */
    int64_t run_first;
    bool in_run, seen; /* this probe has shown signal at all */
    struct xw_ecg_episode loss, alarm;
    /* spikes */
    bool spiky;
    int64_t spike_first, spike_last, spike_n;
    float spike_low, spike_high;
    /* maternal coincidence: one bit each a sample, both there and near each other */
    int64_t both_n, near_n, maternal_last;
    struct xw_ecg_episode maternal;
    struct xw_ecg_episode ratio;
    float mean_bpm; /* of the last whole minute analysed */
};

/* rate_hz 0.5 to 8. -ENOMEM. */
int xw_fetus_init(struct xw_fetus *fetus, unsigned which, unsigned channel,
                  double rate_hz) XW_DSP_MUST_CHECK;
void xw_fetus_done(struct xw_fetus *fetus);
void xw_fetus_reset(struct xw_fetus *fetus);

/* The next raw sample, its position being fetus->trace.n. mhr: ring of the mother's rate with the
 * same positions, NULL = no such channel. origin + position = index of the stream. */
void xw_fetus_sample(struct xw_fetus *fetus, struct xw_ecg_emit *emit, int64_t origin, float bpm,
                     const float *mhr);
/* Judges and releases what is due, or, at the end of the record, everything. `minute`: positions at
 * which a whole minute of the stream ends are told by this. */
struct xw_fetal_minutes {
    uint64_t rate_num, rate_den;
};
/* Whole minutes of the stream before this index. */
int64_t xw_fetal_minute(const struct xw_fetal_minutes *minutes, int64_t index);
void xw_fetus_advance(struct xw_fetus *fetus, struct xw_ecg_emit *emit, int64_t origin,
                      const struct xw_fetal_minutes *minutes, bool all);
/* Ends everything that is open, at the newest sample. */
void xw_fetus_end(struct xw_fetus *fetus, struct xw_ecg_emit *emit, int64_t origin);

#endif
