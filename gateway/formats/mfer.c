/* MFER (ISO 22077-1): a list of definitions, read in their order; waveforms take what is defined
 * when they come. The frames are taken apart in mfer_wave.c. */
#include "formats/mfer.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_DEFINITIONS = 1000000, MAX_DEPTH = 4 };

struct element {
    unsigned tag;
    unsigned channel; /* of a channel's attribute */
    const uint8_t *data;
    size_t n;
};

/* The next definition; 1, 0 at the end, or a negative errno. */
static int next_element(const uint8_t **at, const uint8_t *end, struct element *ret)
{
    const uint8_t *p = *at;
    while (p < end && *p == XW_MFER_ZRO)
        p++;
    if (p == end || *p == XW_MFER_END)
        return 0;
    ret->tag = *p++;
    ret->channel = 0;
    for (bool more = ret->tag == XW_MFER_ATT; more; p++) {
        if (p == end || ret->channel > 0xffff)
            return -EBADMSG;
        ret->channel = ret->channel << 7 | (*p & 0x7f);
        more = *p & 0x80;
    }
    if (p == end)
        return -ENODATA;
    size_t length = *p++;
    if (length == 0x80) {
        /* Of unlimited length: up to its end of contents, or of what it stands in. */
        ret->data = p;
        for (ret->n = 0; p + 1 < end && (p[0] || p[1]); p++)
            ret->n++;
        *at = p + 1 < end ? p + 2 : end;
        return 1;
    }
    if (length > 0x80) {
        unsigned bytes = length & 0x7f;
        if (bytes > 4 || (size_t)(end - p) < bytes)
            return -EBADMSG;
        for (length = 0; bytes; bytes--)
            length = length << 8 | *p++;
    }
    if (length > (size_t)(end - p))
        return -ENODATA;
    ret->data = p;
    ret->n = length;
    *at = p + length;
    return 1;
}

int64_t xw_formats_mfer_int(const struct xw_formats_mfer *m, const uint8_t *p, size_t n,
                            bool is_signed)
{
    uint64_t v = 0;
    n = n > 8 ? 8 : n;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[m->little ? n - 1 - i : i];
    if (is_signed && n && n < 8 && v >> (8 * n - 1))
        v |= ~UINT64_C(0) << (8 * n);
    return (int64_t)v;
}

/* Unit, exponent of ten, mantissa. */
static int read_decimal(const struct xw_formats_mfer *m, const struct element *e,
                        unsigned *ret_unit, struct xw_wfdb_fraction *ret)
{
    char text[48];
    if (e->n < 3 || e->n > 6)
        return -EBADMSG;
    *ret_unit = e->data[0];
    snprintf(text, sizeof(text), "%llde%d",
             (long long)xw_formats_mfer_int(m, e->data + 2, e->n - 2, true), (int8_t)e->data[1]);
    return xw_formats_decimal(text, strlen(text), ret) < 0 ? -EBADMSG : 0;
}

static int read_interval(const struct xw_formats_mfer *m, const struct element *e,
                         struct xw_wfdb_fraction *ret_rate_hz)
{
    unsigned unit;
    struct xw_wfdb_fraction v;
    if (read_decimal(m, e, &unit, &v) < 0 || unit > 1 || v.num <= 0)
        return -EBADMSG; /* unit 2 is a distance in space */
    if (unit == 0) {
        *ret_rate_hz = v;
        return 0;
    }
    return xw_formats_divide((struct xw_wfdb_fraction){1, 1}, v, ret_rate_hz);
}

static int read_scale(const struct xw_formats_mfer *m, const struct element *e,
                      struct xw_formats_mfer_channel *c)
{
    static const char *const UNITS[] = {"V", "mm[Hg]", "Pa",  "cm[H2O]", "mm[Hg]/s", "dyn",
                                        "N", "%",      "Cel", "/min",    "/s",       "Ohm",
                                        "A", "{rpm}",  "W",   "dB",      "kg",       "J"};
    unsigned unit;
    if (read_decimal(m, e, &unit, &c->scale) < 0 || c->scale.num == 0)
        return -EBADMSG;
    c->unit = unit < sizeof(UNITS) / sizeof(UNITS[0]) ? UNITS[unit] : "1";
    return 0;
}

