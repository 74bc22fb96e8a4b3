/* ST level of each lead: 60 ms after the J point against the level before the QRS, the median of
 * the last normal beats; and the finding "ST elevation" where two neighbouring leads hold it.
 * A beat on a baseline that runs away (an electrode came back, its neighbours' reference moves) is
 * not measured.
 * A lead that was of no use begins anew, and not before its baseline has settled.
 * In an irregular rhythm (atrial fibrillation) there is no PR level: f waves and the T wave of a
 * short interval before lie where it would be. Then nothing is measured, and a MEASURE without
 * leads says so, with the spread of the RR intervals as its evidence. A technical note for the
 * screen, low priority: no diagnosis. Limits after the fourth universal definition of myocardial
 * infarction (men's limit in V2-V3, since age and sex are not known here). Private to dsp/ecg.
 * Life: init, beat, second, close, reset. */
#ifndef XW_DSP_ECG_ST_H
#define XW_DSP_ECG_ST_H

#include "dsp/ecg/chain.h"
#include "dsp/ecg/detect.h"
#include "dsp/ecg/emit.h"

enum { XW_ECG_ST_BEATS = 9, XW_ECG_ST_RR = 15, XW_ECG_ST_EVERY_S = 10, XW_ECG_ST_SETTLE_S = 8 };

struct xw_ecg_st {
    unsigned leads_n;
    enum xw_ecg_lead lead[XW_ECG_CHANNELS_MAX];
    struct xw_dsp_median level[XW_ECG_CHANNELS_MAX];
    int64_t lost_at[XW_ECG_CHANNELS_MAX]; /* frame at which the lead was last of no use */
    float pr_uv[XW_ECG_CHANNELS_MAX];     /* level before the last QRS, and its frame */
    int64_t pr_at[XW_ECG_CHANNELS_MAX];
    struct xw_dsp_median rr; /* ms, between normal beats */
    unsigned seconds_n;
    bool irregular;
    struct xw_ecg_episode elevation;
};

void xw_ecg_st_init(struct xw_ecg_st *s, const struct xw_ecg_config *config);
void xw_ecg_st_reset(struct xw_ecg_st *s); /* the episode must be closed before */
/* A normal beat; fiducial in frames; width in frames; rr_ms to a normal beat before, else 0. */
void xw_ecg_st_beat(struct xw_ecg_st *s, const struct xw_ecg_signal *signal, int64_t t, float width,
                    float rr_ms, uint32_t usable);
/* Once a second: every tenth one the levels are said. */
void xw_ecg_st_second(struct xw_ecg_st *s, struct xw_ecg_emit *emit, uint32_t usable);
void xw_ecg_st_close(struct xw_ecg_st *s, struct xw_ecg_emit *emit, int64_t end);

#endif
