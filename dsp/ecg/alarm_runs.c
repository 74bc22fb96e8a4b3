/* Runs of beats that are ventricular, or strange to this patient. */
#include "dsp/ecg/alarm.h"

#include <math.h>

static const struct xw_ecg_alarm_beat *ago(const struct xw_ecg_alarm *a, unsigned n)
{
    return &a->beat[(a->beats_n - 1 - n) % XW_ECG_ALARM_BEATS];
}

unsigned xw_ecg_alarm_ventricular_run(const struct xw_ecg_alarm *a, unsigned from)
{
    unsigned n = 0;
    while (from + n < a->beats_n && from + n < XW_ECG_ALARM_BEATS &&
           ago(a, from + n)->code == XW_ECG_BEAT_VENTRICULAR)
        n++;
    return n;
}

unsigned xw_ecg_alarm_strange_run(const struct xw_ecg_alarm *a, float vt_bpm, float *ret_mean_rr)
{
    float low = 1, high = -1, sum = 0;
    unsigned n = 0;
    for (; n < a->beats_n && n < XW_ECG_ALARM_BEATS; n++) {
        const struct xw_ecg_alarm_beat *beat = ago(a, n);
        if (beat->rr_ms <= 0 || beat->rr_ms > 1.1F * 60000 / vt_bpm ||
            (beat->likeness > a->limits.vt_strange && beat->code != XW_ECG_BEAT_VENTRICULAR))
            break;
        low = fminf(low, beat->likeness);
        high = fmaxf(high, beat->likeness);
        sum += beat->rr_ms;
        if (high - low > a->limits.vt_alike)
            break;
    }
    *ret_mean_rr = n ? sum / (float)n : 0;
    return n;
}

float xw_ecg_alarm_rr_before(const struct xw_ecg_alarm *a, unsigned n)
{
    float sum = 0;
    for (unsigned i = n; i < n + 4; i++) {
        if (i >= a->beats_n || i >= XW_ECG_ALARM_BEATS || ago(a, i)->rr_ms <= 0)
            return 0;
        sum += ago(a, i)->rr_ms;
    }
    return sum / 4;
}

float xw_ecg_alarm_unevenness(const struct xw_ecg_alarm *a, unsigned n)
{
    if (n < 2)
        return 0;
    float difference = 0, sum = ago(a, 0)->rr_ms;
    for (unsigned i = 1; i < n; i++) {
        difference += fabsf(ago(a, i)->rr_ms - ago(a, i - 1)->rr_ms);
        sum += ago(a, i)->rr_ms;
    }
    return sum > 0 ? difference / sum * (float)n / (float)(n - 1) : 0;
}
