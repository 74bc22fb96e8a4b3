/* CRC-32C, UUIDs, varints and framing. */
#include "support.h"
#include "tests.h"

#include "base/crc32c.h"
#include "base/frame.h"
#include "base/uuid.h"
#include "base/varint.h"

#include <string.h>

static void crc_has_the_published_check_value(void **state)
{
    (void)state;
    assert_int_equal(xw_crc32c(0, "123456789", 9), 0xE3069283U);
    assert_int_equal(xw_crc32c_table(0, "123456789", 9), 0xE3069283U);
    assert_int_equal(xw_crc32c(0, "", 0), 0);
    uint8_t zeros[32] = {0}; /* RFC 3720 B.4 */
    assert_int_equal(xw_crc32c(0, zeros, 32), 0x8A9136AAU);
    memset(zeros, 0xFF, 32);
    assert_int_equal(xw_crc32c(0, zeros, 32), 0x62A8AB43U);
}

static void crc_kernels_agree_at_every_size_and_offset(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    uint8_t data[300];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)test_random(&seed);
    for (size_t offset = 0; offset < 9; offset++) {
        for (size_t n = 0; n + offset <= 280; n++) {
            uint32_t want = xw_crc32c_table(0, data + offset, n);
            assert_int_equal(xw_crc32c(0, data + offset, n), want);
            if (xw_crc32c_has_sse42())
                assert_int_equal(xw_crc32c_sse42(0, data + offset, n), want);
            uint32_t half = xw_crc32c(0, data + offset, n / 3);
            assert_int_equal(xw_crc32c(half, data + offset + n / 3, n - n / 3), want);
        }
    }
}

static void uuid_v7_increases_even_when_the_wall_clock_steps_back(void **state)
{
    (void)state;
    struct xw_clock clock;
    /* Ahead of the real clock: the process-wide order is one for all clocks. */
    int64_t wall_us = xw_clock_wall(NULL).us + 3600000000LL;
    xw_clock_fake_init(&clock, 0, wall_us);
    struct xw_uuid last = xw_uuid_v7(&clock);
    assert_int_equal(xw_uuid_v7_time(&last).us, wall_us / 1000 * 1000);
    for (int i = 0; i < 2000; i++) {
        if (i == 1000)
            xw_clock_fake_step_wall(&clock, -60000000);
        struct xw_uuid id = xw_uuid_v7(&clock);
        assert_true(xw_uuid_compare(&last, &id) < 0);
        assert_int_equal(id.b[6] >> 4, 7);
        assert_int_equal(id.b[8] >> 6, 2);
        last = id;
    }
}

static void uuid_v8_depends_on_the_bytes_alone_not_on_their_cut(void **state)
{
    (void)state;
    struct xw_uuid a = xw_uuid_v8((struct xw_part[]){{"abc", 3}}, 1);
    struct xw_uuid b = xw_uuid_v8((struct xw_part[]){{"a", 1}, {"", 0}, {"bc", 2}}, 3);
    assert_true(xw_uuid_equal(&a, &b));
    /* SHA-256("abc") = ba7816bf 8f01cfea 414140de 5dae2223 … with version and variant put in. */
    char text[XW_UUID_TEXT_N_BYTES];
    assert_string_equal(xw_uuid_format(&a, text), "ba7816bf-8f01-8fea-8141-40de5dae2223");
}

static void stream_id_separates_its_parts(void **state)
{
    (void)state;
    struct xw_uuid a = xw_uuid_stream("town-a", "ecg1", 7, "header", 6);
    struct xw_uuid same = xw_uuid_stream("town-a", "ecg1", 7, "header", 6);
    struct xw_uuid shifted = xw_uuid_stream("town-ae", "cg1", 7, "header", 6);
    struct xw_uuid epoch = xw_uuid_stream("town-a", "ecg1", 8, "header", 6);
    assert_true(xw_uuid_equal(&a, &same));
    assert_false(xw_uuid_equal(&a, &shifted));
    assert_false(xw_uuid_equal(&a, &epoch));
    static const uint8_t bytes[] = "xw-stream-1town-a\0ecg1\0\7\0\0\0\0\0\0\0header";
    struct xw_uuid spelt = xw_uuid_v8((struct xw_part[]){{bytes, sizeof(bytes) - 1}}, 1);
    assert_true(xw_uuid_equal(&a, &spelt));
}

static void uuid_text_is_parsed_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "0",
                                      "01234567-89ab-7def-8123-456789abcde",
                                      "01234567-89ab-7def-8123-456789abcdef0",
                                      "0123456789ab-7def-8123-456789abcdef-",
                                      "01234567-89ab-7def-8123-456789abcdeg",
                                      " 1234567-89ab-7def-8123-456789abcdef",
                                      "01234567_89ab-7def-8123-456789abcdef"};
    struct xw_uuid id = {{1}};
    for (size_t i = 0; i < XW_ARRAY_N(bad); i++)
        assert_int_equal(xw_uuid_parse(bad[i], &id), -EBADMSG);
    assert_int_equal(id.b[0], 1); /* untouched on failure */
    assert_int_equal(xw_uuid_parse("01234567-89AB-7def-8123-456789abcdef", &id), 0);
    char text[XW_UUID_TEXT_N_BYTES];
    assert_string_equal(xw_uuid_format(&id, text), "01234567-89ab-7def-8123-456789abcdef");
    assert_int_equal(xw_uuid_from_bytes("short", 5, &id), -EBADMSG);
    assert_false(xw_uuid_is_nil(&id));
    assert_true(xw_uuid_is_nil(&(struct xw_uuid){{0}}));
    struct xw_uuid other = id;
    other.b[15] ^= 1;
    assert_true(xw_uuid_hash(&id) != xw_uuid_hash(&other));
}

