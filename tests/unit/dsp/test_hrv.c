/* Five-minute windows: known series give known measures, windows are said once on a fixed grid. */
#include "dsp/ecg/hrv.h"
#include "unit/dsp/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HZ = 500, SAID_MAX = 64 };

struct bench {
    struct xw_ecg_hrv hrv;
    struct xw_ecg_emit emit;
    struct xw_ecg_event said[SAID_MAX];
    size_t said_n;
    double beat_s; /* of the last beat */
    int64_t second;
    bool blind;
};

static void on_event(void *user, const struct xw_ecg_event *event)
{
    struct bench *b = user;
    assert_true(b->said_n < SAID_MAX);
    b->said[b->said_n++] = *event;
}

static struct bench *make(int64_t begin_s)
{
    struct bench *b = calloc(1, sizeof(*b));
    assert_non_null(b);
    b->emit.on_event = on_event;
    b->emit.user = b;
    b->emit.rate_hz = HZ;
    b->second = begin_s;
    b->beat_s = (double)begin_s;
    xw_ecg_hrv_reset(&b->hrv, HZ, 1, begin_s * HZ);
    return b;
}

/* Time goes on to just before `until_s`. */
static void seconds(struct bench *b, double until_s)
{
    for (; (double)(b->second + 1) <= until_s; b->second++) {
        b->emit.now = (b->second + 1) * HZ;
        xw_ecg_hrv_second(&b->hrv, &b->emit, b->second * HZ + HZ / 2, !b->blind);
    }
}

static void beat(struct bench *b, double rr_ms, enum xw_ecg_code code)
{
    int64_t before = llround(b->beat_s * HZ);
    b->beat_s += rr_ms / 1000;
    int64_t at = llround(b->beat_s * HZ);
    seconds(b, b->beat_s);
    b->emit.now = at + HZ / 4;
    xw_ecg_hrv_beat(&b->hrv, at, (float)((double)(at - before) * 1000 / HZ), code);
}

static const struct xw_ecg_event *said(const struct bench *b, enum xw_ecg_code code, size_t n)
{
    for (size_t i = 0; i < b->said_n; i++)
        if (b->said[i].code == code && n-- == 0)
            return &b->said[i];
    return NULL;
}

static float value(const struct xw_ecg_event *event, enum xw_ecg_value_id id)
{
    assert_non_null(event);
    for (uint32_t i = 0; i < event->evidence_n; i++)
        if (event->evidence[i].id == id)
            return event->evidence[i].measured;
    fail_msg("no such value");
    return 0;
}

/* RR of `base` that swings by `depth` at `hz`, up to `until_s`. */
static void swing(struct bench *b, double base_ms, double depth_ms, double hz, double until_s)
{
    while (b->beat_s < until_s)
        beat(b, base_ms + depth_ms * sin(2 * M_PI * hz * b->beat_s), XW_ECG_BEAT_NORMAL);
}

static void an_even_rhythm_has_no_variability(void **state)
{
    (void)state;
    struct bench *b = make(0);
    swing(b, 800, 0, 0, 365);
    const struct xw_ecg_event *hrv = said(b, XW_ECG_SUMMARY_HRV, 0);
    assert_float_equal(value(hrv, XW_ECG_VALUE_NN_MEAN_MS), 800, 0.01);
    assert_float_equal(value(hrv, XW_ECG_VALUE_SDNN_MS), 0, 0.01);
    assert_float_equal(value(hrv, XW_ECG_VALUE_RMSSD_MS), 0, 0.01);
    assert_float_equal(value(hrv, XW_ECG_VALUE_LF_MS2), 0, 0.01);
    assert_int_equal(hrv->first, 0);
    assert_int_equal(hrv->end, 300 * HZ);
    assert_true(hrv->emitted_at >= 360 * HZ && hrv->emitted_at <= 361 * HZ);
    free(b);
}

