/* Block codings against a slow and obvious reference. */
#include "support.h"
#include "tests.h"

#include "base/block.h"
#include "base/crc32c.h"
#include "base/varint.h"

#include <string.h>

/* Written from the definition, bytewise: what the fast coder must equal. */
static size_t reference_encode(const int32_t *x, size_t channels_n, size_t count_n, uint8_t *ret)
{
    size_t n = 0;
    for (size_t c = 0; c < channels_n; c++) {
        int64_t previous = 0;
        for (size_t i = 0; i < count_n; i++) {
            int64_t value = x[i * channels_n + c];
            int32_t difference = (int32_t)(uint32_t)(value - previous);
            uint32_t zigzag = difference >= 0 ? 2U * (uint32_t)difference
                                              : (uint32_t)(-2 * (int64_t)difference - 1);
            n += xw_varint_put(ret + n, zigzag);
            previous = value;
        }
    }
    return n;
}

static void fill(int32_t *x, size_t n, unsigned bits, uint64_t *seed)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (int32_t)(uint32_t)test_random(seed) >> (32 - bits);
}

static void check_one(const int32_t *x, size_t channels_n, size_t count_n)
{
    size_t values_n = channels_n * count_n;
    size_t bound = xw_block_bound(channels_n, count_n);
    /* Exact allocations, so that the address sanitizer sees one byte too far. */
    uint8_t *want = malloc(bound);
    uint8_t *got = malloc(bound);
    int32_t *back = malloc(values_n * sizeof(back[0]));
    size_t want_n = reference_encode(x, channels_n, count_n, want);
    int n = xw_block_encode(XW_CODING_DELTA, x, channels_n, count_n, got, bound);
    assert_int_equal(n, want_n);
    assert_memory_equal(got, want, want_n);
    uint8_t *exact = malloc(want_n);
    assert_int_equal(xw_block_encode(XW_CODING_DELTA, x, channels_n, count_n, exact, want_n), n);
    assert_memory_equal(exact, want, want_n);
    assert_int_equal(xw_block_encode(XW_CODING_DELTA, x, channels_n, count_n, got, want_n - 1),
                     -ENOSPC);
    assert_int_equal(xw_block_decode(XW_CODING_DELTA, exact, want_n, channels_n, count_n, back), 0);
    assert_memory_equal(back, x, values_n * sizeof(x[0]));
    assert_int_equal(xw_block_decode(XW_CODING_DELTA, exact, want_n - 1, channels_n, count_n, back),
                     -EBADMSG);
    free(want);
    free(got);
    free(exact);
    free(back);
}

static void delta_equals_the_reference_at_all_shapes_and_widths(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 3, 7, 20, 101};
    static const size_t channels[] = {1, 2, 3, 12, 18, 64};
    uint64_t seed = test_seed();
    int32_t x[64 * 101];
    for (size_t a = 0; a < XW_ARRAY_N(counts); a++) {
        for (size_t b = 0; b < XW_ARRAY_N(channels); b++) {
            for (unsigned bits = 1; bits <= 32; bits += bits < 8 ? 1 : 3) {
                fill(x, counts[a] * channels[b], bits, &seed);
                check_one(x, channels[b], counts[a]);
            }
        }
    }
}

static void delta_wraps_around_between_extremes(void **state)
{
    (void)state;
    static const int32_t x[] = {INT32_MIN, INT32_MAX, INT32_MIN, 0, INT32_MAX, -1, 1, INT32_MIN};
    check_one(x, 1, 8);
    check_one(x, 2, 4);
    uint8_t bytes[3];
    static const int32_t small[] = {1, 0, -64};
    assert_int_equal(xw_block_encode(XW_CODING_DELTA, small, 1, 3, bytes, sizeof(bytes)), 3);
    assert_memory_equal(bytes, "\x02\x01\x7f", 3);
}

