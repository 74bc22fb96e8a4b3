/* Statements about ten seconds of a 12-lead ECG, made from its measurements by rules that are data.
 *
 * Purpose: what a reader would be shown as the machine's proposal. Each statement comes with the
 * rule, the leads, the beats, and every value with the limit it was held against. What was not seen
 * is not spoken of: a measure that is not known satisfies nothing.
 *
 * Tables: four texts (tables/): statements, limits by lead, sex and age, rules, relations; built
 * in, or parsed from edited ones. Their syntax is in README.md, their SHA-256 names them.
 *
 * Threads: tables are immutable after parsing and may be shared; everything else is pure.
 *
 * Memory: parsing allocates, xw_interpret_make does not. Results are plain data whose words point
 * into the tables, which must outlive them.
 *
 * Units: ms, uV, uV.s, mV.ms, degrees, /min, as the measures say.
 *
 * Errors: -EINVAL a table is wrong (struct xw_interpret_error says where), -EFBIG, -ENOMEM.
 *
 * Source: AHA/ACC/HRS 2007-2009 parts II to VI (codes, criteria), fourth universal definition of
 * myocardial infarction (2018), Smith 2012 (ratio in left bundle-branch block), Peguero 2017;
 * Chinese wording after the expert consensus on ECG terms of 2019.
 */
#ifndef XW_DSP_INTERPRET_INTERPRET_H
#define XW_DSP_INTERPRET_INTERPRET_H

#include "dsp/ecg12/ecg12.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XW_INTERPRET_MUST_CHECK __attribute__((warn_unused_result))

enum {
    XW_INTERPRET_SAID_MAX = 48,
    XW_INTERPRET_VALUES_MAX = 16,
    XW_INTERPRET_RULES_MAX = 4, /* of one statement that are named */
    XW_INTERPRET_TEXT_MAX = 256 * 1024,
    XW_INTERPRET_VERSION_BYTES = 65,
    XW_INTERPRET_ADULT_YEARS = 16,
};

enum xw_interpret_grade {
    XW_INTERPRET_NORMAL = 0,
    XW_INTERPRET_BORDERLINE,
    XW_INTERPRET_ABNORMAL,
    XW_INTERPRET_CRITICAL
};

/* What the arrhythmia analysis of the same ten seconds found; bits. */
enum xw_interpret_rhythm {
    XW_INTERPRET_CHAIN_AF = 1,
    XW_INTERPRET_CHAIN_FLUTTER = 2,
    XW_INTERPRET_CHAIN_SVT = 4,
    XW_INTERPRET_CHAIN_VT = 8,
    XW_INTERPRET_CHAIN_VF = 16,
    XW_INTERPRET_CHAIN_MOBITZ1 = 32,
    XW_INTERPRET_CHAIN_MOBITZ2 = 64,
    XW_INTERPRET_CHAIN_2TO1 = 128,
    XW_INTERPRET_CHAIN_AV3 = 256,
    XW_INTERPRET_CHAIN_ASYSTOLE = 512,
};

struct xw_interpret_entry {
    const char *name; /* "lbbb" */
    int aha;          /* code of AHA/ACC/HRS 2007, 0 = that list has none */
    const char *group;
    enum xw_interpret_grade grade;
    const char *initials; /* of the pinyin of zh */
    const char *zh, *en;
};

/* One value that a rule held against a limit. */
struct xw_interpret_value {
    const char *measure, *unit, *op; /* "qrs_ms", "ms", ">=" */
    enum xw_ecg_lead lead;           /* XW_ECG_LEAD_OTHER: of the whole recording */
    float value, limit;
};

struct xw_interpret_statement {
    const struct xw_interpret_entry *entry;
    unsigned rules_n;
    const char *rules[XW_INTERPRET_RULES_MAX]; /* ids */
    unsigned versions[XW_INTERPRET_RULES_MAX];
    uint32_t leads; /* bit per row of the result that it rests on; 0: on the whole */
    uint64_t beats; /* bit per beat of the result */
    unsigned values_n;
    bool more; /* values that found no room */
    struct xw_interpret_value values[XW_INTERPRET_VALUES_MAX];
};

struct xw_interpretation {
    enum xw_interpret_grade grade; /* the gravest of all */
    bool age_assumed;              /* read as an adult, the age is not known */
    unsigned n;
    struct xw_interpret_statement
        said[XW_INTERPRET_SAID_MAX]; /* gravest first, then as the rules go */
    unsigned dropped_n; /* statements that another one took the place of, or for which there was no
                           room */
};

struct xw_interpret_input {
    const struct xw_ecg12_result *result;
    float age_years; /* NAN = not known */
    enum xw_ecg12_sex sex;
    uint32_t rhythm; /* enum xw_interpret_rhythm */
};

struct xw_interpret_text {
    const char *data;
    size_t n;
};

struct xw_interpret_texts {
    struct xw_interpret_text statements, limits, rules, relations;
};

struct xw_interpret_error {
    const char *table; /* "statements", "limits", "rules", "relations" */
    unsigned line;     /* from 1; 0 = the table as a whole */
    char text[160];
};

struct xw_interpret_tables;

/* ret_error may be NULL. */
XW_INTERPRET_MUST_CHECK int xw_interpret_parse(const struct xw_interpret_texts *texts,
                                               struct xw_interpret_tables **ret_tables,
                                               struct xw_interpret_error *ret_error);
/* The texts that are built in. */
void xw_interpret_builtin(struct xw_interpret_texts *ret_texts);
void xw_interpret_free(struct xw_interpret_tables *tables);

/* SHA-256 over the four texts, hexadecimal. */
void xw_interpret_version(const struct xw_interpret_tables *tables,
                          char ret_text[XW_INTERPRET_VERSION_BYTES]);
size_t xw_interpret_entries_n(const struct xw_interpret_tables *tables);
const struct xw_interpret_entry *xw_interpret_entry(const struct xw_interpret_tables *tables,
                                                    size_t i);
const struct xw_interpret_entry *xw_interpret_find(const struct xw_interpret_tables *tables,
                                                   const char *name);

void xw_interpret_make(const struct xw_interpret_tables *tables,
                       const struct xw_interpret_input *input, struct xw_interpretation *ret);

const char *xw_interpret_grade_name(enum xw_interpret_grade grade); /* "normal" … */
const char *xw_interpret_grade_name_zh(enum xw_interpret_grade grade); /* 正常 大致正常 异常 危急 */

#endif
