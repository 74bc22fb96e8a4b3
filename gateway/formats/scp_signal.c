/* SCP-ECG sections 3 to 6: leads, reference beat, rhythm, and how they are put together again. */
#include "formats/scp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LEADS = XW_FORMATS_MAX_LEADS, MAX_BEATS = 4096, DATA_HEADER_BYTES = 6 };

struct lead {
    int64_t first, last; /* sample numbers, from 1 (or, sloppily, from 0) */
    unsigned number;
};

/* Sections 5 and 6 look alike. */
struct data {
    unsigned nv;      /* a count */
    unsigned step_us; /* from sample to sample */
    unsigned order;   /* of differences */
    bool bimodal;
    const uint8_t *at[MAX_LEADS];
    size_t n[MAX_LEADS];
};

struct beat {
    unsigned type;
    int64_t first, fiducial,
        last; /* samples of the rhythm that the reference beat was taken from */
    int64_t quiet_first, quiet_last; /* protected from decimation */
};

struct scp {
    unsigned leads_n;
    bool subtracted;
    struct lead leads[MAX_LEADS];
    int64_t beat_ms, beat_fiducial;
    unsigned beats_n;
    struct beat *beats;
    struct xw_formats_scp_tables *tables;
    struct data reference, rhythm;
    bool has_reference;
};

static int read_leads(const struct xw_formats_scp_section *s, struct scp *f,
                      struct xw_formats_error *ret_error)
{
    if (s->n < 2)
        return xw_formats_fail(ret_error, ENODATA, "section 3", "the file describes no leads");
    f->leads_n = s->data[0];
    f->subtracted = s->data[1] & 1;
    if (f->leads_n < 1 || f->leads_n > MAX_LEADS || (s->n - 2) / 9 < f->leads_n)
        return xw_formats_fail(ret_error, EBADMSG, "section 3", "%u leads do not fit the section",
                               f->leads_n);
    for (unsigned c = 0; c < f->leads_n; c++) {
        const uint8_t *p = s->data + 2 + 9 * (size_t)c;
        f->leads[c].first = xw_formats_le32(p);
        f->leads[c].last = xw_formats_le32(p + 4);
        f->leads[c].number = p[8];
        if (f->leads[c].last < f->leads[c].first ||
            f->leads[c].last - f->leads[c].first >= XW_FORMATS_MAX_SAMPLES)
            return xw_formats_fail(ret_error, EBADMSG, "section 3",
                                   "lead %u begins after its end, or is too long", c + 1);
    }
    return 0;
}

static int read_beats(const struct xw_formats_scp_section *s, struct scp *f,
                      struct xw_formats_error *ret_error)
{
    if (s->n < 6)
        return 0;
    f->beat_ms = xw_formats_le16(s->data);
    f->beat_fiducial = xw_formats_le16(s->data + 2);
    unsigned n = xw_formats_le16(s->data + 4);
    if (n == 0)
        return 0;
    if (n > MAX_BEATS || (s->n - 6) / 14 < n)
        return xw_formats_fail(ret_error, EBADMSG, "section 4", "%u beats do not fit the section",
                               n);
    f->beats = calloc(n, sizeof(*f->beats));
    if (!f->beats)
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    f->beats_n = n;
    const uint8_t *zones = s->data + 6 + 14 * (size_t)n;
    bool have_zones = (s->n - 6 - 14 * (size_t)n) / 8 >= n;
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *p = s->data + 6 + 14 * (size_t)i;
        struct beat *b = &f->beats[i];
        b->type = xw_formats_le16(p);
        b->first = xw_formats_le32(p + 2);
        b->fiducial = xw_formats_le32(p + 6);
        b->last = xw_formats_le32(p + 10);
        b->quiet_first = have_zones ? xw_formats_le32(zones + 8 * (size_t)i) : 1;
        b->quiet_last = have_zones ? xw_formats_le32(zones + 8 * (size_t)i + 4) : 0;
    }
    return 0;
}

static int read_data(const struct xw_formats_scp_section *s, const char *where, unsigned leads_n,
                     struct data *d, struct xw_formats_error *ret_error)
{
    size_t at = DATA_HEADER_BYTES + 2 * (size_t)leads_n;
    if (s->n < at)
        return xw_formats_fail(ret_error, ENODATA, where, "it ends before its data");
    d->nv = xw_formats_le16(s->data);
    d->step_us = xw_formats_le16(s->data + 2);
    d->order = s->data[4];
    d->bimodal = s->data[5] == 1;
    if (d->nv == 0 || d->step_us == 0 || d->order > 2)
        return xw_formats_fail(ret_error, EBADMSG, where,
                               "its amplitude, time or differences are none");
    for (unsigned c = 0; c < leads_n; c++) {
        d->at[c] = s->data + at;
        d->n[c] = xw_formats_le16(s->data + DATA_HEADER_BYTES + 2 * (size_t)c);
        if (d->n[c] > s->n - at)
            return xw_formats_fail(ret_error, ENODATA, where, "lead %u ends behind the section",
                                   c + 1);
        at += d->n[c];
    }
    return 0;
}

