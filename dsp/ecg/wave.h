/* The shape of four seconds of one lead, in figures that tell ventricular fibrillation, flutter and
 * fast ventricular tachycardia from beats with rest between them, and from noise.
 * The spectrum is by FFTW: 1,024 points of a Hann window over 1,000 frames, 0.24 Hz a bin.
 * Life: init, measure…, done; planning is the caller's to serialise (as chain_new has it).
 * Private to dsp/ecg. Units: µV, Hz, s. */
#ifndef XW_DSP_ECG_WAVE_H
#define XW_DSP_ECG_WAVE_H

#include "dsp/ecg/signal.h"

#include <fftw3.h>

enum {
    XW_ECG_WAVE_S = 4,
    XW_ECG_WAVE_FRAMES = XW_ECG_WAVE_S * XW_ECG_ANALYSIS_HZ,
    XW_ECG_WAVE_FFT = 1024,
};

enum xw_ecg_wave_figure {
    XW_ECG_WAVE_LN_RANGE,    /* median of the four seconds' ranges, ln µV */
    XW_ECG_WAVE_LN_KURTOSIS, /* peaked: beats; flat: waves */
    XW_ECG_WAVE_ABOVE,       /* share above a fifth of each second's largest size (TCSC) */
    XW_ECG_WAVE_REST,        /* share with a slope below 8 % of the steepest */
    XW_ECG_WAVE_LN_PEAK_HZ,  /* of the spectrum, 1.5 to 9 Hz */
    XW_ECG_WAVE_PEAK_SHARE,  /* power within 0.75 Hz of it */
    XW_ECG_WAVE_HARMONICS,   /* power around 2 to 5 times it, over that around it; ln */
    XW_ECG_WAVE_FAST_SHARE,  /* ln of the share above 12 Hz */
    XW_ECG_WAVE_SLOW_SHARE,  /* share below 2.1 Hz (126/min) */
    XW_ECG_WAVE_EVEN,        /* autocorrelation at its first peak */
    XW_ECG_WAVE_LN_CYCLE,    /* lag of that peak, ln s */
    XW_ECG_WAVE_LN_MEAN_HZ,  /* mean size of slope over size */
    XW_ECG_WAVE_STEADY,      /* smallest over largest range of the seconds */
    XW_ECG_WAVE_FIGURES,
};

struct xw_ecg_wave {
    float *time;
    fftwf_complex *spectrum;
    fftwf_plan plan;
    float hann[XW_ECG_WAVE_FRAMES];
};

int xw_ecg_wave_init(struct xw_ecg_wave *w) __attribute__((warn_unused_result));
void xw_ecg_wave_done(struct xw_ecg_wave *w);

/* The n frames of two leads (which may be the same) that end at frame `end`, without what is slower
 * than 1 Hz (first order; it begins at 0 and takes about a second to settle). x: n quads, a lead in
 * each of the first two lanes: what is summed frame by frame is summed for both at once. */
void xw_ecg_wave_fetch(const struct xw_ecg_signal *signal, const unsigned *lead, int64_t end, int n,
                       xw_quad *restrict x);

/* The four seconds of one or two leads that end at frame `end`; a fifth before them settles the
 * filter. */
void xw_ecg_wave_measure(struct xw_ecg_wave *w, const struct xw_ecg_signal *signal,
                         const unsigned *lead, unsigned leads_n, int64_t end,
                         float (*ret)[XW_ECG_WAVE_FIGURES]);

#endif
