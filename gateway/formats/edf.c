/* EDF, EDF+ and BDF (24 bits): signals of one rate become a group; records that are not
 * contiguous (EDF+D) become groups of their own. */
#include "formats/edf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_RECORDS = 100 * 1000 * 1000 };

static const char *field(const struct xw_formats_edf *f, unsigned signal, size_t offset,
                         size_t size)
{
    return (const char *)f->data + XW_FORMATS_EDF_FIXED_BYTES + f->signals_n * offset +
           signal * size;
}

/* Positions of a signal's fields, each times the number of signals. */
enum {
    AT_LABEL = 0,
    AT_UNIT = 96,
    AT_PHYS_MIN = 104,
    AT_PHYS_MAX = 112,
    AT_DIG_MIN = 120,
    AT_DIG_MAX = 128,
    AT_FILTER = 136,
    AT_SAMPLES = 216,
};

static int header_fixed(struct xw_formats_edf *f, struct xw_formats_error *ret_error)
{
    int64_t n;
    const char *h = (const char *)f->data;
    if (f->n < XW_FORMATS_EDF_FIXED_BYTES)
        return xw_formats_fail(ret_error, ENODATA, "header", "the file ends within its header");
    f->sample_bytes = f->data[0] == 0xff ? 3 : 2;
    if (xw_formats_whole(h + 252, 4, 1, XW_FORMATS_EDF_MAX_SIGNALS, &n) < 0)
        return xw_formats_fail(ret_error, EBADMSG, "header", "the number of signals is none");
    f->signals_n = (unsigned)n;
    if (xw_formats_whole(h + 184, 8, 512, 1 << 20, &n) < 0 ||
        n != XW_FORMATS_EDF_FIXED_BYTES * (1 + (int64_t)f->signals_n))
        return xw_formats_fail(ret_error, EBADMSG, "header",
                               "the header's length does not fit the number of signals");
    f->header_bytes = (size_t)n;
    if (f->header_bytes > f->n)
        return xw_formats_fail(ret_error, ENODATA, "header", "the file ends within its header");
    if (xw_formats_decimal(h + 244, 8, &f->record_s) < 0 || f->record_s.num < 0)
        return xw_formats_fail(ret_error, EBADMSG, "header", "the duration of a record is none");
    if (xw_formats_whole(h + 236, 8, -1, MAX_RECORDS, &f->records_n) < 0)
        return xw_formats_fail(ret_error, EBADMSG, "header", "the number of records is none");
    return 0;
}

static int header_signals(struct xw_formats_edf *f, struct xw_formats_error *ret_error)
{
    f->record_bytes = 0;
    for (unsigned s = 0; s < f->signals_n; s++) {
        char where[32];
        int64_t n;
        snprintf(where, sizeof(where), "signal %u", s + 1);
        if (xw_formats_whole(field(f, s, AT_SAMPLES, 8), 8, 1, 8 * 1024 * 1024, &n) < 0)
            return xw_formats_fail(ret_error, EBADMSG, where, "the samples of a record are none");
        f->samples[s] = (uint32_t)n;
        f->offset[s] = f->record_bytes;
        f->record_bytes += (size_t)n * f->sample_bytes;
        const char *label = field(f, s, AT_LABEL, 16);
        f->notes[s] = strncmp(label, "EDF Annotations", 15) == 0 ||
                      strncmp(label, "BDF Annotations", 15) == 0;
    }
    return 0;
}

static int count_records(struct xw_formats_edf *f, struct xw_formats_recording *r,
                         struct xw_formats_error *ret_error)
{
    int64_t there = (int64_t)((f->n - f->header_bytes) / f->record_bytes);
    if (f->records_n < 0) {
        f->records_n = there;
        xw_formats_warn(r, "the recording was not finished: the number of records is not stated");
    }
    if (there < f->records_n)
        return xw_formats_fail(ret_error, ENODATA, "header",
                               "%lld records are stated, %lld are there", (long long)f->records_n,
                               (long long)there);
    if (there > f->records_n)
        xw_formats_warn(r, "the file is longer than its %lld records", (long long)f->records_n);
    if (f->records_n == 0)
        return xw_formats_fail(ret_error, ENODATA, "header", "the file holds no records");
    return 0;
}

