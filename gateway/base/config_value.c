/* Values of the configuration: from text by type and range, and back to text. */
#include "base/config_internal.h"

#include <inttypes.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

/* Largest first: printing takes the first one that divides. */
static const struct unit duration_units[] = {
    {"d", 86400000000LL}, {"h", 3600000000LL}, {"min", 60000000},
    {"s", 1000000},       {"ms", 1000},        {"us", 1},
};
static const struct unit byte_units[] = {
    {"TiB", 1LL << 40},
    {"GiB", 1LL << 30},
    {"MiB", 1LL << 20},
    {"KiB", 1LL << 10},
    {"T", 1000000000000LL},
    {"G", 1000000000},
    {"M", 1000000},
    {"k", 1000},
    {"", 1},
};

int xw_parse_int(const char *text, int64_t *ret_value)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end == text || *end || (*text != '-' && (*text < '0' || *text > '9')))
        return -EINVAL; /* strtoll would pass over blanks and take a plus */
    if (errno == ERANGE)
        return -ERANGE;
    *ret_value = v;
    return 0;
}

/* A number (with at most six decimals) and a unit of the table. Decimals are kept as an integer of
 * millionths, so that 0.1s is exactly 100000 µs. */
static int parse_with_unit(const char *text, const struct unit *units, size_t units_n,
                           int64_t *ret_value)
{
    int64_t whole = 0;
    int64_t millionths = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, *p - '0', &whole))
            return -ERANGE;
    }
    if (p == text)
        return -EINVAL;
    if (*p == '.') {
        int64_t place = 100000;
        for (p++; *p >= '0' && *p <= '9'; p++, place /= 10) {
            if (place == 0)
                return -EINVAL;
            millionths += (*p - '0') * place;
        }
    }
    while (*p == ' ')
        p++;
    for (size_t i = 0; i < units_n; i++) {
        if (strcmp(p, units[i].name) != 0)
            continue;
        int64_t part;
        if (__builtin_mul_overflow(whole, units[i].factor, &whole) ||
            __builtin_mul_overflow(millionths, units[i].factor, &part) ||
            __builtin_add_overflow(whole, part / 1000000, &whole))
            return -ERANGE;
        if (part % 1000000)
            return -EINVAL; /* finer than the unit can say */
        *ret_value = whole;
        return 0;
    }
    return -EINVAL;
}

int xw_parse_duration_us(const char *text, int64_t *ret_us)
{
    if (strcmp(text, "0") == 0) {
        *ret_us = 0;
        return 0;
    }
    return parse_with_unit(text, duration_units, XW_ARRAY_N(duration_units), ret_us);
}

int xw_parse_bytes(const char *text, int64_t *ret_n_bytes)
{
    return parse_with_unit(text, byte_units, XW_ARRAY_N(byte_units), ret_n_bytes);
}

int xw_parse_bool(const char *text, bool *ret_value)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};
    for (size_t i = 0; i < XW_ARRAY_N(yes); i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *ret_value = strcmp(text, yes[i]) == 0;
            return 0;
        }
    }
    return -EINVAL;
}

static void print_units(int64_t v, const struct unit *units, size_t units_n, FILE *out)
{
    size_t i = 0;
    while (i + 1 < units_n && (v == 0 || v % units[i].factor))
        i++;
    fprintf(out, "%" PRId64 "%s", v / units[i].factor, units[i].name);
}

static void print_number(const struct xw_config_item *item, int64_t v, FILE *out)
{
    if (item->type == XW_CONFIG_TYPE_DURATION)
        print_units(v, duration_units, XW_ARRAY_N(duration_units), out);
    else if (item->type == XW_CONFIG_TYPE_BYTES)
        print_units(v, byte_units, XW_ARRAY_N(byte_units), out);
    else
        fprintf(out, "%" PRId64, v);
}

static bool is_choice(const char *choices, const char *text)
{
    size_t n = strlen(text);
    for (const char *p = choices; p; p = strchr(p, '|')) {
        p += *p == '|';
        if (strncmp(p, text, n) == 0 && (p[n] == '|' || p[n] == '\0'))
            return true;
    }
    return false;
}

static int apply_text(const struct xw_config_item *item, const char *text, char **value,
                      char *ret_why, size_t why_n_bytes)
{
    int64_t n = (int64_t)strlen(text);
    if (item->choices && !is_choice(item->choices, text)) {
        snprintf(ret_why, why_n_bytes, "'%s' is none of %s", text, item->choices);
        return -EINVAL;
    }
    if (n < item->min || n > item->max) {
        snprintf(ret_why, why_n_bytes, "has %" PRId64 " bytes, wanted %" PRId64 " to %" PRId64, n,
                 item->min, item->max);
        return -EINVAL;
    }
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    free(*value);
    *value = copy;
    return 0;
}

static int apply_number(const struct xw_config_item *item, const char *text, int64_t *value,
                        char *ret_why, size_t why_n_bytes)
{
    int64_t v;
    int r;
    const char *wanted = "a whole number";
    if (item->type == XW_CONFIG_TYPE_DURATION) {
        r = xw_parse_duration_us(text, &v);
        wanted = "a duration such as 250us, 20ms, 5s, 10min, 24h, 30d";
    } else if (item->type == XW_CONFIG_TYPE_BYTES) {
        r = xw_parse_bytes(text, &v);
        wanted = "a size such as 4096, 64KiB, 256MiB, 2GiB";
    } else {
        r = xw_parse_int(text, &v);
    }
    if (r == -EINVAL) {
        snprintf(ret_why, why_n_bytes, "'%s' is not %s", text, wanted);
        return r;
    }
    if (r < 0 || v < item->min || v > item->max) {
        snprintf(ret_why, why_n_bytes, "'%s' is out of range", text);
        return -EINVAL;
    }
    *value = v;
    return 0;
}

