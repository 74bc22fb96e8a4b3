/* RR intervals alone: fibrillation is found in time, with its onset; regular rhythms, breathing and
 * ectopic beats in patterns are not taken for it. And the pulse train as a witness. */
#include "dsp/core/net.h"
#include "dsp/ecg/af.h"
#include "dsp/ecg/pulse.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { RATE_HZ = 250, SEED = 4 };

struct heart {
    struct xw_ecg_af af;
    uint64_t random;
    double t;      /* s */
    double said_s; /* of the last change */
};

static double uniform(struct heart *h)
{
    h->random = h->random * 6364136223846793005U + 1442695040888963407U;
    return (double)(h->random >> 11) / 9007199254740992.0;
}

static void begin(struct heart *h)
{
    memset(h, 0, sizeof(*h));
    h->random = SEED;
    xw_ecg_af_init(&h->af, NULL, RATE_HZ);
}

static void beat(struct heart *h, double rr_s)
{
    h->t += rr_s;
    bool was = h->af.active;
    xw_ecg_af_beat(&h->af, (int64_t)(h->t * RATE_HZ), (float)(1000 * rr_s), true);
    if (h->af.active != was)
        h->said_s = h->t;
}

static void sinus(struct heart *h, double seconds)
{
    for (double end = h->t + seconds; h->t < end;)
        beat(h, 0.85 + 0.05 * sin(h->t * 1.6) + 0.01 * (uniform(h) - 0.5));
}

static void fibrillation(struct heart *h, double seconds)
{
    for (double end = h->t + seconds; h->t < end;)
        beat(h, 0.42 + 0.5 * uniform(h));
}

static void fibrillation_is_said_within_25_s_and_confirmed_with_its_onset(void **state)
{
    struct heart h;
    (void)state;
    begin(&h);
    sinus(&h, 300);
    assert_false(h.af.active);
    double onset = h.t;
    fibrillation(&h, 120);
    printf("seed %d: said %.1f s after, onset off by %.1f s\n", SEED, h.said_s - onset,
           (double)h.af.since_at / RATE_HZ - onset);
    assert_true(h.af.active && h.af.sure);
    assert_true(h.said_s - onset <= 25);
    assert_true(fabs((double)h.af.since_at / RATE_HZ - onset) < 15);
    double end = h.t;
    sinus(&h, 200);
    assert_false(h.af.active);
    assert_true(fabs((double)h.af.since_at / RATE_HZ - end) < 15);
}

static void patterns_of_ectopic_beats_are_no_fibrillation(void **state)
{
    static const double PATTERN[][4] = {
        {0.52, 1.08, 0.52, 1.08}, {0.8, 0.5, 1.1, 0.8}, {0.8, 0.8, 0.55, 1.05}};
    (void)state;
    for (unsigned p = 0; p < 3; p++) {
        struct heart h;
        begin(&h);
        sinus(&h, 120);
        for (unsigned i = 0; i < 600; i++) {
            beat(&h, PATTERN[p][i % (p == 1 ? 3 : 4)] + 0.01 * (uniform(&h) - 0.5));
            assert_false(h.af.active);
        }
    }
}

/* One beat in eight is early, at no fixed place, and sets the sinus back. */
static void early_beats_without_a_pattern_are_no_fibrillation(void **state)
{
    struct heart h;
    (void)state;
    begin(&h);
    sinus(&h, 120);
    for (unsigned i = 0; i < 800; i++) {
        double rr = 0.82 + 0.02 * (uniform(&h) - 0.5);
        if (uniform(&h) < 0.125) {
            beat(&h, rr * (0.6 + 0.1 * uniform(&h)));
            rr *= 1.1;
        }
        beat(&h, rr);
        assert_false(h.af.active);
    }
}

