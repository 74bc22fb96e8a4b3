/* Trained tables; what each was made of, and how: dsp/train/README.rhythm.md. */
#ifndef XW_DSP_TRAIN_TABLES_H
#define XW_DSP_TRAIN_TABLES_H

#include "dsp/core/net.h"

extern const struct xw_dsp_net xw_af_table;       /* figures of dsp/ecg/af.h */
extern const struct xw_dsp_net xw_af_early_table; /* of its early look */
extern const struct xw_dsp_net xw_vf_table;       /* figures of dsp/ecg/vf.h */

#endif
