/* Bigeminy and trigeminy: where the ventricular beats stand. */
#include "dsp/ecg/alarm.h"

static const struct xw_ecg_alarm_beat *ago(const struct xw_ecg_alarm *a, unsigned n)
{
    return &a->beat[(a->beats_n - 1 - n) % XW_ECG_ALARM_BEATS];
}

/* How many of the newest beats keep to one ventricular beat in every `period`. */
static unsigned kept_beats(const struct xw_ecg_alarm *a, unsigned period)
{
    unsigned most = 0;
    for (unsigned phase = 0; phase < period; phase++) {
        unsigned n = 0;
        while (n < a->beats_n && n < XW_ECG_ALARM_BEATS && ago(a, n)->rr_ms > 0 &&
               (ago(a, n)->code == XW_ECG_BEAT_VENTRICULAR) == (n % period == phase))
            n++;
        most = n > most ? n : most;
    }
    return most;
}

enum xw_ecg_code xw_ecg_alarm_pattern(const struct xw_ecg_alarm *a, unsigned repeats_n,
                                      int64_t *ret_since, unsigned *ret_n)
{
    static const enum xw_ecg_code NAMES[] = {XW_ECG_RHYTHM_BIGEMINY, XW_ECG_RHYTHM_TRIGEMINY};
    for (unsigned period = 2; period <= 3; period++) {
        unsigned n = kept_beats(a, period);
        if (n >= repeats_n * period) {
            *ret_since = ago(a, n - 1)->at;
            *ret_n = n;
            return NAMES[period - 2];
        }
    }
    return XW_ECG_CODE_NONE;
}
