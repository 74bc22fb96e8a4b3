/* Random walks through everything that a bed can do to a signal, at any rate and with any number of
 * leads: some or all leads spoiled, one way after another, discontinuities anywhere. The patient's
 * heart beats on all the while, so whatever is raised is false. Counted over all walks, and printed
 * with the walk that it happened on:
 *   - alarms, high and others (a name of low priority is one, too);
 *   - all leads hidden for twelve seconds, and it was not said that nothing can be seen;
 *   - beats missed or too many in the seven seconds that follow ten good ones;
 *   - a heart that stops after that, and no alarm within five seconds.
 * Silent blindness and deafness are not allowed. Of false alarms there are a few, known and to be
 * mended (600 walks from 1000 on: 1 high, 8 others; from 1 on 300: 1 and 3): the test holds the
 * line that they do not become more (LIMIT_… of a hundred walks, with room for another rounding
 * and for the few names that one bad walk gives at once: 4 in 40 from 20261123 on).
 *
 * XW_SEED walks elsewhere, XW_WALKS that many times: XW_SEED=n XW_WALKS=1 is walk n alone. */
#include "unit/dsp/ward.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WALKS = 40, BOUTS = 3, SPELLS_MAX = 4, LONG_S = 12 };
enum { LIMIT_HIGH = 1, LIMIT_OTHER = 3, LIMIT_BEATS = 1, LIMIT_OF = 100, LIMIT_CLUSTER = 3 };

enum { ANY = 7, DECLARED = 1, WIDE = 2, PLAIN = 4 };
static const struct xw_ward_format *const FORMATS[] = {&XW_FORMAT_DECLARED, &XW_FORMAT_WIDE,
                                                       &XW_FORMAT_PLAIN};
static const struct {
    const char *what;
    xw_spoil_fn spoil;
    unsigned formats; /* bits: of which format it is a spoiling */
    bool hides;
} KINDS[] = {
    {"sentinels of 16 bits", xw_spoil_minus_32768, ANY, true},
    {"sentinels of 24 bits", xw_spoil_plus_8388607, ANY, true},
    {"single invalid values", xw_spoil_now_and_then_invalid, ANY, false},
    {"a rail", xw_spoil_high_rail, DECLARED, true},
    {"rail to rail", xw_spoil_rail_to_rail, DECLARED, true},
    {"50 Hz", xw_spoil_hum_50, ANY, false},
    {"60 Hz", xw_spoil_hum_60, ANY, false},
    {"steps", xw_spoil_steps, ANY, false},
    {"noise", xw_spoil_noise, ANY, true},
    {"wild counts", xw_spoil_wild, WIDE | PLAIN, true},
    {"told to be off", NULL, ANY, true},
};
static const unsigned RATES_HZ[] = {100, 125, 128, 200, 250, 256, 257, 300,
                                    333, 360, 400, 500, 512, 720, 997, 1000};

struct counts {
    unsigned high_n, other_n, unsaid_n, beats_n, deaf_n;
};

struct walk {
    struct xw_ward ward;
    unsigned format;
    uint64_t seed;
    struct counts *counts;
    size_t judged_n; /* events that were looked at */
    char told[1024]; /* what was done since the last ten good seconds */
};

static unsigned below(struct walk *k, unsigned n)
{
    return xw_ward_draw(&k->ward) % n;
}

static void tell(struct walk *k, const char *what, double seconds)
{
    size_t n = strnlen(k->told, sizeof(k->told));
    (void)snprintf(k->told + n, sizeof(k->told) - n, "from %.1f s on %.1f s of %s (%x spared), ",
                   (double)k->ward.at / k->ward.rate_hz, seconds, what, k->ward.spared);
}

/* All leads, all but one, one, or any. */
static uint32_t draw_spared(struct walk *k)
{
    uint32_t all = (1U << k->ward.leads_n) - 1;
    uint32_t one = 1U << below(k, k->ward.leads_n);
    switch (below(k, 4)) {
    case 0:
        return one & (k->ward.leads_n > 1 ? all : 0);
    case 1:
        return all & ~one;
    case 2:
        return xw_ward_draw(&k->ward) & all;
    default:
        return 0;
    }
}

static unsigned draw_kind(struct walk *k)
{
    for (;;) {
        unsigned i = below(k, sizeof(KINDS) / sizeof(KINDS[0]));
        /* Half the rate is the mains': it is no hum there but a standing wave. */
        bool hum = KINDS[i].spoil == xw_spoil_hum_50 || KINDS[i].spoil == xw_spoil_hum_60;
        if (KINDS[i].formats >> k->format & 1 && !(hum && k->ward.rate_hz <= 128))
            return i;
    }
}

static void blame(const struct walk *k, const char *what)
{
    printf("walk %llu, %u Hz, %u leads: %s; %s\n", (unsigned long long)k->seed, k->ward.rate_hz,
           k->ward.leads_n, what, k->told);
}

/* Of a thing that was said more than once the first word counts. */
static bool is_first_word(const struct xw_recorder *r, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (r->events[i].sequence == r->events[index].sequence)
            return false;
    return true;
}

static void judge_alarms(struct walk *k)
{
    const struct xw_recorder *r = &k->ward.recorder;
    char what[128];
    for (; k->judged_n < r->n; k->judged_n++) {
        const struct xw_ecg_event *e = &r->events[k->judged_n];
        if (e->kind != XW_ECG_KIND_ALARM || !is_first_word(r, k->judged_n))
            continue;
        bool high = e->priority == XW_ECG_PRIORITY_HIGH;
        k->counts->high_n += high;
        k->counts->other_n += !high;
        snprintf(what, sizeof(what), "%s%s at %.2f s, said at %.2f s", high ? "HIGH " : "",
                 xw_ecg_code_name(e->code), (double)e->first / k->ward.rate_hz,
                 (double)e->emitted_at / k->ward.rate_hz);
        blame(k, what);
    }
}

