/* Beats into the alarm machine and the names. */
#include "unit/dsp/rules_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static void keep(void *user, const struct xw_ecg_event *event)
{
    struct xw_rules_bench *b = user;
    assert_true(b->events_n < XW_RULES_EVENTS_MAX);
    b->events[b->events_n++] = *event;
}

struct xw_rules_bench *xw_rules_bench_new(void)
{
    struct xw_rules_bench *b = test_calloc(1, sizeof(*b));
    xw_ecg_rules_default(&b->rules);
    b->rules.version = 5;
    b->emit.on_event = keep;
    b->emit.user = b;
    b->emit.rate_hz = 1000;
    return b;
}

/* To be called when the rules are as the test wants them. */
void xw_rules_begin(struct xw_rules_bench *b)
{
    assert_int_equal(xw_ecg_rules_check(&b->rules, NULL), 0);
    b->events_n = 0;
    b->emit.now = 0;
    memset(&b->vf, 0, sizeof(b->vf));
    memset(&b->alarm, 0, sizeof(b->alarm));
    xw_ecg_emit_rules(&b->emit, &b->rules);
    xw_ecg_alarm_init(&b->alarm);
    xw_ecg_alarm_reset(&b->alarm, 0);
    xw_ecg_pattern_reset(&b->pattern);
}

void xw_rules_beats(struct xw_rules_bench *b, unsigned n, float rr_ms, enum xw_ecg_code code,
                    float likeness)
{
    for (unsigned i = 0; i < n; i++) {
        b->emit.now += (int64_t)rr_ms;
        struct xw_ecg_alarm_beat beat = {.at = b->emit.now,
                                         .rr_ms = b->alarm.beats_n ? rr_ms : 0,
                                         .code = code,
                                         .known = true,
                                         .match = 0.9F,
                                         .likeness = likeness,
                                         .confidence = 0.8F};
        xw_ecg_alarm_beat(&b->alarm, &b->emit, &b->vf, &beat);
        struct xw_ecg_pattern_beat one = {.at = beat.at,
                                          .rr_ms = beat.rr_ms,
                                          .width_ms = 100,
                                          .confidence = 1,
                                          .code = code,
                                          .covered = b->alarm.vt.open};
        xw_ecg_pattern_beat(&b->pattern, &b->emit, &one);
        if (b->alarm.vt.open)
            xw_ecg_pattern_cover(&b->pattern, b->alarm.vt.event.first, beat.at);
    }
}

void xw_rules_normal(struct xw_rules_bench *b, unsigned n, float rr_ms)
{
    xw_rules_beats(b, n, rr_ms, XW_ECG_BEAT_NORMAL, 0.95F);
}

void xw_rules_ventricular(struct xw_rules_bench *b, unsigned n, float rr_ms)
{
    xw_rules_beats(b, n, rr_ms, XW_ECG_BEAT_VENTRICULAR, 0.2F);
}

const struct xw_ecg_event *xw_rules_find(const struct xw_rules_bench *b, enum xw_ecg_kind kind,
                                         enum xw_ecg_code code)
{
    for (size_t i = b->events_n; i-- > 0;)
        if (b->events[i].kind == kind && b->events[i].code == code)
            return &b->events[i];
    return NULL;
}

const struct xw_ecg_event *xw_rules_alarm(const struct xw_rules_bench *b, enum xw_ecg_code code)
{
    return xw_rules_find(b, XW_ECG_KIND_ALARM, code);
}

/* Raised, with what was set; its evidence holds the limit. */
void xw_rules_assert_raised(const struct xw_rules_bench *b, enum xw_ecg_code code,
                            enum xw_ecg_priority priority, float limit)
{
    const struct xw_ecg_event *event = xw_rules_alarm(b, code);
    bool held = false;
    assert_non_null(event);
    assert_int_equal(event->priority, priority);
    assert_true(event->has_rules);
    assert_int_equal(event->rules_version, 5);
    assert_int_equal(event->rules_tag, b->emit.rules_tag);
    for (uint32_t i = 0; i < event->evidence_n; i++)
        held |= event->evidence[i].limit == limit;
    assert_true(held);
}
