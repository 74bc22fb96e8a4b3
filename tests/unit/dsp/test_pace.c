/* Pace pulses as devices sample them: not one of them is a beat, whatever their size, width, pairs,
 * rate of the samples, leads, and rails; and where the heart does not answer that is an asystole.
 * Pulses are made at 16 kHz and averaged over each sample's time, as converters do. */
#include "dsp/ecg/blank.h"
#include "dsp/ecg/chain.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { COUNTS_PER_MV = 1000, FINE_HZ = 16000, ANSWERED_S = 40, ALONE_S = 15, CHANNELS = 12 };
static const double RR_S = 60.0 / 70;

struct pacer {
    double mv, width_s, before_s; /* the last pulse of a beat is so long before its R wave, */
    double pair_s;                /* another one so long before that; 0: none */
    double filter_hz;             /* of the device, two poles; 0: none */
    unsigned rate_hz, leads_n;
    double rail_mv;  /* 0: none */
    bool captures;   /* until ANSWERED_S, then not */
    double own_rr_s; /* then: of the heart's own beats; 0: none */
};

struct ward {
    int64_t asystole_at;
    unsigned rate_hz, beats_n, alone_n, paced_n, alarms_n;
};

static void on_event(void *user, const struct xw_ecg_event *e)
{
    struct ward *w = user;
    w->paced_n += e->kind == XW_ECG_KIND_BEAT && e->code == XW_ECG_BEAT_PACED && !e->withdrawn;
    w->alarms_n += e->kind == XW_ECG_KIND_ALARM && e->revision == 0 &&
                   e->code != XW_ECG_RHYTHM_ASYSTOLE && e->first < (int64_t)ANSWERED_S * w->rate_hz;
    if (e->kind == XW_ECG_KIND_BEAT && e->stage == XW_ECG_STAGE_FINAL && !e->withdrawn) {
        if (e->first < (int64_t)ANSWERED_S * w->rate_hz)
            w->beats_n++;
        else
            w->alone_n++;
    }
    if (e->kind == XW_ECG_KIND_ALARM && e->code == XW_ECG_RHYTHM_ASYSTOLE && w->asystole_at < 0)
        w->asystole_at = e->emitted_at;
}

static double pulse_mv(const struct pacer *p, double t)
{
    double in_beat = fmod(t, RR_S);
    double since = in_beat - (0.4 - p->before_s);
    bool on = since >= 0 && since < p->width_s;
    since += p->pair_s;
    return on || (p->pair_s > 0 && since >= 0 && since < p->width_s) ? p->mv : 0;
}

static double heart_mv(const struct pacer *p, double t)
{
    double rr_s = t < ANSWERED_S && p->captures ? RR_S : p->own_rr_s;
    if (rr_s <= 0)
        return 0;
    double d = fmod(t, rr_s) - 0.4, mv = 0;
    if (fabs(d) < 0.06)
        mv += 1 - fabs(d) / 0.06;
    if (d > 0.17 && d < 0.35)
        mv += 0.2 * sin(M_PI * (d - 0.17) / 0.18);
    return mv;
}

struct device {
    double one, two;
};

static double filtered(struct device *d, const struct pacer *p, double x)
{
    double share = p->filter_hz > 0 ? 1 - exp(-2 * M_PI * p->filter_hz / FINE_HZ) : 1;
    d->one += share * (x - d->one);
    d->two += share * (d->one - d->two);
    return d->two;
}

/* One value: the mean over its time; each lead sees the pulse at another height. */
static int32_t sampled(const struct pacer *p, struct device *d, unsigned lead, int64_t i)
{
    double sum = 0;
    int64_t from = i * FINE_HZ / p->rate_hz, to = (i + 1) * FINE_HZ / p->rate_hz;
    double share = lead % 3 == 2 ? -0.4 : 1 - 0.05 * lead;
    for (int64_t k = from; k < to; k++) {
        double t = (double)k / FINE_HZ;
        sum += filtered(d, p, share * pulse_mv(p, t) + (1 - 0.05 * lead) * heart_mv(p, t));
    }
    double mv = sum / (double)(to - from);
    if (p->rail_mv > 0)
        mv = fmax(-p->rail_mv, fmin(p->rail_mv, mv));
    return (int32_t)lround(COUNTS_PER_MV * mv);
}

