/* What the arrhythmia analysis (dsp/ecg) says of the seconds of a reading: the same chain that runs
 * at the bedside, started cold and brought to its end.
 *
 * Threads: any; the making of chains (they plan FFTs) is serialised inside. Memory: a chain for the
 * length of the call (about 1 MB). Units: samples of the input, counted from its first.
 * Errors: -EINVAL (the chain takes 100 to 1000 samples a second), -ENOMEM. */
#ifndef XW_READING_RHYTHM_H
#define XW_READING_RHYTHM_H

#include "base/base.h"
#include "dsp/ecg/event.h"
#include "dsp/ecg12/ecg12.h"

#include <jansson.h>

enum { XW_READING_RHYTHMS_MAX = 16 };

struct xw_reading_rhythm {
    uint32_t bits; /* enum xw_interpret_rhythm */
    unsigned n;    /* the findings behind them, in order of their first word */
    struct xw_ecg_event finding[XW_READING_RHYTHMS_MAX];
    const char *code_version; /* static */
};

XW_MUST_CHECK int xw_reading_rhythm_find(const struct xw_ecg12_input *input,
                                         struct xw_reading_rhythm *ret);

/* [{"code", "rule", "rule_version", "from", "to", "rate_bpm", "confidence", "values"} …]; from: the
 * index of the input's first sample. NULL without memory. */
json_t *xw_reading_rhythm_json(const struct xw_reading_rhythm *rhythm, int64_t from);

#endif