/* Short or long, each with its own spread, in no order. */
static void fibrillation_that_is_conducted_in_two_ways_is_found(void **state)
{
    struct heart h;
    (void)state;
    begin(&h);
    sinus(&h, 120);
    for (unsigned i = 0; i < 300; i++)
        beat(&h, (uniform(&h) < 0.5 ? 0.5 : 0.85) * (0.9 + 0.2 * uniform(&h)));
    assert_true(h.af.active);
}

static void a_change_is_dated_back_by_a_minute_at_most(void **state)
{
    struct heart h;
    (void)state;
    begin(&h);
    sinus(&h, 120);
    for (unsigned i = 0; i < 2000; i++) {
        bool before = h.af.active;
        beat(&h, 0.8 + 0.0003 * i * (uniform(&h) - 0.5)); /* slowly more irregular */
        if (h.af.active != before)
            assert_true(h.t - (double)h.af.since_at / RATE_HZ <= 60.1);
    }
}

static void the_monitor_standards_irregular_rates_are_no_fibrillation(void **state)
{
    /* Ventricular bigeminy 80, slow alternating 60, rapid alternating 120, bidirectional 90. */
    static const double RATES[] = {80, 60, 120, 90};
    (void)state;
    for (unsigned k = 0; k < 4; k++) {
        struct heart h;
        begin(&h);
        for (unsigned i = 0; i < 300; i++)
            beat(&h, 60 / RATES[k] * (i % 2 ? 1.25 : 0.75));
        assert_false(h.af.active);
    }
}

static void intervals_that_cannot_be_used_are_left_out(void **state)
{
    struct heart h;
    (void)state;
    begin(&h);
    sinus(&h, 60);
    uint64_t n = h.af.n;
    xw_ecg_af_beat(&h.af, (int64_t)(h.t * RATE_HZ) + 50, 100, true);
    xw_ecg_af_beat(&h.af, (int64_t)(h.t * RATE_HZ) + 500, 5000, true);
    xw_ecg_af_beat(&h.af, (int64_t)(h.t * RATE_HZ) + 700, 800, false);
    assert_int_equal(h.af.n, n);
}

/* A pressure wave: upstroke in 0.12 s, then a fall. */
static void play_pulse(struct xw_ecg_pulse *p, double from_s, double to_s, double period_s,
                       double size)
{
    for (int64_t i = (int64_t)(from_s * RATE_HZ); i < (int64_t)(to_s * RATE_HZ); i++) {
        double phase = period_s > 0 ? fmod((double)i / RATE_HZ, period_s) : 1;
        double x = phase < 0.12 ? phase / 0.12 : exp(-(phase - 0.12) / 0.25);
        xw_ecg_pulse_push(p, (float)(80 + size * (period_s > 0 ? x : 0)), i, true);
    }
}

static void a_pulse_train_is_counted_and_its_end_is_seen(void **state)
{
    struct xw_ecg_pulse p;
    (void)state;
    assert_int_equal(xw_ecg_pulse_init(&p, 10, RATE_HZ), -EINVAL);
    assert_int_equal(xw_ecg_pulse_init(&p, RATE_HZ, RATE_HZ), 0);
    play_pulse(&p, 0, 30, 0.8, 40);
    struct xw_ecg_pulse_train t = xw_ecg_pulse_train(&p, 20 * RATE_HZ, 30 * RATE_HZ, RATE_HZ);
    assert_true(t.seen);
    assert_true(fabsf(t.rate_bpm - 75) < 1 && t.uneven < 0.05F && t.longest_s < 1.2F);
    play_pulse(&p, 30, 36, 0, 40);
    t = xw_ecg_pulse_train(&p, 31 * RATE_HZ, 36 * RATE_HZ, RATE_HZ);
    assert_int_equal(t.pulses_n, 0);
    assert_true(t.longest_s >= 4.9F);
    xw_ecg_pulse_push(&p, 0, 36 * RATE_HZ, false);
    t = xw_ecg_pulse_train(&p, 31 * RATE_HZ, 36 * RATE_HZ, RATE_HZ);
    assert_false(t.seen);
}

