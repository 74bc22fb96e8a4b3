/* The county's rule lists at a gateway: the newest counts, and what cannot be used changes nothing.
 */
#include "dsp/core/sha256.h"
#include "edge/ruleset.h"
#include "proto/study.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct xw_ruleset set;

static int fresh(void **state)
{
    (void)state;
    memset(&set, 0, sizeof(set));
    return 0;
}

static int send_text(uint32_t version, int64_t wall_us, const char *text, bool right_hash)
{
    uint8_t body[2048], sha256[32];
    char hex[XW_DSP_SHA256_TEXT_BYTES];
    Xw__RuleSet wire = XW__RULE_SET__INIT;
    xw_dsp_sha256_text(text, strlen(text), hex);
    for (size_t i = 0; i < sizeof(sha256); i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
        sha256[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    sha256[0] ^= right_hash ? 0 : 1;
    wire.version = version;
    wire.wall_us = wall_us;
    wire.text = (char *)(uintptr_t)text;
    wire.sha256 = (ProtobufCBinaryData){sizeof(sha256), sha256};
    assert_true(xw__rule_set__get_packed_size(&wire) <= sizeof(body));
    return xw_ruleset_take(&set, body, xw__rule_set__pack(&wire, body));
}

static int send_rate(uint32_t version, int64_t wall_us, unsigned rate)
{
    char text[256];
    snprintf(text, sizeof(text),
             "[list]\nversion = %u\n[pause]\nrr_s = 2\n[tachycardia]\nrate_bpm = %u\n[end]\n",
             version, rate);
    return send_text(version, wall_us, text, true);
}

static void lists_in_any_order_and_twice_leave_the_newest(void **state)
{
    (void)state;
    assert_int_equal(send_rate(2, 20, 150), 1);
    assert_int_equal(send_rate(1, 10, 140), 0);
    assert_int_equal(send_rate(2, 20, 150), 0);
    assert_int_equal(send_rate(5, 50, 160), 1);
    assert_int_equal(send_rate(4, 40, 155), 0);
    assert_int_equal(set.newest_version, 5);
    assert_int_equal(set.good_version, 5);
    assert_int_equal((int)set.good.tachy_bpm, 160);
    assert_string_equal(set.refused, "");
}

static void of_two_lists_of_one_version_the_later_one_counts(void **state)
{
    (void)state;
    assert_int_equal(send_rate(3, 30, 150), 1);
    assert_int_equal(send_rate(3, 29, 170), 0);
    assert_int_equal(send_rate(3, 31, 180), 1);
    assert_int_equal((int)set.good.tachy_bpm, 180);
}

static void an_older_program_keeps_its_list_and_says_what_it_does_not_know(void **state)
{
    (void)state;
    assert_int_equal(send_rate(1, 10, 150), 1);
    assert_int_equal(
        send_text(2, 20, "[list]\nversion = 2\n[tachycardia]\nfuture = 7\n[end]\n", true), 1);
    assert_int_equal(set.newest_version, 2);
    assert_int_equal(set.good_version, 1);
    assert_int_equal((int)set.good.tachy_bpm, 150);
    assert_string_equal(set.refused, "line 4: tachycardia.future: there is no such field");
    assert_int_equal(send_rate(3, 30, 160), 1);
    assert_string_equal(set.refused, "");
    assert_int_equal(set.good_version, 3);
}

static void after_a_refused_one_an_older_one_that_is_right_still_counts(void **state)
{
    (void)state;
    assert_int_equal(send_text(9, 90, "[list]\nversion = 9\n", true), 1);
    assert_int_equal(set.good_version, 0);
    assert_int_equal(send_rate(8, 80, 150), 1);
    assert_int_equal(set.good_version, 8);
    assert_int_equal(set.newest_version, 9);
    assert_string_equal(set.refused, "line 2: the list ends without [end]: it was cut off");
}

static void a_text_with_another_hash_or_number_is_refused(void **state)
{
    (void)state;
    const char *text = "[list]\nversion = 1\n[end]\n";
    assert_int_equal(send_text(1, 10, text, false), 1);
    assert_string_equal(set.refused, "the text is not the one of its SHA-256");
    assert_int_equal(send_text(2, 20, text, true), 1);
    assert_string_equal(set.refused, "list.version: 1 in the text of version 2");
    assert_int_equal(set.good_version, 0);
}

static void what_is_no_list_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(xw_ruleset_take(&set, "\xff\xff", 2), -EBADMSG);
    assert_int_equal(xw_ruleset_take(&set, "", 0), -EBADMSG);
    assert_int_equal(set.newest_version, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lists_in_any_order_and_twice_leave_the_newest, fresh),
        cmocka_unit_test_setup(of_two_lists_of_one_version_the_later_one_counts, fresh),
        cmocka_unit_test_setup(an_older_program_keeps_its_list_and_says_what_it_does_not_know,
                               fresh),
        cmocka_unit_test_setup(after_a_refused_one_an_older_one_that_is_right_still_counts, fresh),
        cmocka_unit_test_setup(a_text_with_another_hash_or_number_is_refused, fresh),
        cmocka_unit_test_setup(what_is_no_list_changes_nothing, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
