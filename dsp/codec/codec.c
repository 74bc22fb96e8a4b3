/* Blocks: what is in one, which one may follow, and the plain form for what cannot be predicted. */
#include "dsp/codec/codec.h"

#include "dsp/codec/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a block begins with: its kind, as parts of 256. */
enum kind { KIND_CHAINED, KIND_KEY, KIND_RULES, KIND_N };
static const uint32_t kind_start[KIND_N + 1] = {0, 246, 252, 256};
enum { KIND_BITS = 8 };

enum { ROWS_MAX = 1 << 30 }; /* of a chain: then a key block is due whatever was asked */

int xw_codec_new(size_t channels_n, struct xw_codec **ret_codec)
{
    if (channels_n < 1 || channels_n > XW_CODEC_CHANNELS_MAX)
        return -EINVAL;
    size_t leads_n_bytes = channels_n * sizeof(struct xw_lead);
    struct xw_codec *s = calloc(1, sizeof(struct xw_codec) + leads_n_bytes);
    if (!s)
        return -ENOMEM;
    s->channels_n = channels_n;
    for (uint64_t n = 1; n <= XW_CODEC_CHANNELS_MAX; n++)
        s->part_of[n] = (1ULL << 32) / n + 1;
    *ret_codec = s;
    return 0;
}

void xw_codec_free(struct xw_codec *codec)
{
    free(codec);
}

void xw_codec_reset(struct xw_codec *codec)
{
    codec->chained = false;
}

size_t xw_codec_bound(size_t channels_n, size_t count_n)
{
    return 1 + channels_n * count_n * sizeof(int32_t);
}

static bool shape_ok(size_t channels_n, size_t count_n)
{
    return count_n >= 1 && count_n <= XW_CODEC_COUNT_MAX &&
           channels_n * count_n <= XW_CODEC_VALUES_MAX;
}

/* As at a key block. */
static void begin(struct xw_codec *s)
{
    memcpy(s->model, xw_model_first, sizeof(s->model));
    for (unsigned i = 0; i < XW_MODEL_SYMBOLS; i++)
        s->lengths.start[i] = (int16_t)(i << (XW_MODEL_BITS - 5));
    for (size_t c = 0; c < s->channels_n; c++)
        xw_lead_init(&s->leads[c], XW_LEAD_STEP_USUAL);
    s->all = (struct xw_lead_window){.newest = 0};
    s->own_at = XW_LEAD_OWN;
    s->predicted_n = s->channels_n;
    s->row = 0;
}

/* ---- rules ---- */

static void count_predicted(struct xw_codec *s)
{
    s->predicted_n = 0;
    for (size_t c = 0; c < s->channels_n; c++)
        s->predicted_n += !s->leads[c].rule.on;
}

static size_t searched_n(const struct xw_codec *s)
{
    return s->channels_n < XW_RULE_CHANNELS ? s->channels_n : XW_RULE_CHANNELS;
}

/* How large the steps of a channel are in this block, for a good beginning. */
static unsigned step_log2(const int32_t *x, size_t channels_n, size_t count_n, size_t c)
{
    uint64_t sum = 0;
    for (size_t i = 1; i < count_n; i++) {
        int64_t d = (int64_t)x[i * channels_n + c] - x[(i - 1) * channels_n + c];
        sum += (uint64_t)(d < 0 ? -d : d);
    }
    if (count_n < 2)
        return XW_LEAD_STEP_USUAL;
    uint64_t mean = (sum << 8) / (count_n - 1);
    return xw_lead_log2(mean > UINT32_MAX ? UINT32_MAX : (uint32_t)mean);
}

static void put_steps(struct xw_codec *s, struct io *io, const int32_t *x, size_t count_n)
{
    for (size_t c = 0; c < s->channels_n; c++) {
        struct xw_lead *lead = &s->leads[c];
        if (lead->rule.on)
            continue;
        unsigned step = step_log2(x, s->channels_n, count_n, c);
        code_bits(io, false, step, XW_LEAD_STEP_BITS);
        xw_lead_init(lead, step);
    }
}

