/* A patient whose leads are spoiled. */
#include "unit/dsp/ward.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

enum { SYNTH_LEADS = XW_SYNTH_LEADS_N, CUT = 25 };

uint32_t xw_ward_draw(struct xw_ward *w)
{
    w->random = w->random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(w->random >> 32);
}

const struct xw_ward_format XW_FORMAT_DECLARED = {true, true, -32768},
                            XW_FORMAT_WIDE = {true, false, 8388607},
                            XW_FORMAT_PLAIN = {false, false, 0};

void xw_ward_init(struct xw_ward *w, unsigned rate_hz, unsigned leads_n,
                  const struct xw_ward_format *f)
{
    memset(w, 0, sizeof(*w));
    w->rate_hz = rate_hz;
    w->leads_n = leads_n;
    w->random = 11;
    xw_recorder_init(&w->recorder);
    xw_scenario_config(&w->config, rate_hz, &w->recorder);
    w->config.channels_n = leads_n;
    /* One lead alone is II, as a monitor has it. */
    for (unsigned c = 0; c < leads_n; c++) {
        w->config.channels[c] = w->config.channels[leads_n == 1 ? 1 : c % SYNTH_LEADS];
        w->config.channels[c].has_invalid = f->has_invalid;
        w->config.channels[c].invalid_counts = f->invalid;
        w->config.channels[c].has_limits = f->has_limits;
    }
    assert_int_equal(xw_ecg_chain_new(&w->config, &w->chain), 0);
    w->patient = xw_scenario_patient(rate_hz, xw_test_seed(23), &w->recorder);
}

void xw_ward_done(struct xw_ward *w)
{
    xw_synth_free(w->patient);
    xw_ecg_chain_free(w->chain);
    xw_recorder_done(&w->recorder);
}

void xw_ward_live(struct xw_ward *w, double seconds, xw_spoil_fn spoil, bool lost)
{
    int32_t in[CUT * SYNTH_LEADS], out[CUT * XW_ECG_CHANNELS_MAX];
    int64_t end = w->at + llround(seconds * w->rate_hz);
    while (w->at < end) {
        size_t n = end - w->at < CUT ? (size_t)(end - w->at) : CUT;
        xw_synth_read(w->patient, in, n);
        for (size_t i = 0; i < n; i++, w->at++)
            for (unsigned c = 0; c < w->leads_n; c++) {
                int32_t x = in[i * SYNTH_LEADS + (w->leads_n == 1 ? 1 : c % SYNTH_LEADS)];
                out[i * w->leads_n + c] = spoil && !(w->spared >> c & 1) ? spoil(w, x, c) : x;
            }
        if (!lost)
            xw_ecg_chain_process(w->chain, out, n);
    }
}

size_t xw_ward_said(const struct xw_ward *w, enum xw_ecg_kind kind, int64_t since)
{
    return xw_recorder_count(&w->recorder, kind, 0, since - w->rate_hz, INT64_MAX);
}

void xw_ward_assert_silent(const struct xw_ward *w, const char *what)
{
    for (size_t i = 0; i < w->recorder.n; i++) {
        const struct xw_ecg_event *e = &w->recorder.events[i];
        assert_true(isfinite(e->hr_bpm) && isfinite(e->rr_ms) && isfinite(e->confidence));
        if (e->kind == XW_ECG_KIND_ALARM)
            fail_msg("%s, %u Hz, %u leads: %s at %.2f s, said at %.2f s", what, w->rate_hz,
                     w->leads_n, xw_ecg_code_name(e->code), (double)e->first / w->rate_hz,
                     (double)e->emitted_at / w->rate_hz);
    }
}

void xw_ward_assert_every_beat(const struct xw_ward *w, int64_t first, int64_t end,
                               const char *what)
{
    size_t missed, extra;
    xw_recorder_score(&w->recorder, w->rate_hz, first, end, &missed, &extra);
    if (missed || extra)
        fail_msg("%s, %u Hz, %u leads: %zu beats missed, %zu extra", what, w->rate_hz, w->leads_n,
                 missed, extra);
}

void xw_ward_assert_as_before(struct xw_ward *w, const char *what)
{
    int64_t first = w->at;
    xw_ward_live(w, 15, NULL, false);
    xw_ward_assert_silent(w, what);
    xw_ward_assert_every_beat(w, first, w->at - w->rate_hz, what);
    assert_int_equal(xw_synth_set_scene(w->patient, "asystole"), 0);
    int64_t since = w->at;
    xw_ward_live(w, 7, NULL, false);
    const struct xw_ecg_event *e = xw_recorder_find(&w->recorder, XW_ECG_KIND_ALARM,
                                                    XW_ECG_RHYTHM_ASYSTOLE, since - 2 * w->rate_hz);
    assert_non_null(e);
    assert_true(e->emitted_at - e->first <= 5 * (int64_t)w->rate_hz);
}

/* ---- half a minute of each ---- */

int32_t xw_spoil_minus_32768(struct xw_ward *w, int32_t good, unsigned lead)
{
    (void)w, (void)good, (void)lead;
    return -32768;
}

int32_t xw_spoil_plus_8388607(struct xw_ward *w, int32_t good, unsigned lead)
{
    (void)w, (void)good, (void)lead;
    return 8388607;
}

int32_t xw_spoil_now_and_then_invalid(struct xw_ward *w, int32_t good, unsigned lead)
{
    (void)lead;
    return w->at * 10 / w->rate_hz % 31 == 0 && w->at * 10 % w->rate_hz < 10 ? -32768 : good;
}

int32_t xw_spoil_high_rail(struct xw_ward *w, int32_t good, unsigned lead)
{
    (void)w, (void)good, (void)lead;
    return 32767;
}

int32_t xw_spoil_rail_to_rail(struct xw_ward *w, int32_t good, unsigned lead)
{
    (void)good, (void)lead;
    return w->at * 10 / (14 * (int64_t)w->rate_hz) % 2 ? 32767 : -32767;
}

static int32_t hum_of(const struct xw_ward *w, int32_t good, double hz)
{
    return good + (int32_t)lrint(500 * sin(2 * M_PI * hz * (double)w->at / w->rate_hz));
}

int32_t xw_spoil_hum_50(struct xw_ward *w, int32_t good, unsigned lead)
{
    (void)lead;
    return hum_of(w, good, 50);
}

int32_t xw_spoil_hum_60(struct xw_ward *w, int32_t good, unsigned lead)
{
    (void)lead;
    return hum_of(w, good, 60);
}

int32_t xw_spoil_steps(struct xw_ward *w, int32_t good, unsigned lead)
{
    (void)lead;
    return good + (w->at * 10 / (22 * (int64_t)w->rate_hz) % 2 ? 5000 : 0);
}

int32_t xw_spoil_noise(struct xw_ward *w, int32_t good, unsigned lead)
{
    (void)good, (void)lead;
    return (int32_t)(xw_ward_draw(w) % 6000) - 3000;
}

int32_t xw_spoil_dead(struct xw_ward *w, int32_t good, unsigned lead)
{
    (void)w, (void)good, (void)lead;
    return 0;
}

int32_t xw_spoil_wild(struct xw_ward *w, int32_t good, unsigned lead)
{
    (void)good, (void)lead;
    return (int32_t)xw_ward_draw(w);
}
