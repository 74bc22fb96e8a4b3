/* The lossless codec: whatever goes in comes out, in any shape; what is out of order or damaged is
 * refused; the bytes are those of tests/golden/codec on every machine and compiler.
 * XW_SEED sets the seed of the random cases; XW_GOLDEN_WRITE=1 writes the golden file anew (only a
 * new coding may do that). */
#include "dsp/codec/codec.h"
#include "dsp/core/sha256.h"
#include "unit/codec/signals.h"
#include "unit/dsp/allocations.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed(void)
{
    const char *text = getenv("XW_SEED");
    uint64_t value = text ? strtoull(text, NULL, 10) : 20261122;
    print_message("XW_SEED=%llu\n", (unsigned long long)value);
    return value;
}

static struct xw_codec *codec_of(size_t channels_n)
{
    struct xw_codec *codec = NULL;
    assert_int_equal(xw_codec_new(channels_n, &codec), 0);
    return codec;
}

static int32_t *signal_of(enum xw_signal_kind kind, uint64_t random, size_t channels_n, size_t n)
{
    int32_t *x = malloc(channels_n * n * sizeof(*x));
    assert_non_null(x);
    xw_signal_fill(kind, random, x, channels_n, n);
    return x;
}

/* One block through both ends, in memory of exact size. Returns its bytes. */
static size_t through(struct xw_codec *coder, struct xw_codec *decoder, uint64_t first, bool key,
                      const int32_t *x, size_t channels_n, size_t count_n)
{
    size_t bound = xw_codec_bound(channels_n, count_n), values_n = channels_n * count_n;
    uint8_t *room = malloc(bound);
    int32_t *back = malloc(values_n * sizeof(*back));
    uint64_t key_first = UINT64_MAX;
    assert_true(room && back);
    int n = xw_codec_encode(coder, first, key, x, count_n, room, bound, &key_first);
    assert_in_range(n, 1, bound);
    if (key)
        assert_true(key_first == first);
    uint8_t *data = malloc((size_t)n);
    assert_non_null(data);
    memcpy(data, room, (size_t)n);
    assert_int_equal(xw_codec_decode(decoder, first, key_first, data, (size_t)n, count_n, back), 0);
    assert_memory_equal(back, x, values_n * sizeof(*back));
    free(data);
    free(back);
    free(room);
    return (size_t)n;
}

static void every_shape_of_every_signal_comes_back(void **state)
{
    (void)state;
    static const size_t channels[] = {1, 2, 3, 8, 12, 17, 18, 19, 64};
    static const size_t counts[] = {1, 2, 7, 15, 16, 17, 90, 125, 239, 240, 241, 1000, 1};
    uint64_t random = seed();
    for (size_t k = 0; k < sizeof(channels) / sizeof(channels[0]); k++)
        for (unsigned kind = 0; kind < XW_SIGNAL_KINDS; kind++) {
            struct xw_codec *coder = codec_of(channels[k]), *decoder = codec_of(channels[k]);
            int32_t *x = signal_of(kind, random + kind, channels[k], 2200);
            uint64_t at = 0;
            for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
                through(coder, decoder, at, i == 7, x + at * channels[k], channels[k], counts[i]);
                at += counts[i];
            }
            free(x);
            xw_codec_free(coder);
            xw_codec_free(decoder);
        }
}

static void random_cuts_keys_and_resets_come_back(void **state)
{
    (void)state;
    enum { ROUNDS = 120, ROWS = 3000 };
    uint64_t random = seed();
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t channels_n = 1 + xw_signal_draw(&random) % (round % 4 ? 13 : 64);
        struct xw_codec *coder = codec_of(channels_n), *decoder = codec_of(channels_n);
        int32_t *x = signal_of(xw_signal_draw(&random) % XW_SIGNAL_KINDS, random, channels_n, ROWS);
        uint64_t base = (uint64_t)xw_signal_draw(&random) << 29;
        for (size_t at = 0; at < ROWS;) {
            size_t most = round % 3 ? 200 : 1200, count_n = 1 + xw_signal_draw(&random) % most;
            count_n = count_n > ROWS - at ? ROWS - at : count_n;
            if (xw_signal_draw(&random) % 16 == 0)
                xw_codec_reset(coder);
            through(coder, decoder, base + at, xw_signal_draw(&random) % 8 == 0,
                    x + at * channels_n, channels_n, count_n);
            at += count_n;
        }
        free(x);
        xw_codec_free(coder);
        xw_codec_free(decoder);
    }
}

