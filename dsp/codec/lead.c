/* Start of a channel and the scale of its taps. */
#include "dsp/codec/lead.h"

#include <string.h>

/* cppcheck-suppress shiftNegativeLHS ; this is what is asserted */
_Static_assert((-3 >> 1) == -2, "a negative number is shifted down arithmetically");

enum { SHIFT_LEAST = -4, STEP_LOG2 = 7, WEIGHT_SANE = 6 << 12 };

static void begin_weights(struct xw_lead *lead)
{
    for (unsigned i = 0; i < XW_LEAD_TAPS; i++) {
        lead->weight[i] = xw_lead_weights[i];
        lead->fine[i] = xw_lead_weights[i] * (1 << 16);
    }
}

static int32_t shift_for(uint32_t step)
{
    int32_t shift = (int32_t)xw_lead_log2(step) - 8 - STEP_LOG2;
    return shift < SHIFT_LEAST ? SHIFT_LEAST : shift;
}

void xw_lead_init(struct xw_lead *lead, unsigned step_log2)
{
    enum { STEP_LEAST_LOG2 = 3, STEP_MOST_LOG2 = 29 };
    unsigned log2 = step_log2 < STEP_LEAST_LOG2 ? STEP_LEAST_LOG2 : step_log2;
    uint32_t step = 1U << (log2 > STEP_MOST_LOG2 ? STEP_MOST_LOG2 : log2);
    *lead = (struct xw_lead){.step = step + step / 2, .shift = shift_for(step)};
    lead->last = lead->mean = lead->long_mean = step / 2;
    lead->reciprocal = (1U << 24) / lead->long_mean;
    begin_weights(lead);
}

static void move_taps(int16_t *tap, size_t n, int32_t down)
{
    for (size_t i = 0; i < n; i++) {
        int64_t v = down >= 0 ? (int64_t)tap[i] >> down : (int64_t)tap[i] * ((int64_t)1 << -down);
        tap[i] = (int16_t)xw_lead_clip(v, XW_LEAD_TAP_MAX);
    }
}

void xw_lead_rescale(struct xw_lead *lead, size_t at, bool early)
{
    for (unsigned i = 0; i < XW_LEAD_TAPS; i++)
        if (lead->weight[i] > WEIGHT_SANE || lead->weight[i] < -WEIGHT_SANE) {
            begin_weights(lead); /* ran away */
            break;
        }
    uint64_t usual = lead->shift >= 0 ? (uint64_t)lead->step >> lead->shift
                                      : (uint64_t)lead->step << -lead->shift;
    bool fits = usual >= 24 << 8 && usual <= 256 << 8;
    int32_t wanted = shift_for(lead->step);
    if ((fits && !early) || wanted == lead->shift)
        return;
    move_taps(lead->own + at - XW_LEAD_OWN, XW_LEAD_OWN, wanted - lead->shift);
    lead->shift = wanted;
}
