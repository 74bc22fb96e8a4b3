/* What the chain tests share: a synthetic patient through a chain, and all that it said.
 * Ownership: recorder_init/done; recording memory is bounded and taken at init. */
#ifndef XW_TEST_DSP_SCENARIO_H
#define XW_TEST_DSP_SCENARIO_H

#include "dsp/ecg/chain.h"
#include "dsp/synth/synth.h"

enum { XW_RECORDER_MAX = 60000, XW_TRUTH_MAX = 20000 };

struct xw_recorder {
    struct xw_ecg_event *events;
    size_t n;
    int64_t *truth; /* R peaks of the synthetic patient */
    size_t truth_n;
};

void xw_recorder_init(struct xw_recorder *r);
void xw_recorder_done(struct xw_recorder *r);
void xw_recorder_on_event(void *user, const struct xw_ecg_event *event);
void xw_recorder_on_truth(void *user, const struct xw_synth_event *event);

/* 12 leads, 1000 counts/mV, sentinel -32768; rate in Hz. */
void xw_scenario_config(struct xw_ecg_config *config, unsigned rate_hz, struct xw_recorder *r);
struct xw_synth *xw_scenario_patient(unsigned rate_hz, uint64_t seed, struct xw_recorder *r);
/* Plays `seconds` of the patient into the chain in cuts of 64 samples. */
void xw_scenario_play(struct xw_synth *patient, struct xw_ecg_chain *chain, unsigned rate_hz,
                      double seconds);

/* The number of different things (sequences) of this kind and code whose last word begins in
 * [first, end) and is not withdrawn. code 0: any. */
size_t xw_recorder_count(const struct xw_recorder *r, enum xw_ecg_kind kind, enum xw_ecg_code code,
                         int64_t first, int64_t end);
/* The first word on a thing of this kind and code at or after `first`; NULL when there is none. */
const struct xw_ecg_event *xw_recorder_find(const struct xw_recorder *r, enum xw_ecg_kind kind,
                                            enum xw_ecg_code code, int64_t first);
/* Missed and extra final beats against the truth in [first, end), 100 ms apart at most. */
void xw_recorder_score(const struct xw_recorder *r, unsigned rate_hz, int64_t first, int64_t end,
                       size_t *ret_missed, size_t *ret_extra);

/* XW_SEED or the given default; printed. */
uint64_t xw_test_seed(uint64_t otherwise);

#endif
