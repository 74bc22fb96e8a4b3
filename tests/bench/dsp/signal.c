/* Artificial ECG for benches. */
#include "bench/dsp/signal.h"

#include <math.h>

static double bump(double t, double at, double width)
{
    double d = (t - at) / width;
    return exp(-0.5 * d * d);
}

void xw_bench_ecg(int32_t *x, size_t n, unsigned channels_n, unsigned rate_hz, uint64_t seed)
{
    uint64_t state = seed;
    for (size_t i = 0; i < n; i++) {
        double now = (double)i / rate_hz, t = now - 0.8 * floor(now / 0.8);
        double qrs =
            1000 * bump(t, 0.30, 0.010) - 250 * bump(t, 0.33, 0.012) - 120 * bump(t, 0.275, 0.010);
        double rest = 120 * bump(t, 0.14, 0.025) + 260 * bump(t, 0.56, 0.045);
        for (unsigned c = 0; c < channels_n; c++) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            double noise = (double)(int32_t)(state >> 32) * (12.0 / 2147483648.0);
            double gain = 0.4 + 0.1 * (c % 8);
            x[i * channels_n + c] = (int32_t)lrint(gain * (c % 3 == 2 ? -qrs : qrs) + gain * rest +
                                                   noise + 50 * sin(0.9 * now + c));
        }
    }
}