/* A sine of depth A has the power A²/2 and SDNN A/√2; it lies in the band of its frequency. */
static void a_slow_swing_is_lf_and_a_fast_one_hf(void **state)
{
    (void)state;
    static const double SWINGS[] = {0.1, 0.25, 0.06, 0.35};
    for (unsigned i = 0; i < 4; i++) {
        struct bench *b = make(0);
        swing(b, 800, 40, SWINGS[i], 365);
        const struct xw_ecg_event *hrv = said(b, XW_ECG_SUMMARY_HRV, 0);
        bool low = SWINGS[i] < 0.15;
        float in = value(hrv, low ? XW_ECG_VALUE_LF_MS2 : XW_ECG_VALUE_HF_MS2);
        float out = value(hrv, low ? XW_ECG_VALUE_HF_MS2 : XW_ECG_VALUE_LF_MS2);
        printf("%.2f Hz: in %.1f, out %.2f ms2, SDNN %.2f ms\n", SWINGS[i], (double)in, (double)out,
               (double)value(hrv, XW_ECG_VALUE_SDNN_MS));
        assert_float_equal(in, 800, 60);
        assert_true(out < 40);
        assert_float_equal(value(hrv, XW_ECG_VALUE_SDNN_MS), 28.28F, 1);
        free(b);
    }
}

/* An odd number of even steps: all frequencies together hold exactly the variance (Parseval). */
static void the_spectrum_holds_the_variance(void **state)
{
    (void)state;
    enum { N = 301 };
    struct xw_ecg_hrv *h = calloc(1, sizeof(*h));
    assert_non_null(h);
    uint64_t seed = xw_test_seed(7), x = seed | 1;
    double sum_sq = 0, mean = 0;
    for (unsigned i = 0; i < N; i++) {
        x = x * UINT64_C(6364136223846793005) + 1;
        h->t[i] = (double)i * 300 / N;
        h->nn[i] = (double)(x >> 40) / (1 << 24) * 100;
        mean += h->nn[i] / N;
    }
    for (unsigned i = 0; i < N; i++) {
        h->nn[i] -= mean;
        sum_sq += h->nn[i] * h->nn[i];
    }
    assert_true(fabs(xw_ecg_hrv_lomb(h, N, 1, N / 2) * N / sum_sq - 1) < 1e-9);
    free(h);
}

/* 800 and 900 in turn: every step is 100. */
static void steps_count_for_rmssd_and_pnn50(void **state)
{
    (void)state;
    struct bench *b = make(0);
    for (unsigned i = 0; b->beat_s < 365; i++)
        beat(b, i & 1 ? 900 : 800, XW_ECG_BEAT_NORMAL);
    const struct xw_ecg_event *hrv = said(b, XW_ECG_SUMMARY_HRV, 0);
    assert_float_equal(value(hrv, XW_ECG_VALUE_RMSSD_MS), 100, 0.5);
    assert_float_equal(value(hrv, XW_ECG_VALUE_PNN50), 100, 0.01);
    assert_float_equal(value(hrv, XW_ECG_VALUE_SDNN_MS), 50, 0.5);
    free(b);
}

/* A ventricular beat and its pause: neither interval is NN, both beats count. */
static void ectopic_beats_are_counted_and_left_out(void **state)
{
    (void)state;
    struct bench *b = make(0);
    for (unsigned i = 0; b->beat_s < 365; i++) {
        bool early = i % 40 == 20;
        beat(b,
             early          ? 500
             : i % 40 == 21 ? 1100
                            : 800,
             early ? XW_ECG_BEAT_VENTRICULAR : XW_ECG_BEAT_NORMAL);
    }
    const struct xw_ecg_event *burden = said(b, XW_ECG_SUMMARY_BURDEN, 0);
    assert_float_equal(value(said(b, XW_ECG_SUMMARY_HRV, 0), XW_ECG_VALUE_SDNN_MS), 0, 0.1);
    assert_float_equal(value(burden, XW_ECG_VALUE_V_BEATS_N), 9, 0);
    assert_float_equal(value(burden, XW_ECG_VALUE_BEATS_N), 375, 1);
    assert_float_equal(value(burden, XW_ECG_VALUE_SEEN_S), 300, 0);
    assert_float_equal(value(burden, XW_ECG_VALUE_NN_CLEAN), 95, 1);
    free(b);
}

