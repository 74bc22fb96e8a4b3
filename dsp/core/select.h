/* Order statistics without sorting all of it. Thread rule: pure but for the array, which is put in
 * another order. */
#ifndef XW_DSP_CORE_SELECT_H
#define XW_DSP_CORE_SELECT_H

/* The value that would stand at `rank` (0 to n - 1) if x were sorted; what is before it in x
 * afterwards is not larger, what is behind it not smaller. n >= 1; no NaN. */
float xw_dsp_select(float *x, unsigned n, unsigned rank);
/* The middle value, the mean of the two middle ones for an even n; 0 for n = 0. */
float xw_dsp_select_median(float *x, unsigned n);

#endif
