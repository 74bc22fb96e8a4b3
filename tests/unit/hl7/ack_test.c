/* Answers, byte for byte. */
#include "support.h"

static const int64_t wall_us = INT64_C(1795320000) * 1000000; /* 2026-11-22 04:00:00 UTC */

static void answer_is(const char *message, enum xw_hl7_verdict verdict, const char *expected)
{
    struct hl7_read t;
    struct xw_buf out;
    struct xw_hl7_error error = {"OBX", "no | room"};
    hl7_read(&t, message);
    xw_buf_init(&out, 4096);
    bool whole = t.message.text != NULL;
    assert_int_equal(xw_hl7_ack(whole ? &t.message : NULL, whole ? &t.header : NULL, verdict,
                                &error, "id1", wall_us, &out),
                     0);
    assert_int_equal(out.n, strlen(expected));
    if (out.n)
        assert_memory_equal(out.data, expected, out.n);
    xw_buf_done(&out);
    hl7_read_done(&t);
}

#define HEAD "\x0bMSH|^~\\&|R|S|A|B|20261122040000+0000||ACK^R01^ACK|id1|P|2.6||||||UNICODE UTF-8\r"
#define MESSAGE(accept, application)                                                               \
    "MSH|^~\\&|A|B|R|S|20261122120000||ORU^R01|c\\F\\7|P|2.6|||" accept "|" application "\r"

static void original_mode(void **state)
{
    (void)state;
    answer_is(MESSAGE("", ""), XW_HL7_ACCEPT, HEAD "MSA|AA|c\\F\\7\r\x1c\r");
    answer_is(MESSAGE("", ""), XW_HL7_ERROR, HEAD "MSA|AE|c\\F\\7|OBX: no   room\r\x1c\r");
    answer_is(MESSAGE("", ""), XW_HL7_REJECT, HEAD "MSA|AR|c\\F\\7|OBX: no   room\r\x1c\r");
}

static void enhanced_mode_answers_what_is_asked_for(void **state)
{
    (void)state;
    answer_is(MESSAGE("AL", "NE"), XW_HL7_ACCEPT, HEAD "MSA|CA|c\\F\\7\r\x1c\r");
    answer_is(MESSAGE("AL", "AL"), XW_HL7_ERROR, HEAD "MSA|CE|c\\F\\7|OBX: no   room\r\x1c\r");
    answer_is(MESSAGE("NE", "AL"), XW_HL7_ACCEPT, HEAD "MSA|AA|c\\F\\7\r\x1c\r");
    answer_is(MESSAGE("ER", "NE"), XW_HL7_ACCEPT, "");
    answer_is(MESSAGE("ER", "NE"), XW_HL7_REJECT, HEAD "MSA|CR|c\\F\\7|OBX: no   room\r\x1c\r");
    answer_is(MESSAGE("SU", ""), XW_HL7_ACCEPT, HEAD "MSA|CA|c\\F\\7\r\x1c\r");
    answer_is(MESSAGE("SU", ""), XW_HL7_ERROR, "");
    answer_is(MESSAGE("NE", "NE"), XW_HL7_ERROR, "");
}

static void separators_are_those_of_the_question(void **state)
{
    (void)state;
    answer_is(
        "MSH#*!$%#A*1#B#R#S#20261122120000##ORU*R01#c7#T#2.3\r", XW_HL7_ACCEPT,
        "\x0bMSH#*!$%#R#S#A*1#B#20261122040000+0000##ACK*R01*ACK#id1#T#2.3######UNICODE UTF-8\r"
        "MSA#AA#c7\r\x1c\r");
}

static void what_is_no_message_is_answered_all_the_same(void **state)
{
    (void)state;
    answer_is("garbage", XW_HL7_REJECT,
              "\x0bMSH|^~\\&|||||20261122040000+0000||ACK^R01^ACK|id1|P|2.6||||||UNICODE UTF-8\r"
              "MSA|AR||OBX: no | room\r\x1c\r");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(original_mode),
        cmocka_unit_test(enhanced_mode_answers_what_is_asked_for),
        cmocka_unit_test(separators_are_those_of_the_question),
        cmocka_unit_test(what_is_no_message_is_answered_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
