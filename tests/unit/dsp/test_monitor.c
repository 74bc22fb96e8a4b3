/* The tests of heart rate monitors (IEC 60601-2-27 and EC13 have them): steps of the rate,
 * irregular rhythms, tall T waves, pace pulses. One lead, made by hand: triangular QRS of 1 mV and
 * 80 ms, half a sine of 180 ms as T wave; delays are counted in samples. */
#include "dsp/ecg/chain.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { RATE_HZ = 500, COUNTS_PER_MV = 1000, BEATS_MAX = 4096 };

struct ward {
    struct xw_ecg_chain *chain;
    double beat_s[BEATS_MAX]; /* R peaks to come and past */
    unsigned beats_n, next;
    double end_s, t_mv, pace_mv;
    int64_t now;
    float hr_bpm;
    int64_t hr_at_target; /* first sample at which the rate was within 10 % of the target */
    float target_bpm;
    unsigned final_n, alarms_n;
    bool unanswered; /* beats from answered_n on are pace pulses alone */
    unsigned answered_n;
    int64_t asystole_at; /* when it was raised; -1: not yet */
};

static void on_event(void *user, const struct xw_ecg_event *e)
{
    struct ward *w = user;
    w->hr_bpm = e->hr_bpm;
    if (w->target_bpm > 0 && w->hr_at_target < 0 &&
        fabsf(e->hr_bpm - w->target_bpm) < 0.1F * w->target_bpm)
        w->hr_at_target = e->emitted_at;
    w->final_n += e->kind == XW_ECG_KIND_BEAT && e->stage == XW_ECG_STAGE_FINAL && !e->withdrawn;
    if (e->kind == XW_ECG_KIND_ALARM && e->code == XW_ECG_RHYTHM_ASYSTOLE && w->asystole_at < 0)
        w->asystole_at = e->emitted_at;
    w->alarms_n += e->kind == XW_ECG_KIND_ALARM && e->revision == 0;
}

static void begin(struct ward *w)
{
    memset(w, 0, sizeof(*w));
    struct xw_ecg_config config = {.rate_num = RATE_HZ,
                                   .rate_den = 1,
                                   .channels_n = 1,
                                   .mains_hz = 50,
                                   .on_event = on_event,
                                   .user = w};
    config.channels[0].lead = xw_ecg_lead_from_name("II");
    config.channels[0].gain_counts_per_mv = COUNTS_PER_MV;
    w->end_s = 0.5;
    w->hr_at_target = -1;
    assert_int_equal(xw_ecg_chain_new(&config, &w->chain), 0);
}

static void add_beats(struct ward *w, double rr_s, unsigned n)
{
    for (unsigned i = 0; i < n && w->beats_n < BEATS_MAX; i++) {
        w->beat_s[w->beats_n++] = w->end_s;
        w->end_s += rr_s;
    }
}

static double value_at(const struct ward *w, double t)
{
    double mv = 0;
    for (unsigned i = w->next; i < w->beats_n && w->beat_s[i] < t + 1; i++) {
        double d = t - w->beat_s[i];
        if (d > -0.15 && d < -0.148)
            mv += w->pace_mv;
        if (w->unanswered && i >= w->answered_n)
            continue;
        if (fabs(d) < 0.04)
            mv += 1 - fabs(d) / 0.04;
        if (d > 0.17 && d < 0.35)
            mv += w->t_mv * sin(M_PI * (d - 0.17) / 0.18);
    }
    return mv;
}

static void play(struct ward *w)
{
    for (; (double)w->now < w->end_s * RATE_HZ; w->now++) {
        double t = (double)w->now / RATE_HZ;
        while (w->next < w->beats_n && w->beat_s[w->next] < t - 1)
            w->next++;
        int32_t x = (int32_t)lround(COUNTS_PER_MV * value_at(w, t));
        xw_ecg_chain_process(w->chain, &x, 1);
    }
}

static void step(float from_bpm, float to_bpm, double limit_s)
{
    struct ward w;
    begin(&w);
    w.t_mv = 0.2;
    add_beats(&w, 60 / (double)from_bpm, 40);
    play(&w);
    assert_true(fabsf(w.hr_bpm - from_bpm) < 2);
    int64_t onset = w.now;
    w.target_bpm = to_bpm;
    add_beats(&w, 60 / (double)to_bpm, 30);
    play(&w);
    double delay_s = (double)(w.hr_at_target - onset) / RATE_HZ;
    printf("%.0f to %.0f: within 10 %% after %.1f s\n", (double)from_bpm, (double)to_bpm, delay_s);
    assert_true(w.hr_at_target >= 0 && delay_s <= limit_s);
    xw_ecg_chain_free(w.chain);
}