/* Decoded values of one lead. Returns how many, or a negative errno. */
static int64_t values_of(const struct scp *f, const struct data *d, unsigned c, int64_t want,
                         const char *section, int32_t *out, struct xw_formats_error *ret_error)
{
    char where[32];
    int64_t n = xw_formats_scp_decode(f->tables, d->at[c], d->n[c], want, out);
    snprintf(where, sizeof(where), "%s, lead %u", section, c + 1);
    if (n < 0)
        return xw_formats_fail(ret_error, EBADMSG, where, "a code of none of the tables");
    if (xw_formats_scp_integrate(out, n, d->order) < 0)
        return xw_formats_fail(ret_error, EBADMSG, where, "its differences lead out of all range");
    return n;
}

static void name_lead(const struct scp *f, unsigned c, struct xw_formats_lead *lead)
{
    char text[32];
    if (xw_formats_name_lead_number(lead, f->leads[c].number))
        return;
    snprintf(text, sizeof(text), "SCP %u", f->leads[c].number);
    xw_formats_name_lead(lead, text);
}

static int add_reference(const struct scp *f, struct xw_formats_recording *r,
                         struct xw_formats_group **ret_group, struct xw_formats_error *ret_error)
{
    int64_t n = f->beat_ms * 1000 / f->reference.step_us + 1;
    int32_t *values = malloc(sizeof(*values) * (size_t)n);
    if (!values)
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    int e = xw_formats_add_group(r, XW_FORMATS_MEDIAN, f->leads_n, n, ret_group, ret_error);
    for (unsigned c = 0; e == 0 && c < f->leads_n; c++) {
        int64_t got = values_of(f, &f->reference, c, n, "section 5", values, ret_error);
        e = got < 0 ? (int)got : 0;
        for (int64_t i = 0; i < got; i++)
            (*ret_group)->rows[(size_t)i * f->leads_n + c] = values[i];
        name_lead(f, c, &(*ret_group)->leads[c]);
        if (e == 0)
            e = xw_formats_set_scale(&(*ret_group)->leads[c],
                                     (struct xw_wfdb_fraction){f->reference.nv, 1}, "nV");
    }
    free(values);
    if (e == 0)
        (*ret_group)->rate_hz = (struct xw_wfdb_fraction){1000000, f->reference.step_us};
    return e;
}

static const struct beat *zone_at(const struct scp *f, int64_t number)
{
    for (unsigned i = 0; i < f->beats_n; i++)
        if (number >= f->beats[i].quiet_first && number <= f->beats[i].quiet_last)
            return &f->beats[i];
    return NULL;
}

static int32_t between(int32_t a, int32_t b, int64_t i, int64_t n)
{
    int64_t twice = 2 * ((int64_t)b - a) * i;
    return (int32_t)(a + (twice + (twice < 0 ? -n : n)) / (2 * n));
}

/* One stretch of decimated values, each the mean of `times` samples: straight lines from centre to
 * centre, level at both ends. */
static void stretch(const int32_t *in, int64_t in_n, unsigned times, int32_t *out, int64_t out_n)
{
    for (int64_t i = 0; i < out_n; i++) {
        int64_t twice = 2 * i + 1 - times; /* twice the distance from the first centre */
        int64_t k = twice < 0 ? -1 : twice / (2 * (int64_t)times);
        if (k < 0)
            out[i] = in[0];
        else if (k + 1 >= in_n)
            out[i] = in[in_n - 1];
        else
            out[i] = between(in[k], in[k + 1], twice - 2 * k * (int64_t)times, 2 * (int64_t)times);
    }
}

/* From what section 6 holds to samples at the rate of the reference beat. Returns the samples. */
static int64_t restore(const struct scp *f, const int32_t *in, int64_t in_n, unsigned times,
                       int64_t first, int32_t *out, int64_t out_n)
{
    int64_t o = 0;
    int64_t i = 0;
    while (i < in_n && o < out_n) {
        if (f->rhythm.bimodal && zone_at(f, first + o)) {
            out[o++] = in[i++];
            continue;
        }
        int64_t from = i;
        int64_t begin = o;
        while (i < in_n && o < out_n && !(f->rhythm.bimodal && zone_at(f, first + o))) {
            i++;
            o += times;
        }
        o = o < out_n ? o : out_n;
        stretch(in + from, i - from, times, out + begin, o - begin);
    }
    return o;
}

