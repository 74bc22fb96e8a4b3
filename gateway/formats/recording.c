/* Building a recording: groups of leads, measurements, statements, warnings; derived limb leads. */
#include "formats/internal.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int xw_formats_add_group(struct xw_formats_recording *r, enum xw_formats_group_kind kind,
                         unsigned leads_n, int64_t samples_n, struct xw_formats_group **ret_group,
                         struct xw_formats_error *ret_error)
{
    if (leads_n == 0 || samples_n <= 0)
        return xw_formats_fail(ret_error, ENODATA, "", "there are no samples");
    if (leads_n > XW_FORMATS_MAX_LEADS || r->groups_n == XW_FORMATS_MAX_GROUPS ||
        samples_n > XW_FORMATS_MAX_SAMPLES ||
        samples_n * leads_n > XW_FORMATS_MAX_SAMPLES - r->samples_n)
        return xw_formats_fail(ret_error, EOVERFLOW, "",
                               "more leads or samples than can be taken (%u leads, %lld samples)",
                               leads_n, (long long)samples_n);
    struct xw_formats_group *g = &r->groups[r->groups_n];
    memset(g, 0, sizeof(*g));
    g->leads = calloc(leads_n, sizeof(*g->leads));
    g->rows = malloc(sizeof(*g->rows) * (size_t)samples_n * leads_n);
    if (!g->leads || !g->rows) {
        free(g->leads);
        free(g->rows);
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    }
    for (size_t i = 0; i < (size_t)samples_n * leads_n; i++)
        g->rows[i] = XW_FORMATS_NO_SAMPLE;
    for (unsigned c = 0; c < leads_n; c++) {
        g->leads[c].gain = (struct xw_wfdb_fraction){1, 1};
        g->leads[c].baseline = (struct xw_wfdb_fraction){0, 1};
    }
    g->kind = kind;
    g->leads_n = leads_n;
    g->samples_n = samples_n;
    r->samples_n += samples_n * leads_n;
    r->groups_n++;
    *ret_group = g;
    return 0;
}

void xw_formats_drop_group(struct xw_formats_recording *r)
{
    struct xw_formats_group *g = &r->groups[--r->groups_n];
    r->samples_n -= g->samples_n * g->leads_n;
    free(g->leads);
    free(g->rows);
}

void xw_formats_free(struct xw_formats_recording *recording)
{
    if (!recording)
        return;
    while (recording->groups_n)
        xw_formats_drop_group(recording);
    free(recording->measures);
    free(recording->statements);
    free(recording);
}

/* Room for one more in a list that doubles; false at the limit or without memory. */
static bool room(void **list, size_t n, size_t max, size_t size)
{
    if (n >= max)
        return false;
    if (n && (n & (n - 1)) != 0)
        return true;
    void *more = realloc(*list, (n ? 2 * n : 1) * size);
    if (more)
        *list = more;
    return more != NULL;
}

void xw_formats_add_measure(struct xw_formats_recording *r, enum xw_formats_measure_code code,
                            enum xw_ecg_lead lead, double value)
{
    void *list = r->measures;
    for (size_t i = 0; i < r->measures_n; i++)
        if (r->measures[i].code == code && r->measures[i].lead == lead)
            return; /* the first word counts: later ones are of single beats or earlier versions */
    if (!isfinite(value) ||
        !room(&list, r->measures_n, XW_FORMATS_MAX_MEASURES, sizeof(*r->measures)))
        return;
    r->measures = list;
    r->measures[r->measures_n++] = (struct xw_formats_measure){code, lead, value};
}

void xw_formats_add_statement(struct xw_formats_recording *r, const char *code, const char *text)
{
    void *list = r->statements;
    if ((!*code && !*text) ||
        !room(&list, r->statements_n, XW_FORMATS_MAX_STATEMENTS, sizeof(*r->statements)))
        return;
    r->statements = list;
    struct xw_formats_statement *s = &r->statements[r->statements_n++];
    xw_formats_text(s->code, sizeof(s->code), code, strlen(code));
    xw_formats_text(s->text, sizeof(s->text), text, strlen(text));
}

