/* Enrolment codes: read aloud, typed with mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "trust/code.h"

static void what_is_shown_is_what_is_typed(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct xw_code code, again;
        char text[XW_CODE_TEXT_N];
        xw_code_new(&code);
        xw_code_format(&code, text);
        assert_int_equal(strlen(text), 21);
        assert_null(strpbrk(text, "ILOU*~$="));
        assert_int_equal(xw_code_parse(text, &again), 0);
        assert_memory_equal(&again, &code, sizeof(code));
    }
}

static void case_blanks_and_look_alikes_do_not_count(void **state)
{
    (void)state;
    struct xw_code code = {{0}}, again;
    char text[XW_CODE_TEXT_N];
    xw_code_format(&code, text);
    assert_string_equal(text, "0000-0000-0000-0000-0");
    assert_int_equal(xw_code_parse("oO00 0000-0000 0oo00", &again), 0);
    assert_memory_equal(&again, &code, sizeof(code));
    memset(code.secret, 0xff, sizeof(code.secret));
    xw_code_format(&code, text);
    assert_memory_equal(text, "ZZZZ-ZZZZ-ZZZZ-ZZZZ-", 20);
    for (char *c = text; *c; c++)
        *c = (char)(*c == 'Z' ? 'z' : *c);
    assert_int_equal(xw_code_parse(text, &again), 0);
    assert_memory_equal(&again, &code, sizeof(code));
}

static void every_wrong_character_and_every_swap_is_found(void **state)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    (void)state;
    struct xw_code code, again;
    char text[XW_CODE_TEXT_N], wrong[XW_CODE_TEXT_N];
    xw_code_new(&code);
    xw_code_format(&code, text);
    for (size_t i = 0; text[i]; i++) {
        for (size_t d = 0; text[i] != '-' && digits[d]; d++) {
            memcpy(wrong, text, sizeof(wrong));
            wrong[i] = digits[d];
            assert_int_equal(xw_code_parse(wrong, &again), digits[d] == text[i] ? 0 : -EILSEQ);
        }
        size_t next = text[i + 1] == '-' ? i + 2 : i + 1;
        if (text[i] == '-' || !text[i + 1] || text[next] == text[i])
            continue;
        memcpy(wrong, text, sizeof(wrong));
        wrong[i] = text[next];
        wrong[next] = text[i];
        assert_int_equal(xw_code_parse(wrong, &again), -EILSEQ);
    }
}

static void what_is_no_code_is_told_apart(void **state)
{
    (void)state;
    struct xw_code code;
    static const char *const texts[] = {"",
                                        "-",
                                        "0000-0000-0000-0000",
                                        "0000-0000-0000-0000-00",
                                        "0000-0000-0000-00U0-0",
                                        "0000-0000-0000-0000-!",
                                        "0000.0000.0000.0000.0",
                                        "验证码"};
    for (size_t i = 0; i < XW_ARRAY_N(texts); i++)
        assert_int_equal(xw_code_parse(texts[i], &code), -EBADMSG);
    assert_int_equal(xw_code_parse("0000-0000-0000-0000-U", &code), -EILSEQ);
}

static void the_proof_is_bound_to_all_it_is_about(void **state)
{
    (void)state;
    struct xw_code a, b;
    struct xw_code_keys ka, kb;
    uint8_t nonce[2][32], cert[32], proof[32], other[32];
    xw_code_new(&a);
    xw_code_new(&b);
    xw_code_derive(&a, &ka);
    xw_code_derive(&b, &kb);
    assert_memory_not_equal(ka.county, ka.gateway, sizeof(ka.county));
    assert_memory_not_equal(ka.id, kb.id, sizeof(ka.id));
    randombytes_buf(nonce, sizeof(nonce));
    randombytes_buf(cert, sizeof(cert));
    xw_code_prove(ka.county, nonce[0], nonce[1], cert, proof);
    xw_code_prove(ka.county, nonce[0], nonce[1], cert, other);
    assert_true(xw_code_equal(proof, other));
    xw_code_prove(kb.county, nonce[0], nonce[1], cert, other);
    assert_false(xw_code_equal(proof, other));
    xw_code_prove(ka.county, nonce[1], nonce[0], cert, other);
    assert_false(xw_code_equal(proof, other));
    cert[31] ^= 1;
    xw_code_prove(ka.county, nonce[0], nonce[1], cert, other);
    assert_false(xw_code_equal(proof, other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_shown_is_what_is_typed),
        cmocka_unit_test(case_blanks_and_look_alikes_do_not_count),
        cmocka_unit_test(every_wrong_character_and_every_swap_is_found),
        cmocka_unit_test(what_is_no_code_is_told_apart),
        cmocka_unit_test(the_proof_is_bound_to_all_it_is_about),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
