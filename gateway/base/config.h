/* Configuration: INI files against a table. What is not in the table is an error with file:line.
 *
 * The schema is one static table; values land in a plain struct of the program:
 *
 *   struct conf { char *listen; int64_t idle_us; bool strict; struct xw_config_list peers; };
 *   static const struct xw_config_item items[] = {
 *       XW_CONFIG_STRING(struct conf, listen, "device", "listen", "127.0.0.1:7701", "address of
 * …"), XW_CONFIG_DURATION(struct conf, idle_us, "device", "idle", 100000, 60000000, "5s", "…"),
 *   };
 *
 * Syntax: [section], name = value, lines starting with # or ; are comments, a value may be quoted
 * with "…" to keep outer blanks. PATH is followed by the fragments PATH.d/ *.conf in byte order; a
 * later value replaces an earlier one (lists as a whole). A key twice in one file is an error.
 *
 * Units: durations are kept in µs (text: 250us 20ms 5s 10min 24h 30d), sizes in bytes (text: 4096
 * 64KiB 256MiB 2GiB 1TiB or k/M/G = powers of 1000). An empty list is an empty value.
 *
 * Threads: none of its own; load at start. Ownership: strings and lists belong to the values
 * struct and are freed by xw_config_done. Limits: 1 MiB a file, 64 fragments, 4 KiB a line,
 * 3,900 bytes a value and no control characters in it: what was taken can be printed and read. */
#ifndef XW_BASE_CONFIG_H
#define XW_BASE_CONFIG_H

#include "base/base.h"

#include <stdio.h>

enum { XW_CONFIG_VALUE_MAX_N_BYTES = 3900 };

enum xw_config_type {
    XW_CONFIG_TYPE_STRING,   /* char *, min..max = length in bytes */
    XW_CONFIG_TYPE_PATH,     /* char *, "~" is not expanded */
    XW_CONFIG_TYPE_INT,      /* int64_t */
    XW_CONFIG_TYPE_BOOL,     /* bool: yes/no, true/false, on/off, 1/0 */
    XW_CONFIG_TYPE_DURATION, /* int64_t, µs */
    XW_CONFIG_TYPE_BYTES,    /* int64_t, bytes */
    XW_CONFIG_TYPE_LIST, /* struct xw_config_list, comma separated, min..max = number of items */
};

struct xw_config_list {
    char **items;
    size_t n;
};

struct xw_config_item {
    const char *section;
    const char *name;
    enum xw_config_type type;
    size_t offset;
    int64_t min, max;         /* in the stored unit, both inclusive */
    const char *unit;         /* of a plain int, for --print-config; NULL if none */
    const char *default_text; /* parsed like file text */
    const char *help;
    const char *choices; /* STRING only: "auto|on|off"; NULL = anything */
    bool secret;         /* --print-config shows *** instead of the value */
};

/* offsetof that also refuses a member of the wrong C type at compile time. */
#define XW_CONFIG_AT(S, m, ctype) (offsetof(S, m) + 0 * sizeof(_Generic(((S *)0)->m, ctype : 1)))

#define XW_CONFIG_STRING(S, m, sec, key, def, text)                                                \
    {                                                                                              \
        .section = (sec), .name = (key), .type = XW_CONFIG_TYPE_STRING, .min = 0,                  \
        .max = XW_CONFIG_VALUE_MAX_N_BYTES, .offset = XW_CONFIG_AT(S, m, char *),                  \
        .default_text = (def), .help = (text)                                                      \
    }
#define XW_CONFIG_SECRET(S, m, sec, key, def, text)                                                \
    {                                                                                              \
        .section = (sec), .name = (key), .type = XW_CONFIG_TYPE_STRING, .min = 0,                  \
        .max = XW_CONFIG_VALUE_MAX_N_BYTES, .offset = XW_CONFIG_AT(S, m, char *),                  \
        .default_text = (def), .help = (text), .secret = true                                      \
    }
#define XW_CONFIG_CHOICE(S, m, sec, key, alternatives, def, text)                                  \
    {                                                                                              \
        .section = (sec), .name = (key), .type = XW_CONFIG_TYPE_STRING, .min = 0,                  \
        .max = XW_CONFIG_VALUE_MAX_N_BYTES, .offset = XW_CONFIG_AT(S, m, char *),                  \
        .default_text = (def), .help = (text), .choices = (alternatives)                           \
    }