/* A definition of the frame or of a sample, of all channels or of one. 1: it was one. */
static int channel_tag(const struct xw_formats_mfer *m, const struct element *e,
                       struct xw_formats_mfer_channel *c)
{
    int64_t v = xw_formats_mfer_int(m, e->data, e->n > 4 ? 4 : e->n, false);
    switch (e->tag) {
    case XW_MFER_BLK:
        c->block_n = e->n ? v : 1;
        return c->block_n < 1 || c->block_n > XW_FORMATS_MAX_SAMPLES ? -EBADMSG : 1;
    case XW_MFER_SEQ:
        c->sequences_n = e->n ? v : 0;
        return 1;
    case XW_MFER_WFM:
        c->wave_type = (unsigned)xw_formats_mfer_int(m, e->data, e->n > 2 ? 2 : e->n, false);
        return 1;
    case XW_MFER_LDN:
        c->lead = e->n ? (int)xw_formats_mfer_int(m, e->data, e->n > 2 ? 2 : e->n, false) : -1;
        c->lead_text[0] = 0;
        if (e->n > 2)
            xw_formats_text(c->lead_text, sizeof(c->lead_text), e->data + 2, e->n - 2);
        return 1;
    case XW_MFER_DTP:
        c->type = e->n ? e->data[0] : 0;
        return c->type > XW_FORMATS_MFER_TYPE_MAX ? -ENOTSUP : 1;
    case XW_MFER_IVL:
        return read_interval(m, e, &c->rate_hz) < 0 ? -EBADMSG : 1;
    case XW_MFER_SEN:
        return read_scale(m, e, c) < 0 ? -EBADMSG : 1;
    case XW_MFER_OFF:
        c->offset = e->n ? xw_formats_mfer_int(m, e->data, e->n, true) : 0;
        return c->offset < INT32_MIN || c->offset > INT32_MAX ? -EBADMSG : 1;
    case XW_MFER_NUL:
        c->has_null = e->n != 0;
        c->null_bits = (uint64_t)xw_formats_mfer_int(m, e->data, e->n, false);
        return 1;
    default:
        return 0;
    }
}

static void name_of(const struct element *e, struct xw_formats_patient *p)
{
    char text[XW_FORMATS_TEXT_BYTES];
    xw_formats_text(text, sizeof(text), e->data, e->n);
    /* Family^its reading^given^its reading^middle … */
    size_t n = strcspn(text, "^");
    snprintf(p->family, sizeof(p->family), "%.*s", (int)n, text);
    const char *at = text + n + (text[n] == '^');
    at += strcspn(at, "^");
    at += *at == '^';
    snprintf(p->given, sizeof(p->given), "%.*s", (int)strcspn(at, "^"), at);
}

static void age_of(const struct xw_formats_mfer *m, const struct element *e,
                   struct xw_formats_patient *p)
{
    if (e->n >= 1 && e->data[0] < 150) {
        double days = e->n >= 3 ? (double)xw_formats_mfer_int(m, e->data + 1, 2, false) : 0;
        p->age_years = e->data[0] + (days <= 366 ? days / 365.2425 : 0);
        p->has_age = e->data[0] != 0 || days > 0;
    }
    if (e->n >= 7)
        (void)xw_formats_set_date(&p->born, xw_formats_mfer_int(m, e->data + 3, 2, false),
                                  e->data[5], e->data[6]);
}

static void time_of(const struct xw_formats_mfer *m, const struct element *e,
                    struct xw_formats_time *t)
{
    const uint8_t *p = e->data;
    if (e->n < 4)
        return;
    (void)xw_formats_set_date(t, xw_formats_mfer_int(m, p, 2, false), p[2], p[3]);
    if (e->n >= 7)
        (void)xw_formats_set_clock(t, p[4], p[5], p[6],
                                   e->n >= 9 ? xw_formats_mfer_int(m, p + 7, 2, false) : 0);
}

