/* The rule list from text. Nothing is given back before the whole is right. */
#include "dsp/ecg/rules.h"
#include "dsp/ecg/rules_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { VERSION_MAX = 999999999, WHOLE_DIGITS_MAX = 9, DECIMALS_MAX = 3, SHOWN_MAX = 40 };

/* A piece of the text, without the blanks around it. */
struct piece {
    const char *at;
    size_t n;
};

struct reader {
    struct xw_ecg_rules rules;
    unsigned line;
    struct piece section; /* n == 0: none yet */
    bool has_version, ended;
    unsigned line_of[XW_ECG_RULES_ITEMS_MAX];
    struct xw_ecg_rules_error *error;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct reader *r, const char *format,
                                                        ...)
{
    va_list args;
    va_start(args, format);
    r->error->line = r->line;
    (void)vsnprintf(r->error->text, sizeof(r->error->text), format, args);
    va_end(args);
    return -EINVAL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct piece trim(struct piece p)
{
    while (p.n && is_blank(*p.at)) {
        p.at++;
        p.n--;
    }
    while (p.n && is_blank(p.at[p.n - 1]))
        p.n--;
    return p;
}

static bool is(struct piece p, const char *word)
{
    return p.n == strlen(word) && memcmp(p.at, word, p.n) == 0;
}

/* For messages: what was read, never more than fits, no control characters. */
static const char *shown(struct piece p, char room[SHOWN_MAX + 4])
{
    size_t n = p.n < SHOWN_MAX ? p.n : SHOWN_MAX;
    for (size_t i = 0; i < n; i++)
        room[i] = p.at[i] >= ' ' && p.at[i] <= '~' ? p.at[i] : '?';
    memcpy(room + n, n < p.n ? "..." : "", n < p.n ? 4 : 1);
    return room;
}

/* Digits, at most three decimals: in thousandths. No sign, no exponent, no locale. */
static int read_thousandths(struct piece p, bool whole, int64_t *ret_value)
{
    size_t i = 0, decimals_n = 0;
    int64_t value = 0;
    for (; i < p.n && p.at[i] >= '0' && p.at[i] <= '9'; i++)
        if (i < WHOLE_DIGITS_MAX)
            value = 10 * value + (p.at[i] - '0');
    if (i == 0 || i > WHOLE_DIGITS_MAX)
        return -EINVAL;
    if (i < p.n && p.at[i] == '.' && !whole) {
        for (i++; i < p.n && p.at[i] >= '0' && p.at[i] <= '9'; i++, decimals_n++)
            if (decimals_n < DECIMALS_MAX)
                value = 10 * value + (p.at[i] - '0');
        if (!decimals_n || decimals_n > DECIMALS_MAX)
            return -EINVAL;
    }
    for (; decimals_n < DECIMALS_MAX; decimals_n++)
        value *= 10;
    *ret_value = value;
    return i == p.n ? 0 : -EINVAL;
}

static int take_version(struct reader *r, struct piece name, struct piece value)
{
    char room[SHOWN_MAX + 4];
    int64_t thousandths;
    if (!is(name, "version"))
        return refuse(r, "list.%s: there is no such field", shown(name, room));
    if (r->has_version)
        return refuse(r, "list.version: is set twice");
    if (read_thousandths(value, true, &thousandths) < 0 || thousandths < 1000)
        return refuse(r, "list.version: '%s'; allowed is 1 to %d, whole", shown(value, room),
                      VERSION_MAX);
    r->rules.version = (uint32_t)(thousandths / 1000);
    r->has_version = true;
    return 0;
}

static int take_priority(struct reader *r, const struct xw_ecg_rules_item *item, struct piece value)
{
    for (int p = XW_ECG_PRIORITY_NONE; p <= XW_ECG_PRIORITY_HIGH; p++) {
        enum xw_ecg_priority priority = (enum xw_ecg_priority)p;
        if (!(item->allowed >> p & 1) || !is(value, xw_ecg_rules_priority(priority)))
            continue;
        memcpy((char *)&r->rules + item->offset, &priority, sizeof(priority));
        return 0;
    }
    return -EINVAL;
}

static int take_number(struct reader *r, const struct xw_ecg_rules_item *item, struct piece value)
{
    int64_t thousandths;
    if (read_thousandths(value, item->type == XW_ECG_RULES_WHOLE, &thousandths) < 0)
        return -EINVAL;
    float number = (float)((double)thousandths / XW_ECG_RULES_THOUSANDTHS);
    if (number < item->min || number > item->max)
        return -EINVAL;
    memcpy((char *)&r->rules + item->offset, &number, sizeof(number));
    return 0;
}

static int take_value(struct reader *r, struct piece name, struct piece value)
{
    char room[SHOWN_MAX + 4], other[SHOWN_MAX + 4], allowed[96];
    if (is(r->section, "list"))
        return take_version(r, name, value);
    for (unsigned i = 0; i < xw_ecg_rules_items_n; i++) {
        const struct xw_ecg_rules_item *item = &xw_ecg_rules_items[i];
        if (!is(r->section, item->section) || !is(name, item->name))
            continue;
        if (r->line_of[i])
            return refuse(r, "%s.%s: is set twice, first in line %u", item->section, item->name,
                          r->line_of[i]);
        r->line_of[i] = r->line;
        int result = item->type == XW_ECG_RULES_PRIORITY ? take_priority(r, item, value)
                                                         : take_number(r, item, value);
        if (result == 0)
            return 0;
        xw_ecg_rules_allowed(item, allowed, sizeof(allowed));
        return refuse(r, "%s.%s: '%s'; allowed is %s", item->section, item->name,
                      shown(value, room), allowed);
    }
    return refuse(r, "%s.%s: there is no such field", shown(r->section, other), shown(name, room));
}

static bool is_section(struct piece p)
{
    if (is(p, "list") || is(p, "end"))
        return true;
    for (unsigned i = 0; i < xw_ecg_rules_items_n; i++)
        if (is(p, xw_ecg_rules_items[i].section))
            return true;
    return false;
}

static int take_line(struct reader *r, struct piece line)
{
    char room[SHOWN_MAX + 4];
    struct piece p = trim(line);
    if (!p.n || *p.at == '#' || *p.at == ';')
        return 0;
    if (r->ended)
        return refuse(r, "'%s' stands behind [end]", shown(p, room));
    if (*p.at == '[') {
        struct piece name = trim((struct piece){p.at + 1, p.n > 1 ? p.n - 2 : 0});
        if (p.at[p.n - 1] != ']' || !is_section(name))
            return refuse(r, "there is no section '%s'", shown(p, room));
        r->section = name;
        r->ended = is(name, "end");
        return 0;
    }
    const char *sign = memchr(p.at, '=', p.n);
    if (!sign)
        return refuse(r, "'%s': wanted name = value, [section] or a comment", shown(p, room));
    size_t name_n = (size_t)(sign - p.at);
    if (!r->section.n)
        return refuse(r, "'%s' stands before any [section]", shown(p, room));
    return take_value(r, trim((struct piece){p.at, name_n}),
                      trim((struct piece){sign + 1, p.n - name_n - 1}));
}

static int take_text(struct reader *r, const char *text, size_t n)
{
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        struct piece line = {text + at, end ? (size_t)(end - text) - at : n - at};
        r->line++;
        if (line.n > XW_ECG_RULES_LINE_MAX_BYTES)
            return refuse(r, "the line is longer than %d bytes", XW_ECG_RULES_LINE_MAX_BYTES);
        if (memchr(line.at, 0, line.n))
            return refuse(r, "this is not a text file");
        int result = take_line(r, line);
        if (result < 0)
            return result;
        at += line.n + 1;
    }
    return 0;
}

int xw_ecg_rules_parse(const char *text, size_t n, struct xw_ecg_rules *ret_rules,
                       struct xw_ecg_rules_error *ret_error)
{
    struct reader r = {.error = ret_error};
    xw_ecg_rules_default(&r.rules);
    if (n > XW_ECG_RULES_TEXT_MAX_BYTES)
        return refuse(&r, "the list is longer than %d bytes", XW_ECG_RULES_TEXT_MAX_BYTES);
    int result = take_text(&r, text, n);
    if (result < 0)
        return result;
    if (!r.ended)
        return refuse(&r, "the list ends without [end]: it was cut off");
    if (!r.has_version)
        return refuse(&r, "list.version: is missing; allowed is 1 to %d, whole", VERSION_MAX);
    result = xw_ecg_rules_judge(&r.rules, r.line_of, ret_error);
    if (result < 0)
        return result;
    *ret_rules = r.rules;
    return 0;
}