static void the_largest_blocks_come_back(void **state)
{
    (void)state;
    static const size_t shapes[][2] = {
        {1, XW_CODEC_COUNT_MAX}, {4, XW_CODEC_COUNT_MAX}, {64, 4096}};
    for (size_t i = 0; i < 3; i++) {
        size_t channels_n = shapes[i][0], count_n = shapes[i][1];
        struct xw_codec *coder = codec_of(channels_n), *decoder = codec_of(channels_n);
        int32_t *x = signal_of(XW_SIGNAL_LEADS, i, channels_n, count_n);
        through(coder, decoder, 0, true, x, channels_n, count_n);
        through(coder, decoder, count_n, false, x, channels_n, count_n);
        free(x);
        xw_codec_free(coder);
        xw_codec_free(decoder);
    }
}

static void what_cannot_be_predicted_costs_one_byte_more_than_plain(void **state)
{
    (void)state;
    struct xw_codec *coder = codec_of(3), *decoder = codec_of(3);
    int32_t *noise = signal_of(XW_SIGNAL_NOISE_32, 5, 3, 90);
    int32_t *leads = signal_of(XW_SIGNAL_LEADS, 5, 3, 90);
    assert_int_equal(xw_codec_bound(3, 90), 3 * 90 * 4 + 1);
    assert_int_equal(through(coder, decoder, 0, true, noise, 3, 90), xw_codec_bound(3, 90));
    assert_in_range(through(coder, decoder, 90, false, leads, 3, 90), 1, 3 * 90 * 2);
    assert_int_equal(through(coder, decoder, 180, false, noise, 3, 90), xw_codec_bound(3, 90));
    assert_in_range(through(coder, decoder, 270, false, leads, 3, 90), 1, 3 * 90 * 2);
    free(noise);
    free(leads);
    xw_codec_free(coder);
    xw_codec_free(decoder);
}

/* Bits a value of ten seconds at 500/s in blocks of 250 ms, in the given order of leads. */
static double bits_of(enum xw_signal_kind kind, const size_t *order, size_t channels_n)
{
    enum { ROWS = 5000, BLOCK = 125, LEADS = 12 };
    struct xw_codec *coder = codec_of(channels_n), *decoder = codec_of(channels_n);
    int32_t *leads = signal_of(kind, 3, LEADS, ROWS), *x = malloc(ROWS * channels_n * sizeof(*x));
    size_t n_bytes = 0;
    assert_non_null(x);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t c = 0; c < channels_n; c++)
            x[i * channels_n + c] = leads[i * LEADS + order[c]] + (int32_t)c * 1024;
    for (size_t i = 0; i < ROWS; i += BLOCK)
        n_bytes += through(coder, decoder, i, i == 0, x + i * channels_n, channels_n, BLOCK);
    free(leads);
    free(x);
    xw_codec_free(coder);
    xw_codec_free(decoder);
    return 8 * (double)n_bytes / (double)(ROWS * channels_n);
}

static void derived_leads_are_found_in_any_order_and_with_any_offset(void **state)
{
    (void)state;
    static const size_t plain[] = {0, 1}, usual[] = {0, 1, 2, 3, 4, 5};
    static const size_t other[] = {3, 1, 0, 4, 2, 5}, copied[] = {0, 1, 0, 1, 1, 0};
    double two = bits_of(XW_SIGNAL_LEADS, plain, 2) * 2;
    print_message("two leads %.2f, six leads %.2f, in another order %.2f bits\n", two,
                  bits_of(XW_SIGNAL_LEADS, usual, 6) * 6, bits_of(XW_SIGNAL_LEADS, other, 6) * 6);
    assert_true(bits_of(XW_SIGNAL_LEADS, usual, 6) * 6 < two + 4 * 0.7);
    assert_true(bits_of(XW_SIGNAL_LEADS, other, 6) * 6 < two + 4 * 1.2);
    assert_true(bits_of(XW_SIGNAL_LEADS, copied, 6) * 6 < two + 4 * 0.2);
}

