/* Killed anywhere, or left by its device and taken up again: every five-minute window is said once,
 * and says what an unbroken run says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/adopt.h"
#include "unit/dsp/scenario.h"

enum { RATE_HZ = 250, SECONDS = 1000, WINDOWS = 3, WARM_S = 420, BLOCK = 50, ROUNDS = 5 };
enum { ROWS = RATE_HZ * SECONDS, RECORDS_MAX = 64, CHANNELS = 12 };

static int32_t samples[ROWS * CHANNELS];

struct gateway {
    struct xw_ecg_event records[RECORDS_MAX];
    size_t n;
    struct xw_ecg_chain *chain;
    struct xw_adopt adopt;
    bool adopting;
};

static void on_event(void *user, const struct xw_ecg_event *event)
{
    struct gateway *g = user;
    struct xw_adopt_known known;
    if (event->kind != XW_ECG_KIND_SUMMARY)
        return;
    if (g->adopting && xw_adopt_judge(&g->adopt, event, &known) == XW_ADOPT_SILENT)
        return;
    assert_true(g->n < RECORDS_MAX);
    g->records[g->n++] = *event;
}

static void say(void *user, const struct xw_adopt_known *known, const struct xw_ecg_event *event)
{
    (void)user;
    (void)known;
    (void)event;
}

static void begin(struct gateway *g, int64_t first)
{
    struct xw_ecg_config config;
    struct xw_recorder unused;
    xw_recorder_init(&unused);
    xw_scenario_config(&config, RATE_HZ, &unused);
    config.first_sample = first;
    config.on_event = on_event;
    config.user = g;
    assert_int_equal(xw_ecg_chain_new(&config, &g->chain), 0);
    xw_recorder_done(&unused);
}

static void play(struct gateway *g, size_t from, size_t until)
{
    for (size_t at = from; at < until;) {
        size_t n = XW_MIN((size_t)BLOCK, until - at);
        xw_ecg_chain_process(g->chain, samples + at * CHANNELS, n);
        at += n;
        if (g->adopting)
            xw_adopt_advance(&g->adopt, (int64_t)at, say, g);
    }
}

static void done(struct gateway *g)
{
    xw_ecg_chain_free(g->chain);
    if (g->adopting)
        xw_adopt_done(&g->adopt);
}

static void restart(struct gateway *g, size_t cut, bool left)
{
    size_t from = cut > WARM_S * RATE_HZ ? cut - WARM_S * RATE_HZ : 0;
    if (left)
        xw_ecg_chain_flush(g->chain);
    done(g);
    xw_adopt_init(&g->adopt, (int64_t)cut, RATE_HZ);
    g->adopting = true;
    for (size_t i = 0; i < g->n; i++) {
        struct xw_adopt_known known = {.kind = XW_ECG_KIND_SUMMARY,
                                       .code = g->records[i].code,
                                       .first = g->records[i].first,
                                       .end = g->records[i].end};
        if (known.end > (int64_t)from)
            assert_int_equal(xw_adopt_add(&g->adopt, &known), 0);
    }
    begin(g, (int64_t)from);
    play(g, from, cut);
}

static const struct xw_ecg_event *only(const struct gateway *g, enum xw_ecg_code code,
                                       int64_t first)
{
    const struct xw_ecg_event *found = NULL;
    for (size_t i = 0; i < g->n; i++)
        if (g->records[i].code == code && g->records[i].first == first) {
            assert_null(found);
            found = &g->records[i];
        }
    return found;
}

static struct gateway whole, broken;

/* A chain that was warmed places a beat that it has not learned as long a little otherwise. */
static void compare(size_t *ret_windows_n, float *ret_most)
{
    static const enum xw_ecg_code CODES[] = {XW_ECG_SUMMARY_BURDEN, XW_ECG_SUMMARY_HRV};
    assert_int_equal(broken.n, whole.n);
    for (int64_t w = 0; w < WINDOWS; w++)
        for (unsigned c = 0; c < 2; c++) {
            const struct xw_ecg_event *a = only(&whole, CODES[c], w * 300 * RATE_HZ);
            const struct xw_ecg_event *b = only(&broken, CODES[c], w * 300 * RATE_HZ);
            assert_non_null(a);
            assert_non_null(b);
            *ret_windows_n += 1;
            for (uint32_t i = 0; i < a->evidence_n; i++) {
                float x = a->evidence[i].measured, y = b->evidence[i].measured;
                *ret_most = fmaxf(*ret_most, fabsf(x - y) / fmaxf(fabsf(x), 5));
            }
        }
}

static void each_window_once_and_the_same(void **state)
{
    (void)state;
    uint64_t first_seed = xw_test_seed(42);
    unsigned seed = (unsigned)first_seed;
    size_t windows_n = 0;
    float most = 0;
    struct xw_synth *patient = xw_scenario_patient(RATE_HZ, first_seed, NULL);
    assert_int_equal(xw_synth_set_scene(patient, "sinus"), 0);
    xw_synth_read(patient, samples, ROWS);
    xw_synth_free(patient);
    begin(&whole, 0);
    play(&whole, 0, ROWS);
    done(&whole);
    for (unsigned round = 0; round < ROUNDS; round++) {
        memset(&broken, 0, sizeof(broken));
        begin(&broken, 0);
        size_t at = 0;
        for (unsigned k = 0; k < 3; k++) {
            size_t cut = at + (size_t)rand_r(&seed) % (ROWS - at);
            if (round < 2 && k == 0) /* between the end of a window and its word */
                cut = (300 + 30 + 29 * round) * RATE_HZ;
            play(&broken, at, cut);
            restart(&broken, cut, (round + k) & 1);
            at = cut;
        }
        play(&broken, at, ROWS);
        compare(&windows_n, &most);
        done(&broken);
    }
    printf("%zu windows, values differ by %.4f at most\n", windows_n, (double)most);
    assert_true(most < 0.05F);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_window_once_and_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
