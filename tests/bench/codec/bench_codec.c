/* The lossless codec on real recordings: bits a sample of both signals of MIT-BIH and of the 12
 * leads of PTB-XL, and its speed on one core (MIT-BIH). Blocks of 250 ms, a key block every 10 s
 * and at the start of a record; every byte of every block counts; every block is decoded and
 * compared. Baseline: coding 0 (delta, varint) of the same blocks. usage: bench_codec (XW_DATA
 * set). Five repeats, the middle one counts (XW_SHORT: one); bits of the records that the first
 * models were not made from go to stderr. */
#include "base/block.h"
#include "bench/codec/recordings.h"
#include "bench/dsp/print.h"
#include "dsp/codec/codec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPEATS_MAX = 5, KEY_S = 10, BLOCKS_A_SECOND = 4, BLOCK_N_BYTES_MAX = 1 << 20 };

struct totals {
    size_t made_from_every, made_from; /* which records tables.c was made from */
    size_t repeats_n;
    double values_n, n_bytes, other_values_n, other_n_bytes, delta_n_bytes;
    double encode_s[REPEATS_MAX], decode_s[REPEATS_MAX], delta_s[REPEATS_MAX];
};

struct block {
    uint64_t first, key_first;
    size_t count_n, n_bytes;
    uint8_t *data;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int encode_all(const struct xw_recording *r, struct xw_codec *codec, struct block *blocks,
                      size_t blocks_n)
{
    size_t since_key = 0, cap_n = xw_codec_bound(r->channels_n, r->rate_hz);
    for (size_t i = 0; i < blocks_n; i++) {
        struct block *b = &blocks[i];
        bool key = i == 0 || since_key + b->count_n > r->rate_hz * KEY_S;
        since_key = key ? b->count_n : since_key + b->count_n;
        int n = xw_codec_encode(codec, b->first, key, r->x + b->first * r->channels_n, b->count_n,
                                b->data, cap_n, &b->key_first);
        if (n < 0)
            return n;
        b->n_bytes = (size_t)n;
        if (i + 1 < blocks_n)
            b[1].data = b->data + n;
    }
    return 0;
}

static int decode_all(const struct xw_recording *r, struct xw_codec *codec,
                      const struct block *blocks, size_t blocks_n, int32_t *x)
{
    for (size_t i = 0; i < blocks_n; i++) {
        const struct block *b = &blocks[i];
        int n = xw_codec_decode(codec, b->first, b->key_first, b->data, b->n_bytes, b->count_n,
                                x + b->first * r->channels_n);
        if (n < 0)
            return n;
    }
    return 0;
}

static double delta_all(const struct xw_recording *r, const struct block *blocks, size_t blocks_n)
{
    static uint8_t bytes[BLOCK_N_BYTES_MAX];
    double n_bytes = 0;
    for (size_t i = 0; i < blocks_n; i++)
        n_bytes += xw_block_encode(XW_CODING_DELTA, r->x + blocks[i].first * r->channels_n,
                                   r->channels_n, blocks[i].count_n, bytes, sizeof(bytes));
    return n_bytes;
}

static int measure(const struct xw_recording *r, struct block *blocks, size_t blocks_n, int32_t *x,
                   struct totals *t)
{
    struct xw_codec *codec = NULL;
    double values_n = (double)(r->rows_n * r->channels_n), n_bytes = 0;
    int result = xw_codec_new(r->channels_n, &codec);
    for (size_t k = 0; k < t->repeats_n && result == 0; k++) {
        double start = now_s();
        result = encode_all(r, codec, blocks, blocks_n);
        double coded = now_s();
        if (result == 0)
            result = decode_all(r, codec, blocks, blocks_n, x);
        double decoded = now_s();
        double delta_n_bytes = delta_all(r, blocks, blocks_n);
        t->delta_s[k] += now_s() - decoded;
        t->encode_s[k] += coded - start;
        t->decode_s[k] += decoded - coded;
        if (k == 0)
            t->delta_n_bytes += delta_n_bytes;
    }
    xw_codec_free(codec);
    if (result == 0 && memcmp(x, r->x, r->rows_n * r->channels_n * sizeof(x[0])) != 0)
        result = -EBADMSG;
    for (size_t i = 0; i < blocks_n; i++)
        n_bytes += (double)blocks[i].n_bytes;
    t->values_n += values_n;
    t->n_bytes += n_bytes;
    if (r->nth % t->made_from_every != t->made_from) {
        t->other_values_n += values_n;
        t->other_n_bytes += n_bytes;
    }
    return result;
}

static int take(struct xw_recording *r, void *user)
{
    size_t count_n = r->rate_hz / BLOCKS_A_SECOND, blocks_n = (r->rows_n + count_n - 1) / count_n;
    struct block *blocks = calloc(blocks_n + 1, sizeof(*blocks));
    int32_t *x = malloc(r->rows_n * r->channels_n * sizeof(*x));
    uint8_t *bytes = malloc(blocks_n + xw_codec_bound(r->channels_n, r->rows_n + r->rate_hz));
    int result = -ENOMEM;
    if (blocks && x && bytes) {
        for (size_t i = 0; i < blocks_n; i++) {
            size_t left_n = r->rows_n - i * count_n;
            blocks[i].first = i * count_n;
            blocks[i].count_n = left_n < count_n ? left_n : count_n;
        }
        blocks[0].data = bytes;
        result = measure(r, blocks, blocks_n, x, user);
    }
    if (result < 0)
        fprintf(stderr, "record %zu: %s\n", r->nth, strerror(-result));
    free(bytes);
    free(x);
    free(blocks);
    return result;
}

static int run(const char *folder, const char *name, struct totals *t)
{
    int n = xw_recordings_read(folder, take, t);
    if (n <= 0)
        return n < 0 ? n : 77;
    fprintf(stderr, "%s: %d records, %.4f bits on those the models were not made from\n", folder, n,
            8 * t->other_n_bytes / t->other_values_n);
    xw_bench_print(name, 8 * t->n_bytes / t->values_n, "bits", "coding 0",
                   8 * t->delta_n_bytes / t->values_n);
    return 0;
}

static void print_speed(const char *name, struct totals *t, double *spent_s, double *delta_s)
{
    qsort(spent_s, t->repeats_n, sizeof(double), compare);
    double delta = t->values_n / delta_s[t->repeats_n / 2] / 1e6;
    xw_bench_print(name, t->values_n / spent_s[t->repeats_n / 2] / 1e6, "Msamples/s",
                   "coding in coding 0", delta);
}

int main(void)
{
    size_t repeats_n = getenv("XW_SHORT") ? 1 : REPEATS_MAX;
    struct totals mitdb = {.made_from_every = 2, .made_from = 1, .repeats_n = repeats_n};
    struct totals ptbxl = {.made_from_every = 8, .made_from = 0, .repeats_n = 1};
    int result = run("mitdb", "codec_mitdb_bits", &mitdb);
    if (result == 0) {
        qsort(mitdb.delta_s, repeats_n, sizeof(double), compare);
        print_speed("codec_encode_msps", &mitdb, mitdb.encode_s, mitdb.delta_s);
        print_speed("codec_decode_msps", &mitdb, mitdb.decode_s, mitdb.delta_s);
    }
    int other = run("ptbxl", "codec_ptbxl_bits", &ptbxl);
    return result < 0 || other < 0 ? 1 : result ? result : other;
}