static void get_steps(struct xw_codec *s, struct io *io)
{
    for (size_t c = 0; c < s->channels_n; c++)
        if (!s->leads[c].rule.on)
            xw_lead_init(&s->leads[c], code_bits(io, true, 0, XW_LEAD_STEP_BITS));
}

static void put_rules(struct xw_codec *s, struct io *io)
{
    for (size_t c = 1; c < searched_n(s); c++) {
        const struct xw_lead_rule *rule = &s->leads[c].rule;
        code_bits(io, false, rule->on, 1);
        if (!rule->on)
            continue;
        code_bits(io, false, rule->a, XW_RULE_CHANNEL_BITS);
        code_bits(io, false, rule->b, XW_RULE_CHANNEL_BITS);
        code_bits(io, false, xw_rule_form_of(rule), XW_RULE_FORM_BITS);
        uint32_t offset = (uint32_t)rule->offset;
        code_number(s, io, false, ((offset << 1) ^ (0U - (offset >> 31))) + 1);
    }
}

static void get_rules(struct xw_codec *s, struct io *io)
{
    for (size_t c = 1; c < searched_n(s) && !io->d.bad; c++) {
        struct xw_lead_rule rule = {.on = code_bits(io, true, 0, 1)};
        if (!rule.on)
            continue;
        rule.a = (uint8_t)code_bits(io, true, 0, XW_RULE_CHANNEL_BITS);
        rule.b = (uint8_t)code_bits(io, true, 0, XW_RULE_CHANNEL_BITS);
        unsigned form = code_bits(io, true, 0, XW_RULE_FORM_BITS);
        uint32_t folded = code_number(s, io, true, 0) - 1;
        rule.offset = (int32_t)(folded >> 1 ^ (0U - (folded & 1)));
        if (rule.a >= c || rule.b >= c || form >= XW_RULE_FORMS ||
            rule.offset > XW_RULE_OFFSET_MAX || rule.offset < -XW_RULE_OFFSET_MAX) {
            io->d.bad = true;
            return;
        }
        xw_rule_form(form, &rule);
        s->leads[c].rule = rule;
    }
}

/* A rule that stopped to hold (an electrode came off) is given up until the next key block. */
static bool rules_break(struct xw_codec *s, const int32_t *x, size_t count_n)
{
    bool broken = false;
    for (size_t c = 1; c < searched_n(s); c++) {
        struct xw_lead_rule *rule = &s->leads[c].rule;
        if (!rule->on || xw_rule_holds(rule, x, s->channels_n, count_n, c))
            continue;
        rule->on = false;
        broken = true;
    }
    return broken;
}

/* ---- blocks ---- */

static size_t put_plain(struct xw_codec *s, const int32_t *x, size_t values_n, uint8_t *ret_data)
{
    begin(s);
    ret_data[0] = XW_RANGE_MARK;
    for (size_t i = 0; i < values_n; i++)
        for (unsigned k = 0; k < 4; k++)
            ret_data[1 + 4 * i + k] = (uint8_t)((uint32_t)x[i] >> (8 * k));
    return 1 + 4 * values_n;
}

static int get_plain(struct xw_codec *s, const uint8_t *data, size_t n_bytes, size_t values_n,
                     int32_t *ret_x)
{
    if (n_bytes != 1 + 4 * values_n)
        return -EBADMSG;
    begin(s);
    for (size_t i = 0; i < values_n; i++) {
        const uint8_t *p = data + 1 + 4 * i;
        ret_x[i] = (int32_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                             (uint32_t)p[3] << 24);
    }
    return 0;
}

