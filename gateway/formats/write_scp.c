/* Writes SCP-ECG: sections 0, 1, 3, 6 and 7; plain 16-bit samples, or, where a lead of them would
 * not fit its 16-bit length, second differences in the default Huffman code (section 2). */
#include "formats/scp.h"
#include "formats/write.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROTOCOL = 20,
    POINTERS_N = 12,
    MAX_LEAD_BYTES = 65534,
    MAX_SECTION_BYTES = 16 * 1024 * 1024
};

struct plan {
    const struct xw_formats_group *g;
    uint16_t nv, step_us;
    bool huffman;
};

static void put16(struct xw_buf *b, unsigned v, int *e)
{
    uint8_t p[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
    if (*e == 0)
        *e = xw_buf_append(b, p, 2);
}

static void put32(struct xw_buf *b, uint32_t v, int *e)
{
    put16(b, v & 0xffff, e);
    put16(b, v >> 16, e);
}

static void put8(struct xw_buf *b, unsigned v, int *e)
{
    uint8_t p = (uint8_t)v;
    if (*e == 0)
        *e = xw_buf_append(b, &p, 1);
}

/* One amplitude for all leads, in whole nV: what they have in common, else one no coarser than any
 * lead's own, so that rounding costs half a count at most. */
static int choose_amplitude(struct plan *p, struct xw_formats_error *ret_error)
{
    int64_t common = 0;
    double least = 65535;
    for (unsigned c = 0; c < p->g->leads_n; c++) {
        const struct xw_formats_lead *l = &p->g->leads[c];
        struct xw_wfdb_fraction nv;
        if (strcmp(l->unit, "mV") != 0)
            return xw_formats_fail(ret_error, ERANGE, l->name, "SCP-ECG holds voltages alone");
        if (xw_formats_divide((struct xw_wfdb_fraction){1000000, 1}, l->gain, &nv) < 0)
            return xw_formats_fail(ret_error, ERANGE, l->name, "its gain cannot be written");
        double size = fabs(xw_formats_double(nv));
        least = size < least ? size : least;
        int64_t a = nv.den == 1 ? llabs(nv.num) : 1;
        while (a) {
            int64_t t = common % a;
            common = a;
            a = t;
        }
    }
    if (least < 1)
        return xw_formats_fail(ret_error, ERANGE, "", "counts of less than 1 nV");
    /* Something that all divide, but not so fine that the counts grow beyond reason. */
    p->nv = (uint16_t)(common <= 65535 && (double)common > least / 5 ? common : (int64_t)least);
    return 0;
}

static int choose(const struct xw_formats_group *g, struct plan *p,
                  struct xw_formats_error *ret_error)
{
    struct xw_wfdb_fraction step;
    p->g = g;
    if (g->leads_n > 255 || g->samples_n > UINT32_MAX)
        return xw_formats_fail(ret_error, ERANGE, "",
                               "more leads or samples than SCP-ECG can hold");
    if (xw_formats_divide((struct xw_wfdb_fraction){1000000, 1}, g->rate_hz, &step) < 0 ||
        step.den != 1 || step.num > 65535)
        return xw_formats_fail(ret_error, ERANGE, "",
                               "the time between samples is not a whole number of us below 65536, "
                               "as SCP-ECG needs it");
    p->step_us = (uint16_t)step.num;
    p->huffman = 2 * g->samples_n > MAX_LEAD_BYTES;
    return choose_amplitude(p, ret_error);
}

static int convert(const struct plan *p, unsigned c, int32_t *out,
                   struct xw_formats_error *ret_error)
{
    const struct xw_formats_lead *l = &p->g->leads[c];
    for (int64_t i = 0; i < p->g->samples_n; i++) {
        int32_t count = p->g->rows[(size_t)i * p->g->leads_n + c];
        double v =
            count == XW_FORMATS_NO_SAMPLE ? NAN : round(xw_formats_value(l, count) * 1e6 / p->nv);
        if (isnan(v))
            return xw_formats_fail(ret_error, ERANGE, l->name,
                                   "samples are missing, which SCP-ECG cannot say");
        if (v < INT16_MIN || v > INT16_MAX)
            return xw_formats_fail(ret_error, ERANGE, l->name, "a value does not fit 16 bits");
        out[i] = (int32_t)v;
    }
    return 0;
}

struct bit_writer {
    struct xw_buf *b;
    uint32_t bits;
    unsigned n;
    int e;
};

static void put_bits(struct bit_writer *w, uint32_t value, unsigned n)
{
    for (unsigned i = n; i-- > 0;) {
        w->bits = w->bits << 1 | (value >> i & 1);
        if (++w->n == 8) {
            put8(w->b, w->bits & 0xff, &w->e);
            w->n = 0;
        }
    }
}

static void put_code(struct bit_writer *w, int32_t v)
{
    unsigned k = (unsigned)(v < 0 ? -v : v);
    if (k == 0)
        put_bits(w, 0, 1);
    else if (k <= 8)
        put_bits(w, ((1u << k) - 1) << 2 | (v < 0), k + 2);
    else if (v >= INT8_MIN && v <= INT8_MAX)
        put_bits(w, 0x3feu << 8 | ((uint32_t)v & 0xff), 18);
    else
        put_bits(w, 0x3ffu << 16 | ((uint32_t)v & 0xffff), 26);
}

static int encode_lead(const struct plan *p, unsigned c, const int32_t *v, struct xw_buf *b,
                       struct xw_formats_error *ret_error)
{
    struct bit_writer w = {b, 0, 0, 0};
    int e = 0;
    if (!p->huffman) {
        for (int64_t i = 0; i < p->g->samples_n; i++)
            put16(b, (uint16_t)v[i], &e);
        return e;
    }
    for (int64_t i = 0; i < p->g->samples_n; i++) {
        int64_t d = i < 2 ? v[i] : (int64_t)v[i] - 2 * (int64_t)v[i - 1] + v[i - 2];
        if (d < INT16_MIN || d > INT16_MAX)
            return xw_formats_fail(ret_error, ERANGE, p->g->leads[c].name,
                                   "it changes faster than 16 bits can say");
        put_code(&w, (int32_t)d);
    }
    if (w.n)
        put_bits(&w, 0, 8 - w.n);
    if (b->n % 2)
        put8(b, 0, &w.e);
    return w.e;
}

static int put_rhythm(const struct plan *p, struct xw_buf *b, struct xw_formats_error *ret_error)
{
    struct xw_buf data;
    int e = 0;
    int32_t *v = calloc((size_t)p->g->samples_n, sizeof(*v));
    if (!v)
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    xw_buf_init(&data, MAX_SECTION_BYTES);
    put16(b, p->nv, &e);
    put16(b, p->step_us, &e);
    put8(b, p->huffman ? 2 : 0, &e);
    put8(b, 0, &e);
    for (unsigned c = 0; c < p->g->leads_n && e == 0; c++) {
        size_t before = data.n;
        e = convert(p, c, v, ret_error);
        if (e == 0)
            e = encode_lead(p, c, v, &data, ret_error);
        if (e == 0 && data.n - before > MAX_LEAD_BYTES)
            e = xw_formats_fail(ret_error, ERANGE, p->g->leads[c].name,
                                "it is longer than SCP-ECG can hold");
        put16(b, (unsigned)(data.n - before), &e);
    }
    if (e == 0)
        e = xw_buf_append(b, data.data, data.n);
    xw_buf_done(&data);
    free(v);
    return e;
}

static int put_leads(const struct plan *p, struct xw_buf *b, struct xw_formats_error *ret_error)
{
    int e = 0;
    put8(b, p->g->leads_n, &e);
    put8(b, 4 | (p->g->leads_n < 32 ? p->g->leads_n << 3 : 0), &e); /* all at the same time */
    for (unsigned c = 0; c < p->g->leads_n; c++) {
        unsigned number = xw_formats_lead_number(p->g->leads[c].code);
        if (number == 0 || number > 255)
            return xw_formats_fail(ret_error, ERANGE, p->g->leads[c].name,
                                   "a lead that SCP-ECG has no number for");
        put32(b, 1, &e);
        put32(b, (uint32_t)p->g->samples_n, &e);
        put8(b, number, &e);
    }
    return e;
}

static void put_tag(struct xw_buf *b, unsigned number, const void *data, size_t n, int *e)
{
    put8(b, number, e);
    put16(b, (unsigned)n, e);
    if (*e == 0 && n)
        *e = xw_buf_append(b, data, n);
}

static void put_text_tag(struct xw_buf *b, unsigned number, const char *text, int *e)
{
    if (*text)
        put_tag(b, number, text, strlen(text) + 1, e);
}

static void put_date_tag(struct xw_buf *b, unsigned number, const struct xw_formats_time *t, int *e)
{
    uint8_t p[4] = {(uint8_t)t->year, (uint8_t)(t->year >> 8), (uint8_t)t->month, (uint8_t)t->day};
    if (t->has_date)
        put_tag(b, number, p, 4, e);
}

/* Tag 14, fixed fields first: institution, department, device, a cart, a maker told by its text. */
static void put_machine(struct xw_buf *b, const struct xw_formats_device *d, int *e)
{
    const char *texts[] = {"", d->serial, d->software, "xinwang", d->maker};
    struct xw_buf tag;
    uint8_t fixed[36] = {0};
    int inner = 0;
    fixed[7] = 255;
    memcpy(fixed + 8, d->model, strnlen(d->model, 5));
    fixed[14] = PROTOCOL;
    fixed[15] = 0xa0;
    fixed[17] = 0xc0;
    fixed[35] = 1; /* of the analysing program's revision, its NUL alone */
    xw_buf_init(&tag, 1024);
    inner = xw_buf_append(&tag, fixed, sizeof(fixed));
    for (size_t i = 0; i < 5 && inner == 0; i++)
        inner = xw_buf_append(&tag, texts[i], strlen(texts[i]) + 1);
    if (inner == 0)
        put_tag(b, 14, tag.data, tag.n, e);
    else
        *e = *e ? *e : inner;
    xw_buf_done(&tag);
}

static int put_identity(const struct xw_formats_recording *r, struct xw_buf *b)
{
    int e = 0;
    const struct xw_formats_patient *p = &r->patient;
    uint8_t sex = p->sex == 'M' ? 1 : p->sex == 'F' ? 2 : p->sex == 'O' ? 9 : 0;
    unsigned years =
        p->has_age && p->age_years >= 0 && p->age_years < 200 ? (unsigned)p->age_years : 0;
    uint8_t age[3] = {(uint8_t)years, 0, 1};
    unsigned hundredths = (unsigned)(r->filters.highpass_hz * 100 + 0.5) & 0xffff;
    unsigned low = (unsigned)(r->filters.lowpass_hz + 0.5) & 0xffff;
    uint8_t notch = r->filters.notch_hz > 55 ? 1 : r->filters.notch_hz > 0 ? 2 : 0;
    put_text_tag(b, 0, p->family, &e);
    put_text_tag(b, 1, p->given, &e);
    put_tag(b, 2, p->id, strlen(p->id) + 1, &e);
    if (p->has_age)
        put_tag(b, 4, age, 3, &e);
    put_date_tag(b, 5, &p->born, &e);
    put_tag(b, 8, &sex, 1, &e);
    put_machine(b, &r->device, &e);
    put_date_tag(b, 25, &r->start, &e);
    if (r->start.has_time) {
        int32_t s = r->start.ms_of_day / 1000;
        uint8_t clock[3] = {(uint8_t)(s / 3600), (uint8_t)(s / 60 % 60), (uint8_t)(s % 60)};
        put_tag(b, 26, clock, 3, &e);
    }
    uint8_t two[2] = {(uint8_t)hundredths, (uint8_t)(hundredths >> 8)};
    if (hundredths)
        put_tag(b, 27, two, 2, &e);
    two[0] = (uint8_t)low;
    two[1] = (uint8_t)(low >> 8);
    if (low)
        put_tag(b, 28, two, 2, &e);
    put_tag(b, 29, &notch, 1, &e);
    if (r->start.has_zone) {
        uint8_t zone[5] = {(uint8_t)r->start.zone_min, (uint8_t)((uint16_t)r->start.zone_min >> 8)};
        put_tag(b, 34, zone, 5, &e);
    }
    put8(b, 255, &e);
    put16(b, 0, &e);
    return e;
}

static void put_measure(const struct xw_formats_recording *r, enum xw_formats_measure_code code,
                        struct xw_buf *b, int *e)
{
    double v;
    bool have = xw_formats_find_measure(r, code, &v) && v > -29000 && v < 29000;
    put16(b, (uint16_t)(int16_t)(have ? lround(v) : XW_FORMATS_SCP_NONE), e);
}

/* Section 7 has points in time within a beat, not intervals: they are laid out from 200 ms on. */
static int put_findings(const struct xw_formats_recording *r, struct xw_buf *b)
{
    int e = 0;
    double pr;
    double qrs;
    double qt;
    double p;
    double unused;
    int none = XW_FORMATS_SCP_NONE;
    bool has_pr = xw_formats_find_measure(r, XW_FORMATS_PR, &pr);
    bool has_qrs = xw_formats_find_measure(r, XW_FORMATS_QRS, &qrs);
    bool has_qt = xw_formats_find_measure(r, XW_FORMATS_QT, &qt);
    bool has_p = xw_formats_find_measure(r, XW_FORMATS_P_DURATION, &p);
    long onset = 200 + (has_pr ? lround(pr) : 0);
    put8(b, 1, &e);
    put8(b, 0, &e);
    put_measure(r, XW_FORMATS_RR, b, &e);
    put_measure(r, XW_FORMATS_PP, b, &e);
    put16(b, (uint16_t)(has_pr ? 200 : none), &e);
    put16(b, (uint16_t)(has_pr && has_p ? 200 + lround(p) : none), &e);
    put16(b, (uint16_t)(has_pr || has_qrs || has_qt ? onset : none), &e);
    put16(b, (uint16_t)(has_qrs ? onset + lround(qrs) : none), &e);
    put16(b, (uint16_t)(has_qt ? onset + lround(qt) : none), &e);
    put_measure(r, XW_FORMATS_P_AXIS, b, &e);
    put_measure(r, XW_FORMATS_QRS_AXIS, b, &e);
    put_measure(r, XW_FORMATS_T_AXIS, b, &e);
    put16(b, 0, &e);
    put_measure(r, XW_FORMATS_HEART_RATE, b, &e);
    put_measure(r, XW_FORMATS_ATRIAL_RATE, b, &e);
    bool bazett = xw_formats_find_measure(r, XW_FORMATS_QTC_BAZETT, &unused);
    put_measure(r, bazett ? XW_FORMATS_QTC_BAZETT : XW_FORMATS_QTC, b, &e);
    put8(b, bazett ? 1 : 0, &e);
    put16(b, 0, &e);
    return e;
}

static int put_content(const struct xw_formats_recording *r, const struct plan *p, unsigned section,
                       struct xw_buf *b, struct xw_formats_error *ret_error)
{
    int e = 0;
    switch (section) {
    case 1:
        return put_identity(r, b);
    case 2:
        if (p->huffman)
            put16(b, 19999, &e);
        return e;
    case 3:
        return put_leads(p, b, ret_error);
    case 6:
        return put_rhythm(p, b, ret_error);
    case 7:
        return r->measures_n ? put_findings(r, b) : 0;
    default:
        return 0;
    }
}

static void seal(uint8_t *section, unsigned number, size_t n)
{
    uint8_t header[XW_FORMATS_SCP_HEADER_BYTES] = {0};
    header[2] = (uint8_t)number;
    for (int i = 0; i < 4; i++)
        header[4 + i] = (uint8_t)(n >> 8 * i);
    header[8] = header[9] = PROTOCOL;
    if (number == 0)
        memcpy(header + 10, "SCPECG", 6);
    memcpy(section, header, sizeof(header));
    uint16_t crc = xw_formats_scp_crc(section + 2, n - 2);
    section[0] = (uint8_t)crc;
    section[1] = (uint8_t)(crc >> 8);
}

static int put_section(const struct xw_formats_recording *r, const struct plan *p, unsigned number,
                       struct xw_buf *b, struct xw_formats_error *ret_error)
{
    static const uint8_t EMPTY[XW_FORMATS_SCP_HEADER_BYTES] = {0};
    size_t start = b->n;
    int e = xw_buf_append(b, EMPTY, sizeof(EMPTY));
    if (e == 0)
        e = put_content(r, p, number, b, ret_error);
    if (e < 0)
        return e;
    if (b->n - start == sizeof(EMPTY)) {
        b->n = start;
        return 0;
    }
    if ((b->n - start) % 2)
        put8(b, 0, &e);
    if (e == 0)
        seal(b->data + start, number, b->n - start);
    return e;
}

int xw_formats_write_scp(const struct xw_formats_recording *r, struct xw_buf *out,
                         struct xw_formats_error *ret_error)
{
    struct plan p = {0};
    const struct xw_formats_group *g = xw_formats_one_rhythm(r, ret_error);
    static const uint8_t ZEROS[6 + XW_FORMATS_SCP_HEADER_BYTES + 10 * POINTERS_N] = {0};
    uint32_t places[POINTERS_N] = {7};
    uint32_t lengths[POINTERS_N] = {sizeof(ZEROS) - 6};
    int e = g ? choose(g, &p, ret_error) : -ENOTSUP;
    if (e == 0)
        e = xw_buf_append(out, ZEROS, sizeof(ZEROS));
    for (unsigned s = 1; s < POINTERS_N && e == 0; s++) {
        places[s] = (uint32_t)out->n + 1;
        e = put_section(r, &p, s, out, ret_error);
        lengths[s] = (uint32_t)out->n + 1 - places[s];
    }
    if (e < 0)
        return e;
    for (unsigned s = 0; s < POINTERS_N; s++) {
        uint8_t *at = out->data + 22 + 10 * (size_t)s;
        at[0] = (uint8_t)s;
        for (int i = 0; i < 4; i++) {
            at[2 + i] = (uint8_t)(lengths[s] >> 8 * i);
            at[6 + i] = (uint8_t)(lengths[s] ? places[s] >> 8 * i : 0);
        }
    }
    seal(out->data + 6, 0, lengths[0]);
    for (int i = 0; i < 4; i++)
        out->data[2 + i] = (uint8_t)(out->n >> 8 * i);
    uint16_t crc = xw_formats_scp_crc(out->data + 2, out->n - 2);
    out->data[0] = (uint8_t)crc;
    out->data[1] = (uint8_t)(crc >> 8);
    return 0;
}
