/* The tables but the rules: statements, limits, relations; what all of them share; the built-in
 * ones. */
#include "dsp/core/sha256.h"
#include "dsp/interpret/internal.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int xw_interpret_refuse(struct reader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (r->error) {
        r->error->table = r->table;
        r->error->line = r->line;
        vsnprintf(r->error->text, sizeof(r->error->text), format, args);
    }
    va_end(args);
    return -EINVAL;
}

char *xw_interpret_line(struct reader *r)
{
    while (*r->next) {
        char *line = r->next;
        char *end = line + strcspn(line, "\n");
        r->next = *end ? end + 1 : end;
        *end = 0;
        r->line++;
        while (end > line && strchr(" \t\r", end[-1]))
            *--end = 0;
        line += strspn(line, " \t");
        if (*line && *line != '#')
            return line;
    }
    return NULL;
}

char *xw_interpret_word(char **rest)
{
    char *word = *rest + strspn(*rest, " \t");
    if (!*word)
        return NULL;
    char *end = word + strcspn(word, " \t");
    *rest = *end ? end + 1 : end;
    *end = 0;
    return word;
}

bool xw_interpret_number(const char *word, double *ret)
{
    size_t n = strspn(word, "+-.0123456789");
    char *end = NULL;
    if (!n || word[n] || n > 20)
        return false;
    *ret = strtod(word, &end);
    return !*end && isfinite(*ret);
}

int xw_interpret_version_line(struct reader *r)
{
    char *line = xw_interpret_line(r);
    double n = 0;
    char *word = line ? xw_interpret_word(&line) : NULL;
    char *number = word && !strcmp(word, "version") ? xw_interpret_word(&line) : NULL;
    if (!number || !xw_interpret_number(number, &n) || n < 1 || n > 1e6 || n != floor(n) ||
        xw_interpret_word(&line))
        return xw_interpret_refuse(r, "the first line must be: version NUMBER");
    return 0;
}

int xw_interpret_entry_of(const struct xw_interpret_tables *t, const char *name)
{
    for (unsigned i = 0; i < t->entries_n; i++) {
        if (!strcmp(t->entries[i].name, name))
            return (int)i;
    }
    return -1;
}

int xw_interpret_limit_name(const struct xw_interpret_tables *t, const char *name)
{
    for (unsigned i = 0; i < t->limit_names_n; i++) {
        if (!strcmp(t->limit_names[i], name))
            return (int)i;
    }
    return -1;
}

enum xw_ecg_lead xw_interpret_lead(const char *name)
{
    enum xw_ecg_lead lead = xw_ecg_lead_from_name(name);
    return !strcmp(xw_ecg_lead_name(lead), name) ? lead : XW_ECG_LEAD_OTHER;
}

static bool plain_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return n && !name[n] && n <= 40;
}

/* Cuts a line at its tabs; returns how many fields, at most `most` + 1. */
static unsigned cut(char *line, char **fields, unsigned most)
{
    unsigned n = 0;
    for (char *at = line; at;) {
        char *tab = strchr(at, '\t');
        if (tab)
            *tab = 0;
        if (n < most)
            fields[n] = at;
        n++;
        at = tab ? tab + 1 : NULL;
        if (n > most)
            break;
    }
    return n;
}

/* A table whose every line has seven fields. */
static int seven_fields(struct reader *r, int (*take)(struct reader *, char **))
{
    int result = xw_interpret_version_line(r);
    char *line = NULL;
    while (result >= 0 && (line = xw_interpret_line(r))) {
        char *f[7];
        if (cut(line, f, 7) != 7)
            return xw_interpret_refuse(r, "seven fields parted by tabs are wanted");
        result = take(r, f);
    }
    return result;
}

/* Whole characters of UTF-8, none of them a control character. */
static bool wording(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t n = strlen(text);
    if (!n || n > 200)
        return false;
    while (*at) {
        unsigned more = *at < 0x80       ? 0
                        : *at >> 5 == 6  ? 1
                        : *at >> 4 == 14 ? 2
                        : *at >> 3 == 30 ? 3
                                         : 9;
        if (more == 9 || (*at < 0x20) || *at == 0x7F || *at == 0xC0 || *at == 0xC1 || *at > 0xF4)
            return false;
        for (at++; more; more--, at++) {
            if (*at >> 6 != 2)
                return false;
        }
    }
    return true;
}

