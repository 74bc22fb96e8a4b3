/* What the tests of the rule list share: beats made to measure through the modules that decide,
 * 1000 samples a second, and all that they said. Ownership: test_free what _new gave. */
#ifndef XW_TEST_DSP_RULES_BENCH_H
#define XW_TEST_DSP_RULES_BENCH_H

#include "dsp/ecg/alarm.h"
#include "dsp/ecg/pattern.h"

#include <stddef.h>

enum { XW_RULES_EVENTS_MAX = 256 };

struct xw_rules_bench {
    struct xw_ecg_rules rules;
    struct xw_ecg_emit emit;
    struct xw_ecg_alarm alarm;
    struct xw_ecg_pattern pattern;
    struct xw_ecg_vf vf;
    struct xw_ecg_event events[XW_RULES_EVENTS_MAX];
    size_t events_n;
};

struct xw_rules_bench *xw_rules_bench_new(void);
void xw_rules_begin(struct xw_rules_bench *b);
void xw_rules_beats(struct xw_rules_bench *b, unsigned n, float rr_ms, enum xw_ecg_code code,
                    float likeness);
void xw_rules_normal(struct xw_rules_bench *b, unsigned n, float rr_ms);
void xw_rules_ventricular(struct xw_rules_bench *b, unsigned n, float rr_ms);
const struct xw_ecg_event *xw_rules_find(const struct xw_rules_bench *b, enum xw_ecg_kind kind,
                                         enum xw_ecg_code code);
const struct xw_ecg_event *xw_rules_alarm(const struct xw_rules_bench *b, enum xw_ecg_code code);
void xw_rules_assert_raised(const struct xw_rules_bench *b, enum xw_ecg_code code,
                            enum xw_ecg_priority priority, float limit);

#endif
