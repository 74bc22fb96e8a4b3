/* The fetal chain: what is said, when, and that no cut of the input can be seen. */
#include "unit/dsp/labour.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HZ = 4, CHANNELS = 4, MINUTE = 60 * HZ };

/* One fetus at 4 Hz by hand: FHR1, MHR, UC, FLAGS. */
struct hand {
    struct xw_fetal_chain *chain;
    struct xw_recorder said;
    int64_t at;
    uint64_t noise;
};

static void begin(struct hand *h, int64_t first)
{
    struct xw_fetal_config config;
    memset(h, 0, sizeof(*h));
    xw_recorder_init(&h->said);
    xw_labour_config(&config, HZ, 1, 1, &h->said);
    config.first_sample = h->at = first;
    assert_int_equal(xw_fetal_chain_new(&config, &h->chain), 0);
}

static void done(struct hand *h)
{
    xw_fetal_chain_free(h->chain);
    xw_recorder_done(&h->said);
}

/* bpm 0: no signal; a little alternation, so that nothing is a flat line. */
static void play(struct hand *h, double seconds, double bpm, double mhr, int32_t flags)
{
    int64_t n = llround(seconds * HZ);
    for (int64_t i = 0; i < n; i++, h->at++) {
        double wave = bpm > 0 ? (double)(h->at % 3) - 1 : 0;
        const int32_t x[CHANNELS] = {(int32_t)lround((bpm + wave) * 4), (int32_t)lround(mhr * 4),
                                     20, flags};
        xw_fetal_chain_process(h->chain, x, 1);
    }
}

static const struct xw_ecg_event *last(const struct hand *h, enum xw_ecg_code code)
{
    const struct xw_ecg_event *found = NULL;
    for (size_t i = 0; i < h->said.n; i++)
        if (h->said.events[i].code == code)
            found = &h->said.events[i];
    return found;
}

static float evidence(const struct xw_ecg_event *event, enum xw_ecg_value_id id)
{
    for (unsigned i = 0; i < event->evidence_n; i++)
        if (event->evidence[i].id == id)
            return event->evidence[i].measured;
    fail();
    return 0;
}

static void silence_is_said_after_15_s_and_ends_where_signal_is_back(void **state)
{
    (void)state;
    struct hand h;
    begin(&h, 1000);
    play(&h, 60, 140, 80, 0);
    int64_t lost = h.at;
    play(&h, 14.75, 0, 80, 0);
    assert_null(last(&h, XW_FETAL_LOSS));
    play(&h, 0.25, 0, 80, 0);
    const struct xw_ecg_event *loss = last(&h, XW_FETAL_LOSS);
    assert_non_null(loss);
    assert_int_equal(loss->kind, XW_ECG_KIND_QUALITY);
    assert_int_equal(loss->first, lost);
    assert_int_equal(loss->emitted_at, lost + 15 * HZ);
    assert_true(loss->end == XW_ECG_OPEN);
    play(&h, 10, 0, 80, 0);
    play(&h, 3, 140, 80, 0); /* too short to be signal */
    play(&h, 2, 0, 80, 0);
    int64_t back = h.at;
    play(&h, 5, 141, 80, 0);
    loss = last(&h, XW_FETAL_LOSS);
    assert_int_equal(loss->end, back);
    assert_int_equal(loss->revision, 1);
    assert_float_equal(evidence(loss, XW_ECG_VALUE_SILENCE_S), 30.0, 1e-4);
    assert_null(last(&h, XW_FETAL_SIGNAL_LOSS));
    done(&h);
}

static void five_silent_minutes_are_a_technical_alarm(void **state)
{
    (void)state;
    struct hand h;
    begin(&h, 0);
    play(&h, 60, 140, 80, 0);
    play(&h, 299.75, 0, 80, 0);
    assert_null(last(&h, XW_FETAL_SIGNAL_LOSS));
    play(&h, 0.25, 0, 80, 0);
    const struct xw_ecg_event *alarm = last(&h, XW_FETAL_SIGNAL_LOSS);
    assert_non_null(alarm);
    assert_int_equal(alarm->kind, XW_ECG_KIND_ALARM);
    assert_int_equal(alarm->priority, XW_ECG_PRIORITY_TECHNICAL);
    assert_int_equal(alarm->first, 60 * HZ);
    int64_t back = h.at;
    play(&h, 6, 140, 80, 0);
    assert_int_equal(last(&h, XW_FETAL_SIGNAL_LOSS)->end, back);
    done(&h);
}