void xw_formats_warn(struct xw_formats_recording *r, const char *format, ...)
{
    char text[XW_FORMATS_TEXT_BYTES];
    if (r->warnings_n == XW_FORMATS_MAX_WARNINGS)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (unsigned i = 0; i < r->warnings_n; i++)
        if (strcmp(r->warnings[i], text) == 0)
            return;
    memcpy(r->warnings[r->warnings_n++], text, sizeof(text));
}

/* a x b, to 12 digits where the exact product does not fit. */
static int product(struct xw_wfdb_fraction a, struct xw_wfdb_fraction b,
                   struct xw_wfdb_fraction *ret)
{
    char text[32];
    if (xw_formats_multiply(a, b, ret) == 0)
        return 0;
    snprintf(text, sizeof(text), "%.12g", xw_formats_double(a) * xw_formats_double(b));
    return xw_formats_decimal(text, strlen(text), ret);
}

int xw_formats_set_scale(struct xw_formats_lead *lead, struct xw_wfdb_fraction units_per_count,
                         const char *unit)
{
    static const struct {
        const char *name;
        int64_t num, den; /* of a mV */
    } VOLTS[] = {{"mV", 1, 1},           {"uV", 1, 1000},         {"\xc2\xb5V", 1, 1000},
                 {"\xce\xbcV", 1, 1000}, {"\xb5V", 1, 1000},      {"nV", 1, 1000000},
                 {"V", 1000, 1},         {"MICROVOLTS", 1, 1000}, {"MILLIVOLTS", 1, 1}};
    struct xw_wfdb_fraction one = {1, 1};
    struct xw_wfdb_fraction per_unit;
    bool voltage = false;
    if (units_per_count.num == 0 || xw_formats_divide(one, units_per_count, &per_unit) < 0)
        return -EBADMSG;
    for (size_t i = 0; i < sizeof(VOLTS) / sizeof(VOLTS[0]) && !voltage; i++) {
        /* "MV" and "UV" in capitals are common; a megavolt is not. */
        struct xw_wfdb_fraction units_per_mv = {VOLTS[i].den, VOLTS[i].num};
        voltage = strcasecmp(unit, VOLTS[i].name) == 0;
        if (voltage && product(per_unit, units_per_mv, &per_unit) < 0)
            return -EBADMSG;
    }
    lead->gain = per_unit;
    if (voltage)
        snprintf(lead->unit, sizeof(lead->unit), "mV");
    else
        xw_formats_text(lead->unit, sizeof(lead->unit), unit, strlen(unit));
    /* A count of more than 1 V, or of less than 1 pV, is a broken file and no amplifier. */
    double gain = fabs(xw_formats_double(lead->gain));
    return voltage && (gain < 1e-3 || gain > 1e9) ? -EBADMSG : 0;
}

const struct xw_formats_group *xw_formats_rhythm(const struct xw_formats_recording *recording)
{
    const struct xw_formats_group *best = NULL;
    for (unsigned i = 0; i < recording->groups_n; i++) {
        const struct xw_formats_group *g = &recording->groups[i];
        bool ecg = false;
        for (unsigned c = 0; c < g->leads_n; c++)
            ecg = ecg || strcmp(g->leads[c].unit, "mV") == 0;
        if (g->kind == XW_FORMATS_RHYTHM && ecg && (!best || g->leads_n > best->leads_n))
            best = g;
    }
    return best;
}

double xw_formats_value(const struct xw_formats_lead *lead, int32_t count)
{
    if (count == XW_FORMATS_NO_SAMPLE)
        return NAN;
    return ((double)count - xw_formats_double(lead->baseline)) / xw_formats_double(lead->gain);
}

int xw_formats_find_lead(const struct xw_formats_group *group, enum xw_ecg_lead code)
{
    for (unsigned c = 0; c < group->leads_n; c++)
        if (group->leads[c].code == code)
            return (int)c;
    return -1;
}

bool xw_formats_find_measure(const struct xw_formats_recording *recording,
                             enum xw_formats_measure_code code, double *ret_value)
{
    for (size_t i = 0; i < recording->measures_n; i++) {
        const struct xw_formats_measure *m = &recording->measures[i];
        if (m->code == code && m->lead == XW_ECG_LEAD_OTHER) {
            *ret_value = m->value;
            return true;
        }
    }
    return false;
}

/* From I and II: III and twice the augmented leads, so that nothing is halved. */
static int64_t derived_count(unsigned which, int64_t one, int64_t two)
{
    switch (which) {
    case 0:
        return two - one;
    case 1:
        return -(one + two);
    case 2:
        return 2 * one - two;
    default:
        return 2 * two - one;
    }
}

