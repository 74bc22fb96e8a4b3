#include "bench/interpretation/labels.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS_MAX = 30000 };

/* The next field of a line of CSV, with its quotes taken off; NULL at the end. */
static char *field(char **rest)
{
    char *at = *rest;
    if (!at)
        return NULL;
    bool quoted = *at == '"';
    char *end = quoted ? strchr(at + 1, '"') : at + strcspn(at, ",\r\n");
    if (!end)
        return NULL;
    char *next = quoted ? end + 1 : end;
    *rest = *next == ',' ? next + 1 : NULL;
    *end = 0;
    return at + quoted;
}

static bool one(char *line, struct label *l)
{
    char *f[9];
    for (int i = 0; i < 9; i++) {
        f[i] = field(&line);
        if (!f[i])
            return false;
    }
    l->number = (int)strtol(f[0], NULL, 10);
    l->patient = (int)strtod(f[1], NULL);
    double age = *f[2] ? strtod(f[2], NULL) : (double)NAN;
    l->age_years = age > 150 ? 90 : (float)age;
    l->sex = !strcmp(f[3], "1")   ? XW_ECG12_FEMALE
             : !strcmp(f[3], "0") ? XW_ECG12_MALE
                                  : XW_ECG12_SEX_UNKNOWN;
    l->fold = (int)strtol(f[8], NULL, 10);
    snprintf(l->codes, sizeof(l->codes), "%s", f[4]);
    return l->number > 0;
}

int labels_load(const char *path, struct label **ret_labels, size_t *ret_n)
{
    FILE *file = fopen(path, "r");
    char line[2048];
    if (!file)
        return -errno;
    struct label *labels = calloc(LABELS_MAX, sizeof(*labels));
    size_t n = 0;
    bool first = true;
    while (labels && n < LABELS_MAX && fgets(line, sizeof(line), file)) {
        if (!first && one(line, &labels[n]))
            n++;
        first = false;
    }
    fclose(file);
    if (!labels)
        return -ENOMEM;
    *ret_labels = labels;
    *ret_n = n;
    return 0;
}

const struct label *labels_find(const struct label *labels, size_t n, int number)
{
    for (size_t i = 0; i < n; i++) {
        if (labels[i].number == number)
            return &labels[i];
    }
    return NULL;
}

bool label_has(const struct label *label, const char *code, double likelihood)
{
    char quoted[32];
    snprintf(quoted, sizeof(quoted), "'%s': ", code);
    const char *at = strstr(label->codes, quoted);
    return at && strtod(at + strlen(quoted), NULL) >= likelihood;
}