static void varint_round_trips_and_refuses_long_forms(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (int i = 0; i < 20000; i++) {
        uint64_t v = test_random(&seed) >> (test_random(&seed) % 64);
        uint8_t data[XW_VARINT64_MAX_N_BYTES];
        uint64_t back = ~v;
        size_t n = xw_varint_put(data, v);
        assert_int_equal(xw_varint_get(data, n, &back), n);
        assert_true(back == v);
        assert_int_equal(xw_varint_get(data, n - 1, &back), -EAGAIN);
    }
    uint64_t v;
    assert_int_equal(xw_varint_get((const uint8_t *)"\x80\x00", 2, &v), -EBADMSG);
    assert_int_equal(
        xw_varint_get((const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, &v),
        -EBADMSG);
    assert_int_equal(
        xw_varint_get((const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, &v), 10);
    assert_true(v == UINT64_MAX);
}

/* Messages of sizes around every header length, fed in random cuts, come out whole. */
static void frames_survive_any_cut(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 127, 128, 129, 5000, 16383, 16384, 0, 65536, 200000};
    uint64_t seed = test_seed();
    XW_CLEANUP(xw_buf_done) struct xw_buf wire;
    xw_buf_init(&wire, 1 << 20);
    uint8_t *message = calloc(1, 200000);
    for (size_t i = 0; i < XW_ARRAY_N(sizes); i++) {
        memset(message, (int)i + 1, sizes[i]);
        assert_int_equal(xw_frame_append(&wire, message, sizes[i]), 0);
    }
    for (int round = 0; round < 30; round++) {
        XW_CLEANUP(xw_framer_done) struct xw_framer framer;
        xw_framer_init(&framer, 0);
        size_t got = 0;
        for (size_t at = 0; at < wire.n;) {
            size_t longest = round % 3 == 0 ? 7000 : round % 3 == 1 ? 65536 : 300;
            size_t n = XW_MIN(1 + (size_t)(test_random(&seed) % longest), wire.n - at);
            assert_int_equal(xw_framer_push(&framer, wire.data + at, n), 0);
            at += n;
            const uint8_t *data;
            size_t n_bytes;
            int r;
            while ((r = xw_framer_next(&framer, &data, &n_bytes)) == 1) {
                assert_int_equal(n_bytes, sizes[got]);
                for (size_t k = 0; k < n_bytes; k += 97)
                    assert_int_equal(data[k], got + 1);
                got++;
            }
            assert_int_equal(r, 0);
        }
        assert_int_equal(got, XW_ARRAY_N(sizes));
        assert_int_equal(xw_framer_offset(&framer), wire.n);
    }
    free(message);
}

static void a_bad_length_ends_the_stream_at_its_byte(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } bad[] = {{"\x80\x00", 2},
               {"\x81\x80\x10", 3},
               {"\xff\xff\xff\xff\xff", 5},
               {"\xff\xff\xff\xff\x1f", 5}};
    for (size_t i = 0; i < XW_ARRAY_N(bad); i++) {
        XW_CLEANUP(xw_framer_done) struct xw_framer framer;
        xw_framer_init(&framer, 0);
        const uint8_t *data;
        size_t n_bytes;
        assert_int_equal(xw_framer_push(&framer, "\x02hi", 3), 0);
        assert_int_equal(xw_framer_push(&framer, bad[i].bytes, bad[i].n), 0);
        assert_int_equal(xw_framer_next(&framer, &data, &n_bytes), 1);
        assert_int_equal(xw_framer_next(&framer, &data, &n_bytes), -EBADMSG);
        assert_int_equal(xw_framer_offset(&framer), 3);
        assert_int_equal(xw_framer_push(&framer, "\x00", 1), -EBADMSG);
        assert_int_equal(xw_framer_next(&framer, &data, &n_bytes), -EBADMSG);
    }
}

static void a_framer_that_is_not_emptied_says_so(void **state)
{
    (void)state;
    XW_CLEANUP(xw_framer_done) struct xw_framer framer;
    xw_framer_init(&framer, 16);
    static const uint8_t chunk[XW_FRAME_PUSH_MAX_N_BYTES];
    assert_int_equal(xw_framer_push(&framer, chunk, sizeof(chunk)), 0);
    assert_int_equal(xw_framer_push(&framer, chunk, sizeof(chunk)), -EMSGSIZE);
}

const struct CMUnitTest codec_tests[] = {
    cmocka_unit_test(crc_has_the_published_check_value),
    cmocka_unit_test(crc_kernels_agree_at_every_size_and_offset),
    cmocka_unit_test(uuid_v7_increases_even_when_the_wall_clock_steps_back),
    cmocka_unit_test(uuid_v8_depends_on_the_bytes_alone_not_on_their_cut),
    cmocka_unit_test(stream_id_separates_its_parts),
    cmocka_unit_test(uuid_text_is_parsed_strictly),
    cmocka_unit_test(varint_round_trips_and_refuses_long_forms),
    cmocka_unit_test(frames_survive_any_cut),
    cmocka_unit_test(a_bad_length_ends_the_stream_at_its_byte),
    cmocka_unit_test(a_framer_that_is_not_emptied_says_so),
};
const size_t codec_tests_n = XW_ARRAY_N(codec_tests);
