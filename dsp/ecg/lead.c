/* Lead names. */
#include "dsp/ecg/lead.h"

#include <stddef.h>
#include <strings.h>

static const char *const NAMES[XW_ECG_LEAD_COUNT] = {
    "other", "I",  "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3",
    "V4",    "V5", "V6", "V3R", "V4R", "V5R", "V7",  "V8", "V9",
};

static const struct {
    const char *name;
    enum xw_ecg_lead lead;
} ALIASES[] = {
    {"MLI", XW_ECG_LEAD_I},     {"MLII", XW_ECG_LEAD_II},   {"ML2", XW_ECG_LEAD_II},
    {"MLIII", XW_ECG_LEAD_III}, {"MCL1", XW_ECG_LEAD_V1},   {"MV1", XW_ECG_LEAD_V1},
    {"MV2", XW_ECG_LEAD_V2},    {"CM2", XW_ECG_LEAD_V2},    {"CM5", XW_ECG_LEAD_V5},
    {"MCL6", XW_ECG_LEAD_V6},   {"mod.V1", XW_ECG_LEAD_V1},
};

const char *xw_ecg_lead_name(enum xw_ecg_lead lead)
{
    return (unsigned)lead < XW_ECG_LEAD_COUNT ? NAMES[lead] : NAMES[0];
}

enum xw_ecg_lead xw_ecg_lead_from_name(const char *name)
{
    static const char *const PREFIXES[] = {"MDC_ECG_LEAD_", "lead ", "lead_", "ECG ", "ECG_"};
    if (!name)
        return XW_ECG_LEAD_OTHER;
    while (*name == ' ')
        name++;
    for (size_t i = 0; i < sizeof(PREFIXES) / sizeof(PREFIXES[0]); i++) {
        size_t n = 0;
        while (PREFIXES[i][n])
            n++;
        if (strncasecmp(name, PREFIXES[i], n) == 0) {
            name += n;
            break;
        }
    }
    for (int i = 1; i < XW_ECG_LEAD_COUNT; i++)
        if (strcasecmp(name, NAMES[i]) == 0)
            return (enum xw_ecg_lead)i;
    for (size_t i = 0; i < sizeof(ALIASES) / sizeof(ALIASES[0]); i++)
        if (strcasecmp(name, ALIASES[i].name) == 0)
            return ALIASES[i].lead;
    return XW_ECG_LEAD_OTHER;
}
