/* Where a simulated device gets its samples: a synthetic patient, a recording, a test pattern.
 *
 * Threads: one. Ownership: xw_sim_source_free. Units: counts, interleaved; indices count from 0 at
 * the start of the source and never stop (a looping recording goes on counting).
 * The pattern's sample i of channel c is xw_sim_pattern(i, c): every sample can be told from its
 * neighbours in time and channel, so that a judge knows a sample by its value.
 */
#ifndef XW_SIM_SOURCE_H
#define XW_SIM_SOURCE_H

#include "base/base.h"
#include "plan.h"

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

XW_MUST_CHECK int xw_sim_source_new(const struct xw_sim_device_spec *spec, xw_sim_truth_fn on_truth,
                                    void *user, struct xw_sim_source **ret_source,
                                    char ret_text[XW_SIM_TEXT_BYTES]);
void xw_sim_source_free(struct xw_sim_source *source);

unsigned xw_sim_source_channels(const struct xw_sim_source *source);
const struct xw_sim_channel *xw_sim_source_channel(const struct xw_sim_source *source, unsigned c);
/* Samples per second = num / den. */
void xw_sim_source_rate(const struct xw_sim_source *source, uint64_t *ret_num, uint64_t *ret_den);
/* n x channels counts. Returns n, or less at the end of a recording that does not loop; -EIO. */
XW_MUST_CHECK int xw_sim_source_read(struct xw_sim_source *source, int32_t *ret_x, size_t n);
/* "vf", "asystole", "vt", "af", "sinus", "tachy", "brady", "pvc", "chest_pain", "arms_reversed",
 * "lead_off", "lead_on", "noise", "normal". Names of electrodes that have come off in ret_off (may be empty).
 * -EOPNOTSUPP: a recording cannot be changed; -EINVAL: unknown. */
XW_MUST_CHECK int xw_sim_source_act(struct xw_sim_source *source, const char *action);
/* Electrodes that are off now, ended by NULL; at most 16. */
const char *const *xw_sim_source_off(const struct xw_sim_source *source);

static inline int32_t xw_sim_pattern(uint64_t i, unsigned c)
{
    /* A 16-bit mix of index and channel: no two neighbours alike, full range of a 16-bit converter. */
    uint64_t x = i * 0x9E3779B97F4A7C15ULL + c * 0xD1B54A32D192ED03ULL;
    x ^= x >> 29;
    x *= 0xBF58476D1CE4E5B9ULL;
    return (int32_t)((x >> 40) & 0x7FFF) - 16384;
}

#endif
