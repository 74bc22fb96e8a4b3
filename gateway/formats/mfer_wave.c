/* MFER frames: sequences of blocks of channels. */
#include "formats/mfer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t TYPE_BYTES[XW_FORMATS_MFER_TYPE_MAX + 1] = {2, 2, 4, 1, 2, 1, 4};

struct frame {
    const struct xw_formats_mfer *m;
    const uint8_t *data;
    unsigned n;
    struct xw_formats_mfer_channel channels[XW_FORMATS_MAX_LEADS];
    size_t offset[XW_FORMATS_MAX_LEADS]; /* of its block in a sequence */
    size_t sequence_bytes;
    int64_t sequences_n;
};

static int lay_out(struct frame *f, size_t data_n, struct xw_formats_error *ret_error)
{
    f->sequence_bytes = 0;
    f->sequences_n = 0;
    for (unsigned c = 0; c < f->n; c++) {
        const struct xw_formats_mfer_channel *ch = &f->channels[c];
        f->offset[c] = f->sequence_bytes;
        f->sequence_bytes += (size_t)ch->block_n * TYPE_BYTES[ch->type];
        if (c && ch->sequences_n != f->channels[0].sequences_n)
            return xw_formats_fail(ret_error, ENOTSUP, "waveform",
                                   "channels with different numbers of sequences");
    }
    if (f->sequence_bytes == 0)
        return xw_formats_fail(ret_error, EBADMSG, "waveform", "it has no channels");
    int64_t there = (int64_t)(data_n / f->sequence_bytes);
    f->sequences_n = f->channels[0].sequences_n ? f->channels[0].sequences_n : there;
    if (f->sequences_n > there)
        return xw_formats_fail(ret_error, ENODATA, "waveform",
                               "%lld sequences are stated, %lld are there",
                               (long long)f->sequences_n, (long long)there);
    if (f->sequences_n == 0)
        return xw_formats_fail(ret_error, ENODATA, "waveform", "it is shorter than one sequence");
    return 0;
}

static int32_t sample_at(const struct frame *f, const struct xw_formats_mfer_channel *c,
                         const uint8_t *p)
{
    static const bool SIGNED[] = {true, false, true, false, false, true, false};
    unsigned n = TYPE_BYTES[c->type];
    uint64_t bits = (uint64_t)xw_formats_mfer_int(f->m, p, n, false);
    uint64_t mask = n == 4 ? UINT32_MAX : (UINT64_C(1) << (8 * n)) - 1;
    if (c->has_null && bits == (c->null_bits & mask))
        return XW_FORMATS_NO_SAMPLE;
    int64_t v = SIGNED[c->type] ? xw_formats_mfer_int(f->m, p, n, true) : (int64_t)bits;
    return v > INT32_MAX ? XW_FORMATS_NO_SAMPLE : (int32_t)v;
}

static void fill(const struct frame *f, unsigned c, unsigned column, struct xw_formats_group *g)
{
    const struct xw_formats_mfer_channel *ch = &f->channels[c];
    size_t row = 0;
    for (int64_t s = 0; s < f->sequences_n; s++) {
        const uint8_t *p = f->data + (size_t)s * f->sequence_bytes + f->offset[c];
        for (int64_t i = 0; i < ch->block_n; i++, p += TYPE_BYTES[ch->type], row++)
            g->rows[row * g->leads_n + column] = sample_at(f, ch, p);
    }
}

static int describe(const struct frame *f, unsigned c, struct xw_formats_lead *lead)
{
    const struct xw_formats_mfer_channel *ch = &f->channels[c];
    char name[32];
    snprintf(name, sizeof(name), "ch%u", c + 1);
    if (ch->lead_text[0])
        xw_formats_name_lead(lead, ch->lead_text);
    else if (ch->lead < 0 || !xw_formats_name_lead_number(lead, (unsigned)ch->lead))
        xw_formats_name_lead(lead, name);
    /* A number says it better than a text in some language. */
    struct xw_formats_lead by_number = {0};
    if (ch->lead > 0 && xw_formats_name_lead_number(&by_number, (unsigned)ch->lead) &&
        by_number.code != XW_ECG_LEAD_OTHER)
        xw_formats_name_lead_number(lead, (unsigned)ch->lead);
    lead->baseline = (struct xw_wfdb_fraction){-ch->offset, 1};
    return xw_formats_set_scale(lead, ch->scale, ch->unit);
}

