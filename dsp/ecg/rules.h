/* The rule list: the limits, priorities and confirmations that a county may change, as data.
 *
 * What is trained or belongs to a filter is not here (tables.h); what a clinic decides is. A list
 * has a version (its editor's number) and a hash (SHA-256 of all its values); both go with every
 * analysis run and every finding that was decided by it. The defaults are version 0.
 *
 * The text: [section], name = value, # or ; begin a comment; one [list] section with its version,
 * [end] as the last line, so that a copy that was cut off is no list. What is not named keeps its
 * default. Everything is checked before anything is given back.
 *
 * Thread rule: pure functions, no allocation, no I/O. Units: in the names. Errors: -EINVAL with the
 * line, the field and what is allowed. Source of the ranges: the critical-value lists of several
 * provinces lie within them; no range reaches a value at which a rule would mean something else.
 * Asystole and fibrillation are always of high priority. */
#ifndef XW_DSP_ECG_RULES_H
#define XW_DSP_ECG_RULES_H

#include "dsp/ecg/event.h"

#include <stddef.h>

enum {
    XW_ECG_RULES_TEXT_MAX_BYTES = 65536, /* of a list that is read */
    XW_ECG_RULES_LINE_MAX_BYTES = 512,
    XW_ECG_RULES_HASH_BYTES = 65,
};

/* XW_ECG_PRIORITY_NONE: "off", the rule is not judged. Numbers of beats and seconds are whole. */
struct xw_ecg_rules {
    uint32_t version;
    enum xw_ecg_priority asystole_priority, vf_priority, vt_priority, run_priority,
        couplet_priority, ront_priority, svt_priority, brady_priority, tachy_priority,
        pause_priority, avb2_priority, avb3_priority, st_priority, cannot_see_priority;
    float asystole_s;
    float vf_confirm_s;
    float vt_bpm, vt_beats_n, vt_strange_n, vt_sustained_s;
    float run_beats_n, run_bpm;
    float ront_rr, ront_qt_s;
    float svt_beats_n, svt_bpm;
    float brady_bpm, brady_end_bpm, brady_beats_n;
    float tachy_bpm, tachy_end_bpm, tachy_beats_n;
    float pause_s;
    float avb_seen, avb_pr_max_s, avb2_blocked_n, avb3_bpm;
    float st_elevation_uv, st_elevation_v23_uv, st_beats_n;
    float af_limit;
    float flutter_peak;
    float pattern_repeats_n;
};

struct xw_ecg_rules_error {
    unsigned line; /* 1 …; 0: no line of the text */
    char text[200];
};

/* What is in force without a list. */
void xw_ecg_rules_default(struct xw_ecg_rules *ret_rules);
/* text: n bytes, no NUL behind them needed. ret_rules is untouched on failure. */
int xw_ecg_rules_parse(const char *text, size_t n, struct xw_ecg_rules *ret_rules,
                       struct xw_ecg_rules_error *ret_error) __attribute__((warn_unused_result));
/* The same checks for values that came by another way; ret_error may be NULL. */
int xw_ecg_rules_check(const struct xw_ecg_rules *rules, struct xw_ecg_rules_error *ret_error);
/* 64 hex digits of the version and all values. */
void xw_ecg_rules_hash(const struct xw_ecg_rules *rules, char ret_text[XW_ECG_RULES_HASH_BYTES]);
/* The list as text, with the meaning and the range of every value as comments if `help`. Returns
 * the length without the NUL; what does not fit into `room` bytes is cut. */
size_t xw_ecg_rules_write(const struct xw_ecg_rules *rules, bool help, char *ret_text, size_t room);

/* One line of the list for an editor, as text: no page computes with rounded numbers. */
enum { XW_ECG_RULES_VALUE_BYTES = 16, XW_ECG_RULES_CHOICES_MAX = 5 };
struct xw_ecg_rules_entry {
    const char *section, *name;
    const char *type;  /* "priority", "whole", "decimal" */
    const char *means; /* for a person */
    char value[XW_ECG_RULES_VALUE_BYTES];
    char min[XW_ECG_RULES_VALUE_BYTES], max[XW_ECG_RULES_VALUE_BYTES]; /* empty: a priority */
    const char *allowed[XW_ECG_RULES_CHOICES_MAX + 1]; /* priorities, highest first; then NULL */
};
unsigned xw_ecg_rules_entries_n(void);
/* i: 0 … n - 1, those of a section together, as they stand in the text. */
void xw_ecg_rules_entry(const struct xw_ecg_rules *rules, unsigned i,
                        struct xw_ecg_rules_entry *ret_entry);

#endif
