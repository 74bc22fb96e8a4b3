/* Overlap-save: the last fft_n samples of every lead are transformed, weighted and brought back;
 * the newest hop_n samples of the circular result are free of wrap-around. */
#include "dsp/core/bank.h"
#include "dsp/core/frame.h"

#include <errno.h>

static int allocate(struct xw_dsp_bank *b)
{
    size_t bins = b->fft_n / 2 + 1;
    b->time = fftwf_alloc_real((size_t)b->leads_n * b->fft_n);
    b->work = fftwf_alloc_real((size_t)b->leads_n * b->fft_n);
    b->spectrum = fftwf_alloc_complex(b->leads_n * bins);
    b->product = fftwf_alloc_complex(b->leads_n * bins);
    b->response = fftwf_alloc_complex(b->bands_n * bins);
    return b->time && b->work && b->spectrum && b->product && b->response ? 0 : -ENOMEM;
}

static int plan(struct xw_dsp_bank *b)
{
    int n = (int)b->fft_n, bins = n / 2 + 1;
    b->forward = fftwf_plan_many_dft_r2c(1, &n, (int)b->leads_n, b->time, NULL, 1, n, b->spectrum,
                                         NULL, 1, bins, FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
    b->inverse = fftwf_plan_many_dft_c2r(1, &n, (int)b->leads_n, b->product, NULL, 1, bins, b->work,
                                         NULL, 1, n, FFTW_ESTIMATE | FFTW_DESTROY_INPUT);
    return b->forward && b->inverse ? 0 : -ENOMEM;
}

/* The kernels' spectra, by the bank's own forward plan (lead 0's place). */
static void respond(struct xw_dsp_bank *b, const float *const *kernels, unsigned kernel_n)
{
    size_t bins = b->fft_n / 2 + 1;
    for (unsigned band = 0; band < b->bands_n; band++) {
        memset(b->time, 0, (size_t)b->leads_n * b->fft_n * sizeof(float));
        for (unsigned i = 0; i < kernel_n; i++)
            b->time[i] = kernels[band][i] / (float)b->fft_n;
        fftwf_execute(b->forward);
        memcpy(b->response + band * bins, b->spectrum, bins * sizeof(fftwf_complex));
    }
}

int xw_dsp_bank_init(struct xw_dsp_bank *b, unsigned leads_n, unsigned lanes, unsigned hop_n,
                     unsigned fft_n, unsigned bands_n, const float *const *kernels,
                     unsigned kernel_n, const float *delay_n)
{
    memset(b, 0, sizeof(*b));
    if (!leads_n || leads_n > lanes || !hop_n || !kernel_n || kernel_n + hop_n - 1 > fft_n ||
        fft_n % 2 || !bands_n || bands_n > XW_DSP_BANK_BANDS_MAX)
        return -EINVAL;
    b->leads_n = leads_n;
    b->lanes = lanes;
    b->bands_n = bands_n;
    b->hop_n = hop_n;
    b->fft_n = fft_n;
    memcpy(b->delay_n, delay_n, bands_n * sizeof(float));
    int error = allocate(b);
    if (!error)
        error = plan(b);
    if (error) {
        xw_dsp_bank_done(b);
        return error;
    }
    respond(b, kernels, kernel_n);
    xw_dsp_bank_reset(b);
    return 0;
}

void xw_dsp_bank_done(struct xw_dsp_bank *b)
{
    if (b->forward)
        fftwf_destroy_plan(b->forward);
    if (b->inverse)
        fftwf_destroy_plan(b->inverse);
    fftwf_free(b->time);
    fftwf_free(b->work);
    fftwf_free(b->spectrum);
    fftwf_free(b->product);
    fftwf_free(b->response);
    memset(b, 0, sizeof(*b));
}

void xw_dsp_bank_reset(struct xw_dsp_bank *b)
{
    memset(b->time, 0, (size_t)b->leads_n * b->fft_n * sizeof(float));
    memset(b->work, 0, (size_t)b->leads_n * b->fft_n * sizeof(float));
}

void xw_dsp_bank_push(struct xw_dsp_bank *b, const float *frames)
{
    for (unsigned lead = 0; lead < b->leads_n; lead++) {
        float *time = b->time + (size_t)lead * b->fft_n;
        memmove(time, time + b->hop_n, (b->fft_n - b->hop_n) * sizeof(float));
        for (unsigned i = 0; i < b->hop_n; i++)
            time[b->fft_n - b->hop_n + i] = frames[(size_t)i * b->lanes + lead];
    }
    fftwf_execute(b->forward);
}

void xw_dsp_bank_select(struct xw_dsp_bank *b, unsigned band)
{
    size_t bins = b->fft_n / 2 + 1;
    const float *restrict h = (const float *)(b->response + band * bins);
    for (unsigned lead = 0; lead < b->leads_n; lead++) {
        const float *restrict x = (const float *)(b->spectrum + lead * bins);
        float *restrict y = (float *)(b->product + lead * bins);
        for (size_t i = 0; i < 2 * bins; i += 2) {
            y[i] = x[i] * h[i] - x[i + 1] * h[i + 1];
            y[i + 1] = x[i] * h[i + 1] + x[i + 1] * h[i];
        }
    }
    fftwf_execute(b->inverse);
}