static void a_derived_lead_that_goes_astray_is_given_up_alone(void **state)
{
    (void)state;
    static const size_t usual[] = {0, 1, 2, 3, 4, 5};
    double good = bits_of(XW_SIGNAL_LEADS, usual, 6) * 6;
    double astray = bits_of(XW_SIGNAL_LEAD_OFF, usual, 6) * 6;
    print_message("six leads %.2f, with one astray half of the time %.2f bits\n", good, astray);
    assert_true(astray <
                good + 14); /* half of the time noise of 12 bits, and going back and forth */
}

static void short_blocks_cost_no_more_than_long_ones(void **state)
{
    (void)state;
    enum { ROWS = 3600 };
    double bits[2];
    for (unsigned k = 0; k < 2; k++) {
        size_t block = k ? ROWS : 90, n_bytes = 0;
        struct xw_codec *coder = codec_of(2), *decoder = codec_of(2);
        int32_t *x = signal_of(XW_SIGNAL_LEADS, 3, 2, ROWS);
        for (size_t i = 0; i < ROWS; i += block)
            n_bytes += through(coder, decoder, i, i == 0, x + i * 2, 2, block);
        bits[k] = 8 * (double)n_bytes / (2 * ROWS);
        free(x);
        xw_codec_free(coder);
        xw_codec_free(decoder);
    }
    assert_true(bits[0] < bits[1] + 0.05);
}

/* ---- order ---- */

struct coded {
    uint64_t first, key_first;
    int n_bytes;
    uint8_t data[1024];
};
enum { ORDER_BLOCKS = 8, ORDER_COUNT = 50, ORDER_CHANNELS = 3 };

static int32_t *code_some(struct coded *blocks)
{
    struct xw_codec *coder = codec_of(ORDER_CHANNELS);
    int32_t *x = signal_of(XW_SIGNAL_LEADS, 9, ORDER_CHANNELS, (size_t)ORDER_BLOCKS * ORDER_COUNT);
    for (size_t i = 0; i < ORDER_BLOCKS; i++) {
        blocks[i].first = 1000 + i * ORDER_COUNT;
        blocks[i].n_bytes = xw_codec_encode(
            coder, blocks[i].first, i == 5, x + i * ORDER_COUNT * ORDER_CHANNELS, ORDER_COUNT,
            blocks[i].data, sizeof(blocks[i].data), &blocks[i].key_first);
        assert_true(blocks[i].n_bytes > 0);
    }
    xw_codec_free(coder);
    return x;
}

static int decode_one(struct xw_codec *decoder, const struct coded *b, int32_t *ret_x)
{
    return xw_codec_decode(decoder, b->first, b->key_first, b->data, (size_t)b->n_bytes,
                           ORDER_COUNT, ret_x);
}

static void the_first_block_after_a_reset_a_jump_or_a_step_back_is_a_key_block(void **state)
{
    (void)state;
    uint8_t data[64];
    int32_t x[3] = {1, 2, 3};
    uint64_t key_first;
    struct xw_codec *coder = codec_of(1);
    assert_true(xw_codec_encode(coder, 7, false, x, 3, data, sizeof(data), &key_first) > 0);
    assert_int_equal(key_first, 7);
    assert_true(xw_codec_encode(coder, 10, false, x, 3, data, sizeof(data), &key_first) > 0);
    assert_int_equal(key_first, 7);
    assert_true(xw_codec_encode(coder, 14, false, x, 3, data, sizeof(data), &key_first) > 0);
    assert_int_equal(key_first, 14);
    assert_true(xw_codec_encode(coder, 14, false, x, 3, data, sizeof(data), &key_first) > 0);
    assert_int_equal(key_first, 14);
    xw_codec_reset(coder);
    assert_true(xw_codec_encode(coder, 17, false, x, 3, data, sizeof(data), &key_first) > 0);
    assert_int_equal(key_first, 17);
    xw_codec_free(coder);
}

