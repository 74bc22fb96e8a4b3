/* The simulated probe's strips are read back, also from a picture that a codec has been through. */
#include "tools/sim/picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

enum { W = 640, H = 480 };

static void strips_are_read_as_they_were_drawn(void **state)
{
    struct xw_picture picture;
    static const uint32_t counts[] = {0, 1, 2, 0x80000000, 0xffffffff, 0x12345678};
    uint8_t *pixels = malloc(xw_picture_bytes(W, H));
    uint32_t got;
    (void)state;
    assert_non_null(pixels);
    assert_int_equal(xw_picture_init(&picture, W, H, 3), 0);
    for (size_t i = 0; i < XW_ARRAY_N(counts); i++) {
        xw_picture_draw(&picture, (int64_t)i * 40000, pixels);
        xw_picture_mark(pixels, W, H, counts[i], INT64_C(1795330000123456));
        assert_int_equal(xw_picture_read(pixels, W, 0, &got), 0);
        assert_int_equal(got, counts[i]);
        assert_int_equal(xw_picture_read(pixels, W, 1, &got), 0);
        assert_int_equal(got, (uint32_t)INT64_C(1795330000123));
        for (size_t p = 0; p < (size_t)W * 16; p++) /* blurred and noisy, as after a codec */
            pixels[p] = (uint8_t)(64 + pixels[p] / 2 + p % 23);
        assert_int_equal(xw_picture_read(pixels, W, 0, &got), 0);
        assert_int_equal(got, counts[i]);
    }
    xw_picture_draw(&picture, 0, pixels);
    assert_int_equal(xw_picture_read(pixels, W, 0, &got), -EBADMSG);
    xw_picture_mark(pixels, W, H, 5, 0);
    for (int y = 0; y < 8; y++) /* one bit turned: parity finds it */
        for (int x = 0; x < 8; x++)
            pixels[y * W + 33 * 8 + x] ^= 0xff;
    assert_int_equal(xw_picture_read(pixels, W, 0, &got), -EBADMSG);
    free(pixels);
    xw_picture_done(&picture);
}

static void impossible_sizes_are_refused(void **state)
{
    struct xw_picture picture;
    (void)state;
    assert_int_equal(xw_picture_init(&picture, 100, 480, 1), -EINVAL);
    assert_int_equal(xw_picture_init(&picture, 648, 480, 1), -EINVAL);
    assert_int_equal(xw_picture_init(&picture, 640, 4000, 1), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strips_are_read_as_they_were_drawn),
        cmocka_unit_test(impossible_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