static void raw_codings_round_trip_and_check_their_width(void **state)
{
    (void)state;
    static const struct {
        enum xw_coding coding;
        unsigned bits;
    } raw[] = {{XW_CODING_INT16, 16}, {XW_CODING_INT32, 32}, {XW_CODING_INT24, 24}};
    uint64_t seed = test_seed();
    for (size_t i = 0; i < XW_ARRAY_N(raw); i++) {
        int32_t x[36], back[36];
        fill(x, 36, raw[i].bits, &seed);
        uint8_t data[36 * 4];
        size_t want = 36 * raw[i].bits / 8;
        assert_int_equal(xw_block_encode(raw[i].coding, x, 12, 3, data, sizeof(data)), want);
        assert_int_equal(xw_block_encode(raw[i].coding, x, 12, 3, data, want - 1), -ENOSPC);
        assert_int_equal(xw_block_decode(raw[i].coding, data, want, 12, 3, back), 0);
        assert_memory_equal(back, x, sizeof(x));
        assert_int_equal(xw_block_decode(raw[i].coding, data, want - 1, 12, 3, back), -EBADMSG);
        if (raw[i].bits < 32) {
            x[35] = 1 << (raw[i].bits - 1);
            assert_int_equal(xw_block_encode(raw[i].coding, x, 12, 3, data, sizeof(data)), -ERANGE);
        }
    }
    int32_t x;
    assert_int_equal(xw_block_decode(XW_CODING_INT16, (const uint8_t *)"\xfe\xff", 2, 1, 1, &x), 0);
    assert_int_equal(x, -2);
    assert_int_equal(xw_block_decode(XW_CODING_INT24, (const uint8_t *)"\x00\x00\x80", 3, 1, 1, &x),
                     0);
    assert_int_equal(x, -8388608);
}

static void no_bytes_at_all_are_no_block(void **state)
{
    (void)state;
    int32_t x[4] = {0};
    const uint8_t one = 0;
    for (int coding = XW_CODING_DELTA; coding <= XW_CODING_INT24; coding++) {
        assert_int_equal(xw_block_decode((enum xw_coding)coding, NULL, 0, 2, 2, x), -EBADMSG);
        assert_int_equal(xw_block_decode((enum xw_coding)coding, &one, 0, 2, 2, x), -EBADMSG);
    }
}

static void malformed_bytes_and_shapes_are_refused(void **state)
{
    (void)state;
    int32_t x[64];
    static const struct {
        const char *bytes;
        size_t n;
    } bad[] = {
        {"\x80\x00", 2},                     /* not the shortest form */
        {"\xff\xff\xff\xff\x1f", 5},         /* 33 bits */
        {"\xff\xff\xff\xff\xff\x01", 6},     /* six bytes */
        {"\x01\x01", 2},                     /* bytes left over */
        {"", 0},                             /* nothing */
        {"\x81", 1},                         /* cut off */
        {"\x80\x80\x80\x80\x00\0\0\0\0", 9}, /* not the shortest, in the word path */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10},
    };
    for (size_t i = 0; i < XW_ARRAY_N(bad); i++)
        assert_int_equal(
            xw_block_decode(XW_CODING_DELTA, (const uint8_t *)bad[i].bytes, bad[i].n, 1, 1, x),
            -EBADMSG);
    static const uint8_t one[1];
    assert_int_equal(xw_block_decode(XW_CODING_DELTA, one, 1, 0, 1, x), -EINVAL);
    assert_int_equal(xw_block_decode(XW_CODING_DELTA, one, 1, 1, 0, x), -EINVAL);
    assert_int_equal(xw_block_decode(XW_CODING_DELTA, one, 1, 65, 1, x), -EINVAL);
    assert_int_equal(xw_block_decode(XW_CODING_DELTA, one, 1, SIZE_MAX, SIZE_MAX, x), -EINVAL);
    assert_int_equal(xw_block_decode((enum xw_coding)9, one, 1, 1, 1, x), -EOPNOTSUPP);
    assert_false(xw_block_shape_ok(64, 65536));
    assert_true(xw_block_shape_ok(18, 5000));
}

static void crc_is_over_the_interleaved_samples(void **state)
{
    (void)state;
    static const int32_t x[] = {0x01020304, -1};
    static const uint8_t bytes[] = {4, 3, 2, 1, 255, 255, 255, 255};
    assert_int_equal(xw_block_crc(x, 2, 1), xw_crc32c_table(0, bytes, sizeof(bytes)));
}

const struct CMUnitTest block_tests[] = {
    cmocka_unit_test(delta_equals_the_reference_at_all_shapes_and_widths),
    cmocka_unit_test(delta_wraps_around_between_extremes),
    cmocka_unit_test(raw_codings_round_trip_and_check_their_width),
    cmocka_unit_test(no_bytes_at_all_are_no_block),
    cmocka_unit_test(malformed_bytes_and_shapes_are_refused),
    cmocka_unit_test(crc_is_over_the_interleaved_samples),
};
const size_t block_tests_n = XW_ARRAY_N(block_tests);
