/* From device counts to the analysis signal: invalid values and rails, µV, first-order 0.05 Hz
 * baseline, mains removal, resampling to 250 Hz. Pace pulses are cut out (blank.h).
 *
 * A bad value (the invalid count, a rail, beyond ±5 V, a lead without electrode) is replaced by the
 * last good one and its lead is marked for as long as any later stage could still feel it. When
 * good values come back the baseline restarts there: the jump over the hole is no signal. Life:
 * init, push, reset, delay, done. */
#ifndef XW_DSP_ECG_FRONT_H
#define XW_DSP_ECG_FRONT_H

#include "dsp/core/resample.h"
#include "dsp/ecg/blank.h"
#include "dsp/ecg/chain.h"
#include "dsp/ecg/mains.h"
#include "dsp/ecg/signal.h"

enum { XW_ECG_FRONT_OUT_MAX = 8 };

struct xw_ecg_front {
    unsigned leads_n, lanes, feel_n; /* raw samples for which a bad one is felt */
    double rate_hz;
    double scale_uv[XW_ECG_CHANNELS_MAX], offset_uv[XW_ECG_CHANNELS_MAX];
    int32_t invalid[XW_ECG_CHANNELS_MAX], low[XW_ECG_CHANNELS_MAX], high[XW_ECG_CHANNELS_MAX];
    uint32_t lead_off; /* said by the device */
    uint32_t any_bad;  /* leads with bad_left > 0 */
    uint32_t never_good;
    unsigned bad_left[XW_ECG_CHANNELS_MAX];
    float last[XW_DSP_LANES_MAX], level[XW_DSP_LANES_MAX], decay;
    bool fresh[XW_ECG_CHANNELS_MAX]; /* the next good value restarts the baseline */
    uint64_t bad_values_n;
    int64_t in_n;
    struct xw_ecg_blank blank;
    struct xw_ecg_mains mains;
    struct xw_dsp_resample resample;
};

int xw_ecg_front_init(struct xw_ecg_front *f, const struct xw_ecg_config *config)
    __attribute__((warn_unused_result));
void xw_ecg_front_done(struct xw_ecg_front *f);
void xw_ecg_front_reset(struct xw_ecg_front *f);

/* One raw frame in; the analysis frames that became known go to `signal`. Returns their number. */
unsigned xw_ecg_front_push(struct xw_ecg_front *f, const int32_t *x, struct xw_ecg_signal *signal);

/* The same with the last good values again: pads the end of a record. */
unsigned xw_ecg_front_hold(struct xw_ecg_front *f, struct xw_ecg_signal *signal);

/* Raw samples since reset at analysis time t (fractions allowed). */
double xw_ecg_front_raw_time(const struct xw_ecg_front *f, double t);
/* Raw samples since reset that are consumed when analysis frame t is known. */
int64_t xw_ecg_front_consumed(const struct xw_ecg_front *f, int64_t t);
/* Raw samples between an instant and the analysis frame that shows it. */
unsigned xw_ecg_front_delay(const struct xw_ecg_front *f);

#endif
