/* Writes EDF+ (contiguous): every signal in 16 bits, and the signal of annotations that EDF+ wants.
 */
#include "formats/edf.h"
#include "formats/write.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELD = 8, NOTE_SAMPLES = 16, MAX_RECORD_BYTES = 61440, MAX_DIGITAL = 32767 };

/* How one signal's counts and their physical range are written. */
struct column {
    int32_t low, high; /* digital */
    char physical_low[FIELD + 24], physical_high[FIELD + 24];
    const char *unit;
    int64_t shift; /* what is taken from every count so that 16 bits hold it */
};

struct plan {
    const struct xw_formats_group *g;
    int64_t record_n; /* samples of a signal in a record */
    char record_s[FIELD + 24];
    struct column columns[XW_FORMATS_MAX_LEADS];
};

/* A decimal that fits the field, the nearest one when none is exact. */
static bool print_field(struct xw_wfdb_fraction value, char *dst, size_t size, bool *ret_exact)
{
    xw_formats_print_fraction(value, dst, size);
    *ret_exact = strlen(dst) <= FIELD && !strpbrk(dst, "eE");
    for (int digits = FIELD; !*ret_exact && digits > 0; digits--) {
        snprintf(dst, size, "%.*g", digits, xw_formats_double(value));
        if (strlen(dst) <= FIELD && !strpbrk(dst, "eE"))
            return true;
    }
    return *ret_exact;
}

static int physical(const struct xw_formats_lead *l, struct xw_wfdb_fraction unit, int64_t count,
                    struct xw_wfdb_fraction *ret)
{
    struct xw_wfdb_fraction d;
    if (xw_formats_fraction((__int128)count * l->baseline.den - l->baseline.num, l->baseline.den,
                            &d) < 0 ||
        xw_formats_divide(d, l->gain, &d) < 0)
        return -ERANGE;
    return xw_formats_multiply(d, unit, ret);
}

/* What a reader will make of both ends, against what is meant; in counts. */
static double worst(const struct xw_formats_lead *l, const struct column *k, double unit)
{
    double low = strtod(k->physical_low, NULL) / unit;
    double high = strtod(k->physical_high, NULL) / unit;
    double gain = xw_formats_double(l->gain);
    double zero = xw_formats_double(l->baseline) - (double)k->shift;
    double a = fabs(low * gain + zero - k->low);
    double b = fabs(high * gain + zero - k->high);
    return a > b ? a : b;
}

static int plan_column(const struct xw_formats_group *g, unsigned c, struct column *k,
                       struct xw_formats_error *ret_error)
{
    const struct xw_formats_lead *l = &g->leads[c];
    bool ecg = strcmp(l->unit, "mV") == 0;
    struct xw_wfdb_fraction unit = {ecg ? 1000 : 1, 1};
    int32_t min;
    int32_t max;
    bool missing;
    xw_formats_count_range(g, c, &min, &max, &missing);
    k->unit = ecg ? "uV" : l->unit;
    if (missing)
        return xw_formats_fail(ret_error, ERANGE, l->name,
                               "samples are missing, which EDF cannot say");
    if ((int64_t)max - min > 2 * MAX_DIGITAL)
        return xw_formats_fail(ret_error, ERANGE, l->name, "its values do not fit 16 bits");
    k->shift = min < -MAX_DIGITAL || max > MAX_DIGITAL ? ((int64_t)min + max) / 2 : 0;
    /* A range whose ends can be written exactly, if there is one near; else the full one. */
    int64_t need = llabs(min - k->shift) > llabs(max - k->shift) ? llabs(min - k->shift)
                                                                 : llabs(max - k->shift);
    int64_t end = MAX_DIGITAL;
    for (int64_t n = MAX_DIGITAL; n >= need && n >= 1 && n > MAX_DIGITAL - 8000; n--) {
        struct xw_wfdb_fraction low;
        struct xw_wfdb_fraction high;
        char text[2][FIELD + 24];
        bool exact[2];
        if (physical(l, unit, -n + k->shift, &low) == 0 &&
            physical(l, unit, n + k->shift, &high) == 0 &&
            print_field(low, text[0], sizeof(text[0]), &exact[0]) && exact[0] &&
            print_field(high, text[1], sizeof(text[1]), &exact[1]) && exact[1]) {
            end = n;
            break;
        }
    }
    struct xw_wfdb_fraction low;
    struct xw_wfdb_fraction high;
    bool unused;
    k->low = (int32_t)-end;
    k->high = (int32_t)end;
    if (physical(l, unit, -end + k->shift, &low) < 0 ||
        physical(l, unit, end + k->shift, &high) < 0 ||
        !print_field(low, k->physical_low, sizeof(k->physical_low), &unused) ||
        !print_field(high, k->physical_high, sizeof(k->physical_high), &unused) ||
        worst(l, k, (double)unit.num) > 0.4)
        return xw_formats_fail(ret_error, ERANGE, l->name,
                               "its range cannot be written in the 8 characters of EDF");
    return 0;
}

