/* The framer: any cut, its limits, its faults. */
#include "support.h"

#include "hl7/mllp.h"

static const char two[] = "\x0bMSH|one\r\x1c\r\r\n\x0bMSH|two\r\x1c\r";

static void every_cut_gives_the_same_messages(void **state)
{
    (void)state;
    for (size_t cut = 1; cut < sizeof(two) - 1; cut++) {
        struct xw_mllp m;
        char got[64] = "";
        xw_mllp_init(&m);
        for (size_t at = 0; at < sizeof(two) - 1;) {
            size_t n = XW_MIN(cut, sizeof(two) - 1 - at), used = 0;
            int r = xw_mllp_feed(&m, two + at, n, 0, &used);
            assert_in_range(r, 0, 1);
            assert_true(used > 0);
            at += used;
            if (r == 1) {
                strncat(got, (const char *)m.message.data, m.message.n);
                strncat(got, "/", 2);
            }
        }
        assert_string_equal(got, "MSH|one\r/MSH|two\r/");
        xw_mllp_done(&m);
    }
}

static int feed(const char *bytes, size_t n)
{
    struct xw_mllp m;
    size_t used, at = 0;
    int r = 0;
    xw_mllp_init(&m);
    while (at < n && r >= 0) {
        r = xw_mllp_feed(&m, bytes + at, n - at, 0, &used);
        at += r >= 0 ? used : 0;
    }
    xw_mllp_done(&m);
    return r;
}

static void bytes_that_are_no_frame_are_a_fault(void **state)
{
    (void)state;
    assert_int_equal(feed("MSH|", 4), -EBADMSG);
    assert_int_equal(feed("\x0b"
                          "A\x0b",
                          3),
                     -EBADMSG);
    assert_int_equal(feed("\x0b"
                          "A\x1c"
                          "B",
                          4),
                     -EBADMSG);
    assert_int_equal(feed("\x0b"
                          "A\x1c\rX",
                          5),
                     -EBADMSG);
    assert_int_equal(feed("\x1c\r", 2), -EBADMSG);
    assert_int_equal(feed("\r\n\x0b\x1c\r", 5), 1); /* empty, but a frame */
}

static void a_message_of_1_MiB_is_taken_and_one_byte_more_is_not(void **state)
{
    (void)state;
    size_t n = XW_MLLP_MESSAGE_MAX;
    char *bytes = malloc(n + 4);
    memset(bytes, 'x', n + 4);
    bytes[0] = 0x0b;
    bytes[n + 1] = 0x1c;
    bytes[n + 2] = '\r';
    assert_int_equal(feed(bytes, n + 3), 1);
    bytes[n + 1] = 'x';
    bytes[n + 2] = 0x1c;
    bytes[n + 3] = '\r';
    assert_int_equal(feed(bytes, n + 4), -EOVERFLOW);
    free(bytes);
}

static void a_frame_is_late_from_its_first_byte_on(void **state)
{
    struct xw_mllp m;
    size_t used;
    (void)state;
    xw_mllp_init(&m);
    assert_false(xw_mllp_late(&m, 1000, 10));
    assert_int_equal(xw_mllp_feed(&m, "\x0bMSH", 4, 1000, &used), 0);
    assert_false(xw_mllp_late(&m, 1010, 10));
    assert_int_equal(xw_mllp_feed(&m, "|", 1, 1010, &used), 0); /* going on does not help */
    assert_true(xw_mllp_late(&m, 1011, 10));
    assert_int_equal(xw_mllp_feed(&m, "\x1c\r", 2, 1012, &used), 1);
    assert_false(xw_mllp_late(&m, 9999, 10));
    xw_mllp_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_gives_the_same_messages),
        cmocka_unit_test(bytes_that_are_no_frame_are_a_fault),
        cmocka_unit_test(a_message_of_1_MiB_is_taken_and_one_byte_more_is_not),
        cmocka_unit_test(a_frame_is_late_from_its_first_byte_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
