/* The whole chain on one core: multiples of real time for 12 leads at 500/s, for 2 leads at 360/s
 * and for a twin CTG at 4/s in blocks of 500 ms (baseline: only reading the same samples), and the
 * allocations of ten minutes of mixed signal with lead changes, counted over the whole process.
 * usage: bench_dsp. Five repeats, the middle one counts; progress on stderr. */
#include "bench/dsp/print.h"
#include "bench/dsp/signal.h"
#include "dsp/ecg/chain.h"
#include "unit/dsp/allocations.h"
#include "unit/dsp/labour.h"
#include "unit/dsp/mixed.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SECONDS = 120, REPEATS = 5, CUT = 125 };
enum { CTG_SECONDS = 48 * 3600, CTG_HZ = 4, CTG_FETUSES = 2, CTG_CUT = 2 };

static uint64_t events_n;

static void on_event(void *user, const struct xw_ecg_event *event)
{
    (void)user;
    events_n += event->kind != 0;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double time_chain(const int32_t *x, unsigned channels_n, unsigned rate_hz)
{
    struct xw_ecg_config config = {
        .rate_num = rate_hz, .rate_den = 1, .channels_n = channels_n, .on_event = on_event};
    struct xw_ecg_chain *chain = NULL;
    for (unsigned c = 0; c < channels_n; c++) {
        config.channels[c].lead = (enum xw_ecg_lead)(c % 12 + 1);
        config.channels[c].gain_counts_per_mv = 1000;
    }
    if (xw_ecg_chain_new(&config, &chain) < 0)
        exit(1);
    double start = now_s();
    for (size_t i = 0; i < (size_t)SECONDS * rate_hz; i += CUT)
        xw_ecg_chain_process(chain, x + i * channels_n, CUT);
    xw_ecg_chain_flush(chain);
    double spent = now_s() - start;
    xw_ecg_chain_free(chain);
    return spent;
}

static double time_reading(const int32_t *x, size_t n)
{
    volatile int64_t sink = 0;
    double start = now_s();
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    sink = sum;
    (void)sink;
    return now_s() - start;
}

static int measure(const char *name, unsigned channels_n, unsigned rate_hz)
{
    size_t frames_n = (size_t)SECONDS * rate_hz;
    frames_n += CUT;
    int32_t *x = malloc(frames_n * channels_n * sizeof(*x));
    double spent[REPEATS], reading[REPEATS];
    if (!x)
        return 1;
    xw_bench_ecg(x, frames_n, channels_n, rate_hz, 1);
    for (int i = 0; i < REPEATS; i++) {
        spent[i] = time_chain(x, channels_n, rate_hz);
        reading[i] = time_reading(x, frames_n * channels_n);
        fprintf(stderr, "%s repeat %d: %.4f s\n", name, i + 1, spent[i]);
    }
    qsort(spent, REPEATS, sizeof(double), compare);
    qsort(reading, REPEATS, sizeof(double), compare);
    xw_bench_print(name, SECONDS / spent[REPEATS / 2], "x", "only reading the samples",
                   SECONDS / (reading[REPEATS / 2] > 1e-9 ? reading[REPEATS / 2] : 1e-9));
    free(x);
    return 0;
}

static double time_ctg(const int32_t *x)
{
    struct xw_fetal_config config;
    struct xw_fetal_chain *chain = NULL;
    xw_labour_config(&config, CTG_HZ, 1, CTG_FETUSES, NULL);
    config.on_event = on_event;
    if (xw_fetal_chain_new(&config, &chain) < 0)
        exit(1);
    double start = now_s();
    for (size_t i = 0; i < (size_t)CTG_SECONDS * CTG_HZ; i += CTG_CUT)
        xw_fetal_chain_process(chain, x + i * config.channels_n, CTG_CUT);
    xw_fetal_chain_flush(chain);
    double spent = now_s() - start;
    xw_fetal_chain_free(chain);
    return spent;
}

static int measure_ctg(void)
{
    size_t n = (size_t)CTG_SECONDS * CTG_HZ, values_n = n * (CTG_FETUSES + 3);
    int32_t *x = malloc(values_n * sizeof(*x));
    double spent[REPEATS], reading[REPEATS];
    if (!x)
        return 1;
    xw_labour_read(x, n, CTG_HZ, 1, CTG_FETUSES, 1);
    for (int i = 0; i < REPEATS; i++) {
        spent[i] = time_ctg(x);
        reading[i] = time_reading(x, values_n);
        fprintf(stderr, "dsp_realtime_x_ctg repeat %d: %.4f s\n", i + 1, spent[i]);
    }
    qsort(spent, REPEATS, sizeof(double), compare);
    qsort(reading, REPEATS, sizeof(double), compare);
    xw_bench_print("dsp_realtime_x_ctg", CTG_SECONDS / spent[REPEATS / 2], "x",
                   "only reading the samples",
                   CTG_SECONDS / (reading[REPEATS / 2] > 1e-9 ? reading[REPEATS / 2] : 1e-9));
    free(x);
    return 0;
}

static int measure_allocations(void)
{
    struct xw_mixed mixed;
    if (!xw_allocations_can_count() || xw_mixed_init(&mixed, 500, 1) < 0)
        return 1;
    xw_allocations_begin();
    xw_mixed_play(&mixed, 600);
    uint64_t calls_n = xw_allocations_end();
    fprintf(stderr, "dsp_allocations: %llu events\n", (unsigned long long)mixed.events_n);
    xw_mixed_done(&mixed);
    xw_bench_print("dsp_allocations", (double)calls_n, "calls", NULL, 0);
    return 0;
}

int main(void)
{
    int failed = measure("dsp_realtime_x_12lead", 12, 500);
    failed |= measure("dsp_realtime_x_2lead", 2, 360);
    failed |= measure_ctg();
    failed |= measure_allocations();
    return failed || events_n == 0;
}