static bool same(struct xw_wfdb_fraction a, struct xw_wfdb_fraction b)
{
    return a.num == b.num && a.den == b.den;
}

static bool can_derive(const struct xw_formats_group *g, int one, int two)
{
    static const enum xw_ecg_lead LIMB[] = {XW_ECG_LEAD_III, XW_ECG_LEAD_AVR, XW_ECG_LEAD_AVL,
                                            XW_ECG_LEAD_AVF};
    for (size_t i = 0; i < 4; i++)
        if (xw_formats_find_lead(g, LIMB[i]) >= 0)
            return false;
    if (one < 0 || two < 0 || g->leads_n + 4 > XW_FORMATS_MAX_LEADS)
        return false;
    const struct xw_formats_lead *a = &g->leads[one];
    const struct xw_formats_lead *b = &g->leads[two];
    return strcmp(a->unit, "mV") == 0 && strcmp(b->unit, "mV") == 0 && same(a->gain, b->gain) &&
           same(a->baseline, b->baseline) && a->baseline.den == 1 &&
           llabs(a->baseline.num) < INT32_MAX && llabs(a->gain.num) < INT64_MAX / 2;
}

int xw_formats_derive_limb_leads(struct xw_formats_recording *r, struct xw_formats_group *group,
                                 struct xw_formats_error *ret_error)
{
    static const char *const NAMES[] = {"III", "aVR", "aVL", "aVF"};
    struct xw_formats_group *old = group;
    int one = xw_formats_find_lead(group, XW_ECG_LEAD_I);
    int two = xw_formats_find_lead(group, XW_ECG_LEAD_II);
    if (!can_derive(group, one, two))
        return 0;
    unsigned n = old->leads_n + 4;
    size_t rows_n = (size_t)old->samples_n;
    if (old->samples_n * 4 > XW_FORMATS_MAX_SAMPLES - r->samples_n)
        return xw_formats_fail(ret_error, EOVERFLOW, "", "more samples than can be taken");
    struct xw_formats_lead *leads = calloc(n, sizeof(*leads));
    int32_t *rows = malloc(sizeof(*rows) * rows_n * n);
    if (!leads || !rows) {
        free(leads);
        free(rows);
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    }
    int64_t zero = old->leads[one].baseline.num;
    /* The usual order: I, II, III, aVR, aVL, aVF, then the rest as they were. */
    unsigned from[XW_FORMATS_MAX_LEADS];
    unsigned at = 0;
    from[at++] = (unsigned)one;
    from[at++] = (unsigned)two;
    at += 4;
    for (unsigned c = 0; c < old->leads_n; c++)
        if (c != (unsigned)one && c != (unsigned)two)
            from[at++] = c;
    for (unsigned c = 0; c < n; c++) {
        if (c < 2 || c >= 6) {
            leads[c] = old->leads[from[c]];
            continue;
        }
        leads[c] = old->leads[one];
        leads[c].derived = true;
        leads[c].baseline = (struct xw_wfdb_fraction){0, 1};
        xw_formats_name_lead(&leads[c], NAMES[c - 2]);
        if (c > 2)
            (void)xw_formats_multiply(leads[c].gain, (struct xw_wfdb_fraction){2, 1},
                                      &leads[c].gain);
    }
    for (size_t i = 0; i < rows_n; i++) {
        const int32_t *in = &old->rows[i * old->leads_n];
        int32_t *out = &rows[i * n];
        bool have = in[one] != XW_FORMATS_NO_SAMPLE && in[two] != XW_FORMATS_NO_SAMPLE;
        for (unsigned c = 0; c < n; c++) {
            if (c < 2 || c >= 6) {
                out[c] = in[from[c]];
                continue;
            }
            int64_t v = have ? derived_count(c - 2, in[one] - zero, in[two] - zero) : INT64_MIN;
            out[c] = v > INT32_MIN && v <= INT32_MAX ? (int32_t)v : XW_FORMATS_NO_SAMPLE;
        }
    }
    free(old->leads);
    free(old->rows);
    old->leads = leads;
    old->rows = rows;
    old->leads_n = n;
    r->samples_n += old->samples_n * 4;
    return 0;
}
