/* Where a simulated device gets its samples: a synthetic patient, a recording, a test pattern.
 *
 * Threads: one. Ownership: xw_sim_source_free. Units: counts, interleaved; indices count from 0 at
 * the start of the source and never stop (a looping recording goes on counting).
 * The pattern is xw_synth_counter_at(): a judge knows a sample by its value.
 */
#ifndef XW_SIM_SOURCE_H
#define XW_SIM_SOURCE_H

#include "base/base.h"
#include "plan.h"
#include "proto/signal.pb-c.h"

struct xw_sim_source;

struct xw_sim_channel {
    char code[16];
    char unit[16];
    uint64_t gain_num, gain_den; /* counts per unit */
    int32_t baseline;
    bool has_invalid;
    int32_t invalid;
    int32_t adc_min, adc_max;
};

enum { XW_SIM_CHANNELS_MAX = 18 };

/* A beat or rhythm that the source put there itself: the truth that findings are held against. */
typedef void (*xw_sim_truth_fn)(void *user, uint64_t sample, const char *code);

/* A fetus moved: what the mother would feel and press her button for. */
typedef void (*xw_sim_movement_fn)(void *user, uint64_t sample);

XW_MUST_CHECK int xw_sim_source_new(const struct xw_sim_device_spec *spec, xw_sim_truth_fn on_truth,
                                    xw_sim_movement_fn on_movement, void *user,
                                    struct xw_sim_source **ret_source,
                                    char ret_text[XW_SIM_TEXT_BYTES]);
void xw_sim_source_free(struct xw_sim_source *source);

/* ECG or CTG. */
Xw__Modality xw_sim_source_modality(const struct xw_sim_source *source);
unsigned xw_sim_source_channels(const struct xw_sim_source *source);
const struct xw_sim_channel *xw_sim_source_channel(const struct xw_sim_source *source, unsigned c);
/* Samples per second = num / den. */
void xw_sim_source_rate(const struct xw_sim_source *source, uint64_t *ret_num, uint64_t *ret_den);
/* n x channels counts. Returns n, or less at the end of a recording that does not loop; -EIO. */
XW_MUST_CHECK int xw_sim_source_read(struct xw_sim_source *source, int32_t *ret_x, size_t n);
/* "chest_pain", "arms_reversed",
 * "lead_off", "arm_off", "lead_on", "noise", "normal", and the scenes of xw_synth_set_scene(); of a
 * fetal monitor the scenes of xw_synth_ctg_set_scene(), also with "ctg_" before them. -EOPNOTSUPP:
 * a recording cannot be changed; -EINVAL: unknown. */
XW_MUST_CHECK int xw_sim_source_act(struct xw_sim_source *source, const char *action);
/* Electrodes that are off now, ended by NULL; at most 16. */
const char *const *xw_sim_source_off(const struct xw_sim_source *source);

#endif
