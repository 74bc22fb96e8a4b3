/* A synthetic patient together with everything it told. */
#ifndef XW_TESTS_SYNTH_SUPPORT_H
#define XW_TESTS_SYNTH_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dsp/synth/synth.h"

enum { MAX_EVENTS = 20000, RATE = 500, LEADS = 12 };

struct patient {
    struct xw_synth *synth;
    struct xw_synth_event events[MAX_EVENTS];
    size_t events_n;
};

/* 500 Hz, 1000 counts/mV; heap; free with patient_free. */
struct patient *patient_new(uint64_t seed, const char *scene);
void patient_free(struct patient *p);
void patient_quiet(struct patient *p); /* no noise at all */
/* Reads `seconds`, malloc'ed rows of twelve. */
int32_t *patient_read(struct patient *p, double seconds);
/* Beats told with sample ≥ from; their samples in ret (may be NULL), at most max. */
size_t patient_beats(const struct patient *p, uint64_t from, const char *labels, uint64_t *ret,
                     size_t max);

#endif
