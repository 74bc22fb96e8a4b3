/* Words for the numbers in an event. */
#include "dsp/ecg/event.h"

#include <stddef.h>

#define LOOK_UP(table, i)                                                                          \
    ((size_t)(i) < sizeof(table) / sizeof((table)[0]) && (table)[i] ? (table)[i] : "unknown")

const char *xw_ecg_kind_name(enum xw_ecg_kind kind)
{
    static const char *const NAMES[] = {NULL,       "beat",  "rhythm",  "alarm",  "quality",
                                        "lead-off", "noise", "measure", "marker", "summary"};
    return LOOK_UP(NAMES, kind);
}

const char *xw_ecg_stage_name(enum xw_ecg_stage stage)
{
    static const char *const NAMES[] = {NULL, "provisional", "final", "revised"};
    return LOOK_UP(NAMES, stage);
}

const char *xw_ecg_priority_name(enum xw_ecg_priority priority)
{
    static const char *const NAMES[] = {"none", "technical", "low", "medium", "high"};
    return LOOK_UP(NAMES, priority);
}

static const struct {
    const char *name, *rhythm;
    char letter;
} CODES[XW_ECG_CODE_COUNT] = {
    [XW_ECG_CODE_NONE] = {"none", NULL, 0},
    [XW_ECG_BEAT_NORMAL] = {"normal", NULL, 'N'},
    [XW_ECG_BEAT_SUPRAVENTRICULAR] = {"supraventricular", NULL, 'S'},
    [XW_ECG_BEAT_VENTRICULAR] = {"ventricular", NULL, 'V'},
    [XW_ECG_BEAT_FUSION] = {"fusion", NULL, 'F'},
    [XW_ECG_BEAT_PACED] = {"paced", NULL, '/'},
    [XW_ECG_BEAT_UNKNOWN] = {"unclassified", NULL, 'Q'},
    [XW_ECG_RHYTHM_NORMAL] = {"no-finding", "(N", 0},
    [XW_ECG_RHYTHM_ASYSTOLE] = {"asystole", "(ASYS", 0},
    [XW_ECG_RHYTHM_PAUSE] = {"pause", NULL, 0},
    [XW_ECG_RHYTHM_BRADY] = {"extreme-bradycardia", "(SBR", 0},
    [XW_ECG_RHYTHM_TACHY] = {"extreme-tachycardia", "(SVTA", 0},
    [XW_ECG_RHYTHM_VT] = {"ventricular-tachycardia", "(VT", 0},
    [XW_ECG_RHYTHM_VRUN] = {"ventricular-run", "(VT", 0},
    [XW_ECG_RHYTHM_COUPLET] = {"ventricular-couplet", NULL, 0},
    [XW_ECG_RHYTHM_BIGEMINY] = {"ventricular-bigeminy", "(B", 0},
    [XW_ECG_RHYTHM_TRIGEMINY] = {"ventricular-trigeminy", "(T", 0},
    [XW_ECG_RHYTHM_VF] = {"ventricular-fibrillation", "(VFIB", 0},
    [XW_ECG_RHYTHM_AF] = {"atrial-fibrillation", "(AFIB", 0},
    [XW_ECG_RHYTHM_AFL] = {"atrial-flutter", "(AFL", 0},
    [XW_ECG_RHYTHM_SVT] = {"supraventricular-tachycardia", "(SVTA", 0},
    [XW_ECG_RHYTHM_AVB2] = {"av-block-2", "(BII", 0},
    [XW_ECG_RHYTHM_AVB3] = {"av-block-3", "(BIII", 0},
    [XW_ECG_RHYTHM_PACED] = {"paced-rhythm", "(P", 0},
    [XW_ECG_FINDING_ST_ELEVATION] = {"st-elevation", NULL, 0},
    [XW_ECG_FINDING_ST_DEPRESSION] = {"st-depression", NULL, 0},
    [XW_ECG_QUALITY_CANNOT_SEE] = {"cannot-see", NULL, 0},
    [XW_ECG_QUALITY_LEAD_OFF] = {"lead-off", NULL, 0},
    [XW_ECG_QUALITY_NOISE] = {"noise", NULL, 0},
    [XW_ECG_MEASURE_HEART_RATE] = {"heart-rate", NULL, 0},
    [XW_ECG_MEASURE_ST] = {"st-level", NULL, 0},
    [XW_ECG_MEASURE_SQI] = {"signal-quality", NULL, 0},
    [XW_FETAL_LOSS] = {"fhr1-loss", NULL, 0},
    [XW_FETAL_LOSS + 1] = {"fhr2-loss", NULL, 0},
    [XW_FETAL_LOSS + 2] = {"fhr3-loss", NULL, 0},
    [XW_FETAL_SPIKE] = {"fhr1-spike", NULL, 0},
    [XW_FETAL_SPIKE + 1] = {"fhr2-spike", NULL, 0},
    [XW_FETAL_SPIKE + 2] = {"fhr3-spike", NULL, 0},
    [XW_FETAL_SIGNAL] = {"fhr1-signal", NULL, 0},
    [XW_FETAL_SIGNAL + 1] = {"fhr2-signal", NULL, 0},
    [XW_FETAL_SIGNAL + 2] = {"fhr3-signal", NULL, 0},
    [XW_FETAL_SIGNAL_LOSS] = {"fhr1-signal-loss", NULL, 0},
    [XW_FETAL_SIGNAL_LOSS + 1] = {"fhr2-signal-loss", NULL, 0},
    [XW_FETAL_SIGNAL_LOSS + 2] = {"fhr3-signal-loss", NULL, 0},
    [XW_FETAL_MATERNAL] = {"fhr1-mhr", NULL, 0},
    [XW_FETAL_MATERNAL + 1] = {"fhr2-mhr", NULL, 0},
    [XW_FETAL_MATERNAL + 2] = {"fhr3-mhr", NULL, 0},
    [XW_FETAL_DOUBLED] = {"fhr1-doubled", NULL, 0},
    [XW_FETAL_DOUBLED + 1] = {"fhr2-doubled", NULL, 0},
    [XW_FETAL_DOUBLED + 2] = {"fhr3-doubled", NULL, 0},
    [XW_FETAL_HALVED] = {"fhr1-halved", NULL, 0},
    [XW_FETAL_HALVED + 1] = {"fhr2-halved", NULL, 0},
    [XW_FETAL_HALVED + 2] = {"fhr3-halved", NULL, 0},
    [XW_FETAL_MOVEMENT] = {"movement", NULL, 0},
    [XW_FETAL_UC_ZERO] = {"uc-zero", NULL, 0},
    [XW_ECG_RHYTHM_R_ON_T] = {"r-on-t", NULL, 0},
    [XW_ECG_SUMMARY_HRV] = {"hrv", NULL, 0},
    [XW_ECG_SUMMARY_BURDEN] = {"burden", NULL, 0},
    [XW_ECG_QUALITY_DENIED] = {"alarm-denied", NULL, 0},
};