/* Adds the reference beat wherever it was taken away. Both are in the rhythm's counts by now. */
static void add_beats(const struct scp *f, const struct xw_formats_group *reference, unsigned c,
                      int64_t first, int64_t scale_num, int64_t scale_den, int32_t *values,
                      int64_t n)
{
    for (unsigned i = 0; i < f->beats_n; i++) {
        const struct beat *b = &f->beats[i];
        for (int64_t s = b->first; b->type == 0 && s <= b->last && s - first < n; s++) {
            int64_t at = s - b->fiducial + f->beat_fiducial - 1;
            if (s < first || at < 0 || at >= reference->samples_n)
                continue;
            int64_t v = reference->rows[(size_t)at * reference->leads_n + c];
            if (v == XW_FORMATS_NO_SAMPLE)
                continue;
            v = values[s - first] + v * scale_num / scale_den;
            if (v > INT32_MIN / 2 && v < INT32_MAX / 2)
                values[s - first] = (int32_t)v;
        }
    }
}

/* How often section 6 was decimated against section 5, and the amplitude of both in one unit. */
static int relation(const struct scp *f, unsigned *ret_times, struct xw_formats_recording *r,
                    struct xw_formats_error *ret_error)
{
    const struct data *d = &f->rhythm;
    *ret_times = 1;
    if (f->subtracted && !f->has_reference)
        return xw_formats_fail(ret_error, ENODATA, "section 5",
                               "the reference beat that was taken away is not in the file");
    if (f->has_reference && (f->subtracted || d->bimodal) && d->step_us > f->reference.step_us) {
        if (d->step_us % f->reference.step_us || d->step_us / f->reference.step_us > 8)
            return xw_formats_fail(ret_error, ENOTSUP, "section 6",
                                   "its rate is no simple part of the reference beat's");
        *ret_times = d->step_us / f->reference.step_us;
    }
    if (*ret_times > 1)
        xw_formats_warn(r, "the device stored part of the rhythm at a lower rate; between its "
                           "samples there are straight lines");
    return 0;
}

static int64_t rhythm_lead(const struct scp *f, unsigned c, unsigned times,
                           const struct xw_formats_group *reference, int32_t *raw, int32_t *values,
                           int64_t want, struct xw_formats_error *ret_error)
{
    const struct lead *lead = &f->leads[c];
    int64_t first = lead->first ? lead->first : 1;
    int64_t n = values_of(f, &f->rhythm, c, want, "section 6", raw, ret_error);
    if (n < 0)
        return n;
    if (times == 1)
        memcpy(values, raw, sizeof(*values) * (size_t)n);
    else
        n = restore(f, raw, n, times, first, values, want);
    if (f->subtracted)
        add_beats(f, reference, c, first, f->reference.nv, f->rhythm.nv, values, n);
    return n;
}

/* The first sample number of any lead: row 0. */
static int64_t base_of(const struct scp *f)
{
    int64_t base = f->leads[0].first;
    for (unsigned c = 1; c < f->leads_n; c++)
        base = f->leads[c].first < base ? f->leads[c].first : base;
    return base;
}

static int fill_lead(const struct scp *f, unsigned c, unsigned times,
                     const struct xw_formats_group *reference, struct xw_formats_group *g,
                     int32_t *buffer, int64_t *ret_end, struct xw_formats_error *ret_error)
{
    char where[32];
    const struct lead *lead = &f->leads[c];
    int64_t offset = lead->first - base_of(f);
    int64_t stated = lead->last - lead->first + 1;
    int64_t want = stated < g->samples_n - offset ? stated : g->samples_n - offset;
    int32_t *values = buffer + g->samples_n;
    int64_t n = rhythm_lead(f, c, times, reference, buffer, values, want, ret_error);
    snprintf(where, sizeof(where), "section 6, lead %u", c + 1);
    if (n < 0)
        return (int)n;
    if (n == 0)
        return xw_formats_fail(ret_error, ENODATA, where, "it has no samples");
    if (f->tables && times == 1 && n < stated - (lead->first == 0))
        return xw_formats_fail(ret_error, ENODATA, where, "%lld samples are stated, %lld are there",
                               (long long)stated, (long long)n);
    for (int64_t i = 0; i < n; i++)
        g->rows[(size_t)(offset + i) * g->leads_n + c] = values[i];
    *ret_end = offset + n;
    name_lead(f, c, &g->leads[c]);
    return xw_formats_set_scale(&g->leads[c], (struct xw_wfdb_fraction){f->rhythm.nv, 1}, "nV");
}

