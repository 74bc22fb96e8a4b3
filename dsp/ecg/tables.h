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
    /* a lead shows nothing below this share of its QRS and this many times its noise; what is then
     * asked in addition; such a lead saw so much of the beat before. Not later than so many RR, not
     * more often at once; one is forgotten in that time */
    float qrs_denied_q, qrs_denied_noise, qrs_denied_factor, qrs_denied_sees;
    float qrs_denied_rr, qrs_denied_most, qrs_denied_forget_s;
    /* above 40 Hz: as much as the fastest part of a large QRS; what half a second may have where
     * noise begins in it. In the QRS band: more than a P wave makes, less than nearly all QRS */
    float noise_loud_uv, noise_rough_uv, swing_uv;
    float qrs_guard_ratio;    /* of the last beat's level at the start of that time */
    float qrs_searchback_rr;  /* times the usual RR */
    float qrs_searchback_k;   /* times the threshold */
    float qrs_searchback_npk; /* and times the noise level */
    /* a candidate's likeness to known shapes; factor on the threshold for a known one, on the
     * level lately refused for a strange one */
    float qrs_known, qrs_strange, qrs_neutral;
    float qrs_known_factor, qrs_strange_factor, qrs_learn_q;
    float qrs_refused_rank, qrs_strange_min_q, qrs_strange_max_q;
    /* what usually follows a beat (T wave): added to it; times it where novelty begins and is full;
     * shares of the early factor and of the guard that full novelty takes away; a refused candidate
     * below so many times it says nothing about noise; search-back begins so long after a beat */
    float qrs_after_margin, qrs_after_low, qrs_after_high;
    float qrs_after_time, qrs_after_time_back, qrs_after_guard, qrs_after_explains;
    float qrs_back_first_s;
    float qrs_back_early;   /* share of the early factor left in search-back: a pause follows */
    float qrs_too_early_rr; /* of the usual RR: a strange shape so early is an artefact */
    float qrs_sure, qrs_sure_factor; /* likeness of a candidate that is a beat if anything is */
    float qrs_strange_rest;          /* refused level of an RR interval with nothing refused */
    float qrs_snr_max, qrs_snr_power, qrs_weight_min;
    /* the first of two strange waves: apart from its neighbours, against the second */
    float qrs_twin_s, qrs_twin_q, qrs_twin_like;
    /* a step of the baseline: looked for from this level on, share of what moved, alone */
    float qrs_step_q, qrs_step_share, qrs_step_sharp, qrs_step_alone;
    float qrs_startup_s, qrs_lost_s;
    float qrs_silent_q, qrs_silent_rr, qrs_silent_s; /* below it, for so many usual RR, at least */
    float qrs_silent_longest;                        /* and so many longest ones */
    float qrs_silent_match, qrs_silent_level;        /* what is then asked of a beat */
    /* quality */
    float quality_flat_uv, quality_moving_uv;    /* range in a second: dead, alive */
    float quality_noise_uv, quality_noise_share; /* rms above 40 Hz; share of the QRS level */
    float quality_level_uv; /* QRS level that this share is taken of, at most */
    float quality_range_uv;
    /* VF: limits of the sum of weights; a second alone: bias + count2 - leakage */
    float vf_slow_hz, vf_slow_share; /* a wave as slow as that, with that share of the power */
    float vf_caution;                /* taken off every weight */
    /* off that of waves without beats, asked of waves smaller than this */
    float vf_alone, vf_alone_uv;
    float vf_ordinary_like, vf_ordinary_width_ms, vf_ordinary_uneven; /* beats that are no VF */
    float vf_open; /* the sum that says it begins; vf_limit ends it: what kills is said early */
    float vf_limit, vf_bias, vf_count2, vf_leakage, vf_range_uv;
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
    /* likeness below, spread of it, beats in a row, mean RR over the one before */
    float vt_strange, vt_alike, vt_strange_n, vt_strange_rr;
    float vt_uneven; /* mean difference of neighbouring RR of a run over their mean, at most */
    float pause_s;
    /* pulses as a witness: gap, unevenness of intervals, size over the usual */
    float veto_gap_s, veto_uneven, veto_even, veto_size;
    /* atrial fibrillation: limits of the sum of weights; what one weight is divided by;
     * weight of how much of the past was so, and how fast that past moves, a beat; taken off every
     * weight; a change is dated back so far at most */
    float af_limit, af_price, af_habit, af_habit_rate, af_caution, af_revise_s;
    /* its early look: what a weight is divided by, taken off it; how long it is silent after it was
     * wrong */
    float af_early_price, af_early_caution, af_early_rest_s;
    /* log odds that an early beat must have above the limit to be supraventricular in fibrillation
     */
    float af_sveb_margin;
    /* names of patterns: beats of a ventricular run, and its least rate; duration that makes VT
     * sustained; R on T: at most this share of the usual RR, and before the T wave ends (s at an RR
     * of one second); SVT: S beats in a row, rate, slowest RR against its mean so far */
    float run_beats_n, run_bpm, vt_sustained_s, ront_rr, ront_qt_s, svt_beats_n, svt_bpm, svt_slack;
    float svt_sudden; /* RR at its beginning against the one before */
    /* AV block: looked for below this rate, or where an RR is so many times the one before; share
     * of the expected P waves that must be seen; longest PR that counts as conducted; P waves
     * without QRS; third degree: rate below, spread of RR, lock of PR below, atrial over
     * ventricular rate above */
    float avb_slow_bpm, avb_jump, avb_seen, avb_pr_max_s, avb2_blocked_n;
    float avb3_bpm, avb3_rr_spread, avb3_lock, avb3_ratio;
    /* Flutter (flutter.h): what must hold in an uneven rhythm, and in an even one. */
    float afl_peak, afl_lock, afl_share, afl_height_uv, afl_uneven;
    float afl_lock_even, afl_share_even, afl_conduction, afl_open, afl_uneven_open;
    float afl_slack; /* of all limits while it goes on */
    float avb_p_uv;  /* no P wave below this (after its filter) */
    /* five minutes: share of them that must be clean NN; bounds of an NN; its distance from the
     * median around it, as a share of that */
    float hrv_clean, hrv_low_ms, hrv_high_ms, hrv_near;
};

#ifdef XW_ECG_TABLES_TUNABLE /* for experiments only: the library is never built so */
extern struct xw_ecg_tables xw_ecg_tables;
#else
extern const struct xw_ecg_tables xw_ecg_tables;
#endif

#endif