const char *xw_ecg_code_name(enum xw_ecg_code code)
{
    return (unsigned)code < XW_ECG_CODE_COUNT ? CODES[code].name : "unknown";
}

char xw_ecg_code_letter(enum xw_ecg_code code)
{
    return (char)((unsigned)code < XW_ECG_CODE_COUNT ? CODES[code].letter : 0);
}

const char *xw_ecg_code_rhythm(enum xw_ecg_code code)
{
    return (unsigned)code < XW_ECG_CODE_COUNT ? CODES[code].rhythm : NULL;
}

static const struct {
    const char *name, *unit;
} VALUES[XW_ECG_VALUE_COUNT] = {
    [XW_ECG_VALUE_NONE] = {"none", "1"},
    [XW_ECG_VALUE_SILENCE_S] = {"silence", "s"},
    [XW_ECG_VALUE_RATE_BPM] = {"rate", "/min"},
    [XW_ECG_VALUE_BEATS_N] = {"beats", "1"},
    [XW_ECG_VALUE_RR_MS] = {"rr", "ms"},
    [XW_ECG_VALUE_VF_LEAKAGE] = {"vf-leakage", "1"},
    [XW_ECG_VALUE_VF_COUNT2] = {"vf-count2", "1"},
    [XW_ECG_VALUE_VF_SCORE] = {"vf-score", "1"},
    [XW_ECG_VALUE_AMPLITUDE_UV] = {"amplitude", "uV"},
    [XW_ECG_VALUE_TEMPLATE_MATCH] = {"template-match", "1"},
    [XW_ECG_VALUE_WIDTH_MS] = {"qrs-width", "ms"},
    [XW_ECG_VALUE_PREMATURITY] = {"prematurity", "1"},
    [XW_ECG_VALUE_PULSE_MS] = {"pace-pulse-before", "ms"},
    [XW_ECG_VALUE_DETECTION_LEVEL] = {"detection-level", "1"},
    [XW_ECG_VALUE_SQI] = {"signal-quality", "1"},
    [XW_ECG_VALUE_ST_UV] = {"st-level", "uV"},
    [XW_ECG_VALUE_LEADS_N] = {"leads", "1"},
    [XW_ECG_VALUE_RR_SPREAD] = {"rr-spread", "1"},
    [XW_FETAL_VALUE_LOSS_1MIN] = {"loss_1min", "%"},
    [XW_FETAL_VALUE_LOSS_10MIN] = {"loss_10min", "%"},
    [XW_FETAL_VALUE_LOSS_30MIN] = {"loss_30min", "%"},
    [XW_FETAL_VALUE_WINDOW_S] = {"window", "s"},
    [XW_FETAL_VALUE_SAMPLES_N] = {"samples", "1"},
    [XW_FETAL_VALUE_LOW_BPM] = {"low", "/min"},
    [XW_FETAL_VALUE_HIGH_BPM] = {"high", "/min"},
    [XW_FETAL_VALUE_SHARE] = {"share", "1"},
    [XW_FETAL_VALUE_FHR_BPM] = {"fhr", "/min"},
    [XW_FETAL_VALUE_MHR_BPM] = {"mhr", "/min"},
    [XW_FETAL_VALUE_RATIO] = {"ratio", "1"},
    [XW_FETAL_VALUE_MEDIAN_BPM] = {"median", "/min"},
    [XW_ECG_VALUE_RR_ALIKE] = {"rr-alike", "1"},
    [XW_ECG_VALUE_RR_DIFFERENCE] = {"rr-difference", "1"},
    [XW_ECG_VALUE_RR_PATTERN] = {"rr-pattern", "1"},
    [XW_ECG_VALUE_AF_SCORE] = {"af-score", "1"},
    [XW_ECG_VALUE_NOISE_UV] = {"noise", "uV"},
    [XW_ECG_VALUE_DURATION_S] = {"duration", "s"},
    [XW_ECG_VALUE_ATRIAL_BPM] = {"atrial-rate", "/min"},
    [XW_ECG_VALUE_P_SEEN] = {"p-seen", "1"},
    [XW_ECG_VALUE_P_BLOCKED] = {"p-blocked", "1"},
    [XW_ECG_VALUE_PR_MS] = {"pr", "ms"},
    [XW_ECG_VALUE_PR_LOCK] = {"pr-lock", "1"},
    [XW_ECG_VALUE_NN_MEAN_MS] = {"nn-mean", "ms"},
    [XW_ECG_VALUE_SDNN_MS] = {"sdnn", "ms"},
    [XW_ECG_VALUE_RMSSD_MS] = {"rmssd", "ms"},
    [XW_ECG_VALUE_PNN50] = {"pnn50", "%"},
    [XW_ECG_VALUE_LF_MS2] = {"lf", "ms2"},
    [XW_ECG_VALUE_HF_MS2] = {"hf", "ms2"},
    [XW_ECG_VALUE_SEEN_S] = {"seen", "s"},
    [XW_ECG_VALUE_AF_BURDEN] = {"af-burden", "%"},
    [XW_ECG_VALUE_V_BEATS_N] = {"v-beats", "1"},
    [XW_ECG_VALUE_S_BEATS_N] = {"s-beats", "1"},
    [XW_ECG_VALUE_NN_CLEAN] = {"nn-clean", "%"},
    [XW_ECG_VALUE_PULSES_N] = {"pulses", "1"},
    [XW_ECG_VALUE_PULSE_BPM] = {"pulse-rate", "/min"},
    [XW_ECG_VALUE_PULSE_UNEVEN] = {"pulse-uneven", "1"},
    [XW_ECG_VALUE_PULSE_GAP_S] = {"pulse-gap", "s"},
    [XW_ECG_VALUE_PULSE_SIZE] = {"pulse-size", "1"},
    [XW_ECG_VALUE_WAVE] = {"wave", "1"},
    [XW_ECG_VALUE_RR_LOW_MS] = {"rr-shortest", "ms"},
    [XW_ECG_VALUE_RR_HIGH_MS] = {"rr-longest", "ms"},
    [XW_ECG_VALUE_WAVE_PEAK] = {"wave-peak", "1"},
    [XW_ECG_VALUE_WAVE_LOCK] = {"wave-lock", "1"},
    [XW_ECG_VALUE_WAVE_HZ] = {"wave-frequency", "Hz"},
    [XW_ECG_VALUE_WAVE_SHARE] = {"wave-share", "1"},
};

const char *xw_ecg_value_name(enum xw_ecg_value_id id)
{
    return (unsigned)id < XW_ECG_VALUE_COUNT ? VALUES[id].name : "unknown";
}

const char *xw_ecg_value_unit(enum xw_ecg_value_id id)
{
    return (unsigned)id < XW_ECG_VALUE_COUNT ? VALUES[id].unit : "1";
}