static void free_list(struct xw_config_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct xw_config_list){0};
}

static char *trimmed_copy(const char *from, const char *to)
{
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    return strndup(from, (size_t)(to - from));
}

static int split_list(const char *text, struct xw_config_list *ret_list)
{
    size_t commas = 0;
    for (const char *p = text; *p; p++)
        commas += *p == ',';
    ret_list->items = calloc(commas + 1, sizeof(char *));
    if (!ret_list->items)
        return -ENOMEM;
    for (const char *p = text;;) {
        const char *end = strchrnul(p, ',');
        char *item = trimmed_copy(p, end);
        if (!item)
            return -ENOMEM;
        ret_list->items[ret_list->n++] = item;
        if (!*item)
            return -EINVAL;
        if (!*end)
            return 0;
        p = end + 1;
    }
}

static int apply_list(const struct xw_config_item *item, const char *text,
                      struct xw_config_list *value, char *ret_why, size_t why_n_bytes)
{
    struct xw_config_list list = {0};
    int r = *text ? split_list(text, &list) : 0;
    if (r == -EINVAL)
        snprintf(ret_why, why_n_bytes, "has an empty item");
    if (r == 0 && ((int64_t)list.n < item->min || (int64_t)list.n > item->max)) {
        snprintf(ret_why, why_n_bytes, "has %zu items, wanted %" PRId64 " to %" PRId64, list.n,
                 item->min, item->max);
        r = -EINVAL;
    }
    if (r < 0) {
        free_list(&list);
        return r;
    }
    free_list(value);
    *value = list;
    return 0;
}

/* What a line of a file can hold: a value that was taken can be printed and read again. */
static int check_line(const char *text, char *ret_why, size_t why_n_bytes)
{
    if (strlen(text) > XW_CONFIG_VALUE_MAX_N_BYTES) {
        snprintf(ret_why, why_n_bytes, "is longer than %d bytes", XW_CONFIG_VALUE_MAX_N_BYTES);
        return -EINVAL;
    }
    for (const char *p = text; *p; p++) {
        if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f) {
            snprintf(ret_why, why_n_bytes, "has a control character at byte %td", p - text);
            return -EINVAL;
        }
    }
    return 0;
}

int xw_config_apply(const struct xw_config_item *item, const char *text, void *values,
                    char *ret_why, size_t why_n_bytes)
{
    void *place = (char *)values + item->offset;
    int r = check_line(text, ret_why, why_n_bytes);
    if (r < 0)
        return r;
    snprintf(ret_why, why_n_bytes, "out of memory");
    switch (item->type) {
    case XW_CONFIG_TYPE_STRING:
    case XW_CONFIG_TYPE_PATH:
        return apply_text(item, text, place, ret_why, why_n_bytes);
    case XW_CONFIG_TYPE_LIST:
        return apply_list(item, text, place, ret_why, why_n_bytes);
    case XW_CONFIG_TYPE_BOOL:
        if (xw_parse_bool(text, place) == 0)
            return 0;
        snprintf(ret_why, why_n_bytes, "'%s' is neither yes nor no", text);
        return -EINVAL;
    default:
        return apply_number(item, text, place, ret_why, why_n_bytes);
    }
}

void xw_config_free_value(const struct xw_config_item *item, void *values)
{
    void *place = (char *)values + item->offset;
    if (item->type == XW_CONFIG_TYPE_STRING || item->type == XW_CONFIG_TYPE_PATH) {
        free(*(char **)place);
        *(char **)place = NULL;
    } else if (item->type == XW_CONFIG_TYPE_LIST) {
        free_list(place);
    }
}

/* Reading it back would lose the outer blanks or quotes. */
static bool wants_quotes(const char *text)
{
    return *text && (strchr(" \t\"", *text) || strchr(" \t", text[strlen(text) - 1]));
}

void xw_config_print_value(const struct xw_config_item *item, const void *values, FILE *out)
{
    const void *place = (const char *)values + item->offset;
    const struct xw_config_list *list = place;
    const char *text;
    bool quoted;
    switch (item->type) {
    case XW_CONFIG_TYPE_STRING:
    case XW_CONFIG_TYPE_PATH:
        text = *(char *const *)place;
        if (item->secret && *text)
            fputs("***", out);
        else
            fprintf(out, wants_quotes(text) ? "\"%s\"" : "%s", text);
        break;
    case XW_CONFIG_TYPE_BOOL:
        fputs(*(const bool *)place ? "yes" : "no", out);
        break;
    case XW_CONFIG_TYPE_LIST:
        quoted = list->n && wants_quotes(list->items[0]);
        fputs(quoted ? "\"" : "", out);
        for (size_t i = 0; i < list->n; i++)
            fprintf(out, "%s%s", i ? ", " : "", list->items[i]);
        fputs(quoted ? "\"" : "", out);
        break;
    default:
        print_number(item, *(const int64_t *)place, out);
        break;
    }
}

void xw_config_print_range(const struct xw_config_item *item, FILE *out)
{
    switch (item->type) {
    case XW_CONFIG_TYPE_STRING:
        fputs(item->choices ? item->choices : "text", out);
        break;
    case XW_CONFIG_TYPE_PATH:
        fputs("path", out);
        break;
    case XW_CONFIG_TYPE_BOOL:
        fputs("yes|no", out);
        break;
    case XW_CONFIG_TYPE_LIST:
        fprintf(out, "list of %" PRId64 " to %" PRId64 " items", item->min, item->max);
        break;
    default:
        print_number(item, item->min, out);
        fputs(" to ", out);
        print_number(item, item->max, out);
        if (item->unit)
            fprintf(out, " %s", item->unit);
        break;
    }
}
