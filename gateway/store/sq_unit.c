/* Blocks to units and back. */
#include "store/sq_unit.h"

#include "base/crc32c.h"
#include "base/metrics.h"
#include "dsp/codec/codec.h"

#include <string.h>

XW_COUNTER(packed_blocks, "xw_store_packed_blocks_total", NULL,
           "blocks re-coded by the lossless codec in segments");
XW_COUNTER(saved_bytes, "xw_store_packed_saved_bytes_total", NULL, "bytes that this saved");
XW_COUNTER(unlike_blocks, "xw_store_packed_unlike_blocks_total", NULL,
           "blocks that did not come back as they were and stay as they came");

struct sq_packer {
    struct xw_codec *codec;
    uint32_t channels_n;
    int32_t *x;
    uint8_t *coded;
};

/* One block out of the unit's samples. */
static bool give(uint32_t channels_n, const int32_t *x, const struct sq_want *want)
{
    const struct sq_entry *e = want->entry;
    const int32_t *from = x + (e->first - e->unit_first) * channels_n;
    return xw_block_crc(from, channels_n, e->count) == e->crc32c &&
           xw_block_encode((enum xw_coding)e->coding, from, channels_n, e->count, want->to,
                           e->size) == (int)e->size;
}

int sq_unit_open(uint32_t channels_n, const uint8_t *bytes, struct sq_want *wants, size_t n)
{
    const struct sq_entry *unit = wants[0].entry;
    struct xw_codec *codec = NULL;
    for (size_t i = 0; i < n; i++)
        wants[i].bad = true;
    if (!xw_block_shape_ok(channels_n, unit->unit_count))
        return 0;
    /* Zeros: of damaged bytes only the samples before the damage are written. */
    xw_autofree int32_t *x = calloc((size_t)channels_n * unit->unit_count, sizeof *x);
    if (x == NULL || xw_codec_new(channels_n, &codec) < 0)
        return -ENOMEM;
    int r = xw_codec_decode(codec, 0, 0, bytes, unit->unit_size, unit->unit_count, x);
    xw_codec_free(codec);
    for (size_t i = 0; (r == 0 || r == -EBADMSG) && i < n; i++)
        wants[i].bad = !give(channels_n, x, &wants[i]);
    return 0;
}

void sq_packer_free(struct sq_packer *packer)
{
    if (packer == NULL)
        return;
    xw_codec_free(packer->codec);
    free(packer->x);
    free(packer->coded);
    free(packer);
}

int sq_packer_new(struct sq_packer **ret_packer)
{
    struct sq_packer *p = calloc(1, sizeof *p);
    if (p == NULL)
        return -ENOMEM;
    p->x = malloc(SQ_UNIT_VALUES_MAX * sizeof *p->x);
    p->coded = malloc(xw_codec_bound(1, SQ_UNIT_VALUES_MAX));
    if (p->x == NULL || p->coded == NULL) {
        sq_packer_free(p);
        return -ENOMEM;
    }
    *ret_packer = p;
    return 0;
}

static int codec_for(struct sq_packer *p, uint32_t channels_n)
{
    if (p->codec != NULL && p->channels_n == channels_n)
        return 0;
    xw_codec_free(p->codec);
    p->codec = NULL;
    p->channels_n = channels_n;
    return xw_codec_new(channels_n, &p->codec);
}

/* Samples of a unit at most. */
static uint64_t longest(const struct store_shape *shape)
{
    double rows = shape->rate_hz * (SQ_UNIT_US / 1e6);
    double least = (double)SQ_UNIT_VALUES_LEAST / shape->channels_n;
    double most = (double)SQ_UNIT_VALUES_MAX / shape->channels_n;
    rows = rows < least ? least : rows;
    return (uint64_t)XW_MIN(XW_MIN(rows, most), (double)XW_BLOCK_COUNT_MAX);
}

/* How many blocks from the first on go into one unit; their samples are in p->x then. */
static size_t gather(struct sq_packer *p, const struct store_shape *shape,
                     const struct sq_entry *entries, size_t n, const uint8_t *raw,
                     uint64_t *ret_rows)
{
    uint64_t most = longest(shape), rows = 0;
    size_t k = 0;
    for (; k < n; k++) {
        const struct sq_entry *e = &entries[k];
        const struct xw_store_block block = {.first = e->first,
                                             .count = e->count,
                                             .coding = e->coding,
                                             .crc32c = e->crc32c,
                                             .data = raw + e->offset,
                                             .size = e->size};
        if (rows + e->count > most || (k > 0 && e->first != sq_entry_end(&entries[k - 1])) ||
            store_block_decode(shape, &block, p->x + rows * shape->channels_n) < 0)
            break;
        rows += e->count;
    }
    *ret_rows = rows;
    return k;
}

