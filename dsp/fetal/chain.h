/* The whole analysis of one fetal monitor's stream: signal loss, cleaning, maternal coincidence,
 * doubling and halving of up to three fetal heart rates, and the monitor's own marks. The samples
 * themselves are shown raw; what is said here never changes them.
 *
 * Delay: loss, its alarm, coincidence and marks are said at once, what rests on the cleaned trace
 * 60 s after its sample (xw_fetal_chain_delay). To go on after a restart as if nothing had been, a
 * new chain needs the last XW_FETAL_WARMUP_S of samples: its windows look back half an hour.
 *
 * Thread rule, memory, determinism: as dsp/ecg/chain.h; nothing after new allocates, locks or
 * fails; events depend on the samples and their order alone. Units: counts of the device, raw
 * indices of the stream. Errors: negative errno from chain_new only. */
#ifndef XW_DSP_FETAL_CHAIN_H
#define XW_DSP_FETAL_CHAIN_H

#include "dsp/ecg/chain.h"

enum {
    XW_FETAL_CHANNELS_MAX = 18,
    XW_FETAL_RATE_TERM_MAX = 1000000,
    XW_FETAL_WARMUP_S = 35 * 60,
};
#define XW_FETAL_RATE_MIN_HZ 0.5
#define XW_FETAL_RATE_MAX_HZ 8.0

enum xw_fetal_role {
    XW_FETAL_ROLE_OTHER,
    XW_FETAL_ROLE_FHR1, /* the three of them in this order */
    XW_FETAL_ROLE_FHR2,
    XW_FETAL_ROLE_FHR3,
    XW_FETAL_ROLE_MHR,
    XW_FETAL_ROLE_UC,
    XW_FETAL_ROLE_FLAGS,
};
/* The role of a channel code of the wire: "FHR1", "MHR", …; others are OTHER. */
enum xw_fetal_role xw_fetal_role_from_code(const char *code);

struct xw_fetal_channel {
    enum xw_fetal_role role;
    double gain_counts_per_unit; /* finite, above 0; unit: /min, or a flag bit */
    double baseline_counts;
    bool has_invalid;
    int32_t invalid_counts;
};

struct xw_fetal_config {
    uint32_t rate_num, rate_den; /* 0.5 to 8 samples a second, terms up to 10^6 */
    uint32_t channels_n;
    struct xw_fetal_channel channels[XW_FETAL_CHANNELS_MAX];
    int64_t first_sample;
    xw_ecg_event_fn on_event;
    void *user;
};

struct xw_fetal_chain;

/* -EINVAL: rate or terms outside, no FHR1, a role twice, gain that is none, no on_event; -ENOMEM.
 */
int xw_fetal_chain_new(const struct xw_fetal_config *config,
                       struct xw_fetal_chain **ret_chain) XW_DSP_MUST_CHECK;
void xw_fetal_chain_free(struct xw_fetal_chain *chain);

/* x: n x channels interleaved int32 counts, n ≥ 0; borrowed. */
void xw_fetal_chain_process(struct xw_fetal_chain *chain, const int32_t *x, size_t n);
/* It is known from before that these fetuses (bit 0 = FHR1) had signal: their silence is an alarm
 * even if it is older than all samples seen here. For a chain that goes on after a restart. */
void xw_fetal_chain_expect(struct xw_fetal_chain *chain, uint32_t fetuses);
/* The next sample has this index: what lies between is time without signal. */
void xw_fetal_chain_gap(struct xw_fetal_chain *chain, int64_t next_sample);
/* End of the record: all that is held back is judged, open episodes are ended. */
void xw_fetal_chain_flush(struct xw_fetal_chain *chain);
/* As new, with the same configuration; sequences go on rising. */
void xw_fetal_chain_reset(struct xw_fetal_chain *chain, int64_t first_sample);

/* Samples by which the cleaned trace trails. */
uint32_t xw_fetal_chain_delay(const struct xw_fetal_chain *chain);
/* beats_n and late_n are 0; invalid_n counts values "no value" and outside of reason. */
struct xw_ecg_stats xw_fetal_chain_stats(const struct xw_fetal_chain *chain);
void xw_fetal_chain_run(const struct xw_fetal_chain *chain, struct xw_ecg_run *ret_run);

#endif