static int statement(struct reader *r, char **f)
{
    struct xw_interpret_tables *t = r->tables;
    static const char GRADES[] = "NBAC";
    struct xw_interpret_entry *e = &t->entries[t->entries_n];
    double aha = 0;
    const char *grade = strlen(f[3]) == 1 ? strchr(GRADES, f[3][0]) : NULL;
    if (t->entries_n == ENTRIES_MAX)
        return xw_interpret_refuse(r, "more than %d statements", ENTRIES_MAX);
    if (!plain_name(f[0]) || xw_interpret_entry_of(t, f[0]) >= 0)
        return xw_interpret_refuse(r, "the name must be new, of a-z 0-9 _");
    if (strcmp(f[1], "-") != 0 &&
        (!xw_interpret_number(f[1], &aha) || aha < 1 || aha > 999 || aha != floor(aha)))
        return xw_interpret_refuse(r, "code: 1 to 999, or -");
    for (unsigned i = 0; aha > 0 && i < t->entries_n; i++) {
        if (t->entries[i].aha == (int)aha)
            return xw_interpret_refuse(r, "code %d twice", (int)aha);
    }
    if (!plain_name(f[2]) || !grade || !*grade)
        return xw_interpret_refuse(r, "group: a-z _; grade: N, B, A or C");
    if (strspn(f[4], "abcdefghijklmnopqrstuvwxyz0123456789") != strlen(f[4]) || !*f[4])
        return xw_interpret_refuse(r, "initials: a-z 0-9");
    if (!wording(f[5]) || !wording(f[6]))
        return xw_interpret_refuse(r, "wordings: 1 to 200 bytes of UTF-8");
    *e = (struct xw_interpret_entry){.name = f[0],
                                     .aha = (int)aha,
                                     .group = f[2],
                                     .grade = (enum xw_interpret_grade)(grade - GRADES),
                                     .initials = f[4],
                                     .zh = f[5],
                                     .en = f[6]};
    t->entries_n++;
    return 0;
}

int xw_interpret_parse_statements(struct reader *r)
{
    return seven_fields(r, statement);
}

static int lead_set(struct reader *r, char *text, uint32_t *ret)
{
    *ret = 0;
    if (!strcmp(text, "*"))
        return 0;
    for (char *word = NULL; (word = xw_interpret_word(&text));) {
        enum xw_ecg_lead lead = xw_interpret_lead(word);
        if (lead == XW_ECG_LEAD_OTHER || *ret >> lead & 1)
            return xw_interpret_refuse(r, "'%.20s' is no lead, or stands twice", word);
        *ret |= 1U << lead;
    }
    return *ret ? 0 : xw_interpret_refuse(r, "no lead");
}

static bool overlaps(const struct limit *a, const struct limit *b)
{
    bool sex = a->sex == '*' || b->sex == '*' || a->sex == b->sex;
    bool leads = !a->leads || !b->leads || (a->leads & b->leads);
    return a->name == b->name && sex && leads && a->from < b->to && b->from < a->to;
}

static int limit_name(struct reader *r, char *name)
{
    struct xw_interpret_tables *t = r->tables;
    int index = xw_interpret_limit_name(t, name);
    if (index >= 0)
        return index;
    if (t->limit_names_n == LIMIT_NAMES_MAX || !plain_name(name))
        return xw_interpret_refuse(r, "name: a-z 0-9 _, at most %d of them", LIMIT_NAMES_MAX);
    t->limit_names[t->limit_names_n] = name;
    return (int)t->limit_names_n++;
}

static int one_limit(struct reader *r, char **f)
{
    struct xw_interpret_tables *t = r->tables;
    struct limit *l = &t->limits[t->limits_n];
    if (t->limits_n == LIMITS_MAX)
        return xw_interpret_refuse(r, "more than %d limits", LIMITS_MAX);
    int name = limit_name(r, f[0]);
    if (name < 0)
        return name;
    *l = (struct limit){.name = name, .sex = f[2][0]};
    if (strlen(f[2]) != 1 || !strchr("MFU*", f[2][0]))
        return xw_interpret_refuse(r, "sex: M, F, U or *");
    if (!xw_interpret_number(f[3], &l->from) || !xw_interpret_number(f[4], &l->to) || l->from < 0 ||
        l->to > 200 || !(l->from < l->to))
        return xw_interpret_refuse(r, "ages: from below to, 0 to 200");
    if (!xw_interpret_number(f[5], &l->value) || fabs(l->value) > 1e6)
        return xw_interpret_refuse(r, "value: a number");
    if (!wording(f[6]))
        return xw_interpret_refuse(r, "unit: a word");
    int result = lead_set(r, f[1], &l->leads);
    if (result < 0)
        return result;
    for (unsigned i = 0; i < t->limits_n; i++) {
        if (overlaps(&t->limits[i], l))
            return xw_interpret_refuse(
                r, "another line says this limit for the same lead, sex and age");
    }
    t->limits_n++;
    return 0;
}

int xw_interpret_parse_limits(struct reader *r)
{
    return seven_fields(r, one_limit);
}