static struct ward play(const struct pacer *p)
{
    struct ward w = {.asystole_at = -1, .rate_hz = p->rate_hz};
    struct xw_ecg_chain *chain = NULL;
    struct xw_ecg_config config = {.rate_num = p->rate_hz,
                                   .rate_den = 1,
                                   .channels_n = p->leads_n,
                                   .mains_hz = 50,
                                   .on_event = on_event,
                                   .user = &w};
    struct device device[CHANNELS] = {{0}};
    for (unsigned c = 0; c < p->leads_n; c++) {
        config.channels[c].lead = (enum xw_ecg_lead)(p->leads_n == 1 ? 2 : c + 1);
        config.channels[c].gain_counts_per_mv = COUNTS_PER_MV;
        config.channels[c].has_limits = p->rail_mv > 0;
        config.channels[c].max_counts = (int32_t)(COUNTS_PER_MV * p->rail_mv);
        config.channels[c].min_counts = -config.channels[c].max_counts;
    }
    assert_int_equal(xw_ecg_chain_new(&config, &chain), 0);
    for (int64_t i = 0; i < (int64_t)(ANSWERED_S + ALONE_S) * p->rate_hz; i++) {
        int32_t x[CHANNELS];
        for (unsigned c = 0; c < p->leads_n; c++)
            x[c] = sampled(p, &device[c], c, i);
        xw_ecg_chain_process(chain, x, 1);
    }
    xw_ecg_chain_flush(chain);
    xw_ecg_chain_free(chain);
    return w;
}

/* The heart answers for 40 s, then it does not. */
static void judge(const struct pacer *p)
{
    struct ward w = play(p);
    double after_s = (double)w.asystole_at / p->rate_hz - ANSWERED_S;
    double beats = ANSWERED_S / RR_S;
    printf("%g mV %g ms (pair %g s, filter %g Hz, rail %g mV) %u leads %u/s: %u beats of %.1f, "
           "%u paced, asystole after %.1f s, %u beats of pulses\n",
           p->mv, 1000 * p->width_s, p->pair_s, p->filter_hz, p->rail_mv, p->leads_n, p->rate_hz,
           w.beats_n, beats, w.paced_n, w.asystole_at < 0 ? -1 : after_s, w.alone_n);
    assert_true(fabs(w.beats_n - beats) <= 1.5);
    assert_int_equal(w.alone_n, 0);
    /* Whose pulses are there to be seen; the first ones when others had followed. */
    if (fabs(p->mv) * fmin(p->width_s * p->rate_hz, 1) > 0.6)
        assert_int_equal(w.paced_n, w.beats_n);
    assert_int_equal(w.alarms_n, 0);
    /* The last answer is up to 0.4 s into the last beat's time; 5 s of the alarm. */
    assert_true(w.asystole_at >= 0 && after_s <= 5);
}

static const struct pacer usual = {
    .mv = 20, .width_s = 0.0005, .before_s = 0.1, .rate_hz = 500, .leads_n = 1, .captures = true};

static void of_any_size_and_width(void **state)
{
    static const double MV[] = {2, -2, 20, -20, 200, -700}, WIDTH_S[] = {0.0001, 0.0005, 0.002};
    (void)state;
    for (unsigned i = 0; i < sizeof(MV) / sizeof(MV[0]); i++)
        for (unsigned k = 0; k < sizeof(WIDTH_S) / sizeof(WIDTH_S[0]); k++) {
            struct pacer p = usual;
            p.mv = MV[i];
            p.width_s = WIDTH_S[k];
            judge(&p);
        }
}

static void at_any_rate_and_on_any_leads(void **state)
{
    static const unsigned RATE_HZ[] = {250, 360, 500, 1000}, LEADS[] = {1, 2, 12};
    (void)state;
    for (unsigned i = 0; i < sizeof(RATE_HZ) / sizeof(RATE_HZ[0]); i++)
        for (unsigned k = 0; k < sizeof(LEADS) / sizeof(LEADS[0]); k++) {
            struct pacer p = usual;
            p.width_s = 0.001;
            p.rate_hz = RATE_HZ[i];
            p.leads_n = LEADS[k];
            judge(&p);
        }
}

