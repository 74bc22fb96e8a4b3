/* What a reading of ten seconds costs the county, from counts to JSON: reading_ms (median of the
 * rounds) of a made 12-lead sinus rhythm, 500 Hz; reading_open_ms: tables and network, once a
 * process; reading_bytes of its answer. Thread rule: one
 * thread. */
#include "bench/dsp/print.h"
#include "reading/reading.h"
#include "unit/ecg12/patient.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N = 5000, ROUNDS = 41, GAIN = 1000 };

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    struct xw_patient *patient =
        xw_patient_new(&(struct xw_patient_wish){.scene = "sinus", .seed = 3});
    if (!patient)
        return 1;
    unsigned channels_n = patient->input.channels_n;
    Xw__StreamHeader header = XW__STREAM_HEADER__INIT;
    Xw__Fraction rate = XW__FRACTION__INIT, gain = XW__FRACTION__INIT;
    Xw__Channel channel[XW_ECG12_LEADS_MAX], *pointer[XW_ECG12_LEADS_MAX];
    rate.num = 500;
    gain.num = GAIN;
    rate.den = gain.den = 1;
    header.modality = XW__MODALITY__MODALITY_ECG;
    header.rate = &rate;
    header.n_channels = channels_n;
    header.channels = pointer;
    int32_t *counts = calloc((size_t)N * channels_n, sizeof(*counts));
    uint8_t *have = malloc(N);
    if (!counts || !have)
        return 1;
    for (unsigned c = 0; c < channels_n; c++) {
        pointer[c] = &channel[c];
        xw__channel__init(&channel[c]);
        channel[c].code = (char *)(uintptr_t)xw_ecg_lead_name(patient->input.channels[c].lead);
        channel[c].unit = (char *)(uintptr_t) "mV";
        channel[c].gain = &gain;
        for (size_t i = 0; i < N; i++)
            counts[i * channels_n + c] =
                (int32_t)lroundf(patient->input.channels[c].uv[i] * GAIN / 1000);
    }
    for (size_t i = 0; i < N; i++)
        have[i] = 1;
    struct xw_reading_ask ask = {
        .header = &header, .n = N, .counts = counts, .have = have, .age_years = NAN};
    double ms[ROUNDS];
    size_t bytes = 0;
    struct xw_reading_shared *shared = NULL;
    double start = now_ms();
    int r = xw_reading_shared_new(&shared);
    double open_ms = now_ms() - start;
    for (int k = 0; k < ROUNDS && r >= 0; k++) {
        char *text = NULL;
        double begin = now_ms();
        r = xw_reading_make(shared, &ask, &text, &bytes);
        ms[k] = now_ms() - begin;
        free(text);
    }
    xw_reading_shared_free(shared);
    free(counts);
    free(have);
    free(patient);
    if (r < 0)
        return 1;
    qsort(ms, ROUNDS, sizeof(*ms), by_size);
    xw_bench_print("reading_ms", ms[ROUNDS / 2], "ms", NULL, 0);
    xw_bench_print("reading_open_ms", open_ms, "ms", NULL, 0);
    xw_bench_print("reading_bytes", (double)bytes, "bytes", NULL, 0);
    return 0;
}