/* counts = (value - phys_min) x (dig_max - dig_min) / (phys_max - phys_min) + dig_min, exactly. */
static int scale_signal(const struct xw_formats_edf *f, unsigned s, struct xw_formats_lead *lead)
{
    struct xw_wfdb_fraction low;
    struct xw_wfdb_fraction high;
    struct xw_wfdb_fraction step;
    struct xw_wfdb_fraction low_n;
    int64_t dig_low;
    int64_t dig_high;
    char unit[9];
    char label[17];
    xw_formats_text(label, sizeof(label), field(f, s, AT_LABEL, 16), 16);
    xw_formats_text(unit, sizeof(unit), field(f, s, AT_UNIT, 8), 8);
    xw_formats_name_lead(lead, label);
    if (xw_formats_decimal(field(f, s, AT_PHYS_MIN, 8), 8, &low) < 0 ||
        xw_formats_decimal(field(f, s, AT_PHYS_MAX, 8), 8, &high) < 0 ||
        xw_formats_whole(field(f, s, AT_DIG_MIN, 8), 8, -8388608, 8388607, &dig_low) < 0 ||
        xw_formats_whole(field(f, s, AT_DIG_MAX, 8), 8, -8388608, 8388607, &dig_high) < 0 ||
        dig_high <= dig_low)
        return -EBADMSG;
    __int128 span_num = (__int128)high.num * low.den - (__int128)low.num * high.den;
    if (span_num == 0 || xw_formats_fraction(span_num, (__int128)high.den * low.den, &step) < 0 ||
        xw_formats_divide(step, (struct xw_wfdb_fraction){dig_high - dig_low, 1}, &step) < 0)
        return -EBADMSG;
    /* The count of 0: dig_min - phys_min / step. */
    if (xw_formats_divide(low, step, &low_n) < 0 ||
        xw_formats_fraction((__int128)dig_low * low_n.den - low_n.num, low_n.den, &lead->baseline) <
            0)
        return -EBADMSG;
    return xw_formats_set_scale(lead, step, unit);
}

static int32_t sample_at(const struct xw_formats_edf *f, const uint8_t *p)
{
    if (f->sample_bytes == 2)
        return xw_formats_les16(p);
    uint32_t v = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
    return (int32_t)(v << 8) >> 8;
}

/* Signals with as many samples a record as signal `first`, from record `from` to before `to`. */
static int add_signals(const struct xw_formats_edf *f, unsigned first, int64_t from, int64_t to,
                       struct xw_formats_recording *r, struct xw_formats_error *ret_error)
{
    unsigned list[XW_FORMATS_EDF_MAX_SIGNALS];
    unsigned n = 0;
    struct xw_formats_group *g;
    for (unsigned s = first; s < f->signals_n; s++)
        if (!f->notes[s] && f->samples[s] == f->samples[first])
            list[n++] = s;
    int e = xw_formats_add_group(r, XW_FORMATS_RHYTHM, n, f->samples[first] * (to - from), &g,
                                 ret_error);
    if (e < 0)
        return e;
    if (xw_formats_divide((struct xw_wfdb_fraction){f->samples[first], 1}, f->record_s,
                          &g->rate_hz) < 0)
        return xw_formats_fail(ret_error, EBADMSG, "header", "the duration of a record is none");
    for (unsigned c = 0; c < n; c++) {
        char where[32];
        snprintf(where, sizeof(where), "signal %u", list[c] + 1);
        if (scale_signal(f, list[c], &g->leads[c]) < 0)
            return xw_formats_fail(ret_error, EBADMSG, where,
                                   "its physical or digital range is none");
        for (int64_t record = from; record < to; record++) {
            const uint8_t *p =
                f->data + f->header_bytes + (size_t)record * f->record_bytes + f->offset[list[c]];
            size_t row = (size_t)(record - from) * f->samples[first];
            for (uint32_t i = 0; i < f->samples[first]; i++, p += f->sample_bytes)
                g->rows[(row + i) * n + c] = sample_at(f, p);
        }
    }
    return 0;
}

