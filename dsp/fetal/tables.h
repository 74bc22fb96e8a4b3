/* Every limit of the fetal trace's cleaning in one table, so that one hash names them all.
 * All members are floats: the hash is taken over the bytes. Times in s, rates in beats per minute.
 * Sources: cleaning rules as published with the FHRMA toolbox (Boudet et al.), restated; the 50 %
 * rule is the inclusion rule of CTU-UHB (Chudacek et al. 2014); maternal coincidence within 5/min
 * follows Pinto et al. 2015. */
#ifndef XW_DSP_FETAL_TABLES_H
#define XW_DSP_FETAL_TABLES_H

struct xw_fetal_tables {
    float fhr_low_bpm, fhr_high_bpm; /* outside: no heart of a fetus */
    float mhr_low_bpm, mhr_high_bpm;
    float hold_s, judge_s; /* the analysis trails by hold; what a run is, is judged earlier */
    float jump_bpm;        /* between two neighbours: another run */
    float short_s;         /* a run shorter than this is no signal */
    float island_s;        /* a shorter run that lies off both its neighbours is none either */
    float spike_merge_s, spike_longest_s, spike_least_s;
    float loss_s;       /* no signal for so long: an episode */
    float alarm_s;      /* … : a technical alarm */
    float enough_share; /* of a minute: else it has no mean */
    /* maternal coincidence */
    float maternal_s, maternal_bpm, maternal_share, maternal_both;
    /* doubling and halving against the median of the last ten minutes */
    float double_low, double_high, half_low, half_high, ratio_s, median_s, median_least_s;
};

extern const struct xw_fetal_tables xw_fetal_tables;

#endif
