/* Figures of a waveform. */
#include "dsp/ecg/wave.h"
#include "dsp/core/quad.h"

#include <math.h>

enum { N = XW_ECG_WAVE_FRAMES, SECOND = XW_ECG_ANALYSIS_HZ, BINS = XW_ECG_WAVE_FFT / 2 + 1 };
enum { BINS_ASKED = 192, FOUR = XW_DSP_LANE_QUANTUM }; /* up to five times 9 Hz and 0.75 Hz */
_Static_assert(BINS_ASKED *XW_ECG_ANALYSIS_HZ > 46 * XW_ECG_WAVE_FFT, "five times 9 Hz");

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

void xw_ecg_wave_fetch(const struct xw_ecg_signal *signal, const unsigned *lead, int64_t end, int n,
                       xw_quad *restrict x)
{
    const xw_quad decay = xw_quad_all(0.9752F); /* exp(-2 pi 1 Hz / 250 Hz) */
    xw_quad last = {0}, level = {0};
    for (int i = 0; i < n; i++) {
        int64_t t = end - n + i > 0 ? end - n + i : 0;
        const float *frame = xw_ecg_signal_frame(signal, t);
        xw_quad now = {frame[lead[0]], frame[lead[1]]};
        level = i ? decay * (level + now - last) : (xw_quad){0};
        last = now;
        x[i] = level;
    }
}

static float middle_of_four(const float *x)
{
    float low = xw_min(xw_min(x[0], x[1]), xw_min(x[2], x[3]));
    float high = xw_max(xw_max(x[0], x[1]), xw_max(x[2], x[3]));
    return 0.5F * (x[0] + x[1] + x[2] + x[3] - low - high);
}

static float least_of(xw_quad q)
{
    return xw_min(xw_min(q[0], q[1]), xw_min(q[2], q[3]));
}

static float most_of(xw_quad q)
{
    return xw_max(xw_max(q[0], q[1]), xw_max(q[2], q[3]));
}

static void measure_sizes(const float *x, float *ret)
{
    float range[XW_ECG_WAVE_S], least = INFINITY, most = 0, above_n = 0;
    for (int s = 0; s < XW_ECG_WAVE_S; s++) {
        const float *y = x + s * SECOND;
        xw_quad lows = xw_quad_load(y), highs = lows;
        int i = FOUR;
        for (; i + FOUR <= SECOND; i += FOUR) {
            lows = xw_quad_min(xw_quad_load(y + i), lows);
            highs = xw_quad_max(xw_quad_load(y + i), highs);
        }
        float low = least_of(lows), high = most_of(highs);
        for (; i < SECOND; i++) {
            low = xw_min(low, y[i]);
            high = xw_max(high, y[i]);
        }
        xw_quad limit = xw_quad_all(0.2F * xw_max(fabsf(low), fabsf(high))), above = {0};
        for (i = 0; i + FOUR <= SECOND; i += FOUR)
            above += xw_quad_select(xw_quad_abs(xw_quad_load(y + i)) > limit, xw_quad_all(1),
                                    (xw_quad){0});
        above_n += above[0] + above[1] + above[2] + above[3];
        for (; i < SECOND; i++)
            above_n += fabsf(y[i]) > limit[0];
        range[s] = high - low;
        least = xw_min(least, range[s]);
        most = xw_max(most, range[s]);
    }
    ret[XW_ECG_WAVE_LN_RANGE] = logf(middle_of_four(range) + 20);
    ret[XW_ECG_WAVE_STEADY] = least / (most + 1);
    ret[XW_ECG_WAVE_ABOVE] = above_n / N;
}

static void measure_moments(const xw_quad *restrict x, unsigned leads_n,
                            float (*ret)[XW_ECG_WAVE_FIGURES])
{
    xw_quad two = {0}, four = {0}, size = {0}, slope = {0}, steepest = {0}, rest_n = {0};
    for (int i = 0; i < N; i++) {
        xw_quad square = x[i] * x[i];
        two += square;
        four += square * square;
        size += xw_quad_abs(x[i]);
    }
    for (int i = 2; i < N; i++) {
        xw_quad step = xw_quad_abs(x[i] - x[i - 2]);
        slope += step;
        steepest = xw_quad_max(step, steepest);
    }
    for (int i = 2; i < N; i++)
        rest_n += xw_quad_select(xw_quad_abs(x[i] - x[i - 2]) < xw_quad_all(0.08F) * steepest,
                                 xw_quad_all(1), (xw_quad){0});
    for (unsigned k = 0; k < leads_n; k++) {
        ret[k][XW_ECG_WAVE_LN_KURTOSIS] = logf(four[k] * N / (two[k] * two[k] + 1) + 0.5F);
        ret[k][XW_ECG_WAVE_REST] = rest_n[k] / N;
        ret[k][XW_ECG_WAVE_LN_MEAN_HZ] = logf((slope[k] + 1) / (size[k] + 1));
    }
}

