/* What a value means: quantities, their codes (MDC, LOINC, plain names), units, limits.
 *
 * One row a quantity: its LOINC and MDC code, the UCUM unit that it is kept in, and the limits
 * outside of which a number cannot be true. All tables are in vital.c and unit.c.
 * Threads: pure. Source: ISO/IEEE 11073-10101 (context-free codes: partition * 65536 + code),
 * LOINC, UCUM. */
#ifndef XW_HL7_VITAL_H
#define XW_HL7_VITAL_H

#include "base/base.h"

enum xw_vital_id {
    XW_VITAL_NONE,
    XW_VITAL_HR,
    XW_VITAL_PULSE_SPO2,
    XW_VITAL_PULSE_NIBP,
    XW_VITAL_PULSE,
    XW_VITAL_SPO2,
    XW_VITAL_PERFUSION,
    XW_VITAL_NIBP_SYS,
    XW_VITAL_NIBP_DIA,
    XW_VITAL_NIBP_MEAN,
    XW_VITAL_ART_SYS,
    XW_VITAL_ART_DIA,
    XW_VITAL_ART_MEAN,
    XW_VITAL_RESP,
    XW_VITAL_TEMP,
    XW_VITAL_GLUCOSE,
    XW_VITAL_HBA1C,
    XW_VITAL_ETCO2,
    XW_VITAL_WEIGHT,
    XW_VITAL_HEIGHT,
    XW_VITALS_N
};

/* Values of one measurement: one cuff reading, one arterial line. */
enum xw_vital_family { XW_FAMILY_NONE, XW_FAMILY_NIBP, XW_FAMILY_ART };

enum xw_unit_kind {
    XW_UNIT_RATE,
    XW_UNIT_FRACTION,
    XW_UNIT_PRESSURE,
    XW_UNIT_TEMPERATURE,
    XW_UNIT_GLUCOSE,
    XW_UNIT_MASS,
    XW_UNIT_LENGTH
};

struct xw_vital {
    enum xw_vital_id id;
    const char *name;  /* for logs and tests: "spo2" */
    uint32_t mdc;      /* canonical */
    const char *loinc; /* NULL: none; the code is the MDC one then */
    enum xw_unit_kind unit_kind;
    const char *ucum;
    double min, max; /* both can be true */
    bool continuous; /* watched all the time */
    enum xw_vital_family family;
    const char *source; /* how it is measured, when the code says no more */
};

const struct xw_vital *xw_vital(enum xw_vital_id id);

struct xw_vital_code {
    enum xw_vital_id id;
    uint32_t mdc;       /* as told, context-free; the canonical one when only a name was known */
    const char *source; /* site or method that the code itself says, or NULL */
    bool continuous;    /* the code itself says a probe that stays (skin temperature) */
};

/* One coding of an identifier: code, text, system as in OBX-3.1 to 3.3 (or 3.4 to 3.6). Codes may
 * be MDC numbers (context-free; below 65536 in partition 2; "2::18458"), MDC reference ids, LOINC
 * codes or plain names. When code and name say different things, nothing is said: XW_VITAL_NONE. */
struct xw_vital_code xw_vital_lookup(const char *code, const char *text, const char *system);

/* ---- units ---- */

/* The number in the unit that the quantity is kept in. code, text, system: as in OBX-6.1 to 6.3;
 * each may be empty. No unit at all counts as the usual one, but for glucose, temperature and
 * pressure, where a wrong guess would look true. -EINVAL: not known, or not a unit of it. */
XW_MUST_CHECK int xw_unit_convert(const struct xw_vital *vital, double number, const char *code,
                                  const char *text, double *ret_number);

/* Numbers that cannot be, of one quantity or of one measurement together. */
bool xw_vital_possible(const struct xw_vital *vital, double number);
/* NAN = not told. SYS > DIA, and the mean between them. */
bool xw_vital_pressures_possible(double sys, double dia, double mean);

#endif