static void blocks_out_of_order_are_refused_and_cost_nothing(void **state)
{
    (void)state;
    struct coded blocks[ORDER_BLOCKS];
    int32_t *x = code_some(blocks), got[ORDER_COUNT * ORDER_CHANNELS];
    struct xw_codec *decoder = codec_of(ORDER_CHANNELS);
    assert_int_equal(decode_one(decoder, &blocks[1], got), -EPROTO); /* before its key block */
    for (size_t i = 0; i < ORDER_BLOCKS; i++) {
        for (size_t k = 0; k < ORDER_BLOCKS; k++)
            if (k != i && k != 0 && k != 5)
                assert_int_equal(decode_one(decoder, &blocks[k], got), -EPROTO);
        assert_int_equal(decode_one(decoder, &blocks[i], got), 0);
        assert_memory_equal(got, x + i * ORDER_COUNT * ORDER_CHANNELS, sizeof(got));
    }
    assert_int_equal(decode_one(decoder, &blocks[0], got), 0);       /* a key block at any time */
    assert_int_equal(decode_one(decoder, &blocks[6], got), -EPROTO); /* of another key block */
    assert_int_equal(decode_one(decoder, &blocks[1], got), 0);
    assert_memory_equal(got, x + ORDER_COUNT * ORDER_CHANNELS, sizeof(got));
    free(x);
    xw_codec_free(decoder);
}

static void a_block_under_a_false_name_is_refused(void **state)
{
    (void)state;
    struct coded blocks[ORDER_BLOCKS], forged;
    int32_t *x = code_some(blocks), got[ORDER_COUNT * ORDER_CHANNELS];
    struct xw_codec *decoder = codec_of(ORDER_CHANNELS);
    forged = blocks[1];
    forged.key_first = forged.first; /* no key block, named so */
    assert_int_equal(decode_one(decoder, &forged, got), -EBADMSG);
    assert_int_equal(decode_one(decoder, &blocks[0], got), 0);
    forged = blocks[5]; /* a key block, named as one that depends on another */
    forged.first = blocks[1].first;
    forged.key_first = blocks[0].first;
    assert_int_equal(decode_one(decoder, &forged, got), -EBADMSG);
    assert_int_equal(decode_one(decoder, &blocks[1], got), -EPROTO); /* the chain has ended */
    assert_int_equal(decode_one(decoder, &blocks[0], got), 0);
    free(x);
    xw_codec_free(decoder);
}

/* ---- bad input ---- */

static void impossible_shapes_are_refused(void **state)
{
    (void)state;
    struct xw_codec *codec = NULL;
    uint8_t data[64] = {0};
    int32_t x[8] = {0};
    uint64_t key_first = 77;
    assert_int_equal(xw_codec_new(0, &codec), -EINVAL);
    assert_int_equal(xw_codec_new(65, &codec), -EINVAL);
    codec = codec_of(5);
    assert_int_equal(xw_codec_encode(codec, 0, true, x, 0, data, 64, &key_first), -EINVAL);
    assert_int_equal(xw_codec_encode(codec, 0, true, x, 65537, data, 64, &key_first), -EINVAL);
    assert_int_equal(xw_codec_encode(codec, 0, true, x, 60000, data, 64, &key_first), -EINVAL);
    assert_int_equal(xw_codec_encode(codec, 0, true, x, 1, data, 20, &key_first), -ENOSPC);
    assert_int_equal(key_first, 77);
    assert_int_equal(xw_codec_decode(codec, 0, 0, data, 1, 0, x), -EINVAL);
    assert_int_equal(xw_codec_decode(codec, 0, 0, data, 1, 60000, x), -EINVAL);
    assert_int_equal(xw_codec_decode(codec, 0, 0, data, 0, 1, x), -EBADMSG);
    xw_codec_free(codec);
    xw_codec_free(NULL);
}