static void a_probe_that_was_never_used_raises_no_alarm(void **state)
{
    (void)state;
    struct xw_recorder said;
    struct xw_fetal_config config;
    struct xw_fetal_chain *chain;
    xw_recorder_init(&said);
    xw_labour_config(&config, HZ, 1, 2, &said);
    assert_int_equal(xw_fetal_chain_new(&config, &chain), 0);
    for (int i = 0; i < 10 * MINUTE; i++)
        xw_fetal_chain_process(chain, (const int32_t[]){560 + i % 3, 0, 320, 20, 0}, 1);
    for (size_t i = 0; i < said.n; i++)
        assert_int_not_equal(said.events[i].kind, XW_ECG_KIND_ALARM);
    xw_fetal_chain_free(chain);
    xw_recorder_done(&said);
}

static void each_minute_the_loss_of_1_10_and_30_minutes_is_said(void **state)
{
    (void)state;
    struct hand h;
    begin(&h,
          7 * MINUTE + 30); /* not at a whole minute: the stream's minutes count, not the run's */
    play(&h, 60 - 30.0 / HZ, 140, 80, 0);
    for (int m = 0; m < 40; m++) { /* each minute: 15 s lost */
        play(&h, 45, 140, 80, 0);
        play(&h, 15, 0, 80, 0);
    }
    const struct xw_ecg_event *minute = last(&h, XW_FETAL_SIGNAL);
    assert_non_null(minute);
    assert_int_equal(minute->kind, XW_ECG_KIND_MEASURE);
    assert_int_equal(minute->first % MINUTE, 0);
    assert_int_equal(minute->emitted_at - minute->first, MINUTE); /* trails by its 60 s */
    assert_float_equal(evidence(minute, XW_FETAL_VALUE_LOSS_1MIN), 25, 1e-3);
    assert_float_equal(evidence(minute, XW_FETAL_VALUE_LOSS_10MIN), 25, 1e-3);
    assert_float_equal(evidence(minute, XW_FETAL_VALUE_LOSS_30MIN), 25, 1e-3);
    assert_float_equal(minute->hr_bpm, 140, 0.1);
    done(&h);
}

static void a_minute_with_less_than_half_its_signal_has_no_mean(void **state)
{
    (void)state;
    struct hand h;
    begin(&h, 0);
    for (int m = 0; m < 4; m++) {
        play(&h, 28, 140, 80, 0);
        play(&h, 32, 0, 80, 0);
    }
    assert_float_equal(last(&h, XW_FETAL_SIGNAL)->hr_bpm, 0, 0);
    assert_float_equal(evidence(last(&h, XW_FETAL_SIGNAL), XW_FETAL_VALUE_LOSS_1MIN), 53.33, 0.01);
    done(&h);
}

static void short_runs_and_islands_are_left_out_a_deceleration_is_not(void **state)
{
    (void)state;
    struct hand h;
    begin(&h, 0);
    play(&h, 120, 140, 80, 0);
    int64_t spike = h.at;
    play(&h, 4, 200, 80, 0); /* short */
    play(&h, 60, 140, 80, 0);
    int64_t island = h.at;
    play(&h, 20, 75, 85, 0); /* jumps away and back */
    play(&h, 60, 140, 80, 0);
    int64_t decel = h.at;
    for (int i = 0; i < 30; i++) /* the same depth, but it goes there */
        play(&h, 1, 140 - 2 * i, 80, 0);
    for (int i = 30; i > 0; i--)
        play(&h, 1, 140 - 2 * i, 80, 0);
    play(&h, 120, 140, 80, 0);
    size_t n = 0;
    for (size_t i = 0; i < h.said.n; i++) {
        const struct xw_ecg_event *e = &h.said.events[i];
        if (e->code != XW_FETAL_SPIKE)
            continue;
        int64_t first = n == 0 ? spike : island, length = n == 0 ? 4 * HZ : 20 * HZ;
        assert_int_equal(e->first, first);
        assert_int_equal(e->end, first + length);
        assert_true(e->end < decel);
        n++;
    }
    assert_int_equal(n, 2);
    done(&h);
}