int xw_interpret_parse_relations(struct reader *r)
{
    struct xw_interpret_tables *t = r->tables;
    int result = xw_interpret_version_line(r);
    char *line = NULL;
    while (result >= 0 && (line = xw_interpret_line(r))) {
        char *f[4];
        int entry[4] = {-1, -1, -1, -1};
        unsigned n = cut(line, f, 4);
        bool joins = n == 4 && !strcmp(f[0], "joins");
        if (!joins && !(n == 3 && !strcmp(f[0], "drops")))
            return xw_interpret_refuse(r, "drops A B, or joins A B C, parted by tabs");
        if (t->relations_n == RELATIONS_MAX)
            return xw_interpret_refuse(r, "more than %d relations", RELATIONS_MAX);
        for (unsigned i = 1; i < n; i++) {
            entry[i] = xw_interpret_entry_of(t, f[i]);
            if (entry[i] < 0)
                return xw_interpret_refuse(r, "no statement '%.40s'", f[i]);
        }
        if (entry[1] == entry[2] || entry[3] == entry[1] || entry[3] == entry[2])
            return xw_interpret_refuse(r, "a statement with itself");
        t->relations[t->relations_n++] =
            (struct relation){.kind = joins ? RELATION_JOINS : RELATION_DROPS,
                              .a = (unsigned)entry[1],
                              .b = (unsigned)entry[2],
                              .c = joins ? (unsigned)entry[3] : 0};
    }
    return result;
}

static void name_version(struct xw_interpret_tables *t, const struct xw_interpret_text *texts[4],
                         char *all)
{
    size_t n = 0;
    for (int i = 0; i < 4; i++) {
        memcpy(all + n, texts[i]->data, texts[i]->n);
        n += texts[i]->n;
        all[n++] = 0;
    }
    xw_dsp_sha256_text(all, n, t->version);
}

int xw_interpret_parse(const struct xw_interpret_texts *texts,
                       struct xw_interpret_tables **ret_tables,
                       struct xw_interpret_error *ret_error)
{
    static const char *const NAMES[] = {"statements", "limits", "rules", "relations"};
    static int (*const PARSE[])(struct reader *) = {
        xw_interpret_parse_statements, xw_interpret_parse_limits, xw_interpret_parse_rules,
        xw_interpret_parse_relations};
    const struct xw_interpret_text *all[] = {&texts->statements, &texts->limits, &texts->rules,
                                             &texts->relations};
    struct reader reader = {.error = ret_error};
    size_t bytes = 0;
    *ret_tables = NULL;
    for (int i = 0; i < 4; i++) {
        reader.table = NAMES[i];
        if (all[i]->n > XW_INTERPRET_TEXT_MAX || memchr(all[i]->data, 0, all[i]->n)) {
            (void)xw_interpret_refuse(&reader, "larger than 256 KiB, or not a text");
            return all[i]->n > XW_INTERPRET_TEXT_MAX ? -EFBIG : -EINVAL;
        }
        bytes += all[i]->n + 1;
    }
    struct xw_interpret_tables *t = calloc(1, sizeof(*t));
    char *words = malloc(bytes);
    if (!t || !words) {
        free(t);
        free(words);
        return -ENOMEM;
    }
    t->words = words;
    name_version(t, all, words);
    int result = 0;
    reader.tables = t;
    for (int i = 0; i < 4 && result >= 0; i++) {
        reader.table = NAMES[i];
        reader.next = words;
        reader.line = 0;
        words += all[i]->n + 1;
        result = PARSE[i](&reader);
    }
    if (result < 0)
        xw_interpret_free(t);
    else
        *ret_tables = t;
    return result;
}

void xw_interpret_free(struct xw_interpret_tables *tables)
{
    if (!tables)
        return;
    free(tables->words);
    free(tables);
}

void xw_interpret_version(const struct xw_interpret_tables *tables,
                          char ret_text[XW_INTERPRET_VERSION_BYTES])
{
    memcpy(ret_text, tables->version, XW_INTERPRET_VERSION_BYTES);
}

size_t xw_interpret_entries_n(const struct xw_interpret_tables *tables)
{
    return tables->entries_n;
}

const struct xw_interpret_entry *xw_interpret_entry(const struct xw_interpret_tables *tables,
                                                    size_t i)
{
    return i < tables->entries_n ? &tables->entries[i] : NULL;
}

const struct xw_interpret_entry *xw_interpret_find(const struct xw_interpret_tables *tables,
                                                   const char *name)
{
    int i = xw_interpret_entry_of(tables, name);
    return i < 0 ? NULL : &tables->entries[i];
}

const char *xw_interpret_grade_name(enum xw_interpret_grade grade)
{
    static const char *const NAMES[] = {"normal", "borderline", "abnormal", "critical"};
    return NAMES[grade];
}

const char *xw_interpret_grade_name_zh(enum xw_interpret_grade grade)
{
    static const char *const NAMES[] = {"正常", "大致正常", "异常", "危急"};
    return NAMES[grade];
}