/* Every changed block is refused or gives other samples (the CRC beside it then tells); it never
 * passes for the same one. */
static void damaged_blocks_are_refused_or_differ(void **state)
{
    (void)state;
    uint64_t random = seed();
    struct coded blocks[ORDER_BLOCKS];
    int32_t *x = code_some(blocks), got[ORDER_COUNT * ORDER_CHANNELS];
    unsigned refused_n = 0, tries_n = 0;
    for (unsigned round = 0; round < 4000; round++) {
        struct xw_codec *decoder = codec_of(ORDER_CHANNELS);
        size_t which = round % 2, n = (size_t)blocks[which].n_bytes, changed_n = n;
        uint8_t *data = malloc(n + 8);
        assert_non_null(data);
        if (which)
            assert_int_equal(decode_one(decoder, &blocks[0], got), 0);
        memcpy(data, blocks[which].data, n);
        unsigned how = xw_signal_draw(&random) % 3;
        if (how == 0)
            data[xw_signal_draw(&random) % n] ^= (uint8_t)(1U << xw_signal_draw(&random) % 8);
        else if (how == 1)
            changed_n = xw_signal_draw(&random) % n;
        else
            for (changed_n += 1 + round % 8; n < changed_n; n++)
                data[n] = (uint8_t)xw_signal_draw(&random);
        uint8_t *exact = malloc(changed_n ? changed_n : 1);
        assert_non_null(exact);
        memcpy(exact, data, changed_n);
        int r = xw_codec_decode(decoder, blocks[which].first, blocks[which].key_first, exact,
                                changed_n, ORDER_COUNT, got);
        tries_n++;
        refused_n += r == -EBADMSG;
        if (r < 0) {
            assert_int_equal(r, -EBADMSG);
            assert_int_equal(decode_one(decoder, &blocks[which + 1], got), -EPROTO);
        } else {
            assert_memory_not_equal(got, x + which * ORDER_COUNT * ORDER_CHANNELS, sizeof(got));
        }
        free(exact);
        free(data);
        xw_codec_free(decoder);
    }
    print_message("%u of %u refused by the codec itself\n", refused_n, tries_n);
    free(x);
}

static void nothing_is_allocated_after_new(void **state)
{
    (void)state;
    if (!xw_allocations_can_count())
        skip();
    enum { CHANNELS = 12, ROWS = 2000 };
    static uint8_t data[CHANNELS * ROWS * 4 + 1];
    static int32_t back[CHANNELS * ROWS];
    struct xw_codec *coder = codec_of(CHANNELS), *decoder = codec_of(CHANNELS);
    int32_t *x = signal_of(XW_SIGNAL_LEAD_OFF, 4, CHANNELS, ROWS);
    uint64_t key_first;
    bool all_right = true;
    xw_allocations_begin();
    for (size_t at = 0; at < ROWS; at += 125) {
        int n = xw_codec_encode(coder, at, at == 1000, x + at * CHANNELS, 125, data, sizeof(data),
                                &key_first);
        all_right &= n > 0 && xw_codec_decode(decoder, at, key_first, data, (size_t)n, 125,
                                              back + at * CHANNELS) == 0;
    }
    uint64_t calls_n = xw_allocations_end();
    assert_true(all_right);
    assert_int_equal(calls_n, 0);
    assert_memory_equal(back, x, sizeof(back));
    free(x);
    xw_codec_free(coder);
    xw_codec_free(decoder);
}

/* ---- the same bytes everywhere ---- */

