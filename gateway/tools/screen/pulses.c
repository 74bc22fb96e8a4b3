/* Pulse waves of a recording bear witness to its ECG. */
#include "tools/screen/screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ROWS = 64 };

bool xw_screen_is_pulse(const char *description)
{
    return strncasecmp(description, "PLETH", 5) == 0 || strcasecmp(description, "ABP") == 0 ||
           strcasecmp(description, "ART") == 0;
}

int xw_screen_pulses_open(struct xw_screen *screen, const struct xw_screen_options *options,
                          struct xw_wfdb_error *ret_error)
{
    const struct xw_wfdb_header *header = xw_wfdb_reader_header(screen->reader);
    const struct xw_ecg_pulse *list[XW_ECG_PULSES_MAX];
    unsigned signals[XW_ECG_PULSES_MAX], n = 0;
    for (unsigned i = 0; i < header->signals_n && n < XW_ECG_PULSES_MAX; i++)
        if (xw_screen_is_pulse(header->signals[i].description))
            signals[n++] = i;
    if (!n)
        return 0;
    int result = xw_wfdb_reader_open(options->record, signals, n, &screen->pulse_reader, ret_error);
    if (result < 0)
        return result;
    struct xw_wfdb_fraction rate = xw_wfdb_reader_rate_hz(screen->pulse_reader);
    double wave_hz = (double)rate.num / (double)rate.den;
    double ecg_hz = (double)screen->config.rate_num / screen->config.rate_den;
    /* Another rate than the ECG's, or one at which no pulse can be told: no witness. */
    for (unsigned i = 0; i < n; i++)
        if (wave_hz != ecg_hz || xw_ecg_pulse_init(&screen->pulse[i], wave_hz, ecg_hz) < 0) {
            xw_wfdb_reader_close(screen->pulse_reader);
            screen->pulse_reader = NULL;
            return 0;
        } else {
            list[i] = &screen->pulse[i];
        }
    screen->pulses_n = n;
    xw_ecg_chain_set_pulses(screen->chain, list, n);
    return 0;
}

int xw_screen_pulses_push(struct xw_screen *screen, int64_t rows_n, struct xw_wfdb_error *ret_error)
{
    int32_t rows[ROWS * XW_ECG_PULSES_MAX];
    int64_t at = screen->rows_n, end = screen->rows_n + rows_n;
    while (screen->pulse_reader && at < end) {
        size_t want = (size_t)(end - at < ROWS ? end - at : ROWS);
        int64_t n = xw_wfdb_reader_read(screen->pulse_reader, rows, want, ret_error);
        if (n <= 0)
            return (int)n;
        for (int64_t i = 0; i < n; i++, at++)
            for (unsigned k = 0; k < screen->pulses_n; k++) {
                int32_t x = rows[i * (int64_t)screen->pulses_n + k];
                const struct xw_wfdb_signal *signal =
                    xw_wfdb_reader_signal(screen->pulse_reader, k);
                xw_ecg_pulse_push(&screen->pulse[k], (float)x, at, x != signal->invalid);
            }
    }
    return 0;
}
