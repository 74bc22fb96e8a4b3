/* What one electrode shows alone is no beat; what it shows again and again may be one. Two drawn
 * leads at 250 Hz, 1000 counts/mV, a heart of 75 a minute. */
#include "unit/dsp/scenario.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { RATE_HZ = 250, SECONDS = 180, WAVES_MAX = 1000 };

/* What the signal is made of: a beat, or an odd wave that the second lead alone shows. */
struct wave {
    int64_t at;
    bool odd;
};

struct drawing {
    double second_mv; /* QRS of the second lead; the first has 1.2 mV */
    double odd_mv, odd_width;
    struct wave wave[WAVES_MAX];
    size_t n;
};

/* A QRS of about 80 ms and a T wave. */
static double beat_mv(double from_r)
{
    double qrs = exp(-from_r * from_r / 18) - 0.3 * exp(-(from_r - 8) * (from_r - 8) / 18);
    return qrs + 0.2 * exp(-(from_r - 70) * (from_r - 70) / 300);
}

static void play(const struct drawing *w, struct xw_ecg_chain *chain)
{
    uint64_t random = 1;
    size_t first = 0;
    for (int64_t i = 0; i < (int64_t)SECONDS * RATE_HZ; i++) {
        double mv[2];
        for (unsigned c = 0; c < 2; c++) {
            random = random * 6364136223846793005ULL + 1442695040888963407ULL;
            mv[c] = 0.01 * ((double)(random >> 40) / (1 << 24) - 0.5);
        }
        while (first < w->n && w->wave[first].at < i - RATE_HZ)
            first++;
        for (size_t k = first; k < w->n && w->wave[k].at < i + RATE_HZ; k++) {
            double from = (double)(i - w->wave[k].at), width = from / w->odd_width;
            if (w->wave[k].odd) {
                mv[1] += w->odd_mv * -width * exp(0.5 - width * width / 2);
            } else {
                mv[0] += 1.2 * beat_mv(from);
                mv[1] += w->second_mv * beat_mv(from);
            }
        }
        int32_t counts[2] = {(int32_t)lrint(1000 * mv[0]), (int32_t)lrint(1000 * mv[1])};
        xw_ecg_chain_process(chain, counts, 1);
    }
    xw_ecg_chain_flush(chain);
}

/* Of the odd waves in [first_s, end_s), those that are beats (60 ms). */
static size_t odd_ones_said(const struct xw_recorder *r, const struct drawing *w, int first_s,
                            int end_s, size_t *ret_all)
{
    size_t said = 0;
    *ret_all = 0;
    for (size_t i = 0; i < w->n; i++) {
        int64_t at = w->wave[i].at;
        if (!w->wave[i].odd || at < (int64_t)first_s * RATE_HZ || at >= (int64_t)end_s * RATE_HZ)
            continue;
        ++*ret_all;
        said += xw_recorder_count(r, XW_ECG_KIND_BEAT, XW_ECG_CODE_NONE, at - 15, at + 15) > 0;
    }
    return said;
}

static void listen(const struct drawing *w, struct xw_recorder *r)
{
    struct xw_ecg_config config;
    struct xw_ecg_chain *chain = NULL;
    xw_recorder_init(r);
    xw_scenario_config(&config, RATE_HZ, r);
    config.channels_n = 2;
    config.channels[0].lead = xw_ecg_lead_from_name("II");
    config.channels[1].lead = xw_ecg_lead_from_name("V1");
    assert_int_equal(xw_ecg_chain_new(&config, &chain), 0);
    play(w, chain);
    xw_ecg_chain_free(chain);
}

/* A rhythm of 0.7 to 1.5 s; in each fifth interval, a long one, one electrode is jerked. */
static void what_one_electrode_shows_alone_is_no_beat(void **state)
{
    (void)state;
    static const int64_t RR[] = {200, 175, 240, 210, 375};
    static struct drawing w = {.second_mv = 0.4, .odd_mv = -0.6, .odd_width = 2};
    struct xw_recorder r;
    size_t all = 0;
    int64_t at = 100;
    for (size_t i = 0; at < (int64_t)SECONDS * RATE_HZ; at += RR[i++ % 5]) {
        w.wave[w.n++] = (struct wave){at, false};
        if (i % 5 == 4 && at > 20 * RATE_HZ)
            w.wave[w.n++] = (struct wave){at + 225, true};
    }
    listen(&w, &r);
    size_t said = odd_ones_said(&r, &w, 21, SECONDS - 2, &all);
    printf("jerks: %zu of %zu taken for beats\n", said, all);
    assert_in_range(all, 25, 40);
    assert_int_equal(said, 0);
    xw_recorder_done(&r);
}

/* From 20 s on each third beat is wide, and one lead does not see it at all. */
static void what_comes_again_and_again_is_a_beat(void **state)
{
    (void)state;
    static struct drawing w = {.second_mv = 1, .odd_mv = 2.5, .odd_width = 6};
    struct xw_recorder r;
    size_t all = 0;
    int64_t at = 100;
    for (size_t i = 0; at < (int64_t)SECONDS * RATE_HZ; at += 200, i++)
        w.wave[w.n++] = (struct wave){at, at > 20 * RATE_HZ && i % 3 == 2};
    listen(&w, &r);
    size_t said = odd_ones_said(&r, &w, 40, SECONDS - 2, &all);
    printf("waves: %zu of %zu taken for beats\n", said, all);
    assert_true(all > 50 && said + 2 >= all);
    xw_recorder_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_electrode_shows_alone_is_no_beat),
        cmocka_unit_test(what_comes_again_and_again_is_a_beat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