static void the_mothers_rate_in_the_fetus_place_is_marked_with_its_evidence(void **state)
{
    (void)state;
    struct hand h;
    begin(&h, 0);
    play(&h, 120, 140, 80, 0);
    assert_null(last(&h, XW_FETAL_MATERNAL));
    int64_t switched = h.at;
    play(&h, 60, 82, 80, 0);
    const struct xw_ecg_event *e = last(&h, XW_FETAL_MATERNAL);
    assert_non_null(e);
    assert_true(e->emitted_at - switched <= 15 * HZ);
    assert_true(evidence(e, XW_FETAL_VALUE_SHARE) >= 0.6F);
    assert_float_equal(evidence(e, XW_FETAL_VALUE_MHR_BPM), 80, 0.1);
    int64_t back = h.at;
    play(&h, 60, 140, 80, 0);
    e = last(&h, XW_FETAL_MATERNAL);
    assert_true(e->end != XW_ECG_OPEN && e->end >= back && e->end <= back + 15 * HZ);
    done(&h);
}

static void without_the_mothers_rate_nothing_is_said_of_her(void **state)
{
    (void)state;
    struct hand h;
    begin(&h, 0);
    play(&h, 300, 82, 0, 0);
    assert_null(last(&h, XW_FETAL_MATERNAL));
    done(&h);
}

static void a_doubled_rate_is_marked_and_masked_never_corrected(void **state)
{
    (void)state;
    struct hand h;
    begin(&h, 0);
    play(&h, 300, 100, 60, 0);
    int64_t doubled = h.at;
    play(&h, 60, 200, 60, 0);
    int64_t back = h.at;
    play(&h, 300, 100, 60, 0);
    const struct xw_ecg_event *e = last(&h, XW_FETAL_DOUBLED);
    assert_non_null(e);
    assert_int_equal(e->first, doubled);
    assert_int_equal(e->end, back);
    assert_float_equal(evidence(e, XW_FETAL_VALUE_RATIO), 2, 0.1);
    for (size_t i = 0; i < h.said.n; i++)
        if (h.said.events[i].code == XW_FETAL_SIGNAL)
            assert_true(h.said.events[i].hr_bpm < 102);
    assert_float_equal(evidence(last(&h, XW_FETAL_SIGNAL), XW_FETAL_VALUE_LOSS_10MIN),
                       100.0 * 60 / 600, 0.1);
    done(&h);
}

static void a_halved_rate_is_marked(void **state)
{
    (void)state;
    struct hand h;
    begin(&h, 0);
    play(&h, 300, 180, 0, 0);
    int64_t halved = h.at;
    play(&h, 45, 90, 0, 0);
    play(&h, 120, 180, 0, 0);
    assert_non_null(last(&h, XW_FETAL_HALVED));
    assert_int_equal(last(&h, XW_FETAL_HALVED)->first, halved);
    done(&h);
}

static void a_deceleration_to_half_the_rate_is_not_taken_for_halving(void **state)
{
    (void)state;
    struct hand h;
    begin(&h, 0);
    play(&h, 300, 144, 0, 0);
    for (int i = 0; i < 36; i++)
        play(&h, 0.5, 144 - 2 * i, 0, 0);
    play(&h, 40, 72, 0, 0);
    for (int i = 36; i > 0; i--)
        play(&h, 0.5, 144 - 2 * i, 0, 0);
    play(&h, 180, 144, 0, 0);
    assert_null(last(&h, XW_FETAL_HALVED));
    assert_null(last(&h, XW_FETAL_SPIKE));
    assert_float_equal(evidence(last(&h, XW_FETAL_SIGNAL), XW_FETAL_VALUE_LOSS_10MIN), 0, 0);
    done(&h);
}

static void the_monitors_own_marks_are_said_once_where_they_rise(void **state)
{
    (void)state;
    struct hand h;
    begin(&h, 0);
    play(&h, 10, 140, 80, 0);
    play(&h, 1, 140, 80, 1 << 15);
    play(&h, 10, 140, 80, 0);
    play(&h, 0.25, 140, 80, 1 << 14);
    play(&h, 10, 140, 80, -1); /* no value */
    size_t n = 0;
    for (size_t i = 0; i < h.said.n; i++)
        n += h.said.events[i].kind == XW_ECG_KIND_MARKER;
    assert_int_equal(n, 2);
    assert_int_equal(last(&h, XW_FETAL_MOVEMENT)->first, 10 * HZ);
    assert_int_equal(last(&h, XW_FETAL_UC_ZERO)->first, 21 * HZ);
    done(&h);
}

