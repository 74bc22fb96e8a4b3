/* Signals whose every count is known from its index: for rulers and for sample-exact oracles. */
#include "dsp/synth/synth.h"

enum { SAW_PERIOD = 65521, SAW_BOTTOM = -32760, SAW_SHIFT = 4099 };

void xw_synth_pulse_read(const struct xw_synth_pulse *pulse, uint64_t first, size_t rows_n,
                         unsigned channels_n, int32_t *ret_rows)
{
    for (size_t i = 0; i < rows_n; i++) {
        /* Time as a whole number of 1/(1000·rate_num) s: pulses keep their place for ever. */
        unsigned __int128 ticks = (unsigned __int128)(first + i) * pulse->rate_den * 1000;
        uint64_t period = (uint64_t)pulse->period_ms * pulse->rate_num;
        bool high = (uint64_t)(ticks % period) < (uint64_t)pulse->width_ms * pulse->rate_num;
        for (unsigned c = 0; c < channels_n; c++)
            *ret_rows++ = pulse->baseline + (high ? pulse->height : 0);
    }
}

int32_t xw_synth_counter_at(uint64_t index, unsigned channel)
{
    return (int32_t)((index % SAW_PERIOD + (uint64_t)channel * SAW_SHIFT) % SAW_PERIOD) +
           SAW_BOTTOM;
}

void xw_synth_counter_read(uint64_t first, size_t rows_n, unsigned channels_n, int32_t *ret_rows)
{
    for (size_t i = 0; i < rows_n; i++) {
        for (unsigned c = 0; c < channels_n; c++)
            *ret_rows++ = xw_synth_counter_at(first + i, c);
    }
}
