/* Figures of a waveform. */
#include "dsp/ecg/wave.h"
#include "dsp/core/quad.h"

#include <math.h>

enum { N = XW_ECG_WAVE_FRAMES, SECOND = XW_ECG_ANALYSIS_HZ, BINS = XW_ECG_WAVE_FFT / 2 + 1 };

static const float BIN_HZ = (float)XW_ECG_ANALYSIS_HZ / XW_ECG_WAVE_FFT;

int xw_ecg_wave_init(struct xw_ecg_wave *w)
{
    w->time = fftwf_alloc_real(XW_ECG_WAVE_FFT);
    w->spectrum = fftwf_alloc_complex(BINS);
    if (!w->time || !w->spectrum)
        return -ENOMEM;
    w->plan = fftwf_plan_dft_r2c_1d(XW_ECG_WAVE_FFT, w->time, w->spectrum, FFTW_ESTIMATE);
    for (int i = 0; i < N; i++)
        w->hann[i] = 0.5F - 0.5F * (float)cos(2 * M_PI * (i + 0.5) / N);
    return w->plan ? 0 : -ENOMEM;
}

void xw_ecg_wave_done(struct xw_ecg_wave *w)
{
    if (w->plan)
        fftwf_destroy_plan(w->plan);
    fftwf_free(w->time);
    fftwf_free(w->spectrum);
    w->plan = NULL;
    w->time = NULL;
    w->spectrum = NULL;
}

/* Without what is slower than 1 Hz (first order); the second before is to settle. */
static void fetch(const struct xw_ecg_signal *signal, unsigned lead, int64_t end, float *x)
{
    const float decay = 0.9752F; /* exp(-2 pi 1 Hz / 250 Hz) */
    float last = 0, level = 0;
    for (int i = -SECOND; i < N; i++) {
        int64_t t = end - N + i > 0 ? end - N + i : 0;
        float now = xw_ecg_signal_frame(signal, t)[lead];
        level = i > -SECOND ? decay * (level + now - last) : 0;
        last = now;
        if (i >= 0)
            x[i] = level;
    }
}

static float middle_of_four(const float *x)
{
    float low = xw_min(xw_min(x[0], x[1]), xw_min(x[2], x[3]));
    float high = xw_max(xw_max(x[0], x[1]), xw_max(x[2], x[3]));
    return 0.5F * (x[0] + x[1] + x[2] + x[3] - low - high);
}

static void measure_sizes(const float *x, float *ret)
{
    float range[XW_ECG_WAVE_S], least = INFINITY, most = 0, above_n = 0;
    for (int s = 0; s < XW_ECG_WAVE_S; s++) {
        const float *y = x + s * SECOND;
        float low = y[0], high = y[0], size = 0;
        for (int i = 0; i < SECOND; i++) {
            low = xw_min(low, y[i]);
            high = xw_max(high, y[i]);
            size = xw_max(size, fabsf(y[i]));
        }
        for (int i = 0; i < SECOND; i++)
            above_n += fabsf(y[i]) > 0.2F * size;
        range[s] = high - low;
        least = xw_min(least, range[s]);
        most = xw_max(most, range[s]);
    }
    ret[XW_ECG_WAVE_LN_RANGE] = logf(middle_of_four(range) + 20);
    ret[XW_ECG_WAVE_STEADY] = least / (most + 1);
    ret[XW_ECG_WAVE_ABOVE] = above_n / N;
}

static void measure_moments(const float *x, float *ret)
{
    float two = 0, four = 0, size = 0, slope = 0, steepest = 0;
    for (int i = 0; i < N; i++) {
        float square = x[i] * x[i];
        two += square;
        four += square * square;
        size += fabsf(x[i]);
        if (i >= 2) {
            slope += fabsf(x[i] - x[i - 2]);
            steepest = xw_max(steepest, fabsf(x[i] - x[i - 2]));
        }
    }
    float rest_n = 0;
    for (int i = 2; i < N; i++)
        rest_n += fabsf(x[i] - x[i - 2]) < 0.08F * steepest;
    ret[XW_ECG_WAVE_LN_KURTOSIS] = logf(four * N / (two * two + 1) + 0.5F);
    ret[XW_ECG_WAVE_REST] = rest_n / N;
    ret[XW_ECG_WAVE_LN_MEAN_HZ] = logf((slope + 1) / (size + 1));
}

