/* The lossless codec, both ways.
 * Blocks: any bytes as a chain of blocks. The decoder stays within its memory; what it takes can be
 * coded again and comes back the same, and a block behind a refused one is refused.
 * Samples: any bytes as samples, in any cuts; they come back, within the bound.
 * Input: channels - 1 in 6 bits, bit 6: samples; then parts: rows, flags (bit 0 key, bits 1-2
 * jump), length low, length high, that many bytes (in samples: rows of 1 to 4 bytes a value). */
#include "dsp/codec/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS_MAX = 256, PARTS_MAX = 64, HEAD = 4 };

struct ends {
    struct xw_codec *coder, *decoder;
    size_t channels_n;
    uint64_t at, key_first;
    bool decodable;
};

static void check(bool good)
{
    if (!good)
        abort();
}

/* x through a coder and a decoder of their own chain. */
static void there_and_back(struct ends *ends, bool key, const int32_t *x, size_t rows_n)
{
    size_t bound = xw_codec_bound(ends->channels_n, rows_n), values_n = ends->channels_n * rows_n;
    uint8_t *room = malloc(bound);
    int32_t *back = malloc(values_n * sizeof(*back));
    uint64_t key_first;
    check(room && back);
    int n = xw_codec_encode(ends->coder, ends->at, key, x, rows_n, room, bound, &key_first);
    check(n >= 1 && (size_t)n <= bound);
    uint8_t *exact = calloc((size_t)n, 1);
    check(exact);
    memcpy(exact, room, (size_t)n);
    check(xw_codec_decode(ends->decoder, ends->at, key_first, exact, (size_t)n, rows_n, back) == 0);
    check(memcmp(back, x, values_n * sizeof(*back)) == 0);
    ends->at += rows_n;
    free(exact);
    free(back);
    free(room);
}

static void samples_part(struct ends *ends, unsigned flags, size_t rows_n, const uint8_t *bytes,
                         size_t n_bytes)
{
    size_t width = 1 + (flags >> 3 & 3), values_n = ends->channels_n * rows_n;
    int32_t *x = calloc(values_n, sizeof(*x));
    check(x);
    for (size_t i = 0; i < values_n && (i + 1) * width <= n_bytes; i++) {
        uint32_t v = 0;
        memcpy(&v, bytes + i * width, width);
        x[i] = (int32_t)(v << (32 - 8 * width)) >> (32 - 8 * width);
    }
    ends->at += flags >> 1 & 3;
    there_and_back(ends, flags & 1, x, rows_n);
    free(x);
}

static void block_part(struct ends *ends, struct ends *again, unsigned flags, size_t rows_n,
                       const uint8_t *bytes, size_t n_bytes)
{
    int32_t *x = malloc(ends->channels_n * rows_n * sizeof(*x));
    uint8_t *exact = calloc(n_bytes ? n_bytes : 1, 1);
    check(x && exact);
    memcpy(exact, bytes, n_bytes);
    unsigned jump = flags >> 1 & 3;
    if (flags & 1)
        ends->key_first = ends->at + jump;
    int r =
        xw_codec_decode(ends->decoder, ends->at + jump, ends->key_first, exact, n_bytes, rows_n, x);
    check(r == 0 || r == -EPROTO || r == -EBADMSG);
    if (ends->key_first != ends->at + jump && (jump || !ends->decodable))
        check(r == -EPROTO);
    if (r == 0) {
        ends->decodable = true;
        ends->at += jump + rows_n;
        there_and_back(again, flags >> 3 & 1, x, rows_n);
    } else if (r == -EBADMSG) {
        ends->decodable = false;
    }
    free(exact);
    free(x);
}

static struct ends ends_of(size_t channels_n)
{
    struct ends ends = {.channels_n = channels_n};
    check(xw_codec_new(channels_n, &ends.coder) == 0);
    check(xw_codec_new(channels_n, &ends.decoder) == 0);
    return ends;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    bool samples = data[0] >> 6 & 1;
    struct ends ends = ends_of((data[0] & 63U) + 1), again = ends_of((data[0] & 63U) + 1);
    size_t at = 1;
    for (unsigned part = 0; part < PARTS_MAX && size - at >= HEAD; part++) {
        size_t rows_n = (size_t)data[at] % ROWS_MAX + 1, left_n = size - at - HEAD;
        unsigned flags = data[at + 1];
        size_t n_bytes = (size_t)data[at + 2] | (size_t)data[at + 3] << 8;
        n_bytes = n_bytes < left_n ? n_bytes : left_n;
        const uint8_t *bytes = data + at + HEAD;
        if (samples)
            samples_part(&ends, flags, rows_n, bytes, n_bytes);
        else
            block_part(&ends, &again, flags, rows_n, bytes, n_bytes);
        at += HEAD + n_bytes;
    }
    xw_codec_free(ends.coder);
    xw_codec_free(ends.decoder);
    xw_codec_free(again.coder);
    xw_codec_free(again.decoder);
    return 0;
}
