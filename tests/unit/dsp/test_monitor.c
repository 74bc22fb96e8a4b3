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
    unsigned rate_hz;
    double beat_s[BEATS_MAX]; /* R peaks to come and past */
    unsigned beats_n, next;
    double end_s, t_mv, pace_mv;
    double pace_width_s, pace_before_s, pace_pair_s; /* before R; to the atrial pulse, 0: none */
    double rail_mv;                                  /* the converter's; 0: none */
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

static void begin_at(struct ward *w, unsigned rate_hz, double rail_mv)
{
    memset(w, 0, sizeof(*w));
    w->rate_hz = rate_hz;
    w->rail_mv = rail_mv;
    w->pace_width_s = 0.002;
    w->pace_before_s = 0.15;
    struct xw_ecg_config config = {.rate_num = rate_hz,
                                   .rate_den = 1,
                                   .channels_n = 1,
                                   .mains_hz = 50,
                                   .on_event = on_event,
                                   .user = w};
    config.channels[0].lead = xw_ecg_lead_from_name("II");
    config.channels[0].gain_counts_per_mv = COUNTS_PER_MV;
    config.channels[0].has_limits = rail_mv > 0;
    config.channels[0].min_counts = (int32_t)(-rail_mv * COUNTS_PER_MV);
    config.channels[0].max_counts = (int32_t)(rail_mv * COUNTS_PER_MV);
    w->end_s = 0.5;
    w->hr_at_target = -1;
    assert_int_equal(xw_ecg_chain_new(&config, &w->chain), 0);
}

static void begin(struct ward *w)
{
    begin_at(w, RATE_HZ, 0);
}

static void add_beats(struct ward *w, double rr_s, unsigned n)
{
    for (unsigned i = 0; i < n && w->beats_n < BEATS_MAX; i++) {
        w->beat_s[w->beats_n++] = w->end_s;
        w->end_s += rr_s;
    }
}

/* A converter gives the mean over its sample. */
static double pulse_at(const struct ward *w, double d)
{
    double shared_s = fmin(d + 1.0 / w->rate_hz, w->pace_width_s) - fmax(d, 0);
    return shared_s > 0 ? w->pace_mv * shared_s * w->rate_hz : 0;
}

static double value_at(const struct ward *w, double t)
{
    double mv = 0;
    for (unsigned i = w->next; i < w->beats_n && w->beat_s[i] < t + 1; i++) {
        double d = t - w->beat_s[i];
        mv += pulse_at(w, d + w->pace_before_s);
        if (w->pace_pair_s > 0)
            mv += pulse_at(w, d + w->pace_before_s + w->pace_pair_s);
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
    for (; (double)w->now < w->end_s * w->rate_hz; w->now++) {
        double t = (double)w->now / w->rate_hz;
        while (w->next < w->beats_n && w->beat_s[w->next] < t - 1)
            w->next++;
        double mv = value_at(w, t);
        if (w->rail_mv > 0)
            mv = fmin(fmax(mv, -w->rail_mv), w->rail_mv);
        int32_t x = (int32_t)lround(COUNTS_PER_MV * mv);
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
    static const double MV[] = {2, -2, 20, -20};
    (void)state;
    for (unsigned i = 0; i < sizeof(MV) / sizeof(MV[0]); i++) {
        struct ward w;
        begin(&w);
        w.t_mv = 0.2;
        w.pace_mv = MV[i];
        add_beats(&w, 60.0 / 70, 60);
        play(&w);
        printf("pace pulses of %.0f mV: %.1f/min\n", w.pace_mv, (double)w.hr_bpm);
        assert_true(fabsf(w.hr_bpm - 70) <= 3.5F);
        xw_ecg_chain_free(w.chain);
    }
}

struct pacing {
    double mv, width_s, before_s, pair_s, rail_mv;
};

static void assert_unanswered_is_asystole(unsigned rate_hz, const struct pacing *pacing)
{
    struct ward w;
    begin_at(&w, rate_hz, pacing->rail_mv);
    w.t_mv = 0.2;
    w.pace_mv = pacing->mv;
    w.pace_width_s = pacing->width_s;
    w.pace_before_s = pacing->before_s;
    w.pace_pair_s = pacing->pair_s;
    add_beats(&w, 60.0 / 70, 30);
    play(&w);
    int64_t onset = w.now;
    w.unanswered = true;
    w.answered_n = w.beats_n;
    w.asystole_at = -1;
    unsigned beats_n = w.final_n;
    add_beats(&w, 60.0 / 70, 15);
    play(&w);
    double delay_s = (double)(w.asystole_at - onset) / w.rate_hz;
    printf("pulses of %.0f mV, %.1f ms, pair %.0f ms, without a beat, %u Hz, rail %.0f mV: "
           "%u beats before, %u after, asystole after %.1f s\n",
           pacing->mv, 1000 * pacing->width_s, 1000 * pacing->pair_s, rate_hz, pacing->rail_mv,
           beats_n, w.final_n - beats_n, w.asystole_at < 0 ? -1.0 : delay_s);
    assert_int_equal(beats_n, 30);
    assert_true(w.asystole_at >= 0 && delay_s <= 5);
    assert_int_equal(w.final_n, beats_n);
    xw_ecg_chain_free(w.chain);
}

static const double PULSES_MV[] = {2, -2, 5, -5, 20, -20, 200, -200, 700, -700};
static const unsigned RATES_HZ[] = {250, 360, 500, 1000};
enum { PULSES_N = sizeof(PULSES_MV) / sizeof(PULSES_MV[0]), RATES_N = 4 };

/* The pacemaker goes on and the heart does not answer: what is left are its pulses alone. */
static void pulses_without_a_beat_are_asystole(void **state)
{
    static const struct pacing KINDS[] = {
        {.width_s = 0.002, .before_s = 0.15},
        {.width_s = 0.0005, .before_s = 0.15},
        {.width_s = 0.0001, .before_s = 0.15},
        {.width_s = 0.002, .before_s = 0.05, .pair_s = 0.15}, /* atrium and ventricle */
        {.width_s = 0.002, .before_s = 0.05, .pair_s = 0.25},
    };
    (void)state;
    for (unsigned k = 0; k < sizeof(KINDS) / sizeof(KINDS[0]); k++)
        for (unsigned i = 0; i < PULSES_N * RATES_N; i++) {
            struct pacing pacing = KINDS[k];
            pacing.mv = PULSES_MV[i / RATES_N];
            assert_unanswered_is_asystole(RATES_HZ[i % RATES_N], &pacing);
        }
}

/* Also where a pulse's flank gives a value short of the rail. */
static void pulses_on_the_rails_without_a_beat_are_asystole(void **state)
{
    static const double RAILS_MV[] = {5, 10};
    (void)state;
    for (unsigned r = 0; r < 2; r++)
        for (unsigned i = 0; i < PULSES_N * RATES_N; i++) {
            struct pacing pacing = {.mv = PULSES_MV[i / RATES_N],
                                    .width_s = 0.002,
                                    .before_s = 0.15,
                                    .rail_mv = RAILS_MV[r]};
            assert_unanswered_is_asystole(RATES_HZ[i % RATES_N], &pacing);
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
        cmocka_unit_test(pulses_on_the_rails_without_a_beat_are_asystole),
        cmocka_unit_test(irregular_rhythms_read_their_mean_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