static void noise_on_a_wave_that_stopped_is_no_pulse(void **state)
{
    struct xw_ecg_pulse p;
    struct heart h;
    (void)state;
    begin(&h);
    assert_int_equal(xw_ecg_pulse_init(&p, RATE_HZ, RATE_HZ), 0);
    play_pulse(&p, 0, 30, 0.8, 40);
    for (int64_t i = 30 * RATE_HZ; i < 40 * RATE_HZ; i++)
        xw_ecg_pulse_push(&p, (float)(80 + 4 * uniform(&h)), i, true);
    assert_int_equal(xw_ecg_pulse_train(&p, 31 * RATE_HZ, 40 * RATE_HZ, RATE_HZ).pulses_n, 0);
}

static void a_pulse_that_shrank_for_good_is_seen_again(void **state)
{
    struct xw_ecg_pulse p;
    (void)state;
    assert_int_equal(xw_ecg_pulse_init(&p, RATE_HZ, RATE_HZ), 0);
    play_pulse(&p, 0, 60, 0.8, 40);
    play_pulse(&p, 60, 80, 0.8, 3);
    assert_int_equal(xw_ecg_pulse_train(&p, 70 * RATE_HZ, 80 * RATE_HZ, RATE_HZ).pulses_n, 0);
    play_pulse(&p, 80, 130, 0.8, 3);
    /* Learned, but not yet believed. */
    assert_false(xw_ecg_pulse_train(&p, 125 * RATE_HZ, 130 * RATE_HZ, RATE_HZ).seen);
    play_pulse(&p, 130, 160, 0.8, 3);
    struct xw_ecg_pulse_train t = xw_ecg_pulse_train(&p, 150 * RATE_HZ, 160 * RATE_HZ, RATE_HZ);
    assert_true(t.seen && t.pulses_n >= 11);
    assert_true(fabsf(t.rate_bpm - 75) < 1 && t.uneven < 0.05F);
}

/* However long it lasts, and though it was learned anew. */
static void noise_for_minutes_bears_no_witness(void **state)
{
    struct xw_ecg_pulse p;
    struct heart h;
    (void)state;
    begin(&h);
    assert_int_equal(xw_ecg_pulse_init(&p, RATE_HZ, RATE_HZ), 0);
    play_pulse(&p, 0, 30, 0.8, 40);
    for (int64_t i = 30 * RATE_HZ; i < 600 * RATE_HZ; i++) {
        xw_ecg_pulse_push(&p, (float)(80 + 4 * uniform(&h)), i, true);
        if (i % RATE_HZ || i < 36 * RATE_HZ)
            continue;
        struct xw_ecg_pulse_train t = xw_ecg_pulse_train(&p, i - 5 * RATE_HZ, i, RATE_HZ);
        assert_false(t.seen && t.pulses_n >= 3 && t.longest_s < 2.2F && t.uneven < 0.3F);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fibrillation_is_said_within_25_s_and_confirmed_with_its_onset),
        cmocka_unit_test(patterns_of_ectopic_beats_are_no_fibrillation),
        cmocka_unit_test(early_beats_without_a_pattern_are_no_fibrillation),
        cmocka_unit_test(fibrillation_that_is_conducted_in_two_ways_is_found),
        cmocka_unit_test(a_change_is_dated_back_by_a_minute_at_most),
        cmocka_unit_test(the_monitor_standards_irregular_rates_are_no_fibrillation),
        cmocka_unit_test(intervals_that_cannot_be_used_are_left_out),
        cmocka_unit_test(a_pulse_train_is_counted_and_its_end_is_seen),
        cmocka_unit_test(noise_on_a_wave_that_stopped_is_no_pulse),
        cmocka_unit_test(a_pulse_that_shrank_for_good_is_seen_again),
        cmocka_unit_test(noise_for_minutes_bears_no_witness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
