/* Messages of enrolment, and the head of an HTTP answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "trust/enrol.h"

static void messages_come_back_as_they_were(void **state)
{
    (void)state;
    struct xw_enrol_hello hello, hello2;
    struct xw_enrol_proof proof, proof2;
    struct xw_enrol_request request = {.csr = "-----BEGIN\nx\n", .csr_n = 13}, request2;
    struct xw_enrol_grant grant = {.gateway = "town-a",
                                   .site = "东镇卫生院",
                                   .host = "county.test",
                                   .port = 8701,
                                   .certificate = (char[]){"C"},
                                   .ca = (char[]){"R"}},
                          grant2;
    randombytes_buf(&hello, sizeof(hello));
    randombytes_buf(&proof, sizeof(proof));
    randombytes_buf(request.id, sizeof(request.id));
    randombytes_buf(request.key, sizeof(request.key));
    char *text = xw_enrol_hello_text(&hello);
    assert_int_equal(xw_enrol_hello_read(text, strlen(text), &hello2), 0);
    assert_memory_equal(&hello, &hello2, sizeof(hello));
    free(text);
    text = xw_enrol_proof_text(&proof);
    assert_int_equal(xw_enrol_proof_read(text, strlen(text), &proof2), 0);
    assert_memory_equal(&proof, &proof2, sizeof(proof));
    free(text);
    text = xw_enrol_request_text(&request);
    assert_int_equal(xw_enrol_request_read(text, strlen(text), &request2), 0);
    assert_memory_equal(request.key, request2.key, sizeof(request.key));
    assert_string_equal(request.csr, request2.csr);
    assert_string_equal(request2.was, "");
    snprintf(request.was, sizeof(request.was), "town-a");
    free(text);
    text = xw_enrol_request_text(&request);
    assert_int_equal(xw_enrol_request_read(text, strlen(text), &request2), 0);
    assert_string_equal(request2.was, "town-a");
    snprintf(request.was, sizeof(request.was), "town a"); /* no id */
    free(text);
    text = xw_enrol_request_text(&request);
    assert_int_equal(xw_enrol_request_read(text, strlen(text), &request2), -EBADMSG);
    free(text);
    text = xw_enrol_grant_text(&grant);
    assert_int_equal(xw_enrol_grant_read(text, strlen(text), &grant2), 0);
    assert_string_equal(grant2.site, grant.site);
    assert_int_equal(grant2.port, 8701);
    xw_enrol_grant_done(&grant2);
    free(text);
}

static void what_is_malformed_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"id\":5}",
        "{\"id\":\"00\",\"nonce\":\"00\"}",
        "{\"id\":\"00112233445566778899aabbccddeeff\"}",
        /* a digit too few, no hex, one too many */
        "{\"id\":\"00112233445566778899aabbccddeef\",\"nonce\":\"\"}",
        "{\"id\":\"zz112233445566778899aabbccddeeff\",\"nonce\":\"\"}",
        "{\"id\":\"00112233445566778899aabbccddeeff00\",\"nonce\":\"\"}",
        "{\"a\":[[[[[[[[[]]]]]]]]]}",
        "{\"id\":\"x\",\"id\":\"x\"}",
    };
    (void)state;
    struct xw_enrol_hello hello;
    struct xw_enrol_request request;
    struct xw_enrol_proof proof;
    struct xw_enrol_grant grant;
    for (size_t i = 0; i < XW_ARRAY_N(texts); i++) {
        size_t n = strlen(texts[i]);
        assert_int_equal(xw_enrol_hello_read(texts[i], n, &hello), -EBADMSG);
        assert_int_equal(xw_enrol_request_read(texts[i], n, &request), -EBADMSG);
        assert_int_equal(xw_enrol_proof_read(texts[i], n, &proof), -EBADMSG);
        assert_int_equal(xw_enrol_grant_read(texts[i], n, &grant), -EBADMSG);
    }
}

static void a_refusal_is_told_in_printable_words(void **state)
{
    (void)state;
    char word[32], text[160];
    static const char answer[] = "{\"error\":\"used_code\",\"text\":\"a\\u0007b\"}";
    xw_enrol_error_read(answer, sizeof(answer) - 1, word, text);
    assert_string_equal(word, "used_code");
    assert_string_equal(text, "a?b");
    xw_enrol_error_read("junk", 4, word, text);
    assert_string_equal(word, "");
    assert_string_equal(text, "");
}

static int head(const char *text, unsigned *status, size_t *head_n, size_t *body_n)
{
    return xw_enrol_head_read(text, strlen(text), status, head_n, body_n);
}

static void the_head_of_an_answer_is_read(void **state)
{
    static const char good[] =
        "HTTP/1.1 200 OK\r\nContent-Type: x\r\ncontent-length:  12 \r\n\r\nrest";
    (void)state;
    unsigned status = 0;
    size_t head_n = 0, body_n = 0;
    assert_int_equal(head(good, &status, &head_n, &body_n), 1);
    assert_int_equal(status, 200);
    assert_int_equal(body_n, 12);
    assert_string_equal(good + head_n, "rest");
    for (size_t n = 0; n < head_n; n++)
        assert_int_equal(xw_enrol_head_read(good, n, &status, &head_n, &body_n), 0);
}

static void heads_that_mean_something_else_are_refused(void **state)
{
    static const char *const texts[] = {
        "SSH-2.0-x\r\n\r\n",
        "HTTP/2 200 OK\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    };
    (void)state;
    unsigned status = 0;
    size_t head_n = 0, body_n = 0;
    for (size_t i = 0; i < XW_ARRAY_N(texts); i++)
        assert_true(head(texts[i], &status, &head_n, &body_n) < 0);
    char *endless = malloc(XW_ENROL_HEAD_MAX + 1);
    memset(endless, 'a', XW_ENROL_HEAD_MAX + 1);
    assert_int_equal(xw_enrol_head_read(endless, XW_ENROL_HEAD_MAX, &status, &head_n, &body_n),
                     -EOVERFLOW);
    free(endless);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_back_as_they_were),
        cmocka_unit_test(what_is_malformed_is_refused),
        cmocka_unit_test(a_refusal_is_told_in_printable_words),
        cmocka_unit_test(the_head_of_an_answer_is_read),
        cmocka_unit_test(heads_that_mean_something_else_are_refused),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
