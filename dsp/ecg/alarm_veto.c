/* The pulse wave as a witness. It may deny an alarm, never raise one: a pulse that is not seen
 * proves nothing. */
#include "dsp/ecg/alarm.h"
#include "dsp/ecg/tables.h"

#include <math.h>

#define T xw_ecg_tables

static struct xw_ecg_pulse_train train_of(const struct xw_ecg_pulse *p,
                                          const struct xw_ecg_emit *emit, double seconds)
{
    int64_t first = emit->now - (int64_t)(seconds * emit->rate_hz);
    return xw_ecg_pulse_train(p, first, emit->now, emit->rate_hz);
}

/* Pulses went on through the silence. */
static bool denies_silence(const struct xw_ecg_alarm *a, const struct xw_ecg_pulse *p,
                           const struct xw_ecg_emit *emit, int64_t first,
                           struct xw_ecg_pulse_train *t)
{
    double silence_s = (double)(emit->now - first) / emit->rate_hz;
    *t = train_of(p, emit, fmin(silence_s + 1, 10));
    return t->seen && t->pulses_n >= 3 && t->longest_s < T.veto_gap_s &&
           t->uneven < a->limits.veto_uneven;
}

static bool denies_slow(const struct xw_ecg_alarm *a, const struct xw_ecg_pulse *p,
                        const struct xw_ecg_emit *emit, int64_t first, struct xw_ecg_pulse_train *t)
{
    double seconds = (double)(emit->now - first) / emit->rate_hz;
    *t = train_of(p, emit, fmin(seconds, 12));
    return t->seen && t->pulses_n >= 4 && t->rate_bpm > 1.15F * emit->rules->brady_bpm &&
           t->uneven < a->limits.veto_uneven && t->longest_s < T.veto_gap_s;
}

static bool denies_fast(const struct xw_ecg_pulse *p, const struct xw_ecg_emit *emit,
                        float rate_bpm, struct xw_ecg_pulse_train *t)
{
    *t = train_of(p, emit, 7);
    return t->seen && t->pulses_n >= 4 && t->rate_bpm < 0.9F * emit->rules->tachy_bpm &&
           t->rate_bpm < 0.85F * rate_bpm && t->uneven < T.veto_even && t->size > T.veto_size;
}

/* A heart that fibrillates or races does not push full pulses in an even, slower train. */
static bool denies_ventricular(const struct xw_ecg_pulse *p, const struct xw_ecg_emit *emit,
                               float rate_bpm, struct xw_ecg_pulse_train *t)
{
    *t = train_of(p, emit, 5);
    return t->seen && t->pulses_n >= 4 && t->uneven < T.veto_even && t->size > T.veto_size &&
           (rate_bpm <= 0 || t->rate_bpm < 0.9F * rate_bpm || t->rate_bpm < emit->rules->vt_bpm);
}

static const struct {
    enum xw_ecg_code code;
    const char *rule;
} DENIALS[XW_ECG_ALARM_DENIED_N] = {
    {XW_ECG_RHYTHM_ASYSTOLE, "pulse-denies-asystole"},
    {XW_ECG_RHYTHM_BRADY, "pulse-denies-brady"},
    {XW_ECG_RHYTHM_TACHY, "pulse-denies-tachy"},
    {XW_ECG_RHYTHM_VT, "pulse-denies-vt"},
    {XW_ECG_RHYTHM_VF, "pulse-denies-vf"},
};

/* An alarm that is denied is asked for again and again while its cause lasts: said once. */
static void say_denied(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, enum xw_ecg_code code,
                       int64_t first, unsigned wave, const struct xw_ecg_pulse_train *t)
{
    unsigned i = 0;
    while (i + 1 < XW_ECG_ALARM_DENIED_N && DENIALS[i].code != code)
        i++;
    bool said = a->denied_until[i] > emit->now;
    a->denied_until[i] = emit->now + (int64_t)(10 * emit->rate_hz);
    if (said)
        return;
    bool silence = code == XW_ECG_RHYTHM_ASYSTOLE || code == XW_ECG_RHYTHM_BRADY;
    struct xw_ecg_event event = xw_ecg_emit_draft(emit, XW_ECG_KIND_QUALITY, XW_ECG_QUALITY_DENIED,
                                                  DENIALS[i].rule, XW_ECG_VETO_RULE_VERSION);
    event.first = first;
    event.end = emit->now > first ? emit->now : first + 1;
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_PULSES_N, (float)t->pulses_n, silence ? 3 : 4);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_PULSE_BPM, t->rate_bpm, 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_PULSE_UNEVEN, t->uneven,
                         silence ? a->limits.veto_uneven : T.veto_even);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_PULSE_GAP_S, t->longest_s,
                         silence ? T.veto_gap_s : 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_PULSE_SIZE, t->size, silence ? 0 : T.veto_size);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_WAVE, (float)wave, 0);
    xw_ecg_emit_new(emit, &event);
}

bool xw_ecg_alarm_deny(struct xw_ecg_alarm *a, struct xw_ecg_emit *emit, enum xw_ecg_code code,
                       int64_t first, float rate_bpm)
{
    for (unsigned i = 0; i < a->pulses_n; i++) {
        const struct xw_ecg_pulse *p = a->pulse[i];
        struct xw_ecg_pulse_train t;
        bool denied = code == XW_ECG_RHYTHM_ASYSTOLE ? denies_silence(a, p, emit, first, &t)
                      : code == XW_ECG_RHYTHM_BRADY  ? denies_slow(a, p, emit, first, &t)
                      : code == XW_ECG_RHYTHM_TACHY  ? denies_fast(p, emit, rate_bpm, &t)
                                                     : denies_ventricular(p, emit, rate_bpm, &t);
        if (!denied)
            continue;
        a->vetoed_n++;
        say_denied(a, emit, code, first, i, &t);
        return true;
    }
    return false;
}
