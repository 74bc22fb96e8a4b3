/* Parts of dsp/core against plain references: filter bank against direct convolution, resampler on
 * sines and levels, running median and selection against sorting, quads against floats, SHA-256 on
 * the standard's own examples. */
#include "dsp/core/bank.h"
#include "dsp/core/frame.h"
#include "dsp/core/median.h"
#include "dsp/core/quad.h"
#include "dsp/core/resample.h"
#include "dsp/core/select.h"
#include "dsp/core/sha256.h"
#include "dsp/ecg/chain.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t draw(uint32_t *random)
{
    *random = *random * 1664525U + 1013904223U;
    return *random >> 8;
}

static void bank_equals_direct_convolution(void **state)
{
    (void)state;
    enum { LEADS = 3, LANES = 4, HOP = 5, FFT = 64, TAPS = 57, N = 400 };
    float kernel[2][TAPS];
    static float x[N][LANES];
    const float *kernels[2] = {kernel[0], kernel[1]}, delay[2] = {5, 28};
    struct xw_dsp_bank bank;
    uint32_t random = 3;
    for (int i = 0; i < TAPS; i++) {
        kernel[0][i] = (float)draw(&random) / 16777216.0F - 0.5F;
        kernel[1][i] = (float)cos(i);
    }
    for (int i = 0; i < N; i++)
        for (int c = 0; c < LEADS; c++)
            x[i][c] = (float)draw(&random) / 16777216.0F - 0.5F;
    assert_int_equal(xw_dsp_bank_init(&bank, LEADS, LANES, HOP, FFT, 2, kernels, TAPS, delay), 0);
    for (int at = 0; at + HOP <= N; at += HOP) {
        xw_dsp_bank_push(&bank, x[at]);
        for (unsigned band = 0; band < 2; band++) {
            xw_dsp_bank_select(&bank, band);
            for (unsigned c = 0; c < LEADS; c++)
                for (int i = 0; i < HOP; i++) {
                    double sum = 0;
                    for (int k = 0; k < TAPS && k <= at + i; k++)
                        sum += (double)kernel[band][k] * (double)x[at + i - k][c];
                    assert_float_equal((double)xw_dsp_bank_lead(&bank, c)[i], sum, 1e-4);
                }
        }
    }
    xw_dsp_bank_done(&bank);
}

static void bank_refuses_a_kernel_that_would_wrap_around(void **state)
{
    (void)state;
    float kernel[64] = {1}, delay = 0;
    const float *kernels = kernel;
    struct xw_dsp_bank bank;
    assert_int_equal(xw_dsp_bank_init(&bank, 1, 4, 5, 64, 1, &kernels, 61, &delay), -EINVAL);
}

static void resampler_keeps_sines_in_place_and_levels_exact(void **state)
{
    (void)state;
    static const uint32_t RATES[][2] = {{500, 1}, {360, 1}, {1000, 1},    {128, 1}, {257, 1},
                                        {250, 1}, {100, 1}, {62475, 250}, {333, 2}};
    for (size_t r = 0; r < sizeof(RATES) / sizeof(RATES[0]); r++) {
        struct xw_dsp_resample s;
        double rate = (double)RATES[r][0] / RATES[r][1], largest = 0;
        unsigned half_n = (unsigned)lround(0.010 * rate);
        half_n = half_n < 2 ? 2 : half_n;
        assert_int_equal(xw_dsp_resample_init(&s, 4, RATES[r][0], RATES[r][1], 250,
                                              fmin(70, 0.45 * rate), half_n),
                         0);
        int64_t k = 0;
        for (int64_t i = 0; i < (int64_t)(20 * rate); i++) {
            double t = (double)i / rate;
            float in[4] = {(float)sin(2 * M_PI * 5 * t), 7, 0, 0}, out[8 * 4];
            unsigned n = xw_dsp_resample_push(&s, in, out);
            for (unsigned m = 0; m < n; m++, k++) {
                assert_float_equal((double)out[4 * m + 1], 7, 1e-5);
                assert_true(xw_dsp_resample_consumed(&s, k) <= i + 1);
                if (k > 100)
                    largest = fmax(largest,
                                   fabs((double)out[4 * m] - sin(2 * M_PI * 5 * (double)k / 250)));
            }
        }
        printf("%.3f Hz: %lld outputs, 5 Hz sine off by %.4f\n", rate, (long long)k, largest);
        assert_true(llabs(k - 5000) <= 12);
        assert_true(largest < 0.06);
        xw_dsp_resample_done(&s);
    }
}

static void median_equals_sorting(void **state)
{
    (void)state;
    struct xw_dsp_median m;
    uint32_t random = 9;
    for (unsigned size = 1; size <= 64; size += 7) {
        float last[64];
        xw_dsp_median_init(&m, size);
        for (unsigned i = 0; i < 300; i++) {
            float x = (float)(draw(&random) % 17), sorted[64];
            last[i % size] = x;
            xw_dsp_median_push(&m, x);
            unsigned n = i + 1 < size ? i + 1 : size;
            memcpy(sorted, last, n * sizeof(float));
            for (unsigned a = 1; a < n; a++)
                for (unsigned b = a; b > 0 && sorted[b - 1] > sorted[b]; b--) {
                    float swap = sorted[b];
                    sorted[b] = sorted[b - 1];
                    sorted[b - 1] = swap;
                }
            float expected = 0.5F * (sorted[(n - 1) / 2] + sorted[n / 2]);
            assert_float_equal((double)xw_dsp_median_value(&m), (double)expected, 1e-6);
        }
    }
}