static size_t encode_block(struct xw_codec *s, bool key, const int32_t *x, size_t count_n,
                           uint8_t *ret_data, size_t cap_n_bytes)
{
    struct io io = {0};
    size_t channels_n = s->channels_n;
    enum kind kind = KIND_KEY;
    if (key) {
        begin(s);
        for (size_t c = 1; c < searched_n(s); c++)
            s->leads[c].rule = xw_rule_find(x, channels_n, count_n, c);
    } else {
        kind = rules_break(s, x, count_n) ? KIND_RULES : KIND_CHAINED;
    }
    count_predicted(s);
    xw_range_encoder_init(&io.e, ret_data, cap_n_bytes);
    xw_range_put(&io.e, kind_start[kind], kind_start[kind + 1] - kind_start[kind], KIND_BITS);
    if (kind != KIND_CHAINED)
        put_rules(s, &io);
    if (key)
        put_steps(s, &io, x, count_n);
    for (size_t i = 0; i < count_n && !io.e.full; i++) {
        const int32_t *row = x + i * channels_n;
        for (size_t c = 0; c < channels_n; c++)
            pass(s, &io, false, &s->leads[c], row, row[c]);
        next_row(s);
    }
    size_t n_bytes = xw_range_end(&io.e);
    return n_bytes ? n_bytes : put_plain(s, x, channels_n * count_n, ret_data);
}

int xw_codec_encode(struct xw_codec *codec, uint64_t first, bool key, const int32_t *x,
                    size_t count_n, uint8_t *ret_data, size_t cap_n_bytes, uint64_t *ret_key_first)
{
    if (!shape_ok(codec->channels_n, count_n))
        return -EINVAL;
    size_t bound = xw_codec_bound(codec->channels_n, count_n);
    if (cap_n_bytes < bound)
        return -ENOSPC;
    key = key || !codec->chained || first != codec->next || codec->row >= ROWS_MAX;
    if (key)
        codec->key_first = first;
    size_t n_bytes = encode_block(codec, key, x, count_n, ret_data, bound);
    codec->chained = true;
    codec->next = first + count_n;
    *ret_key_first = codec->key_first;
    return (int)n_bytes;
}

static enum kind get_kind(struct xw_range_decoder *d)
{
    uint32_t at = xw_range_peek(d, KIND_BITS);
    unsigned kind = 0;
    while (at >= kind_start[kind + 1])
        kind++;
    xw_range_take(d, kind_start[kind], kind_start[kind + 1] - kind_start[kind]);
    return (enum kind)kind;
}

static int decode_block(struct xw_codec *s, bool key, const uint8_t *data, size_t n_bytes,
                        size_t count_n, int32_t *ret_x)
{
    struct io io = {0};
    size_t channels_n = s->channels_n;
    xw_range_decoder_init(&io.d, data, n_bytes);
    enum kind kind = io.d.bad ? KIND_N : get_kind(&io.d);
    if (io.d.bad || key != (kind == KIND_KEY))
        return -EBADMSG;
    if (key)
        begin(s);
    if (kind != KIND_CHAINED) {
        for (size_t c = 0; c < channels_n; c++)
            s->leads[c].rule.on = false;
        get_rules(s, &io);
        count_predicted(s);
    }
    if (key)
        get_steps(s, &io);
    for (size_t i = 0; i < count_n && !io.d.bad; i++) {
        int32_t *row = ret_x + i * channels_n;
        for (size_t c = 0; c < channels_n; c++)
            row[c] = pass(s, &io, true, &s->leads[c], row, 0);
        next_row(s);
    }
    return xw_range_ended(&io.d) ? 0 : -EBADMSG;
}

int xw_codec_decode(struct xw_codec *codec, uint64_t first, uint64_t key_first, const uint8_t *data,
                    size_t n_bytes, size_t count_n, int32_t *ret_x)
{
    bool key = first == key_first;
    if (!shape_ok(codec->channels_n, count_n))
        return -EINVAL;
    if (!key && (!codec->chained || key_first != codec->key_first || first != codec->next))
        return -EPROTO;
    int r = -EBADMSG;
    if (n_bytes && data[0] == XW_RANGE_MARK)
        r = get_plain(codec, data, n_bytes, codec->channels_n * count_n, ret_x);
    else if (n_bytes && (key || codec->row < ROWS_MAX))
        r = decode_block(codec, key, data, n_bytes, count_n, ret_x);
    codec->chained = r == 0;
    codec->key_first = key_first;
    codec->next = first + count_n;
    return r;
}
