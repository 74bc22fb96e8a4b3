/* One line of the rule list as both its reader and its writer see it. Private to dsp/ecg. */
#ifndef XW_DSP_ECG_RULES_PRIVATE_H
#define XW_DSP_ECG_RULES_PRIVATE_H

#include "dsp/ecg/rules.h"

enum xw_ecg_rules_type { XW_ECG_RULES_WHOLE = 1, XW_ECG_RULES_DECIMAL, XW_ECG_RULES_PRIORITY };

enum { XW_ECG_RULES_THOUSANDTHS = 1000, XW_ECG_RULES_ITEMS_MAX = 64 };

struct xw_ecg_rules_item {
    const char *section, *name;
    enum xw_ecg_rules_type type;
    size_t offset;
    float min, max;    /* both allowed */
    unsigned allowed;  /* PRIORITY: bit p = priority p may be chosen */
    const char *means; /* for the person who edits it */
};

extern const struct xw_ecg_rules_item xw_ecg_rules_items[];
extern const unsigned xw_ecg_rules_items_n;

/* "off", "technical", "low" …; NULL for none of them. */
const char *xw_ecg_rules_priority(enum xw_ecg_priority priority);
/* "high, medium or off"; "20 to 60". */
void xw_ecg_rules_allowed(const struct xw_ecg_rules_item *item, char *ret_text, size_t room);
float xw_ecg_rules_number(const struct xw_ecg_rules *rules, const struct xw_ecg_rules_item *item);
enum xw_ecg_priority xw_ecg_rules_chosen(const struct xw_ecg_rules *rules,
                                         const struct xw_ecg_rules_item *item);
/* As xw_ecg_rules_check; line_of: where each item was set, 0 = nowhere; NULL: there is no text. */
int xw_ecg_rules_judge(const struct xw_ecg_rules *rules, const unsigned *line_of,
                       struct xw_ecg_rules_error *ret_error);

#endif
