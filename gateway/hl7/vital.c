/* The vocabulary's tables. */
#include "hl7/vital.h"

#include <math.h>
#include <string.h>
#include <strings.h>

/* Limits: what a living patient's true value can be; beyond it the number is wrong, whatever sent
 * it. Respiration may be 0 (apnoea). A heart rate of 0 is "no signal" in every monitor known. */
static const struct xw_vital vitals[XW_VITALS_N] = {
#define ROW(i, n, m, l, k, u, lo, hi, c, f, s)                                                     \
    [XW_VITAL_##i] = {XW_VITAL_##i, n, m, l, XW_UNIT_##k, u, lo, hi, c, XW_FAMILY_##f, s}
    ROW(HR, "hr", 147842, "8867-4", RATE, "/min", 10, 350, true, NONE, "ecg"),
    ROW(PULSE_SPO2, "pulse_spo2", 149530, "8889-8", RATE, "/min", 10, 350, true, NONE, "spo2"),
    ROW(PULSE_NIBP, "pulse_nibp", 149546, NULL, RATE, "/min", 10, 350, false, NIBP, "nibp"),
    ROW(PULSE, "pulse", 149522, "8889-8", RATE, "/min", 10, 350, true, NONE, "pulse"),
    ROW(SPO2, "spo2", 150456, "59408-5", FRACTION, "%", 1, 100, true, NONE, "spo2"),
    ROW(PERFUSION, "perfusion", 150448, "61006-3", FRACTION, "%", 0, 100, true, NONE, "spo2"),
    ROW(NIBP_SYS, "nibp_sys", 150021, "8480-6", PRESSURE, "mm[Hg]", 10, 350, false, NIBP, "nibp"),
    ROW(NIBP_DIA, "nibp_dia", 150022, "8462-4", PRESSURE, "mm[Hg]", 5, 300, false, NIBP, "nibp"),
    ROW(NIBP_MEAN, "nibp_mean", 150023, "8478-0", PRESSURE, "mm[Hg]", 5, 320, false, NIBP, "nibp"),
    ROW(ART_SYS, "art_sys", 150033, NULL, PRESSURE, "mm[Hg]", 0, 400, true, ART, "art"),
    ROW(ART_DIA, "art_dia", 150034, NULL, PRESSURE, "mm[Hg]", 0, 400, true, ART, "art"),
    ROW(ART_MEAN, "art_mean", 150035, NULL, PRESSURE, "mm[Hg]", 0, 400, true, ART, "art"),
    ROW(RESP, "resp", 151562, "9279-1", RATE, "/min", 0, 200, true, NONE, ""),
    ROW(TEMP, "temp", 150364, "8310-5", TEMPERATURE, "Cel", 25, 45, false, NONE, ""),
    ROW(GLUCOSE, "glucose", 160020, "15074-8", GLUCOSE, "mmol/L", 0.6, 33.3, false, NONE, ""),
    ROW(HBA1C, "hba1c", 160220, "4548-4", FRACTION, "%", 2, 25, false, NONE, ""),
    ROW(ETCO2, "etco2", 151708, NULL, PRESSURE, "mm[Hg]", 0, 150, true, NONE, "co2"),
    ROW(WEIGHT, "weight", 188736, "29463-7", MASS, "kg", 0.2, 500, false, NONE, ""),
    ROW(HEIGHT, "height", 188740, "8302-2", LENGTH, "cm", 20, 260, false, NONE, ""),
#undef ROW
};

struct code_row {
    uint32_t mdc; /* 0: only the name is known */
    const char *name;
    enum xw_vital_id id;
    const char *source;
    bool probe; /* stays on the patient */
};

static const struct code_row codes[] = {
    {147842, "MDC_ECG_HEART_RATE", XW_VITAL_HR, NULL, false},
    {147842, "MDC_ECG_CARD_BEAT_RATE", XW_VITAL_HR, NULL, false},
    {149530, "MDC_PULS_OXIM_PULS_RATE", XW_VITAL_PULSE_SPO2, NULL, false},
    {149546, "MDC_PULS_RATE_NON_INV", XW_VITAL_PULSE_NIBP, NULL, false},
    {149522, "MDC_BLD_PULS_RATE", XW_VITAL_PULSE, NULL, false},
    {149514, "MDC_PULS_RATE", XW_VITAL_PULSE, NULL, false},
    {149522, "MDC_PULS_RATE", XW_VITAL_PULSE, NULL, false},
    {150456, "MDC_PULS_OXIM_SAT_O2", XW_VITAL_SPO2, NULL, false},
    {150448, "MDC_PULS_OXIM_PERF_REL", XW_VITAL_PERFUSION, NULL, false},
    {150488, "MDC_BLD_PERF_INDEX", XW_VITAL_PERFUSION, NULL, false},
    {0, "MDC_PULS_OXIM_PERF_INDEX", XW_VITAL_PERFUSION, NULL, false},
    {150021, "MDC_PRESS_BLD_NONINV_SYS", XW_VITAL_NIBP_SYS, NULL, false},
    {150022, "MDC_PRESS_BLD_NONINV_DIA", XW_VITAL_NIBP_DIA, NULL, false},
    {150023, "MDC_PRESS_BLD_NONINV_MEAN", XW_VITAL_NIBP_MEAN, NULL, false},
    {150301, "MDC_PRESS_CUFF_SYS", XW_VITAL_NIBP_SYS, NULL, false},
    {150302, "MDC_PRESS_CUFF_DIA", XW_VITAL_NIBP_DIA, NULL, false},
    {150303, "MDC_PRESS_CUFF_MEAN", XW_VITAL_NIBP_MEAN, NULL, false},
    {150033, "MDC_PRESS_BLD_ART_SYS", XW_VITAL_ART_SYS, NULL, false},
    {150034, "MDC_PRESS_BLD_ART_DIA", XW_VITAL_ART_DIA, NULL, false},
    {150035, "MDC_PRESS_BLD_ART_MEAN", XW_VITAL_ART_MEAN, NULL, false},
    {150037, "MDC_PRESS_BLD_ART_ABP_SYS", XW_VITAL_ART_SYS, NULL, false},
    {150038, "MDC_PRESS_BLD_ART_ABP_DIA", XW_VITAL_ART_DIA, NULL, false},
    {150039, "MDC_PRESS_BLD_ART_ABP_MEAN", XW_VITAL_ART_MEAN, NULL, false},
    {151562, "MDC_RESP_RATE", XW_VITAL_RESP, NULL, false},
    {151570, "MDC_AWAY_RESP_RATE", XW_VITAL_RESP, "airway", false},
    {151578, "MDC_TTHOR_RESP_RATE", XW_VITAL_RESP, "impedance", false},
    {150344, "MDC_TEMP", XW_VITAL_TEMP, NULL, false},
    {150364, "MDC_TEMP_BODY", XW_VITAL_TEMP, NULL, false},
    {150368, "MDC_TEMP_CORE", XW_VITAL_TEMP, "core", true},
    {150372, "MDC_TEMP_ESOPH", XW_VITAL_TEMP, "oesophagus", true},
    {150380, "MDC_TEMP_NASOPH", XW_VITAL_TEMP, "nasopharynx", true},
    {150388, "MDC_TEMP_SKIN", XW_VITAL_TEMP, "skin", true},
    {150392, "MDC_TEMP_TYMP", XW_VITAL_TEMP, "tympanum", false},
    {188420, "MDC_TEMP_RECT", XW_VITAL_TEMP, "rectum", false},
    {188424, "MDC_TEMP_ORAL", XW_VITAL_TEMP, "oral", false},
    {188428, "MDC_TEMP_EAR", XW_VITAL_TEMP, "ear", false},
    {188432, "MDC_TEMP_FINGER", XW_VITAL_TEMP, "finger", false},
    {188448, "MDC_TEMP_TOE", XW_VITAL_TEMP, "toe", false},
    {188452, "MDC_TEMP_AXILLA", XW_VITAL_TEMP, "axilla", false},
    {160020, "MDC_CONC_GLU_GEN", XW_VITAL_GLUCOSE, NULL, false},
    {160184, "MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD", XW_VITAL_GLUCOSE, "capillary", false},
    {160188, "MDC_CONC_GLU_CAPILLARY_PLASMA", XW_VITAL_GLUCOSE, "capillary plasma", false},
    {160192, "MDC_CONC_GLU_VENOUS_WHOLEBLOOD", XW_VITAL_GLUCOSE, "venous", false},
    {160196, "MDC_CONC_GLU_VENOUS_PLASMA", XW_VITAL_GLUCOSE, "venous plasma", false},
    {160220, "MDC_CONC_HBA1C", XW_VITAL_HBA1C, NULL, false},
    {151708, "MDC_CONC_AWAY_CO2_ET", XW_VITAL_ETCO2, NULL, false},
    {151708, "MDC_AWAY_CO2_ET", XW_VITAL_ETCO2, NULL, false},
    {188736, "MDC_MASS_BODY_ACTUAL", XW_VITAL_WEIGHT, NULL, false},
    {188740, "MDC_LEN_BODY_ACTUAL", XW_VITAL_HEIGHT, NULL, false},
    /* Names of vendors' own codes that leave no doubt. */
    {0, "HR", XW_VITAL_HR, NULL, false},
    {0, "ECG HR", XW_VITAL_HR, NULL, false},
    {0, "Heart rate", XW_VITAL_HR, NULL, false},
    {0, "PR", XW_VITAL_PULSE, NULL, false},
    {0, "Pulse rate", XW_VITAL_PULSE, NULL, false},
    {0, "SpO2", XW_VITAL_SPO2, NULL, false},
    {0, "PI", XW_VITAL_PERFUSION, NULL, false},
    {0, "NIBP SYS", XW_VITAL_NIBP_SYS, NULL, false},
    {0, "NIBP DIA", XW_VITAL_NIBP_DIA, NULL, false},
    {0, "NIBP MEAN", XW_VITAL_NIBP_MEAN, NULL, false},
    {0, "NIBP MAP", XW_VITAL_NIBP_MEAN, NULL, false},
    {0, "RR", XW_VITAL_RESP, NULL, false},
    {0, "RESP", XW_VITAL_RESP, NULL, false},
    {0, "Respiration rate", XW_VITAL_RESP, NULL, false},
    {0, "TEMP", XW_VITAL_TEMP, NULL, false},
    {0, "T1", XW_VITAL_TEMP, NULL, false},
    {0, "T2", XW_VITAL_TEMP, NULL, false},
    {0, "GLU", XW_VITAL_GLUCOSE, NULL, false},
    {0, "Glucose", XW_VITAL_GLUCOSE, NULL, false},
    {0, "心率", XW_VITAL_HR, NULL, false},
    {0, "脉率", XW_VITAL_PULSE, NULL, false},
    {0, "血氧饱和度", XW_VITAL_SPO2, NULL, false},
    {0, "收缩压", XW_VITAL_NIBP_SYS, "", false},
    {0, "舒张压", XW_VITAL_NIBP_DIA, "", false},
    {0, "呼吸率", XW_VITAL_RESP, NULL, false},
    {0, "体温", XW_VITAL_TEMP, NULL, false},
    {0, "血糖", XW_VITAL_GLUCOSE, NULL, false},
};

static const struct {
    const char *loinc;
    enum xw_vital_id id;
    const char *source;
} loincs[] = {
    {"8867-4", XW_VITAL_HR, NULL},         {"8889-8", XW_VITAL_PULSE_SPO2, NULL},
    {"59408-5", XW_VITAL_SPO2, NULL},      {"2708-6", XW_VITAL_SPO2, ""},
    {"61006-3", XW_VITAL_PERFUSION, NULL}, {"8480-6", XW_VITAL_NIBP_SYS, ""},
    {"8462-4", XW_VITAL_NIBP_DIA, ""},     {"8478-0", XW_VITAL_NIBP_MEAN, ""},
    {"9279-1", XW_VITAL_RESP, NULL},       {"8310-5", XW_VITAL_TEMP, NULL},
    {"8331-1", XW_VITAL_TEMP, "oral"},     {"8332-5", XW_VITAL_TEMP, "rectum"},
    {"8333-3", XW_VITAL_TEMP, "tympanum"}, {"8328-7", XW_VITAL_TEMP, "axilla"},
    {"15074-8", XW_VITAL_GLUCOSE, NULL},   {"2339-0", XW_VITAL_GLUCOSE, NULL},
    {"4548-4", XW_VITAL_HBA1C, NULL},      {"29463-7", XW_VITAL_WEIGHT, NULL},
    {"8302-2", XW_VITAL_HEIGHT, NULL},
};

const struct xw_vital *xw_vital(enum xw_vital_id id)
{
    return &vitals[id];
}

/* Context-free MDC code of a text, 0 if it is none. */
static uint32_t mdc_number(const char *text)
{
    uint64_t v = 0, partition = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && v < UINT32_MAX; at++)
        v = v * 10 + (uint64_t)(*at - '0');
    if (at > text && *at == ':') { /* partition::code */
        partition = v;
        at += strspn(at, ":");
        const char *begin = at;
        for (v = 0; *at >= '0' && *at <= '9' && v < 65536; at++)
            v = v * 10 + (uint64_t)(*at - '0');
        if (at == begin || v > 65535 || partition > 1023)
            return 0;
        return *at ? 0 : (uint32_t)(partition << 16 | v);
    }
    if (at == text || *at || v > UINT32_MAX)
        return 0;
    return (uint32_t)(v < 65536 ? v | 2U << 16 : v);
}