static const struct golden {
    enum xw_signal_kind kind;
    size_t channels_n, block, blocks_n;
} goldens[] = {
    {XW_SIGNAL_LEADS, 12, 125, 90},    {XW_SIGNAL_LEADS, 2, 90, 90},
    {XW_SIGNAL_LEADS, 1, 63, 90},      {XW_SIGNAL_LEAD_OFF, 8, 125, 40},
    {XW_SIGNAL_NOISE_12, 3, 90, 40},   {XW_SIGNAL_NOISE_24, 3, 250, 40},
    {XW_SIGNAL_NOISE_32, 2, 17, 12},   {XW_SIGNAL_EXTREMES, 4, 33, 12},
    {XW_SIGNAL_SENTINELS, 5, 125, 60}, {XW_SIGNAL_STEPS, 19, 40, 60},
    {XW_SIGNAL_SLOW, 6, 2, 120},       {XW_SIGNAL_CONSTANT, 64, 25, 20},
};

/* A line a signal: what it is, bytes of all its blocks, their SHA-256, and the first block. */
static void describe(const struct golden *g, char *ret_line, size_t line_n)
{
    size_t bound = xw_codec_bound(g->channels_n, g->block), n_bytes = 0;
    int32_t *x = signal_of(g->kind, 1, g->channels_n, g->block * g->blocks_n);
    uint8_t *all = malloc(bound * g->blocks_n);
    struct xw_codec *coder = codec_of(g->channels_n);
    char hash[XW_DSP_SHA256_TEXT_BYTES];
    size_t first_n = 0;
    assert_non_null(all);
    for (size_t i = 0; i < g->blocks_n; i++) {
        uint64_t key_first;
        int n = xw_codec_encode(coder, i * g->block, i % 40 == 0, x + i * g->block * g->channels_n,
                                g->block, all + n_bytes, bound, &key_first);
        assert_true(n > 0);
        n_bytes += (size_t)n;
        first_n = i ? first_n : (size_t)n;
    }
    xw_dsp_sha256_text(all, n_bytes, hash);
    int n = snprintf(ret_line, line_n, "kind %u channels %zu block %zu blocks %zu: %zu bytes, %s, ",
                     (unsigned)g->kind, g->channels_n, g->block, g->blocks_n, n_bytes, hash);
    for (size_t i = 0; i < first_n && i < 48; i++)
        n += snprintf(ret_line + n, line_n - (size_t)n, "%02x", all[i]);
    free(all);
    free(x);
    xw_codec_free(coder);
}

static void the_bytes_are_the_golden_ones(void **state)
{
    (void)state;
    static const char path[] = "tests/golden/codec/bytes.txt";
    bool write = getenv("XW_GOLDEN_WRITE") != NULL;
    FILE *file = fopen(path, write ? "w" : "r");
    char line[512], wanted[512];
    assert_non_null(file);
    for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
        describe(&goldens[i], line, sizeof(line));
        if (write) {
            fprintf(file, "%s\n", line);
            continue;
        }
        assert_non_null(fgets(wanted, sizeof(wanted), file));
        wanted[strcspn(wanted, "\n")] = 0;
        assert_string_equal(line, wanted);
    }
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_of_every_signal_comes_back),
        cmocka_unit_test(random_cuts_keys_and_resets_come_back),
        cmocka_unit_test(the_largest_blocks_come_back),
        cmocka_unit_test(what_cannot_be_predicted_costs_one_byte_more_than_plain),
        cmocka_unit_test(derived_leads_are_found_in_any_order_and_with_any_offset),
        cmocka_unit_test(a_derived_lead_that_goes_astray_is_given_up_alone),
        cmocka_unit_test(short_blocks_cost_no_more_than_long_ones),
        cmocka_unit_test(the_first_block_after_a_reset_a_jump_or_a_step_back_is_a_key_block),
        cmocka_unit_test(blocks_out_of_order_are_refused_and_cost_nothing),
        cmocka_unit_test(a_block_under_a_false_name_is_refused),
        cmocka_unit_test(impossible_shapes_are_refused),
        cmocka_unit_test(damaged_blocks_are_refused_or_differ),
        cmocka_unit_test(nothing_is_allocated_after_new),
        cmocka_unit_test(the_bytes_are_the_golden_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
