/* FFT overlap-save filter bank: up to four FIR bands of many leads, in hops of a few samples.
 *
 * FFTW single precision, ESTIMATE plans on aligned buffers, no wisdom: the same build gives the
 * same bits. One forward transform of a lead serves all its bands.
 * Life: init, process, reset, delay, done. init allocates and plans (-ENOMEM, -EINVAL); planning is
 * not thread-safe in FFTW, so init and done must not run in two threads at once. */
#ifndef XW_DSP_CORE_BANK_H
#define XW_DSP_CORE_BANK_H

#include <fftw3.h>

enum { XW_DSP_BANK_BANDS_MAX = 4 };

struct xw_dsp_bank {
    unsigned leads_n, lanes, bands_n, hop_n, fft_n;
    float *time;             /* leads_n x fft_n, newest last */
    float *work;             /* leads_n x fft_n, output of the inverse transforms */
    fftwf_complex *spectrum; /* leads_n x (fft_n / 2 + 1) */
    fftwf_complex *product;  /* the same */
    fftwf_complex *response; /* bands_n x (fft_n / 2 + 1), 1 / fft_n taken in */
    fftwf_plan forward, inverse;
    float delay_n[XW_DSP_BANK_BANDS_MAX];
};

/* kernels: bands_n pointers to kernel_n taps each, kernel_n + hop_n - 1 ≤ fft_n; delay_n: the group
 * delay of each band at its centre, in samples, as stated by who made the kernel. */
int xw_dsp_bank_init(struct xw_dsp_bank *b, unsigned leads_n, unsigned lanes, unsigned hop_n,
                     unsigned fft_n, unsigned bands_n, const float *const *kernels,
                     unsigned kernel_n, const float *delay_n) __attribute__((warn_unused_result));
void xw_dsp_bank_done(struct xw_dsp_bank *b);
void xw_dsp_bank_reset(struct xw_dsp_bank *b);

/* frames: hop_n frames of `lanes`, newest last. Afterwards the hop's output of a band is read with
 * xw_dsp_bank_band, after xw_dsp_bank_select has computed that band. */
void xw_dsp_bank_push(struct xw_dsp_bank *b, const float *frames);
void xw_dsp_bank_select(struct xw_dsp_bank *b, unsigned band);

/* hop_n consecutive samples of one lead of the band selected last; valid until the next select. */
static inline const float *xw_dsp_bank_lead(const struct xw_dsp_bank *b, unsigned lead)
{
    return b->work + (size_t)(lead + 1) * b->fft_n - b->hop_n;
}

/* Group delay in samples at the centre of a band; the wait for a full hop comes on top. */
static inline float xw_dsp_bank_delay(const struct xw_dsp_bank *b, unsigned band)
{
    return b->delay_n[band];
}

#endif
