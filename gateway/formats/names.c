/* Names: leads by text and by number, kinds of files, measurements. */
#include "formats/internal.h"

#include <string.h>
#include <strings.h>

/* The numbers of SCP-ECG, MFER and the MDC nomenclature are the same table (ISO 11073-10102). */
static const struct {
    uint16_t number;
    const char *name;
} NUMBERS[] = {
    {1, "I"},     {2, "II"},    {3, "V1"},    {4, "V2"},    {5, "V3"},     {6, "V4"},
    {7, "V5"},    {8, "V6"},    {9, "V7"},    {10, "V2R"},  {11, "V3R"},   {12, "V4R"},
    {13, "V5R"},  {14, "V6R"},  {15, "V7R"},  {16, "X"},    {17, "Y"},     {18, "Z"},
    {19, "CC5"},  {20, "CM5"},  {21, "LA"},   {22, "RA"},   {23, "LL"},    {24, "fI"},
    {25, "fE"},   {26, "fC"},   {27, "fA"},   {28, "fM"},   {29, "fF"},    {30, "fH"},
    {31, "NASA"}, {32, "CB4"},  {33, "CB5"},  {34, "CB6"},  {61, "III"},   {62, "aVR"},
    {63, "aVL"},  {64, "aVF"},  {65, "-aVR"}, {66, "V8"},   {67, "V9"},    {68, "V8R"},
    {69, "V9R"},  {70, "D"},    {71, "A"},    {72, "J"},    {73, "Defib"}, {74, "Extern"},
    {75, "A1"},   {76, "A2"},   {77, "A3"},   {78, "A4"},   {86, "MCL1"},  {87, "MCL2"},
    {88, "MCL3"}, {89, "MCL4"}, {90, "MCL5"}, {91, "MCL6"}, {92, "CC"},    {131, "ES"},
    {132, "AS"},  {133, "AI"},
};

bool xw_formats_name_lead_number(struct xw_formats_lead *lead, unsigned number)
{
    for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++) {
        if (NUMBERS[i].number == number) {
            xw_formats_name_lead(lead, NUMBERS[i].name);
            return true;
        }
    }
    return false;
}

unsigned xw_formats_lead_number(enum xw_ecg_lead code)
{
    for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++)
        if (code != XW_ECG_LEAD_OTHER && strcmp(NUMBERS[i].name, xw_ecg_lead_name(code)) == 0)
            return NUMBERS[i].number;
    return 0;
}

void xw_formats_name_lead(struct xw_formats_lead *lead, const char *name)
{
    char text[XW_FORMATS_TEXT_BYTES];
    xw_formats_text(text, sizeof(text), name, strlen(name));
    /* Only a standard name becomes a standard lead: a modified one ("MLII", "CM5") stays as it is,
     * its code is the lead that it stands for. */
    lead->code = xw_ecg_lead_from_name(text);
    const char *standard = xw_ecg_lead_name(lead->code);
    size_t n = strlen(text);
    size_t m = strlen(standard);
    bool plain = lead->code != XW_ECG_LEAD_OTHER && n >= m &&
                 strcasecmp(text + n - m, standard) == 0 && strncasecmp(text, "ML", 2) != 0;
    xw_formats_text(lead->name, sizeof(lead->name), plain ? standard : text, plain ? m : n);
}

static const char *const KINDS[XW_FORMATS_KINDS_N] = {"unknown", "aecg",   "scp",  "dicom", "edf",
                                                      "muse",    "sierra", "mfer", "wfdb"};

const char *xw_formats_kind_name(enum xw_formats_kind kind)
{
    return (unsigned)kind < XW_FORMATS_KINDS_N ? KINDS[kind] : KINDS[0];
}

enum xw_formats_kind xw_formats_kind_of(const char *name)
{
    for (int i = 1; i < XW_FORMATS_KINDS_N; i++)
        if (strcasecmp(name, KINDS[i]) == 0)
            return (enum xw_formats_kind)i;
    return XW_FORMATS_UNKNOWN;
}

static const struct {
    const char *name, *unit;
} MEASURES[XW_FORMATS_MEASURES_N] = {
    {"heart_rate", "/min"},
    {"atrial_rate", "/min"},
    {"rr", "ms"},
    {"pp", "ms"},
    {"p_duration", "ms"},
    {"pr", "ms"},
    {"qrs", "ms"},
    {"qt", "ms"},
    {"qtc", "ms"},
    {"qtc_bazett", "ms"},
    {"qtc_fridericia", "ms"},
    {"qtc_framingham", "ms"},
    {"qtc_hodges", "ms"},
    {"p_axis", "deg"},
    {"qrs_axis", "deg"},
    {"t_axis", "deg"},
    {"p_amplitude", "uV"},
    {"q_amplitude", "uV"},
    {"r_amplitude", "uV"},
    {"s_amplitude", "uV"},
    {"t_amplitude", "uV"},
    {"j_amplitude", "uV"},
};

const char *xw_formats_measure_name(enum xw_formats_measure_code code)
{
    return (unsigned)code < XW_FORMATS_MEASURES_N ? MEASURES[code].name : "";
}

const char *xw_formats_measure_unit(enum xw_formats_measure_code code)
{
    return (unsigned)code < XW_FORMATS_MEASURES_N ? MEASURES[code].unit : "";
}