static float power_near(const float *power, float hz, float reach_hz)
{
    int first = (int)ceilf((hz - reach_hz) / BIN_HZ), end = (int)floorf((hz + reach_hz) / BIN_HZ);
    float sum = 0;
    for (int b = first < 0 ? 0 : first; b <= end && b < BINS; b++)
        sum += power[b];
    return sum;
}

static void measure_spectrum(struct xw_ecg_wave *w, const float *x, float *ret)
{
    float power[BINS], all = 1e-3F, slow = 0, fast = 0;
    for (int i = 0; i < N; i++)
        w->time[i] = x[i] * w->hann[i];
    for (int i = N; i < XW_ECG_WAVE_FFT; i++)
        w->time[i] = 0;
    fftwf_execute(w->plan);
    int peak = (int)(1.5F / BIN_HZ);
    for (int b = 0; b < BINS; b++) {
        float hz = (float)b * BIN_HZ;
        power[b] = w->spectrum[b][0] * w->spectrum[b][0] + w->spectrum[b][1] * w->spectrum[b][1];
        if (hz < 0.5F || hz > 40)
            continue;
        all += power[b];
        slow += hz < 2.1F ? power[b] : 0;
        fast += hz > 12 ? power[b] : 0;
        if (hz >= 1.5F && hz <= 9 && power[b] > power[peak])
            peak = b;
    }
    float hz = (float)peak * BIN_HZ, near = power_near(power, hz, 0.75F), harmonics = 0;
    for (int k = 2; k <= 5; k++)
        harmonics += power_near(power, (float)k * hz, 0.75F);
    ret[XW_ECG_WAVE_LN_PEAK_HZ] = logf(hz);
    ret[XW_ECG_WAVE_PEAK_SHARE] = near / all;
    ret[XW_ECG_WAVE_HARMONICS] = logf((harmonics + 0.01F * near + 1e-3F) / (near + 1e-3F));
    ret[XW_ECG_WAVE_FAST_SHARE] = logf(fast / all + 0.001F);
    ret[XW_ECG_WAVE_SLOW_SHARE] = slow / all;
}

/* The first peak of the autocorrelation after it fell below 0; every fourth frame. */
static void measure_cycle(const float *x, float *ret)
{
    enum { STEP = 4, M = N / STEP, LAGS = 63 };
    float y[M], before = 1, before_last = 1;
    bool fell = false;
    float before_n[M + 1]; /* sums of squares of the first n */
    before_n[0] = 0;
    for (int i = 0; i < M; i++)
        y[i] = 0.25F * (x[STEP * i] + x[STEP * i + 1] + x[STEP * i + 2] + x[STEP * i + 3]);
    for (int i = 0; i < M; i++)
        before_n[i + 1] = before_n[i] + y[i] * y[i];
    ret[XW_ECG_WAVE_EVEN] = 0;
    ret[XW_ECG_WAVE_LN_CYCLE] = 0;
    for (int lag = 1; lag < LAGS; lag++) {
        float part[4] = {0}, a = 1e-3F + before_n[M] - before_n[lag];
        int i = lag;
        for (; i + 4 <= M; i += 4)
            for (int k = 0; k < 4; k++)
                part[k] += y[i + k] * y[i + k - lag];
        for (; i < M; i++)
            part[0] += y[i] * y[i - lag];
        float dot = part[0] + part[1] + part[2] + part[3];
        float r = dot / sqrtf(a * (1e-3F + before_n[M - lag]));
        fell |= r < 0;
        if (fell && lag > 4 && before > ret[XW_ECG_WAVE_EVEN] + 0.05F && before >= before_last &&
            before >= r) {
            ret[XW_ECG_WAVE_EVEN] = before;
            ret[XW_ECG_WAVE_LN_CYCLE] = logf((float)((lag - 1) * STEP) / SECOND);
        }
        before_last = before;
        before = r;
    }
}

void xw_ecg_wave_measure(struct xw_ecg_wave *w, const struct xw_ecg_signal *signal, unsigned lead,
                         int64_t end, float *ret)
{
    float x[N];
    fetch(signal, lead, end, x);
    measure_sizes(x, ret);
    measure_moments(x, ret);
    measure_spectrum(w, x, ret);
    measure_cycle(x, ret);
}