static int fill_rhythm(const struct scp *f, unsigned times,
                       const struct xw_formats_group *reference, struct xw_formats_group *g,
                       struct xw_formats_recording *r, struct xw_formats_error *ret_error)
{
    int32_t *buffer = malloc(2 * sizeof(*buffer) * (size_t)g->samples_n);
    int64_t longest = 0;
    int64_t end = 0;
    int e = 0;
    if (!buffer)
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    for (unsigned c = 0; c < f->leads_n && e == 0; c++) {
        e = fill_lead(f, c, times, reference, g, buffer, &end, ret_error);
        if (c && end != longest)
            xw_formats_warn(r, "the leads do not end together");
        longest = end > longest ? end : longest;
    }
    free(buffer);
    /* Lead data of 16-bit lengths cannot hold what section 3 promises in long recordings. */
    if (e == 0 && longest < g->samples_n) {
        if (g->samples_n - longest > 1 || f->leads[0].first != 0)
            xw_formats_warn(r, "section 3 states %lld samples, the data end after %lld",
                            (long long)g->samples_n, (long long)longest);
        g->samples_n = longest;
    }
    return e;
}

static int add_rhythm(const struct scp *f, const struct xw_formats_group *reference,
                      struct xw_formats_recording *r, struct xw_formats_error *ret_error)
{
    struct xw_formats_group *g;
    unsigned times;
    int64_t longest = 0;
    int e = relation(f, &times, r, ret_error);
    if (e < 0)
        return e;
    for (unsigned c = 0; c < f->leads_n; c++) {
        /* No bit of data says more than 8 samples: what is stated beyond that cannot be there. */
        int64_t stated = f->leads[c].last - f->leads[c].first + 1;
        int64_t most = (int64_t)f->rhythm.n[c] * (f->tables ? 64 : 8) + 8;
        if (stated > most && f->tables)
            return xw_formats_fail(ret_error, ENODATA, "section 3",
                                   "lead %u is said to be longer than its data can be", c + 1);
        int64_t end = f->leads[c].first - base_of(f) + (stated < most ? stated : most);
        longest = end > longest ? end : longest;
    }
    e = xw_formats_add_group(r, XW_FORMATS_RHYTHM, f->leads_n, longest, &g, ret_error);
    if (e < 0)
        return e;
    g->rate_hz = (struct xw_wfdb_fraction){1000000 * (int64_t)times, f->rhythm.step_us};
    (void)xw_formats_fraction(g->rate_hz.num, g->rate_hz.den, &g->rate_hz);
    e = fill_rhythm(f, times, reference, g, r, ret_error);
    return e < 0 ? e : xw_formats_derive_limb_leads(r, g, ret_error);
}

static int read_all(const struct xw_formats_scp *file, struct scp *f,
                    struct xw_formats_recording *r, struct xw_formats_error *ret_error)
{
    struct xw_formats_group *reference = NULL;
    int e = read_leads(&file->sections[3], f, ret_error);
    if (e == 0)
        e = xw_formats_scp_tables_read(&file->sections[2], &f->tables, ret_error);
    if (e == 0)
        e = read_beats(&file->sections[4], f, ret_error);
    if (e == 0 && file->sections[6].n == 0)
        e = xw_formats_fail(ret_error, ENODATA, "section 6", "the file holds no rhythm");
    if (e == 0)
        e = read_data(&file->sections[6], "section 6", f->leads_n, &f->rhythm, ret_error);
    if (e == 0 && file->sections[5].n && f->beat_ms) {
        e = read_data(&file->sections[5], "section 5", f->leads_n, &f->reference, ret_error);
        f->has_reference = e == 0;
        if (e == 0)
            e = add_reference(f, r, &reference, ret_error);
    }
    /* The list of groups does not move: the reference stays where it is. */
    return e < 0 ? e : add_rhythm(f, reference, r, ret_error);
}

int xw_formats_scp_signals(const struct xw_formats_scp *file, struct xw_formats_recording *r,
                           struct xw_formats_error *ret_error)
{
    struct scp *f = calloc(1, sizeof(*f));
    if (!f)
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    int e = read_all(file, f, r, ret_error);
    xw_formats_scp_tables_free(f->tables);
    free(f->beats);
    free(f);
    return e;
}