#define XW_CONFIG_PATH(S, m, sec, key, def, text)                                                  \
    {                                                                                              \
        .section = (sec), .name = (key), .type = XW_CONFIG_TYPE_PATH, .min = 0,                    \
        .max = XW_CONFIG_VALUE_MAX_N_BYTES, .offset = XW_CONFIG_AT(S, m, char *),                  \
        .default_text = (def), .help = (text)                                                      \
    }
#define XW_CONFIG_INT(S, m, sec, key, lo, hi, unit_text, def, text)                                \
    {                                                                                              \
        .section = (sec), .name = (key), .type = XW_CONFIG_TYPE_INT, .min = (lo), .max = (hi),     \
        .offset = XW_CONFIG_AT(S, m, int64_t), .unit = (unit_text), .default_text = (def),         \
        .help = (text)                                                                             \
    }
#define XW_CONFIG_BOOL(S, m, sec, key, def, text)                                                  \
    {                                                                                              \
        .section = (sec), .name = (key), .type = XW_CONFIG_TYPE_BOOL,                              \
        .offset = XW_CONFIG_AT(S, m, bool), .default_text = (def), .help = (text)                  \
    }
#define XW_CONFIG_DURATION(S, m, sec, key, lo_us, hi_us, def, text)                                \
    {                                                                                              \
        .section = (sec), .name = (key), .type = XW_CONFIG_TYPE_DURATION, .min = (lo_us),          \
        .max = (hi_us), .offset = XW_CONFIG_AT(S, m, int64_t), .default_text = (def),              \
        .help = (text)                                                                             \
    }
#define XW_CONFIG_BYTES(S, m, sec, key, lo, hi, def, text)                                         \
    {                                                                                              \
        .section = (sec), .name = (key), .type = XW_CONFIG_TYPE_BYTES, .min = (lo), .max = (hi),   \
        .offset = XW_CONFIG_AT(S, m, int64_t), .default_text = (def), .help = (text)               \
    }
#define XW_CONFIG_LIST(S, m, sec, key, max_items, def, text)                                       \
    {                                                                                              \
        .section = (sec), .name = (key), .type = XW_CONFIG_TYPE_LIST, .min = 0,                    \
        .max = (max_items), .offset = XW_CONFIG_AT(S, m, struct xw_config_list),                   \
        .default_text = (def), .help = (text)                                                      \
    }

struct xw_config_schema {
    const char *program;
    const struct xw_config_item *items; /* those of one section together */
    size_t items_n;
    size_t values_n_bytes; /* sizeof the values struct */
};

/* "file:line: what is wrong and what would be right". */
struct xw_config_error {
    char text[512];
};

/* Zeroes `ret_values` and fills in the defaults; -EINVAL names a default that breaks its own rule.
 */
int xw_config_init(const struct xw_config_schema *schema, void *ret_values,
                   struct xw_config_error *ret_error) XW_MUST_CHECK;
/* Reads PATH (must exist) and then PATH.d; values read before an error stay set. -EINVAL for what a
 * person must correct, else the errno of the file; both explained in ret_error. */
int xw_config_load(const struct xw_config_schema *schema, const char *path, void *values,
                   struct xw_config_error *ret_error) XW_MUST_CHECK;
/* One assignment "section.name=value" as from --set. */
int xw_config_set(const struct xw_config_schema *schema, const char *assignment, void *values,
                  struct xw_config_error *ret_error) XW_MUST_CHECK;
/* A complete file with help, range and default of every item as comments. values NULL = defaults.
 */
void xw_config_print(const struct xw_config_schema *schema, const void *values, FILE *out);
/* Frees strings and lists; the struct may be initialised again. */
void xw_config_done(const struct xw_config_schema *schema, void *values);

/* The parsers behind, for command lines: text -> µs, bytes, integer. -EINVAL, -ERANGE. */
int xw_parse_duration_us(const char *text, int64_t *ret_us) XW_MUST_CHECK;
int xw_parse_bytes(const char *text, int64_t *ret_n_bytes) XW_MUST_CHECK;
int xw_parse_int(const char *text, int64_t *ret_value) XW_MUST_CHECK;
int xw_parse_bool(const char *text, bool *ret_value) XW_MUST_CHECK;

#endif