static const struct code_row *by_number(uint32_t mdc)
{
    for (size_t i = 0; mdc && i < XW_ARRAY_N(codes); i++)
        if (codes[i].mdc == mdc)
            return &codes[i];
    return NULL;
}

static const struct code_row *by_name(const char *name)
{
    for (size_t i = 0; name[0] && i < XW_ARRAY_N(codes); i++)
        if (!strcasecmp(codes[i].name, name))
            return &codes[i];
    return NULL;
}

static bool is_loinc_system(const char *system)
{
    return !strcasecmp(system, "LN") || !strcasecmp(system, "LNC") ||
           !strcasecmp(system, "LOINC") || !strcasecmp(system, "http://loinc.org");
}

static struct xw_vital_code by_loinc(const char *code)
{
    struct xw_vital_code found = {0};
    for (size_t i = 0; i < XW_ARRAY_N(loincs); i++)
        if (!strcmp(loincs[i].loinc, code))
            found = (struct xw_vital_code){
                .id = loincs[i].id, .mdc = vitals[loincs[i].id].mdc, .source = loincs[i].source};
    return found;
}

struct xw_vital_code xw_vital_lookup(const char *code, const char *text, const char *system)
{
    const struct xw_vital_code none = {0};
    bool loinc = is_loinc_system(system) || (!system[0] && strchr(code, '-'));
    if (loinc)
        return by_loinc(code);
    bool mdc = !system[0] || !strcasecmp(system, "MDC") ||
               !strcasecmp(system, "urn:iso:std:iso:11073:10101");
    uint32_t number = mdc ? mdc_number(code) : 0;
    const struct code_row *coded = by_number(number), *named = by_name(text);
    if (!coded && !number)
        coded = by_name(code); /* a reference id, or a plain name, in the place of the code */
    if (coded && named && coded->id != named->id)
        return none;
    const struct code_row *row = coded ? coded : named;
    if (!row)
        return none;
    return (struct xw_vital_code){
        .id = row->id,
        .mdc = coded && number ? number
               : row->mdc      ? row->mdc
                               : vitals[row->id].mdc,
        .source = row->source,
        .continuous = row->probe,
    };
}

bool xw_vital_possible(const struct xw_vital *vital, double number)
{
    return isfinite(number) && number >= vital->min && number <= vital->max;
}

bool xw_vital_pressures_possible(double sys, double dia, double mean)
{
    if (!isnan(sys) && !isnan(dia) && sys <= dia)
        return false;
    return isnan(mean) || ((isnan(sys) || mean <= sys) && (isnan(dia) || mean >= dia));
}