static void filter_of(const struct element *e, struct xw_formats_filters *f)
{
    char text[64];
    struct xw_wfdb_fraction hz;
    xw_formats_text(text, sizeof(text), e->data, e->n);
    double *place = strncasecmp(text, "HPF=", 4) == 0   ? &f->highpass_hz
                    : strncasecmp(text, "LPF=", 4) == 0 ? &f->lowpass_hz
                    : strncasecmp(text, "BEF=", 4) == 0 ? &f->notch_hz
                                                        : NULL;
    if (place && xw_formats_decimal(text + 4, strspn(text + 4, "0123456789. "), &hz) == 0)
        *place = xw_formats_double(hz);
}

static void maker_of(const struct element *e, struct xw_formats_device *d)
{
    char text[XW_FORMATS_TEXT_BYTES];
    char *places[] = {d->maker, d->model, d->software, d->serial};
    xw_formats_text(text, sizeof(text), e->data, e->n);
    const char *at = text;
    for (size_t i = 0; i < 4; i++) {
        size_t n = strcspn(at, "^");
        xw_formats_text(places[i], XW_FORMATS_NAME_BYTES, at, n);
        at += n + (at[n] == '^');
    }
}

/* What belongs to the whole file. */
static int file_tag(struct xw_formats_mfer *m, const struct element *e)
{
    struct xw_formats_recording *r = m->recording;
    char text[XW_FORMATS_TEXT_BYTES];
    switch (e->tag) {
    case XW_MFER_BLE:
        m->little = e->n && e->data[0] == 1;
        return e->n > 1 || (e->n && e->data[0] > 1) ? -EBADMSG : 0;
    case XW_MFER_VER:
        if (e->n >= 3)
            snprintf(r->version, sizeof(r->version), "%u.%u.%u", e->data[0], e->data[1],
                     e->data[2]);
        return 0;
    case XW_MFER_CHN:
        m->channels_n =
            e->n ? (unsigned)xw_formats_mfer_int(m, e->data, e->n > 4 ? 4 : e->n, false) : 1;
        /* A new number of channels takes all their attributes back. */
        for (unsigned c = 0; c < XW_FORMATS_MAX_LEADS; c++)
            m->own_n[c] = 0;
        return m->channels_n < 1 || m->channels_n > XW_FORMATS_MAX_LEADS ? -EOVERFLOW : 0;
    case XW_MFER_CMP:
        return e->n && xw_formats_mfer_int(m, e->data, e->n > 2 ? 2 : e->n, false) != 0 ? -ENOTSUP
                                                                                        : 0;
    case XW_MFER_FLT:
        filter_of(e, &r->filters);
        return 0;
    case XW_MFER_MAN:
        maker_of(e, &r->device);
        return 0;
    case XW_MFER_PNM:
        name_of(e, &r->patient);
        return 0;
    case XW_MFER_PID:
        xw_formats_text(text, sizeof(text), e->data, e->n);
        snprintf(r->patient.id, sizeof(r->patient.id), "%.*s", (int)strcspn(text, "^"), text);
        return 0;
    case XW_MFER_AGE:
        age_of(m, e, &r->patient);
        return 0;
    case XW_MFER_SEX:
        r->patient.sex = e->n && e->data[0] == 1 ? 'M' : e->n && e->data[0] == 2 ? 'F' : (char)0;
        return 0;
    case XW_MFER_TIM:
        time_of(m, e, &r->start);
        return 0;
    case XW_MFER_MSS:
        xw_formats_text(text, sizeof(text), e->data, e->n);
        xw_formats_add_statement(r, "", text);
        return 0;
    default:
        return 0;
    }
}

/* The attributes of one channel are kept as they came, and read when a waveform needs them: what
 * is defined for all later on does not change what a channel has of its own. */
