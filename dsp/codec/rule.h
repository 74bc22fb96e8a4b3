/* Channels that follow from two others: the derived limb leads of an ECG (III = II - I, aVR, aVL,
 * aVF) but for the device's rounding, and copies of a channel. They are found in the samples, by
 * whatever names and in whatever order they come, as long as what they follow from comes before.
 * Threads: pure functions, no memory. */
#ifndef XW_DSP_CODEC_RULE_H
#define XW_DSP_CODEC_RULE_H

#include "dsp/codec/lead.h"

enum {
    XW_RULE_CHANNELS = 18, /* only the first so many are searched: the search is cubic */
    XW_RULE_FORMS = 14,
    XW_RULE_FORM_BITS = 4,
    XW_RULE_CHANNEL_BITS = 5,
    XW_RULE_OFFSET_MAX = 1 << 30,
};

/* Sets the factors of a form, 0 to XW_RULE_FORMS - 1. */
void xw_rule_form(unsigned form, struct xw_lead_rule *rule);
unsigned xw_rule_form_of(const struct xw_lead_rule *rule);

/* The best rule for channel c in count_n rows of x, or one that is not on. */
struct xw_lead_rule xw_rule_find(const int32_t *x, size_t channels_n, size_t count_n, size_t c);

/* False if the rule costs more in these rows than the channel's plain differences. */
bool xw_rule_holds(const struct xw_lead_rule *rule, const int32_t *x, size_t channels_n,
                   size_t count_n, size_t c);

/* Twice what the rule says of its channel in this row. */
static inline int64_t xw_rule_twice(const struct xw_lead_rule *rule, const int32_t *row)
{
    return (int64_t)rule->a_halves * row[rule->a] + (int64_t)rule->b_halves * row[rule->b] +
           rule->offset;
}

#endif