static int rising(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void selection_equals_sorting(void **state)
{
    (void)state;
    enum { N = 160 };
    uint32_t random = 9;
    for (unsigned n = 1; n <= N; n++) {
        for (unsigned kind = 0; kind < 4; kind++) { /* any, few values, rising, falling */
            float x[N] = {0}, sorted[N], own[N];
            for (unsigned i = 0; i < n; i++)
                x[i] = kind == 0   ? (float)draw(&random)
                       : kind == 1 ? (float)(draw(&random) % 3)
                                   : (float)(kind == 2 ? i : n - i);
            memcpy(sorted, x, sizeof(x));
            qsort(sorted, n, sizeof(float), rising);
            unsigned rank = draw(&random) % n;
            memcpy(own, x, sizeof(x));
            assert_true(xw_dsp_select(own, n, rank) == sorted[rank]);
            for (unsigned i = 0; i < n; i++)
                assert_true(i < rank ? own[i] <= own[rank] : own[i] >= own[rank]);
            memcpy(own, x, sizeof(x));
            assert_true(xw_dsp_select_median(own, n) ==
                        (n % 2 ? sorted[n / 2] : 0.5F * (sorted[n / 2 - 1] + sorted[n / 2])));
            qsort(own, n, sizeof(float), rising);
            assert_memory_equal(own, sorted, n * sizeof(float));
        }
    }
    assert_true(xw_dsp_select_median(NULL, 0) == 0);
}

/* NaN and signed zeros too. */
static void quads_equal_floats(void **state)
{
    (void)state;
    static const float ODD[] = {NAN, -0.0F, 0.0F, INFINITY, -INFINITY, 1.5F, -2.25F, 1e-42F};
    enum { N = sizeof(ODD) / sizeof(ODD[0]) };
    for (unsigned i = 0; i < N; i++) {
        for (unsigned k = 0; k < N; k++) {
            float a = ODD[i], b = ODD[k], low = xw_min(a, b), high = xw_max(a, b);
            float size = fabsf(a), root = sqrtf(size), got[4];
            xw_quad qa = xw_quad_all(a), qb = xw_quad_all(b);
            xw_quad_store(got, xw_quad_min(qa, qb));
            assert_memory_equal(&got[3], &low, sizeof(low));
            xw_quad_store(got, xw_quad_max(qa, qb));
            assert_memory_equal(&got[2], &high, sizeof(high));
            xw_quad_store(got, xw_quad_abs(qa));
            assert_memory_equal(&got[1], &size, sizeof(size));
            xw_quad_store(got, xw_quad_sqrt(xw_quad_abs(qa)));
            assert_memory_equal(&got[0], &root, sizeof(root));
            assert_int_equal(xw_quad_bits(qa < qb), a < b ? 15 : 0);
        }
    }
    assert_int_equal(xw_quad_bits((xw_quad_mask){-1, 0, 0, -1}), 9);
    assert_int_equal(xw_quad_bits((xw_quad_mask){0, -1, -1, 0}), 6);
}

static void sha256_gives_the_standard_digests(void **state)
{
    (void)state;
    char text[XW_DSP_SHA256_TEXT_BYTES];
    xw_dsp_sha256_text("abc", 3, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    xw_dsp_sha256_text("", 0, text);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    xw_dsp_sha256_text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, text);
    assert_string_equal(text, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void lead_names_and_event_words_are_complete(void **state)
{
    (void)state;
    for (int i = 1; i < XW_ECG_LEAD_COUNT; i++)
        assert_int_equal(xw_ecg_lead_from_name(xw_ecg_lead_name((enum xw_ecg_lead)i)), i);
    assert_int_equal(xw_ecg_lead_from_name("MLII"), XW_ECG_LEAD_II);
    assert_int_equal(xw_ecg_lead_from_name("avr"), XW_ECG_LEAD_AVR);
    assert_int_equal(xw_ecg_lead_from_name("MDC_ECG_LEAD_V6"), XW_ECG_LEAD_V6);
    assert_int_equal(xw_ecg_lead_from_name("PLETH"), XW_ECG_LEAD_OTHER);
    assert_int_equal(xw_ecg_lead_from_name(NULL), XW_ECG_LEAD_OTHER);
    for (int i = 0; i < XW_ECG_CODE_COUNT; i++)
        assert_non_null(xw_ecg_code_name((enum xw_ecg_code)i));
    for (int i = 0; i < XW_ECG_VALUE_COUNT; i++)
        assert_non_null(xw_ecg_value_name((enum xw_ecg_value_id)i));
    assert_int_equal(xw_ecg_code_letter(XW_ECG_BEAT_VENTRICULAR), 'V');
    assert_string_equal(xw_ecg_code_rhythm(XW_ECG_RHYTHM_AF), "(AFIB");
    assert_int_equal(strlen(xw_ecg_chain_table_hash()), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bank_equals_direct_convolution),
        cmocka_unit_test(bank_refuses_a_kernel_that_would_wrap_around),
        cmocka_unit_test(resampler_keeps_sines_in_place_and_levels_exact),
        cmocka_unit_test(median_equals_sorting),
        cmocka_unit_test(selection_equals_sorting),
        cmocka_unit_test(quads_equal_floats),
        cmocka_unit_test(sha256_gives_the_standard_digests),
        cmocka_unit_test(lead_names_and_event_words_are_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