/* Records of the same length that take all samples; their time exact, or so near that the last
 * sample is not moved by a tenth of its distance from the next. */
static int plan_records(struct plan *p, struct xw_formats_error *ret_error)
{
    const struct xw_formats_group *g = p->g;
    int64_t most = MAX_RECORD_BYTES / 2 / g->leads_n - NOTE_SAMPLES;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t n = most < g->samples_n ? most : g->samples_n; n >= 1; n--) {
            struct xw_wfdb_fraction seconds;
            bool exact;
            if (g->samples_n % n || g->samples_n / n > 99999999 ||
                xw_formats_divide((struct xw_wfdb_fraction){n, 1}, g->rate_hz, &seconds) < 0 ||
                !print_field(seconds, p->record_s, sizeof(p->record_s), &exact))
                continue;
            double off = fabs(strtod(p->record_s, NULL) / xw_formats_double(seconds) - 1);
            if (exact || (pass && off * (double)g->samples_n < 0.1)) {
                p->record_n = n;
                return 0;
            }
        }
    }
    return xw_formats_fail(ret_error, ERANGE, "",
                           "the samples cannot be divided into records of a time that EDF can say");
}

static void put(struct xw_buf *b, const char *text, size_t width, int *e)
{
    char field[96];
    size_t n = strlen(text);
    /* Cut at the end of a character. */
    if (n > width)
        for (n = width; n && ((unsigned char)text[n] & 0xc0) == 0x80;)
            n--;
    memset(field, ' ', sizeof(field));
    memcpy(field, text, n);
    if (*e == 0)
        *e = xw_buf_append(b, field, width);
}

static void put_number(struct xw_buf *b, int64_t v, size_t width, int *e)
{
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)v);
    put(b, text, width, e);
}

static void subfield(char *dst, size_t size, const char *text)
{
    snprintf(dst, size, "%s", *text ? text : "X");
    for (char *c = dst; *c; c++)
        if (*c == ' ')
            *c = '_';
}

static void print_date(const struct xw_formats_time *t, char *dst, size_t size)
{
    static const char MONTHS[][4] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                     "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
    if (t->has_date && t->month >= 1 && t->month <= 12)
        snprintf(dst, size, "%02d-%s-%04d", t->day, MONTHS[t->month - 1], t->year);
    else
        snprintf(dst, size, "X");
}

static void put_identity(const struct xw_formats_recording *r, struct xw_buf *b, int *e)
{
    char text[1024];
    char id[XW_FORMATS_TEXT_BYTES];
    char name[2 * XW_FORMATS_TEXT_BYTES];
    char both[2 * XW_FORMATS_TEXT_BYTES];
    char date[32];
    const struct xw_formats_patient *p = &r->patient;
    const struct xw_formats_time *t = &r->start;
    subfield(id, sizeof(id), p->id);
    snprintf(both, sizeof(both), "%s%s%s", p->family, p->family[0] && p->given[0] ? " " : "",
             p->given);
    subfield(name, sizeof(name), both);
    print_date(&p->born, date, sizeof(date));
    snprintf(text, sizeof(text), "%s %s %s %s", id,
             p->sex == 'M'   ? "M"
             : p->sex == 'F' ? "F"
                             : "X",
             date, name);
    put(b, text, 80, e);
    subfield(name, sizeof(name), r->device.model);
    print_date(t, date, sizeof(date));
    snprintf(text, sizeof(text), "Startdate %s X X %s", date, name);
    put(b, text, 80, e);
    int year = t->year % 100;
    bool in_range = t->has_date && t->year >= 1985 && t->year <= 2084;
    snprintf(text, sizeof(text), "%02d.%02d.%02d", in_range ? t->day : 1, in_range ? t->month : 1,
             in_range ? year : 85);
    put(b, text, 8, e);
    int32_t s = t->has_time ? t->ms_of_day / 1000 : 0;
    snprintf(text, sizeof(text), "%02d.%02d.%02d", s / 3600, s / 60 % 60, s % 60);
    put(b, text, 8, e);
}

enum part {
    LABEL,
    TRANSDUCER,
    UNIT,
    LOW,
    HIGH,
    DIGITAL_LOW,
    DIGITAL_HIGH,
    FILTER,
    SAMPLES,
    RESERVED
};