static void a_hole_is_time_without_signal(void **state)
{
    (void)state;
    struct hand h;
    begin(&h, 0);
    play(&h, 600, 140, 80, 0);
    int64_t lost = h.at;
    h.at += 400 * HZ;
    xw_fetal_chain_gap(h.chain, h.at);
    play(&h, 130, 140, 80, 0);
    assert_int_equal(last(&h, XW_FETAL_SIGNAL_LOSS)->first, lost);
    assert_int_equal(last(&h, XW_FETAL_SIGNAL_LOSS)->end, lost + 400 * HZ);
    h.at += (int64_t)1 << 50; /* and a hole of ten million years costs no time */
    xw_fetal_chain_gap(h.chain, h.at);
    play(&h, 130, 140, 80, 0);
    const struct xw_ecg_event *minute = last(&h, XW_FETAL_SIGNAL);
    assert_true(minute->first > (int64_t)1 << 50 && minute->first <= h.at);
    assert_int_equal(minute->first % MINUTE, 0);
    done(&h);
}

static void impossible_configurations_are_refused(void **state)
{
    (void)state;
    struct xw_recorder said;
    struct xw_fetal_config good, bad;
    struct xw_fetal_chain *chain = NULL;
    xw_recorder_init(&said);
    xw_labour_config(&good, HZ, 1, 1, &said);
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        bad = good;                                                                                \
        change;                                                                                    \
        assert_int_equal(xw_fetal_chain_new(&bad, &chain), -EINVAL);                               \
    } while (0)
    REFUSED(bad.rate_num = 9);
    REFUSED(bad.rate_den = 9);
    REFUSED(bad.rate_den = 0);
    REFUSED((bad.rate_num = 4000001, bad.rate_den = 1000001));
    REFUSED(bad.channels[0].role = XW_FETAL_ROLE_OTHER);
    REFUSED(bad.channels[1].role = XW_FETAL_ROLE_FHR1);
    REFUSED(bad.channels[0].gain_counts_per_unit = 0);
    REFUSED(bad.channels_n = 0);
    REFUSED(bad.first_sample = -1);
    REFUSED(bad.on_event = NULL);
    xw_recorder_done(&said);
}

static bool is_sound(const struct xw_ecg_event *e)
{
    bool good = isfinite(e->hr_bpm) && isfinite(e->confidence) && e->first >= 0 &&
                e->end >= e->first && e->rule && e->evidence_n <= XW_ECG_EVIDENCE_MAX &&
                e->emitted_at >= e->first;
    for (unsigned i = 0; good && i < e->evidence_n; i++)
        good = isfinite(e->evidence[i].measured) && isfinite(e->evidence[i].limit);
    return good;
}

static void any_counts_at_all_give_sound_events(void **state)
{
    (void)state;
    uint64_t random = xw_test_seed(11);
    struct xw_recorder said;
    struct xw_fetal_config config;
    struct xw_fetal_chain *chain = NULL;
    xw_recorder_init(&said);
    xw_labour_config(&config, 8, 1, 3, &said);
    config.first_sample = (int64_t)1 << 61;
    config.channels[1].gain_counts_per_unit = 1e-9;
    config.channels[2].baseline_counts = -1e300;
    assert_int_equal(xw_fetal_chain_new(&config, &chain), 0);
    for (unsigned i = 0; i < 200000; i++) {
        int32_t x[6];
        for (unsigned c = 0; c < 6; c++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            unsigned how = (unsigned)(random >> 60);
            x[c] = how < 2 ? (int32_t)(random >> 20) : how < 4 ? 0 : (int32_t)(random >> 40 & 1023);
        }
        if (i / 4000 % 2)
            x[0] = 560 + x[0] % 16;
        xw_fetal_chain_process(chain, x, 1);
    }
    xw_fetal_chain_flush(chain);
    for (size_t i = 0; i < said.n; i++)
        assert_true(is_sound(&said.events[i]));
    assert_true(said.n > 100);
    xw_fetal_chain_free(chain);
    xw_recorder_done(&said);
}