static bool is_last_word(const struct xw_recorder *r, size_t index)
{
    for (size_t i = index + 1; i < r->n; i++)
        if (r->events[i].sequence == r->events[index].sequence)
            return false;
    return true;
}

/* Whether the last word on some blindness reaches past this index: also one that began before it.
 */
static bool is_blind_since(const struct xw_ward *w, int64_t since)
{
    const struct xw_recorder *r = &w->recorder;
    for (size_t i = r->n; i > 0; i--) {
        const struct xw_ecg_event *e = &r->events[i - 1];
        if (e->kind == XW_ECG_KIND_QUALITY && is_last_word(r, i - 1) && !e->withdrawn &&
            (e->end == XW_ECG_OPEN || e->end > since))
            return true;
    }
    return false;
}

static void interrupt(struct walk *k)
{
    double seconds = below(k, 3) ? below(k, 1000) / 1000.0 : below(k, 20);
    tell(k, "gap", seconds);
    xw_ward_live(&k->ward, seconds, NULL, true);
    xw_ecg_chain_gap(k->ward.chain, k->ward.at);
}

static void spell(struct walk *k)
{
    struct xw_ward *w = &k->ward;
    unsigned i = draw_kind(k);
    double seconds = 0.5 + below(k, 3) * (double)LONG_S + below(k, 60) / 10.0;
    w->spared = draw_spared(k);
    tell(k, KINDS[i].what, seconds);
    int64_t since = w->at;
    if (!KINDS[i].spoil)
        xw_ecg_chain_set_lead_off(w->chain, ~w->spared & ((1U << w->leads_n) - 1));
    xw_ward_live(w, seconds, KINDS[i].spoil ? KINDS[i].spoil : xw_spoil_dead, false);
    if (KINDS[i].hides && w->spared == 0 && seconds >= LONG_S && !is_blind_since(w, since)) {
        k->counts->unsaid_n++;
        blame(k, "it is not said that nothing can be seen");
    }
    xw_ecg_chain_set_lead_off(w->chain, 0);
    w->spared = 0;
    if (below(k, 3) == 0)
        interrupt(k);
}

static void judge_beats(struct walk *k, int64_t first)
{
    size_t missed, extra;
    xw_recorder_score(&k->ward.recorder, k->ward.rate_hz, first, k->ward.at - k->ward.rate_hz,
                      &missed, &extra);
    if (missed + extra == 0)
        return;
    k->counts->beats_n++;
    blame(k, "beats missed or too many after ten good seconds");
}

static void judge_asystole(struct walk *k)
{
    struct xw_ward *w = &k->ward;
    assert_int_equal(xw_synth_set_scene(w->patient, "asystole"), 0);
    int64_t since = w->at - 2 * (int64_t)w->rate_hz;
    xw_ward_live(w, 7, NULL, false);
    const struct xw_ecg_event *e =
        xw_recorder_find(&w->recorder, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_ASYSTOLE, since);
    if (e && e->emitted_at - e->first <= 5 * (int64_t)w->rate_hz)
        return;
    k->counts->deaf_n++;
    blame(k, "the heart stopped and no alarm came within five seconds");
}

static void walk(uint64_t seed, struct counts *counts)
{
    struct walk k = {.format = (unsigned)(seed % 3), .seed = seed, .counts = counts};
    struct xw_ward *w = &k.ward;
    unsigned rate = RATES_HZ[seed * 7 % (sizeof(RATES_HZ) / sizeof(RATES_HZ[0]))];
    xw_ward_init(w, rate, 1 + (unsigned)(seed * 5 % XW_ECG_CHANNELS_MAX), FORMATS[k.format]);
    w->random = seed * 0x9e3779b97f4a7c15U + 1;
    xw_synth_free(w->patient);
    w->patient = xw_scenario_patient(rate, seed, &w->recorder);
    xw_ward_live(w, 25, NULL, false);
    for (unsigned bout = 0; bout < BOUTS; bout++) {
        k.told[0] = 0;
        for (unsigned n = 1 + below(&k, SPELLS_MAX); n > 0; n--)
            spell(&k);
        xw_ward_live(w, 10, NULL, false);
        int64_t first = w->at;
        xw_ward_live(w, 8, NULL, false);
        judge_alarms(&k);
        judge_beats(&k, first);
    }
    judge_asystole(&k);
    xw_ward_done(w);
}

static void any_walk_leaves_no_trace_and_hardly_an_alarm(void **state)
{
    (void)state;
    struct counts c = {0};
    const char *given = getenv("XW_WALKS");
    uint64_t seed = xw_test_seed(1);
    unsigned long n = given ? strtoul(given, NULL, 10) : WALKS;
    for (unsigned long i = 0; i < n; i++)
        walk(seed + i, &c);
    printf("%lu walks: %u false alarms of high priority, %u others; blindness not said %u times, "
           "beats wrong after ten good seconds %u times, no asystole %u times\n",
           n, c.high_n, c.other_n, c.unsaid_n, c.beats_n, c.deaf_n);
    assert_int_equal(c.unsaid_n, 0);
    assert_int_equal(c.deaf_n, 0);
    assert_true(c.beats_n <= (n * LIMIT_BEATS + LIMIT_OF - 1) / LIMIT_OF);
    assert_true(c.high_n <= (n * LIMIT_HIGH + LIMIT_OF - 1) / LIMIT_OF);
    assert_true(c.other_n <= n * LIMIT_OTHER / LIMIT_OF + LIMIT_CLUSTER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_walk_leaves_no_trace_and_hardly_an_alarm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
