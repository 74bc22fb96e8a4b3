/* Units: MDC_DIM codes and names, UCUM, and what vendors write. */
#include "hl7/vital.h"

#include <math.h>
#include <string.h>

struct unit_row {
    enum xw_unit_kind kind;
    uint32_t mdc; /* 0: none that is sure */
    const char *text;
    double factor, offset; /* kept = told * factor + offset */
};

/* Pressures: 1 kPa = 7.50062 mm[Hg]. Glucose: 1 mmol/L = 18.0182 mg/dL. */
static const struct unit_row units[] = {
    {XW_UNIT_RATE, 264864, "MDC_DIM_BEAT_PER_MIN", 1, 0},
    {XW_UNIT_RATE, 264928, "MDC_DIM_RESP_PER_MIN", 1, 0},
    {XW_UNIT_RATE, 0, "MDC_DIM_PER_MIN", 1, 0},
    {XW_UNIT_RATE, 0, "/min", 1, 0},
    {XW_UNIT_RATE, 0, "1/min", 1, 0},
    {XW_UNIT_RATE, 0, "bpm", 1, 0},
    {XW_UNIT_RATE, 0, "rpm", 1, 0},
    {XW_UNIT_RATE, 0, "brpm", 1, 0},
    {XW_UNIT_RATE, 0, "{beat}/min", 1, 0},
    {XW_UNIT_RATE, 0, "{beats}/min", 1, 0},
    {XW_UNIT_RATE, 0, "{breath}/min", 1, 0},
    {XW_UNIT_RATE, 0, "{breaths}/min", 1, 0},
    {XW_UNIT_RATE, 0, "beats/min", 1, 0},
    {XW_UNIT_RATE, 0, "次/分", 1, 0},
    {XW_UNIT_FRACTION, 262688, "MDC_DIM_PERCENT", 1, 0},
    {XW_UNIT_FRACTION, 0, "%", 1, 0},
    {XW_UNIT_PRESSURE, 266016, "MDC_DIM_MMHG", 1, 0},
    {XW_UNIT_PRESSURE, 0, "mm[Hg]", 1, 0},
    {XW_UNIT_PRESSURE, 0, "mmHg", 1, 0},
    {XW_UNIT_PRESSURE, 265987, "MDC_DIM_KILO_PASCAL", 7.50062, 0},
    {XW_UNIT_PRESSURE, 0, "kPa", 7.50062, 0},
    {XW_UNIT_TEMPERATURE, 268192, "MDC_DIM_DEGC", 1, 0},
    {XW_UNIT_TEMPERATURE, 0, "Cel", 1, 0},
    {XW_UNIT_TEMPERATURE, 0, "°C", 1, 0},
    {XW_UNIT_TEMPERATURE, 0, "℃", 1, 0},
    {XW_UNIT_TEMPERATURE, 0, "C", 1, 0},
    {XW_UNIT_TEMPERATURE, 266560, "MDC_DIM_FAHR", 5.0 / 9, -160.0 / 9},
    {XW_UNIT_TEMPERATURE, 0, "[degF]", 5.0 / 9, -160.0 / 9},
    {XW_UNIT_TEMPERATURE, 0, "°F", 5.0 / 9, -160.0 / 9},
    {XW_UNIT_TEMPERATURE, 0, "℉", 5.0 / 9, -160.0 / 9},
    {XW_UNIT_TEMPERATURE, 0, "degF", 5.0 / 9, -160.0 / 9},
    {XW_UNIT_TEMPERATURE, 0, "F", 5.0 / 9, -160.0 / 9},
    {XW_UNIT_GLUCOSE, 266866, "MDC_DIM_MILLI_MOLE_PER_L", 1, 0},
    {XW_UNIT_GLUCOSE, 0, "mmol/L", 1, 0},
    {XW_UNIT_GLUCOSE, 264274, "MDC_DIM_MILLI_G_PER_DL", 1 / 18.0182, 0},
    {XW_UNIT_GLUCOSE, 0, "mg/dL", 1 / 18.0182, 0},
    {XW_UNIT_MASS, 263875, "MDC_DIM_KILO_G", 1, 0},
    {XW_UNIT_MASS, 0, "kg", 1, 0},
    {XW_UNIT_MASS, 263872, "MDC_DIM_G", 0.001, 0},
    {XW_UNIT_MASS, 0, "g", 0.001, 0},
    {XW_UNIT_MASS, 263904, "MDC_DIM_LB", 0.45359237, 0},
    {XW_UNIT_MASS, 0, "[lb_av]", 0.45359237, 0},
    {XW_UNIT_MASS, 0, "lb", 0.45359237, 0},
    {XW_UNIT_LENGTH, 263441, "MDC_DIM_CENTI_M", 1, 0},
    {XW_UNIT_LENGTH, 0, "cm", 1, 0},
    {XW_UNIT_LENGTH, 263424, "MDC_DIM_M", 100, 0},
    {XW_UNIT_LENGTH, 0, "m", 100, 0},
    {XW_UNIT_LENGTH, 263520, "MDC_DIM_INCH", 2.54, 0},
    {XW_UNIT_LENGTH, 0, "[in_i]", 2.54, 0},
};

/* Case counts in UCUM; vendors' spellings are told apart well enough without it. */
static bool same_text(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a + 32) : *a;
        char y = *b >= 'A' && *b <= 'Z' ? (char)(*b + 32) : *b;
        if (x != y)
            return false;
    }
    return *a == *b;
}

static const struct unit_row *by_text(enum xw_unit_kind kind, const char *text)
{
    for (size_t i = 0; text[0] && i < XW_ARRAY_N(units); i++)
        if (units[i].kind == kind && same_text(units[i].text, text))
            return &units[i];
    return NULL;
}

static const struct unit_row *by_code(enum xw_unit_kind kind, const char *code)
{
    uint64_t v = 0;
    const char *at = code;
    for (; *at >= '0' && *at <= '9' && v < UINT32_MAX; at++)
        v = v * 10 + (uint64_t)(*at - '0');
    if (at == code || *at)
        return NULL;
    if (v < 65536)
        v |= 4U << 16;
    for (size_t i = 0; i < XW_ARRAY_N(units); i++)
        if (units[i].kind == kind && units[i].mdc == v)
            return &units[i];
    return NULL;
}

int xw_unit_convert(const struct xw_vital *vital, double number, const char *code, const char *text,
                    double *ret_number)
{
    enum xw_unit_kind kind = vital->unit_kind;
    const struct unit_row *coded = by_code(kind, code), *named = by_text(kind, text);
    if (!coded)
        coded = by_text(kind, code); /* UCUM, or a name, in the place of the code */
    const struct unit_row *row = coded ? coded : named;
    /* A perfusion index is sometimes called dimensionless, and is a percentage all the same. */
    bool bare = (!code[0] && !text[0]) || (vital->id == XW_VITAL_PERFUSION &&
                                           (!strcmp(code, "262656") || !strcmp(code, "1")));
    bool guess = kind == XW_UNIT_RATE || kind == XW_UNIT_FRACTION;
    if (coded && named && coded->factor != named->factor)
        return -EINVAL;
    if (!row && !(bare && guess))
        return -EINVAL;
    *ret_number = row ? number * row->factor + row->offset : number;
    return 0;
}
