/* Pace pulses cut out of the samples before any filter smears them.
 *
 * A pulse is away and back again within 8 ms, out of a calm line: no QRS does that. What it covers
 * becomes the straight line between its two sides. It is known only when it is over, so what the
 * filters were given meanwhile is taken back: nothing waits for it, and a signal without pulses is
 * passed on bit for bit. A pulse that runs into a rail of the converter is a pulse still, unless it
 * stays there.
 *
 * Limits: pulses of 0.3 mV and more as they are sampled, at 240/s and more. A tail that lasts
 * longer (recharging, slow filters of the device) is left. What the user shows is raw, with them.
 * Life: init, push, reset. Private to dsp/ecg. Units: µV, raw samples. */
#ifndef XW_DSP_ECG_BLANK_H
#define XW_DSP_ECG_BLANK_H

#include "dsp/core/quad.h"
#include "dsp/ecg/chain.h"
#include "dsp/ecg/mains.h"

enum { XW_ECG_BLANK_RING = 32, XW_ECG_BLANK_REACH_MAX = 8, XW_ECG_BLANK_PULSES = 16 };

struct xw_ecg_blank {
    unsigned leads_n, lanes, reach_n;  /* the longest pulse in samples; 0: none is looked for */
    unsigned calm_n;                   /* samples that must be calm before it */
    unsigned at;                       /* of the next frame */
    unsigned steep_left;               /* while a steep sample is within reach */
    uint32_t steep[XW_ECG_BLANK_RING]; /* leads */
    uint32_t bad;                      /* leads without a value now, */
    uint32_t spared;                   /* and on a rail that may be a pulse */
    float decay;
    float uv[XW_ECG_BLANK_RING][XW_DSP_LANES_MAX];
    float level[XW_ECG_BLANK_RING][XW_DSP_LANES_MAX]; /* of the baseline filter, behind it */
    unsigned good_n[XW_ECG_CHANNELS_MAX];  /* good samples before this one, up to the ring */
    unsigned rail_n[XW_ECG_CHANNELS_MAX];  /* samples on a rail that may be a pulse */
    int64_t n;                             /* samples seen */
    uint64_t pulses_n;                     /* pulses seen, on however many leads each */
    int64_t pulse_at[XW_ECG_BLANK_PULSES]; /* first samples of the last ones */
};

/* decay: of the baseline filter. */
void xw_ecg_blank_init(struct xw_ecg_blank *b, unsigned leads_n, double rate_hz, float decay,
                       const struct xw_ecg_mains *mains);
void xw_ecg_blank_reset(struct xw_ecg_blank *b);

/* Before the frame uv is filtered. bad: leads that have no value, rail: those of them that are on a
 * rail. last, level: the baseline filter's state, put right (as is what the mains filter holds)
 * where a pulse has ended. Returns the leads of `rail` that may be within a pulse: they are not
 * bad. */
uint32_t xw_ecg_blank_push(struct xw_ecg_blank *b, struct xw_ecg_mains *mains, const float *uv,
                           uint32_t bad, uint32_t rail, float *last, float *level);
/* The first sample of the last pulse that began in [first, end), counted from the reset; -1: none.
 */
int64_t xw_ecg_blank_pulse(const struct xw_ecg_blank *b, int64_t first, int64_t end);
/* After it: what went into the baseline filter and its level. */
void xw_ecg_blank_keep(struct xw_ecg_blank *b, const float *uv, const float *level);

#endif