static void in_pairs(void **state)
{
    static const double PAIR_S[] = {0.15, 0.25};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct pacer p = usual;
        p.width_s = 0.001;
        p.pair_s = PAIR_S[i];
        judge(&p);
    }
}

static void into_the_rails(void **state)
{
    static const double RAIL_MV[] = {5, 10};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct pacer p = usual;
        p.mv = i ? -200 : 200;
        p.width_s = 0.001;
        p.rail_mv = RAIL_MV[i];
        judge(&p);
        p.leads_n = 12;
        judge(&p);
    }
}

static void behind_a_device_s_filter(void **state)
{
    static const double MV[] = {2, 20, -20, 100};
    (void)state;
    for (unsigned i = 0; i < sizeof(MV) / sizeof(MV[0]); i++) {
        struct pacer p = usual;
        p.mv = MV[i];
        p.width_s = 0.001;
        p.filter_hz = 250;
        judge(&p);
    }
}

/* The heart goes its own slow way under a pacemaker that does not reach it: its own beats only. */
static void beside_the_heart_s_own_rhythm(void **state)
{
    static const double MV[] = {2, 20, -200};
    (void)state;
    for (unsigned i = 0; i < sizeof(MV) / sizeof(MV[0]); i++) {
        struct pacer p = usual;
        p.mv = MV[i];
        p.captures = false;
        p.own_rr_s = 1.5;
        struct ward w = play(&p);
        printf("%g mV beside 40/min: %u + %u beats of %.1f + %.1f\n", p.mv, w.beats_n, w.alone_n,
               ANSWERED_S / p.own_rr_s, ALONE_S / p.own_rr_s);
        assert_true(fabs(w.beats_n - ANSWERED_S / p.own_rr_s) <= 2);
        assert_true(fabs(w.alone_n - ALONE_S / p.own_rr_s) <= 2);
        assert_true(w.asystole_at < 0);
        assert_true(w.paced_n <= 2);
    }
}

/* Hum is no train of pulses, at whatever rate it is sampled. */
static void not_of_hum(void **state)
{
    static const double HUM_HZ[] = {50, 60}, HEIGHT_UV[] = {250, 500, 2000};
    (void)state;
    for (unsigned rate_hz = 240; rate_hz <= 1000; rate_hz++)
        for (unsigned k = 0; k < 6; k++) {
            struct xw_ecg_mains mains;
            struct xw_ecg_blank blank;
            float last[XW_DSP_LANES_MAX] = {0}, level[XW_DSP_LANES_MAX] = {0};
            memset(&blank, 0, sizeof(blank));
            assert_int_equal(xw_ecg_mains_init(&mains, 1, rate_hz, 0), 0);
            xw_ecg_blank_init(&blank, 1, rate_hz, 0.99F, &mains);
            for (unsigned i = 0; i < 2 * rate_hz; i++) {
                float uv[XW_DSP_LANES_MAX] = {0}, out[XW_DSP_LANES_MAX];
                uv[0] = (float)(HEIGHT_UV[k / 2] * sin(2 * M_PI * HUM_HZ[k % 2] * i / rate_hz));
                assert_int_equal(xw_ecg_blank_push(&blank, &mains, uv, 0, 0, last, level), 0);
                xw_ecg_blank_keep(&blank, uv, level);
                xw_ecg_mains_process(&mains, uv, out);
            }
            assert_int_equal(blank.pulses_n, 0);
            xw_ecg_mains_done(&mains);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_any_size_and_width),
        cmocka_unit_test(at_any_rate_and_on_any_leads),
        cmocka_unit_test(in_pairs),
        cmocka_unit_test(into_the_rails),
        cmocka_unit_test(behind_a_device_s_filter),
        cmocka_unit_test(beside_the_heart_s_own_rhythm),
        cmocka_unit_test(not_of_hum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
