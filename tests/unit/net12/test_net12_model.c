/* Models as bytes: what was written is read, anything else is refused with its place. */
#include "unit/net12/made.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *made(bool plain, size_t *n)
{
    struct xw_net12_model model;
    xw_made_model(4, plain, &model);
    uint8_t *bytes = xw_made_bytes(&model, n);
    free(model.weights);
    return bytes;
}

/* Refused, nothing given back; where. */
static size_t refused(const uint8_t *bytes, size_t n, const char *part)
{
    uint8_t *exact = malloc(n ? n : 1);
    struct xw_net12 *none = NULL;
    struct xw_net12_error error = {0};
    assert_non_null(exact);
    memcpy(exact, bytes, n);
    assert_int_equal(xw_net12_open(exact, n, &none, &error), -EBADMSG);
    assert_null(none);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" does not say \"%s\"", error.text, part);
    assert_int_equal(xw_net12_open(exact, n, &none, NULL), -EBADMSG);
    free(exact);
    return error.offset;
}

static void a_model_written_is_the_model_read(void **state)
{
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        struct xw_net12_model model, again;
        size_t n, at;
        char hash[XW_NET12_HASH_BYTES];
        xw_made_model(9, plain, &model);
        uint8_t *bytes = xw_made_bytes(&model, &n), *twice;
        assert_null(xw_net12_model_head(bytes, n, &again, &at));
        assert_int_equal(again.shape.weights_n, model.shape.weights_n);
        size_t weights_n = (size_t)model.members_n * model.shape.weights_n;
        again.weights = calloc(weights_n, sizeof(float));
        assert_non_null(again.weights);
        assert_null(xw_net12_model_body(bytes, n, &again, hash, &at));
        assert_memory_equal(model.weights, again.weights, weights_n * sizeof(float));
        assert_memory_equal(model.mean, again.mean, sizeof(model.mean));
        assert_memory_equal(model.limit, again.limit, sizeof(model.limit));
        assert_string_equal(model.id, again.id);
        assert_int_equal(model.offered, again.offered);
        size_t twice_n;
        twice = xw_made_bytes(&again, &twice_n);
        assert_int_equal(n, twice_n);
        assert_memory_equal(bytes, twice, n);
        free(twice);
        free(bytes);
        free(again.weights);
        free(model.weights);
    }
}

static void a_model_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    size_t n;
    uint8_t *bytes = made(false, &n);
    for (size_t cut = 0; cut < n; cut += cut < 200 ? 1 : 37)
        (void)refused(bytes, cut, "");
    free(bytes);
}

static void a_byte_changed_anywhere_is_refused(void **state)
{
    (void)state;
    size_t n;
    uint8_t *bytes = made(false, &n);
    for (size_t at = 0; at < n; at += at < 200 || at > n - 80 ? 1 : 13) {
        bytes[at] ^= 0x10;
        (void)refused(bytes, n, "");
        bytes[at] ^= 0x10;
    }
    free(bytes);
}

static void each_dimension_out_of_range_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        size_t at, told_at;
        uint32_t value;
        const char *part;
    } WRONG[] = {
        {0, 0, 0, "not a model"},
        {8, 8, 2, "version"},
        {12, 12, 100, "not as long"},
        {16, 16, 0, "no id"},
        {16, 16, 0x01010101, "not printable"},
        {44, 16, 0x41414141, "not printable"},
        {48, 48, 12, "other inputs"},
        {52, 52, 100, "other inputs"},
        {56, 56, 25, "other inputs"},
        {60, 60, 135, "other inputs"},
        {64, 64, 11, "other inputs"},
        {68, 68, 0, "members"},
        {68, 68, 17, "members"},
        {68, 12, 3, "its length"},
        {72, 68, 5, "convolutions: 0 to 4"},
        {72, 88, 0, "both or none"},
        {76, 88, 0, "segments"},
        {76, 88, 31, "segments"},
        {80, 88, 65, "hidden units: 0 to 64"},
        {80, 88, 0, "both or none"},
        {84, 84, 1 << 10, "offers"},
        {88, 88, 0, "channels"},
        {88, 88, 65, "channels"},
        {92, 88, 33, "width"},
        {92, 88, 6, "width"},
        {96, 88, 0, "stride"},
        {96, 88, 5, "stride"},
        {100, 88, 0xffffffff, "channels"},
    };
    size_t n;
    for (size_t k = 0; k < sizeof(WRONG) / sizeof(WRONG[0]); k++) {
        uint8_t *bytes = made(false, &n);
        for (unsigned i = 0; i < 4; i++)
            bytes[WRONG[k].at + i] = (uint8_t)(WRONG[k].value >> 8 * i);
        xw_made_seal(bytes, n);
        assert_int_equal(refused(bytes, n, WRONG[k].part), WRONG[k].told_at);
        free(bytes);
    }
}

