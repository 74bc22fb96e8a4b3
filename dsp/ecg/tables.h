/* Every limit of the ECG analysis in one table, so that one hash names them all.
 * All members are floats: the hash is taken over the bytes. Times in s, levels in µV unless the
 * name says otherwise; "q" is the fused detection level, where 1 is the usual QRS. */
#ifndef XW_DSP_ECG_TABLES_H
#define XW_DSP_ECG_TABLES_H

struct xw_ecg_tables {
    /* QRS */
    float qrs_sigma_odd_s, qrs_sigma_even_s; /* widths of the two detection kernels */
    float qrs_clip_q;                        /* one lead's say in the fusion ends here */
    float qrs_level_floor_uv;                /* a lead's usual QRS level is never taken lower */
    float qrs_floor_uv;                      /* nothing below this is a QRS */
    float qrs_k;                             /* threshold between noise and QRS level */
    float qrs_k_min_q, qrs_k_max_q;          /* the threshold stays between these */
    float qrs_refractory_s;
    float qrs_guard_s;                    /* end of the time after a beat with a raised threshold */
    float qrs_guard_late;                 /* share of that ratio left at the end of that time */
    float qrs_early_rr, qrs_early_factor; /* earlier than this share of the usual RR: harder */
    float qrs_early_irregular;            /* spread of RR over its median at which that ends */
    float qrs_shape_share, qrs_shape_energy; /* an established shape: beats, energy */
    float qrs_guard_ratio;    /* of the last beat's level at the start of that time */
    float qrs_searchback_rr;  /* times the usual RR */
    float qrs_searchback_k;   /* times the threshold */
    float qrs_searchback_npk; /* and times the noise level */
    /* a candidate's likeness to known shapes; factor on the threshold for a known one, on the
     * level lately refused for a strange one */
    float qrs_known, qrs_strange, qrs_neutral;
    float qrs_known_factor, qrs_strange_factor, qrs_learn_q;
    float qrs_refused_rank, qrs_strange_min_q, qrs_strange_max_q;
    float qrs_snr_max, qrs_snr_power, qrs_weight_min;
    float qrs_startup_s, qrs_lost_s;
    /* quality */
    float quality_flat_uv, quality_moving_uv;    /* range in a second: dead, alive */
    float quality_noise_uv, quality_noise_share; /* rms above 40 Hz; share of the QRS level */
    float quality_level_uv; /* QRS level that this share is taken of, at most */
    float quality_range_uv;
    /* VF: score = bias + count2 - leakage, positive for enter_s seconds */
    float vf_bias, vf_count2, vf_leakage, vf_hysteresis, vf_range_uv;
    float vf_enter_s, vf_leave_s;
    float vf_even, vf_even_bpm; /* repeats itself so well, and not faster: VT */
    /* beat labels */
    float beat_alike, beat_strange, beat_wide_factor, beat_wide_ms, beat_early_v, beat_early_s;
    float beat_irregular;
    /* ST */
    float st_elevation_uv, st_elevation_v23_uv, st_end_share, st_beats_n;
    float st_rr_spread; /* quartile distance of RR over the median: above it no ST is measured */
    /* rhythm alarms */
    float asystole_s, asystole_margin_s;
    float brady_bpm, brady_end_bpm, brady_beats_n;
    float tachy_bpm, tachy_end_bpm, tachy_beats_n, tachy_known_share;
    float vt_bpm, vt_beats_n;
    float pause_s;
};

#ifdef XW_ECG_TABLES_TUNABLE /* for experiments only: the library is never built so */
extern struct xw_ecg_tables xw_ecg_tables;
#else
extern const struct xw_ecg_tables xw_ecg_tables;
#endif

#endif