/* A label that was revised within a minute is what counts. */
static void a_revised_label_counts(void **state)
{
    (void)state;
    struct bench *b = make(0);
    swing(b, 800, 0, 0, 290);
    beat(b, 800, XW_ECG_BEAT_NORMAL);
    int64_t at = llround(b->beat_s * HZ);
    swing(b, 800, 0, 0, 330);
    xw_ecg_hrv_revise(&b->hrv, at, XW_ECG_BEAT_SUPRAVENTRICULAR);
    swing(b, 800, 0, 0, 365);
    assert_float_equal(value(said(b, XW_ECG_SUMMARY_BURDEN, 0), XW_ECG_VALUE_S_BEATS_N), 1, 0);
    free(b);
}

/* Both sides of the share of clean NN: 250 s of five minutes is too little, 260 s is enough. */
static void too_little_clean_time_gives_burden_alone(void **state)
{
    (void)state;
    for (unsigned enough = 0; enough < 2; enough++) {
        struct bench *b = make(0);
        const float seen_s = enough ? 260 : 250;
        swing(b, 800, 0, 0, 20);
        b->blind = true;
        seconds(b, enough ? 60 : 70);
        b->beat_s = enough ? 60 : 70;
        b->blind = false;
        beat(b, 800, XW_ECG_BEAT_NORMAL);
        swing(b, 800, 0, 0, 365);
        const struct xw_ecg_event *burden = said(b, XW_ECG_SUMMARY_BURDEN, 0);
        assert_float_equal(value(burden, XW_ECG_VALUE_SEEN_S), seen_s, 1);
        assert_true((said(b, XW_ECG_SUMMARY_HRV, 0) != NULL) == (enough == 1));
        free(b);
    }
}

static void nothing_seen_is_not_said(void **state)
{
    (void)state;
    struct bench *b = make(0);
    b->blind = true;
    seconds(b, 700);
    assert_int_equal(b->said_n, 0);
    free(b);
}

/* The onset is said later and dated back; HRV has no say in fibrillation. */
static void fibrillation_is_a_share_of_the_time_seen(void **state)
{
    (void)state;
    struct bench *b = make(0);
    swing(b, 800, 0, 0, 230);
    xw_ecg_hrv_atria(&b->hrv, true, 200 * HZ);
    swing(b, 800, 0, 0, 500);
    xw_ecg_hrv_atria(&b->hrv, false, 450 * HZ);
    swing(b, 800, 0, 0, 965);
    assert_float_equal(value(said(b, XW_ECG_SUMMARY_BURDEN, 0), XW_ECG_VALUE_AF_BURDEN), 33.3, 0.5);
    assert_float_equal(value(said(b, XW_ECG_SUMMARY_BURDEN, 1), XW_ECG_VALUE_AF_BURDEN), 50, 0.5);
    assert_float_equal(value(said(b, XW_ECG_SUMMARY_BURDEN, 2), XW_ECG_VALUE_AF_BURDEN), 0, 0);
    assert_int_equal(said(b, XW_ECG_SUMMARY_HRV, 0)->first, 600 * HZ);
    free(b);
}

/* A chain that began later, in the middle of a window, says the next one to the bit the same. */
static void a_later_start_says_the_same_windows(void **state)
{
    (void)state;
    struct bench *whole = make(0), *later = make(200);
    swing(whole, 800, 30, 0.1, 200);
    later->beat_s = whole->beat_s;
    later->second = whole->second;
    while (whole->beat_s < 665) {
        double rr_ms = 800 + 30 * sin(2 * M_PI * 0.1 * whole->beat_s);
        beat(whole, rr_ms, XW_ECG_BEAT_NORMAL);
        beat(later, rr_ms, XW_ECG_BEAT_NORMAL);
    }
    const struct xw_ecg_event *one = said(whole, XW_ECG_SUMMARY_HRV, 1);
    const struct xw_ecg_event *two = said(later, XW_ECG_SUMMARY_HRV, 0);
    assert_non_null(one);
    assert_non_null(two);
    assert_int_equal(one->first, two->first);
    assert_int_equal(one->emitted_at, two->emitted_at);
    assert_memory_equal(one->evidence, two->evidence, sizeof(one->evidence));
    /* And what it saw of the first is honest about how much that was. */
    assert_float_equal(value(said(later, XW_ECG_SUMMARY_BURDEN, 0), XW_ECG_VALUE_SEEN_S), 100, 1);
    free(whole);
    free(later);
}

