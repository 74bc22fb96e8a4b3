/* SCP-ECG section 2: Huffman tables, the default one or the file's own, and differences. */
#include "formats/scp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TABLES = 64, MAX_CODES = 4096, DEFAULT_TABLE = 19999, CODE_BYTES = 9 };

struct code {
    uint8_t prefix_bits, all_bits;
    bool switches; /* to table number `base` */
    int16_t base;
    uint32_t prefix; /* first bit of the stream highest */
};

struct table {
    struct code *codes;
    unsigned codes_n;
};

struct xw_formats_scp_tables {
    unsigned tables_n;
    struct table tables[MAX_TABLES];
};

void xw_formats_scp_tables_free(struct xw_formats_scp_tables *tables)
{
    if (!tables)
        return;
    for (unsigned i = 0; i < tables->tables_n; i++)
        free(tables->tables[i].codes);
    free(tables);
}

/* 0, ±1 … ±8 by ever longer prefixes; then 8 and 16 bits in full. */
static int default_table(struct table *t)
{
    t->codes = calloc(19, sizeof(*t->codes));
    if (!t->codes)
        return -ENOMEM;
    t->codes_n = 19;
    t->codes[0] = (struct code){.prefix_bits = 1, .all_bits = 1};
    for (unsigned k = 1; k <= 8; k++) {
        uint8_t bits = (uint8_t)(k + 2);
        uint32_t ones = (1u << k) - 1;
        t->codes[2 * k - 1] = (struct code){bits, bits, false, (int16_t)k, ones << 2};
        t->codes[2 * k] = (struct code){bits, bits, false, (int16_t) - (int)k, ones << 2 | 1};
    }
    t->codes[17] = (struct code){10, 18, false, 0, 0x3fe};
    t->codes[18] = (struct code){10, 26, false, 0, 0x3ff};
    return 0;
}

static uint32_t reversed(uint32_t bits, unsigned n)
{
    uint32_t out = 0;
    for (unsigned i = 0; i < n; i++)
        out = out << 1 | (bits >> i & 1);
    return out;
}

static int read_code(const uint8_t *p, unsigned tables_n, struct code *c)
{
    c->prefix_bits = p[0];
    c->all_bits = p[1];
    c->switches = p[2] == 0;
    c->base = (int16_t)xw_formats_le16(p + 3);
    if (c->prefix_bits < 1 || c->prefix_bits > 32 || c->all_bits < c->prefix_bits ||
        c->all_bits - c->prefix_bits > 24 ||
        (c->switches && (c->base < 1 || (unsigned)c->base > tables_n)))
        return -EBADMSG;
    c->prefix = reversed(xw_formats_le32(p + 5), c->prefix_bits);
    return 0;
}

static int own_tables(const struct xw_formats_scp_section *s, struct xw_formats_scp_tables *t)
{
    unsigned tables_n = xw_formats_le16(s->data);
    size_t at = 2;
    if (tables_n < 1 || tables_n > MAX_TABLES)
        return -EBADMSG;
    for (unsigned i = 0; i < tables_n; i++) {
        struct table *table = &t->tables[i];
        unsigned codes_n = s->n - at >= 2 ? xw_formats_le16(s->data + at) : 0;
        at += 2;
        if (codes_n < 1 || codes_n > MAX_CODES || (s->n - at) / CODE_BYTES < codes_n)
            return -EBADMSG;
        table->codes = calloc(codes_n, sizeof(*table->codes));
        if (!table->codes)
            return -ENOMEM;
        t->tables_n = i + 1;
        table->codes_n = codes_n;
        for (unsigned c = 0; c < codes_n; c++, at += CODE_BYTES)
            if (read_code(s->data + at, tables_n, &table->codes[c]) < 0)
                return -EBADMSG;
    }
    return 0;
}

int xw_formats_scp_tables_read(const struct xw_formats_scp_section *section,
                               struct xw_formats_scp_tables **ret_tables,
                               struct xw_formats_error *ret_error)
{
    *ret_tables = NULL;
    if (section->n == 0)
        return 0;
    struct xw_formats_scp_tables *t = calloc(1, sizeof(*t));
    int e = t ? 0 : -ENOMEM;
    if (e == 0 && section->n < 2)
        e = -EBADMSG;
    if (e == 0 && xw_formats_le16(section->data) == DEFAULT_TABLE) {
        e = default_table(&t->tables[0]);
        t->tables_n = e == 0;
    } else if (e == 0) {
        e = own_tables(section, t);
    }
    if (e < 0) {
        xw_formats_scp_tables_free(t);
        return xw_formats_fail(ret_error, -e, "section 2", "its Huffman tables cannot be used");
    }
    *ret_tables = t;
    return 0;
}

struct bits {
    const uint8_t *data;
    uint64_t at, n;
};

/* The next k ≤ 32 bits without moving; behind the end there are zeros. */
static uint32_t peek(const struct bits *b, unsigned k)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 5; i++) {
        uint64_t byte = (b->at >> 3) + i;
        v = v << 8 | (byte < b->n >> 3 ? b->data[byte] : 0);
    }
    return (uint32_t)(v >> (40 - (b->at & 7) - k) & ((UINT64_C(1) << k) - 1));
}

static const struct code *match(const struct table *t, const struct bits *b)
{
    uint32_t next = peek(b, 32);
    for (unsigned i = 0; i < t->codes_n; i++) {
        const struct code *c = &t->codes[i];
        if (next >> (32 - c->prefix_bits) == c->prefix)
            return c;
    }
    return NULL;
}

int64_t xw_formats_scp_decode(const struct xw_formats_scp_tables *tables, const uint8_t *data,
                              size_t n, int64_t samples_n, int32_t *out)
{
    struct bits b = {data, 0, 8 * (uint64_t)n};
    int64_t done = 0;
    if (!tables) {
        for (; done < samples_n && done < (int64_t)(n / 2); done++)
            out[done] = xw_formats_les16(data + 2 * done);
        return done;
    }
    const struct table *t = &tables->tables[0];
    while (done < samples_n && b.at < b.n) {
        const struct code *c = match(t, &b);
        if (!c)
            return -EBADMSG;
        if (b.at + c->all_bits > b.n)
            break; /* padding of the last byte may look like the beginning of a code */
        b.at += c->prefix_bits;
        if (c->switches) {
            t = &tables->tables[c->base - 1];
            continue;
        }
        unsigned more = (unsigned)(c->all_bits - c->prefix_bits);
        out[done] = c->base;
        if (more) {
            uint32_t raw = peek(&b, more);
            int32_t value = (int32_t)(raw << (32 - more)) >> (32 - more);
            out[done] = value;
            b.at += more;
        }
        done++;
    }
    return done;
}

int xw_formats_scp_integrate(int32_t *values, int64_t n, unsigned order)
{
    for (int64_t i = order; i < n && order; i++) {
        int64_t v = order == 1 ? (int64_t)values[i] + values[i - 1]
                               : (int64_t)values[i] + 2 * (int64_t)values[i - 1] - values[i - 2];
        if (v < INT32_MIN / 4 || v > INT32_MAX / 4)
            return -EBADMSG;
        values[i] = (int32_t)v;
    }
    return 0;
}
