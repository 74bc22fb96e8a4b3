/* Codes to classes. */
#include "dsp/train/twelve/labels.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 4096 };

unsigned xw_twelve_split(char *line, char *ret_field[XW_TWELVE_FIELDS_MAX])
{
    unsigned n = 0;
    char *to = line;
    bool quoted = false;
    ret_field[n++] = to;
    for (const char *p = line; *p && *p != '\n' && *p != '\r'; p++) {
        if (*p == '"') {
            quoted = !quoted;
        } else if (*p == ',' && !quoted && n < XW_TWELVE_FIELDS_MAX) {
            *to++ = 0;
            ret_field[n++] = to;
        } else {
            *to++ = *p;
        }
    }
    *to = 0;
    return n;
}

int xw_twelve_codes_load(const char *path, struct xw_twelve_codes *codes)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return -errno;
    char line[LINE_BYTES], *field[XW_TWELVE_FIELDS_MAX];
    codes->n = 0;
    while (fgets(line, sizeof(line), file) && codes->n < XW_TWELVE_CODES_MAX) {
        enum { CODE = 0, SUPERCLASS = 5 };
        if (xw_twelve_split(line, field) <= SUPERCLASS)
            continue;
        for (unsigned c = XW_NET12_NORM; c <= XW_NET12_HYP; c++)
            if (strcmp(field[SUPERCLASS], xw_net12_class_name((enum xw_net12_class)c)) == 0) {
                snprintf(codes->at[codes->n].code, sizeof(codes->at[0].code), "%s", field[CODE]);
                codes->at[codes->n++].superclass = (enum xw_net12_class)c;
            }
    }
    fclose(file);
    return codes->n ? 0 : -EBADMSG;
}

static void take_code(const struct xw_twelve_codes *codes, const char *code,
                      struct xw_twelve_case *e)
{
    static const struct {
        const char *code;
        enum xw_net12_class class;
    } OWN[] = {{"AFIB", XW_NET12_AF},
               {"CLBBB", XW_NET12_LBBB},
               {"CRBBB", XW_NET12_RBBB},
               {"PACE", XW_NET12_PACED},
               {"1AVB", XW_NET12_AVB1}};
    for (unsigned i = 0; i < sizeof(OWN) / sizeof(OWN[0]); i++)
        if (strcmp(code, OWN[i].code) == 0)
            e->target[OWN[i].class] = true;
    for (unsigned i = 0; i < codes->n; i++)
        if (strcmp(code, codes->at[i].code) == 0)
            e->target[codes->at[i].superclass] = true;
}

/* {'AMI': 15.0, 'SR': 0.0}: any certainty counts, as in the benchmark of the data set. */
static void take_codes(const struct xw_twelve_codes *codes, char *text, struct xw_twelve_case *e)
{
    char *end;
    for (char *p = text; (p = strchr(p, '\'')) != NULL; p = end + 1) {
        end = strchr(++p, '\'');
        if (!end)
            return;
        *end = 0;
        take_code(codes, p, e);
    }
}

bool xw_twelve_label(const struct xw_twelve_codes *codes, char *line, struct xw_twelve_case *e)
{
    enum { NUMBER = 0, PATIENT = 1, AGE = 2, SEX = 3, CODES = 4, FOLD = 8 };
    char *field[XW_TWELVE_FIELDS_MAX];
    if (xw_twelve_split(line, field) <= FOLD)
        return false;
    long number = strtol(field[NUMBER], NULL, 10), fold = strtol(field[FOLD], NULL, 10);
    if (number <= 0 || number >= 1000000 || fold < 1 || fold > XW_TWELVE_FOLDS)
        return false;
    memset(e, 0, sizeof(*e));
    e->number = (int)number;
    e->patient = (int)strtod(field[PATIENT], NULL);
    e->fold = (unsigned)fold - 1;
    float age = *field[AGE] ? strtof(field[AGE], NULL) : NAN;
    e->age_years = age > 150 ? 90 : age; /* the data set says 300 for whoever is above 89 */
    e->sex = strcmp(field[SEX], "1") == 0   ? XW_ECG12_FEMALE
             : strcmp(field[SEX], "0") == 0 ? XW_ECG12_MALE
                                            : XW_ECG12_SEX_UNKNOWN;
    take_codes(codes, field[CODES], e);
    bool diagnosed = false;
    for (unsigned c = XW_NET12_NORM; c <= XW_NET12_HYP; c++)
        diagnosed |= e->target[c];
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++)
        e->known[c] = c > XW_NET12_HYP || diagnosed;
    return true;
}