/* As every reader will open it: each block's bytes must be what they were. */
static int comes_back(struct sq_packer *p, const struct store_shape *shape,
                      const struct sq_entry *packed, const struct sq_entry *entries, size_t k,
                      const uint8_t *raw)
{
    size_t n = 0;
    for (size_t i = 0; i < k; i++)
        n += packed[i].size;
    xw_autofree uint8_t *bytes = malloc(n);
    xw_autofree struct sq_want *wants = calloc(k, sizeof *wants);
    if (bytes == NULL || wants == NULL)
        return -ENOMEM;
    size_t used = 0;
    for (size_t i = 0; i < k; i++) {
        wants[i] = (struct sq_want){.entry = &packed[i], .to = bytes + used};
        used += packed[i].size;
    }
    int r = sq_unit_open(shape->channels_n, p->coded, wants, k);
    for (size_t i = 0; r == 0 && i < k; i++)
        if (wants[i].bad || memcmp(wants[i].to, raw + entries[i].offset, entries[i].size) != 0)
            r = -EBADMSG;
    return r;
}

/* entries[0..k) as one unit: 1, or 0 when they stay as they came. */
static int pack_unit(struct sq_packer *p, const struct store_shape *shape, struct sq_entry *entries,
                     size_t k, uint64_t rows, const uint8_t *raw, struct xw_buf *ret_data)
{
    uint64_t key_first, raw_n = 0;
    for (size_t i = 0; i < k; i++)
        raw_n += entries[i].size;
    int n = xw_codec_encode(p->codec, 0, true, p->x, rows, p->coded,
                            xw_codec_bound(1, SQ_UNIT_VALUES_MAX), &key_first);
    if (n < 0 || (uint64_t)n >= raw_n)
        return 0;
    xw_autofree struct sq_entry *packed = calloc(k, sizeof *packed);
    if (packed == NULL)
        return -ENOMEM;
    uint32_t sum = xw_crc32c(0, p->coded, (size_t)n);
    for (size_t i = 0; i < k; i++) {
        packed[i] = entries[i];
        packed[i].sum = sum;
        packed[i].offset = (uint32_t)ret_data->n;
        packed[i].unit_first = entries[0].first;
        packed[i].unit_count = (uint32_t)rows;
        packed[i].unit_size = (uint32_t)n;
    }
    int r = comes_back(p, shape, packed, entries, k, raw);
    if (r == -EBADMSG) {
        xw_counter_add(&unlike_blocks, k);
        return 0;
    }
    if (r == 0)
        r = xw_buf_append(ret_data, p->coded, (size_t)n);
    if (r < 0)
        return r;
    memcpy(entries, packed, k * sizeof *packed);
    xw_counter_add(&packed_blocks, k);
    xw_counter_add(&saved_bytes, raw_n - (uint64_t)n);
    return 1;
}

static int keep(struct sq_entry *e, const uint8_t *raw, struct xw_buf *ret_data)
{
    uint32_t offset = (uint32_t)ret_data->n;
    int r = xw_buf_append(ret_data, raw + e->offset, e->size);
    e->offset = offset;
    return r;
}

int sq_pack(struct sq_packer *p, const struct store_shape *shape, struct sq_entry *entries,
            size_t n, const uint8_t *raw, struct xw_buf *ret_data)
{
    int r = codec_for(p, shape->channels_n);
    for (size_t i = 0; r >= 0 && i < n;) {
        uint64_t rows = 0;
        size_t k = gather(p, shape, entries + i, n - i, raw, &rows);
        r = k > 0 ? pack_unit(p, shape, entries + i, k, rows, raw, ret_data) : 0;
        k = XW_MAX(k, (size_t)1);
        for (size_t b = i; r == 0 && b < i + k; b++)
            if (entries[b].unit_count == 0)
                r = keep(&entries[b], raw, ret_data);
        i += k;
    }
    return r < 0 ? r : 0;
}