static void steps_of_the_rate_are_followed_within_11_s(void **state)
{
    (void)state;
    step(80, 120, 11);
    step(80, 40, 11);
}

static void tall_t_waves_are_not_counted(void **state)
{
    (void)state;
    for (int tenths = 2; tenths <= 12; tenths += 2) {
        struct ward w;
        begin(&w);
        w.t_mv = 0.1 * tenths;
        add_beats(&w, 0.75, 60);
        play(&w);
        printf("T wave %.1f mV: %.1f/min, %u beats\n", w.t_mv, (double)w.hr_bpm, w.final_n);
        assert_true(fabsf(w.hr_bpm - 80) <= 4);
        xw_ecg_chain_free(w.chain);
    }
}

static void pace_pulses_are_not_counted(void **state)
{
    static const double PULSES_MV[] = {2, -2, 20, -20, 200, -700};
    (void)state;
    for (unsigned i = 0; i < sizeof(PULSES_MV) / sizeof(PULSES_MV[0]); i++) {
        struct ward w;
        begin(&w);
        w.t_mv = 0.2;
        w.pace_mv = PULSES_MV[i];
        add_beats(&w, 60.0 / 70, 60);
        play(&w);
        printf("pace pulses of %.0f mV: %.1f/min\n", w.pace_mv, (double)w.hr_bpm);
        assert_true(fabsf(w.hr_bpm - 70) <= 3.5F);
        xw_ecg_chain_free(w.chain);
    }
}

/* The pacemaker goes on and the heart does not answer: what is left are its pulses alone. More of
 * them in test_pace. */
static void pulses_without_a_beat_are_asystole(void **state)
{
    static const double PULSES_MV[] = {2, -2, 20, -20, 200, -700};
    (void)state;
    for (unsigned i = 0; i < sizeof(PULSES_MV) / sizeof(PULSES_MV[0]); i++) {
        struct ward w;
        begin(&w);
        w.t_mv = 0.2;
        w.pace_mv = PULSES_MV[i];
        add_beats(&w, 60.0 / 70, 30);
        play(&w);
        int64_t onset = w.now;
        w.unanswered = true;
        w.answered_n = w.beats_n;
        w.asystole_at = -1;
        add_beats(&w, 60.0 / 70, 15);
        play(&w);
        printf("pulses of %.0f mV without a beat: asystole after %.1f s\n", w.pace_mv,
               w.asystole_at < 0 ? -1.0 : (double)(w.asystole_at - onset) / RATE_HZ);
        assert_true(w.asystole_at >= 0 && w.asystole_at - onset <= 10 * (int64_t)RATE_HZ);
        xw_ecg_chain_free(w.chain);
    }
}

static void irregular_rhythms_read_their_mean_rate(void **state)
{
    /* Pairs of intervals of the four irregular rhythms, mean rates 80, 60, 120, 90. */
    static const struct {
        double first_s, second_s;
        float bpm;
    } RHYTHM[] = {{0.55, 0.95, 80}, {0.75, 1.25, 60}, {0.42, 0.58, 120}, {0.6, 0.733, 90}};
    (void)state;
    for (unsigned k = 0; k < 4; k++) {
        struct ward w;
        begin(&w);
        w.t_mv = 0.2;
        for (unsigned i = 0; i < 40; i++) {
            add_beats(&w, RHYTHM[k].first_s, 1);
            add_beats(&w, RHYTHM[k].second_s, 1);
        }
        play(&w);
        printf("irregular %.0f: reads %.1f\n", (double)RHYTHM[k].bpm, (double)w.hr_bpm);
        assert_true(fabsf(w.hr_bpm - RHYTHM[k].bpm) <= 0.05F * RHYTHM[k].bpm);
        assert_int_equal(w.alarms_n, 0);
        xw_ecg_chain_free(w.chain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_of_the_rate_are_followed_within_11_s),
        cmocka_unit_test(tall_t_waves_are_not_counted),
        cmocka_unit_test(pace_pulses_are_not_counted),
        cmocka_unit_test(pulses_without_a_beat_are_asystole),
        cmocka_unit_test(irregular_rhythms_read_their_mean_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
