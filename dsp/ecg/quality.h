/* What can be seen: for each lead, once a second, whether an electrode is there, how noisy it is,
 * and a quality between 0 and 1; and when no lead is fit, that nothing can be seen.
 *
 * A dead-flat lead counts as off only while another lead moves: asystole is flat in all leads and
 * must never be taken for lead-off. Private to dsp/ecg. Life: init, hop, second, reset. */
#ifndef XW_DSP_ECG_QUALITY_H
#define XW_DSP_ECG_QUALITY_H

#include "dsp/core/bank.h"
#include "dsp/ecg/detect.h"
#include "dsp/ecg/emit.h"

enum { XW_ECG_BAND_QRS = 0, XW_ECG_BAND_NOISE, XW_ECG_BANDS };

struct xw_ecg_quality {
    unsigned leads_n, lanes, frames_n;
    float low[XW_DSP_LANES_MAX], high[XW_DSP_LANES_MAX];
    float qrs_sq[XW_DSP_LANES_MAX], noise_sq[XW_DSP_LANES_MAX];
    unsigned bad_n[XW_DSP_LANES_MAX];
    /* of the last full second */
    float range_uv[XW_DSP_LANES_MAX], noise_uv[XW_DSP_LANES_MAX], noise_limit_uv[XW_DSP_LANES_MAX],
        sqi[XW_DSP_LANES_MAX];
    unsigned flat_s[XW_DSP_LANES_MAX], noisy_s[XW_DSP_LANES_MAX], calm_s[XW_DSP_LANES_MAX];
    uint32_t off, noisy, usable;
    bool cannot_see;
    bool upset; /* on more than half of the leads noise began within three seconds: what they show
                 * now has not been told from beats yet */
    bool rough; /* the newest half second is noise on more than half of the leads: judgement comes
                 * with the end of its second, beats in it before */
    unsigned seconds_n;
    /* second in which each lead moved last; in which most of them lost their electrodes */
    unsigned moved_s[XW_DSP_LANES_MAX], mostly_off_s;
    bool mostly_off;
    unsigned settling_s[XW_DSP_LANES_MAX]; /* seconds until its baseline stands again */
    uint32_t settled;                      /* leads with 0 of them */
    struct xw_ecg_episode lead_off, noise, blind;
};

void xw_ecg_quality_init(struct xw_ecg_quality *q, unsigned leads_n, unsigned lanes);
void xw_ecg_quality_reset(struct xw_ecg_quality *q); /* episodes must be closed before */

/* The kernels of the bank's bands at 250 Hz; returns their length. delay_n: frames. */
enum { XW_ECG_KERNEL_TAPS = 56 };
void xw_ecg_quality_kernels(float kernels[XW_ECG_BANDS][XW_ECG_KERNEL_TAPS],
                            float delay_n[XW_ECG_BANDS]);

/* hop_n frames from `first`, and the bank after push. */
void xw_ecg_quality_hop(struct xw_ecg_quality *q, const struct xw_ecg_signal *signal,
                        struct xw_dsp_bank *bank, int64_t first, unsigned hop_n);

/* Once a second: judges, and says what changed. raw_first: raw index of that second's start. */
void xw_ecg_quality_second(struct xw_ecg_quality *q, const struct xw_ecg_detect *detect,
                           struct xw_ecg_emit *emit, int64_t raw_first);

/* Leads of the last second on which noise hides any beat, as long as there is a good one. */
uint32_t xw_ecg_quality_loud(const struct xw_ecg_quality *q);

/* Ends what is open. */
void xw_ecg_quality_close(struct xw_ecg_quality *q, struct xw_ecg_emit *emit, int64_t end);

#endif
