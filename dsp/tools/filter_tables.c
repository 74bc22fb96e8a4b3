/* xw-filter-tables: writes the coefficients of the display filters as JSON for the browser, and the
 * golden vectors that C and TypeScript are both held to. The filters: dsp/ecg/display.h.
 * usage: xw-filter-tables [--out FILE.json] [--golden DIR]   (without options: JSON to stdout) */
#include "dsp/ecg/chain.h"
#include "dsp/ecg/display.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const double RATES_HZ[] = {100, 120, 125, 128, 200, 240, 250, 256, 257, 300,
                                  360, 400, 480, 500, 512, 600, 720, 800, 960, 1000};
static const double HIGH_HZ[] = {0.05, 0.5, 0.67};
static const double LOW_HZ[] = {25, 35, 40, 75, 100, 150};
static const double MAINS_HZ[] = {50, 60};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int design(double rate, double high, double low, double mains,
                  struct xw_ecg_display_design *d)
{
    int result = xw_ecg_display_make(rate, high, low, mains, d);
    if (result < 0)
        fprintf(stderr, "xw-filter-tables: no filter for %g Hz\n", rate);
    return result;
}

static int print_rate(FILE *out, double rate)
{
    struct xw_ecg_display_design d;
    fprintf(out, "    \"%g\": {\n      \"highPass\": {", rate);
    for (size_t i = 0; i < COUNT(HIGH_HZ); i++) {
        if (design(rate, HIGH_HZ[i], 0, 0, &d) < 0)
            return -EINVAL;
        fprintf(out, "%s\"%g\": %.17g", i ? ", " : "", HIGH_HZ[i], d.decay);
    }
    fprintf(out, "},\n      \"lowPass\": {");
    for (size_t i = 0, n = 0; i < COUNT(LOW_HZ); i++) {
        if (design(rate, 0, LOW_HZ[i], 0, &d) < 0)
            return -EINVAL;
        if (!d.sections_n)
            continue;
        fprintf(out, "%s\n        \"%g\": [", n++ ? "," : "", LOW_HZ[i]);
        for (unsigned s = 0; s < d.sections_n; s++)
            fprintf(out, "%s[%.17g, %.17g, %.17g, %.17g, %.17g]", s ? ", " : "", d.section[s].b0,
                    d.section[s].b1, d.section[s].b2, d.section[s].a1, d.section[s].a2);
        fprintf(out, "]");
    }
    fprintf(out, "},\n      \"mains\": {");
    for (size_t i = 0, n = 0; i < COUNT(MAINS_HZ); i++) {
        if (design(rate, 0, 0, MAINS_HZ[i], &d) < 0)
            return -EINVAL;
        if (d.period_n)
            fprintf(
                out,
                "%s\n        \"%g\": {\"period\": %u, \"half\": %u, \"back\": %u, \"backWeight\": "
                "[%.17g, %.17g, %.17g, %.17g], \"gain\": %.17g, \"turnRe\": %.17g, "
                "\"turnIm\": %.17g, \"step\": %.17g}",
                n++ ? "," : "", MAINS_HZ[i], d.period_n, d.half_n, d.back_n, d.back_weight[0],
                d.back_weight[1], d.back_weight[2], d.back_weight[3], d.gain, d.turn_re, d.turn_im,
                d.step);
    }
    fprintf(out, "}\n    }");
    return 0;
}

static int print_tables(FILE *out)
{
    fprintf(out, "{\n  \"generatedFrom\": \"dsp/ecg/display.h\",\n  \"straightUv\": 100,\n"
                 "  \"biquad\": [\"b0\", \"b1\", \"b2\", \"a1\", \"a2\"],\n  \"rates\": {\n");
    for (size_t i = 0; i < COUNT(RATES_HZ); i++) {
        if (i)
            fprintf(out, ",\n");
        if (print_rate(out, RATES_HZ[i]) < 0)
            return -EINVAL;
    }
    fprintf(out, "\n  }\n}\n");
    return ferror(out) ? -EIO : 0;
}

struct golden {
    double rate, high, low, mains;
};

static const struct golden GOLDEN[] = {
    {500, 0.05, 150, 50},  {500, 0.5, 40, 50}, {500, 0.67, 0, 0},
    {500, 0.05, 150, 60},  {250, 0.5, 35, 60}, {360, 0.05, 100, 60},
    {1000, 0.05, 150, 50}, {128, 0.5, 25, 0},  {100, 0.05, 40, 0},
};

/* An ECG-like signal in counts of 1 µV: QRS, T, wander, mains, a step, a little noise. */
static int32_t golden_count(size_t i, double rate, double mains, uint32_t *random)
{
    double t = (double)i / rate, beat = t - 0.8 * floor(t / 0.8);
    double r = (beat - 0.3) / 0.012, s = (beat - 0.335) / 0.012, w = (beat - 0.56) / 0.05;
    *random = *random * 1664525U + 1013904223U;
    double noise = (double)(*random >> 16) / 65536 * 10 - 5;
    double x = 1500 * exp(-0.5 * r * r) - 400 * exp(-0.5 * s * s) + 300 * exp(-0.5 * w * w);
    x += 200 * sin(2 * M_PI * 0.3 * t) + noise + (t > 1.9 ? 600 : 0) + 2500;
    return (int32_t)lrint(x + 120 * sin(2 * M_PI * (mains > 0 ? mains + 0.1 : 50) * t));
}

static int write_golden(const char *dir, const struct golden *g)
{
    char path[4096];
    struct xw_ecg_display_design d;
    struct xw_ecg_display state;
    int n = snprintf(path, sizeof(path), "%s/display-%g-%g-%g-%g.txt", dir, g->rate, g->high,
                     g->low, g->mains);
    if (n < 0 || (size_t)n >= sizeof(path))
        return -ENAMETOOLONG;
    FILE *out = fopen(path, "w");
    if (!out)
        return -errno;
    if (design(g->rate, g->high, g->low, g->mains, &d) < 0) {
        fclose(out);
        return -EINVAL;
    }
    fprintf(out,
            "# display filter: rate high-pass low-pass mains (Hz); then a line a sample:\n"
            "# input count (1 uV each), expected output in uV; %u samples late (mains)\n"
            "%g %g %g %g\n",
            d.half_n, g->rate, g->high, g->low, g->mains);
    xw_ecg_display_init(&state, &d);
    uint32_t random = 1;
    for (size_t i = 0; i < (size_t)(2.4 * g->rate); i++) {
        int32_t x = golden_count(i, g->rate, g->mains, &random);
        fprintf(out, "%d %.3f\n", x, xw_ecg_display_process(&state, x));
    }
    return fclose(out) == 0 ? 0 : -errno;
}

int main(int argc, char **argv)
{
    const char *path = NULL, *golden = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--out") == 0 && i + 1 < argc) {
            path = argv[++i];
        } else if (strcmp(argv[i], "--golden") == 0 && i + 1 < argc) {
            golden = argv[++i];
        } else {
            fprintf(stderr, "usage: xw-filter-tables [--out FILE.json] [--golden DIR]\n");
            return 2;
        }
    }
    int result = 0;
    if (path || !golden) {
        FILE *out = path ? fopen(path, "w") : stdout;
        result = out ? print_tables(out) : -errno;
        if (out && path && fclose(out) != 0)
            result = -errno;
    }
    for (size_t i = 0; golden && i < COUNT(GOLDEN) && result == 0; i++)
        result = write_golden(golden, &GOLDEN[i]);
    if (result < 0)
        fprintf(stderr, "xw-filter-tables: %s\n", strerror(-result));
    return result < 0;
}