static int keep_attributes(struct xw_formats_mfer *m, const struct element *e)
{
    unsigned c = e->channel;
    if (c >= m->channels_n)
        return 0;
    if (m->own_n[c] == XW_FORMATS_MFER_OWN_MAX)
        return -EOVERFLOW;
    m->own[c][m->own_n[c]].data = e->data;
    m->own[c][m->own_n[c]].n = e->n;
    m->own[c][m->own_n[c]++].little = m->little;
    return 0;
}

int xw_formats_mfer_channel(const struct xw_formats_mfer *m, unsigned channel,
                            struct xw_formats_mfer_channel *ret)
{
    *ret = m->all;
    if (channel > 0)
        ret->lead = -1; /* a lead of all is the first channel's */
    for (unsigned i = 0; i < m->own_n[channel]; i++) {
        struct xw_formats_mfer as = *m;
        const uint8_t *at = m->own[channel][i].data;
        const uint8_t *end = at + m->own[channel][i].n;
        struct element e;
        int result;
        as.little = m->own[channel][i].little;
        while ((result = next_element(&at, end, &e)) == 1) {
            if (e.tag == XW_MFER_BLE && e.n == 1)
                as.little = e.data[0] == 1;
            result = channel_tag(&as, &e, ret);
            if (result < 0)
                return result;
        }
        if (result < 0)
            return result;
    }
    return 0;
}

static int failed(int error, unsigned tag, size_t at, struct xw_formats_error *ret_error)
{
    char where[48];
    snprintf(where, sizeof(where), "byte %zu, tag %02Xh", at, tag);
    return xw_formats_fail(ret_error, -error, where, "%s",
                           error == -ENODATA     ? "the file ends within a definition"
                           : error == -ENOTSUP   ? "a compression or type of data that is not read"
                           : error == -EOVERFLOW ? "more channels or attributes than can be taken"
                                                 : "a definition that cannot be right");
}

static int walk(struct xw_formats_mfer *m, const uint8_t *data, size_t n,
                struct xw_formats_error *ret_error)
{
    const uint8_t *at = data;
    struct element e = {0};
    int result = 1;
    for (unsigned count = 0; (result = next_element(&at, data + n, &e)) == 1; count++) {
        size_t place = (size_t)(e.data - data);
        if (count == MAX_DEFINITIONS)
            return failed(-EOVERFLOW, e.tag, place, ret_error);
        if (e.tag == XW_MFER_WAV) {
            result = xw_formats_mfer_frame(m, e.data, e.n, ret_error);
            if (result < 0)
                return result;
            continue;
        }
        result = e.tag == XW_MFER_ATT ? keep_attributes(m, &e) : channel_tag(m, &e, &m->all);
        if (result == 0 && e.tag != XW_MFER_ATT)
            result = file_tag(m, &e);
        if (result < 0)
            return failed(result, e.tag, place, ret_error);
    }
    return result < 0 ? failed(result, e.tag, (size_t)(at - data), ret_error) : 0;
}

int xw_formats_read_mfer(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                         struct xw_formats_error *ret_error)
{
    struct xw_formats_mfer *m = calloc(1, sizeof(*m));
    if (!m)
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    m->recording = r;
    m->channels_n = 1;
    /* What holds until the file says otherwise: 1 kHz, 1 uV. */
    m->all = (struct xw_formats_mfer_channel){
        .block_n = 1, .lead = -1, .rate_hz = {1000, 1}, .scale = {1, 1000000}, .unit = "V"};
    int e = walk(m, data, n, ret_error);
    free(m);
    for (unsigned i = 0; e == 0 && i < r->groups_n; i++)
        if (r->groups[i].kind == XW_FORMATS_RHYTHM)
            e = xw_formats_derive_limb_leads(r, &r->groups[i], ret_error);
    if (e == 0 && r->groups_n == 0)
        e = xw_formats_fail(ret_error, ENODATA, "", "the file holds no waveform");
    return e;
}