/* The window before a gap of an hour is said, and nothing for the hours between. */
static void a_long_gap_loses_no_window_and_makes_none(void **state)
{
    (void)state;
    struct bench *b = make(0);
    swing(b, 800, 0, 0, 290);
    xw_ecg_hrv_gap(&b->hrv);
    b->second = 3900;
    b->beat_s = 3900;
    beat(b, 800, XW_ECG_BEAT_NORMAL);
    swing(b, 800, 0, 0, 4265);
    const struct xw_ecg_event *first = said(b, XW_ECG_SUMMARY_BURDEN, 0);
    assert_int_equal(first->first, 0);
    assert_float_equal(value(first, XW_ECG_VALUE_SEEN_S), 290, 1);
    assert_int_equal(said(b, XW_ECG_SUMMARY_BURDEN, 1)->first, (int64_t)3900 * HZ);
    assert_null(said(b, XW_ECG_SUMMARY_BURDEN, 2));
    free(b);
}

/* The whole chain: the patient's own beats give the rate that was asked for. */
static void the_chain_says_its_windows(void **state)
{
    (void)state;
    struct xw_recorder recorder;
    struct xw_ecg_config config;
    struct xw_ecg_chain *chain = NULL;
    xw_recorder_init(&recorder);
    xw_scenario_config(&config, 250, &recorder);
    struct xw_synth *patient = xw_scenario_patient(250, xw_test_seed(11), NULL);
    assert_int_equal(xw_synth_set_scene(patient, "sinus"), 0);
    assert_int_equal(xw_ecg_chain_new(&config, &chain), 0);
    xw_scenario_play(patient, chain, 250, 600);
    assert_int_equal(
        xw_recorder_count(&recorder, XW_ECG_KIND_SUMMARY, XW_ECG_SUMMARY_BURDEN, 0, 600 * 250), 1);
    xw_ecg_chain_flush(chain);
    for (unsigned w = 0; w < 2; w++) {
        const struct xw_ecg_event *hrv = xw_recorder_find(
            &recorder, XW_ECG_KIND_SUMMARY, XW_ECG_SUMMARY_HRV, (int64_t)w * 300 * 250);
        const struct xw_ecg_event *burden = xw_recorder_find(
            &recorder, XW_ECG_KIND_SUMMARY, XW_ECG_SUMMARY_BURDEN, (int64_t)w * 300 * 250);
        assert_non_null(hrv);
        assert_int_equal(hrv->first, (int64_t)w * 300 * 250);
        float mean = value(hrv, XW_ECG_VALUE_NN_MEAN_MS);
        float beats = value(burden, XW_ECG_VALUE_BEATS_N);
        printf("window %u: NN %.1f ms, SDNN %.1f, LF %.1f, HF %.1f, %g beats\n", w, (double)mean,
               (double)value(hrv, XW_ECG_VALUE_SDNN_MS), (double)value(hrv, XW_ECG_VALUE_LF_MS2),
               (double)value(hrv, XW_ECG_VALUE_HF_MS2), (double)beats);
        assert_float_equal(mean * beats, 300000, 6000);
        assert_float_equal(value(burden, XW_ECG_VALUE_AF_BURDEN), 0, 0);
    }
    xw_ecg_chain_free(chain);
    xw_synth_free(patient);
    xw_recorder_done(&recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_even_rhythm_has_no_variability),
        cmocka_unit_test(a_slow_swing_is_lf_and_a_fast_one_hf),
        cmocka_unit_test(the_spectrum_holds_the_variance),
        cmocka_unit_test(steps_count_for_rmssd_and_pnn50),
        cmocka_unit_test(ectopic_beats_are_counted_and_left_out),
        cmocka_unit_test(a_revised_label_counts),
        cmocka_unit_test(too_little_clean_time_gives_burden_alone),
        cmocka_unit_test(nothing_seen_is_not_said),
        cmocka_unit_test(fibrillation_is_a_share_of_the_time_seen),
        cmocka_unit_test(a_later_start_says_the_same_windows),
        cmocka_unit_test(a_long_gap_loses_no_window_and_makes_none),
        cmocka_unit_test(the_chain_says_its_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
