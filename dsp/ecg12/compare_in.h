/* What the files of the comparison share. */
#ifndef XW_DSP_ECG12_COMPARE_IN_H
#define XW_DSP_ECG12_COMPARE_IN_H

#include "dsp/ecg12/compare.h"
#include "dsp/ecg12/internal.h"

/* How far two measurements of one heart lie apart (SD): round values, checked by how often an
 * unchanged heart is called changed (bench_delineation --compare), not fitted to anything. */
#define XW12_REPEAT_P_MS 6.0f
#define XW12_REPEAT_PR_MS 5.0f
#define XW12_REPEAT_QRS_MS 4.0f
#define XW12_REPEAT_QT_MS 8.0f
#define XW12_REPEAT_AXIS_DEG 2.0f
#define XW12_REPEAT_P_AXIS_DEG 6.0f
#define XW12_REPEAT_T_AXIS_DEG 4.0f
#define XW12_REPEAT_MARK_P_MS 8.0f /* of either end of the P wave */
#define XW12_REPEAT_ON_MS 4.0f     /* of the beginning of the QRS */
#define XW12_REPEAT_OFF_MS 4.0f    /* of its end */

/* One recording as measured for the comparison. */
struct xw12_side {
    struct xw_ecg12_result result;
    float p_sd_ms, axis_sd_deg[3];                     /* P, QRS, T; over beats, NAN = not known */
    float height_sd_uv[XW12_LEADS][XW_ECG12_HEIGHT_N]; /* over beats */
    float place_uv[XW12_LEADS][XW_ECG12_HEIGHT_N];     /* of a mark that lies elsewhere by its SD */
};

/* ---- compare_spread.c: after xw_ecg12_read filled side->result ---- */
void xw12_side_take(const struct xw_ecg12 *e, struct xw12_side *side);

/* ---- compare_beat.c: median beats over each other; likeness, shift, exchanged electrodes ---- */
void xw12_lay_over(const struct xw_ecg12_result *before, const struct xw_ecg12_result *now,
                   struct xw_ecg12_comparison *out);
#define XW12_LIMB_NEARER 2.5f  /* so much nearer must an exchange bring the limb leads … */
#define XW12_CHEST_NEARER 2.0f /* … or the two chest leads */

#endif