static void too_many_parameters_are_refused_before_they_get_room(void **state)
{
    (void)state;
    size_t n;
    uint8_t *bytes = made(false, &n);
    bytes[68] = 16; /* members */
    for (unsigned k = 0; k < 2; k++) {
        bytes[88 + 12 * k] = 64;
        bytes[92 + 12 * k] = 31;
    }
    xw_made_seal(bytes, n);
    (void)refused(bytes, n, "200,000");
    free(bytes);
}

static void numbers_that_are_none_are_refused(void **state)
{
    (void)state;
    size_t n, floats = XW_NET12_HEAD_BYTES + 24;
    uint8_t *bytes = made(false, &n);
    const uint8_t nan_float[4] = {0, 0, 0xc0, 0x7f}, large[4] = {0x28, 0x6b, 0xee, 0x5e};
    for (unsigned k = 0; k < 2; k++) {
        uint8_t keep[4];
        memcpy(keep, bytes + floats + 40, 4);
        memcpy(bytes + floats + 40, k ? large : nan_float, 4);
        xw_made_seal(bytes, n);
        assert_int_equal(refused(bytes, n, "no number"), floats + 40);
        memcpy(bytes + floats + 40, keep, 4);
    }
    size_t weights = floats + 4 * (2 * XW_NET12_FIGURES + 3 * XW_NET12_CLASSES);
    bytes[weights + 6] = 0;
    bytes[weights + 7] = 0xfc; /* -infinity */
    xw_made_seal(bytes, n);
    assert_int_equal(refused(bytes, n, "weight"), weights + 6);
    free(bytes);
}

static void a_wrong_hash_is_told(void **state)
{
    (void)state;
    size_t n;
    uint8_t *bytes = made(true, &n);
    bytes[n - 1] ^= 1;
    assert_int_equal(refused(bytes, n, "hash"), n - XW_NET12_TAIL_BYTES);
    free(bytes);
}

static void weights_as_large_as_can_be_say_nothing_that_is_no_number(void **state)
{
    (void)state;
    struct xw_net12_model model;
    struct xw_net12 *net = NULL;
    struct xw_net12_view view;
    struct xw_net12_output out;
    size_t n;
    xw_made_model(3, false, &model);
    for (size_t i = 0; i < (size_t)model.members_n * model.shape.weights_n; i++)
        model.weights[i] = i % 3 ? 65504 : -65504;
    uint8_t *bytes = xw_made_bytes(&model, &n);
    assert_int_equal(xw_net12_open(bytes, n, &net, NULL), 0);
    xw_made_view(1, &view);
    xw_net12_judge(net, &view, &out);
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++)
        assert_true(out.probability[c] >= 0 && out.probability[c] <= 1);
    xw_net12_free(net);
    free(bytes);
    free(model.weights);
}

static void every_half_comes_back_and_the_rest_is_rounded_to_the_nearest(void **state)
{
    (void)state;
    for (unsigned half = 0; half < 0x10000; half++)
        if ((half >> 10 & 31) != 31)
            assert_int_equal(xw_net12_half(xw_net12_float((uint16_t)half)), half);
    assert_int_equal(xw_net12_half(1), 0x3c00);
    assert_int_equal(xw_net12_half(1 + 0x1p-11F), 0x3c00);    /* a tie: to even */
    assert_int_equal(xw_net12_half(1 + 0x1.8p-10F), 0x3c02);  /* a tie: to even, upwards */
    assert_int_equal(xw_net12_half(1 + 0x1.01p-11F), 0x3c01); /* above the tie */
    assert_int_equal(xw_net12_half(0x1.fffp-1F), 0x3c00);     /* carries into the exponent */
    assert_int_equal(xw_net12_half(0x1p-25F), 0);             /* half of the smallest: even */
    assert_int_equal(xw_net12_half(0x1.8p-25F), 1);
    assert_int_equal(xw_net12_half(1e6F), 0x7bff);
    assert_int_equal(xw_net12_half(-1e6F), 0xfbff);
    assert_int_equal(xw_net12_half(65519.9F), 0x7bff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_written_is_the_model_read),
        cmocka_unit_test(a_model_cut_off_anywhere_is_refused),
        cmocka_unit_test(a_byte_changed_anywhere_is_refused),
        cmocka_unit_test(each_dimension_out_of_range_is_told_with_its_place),
        cmocka_unit_test(too_many_parameters_are_refused_before_they_get_room),
        cmocka_unit_test(numbers_that_are_none_are_refused),
        cmocka_unit_test(a_wrong_hash_is_told),
        cmocka_unit_test(weights_as_large_as_can_be_say_nothing_that_is_no_number),
        cmocka_unit_test(every_half_comes_back_and_the_rest_is_rounded_to_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
