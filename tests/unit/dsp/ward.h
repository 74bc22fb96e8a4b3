/* A patient at a bed whose leads are spoiled: what the tests of bad input share.
 *
 * A ward is a synthetic patient, a chain and what it said; xw_ward_live lets the patient live on
 * and gives the chain what is left of the signal. Ownership: init/done. Threads: one. Asserts by
 * cmocka.
 */
#ifndef XW_TEST_DSP_WARD_H
#define XW_TEST_DSP_WARD_H

#include "unit/dsp/scenario.h"

struct xw_ward {
    struct xw_recorder recorder;
    struct xw_ecg_config config;
    struct xw_ecg_chain *chain;
    struct xw_synth *patient;
    unsigned rate_hz, leads_n;
    int64_t at; /* index of the next sample */
    uint64_t random;
    uint32_t spared; /* leads that are not spoiled (bit c = channel c) */
};

typedef int32_t (*xw_spoil_fn)(struct xw_ward *w, int32_t good, unsigned lead);

struct xw_ward_format {
    bool has_invalid, has_limits;
    int32_t invalid;
};
extern const struct xw_ward_format XW_FORMAT_DECLARED, XW_FORMAT_WIDE, XW_FORMAT_PLAIN;

uint32_t xw_ward_draw(struct xw_ward *w);
void xw_ward_init(struct xw_ward *w, unsigned rate_hz, unsigned leads_n,
                  const struct xw_ward_format *f);
void xw_ward_done(struct xw_ward *w);
/* spoil NULL: as it is. lost: the samples are not given to the chain (the patient goes on living).
 */
void xw_ward_live(struct xw_ward *w, double seconds, xw_spoil_fn spoil, bool lost);
size_t xw_ward_said(const struct xw_ward *w, enum xw_ecg_kind kind, int64_t since);
/* No alarm so far, and only finite numbers. */
void xw_ward_assert_silent(const struct xw_ward *w, const char *what);
void xw_ward_assert_every_beat(const struct xw_ward *w, int64_t first, int64_t end,
                               const char *what);
/* Ten seconds of good signal have gone by: as before. */
void xw_ward_assert_as_before(struct xw_ward *w, const char *what);

/* What becomes of one value. */
int32_t xw_spoil_minus_32768(struct xw_ward *w, int32_t good, unsigned lead);
int32_t xw_spoil_plus_8388607(struct xw_ward *w, int32_t good, unsigned lead);
int32_t xw_spoil_now_and_then_invalid(struct xw_ward *w, int32_t good, unsigned lead);
int32_t xw_spoil_high_rail(struct xw_ward *w, int32_t good, unsigned lead);
int32_t xw_spoil_rail_to_rail(struct xw_ward *w, int32_t good, unsigned lead);
int32_t xw_spoil_hum_50(struct xw_ward *w, int32_t good, unsigned lead);
int32_t xw_spoil_hum_60(struct xw_ward *w, int32_t good, unsigned lead);
int32_t xw_spoil_steps(struct xw_ward *w, int32_t good, unsigned lead);
int32_t xw_spoil_noise(struct xw_ward *w, int32_t good, unsigned lead);
int32_t xw_spoil_dead(struct xw_ward *w, int32_t good, unsigned lead);
int32_t xw_spoil_wild(struct xw_ward *w, int32_t good, unsigned lead);

#endif