static int add_span(const struct xw_formats_edf *f, int64_t from, int64_t to, int64_t offset_us,
                    struct xw_formats_recording *r, struct xw_formats_error *ret_error)
{
    for (unsigned s = 0; s < f->signals_n; s++) {
        bool seen = f->notes[s];
        for (unsigned before = 0; before < s && !seen; before++)
            seen = !f->notes[before] && f->samples[before] == f->samples[s];
        int e = seen ? 0 : add_signals(f, s, from, to, r, ret_error);
        if (e < 0)
            return e;
        if (!seen)
            r->groups[r->groups_n - 1].offset_us = offset_us;
    }
    return 0;
}

/* EDF+ says the start to the second in its header and the rest of it in the first record. */
static int64_t part_of_a_second(const struct xw_formats_edf *f, struct xw_formats_recording *r)
{
    int64_t us;
    if (!f->plus || !r->start.has_time || r->start.ms_of_day % 1000 ||
        !xw_formats_edf_record_time(f, 0, &us) || us <= 0 || us >= 1000000)
        return 0;
    r->start.ms_of_day += (int32_t)(us / 1000);
    return us;
}

/* EDF+D: a record that does not follow the one before begins a new span. */
static int add_spans(const struct xw_formats_edf *f, struct xw_formats_recording *r,
                     struct xw_formats_error *ret_error)
{
    int64_t from = 0;
    int64_t start_us = 0;
    int64_t us = 0;
    double record_us = 1e6 * xw_formats_double(f->record_s);
    int64_t base_us = part_of_a_second(f, r);
    for (int64_t i = 0; f->plus_d && i < f->records_n; i++) {
        if (!xw_formats_edf_record_time(f, i, &us))
            return xw_formats_fail(ret_error, EBADMSG, "annotations",
                                   "record %lld does not say when it begins", (long long)i + 1);
        if (i == from)
            start_us = us;
        double due = (double)start_us + record_us * (double)(i - from);
        if (i > from && ((double)us > due + 1000 || (double)us < due - 1000)) {
            int e = add_span(f, from, i, start_us - base_us, r, ret_error);
            if (e < 0)
                return e;
            from = i;
            start_us = us;
        }
    }
    return add_span(f, from, f->records_n, f->plus_d ? start_us - base_us : 0, r, ret_error);
}

static void filters(const struct xw_formats_edf *f, struct xw_formats_filters *ret)
{
    char text[81];
    for (unsigned s = 0; s < f->signals_n; s++) {
        xw_formats_text(text, sizeof(text), field(f, s, AT_FILTER, 80), 80);
        for (const char *at = text; *at; at++) {
            double *place = strncasecmp(at, "HP:", 3) == 0   ? &ret->highpass_hz
                            : strncasecmp(at, "LP:", 3) == 0 ? &ret->lowpass_hz
                            : strncasecmp(at, "N:", 2) == 0  ? &ret->notch_hz
                                                             : NULL;
            struct xw_wfdb_fraction hz;
            if (!place)
                continue;
            at = strchr(at, ':') + 1;
            at += strspn(at, " ");
            if (xw_formats_decimal(at, strspn(at, "0123456789."), &hz) == 0)
                *place = xw_formats_double(hz);
            if (!*at)
                break;
        }
    }
}

int xw_formats_read_edf(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                        struct xw_formats_error *ret_error)
{
    struct xw_formats_edf *f = calloc(1, sizeof(*f));
    if (!f)
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    f->data = data;
    f->n = n;
    int e = header_fixed(f, ret_error);
    if (e == 0)
        e = header_signals(f, ret_error);
    if (e == 0) {
        xw_formats_edf_identity(f, r);
        e = count_records(f, r, ret_error);
    }
    if (e == 0 && f->record_s.num == 0)
        e = xw_formats_fail(ret_error, ENODATA, "header", "the file holds annotations alone");
    if (e == 0)
        e = add_spans(f, r, ret_error);
    if (e == 0)
        filters(f, &r->filters);
    if (e == 0 && r->groups_n == 0)
        e = xw_formats_fail(ret_error, ENODATA, "", "the file holds no signal");
    if (e == 0 && !xw_formats_rhythm(r))
        xw_formats_warn(r, "no signal of this file is a voltage");
    free(f);
    return e;
}