/* ---- cuts ---- */

enum { MINUTES = 90 };

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return z ^ z >> 31;
}

static void run(const int32_t *x, size_t n, const struct xw_fetal_config *config, uint64_t random,
                size_t largest)
{
    struct xw_fetal_chain *chain = NULL;
    assert_int_equal(xw_fetal_chain_new(config, &chain), 0);
    const size_t hole_at = n / 2;
    for (size_t at = 0; at < n;) {
        size_t cut = 1 + next_random(&random) % largest, stop = at < hole_at ? hole_at : n;
        cut = cut < stop - at ? cut : stop - at;
        xw_fetal_chain_process(chain, x + at * config->channels_n, cut);
        at += cut;
        if (at == hole_at)
            xw_fetal_chain_gap(chain, (int64_t)at + 333);
    }
    xw_fetal_chain_flush(chain);
    xw_fetal_chain_free(chain);
}

static void any_cut_gives_the_same_event_bytes(void **state)
{
    (void)state;
    static const struct {
        uint32_t num, den;
        unsigned fetuses_n;
    } KINDS[] = {{4, 1, 1}, {4, 1, 3}, {1, 2, 1}, {1, 1, 2}, {2, 1, 1}, {8, 1, 2}, {25, 7, 1}};
    static const size_t LARGEST[] = {5000, 1, 37};
    uint64_t seed = xw_test_seed(2026);
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        size_t n = (size_t)MINUTES * 60 * KINDS[i].num / KINDS[i].den;
        int32_t *x = calloc(n * XW_LABOUR_CHANNELS_MAX, sizeof(*x));
        struct xw_recorder whole, cut;
        struct xw_fetal_config config;
        assert_non_null(x);
        xw_labour_read(x, n, KINDS[i].num, KINDS[i].den, KINDS[i].fetuses_n, seed + i);
        xw_recorder_init(&whole);
        xw_labour_config(&config, KINDS[i].num, KINDS[i].den, KINDS[i].fetuses_n, &whole);
        run(x, n, &config, seed, n);
        assert_true(whole.n > MINUTES);
        for (size_t k = 1; k < whole.n; k++)
            assert_true(whole.events[k].emitted_at >= whole.events[k - 1].emitted_at);
        for (size_t k = 0; k < sizeof(LARGEST) / sizeof(LARGEST[0]); k++) {
            xw_recorder_init(&cut);
            config.user = &cut;
            run(x, n, &config, seed + 77 * k, LARGEST[k]);
            assert_int_equal(cut.n, whole.n);
            assert_memory_equal(cut.events, whole.events, whole.n * sizeof(*whole.events));
            xw_recorder_done(&cut);
        }
        printf("%u/%u Hz, %u fetuses: %zu events\n", KINDS[i].num, KINDS[i].den, KINDS[i].fetuses_n,
               whole.n);
        xw_recorder_done(&whole);
        free(x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_said_after_15_s_and_ends_where_signal_is_back),
        cmocka_unit_test(five_silent_minutes_are_a_technical_alarm),
        cmocka_unit_test(a_probe_that_was_never_used_raises_no_alarm),
        cmocka_unit_test(each_minute_the_loss_of_1_10_and_30_minutes_is_said),
        cmocka_unit_test(a_minute_with_less_than_half_its_signal_has_no_mean),
        cmocka_unit_test(short_runs_and_islands_are_left_out_a_deceleration_is_not),
        cmocka_unit_test(the_mothers_rate_in_the_fetus_place_is_marked_with_its_evidence),
        cmocka_unit_test(without_the_mothers_rate_nothing_is_said_of_her),
        cmocka_unit_test(a_doubled_rate_is_marked_and_masked_never_corrected),
        cmocka_unit_test(a_halved_rate_is_marked),
        cmocka_unit_test(a_deceleration_to_half_the_rate_is_not_taken_for_halving),
        cmocka_unit_test(the_monitors_own_marks_are_said_once_where_they_rise),
        cmocka_unit_test(a_hole_is_time_without_signal),
        cmocka_unit_test(impossible_configurations_are_refused),
        cmocka_unit_test(any_counts_at_all_give_sound_events),
        cmocka_unit_test(any_cut_gives_the_same_event_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