static float power_near(const float *power, float hz, float reach_hz)
{
    int first = (int)ceilf((hz - reach_hz) / BIN_HZ), end = (int)floorf((hz + reach_hz) / BIN_HZ);
    float sum = 0;
    for (int b = first < 0 ? 0 : first; b <= end && b < BINS_ASKED; b++)
        sum += power[b];
    return sum;
}

static void measure_spectrum(struct xw_ecg_wave *w, const float *x, float *ret)
{
    float power[BINS_ASKED], all = 1e-3F, slow = 0, fast = 0;
    for (int i = 0; i < N; i++)
        w->time[i] = x[i] * w->hann[i];
    for (int i = N; i < XW_ECG_WAVE_FFT; i++)
        w->time[i] = 0;
    fftwf_execute(w->plan);
    int peak = (int)(1.5F / BIN_HZ);
    for (int b = 0; b < BINS_ASKED; b++) {
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

enum { STEP = 4, M = N / STEP, LAGS = 63 };

/* Products of y with itself at four lags from `lag` on, all four at once: each is a sum that waits
 * for the last one. */
static void correlate_four(const float *y, int lag, float *ret)
{
    xw_quad part[FOUR] = {{0}};
    int whole = (M - lag - FOUR + 1) / FOUR * FOUR;
    for (int i = 0; i < whole; i += FOUR)
        for (int k = 0; k < FOUR; k++)
            part[k] += xw_quad_load(y + i + lag + k) * xw_quad_load(y + i);
    for (int k = 0; k < FOUR; k++) {
        const float *later = y + lag + k;
        int i = whole, n = M - lag - k;
        for (; i + FOUR <= n; i += FOUR)
            part[k] += xw_quad_load(later + i) * xw_quad_load(y + i);
        for (; i < n; i++)
            part[k][0] += later[i] * y[i];
        ret[k] = part[k][0] + part[k][1] + part[k][2] + part[k][3];
    }
}

/* The first peak of the autocorrelation after it fell below 0; every fourth frame. */
static void measure_cycle(const float *x, float *ret)
{
    float y[M], before = 1, before_last = 1, dot[1 + LAGS + FOUR];
    bool fell = false;
    float before_n[M + 1]; /* sums of squares of the first n */
    before_n[0] = 0;
    for (int i = 0; i < M; i++)
        y[i] = 0.25F * (x[STEP * i] + x[STEP * i + 1] + x[STEP * i + 2] + x[STEP * i + 3]);
    for (int i = 0; i < M; i++)
        before_n[i + 1] = before_n[i] + y[i] * y[i];
    for (int lag = 1; lag < LAGS; lag += FOUR)
        correlate_four(y, lag, dot + lag);
    ret[XW_ECG_WAVE_EVEN] = 0;
    ret[XW_ECG_WAVE_LN_CYCLE] = 0;
    for (int lag = 1; lag < LAGS; lag++) {
        float a = 1e-3F + before_n[M] - before_n[lag];
        float r = dot[lag] / sqrtf(a * (1e-3F + before_n[M - lag]));
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

void xw_ecg_wave_measure(struct xw_ecg_wave *w, const struct xw_ecg_signal *signal,
                         const unsigned *lead, unsigned leads_n, int64_t end,
                         float (*ret)[XW_ECG_WAVE_FIGURES])
{
    const unsigned both[2] = {lead[0], lead[leads_n - 1]};
    xw_quad settled[SECOND + N], *x = settled + SECOND;
    xw_ecg_wave_fetch(signal, both, end, SECOND + N, settled);
    measure_moments(x, leads_n, ret);
    for (unsigned k = 0; k < leads_n; k++) {
        float own[N];
        for (int i = 0; i < N; i++)
            own[i] = x[i][k];
        measure_sizes(own, ret[k]);
        measure_spectrum(w, own, ret[k]);
        measure_cycle(own, ret[k]);
    }
}
