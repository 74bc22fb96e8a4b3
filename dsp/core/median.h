/* Running median of the last n values (n ≤ 64), for levels that one artefact must not move.
 * Life: init, push, value, reset; nothing to free. Thread rule: none shared. */
#ifndef XW_DSP_CORE_MEDIAN_H
#define XW_DSP_CORE_MEDIAN_H

enum { XW_DSP_MEDIAN_MAX = 64 };

struct xw_dsp_median {
    unsigned size_n, used_n, next;
    float value[XW_DSP_MEDIAN_MAX];  /* in order of coming */
    float sorted[XW_DSP_MEDIAN_MAX]; /* rising */
};

void xw_dsp_median_init(struct xw_dsp_median *m, unsigned size_n); /* 1..64, clamped */
void xw_dsp_median_reset(struct xw_dsp_median *m);
void xw_dsp_median_push(struct xw_dsp_median *m, float x); /* x must not be NaN */
void xw_dsp_median_fill(struct xw_dsp_median *m, float x); /* all size_n values become x */
/* The middle value, the mean of the two middle ones for an even number; 0 when empty. */
float xw_dsp_median_value(const struct xw_dsp_median *m);
/* The value at a share 0..1 of the sorted values; 0 when empty. */
float xw_dsp_median_rank(const struct xw_dsp_median *m, float share);

#endif
