/* The whole analysis of one ECG stream of 1 to 18 leads at 100 to 1000 samples per second: quality,
 * baseline and mains removal, QRS, beats, heart rate, rhythm alarms, ST levels.
 *
 * Thread rule: a chain belongs to one thread at a time; different chains are independent, except
 * that chain_new and chain_free plan FFTs and must not run at the same time as each other in two
 * threads (the caller serialises them). Memory: everything is allocated in chain_new. Nothing
 * after it allocates, locks, blocks or fails.
 * Determinism: the events depend on the samples and their order alone, never on how the input is
 * cut into calls of process. The same build gives the same bytes.
 * Units: samples are the device's counts; indices are raw sample indices of the stream.
 * Errors: negative errno from chain_new only. */
#ifndef XW_DSP_ECG_CHAIN_H
#define XW_DSP_ECG_CHAIN_H

#include "dsp/ecg/event.h"
#include "dsp/ecg/lead.h"
#include "dsp/ecg/rules.h"

#include <stddef.h>

#define XW_DSP_MUST_CHECK __attribute__((warn_unused_result))

enum { XW_ECG_RATE_MIN_HZ = 100, XW_ECG_RATE_MAX_HZ = 1000, XW_ECG_HASH_TEXT_BYTES = 65 };

struct xw_ecg_channel {
    enum xw_ecg_lead lead;
    double gain_counts_per_mv; /* finite and not 0; below 0 for a reversed amplifier */
    double baseline_counts;    /* the count of 0 mV */
    bool has_invalid;
    int32_t invalid_counts; /* the count that means "no value" */
    bool has_limits;
    int32_t min_counts, max_counts; /* the converter's rails */
};

struct xw_ecg_config {
    uint32_t rate_num, rate_den; /* samples per second = rate_num / rate_den */
    uint32_t channels_n;
    struct xw_ecg_channel channels[XW_ECG_CHANNELS_MAX];
    uint32_t mains_hz;    /* 50 or 60; 0 = found by listening */
    int64_t first_sample; /* index of the first sample given to process, ≥ 0 */
    xw_ecg_event_fn on_event;
    void *user;
    const struct xw_ecg_rules *rules; /* copied; NULL: the defaults */
};

/* What made the events: part of the record of an analysis run. */
struct xw_ecg_run {
    const char *code_version;                 /* version of the analysis code, static */
    char table_hash[XW_ECG_HASH_TEXT_BYTES];  /* SHA-256, hex, of all limits and tables */
    char config_hash[XW_ECG_HASH_TEXT_BYTES]; /* SHA-256, hex, of the configuration (no pointers) */
    const char *isa;                          /* instruction set the code was built for, static */
    int64_t first_sample;
    bool has_rules; /* the rule list in force at the moment; not of a chain without rules */
    uint32_t rules_version;
    char rules_hash[XW_ECG_RULES_HASH_BYTES];
};

/* Delays in raw samples of this stream: after an R wave at sample r, the events are out when
 * sample r + delay has been consumed. */
struct xw_ecg_delays {
    uint32_t bank_n;        /* live filter path: centre of the analysis bands */
    uint32_t provisional_n; /* provisional beat, at most */
    uint32_t final_n;       /* final beat without look-back, at most */
};

struct xw_ecg_stats {
    uint64_t samples_n; /* consumed, all leads together count as one */
    uint64_t events_n;
    uint64_t beats_n;   /* final, not withdrawn */
    uint64_t late_n;    /* of these: found by look-back */
    uint64_t invalid_n; /* single values equal to the invalid count or out of reason */
    uint64_t gaps_n;
};

struct xw_ecg_chain;

/* -EINVAL: rate outside 100..1000, channels outside 1..18, gain 0 or not finite, negative
 * first_sample, mains not 0/50/60, no on_event, rules out of range. -ENOMEM. The config is copied.
 */
int xw_ecg_chain_new(const struct xw_ecg_config *config,
                     struct xw_ecg_chain **ret_chain) XW_DSP_MUST_CHECK;
void xw_ecg_chain_free(struct xw_ecg_chain *chain);

/* x: n x channels interleaved int32 counts, n ≥ 0; borrowed. */
void xw_ecg_chain_process(struct xw_ecg_chain *chain, const int32_t *x, size_t n);

/* From the next sample on the device says that these channels (bit c = channel c) have no
 * electrode. Stays until changed. */
void xw_ecg_chain_set_lead_off(struct xw_ecg_chain *chain, uint32_t lead_mask);

/* From the next sample on these rules (copied) decide. Episodes that are open go on, and end by the
 * new limits; what was counted so far counts on. -EINVAL: out of range, nothing changed. */
int xw_ecg_chain_set_rules(struct xw_ecg_chain *chain,
                           const struct xw_ecg_rules *rules) XW_DSP_MUST_CHECK;

struct xw_ecg_pulse;
/* Pulse waves of the same patient (at most XW_ECG_PULSES_MAX; borrowed until the chain is freed or
 * they are taken away with 0) that may deny false alarms. The caller pushes each wave as far as the
 * ECG that it gives to process next, with indices of the ECG. */
void xw_ecg_chain_set_pulses(struct xw_ecg_chain *chain, const struct xw_ecg_pulse *const *pulses,
                             unsigned n);

/* A discontinuity: the next sample has this index (≥ the index that was due; a smaller one is
 * taken as the one due). All that is under way is finished as at the end of a record, open
 * episodes end at the last sample seen, learned levels are kept for gaps of up to 10 s. */
void xw_ecg_chain_gap(struct xw_ecg_chain *chain, int64_t next_sample);

/* End of the record: everything that can still be said is said, open episodes are ended. After it
 * only reset, run, stats and free are allowed. */
void xw_ecg_chain_flush(struct xw_ecg_chain *chain);

/* As new, with the same configuration; sequences go on rising (one analysis run is one chain from
 * new or reset to flush). */
void xw_ecg_chain_reset(struct xw_ecg_chain *chain, int64_t first_sample);

struct xw_ecg_delays xw_ecg_chain_delay(const struct xw_ecg_chain *chain);
struct xw_ecg_stats xw_ecg_chain_stats(const struct xw_ecg_chain *chain);
void xw_ecg_chain_run(const struct xw_ecg_chain *chain, struct xw_ecg_run *ret_run);

/* The instruction set that this library was built for; static. */
const char *xw_ecg_isa(void);

/* SHA-256 in hex of all limits and tables compiled into this library; static storage. */
const char *xw_ecg_chain_table_hash(void);

#endif