static void put_part(const struct plan *p, const struct xw_formats_recording *r, unsigned c,
                     enum part part, struct xw_buf *b, int *e)
{
    bool note = c == p->g->leads_n;
    const struct column *k = &p->columns[note ? 0 : c];
    const struct xw_formats_lead *l = &p->g->leads[note ? 0 : c];
    char text[96];
    switch (part) {
    case LABEL:
        snprintf(text, sizeof(text), "%s%s", l->code && strcmp(k->unit, "uV") == 0 ? "ECG " : "",
                 l->name);
        put(b, note ? "EDF Annotations" : text, 16, e);
        break;
    case UNIT:
        put(b, note ? "" : k->unit, 8, e);
        break;
    case LOW:
        put(b, note ? "-1" : k->physical_low, 8, e);
        break;
    case HIGH:
        put(b, note ? "1" : k->physical_high, 8, e);
        break;
    case DIGITAL_LOW:
        put_number(b, note ? -32768 : k->low, 8, e);
        break;
    case DIGITAL_HIGH:
        put_number(b, note ? 32767 : k->high, 8, e);
        break;
    case FILTER:
        text[0] = 0;
        if (!note && r->filters.highpass_hz > 0)
            snprintf(text, sizeof(text), "HP:%gHz", r->filters.highpass_hz);
        if (!note && r->filters.lowpass_hz > 0)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%sLP:%gHz",
                     text[0] ? " " : "", r->filters.lowpass_hz);
        if (!note && r->filters.notch_hz > 0)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%sN:%gHz",
                     text[0] ? " " : "", r->filters.notch_hz);
        put(b, text, 80, e);
        break;
    case SAMPLES:
        put_number(b, note ? NOTE_SAMPLES : p->record_n, 8, e);
        break;
    default:
        put(b, "", part == TRANSDUCER ? 80 : 32, e);
    }
}

static void put_record(const struct plan *p, const struct xw_formats_recording *r, int64_t record,
                       struct xw_buf *b, int *e)
{
    const struct xw_formats_group *g = p->g;
    char note[2 * NOTE_SAMPLES] = {0};
    uint8_t *room = NULL;
    size_t n = 2 * (size_t)p->record_n;
    for (unsigned c = 0; c < g->leads_n && *e == 0; c++) {
        *e = xw_buf_reserve(b, n, &room);
        if (*e < 0)
            return;
        for (int64_t i = 0; i < p->record_n; i++) {
            size_t row = (size_t)(record * p->record_n + i);
            int64_t v = g->rows[row * g->leads_n + c] - p->columns[c].shift;
            room[2 * i] = (uint8_t)v;
            room[2 * i + 1] = (uint8_t)((uint64_t)v >> 8);
        }
        xw_buf_added(b, n);
    }
    double start = (double)record * strtod(p->record_s, NULL) +
                   (r->start.has_time ? r->start.ms_of_day % 1000 / 1000.0 : 0);
    int used = snprintf(note, sizeof(note) - 4, "+%.9g", start);
    memcpy(note + used, "\x14\x14", 2);
    if (*e == 0)
        *e = xw_buf_append(b, note, sizeof(note));
}

int xw_formats_write_edf(const struct xw_formats_recording *r, struct xw_buf *out,
                         struct xw_formats_error *ret_error)
{
    const struct xw_formats_group *g = xw_formats_one_rhythm(r, ret_error);
    struct plan *p = calloc(1, sizeof(*p));
    int e = g ? 0 : -ENOTSUP;
    if (!p)
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    if (e == 0) {
        p->g = g;
        p->record_n = 1;
        e = plan_records(p, ret_error);
    }
    for (unsigned c = 0; e == 0 && c < g->leads_n; c++)
        e = plan_column(g, c, &p->columns[c], ret_error);
    if (e == 0) {
        int64_t records_n = g->samples_n / p->record_n;
        put(out, "0", 8, &e);
        put_identity(r, out, &e);
        put_number(out, XW_FORMATS_EDF_FIXED_BYTES * (2 + (int64_t)g->leads_n), 8, &e);
        put(out, "EDF+C", 44, &e);
        put_number(out, records_n, 8, &e);
        put(out, p->record_s, 8, &e);
        put_number(out, g->leads_n + 1, 4, &e);
        for (int part = LABEL; part <= RESERVED; part++)
            for (unsigned c = 0; c <= g->leads_n; c++)
                put_part(p, r, c, (enum part)part, out, &e);
        for (int64_t i = 0; i < records_n && e == 0; i++)
            put_record(p, r, i, out, &e);
        if (e < 0)
            (void)xw_formats_fail(ret_error, -e, "", "the file would be larger than is written");
    }
    free(p);
    return e;
}
