/* The values. How they were chosen: dsp/README.md. */
#include "dsp/ecg/tables.h"

#ifndef XW_ECG_TABLES_TUNABLE
const
#endif
    struct xw_ecg_tables xw_ecg_tables = {
        .qrs_sigma_odd_s = 0.012F,
        .qrs_sigma_even_s = 0.016F,
        .qrs_clip_q = 1.5F,
        .qrs_level_floor_uv = 100.0F,
        .qrs_floor_uv = 75.0F,
        .qrs_k = 0.30F,
        .qrs_k_min_q = 0.25F,
        .qrs_k_max_q = 0.60F,
        .qrs_refractory_s = 0.200F,
        .qrs_guard_s = 0.400F,
        .qrs_guard_ratio = 0.60F,
        .qrs_searchback_rr = 1.5F,
        .qrs_searchback_k = 0.5F,
        .qrs_searchback_npk = 1.5F,
        .qrs_snr_max = 8.0F,
        .qrs_snr_power = 1.5F,
        .qrs_weight_min = 0.02F,
        .qrs_startup_s = 3.0F,
        .qrs_lost_s = 8.0F,
        .asystole_s = 4.0F,
        .asystole_margin_s = 0.45F,
        .brady_bpm = 40.0F,
        .brady_end_bpm = 45.0F,
        .brady_beats_n = 5.0F,
        .tachy_bpm = 140.0F,
        .tachy_end_bpm = 130.0F,
        .tachy_beats_n = 17.0F,
        .vt_bpm = 100.0F,
        .vt_beats_n = 5.0F,
        .pause_s = 2.0F,
};