static bool same_group(const struct xw_formats_mfer_channel *a,
                       const struct xw_formats_mfer_channel *b)
{
    return a->block_n == b->block_n && a->rate_hz.num == b->rate_hz.num &&
           a->rate_hz.den == b->rate_hz.den &&
           (a->wave_type == XW_FORMATS_MFER_BEAT) == (b->wave_type == XW_FORMATS_MFER_BEAT);
}

static bool same_leads(const struct xw_formats_group *a, const struct xw_formats_group *b)
{
    bool same = a->kind == b->kind && a->leads_n == b->leads_n &&
                a->rate_hz.num == b->rate_hz.num && a->rate_hz.den == b->rate_hz.den;
    for (unsigned c = 0; c < a->leads_n && same; c++) {
        const struct xw_formats_lead *x = &a->leads[c];
        const struct xw_formats_lead *y = &b->leads[c];
        same = strcmp(x->name, y->name) == 0 && strcmp(x->unit, y->unit) == 0 &&
               x->gain.num == y->gain.num && x->gain.den == y->gain.den &&
               x->baseline.num == y->baseline.num && x->baseline.den == y->baseline.den;
    }
    return same;
}

/* Long recordings come in many frames: what goes on with the same leads is one group. */
static int join_frames(struct xw_formats_recording *r, struct xw_formats_error *ret_error)
{
    struct xw_formats_group *last = &r->groups[r->groups_n - 1];
    for (unsigned i = 0; i + 1 < r->groups_n; i++) {
        struct xw_formats_group *g = &r->groups[i];
        if (g->kind != XW_FORMATS_RHYTHM || !same_leads(g, last))
            continue;
        size_t before = (size_t)g->samples_n * g->leads_n;
        size_t more = (size_t)last->samples_n * last->leads_n;
        if (more == 0)
            return 0;
        int32_t *rows = realloc(g->rows, (before + more) * sizeof(*rows));
        if (!rows)
            return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
        memcpy(rows + before, last->rows, more * sizeof(*rows));
        g->rows = rows;
        g->samples_n += last->samples_n;
        xw_formats_drop_group(r);
        r->samples_n += (int64_t)more;
        return 0;
    }
    return 0;
}

static int add_groups(const struct frame *f, struct xw_formats_error *ret_error)
{
    bool done[XW_FORMATS_MAX_LEADS] = {false};
    for (unsigned first = 0; first < f->n; first++) {
        const struct xw_formats_mfer_channel *ch = &f->channels[first];
        unsigned list[XW_FORMATS_MAX_LEADS];
        unsigned n = 0;
        struct xw_formats_group *g;
        for (unsigned c = first; c < f->n && !done[first]; c++)
            if (!done[c] && same_group(ch, &f->channels[c]))
                list[n++] = c;
        if (n == 0)
            continue;
        int e = xw_formats_add_group(f->m->recording,
                                     ch->wave_type == XW_FORMATS_MFER_BEAT ? XW_FORMATS_MEDIAN
                                                                           : XW_FORMATS_RHYTHM,
                                     n, ch->block_n * f->sequences_n, &g, ret_error);
        if (e < 0)
            return e;
        g->rate_hz = ch->rate_hz;
        for (unsigned i = 0; i < n; i++) {
            done[list[i]] = true;
            if (describe(f, list[i], &g->leads[i]) < 0)
                return xw_formats_fail(ret_error, EBADMSG, "waveform",
                                       "channel %u: its resolution is none", list[i] + 1);
            fill(f, list[i], i, g);
        }
        e = join_frames(f->m->recording, ret_error);
        if (e < 0)
            return e;
    }
    return 0;
}

int xw_formats_mfer_frame(const struct xw_formats_mfer *m, const uint8_t *data, size_t n,
                          struct xw_formats_error *ret_error)
{
    struct frame *f = calloc(1, sizeof(*f));
    if (!f)
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    f->m = m;
    f->data = data;
    f->n = m->channels_n;
    int e = 0;
    for (unsigned c = 0; c < f->n && e == 0; c++)
        e = xw_formats_mfer_channel(m, c, &f->channels[c]);
    if (e < 0)
        e = xw_formats_fail(ret_error, -e, "channel attributes",
                            "a definition that cannot be right or is not read");
    if (e == 0)
        e = lay_out(f, n, ret_error);
    if (e == 0)
        e = add_groups(f, ret_error);
    free(f);
    return e;
}
